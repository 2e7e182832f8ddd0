//! Characters that draw nothing, or turn what stands around them, and that Neovim hands to the terminal as they are: in what
//! is shown, a sign of as many bytes stands in the place of each, so that no column of the line moves.
//!
//! Neovim shows the others itself by their numbers (`^[`, `<9b>`, `<202e>`, `<200b>`; tried with 0.11.4). Whether one is
//! meant, as the joiner of an emoji is, is decided by what stands before it, never by what follows: a text that still grows
//! is shown in pieces. What the agent said stays as it was everywhere else: in the journal, for `gy` and in the export.

use std::{borrow::Cow, ops::Range};

use unicode_width::UnicodeWidthChar;

/// Marks above and below one letter; what is piled higher runs over other lines of a terminal.
const PILED: usize = 10;
/// Letters of the longest flag that is spelt (`🏴` and six tags).
const FLAG: usize = 6;
/// How far before a piece it has to be known what stands there: a pile, or a flag.
const BEFORE: usize = 4 * (PILED + FLAG + 2);

/// A text as it can be shown.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    piece(text, 0..text.len())
}

/// A piece of a text as it can be shown; its ends are characters' boundaries.
pub(super) fn piece(text: &str, bytes: Range<usize>) -> Cow<'_, str> {
    let wanted = &text[bytes.clone()];
    if wanted.is_ascii() {
        return Cow::Borrowed(wanted);
    }
    let mut from = bytes.start.saturating_sub(BEFORE);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut before = Before::default();
    text[from..bytes.start].chars().for_each(|c| before.pass(c));
    let mut out = String::new();
    let mut done = 0;
    for (at, c) in wanted.char_indices() {
        if before.is_unseen(c) {
            out.push_str(&wanted[done..at]);
            out.push_str(sign(c, &mut [0; 4]));
            done = at + c.len_utf8();
        }
        before.pass(c);
    }
    if done == 0 {
        return Cow::Borrowed(wanted);
    }
    out.push_str(&wanted[done..]);
    Cow::Owned(out)
}

/// As many bytes as the character has. A tag says which letter it hides.
fn sign(c: char, room: &mut [u8; 4]) -> &str {
    match c.len_utf8() {
        2 => "¤",
        3 => "\u{fffd}",
        _ => {
            let letter = u32::from(c).checked_sub(0xe0000).and_then(|code| u8::try_from(code).ok());
            let letter = letter.filter(|letter| (b' '..=b'~').contains(letter)).unwrap_or(b'?');
            room[..3].copy_from_slice("‹".as_bytes());
            room[3] = letter;
            std::str::from_utf8(room).unwrap_or("????")
        }
    }
}

/// What stands before a character, as far as it matters.
#[derive(Debug, Default)]
struct Before {
    last: Option<char>,
    /// Characters without a width in a row, the last included.
    piled: usize,
    /// Tags in a row behind a flag.
    spelt: Option<usize>,
}

impl Before {
    fn pass(&mut self, c: char) {
        self.piled = if c.width() == Some(0) { self.piled + 1 } else { 0 };
        self.spelt = match (c, self.spelt) {
            ('\u{1f3f4}', _) => Some(0),
            ('\u{e0020}'..='\u{e007e}', Some(count)) => Some(count + 1),
            _ => None,
        };
        self.last = Some(c);
    }

    fn is_unseen(&self, c: char) -> bool {
        if c.is_ascii() {
            return false;
        }
        // What it changes has to be there, and to be seen itself.
        let on = |fits: fn(char) -> bool| self.last.is_some_and(fits);
        let drawn = |c: char| !c.is_whitespace() && !c.is_control() && c.width() != Some(0);
        match c {
            '\u{ad}' | '\u{34f}' | '\u{61c}' => true,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' => true,
            '\u{2028}' | '\u{2029}' | '\u{2065}' | '\u{fff0}'..='\u{fff8}' => true,
            '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
            '\u{180b}'..='\u{180d}' | '\u{180f}' => !on(|c| ('\u{1820}'..='\u{18aa}').contains(&c)),
            // The words of several languages, and emoji that are made of others.
            '\u{200c}' | '\u{200d}' => !(on(|c| !c.is_ascii()) && on(|c| !matches!(c, '\u{200c}' | '\u{200d}'))),
            '\u{fe00}'..='\u{fe0f}' => !self.last.is_some_and(drawn),
            '\u{e0020}'..='\u{e007e}' => self.spelt.is_none_or(|count| count >= FLAG),
            '\u{e007f}' => self.spelt.is_none_or(|count| count == 0),
            '\u{e0100}'..='\u{e01ef}' => {
                !on(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'))
            }
            '\u{e0000}'..='\u{e0fff}' => true,
            c => self.piled >= PILED && c.width() == Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_draws_nothing_is_seen_and_what_is_meant_stays() {
        // `lua/agor/ui/cells.lua` does it the same way, and is held to the same table.
        let table: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../tests/fixtures/unseen.json")).expect("pairs of texts");
        assert!(table.len() > 15);
        for (text, expect) in table {
            let shown = shown(&text);
            assert_eq!(shown, expect, "{text:?}");
            assert_eq!(shown.len(), text.len(), "no column moves");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_is_shown_the_same_in_whatever_pieces_it_comes(
            chars in prop::collection::vec(prop_oneof![
                4 => prop::sample::select(vec!['a', ' ', 'ä', '語', '👩', '🏴', '\u{301}', '\u{200d}', '\u{fe0f}']),
                1 => prop::sample::select(vec!['\u{e0061}', '\u{e007f}', '\u{e0100}', '\u{2028}', '\u{61c}', '\n']),
                1 => any::<char>(),
            ], 0..80),
            cuts in prop::collection::vec(0usize..80, 0..6),
        ) {
            let text: String = chars.into_iter().collect();
            let whole = shown(&text);
            prop_assert_eq!(whole.len(), text.len());
            let mut cuts: Vec<usize> = cuts.into_iter().filter_map(|cut| text.char_indices().nth(cut).map(|(at, _)| at)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: String = cuts.windows(2).map(|cut| piece(&text, cut[0]..cut[1]).into_owned()).collect();
            prop_assert_eq!(&pieces, &whole);
        }
    }
}
