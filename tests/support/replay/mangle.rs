//! Recordings whose lines are cut or changed: bad input is input.

use std::collections::HashSet;

use agor_nvim::domain::{Content, Event};
use serde_json::{Value, json};

use super::{Dialect, Replay, replay};

/// Pieces of each line come before it; they are noise, and everything else stays as it was.
pub fn a_cut_line_changes_nothing_else<D: Dialect>(recordings: &[(String, Vec<Value>)]) {
    for (number, (name, recording)) in recordings.iter().enumerate() {
        let mut whole = replay::<D>(recording).events.into_iter();
        let mut cut = Replay::<D>::open(recording);
        let mut seen = 0;
        for (at, entry) in recording.iter().enumerate() {
            if entry["dir"] == "out" {
                let line = entry["msg"].to_string();
                let cuts = (0..3).map(|step| (number * 31 + at * 17 + step * 7919) % line.len());
                for mut at in cuts.filter(|at| *at > 0) {
                    while !line.is_char_boundary(at) {
                        at -= 1;
                    }
                    cut.host.line(&line[..at]);
                    assert!(matches!(cut.host.events.pop(), Some(Event::Noise { .. })), "{:?}", &line[..at]);
                }
            }
            cut.entry(entry);
            for event in &cut.host.events[seen..] {
                assert_eq!(Some(event), whole.next().as_ref(), "{name}");
            }
            seen = cut.host.events.len();
        }
    }
}

/// Every member of every line is replaced by something else or left out, once, before the line itself comes. Nothing
/// panics, and whatever was begun is ended.
pub fn fields_may_be_missing_or_of_another_type<D: Dialect>(recordings: &[(String, Vec<Value>)]) {
    for (number, (name, recording)) in recordings.iter().enumerate() {
        let mut mangled = Replay::<D>::open(recording);
        mangled.host.lenient = true;
        let mut turn = number;
        for entry in recording {
            if entry["dir"] == "out"
                && let Some(message) = mangled.dialect.translate(&entry["msg"])
                && !D::is_answer(&message)
            {
                for pointer in pointers(&message, 4, D::ALIKE) {
                    turn += 1;
                    mangled.host.line(&changed(&message, &pointer, turn).to_string());
                }
            }
            mangled.entry(entry);
        }
        all_calls_end(name, mangled);
    }
}

/// Every member of every answer to a request of ours, each in a replay of its own, which goes on as it was recorded.
pub fn answers_may_be_of_any_shape<D: Dialect>(recordings: &[(String, Vec<Value>)]) {
    let mut turn = 0;
    for (name, recording) in recordings {
        let answers =
            recording.iter().enumerate().filter(|(_, entry)| entry["dir"] == "out" && D::is_answer(&entry["msg"]));
        for (at, answer) in answers {
            for pointer in pointers(&answer["msg"], 3, D::ALIKE) {
                turn += 1;
                let mut mangled = Replay::<D>::open(recording);
                mangled.host.lenient = true;
                recording[..at].iter().for_each(|entry| mangled.entry(entry));
                if let Some(message) = mangled.dialect.translate(&answer["msg"]) {
                    mangled.host.line(&changed(&message, &pointer, turn).to_string());
                }
                recording[at + 1..].iter().take(FOLLOWING).for_each(|entry| mangled.entry(entry));
                all_calls_end(name, mangled);
            }
        }
    }
}

/// How many entries are replayed after a changed answer.
const FOLLOWING: usize = 30;

fn changed(message: &Value, pointer: &str, turn: usize) -> Value {
    let junk = [json!(null), json!(7), json!("junk"), json!([]), json!({}), json!([{"type": 3}]), json!(-1.5)];
    let mut changed = message.clone();
    match junk.get(turn % (junk.len() + 1)) {
        Some(junk) => *changed.pointer_mut(pointer).expect("a member that is there") = junk.clone(),
        None => leave_out(&mut changed, pointer),
    }
    changed
}

fn all_calls_end<D: Dialect>(name: &str, mut mangled: Replay<D>) {
    mangled.host.end();
    let mut calls = HashSet::new();
    for event in &mangled.host.events {
        if let Event::Message { content: Content::ToolCall(call), .. } = event {
            calls.insert(&call.tool_use_id);
        } else if let Event::Message { part: false, content: Content::ToolResult(result), .. } = event {
            calls.remove(&result.tool_use_id);
        }
    }
    assert!(calls.is_empty(), "{name}: calls without an end: {calls:?}");
}

fn leave_out(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(entries)) => {
            entries.remove(key.parse().expect("a place"));
        }
        _ => panic!("{pointer} has no parent"),
    }
}

fn pointers(value: &Value, depth: usize, alike: &[&str]) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), child)).collect()
        }
        Value::Array(list) => list.iter().take(2).enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    for (key, child) in children.into_iter().filter(|_| depth > 0) {
        out.push(format!("/{key}"));
        let deep = if alike.contains(&key.as_str()) { 1 } else { depth };
        out.extend(pointers(child, deep - 1, alike).into_iter().map(|rest| format!("/{key}{rest}")));
    }
    out
}
