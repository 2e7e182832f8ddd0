//! The words of a search, and where they stand in a text. Knows nothing of files.

use std::ops::Range;

use regex::{Regex, RegexBuilder, bytes};

/// More than anybody types.
const MOST_WORDS: usize = 12;
const MOST_CHARS: usize = 200;

/// What is searched for: all of them. A word with a capital letter is meant as it is written, any other in either case;
/// words between quotes are one.
#[derive(Clone, Debug)]
pub struct Words(Vec<Word>);

#[derive(Clone, Debug)]
struct Word {
    pattern: Regex,
    /// Finds nothing in the bytes of a JSON line that does not hold the word; `None` if nothing can be said of them.
    sieve: Option<bytes::Regex>,
}

/// Which of the words were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found(u16);

impl Found {
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub fn and(self, other: Found) -> Found {
        Found(self.0 | other.0)
    }
}

impl Words {
    /// `None` if there is no word in it.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<Word> = split(text).into_iter().filter_map(Word::new).take(MOST_WORDS).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    pub fn is_all(&self, found: Found) -> bool {
        found.count() as usize == self.0.len()
    }

    pub fn in_text(&self, text: &str) -> Found {
        self.each(|word| word.pattern.is_match(text))
    }

    /// What lines of JSON may hold, before anybody reads them as that.
    pub fn may_be_in(&self, bytes: &[u8]) -> Found {
        self.each(|word| word.sieve.as_ref().is_none_or(|sieve| sieve.is_match(bytes)))
    }

    fn each(&self, is_in: impl Fn(&Word) -> bool) -> Found {
        let bits = self.0.iter().enumerate().filter(|(_, word)| is_in(word)).map(|(at, _)| 1 << at);
        Found(bits.fold(0, |all, bit: u16| all | bit))
    }

    /// In order, none within another.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> =
            self.0.iter().flat_map(|word| word.pattern.find_iter(text)).map(|found| found.range()).collect();
        places.sort_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in places {
            match apart.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        apart
    }
}

impl Word {
    fn new(text: &str) -> Option<Self> {
        let text: String = text.chars().take(MOST_CHARS).collect();
        let either_case = !text.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&regex::escape(&text)).case_insensitive(either_case).build().ok()?;
        // JSON writes these otherwise, and JSON within JSON yet otherwise.
        let plain = text.split(|c: char| c == '"' || c == '\\' || c.is_control()).max_by_key(|piece| piece.len());
        let sieve = plain.filter(|piece| !piece.is_empty()).and_then(|piece| {
            bytes::RegexBuilder::new(&regex::escape(piece)).case_insensitive(either_case).build().ok()
        });
        Some(Self { pattern, sieve })
    }
}

/// A quote that nobody has closed yet goes to the end.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !word.trim().is_empty() {
            words.push(word);
        }
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(search: &str, text: &str, expect: bool) {
        let words = Words::parse(search).expect("there are words");
        assert_eq!(words.is_all(words.in_text(text)), expect, "{search} in {text}");
        let line = serde_json::to_vec(&[text]).expect("a line");
        assert!(!expect || words.is_all(words.may_be_in(&line)), "the sieve keeps {text}");
    }

    #[test]
    fn all_words_have_to_be_there_in_any_order() {
        check("parser fix", "Fix the Parser", true);
        check("parser fix", "the parser", false);
        check("\"the parser\"", "fix the parser", true);
        check("\"parser the", "the parser", false);
        assert!(Words::parse(" \" \" ").is_none() && Words::parse("").is_none());
    }

    #[test]
    fn a_capital_letter_is_meant() {
        check("größe", "GRÖSSE Größe", true);
        check("Größe", "größe", false);
        check("todo", "TODO", true);
    }

    #[test]
    fn what_json_escapes_is_found() {
        check("say(\"hi\")", "x = say(\"hi\")", true);
        check("\\n", "a \\n b", true);
        check("\\", "a\\b", true);
        check(".*", "abc", false);
    }

    #[test]
    fn places_do_not_overlap() {
        let words = Words::parse("abc bcd x").expect("words");
        assert_eq!(words.places("abcd x abc"), [0..4, 5..6, 7..10]);
    }
}
