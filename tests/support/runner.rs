//! One of our runners as a process under its keeper, through lines and protocol: bytes in, events out.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{collections::BTreeSet, path::Path};

use agor_nvim::{
    agent::{
        process::{AgentProcess, Exit, Prepared, ProcessEvent, spawn},
        protocol::{Output, Protocol, registry},
        stop::Step,
    },
    domain::{Answer, Command, Content, Event, Prompt, ProviderConfig, RequestId, StartOptions, TurnOutcome},
};
use tokio::sync::watch;
use uuid::Uuid;

use super::family::{Family, patiently};

pub const BINARY: &str = env!("CARGO_BIN_EXE_agor-nvim");

/// A runner under its keeper, and what was heard of it.
pub struct Runner {
    pub family: Family,
    pub protocol: Box<dyn Protocol>,
    pub process: AgentProcess,
    /// What has come and was not looked at yet.
    unseen: std::collections::VecDeque<Event>,
    pub stderr: Vec<String>,
    exit: Option<Exit>,
}

impl Runner {
    /// `change` gets the options as they would be without it.
    pub fn start(provider: &str, env: &[(&str, &str)], change: impl FnOnce(&mut StartOptions)) -> Self {
        Self::start_in(Family::new(), provider, env, change)
    }

    pub fn start_in(
        family: Family,
        provider: &str,
        env: &[(&str, &str)],
        change: impl FnOnce(&mut StartOptions),
    ) -> Self {
        let command = [BINARY, "runner", provider].map(str::to_owned).to_vec();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config =
            ProviderConfig { protocol: "sidecar".into(), command: Some(command), env, ..ProviderConfig::default() };
        let mut options = StartOptions::new(family.session.clone(), provider, config, family.cwd().to_owned());
        options.environ.insert("PATH".into(), std::env::var("PATH").expect("a PATH"));
        change(&mut options);
        let row = registry::find("sidecar").expect("the protocol is there");
        let prepared = Prepared::new(&options, &(row.launch)(&options), Path::new(BINARY)).expect("a program");
        let mut protocol = (row.build)(&options, Uuid::new_v4());
        let process = spawn(prepared.invocation).expect("a keeper");
        let first = protocol.start();
        let mut runner = Self { family, protocol, process, unseen: Default::default(), stderr: Vec::new(), exit: None };
        runner.take(first);
        runner
    }

    fn take(&mut self, output: Output) {
        self.unseen.extend(output.events);
        for bytes in output.writes {
            self.process.handle.write(bytes).expect("it listens");
        }
    }

    pub fn command(&mut self, command: Command) {
        let output = self.protocol.command(command);
        self.take(output);
    }

    pub fn prompt(&mut self, text: &str) {
        self.command(Command::Prompt(Prompt::new(text)));
    }

    pub fn answer(&mut self, request_id: &RequestId, option: &str, message: Option<&str>) {
        let message = message.map(str::to_owned);
        let answer = Answer::Option { option_id: option.into(), message, input: None };
        self.command(Command::Answer { request_id: request_id.clone(), answer });
    }

    /// The next event; `None` when the process has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.unseen.pop_front() {
                return Some(event);
            }
            match patiently(self.process.events.recv()).await? {
                ProcessEvent::Frames(frames) => {
                    for frame in frames {
                        let output = self.protocol.receive(frame);
                        self.take(output);
                    }
                }
                ProcessEvent::Stderr(line) => self.stderr.push(line),
                ProcessEvent::StdoutEnded => {
                    let output = self.protocol.end();
                    self.take(output);
                }
                ProcessEvent::Exited(exit) => self.exit = Some(exit),
                ProcessEvent::Started { .. } | ProcessEvent::Undelivered(_) | ProcessEvent::Bytes(_) => {}
                ProcessEvent::SpawnFailed(why) => panic!("{why}"),
            }
        }
    }

    /// Up to and with the first event of this kind.
    pub async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let found = wanted(&event);
            events.push(event);
            if found {
                return events;
            }
        }
        panic!("it ended before: {events:?} {:?}", self.exit)
    }

    /// The rest of a turn.
    pub async fn turn(&mut self) -> Vec<Event> {
        self.until(|event| matches!(event, Event::TurnEnded { .. })).await
    }

    pub async fn asked(&mut self) -> RequestId {
        let events = self.until(|event| matches!(event, Event::Permission(_))).await;
        match events.last() {
            Some(Event::Permission(request)) => request.request_id.clone(),
            other => panic!("no permission: {other:?}"),
        }
    }

    pub async fn said(&mut self, prompt: &str) -> String {
        self.prompt(prompt);
        whole_text(&self.turn().await)
    }

    /// To the end, after which nothing may be left.
    pub async fn end(&mut self) -> (Vec<Event>, Exit) {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        patiently(self.process.handle.ended()).await;
        self.family.has_left_nothing();
        (events, self.exit.clone().expect("it has ended"))
    }

    pub fn stop(&self, ladder: Vec<Step>) {
        self.process.handle.climb(ladder, watch::channel(true).1);
    }
}

pub fn contents(events: &[Event]) -> impl Iterator<Item = (&Content, bool)> {
    events.iter().filter_map(|event| match event {
        Event::Message { content, part, .. } => Some((content, *part)),
        _ => None,
    })
}

pub fn whole_text(events: &[Event]) -> String {
    contents(events)
        .filter_map(|(content, part)| match content {
            Content::Text { text } if !part => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

pub fn streamed_text(events: &[Event]) -> String {
    contents(events)
        .filter_map(|(content, part)| match content {
            Content::Text { text } if part => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

pub fn kinds(events: &[Event]) -> BTreeSet<&'static str> {
    contents(events)
        .map(|(content, _)| match content {
            Content::Init(_) => "init",
            Content::Text { .. } => "text",
            Content::Thinking { .. } => "thinking",
            Content::ToolCall(_) => "tool_call",
            Content::ToolResult(_) => "tool_result",
            Content::Plan(_) => "plan",
            Content::Cost(_) => "cost",
            Content::Error { .. } => "error",
            Content::Status { .. } => "status",
            Content::Unknown(_) => "unknown",
            _ => "other",
        })
        .collect()
}

pub fn ended(events: &[Event]) -> (&str, &TurnOutcome) {
    match events.last() {
        Some(Event::TurnEnded { stop_reason, outcome }) => (stop_reason, outcome),
        other => panic!("no end of a turn: {other:?}"),
    }
}
