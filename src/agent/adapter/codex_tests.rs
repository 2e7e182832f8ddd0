use expect_test::{Expect, expect};
use uuid::Uuid;

use super::{
    super::replay::{outline, recorded},
    *,
};

fn run(codex: &mut Codex, events: &[Value]) -> Vec<Event> {
    events.iter().flat_map(|event| codex.event(event)).collect()
}

fn codex() -> Codex {
    Codex::new(Ids::new(Uuid::nil()), false)
}

#[track_caller]
fn check(fixture: &str, expect: Expect) {
    let mut codex = codex();
    let mut events = run(&mut codex, &recorded(&format!("codex-exec/{fixture}.ndjson")));
    events.extend(codex.end_turn());
    expect.assert_eq(&outline(&events));
}

#[test]
fn text() {
    check(
        "text",
        expect![[r#"
        [1] init {"session_id":"01a20235-cd98-79b0-aa41-0020b5d3e112","model":"","cwd":"","tools":[]}
        AgentSession("01a20235-cd98-79b0-aa41-0020b5d3e112")
        TurnStarted
        [1-item_0] text {"text":"Hello from the mock model."}
        [2] cost {"input_tokens":1200,"output_tokens":26,"cache_read_tokens":0,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]],
    );
}

#[test]
fn reasoning() {
    check(
        "reasoning",
        expect![[r#"
        [1] init {"session_id":"01a20235-cf68-7473-bd2b-f9642aea6a53","model":"","cwd":"","tools":[]}
        AgentSession("01a20235-cf68-7473-bd2b-f9642aea6a53")
        TurnStarted
        [1-item_0] thinking {"text":"**Thinking about it**\n\nFirst I consider the request, then I answer."}
        [1-item_1] text {"text":"The answer is 42."}
        [2] cost {"input_tokens":1200,"output_tokens":24,"cache_read_tokens":0,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]],
    );
}

#[test]
fn a_command_is_one_call_and_one_result() {
    check(
        "shell",
        expect![[r#"
        [1] init {"session_id":"01a20235-d0f1-7780-acae-1116a976cd1d","model":"","cwd":"","tools":[]}
        AgentSession("01a20235-d0f1-7780-acae-1116a976cd1d")
        TurnStarted
        [1-item_0] text {"text":"Running a command."}
        [1-item_1] tool_call {"tool_use_id":"1-item_1","name":"command_execution","kind":"execute","input":{"command":"/bin/bash -lc 'echo hello from shell; ls'"},"title":"echo hello from shell; ls"}
        [1-item_1-result] tool_result {"tool_use_id":"1-item_1","output":"hello from shell\nhello.txt\nmain.py\n","is_error":false}
        [1-item_2] text {"text":"The command finished."}
        [2] cost {"input_tokens":2500,"output_tokens":49,"cache_read_tokens":1000,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]],
    );
}

#[test]
fn a_failed_command_is_an_error() {
    check(
        "shell-fail",
        expect![[r#"
        [1] init {"session_id":"01a20235-d376-7ef1-85ec-c7faf364ff3c","model":"","cwd":"","tools":[]}
        AgentSession("01a20235-d376-7ef1-85ec-c7faf364ff3c")
        TurnStarted
        [1-item_0] tool_call {"tool_use_id":"1-item_0","name":"command_execution","kind":"execute","input":{"command":"/bin/bash -lc 'echo to-stderr >&2; exit 3'"},"title":"echo to-stderr >&2; exit 3"}
        [1-item_0-result] tool_result {"tool_use_id":"1-item_0","output":"to-stderr\n","is_error":true}
        [1-item_1] text {"text":"The command failed with 3."}
        [2] cost {"input_tokens":2500,"output_tokens":46,"cache_read_tokens":1000,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]],
    );
}

#[test]
fn a_file_change_names_its_files() {
    check(
        "code-mode",
        expect![[r#"
        [1] init {"session_id":"01a20236-29cf-7043-b56e-6136d2db73a0","model":"","cwd":"","tools":[]}
        AgentSession("01a20236-29cf-7043-b56e-6136d2db73a0")
        TurnStarted
        [1-item_0] text {"text":"Running a script."}
        [1-item_1] tool_call {"tool_use_id":"1-item_1","name":"command_execution","kind":"execute","input":{"command":"/bin/bash -lc 'echo from code mode; sleep 1; ls'"},"title":"echo from code mode; sleep 1; ls"}
        [1-item_1-result] tool_result {"tool_use_id":"1-item_1","output":"from code mode\nhello.txt\nmain.py\n","is_error":false}
        [1-item_2] tool_call {"tool_use_id":"1-item_2","name":"file_change","kind":"edit","input":{"changes":[{"path":"/project/hello.txt","kind":"update"}]},"title":"/project/hello.txt","locations":[{"path":"/project/hello.txt"}]}
        [1-item_2-result] tool_result {"tool_use_id":"1-item_2","output":"update /project/hello.txt","is_error":false}
        [1-item_3] text {"text":"Script finished."}
        [2] cost {"input_tokens":2500,"output_tokens":48,"cache_read_tokens":1000,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]],
    );
}

#[test]
fn retries_are_said_and_the_error_comes_once() {
    check(
        "err500",
        expect![[r#"
            [1] init {"session_id":"01a20235-f88c-7570-977f-4a15e65aaaa2","model":"","cwd":"","tools":[]}
            AgentSession("01a20235-f88c-7570-977f-4a15e65aaaa2")
            TurnStarted
            Waits { wait: Wait { cause: Retry, said: "Reconnecting... 1/2 (We’re currently experiencing high demand, which may cause temporary errors.)", attempt: Some(1), attempts: Some(2), until: None }, delay_ms: None }
            [2] status {"subtype":"retry","message":"Reconnecting... 1/2 (We’re currently experiencing high demand, which may cause temporary errors.)"}
            Waits { wait: Wait { cause: Retry, said: "Reconnecting... 2/2 (We’re currently experiencing high demand, which may cause temporary errors.)", attempt: Some(2), attempts: Some(2), until: None }, delay_ms: None }
            [3] status {"subtype":"retry","message":"Reconnecting... 2/2 (We’re currently experiencing high demand, which may cause temporary errors.)"}
            [4] error {"message":"We’re currently experiencing high demand, which may cause temporary errors."}
            TurnEnded { stop_reason: "error", outcome: Failed("We’re currently experiencing high demand, which may cause temporary errors.") }
        "#]],
    );
}

#[test]
fn a_refused_key_asks_for_a_login() {
    check(
        "err401",
        expect![[r#"
            [1] init {"session_id":"01a20236-039e-7e31-b0d5-b1d60dc69a8e","model":"","cwd":"","tools":[]}
            AgentSession("01a20236-039e-7e31-b0d5-b1d60dc69a8e")
            TurnStarted
            Waits { wait: Wait { cause: Retry, said: "Reconnecting... 1/2 (unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses)", attempt: Some(1), attempts: Some(2), until: None }, delay_ms: None }
            [2] status {"subtype":"retry","message":"Reconnecting... 1/2 (unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses)"}
            Waits { wait: Wait { cause: Retry, said: "Reconnecting... 2/2 (unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses)", attempt: Some(2), attempts: Some(2), until: None }, delay_ms: None }
            [3] status {"subtype":"retry","message":"Reconnecting... 2/2 (unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses)"}
            LoginNeeded { message: "unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses" }
            TurnEnded { stop_reason: "error", outcome: Failed("unexpected status 401 Unauthorized: Incorrect API key provided., url: http://127.0.0.1:18181/v1/responses") }
        "#]],
    );
}

#[test]
fn a_command_that_never_ended_is_closed() {
    check(
        "sigterm-command",
        expect![[r#"
            [1] init {"session_id":"01a20236-2001-7252-811c-32c7565d8866","model":"","cwd":"","tools":[]}
            AgentSession("01a20236-2001-7252-811c-32c7565d8866")
            TurnStarted
            [1-item_0] tool_call {"tool_use_id":"1-item_0","name":"command_execution","kind":"execute","input":{"command":"/bin/bash -lc 'echo begin; sleep 300; echo end'"},"title":"echo begin; sleep 300; echo end"}
            [1-item_0-result] tool_result {"tool_use_id":"1-item_0","output":"The turn ended before this tool had a result.","is_error":true}
        "#]],
    );
}

#[test]
fn every_recorded_exchange_is_understood() {
    let folder = format!("{}/tests/fixtures/codex-exec", env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the fixtures are there") {
        let name = entry.expect("a fixture").file_name().into_string().expect("a plain name");
        let events = run(&mut codex(), &recorded(&format!("codex-exec/{name}")));
        let unknown = |event: &Event| matches!(event, Event::Message { content: Content::Unknown(_), .. });
        assert!(!events.iter().any(unknown), "{name}: {}", outline(&events));
        seen += events.len();
    }
    assert!(seen > 50, "only {seen} events came of the fixtures");
}

fn usage(input: u64, output: u64) -> Value {
    json!({"type": "turn.completed", "usage": {"input_tokens": input, "output_tokens": output}})
}

fn tokens(events: &[Event]) -> Vec<(Option<u64>, Option<u64>)> {
    let cost = |event: &Event| match event {
        Event::Message { content: Content::Cost(cost), .. } => Some((cost.input_tokens, cost.output_tokens)),
        _ => None,
    };
    events.iter().filter_map(cost).collect()
}

#[test]
fn usage_is_a_turns_share_of_the_threads() {
    let thread = json!({"type": "thread.started", "thread_id": "t1"});
    let other = json!({"type": "thread.started", "thread_id": "t2"});
    let events =
        [thread.clone(), usage(100, 10), thread.clone(), usage(250, 15), other.clone(), usage(7, 1), usage(3, 1)];
    assert_eq!(
        tokens(&run(&mut codex(), &events)),
        [(Some(100), Some(10)), (Some(150), Some(5)), (Some(7), Some(1)), (Some(3), Some(0)),]
    );
}

#[test]
fn usage_of_a_thread_with_an_unknown_past_is_not_counted() {
    let mut codex = Codex::new(Ids::new(Uuid::nil()), true);
    let events = [json!({"type": "thread.started", "thread_id": "t1"}), usage(900, 90), usage(1000, 100)];
    assert_eq!(tokens(&run(&mut codex, &events)), [(None, None), (Some(100), Some(10))]);
}

#[test]
fn the_items_of_a_second_process_are_others() {
    let mut codex = codex();
    let thread = json!({"type": "thread.started", "thread_id": "t1"});
    let item = json!({"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "a"}});
    let events = run(&mut codex, &[thread.clone(), item.clone(), thread, item]);
    let texts: Vec<_> =
        events.iter().filter(|event| matches!(event, Event::Message { content: Content::Text { .. }, .. })).collect();
    assert_eq!(texts.len(), 2);
    assert_ne!(texts[0], texts[1]);
}

#[test]
fn updates_of_an_item_never_show_it_twice() {
    let item = |kind: &str, output: &str, status: &str| {
        json!({"type": kind, "item": {"id": "i", "type": "command_execution", "command": "make",
            "aggregated_output": output, "exit_code": if status == "completed" { json!(0) } else { Value::Null },
            "status": status}})
    };
    let events = run(
        &mut codex(),
        &[
            item("item.started", "", "in_progress"),
            item("item.updated", "a\n", "in_progress"),
            item("item.completed", "a\nb\n", "completed"),
        ],
    );
    expect![[r#"
        [0-i] tool_call {"tool_use_id":"0-i","name":"command_execution","kind":"execute","input":{"command":"make"},"title":"make"}
        [0-i-result] tool_result {"tool_use_id":"0-i","output":"a\nb\n","is_error":false}
    "#]].assert_eq(&outline(&events));
}

#[test]
fn items_that_were_never_recorded() {
    let completed = |item: Value| json!({"type": "item.completed", "item": item});
    let events = run(
        &mut codex(),
        &[
            json!({"type": "item.started", "item": {"id": "p", "type": "todo_list", "items": [
            {"text": "look", "completed": false}]}}),
            json!({"type": "item.updated", "item": {"id": "p", "type": "todo_list", "items": [
            {"text": "look", "completed": true}]}}),
            completed(
                json!({"id": "m", "type": "mcp_tool_call", "server": "host", "tool": "add", "arguments": {"a": 2},
            "result": {"content": [{"type": "text", "text": "42"}]}, "status": "completed"}),
            ),
            completed(json!({"id": "n", "type": "mcp_tool_call", "server": "host", "tool": "add", "arguments": {},
            "error": {"message": "no such tool"}, "status": "failed"})),
            completed(json!({"id": "w", "type": "web_search", "query": "rust"})),
            completed(json!({"id": "d", "type": "file_change", "changes": [{"path": "a", "kind": "delete"}],
            "status": "failed"})),
            completed(json!({"id": "e", "type": "error", "message": "model metadata not found"})),
            completed(json!({"id": "x", "type": "new_item"})),
            json!({"type": "item.completed"}),
            json!({"type": "new.event", "a": null}),
            json!({"type": "error"}),
            json!(null),
        ],
    );
    expect![[r#"
        [0-p] plan {"entries":[{"text":"look","status":"pending"}]}
        [0-p] plan {"entries":[{"text":"look","status":"completed"}]}
        [0-m] tool_call {"tool_use_id":"0-m","name":"host.add","kind":"other","input":{"a":2},"title":"host.add"}
        [0-m-result] tool_result {"tool_use_id":"0-m","output":"42","is_error":false}
        [0-n] tool_call {"tool_use_id":"0-n","name":"host.add","kind":"other","input":{},"title":"host.add"}
        [0-n-result] tool_result {"tool_use_id":"0-n","output":"no such tool","is_error":true}
        [0-w] tool_call {"tool_use_id":"0-w","name":"web_search","kind":"fetch","input":{"query":"rust"},"title":"rust"}
        [0-w-result] tool_result {"tool_use_id":"0-w","output":"","is_error":false}
        [0-d] tool_call {"tool_use_id":"0-d","name":"file_change","kind":"delete","input":{"changes":[{"path":"a","kind":"delete"}]},"title":"a","locations":[{"path":"a"}]}
        [0-d-result] tool_result {"tool_use_id":"0-d","output":"delete a","is_error":true}
        [0-e] status {"subtype":"warning","message":"model metadata not found"}
        [1] unknown {"type":"item.completed","item":{"id":"x","type":"new_item"}}
        [2] unknown {"type":"item.completed"}
        [3] unknown {"type":"new.event","a":null}
        [4] error {"message":"Codex reported an error without a text"}
        [5] unknown null
    "#]].assert_eq(&outline(&events));
}

#[test]
fn a_command_is_named_without_its_shell() {
    for (command, expect) in [
        ("/bin/bash -lc 'echo hi; ls'", "echo hi; ls"),
        ("bash -c \"ls\"", "ls"),
        ("/bin/bash -lc ls", "ls"),
        ("/bin/bash -lc ls -la", "/bin/bash -lc ls -la"),
        ("python3 -c 'print(1)'", "python3 -c 'print(1)'"),
        ("env A=1 sh -c 'x'", "env A=1 sh -c 'x'"),
        ("git commit", "git commit"),
    ] {
        assert_eq!(bare_command(command), expect);
    }
}
