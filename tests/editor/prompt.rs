//! The prompt window with a real agent behind it: drafts, attachments, history, and prompts that come back.

use std::sync::Arc;

use crate::support::{
    Editor, Home, demo_editor, demo_editor_at, demo_editor_with, go_to, over, send, settled, start, transcript,
    wait_status,
};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

#[track_caller]
fn in_prompt(editor: &Editor, mode: &str) {
    editor.wait_lua(&format!("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == '{mode}'"));
}

#[track_caller]
fn wait_draft(editor: &Editor, session: &str, text: &str) {
    editor.lua("_G.wanted = ...", &[text.into()]);
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{session}/prompt$'), 0, -1, false), '\\n') == _G.wanted"
    ));
}

#[test]
fn both_keys_send_all_lines_byte_for_byte_and_leave_the_cursor_there() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    go_to(&editor, "prompt");
    editor.input("iecho \"quoted\" | % # \\ <lt>x> ä<CR>  second line<C-s>");
    editor.wait_text("\\n  second line\"");
    in_prompt(&editor, "i");
    wait_draft(&editor, &id, "");
    let said = editor.lua_string(
        "local messages = require('agor').messages(...) local text = ''
         for _, m in ipairs(messages) do if m.type == 'prompt' then text = m.content.text end end return text",
        &[id.as_str().into()],
    );
    assert_eq!(said, "echo \"quoted\" | % # \\ <x> ä\n  second line");
    editor.input("echo by enter<Esc><CR>");
    editor.wait_text("\"echo by enter\"");
    in_prompt(&editor, "n");
    // What was sent comes back whole by one undo.
    editor.input("u");
    wait_draft(&editor, &id, "echo by enter");
    editor.input("<C-r>");
    wait_draft(&editor, &id, "");
}

#[test]
fn what_is_typed_ahead_of_the_pane_gets_into_the_prompt() {
    let editor = demo_editor(WIDE);
    editor.input(":AgorStart demo<CR>echo typed ahead<C-s><Esc>:let g:after = 1<CR>");
    editor.wait_text("\"echo typed ahead\"");
    in_prompt(&editor, "n");
    editor.wait_lua("vim.g.after == 1");
}

#[test]
fn insert_ctrl_c_leaves_insert_mode_and_normal_ctrl_c_interrupts() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "hang");
    wait_status(&editor, &id, "running");
    go_to(&editor, "prompt");
    editor.input("iword");
    wait_draft(&editor, &id, "word");
    // What is typed together with an interrupt is thrown away by Neovim itself.
    editor.input("<C-c>");
    in_prompt(&editor, "n");
    wait_status(&editor, &id, "running");
    editor.input("<C-c>");
    wait_status(&editor, &id, "idle");
    wait_draft(&editor, &id, "word");
}

#[test]
fn a_selection_becomes_an_attachment_that_the_agent_gets() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    editor.input("gg:2AgorPrompt<CR>");
    in_prompt(&editor, "i");
    editor.input("echo with it<Esc>");
    wait_draft(&editor, &id, "#a.txt:2\necho with it");
    // It is taken back by deleting its line, and by undo it is there again.
    editor.input("ggdd");
    wait_draft(&editor, &id, "echo with it");
    editor.input("u");
    wait_draft(&editor, &id, "#a.txt:2\necho with it");
    editor.input("ggK");
    editor.wait_lua("#vim.api.nvim_list_wins() == 4");
    editor.input("gf");
    editor.wait_lua("vim.fn.bufname() == 'a.txt' and vim.fn.line('.') == 2");
    go_to(&editor, "prompt");
    editor.input("<CR>");
    wait_draft(&editor, &id, "");
    editor.wait_text("❯ echo with it");
    // The demo says what it got.
    editor.wait_text("From a.txt, line 2");
    editor.wait_text("text\\nsecond");
}

#[test]
fn an_empty_draft_is_not_sent() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    let before = settled(&editor, &id);
    go_to(&editor, "prompt");
    editor.input("<CR>i  <Esc><CR>a<C-s><Esc>");
    in_prompt(&editor, "n");
    wait_draft(&editor, &id, "  ");
    assert_eq!(transcript(&editor, &id), before);
    assert_eq!(editor.lua("return require('agor').sessions()[1].queued", &[]), Value::from(0));
}

#[test]
fn a_prompt_that_waits_for_a_stopped_agent_goes_to_the_next_one_after_what_was_typed_since() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "hang");
    wait_status(&editor, &id, "running");
    // Not only on its way, where it would wait too.
    editor.wait_lua("require('agor').sessions()[1].turn_started_at");
    go_to(&editor, "prompt");
    editor.input("iecho waits<C-s>");
    editor.wait_lua("require('agor').sessions()[1].queued == 1");
    editor.wait_text("1 queued: echo waits");
    editor.input("typed since<Esc>");
    editor.command("AgorStop");
    wait_status(&editor, &id, "done");
    editor.wait_text("1 held, agent ended · sent after your next prompt");
    wait_draft(&editor, &id, "typed since");
    in_prompt(&editor, "n");
    // A process goes on with the conversation.
    editor.input("0iecho <Esc><CR>");
    editor.wait_text("\"echo typed since\"");
    editor.wait_text("\"echo waits\"");
}

#[test]
fn what_waited_when_the_agent_exits_is_held_back() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission");
    editor.wait_text("demo asks: Bash");
    send(&editor, &id, "exit 3");
    send(&editor, &id, "echo after it");
    editor.wait_lua("require('agor').sessions()[1].queued == 2");
    editor.command("Agor permit 1");
    wait_status(&editor, &id, "error");
    editor.wait_text("Exit code: 3");
    editor.wait_text("1 held, agent ended");
    // The agent has said nothing to this one.
    wait_draft(&editor, &id, "exit 3");
}

#[test]
fn draft_and_history_survive_a_restart_of_the_editor() {
    let home;
    let id;
    {
        let mut editor = demo_editor(WIDE);
        home = Arc::clone(editor.home());
        id = start(&editor, "echo ready");
        settled(&editor, &id);
        go_to(&editor, "prompt");
        editor.input("iecho for the history<C-s>");
        over(&editor, &id);
        editor.wait_text("\"echo for the history\"");
        editor.input("half a thought<Esc>");
        wait_draft(&editor, &id, "half a thought");
        editor.quit("qa!");
    }
    let prompts = home.data().join("agor/prompts");
    for entry in std::fs::read_dir(&prompts).expect("the folder").chain(std::iter::once(
        std::fs::read_dir(home.data().join("agor"))
            .expect("agor")
            .find(|e| e.as_ref().is_ok_and(|e| e.file_name() == "prompts"))
            .expect("prompts"),
    )) {
        use std::os::unix::fs::PermissionsExt;
        let mode = entry.expect("an entry").metadata().expect("its mode").permissions().mode();
        assert_eq!(mode & 0o077, 0, "for the user alone");
    }
    let editor = demo_editor_at(home, WIDE, "");
    editor.command(&format!("edit agor://{id}"));
    editor.wait_text("\"echo for the history\"");
    editor.command(&format!("belowright split agor://{id}/prompt"));
    wait_draft(&editor, &id, "half a thought");
    editor.input("gg<Up>");
    wait_draft(&editor, &id, "echo for the history");
    editor.input("G<Down>");
    wait_draft(&editor, &id, "half a thought");
    // The session is over: the draft is not lost to that.
    editor.input("<CR>");
    editor.wait_text("is over and only shown from its journal");
    wait_draft(&editor, &id, "half a thought");
}

#[test]
fn it_grows_to_ten_lines_and_the_end_of_the_transcript_stays_in_view() {
    for size in [WIDE, (80, 24)] {
        let editor = demo_editor(size);
        let id = start(&editor, "stream 200 0 40");
        settled(&editor, &id);
        go_to(&editor, "prompt");
        editor.input("i1<CR>2<CR>3<CR>4<CR>5<CR>6<CR>7<CR>8");
        editor.wait_lua(&format!("vim.fn.winheight(0) == {}", if size == WIDE { 8 } else { 7 }));
        editor
            .wait_lua(&format!("vim.fn.line('w0') == {} and vim.fn.line('w$') == 8", if size == WIDE { 1 } else { 2 }));
        editor.wait_text("── ");
        editor.input("<Esc>gg<CR>");
        wait_draft(&editor, &id, "");
        editor.wait_lua("vim.fn.winheight(0) == 3");
    }
}

#[test]
fn unsaved_files_of_the_project_are_counted_under_the_draft() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    editor.input("Achanged<Esc>");
    go_to(&editor, "prompt");
    editor.wait_text("1 unsaved file here");
    editor.command("wall");
    editor.input("ix<Esc>");
    editor.wait_no_text("unsaved file");
    // Another project's are none of its business.
    editor.input("<C-w>t");
    let other = Home::new();
    editor.command(&format!("edit {}/other.txt", other.project().display()));
    editor.input("inew<Esc>");
    go_to(&editor, "prompt");
    editor.input("ay<Esc>");
    wait_draft(&editor, &id, "xy");
    editor.wait_no_text("unsaved file");
}

#[test]
fn with_unsaved_write_the_agent_sees_what_is_on_the_screen() {
    let editor = demo_editor_with(WIDE, "require('agor').setup({ provider = 'demo', unsaved = 'write' })");
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    editor.input("A!<Esc>");
    editor.wait_text("first line!");
    send(&editor, &id, "echo now");
    over(&editor, &id);
    assert_eq!(editor.home().read("a.txt"), "first line!\nsecond line\n");
}

#[test]
fn a_mode_is_cycled_or_the_agent_has_none() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    go_to(&editor, "prompt");
    editor.input("<S-Tab>");
    editor.wait_text("demo offers no modes to choose from");
}
