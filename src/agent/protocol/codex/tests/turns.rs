//! Turns are begun, added to, interrupted and ended.

use super::*;

#[test]
fn a_turn_that_codex_refuses_gives_its_prompt_back() {
    let mut talk = Talk::open();
    talk.prompt("go");
    talk.refuse("turn/start", "thread not found: t.");
    assert_eq!(talk.failures(), ["Codex has not taken the prompt: thread not found: t"]);
    assert_eq!(talk.returned(), [""; 0], "the session has it");
    talk.prompt("again");
    assert_eq!(talk.count("turn/start"), 2);
}

#[test]
fn what_is_said_into_a_turn_is_never_lost_and_never_said_twice() {
    // The model reads it.
    let mut talk = Talk::running();
    talk.command(Command::Steer(Prompt::new("also")));
    let steer = talk.asked("turn/steer")["params"].clone();
    assert_eq!((&steer["expectedTurnId"], &steer["input"][0]["text"]), (&json!("u"), &json!("also")));
    talk.answer("turn/steer", json!({"turnId": "u"}));
    talk.item("completed", "t", json!({"type": "userMessage", "id": "m", "clientId": steer["clientUserMessageId"]}));
    talk.completed("completed");
    assert_eq!((talk.returned(), talk.count("turn/start")), (vec![], 1));

    // It was interrupted first: back to the user.
    let mut talk = Talk::running();
    talk.command(Command::Steer(Prompt::new("also")));
    talk.answer("turn/steer", json!({"turnId": "u"}));
    talk.completed("interrupted");
    assert_eq!((talk.returned(), talk.count("turn/start")), (vec!["also"], 1));

    // The turn came to its end first: the next one's prompt, and for the session it is all one turn.
    let mut talk = Talk::running();
    talk.command(Command::Steer(Prompt::new("also")));
    talk.answer("turn/steer", json!({"turnId": "u"}));
    talk.completed("completed");
    assert_eq!((talk.returned(), talk.count("turn/start"), talk.ends().len()), (vec![], 2, 0));
    assert_eq!(talk.asked("turn/start")["params"]["input"][0]["text"], "also");

    // It takes none: when it has ended.
    let mut talk = Talk::running();
    talk.command(Command::Steer(Prompt::new("also")));
    talk.refuse("turn/steer", "cannot steer a review turn");
    assert_eq!(talk.count("turn/start"), 1);
    talk.completed("completed");
    assert_eq!((talk.returned(), talk.count("turn/start")), (vec![], 2));

    // The answer comes after the turn's end.
    for (ok, returned, turns) in [(true, vec!["also"], 1), (false, vec![], 2)] {
        let mut talk = Talk::running();
        talk.command(Command::Steer(Prompt::new("also")));
        talk.completed("completed");
        match ok {
            true => talk.answer("turn/steer", json!({"turnId": "u"})),
            false => talk.refuse("turn/steer", "no active turn to steer"),
        }
        assert_eq!((talk.returned(), talk.count("turn/start")), (returned, turns));
    }

    // Nothing runs.
    let mut talk = Talk::open();
    talk.command(Command::Steer(Prompt::new("also")));
    assert_eq!((talk.count("turn/steer"), talk.count("turn/start")), (0, 1));

    // The turn has no id yet.
    let mut talk = Talk::open();
    talk.prompt("go");
    talk.command(Command::Steer(Prompt::new("also")));
    assert_eq!(talk.count("turn/steer"), 0);
    talk.answer("turn/start", json!({"turn": {"id": "u"}}));
    assert_eq!(talk.count("turn/steer"), 1);

    // Codex ends.
    let mut talk = Talk::running();
    talk.command(Command::Steer(Prompt::new("also")));
    let out = talk.codex.end();
    talk.take(out);
    assert_eq!(talk.returned(), ["also"]);
}

#[test]
fn an_interrupt_waits_for_the_turns_id_and_is_sent_once() {
    let mut talk = Talk::open();
    talk.prompt("go");
    talk.command(Command::Interrupt);
    assert_eq!(talk.count("turn/interrupt"), 0);
    talk.answer("turn/start", json!({"turn": {"id": "u"}}));
    talk.tell("turn/started", json!({"threadId": "t", "turn": {"id": "u"}}));
    talk.command(Command::Interrupt);
    assert_eq!(talk.count("turn/interrupt"), 1);
    assert_eq!(talk.asked("turn/interrupt")["params"], json!({"threadId": "t", "turnId": "u"}));
    talk.refuse("turn/interrupt", "no active turn to interrupt");
    talk.completed("completed");
    talk.completed("completed");
    assert_eq!(talk.ends(), [("end_turn", &TurnOutcome::Idle)], "told again it has ended once");
}

#[test]
fn an_interrupt_ends_the_command_that_it_would_leave_running() {
    let mut talk = Talk::running();
    talk.item("started", "t", command_item("c", Some("77")));
    talk.item("started", "t", command_item("waits", None));
    talk.tell("item/commandExecution/outputDelta", json!({"threadId": "t", "itemId": "c", "delta": "begin\n"}));
    talk.completed("interrupted");
    assert_eq!(
        talk.asked("thread/backgroundTerminals/terminate")["params"],
        json!({"threadId": "t", "processId": "77"})
    );
    assert_eq!(talk.count("thread/backgroundTerminals/terminate"), 1);
    let cut = format!("begin\n{}", ToolResult::CUT_SHORT);
    assert_eq!(talk.results(), [(cut.as_str(), true), (ToolResult::CUT_SHORT, true)]);
    talk.clear();
    // How it ended comes outside of any turn.
    let mut ended = command_item("c", Some("77"));
    (ended["status"], ended["aggregatedOutput"], ended["exitCode"]) = (json!("failed"), json!("begin\n"), json!(137));
    talk.item("completed", "t", ended);
    assert_eq!(talk.results(), [("begin\nExit code: 137", true)]);
    talk.refuse("thread/backgroundTerminals/terminate", "requires experimentalApi capability");
    assert_eq!(talk.asked("thread/backgroundTerminals/clean")["params"], json!({"threadId": "t"}));
    talk.refuse("thread/backgroundTerminals/clean", "no");
    assert!(matches!(talk.events.last(), Some(Event::Notice { message }) if message.contains("may still run")));
}

#[test]
fn a_command_that_runs_on_behind_its_turn_is_no_failure() {
    let mut talk = Talk::running();
    talk.item("started", "t", command_item("c", Some("77")));
    talk.completed("completed");
    assert_eq!(talk.results(), [("(It still runs in the background.)", false)]);
    assert_eq!(talk.count("thread/backgroundTerminals/terminate"), 0);
}

#[test]
fn a_proposed_plan_is_approved_before_it_is_carried_out() {
    let proposed = || {
        let mut talk = Talk::open();
        talk.command(Command::SetMode("plan".into()));
        talk.prompt("go");
        assert_eq!(talk.asked("turn/start")["params"]["collaborationMode"]["mode"], "plan");
        talk.answer("turn/start", json!({"turn": {"id": "u"}}));
        talk.item("completed", "t", json!({"type": "plan", "id": "u-plan", "text": "# Plan\n- it"}));
        talk.clear();
        talk.completed("completed");
        assert_eq!(talk.ends(), [], "for the session the turn goes on");
        let asked = talk.permission();
        assert_eq!(
            (asked.tool.as_str(), asked.title.as_str(), &asked.input),
            ("plan", "Plan", &json!({"plan": "# Plan\n- it"}))
        );
        talk
    };
    let mut talk = proposed();
    talk.choose("auto", None);
    let params = &talk.asked("turn/start")["params"];
    assert_eq!(
        (&params["collaborationMode"]["mode"], &params["input"][0]["text"]),
        (&json!("default"), &json!("Implement the plan."))
    );
    assert!(talk.events.contains(&Event::Mode("auto".into())));

    let mut talk = proposed();
    assert_eq!(talk.permission().options.len(), 2, "its own mode edits without asking");
    talk.choose("reject", Some("Use two files"));
    let params = &talk.asked("turn/start")["params"];
    assert_eq!((&params["collaborationMode"], &params["input"][0]["text"]), (&Value::Null, &json!("Use two files")));

    let mut talk = proposed();
    talk.choose("reject", None);
    assert_eq!((talk.ends(), talk.count("turn/start")), (vec![("end_turn", &TurnOutcome::Idle)], 1));

    let mut talk = proposed();
    talk.command(Command::Interrupt);
    assert_eq!((talk.ends(), talk.count("turn/interrupt")), (vec![("interrupted", &TurnOutcome::Idle)], 0));
    assert_eq!(talk.codex.stop_ladder().len(), 3, "nothing of Codex's runs");
}

#[test]
fn without_an_account_retries_are_in_vain() {
    let refused = json!({"responseStreamDisconnected": {"httpStatusCode": 401}});
    in_vain(&json!({"message": "Reconnecting... 1/5", "codexErrorInfo": refused}));
    let details = "Connection refused";
    in_vain(&json!({"message": "Reconnecting... 1/5", "additionalDetails": details, "codexErrorInfo": "other"}));
}

fn in_vain(error: &Value) {
    let mut talk = Talk::with(&options());
    talk.answer("initialize", json!({}));
    talk.answer("account/read", json!({"account": null, "requiresOpenaiAuth": true}));
    talk.answer("thread/start", opened());
    talk.prompt("go");
    talk.answer("turn/start", json!({"turn": {"id": "u"}}));
    let retry = json!({"threadId": "t", "willRetry": true, "error": error});
    talk.tell("error", retry.clone());
    talk.tell("error", retry);
    let needed: Vec<_> = talk.events.iter().filter(|event| matches!(event, Event::LoginNeeded { .. })).collect();
    let message = some_text(error, "additionalDetails").or(error["message"].as_str()).unwrap_or_default().to_owned();
    assert_eq!(needed, [&Event::LoginNeeded { message }]);
    assert_eq!(talk.count("turn/interrupt"), 1);
    talk.completed("interrupted");
    assert!(matches!(talk.ends()[..], [("error", TurnOutcome::Failed(_))]));
}

#[test]
fn a_turn_that_codex_begins_by_itself_is_a_turn() {
    let mut talk = Talk::open();
    talk.tell("turn/started", json!({"threadId": "t", "turn": {"id": "own"}}));
    assert_eq!(talk.events, [Event::TurnStarted]);
    talk.tell("turn/completed", json!({"threadId": "t", "turn": {"id": "own", "status": "completed"}}));
    assert_eq!(talk.ends().len(), 1);
}

#[test]
fn commands_of_the_prompt_are_done_by_codex_itself() {
    let mut talk = Talk::open();
    talk.prompt(" /compact ");
    assert_eq!(talk.asked("thread/compact/start")["params"], json!({"threadId": "t"}));
    talk.answer("thread/compact/start", json!({}));
    talk.tell("turn/started", json!({"threadId": "t", "turn": {"id": "u"}}));
    talk.tell("item/started", json!({"threadId": "t", "item": {"type": "contextCompaction", "id": "x"}}));
    talk.item("completed", "t", json!({"type": "contextCompaction", "id": "x"}));
    talk.completed("completed");
    let compacted = talk.events.iter().find_map(|event| match event {
        Event::Message { content: Content::Compaction(compaction), .. } => Some(compaction.trigger.as_str()),
        _ => None,
    });
    assert_eq!(compacted, Some("manual"));
    talk.prompt("/review the tests only");
    let target = json!({"type": "custom", "instructions": "the tests only"});
    assert_eq!(talk.asked("review/start")["params"]["target"], target);
    talk.answer("review/start", json!({"turn": {"id": "r"}}));
    talk.tell("turn/completed", json!({"threadId": "t", "turn": {"id": "r", "status": "completed"}}));
    talk.prompt("/compacted");
    assert_eq!(talk.asked("turn/start")["params"]["input"][0]["text"], "/compacted");
}

#[test]
fn pictures_and_skills_are_input_of_their_own() {
    let mut talk = Talk::open();
    let skill = json!({"name": "draw", "path": "/s/SKILL.md", "enabled": true});
    talk.answer("skills/list", json!({"data": [{"skills": [skill]}]}));
    let image = |path: &str, data: &str| crate::domain::Image {
        path: path.into(),
        mime: "image/png".into(),
        data: data.into(),
    };
    let images = vec![image("/a.png", "QUJD"), image("/b.png", "")];
    talk.command(Command::Prompt(Prompt { images, ..Prompt::new("/draw this") }));
    assert_eq!(
        talk.asked("turn/start")["params"]["input"],
        json!([{"type": "text", "text": "$draw this", "text_elements": []},
            {"type": "skill", "name": "draw", "path": "/s/SKILL.md"},
            {"type": "image", "url": "data:image/png;base64,QUJD"}, {"type": "localImage", "path": "/b.png"}])
    );
}

#[test]
fn many_turns_later_an_end_is_still_told_apart() {
    let mut talk = Talk::open();
    for number in 0..40 {
        talk.clear();
        talk.prompt("go");
        let id = format!("u{number}");
        talk.answer("turn/start", json!({"turn": {"id": id}}));
        let end = json!({"threadId": "t", "turn": {"id": id, "status": "completed"}});
        talk.tell("turn/completed", end.clone());
        talk.tell("turn/started", json!({"threadId": "t", "turn": {"id": id}}));
        talk.tell("turn/completed", end);
        assert_eq!(talk.ends().len(), 1, "{number}");
        assert_eq!(talk.events.iter().filter(|event| **event == Event::TurnStarted).count(), 1, "{number}");
    }
}

#[test]
fn a_plan_is_approved_by_its_own_options_only() {
    let mut talk = Talk::open();
    talk.command(Command::SetMode("plan".into()));
    talk.prompt("go");
    talk.answer("turn/start", json!({"turn": {"id": "u"}}));
    talk.item("completed", "t", json!({"type": "plan", "id": "u-plan", "text": "# Plan"}));
    talk.completed("completed");
    talk.choose("nonsense", None);
    assert_eq!(talk.count("turn/start"), 1);
    assert!(matches!(talk.events.last(), Some(Event::Notice { .. })));
    talk.choose("auto", None);
    assert_eq!(talk.count("turn/start"), 2, "the question stayed");
}
