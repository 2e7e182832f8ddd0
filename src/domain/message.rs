//! What an agent says, in one shape for all agents: the contract that journals, Lua callbacks and views share.
//!
//! The JSON form is `{"id", "type", "parent_id", "content", "timestamp"}`, with `"part": true` on a piece of a text that
//! is still streaming. A whole message replaces the parts that carried its id; a whole text that is empty withdraws them
//! (the agent began anew after a broken stream).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    command::Prompt,
    diff::FileDiff,
    id::{MessageId, RequestId, ToolUseId},
    question::{PermissionOption, Question},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentMessage {
    pub id: MessageId,
    /// The tool call whose subagent says this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ToolUseId>,
    /// Unix milliseconds.
    pub timestamp: i64,
    /// True if this extends the message of the same id by some more text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part: bool,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "content", rename_all = "snake_case")]
pub enum Content {
    Init(Init),
    Prompt(Prompt),
    Text {
        text: String,
    },
    Thinking {
        text: String,
    },
    ToolCall(ToolCall),
    ToolResult(ToolResult),
    Permission {
        request_id: RequestId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<ToolUseId>,
        /// The tool's name as the request has it; `plan` for a plan to approve.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tool: String,
        options: Vec<PermissionOption>,
        /// What became of it, once it is settled: the name of the option, or "cancelled".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
    },
    Question {
        request_id: RequestId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<ToolUseId>,
        questions: Vec<Question>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
    },
    Plan(Plan),
    Status {
        subtype: String,
        message: String,
    },
    Compaction(Compaction),
    Cost(Cost),
    Error {
        message: String,
    },
    /// What no adapter understood, as it came.
    Unknown(Value),
}

/// The agent has begun, or begun again (Claude Code says so at each turn).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Init {
    /// The agent's own id of the conversation, by which it can be resumed.
    pub session_id: String,
    pub model: String,
    pub cwd: String,
    pub tools: Vec<String>,
}

/// A call of a tool. A later one with the same `tool_use_id` replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub tool_use_id: ToolUseId,
    /// The tool's name as the agent has it.
    pub name: String,
    pub kind: ToolKind,
    pub input: Value,
    /// One line for people: the command, the path, the pattern.
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
}

impl ToolCall {
    /// The name of what no agent calls: the user has run the command.
    pub const BY_USER: &str = "!";
}

/// What a tool does, in ACP's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    Read,
    Edit,
    Delete,
    Move,
    Search,
    Execute,
    Think,
    Fetch,
    #[default]
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub path: String,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    pub tool_use_id: ToolUseId,
    pub output: String,
    #[serde(default)]
    pub is_error: bool,
    /// What the tool changed in files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<FileDiff>,
}

impl ToolResult {
    /// The output of a tool that was kept from running, or from running to its end: by the user, or by a limit of ours.
    pub const NOT_WANTED: &str = "not allowed to run, or to run on";
    /// The output of a tool that was still open when its turn ended.
    pub const CUT_SHORT: &str = "The turn ended before this tool had a result.";
    /// What the last line of a command's output begins with, before the code, if that was not 0.
    pub const EXIT_CODE: &str = "Exit code: ";
}

impl Default for ToolUseId {
    fn default() -> Self {
        ToolUseId::new("")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub entries: Vec<PlanEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    pub text: String,
    pub status: PlanStatus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    #[default]
    Pending,
    InProgress,
    Completed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    pub trigger: String,
    /// Tokens in the context before it was compacted.
    pub pre_tokens: u64,
}

/// The end of a turn in figures. `None` is "the agent did not say".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// US dollars since the process began; agents count from 0 again after a resume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_cost_usd: Option<f64>,
    /// What the turn has added to it, as the session reckons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Of this turn, as are all tokens here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_turns: Option<u64>,
    pub is_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_has_the_public_shape() {
        let message = AgentMessage {
            id: "m1".into(),
            parent_id: None,
            timestamp: 5,
            part: true,
            content: Content::Text { text: "hi".into() },
        };
        let value = serde_json::to_value(&message).expect("a message serializes");
        assert_eq!(value, json!({"id": "m1", "timestamp": 5, "part": true, "type": "text", "content": {"text": "hi"}}));
        let back: AgentMessage = serde_json::from_value(value).expect("and comes back");
        assert_eq!(back, message);
    }

    #[test]
    fn an_unknown_message_keeps_its_value() {
        let raw = json!({"type": "new_thing", "a": [1, null]});
        let message = AgentMessage {
            id: "m2".into(),
            parent_id: Some("t1".into()),
            timestamp: 0,
            part: false,
            content: Content::Unknown(raw.clone()),
        };
        let value = serde_json::to_value(&message).expect("a message serializes");
        assert_eq!(value["type"], "unknown");
        assert_eq!(value["content"], raw);
    }
}
