//! Colours of code on their way: what the shown rows want goes to the thread, and what it has found to the views.
//!
//! What is wanted is told by the rows themselves when they are painted; nothing of it holds them up.

use std::sync::Arc;

use super::{Actor, heard::Done};
use crate::{
    domain::{PermissionRequest, RequestId},
    render::{
        AskBody, Line,
        code::{Coloured, Colours},
    },
    session::updates::Update,
};

impl Actor {
    /// Asks for what is wanted most; the next when that has come.
    pub(super) fn send_for_colours(&mut self) {
        // Nobody looks: it is asked for again when somebody does.
        if self.views.is_empty() {
            return;
        }
        while let Some(job) = self.readings.colours.next_job(|id| self.transcript.entry(id)) {
            let answer = self.common.colourist.ask(self.reader, job);
            self.jobs.spawn(async move { Done::Coloured(answer.await) });
        }
    }

    pub(super) fn coloured(&mut self, answer: Coloured) {
        let entry = self.readings.colours.take(answer);
        if let Some(entry) = entry.and_then(|entry| self.transcript.position(entry)) {
            // A buffer that is hidden keeps its marks, and may be shown again as it is.
            self.views.values_mut().chain(self.hidden.values_mut()).for_each(|view| view.recolour(entry));
            self.tell_dirty();
        }
        self.send_for_colours();
    }

    /// The float of a question is shown at once; its colours follow.
    pub(super) fn colour_question(&mut self, request: &PermissionRequest, body: &AskBody) {
        let Some(entry) = body.code(request) else { return };
        let (common, body, request_id) = (Arc::clone(&self.common), body.clone(), request.request_id.clone());
        self.jobs.spawn(async move {
            let (reader, mut colours) = (common.colourist.reader(), Colours::default());
            body.coloured(&mut colours);
            while let Some(job) = colours.next_job(|_| Some(&entry)) {
                colours.take(common.colourist.ask(reader, job).await);
            }
            Done::QuestionColoured { request_id, lines: body.coloured(&mut colours) }
        });
    }

    pub(super) fn question_coloured(&mut self, request_id: RequestId, lines: Vec<Line>) {
        if self.state.find_pending(&request_id).is_some() {
            self.tell(Update::PermissionColoured { session: self.options.session_id.clone(), request_id, lines });
        }
    }
}
