//! How a worktree ends: what was done in it goes into the branch of the main worktree, or it is removed.
//!
//! What is nowhere else is never lost without leave: who asks for it says what was seen, and if there is more by now
//! nothing is done.

use std::{fs, path::Path};

use super::{
    look::{Look, LookError, find, look},
    make::text,
};
use crate::session::git::{Git, GitError};

/// Files that are named in a sentence.
const NAMED: usize = 5;

/// Displayed, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndError {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("{0}")]
    Other(String),
}

fn refuse<T>(why: String) -> Result<T, EndError> {
    Err(EndError::Other(why))
}

/// Into the branch that is checked out in the main worktree. What is not committed is committed first, with the message,
/// if there is one. The answer is a sentence.
pub async fn merge(git: Git<'_>, path: &Path, seen: &str, message: Option<&str>) -> Result<String, EndError> {
    let mut found = look(git, path).await?;
    same(&found, seen)?;
    let Look { branch, target, repository, .. } = found.clone();
    if branch.is_empty() {
        return refuse(format!("{} has no branch checked out: check one out there, then merge", found.path));
    }
    if target.is_empty() {
        return refuse(format!("{repository} has no branch checked out to merge {branch} into: check one out there"));
    }
    let main = git.within(Path::new(&repository));
    under_way(&main, &repository).await?;
    match message {
        Some(message) if found.uncommitted > 0 => {
            let here = git.within(path);
            here.run(&["add", "--all", "--", ":/"]).await?;
            here.run(&["commit", "--quiet", "-m", message]).await?;
            found = look(git, path).await?;
        }
        _ if found.uncommitted > 0 => {
            return refuse(format!("{} not committed in {}: {}", files(&found), found.name, names(&found.files)));
        }
        _ => {}
    }
    if found.ahead == 0 {
        return Ok(format!("nothing to merge: {target} has all of {branch}"));
    }
    // Tried without touching a file; an older git than 2.38 cannot.
    let try_it = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "HEAD", &branch];
    let tried = main.output(&try_it, Vec::new()).await?;
    if tried.exit.code == Some(1) {
        let said = String::from_utf8_lossy(&tried.stdout).into_owned();
        let paths: Vec<String> = said.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        return refuse(conflict(&found, &names(&paths)));
    }
    if !tried.exit.success() && !main.line(&["status", "--porcelain", "--untracked-files=no"]).await?.is_empty() {
        return refuse(format!("{repository} has changes that are not committed: commit or stash them, then merge"));
    }
    if let Err(error) = main.run(&["merge", "--quiet", "--no-edit", &branch]).await {
        if main.run(&["rev-parse", "--verify", "--quiet", "MERGE_HEAD"]).await.is_ok() {
            main.run(&["merge", "--abort"]).await?;
        }
        return refuse(format!("{error}. Nothing was merged, {repository} is as it was"));
    }
    Ok(format!("{branch} is merged into {target}: {}", commits(found.ahead)))
}

async fn under_way(main: &Git<'_>, repository: &str) -> Result<(), EndError> {
    for (head, what) in [("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REBASE_HEAD", "rebase")] {
        if main.run(&["rev-parse", "--verify", "--quiet", head]).await.is_ok() {
            return refuse(format!("a {what} is under way in {repository}: end it there first"));
        }
    }
    Ok(())
}

fn conflict(found: &Look, paths: &str) -> String {
    let Look { branch, target, .. } = found;
    format!(
        "{branch} and {target} have both changed {paths}; nothing was merged. Let the agent merge {target} into its branch \
         and solve that, or run `git merge {branch}` yourself"
    )
}

/// The directory, and the branch if nothing is lost with it or `branch` says so. The answer is a sentence.
pub async fn remove(git: Git<'_>, path: &Path, seen: &str, branch: bool) -> Result<String, EndError> {
    let (repository, entry) = find(git, path).await?;
    let found = look(git, path).await?;
    let Look { name, path: place, .. } = &found;
    if !found.ours {
        return refuse(format!("{place} was not made by agor, so it is left alone: `git worktree remove {place}`"));
    }
    if entry.locked.is_some() {
        return refuse(format!("{place} is locked: `git worktree unlock {place}` first"));
    }
    same(&found, seen)?;
    let top = git.within(&repository.top);
    top.run(&["worktree", "remove", "--force", place]).await?;
    // Ours alone, and only if it is empty.
    let beside = format!("{}.worktrees", text(&repository.top));
    if let Some(parent) = entry.path.parent().filter(|parent| text(parent) == beside) {
        let _ = fs::remove_dir(parent);
    }
    let Some(name_of_branch) = entry.branch.as_deref() else { return Ok(format!("the worktree {name} is removed")) };
    let is_elsewhere = found.ahead == 0 || found.commits == 0;
    if branch || is_elsewhere && found.made_branch {
        top.run(&["branch", "--quiet", "-D", name_of_branch]).await?;
        return Ok(format!("the worktree {name} and its branch {name_of_branch} are removed"));
    }
    Ok(format!("the worktree {name} is removed; its branch {name_of_branch} is kept"))
}

fn same(found: &Look, seen: &str) -> Result<(), EndError> {
    match found.seen == seen {
        true => Ok(()),
        false => refuse(format!("{} has changed meanwhile: look at it again", found.path)),
    }
}

fn files(found: &Look) -> String {
    if found.uncommitted == 1 { "1 file is".to_owned() } else { format!("{} files are", found.uncommitted) }
}

fn commits(count: usize) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}

fn names(paths: &[String]) -> String {
    let shown = paths[..paths.len().min(NAMED)].join(", ");
    if paths.len() > NAMED { format!("{shown} and more") } else { shown }
}
