//! Changes of a file as hunks: from two texts, from a new text alone, from a unified diff.

use similar::{ChangeTag, TextDiff};

use crate::domain::Hunk;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Whether line numbers of the two texts are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    WholeFile,
    /// The texts are pieces from somewhere in the file.
    Unknown,
}

/// All of a file that is new.
pub fn added(text: &str) -> Hunk {
    Hunk { old_start: 0, new_start: 1, lines: text.lines().map(|line| format!("+{line}")).collect() }
}

/// All of a file that is gone.
pub fn removed(text: &str) -> Hunk {
    Hunk { old_start: 1, new_start: 0, lines: text.lines().map(|line| format!("-{line}")).collect() }
}

pub fn between(old: &str, new: &str, place: Place) -> Vec<Hunk> {
    // Lines as an editor has them: `from_lines` ends one at a lone carriage return too.
    let (old_lines, new_lines) = (lines_of(old), lines_of(new));
    let diff = TextDiff::from_slices(&old_lines, &new_lines);
    let hunks = diff.grouped_ops(CONTEXT).into_iter().map(|group| {
        let lines = group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            format!("{sign}{}", change.value().trim_end_matches('\n').trim_end_matches('\r'))
        });
        let lines = lines.collect();
        match (place, group.first()) {
            (Place::WholeFile, Some(op)) => {
                // A side that has no lines at all begins at 0, as in a unified diff.
                let start = |range: std::ops::Range<usize>, text: &str| {
                    if text.is_empty() { 0 } else { range.start as u64 + 1 }
                };
                Hunk { old_start: start(op.old_range(), old), new_start: start(op.new_range(), new), lines }
            }
            _ => Hunk { old_start: 0, new_start: 0, lines },
        }
    });
    hunks.filter(|hunk| !hunk.lines.is_empty()).collect()
}

/// A whole file by another. Comparing two texts that have nothing in common takes a time that grows with the square of their
/// length: what is large and all different is shown as what it is, one piece by another.
pub fn of_file(old: &str, new: &str) -> Vec<Hunk> {
    const MOST_WORK: usize = 25_000_000;
    let (before, after): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = before.iter().zip(&after).take_while(same).count();
    let tail = before[head..].iter().rev().zip(after[head..].iter().rev()).take_while(same).count();
    let (gone, come) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    if gone.len().saturating_mul(come.len()) <= MOST_WORK {
        return between(old, new, Place::WholeFile);
    }
    let start = head.saturating_sub(CONTEXT);
    let line = |sign: char| move |line: &&str| format!("{sign}{line}");
    let lines = before[start..head].iter().map(line(' '));
    let lines = lines.chain(gone.iter().map(line('-'))).chain(come.iter().map(line('+')));
    let lines = lines.chain(before[before.len() - tail..].iter().take(CONTEXT).map(line(' ')));
    vec![Hunk { old_start: start as u64 + 1, new_start: start as u64 + 1, lines: lines.collect() }]
}

fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The hunks of a unified diff of one file; headers and remarks are passed over. A line that belongs to no hunk is no
/// reason to lose the others.
pub fn unified(text: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    // Lines that the open hunk still has to get, old and new: within them a `---` is a removed line and no header.
    let (mut old_left, mut new_left) = (0, 0);
    for line in text.lines() {
        if old_left == 0 && new_left == 0 {
            if let Some((old, new)) = header(line) {
                (old_left, new_left) = (old.1, new.1);
                hunks.push(Hunk { old_start: old.0, new_start: new.0, lines: Vec::new() });
            }
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        match line.bytes().next() {
            Some(b'-') => old_left = old_left.saturating_sub(1),
            Some(b'+') => new_left = new_left.saturating_sub(1),
            // Some write an empty unchanged line without its blank.
            Some(b' ') | None => (old_left, new_left) = (old_left.saturating_sub(1), new_left.saturating_sub(1)),
            _ => continue,
        }
        hunk.lines.push(if line.is_empty() { " ".to_owned() } else { line.to_owned() });
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    hunks
}

/// `@@ -1,2 +3 @@`: start and count of both sides.
fn header(line: &str) -> Option<((u64, u64), (u64, u64))> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let new = rest.split_once(" @@").map_or(rest, |(new, _)| new);
    let side = |text: &str| {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.trim().parse().ok()?))
    };
    Some((side(old)?, side(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hunks: &[Hunk], expect: &[(u64, u64, &[&str])]) {
        assert_eq!(hunks.len(), expect.len(), "{hunks:?}");
        for (hunk, (old, new, lines)) in hunks.iter().zip(expect) {
            assert_eq!((hunk.old_start, hunk.new_start), (*old, *new));
            assert_eq!(hunk.lines, *lines);
        }
    }

    #[test]
    fn two_texts_are_compared_by_lines() {
        check(&between("one\ntwo", "one\n2\nthree", Place::Unknown), &[(0, 0, &[" one", "-two", "+2", "+three"])]);
        check(&between("same\n", "same\n", Place::WholeFile), &[]);
        check(&between("", "a\r\n", Place::WholeFile), &[(0, 1, &["+a"])]);
        check(&between("a\rb\nc\n", "a\rb\nd\n", Place::WholeFile), &[(1, 1, &[" a\rb", "-c", "+d"])]);
        check(&between("a\n", "", Place::WholeFile), &[(1, 0, &["-a"])]);
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let new = old.replace("10\n", "ten\n");
        check(
            &between(&old, &new, Place::WholeFile),
            &[(7, 7, &[" 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13"])],
        );
    }

    #[test]
    fn a_file_that_comes_or_goes_is_all_of_one_kind() {
        check(&[added("a\n\nb")], &[(0, 1, &["+a", "+", "+b"])]);
        check(&[removed("a\n")], &[(1, 0, &["-a"])]);
    }

    #[test]
    fn a_unified_diff_is_taken_by_its_counts() {
        let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ fn\n a\n--- b\n+++ c\n\n@@ -9 +9,0 @@\n-z\n\\ No \
                    newline at end of file\n";
        check(&unified(text), &[(1, 1, &[" a", "--- b", "+++ c", " "]), (9, 9, &["-z"])]);
        check(&unified("@@ nonsense\n+a"), &[]);
        check(&unified(""), &[]);
        check(&unified("@@ -1,5 +1,5 @@\n-cut short"), &[(1, 1, &["-cut short"])]);
    }
}
