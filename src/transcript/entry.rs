//! One thing in a transcript.

use serde_json::Value;

use crate::domain::{
    Compaction, Cost, FileDiff, PermissionOption, Plan, Prompt, Question, RequestId, ToolCall, ToolUseId,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The tool call of the subagent that says this.
    pub parent: Option<ToolUseId>,
    /// Unix milliseconds of the first message.
    pub started_at: i64,
    /// Of the last one.
    pub ended_at: i64,
    /// More may come.
    pub open: bool,
    /// Raised when a text did not grow but became another.
    pub generation: u32,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Prompt(Prompt),
    Text(String),
    Thinking(String),
    Tool(Box<Tool>),
    Permission {
        request_id: RequestId,
        tool_use_id: Option<ToolUseId>,
        options: Vec<PermissionOption>,
        outcome: Option<String>,
    },
    Question {
        request_id: RequestId,
        questions: Vec<Question>,
        outcome: Option<String>,
    },
    Plan(Plan),
    Status {
        subtype: String,
        message: String,
    },
    Compaction(Compaction),
    Cost(Cost),
    Error(String),
    Unknown(Value),
    /// Said and taken back: the agent began anew after a broken stream.
    Withdrawn,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub call: ToolCall,
    pub state: ToolState,
    pub output: String,
    pub diff: Vec<FileDiff>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolState {
    Running,
    Done,
    Failed,
    /// The user did not allow it.
    Refused,
    /// An interrupt or the turn's end came before its own.
    Cancelled,
}
