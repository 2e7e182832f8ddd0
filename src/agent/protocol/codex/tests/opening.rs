//! The thread is opened, or is not; and Codex is stopped.

use super::*;

#[test]
fn a_prompt_waits_for_the_thread() {
    let mut talk = Talk::with(&options());
    talk.prompt("early");
    assert!(!talk.codex.is_ready());
    talk.answer("initialize", json!({}));
    assert_eq!(talk.count("turn/start"), 0);
    talk.answer("thread/start", opened());
    assert!(talk.codex.is_ready());
    assert_eq!(talk.asked("turn/start")["params"]["input"][0]["text"], "early");
    assert_eq!(talk.events.iter().filter(|event| **event == Event::TurnStarted).count(), 1);
}

#[test]
fn what_is_no_codex_is_named() {
    for (answer, expect) in [
        (json!({"id": 0, "result": "hello"}), "is no `codex app-server`"),
        (json!({"id": 0, "error": {"message": "too old"}}), "refuses to work with agor.nvim: too old"),
    ] {
        let mut talk = Talk::with(&options());
        talk.prompt("early");
        talk.line(answer);
        assert!(talk.failures()[0].contains(expect), "{:?}", talk.failures());
        assert!(talk.codex.is_ready(), "it has answered");
        talk.clear();
        talk.prompt("again");
        assert_eq!(talk.failures().len(), 1, "the prompt comes back with the reason");
        assert_eq!(talk.count("turn/start"), 0);
    }
}

#[test]
fn a_thread_that_cannot_be_opened_is_a_sentence() {
    let mut talk = Talk::with(&options());
    talk.answer("initialize", json!({}));
    talk.refuse("thread/start", "config is broken");
    assert_eq!(talk.failures(), ["Codex opens no conversation: config is broken"]);
    let mut resumed = options();
    resumed.resume_session_id = Some("gone".into());
    let mut talk = Talk::with(&resumed);
    talk.answer("initialize", json!({}));
    talk.refuse("thread/resume", "no rollout found for thread id gone.");
    assert_eq!(talk.failures(), ["Codex cannot take up the conversation gone: no rollout found for thread id gone"]);
    let mut talk = Talk::with(&options());
    talk.answer("initialize", json!({}));
    talk.answer("thread/start", json!({"thread": {}}));
    assert!(talk.failures()[0].contains("without an id"));
}

#[test]
fn the_newest_conversation_is_continued_and_a_copy_keeps_its_model() {
    let mut options = options();
    options.resume_mode = ResumeMode::Continue;
    options.history_known = true;
    let mut talk = Talk::with(&options);
    talk.answer("initialize", json!({}));
    assert_eq!(talk.asked("thread/list")["params"]["cwd"], "/p");
    talk.answer("thread/list", json!({"data": [{"id": "new"}, {"id": "old"}]}));
    assert_eq!(talk.asked("thread/resume")["params"]["threadId"], "new");

    options.fork = true;
    let mut talk = Talk::with(&options);
    talk.answer("initialize", json!({}));
    talk.answer("thread/list", json!({"data": [{"id": "new"}]}));
    talk.answer("thread/read", json!({"thread": {"id": "new", "model": "gpt-6"}}));
    let fork = &talk.asked("thread/fork")["params"];
    assert_eq!(
        (&fork["threadId"], &fork["model"], &fork["excludeTurns"]),
        (&json!("new"), &json!("gpt-6"), &json!(true))
    );

    options.fork = false;
    let mut talk = Talk::with(&options);
    talk.answer("initialize", json!({}));
    talk.answer("thread/list", json!({"data": []}));
    assert_eq!(talk.count("thread/start"), 1, "nothing to continue is a new one");
    assert!(
        talk.events
            .iter()
            .any(|event| matches!(event, Event::Notice { message } if message.contains("no conversation")))
    );
}

#[test]
fn a_past_that_nobody_has_is_told_before_the_first_prompt() {
    let mut options = options();
    options.resume_session_id = Some("t".into());
    let mut talk = Talk::with(&options);
    talk.prompt("next");
    talk.answer("initialize", json!({}));
    talk.answer("thread/resume", opened());
    let user = json!({"type": "userMessage", "id": "m", "content": [{"type": "text", "text": "before"},
        {"type": "localImage", "path": "/i.png"}]});
    let said = json!({"type": "agentMessage", "id": "a", "text": "done"});
    talk.answer(
        "thread/turns/list",
        json!({"data": [{"items": [user, said, command_item("c", Some("9"))]}], "nextCursor": "2"}),
    );
    assert_eq!(talk.count("turn/start"), 0, "there is more of it");
    assert_eq!(talk.asked("thread/turns/list")["params"]["cursor"], "2");
    talk.answer("thread/turns/list", json!({"data": [{"items": [], "error": {"message": "cut"}}], "nextCursor": null}));
    assert_eq!(talk.count("turn/start"), 1);
    let told: Vec<String> = talk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { content, .. } => serde_json::to_value(content).ok().map(|value| value["type"].to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["\"init\"", "\"prompt\"", "\"text\"", "\"tool_call\"", "\"tool_result\"", "\"error\""]);
}

#[test]
fn a_past_that_cannot_be_read_keeps_nobody_from_going_on() {
    let mut options = options();
    options.resume_session_id = Some("t".into());
    let mut talk = Talk::with(&options);
    talk.answer("initialize", json!({}));
    talk.answer("thread/resume", opened());
    talk.refuse("thread/turns/list", "no index");
    talk.prompt("next");
    assert_eq!(talk.count("turn/start"), 1);
    // A cursor that leads nowhere is not followed for ever.
    let mut talk = Talk::with(&options);
    talk.answer("initialize", json!({}));
    talk.answer("thread/resume", opened());
    talk.answer("thread/turns/list", json!({"data": [], "nextCursor": "1"}));
    assert!(talk.codex.phase == Phase::Open);
}

#[test]
fn a_prompt_that_was_never_sent_can_be_interrupted() {
    let mut talk = Talk::with(&options());
    talk.prompt("early");
    talk.command(Command::Interrupt);
    assert_eq!((talk.ends(), talk.returned()), (vec![("interrupted", &TurnOutcome::Idle)], vec!["early"]));
    talk.answer("initialize", json!({}));
    talk.answer("thread/start", opened());
    assert_eq!(talk.count("turn/start"), 0);
}

#[test]
fn conversations_are_listed_and_deleted_but_not_the_one_that_runs() {
    let mut talk = Talk::open();
    talk.command(Command::ListConversations);
    talk.answer("thread/list", json!({"data": [{"id": "a"}]}));
    assert!(matches!(talk.events.last(), Some(Event::Conversations(Ok(found))) if found.len() == 1));
    talk.command(Command::DeleteConversation("a".into()));
    assert_eq!(talk.asked("thread/delete")["params"], json!({"threadId": "a"}));
    talk.refuse("thread/delete", "locked");
    assert!(matches!(talk.events.last(), Some(Event::Notice { message }) if message.ends_with("a: locked")));
    talk.command(Command::DeleteConversation("t".into()));
    assert_eq!(talk.count("thread/delete"), 1);
    talk.command(Command::ListConversations);
    let out = talk.codex.end();
    talk.take(out);
    assert!(matches!(talk.events.last(), Some(Event::Conversations(Err(_)))), "who waits is told");
}

#[test]
fn a_running_turn_is_interrupted_before_codex_is_stopped() {
    let talk = Talk::running();
    let ladder = talk.codex.stop_ladder();
    let Action::Write(line) = &ladder[0].action else { panic!("no interrupt: {ladder:?}") };
    let line: Value = serde_json::from_slice(line).expect("JSON");
    assert_eq!((&line["method"], &line["params"]["turnId"]), (&json!("turn/interrupt"), &json!("u")));
    assert_eq!(ladder[1].action, Action::CloseStdin);
    assert_eq!(ladder.last(), Some(&Step::kill()));
    let whole: Duration = ladder.iter().map(|step| step.wait).sum();
    assert!(whole <= crate::agent::stop::STOP_LIMIT, "{whole:?}");
}
