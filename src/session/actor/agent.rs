//! The agent's side: what it says, and how it ends.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use tokio::time::Instant;

use super::{Actor, LINGER, Stop};
use crate::{
    agent::{
        lines::Frame,
        place,
        process::{Exit, ProcessEvent},
        protocol::Output,
        trace::Direction,
    },
    domain::{Cause, Content, Event, Hold, Prompt, Resume, Status, ToolKind, TurnOutcome, Wait, reported},
    session::updates::{Level, Update},
};

/// Lines of stderr that an error quotes.
const QUOTED_STDERR: usize = 10;
/// An agent whose output has ended cannot be heard any more: it should end too.
const MUTE: Duration = Duration::from_secs(3);

impl Actor {
    pub(super) fn process_event(&mut self, event: Option<ProcessEvent>) {
        let Some(event) = event else {
            // The stream ended without its last event: only a bug of ours can do that.
            tracing::error!("the process's events ended early");
            self.exited(&Exit::default());
            return;
        };
        match event {
            ProcessEvent::Started { pid } => tracing::info!(pid, "the agent runs"),
            ProcessEvent::SpawnFailed(message) => {
                self.fail(message);
                self.return_unheard();
            }
            // Not what agents are started for.
            ProcessEvent::Bytes(_) => {}
            ProcessEvent::Frames(frames) => {
                self.watch_over();
                frames.into_iter().for_each(|frame| self.frame(frame));
            }
            ProcessEvent::Stderr(line) => {
                self.watching.take_stderr(&line);
                tracing::info!("stderr: {}", self.redactor.text(&line));
            }
            ProcessEvent::Undelivered(_) => {
                if self.return_unheard() {
                    self.say_undelivered();
                }
            }
            ProcessEvent::StdoutEnded => self.stdout_ended(),
            ProcessEvent::Exited(exit) => {
                self.stdout_ended();
                self.exited(&exit);
                self.notice_at_end();
            }
        }
    }

    /// The prompt of which the agent has heard nothing; true if there was one.
    fn return_unheard(&mut self) -> bool {
        let Some(prompt) = self.unheard.take() else { return false };
        self.prompted = None;
        self.give_back(prompt)
    }

    fn say_undelivered(&mut self) {
        self.say(Content::Status {
            subtype: "undelivered".to_owned(),
            message: "The agent has not taken the prompt; it is back in the prompt window".to_owned(),
        });
    }

    fn frame(&mut self, frame: Frame) {
        if self.live.is_none() {
            return;
        }
        self.common.counters.bytes_in.fetch_add(frame.size() as u64, Relaxed);
        if let Frame::Line(line) = &frame {
            if tracing::enabled!(tracing::Level::DEBUG) {
                tracing::debug!("← {}", self.redactor.short(line));
            }
            self.trace(Direction::Out, line);
        }
        let Some(live) = &mut self.live else { return };
        let first = !std::mem::replace(&mut live.heard, true);
        let output = live.protocol.receive(frame);
        self.take(output);
        if first {
            self.say_unjudged();
        }
    }

    fn stdout_ended(&mut self) {
        let Some(live) = &mut self.live else { return };
        if !std::mem::replace(&mut live.stdout_ended, true) {
            let (provider, seconds) = (&self.options.provider, MUTE.as_secs());
            let verdict =
                format!("{provider} has closed its output and did not end within {seconds} s: it was stopped");
            live.due = Some((Instant::now() + MUTE, verdict));
            let output = live.protocol.end();
            self.take(output);
        }
    }

    /// The agent had its time: it is stopped, and why is said when it has ended, with its last words.
    pub(super) fn give_up(&mut self, verdict: String) {
        let Some(live) = &mut self.live else { return };
        live.verdict = Some(verdict);
        live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe());
    }

    fn exited(&mut self, exit: &Exit) {
        let (verdict, explained) = self.live.take().map_or((None, None), |live| self.over(live, exit));
        let was_busy = self.state.summary.busy;
        self.end_watch();
        self.state.process_ended();
        self.cancel_questions("expired: the agent has ended");
        self.files.clear();
        self.granted.leaves.clear();
        self.conversations(Err(format!("{} has ended", self.options.provider)));
        // Whatever made it leave without a word: what the user has typed is not lost. Who is not logged in sends it again.
        let advised = self.advice.take().is_some();
        let prompt = self.prompted.take().filter(|_| advised);
        let unheard = self.unheard.take().or(prompt);
        if let Some(prompt) = unheard.filter(|_| self.stop == Stop::No) {
            self.give_back(prompt);
        }
        let status = self.state.summary.status;
        if matches!(self.stop, Stop::Cleared | Stop::Refused | Stop::Anew) {
            self.tell_row();
        } else if self.stop != Stop::No || exit.success() && status != Status::Error && verdict.is_none() {
            self.set_status(Status::Done, None);
        } else if verdict.is_some() || status != Status::Error || !exit.success() && self.state.summary.error.is_none()
        {
            let from = exit.stderr_tail.len().saturating_sub(QUOTED_STDERR);
            let mut tail = exit.stderr_tail[from..].to_vec();
            if let Some(explained) = &explained {
                tail.retain(|line| !place::is_told(line, explained));
            }
            let mut message = verdict.or(explained).unwrap_or_else(|| exit.to_string());
            for line in tail {
                message.push('\n');
                message.push_str(&line);
            }
            self.fail(message);
        } else {
            self.tell_row();
        }
        if was_busy {
            let stop_reason = if self.stop == Stop::No { "exited" } else { "stopped" };
            self.turn_over(stop_reason);
        }
        self.flush();
        self.sync();
        match self.stop {
            Stop::Cleared => {
                self.stop = Stop::No;
                return self.begin_again();
            }
            Stop::Anew => {
                self.stop = Stop::No;
                return self.begin_anew();
            }
            Stop::Refused => {
                self.stop = Stop::No;
                if self.state.queue.due().is_some() {
                    self.begin_after_refusal();
                }
                // A login takes its time: the session stays where it is listed.
                return self.tell_row();
            }
            Stop::Asked => self.stop = Stop::No,
            Stop::No | Stop::Removed => {}
        }
        self.hold_queue(Hold::Ended);
        self.leave_at = Some(Instant::now() + LINGER);
        self.tell_row();
    }

    pub(super) fn take(&mut self, output: Output) {
        let Output { events, writes } = output;
        for bytes in writes {
            if self.live.is_none() {
                break;
            }
            let text = String::from_utf8_lossy(&bytes);
            if tracing::enabled!(tracing::Level::DEBUG) {
                tracing::debug!("→ {}", self.redactor.short(text.trim_end()));
            }
            self.trace(Direction::In, text.trim_end());
            if self.live.as_ref().is_some_and(|live| live.handle.write(bytes).is_err()) {
                tracing::warn!("the agent takes no more input");
            }
        }
        for event in events {
            self.event(event);
        }
        if let Some(live) = &mut self.live
            && !live.ready
            && live.protocol.is_ready()
        {
            live.ready = true;
            // Unless that is about the end of its output.
            live.due.take_if(|_| !live.stdout_ended);
            self.tell_waiting_settings();
            self.ask_for_conversations();
            self.next_prompt();
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Message { id, parent_id, part, mut content } => {
                self.unheard = None;
                if matches!(
                    content,
                    Content::Text { .. } | Content::Thinking { .. } | Content::ToolCall(_) | Content::ToolResult(_)
                ) {
                    self.waits_no_more();
                }
                // What a command has said so far means nothing yet, and it may say it line by line.
                if !part {
                    self.watch_tools(&content);
                    self.notice_message(&mut content);
                }
                // Said in another place, and told again by the agent.
                if let (Content::Prompt(prompt), None) = (&content, &parent_id) {
                    self.state.title_from(prompt);
                    self.tell_row();
                }
                self.record(id, parent_id, part, content);
            }
            Event::Ended(id) => self.text_ended(&id),
            Event::TurnStarted => {
                self.set_busy(true);
                self.set_status(Status::Running, None);
            }
            Event::TurnEnded { stop_reason, outcome } => {
                self.unheard = None;
                let interrupted = self.live.as_ref().is_some_and(|live| live.interrupted);
                self.set_busy(false);
                self.refuse_files("the turn has ended");
                let prompt = self.prompted.take();
                if let Some(live) = &mut self.live {
                    live.resuming = false;
                }
                match outcome {
                    _ if self.advice.is_some() => {
                        let advice = self.advice.take();
                        self.hold_queue(Hold::Failed);
                        self.set_status(Status::Error, advice);
                        // To be sent again after the login.
                        if let Some(prompt) = prompt {
                            self.give_back(prompt);
                        }
                        self.end_refused();
                    }
                    TurnOutcome::Idle | TurnOutcome::Done => {
                        self.again.unfinished &= interrupted;
                        self.state.summary.wait = None;
                        let idle = outcome == TurnOutcome::Idle;
                        self.set_status(if idle { Status::Idle } else { Status::Done }, None);
                    }
                    TurnOutcome::Failed(message) => {
                        // What comes next would most likely fail too. Who interrupts knows what is wrong.
                        if !interrupted {
                            self.hold_queue(Hold::Failed);
                        }
                        self.set_status(Status::Error, Some(message));
                    }
                }
                self.turn_over(&stop_reason);
                self.next_prompt();
            }
            Event::AgentSession(id) => self.agent_session(id),
            Event::Model(model) => self.has_model(reported(model)),
            Event::Mode(mode) => {
                self.change(|summary| summary.mode = reported(mode));
                self.say_unjudged();
            }
            Event::Effort(effort) => self.change(|summary| summary.effort = reported(effort)),
            Event::Context { used, size } => self.change(|summary| {
                summary.context_used = Some(used);
                summary.context_size = size.or(summary.context_size);
            }),
            Event::File(request) => {
                self.unheard = None;
                self.file(*request);
            }
            Event::Conversations(found) => self.conversations(found),
            Event::Title(title) if self.state.names().0 == title => {}
            Event::Title(title) => {
                self.state.set_title(&title);
                self.tell_row();
            }
            Event::Capabilities(capabilities) => {
                self.state.set_capabilities(*capabilities);
                self.tell_row();
                self.say_unjudged();
            }
            // Who asks has heard what it was told.
            Event::Permission(request) => {
                self.unheard = None;
                self.ask_permission(*request);
            }
            Event::Call(request) => {
                self.unheard = None;
                self.judge_call(*request);
            }
            Event::Question(request) => {
                self.unheard = None;
                self.ask_question(*request);
            }
            Event::Withdrawn(request_id) => self.withdraw(&request_id),
            Event::Returned(prompt) => {
                // It comes back once.
                let same = |kept: &mut Prompt| kept.text == prompt.text;
                self.unheard.take_if(same);
                self.prompted.take_if(same);
                if self.give_back(*prompt) {
                    self.say_undelivered();
                }
            }
            Event::Waits { wait, delay_ms } => self.waits(wait, delay_ms),
            Event::LoginNeeded { message } => {
                self.waits(Wait::new(Cause::Login, message.clone()), None);
                let text = self.login_sentence(&message);
                self.fail(text.clone());
                self.advice = self.state.summary.busy.then_some(text);
            }
            Event::Failed { mut message } => {
                self.say_if_lost(&mut message);
                self.return_unheard();
                (self.prompted, self.advice) = (None, None);
                let was_busy = self.state.summary.busy;
                self.set_busy(false);
                self.hold_queue(Hold::Failed);
                self.fail(message);
                if was_busy {
                    self.turn_over("error");
                }
            }
            Event::Noise { text } => {
                if let Some(live) = &mut self.live {
                    live.noise += 1;
                    let text = self.redactor.short(&text);
                    tracing::warn!(count = live.noise, "not a message: {text}");
                }
            }
            Event::Notice { message } => self.notify(Level::Warn, message),
        }
    }

    /// The conversation that was to go on may be gone. It may have failed for other reasons, which another one does not
    /// cure.
    fn say_if_lost(&self, message: &mut String) {
        let resumed = self.options.resume_session_id.as_ref();
        let lost = resumed.is_some_and(|id| message.contains(id.as_str()));
        if self.live.as_ref().is_some_and(|live| live.resuming) && lost {
            message.truncate(message.trim_end_matches('.').len());
            message.push_str(
                ". /seed in the prompt begins a new conversation in this session that is given this transcript, \
                 /clear one that knows nothing of it",
            );
        }
    }

    /// What a whole message means for the session beside the transcript.
    pub(super) fn notice_message(&mut self, content: &mut Content) {
        match content {
            Content::Cost(cost) => {
                self.state.add_cost(cost);
                self.tell_row();
            }
            Content::ToolResult(result) => {
                self.leave_ends_with(&result.tool_use_id);
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
            // Codex' agent finds out with the first prompt.
            Content::Error { message } => self.say_if_lost(message),
            _ => {}
        }
    }

    fn turn_over(&mut self, stop_reason: &str) {
        self.turn_ends();
        self.grants_end_with_turn();
        self.granted.leaves.clear();
        self.flush();
        self.sync();
        // Whatever was started in the background may have written after its tool had answered.
        if std::mem::take(&mut self.touched) {
            self.tell_files(Vec::new());
        }
        self.look_at_worktree();
        if self.live.is_some() {
            self.notice_files();
        }
        // Who hears of a turn's end has heard what was said in it.
        self.deliver(true);
        self.tell(Update::Turn { session: self.options.session_id.clone(), stop_reason: stop_reason.to_owned() });
    }

    fn agent_session(&mut self, id: String) {
        match &self.state.summary.agent_session {
            Some(known) if *known != id => {
                self.say(Content::Status {
                    subtype: "new_conversation".to_owned(),
                    message: "new conversation".to_owned(),
                });
            }
            _ => {}
        }
        if self.state.summary.agent_session.as_ref() != Some(&id) {
            self.unspoken = !self.state.summary.busy && self.options.resume() == Ok(Resume::New);
        }
        if self.state.summary.agent_session.as_ref() != Some(&id) {
            self.state.set_agent_session(Some(id));
            self.tell_row();
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut crate::domain::SessionSummary)) {
        let before = self.state.summary.clone();
        change(&mut self.state.summary);
        self.state.refresh();
        if self.state.summary != before {
            self.tell_row();
        }
    }

    pub(super) fn set_busy(&mut self, busy: bool) {
        if busy && !self.state.summary.busy {
            self.turn_begins();
        }
        match busy {
            true if !self.state.summary.busy => self.begin_watch(),
            false => self.end_watch(),
            true => {}
        }
        self.state.set_busy(busy, self.common.now());
        if let Some(live) = &mut self.live {
            live.interrupted = false;
            live.busy.send_replace(busy);
        }
    }

    /// Something the agent cannot get over: into the transcript, and status `error`.
    pub(super) fn fail(&mut self, message: String) {
        let message = self.redactor.text(&message);
        self.say(Content::Error { message: message.clone() });
        self.set_status(Status::Error, Some(message));
    }
}
