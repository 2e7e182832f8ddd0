//! The agent's own conversations.

use crate::domain::Conversation;

use super::*;

fn lister() -> Capabilities {
    Capabilities { list: true, delete: true, ..Capabilities::default() }
}

fn found() -> Vec<Conversation> {
    vec![Conversation { id: "c1".into(), title: "First".into(), ..Conversation::default() }]
}

fn list(stage: &Stage) -> Answer<Vec<Conversation>> {
    stage.ask(|reply| Input::Conversations { reply })
}

#[tokio::test(start_paused = true)]
async fn the_agent_is_asked_once_for_all_who_ask() {
    let (stage, mut side) = Stage::with(lister()).await;
    let (one, two) = (list(&stage), list(&stage));
    assert_eq!(side.told().await, Command::ListConversations);
    side.says([Event::Conversations(Ok(found()))]);
    assert_eq!((one.await, two.await), (Ok(found()), Ok(found())));
    side.told_nothing();
    let again = list(&stage);
    assert_eq!(side.told().await, Command::ListConversations);
    side.says([Event::Conversations(Err("the disk is full".into()))]);
    assert_eq!(again.await, Err("the disk is full".into()));
}

#[tokio::test(start_paused = true)]
async fn who_asks_before_the_agent_is_ready_waits_for_it() {
    let (stage, mut side) = Stage::begin(|_| {}).await;
    let asked = list(&stage);
    side.ready(lister());
    assert_eq!(side.told().await, Command::ListConversations);
    side.says([Event::Conversations(Ok(found()))]);
    assert_eq!(asked.await, Ok(found()));
    let (stage, side) = Stage::begin(|_| {}).await;
    let asked = list(&stage);
    side.ready(Capabilities::default());
    assert_eq!(asked.await, Err("scripted does not list its conversations".into()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_agent_that_does_not_answer_or_has_ended() {
    let (mut stage, mut side) = Stage::with(lister()).await;
    let asked = list(&stage);
    side.told().await;
    assert_eq!(asked.await, Err("scripted has not listed its conversations within 90 s".into()));
    let asked = list(&stage);
    side.told().await;
    side.puppet.exit(0, &[]);
    assert_eq!(asked.await, Err("scripted has ended".into()));
    stage.row(|row| row.status == Status::Done).await;
    let sentence = "session a is not running: its next prompt starts it, then try again";
    assert_eq!(list(&stage).await, Err(sentence.into()));
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_deleted_unless_it_is_this_one() {
    let (mut stage, mut side) = Stage::with(lister()).await;
    side.says([Event::AgentSession("own".into())]);
    stage.heard(&side).await;
    let delete = |stage: &Stage, id: &str| stage.order(Order::DeleteConversation(id.into()));
    assert_eq!(delete(&stage, "c1").await, Ok(()));
    assert_eq!(side.told().await, Command::DeleteConversation("c1".into()));
    let sentence = "this session goes on with that conversation: clear it first, or stop the session";
    assert_eq!(delete(&stage, "own").await, Err(sentence.into()));
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    let sentence = "scripted does not delete conversations: do it with its own program";
    assert_eq!(delete(&stage, "c1").await, Err(sentence.into()));
}
