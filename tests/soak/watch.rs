//! Who is left. Three nets, since a process may slip through each of them: what was there before the end, by pid and start;
//! what carries the session's mark; and, since this program adopts orphans as an init does, whatever descends from it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use agor_nvim::keeper::{
    tree::{self, Mark, Process},
    wire::{KEEPER, RUN, SESSION_ID},
};
use rustix::process::{Pid, WaitOptions, waitpid};

/// Children of this program that it waits for itself: servers and terminals.
static OURS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn ours() -> MutexGuard<'static, BTreeSet<i32>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn is_ours(pid: u32) {
    ours().insert(pid.cast_signed());
}

pub fn is_ours_no_more(pid: u32) {
    ours().remove(&pid.cast_signed());
}

fn own() -> i32 {
    std::process::id().cast_signed()
}

/// All processes. Orphans that have ended are reaped, as an init does it, and are not among them.
pub fn all() -> Vec<Process> {
    let mut all = tree::snapshot();
    let ours = ours();
    all.retain(|one| {
        let orphan = one.parent == own() && one.zombie && !ours.contains(&one.pid);
        !(orphan && Pid::from_raw(one.pid).is_some_and(|pid| waitpid(Some(pid), WaitOptions::NOHANG).is_ok()))
    });
    all
}

/// Kills what is left of a round, so that it cannot spoil the next one; not before it had the time to go by itself.
pub fn clear() {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let orphans: Vec<Process> = {
            let ours = ours().clone();
            all().into_iter().filter(|one| one.parent == own() && !ours.contains(&one.pid)).collect()
        };
        if orphans.is_empty() {
            return;
        }
        if Instant::now() > end {
            for orphan in &orphans {
                // Ended meanwhile is what is wanted. What was below it is an orphan next.
                let _ = orphan.kill();
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A keeper of a session, as its environment says.
#[derive(Clone, Debug)]
pub struct Kept {
    pub keeper: Process,
    pub session: String,
    pub run: String,
}

/// The keepers of a session.
pub fn keepers(all: &[Process], session: &str) -> Vec<Kept> {
    let kept = |one: &Process| {
        let value = String::from_utf8(one.variable(KEEPER)?).ok()?;
        let (of, run) = value.split_once(' ')?;
        (of == session).then(|| Kept { keeper: one.clone(), session: of.to_owned(), run: run.to_owned() })
    };
    all.iter().filter_map(kept).collect()
}

/// The agent's own process: the first that its keeper has started.
pub fn agent(all: &[Process], keeper: i32) -> Option<Process> {
    all.iter().filter(|one| one.parent == keeper).min_by_key(|one| (one.start, one.pid)).cloned()
}

/// What must be gone.
#[derive(Clone, Debug, Default)]
pub struct Doomed {
    /// With what they were called.
    known: Vec<(Process, String)>,
    marks: Vec<Mark>,
    /// The keepers of these, by what is in their environment.
    kept: Vec<String>,
    /// Of a living backend: its children are keepers.
    backend: Option<i32>,
    /// What has got rid of the marks may be left.
    marked_only: bool,
}

impl Doomed {
    /// Processes and all that descend from them.
    pub fn with(mut self, all: &[Process], pids: impl IntoIterator<Item = i32>) -> Self {
        for pid in pids {
            let root = all.iter().filter(|one| one.pid == pid).cloned();
            let below = tree::descendants(all, pid);
            self.known.extend(root.chain(below).map(|one| (one.clone(), one.command())));
        }
        self
    }

    /// All that ever ran for a session.
    pub fn session(mut self, session: &str) -> Self {
        self.marks.push(Mark::new([(SESSION_ID, session.as_bytes())]));
        self.kept.push(format!("{session} "));
        self
    }

    /// One process of a session's and what it has started; another may follow.
    pub fn run(mut self, kept: &Kept) -> Self {
        self.marks.push(Mark::new([(SESSION_ID, kept.session.as_bytes()), (RUN, kept.run.as_bytes())]));
        self.kept.push(format!("{} {}", kept.session, kept.run));
        self
    }

    pub fn below(self, backend: i32) -> Self {
        Self { backend: Some(backend), ..self }
    }

    pub fn marked_only(self) -> Self {
        Self { marked_only: true, ..self }
    }

    /// What is left without a mark where that is not asked for.
    pub fn escaped(&self) -> Vec<Process> {
        if self.marked_only { Self { marked_only: false, ..self.clone() }.left() } else { Vec::new() }
    }

    fn left(&self) -> Vec<Process> {
        let all = all();
        let mut left: Vec<Process> = Vec::new();
        for (known, _) in &self.known {
            left.extend(all.iter().filter(|one| (one.pid, one.start) == (known.pid, known.start)).cloned());
        }
        for mark in &self.marks {
            left.extend(tree::marked(&all, mark));
        }
        let keeps = |one: &&Process| {
            let value = one.variable(KEEPER).and_then(|value| String::from_utf8(value).ok()).unwrap_or_default();
            self.kept.iter().any(|kept| value.starts_with(kept.as_str()))
        };
        left.extend(all.iter().filter(keeps).cloned());
        left.extend(self.strays(&all));
        if self.marked_only {
            left.retain(|one| one.variable(SESSION_ID).is_some() || one.variable(KEEPER).is_some());
        }
        left.sort_by_key(|one| one.pid);
        left.dedup_by_key(|one| one.pid);
        left
    }

    /// What has become somebody's who did not start it.
    fn strays(&self, all: &[Process]) -> Vec<Process> {
        let ours = ours().clone();
        let mut strays: Vec<Process> =
            all.iter().filter(|one| one.parent == own() && !ours.contains(&one.pid)).cloned().collect();
        if let Some(backend) = self.backend {
            let adopted = all.iter().filter(|one| one.parent == backend && one.variable(KEEPER).is_none());
            strays.extend(adopted.cloned());
        }
        strays
    }

    /// Waits until nothing is left: how long that took since `start`, and what was left at the limit.
    pub fn wait(&self, start: Instant, limit: Duration) -> (Duration, Vec<Left>) {
        loop {
            let left = self.left();
            let took = start.elapsed();
            if left.is_empty() || took > limit {
                return (took, left.into_iter().map(|one| self.described(one)).collect());
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn described(&self, process: Process) -> Left {
        let known = self.known.iter().find(|(known, _)| known.pid == process.pid).map(|(_, command)| command.clone());
        let command = if process.zombie { known.unwrap_or_default() } else { process.command() };
        let mark = process.variable(SESSION_ID).is_some();
        Left { process, command, mark }
    }
}

/// A process that should not be there.
#[derive(Clone, Debug)]
pub struct Left {
    pub process: Process,
    pub command: String,
    /// It has the session's mark in its environment.
    pub mark: bool,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Process { pid, parent, zombie, .. } = self.process;
        let state = if zombie { ", a zombie" } else { "" };
        let mark = if self.mark { "" } else { ", without a mark" };
        write!(f, "{pid} (of {parent}{state}{mark}): {}", self.command)
    }
}
