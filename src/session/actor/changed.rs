//! What is asked of those who take down what the agent changes in files: at a turn's begin and end, and when a tool is
//! about to touch one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Actor, Done, Origin};
use crate::{
    agent::awake,
    domain::{Content, Prompt, ToolCall, ToolKind, ToolResult},
    session::{
        changes::{self, Changes, Earlier, Ended, Scope, Tracker},
        reply::Reply,
        updates::Level,
    },
};

type Environ = BTreeMap<String, String>;

/// How long a prompt waits for the state before its turn. It goes then all the same: agents do not write at once. Where
/// that was not enough the next one does not wait for it at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the session stands with that.
#[derive(Debug, Default)]
pub(super) struct Changed {
    tracker: Option<Tracker>,
    /// The state before the next turn was taken down, or is about to be.
    seen: bool,
    /// The prompt that waits for it.
    waiting: Option<Prompt>,
    /// Taking it down took longer than a prompt waits: the repository is large, or the disk busy.
    slow: bool,
    /// A turn runs whose end is to be taken down.
    open: bool,
    /// What can be done before the first prompt was asked for.
    foreseen: bool,
}

impl Actor {
    /// None without a folder, and for a session that has no journal.
    fn tracker(&mut self) -> Option<&Tracker> {
        if self.changed.tracker.is_none() && self.journal.failure().is_none() {
            let journals = self.common.journals.as_deref()?;
            let folder = changes::folder(journals, &self.options.session_id);
            let (options, keeper) = (self.options.clone(), self.common.binary.clone());
            self.changed.tracker = Some(Tracker::start(folder, options, keeper, self.origin != Origin::Archived));
        }
        self.changed.tracker.as_ref()
    }

    fn roots(&self) -> Vec<PathBuf> {
        // What is there is not here, and what is here is not there.
        if !self.options.files_are_here() {
            return Vec::new();
        }
        let cwd = &self.options.cwd;
        let more = self.options.additional_directories.iter().map(|directory| cwd.join(directory));
        std::iter::once(cwd.clone()).chain(more).collect()
    }

    /// While the agent starts and the user types: the first state costs more than those that follow.
    pub(super) fn foresee_turns(&mut self) {
        let roots = self.roots();
        if !self.changed.seen
            && !std::mem::replace(&mut self.changed.foreseen, true)
            && let Some(tracker) = self.tracker()
        {
            tracker.foresee(roots);
        }
    }

    /// The prompt goes when the state before it is known: true if it has to wait for that.
    pub(super) fn must_see(&mut self, prompt: &Prompt, job: u64) -> bool {
        let roots = self.roots();
        if self.changed.seen {
            return false;
        }
        let Some(seen) = self.tracker().map(|tracker| tracker.begin(roots)) else { return false };
        self.changed.seen = true;
        let waits = !self.changed.slow;
        if waits {
            self.changed.waiting = Some(prompt.clone());
        }
        self.jobs.spawn(async move { Done::Seen { job, in_time: awake::timeout(PATIENCE, seen).await.is_some() } });
        waits
    }

    pub(super) fn seen(&mut self, job: u64, in_time: bool) {
        self.changed.slow = !in_time;
        if self.is_loading(job)
            && let Some(prompt) = self.changed.waiting.take()
        {
            self.prompt_loaded(job, prompt, Ok(()));
        }
    }

    /// Somebody wants something of the turn that is about to begin: it begins now.
    pub(super) fn hurry(&mut self) {
        if let Some(job) = self.loading_job()
            && let Some(prompt) = self.changed.waiting.take()
        {
            self.prompt_loaded(job, prompt, Ok(()));
        }
    }

    /// The prompt that it was taken down for was not delivered: the next one is another moment's.
    pub(super) fn unsee(&mut self) {
        self.changed.seen = false;
        self.changed.waiting = None;
    }

    pub(super) fn turn_begins(&mut self) {
        // A turn of the agent's own begins without a prompt: what it is going to do it has not done yet.
        let roots = self.roots();
        if !std::mem::take(&mut self.changed.seen)
            && let Some(tracker) = self.tracker()
        {
            drop(tracker.begin(roots));
        }
        self.changed.open = true;
    }

    pub(super) fn turn_ends(&mut self) {
        if std::mem::take(&mut self.changed.open)
            && let Some(tracker) = self.tracker()
        {
            let ended = tracker.end();
            self.await_changes(ended);
        }
    }

    /// What an earlier backend has seen of the session.
    pub(super) fn recall_changes(&mut self) {
        if let Some(tracker) = self.tracker() {
            let known = tracker.stat();
            self.await_changes(known);
        }
    }

    fn await_changes(&mut self, ended: tokio::sync::oneshot::Receiver<Ended>) {
        self.jobs.spawn(async move { Done::Changed(ended.await.unwrap_or_default()) });
    }

    pub(super) fn changes_known(&mut self, ended: Ended) {
        if let Some(trouble) = ended.trouble {
            self.notify(Level::Warn, trouble);
        }
        let changes = ended.stat.filter(|stat| stat.files > 0);
        self.change(|summary| summary.changes = changes);
    }

    /// A whole message of the agent's: tools say what they are about to touch, and what they have changed.
    pub(super) fn watch_tools(&mut self, content: &Content) {
        if !self.changed.open || !self.options.files_are_here() {
            return;
        }
        match content {
            Content::ToolCall(ToolCall {
                kind: ToolKind::Edit | ToolKind::Delete | ToolKind::Move, locations, ..
            }) => {
                for place in locations {
                    let path = self.absolute(Path::new(&place.path));
                    if let Some(tracker) = self.tracker() {
                        tracker.touch(path);
                    }
                }
            }
            Content::ToolResult(ToolResult { diff, is_error: false, .. }) => {
                for file in diff {
                    let path = self.absolute(Path::new(&file.path));
                    if let Some(tracker) = self.tracker() {
                        tracker.told(path, file.hunks.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// For who is about to write through us.
    pub(super) fn witness(&mut self) -> Option<Tracker> {
        self.tracker().cloned()
    }

    /// A session that is read from its journal has no environment, and git wants one.
    fn lend(&mut self, environ: Environ) {
        if self.origin == Origin::Archived && self.options.environ.is_empty() {
            self.options.environ = environ;
        }
    }

    pub(super) fn list_changes(&mut self, scope: Scope, environ: Environ, reply: Reply<Changes>) {
        match self.knowing_tracker(environ) {
            Ok(tracker) => tracker.list(scope, reply),
            Err(why) => drop(reply.send(Err(why))),
        }
    }

    pub(super) fn earlier(&mut self, path: PathBuf, scope: Scope, environ: Environ, reply: Reply<Earlier>) {
        match self.knowing_tracker(environ) {
            Ok(tracker) => tracker.before(path, scope, reply),
            Err(why) => drop(reply.send(Err(why))),
        }
    }

    /// An error is a sentence.
    fn knowing_tracker(&mut self, environ: Environ) -> Result<&Tracker, String> {
        if !self.options.files_are_here() {
            let place = &self.state.summary.place;
            return Err(format!(
                "what the session has changed is not known: it works on {place}, whose files are not here"
            ));
        }
        self.lend(environ);
        self.tracker().ok_or_else(|| "what the session has changed is not known: it has no journal".to_owned())
    }
}
