//! A repository and its worktrees, as git lists them.
//!
//! Asks git and reads what it says; changes nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::session::git::{Git, GitError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The top of its main worktree.
    pub top: PathBuf,
    /// What all its worktrees share.
    pub common: PathBuf,
    /// The top of the worktree that was asked from.
    pub here: PathBuf,
    /// What was asked from, below that.
    pub below: PathBuf,
    pub entries: Vec<Entry>,
}

/// One of its worktrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub head: String,
    /// Without `refs/heads/`; `None` where none is checked out.
    pub branch: Option<String>,
    /// Why, where it is.
    pub locked: Option<String>,
    /// Its directory is gone.
    pub gone: bool,
}

/// What we write beside git's own files of a worktree that we have made: no other is ever removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marker {
    pub name: String,
    /// The commit that its branch began from.
    pub base: String,
    /// Its branch was not there before.
    pub made_branch: bool,
}

const MARKER: &str = "agor.json";

/// The reason for which git locks one that it has not finished.
const UNFINISHED: &str = "initializing";

impl Repository {
    /// The one around git's directory. An error is a sentence.
    pub async fn find(git: Git<'_>, directory: &Path) -> Result<Self, FindError> {
        let git = git.within(directory);
        let asked = ["rev-parse", "--is-inside-work-tree", "--absolute-git-dir", "--git-common-dir"];
        let said = text(git.run(&asked).await?);
        let mut lines = said.lines();
        let mut next = || lines.next().unwrap_or_default();
        let (inside, own) = (next() == "true", PathBuf::from(next()));
        let common = directory.join(next());
        let common = common.canonicalize().unwrap_or(common);
        if !inside {
            return Err(FindError::NoFiles(directory.to_owned()));
        }
        let said = text(git.run(&["rev-parse", "--show-toplevel", "--show-prefix"]).await?);
        let mut lines = said.lines();
        let here = PathBuf::from(lines.next().unwrap_or_default());
        let below = PathBuf::from(lines.next().unwrap_or_default());
        let entries = entries(&text(git.run(&["worktree", "list", "--porcelain"]).await?));
        let is_main = own.canonicalize().unwrap_or(own) == common;
        let first = entries.first().map(|entry| entry.path.clone());
        // Git takes a submodule's own folder for its main worktree.
        let top = if is_main { here.clone() } else { first.unwrap_or_else(|| here.clone()) };
        Ok(Self { top, common, here, below, entries })
    }

    pub fn at(&self, path: &Path) -> Option<&Entry> {
        self.entries.iter().find(|entry| is_same(&entry.path, path))
    }

    pub fn on(&self, branch: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.branch.as_deref() == Some(branch))
    }

    pub fn is_main(&self, entry: &Entry) -> bool {
        is_same(&entry.path, &self.top)
    }
}

impl Entry {
    /// Whoever was making it has not come to the end.
    pub fn is_unfinished(&self) -> bool {
        self.locked.as_deref() == Some(UNFINISHED)
    }

    /// What we call it.
    pub fn is_called(&self) -> String {
        match &self.branch {
            Some(branch) => format!("has the branch {branch}"),
            None => "has no branch checked out".to_owned(),
        }
    }
}

impl Marker {
    fn path(git_dir: &Path) -> PathBuf {
        git_dir.join(MARKER)
    }

    /// `None`: we did not make it.
    pub fn read(git_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::path(git_dir)).ok()?).ok()
    }

    pub fn write(&self, git_dir: &Path) -> std::io::Result<()> {
        std::fs::write(Self::path(git_dir), serde_json::to_vec(self)?)
    }
}

/// Git's own folder of a worktree.
pub async fn git_dir(git: Git<'_>, path: &Path) -> Result<PathBuf, GitError> {
    Ok(git.within(path).line(&["rev-parse", "--absolute-git-dir"]).await?.into())
}

/// Displayed, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("{} belongs to a repository that has no files checked out there: start in one of its worktrees", .0.display())]
    NoFiles(PathBuf),
    #[error(transparent)]
    Git(#[from] GitError),
}

fn text(said: Vec<u8>) -> String {
    String::from_utf8_lossy(&said).into_owned()
}

/// One path may have two names, e.g. by a link.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Of `git worktree list --porcelain`.
fn entries(said: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in said.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "worktree" {
            entries.push(Entry { path: rest.into(), ..Entry::default() });
        }
        let Some(entry) = entries.last_mut() else { continue };
        match word {
            "HEAD" => entry.head = rest.to_owned(),
            "branch" => entry.branch = Some(rest.strip_prefix("refs/heads/").unwrap_or(rest).to_owned()),
            "locked" => entry.locked = Some(rest.to_owned()),
            "prunable" => entry.gone = true,
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_worktrees_is_read() {
        let said = "worktree /p\nHEAD 1a\nbranch refs/heads/main\n\nworktree /p w/x\nHEAD 2b\nbranch refs/heads/agor/x\n\
                    locked initializing\n\nworktree /gone\nHEAD 3c\ndetached\nprunable gitdir file points nowhere\n\n\
                    worktree /bare\nbare\n";
        let entries = entries(said);
        let row = |entry: &Entry| (entry.path.to_string_lossy().into_owned(), entry.branch.clone(), entry.gone);
        let expect = [
            ("/p".to_owned(), Some("main".to_owned()), false),
            ("/p w/x".to_owned(), Some("agor/x".to_owned()), false),
            ("/gone".to_owned(), None, true),
            ("/bare".to_owned(), None, false),
        ];
        assert_eq!(entries.iter().map(row).collect::<Vec<_>>(), expect);
        assert!(entries[1].is_unfinished() && !entries[0].is_unfinished());
    }
}
