//! A text without what is for a terminal alone: colours, titles, links. Nobody here obeys that, and the user who reads the text
//! would see its bytes.

use std::borrow::Cow;

/// Without escape sequences (ECMA-48); one that the text's end cuts off goes too. Other control characters stay.
pub fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        rest = behind(after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What stands behind a sequence, of which the escape has been read.
fn behind(text: &str) -> &str {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => {
            let parameters = chars.as_str().trim_start_matches(|char| matches!(char, ' '..='?'));
            parameters.strip_prefix(|char| matches!(char, '@'..='~')).unwrap_or(parameters)
        }
        // Strings, which a bell or `ESC \` ends.
        Some(']' | 'P' | 'X' | '^' | '_') => match chars.as_str().find(['\u{7}', '\u{1b}']) {
            Some(end) => {
                let end = &chars.as_str()[end..];
                end.strip_prefix("\u{1b}\\").or_else(|| end.strip_prefix('\u{7}')).unwrap_or(end)
            }
            None => "",
        },
        Some(' '..='/') => {
            let last = chars.as_str().trim_start_matches(|char| matches!(char, ' '..='/'));
            last.strip_prefix(|char| matches!(char, '0'..='~')).unwrap_or(last)
        }
        Some('0'..='~') => chars.as_str(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        assert_eq!(without_escapes(line), expect);
    }

    #[test]
    fn colours_titles_and_links_go() {
        check(
            "\x1b[2m2026-11-26\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mcodex\x1b[0m: none",
            "2026-11-26 ERROR codex: none",
        );
        check("\x1b[38;2;255;0;0mred\x1b[K\x1b[?25l", "red");
        check("\x1b]0;a title\x07words \x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "words link");
        check("\x1b(Bplain\x1b7\x1bM", "plain");
    }

    #[test]
    fn what_is_no_sequence_stays() {
        check("", "");
        check("[2m ü\t]0;", "[2m ü\t]0;");
        check("a\x1b", "a");
        check("a\x1bü", "aü");
        check("a\x1b[1ü", "aü");
    }

    #[test]
    fn one_that_is_cut_off_takes_nothing_else_along() {
        check("a\x1b[38;5", "a");
        check("a\x1b]0;title", "a");
        check("a\x1b]0;title\x1b[1mb", "ab");
    }
}
