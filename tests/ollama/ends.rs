//! A turn that somebody ends, and a session.

use std::fs;

use agor_nvim::domain::{Command, Content, Event, TurnOutcome};

use super::{project, start, tools::EDIT, turn};
use crate::{
    ollama::Ollama,
    runner::{ended, whole_text},
};

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
