//! What a session waits for, as far as its agent says so or its processes show it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The model's server failed or was not reached, and the agent tries again by itself.
    Retry,
    /// The same, since the server has too much to do.
    Overloaded,
    /// The same, since too much was asked of it.
    RateLimit,
    /// What may be used is used up: the turn has ended.
    UsageLimit,
    /// The agent is not logged in, or not any more: the turn has ended.
    Login,
    /// A command that the agent runs. Nobody reports it: its processes live.
    Command,
}

impl Cause {
    /// By the status of HTTP that the model's server answered with, if it is known. 529 is Anthropic's.
    pub fn of_status(status: Option<u64>) -> Self {
        match status {
            Some(429) => Cause::RateLimit,
            Some(503 | 529) => Cause::Overloaded,
            _ => Cause::Retry,
        }
    }

    /// It outlives the turn in which it was told: the next prompt would meet it too.
    pub fn lasts(self) -> bool {
        matches!(self, Cause::UsageLimit | Cause::Login)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub cause: Cause,
    /// The agent's own words, or ours for them, in one line.
    pub said: String,
    /// Which of its attempts it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// When it goes on, or may; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Wait {
    pub fn new(cause: Cause, said: impl Into<String>) -> Self {
        Self { cause, said: said.into(), attempt: None, attempts: None, until: None }
    }

    /// With the count that agents put into their words: `Reconnecting... 2/5`.
    #[must_use]
    pub fn counted(mut self) -> Self {
        let counts = self.said.split(|sign: char| !sign.is_ascii_digit() && sign != '/');
        let count = |word: &str| {
            let (attempt, attempts) = word.split_once('/')?;
            Some((attempt.parse().ok()?, attempts.parse().ok()?))
        };
        (self.attempt, self.attempts) = counts.filter_map(count).next().unzip();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, expect: Option<(u64, u64)>) {
        let wait = Wait::new(Cause::Retry, said).counted();
        assert_eq!(wait.attempt.zip(wait.attempts), expect, "{said}");
    }

    #[test]
    fn a_count_is_read_from_the_words() {
        check("Reconnecting... 2/5", Some((2, 5)));
        check("Reconnecting... 1/2 (unexpected status 429 at http://127.0.0.1:1/v1/responses)", Some((1, 2)));
        check("Trying again", None);
        check("http://127.0.0.1:1/v1", None);
        check("/ 3/ 99999999999999999999999/1", None);
    }
}
