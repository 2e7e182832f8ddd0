//! Talks with a Codex that never was recorded: what happens in between, out of order, or not at all.

mod notes;
mod opening;
mod turns;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::{Answer, Prompt, ProviderConfig, RequestId, ResumeMode, SessionId, ToolResult, TurnOutcome};

struct Talk {
    codex: Codex,
    events: Vec<Event>,
    writes: Vec<Value>,
}

fn options() -> StartOptions {
    let id = SessionId::parse("s").expect("a valid id");
    StartOptions::new(id, "codex", ProviderConfig::default(), "/p".into())
}

impl Talk {
    fn with(options: &StartOptions) -> Self {
        let mut codex = Codex::new(options, Uuid::nil());
        let out = codex.start();
        let mut talk = Self { codex, events: Vec::new(), writes: Vec::new() };
        talk.take(out);
        talk
    }

    /// With a thread `t`.
    fn open() -> Self {
        let mut talk = Self::with(&options());
        talk.answer("initialize", json!({"codexHome": "/h"}));
        talk.answer("thread/start", opened());
        talk.clear();
        talk
    }

    /// With the turn `u` under way.
    fn running() -> Self {
        let mut talk = Self::open();
        talk.prompt("go");
        talk.answer("turn/start", json!({"turn": {"id": "u"}}));
        talk.tell("turn/started", json!({"threadId": "t", "turn": {"id": "u"}}));
        talk.clear();
        talk
    }

    fn take(&mut self, out: Output) {
        self.events.extend(out.events);
        let parse = |line: &Vec<u8>| serde_json::from_slice(line).expect("JSON");
        self.writes.extend(out.writes.iter().map(parse));
    }

    fn clear(&mut self) {
        self.events.clear();
    }

    fn line(&mut self, line: Value) {
        let out = self.codex.receive(Frame::Line(line.to_string()));
        self.take(out);
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.line(json!({"method": method, "params": params}));
    }

    fn item(&mut self, end: &str, thread: &str, item: Value) {
        self.tell(&format!("item/{end}"), json!({"threadId": thread, "item": item}));
    }

    fn completed(&mut self, status: &str) {
        self.tell("turn/completed", json!({"threadId": "t", "turn": {"id": "u", "status": status}}));
    }

    /// The last request of ours with this method.
    #[track_caller]
    fn asked(&self, method: &str) -> &Value {
        self.writes.iter().rfind(|write| write["method"] == method).unwrap_or_else(|| panic!("no {method}"))
    }

    fn count(&self, method: &str) -> usize {
        self.writes.iter().filter(|write| write["method"] == method).count()
    }

    #[track_caller]
    fn answer(&mut self, method: &str, result: Value) {
        let id = self.asked(method)["id"].clone();
        self.line(json!({"id": id, "result": result}));
    }

    #[track_caller]
    fn refuse(&mut self, method: &str, message: &str) {
        let id = self.asked(method)["id"].clone();
        self.line(json!({"error": {"code": -32600, "message": message}, "id": id}));
    }

    fn command(&mut self, command: Command) {
        let out = self.codex.command(command);
        self.take(out);
    }

    fn prompt(&mut self, text: &str) {
        self.command(Command::Prompt(Prompt::new(text)));
    }

    fn failures(&self) -> Vec<&str> {
        let failed = self.events.iter().filter_map(|event| match event {
            Event::Failed { message } => Some(message.as_str()),
            _ => None,
        });
        failed.collect()
    }

    fn returned(&self) -> Vec<&str> {
        let returned = self.events.iter().filter_map(|event| match event {
            Event::Returned(prompt) => Some(prompt.text.as_str()),
            _ => None,
        });
        returned.collect()
    }

    fn ends(&self) -> Vec<(&str, &TurnOutcome)> {
        let ends = self.events.iter().filter_map(|event| match event {
            Event::TurnEnded { stop_reason, outcome } => Some((stop_reason.as_str(), outcome)),
            _ => None,
        });
        ends.collect()
    }

    fn results(&self) -> Vec<(&str, bool)> {
        let results = self.events.iter().filter_map(|event| match event {
            Event::Message { part: false, content: Content::ToolResult(result), .. } => {
                Some((result.output.as_str(), result.is_error))
            }
            _ => None,
        });
        results.collect()
    }

    fn texts(&self) -> Vec<(bool, &str, bool)> {
        let texts = self.events.iter().filter_map(|event| match event {
            Event::Message { part, content: Content::Text { text }, parent_id, .. } => {
                Some((*part, text.as_str(), parent_id.is_some()))
            }
            _ => None,
        });
        texts.collect()
    }

    #[track_caller]
    fn permission(&self) -> &crate::domain::PermissionRequest {
        let asked = self.events.iter().rev().find_map(|event| match event {
            Event::Permission(request) => Some(&**request),
            _ => None,
        });
        asked.expect("a permission request")
    }

    fn choose(&mut self, option: &str, message: Option<&str>) {
        let request_id = self.permission().request_id.clone();
        let message = message.map(str::to_owned);
        let answer = Answer::Option { option_id: option.into(), message, input: None };
        self.command(Command::Answer { request_id, answer });
    }
}

fn opened() -> Value {
    json!({"thread": {"id": "t"}, "model": "gpt-5.5", "modelProvider": "mock", "approvalPolicy": "on-request",
        "sandbox": {"type": "workspaceWrite"}})
}

fn command_item(id: &str, process: Option<&str>) -> Value {
    json!({"type": "commandExecution", "id": id, "command": "sleep 300", "processId": process, "status": "inProgress"})
}
