//! The rules of the protocol, one by one: lines and commands in, events and lines out.

mod asks;
mod events;
mod offers;
mod queries;
mod turns;

use std::path::PathBuf;

use expect_test::Expect;
use serde_json::{Value, json};

use super::*;
use crate::{
    agent::adapter::replay::outline,
    domain::{Capabilities, Image, ProviderConfig, SessionId},
};

fn options(provider: &str) -> StartOptions {
    let id = SessionId::parse("s1").expect("a session id");
    StartOptions::new(id, provider, ProviderConfig::default(), PathBuf::from("/project"))
}

fn sidecar(provider: &str) -> Sidecar {
    Sidecar::new(options(provider), Uuid::nil())
}

/// What the tests do to a sidecar.
enum Do {
    Says(Value),
    SaysRaw(&'static str),
    Ask(&'static str),
    Interrupt,
    Tell(Command),
    Reply(&'static str, Answer),
    End,
}
use Do::*;

fn play(sidecar: &mut Sidecar, steps: Vec<Do>) -> String {
    let mut text = String::new();
    for step in steps {
        let out = match step {
            Says(value) => sidecar.receive(Frame::Line(value.to_string())),
            SaysRaw(line) => sidecar.receive(Frame::Line(line.to_owned())),
            Ask(text) => sidecar.command(Command::Prompt(Prompt { text: text.to_owned(), ..Default::default() })),
            Tell(command) => sidecar.command(command),
            Interrupt => sidecar.command(Command::Interrupt),
            Reply(id, answer) => sidecar.command(Command::Answer { request_id: id.into(), answer }),
            End => sidecar.end(),
        };
        text.push_str(&show(&out));
    }
    text
}

fn show(out: &Output) -> String {
    let mut text: String = out.events.iter().map(brief).collect();
    for line in &out.writes {
        let line = std::str::from_utf8(line).expect("what is written is UTF-8");
        assert_eq!(line.find('\n'), Some(line.len() - 1), "a write is one line");
        text.push_str(&format!("→ {line}"));
    }
    text
}

/// Requests by what tells them apart; `a_permission_request_is_read_whole` has all of one.
fn brief(event: &Event) -> String {
    match event {
        Event::Permission(request) => {
            let options: Vec<_> = request.options.iter().map(|option| option.option_id.as_str()).collect();
            let input = &request.input;
            format!("Permission {} {} '{}' {input} {options:?}\n", request.request_id, request.tool, request.title)
        }
        Event::Capabilities(has) => {
            let Capabilities { permission, interrupt, multi_turn, resume, .. } = **has;
            format!("Capabilities {permission} {interrupt} {multi_turn} {resume}\n")
        }
        other => outline(std::slice::from_ref(other)),
    }
}

#[track_caller]
fn check(mut sidecar: Sidecar, steps: Vec<Do>, expect: Expect) {
    expect.assert_eq(&play(&mut sidecar, steps));
}

fn ready(capabilities: &[&str]) -> Do {
    Says(json!({"type": "ready", "capabilities": capabilities}))
}

fn says(kind: &str) -> Do {
    Says(json!({"type": kind, "sessionId": "whatever"}))
}

fn wrapped(event: Value) -> Do {
    Says(json!({"type": "agent_event", "sessionId": "s1", "event": event}))
}

fn thread() -> Value {
    json!({"type": "thread.started", "thread_id": "t1"})
}

fn permission(id: &str) -> Do {
    Says(json!({"type": "permission_request", "sessionId": "s1", "requestId": id, "toolUseId": "u1",
        "toolName": "Edit", "input": {"file_path": "a.rs", "old_string": "x", "new_string": "y"},
        "options": [
            {"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"},
            {"optionId": "odd", "kind": "ask_my_mother"}]}))
}

fn option(id: &str) -> Answer {
    Answer::Option { option_id: id.into(), message: None, input: None }
}
