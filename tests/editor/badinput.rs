//! What bad input gets, in a real editor: one sentence that says what to do, no stack trace, no lost text, nothing left
//! running, an editor that goes on.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::support::{Editor, Home, Options};
use rmpv::Value;

fn editor() -> Editor {
    with(Arc::new(Home::new()), "")
}

fn with(home: Arc<Home>, config: &str) -> Editor {
    home.write("a.txt", "first line\n");
    Editor::start(Options {
        size: (140, 36),
        home,
        init: format!("vim.o.swapfile = false\nrequire('agor').setup({{ provider = 'demo', {config} }})"),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    })
}

fn program(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    fs::write(&path, text).expect("the home takes files");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

/// An agent in a few lines of shell, as the provider `bad`.
fn bad_agent(script: &str) -> Editor {
    let home = Arc::new(Home::new());
    let path = program(&home, "bad-agent", &format!("#!/bin/sh\n{script}\n"));
    let config = format!("providers = {{ bad = {{ protocol = 'sidecar', command = {{ '{}' }} }} }}", path.display());
    with(home, &config)
}

/// The whole of what the user was told is this one sentence, and no trace of Lua.
#[track_caller]
fn told_once(editor: &Editor, sentence: &str) {
    editor.wait_notified(sentence);
    let notes = editor.notifications();
    let count = notes.matches(sentence).count();
    assert!(count == 1, "{count} times in:\n{notes}");
    for trace in ["stack traceback", ".lua:", "E5108", "panicked"] {
        assert!(!notes.contains(trace), "{notes}");
    }
}

/// At most that a turn has finished which nobody saw.
#[track_caller]
fn told_of_ends_only(editor: &Editor) {
    let notes = editor.notifications();
    for sentence in notes.split("agor: ").map(str::trim).filter(|sentence| !sentence.is_empty()) {
        assert!(sentence.ends_with(" has finished (:Agor permit)"), "{notes}");
    }
}

/// The editor takes keys: what is typed stands in the buffer.
#[track_caller]
fn still_types(editor: &Editor) {
    editor.input("<Esc>:drop a.txt<CR>ggOstill here<Esc>");
    editor.wait_text("still here");
}

#[track_caller]
fn refused(command: &str, sentence: &str) {
    let editor = editor();
    editor.input(&format!(":{command}<CR>"));
    editor
        .wait_lua("vim.api.nvim_get_mode().blocking or vim.api.nvim_exec2('messages', { output = true }).output ~= ''");
    if editor.call("nvim_get_mode", vec![]).to_string().contains("true") {
        // Longer than the line, and asked for: Vim's own way is to wait for a key.
        editor.input("<CR>");
    }
    told_once(&editor, sentence);
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0), "nothing starts");
    still_types(&editor);
}

#[test]
fn unknown_providers_options_and_keys_are_named_with_what_was_meant() {
    refused("AgorStart provider=demmo x", "unknown provider \"demmo\" (did you mean \"demo\"?)");
    refused("AgorStart demo modle=x", "\"modle\""); // misspelt on purpose
    refused("AgorStart demo max_turns=many x", "max_turns= takes a number, not \"many\"");
    refused("AgorStart demo resume_mode=never x", "resume_mode must be new, continue or resume, not \"never\"");
    refused("Agor strat", "unknown subcommand \"strat\" (did you mean \"start\"?)"); // misspelt on purpose
}

#[test]
fn a_protocol_that_nobody_speaks_is_named() {
    let editor = editor();
    editor.lua("vim.g.agor = { providers = { odd = { protocol = 'acpp', command = { 'true' } } } }", &[]);
    editor.input(":AgorStart odd x<CR>");
    told_once(&editor, "odd cannot be started: the backend speaks no protocol \"acpp\"");
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0), "nothing starts");
    still_types(&editor);
}

#[test]
fn a_directory_that_is_none_is_named() {
    refused("AgorStart demo cwd=/no/such/place x", "cwd: the directory /no/such/place does not exist");
    refused("AgorStart demo cwd=a.txt x", "is not a directory");
    refused("AgorStart demo add_dir=/no/such/place x", "the directory /no/such/place does not exist");
}

#[test]
fn wrong_options_of_start_are_an_answer() {
    let editor = editor();
    let cases = [
        ("{ promt = 'x' }", "unknown option \"promt\" (did you mean \"prompt\"?)"), // misspelt on purpose
        ("{ prompt = 5 }", "prompt must be a string, not a number"),
        ("{ provider = 'nobody' }", "unknown provider \"nobody\""),
        ("{ session_id = 'a/b' }", "\"a/b\" is no session id"),
        ("{ extra_env = { ['A=B'] = 'x' } }", "extra_env.A=B"),
        ("{ resume_mode = 'resume' }", "resume_mode = \"resume\" needs resume_session_id"),
    ];
    for (options, sentence) in cases {
        let refused = editor.try_start(options).expect_err(options);
        assert!(refused.contains(sentence), "{options}: {refused}");
    }
}

#[test]
fn a_program_that_is_missing_is_named_with_where_it_was_looked_for() {
    let config = "providers = { gone = { protocol = 'sidecar', command = { 'no-such-agent' } } }";
    let editor = with(Arc::new(Home::new()), config);
    let session = editor.start_session("{ provider = 'gone', prompt = 'not lost' }");
    editor.wait_status(&session, "error");
    told_once(&editor, "'no-such-agent' was not found");
    assert!(editor.error_of(&session).contains(":AgorStart demo works now"));
    editor.wait_transcript(&session, "'no-such-agent' was not found");
    // The prompt is back where it can be sent again.
    editor.wait_text("not lost");
    still_types(&editor);
}

#[track_caller]
fn a_backend_that(home: Arc<Home>, backend: &Path, sentence: &str) {
    home.write("a.txt", "first line\n");
    let editor = Editor::start(Options {
        home: Arc::clone(&home),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_BIN".into(), backend.to_string_lossy().into_owned())],
        ..Options::default()
    });
    let refused = editor.try_start("{ provider = 'demo', prompt = 'x' }").expect_err("no backend");
    assert!(refused.contains(sentence), "{refused}");
    assert!(!refused.contains(".lua:"), "{refused}");
    assert!(refused.contains(&*backend.to_string_lossy()), "{refused} names the program");
    still_types(&editor);
}

#[test]
fn a_backend_that_is_none_says_what_to_run() {
    let home = || Arc::new(Home::new());
    let fake = |script: &str| {
        let home = home();
        let path = program(&home, "fake-backend", &format!("#!/bin/sh\n{script}\n"));
        (home, path)
    };
    let (there, path) = fake("exit 3");
    a_backend_that(there, &path, "run :Agor build");
    let (there, path) = fake("echo this is not msgpack; exec cat >/dev/null");
    a_backend_that(there, &path, "un :Agor build");
    let (there, _) = fake("");
    let path = there.path().join("not-there");
    a_backend_that(there, &path, "which is no program that can be run");
}

#[test]
fn a_backend_of_another_version_says_both_versions_and_what_to_run() {
    let home = Arc::new(Home::new());
    // The answer to the first request, id 1 or whatever it is, as msgpack: {version = "9.9.9", protocol = 99}.
    let script = r#"#!/usr/bin/env python3
import sys
data = sys.stdin.buffer.raw.read(65536)
assert data[0] == 0x94 and data[1] == 0
end = 3 if data[2] < 0x80 else 4
reply = b'\x94\x01' + data[2:end] + b'\xc0\x82\xa7version\xa59.9.9\xa8protocol\x63'
sys.stdout.buffer.write(reply)
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"#;
    let path = program(&home, "fake-backend", script);
    a_backend_that(
        home,
        &path,
        "run :Agor build, then :Agor restart: the backend is version 9.9.9 (protocol 99), this plugin needs 0.1.0",
    );
}

#[test]
fn a_backend_that_never_answers_is_given_up() {
    let home = Arc::new(Home::new());
    let path = program(&home, "fake-backend", "#!/bin/sh\nwhile read -r line; do :; done\n");
    a_backend_that(home, &path, "did not answer within");
}

#[test]
fn an_agent_that_is_killed_says_by_what() {
    let editor = bad_agent("read -r query; kill -KILL $$");
    let session = editor.start_session("{ provider = 'bad', prompt = 'work' }");
    editor.wait_status(&session, "error");
    told_once(&editor, "bad: killed by SIGKILL");
    editor.wait_transcript(&session, "killed by SIGKILL");
    still_types(&editor);
}

#[test]
fn an_agent_that_exits_with_a_code_quotes_its_last_words() {
    let editor = bad_agent("read -r query; echo 'no key was given' >&2; exit 3");
    let session = editor.start_session("{ provider = 'bad', prompt = 'work' }");
    editor.wait_status(&session, "error");
    told_once(&editor, "bad: Exit code: 3");
    editor.wait_transcript(&session, "no key was given");
    assert!(editor.error_of(&session).contains("no key was given"));
}

#[test]
fn an_agent_that_prints_garbage_and_floods_is_survived_to_the_last_line() {
    let script = r#"read -r query
printf 'banner of some program\n{"half": \n\377\376\n[1,2]\nnull\n"text"\n\n\r\n'
i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "noise number $i"; done
echo '{"type":"never heard of","n":1}'
echo '{"type":"assistant","message":{"id":"m","role":"assistant","content":[{"type":"text","text":"the end of it"}]}}'
echo '{"type":"agent_stopped"}'
read -r more"#;
    let editor = bad_agent(script);
    let session = editor.start_session("{ provider = 'bad', prompt = 'work' }");
    editor.wait_status(&session, "done");
    assert_eq!(editor.said(&session), ["the end of it"]);
    editor.wait_transcript(&session, "A message that agor does not know");
    assert_eq!(editor.notifications(), "");
    still_types(&editor);
}

#[test]
fn an_agent_that_never_answers_can_be_stopped_and_left() {
    let mut editor = bad_agent("trap '' TERM INT HUP; while :; do read -r line || sleep 1000; done");
    let session = editor.start_session("{ provider = 'bad', prompt = 'work' }");
    editor.wait_status(&session, "running");
    editor.command("Agor! stop");
    editor.wait_status(&session, "done");
    let again = editor.start_session("{ provider = 'bad', prompt = 'work' }");
    editor.wait_status(&again, "running");
    editor.quit("qa!");
    editor.assert_nothing_left();
}

#[test]
fn a_renamed_transcript_goes_on_being_one() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'echo one' }");
    editor.wait_status(&session, "idle");
    let buffer = editor.lua("return vim.fn.bufnr('^agor://' .. ... .. '$')", &[session.as_str().into()]);
    editor.lua("vim.api.nvim_buf_set_name(..., 'my notes')", std::slice::from_ref(&buffer));
    editor.send(&session, "echo two");
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines({buffer}, 0, -1, false), '\\n'):find('\"echo two\"', 1, true)"
    ));
    assert_eq!(editor.notifications(), "");
    still_types(&editor);
}

#[test]
fn a_transcript_wiped_and_a_window_closed_in_mid_stream_harm_nothing() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'stream 3000 0 40' }");
    editor.wait_status(&session, "running");
    editor.command(&format!("bwipeout! agor://{session}"));
    let other = editor.start_session("{ prompt = 'stream 3000 0 40' }");
    editor.wait_status(&other, "running");
    editor.command("Agor close");
    for session in [&session, &other] {
        editor.wait_status(session, "idle");
        assert_eq!(editor.said(session).concat().len(), 3000 * 40);
    }
    told_of_ends_only(&editor);
    editor.command(&format!("edit agor://{session}"));
    editor.wait_transcript(&session, "── ");
    still_types(&editor);
}

#[test]
fn a_prompt_to_a_finished_session_goes_on() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'echo one' }");
    editor.wait_status(&session, "idle");
    editor.command("Agor stop");
    editor.wait_status(&session, "done");
    editor.send(&session, "echo two");
    editor.wait_transcript(&session, "\"echo two\"");
    editor.wait_status(&session, "idle");
    assert_eq!(editor.notifications(), "");
}

#[test]
fn quitting_asks_while_a_turn_runs_and_not_when_it_is_forced() {
    let mut editor = editor();
    let session = editor.start_session("{ prompt = 'hang' }");
    editor.wait_status(&session, "running");
    editor.input(":qa<CR>");
    editor.wait_text(":qa!");
    editor.input("<CR><Esc>");
    editor.wait_status(&session, "running");
    assert!(editor.quit("qa!").success());
    editor.assert_nothing_left();
}

#[test]
fn a_question_that_nobody_sees_is_told_in_insert_mode_too() {
    let editor = editor();
    editor.input("istill typing");
    editor.wait_text("-- INSERT --");
    editor.start_session("{ prompt = 'permission', open = false }");
    editor.wait_text("agor: ");
    editor.input(" on");
    editor.wait_text("still typing on");
    assert!(editor.screen().contains("agor: "), "{}", editor.screen());
    editor.input("<Esc>");
    editor.wait_lua("vim.fn.mode() == 'n' and vim.o.showmode");
}

#[test]
fn without_a_backend_it_is_known_what_that_will_speak_to() {
    let editor = editor();
    let known = editor.lua_string(
        "local known = vim.deepcopy(require('agor.provider').built_in)
         table.sort(known.protocols)
         table.sort(known.runners)
         return vim.json.encode({ known.protocols, known.runners })",
        &[],
    );
    let session = editor.start_session("{ prompt = 'echo x' }");
    editor.wait_status(&session, "idle");
    let told = editor.lua_string(
        "local told = vim.deepcopy(require('agor.state').backend)
         table.sort(told.protocols)
         table.sort(told.runners)
         return vim.json.encode({ told.protocols, told.runners })",
        &[],
    );
    assert_eq!(known, told);
}

#[test]
fn quitting_asks_nothing_when_nothing_runs() {
    let mut editor = editor();
    let session = editor.start_session("{ prompt = 'echo one' }");
    editor.wait_status(&session, "idle");
    assert!(editor.quit("qa").success());
    editor.assert_nothing_left();
}

#[test]
fn paths_may_hold_anything() {
    let editor = editor();
    for name in ["with space", "it's \"quoted\"", "ümlaut 漢", "two\nlines", "100% #1 | $HOME `x`", "-dash", "tail\\"]
    {
        let folder = editor.home().project().join(name);
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("file.txt"), "x\n").expect("a file");
        let path = Value::from(folder.to_string_lossy());
        let session = editor.lua_string("return assert(require('agor').start({ prompt = 'cwd', cwd = ... }))", &[path]);
        editor.wait_status(&session, "idle");
        let said = editor.said(&session).concat();
        assert!(
            said.contains(&*folder.to_string_lossy())
                || said.contains(&folder.to_string_lossy().escape_debug().to_string()),
            "{name:?}: {said}"
        );
        editor.command("Agor close");
    }
    told_of_ends_only(&editor);
}

#[test]
fn a_selection_that_is_no_utf8_travels_and_a_long_one_too() {
    let editor = editor();
    editor.lua(
        "_G.turns = 0
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end })",
        &[],
    );
    let session = editor.start_session("{ prompt = 'echo x' }");
    // A turn is told after its status.
    editor.wait_lua("_G.turns == 1");
    for (turns, count) in [(2, "1"), (3, "20000")] {
        editor.lua(
            "local id, count = ...
             assert(require('agor').send('echo ' .. ('a\\xffb\\xc3'):rep(tonumber(count)), { session = id }))",
            &[session.as_str().into(), count.into()],
        );
        editor.wait_lua(&format!("_G.turns == {turns}"));
        let said: String = serde_json::from_str(editor.said(&session).last().expect("an echo")).expect("a JSON string");
        assert_eq!(said, format!("echo {}", "a\u{fffd}b\u{fffd}".repeat(count.parse().expect("a number"))));
    }
}

#[test]
fn a_prompt_that_the_backend_does_not_live_to_take_comes_back() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'echo one' }");
    editor.wait_status(&session, "idle");
    // The backend dies before it reads: stopped first, so that it cannot.
    editor.lua(
        "local pid = require('agor.state').backend.pid
         vim.uv.kill(pid, 'sigstop')
         assert(require('agor').send('not lost', { session = ... }))
         vim.uv.kill(pid, 'sigkill')",
        &[session.as_str().into()],
    );
    editor.wait_notified("the backend ended by itself (killed by signal 9)");
    editor.wait_text("not lost");
    assert!(!editor.transcript(&session).contains("not lost"));
}
