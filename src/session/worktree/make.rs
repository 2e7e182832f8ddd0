//! A worktree comes to be, or one that is there is taken again: wholly or not at all.
//!
//! One at a time for each repository, whichever Neovim asks. What was begun and fails is taken back; what another left
//! half made, because it was killed in the middle, is made anew.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::FlockOperation;
use tokio::task::spawn_blocking;

use super::{
    copy,
    name::{self, Plan},
    repository::{Entry, FindError, Marker, Repository, git_dir},
};
use crate::{
    agent::awake,
    domain::{StartOptions, Worktree},
    session::git::{Git, GitError},
};

/// The files of a large repository take their time, and so do its hooks and the submodules that are fetched.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How often is looked whether another is done with its own.
const AGAIN: Duration = Duration::from_millis(100);
/// As much of a commit's name is shown.
const SHORT: usize = 10;

/// A worktree that a session can work in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub worktree: Worktree,
    /// Where in it, as the directory that was asked from lies in its own.
    pub cwd: PathBuf,
    /// What the user should know of it, in sentences.
    pub told: String,
}

/// Displayed, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    #[error("no worktree was made: {}", no_repository(.0))]
    NoRepository(PathBuf),
    #[error("no worktree was made: {0}")]
    Other(String),
}

fn no_repository(directory: &Path) -> String {
    format!("{} is in no git repository. Start without worktree=, or run `git init` there", directory.display())
}

impl From<GitError> for MakeError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::NoRepository(directory) => Self::NoRepository(directory),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<FindError> for MakeError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Git(error) => error.into(),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<String> for MakeError {
    fn from(error: String) -> Self {
        Self::Other(error)
    }
}

/// The worktree that the options want, for a session in their directory.
pub async fn make(name: &str, options: &StartOptions, keeper: &Path) -> Result<Made, MakeError> {
    check_here(options, "its own")?;
    let git = Git::new(options, keeper).waiting(PATIENCE);
    let repository = Repository::find(git, &options.cwd).await?;
    let _turn = in_turn(&repository.common).await?;
    // What was there before may be another's that is done by now.
    let repository = Repository::find(git, &options.cwd).await?;
    let plan = name::plan(name, &options.worktree, &repository.top)?;
    check_here(&StartOptions { cwd: plan.path.clone(), ..options.clone() }, "the worktree's")?;
    check_branch(git, &plan).await?;
    if let Some(entry) = take_again(git, &repository, &plan).await? {
        return Ok(again(git, &repository, &plan, &entry).await?);
    }
    check_place(&plan)?;
    let maker = Maker { git, options, repository: &repository, plan: &plan };
    maker.make().await
}

/// Git works here: an agent elsewhere has to see the same files.
fn check_here(options: &StartOptions, whose: &str) -> Result<(), MakeError> {
    let (provider, cwd) = (&options.provider, options.cwd.display());
    match options.files_are_here() {
        true => Ok(()),
        false => Err(format!(
            "{provider} works elsewhere, and providers.{provider}.paths does not have {whose} directory {cwd}: make one \
             there and name it by cwd="
        )
        .into()),
    }
}

/// Whoever else makes one in the repository is waited for.
async fn in_turn(common: &Path) -> Result<File, String> {
    let path = common.join("agor.lock");
    let open = || fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open().map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    let mut left = PATIENCE;
    while let Err(error) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            // A file system without locks: git's own have to do.
            break;
        }
        if left.is_zero() {
            return Err(format!("somebody else makes a worktree of {} and does not come to an end", common.display()));
        }
        awake::sleep(AGAIN).await;
        left = left.saturating_sub(AGAIN);
    }
    Ok(file)
}

async fn check_branch(git: Git<'_>, plan: &Plan) -> Result<(), MakeError> {
    match git.run(&["check-ref-format", "--branch", &plan.branch]).await {
        Ok(_) => Ok(()),
        Err(GitError::Failed { .. }) => {
            Err(format!("git takes no branch of the name \"{}\": choose another name", plan.branch).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// One that is there and is the one that is meant. Another's is never taken.
async fn take_again(git: Git<'_>, repository: &Repository, plan: &Plan) -> Result<Option<Entry>, MakeError> {
    let Some(entry) = repository.at(&plan.path).or_else(|| repository.on(&plan.branch)) else { return Ok(None) };
    let (path, branch) = (entry.path.display(), &plan.branch);
    if repository.is_main(entry) {
        return Err(match entry.branch.as_ref() == Some(branch) {
            true => format!(
                "the branch {branch} is checked out in {path} itself: check out another one there, or choose another name"
            ),
            false => format!("{path} is the repository itself: see config.worktree.directory"),
        }
        .into());
    }
    let ours = entry.branch.as_ref() == Some(branch);
    if entry.gone || !entry.path.exists() {
        // Git remembers it, and would make no other in its place.
        if ours || entry.branch.is_none() {
            git.within(&repository.top).run(&["worktree", "remove", "--force", &text(&entry.path)]).await?;
            return Ok(None);
        }
    } else if entry.is_unfinished() && ours {
        let path = text(&entry.path);
        git.within(&repository.top).run(&["worktree", "remove", "--force", "--force", &path]).await?;
        return Ok(None);
    } else if ours || marked(git, &entry.path).await?.is_some_and(|marker| marker.name == plan.name) {
        return Ok(Some(entry.clone()));
    }
    Err(format!("{path} is another worktree, it {}: choose another name", entry.is_called()).into())
}

async fn marked(git: Git<'_>, path: &Path) -> Result<Option<Marker>, GitError> {
    Ok(Marker::read(&git_dir(git, path).await?))
}

async fn again(git: Git<'_>, repository: &Repository, plan: &Plan, entry: &Entry) -> Result<Made, GitError> {
    let marker = marked(git, &entry.path).await?.unwrap_or_default();
    let branch = entry.branch.clone().unwrap_or_default();
    let worktree = worktree(repository, plan, &entry.path, branch, marker.base);
    let is_called = entry.is_called();
    let told = format!("Goes on in the worktree {}, which {is_called}", entry.path.display());
    Ok(Made { cwd: place(repository, &entry.path), worktree, told })
}

fn worktree(repository: &Repository, plan: &Plan, path: &Path, branch: String, base: String) -> Worktree {
    Worktree {
        name: plan.name.clone(),
        branch,
        path: text(path),
        repository: text(&repository.top),
        base,
        diffstat: None,
    }
}

/// A directory that git does not know, or that another commit does not have, is not there.
fn place(repository: &Repository, top: &Path) -> PathBuf {
    let below = top.join(&repository.below);
    let below = if below.is_dir() { below } else { top.to_owned() };
    below.components().collect()
}

fn check_place(plan: &Plan) -> Result<(), String> {
    let path = plan.path.display();
    match fs::read_dir(&plan.path).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(format!("{path} is there already and is no worktree of this repository: choose another name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(format!("{path} is there already, or a part of it is no directory: choose another name"))
        }
        Err(error) => Err(format!("{path} cannot be used: {error}")),
    }
}

struct Maker<'a> {
    git: Git<'a>,
    options: &'a StartOptions,
    repository: &'a Repository,
    plan: &'a Plan,
}

impl Maker<'_> {
    async fn make(&self) -> Result<Made, MakeError> {
        let Plan { branch, path, .. } = self.plan;
        let reference = format!("refs/heads/{branch}");
        let old = self.commit(&reference).await?;
        let base = self.base().await?;
        let parents = missing(path);
        let added = self.add(old.is_some(), &base).await;
        let hooked = match added {
            Ok(()) => None,
            // Git makes the whole worktree and then runs the hook, whose failure is no reason to have none.
            Err(GitError::Failed { said, .. }) if self.is_whole().await => Some(said),
            Err(error) => {
                self.take_back(old.is_none().then_some(&*base), &parents).await;
                return Err(error.into());
            }
        };
        let rest = self.rest(&base, old.is_none()).await;
        if let Err(error) = rest {
            self.take_back(old.is_none().then_some(&*base), &parents).await;
            return Err(error);
        }
        let mut told = format!("Works in the worktree {}, on the branch {branch}", path.display());
        match &old {
            None => told.push_str(&format!(", which begins at {}", short(&base))),
            Some(_) => told.push_str(", which was there already"),
        }
        if let Some(said) = hooked {
            told.push_str(&format!(". The repository's post-checkout hook failed: {said}"));
        }
        if old.is_none() && self.options.worktree.base.is_empty() {
            match self.dirty().await? {
                0 => {}
                1 => told.push_str(". One change that is not committed was left behind"),
                count => told.push_str(&format!(". {count} changes that are not committed were left behind")),
            }
        }
        let worktree = worktree(self.repository, self.plan, path, branch.clone(), base);
        Ok(Made { cwd: place(self.repository, path), worktree, told })
    }

    /// `None`: there is no such thing.
    async fn commit(&self, name: &str) -> Result<Option<String>, GitError> {
        let asked = format!("{name}^{{commit}}");
        let here = &self.repository.here;
        match self.git.within(here).line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &asked]).await {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn base(&self) -> Result<String, MakeError> {
        let wanted = &self.options.worktree.base;
        let found = self.commit(if wanted.is_empty() { "HEAD" } else { wanted }).await?;
        let here = self.repository.here.display();
        found.ok_or_else(|| {
            match wanted.is_empty() {
                true => {
                    format!("{here} has no commit yet, and a worktree begins from one: commit something there first")
                }
                false => format!("config.worktree.base is \"{wanted}\", which is no commit of {here}"),
            }
            .into()
        })
    }

    async fn add(&self, old: bool, base: &str) -> Result<(), GitError> {
        let Plan { branch, path, .. } = self.plan;
        let path = text(path);
        let args: Vec<&str> = match old {
            true => vec!["worktree", "add", "--quiet", &path, branch],
            false => vec!["worktree", "add", "--quiet", "--no-track", "-b", branch, &path, base],
        };
        self.git.within(&self.repository.here).run(&args).await.map(drop)
    }

    async fn is_whole(&self) -> bool {
        let found = Repository::find(self.git, &self.repository.here).await;
        let found = found.ok().and_then(|repository| repository.at(&self.plan.path).cloned());
        found.is_some_and(|entry| !entry.is_unfinished() && !entry.gone && entry.path.exists())
    }

    async fn rest(&self, base: &str, made_branch: bool) -> Result<(), MakeError> {
        let path = &self.plan.path;
        let own = git_dir(self.git, path).await?;
        let options = &self.options.worktree;
        if options.submodules {
            self.git.within(path).run(&["submodule", "update", "--init", "--recursive", "--quiet"]).await?;
        }
        let files = copy::files(self.git, &self.repository.here, &options.copy).await?;
        let (from, to) = (self.repository.here.clone(), path.clone());
        let copied = spawn_blocking(move || copy::copy(&files, &from, &to)).await;
        copied.map_err(|error| error.to_string())??;
        // The last thing: what has it is whole.
        let marker = Marker { name: self.plan.name.clone(), base: base.to_owned(), made_branch };
        let written = marker.write(&own);
        written.map_err(|error| format!("{} cannot be written: {error}", own.display()).into())
    }

    /// Nothing is left of it, as far as that is in our hands. Nobody has worked in it yet.
    async fn take_back(&self, branch_at: Option<&str>, parents: &[PathBuf]) {
        let git = self.git.within(&self.repository.top);
        let path = text(&self.plan.path);
        let _ = git.run(&["worktree", "remove", "--force", "--force", &path]).await;
        if let Some(commit) = branch_at {
            let reference = format!("refs/heads/{}", self.plan.branch);
            let _ = git.run(&["update-ref", "-d", &reference, commit]).await;
        }
        for parent in parents {
            let _ = fs::remove_dir(parent);
        }
    }

    async fn dirty(&self) -> Result<usize, GitError> {
        let said = self.git.within(&self.repository.here).run(&["status", "--porcelain"]).await?;
        Ok(said.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count())
    }
}

/// The directories above a path that are not there yet, the innermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    path.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect()
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
