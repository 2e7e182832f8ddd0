//! Reading a line that should be a JSON object, and fields of a value that may be anything: a wrong type reads as absent.
//! Knows nobody's shapes.

use std::borrow::Cow;

use serde_json::Value;

/// A line of the wire, if it holds an object.
///
/// JavaScript cuts a stream of text where it likes, through a character of two UTF-16 halves too, and writes each half as
/// an escape of its own, which is no Unicode. Such a half reads as U+FFFD: the rest of the line is not lost for it.
pub fn object_in(line: &str) -> Option<Value> {
    let value = serde_json::from_str::<Value>(line).or_else(|error| match whole_characters(line) {
        Cow::Owned(line) => serde_json::from_str(&line),
        Cow::Borrowed(_) => Err(error),
    });
    value.ok().filter(Value::is_object)
}

/// The line with each escape of a lone surrogate replaced by the one of U+FFFD.
fn whole_characters(line: &str) -> Cow<'_, str> {
    let (mut out, mut done, mut at) = (String::new(), 0, 0);
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memchr(b'\\', rest.as_bytes())) {
        let from = at + found;
        at = match (half(line, from), half(line, from + ESCAPE)) {
            (Some(Half::First), Some(Half::Second)) => from + 2 * ESCAPE,
            (Some(_), _) => {
                out.push_str(&line[done..from]);
                out.push_str("\\ufffd");
                done = from + ESCAPE;
                done
            }
            // Whatever a backslash stands before is no backslash that begins an escape.
            (None, _) => from + 1 + line[from + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    match done {
        0 => Cow::Borrowed(line),
        _ => Cow::Owned(out + &line[done..]),
    }
}

/// Of a character that UTF-16 writes as two.
enum Half {
    First,
    Second,
}

/// Bytes of `\uXXXX`.
const ESCAPE: usize = 6;

fn half(line: &str, at: usize) -> Option<Half> {
    let digits = line.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    match u32::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_character_does_not_lose_the_line() {
        let read = |line: &str| object_in(line).map(|value| value["t"].clone());
        assert_eq!(read(r#"{"t":"a\ud83d"}"#), Some(json!("a\u{fffd}")));
        assert_eq!(read(r#"{"t":"\ude00b\uD83D\uDE00"}"#), Some(json!("\u{fffd}b😀")));
        assert_eq!(read(r#"{"t":"\ud83d\ud83d\ude00\ud83d\n"}"#), Some(json!("\u{fffd}😀\u{fffd}\n")));
        // A backslash of the text and not of an escape: of the halves only the last is one.
        assert_eq!(read(r#"{"t":"\\ud83d \\\ud83d"}"#), Some(json!("\\ud83d \\\u{fffd}")));
    }

    #[test]
    fn what_is_no_object_is_none() {
        for line in
            ["", "7", "[1]", "\"x\"", "{\"t\":", "{\"t\":\"\\ud83d", "\\", "\\u", "\\ud83", "{\\ä\\ud83d}", "\\ud83ä"]
        {
            assert_eq!(object_in(line), None, "{line}");
        }
    }
}
