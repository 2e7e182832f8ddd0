//! What comes over pipes and sockets, below the level of any one agent.

use serde_json::Value;
use uuid::Uuid;

use super::input::Chance;
use crate::{
    agent::{
        jsonrpc::{Failure, Incoming, Peer},
        lines::{Frame, Lines, MAX_LINE},
        protocol::Output,
        redact::Redactor,
    },
    keeper::wire::{Order, Report, Spec},
};

/// However the bytes are cut, the same frames come, and they are those that a simple reader makes.
pub fn lines(data: &[u8]) {
    let mut chance = Chance::of(data);
    for max in [3, 40, MAX_LINE] {
        let expect = frames_of(data, max);
        let cuts = chance.cuts(data.len());
        let each: Vec<usize> = (1..=data.len()).collect();
        for cuts in [&[data.len()][..], &cuts, &each] {
            let (mut lines, mut found, mut from) = (Lines::new(max), Vec::new(), 0);
            for &cut in cuts {
                found.extend(lines.push(&data[from..cut]));
                from = cut;
            }
            found.extend(lines.finish());
            assert_eq!(found, expect, "a cap of {max}");
            assert_eq!(lines.finish(), None);
        }
    }
}

fn frames_of(data: &[u8], max: usize) -> Vec<Frame> {
    let lines = data.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let frame = |line: &[u8]| match line.len() > max {
        true => Frame::TooLong { bytes: line.len() as u64, head: text(&line[..line.len().min(max).min(1024)]) },
        false => Frame::Line(text(line)),
    };
    lines.filter(|line| !line.is_empty()).map(frame).collect()
}

/// Lines from the other end, while requests of ours wait. Each of those is answered at most once, each of the agent's has
/// an id of its own, and all that is written is an object on a line.
pub fn jsonrpc(data: &[u8]) {
    let mut peer: Peer<u8> = Peer::new(true, Uuid::nil());
    let mut out = Output::default();
    let mut waiting: Vec<u64> = (0..4).map(|number| peer.request(&mut out, number, "ask", Value::Null)).collect();
    let (mut asked, mut open) = (Vec::new(), Vec::new());
    for line in String::from_utf8_lossy(data).lines() {
        let incoming = match serde_json::from_str::<Value>(line) {
            Ok(value) => peer.receive(&mut out, value),
            Err(_) => peer.receive_head(&mut out, line, line.len() as u64),
        };
        match incoming {
            Incoming::Response { id, sent, .. } => {
                assert!(waiting.contains(&id) && u64::from(sent) == id, "{id} was answered twice");
                waiting.retain(|other| *other != id);
            }
            Incoming::Request { id, .. } => {
                assert!(!asked.contains(&id), "{id} comes again");
                asked.push(id.clone());
                open.push(id);
            }
            Incoming::Notification { .. } | Incoming::Nonsense(_) => {}
        }
        if open.len() > 3 {
            let id = open.remove(0);
            assert!(peer.reply(&mut out, &id, Err(Failure::unknown_method("x"))));
            assert!(!peer.reply(&mut out, &id, Ok(Value::Null)), "{id} is answered once");
        }
    }
    let mut left: Vec<u64> = peer.end().into_iter().map(u64::from).collect();
    left.sort_unstable();
    assert_eq!(left, waiting);
    out.writes.iter().for_each(|line| is_an_object_on_a_line(line));
}

/// As every agent reads its input.
#[track_caller]
pub(super) fn is_an_object_on_a_line(line: &[u8]) {
    let body = line.strip_suffix(b"\n").expect("a line ends");
    assert!(!body.contains(&b'\n'), "one line");
    let value: Value = serde_json::from_slice(body).expect("a line that can be read");
    assert!(value.is_object());
}

/// What is understood says the same when it is written again.
pub fn keeper(data: &[u8]) {
    if let Ok(spec) = Spec::decode(data) {
        let bytes = spec.encode();
        assert_eq!(Spec::length([bytes[0], bytes[1], bytes[2], bytes[3]]), bytes.len() - 4);
        assert_eq!(Spec::decode(&bytes[4..]), Ok(spec));
    }
    for line in String::from_utf8_lossy(data).lines() {
        if let Ok(order) = line.parse::<Order>() {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        if let Ok(report) = line.parse::<Report>() {
            assert_eq!(report.to_string().parse(), Ok(report));
        }
    }
}

/// A secret of the environment, the first line, is in nothing that is written of the others; what was JSON stays JSON.
pub fn redact(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (secret, rest) = text.split_once('\n').unwrap_or((&text, ""));
    // What is written in its place would be a part of such a one.
    if secret.chars().count() < 8 || secret.contains(['[', ']']) || "redacted".contains(secret) {
        return;
    }
    let redactor = Redactor::new([("MY_TOKEN", secret)]);
    let json = serde_json::json!({ "said": rest, "more": [format!("{rest}{secret}{rest}")], rest: secret });
    let plain = format!("{rest}{secret} {rest}");
    for line in [rest, &plain, &json.to_string()] {
        let (masked, short) = (redactor.line(line), redactor.short(line));
        assert!(!redactor.text(line).contains(secret), "{line:?}");
        assert!(masked.starts_with(&short) && short.chars().count() <= 200);
        match serde_json::from_str::<Value>(line) {
            Ok(_) => {
                let value: Value = serde_json::from_str(&masked).expect("JSON stays JSON");
                assert!(!says(&value, secret), "{masked}");
            }
            Err(_) => assert!(!masked.contains(secret), "{line:?}"),
        }
    }
}

fn says(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => text.contains(secret),
        Value::Array(items) => items.iter().any(|item| says(item, secret)),
        Value::Number(number) => number.to_string().contains(secret),
        Value::Object(fields) => fields.iter().any(|(key, field)| key.contains(secret) || says(field, secret)),
        _ => false,
    }
}
