//! What an agent has changed: in the quickfix list, and beside what it was.

use std::sync::Arc;

use crate::support::{Editor, Home, Options};

/// An editor whose agent has added a line to `a.txt` and whose user looks at `other.txt`.
fn after_an_edit() -> Editor {
    let home = Arc::new(Home::new());
    home.write("a.txt", "one\ntwo\n");
    home.write("other.txt", "mine\n");
    let init = "vim.o.swapfile = false
         require('agor').setup({ provider = 'demo' })
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorPermission', callback = function(event)
           for _, option in ipairs(event.data.options) do
             if option.kind == 'allow_once' then
               return assert(require('agor').answer(event.data.session_id, event.data.request_id, option.option_id))
             end
           end
         end })
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turn = true end })";
    let editor = Editor::start(Options {
        size: (120, 30),
        home,
        init: init.into(),
        args: vec!["other.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    });
    editor.lua("vim.fn.system({ 'git', 'init', '-q' })", &[]);
    editor.lua("assert(require('agor').start({ prompt = 'edit a.txt', open = false }))", &[]);
    editor.wait_lua("_G.turn");
    editor
}

#[test]
fn each_place_is_in_the_quickfix_list_and_leads_there() {
    let editor = after_an_edit();
    let added = editor.home().read("a.txt").lines().position(|line| line.contains("demo agent")).expect("its line") + 1;
    editor.command("AgorChanges");
    editor.wait_lua("#vim.fn.getqflist() > 0 and vim.bo.buftype == 'quickfix'");
    let list = editor.lua_string(
        "local list = vim.fn.getqflist({ title = 0, items = 0 })
         local one = list.items[1]
         return ('%s|%d|%s:%d'):format(list.title, #list.items, vim.fs.basename(vim.fn.bufname(one.bufnr)), one.lnum)",
        &[],
    );
    assert_eq!(list, format!("agor changes (session): edit a.txt|1|a.txt:{added}"));
    editor.wait_text("1 file changed, +");
    editor.input("<CR>");
    editor.wait_lua(&format!("vim.fs.basename(vim.fn.bufname()) == 'a.txt' and vim.fn.line('.') == {added}"));
    // Asked again it takes its own place.
    editor.command("AgorChanges");
    editor.wait_lua("vim.fn.getqflist({ nr = '$' }).nr == 1 and vim.bo.buftype == 'quickfix'");
}

#[test]
fn a_file_stands_beside_what_it_was_and_a_change_is_taken_back() {
    let editor = after_an_edit();
    editor.command("AgorDiff");
    editor.wait_lua("#vim.api.nvim_list_tabpages() == 2 and vim.wo.diff");
    let sides = editor.lua_string(
        "local out = {}
         for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
           local buf = vim.api.nvim_win_get_buf(win)
           local text = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), ',')
           table.insert(out, ('%s %s %s'):format(vim.wo[win].diff, vim.bo[buf].modifiable, text))
         end
         return table.concat(out, '\\n')",
        &[],
    );
    let (old, new) = sides.split_once('\n').expect("two windows");
    assert_eq!(old, "true false one,two");
    assert!(new.starts_with("true true ") && new.contains("demo agent"), "{new}");
    editor.wait_text("a.txt, before");
    // The cursor is at the change.
    editor.input("do:w<CR>");
    editor.wait_lua("not vim.bo.modified");
    assert_eq!(editor.home().read("a.txt"), "one\ntwo\n");
    editor.input("q");
    editor.wait_lua("#vim.api.nvim_list_tabpages() == 1");
    let left = editor.lua_string(
        "local buf = vim.fn.bufnr('/a.txt$')
         local maps = #vim.api.nvim_buf_get_keymap(buf, 'n')
         local names = vim.tbl_filter(function(name) return name:find('agor%-before') or name:find('agor%-text') end, vim.tbl_map(vim.fn.bufname, vim.api.nvim_list_bufs()))
         return ('%d %d'):format(maps, #names)",
        &[],
    );
    assert_eq!(left, "0 0", "no key and no buffer of ours is left");
    editor.command("AgorChanges");
    editor.wait_text("the session has changed no files");
    editor.command("AgorDiff other.txt");
    editor.wait_text("the session has not changed");
}
