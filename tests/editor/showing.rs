//! Subcommands that show something: tables, logs, exports, the trace; and what they say where there is nothing to show.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::api::{editor, said, start, wait_said, wait_status};

#[test]
fn tables_logs_and_exports_are_shown() {
    let editor = editor();
    let id = start(&editor, "echo to be exported");
    wait_status(&editor, &id, "idle");
    editor.input(":AgorPs<CR>");
    editor.wait_screen("the processes", |rows| {
        let head = rows.iter().position(|row| row.starts_with("SESSION") && row.contains("MEMORY"));
        head.is_some_and(|head| rows[head + 1].starts_with(&id) && rows[head + 1].contains("MiB"))
    });
    editor.input("q");
    editor.wait_no_text("MEMORY");
    editor.input(":AgorStats<CR>");
    editor.wait_screen("the figures", |rows| rows.iter().any(|row| row.starts_with("FIGURE")));
    editor.wait_text("rss_bytes");
    editor.input("q");
    editor.wait_no_text("FIGURE");
    editor.input(":AgorLog<CR>");
    editor.wait_lua("vim.bo.readonly and vim.api.nvim_buf_get_name(0):find('agor/log', 1, true)");
    editor.wait_text("the agent runs");
    editor.input(":quit<CR>:AgorExport<CR>");
    editor.wait_lua("vim.bo.filetype == 'markdown'");
    editor.wait_text("\"echo to be exported\"");
    editor.input("q:AgorExport out put.md<CR>");
    wait_said(&editor, "out put.md");
    assert!(editor.home().read("out put.md").contains("echo to be exported"));
    editor.input(":AgorExport out put.md<CR>");
    wait_said(&editor, "out put.md exists: :Agor! export overwrites it");
    fs::write(editor.home().project().join("out put.md"), "old").expect("the project takes files");
    editor.input("<Esc>:Agor! export out put.md<CR>");
    editor.wait_lua("#vim.fn.readfile('out put.md') > 1");
}

#[test]
fn one_table_takes_the_place_of_the_other_whole() {
    let editor = editor();
    editor.input(":AgorStart echo one<CR>");
    editor.wait_text("❯ echo one");
    editor.input(":AgorPs<CR>");
    editor.wait_text("MEMORY");
    let windows = editor.lua("return #vim.api.nvim_list_wins()", &[]);
    editor.input(":AgorStats<CR>");
    editor.wait_text("FIGURE");
    for part in ["bytes_in", "rss_bytes", "sessions"] {
        editor.wait_text(part);
    }
    assert_eq!(editor.find("MEMORY"), None);
    assert_eq!(editor.lua("return #vim.api.nvim_list_wins()", &[]), windows);
    editor.input("q");
    editor.wait_no_text("FIGURE");
}

#[test]
fn the_wire_is_traced_while_it_is_wanted() {
    let editor = editor();
    let id = start(&editor, "echo before");
    wait_status(&editor, &id, "idle");
    editor.input(":AgorTrace on<CR>");
    wait_said(&editor, "the wire of");
    editor.lua("assert(require('agor').send('echo while it is on'))", &[]);
    editor.wait_lua("#require('agor').messages(...) > 5 or true".replace("...", &format!("'{id}'")).as_str());
    let trace = editor.home().state().join(format!("agor/trace/{id}.ndjson"));
    editor.wait_lua(&format!(
        "(function()
           local file = io.open([==[{}]==]) local text = file and file:read('*a') or '' if file then file:close() end
           return text:find('while it is on', 1, true) and not text:find('echo before', 1, true)
         end)()",
        trace.display()
    ));
    assert_eq!(fs::metadata(&trace).expect("the trace").permissions().mode() & 0o777, 0o600);
    wait_status(&editor, &id, "idle");
    editor.input(":AgorTrace off<CR>");
    wait_said(&editor, "the trace is off");
    editor.lua("assert(require('agor').send('echo after'))", &[]);
    editor.wait_lua(
        "vim.inspect(require('agor').messages(require('agor').sessions()[1].session_id)):find('echo after', 1, true)",
    );
    assert!(!fs::read_to_string(&trace).expect("the trace").contains("echo after"));
    editor.input(":AgorTrace<CR>");
    editor.wait_lua(&format!("vim.api.nvim_buf_get_name(0):find('{id}.ndjson', 1, true)"));
    editor.input(":quit<CR>:AgorTrace maybe<CR>");
    wait_said(&editor, "trace takes on or off, not \"maybe\"");
}

#[test]
fn next_and_prev_go_round() {
    let editor = editor();
    let ids: Vec<String> = ["echo one", "echo two", "echo three"].iter().map(|prompt| start(&editor, prompt)).collect();
    for id in &ids {
        wait_status(&editor, id, "idle");
    }
    editor.input(":AgorToggle<CR>");
    editor.wait_text("❯ echo three");
    for (command, text) in [
        ("AgorNext", "❯ echo one"),
        ("AgorNext", "❯ echo two"),
        ("AgorPrev", "❯ echo one"),
        ("AgorPrev", "❯ echo three"),
    ] {
        editor.input(&format!(":{command}<CR>"));
        editor.wait_text(text);
    }
    editor.input(":Agor<CR>");
    editor.wait_no_text("❯ echo three");
}

#[test]
fn a_model_or_mode_that_cannot_be_changed_says_so() {
    let editor = editor();
    let id = start(&editor, "echo one");
    wait_status(&editor, &id, "idle");
    editor.input(":AgorModel opus<CR>");
    wait_said(
        &editor,
        "demo does not let the model be changed in a running session; :AgorStart model=... starts with one",
    );
    editor.input("<Esc>:AgorMode plan<CR>");
    wait_said(&editor, "demo does not let the mode be changed in a running session");
}

#[test]
fn without_a_session_everything_says_how_to_start_one() {
    let editor = editor();
    for command in ["AgorOpen", "AgorNext", "AgorInterrupt", "AgorStop", "AgorModel x", "AgorExport", "AgorTrace on"] {
        editor.command("messages clear");
        editor.input(&format!(":{command}<CR>"));
        wait_said(&editor, "there is no session: :AgorStart starts one");
    }
    editor.command("messages clear");
    editor.input(":AgorPermit<CR>");
    editor.wait_lua("vim.fn.execute('messages') ~= ''");
    let said = said(&editor);
    assert!(!said.contains("Error") && !said.contains("traceback"), "{said}");
}
