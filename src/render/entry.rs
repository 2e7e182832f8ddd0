//! One entry's lines. A text that may be long or still grow gives its head only; the view lets it flow.

use super::{
    around::Around,
    figures::{cost_line, duration, thousands},
    fit,
    flow::{Layout, Style},
    line::{Anchor, Line, Source, one_line, split_lines},
    scene::{Icons, Scene},
    tool::{self, count, push_limited},
};
use crate::{
    domain::{Context, PROJECT_FILES, Plan, PlanStatus, Prompt, Question, RequestId, ToolUseId},
    transcript::{Body, Entry, ToolState},
};

/// Lines of a prompt shown while folded; people paste logs of megabytes.
const PROMPT_PREVIEW: usize = 12;
/// Lines of a status message shown while folded, and of what a subagent says.
const STATUS_PREVIEW: usize = 3;
const STALLED_PREVIEW: usize = 6;
const WORDS_PREVIEW: usize = 3;
/// Milliseconds after which it is said how long the agent has been thinking.
const LONG: i64 = 3_000;
const UNFOLDED: usize = 20_000;

/// Whether an entry looks different from one second to the next.
pub fn ticks(entry: &Entry) -> bool {
    match &entry.body {
        Body::Tool(tool) => entry.open && tool.state == ToolState::Running && !tool.asked,
        Body::Thinking(_) => entry.open,
        _ => false,
    }
}

pub(super) fn layout(entry: &Entry, around: &Around, expanded: bool, scene: Scene) -> Layout {
    let icons = scene.icons;
    let lines = match &entry.body {
        Body::Text(_) if entry.parent.is_none() => return Layout { lines: Vec::new(), flow: Some(Style::Prose) },
        // A subagent's words are not the agent's answer: a glance at them is enough.
        Body::Text(_) if expanded => return Layout { lines: Vec::new(), flow: Some(Style::Thought) },
        Body::Text(_) if around.told => Vec::new(),
        Body::Text(text) => words(text, &tool::indent(around.depth), scene),
        Body::Thinking(text) if text.trim().is_empty() => Vec::new(),
        Body::Thinking(_) => {
            let shown = expanded || entry.open && entry.parent.is_none();
            let mut line = thinking(entry, scene);
            if entry.parent.is_some() {
                line = indented(line, around.depth);
            }
            return Layout { lines: vec![line], flow: shown.then_some(Style::Thought) };
        }
        Body::Tool(body) => tool::lines(entry, body, around, expanded, scene),
        Body::Prompt(said) => prompt(said, expanded, icons),
        Body::Permission { request_id, tool, outcome: None, .. } => {
            let text = match tool.as_str() {
                "plan" => "? The agent has a plan for you to approve".to_owned(),
                PROJECT_FILES => "? A question before the agent starts".to_owned(),
                // Its own line stands above, with what it wants to do.
                _ if around.called || tool.is_empty() => "? The agent asks for permission".to_owned(),
                tool => format!("? The agent asks for permission: {}", one_line(tool, 60, icons.ellipsis())),
            };
            vec![question(&text, request_id, around)]
        }
        Body::Permission { tool, tool_use_id, outcome: Some(outcome), .. } => {
            let (what, outcome) =
                (asked_about(tool, tool_use_id.as_ref(), icons), one_line(outcome, 200, icons.ellipsis()));
            // What we ask ourselves is about no call that it could stand below.
            let below = if tool == PROJECT_FILES { "" } else { "  " };
            let line = format!("{below}{} {what}{outcome}", icons.dot());
            vec![indented(Line::of(line, "AgorDim"), around.depth)]
        }
        Body::Question { request_id, questions, outcome: None, .. } => {
            let asked = questions.first().map_or("", |question| question.text.as_str());
            vec![question(&format!("? {}", one_line(asked, 200, icons.ellipsis())), request_id, around)]
        }
        Body::Question { questions, outcome: Some(outcome), .. } => {
            answers(questions, outcome, icons).into_iter().map(|line| indented(line, around.depth)).collect()
        }
        Body::Plan(said) => plan(said, icons),
        Body::Status { subtype, message } => {
            let stalled = subtype == "stalled";
            let mut lines = quiet(message, if stalled { "AgorWarning" } else { "AgorDim" }, icons);
            // Summaries of compacted conversations are long; an agent's last words are wanted.
            let preview = if stalled { STALLED_PREVIEW } else { STATUS_PREVIEW };
            if !expanded && lines.len() > preview {
                let rest = lines.split_off(preview).len();
                lines.push(count(rest, " more", "  ", icons));
            }
            lines
        }
        Body::Compaction(compaction) => {
            let tokens = thousands(compaction.pre_tokens);
            let trigger = one_line(&compaction.trigger, 40, icons.ellipsis());
            quiet(&format!("The conversation was compacted ({trigger}, {tokens} tokens before)"), "AgorDim", icons)
        }
        Body::Cost(cost) => cost_line(cost, icons).into_iter().collect(),
        Body::Error(message) => {
            let mut lines: Vec<Line> = Vec::new();
            for (index, text) in split_lines(message.trim_end()).enumerate() {
                let lead = if index == 0 { icons.failed() } else { " " };
                lines.push(Line::of(format!("{lead} {text}"), "AgorError"));
            }
            lines
        }
        Body::Unknown(value) => {
            let name = one_line(kind_of(value), 100, icons.ellipsis());
            let mut lines = quiet(&format!("A message that agor does not know: {name}"), "AgorDim", icons);
            if expanded {
                let json = serde_json::to_string_pretty(value).unwrap_or_default();
                lines.extend(split_lines(&json).take(UNFOLDED).map(|text| Line::of(format!("    {text}"), "AgorDim")));
            }
            lines
        }
        Body::Withdrawn => Vec::new(),
    };
    Layout { lines, flow: None }
}

fn prompt(said: &Prompt, expanded: bool, icons: Icons) -> Vec<Line> {
    let mut lines = Vec::new();
    let rows = split_lines(said.text.trim_end_matches('\n')).enumerate();
    let line = |(index, text): (usize, &str)| {
        let mut line = Line::default();
        line.push(if index == 0 { icons.prompt() } else { " " }, "AgorUserMark").push(" ", "");
        line.push(text, "AgorUser");
        line
    };
    push_limited(&mut lines, rows, line, if expanded { UNFOLDED } else { PROMPT_PREVIEW }, "  ", icons);
    for (file, piece) in said.context.iter().enumerate() {
        let mut line = Line::of(format!("  {}", label(piece, icons)), "AgorPath");
        if piece.unsaved {
            line.push(" (unsaved)", "AgorDim");
        }
        line.source = Some(Source { file, line: piece.first_line });
        lines.push(line);
        if expanded {
            let text = split_lines(piece.text.trim_end_matches('\n'));
            lines.extend(text.take(UNFOLDED).enumerate().map(|(row, text)| {
                let mut line = Line::of(format!("    {text}"), "AgorOutput");
                let number = if piece.first_line > 0 { piece.first_line + row as u64 } else { 0 };
                line.source = Some(Source { file, line: number });
                line
            }));
        }
    }
    lines.extend(said.images.iter().map(|image| Line::of(format!("  image {}", image.path), "AgorPath")));
    if said.steered {
        lines.push(Line::of("  given while the agent worked", "AgorDim"));
    }
    if let Some(first) = lines.first_mut() {
        first.anchor = Some(Anchor::Turn);
    }
    lines
}

/// What an attachment is called.
pub(super) fn label(piece: &Context, icons: Icons) -> String {
    let label = piece.label();
    match label.strip_suffix('…') {
        Some(label) => format!("{label}{}", icons.ellipsis()),
        None => label,
    }
}

/// What an outcome is of, in front of it.
fn asked_about(tool: &str, call: Option<&ToolUseId>, icons: Icons) -> String {
    match tool {
        "plan" => "Plan: ".to_owned(),
        PROJECT_FILES => "What the project brings along: ".to_owned(),
        // Else the call stands above, and says it.
        tool if call.is_none() && !tool.is_empty() => format!("{}: ", one_line(tool, 60, icons.ellipsis())),
        _ => String::new(),
    }
}

fn question(text: &str, request: &RequestId, around: &Around) -> Line {
    let mut line = Line::of(text, "AgorQuestion");
    line.push("  :Agor permit", "AgorDim");
    indented(line, around.depth).anchored(Anchor::Question(request.clone()))
}

fn answers(questions: &[Question], outcome: &str, icons: Icons) -> Vec<Line> {
    let mut answers: Vec<&str> = split_lines(outcome).collect();
    let mut lines = Vec::new();
    let paired = answers.len() == questions.len();
    for question in questions {
        lines.push(Line::of(format!("? {}", one_line(&question.text, 200, icons.ellipsis())), "AgorDim"));
        // One line each; otherwise nobody can say which belongs to which.
        let own = answers.drain(..usize::from(paired));
        lines.extend(own.map(|text| Line::of(format!("  {} {text}", icons.dot()), "AgorUser")));
    }
    lines.extend(answers.iter().map(|text| Line::of(format!("  {} {text}", icons.dot()), "AgorUser")));
    lines
}

fn plan(plan: &Plan, icons: Icons) -> Vec<Line> {
    let done = plan.entries.iter().filter(|entry| entry.status == PlanStatus::Completed).count();
    let mut head = Line::of("Plan", "AgorTitle");
    if !plan.entries.is_empty() {
        head.push(&format!("  {done}/{}", plan.entries.len()), "AgorDim");
    }
    let mut lines = vec![head];
    lines.extend(plan.entries.iter().map(|entry| {
        let (icon, group) = match entry.status {
            PlanStatus::Pending => (icons.step_pending(), "AgorPlanPending"),
            PlanStatus::InProgress => (icons.step_active(), "AgorPlanActive"),
            PlanStatus::Completed => (icons.step_done(), "AgorPlanDone"),
        };
        Line::of(format!("  {icon} {}", one_line(&entry.text, 500, icons.ellipsis())), group)
    }));
    lines
}

/// The beginning of what a subagent says, in rows of their own.
fn words(text: &str, indent: &str, scene: Scene) -> Vec<Line> {
    let text = text.trim();
    let room = if scene.width == 0 { 200 } else { scene.width.saturating_sub(indent.len()).max(16) };
    let mut rows = text.split('\n').filter(|row| !row.trim().is_empty());
    let row = |text: &str| Line::of(format!("{indent}{}", fit::start(text, room, scene.icons)), "AgorThinking");
    let mut lines: Vec<Line> = rows.by_ref().take(WORDS_PREVIEW).map(row).collect();
    let rest = rows.count();
    if rest > 0 {
        lines.push(count(rest, " more", indent, scene.icons));
    }
    lines
}

/// A line of ours below a subagent's call.
fn indented(line: Line, depth: usize) -> Line {
    if depth == 0 {
        return line;
    }
    let mut out = Line::plain(tool::indent(depth));
    out.append(line);
    out
}

/// What an unknown message calls itself: each protocol has a word of its own for that.
fn kind_of(message: &serde_json::Value) -> &str {
    let names = ["type", "sessionUpdate", "method"];
    names.iter().find_map(|name| message.get(name)?.as_str()).unwrap_or("without a type")
}

fn thinking(entry: &Entry, scene: Scene) -> Line {
    let until = if entry.open { scene.now } else { entry.ended_at };
    let span = until.saturating_sub(entry.started_at).max(0);
    let text = match entry.open {
        true if span >= LONG => format!("Thinking for {}", duration(span / 1000)),
        true => "Thinking".to_owned(),
        false if span >= 1000 => format!("Thought for {}", duration(span / 1000)),
        false => "Thought".to_owned(),
    };
    Line::of(format!("{} {text}", scene.icons.thinking()), "AgorThinking")
}

fn quiet(message: &str, group: &'static str, icons: Icons) -> Vec<Line> {
    let mut lines = split_lines(message.trim_end());
    let first = lines.next().unwrap_or("");
    let mut out = vec![Line::of(format!("{} {first}", icons.dot()), group)];
    out.extend(lines.take(UNFOLDED).map(|text| Line::of(format!("  {text}"), group)));
    out
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
