//! A transcript as Markdown, with the agent's own text.

use std::fmt::Write;

use crate::{
    domain::{PlanStatus, Prompt},
    transcript::{Body, Transcript},
};

pub fn to_markdown(transcript: &Transcript) -> String {
    let mut out = String::new();
    for entry in transcript.entries() {
        let piece = piece(&entry.body);
        if piece.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&piece);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

pub(super) fn piece(body: &Body) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match body {
        Body::Prompt(Prompt { text, context, images, steered }) => {
            let when = if *steered { ", given while the agent worked" } else { "" };
            let mut result = writeln!(out, "## Prompt{when}\n\n{text}");
            for piece in context {
                let fence = fence(&piece.text);
                let (label, filetype, text) = (piece.label(), &piece.filetype, piece.text.trim_end_matches('\n'));
                result = writeln!(out, "\n`{label}`\n\n{fence}{filetype}\n{text}\n{fence}");
            }
            for image in images {
                result = writeln!(out, "\n![image]({})", image.path);
            }
            result
        }
        Body::Text(text) => write!(out, "{text}"),
        Body::Thinking(text) if text.trim().is_empty() => Ok(()),
        Body::Thinking(text) => writeln!(out, "<details><summary>Thinking</summary>\n\n{text}\n\n</details>"),
        Body::Tool(tool) => {
            let mut result = writeln!(out, "**{}** {}", tool.call.name, tool.call.title.replace('\n', " "));
            for file in &tool.diff {
                let lines: Vec<&str> =
                    file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| line.trim_end_matches('\n')).collect();
                let text = lines.join("\n");
                let fence = fence(&text);
                result = writeln!(out, "\n`{}`\n\n{fence}diff\n{text}\n{fence}", file.path);
            }
            if !tool.output.is_empty() {
                let fence = fence(&tool.output);
                result = writeln!(out, "\n{fence}\n{}\n{fence}", tool.output.trim_end_matches('\n'));
            }
            result
        }
        Body::Plan(plan) => {
            let mut result = Ok(());
            for entry in &plan.entries {
                let mark = if entry.status == PlanStatus::Completed { "x" } else { " " };
                result = writeln!(out, "- [{mark}] {}", entry.text);
            }
            result
        }
        Body::Permission { outcome: Some(outcome), .. } => writeln!(out, "> {outcome}"),
        Body::Question { questions, outcome, .. } => {
            for question in questions {
                let _ = writeln!(out, "> {}", question.text);
            }
            outcome.as_ref().map_or(Ok(()), |outcome| writeln!(out, ">\n> {outcome}"))
        }
        Body::Status { message, .. } => writeln!(out, "_{message}_"),
        Body::Error(message) => writeln!(out, "**Error**: {message}"),
        Body::Permission { outcome: None, .. }
        | Body::Compaction(_)
        | Body::Cost(_)
        | Body::Unknown(_)
        | Body::Withdrawn => Ok(()),
    };
    out
}

fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentMessage, Content};

    #[test]
    fn the_agent_s_text_is_exact() {
        let mut transcript = Transcript::default();
        let said = "A ```fence``` and\n\ttabs ä\u{202e}";
        for (id, content) in [("1", Content::Prompt(Prompt::new("go"))), ("2", Content::Text { text: said.into() })] {
            transcript.fold(AgentMessage { id: id.into(), parent_id: None, timestamp: 0, part: false, content });
        }
        assert_eq!(to_markdown(&transcript), format!("## Prompt\n\ngo\n\n{said}\n"));
    }
}
