//! Codex' conversations on disk: `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl` below its home (0.169.0).
//!
//! What is told here is for who looks through them; a thread that is taken up tells its past by itself.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    agent::{
        json::{list, one_line, some_text, text},
        kept::{About, Kept, Replay, millis},
    },
    domain::{AgentMessage, Content, Prompt, ToolCall, ToolKind, ToolResult},
};

pub const KEPT: Kept = Kept {
    folder,
    depth: 3,
    id: |name| {
        let id = name.strip_prefix("rollout-")?.get(20..)?;
        Uuid::try_parse(id).is_ok().then_some(id)
    },
    note,
    link: |_| None,
    replay: || Box::new(Past::default()),
    silent: false,
};

/// Of a title.
const TITLE_LIMIT: usize = 120;

fn folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Some(set("CODEX_HOME").or_else(|| Some(set("HOME")?.join(".codex")))?.join("sessions"))
}

fn note(about: &mut About, line: &Value) {
    let payload = line.get("payload").unwrap_or(&Value::Null);
    if text(line, "type") == "session_meta" {
        text(payload, "cwd").clone_into(&mut about.cwd);
        // A subagent's names whose it is.
        if payload.get("source").is_some_and(Value::is_object) {
            about.first = " ".to_owned();
        }
    }
    if about.first.is_empty()
        && let Some(prompt) = prompt(line)
    {
        about.first = one_line(&prompt, TITLE_LIMIT);
        about.hidden = false;
    }
}

/// What the user has typed; the model is given more in the user's name.
fn prompt(line: &Value) -> Option<String> {
    let payload = line.get("payload").filter(|_| text(line, "type") == "event_msg")?;
    match text(payload, "type") {
        // Of older ones.
        "user_message" => some_text(payload, "message").map(str::to_owned),
        "item_completed" => {
            let item = payload.get("item").filter(|item| text(item, "type") == "UserMessage")?;
            let said: Vec<&str> = list(item, "content").iter().filter_map(|piece| some_text(piece, "text")).collect();
            (!said.is_empty()).then(|| said.join("\n"))
        }
        _ => None,
    }
}

#[derive(Default)]
struct Past {
    messages: Vec<AgentMessage>,
}

impl Past {
    fn say(&mut self, line: &Value, id: &str, content: Content) {
        let id = match id {
            "" => format!("kept-{}-{}", text(line, "timestamp"), self.messages.len()),
            id => id.to_owned(),
        };
        let timestamp = millis(text(line, "timestamp"));
        self.messages.push(AgentMessage { id: id.into(), parent_id: None, timestamp, part: false, content });
    }

    fn item(&mut self, line: &Value, item: &Value) {
        let id = text(item, "id");
        let call = some_text(item, "call_id").unwrap_or(id);
        match text(item, "type") {
            "message" if text(item, "role") == "assistant" => {
                let said: String = list(item, "content").iter().map(|piece| text(piece, "text")).collect();
                self.say(line, id, Content::Text { text: said });
            }
            "reasoning" => {
                let thought: Vec<&str> = list(item, "summary").iter().map(|piece| text(piece, "text")).collect();
                if !thought.is_empty() {
                    self.say(line, id, Content::Thinking { text: thought.join("\n\n") });
                }
            }
            "function_call" | "custom_tool_call" | "local_shell_call" => {
                let given = some_text(item, "arguments").or_else(|| some_text(item, "input")).unwrap_or_default();
                let input = serde_json::from_str(given).unwrap_or_else(|_| match given {
                    "" => item.get("action").cloned().unwrap_or(Value::Null),
                    given => json!({ "input": given }),
                });
                let call = ToolCall {
                    tool_use_id: call.into(),
                    name: some_text(item, "name").unwrap_or("shell").to_owned(),
                    kind: ToolKind::Other,
                    title: title(&input),
                    input,
                    locations: Vec::new(),
                };
                self.say(line, id, Content::ToolCall(call));
            }
            "function_call_output" | "custom_tool_call_output" => {
                let output = match item.get("output") {
                    Some(Value::String(output)) => output.clone(),
                    Some(Value::Array(pieces)) => pieces.iter().map(|piece| text(piece, "text")).collect(),
                    Some(output) => output.to_string(),
                    None => String::new(),
                };
                let result = ToolResult { tool_use_id: call.into(), output, ..ToolResult::default() };
                self.say(line, &format!("{call}-output"), Content::ToolResult(result));
            }
            _ => {}
        }
    }
}

/// The command or the path that a call is about.
fn title(input: &Value) -> String {
    let words = |value: &Value| match value {
        Value::String(words) => words.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    let keys = ["command", "cmd", "path", "query", "input"].into_iter();
    let told = keys.filter_map(|key| input.get(key)).map(words).find(|words| !words.is_empty());
    one_line(&told.unwrap_or_default(), TITLE_LIMIT)
}

impl Replay for Past {
    fn line(&mut self, line: &Value) {
        if let Some(said) = prompt(line) {
            return self.say(line, "", Content::Prompt(Prompt::new(said)));
        }
        if text(line, "type") == "response_item"
            && let Some(item) = line.get("payload")
        {
            self.item(line, item);
        }
    }

    fn end(self: Box<Self>) -> Vec<AgentMessage> {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(payload: Value) -> Value {
        json!({"timestamp": "1970-01-01T00:00:01.000Z", "type": "response_item", "payload": payload})
    }

    fn user(text: &str) -> Value {
        let item = json!({"type": "UserMessage", "id": "u", "content": [{"type": "text", "text": text}]});
        json!({"timestamp": "1970-01-01T00:00:01.000Z", "type": "event_msg",
            "payload": {"type": "item_completed", "item": item}})
    }

    #[test]
    fn a_rollout_is_told_without_what_only_the_model_is_given() {
        let mut past = Box::new(Past::default());
        for line in [
            item(
                json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]}),
            ),
            user("list"),
            item(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]})),
            item(json!({"type": "function_call", "call_id": "c", "name": "exec", "arguments": "{\"cmd\":\"ls\"}"})),
            item(json!({"type": "function_call_output", "call_id": "c", "output": "a b"})),
            item(json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]})),
            json!({"type": "event_msg", "payload": {"type": "user_message", "message": "older"}}),
        ] {
            past.line(&line);
        }
        let tell = |message: AgentMessage| match message.content {
            Content::Prompt(prompt) => format!("> {}", prompt.text),
            Content::Text { text } | Content::Thinking { text } => text,
            Content::ToolCall(call) => format!("{} {}", call.name, call.title),
            Content::ToolResult(result) => format!("{}: {}", result.tool_use_id, result.output),
            other => panic!("{other:?}"),
        };
        let told: Vec<String> = past.end().into_iter().map(tell).collect();
        assert_eq!(told, ["> list", "hm", "exec ls", "c: a b", "done", "> older"]);
    }

    #[test]
    fn a_subagents_rollout_is_none_of_the_users() {
        let about = |source: Value| {
            let mut about = About { hidden: true, ..About::default() };
            note(&mut about, &json!({"type": "session_meta", "payload": {"cwd": "/p", "source": source}}));
            note(&mut about, &user("go\non"));
            about
        };
        let (theirs, subagent) = (about(json!("cli")), about(json!({"subagent": "review"})));
        assert_eq!((theirs.hidden, theirs.title(), theirs.cwd.as_str()), (false, "go…", "/p"));
        assert!(subagent.hidden);
    }

    #[test]
    fn a_file_is_named_by_its_time_and_id() {
        let id = KEPT.id;
        let name = "rollout-2026-11-25T19-47-20-01a2143f-92e8-78c1-b860-4f783f1dd584";
        assert_eq!(id(name), Some("01a2143f-92e8-78c1-b860-4f783f1dd584"));
        assert_eq!(id("rollout-2026"), None);
        assert_eq!(id("history"), None);
    }
}
