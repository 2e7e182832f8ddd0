//! Which windows show the end of a transcript as it grows, and what becomes of those that do not.

use crate::support::{Editor, demo_editor, go_to, send, settled, start};
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
