//! When a turn begins and ends, and what the next prompt then is.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::domain::ResumeMode;

#[test]
fn ready_without_capabilities_announces_none() {
    check(
        sidecar("x"),
        vec![SaysRaw(r#"{"type":"ready"}"#), SaysRaw(r#"{"type":"ready","capabilities":"all"}"#)],
        expect![[r#"
            Capabilities false false false true
            Capabilities false false false true
        "#]],
    );
}

#[test]
fn a_runner_for_one_query_is_done_and_the_next_prompt_resumes_in_it() {
    check(
        sidecar("codex"),
        vec![Ask("one"), says("agent_started"), wrapped(thread()), says("agent_stopped"), Ask("two")],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            TurnEnded { stop_reason: "end_turn", outcome: Done }
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"resume","resumeSessionId":"t1"}
        "#]],
    );
}

#[test]
fn a_multi_turn_runner_is_idle_and_the_next_prompt_is_only_a_prompt() {
    check(
        sidecar("codex"),
        vec![ready(&["multi_turn"]), Ask("one"), wrapped(thread()), says("agent_stopped"), Ask("two")],
        expect![[r#"
            Capabilities false false true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            TurnEnded { stop_reason: "end_turn", outcome: Idle }
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two"}
        "#]],
    );
}

#[test]
fn after_an_error_the_next_prompt_resumes() {
    check(
        sidecar("codex"),
        vec![
            ready(&["multi_turn"]),
            Ask("one"),
            wrapped(thread()),
            Says(json!({"type": "agent_error", "sessionId": "s1", "message": "no credit"})),
            says("agent_stopped"),
            Ask("two"),
        ],
        expect![[r#"
            Capabilities false false true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            [1] error {"message":"no credit"}
            TurnEnded { stop_reason: "error", outcome: Failed("no credit") }
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"resume","resumeSessionId":"t1"}
        "#]],
    );
}

#[test]
fn a_session_that_failed_before_it_had_an_id_begins_again() {
    let mut options = options("x");
    options.resume_mode = ResumeMode::Continue;
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("one"), says("agent_error"), Ask("two")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
        [1] error {"message":"the runner reported an error without a text"}
        TurnEnded { stop_reason: "error", outcome: Failed("the runner reported an error without a text") }
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
    "#]],
    );
}

#[test]
fn an_error_that_the_provider_has_told_is_not_repeated() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            wrapped(json!({"type": "error", "message": "model 'x' not found"})),
            Says(json!({"type": "agent_error", "message": "model 'x' not found"})),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] error {"message":"model 'x' not found"}
            TurnEnded { stop_reason: "error", outcome: Failed("model 'x' not found") }
        "#]],
    );
}

#[test]
fn the_providers_end_of_turn_is_not_the_runners() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            wrapped(json!({"type": "chunk", "message": {"content": "a"}, "done": true, "done_reason": "length"})),
            wrapped(json!({"type": "chunk", "message": {"content": "b"}})),
            says("agent_stopped"),
            says("agent_stopped"),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-2] status {"subtype":"length","message":"the answer was cut: the model's context or its limit of tokens is full"}
            [c207579eb41c5f45ab476c9740ef4fc5-3] cost {"is_error":false}
            [c207579eb41c5f45ab476c9740ef4fc5-4 +] text {"text":"b"}
            [c207579eb41c5f45ab476c9740ef4fc5-4] text {"text":"b"}
            TurnEnded { stop_reason: "length", outcome: Done }
        "#]],
    );
}

#[test]
fn a_runner_may_begin_a_turn_by_itself() {
    check(
        sidecar("x"),
        vec![ready(&["multi_turn"]), says("agent_started"), says("agent_started"), says("agent_stopped")],
        expect![[r#"
            Capabilities false false true true
            TurnStarted
            TurnEnded { stop_reason: "end_turn", outcome: Idle }
        "#]],
    );
}

#[test]
fn an_interrupt_that_comes_before_the_runner_has_spoken_is_written_when_it_has() {
    check(
        sidecar("x"),
        vec![Ask("one"), Interrupt, Interrupt, ready(&["interrupt"])],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
        Capabilities false true false true
        → {"type":"interrupt","sessionId":"s1"}
    "#]],
    );
    check(
        sidecar("x"),
        vec![Ask("one"), Interrupt, ready(&[])],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
        Capabilities false false false true
        Notice { message: "This runner cannot end a turn and live on: :Agor stop ends it, the next prompt resumes" }
    "#]],
    );
    check(
        sidecar("x"),
        vec![Ask("one"), Interrupt, says("agent_stopped"), ready(&["interrupt"])],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            TurnEnded { stop_reason: "end_turn", outcome: Done }
            Capabilities false true false true
        "#]],
    );
}

#[test]
fn an_interrupt_that_comes_too_late_is_not_written() {
    check(
        sidecar("x"),
        vec![ready(&["interrupt", "multi_turn"]), Interrupt, Ask("one"), Interrupt, says("agent_stopped"), Interrupt],
        expect![[r#"
            Capabilities false true true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            → {"type":"interrupt","sessionId":"s1"}
            TurnEnded { stop_reason: "interrupted", outcome: Idle }
        "#]],
    );
}

#[test]
fn the_end_of_its_output_closes_everything() {
    let chunk = wrapped(json!({"type": "chunk", "message": {"content": "half"}}));
    check(
        sidecar("ollama"),
        vec![Ask("one"), chunk, permission("r1"), End, End],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"half"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            [c207579eb41c5f45ab476c9740ef4fc5-1] text {"text":"half"}
            Withdrawn(RequestId("r1"))
        "#]],
    );
}

#[test]
fn stop_is_written_and_what_lives_on_is_killed() {
    let ladder = sidecar("x").stop_ladder();
    let stop = b"{\"type\":\"stop\",\"sessionId\":\"s1\"}\n".to_vec();
    assert_eq!(ladder[0].action, Action::Write(stop));
    assert_eq!(ladder.last(), Some(&Step::kill()));
    assert_eq!(ladder.iter().map(|step| step.wait).sum::<Duration>(), STOP_LIMIT);
}

#[test]
fn a_runner_that_did_not_announce_it_is_not_told_to_change_model_or_mode() {
    for command in [Command::SetModel("m".into()), Command::SetMode("plan".into())] {
        let out = sidecar("x").command(command);
        assert!(out.writes.is_empty() && out.events.is_empty());
    }
}

#[test]
fn what_trickles_in_after_the_end_begins_nothing() {
    check(
        sidecar("codex"),
        vec![Ask("one"), says("agent_stopped"), wrapped(json!({"type": "turn.started"}))],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            TurnEnded { stop_reason: "end_turn", outcome: Done }
        "#]],
    );
}
