//! What the agent is told: it is started, prompted, interrupted, stopped.

use std::path::PathBuf;

use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{Actor, Counted, LINGER, Live, Origin, Stop};
use crate::{
    agent::{
        process::{self, Prepared},
        protocol::registry,
        redact::Redactor,
        trace::Trace,
    },
    domain::{Command, Content, Prompt, ResumeMode, Status},
    session::updates::{Level, Update},
};

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
    pub(super) fn launch(&mut self) -> Result<(), String> {
        let row = registry::find(&self.options.config.protocol).ok_or_else(|| {
            let known = registry::names().collect::<Vec<_>>().join(", ");
            let (provider, protocol) = (&self.options.provider, &self.options.config.protocol);
            format!("providers.{provider}.protocol is '{protocol}', which agor does not speak: use one of {known}")
        })?;
        self.options.validate().map_err(|error| error.to_string())?;
        let launch = (row.launch)(&self.options);
        let prepared = Prepared::new(&self.options, &launch, &self.common.binary).map_err(|error| error.to_string())?;
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
            cwd = %self.options.cwd.display(),
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
            stdout_ended: false,
            noise: 0,
            _counted: Counted::new(&self.common.counters),
        });
        self.leave_at = None;
        self.take(first);
        Ok(())
    }

    /// A prompt of the user's: now, or when the turn has ended.
    pub(super) fn send(&mut self, prompt: Prompt) -> Result<(), String> {
        if self.origin == Origin::Archived {
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
                self.fail(message);
                self.return_prompt(prompt);
                self.leave_at = Some(Instant::now() + LINGER);
                return Ok(());
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
        // What it was allowed to do without asking does not grow by a restart.
        if !self.state.summary.mode.is_empty() {
            self.options.permission_mode = Some(self.state.summary.mode.clone());
        }
        let renames = registry::find(&self.options.config.protocol).is_some_and(|row| row.renames_model);
        let named = self.options.model.is_some() || renames;
        if !self.state.summary.model.is_empty() && named {
            self.options.model = Some(self.state.summary.model.clone());
        }
    }

    pub(super) fn deliver_prompt(&mut self, prompt: Prompt) {
        self.say(Content::Prompt(prompt.clone()));
        self.unheard = Some(prompt.clone());
        self.set_busy(true);
        self.set_status(Status::Running, None);
        self.command(Command::Prompt(prompt));
    }

    pub(super) fn return_prompt(&mut self, prompt: Prompt) {
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
        self.can("choose its model", "model=NAME", self.state.summary.capabilities.set_model)?;
        self.command(Command::SetModel(value));
        Ok(())
    }

    pub(super) fn set_mode(&mut self, value: String) -> Result<(), String> {
        self.can("change its mode", "permission_mode=NAME", self.state.summary.capabilities.set_mode)?;
        self.command(Command::SetMode(value));
        Ok(())
    }

    fn can(&self, what: &str, key: &str, able: bool) -> Result<(), String> {
        let (id, provider) = (&self.options.session_id, &self.options.provider);
        match (&self.live, able) {
            (None, _) => Err(format!("session {id} is not running: its next prompt starts it, then try again")),
            (Some(_), false) => Err(format!(
                "{provider} does not let anyone {what} while it runs: start another with :Agor start {provider} {key}"
            )),
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
