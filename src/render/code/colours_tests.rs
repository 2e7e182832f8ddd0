use super::*;
use crate::{
    domain::{FileDiff, Hunk, ToolCall, ToolKind},
    render::code::{Group, Side, Source, Span},
    transcript::Tool,
};

fn entry(text: &str) -> Entry {
    let body = Body::Text(text.into());
    Entry { id: EntryId(0), parent: None, started_at: 0, ended_at: 0, open: true, generation: 0, body }
}

fn fence(text: &str, ended: bool) -> Fence<'_> {
    let start = text.find('\n').map_or(text.len(), |end| end + 1);
    let end = text[start..].find("```").map_or(text.len(), |end| start + end);
    Fence { code: start..end, info: "rust", ended }
}

/// Works jobs out, as a thread would: each line is one keyword.
fn answer(job: &Job) -> Coloured {
    let group = Group::of("@keyword").expect("a group");
    let mut lines = Lines::default();
    for line in &job.lines {
        let (start, end) = (line.skip as u16, (line.skip + line.text.len()) as u16);
        lines.push(&[Span { start, end, group }]);
    }
    Coloured { block: job.block, from: job.from, outcome: Outcome::Lines(lines) }
}

/// Of entries whose ids are their indices.
fn next_job(colours: &mut Colours, entries: &[Entry]) -> Option<Job> {
    colours.next_job(|id| entries.get(id.0 as usize))
}

#[track_caller]
fn one(colours: &mut Colours, entries: &[Entry]) -> Job {
    let job = next_job(colours, entries).expect("something is wanted");
    colours.take(answer(&job));
    job
}

/// The coloured pieces of a range of the first entry.
fn pieces<'a>(colours: &mut Colours, entries: &'a [Entry], ended: bool, range: Range<usize>) -> Vec<&'a str> {
    let Body::Text(text) = &entries[0].body else { return Vec::new() };
    let mut marks = Vec::new();
    colours.of_fence(EntryId(0), 0, text, &fence(text, ended), range, &mut marks);
    marks.iter().map(|mark| &text[mark.start..mark.end]).collect()
}

#[test]
fn what_is_asked_for_is_wanted_and_then_known() {
    let mut colours = Colours::default();
    let entries = [entry("```rust\naa\nb\n\ncc\n```\n")];
    assert!(next_job(&mut colours, &entries).is_none(), "nobody has asked");
    assert_eq!(pieces(&mut colours, &entries, true, 8..12), [""; 0]);
    let job = one(&mut colours, &entries);
    assert_eq!(job.source, Source::Info("rust".into()));
    assert_eq!(job.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["aa", "b"]);
    assert_eq!(pieces(&mut colours, &entries, true, 8..12), ["aa", "b"]);
    assert_eq!(pieces(&mut colours, &entries, true, 11..12), ["b"]);
    assert!(next_job(&mut colours, &entries).is_none(), "the rows below are not near a window");
    assert_eq!(pieces(&mut colours, &entries, true, 0..99), ["aa", "b"]);
    assert_eq!(one(&mut colours, &entries).from, 2);
    assert_eq!(pieces(&mut colours, &entries, true, 0..99), ["aa", "b", "", "cc"]);
}

#[test]
fn a_line_that_is_being_written_waits_for_its_end() {
    let mut colours = Colours::default();
    let mut entries = [entry("```rust\naa\nb")];
    pieces(&mut colours, &entries, false, 0..99);
    assert_eq!(one(&mut colours, &entries).lines.len(), 1);
    pieces(&mut colours, &entries, false, 0..99);
    assert!(next_job(&mut colours, &entries).is_none());
    entries[0] = entry("```rust\naa\nbb\n");
    pieces(&mut colours, &entries, false, 0..99);
    assert_eq!(one(&mut colours, &entries).from, 1, "goes on where it was");
    assert_eq!(pieces(&mut colours, &entries, false, 0..99), ["aa", "bb"]);
    entries[0] = entry("```rust\naa\nbb\nc");
    pieces(&mut colours, &entries, true, 0..99);
    one(&mut colours, &entries);
    assert_eq!(pieces(&mut colours, &entries, true, 0..99), ["aa", "bb", "c"], "nothing follows it");
}

#[test]
fn an_answer_says_whose_rows_it_changes() {
    let mut colours = Colours::default();
    let entries = [entry("```rust\naa\nb\n```\n")];
    pieces(&mut colours, &entries, true, 0..99);
    let job = next_job(&mut colours, &entries).expect("something is wanted");
    let stale = Coloured { from: 7, ..answer(&job) };
    assert_eq!(colours.take(answer(&job)), Some(EntryId(0)));
    assert_eq!(colours.take(answer(&job)), None, "nobody waits for it any more");
    assert_eq!(colours.take(stale), None);
}

#[test]
fn a_text_that_became_another_is_asked_for_anew() {
    let mut colours = Colours::default();
    let mut entries = [entry("```rust\naa\n```\n")];
    pieces(&mut colours, &entries, true, 0..99);
    entries[0] = Entry { generation: 1, ..entry("short") };
    assert!(next_job(&mut colours, &entries).is_none(), "what was wanted is gone");
    assert!(next_job(&mut colours, &[]).is_none());
}

#[test]
fn few_jobs_are_out_and_the_last_question_is_answered_first() {
    let mut colours = Colours::default();
    let entries = ["```rust\naa\n```\n"; 4].map(entry);
    let ask = |index: u32, colours: &mut Colours| {
        let Body::Text(text) = &entries[index as usize].body else { return };
        colours.of_fence(EntryId(index), 0, text, &fence(text, true), 0..99, &mut Vec::new());
    };
    (0..4).for_each(|index| ask(index, &mut colours));
    ask(1, &mut colours);
    let first = next_job(&mut colours, &entries).expect("something is wanted");
    let second = next_job(&mut colours, &entries).expect("something is wanted");
    assert_eq!([first.block.entry, second.block.entry], [1, 3].map(EntryId));
    assert!(next_job(&mut colours, &entries).is_none(), "enough is out");
    colours.take(answer(&first));
    assert_eq!(next_job(&mut colours, &entries).map(|job| job.block.entry), Some(EntryId(2)));
}

#[test]
fn what_was_forgotten_is_read_anew_and_what_is_given_up_is_not() {
    let mut colours = Colours::default();
    let entries = [entry("```rust\naa\nb\n```\n")];
    pieces(&mut colours, &entries, true, 8..11);
    one(&mut colours, &entries);
    pieces(&mut colours, &entries, true, 0..99);
    let job = next_job(&mut colours, &entries).expect("something is wanted");
    assert_eq!(job.from, 1);
    assert_eq!(colours.take(Coloured { outcome: Outcome::Lost, ..answer(&job) }), None);
    let job = next_job(&mut colours, &entries).expect("it is wanted still");
    assert_eq!((job.from, job.lines.len()), (0, 2));
    colours.take(Coloured { outcome: Outcome::Last(Lines::default()), ..answer(&job) });
    assert_eq!(pieces(&mut colours, &entries, true, 0..99), [""; 0]);
    assert!(next_job(&mut colours, &entries).is_none());
}

#[test]
fn a_block_of_a_language_that_nobody_knows_is_told_from_one_whose_colours_are_to_come() {
    let mut colours = Colours::default();
    let text = "```rust\na\n```\n";
    let entries = [entry(text)];
    let ask = |colours: &mut Colours| colours.of_fence(EntryId(0), 0, text, &fence(text, true), 0..99, &mut Vec::new());
    assert!(ask(&mut colours));
    let job = next_job(&mut colours, &entries).expect("something is wanted");
    assert_eq!(colours.take(Coloured { outcome: Outcome::Last(Lines::default()), ..answer(&job) }), Some(EntryId(0)));
    assert!(!ask(&mut colours));
}

#[test]
fn a_huge_block_stays_plain_and_so_does_one_of_no_language() {
    let mut colours = Colours::default();
    let entries = [entry(&format!("```rust\n{}```\n", "x\n".repeat(MOST_BLOCK / 2 + 1)))];
    pieces(&mut colours, &entries, true, 0..99);
    assert!(next_job(&mut colours, &entries).is_none());
    let text = "```\nx\n```\n";
    let nameless = Fence { info: "", ..fence(text, true) };
    colours.of_fence(EntryId(0), 0, text, &nameless, 0..99, &mut Vec::new());
    assert!(next_job(&mut colours, &[entry(text)]).is_none());
}

#[test]
fn memory_is_bounded_and_what_is_wanted_is_kept() {
    let mut colours = Colours::default();
    let text = format!("```rust\n{}```\n", "x\n".repeat(2000));
    let entries: Vec<Entry> = vec![entry(&text); 60];
    for index in 0..60 {
        colours.of_fence(EntryId(index), 0, &text, &fence(&text, true), 0..text.len(), &mut Vec::new());
        while let Some(job) = next_job(&mut colours, &entries) {
            colours.take(answer(&job));
        }
    }
    assert!(colours.bytes <= KEPT, "{}", colours.bytes);
    assert!(colours.blocks.len() > 20, "{}", colours.blocks.len());
    let wanted = "```rust\nx\n```\n";
    colours.of_fence(EntryId(99), 0, wanted, &fence(wanted, true), 0..99, &mut Vec::new());
    colours.rest();
    assert_eq!(colours.blocks.keys().map(|block| block.entry).collect::<Vec<_>>(), [EntryId(99)]);
}

#[test]
fn lines_of_a_change_are_known_by_their_place_in_it() {
    let lines = ["+ab".to_owned(), "-c".to_owned()].to_vec();
    let diff = FileDiff { path: "a.rs".into(), hunks: vec![Hunk { old_start: 1, new_start: 1, lines }] };
    let part = Part::Diff { file: 0, print: pieces::fingerprint(&diff) };
    let call = ToolCall {
        tool_use_id: "t".into(),
        name: "Edit".into(),
        kind: ToolKind::Edit,
        input: serde_json::Value::Null,
        title: String::new(),
        locations: Vec::new(),
    };
    let tool = Tool { diff: vec![diff], ..Tool::new(call) };
    let mut entries = [Entry { body: Body::Tool(Box::new(tool)), ..entry("") }];
    let line = Line { code: Some(Code { part, line: 1, column: 5 }), ..Line::plain("  2 -c") };
    let cut = Line { code: Some(Code { part, line: 0, column: 5 }), ..Line::plain("  1 +a") };
    let mut colours = Colours::default();
    let mut marks = Vec::new();
    colours.of_line(EntryId(0), 0, &line, &mut marks);
    let job = one(&mut colours, &entries);
    assert_eq!(job.source, Source::Path("a.rs".into()));
    assert_eq!(job.lines.iter().map(|line| line.side).collect::<Vec<_>>(), [Side::New, Side::Old]);
    colours.of_line(EntryId(0), 0, &line, &mut marks);
    colours.of_line(EntryId(0), 0, &cut, &mut marks);
    assert_eq!(marks, [Mark::colour(5, 6, "@keyword")], "nothing is marked behind the end of a line");
    // Another change of the same file takes its place.
    if let Body::Tool(tool) = &mut entries[0].body {
        tool.diff[0].hunks[0].lines.push("+d".into());
    }
    let more = Line { code: Some(Code { part, line: 2, column: 5 }), ..Line::plain("  2 +d") };
    colours.of_line(EntryId(0), 0, &more, &mut marks);
    assert!(next_job(&mut colours, &entries).is_none());
}

#[test]
fn what_is_said_of_code_beside_its_colours_is_drawn_over_them() {
    let mut colours = Colours::default();
    let part = Part::Output { length: 2 };
    let block = Block { entry: EntryId(0), generation: 0, part };
    let mut line = Line::of("1 ", "AgorDim");
    line.push("ab", "AgorDiffAddWord");
    line.code = Some(Code { part, line: 0, column: 2 });
    colours.of_line(EntryId(0), 0, &line, &mut Vec::new());
    let job = Job { block, source: Source::Path(String::new()), from: 0, lines: Vec::new() };
    colours.blocks.entry(block).or_default().asked = Some(vec![2]);
    let group = Group::of("@keyword").expect("a group");
    let mut lines = Lines::default();
    lines.push(&[Span { start: 0, end: 2, group }]);
    colours.take(Coloured { outcome: Outcome::Lines(lines), ..answer(&job) });
    let mut marks = line.marks.clone();
    colours.of_line(EntryId(0), 0, &line, &mut marks);
    assert_eq!(marks.iter().map(|mark| mark.group).collect::<Vec<_>>(), ["AgorDim", "@keyword", "AgorDiffAddWord"]);
}
