//! Reading the fields of a runner's message, and lines for the log. Knows no types of messages but `error`.

use serde_json::{Map, Value};

/// A bare `error` about a message of ours has nothing but a text; any other key makes it a provider's.
pub(super) fn is_complaint(object: &Map<String, Value>) -> bool {
    object.iter().all(|(key, value)| match key.as_str() {
        "type" | "message" | "sessionId" | "requestId" => true,
        "error" => value.is_string(),
        _ => false,
    })
}

pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// As much of a line as goes to the log.
pub(super) fn head(line: &str) -> String {
    line.chars().take(100).collect()
}
