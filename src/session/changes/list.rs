//! The changes of a session or a turn, looked up: what files were, against what they are now.
//!
//! Knows where contents are; how they are compared is in `compare`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    Scope, Worker, blocking,
    compare::{self, Change, Side},
    kept::{self, Before, PLAIN, SUBMODULE, Seen},
    log::{Name, Touched},
    snapshot::SnapshotError,
};
use crate::{domain::Diffstat, session::git::GitError};

/// As much of contents is in memory at once.
const AT_ONCE: u64 = 16 * 1024 * 1024;

/// A file in a repository: mode and id.
type Entry = (u32, String);

/// What it was and what it is.
type Pair = (Name, Option<Entry>, Option<Entry>);

/// The answer to what has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their paths.
    pub files: Vec<Change>,
    pub stat: Diffstat,
    /// Sentences about what is not in it.
    pub notes: Vec<String>,
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub path: PathBuf,
    /// The name that it had, where that was another one.
    pub was: Option<PathBuf>,
    /// `None`: it was not there.
    pub text: Option<Vec<u8>>,
}

impl Worker {
    pub(super) async fn list(&mut self, scope: Scope) -> Result<Changes, SnapshotError> {
        let (touched, more) = self.scoped(scope).await;
        let files = self.compared(&touched).await?;
        let mut notes = Vec::new();
        if more > 0 {
            notes.push(format!(
                "{more} more files have changed: a turn's list ends at {}, and has no names that are no UTF-8",
                super::MOST
            ));
        }
        notes.extend(self.unseen.notes(scope));
        notes.extend(self.trouble.clone());
        Ok(Changes { stat: compare::stat(&files), files, notes })
    }

    /// What was touched, the turn that runs included.
    async fn scoped(&mut self, scope: Scope) -> (Touched, usize) {
        let open = self.history().open.clone();
        let (now, more_now) = match &open {
            Some(open) => self.touched(open).await,
            None => (Touched::new(), 0),
        };
        let history = self.history();
        match scope {
            Scope::Turn if open.is_some() => (now, more_now),
            Scope::Turn => (history.turn.clone(), 0),
            Scope::Session => {
                let mut touched = history.session.clone();
                for (path, before) in now {
                    touched.entry(path).or_insert(before);
                }
                (touched, history.more.saturating_add(more_now))
            }
        }
    }

    /// Against what is there now.
    pub(super) async fn compared(&mut self, touched: &Touched) -> Result<Vec<Change>, SnapshotError> {
        let mut changes = Vec::new();
        let mut outside = Touched::new();
        let mut inside: BTreeMap<PathBuf, Touched> = BTreeMap::new();
        for (path, before) in touched {
            let top = match before {
                Before::Object { .. } | Before::Absent => self.top_of(&path.0),
                Before::Kept { .. } | Before::Large { .. } => None,
            };
            let group = top.map_or(&mut outside, |top| inside.entry(top).or_default());
            group.insert(path.clone(), before.clone());
        }
        for (top, files) in inside {
            let (compared, unknown) = self.compared_in(&top, files).await?;
            changes.extend(compared);
            outside.extend(unknown);
        }
        let kept = self.folder.join("kept");
        let compared = blocking(move || {
            let compare = |(path, before): (Name, Before)| {
                let (old, new) = sides(&kept, &before, kept::look(&path.0))?;
                compare::compare(path.0, &old, &new)
            };
            outside.into_iter().filter_map(compare).collect::<Vec<_>>()
        });
        changes.extend(compared.await);
        changes.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
        Ok(changes)
    }

    /// Of the repository that holds it most closely.
    fn top_of(&mut self, path: &Path) -> Option<PathBuf> {
        let tops = self.history().tops.iter().filter(|top| path.starts_with(top));
        tops.max_by_key(|top| top.as_os_str().len()).cloned()
    }

    /// What files of one repository were and are, where that differs; and those that the repository does not know.
    async fn pairs_in(&mut self, top: &Path, files: Touched) -> Result<(Vec<Pair>, Touched), SnapshotError> {
        match self.take_down(top).await {
            Ok(_) => {}
            // It is none any more: what there is of the files is on the disk.
            Err(SnapshotError::Git(GitError::NoRepository(_))) => return Ok((Vec::new(), files)),
            Err(why) => return Err(why),
        }
        let Some(repository) = self.repositories.iter().find(|known| known.top == top) else {
            return Ok((Vec::new(), files));
        };
        let paths: BTreeSet<Name> = files.keys().cloned().collect();
        let mut now = repository.entries(&self.caller, &paths).await?;
        let mut unknown = Touched::new();
        let mut pairs: Vec<Pair> = Vec::new();
        for (path, before) in files {
            let after = now.remove(&path);
            match before {
                Before::Object { mode, id } if after.as_ref() != Some(&(mode, id.clone())) => {
                    pairs.push((path, Some((mode, id)), after));
                }
                Before::Absent if after.is_some() => pairs.push((path, None, after)),
                // What git ignores may have come.
                Before::Absent => {
                    unknown.insert(path, before);
                }
                _ => {}
            }
        }
        Ok((pairs, unknown))
    }

    /// Files of one repository; and those that the repository does not know.
    async fn compared_in(&mut self, top: &Path, files: Touched) -> Result<(Vec<Change>, Touched), SnapshotError> {
        let (mut pairs, unknown) = self.pairs_in(top, files).await?;
        let mut changes = renames(&mut pairs, top);
        let Some(repository) = self.repositories.iter().find(|known| known.top == top) else {
            return Ok((changes, unknown));
        };
        let ids = |pair: &Pair| {
            let both = [&pair.1, &pair.2].into_iter().flatten().filter(|(mode, _)| *mode != SUBMODULE);
            both.map(|(_, id)| id.clone()).collect::<Vec<_>>()
        };
        let sizes = repository.sizes(&self.caller, &pairs.iter().flat_map(ids).collect()).await?;
        let mut pairs = pairs.into_iter().peekable();
        while pairs.peek().is_some() {
            let (mut batch, mut wanted, mut size) = (Vec::new(), BTreeSet::new(), 0);
            while let Some(pair) = pairs.next_if(|_| size < AT_ONCE) {
                for id in ids(&pair) {
                    if let Some(bytes) = sizes.get(&id).filter(|_| !wanted.contains(&id)) {
                        size += bytes;
                        wanted.insert(id);
                    }
                }
                batch.push(pair);
            }
            let contents = repository.contents(&self.caller, &wanted).await?;
            let compared = blocking(move || {
                let side = |entry: &Option<Entry>| match entry {
                    None => Side::Absent,
                    Some((mode, id)) if *mode == SUBMODULE => {
                        Side::Content { mode: *mode, bytes: id.clone().into_bytes() }
                    }
                    Some((mode, id)) => match contents.get(id) {
                        Some(bytes) => Side::Content { mode: *mode, bytes: bytes.clone() },
                        None => Side::Unknown { mode: *mode },
                    },
                };
                let compare = |(path, old, new): Pair| compare::compare(path.0, &side(&old), &side(&new));
                batch.into_iter().filter_map(compare).collect::<Vec<_>>()
            });
            changes.extend(compared.await);
        }
        Ok((changes, unknown))
    }

    /// The other name that a file had, and what it was under that.
    async fn earlier_name(&mut self, path: &Path, touched: &Touched) -> Option<(Name, Before)> {
        let top = self.top_of(path)?;
        let known = |(name, before): (&Name, &Before)| {
            let in_git = matches!(before, Before::Object { .. } | Before::Absent);
            (in_git && self.top_of(&name.0).as_ref() == Some(&top)).then(|| (name.clone(), before.clone()))
        };
        let files = touched.iter().filter_map(known).collect();
        let (pairs, _) = self.pairs_in(&top, files).await.ok()?;
        let from = renamed(&pairs).remove(&Name(path.to_owned()))?;
        let before = touched.get(&from)?.clone();
        Some((from, before))
    }

    /// What one file was. An error is a sentence.
    pub(super) async fn before(&mut self, path: PathBuf, scope: Scope) -> Result<Earlier, String> {
        let asked = path.clone();
        let path = blocking(move || kept::own_name(&asked)).await.unwrap_or(path);
        let (touched, _) = self.scoped(scope).await;
        let shown = path.display();
        let mut before = touched.get(&Name(path.clone())).cloned().ok_or_else(|| match scope {
            Scope::Session => format!("the session has not changed {shown}"),
            Scope::Turn => {
                format!("the turn has not changed {shown}: without \"turn\" it is compared with the session's begin")
            }
        })?;
        let mut was = None;
        if before == Before::Absent
            && let Some((name, earlier)) = self.earlier_name(&path, &touched).await
        {
            (was, before) = (Some(name.0), earlier);
        }
        let text = match &before {
            Before::Absent => None,
            Before::Large { .. } => return Err(format!("{shown} was too large to be kept before it was changed")),
            Before::Object { mode, .. } if *mode == SUBMODULE => {
                return Err(format!("{shown} is a submodule: git diff says what has changed"));
            }
            Before::Object { id, .. } => {
                let path = was.as_ref().unwrap_or(&path);
                let top = self.top_of(path).unwrap_or_default();
                let repository = self.repositories.iter().find(|known| known.top == top);
                let repository =
                    repository.ok_or_else(|| format!("{} is no git repository any more", top.display()))?;
                let written = repository.written(&self.caller, path, id).await;
                Some(written.map_err(|error| format!("what {shown} was is not to be had: {error}"))?)
            }
            Before::Kept { name, .. } => {
                let kept = self.folder.join("kept").join(name);
                let read = blocking(move || std::fs::read(kept)).await;
                Some(read.map_err(|error| format!("what {shown} was is not to be had: {error}"))?)
            }
        };
        if text.as_deref().is_some_and(compare::is_binary) {
            return Err(format!("{shown} is no text, and cannot be shown beside what it was"));
        }
        Ok(Earlier { path, was, text })
    }
}

/// What has only another name now, with the name that it had.
fn renamed(pairs: &[Pair]) -> BTreeMap<Name, Name> {
    let gone = pairs.iter().filter_map(|(path, old, new)| {
        let old = old.as_ref().filter(|_| new.is_none())?;
        Some((old.clone(), path.clone()))
    });
    let mut gone: BTreeMap<Entry, Name> = gone.collect();
    let came = pairs.iter().filter_map(|(path, old, new)| {
        let from = new.as_ref().filter(|_| old.is_none()).and_then(|new| gone.remove(new))?;
        Some((path.clone(), from))
    });
    came.collect()
}

/// Takes out what has only another name now.
fn renames(pairs: &mut Vec<Pair>, top: &Path) -> Vec<Change> {
    let renamed = renamed(pairs);
    let gone: BTreeSet<&Name> = renamed.values().collect();
    pairs.retain(|(path, _, _)| !renamed.contains_key(path) && !gone.contains(path));
    let change = |(path, from): (&Name, &Name)| Change {
        path: path.0.clone(),
        spots: Vec::new(),
        what: format!("was {}", from.0.strip_prefix(top).unwrap_or(&from.0).display()),
        added: 0,
        removed: 0,
    };
    renamed.iter().map(change).collect()
}

/// Both sides of a file that is compared on the disk; `None` if it is known to be the same, or is no file.
fn sides(folder: &Path, before: &Before, now: Seen) -> Option<(Side, Side)> {
    if kept::is_same(before, &now) {
        return None;
    }
    let old = match before {
        Before::Absent => Side::Absent,
        Before::Kept { mode, name } => match std::fs::read(folder.join(name)) {
            Ok(bytes) => Side::Content { mode: *mode, bytes },
            Err(_) => Side::Unknown { mode: *mode },
        },
        Before::Object { mode, .. } => Side::Unknown { mode: *mode },
        Before::Large { .. } => Side::Unknown { mode: PLAIN },
    };
    let new = match now {
        Seen::Absent => Side::Absent,
        Seen::Content { mode, bytes } => Side::Content { mode, bytes },
        Seen::Large { .. } => Side::Unknown { mode: PLAIN },
        Seen::Other => return None,
    };
    Some((old, new))
}
