//! Two Neovims of one user in one project, and what the next one finds when one was killed.

use std::{fs, sync::Arc};

use crate::support::{Editor, Home, Options};

fn editor(home: &Arc<Home>) -> Editor {
    let options = Options {
        size: (140, 36),
        home: Arc::clone(home),
        init: "vim.o.swapfile = false\nrequire('agor').setup({ provider = 'demo' })".to_owned(),
        env: vec![("AGOR_DEMO_SPEED".to_owned(), "0".to_owned())],
        ..Options::default()
    };
    Editor::start(options)
}

/// Whoever is asked something from a list answers with its nth line; what the lines were is `_G.asked`.
fn choose(editor: &Editor, lists: &[(&str, u32)]) {
    let takes: Vec<String> = lists.iter().map(|(kind, take)| format!("['{kind}'] = {take}")).collect();
    editor.lua(
        &format!(
            "local takes = {{ {} }}
             vim.ui.select = function(items, opts, done)
               _G.asked = vim.tbl_map(opts.format_item or tostring, items)
               done(items[takes[opts.kind]])
             end",
            takes.join(", ")
        ),
        &[],
    );
}

/// A transcript that is about to be opened.
#[track_caller]
fn wait_shown(editor: &Editor, session: &str, text: &str) {
    editor.wait_lua(&format!("vim.fn.bufnr('^agor://{session}$') > 0"));
    editor.wait_transcript(session, text);
}

#[test]
fn a_session_of_another_neovim_is_read_along_and_taken_over() {
    let home = Arc::new(Home::new());
    let (one, two) = (editor(&home), editor(&home));
    let session = one.start_session("{ prompt = 'echo kept' }");
    one.wait_status(&session, "idle");

    two.lua(
        "_G.watcher = function() _G.others = require('agor.others').list() end
         require('agor.others').watch(_G.watcher)",
        &[],
    );
    two.wait_lua("_G.others and #_G.others == 1 and _G.others[1].status == 'idle'");
    two.wait_lua(&format!("_G.others[1].elsewhere.pid == {}", one.pid()));
    two.lua("require('agor.others').unwatch(_G.watcher)", &[]);

    choose(&two, &[("agor_session", 1), ("agor_elsewhere", 1)]);
    two.command(&format!("Agor resume {session}"));
    wait_shown(&two, &session, "\"echo kept\"");
    two.wait_text("in another Neovim");
    one.send(&session, "echo more");
    two.wait_transcript(&session, "\"echo more\"");
    two.command("close");
    two.command("Agor resume continue");
    two.wait_notified("run in another Neovim");

    choose(&two, &[("agor_session", 1), ("agor_elsewhere", 2)]);
    two.command(&format!("Agor resume {session}"));
    one.wait_notified("was taken over by another Neovim");
    two.wait_status(&session, "idle");
    one.wait_lua("#require('agor').sessions() == 0");
    two.send(&session, "echo here");
    two.wait_transcript(&session, "\"echo here\"");
    // Who had it sees how it goes on.
    one.wait_transcript(&session, "\"echo here\"");
    one.wait_text("It runs in another Neovim: :Agor resume takes it over");
    assert_eq!(two.said(&session), ["\"echo kept\"", "\"echo more\"", "\"echo here\""]);
}

#[test]
fn what_a_killed_neovim_was_at_is_found_by_the_next_one() {
    let home = Arc::new(Home::new());
    let mut one = editor(&home);
    let session = one.start_session("{ prompt = 'hang' }");
    one.wait_lua("require('agor').sessions()[1].turn_started_at");
    one.kill();
    // And the machine was cut off in mid write.
    let journal = home.data().join(format!("agor/sessions/{session}.ndjson"));
    let next = editor(&home);
    next.wait_lua(&format!("not require('agor.state').channel and vim.uv.fs_stat('{}')", journal.display()));
    let mut text = fs::read(&journal).expect("a journal");
    text.extend_from_slice(b"{\"id\":\"torn");
    fs::write(&journal, text).expect("half a line");

    next.start_session("{ prompt = 'echo other', open = false }");
    next.wait_notified("1 session was interrupted here: :Agor resume goes on");
    next.command("Agor resume");
    next.wait_text("demo  interrupted  hang");
    next.input("<Down><CR>");
    next.wait_status(&session, "idle");
    wait_shown(&next, &session, "Interrupted: its backend ended in mid turn");
    next.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.interrupted end)"
    ));
    next.send(&session, "echo on");
    next.wait_transcript(&session, "\"echo on\"");
    next.wait_lua("not vim.iter(require('agor').sessions()):any(function(s) return s.interrupted end)");
}
