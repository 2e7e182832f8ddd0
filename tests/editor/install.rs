//! The ways to install it, each from an empty home. Cargo is a stand-in that puts the backend of this very build into the
//! target folder, so that nothing is compiled twice; all else is as on a user's machine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::support::{Editor, Home, Options, repository};

const BACKEND: &str = env!("CARGO_BIN_EXE_agor-nvim");

/// Says what cargo says, and copies instead of compiling. `$HOME/break` makes it fail.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = --version ] && { echo 'cargo 1.99.0 (0123456 2026-01-01)'; exit; }
while [ $# -gt 0 ]; do [ "$1" = --target-dir ] && dir=$2; shift; done
printf '   Compiling serde v1.0.0\n    Building [=====>      ] 7/9: serde\r' >&2
# Until somebody has read it: what is shown is the test's matter.
while [ -e "$HOME/hold" ]; do sleep 0.02; done
[ -e "$HOME/break" ] && { echo 'error: could not compile `agor-nvim`' >&2; exit 101; }
mkdir -p "$dir/release" && cp "$AGOR_TEST_BACKEND" "$dir/release/agor-nvim"
"#;

/// What git would check out: what a running plugin reads, and nothing that a build has left.
fn checkout(into: &Path) {
    for name in ["lua", "plugin", "doc", "build.lua", "checksums.txt", "Cargo.toml"] {
        copy(&repository().join(name), &into.join(name));
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().expect("a file has a folder")).expect("the home takes folders");
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    for entry in fs::read_dir(from).expect("it is a folder of the repository") {
        let name = entry.expect("it can be read").file_name();
        if name != "tags" {
            copy(&from.join(&name), &to.join(&name));
        }
    }
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a program has a folder")).expect("the home takes folders");
    fs::write(path, text).expect("the home takes files");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// A clone in `pack/*/start`, with the stand-in for cargo on `PATH`, not built.
fn options(init: &str) -> Options {
    let options = Options { init: init.into(), bare: true, size: (110, 40), ..Options::default() };
    checkout(&clone_of(&options.home));
    program(&options.home.path().join("bin/cargo"), CARGO);
    let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", options.home.path().display());
    let env = vec![
        ("PATH".into(), path),
        ("AGOR_TEST_BACKEND".into(), BACKEND.into()),
        ("AGOR_DEMO_SPEED".into(), "0".into()),
    ];
    Options { env, ..options }
}

fn clone_of(home: &Home) -> PathBuf {
    home.data().join("site/pack/agor/start/agor.nvim")
}

fn built(init: &str) -> Editor {
    let options = options(init);
    let program = clone_of(&options.home).join("bin/agor-nvim");
    fs::create_dir_all(program.parent().expect("a program has a folder")).expect("the home takes folders");
    fs::copy(BACKEND, &program).expect("the backend is built");
    Editor::start(options)
}

#[track_caller]
fn streams(editor: &Editor) {
    editor.command("let v:errmsg = ''");
    editor.input(":AgorStart demo stream 5 0 20<CR>");
    editor.wait_text("❯ stream 5 0 20");
    editor.wait_lua("(require('agor').sessions()[1] or {}).status == 'idle'");
    assert_eq!(editor.lua_string("return vim.v.errmsg", &[]), "");
}

/// The health check's text.
#[track_caller]
fn health(editor: &Editor) -> String {
    editor.command("checkhealth agor");
    editor.lua_string("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')", &[])
}

#[track_caller]
fn says(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
}

#[test]
fn a_clone_in_a_pack_folder_is_built_by_one_command() {
    let editor = Editor::start(options(""));
    editor.input(":AgorStart demo<CR>");
    editor.wait_text("The backend is not built yet: run :Agor build");
    editor.command("helptags ALL");

    fs::write(editor.home().path().join("hold"), "").expect("the home takes files");
    editor.input(":Agor build<CR>");
    editor.wait_text("building the backend: 7/9");
    fs::remove_file(editor.home().path().join("hold")).expect("it is there");
    editor.wait_text("agor: the backend is built; :AgorStart starts a session");
    assert!(clone_of(editor.home()).join("bin/agor-nvim").exists());
    streams(&editor);

    editor.command("help agor");
    editor.wait_text("agor-requirements");
    assert!(editor.lua_string("return vim.api.nvim_buf_get_name(0)", &[]).ends_with("agor.nvim/doc/agor.txt"));
}

#[test]
fn a_build_that_fails_says_why_and_where_the_rest_is() {
    let editor = Editor::start(options(""));
    fs::write(editor.home().path().join("break"), "").expect("the home takes files");
    editor.input(":Agor build<CR>");
    editor.wait_lua("vim.fn.execute('messages'):gsub('%s+', ' '):find('could not compile', 1, true)");
    let path = editor.home().state().join("agor/build.log");
    let log = fs::read_to_string(&path).expect("the log is kept");
    says(&log, "error: could not compile");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn without_any_setup_it_works() {
    streams(&built(""));
}

#[test]
fn with_setup_it_works() {
    let editor = built("require('agor').setup({ provider = 'demo', window = { position = 'bottom' } })");
    streams(&editor);
    editor.command("AgorStart");
    editor.wait_lua("#require('agor').sessions() == 2");
}

#[test]
fn with_the_global_and_the_loader_it_works() {
    let editor = built("vim.loader.enable()\nvim.g.agor = function() return { provider = 'demo' } end");
    streams(&editor);
    // The loader's cache of the first start serves the second.
    let home = editor.home().clone();
    drop(editor);
    let again = Options { home, init: "vim.loader.enable()".into(), bare: true, ..Options::default() };
    streams(&Editor::start(again));
}

/// As lazy.nvim does it: the file is loaded, run in a coroutine, and stepped; what it yields is shown, an error is shown.
const STEP_BUILD: &str = "
    local file = ...
    _G.shown, _G.failed, _G.over = {}, nil, false
    local co = coroutine.create(function()
      local ok, err = pcall(assert(loadfile(file)))
      _G.failed, _G.over = not ok and tostring(err) or nil, true
    end)
    local function step()
      if coroutine.status(co) == 'dead' then return end
      local _, text = coroutine.resume(co, _G.abort)
      if text then table.insert(_G.shown, text) end
      vim.schedule(step)
    end
    step()";

fn run_build_file(editor: &Editor) {
    let file = clone_of(editor.home()).join("build.lua");
    editor.lua(STEP_BUILD, &[file.to_string_lossy().as_ref().into()]);
}

#[test]
fn a_plugin_manager_that_runs_the_build_file_sees_its_progress() {
    let editor = Editor::start(options(""));
    let hold = editor.home().path().join("hold");
    fs::write(&hold, "").expect("the home takes files");
    run_build_file(&editor);
    editor.wait_lua("vim.list_contains(_G.shown, 'building the backend: 7/9')");
    fs::remove_file(hold).expect("it is there");
    editor.wait_lua("_G.over");
    assert!(editor.lua("return _G.failed", &[]).is_nil());
    streams(&editor);
}

#[test]
fn a_plugin_manager_sees_why_the_build_failed() {
    let editor = Editor::start(options(""));
    fs::write(editor.home().path().join("break"), "").expect("the home takes files");
    run_build_file(&editor);
    editor.wait_lua("_G.over");
    says(&editor.lua_string("return _G.failed", &[]), "agor: the backend could not be built: error: could not compile");
}

#[test]
fn a_plugin_manager_may_give_the_build_up() {
    let editor = Editor::start(options(""));
    let hold = editor.home().path().join("hold");
    fs::write(&hold, "").expect("the home takes files");
    run_build_file(&editor);
    editor.wait_lua("#_G.shown > 0");
    editor.lua("_G.abort = 'abort'", &[]);
    editor.wait_lua("_G.over");
    says(&editor.lua_string("return _G.failed", &[]), "given up");
    fs::remove_file(hold).expect("it is there");
}

/// A folder of releases, with one for this machine whose program is `text`, and a stand-in for curl that copies from there
/// and keeps its words. The checkout names the checksum of `named`.
fn released(text: &[u8], named: &[u8]) -> Options {
    let mut options = options("");
    let home = options.home.path().to_owned();
    let asset = format!("agor-nvim-{}-{}-linux", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    let release = home.join(format!("releases/v{}", env!("CARGO_PKG_VERSION")));
    fs::create_dir_all(&release).expect("the home takes folders");
    fs::write(release.join(&asset), text).expect("the home takes files");
    fs::write(home.join("named"), named).expect("the home takes files");
    #[expect(clippy::disallowed_methods, reason = "a test computes what the installer has to find")]
    let sums = std::process::Command::new("sha256sum").arg(home.join("named")).output().expect("coreutils are there");
    let sum = String::from_utf8(sums.stdout).expect("it prints digits")[..64].to_owned();
    let list = clone_of(&options.home).join("checksums.txt");
    let comments = fs::read_to_string(&list).expect("it is checked out");
    fs::write(list, format!("{comments}{sum}  {asset}\n")).expect("the home takes files");
    program(&home.join("bin/curl"), CURL);
    options.init = format!("vim.g.agor = {{ releases = 'file://{}/releases/' }}", home.display());
    options
}

const CURL: &str = r#"#!/bin/sh
printf '%s\n' "$@" >"$HOME/curl.words"
for url; do :; done
while [ $# -gt 0 ]; do [ "$1" = --output ] && to=$2; shift; done
printf '######## 42.5%%\r' >&2
while [ -e "$HOME/hold" ]; do sleep 0.02; done
cp "${url#file://}" "$to" 2>/dev/null || { echo 'curl: (37) Could not open file' >&2; exit 37; }
"#;

/// All that it was told, on one line.
fn told(editor: &Editor) -> String {
    editor.lua_string("return (vim.fn.execute('messages'):gsub('%s+', ' '))", &[])
}

/// It was built by cargo, and the reason was said.
#[track_caller]
fn builds_instead(options: Options, why: &str) {
    let editor = Editor::start(options);
    editor.input(":Agor install<CR>");
    editor.wait_lua("vim.fn.execute('messages'):find('backend is built')");
    says(&told(&editor), why);
    let left = fs::read_dir(clone_of(editor.home()).join("bin")).expect("cargo's is there");
    let left: Vec<_> = left.map(|entry| entry.expect("it can be read").file_name()).collect();
    assert_eq!(left, ["agor-nvim"], "nothing of the download is left");
    streams(&editor);
}

#[test]
fn a_release_is_fetched_by_one_command() {
    let backend = fs::read(BACKEND).expect("the backend is built");
    let options = released(&backend, &backend);
    // A release can be had without Rust.
    fs::remove_file(options.home.path().join("bin/cargo")).expect("it is there");
    fs::write(options.home.path().join("hold"), "").expect("the home takes files");
    let editor = Editor::start(options);
    editor.input(":Agor install<CR>");
    editor.wait_text("fetching the backend: 42 %");
    fs::remove_file(editor.home().path().join("hold")).expect("it is there");
    editor.wait_text("agor: the backend is installed; :AgorStart starts a session");
    let words = fs::read_to_string(editor.home().path().join("curl.words")).expect("it was asked");
    assert!(words.starts_with("--disable\n") && words.contains("--proto\n=https,file\n"), "{words}");
    streams(&editor);
}

#[test]
fn a_fetched_program_with_another_checksum_is_thrown_away_and_never_run() {
    let ran = "#!/bin/sh\ntouch \"$HOME/ran\"\n";
    let options = released(ran.as_bytes(), b"another program");
    let trace = options.home.path().join("ran");
    builds_instead(options, "which this checkout names: it was thrown away");
    assert!(!trace.exists());
}

#[test]
fn a_fetched_program_that_is_another_version_is_not_taken() {
    let other = b"#!/bin/sh\necho 'agor-nvim 0.0.1 (protocol 1)'\n";
    builds_instead(released(other, other), "it says \"agor-nvim 0.0.1 (protocol 1)\" and not \"agor-nvim ");
}

#[test]
fn a_release_that_cannot_be_fetched_is_built() {
    let options = released(b"", b"");
    fs::remove_dir_all(options.home.path().join("releases")).expect("it is there");
    builds_instead(options, "could not be fetched: curl: (37) Could not open file");
}

#[test]
fn a_checkout_that_is_no_release_is_built() {
    let options = released(b"", b"");
    fs::write(clone_of(&options.home).join("checksums.txt"), "# none\n").expect("the home takes files");
    builds_instead(options, "this checkout names no checksum for agor-nvim-");
}

#[test]
fn without_a_release_and_without_cargo_both_are_said() {
    let options = released(b"", b"another");
    fs::remove_file(options.home.path().join("bin/cargo")).expect("it is there");
    let editor = Editor::start(options);
    editor.input(":Agor install<CR>");
    editor.wait_lua("vim.fn.execute('messages'):gsub('%s+', ' '):find('install Rust', 1, true)");
    let told = told(&editor);
    says(&told, "it was thrown away; and building the backend needs cargo");
    assert!(!told.contains("fetch a release"), "that has just failed: {told}");
    // What was said on the way does not come after it, as if something were still being done.
    editor.wait_text("neither fetched nor built");
    editor.command("redraw");
    assert!(!editor.screen().contains("building it instead"), "{}", editor.screen());
    assert!(!clone_of(editor.home()).join("bin/agor-nvim").exists());
}

#[test]
fn the_health_check_says_how_to_build() {
    let editor = Editor::start(options(""));
    let text = health(&editor);
    says(&text, "ERROR The backend is not built yet: run :Agor build");
    says(&text, "OK cargo 1.99.0 (0123456 2026-01-01) can build it");
    // Without it there is not even the demo.
    says(&text, "WARNING The backend is not built yet: run :Agor build");
    says(&text, "demo (the demo agent): it comes with the backend");
    assert!(!text.contains(":AgorStart demo"), "{text}");
}

#[test]
fn the_health_check_names_a_cargo_that_is_too_old() {
    let options = options("");
    program(&options.home.path().join("bin/cargo"), "#!/bin/sh\necho 'cargo 1.70.0 (ec8a8a0 2023-04-25)'\n");
    let text = health(&Editor::start(options));
    says(&text, "WARNING building the backend needs Rust 1.89 or newer, and cargo is 1.70.0: run `rustup update`");
}

#[test]
fn the_health_check_tells_which_of_several_programs_is_used() {
    let editor = built("");
    let home = editor.home().path();
    program(&home.join("bin/claude"), "#!/bin/sh\necho '2.1.197 (Claude Code)'\n");
    program(&home.join(".local/bin/claude"), "#!/bin/sh\necho '1.0.0 (Claude Code)'\n");
    let text = health(&editor);
    says(
        &text,
        &format!("OK claude (Claude Code): {}/bin/claude, 2.1.197 (Claude Code), the one used", home.display()),
    );
    says(&text, &format!("claude (Claude Code): {}/.local/bin/claude, 1.0.0 (Claude Code), not used", home.display()));
    says(&text, "OK :AgorStart without a name starts claude");
    says(&text, "OK nothing is wrong with it");
    let program = clone_of(editor.home()).join("bin/agor-nvim");
    says(&text, &format!("OK {}, version {}", program.display(), env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_health_check_names_folders_that_cannot_be_written() {
    let options = options("");
    // Not by permissions: root may write everywhere.
    fs::create_dir(options.home.state()).expect("the home takes folders");
    fs::write(options.home.state().join("agor"), "no folder").expect("the home takes files");
    let text = health(&Editor::start(options));
    says(&text, "/state/nvim/agor cannot be written: journals and logs are not kept there");
    says(&text, "/data/nvim/agor can be written");
}

#[test]
fn the_health_check_names_a_neovim_that_is_too_old() {
    let editor = built("");
    // As 0.10 would answer.
    editor.lua(
        "local has = vim.fn.has vim.fn.has = function(what) return what == 'nvim-0.11' and 0 or has(what) end",
        &[],
    );
    says(&health(&editor), "is too old: agor needs 0.11 or newer");
}

#[test]
fn the_help_has_no_tag_twice_and_every_reference_leads_somewhere() {
    let editor = built("");
    editor.command("helptags ALL");
    let missing = editor.lua_string(
        "local file = ...
         local text = table.concat(vim.fn.readfile(file), '\\n')
         local missing = {}
         for tag in text:gmatch('|([^%s|]+)|') do
           if not vim.list_contains(vim.fn.getcompletion(tag, 'help'), tag) then table.insert(missing, tag) end
         end
         return table.concat(missing, ' ')",
        &[clone_of(editor.home()).join("doc/agor.txt").to_string_lossy().as_ref().into()],
    );
    assert_eq!(missing, "");
}
