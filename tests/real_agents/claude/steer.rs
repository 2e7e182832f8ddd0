//! What is said into a turn of the real Claude Code: it reaches the model once, in this turn or in one that belongs to it,
//! or comes back.

use agor_nvim::domain::{Command, Event, Prompt, TurnOutcome};

use crate::{
    agent::CLAUDE,
    driver::{Session, World},
};

fn steer(session: &mut Session, text: &str) {
    session.command(Command::Steer(Prompt::new(text)));
}

fn ends(session: &Session) -> usize {
    session.events.iter().filter(|event| matches!(event, Event::TurnEnded { .. })).count()
}

fn some_text(session: &mut Session) {
    session.wait("some text", |event| matches!(event, Event::Message { part: true, .. }).then_some(()));
}

#[test]
fn while_a_tool_runs_the_model_gets_it_with_the_result() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:bash");
    let asked = session.permission();
    steer(&mut session, "rather in French");
    session.choose(&asked.request_id, "allow", None);
    assert_eq!(session.turn_end(), ("end_turn".to_owned(), TurnOutcome::Idle));
    assert_eq!(world.mock.told().matches("rather in French").count(), 1);
    // Nothing of it is left for the next turn.
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), ("end_turn".to_owned(), TurnOutcome::Idle));
    assert_eq!(ends(&session), 2);
    assert!(session.close().success());
}

#[test]
fn behind_the_last_words_it_has_a_turn_that_is_the_same_for_the_session() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:slow:15");
    some_text(&mut session);
    steer(&mut session, "SCENARIO:echo:second");
    steer(&mut session, "SCENARIO:echo:third");
    assert_eq!(session.turn_end(), ("end_turn".to_owned(), TurnOutcome::Idle));
    assert_eq!((session.texts().last().map(String::as_str), ends(&session)), (Some("Echo: third"), 1));
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), ("end_turn".to_owned(), TurnOutcome::Idle));
    assert!(session.close().success());
}

#[test]
fn an_interrupt_gives_it_back_and_the_model_never_gets_it() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:slow:500");
    some_text(&mut session);
    steer(&mut session, "SCENARIO:echo:quetzal");
    session.command(Command::Interrupt);
    let back = session.wait("the words", |event| match event {
        Event::Returned(prompt) => Some(prompt.text.clone()),
        _ => None,
    });
    assert_eq!(back, "SCENARIO:echo:quetzal");
    assert_eq!(session.turn_end(), ("interrupted".to_owned(), TurnOutcome::Idle));
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), ("end_turn".to_owned(), TurnOutcome::Idle));
    assert_eq!(session.texts().last().map(String::as_str), Some("Hello from the mock. This is a plain answer."));
    assert!(!world.mock.told().contains("quetzal"));
    assert!(session.close().success());
}
