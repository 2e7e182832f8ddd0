//! What was done in a worktree: against where it left the branch of the main worktree, files that were never added
//! included.
//!
//! Git's own index is never touched: what was not added is marked as meant to be in a copy of it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::repository::git_dir;
use crate::{
    domain::{Diffstat, Worktree},
    session::git::{Git, GitError},
};

/// How much. `name` tells those apart who ask at the same time.
pub async fn diffstat(git: Git<'_>, worktree: &Worktree, name: &str) -> Result<Diffstat, GitError> {
    let said = diff(git, worktree, name, &["--numstat", "--no-renames"]).await?;
    Ok(sum(&String::from_utf8_lossy(&said)))
}

pub(super) async fn diff(git: Git<'_>, worktree: &Worktree, name: &str, args: &[&str]) -> Result<Vec<u8>, GitError> {
    let git = git.within(Path::new(&worktree.path));
    let base = base(git, worktree).await?;
    let index = Index::copy(git_dir(git, Path::new(&worktree.path)).await?, name);
    let path = index.0.to_string_lossy().into_owned();
    let env = [("GIT_INDEX_FILE", path.as_str())];
    let git = git.with_env(&env);
    git.run(&["add", "--intent-to-add", "--ignore-errors", "--", ":/"]).await?;
    let mut all = vec!["diff", "--no-color", "--no-ext-diff", "--no-textconv"];
    all.extend(args);
    all.extend([base.as_str(), "--", ":/"]);
    git.run(&all).await
}

/// Where it left the main worktree's branch; where its own branch began, if that is later.
async fn base(git: Git<'_>, worktree: &Worktree) -> Result<String, GitError> {
    let none_is_fine = |asked: Result<String, GitError>| match asked {
        Ok(commit) => Ok(Some(commit)),
        Err(GitError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let head = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
    let main = none_is_fine(git.within(Path::new(&worktree.repository)).line(&head).await)?;
    let left = match main {
        Some(main) => none_is_fine(git.line(&["merge-base", "HEAD", &main]).await)?,
        None => None,
    };
    let Some(left) = left else { return Ok(worktree.base.clone()) };
    // Exit 1 where it is not, and 128 where there is no such commit any more.
    match worktree.base.is_empty() || git.run(&["merge-base", "--is-ancestor", &worktree.base, &left]).await.is_ok() {
        true => Ok(left),
        false => Ok(worktree.base.clone()),
    }
}

/// A copy of the worktree's index, for one question.
struct Index(PathBuf);

impl Index {
    fn copy(git_dir: PathBuf, name: &str) -> Self {
        let path = git_dir.join(format!("agor-index.{name}"));
        if let Err(error) = copy(&git_dir.join("index"), &path) {
            // Then every file is one that was never added.
            tracing::debug!(%error, "no index");
        }
        Self(path)
    }
}

/// With its time: git takes a file for unchanged whose size and second are those of the index, unless that is no younger
/// than the file.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(fs::metadata(from)?.modified()?)
}

impl Drop for Index {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Of lines `added <tab> removed <tab> path`, with `-` for what is no text.
fn sum(said: &str) -> Diffstat {
    let number = |field: Option<&str>| field.and_then(|field| field.parse::<usize>().ok()).unwrap_or(0);
    said.lines().fold(Diffstat::default(), |mut sum, line| {
        let mut fields = line.splitn(3, '\t');
        sum.added += number(fields.next());
        sum.removed += number(fields.next());
        sum.files += 1;
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_index_is_as_old_as_the_index() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("index"), "x").expect("a file");
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let index = File::options().write(true).open(folder.path().join("index")).expect("it is there");
        index.set_modified(old).expect("set");
        let copy = Index::copy(folder.path().to_owned(), "a");
        assert_eq!(fs::metadata(&copy.0).and_then(|file| file.modified()).expect("it is there"), old);
    }

    #[test]
    fn what_is_no_text_has_no_lines() {
        let sum = sum("3\t1\ta b\n-\t-\tpicture.png\n0\t7\told\n");
        assert_eq!(sum, Diffstat { files: 3, added: 3, removed: 8 });
    }
}
