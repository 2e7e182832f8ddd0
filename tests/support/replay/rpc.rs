//! Request ids of a JSON-RPC recording and ours for the same requests.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Host;

/// Which of our requests stands for which of the recording's host.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Ours, by theirs as text.
    ours: HashMap<String, Value>,
    taken: HashSet<usize>,
}

impl Pairs {
    /// The recording's request is answered for the first request of ours with that method that has no partner yet; that
    /// one, to be compared. `None` if we ask nothing like it.
    pub fn pair(&mut self, host: &Host, theirs: &Value) -> Option<Value> {
        self.pair_with(host, theirs, theirs["method"].as_str()?)
    }

    /// The same where we ask by another method.
    pub fn pair_with(&mut self, host: &Host, theirs: &Value, method: &str) -> Option<Value> {
        let (at, ours) = host
            .writes
            .iter()
            .enumerate()
            .find(|(at, write)| write["method"] == method && !write["id"].is_null() && !self.taken.contains(at))?;
        self.taken.insert(at);
        self.ours.insert(theirs["id"].to_string(), ours["id"].clone());
        Some(ours.clone())
    }

    /// What the agent printed, with our id in it if it is an answer; `None` if it answers what we did not ask.
    pub fn translate(&self, message: &Value) -> Option<Value> {
        let mut message = message.clone();
        if message["method"].is_null() && !message["id"].is_null() {
            message["id"] = self.ours.get(&message["id"].to_string())?.clone();
        }
        Some(message)
    }
}
