//! Recorded exchanges with the real `codex app-server`, replayed through the protocol value without any process.
//!
//! The goldens are rewritten by `UPDATE_EXPECT=1 cargo nextest run --test codex_replay`.

mod dialect;
mod history;
#[path = "../support/replay/mod.rs"]
mod replay;

use dialect::Dialect;
use replay::{check_invariants, recordings, replay, shown_texts};
use serde_json::Value;

fn all() -> Vec<(String, Vec<Value>)> {
    recordings("codex-app-server", 50)
}

#[test]
fn every_recording_keeps_the_invariants() {
    for (name, recording) in all() {
        let host = replay::<Dialect>(&recording);
        check_invariants::<Dialect>(&name, &host);
        assert_eq!(shown_texts(&host), said_texts(&recording), "the texts of {name}");
    }
}

/// The main thread's texts from the raw lines: whole ones, and what was begun and neither ended nor told anew.
fn said_texts(recording: &[Value]) -> Vec<String> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut open: Vec<(String, String)> = Vec::new();
    let mut main = None;
    for message in recording.iter().filter(|entry| entry["dir"] == "out").map(|entry| &entry["msg"]) {
        let params = &message["params"];
        let item = &params["item"];
        // The first that says something; a copy of it may say something, too.
        let says = !item.is_null() || !params["itemId"].is_null();
        if says && main.get_or_insert_with(|| params["threadId"].clone()) != &params["threadId"] {
            continue;
        }
        let id = item["id"].as_str().or(params["itemId"].as_str()).unwrap_or_default().to_owned();
        match message["method"].as_str() {
            Some("item/agentMessage/delta") => {
                let delta = params["delta"].as_str().unwrap_or_default();
                match open.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, said)) => said.push_str(delta),
                    None => open.push((id, delta.to_owned())),
                }
            }
            Some("item/completed") if item["type"] == "agentMessage" => {
                open.retain(|(known, _)| *known != id);
                texts.push((id, item["text"].as_str().unwrap_or_default().to_owned()));
            }
            Some("error") if params["willRetry"] == true => open.clear(),
            Some("turn/completed") => texts.append(&mut open),
            _ => {}
        }
    }
    texts.append(&mut open);
    texts.into_iter().map(|(_, text)| text).filter(|text| !text.is_empty()).collect()
}

#[test]
fn a_line_that_is_cut_anywhere_changes_nothing_else() {
    replay::a_cut_line_changes_nothing_else::<Dialect>(&all());
}

#[test]
fn fields_may_be_missing_or_of_another_type() {
    replay::fields_may_be_missing_or_of_another_type::<Dialect>(&all());
}

#[test]
fn answers_may_be_of_any_shape() {
    // The answers to a start are all alike.
    let some = |at: usize, name: &str| at.is_multiple_of(6) || name.starts_with("resume") || name == "handshake";
    let some: Vec<_> =
        all().into_iter().enumerate().filter(|(at, (name, _))| some(*at, name)).map(|(_, one)| one).collect();
    replay::answers_may_be_of_any_shape::<Dialect>(&some);
}

#[test]
fn every_recording_reads_as_its_golden() {
    replay::read_as_their_goldens::<Dialect>("codex", &all());
}

#[test]
fn rules_hold_for_every_question() {
    replay::rules_hold_for_every_question::<Dialect>("codex", &all());
}
