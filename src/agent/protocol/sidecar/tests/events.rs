//! What is an event, a complaint, or noise.

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

#[test]
fn events_come_wrapped_and_bare() {
    let chunk = json!({"type": "chunk", "message": {"content": "a"}});
    check(
        sidecar("ollama"),
        vec![wrapped(chunk.clone()), Says(chunk.clone()), Says(json!({"event": chunk}))],
        expect![[r#"
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
        "#]],
    );
}

#[test]
fn an_event_that_is_no_object_is_unknown() {
    check(
        sidecar("ollama"),
        vec![
            wrapped(json!("text")),
            wrapped(Value::Null),
            says("agent_event"),
            Says(json!({"type": "surprise", "x": 1})),
            Says(json!({"x": 1})),
            Says(json!({"type": 7})),
            Says(json!({"type": "surprise", "event": {"type": "chunk"}})),
        ],
        expect![[r#"
            [1] unknown {"type":"agent_event","sessionId":"s1","event":"text"}
            [2] unknown {"type":"agent_event","sessionId":"s1","event":null}
            [3] unknown {"type":"agent_event","sessionId":"whatever"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] unknown {"type":"surprise","x":1}
            [c207579eb41c5f45ab476c9740ef4fc5-2] unknown {"x":1}
            [c207579eb41c5f45ab476c9740ef4fc5-3] unknown {"type":7}
            [c207579eb41c5f45ab476c9740ef4fc5-4] unknown {"type":"surprise","event":{"type":"chunk"}}
        "#]],
    );
}

#[test]
fn a_bare_error_is_a_complaint_and_the_session_goes_on() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            Says(json!({"type": "error", "message": "unknown message type: ping"})),
            Says(json!({"type": "error", "sessionId": "s1", "error": "what?"})),
            Says(json!({"type": "error"})),
            Says(json!({"type": "error", "message": "from the provider", "session_id": "o1"})),
            wrapped(json!({"type": "error", "message": "from the provider too"})),
            says("pong"),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Noise { text: "the runner complains: unknown message type: ping" }
            [1] status {"subtype":"runner","message":"unknown message type: ping"}
            Noise { text: "the runner complains: what?" }
            [2] status {"subtype":"runner","message":"what?"}
            Noise { text: "the runner complains: the runner reported an error without a text" }
            [3] status {"subtype":"runner","message":"the runner reported an error without a text"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] error {"message":"from the provider"}
            [c207579eb41c5f45ab476c9740ef4fc5-2] error {"message":"from the provider too"}
        "#]],
    );
}

#[test]
fn what_is_no_object_is_noise() {
    let long = Box::leak(format!("{}é tail", "x".repeat(99)).into_boxed_str());
    check(
        sidecar("x"),
        vec![SaysRaw("Listening on 3000"), SaysRaw("[1]"), SaysRaw("5"), SaysRaw("{\"type\":"), SaysRaw(long)],
        expect![[r#"
            Noise { text: "Listening on 3000" }
            Noise { text: "[1]" }
            Noise { text: "5" }
            Noise { text: "{\"type\":" }
            Noise { text: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxé" }
        "#]],
    );
}

#[test]
fn a_line_that_was_too_long_is_said_with_its_size() {
    let out = sidecar("x").receive(Frame::TooLong { bytes: 20_971_520, head: String::new() });
    expect![[r#"
        [1] status {"subtype":"dropped","message":"a line of 20971520 bytes was too long and was dropped"}
    "#]]
    .assert_eq(&show(&out));
}

fn claude_turn() -> Vec<Value> {
    let stream = |event: Value| json!({"type": "stream_event", "event": event, "parent_tool_use_id": null});
    let message = |content: Value| json!({"id": "m1", "role": "assistant", "model": "opus", "content": [content]});
    vec![
        json!({"type": "system", "subtype": "init", "session_id": "c1", "model": "opus", "cwd": "/project",
            "tools": ["Bash"], "permissionMode": "bypassPermissions"}),
        stream(json!({"type": "message_start", "message": message(json!({}))})),
        stream(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        stream(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}})),
        stream(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}})),
        json!({"type": "assistant", "message": message(json!({"type": "text", "text": "Hello"})), "uuid": "u1"}),
        json!({"type": "assistant", "uuid": "u2", "message": message(
            json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}))}),
        json!({"type": "user", "uuid": "u3", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "a.rs"}]}}),
        json!({"type": "result", "uuid": "u4", "subtype": "success", "is_error": false, "result": "Hello",
            "num_turns": 2, "total_cost_usd": 0.5, "usage": {"input_tokens": 7, "output_tokens": 2}}),
    ]
}

#[test]
fn claudes_events_are_the_same_wrapped_and_bare() {
    let bare = play(&mut sidecar("x"), claude_turn().into_iter().map(Says).collect());
    let wrapped = play(&mut sidecar("x"), claude_turn().into_iter().map(wrapped).collect());
    assert_eq!(bare, wrapped);
    expect![[r#"
        AgentSession("c1")
        Model("opus")
        Mode("bypassPermissions")
        [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"c1","model":"opus","cwd":"/project","tools":["Bash"]}
        [m1:0 +] text {"text":"Hel"}
        [m1:0 +] text {"text":"lo"}
        [m1:0] text {"text":"Hello"}
        [t1] tool_call {"tool_use_id":"t1","name":"Bash","kind":"execute","input":{"command":"ls"},"title":"ls"}
        [t1:result] tool_result {"tool_use_id":"t1","output":"a.rs","is_error":false}
        [u4] cost {"total_cost_usd":0.5,"input_tokens":7,"output_tokens":2,"num_turns":2,"is_error":false,"result":"Hello"}
    "#]].assert_eq(&bare);
}

#[test]
fn claudes_result_is_not_the_end_of_the_query() {
    let mut steps = vec![ready(&["multi_turn"]), Ask("one")];
    steps.extend(claude_turn().into_iter().map(wrapped));
    let mut sidecar = sidecar("claude");
    let text = play(&mut sidecar, steps);
    assert!(!text.contains("TurnEnded"), "{text}");
    expect![[r#"
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"two"}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]]
    .assert_eq(&play(&mut sidecar, vec![says("agent_stopped"), Ask("two"), says("agent_stopped")]));
}

#[test]
fn numbers_that_are_none_change_nothing() {
    let result = json!({"type": "result", "subtype": "success", "is_error": false, "uuid": "u",
        "total_cost_usd": "much", "usage": {"input_tokens": null, "output_tokens": -1}});
    check(
        sidecar("x"),
        vec![Says(result)],
        expect![[r#"
        [u] cost {"is_error":false}
    "#]],
    );
}
