//! What the agent is set to: model, mode, effort and its own options; and what of it the next process is told.

use super::{Actor, Origin};
use crate::{
    agent::protocol::registry,
    domain::{Command, ResumeMode, Worktree},
    session::journal::Standing,
    transcript::Body,
};

/// What the user has chosen, beside what the agent says that it has.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Chosen while the agent was not ready: told as soon as it is.
    waiting: Vec<Setting>,
    /// The model that was asked for and not confirmed yet.
    model: Option<String>,
    /// The effort was chosen, not only reported.
    effort: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Model(String),
    Mode(String),
    Effort(String),
    Option { id: String, value: String },
}

impl Actor {
    /// Now, or as soon as there is an agent that can be told: who picks a model for a session whose agent has ended wants
    /// its next prompt to be answered by it.
    pub(super) fn set(&mut self, setting: Setting) -> Result<(), String> {
        match &self.live {
            None => self.keep(setting),
            Some(live) if !live.ready => self.settings.waiting.push(setting),
            Some(_) => self.tell_setting(setting)?,
        }
        Ok(())
    }

    /// For the next process.
    fn keep(&mut self, setting: Setting) {
        match setting {
            Setting::Model(model) => {
                self.options.model = Some(model.clone());
                self.settings.model = None;
                self.change(|summary| summary.model = model);
            }
            Setting::Mode(mode) => self.change(|summary| summary.mode = mode),
            Setting::Effort(effort) => {
                self.settings.effort = true;
                self.change(|summary| summary.effort = effort);
            }
            Setting::Option { .. } => self.settings.waiting.push(setting),
        }
    }

    fn tell_setting(&mut self, setting: Setting) -> Result<(), String> {
        let capabilities = &self.state.summary.capabilities;
        match &setting {
            Setting::Model(_) => self.can("choose its model", "model=NAME", capabilities.set_model)?,
            Setting::Mode(_) => self.can("change its mode", "permission_mode=NAME", capabilities.set_mode)?,
            Setting::Effort(_) => self.can("change its effort", "effort=NAME", capabilities.set_effort)?,
            Setting::Option { id, value } => self.can_set(id, value)?,
        }
        let command = match setting {
            Setting::Model(model) => {
                self.settings.model = Some(model.clone());
                Command::SetModel(model)
            }
            Setting::Mode(mode) => Command::SetMode(mode),
            Setting::Effort(effort) => {
                self.settings.effort = true;
                Command::SetEffort(effort)
            }
            Setting::Option { id, value } => Command::SetOption { id, value },
        };
        self.command(command);
        Ok(())
    }

    fn can(&self, what: &str, key: &str, able: bool) -> Result<(), String> {
        let provider = &self.options.provider;
        match able {
            true => Ok(()),
            false => Err(format!(
                "{provider} does not let anyone {what} while it runs: start another with :Agor start {provider} {key}"
            )),
        }
    }

    fn can_set(&self, id: &str, value: &str) -> Result<(), String> {
        let (provider, options) = (&self.options.provider, &self.state.summary.capabilities.options);
        let names = |ids: &mut dyn Iterator<Item = &String>| ids.map(String::as_str).collect::<Vec<_>>().join(", ");
        let Some(option) = options.iter().find(|option| option.id == id) else {
            return Err(match options.is_empty() {
                true => format!("{provider} has no options that can be set"),
                false => {
                    format!("{provider} has no option '{id}': it has {}", names(&mut options.iter().map(|o| &o.id)))
                }
            });
        };
        let choices = &option.choices;
        if !choices.is_empty() && !choices.iter().any(|choice| choice.id == value) {
            let known = names(&mut choices.iter().map(|choice| &choice.id));
            return Err(format!("{id} cannot be '{value}': choose one of {known}"));
        }
        Ok(())
    }

    /// The agent is ready to be told what was chosen before.
    pub(super) fn tell_waiting_settings(&mut self) {
        for setting in std::mem::take(&mut self.settings.waiting) {
            if let Err(message) = self.tell_setting(setting) {
                self.notify(crate::session::updates::Level::Warn, message);
            }
        }
    }

    /// The agent says which model it has.
    pub(super) fn has_model(&mut self, model: String) {
        if let Some(asked) = self.settings.model.take() {
            self.options.model = Some(asked);
        }
        self.change(|summary| summary.model = model);
    }

    /// The one that can be taken up.
    pub(super) fn conversation(&self) -> Option<String> {
        self.state.summary.agent_session.clone().filter(|_| !self.unspoken)
    }

    /// The next process takes the conversation up where the last one left it.
    pub(super) fn resume_options(&mut self) {
        if let Some(id) = self.conversation() {
            self.options.resume_mode = ResumeMode::Resume;
            self.options.resume_session_id = Some(id);
            self.options.fork = false;
            self.options.history_known =
                self.transcript.entries().iter().any(|entry| matches!(entry.body, Body::Prompt(_)));
        }
        // What it was allowed to do without asking does not grow by a restart. Whichever of the two a protocol reads.
        if !self.state.summary.mode.is_empty() {
            self.options.permission_mode = Some(self.state.summary.mode.clone());
            self.options.mode = Some(self.state.summary.mode.clone());
        }
        self.options.model = self.model_to_resume();
        if !self.state.summary.effort.is_empty() && (self.options.effort.is_some() || self.settings.effort) {
            self.options.effort = Some(self.state.summary.effort.clone());
        }
    }

    /// What the agent reports, if it takes that; else what the user chose. Nothing where nobody chose: the agent knows.
    pub(super) fn model_to_resume(&self) -> Option<String> {
        let chosen = self.options.model.as_ref();
        let reported = Some(&self.state.summary.model).filter(|model| !model.is_empty());
        let renames = registry::find(&self.options.config.protocol).is_some_and(|row| row.renames_model);
        let models = &self.state.summary.capabilities.models;
        let offered = |name: &String| models.iter().any(|model| model.id == *name);
        let resumed = match (reported, chosen) {
            (Some(reported), _) if renames => Some(reported),
            (Some(reported), Some(chosen)) if offered(chosen) && !offered(reported) => Some(chosen),
            (Some(reported), Some(_)) => Some(reported),
            (_, chosen) => chosen,
        };
        resumed.cloned()
    }

    /// Into the journal, where a later session finds it.
    pub(super) fn take_down(&mut self) {
        if self.origin == Origin::Archived {
            return;
        }
        let summary = &self.state.summary;
        let effort = self.options.effort.is_some() || self.settings.effort;
        let (title, name) = self.state.names();
        let standing = Standing {
            title: title.to_owned(),
            name: name.to_owned(),
            model: summary.model.clone(),
            mode: summary.mode.clone(),
            effort: summary.effort.clone(),
            agent_session: self.conversation(),
            earlier_sessions: self.state.earlier_sessions().to_vec(),
            cwd: self.state.moved.clone(),
            chosen_model: self.model_to_resume(),
            chosen_effort: Some(&summary.effort).filter(|chosen| effort && !chosen.is_empty()).cloned(),
            unfinished: summary.busy || summary.interrupted,
            // How much was done in it is counted anew, and would be a line at each turn.
            worktree: summary.worktree.clone().map(|worktree| Worktree { diffstat: None, ..worktree }),
            directory: summary.worktree.is_some().then(|| self.options.cwd.clone()),
            wanted_worktree: self.options.wanted_worktree().map(str::to_owned),
        };
        self.journal.stand(&standing);
    }

    /// The next process begins a conversation of its own, set as this one is.
    pub(super) fn forget_conversation(&mut self) {
        self.state.set_agent_session(None);
        self.resume_options();
        self.options.resume_mode = ResumeMode::New;
        self.options.resume_session_id = None;
        self.options.fork = false;
        self.options.history_known = false;
        self.change(|summary| {
            summary.context_used = None;
            summary.context_size = None;
        });
        self.take_down();
    }
}
