//! Files that an agent changes while they are open, and files that are changed here while an agent reads them: a real
//! agent process writes, a real Neovim shows.

use std::{fs, sync::Arc};

use crate::support::{Editor, Home, Options};
use rmpv::Value;

/// `edit` of the demo agent adds this line.
const ADDED: &str = "A line by agor's demo agent.";

fn start(init: &str, files: &[(&str, &str)], open: &str) -> Editor {
    let home = Arc::new(Home::new());
    for (name, text) in files {
        home.write(name, text);
    }
    let init = format!(
        "vim.o.swapfile = false
         vim.o.shortmess = vim.o.shortmess .. 'I'
         require('agor').setup({{ provider = 'demo', notify = {{ level = 'info' }} }})
         -- Whatever is asked is allowed.
         vim.api.nvim_create_autocmd('User', {{ pattern = 'AgorPermission', callback = function(event)
           local data = event.data
           for _, option in ipairs(data.options) do
             if option.kind == 'allow_once' then
               return assert(require('agor').answer(data.session_id, data.request_id, option.option_id))
             end
           end
         end }})
         {init}"
    );
    Editor::start(Options {
        size: (140, 36),
        home,
        init,
        args: vec![open.into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    })
}

/// An agent adds a line to the file; returns when its turn is over.
#[track_caller]
fn agent_edits(editor: &Editor, name: &str) {
    let prompt = format!("edit {name}");
    turn(editor, &prompt);
    let text = editor.home().read(name);
    assert!(text.contains(ADDED), "the agent has written: {text}");
}

#[track_caller]
fn turn(editor: &Editor, prompt: &str) {
    editor.lua(
        "_G.turns = _G.turns or 0
         if not _G.counting then
           _G.counting = vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function()
             _G.turns = _G.turns + 1
           end })
         end
         _G.before = _G.turns
         local agor = require('agor')
         if #agor.sessions() == 0 then
           assert(agor.start({ prompt = ..., open = false }))
         else
           assert(agor.send(...))
         end",
        &[prompt.into()],
    );
    editor.wait_lua("_G.turns > _G.before");
}

fn lines(editor: &Editor, name: &str) -> String {
    editor.lua_string(
        "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('/' .. ... .. '$'), 0, -1, false), '\\n')",
        &[name.into()],
    )
}

fn messages(editor: &Editor) -> String {
    editor.lua_string("return vim.fn.execute('messages')", &[])
}

/// A long file, and the buffer once the agent has written to it.
#[track_caller]
fn shows_at_once(editor: &Editor, name: &str) {
    agent_edits(editor, name);
    let disk = editor.home().read(name);
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('/{name}$'), 0, -1, false), '\\n') .. '\\n' == [==[{}{disk}]==]",
        if disk.starts_with('\n') { "\n" } else { "" }
    ));
}

fn numbered() -> String {
    (1..=200).map(|n| format!("line {n}\n")).collect()
}

#[test]
fn cursor_view_and_marks_stay_and_one_undo_takes_it_back() {
    let editor = start("", &[("a.txt", &numbered())], "a.txt");
    editor.command("normal! 100Gzt3l");
    editor.command("normal! 120Gma3l");
    editor.command("normal! 150GmZ120G5l");
    editor.command("vsplit");
    editor.command("normal! 50Gzt");
    editor.command("wincmd p");
    let state = "local out = {}
        for _, win in ipairs(vim.api.nvim_list_wins()) do
          out[#out + 1] = vim.api.nvim_win_call(win, vim.fn.winsaveview)
        end
        return vim.inspect({ out, vim.fn.getpos(\"'a\"), vim.fn.getpos(\"'Z\"), vim.fn.getpos('.') })";
    let before = editor.lua_string(state, &[]);
    let ticks = editor.lua("return vim.fn.undotree().seq_cur", &[]).as_u64().unwrap_or(0);
    shows_at_once(&editor, "a.txt");
    assert_eq!(editor.lua_string(state, &[]), before);
    assert_eq!(editor.lua("return vim.bo.modified", &[]), Value::Boolean(false));
    assert_eq!(editor.lua("return vim.fn.undotree().seq_cur", &[]).as_u64(), Some(ticks + 1));
    editor.command("silent undo");
    assert_eq!(lines(&editor, "a.txt") + "\n", numbered());
    editor.command("silent redo");
    assert!(lines(&editor, "a.txt").contains(ADDED));
    assert!(!messages(&editor).contains("W1"), "{}", messages(&editor));
}

#[test]
fn folds_stay_closed_or_open() {
    let editor = start("", &[("a.txt", &numbered())], "a.txt");
    editor.command("set foldmethod=manual");
    editor.command("10,20fold | 30,40fold | 30foldopen");
    editor.command("normal! 5G");
    shows_at_once(&editor, "a.txt");
    let folds = editor.lua_string(
        "return table.concat({ vim.fn.foldclosed(10), vim.fn.foldclosedend(10), vim.fn.foldclosed(30), vim.fn.foldlevel(35) }, ' ')",
        &[],
    );
    assert_eq!(folds, "10 20 -1 1");
}

#[test]
fn without_autoread_too_and_it_stays_off() {
    let editor = start("vim.o.autoread = false", &[("a.txt", "one\n")], "a.txt");
    shows_at_once(&editor, "a.txt");
    assert_eq!(editor.lua("return vim.o.autoread", &[]), Value::Boolean(false));
    assert_eq!(editor.lua_string("return vim.api.nvim_get_mode().mode", &[]), "n");
    assert!(!messages(&editor).contains("W1"), "{}", messages(&editor));
}

#[test]
fn in_a_buffer_that_no_window_shows() {
    let editor = start("vim.o.hidden = true", &[("a.txt", "one\n"), ("b.txt", "two\n")], "a.txt");
    editor.command("edit b.txt");
    shows_at_once(&editor, "a.txt");
    editor.command("buffer a.txt");
    editor.wait_text(ADDED);
    assert_eq!(editor.lua("return vim.bo.modified", &[]), Value::Boolean(false));
}

#[test]
fn while_the_user_types_elsewhere() {
    let editor = start("", &[("a.txt", "one\n"), ("b.txt", "two\n")], "a.txt");
    editor.command("split b.txt");
    editor.input("Atyping");
    editor.wait_lua("vim.fn.mode() == 'i'");
    shows_at_once(&editor, "a.txt");
    assert_eq!(editor.mode(), "insert");
    assert_eq!(editor.lua_string("return vim.fn.bufname()", &[]), "b.txt");
    editor.input(" on<Esc>");
    editor.wait_text("twotyping on");
}

#[test]
fn while_text_is_locked_it_waits_for_the_lock_to_end() {
    let editor = start("", &[("a.txt", "one\n")], "a.txt");
    turn(&editor, "echo hello");
    editor.home().write("a.txt", "one\nby a shell\n");
    editor.lua(
        "vim.keymap.set('n', 'gx', function()
           require('agor.files').changed(vim.fn.getcwd())
           _G.locked = vim.api.nvim_buf_line_count(0)
           return 'l'
         end, { expr = true })",
        &[],
    );
    editor.input("gx");
    editor.wait_text("by a shell");
    assert_eq!(editor.lua("return _G.locked", &[]), Value::from(1));
    assert!(!messages(&editor).contains("E565"), "{}", messages(&editor));
}

#[test]
fn a_changed_buffer_is_left_alone_and_told_once() {
    let editor = start("", &[("a.txt", "one\n")], "a.txt");
    editor.input("Omine<Esc>");
    editor.wait_lua("vim.bo.modified");
    agent_edits(&editor, "a.txt");
    editor.wait_lua("vim.fn.execute('messages'):gsub('\\n', ' '):find('a.txt was changed on disk and has unsaved changes', 1, true)");
    turn(&editor, "echo another turn");
    turn(&editor, "tool");
    assert_eq!(lines(&editor, "a.txt"), "mine\none");
    let said = messages(&editor).replace('\n', " ");
    assert_eq!(said.matches("unsaved changes here").count(), 1, "{said}");
    // It says what to do, and that works.
    editor.command("silent edit!");
    editor.wait_text(ADDED);
}

#[test]
fn a_deleted_file_keeps_its_text_and_is_told_once() {
    let editor = start("", &[("a.txt", "one\n")], "a.txt");
    fs::remove_file(editor.home().project().join("a.txt")).expect("the file is there");
    turn(&editor, "tool");
    editor.wait_lua("vim.fn.execute('messages'):gsub('\\n', ' '):find('a.txt was deleted on disk', 1, true)");
    turn(&editor, "tool");
    assert_eq!(lines(&editor, "a.txt"), "one");
    let said = messages(&editor).replace('\n', " ");
    assert_eq!(said.matches("was deleted on disk").count(), 1, "{said}");
    assert!(!said.contains("E211"), "{said}");
    editor.command("silent write");
    assert_eq!(editor.home().read("a.txt"), "one\n");
}

#[test]
fn what_a_shell_command_changed_is_found_without_a_path() {
    let editor = start("", &[("a.txt", "one\n"), ("sub/b.txt", "two\n")], "a.txt");
    editor.command("split sub/b.txt");
    editor.home().write("a.txt", "one\nby a shell\n");
    editor.home().write("sub/b.txt", "two\nby a shell\n");
    turn(&editor, "tool Bash");
    editor.wait_screen("both changes", |rows| rows.iter().filter(|row| row.contains("by a shell")).count() == 2);
}

#[test]
fn a_file_that_came_into_being_after_its_buffer() {
    let editor = start("", &[], "new.txt");
    assert_eq!(lines(&editor, "new.txt"), "");
    shows_at_once(&editor, "new.txt");
    editor.input("Omine<Esc>:write<CR>");
    editor.wait_lua("not vim.bo.modified");
    assert!(editor.home().read("new.txt").contains("mine"), "and it is written without a warning");
    assert!(!messages(&editor).contains("W1"), "{}", messages(&editor));
}

#[test]
fn a_file_with_another_name_in_its_path() {
    let editor = start("", &[("a b/ä'\"#%.txt", "one\n")], "x");
    editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", &["a b/ä'\"#%.txt".into()]);
    let home = editor.home().clone();
    home.write("a b/ä'\"#%.txt", "one\nby a shell\n");
    turn(&editor, "tool");
    editor.wait_text("by a shell");
}

#[test]
fn through_a_symbolic_link() {
    let editor = start("", &[("real/a.txt", "one\n")], "x");
    std::os::unix::fs::symlink("real", editor.home().project().join("link")).expect("a link");
    editor.command("edit link/a.txt");
    agent_edits(&editor, "real/a.txt");
    editor.wait_text(ADDED);
}

// ---------------------------------------------------------------------- config.unsaved

#[test]
fn unsaved_files_of_the_directory_are_counted_under_the_prompt() {
    let editor = start("", &[("a.txt", "one\n"), ("b.txt", "two\n")], "a.txt");
    editor.command("split b.txt");
    turn(&editor, "echo hello");
    editor.command("AgorOpen");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    editor.input("<Esc>");
    editor.lua("vim.fn.setbufline('a.txt', 1, 'changed')", &[]);
    editor.input("ihi");
    editor.wait_text("1 unsaved file here");
    editor.lua("vim.fn.setbufline('b.txt', 1, 'changed')", &[]);
    editor.input("!");
    editor.wait_text("2 unsaved files here");
    editor.lua("vim.cmd('silent wall')", &[]);
    editor.input("?");
    editor.wait_no_text("unsaved file");
    assert_eq!(editor.home().read("a.txt"), "changed\n");
}

#[test]
fn unsaved_files_are_written_before_a_prompt_if_that_is_wanted() {
    let editor =
        start("require('agor').setup({ provider = 'demo', unsaved = 'write' })", &[("a.txt", "one\n")], "a.txt");
    let outside = editor.home().path().join("outside.txt");
    fs::write(&outside, "out\n").expect("the home takes files");
    editor.command(&format!("split {}", outside.display()));
    editor.input("Achanged<Esc><C-w>jAchanged<Esc>");
    editor.wait_text("onechanged");
    turn(&editor, "echo hello");
    assert_eq!(editor.home().read("a.txt"), "onechanged\n");
    assert_eq!(fs::read_to_string(&outside).expect("the file"), "out\n", "another directory's files are not ours");
    editor.input("Amore<Esc>");
    editor.wait_text("onechangedmore");
    turn(&editor, "echo hello");
    assert_eq!(editor.home().read("a.txt"), "onechangedmore\n");
}

#[test]
fn a_file_that_cannot_be_written_holds_the_prompt_back() {
    let editor =
        start("require('agor').setup({ provider = 'demo', unsaved = 'write' })", &[("a.txt", "one\n")], "a.txt");
    editor.input("Achanged<Esc>");
    editor.wait_lua("vim.bo.modified");
    editor.lua("vim.bo.readonly = true", &[]);
    editor.input(":AgorStart echo hello<CR>");
    editor.wait_lua(
        "vim.fn.execute('messages'):gsub('\\n', ' '):find('a.txt could not be written before the prompt', 1, true)",
    );
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0));
}

#[test]
fn unsaved_files_are_not_spoken_of_if_that_is_wanted() {
    let editor =
        start("require('agor').setup({ provider = 'demo', unsaved = 'ignore' })", &[("a.txt", "one\n")], "a.txt");
    editor.input("Achanged<Esc>:AgorStart<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    editor.input("echo hello<C-s>");
    editor.wait_text("\"echo hello\"");
    assert_eq!(editor.find("unsaved"), None);
    assert_eq!(editor.home().read("a.txt"), "one\n");
}
