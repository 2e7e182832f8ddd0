//! An update under running sessions: the backend's program is exchanged or gone; and what an earlier agor has left on the
//! disk.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use crate::support::{Editor, Home, Options, repository};

/// With a backend of its own, which may be exchanged.
fn editor() -> (Editor, PathBuf) {
    let home = Arc::new(Home::new());
    let program = home.path().join("backend/agor-nvim");
    fs::create_dir_all(program.parent().expect("it has a folder")).expect("the home takes folders");
    fs::copy(env!("CARGO_BIN_EXE_agor-nvim"), &program).expect("the backend is built");
    let env = [("AGOR_DEMO_SPEED", "0".to_owned()), ("AGOR_BIN", program.display().to_string())];
    let options = Options {
        home,
        init: "vim.o.swapfile = false\nrequire('agor').setup({ provider = 'demo' })".to_owned(),
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        ..Options::default()
    };
    let editor = Editor::start(options);
    // What git says of the project is asked for at each turn.
    editor.lua("vim.fn.system({ 'git', 'init', '-q' })", &[]);
    (editor, program)
}

/// As an installer does it.
fn exchange(program: &PathBuf, text: &[u8]) {
    let fresh = program.with_extension("new");
    fs::write(&fresh, text).expect("the home takes files");
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(&fresh, program).expect("it takes the other's place");
}

/// Sessions go on, new ones begin, agents are started anew: nothing of it needs the file that the backend was started from.
#[track_caller]
fn works_on(editor: &Editor, session: &str) {
    let next = editor.start_session("{ prompt = 'echo one more', open = false }");
    editor.wait_status(&next, "idle");
    assert_eq!(editor.said(&next), ["\"echo one more\""]);
    editor.lua("require('agor').stop(..., { force = true })", &[session.into()]);
    editor.wait_status(session, "done");
    editor.send(session, "echo again");
    editor.wait_transcript(session, "\"echo again\"");
    editor.wait_status(session, "idle");
    editor.lua("require('agor.changes').list(...)", &[session.into()]);
    editor.wait_notified("the session has changed no files");
    let said = editor.lua_string("return vim.fn.execute('messages')", &[]);
    assert!(!said.contains("not all that is changed"), "{said}");
}

#[track_caller]
fn refuses_to_restart(editor: &Editor, why: &str) {
    let before = editor.lua("return require('agor.state').backend.pid", &[]);
    editor.command("Agor restart");
    editor.wait_notified("the backend that runs was left as it is");
    editor.wait_notified(why);
    assert_eq!(editor.lua("return require('agor.state').backend.pid", &[]), before);
}

#[test]
fn a_program_that_is_exchanged_is_used_after_a_restart_and_only_if_it_fits() {
    let (editor, program) = editor();
    let session = editor.start_session("{ prompt = 'echo first' }");
    editor.wait_transcript(&session, "\"echo first\"");
    let other = b"#!/bin/sh\necho 'agor-nvim 9.9.9 (protocol 99)'\n";
    exchange(&program, other);
    works_on(&editor, &session);
    refuses_to_restart(&editor, "the backend is version 9.9.9 (protocol 99), this plugin needs");

    exchange(&program, &fs::read(env!("CARGO_BIN_EXE_agor-nvim")).expect("the backend is built"));
    editor.command("Agor restart");
    editor.wait_notified("the backend runs again, 2 sessions are taken up");
    editor.send(&session, "echo on");
    editor.wait_transcript(&session, "\"echo on\"");
    assert_eq!(editor.said(&session), ["\"echo first\"", "\"echo again\"", "\"echo on\""]);
}

#[test]
fn a_program_that_is_deleted_is_missed_only_by_a_restart() {
    let (editor, program) = editor();
    let session = editor.start_session("{ prompt = 'echo first' }");
    editor.wait_transcript(&session, "\"echo first\"");
    fs::remove_file(&program).expect("it is there");
    works_on(&editor, &session);
    refuses_to_restart(&editor, "which is no program that can be run");
}

/// What the first agor wrote.
#[test]
fn an_old_journal_is_listed_shown_gone_on_with_and_never_rewritten() {
    let (editor, _) = editor();
    let home = editor.home().clone();
    let text = fs::read_to_string(repository().join("tests/fixtures/journals/first.ndjson")).expect("it is recorded");
    let text = text.replace("CWD", &home.project().display().to_string());
    let journal = home.data().join("agor/sessions/old.ndjson");
    fs::create_dir_all(journal.parent().expect("it has a folder")).expect("the home takes folders");
    fs::write(&journal, &text).expect("the home takes files");

    editor.command("edit agor://old");
    for shown in [
        "mend the parser",
        "I look at the parser first.",
        "src/parse.rs",
        "Which style?",
        "write a test",
        "The parser takes the last token now.",
        "the model was away for a moment",
    ] {
        editor.wait_transcript("old", shown);
    }
    assert_eq!(fs::read_to_string(&journal).expect("it is there"), text, "reading changes nothing");

    editor.command("Agor resume old");
    editor.wait_status("old", "idle");
    editor.send("old", "echo on");
    editor.wait_transcript("old", "\"echo on\"");
    let after = fs::read_to_string(&journal).expect("it is there");
    assert!(after.starts_with(&text) && after.len() > text.len(), "it is added to:\n{after}");
    assert_eq!(editor.lua("return require('agor').sessions()[1].cost_usd >= 0.25", &[]), true.into());
}
