//! A session's part in a replay: it gives commands, and every rule that a session relies on is asserted.

use std::collections::HashSet;

use agor_nvim::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol},
    },
    domain::{Answer, Command, Event, FileAnswer, PermissionRequest, RequestId},
};
use serde_json::Value;

/// A session around the protocol: what it was told and what it has written.
pub struct Host {
    pub protocol: Box<dyn Protocol>,
    pub events: Vec<Event>,
    pub writes: Vec<Value>,
    pub running: bool,
    /// Requests that wait for the user, and those that are settled.
    pub open: Vec<RequestId>,
    pub settled: HashSet<RequestId>,
    /// Files that the agent waits for.
    pub wanted: Vec<RequestId>,
    /// The agent says junk, of which only is asked that it does no harm: what follows from it is not our concern.
    pub lenient: bool,
}

impl Host {
    pub fn start(protocol: Box<dyn Protocol>) -> Self {
        let (events, writes, open, settled) = (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        let mut host =
            Self { protocol, events, writes, running: false, open, settled, wanted: Vec::new(), lenient: false };
        let out = host.protocol.start();
        host.take(out);
        host
    }

    fn take(&mut self, out: Output) {
        if self.lenient {
            return self.take_leniently(out);
        }
        for line in out.writes {
            let text = String::from_utf8(line).expect("UTF-8");
            assert!(text.ends_with('\n') && text.trim_end().lines().count() == 1, "one line: {text:?}");
            let value: Value = serde_json::from_str(&text).expect("a line that an agent can read");
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
                Event::Permission(request) => self.asked(&request.request_id),
                Event::Question(request) => self.asked(&request.request_id),
                Event::File(request) => self.wanted.push(request.request_id.clone()),
                // The user may be asked about it.
                Event::Withdrawn(id) if self.wanted.contains(id) => self.wanted.retain(|wanted| wanted != id),
                Event::Withdrawn(id) => self.settle(&id.clone()),
                _ => {}
            }
            self.events.push(event);
        }
    }

    fn asked(&mut self, id: &RequestId) {
        assert!(!self.open.contains(id) && !self.settled.contains(id), "{id} is asked again");
        self.open.push(id.clone());
    }

    fn settle(&mut self, id: &RequestId) {
        assert!(self.open.contains(id), "{id} is settled without being open");
        self.open.retain(|open| open != id);
        assert!(self.settled.insert(id.clone()), "{id} is settled twice");
    }

    pub fn line(&mut self, line: &str) {
        let out = self.protocol.receive(Frame::Line(line.to_owned()));
        self.take(out);
    }

    pub fn command(&mut self, command: Command) {
        let out = self.protocol.command(command);
        self.take(out);
    }

    /// Answers what is open; a second answer must change nothing.
    pub fn answer(&mut self, id: &RequestId, answer: Answer) {
        let before = self.writes.len();
        self.command(Command::Answer { request_id: id.clone(), answer });
        if self.lenient {
            return;
        }
        assert!(self.writes.len() > before, "an answer was written");
        if self.open.contains(id) {
            self.settle(id);
        }
        let again = Command::Answer { request_id: id.clone(), answer: Answer::Cancelled };
        assert_eq!(self.protocol.command(again), Output::default());
    }

    /// The same for a file; one that was answered by itself, such as a relative path, is none.
    pub fn file(&mut self, id: &RequestId, answer: FileAnswer) {
        let (before, open) = (self.writes.len(), self.wanted.contains(id));
        self.command(Command::File { request_id: id.clone(), answer: answer.clone() });
        if self.lenient || !open {
            return;
        }
        assert_eq!(self.writes.len(), before + 1, "an answer was written");
        self.wanted.retain(|wanted| wanted != id);
        let again = Command::File { request_id: id.clone(), answer };
        assert_eq!(self.protocol.command(again), Output::default());
    }

    pub fn permission(&self, id: &RequestId) -> Option<&PermissionRequest> {
        self.events.iter().find_map(|event| match event {
            Event::Permission(request) if request.request_id == *id => Some(&**request),
            _ => None,
        })
    }

    pub fn end(&mut self) {
        let out = self.protocol.end();
        self.take(out);
        // The turn itself is the session's to end, by the exit code.
        self.running = false;
        assert!(self.open.is_empty() && self.wanted.is_empty(), "something is left open at the end");
    }

    fn take_leniently(&mut self, out: Output) {
        self.running = false;
        self.open.clear();
        self.settled.clear();
        for line in &out.writes {
            let value: Value = serde_json::from_slice(line).expect("a line that an agent can read");
            assert!(value.is_object());
            self.writes.push(value);
        }
        self.events.extend(out.events);
    }
}
