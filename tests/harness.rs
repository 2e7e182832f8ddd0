//! The harness under test: what it shows is what Neovim draws, and what it waits for is noticed.

mod support;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use rmpv::Value;
use support::{Editor, Home, Options, leftovers};

#[test]
fn a_split_window_is_drawn_as_a_terminal_would_draw_it() {
    let options = Options { size: (40, 8), init: "vim.o.laststatus = 2".into(), ..Options::default() };
    options.home.write("a.txt", "left ä日本 x\nsecond\n");
    let editor = Editor::start(options);
    editor.input(":edit a.txt<CR>");
    editor.wait_text("left ä日本 x");
    editor.input(":botright vnew<CR>iright<Esc>");
    editor.wait_text("│right");

    let rows = editor.rows();
    assert_eq!(rows.len(), 8);
    assert!(rows[0].starts_with("left ä日本 x"), "{rows:#?}");
    assert!(rows[0].ends_with("│right"), "{rows:#?}");
    let (row, column) = editor.find("right").expect("it is on the screen");
    assert_eq!((row, column), (0, 20));
    assert_eq!(editor.cursor(), (0, 24));
    assert_eq!(editor.mode(), "normal");
}

#[test]
fn a_scrolled_window_keeps_what_moved_and_shows_what_came() {
    let lines: Vec<String> = (1..=100).map(|n| format!("line {n}")).collect();
    let options = Options { size: (30, 12), args: vec!["long.txt".into()], ..Options::default() };
    options.home.write("long.txt", lines.join("\n"));
    let editor = Editor::start(options);
    editor.wait_text("line 10");
    editor.input("<C-e><C-e><C-e>");
    editor.wait_screen("line 4 at its top", |rows| rows[0] == "line 4");
    let rows = editor.rows();
    assert_eq!(rows[..10], lines[3..13], "{rows:#?}");
    editor.input("<C-y>");
    editor.wait_screen("line 3 at its top", |rows| rows[0] == "line 3");
    assert_eq!(editor.rows()[..10], lines[2..12]);
}

#[test]
fn a_resized_screen_has_its_new_size() {
    let editor = Editor::start(Options { size: (40, 8), ..Options::default() });
    editor.input("i");
    editor.paste("first\nsecond");
    editor.wait_text("second");
    editor.resize(60, 12);
    assert_eq!(editor.rows().len(), 12);
    assert_eq!(editor.lua("return vim.o.columns", &[]), Value::from(60));
    assert_eq!(editor.rows()[..2], ["first", "second"]);
}

#[test]
fn a_highlight_is_seen_with_its_colours_and_its_group() {
    let editor = Editor::start(Options::default());
    editor.lua(
        "vim.api.nvim_set_hl(0, 'Mine', { fg = '#102030', bold = true })
         vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'plain marked' })
         local space = vim.api.nvim_create_namespace('test')
         vim.api.nvim_buf_set_extmark(0, space, 0, 6, { end_col = 12, hl_group = 'Mine' })",
        &[],
    );
    editor.wait_text("plain marked");
    let marked = editor.highlight_at(0, 6);
    assert_eq!((marked.fg, marked.bold), (Some(0x102030), true));
    assert_eq!(marked.groups.last().map(String::as_str), Some("Mine"));
    assert_eq!(editor.highlight_at(0, 0).fg, None);
}

#[test]
fn lua_takes_arguments_and_gives_results() {
    let editor = Editor::start(Options::default());
    assert_eq!(editor.lua("local a, b = ...; return a + b", &[2.into(), 3.into()]), Value::from(5));
    assert_eq!(editor.lua_string("return vim.fn.getcwd()", &[]), editor.home().project().to_string_lossy());
    let refused = editor.try_call("nvim_exec_lua", vec!["error('no such thing')".into(), Value::Array(Vec::new())]);
    assert!(refused.expect_err("it throws").to_string().contains("no such thing"));
}

#[test]
fn what_happens_later_is_waited_for() {
    let editor = Editor::start(Options::default());
    editor.lua("vim.defer_fn(function() vim.g.later = 1; vim.rpcnotify(1, 'late', 'a', 2) end, 50)", &[]);
    editor.wait_lua("vim.g.later == 1");
    assert_eq!(editor.wait_notification("late"), [Value::from("a"), Value::from(2)]);
}

#[test]
fn a_wait_in_vain_ends_with_the_screen() {
    let editor = Editor::start(Options { env: vec![("X".into(), "y".into())], ..Options::default() });
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'what is there' })", &[]);
    editor.wait_text("what is there");
    editor.command("echomsg 'a message of the editor'");
    let failed = std::panic::catch_unwind(AssertUnwindSafe(|| editor.fail("what was wanted")));
    let report = failed.expect_err("it fails").downcast::<String>().expect("with a sentence");
    for part in ["what was wanted", "what is there", "a message of the editor"] {
        assert!(report.contains(part), "no {part:?} in:\n{report}");
    }
}

#[test]
fn an_editor_sees_nothing_of_the_users_own() {
    let editor = Editor::start(Options::default());
    let home = editor.home().path().to_string_lossy().into_owned();
    for kind in ["config", "data", "state", "cache"] {
        let path = editor.lua_string("return vim.fn.stdpath(...)", &[kind.into()]);
        assert!(path.starts_with(&home), "{kind}: {path}");
    }
    assert_eq!(editor.lua_string("return vim.env.AGOR_BIN", &[]), env!("CARGO_BIN_EXE_agor-nvim"));
}

#[test]
fn processes_of_a_home_are_found_until_they_end() {
    let home = Arc::new(Home::new());
    let mut editor = Editor::start(Options { home: home.clone(), ..Options::default() });
    let pid = editor.lua("return vim.fn.jobpid(vim.fn.jobstart({ 'cat' }))", &[]).as_u64().expect("a pid");
    let found = leftovers(home.path());
    assert!(found.iter().any(|left| left.pid as u64 == pid && left.command.ends_with("cat")), "{found:?}");
    assert!(found.iter().any(|left| left.pid as u32 == editor.pid()), "{found:?}");
    assert!(!home.wait_quiet(Duration::from_millis(1)).is_empty());
    assert!(editor.quit("qa!").success());
    assert_eq!(home.wait_quiet(Duration::from_secs(20)), []);
}

#[test]
fn what_stays_behind_fails_the_test() {
    let editor = Editor::start(Options { env: Vec::new(), ..Options::default() });
    // Its own session and nobody's job: the editor's end does not end it.
    editor.lua("vim.uv.spawn('setsid', { args = { '-f', 'tail', '-f', '/dev/null' } })", &[]);
    let home = editor.home().clone();
    let waiting = |home: &Home| leftovers(home.path()).iter().any(|left| left.command.starts_with("tail"));
    while !waiting(&home) {
        editor.lua("return 1", &[]);
    }
    drop(editor);
    let left = home.wait_quiet(Duration::from_millis(200));
    left.iter().for_each(|left| left.kill());
    assert!(left.iter().any(|left| left.command.starts_with("tail")), "{left:?}");
    assert_eq!(home.wait_quiet(Duration::from_secs(20)), []);
}
