//! The Agent Client Protocol, version 1: JSON-RPC over the agent's pipes, a request for each prompt, updates in between.
//!
//! Knows in which order an agent is opened, prompted, interrupted and answered. What it tells is in `updates`, its tool
//! calls in `tools`; what can be set in `settings`; its questions in `permission` and `elicitation`; how a
//! conversation begins in `opening`. Which agent it is is never asked: what each can do it says itself, and what some do
//! beside the specification is told apart by its shape. Shapes were seen in opencode 1.18.33, Gemini CLI 0.61.0,
//! claude-agent-acp 0.49.0 and codex-acp 2.6.0; others are read as far as they go, and kept.

mod agent;
mod asked;
mod changes;
mod content;
mod conversations;
mod elicitation;
mod failure;
mod mcp;
mod opening;
mod output;
mod permission;
mod plan;
mod session;
mod settings;
mod speech;
#[cfg(test)]
mod tests;
mod tools;
mod turn;
mod updates;
mod usage;

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Launch, Output, Protocol, Row};
use crate::{
    agent::{
        adapter::Ids,
        json::{object_in, one_line, some_text, text},
        jsonrpc::{Failure, Incoming, Peer},
        lines::Frame,
        stop::{Action, Signal, Step},
    },
    domain::{Capabilities, Command, Content, Conversation, Event, Prompt, StartOptions},
};
use agent::Agent;
use asked::Asked;
use opening::{Opening, Wish};
use settings::{Request, Role};
use turn::Turn;
use updates::Story;

pub const ROW: Row = Row {
    name: "acp",
    launch: |_| Launch {
        // opencode leaves its command behind on a signal, which the keeper then ends.
        orphan_ladder: vec![Step::new(Action::Signal(Signal::Terminate), Duration::from_millis(700)), Step::kill()],
        ..Launch::default()
    },
    build: |options, nonce| Box::new(Acp::new(options, nonce)),
    // A conversation that is taken up may begin with the agent's default model.
    renames_model: true,
    login_at_start: false,
    told_fork: true,
    told_worktree: false,
    // opencode 1.18.33 takes 8 s on a busy machine.
    ready_within: Some(Duration::from_secs(60)),
    // Each of its agents does that its own way.
    kept: None,
};

/// What we speak.
const VERSION: u64 = 1;
/// How much of a line that is no message goes to the log.
const NOISE_LIMIT: usize = 100;

pub struct Acp {
    peer: Peer<Sent>,
    wish: Wish,
    /// What the user calls the agent, and its command line.
    given: String,
    command: Vec<String>,
    agent: Agent,
    /// What it can do, as it was told last.
    told: Option<Capabilities>,
    phase: Phase,
    /// The agent's id of the conversation.
    session: Option<String>,
    story: Story,
    asked: Vec<Asked>,
    /// Prompts that are to be sent, in order: there is no conversation yet, or words go with a refusal.
    waiting: VecDeque<Prompt>,
    turn: Option<Turn>,
    /// What the user wants set before the first prompt, one after the other: a model may change what else there is.
    to_set: VecDeque<(Role, String)>,
    /// Requests whose answers the first prompt waits for.
    settling: usize,
    /// Somebody has asked for the list before the agent was there.
    list_wanted: bool,
    /// A prompt was answered in this conversation.
    used: bool,
    /// A prompt of the open conversation was refused for want of a login, and the next is tried in it all the same.
    tried_again: bool,
}

/// What a request of ours was for.
#[derive(Debug)]
enum Sent {
    Initialize,
    Open(Opening),
    /// Whatever the agent had to say before is said when this is answered.
    Ping,
    Authenticate,
    Prompt,
    Set {
        request: Request,
        at_start: bool,
    },
    /// For the newest, or for the user.
    List {
        newest: bool,
        found: Vec<Conversation>,
        pages: usize,
    },
    Delete(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Initializing,
    /// Initialized; the conversation is being opened.
    Opening,
    Open,
    LoggedOut,
    /// It cannot go on, or only by another try.
    Failed {
        message: String,
        again: bool,
    },
}

impl Acp {
    pub fn new(options: &StartOptions, nonce: Uuid) -> Self {
        let ids = |name: &str| Ids::new(Uuid::new_v5(&nonce, name.as_bytes()));
        let wish = Wish::of(options);
        let command = options.config.command.clone().unwrap_or_default();
        Self {
            peer: Peer::new(true, nonce),
            given: options.config.title.clone(),
            agent: Agent::read(&Value::Null, &options.config.title, &command),
            command,
            told: None,
            phase: Phase::Initializing,
            session: None,
            story: Story::new(ids("story"), ids("tools"), ids("texts"), &wish.cwd),
            wish,
            asked: Vec::new(),
            waiting: VecDeque::new(),
            turn: None,
            to_set: VecDeque::new(),
            settling: 0,
            list_wanted: false,
            used: false,
            tried_again: false,
        }
    }

    fn tell_capabilities(&mut self, out: &mut Output) {
        // What can be chosen is said with a conversation only: until then nothing is known but how to log in.
        let mut capabilities = match self.phase {
            Phase::Open => {
                let mut all =
                    Capabilities { permission: true, interrupt: true, multi_turn: true, ..Capabilities::default() };
                self.agent.fill(&mut all);
                all
            }
            // That it asks is the protocol's, and known before.
            _ => Capabilities { permission: true, logins: self.agent.logins.clone(), ..Capabilities::default() },
        };
        self.story.settings.fill(&mut capabilities);
        capabilities.commands.clone_from(&self.story.commands);
        if self.told.as_ref() != Some(&capabilities) {
            self.told = Some(capabilities.clone());
            out.event(Event::Capabilities(Box::new(capabilities)));
        }
    }

    fn incoming(&mut self, incoming: Incoming<Sent>, out: &mut Output) {
        match incoming {
            Incoming::Response { sent, result, .. } => self.answered(sent, result, out),
            Incoming::Request { id, method, params } => self.request(id, &method, &params, out),
            Incoming::Notification { method, params } => self.notified(&method, &params, out),
            Incoming::Nonsense(what) => out.event(Event::Noise { text: what }),
        }
    }

    fn answered(&mut self, sent: Sent, result: Result<Value, Failure>, out: &mut Output) {
        match sent {
            Sent::Initialize => self.initialized(result, out),
            Sent::Open(opening) => self.opened(&opening, result, out),
            // Most do not know the request, which is an answer too.
            Sent::Ping => self.past_is_told(out),
            Sent::Authenticate => self.authenticated(result, out),
            Sent::Prompt => self.prompted(result, out),
            Sent::Set { request, at_start } => self.set(&request, at_start, result, out),
            Sent::List { newest, found, pages } => self.listed(newest, found, pages, result, out),
            Sent::Delete(id) => {
                if let Err(failure) = result {
                    let (title, why) = (&self.agent.title, failure::words(&failure));
                    let message = format!("{title} has not deleted the conversation {id}: {why}");
                    out.event(Event::Notice { message });
                }
            }
        }
    }

    fn notified(&mut self, method: &str, params: &Value, out: &mut Output) {
        match method {
            "session/update" => self.update(params, out),
            "$/cancel_request" => self.cancelled_by_agent(params.get("requestId").unwrap_or(&Value::Null), out),
            "elicitation/complete" => self.page_is_done(text(params, "elicitationId"), out),
            // Private ones and the connection's own say nothing for people.
            _ if method.starts_with('_') || method.starts_with("$/") => {}
            _ => {
                let content = Content::Unknown(json!({"method": method, "params": params}));
                let event = self.story.message(content);
                out.event(event);
            }
        }
    }

    fn update(&mut self, params: &Value, out: &mut Output) {
        let update = params.get("update").unwrap_or(&Value::Null);
        // Before the conversation has its id everything is of the one that is being opened.
        if let (Some(own), Some(other)) = (self.session.as_deref(), some_text(params, "sessionId"))
            && own != other
        {
            let text = format!("an update of another conversation: {}", one_line(&params.to_string(), NOISE_LIMIT));
            return out.event(Event::Noise { text });
        }
        if self.story.update(update, &mut out.events) {
            self.tell_capabilities(out);
        }
    }

    fn set_value(&mut self, request: Result<Request, String>, out: &mut Output) {
        let Some(session) = self.session.clone() else {
            let message = format!("{} has no conversation yet: try again when it is there", self.agent.title);
            return out.event(Event::Notice { message });
        };
        match request {
            Ok(request) => self.send_setting(&session, request, false, out),
            Err(message) => out.event(Event::Notice { message }),
        }
    }

    fn send_setting(&mut self, session: &str, request: Request, at_start: bool, out: &mut Output) {
        let mut params = json!({"sessionId": session});
        if let (Value::Object(params), Value::Object(own)) = (&mut params, request.params.clone()) {
            params.extend(own);
        }
        let method = request.method;
        self.peer.request(out, Sent::Set { request, at_start }, method, params);
    }

    fn set(&mut self, request: &Request, at_start: bool, result: Result<Value, Failure>, out: &mut Output) {
        match result {
            Ok(answer) => {
                // Some answer with all options as they are now, and some with nothing.
                self.story.settings.is_set(request);
                self.story.settings.take(&answer);
                out.events.extend(self.story.settings.news());
                self.tell_capabilities(out);
            }
            Err(failure) => {
                let (title, Request { what, value, .. }, why) = (&self.agent.title, request, failure::words(&failure));
                out.event(Event::Notice { message: format!("{title} does not take the {what} {value}: {why}") });
            }
        }
        if at_start {
            self.settling = self.settling.saturating_sub(1);
            self.settle(out);
        }
    }

    fn set_role(&mut self, role: Role, value: &str, out: &mut Output) {
        let request = self.story.settings.request(role, value, &self.agent.title);
        self.set_value(request, out);
    }
}

impl Protocol for Acp {
    fn start(&mut self) -> Output {
        let mut out = Output::default();
        self.tell_capabilities(&mut out);
        self.initialize(&mut out);
        out
    }

    fn receive(&mut self, frame: Frame) -> Output {
        let mut out = Output::default();
        match frame {
            Frame::Line(line) => match object_in(&line) {
                Some(value) => {
                    let incoming = self.peer.receive(&mut out, value);
                    self.incoming(incoming, &mut out);
                }
                None => out.event(Event::Noise { text: line.chars().take(NOISE_LIMIT).collect() }),
            },
            Frame::TooLong { bytes, head } => {
                let message = format!("A message of {bytes} bytes was too long and is left out");
                let event = self.story.status("line_too_long", message);
                out.event(event);
                let incoming = self.peer.receive_head(&mut out, &head, bytes);
                self.incoming(incoming, &mut out);
            }
        }
        out
    }

    fn command(&mut self, command: Command) -> Output {
        let mut out = Output::default();
        match command {
            Command::Prompt(prompt) => self.prompt(prompt, &mut out),
            Command::Interrupt => self.interrupt(&mut out),
            Command::Answer { request_id, answer } => self.answer(&request_id, answer, &mut out),
            Command::File { request_id, answer } => self.file(&request_id, answer, &mut out),
            Command::SetModel(model) => self.set_role(Role::Model, &model, &mut out),
            Command::SetMode(mode) => self.set_role(Role::Mode, &mode, &mut out),
            Command::SetEffort(effort) => self.set_role(Role::Effort, &effort, &mut out),
            Command::SetOption { id, value } => {
                let request = self.story.settings.request_option(&id, &value, &self.agent.title);
                self.set_value(request, &mut out);
            }
            Command::Login(id) => self.login(&id, &mut out),
            Command::ListConversations => self.list(&mut out),
            Command::DeleteConversation(id) => self.delete(id, &mut out),
            // Not among its capabilities: what becomes of a prompt in a running turn each agent decides by itself.
            Command::Steer(_) => {}
            // It tells of no calls.
            Command::Judged { .. } => {}
        }
        out
    }

    fn is_ready(&self) -> bool {
        !matches!(self.phase, Phase::Initializing | Phase::Opening)
    }

    fn end(&mut self) -> Output {
        // Why it has ended, and so what became of the turn, the exit code and stderr tell: they are not ours to see.
        let mut out = Output::default();
        self.peer.end();
        out.events.extend(self.asked.drain(..).map(Asked::withdrawn));
        out.events.extend(self.story.close());
        self.waiting.clear();
        self.turn = None;
        out
    }

    fn stop_ladder(&self) -> Vec<Step> {
        self.ladder()
    }
}
