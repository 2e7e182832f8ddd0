//! The Lua functions and the User autocommands, through the whole: a real Neovim, the real backend, the demo agent.

use crate::support::{Editor, Options};
use rmpv::Value;

pub(crate) fn options() -> Options {
    let options = Options {
        size: (140, 36),
        init: "vim.o.swapfile = false
               vim.o.shortmess = vim.o.shortmess .. 'I'
               require('agor').setup({ provider = 'demo' })"
            .into(),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    };
    options.home.write("a.txt", "one\n");
    options
}

pub(crate) fn editor() -> Editor {
    Editor::start(options())
}

pub(crate) fn with(init: &str) -> Editor {
    let options = options();
    let init = format!("{}\n{init}", options.init);
    Editor::start(Options { init, ..options })
}

pub(crate) fn start(editor: &Editor, prompt: &str) -> String {
    editor.lua_string("return assert(require('agor').start({ prompt = ..., open = false }))", &[prompt.into()])
}

#[track_caller]
pub(crate) fn wait_status(editor: &Editor, session: &str, status: &str) {
    editor.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.status == '{status}' end)"
    ));
}

#[track_caller]
pub(crate) fn wait_said(editor: &Editor, text: &str) {
    editor.wait_lua(&format!("vim.fn.execute('messages'):gsub('%s+', ' '):find([==[{text}]==], 1, true)"));
}

pub(crate) fn said(editor: &Editor) -> String {
    editor.lua_string("return (vim.fn.execute('messages'):gsub('%s+', ' '))", &[])
}

#[track_caller]
pub(crate) fn is(editor: &Editor, expression: &str, want: &str) {
    assert_eq!(editor.lua_string(&format!("return vim.inspect({expression})"), &[]), want, "{expression}");
}

// ---------------------------------------------------------------------- autocommands and callbacks

pub(crate) const LISTEN: &str = "_G.seen = {}
    for _, name in ipairs({ 'Message', 'Status', 'Permission', 'Question', 'PermissionClosed', 'Turn' }) do
      vim.api.nvim_create_autocmd('User', { pattern = 'Agor' .. name, callback = function(event)
        table.insert(_G.seen, { name, event.data })
      end })
    end
    function _G.last(name)
      return vim.iter(_G.seen):filter(function(e) return e[1] == name end):map(function(e) return e[2] end):last()
    end
    function _G.keys(data)
      local keys = vim.tbl_keys(data)
      table.sort(keys)
      return table.concat(keys, ' ')
    end";

#[test]
fn autocommands_of_a_turn_have_their_data() {
    let editor = with(LISTEN);
    let id = start(&editor, "echo hello");
    editor.wait_lua("_G.last('Turn')");
    is(&editor, "_G.keys(_G.last('Turn'))", "\"session_id stop_reason\"");
    is(&editor, "_G.last('Turn').session_id", &format!("{id:?}"));
    is(&editor, "_G.last('Turn').stop_reason", "\"end_turn\"");
    is(&editor, "_G.last('Message').session_id", &format!("{id:?}"));
    let statuses = editor.lua_string(
        "return vim.iter(_G.seen):filter(function(e) return e[1] == 'Status' end)
           :map(function(e) return e[2].status end):join(' ')",
        &[],
    );
    assert!(statuses.ends_with("running idle"), "{statuses}");
    // The end of a turn comes after what was said in it.
    is(&editor, "_G.seen[#_G.seen][1]", "\"Turn\"");
    // Each message has what the contract says.
    let wrong = editor.lua_string(
        "local kinds = {}
         for _, entry in ipairs(_G.seen) do
           for _, m in ipairs(entry[1] == 'Message' and entry[2].messages or {}) do
             kinds[m.type] = true
             if type(m.id) ~= 'string' or type(m.timestamp) ~= 'number' or type(m.content) ~= 'table' then
               return vim.inspect(m)
             end
           end
         end
         return _G.keys(kinds)",
        &[],
    );
    for kind in ["init", "prompt", "text", "cost"] {
        assert!(wrong.split(' ').any(|word| word == kind), "{kind} in {wrong}");
    }
}

#[test]
fn autocommands_of_an_error_say_it() {
    let editor = with(LISTEN);
    let id = start(&editor, "fail no more tea");
    wait_status(&editor, &id, "error");
    editor.wait_lua("_G.last('Status').status == 'error'");
    is(&editor, "_G.last('Status').error", "\"no more tea\"");
    editor.wait_lua("_G.last('Turn')");
    is(&editor, "require('agor').sessions()[1].error", "\"no more tea\"");
}

#[test]
fn a_permission_is_told_answered_and_closed() {
    let editor = with(LISTEN);
    let id = start(&editor, "permission 2");
    editor.wait_lua("vim.iter(_G.seen):filter(function(e) return e[1] == 'Permission' end):fold(0, function(n) return n + 1 end) == 2");
    is(
        &editor,
        "_G.keys(_G.last('Permission'))",
        "\"everywhere grants input options refusal_scopes refusals request_id scopes session_id tool\"",
    );
    is(&editor, "_G.last('Permission').tool", "\"Bash\"");
    is(&editor, "_G.last('Permission').input.command", "\"echo 2\"");
    let wrong = editor.lua_string(
        "local kinds = { 'allow_once', 'allow_always', 'reject_once', 'reject_always', 'other' }
         for _, option in ipairs(_G.last('Permission').options) do
           if _G.keys(option) ~= 'kind name option_id' or not vim.list_contains(kinds, option.kind) then
             return vim.inspect(option)
           end
         end
         return ''",
        &[],
    );
    assert_eq!(wrong, "");
    is(&editor, "require('agor').sessions()[1].attention", "\"permission\"");
    assert!(editor.lua_string("return require('agor').statusline()", &[]).contains("2 waiting"));
    // Both are answered in the tick that sees them; a second answer is refused.
    let second = editor.lua_string(
        "local agor = require('agor')
         for _, entry in ipairs(_G.seen) do
           if entry[1] == 'Permission' then
             local data = entry[2]
             assert(agor.answer(data.session_id, data.request_id, data.options[1].option_id))
           end
         end
         local data = _G.last('Permission')
         return select(2, agor.answer(data.session_id, data.request_id, data.options[1].option_id))",
        &[],
    );
    assert!(second.contains("answered already"), "{second}");
    wait_status(&editor, &id, "idle");
    editor.wait_lua("_G.last('PermissionClosed')");
    is(&editor, "_G.keys(_G.last('PermissionClosed'))", "\"outcome request_id session_id\"");
    is(&editor, "require('agor').sessions()[1].attention", "nil");
    let refused =
        editor.lua_string("return select(2, require('agor').answer(..., 'nothing', 'x'))", &[id.as_str().into()]);
    assert!(refused.contains("no open question nothing"), "{refused}");
}

#[test]
fn a_question_is_told_and_answered_by_id() {
    let editor = with(LISTEN);
    let id = start(&editor, "ask");
    editor.wait_lua("_G.last('Question')");
    is(&editor, "_G.keys(_G.last('Question'))", "\"questions request_id session_id\"");
    is(&editor, "require('agor').sessions()[1].attention", "\"question\"");
    let shape = editor.lua_string(
        "local out = {}
         for _, q in ipairs(_G.last('Question').questions) do
           out[#out + 1] = ('%s|%s|%s|%s|%s|%s'):format(q.header, q.text, q.multi, q.secret, q.allow_other, _G.keys(q.options[1]))
         end
         return table.concat(out, '\\n')",
        &[],
    );
    assert_eq!(
        shape,
        "Colour|Which colour do you want?|false|false|true|description label\nExtras|Which extras?|true|false|true|description label"
    );
    editor.lua(
        "local data = _G.last('Question')
         local answers = { [data.questions[1].id] = 'Green', [data.questions[2].id] = { 'Tests', 'my own words' } }
         assert(require('agor').answer(data.session_id, data.request_id, nil, { answers = answers }))",
        &[],
    );
    wait_status(&editor, &id, "idle");
    let text = editor.lua_string("return vim.inspect(require('agor').messages(...))", &[id.as_str().into()]);
    for word in ["Green", "Tests", "my own words"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn callbacks_come_in_order_and_end_when_removed() {
    let editor = editor();
    let id = editor.lua_string(
        "local agor = require('agor')
         _G.order = {}
         local id = assert(agor.start({ prompt = 'echo one', open = false }))
         for i = 1, 3 do
           local remove = agor.on_status(i == 2 and id or nil, function(session, status)
             local row = vim.iter(agor.sessions()):find(function(s) return s.session_id == session end)
             table.insert(_G.order, i .. status .. (row.status == status and '' or ' (but the list says ' .. row.status .. ')'))
           end)
           if i == 3 then _G.remove = remove end
         end
         agor.on_status('another', function() table.insert(_G.order, 'wrong') end)
         return id",
        &[],
    );
    wait_status(&editor, &id, "idle");
    editor.wait_lua("vim.list_contains(_G.order, '3idle')");
    let order = editor.lua_string("return table.concat(_G.order, ' ')", &[]);
    assert!(order.ends_with("1running 2running 3running 1idle 2idle 3idle"), "{order}");
    editor.lua("_G.remove() _G.order = {} assert(require('agor').send('echo two'))", &[]);
    editor.wait_lua("vim.list_contains(_G.order, '2idle')");
    is(&editor, "table.concat(_G.order, ' ')", "\"1running 2running 1idle 2idle\"");
}

#[test]
fn an_error_in_a_callback_is_told_once_and_stops_nothing() {
    let editor = with(
        "_G.calls = 0
         require('agor').on_status(nil, function() error('my own fault') end)
         require('agor').on_status(nil, function() _G.calls = _G.calls + 1 end)
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() error('turned wrong') end })",
    );
    let id = start(&editor, "echo one");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').send('echo two'))", &[]);
    editor.wait_lua("_G.calls >= 4 and require('agor').sessions()[1].status == 'idle'");
    wait_said(&editor, "turned wrong");
    let said = said(&editor);
    assert_eq!(said.matches("my own fault").count(), 1, "{said}");
    assert_eq!(said.matches("turned wrong").count(), 1, "{said}");
    assert!(!said.contains("stack traceback"), "{said}");
}

#[test]
fn a_second_setup_and_a_reload_double_nothing() {
    let editor = with(
        "_G.calls = 0
         function _G.count() _G.calls = _G.calls + 1 end
         require('agor').on_status(nil, _G.count)",
    );
    let id = start(&editor, "echo one");
    wait_status(&editor, &id, "idle");
    editor.wait_lua("_G.calls == 2");
    let pid = editor.lua_string("return tostring(require('agor.state').backend.pid)", &[]);
    editor.lua(
        "require('agor').setup({ provider = 'demo' })
         for name in pairs(package.loaded) do
           if name == 'agor' or vim.startswith(name, 'agor.') then package.loaded[name] = nil end
         end
         vim.g.loaded_agor = nil
         vim.cmd('runtime plugin/agor.lua')
         require('agor').setup({ provider = 'demo' })
         require('agor').on_status(nil, _G.count)
         _G.calls = 0",
        &[],
    );
    is(&editor, "tostring(require('agor.state').backend.pid)", &format!("{pid:?}"));
    is(&editor, "#require('agor').sessions()", "1");
    editor.lua("assert(require('agor').send('echo two'))", &[]);
    editor.wait_lua("_G.calls == 2 and require('agor').sessions()[1].status == 'idle'");
    editor.input(":AgorOpen<CR>");
    editor.wait_text("❯ echo two");
    is(&editor, "_G.calls", "2");
    is(&editor, "#vim.api.nvim_get_autocmds({ group = 'agor.quit' })", "3");
}

// ---------------------------------------------------------------------- sessions, messages, figures

#[test]
fn sessions_are_ordered_by_their_start_and_fresh() {
    let editor = editor();
    let before = editor.lua("return os.time() * 1000 - 1000", &[]).as_u64().unwrap_or(0);
    let ids: Vec<String> = ["echo b", "echo a", "stream 3 0 9"].iter().map(|prompt| start(&editor, prompt)).collect();
    for id in &ids {
        wait_status(&editor, id, "idle");
    }
    is(
        &editor,
        "vim.tbl_map(function(s) return s.session_id end, require('agor').sessions())",
        &format!("{{ {:?}, {:?}, {:?} }}", ids[0], ids[1], ids[2]),
    );
    let keys = editor.lua_string(
        "local s = require('agor').sessions()[1]
         local keys = {}
         for key, value in pairs(s) do keys[#keys + 1] = key .. ':' .. type(value) end
         table.sort(keys)
         return table.concat(keys, ' ')",
        &[],
    );
    assert_eq!(
        keys,
        "agent_session:string busy:boolean cost_usd:number cwd:string effort:string input_tokens:number last_line:string mode:string model:string output_tokens:number pending:number project:string provider:string queued:number session_id:string started_at:number status:string title:string turn_ended_at:number"
    );
    let started = editor.lua("return require('agor').sessions()[1].started_at", &[]).as_u64().unwrap_or(0);
    assert!(started >= before && started < before + 600_000, "{started} is in Unix milliseconds, {before} was before");
    editor.lua("require('agor').sessions()[1].title = 'mine'", &[]);
    is(&editor, "require('agor').sessions()[1].title", "\"echo b\"");
    is(&editor, "require('agor').sessions()[1].queued", "0");
}

#[test]
fn unknown_sessions_are_named() {
    let editor = editor();
    let id = start(&editor, "echo hello");
    wait_status(&editor, &id, "idle");
    for call in [
        "interrupt('nobody')",
        "stop('nobody')",
        "remove('nobody')",
        "answer('nobody', 'x', 'y')",
        "messages('nobody')",
    ] {
        is(&editor, &format!("{{ select(2, require('agor').{call}) }}"), "{ \"no session nobody\" }");
        is(&editor, &format!("(require('agor').{call})"), "nil");
    }
    let again =
        editor.lua_string("return select(2, require('agor').start({ session_id = ... }))", &[id.as_str().into()]);
    assert_eq!(again, format!("session {id} already exists"));
}

#[test]
fn a_stopped_session_is_done_and_stopping_it_again_is_fine() {
    let editor = editor();
    let id = start(&editor, "hang");
    wait_status(&editor, &id, "running");
    let call = |code: &str| editor.lua(&format!("return {code}"), &[id.as_str().into()]);
    assert_eq!(call("require('agor').stop(..., { force = true })"), Value::Boolean(true));
    wait_status(&editor, &id, "done");
    assert_eq!(call("require('agor').stop(...)"), Value::Boolean(true));
    assert_eq!(call("require('agor').remove(...)"), Value::Boolean(true));
    editor.wait_lua("#require('agor').sessions() == 0");
    let journal = editor.home().data().join(format!("agor/sessions/{id}.ndjson"));
    assert!(journal.exists(), "its journal stays");
}

#[test]
fn messages_come_in_bounded_pages() {
    let editor = editor();
    editor.lua(
        "_G.turns = 0
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end })",
        &[],
    );
    let id = start(&editor, "echo first");
    // Some 3 MB in several messages.
    for turn in 1..=6 {
        editor.wait_lua(&format!("_G.turns == {turn}"));
        editor.lua("assert(require('agor').send('stream 10 0 50000'))", &[]);
    }
    editor.wait_lua("_G.turns == 7");
    let report = editor.lua_string(
        "local agor = require('agor')
         local since, pages, all, seen, largest = nil, 0, 0, {}, 0
         repeat
           local messages, rest = agor.messages(..., { since = since })
           pages = pages + 1
           local bytes = 0
           for _, m in ipairs(messages) do
             assert(not seen[m.id .. m.type], 'twice: ' .. m.id)
             seen[m.id .. m.type] = true
             bytes = bytes + #(m.content.text or '')
           end
           largest = math.max(largest, bytes)
           all = all + bytes
           assert(rest == nil or #messages > 0, 'an empty page')
           assert(#messages <= 1000)
           since = rest
         until not since
         return ('%d %d %d'):format(pages, all, largest)",
        &[id.as_str().into()],
    );
    let figures: Vec<u64> = report.split(' ').filter_map(|figure| figure.parse().ok()).collect();
    assert!(figures[0] > 1 && figures[1] >= 3_000_000 && figures[2] <= 1 << 20, "{report}");
}

#[test]
fn the_statusline_and_the_figures() {
    let editor = editor();
    is(&editor, "require('agor').statusline()", "\"\"");
    is(&editor, "require('agor').stats().sessions", "0");
    start(&editor, "hang");
    editor.wait_lua("require('agor').stats().processes == 1");
    let line = editor.lua_string("return require('agor').statusline()", &[]);
    assert!(line.starts_with("demo"), "{line}");
    // In a real statusline.
    editor.command("set statusline=%{%v:lua.require'agor'.statusline()%}");
    editor.wait_text(&line);
    let stats = editor.lua_string(
        "local stats = require('agor').stats()
         for _, key in ipairs({ 'frames', 'patches', 'bytes_in', 'bytes_to_editor', 'last_call_ms', 'max_call_ms', 'sessions',
             'processes', 'rss_bytes' }) do
           if type(stats[key]) ~= 'number' then return key .. ' is ' .. vim.inspect(stats[key]) end
         end
         return ('%d %d'):format(stats.sessions, stats.processes)",
        &[],
    );
    assert_eq!(stats, "1 1");
}
