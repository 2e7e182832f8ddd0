//! Addresses that stand in a text as they are: `https://…`, without brackets.

use std::ops::Range;

use memchr::memmem;

/// More closing brackets than this are not looked at, so that a line of them costs no more than others.
const BRACKETS: usize = 16;

/// Those that begin in a range. They may reach beyond it, up to their line's end.
pub(super) fn within(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let start = range.start;
    let mut last = 0;
    memmem::find_iter(&text.as_bytes()[range], b"://").filter_map(move |found| {
        let colon = start + found;
        // One may have others in it.
        if colon < last {
            return None;
        }
        let before = &text[start..colon];
        let scheme = ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme))?;
        let begin = colon - scheme.len();
        // In a text without spaces anything else may stand before it.
        if text[..begin].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = &text[colon + 3..];
        let stop = |c: char| !(c.is_ascii_graphic() || c.is_alphanumeric()) || matches!(c, '<' | '>' | '"' | '`' | '|');
        let rest = &rest[..rest.find(stop).unwrap_or(rest.len())];
        let kept = without_punctuation(rest);
        last = colon + 3 + rest.len();
        (!kept.is_empty()).then(|| begin..colon + 3 + kept.len())
    })
}

/// What ends a sentence or closes a bracket around an address is none of it.
fn without_punctuation(address: &str) -> &str {
    let mut rest = address;
    for _ in 0..BRACKETS {
        let shorter = rest.trim_end_matches(['?', '!', '.', ',', ':', ';', '*', '_', '~', '\'']);
        let closed = |open: char, close: char| {
            shorter.ends_with(close) && shorter.matches(close).count() > shorter.matches(open).count()
        };
        rest = match closed('(', ')') || closed('[', ']') {
            true => &shorter[..shorter.len() - 1],
            false => return shorter,
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let found: Vec<_> = within(text, 0..text.len()).map(|address| &text[address]).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn an_address_ends_before_what_closes_the_sentence() {
        check("see https://a.b/c) and (http://d.e/f_(g)).", &["https://a.b/c", "http://d.e/f_(g)"]);
        check("https://a.b/c?d=e&f#g, **https://h.i**", &["https://a.b/c?d=e&f#g", "https://h.i"]);
        check("见https://a.b/ä。", &["https://a.b/ä"]);
        check("xhttps://a.b ftp://c.d https:// http://", &[]);
    }
}
