//! A Neovim in a terminal, as a user has it: a terminal emulator with a real pty, a shell in it, and Neovim's two processes.
//!
//! The emulator is util-linux's `script`: when it is killed the pty's master is closed, and the kernel tells those who are
//! in the terminal. What is asked of the editor goes over its socket, what a user types over the terminal.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use agor_nvim::keeper::tree::Process;
use rmpv::Value;

use crate::{
    support::{Home, Rpc, neovim, without_ours},
    watch,
};

/// How long anything may take that must happen. Only a hang ever reaches it.
const PATIENCE: Duration = Duration::from_secs(90);
/// What the shell says when Neovim has gone.
const BACK: &str = "back at the shell";
/// What a terminal says when it is asked whether it is there, and what it is: an editor waits for that.
const ANSWERS: [(&[u8], &[u8]); 2] = [(b"\x1b[5n", b"\x1b[0n"), (b"\x1b[c", b"\x1b[?62;22c")];

#[derive(Default)]
struct Screen {
    said: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Screen {
    fn said(&self) -> MutexGuard<'_, Vec<u8>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Terminal {
    pub home: Arc<Home>,
    emulator: Child,
    keyboard: Arc<Mutex<ChildStdin>>,
    screen: Arc<Screen>,
    rpc: Rpc,
    /// Neovim's process in the terminal.
    pub client: i32,
    /// Neovim's process that has the buffers.
    pub server: i32,
}

impl Terminal {
    /// With `init` as the user's `init.lua`.
    pub fn open(home: &Arc<Home>, name: &str, init: &str, env: &[(String, String)]) -> Self {
        let file = home.path().join(format!("{name}.lua"));
        let text = format!("vim.opt.rtp:prepend('{}')\n{init}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(&file, text).expect("the home takes files");
        let socket = home.path().join(format!("run/{name}.sock"));
        let _ = std::fs::remove_file(&socket);
        let line = format!(
            "stty rows 40 cols 140; '{}' -u '{}' --listen '{}' a.txt; echo '{BACK}'",
            neovim().display(),
            file.display(),
            socket.display()
        );
        #[allow(clippy::disallowed_methods, reason = "the rule is the backend's: the soak starts the terminal itself")]
        let mut command = Command::new("script");
        without_ours(&mut command);
        command
            .args(["-q", "-c", &line, "/dev/null"])
            .current_dir(home.project())
            .envs(home.environment())
            .envs([("LANG", "C.UTF-8"), ("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("SHELL", "/bin/sh")])
            .envs([("AGOR_BIN", env!("CARGO_BIN_EXE_agor-nvim")), ("AGOR_DEMO_SPEED", "0")])
            .envs(env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut emulator = command.spawn().expect("util-linux's script is installed");
        watch::is_ours(emulator.id());
        let keyboard = Arc::new(Mutex::new(emulator.stdin.take().expect("it is piped")));
        let output = emulator.stdout.take().expect("it is piped");
        let screen = Arc::new(Screen::default());
        std::thread::spawn({
            let (screen, keyboard) = (Arc::clone(&screen), Arc::clone(&keyboard));
            move || look(output, &screen, &keyboard)
        });
        let stream = connect(&socket);
        let rpc = Rpc::new(stream.try_clone().expect("a socket has two ends"), stream);
        let mut terminal = Self { home: Arc::clone(home), emulator, keyboard, screen, rpc, client: 0, server: 0 };
        terminal.wait("vim.v.vim_did_enter == 1");
        let pid = terminal.lua("return vim.fn.getpid()", &[]).as_i64().expect("a pid");
        terminal.server = i32::try_from(pid).expect("a pid");
        terminal.client = Process::read(terminal.server).expect("it has just answered").parent;
        terminal
    }

    /// Runs a chunk of Lua; its arguments are `...`, its `return` is the result.
    #[track_caller]
    pub fn lua(&self, code: &str, args: &[Value]) -> Value {
        let args = vec![code.into(), Value::Array(args.to_vec())];
        match self.rpc.call("nvim_exec_lua", args, Instant::now() + PATIENCE) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("{code}: {error}")),
        }
    }

    #[track_caller]
    pub fn text(&self, code: &str, args: &[Value]) -> String {
        let value = self.lua(code, args);
        value.as_str().map_or_else(|| self.fail(&format!("{code}: {value}")), str::to_owned)
    }

    /// Waits for a Lua expression to become true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.lua(&format!("return ({expression}) and true or false"), &[]) != Value::Boolean(true) {
            if Instant::now() > end {
                self.fail(&format!("this never became true: {expression}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The backend's process, if there is one.
    pub fn backend(&self) -> Option<i32> {
        let pid = self.lua("local backend = require('agor.state').backend return backend and backend.pid", &[]);
        pid.as_i64().and_then(|pid| i32::try_from(pid).ok())
    }

    /// Keys, as the terminal sends them.
    pub fn input(&self, keys: &str) {
        let mut keyboard = self.keyboard.lock().unwrap_or_else(PoisonError::into_inner);
        // A terminal that is gone by now needs no keys.
        let _ = keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush());
    }

    /// A command line, whatever mode the editor is in.
    pub fn command(&self, line: &str) {
        self.input(&format!("\x1c\x0e:{line}\r"));
    }

    /// Waits until the shell is back; `None` if it does not come.
    pub fn wait_shell(&self, limit: Duration) -> Option<Instant> {
        let end = Instant::now() + limit;
        let mut said = self.screen.said();
        loop {
            if said.windows(BACK.len()).any(|window| window == BACK.as_bytes()) {
                return Some(Instant::now());
            }
            let left = end.checked_duration_since(Instant::now())?;
            said = self.screen.more.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The terminal is gone at once: its pty's master is closed.
    pub fn close(&mut self) {
        // Ended already is what is wanted.
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        watch::is_ours_no_more(self.emulator.id());
    }

    /// Ends the round with what there is to see.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        panic!("{what}\n{}\nthe backend's log ends in:\n{}", self.state(), self.home.log_tail());
    }

    /// What the editor is at, as far as it answers.
    pub fn state(&self) -> String {
        let soon = Instant::now() + Duration::from_secs(2);
        let code = "local rows = vim.tbl_map(function(row)
                      return ('%s %s %s'):format(row.session_id, row.status, row.error or '')
                    end, require('agor').sessions())
                    return ('%s\\nmode %s\\nsessions: %s'):format(vim.api.nvim_exec2('messages', { output = true }).output,
                      vim.api.nvim_get_mode().mode, table.concat(rows, '; '))";
        let told = self.rpc.call("nvim_exec_lua", vec![code.into(), Value::Array(Vec::new())], soon);
        let told = told.map_or_else(|error| error.to_string(), |value| value.as_str().unwrap_or_default().to_owned());
        let said = self.screen.said();
        let end = String::from_utf8_lossy(&said[said.len().saturating_sub(800)..]).escape_debug().to_string();
        format!(":messages: {told}\nthe terminal was sent: {end}")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.close();
    }
}

fn connect(socket: &std::path::Path) -> UnixStream {
    let end = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > end => panic!("Neovim does not listen at {}: {error}", socket.display()),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn look(mut output: impl Read, screen: &Screen, keyboard: &Mutex<ChildStdin>) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        let new = &buffer[..length];
        for (question, answer) in ANSWERS {
            if new.windows(question.len()).any(|window| window == question) {
                let mut keyboard = keyboard.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = keyboard.write_all(answer).and_then(|()| keyboard.flush());
            }
        }
        let mut said = screen.said();
        // The end is all that anybody looks for.
        let excess = (said.len() + length).saturating_sub(1 << 16).min(said.len());
        said.drain(..excess);
        said.extend_from_slice(new);
        screen.more.notify_all();
    }
}
