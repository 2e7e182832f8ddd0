//! Permissions and questions, each answered once.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::domain::{
    Subject,
    policy::{Policy, PolicyRule},
};
use std::sync::Arc;

#[test]
fn permissions_are_asked_side_by_side_and_answered_once() {
    check(
        sidecar("x"),
        vec![
            Ask("one"),
            permission("r1"),
            permission("r2"),
            permission("r2"),
            Reply("r2", option("y")),
            Reply("r2", option("n")),
            Reply("r1", Answer::Option { option_id: "n".into(), message: Some("not \"so\"\n".into()), input: None }),
            Reply("r3", option("y")),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            Permission r2 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            Noise { text: "the runner asked r2 twice" }
            → {"type":"permission_response","sessionId":"s1","requestId":"r2","optionId":"y"}
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"n","message":"not \"so\"\n"}
        "#]],
    );
}

#[test]
fn a_permission_request_is_read_whole() {
    let mut sidecar = sidecar("x");
    let Says(request) = permission("r1") else { unreachable!("it is something said") };
    let out = sidecar.receive(Frame::Line(request.to_string()));
    expect![[r#"
        [
            Permission(
                PermissionRequest {
                    request_id: RequestId(
                        "r1",
                    ),
                    tool_use_id: Some(
                        ToolUseId(
                            "u1",
                        ),
                    ),
                    tool: "Edit",
                    title: "a.rs",
                    input: Object {
                        "file_path": String("a.rs"),
                        "old_string": String("x"),
                        "new_string": String("y"),
                    },
                    diff: [
                        FileDiff {
                            path: "a.rs",
                            hunks: [
                                Hunk {
                                    old_start: 0,
                                    new_start: 0,
                                    lines: [
                                        "-x",
                                        "+y",
                                    ],
                                },
                            ],
                        },
                    ],
                    reason: None,
                    options: [
                        PermissionOption {
                            option_id: OptionId(
                                "y",
                            ),
                            name: "Yes",
                            kind: AllowOnce,
                        },
                        PermissionOption {
                            option_id: OptionId(
                                "n",
                            ),
                            name: "No",
                            kind: RejectOnce,
                        },
                        PermissionOption {
                            option_id: OptionId(
                                "odd",
                            ),
                            name: "odd",
                            kind: Other,
                        },
                    ],
                    subject: Files {
                        paths: [
                            "a.rs",
                        ],
                        change: true,
                    },
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&out.events);
}

#[test]
fn what_is_allowed_once_is_the_first_option() {
    let mut sidecar = sidecar("x");
    let Says(mut request) = permission("r1") else { unreachable!("it is something said") };
    request["options"] = json!([{"optionId": "n", "kind": "reject_once"}, {"optionId": "ever", "kind": "allow_always"},
        {"optionId": "y", "kind": "allow_once"}]);
    let out = sidecar.receive(Frame::Line(request.to_string()));
    let [Event::Permission(request)] = &out.events[..] else { panic!("{:?}", out.events) };
    let ids: Vec<_> = request.options.iter().map(|option| option.option_id.as_str()).collect();
    assert_eq!(ids, ["y", "n", "ever"]);
}

#[test]
fn a_permission_without_options_can_be_answered() {
    let ask = json!({"type": "permission_request", "requestId": "r1", "toolName": "Bash", "input": {"command": "ls"}});
    check(
        sidecar("x"),
        vec![Says(ask), Reply("r1", option("allow"))],
        expect![[r#"
            Permission r1 Bash 'ls' {"command":"ls"} ["allow", "reject"]
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"allow"}
        "#]],
    );
}

#[test]
fn a_permission_without_an_id_is_unknown() {
    check(
        sidecar("x"),
        vec![
            Says(json!({"type": "permission_request", "toolName": "Bash"})),
            Says(json!({"type": "question_request", "requestId": "q", "questions": []})),
        ],
        expect![[r#"
            [1] unknown {"type":"permission_request","toolName":"Bash"}
            [2] unknown {"type":"question_request","requestId":"q","questions":[]}
        "#]],
    );
}

#[test]
fn a_plan_is_approved_as_edited() {
    let ask = json!({"type": "permission_request", "requestId": "r1", "toolName": "ExitPlanMode",
        "input": {"plan": "# Plan\n1. a"}, "reason": "ready to go",
        "options": [{"optionId": "go", "name": "Approve", "kind": "allow_once"}]});
    let answer = Answer::Option { option_id: "go".into(), message: None, input: Some(json!({"plan": "# Plan\n1. b"})) };
    check(
        sidecar("x"),
        vec![Says(ask), Reply("r1", answer)],
        expect![[r##"
            Permission r1 plan 'Plan…' {"plan":"# Plan\n1. a"} ["go"]
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"go","input":{"plan":"# Plan\n1. b"}}
        "##]],
    );
}

#[test]
fn a_cancelled_permission_refuses() {
    check(
        sidecar("x"),
        vec![
            permission("r1"),
            Reply("r1", Answer::Cancelled),
            Says(json!({"type": "permission_request", "requestId": "r2", "options": [
                {"optionId": "only", "kind": "allow_once"}]})),
            Reply("r2", Answer::Cancelled),
        ],
        expect![[r#"
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"n","cancelled":true}
            Permission r2  '' null ["only"]
            → {"type":"permission_response","sessionId":"s1","requestId":"r2","cancelled":true}
        "#]],
    );
}

#[test]
fn a_runners_own_questions_are_answered_by_id() {
    let ask = |id: &str| {
        Says(json!({"type": "question_request", "requestId": id, "toolUseId": format!("of-{id}"), "questions": [
        {"question": "Which colour?", "header": "Colour", "multiSelect": true, "options": [
            {"label": "Blue", "description": "like the sky"}, {"label": "Red"}]},
        {"id": "name", "question": "Your name?", "allowOther": true, "secret": true}]}))
    };
    let answers = [
        ("Which colour?".to_owned(), vec!["Blue".to_owned(), "Red".to_owned()]),
        ("name".to_owned(), vec!["Ada".into()]),
    ];
    check(
        sidecar("x"),
        vec![ask("q1"), Reply("q1", Answer::Answers(answers.into())), ask("q2"), Reply("q2", Answer::Cancelled)],
        expect![[r#"
            Question(QuestionRequest { request_id: RequestId("q1"), tool_use_id: Some(ToolUseId("of-q1")), url: None, questions: [Question { id: "Which colour?", header: "Colour", text: "Which colour?", multi: true, secret: false, options: [QuestionOption { label: "Blue", description: "like the sky" }, QuestionOption { label: "Red", description: "" }], allow_other: true }, Question { id: "name", header: "", text: "Your name?", multi: false, secret: true, options: [], allow_other: true }] })
            → {"type":"question_response","sessionId":"s1","requestId":"q1","answers":{"Which colour?":["Blue","Red"],"name":["Ada"]}}
            Question(QuestionRequest { request_id: RequestId("q2"), tool_use_id: Some(ToolUseId("of-q2")), url: None, questions: [Question { id: "Which colour?", header: "Colour", text: "Which colour?", multi: true, secret: false, options: [QuestionOption { label: "Blue", description: "like the sky" }, QuestionOption { label: "Red", description: "" }], allow_other: true }, Question { id: "name", header: "", text: "Your name?", multi: false, secret: true, options: [], allow_other: true }] })
            → {"type":"question_response","sessionId":"s1","requestId":"q2","cancelled":true}
        "#]],
    );
}

#[test]
fn questions_end_with_their_turn() {
    check(
        sidecar("x"),
        vec![Ask("one"), permission("r1"), says("agent_stopped"), Reply("r1", option("y"))],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            Withdrawn(RequestId("r1"))
            TurnEnded { stop_reason: "end_turn", outcome: Done }
        "#]],
    );
    check(
        sidecar("x"),
        vec![Ask("one"), permission("r1"), says("agent_error"), Reply("r1", option("y"))],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            Withdrawn(RequestId("r1"))
            [1] error {"message":"the runner reported an error without a text"}
            TurnEnded { stop_reason: "error", outcome: Failed("the runner reported an error without a text") }
        "#]],
    );
}

#[test]
fn an_interrupt_cancels_what_is_asked_and_is_written_to_those_who_know_it() {
    check(
        sidecar("x"),
        vec![ready(&["interrupt"]), Ask("one"), permission("r1"), Interrupt, Interrupt],
        expect![[r#"
            Capabilities false true false true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            → {"type":"interrupt","sessionId":"s1"}
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"n","cancelled":true}
            → {"type":"interrupt","sessionId":"s1"}
        "#]],
    );
    check(
        sidecar("x"),
        vec![Ask("one"), permission("r1"), Interrupt],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            Notice { message: "This runner cannot end a turn and live on: :Agor stop ends it, the next prompt resumes" }
        "#]],
    );
}

#[test]
fn a_call_waits_for_what_rules_say_of_it_and_has_one_answer() {
    let call = |id: &str| {
        Says(json!({"type": "call_request", "requestId": id, "toolUseId": "t", "toolName": "read_file",
            "title": "a", "input": {"path": "a"}, "files": ["/project/a"], "change": false}))
    };
    let judged = |id: &str, judgement| Tell(Command::Judged { request_id: id.into(), judgement });
    let mut sidecar = sidecar("x");
    sidecar.command(Command::Prompt(Prompt::new("go")));
    let Says(value) = call("c0") else { unreachable!("it is something said") };
    let out = sidecar.receive(Frame::Line(value.to_string()));
    let [Event::Call(told)] = &out.events[..] else { panic!("{:?}", out.events) };
    assert_eq!(told.subject, Subject::Files { paths: vec!["/project/a".into()], change: false });
    assert_eq!((told.tool.as_str(), told.options.len()), ("read_file", 2));
    let said = play(
        &mut sidecar,
        vec![
            judged("c0", Judgement::Nothing),
            judged("c0", Judgement::Nothing),
            call("c1"),
            call("c1"),
            judged("c1", Judgement::Deny("no".into())),
            call("c2"),
            judged("c2", Judgement::Ask("why".into())),
            call("c3"),
            Says(json!({"type": "agent_stopped"})),
            judged("c3", Judgement::Nothing),
        ],
    );
    let written: Vec<&str> = said.lines().filter(|line| line.starts_with('→') || line.starts_with("Noise")).collect();
    assert_eq!(
        written,
        [
            r#"→ {"type":"call_response","sessionId":"s1","requestId":"c0","decision":"none"}"#,
            r#"Noise { text: "the runner told of a call twice" }"#,
            r#"→ {"type":"call_response","sessionId":"s1","requestId":"c1","decision":"deny","message":"no"}"#,
            r#"→ {"type":"call_response","sessionId":"s1","requestId":"c2","decision":"ask","message":"why"}"#,
        ]
    );
}

#[test]
fn a_runner_that_does_not_wait_for_its_answers_has_its_calls_refused() {
    let mut sidecar = sidecar("x");
    sidecar.command(Command::Prompt(Prompt::new("go")));
    let call = |sidecar: &mut Sidecar, id: usize| {
        let value = json!({"type": "call_request", "requestId": format!("c{id}"), "toolName": "dig", "input": {}});
        sidecar.receive(Frame::Line(value.to_string()))
    };
    for id in 0..MOST_CALLS {
        assert!(matches!(&call(&mut sidecar, id).events[..], [Event::Call(_)]), "{id}");
    }
    for id in [MOST_CALLS, MOST_CALLS] {
        let out = call(&mut sidecar, id);
        let said = serde_json::from_slice::<Value>(&out.writes[0]).expect("JSON");
        assert_eq!((out.events.len(), &said["requestId"], &said["decision"]), (0, &json!("c500"), &json!("deny")));
        assert!(said["message"].as_str().is_some_and(|why| why.ends_with("wait for an answer")), "{said}");
    }
    assert!(matches!(&call(&mut sidecar, 0).events[..], [Event::Noise { .. }]), "that one is told of already");
    sidecar.command(Command::Judged { request_id: "c0".into(), judgement: Judgement::Nothing });
    assert!(matches!(&call(&mut sidecar, MOST_CALLS).events[..], [Event::Call(_)]), "there is room again");
}

#[test]
fn a_runner_is_to_tell_of_calls_only_where_rules_restrict() {
    let judges = |policy: Policy| {
        let mut options = options("x");
        options.policy = Arc::new(policy);
        let mut sidecar = Sidecar::new(options, Uuid::nil());
        let out = sidecar.command(Command::Prompt(Prompt::new("go")));
        serde_json::from_slice::<Value>(&out.writes[0]).expect("JSON")["judgeCalls"].clone()
    };
    let rule = || vec![PolicyRule::default()];
    assert_eq!(judges(Policy::default()), Value::Null);
    assert_eq!(judges(Policy { allow: rule(), ..Policy::default() }), Value::Null);
    assert_eq!(judges(Policy { ask: rule(), ..Policy::default() }), true);
    // Whether it does that it has to say.
    let mut sidecar = sidecar("x");
    for (words, tells) in [(json!(["permission"]), false), (json!(["permission", "calls"]), true)] {
        let out = sidecar.receive(Frame::Line(json!({"type": "ready", "capabilities": words}).to_string()));
        let Some(Event::Capabilities(has)) = out.events.last() else { panic!("{:?}", out.events) };
        assert_eq!(has.tells_calls, tells);
    }
}

#[test]
fn what_a_call_is_about_is_looked_for_where_it_does_not_say() {
    let subject = |more: Value| {
        let mut value = json!({"type": "call_request", "requestId": "c", "toolName": "dig", "input": {"path": "a"}});
        value.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        ask::call(&value, "/project").expect("a call").1.subject
    };
    let files = |change| Subject::Files { paths: vec!["/a".into()], change };
    assert_eq!(subject(json!({"files": ["/a"], "change": false})), files(false));
    assert_eq!(subject(json!({"files": ["/a"]})), files(true), "it may be a change");
    for odd in [json!({}), json!({"files": []}), json!({"files": ["/a", 1]}), json!({"files": "/a"})] {
        assert_eq!(subject(odd), Subject::Tool);
    }
}
