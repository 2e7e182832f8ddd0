//! The rules of the protocol, one by one: lines and commands in, events and lines out.

use std::path::PathBuf;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::{
    agent::{adapter::replay::outline, protocol::registry},
    domain::{Context, ProviderConfig, ResumeMode, SessionId},
};

fn options(provider: &str) -> StartOptions {
    let id = SessionId::parse("s1").expect("a session id");
    StartOptions::new(id, provider, ProviderConfig::default(), PathBuf::from("/project"))
}

fn sidecar(provider: &str) -> Sidecar {
    Sidecar::new(options(provider), Uuid::nil())
}

/// What the tests do to a sidecar.
enum Do {
    Says(Value),
    SaysRaw(&'static str),
    Ask(&'static str),
    Interrupt,
    Reply(&'static str, Answer),
    End,
}
use Do::*;

fn play(sidecar: &mut Sidecar, steps: Vec<Do>) -> String {
    let mut text = String::new();
    for step in steps {
        let out = match step {
            Says(value) => sidecar.receive(Frame::Line(value.to_string())),
            SaysRaw(line) => sidecar.receive(Frame::Line(line.to_owned())),
            Ask(text) => sidecar.command(Command::Prompt(Prompt { text: text.to_owned(), ..Default::default() })),
            Interrupt => sidecar.command(Command::Interrupt),
            Reply(id, answer) => sidecar.command(Command::Answer { request_id: id.into(), answer }),
            End => sidecar.end(),
        };
        text.push_str(&show(&out));
    }
    text
}

fn show(out: &Output) -> String {
    let mut text: String = out.events.iter().map(brief).collect();
    for line in &out.writes {
        let line = std::str::from_utf8(line).expect("what is written is UTF-8");
        assert_eq!(line.find('\n'), Some(line.len() - 1), "a write is one line");
        text.push_str(&format!("→ {line}"));
    }
    text
}

/// Requests by what tells them apart; `a_permission_request_is_read_whole` has all of one.
fn brief(event: &Event) -> String {
    match event {
        Event::Permission(request) => {
            let options: Vec<_> = request.options.iter().map(|option| option.option_id.as_str()).collect();
            let input = &request.input;
            format!("Permission {} {} '{}' {input} {options:?}\n", request.request_id, request.tool, request.title)
        }
        Event::Capabilities(has) => {
            let Capabilities { permission, interrupt, multi_turn, resume, .. } = **has;
            format!("Capabilities {permission} {interrupt} {multi_turn} {resume}\n")
        }
        other => outline(std::slice::from_ref(other)),
    }
}

#[track_caller]
fn check(mut sidecar: Sidecar, steps: Vec<Do>, expect: Expect) {
    expect.assert_eq(&play(&mut sidecar, steps));
}

fn ready(capabilities: &[&str]) -> Do {
    Says(json!({"type": "ready", "capabilities": capabilities}))
}

fn says(kind: &str) -> Do {
    Says(json!({"type": kind, "sessionId": "whatever"}))
}

fn wrapped(event: Value) -> Do {
    Says(json!({"type": "agent_event", "sessionId": "s1", "event": event}))
}

fn thread() -> Value {
    json!({"type": "thread.started", "thread_id": "t1"})
}

fn permission(id: &str) -> Do {
    Says(json!({"type": "permission_request", "sessionId": "s1", "requestId": id, "toolUseId": "u1",
        "toolName": "Edit", "input": {"file_path": "a.rs", "old_string": "x", "new_string": "y"},
        "options": [
            {"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"},
            {"optionId": "odd", "kind": "ask_my_mother"}]}))
}

fn option(id: &str) -> Answer {
    Answer::Option { option_id: id.into(), message: None, input: None }
}

#[test]
fn it_is_a_row_of_the_registry() {
    let row = registry::find("sidecar").expect("the row is there");
    let launch = (row.launch)(&options("x"));
    assert_eq!((launch.args.len(), launch.env.len()), (0, 0));
    assert_eq!(launch.orphan_ladder.last(), Some(&Step::kill()));
    let mut protocol = (row.build)(&options("x"), Uuid::nil());
    assert!(protocol.start().writes.is_empty());
}

#[test]
fn the_first_query_is_written_without_waiting_for_ready() {
    check(
        sidecar("x"),
        vec![Ask("Hi \"you\"\nü")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"Hi \"you\"\nü","cwd":"/project","permissionMode":"bypassPermissions"}
    "#]],
    );
}

#[test]
fn the_first_query_carries_all_options_that_are_set() {
    let mut options = options("x");
    options.model = Some("m".into());
    options.system_prompt = Some("be brief".into());
    options.max_turns = Some(3);
    options.permission_mode = Some("plan".into());
    options.claude_config_dir = Some("/cfg".into());
    options.extra_env = [("A".to_owned(), "1".to_owned()), ("CLAUDE_X".to_owned(), "2".to_owned())].into();
    options.config.env = [("ANTHROPIC_API_KEY".to_owned(), "k".to_owned())].into();
    options.additional_directories = vec!["/more".into()];
    options.worktree_name = Some("w".into());
    options.resume_session_id = Some("old".into());
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("go")],
        expect![[r#"
        Mode("plan")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","model":"m","systemPrompt":"be brief","maxTurns":3,"permissionMode":"plan","claudeConfigDir":"/cfg","extraEnv":{"A":"1","ANTHROPIC_API_KEY":"k"},"additionalDirectories":["/more"],"worktreeName":"w","resumeMode":"resume","resumeSessionId":"old"}
    "#]],
    );
}

#[test]
fn what_is_empty_is_left_out_and_nothing_is_null() {
    let mut options = options("x");
    options.model = Some(String::new());
    options.resume_mode = ResumeMode::Continue;
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("go")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
    "#]],
    );
}

#[test]
fn the_selection_goes_along_in_the_prompt() {
    let context = Context { path: "a.rs".into(), first_line: 2, last_line: 2, text: "x".into(), ..Context::default() };
    let prompt = Prompt { text: "Why".into(), context: vec![context] };
    let out = sidecar("x").command(Command::Prompt(prompt));
    let query: Value = serde_json::from_slice(&out.writes[0]).expect("a query is JSON");
    assert_eq!(query["prompt"], "Why\n\nFrom `a.rs`, line 2:\n```\nx\n```");
}

#[test]
fn a_runner_that_can_ask_is_let_ask() {
    check(
        sidecar("x"),
        vec![ready(&["permission", "delta", "new_thing"]), Ask("go")],
        expect![[r#"
            Capabilities true false false true
            Mode("default")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","permissionMode":"default"}
        "#]],
    );
}

#[test]
fn ready_without_capabilities_announces_none() {
    check(
        sidecar("x"),
        vec![SaysRaw(r#"{"type":"ready"}"#), SaysRaw(r#"{"type":"ready","capabilities":"all"}"#)],
        expect![[r#"
            Capabilities false false false true
            Capabilities false false false true
        "#]],
    );
}

#[test]
fn a_runner_for_one_query_is_done_and_the_next_prompt_resumes_in_it() {
    check(
        sidecar("codex"),
        vec![Ask("one"), says("agent_started"), wrapped(thread()), says("agent_stopped"), Ask("two")],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            TurnEnded { stop_reason: "end_turn", outcome: Done }
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"resume","resumeSessionId":"t1"}
        "#]],
    );
}

#[test]
fn a_multi_turn_runner_is_idle_and_the_next_prompt_is_only_a_prompt() {
    check(
        sidecar("codex"),
        vec![ready(&["multi_turn"]), Ask("one"), wrapped(thread()), says("agent_stopped"), Ask("two")],
        expect![[r#"
            Capabilities false false true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            TurnEnded { stop_reason: "end_turn", outcome: Idle }
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two"}
        "#]],
    );
}

#[test]
fn after_an_error_the_next_prompt_resumes() {
    check(
        sidecar("codex"),
        vec![
            ready(&["multi_turn"]),
            Ask("one"),
            wrapped(thread()),
            Says(json!({"type": "agent_error", "sessionId": "s1", "message": "no credit"})),
            says("agent_stopped"),
            Ask("two"),
        ],
        expect![[r#"
            Capabilities false false true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] init {"session_id":"t1","model":"","cwd":"","tools":[]}
            AgentSession("t1")
            [1] error {"message":"no credit"}
            TurnEnded { stop_reason: "error", outcome: Failed("no credit") }
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"resume","resumeSessionId":"t1"}
        "#]],
    );
}

#[test]
fn a_session_that_failed_before_it_had_an_id_begins_again() {
    let mut options = options("x");
    options.resume_mode = ResumeMode::Continue;
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("one"), says("agent_error"), Ask("two")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
        [1] error {"message":"the runner reported an error without a text"}
        TurnEnded { stop_reason: "error", outcome: Failed("the runner reported an error without a text") }
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
    "#]],
    );
}

#[test]
fn an_error_that_the_provider_has_told_is_not_repeated() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            wrapped(json!({"type": "error", "message": "model 'x' not found"})),
            Says(json!({"type": "agent_error", "message": "model 'x' not found"})),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] error {"message":"model 'x' not found"}
            TurnEnded { stop_reason: "error", outcome: Failed("model 'x' not found") }
        "#]],
    );
}

#[test]
fn the_providers_end_of_turn_is_not_the_runners() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            wrapped(json!({"type": "chunk", "message": {"content": "a"}, "done": true, "done_reason": "length"})),
            wrapped(json!({"type": "chunk", "message": {"content": "b"}})),
            says("agent_stopped"),
            says("agent_stopped"),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-2] status {"subtype":"length","message":"the answer was cut: the model's context or its limit of tokens is full"}
            [c207579eb41c5f45ab476c9740ef4fc5-3] cost {"is_error":false}
            [c207579eb41c5f45ab476c9740ef4fc5-4 +] text {"text":"b"}
            [c207579eb41c5f45ab476c9740ef4fc5-4] text {"text":"b"}
            TurnEnded { stop_reason: "length", outcome: Done }
        "#]],
    );
}

#[test]
fn a_runner_may_begin_a_turn_by_itself() {
    check(
        sidecar("x"),
        vec![ready(&["multi_turn"]), says("agent_started"), says("agent_started"), says("agent_stopped")],
        expect![[r#"
            Capabilities false false true true
            TurnStarted
            TurnEnded { stop_reason: "end_turn", outcome: Idle }
        "#]],
    );
}

#[test]
fn events_come_wrapped_and_bare() {
    let chunk = json!({"type": "chunk", "message": {"content": "a"}});
    check(
        sidecar("ollama"),
        vec![wrapped(chunk.clone()), Says(chunk.clone()), Says(json!({"event": chunk}))],
        expect![[r#"
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"a"}
        "#]],
    );
}

#[test]
fn an_event_that_is_no_object_is_unknown() {
    check(
        sidecar("ollama"),
        vec![
            wrapped(json!("text")),
            wrapped(Value::Null),
            says("agent_event"),
            Says(json!({"type": "surprise", "x": 1})),
            Says(json!({"x": 1})),
            Says(json!({"type": 7})),
            Says(json!({"type": "surprise", "event": {"type": "chunk"}})),
        ],
        expect![[r#"
            [1] unknown {"type":"agent_event","sessionId":"s1","event":"text"}
            [2] unknown {"type":"agent_event","sessionId":"s1","event":null}
            [3] unknown {"type":"agent_event","sessionId":"whatever"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] unknown {"type":"surprise","x":1}
            [c207579eb41c5f45ab476c9740ef4fc5-2] unknown {"x":1}
            [c207579eb41c5f45ab476c9740ef4fc5-3] unknown {"type":7}
            [c207579eb41c5f45ab476c9740ef4fc5-4] unknown {"type":"surprise","event":{"type":"chunk"}}
        "#]],
    );
}

#[test]
fn a_bare_error_is_a_complaint_and_the_session_goes_on() {
    check(
        sidecar("ollama"),
        vec![
            Ask("one"),
            Says(json!({"type": "error", "message": "unknown message type: ping"})),
            Says(json!({"type": "error", "sessionId": "s1", "error": "what?"})),
            Says(json!({"type": "error"})),
            Says(json!({"type": "error", "message": "from the provider", "session_id": "o1"})),
            wrapped(json!({"type": "error", "message": "from the provider too"})),
            says("pong"),
        ],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            Noise { text: "the runner complains: unknown message type: ping" }
            [1] status {"subtype":"runner","message":"unknown message type: ping"}
            Noise { text: "the runner complains: what?" }
            [2] status {"subtype":"runner","message":"what?"}
            Noise { text: "the runner complains: the runner reported an error without a text" }
            [3] status {"subtype":"runner","message":"the runner reported an error without a text"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] error {"message":"from the provider"}
            [c207579eb41c5f45ab476c9740ef4fc5-2] error {"message":"from the provider too"}
        "#]],
    );
}

#[test]
fn what_is_no_object_is_noise() {
    let long = Box::leak(format!("{}é tail", "x".repeat(99)).into_boxed_str());
    check(
        sidecar("x"),
        vec![SaysRaw("Listening on 3000"), SaysRaw("[1]"), SaysRaw("5"), SaysRaw("{\"type\":"), SaysRaw(long)],
        expect![[r#"
            Noise { text: "Listening on 3000" }
            Noise { text: "[1]" }
            Noise { text: "5" }
            Noise { text: "{\"type\":" }
            Noise { text: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxé" }
        "#]],
    );
}

#[test]
fn a_line_that_was_too_long_is_said_with_its_size() {
    let out = sidecar("x").receive(Frame::TooLong { bytes: 20_971_520 });
    expect![[r#"
        [1] status {"subtype":"dropped","message":"a line of 20971520 bytes was too long and was dropped"}
    "#]]
    .assert_eq(&show(&out));
}

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
                                    old_start: 1,
                                    new_start: 1,
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
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&out.events);
}

#[test]
fn an_interrupt_that_comes_too_late_is_not_written() {
    check(
        sidecar("x"),
        vec![ready(&["interrupt", "multi_turn"]), Interrupt, Ask("one"), Interrupt, says("agent_stopped"), Interrupt],
        expect![[r#"
            Capabilities false true true true
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            → {"type":"interrupt","sessionId":"s1"}
            TurnEnded { stop_reason: "interrupted", outcome: Idle }
        "#]],
    );
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
        Says(json!({"type": "question_request", "requestId": id, "questions": [
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
            Question(QuestionRequest { request_id: RequestId("q1"), questions: [Question { id: "Which colour?", header: "Colour", text: "Which colour?", multi: true, secret: false, options: [QuestionOption { label: "Blue", description: "like the sky" }, QuestionOption { label: "Red", description: "" }], allow_other: true }, Question { id: "name", header: "", text: "Your name?", multi: false, secret: true, options: [], allow_other: true }] })
            → {"type":"question_response","sessionId":"s1","requestId":"q1","answers":{"Which colour?":["Blue","Red"],"name":["Ada"]}}
            Question(QuestionRequest { request_id: RequestId("q2"), questions: [Question { id: "Which colour?", header: "Colour", text: "Which colour?", multi: true, secret: false, options: [QuestionOption { label: "Blue", description: "like the sky" }, QuestionOption { label: "Red", description: "" }], allow_other: true }, Question { id: "name", header: "", text: "Your name?", multi: false, secret: true, options: [], allow_other: true }] })
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
            Withdrawn(RequestId("r1"))
            → {"type":"permission_response","sessionId":"s1","requestId":"r1","optionId":"n","cancelled":true}
            → {"type":"interrupt","sessionId":"s1"}
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
fn the_end_of_its_output_closes_everything() {
    let chunk = wrapped(json!({"type": "chunk", "message": {"content": "half"}}));
    check(
        sidecar("ollama"),
        vec![Ask("one"), chunk, permission("r1"), End, End],
        expect![[r#"
            Mode("bypassPermissions")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"bypassPermissions"}
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"half"}
            Permission r1 Edit 'a.rs' {"file_path":"a.rs","old_string":"x","new_string":"y"} ["y", "n", "odd"]
            [c207579eb41c5f45ab476c9740ef4fc5-1] text {"text":"half"}
            Withdrawn(RequestId("r1"))
            TurnEnded { stop_reason: "exited", outcome: Done }
        "#]],
    );
}

#[test]
fn stop_is_written_and_what_lives_on_is_killed() {
    let ladder = sidecar("x").stop_ladder();
    let stop = b"{\"type\":\"stop\",\"sessionId\":\"s1\"}\n".to_vec();
    assert_eq!(ladder[0].action, Action::Write(stop));
    assert_eq!(ladder.last(), Some(&Step::kill()));
    assert_eq!(ladder.iter().map(|step| step.wait).sum::<Duration>(), STOP_LIMIT);
}

#[test]
fn model_and_mode_are_for_the_start() {
    for command in [Command::SetModel("m".into()), Command::SetMode("plan".into())] {
        let out = sidecar("x").command(command);
        assert!(out.writes.is_empty());
        assert!(matches!(&out.events[..], [Event::Notice { message }] if message.contains("at the start")));
    }
}
