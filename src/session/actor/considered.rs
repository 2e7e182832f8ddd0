//! Each permission request is held against rules, grants and refusals before the user is asked: what they decide is answered
//! here, the rest is shown.
//!
//! What has to be looked up on the disk is a job; meanwhile the request is open and not yet shown. They are looked up one
//! after the other, so that they are shown in the order they came in.

use std::{path::PathBuf, sync::Arc};

use super::{
    Actor, Done,
    audited::{By, Decided},
    granted::refusing,
};
use crate::{
    domain::{Answer, Command, RequestId},
    session::{
        audit::{self, Decision, Who},
        policy::{self, Found, Outcome, Reasons, Setting, allow_once},
        reply::Reply,
        request::Counted,
        state::Asked,
        updates::Level,
    },
};

/// Refusals by one rule that an agent is told the reason of until the user says something: some get it as a prompt of its
/// own, and an agent that tries again each time would never end.
const TOLD: u32 = 3;

impl Actor {
    pub(super) fn setting(&self) -> Setting {
        let options = &self.options;
        Setting {
            cwd: options.cwd.clone(),
            home: options.environ.get("HOME").map(PathBuf::from),
            folder: self.grants_folder(),
            away: options.is_elsewhere(),
            here: options.files_are_here(),
            policy: Arc::clone(&options.policy),
            held: self.granted.held.clone(),
        }
    }

    /// Looks up the next one that nobody has looked up yet.
    pub(super) fn consider_next(&mut self) {
        if self.granted.considered.is_some() {
            return;
        }
        let next = self.state.unconsidered().and_then(|pending| match &pending.asked {
            Asked::Permission(request) => Some((**request).clone()),
            Asked::Question(_) => None,
        });
        let Some(request) = next else { return };
        self.granted.considered = Some(request.request_id.clone());
        let (setting, changes) = (self.setting(), self.granted.changes);
        self.jobs.spawn_blocking(move || {
            let found = policy::look_up(&request, &setting);
            Done::Considered { request_id: request.request_id, found: Box::new(found), changes }
        });
    }

    pub(super) fn considered(&mut self, request_id: &RequestId, found: Found, changes: u64) {
        self.granted.considered = None;
        // What has changed meanwhile may say something else.
        if changes != self.granted.changes {
            return self.consider_next();
        }
        let Found { grounds, outcome, note, restricts, trouble } = found;
        if let Some(trouble) = trouble.filter(|_| !std::mem::replace(&mut self.granted.complained, true)) {
            self.notify(Level::Warn, format!("what is always allowed in this project is asked about: {trouble}"));
        }
        // Answered, withdrawn or cancelled meanwhile, it is not there.
        if self.state.consider(request_id, grounds, note, restricts) {
            match outcome {
                Outcome::Deny { by, told } => self.forbid(request_id, by, told),
                Outcome::Allow(by) => self.allow(request_id, by),
                Outcome::Ask(_) | Outcome::Open => self.show_permission(request_id),
            }
        }
        self.consider_next();
    }

    /// How many earlier requests each rule that was offered would have been about.
    pub(super) fn weigh(&mut self, request_id: &RequestId, reply: Reply<Counted>) {
        let grounds = self.state.find_pending(request_id).and_then(|pending| pending.grounds.clone());
        let folder = self.common.journals.as_deref().map(audit::folder);
        let (Some(grounds), Some(folder)) = (grounds, folder) else {
            let _ = reply.send(Ok(Counted::default()));
            return;
        };
        let (setting, project) = (self.setting(), self.state.summary.project.clone());
        self.jobs.spawn_blocking(move || {
            let counted = policy::weigh(&grounds, &setting, &folder, &project);
            Done::Weighed { reply, counted }
        });
    }

    /// The agent hears of no more than this once.
    fn allow(&mut self, request_id: &RequestId, by: Reasons) {
        let pending = self.state.find_pending(request_id);
        let Some(Asked::Permission(request)) = pending.map(|pending| &pending.asked) else { return };
        let Some(option) = allow_once(request).cloned() else { return self.show_permission(request_id) };
        let outcome = format!("{} ({})", option.name, by.words);
        let decided = Decided::by_rule(Decision::Allowed, by, Some(option.kind));
        // What is not taken down is not decided by rules.
        if !self.take_down_decision(request_id, &outcome, &decided) {
            return self.show_permission(request_id);
        }
        self.settle_unseen(request_id, outcome);
        let answer = Answer::Option { option_id: option.option_id, message: None, input: None };
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
    }

    /// What the agent is told of it, if it is to be told.
    pub(super) fn reason(&mut self, by: &Reasons, told: String) -> Option<String> {
        let count = self.refused.entry(by.rules.join("\n")).or_default();
        *count += 1;
        (*count <= TOLD).then_some(told)
    }

    /// How often the agent was refused by the same without being told why.
    pub(super) fn untold(&self, by: &Reasons) -> u32 {
        self.refused.get(&by.rules.join("\n")).map_or(0, |count| count.saturating_sub(TOLD))
    }

    /// Also where nothing can be taken down.
    fn forbid(&mut self, request_id: &RequestId, by: Reasons, told: String) {
        let pending = self.state.find_pending(request_id);
        let Some(Asked::Permission(request)) = pending.map(|pending| &pending.asked) else { return };
        let option = refusing(request).cloned();
        let message = self.reason(&by, told);
        let (answer, outcome) = match &option {
            Some(option) => {
                let outcome = format!("{} ({})", option.name, by.words);
                (Answer::Option { option_id: option.option_id.clone(), message, input: None }, outcome)
            }
            None => (Answer::Cancelled, by.words.clone()),
        };
        let decided = Decided::by_rule(Decision::Denied, by, option.map(|option| option.kind));
        self.settle(request_id, outcome, &decided);
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
    }
}

impl Decided {
    /// By rules where there are some, else by what was allowed or refused for longer.
    pub(super) fn by_rule(decision: Decision, by: Reasons, option: Option<crate::domain::OptionKind>) -> Self {
        let who = if by.grants.is_empty() { Who::Policy } else { Who::Grant };
        Self { decision, by: By { who: Some(who), option, rules: by.rules, grants: by.grants } }
    }
}
