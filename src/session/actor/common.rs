//! What all sessions of a backend have in common.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use super::Outside;
use crate::{agent::process::OwnBinary, session::colour::Colourist};

#[derive(Debug)]
pub(in crate::session) struct Common {
    /// Where journals are; `None` keeps them in memory.
    pub(in crate::session) journals: Option<PathBuf>,
    pub(in crate::session) traces: Option<PathBuf>,
    /// Our own executable.
    pub(in crate::session) binary: OwnBinary,
    /// Takes files whose content is to reach the disk.
    pub(in crate::session) syncer: std::sync::mpsc::Sender<std::fs::File>,
    pub(in crate::session) colourist: Colourist,
    pub(in crate::session) counters: Arc<Counters>,
    pub(in crate::session) outside: Outside,
}

impl Common {
    /// Unix milliseconds.
    pub(in crate::session) fn now(&self) -> i64 {
        self.outside.now()
    }
}

#[derive(Debug, Default)]
pub(in crate::session) struct Counters {
    /// Agents and commands that live.
    pub(in crate::session) processes: AtomicU64,
    /// From all agents' stdout.
    pub(in crate::session) bytes_in: AtomicU64,
    last_start: AtomicI64,
}

impl Counters {
    /// Of one that starts now: Unix milliseconds, later than any session's before. Sessions are listed in the order of their
    /// start, and many may start in one millisecond.
    pub(super) fn start_time(&self, now: i64) -> i64 {
        let before = self.last_start.fetch_max(now, Relaxed);
        if now > before { now } else { self.last_start.fetch_add(1, Relaxed) + 1 }
    }
}

/// One of the processes that live, for as long as it is there.
pub(super) struct Counted(Arc<Counters>);

impl Counted {
    pub(super) fn new(counters: &Arc<Counters>) -> Self {
        counters.processes.fetch_add(1, Relaxed);
        Self(Arc::clone(counters))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.processes.fetch_sub(1, Relaxed);
    }
}
