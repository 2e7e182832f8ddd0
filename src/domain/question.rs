//! What an agent asks of the user: permission for a tool, or answers to its own questions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    diff::FileDiff,
    id::{OptionId, RequestId, ToolUseId},
};

/// May this tool run? Answered, cancelled or withdrawn exactly once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermissionRequest {
    pub request_id: RequestId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<ToolUseId>,
    /// The tool's name; `plan` for a plan to approve, whose text is `input.plan`.
    pub tool: String,
    /// One line for people: the command or the path.
    pub title: String,
    pub input: Value,
    /// What it would change in files, where the agent tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<FileDiff>,
    /// Why the agent asks, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In the order shown.
    pub options: Vec<PermissionOption>,
    /// What a rule of the user's can be made of.
    #[serde(default)]
    pub subject: Subject,
}

/// The tool of a question about what a project brings along for its agent: [`Subject::Start`].
pub const PROJECT_FILES: &str = "project files";

/// What a permission is about, as far as the agent tells; who reads a request says it, since nobody else knows its shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// A shell's command line, all of it: nothing else of the request matters.
    Command { command: String },
    /// Files, and nothing but these; relative to the session's directory if not absolute.
    Files { paths: Vec<String>, change: bool },
    /// A tool of which the name says what it does.
    Tool,
    /// Nothing but the whole input says what is done.
    Input,
    /// Asked each time, whatever was allowed before: a plan, more rights than before, what cannot be seen.
    #[default]
    Always,
    /// By us and not by an agent: it waits to be started.
    Start,
}

impl Subject {
    /// A command with nothing beside it that would change what it does.
    pub fn of_command(input: &Value) -> Self {
        let harmless = ["command", "description", "timeout", "explanation", "run_in_background", "is_background"];
        let only = input.as_object().is_some_and(|fields| fields.keys().all(|key| harmless.contains(&key.as_str())));
        match input.get("command").and_then(Value::as_str) {
            Some(command) if only => Subject::Command { command: command.to_owned() },
            _ => Subject::Input,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionOption {
    pub option_id: OptionId,
    pub name: String,
    pub kind: OptionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    AllowOnce,
    AllowAlways,
    RejectOnce,
    RejectAlways,
    #[serde(other)]
    Other,
}

/// The agent's own questions, asked together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionRequest {
    pub request_id: RequestId,
    /// The call that asks, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<ToolUseId>,
    /// A page that the agent wants opened; the only question then asks whether, and its first option says yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub questions: Vec<Question>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Names the answer in `answers`; for Claude Code the question's text.
    pub id: String,
    pub header: String,
    pub text: String,
    /// Several options may be chosen.
    pub multi: bool,
    /// The answer must not be shown or kept.
    pub secret: bool,
    pub options: Vec<QuestionOption>,
    /// Free text is an answer too.
    pub allow_other: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    pub label: String,
    #[serde(default)]
    pub description: String,
}
