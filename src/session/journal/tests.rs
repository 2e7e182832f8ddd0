//! Pages, files that fail, and what a cut-off machine leaves.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
};

use super::*;

fn id(name: &str) -> SessionId {
    SessionId::parse(name).expect("a good id")
}

fn text(id: &str, part: bool, text: &str) -> AgentMessage {
    let content = Content::Text { text: text.into() };
    AgentMessage { id: id.into(), parent_id: None, timestamp: 1, part, content }
}

fn journal(folder: Option<&Path>) -> Journal {
    let header = header(id("s"), "demo", Path::new("/tmp"), 1);
    Journal::create(folder, &header).expect("a journal")
}

fn texts(page: &Page) -> Vec<String> {
    let text = |message: &AgentMessage| match &message.content {
        Content::Text { text } => text.clone(),
        other => format!("{other:?}"),
    };
    page.messages.iter().map(text).collect()
}

#[test]
fn parts_are_merged_and_the_whole_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    for piece in ["a", "b", "c"] {
        journal.append(&text("m", true, piece));
    }
    assert!(journal.has_pending());
    let page = journal.page(0, u64::MAX);
    assert_eq!(texts(&page), ["abc"]);
    assert_eq!(page.since, None);
    journal.append(&text("m", true, "d"));
    journal.append(&text("m", false, "abcd"));
    assert_eq!(texts(&journal.page(page.end, u64::MAX)), ["abcd"]);
    assert_eq!(texts(&journal.page(0, u64::MAX)), ["abcd"], "parts of a whole are left out");
    let Past { header, messages, .. } = read(folder.path(), &id("s")).expect("it is there");
    assert_eq!(header.map(|header| header.provider), Some("demo".into()));
    assert_eq!(messages, [text("m", true, ""), text("m", false, "abcd")], "nothing is held twice");
}

#[test]
fn parts_without_a_whole_are_one_and_end_when_the_last_has_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    let at = |timestamp, message| AgentMessage { timestamp, ..message };
    let said = [
        at(1, text("a", true, "one ")),
        at(2, text("b", true, "two")),
        at(3, text("a", true, "three")),
        at(4, text("a", true, "!")),
        at(5, text("c", false, "four")),
    ];
    for message in &said {
        journal.append(message);
    }
    let Past { messages, end, .. } = read(folder.path(), &id("s")).expect("it is there");
    assert_eq!(
        messages,
        [
            at(1, text("a", true, "one three!")),
            at(2, text("b", true, "two")),
            said[4].clone(),
            at(3, text("a", true, ""))
        ]
    );
    assert_eq!(end, journal.end());
    let (mut read, mut heard) = (crate::transcript::Transcript::default(), crate::transcript::Transcript::default());
    messages.into_iter().for_each(|message| _ = read.fold(message));
    said.into_iter().for_each(|message| _ = heard.fold(message));
    let looks = |transcript: &crate::transcript::Transcript| {
        let entries = transcript.entries().iter();
        entries.map(|entry| (entry.id, entry.started_at, entry.body.clone())).collect::<Vec<_>>()
    };
    assert_eq!(looks(&read), looks(&heard));
}

#[test]
fn only_the_user_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("a/b");
    let journal = journal(Some(&inner));
    assert_eq!(journal.failure(), None);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&path(&inner, &id("s"))), 0o600);
    assert_eq!(mode(&inner), 0o700);
}

#[test]
fn a_second_session_of_the_same_name_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = journal(Some(folder.path()));
    let error = Journal::create(Some(folder.path()), &header(id("s"), "demo", Path::new("/"), 1));
    assert_eq!(error.expect_err("refused").to_string(), "session s already exists");
}

#[test]
fn where_no_file_can_be_written_it_goes_on_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").expect("a file in the way");
    let mut journal = journal(Some(&blocked));
    assert!(journal.failure().is_some_and(|text| text.contains("cannot be written")));
    journal.append(&text("m", false, "kept"));
    assert_eq!(texts(&journal.page(0, u64::MAX)), ["kept"]);
}

#[test]
fn a_file_that_fails_midway_is_read_before_what_is_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    journal.append(&text("a", false, "one"));
    let middle = journal.end();
    journal.append(&text("b", false, "two"));
    // The disk is full.
    let full = OpenOptions::new().append(true).open("/dev/full").expect("a file that takes nothing");
    let Store::File { file, path } = &mut journal.store else { panic!("it is in a file") };
    let path = path.clone();
    *file = Box::new(full);
    journal.append(&text("c", false, "three"));
    journal.append(&text("d", false, "four"));
    assert!(journal.failure().is_some_and(|text| text.contains("cannot be written any more")));
    assert_eq!(texts(&journal.page(0, u64::MAX)), ["one", "two", "three", "four"]);
    assert_eq!(texts(&journal.page(middle, u64::MAX)), ["two", "three", "four"]);
    let (mut since, mut seen) = (Some(0), Vec::new());
    while let Some(from) = since {
        let page = journal.page(from, 1);
        seen.extend(texts(&page));
        since = page.since;
    }
    assert_eq!(seen, ["one", "two", "three", "four"], "each once, page by page");
    fs::remove_file(path).expect("it is there");
    let page = journal.page(0, u64::MAX);
    assert_eq!((texts(&page), page.since), (vec!["three".into(), "four".into()], None), "the rest stays");
}

#[test]
fn what_was_kept_in_memory_is_written_once_there_is_room_and_nobody_goes_on_with_it_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    journal.append(&text("a", false, "one"));
    let path = path(folder.path(), &id("s"));
    let good = {
        let Store::File { file, .. } = &mut journal.store else { panic!("it is in a file") };
        let full = OpenOptions::new().append(true).open("/dev/full").expect("a file that takes nothing");
        std::mem::replace(file, Box::new(full))
    };
    journal.append(&text("b", false, "two"));
    assert!(journal.failure().is_some());
    // As a full disk leaves it: the file, with a part of the line.
    fs::write(&path, [fs::read(&path).expect("the file"), b"{\"id\":\"b".to_vec()].concat()).expect("written");
    journal.held = Some(good);
    assert!(matches!(Journal::reopen(folder.path(), &id("s")), Err(JournalError::Elsewhere(_))));
    journal.append(&text("c", false, "three"));
    assert_eq!(journal.failure(), None);
    assert_eq!(texts(&journal.page(0, u64::MAX)), ["one", "two", "three"]);
    let end = journal.end();
    drop(journal);
    assert_eq!(fs::metadata(&path).expect("the file").len(), end);
    let (_, past) = Journal::archive(folder.path(), &id("s")).expect("it is there");
    let said = past.messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>();
    assert_eq!(said, ["a", "b", "c"]);
}

#[test]
fn what_is_in_memory_at_the_end_is_written_if_there_is_room_by_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    let Store::File { file, .. } = &mut journal.store else { panic!("it is in a file") };
    let full = OpenOptions::new().append(true).open("/dev/full").expect("a file that takes nothing");
    let good = std::mem::replace(file, Box::new(full));
    journal.append(&text("a", false, "one"));
    journal.catch_up();
    assert!(journal.failure().is_some());
    journal.held = Some(good);
    journal.catch_up();
    assert_eq!(journal.failure(), None);
    let past = read(folder.path(), &id("s")).expect("readable");
    assert_eq!(past.messages.len(), 1);
}

#[test]
fn what_is_over_is_read_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = journal(Some(folder.path()));
    first.append(&text("a", false, "one"));
    first.append(&text("b", true, "begun"));
    first.flush();
    drop(first);
    let path = path(folder.path(), &id("s"));
    let before = fs::read(&path).expect("the file");
    let (mut archive, Past { messages, .. }) = Journal::archive(folder.path(), &id("s")).expect("it is there");
    assert_eq!(messages.len(), 2);
    assert_eq!(archive.failure(), None);
    assert_eq!(texts(&archive.page(0, 1 << 20)), ["one", "begun"]);
    archive.append(&text("c", false, "two"));
    assert_eq!(fs::read(&path).expect("the file"), before);
}

#[test]
fn what_is_passed_over_is_bounded_too() {
    let mut journal = journal(None);
    let piece = "x".repeat(64 * 1024);
    for _ in 0..64 {
        journal.append(&text("m", true, &piece));
    }
    journal.append(&text("m", false, "the whole"));
    let first = journal.page(0, 1);
    assert!(first.messages.is_empty(), "{} messages", first.messages.len());
    assert!(first.end < 2 * page::SCAN_BYTES, "{} bytes", first.end);
    let (mut since, mut seen) = (first.since, Vec::new());
    while let Some(from) = since {
        let page = journal.page(from, 1);
        assert!(page.end > from, "it gets on");
        seen.extend(texts(&page));
        since = page.since;
    }
    assert_eq!(seen, ["the whole"]);
}

#[test]
fn pages_are_bounded_and_go_on() {
    let mut journal = journal(None);
    for n in 0..2_500 {
        journal.append(&text(&n.to_string(), false, "x"));
    }
    let (mut since, mut seen, mut pages) = (Some(0), 0, 0);
    while let Some(from) = since {
        let page = journal.page(from, u64::MAX);
        assert!(page.messages.len() <= 1_000);
        seen += page.messages.len();
        pages += 1;
        since = page.since;
    }
    assert_eq!((seen, pages), (2_500, 3));
    assert_eq!(journal.page(0, 1).messages.len(), 1, "bytes bound it too, but one there always is");
    let page = journal.page(0, 1_000);
    assert!(page.end <= 1_000 && page.messages.len() > 1, "{} bytes", page.end);
    assert_eq!(journal.page(u64::MAX, 1).messages.len(), 0);
}

#[test]
fn an_earlier_journal_goes_on_behind_its_torn_last_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = journal(Some(folder.path()));
    first.append(&text("a", false, "one"));
    first.append(&text("b", true, "begun"));
    first.flush();
    drop(first);
    let mut file = OpenOptions::new().append(true).open(path(folder.path(), &id("s"))).expect("the file");
    file.write_all(b"{\"id\": \"torn").expect("half a line");

    let (mut again, Past { header, messages, .. }) = Journal::reopen(folder.path(), &id("s")).expect("it goes on");
    assert_eq!(header.map(|header| header.provider), Some("demo".to_owned()));
    assert_eq!(messages.len(), 2);
    again.append(&text("c", false, "two"));
    assert_eq!(texts(&again.page(0, 1 << 20)), ["one", "begun", "two"]);
    let missing = Journal::reopen(folder.path(), &id("nobody")).expect_err("there is none");
    assert_eq!(missing.to_string(), "no session nobody");
}

#[test]
fn a_torn_last_line_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    journal.append(&text("a", false, "whole"));
    let mut file = OpenOptions::new().append(true).open(path(folder.path(), &id("s"))).expect("the file");
    file.write_all(b"{\"id\":\"b\",\"ty\xff").expect("half a line");
    let Past { messages, .. } = read(folder.path(), &id("s")).expect("readable");
    assert_eq!(messages.len(), 1);
}

#[test]
fn what_a_session_is_set_to_stands_between_the_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = journal(Some(folder.path()));
    let set = |model: &str| Standing { model: model.into(), chosen_model: Some("m".into()), ..Standing::default() };
    journal.stand(&Standing::default());
    let before = journal.end();
    journal.stand(&set("small"));
    journal.append(&text("a", false, "one"));
    journal.stand(&set("small"));
    journal.stand(&set("big"));
    assert_eq!(texts(&journal.page(0, u64::MAX)), ["one"], "it is no message");
    let written = fs::read_to_string(path(folder.path(), &id("s"))).expect("the file");
    let lines: Vec<&str> = written.lines().collect();
    assert!(before > 0 && lines.len() == 4, "only what is new is written: {lines:#?}");
    let past = read(folder.path(), &id("s")).expect("readable");
    assert_eq!((past.standing, past.messages.len()), (Some(set("big")), 1));
    journal.append(&text("b", false, &"x".repeat(40_000)));
    let written = fs::read_to_string(path(folder.path(), &id("s"))).expect("the file");
    assert_eq!(written.lines().last(), Some(r#"{"standing":{"model":"big","chosen_model":"m"}}"#));
    drop(journal);
    let (mut again, past) = Journal::reopen(folder.path(), &id("s")).expect("it goes on");
    assert_eq!(past.standing, Some(set("big")));
    let end = again.end();
    again.stand(&set("big"));
    assert_eq!(again.end(), end);
}

#[test]
fn two_backends_do_not_write_the_same_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(Some(folder.path()));
    let refused = Journal::reopen(folder.path(), &id("s")).expect_err("it is taken");
    assert_eq!(refused.to_string(), "session s runs in another Neovim: :Agor resume s takes it over");
    Journal::archive(folder.path(), &id("s")).expect("it can be read all the same");
    drop(journal);
    let _again = Journal::reopen(folder.path(), &id("s")).expect("it goes on");
    Journal::reopen(folder.path(), &id("s")).expect_err("it is taken again");
    assert!(read(folder.path(), &id("s")).expect("readable").taken);
}
