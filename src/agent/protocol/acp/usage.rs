//! What a turn has used, as far as the agent tells: the fill of the context, tokens and money.

use serde_json::Value;

use crate::{
    agent::json::text,
    domain::{Cost, Event},
};

#[derive(Debug, Default)]
pub struct Usage {
    /// US dollars, as the agent reports them.
    total: Option<f64>,
    /// What a conversation had cost before this process took it up: some go on counting from there.
    before: f64,
    prompted: bool,
    /// Tokens in the context.
    pub used: u64,
}

impl Usage {
    /// `usage_update`
    pub fn update(&mut self, update: &Value) -> Option<Event> {
        let cost = update.get("cost").unwrap_or(&Value::Null);
        let amount = cost.get("amount").and_then(Value::as_f64).filter(|amount| amount.is_finite() && *amount >= 0.0);
        if let Some(amount) = amount.filter(|_| matches!(text(cost, "currency"), "USD" | "")) {
            self.total = Some(amount);
            if !self.prompted {
                self.before = amount;
            }
        }
        let used = update.get("used").and_then(Value::as_u64)?;
        self.used = used;
        let size = update.get("size").and_then(Value::as_u64).filter(|size| *size > 0);
        // A turn that failed before it reached the model reports 0, which says nothing.
        (used > 0).then_some(Event::Context { used, size })
    }

    pub fn prompted(&mut self) {
        self.prompted = true;
    }

    /// The figures in a prompt's answer; `None` if nothing is known.
    pub fn turn(&self, answer: &Value) -> Option<Cost> {
        let mut cost = Cost::default();
        let usage = answer.get("usage").unwrap_or(&Value::Null);
        let quota = answer.pointer("/_meta/quota/token_count").unwrap_or(&Value::Null);
        let figure = |keys: &[&str]| {
            let all = [usage, quota].into_iter().flat_map(|value| keys.iter().map(move |key| value.get(*key)));
            all.flatten().find_map(Value::as_u64)
        };
        // Gemini has no `usage`, and underscores.
        cost.input_tokens = figure(&["inputTokens", "input_tokens"]);
        cost.output_tokens = figure(&["outputTokens", "output_tokens"]);
        cost.cache_read_tokens = figure(&["cachedReadTokens", "cached_read_tokens"]);
        cost.cache_write_tokens = figure(&["cachedWriteTokens", "cached_write_tokens"]);
        cost.total_cost_usd = self.total.map(|total| (total - self.before).max(0.0));
        (cost != Cost::default()).then_some(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_figures_of_each_agent_are_found() {
        let mut usage = Usage::default();
        usage.prompted();
        let update = json!({"used": 925, "size": 1000000, "cost": {"amount": 0.5, "currency": "USD"}});
        assert_eq!(usage.update(&update), Some(Event::Context { used: 925, size: Some(1_000_000) }));
        let claude =
            json!({"usage": {"inputTokens": 7, "outputTokens": 2, "cachedReadTokens": 3, "cachedWriteTokens": 0}});
        let cost = usage.turn(&claude).expect("figures");
        assert_eq!((cost.input_tokens, cost.output_tokens, cost.cache_read_tokens), (Some(7), Some(2), Some(3)));
        assert_eq!((cost.cache_write_tokens, cost.total_cost_usd), (Some(0), Some(0.5)));
        let gemini = json!({"_meta": {"quota": {"token_count": {"input_tokens": 9, "output_tokens": 4}}}});
        let cost = Usage::default().turn(&gemini).expect("figures");
        assert_eq!((cost.input_tokens, cost.output_tokens, cost.total_cost_usd), (Some(9), Some(4), None));
        assert_eq!(Usage::default().turn(&json!({"usage": null, "_meta": 5})), None);
    }

    #[test]
    fn what_a_conversation_had_cost_before_is_not_this_process_s() {
        let mut usage = Usage::default();
        usage.update(&json!({"used": 5, "size": 10, "cost": {"amount": 2.0, "currency": "USD"}}));
        usage.prompted();
        usage.update(&json!({"used": 6, "size": 10, "cost": {"amount": 2.25, "currency": "USD"}}));
        usage.update(&json!({"used": 6, "size": 10, "cost": {"amount": 9, "currency": "EUR"}}));
        assert_eq!(usage.turn(&json!({})).and_then(|cost| cost.total_cost_usd), Some(0.25));
        for nothing in
            [json!({}), json!({"used": -1}), json!({"used": "5", "cost": {"amount": -1}}), json!({"used": 0})]
        {
            assert_eq!(usage.update(&nothing), None);
        }
    }
}
