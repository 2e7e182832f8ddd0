//! Files of ours are the user's alone, whatever the umask: one run makes all kinds of them, and is looked at; then a link and
//! then a pipe stands in the place of each, and another run harms neither what the links lead to nor waits for the pipes.
//!
//! A program of its own, for the umask is the whole process's.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};

use support::{Editor, Home, Options};

/// By the program: rustix makes none on macOS.
#[expect(clippy::disallowed_methods, reason = "a test prepares a folder")]
fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("every Unix has it");
    assert!(made.success(), "{}", path.display());
}

/// Kinds of files that a run has to have made, by where they are.
const KINDS: &[&str] = &[
    "data/nvim/agor/sessions/",
    "data/nvim/agor/snapshots/",
    "data/nvim/agor/grants/",
    "data/nvim/agor/audit/",
    "data/nvim/agor/trust/",
    "data/nvim/agor/prompts/history.ndjson",
    "data/nvim/agor/prompts/",
    "state/nvim/agor/log/",
    "state/nvim/agor/trace/",
    "state/nvim/agor/peers/",
    "state/nvim/agor/interrupted",
];

/// One Neovim that leaves a file of each kind; sessions are called by `name`. The caller kills it.
fn run(home: &Arc<Home>, name: &str) -> Editor {
    let editor = Editor::start(Options {
        home: Arc::clone(home),
        size: (120, 30),
        init: "vim.o.swapfile, _G.turns = false, 0
               vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end })
               local careful = { protocol = 'sidecar', command = { '<binary>', 'runner', 'demo' }, trust_files = { 'brought.json' } }
               require('agor').setup({ provider = 'demo', trace = true, log = { level = 'debug' },
                 providers = { careful = careful } })"
            .into(),
        args: vec!["a.txt".into()],
        env: vec![("AGOR_DEMO_SPEED".into(), "0".into())],
        ..Options::default()
    });
    // An answer about what the project brings along: it is kept unless a link or a pipe is in the place of what was kept before.
    let careful = editor.start_session(&format!(
        "{{ provider = 'careful', session_id = '{name}-careful', prompt = 'echo started', open = false }}"
    ));
    editor.wait_lua("require('agor.ui.ask').count() > 0 or _G.turns > 0");
    editor.lua(
        "local item = require('agor.ui.ask').items()[1]
         if item then assert(require('agor').answer(item.session_id, item.request_id, 'use')) end",
        &[],
    );
    editor.wait_status(&careful, "idle");
    editor.wait_lua("_G.turns == 1");
    editor.lua("_G.turns = 0", &[]);
    // A change of a file, a grant for good, a prompt in the history, a draft, and a turn that is cut off.
    let session = editor.start_session(&format!("{{ session_id = '{name}', prompt = 'edit a.txt', open = true }}"));
    let asked = "require('agor.ui.ask').count() > 0";
    editor.wait_lua(&format!("{asked} or _G.turns > 0"));
    editor.lua(
        "local item = require('agor.ui.ask').items()[1]
         if item then assert(require('agor').answer(item.session_id, item.request_id, item.options[1].option_id)) end",
        &[],
    );
    editor.wait_lua("_G.turns == 1");
    editor.send(&session, "permission");
    // Where the grant of an earlier run holds nothing is asked.
    editor.wait_lua(&format!("{asked} or _G.turns == 2"));
    editor.lua(
        "local item = require('agor.ui.ask').items()[1]
         if not item then return end
         local request = { session_id = item.session_id, request_id = item.request_id, rule = 1, scope = 'project' }
         require('agor.tell')('grant', request, nil, function()
           require('agor').answer(item.session_id, item.request_id, item.options[1].option_id)
         end)",
        &[],
    );
    editor.wait_lua("_G.turns == 2");
    editor.input(":Agor prompt<CR>echo from the prompt<C-s>");
    editor.wait_transcript(&session, "\"echo from the prompt\"");
    editor.wait_status(&session, "idle");
    editor.input("half a thought<Esc>");
    editor.lua("vim.cmd('doautocmd VimLeavePre')", &[]);
    let cut = editor.start_session(&format!("{{ session_id = '{name}-cut', prompt = 'hang', open = false }}"));
    editor.wait_lua(&format!(
        "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{cut}' and s.turn_started_at ~= nil end)"
    ));
    editor
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, found);
        }
        found.push(path);
    }
}

fn ours(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [home.data().join("agor"), home.state().join("agor")] {
        walk(&folder, &mut found);
        found.push(folder);
    }
    found
}

/// Every file that is not its owner's alone, and every kind of which there is none.
fn loose(home: &Home) -> Vec<String> {
    let all = ours(home);
    let mut wrong: Vec<String> = KINDS
        .iter()
        .filter(|kind| {
            !all.iter()
                .any(|path| path.strip_prefix(home.path()).is_ok_and(|path| path.to_string_lossy().contains(*kind)))
        })
        .map(|kind| format!("nothing at {kind}"))
        .collect();
    for path in all {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let mode = found.mode() & 0o777;
        let closed = if found.is_dir() { mode == 0o700 } else { mode == 0o600 };
        if !closed {
            wrong.push(format!("{mode:o} {}", path.display()));
        }
    }
    wrong
}

/// Puts something in the place of every file; sockets are of who listens.
fn replace(home: &Home, with: impl Fn(&Path, usize)) {
    for (number, path) in ours(home).iter().enumerate() {
        let found = fs::symlink_metadata(path).expect("it is there");
        if found.is_dir() || found.file_type().is_socket() {
            continue;
        }
        fs::remove_file(path).expect("it is ours");
        with(path, number);
    }
}

#[test]
fn files_of_ours_are_the_users_alone_and_links_and_pipes_in_their_places_are_refused() {
    // Whatever the user's is, and it may be none at all.
    rustix::process::umask(rustix::fs::Mode::empty());
    let home = Arc::new(Home::new());
    home.write("a.txt", "one\n");
    home.write("brought.json", "{}\n");
    let mut first = run(&home, "one");
    first.kill();
    first.assert_nothing_left();
    // The next one tells of what was cut off, and that it has.
    let mut second = run(&home, "two");
    second.wait_lua("vim.uv.fs_stat(vim.fn.stdpath('state') .. '/agor/interrupted') ~= nil");
    let wrong = loose(&home);
    assert!(wrong.is_empty(), "{wrong:#?}");
    second.kill();
    second.assert_nothing_left();

    let victims = home.path().join("victims");
    fs::create_dir(&victims).expect("a folder");
    replace(&home, |path, number| {
        let victim = victims.join(number.to_string());
        fs::write(&victim, "kept\n").expect("a file");
        symlink(&victim, path).expect("a link");
    });
    let mut third = run(&home, "three");
    third.wait_notified("no log is written: ");
    third.wait_notified("Drafts and history of prompts cannot be kept in ");
    third.wait_notified("what you answer about the project's own files is not kept: ");
    let notes = third.notifications();
    assert!(notes.matches("is a symbolic link").count() >= 3, "{notes}");
    third.kill();
    third.assert_nothing_left();
    let kept: BTreeMap<String, String> = fs::read_dir(&victims)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.to_string_lossy().into_owned(), fs::read_to_string(&path).expect("text")))
        .filter(|(_, text)| text != "kept\n")
        .collect();
    assert!(kept.is_empty(), "{kept:#?}");

    replace(&home, |path, _| pipe(path));
    let mut fourth = run(&home, "four");
    let notes = fourth.notifications();
    assert!(notes.contains("is no regular file"), "{notes}");
    fourth.kill();
}
