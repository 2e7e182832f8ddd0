//! Texts of agents and what is seen of them: Markdown, code, changes.

use std::cell::RefCell;

use super::input::Chance;
use crate::{
    agent::adapter::diff::{self as hunks, Place},
    domain::Hunk,
    render::{
        Document, Icons, Look, Mark, Reading, Scene,
        code::{Highlighter, Side, Source, Span, Syntaxes},
    },
    session::fuzzing::before,
};

pub const MARKDOWN: &[&str] = &[
    "\n",
    "\n\n",
    "```",
    "~~~",
    "```rust\n",
    "- ",
    "  - ",
    "1. ",
    "> ",
    "> [!NOTE]\n",
    "# ",
    "===\n",
    "---\n",
    "| a | b |\n",
    "|---|:-:|\n",
    "**",
    "*",
    "_",
    "`",
    "~~",
    "[a](b)",
    "[a]: /u\n",
    "[^1]",
    "![",
    "](",
    "<https://a.b>",
    "<div>\n",
    "<!--",
    "-->",
    "\\",
    "&amp;",
    "\t",
    "\r\n",
    "\r",
    "\u{65e5}\u{672c}",
    "\u{1f600}",
    "\u{202e}",
    "\0",
    "    ",
    "$x$",
];

const SCENE: Scene = Scene { icons: Icons::Unicode, width: 60, now: 0 };

/// A text looks alike however it has come, and marks lie within its lines.
pub fn markdown(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut chance = Chance::of(data);
    for new in [Document::default, Document::within_tight_limits] {
        let mut whole = new();
        whole.advance(&text);
        let expect = whole.read(&text, 0..text.len(), SCENE);
        lie_within(&text, &expect);
        let (mut document, mut last) = (new(), Reading::default());
        for cut in chance.cuts(text.len()).into_iter().filter(|cut| text.is_char_boundary(*cut)) {
            let changed = document.advance(&text[..cut]);
            let now = document.read(&text[..cut], 0..cut, SCENE);
            assert_eq!(until(&now, changed), until(&last, changed), "up to {changed}");
            last = now;
        }
        assert_eq!(last, expect);
    }
}

/// What a reading says of the lines that lie before an offset.
fn until(reading: &Reading, offset: usize) -> (Vec<&Mark>, Vec<(usize, &'static str)>) {
    let marks = reading.marks.iter().filter(|mark| mark.start < offset && mark.end < offset).collect();
    (marks, reading.lines.iter().filter(|(start, _)| *start < offset).copied().collect())
}

#[track_caller]
fn lie_within(text: &str, reading: &Reading) {
    let mut last = 0;
    for mark in &reading.marks {
        let covered = text.get(mark.start..mark.end);
        assert!(covered.is_some_and(|covered| !covered.contains('\n')), "{mark:?} covers {covered:?}");
        assert!(mark.start < mark.end || matches!(mark.look, Look::Before(_)), "{mark:?}");
        assert!(mark.start >= last, "in order");
        last = mark.start;
    }
    for (start, _) in &reading.lines {
        assert!(*start == 0 || text[..*start].ends_with('\n'));
    }
    for fence in &reading.fences {
        assert!(text.get(fence.code.clone()).is_some() && text.get(fence.info.clone()).is_some());
        assert!(fence.opening <= fence.info.start && fence.info.end <= fence.code.start);
    }
}

thread_local! {
    static SYNTAXES: RefCell<Syntaxes> = RefCell::new(Syntaxes::load());
}

/// The first line names the language, or the file after a `:`; those that follow are of both sides, or of one with `+`
/// and `-`. Colours lie within their line, and a copy of the state colours the rest alike.
pub fn code(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let named = lines.next().unwrap_or_default();
    let source = match named.strip_prefix(':') {
        Some(path) => Source::Path(path.to_owned()),
        None => Source::Info(named.to_owned()),
    };
    let lines: Vec<&str> = lines.take(60).collect();
    SYNTAXES.with_borrow_mut(|syntaxes| {
        // What is compiled of a language stays.
        if syntaxes.languages() > 40 {
            *syntaxes = Syntaxes::load();
        }
        let first = lines.first().copied().unwrap_or_default();
        let Some(mut highlighter) = Highlighter::new(syntaxes, &source, first) else { return };
        let mut copy = None;
        for (number, line) in lines.iter().enumerate() {
            if number == lines.len() / 2 {
                copy = Some(highlighter.clone());
            }
            let (side, text) = side(line);
            let spans = highlighter.line(syntaxes, text, side);
            are_within(text, &spans);
            if let Some(copy) = &mut copy {
                assert_eq!(copy.line(syntaxes, text, side), spans);
            }
        }
    });
}

fn side(line: &str) -> (Side, &str) {
    match line.as_bytes().first() {
        Some(b'+') => (Side::New, &line[1..]),
        Some(b'-') => (Side::Old, &line[1..]),
        _ => (Side::Both, line),
    }
}

#[track_caller]
fn are_within(text: &str, spans: &[Span]) {
    let mut last = 0;
    for span in spans {
        let (start, end) = (usize::from(span.start), usize::from(span.end));
        assert!(last <= start && start < end && text.get(start..end).is_some(), "{span:?} of {text:?}");
        last = end;
    }
}

/// Two texts, apart by a NUL: the change between them leads from one to the other and back, and says the same as a unified
/// diff. Whatever is read as one has only lines of one.
pub fn diff(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (old, new) = text.split_once('\0').unwrap_or((&text, ""));
    let changes = hunks::between(old, new, Place::WholeFile);
    assert_eq!(changes.is_empty(), old == new, "{old:?} {new:?}");
    assert_eq!(applied(old, &changes), lines_of(new));
    let back =
        before(new, &changes).map(|text| lines_of(&text).iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    assert!(back.is_none_or(|back| back == lines_of(old)), "{old:?} {new:?}");
    assert_eq!(hunks::unified(&unified_of(&changes)), changes);
    let is_of_one =
        |hunk: &Hunk| hunk.lines.iter().all(|line| line.starts_with([' ', '+', '-']) && !line.contains('\n'));
    for read in [hunks::unified(&text), vec![hunks::added(&text)], vec![hunks::removed(&text)], changes] {
        assert!(read.iter().all(is_of_one), "{read:?}");
    }
}

/// As a change shows them: without their ends.
fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').map(|line| line.trim_end_matches('\n').trim_end_matches('\r')).collect()
}

fn applied(old: &str, changes: &[Hunk]) -> Vec<String> {
    let old = lines_of(old);
    let (mut out, mut at) = (Vec::new(), 0);
    for hunk in changes {
        let start = (hunk.old_start as usize).saturating_sub(1);
        out.extend(old[at..start].iter().map(|line| (*line).to_owned()));
        at = start;
        assert_eq!((hunk.new_start as usize).saturating_sub(1), out.len(), "where it stands in the new text");
        for line in &hunk.lines {
            match line.split_at(1) {
                ("+", line) => out.push(line.to_owned()),
                (sign, line) => {
                    assert_eq!(line, old[at]);
                    at += 1;
                    out.extend((sign == " ").then(|| line.to_owned()));
                }
            }
        }
    }
    out.extend(old[at..].iter().map(|line| (*line).to_owned()));
    out
}

fn unified_of(changes: &[Hunk]) -> String {
    let mut out = String::new();
    for hunk in changes {
        let count = |sign: char| hunk.lines.iter().filter(|line| line.starts_with([' ', sign])).count();
        let (old, new) = (count('-'), count('+'));
        out += &format!("@@ -{},{old} +{},{new} @@\n{}\n", hunk.old_start, hunk.new_start, hunk.lines.join("\n"));
    }
    out
}
