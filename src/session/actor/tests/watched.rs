//! The watchdog: who is told to have stalled and who is not, and what comes of trying again. The processes of a pretended
//! agent cannot be seen, so its silence counts.

use serde_json::json;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::{
    agent::awake,
    domain::{Cause, ToolCall, ToolKind, Wait},
};

const MINUTE: Duration = Duration::from_secs(60);

fn able() -> Capabilities {
    Capabilities { resume: true, interrupt: true, ..Capabilities::default() }
}

/// Of a session whose agent works on a prompt and has a minute to say something.
async fn working() -> (Stage, Side) {
    let (stage, mut side) = Stage::begin(|options| options.config.watchdog = Some(60)).await;
    side.ready(able());
    side.says([Event::AgentSession("c".into())]);
    stage.send("go").await;
    assert_eq!(side.prompted().await.text, "go");
    (stage, side)
}

fn text(text: &str) -> Event {
    Event::message("m", Content::Text { text: text.into() })
}

fn command() -> Event {
    let call = ToolCall {
        tool_use_id: "t".into(),
        name: "Bash".into(),
        kind: ToolKind::Execute,
        input: json!({}),
        title: "sleep 900".into(),
        locations: Vec::new(),
    };
    Event::message("t", Content::ToolCall(call))
}

impl Stage {
    async fn stalled(&mut self) -> (Option<i64>, Vec<String>) {
        self.find(|update| match update {
            Update::Stalled { since, stderr, .. } => Some((*since, stderr.clone())),
            _ => None,
        })
        .await
    }

    async fn retry(&self) -> Result<(), String> {
        self.order(Order::Retry).await
    }

    fn now(&self) -> i64 {
        Outside::default().now() + self.around.jumped.load(Relaxed)
    }

    async fn says_that_it_stalled(&self) -> bool {
        self.lines().await.iter().any(|line| line.contains("said nothing"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_says_nothing_is_told_to_have_stalled_with_its_last_words() {
    let (mut stage, side) = working().await;
    side.puppet.event(ProcessEvent::Stderr("connect: timed out".into()));
    let row = stage.row(|row| row.stalled).await;
    assert!(row.quiet_since.is_some() && row.busy);
    let (since, stderr) = stage.stalled().await;
    assert_eq!((since, stderr), (row.quiet_since, vec!["connect: timed out".to_owned()]));
    let told = stage.lines().await.pop().expect("a line");
    let expect = "scripted has said nothing and done nothing for 60 s: :Agor retry starts it anew and sends the prompt \
                  again\nconnect: timed out";
    assert_eq!(told, expect);
    // By itself nothing is sent again, and it is well as soon as it speaks.
    side.says([text("here I am")]);
    let row = stage.row(|row| !row.stalled).await;
    assert_eq!((row.quiet_since, stage.stalled().await.0), (None, None));
    let lines = stage.lines().await;
    assert!(lines.contains(&"scripted had said nothing for 60 s".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "> go").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_byte_of_a_line_that_has_not_ended_is_something_said() {
    let (mut stage, side) = working().await;
    for _ in 0..10 {
        sleep(MINUTE / 2).await;
        side.puppet.piece(1);
    }
    assert!(!stage.says_that_it_stalled().await);
    stage.row(|row| row.stalled).await;
    side.puppet.piece(1);
    stage.row(|row| !row.stalled).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_stalls_who_waits_for_the_user_or_has_no_turn() {
    let (mut stage, side) = working().await;
    granted::asks(&side, "p", "make");
    stage.row(|row| row.pending == 1).await;
    sleep(10 * MINUTE).await;
    assert!(!stage.says_that_it_stalled().await);
    side.says([Event::Withdrawn("p".into())]);
    side.ends_turn();
    stage.row(|row| !row.busy).await;
    sleep(10 * MINUTE).await;
    assert!(!stage.says_that_it_stalled().await);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_runs_is_waited_for_and_said_to_be() {
    let (mut stage, side) = working().await;
    side.says([command()]);
    let waits = |row: &SessionSummary| row.wait.as_ref().is_some_and(|wait| wait.cause == Cause::Command);
    let row = stage.row(waits).await;
    assert!(!row.stalled && row.quiet_since.is_some());
    sleep(10 * MINUTE).await;
    assert!(!stage.says_that_it_stalled().await);
    side.says([text("done")]);
    stage.row(|row| row.wait.is_none() && row.quiet_since.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn an_announced_retry_is_no_stall_and_is_over_when_the_agent_goes_on() {
    let (mut stage, side) = working().await;
    let wait = Wait { attempt: Some(1), attempts: Some(10), ..Wait::new(Cause::Overloaded, "The API is overloaded") };
    side.says([Event::Waits { wait: wait.clone(), delay_ms: Some(300_000) }]);
    let row = stage.row(|row| row.wait.is_some()).await;
    let told = row.wait.expect("it waits");
    assert!(told.until.is_some_and(|until| until > Outside::default().now()));
    assert_eq!(Wait { until: None, ..told }, wait);
    sleep(5 * MINUTE).await;
    assert!(!stage.says_that_it_stalled().await);
    side.says([text("at last")]);
    stage.row(|row| row.wait.is_none()).await;
    // A limit and a missing login outlive the turn, and end with the next prompt.
    side.says([Event::Waits { wait: Wait::new(Cause::UsageLimit, "used up"), delay_ms: None }]);
    side.ends_turn();
    side.says([Event::TurnEnded { stop_reason: "error".into(), outcome: TurnOutcome::Failed("used up".into()) }]);
    stage.send("more").await;
    stage.row(|row| row.busy && row.wait.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_patience_nobody_stalls() {
    let (stage, mut side) = Stage::with(able()).await;
    stage.send("go").await;
    side.prompted().await;
    sleep(600 * MINUTE).await;
    assert!(!stage.says_that_it_stalled().await);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_turn_is_tried_again_once_by_a_new_agent_in_the_same_conversation() {
    let (mut stage, mut side) = working().await;
    stage.row(|row| row.stalled).await;
    let (one, two) = (stage.retry(), stage.retry());
    assert_eq!((one.await, two.await), (Ok(()), Ok(())));
    side.puppet.stopped().await;
    side.puppet.exit(0, &[]);
    let mut next = stage.process().await;
    assert_eq!(next.options.resume_session_id.as_deref(), Some("c"));
    next.ready(able());
    assert_eq!(next.prompted().await.text, "go");
    next.ends_turn();
    stage.heard(&next).await;
    next.told_nothing();
    let refused = stage.retry().await.expect_err("it has ended well");
    assert!(refused.contains("nothing to try again"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_into_the_turn_is_sent_again_too_and_before_what_waits() {
    let (mut stage, mut side) = Stage::begin(|options| options.config.watchdog = Some(60)).await;
    side.ready(Capabilities { steer: true, ..able() });
    side.says([Event::AgentSession("c".into())]);
    stage.send("go").await;
    side.prompted().await;
    stage.order(Order::Steer(Prompt::new("and quickly"))).await.expect("taken");
    assert!(matches!(side.told().await, Command::Steer(_)));
    stage.send("later").await;
    stage.row(|row| row.stalled).await;
    stage.retry().await.expect("taken");
    side.puppet.exit(0, &[]);
    let mut next = stage.process().await;
    next.ready(able());
    for expect in ["go", "and quickly", "later"] {
        assert_eq!(next.prompted().await.text, expect);
        next.ends_turn();
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_no_conversation_up_is_told_what_was_said() {
    let (mut stage, side) = working().await;
    side.says([Event::Capabilities(Box::default()), text("I have found it")]);
    stage.row(|row| row.stalled).await;
    stage.retry().await.expect("taken");
    side.puppet.exit(0, &[]);
    let mut next = stage.process().await;
    assert_eq!(next.options.resume_session_id, None);
    next.ready(Capabilities::default());
    let prompt = next.prompted().await;
    assert_eq!(prompt.text, "go");
    assert!(prompt.context.iter().any(|context| context.text.contains("I have found it")), "{prompt:?}");
    let lines = stage.lines().await;
    assert!(lines.iter().any(|line| line.contains("cannot take its conversation up")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_failed_is_tried_again_by_the_same_agent() {
    let (mut stage, mut side) = working().await;
    side.says([
        text("no"),
        Event::TurnEnded { stop_reason: "error".into(), outcome: TurnOutcome::Failed("overloaded".into()) },
    ]);
    stage.row(|row| row.status == Status::Error).await;
    stage.retry().await.expect("taken");
    assert_eq!(side.prompted().await.text, "go");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_ended_with_its_process_is_tried_again_by_the_next() {
    let (mut stage, side) = working().await;
    side.says([text("oh")]);
    stage.heard(&side).await;
    side.puppet.exit(7, &["panic"]);
    stage.row(|row| row.status == Status::Error && !row.busy).await;
    stage.retry().await.expect("taken");
    let mut next = stage.process().await;
    assert_eq!(next.options.resume_session_id.as_deref(), Some("c"));
    next.ready(able());
    assert_eq!(next.prompted().await.text, "go");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_back_with_the_user_is_not_sent_behind_their_back() {
    let (mut stage, side) = working().await;
    // It has never heard of it.
    side.puppet.exit(7, &[]);
    assert_eq!(stage.draft().await.text, "go");
    let refused = stage.retry().await.expect_err("the user has it");
    assert!(refused.contains("prompt window"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_ours_counts_for_no_limit() {
    // It is not ready, which it has a minute for.
    let (mut stage, side) = Stage::begin(|options| options.config.watchdog = Some(30)).await;
    sleep(MINUTE / 2).await;
    advance(10 * MINUTE).await;
    sleep(MINUTE / 3).await;
    side.ready(able());
    stage.heard(&side).await;
    assert_eq!(stage.lines().await, [""; 0]);
    // Nor for the watchdog, which leaves the agent a minute after that.
    let mut side = side;
    stage.send("go").await;
    side.prompted().await;
    sleep(MINUTE / 4).await;
    advance(10 * MINUTE).await;
    sleep(MINUTE / 2).await;
    assert!(!stage.says_that_it_stalled().await);
    stage.row(|row| row.stalled).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_changes_nothing_of_how_long_an_agent_was_silent() {
    for back in [false, true] {
        let (mut stage, side) = working().await;
        sleep(MINUTE / 2).await;
        stage.clock_jumps(300 * MINUTE, back);
        let row = stage.row(|row| row.stalled).await;
        assert_eq!(row.quiet_ms.map(|ms| ms / 1000), Some(60));
        // The time of day that this was is one of the day as it is now.
        let ago = stage.now() - row.quiet_since.expect("it is quiet");
        assert!((50_000..70_000).contains(&ago), "{ago}");
        sleep(MINUTE / 2).await;
        stage.clock_jumps(300 * MINUTE, back);
        stage.send("later").await;
        let row = stage.row(|row| row.queued == 1).await;
        assert_eq!(row.quiet_ms.map(|ms| ms / 1000), Some(90));
        side.says([text("here I am")]);
        assert_eq!(stage.row(|row| !row.stalled).await.quiet_ms, None);
        let lines = stage.lines().await;
        assert!(lines.contains(&"scripted had said nothing for 90 s".to_owned()), "{lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_pause_it_is_told_that_it_does_not_count() {
    let (mut stage, _side) = working().await;
    stage.row(|row| row.stalled).await;
    advance(300 * MINUTE).await;
    let row = awake::timeout(MINUTE, stage.row(|_| true)).await.expect("it is told");
    assert_eq!(row.quiet_ms.map(|ms| ms / 1000), Some(61));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_lives_is_waited_for_whatever_the_clock_says() {
    let (mut stage, side) = working().await;
    let usage = |began: Instant| Usage { cpu: Duration::ZERO, youngest: Some(began.elapsed()) };
    // Besides, the agent has helpers that are older.
    sleep(MINUTE / 2).await;
    let began = Instant::now();
    *stage.around.usage.lock().expect("whole") = Some(Box::new(move || usage(began)));
    side.says([command()]);
    stage.heard(&side).await;
    stage.clock_jumps(300 * MINUTE, true);
    let waits = |row: &SessionSummary| row.wait.as_ref().is_some_and(|wait| wait.cause == Cause::Command);
    stage.row(|row| waits(row) || row.stalled).await;
    assert!(!stage.says_that_it_stalled().await);
    // What is left of its processes is what was there before the command.
    stage.clock_jumps(900 * MINUTE, false);
    *stage.around.usage.lock().expect("whole") = Some(Box::new(move || usage(began - MINUTE / 2)));
    sleep(MINUTE).await;
    assert!(stage.says_that_it_stalled().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_used_up_is_said_however_silent_the_agent_is() {
    let limit = Wait { until: Some(7), ..Wait::new(Cause::UsageLimit, "used up") };
    let (mut stage, side) = working().await;
    side.says([Event::Waits { wait: limit.clone(), delay_ms: None }]);
    let row = stage.row(|row| row.stalled).await;
    assert_eq!(row.wait, Some(limit.clone()));
    side.says([text("at last")]);
    let row = stage.row(|row| !row.stalled).await;
    assert_eq!(row.wait, Some(limit.clone()));
    // Nor does a command that runs take its place, and that is found once.
    side.says([command()]);
    stage.heard(&side).await;
    let row = stage.row(|row| row.quiet_since.is_some()).await;
    assert_eq!((row.stalled, row.wait), (false, Some(limit)));
    sleep(MINUTE).await;
    assert!(stage.updates.try_recv().is_err(), "nothing has changed");
}
