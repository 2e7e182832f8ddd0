//! What the host says, as messages in a channel. Knows the words of the sidecar protocol; does nothing about them.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
};

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum FromHost {
    Query(Box<Query>),
    Stop,
    Interrupt,
    Ping,
    /// To a `permission_request` or `question_request`.
    Answer(Answer),
    /// Something else: what is wrong with it.
    Bad(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    pub(super) session: String,
    pub(super) prompt: String,
    pub(super) cwd: PathBuf,
    pub(super) model: Option<String>,
    pub(super) resume: Option<String>,
    pub(super) raw: Value,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) request: String,
    pub(super) option: Option<String>,
    pub(super) message: Option<String>,
    pub(super) input: Option<Value>,
    pub(super) answers: Option<Value>,
    pub(super) cancelled: bool,
}

/// Reads in a thread of its own, which ends with the input; the channel's end is the input's.
pub(super) fn listen(input: impl Read + Send + 'static) -> Receiver<FromHost> {
    let (sender, receiver) = sync_channel(64);
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
            if !text.trim().is_empty() && sender.send(parse(text.trim())).is_err() {
                return;
            }
        }
    });
    receiver
}

pub(super) fn parse(line: &str) -> FromHost {
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
        other => FromHost::Bad(format!("unknown message type: {other}")),
    }
}
