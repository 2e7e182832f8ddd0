//! What goes to whoever works colours out, and what comes back: a few lines of one piece of code.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use super::{
    MOST_LINE,
    highlighter::{Side, Source, Span},
};
use crate::{
    domain::{FileDiff, ToolCall},
    render::line::Part,
    transcript::{Body, Entry, EntryId},
};

/// So much at a time: whoever else waits is not held up, and what is visible comes soon.
const MOST_LINES: usize = 64;
const MOST_BYTES: usize = 16 * 1024;

/// One that stays what it is: its entry's text may grow, but does not become another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    pub entry: EntryId,
    pub generation: u32,
    pub part: Part,
}

/// The next lines of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub block: Block,
    pub source: Source,
    /// Lines before them; 0: the block's first.
    pub from: usize,
    pub lines: Vec<JobLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLine {
    /// Without its end; empty if it is too long to be read.
    pub text: String,
    /// Bytes before the text that are no code; spans count them.
    pub skip: usize,
    pub side: Side,
    /// It does not follow the line before it.
    pub apart: bool,
}

/// Colours of lines, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    ends: Vec<u32>,
    spans: Vec<Span>,
}

impl Lines {
    pub fn push(&mut self, spans: &[Span]) {
        self.spans.extend_from_slice(spans);
        self.ends.push(u32::try_from(self.spans.len()).unwrap_or(u32::MAX));
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, line: usize) -> &[Span] {
        let end = |line: usize| self.ends.get(line).map_or(0, |end| *end as usize);
        let start = line.checked_sub(1).map_or(0, end);
        self.spans.get(start..end(line)).unwrap_or(&[])
    }

    pub(super) fn append(&mut self, more: &Lines) {
        (0..more.len()).for_each(|line| self.push(more.get(line)));
    }

    pub(super) fn bytes(&self) -> usize {
        self.ends.capacity() * size_of::<u32>() + self.spans.capacity() * size_of::<Span>()
    }
}

/// Lines for a job, and the bytes of the block that each takes.
pub(super) struct Taken {
    pub(super) source: Source,
    pub(super) lines: Vec<JobLine>,
    pub(super) sizes: Vec<usize>,
}

impl Taken {
    fn new(source: Source) -> Self {
        Self { source, lines: Vec::new(), sizes: Vec::new() }
    }

    fn push(&mut self, line: JobLine, size: usize) {
        let text = if line.text.len() > MOST_LINE { String::new() } else { line.text };
        self.lines.push(JobLine { text, ..line });
        self.sizes.push(size);
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MOST_LINES || self.sizes.iter().sum::<usize>() >= MOST_BYTES
    }
}

/// Lines of code in a text, from an offset up to another: those of a fence, without what the blocks around it put before
/// them.
pub(super) fn of_text(text: &str, range: Range<usize>, fence: usize, info: &str) -> Option<Taken> {
    let mut taken = Taken::new(Source::Info(info.to_owned()));
    let opening = text.get(..fence)?.trim_end_matches('\n').rsplit('\n').next().unwrap_or("");
    let container = Container::of(opening);
    for line in text.get(range)?.split_inclusive('\n') {
        if taken.is_full() {
            break;
        }
        let bare = line.trim_end_matches(['\n', '\r']);
        let skip = container.skip(bare);
        let code = JobLine { text: bare[skip..].to_owned(), skip, side: Side::Both, apart: false };
        taken.push(code, line.len());
    }
    Some(taken)
}

/// Lines of an entry's change or output.
pub(super) fn of_entry(entry: &Entry, part: Part, from: usize) -> Option<Taken> {
    let Body::Tool(tool) = &entry.body else { return None };
    match part {
        Part::Fence { .. } => None,
        Part::Diff { file, print } => {
            let diff = tool.diff.get(file).filter(|diff| fingerprint(diff) == print)?;
            Some(of_diff(diff, from))
        }
        Part::Output { length } => {
            let output = Some(&tool.output).filter(|output| output.len() == length)?;
            Some(of_output(output, &file_of(&tool.call)?, from))
        }
    }
}

fn of_diff(diff: &FileDiff, from: usize) -> Taken {
    let mut taken = Taken::new(Source::Path(diff.path.clone()));
    let lines = diff.hunks.iter().flat_map(|hunk| hunk.lines.iter().enumerate());
    for (index, text) in lines.skip(from) {
        if taken.is_full() {
            break;
        }
        let (side, body) = match text.as_bytes().first() {
            Some(b'+') => (Side::New, &text[1..]),
            Some(b'-') => (Side::Old, &text[1..]),
            Some(b' ') => (Side::Both, &text[1..]),
            // "\ No newline at end of file" is no line of either side.
            _ => (Side::Both, ""),
        };
        let body = body.trim_end_matches(['\n', '\r']);
        taken.push(JobLine { text: body.to_owned(), skip: 0, side, apart: index == 0 }, text.len());
    }
    taken
}

fn of_output(output: &str, path: &str, from: usize) -> Taken {
    let mut taken = Taken::new(Source::Path(path.to_owned()));
    for line in output.split('\n').skip(from) {
        if taken.is_full() {
            break;
        }
        let bare = line.trim_end_matches('\r');
        let skip = numbered(bare);
        taken.push(JobLine { text: bare[skip..].to_owned(), skip, side: Side::Both, apart: false }, line.len() + 1);
    }
    taken
}

/// How many bytes of a line are its number: agents count the lines that they read, as `   12→`, `12\t`, `00012| `.
pub(crate) fn numbered(line: &str) -> usize {
    let digits = line.trim_start_matches(' ');
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == digits.len() {
        return 0;
    }
    let signs = ["→", "\t", "| ", "|", ": "];
    signs.iter().find_map(|sign| rest.strip_prefix(sign)).map_or(0, |rest| line.len() - rest.len())
}

/// The one file that a call reads.
pub(crate) fn file_of(call: &ToolCall) -> Option<String> {
    let fields = ["file_path", "path", "filePath", "absolute_path", "target_file"];
    let named = fields.iter().find_map(|field| call.input.get(field)?.as_str()).map(str::to_owned);
    named.or_else(|| match call.locations.as_slice() {
        [location] => Some(location.path.clone()),
        _ => None,
    })
}

/// What tells one change from another.
pub(crate) fn fingerprint(diff: &FileDiff) -> u64 {
    let mut hasher = DefaultHasher::new();
    diff.path.hash(&mut hasher);
    for hunk in &diff.hunks {
        hunk.lines.hash(&mut hasher);
    }
    hasher.finish()
}

/// What the quotes and lists around a fence put before each of its lines.
struct Container {
    quotes: usize,
    /// Cells after the last sign of a quote.
    indent: usize,
}

impl Container {
    /// By the line that opens the fence.
    fn of(opening: &str) -> Self {
        let before = &opening[..opening.find(['`', '~']).unwrap_or(0)];
        let quotes = before.bytes().filter(|byte| *byte == b'>').count();
        let rest =
            before.rfind('>').map_or(before, |at| before[at + 1..].strip_prefix(' ').unwrap_or(&before[at + 1..]));
        Self { quotes, indent: rest.chars().count() }
    }

    /// How many bytes of a line are not code.
    fn skip(&self, line: &str) -> usize {
        let mut rest = line;
        for _ in 0..self.quotes {
            match rest.trim_start_matches(' ').strip_prefix('>') {
                Some(inner) => rest = inner.strip_prefix(' ').unwrap_or(inner),
                None => break,
            }
        }
        let space = rest.bytes().take(self.indent).take_while(|byte| *byte == b' ').count();
        line.len() - rest.len() + space
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Hunk;

    fn texts(taken: &Taken) -> Vec<(usize, &str)> {
        taken.lines.iter().map(|line| (line.skip, line.text.as_str())).collect()
    }

    #[test]
    fn what_stands_around_a_fence_is_no_code() {
        let text = "> - x\n>   ```py\n>   if a:\n>     b\n>\n>   ```\n";
        let fence = text.find(">   if").expect("it is there");
        let end = text.rfind(">   ```").expect("it is there");
        let taken = of_text(text, fence..end, fence, "py").expect("a range of the text");
        assert_eq!(texts(&taken), [(4, "if a:"), (4, "  b"), (1, "")]);
        assert_eq!(taken.sizes, [10, 8, 2], "with their ends");
    }

    #[test]
    fn a_job_is_short_and_a_long_line_is_not_in_it() {
        let text = "```\n".to_owned() + &"x\n".repeat(100) + &"y".repeat(MOST_LINE + 1) + "\nz\n";
        let taken = of_text(&text, 4..text.len(), 4, "").expect("a range of the text");
        assert_eq!(taken.lines.len(), MOST_LINES);
        let taken = of_text(&text, 4 + 200..text.len(), 4, "").expect("a range of the text");
        assert_eq!(texts(&taken), [(0, ""), (0, "z")]);
        let long = "```\n".to_owned() + &format!("{}\n", "x".repeat(400)).repeat(100);
        let taken = of_text(&long, 4..long.len(), 4, "").expect("a range of the text");
        assert_eq!(taken.lines.len(), MOST_BYTES.div_ceil(401));
    }

    #[test]
    fn the_lines_of_a_change_have_their_sides() {
        let hunk = |lines: &[&str]| Hunk {
            old_start: 1,
            new_start: 1,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let hunks = vec![hunk(&[" a", "-b\r", "+c"]), hunk(&["\\ No newline", "+ä"])];
        let diff = FileDiff { path: "x.rs".into(), hunks };
        let taken = of_diff(&diff, 1);
        let lines: Vec<_> = taken.lines.iter().map(|line| (line.text.as_str(), line.side, line.apart)).collect();
        let expect =
            [("b", Side::Old, false), ("c", Side::New, false), ("", Side::Both, true), ("ä", Side::New, false)];
        assert_eq!(lines, expect);
    }

    #[test]
    fn an_agents_own_line_numbers_are_no_code() {
        let lines = ["    12→fn a", "7\tfn a", "00012| fn a", "12: fn a", "12 fn a", "fn 12→", "", "→x"];
        assert_eq!(lines.map(numbered), [9, 2, 7, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn lines_keep_what_is_theirs() {
        let group = crate::render::code::Group::of("@keyword").expect("a group");
        let span = |start| Span { start, end: start + 1, group };
        let mut lines = Lines::default();
        lines.push(&[span(0), span(2)]);
        lines.push(&[]);
        let mut more = Lines::default();
        more.push(&[span(4)]);
        lines.append(&more);
        assert_eq!(lines.len(), 3);
        assert_eq!([lines.get(0).len(), lines.get(1).len(), lines.get(2).len(), lines.get(3).len()], [2, 0, 1, 0]);
        assert_eq!(lines.get(2), [span(4)]);
    }
}
