//! What `@` and `#` bring into a prompt, with the real list of files and a real git behind them.

use std::process::Command;

use crate::support::{Editor, demo_editor, go_to, over, settled, start};

const WIDE: (u16, u16) = (140, 36);

#[track_caller]
fn wait_draft(editor: &Editor, session: &str, text: &str) {
    editor.lua("_G.wanted = ...", &[text.into()]);
    editor.wait_lua(&format!(
        "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{session}/prompt$'), 0, -1, false), '\\n') == _G.wanted"
    ));
}

#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test makes the repository that it needs")]
fn git(editor: &Editor, args: &[&str]) {
    let output = Command::new("git")
        .current_dir(editor.home().project())
        .args(["-c", "user.name=a", "-c", "user.email=a@localhost"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn files_of_the_project_are_offered_as_git_sees_them() {
    let editor = demo_editor(WIDE);
    for path in ["src/main.rs", "src/a file.rs", "target/main.o", ".github/main.yml"] {
        editor.home().write(path, "x\n");
    }
    editor.home().write(".gitignore", "target\n");
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    go_to(&editor, "prompt");
    editor.input("iecho see @main");
    editor.wait_text("src/main.rs");
    editor.wait_no_text("target/main.o");
    editor.wait_no_text(".github/main.yml");
    editor.input("<C-n><C-y>and @.gi");
    editor.wait_text(".github/");
    editor.input("<C-e><BS><BS><BS><BS>@file");
    editor.wait_text("src/a file.rs");
    editor.input("<Tab><C-s>");
    over(&editor, &id);
    editor.wait_text(r#"❯ echo see @src/main.rs and @"src/a file.rs""#);
    wait_draft(&editor, &id, "");
    // What has come since is there when it is asked for.
    editor.home().write("src/brandnew.rs", "x\n");
    editor.input("@brandn<C-e><C-x><C-o>");
    editor.wait_lua(
        "(function()
           if vim.fn.pumvisible() == 1 then return true end
           vim.api.nvim_input('<C-x><C-o>')
         end)()",
    );
    editor.wait_text("src/brandnew.rs");
}

#[test]
fn what_git_says_is_changed_goes_along_or_the_draft_comes_back() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    go_to(&editor, "prompt");
    editor.input("iecho look at #diff<C-s>");
    editor.wait_text("is in no git repository");
    wait_draft(&editor, &id, "echo look at #diff");
    git(&editor, &["init", "-q"]);
    git(&editor, &["add", "a.txt"]);
    git(&editor, &["commit", "-q", "-m", "first"]);
    editor.home().write("a.txt", "first line\nchanged line\n");
    editor.input("<Esc>:<C-u>redraw<CR>A please<C-s>");
    wait_draft(&editor, &id, "");
    editor.wait_text("❯ echo look at #diff please");
    // The demo says what it got.
    editor.wait_text("Output of git diff");
    editor.wait_text("+changed line");
}
