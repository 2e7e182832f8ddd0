//! The agent's side: its process, what it says, what it is told.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
};

use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{Actor, LINGER, Live, Stop};
use crate::{
    agent::{
        lines::Frame,
        process::{self, Exit, Prepared, ProcessEvent},
        protocol::{Output, registry},
        redact::Redactor,
        trace::{Direction, Trace},
    },
    domain::{Command, Content, Event, Prompt, ResumeMode, Status, ToolKind, TurnOutcome},
    session::updates::{Level, Update},
};

/// Lines of stderr that an error quotes.
const QUOTED_STDERR: usize = 10;

impl Actor {
    /// The first process of a new session, with its first prompt.
    pub(super) fn begin(&mut self) {
        let prompt = self.options.prompt.take();
        if let Some(prompt) = &prompt {
            self.state.title_from(prompt);
        }
        match self.launch() {
            Ok(()) => {
                if let Some(prompt) = prompt {
                    self.deliver_prompt(prompt);
                }
            }
            Err(message) => {
                self.fail(message);
                if let Some(prompt) = prompt {
                    self.return_prompt(prompt);
                }
                self.leave_at = Some(Instant::now() + LINGER);
            }
        }
    }

    /// Starts a process. An error is a sentence.
    fn launch(&mut self) -> Result<(), String> {
        let row = registry::find(&self.options.config.protocol).ok_or_else(|| {
            let known = registry::names().collect::<Vec<_>>().join(", ");
            let (provider, protocol) = (&self.options.provider, &self.options.config.protocol);
            format!("providers.{provider}.protocol is '{protocol}', which agor does not speak: use one of {known}")
        })?;
        self.options.validate().map_err(|error| error.to_string())?;
        let cwd = &self.options.cwd;
        if !cwd.is_dir() {
            return Err(format!("{} is not a directory: start the session in one that exists", cwd.display()));
        }
        let launch = (row.launch)(&self.options);
        let prepared = Prepared::new(&self.options, &launch, &self.common.binary).map_err(|error| error.to_string())?;
        for warning in prepared.warnings {
            self.notify(Level::Warn, warning);
        }
        self.withheld = prepared.withheld;
        let redactor = Redactor::new(
            prepared.invocation.env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))),
        );
        tracing::info!(
            session = %self.options.session_id,
            program = %prepared.invocation.program.display(),
            cwd = %cwd.display(),
            "starting the agent"
        );
        let agent = process::spawn(prepared.invocation).map_err(|error| error.to_string())?;
        let mut protocol = (row.build)(&self.options, Uuid::new_v4());
        let first = protocol.start();
        self.live = Some(Live {
            protocol,
            handle: agent.handle,
            events: agent.events,
            busy: watch::Sender::new(false),
            redactor,
            stdout_ended: false,
            noise: 0,
        });
        self.common.counters.processes.fetch_add(1, Relaxed);
        self.leave_at = None;
        self.take(first);
        Ok(())
    }

    /// A prompt of the user's: now, or when the turn has ended.
    pub(super) fn send(&mut self, prompt: Prompt) -> Result<(), String> {
        if self.archived {
            let id = &self.options.session_id;
            return Err(format!("session {id} is not running: it is shown from its journal"));
        }
        if self.stop != Stop::No && self.live.is_some() {
            return Err("the session is stopping: send the prompt again when it has stopped".to_owned());
        }
        self.state.title_from(&prompt);
        if self.live.is_none() {
            self.stop = Stop::No;
            self.resume_options();
            if let Err(message) = self.launch() {
                self.fail(message.clone());
                self.leave_at = Some(Instant::now() + LINGER);
                return Err(message);
            }
        }
        if self.state.summary.busy {
            self.state.queue.push_back(prompt);
            self.tell_row();
        } else {
            self.deliver_prompt(prompt);
        }
        Ok(())
    }

    /// The next process takes the conversation up where the last one left it.
    fn resume_options(&mut self) {
        if let Some(id) = &self.state.agent_session {
            self.options.resume_mode = ResumeMode::Resume;
            self.options.resume_session_id = Some(id.clone());
        }
        if !self.state.summary.model.is_empty() && self.options.model.is_some() {
            self.options.model = Some(self.state.summary.model.clone());
        }
    }

    fn deliver_prompt(&mut self, prompt: Prompt) {
        self.say(Content::Prompt { text: prompt.text.clone(), context: prompt.context.clone() });
        self.unheard = Some(prompt.clone());
        self.set_busy(true);
        self.set_status(Status::Running, None);
        self.command(Command::Prompt(prompt));
    }

    fn return_prompt(&mut self, prompt: Prompt) {
        self.tell(Update::Draft { session: self.options.session_id.clone(), prompt });
    }

    fn command(&mut self, command: Command) {
        if let Some(live) = &mut self.live {
            let output = live.protocol.command(command);
            self.take(output);
        }
    }

    pub(super) fn answer_agent(&mut self, command: Command) {
        self.command(command);
    }

    pub(super) fn interrupt(&mut self) -> Result<(), String> {
        if self.live.is_none() || !self.state.summary.busy {
            return Ok(());
        }
        if !self.state.summary.capabilities.interrupt {
            let provider = &self.options.provider;
            return Err(format!("{provider} cannot be interrupted: :Agor stop ends the session"));
        }
        self.command(Command::Interrupt);
        self.cancel_questions("cancelled");
        Ok(())
    }

    pub(super) fn stop(&mut self, force: bool) {
        let queued: Vec<Prompt> = self.state.queue.drain(..).collect();
        for prompt in queued {
            self.return_prompt(prompt);
        }
        if self.stop == Stop::No {
            self.stop = Stop::Asked;
        }
        match &self.live {
            Some(live) if force => live.handle.kill(),
            Some(live) => live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe()),
            None => self.set_status(Status::Done, None),
        }
        self.cancel_questions("cancelled: the session was stopped");
        self.tell_row();
    }

    pub(super) fn set_model(&mut self, value: String) -> Result<(), String> {
        self.can("choose its model", self.state.summary.capabilities.set_model)?;
        self.command(Command::SetModel(value));
        Ok(())
    }

    pub(super) fn set_mode(&mut self, value: String) -> Result<(), String> {
        self.can("change its mode", self.state.summary.capabilities.set_mode)?;
        self.command(Command::SetMode(value));
        Ok(())
    }

    fn can(&self, what: &str, able: bool) -> Result<(), String> {
        match (&self.live, able) {
            (None, _) => Err(format!("session {} is not running", self.options.session_id)),
            (Some(_), false) => Err(format!("{} does not let anyone {what} while it runs", self.options.provider)),
            (Some(_), true) => Ok(()),
        }
    }

    pub(super) fn set_trace(&mut self, on: bool) -> Result<PathBuf, String> {
        let folder = self.common.traces.as_deref().ok_or("there is no folder for traces: see :checkhealth agor")?;
        let path = Trace::path(folder, &self.options.session_id);
        self.trace = match on {
            true => Some(Trace::open(&path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?),
            false => None,
        };
        Ok(path)
    }
}

impl Actor {
    pub(super) fn process_event(&mut self, event: Option<ProcessEvent>) {
        let Some(event) = event else {
            // The stream ended without its last event: only a bug of ours can do that.
            tracing::error!(session = %self.options.session_id, "the process's events ended early");
            self.exited(&Exit::default());
            return;
        };
        match event {
            ProcessEvent::Started { pid } => tracing::info!(session = %self.options.session_id, pid, "the agent runs"),
            ProcessEvent::SpawnFailed(message) => {
                self.fail(message);
                if let Some(prompt) = self.unheard.take() {
                    self.return_prompt(prompt);
                }
            }
            ProcessEvent::Frames(frames) => frames.into_iter().for_each(|frame| self.frame(frame)),
            ProcessEvent::Stderr(line) => {
                let line = self.live.as_ref().map_or_else(|| line.clone(), |live| live.redactor.text(&line));
                tracing::info!(session = %self.options.session_id, "stderr: {line}");
            }
            ProcessEvent::Undelivered(_) => {
                if let Some(prompt) = self.unheard.take() {
                    self.return_prompt(prompt);
                    self.say(Content::Status {
                        subtype: "undelivered".to_owned(),
                        message: "The agent has not taken the prompt; it is back in the prompt window".to_owned(),
                    });
                }
            }
            ProcessEvent::StdoutEnded => self.stdout_ended(),
            ProcessEvent::Exited(exit) => {
                self.stdout_ended();
                self.exited(&exit);
            }
        }
    }

    fn frame(&mut self, frame: Frame) {
        let Some(live) = &mut self.live else { return };
        self.common.counters.bytes_in.fetch_add(frame.size() as u64, Relaxed);
        if let Frame::Line(line) = &frame {
            if tracing::enabled!(tracing::Level::DEBUG) {
                tracing::debug!(session = %self.options.session_id, "← {}", live.redactor.short(line));
            }
            if let Some(trace) = &mut self.trace {
                trace.write(Direction::Out, &live.redactor.line(line));
            }
        }
        let output = live.protocol.receive(frame);
        self.take(output);
    }

    fn stdout_ended(&mut self) {
        let Some(live) = &mut self.live else { return };
        if !std::mem::replace(&mut live.stdout_ended, true) {
            let output = live.protocol.end();
            self.take(output);
        }
    }

    fn exited(&mut self, exit: &Exit) {
        if self.live.take().is_some() {
            self.common.counters.processes.fetch_sub(1, Relaxed);
        }
        let was_busy = self.state.summary.busy;
        self.state.process_ended();
        self.cancel_questions("expired: the agent has ended");
        let status = self.state.summary.status;
        if self.stop != Stop::No || exit.success() && status != Status::Error {
            self.set_status(Status::Done, None);
        } else if status != Status::Error || !exit.success() && self.state.summary.error.is_none() {
            let mut message = exit.to_string();
            let from = exit.stderr_tail.len().saturating_sub(QUOTED_STDERR);
            for line in &exit.stderr_tail[from..] {
                message.push('\n');
                message.push_str(line);
            }
            self.fail(message);
        } else {
            self.tell_row();
        }
        if was_busy {
            let stop_reason = if self.stop == Stop::No { "exited" } else { "stopped" };
            self.turn_over(stop_reason);
        }
        let queued: Vec<Prompt> = self.state.queue.drain(..).collect();
        for prompt in queued {
            self.return_prompt(prompt);
        }
        if self.stop == Stop::Asked {
            self.stop = Stop::No;
        }
        self.flush();
        self.sync();
        self.leave_at = Some(Instant::now() + LINGER);
        self.tell_row();
    }

    fn take(&mut self, output: Output) {
        let Output { events, writes } = output;
        if let Some(live) = &self.live {
            for bytes in writes {
                let text = String::from_utf8_lossy(&bytes);
                if tracing::enabled!(tracing::Level::DEBUG) {
                    tracing::debug!(session = %self.options.session_id, "→ {}", live.redactor.short(text.trim_end()));
                }
                if let Some(trace) = &mut self.trace {
                    trace.write(Direction::In, &live.redactor.line(text.trim_end()));
                }
                if live.handle.write(bytes).is_err() {
                    tracing::warn!(session = %self.options.session_id, "the agent takes no more input");
                }
            }
        }
        for event in events {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Message { id, parent_id, part, content } => {
                self.unheard = None;
                self.notice_message(&content);
                self.record(id, parent_id, part, content);
            }
            Event::TurnStarted => {
                self.set_busy(true);
                self.set_status(Status::Running, None);
            }
            Event::TurnEnded { stop_reason, outcome } => {
                self.unheard = None;
                self.set_busy(false);
                match outcome {
                    TurnOutcome::Idle => self.set_status(Status::Idle, None),
                    TurnOutcome::Done => self.set_status(Status::Done, None),
                    TurnOutcome::Failed(message) => self.set_status(Status::Error, Some(message)),
                }
                self.turn_over(&stop_reason);
                if self.stop == Stop::No
                    && let Some(prompt) = self.state.queue.pop_front()
                {
                    self.deliver_prompt(prompt);
                }
            }
            Event::AgentSession(id) => self.agent_session(id),
            Event::Model(model) => self.change(|summary| summary.model = model),
            Event::Mode(mode) => self.change(|summary| summary.mode = mode),
            Event::Title(title) => self.change(|summary| summary.title = title),
            Event::Capabilities(capabilities) => {
                self.state.set_capabilities(*capabilities);
                self.tell_row();
            }
            Event::Permission(request) => self.ask_permission(*request),
            Event::Question(request) => self.ask_question(*request),
            Event::Withdrawn(request_id) => self.withdraw(&request_id),
            Event::LoginNeeded { message } => {
                let text = self.login_sentence(&message);
                self.fail(text.clone());
                self.notify(Level::Error, text);
            }
            Event::Failed { message } => {
                self.unheard = None;
                let was_busy = self.state.summary.busy;
                self.set_busy(false);
                self.fail(message);
                if was_busy {
                    self.turn_over("error");
                }
            }
            Event::Noise { text } => {
                if let Some(live) = &mut self.live {
                    live.noise += 1;
                    let text = live.redactor.short(&text);
                    tracing::warn!(session = %self.options.session_id, count = live.noise, "not a message: {text}");
                }
            }
            Event::Notice { message } => self.notify(Level::Warn, message),
        }
    }

    /// What a message means for the session beside the transcript.
    fn notice_message(&mut self, content: &Content) {
        match content {
            Content::Cost(cost) => {
                self.state.add_cost(cost);
                self.tell_row();
            }
            Content::ToolResult(result) => {
                let kind = self.transcript.tool(&result.tool_use_id).map(|tool| tool.call.kind);
                let mut paths: Vec<PathBuf> =
                    result.diff.iter().map(|file| self.absolute(Path::new(&file.path))).collect();
                if let Some(tool) = self.transcript.tool(&result.tool_use_id)
                    && matches!(kind, Some(ToolKind::Edit | ToolKind::Delete | ToolKind::Move))
                {
                    paths.extend(tool.call.locations.iter().map(|place| self.absolute(Path::new(&place.path))));
                }
                paths.sort();
                paths.dedup();
                if !paths.is_empty() {
                    self.tell_files(paths);
                } else if matches!(kind, Some(ToolKind::Execute | ToolKind::Other)) {
                    self.touched = true;
                    self.tell_files(Vec::new());
                }
            }
            _ => {}
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.options.cwd.join(path)
    }

    fn tell_files(&self, paths: Vec<PathBuf>) {
        let (session, cwd) = (self.options.session_id.clone(), self.options.cwd.clone());
        self.tell(Update::Files { session, cwd, paths });
    }

    fn turn_over(&mut self, stop_reason: &str) {
        self.flush();
        self.sync();
        // Whatever was started in the background may have written after its tool had answered.
        if std::mem::take(&mut self.touched) {
            self.tell_files(Vec::new());
        }
        self.deliver(true);
        self.tell(Update::Turn { session: self.options.session_id.clone(), stop_reason: stop_reason.to_owned() });
    }

    fn agent_session(&mut self, id: String) {
        match &self.state.agent_session {
            Some(known) if *known != id => {
                self.say(Content::Status {
                    subtype: "new_conversation".to_owned(),
                    message: "new conversation".to_owned(),
                });
            }
            _ => {}
        }
        self.state.agent_session = Some(id);
    }

    fn change(&mut self, change: impl FnOnce(&mut crate::domain::SessionSummary)) {
        let before = self.state.summary.clone();
        change(&mut self.state.summary);
        self.state.refresh();
        if self.state.summary != before {
            self.tell_row();
        }
    }

    fn set_busy(&mut self, busy: bool) {
        self.state.summary.busy = busy;
        if let Some(live) = &self.live {
            live.busy.send_replace(busy);
        }
    }

    /// Something the agent cannot get over: into the transcript, and status `error`.
    fn fail(&mut self, message: String) {
        let message = self.live.as_ref().map_or_else(|| message.clone(), |live| live.redactor.text(&message));
        self.say(Content::Error { message: message.clone() });
        self.set_status(Status::Error, Some(message));
    }
}

impl Actor {
    /// What the agent said, and what the user can do about it.
    fn login_sentence(&self, said: &str) -> String {
        let provider = &self.options.provider;
        let said = said.trim().trim_end_matches('.');
        let mut text = format!("{provider} is not logged in: {said}. Run :Agor login {provider}");
        let is_key = |name: &&String| ["KEY", "TOKEN", "AUTH"].iter().any(|word| name.contains(word));
        let withheld: Vec<&str> = self.withheld.iter().filter(is_key).map(String::as_str).collect();
        if !withheld.is_empty() {
            let (verb, list) = (if withheld.len() == 1 { "was" } else { "were" }, withheld.join(", "));
            let quoted = withheld.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            text.push_str(&format!(
                ". {list} {verb} withheld from it; to pass it on: require('agor').setup({{ providers = {{ {provider} = {{ pass_env = {{ {quoted} }} }} }} }})"
            ));
        }
        text
    }
}
