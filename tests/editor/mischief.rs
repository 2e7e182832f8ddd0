//! What users, their configurations and other plugins do to buffers and windows while text pours into them. In the end a
//! transcript shows what was said, nobody was told of a mistake of ours, and the sessions are as they say they are.

use std::sync::Arc;

use crate::support::{Editor, Home, Options, flood::Flood, go_to};

/// A configuration that gets in the way: autocommands and listeners that throw, and windows that close by themselves.
const INIT: &str = "
    vim.o.hidden = true
    _G.turns = 0
    vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end })
    vim.api.nvim_create_autocmd('FileType', { pattern = 'agor', callback = function() error('mine: FileType') end })
    vim.api.nvim_create_autocmd('User', { pattern = 'Agor*', callback = function() error('mine: User') end })
    vim.keymap.set('n', 'Q', function() vim.fn.getchar() return '' end, { expr = true })
    function _G.transcript() return vim.fn.bufnr('^agor://' .. _G.id .. '$') end
    function _G.text() return table.concat(vim.api.nvim_buf_get_lines(_G.transcript(), 0, -1, false), '\\n') end
    function _G.go()
      local win = vim.fn.bufwinid(_G.transcript())
      if win < 0 then vim.cmd('botright split | setlocal nowinfixbuf | edit agor://' .. _G.id) else vim.api.nvim_set_current_win(win) end
    end\n";

/// Each is run by itself, whatever state the one before has left; that Neovim refuses one is no matter.
const DEEDS: &[&str] = &[
    "vim.cmd('bwipeout! ' .. _G.transcript())",
    "vim.cmd('bdelete! ' .. _G.transcript())",
    "vim.cmd('bunload! ' .. _G.transcript())",
    "_G.go() vim.cmd('only')",
    "_G.go() vim.cmd('close')",
    "vim.cmd('tabnew') vim.cmd('edit agor://' .. _G.id) vim.cmd('tabclose')",
    "vim.cmd('tabnew')",
    "vim.cmd('tabonly')",
    "_G.go() vim.cmd('split') vim.cmd('vsplit')",
    "_G.go() vim.cmd('edit')",
    "_G.go() vim.cmd('edit!')",
    "_G.go() vim.cmd('setlocal modifiable') vim.cmd('silent %d _')",
    "_G.go() vim.cmd('setlocal modifiable') vim.cmd('silent! 2,$g/./normal! ddp')",
    "vim.bo[_G.transcript()].modifiable = true vim.api.nvim_buf_set_lines(_G.transcript(), 0, 1, false, { 'mine', 'mine' })",
    "_G.go() vim.cmd('setlocal modifiable') vim.api.nvim_feedkeys('Gomine', 'nx', false)",
    "vim.api.nvim_buf_attach(_G.transcript(), false, { on_lines = function() error('mine: on_lines') end })",
    "vim.api.nvim_create_autocmd('WinScrolled', { once = true, callback = function() pcall(vim.cmd, 'close') end })",
    "vim.api.nvim_create_autocmd('BufWinEnter', { once = true, callback = function() pcall(vim.cmd, 'close') end })",
    "vim.api.nvim_create_autocmd('WinNew', { once = true, callback = function() pcall(vim.cmd, 'only') end })",
    "_G.go() vim.cmd('normal! gg')",
    "_G.go() vim.cmd('normal! G')",
    "_G.go() vim.cmd('normal zM')",
    "_G.go() vim.cmd('normal zR')",
    "_G.go() vim.cmd('enew')",
    "vim.cmd('Agor open')",
    "vim.o.columns = 60 + vim.o.columns % 50",
    "vim.cmd('windo set wrap')",
    "vim.api.nvim_buf_clear_namespace(_G.transcript(), -1, 0, -1)",
];

/// Numbers that look random and are the same for the same seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

fn mischief(seed: u64) {
    let home = Arc::new(Home::new());
    let flood = Flood { dialect: "acp", bytes: 60_000, texts: 2, write: 4096, seed };
    let (setup, _) = flood.setup(&home);
    let editor = Editor::start(Options { home, init: setup + INIT, ..Options::default() });
    let id = editor.start_session("{ open = true }");
    editor.lua("_G.id = ...", &[id.as_str().into()]);
    let mut draw = Draw(seed);
    for turn in 1..=4 {
        editor.send(&id, "say very much");
        for _ in 0..10 {
            let deed = DEEDS[draw.below(DEEDS.len())];
            // With the redraw that follows what a user does.
            editor.lua("_G.deed = ... pcall(function() load(_G.deed)() end) vim.cmd('redraw')", &[deed.into()]);
            if draw.below(4) == 0 {
                editor.input("<Esc>Q");
                editor.input("x");
            }
        }
        editor.wait_lua(&format!("_G.turns == {turn}"));
        editor.wait_status(&id, "idle");
    }
    shows_all(&editor, &id);
    let told = editor.lua_string("return vim.api.nvim_exec2('messages', { output = true }).output", &[]);
    for ours in ["could not be painted", "a bug in agor", "internal error"] {
        assert!(!told.contains(ours), "seed {seed}: {told}");
    }
}

/// The buffer that is there, or is opened again, holds what one shows that is painted from nothing.
#[track_caller]
fn shows_all(editor: &Editor, id: &str) {
    editor.input("<Esc><Esc>");
    editor.lua("vim.cmd('silent! tabonly') _G.go()", &[]);
    // The agent says the same in each turn; the figures of the last one are the end.
    let whole = "(function()
        local lines = vim.api.nvim_buf_get_lines(_G.transcript(), 0, -1, false)
        if (lines[1] or ''):find('%d earlier entr') then return false end
        return select(2, table.concat(lines, '\\n'):gsub('the last words of 1', '')) == 4
      end)()";
    editor.wait_lua(whole);
    let shown = editor.lua_string("return _G.text()", &[]);
    editor.lua("_G.shown = ...", &[shown.as_str().into()]);
    editor.lua("vim.cmd('edit')", &[]);
    editor.wait_lua(whole);
    // What was open or shut by the user is as it was.
    editor.wait_lua("_G.text() == _G.shown");
    let said = editor.said(id);
    for text in said {
        let last = text.lines().last().unwrap_or_default().to_owned();
        assert!(shown.contains(&last), "{last} is not shown");
    }
    editor.command("Agor open");
    go_to(editor, "transcript");
}

#[test]
fn whatever_is_done_to_buffers_and_windows_the_transcript_is_shown_whole() {
    // `AGOR_MISCHIEF=100` tries more than every run of the tests does.
    let seeds = std::env::var("AGOR_MISCHIEF").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    for seed in 1..=seeds {
        mischief(seed);
    }
}
