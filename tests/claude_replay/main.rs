//! Recorded exchanges with the real Claude Code, replayed through the protocol value without any process.
//!
//! `tests/fixtures/claude/INDEX.md` says what each recording shows. What the host wrote then is turned into the commands
//! that a session would give; the lines of Claude Code are fed as they came. The goldens are rewritten by
//! `UPDATE_EXPECT=1 cargo nextest run --test claude_replay`.

mod dialect;
#[path = "../support/replay/mod.rs"]
mod replay;

use dialect::Dialect;
use replay::{check_invariants, recordings, replay, shown_texts};
use serde_json::Value;

fn all() -> Vec<(String, Vec<Value>)> {
    recordings("claude", 100)
}

#[test]
fn every_recording_keeps_the_invariants() {
    for (name, recording) in all() {
        let host = replay::<Dialect>(&recording);
        check_invariants::<Dialect>(&name, &host);
        assert_eq!(shown_texts(&host), said_texts(&recording), "the texts of {name}");
    }
}

/// The main thread's texts from the raw lines: whole texts, and what a process that was killed had begun.
fn said_texts(recording: &[Value]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut begun = String::new();
    for message in recording.iter().filter(|entry| entry["dir"] == "out").map(|entry| &entry["msg"]) {
        match message["type"].as_str() {
            Some("stream_event") if message["event"]["type"] == "content_block_start" => begun.clear(),
            Some("stream_event") => begun.push_str(message["event"]["delta"]["text"].as_str().unwrap_or_default()),
            Some("assistant") if message["error"].is_null() && message["parent_tool_use_id"].is_null() => {
                for block in message["message"]["content"].as_array().expect("blocks") {
                    texts.extend(block["text"].as_str().filter(|text| *text != "(no content)").map(str::to_owned));
                }
                begun.clear();
            }
            _ => {}
        }
    }
    texts.extend(Some(begun).filter(|begun| !begun.is_empty()));
    texts
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
fn every_recording_reads_as_its_golden() {
    replay::read_as_their_goldens::<Dialect>("claude", &all());
}

#[test]
fn rules_hold_for_every_question() {
    replay::rules_hold_for_every_question::<Dialect>("claude", &all());
}
