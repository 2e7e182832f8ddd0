//! What ends: Neovim while agents work, and the backend under it.

use std::{fs, os::unix::fs::PermissionsExt};

use agor_nvim::keeper::tree;

use crate::{
    api::{LISTEN, editor, is, options, said, start, wait_said, wait_status, with},
    support::{
        Editor, Options,
        descriptors::{ends, share_nothing},
    },
};

// ---------------------------------------------------------------------- leaving

#[track_caller]
fn at_work(editor: &Editor) -> String {
    let id = start(editor, "hang");
    wait_status(editor, &id, "running");
    id
}

#[test]
fn qa_wqa_and_the_last_q_are_refused_while_an_agent_works() {
    let mut editor = editor();
    at_work(&editor);
    for command in ["qa", "wqa", "q", "x", "wq"] {
        editor.command("messages clear");
        editor.input(&format!(":{command}<CR>"));
        editor.wait_text("1 session at work, :qa! stops it");
        // A key for the "Press ENTER" that Neovim's own refusal may come with.
        editor.input("<Esc><Esc>");
        editor.wait_lua("vim.fn.mode() == 'n' and vim.fn.bufname() == 'a.txt'");
        editor.command("silent! only");
    }
    is(&editor, "require('agor').sessions()[1].status", "\"running\"");
    let status = editor.quit("qa!");
    assert!(status.success());
    editor.assert_nothing_left();
}

#[test]
fn an_open_question_refuses_too_and_an_answered_one_does_not() {
    let mut editor = with(LISTEN);
    let id = start(&editor, "permission");
    editor.wait_lua("_G.last('Permission')");
    editor.input(":qa<CR>");
    editor.wait_text("1 session at work");
    editor.input("<CR>");
    editor.lua(
        "local data = _G.last('Permission')
         assert(require('agor').answer(data.session_id, data.request_id, data.options[1].option_id))",
        &[],
    );
    wait_status(&editor, &id, "idle");
    let status = editor.quit("qa");
    assert!(status.success());
    editor.assert_nothing_left();
}

#[test]
fn nobody_holds_open_what_is_anothers() {
    let editor = editor();
    let ids = editor.lua(
        "local ids = {}
         for _ = 1, 4 do ids[#ids + 1] = assert(require('agor').start({ prompt = 'echo', open = false })) end
         return ids",
        &[],
    );
    for id in ids.as_array().expect("a list") {
        wait_status(&editor, id.as_str().expect("an id"), "idle");
    }
    let backend = editor.lua("return require('agor.state').backend.pid", &[]).as_i64().expect("a pid");
    let backend = i32::try_from(backend).expect("a pid");
    let held: Vec<String> = ends(backend).into_iter().map(|end| end.name).collect();
    for what in ["/agor/sessions/", "/agor/log/", "socket:", "pipe:"] {
        assert!(held.iter().any(|name| name.contains(what)), "the backend holds a {what}: {held:?}");
    }
    let mut all = vec![("the backend".to_owned(), backend)];
    let snapshot = tree::snapshot();
    for keeper in snapshot.iter().filter(|one| one.parent == backend) {
        all.push((format!("the keeper {}", keeper.command()), keeper.pid));
        let below = tree::descendants(&snapshot, keeper.pid);
        all.extend(below.iter().map(|one| (format!("the agent {}", one.command()), one.pid)));
    }
    assert_eq!(all.len(), 1 + 4 * 2, "{all:#?}");
    share_nothing(&all);
    // What Neovim has inherited from whoever started it is its own and the backend's.
    all[0] = ("Neovim".to_owned(), editor.pid().cast_signed());
    share_nothing(&all);
}

#[test]
fn cq_ends_with_its_code_at_once() {
    let mut editor = editor();
    at_work(&editor);
    assert_eq!(editor.quit("cq 3").code(), Some(3));
    editor.assert_nothing_left();
}

#[test]
fn quit_stop_asks_nothing() {
    let mut editor = with("require('agor').setup({ provider = 'demo', quit = 'stop' })");
    at_work(&editor);
    assert!(editor.quit("qa").success());
    editor.assert_nothing_left();
}

#[test]
fn an_editor_without_a_screen_asks_nothing() {
    let mut editor = editor();
    at_work(&editor);
    editor.call("nvim_ui_detach", Vec::new());
    assert!(editor.quit("qa").success());
    editor.assert_nothing_left();
}

/// Neovim shows an error of its end, here that it cannot write its ShaDa file, and waits for Enter: no agent waits with it.
#[track_caller]
fn ends_without_agents(leave: impl FnOnce(&Editor)) {
    let mut editor = editor();
    let id = start(&editor, "echo");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').send('hang'))", &[]);
    wait_status(&editor, &id, "running");
    let all = tree::descendants(&tree::snapshot(), editor.pid().cast_signed());
    assert!(all.len() >= 3, "a backend, a keeper and an agent: {all:#?}");
    fs::write(editor.home().state().join("shada"), "no folder").expect("the home takes files");
    leave(&editor);
    for one in &all {
        editor.wait_end_of(one.pid);
    }
    // A newer Neovim may have ended by itself.
    editor.kill();
    editor.assert_nothing_left();
}

#[test]
fn agents_do_not_wait_for_a_key_that_neovim_waits_for_at_its_end() {
    ends_without_agents(|editor| {
        editor.input(":qa!<CR>");
        editor.wait_text("Press ENTER");
    });
}

#[test]
fn agents_do_not_wait_for_a_key_from_a_terminal_that_has_gone() {
    ends_without_agents(Editor::cut_off);
}

#[test]
fn a_window_of_several_closes_as_ever() {
    let editor = editor();
    at_work(&editor);
    editor.command("split");
    editor.command("quit");
    is(&editor, "#vim.api.nvim_list_wins()", "1");
    assert_eq!(editor.lua_string("return vim.fn.bufname()", &[]), "a.txt");
}

// ---------------------------------------------------------------------- the backend's life

/// A script in the place of the backend.
fn stub(options: &Options, name: &str, script: &str) -> String {
    let path = options.home.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the home takes files");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
    path.to_string_lossy().into_owned()
}

#[track_caller]
fn refuses_to_start(script: &str, says: &str) {
    let mut options = options();
    let path = stub(&options, "backend", script);
    options.env.push(("AGOR_BIN".into(), path));
    let editor = Editor::start(options);
    editor.input(":AgorStart hello<CR>");
    wait_said(&editor, says);
    let said = said(&editor);
    assert!(said.contains("run :Agor build") || said.contains("Run :Agor build"), "{said}");
    assert!(!said.contains("traceback"), "{said}");
    is(&editor, "#require('agor').sessions()", "0");
}

#[test]
fn a_program_that_is_no_backend_is_refused() {
    refuses_to_start("echo I am no backend; exec cat", "does not speak as the backend should");
}

#[test]
fn a_backend_that_ends_at_once_is_refused() {
    refuses_to_start("exit 1", "does not speak as the backend should");
}

#[test]
fn a_backend_that_is_not_there_is_named() {
    let mut options = options();
    options.env.push(("AGOR_BIN".into(), "/nowhere/agor-nvim".into()));
    let editor = Editor::start(options);
    editor.input(":AgorStart hello<CR>");
    wait_said(&editor, "/nowhere/agor-nvim");
    is(&editor, "#require('agor').sessions()", "0");
}

fn kill_backend(editor: &Editor) {
    editor.lua("vim.uv.kill(require('agor.state').backend.pid, 'sigkill')", &[]);
}

#[test]
fn a_backend_that_dies_is_started_again_once() {
    let editor = with(LISTEN);
    let id = start(&editor, "hang");
    editor.wait_lua("_G.last('Status') and _G.last('Status').status == 'running'");
    kill_backend(&editor);
    wait_said(&editor, "the backend ended by itself");
    wait_said(&editor, "it runs again, its session goes on with the next prompt");
    editor.wait_lua("require('agor').sessions()[1].status ~= 'running'");
    editor.wait_lua("require('agor').sessions()[1].status == 'idle'");
    // The conversation goes on.
    editor.lua("assert(require('agor').send('echo again'))", &[]);
    editor.wait_lua(
        "vim.inspect(require('agor').messages(require('agor').sessions()[1].session_id)):find('echo again', 1, true)",
    );
    wait_status(&editor, &id, "idle");
    kill_backend(&editor);
    wait_said(&editor, "once more. :Agor log has more, :Agor restart starts it");
    is(&editor, "require('agor').sessions()[1].status", "\"error\"");
    editor.input("<Esc>:AgorRestart<CR>");
    wait_said(&editor, "the backend runs again");
    let said = said(&editor);
    assert!(!said.contains("traceback"), "{said}");
}

#[test]
fn a_prompt_for_a_session_whose_backend_is_gone_is_not_lost() {
    let editor = editor();
    let id = start(&editor, "echo one");
    wait_status(&editor, &id, "idle");
    for _ in 0..2 {
        let pid = editor.lua_string("return tostring(require('agor.state').backend.pid)", &[]);
        kill_backend(&editor);
        editor.wait_lua(&format!(
            "not require('agor.state').backend or tostring(require('agor.state').backend.pid) ~= '{pid}'"
        ));
    }
    editor.wait_lua("require('agor.state').channel == nil");
    // The next prompt brings the backend back, and with it the session.
    editor.lua("assert(require('agor').send('echo two', { session = ... }))", &[id.as_str().into()]);
    editor.wait_lua(&format!("vim.inspect(require('agor').messages('{id}')):find('echo two', 1, true)"));
    wait_status(&editor, &id, "idle");
}

#[test]
fn a_session_that_was_done_goes_on_after_a_restart() {
    let editor = editor();
    let id = start(&editor, "echo one");
    wait_status(&editor, &id, "idle");
    editor.lua("assert(require('agor').stop())", &[]);
    wait_status(&editor, &id, "done");
    editor.input(":AgorRestart<CR>");
    wait_said(&editor, "the backend runs again");
    is(&editor, "#require('agor').sessions()", "1");
    editor.lua("assert(require('agor').send('echo two', { session = ... }))", &[id.as_str().into()]);
    editor.wait_lua(&format!("vim.inspect(require('agor').messages('{id}')):find('echo two', 1, true)"));
    wait_status(&editor, &id, "idle");
}

#[test]
fn the_login_is_the_agents_own_in_a_terminal() {
    let mut options = options();
    let login = stub(&options, "login", "echo login of $1; env | grep -c ANTHROPIC_API_KEY; read x");
    options.init += &format!(
        "\nrequire('agor').setup({{ provider = 'demo', providers = {{ claude = {{ login = {{ [==[{login}]==], 'me' }} }} }} }})
         vim.env.ANTHROPIC_API_KEY = 'secret'"
    );
    let editor = Editor::start(options);
    editor.input(":AgorLogin claude<CR>");
    editor.wait_text("login of me");
    editor.wait_screen("no key", |rows| rows.iter().any(|row| row.trim() == "0"));
    is(&editor, "vim.bo.buftype", "\"terminal\"");
    editor.input("<CR>");
    editor.input("<C-\\><C-n>:AgorLogin demo<CR>");
    wait_said(&editor, "demo has no login of its own");
    editor.input(":AgorLogin nobody<CR>");
    wait_said(&editor, "unknown provider \"nobody\"");
}
#[test]
fn an_interrupt_in_the_first_moment_is_not_lost() {
    let editor = editor();
    let id = editor.lua_string(
        "local id = assert(require('agor').start({ prompt = 'hang', open = false }))
         assert(require('agor').interrupt(id))
         return id",
        &[],
    );
    wait_status(&editor, &id, "idle");
    assert_eq!(said(&editor), "");
}
