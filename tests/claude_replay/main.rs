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

mod golden {
    use expect_test::expect_file;

    use super::{
        dialect::Dialect,
        replay::{recording, story},
    };

    macro_rules! goldens {
        ($($name:ident)*) => {
            $(
                #[test]
                fn $name() {
                    expect_file![concat!("../golden/claude/", stringify!($name), ".txt")]
                        .assert_eq(&story::<Dialect>(&recording("claude", stringify!($name))));
                }
            )*
        };
    }

    goldens! {
        text thinking long read write_allow edit_allow manytools badinput badtool image
        bash_allow bash_deny bash_deny_interrupt dontask
        perm_remember perm_outside parallel_permissions parallel_subagent_permissions mode_change_pending
        eof_pending_permission
        plan_file plan_reject plan_approve_acceptedits enterplan ask_answer ask_deny
        interrupt_stream interrupt_tool interrupt_hang interrupt_idle interrupt_retry
        error400 error401 error429_retry error529_exhausted error404_model no_auth no_server
        rate_limit_oauth rate_limit_rejected refusal maxturns budget
        compact_manual clear slash todo todowrite subagent_perm bgbash queue_busy queue_now
        stream_drop midstream_error subagent_bg own_turn_crossed resume_unknown resume_other_cwd sigkill_tool hook_block_prompt hooks_settings mcp_stdio
        v330_text v330_thinking v330_bash v330_ask v330_plan v330_todo v330_subagent v330_e400 v330_e429 v330_mcp
    }
}
