//! Words in the lines of a file, from its end: as bytes first, and only lines that may hold one are read. Memory is
//! bounded by the longest line. What a line says is for the caller to know.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use memchr::{memchr, memrchr};
use serde::Serialize;

use super::words::{Found, Words};

/// What is read at once.
const CHUNK: u64 = 256 * 1024;
/// Longer lines are passed over.
const MOST_LINE: usize = if cfg!(test) { 1024 * 1024 } else { 16 * 1024 * 1024 };
/// Of what is shown of a hit.
const EXCERPT: usize = 160;

/// Where words stand in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Where the line begins, in bytes.
    pub at: u64,
    /// A row of it with a word, shortened.
    pub text: String,
    /// Where words stand in that, in bytes: begin and end of each.
    pub places: Vec<(usize, usize)>,
}

/// What a scan has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// Not all words are in it.
    No,
    /// The newest line that holds most of them.
    Hit(Hit),
    /// Nobody wants to know any more.
    Moot,
}

/// Searches for what `known` does not have yet. `texts` tells what a line says; `moot` is asked now and then.
pub fn scan(
    file: &mut File,
    words: &Words,
    known: Found,
    mut texts: impl FnMut(&[u8]) -> Vec<String>,
    mut moot: impl FnMut() -> bool,
) -> io::Result<Scanned> {
    let mut state = State { words, found: known, best: None };
    let mut end = file.metadata()?.len();
    // The beginning of what was read last, whose line begins before it.
    let mut rest: Vec<u8> = Vec::new();
    let mut passing = false;
    while end > 0 {
        if moot() {
            return Ok(Scanned::Moot);
        }
        let start = end.saturating_sub(CHUNK);
        let mut bytes = Vec::with_capacity((end - start) as usize + rest.len());
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(end - start).read_to_end(&mut bytes)?;
        if passing {
            // The end of a line that is too long.
            match memrchr(b'\n', &bytes) {
                Some(at) => bytes.truncate(at + 1),
                None => {
                    end = start;
                    continue;
                }
            }
        }
        bytes.append(&mut rest);
        end = start;
        let cut = match (start, memchr(b'\n', &bytes)) {
            (0, _) => 0,
            (_, Some(at)) => at + 1,
            (_, None) => bytes.len(),
        };
        if state.look(&bytes[cut..], start + cut as u64, &mut texts) {
            break;
        }
        bytes.truncate(cut);
        passing = bytes.len() > MOST_LINE;
        if !passing {
            rest = bytes;
        }
    }
    Ok(match state.best {
        Some((_, hit)) if words.is_all(state.found) => Scanned::Hit(hit),
        _ => Scanned::No,
    })
}

struct State<'w> {
    words: &'w Words,
    found: Found,
    /// With how many words it has.
    best: Option<(u32, Hit)>,
}

impl State<'_> {
    /// Whole lines, the last one first. True if there is nothing more to look for.
    fn look(&mut self, bytes: &[u8], at: u64, texts: &mut impl FnMut(&[u8]) -> Vec<String>) -> bool {
        if !self.has_news(bytes) {
            return false;
        }
        let mut end = bytes.len();
        while end > 0 {
            let begin = memrchr(b'\n', &bytes[..end - 1]).map_or(0, |before| before + 1);
            let line = &bytes[begin..end];
            if self.has_news(line) && self.line(line, at + begin as u64, texts) {
                return true;
            }
            end = begin;
        }
        false
    }

    /// Whether there may be something in it that was not found yet.
    fn has_news(&self, bytes: &[u8]) -> bool {
        let may = self.words.may_be_in(bytes);
        may.and(self.found) != self.found
    }

    fn line(&mut self, line: &[u8], at: u64, texts: &mut impl FnMut(&[u8]) -> Vec<String>) -> bool {
        let texts = texts(line);
        let each: Vec<Found> = texts.iter().map(|text| self.words.in_text(text)).collect();
        let here = each.iter().fold(Found::default(), |all, one| all.and(*one));
        if here.count() > self.best.as_ref().map_or(0, |(count, _)| *count)
            && let Some((text, _)) = texts.iter().zip(&each).max_by_key(|(_, found)| found.count())
        {
            let text = excerpt(text, self.words);
            let places = self.words.places(&text).into_iter().map(|place| (place.start, place.end)).collect();
            self.best = Some((here.count(), Hit { at, text, places }));
        }
        self.found = self.found.and(here);
        self.words.is_all(self.found)
    }
}

/// The row with most of the words, cut to what can be shown, the first of them in sight.
fn excerpt(text: &str, words: &Words) -> String {
    let rows = text.lines().map(|row| (words.in_text(row).count(), row));
    let best = rows.fold((0, ""), |best, row| if row.0 > best.0 { row } else { best });
    let row = if best.0 == 0 { text.lines().next().unwrap_or_default() } else { best.1 };
    let first = words.places(row).first().map_or(0, |place| place.start);
    let from = match row[..first].char_indices().rev().nth(EXCERPT / 4) {
        Some((at, _)) => at,
        None => row.len() - row.trim_start().len(),
    };
    let lead = if row[..from].trim().is_empty() { "" } else { "…" };
    format!("{lead}{}", row[from..].chars().take(EXCERPT).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(lines: &[String]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        for line in lines {
            file.write_all(line.as_bytes()).expect("written");
        }
        file
    }

    fn scanned(lines: &[String], search: &str) -> (Scanned, usize) {
        let words = Words::parse(search).expect("words");
        let mut read = 0;
        let texts = |line: &[u8]| {
            read += 1;
            vec![serde_json::from_slice::<String>(line).unwrap_or_default()]
        };
        let scanned = scan(&mut file(lines), &words, Found::default(), texts, || false).expect("read");
        (scanned, read)
    }

    fn line(text: &str) -> String {
        format!("{}\n", serde_json::to_string(text).expect("JSON"))
    }

    #[track_caller]
    fn check(lines: &[String], search: &str, expect: Option<(usize, &str)>) {
        let at = |index: usize| lines[..index].iter().map(|line| line.len() as u64).sum();
        let found = match scanned(lines, search).0 {
            Scanned::Hit(hit) => {
                let marked = hit.places.first().map(|place| hit.text[place.0..place.1].to_lowercase());
                assert!(marked.is_none_or(|marked| search.contains(&marked)), "{:?}", hit.places);
                Some((hit.at, hit.text))
            }
            _ => None,
        };
        assert_eq!(found, expect.map(|(index, text)| (at(index), text.to_owned())));
    }

    #[test]
    fn the_newest_line_with_a_word_is_the_hit() {
        let lines = [line("one needle"), line("a\n  the Needle here\nb"), line("nothing")];
        check(&lines, "needle", Some((1, "the Needle here")));
        check(&lines, "one", Some((0, "one needle")));
        check(&lines, "haystack", None);
        check(&[], "needle", None);
    }

    #[test]
    fn words_may_stand_in_different_lines() {
        let lines = [line("alpha beta"), line("gamma"), line("beta")];
        check(&lines, "alpha gamma beta", Some((0, "alpha beta")));
        check(&lines, "alpha delta", None);
    }

    #[test]
    fn lines_may_be_longer_than_what_is_read_at_once() {
        let long = format!("begin {} end", "x".repeat(3 * CHUNK as usize));
        let lines = [line("first"), line(&long), line("last"), "\"torn needle".to_owned()];
        check(&lines, "begin", Some((1, &line(&long)[1..=EXCERPT])));
        check(&lines, "first", Some((0, "first")));
        check(&lines, "last", Some((2, "last")));
        check(&lines, "needle", None);
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let lines = [line("before"), line(&"y".repeat(MOST_LINE + 2 * CHUNK as usize)), line("after")];
        check(&lines, "before", Some((0, "before")));
        check(&lines, "after", Some((2, "after")));
        check(&lines, "yyy", None);
    }

    #[test]
    fn only_lines_that_may_hold_a_word_are_read() {
        let mut lines: Vec<String> = (0..20_000).map(|index| line(&format!("line {index}"))).collect();
        lines[7] = line("the needle");
        let (hit, read) = scanned(&lines, "needle");
        assert!(matches!(hit, Scanned::Hit(_)));
        assert_eq!(read, 1);
    }

    #[test]
    fn a_search_that_nobody_waits_for_ends() {
        let words = Words::parse("x").expect("words");
        let scanned = scan(&mut file(&[line("x")]), &words, Found::default(), |_| Vec::new(), || true);
        assert_eq!(scanned.expect("read"), Scanned::Moot);
    }
}
