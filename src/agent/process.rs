//! The only place that spawns: an agent under its keeper, its pipes, and the climb down its stop ladder.
//!
//! Knows bytes, lines and signals; knows nothing of what they mean. A process is a stream of [`ProcessEvent`]s and a
//! [`ProcessHandle`]; when the last handle is dropped the keeper stops the agent, whatever becomes of the backend.

mod census;
mod conduct;
mod invocation;
mod mark;
mod output;
#[cfg(test)]
pub mod pretend;
mod queue;
mod stdio;

use std::{
    fmt, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream as StdUnixStream,
    },
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::process::Signal as SystemSignal;
use tokio::{
    net::{UnixStream, unix::pipe},
    process::Command,
    sync::{mpsc, watch},
    time::Instant,
};

pub use census::{ProcessInfo, Usage, ps, sweep_stale, usage};
pub use invocation::{Invocation, OwnBinary, Prepared, Stdout};
pub use mark::RunMark;
pub use output::{Output, OutputError, output};
pub use queue::Events;

use self::conduct::{Conductor, Directive, Keeper};
use super::{
    awake,
    lines::Frame,
    stop::{Action, STOP_LIMIT, Signal, Step},
};
use crate::{
    domain::SessionId,
    keeper::{
        self,
        tree::Mark,
        wire::{Gentle, KEEPER, Order, RUN, SESSION_ID},
    },
};

/// A running agent, or one that is about to run.
pub struct AgentProcess {
    pub events: Events,
    pub handle: ProcessHandle,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// Its first lines may come before this.
    Started {
        pid: i32,
    },
    /// A sentence. `StdoutEnded` and `Exited` follow.
    SpawnFailed(String),
    /// Lines of stdout: all that were ready, at most some 256 KiB unless a single line is longer.
    Frames(Vec<Frame>),
    /// In place of [`ProcessEvent::Frames`], where the invocation wants bytes.
    Bytes(Vec<u8>),
    /// A line of stderr.
    Stderr(String),
    /// The agent has closed its input, or is gone, and has not read these writes to their end. Further ones are refused.
    Undelivered(Vec<Vec<u8>>),
    StdoutEnded,
    /// Always the last, exactly once: nothing of the agent is left.
    Exited(Exit),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// The last lines of stderr, oldest first.
    pub stderr_tail: Vec<String>,
}

impl Exit {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "Exit code: {code}"),
            (None, Some(signal)) => match signal_name(signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
            (None, None) => f.write_str("did not start"),
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [(SystemSignal, &str); 14] = [
        (SystemSignal::HUP, "SIGHUP"),
        (SystemSignal::INT, "SIGINT"),
        (SystemSignal::QUIT, "SIGQUIT"),
        (SystemSignal::ILL, "SIGILL"),
        (SystemSignal::TRAP, "SIGTRAP"),
        (SystemSignal::ABORT, "SIGABRT"),
        (SystemSignal::BUS, "SIGBUS"),
        (SystemSignal::FPE, "SIGFPE"),
        (SystemSignal::KILL, "SIGKILL"),
        (SystemSignal::SEGV, "SIGSEGV"),
        (SystemSignal::PIPE, "SIGPIPE"),
        (SystemSignal::ALARM, "SIGALRM"),
        (SystemSignal::TERM, "SIGTERM"),
        (SystemSignal::XCPU, "SIGXCPU"),
    ];
    NAMES.iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| *name)
}

/// The keeper could not be started. What is wrong with the agent itself comes as [`ProcessEvent::SpawnFailed`].
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("a NUL byte cannot be part of a command line, a directory or an environment: remove it from {0}")]
    Nul(&'static str),
    #[error("too many open files: stop some sessions, or raise the limit with `ulimit -n` before Neovim starts")]
    Descriptors,
    #[error("the system has no room for another process ({0}): stop some sessions")]
    Processes(io::Error),
    #[error("the arguments of the agent are too long for a command line")]
    TooLong,
    #[error("the agent's keeper could not be started: {0}. Run :Agor build if the backend's binary is gone")]
    Keeper(io::Error),
}

impl From<io::Error> for SpawnError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ETOOMANYREFS) => SpawnError::Descriptors,
            Some(libc::EAGAIN | libc::ENOMEM) => SpawnError::Processes(error),
            Some(libc::E2BIG) => SpawnError::TooLong,
            _ => SpawnError::Keeper(error),
        }
    }
}

/// Where a process is in its life, as far as its pipes are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nobody wants anything of it any more.
    LetGo,
    /// Nothing of it is left.
    Ended,
}

/// The agent's input is closed: by us, by the agent, or because it has ended. The bytes come back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent takes no more input")]
pub struct InputClosed(pub Vec<u8>);

/// Starts the agent. To be called within the runtime; takes the time of one spawn and waits for nothing else.
pub fn spawn(invocation: Invocation) -> Result<AgentProcess, SpawnError> {
    invocation.check()?;
    // A keeper that is killed leaves its orphans to us: without this they would be nobody's.
    if let Err(error) = keeper::adopt_orphans() {
        tracing::warn!(%error, "orphans of a killed keeper cannot be adopted");
    }
    let (agent_stdin, stdin) = io::pipe()?;
    let (stdout, agent_stdout) = io::pipe()?;
    let (stderr, agent_stderr) = io::pipe()?;
    // Fewer switches in a flood. Only a wish: there is a limit for all pipes of a user.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&stdout, 256 << 10);
    let stdin = pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?;
    let stdout = pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?;
    let stderr = pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))?;

    let (control, agent_control) = StdUnixStream::pair()?;
    control.set_nonblocking(true)?;
    let mut spec = invocation.spec().encode();
    let sent = keeper::hand_over(&control, &spec, [agent_stdin.as_fd(), agent_stdout.as_fd(), agent_stderr.as_fd()])?;
    spec.drain(..sent);
    let socket = UnixStream::from_std(control)?;
    let keeper = Keeper::spawn(|| keeper_command(&invocation, agent_control.into()).spawn())?;

    let (feed, events) = queue::queue();
    let (phase, phases) = watch::channel(Phase::Running);
    let (writes, to_write) = mpsc::unbounded_channel();
    if !invocation.input.is_empty() {
        let _ = writes.send(invocation.input.clone());
    }
    let (directives, to_obey) = mpsc::unbounded_channel();
    let inner = Inner {
        session_id: invocation.session.clone(),
        keeper: keeper.identity(),
        directives,
        writes: Mutex::new(Some(writes)),
        phase: phases.clone(),
        climbing: AtomicBool::new(false),
        feed: feed.clone(),
    };
    let run = invocation.run.to_string();
    let session = invocation.session.as_str();
    let conductor = Conductor {
        keeper,
        socket,
        spec,
        directives: to_obey,
        stdout: match invocation.output {
            Stdout::Lines => tokio::spawn(stdio::read_stdout(stdout, feed.clone(), phases.clone())),
            Stdout::Bytes => tokio::spawn(stdio::read_bytes(stdout, feed.clone(), phases.clone())),
        },
        stderr: tokio::spawn(stdio::read_stderr(stderr, feed.clone(), phases.clone())),
        stdin: tokio::spawn(stdio::write_stdin(stdin, to_write, feed.clone(), phases)),
        feed,
        phase,
        mark: Mark::new([(SESSION_ID, session.as_bytes()), (RUN, run.as_bytes())]),
    };
    tokio::spawn(conductor.run());
    Ok(AgentProcess { events, handle: ProcessHandle(Arc::new(inner)) })
}

#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn keeper_command(invocation: &Invocation, control: OwnedFd) -> Command {
    let mut command = Command::new(&invocation.keeper);
    // The name for `ps`; the path may be /proc/self/exe.
    command.arg0("agor-nvim").arg("keep").arg(&invocation.program).args(&invocation.args);
    command.env_clear().env(KEEPER, format!("{} {}", invocation.session, invocation.run));
    command.stdin(Stdio::from(control)).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// What can be done with a process, from anywhere, without ever waiting. When the last one is dropped, the agent is
/// stopped by its keeper.
#[derive(Clone)]
pub struct ProcessHandle(Arc<Inner>);

struct Inner {
    session_id: SessionId,
    /// Its pid, and when it started: the pid may be another's by now.
    keeper: (i32, u64),
    directives: mpsc::UnboundedSender<Directive>,
    writes: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    phase: watch::Receiver<Phase>,
    climbing: AtomicBool,
    feed: queue::Feed,
}

impl ProcessHandle {
    pub fn session_id(&self) -> &SessionId {
        &self.0.session_id
    }

    /// The keeper's pid; the agent's comes with [`ProcessEvent::Started`].
    pub fn keeper(&self) -> i32 {
        self.0.keeper.0
    }

    /// Bytes of stdout so far, those of a line that has not ended among them.
    pub fn said(&self) -> u64 {
        self.0.feed.said()
    }

    /// Puts bytes behind those that wait to be written. What the agent does not take in the end comes back as
    /// [`ProcessEvent::Undelivered`].
    pub fn write(&self, bytes: Vec<u8>) -> Result<(), InputClosed> {
        let writes = self.0.writes.lock().unwrap_or_else(PoisonError::into_inner);
        match &*writes {
            Some(writes) => writes.send(bytes).map_err(|error| InputClosed(error.0)),
            None => Err(InputClosed(bytes)),
        }
    }

    /// The end of the agent's input, after all that was written before.
    pub fn close_stdin(&self) {
        self.0.writes.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// To the agent and its process group.
    pub fn signal(&self, signal: Signal) {
        self.order(Order::Signal(gentle(signal)));
    }

    /// SIGKILL to the whole tree, again and again until none is left.
    pub fn kill(&self) {
        self.order(Order::Kill);
    }

    /// Lets go of the process as if the backend had ended: its input is closed, and the keeper climbs the orphan ladder
    /// by itself, which takes at most 3 s. The events go on to the last; nothing else can be ordered any more.
    pub fn orphan(&self) {
        self.direct(Directive::LetGo);
    }

    /// Stops the process by a ladder, in a task of its own. A wait ends early when the process has ended, and after a
    /// write also when `busy` says that no turn runs. All waits together are cut at [`STOP_LIMIT`], and the last thing is
    /// always the kill. While one ladder is climbed another is ignored; [`Self::kill`] is not.
    pub fn climb(&self, ladder: Vec<Step>, busy: watch::Receiver<bool>) {
        if self.0.climbing.swap(true, Ordering::Relaxed) {
            return;
        }
        // The reader waits for nobody any more.
        self.0.feed.open();
        let handle = self.clone();
        tokio::spawn(async move { handle.descend(ladder, busy).await });
    }

    /// Waits until nothing of the process is left. Cancel safe.
    pub async fn ended(&self) {
        let _ = self.0.phase.clone().wait_for(|phase| *phase == Phase::Ended).await;
    }

    async fn descend(self, ladder: Vec<Step>, mut busy: watch::Receiver<bool>) {
        let mut left = STOP_LIMIT;
        for Step { action, wait } in ladder {
            let mut until_idle = false;
            match action {
                Action::Write(bytes) => until_idle = self.write(bytes).is_ok(),
                Action::Wait => {}
                Action::CloseStdin => self.close_stdin(),
                Action::Signal(signal) => self.signal(signal),
                Action::Kill => break,
            }
            let (began, limit) = (Instant::now(), wait.min(left));
            let idle = async {
                if !until_idle || busy.wait_for(|busy| !busy).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = self.ended() => return,
                () = idle => {}
                () = awake::sleep(limit) => {}
            }
            // In which we were away the agent may have been too.
            left -= began.elapsed().min(limit);
        }
        self.kill();
    }

    fn order(&self, order: Order) {
        self.direct(Directive::Order(order));
    }

    fn direct(&self, directive: Directive) {
        // No receiver: the process has ended, and every wish with it.
        let _ = self.0.directives.send(directive);
    }
}

impl fmt::Debug for ProcessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProcessHandle").field(&self.0.session_id).field(&self.0.keeper.0).finish()
    }
}

fn gentle(signal: Signal) -> Gentle {
    match signal {
        Signal::Interrupt => Gentle::Interrupt,
        Signal::Terminate => Gentle::Terminate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_says_how_it_went() {
        let exit = |code, signal| Exit { code, signal, stderr_tail: Vec::new() }.to_string();
        assert_eq!(exit(Some(3), None), "Exit code: 3");
        assert_eq!(exit(None, Some(9)), "killed by SIGKILL");
        assert_eq!(exit(None, Some(64)), "killed by signal 64");
        assert_eq!(exit(None, None), "did not start");
    }

    #[test]
    fn a_lack_of_descriptors_says_what_to_do() {
        let error = SpawnError::from(io::Error::from_raw_os_error(libc::EMFILE));
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }

    #[test]
    fn a_lack_of_room_for_processes_says_what_to_do() {
        for code in [libc::EAGAIN, libc::ENOMEM] {
            let why = io::Error::from_raw_os_error(code);
            let expect = format!("the system has no room for another process ({why}): stop some sessions");
            assert_eq!(SpawnError::from(why).to_string(), expect);
        }
    }
}
