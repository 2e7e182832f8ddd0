//! Git, run for a session: in a directory, to its end, quietly.
//!
//! Knows how git is to be called so that it asks nobody, waits for nobody's lock and says what it says in English; knows
//! nothing of what it is asked.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    agent::process::{self, Invocation, Output, OutputError},
    domain::StartOptions,
};

/// Git waits for a lock, or for a disk that has gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// More is not worth holding in memory.
const MOST: usize = 64 * 1024 * 1024;

/// For every call. A Neovim that git itself has started, as for a commit's message, has its index and its directory in
/// the environment: they are not meant for us.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("LANGUAGE", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_EXTERNAL_DIFF", ""),
    ("GIT_DIR", ""),
    ("GIT_WORK_TREE", ""),
    ("GIT_INDEX_FILE", ""),
    ("GIT_OBJECT_DIRECTORY", ""),
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", ""),
    ("GIT_PREFIX", ""),
    ("GIT_NAMESPACE", ""),
];

/// Displayed, it is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    #[error("git is not installed, or not on the PATH")]
    Missing,
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// What was asked, and git's own words.
    #[error("git {command} failed: {said}")]
    Failed { command: String, code: Option<i32>, said: String },
    #[error("git {command} {why}")]
    Ended { command: String, why: OutputError },
}

/// Git in one directory.
#[derive(Clone, Copy, Debug)]
pub struct Git<'a> {
    /// Whose environment it gets.
    options: &'a StartOptions,
    keeper: &'a Path,
    directory: &'a Path,
    /// Put over the environment; an empty value takes a name out.
    env: &'a [(&'a str, &'a str)],
    most: usize,
    patience: Duration,
}

impl<'a> Git<'a> {
    pub fn new(options: &'a StartOptions, keeper: &'a Path) -> Self {
        Self { options, keeper, directory: &options.cwd, env: &[], most: MOST, patience: PATIENCE }
    }

    pub fn within(self, directory: &'a Path) -> Self {
        Self { directory, ..self }
    }

    pub fn with_env(self, env: &'a [(&'a str, &'a str)]) -> Self {
        Self { env, ..self }
    }

    /// In bytes.
    pub fn saying_at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What it says on stdout, if it ends well.
    pub async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.run_with(args, Vec::new()).await
    }

    /// The same with something on its stdin.
    pub async fn run_with(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, GitError> {
        let output = self.output(args, input).await?;
        if output.exit.success() {
            return Ok(output.stdout);
        }
        let said = &output.stderr;
        if said.iter().any(|line| line.to_lowercase().contains("not a git repository")) {
            return Err(GitError::NoRepository(self.directory.to_owned()));
        }
        let first = said.iter().map(|line| line.trim()).find(|line| !line.is_empty());
        let said = first.map_or_else(|| output.exit.to_string(), str::to_owned);
        Err(GitError::Failed { command: named(args), code: output.exit.code, said })
    }

    /// All of what it says, however it ends: sometimes the exit code is the answer.
    pub async fn output(&self, args: &[&str], input: Vec<u8>) -> Result<Output, GitError> {
        let env = [ENVIRONMENT, self.env].concat();
        let all = [&["--no-pager", "-c", "core.quotePath=false"], args].concat();
        let invocation = Invocation::tool(self.options, self.directory, "git", &all, &env, self.keeper);
        let invocation = invocation.ok_or(GitError::Missing)?;
        let output = process::output(invocation, input, self.most, self.patience).await;
        output.map_err(|why| GitError::Ended { command: named(args), why })
    }

    /// One line of text.
    pub async fn line(&self, args: &[&str]) -> Result<String, GitError> {
        let said = self.run(args).await?;
        Ok(String::from_utf8_lossy(&said).trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// The words that say what is asked: options are for git alone.
fn named(args: &[&str]) -> String {
    let words = args.iter().filter(|arg| !arg.starts_with('-') && !arg.contains('='));
    words.take(2).copied().collect::<Vec<_>>().join(" ")
}
