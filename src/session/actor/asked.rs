//! Questions that wait for the user: each is settled exactly once.

use super::Actor;
use crate::{
    domain::{Answer, Command, Content, PermissionRequest, QuestionRequest, RequestId},
    render::ask_body,
    session::{
        state::{Asked, Pending},
        updates::Update,
    },
};

/// An agent that asks without end is not asked back: nobody would answer that many.
const OPEN_QUESTIONS: usize = 256;

impl Actor {
    pub(super) fn ask_permission(&mut self, request: PermissionRequest) {
        let body = ask_body(&request, self.icons);
        self.colour_question(&request, &body);
        let update =
            Update::Permission { session: self.options.session_id.clone(), request: Box::new(request.clone()), body };
        self.ask(Asked::Permission(Box::new(request)), update);
    }

    pub(super) fn ask_question(&mut self, request: QuestionRequest) {
        let update = Update::Question { session: self.options.session_id.clone(), request: Box::new(request.clone()) };
        self.ask(Asked::Question(Box::new(request)), update);
    }

    fn ask(&mut self, asked: Asked, update: Update) {
        let mut pending = Pending { message: "".into(), asked };
        // An agent that repeats a request asks once.
        if self.state.find_pending(pending.request_id()).is_some() {
            return;
        }
        if self.state.summary.pending >= OPEN_QUESTIONS {
            let message = format!("{OPEN_QUESTIONS} questions are open: the agent's next one was refused");
            self.say(Content::Status { subtype: "refused".to_owned(), message });
            let request_id = pending.request_id().clone();
            return self.answer_agent(Command::Answer { request_id, answer: Answer::Cancelled });
        }
        pending.message = self.say(pending.content(None));
        self.state.ask(pending.message, pending.asked);
        self.tell_row();
        self.tell(update);
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

    fn settle(&mut self, request_id: &RequestId, outcome: String) {
        if let Some(pending) = self.state.take_pending(request_id) {
            self.close(pending, outcome);
        }
    }

    fn close(&mut self, pending: Pending, outcome: String) {
        let request_id = pending.request_id().clone();
        let content = pending.content(Some(outcome.clone()));
        self.record(pending.message, None, false, content);
        self.tell_row();
        self.tell(Update::Closed { session: self.options.session_id.clone(), request_id, outcome });
    }
}
