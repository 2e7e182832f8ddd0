//! Recorded exchanges with the real Claude Code, replayed through the protocol value without any process.
//!
//! `tests/fixtures/claude/INDEX.md` says what each recording shows. What the host wrote then is turned into the commands
//! that a session would give; the lines of Claude Code are fed as they came. The goldens are rewritten by
//! `UPDATE_EXPECT=1 cargo nextest run --test claude_replay`.

mod host;
mod story;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use agor_nvim::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol},
    },
    domain::{Content, Event, MessageId, ToolUseId},
};
use host::{Host, options, replay};
use serde_json::{Value, json};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude");
    let entries = fs::read_dir(folder).expect("the recordings are there").map(|entry| entry.expect("readable").path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "ndjson")).collect();
    paths.sort();
    assert!(paths.len() > 100, "only {} recordings", paths.len());
    paths
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a recording is text");
    text.lines().map(|line| serde_json::from_str(line).expect("a recording is JSON")).collect()
}

fn recording(name: &str) -> Vec<Value> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/claude/{name}.ndjson")))
}

#[test]
fn every_recording_keeps_the_invariants() {
    for path in fixtures() {
        let recording = read(&path);
        let host = replay(&recording);
        check_invariants(&path, &host);
        assert_eq!(shown_texts(&host), said_texts(&recording), "the texts of {}", path.display());
    }
}

fn check_invariants(path: &Path, host: &Host) {
    let name = path.display();
    let mut joined: HashMap<MessageId, String> = HashMap::new();
    let mut tools: Vec<(ToolUseId, Option<ToolUseId>)> = Vec::new();
    for event in &host.events {
        match event {
            Event::Message { id, part, content: Content::Text { text } | Content::Thinking { text }, .. } => {
                if *part {
                    joined.entry(id.clone()).or_default().push_str(text);
                } else if let Some(joined) = joined.remove(id) {
                    assert!(text.is_empty() || joined == *text, "{name}: {joined:?} became {text:?}");
                }
            }
            Event::Message { parent_id, content: Content::ToolCall(call), .. } => {
                tools.retain(|(id, _)| *id != call.tool_use_id);
                tools.push((call.tool_use_id.clone(), parent_id.clone()));
            }
            Event::Message { content: Content::ToolResult(result), .. } => {
                assert!(tools.iter().any(|(id, _)| *id == result.tool_use_id), "{name}: a result without a call");
                tools.retain(|(id, _)| *id != result.tool_use_id);
            }
            Event::Message { content: Content::Unknown(value), .. } => panic!("{name}: not understood: {value}"),
            // Only a subagent in the background works on.
            Event::TurnEnded { .. } => assert!(tools.iter().all(|(_, parent)| parent.is_some()), "{name}: {tools:?}"),
            Event::Noise { text } => panic!("{name}: noise: {text}"),
            _ => {}
        }
    }
    assert!(joined.is_empty(), "{name}: texts without an end: {joined:?}");
    assert!(tools.is_empty(), "{name}: calls without an end: {tools:?}");
}

/// The main thread's texts as the transcript has them in the end.
fn shown_texts(host: &Host) -> Vec<String> {
    let mut texts: Vec<(&MessageId, &str)> = Vec::new();
    for event in &host.events {
        if let Event::Message { id, parent_id: None, part: false, content: Content::Text { text } } = event {
            match texts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, old)) => *old = text,
                None => texts.push((id, text)),
            }
        }
    }
    texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| text.to_owned()).collect()
}

/// The same from the raw lines: whole texts, and what a process that was killed had begun.
fn said_texts(recording: &[Value]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut begun = String::new();
    for message in recording.iter().filter(|entry| entry["dir"] == "out").map(|entry| &entry["msg"]) {
        match message["type"].as_str() {
            Some("stream_event") if message["event"]["type"] == "content_block_start" => begun.clear(),
            Some("stream_event") => begun.push_str(message["event"]["delta"]["text"].as_str().unwrap_or_default()),
            Some("assistant") if message["error"].is_null() && message["parent_tool_use_id"].is_null() => {
                for block in message["message"]["content"].as_array().expect("blocks") {
                    texts.extend(block["text"].as_str().filter(|text| *text != "(no content)").map(str::to_owned));
                }
                begun.clear();
            }
            _ => {}
        }
    }
    texts.extend(Some(begun).filter(|begun| !begun.is_empty()));
    texts
}

#[test]
fn a_line_that_is_cut_anywhere_changes_nothing_else() {
    for (number, path) in fixtures().iter().enumerate() {
        let recording = read(path);
        let mut whole = replay(&recording).events.into_iter();
        let mut host = Host::new(&options());
        let mut seen = 0;
        for (at, entry) in recording.iter().enumerate() {
            if entry["dir"] == "out" {
                let line = entry["msg"].to_string();
                let cuts = (0..3).map(|step| (number * 31 + at * 17 + step * 7919) % line.len());
                for mut cut in cuts.filter(|cut| *cut > 0) {
                    while !line.is_char_boundary(cut) {
                        cut -= 1;
                    }
                    host.line(&line[..cut]);
                    assert!(matches!(host.events.pop(), Some(Event::Noise { .. })), "{:?}", &line[..cut]);
                }
                host.printed(&entry["msg"]);
            } else if entry["dir"] == "in" {
                host.written(&entry["msg"]);
            }
            for event in &host.events[seen..] {
                assert_eq!(Some(event), whole.next().as_ref(), "{}", path.display());
            }
            seen = host.events.len();
        }
    }
}

#[test]
fn fields_may_be_missing_or_of_another_type() {
    for (number, path) in fixtures().iter().enumerate() {
        let recording = read(path);
        let mut host = Host::new(&options());
        let mut turn = number;
        for entry in &recording {
            if entry["dir"] == "in" {
                host.written(&entry["msg"]);
            }
            if entry["dir"] != "out" {
                continue;
            }
            for pointer in pointers(&entry["msg"], 4) {
                turn += 1;
                let mut message = entry["msg"].clone();
                let junk =
                    [json!(null), json!(7), json!("junk"), json!([]), json!({}), json!([{"type": 3}]), json!(-1.5)];
                *message.pointer_mut(&pointer).expect("a field that is there") = junk[turn % junk.len()].clone();
                // A turn that never ends in the junk's words is not our concern here; what is open must close at the end.
                let out = host.protocol.receive(Frame::Line(message.to_string()));
                host.running = false;
                host.open.clear();
                host.settled.clear();
                take_leniently(&mut host, out);
            }
            let out = host.protocol.receive(Frame::Line(entry["msg"].to_string()));
            take_leniently(&mut host, out);
        }
        let out = host.protocol.end();
        take_leniently(&mut host, out);
        let mut calls = HashSet::new();
        for event in &host.events {
            if let Event::Message { content: Content::ToolCall(call), .. } = event {
                calls.insert(&call.tool_use_id);
            } else if let Event::Message { content: Content::ToolResult(result), .. } = event {
                calls.remove(&result.tool_use_id);
            }
        }
        assert!(calls.is_empty(), "{}: calls without an end: {calls:?}", path.display());
    }
}

fn take_leniently(host: &mut Host, out: Output) {
    for line in &out.writes {
        assert!(serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object()));
    }
    host.events.extend(out.events);
}

fn pointers(value: &Value, depth: usize) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), child)).collect()
        }
        Value::Array(list) => list.iter().take(2).enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    for (key, child) in children.into_iter().filter(|_| depth > 0) {
        out.push(format!("/{key}"));
        // The long lists of the first answer are all alike.
        let deep = if ["models", "commands", "tools"].contains(&key.as_str()) { 1 } else { depth };
        out.extend(pointers(child, deep - 1).into_iter().map(|rest| format!("/{key}{rest}")));
    }
    out
}

mod golden {
    use expect_test::expect_file;

    use super::{recording, story::story};

    macro_rules! goldens {
        ($($name:ident)*) => {
            $(
                #[test]
                fn $name() {
                    expect_file![concat!("../golden/claude/", stringify!($name), ".txt")]
                        .assert_eq(&story(&recording(stringify!($name))));
                }
            )*
        };
    }

    goldens! {
        text thinking long read write_allow edit_allow manytools badinput badtool image
        bash_allow bash_deny bash_deny_interrupt dontask
        perm_remember perm_outside parallel_permissions parallel_subagent_permissions mode_change_pending
        eof_pending_permission
        plan_file plan_reject plan_approve_acceptedits enterplan ask_answer ask_deny
        interrupt_stream interrupt_tool interrupt_hang interrupt_idle interrupt_retry
        error400 error401 error429_retry error529_exhausted error404_model no_auth no_server
        rate_limit_oauth rate_limit_rejected refusal maxturns budget
        compact_manual clear slash todo todowrite subagent_perm bgbash queue_busy queue_now
        stream_drop midstream_error subagent_bg own_turn_crossed resume_unknown resume_other_cwd sigkill_tool hook_block_prompt hooks_settings mcp_stdio
        v330_text v330_thinking v330_bash v330_ask v330_plan v330_todo v330_subagent v330_e400 v330_e429 v330_mcp
    }
}
