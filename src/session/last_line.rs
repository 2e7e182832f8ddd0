//! The last line of what an agent has said, as it comes in pieces: what a list of sessions shows of each. A pure value.

use crate::domain::MessageId;

/// Of a line; its beginning says what it is about.
const MOST_CHARS: usize = 200;

#[derive(Clone, Debug, Default)]
pub(super) struct LastLine {
    /// The message that the open line is of.
    message: Option<MessageId>,
    /// What has come of it; not ended yet.
    open: String,
    /// The last one that has ended.
    ended: String,
}

impl LastLine {
    /// A piece of a text that goes on, or the whole of one, which takes the place of its pieces.
    pub(super) fn hear(&mut self, message: &MessageId, part: bool, text: &str) {
        if !part {
            let last = text.rsplit('\n').map(plain).find(|line| says_something(line));
            self.ended = last.unwrap_or_else(|| std::mem::take(&mut self.ended));
            self.open.clear();
            self.message = None;
            return;
        }
        if self.message.as_ref() != Some(message) {
            self.end_line();
            self.message = Some(message.clone());
        }
        let mut lines = text.split('\n');
        self.add(lines.next().unwrap_or_default());
        for line in lines {
            self.end_line();
            self.add(line);
        }
    }

    pub(super) fn line(&self) -> String {
        let open = plain(&self.open);
        if says_something(&open) { open } else { self.ended.clone() }
    }

    fn add(&mut self, text: &str) {
        // Twice as much: blanks are dropped only when it is cleaned.
        let room = (2 * MOST_CHARS).saturating_sub(self.open.chars().count());
        self.open.extend(text.chars().take(room));
    }

    fn end_line(&mut self) {
        let line = plain(&self.open);
        self.open.clear();
        if says_something(&line) {
            self.ended = line;
        }
    }
}

/// Without the signs of Markdown that say what kind of line it is.
fn plain(line: &str) -> String {
    let is_sign = |word: &str| word.chars().all(|c| ">#*+-".contains(c));
    let line = cleaned(line);
    let mut rest = line.as_str();
    while let Some((_, more)) = rest.split_once(' ').filter(|(word, _)| is_sign(word)) {
        rest = more;
    }
    rest.to_owned()
}

/// One line without control characters, and no blank more than is needed.
pub(super) fn cleaned(text: &str) -> String {
    let mut out = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        // A line may be megabytes.
        if out.len() > 4 * MOST_CHARS {
            break;
        }
    }
    match out.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => out[..end].to_owned(),
        None => out,
    }
}

/// Rules, fences and the like are lines too.
fn says_something(line: &str) -> bool {
    line.chars().any(|c| !c.is_ascii_punctuation() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[(&str, bool, &str)], expect: &str) {
        let mut last = LastLine::default();
        for (message, part, text) in pieces {
            last.hear(&MessageId::new(*message), *part, text);
        }
        assert_eq!(last.line(), expect);
    }

    #[test]
    fn the_last_line_is_the_one_that_says_something() {
        check(&[], "");
        check(&[("a", false, "one\ntwo\n\n")], "two");
        check(&[("a", false, "```sh\nmake\n```\n---\n")], "make");
        check(&[("a", false, "done ✓\n  \t\n")], "done ✓");
        check(&[("a", false, "said"), ("b", false, "```")], "said");
        check(&[("a", false, "> ## A - b")], "A - b");
        check(&[("a", true, "- **Bold** -1")], "**Bold** -1");
    }

    #[test]
    fn it_grows_as_its_pieces_come() {
        check(&[("a", true, "I lo"), ("a", true, "ok")], "I look");
        check(&[("a", true, "I look\n"), ("a", true, "")], "I look");
        check(&[("a", true, "I look\nand"), ("a", true, " see")], "and see");
        check(&[("a", true, "I look"), ("b", true, "\n")], "I look");
        check(&[("a", true, "I look"), ("b", true, "You")], "You");
        check(&[("a", true, "I lo"), ("a", false, "I look"), ("b", true, "")], "I look");
    }

    #[test]
    fn nothing_in_it_can_move_a_cursor_and_it_is_short() {
        check(&[("a", false, "\u{1b}[31mred\u{7}\u{9b}x\ty")], "[31mred x y");
        check(&[("a", true, &"ä".repeat(100_000))], &"ä".repeat(200));
        check(&[("a", false, &format!("{}\n", "a ".repeat(100_000)))], &"a ".repeat(100));
    }
}
