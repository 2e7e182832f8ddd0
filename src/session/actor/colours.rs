//! Colours of code on their way: what the shown rows want goes to the thread, and what it has found to the views.
//!
//! What is wanted is told by the rows themselves when they are painted; nothing of it holds them up.

use super::{Actor, heard::Done};
use crate::render::code::Coloured;

impl Actor {
    /// Asks for what is wanted most; the next when that has come.
    pub(super) fn send_for_colours(&mut self) {
        // Nobody looks: it is asked for again when somebody does.
        if self.views.is_empty() {
            return;
        }
        while let Some(job) = self.readings.colours.next_job(self.transcript.entries()) {
            let answer = self.common.colourist.ask(self.reader, job);
            self.jobs.spawn(async move { Done::Coloured(answer.await) });
        }
    }

    pub(super) fn coloured(&mut self, answer: Coloured) {
        if let Some(entry) = self.readings.colours.take(answer) {
            // A buffer that is hidden keeps its marks, and may be shown again as it is.
            self.views.values_mut().chain(self.hidden.values_mut()).for_each(|view| view.recolour(entry));
            self.tell_dirty();
        }
        self.send_for_colours();
    }
}
