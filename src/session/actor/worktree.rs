//! The session's own git worktree: it is made before the agent starts, and looked at when a turn has ended.

use std::path::{Path, PathBuf};

use tokio::{sync::oneshot, time::Instant};

use super::{Actor, Done, LINGER, Origin, Stop};
use crate::{
    agent::protocol::registry,
    domain::{Content, Diffstat, StartOptions},
    session::{
        git::Git,
        worktree::{self, Made, MakeError},
    },
};

/// What is under way about it.
#[derive(Debug, Default)]
pub(super) struct Making {
    /// It is being made; the agent starts after that.
    pub(super) now: bool,
    /// There is no repository: the agent itself is told the name.
    told: bool,
    /// The agent was started after it was made.
    started: bool,
    /// Somebody counts what was done in it.
    looking: bool,
    /// And is to count again.
    look_again: bool,
    /// Who waits until nothing works in it any more.
    leaving: Vec<oneshot::Sender<()>>,
}

impl Actor {
    /// True if the agent has to wait for it.
    pub(super) fn make_worktree(&mut self) -> bool {
        if self.making.now {
            return true;
        }
        let wanted = self.options.wanted_worktree().filter(|_| !self.making.told);
        let Some(name) = wanted.map(str::to_owned) else { return false };
        self.begin_making(name, self.options.clone());
        true
    }

    fn begin_making(&mut self, name: String, options: StartOptions) {
        self.making.now = true;
        let message = format!("Making the worktree {name}");
        self.say(Content::Status { subtype: "worktree".to_owned(), message });
        self.flush();
        self.tell_row();
        let keeper = self.common.binary.path();
        self.jobs.spawn(async move { Done::Worktree(Box::new(worktree::make(&name, &options, &keeper).await)) });
    }

    pub(super) fn worktree_made(&mut self, made: Result<Made, MakeError>) {
        self.making.now = false;
        let first = self.origin == Origin::New && !std::mem::replace(&mut self.making.started, true);
        match made {
            Ok(Made { worktree, cwd, told }) => {
                self.say(Content::Status { subtype: "worktree".to_owned(), message: told });
                self.moved_to(cwd);
                self.state.summary.worktree = Some(worktree);
                self.options.worktree_name = None;
                self.look_at_worktree();
            }
            Err(MakeError::NoRepository(directory)) if self.is_told_worktree() => {
                let (provider, directory) = (&self.options.provider, directory.display());
                let message = format!("{directory} is in no git repository: {provider} is told the worktree's name");
                self.say(Content::Status { subtype: "worktree".to_owned(), message });
                self.making.told = true;
            }
            Err(error) => {
                self.fail(error.to_string());
                self.return_queue();
                self.stop = if self.stop == Stop::Removed { Stop::Removed } else { Stop::No };
                self.leave_at = Some(Instant::now() + LINGER);
                return self.tell_row();
            }
        }
        match self.stop {
            // It may have been made again for a prompt that is still being written.
            Stop::No if first => self.start_agent(),
            Stop::No if self.state.queue.due().is_some() => {
                self.resume_options();
                self.start_agent();
            }
            Stop::No => self.leave_at = Some(Instant::now() + LINGER),
            Stop::Removed => {}
            // It was stopped meanwhile: the worktree waits for the next prompt.
            _ => {
                self.stop = Stop::No;
                self.leave_at = Some(Instant::now() + LINGER);
            }
        }
        self.tell_row();
    }

    /// From now on it works there.
    pub(super) fn moved_to(&mut self, cwd: PathBuf) {
        self.state.summary.cwd = cwd.to_string_lossy().into_owned();
        self.options.cwd = cwd;
        self.find_project();
    }

    /// A runner of the user's own may know a way without git.
    fn is_told_worktree(&self) -> bool {
        let config = &self.options.config;
        !config.is_embedded() && registry::find(&config.protocol).is_some_and(|row| row.told_worktree)
    }

    /// Counts what was done in it, if it has one.
    pub(super) fn look_at_worktree(&mut self) {
        let Some(worktree) = self.state.summary.worktree.clone() else { return };
        if std::mem::replace(&mut self.making.looking, true) {
            self.making.look_again = true;
            return;
        }
        let (options, keeper) = (self.options.clone(), self.common.binary.path());
        self.jobs.spawn(async move {
            let git = Git::new(&options, &keeper);
            let found = worktree::diffstat(git, &worktree, options.session_id.as_str()).await;
            Done::LookedAt(found.map_err(|error| error.to_string()))
        });
    }

    pub(super) fn looked_at_worktree(&mut self, found: Result<Diffstat, String>) {
        self.making.looking = false;
        match found {
            Ok(diffstat) => self.change(|summary| {
                if let Some(worktree) = &mut summary.worktree {
                    worktree.diffstat = Some(diffstat);
                }
            }),
            // What was counted before is better than nothing, and nobody waits for it.
            Err(error) => tracing::info!(error, "the worktree cannot be looked at"),
        }
        if std::mem::take(&mut self.making.look_again) {
            self.look_at_worktree();
        }
    }

    /// It is to end, and whoever waits for that is told.
    pub(super) fn leave(&mut self, reply: oneshot::Sender<()>) {
        self.making.leaving.push(reply);
        if self.live.is_some() || !self.shells.is_empty() || self.is_trusting() {
            self.stop(false);
        }
    }

    pub(super) fn tell_left(&mut self) {
        if !self.making.leaving.is_empty() && self.live.is_none() && self.shells.is_empty() && !self.making.now {
            for reply in self.making.leaving.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    /// What can be done where the directory to work in is gone.
    pub(super) fn worktree_gone(&mut self) -> Option<String> {
        let worktree = self.state.summary.worktree.as_ref()?;
        let gone = !self.options.cwd.exists();
        gone.then(|| {
            let (path, branch) = (&worktree.path, &worktree.branch);
            format!("the worktree {path} is gone: `:Agor worktree create` makes it again from its branch {branch}")
        })
    }

    /// Anew, after it has gone.
    pub(super) fn make_worktree_again(&mut self) -> Result<(), String> {
        let id = &self.options.session_id;
        if self.making.now {
            return Ok(());
        }
        let Some(worktree) = self.state.summary.worktree.clone() else {
            return Err(format!("session {id} has no worktree: worktree=NAME gives one to a session that is started"));
        };
        if self.live.is_some() {
            return Err(format!("session {id} runs in its worktree: stop it first"));
        }
        let mut options = self.options.clone();
        // Where it was, whatever the configuration says by now.
        let below = options.cwd.strip_prefix(&worktree.path).map(Path::to_owned).unwrap_or_default();
        options.cwd = Path::new(&worktree.repository).join(below);
        options.worktree.path = Some(worktree.path.into());
        options.worktree.branch = worktree.branch;
        self.begin_making(worktree.name, options);
        Ok(())
    }
}
