//! Codex driven through `codex app-server`: JSON-RPC over stdin and stdout, one thread of Codex's for a session.
//!
//! How a thread is opened is in `opening`, turns are in `turn`, what is said into one in `steer`, what Codex tells in
//! `notes`, what it asks in `asked`; the rest reads single things. What Codex can do is data here as everywhere. Found by
//! running Codex 0.169.0.

mod agents;
mod approval;
mod asked;
mod conversations;
mod error;
mod history;
mod items;
mod kept;
mod launch;
mod limits;
mod mode;
mod models;
mod notes;
mod opening;
mod question;
mod settings;
mod skills;
mod steer;
#[cfg(test)]
mod tests;
mod tool;
mod turn;
mod usage;

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Output, Protocol, Row};
use crate::{
    agent::{
        adapter::Ids,
        json::{object_in, some_text},
        jsonrpc::{Failure, Incoming, Peer},
        lines::Frame,
        stop::{Action, Signal, Step},
    },
    domain::{Command, Content, Event, StartOptions},
};

pub use launch::launch;

pub const ROW: Row = Row {
    name: "codex",
    launch,
    build: |options, nonce| Box::new(Codex::new(options, nonce)),
    // A thread is resumed with its own model.
    renames_model: false,
    // A login in a terminal is not noticed by an app-server that runs (0.169.0).
    login_at_start: true,
    told_fork: true,
    told_worktree: false,
    ready_within: Some(Duration::from_secs(60)),
    kept: Some(kept::KEPT),
};

/// How much of a line that is no message goes to the log.
const NOISE_LIMIT: usize = 100;

pub struct Codex {
    peer: Peer<Sent>,
    setup: launch::Setup,
    phase: Phase,
    /// Codex's own folder, once it has said so.
    home: String,
    /// The thread that the session is about.
    thread: Option<String>,
    /// Who the thread's model is from.
    provider: String,
    settings: settings::Settings,
    catalog: Vec<models::Model>,
    skills: Vec<skills::Skill>,
    /// Its provider wants an account and there is none.
    logged_out: bool,
    /// Prompts that wait for the thread, or for the end of a turn that takes none.
    held: VecDeque<turn::Held>,
    turn: Option<turn::Turn>,
    /// Turns that are over: their end may be told again.
    over: VecDeque<String>,
    /// What was said into the turn that runs, until the model has read it.
    steered: Vec<steer::Steered>,
    items: items::Items,
    usage: usage::Usage,
    limits: limits::Limits,
    waiting: Vec<asked::Waiting>,
}

/// What a request of ours was for.
#[derive(Clone, Debug, PartialEq)]
enum Sent {
    Initialize,
    Account,
    Models,
    Skills,
    /// The newest conversation in the directory, to be continued.
    Newest,
    /// The model of a conversation that is to be copied.
    Origin(String),
    Open(opening::Way),
    History,
    Turn(Box<turn::Asked>),
    /// By the id of the message.
    Steer(String),
    Interrupt,
    Terminate,
    Clean,
    Conversations,
    Delete(String),
}

/// How far the opening has come.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Opening,
    /// The thread is there; its past is being read.
    Reading,
    Open,
    /// There is no thread, and this is why.
    Broken(String),
}

impl Codex {
    pub fn new(options: &StartOptions, nonce: Uuid) -> Self {
        let setup = launch::Setup::new(options);
        let ids = Ids::new(Uuid::new_v5(&nonce, b"items"));
        let mut settings = settings::Settings::default();
        settings.begin_with(setup.mode.as_deref());
        Self {
            peer: Peer::new(false, nonce),
            items: items::Items::new(ids, setup.cwd.clone()),
            setup,
            phase: Phase::Opening,
            home: String::new(),
            thread: None,
            provider: String::new(),
            settings,
            catalog: Vec::new(),
            skills: Vec::new(),
            logged_out: false,
            held: VecDeque::new(),
            turn: None,
            over: VecDeque::new(),
            steered: Vec::new(),
            usage: usage::Usage::default(),
            limits: limits::Limits::default(),
            waiting: Vec::new(),
        }
    }

    fn tell_capabilities(&self, out: &mut Output) {
        let able = models::capabilities(&self.settings, &self.catalog, &self.provider, &self.skills);
        out.event(Event::Capabilities(Box::new(able)));
    }

    fn is_main(&self, thread: &str) -> bool {
        self.thread.as_deref().is_none_or(|main| main == thread)
    }

    /// The thread that a message is about; the main one if it does not say.
    fn thread_of(&self, params: &Value) -> String {
        some_text(params, "threadId").or(self.thread.as_deref()).unwrap_or_default().to_owned()
    }

    fn notice(out: &mut Output, message: String) {
        out.event(Event::Notice { message });
    }

    fn response(&mut self, sent: Sent, result: Result<Value, Failure>, out: &mut Output) {
        match sent {
            Sent::Initialize => self.initialized(result, out),
            Sent::Account => {
                let account = result.unwrap_or_default();
                self.logged_out = account["requiresOpenaiAuth"] == true && account["account"].is_null();
            }
            Sent::Models => self.models(result.unwrap_or_default(), out),
            Sent::Skills => {
                self.skills = skills::read(&result.unwrap_or_default());
                self.tell_capabilities(out);
            }
            Sent::Newest => self.newest(result, out),
            Sent::Origin(id) => self.origin(&id, result, out),
            Sent::Open(way) => self.opened(&way, result, out),
            Sent::History => self.history(result, out),
            Sent::Turn(asked) => self.turn_answered(*asked, result, out),
            Sent::Steer(id) => self.steer_answered(&id, result, out),
            Sent::Interrupt => self.interrupt_answered(result, out),
            Sent::Terminate => self.terminated(result, out),
            Sent::Clean => {
                if let Err(failure) = result {
                    let message = format!("A command of Codex may still run: {}", failure.message);
                    Self::notice(out, message);
                }
            }
            Sent::Conversations => out.event(Event::Conversations(conversations::read(result))),
            Sent::Delete(id) => {
                if let Err(failure) = result {
                    let message = format!("Codex has not deleted the conversation {id}: {}", failure.message);
                    Self::notice(out, message);
                }
            }
        }
    }
}

impl Protocol for Codex {
    fn start(&mut self) -> Output {
        let mut out = Output::default();
        self.tell_capabilities(&mut out);
        self.setup.refusals().into_iter().for_each(|message| Self::notice(&mut out, message));
        self.initialize(&mut out);
        out
    }

    fn receive(&mut self, frame: Frame) -> Output {
        let mut out = Output::default();
        let incoming = match frame {
            Frame::Line(line) => match object_in(&line) {
                Some(value) => self.peer.receive(&mut out, value),
                None => {
                    out.event(Event::Noise { text: line.chars().take(NOISE_LIMIT).collect() });
                    return out;
                }
            },
            Frame::TooLong { bytes, head } => {
                let message = format!("A message of {bytes} bytes was too long and is left out");
                let content = Content::Status { subtype: "line_too_long".to_owned(), message };
                out.event(Event::message(self.items.ids.next(), content));
                self.peer.receive_head(&mut out, &head, bytes)
            }
        };
        match incoming {
            Incoming::Response { sent, result, .. } => self.response(sent, result, &mut out),
            Incoming::Request { id, method, params } => self.asked(id, &method, &params, &mut out),
            Incoming::Notification { method, params } => self.told(&method, &params, &mut out),
            Incoming::Nonsense(text) => out.event(Event::Noise { text }),
        }
        out
    }

    fn command(&mut self, command: Command) -> Output {
        let mut out = Output::default();
        match command {
            Command::Prompt(prompt) => self.prompt(prompt, &mut out),
            Command::Steer(prompt) => self.steer(prompt, &mut out),
            Command::Interrupt => self.interrupt(&mut out),
            Command::Answer { request_id, answer } => self.answer(&request_id, answer, &mut out),
            Command::SetModel(model) => {
                let event = self.settings.want_model(model);
                out.event(event);
                // Another model thinks otherwise hard.
                self.tell_capabilities(&mut out);
            }
            Command::SetEffort(effort) => {
                let event = self.settings.want_effort(effort);
                out.event(event);
            }
            Command::SetMode(mode) => {
                let event = self.settings.want_mode(mode);
                out.event(event);
            }
            Command::ListConversations => {
                let params = conversations::list(&self.setup.cwd);
                self.peer.request(&mut out, Sent::Conversations, "thread/list", params);
            }
            Command::DeleteConversation(id) => {
                if self.thread.as_deref() == Some(id.as_str()) {
                    let message = "This session is in that conversation: end it first, then delete the conversation";
                    Self::notice(&mut out, message.to_owned());
                } else {
                    let params = json!({"threadId": id});
                    self.peer.request(&mut out, Sent::Delete(id), "thread/delete", params);
                }
            }
            // Not among its capabilities: nobody gets here.
            Command::SetOption { .. } | Command::Login(_) | Command::File { .. } | Command::Judged { .. } => {}
        }
        out
    }

    fn is_ready(&self) -> bool {
        // One that cannot go on has said why.
        self.phase != Phase::Opening
    }

    fn end(&mut self) -> Output {
        let mut out = Output::default();
        self.withdraw(|_| true, &mut out);
        self.items.end(&mut out.events);
        // Who waits for an answer waits in vain.
        for sent in self.peer.end() {
            if sent == Sent::Conversations {
                out.event(Event::Conversations(Err("Codex has ended".to_owned())));
            }
        }
        let unread: Vec<_> = self.steered.drain(..).map(|steered| steered.prompt).collect();
        unread.into_iter().for_each(|prompt| out.event(Event::Returned(Box::new(prompt))));
        let held: Vec<_> = self.held.drain(..).filter(|held| held.steered).collect();
        held.into_iter().for_each(|held| out.event(Event::Returned(Box::new(held.prompt))));
        self.turn = None;
        out
    }

    fn stop_ladder(&self) -> Vec<Step> {
        let ms = Duration::from_millis;
        let mut ladder = Vec::new();
        if let Some((thread, turn)) = self.thread.as_ref().zip(self.turn.as_ref().and_then(turn::Turn::id)) {
            // What the model has said by then is kept in the thread only if the turn is interrupted.
            let mut out = Output::default();
            let params = json!({"threadId": thread, "turnId": turn});
            out.write(&json!({"id": "stop", "method": "turn/interrupt", "params": params}));
            ladder.extend(out.writes.into_iter().map(|line| Step::new(Action::Write(line), ms(700))));
        }
        ladder.push(Step::new(Action::CloseStdin, ms(1200)));
        ladder.push(Step::new(Action::Signal(Signal::Terminate), ms(700)));
        ladder.push(Step::kill());
        ladder
    }
}
