//! The Ollama agent as a process under its keeper, over a server that stands for Ollama's: what a user asks, what the server
//! is asked, what comes back.

mod ends;
#[path = "../support/family.rs"]
mod family;
#[path = "../support/ollama.rs"]
mod ollama;
mod rules;
#[path = "../support/runner.rs"]
mod runner;
mod tools;
mod wrong;

use std::{fs, path::Path};

use agor_nvim::domain::{
    Capabilities, Command, Content, Cost, Event, Image, Prompt, StartOptions, ToolResult, TurnOutcome,
};
use family::Family;
use ollama::Ollama;
use runner::{Runner, contents, ended, streamed_text, whole_text};
use serde_json::{Value, json};

fn start(server: &Ollama) -> Runner {
    start_with(server, |_| {})
}

fn start_with(server: &Ollama, change: impl FnOnce(&mut StartOptions)) -> Runner {
    start_in(Family::new(), &server.host(), change)
}

/// Conversations are kept in the family's folder, as is the project.
fn start_in(family: Family, host: &str, change: impl FnOnce(&mut StartOptions)) -> Runner {
    let state = family.cwd().join("state").to_string_lossy().into_owned();
    let project = family.cwd().join("project");
    fs::create_dir_all(&project).expect("a folder");
    // As the preset has it.
    Runner::start_in(family, "ollama", &[("OLLAMA_HOST", host), ("XDG_STATE_HOME", &state)], |options| {
        options.permission_mode = Some("default".into());
        options.cwd = project;
        change(options);
    })
}

fn project(runner: &Runner) -> std::path::PathBuf {
    runner.family.cwd().join("project")
}

fn statuses(events: &[Event]) -> Vec<(&str, &str)> {
    let found = contents(events).filter_map(|(content, _)| match content {
        Content::Status { subtype, message } => Some((subtype.as_str(), message.as_str())),
        _ => None,
    });
    found.collect()
}

fn results(events: &[Event]) -> Vec<&ToolResult> {
    let found = contents(events).filter_map(|(content, _)| match content {
        Content::ToolResult(result) => Some(result),
        _ => None,
    });
    found.collect()
}

fn cost(events: &[Event]) -> Vec<&Cost> {
    let found = contents(events).filter_map(|(content, _)| match content {
        Content::Cost(cost) => Some(cost),
        _ => None,
    });
    found.collect()
}

fn agent_session(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| match event {
        Event::AgentSession(id) => Some(id.clone()),
        _ => None,
    })
}

#[track_caller]
fn failed(events: &[Event], words: &[&str]) {
    let (_, TurnOutcome::Failed(sentence)) = ended(events) else { panic!("it did not fail: {events:?}") };
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
    let errors = contents(events).filter(|(content, _)| matches!(content, Content::Error { .. })).count();
    assert_eq!(errors, 1, "it is told once: {events:?}");
}

async fn turn(runner: &mut Runner, prompt: &str) -> Vec<Event> {
    runner.prompt(prompt);
    runner.turn().await
}

async fn offered(runner: &mut Runner, wanted: impl Fn(&Capabilities) -> bool) -> Capabilities {
    let events = runner.until(|event| matches!(event, Event::Capabilities(has) if wanted(has))).await;
    let Some(Event::Capabilities(has)) = events.last() else { unreachable!("it is the last") };
    (**has).clone()
}

#[tokio::test]
async fn a_prompt_is_answered_by_the_newest_model_with_its_thoughts_and_figures() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(ended(&events), ("stop", &TurnOutcome::Idle));
    assert_eq!(whole_text(&events), "Hello from the mock Ollama . ");
    assert_eq!(streamed_text(&events), whole_text(&events));
    let thought = contents(&events).any(|(content, part)| {
        !part && matches!(content, Content::Thinking { text } if text.starts_with("The user wants"))
    });
    assert!(thought, "{events:?}");
    let init = contents(&events).find_map(|(content, _)| match content {
        Content::Init(init) => Some(init),
        _ => None,
    });
    let init = init.expect("an init");
    assert_eq!((init.model.as_str(), init.tools.len()), ("mock-tools:latest", 5));
    assert_eq!(init.cwd, project(&runner).to_string_lossy());
    let told = statuses(&events);
    assert!(told[0].1.starts_with("mock-tools:latest answers, the newest model"), "{told:?}");
    assert_eq!(told[1], ("loading", "loading mock-tools:latest with a context of 8192 tokens…"));
    assert_eq!(cost(&events).len(), 1);
    let (prompt, answer) = (cost(&events)[0].input_tokens.unwrap_or(0), cost(&events)[0].output_tokens);
    assert!((500..2_000).contains(&prompt), "the tools are part of it: {prompt}");
    assert_eq!(answer, Some(15));
    assert!(events.contains(&Event::Context { used: prompt + 15, size: Some(8192) }), "{events:?}");
    // The Modelfile has a context of its own; it is always said.
    let chat = &server.chats()[0];
    assert_eq!((&chat["options"], &chat["think"]), (&json!({"num_ctx": 8192}), &json!(true)));
    assert_eq!(chat["truncate"], false);
    runner.stop(runner.protocol.stop_ladder());
    assert!(runner.end().await.1.success());
}

#[tokio::test]
async fn the_conversation_goes_on_from_turn_to_turn_and_after_its_process_was_killed() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let first = turn(&mut runner, "scenario:text one").await;
    let session = agent_session(&first).expect("an id");
    let second = turn(&mut runner, "scenario:said").await;
    let said = "Before: user=scenario:text one / assistant=Hello from the mock Ollama . ";
    assert_eq!(whole_text(&second), said);
    assert_eq!(statuses(&second), [], "it is loaded, and nothing is new");
    runner.process.handle.kill();
    // The folder is the family's, which lives on.
    let family = Family::at("test-ollama-resumed", runner.family.cwd());
    let id = session.clone();
    let mut resumed = start_in(family, &server.host(), |options| options.resume_session_id = Some(id));
    let third = turn(&mut resumed, "scenario:said").await;
    assert_eq!(agent_session(&third), Some(session));
    assert_eq!(whole_text(&third), format!("{said} / user=scenario:said"));
}

#[tokio::test]
async fn a_conversation_that_is_not_there_is_said_and_a_new_one_begins() {
    let server = Ollama::start();
    let id = "00000000-0000-4000-8000-000000000000";
    let mut runner = start_with(&server, |options| options.resume_session_id = Some(id.into()));
    let events = turn(&mut runner, "scenario:text").await;
    assert!(statuses(&events)[0].1.contains("is not kept on this machine: a new one begins"), "{events:?}");
    assert_ne!(agent_session(&events).as_deref(), Some(id));
    assert_eq!(ended(&events).1, &TurnOutcome::Idle);
}

#[tokio::test]
async fn models_are_listed_and_changed_and_the_conversation_goes_on() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let has = offered(&mut runner, |has| !has.models.is_empty()).await;
    let models: Vec<_> = has.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(models, ["mock-tools:latest", "mock-plain:latest", "mock-liar:latest", "mock-eyes:latest"]);
    assert!(has.models[0].description.contains("8.0B") && has.set_model && has.set_mode && has.set_effort);
    turn(&mut runner, "scenario:text one").await;
    runner.command(Command::SetEffort("low".into()));
    runner.until(|event| *event == Event::Effort("low".into())).await;
    turn(&mut runner, "scenario:text two").await;
    assert_eq!(server.chats()[1]["think"], "low");
    runner.command(Command::SetModel("mock-plain".into()));
    runner.until(|event| *event == Event::Model("mock-plain:latest".into())).await;
    let events = turn(&mut runner, "scenario:said").await;
    assert!(whole_text(&events).starts_with("Before: user=scenario:text one / assistant=Hello"), "{events:?}");
    let chat = server.chats().pop().expect("a request");
    assert_eq!((&chat["model"], chat.get("tools"), chat.get("think")), (&json!("mock-plain:latest"), None, None));
    assert_eq!(chat["options"]["num_ctx"], 8192, "the model has no more");
    // One that is not there changes nothing.
    runner.command(Command::SetModel("nothing:7b".into()));
    let events = runner.until(|event| matches!(event, Event::Message { .. })).await;
    assert!(statuses(&events)[0].1.contains("`ollama pull nothing:7b`"), "{events:?}");
    assert_eq!(ended(&turn(&mut runner, "scenario:text").await).1, &TurnOutcome::Idle);
    assert_eq!(server.chats().pop().expect("a request")["model"], "mock-plain:latest");
}

#[tokio::test]
async fn a_model_that_promised_too_much_answers_without() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.model = Some("mock-liar".into()));
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(whole_text(&events), "Hello from the mock Ollama . ");
    let told: Vec<_> = statuses(&events).into_iter().map(|(subtype, _)| subtype).collect();
    assert_eq!(told, ["loading", "tools", "thinking"]);
    let asked: Vec<_> =
        server.chats().iter().map(|chat| (chat.get("tools").is_some(), chat.get("think").is_some())).collect();
    assert_eq!(asked, [(true, true), (false, true), (false, false)]);
    // It is remembered.
    turn(&mut runner, "scenario:text").await;
    assert_eq!(server.chats().len(), 4);
}

#[tokio::test]
async fn a_level_that_the_server_does_not_know_becomes_the_next_lower() {
    let server = Ollama::with(0, &["--no-max"]);
    let mut runner = start_with(&server, |options| options.effort = Some("max".into()));
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(ended(&events).1, &TurnOutcome::Idle);
    assert!(events.contains(&Event::Effort("max".into())) && events.contains(&Event::Effort("high".into())));
    let levels: Vec<_> = server.chats().iter().map(|chat| chat["think"].clone()).collect();
    assert_eq!(levels, ["max", "high"]);
}

#[tokio::test]
async fn pictures_are_for_models_that_see() {
    let server = Ollama::start();
    let picture = || Prompt {
        text: "scenario:text see".into(),
        images: vec![Image { path: "/a.png".into(), mime: "image/png".into(), data: "AAAA".into() }],
        ..Prompt::default()
    };
    let mut runner = start_with(&server, |options| options.model = Some("mock-eyes".into()));
    runner.command(Command::Prompt(picture()));
    let events = runner.turn().await;
    assert_eq!(ended(&events).1, &TurnOutcome::Idle);
    assert!(events.iter().any(|event| matches!(event, Event::Capabilities(has) if has.images)));
    assert_eq!(server.chats()[0]["messages"][0]["images"], json!(["AAAA"]));
    runner.command(Command::SetModel("mock-plain".into()));
    runner.until(|event| matches!(event, Event::Capabilities(has) if !has.images)).await;
    runner.command(Command::Prompt(picture()));
    failed(&runner.turn().await, &["mock-plain:latest does not see pictures"]);
    // The one of the past does not get into the way.
    let said = whole_text(&turn(&mut runner, "scenario:said").await);
    assert_eq!(said, "Before: user=scenario:text see / assistant=Hello from the mock Ollama . ");
}

#[tokio::test]
async fn conversations_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Ollama::start();
    let mut runner = start(&server);
    let session = agent_session(&turn(&mut runner, "scenario:text").await).expect("an id");
    let folder = runner.family.cwd().join("state/agor/ollama");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(format!("{session}.ndjson")))), (0o700, 0o600));
    let first = fs::read_to_string(folder.join(format!("{session}.ndjson"))).expect("a file");
    let header: Value = serde_json::from_str(first.lines().next().expect("a line")).expect("JSON");
    assert_eq!(header["cwd"], project(&runner).to_string_lossy().into_owned());
}

#[tokio::test]
async fn a_server_behind_tls_is_reached_if_its_authority_is_trusted() {
    let file = |name: &str| format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let server = Ollama::with(0, &["--cert", &file("server.pem"), "--key", &file("server.key")]);
    let host = format!("https://127.0.0.1:{}", server.port());
    let trust = |options: &mut StartOptions, file: String| {
        options.environ.insert("SSL_CERT_FILE".into(), file);
    };
    let mut runner = start_in(Family::new(), &host, |options| trust(options, file("ca.pem")));
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(whole_text(&events), "Hello from the mock Ollama . ");
    runner.prompt("scenario:slow");
    runner.until(|event| matches!(event, Event::Message { content: Content::Text { .. }, .. })).await;
    runner.command(Command::Interrupt);
    assert_eq!(ended(&runner.turn().await).0, "interrupted");
    server.wait_closed("slow");
    // Another authority, and then none.
    for (trusted, word) in [("server.pem", "certificate"), ("README.md", "no certificates are trusted")] {
        let mut runner = start_in(Family::new(), &host, |options| trust(options, file(trusted)));
        failed(&turn(&mut runner, "scenario:text").await, &["https://127.0.0.1", "is not to be trusted", word]);
    }
}
