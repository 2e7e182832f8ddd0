use expect_test::{Expect, expect};
use serde_json::json;
use uuid::Uuid;

use super::{super::replay::outline, *};

#[track_caller]
fn check(events: &[Value], expect: Expect) {
    let mut ollama = Ollama::new(Ids::new(Uuid::nil()));
    let mut out: Vec<Event> = events.iter().flat_map(|event| ollama.event(event)).collect();
    out.extend(ollama.end_turn());
    expect.assert_eq(&outline(&out));
}

fn chunk(message: Value) -> Value {
    json!({"type": "chunk", "message": message, "done": false})
}

#[test]
fn increments_become_parts_and_then_one_whole_text() {
    check(
        &[
            json!({"type": "system", "subtype": "init", "session_id": "o1", "model": "qwen3", "cwd": "/project"}),
            chunk(json!({"role": "assistant", "content": "", "thinking": "Okay "})),
            chunk(json!({"role": "assistant", "content": "", "thinking": "then"})),
            chunk(json!({"role": "assistant", "content": "Hel"})),
            json!({"type": "chunk", "message": {"role": "assistant", "content": "lo"}, "done": true,
                "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 259, "eval_duration": 1500000000u64}),
        ],
        expect![[r#"
            AgentSession("o1")
            Model("qwen3")
            [1] init {"session_id":"o1","model":"qwen3","cwd":"/project","tools":[]}
            [2 +] thinking {"text":"Okay "}
            [2 +] thinking {"text":"then"}
            [2] thinking {"text":"Okay then"}
            [3 +] text {"text":"Hel"}
            [3 +] text {"text":"lo"}
            [3] text {"text":"Hello"}
            [4] cost {"duration_ms":1500,"input_tokens":26,"output_tokens":259,"is_error":false}
            TurnEnded { stop_reason: "stop", outcome: Idle }
        "#]],
    );
}

#[test]
fn a_call_without_an_id_gets_its_result_by_order() {
    check(
        &[
            chunk(json!({"role": "assistant", "content": "", "tool_calls": [
                {"id": "call_1", "function": {"name": "read_file", "arguments": {"path": "a.txt"}}}]})),
            json!({"type": "chunk", "message": {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "list", "arguments": {}}}]}, "done": true, "done_reason": "stop"}),
            chunk(json!({"role": "tool", "tool_call_id": "call_1", "content": "A"})),
            chunk(json!({"role": "tool", "content": "B"})),
            chunk(json!({"role": "tool", "content": "nobody asked"})),
        ],
        expect![[r#"
            [1] tool_call {"tool_use_id":"call_1","name":"read_file","kind":"read","input":{"path":"a.txt"},"title":"a.txt","locations":[{"path":"a.txt"}]}
            [3] tool_call {"tool_use_id":"2","name":"list","kind":"other","input":{},"title":"list"}
            [4] tool_result {"tool_use_id":"call_1","output":"A","is_error":false}
            [5] tool_result {"tool_use_id":"2","output":"B","is_error":false}
            [6] unknown {"role":"tool","content":"nobody asked"}
            [7] cost {"is_error":false}
        "#]],
    );
}

#[test]
fn what_is_open_at_the_end_is_closed() {
    check(
        &[chunk(json!({"content": "half a"})), chunk(json!({"tool_calls": [{"function": {"name": "ls"}}]}))],
        expect![[r#"
            [1 +] text {"text":"half a"}
            [1] text {"text":"half a"}
            [3] tool_call {"tool_use_id":"2","name":"ls","kind":"other","input":null,"title":"ls"}
            [4] tool_result {"tool_use_id":"2","output":"The turn ended before this tool had a result.","is_error":true}
        "#]],
    );
}

#[test]
fn a_cut_answer_and_an_error_are_said() {
    check(
        &[
            json!({"type": "chunk", "message": {"content": "x"}, "done": true, "done_reason": "length",
                "eval_count": "many"}),
            chunk(json!({"content": "y"})),
            json!({"type": "chunk", "error": "server busy"}),
            json!({"type": "error", "message": "model 'x' not found"}),
            json!({"type": "error"}),
            json!({"type": "new", "x": 1}),
            json!({"type": "chunk", "message": 5}),
        ],
        expect![[r#"
            [1 +] text {"text":"x"}
            [1] text {"text":"x"}
            [2] status {"subtype":"length","message":"the answer was cut: the model's context or its limit of tokens is full"}
            [3] cost {"is_error":false}
            TurnEnded { stop_reason: "length", outcome: Idle }
            [4 +] text {"text":"y"}
            [4] text {"text":"y"}
            [5] error {"message":"server busy"}
            [6] error {"message":"model 'x' not found"}
            [7] error {"message":"Ollama reported an error without a text"}
            [8] unknown {"type":"new","x":1}
            [9] unknown {"type":"chunk","message":5}
        "#]],
    );
}

/// A server's own lines, as a runner passes them on.
fn recorded(name: &str) -> Vec<Value> {
    let lines = super::super::replay::recorded(&format!("ollama/{name}.ndjson"));
    let chunks = lines.into_iter().map(|mut line| {
        line["type"] = "chunk".into();
        line
    });
    chunks.collect()
}

#[test]
fn recorded_answers_are_understood_whole() {
    check(
        &recorded("chat-thinking"),
        expect![[r#"
        [1 +] thinking {"text":"The "}
        [1 +] thinking {"text":"user "}
        [1 +] thinking {"text":"wants "}
        [1 +] thinking {"text":"something "}
        [1 +] thinking {"text":"so "}
        [1 +] thinking {"text":"I "}
        [1 +] thinking {"text":"think "}
        [1 +] thinking {"text":"first "}
        [1 +] thinking {"text":". "}
        [1] thinking {"text":"The user wants something so I think first . "}
        [2 +] text {"text":"Hello "}
        [2 +] text {"text":"from "}
        [2 +] text {"text":"the "}
        [2 +] text {"text":"mock "}
        [2 +] text {"text":"Ollama "}
        [2 +] text {"text":". "}
        [2] text {"text":"Hello from the mock Ollama . "}
        [3] cost {"duration_ms":1234,"input_tokens":26,"output_tokens":15,"is_error":false}
        TurnEnded { stop_reason: "stop", outcome: Idle }
    "#]],
    );
    let mut tools = recorded("chat-tools");
    tools.push(chunk(json!({"role": "tool", "tool_name": "read_file", "content": "hello"})));
    tools.extend(recorded("chat-tools-result"));
    check(
        &tools,
        expect![[r#"
        [1] tool_call {"tool_use_id":"call_c9f81230","name":"read_file","kind":"read","input":{"path":"hello.txt"},"title":"hello.txt","locations":[{"path":"hello.txt"}]}
        [2] tool_result {"tool_use_id":"call_c9f81230","output":"hello","is_error":false}
        [3 +] text {"text":"Hello "}
        [3 +] text {"text":"from "}
        [3 +] text {"text":"the "}
        [3 +] text {"text":"mock "}
        [3 +] text {"text":"Ollama "}
        [3 +] text {"text":". "}
        [3] text {"text":"Hello from the mock Ollama . "}
        [4] cost {"duration_ms":2468,"input_tokens":62,"output_tokens":7,"is_error":false}
        TurnEnded { stop_reason: "stop", outcome: Idle }
    "#]],
    );
    for name in ["chat-text", "chat-length", "chat-nostream"] {
        let mut ollama = Ollama::new(Ids::new(Uuid::nil()));
        let out: Vec<Event> = recorded(name).iter().flat_map(|event| ollama.event(event)).collect();
        let unknown = |event: &Event| matches!(event, Event::Message { content: Content::Unknown(_), .. });
        assert!(!out.iter().any(unknown), "{name}: {out:?}");
        assert!(matches!(out.last(), Some(Event::TurnEnded { .. })), "{name}: {out:?}");
    }
}

#[test]
fn what_our_own_runner_adds_is_understood() {
    let hunk = json!({"old_start": 1, "new_start": 1, "lines": ["-a", "+b"]});
    check(
        &[
            json!({"type": "system", "subtype": "init", "session_id": "o1", "model": "m", "cwd": "/project",
                "tools": ["read_file"]}),
            json!({"type": "status", "subtype": "loading", "message": "loading m"}),
            json!({"type": "status"}),
            json!({"type": "chunk", "done": true, "prompt_eval_count": 10, "eval_count": 2, "total_duration": 2000000u64,
                "context": {"used": 12, "size": 100}, "message": {"role": "assistant", "tool_calls": [
                    {"id": "c1", "function": {"name": "edit_file", "arguments": {"path": "a.rs"}}},
                    {"id": "c2", "function": {"name": "search", "arguments": {"pattern": "x", "path": "src"}}}]}}),
            json!({"type": "chunk", "message": {"role": "tool", "tool_call_id": "c1", "content": "done"},
                "diff": [{"path": "/project/a.rs", "hunks": [hunk]}]}),
            json!({"type": "chunk", "message": {"role": "tool", "tool_call_id": "c2", "content": "no"},
                "is_error": true, "diff": "nonsense"}),
            json!({"type": "chunk", "done": true, "prompt_eval_count": 20, "eval_count": 3, "total_duration": 3000000u64,
                "message": {"role": "assistant", "content": "ok"}, "context": {"used": 23}}),
        ],
        expect![[r#"
            AgentSession("o1")
            Model("m")
            [1] init {"session_id":"o1","model":"m","cwd":"/project","tools":["read_file"]}
            [2] status {"subtype":"loading","message":"loading m"}
            [3] unknown {"type":"status"}
            [4] tool_call {"tool_use_id":"c1","name":"edit_file","kind":"edit","input":{"path":"a.rs"},"title":"a.rs","locations":[{"path":"/project/a.rs"}]}
            [5] tool_call {"tool_use_id":"c2","name":"search","kind":"search","input":{"pattern":"x","path":"src"},"title":"x in src","locations":[{"path":"/project/src"}]}
            Context { used: 12, size: Some(100) }
            [6] tool_result {"tool_use_id":"c1","output":"done","is_error":false,"diff":[{"path":"/project/a.rs","hunks":[{"old_start":1,"new_start":1,"lines":["-a","+b"]}]}]}
            [7] tool_result {"tool_use_id":"c2","output":"no","is_error":true}
            [8 +] text {"text":"ok"}
            [8] text {"text":"ok"}
            Context { used: 23, size: None }
            [9] cost {"duration_ms":5,"input_tokens":30,"output_tokens":5,"is_error":false}
            TurnEnded { stop_reason: "stop", outcome: Idle }
        "#]],
    );
}
