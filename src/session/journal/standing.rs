//! What a session is set to, as a line of its own between the messages.
//!
//! It is written whenever something of it changes, and again when much was written since, so that the
//! last one stands near a journal's end: lists of sessions read that end and not the whole. No index beside the journals
//! says it, which could be lost, or older than what it speaks of. Readers that do not know the line pass over it, as over
//! anything that is no message.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::Worktree;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What the user calls it, instead of its title.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// As the agent says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effort: String,
    /// The agent's own id of the conversation that goes on; none after it was cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<String>,
    /// Those that the session had before that one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier_sessions: Vec<String>,
    /// The project that it goes on in, if that has moved since it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// What the next process is to be told, where somebody has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_effort: Option<String>,
    /// A turn was begun and has not ended. Where nobody goes on with the session, it was cut off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// Its own, and where in it the agent works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// The name of one that is still to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_worktree: Option<String>,
}

impl Standing {
    /// What lists call the session.
    pub fn called(&self) -> &str {
        if self.name.is_empty() { &self.title } else { &self.name }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Line<T> {
    pub(super) standing: T,
}

/// `None` for any other line.
pub(super) fn parse(line: &[u8]) -> Option<Standing> {
    // Most lines are others, and may be long.
    line.starts_with(b"{\"standing\"")
        .then(|| serde_json::from_slice::<Line<Standing>>(line).ok())
        .flatten()
        .map(|line| line.standing)
}
