//! One thing in a transcript.

use serde_json::Value;

use crate::domain::{
    Compaction, Cost, FileDiff, PermissionOption, Plan, Prompt, Question, RequestId, ToolCall, ToolResult, ToolUseId,
};

/// Which entry it is, whatever comes to stand above it: entries are counted as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u32);

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub id: EntryId,
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
        /// As the request names it: `plan` for a plan to approve. Empty in journals that did not keep it.
        tool: String,
        options: Vec<PermissionOption>,
        outcome: Option<String>,
    },
    Question {
        request_id: RequestId,
        tool_use_id: Option<ToolUseId>,
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
    /// The user is asked whether it may run.
    pub asked: bool,
    pub waited: Waited,
    pub output: String,
    /// Ends of lines in the output, counted as it grows: a command may have printed millions and print on.
    pub line_ends: usize,
    pub diff: Vec<FileDiff>,
    /// Calls of its subagent.
    pub calls: usize,
}

impl Tool {
    pub fn new(call: ToolCall) -> Self {
        Self {
            call,
            state: ToolState::Running,
            asked: false,
            waited: Waited::default(),
            output: String::new(),
            line_ends: 0,
            diff: Vec::new(),
            calls: 0,
        }
    }

    /// With what code a command has ended, where its agent says so.
    pub fn exit_code(&self) -> Option<i64> {
        let code = |line: &str| line.trim().parse().ok();
        let last = self.output.trim_end().rsplit('\n').next().unwrap_or("").trim_matches(['(', ')']);
        // Claude Code begins with it.
        let first = self.output.split('\n').next().and_then(|line| line.strip_prefix("Exit code "));
        last.strip_prefix(ToolResult::EXIT_CODE).and_then(code).or_else(|| first.and_then(code))
    }
}

/// How long a call has waited for an answer of the user's, and waits: meanwhile it does not run. In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// Unix time.
    since: Option<i64>,
    /// What is over of it.
    before: i64,
}

impl Waited {
    pub(super) fn set(&mut self, waits: bool, at: i64) {
        self.before = self.until(at);
        self.since = waits.then_some(at);
    }

    /// In all; a clock that was set back makes it no shorter.
    pub fn until(self, at: i64) -> i64 {
        let now = self.since.map_or(0, |since| at.saturating_sub(since).max(0));
        self.before.saturating_add(now)
    }
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
