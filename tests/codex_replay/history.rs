//! The past of a conversation, as a recording has it, told to who takes the conversation up and does not know it.

use agor_nvim::{
    agent::protocol::codex::Codex,
    domain::{Content, Event, ProviderConfig, SessionId, StartOptions},
};
use serde_json::Value;
use uuid::Uuid;

use crate::replay::{Host, recording};

/// What the agent answered to the recording's request for this.
fn answer(recording: &[Value], method: &str) -> Value {
    let lines =
        |dir: &'static str| recording.iter().filter(move |entry| entry["dir"] == dir).map(|entry| &entry["msg"]);
    let asked = lines("in").find(|message| message["method"] == method).expect(method);
    let mut said = lines("out");
    said.find(|message| message["method"].is_null() && message["id"] == asked["id"]).expect("an answer").clone()
}

#[test]
fn what_was_said_in_a_terminal_is_seen() {
    let recording = recording("codex-app-server", "resume");
    let id = SessionId::parse("history").expect("a valid id");
    let mut options = StartOptions::new(id, "codex", ProviderConfig::default(), "/project".into());
    options.resume_session_id = Some("01a20235-54f7-7f93-8437-a5f6e53f20c9".to_owned());
    let mut host = Host::start(Box::new(Codex::new(&options, Uuid::nil())));
    for method in ["initialize", "thread/resume", "thread/turns/list"] {
        let mut answer = answer(&recording, method);
        let ours = host.writes.iter().rfind(|write| write["method"] == method).expect(method);
        answer["id"] = ours["id"].clone();
        host.line(&answer.to_string());
    }
    let told = host.events.iter().filter_map(|event| match event {
        Event::Message { content, .. } => Some(match content {
            Content::Prompt(prompt) => format!("> {}", prompt.text),
            Content::Text { text } => text.clone(),
            Content::Thinking { text } => format!("thought: {}", text.lines().next().unwrap_or_default()),
            Content::ToolCall(call) => format!("{}: {}", call.name, call.title),
            Content::ToolResult(result) => format!("{} files, error: {}", result.diff.len(), result.is_error),
            other => format!("{other:?}").chars().take(4).collect(),
        }),
        _ => None,
    });
    let expect = [
        "Init",
        "> first scenario:reasoning",
        "thought: **Thinking about it**",
        "The answer is 42.",
        "> second scenario:patch",
        "apply_patch: hello.txt",
        "1 files, error: false",
        "Patched hello.txt.",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expect);
}
