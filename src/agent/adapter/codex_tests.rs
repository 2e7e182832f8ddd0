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
    check("text", expect![]);
}

#[test]
fn reasoning() {
    check("reasoning", expect![]);
}

#[test]
fn a_command_is_one_call_and_one_result() {
    check("shell", expect![[r#"
        [1] init {"session_id":"01a20235-d0f1-7780-acae-1116a976cd1d","model":"","cwd":"","tools":[]}
        AgentSession("01a20235-d0f1-7780-acae-1116a976cd1d")
        TurnStarted
        [1-item_0] text {"text":"Running a command."}
        [1-item_1] tool_call {"tool_use_id":"1-item_1","name":"command_execution","kind":"execute","input":{"command":"/bin/bash -lc 'echo hello from shell; ls'"},"title":"echo hello from shell; ls"}
        [1-item_1-result] tool_result {"tool_use_id":"1-item_1","output":"hello from shell\nhello.txt\nmain.py\n","is_error":false}
        [1-item_2] text {"text":"The command finished."}
        [2] cost {"input_tokens":2500,"output_tokens":49,"cache_read_tokens":1000,"cache_write_tokens":0,"is_error":false}
        TurnEnded { stop_reason: "end_turn", outcome: Idle }
    "#]]);
}

#[test]
fn a_failed_command_is_an_error() {
    check("shell-fail", expect![]);
}

#[test]
fn a_file_change_names_its_files() {
    check("code-mode", expect![]);
}

#[test]
fn retries_are_said_and_the_error_comes_once() {
    check("err500", expect![]);
}

#[test]
fn a_refused_key_asks_for_a_login() {
    check("err401", expect![]);
}

#[test]
fn a_command_that_never_ended_is_closed() {
    check("sigterm-command", expect![]);
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
    expect![].assert_eq(&outline(&events));
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
    expect![].assert_eq(&outline(&events));
}

#[test]
fn a_command_is_named_without_its_shell() {
    for (command, expect) in [
        ("/bin/bash -lc 'echo hi; ls'", "echo hi; ls"),
        ("bash -c \"ls\"", "ls"),
        ("/bin/bash -lc ls", "/bin/bash -lc ls"),
        ("python3 -c 'print(1)'", "python3 -c 'print(1)'"),
        ("env A=1 sh -c 'x'", "env A=1 sh -c 'x'"),
        ("git commit", "git commit"),
    ] {
        assert_eq!(bare_command(command), expect);
    }
}
