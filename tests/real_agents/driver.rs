//! The smallest session there can be: one agent's process over plain pipes, one protocol value, and no actor between.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command as Process, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use agor_nvim::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol, registry},
        stop::{Action, Signal},
    },
    domain::{
        Answer, Command, Content, Event, MessageId, Prompt, ProviderConfig, RequestId, SessionId, StartOptions,
        ToolResult, TurnOutcome,
    },
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    agent::{Agent, URL, program},
    mock::Mock,
};

/// For a machine with everything to do at once; nothing is expected to come near it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A home and a project of their own, and the server that the agent takes for its vendor's.
pub struct World {
    agent: &'static Agent,
    folder: TempDir,
    pub mock: Mock,
}

impl World {
    pub fn of(agent: &'static Agent) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "project"] {
            std::fs::create_dir(folder.path().join(name)).expect("a new folder");
        }
        let mock = Mock::start(agent.server, folder.path());
        for (name, text) in agent.files {
            let path = folder.path().join("home").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the home takes folders");
            std::fs::write(path, text.replace(URL, &mock.url)).expect("the home takes files");
        }
        Self { agent, folder, mock }
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project").canonicalize().expect("it is there")
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn options(&self) -> StartOptions {
        let id = SessionId::parse("test").expect("a valid id");
        StartOptions::new(id, self.agent.name, ProviderConfig::default(), self.project())
    }

    pub fn env(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").expect("there is a PATH");
        let home = self.home().display().to_string();
        let own = [("PATH", path.as_str()), ("HOME", home.as_str())];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        own.chain(self.agent.environment(&self.mock.url, self.agent.key)).collect()
    }
}

pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    protocol: Box<dyn Protocol>,
    pub events: Vec<Event>,
    /// Events before this one have been waited for.
    seen: usize,
}

impl Session {
    pub fn start(world: &World, options: &StartOptions) -> Self {
        Self::start_with(options, world.env())
    }

    /// The protocol and the program have the provider's name.
    #[expect(clippy::disallowed_methods, reason = "the agent without our keeper: the protocol alone is looked at")]
    pub fn start_with(options: &StartOptions, env: BTreeMap<String, String>) -> Self {
        let row = registry::find(&options.provider).expect("the protocol is registered");
        let launch = (row.launch)(options);
        let mut child = Process::new(program(&options.provider))
            .args(&launch.args)
            .current_dir(&options.cwd)
            .env_clear()
            .envs(env)
            .envs(launch.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        let protocol = (row.build)(options, Uuid::new_v4());
        let mut session = Self { child, stdin, lines, protocol, events: Vec::new(), seen: 0 };
        let out = session.protocol.start();
        session.take(out);
        session
    }

    fn take(&mut self, out: Output) {
        for line in out.writes {
            let stdin = self.stdin.as_mut().expect("stdin is open");
            stdin.write_all(&line).and_then(|()| stdin.flush()).expect("the agent reads");
        }
        self.events.extend(out.events);
    }

    pub fn command(&mut self, command: Command) {
        let out = self.protocol.command(command);
        self.take(out);
    }

    pub fn prompt(&mut self, text: &str) {
        self.command(Command::Prompt(Prompt::new(text)));
    }

    pub fn choose(&mut self, request_id: &RequestId, option: &str, message: Option<&str>) {
        let answer = Answer::Option { option_id: option.into(), message: message.map(str::to_owned), input: None };
        self.command(Command::Answer { request_id: request_id.clone(), answer });
    }

    /// The next event that `found` takes.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, mut found: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.events.get(self.seen) {
                self.seen += 1;
                if let Some(found) = found(event) {
                    return found;
                }
            }
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let out = self.protocol.receive(Frame::Line(line));
                    self.take(out);
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in time; so far: {:#?}", self.events),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the agent ended before {what}; so far: {:#?}", self.events)
                }
            }
        }
    }

    #[track_caller]
    pub fn turn_end(&mut self) -> (String, TurnOutcome) {
        self.wait("end of the turn", |event| match event {
            Event::TurnEnded { stop_reason, outcome } => Some((stop_reason.clone(), outcome.clone())),
            _ => None,
        })
    }

    #[track_caller]
    pub fn permission(&mut self) -> agor_nvim::domain::PermissionRequest {
        self.wait("permission request", |event| match event {
            Event::Permission(request) => Some((**request).clone()),
            _ => None,
        })
    }

    #[track_caller]
    pub fn result(&mut self) -> ToolResult {
        self.wait("tool result", |event| match event {
            Event::Message { content: Content::ToolResult(result), .. } => Some(result.clone()),
            _ => None,
        })
    }

    /// The texts as a transcript has them in the end.
    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<(&MessageId, String)> = Vec::new();
        for event in &self.events {
            let Event::Message { id, part, content: Content::Text { text }, .. } = event else { continue };
            match texts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, old)) if *part => old.push_str(text),
                Some((_, old)) => text.clone_into(old),
                None => texts.push((id, text.clone())),
            }
        }
        texts.into_iter().map(|(_, text)| text).filter(|text| !text.is_empty()).collect()
    }

    /// No more input; reads to the end of its output.
    pub fn close(&mut self) -> ExitStatus {
        self.stdin = None;
        self.finish()
    }

    fn finish(&mut self) -> ExitStatus {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            let out = self.protocol.receive(Frame::Line(line));
            // Nobody listens any more.
            self.events.extend(out.events);
        }
        let out = self.protocol.end();
        self.events.extend(out.events);
        self.child.wait().expect("the agent is ours")
    }

    /// The stop ladder as a keeper climbs it; how it ended, and on which rung.
    pub fn stop(&mut self) -> (ExitStatus, usize) {
        let ladder = self.protocol.stop_ladder();
        for (rung, step) in ladder.iter().enumerate() {
            match &step.action {
                Action::Write(line) => {
                    let stdin = self.stdin.as_mut().expect("stdin is open");
                    stdin.write_all(line).and_then(|()| stdin.flush()).expect("the agent reads");
                }
                Action::CloseStdin => self.stdin = None,
                Action::Signal(signal) => {
                    let pid = rustix::process::Pid::from_child(&self.child);
                    let signal = match signal {
                        Signal::Interrupt => rustix::process::Signal::INT,
                        Signal::Terminate => rustix::process::Signal::TERM,
                    };
                    rustix::process::kill_process(pid, signal).expect("the agent is ours");
                }
                Action::Wait => {}
                Action::Kill => self.child.kill().expect("the agent is ours"),
            }
            let end = Instant::now() + step.wait;
            loop {
                match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    Ok(line) => {
                        let out = self.protocol.receive(Frame::Line(line));
                        let turn_over = out.events.iter().any(|event| matches!(event, Event::TurnEnded { .. }));
                        self.events.extend(out.events);
                        if turn_over && matches!(step.action, Action::Write(_)) {
                            break;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return (self.finish(), rung),
                }
            }
        }
        (self.finish(), ladder.len())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An agent that has ended already cannot be killed, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
