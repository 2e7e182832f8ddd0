//! What has been read of a transcript's texts, so that marks of their rows can be told: shared by all its views.
//!
//! A text is read when somebody first looks at it, a stretch at a time, so that no text waits for the colour of another.
//! What was not looked at for long is forgotten, and read again when it is wanted.

use std::{collections::HashMap, ops::Range};

use super::{
    around::flow_text,
    entry::Scene,
    flow::Style,
    line::{Line, Mark},
    markdown::{Document, Reading},
    rows::Rows,
};
use crate::transcript::Entry;

/// Read at once: some milliseconds at most.
const STEP: usize = 256 * 1024;
/// Texts that are kept, and their bytes.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Readings {
    texts: HashMap<usize, Text>,
    /// Counts lookups: who was looked at last.
    clock: u64,
}

#[derive(Debug)]
struct Text {
    generation: u32,
    document: Document,
    read: usize,
    used: u64,
}

/// What is drawn over one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) marks: Vec<Mark>,
    pub(super) group: Option<&'static str>,
}

impl Readings {
    /// What is drawn over rows of an entry's text, `rows` being their bytes, in order. `None` for those that are not read
    /// yet: more of the text has been by the next call.
    pub(super) fn rows(
        &mut self,
        index: usize,
        entry: &Entry,
        style: Style,
        rows: &[Range<usize>],
        scene: Scene,
    ) -> Vec<Option<Drawing>> {
        let text = flow_text(entry);
        if style == Style::Thought {
            let quiet = |row: &Range<usize>| {
                let marks = if row.is_empty() { Vec::new() } else { vec![Mark::colour(0, row.len(), "AgorThinking")] };
                Some(Drawing { marks, group: None })
            };
            return rows.iter().map(quiet).collect();
        }
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
        let range = first.start..last.end;
        let reading = self.reading(index, entry.generation, text);
        let text = &text[..reading.read];
        let mut drawings: Vec<Option<Drawing>> =
            rows.iter().map(|row| (row.end <= reading.read).then(Drawing::default)).collect();
        if range.start < text.len() {
            let found = reading.document.read(text, range.start..range.end.min(text.len()), scene);
            lay(&mut drawings, rows, text, found);
        }
        drawings
    }

    /// What is drawn over a row of ours.
    pub(super) fn line(&mut self, line: &Line) -> Drawing {
        Drawing { marks: line.marks.clone(), group: line.group }
    }

    fn reading(&mut self, index: usize, generation: u32, text: &str) -> &Text {
        self.clock += 1;
        let used = self.clock;
        self.make_room(index);
        let new = || Text { generation, document: Document::default(), read: 0, used };
        let reading = self.texts.entry(index).or_insert_with(new);
        if reading.generation != generation || reading.read > text.len() {
            *reading = new();
        }
        reading.used = used;
        if reading.read < text.len() {
            let mut end = text.len().min(reading.read + STEP);
            while !text.is_char_boundary(end) {
                end += 1;
            }
            reading.document.advance(&text[..end]);
            reading.read = end;
        }
        reading
    }

    /// Forgets what was not looked at for long, but never the text that is looked at now.
    fn make_room(&mut self, wanted: usize) {
        while self.texts.len() > KEPT || self.texts.values().map(|reading| reading.read).sum::<usize>() > KEPT_BYTES {
            let others = self.texts.iter().filter(|(index, _)| **index != wanted);
            let Some(oldest) = others.min_by_key(|(_, reading)| reading.used).map(|(index, _)| *index) else { return };
            self.texts.remove(&oldest);
        }
    }
}

/// Gives what was found in a text to the rows that show it: a long line is several.
fn lay(drawings: &mut [Option<Drawing>], rows: &[Range<usize>], text: &str, found: Reading) {
    found.marks.into_iter().for_each(|mark| spread(drawings, rows, mark));
    for (line, group) in found.lines {
        let end = text[line..].find('\n').map_or(text.len(), |length| line + length);
        let first = rows.partition_point(|row| row.start < line);
        let inside = rows[first..].iter().take_while(|row| row.start <= end).count();
        drawings[first..first + inside].iter_mut().flatten().for_each(|drawing| drawing.group = Some(group));
    }
}

fn spread(drawings: &mut [Option<Drawing>], rows: &[Range<usize>], mark: Mark) {
    let first = rows.partition_point(|row| row.end < mark.start || row.end == mark.start && row.start < mark.start);
    let mut rest = Some(mark);
    for (row, drawing) in rows.iter().zip(drawings).skip(first) {
        let Some(mark) = rest.take() else { return };
        let (start, end) = (mark.start.max(row.start), mark.end.min(row.end));
        if mark.end > row.end {
            rest = Some(Mark { start: row.end, ..mark.clone() });
        }
        // What is not read yet is not told either.
        if let Some(drawing) = drawing
            && start <= end
        {
            drawing.marks.push(Mark { start: start - row.start, end: end - row.start, ..mark });
        }
    }
}

/// A text at once, up to about so many bytes.
pub(super) fn lines_of(text: &str, most: usize, scene: Scene) -> Vec<Line> {
    let mut rows = Rows::default();
    let mut ranges = Vec::new();
    while let Some((range, open)) = rows.advance(text).filter(|(range, _)| range.start < most) {
        ranges.push(range);
        if open {
            break;
        }
    }
    let end = ranges.last().map_or(0, |range| range.end);
    let mut document = Document::default();
    document.advance(text);
    let mut drawings = vec![Some(Drawing::default()); ranges.len()];
    let found = document.read(text, 0..end, scene);
    lay(&mut drawings, &ranges, text, found);
    let line = |(range, Drawing { marks, group })| Line { marks, group, ..Line::plain(&text[range]) };
    ranges.into_iter().zip(drawings.into_iter().flatten()).map(line).collect()
}
