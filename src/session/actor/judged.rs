//! Tools that are about to run, of agents that tell of each before that, whether they ask or not: what rules forbid does not
//! run in any mode, and what they want to be asked about is asked. What rules allow is left to the agent: it may ask all the
//! same, and then that is answered.

use super::{Actor, Done, audited::Decided, granted::refusing};
use crate::{
    domain::{Command, Content, Judgement, PermissionRequest},
    session::{
        audit::Decision,
        policy::{self, Found, Outcome, Reasons},
        state::{Asked, Grounds, Pending},
    },
};

impl Actor {
    /// Looked up beside the session, as what is asked is.
    pub(super) fn judge_call(&mut self, request: PermissionRequest) {
        let setting = self.setting();
        self.jobs.spawn_blocking(move || {
            let found = policy::look_up(&request, &setting);
            Done::Judged { request: Box::new(request), found: Box::new(found) }
        });
    }

    pub(super) fn call_judged(&mut self, request: PermissionRequest, found: Found) {
        let request_id = request.request_id.clone();
        let judgement = match found.outcome {
            Outcome::Deny { by, told } => {
                let told = self.reason(&by, told);
                let part = request.tool_use_id.is_none();
                let pending = self.take_down_forbidden(request, found.grounds, by.clone());
                // A search may find something in hundreds of files: the log has each, and who reads along the first few.
                match &told {
                    None if part => self.say_more_forbidden(&by),
                    _ => drop(self.say(pending)),
                }
                Judgement::Deny(told.unwrap_or(by.words))
            }
            Outcome::Ask(why) => Judgement::Ask(why),
            Outcome::Allow(_) | Outcome::Open => Judgement::Nothing,
        };
        self.answer_agent(Command::Judged { request_id, judgement });
    }

    /// It stands in the transcript and in the audit log as if it had been asked.
    pub(super) fn forbid_call(&mut self, request: PermissionRequest, grounds: Option<Grounds>, by: Reasons) {
        let content = self.take_down_forbidden(request, grounds, by);
        self.say(content);
    }

    /// What is to be said of it.
    fn take_down_forbidden(&mut self, request: PermissionRequest, grounds: Option<Grounds>, by: Reasons) -> Content {
        let option = refusing(&request).cloned();
        let outcome = match &option {
            Some(option) => format!("{} ({})", option.name, by.words),
            None => by.words.clone(),
        };
        let mut pending = Pending::new("".into(), Asked::Permission(Box::new(request)), false);
        pending.grounds = grounds;
        let decided = Decided::by_rule(Decision::Denied, by, option.map(|option| option.kind));
        self.take_down_pending(&pending, &outcome, &decided);
        pending.content(Some(outcome))
    }

    /// Once until the user says something.
    fn say_more_forbidden(&mut self, by: &Reasons) {
        if self.untold(by) == 1 {
            let message = format!("there is more that is {}: :AgorAudit shows each", by.words);
            self.say(Content::Status { subtype: "policy".to_owned(), message });
        }
    }

    /// Once: in the present mode nothing is asked, so nobody holds what is done against rules.
    pub(super) fn say_unjudged(&mut self) {
        let tells = self.state.summary.capabilities.tells_calls;
        // Before it has said a word nobody knows whether it can ask.
        let heard = self.live.as_ref().is_some_and(|live| live.heard);
        if !heard || tells || self.unjudged || !self.state.summary.asks_nothing || !self.options.policy.restricts() {
            return;
        }
        self.unjudged = true;
        let message = format!(
            "{} asks nothing in this mode: what your rules forbid or want to be asked about is not seen, but for files that \
             it reads and writes through the editor",
            self.options.provider
        );
        self.say(Content::Status { subtype: "policy".to_owned(), message });
    }
}
