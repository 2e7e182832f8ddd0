//! Recorded exchanges with real agents of the Agent Client Protocol, replayed through the protocol value without any
//! process: opencode 1.18.33, Gemini CLI 0.61.0, claude-agent-acp 0.49.0, codex-acp 2.6.0.
//!
//! `tests/fixtures/ACP.md` says what each shows. What the host of a recording wrote is turned into the commands that a
//! session would give, and what we write for them is compared with what was written then. The goldens are rewritten by
//! `UPDATE_EXPECT=1 cargo nextest run --test acp_replay`.

mod dialect;
#[path = "../support/replay/mod.rs"]
mod replay;

use dialect::{Dialect, conversation};
use replay::{check_invariants, recordings, replay, shown_texts};
use serde_json::Value;

const AGENTS: [&str; 4] = ["acp-claude", "acp-codex", "acp-gemini", "acp-opencode"];

fn all() -> Vec<(String, Vec<Value>)> {
    let of = |agent: &'static str| {
        let named = move |(name, recording)| (format!("{agent}/{name}"), recording);
        recordings(agent, 20).into_iter().map(named)
    };
    AGENTS.into_iter().flat_map(of).collect()
}

#[test]
fn every_recording_keeps_the_invariants() {
    for (name, recording) in all() {
        let host = replay::<Dialect>(&recording);
        check_invariants::<Dialect>(&name, &host);
        for answer in answers(&recording) {
            assert!(host.writes.contains(answer), "{name}: we do not answer {answer}");
        }
        // An error that came as a text is shown as an error instead.
        let expected = if name.ends_with("error-400") { String::new() } else { said(&recording) };
        assert_eq!(shown_texts(&host).concat(), expected, "the texts of {name}");
    }
}

/// What the recording's host answered. It had no editor that knows of files that are not there.
fn answers(recording: &[Value]) -> impl Iterator<Item = &Value> {
    let written = recording.iter().filter(|entry| entry["dir"] == "in").map(|entry| &entry["msg"]);
    written.filter(|message| message["result"].is_object())
}

/// All that was said in the conversation.
fn said(recording: &[Value]) -> String {
    let own = conversation(recording);
    let messages = recording.iter().map(|entry| &entry["msg"]["params"]).filter(|params| params["sessionId"] == own);
    let chunks =
        messages.map(|params| &params["update"]).filter(|update| update["sessionUpdate"] == "agent_message_chunk");
    chunks.filter_map(|update| update["content"]["text"].as_str()).collect()
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
    for agent in AGENTS {
        replay::read_as_their_goldens::<Dialect>(agent, &recordings(agent, 20));
    }
}

#[test]
fn rules_hold_for_every_question() {
    for agent in AGENTS {
        replay::rules_hold_for_every_question::<Dialect>(agent, &recordings(agent, 20));
    }
}
