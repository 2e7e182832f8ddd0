//! A real Neovim with a user interface attached: what a user types goes in, what a user sees comes out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rmpv::Value;

use super::{
    grid::Highlight,
    home::{Home, repository, wait_for_exit},
    rpc::{Rpc, RpcError},
};

/// How long anything may take that must happen. Only a hang ever reaches it.
fn patience() -> Duration {
    let seconds = std::env::var("AGOR_TEST_TIMEOUT").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

pub struct Options {
    /// Columns and lines.
    pub size: (u16, u16),
    /// Shared by editors that follow each other; a fresh one by default.
    pub home: Arc<Home>,
    /// Lua that is run as the user's `init.lua`, with the plugin on the runtime path.
    pub init: String,
    /// Further arguments, such as files to open.
    pub args: Vec<String>,
    /// Added to the environment last.
    pub env: Vec<(String, String)>,
    /// The project of the home, if not set.
    pub cwd: Option<PathBuf>,
    /// Neither the plugin on the runtime path nor a backend named: the home has them, or has not.
    pub bare: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            size: (100, 30),
            home: Arc::new(Home::new()),
            init: String::new(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            bare: false,
        }
    }
}

pub struct Editor {
    child: Child,
    rpc: Rpc,
    home: Arc<Home>,
}

impl Editor {
    #[track_caller]
    pub fn start(options: Options) -> Self {
        let home = options.home;
        let init = home.path().join("init.lua");
        let head = match options.bare {
            true => String::new(),
            false => format!("vim.opt.rtp:prepend({})\n", quoted(&repository().to_string_lossy())),
        };
        fs::write(&init, head + &options.init).expect("the home takes files");

        #[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test starts the editor itself")]
        let mut command = Command::new(neovim());
        without_ours(&mut command);
        command
            .args(["--embed", "-u"])
            .arg(&init)
            .args(&options.args)
            .current_dir(options.cwd.unwrap_or_else(|| home.project()))
            .envs(home.environment())
            .envs([("LANG", "C.UTF-8"), ("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])
            .envs((!options.bare).then_some(("AGOR_BIN", env!("CARGO_BIN_EXE_agor-nvim"))))
            .envs(options.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(home.path().join("nvim.stderr")).expect("the home takes files"));
        let mut child = command.spawn().expect("Neovim starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let editor = Editor { child, rpc: Rpc::new(stdin, stdout), home };

        let (width, height) = options.size;
        let options = ["ext_linegrid", "ext_hlstate", "rgb"].map(|name| (name.into(), true.into())).to_vec();
        // `--embed` waits with its start for this.
        editor.call("nvim_ui_attach", vec![width.into(), height.into(), Value::Map(options)]);
        editor.wait_lua("vim.v.vim_did_enter == 1");
        editor
    }

    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Any API function; a refusal ends the test.
    #[track_caller]
    pub fn call(&self, method: &str, args: Vec<Value>) -> Value {
        match self.try_call(method, args) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("{method}: {error}")),
        }
    }

    pub fn try_call(&self, method: &str, args: Vec<Value>) -> Result<Value, RpcError> {
        self.rpc.call(method, args, Instant::now() + patience())
    }

    /// Runs a chunk of Lua; its arguments are `...`, its `return` is the result.
    #[track_caller]
    pub fn lua(&self, code: &str, args: &[Value]) -> Value {
        self.call("nvim_exec_lua", vec![code.into(), Value::Array(args.to_vec())])
    }

    /// The same for what must be a string.
    #[track_caller]
    pub fn lua_string(&self, code: &str, args: &[Value]) -> String {
        let value = self.lua(code, args);
        match value.as_str() {
            Some(text) => text.to_owned(),
            None => self.fail(&format!("{code}: want a string, got {value}")),
        }
    }

    /// An Ex command, as from a script.
    #[track_caller]
    pub fn command(&self, command: &str) {
        self.call("nvim_command", vec![command.into()]);
    }

    /// Types: `<CR>`, `<C-w>` and the like are keys, `<lt>` is `<`.
    #[track_caller]
    pub fn input(&self, keys: &str) {
        let mut rest = keys;
        while !rest.is_empty() {
            let taken = self.call("nvim_input", vec![rest.into()]).as_u64().unwrap_or(0) as usize;
            // The typeahead buffer takes what fits.
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// As if the user had pulled at the terminal's corner.
    #[track_caller]
    pub fn resize(&self, columns: u16, lines: u16) {
        self.call("nvim_ui_try_resize", vec![columns.into(), lines.into()]);
        self.wait_screen(&format!("{lines} lines"), |rows| rows.len() == usize::from(lines));
    }

    /// As a terminal pastes: newlines are text, nothing is mapped.
    #[track_caller]
    pub fn paste(&self, text: &str) {
        self.call("nvim_paste", vec![text.into(), true.into(), (-1).into()]);
    }

    /// The rows of the screen as of the last flush, without trailing blanks.
    pub fn rows(&self) -> Vec<String> {
        self.rpc.state().grid.shown.rows()
    }

    pub fn screen(&self) -> String {
        self.rows().join("\n")
    }

    /// Row and column of the cursor on the screen, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        self.rpc.state().grid.shown.cursor
    }

    /// Neovim's name of the mode that the cursor shows, e.g. `normal`, `insert`.
    pub fn mode(&self) -> String {
        self.rpc.state().grid.shown.mode.clone()
    }

    pub fn flushes(&self) -> u64 {
        self.rpc.state().grid.flushes
    }

    /// How the cell at this row and column, from 0, looks.
    #[track_caller]
    pub fn highlight_at(&self, row: usize, col: usize) -> Highlight {
        let state = self.rpc.state();
        let id = state.grid.shown.highlight_id(row, col);
        let found = id.map(|id| state.grid.highlight(id));
        drop(state);
        found.unwrap_or_else(|| self.fail(&format!("there is no cell at row {row}, column {col}")))
    }

    /// What was drawn so far that a terminal would have obeyed, and what else it was told, in the order it came.
    pub fn terminal(&self) -> (Vec<String>, Vec<String>) {
        let state = self.rpc.state();
        (state.grid.obeyed.clone(), state.grid.told.clone())
    }

    /// Where a text stands on the screen: row and column of its first cell.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        let column = |row: &String| row.find(text).map(|at| unicode_width::UnicodeWidthStr::width(&row[..at]));
        self.rows().iter().enumerate().find_map(|(index, row)| Some((index, column(row)?)))
    }

    #[track_caller]
    pub fn wait_screen(&self, what: &str, mut holds: impl FnMut(&[String]) -> bool) {
        let found = self.rpc.wait(Instant::now() + patience(), |state| {
            let holds = holds(&state.grid.shown.rows());
            (holds || state.closed).then_some(holds)
        });
        if found != Some(true) {
            self.fail(&format!("the screen never showed {what}"));
        }
    }

    #[track_caller]
    pub fn wait_text(&self, text: &str) {
        self.wait_screen(&format!("{text:?}"), |rows| rows.iter().any(|row| row.contains(text)));
    }

    #[track_caller]
    pub fn wait_no_text(&self, text: &str) {
        self.wait_screen(&format!("itself without {text:?}"), |rows| !rows.iter().any(|row| row.contains(text)));
    }

    /// Waits for a Lua expression to become true. It is asked again after each flush, and after 20 ms without one.
    #[track_caller]
    pub fn wait_lua(&self, expression: &str) {
        let code = format!("return ({expression}) and true or false");
        let deadline = Instant::now() + patience();
        loop {
            let seen = self.flushes();
            match self.rpc.call("nvim_exec_lua", vec![code.as_str().into(), Value::Array(Vec::new())], deadline) {
                Ok(Value::Boolean(true)) => return,
                Ok(_) if Instant::now() < deadline => {
                    let soon = Instant::now() + Duration::from_millis(20);
                    self.rpc.wait(soon, |state| (state.closed || state.grid.flushes != seen).then_some(()));
                }
                Ok(_) => self.fail(&format!("this never became true: {expression}")),
                Err(error) => self.fail(&format!("{expression}: {error}")),
            }
        }
    }

    /// Waits for `vim.rpcnotify(1, method, …)` or `rpcnotify(0, …)` and takes it.
    #[track_caller]
    pub fn wait_notification(&self, method: &str) -> Vec<Value> {
        let found = self.rpc.wait(Instant::now() + patience(), |state| {
            let index = state.notifications.iter().position(|(name, _)| name == method);
            match index {
                Some(index) => Some(Some(state.notifications.remove(index).1)),
                None => state.closed.then_some(None),
            }
        });
        match found.flatten() {
            Some(args) => args,
            None => self.fail(&format!("no notification {method:?} came")),
        }
    }

    /// Ends the editor by an Ex command such as `qa!` and returns how it ended.
    #[track_caller]
    pub fn quit(&mut self, command: &str) -> ExitStatus {
        // The answer may be lost with the channel.
        let _ = self.rpc.notify("nvim_command", vec![command.into()]);
        self.wait_exit()
    }

    /// Closes the channel, as a user interface that dies does.
    #[track_caller]
    pub fn hang_up(&mut self) -> ExitStatus {
        self.cut_off();
        self.wait_exit()
    }

    /// Closes the channel and waits for nothing: Neovim may stay, with nobody to press a key.
    pub fn cut_off(&self) {
        self.rpc.hang_up();
    }

    /// Waits until a process that this editor has started has ended, whatever the editor itself does.
    #[track_caller]
    pub fn wait_end_of(&self, pid: i32) {
        if !wait_for_exit(pid, patience()) {
            self.fail(&format!("{pid} is still there"));
        }
    }

    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        if !wait_for_exit(self.child.id() as i32, patience()) {
            self.fail("Neovim did not end");
        }
        self.child.wait().expect("our own child can be waited for")
    }

    /// SIGKILL: no autocommand runs, no goodbye is said.
    pub fn kill(&mut self) {
        // Ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until nothing of this home runs any more; what is left then is named, and killed so that it cannot spoil
    /// another test.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        let left = self.home.wait_quiet(patience());
        left.iter().for_each(super::home::Leftover::kill);
        assert!(left.is_empty(), "left running: {left:#?}\nthe backend's log ends in:\n{}", self.home.log_tail());
    }

    /// Ends the test with all that there is to see.
    #[track_caller]
    pub fn fail(&self, message: &str) -> ! {
        let soon = Instant::now() + Duration::from_secs(2);
        let ask = |method: &str, args: Vec<Value>| match self.rpc.call(method, args, soon) {
            Ok(value) => value.to_string(),
            Err(error) => format!("({error})"),
        };
        let mode = ask("nvim_get_mode", Vec::new());
        let output = Value::Map(vec![("output".into(), true.into())]);
        let messages = ask("nvim_exec2", vec!["messages".into(), output]).replace("\\n", "\n");
        let stderr = fs::read_to_string(self.home.path().join("nvim.stderr")).unwrap_or_default();
        let width = self.rows().iter().map(|row| row.chars().count()).max().unwrap_or(0);
        let frame = "─".repeat(width);
        panic!(
            "{message}\n{frame}\n{}\n{frame}\nmode: {mode}\n:messages: {messages}\nstderr: {stderr}\nthe backend's log ends in:\n{}",
            self.screen(),
            self.home.log_tail()
        );
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.kill();
        // A home that goes on is looked at by its last editor.
        if Arc::strong_count(&self.home) > 1 && !std::thread::panicking() {
            return;
        }
        if std::thread::panicking() {
            self.home.wait_quiet(Duration::from_secs(5)).iter().for_each(super::home::Leftover::kill);
        } else {
            self.assert_nothing_left();
        }
    }
}

/// Takes out of a command's environment what would make the editor or an agent another one than a user's.
pub fn without_ours(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let foreign = ["NVIM", "VIM", "AGOR_", "CLAUDE", "CODEX", "OLLAMA", "ANTHROPIC_", "XDG_"];
        if name.to_str().is_some_and(|name| foreign.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
}

/// `$AGOR_NVIM`, then what `scripts/get-nvim` fetched, then the one on `PATH`; 0.11 or newer.
pub fn neovim() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let named = std::env::var_os("AGOR_NVIM").filter(|name| !name.is_empty()).map(PathBuf::from);
        let fetched = repository().join(".deps/nvim/bin/nvim");
        let candidates = named.map_or_else(|| vec![fetched, PathBuf::from("nvim")], |named| vec![named]);
        let found = candidates.iter().find(|path| is_new_enough(path));
        found.cloned().unwrap_or_else(|| {
            panic!("no Neovim 0.11 or newer among {candidates:?}: run scripts/get-nvim, or set AGOR_NVIM to one")
        })
    })
}

fn is_new_enough(program: &Path) -> bool {
    #[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test starts the editor itself")]
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let Ok(output) = output else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(version) = text.strip_prefix("NVIM v") else { return false };
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next(), parts.next()) >= (Some(0), Some(11))
}

/// A Lua string literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}
