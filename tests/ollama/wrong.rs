//! What goes wrong, at the server and on the way there, and what is said of it.

use agor_nvim::domain::{Content, Event, TurnOutcome};

use super::{cost, failed, results, start, start_in, start_with, statuses, turn};
use crate::{
    family::Family,
    ollama::Ollama,
    runner::{BINARY, contents, ended, streamed_text, whole_text},
};

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
