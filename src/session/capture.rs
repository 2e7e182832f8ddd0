//! The output of a command, as much of it as is kept: its beginning and its end. A value; knows no processes.

use std::collections::VecDeque;

/// Shown as it comes.
const HEAD: usize = 256 * 1024;
/// And this much of the end.
const TAIL: usize = 64 * 1024;
/// What goes along with a prompt: of the beginning and of the end.
const PROMPT: (usize, usize) = (8 * 1024, 24 * 1024);

#[derive(Debug, Default)]
pub struct Capture {
    head: String,
    tail: VecDeque<u8>,
    /// A character that has begun and not ended yet.
    begun: Vec<u8>,
    left_out: u64,
}

impl Capture {
    /// Takes some more in. Returns what of it is to be shown now.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let bytes = [std::mem::take(&mut self.begun).as_slice(), bytes].concat();
        let room = HEAD - self.head.len();
        let whole = &bytes[..bytes.len() - begun(&bytes)];
        if self.tail.is_empty() && self.left_out == 0 && whole.len() <= room {
            self.begun = bytes[whole.len()..].to_vec();
            let text = String::from_utf8_lossy(whole).into_owned();
            self.head.push_str(&text);
            return text;
        }
        // What is replaced is longer than what it replaces, so the head may be a little over its bound.
        let (shown, rest) =
            if self.tail.is_empty() { bytes.split_at(room.min(bytes.len())) } else { (&[][..], &bytes[..]) };
        let end = shown.len() - begun(shown);
        let text = String::from_utf8_lossy(&shown[..end]).into_owned();
        self.head.push_str(&text);
        self.tail.extend(&shown[end..]);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
        self.left_out += over as u64;
        text
    }

    /// All that was kept, a line about what was not in its place.
    pub fn text(&self) -> String {
        let mut text = self.head.clone();
        let (front, back) = self.tail.as_slices();
        let tail = [front, back, &self.begun].concat();
        if self.left_out > 0 {
            // The cut may be inside a character.
            let whole = tail.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or(tail.len());
            text.push_str(&gap(self.left_out + whole as u64));
            text.push_str(&String::from_utf8_lossy(&tail[whole..]));
        } else {
            text.push_str(&String::from_utf8_lossy(&tail));
        }
        text
    }

    /// For a prompt, and whether something is missing in it.
    pub fn for_prompt(&self) -> (String, bool) {
        let text = self.text();
        let (first, last) = PROMPT;
        if text.len() <= first + last {
            return (text, self.left_out > 0);
        }
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at += 1;
            }
            at
        };
        let (first, last) = (boundary(first), boundary(text.len() - last));
        (format!("{}{}{}", &text[..first], gap((last - first) as u64 + self.left_out), &text[last..]), true)
    }
}

fn gap(bytes: u64) -> String {
    format!("\n… {bytes} bytes left out …\n")
}

/// How many bytes at the end begin a character that goes on.
fn begun(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_may_end_inside_a_character() {
        let all = "aä€😀z\n\n".as_bytes();
        for size in 1..all.len() {
            let mut capture = Capture::default();
            let shown: String = all.chunks(size).map(|piece| capture.push(piece)).collect();
            assert_eq!(
                (shown.as_str(), capture.text().as_str()),
                ("aä€😀z\n\n", "aä€😀z\n\n"),
                "cut every {size} bytes"
            );
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_a_cut_end_too() {
        let mut capture = Capture::default();
        assert_eq!(capture.push(b"a\xffb\xe2\x82"), "a\u{fffd}b");
        assert_eq!(capture.text(), "a\u{fffd}b\u{fffd}");
        assert_eq!(capture.push(b"\xacc"), "€c");
    }

    #[test]
    fn of_a_long_output_beginning_and_end_are_kept() {
        let line = |number: usize| format!("line {number} ä\n");
        let all: String = (0..60_000).map(line).collect();
        for size in [1000, 70_001, all.len()] {
            let mut capture = Capture::default();
            let shown: String = all.as_bytes().chunks(size).map(|piece| capture.push(piece)).collect();
            assert!(all.starts_with(&shown) && shown.len() > HEAD - 4 && shown.len() <= HEAD, "{}", shown.len());
            let text = capture.text();
            let (head, rest) = text.split_once("\n… ").expect("a gap");
            let (left_out, tail) = rest.split_once(" bytes left out …\n").expect("how much");
            assert!(all.starts_with(head) && all.ends_with(tail) && tail.len() > TAIL - 4);
            assert_eq!(head.len() + tail.len() + left_out.parse::<usize>().expect("a number"), all.len());
            let (prompt, cut) = capture.for_prompt();
            let (first, last) = prompt.split_once("\n… ").expect("a gap");
            let (_, last) = last.split_once(" bytes left out …\n").expect("how much");
            assert!(cut && prompt.len() < 33 * 1024 && all.starts_with(first) && all.ends_with(last));
        }
    }

    #[test]
    fn a_short_output_goes_along_whole() {
        let mut capture = Capture::default();
        capture.push(&b"x".repeat(32 * 1024));
        assert_eq!(capture.for_prompt(), ("x".repeat(32 * 1024), false));
        capture.push(b"y");
        assert!(capture.for_prompt().1);
    }
}
