//! Questions that wait for the user: each is settled exactly once.

use std::path::{Path, PathBuf};

use super::{Actor, audited::Decided};
use crate::{
    domain::{Answer, Command, Content, PermissionRequest, QuestionRequest, RequestId, Subject, outside},
    render::{ask_body, ask_whole},
    session::{
        audit::{Decision, Who},
        request::Found,
        state::{Asked, Pending},
        updates::{Offered, Update},
    },
};

/// An agent that asks without end is not asked back: nobody would answer that many.
const OPEN_QUESTIONS: usize = 256;

impl Actor {
    pub(super) fn ask_permission(&mut self, request: PermissionRequest) {
        let (ours, request_id) = (request.subject == Subject::Start, request.request_id.clone());
        if self.ask(Asked::Permission(Box::new(request))) {
            match ours {
                true => self.show_permission(&request_id),
                false => self.consider_next(),
            }
        }
    }

    /// No rule decides it: the user is asked, if that was not done before.
    pub(super) fn show_permission(&mut self, request_id: &RequestId) {
        if !self.state.show(request_id) {
            return;
        }
        let Some(pending) = self.state.find_pending(request_id) else { return };
        let Asked::Permission(request) = &pending.asked else { return };
        let mut offered = pending.grounds.as_ref().map(Offered::of).unwrap_or_default();
        offered.note.clone_from(&pending.note);
        let request = request.clone();
        let body = ask_body(&request, self.paths_outside(&request, &offered.project), self.icons);
        self.colour_question(&request, &body);
        self.tell_row();
        self.tell(Update::Permission { session: self.options.session_id.clone(), request, body, offered });
    }

    /// What of a request lies outside the project and the other directories that the session was given.
    fn paths_outside(&self, request: &PermissionRequest, project: &Path) -> Vec<String> {
        if request.subject == Subject::Start {
            return Vec::new();
        }
        let cwd = &self.options.cwd;
        let more = self.options.additional_directories.iter().map(|directory| cwd.join(directory));
        // Without grounds there is no project of a name.
        let project = Some(project.to_owned()).filter(|project| project.is_absolute());
        let roots: Vec<PathBuf> = std::iter::once(cwd.clone()).chain(more).chain(project).collect();
        outside::outside(request, &roots, self.options.environ.get("HOME").map(String::as_str))
    }

    /// For who wants to read more of it than the question shows.
    pub(super) fn asked_whole(&self, request_id: &RequestId) -> Option<Found> {
        let pending = self.state.find_pending(request_id)?;
        match &pending.asked {
            Asked::Permission(request) => {
                let project = pending.grounds.as_ref().map(|grounds| grounds.project.as_path());
                let outside = self.paths_outside(request, project.unwrap_or(&self.options.cwd));
                Some(Found::Whole(ask_whole(request, &outside, self.icons)))
            }
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
        // No rule answers what we ask ourselves.
        let considers = matches!(&asked, Asked::Permission(request) if request.subject != Subject::Start);
        let mut pending = Pending::new("".into(), asked, considers);
        // An agent that repeats a request asks once.
        if self.state.find_pending(pending.request_id()).is_some() {
            return false;
        }
        if self.state.open_questions() >= OPEN_QUESTIONS {
            let message = format!("{OPEN_QUESTIONS} questions are open: the agent's next one was refused");
            self.take_down_pending(&pending, &message, &Decided::by(Who::Agor, Decision::Denied));
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
        let (outcome, decided) = (pending.outcome(&answer)?, Decided::answer(pending, &answer));
        self.settle(request_id, outcome, &decided);
        if self.trust_answered(request_id, &answer) {
            return Ok(());
        }
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
        Ok(())
    }

    /// What it asked, or what was asked about a file that it wants through us.
    pub(super) fn answer_agent(&mut self, command: Command) {
        match command {
            Command::Answer { request_id, answer } if self.files.contains_key(&request_id) => {
                self.file_answered(&request_id, answer);
            }
            command => self.command(command),
        }
    }

    /// The agent no longer waits.
    pub(super) fn withdraw(&mut self, request_id: &RequestId) {
        let decided = Decided::by(Who::Agent, Decision::Withdrawn);
        self.settle(request_id, "withdrawn by the agent".to_owned(), &decided);
        self.forget_file(request_id);
    }

    /// All that are open, at the end of whoever asked or of the turn.
    pub(super) fn cancel_questions(&mut self, outcome: &str) {
        self.trust_no_more();
        let decision = if outcome.starts_with("expired") { Decision::Expired } else { Decision::Cancelled };
        for pending in self.state.take_all_pending() {
            self.take_down_pending(&pending, outcome, &Decided::by(Who::Agor, decision));
            let request_id = pending.request_id().clone();
            self.close(pending, outcome.to_owned());
            self.answer_agent(Command::Answer { request_id, answer: Answer::Cancelled });
        }
    }

    /// Those that are open when the session is let go of: they are taken down, and told to nobody.
    pub(super) fn drop_questions(&mut self, why: &str) {
        for pending in self.state.take_all_pending() {
            let decided = Decided::by(Who::Agor, Decision::Expired);
            self.take_down_pending(&pending, why, &decided);
        }
    }

    pub(super) fn settle(&mut self, request_id: &RequestId, outcome: String, decided: &Decided) {
        self.take_down_decision(request_id, &outcome, decided);
        self.note_leave(request_id, decided);
        self.settle_unseen(request_id, outcome);
    }

    /// It was taken down before.
    pub(super) fn settle_unseen(&mut self, request_id: &RequestId, outcome: String) {
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
