//! The events of an Ollama runner to ours: `system`/`init`, then the chunks of `/api/chat` as the server streams them.
//!
//! `content` and `thinking` are increments; every chunk may carry both, and tool calls, the last one too. Counts that are
//! zero are absent. A turn in which the model calls tools has several answers; its figures are their sum.
//!
//! Our own runner adds what the server does not know: on `init` the names of its `tools`; on a chunk with a tool's result
//! `is_error` and `diff`; on the last chunk of an answer `context`, `{used, size}` in tokens; and
//! `{"type": "status", "subtype", "message"}`.

use std::path::Path;

use serde_json::Value;

use super::{Adapter, Ids, claude, said::Said};
use crate::{
    agent::json,
    domain::{Content, Cost, Event, Init, Location, MessageId, ToolCall, ToolKind, ToolResult, ToolUseId, TurnOutcome},
};

pub struct Ollama {
    ids: Ids,
    text: Option<Open>,
    thinking: Option<Open>,
    /// Calls that have no result yet, in order.
    calls: Vec<ToolUseId>,
    /// Of the answers so far of a turn that is not over.
    cost: Option<Cost>,
    /// The directory of the session, as `init` has it.
    cwd: String,
}

/// A text that is still streaming.
struct Open {
    id: MessageId,
    text: Said,
}

impl Ollama {
    pub fn new(ids: Ids) -> Self {
        Self { ids, text: None, thinking: None, calls: Vec::new(), cost: None, cwd: String::new() }
    }

    fn init(&mut self, out: &mut Vec<Event>, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let init = Init {
            session_id: text("session_id"),
            model: text("model"),
            cwd: text("cwd"),
            tools: json::texts(event, "tools"),
        };
        self.cwd.clone_from(&init.cwd);
        if !init.session_id.is_empty() {
            out.push(Event::AgentSession(init.session_id.clone()));
        }
        if !init.model.is_empty() {
            out.push(Event::Model(init.model.clone()));
        }
        out.push(Event::message(self.ids.next(), Content::Init(init)));
    }

    fn chunk(&mut self, out: &mut Vec<Event>, event: &Value) {
        if let Some(error) = event["error"].as_str() {
            return self.error(out, error);
        }
        let message = &event["message"];
        match message["role"].as_str() {
            Some("tool") => self.tool_result(out, event, message),
            _ if message.is_object() => self.assistant(out, message),
            _ if event["done"] == true => {}
            _ => out.push(Event::message(self.ids.next(), Content::Unknown(event.clone()))),
        }
        if event["done"] == true {
            self.done(out, event);
        }
    }

    fn assistant(&mut self, out: &mut Vec<Event>, message: &Value) {
        if let Some(more) = message["thinking"].as_str().filter(|more| !more.is_empty()) {
            out.extend(close(&mut self.text, as_text));
            out.push(extend(&mut self.thinking, &mut self.ids, more, as_thinking));
        }
        if let Some(more) = message["content"].as_str().filter(|more| !more.is_empty()) {
            out.extend(close(&mut self.thinking, as_thinking));
            out.push(extend(&mut self.text, &mut self.ids, more, as_text));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            self.close_texts(out);
            let function = &call["function"];
            let name = function["name"].as_str().unwrap_or("tool");
            // Servers before the end of 2025 give no id.
            let id = call["id"].as_str().filter(|id| !id.is_empty());
            let tool_use_id = id.map_or_else(|| ToolUseId::new(self.ids.next().as_str()), ToolUseId::from);
            self.calls.push(tool_use_id.clone());
            let input = function["arguments"].clone();
            let call = ToolCall {
                tool_use_id,
                name: name.to_owned(),
                kind: kind(name),
                title: title(name, &input),
                locations: self.location(&input).into_iter().collect(),
                input,
            };
            out.push(Event::message(self.ids.next(), Content::ToolCall(call)));
        }
    }

    fn tool_result(&mut self, out: &mut Vec<Event>, event: &Value, message: &Value) {
        self.close_texts(out);
        let id = message["tool_call_id"].as_str().map(ToolUseId::from);
        // Without an id, results come in the order of the calls.
        let Some(tool_use_id) = id.or_else(|| self.calls.first().cloned()) else {
            return out.push(Event::message(self.ids.next(), Content::Unknown(message.clone())));
        };
        self.calls.retain(|open| *open != tool_use_id);
        let output = message["content"].as_str().unwrap_or_default().to_owned();
        let diff = serde_json::from_value(event["diff"].clone()).unwrap_or_default();
        let result = ToolResult { tool_use_id, output, is_error: event["is_error"] == true, diff };
        out.push(Event::message(self.ids.next(), Content::ToolResult(result)));
    }

    fn done(&mut self, out: &mut Vec<Event>, event: &Value) {
        self.close_texts(out);
        let reason = event["done_reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("stop");
        if reason == "length" {
            let message = "the answer was cut: the model's context or its limit of tokens is full".to_owned();
            out.push(Event::message(self.ids.next(), Content::Status { subtype: "length".into(), message }));
        }
        let duration = event["total_duration"].as_u64().or(event["eval_duration"].as_u64());
        let cost = self.cost.get_or_insert_default();
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        add(&mut cost.duration_ms, duration.map(|nanoseconds| nanoseconds / 1_000_000));
        add(&mut cost.input_tokens, event["prompt_eval_count"].as_u64());
        add(&mut cost.output_tokens, event["eval_count"].as_u64());
        if let Some(used) = event["context"]["used"].as_u64() {
            out.push(Event::Context { used, size: event["context"]["size"].as_u64() });
        }
        // With calls open the model has its say again once their results are there.
        if self.calls.is_empty() {
            self.push_cost(out);
            out.push(Event::TurnEnded { stop_reason: reason.to_owned(), outcome: TurnOutcome::Idle });
        }
    }

    fn push_cost(&mut self, out: &mut Vec<Event>) {
        if let Some(cost) = self.cost.take() {
            out.push(Event::message(self.ids.next(), Content::Cost(cost)));
        }
    }

    /// Where a tool is at work, for jumps: relative paths are below the session's directory.
    fn location(&self, input: &Value) -> Option<Location> {
        let path = input["path"].as_str().filter(|path| !path.is_empty() && *path != ".")?;
        let path = Path::new(&self.cwd).join(path).to_string_lossy().into_owned();
        Some(Location { path, line: input["first_line"].as_u64().filter(|line| *line > 0) })
    }

    fn error(&mut self, out: &mut Vec<Event>, message: &str) {
        self.close_texts(out);
        let message = if message.trim().is_empty() { "Ollama reported an error without a text" } else { message };
        out.push(Event::message(self.ids.next(), Content::Error { message: message.to_owned() }));
    }

    fn status(&mut self, out: &mut Vec<Event>, event: &Value) {
        self.close_texts(out);
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let content = Content::Status { subtype: text("subtype"), message: text("message") };
        out.push(Event::message(self.ids.next(), content));
    }

    fn close_texts(&mut self, out: &mut Vec<Event>) {
        out.extend(close(&mut self.thinking, as_thinking));
        out.extend(close(&mut self.text, as_text));
    }
}

impl Adapter for Ollama {
    fn event(&mut self, event: &Value) -> Vec<Event> {
        let mut out = Vec::new();
        match (event["type"].as_str(), event["subtype"].as_str()) {
            (Some("system"), Some("init")) => self.init(&mut out, event),
            (Some("status"), _) if event["message"].is_string() => self.status(&mut out, event),
            (Some("chunk"), _) => self.chunk(&mut out, event),
            (Some("error"), _) => {
                let text = event["message"].as_str().or(event["error"].as_str()).unwrap_or_default();
                self.error(&mut out, text);
            }
            _ => out.push(Event::message(self.ids.next(), Content::Unknown(event.clone()))),
        }
        out
    }

    fn end_turn(&mut self) -> Vec<Event> {
        let mut out = Vec::new();
        self.close_texts(&mut out);
        for tool_use_id in std::mem::take(&mut self.calls) {
            let output = ToolResult::CUT_SHORT.to_owned();
            let result = ToolResult { tool_use_id, output, is_error: true, diff: Vec::new() };
            out.push(Event::message(self.ids.next(), Content::ToolResult(result)));
        }
        self.push_cost(&mut out);
        out
    }
}

/// By the names that tools of file systems have; ours are among them.
fn kind(tool: &str) -> ToolKind {
    match tool {
        "read_file" => ToolKind::Read,
        "list_files" | "search" => ToolKind::Search,
        "edit_file" | "write_file" => ToolKind::Edit,
        _ => ToolKind::Other,
    }
}

fn title(tool: &str, input: &Value) -> String {
    match (tool, input["pattern"].as_str(), input["path"].as_str()) {
        ("search", Some(pattern), Some(path)) if !path.is_empty() && path != "." => {
            json::one_line(&format!("{pattern} in {path}"), 200)
        }
        ("search", Some(pattern), _) => json::one_line(pattern, 200),
        _ => claude::title(tool, input, ""),
    }
}

fn as_text(text: String) -> Content {
    Content::Text { text }
}

fn as_thinking(text: String) -> Content {
    Content::Thinking { text }
}

fn extend(open: &mut Option<Open>, ids: &mut Ids, more: &str, content: fn(String) -> Content) -> Event {
    let open = open.get_or_insert_with(|| Open { id: ids.next(), text: Said::default() });
    open.text.push(more);
    Event::Message { id: open.id.clone(), parent_id: None, part: true, content: content(more.to_owned()) }
}

/// The whole of what came in parts.
fn close(open: &mut Option<Open>, content: fn(String) -> Content) -> Option<Event> {
    let Open { id, text } = open.take()?;
    Some(text.whole().map_or_else(|| Event::Ended(id.clone()), |text| Event::message(id.clone(), content(text))))
}

#[cfg(test)]
#[path = "ollama_tests.rs"]
mod tests;
