//! Claude Code's tools: what a call is for people, what its result says, and which calls are still open.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde_json::Value;

use super::diff;
use crate::{
    agent::json::{is_true, list, one_line, some_text, text},
    domain::{FileDiff, Location, Subject, ToolCall, ToolKind, ToolResult, ToolUseId},
};

const TITLE_LIMIT: usize = 200;

pub fn kind(tool: &str) -> ToolKind {
    match tool {
        "Read" | "NotebookRead" => ToolKind::Read,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => ToolKind::Edit,
        "Glob" | "Grep" | "LS" | "ToolSearch" => ToolKind::Search,
        "WebFetch" | "WebSearch" | "web_search" | "web_fetch" => ToolKind::Fetch,
        "Bash" | "BashOutput" | "KillBash" | "KillShell" | "TaskOutput" | "TaskStop" => ToolKind::Execute,
        "Agent" | "Task" | "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" | "EnterPlanMode"
        | "ExitPlanMode" => ToolKind::Think,
        _ => ToolKind::Other,
    }
}

/// One line for people. Paths below `cwd` are relative to it.
pub fn title(tool: &str, input: &Value, cwd: &str) -> String {
    let path = |key| some_text(input, key).map(|path| relative(path, cwd));
    let title = match tool {
        "Read" | "Edit" | "MultiEdit" | "Write" => path("file_path"),
        "NotebookEdit" | "NotebookRead" => path("notebook_path"),
        "LS" => path("path"),
        "Bash" => some_text(input, "command").map(str::to_owned),
        "Glob" | "Grep" => some_text(input, "pattern").map(|pattern| match path("path") {
            Some(path) if !path.is_empty() && path != "." => format!("{pattern} in {path}"),
            _ => pattern.to_owned(),
        }),
        "ExitPlanMode" => some_text(input, "plan").map(|plan| plan.trim_start_matches(['#', ' ', '\n']).to_owned()),
        "AskUserQuestion" => {
            list(input, "questions").first().and_then(|question| some_text(question, "question")).map(str::to_owned)
        }
        _ => [
            "description",
            "command",
            "query",
            "url",
            "file_path",
            "path",
            "pattern",
            "skill",
            "subject",
            "prompt",
            "name",
        ]
        .iter()
        .find_map(|key| some_text(input, key))
        .map(str::to_owned),
    };
    match title.map(|title| one_line(&title, TITLE_LIMIT)) {
        Some(title) if !title.is_empty() => match mcp(tool) {
            Some(name) => format!("{name}: {title}"),
            None => title,
        },
        _ => mcp(tool).unwrap_or_else(|| tool.to_owned()),
    }
}

/// `mcp__server__tool` as people say it.
fn mcp(tool: &str) -> Option<String> {
    let (server, name) = tool.strip_prefix("mcp__")?.split_once("__")?;
    Some(format!("{server} {name}"))
}

fn relative(path: &str, cwd: &str) -> String {
    let below = if cwd.is_empty() { None } else { Path::new(path).strip_prefix(cwd).ok() };
    match below.and_then(Path::to_str) {
        Some("") => ".".to_owned(),
        Some(below) => below.to_owned(),
        None => path.to_owned(),
    }
}

fn locations(input: &Value) -> Vec<Location> {
    let path = some_text(input, "file_path").or_else(|| some_text(input, "notebook_path"));
    let line = input.get("offset").and_then(Value::as_u64).filter(|line| *line > 0);
    path.map(|path| Location { path: path.to_owned(), line }).into_iter().collect()
}

/// What a permission for it can be made into a rule of.
pub fn subject(tool: &str, input: &Value) -> Subject {
    let file = |key, change| match some_text(input, key) {
        Some(path) => Subject::Files { paths: vec![path.to_owned()], change },
        None => Subject::Always,
    };
    match tool {
        // It wants out of what holds it.
        "Bash" if input.get("dangerouslyDisableSandbox").is_some_and(|value| *value != false) => Subject::Always,
        "Bash" => Subject::of_command(input),
        "Edit" | "MultiEdit" | "Write" => file("file_path", true),
        "NotebookEdit" => file("notebook_path", true),
        "Read" => file("file_path", false),
        "NotebookRead" => file("notebook_path", false),
        "ExitPlanMode" | "EnterPlanMode" | "AskUserQuestion" | "plan" => Subject::Always,
        "" => Subject::Input,
        _ => Subject::Tool,
    }
}

/// A call that waits for its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub id: ToolUseId,
    pub parent: Option<ToolUseId>,
    pub name: String,
    pub input: Value,
}

impl Call {
    pub fn tool_call(&self, cwd: &str) -> ToolCall {
        ToolCall {
            tool_use_id: self.id.clone(),
            name: self.name.clone(),
            kind: kind(&self.name),
            input: self.input.clone(),
            title: title(&self.name, &self.input, cwd),
            locations: locations(&self.input),
        }
    }
}

/// The calls that wait for their results. There may be thousands at once.
#[derive(Debug, Default)]
pub struct Calls {
    /// With its number in the order they were made.
    open: HashMap<ToolUseId, (u64, Call)>,
    made: u64,
}

impl Calls {
    /// Gives the one that had its id.
    pub fn put(&mut self, call: Call) -> Option<Call> {
        self.made += 1;
        let number = self.open.get(&call.id).map_or(self.made, |(number, _)| *number);
        self.open.insert(call.id.clone(), (number, call)).map(|(_, before)| before)
    }

    pub fn find(&self, id: &ToolUseId) -> Option<&Call> {
        self.open.get(id).map(|(_, call)| call)
    }

    pub fn take(&mut self, id: &ToolUseId) -> Option<Call> {
        self.open.remove(id).map(|(_, call)| call)
    }

    /// The calls that end with the turn: all but those of subagents that go on in the background, whose own call has
    /// its result already.
    pub fn take_turn(&mut self) -> Vec<Call> {
        let all = std::mem::take(&mut self.open);
        let known: HashSet<ToolUseId> = all.keys().cloned().collect();
        let (ending, staying) = all
            .into_iter()
            .partition(|(_, (_, call))| call.parent.as_ref().is_none_or(|parent| known.contains(parent)));
        self.open = staying;
        in_order(ending)
    }

    pub fn take_all(&mut self) -> Vec<Call> {
        in_order(std::mem::take(&mut self.open))
    }
}

fn in_order(calls: HashMap<ToolUseId, (u64, Call)>) -> Vec<Call> {
    let mut calls: Vec<(u64, Call)> = calls.into_values().collect();
    calls.sort_by_key(|(number, _)| *number);
    calls.into_iter().map(|(_, call)| call).collect()
}

/// A tool's result, from the block that the model gets and its structured twin.
pub fn result(id: ToolUseId, call: Option<&Call>, block: &Value, twin: Option<&Value>) -> ToolResult {
    let is_error = is_true(block, "is_error");
    let subagent = call.is_some_and(|call| matches!(call.name.as_str(), "Agent" | "Task"));
    let plan = twin.and_then(|twin| some_text(twin, "plan")).filter(|_| !is_error);
    let output = match (plan, call) {
        // What else the result says of an approved plan is for the model.
        (Some(plan), Some(call)) if call.name == "ExitPlanMode" => plan.to_owned(),
        _ => output(block.get("content"), subagent),
    };
    let diff = match (is_error, twin, call) {
        (true, ..) => Vec::new(),
        (false, Some(twin), _) => diff::of_result(twin),
        // A subagent's results come without the twin.
        (false, None, Some(call)) => diff::of_input(&call.name, &call.input),
        (false, None, None) => Vec::<FileDiff>::new(),
    };
    ToolResult { tool_use_id: id, output, is_error, diff }
}

fn output(content: Option<&Value>, subagent: bool) -> String {
    let text = match content {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let several = blocks.len() > 1;
            let shown = blocks.iter().filter(|block| !(subagent && several && is_bookkeeping(text(block, "text"))));
            shown.map(of_block).collect::<Vec<_>>().join("\n")
        }
        Some(other) => other.to_string(),
    };
    if subagent && text.starts_with("Async agent launched successfully") {
        // What follows in the text is for the model alone, it says.
        return "Started in the background.".to_owned();
    }
    if text.starts_with("The user doesn't want to proceed with this tool use.") {
        // The rest tells the model how to behave.
        return ToolResult::NOT_WANTED.to_owned();
    }
    match text.strip_prefix("<tool_use_error>").and_then(|text| text.strip_suffix("</tool_use_error>")) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}

/// A subagent's result ends with a block for the main agent: how to go on with it and what it used.
fn is_bookkeeping(text: &str) -> bool {
    text.starts_with("agentId: ")
}

fn of_block(block: &Value) -> String {
    match text(block, "type") {
        "text" => text(block, "text").to_owned(),
        "image" => {
            let source = block.get("source").unwrap_or(&Value::Null);
            format!("[image {}]", some_text(source, "media_type").unwrap_or("of an unknown type"))
        }
        "tool_reference" => text(block, "tool_name").to_owned(),
        "web_search_result" => format!("{} {}", text(block, "title"), text(block, "url")).trim().to_owned(),
        _ => block.as_str().map_or_else(|| block.to_string(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_title_says_what_is_done_to_what() {
        for (tool, input, expect) in [
            ("Bash", json!({"command": "ls -l\nrm x"}), "ls -l…"),
            ("Read", json!({"file_path": "/p/src/a b.rs"}), "src/a b.rs"),
            ("Read", json!({"file_path": "/pother/a"}), "/pother/a"),
            ("Grep", json!({"pattern": "fn .*", "path": "/p/src"}), "fn .* in src"),
            ("Grep", json!({"pattern": "fn .*", "path": "/p"}), "fn .*"),
            ("ExitPlanMode", json!({"plan": "# Plan\n1. Look"}), "Plan…"),
            ("mcp__host__add", json!({"a": 1}), "host add"),
            ("mcp__db__ask", json!({"query": "select 1"}), "db ask: select 1"),
            ("Agent", json!({"description": "Look", "prompt": "long"}), "Look"),
            ("New", json!({"x": 1}), "New"),
            ("Bash", json!("no object"), "Bash"),
        ] {
            assert_eq!(title(tool, &input, "/p"), expect);
        }
    }

    #[test]
    fn a_result_is_text_whatever_its_shape() {
        let of = |content: Value| result("t".into(), None, &json!({"content": content}), None).output;
        assert_eq!(of(json!("plain")), "plain");
        assert_eq!(of(json!(null)), "");
        assert_eq!(of(json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])), "a\nb");
        let image = json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "…"}}]);
        assert_eq!(of(image), "[image image/png]");
        assert_eq!(of(json!("<tool_use_error>No such tool</tool_use_error>")), "No such tool");
        assert_eq!(of(json!([5, "x", {"type": "new"}])), "5\nx\n{\"type\":\"new\"}");
    }

    #[test]
    fn an_approved_plan_s_result_is_the_plan_as_it_was_approved() {
        let call = Call { id: "t".into(), parent: None, name: "ExitPlanMode".into(), input: json!({"plan": "# Old"}) };
        let of = |block: Value, twin: Value| result("t".into(), Some(&call), &block, Some(&twin)).output;
        let block = json!({"content": "User has approved your plan. …"});
        assert_eq!(of(block.clone(), json!({"plan": "# New", "planWasEdited": true})), "# New");
        assert_eq!(of(block, json!({"isAgent": true})), "User has approved your plan. …");
        assert_eq!(of(json!({"content": "Why?", "is_error": true}), json!("Error: Why?")), "Why?");
    }

    #[test]
    fn the_calls_of_a_background_subagent_outlive_the_turn() {
        let call = |id: &str, parent: Option<&str>| Call {
            id: id.into(),
            parent: parent.map(ToolUseId::from),
            name: "Bash".into(),
            input: Value::Null,
        };
        let mut calls = Calls::default();
        calls.put(call("main", None));
        calls.put(call("agent", None));
        calls.put(call("inside", Some("agent")));
        calls.put(call("behind", Some("gone")));
        let ended: Vec<_> = calls.take_turn().into_iter().map(|call| call.id.to_string()).collect();
        assert_eq!(ended, ["main", "agent", "inside"]);
        assert_eq!(calls.take_all().len(), 1);
    }
}
