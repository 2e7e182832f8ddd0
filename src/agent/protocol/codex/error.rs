//! What went wrong, as a sentence that says what to do.

use serde_json::Value;

use crate::{
    agent::json::{one_line, some_text, text},
    domain::{Cause, Wait},
};

/// Of details in a line.
const DETAIL_LIMIT: usize = 300;

/// The error of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnError {
    pub message: String,
    /// The key or the login was not accepted.
    pub unauthorized: bool,
    /// What may be used is used up.
    pub used_up: bool,
}

impl TurnError {
    /// From `error` of the notification `error` and of a failed turn. The kinds are open: any may be new.
    pub fn read(error: &Value) -> Self {
        let info = &error["codexErrorInfo"];
        let said = some_text(error, "message").map(str::trim).filter(|said| !said.is_empty());
        let mut message = said.map_or_else(|| "Codex reported an error without a text".to_owned(), unwrapped);
        let kind = info.as_str().or_else(|| info.as_object().and_then(|info| info.keys().next()).map(String::as_str));
        let advice = match kind {
            Some("contextWindowExceeded") => Some("/compact shortens the conversation, /clear begins a new one"),
            Some("modelNotFound") => Some(":Agor model chooses another"),
            _ if message.starts_with("Missing environment variable") => {
                Some("agor.nvim withholds keys from agents: name it in pass_env of this provider's configuration")
            }
            _ => None,
        };
        if let Some(advice) = advice {
            message = format!("{}. {advice}", message.trim_end_matches('.'));
        }
        let details = text(error, "additionalDetails");
        let unauthorized = kind == Some("unauthorized")
            || status(info) == Some(401)
            || [message.as_str(), details].iter().any(|said| said.contains("401 Unauthorized"));
        Self { message, unauthorized, used_up: kind == Some("usageLimitExceeded") }
    }
}

/// Of the retry of a request, in one line.
pub fn retry(error: &Value) -> String {
    let said = some_text(error, "message").unwrap_or("Trying again");
    match some_text(error, "additionalDetails") {
        Some(details) => format!("{} ({})", one_line(said, DETAIL_LIMIT), one_line(details, DETAIL_LIMIT)),
        None => one_line(said, DETAIL_LIMIT),
    }
}

/// What Codex waits for when it tries a request again. When it will, it does not say.
pub fn wait(error: &Value) -> Wait {
    let info = &error["codexErrorInfo"];
    let cause = match info.as_str() {
        Some("serverOverloaded") => Cause::Overloaded,
        Some("rateLimitExceeded") => Cause::RateLimit,
        _ => Cause::of_status(status(info)),
    };
    Wait::new(cause, retry(error)).counted()
}

fn status(info: &Value) -> Option<u64> {
    info.as_object()?.values().next()?.get("httpStatusCode")?.as_u64()
}

/// Providers' answers come as JSON sometimes: the sentence is in it.
fn unwrapped(said: &str) -> String {
    let inner = serde_json::from_str::<Value>(said).ok();
    let inner = inner.as_ref().and_then(|value| {
        some_text(&value["error"], "message")
            .or_else(|| some_text(value, "message"))
            .or_else(|| some_text(value, "detail"))
    });
    inner.unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(error: Value, message: &str, unauthorized: bool) {
        assert_eq!(TurnError::read(&error), TurnError { message: message.to_owned(), unauthorized, used_up: false });
    }

    #[test]
    fn an_error_says_what_to_do() {
        check(
            json!({"message": "Out of room.", "codexErrorInfo": "contextWindowExceeded"}),
            "Out of room. /compact shortens the conversation, /clear begins a new one",
            false,
        );
        check(json!({"message": "{\"error\":{\"message\":\"bad\"}}", "codexErrorInfo": "other"}), "bad", false);
        check(
            json!({"message": "no", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 401}}}),
            "no",
            true,
        );
        check(json!({"message": "no", "codexErrorInfo": {"brandNew": 7}}), "no", false);
        check(json!(7), "Codex reported an error without a text", false);
    }

    #[test]
    fn a_retry_is_told_apart_by_its_cause() {
        let check = |info: Value, cause: Cause| {
            let error = json!({"message": "Reconnecting... 1/2", "codexErrorInfo": info});
            let expect = Wait { attempt: Some(1), attempts: Some(2), ..Wait::new(cause, "Reconnecting... 1/2") };
            assert_eq!(wait(&error), expect);
        };
        check(json!("serverOverloaded"), Cause::Overloaded);
        check(json!({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}), Cause::RateLimit);
        check(json!({"httpConnectionFailed": {"httpStatusCode": null}}), Cause::Retry);
        check(json!("other"), Cause::Retry);
        check(Value::Null, Cause::Retry);
    }

    #[test]
    fn a_retry_is_one_line() {
        let error = json!({"message": "Reconnecting... 1/2", "additionalDetails": "cut\noff"});
        assert_eq!(retry(&error), "Reconnecting... 1/2 (cut…)");
        assert_eq!(retry(&Value::Null), "Trying again");
    }
}
