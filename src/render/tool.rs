//! A tool call: one line with its state, then what it changed or a preview of what it said.

use super::{
    around::Around,
    diff,
    line::{Anchor, Icons, Line, one_line, split_lines},
};
use crate::{
    domain::{ToolCall, ToolKind},
    transcript::{Entry, Tool, ToolState},
};

/// Lines of output shown while folded.
const PREVIEW: usize = 5;
/// Plans and subagents' reports are written to be read; a command of the user's own was run for it.
const REPORT_PREVIEW: usize = 16;
/// Lines of a diff shown while folded.
const DIFF_PREVIEW: usize = 16;
/// An unfolded output is cut here, in lines: `K` and the export have all of it.
const UNFOLDED: usize = 5_000;

pub(super) fn lines(entry: &Entry, tool: &Tool, around: &Around, expanded: bool, icons: Icons) -> Vec<Line> {
    let indent = if entry.parent.is_some() { "    " } else { "  " };
    let mut out = vec![head(entry, tool, icons)];
    if expanded {
        push_input(&mut out, &tool.call, indent);
    }
    for file in &tool.diff {
        let title = tool.call.title.trim();
        let named = title.contains(&file.path) || !title.is_empty() && file.path.ends_with(title);
        if tool.diff.len() > 1 || !named {
            out.push(Line::of(format!("{indent}{}", file.path), "AgorPath"));
        }
        let lines = diff::hunk_lines(file, indent, icons);
        let limit = if expanded { UNFOLDED } else { DIFF_PREVIEW };
        push_limited(&mut out, lines.into_iter(), |line| line, limit, indent, icons);
    }
    // What an edit says beside its diff is noise, unless it failed.
    let told = around.told && tool.state != ToolState::Failed;
    if (tool.diff.is_empty() && !told || tool.state == ToolState::Failed || expanded) && !tool.output.trim().is_empty()
    {
        let group = if tool.state == ToolState::Failed { "AgorError" } else { "AgorOutput" };
        let bar = icons.bar();
        let line = |text: &str| {
            let mut line = Line::default();
            line.push(&format!("{indent}{bar} "), "AgorDim").push(text, group);
            line
        };
        // Reading is what agents do all day: its output is one fold away.
        let quiet = matches!(tool.call.kind, ToolKind::Read | ToolKind::Search) && tool.state == ToolState::Done;
        let limit = if expanded {
            UNFOLDED
        } else if quiet {
            0
        } else if tool.call.kind == ToolKind::Think || tool.call.name == ToolCall::BY_USER {
            REPORT_PREVIEW
        } else {
            PREVIEW
        };
        push_limited(&mut out, split_lines(tool.output.trim_end()), line, limit, indent, icons);
    }
    out
}

fn head(entry: &Entry, tool: &Tool, icons: Icons) -> Line {
    let mut line = Line::default();
    if entry.parent.is_some() {
        line.push("  ", "");
    }
    let (icon, group) = match tool.state {
        ToolState::Running => (icons.running(), "AgorToolRunning"),
        ToolState::Done => (icons.done(), "AgorToolDone"),
        ToolState::Failed => (icons.failed(), "AgorToolFailed"),
        // Nothing went wrong: it is as the user wanted it.
        ToolState::Refused | ToolState::Cancelled => (icons.failed(), "AgorDim"),
    };
    line.push(icon, group).push(" ", "").push(&one_line(&tool.call.name, 60, icons.ellipsis()), "AgorToolName");
    let title = one_line(&tool.call.title, 200, icons.ellipsis());
    if !title.is_empty() && title != tool.call.name {
        // As it was typed.
        let space = if tool.call.name == ToolCall::BY_USER { " " } else { "  " };
        line.push(space, "").push(&title, "AgorTool");
    }
    diff::push_counts(&mut line, &tool.diff, icons);
    match tool.state {
        ToolState::Running => line.push("  running", "AgorDim"),
        ToolState::Failed => line.push("  failed", "AgorToolFailed"),
        ToolState::Refused => line.push("  refused", "AgorDim"),
        ToolState::Cancelled => line.push("  cancelled", "AgorDim"),
        ToolState::Done => &mut line,
    };
    line.anchored(Anchor::Tool)
}

fn push_input(out: &mut Vec<Line>, call: &ToolCall, indent: &str) {
    let Some(fields) = call.input.as_object() else { return };
    for (key, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut pieces = split_lines(&text);
        let mut line = Line::default();
        line.push(&format!("{indent}{key}: "), "AgorDim").push(pieces.next().unwrap_or(""), "AgorOutput");
        out.push(line);
        for text in pieces.take(UNFOLDED) {
            out.push(Line::of(format!("{indent}  {text}"), "AgorOutput"));
        }
    }
}

/// As many lines as may be, then how many are left: those are only counted, for a command may have printed millions and
/// print on.
pub(super) fn push_limited<T>(
    out: &mut Vec<Line>,
    mut lines: impl Iterator<Item = T>,
    line: impl FnMut(T) -> Line,
    limit: usize,
    indent: &str,
    icons: Icons,
) {
    out.extend(lines.by_ref().take(limit).map(line));
    let rest = lines.count();
    let more = if limit == 0 { "" } else { " more" };
    let plural = if rest == 1 { "line" } else { "lines" };
    if rest > 0 {
        out.push(Line::of(format!("{indent}{} {rest}{more} {plural}", icons.ellipsis()), "AgorDim"));
    }
}
