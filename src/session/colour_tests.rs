use std::sync::mpsc;

use super::*;
use crate::{
    render::{
        Part,
        code::{Side, Source},
    },
    transcript::EntryId,
};

const BLOCK: Block = Block { entry: EntryId(0), generation: 0, part: Part::Fence { start: 0 } };

fn job(from: usize, language: &str, lines: &[&str]) -> Job {
    let line = |text: &&str| JobLine { text: (*text).to_owned(), skip: 0, side: Side::Both, apart: false };
    let source = Source::Info(language.to_owned());
    Job { block: BLOCK, source, from, lines: lines.iter().map(line).collect() }
}

/// The groups of each line, and whether it is the end of it.
fn groups(answer: &Coloured) -> (Vec<Vec<&'static str>>, &'static str) {
    let (lines, name) = match &answer.outcome {
        Outcome::Lines(lines) => (lines.clone(), "more"),
        Outcome::Last(lines) => (lines.clone(), "last"),
        Outcome::Lost => (Lines::default(), "lost"),
    };
    let of = |line: usize| lines.get(line).iter().map(|span| span.group.name()).collect();
    ((0..lines.len()).map(of).collect(), name)
}

/// A clock on which nothing takes time.
fn still() -> Duration {
    Duration::ZERO
}

#[test]
fn a_block_that_comes_in_pieces_is_what_the_whole_is() {
    let lines = ["fn a() { /* x", "y */ let s = \"a", "b\"; }", "// c"];
    let mut desk = Desk::new(still);
    let whole = groups(&desk.work(Reader(0), &job(0, "rust", &lines)));
    for size in 1..=3 {
        let mut found = Vec::new();
        for (index, piece) in lines.chunks(size).enumerate() {
            found.extend(groups(&desk.work(Reader(1), &job(index * size, "rust", piece))).0);
        }
        assert_eq!((found, "more"), whole, "{size}");
    }
}

#[test]
fn readers_do_not_share_blocks() {
    let mut desk = Desk::new(still);
    desk.work(Reader(0), &job(0, "rust", &["/*"]));
    assert_eq!(groups(&desk.work(Reader(1), &job(1, "rust", &["true"]))), (vec![], "lost"));
    assert_eq!(groups(&desk.work(Reader(0), &job(1, "rust", &["true"]))), (vec![vec!["@comment"]], "more"));
    assert_eq!(groups(&desk.work(Reader(0), &job(1, "rust", &["true"]))), (vec![], "lost"), "that was read already");
}

#[test]
fn blocks_of_long_ago_are_forgotten() {
    let mut desk = Desk::new(still);
    for reader in 0..=REMEMBERED as u64 {
        desk.work(Reader(reader), &job(0, "rust", &["/*"]));
    }
    assert_eq!(desk.open.len(), REMEMBERED);
    assert_eq!(groups(&desk.work(Reader(0), &job(1, "rust", &["a"]))).1, "lost");
    assert_eq!(groups(&desk.work(Reader(1), &job(1, "rust", &["a"]))).1, "more");
}

#[test]
fn what_stands_before_the_code_is_counted() {
    let mut quoted = job(0, "rust", &["true"]);
    quoted.lines[0].skip = 2;
    let mut desk = Desk::new(still);
    let Outcome::Lines(lines) = desk.work(Reader(0), &quoted).outcome else { panic!("the language is known") };
    assert_eq!((lines.get(0)[0].start, lines.get(0)[0].end), (2, 6));
}

#[test]
fn an_unknown_language_ends_it() {
    let mut desk = Desk::new(still);
    assert_eq!(groups(&desk.work(Reader(0), &job(0, "no such", &["true"]))), (vec![], "last"));
}

#[test]
fn a_line_that_takes_too_long_twice_ends_its_block() {
    // Each look at the clock: the first line takes long once, the third both times.
    let mut times = [0, 51, 51, 60, 60, 70, 70, 121, 121, 172].map(Duration::from_millis).into_iter();
    let mut desk = Desk::new(move || times.next().expect("no more looks"));
    let answer = desk.work(Reader(0), &job(0, "rust", &["true", "true", "true", "true"]));
    assert_eq!(groups(&answer), (vec![vec!["@boolean"]; 2], "last"));
    assert!(desk.open.is_empty());
}

#[test]
fn a_panic_ends_one_block_and_nothing_else() {
    let mut looks = 0;
    let mut desk = Desk::new(move || {
        looks += 1;
        assert!(looks != 4, "as a definition might");
        Duration::ZERO
    });
    assert_eq!(groups(&desk.work(Reader(0), &job(0, "rust", &["true"]))).1, "more");
    assert_eq!(groups(&desk.work(Reader(1), &job(0, "rust", &["true"]))), (vec![], "last"));
    assert_eq!(groups(&desk.work(Reader(1), &job(0, "rust", &["true"]))), (vec![vec!["@boolean"]], "more"));
}

#[test]
fn an_answer_that_nobody_waits_for_is_not_worked_out() {
    let (sender, orders) = mpsc::channel();
    let order = |reader| {
        let (reply, answer) = oneshot::channel();
        (Order { reader: Reader(reader), job: job(0, "rust", &["true"]), reply }, answer)
    };
    let (gone, answer) = order(0);
    drop(answer);
    let (kept, mut answer) = order(1);
    sender.send(gone).expect("it is open");
    sender.send(kept).expect("it is open");
    drop(sender);
    let mut desk = Desk::new(still);
    work(&orders, &mut desk);
    assert_eq!(groups(&answer.try_recv().expect("it was answered")).1, "more");
    assert_eq!(desk.open.len(), 1, "and the other was not even read");
}

#[tokio::test]
async fn the_thread_answers_everybody() {
    let colourist = Colourist::default();
    let (one, two) = (colourist.reader(), colourist.reader());
    assert_ne!(one, two);
    let (first, second) =
        tokio::join!(colourist.ask(one, job(0, "rust", &["true"])), colourist.ask(two, job(0, "py", &["None"])));
    assert_eq!(groups(&first).0, [["@boolean"]]);
    assert_eq!(groups(&second).0, [["@constant.builtin"]]);
}

#[test]
fn with_many_languages_all_begins_anew_and_blocks_go_on() {
    let mut desk = Desk::new(still);
    desk.work(Reader(0), &job(0, "rust", &["/*"]));
    let languages = "py js ts c cpp go java lua vim sh css html json yaml toml sql ruby php".split(' ');
    for (language, reader) in languages.zip(1..) {
        desk.work(Reader(reader), &job(0, language, &["x"]));
        let known = desk.syntaxes.as_ref().map_or(0, Syntaxes::languages);
        assert!(known <= LANGUAGES, "{known}");
    }
    assert_eq!(groups(&desk.work(Reader(0), &job(1, "rust", &["a */ true"]))).0, [["@comment", "@boolean"]]);
}
