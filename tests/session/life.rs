//! Starting, prompting, interrupting, stopping, removing.

use agor_nvim::{
    domain::{Content, Hold, Status},
    session::{Level, Order, Request, Update},
};

use super::stage::*;

#[tokio::test]
async fn a_session_runs_is_idle_and_is_done_when_stopped() {
    let mut stage = Stage::new();
    stage.demo("a", "echo hello").await;
    stage.status("a", Status::Running).await;
    stage.status("a", Status::Idle).await;
    assert_eq!(stage.texts("a").await, ["\"echo hello\""]);
    assert_eq!(stage.stop("a", false).await, Ok(()));
    stage.status("a", Status::Done).await;
    assert_eq!(stage.stop("a", false).await, Ok(()), "stopping what is done is fine");
    assert_eq!(stage.hub.counts().processes, 0);
}

#[tokio::test]
async fn a_row_is_told_before_the_status_that_it_shows() {
    let mut stage = Stage::new();
    stage.demo("a", "fail no tea").await;
    stage.status("a", Status::Error).await;
    let row = |update: &Update| match update {
        Update::Session(row) => (row.status == Status::Error).then(|| row.error.clone()),
        _ => None,
    };
    // The status is out of the list: what is left before its place has the row.
    assert!(stage.told.iter().any(|update| row(update) == Some(Some("no tea".into()))));
    let notified = stage.find(|update| match update {
        Update::Notify { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!(notified.await, "demo: no tea");
}

#[tokio::test]
async fn a_session_with_a_prompt_is_never_idle_before_it() {
    let mut stage = Stage::new();
    stage.demo("a", "hang").await;
    stage.row(|row| row.busy && row.capabilities.interrupt).await;
    let rows = stage.told.iter().filter_map(|update| match update {
        Update::Session(row) => Some(row.status),
        _ => None,
    });
    let rows: Vec<Status> = rows.collect();
    assert!(rows.len() > 1 && rows.iter().all(|status| *status == Status::Running), "{rows:?}");
}

#[tokio::test]
async fn a_second_session_of_a_living_name_is_refused() {
    let stage = Stage::new();
    stage.demo("a", "hang").await;
    let again = stage.options("a", &[BINARY, "runner", "demo"]);
    assert_eq!(stage.start(again).await, Err("session a already exists".into()));
    for request in ["b", "nobody"] {
        assert_eq!(stage.send(request, "x").await, Err(format!("no session {request}")));
    }
}

#[tokio::test]
async fn prompts_wait_for_the_turn_and_go_out_one_by_one() {
    let mut stage = Stage::new();
    stage.demo("a", "hang").await;
    stage.row(|row| row.capabilities.interrupt).await;
    for prompt in ["echo one", "echo two"] {
        stage.send("a", prompt).await.expect("it waits");
    }
    stage.row(|row| row.queued == 2).await;
    stage.order("a", Order::Interrupt).await.expect("interrupted");
    assert_eq!(stage.turn("a").await, "interrupted");
    assert_eq!(stage.row(|row| row.held.is_some()).await.held, Some(Hold::Interrupted));
    stage.order("a", Order::QueueGo).await.expect("they go on");
    stage.turn("a").await;
    stage.turn("a").await;
    let page = stage.messages("a", 0).await;
    let said: Vec<String> = page
        .messages
        .iter()
        .filter_map(|message| match &message.content {
            Content::Prompt(prompt) => Some(format!("> {}", prompt.text)),
            Content::Text { text } => Some(text.clone()),
            _ => None,
        })
        .filter(|text| text.contains("echo"))
        .collect();
    assert_eq!(said, ["> echo one", "\"echo one\"", "> echo two", "\"echo two\""]);
}

#[tokio::test]
async fn a_stop_holds_waiting_prompts_back_and_wins_over_the_exit_code() {
    let mut stage = Stage::new();
    // Takes the stop for a failure.
    let script = "read -r query; echo '{\"type\":\"agent_started\"}'; read -r stop; exit 7";
    stage.shell("a", script, "work").await;
    stage.status("a", Status::Running).await;
    stage.send("a", "later").await.expect("it waits");
    stage.stop("a", false).await.expect("stopped");
    assert_eq!(stage.row(|row| row.held.is_some()).await.waiting, ["later"]);
    assert_eq!(stage.status("a", Status::Done).await, None);
    assert_eq!(stage.turn("a").await, "stopped");
}

#[tokio::test]
async fn a_stop_with_force_asks_nobody() {
    let mut stage = Stage::new();
    stage.demo("a", "deaf").await;
    stage.status("a", Status::Running).await;
    stage.stop("a", true).await.expect("stopped");
    stage.status("a", Status::Done).await;
    assert_eq!(stage.hub.counts().processes, 0);
}

#[tokio::test]
async fn a_removed_session_leaves_the_list_when_its_agent_has_ended() {
    let mut stage = Stage::new();
    stage.demo("a", "echo kept").await;
    stage.status("a", Status::Idle).await;
    let session = id("a");
    stage.ask(|reply| Request::Remove { session, reply }).await.expect("removed");
    stage.removed("a").await;
    assert_eq!(stage.hub.counts().processes, 0);
    assert_eq!(stage.send("a", "x").await, Err("no session a".into()));
    let journal = std::fs::read_to_string(stage.folder.path().join("sessions/a.ndjson")).expect("it stays");
    assert!(journal.contains("echo kept"));
}

#[tokio::test]
async fn a_trace_that_cannot_be_written_is_told() {
    let mut stage = Stage::new();
    // There is no folder for traces.
    stage.hub.send(Request::TraceNew { on: true });
    stage.demo("a", "echo one").await;
    let message = stage
        .find(|update| match update {
            Update::Notify { level: Level::Warn, message, .. } => Some(message.clone()),
            _ => None,
        })
        .await;
    assert_eq!(message, "no trace of the session: there is no folder for traces: see :checkhealth agor");
    stage.turn("a").await;
}

#[tokio::test]
async fn a_row_says_that_its_journal_is_not_written() {
    let mut stage = Stage::new();
    std::fs::write(stage.folder.path().join("sessions"), "in the way").expect("a file");
    stage.demo("a", "echo one").await;
    assert!(stage.row(|row| row.session_id == id("a")).await.journal_failed);
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await, ["\"echo one\""]);
}
