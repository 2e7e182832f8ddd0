//! The whole, from a key to the screen: a real Neovim, the real backend, the demo agent as a child process.

use crate::support::{Editor, Options};
use rmpv::Value;

fn editor() -> Editor {
    sized((120, 36))
}

fn sized(size: (u16, u16)) -> Editor {
    let init = "vim.o.swapfile = false\nrequire('agor').setup({ provider = 'demo' })";
    let options = Options {
        size,
        init: init.into(),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    };
    options.home.write("a.txt", "first line\nsecond line\n");
    Editor::start(options)
}

/// The transcript's text, as the buffer has it.
fn transcript(editor: &Editor, session: &str) -> String {
    editor.lua_string(
        "local buf = vim.fn.bufnr('^agor://' .. ... .. '$')
         return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n')",
        &[session.into()],
    )
}

fn start(editor: &Editor, prompt: &str) -> String {
    editor.lua_string("return assert(require('agor').start({ prompt = ..., open = true }))", &[prompt.into()])
}

fn wait_status(editor: &Editor, session: &str, status: &str) {
    editor.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.status == '{status}' end)"
    ));
}

/// Keys typed in the first moment do nothing: typed again until the question takes one.
#[track_caller]
fn type_until_answered(editor: &Editor, key: &str) {
    editor.wait_lua(&format!(
        "(function()
           if require('agor').sessions()[1].attention == nil then return true end
           if vim.api.nvim_win_get_config(0).relative ~= '' then vim.api.nvim_feedkeys('{key}', 'xt', false) end
         end)()"
    ));
}

fn words(count: usize) -> String {
    format!("stream {count} 0 20")
}

#[test]
fn a_started_session_streams_into_a_pane_beside_the_file() {
    let editor = editor();
    editor.input(":AgorStart demo stream 30 0 20<CR>");
    editor.wait_text("❯ stream 30 0 20");
    editor.wait_screen("the turn's figures", |rows| rows.iter().any(|row| row.contains("── ")));
    editor.wait_screen("an idle session in the bar", |rows| rows[0].contains("demo") && rows[0].contains("idle"));
    let rows = editor.rows();
    assert!(rows[0].starts_with("first line"), "the file stays where it was: {rows:#?}");
    assert_eq!(editor.mode(), "normal", "a start with a prompt leaves the cursor where it is");
    assert_eq!(editor.lua_string("return vim.fn.bufname()", &[]), "a.txt");
}

#[test]
fn what_the_agent_said_is_in_buffer_journal_and_export_alike() {
    let editor = editor();
    let id = start(&editor, "stream 400 0 37");
    wait_status(&editor, &id, "idle");
    let said = editor.lua_string(
        "local text = {}
         for _, message in ipairs((require('agor').messages(...))) do
           if message.type == 'text' then text[#text + 1] = message.content.text end
         end
         return table.concat(text)",
        &[id.as_str().into()],
    );
    assert!(said.len() >= 400 * 37, "{} bytes", said.len());
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{id}$'), 0, -1, false), '\\n'):find('── ', 1, true)"
    ));
    assert!(transcript(&editor, &id).contains(said.trim_end_matches('\n')));
    let journal = editor.home().data().join(format!("agor/sessions/{id}.ndjson"));
    let journal = std::fs::read_to_string(journal).expect("the journal is there");
    assert!(journal.contains(&serde_json::to_string(&said).expect("text")), "the whole text is one message");
    assert!(journal.lines().count() < 200, "parts are merged: a line is not a token");
}

#[test]
fn two_sessions_stream_while_a_third_buffer_is_edited() {
    let editor = editor();
    let one = start(&editor, &words(3000));
    editor.command("vsplit");
    let two = editor.lua_string(
        "local id = assert(require('agor').start({ prompt = ..., open = false })); vim.cmd('botright sbuffer ' .. vim.fn.bufadd('agor://' .. id)); vim.cmd.wincmd('t') return id",
        &[words(3000).as_str().into()],
    );
    editor.input("ggityped while they stream<Esc>");
    editor.wait_text("typed while they stream");
    for id in [&one, &two] {
        wait_status(&editor, id, "idle");
    }
    editor.wait_lua(&format!(
        "(function() for _, id in ipairs({{'{one}', '{two}'}}) do
           local lines = vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://' .. id .. '$'), 0, -1, false)
           local text = table.concat(lines, '\\n')
           -- Long text comes from its end backwards.
           if not (text:find('── ', 1, true) and text:find('❯ stream', 1, true)) then return false end
         end return true end)()"
    ));
    assert_ne!(transcript(&editor, &one), "");
    let text = |id: &str| transcript(&editor, id).lines().skip(1).collect::<Vec<_>>().join("\n");
    let until_cost = |text: String| text.split("── ").next().unwrap_or_default().to_owned();
    assert_eq!(until_cost(text(&one)), until_cost(text(&two)), "the same words in both");
}

#[test]
fn a_question_is_answered_by_a_digit_and_the_agent_goes_on() {
    let editor = editor();
    editor.home().write("b.txt", "b\n");
    let id = start(&editor, "edit b.txt");
    editor.wait_text("demo asks");
    assert_eq!(editor.lua_string("return vim.fn.bufname()", &[]), "a.txt", "the focus stays");
    editor.command("Agor permit");
    type_until_answered(&editor, "1");
    wait_status(&editor, &id, "idle");
    let text = std::fs::read_to_string(editor.home().project().join("b.txt")).expect("the file");
    assert!(text.len() > 2, "the agent has written: {text:?}");
    editor.wait_no_text("demo asks");
}

#[test]
fn a_refusal_with_a_reason_reaches_the_agent_word_for_word() {
    let editor = editor();
    editor.home().write("b.txt", "b\n");
    let id = start(&editor, "edit b.txt");
    editor.lua(
        "local id = ...
         _G.refused = nil
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorPermission', callback = function(ev)
           for _, option in ipairs(ev.data.options) do
             if option.kind == 'reject_once' then
               _G.refused = { require('agor').answer(id, ev.data.request_id, option.option_id, { message = 'not \"now\", please: ä' }) }
             end
           end
         end })",
        &[id.as_str().into()],
    );
    // The question may have come before the autocommand was there.
    editor.wait_lua("_G.refused ~= nil or require('agor').sessions()[1].attention == 'permission'");
    if editor.lua("return _G.refused == nil", &[]) == Value::Boolean(true) {
        editor.command("Agor permit");
        editor.wait_lua("vim.bo.filetype ~= 'text' and vim.api.nvim_win_get_config(0).relative ~= ''");
        editor.lua("vim.ui.input = function(_, done) done('not \"now\", please: ä') end", &[]);
        type_until_answered(&editor, "r");
    }
    wait_status(&editor, &id, "idle");
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{id}$'), 0, -1, false), '\\n'):find('not \"now\", please: ä', 1, true)"
    ));
    assert_eq!(std::fs::read_to_string(editor.home().project().join("b.txt")).expect("the file"), "b\n");
}

#[test]
fn a_prompt_while_a_turn_runs_waits_and_is_sent_after_it_unless_that_is_interrupted() {
    let editor = editor();
    let id = start(&editor, "hang");
    wait_status(&editor, &id, "running");
    // Not only on its way, where it would wait too.
    editor.wait_lua("require('agor').sessions()[1].turn_started_at");
    editor.lua("assert(require('agor').send('echo second', { session = ... }))", &[id.as_str().into()]);
    editor.wait_lua("require('agor').sessions()[1].queued == 1");
    editor.wait_text("queued");
    assert!(!transcript(&editor, &id).contains("❯ echo second"), "it is not sent yet");
    editor.lua("assert(require('agor').interrupt(...))", &[id.as_str().into()]);
    editor.wait_lua("require('agor').sessions()[1].held == 'interrupted'");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').send('echo first', { session = ... }))", &[id.as_str().into()]);
    editor.wait_text("\"echo first\"");
    editor.wait_text("\"echo second\"");
    wait_status(&editor, &id, "idle");
    assert_eq!(editor.lua("return require('agor').sessions()[1].queued", &[]), Value::from(0));
}

#[track_caller]
fn ends_in_error(prompt: &str, expect: &str) {
    let editor = editor();
    let id = start(&editor, prompt);
    wait_status(&editor, &id, "error");
    editor.wait_lua(&format!("require('agor').sessions()[1].error:find({}, 1, true)", quoted(expect)));
    editor.wait_text(expect);
    // Users never see "session is done": the next prompt goes on.
    editor.lua("assert(require('agor').send('echo again', { session = ... }))", &[id.as_str().into()]);
    editor.wait_text("\"echo again\"");
}

fn quoted(text: &str) -> String {
    format!("[==[{text}]==]")
}

#[test]
fn an_agent_that_exits_with_a_code_says_so_and_goes_on_when_prompted() {
    ends_in_error("exit 3", "Exit code: 3");
}

#[test]
fn an_agent_that_crashes_says_so_and_goes_on_when_prompted() {
    ends_in_error("crash", "killed by SIGABRT");
}

#[test]
fn an_agent_that_fails_says_why_and_goes_on_when_prompted() {
    ends_in_error("fail no more tea", "no more tea");
}

#[test]
fn half_a_line_and_then_the_end_loses_nothing() {
    let editor = editor();
    let id = start(&editor, "half line");
    wait_status(&editor, &id, "error");
    // A session's state and its transcript's text come in calls of their own.
    editor.wait_text("❯ half line");
    editor.wait_text("Exit code: 1");
}

#[test]
fn garbage_and_unknown_messages_end_nothing() {
    let editor = editor();
    let id = start(&editor, "garbage");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').send('unknown', { session = ... }))", &[id.as_str().into()]);
    editor.wait_text("A message that agor does not know");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').send('echo alive', { session = ... }))", &[id.as_str().into()]);
    editor.wait_text("\"echo alive\"");
}

#[test]
fn a_line_of_20_mib_is_skipped_and_counted() {
    let editor = editor();
    let id = start(&editor, "long line");
    wait_status(&editor, &id, "idle");
    editor.wait_screen("how much was dropped", |rows| {
        rows.iter().any(|row| row.contains("dropped") || row.contains("bytes"))
    });
}

#[test]
fn a_prompt_of_5_mb_arrives_byte_for_byte() {
    let editor = editor();
    let id = start(&editor, "echo hello");
    wait_status(&editor, &id, "idle");
    editor.lua(
        "local text = 'echo ' .. ('ä\"\\\\|%#\\n'):rep(500000)
         _G.sent = vim.json.encode(text)
         assert(require('agor').send(text, { session = ... }))",
        &[id.as_str().into()],
    );
    editor.wait_lua("require('agor').sessions()[1].status == 'running'");
    wait_status(&editor, &id, "idle");
    let same = editor.lua(
        "local since, said = nil, {}
         repeat
           local messages, next_since = require('agor').messages(..., { since = since })
           for _, m in ipairs(messages) do if m.type == 'text' then said[#said + 1] = m.content.text end end
           since = next_since
         until not since
         return vim.json.decode(said[#said]) == vim.json.decode(_G.sent)",
        &[id.as_str().into()],
    );
    assert_eq!(same, Value::Boolean(true));
}

#[test]
fn quitting_leaves_no_process_whatever_the_agent_does() {
    for prompt in ["hang", "deaf", "sleep children", "stream 100000 1000 40"] {
        let mut editor = editor();
        let id = start(&editor, prompt);
        editor.wait_lua(&format!(
            "#require('agor').messages('{id}') > 1 or '{prompt}' == 'hang' or '{prompt}' == 'deaf'"
        ));
        editor.quit("qa!");
        editor.assert_nothing_left();
    }
}

#[test]
fn killing_neovim_leaves_no_process() {
    let mut editor = editor();
    start(&editor, "sleep children");
    wait_status(&editor, &editor.lua_string("return require('agor').sessions()[1].session_id", &[]), "idle");
    editor.kill();
    editor.assert_nothing_left();
}

#[test]
fn a_wiped_transcript_comes_back_whole() {
    let editor = editor();
    let id = start(&editor, "echo to be seen");
    editor.wait_text("\"echo to be seen\"");
    let before = transcript(&editor, &id);
    editor.command(&format!("bwipeout! agor://{id}"));
    editor.command(&format!("edit agor://{id}"));
    editor.wait_text("\"echo to be seen\"");
    editor
        .wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) == {}", before.lines().count()));
    assert_eq!(transcript(&editor, &id), before);
}

#[test]
fn an_earlier_session_is_read_from_its_journal_and_starts_nothing() {
    let home;
    let id;
    {
        let editor = editor();
        home = editor.home().clone();
        id = start(&editor, "echo kept");
        editor.wait_text("\"echo kept\"");
        wait_status(&editor, &id, "idle");
    }
    let editor = Editor::start(Options { home, ..Options::default() });
    editor.command(&format!("edit agor://{id}"));
    editor.wait_text("\"echo kept\"");
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0));
    let refused = editor.lua_string(
        "return select(2, require('agor').start({ provider = 'demo', session_id = ... }))",
        &[id.as_str().into()],
    );
    assert_eq!(refused, format!("session {id} already exists"));
}

#[test]
fn a_session_that_never_was_says_so() {
    let editor = editor();
    editor.command("edit agor://never-was");
    editor.wait_text("There is no session 'never-was'");
}

#[test]
fn who_listens_in_the_tick_of_the_start_misses_nothing() {
    let editor = editor();
    let id = editor.lua_string(
        "_G.types = {}
         local id = assert(require('agor').start({ prompt = 'echo all of it' }))
         require('agor').on_message(id, function(_, messages)
           for _, m in ipairs(messages) do table.insert(_G.types, m.type .. (m.part and '+' or '')) end
         end)
         return id",
        &[],
    );
    wait_status(&editor, &id, "idle");
    editor.wait_lua("vim.list_contains(_G.types, 'cost')");
    let types = editor.lua_string("return table.concat(_G.types, ' ')", &[]);
    assert!(types.starts_with("prompt "), "{types}");
    assert_eq!(types.matches("text").count() - types.matches("text+").count(), 1, "each once in full: {types}");
}

#[test]
fn a_restart_keeps_transcript_and_cost_and_the_next_prompt_goes_on() {
    let editor = editor();
    let id = start(&editor, "stream 20 0 20");
    wait_status(&editor, &id, "idle");
    editor.wait_lua("require('agor').sessions()[1].cost_usd > 0");
    let cost = editor.lua_string("return tostring(require('agor').sessions()[1].cost_usd)", &[]);
    let pid = editor.lua_string("return tostring(require('agor.state').backend.pid)", &[]);
    editor.command("AgorRestart");
    editor.wait_lua(&format!(
        "require('agor.state').backend ~= nil and tostring(require('agor.state').backend.pid) ~= '{pid}'"
    ));
    editor.wait_text("Taken up from its journal");
    assert!(transcript(&editor, &id).contains("❯ stream 20 0 20"));
    editor.wait_lua(&format!(
        "require('agor').sessions()[1].status == 'idle' and tostring(require('agor').sessions()[1].cost_usd) == '{cost}'"
    ));
    editor.lua_string("return tostring(assert(require('agor').send('stream 5 0 20')))", &[]);
    editor.wait_text("❯ stream 5 0 20");
    wait_status(&editor, &id, "idle");
    editor.wait_lua(&format!("require('agor').sessions()[1].cost_usd > {cost}"));
}

#[test]
fn a_backend_that_is_killed_comes_back_with_its_sessions() {
    let editor = editor();
    let id = start(&editor, "stream 20 0 20");
    wait_status(&editor, &id, "idle");
    editor.lua_string("vim.uv.kill(require('agor.state').backend.pid, 'sigkill') return ''", &[]);
    editor.wait_text("Taken up from its journal");
    wait_status(&editor, &id, "idle");
}

#[test]
fn a_turn_that_runs_shows_that_it_does_and_for_how_long() {
    let editor = editor();
    let id = start(&editor, "hang");
    editor.wait_screen("a beat", |rows| rows[0].contains("running 0s") || rows[0].contains("running 1s"));
    let first = editor.rows()[0].clone();
    editor.wait_screen("the next beat", |rows| rows[0].contains("running") && rows[0] != first);
    editor.lua("assert(require('agor').interrupt(...))", &[id.as_str().into()]);
    editor.wait_screen("rest", |rows| rows[0].contains("○ idle"));
}

#[test]
fn a_removed_session_that_is_shown_is_shown_to_its_end() {
    let editor = editor();
    let id = start(&editor, "permission 2");
    editor.wait_text("1 of 2");
    editor.lua("assert(require('agor').remove(...))", &[id.as_str().into()]);
    editor.wait_lua("#require('agor').sessions() == 0");
    editor.wait_no_text("asks for permission");
    editor.wait_no_text("running");
}

#[test]
fn what_is_nested_deeper_than_neovim_takes_harms_nobody() {
    let editor = editor();
    let deep = "[".repeat(60) + &"]".repeat(60);
    let lines = [
        r#"{"type":"ready","capabilities":["permission","multi_turn"]}"#.to_owned(),
        format!(r#"{{"type":"agent_event","event":{{"type":"odd","x":{deep}}}}}"#),
        format!(
            r#"{{"type":"permission_request","requestId":"r","toolName":"Odd","input":{{"x":{deep}}},"options":[{{"optionId":"y","name":"Yes","kind":"allow_once"}}]}}"#
        ),
    ];
    let script = editor.home().write("deep.sh", format!("cat <<'END'\n{}\nEND\ncat >/dev/null\n", lines.join("\n")));
    editor.lua(
        "require('agor').setup({ provider = 'demo', providers = { deep = { protocol = 'sidecar', command = { 'sh', ... } } } })
         _G.heard = 0
         require('agor').on_message(nil, function() _G.heard = _G.heard + 1 end)",
        &[script.to_string_lossy().into()],
    );
    let bystander = start(&editor, "hang");
    editor.lua("assert(require('agor').start({ provider = 'deep', prompt = 'go' }))", &[]);
    editor.wait_text("asks: Odd");
    editor.wait_lua("_G.heard > 0 and #(require('agor').messages(require('agor').sessions()[2].session_id)) > 1");
    wait_status(&editor, &bystander, "running");
}
