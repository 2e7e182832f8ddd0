//! Conversations that Codex keeps: resumed, copied, deleted, shortened.

use agor_nvim::domain::{Command, Content, Event, ResumeMode};

use super::protocol::{conversation, idle, session};
use crate::{
    agent::CODEX,
    driver::{Session, World},
};

#[test]
fn a_conversation_is_resumed_with_its_past_and_copied() {
    let world = World::of(&CODEX);
    let mut first = session(&world, "auto");
    first.prompt("SCENARIO:echo:remember-me");
    assert_eq!(first.turn_end(), idle("end_turn"));
    let id = first.events.iter().find_map(conversation).expect("an id");
    assert!(first.close().success());

    let mut options = world.options();
    options.resume_mode = ResumeMode::Continue;
    let mut second = Session::start(&world, &options);
    second.prompt("SCENARIO:text");
    assert_eq!(second.turn_end(), idle("end_turn"));
    assert_eq!(second.events.iter().find_map(conversation).as_ref(), Some(&id));
    assert!(world.mock.told().contains("Echo: remember-me"));
    let past: Vec<_> = second
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { content: Content::Prompt(prompt), .. } => Some(prompt.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(past, ["SCENARIO:echo:remember-me"]);
    assert_eq!(second.texts()[0], "Echo: remember-me");
    assert!(second.events.contains(&Event::Model("gpt-5.5".to_owned())), "its model is kept");
    // What it may do is said anew by whoever takes it up; a directory that nobody trusts is read only.
    assert!(second.events.contains(&Event::Mode("read-only".to_owned())));
    second.command(Command::ListConversations);
    let found = second.wait("conversations", |event| match event {
        Event::Conversations(found) => Some(found.clone()),
        _ => None,
    });
    assert!(found.expect("a list").iter().any(|conversation| conversation.id == id));
    assert!(second.close().success());

    let mut options = world.options();
    (options.resume_session_id, options.fork) = (Some(id.clone()), true);
    // The transcript has it.
    options.history_known = true;
    let mut copy = Session::start(&world, &options);
    copy.prompt("SCENARIO:text");
    assert_eq!(copy.turn_end(), idle("end_turn"));
    let copied = copy.events.iter().find_map(conversation).expect("an id");
    assert_ne!(copied, id);
    assert!(copy.events.contains(&Event::Model("gpt-5.5".to_owned())));
    assert_eq!(copy.texts().len(), 1, "nothing is shown twice");
    // Codex keeps what a copy stands on.
    copy.command(Command::DeleteConversation(id.clone()));
    let why = copy.wait("notice", |event| match event {
        Event::Notice { message } => Some(message.clone()),
        _ => None,
    });
    assert!(why.starts_with("Codex has not deleted the conversation"), "{why}");
}

#[test]
fn a_conversation_is_deleted() {
    let world = World::of(&CODEX);
    let mut first = session(&world, "auto");
    first.prompt("SCENARIO:text");
    assert_eq!(first.turn_end(), idle("end_turn"));
    let id = first.events.iter().find_map(conversation).expect("an id");
    assert!(first.close().success());
    let mut second = session(&world, "auto");
    let listed = |session: &mut Session| {
        session.command(Command::ListConversations);
        let found = session.wait("conversations", |event| match event {
            Event::Conversations(found) => Some(found.clone()),
            _ => None,
        });
        found.expect("a list").iter().any(|conversation| conversation.id == id)
    };
    second.prompt("SCENARIO:text");
    assert_eq!(second.turn_end(), idle("end_turn"));
    assert!(listed(&mut second));
    second.command(Command::DeleteConversation(id.clone()));
    // Requests are answered side by side; by the end of a turn that one has been.
    second.prompt("SCENARIO:text");
    assert_eq!(second.turn_end(), idle("end_turn"));
    assert!(!listed(&mut second));
}

#[test]
fn a_conversation_that_is_not_there_is_a_sentence() {
    let world = World::of(&CODEX);
    let mut options = world.options();
    options.resume_session_id = Some("01a20233-ead4-7980-b7b0-11c52077837c".to_owned());
    let mut session = Session::start(&world, &options);
    let message = session.wait("failure", |event| match event {
        Event::Failed { message } => Some(message.clone()),
        _ => None,
    });
    assert!(message.starts_with("Codex cannot take up the conversation 01a20233"), "{message}");
}

#[test]
fn a_conversation_is_shortened_and_changes_are_reviewed() {
    let world = World::of(&CODEX);
    let mut session = session(&world, "auto");
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    session.prompt("/compact");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let compacted = session.events.iter().find_map(|event| match event {
        Event::Message { content: Content::Compaction(compaction), .. } => Some(compaction.clone()),
        _ => None,
    });
    let compacted = compacted.expect("it says so");
    assert_eq!((compacted.trigger.as_str(), compacted.pre_tokens), ("manual", 1225));
    session.prompt("/review");
    assert_eq!(session.turn_end(), idle("end_turn"));
    // A review can be ended, too.
    session.prompt("/review SCENARIO:slow:200");
    session.wait("review", |event| match event {
        Event::Message { content: Content::Status { subtype, .. }, .. } => (subtype == "review").then_some(()),
        _ => None,
    });
    session.command(Command::Interrupt);
    assert_eq!(session.turn_end().0, "interrupted");
}
