//! Which processes there are: of the sessions of this backend, and of backends that are gone.

use std::{cell::RefCell, collections::BTreeSet, fs, os::unix::fs::MetadataExt, time::Duration};

use super::{ProcessHandle, RunMark};
use crate::{
    agent::redact::Redactor,
    domain::SessionId,
    keeper::{
        tree::{self, Process},
        wire::{KEEPER, RUN},
    },
};

/// How long the killing of stale processes may take.
const STALE_LIMIT: Duration = Duration::from_secs(2);

/// A child process, or one below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    pub session_id: SessionId,
    pub pid: i32,
    pub command: String,
    pub age: Duration,
    /// Resident memory.
    pub rss_bytes: u64,
}

/// Every process of these, each keeper first. Reads `/proc` once: some milliseconds, not for the editor's path.
pub fn ps<'a>(handles: impl IntoIterator<Item = &'a ProcessHandle>) -> Vec<ProcessInfo> {
    let all = tree::snapshot();
    let uptime = uptime();
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let page = rustix::param::page_size() as u64;
    let words = Redactor::default();
    let info = |session_id: &SessionId, process: &Process| ProcessInfo {
        session_id: session_id.clone(),
        pid: process.pid,
        // Some are given their keys as words.
        command: words.text(&process.command()),
        age: uptime.saturating_sub(Duration::from_millis(process.start * 1000 / ticks)),
        rss_bytes: process.rss_pages * page,
    };
    let mut found = Vec::new();
    for handle in handles {
        let (session_id, keeper) = (handle.session_id(), handle.0.keeper);
        let Some(keeper) = all.iter().find(|one| (one.pid, one.start) == keeper) else { continue };
        found.push(info(session_id, keeper));
        found.extend(tree::descendants(&all, keeper.pid).iter().map(|process| info(session_id, process)));
    }
    found
}

/// What an agent's processes use, its keeper's among them: nothing of what has ended is lost, since whoever waits for a
/// process takes over what that has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of processors, since the agent was started.
    pub cpu: Duration,
    /// The age of the youngest below the keeper; zombies are none. The time in which the machine slept counts.
    pub youngest: Option<Duration>,
}

/// `None` where that cannot be seen: without a `/proc`, or when the keeper has gone. Reads `/proc` once.
pub fn usage(handle: &ProcessHandle) -> Option<Usage> {
    let all = tree::snapshot();
    let keeper = all.iter().find(|one| (one.pid, one.start) == handle.0.keeper)?;
    let (uptime, per_second) = (uptime(), rustix::param::clock_ticks_per_second().max(1));
    let span = |ticks: u64| Duration::from_millis(ticks.saturating_mul(1000) / per_second);
    let below = tree::descendants(&all, keeper.pid);
    let youngest = below.iter().filter(|one| !one.zombie).map(|one| one.start).max();
    Some(Usage {
        cpu: span(below.iter().fold(keeper.cpu, |sum, one| sum.saturating_add(one.cpu))),
        youngest: youngest.map(|start| uptime.saturating_sub(span(start))),
    })
}

fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split(' ').next().and_then(|seconds| seconds.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

/// Kills what agents of backends that are gone have left, and says how many those were. For the start of a backend, on
/// a thread that may wait.
///
/// Such a process carries the mark of a backend of ours that does not live any more, and no keeper is above it: one that
/// has a keeper is in the middle of being stopped in order.
pub fn sweep_stale() -> usize {
    let user = rustix::process::geteuid().as_raw();
    let is_own = |one: &Process| fs::metadata(format!("/proc/{}", one.pid)).is_ok_and(|entry| entry.uid() == user);
    let is_stale = |one: &Process| {
        let mark = one.variable(RUN).and_then(|value| RunMark::parse(std::str::from_utf8(&value).ok()?));
        mark.is_some_and(|mark| mark.is_stale())
    };
    let found = RefCell::new(BTreeSet::new());
    let find = |all: &[Process]| {
        let stale = all.iter().filter(|one| !one.zombie && is_own(one) && is_stale(one) && !has_keeper(all, one));
        let stale: Vec<Process> = stale.cloned().collect();
        found.borrow_mut().extend(stale.iter().map(|one| (one.pid, one.start)));
        stale
    };
    let left = tree::kill_all(find, STALE_LIMIT);
    found.borrow().len().saturating_sub(left.len())
}

fn has_keeper(all: &[Process], process: &Process) -> bool {
    let mut parent = process.parent;
    // A snapshot is not taken at one moment, so it may hold a circle.
    for _ in 0..all.len() {
        let Some(above) = all.iter().find(|one| one.pid == parent) else { return false };
        if above.variable(KEEPER).is_some() {
            return true;
        }
        parent = above.parent;
    }
    false
}
