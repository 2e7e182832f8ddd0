//! A server that stands for Ollama's, on a port of its own, and what it was asked. It ends with this value.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use tempfile::TempDir;

pub struct Ollama {
    child: Child,
    /// The server ends with it.
    _stdin: Option<ChildStdin>,
    stdout: RefCell<BufReader<ChildStdout>>,
    port: u16,
    folder: TempDir,
}

impl Ollama {
    pub fn start() -> Self {
        Self::with(0, &[])
    }

    /// Starts it and returns when it listens. Port 0 is a free one.
    pub fn with(port: u16, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mocks/mock_ollama.py");
        #[allow(clippy::disallowed_methods, reason = "a test starts the server that stands for Ollama's")]
        let mut command = Command::new("python3");
        command.arg(script).arg(port.to_string()).arg(log(folder.path())).args(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        stdout.read_line(&mut line).expect("the server says where it listens");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the server did not start: {line}"));
        Self { _stdin: child.stdin.take(), child, stdout: RefCell::new(stdout), port, folder }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that it has noted so far.
    pub fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(log(self.folder.path())).unwrap_or_default();
        // The last line may still be in the making.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The requests for an answer, as they were sent.
    pub fn chats(&self) -> Vec<Value> {
        let log = self.log();
        let bodies = log.iter().filter(|line| line["path"] == "/api/chat").filter_map(|line| line["body"].as_str());
        bodies.map(|body| serde_json::from_str(body).expect("a request is JSON")).collect()
    }

    /// Waits until a client has gone away in the middle of this scenario.
    #[track_caller]
    pub fn wait_closed(&self, scenario: &str) {
        self.wait_said(&format!("closed {scenario}"));
    }

    /// Waits for a line on its stdout.
    #[track_caller]
    pub fn wait_said(&self, wanted: &str) {
        let mut stdout = self.stdout.borrow_mut();
        loop {
            if stdout.buffer().is_empty() {
                let mut fds = [PollFd::new(stdout.get_ref(), PollFlags::IN)];
                let ready = poll(&mut fds, Some(&Timespec { tv_sec: 20, tv_nsec: 0 }));
                assert_eq!(ready, Ok(1), "{wanted} was never said: {:?}", self.log());
            }
            let mut line = String::new();
            stdout.read_line(&mut line).expect("the server lives");
            assert!(!line.is_empty(), "the server has ended");
            if line.trim() == wanted {
                return;
            }
        }
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log.ndjson")
}

impl Drop for Ollama {
    fn drop(&mut self) {
        self.child.kill().expect("the server is ours");
        self.child.wait().expect("the server is ours");
    }
}
