//! The events of `codex exec --json` to ours (Codex CLI 0.169.0).
//!
//! Items are numbered anew by each process, and a runner may start one process a prompt, so an item's id counts within
//! its run. `usage` is cumulative over the thread: a turn's share is the difference.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Adapter, Ids, claude};
use crate::{
    agent::json,
    domain::{
        Cause, Content, Cost, Event, Init, Location, MessageId, Plan, PlanEntry, PlanStatus, ToolCall, ToolKind,
        ToolResult, ToolUseId, TurnOutcome, Wait,
    },
};

pub struct Codex {
    ids: Ids,
    /// How many times a process has announced a thread.
    run: u64,
    thread: Option<String>,
    /// What the thread had used at the end of the last turn; `None` if nobody here saw it.
    used: Option<Usage>,
    /// Calls that have no result yet.
    open: BTreeMap<ToolUseId, ToolCall>,
    /// The last error shown: a failed turn repeats it.
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
}

impl Codex {
    /// `resumed`: the first thread has a past whose usage is not known here.
    pub fn new(ids: Ids, resumed: bool) -> Self {
        let used = (!resumed).then(Usage::zero);
        Self { ids, run: 0, thread: None, used, open: BTreeMap::new(), error: None }
    }

    fn thread_started(&mut self, out: &mut Vec<Event>, event: &Value) {
        self.run += 1;
        let Some(id) = event["thread_id"].as_str() else { return };
        if self.thread.as_deref() == Some(id) {
            return;
        }
        if self.thread.is_some() {
            self.used = Some(Usage::zero());
        }
        self.thread = Some(id.to_owned());
        let init = Init { session_id: id.to_owned(), ..Init::default() };
        out.push(Event::message(self.ids.next(), Content::Init(init)));
        out.push(Event::AgentSession(id.to_owned()));
    }

    fn item(&mut self, out: &mut Vec<Event>, event: &Value) {
        let item = &event["item"];
        let Some(id) = item["id"].as_str() else { return self.unknown(out, event) };
        let id = format!("{}-{id}", self.run);
        let completed = event["type"] == "item.completed";
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let message = |ids: &Ids, content| Event::message(ids.scoped(&id), content);
        match item["type"].as_str().unwrap_or_default() {
            // A text that has not begun yet is nothing to show.
            "agent_message" | "reasoning" if text("text").is_empty() => {}
            "agent_message" => out.push(message(&self.ids, Content::Text { text: text("text") })),
            "reasoning" => out.push(message(&self.ids, Content::Thinking { text: text("text") })),
            "todo_list" => out.push(message(&self.ids, Content::Plan(plan(item)))),
            "error" => {
                let status = Content::Status { subtype: "warning".into(), message: text("message") };
                out.push(message(&self.ids, status));
            }
            kind @ ("command_execution" | "file_change" | "mcp_tool_call" | "web_search") => {
                let tool_use_id = ToolUseId::new(self.ids.scoped(&id).as_str());
                self.tool(out, call(kind, tool_use_id, item), completed.then(|| result(kind, item)));
            }
            _ => self.unknown(out, event),
        }
    }

    /// One item is one call: what repeats is not shown again.
    fn tool(&mut self, out: &mut Vec<Event>, call: ToolCall, result: Option<ToolResult>) {
        let tool_use_id = call.tool_use_id.clone();
        if self.open.get(&tool_use_id) != Some(&call) {
            out.push(Event::message(tool_use_id.as_str(), Content::ToolCall(call.clone())));
            self.open.insert(tool_use_id.clone(), call);
        }
        if let Some(result) = result {
            self.open.remove(&tool_use_id);
            out.push(result_message(ToolResult { tool_use_id, ..result }));
        }
    }

    fn error(&mut self, out: &mut Vec<Event>, value: &Value) {
        let message = value["message"].as_str().filter(|text| !text.trim().is_empty());
        let message = message.unwrap_or("Codex reported an error without a text").to_owned();
        if message.starts_with("Reconnecting...") {
            out.push(Event::Waits { wait: Wait::new(Cause::Retry, message.clone()).counted(), delay_ms: None });
            let status = Content::Status { subtype: "retry".into(), message };
            return out.push(Event::message(self.ids.next(), status));
        }
        if self.error.as_deref() == Some(message.as_str()) {
            return;
        }
        self.error = Some(message.clone());
        if message.contains("401 Unauthorized") {
            out.push(Event::LoginNeeded { message });
        } else {
            out.push(Event::message(self.ids.next(), Content::Error { message }));
        }
    }

    fn turn_completed(&mut self, out: &mut Vec<Event>, event: &Value) {
        out.extend(self.end_turn());
        let total = Usage::read(&event["usage"]);
        let turn = match self.used {
            Some(before) => total.since(before),
            None => Usage::default(),
        };
        self.used = Some(total);
        let cost = Cost {
            input_tokens: turn.input,
            output_tokens: turn.output,
            cache_read_tokens: turn.cache_read,
            cache_write_tokens: turn.cache_write,
            ..Cost::default()
        };
        out.push(Event::message(self.ids.next(), Content::Cost(cost)));
        out.push(Event::TurnEnded { stop_reason: "end_turn".into(), outcome: TurnOutcome::Idle });
    }

    fn turn_failed(&mut self, out: &mut Vec<Event>, event: &Value) {
        out.extend(self.end_turn());
        self.error(out, &event["error"]);
        let message = self.error.take().unwrap_or_default();
        out.push(Event::TurnEnded { stop_reason: "error".into(), outcome: TurnOutcome::Failed(message) });
    }

    fn unknown(&mut self, out: &mut Vec<Event>, event: &Value) {
        out.push(Event::message(self.ids.next(), Content::Unknown(event.clone())));
    }
}

impl Adapter for Codex {
    fn event(&mut self, event: &Value) -> Vec<Event> {
        let mut out = Vec::new();
        match event["type"].as_str().unwrap_or_default() {
            "thread.started" => self.thread_started(&mut out, event),
            "turn.started" => {
                self.error = None;
                out.push(Event::TurnStarted);
            }
            "turn.completed" => self.turn_completed(&mut out, event),
            "turn.failed" => self.turn_failed(&mut out, event),
            "item.started" | "item.updated" | "item.completed" => self.item(&mut out, event),
            "error" => self.error(&mut out, event),
            _ => self.unknown(&mut out, event),
        }
        out
    }

    fn end_turn(&mut self) -> Vec<Event> {
        let open = std::mem::take(&mut self.open);
        open.into_keys()
            .map(|tool_use_id| {
                let output = ToolResult::CUT_SHORT.to_owned();
                result_message(ToolResult { tool_use_id, output, is_error: true, diff: Vec::new() })
            })
            .collect()
    }
}

impl Usage {
    fn zero() -> Self {
        Self { input: Some(0), output: Some(0), cache_read: Some(0), cache_write: Some(0) }
    }

    fn read(usage: &Value) -> Self {
        Self {
            input: usage["input_tokens"].as_u64(),
            output: usage["output_tokens"].as_u64(),
            cache_read: usage["cached_input_tokens"].as_u64(),
            cache_write: usage["cache_write_input_tokens"].as_u64(),
        }
    }

    fn since(self, before: Self) -> Self {
        // Less than before is a count that began anew.
        let turn = |total: Option<u64>, before: Option<u64>| {
            let total = total?;
            Some(total.checked_sub(before.unwrap_or(0)).unwrap_or(total))
        };
        Self {
            input: turn(self.input, before.input),
            output: turn(self.output, before.output),
            cache_read: turn(self.cache_read, before.cache_read),
            cache_write: turn(self.cache_write, before.cache_write),
        }
    }
}

fn result_message(result: ToolResult) -> Event {
    let id = MessageId::new(format!("{}-result", result.tool_use_id));
    Event::message(id, Content::ToolResult(result))
}

fn plan(item: &Value) -> Plan {
    let entries = item["items"].as_array().into_iter().flatten().map(|entry| PlanEntry {
        text: entry["text"].as_str().unwrap_or_default().to_owned(),
        status: if entry["completed"] == true { PlanStatus::Completed } else { PlanStatus::Pending },
    });
    Plan { entries: entries.collect() }
}

fn call(kind: &str, tool_use_id: ToolUseId, item: &Value) -> ToolCall {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let mut locations = Vec::new();
    let (name, kind, input, title) = match kind {
        "command_execution" => {
            let command = text("command");
            (kind.to_owned(), ToolKind::Execute, json!({"command": command}), one_line(bare_command(command)))
        }
        "file_change" => {
            let changes = item["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
            let paths: Vec<&str> = changes.iter().filter_map(|change| change["path"].as_str()).collect();
            locations.extend(paths.iter().map(|path| Location { path: (*path).to_owned(), line: None }));
            let deletes = !changes.is_empty() && changes.iter().all(|change| change["kind"] == "delete");
            let tool_kind = if deletes { ToolKind::Delete } else { ToolKind::Edit };
            (kind.to_owned(), tool_kind, json!({"changes": changes}), paths.join(", "))
        }
        "web_search" => {
            let query = text("query");
            (kind.to_owned(), ToolKind::Fetch, json!({"query": query}), one_line(query))
        }
        _ => {
            let name = format!("{}.{}", text("server"), text("tool"));
            let input = item["arguments"].clone();
            let title = claude::title(&name, &input, "");
            (name, ToolKind::Other, input, title)
        }
    };
    ToolCall { tool_use_id, name, kind, input, title, locations }
}

fn one_line(text: &str) -> String {
    json::one_line(text, 200)
}

/// `/bin/bash -lc 'echo hello'` is a shell's way to say `echo hello`.
pub fn bare_command(command: &str) -> &str {
    let Some((shell, script)) = command.split_once(" -lc ").or(command.split_once(" -c ")) else { return command };
    let quoted = |quote: char| script.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    // One word needs no quotes.
    let word = Some(script).filter(|script| !script.contains([' ', '\'', '"', '\n']));
    match quoted('\'').or(quoted('"')).or(word) {
        Some(inner) if shell.ends_with("sh") && !shell.contains(' ') => inner,
        _ => command,
    }
}

fn result(kind: &str, item: &Value) -> ToolResult {
    let failed = matches!(item["status"].as_str(), Some("failed" | "declined"));
    let (output, is_error) = match kind {
        "command_execution" => {
            let exit_code = item["exit_code"].as_i64();
            let output = item["aggregated_output"].as_str().unwrap_or_default().to_owned();
            let output = match (output.is_empty(), item["status"].as_str(), exit_code) {
                (true, Some("declined"), _) => "declined".to_owned(),
                (true, _, Some(code)) if code != 0 => format!("Exit code: {code}"),
                _ => output,
            };
            (output, failed || exit_code.is_some_and(|code| code != 0))
        }
        "file_change" => {
            let changes = item["changes"].as_array().into_iter().flatten();
            let line = |change: &Value| Some(format!("{} {}", change["kind"].as_str()?, change["path"].as_str()?));
            (changes.filter_map(line).collect::<Vec<_>>().join("\n"), failed)
        }
        "mcp_tool_call" => match item["error"]["message"].as_str() {
            Some(error) => (error.to_owned(), true),
            None => (mcp_text(&item["result"]), failed),
        },
        _ => (String::new(), failed),
    };
    ToolResult { tool_use_id: ToolUseId::default(), output, is_error, diff: Vec::new() }
}

fn mcp_text(result: &Value) -> String {
    let blocks = result["content"].as_array().into_iter().flatten();
    let texts: Vec<_> =
        blocks.map(|block| block["text"].as_str().map_or_else(|| block.to_string(), str::to_owned)).collect();
    texts.join("\n")
}

#[cfg(test)]
#[path = "codex_tests.rs"]
mod tests;
