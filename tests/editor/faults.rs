//! A machine that has run out of something: one sentence that says what to do, nothing lost of what was said, the other
//! sessions go on, and it works again once there is some.
//!
//! A full disk is a limit of the size of files here, which needs no privileges: what a write returns is another error, and
//! all that becomes of it is the same.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Editor, demo_editor, over, send, start, start_hidden};
use rmpv::Value;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

fn backend(editor: &Editor) -> i32 {
    let pid = editor.lua("return require('agor.state').backend.pid", &[]).as_i64().expect("a pid");
    i32::try_from(pid).expect("a pid")
}

/// What the backend may have of something from now on; `None`: as much as we may.
fn limit(editor: &Editor, of: Resource, most: Option<u64>) {
    let pid = Pid::from_raw(backend(editor)).expect("a pid");
    let own = getrlimit(of);
    let limit = Rlimit { current: most.or(own.current), maximum: own.maximum };
    prlimit(Some(pid), of, limit).expect("the backend is ours");
}

fn journal(editor: &Editor, session: &str) -> PathBuf {
    editor.home().data().join(format!("agor/sessions/{session}.ndjson"))
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// The largest file that the backend has written so far.
fn largest(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let sizes =
        entries.iter().map(fs::DirEntry::path).map(|path| if path.is_dir() { largest(&path) } else { size(&path) });
    sizes.max().unwrap_or(0)
}

#[track_caller]
fn told_once(editor: &Editor, sentence: &str) {
    editor.wait_notified(sentence);
    let notes = editor.notifications();
    assert_eq!(notes.matches(sentence).count(), 1, "{notes}");
    for trace in ["stack traceback", ".lua:", "E5108", "panicked"] {
        assert!(!notes.contains(trace), "{notes}");
    }
}

#[test]
fn where_the_disk_is_full_a_session_goes_on_and_is_written_once_there_is_room() {
    let editor = demo_editor((160, 40));
    let session = start(&editor, "echo before");
    over(&editor, &session);
    let most = largest(&editor.home().data()).max(largest(&editor.home().state())) + 2048;
    limit(&editor, Resource::Fsize, Some(most));

    send(&editor, &session, "stream 400 0 100");
    told_once(&editor, "cannot be written any more: File too large");
    editor.wait_text("journal not written");
    over(&editor, &session);
    let said = editor.said(&session);
    assert!(said.concat().len() as u64 > 4096, "{said:?}");
    send(&editor, &session, "echo meanwhile");
    over(&editor, &session);
    editor.wait_text("\"echo meanwhile\"");
    assert!(size(&journal(&editor, &session)) <= most);

    limit(&editor, Resource::Fsize, None);
    send(&editor, &session, "echo after");
    told_once(&editor, "the journal can be written again, and nothing is missing in it");
    over(&editor, &session);
    editor.wait_no_text("journal not written");
    let written = fs::read_to_string(journal(&editor, &session)).expect("a journal");
    for text in editor.said(&session) {
        let text = serde_json::to_string(&text).expect("JSON");
        assert!(written.contains(&text), "the journal lacks {text}");
    }
}

#[test]
fn where_no_more_files_can_be_opened_a_new_session_says_so_and_the_others_go_on() {
    let editor = demo_editor((160, 40));
    let session = start(&editor, "echo before");
    over(&editor, &session);
    // What is open stays so.
    limit(&editor, Resource::Nofile, Some(3));
    let failed = start_hidden(&editor, "echo never");
    editor.wait_status(&failed, "error");
    let error = editor.error_of(&failed);
    assert!(error.contains("too many open files: stop some sessions, or raise the limit"), "{error}");
    send(&editor, &session, "echo still here");
    over(&editor, &session);
    editor.wait_transcript(&session, "\"echo still here\"");
    let read = editor.try_call("nvim_exec_lua", vec![MESSAGES.into(), Value::Array(vec![session.as_str().into()])]);
    let read = format!("{read:?}");
    assert!(read.contains("cannot be read: Too many open files"), "{read}");

    limit(&editor, Resource::Nofile, None);
    send(&editor, &failed, "echo again");
    editor.wait_status(&failed, "idle");
    let later = start(&editor, "echo later");
    over(&editor, &later);
    for (session, said) in [(&session, "\"echo still here\""), (&failed, "\"echo again\""), (&later, "\"echo later\"")]
    {
        assert_eq!(editor.said(session).pop().as_deref(), Some(said));
    }
}

const MESSAGES: &str = "return { require('agor').messages(...) }";

/// More than anybody has.
const MANY: usize = 64;

#[test]
fn sixty_four_sessions_at_once_are_all_whole_and_all_gone_afterwards() {
    let mut editor = demo_editor((160, 40));
    let start = "local ids = {}
        for i = 1, ... do
          ids[i] = assert(require('agor').start({ prompt = 'echo number ' .. i, open = false }))
        end
        return ids";
    let ids = editor.lua(start, &[MANY.into()]);
    let ids: Vec<String> = ids.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    assert_eq!(ids.len(), MANY);
    editor.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):filter(function(s) return s.status == 'idle' end):totable()[{MANY}]"
    ));
    for (number, session) in ids.iter().enumerate() {
        let expect = format!("\"echo number {}\"", number + 1);
        assert_eq!(editor.said(session), [expect.as_str()]);
        let written = fs::read_to_string(journal(&editor, session)).expect("a journal");
        assert!(written.contains(&serde_json::to_string(&expect).expect("JSON")), "{session}");
        let read = written.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
        assert_eq!(read, written.lines().count(), "every line is whole");
    }
    assert!(editor.quit("qa!").success());
    editor.assert_nothing_left();
}
