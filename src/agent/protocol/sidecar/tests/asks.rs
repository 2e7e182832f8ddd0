//! Permissions and questions, each answered once.

use expect_test::expect;
use serde_json::json;

use super::*;

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
