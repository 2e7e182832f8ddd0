//! What happens to the prompts that wait, as lines of their own between the messages: after a crash they are there again.
//!
//! Readers that do not know such a line pass over it, as over anything that is no message.

use serde::{Deserialize, Serialize};

use super::Journal;
use crate::session::queue::Step;

#[derive(Serialize, Deserialize)]
struct Line<T> {
    queue: T,
}

impl Journal {
    pub fn wait(&mut self, step: &Step) {
        self.flush();
        self.write_line(&Line { queue: step });
    }
}

/// `None` for any other line.
pub(super) fn parse(line: &[u8]) -> Option<Step> {
    // Most lines are others, and may be long.
    line.starts_with(b"{\"queue\"")
        .then(|| serde_json::from_slice::<Line<Step>>(line).ok())
        .flatten()
        .map(|line| line.queue)
}
