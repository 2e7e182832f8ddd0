//! The end of a turn: what it cost, how it ended, and which sentence tells an error.

use serde_json::Value;

use crate::{
    agent::json::{is_true, some_text, text, texts},
    domain::Cost,
};

#[derive(Debug, PartialEq)]
pub struct End {
    pub cost: Cost,
    pub stop_reason: String,
    /// What went wrong, if something did.
    pub error: Option<String>,
    pub interrupted: bool,
}

pub fn end(result: &Value) -> End {
    let subtype = text(result, "subtype");
    let interrupted = text(result, "terminal_reason").starts_with("aborted");
    let is_error = is_true(result, "is_error") && !interrupted;
    // `[ede_diagnostic] …` is a note of the developers to themselves; it comes with every interrupt.
    let errors: Vec<String> =
        texts(result, "errors").into_iter().filter(|error| !error.starts_with("[ede_diagnostic]")).collect();
    let error = is_error.then(|| {
        let joined = errors.join("; ");
        match some_text(result, "result") {
            Some(said) => said.to_owned(),
            None if !joined.is_empty() => joined,
            None => format!("Claude Code ended the turn with an error ({subtype}) and did not say why"),
        }
    });
    let stop_reason = match (interrupted, subtype) {
        (true, _) => "interrupted",
        (_, "error_max_turns") => "max_turns",
        (_, "error_max_budget_usd") => "max_budget",
        (_, "success" | "") => some_text(result, "stop_reason").unwrap_or("end_turn"),
        (_, other) => other,
    };
    End { cost: cost(result, is_error, errors), stop_reason: stop_reason.to_owned(), error, interrupted }
}

fn cost(result: &Value, is_error: bool, errors: Vec<String>) -> Cost {
    let usage = result.get("usage").unwrap_or(&Value::Null);
    let tokens = |key| usage.get(key).and_then(Value::as_u64);
    let dollars = result.get("total_cost_usd").and_then(Value::as_f64);
    Cost {
        total_cost_usd: dollars.filter(|dollars| dollars.is_finite() && *dollars >= 0.0),
        // The session knows what was spent before.
        turn_cost_usd: None,
        duration_ms: result.get("duration_ms").and_then(Value::as_u64),
        input_tokens: tokens("input_tokens"),
        output_tokens: tokens("output_tokens"),
        cache_read_tokens: tokens("cache_read_input_tokens"),
        cache_write_tokens: tokens("cache_creation_input_tokens"),
        num_turns: result.get("num_turns").and_then(Value::as_u64),
        is_error,
        result: some_text(result, "result").map(str::to_owned),
        errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_that_are_no_numbers_are_not_said() {
        let end = end(&json!({"type": "result", "subtype": "success", "total_cost_usd": "much", "duration_ms": -4,
            "num_turns": null, "usage": {"input_tokens": "7", "output_tokens": 1.5, "cache_read_input_tokens": []}}));
        assert_eq!(end.cost, Cost::default());
        assert_eq!((end.stop_reason.as_str(), end.error), ("end_turn", None));
    }

    #[test]
    fn an_interrupt_is_no_error() {
        let end =
            end(&json!({"subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_tools",
            "stop_reason": "tool_use", "errors": ["[ede_diagnostic] x"]}));
        assert!(end.interrupted && !end.cost.is_error && end.cost.errors.is_empty());
        assert_eq!((end.stop_reason.as_str(), end.error), ("interrupted", None));
    }

    #[test]
    fn a_failure_always_has_a_sentence() {
        let max =
            json!({"subtype": "error_max_turns", "is_error": true, "errors": ["Reached maximum number of turns (2)"]});
        assert_eq!(end(&max).error.as_deref(), Some("Reached maximum number of turns (2)"));
        assert_eq!(end(&max).stop_reason, "max_turns");
        assert!(end(&json!({"is_error": true})).error.is_some_and(|error| error.contains("did not say why")));
    }
}
