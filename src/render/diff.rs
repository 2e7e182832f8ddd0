//! Hunks as lines with their numbers.

use super::line::{Anchor, Icons, Line, SOFT_SPLIT, boundary};
use crate::domain::{FileDiff, Hunk};

/// Added and removed lines.
pub(super) fn counts(diff: &[FileDiff]) -> (usize, usize) {
    let lines = diff.iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines);
    lines.fold((0, 0), |(added, removed), line| match line.as_bytes().first() {
        Some(b'+') => (added + 1, removed),
        Some(b'-') => (added, removed + 1),
        _ => (added, removed),
    })
}

/// `+12 −3`, in their colours, after a space.
pub(super) fn push_counts(line: &mut Line, diff: &[FileDiff], icons: Icons) {
    let (added, removed) = counts(diff);
    if added > 0 {
        line.push(&format!(" +{added}"), "AgorDiffAdd");
    }
    if removed > 0 {
        let minus = icons.pick("−", "−", "-");
        line.push(&format!(" {minus}{removed}"), "AgorDiffDelete");
    }
}

/// Between the two paths of a file that was renamed.
pub(super) const RENAMED: &str = " → ";

/// What became of the file as a whole, where that is more than a change.
pub(super) fn fate(file: &FileDiff) -> Option<&'static str> {
    let [hunk] = file.hunks.as_slice() else { return None };
    let all = |sign: char| hunk.lines.iter().all(|line| line.starts_with([sign, '\\']));
    match (hunk.old_start, hunk.new_start) {
        (0, 1..) if all('+') => Some("new file"),
        (1.., 0) if all('-') => Some("deleted"),
        _ => None,
    }
}

/// All hunks of one file; `⋯` stands between them.
pub(super) fn hunk_lines(file: &FileDiff, indent: &str, icons: Icons) -> Vec<Line> {
    let numbered = file.hunks.iter().filter(|hunk| is_placed(hunk));
    let last = numbered.map(|hunk| hunk.new_start.max(hunk.old_start) + hunk.lines.len() as u64).max();
    let width = last.map_or(0, |last| last.to_string().len());
    let mut out = Vec::new();
    for (index, hunk) in file.hunks.iter().enumerate() {
        if index > 0 {
            out.push(Line::of(format!("{indent}{:>width$}", icons.pick("⋯", "⋯", "...")), "AgorDiffHunk"));
        }
        push_hunk(&mut out, hunk, indent, width);
    }
    out
}

fn is_placed(hunk: &Hunk) -> bool {
    hunk.old_start > 0 || hunk.new_start > 0
}

fn push_hunk(out: &mut Vec<Line>, hunk: &Hunk, indent: &str, width: usize) {
    let (mut old, mut new) = (hunk.old_start.max(1), hunk.new_start.max(1));
    let mut changing = false;
    for text in &hunk.lines {
        let (sign, body) = text.split_at(boundary(text, 1));
        let (number, group) = match sign {
            "+" => (new, "AgorDiffAdd"),
            "-" => (old, "AgorDiffDelete"),
            _ => (new, ""),
        };
        match sign {
            "+" => new += 1,
            "-" => old += 1,
            // "\ No newline at end of file" is no line of either side.
            "\\" => {}
            _ => {
                old += 1;
                new += 1;
            }
        }
        let mut line = Line::default();
        if sign == "\\" {
            line.push(&format!("{indent}{:>width$} ", ""), "AgorDim").push(text, "AgorDim");
        } else {
            let number =
                if is_placed(hunk) { format!("{number:>width$} ") } else { " ".repeat(width + usize::from(width > 0)) };
            line.push(&format!("{indent}{number}"), "AgorDim");
            let body = &body[..boundary(body, SOFT_SPLIT)];
            line.push(&format!("{sign}{}", body.trim_end_matches(['\n', '\r'])), group);
        }
        let changes = matches!(sign, "+" | "-");
        if changes && !changing {
            line.anchor = Some(Anchor::Change);
        }
        changing = changes;
        out.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_the_numbers_of_their_side() {
        let hunk = |old_start, new_start, lines: &[&str]| Hunk {
            old_start,
            new_start,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let file = FileDiff {
            path: "a".into(),
            hunks: vec![hunk(9, 9, &[" a", "-b", "+c", "+d", " e"]), hunk(20, 21, &["-x", "\\ No newline"])],
        };
        let lines: Vec<String> = hunk_lines(&file, "", Icons::Ascii).into_iter().map(|line| line.text).collect();
        assert_eq!(lines, [" 9  a", "10 -b", "10 +c", "11 +d", "12  e", "...", "20 -x", "   \\ No newline"]);
        assert_eq!(counts(&[file]), (2, 2));
    }

    #[test]
    fn a_hunk_that_may_be_anywhere_has_no_numbers() {
        let hunk = Hunk { old_start: 0, new_start: 0, lines: vec!["-a".into(), "+b".into()] };
        let file = FileDiff { path: "a".into(), hunks: vec![hunk] };
        let lines: Vec<String> = hunk_lines(&file, "  ", Icons::Ascii).into_iter().map(|line| line.text).collect();
        assert_eq!(lines, ["  -a", "  +b"]);
    }
}
