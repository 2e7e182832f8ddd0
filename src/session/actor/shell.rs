//! Commands of the user's own, beside whatever the agent does: their output stands in the transcript as it comes and goes
//! along with the next prompt.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::sync::watch;

use super::{Actor, Counted, Stop};
use crate::{
    agent::{
        place::Away,
        process::{self, Events, Exit, Invocation, ProcessEvent, ProcessHandle},
        stop::{Action, Signal, Step},
    },
    domain::{Content, Context, MessageId, Prompt, ToolCall, ToolKind, ToolResult, ToolUseId},
    session::capture::Capture,
};

pub(super) struct Shell {
    tool: ToolUseId,
    /// Of its output.
    message: MessageId,
    command: String,
    pub(super) handle: ProcessHandle,
    events: Events,
    /// Where the session's agent is.
    away: Option<Away>,
    output: Capture,
    failure: Option<String>,
    interrupted: bool,
    _counted: Counted,
}

/// More than this is not run at once.
const MOST: usize = 16;
/// What goes along with one prompt, in bytes.
const PROMPT: usize = 128 * 1024;

impl Actor {
    /// Of the agent, then of the commands.
    pub(super) fn handles(&self) -> Vec<ProcessHandle> {
        self.live
            .iter()
            .map(|live| &live.handle)
            .chain(self.shells.iter().map(|shell| &shell.handle))
            .cloned()
            .collect()
    }

    pub(super) fn shell(&mut self, command: String) -> Result<(), String> {
        if command.trim().is_empty() {
            return Err("there is no command: type one after the !".to_owned());
        }
        if matches!(self.stop, Stop::Asked | Stop::Removed) && self.live.is_some() || self.stop == Stop::Removed {
            return Err("the session is stopping: run the command again when it has stopped".to_owned());
        }
        if self.shells.len() >= MOST {
            return Err(format!("{MOST} commands are running: interrupt them, or wait until one has ended"));
        }
        let (invocation, away) = Invocation::shell(&self.options, &command, &self.common.binary.path())?;
        let process = process::spawn(invocation).map_err(|error| error.to_string())?;
        // It would wait for ever for somebody to type.
        process.handle.close_stdin();
        tracing::info!(keeper = process.handle.keeper(), "running a command of the user's");
        let tool = ToolUseId::new(self.own_id().as_str());
        let message = self.own_id();
        self.say(Content::ToolCall(ToolCall {
            tool_use_id: tool.clone(),
            name: ToolCall::BY_USER.to_owned(),
            kind: ToolKind::Execute,
            input: serde_json::json!({ "command": command }),
            title: command.clone(),
            locations: Vec::new(),
        }));
        self.shells.push(Shell {
            tool,
            message,
            command,
            handle: process.handle,
            events: process.events,
            away,
            output: Capture::default(),
            failure: None,
            interrupted: false,
            _counted: Counted::new(&self.common.counters),
        });
        Ok(())
    }

    pub(super) fn shell_event(&mut self, index: usize, event: Option<ProcessEvent>) {
        let Some(shell) = self.shells.get_mut(index) else { return };
        let text = match event {
            Some(ProcessEvent::Bytes(bytes)) => shell.output.push(&bytes),
            // What went wrong before the command was there to say anything.
            Some(ProcessEvent::Stderr(line)) => shell.output.push(format!("{line}\n").as_bytes()),
            Some(ProcessEvent::SpawnFailed(why)) => {
                shell.failure = Some(why);
                return;
            }
            Some(ProcessEvent::Exited(exit)) => return self.shell_ended(index, &exit),
            Some(_) => return,
            None => {
                tracing::error!("a command's events ended early");
                return self.shell_ended(index, &Exit::default());
            }
        };
        if !text.is_empty() {
            let (message, tool_use_id) = (shell.message.clone(), shell.tool.clone());
            let part = ToolResult { tool_use_id, output: text, ..ToolResult::default() };
            self.record(message, None, true, Content::ToolResult(part));
        }
    }

    fn shell_ended(&mut self, index: usize, exit: &Exit) {
        let Shell { tool, message, command, away, output, failure, interrupted, .. } = self.shells.remove(index);
        if let Some(away) = away {
            self.sweep(away);
        }
        let end = match failure {
            Some(why) => Some(why),
            None if interrupted && !exit.success() => Some("interrupted".to_owned()),
            None => (!exit.success()).then(|| exit.to_string()),
        };
        let with_end = |mut text: String| {
            if let Some(end) = &end {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(&format!("({end})"));
            }
            text
        };
        let mut content = Content::ToolResult(ToolResult {
            tool_use_id: tool,
            output: with_end(output.text()),
            is_error: end.is_some(),
            diff: Vec::new(),
        });
        self.notice_message(&mut content);
        self.record(message, None, false, content);
        let (text, cut) = output.for_prompt();
        let mut text = with_end(text);
        if text.trim().is_empty() {
            text = "(no output)".to_owned();
        }
        let output = Context { command, text, ..Context::default() };
        if cut {
            let message =
                format!("{}: only beginning and end of its output go along with the next prompt", output.label());
            self.say(Content::Status { subtype: "output_cut".to_owned(), message });
        }
        self.outputs.push(output);
        let mut size: usize = self.outputs.iter().map(|output| output.text.len()).sum();
        for output in &mut self.outputs {
            if size <= PROMPT {
                break;
            }
            size -= output.text.len();
            output.text = "(left out: there was too much after it)".to_owned();
        }
        self.flush();
        self.tell_row();
    }

    /// What the commands have said goes along. Not with a command of the agent's, which would not be one any more.
    pub(super) fn add_outputs(&mut self, prompt: &mut Prompt) {
        if !prompt.text.trim_start().starts_with('/') {
            prompt.context.append(&mut self.outputs);
        }
    }

    /// A prompt that comes back leaves the outputs here: they go along with the next one.
    pub(super) fn keep_outputs(&mut self, prompt: &mut Prompt) {
        let kept: Vec<Context> = prompt.context.extract_if(.., |context| context.is_output()).collect();
        self.outputs.splice(0..0, kept);
    }

    pub(super) fn interrupt_shells(&mut self) {
        let second = Duration::from_secs(1);
        for shell in &mut self.shells {
            shell.interrupted = true;
            let ladder = vec![
                Step::new(Action::Signal(Signal::Interrupt), second),
                Step::new(Action::Signal(Signal::Terminate), second),
                Step::kill(),
            ];
            shell.handle.climb(ladder, watch::Sender::new(false).subscribe());
        }
    }

    pub(super) fn kill_shells(&mut self) {
        for shell in &mut self.shells {
            shell.interrupted = true;
            shell.handle.kill();
        }
    }
}

/// What is said next by whichever of them. Cancel safe.
pub(super) async fn next_event(shells: &mut [Shell]) -> (usize, Option<ProcessEvent>) {
    let mut waiting: Vec<Pin<Box<dyn Future<Output = Option<ProcessEvent>> + Send + '_>>> = Vec::new();
    for shell in shells {
        waiting.push(Box::pin(shell.events.recv()));
    }
    poll_fn(|context| {
        for (index, event) in waiting.iter_mut().enumerate() {
            if let Poll::Ready(event) = event.as_mut().poll(context) {
                return Poll::Ready((index, event));
            }
        }
        Poll::Pending
    })
    .await
}
