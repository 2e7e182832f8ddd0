//! The words that every other layer speaks: ids, agent messages, commands, options.
//!
//! Plain values without I/O, clock or randomness. Knows nothing of processes, protocols or editors.

pub mod capabilities;
pub mod command;
pub mod conversation;
pub mod diff;
pub mod escapes;
pub mod event;
pub mod file;
pub mod id;
pub mod message;
pub mod options;
pub mod outside;
pub mod place;
pub mod policy;
pub mod question;
pub mod rule;
pub mod session;
pub mod wait;

pub use capabilities::{AgentOption, Capabilities, Choice, Login, Terminal, reported};
pub use command::{Answer, Command, Context, Image, Judgement, Prompt};
pub use conversation::Conversation;
pub use diff::{FileDiff, Hunk};
pub use escapes::without_escapes;
pub use event::{Event, TurnOutcome};
pub use file::{FileAccess, FileAnswer, FileRequest};
pub use id::{MessageId, OptionId, RequestId, SessionId, ToolUseId};
pub use message::{
    AgentMessage, Compaction, Content, Cost, Init, Location, Plan, PlanEntry, PlanStatus, ToolCall, ToolKind,
    ToolResult,
};
pub use options::{
    InvalidOptions, McpServer, ProviderConfig, Resume, ResumeMode, SeedFrom, StartOptions, WorktreeOptions,
};
pub use place::Paths;
pub use question::{
    OptionKind, PROJECT_FILES, PermissionOption, PermissionRequest, Question, QuestionOption, QuestionRequest, Subject,
};
pub use session::{Attention, Diffstat, Elsewhere, Hold, Other, SessionSummary, Status, Worktree};
pub use wait::{Cause, Wait};
