//! Why an agent did not do what it was asked, in words for people. Knows the shapes of errors, not what was asked.

use serde_json::Value;

use crate::agent::{json::some_text, jsonrpc::Failure};

/// The protocol's own code for "log in first".
const AUTH_REQUIRED: i64 = -32000;
/// Some pass on the code of HTTP (Gemini CLI 0.61.0).
const UNAUTHORIZED: i64 = 401;
const TOO_MANY_REQUESTS: i64 = 429;

pub fn wants_login(failure: &Failure) -> bool {
    matches!(failure.code, AUTH_REQUIRED | UNAUTHORIZED)
}

/// Too much was asked of the model's server, or what may be used is used up.
pub fn is_limit(failure: &Failure) -> bool {
    failure.code == TOO_MANY_REQUESTS
}

/// What the agent said, without the wrapping that says nothing.
pub fn words(failure: &Failure) -> String {
    let details = some_text(&failure.data, "details").or_else(|| failure.data.as_str());
    let said = failure.message.trim();
    let bare = said.strip_prefix("Internal error").map(|rest| rest.trim_start_matches(':').trim());
    let said = match (bare, details) {
        (Some(""), Some(details)) => details,
        (Some(""), None) => said,
        (Some(rest), _) => rest,
        (None, _) => said,
    };
    unwrapped(said)
}

/// A model server's error often comes as it was sent: as JSON.
pub fn unwrapped(said: &str) -> String {
    let said = said.trim();
    let inner = serde_json::from_str::<Value>(said).ok().filter(Value::is_object).and_then(|value| {
        let error = value.get("error").unwrap_or(&value);
        error.as_str().or_else(|| some_text(error, "message")).map(|message| message.trim().to_owned())
    });
    inner.filter(|inner| !inner.is_empty()).unwrap_or_else(|| said.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(code: i64, message: &str, data: Value, expect: &str) {
        assert_eq!(words(&Failure { code, message: message.to_owned(), data }), expect);
    }

    #[test]
    fn an_error_is_what_the_agent_meant_to_say() {
        // As opencode 1.18.33, Gemini CLI 0.61.0 and claude-agent-acp 0.49.0 say it.
        let opencode = json!({"service": "session", "errorName": "APIError"});
        check(-32603, "Internal error: Bad request from the mock.", opencode, "Bad request from the mock.");
        let gemini = r#"{"error":{"code":400,"message":"mock bad request","status":"INVALID_ARGUMENT"}}"#;
        check(400, gemini, Value::Null, "mock bad request");
        check(-32603, "Internal error", json!({"details": "Session not found"}), "Session not found");
        check(-32602, "Invalid params: session not found: x", json!(7), "Invalid params: session not found: x");
        check(-32603, "Internal error", Value::Null, "Internal error");
        check(1, "{\"a\": 1}", Value::Null, "{\"a\": 1}");
    }

    #[test]
    fn a_missing_login_and_a_limit_are_told_by_their_codes() {
        for (code, expect) in [(-32000, true), (401, true), (-32603, false)] {
            assert_eq!(wants_login(&Failure::new(code, "x")), expect);
        }
        assert!(is_limit(&Failure::new(429, "x")) && !is_limit(&Failure::new(401, "x")));
    }
}
