//! A transcript as Markdown, with the agent's own text: a part at a time, since it may be longer than what a copy of it has
//! room for, and since whoever has the transcript has other things to do.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use crate::{
    domain::{Context, PlanStatus, Prompt},
    transcript::{Body, Entry, EntryId, Tool, Transcript},
};

/// Where a part of an export begins. The default is the beginning of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPlace {
    /// The entry that is being written, and how many bytes of its Markdown were.
    entry: Option<(EntryId, usize)>,
    /// The fence around that entry's output, which is not to become another in the middle.
    fence: Option<String>,
    /// The last entry of all: what was said after the first part was written is not in it.
    last: Option<EntryId>,
    /// Something was written.
    begun: bool,
}

/// A part of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPart {
    pub text: String,
    /// Where the next one begins; `None` at the end.
    pub next: Option<ExportPlace>,
}

/// All of it.
pub fn to_markdown(transcript: &Transcript) -> String {
    export(transcript, ExportPlace::default(), usize::MAX).text
}

/// About `most` bytes from a place on, and at least some.
pub fn export(transcript: &Transcript, place: ExportPlace, most: usize) -> ExportPart {
    let entries = transcript.entries();
    let last = place.last.or_else(|| entries.iter().map(|entry| entry.id).max());
    let (first, mut done) = match place.entry {
        // Entries may have come to stand above it.
        Some((id, done)) => (transcript.position(id).unwrap_or(entries.len()), done),
        None => (0, 0),
    };
    let mut text = String::new();
    let mut begun = place.begun;
    let mut fence = place.fence;
    for entry in entries.iter().skip(first).filter(|entry| Some(entry.id) <= last) {
        let fence = fence.take().or_else(|| fence_of_output(entry));
        let pieces = pieces(&entry.body, fence.as_deref());
        let Some(end) = pieces.iter().rev().find(|piece| !piece.is_empty()).map(|piece| piece.ends_with('\n')) else {
            continue;
        };
        let place = |done, fence, begun| Some(ExportPlace { entry: Some((entry.id, done)), fence, last, begun });
        if text.len() >= most {
            return ExportPart { text, next: place(done, fence, begun) };
        }
        if done == 0 && begun {
            text.push('\n');
        }
        begun = true;
        let mut skipped = done;
        for piece in &pieces {
            let from = boundary(piece, skipped);
            skipped -= from.min(skipped);
            let to = boundary(piece, from.saturating_add(most.saturating_sub(text.len()).max(1)));
            text.push_str(&piece[from..to]);
            done += to - from;
            if to < piece.len() {
                return ExportPart { text, next: place(done, fence, begun) };
            }
        }
        if !end {
            text.push('\n');
        }
        done = 0;
    }
    ExportPart { text, next: None }
}

/// The first place from there on where a text can be cut.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// An entry that is not long.
pub(super) fn piece(body: &Body) -> String {
    pieces(body, None).concat()
}

fn fence_of_output(entry: &Entry) -> Option<String> {
    match &entry.body {
        Body::Tool(tool) if !tool.output.is_empty() => Some(fence(&tool.output)),
        _ => None,
    }
}

/// An entry's Markdown; what may be long is not copied. The fence is that of an output, where it is known.
fn pieces<'a>(body: &'a Body, fence: Option<&str>) -> Vec<Cow<'a, str>> {
    match body {
        Body::Text(text) => vec![text.into()],
        Body::Thinking(text) if text.trim().is_empty() => Vec::new(),
        Body::Thinking(text) => {
            vec!["<details><summary>Thinking</summary>\n\n".into(), text.into(), "\n\n</details>\n".into()]
        }
        Body::Tool(tool) => of_tool(tool, fence),
        Body::Prompt(prompt) => of_prompt(prompt),
        other => {
            let mut out = String::new();
            // Writing to a String cannot fail.
            let _ = write_short(other, &mut out);
            vec![out.into()]
        }
    }
}

fn of_prompt(Prompt { text, context, images, steered }: &Prompt) -> Vec<Cow<'_, str>> {
    let when = if *steered { ", given while the agent worked" } else { "" };
    let mut pieces: Vec<Cow<str>> = vec![format!("## Prompt{when}\n\n").into(), text.into(), "\n".into()];
    for piece in context {
        let Context { filetype, text, .. } = piece;
        let fence = fence(text);
        pieces.push(format!("\n`{}`\n\n{fence}{filetype}\n", piece.label()).into());
        pieces.push(text.trim_end_matches('\n').into());
        pieces.push(format!("\n{fence}\n").into());
    }
    pieces.extend(images.iter().map(|image| format!("\n![image]({})\n", image.path).into()));
    pieces
}

fn of_tool<'a>(tool: &'a Tool, known: Option<&str>) -> Vec<Cow<'a, str>> {
    let mut pieces: Vec<Cow<str>> =
        vec![format!("**{}** {}\n", tool.call.name, tool.call.title.replace('\n', " ")).into()];
    for file in &tool.diff {
        let lines: Vec<&str> =
            file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| line.trim_end_matches('\n')).collect();
        let text = lines.join("\n");
        let fence = fence(&text);
        pieces.push(format!("\n`{}`\n\n{fence}diff\n{text}\n{fence}\n", file.path).into());
    }
    if !tool.output.is_empty() {
        let fence = known.map_or_else(|| fence(&tool.output), str::to_owned);
        pieces.push(format!("\n{fence}\n").into());
        pieces.push(tool.output.trim_end_matches('\n').into());
        pieces.push(format!("\n{fence}\n").into());
    }
    pieces
}

fn write_short(body: &Body, out: &mut String) -> fmt::Result {
    match body {
        Body::Plan(plan) => {
            for entry in &plan.entries {
                let mark = if entry.status == PlanStatus::Completed { "x" } else { " " };
                writeln!(out, "- [{mark}] {}", entry.text)?;
            }
            Ok(())
        }
        // No call stands above that says what it is about.
        Body::Permission { tool_use_id: None, tool, outcome: Some(outcome), .. } if !tool.is_empty() => {
            writeln!(out, "> {tool}: {outcome}")
        }
        Body::Permission { outcome: Some(outcome), .. } => writeln!(out, "> {outcome}"),
        Body::Question { questions, outcome, .. } => {
            for question in questions {
                writeln!(out, "> {}", question.text)?;
            }
            outcome.as_ref().map_or(Ok(()), |outcome| writeln!(out, ">\n> {outcome}"))
        }
        Body::Status { message, .. } => writeln!(out, "_{message}_"),
        Body::Error(message) => writeln!(out, "**Error**: {message}"),
        Body::Prompt(_)
        | Body::Text(_)
        | Body::Thinking(_)
        | Body::Tool(_)
        | Body::Permission { outcome: None, .. }
        | Body::Compaction(_)
        | Body::Cost(_)
        | Body::Unknown(_)
        | Body::Withdrawn => Ok(()),
    }
}

fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentMessage, Content, ToolCall, ToolKind, ToolResult, ToolUseId};

    fn say(transcript: &mut Transcript, id: &str, part: bool, content: Content) {
        transcript.fold(AgentMessage { id: id.into(), parent_id: None, timestamp: 0, part, content });
    }

    fn text(text: &str) -> Content {
        Content::Text { text: text.into() }
    }

    fn output(output: &str) -> Content {
        Content::ToolResult(ToolResult {
            tool_use_id: ToolUseId::from("t"),
            output: output.into(),
            ..ToolResult::default()
        })
    }

    /// With a call that goes on printing.
    fn conversation() -> Transcript {
        let mut transcript = Transcript::default();
        say(&mut transcript, "1", false, Content::Prompt(Prompt::new("gö")));
        say(&mut transcript, "2", false, text("A ```fence``` and\n\ttabs ä\u{202e}"));
        let call = ToolCall {
            tool_use_id: "t".into(),
            name: "Bash".into(),
            kind: ToolKind::Execute,
            input: serde_json::Value::Null,
            title: "ls".into(),
            locations: Vec::new(),
        };
        say(&mut transcript, "t", false, Content::ToolCall(call));
        say(&mut transcript, "r", true, output("ä\n```\nb\n"));
        say(&mut transcript, "3", false, Content::Thinking { text: "hm".into() });
        say(&mut transcript, "4", true, text("日本\n"));
        transcript
    }

    const EXPECT: &str = "## Prompt\n\ngö\n\nA ```fence``` and\n\ttabs ä\u{202e}\n\n**Bash** ls\n\n````\nä\n```\nb\n````\n\n\
                          <details><summary>Thinking</summary>\n\nhm\n\n</details>\n\n日本\n";

    /// In parts of so many bytes; `between` changes the transcript after each.
    fn in_parts(transcript: &mut Transcript, most: usize, mut between: impl FnMut(&mut Transcript)) -> String {
        let (mut all, mut place) = (String::new(), ExportPlace::default());
        loop {
            let part = export(transcript, place, most);
            // A character may be over, and the ends of lines that belong to no entry.
            assert!(part.text.len() <= most + 8, "{} bytes instead of {most}", part.text.len());
            all.push_str(&part.text);
            match part.next {
                Some(next) => place = next,
                None => return all,
            }
            between(transcript);
        }
    }

    #[test]
    fn the_agent_s_text_is_exact() {
        assert_eq!(to_markdown(&conversation()), EXPECT);
    }

    #[test]
    fn it_is_the_same_in_parts_of_any_size() {
        for most in 1..EXPECT.len() + 2 {
            assert_eq!(in_parts(&mut conversation(), most, |_| {}), EXPECT, "in parts of {most}");
        }
    }

    #[test]
    fn what_is_said_meanwhile_is_in_it_only_where_it_goes_on() {
        let mut count = 0;
        let found = in_parts(&mut conversation(), 4, |transcript| {
            count += 1;
            say(transcript, &format!("later {count}"), false, text("later"));
            if count == 1 {
                // Into the call's output, with what would want another fence than the one that was written.
                say(transcript, "r", true, output("`````\n"));
                say(transcript, "4", true, text("and on"));
            }
        });
        assert_eq!(
            found,
            EXPECT
                .replace("b\n````", "b\n`````\n``````")
                .replace("````\nä", "``````\nä")
                .replace("日本\n", "日本\nand on\n")
        );
    }

    #[test]
    fn a_fence_that_was_begun_is_ended_as_it_began() {
        let mut transcript = conversation();
        let begun = EXPECT.find("ä\n```").expect("the output");
        let first = export(&transcript, ExportPlace::default(), begun + 1);
        say(&mut transcript, "r", true, output("`````\n"));
        let rest = export(&transcript, first.next.expect("there is more"), usize::MAX);
        assert_eq!(first.text + &rest.text, EXPECT.replace("b\n````", "b\n`````\n````"));
    }
}
