//! What is left to do for an agent that ran elsewhere: why it has ended is told by the way there, and what it has started
//! there is ended by a second call.

use super::{Actor, Live};
use crate::{
    agent::{place::Away, process::Exit},
    session::updates::{Level, Update},
};

impl Actor {
    /// A process has ended: the verdict that it was stopped with, and how the place explains it.
    pub(super) fn over(&mut self, live: Live, exit: &Exit) -> (Option<String>, Option<String>) {
        let explained = live.away.as_ref().and_then(|away| away.place.sentence(exit, live.heard));
        // Nothing was started where nobody came to, and a second call would not come there either.
        self.options.earlier_run = live.away.as_ref().map(|away| away.mark().to_owned());
        if let Some(away) = live.away.filter(|_| live.heard || explained.is_none() || exit.code.is_none()) {
            self.sweep(away);
        }
        (live.verdict, explained)
    }

    /// In a task of its own: the session may be gone before it is done.
    pub(super) fn sweep(&self, away: Away) {
        let (session, updates) = (self.options.session_id.clone(), self.updates.clone());
        tokio::spawn(async move {
            if let Err(message) = away.sweep().await {
                tracing::warn!("{message}");
                let _ = updates.send(Update::Notify { session: Some(session), level: Level::Warn, message });
            }
        });
    }
}
