//! The trace of a session whose disk is full.

use std::fs;

use super::*;
use crate::private::full;

#[test]
fn a_trace_that_cannot_be_written_ends_is_said_once_and_the_session_goes_on() {
    full::apart(module_path!(), "a_trace_that_cannot_be_written_ends_is_said_once_and_the_session_goes_on", || {
        let paused = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        paused.expect("a runtime").block_on(cut_off());
    });
}

async fn cut_off() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let path = stage.folder.path().join("traces/a.ndjson");
    let trace = |stage: &Stage| stage.ask(|reply| Input::Trace { on: true, reply });
    // Long enough to be the only file that has no room for more.
    let before = "{}\n".repeat(100_000);
    fs::create_dir(stage.folder.path().join("traces")).expect("a folder");
    fs::write(&path, &before).expect("a trace");
    assert_eq!(trace(&stage).await, Ok(path.clone()));
    let room = before.len() + 20;
    let own = full::limit(room);
    side.says([Event::Title("one".into())]);
    side.says([Event::Title("two".into())]);
    stage.send("go").await;
    assert_eq!(side.prompted().await.text, "go");
    side.says([Event::message("m", Content::Text { text: "here I am".into() })]);
    side.ends_turn();
    let mut said = Vec::new();
    stage
        .find(|update| match update {
            Update::Notify { message, .. } => {
                said.push(message.clone());
                None
            }
            Update::Turn { .. } => Some(()),
            _ => None,
        })
        .await;
    let expect = format!(
        "the trace {} cannot be written any more: File too large (os error 27); :Agor trace on goes on with it",
        path.display()
    );
    assert_eq!(said, [expect]);
    assert_eq!(stage.lines().await, ["> go", "here I am"]);
    assert_eq!(fs::read_to_string(&path).expect("readable"), before, "no part of a line");
    full::as_before(own);
    assert_eq!(trace(&stage).await, Ok(path.clone()));
    stage.heard(&side).await;
    let after = fs::read_to_string(&path).expect("readable");
    assert!(after.len() > before.len() && after.ends_with("}\n"), "{}", after.len() - before.len());
}
