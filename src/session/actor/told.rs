//! What the agent is told: it is started, prompted, interrupted, stopped, started anew.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{Actor, LINGER, Live, Origin, Stop, common::Counted, settings::Setting, trusted::Then};
use crate::{
    agent::{
        place::{self, Away, Elsewhere},
        process::{self, AgentProcess, Prepared},
        protocol::{Protocol, registry},
        redact::Redactor,
    },
    domain::{Command, Content, Hold, MessageId, Prompt, Resume, Status},
    session::{gather, queue, request::Order, updates::Level},
};

/// What a session starts.
pub(in crate::session) struct Agent {
    pub(in crate::session) protocol: Box<dyn Protocol>,
    pub(in crate::session) process: AgentProcess,
    /// Where it runs, if that is not here.
    pub(in crate::session) away: Option<Away>,
    /// How long it may take to be ready.
    pub(in crate::session) ready_within: Option<Duration>,
}

impl Actor {
    /// The first process of a new session, with its first prompt.
    pub(super) fn begin(&mut self) {
        if let Some(prompt) = self.options.prompt.take() {
            self.state.title_from(&prompt);
            self.add_prompt(0, prompt);
        }
        if self.options.fork {
            let message = "a copy of an earlier conversation: what is said here does not reach the other".to_owned();
            self.say(Content::Status { subtype: "fork".to_owned(), message });
        }
        self.read_seed();
        if !self.make_worktree() {
            self.start_agent();
        }
        // An answer or a worktree may be long in coming.
        if self.live.is_none() {
            self.take_down_queue();
        }
    }

    /// What waits goes to a new process.
    pub(super) fn start_agent(&mut self) {
        if self.read_past() || self.must_trust(Then::Start) {
            return;
        }
        match self.launch() {
            Ok(()) => {
                self.next_prompt();
                self.foresee_turns();
            }
            Err(message) => {
                self.fail(message);
                self.return_queue();
                self.leave_at = Some(Instant::now() + LINGER);
                self.tell_row();
            }
        }
    }

    /// Starts a process, after `must_trust` has said that nothing is in its way. An error is a sentence.
    pub(super) fn launch(&mut self) -> Result<(), String> {
        let without = self.take_verdict()?;
        self.options.validate().map_err(|error| error.to_string())?;
        if let Some(gone) = self.worktree_gone() {
            return Err(gone);
        }
        let Agent { mut protocol, process, away, ready_within } = self.agent(without)?;
        let first = protocol.start();
        self.live = Some(Live {
            protocol,
            handle: process.handle,
            events: process.events,
            away,
            heard: false,
            busy: watch::Sender::new(false),
            ready: false,
            resuming: self.options.resume().is_ok_and(|resume| resume != Resume::New),
            due: ready_within.map(|within| {
                let (provider, seconds) = (&self.options.provider, within.as_secs());
                (Instant::now() + within, format!("{provider} was not ready within {seconds} s and was stopped"))
            }),
            verdict: None,
            stdout_ended: false,
            interrupted: false,
            noise: 0,
            _counted: Counted::new(&self.common.counters),
        });
        self.leave_at = None;
        self.watching.forget_stderr();
        // Of the process before: this one may fail in its own way, and that is told.
        self.state.summary.error = None;
        self.take(first);
        Ok(())
    }

    /// A process of the configured program, and how to speak to it. `without`: arguments that keep it from what it finds.
    fn agent(&mut self, without: Vec<String>) -> Result<Agent, String> {
        if let Some(launch) = &self.common.outside.agents {
            return launch(&self.options, without);
        }
        let row = registry::find(&self.options.config.protocol).ok_or_else(|| {
            let known = registry::names().collect::<Vec<_>>().join(", ");
            let (provider, protocol) = (&self.options.provider, &self.options.config.protocol);
            format!("providers.{provider}.protocol is '{protocol}', which agor does not speak: use one of {known}")
        })?;
        let seen = self.options.is_elsewhere().then(|| place::as_seen_there(&self.options));
        let seen = seen.as_ref().unwrap_or(&self.options);
        if self.options.fork && !row.told_fork {
            let provider = &self.options.provider;
            return Err(format!(
                "{provider} cannot copy a conversation: resume it without fork, or start a new session"
            ));
        }
        let mut launch = (row.launch)(seen);
        launch.args.extend(without);
        let prepared =
            Prepared::new(&self.options, &launch, &self.common.binary.path()).map_err(|error| error.to_string())?;
        for warning in prepared.warnings {
            self.notify(Level::Warn, warning);
        }
        self.withheld = prepared.withheld;
        self.redactor = Redactor::new(
            prepared.invocation.env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))),
        )
        .and_servers(&self.options.config.mcp_servers);
        tracing::info!(
            program = %prepared.invocation.program.display(),
            place = self.state.summary.place,
            cwd = %self.options.cwd.display(),
            "starting the agent"
        );
        let process = process::spawn(prepared.invocation).map_err(|error| error.to_string())?;
        let mut protocol = (row.build)(seen, Uuid::new_v4());
        if prepared.away.is_some() {
            protocol = Box::new(Elsewhere::new(protocol, self.options.config.paths.clone()));
        }
        Ok(Agent { protocol, process, away: prepared.away, ready_within: row.ready_within })
    }

    pub(super) fn order(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Send(prompt) => self.send(prompt),
            Order::SendNow(prompt) => self.send_now(prompt),
            Order::Steer(prompt) => self.steer(prompt),
            Order::Interrupt => self.interrupt(),
            Order::Stop { force } => {
                self.stop(force);
                Ok(())
            }
            Order::Answer { request_id, answer } => self.answer(&request_id, answer),
            Order::SetModel(value) => self.set(Setting::Model(value)),
            Order::SetMode(value) => self.set(Setting::Mode(value)),
            Order::SetEffort(value) => self.set(Setting::Effort(value)),
            Order::SetOption { id, value } => self.set(Setting::Option { id, value }),
            Order::Login(id) => self.login(id),
            Order::Clear => self.clear(),
            Order::Seed => self.seed(),
            Order::Restart => self.restart(),
            Order::Retry => self.retry(),
            Order::Rename(name) => {
                self.rename(&name);
                Ok(())
            }
            Order::Shell(command) => self.shell(command),
            Order::MakeWorktree => self.make_worktree_again(),
            Order::File { request_id, reply } => self.file_reply(request_id, reply),
            Order::DeleteConversation(id) => self.delete_conversation(id),
            Order::Queue { entry, change } => self.change_queued(&entry, change),
            Order::QueuePut { at, prompt } => self.put_back(at, prompt),
            Order::QueueGo => self.let_queue_go(),
            #[cfg(debug_assertions)]
            Order::Panic => panic!("the session was told to panic with {:?}", self.options.extra_env.values()),
        }
    }

    /// Into the turn that runs. Where that cannot be, or something has to be read first, it is a prompt like any
    /// other.
    fn steer(&mut self, mut prompt: Prompt) -> Result<(), String> {
        self.hurry();
        if !self.can_steer(&prompt) {
            return self.send(prompt);
        }
        self.add_outputs(&mut prompt);
        let id = self.own_id();
        self.steer_in(id, prompt);
        Ok(())
    }

    pub(super) fn can_steer(&self, prompt: &Prompt) -> bool {
        self.stop == Stop::No
            && self.state.summary.busy
            && self.state.summary.capabilities.steer
            && prompt.images.is_empty()
            // A command of the agent's is one only at the beginning of a turn.
            && !prompt.text.starts_with('/')
            && !gather::is_open(prompt)
            && self.live.as_ref().is_some_and(|live| live.ready)
    }

    pub(super) fn steer_in(&mut self, id: MessageId, prompt: Prompt) {
        self.record(id, None, false, Content::Prompt(Prompt { steered: true, ..prompt.clone() }));
        self.command(Command::Steer(prompt));
    }

    /// A prompt of the user's: now, or when the turn has ended. What was held back goes on after it.
    pub(super) fn send(&mut self, prompt: Prompt) -> Result<(), String> {
        self.take_in(prompt, false)
    }

    /// The turn that runs is interrupted for it.
    fn send_now(&mut self, prompt: Prompt) -> Result<(), String> {
        self.hurry();
        if self.state.summary.busy {
            self.interrupt_turn()?;
        }
        self.take_in(prompt, true)
    }

    fn take_in(&mut self, mut prompt: Prompt, now: bool) -> Result<(), String> {
        if self.origin == Origin::Archived {
            return Err(self.not_running());
        }
        if matches!(self.stop, Stop::Asked | Stop::Removed) && self.live.is_some() {
            return Err("the session is stopping: send the prompt again when it has stopped".to_owned());
        }
        if self.state.queue.len() >= queue::MOST {
            return Err(format!("{} prompts wait already: :Agor queue shows them", queue::MOST));
        }
        // Who says something knows what was refused.
        self.refused.clear();
        self.state.title_from(&prompt);
        self.add_outputs(&mut prompt);
        if !self.runs() {
            self.return_prompt(prompt);
            return Ok(());
        }
        let first = now || self.state.queue.held().is_some();
        self.state.queue.release();
        let at = if first { self.state.queue.first() } else { self.state.queue.len() };
        let id = self.add_prompt(at, prompt);
        if first {
            self.state.queue.hurry(&id);
        }
        self.next_prompt();
        self.tell_row();
        Ok(())
    }

    /// There is a process, started if there was none, or soon will be. Why not stands in the transcript.
    pub(super) fn runs(&mut self) -> bool {
        if self.live.is_some() {
            return true;
        }
        self.stop = Stop::No;
        if self.make_worktree() || self.read_past() {
            self.state.expect_prompt();
            return true;
        }
        self.resume_options();
        if self.must_trust(Then::Start) {
            self.state.expect_prompt();
            return true;
        }
        match self.launch() {
            Ok(()) => true,
            Err(message) => {
                self.fail(message);
                self.leave_at = Some(Instant::now() + LINGER);
                false
            }
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        if let Some(live) = &mut self.live {
            let output = live.protocol.command(command);
            self.take(output);
        }
    }

    /// What waits is held back: who interrupts has something to say before that.
    pub(super) fn interrupt(&mut self) -> Result<(), String> {
        self.hurry();
        let commands = !self.shells.is_empty();
        self.interrupt_shells();
        if self.live.is_none() || !self.state.summary.busy {
            self.hold_queue(Hold::Interrupted);
            self.expect_nothing();
            self.tell_row();
            return Ok(());
        }
        if !self.interruptible() && commands {
            return Ok(());
        }
        self.interrupt_turn()?;
        self.hold_queue(Hold::Interrupted);
        self.tell_row();
        Ok(())
    }

    /// While the agent is still being opened its prompt has not been sent, and needs no agent to be taken back.
    fn interruptible(&self) -> bool {
        self.state.summary.capabilities.interrupt || self.live.as_ref().is_some_and(|live| !live.ready)
    }

    pub(super) fn interrupt_turn(&mut self) -> Result<(), String> {
        if !self.interruptible() {
            let provider = &self.options.provider;
            return Err(format!("{provider} cannot be interrupted: :Agor stop ends the session"));
        }
        // It is told again, should it have been busy with something else; the user learns what else there is.
        if self.live.as_mut().is_some_and(|live| std::mem::replace(&mut live.interrupted, true)) {
            let provider = &self.options.provider;
            let message = format!(
                "{provider} has not ended the turn yet, as it was told. :Agor stop ends it; the next prompt then goes on \
                 with the conversation"
            );
            self.notify(Level::Warn, message);
        }
        self.command(Command::Interrupt);
        self.cancel_questions("cancelled");
        self.refuse_files("the user has interrupted the turn");
        Ok(())
    }

    pub(super) fn stop(&mut self, force: bool) {
        match self.making.now || self.is_trusting() {
            // No agent was ever started for it.
            true => self.return_queue(),
            false => self.hold_queue(Hold::Ended),
        }
        match force {
            true => self.kill_shells(),
            false => self.interrupt_shells(),
        }
        if matches!(self.stop, Stop::No | Stop::Cleared | Stop::Refused | Stop::Anew) {
            self.stop = Stop::Asked;
        }
        match &self.live {
            Some(live) if force => live.handle.kill(),
            Some(live) => live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe()),
            None => {
                self.set_status(Status::Done, None);
            }
        }
        self.cancel_questions("cancelled: the session was stopped");
        self.tell_row();
    }

    /// The agent's login was refused. One that reads it only when it starts is ended.
    pub(super) fn end_refused(&mut self) {
        let once = registry::find(&self.options.config.protocol).is_some_and(|row| row.login_at_start);
        if let Some(live) = self.live.as_ref().filter(|_| once && self.stop == Stop::No) {
            live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe());
            self.stop = Stop::Refused;
        }
    }

    /// What was prompted while the agent was being ended.
    pub(super) fn begin_after_refusal(&mut self) {
        self.resume_options();
        if self.must_trust(Then::GoOn) {
            return;
        }
        match self.launch() {
            Ok(()) => self.next_prompt(),
            Err(message) => {
                self.fail(message);
                self.hold_queue(Hold::Ended);
                self.tell_row();
            }
        }
    }

    /// The agent's conversation is over; the session goes on with another one.
    pub(super) fn clear(&mut self) -> Result<(), String> {
        self.drop_seed();
        if self.origin == Origin::Archived {
            return Err(self.not_running());
        }
        if matches!(self.stop, Stop::Asked | Stop::Removed) && self.live.is_some() {
            return Err("the session is stopping: its next prompt begins after that".to_owned());
        }
        if self.stop == Stop::Cleared {
            return Ok(());
        }
        self.hold_queue(Hold::Ended);
        self.cancel_questions("cancelled: the conversation was cleared");
        match &self.live {
            Some(live) => {
                self.stop = Stop::Cleared;
                live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe());
                self.tell_row();
            }
            None => self.begin_conversation(),
        }
        Ok(())
    }

    /// Another process goes on with the conversation: of an agent that hangs, or that has ended.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        if self.origin == Origin::Archived {
            return Err(self.not_running());
        }
        if matches!(self.stop, Stop::Asked | Stop::Removed | Stop::Cleared) && self.live.is_some() {
            return Err("the session is stopping: start its agent anew when it has stopped".to_owned());
        }
        self.cancel_questions("cancelled: the agent is started anew");
        match &self.live {
            Some(live) => {
                live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe());
                self.stop = Stop::Anew;
                self.tell_row();
            }
            None => self.begin_anew(),
        }
        Ok(())
    }

    pub(super) fn begin_anew(&mut self) {
        self.stop = Stop::No;
        let message = "The agent is started anew and goes on with the conversation".to_owned();
        self.say(Content::Status { subtype: "restarted".to_owned(), message });
        self.seed_if_lost();
        self.resume_options();
        self.launch_and_go_on();
    }

    /// What waits goes to the new process.
    pub(super) fn launch_and_go_on(&mut self) {
        if self.must_trust(Then::GoOn) {
            if self.state.queue.due().is_some() {
                self.state.expect_prompt();
                self.tell_row();
            }
            return;
        }
        match self.launch() {
            Ok(()) => {
                self.set_status(Status::Idle, None);
                self.next_prompt();
            }
            Err(message) => {
                self.fail(message);
                self.hold_queue(Hold::Ended);
                self.leave_at = Some(Instant::now() + LINGER);
                self.tell_row();
            }
        }
    }

    /// Without a process: the next one begins a conversation of its own.
    fn begin_conversation(&mut self) {
        self.forget_conversation();
        self.say(Content::Status { subtype: "new_conversation".to_owned(), message: "new conversation".to_owned() });
    }

    /// The process of the cleared conversation has ended: the next one is there before the next prompt is typed.
    pub(super) fn begin_again(&mut self) {
        self.begin_conversation();
        self.launch_and_go_on();
    }

    pub(super) fn not_running(&self) -> String {
        let id = &self.options.session_id;
        match self.origin {
            Origin::Archived => format!("session {id} is not running: it is shown from its journal"),
            _ => format!("session {id} is not running: its next prompt starts it, then try again"),
        }
    }
}
