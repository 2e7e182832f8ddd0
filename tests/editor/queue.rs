//! Prompts that wait, with a real agent that works: what the list does to them, and what a crash does not.

use crate::support::{Editor, demo_editor, go_to, send, start, transcript, wait_status};

const WIDE: (u16, u16) = (140, 36);

/// A turn that does not end, and these behind it.
fn waiting(editor: &Editor, texts: &[&str]) -> String {
    let id = start(editor, "hang");
    wait_status(editor, &id, "running");
    // Not only on its way, where it would wait too.
    editor.wait_lua("require('agor').sessions()[1].turn_started_at");
    for text in texts {
        send(editor, &id, text);
    }
    wait_queued(editor, texts.len());
    id
}

#[track_caller]
fn wait_queued(editor: &Editor, count: usize) {
    editor.wait_lua(&format!("require('agor').sessions()[1].queued == {count}"));
}

/// The prompts of the transcript, and how the agent was told them, in order.
fn said(editor: &Editor, id: &str) -> Vec<String> {
    transcript(editor, id).lines().filter_map(|line| line.strip_prefix("❯ ")).map(str::to_owned).collect()
}

#[test]
fn the_list_changes_what_waits_and_the_agent_gets_it_so() {
    let editor = demo_editor(WIDE);
    let id = waiting(&editor, &["echo a", "echo b", "echo c", "echo d"]);
    go_to(&editor, "prompt");
    editor.wait_text("4 queued");
    editor.command("AgorQueue");
    editor.wait_text(" 4  echo d");
    // The last one to the top, the second one out and back, the third one out for good.
    editor.input("GKKK");
    editor.wait_text(" 1  echo d");
    editor.input("jdd");
    wait_queued(&editor, 3);
    editor.input("u");
    wait_queued(&editor, 4);
    editor.wait_text(" 2  echo a");
    editor.input("Gdd");
    wait_queued(&editor, 3);
    editor.wait_text(" 3  echo b");
    editor.wait_lua("vim.fn.line('.') == 3");
    editor.input("<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    editor.wait_text("Editing a prompt that waits");
    editor.input("<Esc>A, changed<Esc><CR>");
    editor.wait_text(" 3  echo b, changed");
    editor.command("AgorQueue");
    editor.wait_text("s interrupt and send");
    editor.wait_lua("vim.bo.filetype == 'agor-queue' and vim.api.nvim_buf_line_count(0) == 3");
    editor.input("ggjs");
    editor.wait_text("\"echo b, changed\"");
    wait_status(&editor, &id, "idle");
    assert_eq!(said(&editor, &id), ["hang", "echo a", "echo d", "echo b, changed"]);
}

#[test]
fn what_waited_when_the_backend_is_killed_waits_again_and_is_sent_once() {
    let editor = demo_editor(WIDE);
    let id = waiting(&editor, &["echo a", "echo b"]);
    go_to(&editor, "prompt");
    editor.lua("vim.uv.kill(require('agor.state').backend.pid, 'sigkill')", &[]);
    editor.wait_text("2 held, from before a restart");
    wait_status(&editor, &id, "idle");
    editor.command("AgorQueue");
    editor.wait_text("r go on");
    editor.input("rq");
    editor.wait_text("\"echo b\"");
    wait_status(&editor, &id, "idle");
    assert_eq!(said(&editor, &id), ["hang", "echo a", "echo b"]);
}

#[test]
fn a_prompt_that_was_sent_while_it_was_edited_is_not_lost() {
    let editor = demo_editor(WIDE);
    let id = waiting(&editor, &["echo a"]);
    editor.command("AgorQueue");
    editor.wait_text(" 1  echo a");
    editor.input("<CR>");
    editor.wait_text("Editing a prompt that waits");
    // Another window has taken it out meanwhile.
    editor.lua(
        "local rpc = require('agor.rpc')
         rpc.notify('queue', { session_id = ... }, function(_, list)
           rpc.notify('queued', { session_id = list and vim.b.agor_session, entry = list[1].id, action = 'drop' }, function() end)
         end)",
        &[id.as_str().into()],
    );
    wait_queued(&editor, 0);
    editor.input("<Esc>A, changed<Esc><CR>");
    editor.wait_notified("the prompt does not wait any more");
    editor.wait_lua("vim.api.nvim_get_current_line() == 'echo a, changed'");
}
