//! A transcript as a reader has it: motions, what unfolds, text that was hidden, files to go to.

use crate::support::{Editor, demo_editor, go_to, layout, over, send, settled, start, transcript};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

fn cursor_line(editor: &Editor) -> String {
    editor.lua_string("return vim.api.nvim_get_current_line()", &[])
}

/// Types, and waits for the line that this leads to.
#[track_caller]
fn leads_to(editor: &Editor, keys: &str, line: &str) {
    editor.input(keys);
    editor.wait_lua(&format!("vim.api.nvim_get_current_line():find('{line}', 1, true) == 1"));
}

#[test]
fn motions_go_from_turn_to_turn_and_from_tool_to_tool() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "tool");
    over(&editor, &id);
    for prompt in ["stream 200 0 30", "tool Grep", "echo last"] {
        send(&editor, &id, prompt);
        over(&editor, &id);
    }
    settled(&editor, &id);
    go_to(&editor, "transcript");
    leads_to(&editor, "gg]]", "❯ tool");
    leads_to(&editor, "]]", "❯ stream 200 0 30");
    leads_to(&editor, "]t", "✓ Grep");
    leads_to(&editor, "[t", "✓ Bash");
    leads_to(&editor, "G[[", "❯ echo last");
    leads_to(&editor, "2[[", "❯ stream 200 0 30");
}

#[test]
fn tools_and_thinking_unfold_and_fold_under_the_cursor() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "think 30 0 40");
    over(&editor, &id);
    send(&editor, &id, "tool");
    settled(&editor, &id);
    let folded = transcript(&editor, &id);
    go_to(&editor, "transcript");
    let lines = |count: usize| {
        editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) {} {count}", ">"));
    };
    let same = || {
        editor.wait_lua(&format!(
            "vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) == {}",
            folded.lines().count()
        ));
        assert_eq!(transcript(&editor, &id), folded);
    };
    leads_to(&editor, "gg/[Tt]hought<CR>", "✻ Thought");
    let at = editor.lua("return vim.fn.line('.')", &[]);
    for (open, close) in [("<CR>", "<CR>"), ("za", "za"), ("zo", "zc"), ("zR", "zM")] {
        editor.input(open);
        lines(folded.lines().count());
        assert_eq!(editor.lua("return vim.fn.line('.')", &[]), at, "{open} leaves the cursor");
        editor.input(close);
        same();
        assert_eq!(editor.lua("return vim.fn.line('.')", &[]), at, "{close} leaves the cursor");
    }
    leads_to(&editor, "gg]t", "✓ Bash");
    editor.input("zo");
    lines(folded.lines().count());
    editor.input("zo");
    editor.input("zc");
    same();
}

#[test]
fn unfolding_everything_leaves_the_reader_where_he_is() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "think 30 0 40");
    over(&editor, &id);
    for _ in 0..3 {
        send(&editor, &id, "stream 600 0 40 markdown");
        over(&editor, &id);
        send(&editor, &id, "tool");
        over(&editor, &id);
    }
    settled(&editor, &id);
    go_to(&editor, "transcript");
    let line = "❯ stream 600 0 40 markdown";
    leads_to(&editor, "gg]]]]", line);
    let before = transcript(&editor, &id).lines().count();
    editor.input("zR");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) > {before}"));
    settled(&editor, &id);
    assert_eq!(cursor_line(&editor), line);
    editor.input("zM");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) == {before}"));
    assert_eq!(cursor_line(&editor), line);
}

#[test]
fn a_transcript_that_was_hidden_is_whole_again_and_the_cursor_is_where_it_was() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 2000 0 40 markdown");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    editor.input("40Gzt");
    editor.wait_lua("vim.fn.line('.') == 40 and vim.fn.line('w0') == 40");
    let line = cursor_line(&editor);
    editor.command("AgorClose");
    send(&editor, &id, "stream 500 0 40 markdown");
    over(&editor, &id);
    editor.command("AgorToggle");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    assert_eq!(cursor_line(&editor), line);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(40));
}

#[test]
fn the_beginning_of_a_very_long_transcript_comes_when_the_reader_goes_there() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo the very first");
    settled(&editor, &id);
    send(&editor, &id, "stream 12000 0 40 markdown");
    over(&editor, &id);
    // Hidden and shown again it is painted from its end, and only so far back.
    editor.command("AgorClose");
    editor.command(&format!("bwipeout agor://{id}"));
    editor.command("AgorToggle");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) >= 20000"));
    go_to(&editor, "transcript");
    editor.wait_lua("vim.fn.getline(1):find('earlier entries', 1, true)");
    // As far as it goes by itself.
    editor.wait_lua("require('agor').stats().patches == _G.patches or (function() _G.patches = require('agor').stats().patches end)()");
    let painted = editor.lua("return vim.api.nvim_buf_line_count(0)", &[]).as_u64().expect("a number");
    editor.input("gg");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) > {painted}"));
    editor.wait_lua("vim.fn.search('the very first', 'nw') > 0");
}

#[test]
fn gf_and_gd_open_the_file_beside_the_pane() {
    let editor = demo_editor(WIDE);
    editor.home().write("src/deep.rs", "one\ntwo\nthree\n");
    let id = start(&editor, "echo see src/deep.rs:2 there");
    settled(&editor, &id);
    for key in ["gf", "gd"] {
        go_to(&editor, "transcript");
        editor.input("gg/src.deep<CR>");
        editor.input(key);
        editor.wait_lua("vim.fn.expand('%:t') == 'deep.rs' and vim.fn.line('.') == 2");
        assert_eq!(layout(&editor).len(), 3, "in the file window that was there");
        editor.command("edit a.txt");
    }
    // Without a file window: a new one beside the pane, which keeps its place.
    go_to(&editor, "transcript");
    editor.command("bwipeout a.txt | bwipeout deep.rs");
    assert_eq!(layout(&editor).len(), 2);
    go_to(&editor, "transcript");
    editor.input("gg/src.deep<CR>gf");
    editor.wait_lua("vim.fn.expand('%:t') == 'deep.rs'");
    assert_eq!(layout(&editor).len(), 3);
}

#[test]
fn help_lists_the_keys_of_the_buffer() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    for (role, expect) in [("transcript", "next turn"), ("prompt", "send the prompt")] {
        go_to(&editor, role);
        editor.input("g?");
        editor.wait_text(expect);
        editor.input("q");
        editor.wait_no_text(expect);
    }
}
