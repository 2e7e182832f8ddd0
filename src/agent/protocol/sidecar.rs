//! The sidecar protocol: a runner, a small program that wraps one provider's agent, driven by one JSON object a line.
//!
//! Knows the messages between host and runner and which of them begin and end a turn. What the provider's own events mean
//! is the adapters' matter; it does not look into them beyond finding out that something is one.
//!
//! Ours beyond what plain runners speak, each only after the runner's `ready` announced it: `interrupt`,
//! `permission_request` with `permission_response` (see [`ask`], which also has `question_request` and `call_request`), and
//! models, modes, efforts and images (see [`offers`]). `doc/sidecar.md` has the whole protocol, for those who write runners.

mod ask;
mod fields;
mod offers;
mod query;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Map, Value};
use uuid::Uuid;

use self::{
    ask::Ask,
    fields::{head, is_complaint, text},
    offers::Offers,
};
use super::{Launch, Output, Protocol, Row};
use crate::{
    agent::{
        adapter::{self, Adapter, Ids},
        json::object_in,
        lines::Frame,
        stop::{Action, STOP_LIMIT, Signal, Step},
    },
    domain::{
        Answer, Command, Content, Event, Judgement, MessageId, Prompt, RequestId, Resume, StartOptions, TurnOutcome,
    },
};

pub const ROW: Row = Row {
    name: "sidecar",
    launch,
    build,
    renames_model: false,
    login_at_start: false,
    told_fork: false,
    told_worktree: true,
    ready_within: None,
    kept: None,
};

/// A runner's command line and environment are whole as configured.
fn launch(_: &StartOptions) -> Launch {
    let wait = Duration::from_millis(500);
    Launch {
        orphan_ladder: vec![
            Step::new(Action::Wait, wait),
            Step::new(Action::Signal(Signal::Terminate), wait),
            Step::kill(),
        ],
        ..Launch::default()
    }
}

fn build(options: &StartOptions, nonce: Uuid) -> Box<dyn Protocol> {
    Box::new(Sidecar::new(options.clone(), nonce))
}

/// One runner's conversation.
pub struct Sidecar {
    options: StartOptions,
    nonce: Uuid,
    ids: Ids,
    adapter: Box<dyn Adapter>,
    /// The provider whose shapes the adapter reads.
    shapes: String,
    turn: Turn,
    offers: Offers,
    /// The runner has said something; until then it is not known what it can do.
    heard: bool,
    /// The user wants the turn to end, and the runner is still to say whether it can do that.
    interrupt_wanted: bool,
    /// The provider's own id of the conversation, from its `init`.
    provider_session: Option<String>,
    /// How the provider said its turn ended; told when the runner says that the query is over.
    stop_reason: Option<String>,
    /// The last error that this turn has shown: runners repeat their provider's as their own.
    shown_error: Option<String>,
    asked: BTreeMap<RequestId, Ask>,
    /// Calls that wait for what rules say of them.
    calls: BTreeSet<RequestId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// No query was written yet.
    Fresh,
    Running,
    /// The runner keeps the conversation: the next prompt is only a prompt.
    Idle,
    /// `done`: the next prompt resumes.
    Done,
    /// `error`: the next prompt resumes.
    Failed,
}

/// Calls that may wait at a time.
const MOST_CALLS: usize = 500;

const SILENT_ERROR: &str = "the runner reported an error without a text";

impl Sidecar {
    pub fn new(options: StartOptions, nonce: Uuid) -> Self {
        let shapes = options.provider.clone();
        let adapter = adapter::for_provider(&shapes, nonce, resumes(&options));
        Self {
            options,
            nonce,
            ids: Ids::new(nonce),
            adapter,
            shapes,
            turn: Turn::Fresh,
            offers: Offers::default(),
            heard: false,
            interrupt_wanted: false,
            provider_session: None,
            stop_reason: None,
            shown_error: None,
            asked: BTreeMap::new(),
            calls: BTreeSet::new(),
        }
    }

    fn message(&self, kind: &str) -> Map<String, Value> {
        let mut message = Map::new();
        message.insert("type".into(), kind.into());
        message.insert("sessionId".into(), self.options.session_id.as_str().into());
        message
    }

    fn say(&mut self, out: &mut Output, content: Content) {
        let id: MessageId = self.ids.next();
        out.event(Event::message(id, content));
    }

    fn status(&mut self, out: &mut Output, subtype: &str, message: String) {
        self.say(out, Content::Status { subtype: subtype.to_owned(), message });
    }

    fn prompt(&mut self, out: &mut Output, prompt: &Prompt) {
        let mut message = self.message("query");
        message.insert("prompt".into(), prompt.to_text().into());
        query::add_images(&mut message, &prompt.images);
        match self.turn {
            Turn::Idle | Turn::Running => {}
            Turn::Fresh => self.run_options(out, &mut message, None),
            Turn::Done | Turn::Failed => self.run_options(out, &mut message, self.provider_session.clone()),
        }
        out.write(&Value::Object(message));
        self.begin_turn(out);
    }

    /// A query that begins a run of the provider, a resumed one too, carries everything that the run has to know.
    fn run_options(&mut self, out: &mut Output, message: &mut Map<String, Value>, resume: Option<String>) {
        query::add_options(message, &self.options, &self.offers, resume);
        if let Some(mode) = message.get("permissionMode").and_then(Value::as_str) {
            out.event(Event::Mode(mode.to_owned()));
        }
    }

    fn begin_turn(&mut self, out: &mut Output) {
        if self.turn != Turn::Running {
            self.turn = Turn::Running;
            self.stop_reason = None;
            self.shown_error = None;
            out.event(Event::TurnStarted);
        }
    }

    /// Nothing stays open past the end of a turn: texts, tools, questions.
    fn close(&mut self, out: &mut Output) {
        let events = self.adapter.end_turn();
        self.provider_events(out, events);
        self.calls.clear();
        for request_id in std::mem::take(&mut self.asked).into_keys() {
            out.event(Event::Withdrawn(request_id));
        }
    }

    fn end_turn(&mut self, out: &mut Output, turn: Turn, default_reason: &str, outcome: TurnOutcome) {
        self.close(out);
        self.turn = turn;
        let stop_reason = self.stop_reason.take().unwrap_or_else(|| default_reason.to_owned());
        out.event(Event::TurnEnded { stop_reason, outcome });
    }

    /// The runner, not the provider, says when a turn begins and ends: a provider's `result` is not the end of the query,
    /// and what trickles in after that end begins nothing.
    fn provider_events(&mut self, out: &mut Output, events: Vec<Event>) {
        for event in events {
            match event {
                Event::TurnStarted => {}
                Event::TurnEnded { stop_reason, .. } => self.stop_reason = Some(stop_reason),
                Event::AgentSession(id) => {
                    self.provider_session = Some(id.clone());
                    out.event(Event::AgentSession(id));
                }
                other => {
                    if let Event::Message { content: Content::Error { message }, .. } | Event::LoginNeeded { message } =
                        &other
                    {
                        self.shown_error = Some(message.clone());
                    }
                    out.event(other);
                }
            }
        }
    }

    fn provider_event(&mut self, out: &mut Output, event: &Value) {
        let events = self.adapter.event(event);
        self.provider_events(out, events);
    }

    fn object(&mut self, out: &mut Output, value: Value) {
        let Some(object) = value.as_object() else { return };
        match object.get("type").and_then(Value::as_str) {
            Some("ready") => self.ready(out, object),
            Some("capabilities") => {
                let events = self.offers.extend(object, self.turn != Turn::Fresh);
                out.event(Event::Capabilities(Box::new(self.offers.capabilities(true))));
                out.events.extend(events);
            }
            Some("pong") => {}
            Some("agent_started") => self.begin_turn(out),
            Some("agent_event") => match object.get("event") {
                Some(event @ Value::Object(_)) => self.provider_event(out, event),
                _ => self.say(out, Content::Unknown(value)),
            },
            Some("agent_stopped") => self.stopped(out),
            Some("agent_error") => {
                let message = text(object, "message").unwrap_or(SILENT_ERROR).to_owned();
                self.failed(out, message);
            }
            Some("error") if is_complaint(object) => {
                let message = text(object, "message").or(text(object, "error")).unwrap_or(SILENT_ERROR);
                out.event(Event::Noise { text: format!("the runner complains: {}", head(message)) });
                self.status(out, "runner", message.to_owned());
            }
            Some("permission_request" | "question_request") => self.asks(out, value),
            Some("call_request") => self.calls(out, value),
            // Bare events of a provider: one without a type may still be wrapped.
            None if object.get("event").is_some_and(Value::is_object) => self.provider_event(out, &object["event"]),
            _ => self.provider_event(out, &value),
        }
    }

    fn ready(&mut self, out: &mut Output, object: &Map<String, Value>) {
        self.offers.announce(object);
        // Only before anything was read: an adapter in the middle of a text has to end it.
        if let Some(shapes) = text(object, "events").filter(|shapes| !self.heard && *shapes != self.shapes) {
            self.adapter = adapter::for_provider(shapes, self.nonce, resumes(&self.options));
            self.shapes = shapes.to_owned();
        }
        self.heard = true;
        out.event(Event::Capabilities(Box::new(self.offers.capabilities(true))));
    }

    fn stopped(&mut self, out: &mut Output) {
        match self.turn {
            Turn::Fresh | Turn::Running if self.offers.multi_turn => {
                self.end_turn(out, Turn::Idle, "end_turn", TurnOutcome::Idle);
            }
            Turn::Fresh | Turn::Running => self.end_turn(out, Turn::Done, "end_turn", TurnOutcome::Done),
            // Said twice, or after an error, which stays the state until the next prompt.
            Turn::Idle | Turn::Done | Turn::Failed => self.close(out),
        }
    }

    fn failed(&mut self, out: &mut Output, message: String) {
        self.close(out);
        if self.shown_error.as_ref() != Some(&message) {
            self.say(out, Content::Error { message: message.clone() });
        }
        self.stop_reason = None;
        self.end_turn(out, Turn::Failed, "error", TurnOutcome::Failed(message));
    }

    /// Only to runners that announced it; what is set then, its `capabilities` say.
    fn set(&mut self, out: &mut Output, what: &str, value: String) {
        if !self.offers.takes(what) {
            return;
        }
        self.offers.want(what, &value);
        let mut message = self.message(&format!("set_{what}"));
        message.insert(what.to_owned(), value.into());
        out.write(&Value::Object(message));
    }

    fn asks(&mut self, out: &mut Output, value: Value) {
        let Some((request_id, ask, event)) = ask::read(&value, &self.options.cwd.to_string_lossy()) else {
            // Without an id it cannot be answered.
            return self.say(out, Content::Unknown(value));
        };
        if self.asked.contains_key(&request_id) {
            return out.event(Event::Noise { text: format!("the runner asked {} twice", head(request_id.as_str())) });
        }
        self.asked.insert(request_id, ask);
        out.event(event);
    }

    /// A tool is about to run.
    fn calls(&mut self, out: &mut Output, value: Value) {
        let Some((request_id, call)) = ask::call(&value, &self.options.cwd.to_string_lossy()) else {
            return self.say(out, Content::Unknown(value));
        };
        // Each is looked up beside the session: a runner that waits for no answer would have us hold what it tells of.
        if self.calls.len() == MOST_CALLS && !self.calls.contains(&request_id) {
            let why = format!("{MOST_CALLS} calls wait to be held against the user's rules: wait for an answer");
            self.calls.insert(request_id.clone());
            return self.judged(out, &request_id, Judgement::Deny(why));
        }
        if !self.calls.insert(request_id) {
            return out.event(Event::Noise { text: "the runner told of a call twice".to_owned() });
        }
        out.event(Event::Call(Box::new(call)));
    }

    fn judged(&mut self, out: &mut Output, request_id: &RequestId, judgement: Judgement) {
        // Its turn may have ended.
        if !self.calls.remove(request_id) {
            return;
        }
        let mut message = self.message("call_response");
        message.insert("requestId".into(), request_id.as_str().into());
        ask::add_judgement(&mut message, judgement);
        out.write(&Value::Object(message));
    }

    fn answer(&mut self, out: &mut Output, request_id: &RequestId, answer: &Answer) {
        // What is not asked any more was answered, cancelled or withdrawn before.
        let Some(ask) = self.asked.remove(request_id) else { return };
        let mut message = self.message(ask.response_type());
        message.insert("requestId".into(), request_id.as_str().into());
        ask.add_answer(&mut message, answer);
        out.write(&Value::Object(message));
    }

    fn interrupt(&mut self, out: &mut Output) {
        // It may have ended meanwhile; the runner would take it for the next one.
        if self.turn != Turn::Running {
            return;
        }
        if !self.heard {
            self.interrupt_wanted = true;
            return;
        }
        if !self.offers.interrupt {
            return out.event(Event::Notice {
                message: "This runner cannot end a turn and live on: :Agor stop ends it, the next prompt resumes"
                    .into(),
            });
        }
        self.stop_reason = Some("interrupted".to_owned());
        // First of all: a runner that takes the cancelled answers before it might end its turn by itself.
        out.write(&Value::Object(self.message("interrupt")));
        // The session knows that it has interrupted, and settles them itself.
        let open: Vec<RequestId> = self.asked.keys().cloned().collect();
        for request_id in open {
            self.answer(out, &request_id, &Answer::Cancelled);
        }
    }
}

impl Protocol for Sidecar {
    fn start(&mut self) -> Output {
        let mut out = Output::default();
        out.event(Event::Capabilities(Box::new(self.offers.capabilities(self.heard))));
        if !self.options.config.mcp_servers.is_empty() {
            let provider = &self.options.provider;
            let message = format!("{provider} takes no servers of tools from here: mcp_servers are left out");
            out.event(Event::Notice { message });
        }
        out
    }

    fn receive(&mut self, frame: Frame) -> Output {
        let mut out = Output::default();
        match frame {
            Frame::TooLong { bytes, .. } => {
                self.status(&mut out, "dropped", format!("a line of {bytes} bytes was too long and was dropped"));
            }
            Frame::Line(line) => match object_in(&line) {
                Some(value) => {
                    self.object(&mut out, value);
                    self.heard = true;
                    if std::mem::take(&mut self.interrupt_wanted) {
                        self.interrupt(&mut out);
                    }
                }
                None => out.event(Event::Noise { text: head(&line) }),
            },
        }
        out
    }

    fn command(&mut self, command: Command) -> Output {
        let mut out = Output::default();
        match command {
            Command::Prompt(prompt) => self.prompt(&mut out, &prompt),
            Command::Interrupt => self.interrupt(&mut out),
            Command::Answer { request_id, answer } => self.answer(&mut out, &request_id, &answer),
            Command::Judged { request_id, judgement } => self.judged(&mut out, &request_id, judgement),
            Command::SetModel(model) => self.set(&mut out, "model", model),
            Command::SetMode(mode) => self.set(&mut out, "mode", mode),
            Command::SetEffort(effort) => self.set(&mut out, "effort", effort),
            // No runner can do these, and its capabilities say so: nobody gets here.
            Command::SetOption { .. }
            | Command::Steer(_)
            | Command::Login(_)
            | Command::ListConversations
            | Command::DeleteConversation(_)
            | Command::File { .. } => {}
        }
        out
    }

    fn end(&mut self) -> Output {
        // What became of the turn is told by the exit code, which is not ours to see: to say `done` here and have it
        // taken back as `error` a moment later would be news twice.
        let mut out = Output::default();
        self.close(&mut out);
        if self.turn == Turn::Running {
            self.turn = Turn::Done;
        }
        out
    }

    fn stop_ladder(&self) -> Vec<Step> {
        let mut line = Value::Object(self.message("stop")).to_string().into_bytes();
        line.push(b'\n');
        vec![
            Step::new(Action::Write(line), Duration::ZERO),
            // Not a wait for the turn's end: a runner may have more to put in order than that.
            Step::new(Action::Wait, STOP_LIMIT),
            Step::kill(),
        ]
    }
}

/// The conversation has a past.
fn resumes(options: &StartOptions) -> bool {
    options.resume() != Ok(Resume::New)
}
