//! What a session's agent has changed in files, whatever agent it is and by whatever means.
//!
//! At a turn's begin and end the worktree of the repository is taken down as a tree ([`snapshot`]); what differs was changed
//! in the turn. Of files of which no repository knows, the content is kept ([`kept`]) when a tool is about to touch them.
//! What a file was before the first turn that touched it is its state before the session. What the user changes between
//! turns is not the agent's; what anybody changes while a turn runs cannot be told from it.
//!
//! One task does it, one thing after the other, beside the session's own: nothing here is waited for by an agent, but for
//! the moment in which the state before a turn is taken down. Knows git and the disk; knows no agents.

mod compare;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod kept;
mod list;
mod log;
mod snapshot;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use self::{
    compare::{Change, Spot},
    list::{Changes, Earlier},
};
use self::{
    kept::Seen,
    log::{History, Line, Name, Open, Touched, Tree},
    snapshot::{Caller, LeftOut, Repository, SnapshotError},
};
use super::{journal, reply::Reply};
use crate::{
    agent::process::OwnBinary,
    domain::{Diffstat, Hunk, SessionId, StartOptions},
    private,
};

/// Files of one turn that are listed: of more only the number is known.
const MOST: usize = 10_000;

/// Files that are too large to be compared, by name.
const NAMED: usize = 3;

/// Of the session, or of the turn that runs or has ended last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Session,
    Turn,
}

/// What the session's actor wants.
#[derive(Debug)]
enum Job {
    /// A turn will begin in these directories.
    Foresee {
        roots: Vec<PathBuf>,
    },
    Begin {
        roots: Vec<PathBuf>,
        done: oneshot::Sender<()>,
    },
    /// A tool is about to touch it, or it was looked at just before.
    Touch {
        path: PathBuf,
        seen: Option<Seen>,
    },
    /// A tool has said what it changed: it may have been faster than we were.
    Told {
        path: PathBuf,
        hunks: Vec<Hunk>,
    },
    End {
        done: oneshot::Sender<Ended>,
    },
    Stat {
        done: oneshot::Sender<Ended>,
    },
    List {
        scope: Scope,
        done: Reply<Changes>,
    },
    Before {
        path: PathBuf,
        scope: Scope,
        done: Reply<Earlier>,
    },
}

/// After a turn.
#[derive(Debug, Default)]
pub struct Ended {
    /// Of the session; `None` if nothing is known.
    pub stat: Option<Diffstat>,
    /// Why it is not the whole truth, for the user: said once.
    pub trouble: Option<String>,
}

/// What is done for a session. When it is dropped, what was asked for is still done.
#[derive(Clone, Debug)]
pub struct Tracker {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Tracker {
    /// `writes`: the session is ours; else it is only looked at.
    pub fn start(folder: PathBuf, options: StartOptions, keeper: OwnBinary, writes: bool) -> Self {
        let (jobs, received) = mpsc::unbounded_channel();
        let worker = Worker {
            folder,
            caller: Caller { options, keeper },
            writes,
            history: None,
            repositories: Vec::new(),
            trouble: None,
            told: false,
            unseen: Unseen::default(),
        };
        tokio::spawn(worker.run(received));
        Self { jobs }
    }

    /// One will begin, in these directories: what can be done by then is done.
    pub fn foresee(&self, roots: Vec<PathBuf>) {
        let _ = self.jobs.send(Job::Foresee { roots });
    }

    /// A turn begins, in these directories. Answered when the state before it is known.
    pub fn begin(&self, roots: Vec<PathBuf>) -> oneshot::Receiver<()> {
        self.ask(|done| Job::Begin { roots, done })
    }

    pub fn touch(&self, path: PathBuf) {
        let _ = self.jobs.send(Job::Touch { path, seen: None });
    }

    /// The same, with what is there now, whatever comes after it. Waits for the disk.
    pub fn touch_now(&self, path: &Path) {
        let _ = self.jobs.send(Job::Touch { path: path.to_owned(), seen: Some(kept::look(path)) });
    }

    pub fn told(&self, path: PathBuf, hunks: Vec<Hunk>) {
        let _ = self.jobs.send(Job::Told { path, hunks });
    }

    pub fn end(&self) -> oneshot::Receiver<Ended> {
        self.ask(|done| Job::End { done })
    }

    /// As far as an earlier backend has come.
    pub fn stat(&self) -> oneshot::Receiver<Ended> {
        self.ask(|done| Job::Stat { done })
    }

    pub fn list(&self, scope: Scope, done: Reply<Changes>) {
        let _ = self.jobs.send(Job::List { scope, done });
    }

    pub fn before(&self, path: PathBuf, scope: Scope, done: Reply<Earlier>) {
        let _ = self.jobs.send(Job::Before { path, scope, done });
    }

    fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> oneshot::Receiver<T> {
        let (done, answer) = oneshot::channel();
        // A worker that has died drops it, which is an answer too.
        let _ = self.jobs.send(job(done));
        answer
    }
}

/// Where a session's snapshots are, given where journals are.
pub fn folder(journals: &Path, session: &SessionId) -> PathBuf {
    journals.with_file_name("snapshots").join(session.as_str())
}

/// What is left of sessions whose journal has gone by itself. Waits for the disk.
pub fn sweep(journals: &Path) {
    // Journals that are out of reach have not gone.
    let folders = fs::read_dir(journals.with_file_name("snapshots")).ok().filter(|_| journals.is_dir());
    let Some(folders) = folders else { return };
    for folder in folders.flatten() {
        let session = folder.file_name().to_str().and_then(|name| SessionId::parse(name).ok());
        let gone = |session: SessionId| {
            let found = fs::symlink_metadata(journal::path(journals, &session));
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        if session.is_some_and(gone)
            && let Err(error) = fs::remove_dir_all(folder.path())
        {
            tracing::warn!(%error, path = %folder.path().display(), "snapshots of no session");
        }
    }
}

/// For the user alone.
fn make_folder(folder: &Path) -> io::Result<()> {
    private::folder(folder)
}

struct Worker {
    folder: PathBuf,
    caller: Caller,
    writes: bool,
    /// Once it was read.
    history: Option<History>,
    repositories: Vec<Repository>,
    /// What went wrong first.
    trouble: Option<String>,
    told: bool,
    unseen: Unseen,
}

/// What changed and cannot be compared, as far as this backend has seen.
#[derive(Debug, Default)]
struct Unseen {
    /// At the turn's begin, by repository.
    before: BTreeMap<PathBuf, LeftOut>,
    turn: BTreeSet<PathBuf>,
    session: BTreeSet<PathBuf>,
    /// Of so many files nothing is known.
    more: usize,
}

impl Unseen {
    /// Before and now are known only to who has seen both.
    fn look(&mut self, top: &Path, now: &LeftOut) {
        if let Some(before) = self.before.get(top) {
            let changed = now.changed_since(before);
            self.turn.extend(changed.iter().cloned());
            self.session.extend(changed);
        }
        self.more = now.more;
    }

    /// In sentences.
    fn notes(&self, scope: Scope) -> Vec<String> {
        let files = if scope == Scope::Turn { &self.turn } else { &self.session };
        let named: Vec<String> = files.iter().take(NAMED).map(|path| path.display().to_string()).collect();
        let mut notes = Vec::new();
        if !files.is_empty() {
            let further = files.len() - named.len();
            let further = if further > 0 { format!(" and {further} more") } else { String::new() };
            notes.push(format!(
                "changed, but not listed, being too large or not to be read: {}{further}",
                named.join(", ")
            ));
        }
        if self.more > 0 {
            notes.push(format!("{} files are not looked at: git knows none of them, and they are too many", self.more));
        }
        notes
    }
}

impl Worker {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        while let Some(job) = jobs.recv().await {
            self.load().await;
            match job {
                Job::Foresee { roots } => self.foresee(roots).await,
                Job::Begin { roots, done } => {
                    self.begin(roots).await;
                    let _ = done.send(());
                }
                Job::Touch { path, seen } => self.touch(path, seen).await,
                Job::Told { path, hunks } => self.told(path, hunks).await,
                Job::End { done } => {
                    self.end().await;
                    let _ = done.send(self.ended());
                }
                Job::Stat { done } => {
                    let _ = done.send(self.ended());
                }
                Job::List { scope, done } => {
                    let _ = done.send(self.list(scope).await.map_err(|error| error.to_string()));
                }
                Job::Before { path, scope, done } => {
                    let _ = done.send(self.before(path, scope).await);
                }
            }
        }
    }

    fn ended(&mut self) -> Ended {
        let trouble = self.trouble.clone().filter(|_| !std::mem::replace(&mut self.told, true));
        Ended { stat: self.history.as_ref().and_then(|history| history.stat), trouble }
    }

    fn history(&mut self) -> &mut History {
        self.history.get_or_insert_default()
    }

    /// What an earlier backend has seen. A turn that was cut off with it ends here.
    async fn load(&mut self) {
        if self.history.is_some() {
            return;
        }
        let folder = self.folder.clone();
        let read = blocking(move || History::read(&folder)).await;
        self.history = Some(read.unwrap_or_else(|error| {
            self.trouble = Some(format!("{} cannot be read: {error}", self.folder.display()));
            History::default()
        }));
        if self.writes && self.history().open.is_some() {
            self.end().await;
        }
    }

    /// Writes the line down and takes it in.
    async fn log(&mut self, line: Line) {
        if self.writes {
            let (folder, kept) = (self.folder.clone(), line.clone());
            if let Err(error) = blocking(move || log::append(&folder, &kept)).await {
                self.wrong(format!("{} cannot be written: {error}", self.folder.display()));
            }
        }
        self.history().take(line);
    }

    fn wrong(&mut self, why: String) {
        tracing::warn!(why, "changes");
        self.trouble.get_or_insert(format!("not all that is changed in files can be listed: {why}"));
    }

    async fn foresee(&mut self, roots: Vec<PathBuf>) {
        for top in tops(roots).await {
            if let Err(why) = self.take_down(&top).await {
                // The turn itself says it, if it is still so.
                tracing::debug!(%why, top = %top.display(), "no snapshot yet");
            }
        }
    }

    async fn begin(&mut self, roots: Vec<PathBuf>) {
        let mut trees = Vec::new();
        (self.unseen.before, self.unseen.turn) = (BTreeMap::new(), BTreeSet::new());
        for top in tops(roots).await {
            match self.take_down(&top).await {
                Ok((tree, left_out)) => {
                    self.unseen.before.insert(top.clone(), left_out);
                    trees.push(Tree { top, tree });
                }
                Err(why) => self.no_snapshot(&top, why),
            }
        }
        self.log(Line::Begin { trees }).await;
    }

    fn no_snapshot(&mut self, top: &Path, why: SnapshotError) {
        use super::git::GitError;

        match why {
            // What has a `.git` and is none, or a system without git: then tools alone tell.
            SnapshotError::Git(GitError::Missing | GitError::NoRepository(_)) => {
                tracing::info!(%why, top = %top.display(), "no snapshot");
            }
            why => self.wrong(why.to_string()),
        }
    }

    /// The repository's state now.
    async fn take_down(&mut self, top: &Path) -> Result<(String, LeftOut), SnapshotError> {
        let index = match self.repositories.iter().position(|known| known.top == top) {
            Some(index) => index,
            None => {
                let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, top.as_os_str().as_bytes());
                let folder = self.folder.join(format!("repository-{}", name.simple()));
                let opened = Repository::open(&self.caller, top, folder, self.writes).await?;
                self.history().know(top);
                self.repositories.push(opened);
                self.repositories.len() - 1
            }
        };
        self.repositories[index].snapshot(&self.caller).await
    }

    async fn touch(&mut self, path: PathBuf, seen: Option<Seen>) {
        let Some(open) = &self.history().open else { return };
        let known: BTreeSet<Name> = open.first.keys().cloned().collect();
        let folder = self.folder.join("kept");
        let looked = blocking(move || {
            let path = kept::own_name(&path).map(Name).filter(|path| !known.contains(path))?;
            let seen = seen.unwrap_or_else(|| kept::look(&path.0));
            Some((path, kept::keep(&folder, &seen)))
        });
        match looked.await {
            Some((path, Ok(Some(before)))) => self.log(Line::First { path, before }).await,
            Some((_, Err(error))) => self.wrong(format!("{} cannot be written: {error}", self.folder.display())),
            Some((_, Ok(None))) | None => {}
        }
    }

    /// Where the tool was there before us, what it was is worked out from what it says.
    async fn told(&mut self, path: PathBuf, hunks: Vec<Hunk>) {
        let Some(open) = &self.history().open else { return };
        let (first, folder) = (open.first.clone(), self.folder.join("kept"));
        let found = blocking(move || {
            let path = Name(kept::own_name(&path)?);
            let now = kept::look(&path.0);
            if first.get(&path).is_some_and(|before| !kept::is_same(before, &now)) {
                return None;
            }
            let Seen::Content { mode, bytes } = &now else { return None };
            let text = compare::before(std::str::from_utf8(bytes).ok()?, &hunks)?;
            let is_new = text.is_empty() && hunks.iter().all(|hunk| hunk.old_start == 0);
            let seen = if is_new { Seen::Absent } else { Seen::Content { mode: *mode, bytes: text.into_bytes() } };
            Some((path, kept::keep(&folder, &seen).ok()??))
        });
        if let Some((path, before)) = found.await {
            // Over what was seen too late.
            if let Some(open) = &mut self.history().open {
                open.first.remove(&path);
            }
            self.log(Line::First { path, before }).await;
        }
    }

    async fn end(&mut self) {
        let Some(open) = self.history().open.clone() else { return };
        let (touched, more) = self.touched(&open).await;
        for repository in &self.repositories {
            if let Err(why) = repository.preserve(&self.caller, &touched).await {
                tracing::warn!(%why, "what files were is kept by their repository alone");
            }
        }
        let mut session = self.history().session.clone();
        for (path, before) in &touched {
            session.entry(path.clone()).or_insert_with(|| before.clone());
        }
        let stat = match touched.is_empty() {
            true => self.history().stat.unwrap_or_default(),
            false => self.compared(&session).await.map(|changes| compare::stat(&changes)).unwrap_or_default(),
        };
        self.log(Line::End { touched: touched.into_iter().collect(), more, stat }).await;
    }

    /// By a turn that runs or ends now.
    async fn touched(&mut self, open: &Open) -> (Touched, usize) {
        let (mut touched, mut more) = (Touched::new(), 0);
        for Tree { top, tree } in &open.trees {
            let now = match self.take_down(top).await {
                Ok((now, left_out)) => {
                    self.unseen.look(top, &left_out);
                    now
                }
                Err(why) => {
                    self.no_snapshot(top, why);
                    continue;
                }
            };
            let room = MOST.saturating_sub(touched.len());
            let Some(repository) = self.repositories.iter().find(|known| known.top == *top) else { continue };
            match repository.touched(&self.caller, tree, &now, room).await {
                Ok((files, further)) => {
                    touched.extend(files);
                    more += further;
                }
                Err(why) => self.no_snapshot(top, why),
            }
        }
        let first = open.first.clone();
        let changed = blocking(move || {
            first.into_iter().filter(|(path, before)| !kept::is_same(before, &kept::look(&path.0))).collect::<Touched>()
        });
        for (path, before) in changed.await {
            touched.entry(path).or_insert(before);
        }
        (touched, more)
    }
}

/// Of the repositories that directories are in, each once.
async fn tops(roots: Vec<PathBuf>) -> Vec<PathBuf> {
    blocking(move || {
        let mut tops: Vec<PathBuf> = roots.iter().filter_map(|root| snapshot::top_of(root)).collect();
        tops.sort();
        tops.dedup();
        tops
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
