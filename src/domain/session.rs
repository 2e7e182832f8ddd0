//! A session as its users see it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{capabilities::Capabilities, id::SessionId};

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
    /// Questions that wait for the user.
    pub pending: usize,
    /// A turn is under way.
    pub busy: bool,
    /// The agent acts without asking.
    pub asks_nothing: bool,
    /// The conversation is in memory only: it ends with the backend.
    #[serde(default, skip_serializing_if = "is_false")]
    pub journal_failed: bool,
    /// Shared: some agents offer hundreds of models, and rows are copied at every change.
    pub capabilities: Arc<Capabilities>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
