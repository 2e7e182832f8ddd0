//! What the guarantee is for: a backend, or a keeper, that is killed without a word.
//!
//! The backend here is this test program once more, told by a variable to spend its life as one.
#![expect(clippy::disallowed_methods, reason = "a stand-in for the backend is started beside the code that may spawn")]

mod support {
    pub mod family;
}

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use agor_nvim::{
    agent::{
        process::{RunMark, spawn, sweep_stale},
        stop::{Action, Signal, Step},
    },
    keeper::tree::Process,
};
use rustix::process::{Pid, Signal as SystemSignal, kill_process};
use support::family::{Family, Said, patiently};

const FOLDER: &str = "AGOR_TEST_BACKEND_FOLDER";
const SESSION: &str = "AGOR_TEST_BACKEND_SESSION";

/// This test again, as a backend with one agent, until that has said "ready".
fn start_backend(test: &str, family: &Family) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.env(FOLDER, family.cwd()).env(SESSION, family.session.as_str());
    let child = command.spawn().expect("a backend");
    eventually(|| file(family, "ready").is_some());
    child
}

fn as_backend(life: impl AsyncFnOnce(Family)) -> bool {
    let (Some(folder), Ok(session)) = (std::env::var_os(FOLDER), std::env::var(SESSION)) else { return false };
    let family = Family::at(&session, Path::new(&folder));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(life(family));
    true
}

fn note(family: &Family, name: &str, text: &str) {
    let path = family.cwd().join(name);
    let begun = path.with_extension("begun");
    std::fs::write(&begun, text).and_then(|()| std::fs::rename(begun, path)).expect("a note");
}

fn file(family: &Family, name: &str) -> Option<String> {
    std::fs::read_to_string(family.cwd().join(name)).ok()
}

/// Only so that a failure ends.
#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to be");
}

fn kill(pid: i32, signal: SystemSignal) {
    kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("it is there");
}

/// A backend is killed while its agent runs, which was told these steps before.
#[track_caller]
fn check_killed_backend(test: &str, steps: &[&str], said: &str) {
    if as_backend(async |family| {
        let mut invocation = family.script(steps);
        invocation.orphan_ladder =
            vec![Step::new(Action::Signal(Signal::Terminate), Duration::from_secs(60)), Step::kill()];
        let mut process = spawn(invocation).expect("a keeper");
        Said::line(&mut process, "ready").await;
        note(&family, "ready", &process.handle.keeper().to_string());
        std::future::pending().await
    }) {
        return;
    }
    let family = Family::new();
    let mut backend = start_backend(test, &family);
    assert!(family.left().len() >= 5, "an agent and its children are there: {:?}", family.left());
    let keeper: i32 = file(&family, "ready").and_then(|pid| pid.parse().ok()).expect("the keeper's pid");
    backend.kill().expect("SIGKILL");
    backend.wait().expect("it has ended");
    eventually(|| family.left().is_empty());
    eventually(|| Process::read(keeper).is_none_or(|keeper| keeper.zombie));
    assert_eq!(file(&family, "last words").unwrap_or_default(), said);
}

#[test]
fn nothing_is_left_when_the_backend_is_killed() {
    let steps = ["family", "last-words", "say=ready", "forever"];
    check_killed_backend("nothing_is_left_when_the_backend_is_killed", &steps, "SIGTERM");
}

#[test]
fn nothing_is_left_of_a_deaf_agent_when_the_backend_is_killed() {
    let steps = ["deaf", "family", "say=ready", "forever"];
    check_killed_backend("nothing_is_left_of_a_deaf_agent_when_the_backend_is_killed", &steps, "");
}

/// A keeper is treated like this, and the backend lives on.
#[track_caller]
fn check_lost_keeper(test: &str, lose: impl Fn(i32)) {
    if as_backend(async |family| {
        // Another session of the same backend, which must not be touched.
        let beside = Family::new();
        let mut other = beside.spawn(&["say=ready", "echo"]);
        Said::line(&mut other, "ready").await;
        let mut process = family.spawn(&["deaf", "family", "say=ready", "forever"]);
        Said::line(&mut process, "ready").await;
        note(&family, "ready", &process.handle.keeper().to_string());
        patiently(async {
            while file(&family, "lost").is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        process.handle.kill();
        let said = Said::all(&mut process).await;
        other.handle.write(b"still here\n".to_vec()).expect("open");
        other.handle.close_stdin();
        let beside = Said::all(&mut other).await;
        note(&family, "outcome", &format!("{}; {:?}; {}", said.exit, beside.lines, beside.exit));
    }) {
        return;
    }
    let family = Family::new();
    let mut backend = start_backend(test, &family);
    lose(file(&family, "ready").and_then(|pid| pid.parse().ok()).expect("the keeper's pid"));
    note(&family, "lost", "");
    eventually(|| file(&family, "outcome").is_some());
    family.has_left_nothing();
    assert_eq!(file(&family, "outcome").as_deref(), Some("killed by SIGKILL; [\"echo still here\"]; Exit code: 0"));
    backend.wait().expect("it has ended");
}

#[test]
fn nothing_is_left_when_a_keeper_is_killed() {
    check_lost_keeper("nothing_is_left_when_a_keeper_is_killed", |keeper| kill(keeper, SystemSignal::KILL));
}

#[test]
fn nothing_is_left_when_a_keeper_is_stuck() {
    check_lost_keeper("nothing_is_left_when_a_keeper_is_stuck", |keeper| kill(keeper, SystemSignal::STOP));
}

/// A process with these marks, whose backend is said to have been another one.
fn marked(run: &str, keeper: bool) -> Child {
    let mut command = Command::new("/bin/sh");
    // The shell stays above the sleep, which alone has the mark.
    command.args(["-c", "AGOR_RUN=$0 sleep 1000 & echo $!; wait", run]).stdout(Stdio::piped());
    if keeper {
        command.env("AGOR_KEEPER", "a test");
    }
    command.spawn().expect("a shell")
}

fn sleeper(shell: &mut Child) -> i32 {
    use std::io::{BufRead, BufReader};
    let mut line = String::new();
    BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("a pid");
    let pid: i32 = line.trim().parse().expect("a pid");
    eventually(|| Process::read(pid).is_some_and(|process| process.command() == "sleep 1000"));
    pid
}

fn lives(pid: i32) -> bool {
    Process::read(pid).is_some_and(|process| !process.zombie)
}

#[test]
fn what_a_dead_backend_left_is_swept_and_nothing_else() {
    let own = RunMark::next().to_string();
    let fields: Vec<&str> = own.split('-').collect();
    // Of the same pid, but started earlier: that one has ended.
    let stale = format!("{}-{}-1-7", fields[0], fields[1]);
    let elsewhere = format!("1-{}-1-7", fields[1]);
    let mut shells = [
        marked(&stale, false),
        marked(&own, false),
        marked(&elsewhere, false),
        marked("not ours", false),
        marked(&stale, true),
    ];
    let sleepers = shells.each_mut().map(sleeper);
    assert!(sweep_stale() >= 1);
    assert_eq!(sleepers.map(lives), [false, true, true, true, true]);
    for (shell, sleeper) in shells.iter_mut().zip(sleepers) {
        if lives(sleeper) {
            kill(sleeper, SystemSignal::KILL);
        }
        shell.wait().expect("it has ended");
    }
}
