//! A session's part in a replay: what the recording's host wrote becomes commands, and every rule that a session relies on
//! is asserted.

use std::collections::{HashMap, HashSet};

use agor_nvim::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol, claude::Claude},
    },
    domain::{Answer, Command, Event, Prompt, ProviderConfig, RequestId, SessionId, StartOptions},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A session around the protocol: what it was told and what it has written.
pub struct Host {
    pub protocol: Claude,
    pub events: Vec<Event>,
    pub writes: Vec<Value>,
    pub running: bool,
    /// Requests that wait for the user, and those that are settled.
    pub open: Vec<RequestId>,
    pub settled: HashSet<RequestId>,
    /// The recording's request ids, and ours for the same request.
    ids: HashMap<String, String>,
}

impl Host {
    pub fn new(options: &StartOptions) -> Self {
        let mut host = Self {
            protocol: Claude::new(options, Uuid::nil()),
            events: Vec::new(),
            writes: Vec::new(),
            running: false,
            open: Vec::new(),
            settled: HashSet::new(),
            ids: HashMap::new(),
        };
        let out = host.protocol.start();
        host.take(out);
        host
    }

    pub fn take(&mut self, out: Output) {
        for line in out.writes {
            let text = String::from_utf8(line).expect("UTF-8");
            assert!(text.ends_with('\n') && text.trim_end().lines().count() == 1, "one line: {text:?}");
            let value: Value = serde_json::from_str(&text).expect("a line that Claude Code can read");
            assert!(value.is_object());
            self.writes.push(value);
        }
        for event in out.events {
            match &event {
                Event::TurnStarted => {
                    assert!(!self.running, "a turn starts within a turn");
                    self.running = true;
                }
                Event::TurnEnded { .. } | Event::Failed { .. } => self.running = false,
                Event::Permission(request) => self.open.push(request.request_id.clone()),
                Event::Question(request) => self.open.push(request.request_id.clone()),
                Event::Withdrawn(id) => self.settle(&id.clone()),
                _ => {}
            }
            self.events.push(event);
        }
    }

    fn settle(&mut self, id: &RequestId) {
        assert!(self.open.iter().any(|open| open == id), "{id} is settled without being open");
        self.open.retain(|open| open != id);
        assert!(self.settled.insert(id.clone()), "{id} is settled twice");
    }

    pub fn line(&mut self, line: &str) {
        let out = self.protocol.receive(Frame::Line(line.to_owned()));
        self.take(out);
    }

    fn command(&mut self, command: Command) {
        let out = self.protocol.command(command);
        self.take(out);
    }

    pub fn end(&mut self) {
        let out = self.protocol.end();
        self.take(out);
        // The turn itself is the session's to end, by the exit code.
        self.running = false;
        assert!(self.open.is_empty(), "something is left open at the end");
    }

    /// What the recording's host wrote, as a user's command.
    pub fn written(&mut self, message: &Value) {
        let request = &message["request"];
        match (message["type"].as_str(), request["subtype"].as_str()) {
            // A session holds prompts back while a turn runs.
            (Some("user"), _) if !self.running => {
                let text = message["message"]["content"].as_str().unwrap_or("(blocks)").to_owned();
                self.command(Command::Prompt(Prompt::new(text)));
            }
            (Some("control_request"), Some("initialize")) => self.same(message, 0),
            (Some("control_request"), Some("interrupt")) => {
                self.command(Command::Interrupt);
                self.same(message, self.writes.len() - 1);
            }
            (Some("control_request"), Some("set_permission_mode")) => {
                let before = self.writes.len();
                self.command(Command::SetMode(request["mode"].as_str().unwrap_or_default().to_owned()));
                if self.writes.len() > before {
                    self.same(message, before);
                }
            }
            (Some("control_response"), _) => self.answered(&message["response"]),
            _ => {}
        }
    }

    /// Our write number `at` stands for the recording's request.
    fn same(&mut self, message: &Value, at: usize) {
        let theirs = message["request_id"].as_str().unwrap_or_default().to_owned();
        self.ids.insert(theirs, self.writes[at]["request_id"].as_str().expect("a request has an id").to_owned());
    }

    fn answered(&mut self, response: &Value) {
        let id = RequestId::from(response["request_id"].as_str().unwrap_or_default());
        if !self.open.contains(&id) {
            return;
        }
        let theirs = &response["response"];
        let asked = self.events.iter().any(|event| matches!(event, Event::Question(asked) if asked.request_id == id));
        let answer = match (theirs["behavior"].as_str(), theirs["updatedInput"]["answers"].as_object()) {
            (_, Some(answers)) => {
                let split = |value: &Value| value.as_str().unwrap_or_default().split(", ").map(str::to_owned).collect();
                Answer::Answers(answers.iter().map(|(key, value)| (key.clone(), split(value))).collect())
            }
            // An empty answer to a question has no counterpart here: the user declines.
            _ if asked => Answer::Cancelled,
            (Some("allow"), None) => self.option(&id, theirs),
            (Some("deny"), None) => {
                let stop = if theirs["interrupt"] == true { "reject_stop" } else { "reject" };
                let message = theirs["message"].as_str().filter(|_| stop == "reject").map(str::to_owned);
                Answer::Option { option_id: stop.into(), message, input: None }
            }
            _ => Answer::Cancelled,
        };
        self.command(Command::Answer { request_id: id.clone(), answer });
        let ours = self.writes.last().expect("an answer was written");
        assert_eq!(ours["response"]["request_id"], id.as_str());
        self.settle(&id);
        // Answered twice is answered once.
        let again = Answer::Cancelled;
        let out = self.protocol.command(Command::Answer { request_id: id, answer: again });
        assert_eq!(out, Output::default());
    }

    fn option(&self, id: &RequestId, theirs: &Value) -> Answer {
        let options = self.events.iter().find_map(|event| match event {
            Event::Permission(request) if request.request_id == *id => Some(&request.options),
            _ => None,
        });
        let first = options.and_then(|options| options.first()).map(|option| option.option_id.clone());
        let known =
            |id: &str| options.is_some_and(|options| options.iter().any(|option| option.option_id.as_str() == id));
        let lasting = ["approve_edits", "allow_always", "allow_session"].into_iter().find(|id| known(id));
        let option_id = match (theirs["updatedPermissions"].is_array(), lasting) {
            (true, Some(id)) => id.into(),
            _ => first.expect("every request has options"),
        };
        Answer::Option { option_id, message: None, input: None }
    }

    /// What Claude Code printed, with our request ids in it.
    pub fn printed(&mut self, message: &Value) {
        let mut message = message.clone();
        if let Some(ours) = message["response"]["request_id"].as_str().and_then(|id| self.ids.get(id)) {
            message["response"]["request_id"] = json!(ours);
        }
        self.line(&message.to_string());
    }
}

pub fn options() -> StartOptions {
    let id = SessionId::parse("replay").expect("a valid id");
    let mut options = StartOptions::new(id, "claude", ProviderConfig::default(), "/project".into());
    // So that the recordings of a resume that fails tell of it; the others are not changed by it.
    options.resume_session_id = Some("resumed".into());
    options
}

pub fn replay(recording: &[Value]) -> Host {
    let mut host = Host::new(&options());
    for entry in recording {
        match entry["dir"].as_str() {
            Some("in") => host.written(&entry["msg"]),
            Some("out") => host.printed(&entry["msg"]),
            _ => {}
        }
    }
    host.end();
    host
}
