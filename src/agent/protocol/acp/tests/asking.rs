//! The agent's requests and their answers.

use super::*;
use crate::domain::{FileAccess, FileAnswer, Subject, ToolResult};

fn permission(call: &str) -> Value {
    json!({"sessionId": "c", "toolCall": {"toolCallId": call, "title": "ls", "kind": "execute"}, "options": [
        {"optionId": "yes", "name": "Yes", "kind": "allow_once"}, {"optionId": "no", "name": "No", "kind": "reject_once"}]})
}

#[track_caller]
fn asked(desk: &mut Desk) -> RequestId {
    let events = desk.events();
    let found = events.iter().find_map(|event| match event {
        Event::Permission(request) => Some(request.request_id.clone()),
        Event::Question(request) => Some(request.request_id.clone()),
        Event::File(request) => Some(request.request_id.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing is asked: {events:?}"))
}

#[test]
fn a_question_tells_of_its_call_first() {
    let mut desk = Desk::prompted();
    desk.ask(1, "session/request_permission", permission("t"));
    let events = desk.events();
    assert!(matches!(&events[0], Event::Message { content: Content::ToolCall(call), .. } if call.title == "ls"));
    assert!(matches!(&events[1], Event::Permission(request) if request.tool_use_id == Some("t".into())));
}

#[test]
fn where_a_command_runs_is_no_matter_if_all_run_there() {
    #[track_caller]
    fn check(cwd: &str, expect: &Subject) {
        let mut desk = Desk::prompted();
        let mut question = permission("t");
        question["toolCall"]["rawInput"] = json!({"command": "ls", "cwd": cwd});
        desk.ask(1, "session/request_permission", question);
        let events = desk.events();
        let Some(Event::Permission(request)) = events.last() else { panic!("{events:?}") };
        assert_eq!(request.subject, *expect);
    }
    check("/p", &Subject::Command { command: "ls".to_owned() });
    check("/elsewhere", &Subject::Input);
}

#[test]
fn several_questions_wait_and_each_is_answered_once() {
    let mut desk = Desk::prompted();
    desk.ask(1, "session/request_permission", permission("a"));
    let first = asked(&mut desk);
    desk.ask(2, "session/request_permission", permission("b"));
    let second = asked(&mut desk);
    desk.choose(&second, "yes", None);
    desk.choose(&first, "no", None);
    let writes = desk.writes();
    assert_eq!((&writes[0]["id"], &writes[0]["result"]["outcome"]["optionId"]), (&json!(2), &json!("yes")));
    assert_eq!((&writes[1]["id"], &writes[1]["result"]["outcome"]["optionId"]), (&json!(1), &json!("no")));
    desk.choose(&first, "yes", None);
    assert_eq!(desk.look(), (Vec::new(), Vec::new()));
    // The agent's ids may come again.
    desk.ask(1, "session/request_permission", permission("d"));
    assert_ne!(asked(&mut desk), first);
}

#[test]
fn words_that_go_with_a_refusal_are_the_next_prompt() {
    let mut desk = Desk::prompted();
    desk.ask(1, "session/request_permission", permission("t"));
    let id = asked(&mut desk);
    desk.choose(&id, "no", Some("Use printf"));
    desk.look();
    // An agent may not tell what became of the call, and may end the turn.
    desk.answer("session/prompt", json!({"stopReason": "cancelled"}));
    let (writes, events) = desk.look();
    assert_eq!(writes[0]["params"]["prompt"][0]["text"], "Use printf");
    assert!(format!("{events:?}").contains(ToolResult::NOT_WANTED), "{events:?}");
    assert!(!events.iter().any(is_end), "it is one turn for the user: {events:?}");
    desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
    assert!(is_end(desk.events().last().expect("an end")));
}

#[test]
fn an_interrupt_takes_back_words_that_wait() {
    let mut desk = Desk::prompted();
    desk.ask(1, "session/request_permission", permission("t"));
    let id = asked(&mut desk);
    desk.choose(&id, "no", Some("Use printf"));
    desk.command(Command::Interrupt);
    desk.look();
    desk.answer("session/prompt", json!({"stopReason": "cancelled"}));
    let (writes, events) = desk.look();
    assert!(writes.is_empty() && is_end(events.last().expect("an end")));
}

#[test]
fn the_agent_may_take_a_question_back() {
    let mut desk = Desk::prompted();
    desk.ask(4, "session/request_permission", permission("t"));
    let id = asked(&mut desk);
    let cancel = json!({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": 4}});
    desk.feed(cancel.clone());
    let (writes, events) = desk.look();
    assert_eq!(events, [Event::Withdrawn(id.clone())]);
    assert_eq!(writes[0]["result"]["outcome"]["outcome"], "cancelled");
    desk.feed(cancel);
    desk.choose(&id, "yes", None);
    assert_eq!(desk.look(), (Vec::new(), Vec::new()));
}

#[test]
fn the_agent_may_take_back_its_request_for_a_file_too() {
    let mut desk = Desk::prompted();
    desk.ask(4, "fs/read_text_file", json!({"path": "/p/a"}));
    let id = asked(&mut desk);
    desk.feed(json!({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": 4}}));
    let (writes, events) = desk.look();
    // The user may be asked about it.
    assert_eq!(events, [Event::Withdrawn(id.clone())]);
    assert_eq!(writes[0]["error"]["code"], -32800);
    desk.command(Command::File { request_id: id, answer: FileAnswer::Missing });
    assert_eq!(desk.look(), (Vec::new(), Vec::new()));
}

#[test]
fn a_question_that_outlives_its_turn_is_withdrawn() {
    let mut desk = Desk::prompted();
    desk.ask(4, "session/request_permission", permission("t"));
    let id = asked(&mut desk);
    desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
    let (writes, events) = desk.look();
    assert!(events.contains(&Event::Withdrawn(id)));
    assert_eq!(writes[0]["id"], 4);
}

#[test]
fn a_form_is_asked_again_until_it_fits() {
    let mut desk = Desk::prompted();
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
    let params = json!({"mode": "form", "message": "You?", "requestedSchema": schema});
    desk.ask(5, "elicitation/create", params.clone());
    let id = asked(&mut desk);
    let answer = |said: &str| {
        let answers = [("age".to_owned(), vec![said.to_owned()])].into();
        Command::Answer { request_id: id.clone(), answer: Answer::Answers(answers) }
    };
    desk.command(answer("old"));
    assert_eq!(asked(&mut desk), id);
    desk.command(answer("36"));
    assert_eq!(desk.writes()[0]["result"], json!({"action": "accept", "content": {"age": 36}}));
    desk.ask(6, "elicitation/create", params);
    let id = asked(&mut desk);
    desk.command(Command::Answer { request_id: id, answer: Answer::Cancelled });
    assert_eq!(desk.writes()[0]["result"], json!({"action": "cancel"}));
    desk.ask(7, "elicitation/create", json!({"mode": "hologram"}));
    assert_eq!(desk.writes()[0]["result"], json!({"action": "decline"}));
}

#[test]
fn a_page_that_is_done_is_asked_no_more() {
    let mut desk = Desk::prompted();
    let params = json!({"mode": "url", "message": "Log in", "url": "https://x", "elicitationId": "e"});
    desk.ask(5, "elicitation/create", params);
    let id = asked(&mut desk);
    desk.feed(json!({"method": "elicitation/complete", "params": {"elicitationId": "e"}}));
    let (writes, events) = desk.look();
    assert_eq!((&writes[0]["result"], events), (&json!({"action": "accept"}), vec![Event::Withdrawn(id)]));
}

#[test]
fn files_are_read_and_written_through_the_editor() {
    let mut desk = Desk::prompted();
    desk.ask(1, "fs/read_text_file", json!({"path": "/p/a", "line": 3, "limit": 2}));
    let events = desk.events();
    let Event::File(request) = &events[0] else { panic!("{events:?}") };
    assert_eq!(request.access, FileAccess::Read { line: Some(3), limit: Some(2) });
    let file = |desk: &mut Desk, id: &RequestId, answer| {
        desk.command(Command::File { request_id: id.clone(), answer });
        desk.writes().pop().unwrap_or_default()
    };
    let id = request.request_id.clone();
    assert_eq!(file(&mut desk, &id, FileAnswer::Text("x\n".into()))["result"], json!({"content": "x\n"}));
    assert_eq!(file(&mut desk, &id, FileAnswer::Missing), Value::Null, "once");
    // Gemini asks so whether the file that it is about to create is there.
    desk.ask(2, "fs/read_text_file", json!({"path": "/p/new"}));
    let id = asked(&mut desk);
    assert_eq!(file(&mut desk, &id, FileAnswer::Missing)["result"], json!({"content": ""}));
    desk.ask(3, "fs/write_text_file", json!({"path": "/p/new", "content": "x"}));
    let id = asked(&mut desk);
    assert_eq!(file(&mut desk, &id, FileAnswer::Written)["result"], json!({}));
    desk.ask(4, "fs/write_text_file", json!({"path": "/etc/x", "content": "x"}));
    let id = asked(&mut desk);
    let failed = file(&mut desk, &id, FileAnswer::Failed("outside of the project".into()));
    assert_eq!(failed["error"], json!({"code": -32603, "message": "outside of the project"}));
    for (method, params) in [
        ("fs/read_text_file", json!({"path": "a"})),
        ("fs/read_text_file", json!({})),
        ("fs/write_text_file", json!({"path": "/p/a"})),
    ] {
        desk.ask(9, method, params);
        let (writes, events) = desk.look();
        assert_eq!((&writes[0]["error"]["code"], events), (&json!(-32602), vec![]));
    }
}
