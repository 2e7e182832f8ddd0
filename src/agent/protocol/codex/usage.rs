//! Tokens: how full the context is, and what a turn has used.
//!
//! `thread/tokenUsage/updated` counts over the whole life of a thread (Codex 0.169.0), comes several times a turn, repeats
//! itself, and is replayed when a thread is resumed: a turn's share is the sum of the differences.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::{Cost, Event};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tokens {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

#[derive(Debug, Default)]
pub struct Usage {
    /// What each thread had used when it was last told.
    totals: HashMap<String, Tokens>,
    turn: Tokens,
    told: bool,
    context: u64,
}

impl Usage {
    /// `main`: the context is the session's and no subagent's. `counts`: it is told of the turn that runs; else it is what
    /// was used before.
    pub fn updated(&mut self, thread: &str, usage: &Value, main: bool, counts: bool) -> Option<Event> {
        let total = Tokens::read(&usage["total"])?;
        let last = Tokens::read(&usage["last"]);
        // What a thread had used before it was seen is not this turn's.
        let before = self.totals.insert(thread.to_owned(), total);
        let before = before.unwrap_or_else(|| total.less(last.unwrap_or(total)));
        if counts {
            self.turn = self.turn.and(total.less(before));
            self.told = true;
        }
        let used = usage["last"]["totalTokens"].as_u64().filter(|_| main)?;
        self.context = used;
        Some(Event::Context { used, size: usage["modelContextWindow"].as_u64() })
    }

    /// Tokens in the context after the last answer of the model.
    pub fn context(&self) -> u64 {
        self.context
    }

    pub fn turn_started(&mut self) {
        (self.turn, self.told) = (Tokens::default(), false);
    }

    /// What the turn has used, with what its end says.
    pub fn turn_ended(&mut self, turn: &Value, error: Option<&str>) -> Cost {
        let Tokens { input, output, cache_read, cache_write } = std::mem::take(&mut self.turn);
        let told = |tokens: u64| self.told.then_some(tokens);
        let cost = Cost {
            duration_ms: turn["durationMs"].as_u64(),
            input_tokens: told(input),
            output_tokens: told(output),
            cache_read_tokens: told(cache_read),
            cache_write_tokens: told(cache_write),
            is_error: error.is_some(),
            errors: error.into_iter().map(str::to_owned).collect(),
            ..Cost::default()
        };
        self.told = false;
        cost
    }
}

impl Tokens {
    fn read(usage: &Value) -> Option<Self> {
        let count = |key: &str| usage[key].as_u64().unwrap_or(0);
        usage.is_object().then(|| Self {
            input: count("inputTokens"),
            output: count("outputTokens"),
            cache_read: count("cachedInputTokens"),
            cache_write: count("cacheWriteInputTokens"),
        })
    }

    fn and(self, more: Self) -> Self {
        Self {
            input: self.input.saturating_add(more.input),
            output: self.output.saturating_add(more.output),
            cache_read: self.cache_read.saturating_add(more.cache_read),
            cache_write: self.cache_write.saturating_add(more.cache_write),
        }
    }

    fn less(self, less: Self) -> Self {
        Self {
            input: self.input.saturating_sub(less.input),
            output: self.output.saturating_sub(less.output),
            cache_read: self.cache_read.saturating_sub(less.cache_read),
            cache_write: self.cache_write.saturating_sub(less.cache_write),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usage(input: u64, last: u64) -> Value {
        json!({"total": {"inputTokens": input, "outputTokens": input / 10},
            "last": {"totalTokens": last, "inputTokens": last, "outputTokens": last / 10}, "modelContextWindow": 1000})
    }

    #[test]
    fn a_turn_counts_what_it_added_and_repeats_count_once() {
        let mut used = Usage::default();
        used.turn_started();
        used.updated("t", &usage(5000, 100), true, false);
        for repeated in [usage(5100, 100), usage(5100, 100), usage(5300, 200)] {
            used.updated("t", &repeated, true, true);
        }
        assert_eq!(used.updated("child", &usage(50, 50), false, true), None, "its context is its own");
        assert_eq!(used.context(), 200);
        let cost = used.turn_ended(&json!({"durationMs": 7}), None);
        assert_eq!((cost.input_tokens, cost.output_tokens, cost.duration_ms), (Some(350), Some(35), Some(7)));
        let silent = used.turn_ended(&Value::Null, Some("broken"));
        assert_eq!((silent.input_tokens, silent.is_error, silent.errors), (None, true, vec!["broken".to_owned()]));
    }

    #[test]
    fn the_context_is_told_with_its_size() {
        let mut used = Usage::default();
        let told = used.updated("t", &usage(100, 100), true, true);
        assert_eq!(told, Some(Event::Context { used: 100, size: Some(1000) }));
        assert_eq!(used.updated("t", &json!({"total": 5}), true, true), None);
    }
}
