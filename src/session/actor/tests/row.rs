//! What a session's row says of its own accord: the agent's last line, the user's name, the project; and an agent that is
//! started anew.

use super::*;
use crate::domain::{MessageId, Resume};

fn text(message: &str, part: bool, text: &str) -> Event {
    let content = Content::Text { text: text.to_owned() };
    Event::Message { id: MessageId::new(message), parent_id: None, part, content }
}

#[tokio::test(start_paused = true)]
async fn the_last_line_is_told_by_itself_and_not_at_every_word() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    stage.heard(&side).await;
    for word in ["I ", "look ", "at ", "it"] {
        side.says([text("m", true, word)]);
    }
    let mut rows = 0;
    let row = stage.row(|_| {
        rows += 1;
        true
    });
    assert_eq!((row.await.last_line.as_str(), rows), ("I look at it", 1));
    side.says([text("m", false, "I look at it\n\nDone.\n")]);
    side.ends_turn();
    assert_eq!(stage.row(|row| !row.busy).await.last_line, "Done.");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    assert_eq!(stage.row(|_| true).await.last_line, "Done.");
}

#[tokio::test(start_paused = true)]
async fn what_a_subagent_says_is_not_the_sessions_last_line() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    let content = Content::Text { text: "below".to_owned() };
    side.says([
        text("m", false, "above"),
        Event::Message { id: "n".into(), parent_id: Some("tool".into()), part: false, content },
    ]);
    side.ends_turn();
    assert_eq!(stage.row(|row| row.turn_ended_at.is_some()).await.last_line, "above");
}

#[tokio::test(start_paused = true)]
async fn the_users_name_wins_over_the_agents_title_until_it_is_taken_back() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    stage.order(Order::Rename("Parser".into())).await.expect("renamed");
    assert_eq!(stage.row(|row| row.title != "heard 1").await.title, "Parser");
    side.says([Event::Title("Greeting".into())]);
    assert_eq!(stage.row(|_| true).await.title, "Parser");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    assert_eq!(stage.row(|_| true).await.title, "Parser");
    stage.order(Order::Rename(String::new())).await.expect("taken back");
    assert_eq!(stage.row(|row| row.title != "Parser").await.title, "Greeting");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_of_the_repository_that_it_works_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().canonicalize().expect("it is there");
    std::fs::create_dir_all(top.join(".git")).expect("a folder");
    std::fs::write(top.join(".git/HEAD"), "").expect("a file");
    std::fs::create_dir_all(top.join("src")).expect("a folder");
    let mut stage = Stage::on(folder, |options| options.cwd = top.join("src"), Actor::new);
    let top = top.to_string_lossy().into_owned();
    stage.row(|row| row.project == top).await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_started_anew_goes_on_with_the_conversation() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    side.says([Event::AgentSession("own".into()), text("m", true, "I hang")]);
    stage.row(|row| row.agent_session.is_some()).await;
    stage.order(Order::Restart).await.expect("taken");
    let again = stage.order(Order::Restart);
    side.puppet.stopped().await;
    side.puppet.exit(0, &[]);
    again.await.expect("it is on its way");
    assert_eq!(stage.turn().await, "stopped");
    let mut side = stage.process().await;
    assert_eq!(side.options.resume(), Ok(Resume::Id("own".into())));
    assert_eq!(stage.row(|row| row.status == Status::Idle).await.error, None);
    side.ready(Capabilities::default());
    stage.send("and?").await;
    assert_eq!(side.prompted().await.text, "and?");
    // One that has ended by itself is started without waiting for a prompt.
    side.puppet.exit(1, &["oh"]);
    stage.row(|row| row.status == Status::Error).await;
    stage.order(Order::Restart).await.expect("taken");
    stage.process().await;
    stage.row(|row| row.status == Status::Idle).await;
}
