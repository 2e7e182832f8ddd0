//! Models, modes, efforts and options: told at once, as soon as that can be, or to the next process.

use crate::domain::{AgentOption, Choice};

use super::*;

fn able() -> Capabilities {
    let choice = |id: &str| Choice { id: id.into(), ..Choice::default() };
    let option =
        AgentOption { id: "speed".into(), choices: vec![choice("fast"), choice("slow")], ..AgentOption::default() };
    Capabilities {
        models: vec![choice("big"), choice("small")],
        options: vec![option],
        set_model: true,
        set_mode: true,
        set_effort: true,
        ..Capabilities::default()
    }
}

fn option(id: &str, value: &str) -> Order {
    Order::SetOption { id: id.into(), value: value.into() }
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_can_set_it_is_told() {
    let (stage, mut side) = Stage::with(able()).await;
    for (order, command) in [
        (Order::SetModel("big".into()), Command::SetModel("big".into())),
        (Order::SetMode("plan".into()), Command::SetMode("plan".into())),
        (Order::SetEffort("high".into()), Command::SetEffort("high".into())),
        (option("speed", "fast"), Command::SetOption { id: "speed".into(), value: "fast".into() }),
    ] {
        assert_eq!(stage.order(order).await, Ok(()));
        assert_eq!(side.told().await, command);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_cannot_set_is_a_sentence() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let cannot = |what: &str, key: &str| {
        Err(format!("scripted does not let anyone {what} while it runs: start another with :Agor start scripted {key}"))
    };
    for (order, refusal) in [
        (Order::SetModel("m".into()), cannot("choose its model", "model=NAME")),
        (Order::SetMode("m".into()), cannot("change its mode", "permission_mode=NAME")),
        (Order::SetEffort("m".into()), cannot("change its effort", "effort=NAME")),
        (option("speed", "fast"), Err("scripted has no options that can be set".into())),
    ] {
        assert_eq!(stage.order(order).await, refusal);
    }
    side.ready(able());
    stage.heard(&side).await;
    let known = "scripted has no option 'size': it has speed";
    assert_eq!(stage.order(option("size", "fast")).await, Err(known.into()));
    let known = "speed cannot be 'odd': choose one of fast, slow";
    assert_eq!(stage.order(option("speed", "odd")).await, Err(known.into()));
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn what_is_chosen_before_the_agent_is_ready_is_told_then() {
    let (mut stage, mut side) = Stage::begin(|_| {}).await;
    assert_eq!(stage.order(Order::SetModel("big".into())).await, Ok(()));
    assert_eq!(stage.order(option("size", "big")).await, Ok(()));
    side.told_nothing();
    side.ready(able());
    assert_eq!(side.told().await, Command::SetModel("big".into()));
    assert_eq!(stage.notified().await, "scripted has no option 'size': it has speed");
}

#[tokio::test(start_paused = true)]
async fn what_is_chosen_without_a_process_is_for_the_next_one() {
    let (mut stage, mut side) = Stage::with(able()).await;
    stage.send("hello").await;
    side.prompted().await;
    side.says([Event::AgentSession("own".into()), Event::Model("small".into()), Event::Mode("ask".into())]);
    side.ends_turn();
    side.puppet.exit(0, &[]);
    stage.row(|row| row.status == Status::Done).await;
    for order in [
        Order::SetModel("big".into()),
        Order::SetMode("plan".into()),
        Order::SetEffort("high".into()),
        option("speed", "slow"),
    ] {
        assert_eq!(stage.order(order).await, Ok(()));
    }
    let row = stage.row(|row| row.effort == "high").await;
    assert_eq!((row.model.as_str(), row.mode.as_str()), ("big", "plan"));
    stage.send("go on").await;
    side = stage.process().await;
    let options = &side.options;
    assert_eq!(options.resume_session_id.as_deref(), Some("own"));
    let set = [&options.model, &options.mode, &options.permission_mode, &options.effort].map(|set| set.as_deref());
    assert_eq!(set, [Some("big"), Some("plan"), Some("plan"), Some("high")]);
    assert_eq!(side.prompted().await.text, "go on");
    side.ready(able());
    assert_eq!(side.told().await, Command::SetOption { id: "speed".into(), value: "slow".into() });
}

#[tokio::test(start_paused = true)]
async fn a_model_that_was_set_survives_and_one_that_nobody_chose_is_the_agents_matter() {
    for (set, reported, expect) in [
        (None, "small", None),
        (Some("big"), "big", Some("big")),
        // The agent's long name of it, which it would not take.
        (Some("big"), "big-2026-11-01", Some("big")),
        // A choice that it does not list.
        (Some("other"), "other-2026", Some("other-2026")),
    ] {
        let (mut stage, side) = Stage::with(able()).await;
        if let Some(model) = set {
            stage.order(Order::SetModel(model.into())).await.expect("set");
        }
        side.says([Event::Model(reported.into())]);
        side.puppet.exit(0, &[]);
        stage.row(|row| row.status == Status::Done).await;
        stage.send("go on").await;
        assert_eq!(stage.process().await.options.model.as_deref(), expect);
    }
}

#[tokio::test(start_paused = true)]
async fn the_transcript_tells_a_resumed_agent_that_its_history_is_known() {
    for prompt in [None, Some(Prompt::new("hello"))] {
        let known = prompt.is_some();
        let (mut stage, side) = Stage::begin(|options| options.prompt = prompt).await;
        assert!(!side.options.history_known);
        if known {
            stage.row(|row| row.busy).await;
        }
        side.says([Event::AgentSession("own".into())]);
        side.puppet.exit(0, &[]);
        stage.row(|row| row.status == Status::Done).await;
        stage.send("go on").await;
        assert_eq!(stage.process().await.options.history_known, known);
    }
}
