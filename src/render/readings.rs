//! What has been read of a transcript's texts, so that marks of their rows can be told: shared by all its views.
//!
//! A text is read when somebody first looks at it, a stretch at a time, so that no text waits for the colour of another.
//! What was not looked at for long is forgotten, and read again when it is wanted.

use std::{collections::HashMap, ops::Range};

use super::{
    around::flow_text,
    code::{Colours, Fence},
    fit::cells,
    flow::Style,
    line::{Line, Look, Mark},
    markdown::{Document, Reading},
    rows::Rows,
    scene::Scene,
};
use crate::transcript::{Entry, EntryId};

/// Read at once: some milliseconds at most.
const STEP: usize = 256 * 1024;
/// Texts that are kept, and their bytes.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Readings {
    texts: HashMap<EntryId, Text>,
    /// Of the code in them, and in what we lay out.
    pub colours: Colours,
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
        // With its line's end: an empty row would be nothing of the text else, and not read.
        let range = first.start..last.end + usize::from(text.as_bytes().get(last.end) == Some(&b'\n'));
        let whole = text.len();
        let reading = self.reading(entry.id, entry.generation, text);
        let text = &text[..reading.read];
        let mut drawings: Vec<Option<Drawing>> =
            rows.iter().map(|row| (row.end <= reading.read).then(Drawing::default)).collect();
        if range.start < text.len() {
            let range = range.start..range.end.min(text.len());
            let mut found = reading.document.read(text, range.clone(), scene);
            let ended = !entry.open && text.len() == whole;
            self.colour((entry.id, entry.generation), text, ended, range, &mut found);
            lay(&mut drawings, rows, text, found, scene);
        }
        drawings
    }

    /// Puts the colours of code in the place of its one.
    fn colour(&mut self, of: (EntryId, u32), text: &str, ended: bool, range: Range<usize>, found: &mut Reading) {
        for fence in std::mem::take(&mut found.fences) {
            let info = text.get(fence.info).unwrap_or("");
            let code = Fence { code: fence.code.clone(), info, ended: ended || fence.closed };
            // A line whose colours are to come is plain until then, not first in one colour and then in others.
            if self.colours.of_fence(of.0, of.1, text, &code, range.clone(), &mut found.marks) {
                found.marks.retain(|mark| mark.group != "AgorCode" || !fence.code.contains(&mark.start));
            }
        }
    }

    /// What is drawn over a row of ours.
    pub(super) fn line(&mut self, entry: &Entry, line: &Line) -> Drawing {
        let mut marks = line.marks.clone();
        self.colours.of_line(entry.id, entry.generation, line, &mut marks);
        Drawing { marks, group: line.group }
    }

    fn reading(&mut self, id: EntryId, generation: u32, text: &str) -> &Text {
        self.clock += 1;
        let used = self.clock;
        self.make_room(id);
        let new = || Text { generation, document: Document::default(), read: 0, used };
        let reading = self.texts.entry(id).or_insert_with(new);
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
    fn make_room(&mut self, wanted: EntryId) {
        while self.texts.len() > KEPT || self.texts.values().map(|reading| reading.read).sum::<usize>() > KEPT_BYTES {
            let others = self.texts.iter().filter(|(id, _)| **id != wanted);
            let Some(oldest) = others.min_by_key(|(_, reading)| reading.used).map(|(id, _)| *id) else { return };
            self.texts.remove(&oldest);
        }
    }
}

/// Gives what was found in a text to the rows that show it: a long line is several.
fn lay(drawings: &mut [Option<Drawing>], rows: &[Range<usize>], text: &str, found: Reading, scene: Scene) {
    found.marks.into_iter().for_each(|mark| spread(drawings, rows, mark));
    for (line, group) in found.lines {
        let end = text[line..].find('\n').map_or(text.len(), |length| line + length);
        let first = rows.partition_point(|row| row.start < line);
        let inside = rows[first..].iter().take_while(|row| row.start <= end).count();
        for (drawing, row) in drawings[first..].iter_mut().zip(&rows[first..first + inside]) {
            let Some(drawing) = drawing else { continue };
            drawing.group = Some(group);
            if let Some(fill) = indent(&text[row.clone()], group, scene) {
                drawing.marks.insert(0, fill);
            }
        }
    }
}

/// What gives the indentation of a wrapped line the background of its line: Neovim leaves it without.
fn indent(row: &str, group: &'static str, scene: Scene) -> Option<Mark> {
    let blanks = row.len() - row.trim_start_matches(' ').len();
    let wraps = scene.width > 0 && cells(row) > scene.width;
    (blanks > 0 && wraps).then_some(Mark { start: 0, end: 0, group, look: Look::Fill(blanks) })
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
    lay(&mut drawings, &ranges, text, found, scene);
    let line = |(range, Drawing { marks, group })| Line { marks, group, ..Line::plain(&text[range]) };
    ranges.into_iter().zip(drawings.into_iter().flatten()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render::code::{Coloured, Group, Lines, Outcome, Span},
        transcript::Body,
    };

    #[test]
    fn code_is_plain_until_its_colours_are_there_and_in_one_colour_if_it_has_none() {
        let text = "```rust\nfn a() {}\n```\n";
        let body = Body::Text(text.into());
        let entry = Entry { id: EntryId(3), parent: None, started_at: 0, ended_at: 0, open: true, generation: 0, body };
        let row = 8..17;
        let mut readings = Readings::default();
        let groups = |readings: &mut Readings| -> Vec<&'static str> {
            let drawn = readings.rows(&entry, Style::Prose, std::slice::from_ref(&row), Scene::default());
            let drawing = drawn.into_iter().next().flatten().expect("it is read");
            assert_eq!(drawing.group, Some("AgorCodeBlock"));
            drawing.marks.iter().map(|mark| mark.group).collect()
        };
        assert_eq!(groups(&mut readings), [""; 0]);
        let ended = Entry { open: false, ..entry.clone() };
        for (known, expect) in [(true, "@keyword"), (false, "AgorCode")] {
            let job = readings.colours.next_job(|id| (id == ended.id).then_some(&ended)).expect("something is wanted");
            let mut lines = Lines::default();
            lines.push(&[Span { start: 0, end: 2, group: Group::of("@keyword").expect("a group") }]);
            let outcome = if known { Outcome::Lines(lines) } else { Outcome::Last(Lines::default()) };
            assert_eq!(readings.colours.take(Coloured { block: job.block, from: job.from, outcome }), Some(entry.id));
            assert_eq!(groups(&mut readings), [expect]);
            readings = Readings::default();
            groups(&mut readings);
        }
    }

    #[test]
    fn an_empty_line_of_code_is_one_also_where_it_is_the_last_that_is_looked_at() {
        let text = "```\na\n\nb\n```\n";
        let body = Body::Text(text.into());
        let entry =
            Entry { id: EntryId(0), parent: None, started_at: 0, ended_at: 0, open: false, generation: 0, body };
        let all = [0..3, 4..5, 6..6];
        for rows in [&all[..], &all[2..]] {
            let drawn = Readings::default().rows(&entry, Style::Prose, rows, Scene::default());
            let last = drawn.into_iter().last().flatten().expect("it is read");
            assert_eq!(last.group, Some("AgorCodeBlock"), "{rows:?}");
        }
    }

    #[test]
    fn the_indentation_of_a_line_of_code_that_is_wrapped_is_filled() {
        let text = "```\n    let a = 1;\n    let long = 1234567890;\nlet unindented = 123456;\n```\n";
        let body = Body::Text(text.into());
        let entry =
            Entry { id: EntryId(0), parent: None, started_at: 0, ended_at: 0, open: false, generation: 0, body };
        let rows = [4..18, 19..45, 46..70];
        assert_eq!(rows.clone().map(|row| text[row].trim().len()), [10, 22, 24]);
        let filled = |width: usize| {
            let drawn = Readings::default().rows(&entry, Style::Prose, &rows, Scene { width, ..Scene::default() });
            let fills = |drawing: &Drawing| drawing.marks.iter().any(|mark| mark.look == Look::Fill(4));
            drawn.iter().flatten().map(fills).collect::<Vec<_>>()
        };
        assert_eq!(filled(20), [false, true, false]);
        assert_eq!(filled(10), [true, true, false]);
        assert_eq!(filled(80), [false, false, false]);
        assert_eq!(filled(0), [false, false, false]);
    }
}
