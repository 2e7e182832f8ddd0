//! The limits of an account as Codex tells of them, for the time at which a turn that met one can be tried again.

use serde_json::Value;

/// When the windows of the account's limits end, and how much of them is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Percent, and Unix seconds.
    windows: Vec<(f64, i64)>,
}

impl Limits {
    /// From `rateLimits` of the notification `account/rateLimits/updated`.
    pub fn updated(&mut self, limits: &Value) {
        let window = |name: &str| {
            let window = &limits[name];
            Some((window["usedPercent"].as_f64().filter(|used| used.is_finite())?, window["resetsAt"].as_i64()?))
        };
        self.windows = ["primary", "secondary"].into_iter().filter_map(window).collect();
    }

    /// When what is used up is there again: of several windows that are the last one. Unix milliseconds.
    pub fn reset(&self) -> Option<i64> {
        let full = self.windows.iter().filter(|(used, _)| *used >= 100.0);
        full.map(|(_, at)| *at).max()?.checked_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(limits: &Value, expect: Option<i64>) {
        let mut known = Limits::default();
        known.updated(limits);
        assert_eq!(known.reset(), expect);
    }

    #[test]
    fn the_last_window_that_is_full_counts() {
        let window = |used: f64, at: i64| json!({"usedPercent": used, "windowDurationMins": 300, "resetsAt": at});
        check(&json!({"primary": window(100.0, 7), "secondary": window(40.0, 9)}), Some(7000));
        check(&json!({"primary": window(100.0, 7), "secondary": window(101.0, 9)}), Some(9000));
        check(&json!({"primary": window(99.0, 7), "secondary": null}), None);
        check(&json!({"primary": window(100.0, i64::MAX)}), None);
        check(&json!({"primary": {"usedPercent": "all", "resetsAt": {}}}), None);
        check(&Value::Null, None);
    }
}
