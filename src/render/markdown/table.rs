//! Tables: their cells padded to columns where every row fits, else only coloured.
//!
//! Cells are as wide as what is shown of them. Padding is virtual text, and a few spaces too many are hidden; but what is
//! hidden still takes its room where a line is wrapped, so a row has to fit as it is written too.

use std::ops::Range;

use pulldown_cmark::Alignment;

use crate::render::{
    fit::cells,
    line::{Look, Mark},
    scene::{Icons, Scene},
};

/// Cells that may be hidden in one place.
const HIDDEN: usize = 8;
const BORDER: &str = "AgorTableBorder";

pub(super) struct Table {
    range: Range<usize>,
    alignments: Vec<Alignment>,
    rows: Vec<Row>,
    /// The first of the marks that stand in it.
    first_mark: usize,
}

struct Row {
    range: Range<usize>,
    cells: Vec<Range<usize>>,
}

/// A cell, in screen cells.
struct Cell {
    /// Without the white space around it.
    text: Range<usize>,
    before: usize,
    after: usize,
    width: usize,
}

/// A row whose cells were measured.
struct Measured {
    range: Range<usize>,
    cells: Vec<Cell>,
    pipes: Vec<usize>,
    /// A pipe stands before the first cell.
    led: bool,
    /// One stands behind the last.
    ended: bool,
}

impl Table {
    pub(super) fn new(range: Range<usize>, alignments: Vec<Alignment>, first_mark: usize) -> Self {
        Self { range, alignments, rows: Vec::new(), first_mark }
    }

    pub(super) fn row(&mut self, range: Range<usize>) {
        self.rows.push(Row { range, cells: Vec::new() });
    }

    pub(super) fn cell(&mut self, range: Range<usize>) {
        if let Some(row) = self.rows.last_mut() {
            row.cells.push(range);
        }
    }

    /// Marks the whole table; `marks` has those of its cells already.
    pub(super) fn marks(self, text: &str, scene: Scene, marks: &mut Vec<Mark>) {
        let changes = Changes::of(text, marks.get(self.first_mark..).unwrap_or_default());
        let rows: Vec<Measured> = self.rows.iter().map(|row| Measured::of(text, row, &changes)).collect();
        let Some(head) = rows.first() else { return };
        for &at in rows.iter().flat_map(|row| &row.pipes) {
            let look = if scene.icons == Icons::Ascii { Look::Colour } else { Look::As('│') };
            marks.push(Mark { start: at, end: at + 1, group: BORDER, look });
        }
        let delimiter = delimiter(text, self.rows[0].range.end..self.range.end);
        let columns = self.columns(&rows);
        let widest = cells(&text[delimiter.clone()]);
        let mut padding = Vec::new();
        let fits = rows.iter().all(|row| {
            let column = column(text, row.range.start);
            let added = self.pad(row, &columns, &mut padding) + complete(row, &columns, scene.icons, &mut padding);
            row.led == head.led && column + cells(&text[row.range.clone()]) + added <= scene.width
        });
        if !fits || column(text, delimiter.start) + widest > scene.width {
            return marks.push(as_written(text, delimiter, scene));
        }
        marks.append(&mut padding);
        let mut rule = rule(&columns, head.led, head.ended, scene.icons);
        // All that is written has to be covered.
        rule.extend(std::iter::repeat_n(' ', widest.saturating_sub(cells(&rule))));
        marks.push(Mark { start: delimiter.start, end: delimiter.end, group: BORDER, look: Look::Over(rule) });
    }

    fn columns(&self, rows: &[Measured]) -> Vec<usize> {
        let mut columns = vec![0; self.alignments.len()];
        for row in rows {
            for (column, cell) in columns.iter_mut().zip(&row.cells) {
                *column = (*column).max(cell.width);
            }
        }
        columns
    }

    /// Pads the cells of a row; the cells that this adds.
    fn pad(&self, row: &Measured, columns: &[usize], marks: &mut Vec<Mark>) -> usize {
        let mut added = 0;
        let mut fill = |at: usize, now: usize, then: usize, spaces: Range<usize>| {
            if now < then {
                added += then - now;
                marks.push(Mark { start: at, end: at, group: "", look: Look::Before(" ".repeat(then - now)) });
            } else if now > then {
                marks.push(Mark {
                    start: spaces.start,
                    end: spaces.start + (now - then).min(spaces.len()),
                    group: "",
                    look: Look::Hidden,
                });
            }
        };
        let last = row.cells.len().saturating_sub(1);
        for (index, ((cell, &width), alignment)) in row.cells.iter().zip(columns).zip(&self.alignments).enumerate() {
            let room = width - cell.width;
            let left = match alignment {
                Alignment::None | Alignment::Left => 0,
                Alignment::Center => room / 2,
                Alignment::Right => room,
            };
            let (start, end) = (cell.text.start, cell.text.end);
            let edge = usize::from(index > 0 || row.led);
            let open_end = index == last && !row.ended;
            if cell.text.is_empty() {
                if !open_end {
                    fill(end, cell.before, width + 1 + edge, start - cell.before..start);
                }
                continue;
            }
            fill(start, cell.before, left + edge, start - cell.before..start);
            if !open_end {
                fill(end + cell.after, cell.after, room - left + 1, end..end + cell.after);
            }
        }
        added
    }
}

/// Draws the cells that a row lacks; the cells that this adds.
fn complete(row: &Measured, columns: &[usize], icons: Icons, marks: &mut Vec<Mark>) -> usize {
    let missing = columns.get(row.cells.len()..).filter(|missing| row.ended && !missing.is_empty());
    let Some(missing) = missing else { return 0 };
    let drawn: String = missing.iter().map(|width| " ".repeat(width + 2) + icons.bar()).collect();
    let added = cells(&drawn);
    marks.push(Mark { start: row.range.end, end: row.range.end, group: BORDER, look: Look::Before(drawn) });
    added
}

impl Measured {
    fn of(text: &str, row: &Row, changes: &Changes) -> Self {
        let end = row.range.start + text[row.range.clone()].trim_end().len();
        let mut pipes = Vec::new();
        let mut cells = Vec::new();
        let mut at = row.range.start;
        let mut led = false;
        for cell in &row.cells {
            // A row that has fewer cells than the head gets empty ones behind its end.
            if cell.start >= end || cell.start < at {
                break;
            }
            if let Some(found) = text[at..cell.start].find('|') {
                led |= cells.is_empty();
                pipes.push(at + found);
            }
            at = cell.end.min(end);
            cells.push(Cell::of(text, cell.start..at, changes));
        }
        let ended = text[at..end].find('|');
        pipes.extend(ended.map(|found| at + found));
        Self { range: row.range.start..end, cells, pipes, led, ended: ended.is_some() }
    }
}

impl Cell {
    fn of(text: &str, range: Range<usize>, changes: &Changes) -> Self {
        let content = &text[range.clone()];
        let before = content.len() - content.trim_start_matches(' ').len();
        let after = content.trim_start_matches(' ').len() - content.trim_matches(' ').len();
        let text_range = range.start + before..range.end - after;
        let width = changes.shown(text, text_range.clone());
        // More spaces than may be hidden are part of what it shows.
        let surplus = before.saturating_sub(1 + HIDDEN);
        let (text, before) = (text_range.start - surplus..text_range.end, before - surplus);
        let more = after.saturating_sub(1 + HIDDEN);
        let empty = width == 0;
        Self {
            text: if empty { text.end..text.end } else { text.start..text.end + more },
            before: if empty { before + surplus } else { before },
            after: if empty { after } else { after - more },
            width: if empty { (before + surplus).saturating_sub(2 + HIDDEN) } else { width + surplus + more },
        }
    }
}

/// By how many cells marks change what is shown, in order of where they begin.
struct Changes(Vec<(usize, isize)>);

impl Changes {
    fn of(text: &str, marks: &[Mark]) -> Self {
        let cells = |text: &str| cells(text) as isize;
        let change = |mark: &Mark| {
            let change = match &mark.look {
                Look::Hidden => -cells(&text[mark.start..mark.end]),
                Look::As(_) => 1 - cells(&text[mark.start..mark.end]),
                Look::Before(added) => cells(added),
                Look::Colour | Look::Over(_) | Look::Fill(_) | Look::Tint => return None,
            };
            Some((mark.start, change))
        };
        let mut changes: Vec<_> = marks.iter().filter_map(change).collect();
        changes.sort_unstable_by_key(|(start, _)| *start);
        Self(changes)
    }

    fn shown(&self, text: &str, range: Range<usize>) -> usize {
        let from = self.0.partition_point(|(start, _)| *start < range.start);
        let to = self.0.partition_point(|(start, _)| *start < range.end);
        let change: isize = self.0[from..to].iter().map(|(_, change)| change).sum();
        cells(&text[range]).saturating_add_signed(change)
    }
}

/// The cells before a place on its line.
fn column(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    cells(&text[start..at])
}

/// The row of hyphens below the head.
fn delimiter(text: &str, range: Range<usize>) -> Range<usize> {
    let line = text[range.clone()].split('\n').next().unwrap_or("");
    let body = line.trim_start_matches(|c: char| !matches!(c, '|' | ':' | '-'));
    let start = range.start + line.len() - body.len();
    start..start + body.trim_end().len()
}

/// The row of hyphens as a line of the same length, if that takes no second row.
fn as_written(text: &str, range: Range<usize>, scene: Scene) -> Mark {
    let sign = |c| if c == '|' { '┼' } else { '─' };
    let fits = column(text, range.start) + cells(&text[range.clone()]) <= scene.width;
    let look = match scene.icons {
        Icons::Unicode | Icons::Nerd if fits => Look::Over(text[range.clone()].chars().map(sign).collect()),
        _ => Look::Colour,
    };
    Mark { start: range.start, end: range.end, group: BORDER, look }
}

fn rule(columns: &[usize], led: bool, ended: bool, icons: Icons) -> String {
    let (left, cross, right, line) = match icons {
        Icons::Ascii => ("|", "|", "|", "-"),
        _ => ("├", "┼", "┤", "─"),
    };
    let mut out = String::new();
    for (index, width) in columns.iter().enumerate() {
        let edges = usize::from(index > 0 || led) + usize::from(index + 1 < columns.len() || ended);
        out += match index {
            0 if led => left,
            0 => "",
            _ => cross,
        };
        out += &line.repeat(width + edges);
    }
    if ended {
        out += right;
    }
    out
}
