//! Two states of a file as what has changed between them, for people: hunks of a text, or a few words. Pure.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::kept::{LINK, SUBMODULE};
use crate::domain::{Diffstat, Hunk};

/// A file may be one in which nothing is alike: then it is compared roughly.
const PATIENCE: Duration = Duration::from_millis(500);
/// Of a line that is shown.
const SHOWN: usize = 200;
/// A NUL in as much of it makes it binary, as for git.
const LOOKED_AT: usize = 8_000;

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    Absent,
    Content {
        mode: u32,
        bytes: Vec<u8>,
    },
    /// Too large, or no longer to be had: it was there, and that is all.
    Unknown {
        mode: u32,
    },
}

/// A file that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    /// Of a text that is there on both sides.
    pub spots: Vec<Spot>,
    /// What has become of it, where that is not said by `spots`; else empty.
    pub what: String,
    pub added: usize,
    pub removed: usize,
}

/// Lines that were changed in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Where it begins now, from 1; where lines are only gone, the line that follows them or the last one.
    pub line: usize,
    pub end_line: usize,
    pub added: usize,
    pub removed: usize,
    /// The first line that is new, else the first that is gone.
    pub text: String,
}

/// `None` if nothing has changed.
pub fn compare(path: PathBuf, old: &Side, new: &Side) -> Option<Change> {
    if old == new && !matches!(old, Side::Unknown { .. }) {
        return None;
    }
    let mut change = Change { path, spots: Vec::new(), what: String::new(), added: 0, removed: 0 };
    match (old, new) {
        (Side::Absent, Side::Absent) => return None,
        (Side::Absent, side) => {
            change.added = lines_of(side).unwrap_or(0);
            change.what = format!("new {}", named(side));
        }
        (side, Side::Absent) => {
            change.removed = lines_of(side).unwrap_or(0);
            change.what = format!("deleted {}", named(side));
        }
        (Side::Content { mode: before, bytes: old }, Side::Content { mode: now, bytes: new }) => {
            if kind(*before) != kind(*now) {
                change.what = format!("was {}, is {}", named(&plain(*before, old)), named(&plain(*now, new)));
            } else if *now == LINK {
                change.what = format!("leads to {}", shown(new));
            } else if *now == SUBMODULE {
                change.what = format!("submodule, at {}", shown(&new[..new.len().min(12)]));
            } else if is_binary(old) || is_binary(new) {
                change.what = "binary, changed".to_owned();
            } else {
                change.spots = spots(old, new);
                change.added = change.spots.iter().map(|spot| spot.added).sum();
                change.removed = change.spots.iter().map(|spot| spot.removed).sum();
                if before != now {
                    change.what = format!("mode {before:o}, is {now:o}").replace("100", "");
                }
            }
        }
        _ => change.what = "large, changed".to_owned(),
    }
    Some(change)
}

pub fn stat<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Diffstat {
    changes.into_iter().fold(Diffstat::default(), |sum, change| Diffstat {
        files: sum.files + 1,
        added: sum.added + change.added,
        removed: sum.removed + change.removed,
    })
}

/// The old text, out of the new one and what was changed in it; `None` if they do not fit.
pub fn before(new: &str, hunks: &[Hunk]) -> Option<String> {
    let lines: Vec<&str> = new.split_inclusive('\n').collect();
    let (mut old, mut at) = (String::new(), 0);
    for hunk in hunks {
        let adds = hunk.lines.iter().any(|line| !line.starts_with('-'));
        // A side without lines names the line before it.
        let start = usize::try_from(hunk.new_start).ok()?;
        let start = if adds { start.checked_sub(1)? } else { start };
        if hunk.new_start == 0 && hunk.old_start == 0 || start < at {
            return None;
        }
        lines.get(at..start)?.iter().for_each(|line| old.push_str(line));
        at = start;
        for line in &hunk.lines {
            let (sign, text) = line.split_at_checked(1)?;
            if sign == "-" {
                old.push_str(text);
                old.push('\n');
                continue;
            }
            let there = *lines.get(at)?;
            if there.trim_end_matches(['\n', '\r']) != text.trim_end_matches('\r') {
                return None;
            }
            if sign == " " {
                old.push_str(there);
            }
            at += 1;
        }
    }
    lines.get(at..)?.iter().for_each(|line| old.push_str(line));
    Some(old)
}

fn kind(mode: u32) -> u32 {
    mode & 0o170_000
}

fn plain(mode: u32, bytes: &[u8]) -> Side {
    Side::Content { mode, bytes: bytes.to_vec() }
}

fn named(side: &Side) -> String {
    match (side, lines_of(side)) {
        (_, Some(1)) => "file, 1 line".to_owned(),
        (_, Some(lines)) => format!("file, {lines} lines"),
        (Side::Content { mode, bytes }, _) if *mode == LINK => format!("link to {}", shown(bytes)),
        (Side::Content { mode, .. } | Side::Unknown { mode }, _) if *mode == SUBMODULE => "submodule".to_owned(),
        (Side::Content { .. }, _) => "binary file".to_owned(),
        _ => "large file".to_owned(),
    }
}

fn lines_of(side: &Side) -> Option<usize> {
    match side {
        Side::Content { mode, bytes } if *mode != LINK && *mode != SUBMODULE && !is_binary(bytes) => {
            Some(split(bytes).len())
        }
        _ => None,
    }
}

pub fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(LOOKED_AT)]).is_some()
}

/// As an editor counts them: only `\n` ends a line.
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn spots(old: &[u8], new: &[u8]) -> Vec<Spot> {
    let (old, new) = (split(old), split(new));
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(Instant::now() + PATIENCE));
    let mut spots: Vec<Spot> = Vec::new();
    // Where the last one ended, on both sides: what touches it is one with it.
    let mut ended = (usize::MAX, usize::MAX);
    for op in ops {
        let (from, to) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let text = || {
            let first = to.clone().next().map_or_else(|| old[from.start], |line| new[line]);
            shown(first)
        };
        match spots.last_mut().filter(|_| ended == (from.start, to.start)) {
            Some(spot) => {
                if spot.added == 0 && !to.is_empty() {
                    spot.text = text();
                }
                spot.added += to.len();
                spot.removed += from.len();
                spot.end_line = spot.end_line.max(to.end);
            }
            None => {
                let line = (to.start + 1).min(new.len()).max(1);
                spots.push(Spot {
                    line,
                    end_line: to.end.max(line),
                    added: to.len(),
                    removed: from.len(),
                    text: text(),
                });
            }
        }
        ended = (from.end, to.end);
    }
    spots
}

/// One line for people: nothing in it that a terminal would act on.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let clean = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u32 = 0o100_644;

    fn file(text: &str) -> Side {
        Side::Content { mode: FILE, bytes: text.into() }
    }

    #[track_caller]
    fn check(old: &str, new: &str, expect: &[(usize, usize, usize, usize, &str)]) {
        let change = compare("a".into(), &file(old), &file(new)).expect("it has changed");
        let spots = change.spots.iter();
        let spots: Vec<_> = spots.map(|s| (s.line, s.end_line, s.added, s.removed, s.text.as_str())).collect();
        assert_eq!(spots, expect);
        let sum = expect.iter().fold((0, 0), |sum, spot| (sum.0 + spot.2, sum.1 + spot.3));
        assert_eq!((change.added, change.removed), sum);
    }

    #[test]
    fn each_place_is_a_spot_with_its_first_line() {
        check("a\nb\nc\nd\n", "a\n B\nc\nd\ne\n", &[(2, 2, 1, 1, "B"), (5, 5, 1, 0, "e")]);
        check("a\nb\nc\n", "a\nc\n", &[(2, 2, 0, 1, "b")]);
        check("a\nb\n", "a\n", &[(1, 1, 0, 1, "b")]);
        check("a\n", "", &[(1, 1, 0, 1, "a")]);
        check("", "a\nb\n", &[(1, 2, 2, 0, "a")]);
    }

    #[test]
    fn the_end_of_a_line_is_a_part_of_it() {
        check("a\nb", "a\nb\n", &[(2, 2, 1, 1, "b")]);
        check("a\r\nb\r\n", "a\nb\r\n", &[(1, 1, 1, 1, "a")]);
        check("a\rb\nc\n", "a\rb\nd\n", &[(2, 2, 1, 1, "d")]);
    }

    #[track_caller]
    fn says(old: &Side, new: &Side, expect: &str) {
        let change = compare("a".into(), old, new).expect("it has changed");
        assert_eq!((change.what.as_str(), change.spots.len()), (expect, 0));
    }

    #[test]
    fn what_has_no_lines_to_compare_is_said_in_words() {
        let link = |to: &str| Side::Content { mode: LINK, bytes: to.into() };
        let large = Side::Unknown { mode: FILE };
        says(&Side::Absent, &file("a\nb\n"), "new file, 2 lines");
        says(&file("a"), &Side::Absent, "deleted file, 1 line");
        says(&file("a\0"), &file("b\0"), "binary, changed");
        says(&Side::Absent, &file("a\0"), "new binary file");
        says(&link("x"), &link("y\x1b[m"), "leads to y [m");
        says(&link("x"), &file("a\n"), "was link to x, is file, 1 line");
        says(&large, &large, "large, changed");
        says(&file("a"), &large, "large, changed");
        says(&large, &Side::Absent, "deleted large file");
        let executable = Side::Content { mode: 0o100_755, bytes: b"a\n".to_vec() };
        says(&file("a\n"), &executable, "mode 644, is 755");
        assert_eq!(compare("a".into(), &file("a"), &file("a")), None);
        assert_eq!(compare("a".into(), &Side::Absent, &Side::Absent), None);
    }

    #[test]
    fn a_change_can_be_taken_back() {
        use crate::agent::adapter::diff::{Place, between};

        let old: String = (1..=40).map(|n| format!("{n}\n")).collect();
        for new in [
            old.replace("7\n", "seven\n"),
            old.replace("1\n", ""),
            format!("0\n{old}41\n"),
            old.replace("20\n", "x\ny\n"),
            format!("0\n{old}"),
        ] {
            assert_eq!(before(&new, &between(&old, &new, Place::WholeFile)).as_ref(), Some(&old), "{new}");
        }
        assert_eq!(before("a\n", &between("", "a\n", Place::WholeFile)).as_deref(), Some(""));
        assert_eq!(before("other\n", &between("a\n", "b\n", Place::WholeFile)), None);
        assert_eq!(before("b\n", &between("a\n", "b\n", Place::Unknown)), None);
    }
}
