//! The task that talks to one keeper, from the first byte to the end of everything it kept.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::Child,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use super::{Exit, Phase, ProcessEvent, queue::Feed};
use crate::keeper::{
    tree::{self, Mark, Process},
    wire::{Order, Report},
};

/// A keeper that kills is done after at most 3 s, or says that it can do no more; one that does not is killed itself.
const KILL_LIMIT: Duration = Duration::from_millis(3500);
/// The same for one that was let go, whose agent may take its time first.
const LET_GO_LIMIT: Duration = Duration::from_secs(6);
/// A keeper that has closed its socket has nothing more to do.
const REAP_LIMIT: Duration = Duration::from_millis(200);
/// What the tree of a keeper that was killed may take to be killed.
const RESCUE_LIMIT: Duration = Duration::from_secs(3);

pub(super) enum Directive {
    Order(Order),
    LetGo,
}

pub(super) struct Conductor {
    pub keeper: Keeper,
    pub socket: UnixStream,
    /// What of the spec is still to be sent.
    pub spec: Vec<u8>,
    /// Its end is the same as [`Directive::LetGo`].
    pub directives: mpsc::UnboundedReceiver<Directive>,
    pub feed: Feed,
    pub phase: watch::Sender<Phase>,
    pub stdout: JoinHandle<()>,
    pub stderr: JoinHandle<Vec<String>>,
    pub stdin: JoinHandle<()>,
    pub mark: Mark,
}

/// What was heard of an agent.
#[derive(Default)]
struct Heard {
    started: bool,
    failed: bool,
    exit: Option<Exit>,
}

#[derive(PartialEq, Eq)]
enum End {
    /// The keeper has closed the socket, or has gone.
    Closed,
    /// It should have.
    Overdue,
}

impl Conductor {
    pub(super) async fn run(mut self) {
        let mut heard = Heard::default();
        // An error is the end of the socket: the keeper has gone.
        let end = self.talk(&mut heard).await.unwrap_or(End::Closed);
        if end == End::Overdue || heard.exit.is_none() && !heard.failed {
            self.keeper.rescue(self.mark).await;
            if !heard.started && !heard.failed {
                let why = "the agent's keeper ended before it could start anything: try again";
                self.feed.push(ProcessEvent::SpawnFailed(why.to_owned()));
                heard.failed = true;
            }
        } else {
            self.keeper.reap_soon().await;
        }
        let killed = if heard.failed { None } else { Some(rustix::process::Signal::KILL.as_raw()) };
        let mut exit = heard.exit.unwrap_or(Exit { signal: killed, ..Exit::default() });
        let _ = self.phase.send(Phase::Ended);
        // Each ends by itself now; a panic in one is in the log already.
        let _ = self.stdin.await;
        let _ = self.stdout.await;
        exit.stderr_tail = self.stderr.await.unwrap_or_default();
        self.feed.push(ProcessEvent::Exited(exit));
    }

    async fn talk(&mut self, heard: &mut Heard) -> io::Result<End> {
        let (reader, mut writer) = self.socket.split();
        writer.write_all(&std::mem::take(&mut self.spec)).await?;
        let mut reports = BufReader::with_capacity(256, reader).lines();
        let mut listening = true;
        let mut deadline: Option<Instant> = None;
        let earlier = |deadline: Option<Instant>, limit| {
            let end = Instant::now() + limit;
            Some(deadline.map_or(end, |deadline| deadline.min(end)))
        };
        loop {
            let overdue = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                line = reports.next_line() => {
                    let Some(line) = line? else { return Ok(End::Closed) };
                    match line.parse() {
                        Ok(Report::Started { pid }) => {
                            heard.started = true;
                            self.feed.push(ProcessEvent::Started { pid });
                        }
                        Ok(Report::NotStarted(why)) => {
                            heard.failed = true;
                            self.feed.push(ProcessEvent::SpawnFailed(why));
                        }
                        Ok(Report::Exited { code, signal }) => {
                            heard.exit = Some(Exit { code, signal, ..Exit::default() });
                            // What is in the pipes now is all there is.
                            self.feed.open();
                            deadline = earlier(deadline, KILL_LIMIT);
                        }
                        Err(malformed) => tracing::error!(line, "{malformed}"),
                    }
                }
                directive = self.directives.recv(), if listening => match directive {
                    Some(Directive::Order(order)) => {
                        if order == Order::Kill {
                            self.feed.open();
                            deadline = earlier(deadline, KILL_LIMIT);
                        }
                        // A keeper that has gone is noticed by its silence.
                        let _ = writer.write_all(format!("{order}\n").as_bytes()).await;
                    }
                    Some(Directive::LetGo) | None => {
                        listening = false;
                        self.feed.open();
                        let _ = self.phase.send(Phase::LetGo);
                        let _ = writer.shutdown().await;
                        deadline = earlier(deadline, LET_GO_LIMIT);
                    }
                },
                () = overdue => return Ok(End::Overdue),
            }
        }
    }
}

/// The keepers of this backend that have not been reaped. Every other child of ours has been somebody else's: see
/// [`Keeper::rescue`].
static KEEPERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn keepers() -> MutexGuard<'static, BTreeSet<i32>> {
    KEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A keeper's process, known as such until it has been reaped.
pub(super) struct Keeper {
    child: Child,
    pid: i32,
    start: u64,
}

impl Keeper {
    pub(super) fn spawn(spawn: impl FnOnce() -> io::Result<Child>) -> io::Result<Self> {
        // Held over the spawn, so that nobody sees a keeper that is not known yet.
        let mut known = keepers();
        let child = spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        known.insert(pid);
        drop(known);
        let start = Process::read(pid).map_or(u64::MAX, |process| process.start);
        Ok(Self { child, pid, start })
    }

    /// Its pid, and when it started.
    pub(super) fn identity(&self) -> (i32, u64) {
        (self.pid, self.start)
    }

    async fn reap(&mut self) {
        let _ = self.child.wait().await;
        keepers().remove(&self.pid);
    }

    /// It has said that it is done, and ends now; unless it stays for what cannot be killed.
    async fn reap_soon(mut self) {
        if timeout(REAP_LIMIT, self.reap()).await.is_err() {
            tokio::spawn(async move { self.reap().await });
        }
    }

    /// The keeper was killed, or is stuck. The agent was killed with it, and what that had started has become ours,
    /// since the backend adopts orphans too: children that are no keepers. (A backend that is killed together with its
    /// keepers leaves to the next one what still carries the marks.)
    async fn rescue(mut self, mark: Mark) {
        if timeout(REAP_LIMIT, self.child.wait()).await.is_err() {
            let _ = self.child.start_kill();
        }
        self.reap().await;
        tracing::warn!(pid = self.pid, "a keeper did not end by itself");
        let since = self.start;
        let find = move |all: &[Process]| {
            let own = i32::try_from(std::process::id()).unwrap_or_default();
            let mut found = tree::marked(all, &mark);
            let known = keepers();
            for orphan in all {
                if orphan.parent == own && orphan.start >= since && !known.contains(&orphan.pid) {
                    found.push(orphan.clone());
                    found.extend(tree::descendants(all, orphan.pid));
                }
            }
            found
        };
        let sweep = tokio::task::spawn_blocking(move || tree::kill_all(find, RESCUE_LIMIT));
        if let Ok(left @ [_, ..]) = sweep.await.as_deref() {
            let pids: Vec<_> = left.iter().map(|process| process.pid).collect();
            tracing::error!(?pids, "these processes of an agent could not be killed");
        }
    }
}
