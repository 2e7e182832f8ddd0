//! What the host says, as messages. Knows the words of the sidecar protocol; does nothing about them.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::runner) enum FromHost {
    Query(Box<Query>),
    Stop,
    Interrupt,
    Ping,
    /// To a `permission_request` or `question_request`.
    Answer(Answer),
    /// To a `call_request`.
    Judged(Judged),
    /// Only to runners that announced it.
    Set(Setting),
    /// Something else: what is wrong with it.
    Bad(String),
}

/// What the user has chosen, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runner) enum Setting {
    Model(String),
    Mode(String),
    Effort(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::runner) struct Query {
    pub(in crate::runner) session: String,
    pub(in crate::runner) prompt: String,
    pub(in crate::runner) cwd: PathBuf,
    pub(in crate::runner) model: Option<String>,
    pub(in crate::runner) resume: Option<String>,
    pub(in crate::runner) raw: Value,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::runner) struct Answer {
    pub(in crate::runner) request: String,
    pub(in crate::runner) option: Option<String>,
    pub(in crate::runner) message: Option<String>,
    pub(in crate::runner) input: Option<Value>,
    pub(in crate::runner) answers: Option<Value>,
    pub(in crate::runner) cancelled: bool,
}

/// What the user's rules say of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runner) struct Judged {
    pub(in crate::runner) request: String,
    pub(in crate::runner) decision: String,
    pub(in crate::runner) message: String,
}

/// Reads in a thread of its own, which ends with the input or as soon as `deliver` says that nobody listens.
pub(in crate::runner) fn listen(
    input: impl Read + Send + 'static,
    mut deliver: impl FnMut(FromHost) -> bool + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() && !deliver(parse(text.trim())) {
                return;
            }
        }
    });
}

pub(in crate::runner) fn parse(line: &str) -> FromHost {
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(line) else {
        let head: String = line.chars().take(100).collect();
        return FromHost::Bad(format!("this is no JSON object: {head}"));
    };
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    match value["type"].as_str().unwrap_or_default() {
        "query" => {
            let Some(prompt) = text("prompt") else { return FromHost::Bad("a query needs a prompt".into()) };
            FromHost::Query(Box::new(Query {
                session: text("sessionId").unwrap_or_default(),
                prompt,
                cwd: text("cwd").map(PathBuf::from).unwrap_or_default(),
                model: text("model"),
                resume: text("resumeSessionId"),
                raw: value,
            }))
        }
        "stop" => FromHost::Stop,
        "interrupt" => FromHost::Interrupt,
        "ping" => FromHost::Ping,
        "permission_response" | "question_response" => FromHost::Answer(Answer {
            request: text("requestId").unwrap_or_default(),
            option: text("optionId"),
            message: text("message"),
            input: value.get("input").cloned(),
            answers: value.get("answers").cloned(),
            cancelled: value["cancelled"] == true,
        }),
        "call_response" => FromHost::Judged(Judged {
            request: text("requestId").unwrap_or_default(),
            decision: text("decision").unwrap_or_default(),
            message: text("message").unwrap_or_default(),
        }),
        kind @ ("set_model" | "set_mode" | "set_effort") => match (kind, text(&kind[4..])) {
            ("set_model", Some(value)) => FromHost::Set(Setting::Model(value)),
            ("set_mode", Some(value)) => FromHost::Set(Setting::Mode(value)),
            (_, Some(value)) => FromHost::Set(Setting::Effort(value)),
            (_, None) => FromHost::Bad(format!("{kind} lacks the key {}", &kind[4..])),
        },
        other => FromHost::Bad(format!("unknown message type: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: FromHost) {
        assert_eq!(parse(line), expect);
    }

    #[test]
    fn what_is_set_is_named_by_its_own_key() {
        check(r#"{"type":"set_model","model":"m:1b"}"#, FromHost::Set(Setting::Model("m:1b".into())));
        check(r#"{"type":"set_mode","mode":"plan"}"#, FromHost::Set(Setting::Mode("plan".into())));
        check(r#"{"type":"set_effort","effort":"low"}"#, FromHost::Set(Setting::Effort("low".into())));
        check(r#"{"type":"set_effort","mode":"low"}"#, FromHost::Bad("set_effort lacks the key effort".into()));
    }

    #[test]
    fn what_is_no_message_is_a_complaint() {
        check("[1]", FromHost::Bad("this is no JSON object: [1]".into()));
        check(r#"{"type":"dance"}"#, FromHost::Bad("unknown message type: dance".into()));
        check(r#"{"type":"query"}"#, FromHost::Bad("a query needs a prompt".into()));
    }
}
