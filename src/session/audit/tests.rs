//! The audit log on a disk.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use super::*;
use crate::private::full;

fn entry(at: i64, command: &str) -> Entry {
    Entry {
        at,
        time: time(at),
        session: "s".into(),
        project: "/p".into(),
        provider: "scripted".into(),
        request: "r".into(),
        tool: "Bash".into(),
        what: What::Command(command.into()),
        cut: false,
        decision: Decision::Allowed,
        by: Who::Policy,
        option: Some(OptionKind::AllowOnce),
        rules: vec!["`command(ls *)` (your configuration)".into()],
        grants: Vec::new(),
        outcome: "Allow".into(),
    }
}

struct Disk {
    folder: PathBuf,
    _top: tempfile::TempDir,
}

fn disk() -> Disk {
    let top = tempfile::tempdir().expect("a folder");
    Disk { folder: top.path().join("agor/audit"), _top: top }
}

#[test]
fn a_time_is_a_date() {
    for (at, expect) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_795_664_467_999, "2026-11-26T03:41:07Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
    ] {
        assert_eq!(time(at), expect);
    }
}

#[test]
fn each_decision_is_a_line_of_its_month_that_only_the_user_can_read() {
    let disk = disk();
    let [a, b] = [1_795_664_467_000, 1_798_761_600_000];
    for (at, command) in [(a, "ls"), (a, "ls\nx"), (b, "pwd")] {
        record(&disk.folder, &entry(at, command)).expect("written");
    }
    let text = fs::read_to_string(disk.folder.join("2026-11.ndjson")).expect("there");
    let lines: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(lines, [entry(a, "ls"), entry(a, "ls\nx")]);
    assert!(disk.folder.join("2027-01.ndjson").is_file());
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&disk.folder), mode(&disk.folder.join("2026-11.ndjson"))), (0o700, 0o600));
}

#[test]
fn what_was_cut_off_stays_and_spoils_nothing() {
    let disk = disk();
    record(&disk.folder, &entry(0, "a")).expect("written");
    let path = disk.folder.join("1970-01.ndjson");
    fs::write(&path, format!("{}{{\"at\":", fs::read_to_string(&path).expect("there"))).expect("written");
    record(&disk.folder, &entry(0, "b")).expect("written");
    let text = told(&disk.folder).expect("readable");
    assert!(text.contains("Bash: a\n") && text.contains("Bash: b\n"), "{text}");
    assert!(fs::read_to_string(&path).expect("there").contains("{\"at\":\n{"));
}

#[test]
fn at_whatever_byte_the_disk_is_full_what_stands_there_stays_and_it_goes_on_once_there_is_room() {
    full::apart(
        module_path!(),
        "at_whatever_byte_the_disk_is_full_what_stands_there_stays_and_it_goes_on_once_there_is_room",
        || {
            let line = serde_json::to_string(&entry(0, "b")).expect("JSON").len();
            for room in 0..=line {
                let disk = disk();
                record(&disk.folder, &entry(0, "a")).expect("written");
                let path = disk.folder.join("1970-01.ndjson");
                let before = fs::read_to_string(&path).expect("there");
                let recorded = full::with_room(before.len() + room, || record(&disk.folder, &entry(0, "b")));
                // What can be read is what was said to be taken down.
                if room < line {
                    let error = recorded.expect_err("a decision that was not taken down").to_string();
                    assert_eq!(error, format!("{} cannot be written: File too large (os error 27)", path.display()));
                } else {
                    recorded.expect("taken down, but for the end of its line");
                    assert!(told(&disk.folder).expect("readable").contains("Bash: b\n"));
                }
                record(&disk.folder, &entry(0, "c")).expect("written");
                let text = fs::read_to_string(&path).expect("there");
                assert!(text.starts_with(&before), "{room}: {text}");
                let whole: Vec<Entry> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
                let between = (room == line).then(|| entry(0, "b"));
                let expect = [Some(entry(0, "a")), between, Some(entry(0, "c"))];
                assert_eq!(whole, expect.into_iter().flatten().collect::<Vec<_>>(), "{room}");
            }
        },
    );
}

#[test]
fn links_in_its_place_are_not_followed() {
    let disk = disk();
    fs::create_dir_all(&disk.folder).expect("a folder");
    let target = disk.folder.join("target");
    fs::write(&target, "").expect("written");
    symlink(&target, disk.folder.join("1970-01.ndjson")).expect("a link");
    assert!(record(&disk.folder, &entry(0, "a")).is_err());
    assert_eq!(fs::read_to_string(&target).expect("there"), "");
}

#[test]
fn what_was_asked_for_in_a_project_is_found_again() {
    let disk = disk();
    for command in ["git push", "ls"] {
        record(&disk.folder, &entry(0, command)).expect("written");
    }
    record(&disk.folder, &Entry { project: "/q".into(), ..entry(0, "rm") }).expect("written");
    record(&disk.folder, &Entry { cut: true, ..entry(0, "rm") }).expect("written");
    let files = Entry { what: What::Change(vec!["/p/a".into()]), ..entry(3_000_000_000, "") };
    record(&disk.folder, &files).expect("written");
    let command = |command: &str| Act::Command { command: command.into() };
    let change = Act::Files { paths: vec!["/p/a".into()], change: true };
    assert_eq!(decided(&disk.folder, "/p"), [command("git push"), command("ls"), change]);
    assert_eq!(decided(&disk.folder.join("none"), "/p"), []);
}

#[test]
fn it_is_told_in_lines_without_what_a_terminal_obeys() {
    let disk = disk();
    assert!(told(&disk.folder).is_err_and(|why| why.contains("empty")));
    record(&disk.folder, &entry(0, "a\nb\u{1b}[31m")).expect("written");
    let text = told(&disk.folder).expect("readable");
    let expect = "1970-01-01 00:00:00  allowed    rule   scripted in p  Bash: a b [31m\n    Allow\n";
    assert!(text.ends_with(expect), "{text}");
}
