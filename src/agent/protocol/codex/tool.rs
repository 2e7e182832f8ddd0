//! One item of a thread that is something done, as a tool call with its result.
//!
//! Every item is whole each time that Codex tells of it (0.169.0), so this is a pure reading.

use serde_json::{Value, json};

use crate::{
    agent::{
        adapter::{codex::bare_command, diff},
        json::{is_true, list, one_line, some_text, text, texts},
    },
    domain::{Content, Event, FileDiff, Location, MessageId, ToolKind, ToolResult, ToolUseId},
};

/// Of a title.
const TITLE_LIMIT: usize = 200;

/// Items' types are long words of Codex's protocol; these are its tools as the model knows them.
pub const SHELL: &str = "shell";
pub const PATCH: &str = "apply_patch";

/// A call without its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: String,
    pub kind: ToolKind,
    pub input: Value,
    pub title: String,
    pub locations: Vec<Location>,
}

/// `None` for what is no tool.
pub fn call(item: &Value, cwd: &str) -> Option<Call> {
    let kind = text(item, "type");
    let named = |name: &str, tool_kind, input, title: &str| Call {
        name: name.to_owned(),
        kind: tool_kind,
        input,
        title: one_line(title, TITLE_LIMIT),
        locations: Vec::new(),
    };
    Some(match kind {
        "commandExecution" => command(item, cwd),
        "fileChange" => file_change(item, cwd),
        "mcpToolCall" => {
            let name = format!("{}.{}", text(item, "server"), text(item, "tool"));
            other(name, item["arguments"].clone())
        }
        "dynamicToolCall" => other(qualified(item, "tool"), item["arguments"].clone()),
        "functionCallOutput" => other(qualified(item, "name"), Value::Null),
        "collabAgentToolCall" => {
            let tool = some_text(item, "tool").unwrap_or("agent");
            let prompt = text(item, "prompt");
            let title = if prompt.is_empty() { tool.to_owned() } else { prompt.to_owned() };
            named(tool, ToolKind::Think, json!({"prompt": prompt}), &title)
        }
        "webSearch" => {
            let action = &item["action"];
            let sought = some_text(item, "query")
                .or_else(|| some_text(action, "query"))
                .or_else(|| some_text(action, "url"))
                .or_else(|| some_text(action, "pattern"));
            let sought = sought.map_or_else(|| texts(action, "queries").join(", "), str::to_owned);
            named("web_search", ToolKind::Fetch, json!({"query": sought}), &sought)
        }
        "imageView" => {
            let path = text(item, "path");
            let place = Location { path: path.to_owned(), line: None };
            Call {
                locations: vec![place],
                ..named("view_image", ToolKind::Read, json!({"path": path}), &relative(path, cwd))
            }
        }
        "imageGeneration" => {
            let prompt = text(item, "revisedPrompt");
            named("image_generation", ToolKind::Other, json!({"prompt": prompt}), prompt)
        }
        "sleep" => {
            let ms = item["durationMs"].as_u64().unwrap_or(0);
            named("sleep", ToolKind::Other, json!({"ms": ms}), &format!("{} s", ms.div_ceil(1000)))
        }
        _ => return None,
    })
}

fn qualified(item: &Value, key: &str) -> String {
    let name = some_text(item, key).unwrap_or("tool");
    some_text(item, "namespace").map_or_else(|| name.to_owned(), |space| format!("{space}.{name}"))
}

fn other(name: String, input: Value) -> Call {
    let known = ["description", "command", "query", "url", "path", "prompt", "name", "text"];
    let what = known.iter().find_map(|key| some_text(&input, key));
    let title = what.map_or_else(|| name.clone(), |what| format!("{name}: {}", one_line(what, TITLE_LIMIT)));
    Call { name, kind: ToolKind::Other, input, title, locations: Vec::new() }
}

/// The path as people name it: from the directory where it lies below that.
pub fn relative(path: &str, cwd: &str) -> String {
    let below = path.strip_prefix(cwd).and_then(|rest| rest.strip_prefix('/')).filter(|_| !cwd.is_empty());
    below.unwrap_or(path).to_owned()
}

fn command(item: &Value, cwd: &str) -> Call {
    let line = text(item, "command");
    let actions = list(item, "commandActions");
    let all =
        |kinds: &[&str]| !actions.is_empty() && actions.iter().all(|action| kinds.contains(&text(action, "type")));
    let kind = if all(&["read"]) {
        ToolKind::Read
    } else if all(&["search", "listFiles", "read"]) {
        ToolKind::Search
    } else {
        ToolKind::Execute
    };
    let paths =
        actions.iter().filter(|action| text(action, "type") == "read").filter_map(|action| some_text(action, "path"));
    let mut input = json!({"command": line});
    if let Some(other) = some_text(item, "cwd").filter(|other| *other != cwd) {
        input["cwd"] = json!(other);
    }
    Call {
        name: SHELL.to_owned(),
        kind,
        input,
        title: one_line(bare_command(line), TITLE_LIMIT),
        locations: paths.map(|path| Location { path: path.to_owned(), line: None }).collect(),
    }
}

fn file_change(item: &Value, cwd: &str) -> Call {
    let changes = list(item, "changes");
    let is = |change: &Value, kind: &str| text(&change["kind"], "type") == kind;
    let kind = if !changes.is_empty() && changes.iter().all(|change| is(change, "delete")) {
        ToolKind::Delete
    } else {
        ToolKind::Edit
    };
    // The diffs come with the result, and with the question whether.
    let input: Vec<Value> =
        changes.iter().map(|change| json!({"path": change["path"], "kind": change["kind"]})).collect();
    let paths: Vec<&str> = changes.iter().filter_map(|change| some_text(change, "path")).collect();
    let titles: Vec<String> = paths.iter().map(|path| relative(path, cwd)).collect();
    Call {
        name: PATCH.to_owned(),
        kind,
        input: json!({"changes": input}),
        title: one_line(&titles.join(", "), TITLE_LIMIT),
        locations: paths.into_iter().map(|path| Location { path: path.to_owned(), line: None }).collect(),
    }
}

/// Between a file's names, old and new.
pub const MOVED: &str = " → ";

/// What a `fileChange` does to each file.
pub fn diffs(changes: &[Value]) -> Vec<FileDiff> {
    let files = changes.iter().filter_map(|change| {
        let path = some_text(change, "path")?;
        let said = text(change, "diff");
        let hunks = match text(&change["kind"], "type") {
            // The bare text of the file, old or new.
            "add" => vec![diff::added(said)],
            "delete" => vec![diff::removed(said)],
            _ => diff::unified(said),
        };
        let moved = some_text(&change["kind"], "move_path");
        let path = moved.map_or_else(|| path.to_owned(), |to| format!("{path}{MOVED}{to}"));
        Some(FileDiff { path, hunks })
    });
    files.collect()
}

/// How an item ended.
pub fn result(tool_use_id: ToolUseId, item: &Value) -> ToolResult {
    let status = text(item, "status");
    let failed = matches!(status, "failed" | "declined" | "interrupted");
    let (output, is_error) = match text(item, "type") {
        "commandExecution" => command_output(item, failed),
        "fileChange" if status == "declined" => (ToolResult::NOT_WANTED.to_owned(), true),
        "fileChange" => {
            let changes = list(item, "changes").iter();
            let line = |change: &Value| format!("{} {}", text(&change["kind"], "type"), text(change, "path"));
            (changes.map(line).collect::<Vec<_>>().join("\n"), failed)
        }
        "mcpToolCall" => match some_text(&item["error"], "message") {
            Some(error) => (error.to_owned(), true),
            None => (content_text(list(&item["result"], "content")), failed || is_true(&item["result"], "isError")),
        },
        "dynamicToolCall" => (content_text(list(item, "contentItems")), failed || item["success"] == false),
        "functionCallOutput" => match &item["output"] {
            Value::String(output) => (output.clone(), false),
            output => (content_text(output.as_array().map_or(&[], Vec::as_slice)), false),
        },
        "collabAgentToolCall" => (agent_states(item), failed),
        "webSearch" => (content_text(list(item, "results")), failed),
        "imageGeneration" => match some_text(&item["failure"], "message") {
            Some(error) => (error.to_owned(), true),
            None => (text(item, "savedPath").to_owned(), failed),
        },
        _ => (String::new(), failed),
    };
    let diff = if is_error { Vec::new() } else { diffs(list(item, "changes")) };
    ToolResult { tool_use_id, output, is_error, diff }
}

fn command_output(item: &Value, failed: bool) -> (String, bool) {
    let mut output = text(item, "aggregatedOutput").to_owned();
    let code = item["exitCode"].as_i64().filter(|code| *code != 0);
    if text(item, "status") == "declined" && output.is_empty() {
        return (ToolResult::NOT_WANTED.to_owned(), true);
    }
    if let Some(code) = code {
        if !output.is_empty() && !output.ends_with('\n') {
            output.push('\n');
        }
        output.push_str(&format!("{}{code}", ToolResult::EXIT_CODE));
    }
    (output, failed || code.is_some())
}

/// Texts as they are; what is no text as JSON, unless it is a picture's or sound's data.
fn content_text(blocks: &[Value]) -> String {
    let shown = blocks.iter().map(|block| match (some_text(block, "text"), text(block, "type")) {
        (Some(text), _) => text.to_owned(),
        (None, kind) if kind.to_lowercase().contains("image") => "(an image)".to_owned(),
        (None, kind) if kind.to_lowercase().contains("audio") => "(a sound)".to_owned(),
        (None, _) => block.as_str().map_or_else(|| block.to_string(), str::to_owned),
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// The last that is known of each agent.
fn agent_states(item: &Value) -> String {
    let states = item["agentsStates"].as_object().into_iter().flatten();
    let line = |(_, state): (&String, &Value)| match some_text(state, "message") {
        Some(message) => format!("{}: {message}", text(state, "status")),
        None => text(state, "status").to_owned(),
    };
    states.map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The parts of a result and the whole have one id.
pub fn result_message(result: ToolResult, parent_id: Option<ToolUseId>, part: bool) -> Event {
    let id = MessageId::new(format!("{}-result", result.tool_use_id));
    Event::Message { id, parent_id, part, content: Content::ToolResult(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(item: Value, name: &str, kind: ToolKind, title: &str, output: &str, is_error: bool) {
        let call = call(&item, "/p").expect("a tool");
        assert_eq!((call.name.as_str(), call.kind, call.title.as_str()), (name, kind, title));
        let result = result("t".into(), &item);
        assert_eq!((result.output.as_str(), result.is_error), (output, is_error));
    }

    #[test]
    fn a_command_is_named_without_its_shell_and_says_its_code() {
        let command = |status: &str, output: Value, code: Value, action: &str| {
            json!({"type": "commandExecution", "command": "/bin/bash -lc 'cat a.rs'", "status": status, "cwd": "/p",
                "aggregatedOutput": output, "exitCode": code, "commandActions": [{"type": action, "path": "/p/a.rs"}]})
        };
        let name = SHELL;
        check(command("completed", json!("x\n"), json!(0), "read"), name, ToolKind::Read, "cat a.rs", "x\n", false);
        check(
            command("failed", json!("x"), json!(3), "unknown"),
            name,
            ToolKind::Execute,
            "cat a.rs",
            "x\nExit code: 3",
            true,
        );
        let declined = command("declined", json!(null), json!(null), "search");
        check(declined, name, ToolKind::Search, "cat a.rs", ToolResult::NOT_WANTED, true);
    }

    #[test]
    fn a_patch_has_its_diff_in_the_result_only() {
        let item = json!({"type": "fileChange", "status": "completed", "changes": [
            {"path": "/p/a", "kind": {"type": "update", "move_path": "/p/b"}, "diff": "@@ -1 +1 @@\n-x\n+y\n"},
            {"path": "/o/new", "kind": {"type": "add"}, "diff": "one\n"}, {"kind": 7}]});
        check(item.clone(), PATCH, ToolKind::Edit, "a, /o/new", "update /p/a\nadd /o/new\n ", false);
        assert!(!call(&item, "/p").expect("a tool").input.to_string().contains("@@"));
        let diff = result("t".into(), &item).diff;
        assert_eq!(diff.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["/p/a → /p/b", "/o/new"]);
        assert_eq!(diff[1].hunks[0].lines, ["+one"]);
        let gone = json!({"type": "fileChange", "status": "declined", "changes": [
            {"path": "/p/a", "kind": {"type": "delete"}, "diff": "x\n"}]});
        check(gone.clone(), PATCH, ToolKind::Delete, "a", ToolResult::NOT_WANTED, true);
        assert_eq!(result("t".into(), &gone).diff, []);
    }

    #[test]
    fn other_tools_say_what_they_are_about() {
        check(
            json!({"type": "mcpToolCall", "server": "docs", "tool": "find", "arguments": {"query": "q"}, "status": "completed",
                "result": {"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "x"}]}}),
            "docs.find",
            ToolKind::Other,
            "docs.find: q",
            "a\n(an image)",
            false,
        );
        check(
            json!({"type": "mcpToolCall", "server": "docs", "tool": "find", "error": {"message": "no"}}),
            "docs.find",
            ToolKind::Other,
            "docs.find",
            "no",
            true,
        );
        let search = json!({"type": "webSearch", "query": "", "action": {"type": "openPage", "url": "http://x"}});
        check(search, "web_search", ToolKind::Fetch, "http://x", "", false);
        let states = json!({"x": {"status": "completed", "message": "done"}, "y": {"status": "running"}});
        let agents = json!({"type": "collabAgentToolCall", "tool": "wait", "agentsStates": states});
        check(agents, "wait", ToolKind::Think, "wait", "completed: done\nrunning", false);
        assert_eq!(call(&json!({"type": "agentMessage"}), "/p"), None);
        assert_eq!(call(&Value::Null, "/p"), None);
    }
}
