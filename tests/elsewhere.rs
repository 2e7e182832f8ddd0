//! Agents that run elsewhere: over a real OpenSSH server on loopback, and in what stands in for a container. However the
//! way there ends, nothing is left there, or the user is told what is.
//!
//! Here "there" is this machine, but nothing of ours knows that: what runs there has another mark than what runs here.

mod support {
    pub mod container;
    pub mod family;
    pub mod sshd;
}

use std::{collections::BTreeMap, path::Path, time::Duration};

use agor_nvim::{
    agent::{
        place::Away,
        process::{AgentProcess, Exit, Invocation, Prepared, ProcessEvent, spawn},
        protocol::Launch,
        stop::{Action, Step},
    },
    domain::{Paths, ProviderConfig, StartOptions},
    keeper::tree::Process,
};
use rustix::process::{Pid, WaitOptions, waitpid};
use support::{
    container::{docker, executable},
    family::{Family, Said, patiently},
    sshd::Sshd,
};
use tokio::sync::watch;

const SCRIPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/agent.py");

/// A session whose agent is behind a wrapper.
struct Trip {
    family: Family,
    options: StartOptions,
}

impl Trip {
    fn new(wrap: Vec<String>, command: &[&str]) -> Self {
        let family = Family::new();
        let config = ProviderConfig {
            command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            wrap,
            env: [("PIDS".to_owned(), family.cwd().join("pids").display().to_string())].into(),
            ..ProviderConfig::default()
        };
        let mut options = StartOptions::new(family.session.clone(), "scripted", config, family.cwd().to_owned());
        for name in ["PATH", "HOME"] {
            options.environ.insert(name.into(), std::env::var(name).expect("it is set"));
        }
        Self { family, options }
    }

    /// The scripted agent with these steps.
    fn scripted(wrap: Vec<String>, steps: &[&str]) -> Self {
        Self::new(wrap, &[&["python3", SCRIPTED], steps].concat())
    }

    fn prepare(&self) -> (Invocation, Away) {
        let keeper = Path::new(env!("CARGO_BIN_EXE_agor-nvim"));
        let prepared = Prepared::new(&self.options, &Launch::default(), keeper).expect("a program");
        (prepared.invocation, prepared.away.expect("elsewhere"))
    }

    fn start(&self) -> (AgentProcess, Away) {
        let (invocation, away) = self.prepare();
        (spawn(invocation).expect("a keeper"), away)
    }

    /// What is still there. What has no parent any more has come to this very program, which starts keepers.
    fn left(&self) -> Vec<Process> {
        for pid in self.family.pids().into_iter().filter_map(Pid::from_raw) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        self.family.left()
    }

    #[track_caller]
    fn has_left_nothing(&self) {
        let left: Vec<_> = self.left().iter().map(|one| (one.clone(), one.command())).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    async fn run(&self) -> (Said, Away) {
        let (mut process, away) = self.start();
        (Said::all(&mut process).await, away)
    }
}

/// Until the agent says just this; what its start costs there is not ours to know.
async fn line(process: &mut AgentProcess, expect: &str) {
    Said::line(process, expect).await;
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

// What arrives there.

/// Words that a shell would read otherwise.
const AWKWARD: [&str; 5] = ["", "it's $HOME `id` \"x\" \\n", "a\nb\n", "*", "-ü !!"];

async fn check_arrives(mut trip: Trip) {
    let script = r#"printf "%s|" "$PWD" "$AGOR_SESSION_ID" "$SECRET" "$LOCAL" "$@"; echo; cat"#;
    let folder = trip.family.cwd().join("there 'x'");
    std::fs::create_dir(&folder).expect("a folder");
    let folder = folder.display().to_string();
    trip.options.config.command =
        Some(["sh", "-c", script, "sh"].iter().chain(&AWKWARD).map(|word| (*word).to_owned()).collect());
    trip.options.config.env.insert("SECRET".into(), "s'$x\n:agor:\ns".into());
    trip.options.environ.insert("LOCAL".into(), "not there".into());
    trip.options.config.paths = Paths(BTreeMap::from([(trip.options.cwd.display().to_string(), folder.clone())]));
    let (invocation, away) = trip.prepare();
    assert!(!format!("{:?}", invocation.args).contains("s'$x"), "for everybody to read in ps");
    let mut process = spawn(invocation).expect("a keeper");
    process.handle.write(b"one\n".to_vec()).expect("open");
    process.handle.close_stdin();
    let said = Said::all(&mut process).await;
    let session = trip.family.session.as_str();
    let expect = format!("{folder}|{session}|s'$x\n:agor:\ns||{}|\none", AWKWARD.join("|"));
    assert_eq!((said.lines.join("\n"), said.stderr), (expect, Vec::<String>::new()));
    assert_eq!(said.exit, Exit { code: Some(0), ..Exit::default() });
    away.sweep().await.expect("there is nothing left");
    trip.has_left_nothing();
}

#[tokio::test]
async fn over_ssh_words_environment_and_directory_arrive_as_they_are() {
    let sshd = Sshd::start();
    check_arrives(Trip::new(sshd.wrap(), &[])).await;
}

#[tokio::test]
async fn in_a_container_words_environment_and_directory_arrive_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    check_arrives(Trip::new(docker(folder.path()), &[])).await;
}

#[tokio::test]
async fn a_program_is_found_where_a_login_shell_or_the_presets_know_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = |path: &str, says: &str| executable(&folder.path().join(path), &format!("#!/bin/sh\necho {says}\n"));
    program(".local/bin/agor-test-agent", "also");
    let mut trip = Trip::new(docker(folder.path()), &["agor-test-agent"]);
    trip.options.config.also = vec!["~/.local/bin/agor-test-agent".into()];
    assert_eq!(trip.run().await.0.lines, ["also"]);
    program("login/agor-test-agent", "login");
    std::fs::write(folder.path().join(".profile"), "echo welcome; PATH=$HOME/login:$PATH\n").expect("a file");
    assert_eq!(trip.run().await.0.lines, ["login"]);
}

// What is not there.

async fn check_sentence(trip: &Trip, expect: &str) {
    let (said, away) = trip.run().await;
    let sentence = away.place.sentence(&said.exit, !said.lines.is_empty());
    let sentence = sentence.unwrap_or_else(|| panic!("no sentence: {said:?}"));
    assert!(sentence.starts_with(expect), "{sentence}");
}

#[tokio::test]
async fn what_is_not_there_is_a_sentence() {
    let mut sshd = Sshd::start();
    let mut trip = Trip::new(sshd.wrap(), &["agor-no-such-agent"]);
    check_sentence(&trip, "'agor-no-such-agent' was not found on ssh box: install it there").await;
    trip.options.cwd = "/no/such/place".into();
    check_sentence(&trip, "the directory '/no/such/place' does not exist on ssh box: give another with cwd=").await;
    sshd.vanish();
    check_sentence(&trip, "ssh box could not be reached (ssh: connect to host 127.0.0.1").await;
}

#[tokio::test]
async fn ssh_never_asks_for_a_password() {
    let sshd = Sshd::start();
    let mut wrap = sshd.wrap();
    wrap.splice(1..1, ["-i".to_owned(), "/dev/null".to_owned(), "-oIdentityFile=none".to_owned()]);
    wrap.insert(1, "-oPubkeyAuthentication=no".to_owned());
    check_sentence(&Trip::new(wrap, &["true"]), "ssh box lets nobody in without asking (").await;
}

#[tokio::test]
async fn a_container_that_is_not_there_is_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrap = docker(folder.path());
    wrap[3] = "gone".to_owned();
    let expect = "docker gone could not be reached (Error response from daemon: No such container: gone)";
    check_sentence(&Trip::new(wrap, &["true"]), expect).await;
}

// How it ends.

#[tokio::test]
async fn what_has_left_the_agents_session_is_ended_by_a_second_call() {
    let sshd = Sshd::start();
    let trip = Trip::scripted(sshd.wrap(), &["daemon", "say=ready", "eof"]);
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    process.handle.close_stdin();
    line(&mut process, "eof").await;
    // The server waits for whoever holds the agent's output.
    process.handle.kill();
    Said::all(&mut process).await;
    assert!(!trip.left().is_empty(), "a daemon does not end with the connection");
    away.sweep().await.expect("it can be ended");
    trip.has_left_nothing();
}

#[tokio::test]
async fn an_agent_deaf_to_everything_is_killed_there() {
    let sshd = Sshd::start();
    let trip = Trip::scripted(sshd.wrap(), &["deaf", "say=ready", "forever"]);
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    let wait = Duration::from_millis(20);
    process.handle.climb(vec![Step::new(Action::CloseStdin, wait), Step::kill()], watch::channel(false).1);
    Said::all(&mut process).await;
    assert!(!trip.left().is_empty(), "nobody has told it");
    away.sweep().await.expect("it can be killed");
    trip.has_left_nothing();
}

#[tokio::test]
async fn a_connection_that_is_cut_is_told_and_what_it_left_is_ended() {
    let sshd = Sshd::start();
    let trip = Trip::scripted(sshd.wrap(), &["deaf", "say=ready", "forever"]);
    let (mut process, away) = trip.start();
    let Some(ProcessEvent::Started { pid }) = patiently(process.events.recv()).await else { panic!("it starts first") };
    line(&mut process, "ready").await;
    Process::read(pid).expect("the client").kill().expect("it is ours");
    let said = Said::all(&mut process).await;
    let sentence = away.place.sentence(&said.exit, true).expect("a sentence");
    assert!(
        sentence.starts_with("the connection to ssh box is cut: its program here was killed by SIGKILL"),
        "{sentence}"
    );
    away.sweep().await.expect("the way is there again");
    trip.has_left_nothing();
}

#[tokio::test]
async fn where_no_second_call_comes_through_the_user_is_told_what_to_do() {
    let mut sshd = Sshd::start();
    let trip = Trip::scripted(sshd.wrap(), &["deaf", "say=ready", "forever"]);
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    sshd.vanish();
    let said = Said::all(&mut process).await;
    let sentence = away.place.sentence(&said.exit, true).expect("a sentence");
    assert!(sentence.starts_with("the connection to ssh box is lost ("), "{sentence}");
    let sentence = away.sweep().await.expect_err("there is nobody");
    assert!(
        sentence.starts_with("what scripted has started on ssh box could not be ended (ssh: connect to"),
        "{sentence}"
    );
    let left = trip.left();
    assert_eq!(left.len(), 1, "{left:?}");
    // As the sentence says, by hand.
    let (_, command) = sentence.split_once("then `").expect("a command");
    let by_hand = trip.family.run_command(&["sh", "-c", command.trim_end_matches('`')]).await;
    assert_eq!(by_hand.stderr, Vec::<String>::new());
    eventually(|| trip.left().is_empty());
}

#[tokio::test]
async fn when_the_backend_has_gone_the_keeper_makes_the_second_call() {
    let sshd = Sshd::start();
    let trip = Trip::scripted(sshd.wrap(), &["daemon", "deaf", "say=ready", "forever"]);
    let (mut process, _) = trip.start();
    line(&mut process, "ready").await;
    process.handle.orphan();
    Said::all(&mut process).await;
    eventually(|| trip.left().is_empty());
}

#[tokio::test]
async fn what_an_earlier_run_of_the_session_left_there_ends_when_the_next_one_begins() {
    let sshd = Sshd::start();
    let mut trip = Trip::scripted(sshd.wrap(), &["daemon", "say=ready", "eof"]);
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    process.handle.kill();
    Said::all(&mut process).await;
    let earlier = trip.left();
    assert!(!earlier.is_empty());
    trip.options.earlier_run = Some(away.mark().to_owned());
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    assert!(trip.left().iter().all(|one| !earlier.contains(one)));
    process.handle.kill();
    Said::all(&mut process).await;
    away.sweep().await.expect("it can be ended");
    trip.has_left_nothing();
}

#[tokio::test]
async fn a_grep_that_reads_no_further_than_a_nul_finds_what_is_left_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrap = docker(folder.path());
    // As the one of busybox, which says that the canary is not there; it serves for lines.
    let grep = "#!/bin/sh\ncase \"$*\" in *environ*) exit 1;; esac\nexec /bin/grep \"$@\"\n";
    executable(&folder.path().join("bin/grep"), grep);
    let trip = Trip::scripted(wrap, &["daemon", "say=ready", "forever"]);
    let (mut process, away) = trip.start();
    line(&mut process, "ready").await;
    away.sweep().await.expect("it can be ended");
    assert_eq!(Said::all(&mut process).await.exit.signal, Some(15));
    trip.has_left_nothing();
}
