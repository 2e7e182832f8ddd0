//! A session's task, and what is owed however that ends: a panic ends it too.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::panicking,
};

use tokio::sync::mpsc;
use tracing::Instrument;

use super::Actor;
use crate::session::request::Input;

/// What the audit log says of questions that nobody answers any more.
pub(super) const LET_GO: &str = "the session was let go of";

struct Ward {
    actor: Actor,
    ended: bool,
}

impl Actor {
    /// Runs until the hub lets go of the session or it has left the live list.
    pub(in crate::session) fn run(self, inputs: mpsc::UnboundedReceiver<Input>) -> impl Future<Output = ()> {
        // At the highest level, so that whatever is logged names its session.
        let span = tracing::error_span!("session", id = %self.options.session_id);
        let keep = async move {
            let mut ward = Ward { actor: self, ended: false };
            ward.actor.work(inputs).await;
            ward.ended = true;
        };
        keep.instrument(span)
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // A runtime that ends drops its tasks where they stand.
        let why = if panicking() { "cut off: internal error, see the log" } else { LET_GO };
        // Questions that were open have an end in the audit log, as all others. Whatever it was that panicked may have left
        // a change half done: a second panic now would be the whole backend's end.
        let dropped = catch_unwind(AssertUnwindSafe(|| self.actor.drop_questions(why)));
        if dropped.is_err() {
            tracing::error!("open questions of the session are not in the audit log");
        }
    }
}
