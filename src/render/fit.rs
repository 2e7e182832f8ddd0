//! Text of others in a given number of cells: titles, paths and lines of output that are shown cut.
//!
//! Knows how wide a character is and what a terminal would have made of a line; nothing of entries.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{line::boundary, scene::Icons, unseen::shown};
use crate::domain::without_escapes;

/// As wide as Neovim draws it, a tab up to the farthest stop.
pub(super) fn cells(text: &str) -> usize {
    text.width() + text.chars().map(more).sum::<usize>()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(1) + more(c)
}

/// What a character takes beside its own width: those that control or direct others are shown by their numbers.
fn more(c: char) -> usize {
    match c {
        '\t' => 7,
        '\0'..='\x1f' | '\x7f' => 1,
        '\u{80}'..='\u{9f}' => 3,
        '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => 6,
        _ => 0,
    }
}

/// The beginning of a text in so many cells.
pub(super) fn start(text: &str, room: usize, icons: Icons) -> Cow<'_, str> {
    // Nobody asks how wide the rest of a megabyte is.
    let head = &text[..boundary(text, room.saturating_mul(8).saturating_add(64))];
    let whole = head.len() == text.len();
    let head = shown(head);
    if whole && cells(&head) <= room {
        return head;
    }
    let ellipsis = icons.ellipsis();
    let mut left = room.saturating_sub(cells(ellipsis));
    let end = head.char_indices().find(|(_, c)| {
        let fits = width(*c) <= left;
        left = left.saturating_sub(width(*c));
        !fits
    });
    Cow::Owned(format!("{}{ellipsis}", head[..end.map_or(head.len(), |(at, _)| at)].trim_end()))
}

/// The end of a path in so many cells: its last parts say more than its first.
pub(super) fn path(text: &str, room: usize, icons: Icons) -> Cow<'_, str> {
    let text = shown(text);
    if text.len() <= room || cells(&text) <= room {
        return text;
    }
    let ellipsis = icons.ellipsis();
    let mut left = room.saturating_sub(cells(ellipsis));
    let from = text.char_indices().rev().take_while(|(_, c)| {
        let fits = width(*c) <= left;
        left = left.saturating_sub(width(*c));
        fits
    });
    let tail = &text[from.last().map_or(text.len(), |(at, _)| at)..];
    // Whole parts where there are any.
    let tail = tail.find('/').filter(|at| at + 1 < tail.len()).map_or(tail, |at| &tail[at..]);
    Cow::Owned(format!("{ellipsis}{tail}"))
}

/// A line as a terminal would have left it: without colours and titles, and with what overwrote it.
pub(super) fn printed(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches('\r');
    let line = line.rfind('\r').map_or(line, |at| &line[at + 1..]);
    without_escapes(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_cells_and_not_to_characters() {
        let check = |text, room, expect| assert_eq!(start(text, room, Icons::Unicode), expect);
        check("cargo test", 10, "cargo test");
        check("cargo test", 8, "cargo t…");
        check("cargo test", 7, "cargo…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("a\tb", 9, "a…");
        check("a\u{202e}b", 8, "a\u{202e}b");
        check("a\u{202e}b", 7, "a…");
        check("x", 0, "…");
        assert_eq!(start("cargo test", 8, Icons::Ascii), "cargo...");
        assert_eq!(start(&"x".repeat(1 << 20), 3, Icons::Unicode), "xx…");
    }

    #[test]
    fn a_path_keeps_its_end() {
        let check = |text, room, expect| assert_eq!(path(text, room, Icons::Unicode), expect);
        check("src/render/tool.rs", 18, "src/render/tool.rs");
        check("src/render/tool.rs", 17, "…/render/tool.rs");
        check("src/render/tool.rs", 12, "…/tool.rs");
        check("src/render/tool.rs", 6, "…ol.rs");
        check("日本/語", 4, "…/語");
    }

    #[test]
    fn a_line_is_what_a_terminal_would_have_left() {
        let check = |text, expect| assert_eq!(printed(text), expect);
        check("plain\r", "plain");
        check(" 10%\r 50%\r100%", "100%");
        check("\u{1b}[1;31merror\u{1b}[0m: no", "error: no");
        check("\u{1b}]0;title\u{7}ok \u{1b}]8;;http://a\u{1b}\\link", "ok link");
        check("\u{1b}(Bx\u{1b}=y\u{1b}[2", "xy");
        check("\u{1b}", "");
        check("ä\u{1b}ä", "ää");
    }
}
