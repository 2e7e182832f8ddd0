//! An editor whose sessions are the demo agent's, and what tests ask of their panes.

use rmpv::Value;

use super::{Editor, Home, Options};
use std::sync::Arc;

/// An editor with `a.txt` open and the demo agent at full speed.
pub fn demo_editor(size: (u16, u16)) -> Editor {
    demo_editor_with(size, "")
}

/// The same with more Lua in its `init.lua`, after the setup.
pub fn demo_editor_with(size: (u16, u16), init: &str) -> Editor {
    let home = Arc::new(Home::new());
    home.write("a.txt", "first line\nsecond line\n");
    demo_editor_at(home, size, init)
}

/// The same in a home that an earlier editor has left.
pub fn demo_editor_at(home: Arc<Home>, size: (u16, u16), init: &str) -> Editor {
    let setup = "vim.o.swapfile = false
        require('agor').setup({ provider = 'demo' })
        _G.sent, _G.turns = {}, {}
        vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function(event)
          local id = event.data.session_id
          _G.turns[id] = (_G.turns[id] or 0) + 1
        end })
        function _G.start(prompt, open)
          local id = assert(require('agor').start({ prompt = prompt, open = open }))
          _G.sent[id] = 1
          return id
        end
        function _G.send(id, text)
          _G.sent[id] = (_G.sent[id] or 0) + 1
          assert(require('agor').send(text, { session = id }))
        end\n";
    Editor::start(Options {
        size,
        home,
        init: format!("{setup}{init}"),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    })
}

/// Starts a session with its pane; the cursor stays.
#[track_caller]
pub fn start(editor: &Editor, prompt: &str) -> String {
    editor.lua_string("return _G.start(..., true)", &[prompt.into()])
}

/// Starts a session that nothing shows.
#[track_caller]
pub fn start_hidden(editor: &Editor, prompt: &str) -> String {
    editor.lua_string("return _G.start(..., false)", &[prompt.into()])
}

#[track_caller]
pub fn send(editor: &Editor, session: &str, prompt: &str) {
    editor.lua("_G.send(...)", &[session.into(), prompt.into()]);
}

/// Waits until every prompt that `start` and `send` have given to a session has had its turn.
#[track_caller]
pub fn over(editor: &Editor, session: &str) {
    editor.wait_lua(&format!("(_G.turns['{session}'] or 0) >= _G.sent['{session}']"));
}

#[track_caller]
pub fn wait_status(editor: &Editor, session: &str, status: &str) {
    editor.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.status == '{status}' end)"
    ));
}

/// The transcript's text, as the buffer has it.
#[track_caller]
pub fn transcript(editor: &Editor, session: &str) -> String {
    editor.lua_string(
        "local buf = vim.fn.bufnr('^agor://' .. ... .. '$')
         return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n')",
        &[session.into()],
    )
}

/// Waits until the turn is over and all that the agent said is in the buffer, and gives the buffer's text.
#[track_caller]
pub fn settled(editor: &Editor, session: &str) -> String {
    over(editor, session);
    editor.lua(
        "local id, since = ..., nil
         _G.wanted = {}
         repeat
           local messages, rest = require('agor').messages(id, { since = since })
           for _, message in ipairs(messages or {}) do
             if message.type == 'text' and not message.part then
               table.insert(_G.wanted, (message.content.text:gsub('\\n+$', '')))
             end
           end
           since = rest
         until not since",
        &[session.into()],
    );
    editor.wait_lua(&format!(
        "(function()
           local lines = vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{session}$'), 0, -1, false)
           -- Painted from its end: the head line says what is missing.
           if (lines[1] or ''):find('%d earlier entr') then return false end
           local text, at = table.concat(lines, '\\n'), 1
           for _, wanted in ipairs(_G.wanted) do
             local first, last = text:find(wanted, at, true)
             if not first then return false end
             at = last
           end
           -- The figures of the turn are the last thing that comes.
           return #lines < 2 or text:find('── ', at, true) ~= nil
         end)()"
    ));
    transcript(editor, session)
}

/// Waits until a buffer holds this text.
#[track_caller]
pub fn painted(editor: &Editor, session: &str, text: &str) {
    editor.lua("_G.wanted = ...", &[text.trim_end_matches('\n').into()]);
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{session}$'), 0, -1, false), '\\n'):find(_G.wanted, 1, true)"
    ));
}

/// The window that shows a buffer of this name, in the current tabpage.
#[track_caller]
pub fn window(editor: &Editor, name: &str) -> Value {
    editor.lua("return vim.fn.bufwinid(vim.fn.bufnr('^' .. ... .. '$'))", &[name.into()])
}

/// Windows of the current tabpage that are no floats: `name widthxheight`, from the top left.
#[track_caller]
pub fn layout(editor: &Editor) -> Vec<String> {
    let list = editor.lua_string(
        "local out = {}
         for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
           if vim.api.nvim_win_get_config(win).relative == '' then
             local name = vim.w[win].agor_pane or vim.fn.fnamemodify(vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(win)), ':t')
             table.insert(out, ('%s %dx%d'):format(name, vim.api.nvim_win_get_width(win), vim.api.nvim_win_get_height(win)))
           end
         end
         return table.concat(out, '\\n')",
        &[],
    );
    list.lines().map(str::to_owned).collect()
}

/// Puts the cursor into a window of the pane: `transcript` or `prompt`.
#[track_caller]
pub fn go_to(editor: &Editor, role: &str) {
    editor.lua(
        "for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
           if vim.w[win].agor_pane == ... then return vim.api.nvim_set_current_win(win) end
         end
         error('there is no such window')",
        &[role.into()],
    );
}
