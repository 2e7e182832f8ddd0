//! A model server that answers by script, on a port of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Whose model server it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Anthropic,
    /// OpenAI's (Responses and chat completions) and Gemini's.
    Models,
}

impl Server {
    /// How it says that a request is bad.
    pub fn refusal(self) -> &'static str {
        match self {
            Server::Anthropic => "mock invalid request",
            Server::Models => "Bad request from the mock.",
        }
    }
}

pub struct Mock {
    child: Child,
    pub url: String,
    log: PathBuf,
    server: Server,
}

impl Mock {
    /// Starts it and returns when it listens.
    #[expect(clippy::disallowed_methods, reason = "a test starts the server that stands for the vendor's")]
    pub fn start(server: Server, folder: &Path) -> Self {
        let (script, more): (_, &[&str]) = match server {
            Server::Anthropic => ("mock_anthropic.py", &["--full"]),
            Server::Models => ("mock_models.py", &[]),
        };
        let log = folder.join("requests.ndjson");
        let mut child = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mocks").join(script))
            .args(["--port", "0", "--log"])
            .arg(&log)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        let url = line.trim().strip_prefix("mock on ").expect("an address").to_owned();
        Self { child, url, log, server }
    }

    #[allow(dead_code, reason = "the soak alone asks")]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A JSON value a line.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The requests for an answer of the model, whole; not those beside the conversation, such as for its title.
    pub fn requests(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let all = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("the log is JSON"));
        all.filter(|request| match self.server {
            Server::Anthropic => request["path"].as_str().is_some_and(|path| path.starts_with("/v1/messages?")),
            Server::Models => request["aside"] == false,
        })
        .collect()
    }

    /// What the model was told last: the conversation as JSON.
    #[track_caller]
    pub fn told(&self) -> String {
        self.requests().last().expect("the model was asked")["body"].to_string()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.child.kill().expect("the server is ours");
        self.child.wait().expect("the server is ours");
    }
}
