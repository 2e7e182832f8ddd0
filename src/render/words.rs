//! Which words of a changed line are others than before: only where a removed line and an added one are the same line,
//! changed. Pure, and bounded: it is worked out whenever a change is laid out.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Longer lines are not compared, in bytes.
const MOST_LINE: usize = 512;
/// Removed times added lines of one run: larger runs were written anew.
const MOST_PAIRS: usize = 100;
/// Bytes that are compared in one change.
const MOST_BYTES: usize = 64 * 1024;
/// Two lines are one that was changed if they share so much of their text, in hundredths.
const ALIKE: usize = 50;

/// What was compared so far in one change.
#[derive(Debug, Default)]
pub(super) struct Words {
    bytes: usize,
}

/// Bytes of a line that are new or gone; none if the line as a whole is.
pub(super) type Changed = Vec<Range<usize>>;

impl Words {
    /// The removed lines of a run and the added ones after them.
    pub(super) fn compare(&mut self, removed: &[&str], added: &[&str]) -> (Vec<Changed>, Vec<Changed>) {
        let mut out = (vec![Changed::new(); removed.len()], vec![Changed::new(); added.len()]);
        if removed.is_empty() || added.is_empty() || removed.len() * added.len() > MOST_PAIRS {
            return out;
        }
        let old: Vec<Vec<&str>> = removed.iter().map(|line| split(line)).collect();
        let new: Vec<Vec<&str>> = added.iter().map(|line| split(line)).collect();
        let mut pairs = Vec::with_capacity(old.len() * new.len());
        for old in &old {
            for new in &new {
                pairs.push(self.pair(old, new));
            }
        }
        for (from, to) in align(&pairs, old.len(), new.len()) {
            if let Some(pair) = pairs.get_mut(from * new.len() + to).and_then(Option::take) {
                out.0[from] = pair.old;
                out.1[to] = pair.new;
            }
        }
        out
    }

    /// `None` if they have little in common, or nothing is left to compare with.
    fn pair(&mut self, old: &[&str], new: &[&str]) -> Option<Pair> {
        let length = |words: &[&str]| words.iter().map(|word| word.len()).sum::<usize>();
        let (before, after) = (length(old), length(new));
        let total = before + after;
        // The shorter one cannot have more in common than itself.
        if before.max(after) > MOST_LINE || 200 * before.min(after) < ALIKE * total || self.bytes > MOST_BYTES {
            return None;
        }
        self.bytes += total;
        let mut pair = Pair { common: 0, total: 0, old: Vec::new(), new: Vec::new() };
        let weight = |words: &[&str]| words.iter().map(|word| word.trim().len()).sum::<usize>();
        pair.total = weight(old) + weight(new);
        let at = |words: &[&str], index: usize| length(&words[..index]);
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            let (tag, from, to) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                pair.common += weight(&old[from]);
                continue;
            }
            push(&mut pair.old, at(old, from.start)..at(old, from.end), old, &from);
            push(&mut pair.new, at(new, to.start)..at(new, to.end), new, &to);
        }
        (200 * pair.common >= ALIKE * pair.total && pair.common > 0).then_some(pair)
    }
}

struct Pair {
    /// Without white space.
    common: usize,
    total: usize,
    old: Changed,
    new: Changed,
}

/// Words, runs of white space, and single signs.
fn split(line: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in line.char_indices() {
        let now = kind(c);
        if last.is_some_and(|last| last != now || now == 2) {
            words.push(&line[start..at]);
            start = at;
        }
        last = Some(now);
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}

/// Neighbours with but white space between them are one.
fn push(changed: &mut Changed, bytes: Range<usize>, words: &[&str], at: &Range<usize>) {
    if bytes.is_empty() {
        return;
    }
    let space = at.start.checked_sub(1).and_then(|before| words.get(before)).filter(|word| word.trim().is_empty());
    match (changed.last_mut(), space) {
        (Some(last), Some(space)) if last.end + space.len() == bytes.start => last.end = bytes.end,
        _ => changed.push(bytes),
    }
}

/// Which lines belong together: in order, with as much in common as can be.
fn align(pairs: &[Option<Pair>], removed: usize, added: usize) -> Vec<(usize, usize)> {
    let common = |from: usize, to: usize| pairs[from * added + to].as_ref().map_or(0, |pair| pair.common);
    // The best of the lines from here on.
    let mut best = vec![vec![0usize; added + 1]; removed + 1];
    for from in (0..removed).rev() {
        for to in (0..added).rev() {
            let skip = best[from + 1][to].max(best[from][to + 1]);
            best[from][to] = skip.max(common(from, to) + best[from + 1][to + 1]);
        }
    }
    let (mut from, mut to, mut found) = (0, 0, Vec::new());
    while from < removed && to < added {
        let here = common(from, to);
        if here > 0 && best[from][to] == here + best[from + 1][to + 1] {
            found.push((from, to));
            (from, to) = (from + 1, to + 1);
        } else if best[from][to] == best[from + 1][to] {
            from += 1;
        } else {
            to += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changed words in brackets.
    #[track_caller]
    fn check(removed: &[&str], added: &[&str], expect: &[&str]) {
        let (old, new) = Words::default().compare(removed, added);
        let mark = |(line, changed): (&&str, &Changed)| {
            let mut out = (*line).to_owned();
            for range in changed.iter().rev() {
                out.insert(range.end, ']');
                out.insert(range.start, '[');
            }
            out
        };
        let lines = removed.iter().zip(&old).chain(added.iter().zip(&new));
        assert_eq!(lines.map(mark).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn words_that_changed_are_marked_on_both_sides() {
        check(&["let a = b;"], &["let a = c;"], &["let a = [b];", "let a = [c];"]);
        check(&["f(a)"], &["f(a, b)"], &["f(a)", "f(a[, b])"]);
        check(&["one two three four"], &["one 2 3 four"], &["one [two three] four", "one [2 3] four"]);
        check(&["größe = 1"], &["größe = 2 // ä"], &["größe = [1]", "größe = [2 // ä]"]);
    }

    #[test]
    fn another_indentation_is_a_change_too() {
        check(&["return x;"], &["    return x;"], &["return x;", "[    ]return x;"]);
    }

    #[test]
    fn lines_that_have_little_in_common_are_others() {
        check(&["import os"], &["return x + 1"], &["import os", "return x + 1"]);
        check(&["}"], &["    let much = longer.than(that);"], &["}", "    let much = longer.than(that);"]);
        check(&[""], &["a"], &["", "a"]);
        check(&["a"], &[], &["a"]);
    }

    #[test]
    fn a_line_finds_its_own_among_others() {
        check(
            &["let first = 1;", "let second = 2;"],
            &["// something new here", "let first = 10;", "let third = false;", "let second = 20;"],
            &[
                "let first = [1];",
                "let second = [2];",
                "// something new here",
                "let first = [10];",
                "let third = false;",
                "let second = [20];",
            ],
        );
    }

    #[test]
    fn what_would_take_long_is_not_compared() {
        let long = "word ".repeat(200);
        let longer = format!("{long}x");
        check(&[&long], &[&longer], &[&long, &longer]);
        let many = vec!["let a = b;"; 11];
        let (old, _) = Words::default().compare(&many, &["let a = c;"; 10]);
        assert!(old.iter().all(Vec::is_empty));
        let mut words = Words { bytes: MOST_BYTES + 1 };
        assert!(words.compare(&["let a = b;"], &["let a = c;"]).0[0].is_empty());
    }
}
