//! What stands at one row of a view, for the keys that ask: where it leads to, what of it is worth taking, and all of it.
//!
//! Texts are the agent's own, whatever a view has made of them.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::{
    around::around,
    diff::{self, RENAMED},
    entry::{label, layout},
    export, fit,
    line::{Line, Source, split_lines},
    readings::lines_of,
    rows::offset_from,
    scene::{Icons, Scene},
    tool,
    view::Spot,
};
use crate::{
    domain::{FileDiff, Prompt},
    transcript::{Body, Entry, Tool, Transcript},
};

/// A file to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As the agent has it: relative to the session's directory, or absolute.
    pub path: String,
    /// From 1.
    pub line: Option<u64>,
}

/// A text for a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub text: String,
    /// `12 lines of rust`.
    pub what: String,
}

/// The whole of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    pub title: String,
    pub lines: Vec<Line>,
}

pub fn place(transcript: &Transcript, spot: &Spot, scene: Scene) -> Option<Place> {
    let entry = transcript.entries().get(spot.index)?;
    let at = |path: &str, line: u64| {
        let path = path.rsplit(RENAMED).next().unwrap_or(path).to_owned();
        (!path.is_empty()).then_some(Place { path, line: (line > 0).then_some(line) })
    };
    let source = source(transcript, entry, spot, scene);
    match (&entry.body, source) {
        (Body::Tool(tool), Some(Source { file, line })) => {
            let file = tool.diff.get(file)?;
            at(&file.path, if line > 0 { line } else { first_line(file) })
        }
        (Body::Tool(tool), None) if spot.row == 0 => match (tool.diff.first(), tool.call.locations.first()) {
            (Some(file), _) => at(&file.path, first_line(file)),
            (None, Some(location)) => at(&location.path, location.line.unwrap_or(0)),
            (None, None) => None,
        },
        (Body::Prompt(prompt), Some(Source { file, line })) => {
            let piece = prompt.context.get(file).filter(|piece| piece.command.is_empty())?;
            at(&piece.path, line)
        }
        _ => None,
    }
}

fn source(transcript: &Transcript, entry: &Entry, spot: &Spot, scene: Scene) -> Option<Source> {
    let layout = layout(entry, &around(transcript, spot.index), spot.expanded, scene);
    layout.lines.get(spot.row)?.source
}

/// Where the first change of a file is.
fn first_line(file: &FileDiff) -> u64 {
    let Some(hunk) = file.hunks.first().filter(|hunk| hunk.old_start > 0 || hunk.new_start > 0) else { return 0 };
    let above = hunk.lines.iter().take_while(|line| line.starts_with(' ')).count() as u64;
    hunk.new_start.max(1) + above
}

/// Files of a diff are named as they are seen from `cwd`, the session's directory.
pub fn take(transcript: &Transcript, spot: &Spot, scene: Scene, cwd: &str) -> Option<Taken> {
    let entry = transcript.entries().get(spot.index)?;
    let taken = |text: String, what: String| (!text.is_empty()).then_some(Taken { text, what });
    let whole = |text: &str, of: &str| taken(text.to_owned(), format!("{} of {of}", lines(text)));
    match &entry.body {
        Body::Text(text) => {
            let layout = layout(entry, &around(transcript, spot.index), spot.expanded, scene);
            // Of a text whose beginning is not painted there is nothing of ours either.
            let above = if spot.start > 0 { 0 } else { layout.lines.len() };
            let row = spot.row.checked_sub(above).filter(|_| layout.flow.is_some());
            match row.and_then(|row| code_block(text, offset_from(text, spot.start, row))) {
                Some((code, "")) => whole(&code, "code"),
                Some((code, language)) => whole(&code, language),
                None => whole(text, "the message"),
            }
        }
        Body::Thinking(text) => whole(text, "thoughts"),
        Body::Tool(tool) if !tool.diff.is_empty() => whole(&patch(&tool.diff, cwd), "the diff"),
        Body::Tool(tool) if !tool.output.is_empty() => whole(&tool.output, "output"),
        Body::Tool(tool) => whole(&tool.call.title, "the call"),
        Body::Prompt(prompt) => match source(transcript, entry, spot, scene) {
            Some(Source { file, .. }) => {
                let piece = prompt.context.get(file)?;
                whole(&piece.text, &piece.label())
            }
            None => whole(&prompt.text, "the prompt"),
        },
        Body::Status { message, .. } | Body::Error(message) => whole(message, "the message"),
        Body::Unknown(value) => whole(&serde_json::to_string_pretty(value).unwrap_or_default(), "JSON"),
        Body::Plan(_) => whole(&export::piece(&entry.body), "the plan"),
        Body::Permission { .. } | Body::Question { .. } | Body::Compaction(_) | Body::Cost(_) => {
            let layout = layout(entry, &around(transcript, spot.index), true, Scene { width: 0, ..scene });
            let rows: Vec<String> = layout.lines.into_iter().map(|line| line.text).collect();
            whole(&rows.join("\n"), "the transcript")
        }
        Body::Withdrawn => None,
    }
}

/// `1 line`, `12 lines`: a last line's end begins none.
fn lines(text: &str) -> String {
    let count = text.strip_suffix('\n').unwrap_or(text).split('\n').count();
    format!("{count} {}", if count == 1 { "line" } else { "lines" })
}

/// Files' changes as a unified diff that `git apply` takes, as far as their places are known.
fn patch(files: &[FileDiff], cwd: &str) -> String {
    let mut out = String::new();
    for file in files {
        let (old, new) = file.path.split_once(RENAMED).unwrap_or((&file.path, &file.path));
        let name = |side: char, path: &str| {
            let below = path.strip_prefix(cwd).filter(|below| !cwd.is_empty() && below.starts_with('/'));
            format!("{side}/{}", below.unwrap_or(path).trim_start_matches('/'))
        };
        let fate = diff::fate(file);
        let none = || "/dev/null".to_owned();
        let old = if fate == Some("new file") { none() } else { name('a', old) };
        let new = if fate == Some("deleted") { none() } else { name('b', new) };
        out.push_str(&format!("--- {old}\n+++ {new}\n"));
        for hunk in &file.hunks {
            let count = |sign: char| hunk.lines.iter().filter(|line| line.starts_with([' ', sign])).count();
            let (start, other) = (hunk.old_start, hunk.new_start);
            out.push_str(&format!("@@ -{start},{} +{other},{} @@\n", count('-'), count('+')));
            for line in &hunk.lines {
                out.push_str(line.strip_suffix('\n').unwrap_or(line));
                out.push('\n');
            }
        }
    }
    out
}

pub fn detail(transcript: &Transcript, spot: &Spot, scene: Scene) -> Option<Detail> {
    // What is cut to fit a window is whole here.
    let scene = Scene { width: 0, ..scene };
    let entry = transcript.entries().get(spot.index)?;
    let (title, lines) = match &entry.body {
        Body::Text(text) => ("Message".to_owned(), lines_of(text, usize::MAX, scene)),
        Body::Thinking(text) => {
            let head = layout(entry, &around(transcript, spot.index), false, scene).lines;
            let head = head.into_iter().next().map(|line| line.text).unwrap_or_default();
            let text = split_lines(text).map(|text| Line::of(text, "AgorThinking"));
            (head.trim().to_owned(), text.collect())
        }
        Body::Tool(tool) => (tool.call.name.clone(), whole_call(tool, scene.icons)),
        Body::Prompt(prompt) => ("Prompt".to_owned(), whole_prompt(prompt, scene.icons)),
        Body::Unknown(value) => {
            let json = serde_json::to_string_pretty(value).unwrap_or_default();
            ("A message that agor does not know".to_owned(), split_lines(&json).map(Line::plain).collect())
        }
        Body::Withdrawn => return None,
        _ => {
            let lines = layout(entry, &around(transcript, spot.index), true, scene).lines;
            ("Transcript".to_owned(), lines)
        }
    };
    (!lines.is_empty()).then_some(Detail { title, lines })
}

/// Headings over what it was given, what it changed and what it said.
fn whole_call(tool: &Tool, icons: Icons) -> Vec<Line> {
    let mut out = Vec::new();
    let title = tool.call.title.trim_end();
    let fields = tool.call.input.as_object().filter(|fields| !fields.is_empty());
    // The title of a command of several lines is the first one, with a sign that it goes on.
    let first = title.strip_suffix('…').unwrap_or(title);
    let says = |text: &str| text.trim_end() == title || text.split('\n').next().map(str::trim_end) == Some(first);
    let said = fields.is_some_and(|fields| fields.values().filter_map(|value| value.as_str()).any(says));
    if !title.is_empty() && !said {
        out.extend(split_lines(title).map(Line::plain));
    }
    let section = |out: &mut Vec<Line>, name: &str| {
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(Line::of(name, "AgorTitle"));
    };
    // What is short stands together, before what is long.
    let mut long = Vec::new();
    for (name, value) in fields.into_iter().flatten() {
        let text = match value.as_str() {
            Some(text) => text.to_owned(),
            None => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        let mut rows = split_lines(text.trim_end_matches('\n')).map(str::to_owned).collect::<Vec<_>>();
        if rows.len() == 1 && fit::cells(&rows[0]) <= 60 {
            let mut line = Line::of(format!("{name}: "), "AgorDim");
            line.push(&rows.swap_remove(0), "");
            out.push(line);
        } else {
            long.push((name, rows));
        }
    }
    for (name, rows) in long {
        section(&mut out, name);
        out.extend(rows.into_iter().map(Line::plain));
    }
    if fields.is_none() && !tool.call.input.is_null() && tool.call.input != serde_json::json!({}) {
        let json = serde_json::to_string_pretty(&tool.call.input).unwrap_or_default();
        section(&mut out, "input");
        out.extend(split_lines(&json).map(Line::plain));
    }
    for (index, file) in tool.diff.iter().enumerate() {
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(tool::file_line(file, index, "", true, icons));
        out.extend(diff::hunk_lines(file, Some(index), "", icons));
    }
    if !tool.output.trim().is_empty() {
        section(&mut out, "output");
        out.extend(split_lines(tool.output.trim_end_matches('\n')).map(|text| Line::plain(fit::printed(text))));
    }
    out
}

fn whole_prompt(prompt: &Prompt, icons: Icons) -> Vec<Line> {
    let mut out: Vec<Line> = split_lines(prompt.text.trim_end_matches('\n')).map(Line::plain).collect();
    for (file, piece) in prompt.context.iter().enumerate() {
        let mut line = Line::of(label(piece, icons), "AgorPath");
        line.source = Some(Source { file, line: piece.first_line });
        out.extend([Line::default(), line]);
        out.extend(split_lines(piece.text.trim_end_matches('\n')).map(Line::plain));
    }
    for image in &prompt.images {
        out.extend([Line::default(), Line::of(format!("image {}", image.path), "AgorPath")]);
    }
    out
}

/// The code of the block that a row belongs to, without its fence and without what a quote or a list puts before its lines,
/// and the language that it names. `row` is the offset where the row begins.
fn code_block(text: &str, row: usize) -> Option<(String, &str)> {
    let row_end = row + text.get(row..)?.find('\n').unwrap_or(text.len() - row);
    let mut events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_GFM).into_offset_iter();
    let (kind, block) = events.find_map(|(event, range)| match event {
        // A fence may stand further in than its row begins.
        Event::Start(Tag::CodeBlock(kind)) if range.start <= row_end && row < range.end => Some((kind, range)),
        _ => None,
    })?;
    let mut code = String::new();
    let mut end = None;
    for (event, range) in events {
        let Event::Text(_) = event else { break };
        // The parser leaves out the first half of such a line's end.
        if end.is_some_and(|end| text[end..].starts_with("\r\n")) {
            code.push('\r');
        }
        end = Some(range.end);
        code.push_str(&text[range]);
    }
    let language = match kind {
        CodeBlockKind::Fenced(_) => {
            let opening = text[block].lines().next().unwrap_or("").trim_start_matches(['`', '~']).trim_start();
            opening.split([' ', '\t', ',', '{']).next().unwrap_or("")
        }
        CodeBlockKind::Indented => "",
    };
    Some((code, language))
}

#[cfg(test)]
#[path = "under_tests.rs"]
mod tests;
