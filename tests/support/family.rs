//! A scripted agent with everything that it leaves behind, and what was heard of it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agor_nvim::{
    agent::{
        lines::Frame,
        process::{AgentProcess, Events, Exit, Invocation, Prepared, ProcessEvent, spawn},
        protocol::Launch,
    },
    domain::{ProviderConfig, SessionId, StartOptions},
    keeper::tree::{self, Mark, Process},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Only so that a failure ends.
pub async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this does not take so long")
}

/// A session with a directory of its own and a list of the processes that its agent left.
pub struct Family {
    pub session: SessionId,
    folder: Folder,
}

enum Folder {
    Own(TempDir),
    Given(PathBuf),
}

impl Family {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("test-{}", folder.path().file_name().expect("a name").to_string_lossy().replace('.', ""));
        Self { session: SessionId::parse(&name).expect("a plain name"), folder: Folder::Own(folder) }
    }

    /// The same one, as another process sees it.
    pub fn at(session: &str, folder: &Path) -> Self {
        Self { session: SessionId::parse(session).expect("a plain name"), folder: Folder::Given(folder.to_owned()) }
    }

    pub fn cwd(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Given(folder) => folder,
        }
    }

    pub fn invocation(&self, command: &[&str]) -> Invocation {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let config = ProviderConfig { command: Some(command), ..ProviderConfig::default() };
        let mut options = StartOptions::new(self.session.clone(), "scripted", config, self.cwd().to_owned());
        options.environ.insert("PATH".into(), std::env::var("PATH").expect("a PATH"));
        options.environ.insert("PIDS".into(), self.cwd().join("pids").display().to_string());
        options.environ.insert("NVIM".into(), "/tmp/nvim.sock".into());
        let keeper = Path::new(env!("CARGO_BIN_EXE_agor-nvim"));
        Prepared::new(&options, &Launch::default(), keeper).expect("a program").invocation
    }

    /// The scripted agent with these steps.
    pub fn script(&self, steps: &[&str]) -> Invocation {
        let agent = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/agent.py");
        self.invocation(&[&["python3", agent], steps].concat())
    }

    pub fn spawn(&self, steps: &[&str]) -> AgentProcess {
        spawn(self.script(steps)).expect("a keeper")
    }

    pub async fn run(&self, steps: &[&str]) -> Said {
        Said::all(&mut self.spawn(steps)).await
    }

    pub async fn run_command(&self, command: &[&str]) -> Said {
        Said::all(&mut spawn(self.invocation(command)).expect("a keeper")).await
    }

    /// Of the children that the agent has left, whatever became of them.
    pub fn pids(&self) -> Vec<i32> {
        let list = std::fs::read_to_string(self.cwd().join("pids")).unwrap_or_default();
        list.lines().map(|pid| pid.parse().expect("a pid")).collect()
    }

    /// What is still there of it, zombies too.
    pub fn left(&self) -> Vec<Process> {
        let all = tree::snapshot();
        let mut left = tree::marked(&all, &Mark::new([("AGOR_SESSION_ID", self.session.as_str().as_bytes())]));
        left.extend(self.pids().into_iter().filter_map(Process::read));
        left
    }

    #[track_caller]
    pub fn has_left_nothing(&self) {
        let left: Vec<_> = self.left().iter().map(|one| (one.clone(), one.command())).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Everything that was heard of a process.
#[derive(Debug, Default)]
pub struct Said {
    pub started: Option<i32>,
    pub failures: Vec<String>,
    pub lines: Vec<String>,
    pub bytes: Vec<u8>,
    pub too_long: Vec<u64>,
    pub stderr: Vec<String>,
    pub undelivered: Vec<Vec<u8>>,
    pub exit: Exit,
}

impl Said {
    pub async fn all(process: &mut AgentProcess) -> Self {
        Self::rest(&mut process.events).await
    }

    /// To the end, which has to come in order.
    pub async fn rest(events: &mut Events) -> Self {
        let mut said = Self::default();
        let mut stdout_has_ended = false;
        while let Some(event) = patiently(events.recv()).await {
            match event {
                ProcessEvent::Started { pid } => said.started = Some(pid),
                ProcessEvent::SpawnFailed(why) => said.failures.push(why),
                ProcessEvent::Frames(frames) => {
                    assert!(!stdout_has_ended, "frames after the end");
                    for frame in frames {
                        match frame {
                            Frame::Line(line) => said.lines.push(line),
                            Frame::TooLong { bytes, .. } => said.too_long.push(bytes),
                        }
                    }
                }
                ProcessEvent::Bytes(bytes) => said.bytes.extend(bytes),
                ProcessEvent::Stderr(line) => said.stderr.push(line),
                ProcessEvent::Undelivered(writes) => said.undelivered.extend(writes),
                ProcessEvent::StdoutEnded => {
                    assert!(!stdout_has_ended, "the end comes once");
                    stdout_has_ended = true;
                }
                ProcessEvent::Exited(exit) => {
                    assert!(stdout_has_ended, "the exit comes last");
                    said.exit = exit;
                    assert_eq!(events.recv().await, None);
                    return said;
                }
            }
        }
        panic!("the exit never came: {said:?}")
    }

    /// Until the agent says just this.
    pub async fn line(process: &mut AgentProcess, expect: &str) {
        assert_eq!(Self::something(process).await, [Frame::Line(expect.to_owned())]);
    }

    /// Until the agent says something.
    pub async fn something(process: &mut AgentProcess) -> Vec<Frame> {
        let mut errors = Vec::new();
        loop {
            match patiently(process.events.recv()).await {
                Some(ProcessEvent::Frames(frames)) => return frames,
                Some(ProcessEvent::Started { .. }) => {}
                Some(ProcessEvent::Stderr(line)) => errors.push(line),
                other => panic!("instead of lines: {other:?}, {errors:?}"),
            }
        }
    }
}
