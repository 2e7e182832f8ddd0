//! The real `codex app-server` through our protocol value. The prompts name scenarios of `tests/mocks/models/script.py`.

use std::fs;

use agor_nvim::domain::{
    Answer, Capabilities, Command, Content, Event, McpServer, OptionKind, PlanStatus, Prompt, ToolKind, ToolResult,
    TurnOutcome,
};

use crate::{
    agent::CODEX,
    driver::{Session, World},
};

pub(super) fn idle(stop_reason: &str) -> (String, TurnOutcome) {
    (stop_reason.to_owned(), TurnOutcome::Idle)
}

pub(super) fn conversation(event: &Event) -> Option<String> {
    match event {
        Event::AgentSession(id) => Some(id.clone()),
        _ => None,
    }
}

fn call(event: &Event) -> Option<ToolKind> {
    match event {
        Event::Message { content: Content::ToolCall(call), .. } => Some(call.kind),
        _ => None,
    }
}

/// A session in this mode.
pub(super) fn session(world: &World, mode: &str) -> Session {
    let mut options = world.options();
    options.permission_mode = Some(mode.to_owned());
    // One that Codex knows, for its tools.
    options.model = Some("gpt-5.5".to_owned());
    Session::start(world, &options)
}

fn able(session: &Session) -> &Capabilities {
    let told = session.events.iter().rev().find_map(|event| match event {
        Event::Capabilities(able) => Some(&**able),
        _ => None,
    });
    told.expect("it says what it can")
}

/// Waits for the end of a process that is told to end.
#[track_caller]
fn assert_ends(pid: &str) {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::{Pid, PidfdFlags, pidfd_open},
    };
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
    // One that is not there has ended.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).expect("it can be waited for");
    assert_eq!(ended, 1, "{pid:?} still runs");
}

#[test]
fn text_streams_and_two_turns_share_a_thread() {
    let world = World::of(&CODEX);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:long:40");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let parts = session.events.iter().filter(|event| matches!(event, Event::Message { part: true, .. })).count();
    assert_eq!(parts, 40);
    session.prompt("SCENARIO:thinking");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let words: String = (0..40).map(|number| format!("word{number} ")).collect();
    assert_eq!(session.texts(), [words.as_str(), "After thinking: 42."]);
    let thought = |event: &Event| matches!(event, Event::Message { part: false, content: Content::Thinking { text }, .. } if text.starts_with("**Thinking"));
    assert!(session.events.iter().any(thought), "{:#?}", session.events);
    assert_eq!(session.events.iter().filter_map(conversation).count(), 1);
    let input: Vec<_> = session
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { content: Content::Cost(cost), .. } => cost.input_tokens,
            _ => None,
        })
        .collect();
    assert_eq!(input, [1200, 1200], "each turn has its own share");
    assert!(session.events.iter().any(|event| matches!(event, Event::Context { used: 1225, size: Some(_) })));
    let able = able(&session);
    assert_eq!(
        able.models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(),
        ["mock-model"],
        "no other provider's"
    );
    assert!(able.commands.iter().any(|command| command.id == "compact"));
    assert!(session.close().success());
}

#[test]
fn a_command_runs_when_it_is_allowed_and_only_then() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:escalated");
    let asked = session.permission();
    assert_eq!(asked.reason.as_deref(), Some("May this run outside the sandbox?"));
    session.choose(&asked.request_id, "decline", Some("Not with the shell, please."));
    assert_eq!(session.result().output, ToolResult::NOT_WANTED);
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(!world.project().join("made.txt").exists());
    assert!(world.mock.told().contains("Not with the shell, please."), "{}", world.mock.told());

    session.prompt("SCENARIO:escalated");
    let asked = session.permission();
    session.choose(&asked.request_id, "accept", None);
    assert_eq!(session.result().output, "hello-from-bash\n");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(world.project().join("made.txt").exists());
}

#[test]
fn what_was_allowed_for_the_session_is_not_asked_again_and_for_good_in_no_other() {
    let world = World::of(&CODEX);
    let mut first = session(&world, "ask");
    first.prompt("SCENARIO:bash:touch+a.txt");
    let asked = first.permission();
    first.choose(&asked.request_id, "acceptForSession", None);
    assert_eq!(first.turn_end(), idle("end_turn"));
    first.prompt("SCENARIO:bash:touch+a.txt");
    assert_eq!(first.turn_end(), idle("end_turn"));
    assert_eq!(first.events.iter().filter(|event| matches!(event, Event::Permission(_))).count(), 1);
    assert!(first.close().success());

    let mut second = session(&world, "ask");
    second.prompt("SCENARIO:bash:touch+a.txt");
    let asked = second.permission();
    let lasting = asked.options.iter().find(|option| option.name.contains("for good")).expect("it says so");
    assert_eq!(lasting.kind, OptionKind::AllowAlways);
    assert!(lasting.name.contains("`touch a.txt`"), "{}", lasting.name);
    second.choose(&asked.request_id, lasting.option_id.as_str(), None);
    assert_eq!(second.turn_end(), idle("end_turn"));
    assert!(second.close().success());
    let rules = fs::read_to_string(world.home().join(".codex/rules/default.rules")).expect("the rule is written");
    assert!(rules.contains("touch"), "{rules}");
    let mut third = session(&world, "ask");
    third.prompt("SCENARIO:bash:touch+a.txt");
    assert_eq!(third.turn_end(), idle("end_turn"));
    assert!(!third.events.iter().any(|event| matches!(event, Event::Permission(_))));
}

#[test]
fn an_edit_is_asked_with_its_diff_and_done() {
    let world = World::of(&CODEX);
    fs::write(world.project().join("hello.txt"), "hello world\n").expect("a file");
    let mut session = session(&world, "read-only");
    session.prompt("SCENARIO:edit");
    assert_eq!(session.wait("call", call), ToolKind::Read);
    let asked = session.permission();
    assert_eq!((asked.tool.as_str(), asked.title.as_str()), ("apply_patch", "hello.txt"));
    assert_eq!(asked.diff[0].hunks[0].lines, ["-hello world", "+hello there"]);
    session.choose(&asked.request_id, "accept", None);
    let result = session.result();
    assert_eq!((result.is_error, result.diff.len()), (false, 1), "{result:?}");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(fs::read_to_string(world.project().join("hello.txt")).expect("the file"), "hello there\n");
}

#[test]
fn a_list_of_steps_is_a_plan_that_changes_in_place() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:todo");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let plans: Vec<_> = session
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { id, content: Content::Plan(plan), .. } => Some((id, plan.entries.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(plans.len(), 2, "{plans:?}");
    assert_eq!(plans[0].0, plans[1].0);
    assert_eq!((plans[0].1[0].status, plans[1].1[0].status), (PlanStatus::InProgress, PlanStatus::Completed));
}

#[test]
fn a_turn_is_interrupted_in_mid_text_and_the_next_goes_on() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:slow:200");
    session.wait("first words", |event| matches!(event, Event::Message { part: true, .. }).then_some(()));
    session.command(Command::Interrupt);
    assert_eq!(session.turn_end(), idle("interrupted"));
    let said = session.texts().concat();
    assert!(said.starts_with("slow0 ") && !said.contains("slow199"), "{said}");
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
}

#[test]
fn an_interrupt_ends_the_command_that_runs() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "full-access");
    session.prompt("SCENARIO:bash:echo+$$>pid;while+:;do+echo+begun;sleep+0.1;done");
    let output = |event: &Event| match event {
        Event::Message { part: true, content: Content::ToolResult(result), .. } => Some(result.output.clone()),
        _ => None,
    };
    // What a command says at once comes with its end only, so this one goes on saying it.
    assert!(session.wait("live output", output).starts_with("begun\n"));
    session.command(Command::Interrupt);
    assert_eq!(session.turn_end(), idle("interrupted"));
    // Codex says how it ended, when it has: the call is told again with the whole.
    let ended = |event: &Event| match event {
        Event::Message { part: false, content: Content::ToolResult(result), .. } => Some(result.clone()),
        _ => None,
    };
    let result = session.wait("the command's end", ended);
    assert!(result.is_error && result.output.contains("begun\nExit code:"), "{result:?}");
    assert_ends(&fs::read_to_string(world.project().join("pid")).expect("it has begun"));
}

#[test]
fn what_is_said_into_a_turn_is_read_in_it() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:bash:sleep+2;echo+slept");
    session.wait("call", call);
    session.command(Command::Steer(Prompt::new("and SCENARIO:text")));
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(session.texts().last().map(String::as_str), Some("Hello from the mock. This is a plain answer."));
    let count = world.mock.told().matches("and SCENARIO:text").count();
    assert_eq!(count, 1, "once");
    assert!(!session.events.iter().any(|event| matches!(event, Event::Returned(_))));
}

#[test]
fn what_was_said_into_an_interrupted_turn_comes_back() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:bash:while+:;do+echo+begun;sleep+0.1;done");
    session.wait("live output", |event| match event {
        Event::Message { part: true, content: Content::ToolResult(_), .. } => Some(()),
        _ => None,
    });
    session.command(Command::Steer(Prompt::new("never read")));
    session.command(Command::Interrupt);
    let back = session.wait("the prompt", |event| match event {
        Event::Returned(prompt) => Some(prompt.text.clone()),
        _ => None,
    });
    assert_eq!(back, "never read");
    assert_eq!(session.turn_end(), idle("interrupted"));
}

#[test]
fn a_model_that_fails_says_why_once() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:error400");
    let (reason, outcome) = session.turn_end();
    assert_eq!(reason, "error");
    assert_eq!(outcome, TurnOutcome::Failed("Bad request from the mock.".to_owned()));
    let errors =
        session.events.iter().filter(|event| matches!(event, Event::Message { content: Content::Error { .. }, .. }));
    assert_eq!(errors.count(), 1);
    session.prompt("SCENARIO:error401");
    session.wait("login", |event| matches!(event, Event::LoginNeeded { .. }).then_some(()));
    assert_eq!(session.turn_end().0, "error");
    session.prompt("SCENARIO:drop");
    assert_eq!(session.turn_end(), idle("end_turn"), "it was tried again");
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
}

#[test]
fn modes_models_and_efforts_hold_from_the_next_turn_on() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "read-only");
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    session.command(Command::SetMode("full-access".to_owned()));
    session.command(Command::SetEffort("high".to_owned()));
    session.prompt("SCENARIO:bash");
    assert_eq!(session.turn_end(), idle("end_turn"), "nothing is asked");
    assert!(world.project().join("made.txt").exists());
    let told: serde_json::Value = world.mock.requests().last().expect("asked")["body"].clone();
    assert_eq!(told["reasoning"]["effort"], "high");
    session.command(Command::SetModel("mock-model".to_owned()));
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(world.mock.requests().last().expect("asked")["body"]["model"], "mock-model");
}

#[test]
fn the_model_asks_and_proposes_in_plan_mode() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "plan");
    session.prompt("SCENARIO:ask");
    let asked = session.wait("question", |event| match event {
        Event::Question(asked) => Some((**asked).clone()),
        _ => None,
    });
    assert_eq!(asked.questions[0].options[1].label, "Blue");
    let answers = [(asked.questions[0].id.clone(), vec!["Blue".to_owned()])].into();
    session.command(Command::Answer { request_id: asked.request_id, answer: Answer::Answers(answers) });
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(session.texts().concat().contains("Blue"), "{:?}", session.texts());

    session.prompt("SCENARIO:propose");
    let asked = session.permission();
    assert_eq!(asked.tool, "plan");
    assert!(asked.input["plan"].as_str().is_some_and(|plan| plan.contains("- first this")), "{:?}", asked.input);
    session.choose(&asked.request_id, "auto", None);
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(world.mock.told().contains("Implement the plan."));
    assert!(
        !matches!(session.events.iter().rev().find(|event| matches!(event, Event::Mode(_))), Some(Event::Mode(mode)) if mode == "plan")
    );
}

#[test]
fn a_subagent_is_shown_below_its_call() {
    let world = World::of(&CODEX);
    let mut options = world.options();
    // Only the newer ones have agents of their own.
    options.model = Some("gpt-6.1-sol".to_owned());
    let mut session = Session::start(&world, &options);
    session.prompt("SCENARIO:delegate");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let nested = session.events.iter().find_map(|event| match event {
        Event::Message { parent_id: Some(parent), content: Content::Text { .. }, part: false, .. } => {
            Some(parent.clone())
        }
        _ => None,
    });
    let parent = nested.expect("what the agent said");
    let results = session.events.iter().filter_map(|event| match event {
        Event::Message { content: Content::ToolResult(result), .. } if result.tool_use_id == parent => {
            Some(result.clone())
        }
        _ => None,
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(!results[0].is_error);
}

#[test]
fn servers_of_the_users_configuration_are_there_and_ask() {
    let world = World::of(&CODEX);
    let mut options = world.options();
    options.permission_mode = Some("ask".to_owned());
    options.model = Some("gpt-5.5".to_owned());
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mocks/mcp_echo.py");
    options.config.mcp_servers = vec![
        McpServer {
            name: "files".to_owned(),
            command: vec!["python3".to_owned(), script.display().to_string()],
            ..McpServer::default()
        },
        McpServer { name: "gone".to_owned(), url: "http://127.0.0.1:1/mcp".to_owned(), ..McpServer::default() },
    ];
    let mut session = Session::start(&world, &options);
    session.wait("notice", |event| match event {
        Event::Notice { message } => message.starts_with("Codex works without the MCP server gone").then_some(()),
        _ => None,
    });
    session.prompt("SCENARIO:mcp");
    let asked = session.permission();
    assert!(asked.title.contains("files"), "{}", asked.title);
    assert!(asked.tool_use_id.is_some());
    session.choose(&asked.request_id, "session", None);
    assert_eq!(session.result().output, "echo: {\"text\": \"hi\"}");
    assert_eq!(session.turn_end(), idle("end_turn"));
    session.prompt("SCENARIO:mcp");
    assert_eq!(session.turn_end(), idle("end_turn"), "it is not asked again");
}

#[test]
fn stopping_ends_a_running_command_and_codex() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "full-access");
    session.prompt("SCENARIO:bash:echo+$$>pid;while+:;do+echo+begun;sleep+0.1;done");
    session.wait("live output", |event| match event {
        Event::Message { part: true, content: Content::ToolResult(_), .. } => Some(()),
        _ => None,
    });
    let (status, rung) = session.stop();
    assert!(status.success(), "{status}");
    assert!(rung <= 1, "no signal was needed: {rung}");
    assert_ends(&fs::read_to_string(world.project().join("pid")).expect("it has begun"));
}
