//! What a user does elsewhere, or in the middle of, while agents write: it comes out as if they were not there.

use crate::support::{demo_editor, demo_editor_with, over, send, settled, start};

const WIDE: (u16, u16) = (140, 36);

#[test]
fn a_start_without_a_prompt_is_in_the_prompt_and_one_with_stays() {
    let editor = demo_editor(WIDE);
    editor.input(":AgorStart demo<CR>");
    editor.wait_screen("insert mode", |_| true);
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
    editor.input("echo typed<C-s>");
    editor.wait_text("\"echo typed\"");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
    editor.input("<Esc><C-w>t:AgorSend echo sent<CR>");
    editor.wait_text("\"echo sent\"");
    assert_eq!(editor.lua_string("return vim.fn.bufname() .. vim.api.nvim_get_mode().mode", &[]), "a.txtn");
    editor.input(":AgorClose<CR>:AgorOpen<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
}

/// What a user does in another window while an agent streams into a pane comes out as if it were alone.
#[track_caller]
fn undisturbed(keys: &str, more: &str, expect: &str) {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 3000 0 30 markdown");
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        editor.input(key);
    }
    over(&editor, &id);
    for key in more.split(' ').filter(|key| !key.is_empty()) {
        editor.input(key);
    }
    editor.wait_lua("vim.api.nvim_get_mode().mode == 'n'");
    let lines = editor.lua_string(
        "return vim.fn.bufname() .. ':' .. table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '|')",
        &[],
    );
    assert_eq!(lines, format!("a.txt:{expect}"));
    settled(&editor, &id);
}

#[test]
fn typing_elsewhere_is_undisturbed() {
    undisturbed("A a b c <CR> d", "e <Esc>", "first lineabc|de|second line");
}

#[test]
fn a_selection_elsewhere_is_undisturbed() {
    undisturbed("w v e", "d", "first |second line");
}

#[test]
fn an_operator_that_waits_elsewhere_is_undisturbed() {
    undisturbed("2 d", "w", "|second line");
}

#[test]
fn a_macro_that_is_recorded_and_run_elsewhere_is_undisturbed() {
    undisturbed("q a A x <Esc> j q", "@ a", "first linex|second linex");
}

#[test]
fn a_command_line_that_is_open_elsewhere_is_undisturbed() {
    undisturbed(": s / first / 1", "s t <CR>", "1st line|second line");
}

#[test]
fn a_command_line_window_that_is_open_is_undisturbed() {
    undisturbed("q : i s / l i n e / x / <Esc>", "<CR>", "first x|second line");
}

#[test]
fn a_terminal_that_is_typed_into_is_undisturbed() {
    let editor = demo_editor(WIDE);
    editor.command("terminal cat");
    editor.input("i");
    editor.wait_lua("vim.api.nvim_get_mode().mode == 't'");
    let id = start(&editor, "stream 2000 0 30");
    editor.input("typed into it");
    editor.wait_text("typed into it");
    over(&editor, &id);
    assert_eq!(editor.lua_string("return vim.api.nvim_get_mode().mode", &[]), "t");
    editor.input("<C-\\><C-n>");
    settled(&editor, &id);
}

#[test]
fn nothing_is_lost_while_an_expression_mapping_waits_for_a_key() {
    let editor = demo_editor_with(
        WIDE,
        "vim.keymap.set('n', 'X', function() vim.g.got = vim.fn.getcharstr() return '' end, { expr = true })",
    );
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    editor.input("X");
    send(&editor, &id, "stream 500 0 40 markdown");
    over(&editor, &id);
    // The painter has tried while the text was locked.
    editor.wait_lua("(require('agor').stats().busy or 0) > 0");
    editor.input("k");
    editor.wait_lua("vim.g.got == 'k'");
    settled(&editor, &id);
}

#[test]
fn nothing_is_lost_while_the_user_sits_at_a_hit_enter_prompt() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    send(&editor, &id, "stream 5000 0 40 markdown");
    editor.input(":echo \"one\\ntwo\\nthree\"<CR>");
    editor.wait_text("Press ENTER");
    // The agent's turn ends while nothing can be painted: its figures are the second of the session.
    let journal = editor.home().data().join(format!("agor/sessions/{id}.ndjson"));
    let costs = || std::fs::read_to_string(&journal).expect("the journal").matches("\"cost\"").count();
    while costs() < 2 {
        let mode = editor.call("nvim_get_mode", Vec::new());
        assert!(mode.to_string().contains("true"), "still at the prompt: {mode}");
    }
    editor.input("<CR>");
    editor.wait_no_text("Press ENTER");
    let text = settled(&editor, &id);
    assert!(text.contains("❯ stream 5000 0 40 markdown"));
}
