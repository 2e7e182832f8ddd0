//! The keeper's life: start the agent, obey, and let nothing of it survive.

use std::{
    ffi::OsString,
    fs, io,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitOptions, WaitStatus, wait},
};

use super::{
    hand, sys,
    tree::{self, Mark},
    wire::{After, Gentle, MARKS, Order, Report, Rung, Spec},
};

/// How long an orphaned agent may take in all, whatever its ladder says: 3 s with the killing.
const ORPHAN_LIMIT: Duration = Duration::from_millis(2500);
/// After this the backend is told that the sweep is done although something is left that cannot be killed (it sleeps in
/// the kernel, or is another user's). The keeper goes on trying.
const SWEEP_LIMIT: Duration = Duration::from_millis(1500);
/// What the second call may take.
const AFTER_LIMIT: Duration = Duration::from_secs(20);
/// How often one looks where nothing tells.
const TICK: Duration = Duration::from_millis(20);

pub(super) fn keep(command: Vec<OsString>, control: OwnedFd) -> io::Result<()> {
    let mut control = UnixStream::from(control);
    let (spec, stdio) = hand::receive(&mut control)?;
    let children = sys::watch_children()?;
    match start(&command, &spec, stdio) {
        Ok(agent) => {
            let mark = mark(&spec);
            let mut guard =
                Guard { agent, reaped: false, control: Some(control), inbox: Vec::new(), children, orphaned: false };
            guard.report(&Report::Started { pid: agent.as_raw_nonzero().get() });
            sys::forget_the_start();
            guard.obey(spec.ladder);
            guard.sweep();
            drop(tree::kill_all(|all| tree::marked(all, &mark), SWEEP_LIMIT));
            if let Some(after) = spec.after.filter(|_| guard.is_alone()) {
                // A backend that lives, and has only let go of the session, waits for no more than this.
                guard.control = None;
                finish(&after, &spec.env, &spec.cwd);
            }
        }
        Err(why) => {
            let _ = control.write_all(format!("{}\n", Report::NotStarted(why)).as_bytes());
        }
    }
    Ok(())
}

/// What every process of the agent's has in its environment, unless it got rid of it.
fn mark(spec: &Spec) -> Mark {
    let value = |name: &str| spec.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_encoded_bytes());
    let marks: Option<Vec<_>> = MARKS.iter().map(|name| Some((*name, value(name)?))).collect();
    // Without both it would be on others too.
    marks.map(Mark::new).unwrap_or_default()
}

struct Guard {
    agent: Pid,
    reaped: bool,
    /// `None` once there is nobody to talk to.
    control: Option<UnixStream>,
    inbox: Vec<u8>,
    children: Option<OwnedFd>,
    /// The end of the control socket was seen.
    orphaned: bool,
}

impl Guard {
    /// Until the agent has ended, or has to.
    fn obey(&mut self, ladder: Vec<Rung>) {
        let mut ladder = ladder.into_iter();
        // Set while the ladder is climbed: the end of this rung's wait, and of them all.
        let mut orphaned: Option<(Instant, Instant)> = None;
        loop {
            self.reap();
            if self.reaped {
                return;
            }
            if let Some((rung, end)) = &mut orphaned {
                if Instant::now() >= *end {
                    return;
                }
                if Instant::now() >= *rung {
                    let Some(next) = ladder.next() else { return };
                    if let Some(signal) = next.signal {
                        self.signal(signal);
                    }
                    *rung = Instant::now() + next.wait;
                }
            }
            let wake = orphaned.map(|(rung, end)| rung.min(end).saturating_duration_since(Instant::now()));
            if !self.wait(wake, orphaned.is_none()) {
                continue;
            }
            match self.orders() {
                Orders::Some(orders) => {
                    for order in orders {
                        match order {
                            Order::Signal(signal) => self.signal(signal),
                            Order::Kill => return,
                        }
                    }
                }
                Orders::End => orphaned = Some((Instant::now(), Instant::now() + ORPHAN_LIMIT)),
            }
        }
    }

    /// Kills descendants, reaps them, and again, until there is none: every orphan below becomes a child of ours, so no
    /// child means no descendant.
    fn sweep(&mut self) {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if self.reaped {
                sys::kill_rest(self.agent);
            } else {
                sys::signal_group(self.agent, Signal::KILL);
            }
            for process in tree::descendants(&tree::snapshot(), own) {
                let _ = process.kill();
            }
            if !self.reap() {
                return;
            }
            if start.elapsed() > SWEEP_LIMIT {
                self.control = None;
            }
            self.wait(Some(pause), false);
            pause = (2 * pause).min(if self.control.is_some() { TICK } else { 25 * TICK });
        }
    }

    /// Whether there are children left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.agent => {
                    self.reaped = true;
                    self.report(&exited(status));
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn signal(&self, signal: Gentle) {
        let signal = match signal {
            Gentle::Interrupt => Signal::INT,
            Gentle::Terminate => Signal::TERM,
        };
        sys::signal_group(self.agent, signal);
    }

    /// Waits for a child's end, and for orders if they are wanted. Whether there are any.
    fn wait(&self, limit: Option<Duration>, orders: bool) -> bool {
        let control = self.control.as_ref().filter(|_| orders);
        let mut watched: Vec<PollFd<'_>> = Vec::with_capacity(2);
        watched.extend(control.map(|control| PollFd::new(control, PollFlags::IN)));
        watched.extend(self.children.as_ref().map(|children| PollFd::new(children, PollFlags::IN)));
        let limit = if self.children.is_some() { limit } else { Some(limit.unwrap_or(TICK).min(TICK)) };
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        if poll(&mut watched, limit.as_ref()).is_err() {
            return false;
        }
        let has_orders = control.is_some() && !watched[0].revents().is_empty();
        drop(watched);
        if let Some(children) = &self.children {
            sys::drain(children.as_fd());
        }
        has_orders
    }

    fn orders(&mut self) -> Orders {
        let mut buffer = [0; 256];
        let read = self.control.as_mut().map_or(Ok(0), |control| control.read(&mut buffer));
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Orders::Some(Vec::new()),
            Ok(0) | Err(_) => {
                self.orphaned = true;
                return Orders::End;
            }
            Ok(length) => self.inbox.extend_from_slice(&buffer[..length]),
        }
        let mut orders = Vec::new();
        while let Some(end) = self.inbox.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.inbox.drain(..=end).collect();
            orders.extend(std::str::from_utf8(&line[..end]).ok().and_then(|line| line.parse::<Order>().ok()));
        }
        Orders::Some(orders)
    }

    /// The backend has gone: what is left to do is ours.
    fn is_alone(&mut self) -> bool {
        self.orphaned || self.wait(Some(Duration::ZERO), true) && matches!(self.orders(), Orders::End)
    }

    /// Nobody may be there to hear it.
    fn report(&mut self, report: &Report) {
        if let Some(control) = &mut self.control {
            let _ = control.write_all(format!("{report}\n").as_bytes());
        }
    }
}

enum Orders {
    Some(Vec<Order>),
    /// The backend has gone, or has let go of the session.
    End,
}

fn exited(status: WaitStatus) -> Report {
    Report::Exited { code: status.exit_status(), signal: status.terminating_signal() }
}

/// The agent's pid, or a sentence.
#[expect(clippy::disallowed_methods, reason = "the keeper's one purpose")]
fn start(command: &[OsString], spec: &Spec, stdio: [OwnedFd; 3]) -> Result<Pid, String> {
    let Some((program, args)) = command.split_first() else { return Err("there is no program to start".to_owned()) };
    if !spec.cwd.is_dir() {
        return Err(format!("the directory '{}' does not exist", spec.cwd.display()));
    }
    let [stdin, stdout, stderr] = stdio.map(Stdio::from);
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value))).current_dir(&spec.cwd);
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    sys::prepare(&mut command);
    // Our copies of the agent's pipes are closed with `command`: their ends are the agent's alone to hold.
    let child = command.spawn().map_err(|error| sentence(Path::new(program), &error))?;
    Pid::from_raw(child.id().cast_signed()).ok_or_else(|| "the agent got no pid".to_owned())
}

/// Runs the second call, which ends what the agent has left elsewhere. Nobody is there to be told how it went.
#[expect(clippy::disallowed_methods, reason = "what is left of the keeper's purpose")]
fn finish(after: &After, env: &[(OsString, OsString)], cwd: &Path) {
    let Some((program, args)) = after.command.split_first() else { return };
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env.iter().map(|(name, value)| (name, value))).current_dir(cwd);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    sys::prepare(&mut command);
    let Ok(mut child) = command.spawn() else { return };
    // A pipe holds such a script whole, so that this does not wait for who does not read.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(&after.input);
    }
    let end = Instant::now() + AFTER_LIMIT;
    while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(TICK);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn sentence(program: &Path, error: &io::Error) -> String {
    let name = program.display();
    match error.raw_os_error() {
        Some(libc::ENOENT) if fs::metadata(program).is_ok() => {
            format!("'{name}' could not be started: the interpreter that it names does not exist")
        }
        Some(libc::ENOENT | libc::ENOTDIR) => format!("'{name}' does not exist"),
        Some(libc::EACCES) if program.is_dir() => format!("'{name}' is a directory, not a program"),
        Some(libc::EACCES) => format!("'{name}' may not be executed: try chmod +x '{name}'"),
        Some(libc::ENOEXEC) => format!("'{name}' is not a program that this system can run"),
        Some(libc::E2BIG) => format!("'{name}' could not be started: its arguments and environment are too long"),
        Some(libc::EAGAIN | libc::ENOMEM) => {
            format!("'{name}' could not be started: the system has no room for another process ({error})")
        }
        _ => format!("'{name}' could not be started: {error}"),
    }
}
