//! Capped lines over any byte stream. Knows nothing of JSON, agents or sessions.
//!
//! Bytes in, frames out, cut wherever the pipe cut them: a value without I/O. It holds the beginning of one line, never
//! more than the cap.

use memchr::memchr;

/// One line of an agent's output, its end (`\n` or `\r\n`) cut off, invalid UTF-8 replaced. Empty lines do not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Line(String),
    /// A line longer than the cap was skipped up to its newline.
    TooLong {
        /// How many it had.
        bytes: u64,
        /// What it began with: enough to see which message was lost.
        head: String,
    },
}

/// A line over 10 MiB is skipped.
pub const MAX_LINE: usize = 10 * 1024 * 1024;

/// What is kept of such a line, in bytes.
const HEAD: usize = 1024;

impl Frame {
    /// What it costs to hold it.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Frame::Line(line) => line.len(),
                Frame::TooLong { head, .. } => head.len(),
            }
    }
}

/// Cuts a byte stream into frames.
#[derive(Debug)]
pub struct Lines {
    max: usize,
    /// The line that has begun and not ended yet.
    begun: Vec<u8>,
    /// It is over the cap: how many bytes of it went by, and whether the last one was `\r`.
    skipped: Option<(u64, bool)>,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(MAX_LINE)
    }
}

impl Lines {
    /// `max` is the longest line in bytes that comes whole, its end not counted.
    pub fn new(max: usize) -> Self {
        Self { max, begun: Vec::new(), skipped: None }
    }

    /// The frames that these bytes complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.begun.is_empty() && self.skipped.is_none() && line.len() <= self.max {
                // The usual case: a whole line within one read, copied once.
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !line.is_empty() {
                    frames.push(Frame::Line(String::from_utf8_lossy(line).into_owned()));
                }
            } else {
                self.extend(line);
                frames.extend(self.take());
            }
            bytes = rest;
        }
        self.extend(bytes);
        frames
    }

    /// The stream has ended: bytes after the last newline are a line.
    pub fn finish(&mut self) -> Option<Frame> {
        self.take()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        let last_is_return = last == b'\r';
        if let Some((count, ends_in_return)) = &mut self.skipped {
            *count += bytes.len() as u64;
            *ends_in_return = last_is_return;
            return;
        }
        let length = self.begun.len() + bytes.len();
        // One byte more may be the `\r` of the line's end.
        if length > self.max + usize::from(last_is_return) {
            self.skipped = Some((length as u64, last_is_return));
            let missing = HEAD.saturating_sub(self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..missing]);
            self.begun.truncate(HEAD.min(self.max));
            self.begun.shrink_to_fit();
            return;
        }
        if length > self.begun.capacity() {
            // Doubling, but not beyond the cap.
            let capacity = length.max((2 * self.begun.capacity()).min(self.max + 1)).max(64);
            self.begun.reserve_exact(capacity - self.begun.len());
        }
        self.begun.extend_from_slice(bytes);
    }

    fn take(&mut self) -> Option<Frame> {
        if let Some((count, ends_in_return)) = self.skipped.take() {
            let head = String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned();
            return Some(Frame::TooLong { bytes: count - u64::from(ends_in_return), head });
        }
        let mut line = std::mem::take(&mut self.begun);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.is_empty() {
            return None;
        }
        let line =
            String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Some(Frame::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Frame {
        Frame::Line(text.to_owned())
    }

    fn too_long(bytes: u64, head: &str) -> Frame {
        Frame::TooLong { bytes, head: head.to_owned() }
    }

    /// However the bytes are cut, the same frames come.
    #[track_caller]
    fn check(max: usize, input: &[u8], expect: &[Frame]) {
        for size in [1, 2, 3, 5, 7, 64, input.len().max(1)] {
            let mut lines = Lines::new(max);
            let mut frames = Vec::new();
            for chunk in input.chunks(size) {
                frames.extend(lines.push(chunk));
                assert!(lines.begun.len() <= max + 1, "held {} bytes with a cap of {max}", lines.begun.len());
            }
            frames.extend(lines.finish());
            assert_eq!(frames, expect, "cut every {size} bytes");
            assert_eq!(lines.finish(), None, "the end comes once");
        }
    }

    #[test]
    fn a_chunk_may_end_inside_a_line() {
        check(100, b"one\ntwo\nthree\n", &[line("one"), line("two"), line("three")]);
    }

    #[test]
    fn a_chunk_may_end_inside_a_character() {
        check(100, "ä€😀\nüx\n".as_bytes(), &[line("ä€😀"), line("üx")]);
    }

    #[test]
    fn a_return_before_the_newline_is_dropped_and_no_other() {
        check(100, b"a\r\nb\rc\r\nd\r\r\n", &[line("a"), line("b\rc"), line("d\r")]);
    }

    #[test]
    fn empty_lines_do_not_come() {
        check(100, b"\n\r\n\na\n\n\r\n", &[line("a")]);
        check(100, b"", &[]);
        check(100, b"\r", &[]);
    }

    #[test]
    fn bytes_after_the_last_newline_are_a_line() {
        check(100, b"a\n{\"half", &[line("a"), line("{\"half")]);
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        check(100, b"a\xff\xfeb\n\xe2\x82\n\x80c", &[line("a\u{fffd}\u{fffd}b"), line("\u{fffd}"), line("\u{fffd}c")]);
    }

    #[test]
    fn a_line_over_the_cap_is_skipped_up_to_its_newline() {
        check(4, b"1234\n12345\nab\n", &[line("1234"), too_long(5, "1234"), line("ab")]);
        check(4, b"1234\r\n12345\r\nab", &[line("1234"), too_long(5, "1234"), line("ab")]);
        check(4, b"1234567890", &[too_long(10, "1234")]);
        check(4, b"1234\r5\nx\n", &[too_long(6, "1234"), line("x")]);
    }

    #[test]
    fn a_line_far_over_the_cap_is_never_held() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; 1 << 20];
        let mut held = 0;
        for _ in 0..25 {
            assert_eq!(lines.push(&chunk), []);
            held = held.max(lines.begun.capacity());
        }
        assert!(held <= MAX_LINE + 1, "held {held} bytes");
        assert_eq!(lines.push(b"\nnext\n"), [too_long(25 << 20, &"x".repeat(HEAD)), line("next")]);
    }
}
