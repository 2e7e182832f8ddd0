//! An agent that says what it is given, over a process that is none, and the other side of both; and what it may ask.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::json;
use tokio::sync::mpsc;

use super::step::{Rules, Slot};
use crate::{
    agent::{
        lines::Frame,
        process::{
            ProcessEvent,
            pretend::{Puppet, Wish, pretend},
        },
        protocol::{Output, Protocol},
        stop::{Action, Step},
    },
    domain::{
        Answer, Command, Event, MessageId, OptionKind, PermissionOption, PermissionRequest, Prompt, Question,
        QuestionRequest, RequestId, StartOptions, Subject, ToolUseId,
    },
    session::actor::Agent,
};

#[derive(Default)]
struct Shared {
    /// For each line, what it means; nothing: it makes its reader panic.
    lines: Mutex<VecDeque<Option<Vec<Event>>>>,
    ready: AtomicBool,
}

struct Scripted {
    shared: Arc<Shared>,
    told: mpsc::UnboundedSender<Command>,
}

impl Protocol for Scripted {
    fn start(&mut self) -> Output {
        Output::default()
    }

    fn receive(&mut self, _: Frame) -> Output {
        let line = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match line {
            Some(Some(events)) => Output { events, writes: Vec::new() },
            // As a bug of ours would, but without the hook that would tell of it.
            Some(None) => std::panic::resume_unwind(Box::new("it breaks")),
            None => Output::default(),
        }
    }

    fn command(&mut self, command: Command) -> Output {
        let _ = self.told.send(command);
        Output { events: Vec::new(), writes: vec![b"something\n".to_vec()] }
    }

    fn is_ready(&self) -> bool {
        self.shared.ready.load(Relaxed)
    }

    fn end(&mut self) -> Output {
        Output::default()
    }

    fn stop_ladder(&self) -> Vec<Step> {
        vec![Step::new(Action::CloseStdin, Duration::from_secs(2)), Step::kill()]
    }
}

/// A process of a session, from its other side.
pub struct Process {
    pub slot: Slot,
    shared: Arc<Shared>,
    puppet: Puppet,
    told: mpsc::UnboundedReceiver<Command>,
    pub alive: bool,
    pub hears: bool,
    pub speaks: bool,
    pub polite: bool,
    /// By which it is judged.
    pub rules: Rules,
    /// Arguments that keep it from what the project brings along.
    pub without: Vec<String>,
    /// The text that it is saying.
    pub text: Option<(MessageId, String)>,
    pub call: Option<(ToolUseId, String)>,
    /// What was steered in and may come back.
    pub steered: Option<Prompt>,
    serial: u32,
}

/// Starts one for whoever asks, and hands out its other side.
pub fn launch(slot: Slot, options: &StartOptions, without: Vec<String>) -> (Agent, Process) {
    let (process, puppet) = pretend(options.session_id.clone());
    let shared = Arc::new(Shared::default());
    let (tell, told) = mpsc::unbounded_channel();
    let protocol = Box::new(Scripted { shared: Arc::clone(&shared), told: tell });
    let agent = Agent { protocol, process, away: None, ready_within: Some(Duration::from_secs(60)) };
    let process = Process {
        slot,
        shared,
        puppet,
        told,
        alive: true,
        hears: true,
        speaks: true,
        polite: true,
        rules: Rules::of(&options.policy),
        without,
        text: None,
        call: None,
        steered: None,
        serial: 0,
    };
    (agent, process)
}

impl Process {
    /// It says a line that means this.
    pub fn says(&self, events: Vec<Event>) {
        self.line(Some(events));
    }

    /// It says what nobody can read without breaking.
    pub fn breaks(&self) {
        self.line(None);
    }

    fn line(&self, means: Option<Vec<Event>>) {
        if self.alive && self.speaks {
            self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).push_back(means);
            self.puppet.line("something");
        }
    }

    pub fn ready(&self) {
        self.shared.ready.store(true, Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Relaxed)
    }

    pub fn own_id(&mut self, kind: &str, process: usize) -> String {
        self.serial += 1;
        format!("{kind}-{process}-{}", self.serial)
    }

    pub fn told(&mut self) -> Option<Command> {
        self.told.try_recv().ok()
    }

    pub fn closes_output(&mut self) {
        if self.alive && std::mem::replace(&mut self.speaks, false) {
            self.puppet.event(ProcessEvent::StdoutEnded);
        }
    }

    pub fn closes_input(&mut self) {
        if self.alive && std::mem::replace(&mut self.hears, false) {
            self.puppet.event(ProcessEvent::Undelivered(vec![b"something\n".to_vec()]));
        }
    }

    pub fn cannot_start(&mut self) {
        if self.alive {
            self.alive = false;
            self.puppet.event(ProcessEvent::SpawnFailed("there is no such program".to_owned()));
            self.puppet.event(ProcessEvent::StdoutEnded);
            self.puppet.end(None, &[]);
        }
    }

    pub fn exits(&mut self, code: i32) {
        if std::mem::replace(&mut self.alive, false) {
            self.puppet.exit(code, if code == 0 { &[] } else { &["boom"] });
        }
    }

    pub fn is_killed(&mut self) {
        if std::mem::replace(&mut self.alive, false) {
            self.puppet.end(None, &[]);
        }
    }

    /// Does what its keeper has to do by now; true if that was its end.
    pub fn obeys(&mut self) -> bool {
        let wish = self.puppet.wish();
        if !self.alive {
            return false;
        }
        match wish {
            Wish::Kill => self.is_killed(),
            Wish::Close | Wish::Signal if self.polite => self.exits(0),
            _ => {}
        }
        !self.alive
    }

    /// Somebody has wished for its end.
    pub fn is_being_stopped(&mut self) -> bool {
        self.puppet.wish() != Wish::None
    }
}

pub fn allowed() -> Answer {
    Answer::Option { option_id: "yes".into(), message: None, input: None }
}

pub fn request(id: usize) -> RequestId {
    format!("r{id}").into()
}

pub fn permission(id: usize, grantable: bool) -> PermissionRequest {
    let option = |id: &str, name: &str, kind| PermissionOption { option_id: id.into(), name: name.into(), kind };
    let command = format!("cargo test {id}");
    PermissionRequest {
        request_id: request(id),
        tool_use_id: None,
        tool: "Bash".into(),
        title: command.clone(),
        input: json!({ "command": command }),
        diff: Vec::new(),
        reason: None,
        options: vec![option("yes", "Allow", OptionKind::AllowOnce), option("no", "Reject", OptionKind::RejectOnce)],
        subject: if grantable { Subject::Command { command } } else { Subject::Always },
    }
}

pub fn question(id: usize) -> QuestionRequest {
    let question = Question {
        id: "q".into(),
        header: String::new(),
        text: "Which?".into(),
        multi: false,
        secret: false,
        options: Vec::new(),
        allow_other: true,
    };
    QuestionRequest { request_id: request(id), tool_use_id: None, url: None, questions: vec![question] }
}
