//! Sessions that are over: their task has ended, or has died.

use std::sync::Arc;

use tokio::task::{Id, JoinError};

use super::{Hub, open::After};
use crate::{
    domain::Status,
    session::updates::{Level, Update},
};

impl Hub {
    /// Whatever has happened by now is known.
    pub(super) fn catch_up(&mut self) {
        while let Ok(update) = self.updates.try_recv() {
            self.update(update);
        }
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.joined(ended);
        }
    }

    pub(super) fn joined(&mut self, ended: Result<(Id, ()), JoinError>) {
        match ended {
            Ok((task, ())) => self.ended(task),
            Err(error) => self.died(error.id()),
        }
    }

    pub(super) fn ended(&mut self, task: Id) {
        if let Some(id) = self.names.remove(&task)
            && self.sessions.get(&id).is_some_and(|session| session.task == task)
            && let Some(session) = self.sessions.remove(&id)
            && session.living.is_some()
        {
            self.has_let_go(&id);
            if let Some(replies) = self.doomed.remove(&id) {
                return self.delete_apart(id, replies);
            }
            // Whoever still looks at it sees how it ended, from its journal.
            let views = self.views_of(&id);
            if !views.is_empty() {
                self.open_archive(&id);
            }
            for view in views {
                self.tell_session(&id, view);
            }
        }
    }

    /// The session's task has panicked. Its keeper stops the agent, everybody else goes on, and the next prompt takes the
    /// conversation up from the journal.
    pub(super) fn died(&mut self, task: Id) {
        let Some(id) = self.names.remove(&task) else { return };
        tracing::error!(session = %id, "the session's task has died");
        for reply in self.doomed.remove(&id).into_iter().flatten() {
            let _ = reply.send(Err(format!("session {id} has ended by an internal error: its journal stays")));
        }
        for reply in self.let_go.remove(&id).unwrap_or_default() {
            let _ = reply.send(Err("it could not be ended: try again".to_owned()));
        }
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.task == task) else { return };
        let Some(living) = session.living.as_mut() else {
            self.sessions.remove(&id);
            return;
        };
        let again = std::mem::replace(&mut living.died, true);
        living.dead = again;
        let error = "internal error, see the log (:Agor log)".to_owned();
        let row = &mut living.summary;
        row.status = Status::Error;
        row.error = Some(error.clone());
        (row.busy, row.turn_started_at) = (false, None);
        // Nobody watches over its agent any more, which its keeper ends.
        (row.wait, row.quiet_since, row.quiet_ms) = (None, None, None);
        let stalled = std::mem::take(&mut row.stalled);
        row.attention = None;
        row.pending = 0;
        (row.queued, row.waiting, row.held) = (0, Vec::new(), None);
        let (row, options, asked) = (row.clone(), Arc::clone(&living.options), std::mem::take(&mut living.asked));
        self.tell(Update::Session(Box::new(row)));
        self.tell(Update::Status { session: id.clone(), status: Status::Error, error: Some(error.clone()) });
        if stalled {
            self.tell(Update::Stalled { session: id.clone(), since: None, stderr: Vec::new() });
        }
        // Whether the journal knows of them or not.
        for request_id in asked {
            self.tell(Update::Closed { session: id.clone(), request_id, outcome: format!("cut off: {error}") });
        }
        let message = format!("session {id}: {error}");
        self.tell(Update::Notify { session: Some(id.clone()), level: Level::Error, message });
        // What makes it panic may be in the journal itself.
        if !again {
            self.reopen(options, After::Panic(error));
        }
    }
}
