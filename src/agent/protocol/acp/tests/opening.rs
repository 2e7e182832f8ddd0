//! From the start to the first prompt: versions, logins, conversations that are taken up.

use super::*;
use crate::domain::{FileAnswer, ResumeMode};

fn resuming() -> StartOptions {
    let mut options = options();
    options.resume_session_id = Some("c".into());
    options
}

fn failed(events: &[Event]) -> Option<&str> {
    events.iter().find_map(|event| match event {
        Event::Failed { message } => Some(message.as_str()),
        _ => None,
    })
}

#[test]
fn a_prompt_waits_for_the_conversation() {
    let mut desk = Desk::new(&options());
    assert!(!desk.acp.is_ready());
    desk.prompt("go");
    let (writes, events) = desk.look();
    assert_eq!(writes.len(), 1, "only initialize");
    assert!(writes[0]["params"]["clientCapabilities"]["fs"]["readTextFile"].as_bool().unwrap_or(false));
    assert_eq!(events.last(), Some(&Event::TurnStarted));
    desk.answer("initialize", able());
    assert_eq!(desk.writes()[0]["params"], json!({"cwd": "/p", "mcpServers": []}));
    assert!(!desk.acp.is_ready(), "what can be set is the conversation's to say");
    desk.answer("session/new", json!({"sessionId": "c"}));
    assert!(desk.acp.is_ready());
    let (writes, events) = desk.look();
    assert_eq!(writes[0]["method"], "session/prompt");
    assert_eq!(events[0], Event::AgentSession("c".into()));
    assert!(!events.contains(&Event::TurnStarted), "it has started already");
}

#[test]
fn that_it_can_ask_is_never_in_doubt() {
    let mut desk = Desk::new(&options());
    desk.answer("initialize", able());
    desk.answer("session/new", json!({"sessionId": "c"}));
    let told = desk.look().1.into_iter().filter_map(|event| match event {
        Event::Capabilities(capabilities) => Some(capabilities.permission),
        _ => None,
    });
    let told: Vec<bool> = told.collect();
    assert!(told.len() > 1 && told.iter().all(|asks| *asks), "{told:?}");
}

#[test]
fn what_the_user_wants_set_is_set_before_the_prompt() {
    let mut options = options();
    options.permission_mode = Some("plan".into());
    options.model = Some("Big".into());
    options.effort = Some("high".into());
    let mut desk = Desk::new(&options);
    desk.prompt("go");
    desk.answer("initialize", able());
    desk.look();
    let choices = json!({"sessionId": "c",
        "modes": {"currentModeId": "ask", "availableModes": [{"id": "ask"}, {"id": "plan"}]},
        "models": {"currentModelId": "small", "availableModels": [{"modelId": "small"}, {"modelId": "big", "name": "Big"}]}});
    desk.answer("session/new", choices);
    let (writes, _) = desk.look();
    assert_eq!((writes.len(), &writes[0]["params"]), (1, &json!({"sessionId": "c", "modelId": "big"})));
    desk.refuse("session/set_model", -32603, "no");
    let (writes, events) = desk.look();
    assert_eq!(events, [Event::Notice { message: "X does not take the model big: no".into() }]);
    assert_eq!((writes.len(), &writes[0]["params"]["modeId"]), (1, &json!("plan")));
    desk.answer("session/set_mode", json!({}));
    let (writes, events) = desk.look();
    assert!(events.contains(&Event::Notice { message: "X does not let one choose its effort".into() }));
    assert_eq!((writes.len(), &writes[0]["method"]), (1, &json!("session/prompt")));
}

#[test]
fn a_mode_that_is_not_there_is_an_error_and_nothing_is_sent() {
    let mut options = options();
    options.permission_mode = Some("plan".into());
    let mut desk = Desk::new(&options);
    desk.prompt("go");
    desk.answer("initialize", able());
    desk.look();
    let modes = json!({"currentModeId": "ask", "availableModes": [{"id": "ask"}]});
    desk.answer("session/new", json!({"sessionId": "c", "modes": modes}));
    let (writes, events) = desk.look();
    assert_eq!((writes.len(), failed(&events)), (0, Some("X has no mode 'plan': choose one of ask")));
    desk.prompt("go");
    desk.answer("session/new", json!({"sessionId": "d", "modes": modes}));
    assert!(failed(&desk.events()).is_some(), "nor by trying again");
    // A conversation that goes on does so in the mode that it has.
    options.resume_session_id = Some("c".into());
    let mut desk = Desk::new(&options);
    desk.prompt("go");
    desk.answer("initialize", able());
    desk.answer("session/load", json!({"modes": modes}));
    desk.refuse("_agor.nvim/ping", -32601, "no such method");
    let (writes, events) = desk.look();
    assert_eq!((&writes.last().expect("a write")["method"], failed(&events)), (&json!("session/prompt"), None));
}

#[test]
fn an_effort_is_one_of_the_model_that_was_chosen() {
    let mut options = options();
    options.model = Some("big".into());
    options.effort = Some("max".into());
    let mut desk = Desk::new(&options);
    desk.answer("initialize", able());
    let choices = |model: &str, efforts: Value| {
        json!([{"id": "model", "category": "model", "currentValue": model, "options": [{"value": "small"}, {"value": "big"}]},
            {"id": "effort", "category": "thought_level", "currentValue": "low", "options": efforts}])
    };
    desk.answer("session/new", json!({"sessionId": "c", "configOptions": choices("small", json!([{"value": "low"}]))}));
    desk.look();
    let more = choices("big", json!([{"value": "low"}, {"value": "max"}]));
    desk.answer("session/set_config_option", json!({"configOptions": more}));
    let params = json!({"sessionId": "c", "configId": "effort", "value": "max"});
    assert_eq!(desk.writes()[0]["params"], params);
}

#[test]
fn another_version_is_a_sentence_that_names_both() {
    for (version, named) in [(json!(2), "version 2"), (json!(null), "no version"), (json!("1"), "version \"1\"")] {
        let mut desk = Desk::new(&options());
        desk.prompt("go");
        desk.answer("initialize", json!({"protocolVersion": version}));
        let events = desk.events();
        let said = failed(&events).expect("it cannot go on");
        assert!(said.contains(named) && said.contains("agor.nvim speaks version 1"), "{said}");
        assert!(desk.acp.is_ready());
        desk.prompt("again");
        let (writes, events) = desk.look();
        assert!(writes.is_empty() && failed(&events).is_some(), "{events:?}");
    }
}

#[test]
fn a_login_that_is_missing_ends_the_turn_and_opens_the_way() {
    let mut desk = Desk::new(&options());
    desk.prompt("go");
    desk.answer("initialize", able());
    desk.refuse("session/new", -32000, "Authentication required");
    let events = desk.events();
    let needed =
        events.iter().position(|event| *event == Event::LoginNeeded { message: "Authentication required".into() });
    assert!(needed.is_some() && desk.acp.is_ready(), "{events:?}");
    assert!(matches!(events.last(), Some(Event::TurnEnded { outcome: TurnOutcome::Failed(_), .. })));
    desk.command(Command::Login("nonsense".into()));
    assert!(matches!(&desk.events()[..], [Event::Notice { message }] if message.contains("it offers key, web")));
    desk.command(Command::Login("key".into()));
    assert_eq!(desk.writes()[0]["params"], json!({"methodId": "key"}));
    desk.refuse("authenticate", -32603, "wrong key");
    assert_eq!(desk.events(), [Event::LoginNeeded { message: "wrong key".into() }]);
    desk.command(Command::Login("web".into()));
    assert_eq!(desk.writes()[0]["method"], "session/new", "its terminal has ended");
    desk.answer("session/new", json!({"sessionId": "c"}));
    assert!(desk.writes().is_empty(), "the session gives the prompt back to the user");
    desk.prompt("go");
    assert_eq!(desk.writes()[0]["params"]["prompt"][0]["text"], "go");
}

#[test]
fn a_login_that_ran_out_in_mid_prompt_takes_the_conversation_up_again() {
    let mut desk = Desk::prompted();
    desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
    desk.prompt("second");
    desk.refuse("session/prompt", -32000, "Please log in");
    assert!(is_end(desk.events().last().expect("an end")));
    // The conversation is there still: it may have been the server's whim.
    desk.prompt("second");
    assert_eq!(desk.writes()[0]["method"], "session/prompt");
    desk.refuse("session/prompt", 401, "Please log in");
    assert!(is_end(desk.events().last().expect("an end")));
    desk.prompt("second");
    let (writes, _) = desk.look();
    assert_eq!(writes[0]["method"], "session/resume");
    assert_eq!(writes[0]["params"]["sessionId"], "c");
    desk.answer("session/resume", json!({}));
    desk.refuse("_agor.nvim/ping", -32601, "no such method");
    assert_eq!(desk.writes().pop().unwrap_or_default()["params"]["prompt"][0]["text"], "second");
    desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
    assert!(is_end(desk.events().last().expect("an end")));
}

#[test]
fn a_history_that_is_not_known_is_told() {
    let replay = [
        json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "first"}, "messageId": "u"}),
        chunk("Hello"),
        json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "ls", "status": "completed"}),
        json!({"sessionUpdate": "usage_update", "used": 5, "size": 10}),
    ];
    for known in [false, true] {
        let mut options = resuming();
        options.history_known = known;
        let mut desk = Desk::new(&options);
        desk.prompt("go on");
        let mut answer = able();
        answer["agentCapabilities"]["sessionCapabilities"]["resume"] = json!(null);
        desk.answer("initialize", answer);
        desk.look();
        let (before, after) = replay.split_at(2);
        before.iter().cloned().for_each(|update| desk.update(update));
        desk.answer("session/load", json!({}));
        // Gemini tells most of it after its answer, and what it had put into the user's mouth.
        after.iter().cloned().for_each(|update| desk.update(update));
        let context = json!({"type": "text", "text": "<session_context>\nToday is Monday"});
        desk.update(json!({"sessionUpdate": "user_message_chunk", "content": context}));
        let (writes, mut events) = desk.look();
        assert!(writes.iter().all(|write| write["method"] != "session/prompt"), "{writes:?}");
        desk.refuse("_agor.nvim/ping", -32601, "no such method");
        let (writes, rest) = desk.look();
        events.extend(rest);
        assert_eq!(writes[0]["method"], "session/prompt");
        let prompts = events.iter().filter(|event| matches!(event, Event::Message { content: Content::Prompt(_), .. }));
        assert_eq!(prompts.count(), usize::from(!known));
        assert_eq!(texts(&events), if known { vec![] } else { vec!["Hello"] });
        let calls = events.iter().filter(|event| matches!(event, Event::Message { content: Content::ToolCall(_), .. }));
        assert_eq!(calls.count(), usize::from(!known));
        assert!(events.contains(&Event::Context { used: 5, size: Some(10) }));
        assert!(events.contains(&Event::AgentSession("c".into())));
        // What we say now comes back, and is not shown twice.
        desk.update(replay[0].clone());
        assert_eq!(desk.events(), []);
    }
}

#[test]
fn an_unknown_conversation_is_a_sentence_and_another_try() {
    let mut desk = Desk::new(&resuming());
    desk.prompt("go");
    desk.answer("initialize", able());
    desk.refuse("session/load", -32602, "Invalid params: session not found: c");
    let events = desk.events();
    let said = failed(&events).expect("it cannot go on");
    assert!(said.contains("the conversation c in /p: Invalid params: session not found"), "{said}");
    desk.prompt("go");
    assert_eq!(desk.writes()[0]["method"], "session/load");
}

#[test]
fn the_newest_conversation_is_found_by_the_agents_list() {
    let mut options = options();
    options.resume_mode = ResumeMode::Continue;
    let mut desk = Desk::new(&options);
    desk.answer("initialize", able());
    desk.look();
    let old = json!({"sessionId": "old", "cwd": "/p", "updatedAt": "2026-01-01T00:00:00Z"});
    desk.answer("session/list", json!({"sessions": [old], "nextCursor": "2"}));
    assert_eq!(desk.writes()[0]["params"], json!({"cwd": "/p", "cursor": "2"}));
    let new = json!({"sessionId": "new", "cwd": "/p", "updatedAt": "2026-02-01T00:00:00Z"});
    desk.answer("session/list", json!({"sessions": [new]}));
    assert_eq!(desk.writes()[0]["params"]["sessionId"], "new");
    let mut desk = Desk::new(&options);
    desk.answer("initialize", able());
    desk.answer("session/list", json!({"sessions": []}));
    assert!(failed(&desk.events()).is_some_and(|said| said.contains("no conversation in /p to go on with")));
}

#[test]
fn a_copy_has_its_own_id_and_may_tell_its_past_under_it() {
    let mut options = resuming();
    options.fork = true;
    let mut desk = Desk::new(&options);
    desk.answer("initialize", able());
    let params = json!({"sessionId": "copy", "update": chunk("Hello")});
    desk.feed(json!({"method": "session/update", "params": params}));
    desk.answer("session/fork", json!({"sessionId": "copy"}));
    desk.answer("_agor.nvim/ping", json!(null));
    let events = desk.events();
    assert_eq!(texts(&events), ["Hello"]);
    assert!(events.contains(&Event::AgentSession("copy".into())));
}

#[test]
fn conversations_are_listed_and_deleted() {
    let mut desk = Desk::new(&options());
    desk.command(Command::ListConversations);
    assert_eq!(desk.writes().len(), 1, "it waits for the agent");
    desk.answer("initialize", able());
    desk.answer("session/list", json!({"sessions": [{"sessionId": "a", "title": "A"}]}));
    let found = desk.events().into_iter().find_map(|event| match event {
        Event::Conversations(found) => Some(found),
        _ => None,
    });
    assert_eq!(found.expect("an answer").expect("a list")[0].title, "A");
    desk.command(Command::DeleteConversation("a".into()));
    desk.refuse("session/delete", -32601, "no");
    assert_eq!(desk.events(), [Event::Notice { message: "X has not deleted the conversation a: no".into() }]);
    let mut plain = Desk::new(&options());
    plain.answer("initialize", json!({"protocolVersion": 1}));
    plain.look();
    plain.command(Command::ListConversations);
    plain.command(Command::DeleteConversation("a".into()));
    let (writes, events) = plain.look();
    assert!(writes.is_empty() && matches!(&events[..], [Event::Conversations(Err(_)), Event::Notice { .. }]));
}

#[test]
fn an_interrupt_takes_back_a_prompt_that_waits() {
    let mut desk = Desk::new(&options());
    desk.prompt("go");
    desk.look();
    desk.command(Command::Interrupt);
    let end = Event::TurnEnded { stop_reason: "cancelled".into(), outcome: TurnOutcome::Idle };
    assert_eq!(desk.events(), [Event::Returned(Box::new(Prompt::new("go"))), end]);
    desk.answer("initialize", able());
    desk.answer("session/new", json!({"sessionId": "c"}));
    assert!(desk.writes().iter().all(|write| write["method"] != "session/prompt"));
    desk.command(Command::Interrupt);
    assert_eq!(desk.look().0, Vec::<Value>::new(), "there is nothing to interrupt");
}

#[test]
fn a_refused_or_odd_opening_is_told() {
    let mut desk = Desk::new(&options());
    desk.refuse("initialize", -32603, "no");
    assert_eq!(failed(&desk.events()), Some("X refuses to begin: no"));
    let mut desk = Desk::new(&options());
    desk.answer("initialize", able());
    desk.answer("session/new", json!({"sessionId": 5}));
    assert!(failed(&desk.events()).is_some_and(|said| said.contains("does not say which")));
    desk.command(Command::File { request_id: "x".into(), answer: FileAnswer::Missing });
    assert_eq!(desk.events(), []);
}
