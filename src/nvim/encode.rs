//! Patches and updates in the shapes of `doc/wire.md`.

use std::sync::Arc;

use rmpv::Value;
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    client::Row,
    domain::{SessionSummary, Subject},
    render::{Line, Look},
    session::Update,
};

pub fn table<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

/// Anything that has a JSON form.
pub fn value<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).map_or(Value::Nil, from_json)
}

/// Neovim closes a channel on which a value comes that is nested deeper than 32 levels, and a batch has some of its own.
const MAX_DEPTH: usize = 16;

/// What is nested too deeply for the wire goes as JSON text.
pub fn from_json(json: Json) -> Value {
    nested(json, MAX_DEPTH)
}

fn nested(json: Json, levels: usize) -> Value {
    match json {
        Json::Array(_) | Json::Object(_) if levels == 0 => Value::from(json.to_string()),
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::from(value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Value::from(number),
            (_, Some(number), _) => Value::from(number),
            (_, _, Some(number)) => Value::from(number),
            _ => Value::Nil,
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::Array(items.into_iter().map(|item| nested(item, levels - 1)).collect()),
        Json::Object(fields) => {
            let field = |(name, value)| (Value::from(name), nested(value, levels - 1));
            Value::Map(fields.into_iter().map(field).collect())
        }
    }
}

/// A session's row; without capabilities where the client has them.
pub fn row(row: &Row) -> Value {
    if !row.without_capabilities {
        return value(&row.summary);
    }
    let bare = SessionSummary { capabilities: Arc::default(), ..row.summary.clone() };
    match value(&bare) {
        Value::Map(fields) => {
            Value::Map(fields.into_iter().filter(|(name, _)| name.as_str() != Some("capabilities")).collect())
        }
        other => other,
    }
}

/// `{kind, data}`. `None` for what is no event.
pub fn event(update: &Update) -> Option<Value> {
    let (kind, data) = match update {
        Update::Session(_) | Update::Removed(_) | Update::Dirty(_) | Update::GrantsChanged => return None,
        Update::Status { session, status, error } => {
            let data = table([("session_id", id(session)), ("status", value(status)), ("error", value(error))]);
            ("status", data)
        }
        Update::Messages { session, messages } => {
            ("messages", table([("session_id", id(session)), ("messages", value(messages))]))
        }
        Update::Permission { session, request, body, offered } => {
            let lines = body.lines.iter().map(|line| Value::from(line.text.as_str())).collect();
            let data = table([
                ("session_id", id(session)),
                ("request_id", request.request_id.as_str().into()),
                ("tool", request.tool.as_str().into()),
                ("title", request.title.as_str().into()),
                ("input", from_json(request.input.clone())),
                ("options", value(&request.options)),
                ("reason", value(&request.reason)),
                ("lines", Value::Array(lines)),
                ("marks", marks(&body.lines)),
                ("cut", body.cut.into()),
                ("outside", value(&body.outside)),
                ("grants", value(&offered.rules)),
                ("scopes", value(&offered.scopes)),
                ("examples", value(&offered.examples)),
                ("everywhere", value(&offered.everywhere)),
                ("refusals", value(&offered.refusals)),
                ("of_refusals", value(&offered.of_refusals)),
                ("refusal_scopes", value(&offered.refusal_scopes)),
                ("project", offered.project.to_string_lossy().into()),
                ("note", value(&offered.note)),
                ("ours", (request.subject == Subject::Start).into()),
            ]);
            ("permission", data)
        }
        Update::PermissionColoured { session, request_id, lines } => {
            let data = table([
                ("session_id", id(session)),
                ("request_id", request_id.as_str().into()),
                ("rows", lines.len().into()),
                ("marks", marks(lines)),
            ]);
            ("permission_coloured", data)
        }
        Update::Question { session, request } => {
            let data = table([
                ("session_id", id(session)),
                ("request_id", request.request_id.as_str().into()),
                ("questions", value(&request.questions)),
                ("url", value(&request.url)),
            ]);
            ("question", data)
        }
        Update::Closed { session, request_id, outcome } => {
            let data = table([
                ("session_id", id(session)),
                ("request_id", request_id.as_str().into()),
                ("outcome", outcome.as_str().into()),
            ]);
            ("permission_closed", data)
        }
        Update::Turn { session, stop_reason } => {
            ("turn", table([("session_id", id(session)), ("stop_reason", stop_reason.as_str().into())]))
        }
        Update::Notify { session, level, message } => {
            let data = table([
                ("session_id", session.as_ref().map_or(Value::Nil, id)),
                ("level", level.name().into()),
                ("message", message.as_str().into()),
            ]);
            ("notify", data)
        }
        Update::Stalled { session, since, stderr } => {
            let data = table([("session_id", id(session)), ("since", value(since)), ("stderr", value(stderr))]);
            ("stalled", data)
        }
        Update::Along { session, elsewhere } => {
            ("along", table([("session_id", id(session)), ("elsewhere", (*elsewhere).into())]))
        }
        Update::Draft { session, prompt } => ("draft", table([("session_id", id(session)), ("prompt", value(prompt))])),
        Update::File { session, request_id, path, text } => {
            let data = table([
                ("session_id", id(session)),
                ("request_id", request_id.as_str().into()),
                ("path", path.to_string_lossy().into()),
                ("text", text.as_deref().map_or(Value::Nil, Value::from)),
            ]);
            ("file", data)
        }
        Update::Files { session, cwd, paths } => {
            let paths = paths.iter().map(|path| Value::from(path.to_string_lossy())).collect();
            let data = table([
                ("session_id", id(session)),
                ("cwd", cwd.to_string_lossy().into()),
                ("paths", Value::Array(paths)),
            ]);
            ("files", data)
        }
    };
    Some(Value::Array(vec![kind.into(), data]))
}

fn id(session: &crate::domain::SessionId) -> Value {
    session.as_str().into()
}

pub fn marks(lines: &[Line]) -> Value {
    let mut out = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        for mark in &line.marks {
            let (start, end) = match mark.look {
                Look::Tint => (Value::from(0), Value::from(-1)),
                _ => (mark.start.into(), mark.end.into()),
            };
            out.push(Value::Array(vec![row.into(), start, end, mark.group.into()]));
        }
        if let Some(group) = line.group {
            out.push(Value::Array(vec![row.into(), 0.into(), (-1).into(), group.into()]));
        }
    }
    Value::Array(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deeply_goes_as_text() {
        let depth = |value: &Value| {
            let (mut depth, mut at) = (0, value);
            while let Value::Array(items) = at {
                depth += 1;
                at = &items[0];
            }
            (depth, at.clone())
        };
        let mut json = Json::from(7);
        for _ in 0..100 {
            json = Json::Array(vec![json]);
        }
        let (levels, rest) = depth(&from_json(json));
        assert_eq!(levels, MAX_DEPTH);
        assert_eq!(rest, Value::from(format!("{}7{}", "[".repeat(84), "]".repeat(84))));
        let shallow = serde_json::json!({"a": [1, {"b": null}]});
        assert_eq!(from_json(shallow).to_string(), r#"{"a": [1, {"b": nil}]}"#);
    }

    #[test]
    fn a_row_goes_without_capabilities_that_the_editor_has() {
        let id = crate::domain::SessionId::parse("a").expect("a good id");
        let summary: SessionSummary = serde_json::from_value(serde_json::json!({
            "session_id": id, "provider": "demo", "status": "idle", "cost_usd": 0.0, "input_tokens": 0,
            "output_tokens": 0, "started_at": 1, "title": "", "cwd": "/", "model": "", "mode": "", "effort": "",
            "queued": 0, "pending": 0, "busy": false, "asks_nothing": false, "capabilities": {"steer": true},
        }))
        .expect("a row");
        let names = |without_capabilities| {
            let Value::Map(fields) = row(&Row { summary: summary.clone(), without_capabilities }) else {
                panic!("a map")
            };
            fields.into_iter().map(|(name, _)| name.as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let (with, without) = (names(false), names(true));
        assert_eq!(with.len(), without.len() + 1);
        assert_eq!(with.last().map(String::as_str), Some("capabilities"));
        assert_eq!(with[..without.len()], without);
    }
}
