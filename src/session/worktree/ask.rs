//! What is asked about worktrees beside any session.

use std::path::{Path, PathBuf};

use super::{
    end,
    look::{self, Look},
};
use crate::{domain::StartOptions, session::git::Git};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Those that we have made, of the repository around a directory.
    List(PathBuf),
    Look(PathBuf),
    Diff(PathBuf),
    /// With a message, what is not committed is committed first.
    Merge {
        path: PathBuf,
        seen: String,
        message: Option<String>,
    },
    /// With its branch, also where that is lost.
    Remove {
        path: PathBuf,
        seen: String,
        branch: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    List(Vec<Look>),
    Look(Box<Look>),
    Diff(String),
    /// What was done, in a sentence.
    Done(String),
}

impl Ask {
    pub fn path(&self) -> &Path {
        match self {
            Self::List(path) | Self::Look(path) | Self::Diff(path) => path,
            Self::Merge { path, .. } | Self::Remove { path, .. } => path,
        }
    }

    /// What works in the worktree has to end first.
    pub fn ends(&self, busy: bool) -> bool {
        match self {
            Self::Merge { .. } => busy,
            Self::Remove { .. } => true,
            _ => false,
        }
    }

    /// In the environment of the options. An error is a sentence.
    pub async fn answer(self, options: &StartOptions, keeper: &Path) -> Result<Answer, String> {
        let git = Git::new(options, keeper);
        let said = |error: &dyn std::fmt::Display| error.to_string();
        match &self {
            Self::List(path) => look::list(git, path).await.map(Answer::List).map_err(|error| said(&error)),
            Self::Look(path) => {
                look::look(git, path).await.map(|look| Answer::Look(Box::new(look))).map_err(|error| said(&error))
            }
            Self::Diff(path) => look::diff(git, path).await.map(Answer::Diff).map_err(|error| said(&error)),
            Self::Merge { path, seen, message } => {
                end::merge(git, path, seen, message.as_deref()).await.map(Answer::Done).map_err(|error| said(&error))
            }
            Self::Remove { path, seen, branch } => {
                end::remove(git, path, seen, *branch).await.map(Answer::Done).map_err(|error| said(&error))
            }
        }
    }
}
