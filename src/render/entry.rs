//! One entry's lines. A text that may be long or still grow gives its head only; the view lets it flow.

use super::{
    around::Around,
    flow::{Layout, Style},
    line::{Anchor, Icons, Line, one_line, split_lines},
    tool,
};
use crate::{
    domain::{Cost, PlanStatus, Prompt},
    transcript::{Body, Entry},
};

/// Lines of a prompt shown while folded; people paste logs of megabytes.
const PROMPT_PREVIEW: usize = 12;
/// Lines of a status message shown while folded.
const STATUS_PREVIEW: usize = 3;
const UNFOLDED: usize = 20_000;

/// What a layout depends on beside the transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    pub icons: Icons,
    /// Cells of text in the narrowest window that shows it; 0 if none is known.
    pub width: usize,
    /// Unix milliseconds.
    pub now: i64,
}

pub(super) fn layout(entry: &Entry, around: &Around, expanded: bool, scene: Scene) -> Layout {
    let icons = scene.icons;
    let mut layout = own(entry, around, expanded, icons);
    if let Some(speaker) = around.speaker.as_ref().filter(|_| !layout.lines.is_empty() || layout.flow.is_some()) {
        let arrow = icons.pick("↳", "↳", ">");
        let line = Line::of(format!("  {arrow} {}", one_line(speaker, 200, icons.ellipsis())), "AgorDim");
        layout.lines.insert(0, line);
    }
    layout
}

fn own(entry: &Entry, around: &Around, expanded: bool, icons: Icons) -> Layout {
    let lines = match &entry.body {
        // A subagent's words are not the agent's answer.
        Body::Text(_) => {
            let style = if entry.parent.is_some() { Style::Thought } else { Style::Prose };
            return Layout { lines: Vec::new(), flow: Some(style) };
        }
        Body::Thinking(text) if text.trim().is_empty() => Vec::new(),
        Body::Thinking(_) => {
            let flow = (entry.open || expanded).then_some(Style::Thought);
            return Layout { lines: vec![thinking(entry, icons)], flow };
        }
        Body::Tool(body) => tool::lines(entry, body, around, expanded, icons),
        Body::Prompt(Prompt { text, context, images }) => {
            let mut lines = Vec::new();
            let said = split_lines(text.trim_end_matches('\n')).enumerate();
            let line = |(index, text): (usize, &str)| {
                let mut line = Line::default();
                line.push(if index == 0 { icons.prompt() } else { " " }, "AgorUserMark").push(" ", "");
                line.push(text, "AgorUser");
                line
            };
            tool::push_limited(&mut lines, said, line, if expanded { UNFOLDED } else { PROMPT_PREVIEW }, "  ", icons);
            for piece in context {
                let mut line = Line::of(format!("  {}", piece.label()), "AgorPath");
                if piece.unsaved {
                    line.push(" (unsaved)", "AgorDim");
                }
                lines.push(line);
                if expanded {
                    let text = split_lines(piece.text.trim_end_matches('\n'));
                    lines.extend(text.take(UNFOLDED).map(|text| Line::of(format!("    {text}"), "AgorOutput")));
                }
            }
            lines.extend(images.iter().map(|image| Line::of(format!("  image {}", image.path), "AgorPath")));
            if let Some(first) = lines.first_mut() {
                first.anchor = Some(Anchor::Turn);
            }
            lines
        }
        Body::Permission { request_id, outcome: None, .. } => {
            let mut line = Line::of("? The agent asks for permission", "AgorQuestion");
            line.push("  :Agor permit", "AgorDim");
            vec![line.anchored(Anchor::Question(request_id.clone()))]
        }
        Body::Permission { outcome: Some(outcome), .. } => {
            vec![Line::of(format!("  {} {}", icons.dot(), one_line(outcome, 200, icons.ellipsis())), "AgorDim")]
        }
        Body::Question { request_id, questions, outcome: None } => {
            let asked = questions.first().map_or("", |question| question.text.as_str());
            let mut line = Line::of(format!("? {}", one_line(asked, 200, icons.ellipsis())), "AgorQuestion");
            line.push("  :Agor permit", "AgorDim");
            vec![line.anchored(Anchor::Question(request_id.clone()))]
        }
        Body::Question { questions, outcome: Some(outcome), .. } => {
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
        Body::Plan(plan) => {
            let mut lines = vec![Line::of("Plan", "AgorTitle")];
            lines.extend(plan.entries.iter().map(|entry| {
                let (icon, group) = match entry.status {
                    PlanStatus::Pending => (icons.pending(), "AgorPlanPending"),
                    PlanStatus::InProgress => (icons.active(), "AgorPlanActive"),
                    PlanStatus::Completed => (icons.done(), "AgorPlanDone"),
                };
                Line::of(format!("  {icon} {}", one_line(&entry.text, 500, icons.ellipsis())), group)
            }));
            lines
        }
        Body::Status { message, .. } => {
            let mut lines = quiet(message, "AgorDim", icons);
            // Summaries of compacted conversations are long.
            if !expanded && lines.len() > STATUS_PREVIEW {
                let rest = lines.split_off(STATUS_PREVIEW).len();
                lines.push(Line::of(format!("  {} {rest} more lines", icons.ellipsis()), "AgorDim"));
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

/// What an unknown message calls itself: each protocol has a word of its own for that.
fn kind_of(message: &serde_json::Value) -> &str {
    let names = ["type", "sessionUpdate", "method"];
    names.iter().find_map(|name| message.get(name)?.as_str()).unwrap_or("without a type")
}

fn thinking(entry: &Entry, icons: Icons) -> Line {
    let seconds = (entry.ended_at - entry.started_at).max(0) / 1000;
    let text = match (entry.open, seconds) {
        (true, _) => "Thinking".to_owned(),
        (false, 0) => "Thought".to_owned(),
        (false, seconds) => format!("Thought for {}", duration(seconds)),
    };
    Line::of(format!("{} {text}", icons.thinking()), "AgorThinking")
}

fn quiet(message: &str, group: &'static str, icons: Icons) -> Vec<Line> {
    let mut lines = split_lines(message.trim_end());
    let first = lines.next().unwrap_or("");
    let mut out = vec![Line::of(format!("{} {first}", icons.dot()), group)];
    out.extend(lines.take(UNFOLDED).map(|text| Line::of(format!("  {text}"), group)));
    out
}

fn cost_line(cost: &Cost, icons: Icons) -> Option<Line> {
    let mut parts = Vec::new();
    if let Some(ms) = cost.duration_ms {
        parts.push(if ms < 10_000 { format!("{:.1} s", ms as f64 / 1000.0) } else { duration(ms as i64 / 1000) });
    }
    // The bar has the session's sum.
    if let Some(usd) = cost.turn_cost_usd.or(cost.total_cost_usd).filter(|usd| *usd > 0.0) {
        parts.push(format!("${usd:.4}"));
    }
    // A turn that failed before the model was asked has none.
    let tokens = (cost.input_tokens, cost.output_tokens);
    if let Some(tokens) = tokens.0.filter(|_| tokens != (Some(0), Some(0))) {
        parts.push(format!("{} in", thousands(tokens)));
    }
    if let Some(tokens) = tokens.1.filter(|_| tokens != (Some(0), Some(0))) {
        parts.push(format!("{} out", thousands(tokens)));
    }
    if let Some(tokens) = cost.cache_read_tokens.filter(|tokens| *tokens > 0) {
        parts.push(format!("{} cached", thousands(tokens)));
    }
    (!parts.is_empty()).then(|| {
        let rule = icons.pick("──", "──", "--");
        Line::of(format!("{rule} {}", parts.join(&format!(" {} ", icons.dot()))), "AgorCost")
    })
}

pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(1000), thousands(1234567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([duration(59), duration(61), duration(7300)], ["59 s", "1 min 1 s", "2 h 1 min"]);
    }

    #[test]
    fn an_unknown_message_is_named_in_any_protocol() {
        let named = [
            (serde_json::json!({"type": "a", "method": "x"}), "a"),
            (serde_json::json!({"type": 7, "sessionUpdate": "b"}), "b"),
            (serde_json::json!({"method": "c/d", "params": {"type": "x"}}), "c/d"),
            (serde_json::json!([1]), "without a type"),
        ];
        for (message, name) in named {
            assert_eq!(kind_of(&message), name);
        }
    }

    #[test]
    fn a_cost_without_figures_is_no_line() {
        assert_eq!(cost_line(&Cost::default(), Icons::Ascii), None);
        let cost = Cost {
            total_cost_usd: Some(0.0123),
            duration_ms: Some(1234),
            input_tokens: Some(22275),
            output_tokens: Some(5),
            ..Cost::default()
        };
        assert_eq!(
            cost_line(&cost, Icons::Unicode).map(|line| line.text),
            Some("── 1.2 s · $0.0123 · 22,275 in · 5 out".into())
        );
    }
}
