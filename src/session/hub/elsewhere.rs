//! What our sessions are to other backends, theirs to us, and what is left of those of backends that were cut off.

use std::path::PathBuf;

use super::Hub;
use crate::{
    domain::{Other, SessionId, SessionSummary},
    session::{
        journal,
        reply::Reply,
        request::Input,
        updates::{Level, Update},
    },
};

impl Hub {
    /// On a thread that may wait for the disk.
    pub(super) fn count_interrupted(&self, around: PathBuf, reply: Reply<usize>) {
        let (journals, told, now) = (self.common.journals.clone(), self.interrupted.clone(), self.common.now());
        tokio::task::spawn_blocking(move || {
            let count = journals.map_or(Ok(0), |folder| journal::interrupted(&folder, told.as_deref(), &around, now));
            let _ = reply.send(count.map_err(|error| error.to_string()));
        });
    }

    pub(super) fn others(&self, around: Option<PathBuf>, reply: Reply<Vec<Other>>) {
        let Some(meeting) = self.meeting.clone() else {
            let _ = reply.send(Ok(Vec::new()));
            return;
        };
        tokio::spawn(async move {
            let _ = reply.send(Ok(meeting.others(around).await));
        });
    }

    pub(super) fn release(&self, session: SessionId, reply: Reply<()>) {
        let Some(meeting) = self.meeting.clone() else {
            let _ = reply.send(Err(format!("no other Neovim can be asked for session {session}")));
            return;
        };
        tokio::spawn(async move {
            let _ = reply.send(meeting.release(session).await);
        });
    }

    pub(super) fn rows(&self) -> Vec<SessionSummary> {
        let living = self.sessions.values().filter(|session| !session.inputs.is_closed());
        living.filter_map(|session| Some(session.living.as_ref()?.summary.clone())).collect()
    }

    /// The agent is ended as by a stop, what it has said is written down, and the session leaves the list.
    pub(super) fn let_go(&mut self, session: SessionId, reply: Reply<()>) {
        let living = self.sessions.get(&session).filter(|session| session.living.is_some());
        let Some(living) = living.filter(|living| !living.inputs.is_closed()) else {
            let _ = reply.send(Err(format!("it has no session {session}")));
            return;
        };
        let (done, _) = tokio::sync::oneshot::channel();
        let _ = living.inputs.send(Input::Remove { reply: done });
        self.let_go.entry(session).or_default().push(reply);
    }

    /// The session's task is over: its journal is free.
    pub(super) fn has_let_go(&mut self, session: &SessionId) {
        let Some(waiting) = self.let_go.remove(session) else { return };
        let message =
            format!("session {session} was taken over by another Neovim; its transcript can still be read here");
        self.tell(Update::Notify { session: Some(session.clone()), level: Level::Warn, message });
        for reply in waiting {
            let _ = reply.send(Ok(()));
        }
    }
}
