//! A text that may still grow, as the rows that show it: cut at its line ends and, where a line is long, softly.
//!
//! Where a row begins depends on nothing but the text before its end, so rows that are finished stay as they are, and
//! those of a text's end are the same whether what stands above them has been cut or not. Knows offsets, no marks.

use std::{collections::VecDeque, ops::Range};

use super::line::{SOFT_SPLIT, boundary};

/// Rows of one stretch: so many are walked over, at most, to find one.
const STRETCH: u32 = 256;

/// The rows of a text from some offset on, its last unfinished one left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// Where the first row begins; text above it is not cut yet.
    start: usize,
    /// Where the unfinished row begins.
    end: usize,
    finished: usize,
    /// Where every so many rows begin.
    stretches: VecDeque<Stretch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    offset: usize,
    rows: u32,
}

/// The row at an offset.
enum Piece {
    /// Up to a line's end, which is one byte more.
    Line(usize),
    /// Up to a soft split.
    Split(usize),
    /// All that is left.
    Open(usize),
}

fn piece(rest: &str) -> Piece {
    // A line's end is looked for in a bounded stretch: a line of megabytes is cut long before it.
    let stretch = boundary(rest, SOFT_SPLIT + 1);
    match rest.as_bytes()[..stretch].iter().position(|&byte| byte == b'\n') {
        Some(end) => Piece::Line(end),
        None if rest.len() > SOFT_SPLIT => Piece::Split(boundary(rest, SOFT_SPLIT)),
        None => Piece::Open(rest.len()),
    }
}

impl Rows {
    /// Begins so far from a text's end that about so much is below.
    pub(super) fn near_end(text: &str, rows: usize, bytes: usize) -> Self {
        let start = above(text, text.len(), rows, bytes);
        Self { start, end: start, ..Self::default() }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where the unfinished row begins, if there is one.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The next row, below those that are there: its bytes, and whether it is unfinished. An unfinished row is given again
    /// until it is finished.
    pub(super) fn advance(&mut self, text: &str) -> Option<(Range<usize>, bool)> {
        let rest = text.get(self.end..).filter(|rest| !rest.is_empty())?;
        let start = self.end;
        let (length, end) = match piece(rest) {
            Piece::Open(length) => return Some((start..start + length, true)),
            Piece::Line(length) => (length, 1),
            Piece::Split(length) => (length, 0),
        };
        match self.stretches.back_mut() {
            Some(last) if last.rows < STRETCH => last.rows += 1,
            _ => self.stretches.push_back(Stretch { offset: start, rows: 1 }),
        }
        self.finished += 1;
        self.end = start + length + end;
        Some((start..start + length, false))
    }

    /// More rows above those that are there, about so much of them.
    pub(super) fn rise(&mut self, text: &str, rows: usize, bytes: usize) -> Vec<Range<usize>> {
        let below = self.start;
        self.start = above(text, below, rows.clamp(1, STRETCH as usize), bytes);
        let mut found = Vec::new();
        let mut at = self.start;
        while at < below {
            let range = row_at(text, at);
            at = next(text, &range);
            found.push(range);
        }
        if !found.is_empty() {
            self.finished += found.len();
            self.stretches.push_front(Stretch { offset: self.start, rows: found.len() as u32 });
        }
        found
    }

    /// The bytes of rows, without their ends; an unfinished one counts.
    pub(super) fn ranges(&self, text: &str, rows: Range<usize>) -> Vec<Range<usize>> {
        let mut at = self.offset(text, rows.start);
        let mut found = Vec::with_capacity(rows.len());
        while found.len() < rows.len() && at < text.len() {
            let range = row_at(text, at);
            at = next(text, &range);
            found.push(range);
        }
        found
    }

    fn offset(&self, text: &str, row: usize) -> usize {
        if row >= self.finished {
            return self.end;
        }
        // Readers are mostly near the end.
        let mut first = self.finished;
        for stretch in self.stretches.iter().rev() {
            first -= stretch.rows as usize;
            if first <= row {
                let mut at = stretch.offset;
                for _ in first..row {
                    at = next(text, &row_at(text, at));
                }
                return at;
            }
        }
        self.start
    }
}

/// Where a row begins, counted from an offset where one does.
pub(super) fn offset_from(text: &str, start: usize, rows: usize) -> usize {
    (0..rows).fold(start, |at, _| next(text, &row_at(text, at)))
}

fn row_at(text: &str, at: usize) -> Range<usize> {
    match piece(text.get(at..).unwrap_or("")) {
        Piece::Line(length) | Piece::Split(length) | Piece::Open(length) => at..at + length,
    }
}

fn next(text: &str, row: &Range<usize>) -> usize {
    row.end + usize::from(text.as_bytes().get(row.end) == Some(&b'\n'))
}

/// Where the rows begin that stand above an offset, so many or so many bytes of them: one at least, if there is any.
fn above(text: &str, below: usize, rows: usize, bytes: usize) -> usize {
    let floor = below.saturating_sub(bytes);
    let mut start = below;
    let mut count = 0;
    while start > 0 && count < rows && (start > floor || count == 0) {
        let body = start - usize::from(text.as_bytes().get(start - 1) == Some(&b'\n'));
        let line = text[..body].rfind('\n').map_or(0, |end| end + 1);
        if body - line <= SOFT_SPLIT {
            if line < floor && count > 0 {
                return start;
            }
            count += 1;
            start = line;
            continue;
        }
        // It has no end in it that would have to be looked for.
        let mut cuts = vec![line];
        let mut at = line;
        while body - at > SOFT_SPLIT {
            at += boundary(&text[at..body], SOFT_SPLIT);
            cuts.push(at);
        }
        if at == start {
            cuts.pop();
        }
        for cut in cuts.into_iter().rev() {
            if count >= rows || count > 0 && cut < floor {
                return start;
            }
            count += 1;
            start = cut;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let mut rows = Rows::default();
        let mut found = Vec::new();
        while let Some((range, open)) = rows.advance(text) {
            found.push(&text[range]);
            if open {
                break;
            }
        }
        found
    }

    #[test]
    fn rows_are_the_text_s_own_lines() {
        assert_eq!(all("a\n\n b\tc "), ["a", "", " b\tc "]);
        assert_eq!(all("a\n"), ["a"]);
        assert_eq!(all(""), Vec::<&str>::new());
    }

    #[test]
    fn a_line_of_megabytes_is_split_softly_and_exactly() {
        let text = "ä".repeat(500_000) + "\nend";
        let rows = all(&text);
        assert!(rows.iter().all(|row| row.len() <= SOFT_SPLIT));
        assert_eq!(rows[..rows.len() - 1].concat().len(), 1_000_000);
    }

    #[test]
    fn a_text_s_end_is_bounded_by_rows_and_by_bytes() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let rows = Rows::near_end(&text, 200, 1 << 20);
        assert_eq!(text[rows.start()..].lines().count(), 200);
        let rows = Rows::near_end(&text, 200, 50);
        assert!(text.len() - rows.start() <= 50 && text[rows.start()..].starts_with("line "));
        assert_eq!(Rows::near_end("short", 200, 1 << 20).start(), 0);
        assert_eq!(Rows::near_end(&"x".repeat(10_000), 200, 10).start(), 8192, "one row at least");
    }

    fn texts() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            3 => "[a-zä ]{0,12}",
            1 => (SOFT_SPLIT - 3..2 * SOFT_SPLIT + 3).prop_map(|length| "x".repeat(length)),
            1 => (1000usize..2100).prop_map(|length| "ä".repeat(length)),
        ];
        (prop::collection::vec(line, 0..12), any::<bool>())
            .prop_map(|(lines, ended)| lines.join("\n") + if ended { "\n" } else { "" })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_are_the_same_however_the_text_came(text in texts(), size in 1usize..3000, rise in 1usize..5, bytes in 1usize..5000) {
            let whole = all(&text);
            // In pieces, from above.
            let mut rows = Rows::default();
            let mut found: Vec<String> = Vec::new();
            let mut end = 0;
            let mut open = false;
            while end < text.len() {
                end = (end + size).min(text.len());
                while !text.is_char_boundary(end) {
                    end += 1;
                }
                while let Some((range, unfinished)) = rows.advance(&text[..end]) {
                    if open {
                        let before = found.pop().unwrap_or_default();
                        prop_assert!(text[range.clone()].starts_with(&before), "a row only grows");
                    }
                    found.push(text[range].to_owned());
                    open = unfinished;
                    if unfinished {
                        break;
                    }
                }
            }
            prop_assert_eq!(&found, &whole);
            // From below.
            let mut rows = Rows::near_end(&text, rise, bytes);
            let mut found: VecDeque<&str> = VecDeque::new();
            while let Some((range, open)) = rows.advance(&text) {
                found.push_back(&text[range]);
                if open {
                    break;
                }
            }
            while rows.start() > 0 {
                for range in rows.rise(&text, rise, bytes).into_iter().rev() {
                    found.push_front(&text[range]);
                }
            }
            prop_assert_eq!(&found, &whole);
            // And each can be found again.
            for row in 0..whole.len() {
                let ranges = rows.ranges(&text, row..row + 2);
                prop_assert_eq!(&text[ranges[0].clone()], whole[row]);
                prop_assert_eq!(ranges.len(), (whole.len() - row).min(2));
            }
        }
    }
}
