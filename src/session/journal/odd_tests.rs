//! What may stand in a journal's place, or in it: nothing of that is changed, and what can be read is.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
};

use tempfile::TempDir;

use super::*;
use crate::domain::Prompt;

const HEADER: &str = r#"{"agor":1,"session_id":"s","provider":"demo","cwd":"/","started_at":1}"#;

fn id() -> SessionId {
    SessionId::parse("s").expect("a good id")
}

fn line(text: &str) -> String {
    let content = Content::Prompt(Prompt::new(text));
    let message = AgentMessage { id: text.into(), parent_id: None, timestamp: 1, part: false, content };
    serde_json::to_string(&message).expect("a line")
}

fn holding(bytes: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(path(folder.path(), &id()), bytes).expect("a file");
    folder
}

fn prompts(past: &Past) -> Vec<&str> {
    let prompt = |message: &'_ AgentMessage| matches!(message.content, Content::Prompt(_));
    past.messages.iter().filter(|message| prompt(message)).map(|message| message.id.as_str()).collect()
}

/// It can be read, and is not gone on with: neither it nor what is beside it changes.
#[track_caller]
fn check_refused(bytes: impl AsRef<[u8]>, readable: &[&str], why: &str) {
    let folder = holding(bytes.as_ref());
    let error = Journal::reopen(folder.path(), &id()).expect_err("refused").to_string();
    assert!(error.contains(why), "{error}");
    let (_, past) = Journal::archive(folder.path(), &id()).expect("it can be read");
    assert_eq!(prompts(&past), readable);
    assert_eq!(fs::read(path(folder.path(), &id())).expect("the file"), bytes.as_ref());
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

/// Whatever stands there, it is neither read nor written.
#[track_caller]
fn check_no_file(folder: &TempDir) {
    for error in [
        Journal::reopen(folder.path(), &id()).map(drop).expect_err("refused"),
        Journal::archive(folder.path(), &id()).map(drop).expect_err("refused"),
    ] {
        assert!(error.to_string().contains("is no regular file"), "{error}");
    }
    let header = header(id(), "demo", "/".as_ref(), 1);
    let taken = Journal::create(Some(folder.path()), &header).expect_err("its name is taken");
    assert_eq!(taken.to_string(), "session s already exists");
    assert_eq!(all_listed(folder.path(), None, None), []);
}

#[test]
fn a_newer_version_is_read_and_never_added_to() {
    let header = HEADER.replace(r#""agor":1"#, r#""agor":2"#);
    let text = format!("{header}\n{}\n{{\"unheard\":\"of\"}}\n{}\n", line("one"), line("two"));
    check_refused(&text, &["one", "two"], "was written by a newer agor (its journal has version 2, this one knows 1)");
    let strange = format!("{{\"agor\":3,\"session\":[]}}\n{}\n", line("one"));
    check_refused(&strange, &["one"], "version 3");
}

#[test]
fn what_does_not_begin_as_a_journal_is_not_added_to() {
    let why = "does not begin as a journal does";
    check_refused("", &[], why);
    check_refused("no header\n", &[], why);
    check_refused(format!("{}\n{}\n", line("without a header"), line("one")), &["without a header", "one"], why);
    check_refused(HEADER.replace("\"s\"", "\"../s\"").as_bytes(), &[], why);
    check_refused(b"\0\0\0\0", &[], why);
    let torn = format!("{{\"agor\":1,\"session_\n{}\n", line("one"));
    check_refused(&torn, &["one"], why);
}

#[test]
fn torn_and_foreign_lines_and_zeros_are_passed_over() {
    let folder = holding(format!(
        "{HEADER}\n{}\n{{\"id\":\"torn\n\nhello\n{}\0\0\0\0\n\0\0\0{}\n{}\n[1,2]\n\u{feff}\n{}\n{{\"id",
        line("one"),
        "\0".repeat(4096),
        line("lost with the zeros"),
        line("two"),
        line("three"),
    ));
    let before = fs::read(path(folder.path(), &id())).expect("the file");
    let (mut journal, past) = Journal::reopen(folder.path(), &id()).expect("it goes on");
    assert_eq!(prompts(&past), ["one", "two", "three"]);
    journal.append(&serde_json::from_str(&line("four")).expect("a message"));
    drop(journal);
    let after = fs::read(path(folder.path(), &id())).expect("the file");
    assert!(after.starts_with(&before), "nothing that was there is changed");
    assert_eq!(prompts(&read(folder.path(), &id()).expect("readable")), ["one", "two", "three", "four"]);
}

#[test]
fn a_line_that_lacks_nothing_but_its_end_is_one() {
    let text = format!("{HEADER}\n{}\n{}", line("one"), line("two"));
    let folder = holding(&text);
    let (mut journal, past) = Journal::reopen(folder.path(), &id()).expect("it goes on");
    assert_eq!((prompts(&past), past.end), (vec!["one", "two"], text.len() as u64));
    journal.append(&serde_json::from_str(&line("three")).expect("a message"));
    assert_eq!(prompts(&read(folder.path(), &id()).expect("readable")), ["one", "two", "three"]);
}

#[test]
fn a_journal_of_another_name_is_that_of_its_file() {
    let folder = holding(format!("{}\n{}\n", HEADER.replace("\"s\"", "\"t\""), line("one")));
    let listed = all_listed(folder.path(), None, None);
    assert_eq!((listed.len(), listed[0].session_id.as_str(), listed[0].title.as_str()), (1, "s", "one"));
}

#[test]
fn a_link_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = folder.path().join("beside");
    let text = format!("{HEADER}\n{}\n", line("one"));
    fs::write(&beside, &text).expect("a file");
    symlink(&beside, path(folder.path(), &id())).expect("a link");
    check_no_file(&folder);
    assert_eq!(fs::read_to_string(&beside).expect("it is there"), text);
    fs::remove_file(&beside).expect("it was there");
    check_no_file(&folder);
    assert!(!beside.exists(), "nothing is made where the link leads");
}

#[test]
fn a_directory_or_a_pipe_is_no_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = path(folder.path(), &id());
    fs::create_dir(&inner).expect("a folder");
    fs::write(inner.join("kept"), "x").expect("a file");
    check_no_file(&folder);
    assert!(inner.join("kept").exists());
    fs::remove_dir_all(&inner).expect("it was there");
    crate::private::named_pipe(&inner);
    check_no_file(&folder);
}

#[test]
fn what_may_not_be_written_says_so_and_can_be_read() {
    let folder = holding(format!("{HEADER}\n{}\n", line("one")));
    let path = path(folder.path(), &id());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
    let written = Journal::reopen(folder.path(), &id());
    // Root may write everything.
    if rustix::process::geteuid().is_root() {
        assert_eq!(prompts(&written.expect("it goes on").1), ["one"]);
    } else {
        let error = written.expect_err("refused").to_string();
        assert!(error.contains("cannot be written") && error.contains(":edit agor://s"), "{error}");
    }
    let (_, past) = Journal::archive(folder.path(), &id()).expect("it can be read");
    assert_eq!(prompts(&past), ["one"]);
}

#[test]
fn what_was_at_work_when_it_was_cut_off_is_listed_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let head = header(id(), "demo", "/".as_ref(), 1);
    let listed = || {
        let listed = all_listed(folder.path(), None, None).pop().expect("one");
        (listed.interrupted, listed.elsewhere)
    };
    let standing = |unfinished| Standing { title: "t".into(), unfinished, ..Standing::default() };
    let mut journal = Journal::create(Some(folder.path()), &head).expect("a journal");
    journal.stand(&standing(true));
    assert_eq!(listed(), (false, true), "whoever has it is at work");
    // However much is said in the turn, the list need not read it all.
    for _ in 0..40 {
        journal.append(&serde_json::from_str(&line(&"x".repeat(50_000))).expect("a message"));
    }
    drop(journal);
    assert_eq!(listed(), (true, false));
    let mut file = fs::OpenOptions::new().append(true).open(path(folder.path(), &id())).expect("the file");
    file.write_all(b"{\"id\":\"torn").expect("half a line");
    assert_eq!(listed(), (true, false));
    let (mut journal, past) = Journal::reopen(folder.path(), &id()).expect("it goes on");
    assert!(past.standing.is_some_and(|standing| standing.unfinished));
    journal.stand(&standing(false));
    drop(journal);
    assert_eq!(listed(), (false, false));
}

#[test]
fn what_another_backend_adds_is_read_from_where_one_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Journal::create(Some(folder.path()), &header(id(), "demo", "/".as_ref(), 1)).expect("a journal");
    let message = |text: &str| serde_json::from_str::<AgentMessage>(&line(text)).expect("a message");
    writer.append(&message("one"));
    let (mut reader, past) = Journal::archive(folder.path(), &id()).expect("it can be read");
    assert!(past.taken);
    let none = grown(folder.path(), &id(), reader.end()).expect("read");
    assert_eq!((none.messages.len(), none.end, none.more, none.taken), (0, reader.end(), false, true));
    writer.append(&message("two"));
    writer.append(&message(&"x".repeat(5 * 1024 * 1024)));
    writer.append(&message("four"));
    let mut seen = Vec::new();
    loop {
        let growth = grown(folder.path(), &id(), reader.end()).expect("read");
        seen.extend(growth.messages.iter().map(|message| message.id.as_str().len()));
        reader.grow(&growth);
        if !growth.more {
            break;
        }
    }
    assert_eq!((seen, reader.end()), (vec![3, 5 * 1024 * 1024, 4], writer.end()));
    assert_eq!(reader.page(0, u64::MAX).messages.len(), 4);
    let len = writer.end();
    drop(writer);
    let mut file = fs::OpenOptions::new().append(true).open(path(folder.path(), &id())).expect("the file");
    file.write_all(line("torn").as_bytes()).expect("half a line");
    let growth = grown(folder.path(), &id(), len).expect("read");
    assert_eq!((growth.messages.len(), growth.end, growth.more, growth.taken), (0, len, false, false));
    file.set_len(10).expect("cut");
    assert_eq!(grown(folder.path(), &id(), len).expect("read").messages.len(), 0);
}

/// Nothing of it is said to be all there is.
#[track_caller]
fn check_unread(page: &Page, readable: &[&str], why: &str) {
    let ids: Vec<&str> = page.messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids, readable);
    let failure = page.failure.as_deref().expect("a sentence");
    assert!(failure.starts_with("the journal /") && failure.contains(why), "{failure}");
}

#[test]
fn a_page_says_why_messages_are_missing_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = path(folder.path(), &id());
    let mut journal = Journal::create(Some(folder.path()), &header(id(), "demo", "/".as_ref(), 1)).expect("a journal");
    let message = |text: &str| serde_json::from_str::<AgentMessage>(&line(text)).expect("a message");
    journal.append(&message("one"));
    let middle = journal.end();
    journal.append(&message("two"));
    assert_eq!(journal.page(0, u64::MAX).failure, None);
    let (mut archive, _) = Journal::archive(folder.path(), &id()).expect("it can be read");
    let whole = fs::read(&path).expect("the file");
    // It shrinks while somebody reads: at a line's end, and in the middle of one.
    for at in [middle, middle + 5] {
        fs::OpenOptions::new().write(true).open(&path).expect("the file").set_len(at).expect("cut");
        let page = journal.page(0, u64::MAX);
        check_unread(&page, &["one"], "is shorter than what was written to it");
        check_unread(&journal.page(page.since.expect("there was more"), u64::MAX), &[], "is shorter than");
        check_unread(&archive.page(0, u64::MAX), &[], "has gone or is cut off");
    }
    fs::remove_file(&path).expect("it was there");
    check_unread(&journal.page(0, u64::MAX), &[], "No such file");
    check_unread(&archive.page(0, u64::MAX), &[], "has gone or is cut off");
    fs::create_dir(&path).expect("a folder");
    check_unread(&journal.page(0, u64::MAX), &[], "Is a directory");
    check_unread(&archive.page(0, u64::MAX), &[], "");
    fs::remove_dir(&path).expect("it was there");
    fs::write(&path, whole).expect("back again");
    for journal in [&mut journal, &mut archive] {
        let page = journal.page(0, u64::MAX);
        assert_eq!((page.messages.len(), page.failure), (2, None));
    }
}

#[test]
fn a_journal_that_has_become_shorter_is_said_to_be() {
    let folder = holding(format!("{HEADER}\n{}\n", line("one")));
    let whole = fs::read(path(folder.path(), &id())).expect("the file").len() as u64;
    assert!(!grown(folder.path(), &id(), whole).expect("read").cut);
    assert!(grown(folder.path(), &id(), whole + 1).expect("read").cut);
}
