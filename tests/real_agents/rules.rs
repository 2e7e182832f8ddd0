//! A user's rules about files that agents read and write through the editor.

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

fn desk(agent: &'static Agent, rules: &str) -> Desk {
    Desk::with(Setup { provider: format!("policy = {{ {rules} }},"), ..Setup::of(agent) })
}

#[track_caller]
fn wait_change(desk: &Desk) {
    desk.editor.wait_screen("the change", |rows| rows.iter().any(|row| row.contains('+') && row.contains("there")));
}

/// To change a file it is read through the editor first.
fn a_file_to_be_asked_about_is_read_once_the_user_says_so(agent: &'static Agent) {
    let desk = desk(agent, "ask = { 'file(hello.txt)' }");
    desk.start("SCENARIO:edit");
    desk.editor.wait_text(&format!("{} asks: read", agent.name));
    desk.answer("allow_once");
    // Its own question, after which it reads and writes the file.
    wait_change(&desk);
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello there\n");
    let transcript = desk.transcript();
    assert!(transcript.contains("read hello.txt: Allow once"), "{transcript}");
    assert!(!transcript.contains("asks nothing in this mode"), "{transcript}");
    desk.type_command("AgorAudit");
    desk.editor.wait_text("allowed    you");
}

fn a_file_that_is_not_to_be_read_is_not(agent: &'static Agent) {
    for (rules, words) in
        [("ask", "read hello.txt: Reject"), ("deny", "read hello.txt: Reject (forbidden by your rule")]
    {
        let desk = desk(agent, &format!("{rules} = {{ 'read(hello.txt)' }}"));
        // It tries more than once.
        desk.editor.lua(
            "vim.api.nvim_create_autocmd('User', { pattern = 'AgorPermission', callback = function(event)
               require('agor').answer(event.data.session_id, event.data.request_id, 'reject')
             end })",
            &[],
        );
        desk.start("SCENARIO:edit");
        desk.wait_turns(1);
        desk.wait_status("idle");
        // Gemini CLI 0.61.0 tells its model no more of it than "[object Object]".
        let transcript = desk.transcript();
        assert!(transcript.contains(words), "{transcript}");
        assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello world\n");
    }
}

fn an_edit_to_be_asked_about_is_asked_about_once(agent: &'static Agent) {
    let desk = desk(agent, "ask = { 'edit(hello.txt)' }");
    desk.start("SCENARIO:edit");
    desk.editor.wait_text("wants to be asked about");
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello there\n");
}

fn an_edit_is_asked_about_where_the_agent_asks_nothing(agent: &'static Agent) {
    let desk = desk(agent, "ask = { 'edit(hello.txt)' }");
    desk.start("mode=yolo SCENARIO:edit");
    desk.editor.wait_text(&format!("{} asks: edit", agent.name));
    wait_change(&desk);
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello world\n");
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello there\n");
}

agents! {
    gemini = GEMINI:
        a_file_to_be_asked_about_is_read_once_the_user_says_so
        a_file_that_is_not_to_be_read_is_not
        an_edit_to_be_asked_about_is_asked_about_once
        an_edit_is_asked_about_where_the_agent_asks_nothing;
    // It reads by itself.
    opencode = OPENCODE:
        an_edit_to_be_asked_about_is_asked_about_once;
}
