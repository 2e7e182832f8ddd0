//! No text is lost: a stream of very much text through editors that do not listen, a backend that may not grow, and agents
//! that write a byte or a megabyte at a time. Each case prints a line with what was tried and what was found.
//!
//! What is said, and whether it has arrived, is `support/flood.rs`.

use std::{
    fmt, fs,
    os::unix::fs::PermissionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{
    Editor, Home, Options,
    flood::{Flood, Notes, all_has_arrived, memory},
};

const BYTES: usize = 200_000_000;
const PROMPT: &str = "say very much";
/// How long an editor does not listen.
const DEAF: Duration = Duration::from_secs(30);
/// Only so that a hang ends.
const PATIENCE: Duration = Duration::from_secs(1800);
/// What a backend may have that is limited: address space (`ulimit -v`), since an allocation beyond that fails, which
/// nothing survives; a group's limit would only slow it down first, and wants privileges.
const LIMIT_KIB: u64 = 512 * 1024;
/// Of DESIGN.md: 40 MB and one and a half times the text.
const FIXED: f64 = 40.0;
const PER_TEXT: f64 = 1.5;

/// What the editor does while the agent speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Editing {
    Shown,
    /// It waits for Enter.
    HitEnter,
    /// No window shows the transcript.
    Hidden,
    /// SIGSTOP.
    Stopped,
    /// An expression mapping waits for a key: text is locked.
    Getchar,
}

struct Case {
    name: &'static str,
    flood: Flood,
    editing: Editing,
    limited: bool,
}

struct Found {
    /// Bytes of the agent's text.
    text: usize,
    /// The most memory that the backend ever had, and what it had in the end.
    peak: u64,
    rest: u64,
    journal: u64,
    /// Until the last of it was shown, and the export was compared.
    took: Duration,
}

const MB: f64 = 1e6;

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, peak, rest, journal, took } = self;
        let (peak, rest, journal) = (*peak as f64 / MB, *rest as f64 / MB, *journal as f64 / MB);
        let seconds = took.as_secs_f64();
        let over = if peak > self.bound() { "  OVER" } else { "" };
        write!(
            f,
            "{:>7.1} {journal:>9.1} {peak:>7.1} {rest:>7.1} {:>7.1} {seconds:>6.0}{over}",
            *text as f64 / MB,
            self.bound()
        )
    }
}

impl Found {
    fn bound(&self) -> f64 {
        FIXED + PER_TEXT * self.text as f64 / MB
    }
}

fn cases(bytes: usize, seed: u64) -> Vec<Case> {
    let flood = |dialect, bytes, texts, write| Flood { dialect, bytes, texts, write, seed };
    let case = |name, flood, editing| Case { name, flood, editing, limited: false };
    let many = bytes / 2_000_000 + 1;
    vec![
        case("shown, sidecar", flood("sidecar", bytes, many, 1 << 16), Editing::Shown),
        case("shown, claude, 1 MB writes", flood("claude", bytes, many, 1 << 20), Editing::Shown),
        case("shown, acp, one text", flood("acp", bytes, 1, 1 << 16), Editing::Shown),
        case("shown, claude, one text", flood("claude", bytes, 1, 1 << 16), Editing::Shown),
        case("hit-enter for 30 s, acp", flood("acp", bytes, many, 1 << 16), Editing::HitEnter),
        case("hidden, sidecar", flood("sidecar", bytes, many, 1 << 16), Editing::Hidden),
        case("SIGSTOP for 30 s, claude", flood("claude", bytes, many, 1 << 16), Editing::Stopped),
        case("getchar() for 30 s, acp", flood("acp", bytes, many, 1 << 16), Editing::Getchar),
        case("1 byte writes, sidecar", flood("sidecar", bytes / 40, 3, 1), Editing::Shown),
        case("1 byte writes, acp", flood("acp", bytes / 40, 1, 1), Editing::Shown),
        Case { limited: true, ..case("512 MiB, sidecar", flood("sidecar", bytes, many, 1 << 16), Editing::Shown) },
        Case { limited: true, ..case("512 MiB, acp, one text", flood("acp", bytes, 1, 1 << 20), Editing::Shown) },
        Case {
            limited: true,
            ..case("512 MiB, hit-enter, claude", flood("claude", bytes, many, 1 << 16), Editing::HitEnter)
        },
    ]
}

/// What is to be tried.
struct Plan {
    bytes: usize,
    seed: u64,
    only: String,
    backend: String,
}

fn plan(mut words: impl Iterator<Item = String>) -> Option<Plan> {
    let backend = env!("CARGO_BIN_EXE_agor-nvim").to_owned();
    let mut plan = Plan { bytes: BYTES, seed: 1, only: String::new(), backend };
    while let Some(flag) = words.next() {
        let value = words.next()?;
        match flag.as_str() {
            "--bytes" => plan.bytes = value.parse().ok()?,
            "--seed" => plan.seed = value.parse().ok()?,
            "--only" => plan.only = value,
            "--backend" => plan.backend = fs::canonicalize(value).ok()?.to_string_lossy().into_owned(),
            _ => return None,
        }
    }
    Some(plan)
}

/// Succeeds if nothing was lost and no backend was over its bound.
pub fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let Some(Plan { bytes, seed, only, backend }) = plan(words) else {
        eprintln!("soak: text takes --bytes N, --seed N, --only NAME and --backend PATH");
        return ExitCode::from(2);
    };
    println!("{:.0} MB of text a case, seed {seed}, {backend}; in MB:", bytes as f64 / MB);
    println!("{:<30} {:>7} {:>9} {:>7} {:>7} {:>7} {:>6}", "", "text", "journal", "peak", "rest", "bound", "s");
    let mut good = true;
    for case in cases(bytes, seed).iter().filter(|case| case.name.contains(&only)) {
        match catch_unwind(AssertUnwindSafe(|| tried(case, &backend))) {
            Ok(found) => {
                good &= found.peak as f64 / MB <= found.bound();
                println!("{:<30} {found}", case.name);
            }
            Err(_) => {
                good = false;
                println!("{:<30} FAILED, see above", case.name);
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tried(case: &Case, backend: &str) -> Found {
    let began = Instant::now();
    let home = Arc::new(Home::new());
    let (init, notes) = case.flood.setup(&home);
    let init = init
        + "vim.keymap.set('n', 'Q', function()
      _G.waiting = true
      vim.fn.getchar()
      _G.waiting = false
      return ''
    end, { expr = true })\n";
    let program = if case.limited { limited(&home, backend) } else { backend.to_owned() };
    let env = vec![("AGOR_BIN".to_owned(), program)];
    let editor = Editor::start(Options { home, init, env, ..Options::default() });
    let session = editor.start_session(&format!("{{ prompt = '{PROMPT}', open = true }}"));
    let backend = editor.lua("return vim.fn.jobpid(require('agor.state').channel)", &[]);
    let backend = i32::try_from(backend.as_i64().expect("a pid")).expect("a pid");
    disturb(case.editing, &editor);
    settled(&editor, &session, &notes);
    let last = format!("the last words of {}", case.flood.texts - 1);
    if case.editing == Editing::Hidden {
        editor.command(&format!("edit agor://{session}"));
    }
    until(
        &editor,
        &format!(
            "(function()
           local buf = vim.fn.bufnr('^agor://{session}$')
           return table.concat(vim.api.nvim_buf_get_lines(buf, -12, -1, false), '\\n'):find('{last}', 1, true)
         end)()"
        ),
    );
    let text = all_has_arrived(&editor, &session, PROMPT, &notes);
    let journal = editor.home().data().join(format!("agor/sessions/{session}.ndjson"));
    let journal = fs::metadata(journal).map_or(0, |journal| journal.len());
    let [peak, rest] = ["VmHWM", "VmRSS"].map(|field| memory(backend, field));
    assert!(peak > 0, "the backend has died");
    Found { text, peak, rest, journal, took: began.elapsed() }
}

/// A backend that may have no more than so much address space; so may its agents.
fn limited(home: &Home, backend: &str) -> String {
    let path = home.path().join("limited");
    let script = format!("#!/bin/sh\nulimit -v {LIMIT_KIB}\nexec '{backend}' \"$@\"\n");
    fs::write(&path, script).expect("the home takes files");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path.to_string_lossy().into_owned()
}

fn disturb(editing: Editing, editor: &Editor) {
    match editing {
        Editing::Shown => {}
        Editing::Hidden => editor.command("tabnew | tabonly"),
        Editing::HitEnter => {
            editor.input("<Esc>:echo 'a' | echo 'b' | echo 'c'<CR>");
            is_blocked(editor);
            std::thread::sleep(DEAF);
            is_blocked(editor);
            editor.input("<CR>");
        }
        Editing::Getchar => {
            // It takes calls meanwhile, and refuses every change of text.
            editor.input("<Esc>Q");
            until(editor, "_G.waiting");
            std::thread::sleep(DEAF);
            until(editor, "_G.waiting");
            editor.input("x");
        }
        Editing::Stopped => {
            let pid = rustix::process::Pid::from_raw(editor.pid() as i32).expect("a pid");
            rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it is ours");
            std::thread::sleep(DEAF);
            rustix::process::kill_process(pid, rustix::process::Signal::CONT).expect("it is ours");
        }
    }
}

/// It waits for a key, and takes no other call.
fn is_blocked(editor: &Editor) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mode = editor.call("nvim_get_mode", Vec::new());
        let blocking = mode.as_map().and_then(|map| map.iter().find(|(key, _)| key.as_str() == Some("blocking")));
        if blocking.is_some_and(|(_, blocking)| blocking.as_bool() == Some(true)) {
            return;
        }
        assert!(Instant::now() < deadline, "the editor does not wait for a key: {mode}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn settled(editor: &Editor, session: &str, notes: &Notes) {
    let deadline = Instant::now() + PATIENCE;
    while !notes.done() {
        assert!(Instant::now() < deadline, "the agent has not said all that it has to say");
        std::thread::sleep(Duration::from_millis(50));
    }
    until(
        editor,
        &format!(
            "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.status == 'idle' end)"
        ),
    );
}

/// As `Editor::wait_lua`, with more patience.
fn until(editor: &Editor, expression: &str) {
    let deadline = Instant::now() + PATIENCE;
    while editor.lua(&format!("return ({expression}) and true or false"), &[]).as_bool() != Some(true) {
        if Instant::now() > deadline {
            editor.fail(&format!("this never became true: {expression}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
