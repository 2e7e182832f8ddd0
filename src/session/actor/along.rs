//! Reading along: a transcript that is shown from its journal grows as another backend adds to that.

use std::time::Duration;

use tokio::time::Instant;

use super::{Actor, Done, Origin};
use crate::{
    render::View,
    session::{
        journal::{self, Growth, JournalError},
        updates::{Level, Update},
    },
};

/// How often is looked while another backend has the journal, and while nobody has.
const OFTEN: Duration = Duration::from_millis(250);
const SELDOM: Duration = Duration::from_secs(2);

/// When is looked next.
#[derive(Debug, Default)]
pub(super) struct Along {
    pub(super) at: Option<Instant>,
    /// Somebody is looking just now.
    looking: bool,
    /// Another backend has the journal.
    pub(super) taken: bool,
    /// That nothing more can be read was said.
    failed: bool,
}

impl Actor {
    /// Somebody looks at the transcript.
    pub(super) fn read_along(&mut self) {
        if self.origin != Origin::Archived || !self.journal.is_archive() {
            return;
        }
        self.tell_along();
        if self.along.at.is_none() && !self.along.looking {
            self.along.at = Some(Instant::now());
        }
    }

    fn tell_along(&self) {
        self.tell(Update::Along { session: self.options.session_id.clone(), elsewhere: self.along.taken });
    }

    /// It is time to look.
    pub(super) fn look_along(&mut self) {
        self.along.at = None;
        let Some(folder) = self.common.journals.clone().filter(|_| !self.views.is_empty()) else { return };
        self.along.looking = true;
        let (session, from) = (self.options.session_id.clone(), self.journal.end());
        self.jobs.spawn_blocking(move || Done::Grown(journal::grown(&folder, &session, from)));
    }

    pub(super) fn grown(&mut self, grown: Result<Growth, JournalError>) {
        self.along.looking = false;
        let (end, taken) = (self.journal.end(), self.along.taken);
        let failed = match &grown {
            // Deleted: nobody goes on with it.
            Ok(Growth { cut: false, .. }) | Err(JournalError::Missing(_)) => None,
            Ok(_) => Some("its journal is shorter than it was, and what is shown may be no longer in it".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        let failed_before = std::mem::replace(&mut self.along.failed, failed.is_some());
        if let Some(failed) = failed.as_deref().filter(|_| !failed_before) {
            let id = &self.options.session_id;
            self.notify(Level::Warn, format!("what is added to session {id} is not seen: {failed}"));
        }
        let mut growth = grown.unwrap_or_else(|error| {
            tracing::debug!(%error, "a journal is not read along");
            // Whoever has it has it still, for all that is known.
            Growth { end, taken: taken && failed.is_some(), ..Growth::default() }
        });
        self.journal.grow(&growth);
        for message in std::mem::take(&mut growth.messages) {
            self.fold(message);
        }
        if std::mem::replace(&mut self.along.taken, growth.taken) != growth.taken {
            self.tell_along();
            if !growth.taken {
                // Whoever worked on it has gone.
                self.transcript.end();
                self.views.values_mut().for_each(View::reset);
                self.tell_dirty();
            }
        }
        let pause = match (growth.more, growth.taken) {
            (true, _) => Duration::ZERO,
            (false, true) => OFTEN,
            (false, false) => SELDOM,
        };
        if !self.views.is_empty() {
            self.along.at = Some(Instant::now() + pause);
        }
    }
}
