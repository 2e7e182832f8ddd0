//! What Codex tells and asks.

use super::*;

#[test]
fn words_with_a_refusal_are_the_users_next() {
    let mut talk = Talk::running();
    talk.line(json!({"id": 0, "method": "item/commandExecution/requestApproval", "params": {"threadId": "t", "command": "rm x"}}));
    talk.choose("decline", Some("Keep x"));
    let answer = talk.writes.iter().find(|write| write["method"].is_null() && write["id"] == 0).expect("an answer");
    assert_eq!(answer["result"], json!({"decision": "decline"}));
    assert_eq!(talk.asked("turn/steer")["params"]["input"][0]["text"], "Keep x");
}

#[test]
fn requests_of_codex_are_always_answered() {
    let mut talk = Talk::running();
    for (id, method) in ["account/chatgptAuthTokens/refresh", "currentTime/read", "brand/new"].into_iter().enumerate() {
        talk.line(json!({"id": id, "method": method, "params": {}}));
        let answer = talk.writes.last().expect("an answer");
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32601)), "{method}");
    }
    talk.line(json!({"id": 7, "method": "item/tool/call", "params": {"tool": "x"}}));
    assert_eq!(talk.writes.last().map(|answer| &answer["result"]["success"]), Some(&json!(false)));
    talk.line(json!({"id": 8, "method": "item/tool/requestUserInput", "params": {"questions": []}}));
    assert_eq!(talk.writes.last().map(|answer| &answer["result"]), Some(&json!({"answers": {}})));
}

#[test]
fn what_codex_no_longer_waits_for_is_withdrawn_and_its_id_is_free_again() {
    let mut talk = Talk::running();
    let ask = json!({"id": 0, "method": "item/fileChange/requestApproval", "params": {"threadId": "t"}});
    talk.line(ask.clone());
    let first = talk.permission().request_id.clone();
    talk.tell("serverRequest/resolved", json!({"threadId": "t", "requestId": 0}));
    assert!(talk.events.contains(&Event::Withdrawn(first.clone())));
    talk.line(ask);
    let second = talk.permission().request_id.clone();
    assert_ne!(first, second);
    let before = talk.writes.len();
    talk.command(Command::Answer { request_id: first, answer: Answer::Cancelled });
    talk.command(Command::Answer { request_id: RequestId::from("nobody's"), answer: Answer::Cancelled });
    assert_eq!(talk.writes.len(), before);
    talk.completed("completed");
    assert!(talk.events.contains(&Event::Withdrawn(second)));
}

#[test]
fn subagents_are_shown_below_the_call_that_began_them() {
    let mut talk = Talk::running();
    let activity = |id: &str, kind: &str| json!({"type": "subAgentActivity", "id": id, "kind": kind, "agentThreadId": "child", "agentPath": "/root/look"});
    talk.item("completed", "t", activity("call", "started"));
    talk.item("completed", "child", json!({"type": "agentMessage", "id": "a", "text": "found"}));
    talk.item("started", "child", command_item("c", None));
    talk.tell("turn/completed", json!({"threadId": "child", "turn": {"id": "v", "status": "completed"}}));
    talk.item("completed", "t", activity("end", "completed"));
    talk.item("completed", "t", json!({"type": "agentMessage", "id": "b", "text": "ok"}));
    assert_eq!(talk.texts(), [(false, "found", true), (false, "ok", false)]);
    assert_eq!(talk.results(), [(ToolResult::CUT_SHORT, true), ("found", false)]);
    assert_eq!(talk.ends(), [], "its turn is not ours");
    // One that nobody announced has a place, too.
    talk.item("completed", "stranger", json!({"type": "agentMessage", "id": "c", "text": "hm"}));
    assert_eq!(talk.texts()[2], (false, "hm", true));
    talk.completed("completed");
    assert_eq!(talk.ends().len(), 1);
    assert_eq!(talk.results().last(), Some(&("(It still works in the background.)", false)));
}

#[test]
fn a_stream_that_broke_is_told_anew_under_the_same_id() {
    let mut talk = Talk::running();
    let delta = json!({"threadId": "t", "itemId": "m", "delta": "half"});
    talk.tell("item/agentMessage/delta", delta.clone());
    talk.item("started", "t", command_item("c", Some("7")));
    talk.tell("error", json!({"threadId": "t", "willRetry": true, "error": {"message": "Reconnecting... 1/2"}}));
    talk.tell("item/agentMessage/delta", delta);
    talk.item("completed", "t", json!({"type": "agentMessage", "id": "m", "text": "half and half"}));
    assert_eq!(
        talk.texts(),
        [(true, "half", false), (false, "", false), (true, "half", false), (false, "half and half", false)]
    );
    assert_eq!(talk.results(), [], "a command that runs has not broken");
}

#[test]
fn what_nobody_knows_is_kept_and_bookkeeping_is_not() {
    let mut talk = Talk::open();
    talk.tell("thread/brandNew", json!({"threadId": "t", "x": 1}));
    talk.item("completed", "t", json!({"type": "brandNew", "id": "n"}));
    let unknown = |event: &Event| matches!(event, Event::Message { content: Content::Unknown(_), .. });
    assert_eq!(talk.events.iter().filter(|event| unknown(event)).count(), 2);
    talk.clear();
    for method in ["thread/goal/updated", "thread/status/changed", "windowsSandbox/setupCompleted", "skills/changed"] {
        talk.tell(method, json!({"threadId": "t"}));
    }
    assert_eq!(talk.events, []);
}

#[test]
fn remarks_are_quiet_and_broken_servers_are_named() {
    let mut talk = Talk::open();
    talk.tell("configWarning", json!({"summary": "Codex could not find bubblewrap on PATH."}));
    assert!(matches!(talk.events.pop(), Some(Event::Noise { .. })));
    talk.tell("configWarning", json!({"summary": "Unknown key", "details": "at line 3"}));
    talk.tell("model/rerouted", json!({"threadId": "t", "fromModel": "a", "toModel": "b", "reason": "c"}));
    let run = json!({"eventName": "preToolUse", "status": "blocked", "entries": [{"text": "no rm"}]});
    talk.tell("hook/completed", json!({"threadId": "t", "run": run}));
    talk.tell("hook/completed", json!({"threadId": "t", "run": {"status": "completed"}}));
    let said: Vec<&str> = talk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { content: Content::Status { message, .. }, .. } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        ["Unknown key: at line 3", "Codex answers with b instead of a: c", "Hook preToolUse blocked: no rm"]
    );
    talk.tell("mcpServer/startupStatus/updated", json!({"name": "files", "status": "failed", "error": "gone\nall"}));
    let expect = "Codex works without the MCP server files: gone…";
    assert!(matches!(talk.events.last(), Some(Event::Notice { message }) if message == expect));
}
