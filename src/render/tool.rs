//! A tool call: one line with its state, then what it changed or a preview of what it said.

use super::{
    around::Around,
    code::{file_of, numbered},
    diff,
    figures::duration,
    fit,
    line::{Anchor, Code, Line, Mark, Part, SOFT_SPLIT, Source, one_line, split_lines},
    scene::{Icons, Scene},
};
use crate::{
    domain::{FileDiff, ToolCall, ToolKind, ToolResult},
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
/// Of a title, in characters, where it has all the room that it wants.
const TITLE: usize = 2_000;
/// Where no window's width is known, and the least that a title gets in a narrow one: below that it may wrap.
const WIDTH: usize = 200;
const TITLE_ROOM: usize = 8;
/// Milliseconds after which it is said how long something has run, and how long it took.
const LONG: i64 = 3_000;
const TOOK_LONG: i64 = 10_000;

pub(super) fn lines(entry: &Entry, tool: &Tool, around: &Around, expanded: bool, scene: Scene) -> Vec<Line> {
    let icons = scene.icons;
    let indent = indent(around.depth + 1);
    let mut out = vec![head(entry, tool, around, expanded, scene)];
    if expanded {
        push_input(&mut out, &tool.call, &indent);
    }
    for (index, file) in tool.diff.iter().enumerate() {
        if tool.diff.len() > 1 || !is_named(&tool.call, file) {
            out.push(file_line(file, index, &indent, tool.diff.len() > 1, icons));
        }
        let lines = diff::hunk_lines(file, Some(index), &indent, icons).into_iter();
        let limit = if expanded { UNFOLDED } else { DIFF_PREVIEW };
        push_limited(&mut out, lines, |line| line, limit, &indent, icons);
    }
    if says_something(tool, around, expanded) {
        push_output(&mut out, tool, &indent, expanded, scene);
    }
    out
}

pub(super) fn indent(depth: usize) -> String {
    // Deeper than this nobody counts any more, and a narrow window has no room.
    "  ".repeat(depth.min(4))
}

/// Whether its title names the file that it changed.
fn is_named(call: &ToolCall, file: &FileDiff) -> bool {
    let title = call.title.trim();
    title.contains(&file.path) || !title.is_empty() && file.path.ends_with(title)
}

pub(super) fn file_line(file: &FileDiff, index: usize, indent: &str, counted: bool, icons: Icons) -> Line {
    let mut line = Line::of(format!("{indent}{}", shown_path(&file.path, icons)), "AgorPath");
    if counted {
        diff::push_counts(&mut line, std::slice::from_ref(file), icons);
    }
    if let Some(word) = diff::fate(file) {
        line.push(&format!("  {word}"), "AgorDim");
    }
    line.source = Some(Source { file: index, line: 0 });
    line
}

/// The arrow of a rename is ours.
fn shown_path(path: &str, icons: Icons) -> String {
    match icons {
        Icons::Ascii => path.replace(diff::RENAMED, " -> "),
        _ => path.to_owned(),
    }
}

/// Whether its output is worth a line: what an edit says beside its diff is noise, unless it failed, and that the user did
/// not want it stands in the head.
fn says_something(tool: &Tool, around: &Around, expanded: bool) -> bool {
    let output = tool.output.trim();
    let failed = tool.state == ToolState::Failed;
    let stopped = matches!(tool.state, ToolState::Refused | ToolState::Cancelled)
        && [ToolResult::NOT_WANTED, ToolResult::CUT_SHORT].contains(&output);
    !output.is_empty() && (expanded || failed || tool.diff.is_empty() && !around.told && !stopped)
}

fn head(entry: &Entry, tool: &Tool, around: &Around, expanded: bool, scene: Scene) -> Line {
    let icons = scene.icons;
    let waits = tool.asked && entry.open;
    let (icon, group) = match tool.state {
        ToolState::Running if waits => (icons.pending(), "AgorQuestion"),
        ToolState::Running if !entry.open => (icons.pending(), "AgorDim"),
        ToolState::Running => (icons.running(), "AgorToolRunning"),
        ToolState::Done => (icons.done(), "AgorToolDone"),
        ToolState::Failed => (icons.failed(), "AgorToolFailed"),
        // Nothing went wrong: it is as the user wanted it.
        ToolState::Refused | ToolState::Cancelled => (icons.failed(), "AgorDim"),
    };
    let mut line = Line::default();
    line.push(&indent(around.depth), "").push(icon, group).push(" ", "");
    let (name, title) = name_and_title(&tool.call);
    line.push(&one_line(name, 60, icons.ellipsis()), "AgorToolName");
    // What stands behind the title is never to be on a row of its own: the title makes room for it.
    let mut tail = Line::default();
    diff::push_counts(&mut tail, &tool.diff, icons);
    if let [file] = tool.diff.as_slice()
        && let Some(word) = diff::fate(file).filter(|_| is_named(&tool.call, file))
    {
        tail.push(&format!("  {word}"), "AgorDim");
    }
    if tool.calls > 0 {
        let plural = if tool.calls == 1 { "call" } else { "calls" };
        tail.push(&format!("  {} tool {plural}", tool.calls), "AgorDim");
    }
    let (words, group) = status(entry, tool, scene);
    if !words.is_empty() {
        tail.push(&format!("  {words}"), group);
    }
    let title = one_line(title, TITLE, icons.ellipsis());
    if !title.is_empty() && title != name {
        // As it was typed.
        let space = if tool.call.name == ToolCall::BY_USER { " " } else { "  " };
        let width = if scene.width == 0 { WIDTH } else { scene.width };
        let taken = fit::cells(&line.text) + space.len() + fit::cells(&tail.text);
        let room = width.saturating_sub(taken).max(TITLE_ROOM);
        let of_file = matches!(tool.call.kind, ToolKind::Read | ToolKind::Edit | ToolKind::Delete | ToolKind::Move);
        let title = match (expanded, of_file && !title.contains(' ')) {
            (true, _) => title.as_str().into(),
            (false, true) => fit::path(&title, room, icons),
            (false, false) => fit::start(&title, room, icons),
        };
        line.push(space, "").push(&title, "AgorTool");
    }
    line.append(tail);
    line.anchored(Anchor::Tool)
}

/// A title that says a long name again, as people say it, stands for it: `mcp__db__ask` and `db ask: select 1`.
fn name_and_title(call: &ToolCall) -> (&str, &str) {
    fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    }
    let (said, rest) = call.title.split_once(": ").unwrap_or((&call.title, ""));
    let mut name = words(&call.name).rev();
    let again = words(said).next().is_some() && words(said).rev().all(|word| name.next() == Some(word));
    if again { (said, rest) } else { (&call.name, &call.title) }
}

/// What has become of it, in words.
fn status(entry: &Entry, tool: &Tool, Scene { icons, now, .. }: Scene) -> (String, &'static str) {
    // What it has run: not what it has waited for the user.
    let span = |until: i64| until.saturating_sub(entry.started_at).saturating_sub(tool.waited.until(until)).max(0);
    match tool.state {
        // In a journal that ends there.
        ToolState::Running if !entry.open => ("no result".to_owned(), "AgorDim"),
        ToolState::Running if tool.asked => ("waiting for you".to_owned(), "AgorQuestion"),
        ToolState::Running if span(now) >= LONG => (format!("running {}", duration(span(now) / 1000)), "AgorDim"),
        ToolState::Running => ("running".to_owned(), "AgorDim"),
        ToolState::Done => {
            // Where a sign is no more than a letter, the word says it.
            let word = (icons == Icons::Ascii).then(|| "done".to_owned());
            let took = (span(entry.ended_at) >= TOOK_LONG).then(|| duration(span(entry.ended_at) / 1000));
            (word.into_iter().chain(took).collect::<Vec<_>>().join(", "), "AgorDim")
        }
        ToolState::Failed => match tool.exit_code() {
            Some(code) => (format!("failed, exit {code}"), "AgorToolFailed"),
            None => ("failed".to_owned(), "AgorToolFailed"),
        },
        ToolState::Refused => ("refused".to_owned(), "AgorDim"),
        ToolState::Cancelled => ("cancelled".to_owned(), "AgorDim"),
    }
}

fn push_output(out: &mut Vec<Line>, tool: &Tool, indent: &str, expanded: bool, scene: Scene) {
    let icons = scene.icons;
    let mut text = tool.output.trim_end();
    if !expanded && tool.state == ToolState::Failed {
        text = without_exit_code(tool, text);
        if text.is_empty() {
            return;
        }
    }
    let command = tool.call.kind == ToolKind::Execute;
    // A command says most of what it has to say on its way to failing; the head tells that it failed.
    let group = if tool.state == ToolState::Failed && !command { "AgorError" } else { "AgorOutput" };
    let bar = format!("{indent}{} ", icons.bar());
    let line = |text: &str| {
        let mut line = Line::default();
        line.push(&bar, "AgorDim").push(text, group);
        line
    };
    if expanded {
        let part = code_of(tool, text);
        let mut next = 0;
        let whole = |text: &str| {
            let printed = fit::printed(text);
            let mut line = line(&printed);
            // Its colours are those of the text as it was read.
            line.code = part.filter(|_| printed == text).map(|part| Code { part, line: next, column: bar.len() });
            if line.code.is_some() {
                line.marks.truncate(1);
                // The numbers before it are the agent's, and are not what one reads.
                let number = numbered(&printed);
                if number > 0 {
                    line.marks.push(Mark::colour(bar.len(), bar.len() + number, group));
                }
            }
            next += 1;
            line
        };
        return push_limited(out, split_lines(text), whole, UNFOLDED, indent, icons);
    }
    // One row each.
    let room = if scene.width == 0 { WIDTH } else { scene.width };
    // What went wrong is read more often than not.
    let rows = if tool.state == ToolState::Failed && !command { 3 } else { 1 };
    let room = room.saturating_sub(fit::cells(&bar)).max(TITLE_ROOM) * rows;
    let cut = |text: &str| line(&fit::start(&fit::printed(text), room, icons));
    let total = tool.line_ends + 1 - tool.output[text.len()..].matches('\n').count();
    // Reading is what agents do all day: its output is one fold away.
    let quiet = matches!(tool.call.kind, ToolKind::Read | ToolKind::Search) && tool.state == ToolState::Done;
    let limit = if quiet {
        0
    } else if tool.call.kind == ToolKind::Think || tool.call.name == ToolCall::BY_USER {
        REPORT_PREVIEW
    } else {
        PREVIEW
    };
    let rest = total.saturating_sub(limit);
    // A command's end says what came of it.
    if command {
        if rest > 0 {
            out.push(count(rest, if limit == 0 { "" } else { " earlier" }, indent, icons));
        }
        let mut last: Vec<Line> = text.rsplit('\n').take(limit).map(cut).collect();
        last.reverse();
        out.append(&mut last);
    } else {
        out.extend(text.split('\n').take(limit).map(cut));
        if rest > 0 {
            out.push(count(rest, if limit == 0 { "" } else { " more" }, indent, icons));
        }
    }
}

/// What was read of a file is code, as long as its lines are the file's.
fn code_of(tool: &Tool, text: &str) -> Option<Part> {
    let read = tool.call.kind == ToolKind::Read && tool.state == ToolState::Done;
    let short = text.split('\n').all(|line| line.len() <= SOFT_SPLIT);
    (read && short && file_of(&tool.call).is_some()).then_some(Part::Output { length: tool.output.len() })
}

/// What stands above the line that tells the code, or below it, which the head has told.
fn without_exit_code<'a>(tool: &Tool, text: &'a str) -> &'a str {
    if let Some(below) = text.strip_prefix(&format!("Exit code {}", tool.exit_code().unwrap_or(0))) {
        return below.trim_start_matches('\n');
    }
    let (above, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let told = last.starts_with(ToolResult::EXIT_CODE) && tool.exit_code().is_some();
    if told { above.trim_end() } else { text }
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

/// As many lines as may be, then how many are left.
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
    if rest > 0 {
        out.push(count(rest, if limit == 0 { "" } else { " more" }, indent, icons));
    }
}

/// `… 7 more lines`.
pub(super) fn count(rest: usize, which: &str, indent: &str, icons: Icons) -> Line {
    let plural = if rest == 1 { "line" } else { "lines" };
    Line::of(format!("{indent}{} {rest}{which} {plural}", icons.ellipsis()), "AgorDim")
}

#[cfg(test)]
#[path = "tool_tests.rs"]
mod tests;
