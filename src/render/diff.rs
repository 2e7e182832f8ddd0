//! Hunks as lines with their numbers.

use super::{
    code::fingerprint,
    line::{Anchor, Code, Line, Mark, Part, SOFT_SPLIT, Source, boundary},
    scene::Icons,
    words::Words,
};
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
pub(super) const RENAMED: &str = FileDiff::RENAMED;

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

/// All hunks of one file; `⋯` stands between them. `place` is the file's among those that the entry changes, if colours
/// are to come.
pub(super) fn hunk_lines(file: &FileDiff, place: Option<usize>, indent: &str, icons: Icons) -> Vec<Line> {
    let numbered = file.hunks.iter().filter(|hunk| is_placed(hunk));
    let last = numbered.map(|hunk| hunk.new_start.max(hunk.old_start) + hunk.lines.len() as u64).max();
    let width = last.map_or(0, |last| last.to_string().len());
    let part = place.map(|place| Part::Diff { file: place, print: fingerprint(file) });
    let mut out = Vec::new();
    let mut words = Words::default();
    let mut before = 0;
    for (index, hunk) in file.hunks.iter().enumerate() {
        if index > 0 {
            out.push(Line::of(format!("{indent}{:>width$}", icons.pick("⋯", "⋯", "...")), "AgorDiffHunk"));
        }
        let first = out.len();
        push_hunk(&mut out, hunk, indent, width);
        for (index, line) in out[first..].iter_mut().enumerate() {
            // Numbers and signs are of one width.
            let column = indent.len() + width + usize::from(width > 0) + 1;
            line.code = part.map(|part| Code { part, line: before + index, column });
            line.source = line.source.map(|source| Source { file: place.unwrap_or(0), ..source });
        }
        mark_words(&mut words, hunk, &mut out[first..]);
        before += hunk.lines.len();
    }
    out
}

fn is_placed(hunk: &Hunk) -> bool {
    hunk.old_start > 0 || hunk.new_start > 0
}

/// What is shown of a line's text, without its sign.
fn body(text: &str) -> &str {
    let body = &text[boundary(text, 1)..];
    body[..boundary(body, SOFT_SPLIT)].trim_end_matches(['\n', '\r'])
}

fn push_hunk(out: &mut Vec<Line>, hunk: &Hunk, indent: &str, width: usize) {
    let (mut old, mut new) = (hunk.old_start.max(1), hunk.new_start.max(1));
    let mut changing = false;
    for text in &hunk.lines {
        // A line that was removed stood where the next one stands now.
        let here = new;
        let sign = &text[..boundary(text, 1)];
        let (number, group, whole) = match sign {
            "+" => (new, "AgorDiffAdd", Some("AgorDiffAddLine")),
            "-" => (old, "AgorDiffDelete", Some("AgorDiffDeleteLine")),
            _ => (new, "", None),
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
            // Where there is no colour for a whole line, the number says it too.
            line.push(&format!("{indent}{number}"), if group.is_empty() { "AgorDim" } else { group });
            line.push(sign, group).push(body(text), "");
            let tint = whole.map(|group| Mark::tint(line.text.len(), group));
            line.marks.splice(0..0, tint);
        }
        line.source = Some(Source { file: 0, line: if is_placed(hunk) { here } else { 0 } });
        let changes = matches!(sign, "+" | "-");
        if changes && !changing {
            line.anchor = Some(Anchor::Change);
        }
        changing = changes;
        out.push(line);
    }
}

/// In each run of removed lines with the added ones after them.
fn mark_words(words: &mut Words, hunk: &Hunk, lines: &mut [Line]) {
    let run = |from: usize, sign: char| {
        hunk.lines[from..].iter().take_while(|line| line.starts_with(sign)).map(|line| body(line)).collect::<Vec<_>>()
    };
    let mut at = 0;
    while at < hunk.lines.len() {
        let removed = run(at, '-');
        let added = run(at + removed.len(), '+');
        let (old, new) = words.compare(&removed, &added);
        let groups = old.iter().map(|changed| (changed, "AgorDiffDeleteWord"));
        let groups = groups.chain(new.iter().map(|changed| (changed, "AgorDiffAddWord")));
        for (line, (changed, group)) in lines[at..].iter_mut().zip(groups) {
            let Some(text) = hunk.lines.get(at) else { return };
            at += 1;
            let column = line.text.len() - body(text).len();
            line.marks.extend(changed.iter().map(|at| Mark::colour(column + at.start, column + at.end, group)));
        }
        at += usize::from(removed.is_empty() && added.is_empty());
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
        let lines: Vec<String> = hunk_lines(&file, None, "", Icons::Ascii).into_iter().map(|line| line.text).collect();
        assert_eq!(lines, [" 9  a", "10 -b", "10 +c", "11 +d", "12  e", "...", "20 -x", "   \\ No newline"]);
        assert_eq!(counts(&[file]), (2, 2));
    }

    #[test]
    fn a_hunk_that_may_be_anywhere_has_no_numbers() {
        let hunk = Hunk { old_start: 0, new_start: 0, lines: vec!["-a".into(), "+b".into()] };
        let file = FileDiff { path: "a".into(), hunks: vec![hunk] };
        let lines: Vec<String> =
            hunk_lines(&file, None, "  ", Icons::Ascii).into_iter().map(|line| line.text).collect();
        assert_eq!(lines, ["  -a", "  +b"]);
    }

    #[test]
    fn changed_words_and_whole_lines_are_marked() {
        let lines = [" x", "-let a = b;", "+let a = c;", "+new"].map(str::to_owned).to_vec();
        let file = FileDiff { path: "a".into(), hunks: vec![Hunk { old_start: 9, new_start: 9, lines }] };
        let lines = hunk_lines(&file, Some(2), "  ", Icons::Ascii);
        let marks = |line: &Line| -> Vec<(String, &'static str)> {
            line.marks.iter().map(|mark| (line.text[mark.start..mark.end].to_owned(), mark.group)).collect()
        };
        let mark = |text: &str, group| (text.to_owned(), group);
        assert_eq!(marks(&lines[0]), [mark("   9 ", "AgorDim")]);
        let removed = [
            mark("  10 -let a = b;", "AgorDiffDeleteLine"),
            mark("  10 ", "AgorDiffDelete"),
            mark("-", "AgorDiffDelete"),
            mark("b", "AgorDiffDeleteWord"),
        ];
        assert_eq!(marks(&lines[1]), removed);
        assert_eq!(marks(&lines[2])[3], mark("c", "AgorDiffAddWord"));
        assert_eq!(marks(&lines[3])[0], mark("  11 +new", "AgorDiffAddLine"));
        assert_eq!(marks(&lines[3]).len(), 3, "a line of its own has no words that changed");
        for (index, line) in lines.iter().enumerate() {
            let code = line.code.expect("colours are to come");
            assert_eq!(code.line, index);
            assert_eq!(line.text[code.column..], file.hunks[0].lines[index][1..], "the code begins there");
        }
    }
}
