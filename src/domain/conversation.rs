//! Conversations that an agent keeps by itself, whoever began them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// The agent's own id, by which it can be resumed.
    pub id: String,
    pub title: String,
    pub cwd: String,
    /// Unix milliseconds; 0 if the agent does not say.
    pub updated_at: i64,
}
