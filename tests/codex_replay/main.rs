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
                    let name = stringify!($name).replace('_', "-");
                    expect_file![concat!("../golden/codex/", stringify!($name), ".txt")]
                        .assert_eq(&story::<Dialect>(&recording("codex-app-server", &name)));
                }
            )*
        };
    }

    goldens! {
        approval_command_accept approval_command_accept_session approval_command_amendment approval_command_cancel
        approval_command_decline approval_command_error_reply approval_interrupt_while_pending approval_patch_accept
        approval_patch_readonly approval_untrusted approval_untrusted_readonly_cmd background_terminal_terminate
        code_mode dynamic_tool ephemeral_compact_review_shell error_400 error_401 error_429 error_500
        error_context_length error_disconnect error_response_failed handshake image_input interrupt_text
        lifecycle_eof_command lifecycle_eof_command_danger lifecycle_eof_text lifecycle_sigint_command
        lifecycle_sigkill_command lifecycle_sigkill_command_danger lifecycle_sigterm_command
        lifecycle_sigterm_command_danger lifecycle_sigterm_text long_2000 missing_key multi
        optout_and_no_initialized patch protocol_errors reasoning resume resume_after_eof_midturn_part1 resume_part1
        sandbox_danger sandbox_default_trust sandbox_readonly_write sandbox_workspace_outside shell shell_fail
        shell_stream text turn_start_while_active unknown_model
    }
}
