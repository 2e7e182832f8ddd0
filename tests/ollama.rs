//! The Ollama agent as a process under its keeper, over a server that stands for Ollama's: what a user asks, what the server
//! is asked, what comes back.

mod support {
    pub mod family;
    pub mod ollama;
    pub mod runner;
}

use std::{fs, path::Path};

use agor_nvim::domain::{
    Capabilities, Command, Content, Cost, Event, Image, Prompt, StartOptions, ToolKind, ToolResult, TurnOutcome,
};
use serde_json::{Value, json};
use support::{
    family::Family,
    ollama::Ollama,
    runner::{BINARY, Runner, contents, ended, streamed_text, whole_text},
};

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
async fn tools_look_at_the_project_and_at_nothing_else() {
    let server = Ollama::start();
    let mut runner = start(&server);
    fs::write(project(&runner).join("a.rs"), "fn find_me() {}\n").expect("a file");
    fs::write(runner.family.cwd().join("secret"), "the secret").expect("a file");
    let events = turn(
        &mut runner,
        "calls\ncall read_file {\"path\": \"a.rs\"}\ncall list_files {}\ncall search {\"pattern\": \"find_\"}\n\
         call read_file {\"path\": \"../secret\"}\ncall dance {}",
    )
    .await;
    let outputs: Vec<_> =
        results(&events).into_iter().map(|result| (result.output.as_str(), result.is_error)).collect();
    assert_eq!(outputs[..3], [("fn find_me() {}\n", false), ("a.rs\n", false), ("a.rs:1: fn find_me() {}\n", false)]);
    assert!(outputs[3].1 && outputs[3].0.contains("outside of the project's directory"), "{outputs:?}");
    assert!(outputs[4].1 && outputs[4].0.contains("there is no tool dance"), "{outputs:?}");
    let kinds: Vec<_> = contents(&events)
        .filter_map(|(content, _)| match content {
            Content::ToolCall(call) => Some((call.kind, call.title.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(kinds[0], (ToolKind::Read, "a.rs".to_owned()));
    assert_eq!(kinds[2], (ToolKind::Search, "find_".to_owned()));
    // The model has heard the same, and what it has called for.
    let heard = whole_text(&events);
    assert!(heard.starts_with("I was told: fn find_me() {}\n | a.rs\n | ") && !heard.contains("the secret"), "{heard}");
    let messages = server.chats()[1]["messages"].as_array().cloned().expect("messages");
    assert_eq!(messages[2]["tool_calls"].as_array().map(Vec::len), Some(5));
    assert_eq!((&messages[3]["role"], &messages[3]["tool_name"]), (&json!("tool"), &json!("read_file")));
    assert_eq!(messages[3]["tool_call_id"], messages[2]["tool_calls"][0]["id"]);
    // Two answers are one turn.
    let used = events.iter().filter_map(|event| match event {
        Event::Context { used, .. } => Some(*used),
        _ => None,
    });
    let figures = cost(&events);
    let total = figures[0].input_tokens.zip(figures[0].output_tokens).map(|(input, output)| input + output);
    assert_eq!((figures.len(), total), (1, Some(used.sum())));
    assert_eq!(ended(&events), ("stop", &TurnOutcome::Idle));
}

const EDIT: &str = r#"call edit_file {"path": "a.txt", "old_text": "two", "new_text": "2"}"#;

#[tokio::test]
async fn an_edit_is_shown_asked_for_and_made() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let file = project(&runner).join("a.txt");
    fs::write(&file, "one\ntwo\n").expect("a file");
    runner.prompt(EDIT);
    let events = runner.until(|event| matches!(event, Event::Permission(_))).await;
    let Some(Event::Permission(request)) = events.last() else { unreachable!("it is the last") };
    assert_eq!((request.tool.as_str(), request.title.as_str()), ("edit_file", "a.txt"));
    assert_eq!(request.diff[0].hunks[0].lines, [" one", "-two", "+2"]);
    assert_eq!(request.diff[0].path, file.to_string_lossy());
    assert_eq!(fs::read_to_string(&file).expect("a file"), "one\ntwo\n", "nothing is done before the answer");
    let id = request.request_id.clone();
    runner.answer(&id, "allow", None);
    let events = runner.turn().await;
    assert_eq!(fs::read_to_string(&file).expect("a file"), "one\n2\n");
    let result = results(&events)[0];
    assert_eq!((result.is_error, result.diff[0].hunks[0].lines.len()), (false, 3));
    assert_eq!(whole_text(&events), "I was told: a.txt was changed");
    // Leave for once is no leave for ever.
    runner.prompt(r#"call write_file {"path": "b.txt", "content": "b"}"#);
    let id = runner.asked().await;
    runner.answer(&id, "reject", Some("not now"));
    let events = runner.turn().await;
    assert!(!project(&runner).join("b.txt").exists());
    assert_eq!(whole_text(&events), "I was told: The user does not want this change: not now");
    assert!(results(&events)[0].is_error);
}

#[tokio::test]
async fn leave_for_the_session_is_asked_for_once_and_changes_the_mode() {
    let server = Ollama::start();
    let mut runner = start(&server);
    runner.prompt(
        "call write_file {\"path\": \"a\", \"content\": \"1\"}\ncall write_file {\"path\": \"new/b\", \"content\": \"2\"}",
    );
    let id = runner.asked().await;
    runner.answer(&id, "always", None);
    let events = runner.turn().await;
    assert!(events.contains(&Event::Mode("acceptEdits".into())), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::Permission(_))));
    assert_eq!(fs::read_to_string(project(&runner).join("new/b")).expect("a file"), "2");
}

#[tokio::test]
async fn a_runner_that_may_do_anything_asks_all_the_same() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.permission_mode = None);
    runner.prompt(r#"call write_file {"path": "a", "content": "1"}"#);
    let id = runner.asked().await;
    runner.answer(&id, "reject", None);
    let events = runner.turn().await;
    assert_eq!(results(&events)[0].output, ToolResult::NOT_WANTED);
    assert!(!project(&runner).join("a").exists());
}

#[tokio::test]
async fn in_the_reading_mode_nothing_is_changed_nor_offered() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let has = offered(&mut runner, |has| !has.modes.is_empty()).await;
    let modes: Vec<_> = has.modes.iter().map(|mode| (mode.id.as_str(), mode.asks_nothing)).collect();
    assert_eq!(modes, [("default", false), ("acceptEdits", true), ("plan", false)]);
    runner.command(Command::SetMode("plan".into()));
    runner.until(|event| *event == Event::Mode("plan".into())).await;
    let events = turn(&mut runner, r#"call write_file {"path": "a", "content": "1"}"#).await;
    // The query said another, as the session had started.
    assert!(events.iter().all(|event| !matches!(event, Event::Permission(_))), "{events:?}");
    assert!(results(&events)[0].output.contains("read only"), "{events:?}");
    assert!(!project(&runner).join("a").exists());
    assert_eq!(server.chats()[0]["tools"].as_array().map(Vec::len), Some(3));
    runner.command(Command::SetMode("dance".into()));
    let events = runner.until(|event| matches!(event, Event::Message { .. })).await;
    assert!(statuses(&events)[0].1.contains("there is no mode 'dance'"), "{events:?}");
}

#[tokio::test]
async fn a_mode_that_was_named_at_the_start_is_not_hidden_by_what_is_offered() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.permission_mode = Some("plan".into()));
    offered(&mut runner, |has| !has.models.is_empty() && !has.modes.is_empty()).await;
    let events = turn(&mut runner, "scenario:text").await;
    assert!(!events.contains(&Event::Mode("default".into())), "{events:?}");
    assert_eq!(server.chats()[0]["tools"].as_array().map(Vec::len), Some(3));
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

// Waiting for the server blocks, and the prompt has to be written meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_closes_the_connection_and_the_next_prompt_works() {
    let server = Ollama::start();
    let mut runner = start(&server);
    for scenario in ["slow", "hang"] {
        runner.prompt(&format!("scenario:{scenario}"));
        if scenario == "slow" {
            runner.until(|event| matches!(event, Event::Message { content: Content::Text { .. }, .. })).await;
        } else {
            server.wait_said("asked hang");
        }
        runner.command(Command::Interrupt);
        let events = runner.turn().await;
        assert_eq!(ended(&events), ("interrupted", &TurnOutcome::Idle), "{scenario}");
        server.wait_closed(scenario);
    }
    // What was seen is known.
    let said = whole_text(&turn(&mut runner, "scenario:said").await);
    assert!(said.starts_with("Before: user=scenario:slow / assistant=word0 ") && said.contains("user=scenario:hang"));
}

#[tokio::test]
async fn a_stop_closes_the_connection_of_a_server_that_never_answers() {
    let server = Ollama::start();
    let mut runner = start(&server);
    runner.prompt("scenario:hang");
    runner.until(|event| matches!(event, Event::Message { content: Content::Status { subtype, .. }, .. } if subtype == "loading")).await;
    server.wait_said("asked hang");
    runner.stop(runner.protocol.stop_ladder());
    assert!(runner.end().await.1.success());
    server.wait_closed("hang");
}

#[tokio::test]
async fn an_interrupt_while_it_asks_leaves_the_file_alone() {
    let server = Ollama::start();
    let mut runner = start(&server);
    fs::write(project(&runner).join("a.txt"), "one\ntwo\n").expect("a file");
    runner.prompt(EDIT);
    runner.asked().await;
    runner.command(Command::Interrupt);
    let events = runner.turn().await;
    assert_eq!(ended(&events), ("interrupted", &TurnOutcome::Idle));
    assert_eq!(fs::read_to_string(project(&runner).join("a.txt")).expect("a file"), "one\ntwo\n");
    // The model hears what became of its call: a conversation with an open one is refused by some templates.
    turn(&mut runner, "scenario:text").await;
    let messages = server.chats().pop().expect("a request")["messages"].clone();
    assert_eq!(messages[3]["content"], "not run: the turn was ended");
}

#[tokio::test]
async fn every_failure_is_a_sentence_and_the_next_prompt_works() {
    let server = Ollama::start();
    // One that does not think: half of its answer is text.
    let mut runner = start_with(&server, |options| options.model = Some("mock-plain".into()));
    for (scenario, words, kept) in [
        ("err-start", &["Ollama failed (500", "unexpectedly stopped"][..], false),
        ("err-mid", &["broke off", "while running the model"], true),
        ("cut", &["was cut in the middle"], true),
        ("early-end", &["was cut in the middle"], true),
        ("drop", &["broke before it answered"], false),
        ("busy", &["busy", "send the prompt again"], false),
        ("limit", &["limit of requests", "hourly"], false),
        ("unauthorized", &["`ollama signin`", "https://ollama.com/connect"], false),
        ("full", &["longer than the context of mock-plain:latest, 8192 tokens.", "/clear"], false),
        ("redirect", &["points to https://elsewhere.example/"], false),
        ("html", &["not Ollama's", "It works!"], false),
        ("nonsense", &["not Ollama's", "this is no JSON"], true),
    ] {
        let events = turn(&mut runner, &format!("scenario:{scenario}")).await;
        failed(&events, words);
        assert_eq!(streamed_text(&events), whole_text(&events), "{scenario}: what came stays");
        let said = whole_text(&turn(&mut runner, "scenario:said").await);
        assert_eq!(said.contains(&format!("user=scenario:{scenario} ")), kept, "{scenario}: {said}");
    }
}

#[tokio::test]
async fn pieces_of_another_shape_are_passed_over() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let events = turn(&mut runner, "scenario:odd").await;
    assert_eq!(ended(&events), ("stop", &TurnOutcome::Idle));
    assert_eq!(whole_text(&events), "Hello from the mock Ollama . ");
    assert_eq!(streamed_text(&events), whole_text(&events));
}

#[tokio::test]
async fn an_answer_that_was_cut_by_the_context_says_so() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let events = turn(&mut runner, "scenario:length").await;
    assert_eq!(ended(&events), ("length", &TurnOutcome::Idle));
    assert!(statuses(&events).iter().any(|(subtype, _)| *subtype == "length"), "{events:?}");
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_refused_before_the_server_cuts_it() {
    let server = Ollama::start();
    let mut runner = start(&server);
    turn(&mut runner, "scenario:text").await;
    let events = turn(&mut runner, &format!("scenario:text {}", "x".repeat(40_000))).await;
    failed(&events, &["longer than the context", "8192 tokens; it has about", "/clear", "--num-ctx"]);
    assert_eq!(server.chats().len(), 1, "it was not sent");
    let said = whole_text(&turn(&mut runner, "scenario:said").await);
    assert!(said.starts_with("Before: user=scenario:text / ") && !said.contains("xxx"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_can_be_started_later() {
    let port = Ollama::start().port();
    let mut runner = start_in(Family::new(), &format!("127.0.0.1:{port}"), |_| {});
    // Before anything is asked.
    let events = runner.until(|event| matches!(event, Event::Message { .. })).await;
    assert!(statuses(&events)[0].1.contains("`ollama serve`"), "{events:?}");
    let events = turn(&mut runner, "scenario:text").await;
    failed(&events, &["does not answer at http://127.0.0.1", "connection refused", "`ollama serve`", "OLLAMA_HOST"]);
    let server = Ollama::with(port, &[]);
    let events = turn(&mut runner, "scenario:said").await;
    assert_eq!(whole_text(&events), "Before: ", "the prompt that was not answered is not in it");
    assert_eq!(server.chats().len(), 1);
}

#[tokio::test]
async fn a_model_that_is_not_there_can_be_pulled() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.model = Some("qwen3:8b".into()));
    failed(&turn(&mut runner, "scenario:text").await, &["qwen3:8b is not there", "`ollama pull qwen3:8b`"]);
    let mut runner = start_with(&server, |options| options.model = Some("mock-embed".into()));
    failed(&turn(&mut runner, "scenario:text").await, &["mock-embed:latest does not answer prompts"]);
    let empty = Ollama::with(0, &["--empty"]);
    let mut runner = start(&empty);
    failed(&turn(&mut runner, "scenario:text").await, &["no model", "`ollama pull qwen3`"]);
}

#[tokio::test]
async fn an_older_server_does_not_say_what_its_models_can() {
    let server = Ollama::with(0, &["--old"]);
    let mut runner = start(&server);
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(ended(&events).1, &TurnOutcome::Idle);
    assert_eq!(server.chats()[0].get("tools"), None);
}

#[tokio::test]
async fn rounds_of_tools_have_an_end() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.max_turns = Some(2));
    let prompt = ["call list_files {}"; 4].join("\n");
    let events = turn(&mut runner, &prompt).await;
    assert_eq!((results(&events).len(), server.chats().len()), (2, 2));
    assert!(statuses(&events).iter().any(|(_, message)| message.contains("stopped after 2 rounds")), "{events:?}");
    assert_eq!(cost(&events).len(), 1);
    assert_eq!(ended(&turn(&mut runner, "scenario:text").await).1, &TurnOutcome::Idle);
}

#[tokio::test]
async fn a_flood_is_whole() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let events = turn(&mut runner, "scenario:long:5000").await;
    let text = whole_text(&events);
    assert_eq!(text.split_whitespace().count(), 5000);
    assert_eq!(streamed_text(&events), text);
}

#[tokio::test]
async fn under_another_name_it_is_understood_too() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.provider = "gpu".into());
    let events = turn(&mut runner, "scenario:text").await;
    assert_eq!(whole_text(&events), "Hello from the mock Ollama . ");
    assert!(!contents(&events).any(|(content, _)| matches!(content, Content::Unknown(_))));
}

#[tokio::test]
async fn what_it_was_told_wrongly_it_says() {
    let family = Family::new();
    let help = family.run_command(&[BINARY, "runner", "ollama", "--help"]).await;
    assert!(help.exit.success());
    assert!(help.lines.iter().any(|line| line.contains("--num-ctx=TOKENS")));
    let wrong = family.run_command(&[BINARY, "runner", "ollama", "--host=ftp://box"]).await;
    assert_eq!(wrong.exit.code, Some(2));
    assert!(wrong.stderr[0].contains("http or https"), "{:?}", wrong.stderr);
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
