//! Recorded exchanges with real agents, replayed through a protocol value without any process: what all agents' tests share.
//!
//! A recording is `tests/fixtures/<agent>/<name>.ndjson`, lines of `{"ms", "dir", "msg"}`, `in` is to the agent. What its
//! host wrote then is turned by a [`Dialect`] into the commands that a session would give; what the agent printed is fed as
//! it came. `host` plays the session and asserts what one relies on, `story` tells a replay as text, `invariants` and
//! `mangle` are rules for every recording, `rules` holds a user's rules against its questions, `rpc` pairs request ids. Nothing here knows an agent.
#![allow(dead_code, unused_imports, reason = "every test program takes what it needs")]

mod host;
mod invariants;
mod mangle;
mod rpc;
mod rules;
mod story;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

pub use host::Host;
pub use invariants::{check_invariants, shown_texts};
pub use mangle::{
    a_cut_line_changes_nothing_else, answers_may_be_of_any_shape, fields_may_be_missing_or_of_another_type,
};
pub use rpc::Pairs;
pub use rules::rules_hold_for_every_question;
pub use story::read_as_their_goldens;

/// What a replay has to know of a protocol.
pub trait Dialect: Sized {
    /// The folder of its recordings.
    const AGENT: &'static str;
    /// Members whose long lists are all alike: their entries are not mangled one by one.
    const ALIKE: &'static [&'static str] = &[];
    /// The protocol as the recording's host had set up its agent, started.
    fn open(recording: &[Value]) -> (Self, Host);
    /// What the recording's host wrote, as a user's command; what is written then is compared with it, unless the host is
    /// lenient.
    fn written(&mut self, host: &mut Host, message: &Value);
    /// What the agent printed, with our request ids in it; `None` if it answers what we did not ask.
    fn translate(&self, message: &Value) -> Option<Value>;
    /// Whether it answers a request of ours: that is done once, so it cannot be told in another way first.
    fn is_answer(_message: &Value) -> bool {
        false
    }
    /// A line of ours as a story tells it.
    fn told_write(write: &Value) -> String;
    /// What the agent may say that nobody has to understand.
    fn is_expected_noise(_text: &str) -> bool {
        false
    }
}

pub struct Replay<D> {
    pub dialect: D,
    pub host: Host,
}

impl<D: Dialect> Replay<D> {
    pub fn open(recording: &[Value]) -> Self {
        let (dialect, host) = D::open(recording);
        Self { dialect, host }
    }

    pub fn entry(&mut self, entry: &Value) {
        match entry["dir"].as_str() {
            Some("in") => self.dialect.written(&mut self.host, &entry["msg"]),
            Some("out") => {
                if let Some(message) = self.dialect.translate(&entry["msg"]) {
                    self.host.line(&message.to_string());
                }
            }
            _ => {}
        }
    }
}

pub fn replay<D: Dialect>(recording: &[Value]) -> Host {
    let mut replay = Replay::<D>::open(recording);
    recording.iter().for_each(|entry| replay.entry(entry));
    replay.host.end();
    replay.host
}

fn folder(agent: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(agent)
}

/// All of an agent's, by name. `at_least` keeps a folder that is not there from passing.
pub fn recordings(agent: &str, at_least: usize) -> Vec<(String, Vec<Value>)> {
    let entries = fs::read_dir(folder(agent)).expect("the recordings are there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "ndjson"))
        .collect();
    paths.sort();
    assert!(paths.len() >= at_least, "only {} recordings", paths.len());
    let named = |path: PathBuf| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(&path));
    paths.into_iter().map(named).collect()
}

pub fn recording(agent: &str, name: &str) -> Vec<Value> {
    read(&folder(agent).join(format!("{name}.ndjson")))
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a recording is text");
    text.lines().map(|line| serde_json::from_str(line).expect("a recording is JSON")).collect()
}
