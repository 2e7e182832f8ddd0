//! The tools over a real directory, as a model calls them.

use std::{fs, path::PathBuf};

use super::*;

struct Stage {
    _folder: tempfile::TempDir,
    project: PathBuf,
    root: Root,
}

fn stage(files: &[(&str, &str)]) -> Stage {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("project");
    fs::create_dir(&project).expect("a folder");
    for (path, text) in files {
        let path = project.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    let root = Root::open(&project).expect("the project");
    Stage { _folder: folder, project, root }
}

impl Stage {
    fn run(&self, name: &str, input: &Value) -> Work {
        self.gated(name, input, &mut |_| May::Yes)
    }

    fn gated(&self, name: &str, input: &Value, gate: Gate<'_>) -> Work {
        run(&self.root, name, input, 1_000, &AtomicBool::new(false), gate)
    }

    #[track_caller]
    fn done(&self, name: &str, input: Value) -> Result<String, String> {
        match self.run(name, &input) {
            Work::Done(done) => done,
            Work::Found(found) => Ok(found.text(false)),
            Work::Change(change) => panic!("{} would be changed", change.title()),
        }
    }

    #[track_caller]
    fn change(&self, name: &str, input: Value) -> Box<Change> {
        match self.run(name, &input) {
            Work::Change(change) => change,
            Work::Done(done) => panic!("no change: {done:?}"),
            Work::Found(found) => panic!("no change: {}", found.text(true)),
        }
    }

    /// A refusal for the model.
    #[track_caller]
    fn refused(&self, name: &str, input: Value, word: &str) {
        let error = self.done(name, input.clone()).expect_err("it is refused");
        assert!(error.contains(word), "{input}: {error}");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.project.join(path)).expect("a file")
    }
}

#[test]
fn a_file_is_read_whole_or_by_its_lines() {
    let stage = stage(&[("a.txt", "one\ntwo\nthree\n"), ("empty", ""), ("open", "no end")]);
    let read = |input| stage.done(READ, input);
    assert_eq!(read(json!({"path": "a.txt"})).as_deref(), Ok("one\ntwo\nthree\n"));
    let some = read(json!({"path": "a.txt", "first_line": 2, "last_line": 2}));
    assert_eq!(some.as_deref(), Ok("two\n[lines 2-2 of 3]\n"));
    // As models write them.
    let some = read(json!({"path": "a.txt", "first_line": "2", "last_line": 99.0}));
    assert_eq!(some.as_deref(), Ok("two\nthree\n[lines 2-3 of 3]\n"));
    assert_eq!(read(json!({"path": "empty", "first_line": null})).as_deref(), Ok("(the file is empty)"));
    assert_eq!(read(json!({"path": "open"})).as_deref(), Ok("no end"));
    stage.refused(READ, json!({"path": "a.txt", "first_line": 4}), "only 3 lines");
    stage.refused(READ, json!({"path": "a.txt", "first_line": 3, "last_line": 2}), "before the first");
    stage.refused(READ, json!({"path": "a.txt", "first_line": "many"}), "no number");
    stage.refused(READ, json!({}), "path is missing");
    stage.refused(READ, json!({"path": 5}), "no text");
    stage.refused(READ, json!("a.txt"), "no object");
    stage.refused(READ, json!({"path": "../secret"}), "outside");
}

#[test]
fn what_is_too_long_to_be_read_at_once_can_be_read_on() {
    let lines: String = (1..=300).map(|n| format!("line {n}\n")).collect();
    let stage = stage(&[("long", &lines), ("wide", &"é".repeat(600))]);
    let first = stage.done(READ, json!({"path": "long"})).expect("text");
    let (body, rest) = first.split_once("[cut off: the file has 300 lines; read on with first_line=").expect("a hint");
    let next: usize = rest.trim_end_matches("]\n").parse().expect("a number");
    assert_eq!(body.lines().count(), next - 1);
    let second = stage.done(READ, json!({"path": "long", "first_line": next})).expect("text");
    assert!(second.starts_with(&format!("line {next}\n")), "{second}");
    let wide = stage.done(READ, json!({"path": "wide"})).expect("text");
    assert!(wide.starts_with('é') && wide.contains("[the line goes on]"), "{wide}");
}

#[test]
fn what_git_ignores_is_not_there() {
    let stage = stage(&[
        ("src/a.rs", "fn find_me() {}\n"),
        ("target/b.rs", "fn find_me() {}\n"),
        (".gitignore", "/target\n"),
        (".git/config", "find_me"),
        (".hidden", "find_me\n"),
    ]);
    assert_eq!(stage.done(LIST, json!({})).as_deref(), Ok(".gitignore\n.hidden\nsrc/a.rs\n"));
    assert_eq!(stage.done(LIST, json!({"path": "src"})).as_deref(), Ok("src/a.rs\n"));
    let found = stage.done(SEARCH, json!({"pattern": "find_me"}));
    assert_eq!(found.as_deref(), Ok(".hidden:1: find_me\nsrc/a.rs:1: fn find_me() {}\n"));
    stage.refused(LIST, json!({"path": "none"}), "does not exist");
    stage.refused(LIST, json!({"path": "/"}), "outside");
}

#[test]
fn a_search_is_literal_unless_it_is_asked_to_be_more() {
    let stage = stage(&[("a.rs", "let x = a.b(c);\nlet y = aXb;\n"), ("sub/b.txt", "A.B\n"), ("bin", "a.b\0")]);
    let search = |input| stage.done(SEARCH, input);
    assert_eq!(search(json!({"pattern": "a.b("})).as_deref(), Ok("a.rs:1: let x = a.b(c);\n"));
    let both = search(json!({"pattern": "a.b", "regex": true, "files": "*.rs"}));
    assert_eq!(both.as_deref(), Ok("a.rs:1: let x = a.b(c);\na.rs:2: let y = aXb;\n"));
    let any = search(json!({"pattern": "a.b", "ignore_case": "true", "path": "sub"}));
    assert_eq!(any.as_deref(), Ok("sub/b.txt:1: A.B\n"));
    assert_eq!(search(json!({"pattern": "zzz"})).as_deref(), Ok("(nothing was found for zzz)"));
    stage.refused(SEARCH, json!({"pattern": "(", "regex": true}), "makes no sense");
    stage.refused(SEARCH, json!({"pattern": ""}), "empty");
    stage.refused(SEARCH, json!({"pattern": "a", "files": "{"}), "glob");
}

#[test]
fn results_have_an_end() {
    let files: Vec<(String, String)> =
        (0..100).map(|n| (format!("file-{n:03}.txt"), "same line\n".repeat(5))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let stage = stage(&files);
    for (name, input) in [(LIST, json!({})), (SEARCH, json!({"pattern": "same"}))] {
        let text = stage.done(name, input).expect("text");
        assert!(text.len() < 1_200 && text.contains("[there are more"), "{text}");
    }
    let cancelled =
        run(&stage.root, SEARCH, &json!({"pattern": "same"}), 1_000, &AtomicBool::new(true), &mut |_| May::Yes);
    assert!(matches!(cancelled, Work::Done(Err(error)) if error == "cancelled"));
}

#[test]
fn an_edit_replaces_exactly_one_piece() {
    let stage = stage(&[("a.rs", "fn a() {}\nfn b() {}\n"), ("dos.txt", "one\r\ntwo\r\n"), ("twice", "x\nx\n")]);
    let change = stage.change(EDIT, json!({"path": "a.rs", "old_text": "fn b() {}", "new_text": "fn c() {}"}));
    assert_eq!(change.title(), "a.rs");
    let diff = change.diff(&stage.root);
    assert_eq!(diff.path, stage.root.path().join("a.rs").to_string_lossy());
    assert_eq!(diff.hunks[0].lines, [" fn a() {}", "-fn b() {}", "+fn c() {}"]);
    assert_eq!(stage.text("a.rs"), "fn a() {}\nfn b() {}\n", "nothing is done before it is allowed");
    assert_eq!(change.make(&stage.root).as_deref(), Ok("a.rs was changed"));
    assert_eq!(stage.text("a.rs"), "fn a() {}\nfn c() {}\n");

    let change = stage.change(EDIT, json!({"path": "dos.txt", "old_text": "one\ntwo", "new_text": "1\n2"}));
    change.make(&stage.root).expect("changed");
    assert_eq!(stage.text("dos.txt"), "1\r\n2\r\n");

    let both = json!({"path": "twice", "old_text": "x", "new_text": "y", "all": true});
    stage.change(EDIT, both).make(&stage.root).expect("changed");
    assert_eq!(stage.text("twice"), "y\ny\n");
}

/// It would be compared for hours otherwise.
#[test]
fn a_large_file_that_changes_altogether_is_shown_as_one_piece() {
    let text = |word: &str| -> String {
        let middle: String = (0..20_000).map(|n| format!("{word} {n}\n")).collect();
        format!("1\n2\n3\n4\n{middle}5\n6\n7\n8\n")
    };
    let stage = stage(&[("large", &text("old"))]);
    let change = stage.change(WRITE, json!({"path": "large", "content": text("new")}));
    let hunks = change.diff(&stage.root).hunks;
    assert_eq!((hunks.len(), hunks[0].old_start, hunks[0].new_start, hunks[0].lines.len()), (1, 2, 2, 40_006));
    assert_eq!(hunks[0].lines[..4], [" 2", " 3", " 4", "-old 0"]);
    assert_eq!(hunks[0].lines[20_003], "+new 0");
    assert_eq!(hunks[0].lines[40_003..], [" 5", " 6", " 7"]);
}

#[test]
fn an_edit_that_is_not_clear_is_refused() {
    let stage = stage(&[("a.rs", "x\nx\n"), ("bin", "a\0")]);
    let edit = |path: &str, old: &str, new: &str| json!({"path": path, "old_text": old, "new_text": new});
    stage.refused(EDIT, edit("a.rs", "x", "y"), "2 times");
    stage.refused(EDIT, edit("a.rs", "z", "y"), "not in a.rs");
    stage.refused(EDIT, edit("a.rs", "", "y"), "write_file");
    stage.refused(EDIT, edit("a.rs", "x", "x"), "the same");
    stage.refused(EDIT, edit("none", "x", "y"), "does not exist");
    stage.refused(EDIT, edit("bin", "a", "b"), "binary");
    stage.refused(EDIT, edit("../secret", "secret", "public"), "outside");
    stage.refused(EDIT, json!({"path": "a.rs", "old_text": "x"}), "new_text is missing");
    stage.refused("rm", json!({}), "there is no tool rm: there are read_file");
}

#[test]
fn a_file_is_written_whole() {
    let stage = stage(&[("a.txt", "old\n")]);
    let write = |path: &str, text: &str| json!({"path": path, "content": text});
    let change = stage.change(WRITE, write("new/b.txt", "b\n"));
    assert_eq!(change.diff(&stage.root).hunks[0].lines, ["+b"]);
    assert_eq!(change.make(&stage.root).as_deref(), Ok("new/b.txt was created"));
    assert_eq!(stage.text("new/b.txt"), "b\n");
    stage.change(WRITE, write("a.txt", "new\n")).make(&stage.root).expect("written");
    assert_eq!(stage.text("a.txt"), "new\n");
    stage.refused(WRITE, write("a.txt", "new\n"), "already");
    stage.refused(WRITE, write(".", "x"), "directory");
    stage.refused(WRITE, write("new", "x"), "directory");
    stage.refused(WRITE, write("/tmp/agor-outside", "x"), "outside");
    stage.refused(WRITE, write(".git/hooks/pre-commit", "x"), "Git");
}

#[test]
fn what_somebody_else_has_changed_meanwhile_is_not_overwritten() {
    let stage = stage(&[("a.txt", "old\n")]);
    let edit = stage.change(EDIT, json!({"path": "a.txt", "old_text": "old", "new_text": "new"}));
    let create = stage.change(WRITE, json!({"path": "b.txt", "content": "mine"}));
    fs::write(stage.project.join("a.txt"), "old\nand more\n").expect("a file");
    fs::write(stage.project.join("b.txt"), "theirs").expect("a file");
    assert!(edit.make(&stage.root).expect_err("not made").contains("meanwhile"));
    assert!(create.make(&stage.root).expect_err("not made").contains("meanwhile"));
    assert_eq!((stage.text("a.txt"), stage.text("b.txt")), ("old\nand more\n".into(), "theirs".into()));
}

#[test]
fn what_changes_files_is_offered_only_where_that_may_be() {
    let named = |changes| {
        let schema = schema(changes);
        let tools = schema.as_array().expect("a list").iter();
        tools.map(|tool| tool["function"]["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named(false), names(false));
    assert_eq!(named(true), names(true));
    assert!(!named(false).contains(&EDIT.to_owned()));
}

#[test]
fn of_what_must_not_be_shown_a_search_tells_nothing_and_other_files_wait_for_the_user() {
    let stage = stage(&[("a", "key a\n"), ("b", "key b\n"), ("c", "nothing\n"), ("d", "key d\nkey e\n")]);
    let mut judged = Vec::new();
    let mut gate = |path: &std::path::Path| {
        judged.push(path.strip_prefix(&stage.project).expect("below it").display().to_string());
        match path.ends_with("a") {
            true => May::No,
            false if path.ends_with("b") => May::Ask,
            false => May::Yes,
        }
    };
    let Work::Found(found) = stage.gated(SEARCH, &json!({"pattern": "key"}), &mut gate) else { panic!("a search") };
    assert_eq!(judged, ["a", "b", "d"], "only where something is found");
    assert_eq!(found.asked().collect::<Vec<_>>(), ["b"]);
    assert_eq!(found.text(false), "d:1: key d\nd:2: key e\n");
    assert_eq!(found.text(true), "b:1: key b\nd:1: key d\nd:2: key e\n");
    let none = stage.gated(SEARCH, &json!({"pattern": "key a"}), &mut |_| May::No);
    let Work::Found(found) = none else { panic!("a search") };
    assert_eq!(found.text(true), "(nothing was found for key a)");
}

#[test]
fn where_a_search_is_cut_off_tells_nothing_of_what_must_not_be_shown() {
    let most = "key\n".repeat(200);
    let text = |files: &[(&str, &str)], with_asked: bool| {
        let mut gate = |path: &std::path::Path| match path.file_name().and_then(|name| name.to_str()) {
            Some("no" | "zno") => May::No,
            Some("ask" | "zask") => May::Ask,
            _ => May::Yes,
        };
        let stage = stage(files);
        let input = json!({"pattern": "key"});
        let work = run(&stage.root, SEARCH, &input, 64 * 1024, &AtomicBool::new(false), &mut gate);
        let Work::Found(found) = work else { panic!("a search") };
        (found.text(with_asked), found.asked().count())
    };
    let (all, _) = text(&[("p", &most)], false);
    assert!(all.ends_with("p:200: key\n"), "{all}");
    // Before it and behind it, little and much.
    for other in ["no", "zno", "ask", "zask"] {
        for more in ["key\n", &most, &most.repeat(2)] {
            assert_eq!(text(&[("p", &most), (other, more)], false).0, all, "{other}");
        }
    }
    let cut = |text: &str| text.contains("[there are more");
    let (shown, asked) = text(&[("ask", "key\nkey\n"), ("p", &most)], true);
    assert!(
        shown.starts_with("ask:1: key\nask:2: key\np:1: key\n") && shown.contains("\np:198: key\n[there"),
        "{shown}"
    );
    assert_eq!(asked, 1);
    let (shown, asked) = text(&[("p", &most), ("zask", "key\n")], true);
    assert_eq!((cut(&shown), asked), (true, 0), "nobody is asked about what there is no room for");
    assert!(cut(&text(&[("p", &most), ("q", "key\n")], false).0));
}

#[test]
fn a_call_is_about_the_files_that_it_names_and_those_that_they_lead_to() {
    let stage = stage(&[("a", "x")]);
    std::os::unix::fs::symlink("a", stage.project.join("link")).expect("a link");
    let about = |name: &str, input: Value| {
        let (files, change) = about(&stage.root, name, &input)?;
        let short = |path: &String| path.replace(&format!("{}/", stage.root.path().display()), "");
        Some((files.iter().map(short).collect::<Vec<_>>(), change))
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(about(READ, json!({"path": "link"})), Some((names(&["link", "a"]), false)));
    assert_eq!(about(WRITE, json!({"path": "new", "content": "x"})), Some((names(&["new"]), true)));
    assert!(about(SEARCH, json!({"pattern": "x"})).is_some_and(|(files, change)| files.len() == 1 && !change));
    for (name, input) in [(READ, json!({"path": "../secret"})), (READ, json!({})), ("dance", json!({}))] {
        assert_eq!(about(name, input), None);
    }
}
