//! A glance into a conversation: the end of it, or what stands around a hit, as lines with their colours. Bounded,
//! however long the conversation is.

use std::path::PathBuf;

use super::{
    source::{Reader, lines},
    words::Words,
};
use crate::{
    render::{Line, Mark, Scene, preview},
    transcript::Transcript,
};

/// Where to look.
#[derive(Debug)]
pub struct Glance {
    pub path: PathBuf,
    pub reader: Reader,
    /// Where the line of the hit begins.
    pub at: Option<u64>,
    /// What was searched for.
    pub text: String,
    pub scene: Scene,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub lines: Vec<Line>,
    /// Where to look first.
    pub row: usize,
}

const ROWS: usize = 300;
/// Of one row, in bytes.
const LONGEST: usize = 1_000;

/// # Errors
/// A sentence, when the file cannot be read.
pub fn glance(glance: &Glance) -> Result<Preview, String> {
    let read = lines(&glance.path, glance.reader, glance.at)
        .map_err(|error| format!("{} cannot be read: {error}", glance.path.display()))?;
    let mut transcript = Transcript::default();
    let mut hit = None;
    for (begin, line) in read {
        for message in glance.reader.messages(&line) {
            let change = transcript.fold(message);
            if glance.at == Some(begin) {
                hit = change.and_then(|change| Some(transcript.entries().get(change.index)?.id)).or(hit);
            }
        }
    }
    transcript.end();
    let open = hit.and_then(|id| transcript.position(id));
    let (all, begins) = preview(&transcript, glance.scene, open);
    let words = Words::parse(&glance.text);
    let found = |line: &Line| words.as_ref().is_some_and(|words| words.in_text(&line.text).count() > 0);
    let row = match begins {
        Some(begins) => begins + all[begins..].iter().position(found).unwrap_or(0),
        None => all.len().saturating_sub(1),
    };
    let from = row.saturating_sub(if begins.is_some() { ROWS / 2 } else { ROWS - 1 });
    let mut shown: Vec<Line> = all.into_iter().skip(from).take(ROWS).map(shorten).collect();
    if let Some(words) = &words {
        for line in &mut shown {
            let marks = words.places(&line.text).into_iter();
            line.marks.extend(marks.map(|place| Mark::colour(place.start, place.end, "AgorFound")));
        }
    }
    Ok(Preview { lines: shown, row: row - from })
}

fn shorten(mut line: Line) -> Line {
    if line.text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| line.text.is_char_boundary(at)).unwrap_or(0);
        line.text.truncate(end);
        line.marks.retain_mut(|mark| {
            mark.end = mark.end.min(end);
            mark.start < end
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use serde_json::json;

    use super::*;

    fn look(messages: &[serde_json::Value], at: Option<usize>, text: &str) -> Preview {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ndjson");
        let mut file = "{\"agor\":1}\n".to_owned();
        let mut begins = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            begins.push(file.len() as u64);
            let mut message = message.clone();
            message["id"] = json!(format!("m{index}"));
            message["timestamp"] = json!(1);
            writeln!(file, "{message}").expect("a string takes all");
        }
        std::fs::write(&path, file).expect("written");
        let at = at.map(|index| begins[index]);
        glance(&Glance { path, reader: Reader::Journal, at, text: text.to_owned(), scene: Scene::default() })
            .expect("read")
    }

    fn said(text: &str) -> serde_json::Value {
        json!({"type": "text", "content": {"text": text}})
    }

    #[test]
    fn without_a_hit_the_end_is_shown() {
        let messages: Vec<_> = (0..1_000).map(|index| said(&format!("line {index}\n"))).collect();
        let preview = look(&messages, None, "");
        assert_eq!(preview.lines.len(), ROWS);
        assert_eq!((preview.row, preview.lines[preview.row].text.as_str()), (ROWS - 1, "line 999"));
    }

    #[test]
    fn a_hit_is_in_sight_and_its_words_are_marked() {
        let mut messages: Vec<_> = (0..1_000).map(|index| said(&format!("line {index}"))).collect();
        messages[500] = said("one\ntwo\nthe Needle is here");
        let preview = look(&messages, Some(500), "needle");
        let line = &preview.lines[preview.row];
        assert_eq!(line.text, "the Needle is here");
        assert!(line.marks.contains(&Mark::colour(4, 10, "AgorFound")), "{:?}", line.marks);
        assert!(preview.row > 50 && preview.lines.len() > preview.row + 50);
    }

    #[test]
    fn what_was_folded_is_opened_for_a_hit_in_it() {
        let call =
            json!({"tool_use_id": "t", "name": "Bash", "kind": "execute", "title": "ls", "input": {"command": "ls"}});
        let output = (0..100).map(|index| format!("file {index}\n")).collect::<String>();
        let result = json!({"tool_use_id": "t", "output": output});
        let messages =
            [json!({"type": "tool_call", "content": call}), json!({"type": "tool_result", "content": result})];
        let preview = look(&messages, Some(1), "\"file 50\"");
        assert!(preview.lines[preview.row].text.contains("file 50"), "{:?}", preview.lines[preview.row]);
    }
}
