//! Which windows show the end of a transcript as it grows, and what becomes of those that do not.

use crate::support::{Editor, demo_editor, go_to, over, send, settled, start};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

fn last_row_followed(editor: &Editor) -> bool {
    editor.lua("return vim.fn.line('.') == vim.fn.line('$')", &[]) == Value::Boolean(true)
}

#[test]
fn the_end_is_followed_only_from_the_last_line() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    assert!(last_row_followed(&editor));
    editor.input("5G");
    editor.wait_lua("vim.fn.line('.') == 5");
    send(&editor, &id, "echo to follow");
    settled(&editor, &id);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(5));
    editor.input("G");
    editor.wait_lua("vim.fn.line('.') > 5");
    send(&editor, &id, "stream 300 0 40");
    settled(&editor, &id);
    assert!(last_row_followed(&editor));
    editor.wait_lua("vim.fn.line('w$') == vim.fn.line('$')");
}

#[test]
fn two_windows_on_one_transcript_follow_each_for_itself() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    editor.command(&format!("topleft split agor://{id}"));
    editor.input("3G");
    editor.wait_lua("vim.fn.line('.') == 3");
    send(&editor, &id, "stream 300 0 40");
    settled(&editor, &id);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(3));
    go_to(&editor, "transcript");
    assert!(last_row_followed(&editor));
}

#[test]
fn after_a_resize_the_end_is_still_shown_and_followed() {
    let editor = demo_editor((140, 40));
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    editor.resize(100, 24);
    editor.wait_text("── ");
    editor.resize(160, 50);
    editor.wait_text("── ");
    send(&editor, &id, "echo after it");
    editor.wait_text("\"echo after it\"");
    go_to(&editor, "transcript");
    settled(&editor, &id);
    assert!(last_row_followed(&editor));
}

// ---------------------------------------------------------------- what is new, and other windows

#[test]
fn a_reader_who_has_scrolled_up_sees_in_the_bar_how_much_is_new() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40 markdown");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    editor.input("20Gzt");
    editor.wait_lua("vim.fn.line('w0') == 20");
    let before = editor.rows()[2..8].to_vec();
    let lines = editor.lua("return vim.fn.line('$')", &[]).as_u64().expect("a number");
    send(&editor, &id, "echo to be seen");
    settled(&editor, &id);
    let more = editor.lua("return vim.fn.line('$')", &[]).as_u64().expect("a number") - lines;
    editor.wait_text(&format!("↓ {more} new"));
    assert!(more > 2, "a prompt, an answer and its figures");
    assert_eq!(editor.rows()[2..8], before, "what is read stays");
    editor.input("G");
    editor.wait_text("\"echo to be seen\"");
    editor.wait_no_text(" new");
}

#[test]
fn from_twenty_columns_to_four_hundred_the_end_is_on_the_screen() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 400 0 60 markdown");
    settled(&editor, &id);
    let window = "vim.fn.bufwinid(vim.fn.bufnr('^agor://' .. ID .. '$'))".replace("ID", &format!("'{id}'"));
    let at_end = format!(
        "vim.fn.line('.', {window}) == vim.fn.line('$', {window}) and vim.fn.line('w$', {window}) == vim.fn.line('$', {window})"
    );
    for columns in [20, 70, 25] {
        editor.lua(&format!("vim.api.nvim_win_set_width({window}, ...)"), &[columns.into()]);
        editor.wait_lua(&at_end);
        editor.wait_text("── ");
        assert!(editor.rows()[0].contains("idle"), "{:?}", editor.rows()[0]);
        send(&editor, &id, &format!("echo at {columns}"));
        over(&editor, &id);
        editor.wait_text(&format!("at {columns}"));
        editor.wait_lua(&at_end);
    }
    for (columns, lines) in [(400, 50), (130, 12), (200, 40)] {
        editor.resize(columns, lines);
        editor.wait_lua(&at_end);
        editor.wait_text("── ");
    }
}

#[test]
fn without_wrap_the_beginning_of_the_last_line_is_shown() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    editor.command("setlocal nowrap");
    send(&editor, &id, &format!("echo {}", "wide ".repeat(60)));
    settled(&editor, &id);
    editor.wait_lua("vim.fn.winsaveview().leftcol == 0 and vim.fn.line('.') == vim.fn.line('$')");
    editor.wait_text("❯ echo wide wide");
    // Who has gone to the right in the last line is left there.
    send(&editor, &id, "hang");
    editor.wait_text("❯ hang");
    editor.input("k$");
    editor.wait_lua("vim.fn.line('.') < vim.fn.line('$')");
    let view = editor.lua_string("return vim.inspect(vim.fn.winsaveview())", &[]);
    editor.command("Agor interrupt");
    over(&editor, &id);
    editor.wait_text(" new");
    assert_eq!(editor.lua_string("return vim.inspect(vim.fn.winsaveview())", &[]), view);
}

#[test]
fn after_a_time_in_another_tabpage_the_end_is_there_if_it_was_followed() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40 markdown");
    settled(&editor, &id);
    editor.command("tabnew");
    send(&editor, &id, "stream 900 0 40 markdown");
    over(&editor, &id);
    editor.resize(120, 30);
    editor.command("tabprevious");
    editor.wait_text("── ");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    assert!(last_row_followed(&editor));
    editor.wait_lua("vim.fn.line('w$') == vim.fn.line('$')");
    // Who reads further up finds the place again, and is told.
    editor.input("20Gzt");
    editor.wait_lua("vim.fn.line('w0') == 20");
    let line = editor.lua_string("return vim.api.nvim_get_current_line()", &[]);
    editor.command("tabnext");
    send(&editor, &id, "echo meanwhile");
    over(&editor, &id);
    editor.command("tabprevious");
    editor.wait_text(" new");
    assert_eq!(editor.lua_string("return vim.api.nvim_get_current_line()", &[]), line);
    assert_eq!(editor.lua("return vim.fn.line('w0')", &[]), Value::from(20));
}

#[test]
fn another_colour_scheme_and_another_background_move_nothing() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40 markdown");
    settled(&editor, &id);
    send(&editor, &id, "echo and on");
    settled(&editor, &id);
    editor.wait_text("❯ echo and on");
    let text = editor.rows();
    for command in ["colorscheme habamax", "set background=light", "colorscheme default", "set background=dark"] {
        editor.command(command);
        editor.command("redraw");
        let (row, column) = editor.find("❯ echo").unwrap_or_else(|| editor.fail("no prompt"));
        let looks = editor.lua("return vim.api.nvim_get_hl(0, { name = 'AgorUserMark', link = false }).fg", &[]);
        assert_eq!(editor.highlight_at(row, column).fg, looks.as_u64(), "{command}");
        assert_eq!(editor.rows(), text, "{command}");
    }
}
