//! What users do by habit, with a real agent of the Agent Client Protocol behind it: slash commands and their menu, `!`,
//! modes and models, files and images, pages, logins, and sessions that are taken up again.

use std::{fs, sync::Arc};

use crate::support::{Editor, Home, Options, go_to, repository};

fn editor_at(home: Arc<Home>) -> Editor {
    let state = home.path().join("agent");
    fs::create_dir_all(&state).expect("a folder for the agent");
    // An address of Python's own, so that the agent's program is a file that a terminal can run too.
    let program = home.path().join("acp-agent");
    let script = repository().join("tests/agents/habits.py");
    fs::write(&program, format!("#!/bin/sh\nexec python3 '{}' \"$@\"\n", script.display())).expect("the agent");
    make_runnable(&program);
    Editor::start(Options {
        size: (150, 40),
        init: format!(
            "vim.o.swapfile = false
             require('agor').setup({{ provider = 'scripted', providers = {{ scripted = {{
               protocol = 'acp', command = {{ '{}' }}, env = {{ AGENT_STATE = '{}', USER_WORD = 'me' }} }} }} }})\n",
            program.display(),
            state.display()
        ),
        home,
        ..Options::default()
    })
}

fn make_runnable(program: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it can be run");
}

fn editor() -> Editor {
    editor_at(Arc::new(Home::new()))
}

/// A session whose agent has said what it offers, with the cursor in its prompt.
#[track_caller]
fn ready(editor: &Editor) -> String {
    editor.input(":AgorStart<CR>");
    editor.wait_lua("#(((require('agor.mirror').list()[1] or {}).capabilities or {}).commands or {}) > 0");
    editor.lua_string("return require('agor').sessions()[1].session_id", &[])
}

/// Sends what is typed into the prompt's insert mode, and waits for what the agent says.
#[track_caller]
fn say(editor: &Editor, id: &str, keys: &str, heard: &str) {
    go_to(editor, "prompt");
    editor.input(&format!("<Esc>i{keys}<C-s>"));
    editor.wait_transcript(id, heard);
    editor.wait_status(id, "idle");
}

#[track_caller]
fn row(editor: &Editor, field: &str, value: &str) {
    editor.wait_lua(&format!("tostring(require('agor').sessions()[1].{field}) == '{value}'"));
}

#[test]
fn a_slash_opens_the_menu_of_the_agents_commands_and_of_ours() {
    let editor = editor();
    let id = ready(&editor);
    editor.input("/");
    editor.wait_text("looks at the changes");
    editor.wait_text("/resume");
    editor.input("rev");
    editor.wait_no_text("/resume");
    editor.input("<C-n><C-y> all<C-s>");
    // What is the agent's goes to it as it stands.
    editor.wait_transcript(&id, "heard \"/review all\"");
    say(&editor, &id, "/cost", "heard \"/cost\"");
}

#[test]
fn models_modes_and_efforts_are_set_by_command_prompt_and_key() {
    let editor = editor();
    let id = ready(&editor);
    editor.input("/model small<C-s>");
    row(&editor, "model", "small");
    editor.input("<Esc>:AgorEffort high<CR>");
    row(&editor, "effort", "high");
    editor.wait_text("high effort");
    row(&editor, "mode", "ask");
    go_to(&editor, "prompt");
    editor.input("<Esc><S-Tab>");
    row(&editor, "mode", "plan");
    editor.input("<S-Tab>");
    row(&editor, "mode", "ask");
    say(&editor, &id, "hello", "heard \"hello\"");
    editor.wait_text("ctx 25%");
}

#[test]
fn a_command_of_the_users_goes_along_with_the_next_prompt() {
    let editor = editor();
    let id = ready(&editor);
    editor.input("! echo from-the-$((40 + 2))<C-s>");
    editor.wait_text("✓ ! echo");
    editor.wait_text("from-the-42");
    say(&editor, &id, "what was that", "Output of `echo from-the-$((40 + 2))`");
    let said = editor.transcript(&id);
    assert!(said.contains("from-the-42"), "{said}");
}

#[test]
fn unsaved_text_is_what_the_agent_reads_and_its_own_is_in_the_buffer_and_on_disk() {
    let editor = editor();
    let path = editor.home().write("a.txt", "one\ntwo\n");
    let path = path.canonicalize().expect("it is there");
    editor.command("edit a.txt");
    editor.lua("vim.fn.setline(1, 'unsaved')", &[]);
    let id = ready(&editor);
    say(&editor, &id, &format!("read {}", path.display()), "unsaved\\ntwo\\n");
    say(&editor, &id, &format!("write {} unsaved, and more", path.display()), "write: {}");
    assert_eq!(editor.home().read("a.txt"), "unsaved, and more");
    let buffer = "vim.fn.bufnr('a.txt')";
    editor.wait_lua(&format!("vim.fn.getbufline({buffer}, 1, '$')[1] == 'unsaved, and more'"));
    editor.wait_lua(&format!("not vim.bo[{buffer}].modified"));
    // What has come since is not overwritten.
    editor.lua("vim.api.nvim_buf_set_lines(vim.fn.bufnr('a.txt'), 0, 1, false, { 'mine' })", &[]);
    say(&editor, &id, &format!("write {} theirs", path.display()), "read it again, then write");
    assert_eq!(editor.home().read("a.txt"), "unsaved, and more");
}

#[test]
fn a_file_without_a_buffer_is_read_and_written_on_disk() {
    let editor = editor();
    let path = editor.home().write("plain.txt", "on disk\n").canonicalize().expect("it is there");
    let id = ready(&editor);
    say(&editor, &id, &format!("read {}", path.display()), "on disk\\n");
    say(&editor, &id, &format!("write {} new", path.display()), "write: {}");
    assert_eq!(editor.home().read("plain.txt"), "new");
}

#[test]
fn a_page_is_asked_about_and_opened() {
    let editor = editor();
    let id = ready(&editor);
    editor.lua("vim.ui.open = function(url) vim.g.opened = url return {}, nil end", &[]);
    // Keys do nothing in the first moments of the focus: here each look at the clock is a second later.
    editor.lua(
        "local now = 0
         require('agor.ui.ask').now = function() now = now + 1000 return now end",
        &[],
    );
    go_to(&editor, "prompt");
    editor.input("<Esc>ipage http://127.0.0.1/device?code=1<C-s><Esc>");
    // The address stands in the prompt too.
    editor.wait_lua("require('agor').sessions()[1].attention == 'question'");
    editor.input(":AgorPermit<CR>");
    editor.wait_text("o opens the page");
    editor.input("o");
    editor.wait_lua("vim.g.opened == 'http://127.0.0.1/device?code=1'");
    editor.command("AgorPermit 1");
    editor.wait_transcript(&id, "page: {\"action\": \"accept\"}");
}

#[test]
fn an_image_goes_along_whole() {
    let editor = editor();
    editor.home().write("shot.png", b"\x89PNG\r\n\x1a\n");
    let id = ready(&editor);
    editor.input("<Esc>:AgorPaste shot.png<CR>");
    editor.wait_text("#shot.png");
    editor.wait_text("image, 1 KiB");
    editor.input("look<C-s>");
    editor.wait_transcript(&id, "saw [[\"image/png\", \"iVBORw0KGgo=\"]]");
}

#[test]
fn a_login_runs_the_agents_own_program_in_a_terminal() {
    let editor = editor();
    let id = ready(&editor);
    editor.input("login<C-s>");
    editor.wait_notified("scripted is not logged in");
    editor.input("<Esc>:AgorLogin<CR>");
    editor.wait_text("logged in by me");
    editor.wait_notified("scripted is logged in");
    editor.command("stopinsert | close");
    // The prompt that was refused is in the draft again.
    go_to(&editor, "prompt");
    editor.input("<Esc><CR>");
    editor.wait_transcript(&id, "heard \"login\"");
}

#[test]
fn an_earlier_session_is_taken_up_with_its_transcript_and_settings() {
    let home = Arc::new(Home::new());
    let mut first = editor_at(home.clone());
    let id = ready(&first);
    say(&first, &id, "remember this", "heard \"remember this\"");
    first.command("AgorModel small");
    row(&first, "model", "small");
    assert!(first.quit("qall!").success());
    drop(first);
    let editor = editor_at(home);
    editor.input(":AgorResume<CR>");
    editor.wait_text("Resume · ~/project · 1 ");
    // The glance into it.
    editor.wait_text("heard \"remember this\"");
    editor.input("<CR>");
    editor.wait_lua(&format!("vim.fn.bufnr('^agor://{id}$') > 0"));
    editor.wait_transcript(&id, "heard \"remember this\"");
    row(&editor, "model", "small");
    say(&editor, &id, "and go on", "heard \"and go on\"");
    row(&editor, "model", "small");
    // It is open now, so it is only shown.
    editor.command("AgorClose");
    editor.command(&format!("AgorResume {id}"));
    editor.wait_text("heard \"and go on\"");
    assert_eq!(editor.lua_string("return tostring(#require('agor').sessions())", &[]), "1");
}

#[test]
fn the_agents_own_conversations_are_offered_too() {
    let editor = editor();
    let id = ready(&editor);
    say(&editor, &id, "hello", "heard \"hello\"");
    fs::write(editor.home().path().join("agent/s9"), "").expect("a conversation of the agent's");
    editor.input("<Esc>:AgorResume<CR>");
    editor.wait_text("of its own");
    editor.wait_text("the agent's own");
    editor.wait_text("scripted  open ");
    editor.input("<Down><CR>");
    editor.wait_lua("#require('agor').sessions() == 2");
    let second = editor.lua_string("return require('agor').sessions()[2].session_id", &[]);
    editor.wait_lua(&format!("#(require('agor.mirror').get('{second}').capabilities.commands or {{}}) > 0"));
    say(&editor, &second, "hi", "heard \"hi\"");
    assert!(fs::read_to_string(editor.home().path().join("agent/s9")).expect("it is there").contains("heard \"hi\""));
}

#[test]
fn clear_new_help_and_quit_are_done_here() {
    let editor = editor();
    let id = ready(&editor);
    say(&editor, &id, "hello", "heard \"hello\"");
    editor.input("/clear<C-s>");
    say(&editor, &id, "again", "heard \"again\"");
    // Two conversations of the agent's in one session of ours.
    assert_eq!(fs::read_dir(editor.home().path().join("agent")).expect("its folder").count(), 2);
    editor.input("/help<C-s>");
    editor.wait_text("begin another session in this pane");
    editor.command("close");
    go_to(&editor, "prompt");
    editor.input("<Esc>i/new and hello<C-s>");
    editor.wait_lua("#require('agor').sessions() == 2");
    editor.wait_text("heard \"and hello\"");
    go_to(&editor, "prompt");
    editor.input("<Esc>i/quit<C-s>");
    let second = editor.lua_string("return require('agor').sessions()[2].session_id", &[]);
    editor.wait_status(&second, "done");
    editor.wait_lua("not require('agor.ui.pane').is_open()");
}

#[test]
fn a_copy_of_the_conversation_goes_on_in_a_session_of_its_own() {
    let editor = editor();
    let id = ready(&editor);
    say(&editor, &id, "hello", "heard \"hello\"");
    editor.input("/model small<C-s>");
    row(&editor, "model", "small");
    go_to(&editor, "prompt");
    editor.input("<Esc>i/fork and go on<C-s>");
    editor.wait_lua("#require('agor').sessions() == 2");
    editor.wait_text("a copy of an earlier conversation");
    editor.wait_text("heard \"and go on\"");
    let said = |file: &str| fs::read_to_string(editor.home().path().join("agent").join(file)).expect("it is there");
    assert_eq!(said("s1"), "heard \"hello\"\n", "the other stays as it was");
    assert_eq!(said("s2"), "heard \"hello\"\nheard \"and go on\"\n");
    assert_eq!(editor.lua_string("return require('agor').sessions()[2].model", &[]), "small");
    assert_eq!(editor.lua_string("return require('agor').sessions()[2].agent_session", &[]), "s2");
}
