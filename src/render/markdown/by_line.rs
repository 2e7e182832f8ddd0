//! Highlights of one line of Markdown, with the state that fences carry from line to line.
//!
//! By line and not by block: what is shown is the text as written, and a line that has been laid out stays as it is.

use crate::render::line::{Line, Mark};

/// Inside which fence a line stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::render) struct Fence {
    /// The opening run: its character and length.
    open: Option<(u8, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Position {
    Start,
    /// A soft split's later piece: nothing begins here.
    Inside,
}

impl Fence {
    /// Takes a finished line.
    pub(in crate::render) fn pass(&mut self, line: &str) {
        let Some((mark, run, rest)) = fence(line) else { return };
        match self.open {
            None => self.open = Some((mark, run)),
            Some((open, length)) if mark == open && run >= length && rest.trim().is_empty() => self.open = None,
            Some(_) => {}
        }
    }
}

/// A line that opens or closes a fence: its character, its run, what follows it.
fn fence(line: &str) -> Option<(u8, usize, &str)> {
    let trimmed = line.trim_start_matches([' ', '\t']);
    let mark = *trimmed.as_bytes().first().filter(|c| matches!(c, b'`' | b'~'))?;
    let run = trimmed.bytes().take_while(|&c| c == mark).count();
    let rest = &trimmed[run..];
    (run >= 3 && !(mark == b'`' && rest.contains('`'))).then_some((mark, run, rest))
}

pub(in crate::render) fn highlight(text: &str, state: &Fence, position: Position) -> Line {
    let mut line = Line::plain(text);
    if position == Position::Start
        && let Some((mark, run, rest)) = fence(text)
        && state.open.is_none_or(|(open, length)| mark == open && run >= length && rest.trim().is_empty())
    {
        line.marks.push(Mark::colour(0, text.len(), "AgorCodeFence"));
        return line;
    }
    if state.open.is_some() {
        line.marks.push(Mark::colour(0, text.len(), "AgorCode"));
        line.marks.retain(|mark| mark.start < mark.end);
        return line;
    }
    let indent = text.len() - text.trim_start().len();
    let body = &text[indent..];
    if position == Position::Start {
        let hashes = body.bytes().take_while(|&c| c == b'#').count();
        if (1..=6).contains(&hashes) && body[hashes..].starts_with(' ') {
            line.marks.push(Mark::colour(0, text.len(), "AgorHeading"));
            return line;
        }
        if body.starts_with('>') {
            line.marks.push(Mark::colour(indent, text.len(), "AgorQuote"));
            return line;
        }
        if let Some(length) = list_marker(body) {
            line.marks.push(Mark::colour(indent, indent + length, "AgorListMarker"));
        }
    }
    inline(text, &mut line.marks);
    line
}

/// `- `, `* `, `+ `, `1. `, `1) `: the length without the space.
fn list_marker(body: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    if matches!(bytes.first(), Some(b'-' | b'*' | b'+')) && bytes.get(1) == Some(&b' ') {
        return Some(1);
    }
    let digits = bytes.iter().take_while(|c| c.is_ascii_digit()).count();
    let marked = (1..=9).contains(&digits) && matches!(bytes.get(digits), Some(b'.' | b')'));
    (marked && bytes.get(digits + 1) == Some(&b' ')).then_some(digits + 1)
}

/// Code spans, strong and emphasized words, addresses. What does not close on its line is left plain.
fn inline(text: &str, marks: &mut Vec<Mark>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let span = match bytes[at] {
            b'`' => code_span(rest).map(|end| (end, "AgorCode")),
            b'*' if rest.starts_with("**") => delimited(rest, "**").map(|end| (end, "AgorBold")),
            b'*' if starts_word(text, at) => delimited(rest, "*").map(|end| (end, "AgorItalic")),
            b'_' if starts_word(text, at) => delimited(rest, "_").map(|end| (end, "AgorItalic")),
            b'h' if starts_word(text, at) && (rest.starts_with("https://") || rest.starts_with("http://")) => {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | ']'));
                Some((end.unwrap_or(rest.len()), "AgorLink"))
            }
            b'\\' => {
                at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
            _ => None,
        };
        match span {
            Some((length, group)) => {
                marks.push(Mark::colour(at, at + length, group));
                at += length;
            }
            // Runs of a delimiter that opens nothing are passed whole.
            None if matches!(bytes[at], b'`' | b'*') => {
                at += bytes[at..].iter().take_while(|&&c| c == bytes[at]).count();
            }
            None => at += 1,
        }
        while at < bytes.len() && !text.is_char_boundary(at) {
            at += 1;
        }
    }
}

fn starts_word(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_')
}

fn code_span(rest: &str) -> Option<usize> {
    let run = rest.bytes().take_while(|&c| c == b'`').count();
    let mut at = run;
    while let Some(found) = rest[at..].find('`') {
        let start = at + found;
        let length = rest[start..].bytes().take_while(|&c| c == b'`').count();
        if length == run {
            return Some(start + length);
        }
        at = start + length;
    }
    None
}

fn delimited(rest: &str, mark: &str) -> Option<usize> {
    let inner = &rest[mark.len()..];
    if inner.starts_with(|c: char| c.is_whitespace() || c == '*') {
        return None;
    }
    let end = inner.find(mark)?;
    let closed = end > 0 && !inner[..end].ends_with(char::is_whitespace);
    closed.then_some(mark.len() + end + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)]) {
        let line = highlight(text, &Fence::default(), Position::Start);
        assert_eq!(line.text, text, "the text is the agent's own");
        let marks: Vec<_> = line.marks.iter().map(|mark| (&text[mark.start..mark.end], mark.group)).collect();
        assert_eq!(marks, expect);
    }

    #[test]
    fn what_a_line_says_is_marked() {
        check("## Head", &[("## Head", "AgorHeading")]);
        check("#no head", &[]);
        check(
            "a `b` **c** *d* _e_",
            &[("`b`", "AgorCode"), ("**c**", "AgorBold"), ("*d*", "AgorItalic"), ("_e_", "AgorItalic")],
        );
        check("``a`b``", &[("``a`b``", "AgorCode")]);
        check("- [ ] x", &[("-", "AgorListMarker")]);
        check("12. x", &[("12.", "AgorListMarker")]);
        check("> q", &[("> q", "AgorQuote")]);
        check("see https://a.b/c) x", &[("https://a.b/c", "AgorLink")]);
        check("snake_case_name 2*3*4", &[]);
        check("open `code and **bold", &[]);
        check("ä **ö** ü", &[("**ö**", "AgorBold")]);
        check("\\*no\\*", &[]);
        check("ends in \\ä", &[]);
    }

    #[test]
    fn a_fence_closes_by_its_own_mark_only() {
        let mut fence = Fence::default();
        let mut inside = Vec::new();
        for line in ["~~~~rust", "```", "~~~", "~~~~", "after"] {
            inside.push(fence.open.is_some());
            fence.pass(line);
        }
        assert_eq!(inside, [false, true, true, true, false]);
    }
}
