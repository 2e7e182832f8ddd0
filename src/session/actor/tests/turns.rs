//! Steering, clearing, logging in: prompts are neither lost nor sent twice.

use crate::domain::Login;

use super::*;

fn steerable() -> Capabilities {
    Capabilities { steer: true, ..Capabilities::default() }
}

fn steer(stage: &Stage, text: &str) -> Answer<()> {
    stage.order(Order::Steer(Prompt::new(text)))
}

#[tokio::test(start_paused = true)]
async fn a_steering_prompt_joins_the_turn_and_stands_in_its_place() {
    let (mut stage, mut side) = Stage::with(steerable()).await;
    stage.send("one").await;
    side.prompted().await;
    side.says([Event::message("m", Content::Text { text: "working".into() })]);
    stage.heard(&side).await;
    steer(&stage, "rather two").await.expect("taken");
    assert_eq!(side.told().await, Command::Steer(Prompt::new("rather two")));
    assert_eq!(stage.steered().await, ["rather two"], "the transcript says how it was given");
    side.ends_turn();
    stage.turn().await;
    assert_eq!(stage.lines().await, ["> one", "working", "> rather two"]);
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_join_a_turn_is_sent() {
    let (mut stage, mut side) = Stage::with(steerable()).await;
    steer(&stage, "no turn").await.expect("taken");
    assert_eq!(side.prompted().await.text, "no turn");
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    steer(&stage, "not able").await.expect("it waits");
    assert_eq!(stage.row(|row| row.queued == 1).await.queued, 1);
    side.told_nothing();
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "not able");
    assert_eq!(stage.lines().await, ["> no turn", "> not able"]);
}

#[tokio::test(start_paused = true)]
async fn a_cleared_session_goes_on_with_another_conversation() {
    let (mut stage, mut side) = Stage::begin(|options| {
        options.resume_session_id = Some("before".into());
        options.model = Some("big".into());
    })
    .await;
    side.ready(Capabilities::default());
    side.says([Event::AgentSession("own".into()), Event::Mode("plan".into())]);
    stage.send("one").await;
    side.prompted().await;
    stage.send("waits").await;
    stage.order(Order::Clear).await.expect("taken");
    assert_eq!(stage.row(|row| row.held.is_some()).await.waiting, ["waits"]);
    side.puppet.stopped().await;
    // The old process is on its way out; this is for the next one.
    stage.send("two").await;
    side.puppet.exit(0, &[]);
    let mut next = stage.process().await;
    let options = &next.options;
    assert_eq!((options.resume(), options.history_known), (Ok(crate::domain::Resume::New), false));
    assert_eq!((options.model.as_deref(), options.permission_mode.as_deref()), (Some("big"), Some("plan")));
    assert_eq!(next.prompted().await.text, "two");
    next.says([Event::AgentSession("other".into())]);
    next.ends_turn();
    assert_eq!(next.prompted().await.text, "waits", "what was held back goes on after it");
    next.ends_turn();
    for reason in ["stopped", "end_turn", "end_turn"] {
        assert_eq!(stage.turn().await, reason);
    }
    assert_eq!(stage.lines().await, ["> one", "new conversation", "> two", "> waits"]);
}

#[tokio::test(start_paused = true)]
async fn clearing_never_says_done_and_costs_add_up() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let cost = |usd| {
        let cost = crate::domain::Cost { total_cost_usd: Some(usd), ..Default::default() };
        Event::message("cost", Content::Cost(cost))
    };
    side.says([cost(0.5), Event::Context { used: 10, size: Some(100) }]);
    assert_eq!(stage.row(|row| row.context_used.is_some()).await.context_used, Some(10));
    stage.order(Order::Clear).await.expect("taken");
    side.puppet.stopped().await;
    side.puppet.exit(0, &[]);
    let next = stage.process().await;
    next.says([cost(0.25)]);
    loop {
        let row = stage.row(|_| true).await;
        assert_eq!(row.status, Status::Idle);
        if (row.cost_usd - 0.75).abs() < 1e-9 {
            assert_eq!(row.context_used, None);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_process_is_cleared_too() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    side.says([Event::AgentSession("own".into())]);
    side.puppet.exit(0, &[]);
    stage.row(|row| row.status == Status::Done).await;
    stage.order(Order::Clear).await.expect("cleared");
    assert_eq!(stage.lines().await, ["new conversation"]);
    stage.send("anew").await;
    assert_eq!(stage.process().await.options.resume(), Ok(crate::domain::Resume::New));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_session_that_is_being_cleared() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    stage.order(Order::Clear).await.expect("taken");
    stage.order(Order::Stop { force: false }).await.expect("stopped");
    side.puppet.exit(0, &[]);
    stage.row(|row| row.status == Status::Done).await;
    assert!(stage.processes.try_recv().is_err(), "nothing was started");
}

#[tokio::test(start_paused = true)]
async fn a_login_is_one_of_the_agents_own() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let login = |stage: &Stage, id: &str| stage.order(Order::Login(id.into()));
    let sentence = "scripted has no login of its own to choose: run :Agor login scripted";
    assert_eq!(login(&stage, "web").await, Err(sentence.into()));
    let logins = ["web", "key"].map(|id| Login { id: id.into(), ..Login::default() }).to_vec();
    side.ready(Capabilities { logins, ..Capabilities::default() });
    stage.heard(&side).await;
    assert_eq!(login(&stage, "card").await, Err("scripted has no login 'card': choose one of web, key".into()));
    assert_eq!(login(&stage, "web").await, Ok(()));
    assert_eq!(side.told().await, Command::Login("web".into()));
    side.puppet.exit(0, &[]);
    stage.row(|row| row.status == Status::Done).await;
    assert_eq!(login(&stage, "web").await, Ok(()), "the next process finds out by itself");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_was_refused_for_want_of_a_login_comes_back() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("hello").await;
    side.prompted().await;
    side.says([
        Event::message("m", Content::Text { text: "Please log in".into() }),
        Event::LoginNeeded { message: "no key.".into() },
    ]);
    side.says([Event::TurnEnded { stop_reason: "error".into(), outcome: TurnOutcome::Failed("no key".into()) }]);
    assert_eq!(stage.draft().await.text, "hello");
}

#[tokio::test(start_paused = true)]
async fn where_the_conversation_is_gone_a_new_one_is_offered() {
    for (said, expect) in [
        (
            "no conversation 'gone'.",
            "no conversation 'gone'. /seed in the prompt begins a new conversation in this session that is given this \
             transcript, /clear one that knows nothing of it",
        ),
        ("the disk is full.", "the disk is full."),
    ] {
        let (mut stage, mut side) = Stage::begin(|options| {
            options.resume_session_id = Some("gone".into());
            options.prompt = Some(Prompt::new("hello"));
        })
        .await;
        side.prompted().await;
        side.says([Event::Failed { message: said.into() }]);
        assert_eq!(stage.draft().await.text, "hello");
        assert_eq!(stage.row(|row| row.status == Status::Error).await.error.as_deref(), Some(expect));
        // And again, to who has overlooked it.
        stage.send("hello?").await;
        side.prompted().await;
        side.says([Event::Failed { message: said.into() }]);
        assert_eq!(stage.draft().await.text, "hello?");
        assert_eq!(stage.row(|row| row.status == Status::Error).await.error.as_deref(), Some(expect));
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_agent_that_does_not_end_its_turn_the_user_learns_how_to_end_it() {
    let interrupt = Capabilities { interrupt: true, ..Capabilities::default() };
    let (mut stage, mut side) = Stage::with(interrupt).await;
    for again in [false, true] {
        stage.send("one").await;
        side.prompted().await;
        stage.order(Order::Interrupt).await.expect("taken");
        assert_eq!(side.told().await, Command::Interrupt);
        if again {
            stage.order(Order::Interrupt).await.expect("taken");
            assert_eq!(side.told().await, Command::Interrupt);
            let told = stage.notified().await;
            assert!(told.contains("has not ended the turn yet") && told.contains(":Agor stop"), "{told}");
        }
        side.ends_turn();
        stage.turn().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_taken_back_from_an_agent_that_is_still_being_opened() {
    let (mut stage, mut side) = Stage::begin(|_| {}).await;
    stage.send("one").await;
    side.prompted().await;
    stage.order(Order::Interrupt).await.expect("whatever it can do once it is open");
    assert_eq!(side.told().await, Command::Interrupt);
    let end = Event::TurnEnded { stop_reason: "cancelled".into(), outcome: TurnOutcome::Idle };
    side.says([Event::Returned(Box::new(Prompt::new("one"))), end]);
    assert_eq!(stage.draft().await.text, "one");
    assert_eq!(stage.turn().await, "cancelled");
}
