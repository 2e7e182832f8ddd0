//! Paths of a project, and those of them that answer what was typed, the likeliest first.
//!
//! Knows no disk; of threads only that many paths are looked at by several. A path that ends with a slash is a
//! directory's.

use std::{num::NonZero, panic::resume_unwind, thread};

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};

/// Of all paths of one listing, in bytes: with the bound on their number, what a listing may cost.
const MOST_TEXT: usize = 32 << 20;

/// A thread is worth starting for so many paths.
const SHARE: usize = 8192;
const MOST_THREADS: usize = 4;

/// What a path that is open in the editor has ahead of one that is not: about one letter that matches.
const RECENT: u32 = 16;

/// In one piece of memory: 200,000 paths are one allocation that goes back to the system when it is dropped.
#[derive(Debug, Default)]
pub struct Listing {
    text: String,
    ends: Vec<u32>,
}

impl Listing {
    /// False if there is no room for it.
    pub fn push(&mut self, path: &str) -> bool {
        let end = self.text.len() + path.len();
        if end > MOST_TEXT {
            return false;
        }
        self.text.push_str(path);
        self.ends.push(end as u32);
        true
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[index] as usize]
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Finds in one listing, which may only grow meanwhile. What is typed after a word that was looked for before is looked
/// for among that one's answers only: whatever has the longer word in it has the shorter one too.
pub struct Finder {
    /// One for each thread that looks.
    matchers: Vec<Matcher>,
    query: String,
    hits: Vec<u32>,
    /// How many paths of the listing have been looked at for them.
    seen: usize,
}

impl Default for Finder {
    fn default() -> Self {
        Self { matchers: vec![matcher()], query: String::new(), hits: Vec::new(), seen: 0 }
    }
}

fn matcher() -> Matcher {
    Matcher::new(Config::DEFAULT.match_paths())
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    pub paths: Vec<String>,
    /// How many there would be.
    pub total: usize,
}

impl Finder {
    /// The listing is another one from now on.
    pub fn reset(&mut self) {
        self.query.clear();
        self.hits = Vec::new();
        self.seen = 0;
    }

    /// The likeliest `limit`. `recent` are paths in the order in which they are likely meant; they need not be listed.
    pub fn find(&mut self, listing: &Listing, query: &str, recent: &[String], limit: usize) -> Answers {
        match query.is_empty() {
            true => first(listing, recent, limit),
            false => self.matching(listing, query, recent, limit),
        }
    }

    /// Those that fit, with their score, in the order of the candidates.
    fn rank(&mut self, listing: &Listing, candidates: &[u32], atom: &Atom, recent: &[String]) -> Vec<(u32, u32)> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let threads = threads.min(candidates.len() / SHARE).max(1);
        self.matchers.resize_with(threads.max(self.matchers.len()), matcher);
        let look = |candidates: &[u32], matcher: &mut Matcher| {
            let mut buffer = Vec::new();
            let score = |&index: &u32| {
                let path = listing.get(index as usize);
                let score = atom.score(Utf32Str::new(path, &mut buffer), matcher)?;
                let bonus = if recent.iter().any(|one| one == path) { RECENT } else { 0 };
                Some((u32::from(score) + bonus, index))
            };
            candidates.iter().filter_map(score).collect::<Vec<_>>()
        };
        if threads == 1 {
            return look(candidates, &mut self.matchers[0]);
        }
        let (share, look) = (candidates.len().div_ceil(threads), &look);
        thread::scope(|scope| {
            let looking: Vec<_> = candidates
                .chunks(share)
                .zip(&mut self.matchers)
                .map(|(candidates, matcher)| scope.spawn(move || look(candidates, matcher)))
                .collect();
            let found = looking.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            found.flatten().collect()
        })
    }

    fn matching(&mut self, listing: &Listing, query: &str, recent: &[String], limit: usize) -> Answers {
        // Spaces are letters: they are in names.
        let atom = Atom::new(query, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
        let narrows = !self.query.is_empty() && query.starts_with(&self.query);
        let (known, seen) = if narrows { (std::mem::take(&mut self.hits), self.seen) } else { (Vec::new(), 0) };
        let candidates: Vec<u32> = known.into_iter().chain(seen as u32..listing.len() as u32).collect();
        let mut ranked = self.rank(listing, &candidates, &atom, recent);
        self.query.clear();
        self.query.push_str(query);
        self.hits = ranked.iter().map(|(_, index)| *index).collect();
        self.seen = listing.len();
        let total = ranked.len();
        let order = |a: &(u32, u32), b: &(u32, u32)| {
            let (left, right) = (listing.get(a.1 as usize), listing.get(b.1 as usize));
            b.0.cmp(&a.0).then_with(|| left.len().cmp(&right.len())).then_with(|| left.cmp(right))
        };
        keep(&mut ranked, limit, order);
        let paths = ranked.into_iter().map(|(_, index)| listing.get(index as usize).to_owned()).collect();
        Answers { paths, total }
    }
}

/// Nothing was typed yet: what is open, then what lies nearest to the top.
fn first(listing: &Listing, recent: &[String], limit: usize) -> Answers {
    let mut others: Vec<(usize, &str)> = listing
        .iter()
        .filter(|path| !recent.iter().any(|one| one == path))
        .map(|path| (path.trim_end_matches('/').matches('/').count(), path))
        .collect();
    let total = others.len() + recent.len();
    keep(&mut others, limit, |a, b| a.cmp(b));
    let recent = recent.iter().map(String::as_str);
    let paths = recent.chain(others.into_iter().map(|(_, path)| path)).take(limit).map(str::to_owned).collect();
    Answers { paths, total }
}

/// The first `limit` in order; the rest need not be sorted to be dropped.
fn keep<T>(items: &mut Vec<T>, limit: usize, order: impl Fn(&T, &T) -> std::cmp::Ordering) {
    if items.len() > limit {
        items.select_nth_unstable_by(limit, &order);
        items.truncate(limit);
    }
    items.sort_unstable_by(&order);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let mut listing = Listing::default();
        for path in paths {
            assert!(listing.push(path));
        }
        listing
    }

    const PROJECT: &[&str] = &[
        "src/",
        "src/domain/",
        "src/domain/id.rs",
        "src/main.rs",
        "README.md",
        "doc/ä ö.txt",
        "tests/main_path.rs",
        "lua/agor/ui/prompt.lua",
    ];

    #[track_caller]
    fn check(query: &str, recent: &[&str], expect: &[&str]) {
        let recent: Vec<String> = recent.iter().map(|path| path.to_string()).collect();
        assert_eq!(Finder::default().find(&listing(PROJECT), query, &recent, 3).paths, expect, "{query}");
    }

    #[test]
    fn the_beginning_of_a_name_is_likelier_than_its_middle() {
        check("main", &[], &["src/main.rs", "tests/main_path.rs", "src/domain/"]);
        check("lup", &[], &["lua/agor/ui/prompt.lua"]);
        check("zzz", &[], &[]);
    }

    #[test]
    fn capitals_count_once_one_is_typed_and_spaces_are_letters() {
        check("readme", &[], &["README.md"]);
        check("Readme", &[], &[]);
        check("ä ö", &[], &["doc/ä ö.txt"]);
        check("a o", &[], &["doc/ä ö.txt"]);
    }

    #[test]
    fn what_is_open_comes_first_and_then_what_is_near_the_top() {
        check("", &[], &["README.md", "src/", "doc/ä ö.txt"]);
        check("", &["src/domain/id.rs", "elsewhere.rs"], &["src/domain/id.rs", "elsewhere.rs", "README.md"]);
        check("main", &["tests/main_path.rs"], &["tests/main_path.rs", "src/main.rs", "src/domain/"]);
    }

    #[test]
    fn all_are_counted_though_few_are_given() {
        let answers = Finder::default().find(&listing(PROJECT), "s", &[], 2);
        assert_eq!((answers.paths.len(), answers.total), (2, 5));
        assert_eq!(Finder::default().find(&listing(PROJECT), "", &["x".to_owned()], 2).total, PROJECT.len() + 1);
    }

    #[test]
    fn many_paths_are_found_as_few_are() {
        let paths: Vec<String> = (0..3 * SHARE).map(|number| format!("src/{number}/main.rs")).collect();
        let mut many = Listing::default();
        paths.iter().for_each(|path| assert!(many.push(path)));
        let answers = Finder::default().find(&many, "7main", &[], 100_000);
        let mut few_by_few: Vec<String> = Vec::new();
        for chunk in paths.chunks(SHARE / 2) {
            let few: Vec<&str> = chunk.iter().map(String::as_str).collect();
            few_by_few.extend(Finder::default().find(&listing(&few), "7main", &[], 100_000).paths);
        }
        assert_eq!((answers.total, answers.paths[0].as_str()), (few_by_few.len(), "src/7/main.rs"));
        let mut paths = answers.paths;
        paths.sort();
        few_by_few.sort();
        assert_eq!(paths, few_by_few);
    }

    #[test]
    fn letter_by_letter_it_finds_what_it_finds_at_once_while_the_listing_grows() {
        let mut finder = Finder::default();
        let mut grown = Listing::default();
        let mut queries = ["s", "sr", "src", "src/", "src/m", "src", "srcM", "ma", "main", "m"].into_iter();
        for path in PROJECT.iter().chain(["src/Main.java", "examples/main.rs"].iter()) {
            grown.push(path);
            let query = queries.next().expect("one for each");
            let once = Finder::default().find(&grown, query, &[], 100);
            assert_eq!(finder.find(&grown, query, &[], 100), once, "{query}");
        }
        finder.reset();
        assert_eq!(finder.find(&listing(&["sun"]), "s", &[], 100).paths, ["sun"]);
    }
}
