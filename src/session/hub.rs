//! All sessions: who is there, and who is told. How they come to be is in `open`, how they end in `over`, who looks at them
//! and listens to them in `views`, what is asked of their journals in `journals`, and what they are to other backends in
//! `elsewhere`.

mod elsewhere;
mod grants;
mod journals;
mod open;
mod over;
mod views;
mod worktrees;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{Id, JoinSet},
    time::timeout,
};

use super::{
    actor::{Common, Counters, Outside},
    changes,
    colour::Colourist,
    earlier::{self, Earlier},
    peers::{self, Meeting},
    reply::Reply,
    request::{Input, Request, Sight, ViewId},
    updates::Update,
};
use crate::{
    agent::process::{self, OwnBinary},
    domain::{RequestId, SessionId, SessionSummary, StartOptions},
    render::Icons,
};

/// `:qa` waits for us: the user feels every millisecond.
const SHUTDOWN: Duration = Duration::from_millis(40);

#[derive(Clone, Debug, Default)]
pub struct HubConfig {
    /// Where journals are; `None` keeps them in memory.
    pub journals: Option<PathBuf>,
    pub traces: Option<PathBuf>,
    /// Where backends of other Neovims are met; `None` keeps to itself.
    pub peers: Option<PathBuf>,
    /// Says which interrupted sessions the user was told of; `None`: of none.
    pub interrupted: Option<PathBuf>,
    /// New sessions are traced.
    pub trace: bool,
    /// Our own executable: the keeper and the embedded runners.
    pub binary: OwnBinary,
}

/// At one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Agents that live.
    pub processes: u64,
    /// Read from all agents so far.
    pub bytes_in: u64,
}

/// Sends requests; never waits. When the last one is dropped, all sessions end.
#[derive(Clone, Debug)]
pub struct HubHandle {
    requests: mpsc::UnboundedSender<Request>,
    counters: Arc<Counters>,
}

impl HubHandle {
    /// Of whoever else answers requests.
    #[cfg(test)]
    pub(crate) fn of(requests: mpsc::UnboundedSender<Request>) -> Self {
        Self { requests, counters: Arc::default() }
    }

    pub fn send(&self, request: Request) {
        // Without a hub the backend is on its way out: replies are dropped with the request, which tells the asker.
        let _ = self.requests.send(request);
    }

    /// Its task has died.
    pub fn is_gone(&self) -> bool {
        self.requests.is_closed()
    }

    pub fn counts(&self) -> Counts {
        Counts { processes: self.counters.processes.load(Relaxed), bytes_in: self.counters.bytes_in.load(Relaxed) }
    }

    /// Lets go of all agents, whose keepers stop them, and writes what journals still hold back.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        self.send(Request::Shutdown { reply });
        let _ = timeout(SHUTDOWN, done).await;
    }
}

pub struct Hub {
    common: Arc<Common>,
    /// New sessions are traced.
    trace: bool,
    requests: mpsc::UnboundedReceiver<Request>,
    /// What sessions say.
    updates: mpsc::UnboundedReceiver<Update>,
    told_by: mpsc::UnboundedSender<Update>,
    client: mpsc::UnboundedSender<Update>,
    sessions: BTreeMap<SessionId, Session>,
    tasks: JoinSet<()>,
    names: HashMap<Id, SessionId>,
    views: BTreeMap<ViewId, (SessionId, Sight)>,
    icons: Icons,
    listen_all: bool,
    listen: BTreeSet<SessionId>,
    /// Whose journal goes when they have ended, and who waits for that.
    doomed: BTreeMap<SessionId, Vec<Reply<()>>>,
    /// Once somebody has asked for what was before.
    earlier: Option<Earlier>,
    /// Where other backends are met.
    meeting: Option<Meeting>,
    interrupted: Option<PathBuf>,
    /// Who waits for our letting go of a session.
    let_go: HashMap<SessionId, Vec<Reply<()>>>,
}

struct Session {
    inputs: mpsc::UnboundedSender<Input>,
    task: Id,
    /// `None` for one that is only shown from its journal.
    living: Option<Living>,
}

struct Living {
    /// The row as it was last told.
    summary: SessionSummary,
    options: Arc<StartOptions>,
    /// Questions that clients know of and that are open.
    asked: BTreeSet<RequestId>,
    /// Its task has panicked before.
    died: bool,
    /// And again: nobody takes it up any more.
    dead: bool,
}

impl Living {
    fn new(summary: SessionSummary, options: Arc<StartOptions>, died: bool) -> Self {
        Self { summary, options, asked: BTreeSet::new(), died, dead: false }
    }

    fn note(&mut self, update: &Update) {
        match update {
            Update::Session(row) => self.summary.clone_from(row),
            Update::Permission { request, .. } => drop(self.asked.insert(request.request_id.clone())),
            Update::Question { request, .. } => drop(self.asked.insert(request.request_id.clone())),
            Update::Closed { request_id, .. } => drop(self.asked.remove(request_id)),
            _ => {}
        }
    }
}

impl Hub {
    /// Starts the hub. What happens is told to `client`.
    pub fn spawn(config: HubConfig, client: mpsc::UnboundedSender<Update>) -> HubHandle {
        Self::spawn_within(Outside::default(), config, client)
    }

    pub(super) fn spawn_within(
        outside: Outside,
        config: HubConfig,
        client: mpsc::UnboundedSender<Update>,
    ) -> HubHandle {
        if let Some(journals) = config.journals.clone() {
            tokio::task::spawn_blocking(move || changes::sweep(&journals));
        }
        let (hub, handle) = Self::within(outside, config, client);
        if let Some(meeting) = hub.meeting.clone() {
            tokio::spawn(peers::listen(meeting, handle.requests.downgrade()));
        }
        tokio::spawn(hub.run());
        handle
    }

    fn within(outside: Outside, config: HubConfig, client: mpsc::UnboundedSender<Update>) -> (Self, HubHandle) {
        let (requests, received) = mpsc::unbounded_channel();
        let (told_by, updates) = mpsc::unbounded_channel();
        let HubConfig { journals, traces, peers, interrupted, trace, binary } = config;
        let counters = Arc::new(Counters::default());
        let common = Common {
            journals,
            traces,
            binary,
            syncer: syncer(),
            colourist: Colourist::default(),
            counters: Arc::clone(&counters),
            outside,
        };
        let common = Arc::new(common);
        let hub = Hub {
            common: Arc::clone(&common),
            trace,
            requests: received,
            updates,
            told_by,
            client,
            sessions: BTreeMap::new(),
            tasks: JoinSet::new(),
            names: HashMap::new(),
            views: BTreeMap::new(),
            icons: Icons::default(),
            listen_all: false,
            listen: BTreeSet::new(),
            doomed: BTreeMap::new(),
            earlier: None,
            meeting: peers.map(|folder| Meeting::at(folder, common.now())),
            interrupted,
            let_go: HashMap::new(),
        };
        (hub, HubHandle { requests, counters })
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                // What a session has told is passed on before it is noticed that it has ended.
                biased;
                request = self.requests.recv() => match request {
                    Some(Request::Shutdown { reply }) => {
                        self.sessions.clear();
                        while self.tasks.join_next().await.is_some() {}
                        // Their last words: a prompt may have come back.
                        self.catch_up();
                        // Who has the answer may end the program.
                        if let Some(meeting) = &self.meeting {
                            meeting.leave();
                        }
                        let _ = reply.send(());
                        return;
                    }
                    Some(request) => self.request(request),
                    None => return,
                },
                Some(update) = self.updates.recv() => self.update(update),
                Some(ended) = self.tasks.join_next_with_id() => self.joined(ended),
            }
        }
    }

    fn request(&mut self, request: Request) {
        if matches!(request, Request::Start { .. } | Request::Remove { .. }) {
            // A name is free as soon as anybody can know it, and what is gone is not taken away again.
            self.catch_up();
        }
        match request {
            Request::Start { options, reply } if options.restore => self.restore(*options, reply),
            Request::Start { options, reply } => {
                let result = self.start(*options);
                let _ = reply.send(result);
            }
            Request::Order { session, order, reply } => {
                self.pass_living(&session, reply, |reply| Input::Order { order, reply });
            }
            Request::Remove { session, reply } => self.remove(&session, reply),
            Request::Conversations { session, reply } => {
                self.pass_living(&session, reply, |reply| Input::Conversations { reply });
            }
            Request::Fold { session, view, row, action, reply } => {
                self.pass(&session, reply, |reply| Input::Fold { view, row, action, reply });
            }
            Request::Find { session, view, row, want, reply } => {
                self.pass(&session, reply, |reply| Input::Find { view, row, want, reply });
            }
            Request::Messages { session, since, reply } => {
                self.pass(&session, reply, |reply| Input::Messages { since, reply });
            }
            Request::Export { session, from, reply } => {
                self.pass(&session, reply, |reply| Input::Export { from, reply });
            }
            Request::Gather { session, context, reply } => {
                self.pass_living(&session, reply, |reply| Input::Gather { context, reply });
            }
            Request::Changes { session, scope, environ, reply } => {
                self.pass(&session, reply, |reply| Input::Changes { scope, environ, reply });
            }
            Request::Before { session, path, scope, environ, reply } => {
                self.pass(&session, reply, |reply| Input::Before { path, scope, environ, reply });
            }
            Request::Grant { session, request_id, chosen, reply } => {
                self.pass_living(&session, reply, |reply| Input::Grant { request_id, chosen, reply });
            }
            Request::Weigh { session, request_id, reply } => {
                self.pass_living(&session, reply, |reply| Input::Weigh { request_id, reply });
            }
            Request::Audit { reply } => self.audit(reply),
            Request::Grants { around, reply } => self.grants(around, reply),
            Request::Revoke { id, session, around, reply } => self.revoke(id, session, around, reply),
            Request::Asked { session, request_id, reply } => {
                self.pass_living(&session, reply, |reply| Input::Asked { request_id, reply });
            }
            Request::Queue { session, reply } => self.pass_living(&session, reply, |reply| Input::Queue { reply }),
            Request::Queued { session, entry, want, reply } => {
                self.pass_living(&session, reply, |reply| Input::Queued { entry, want, reply });
            }
            Request::Trace { session, on, reply } => {
                self.pass_living(&session, reply, |reply| Input::Trace { on, reply })
            }
            Request::Paint { session, view, budget, reply } => {
                self.tell_session(&session, Input::Paint { view, budget, reply });
            }
            Request::Repaint { session, view } => self.tell_session(&session, Input::Repaint { view }),
            Request::Reach { session, view } => self.tell_session(&session, Input::Reach { view }),
            Request::MessagesTaken { session } => self.tell_session(&session, Input::MessagesTaken),
            Request::Views { client, views, icons } => self.set_views(client, views, icons),
            Request::Listen { all, sessions } => self.set_listening(all, sessions),
            Request::Processes { reply } => self.processes(reply),
            Request::Journals { around, after, reply } => self.journals(around, after, reply),
            Request::Earlier { query, reply } => self.earlier(*query, reply),
            Request::Glance { glance, reply } => {
                tokio::task::spawn_blocking(move || {
                    let _ = reply.send(earlier::glance(&glance));
                });
            }
            Request::Rename { session, name, reply } => self.rename(session, name, reply),
            Request::DeleteJournal { session, reply } => self.delete_journal(session, reply),
            Request::Interrupted { around, reply } => self.count_interrupted(around, reply),
            Request::Others { around, reply } => self.others(around, reply),
            Request::Release { session, reply } => self.release(session, reply),
            Request::Rows { reply } => {
                let _ = reply.send(self.rows());
            }
            Request::LetGo { session, reply } => self.let_go(session, reply),
            Request::Worktree { ask, environ, reply } => self.worktree(ask, environ, reply),
            Request::TraceNew { on } => self.trace = on,
            #[cfg(debug_assertions)]
            Request::Panic => panic!("the hub was told to panic"),
            // Taken by the loop.
            Request::Shutdown { .. } => {}
        }
    }

    /// The sessions are asked in a task of its own: one that is busy holds nobody up.
    fn processes(&self, reply: Reply<Vec<process::ProcessInfo>>) {
        let sessions: Vec<_> = self.sessions.values().map(|session| session.inputs.clone()).collect();
        tokio::spawn(async move {
            let mut handles = Vec::new();
            for session in sessions {
                let (ask, answer) = oneshot::channel();
                if session.send(Input::Process { reply: ask }).is_ok()
                    && let Ok(found) = answer.await
                {
                    handles.extend(found);
                }
            }
            let rows = tokio::task::spawn_blocking(move || process::ps(&handles)).await;
            let _ = reply.send(rows.map_err(|error| error.to_string()));
        });
    }

    /// A session whose task is dead for good takes no request: it is taken from the list here.
    fn remove(&mut self, id: &SessionId, reply: Reply<()>) {
        match self.sessions.get(id) {
            Some(Session { living: Some(living), .. }) if living.dead => {
                self.sessions.remove(id);
                // Behind what it has said itself.
                let _ = self.told_by.send(Update::Removed(id.clone()));
                let _ = reply.send(Ok(()));
            }
            _ => self.pass_living(id, reply, |reply| Input::Remove { reply }),
        }
    }

    /// For what is asked of an agent, which a session that is read from its journal has not.
    fn pass_living<T>(&self, id: &SessionId, reply: Reply<T>, input: impl FnOnce(Reply<T>) -> Input) {
        match self.sessions.get(id) {
            Some(session) if session.living.is_none() => {
                let _ = reply.send(Err(format!("session {id} is not running: it is shown from its journal")));
            }
            _ => self.pass(id, reply, input),
        }
    }

    fn pass<T>(&self, id: &SessionId, reply: Reply<T>, input: impl FnOnce(Reply<T>) -> Input) {
        match self.sessions.get(id) {
            Some(session) if session.inputs.is_closed() => {
                let _ = reply.send(Err(format!("session {id} has ended by an internal error: :Agor log has more")));
            }
            // A task that ends meanwhile drops the reply, which its asker takes for an error.
            Some(session) => {
                let _ = session.inputs.send(input(reply));
            }
            None => {
                let _ = reply.send(Err(format!("no session {id}")));
            }
        }
    }

    fn tell_session(&self, id: &SessionId, input: Input) {
        if let Some(session) = self.sessions.get(id) {
            let _ = session.inputs.send(input);
        }
    }

    fn update(&mut self, update: Update) {
        if matches!(update, Update::GrantsChanged) {
            return self.grants_changed();
        }
        let of = match &update {
            Update::Session(row) => Some(&row.session_id),
            Update::Permission { session, .. } | Update::Question { session, .. } | Update::Closed { session, .. } => {
                Some(session)
            }
            _ => None,
        };
        if let Some(living) = of.and_then(|of| self.sessions.get_mut(of)?.living.as_mut()) {
            living.note(&update);
        }
        self.tell(update);
    }

    fn tell(&self, update: Update) {
        let _ = self.client.send(update);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(meeting) = &self.meeting {
            meeting.leave();
        }
    }
}

/// The thread that waits for the disk.
fn syncer() -> std::sync::mpsc::Sender<std::fs::File> {
    let (sender, files) = std::sync::mpsc::channel::<std::fs::File>();
    let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
        for file in files {
            if let Err(error) = file.sync_data() {
                tracing::warn!(%error, "a journal could not be synced");
            }
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread for syncing journals");
    }
    sender
}
