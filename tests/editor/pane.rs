//! The pane: where it opens, what it gives back, whose session it shows. A real Neovim, the real backend, the demo agent.

use crate::support::{
    demo_editor, demo_editor_at, demo_editor_with, go_to, layout, over, painted, send, settled, start, start_hidden,
    transcript, wait_status,
};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

#[test]
fn opening_and_closing_gives_every_window_its_size_back() {
    for equalalways in ["equalalways", "noequalalways"] {
        let editor = demo_editor(WIDE);
        editor.command(&format!("set {equalalways}"));
        editor.command("vsplit b.txt | vertical resize 40 | split c.txt | resize 8");
        let before = layout(&editor);
        start(&editor, "echo hello");
        editor.wait_text("\"echo hello\"");
        assert_eq!(layout(&editor).len(), before.len() + 2);
        for command in ["AgorClose", "AgorToggle", "AgorToggle", "AgorToggle", "AgorClose"] {
            editor.command(command);
        }
        assert_eq!(layout(&editor), before, "with {equalalways}");
    }
}

#[test]
fn closing_the_pane_by_hand_gives_the_sizes_back_too() {
    for close in ["q", "close", "quit", "bdelete"] {
        let editor = demo_editor(WIDE);
        editor.command("vsplit b.txt | vertical resize 40");
        let before = layout(&editor);
        let id = start(&editor, "echo hello");
        settled(&editor, &id);
        go_to(&editor, "transcript");
        if close == "q" {
            editor.input("q");
        } else {
            editor.command(close);
        }
        editor.wait_lua("#vim.api.nvim_tabpage_list_wins(0) == 2");
        editor.wait_lua(&format!(
            "vim.fn.winwidth(1) == {}",
            before[0].rsplit(' ').next().unwrap_or("").split('x').next().unwrap_or("")
        ));
        assert_eq!(layout(&editor), before, ":{close}");
        over(&editor, &id);
    }
}

#[test]
fn only_wiping_and_editing_never_end_a_session() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo to be kept");
    let text = settled(&editor, &id);
    editor.command("only");
    assert_eq!(layout(&editor).len(), 1);
    editor.command("AgorOpen");
    editor.input("<Esc>");
    painted(&editor, &id, &text);
    go_to(&editor, "transcript");
    editor.command("edit");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) == {}", text.lines().count()));
    assert_eq!(transcript(&editor, &id), text);
    editor.command("bwipeout");
    editor.wait_lua("#vim.api.nvim_list_wins() == 1");
    editor.command("AgorOpen");
    editor.input("<Esc>");
    painted(&editor, &id, &text);
    assert_eq!(transcript(&editor, &id), text);
    send(&editor, &id, "echo still here");
    editor.wait_text("\"echo still here\"");
}

#[test]
fn with_only_the_pane_left_q_shows_an_empty_buffer() {
    for size in [WIDE, (80, 24)] {
        let editor = demo_editor(size);
        let id = start(&editor, "echo hello");
        settled(&editor, &id);
        editor.command("bwipeout a.txt");
        go_to(&editor, "transcript");
        editor.input("q");
        editor.wait_lua("#vim.api.nvim_list_wins() == 1 and vim.api.nvim_buf_get_name(0) == ''");
        assert_eq!(
            editor.lua("return vim.bo.buftype .. tostring(vim.wo.winfixbuf) .. tostring(vim.wo.winfixheight)", &[]),
            Value::from("falsefalse")
        );
        editor.command("edit a.txt");
        editor.wait_text("first line");
    }
}

#[test]
fn a_file_opened_from_the_pane_does_not_get_into_it() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    for role in ["transcript", "prompt"] {
        go_to(&editor, role);
        let refused = editor.try_call("nvim_command", vec!["edit b.txt".into()]);
        assert!(refused.is_err_and(|error| error.to_string().contains("E1513")), "{role}");
    }
}

#[test]
fn an_editor_session_brings_its_pane_back_with_the_transcript_and_starts_nothing() {
    let (home, id, text, before);
    {
        let mut editor = demo_editor(WIDE);
        home = editor.home().clone();
        id = start(&editor, "stream 300 0 30 markdown");
        text = settled(&editor, &id);
        editor.command("vsplit b.txt");
        before = layout(&editor);
        editor.command("mksession! Session.vim");
        editor.quit("qa!");
    }
    let editor = demo_editor_at(home, WIDE, "");
    editor.command("source Session.vim");
    let below_head = |text: &str| text.split_once('\n').expect("there is more than the head").1.to_owned();
    painted(&editor, &id, &below_head(&text));
    assert_eq!(below_head(&transcript(&editor, &id)), below_head(&text));
    assert_eq!(layout(&editor), before);
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0), "nothing was started");
    // It is a pane again: it closes as one.
    editor.command("AgorClose");
    assert_eq!(layout(&editor).len(), 2);
}

#[test]
fn a_second_tabpage_has_a_pane_of_its_own_and_both_are_whole() {
    let editor = demo_editor(WIDE);
    let one = start(&editor, "stream 400 0 30");
    editor.command("tabnew");
    let two = start(&editor, "echo the second");
    settled(&editor, &two);
    editor.command("tabprevious");
    let first = settled(&editor, &one);
    assert!(first.contains("❯ stream 400 0 30"));
    // What came while the tabpage was away is there as well.
    editor.command("tabnext");
    send(&editor, &one, "echo meanwhile");
    over(&editor, &one);
    editor.command("tabprevious");
    editor.wait_text("\"echo meanwhile\"");
}

#[test]
fn a_second_session_takes_the_place_of_the_first_which_goes_on_unseen() {
    let editor = demo_editor(WIDE);
    let one = start(&editor, "hang");
    wait_status(&editor, &one, "running");
    let two = start(&editor, "echo the second");
    settled(&editor, &two);
    assert_eq!(layout(&editor).len(), 3);
    editor.command(&format!("botright vsplit agor://{one}"));
    editor.wait_text("❯ hang");
    wait_status(&editor, &one, "running");
    assert_eq!(layout(&editor).len(), 4);
    editor.command("close");
    editor.command("AgorPrev");
    editor.wait_text("❯ hang");
    editor.wait_no_text("the second");
}

#[test]
fn a_narrow_editor_has_its_pane_at_the_bottom() {
    let editor = demo_editor((80, 24));
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    let rows = editor.rows();
    assert!(rows[0].starts_with("first line"), "{rows:#?}");
    assert!(layout(&editor).iter().all(|window| window.contains(" 80x")), "{:?}", layout(&editor));
    editor.wait_text("Ask demo");
}

#[test]
fn every_position_shows_the_transcript_and_the_prompt() {
    for position in ["left", "top", "bottom", "float", "tab"] {
        let editor = demo_editor_with(
            WIDE,
            &format!("require('agor').setup({{ provider = 'demo', window = {{ position = '{position}' }} }})"),
        );
        let before = layout(&editor);
        let id = start(&editor, "echo hello");
        if position == "tab" {
            editor.command("tabnext");
        }
        editor.wait_text("\"echo hello\"");
        editor.wait_text("Ask demo");
        go_to(&editor, "prompt");
        editor.input("iecho from here<C-s>");
        editor.wait_text("\"echo from here\"");
        settled(&editor, &id);
        editor.input("<Esc>");
        editor.command("AgorClose");
        editor.wait_no_text("Ask demo");
        assert_eq!(layout(&editor), before, "{position}");
        editor.command("AgorToggle");
        editor.wait_text("\"echo from here\"");
    }
}

#[test]
fn sixty_four_sessions_are_on_the_board_and_in_order() {
    let editor = demo_editor(WIDE);
    for at in 0..64 {
        start_hidden(&editor, &format!("echo session {at:02}"));
    }
    editor.wait_lua("vim.iter(require('agor').sessions()):all(function(s) return s.status == 'idle' end)");
    editor.command("AgorSessions");
    editor.wait_lua("vim.bo.filetype == 'agor-sessions'");
    // By their start, the newest first.
    editor.input("oogg");
    editor.wait_text("by started");
    let lines = editor.lua_string("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')", &[]);
    let titles: Vec<&str> =
        lines.lines().filter_map(|line| line.get(line.find("echo session")?..)?.get(..15)).collect();
    let expect: Vec<String> = (0..64).rev().map(|at| format!("echo session {at:02}")).collect();
    assert_eq!(titles, expect);
    editor.input("gg10j<CR>");
    editor.wait_text("\"echo session 54\"");
}
