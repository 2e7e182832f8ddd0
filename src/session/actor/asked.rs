//! Questions that wait for the user: each is settled exactly once.

use super::{Actor, granted::may_be_granted};
use crate::{
    domain::{Answer, Command, Content, PermissionRequest, QuestionRequest, RequestId},
    render::{ask_body, ask_whole},
    session::{
        request::Found,
        state::{Asked, Pending},
        updates::{Offered, Update},
    },
};

/// An agent that asks without end is not asked back: nobody would answer that many.
const OPEN_QUESTIONS: usize = 256;

impl Actor {
    pub(super) fn ask_permission(&mut self, request: PermissionRequest) {
        let grantable = may_be_granted(&request);
        let request_id = request.request_id.clone();
        if !self.ask(Asked::Permission(Box::new(request))) {
            return;
        }
        match grantable {
            true => self.consider_next(),
            false => self.show_permission(&request_id),
        }
    }

    /// No grant allows it: the user is asked, if that was not done before.
    pub(super) fn show_permission(&mut self, request_id: &RequestId) {
        if !self.state.show(request_id) {
            return;
        }
        let Some(pending) = self.state.find_pending(request_id) else { return };
        let Asked::Permission(request) = &pending.asked else { return };
        let (request, offered) = (request.clone(), pending.grounds.as_ref().map(Offered::of).unwrap_or_default());
        let body = ask_body(&request, self.icons);
        self.colour_question(&request, &body);
        self.tell_row();
        self.tell(Update::Permission { session: self.options.session_id.clone(), request, body, offered });
    }

    /// For who wants to read more of it than the question shows.
    pub(super) fn asked_whole(&self, request_id: &RequestId) -> Option<Found> {
        match &self.state.find_pending(request_id)?.asked {
            Asked::Permission(request) => Some(Found::Whole(ask_whole(request, self.icons))),
            Asked::Question(_) => None,
        }
    }

    pub(super) fn ask_question(&mut self, request: QuestionRequest) {
        let update = Update::Question { session: self.options.session_id.clone(), request: Box::new(request.clone()) };
        let request_id = request.request_id.clone();
        if self.ask(Asked::Question(Box::new(request))) {
            self.state.show(&request_id);
            self.tell_row();
            self.tell(update);
        }
    }

    /// False if that is nothing new, or too much. It is not shown by that.
    fn ask(&mut self, asked: Asked) -> bool {
        let considers = matches!(&asked, Asked::Permission(request) if may_be_granted(request));
        let mut pending = Pending::new("".into(), asked, considers);
        // An agent that repeats a request asks once.
        if self.state.find_pending(pending.request_id()).is_some() {
            return false;
        }
        if self.state.open_questions() >= OPEN_QUESTIONS {
            let message = format!("{OPEN_QUESTIONS} questions are open: the agent's next one was refused");
            self.say(Content::Status { subtype: "refused".to_owned(), message });
            let request_id = pending.request_id().clone();
            self.answer_agent(Command::Answer { request_id, answer: Answer::Cancelled });
            return false;
        }
        pending.message = self.say(pending.content(None));
        self.state.ask(pending);
        true
    }

    pub(super) fn answer(&mut self, request_id: &RequestId, answer: Answer) -> Result<(), String> {
        let pending = self.state.find_pending(request_id);
        let pending =
            pending.ok_or_else(|| format!("no question {request_id} is open: it was answered or withdrawn"))?;
        let outcome = pending.outcome(&answer)?;
        self.settle(request_id, outcome);
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
        Ok(())
    }

    /// The agent no longer waits.
    pub(super) fn withdraw(&mut self, request_id: &RequestId) {
        self.settle(request_id, "withdrawn by the agent".to_owned());
    }

    /// All that are open, at the end of whoever asked or of the turn.
    pub(super) fn cancel_questions(&mut self, outcome: &str) {
        for pending in self.state.take_all_pending() {
            let request_id = pending.request_id().clone();
            self.close(pending, outcome.to_owned());
            self.answer_agent(Command::Answer { request_id, answer: Answer::Cancelled });
        }
    }

    pub(super) fn settle(&mut self, request_id: &RequestId, outcome: String) {
        if let Some(pending) = self.state.take_pending(request_id) {
            self.close(pending, outcome);
        }
    }

    fn close(&mut self, pending: Pending, outcome: String) {
        let request_id = pending.request_id().clone();
        let content = pending.content(Some(outcome.clone()));
        self.record(pending.message, None, false, content);
        if !pending.shown {
            return;
        }
        self.tell_row();
        self.tell(Update::Closed { session: self.options.session_id.clone(), request_id, outcome });
    }
}
