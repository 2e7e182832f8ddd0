//! What sessions take from outside of the program and what may fail them there: the time of day, the files that journals
//! are in, the agents, what their processes use. As values, so that whoever wants to see a session fail can hand it others.
//! By default they are the real ones.

use std::{
    fmt,
    fs::File,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::told::Agent;
use crate::{
    agent::process::{self, ProcessHandle, Usage},
    domain::{SessionId, StartOptions},
    session::journal::{Journal, Tape},
};

type Tell = dyn Fn() -> i64 + Send + Sync;
type Lay = dyn Fn(&SessionId, File) -> Box<dyn Tape> + Send + Sync;
type Look = dyn Fn(&ProcessHandle) -> Option<Usage> + Send + Sync;
type Launch = dyn Fn(&StartOptions, Vec<String>) -> Result<Agent, String> + Send + Sync;

#[derive(Clone, Default)]
pub(in crate::session) struct Outside {
    /// Tells the time of day, in Unix milliseconds.
    pub(in crate::session) clock: Option<Arc<Tell>>,
    /// What the file of a journal is written through.
    pub(in crate::session) disk: Option<Arc<Lay>>,
    /// Starts an agent, with some arguments besides. An error is a sentence.
    pub(in crate::session) agents: Option<Arc<Launch>>,
    /// Sees what an agent's processes use.
    pub(in crate::session) usage: Option<Arc<Look>>,
}

impl Outside {
    /// Unix milliseconds. It may jump, forth and back: what takes time is measured by another clock.
    pub(in crate::session) fn now(&self) -> i64 {
        match &self.clock {
            Some(tell) => tell(),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        }
    }

    /// May wait for the disk.
    pub(super) fn usage(&self, agent: &ProcessHandle) -> Option<Usage> {
        match &self.usage {
            Some(look) => look(agent),
            None => process::usage(agent),
        }
    }

    pub(super) fn journal(&self, session: &SessionId, journal: Journal) -> Journal {
        match &self.disk {
            Some(lay) => journal.through(|file| lay(session, file)),
            None => journal,
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}
