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

fn all() -> Vec<(String, Vec<Value>)> {
    let of = |agent: &'static str| {
        let named = move |(name, recording)| (format!("{agent}/{name}"), recording);
        recordings(agent, 20).into_iter().map(named)
    };
    ["acp-claude", "acp-codex", "acp-gemini", "acp-opencode"].into_iter().flat_map(of).collect()
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

/// One test each; the names are the recordings'.
macro_rules! goldens {
    ($agent:literal, $($name:ident)*) => {
        use expect_test::expect_file;

        use super::{
            dialect::Dialect,
            replay::{recording, story},
        };

        $(
            #[test]
            fn $name() {
                let recorded = recording($agent, &stringify!($name).replace('_', "-"));
                expect_file![concat!("../golden/", $agent, "/", stringify!($name), ".txt")]
                    .assert_eq(&story::<Dialect>(&recorded));
            }
        )*
    };
}

mod claude {
    goldens! {
        "acp-claude",
        cancel_command cancel_text config edit error_400 error_500 lifecycle_eof_command
        lifecycle_term_command mcp_server no_client_caps plan_mode reasoning second_prompt_while_active
        sessions_list_load sessions_part1 shell_allow_always shell_allow shell_perm_cancelled shell_reject
        shell_terminal_meta text write
    }
}

mod codex {
    goldens! {
        "acp-codex",
        cancel_pending_permission cancel_text config edit_reject edit error_400 lifecycle_eof_command
        lifecycle_term_command mcp_server multi no_client_caps reasoning second_prompt_while_active
        sessions_list_load sessions_part1 sessions_resume shell_allow_always shell_allow shell_no_caps
        shell_perm_cancelled shell_reject shell_stream text write
    }
}

mod gemini {
    goldens! {
        "acp-gemini",
        cancel_pending_permission cancel_text config error_400 error_500 lifecycle_eof_command
        lifecycle_term_command mcp_server multi no_client_caps plan reasoning sessions_list_load
        sessions_part1 sessions_resume shell_allow shell_perm_cancelled shell_reject shell_stream text
        write_fs_empty write_no_fs_read write
    }
}

mod opencode {
    goldens! {
        "acp-opencode",
        cancel_command cancel_pending_permission config edit error_400 error_500 lifecycle_eof_command
        lifecycle_term_command mcp_server no_client_caps plan reasoning second_prompt_while_active
        sessions_part1 sessions_resume shell_allow_always shell_allow shell_perm_cancelled shell_stream text
    }
}
