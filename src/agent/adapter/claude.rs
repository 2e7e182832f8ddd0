//! What Claude Code prints, as our events: with and without pieces of texts that are still streaming.
//!
//! Shared by its native protocol and by sidecar runners that pass its objects on. Knows nothing of who carries them, of
//! permission requests and of the other direction. The shapes were seen in Claude Code 2.1.197 and 2.1.330; others are
//! kept as `Content::Unknown`.

mod diff;
mod plan;
mod stream;
mod system;
mod tool;
mod turn;

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{Adapter, Ids};
use crate::{
    agent::json::{is_true, list, some_text, text},
    domain::{Content, Event, Init, MessageId, Prompt, ToolResult, ToolUseId, TurnOutcome},
};
use stream::{Broken, Kind, Streams, Whole};
use tool::{Call, Calls};

pub use diff::of_input as diff_of_input;
pub use tool::{subject, title};

/// Names the thread of a conversation: `None` is the main one, else the call whose subagent talks.
type Thread = Option<ToolUseId>;

pub struct Claude {
    ids: Ids,
    streams: Streams,
    calls: Calls,
    plans: HashMap<Thread, PlanState>,
    init: Init,
    mode: String,
    turn: Turn,
    rate_limit: String,
}

#[derive(Default)]
struct PlanState {
    tasks: plan::Tasks,
    /// The message that shows the plan in this turn.
    message: Option<MessageId>,
}

/// What is known of the turn under way.
#[derive(Default)]
struct Turn {
    running: bool,
    /// The main thread has said something that the user sees.
    said: bool,
    /// The error that the transcript shows already.
    error: Option<String>,
    login: Option<String>,
    /// The line of the retry under way; further ones change it.
    retry: Option<MessageId>,
}

impl Default for Claude {
    fn default() -> Self {
        Self::new(Uuid::nil())
    }
}

impl Claude {
    /// The nonce keeps ids apart that this process and an earlier one of the same session make up.
    pub fn new(nonce: Uuid) -> Self {
        Self {
            ids: Ids::new(nonce),
            streams: Streams::default(),
            calls: Calls::default(),
            plans: HashMap::new(),
            init: Init::default(),
            mode: String::new(),
            turn: Turn::default(),
            rate_limit: String::new(),
        }
    }

    /// A prompt is being written: the turn it begins is told by whoever wrote it, not by us.
    pub fn prompted(&mut self) {
        self.turn = Turn { running: true, ..Turn::default() };
    }

    pub fn is_running(&self) -> bool {
        self.turn.running
    }

    /// Where the agent works, as it has said; empty before its first turn.
    pub fn cwd(&self) -> &str {
        &self.init.cwd
    }

    /// The agent works though nobody has prompted it, e.g. since a background task has ended.
    fn begin(&mut self, events: &mut Vec<Event>) {
        if !self.turn.running {
            self.prompted();
            events.push(Event::TurnStarted);
        }
    }

    /// The message's own id, or one that no other message has.
    fn id(&mut self, event: &Value, index: usize) -> MessageId {
        match some_text(event, "uuid") {
            Some(uuid) if index == 0 => MessageId::from(uuid),
            Some(uuid) => MessageId::new(format!("{uuid}-{index}")),
            None => self.ids.next(),
        }
    }

    fn message(&mut self, event: &Value, thread: &Thread, content: Content) -> Event {
        if thread.is_none() && !matches!(content, Content::Init(_) | Content::Cost(_) | Content::Unknown(_)) {
            self.turn.said = true;
        }
        Event::Message { id: self.id(event, 0), parent_id: thread.clone(), part: false, content }
    }

    fn status(&mut self, event: &Value, thread: &Thread, subtype: &str, message: String) -> Event {
        self.message(event, thread, Content::Status { subtype: subtype.to_owned(), message })
    }

    fn stream(&mut self, event: &Value, thread: &Thread) -> Vec<Event> {
        let inner = event.get("event").unwrap_or(&Value::Null);
        let index = inner.get("index").and_then(Value::as_u64).unwrap_or(0);
        if matches!(text(inner, "type"), "content_block_start" | "content_block_delta") {
            let own = || some_text(event, "api_message_id").map_or_else(|| self.ids.next().to_string(), str::to_owned);
            self.streams.lost_start(thread.as_ref(), own);
        }
        match text(inner, "type") {
            "message_start" => {
                let mut events = Vec::new();
                if thread.is_none() {
                    self.begin(&mut events);
                }
                self.turn.retry = None;
                let message = inner.get("message").unwrap_or(&Value::Null);
                let id = some_text(message, "id").or_else(|| some_text(event, "api_message_id"));
                let id = id.map_or_else(|| self.ids.next().to_string(), str::to_owned);
                let broken = self.streams.message_start(thread.as_ref(), &id);
                self.broken(broken, &mut events);
                events
            }
            "content_block_start" => {
                let block = inner.get("content_block").unwrap_or(&Value::Null);
                let mut events = self.streams.block_start(thread.as_ref(), index, block);
                if text(block, "type").ends_with("tool_use") {
                    // A long input takes its time: the call shows before it is whole.
                    events.extend(self.call(block, thread));
                }
                events
            }
            "content_block_delta" => {
                let delta = inner.get("delta").unwrap_or(&Value::Null);
                if text(delta, "type") == "input_json_delta" {
                    return self.early_input(thread, index, text(delta, "partial_json")).into_iter().collect();
                }
                let events = self.streams.delta(thread.as_ref(), index, delta);
                self.turn.said |= !events.is_empty() && thread.is_none();
                events
            }
            "content_block_stop" | "message_delta" | "message_stop" | "ping" => Vec::new(),
            _ => vec![self.message(event, thread, Content::Unknown(event.clone()))],
        }
    }

    fn broken(&mut self, broken: Broken, events: &mut Vec<Event>) {
        events.extend(broken.events);
        for id in broken.tools {
            if let Some(call) = self.calls.take(&id) {
                close_call(call, "not run: the connection broke while the call was arriving", events);
            }
        }
    }

    fn assistant(&mut self, event: &Value, thread: &Thread) -> Vec<Event> {
        let Some(message) = event.get("message").filter(|message| message.is_object()) else {
            return vec![self.message(event, thread, Content::Unknown(event.clone()))];
        };
        let mut events = Vec::new();
        let blocks = match message.get("content") {
            Some(Value::String(said)) => &[serde_json::json!({"type": "text", "text": said})],
            _ => list(message, "content"),
        };
        // Claude Code's own words, e.g. of a local command, come as the model `<synthetic>`.
        let synthetic = text(message, "model") == "<synthetic>";
        let id = text(message, "id");
        if synthetic || some_text(event, "error").is_some() {
            // No repetition of a broken stream, so what was there of it stays.
            events.extend(self.streams.close(|open| open == thread.as_ref()));
        } else {
            let broken = self.streams.withdraw(thread.as_ref(), id);
            self.broken(broken, &mut events);
        }
        if some_text(event, "error").is_some() {
            let said: Vec<&str> = blocks.iter().map(|block| text(block, "text")).collect();
            let said = said.join("\n");
            if system::is_login_failure(event) {
                self.login(&said, &mut events);
            } else {
                self.error(event, thread, &said, &mut events);
            }
            return events;
        }
        for (at, block) in blocks.iter().enumerate() {
            match text(block, "type") {
                "text" if synthetic && text(block, "text") == "(no content)" => self.turn.said = true,
                "text" => events.extend(self.words(event, thread, id, at, Kind::Text, text(block, "text"))),
                "thinking" => events.extend(self.words(event, thread, id, at, Kind::Thinking, text(block, "thinking"))),
                "redacted_thinking" => {}
                kind if kind.ends_with("tool_use") && some_text(block, "id").is_some() => {
                    self.streams.whole_tool(&ToolUseId::from(text(block, "id")));
                    events.extend(self.call(block, thread));
                }
                kind if kind.ends_with("tool_result") => events.extend(self.result(block, None, thread)),
                _ => {
                    let id = self.id(event, at);
                    let content = Content::Unknown(block.clone());
                    events.push(Event::Message { id, parent_id: thread.clone(), part: false, content });
                }
            }
        }
        events
    }

    /// A whole text or thought.
    fn words(&mut self, event: &Value, thread: &Thread, id: &str, at: usize, kind: Kind, words: &str) -> Option<Event> {
        let id = match self.streams.whole(thread.as_ref(), id, kind, words) {
            Whole::Completes(id) => id,
            Whole::New if !words.is_empty() => self.id(event, at),
            Whole::New | Whole::Copy => return None,
        };
        self.turn.said |= thread.is_none() && kind == Kind::Text;
        Some(Event::Message { id, parent_id: thread.clone(), part: false, content: kind.content(words.to_owned()) })
    }

    fn error(&mut self, event: &Value, thread: &Thread, message: &str, events: &mut Vec<Event>) {
        if thread.is_none() {
            self.turn.error = Some(message.to_owned());
        }
        events.push(self.message(event, thread, Content::Error { message: message.to_owned() }));
    }

    fn call(&mut self, block: &Value, thread: &Thread) -> Vec<Event> {
        let Some(id) = some_text(block, "id").map(ToolUseId::from) else { return Vec::new() };
        let call = Call {
            id,
            parent: thread.clone(),
            name: some_text(block, "name").unwrap_or("tool").to_owned(),
            input: block.get("input").cloned().unwrap_or(Value::Null),
        };
        let event = (!plan::shows_as_plan(&call.name)).then(|| self.call_event(&call));
        let mut events = Vec::new();
        if let Some(before) = self.calls.put(call)
            && event.is_none()
        {
            // What is not shown has taken the id of a call that is, which hears of no result any more.
            close_call(before, ToolResult::CUT_SHORT, &mut events);
        }
        events.extend(event);
        events
    }

    /// A call whose input is still arriving, with the one field that tells what it is about.
    fn early_input(&mut self, thread: &Thread, index: u64, piece: &str) -> Option<Event> {
        let (id, key, value) = self.streams.input(thread.as_ref(), index, piece)?;
        let mut call = self.calls.find(&id).filter(|call| !plan::shows_as_plan(&call.name))?.clone();
        call.input = serde_json::json!({ key: value });
        Some(self.call_event(&call))
    }

    fn call_event(&self, call: &Call) -> Event {
        Event::Message {
            id: MessageId::from(call.id.as_str()),
            parent_id: call.parent.clone(),
            part: false,
            content: Content::ToolCall(call.tool_call(&self.init.cwd)),
        }
    }

    fn user(&mut self, event: &Value, thread: &Thread) -> Vec<Event> {
        let Some(message) = event.get("message").filter(|message| message.is_object()) else {
            return vec![self.message(event, thread, Content::Unknown(event.clone()))];
        };
        if let Some(said) = message.get("content").and_then(Value::as_str) {
            return self.user_text(event, thread, said).into_iter().collect();
        }
        let blocks = list(message, "content");
        // The structured twin belongs to the one result of its message.
        let results = blocks.iter().filter(|block| text(block, "type") == "tool_result").count();
        let twin = event.get("tool_use_result").filter(|_| results == 1);
        let mut events = Vec::new();
        for block in blocks {
            match text(block, "type") {
                kind if kind.ends_with("tool_result") => events.extend(self.result(block, twin, thread)),
                "text" => events.extend(self.user_text(event, thread, text(block, "text"))),
                // Pictures and documents that the user sent, echoed.
                "image" | "document" => {}
                _ => events.push(self.message(event, thread, Content::Unknown(block.clone()))),
            }
        }
        events
    }

    /// Words in the user's name: the marks of an interrupt, what local commands print, a subagent's prompt.
    fn user_text(&mut self, event: &Value, thread: &Thread, said: &str) -> Option<Event> {
        if said.starts_with("[Request interrupted by user") {
            let quiet = self.turn.login.is_some();
            return (!quiet).then(|| self.status(event, thread, "interrupted", "Interrupted".to_owned()));
        }
        for tag in ["local-command-stdout", "local-command-stderr", "bash-stdout", "bash-stderr"] {
            let inner = said.trim().strip_prefix(&format!("<{tag}>"));
            if let Some(inner) = inner.map(|rest| rest.split(&format!("</{tag}>")).next().unwrap_or_default().trim()) {
                let message = inner.to_owned();
                self.turn.said |= thread.is_none();
                return (!inner.is_empty()).then(|| self.status(event, thread, "local_command", message));
            }
        }
        if is_true(event, "isReplay") || said.is_empty() {
            return None;
        }
        if let Some(parent) = thread {
            let call = self.calls.find(parent);
            let known = call.is_some_and(|call| text(&call.input, "prompt") == said);
            let content = Content::Prompt(Prompt::new(said));
            return (!known).then(|| self.message(event, thread, content));
        }
        let subtype = if is_true(event, "isSynthetic") { "synthetic" } else { "user" };
        Some(self.status(event, thread, subtype, said.to_owned()))
    }

    fn result(&mut self, block: &Value, twin: Option<&Value>, thread: &Thread) -> Vec<Event> {
        let Some(id) = some_text(block, "tool_use_id").map(ToolUseId::from) else {
            return vec![Event::message(self.ids.next(), Content::Unknown(block.clone()))];
        };
        let call = self.calls.take(&id);
        let result = tool::result(id, call.as_ref(), block, twin);
        let mut events = Vec::new();
        if let Some(call) = call.as_ref().filter(|call| plan::shows_as_plan(&call.name)) {
            if !result.is_error {
                return self.plan(call, twin.unwrap_or(&Value::Null)).into_iter().collect();
            }
            events.push(self.call_event(call));
        }
        events.push(result_event(result, thread.clone()));
        events
    }

    fn plan(&mut self, call: &Call, result: &Value) -> Option<Event> {
        let state = self.plans.entry(call.parent.clone()).or_default();
        let plan = state.tasks.apply(&call.name, &call.input, result)?;
        // Named after the first call of the turn that showed it; the later ones change it in place.
        let id = state.message.get_or_insert_with(|| MessageId::new(format!("{}:plan", call.id))).clone();
        Some(Event::Message { id, parent_id: call.parent.clone(), part: false, content: Content::Plan(plan) })
    }

    fn turn_result(&mut self, event: &Value) -> Vec<Event> {
        let mut events = self.streams.close(|thread| thread.is_none());
        for call in self.calls.take_turn() {
            close_call(call, ToolResult::CUT_SHORT, &mut events);
        }
        for plan in self.plans.values_mut() {
            plan.message = None;
        }
        let turn::End { cost, stop_reason, error, interrupted } = turn::end(event);
        let outcome = match (self.turn.login.take(), error) {
            (Some(login), _) => TurnOutcome::Failed(login),
            (None, Some(error)) => {
                if error.starts_with("Not logged in") || system::is_login_failure(event) {
                    self.login(&error, &mut events);
                } else if self.turn.error.as_ref() != Some(&error) {
                    let id = self.ids.next();
                    events.push(Event::message(id, Content::Error { message: error.clone() }));
                }
                TurnOutcome::Failed(error)
            }
            (None, None) => {
                // Some answers come only here.
                if let Some(said) = cost.result.clone().filter(|_| !self.turn.said && !interrupted) {
                    events.push(Event::message(self.ids.next(), Content::Text { text: said }));
                }
                TurnOutcome::Idle
            }
        };
        events.push(self.message(event, &None, Content::Cost(cost)));
        self.turn = Turn::default();
        events.push(Event::TurnEnded { stop_reason, outcome });
        events
    }
}

fn result_event(result: ToolResult, parent_id: Thread) -> Event {
    let id = MessageId::new(format!("{}:result", result.tool_use_id));
    Event::Message { id, parent_id, part: false, content: Content::ToolResult(result) }
}

/// A call that will have no result. One that shows as a plan was never shown.
fn close_call(call: Call, why: &str, events: &mut Vec<Event>) {
    if !plan::shows_as_plan(&call.name) {
        let result = ToolResult { tool_use_id: call.id, output: why.to_owned(), is_error: true, diff: Vec::new() };
        events.push(result_event(result, call.parent));
    }
}

impl Adapter for Claude {
    fn event(&mut self, event: &Value) -> Vec<Event> {
        let thread: Thread = some_text(event, "parent_tool_use_id").map(ToolUseId::from);
        match text(event, "type") {
            "system" => self.system(event, &thread),
            "stream_event" => self.stream(event, &thread),
            "assistant" => self.assistant(event, &thread),
            "user" => self.user(event, &thread),
            "result" => self.turn_result(event),
            "rate_limit_event" => self.rate_limit(event),
            "auth_status" => match some_text(event, "error") {
                Some(error) => vec![self.status(event, &None, "auth_status", error.to_owned())],
                None => Vec::new(),
            },
            "error" => {
                let inner = event.get("error").unwrap_or(event);
                let said =
                    inner.as_str().or_else(|| some_text(inner, "message")).or_else(|| some_text(event, "message"));
                let said = said.unwrap_or("Claude Code reported an error without a text").to_owned();
                let mut events = Vec::new();
                self.error(event, &thread, &said, &mut events);
                events
            }
            "tool_progress" | "tool_use_summary" | "keep_alive" | "prompt_suggestion" => Vec::new(),
            kind if system::is_silent(kind) => Vec::new(),
            _ => vec![self.message(event, &thread, Content::Unknown(event.clone()))],
        }
    }

    fn end_turn(&mut self) -> Vec<Event> {
        let mut events = self.streams.close(|_| true);
        for call in self.calls.take_all() {
            close_call(call, ToolResult::CUT_SHORT, &mut events);
        }
        for plan in self.plans.values_mut() {
            plan.message = None;
        }
        self.turn = Turn::default();
        events
    }
}
