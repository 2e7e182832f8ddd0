//! A whole conversation with an agent, line by line, through protocol, transcript and view.
//!
//! A line that begins with `> ` is what the user does then (`> say hello`, `> answer 1`); any other is the agent's. What a
//! session relies on is asserted after each, whatever the agent says.

use std::collections::HashSet;

use uuid::Uuid;

use super::wires::is_an_object_on_a_line;
use crate::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol, registry},
        stop::{Action, STOP_LIMIT},
    },
    domain::{
        AgentMessage, Answer, Command, Content, Event, FileAnswer, FileRequest, PermissionRequest, Prompt,
        ProviderConfig, QuestionRequest, RequestId, SessionId, StartOptions, ToolUseId,
    },
    render::{Icons, Scene, ask_body, ask_whole, detail, model::World, place, preview, take, to_markdown},
};

pub fn sidecar(data: &[u8]) {
    converse("sidecar", data);
}

pub fn claude(data: &[u8]) {
    converse("claude", data);
}

pub fn codex(data: &[u8]) {
    converse("codex", data);
}

pub fn acp(data: &[u8]) {
    converse("acp", data);
}

/// More lines than that only take longer.
const MOST_LINES: usize = 400;

fn converse(protocol: &str, data: &[u8]) {
    let mut host = Host::start(protocol);
    for line in String::from_utf8_lossy(data).lines().take(MOST_LINES) {
        match line.strip_prefix("> ") {
            Some(wish) => host.wish(wish),
            None => host.line(line),
        }
    }
    host.end();
}

/// The options that all conversations begin with.
pub(super) fn options(protocol: &str) -> StartOptions {
    let config = ProviderConfig { protocol: protocol.to_owned(), ..ProviderConfig::default() };
    let session = SessionId::parse("fuzz").expect("a good id");
    StartOptions::new(session, protocol, config, "/project".into())
}

enum Asked {
    Permission(Box<PermissionRequest>),
    Question(Box<QuestionRequest>),
    File(Box<FileRequest>),
}

impl Asked {
    fn id(&self) -> &RequestId {
        match self {
            Asked::Permission(request) => &request.request_id,
            Asked::Question(request) => &request.request_id,
            Asked::File(request) => &request.request_id,
        }
    }
}

/// A session's part, as far as a protocol can tell.
pub(super) struct Host {
    protocol: Box<dyn Protocol>,
    pub(super) writes: Vec<Vec<u8>>,
    pub(super) running: bool,
    /// Whether it can be told something while a turn runs.
    steers: bool,
    open: Vec<Asked>,
    /// Calls without a result.
    calls: HashSet<ToolUseId>,
    world: World,
}

impl Host {
    pub(super) fn start(protocol: &str) -> Self {
        let row = registry::find(protocol).expect("it is registered");
        let mut host = Self {
            protocol: (row.build)(&options(protocol), Uuid::nil()),
            writes: Vec::new(),
            running: false,
            steers: false,
            open: Vec::new(),
            calls: HashSet::new(),
            world: World::new(),
        };
        let out = host.protocol.start();
        host.take(out);
        host
    }

    pub(super) fn line(&mut self, line: &str) {
        let frame = match line.strip_prefix("!toolong ") {
            Some(head) => Frame::TooLong { bytes: 11 << 20, head: head.to_owned() },
            None if line.is_empty() => return,
            None => Frame::Line(line.to_owned()),
        };
        let out = self.protocol.receive(frame);
        self.take(out);
        if let Some(patch) = self.world.next(400.0) {
            self.world.buffer.apply(patch);
        }
    }

    /// Does what a user could do now; nothing else.
    pub(super) fn wish(&mut self, wish: &str) {
        let (word, rest) = wish.split_once(' ').unwrap_or((wish, ""));
        let text = rest.to_owned();
        let command = match word {
            "say" if !self.running => Command::Prompt(Prompt::new(text)),
            "say" | "steer" if self.running && self.steers => Command::Steer(Prompt::new(text)),
            "interrupt" => return self.interrupt(),
            "answer" | "refuse" | "cancel" => return self.answer(word, rest),
            "model" => Command::SetModel(text),
            "mode" => Command::SetMode(text),
            "effort" => Command::SetEffort(text),
            "option" => {
                let (id, value) = rest.split_once(' ').unwrap_or((rest, ""));
                Command::SetOption { id: id.to_owned(), value: value.to_owned() }
            }
            "login" => Command::Login(text),
            "list" => Command::ListConversations,
            "delete" => Command::DeleteConversation(text),
            _ => return,
        };
        let out = self.protocol.command(command);
        self.take(out);
    }

    /// As a session does it: only in a turn, and what is asked is settled with it.
    fn interrupt(&mut self) {
        if !self.running {
            return;
        }
        let out = self.protocol.command(Command::Interrupt);
        self.take(out);
        let (files, asked) =
            std::mem::take(&mut self.open).into_iter().partition(|asked| matches!(asked, Asked::File(_)));
        self.open = files;
        let asked: Vec<Asked> = asked;
        for asked in asked {
            let (request_id, answer) = (asked.id().clone(), Answer::Cancelled);
            let out = self.protocol.command(Command::Answer { request_id, answer });
            self.take(out);
        }
    }

    /// What has waited longest. A second answer changes nothing.
    fn answer(&mut self, word: &str, rest: &str) {
        if self.open.is_empty() {
            return;
        }
        let asked = self.open.remove(0);
        let request_id = asked.id().clone();
        let number = rest.trim().parse::<usize>().unwrap_or(0);
        let answer = match asked {
            Asked::File(_) => {
                let answers = [
                    FileAnswer::Text(rest.to_owned()),
                    FileAnswer::Written,
                    FileAnswer::Missing,
                    FileAnswer::Failed(rest.to_owned()),
                ];
                let answer = answers[number % answers.len()].clone();
                let out = self.protocol.command(Command::File { request_id, answer });
                return self.take(out);
            }
            _ if word == "cancel" => Answer::Cancelled,
            Asked::Permission(request) if !request.options.is_empty() => Answer::Option {
                option_id: request.options[number % request.options.len()].option_id.clone(),
                message: (word == "refuse").then(|| rest.to_owned()),
                input: None,
            },
            Asked::Permission(_) => Answer::Cancelled,
            Asked::Question(request) => {
                let chosen = request.questions.iter().map(|question| {
                    let label = question.options.get(number % question.options.len().max(1));
                    (question.id.clone(), vec![label.map_or(rest, |option| &option.label).to_owned()])
                });
                Answer::Answers(chosen.collect())
            }
        };
        let out = self.protocol.command(Command::Answer { request_id: request_id.clone(), answer });
        self.take(out);
        // A form that does not fit comes again under its id.
        if self.open.iter().all(|asked| *asked.id() != request_id) {
            let again = self.protocol.command(Command::Answer { request_id, answer: Answer::Cancelled });
            assert_eq!(again, Output::default(), "a second answer");
        }
    }

    fn take(&mut self, out: Output) {
        for line in out.writes {
            is_an_object_on_a_line(&line);
            self.writes.push(line);
        }
        for event in out.events {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Message { id, parent_id, part, content } => {
                match &content {
                    Content::ToolCall(call) => _ = self.calls.insert(call.tool_use_id.clone()),
                    Content::ToolResult(result) if !part => _ = self.calls.remove(&result.tool_use_id),
                    _ => {}
                }
                self.message(AgentMessage { id, parent_id, timestamp: 0, part, content });
            }
            Event::TurnStarted => self.running = true,
            Event::TurnEnded { .. } | Event::Failed { .. } => self.running = false,
            Event::Capabilities(capabilities) => self.steers = capabilities.steer,
            Event::Permission(request) => {
                let (body, whole) =
                    (ask_body(&request, Vec::new(), Icons::Unicode), ask_whole(&request, &[], Icons::Ascii));
                for line in body.lines.iter().chain(&whole.lines) {
                    let fits = |start, end| line.text.get(start..end).is_some();
                    assert!(line.marks.iter().all(|mark| fits(mark.start, mark.end)), "{line:?}");
                    assert!(!line.text.contains('\n'), "{line:?}");
                }
                self.asked(Asked::Permission(request));
            }
            Event::Question(request) => self.asked(Asked::Question(request)),
            Event::File(request) => self.asked(Asked::File(request)),
            Event::Withdrawn(id) => {
                assert!(self.open.iter().any(|asked| *asked.id() == id), "{id} is withdrawn without being open");
                self.open.retain(|asked| *asked.id() != id);
            }
            _ => {}
        }
    }

    fn asked(&mut self, asked: Asked) {
        let id = asked.id();
        assert!(self.open.iter().all(|open| open.id() != id), "{id} is asked again while it is open");
        self.open.push(asked);
    }

    /// As it is journaled, read again and shown.
    fn message(&mut self, message: AgentMessage) {
        let line = serde_json::to_string(&message).expect("a message can be written");
        let read: AgentMessage = serde_json::from_str(&line).expect("and read again");
        assert_eq!(serde_json::to_string(&read).expect("and written"), line);
        self.world.fold(message);
    }

    fn end(mut self) {
        let ladder = self.protocol.stop_ladder();
        assert!(ladder.last().is_some_and(|step| step.action == Action::Kill), "{ladder:?}");
        assert!(ladder.iter().map(|step| step.wait).sum::<std::time::Duration>() <= STOP_LIMIT, "{ladder:?}");
        let out = self.protocol.end();
        self.take(out);
        // Files no user is asked for.
        let is_file = |asked: &Asked| matches!(asked, Asked::File(_));
        assert!(self.open.iter().all(is_file), "a question is left open at the end");
        assert!(self.calls.is_empty(), "calls without an end: {:?}", self.calls);
        self.world.transcript.end();
        self.world.view.reset();
        self.world.check_against_anew(1e6);
        let (transcript, scene) = (&self.world.transcript, Scene::default());
        let _ = to_markdown(transcript);
        let (lines, _) = preview(transcript, scene, Some(0));
        assert!(lines.iter().all(|line| !line.text.contains('\n')));
        for row in 0..self.world.buffer.lines.len().min(100) {
            if let Some(spot) = self.world.view.at(row) {
                let _ = (place(transcript, &spot, scene), take(transcript, &spot, scene, "/project"));
                let _ = detail(transcript, &spot, scene);
            }
        }
    }
}
