//! Agents that are not ready in time, or that nobody can hear any more.

use crate::{agent::process::SpawnError, domain::Hold};

use super::*;

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_not_ready_in_time_is_stopped_and_its_last_words_are_told() {
    let (mut stage, mut side) = Stage::begin(|options| options.prompt = Some(Prompt::new("hello"))).await;
    side.prompted().await;
    let begun = Instant::now();
    side.puppet.stopped().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(60));
    stage.send("waits").await;
    side.puppet.exit(0, &["loading", "still loading"]);
    let sentence = "scripted was not ready within 60 s and was stopped\nloading\nstill loading";
    assert_eq!(stage.draft().await.text, "hello");
    assert_eq!(stage.row(|row| row.status == Status::Error).await.error.as_deref(), Some(sentence));
    let row = stage.row(|row| row.held.is_some()).await;
    assert_eq!((row.waiting, row.held), (vec!["waits".to_owned()], Some(Hold::Ended)));
    // The next prompt tries again.
    stage.send("again").await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    assert_eq!(side.prompted().await.text, "again");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_ready_may_take_its_time() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    side.ends_turn();
    assert_eq!(stage.turn().await, "end_turn");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_be_heard_any_more_is_stopped() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    side.puppet.event(ProcessEvent::StdoutEnded);
    let closed = Instant::now();
    side.puppet.stopped().await;
    assert_eq!(closed.elapsed(), Duration::from_secs(3));
    side.puppet.exit(0, &[]);
    let sentence = "scripted has closed its output and did not end within 3 s: it was stopped";
    assert_eq!(stage.row(|row| row.status == Status::Error).await.error.as_deref(), Some(sentence));
    assert_eq!(stage.turn().await, "exited");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_exits_in_mid_turn_is_an_error_unless_it_was_stopped() {
    for (stop, code, status, reason) in
        [(false, 0, Status::Done, "exited"), (false, 7, Status::Error, "exited"), (true, 7, Status::Done, "stopped")]
    {
        let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
        stage.send("hello").await;
        side.prompted().await;
        side.says([Event::message("m", Content::Text { text: "half".into() })]);
        if stop {
            stage.order(Order::Stop { force: false }).await.expect("stopped");
            side.puppet.stopped().await;
        }
        side.puppet.exit(code, &["boom"]);
        let row = stage.row(|row| row.status != Status::Running && row.status != Status::Idle).await;
        let error = (status == Status::Error).then_some("Exit code: 7\nboom");
        assert_eq!((row.status, row.error.as_deref()), (status, error));
        assert_eq!(stage.turn().await, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_was_to_be_sent_again_by_an_agent_that_could_not_be_started_is_sent_by_the_next_that_can() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    side.says([Event::message("m", Content::Text { text: "oh".into() })]);
    stage.heard(&side).await;
    side.puppet.exit(7, &[]);
    stage.row(|row| row.status == Status::Error && !row.busy).await;
    *stage.around.refuses.lock().expect("whole") = Some("no room".to_owned());
    let retry = stage.order(Order::Retry);
    assert_eq!(retry.await, Ok(()));
    let row = stage.row(|row| row.held.is_some()).await;
    assert_eq!((row.waiting, row.held), (vec!["hello".to_owned()], Some(Hold::Ended)));
    *stage.around.refuses.lock().expect("whole") = None;
    let retry = stage.order(Order::Retry);
    assert_eq!(retry.await, Ok(()));
    let row = stage.row(|row| row.held.is_none()).await;
    assert_eq!(row.queued, 1);
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    assert_eq!(side.prompted().await.text, "hello");
    stage.row(|row| row.queued == 0).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_system_has_no_room_for_a_process_it_says_so_and_the_next_prompt_tries_again() {
    for code in [libc::EMFILE, libc::ENFILE, libc::EAGAIN, libc::ENOMEM] {
        let why = SpawnError::from(std::io::Error::from_raw_os_error(code)).to_string();
        let mut stage = Stage::new(|_| {});
        *stage.around.refuses.lock().expect("whole") = Some(why.clone());
        let row = stage.row(|row| row.status == Status::Error).await;
        assert_eq!(row.error.as_deref(), Some(why.as_str()));
        assert_eq!(stage.notified().await, format!("scripted: {why}"));
        // So does a prompt that finds no more room, and it comes back.
        stage.send("go").await;
        assert_eq!(stage.draft().await.text, "go");
        assert_eq!(stage.lines().await, [why.as_str(), &why]);
        stage.around.refuses.lock().expect("whole").take();
        stage.send("and on").await;
        let mut side = stage.process().await;
        side.ready(Capabilities::default());
        let first = side.prompted().await.text;
        assert_eq!(first, "and on", "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_open_when_the_session_panics_has_its_end_in_the_audit_log() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    for (request, command) in [("p", "make"), ("q", "make test")] {
        granted::asks(&side, request, command);
    }
    stage.row(|row| row.pending == 2).await;
    side.shared.breaks.store(true, Relaxed);
    side.puppet.line("something");
    // Its task ends with it, and nothing of it is left.
    while stage.updates.recv().await.is_some() {}
    let said = crate::session::audit::told(&stage.folder.path().join("audit")).expect("decisions");
    let ends: Vec<&str> =
        said.lines().skip(2).map(|line| line.split_once("  ").map_or(line, |(_, rest)| rest)).collect();
    let project = stage.folder.path().file_name().expect("a name").to_string_lossy();
    let end = |command: &str| format!("expired    agor   scripted in {project}  Bash: {command}");
    let why = "  cut off: internal error, see the log";
    assert_eq!(ends, [end("make").as_str(), why, &end("make test"), why]);
}
