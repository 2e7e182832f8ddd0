//! The board with the real backend: what its lines say while sessions work, and what its keys do to them.

use crate::support::{demo_editor, start_hidden};

const WIDE: (u16, u16) = (140, 30);

#[test]
fn what_a_session_does_is_on_its_line_and_its_name_and_journal_are_the_users() {
    let editor = demo_editor(WIDE);
    start_hidden(&editor, "echo all is well");
    start_hidden(&editor, "permission");
    editor.wait_lua("require('agor').sessions()[2].attention == 'permission'");
    editor.wait_lua("require('agor').sessions()[1].status == 'idle'");
    editor.command("AgorSessions");
    editor.wait_text("finished");
    editor.wait_text("\"echo all is well\"");
    editor.wait_text("Bash echo 1");
    // The one that asks is the current session, and the answer is a key away.
    editor.input("y");
    editor.wait_text("1 Allow once");
    editor.input("q");
    editor.command("AgorSessions");
    editor.input("/well<CR>r<C-u>Check of the day<CR>");
    editor.wait_lua("require('agor').sessions()[1].title == 'Check of the day'");
    // It is not called what was looked for any more.
    editor.wait_text("Nothing here is called");
    editor.input("<BS>/day<CR>");
    editor.wait_text("Check of the day");
    let id = editor.lua_string("return require('agor').sessions()[1].session_id", &[]);
    let journal = editor.home().data().join(format!("agor/sessions/{id}.ndjson"));
    assert!(journal.exists());
    editor.lua("vim.ui.select = function(_, opts, done) _G.asked = opts.prompt done('Delete it', 2) end", &[]);
    editor.input("D");
    editor.wait_lua("#require('agor').sessions() == 1");
    editor.wait_lua("(_G.asked or ''):find('Delete \"Check of the day\"? Gone for good: its journal', 1, true)");
    editor.wait_text("is deleted");
    assert!(!journal.exists());
}

#[test]
fn an_agent_is_started_anew_from_the_board() {
    let editor = demo_editor(WIDE);
    let id = start_hidden(&editor, "hang");
    // Before that the prompt is not with the agent, and goes to the next one.
    editor.wait_lua("require('agor').sessions()[1].turn_started_at ~= nil");
    editor.command("AgorSessions");
    editor.wait_text("working");
    editor.input("R");
    editor.wait_lua("require('agor').sessions()[1].status == 'idle'");
    editor.lua("assert(require('agor').send('echo it goes on', { session = ... }))", &[id.as_str().into()]);
    editor.wait_text("\"echo it goes on\"");
}
