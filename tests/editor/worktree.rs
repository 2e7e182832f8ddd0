//! `:Agor worktree` in a real editor with real git: what it says and asks, and what it does.

use std::process::Command;

use crate::support::{Editor, Options};

/// An editor in a repository, which answers its questions by the number in `_G.answer` and keeps them in `_G.asked`.
fn editor() -> Editor {
    let editor = Editor::start(Options {
        init: "_G.asked = {}
               vim.ui.select = function(items, opts, done)
                 local format = opts.format_item or tostring
                 table.insert(_G.asked, opts.prompt .. ' ' .. table.concat(vim.tbl_map(format, items), ' | '))
                 done(items[_G.answer])
               end
               vim.ui.input = function(opts, done) done(opts.default) end"
            .into(),
        ..Options::default()
    });
    git(&editor, "project", &["init", "--quiet", "--initial-branch=main"]);
    git(&editor, "project", &["config", "user.name", "Somebody"]);
    git(&editor, "project", &["config", "user.email", "somebody@example.org"]);
    editor.home().write("a.txt", "one\n");
    git(&editor, "project", &["add", "--all"]);
    git(&editor, "project", &["commit", "--quiet", "-m", "first"]);
    editor
}

#[track_caller]
#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test makes the repository that it needs")]
fn git(editor: &Editor, folder: &str, args: &[&str]) -> String {
    let home = editor.home().path();
    let output = Command::new("git").args(args).current_dir(home.join(folder)).env("HOME", home).output();
    let output = output.expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_worktree_is_merged_and_removed_and_every_loss_is_asked_for() {
    let editor = editor();
    editor.input(":AgorStart demo worktree=side echo hello<CR>");
    editor.wait_text("Works in the worktree");
    editor.wait_text("\"echo hello\"");
    let row = "require('agor').sessions()[1]";
    let worktree = editor.home().path().join("project.worktrees/side");
    let cwd = editor.lua_string(&format!("return {row}.cwd"), &[]);
    assert_eq!(cwd, worktree.to_string_lossy());
    std::fs::write(worktree.join("new.txt"), "x\n").expect("a file");
    editor.lua("_G.answer = 1", &[]);
    editor.input(":Agor worktree merge<CR>");
    editor.wait_notified("agor/side is merged into main: 1 commit");
    let asked = editor.lua_string("return table.remove(_G.asked)", &[]);
    assert_eq!(asked, "side: 1 file not committed (new.txt). Commit and merge into main | Cancel");
    assert_eq!(git(&editor, "project", &["log", "-1", "--format=%s"]), "echo hello");
    // It has gone on: one commit more, and a file that is not committed.
    git(&editor, "project.worktrees/side", &["commit", "--quiet", "--allow-empty", "-m", "more"]);
    std::fs::write(worktree.join("a.txt"), "two\n").expect("a file");
    editor.lua("_G.answer = 3", &[]);
    editor.input(":Agor worktree remove<CR>");
    editor.wait_lua("#_G.asked == 1");
    let asked = editor.lua_string("return table.remove(_G.asked)", &[]);
    assert_eq!(
        asked,
        "Remove the worktree side? It has 1 file not committed (a.txt) and 1 commit on no other branch. \
         Its session is stopped first. Remove, keep the branch agor/side, lose the files | \
         Remove it all: 1 file not committed (a.txt) and 1 commit on no other branch | Cancel"
    );
    assert!(worktree.join("a.txt").exists(), "the third choice was no");
    editor.lua("_G.answer = 1", &[]);
    editor.input(":Agor worktree remove<CR>");
    editor.wait_notified("the worktree side is removed; its branch agor/side is kept");
    assert!(!worktree.exists());
    editor.wait_lua(&format!("{row} == nil or {row}.status == 'done'"));
}

#[test]
fn the_menu_says_what_was_done_and_the_diff_shows_it() {
    let editor = editor();
    editor.input(":Agor worktree<CR>");
    editor.wait_notified("there is no worktree of a session here");
    editor.input(":AgorStart demo worktree=side echo hello<CR>");
    editor.wait_text("\"echo hello\"");
    let worktree = editor.home().path().join("project.worktrees/side");
    std::fs::write(worktree.join("new.txt"), "x\ny\n").expect("a file");
    editor.lua("_G.answer = 2", &[]);
    editor.input(":Agor worktree<CR>");
    editor.wait_text("+++ b/new.txt");
    let asked = editor.lua_string("return table.remove(_G.asked)", &[]);
    assert_eq!(
        asked,
        "Worktree side: 1 file changed (+2 -0), 1 file not committed Merge into main | Show the diff | Open in a tab | Keep | Remove | Cancel"
    );
    editor.input(":close<CR>");
    editor.lua("_G.answer = 3", &[]);
    editor.input(":Agor worktree<CR>");
    editor.wait_lua("#vim.api.nvim_list_tabpages() == 2");
    assert_eq!(editor.lua_string("return vim.fn.getcwd()", &[]), worktree.to_string_lossy());
    editor.input(":Agor worktree mrege<CR>");
    editor.wait_notified(
        "unknown action \"mrege\" (did you mean \"merge\"?): use merge, remove, keep, diff, open, create",
    );
}
