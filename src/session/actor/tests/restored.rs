//! What of a session is there again when it is taken up from its journal.

use crate::domain::Choice;

use super::*;

fn able() -> Capabilities {
    let models = ["big", "small"].map(|id| Choice { id: id.into(), ..Choice::default() }).to_vec();
    Capabilities { models, set_model: true, set_effort: true, ..Capabilities::default() }
}

async fn first(chosen: bool) -> Stage {
    let (mut stage, mut side) = Stage::with(able()).await;
    stage.send("hello").await;
    side.prompted().await;
    if chosen {
        stage.order(Order::SetModel("big".into())).await.expect("set");
        stage.order(Order::SetEffort("high".into())).await.expect("set");
    }
    side.says([
        Event::AgentSession("own".into()),
        Event::Model("big".into()),
        Event::Mode("plan".into()),
        Event::Effort("high".into()),
        Event::Title("Greeting".into()),
    ]);
    side.ends_turn();
    stage.turn().await;
    stage
}

#[tokio::test(start_paused = true)]
async fn model_mode_effort_and_conversation_come_from_the_journal() {
    let mut stage = first(true).await;
    stage.ended().await;
    let mut stage = stage.restored(|options| {
        options.model = Some("configured".into());
        options.permission_mode = Some("yolo".into());
        options.prompt = Some(Prompt::new("ignored"));
    });
    let row = stage.row(|_| true).await;
    assert_eq!([row.title, row.model, row.mode, row.effort], ["Greeting", "big", "plan", "high"].map(str::to_owned));
    assert_eq!(row.status, Status::Idle);
    stage.send("go on").await;
    let mut side = stage.process().await;
    assert_eq!(side.prompted().await.text, "go on");
    let options = &side.options;
    let set = [&options.model, &options.permission_mode, &options.mode, &options.effort, &options.resume_session_id];
    assert_eq!(set.map(|set| set.as_deref()), [Some("big"), Some("plan"), Some("plan"), Some("high"), Some("own")]);
    assert!(options.history_known);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_chose_is_the_agents_matter_again() {
    let mut stage = first(false).await;
    stage.ended().await;
    let mut stage = stage.restored(|options| options.model = Some("configured".into()));
    assert_eq!(stage.row(|_| true).await.model, "big");
    stage.send("go on").await;
    let options = stage.process().await.options;
    assert_eq!((options.model, options.effort), (None, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_chosen_before_the_next_prompt_holds() {
    let mut stage = first(true).await;
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.order(Order::SetModel("small".into())).await.expect("kept");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.send("go on").await;
    assert_eq!(stage.process().await.options.model.as_deref(), Some("small"));
}

#[tokio::test(start_paused = true)]
async fn a_cleared_conversation_is_not_taken_up() {
    let mut stage = first(false).await;
    stage.order(Order::Stop { force: false }).await.expect("stopped");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.order(Order::Clear).await.expect("cleared");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.send("anew").await;
    assert_eq!(stage.process().await.options.resume(), Ok(crate::domain::Resume::New));
    let lines = stage.lines().await;
    assert_eq!(
        lines[1..3],
        ["Taken up from its journal: the next prompt goes on with the conversation", "new conversation"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_conversation_in_which_nothing_was_said_is_not_taken_up() {
    let (mut stage, mut side) = Stage::with(able()).await;
    side.says([Event::AgentSession("empty".into())]);
    side.puppet.exit(0, &[]);
    stage.row(|row| row.status == Status::Done).await;
    stage.send("hello").await;
    side = stage.process().await;
    assert_eq!(side.options.resume(), Ok(crate::domain::Resume::New));
    side.prompted().await;
    side.says([Event::AgentSession("own".into())]);
    side.ends_turn();
    stage.turn().await;
    stage.order(Order::Clear).await.expect("cleared");
    side.puppet.stopped().await;
    side.puppet.exit(0, &[]);
    let side = stage.process().await;
    side.says([Event::AgentSession("next".into()), Event::Title("Anew".into())]);
    stage.row(|row| row.title == "Anew").await;
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.send("go on").await;
    let mut side = stage.process().await;
    assert_eq!(side.options.resume(), Ok(crate::domain::Resume::New));
    side.prompted().await;
    side.says([Event::AgentSession("last".into())]);
    side.ends_turn();
    stage.turn().await;
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.send("and on").await;
    assert_eq!(stage.process().await.options.resume_session_id.as_deref(), Some("last"));
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_is_interrupted_until_something_is_asked_of_it() {
    let (mut stage, mut side) = Stage::with(able()).await;
    stage.send("hello").await;
    side.prompted().await;
    stage.ended().await;
    for _ in 0..2 {
        stage = stage.restored(|_| {});
        let row = stage.row(|_| true).await;
        assert!(row.interrupted && !row.busy && row.status == Status::Idle, "{row:?}");
        let said = stage.lines().await.pop().expect("a line");
        assert!(said.starts_with("Interrupted: its backend ended in mid turn. Taken up"), "{said}");
        stage.ended().await;
    }
    let mut stage = stage.restored(|_| {});
    stage.send("go on").await;
    stage.process().await.prompted().await;
    assert!(!stage.row(|row| row.busy).await.interrupted);
    stage.order(Order::Stop { force: true }).await.expect("stopped");
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    assert!(stage.row(|_| true).await.interrupted, "a backend that ends before its agent has stopped it");
}
