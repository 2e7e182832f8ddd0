//! The backend beside the sessions: what it says of itself, what it logs, how it dies and comes again.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::support::{Editor, Options};
use rmpv::Value;

fn editor() -> Editor {
    with(&[], "")
}

fn with(env: &[(&str, &str)], config: &str) -> Editor {
    let mut all = vec![("AGOR_DEMO_SPEED".to_owned(), "0".to_owned())];
    all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let options = Options {
        size: (140, 36),
        init: format!("vim.o.swapfile = false\nrequire('agor').setup({{ provider = 'demo', {config} }})"),
        env: all,
        ..Options::default()
    };
    Editor::start(options)
}

fn backend_pid(editor: &Editor) -> i64 {
    editor.lua("return require('agor.state').backend.pid", &[]).as_i64().expect("a pid")
}

fn log_file(editor: &Editor) -> PathBuf {
    let folder = editor.home().state().join("agor/log");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a log").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// The log is written by a thread of its own: read again until it has the text.
#[track_caller]
fn wait_log(editor: &Editor, text: &str) -> String {
    let path = log_file(editor);
    editor
        .wait_lua(&format!("table.concat(vim.fn.readfile('{}'), '\\n'):find([==[{text}]==], 1, true)", path.display()));
    fs::read_to_string(path).expect("the log")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_backend_that_is_killed_is_started_again_with_its_transcripts() {
    let editor = editor();
    let idle = editor.start_session("{ prompt = 'echo kept' }");
    editor.wait_status(&idle, "idle");
    let asking = editor.start_session("{ prompt = 'permission' }");
    editor.wait_lua("vim.iter(require('agor').sessions()):any(function(s) return s.attention end)");
    editor.lua(
        "_G.said, _G.closed = {}, 0
         require('agor').on_status(nil, function(id, status, err) table.insert(_G.said, { id, status, err }) end)
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorPermissionClosed', callback = function() _G.closed = _G.closed + 1 end })",
        &[],
    );
    let before = backend_pid(&editor);
    editor.lua("vim.uv.kill(..., 'sigkill')", &[before.into()]);
    editor.wait_notified("the backend ended by itself (killed by signal 9)");
    editor.wait_notified("its 2 sessions go on with the next prompt");
    assert_ne!(backend_pid(&editor), before);
    for session in [&idle, &asking] {
        let lost = format!(
            "vim.iter(_G.said):any(function(s) return s[1] == '{session}' and s[2] == 'error' and s[3]:find('the backend ended') end)"
        );
        editor.wait_lua(&lost);
        editor.wait_status(session, "idle");
    }
    assert_eq!(editor.lua("return _G.closed", &[]), Value::from(1), "the question is closed once");
    assert_eq!(
        editor.lua(
            "return #vim.iter(require('agor').sessions()):filter(function(s) return s.attention end):totable()",
            &[]
        ),
        Value::from(0)
    );
    let interrupted =
        "vim.iter(require('agor').sessions()):map(function(s) return s.interrupted or false end):totable()";
    assert_eq!(editor.lua(&format!("return {interrupted}"), &[]), Value::from(vec![Value::from(false), true.into()]));
    // What was shown is shown, and goes on.
    editor.command(&format!("edit agor://{idle}"));
    editor.wait_transcript(&idle, "\"echo kept\"");
    editor.send(&idle, "echo more");
    editor.wait_transcript(&idle, "\"echo more\"");
    assert_eq!(editor.said(&idle), ["\"echo kept\"", "\"echo more\""]);

    // A second time it is not started by itself.
    editor.lua("vim.uv.kill(require('agor.state').backend.pid, 'sigkill')", &[]);
    editor.wait_notified(":Agor restart starts it");
    editor.command("Agor restart");
    editor.wait_status(&idle, "idle");
    editor.send(&idle, "echo again");
    editor.wait_transcript(&idle, "\"echo again\"");
}

#[test]
fn a_restart_keeps_every_session() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'permission' }");
    editor.wait_text("demo asks");
    editor.command("Agor restart");
    editor.wait_no_text("demo asks");
    editor.wait_status(&session, "idle");
    editor.wait_notified("the backend runs again, 1 session is taken up");
    editor.send(&session, "echo on");
    editor.wait_transcript(&session, "\"echo on\"");
}

#[test]
fn ps_lists_what_runs_and_nothing_else() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'sleep children', open = false }");
    editor.wait_status(&session, "idle");
    editor.command("Agor ps");
    editor.wait_text("SESSION");
    editor.wait_text("runner demo");
    editor.wait_text("sleep");
    editor.wait_text(" MiB");
    editor.command("close");
    editor.command("Agor! stop");
    editor.wait_status(&session, "done");
    editor.command("Agor ps");
    editor.wait_notified("no child process is running");
}

#[test]
fn stats_are_a_table_of_figures() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'stream 200 0 40' }");
    editor.wait_status(&session, "idle");
    for figure in ["frames", "patches", "bytes_in", "bytes_to_editor", "sessions", "processes", "rss_bytes"] {
        editor.wait_lua(&format!("require('agor').stats().{figure} > 0"));
    }
    for figure in ["last_call_ms", "max_call_ms"] {
        let value = editor.lua("return require('agor').stats()[...]", &[figure.into()]);
        assert!(value.as_f64().is_some_and(|value| value >= 0.0), "{figure}: {value}");
    }
    editor.command("Agor stats");
    editor.wait_text("FIGURE");
    editor.wait_text("bytes_to_editor");
}

#[test]
fn the_log_is_private_named_by_the_day_and_opened_by_a_command() {
    let editor = editor();
    let session = editor.start_session("{ prompt = 'stderr something is odd' }");
    editor.wait_status(&session, "idle");
    let log = wait_log(&editor, "stderr: something is odd");
    assert!(log.contains(&session), "the agent's stderr names its session");
    let path = log_file(&editor);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let day = name.strip_prefix("agor.").and_then(|rest| rest.strip_suffix(".log")).expect("agor.DAY.log");
    assert!(day.len() == 10 && day.split('-').all(|part| part.parse::<u32>().is_ok()), "{name}");
    assert!(!log.contains("→ ") && !log.contains("← "), "the wire is logged at debug level only");
    editor.command("Agor log");
    assert_eq!(editor.lua_string("return vim.api.nvim_buf_get_name(0)", &[]), path.to_string_lossy());
    assert_eq!(editor.lua("return vim.bo.readonly", &[]), Value::Boolean(true));
    let journal = editor.home().data().join(format!("agor/sessions/{session}.ndjson"));
    assert_eq!((mode(&journal), mode(journal.parent().expect("a folder"))), (0o600, 0o700));
}

#[track_caller]
fn logs_the_wire(env: &[(&str, &str)], config: &str) {
    let editor = with(env, config);
    let session = editor.start_session("{ prompt = 'echo over the wire' }");
    editor.wait_status(&session, "idle");
    let log = wait_log(&editor, "agent_stopped");
    let line = |arrow: &str, text: &str| {
        log.lines().any(|line| line.contains(arrow) && line.contains(text) && line.contains(&session))
    };
    assert!(line("→ ", "\"type\":\"query\"") && line("← ", "\"type\":\"ready\""), "{log}");
    let longest = log.lines().filter(|line| line.contains("← ") || line.contains("→ "));
    for line in longest {
        let wire = line.split_once("← ").or(line.split_once("→ ")).map_or("", |(_, wire)| wire);
        assert!(wire.chars().count() <= 200, "{line}");
    }
}

#[test]
fn at_debug_level_every_message_stands_there_with_its_direction() {
    logs_the_wire(&[("AGOR_DEBUG", "1")], "");
    logs_the_wire(&[("AGOR_LOG", "agor_nvim=debug")], "");
    logs_the_wire(&[], "log = { level = 'debug' }");
}

#[test]
fn a_filter_wins_over_the_level() {
    let editor = with(&[("AGOR_LOG", "agor_nvim=error"), ("AGOR_DEBUG", "1")], "log = { level = 'debug' }");
    let session = editor.start_session("{ prompt = 'stderr quiet' }");
    editor.wait_status(&session, "idle");
    editor.command("Agor! stop");
    editor.wait_status(&session, "done");
    assert_eq!(fs::read_to_string(log_file(&editor)).expect("the log"), "");
}

#[test]
fn secrets_reach_neither_log_nor_trace_nor_journal() {
    let secret = "sk-very-secret-value";
    let editor = with(
        &[("AGOR_DEBUG", "1"), ("MY_API_KEY", secret)],
        &format!("trace = true, providers = {{ demo = {{ env = {{ CLAUDE_X_TOKEN = '{secret}-2' }} }} }}"),
    );
    let session = editor.start_session(&format!(
        "{{ prompt = 'stderr the key is {secret} and {secret}-2 and {secret}-3', extra_env = {{ SOME_SECRET = '{secret}-3' }} }}"
    ));
    editor.wait_status(&session, "idle");
    let log = wait_log(&editor, "stderr: the key is [redacted] and [redacted] and [redacted]");
    assert!(!log.contains(secret), "{log}");
    let trace = editor.home().state().join(format!("agor/trace/{session}.ndjson"));
    let text = fs::read_to_string(&trace).expect("a trace");
    assert!(text.contains("extraEnv") && text.contains("[redacted]"), "{text}");
    assert!(!text.contains(secret), "{text}");
    assert_eq!(mode(&trace), 0o600);
}

/// Everything that was written below a folder, as one text.
fn written(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => written(&entry.path()),
            Ok(kind) if kind.is_file() => {
                String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()).into_owned()
            }
            _ => String::new(),
        })
        .collect()
}

#[test]
fn no_secret_of_an_agents_is_written_or_shown_whatever_becomes_of_it() {
    let secret = "very-secret-value";
    let editor = with(
        &[("AGOR_DEBUG", "1"), ("MY_API_KEY", &format!("{secret}-1"))],
        &format!(
            "trace = true, log = {{ level = 'debug' }}, providers = {{
               ends = {{ protocol = 'sidecar', env = {{ SOME_TOKEN = '{secret}-2' }},
                 command = {{ 'sh', '-c', 'echo \"the key $SOME_TOKEN of $MY_API_KEY is wrong\" >&2; read -r query; exit 3' }} }},
               stays = {{ protocol = 'sidecar', env = {{ SOME_TOKEN = '{secret}-3' }},
                 command = {{ 'sh', '-c', 'read -r query; read -r more', 'x', '--api-key', '{secret}-4' }} }},
             }}"
        ),
    );
    let ended = editor.start_session(&format!(
        "{{ provider = 'ends', prompt = 'work', extra_env = {{ OTHER_SECRET = '{secret}-5' }} }}"
    ));
    editor.wait_status(&ended, "error");
    let error = editor.error_of(&ended);
    assert!(error.contains("the key [redacted] of [redacted] is wrong"), "{error}");
    let stays = editor.start_session("{ provider = 'stays', prompt = 'work', open = false }");
    editor.wait_status(&stays, "running");
    editor.command("Agor ps");
    // Whole in its buffer, whatever the window has room for.
    editor.wait_lua(
        "table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find('--api-key [redacted]', 1, true)",
    );
    let shown = editor.lua_string(
        "local out = { vim.inspect(require('agor').stats()), vim.inspect(require('agor').sessions()) }
         for _, buf in ipairs(vim.api.nvim_list_bufs()) do
           vim.list_extend(out, vim.api.nvim_buf_get_lines(buf, 0, -1, false))
         end
         return table.concat(out, '\\n')",
        &[],
    );
    assert!(!shown.contains(secret), "{shown}");
    assert!(!editor.notifications().contains(secret));
    // Whatever a panic says.
    let panics = editor.start_session(&format!(
        "{{ provider = 'stays', prompt = 'work', open = false, extra_env = {{ OTHER_SECRET = '{secret}-6' }} }}"
    ));
    editor.wait_status(&panics, "running");
    editor.lua("require('agor.rpc').notify('panic', { session_id = ... })", &[panics.as_str().into()]);
    wait_log(&editor, "panic: the session was told to panic with [\"[redacted]\"]");
    editor.wait_status(&panics, "error");
    assert!(!editor.notifications().contains(secret));
    editor.command("Agor! stop");
    for folder in [editor.home().data(), editor.home().state()] {
        let text = written(&folder);
        assert!(text.contains("ends") || text.contains("extraEnv"), "there is something to look at");
        let at = text.find(secret).map(|at| text[at.saturating_sub(200)..].chars().take(300).collect::<String>());
        assert_eq!(at, None);
    }
}

#[test]
fn a_log_that_cannot_be_written_is_told_and_sessions_go_on() {
    let editor = editor();
    editor.lua(
        "local folder = vim.fn.stdpath('state') .. '/agor'
         vim.fn.mkdir(folder, 'p')
         vim.fn.writefile({ 'in the way' }, folder .. '/log')",
        &[],
    );
    let session = editor.start_session("{ prompt = 'echo one' }");
    editor.wait_notified("no log is written: ");
    editor.wait_status(&session, "idle");
    assert_eq!(editor.said(&session), ["\"echo one\""]);
}
