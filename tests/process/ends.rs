//! How an agent ends. Each time it has a child, one in its own session, a daemon and one without our marks, all deaf.

use std::time::Duration;

use agor_nvim::agent::{
    process::{AgentProcess, spawn},
    stop::{Action, STOP_LIMIT, Signal, Step},
};
use tokio::sync::watch;

use super::{LONG, SHORT, busy, ended_with, killed_by, words};
use crate::family::{Family, Said, patiently};

#[tokio::test]
async fn nothing_is_left_when_the_agent_exits() {
    let family = Family::new();
    let said = family.run(&["family", "say=bye", "exit=3"]).await;
    assert_eq!((said.lines, said.exit), (vec!["bye".to_owned()], ended_with(3)));
    family.has_left_nothing();
}

#[tokio::test]
async fn nothing_is_left_when_the_agent_crashes() {
    let family = Family::new();
    let said = family.run(&["family", "raw={\"type\":\"half", "die=11"]).await;
    assert_eq!((said.lines, said.exit.signal), (vec!["{\"type\":\"half".to_owned()], Some(11)));
    family.has_left_nothing();
}

#[tokio::test]
async fn nothing_is_left_when_a_deaf_agent_is_killed() {
    let family = Family::new();
    let mut process = family.spawn(&["deaf", "family", "say=ready", "forever"]);
    Said::line(&mut process, "ready").await;
    process.handle.kill();
    assert_eq!(Said::all(&mut process).await.exit, killed_by(9));
    family.has_left_nothing();
}

#[tokio::test]
async fn a_ladder_is_climbed_until_the_agent_ends() {
    let family = Family::new();
    let mut process = family.spawn(&["family", "signals", "say=ready", "eof", "forever"]);
    Said::line(&mut process, "ready").await;
    let ladder = vec![
        Step::new(Action::CloseStdin, SHORT),
        Step::new(Action::Signal(Signal::Interrupt), SHORT),
        Step::new(Action::Signal(Signal::Terminate), LONG),
        Step::kill(),
    ];
    process.handle.climb(ladder, busy());
    let said = Said::all(&mut process).await;
    assert_eq!((said.lines, said.exit), (words(&["eof", "got SIGINT", "got SIGTERM"]), ended_with(7)));
    family.has_left_nothing();
}

#[tokio::test]
async fn a_ladder_ends_in_the_kill_even_if_it_does_not_say_so() {
    let family = Family::new();
    let mut process = family.spawn(&["deaf", "family", "say=ready", "forever"]);
    Said::line(&mut process, "ready").await;
    process.handle.climb(vec![Step::new(Action::Signal(Signal::Terminate), SHORT)], busy());
    assert_eq!(Said::all(&mut process).await.exit, killed_by(9));
    family.has_left_nothing();
}

#[tokio::test]
async fn the_wait_after_a_write_ends_with_the_turn() {
    let family = Family::new();
    let mut process = family.spawn(&["say=ready", "echo", "say=eof"]);
    Said::line(&mut process, "ready").await;
    let (turn, busy) = watch::channel(true);
    process.handle.climb(
        vec![
            Step::new(Action::Write(b"stop\n".to_vec()), STOP_LIMIT),
            Step::new(Action::CloseStdin, LONG),
            Step::kill(),
        ],
        busy,
    );
    Said::line(&mut process, "echo stop").await;
    turn.send(false).expect("the ladder waits for it");
    let said = Said::all(&mut process).await;
    assert_eq!((said.lines, said.exit), (words(&["eof"]), ended_with(0)));
}

#[tokio::test]
async fn a_stop_is_not_held_up_by_a_flood_that_nobody_takes() {
    let family = Family::new();
    let mut process = family.spawn(&["deaf", "family", "flood=100000000"]);
    Said::something(&mut process).await;
    process.handle.climb(vec![Step::new(Action::Signal(Signal::Interrupt), SHORT), Step::kill()], busy());
    patiently(process.handle.ended()).await;
    family.has_left_nothing();
}

#[tokio::test]
async fn an_agent_without_a_handle_is_stopped_by_its_own_ladder() {
    let family = Family::new();
    let mut invocation = family.script(&["family", "signals", "say=ready", "eof", "forever"]);
    invocation.orphan_ladder = vec![
        Step::new(Action::CloseStdin, Duration::from_millis(500)),
        Step::new(Action::Signal(Signal::Terminate), LONG),
        Step::kill(),
    ];
    let mut process = spawn(invocation).expect("a keeper");
    Said::line(&mut process, "ready").await;
    let AgentProcess { mut events, handle } = process;
    drop(handle);
    let said = Said::rest(&mut events).await;
    assert_eq!((said.lines, said.exit), (words(&["eof", "got SIGTERM"]), ended_with(7)));
    family.has_left_nothing();
}

#[tokio::test]
async fn a_deaf_orphan_is_killed_however_long_its_ladder_is() {
    let family = Family::new();
    let mut invocation = family.script(&["deaf", "family", "say=ready", "forever"]);
    invocation.orphan_ladder = vec![Step::new(Action::Signal(Signal::Terminate), LONG), Step::kill()];
    let mut process = spawn(invocation).expect("a keeper");
    Said::line(&mut process, "ready").await;
    process.handle.orphan();
    assert_eq!(Said::all(&mut process).await.exit, killed_by(9));
    family.has_left_nothing();
}

#[tokio::test]
async fn a_keeper_is_deaf_to_polite_signals() {
    let family = Family::new();
    let mut process = family.spawn(&["say=ready", "echo"]);
    Said::line(&mut process, "ready").await;
    let keeper = rustix::process::Pid::from_raw(process.handle.keeper()).expect("a pid");
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::PIPE] {
        rustix::process::kill_process(keeper, signal).expect("it is there");
    }
    process.handle.write(b"still here\n".to_vec()).expect("open");
    process.handle.close_stdin();
    let said = Said::all(&mut process).await;
    assert_eq!((said.lines, said.exit), (words(&["echo still here"]), ended_with(0)));
}

#[tokio::test]
async fn sixty_four_sessions_end_when_their_handles_are_dropped() {
    let families: Vec<_> = (0..64).map(|_| Family::new()).collect();
    let mut all = Vec::new();
    for family in &families {
        let process = spawn(family.invocation(&["sh", "-c", "sleep 1000 & echo ready; read line"])).expect("a keeper");
        all.push(process);
    }
    for process in &mut all {
        Said::line(process, "ready").await;
    }
    let (mut events, handles): (Vec<_>, Vec<_>) = all.into_iter().map(|one| (one.events, one.handle)).unzip();
    drop(handles);
    for events in &mut events {
        Said::rest(events).await;
    }
    for family in &families {
        family.has_left_nothing();
    }
}
