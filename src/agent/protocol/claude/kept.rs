//! Claude Code's conversations on disk: `projects/<directory>/<id>.jsonl` below its configuration (2.1.197 and 2.1.330).
//!
//! The lines are those of its output, in camel case and with who follows whom: a conversation that was wound back has the
//! lines of both ways, and a line may stand before the one that it follows. Subagents have files of their own.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    agent::{
        adapter::{Adapter, claude::Claude as Agent},
        json::{is_true, one_line, some_text, text},
        kept::{About, Kept, Link, Replay, millis},
    },
    domain::{AgentMessage, Compaction, Content, Event, Prompt},
};

pub const KEPT: Kept = Kept {
    folder,
    depth: 1,
    id: |name| Uuid::try_parse(name).is_ok().then_some(name),
    note,
    link,
    replay: || Box::new(Past::default()),
    silent: true,
};

/// Of a title.
const TITLE_LIMIT: usize = 120;

fn folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Some(set("CLAUDE_CONFIG_DIR").or_else(|| Some(set("HOME")?.join(".claude")))?.join("projects"))
}

fn note(about: &mut About, line: &Value) {
    let named = |key: &str| one_line(text(line, key), TITLE_LIMIT);
    match text(line, "type") {
        "custom-title" => about.name = named("customTitle"),
        "ai-title" => about.title = named("aiTitle"),
        // What older ones wrote instead.
        "summary" if about.title.is_empty() => about.title = named("summary"),
        _ => {}
    }
    if about.cwd.is_empty() {
        text(line, "cwd").clone_into(&mut about.cwd);
    }
    if about.first.is_empty()
        && let Some(prompt) = prompt(line)
    {
        about.first = one_line(&prompt, TITLE_LIMIT);
        about.hidden = false;
    }
}

/// In a terminal the first prompt is written while its answer is: lines of that may come before it.
fn link(line: &Value) -> Option<Link> {
    let id = some_text(line, "uuid")?.to_owned();
    Some(Link { id, follows: text(line, "parentUuid").to_owned() })
}

/// What the user has typed.
fn prompt(line: &Value) -> Option<String> {
    let theirs = text(line, "type") == "user"
        && !["isMeta", "isSidechain", "isCompactSummary", "isVisibleInTranscriptOnly"]
            .into_iter()
            .any(|key| is_true(line, key));
    let content = line.get("message").filter(|_| theirs)?.get("content")?;
    let said = match content {
        Value::String(said) => said.clone(),
        blocks => {
            let blocks = blocks.as_array()?.iter();
            let said: Vec<&str> =
                blocks.filter(|block| text(block, "type") == "text").map(|block| text(block, "text")).collect();
            said.join("\n")
        }
    };
    if let Some(command) = between(&said, "command-name") {
        let args = between(&said, "command-args").unwrap_or_default();
        return Some(format!("{command} {args}").trim().to_owned());
    }
    let shown = !said.trim().is_empty()
        && !["[Request interrupted by user", "<local-command", "<bash-", "<task-notification", "Caveat:"]
            .into_iter()
            .any(|mark| said.trim_start().starts_with(mark));
    shown.then_some(said)
}

fn between<'t>(said: &'t str, tag: &str) -> Option<&'t str> {
    let (_, rest) = said.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0.trim())
}

#[derive(Default)]
struct Past {
    agent: Agent,
    messages: Vec<AgentMessage>,
    /// How many messages there were behind each line, and at which of them the last prompts stand.
    ends: HashMap<String, usize>,
    prompts: Vec<usize>,
}

impl Past {
    fn say(&mut self, line: &Value, events: Vec<Event>) {
        let timestamp = millis(text(line, "timestamp"));
        for event in events {
            if let Event::Message { id, parent_id, part: false, content } = event
                && !matches!(content, Content::Unknown(_))
            {
                self.messages.push(AgentMessage { id, parent_id, timestamp, part: false, content });
            }
        }
    }

    /// A prompt after a line behind which others were said already: the conversation was wound back to there.
    fn wind_back(&mut self, parent: &str) {
        let Some(&end) = self.ends.get(parent) else { return };
        if self.prompts.last().is_some_and(|last| *last >= end) {
            self.messages.truncate(end);
            self.prompts.retain(|prompt| *prompt < end);
        }
    }
}

impl Replay for Past {
    fn line(&mut self, line: &Value) {
        if is_true(line, "isSidechain") {
            return;
        }
        if self.agent.cwd().is_empty()
            && let Some(cwd) = some_text(line, "cwd")
        {
            // Paths are told as they are seen from there.
            self.agent.event(&json!({"type": "system", "subtype": "init", "cwd": cwd}));
        }
        let id = some_text(line, "uuid").unwrap_or_default();
        match text(line, "type") {
            "user" => match prompt(line) {
                Some(prompt) => {
                    let ended = self.agent.end_turn();
                    self.say(line, ended);
                    self.wind_back(text(line, "parentUuid"));
                    self.prompts.push(self.messages.len());
                    self.say(line, vec![Event::message(id, Content::Prompt(Prompt::new(prompt)))]);
                }
                None if is_true(line, "isMeta") => {}
                None => {
                    let mut line = line.clone();
                    if let Some(fields) = line.as_object_mut()
                        && let Some(result) = fields.remove("toolUseResult")
                    {
                        fields.insert("tool_use_result".to_owned(), result);
                    }
                    let events = self.agent.event(&line);
                    self.say(&line, events);
                }
            },
            "assistant" => {
                let events = self.agent.event(line);
                self.say(line, events);
            }
            "system" if text(line, "subtype") == "compact_boundary" => {
                let metadata = line.get("compactMetadata").unwrap_or(&Value::Null);
                let compaction = Compaction {
                    trigger: text(metadata, "trigger").to_owned(),
                    pre_tokens: metadata.get("preTokens").and_then(Value::as_u64).unwrap_or(0),
                };
                self.say(line, vec![Event::message(id, Content::Compaction(compaction))]);
            }
            _ => {}
        }
        if !id.is_empty() {
            self.ends.insert(id.to_owned(), self.messages.len());
        }
    }

    fn end(mut self: Box<Self>) -> Vec<AgentMessage> {
        let last = self.messages.last().map_or(0, |message| message.timestamp);
        let ended = self.agent.end_turn();
        self.say(&Value::Null, ended);
        self.messages.iter_mut().filter(|message| message.timestamp == 0).for_each(|message| message.timestamp = last);
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, parent: &str, content: Value) -> Value {
        json!({"type": "user", "uuid": id, "parentUuid": parent, "cwd": "/p", "timestamp": "1970-01-01T00:00:01.000Z",
            "message": {"role": "user", "content": content}})
    }

    fn assistant(id: &str, parent: &str, block: Value) -> Value {
        json!({"type": "assistant", "uuid": id, "parentUuid": parent, "timestamp": "1970-01-01T00:00:02.000Z",
            "message": {"id": format!("msg-{id}"), "model": "m", "content": [block]}})
    }

    fn said(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    fn told(lines: &[Value]) -> Vec<String> {
        let mut past = Box::new(Past::default());
        lines.iter().for_each(|line| past.line(line));
        let tell = |message: AgentMessage| match message.content {
            Content::Prompt(prompt) => format!("> {}", prompt.text),
            Content::Text { text } => text,
            Content::ToolCall(call) => format!("call {}", call.title),
            Content::ToolResult(result) => format!("result {} {}", result.output, result.diff.len()),
            Content::Status { subtype, message } => format!("{subtype}: {message}"),
            Content::Compaction(compaction) => format!("compacted at {}", compaction.pre_tokens),
            other => panic!("{other:?}"),
        };
        past.end().into_iter().map(tell).collect()
    }

    #[test]
    fn a_conversation_is_told_as_it_was_held() {
        let call = json!({"type": "tool_use", "id": "t", "name": "Edit", "input": {"file_path": "/p/a", "old_string": "x", "new_string": "y"}});
        let mut result = user("4", "3", json!([{"type": "tool_result", "tool_use_id": "t", "content": "done"}]));
        result["toolUseResult"] = json!({"filePath": "/p/a", "oldString": "x", "newString": "y", "originalFile": "x\n",
            "structuredPatch": [{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-x", "+y"]}]});
        let mut meta = user("m", "4", json!("<system>"));
        meta["isMeta"] = json!(true);
        let lines = [
            user("1", "", json!("fix it")),
            json!({"type": "attachment", "uuid": "2", "parentUuid": "1"}),
            assistant("3", "2", call),
            result,
            meta,
            assistant("5", "4", said("Fixed.")),
            json!({"type": "system", "subtype": "compact_boundary", "uuid": "6", "compactMetadata": {"trigger": "auto", "preTokens": 7}}),
            user("7", "6", json!("<command-name>/review</command-name>\n<command-args>a b</command-args>")),
            user("8", "7", json!([{"type": "text", "text": "[Request interrupted by user]"}])),
        ];
        let expect = [
            "> fix it",
            "call a",
            "result done 1",
            "Fixed.",
            "compacted at 7",
            "> /review a b",
            "interrupted: Interrupted",
        ];
        assert_eq!(told(&lines), expect);
    }

    #[test]
    fn what_was_wound_back_is_not_told() {
        let lines = [
            user("1", "", json!("one")),
            assistant("2", "1", said("first")),
            user("3", "2", json!("two")),
            assistant("4", "3", said("wrong")),
            user("5", "2", json!("three")),
            assistant("6", "5", said("right")),
        ];
        assert_eq!(told(&lines), ["> one", "first", "> three", "right"]);
    }

    #[test]
    fn a_call_without_a_result_is_closed() {
        let call = json!({"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}});
        let told = told(&[user("1", "", json!("go")), assistant("2", "1", call)]);
        assert_eq!(told[..2], ["> go", "call ls"]);
        assert!(told[2].starts_with("result "), "{told:?}");
    }

    #[test]
    fn a_title_is_the_users_then_the_agents_then_the_first_words() {
        let mut about = About { hidden: true, ..About::default() };
        note(&mut about, &json!({"type": "queue-operation"}));
        assert!(about.hidden);
        note(&mut about, &user("1", "", json!("\nexplain this\nplease")));
        assert_eq!((about.title(), about.cwd.as_str(), about.hidden), ("explain this…", "/p", false));
        note(&mut about, &json!({"type": "ai-title", "aiTitle": "Explained"}));
        assert_eq!(about.title(), "Explained");
        note(&mut about, &json!({"type": "custom-title", "customTitle": "Mine"}));
        assert_eq!(about.title(), "Mine");
    }

    #[test]
    fn the_folder_is_the_accounts() {
        let of = |pairs: &[(&str, &str)]| {
            folder(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(of(&[("HOME", "/h")]), Some("/h/.claude/projects".into()));
        assert_eq!(of(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")]), Some("/c/projects".into()));
        assert_eq!(of(&[]), None);
        assert_eq!((KEPT.id)("e85d7727-2d32-4be0-8dfb-a83bbffe09e9"), Some("e85d7727-2d32-4be0-8dfb-a83bbffe09e9"));
        assert_eq!((KEPT.id)("agent-1"), None);
    }
}
