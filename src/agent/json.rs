//! Reading fields of a JSON value that may be anything: a wrong type reads as absent. Knows nobody's shapes.

use serde_json::Value;

/// The text under `key`, empty if there is none.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The text under `key` if there is one with at least a character.
pub fn some_text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    Some(text(value, key)).filter(|text| !text.is_empty())
}

pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub fn is_true(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The first line, cut to `limit` characters; what was left off shows as `…`.
pub fn one_line(text: &str, limit: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let more = text.trim().len() > line.len();
    let mut out: String = line.chars().take(limit).collect();
    if more || out.len() < line.len() {
        out.push('…');
    }
    out
}
