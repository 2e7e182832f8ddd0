//! A session as its users see it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{capabilities::Capabilities, id::SessionId, wait::Wait};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Running,
    Idle,
    Done,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    Permission,
    Question,
}

/// Why nothing is sent of the prompts that wait, until the user sends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The user has interrupted the turn.
    Interrupted,
    /// The turn has failed.
    Failed,
    /// The agent has ended, or another conversation begins.
    Ended,
    /// They come from the journal of a backend that has ended.
    Restored,
    /// The user has put one there to send it later.
    Asked,
}

/// A git worktree of a session's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    pub name: String,
    pub branch: String,
    /// Its top.
    pub path: String,
    /// The top of the repository that it is a worktree of.
    pub repository: String,
    /// The commit that its branch began from, where that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// Of its commits and its files against where it left the branch of the main worktree; `None` until that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diffstat: Option<Diffstat>,
}

/// How much was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diffstat {
    pub files: usize,
    /// Lines, as are those removed.
    pub added: usize,
    pub removed: usize,
}

/// A row of `sessions()`, and what bars and boards show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    pub session_id: SessionId,
    pub provider: String,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// US dollars over all processes of the session.
    pub cost_usd: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Unix milliseconds.
    pub started_at: i64,
    pub title: String,
    pub cwd: String,
    /// The top of the repository that it works for, the main one where `cwd` is in a worktree of it; else `cwd`.
    #[serde(default)]
    pub project: String,
    /// The git worktree that was made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
    /// Where it runs, if that is not here: `ssh host`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What it has changed in files so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Diffstat>,
    pub model: String,
    pub mode: String,
    pub effort: String,
    /// The agent's own id of the conversation, by which it is resumed or copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<String>,
    /// Tokens in the model's context after its last answer, where the agent tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_used: Option<u64>,
    /// Tokens that the model's context holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
    /// Prompts that wait for the end of the turn.
    pub queued: usize,
    /// How the first of them begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
    /// They do not go on by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    /// Questions that wait for the user.
    pub pending: usize,
    /// A turn is under way.
    pub busy: bool,
    /// When it began; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_started_at: Option<i64>,
    /// When the last turn ended; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_ended_at: Option<i64>,
    /// What it waits for, if not for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// In the turn that runs its agent has said nothing and done nothing for longer than the watchdog's patience.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stalled: bool,
    /// Since when, if it is stalled or waits for a command; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<i64>,
    /// For how long it had been, when this row was told; milliseconds in which we were awake. The time of day may have jumped
    /// since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_ms: Option<u64>,
    /// The last line of the agent's text, shortened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_line: String,
    /// It was at work when its backend or the machine went away, and nothing has been asked of it since.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// The agent acts without asking.
    pub asks_nothing: bool,
    /// The conversation is in memory only: it ends with the backend.
    #[serde(default, skip_serializing_if = "is_false")]
    pub journal_failed: bool,
    /// What is decided is not taken down: rules and grants allow nothing.
    #[serde(default)]
    pub audit_failed: bool,
    /// Shared: some agents offer hundreds of models, and rows are copied at every change.
    #[serde(default)]
    pub capabilities: Arc<Capabilities>,
}

/// A session that another backend has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Other {
    #[serde(flatten)]
    pub summary: SessionSummary,
    pub elsewhere: Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Of the editor.
    pub pid: u32,
}

impl SessionSummary {
    /// One that has just begun, of which nothing is known yet.
    pub fn new(session_id: SessionId, provider: &str) -> Self {
        Self {
            session_id,
            provider: provider.to_owned(),
            status: Status::Idle,
            error: None,
            cost_usd: 0.0,
            input_tokens: 0,
            output_tokens: 0,
            started_at: 0,
            title: String::new(),
            cwd: String::new(),
            project: String::new(),
            worktree: None,
            place: String::new(),
            changes: None,
            model: String::new(),
            mode: String::new(),
            effort: String::new(),
            agent_session: None,
            context_used: None,
            context_size: None,
            attention: None,
            queued: 0,
            waiting: Vec::new(),
            held: None,
            pending: 0,
            busy: false,
            turn_started_at: None,
            turn_ended_at: None,
            wait: None,
            stalled: false,
            quiet_since: None,
            quiet_ms: None,
            last_line: String::new(),
            interrupted: false,
            asks_nothing: false,
            journal_failed: false,
            audit_failed: false,
            capabilities: Arc::default(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
