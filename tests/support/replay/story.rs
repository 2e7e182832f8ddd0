//! A replay as text that people can read and compare.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

use agor_nvim::{
    domain::{AgentMessage, Content, Event, FileDiff, MessageId},
    render::{Budget, Head, Icons, Op, Readings, Scene, View},
    transcript::Transcript,
};
use serde_json::{Value, json};

use super::{Dialect, Host, Replay};

/// Every recording reads as its text in `tests/golden/`, and none of those is left of a recording that is gone.
/// `UPDATE_EXPECT=1` writes them anew.
pub fn read_as_their_goldens<D: Dialect>(folder: &str, recordings: &[(String, Vec<Value>)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let names: BTreeSet<String> = recordings.iter().map(|(name, _)| name.replace('-', "_") + ".txt").collect();
    for (name, recording) in recordings {
        let golden = folder.join(name.replace('-', "_") + ".txt");
        expect_test::expect_file![golden].assert_eq(&story::<D>(recording));
    }
    let kept = fs::read_dir(&folder).expect("the texts are there").map(|file| file.expect("readable").file_name());
    let kept: BTreeSet<String> = kept.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(kept, names, "texts and recordings");
}

/// A replay as people read it.
pub fn story<D: Dialect>(recording: &[Value]) -> String {
    let mut replay = Replay::<D>::open(recording);
    let mut out = String::new();
    let mut parts: BTreeMap<MessageId, usize> = BTreeMap::new();
    let (mut seen, mut written) = (0, 0);
    let mut tell = |host: &Host, out: &mut String| {
        for write in &host.writes[written..] {
            writeln!(out, "< {}", D::told_write(write)).expect("a string takes text");
        }
        written = host.writes.len();
        for event in &host.events[seen..] {
            if let Event::Message { id, part: true, .. } = event {
                *parts.entry(id.clone()).or_default() += 1;
            } else if let Some(line) = told(event, &mut parts) {
                writeln!(out, "{line}").expect("a string takes text");
            }
        }
        seen = host.events.len();
    };
    for entry in recording {
        replay.entry(entry);
        tell(&replay.host, &mut out);
    }
    writeln!(out, "-- end of output").expect("a string takes text");
    replay.host.end();
    tell(&replay.host, &mut out);
    writeln!(out, "-- transcript").expect("a string takes text");
    out + &painted(&replay.host)
}

/// What a user sees of the messages, without what the session says itself (prompts, questions).
fn painted(host: &Host) -> String {
    let mut transcript = Transcript::default();
    for event in &host.events {
        if let Event::Message { id, parent_id, part, content } = event.clone() {
            transcript.fold(AgentMessage { id, parent_id, timestamp: 0, part, content });
        }
    }
    let mut view = View::new(Head::default(), Scene { icons: Icons::Ascii, ..Scene::default() });
    let mut lines: Vec<String> = Vec::new();
    while let Some(patch) = view.next(&transcript, &mut Readings::default(), 0, Budget::micros(1e9)) {
        for op in patch.ops {
            match op {
                Op::Set { first, last, rows } => {
                    let range = first..last.unwrap_or(lines.len());
                    lines.splice(range, rows.into_iter().map(|row| row.text));
                }
                Op::Add { row, rows } => {
                    let mut rows = rows.into_iter().map(|row| row.text);
                    lines[row].push_str(&rows.next().unwrap_or_default());
                    lines.splice(row + 1..row + 1, rows);
                }
                Op::Marks { .. } => {}
            }
        }
    }
    lines.iter().skip(1).map(|line| format!("{line}\n")).collect()
}

fn told(event: &Event, parts: &mut BTreeMap<MessageId, usize>) -> Option<String> {
    Some(match event {
        Event::Message { id, parent_id, content, .. } => {
            let parts = parts.remove(id).map(|parts| format!(" ({parts} parts)")).unwrap_or_default();
            let depth = if parent_id.is_some() { "  | " } else { "" };
            format!("{depth}{}{parts}", told_content(content))
        }
        Event::Capabilities(what) => {
            format!("can: {} models, {} modes, {} commands", what.models.len(), what.modes.len(), what.commands.len())
        }
        Event::Permission(request) => {
            let options: Vec<&str> = request.options.iter().map(|option| option.name.as_str()).collect();
            let reason = request.reason.as_deref().map(|reason| format!(" because {reason}")).unwrap_or_default();
            let diff = told_diff(&request.diff);
            format!("PERMISSION {} [{}]{reason}{diff}: {}", request.tool, request.title, options.join(" / "))
        }
        Event::Question(request) => {
            let asked = request.questions.iter().map(|question| {
                let options: Vec<&str> = question.options.iter().map(|option| option.label.as_str()).collect();
                format!("{} ({}, several: {})", question.text, options.join(" / "), question.multi)
            });
            format!("QUESTION {}", asked.collect::<Vec<_>>().join("; "))
        }
        Event::Withdrawn(_) => "withdrawn".to_owned(),
        Event::TurnStarted => "turn started".to_owned(),
        Event::TurnEnded { stop_reason, outcome } => format!("turn ended: {stop_reason}, {outcome:?}"),
        Event::AgentSession(_) => "agent session".to_owned(),
        other => format!("{other:?}"),
    })
}

fn told_content(content: &Content) -> String {
    match content {
        Content::Init(init) => format!("init {} {}, {} tools", init.model, init.cwd, init.tools.len()),
        Content::Prompt(prompt) => format!("prompt {:?}", prompt.text),
        Content::Text { text } => format!("text {text:?}"),
        Content::Thinking { text } => format!("thinking {text:?}"),
        Content::ToolCall(call) => {
            let whole = if call.input == json!({}) { " (input to come)" } else { "" };
            format!("call {} {:?} [{}]{whole}", call.name, call.kind, call.title)
        }
        Content::ToolResult(result) => {
            let error = if result.is_error { " ERROR" } else { "" };
            format!("result{error} {:?}{}", result.output, told_diff(&result.diff))
        }
        Content::Plan(plan) => {
            let entries = plan.entries.iter().map(|entry| format!("{} {:?}", entry.text, entry.status));
            format!("plan: {}", entries.collect::<Vec<_>>().join(", "))
        }
        Content::Status { subtype, message } => format!("status {subtype}: {message}"),
        Content::Cost(cost) => {
            let figures = (cost.total_cost_usd, cost.input_tokens, cost.output_tokens, cost.num_turns);
            format!("cost (dollars, in, out, turns) {figures:?} error: {} {:?}", cost.is_error, cost.errors)
        }
        other => format!("{other:?}"),
    }
}

fn told_diff(diff: &[FileDiff]) -> String {
    diff.iter().fold(String::new(), |mut out, file| {
        write!(out, " {}", file.path).expect("a string takes text");
        for hunk in &file.hunks {
            write!(out, " @{},{} {:?}", hunk.old_start, hunk.new_start, hunk.lines).expect("a string takes text");
        }
        out
    })
}
