//! Test support: recorded exchanges and events as readable text.

use serde_json::Value;

use crate::domain::{Content, Event};

/// What the agent said in a recorded exchange, by the path below `tests/fixtures`.
pub(crate) fn recorded(path: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a fixture's line is JSON"))
        .filter(|line| line["dir"] == "out")
        .map(|mut line| line["msg"].take())
        .collect()
}

/// One line an event.
pub(crate) fn outline(events: &[Event]) -> String {
    events.iter().map(|event| one(event) + "\n").collect()
}

fn one(event: &Event) -> String {
    let Event::Message { id, parent_id, part, content } = event else { return format!("{event:?}") };
    let parent = parent_id.as_ref().map_or_else(String::new, |id| format!(" < {id}"));
    let part = if *part { " +" } else { "" };
    let content = match content {
        Content::Unknown(value) => format!("unknown {value}"),
        content => {
            let mut value = serde_json::to_value(content).expect("content serializes");
            let kind = value["type"].take();
            format!("{} {}", kind.as_str().unwrap_or_default(), value["content"].take())
        }
    };
    // The nonce of tests is zero; an id's end tells it apart.
    let id = id.as_str().trim_start_matches("00000000000000000000000000000000-").to_owned();
    format!("[{id}{parent}{part}] {}", content.replace("00000000000000000000000000000000-", ""))
}
