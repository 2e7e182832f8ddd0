//! What a worktree has that is nowhere else: what would be lost with it, and what could be merged.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use serde::Serialize;

use super::{
    make::text,
    repository::{Entry, FindError, Marker, Repository, git_dir},
    survey,
};
use crate::{
    domain::{Diffstat, Worktree},
    session::git::{Git, GitError},
};

/// As many files are named.
const NAMED: usize = 20;
/// As many worktrees of one repository are looked at.
const MOST: usize = 100;

/// One worktree at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    pub name: String,
    /// Empty where none is checked out.
    pub branch: String,
    pub path: String,
    pub repository: String,
    /// The branch of the main worktree; empty where none is checked out.
    pub target: String,
    /// Commits that the target does not have.
    pub ahead: usize,
    /// Commits that no other branch and no tag has, here or elsewhere.
    pub commits: usize,
    /// Files that are changed, new or deleted and not committed; the first of them by name.
    pub uncommitted: usize,
    pub files: Vec<String>,
    /// We have made it.
    pub ours: bool,
    /// And its branch, too.
    #[serde(skip)]
    pub made_branch: bool,
    /// Stands for what was seen here: who removes it says it again, and nothing that has come since is lost.
    pub seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffstat: Option<Diffstat>,
}

/// Displayed, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    #[error("the worktree {0} is gone: `:Agor worktree create` makes it again for its session")]
    Gone(String),
    #[error("{0} is the repository itself and no worktree of it")]
    Main(String),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// The worktree around a path, with the repository that it is of.
pub(super) async fn find(git: Git<'_>, path: &Path) -> Result<(Repository, Entry), LookError> {
    if !path.exists() {
        return Err(LookError::Gone(text(path)));
    }
    let repository = Repository::find(git, path).await?;
    match repository.at(&repository.here) {
        Some(entry) if !repository.is_main(entry) => {
            let entry = entry.clone();
            Ok((repository, entry))
        }
        _ => Err(LookError::Main(text(path))),
    }
}

pub async fn look(git: Git<'_>, path: &Path) -> Result<Look, LookError> {
    let (repository, entry) = find(git, path).await?;
    Ok(look_at(git, &repository, &entry).await?)
}

/// Those of the repository around a directory that we have made.
pub async fn list(git: Git<'_>, directory: &Path) -> Result<Vec<Look>, FindError> {
    let repository = match Repository::find(git, directory).await {
        Ok(repository) => repository,
        Err(FindError::Git(GitError::NoRepository(_))) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut looks = Vec::new();
    for entry in &repository.entries {
        if repository.is_main(entry) || entry.gone || entry.is_unfinished() || looks.len() == MOST {
            continue;
        }
        // One that is going at this moment is no reason to say nothing of the others.
        match look_at(git, &repository, entry).await {
            Ok(look) if look.ours => looks.push(look),
            Ok(_) => {}
            Err(error) => tracing::info!(%error, path = %entry.path.display(), "a worktree cannot be looked at"),
        }
    }
    Ok(looks)
}

async fn look_at(git: Git<'_>, repository: &Repository, entry: &Entry) -> Result<Look, GitError> {
    let own = git_dir(git, &entry.path).await?;
    let marker = Marker::read(&own);
    let ours = marker.is_some();
    let Marker { name, base, made_branch } = marker.unwrap_or_default();
    let mut look = Look {
        name: if name.is_empty() { text(Path::new(entry.path.file_name().unwrap_or_default())) } else { name },
        branch: entry.branch.clone().unwrap_or_default(),
        path: text(&entry.path),
        repository: text(&repository.top),
        ours,
        made_branch,
        ..Look::default()
    };
    if !ours {
        return Ok(look);
    }
    let top = git.within(&repository.top);
    look.target = match top.line(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await {
        Ok(target) => target,
        Err(GitError::Failed { .. }) => String::new(),
        Err(error) => return Err(error),
    };
    let here = git.within(&entry.path);
    let status = here.run(&["status", "--porcelain", "-z", "--untracked-files=all"]).await?;
    let files = changed(&status);
    look.uncommitted = files.len();
    look.files = files.into_iter().take(NAMED).collect();
    let not = format!("--exclude={}", look.branch);
    look.commits = count(&here, &["HEAD", "--not", &not, "--branches", "--remotes", "--tags"]).await?;
    look.ahead = match repository.entries.first().map(|main| main.head.as_str()) {
        Some(main) if !main.is_empty() => count(&here, &["HEAD", "--not", main]).await?,
        _ => look.commits,
    };
    let mut hasher = DefaultHasher::new();
    (&entry.head, &status).hash(&mut hasher);
    look.seen = format!("{:016x}", hasher.finish());
    let worktree = worktree(&look, base);
    look.diffstat = Some(survey::diffstat(git, &worktree, "look").await?);
    Ok(look)
}

async fn count(git: &Git<'_>, revisions: &[&str]) -> Result<usize, GitError> {
    let said = git.line(&[&["rev-list", "--count"], revisions].concat()).await?;
    Ok(said.parse().unwrap_or(0))
}

fn worktree(look: &Look, base: String) -> Worktree {
    Worktree {
        name: look.name.clone(),
        branch: look.branch.clone(),
        path: look.path.clone(),
        repository: look.repository.clone(),
        base,
        diffstat: None,
    }
}

/// All of what was done in it, as git shows a diff.
pub async fn diff(git: Git<'_>, path: &Path) -> Result<String, LookError> {
    let (repository, entry) = find(git, path).await?;
    let marker = Marker::read(&git_dir(git, &entry.path).await?).unwrap_or_default();
    let look = Look { path: text(&entry.path), repository: text(&repository.top), ..Look::default() };
    let said = survey::diff(git, &worktree(&look, marker.base), "diff", &[]).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Of `git status --porcelain -z`: two letters, a blank, a path; where something was renamed its old path follows.
fn changed(said: &[u8]) -> Vec<String> {
    let mut fields = said.split(|&byte| byte == 0);
    let mut paths = Vec::new();
    while let Some(field) = fields.next() {
        let Some((letters, path)) = field.split_at_checked(3) else { continue };
        if letters[..2].iter().any(|letter| b"RC".contains(letter)) {
            fields.next();
        }
        paths.push(String::from_utf8_lossy(path).into_owned());
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_named_once() {
        assert_eq!(changed(b""), [""; 0]);
        assert_eq!(changed(b" M a b\0R  new\0old\0?? dir/x\0 D gone\0"), ["a b", "new", "dir/x", "gone"]);
    }
}
