//! A model server that answers by script, on a port of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

pub struct Mock {
    child: Child,
    pub url: String,
    log: PathBuf,
}

impl Mock {
    /// Starts it and returns when it listens.
    #[expect(clippy::disallowed_methods, reason = "a test starts the server that stands for the vendor's")]
    pub fn start(folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mocks/mock_anthropic.py");
        let log = folder.join("requests.ndjson");
        let mut child = Command::new("python3")
            .arg(script)
            .args(["--port", "0", "--full", "--log"])
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        let url = line.trim().strip_prefix("mock on ").expect("an address").to_owned();
        Self { child, url, log }
    }

    /// The requests for an answer of the model, whole.
    pub fn requests(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let all = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("the log is JSON"));
        all.filter(|request| request["path"].as_str().is_some_and(|path| path.starts_with("/v1/messages?"))).collect()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.child.kill().expect("the server is ours");
        self.child.wait().expect("the server is ours");
    }
}
