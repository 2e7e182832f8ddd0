//! What every protocol is: a value that turns lines into events and commands into bytes. No I/O, no clock.
//!
//! A recorded exchange replays through it in a test without any process. A new protocol is one file in `protocol/` and
//! one row in `registry`.

pub mod acp;
pub mod claude;
pub mod codex;
#[cfg(test)]
mod options_tests;
pub mod registry;
pub mod sidecar;

use std::time::Duration;

use uuid::Uuid;

use super::{kept::Kept, lines::Frame, stop::Step};
use crate::domain::{Command, Event, StartOptions};

/// One agent's conversation over its pipes.
pub trait Protocol: Send {
    /// What is written as soon as the process runs. The first prompt, if there is one, comes by `command` right after.
    fn start(&mut self) -> Output;

    /// One line of the agent's stdout, in order. Whatever it holds, it never ends the session by a panic.
    fn receive(&mut self, frame: Frame) -> Output;

    /// Something the user wants. A prompt comes only while no turn runs: the session queues the others.
    fn command(&mut self, command: Command) -> Output;

    /// False until the agent has taken part in the opening of the conversation. A row's `ready_within` limits it.
    fn is_ready(&self) -> bool {
        true
    }

    /// Stdout has ended. Whatever was still open (a text, a turn, a question) is closed here.
    fn end(&mut self) -> Output;

    /// How to stop the agent from the state it is in now; at most [`super::stop::STOP_LIMIT`] in all, ending in `Kill`.
    fn stop_ladder(&self) -> Vec<Step>;
}

/// What is to be done after a step: told to the session, written to the agent, each in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    pub events: Vec<Event>,
    /// Whole lines with their newline.
    pub writes: Vec<Vec<u8>>,
}

impl Output {
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// One JSON value as a line.
    pub fn write(&mut self, value: &serde_json::Value) {
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        self.writes.push(line);
    }

    pub fn extend(&mut self, other: Output) {
        self.events.extend(other.events);
        self.writes.extend(other.writes);
    }
}

/// What a protocol adds to the configured command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    pub args: Vec<String>,
    /// Set last in the child's environment.
    pub env: Vec<(String, String)>,
    /// What the keeper does with the agent when the backend is gone: its stdin is closed by then. Signals and waits
    /// only, ending in `Kill`.
    pub orphan_ladder: Vec<Step>,
}

/// A row of the registry.
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub launch: fn(&StartOptions) -> Launch,
    /// The nonce is fresh for each process: ids made from it never repeat in another.
    pub build: fn(&StartOptions, Uuid) -> Box<dyn Protocol>,
    /// A resumed conversation goes on with its model only if it is told the name that the agent gave.
    pub renames_model: bool,
    /// It reads its login when it starts and never again: one that was refused is ended, and the next prompt starts it anew
    /// in the same conversation.
    pub login_at_start: bool,
    /// It can be told to go on with a copy of a conversation; some then say that they cannot.
    pub told_fork: bool,
    /// It is told the name of a worktree that we cannot make, for want of a git repository.
    pub told_worktree: bool,
    /// How long the agent may take until [`Protocol::is_ready`]; then it is stopped, and a sentence says so.
    pub ready_within: Option<Duration>,
    /// How it keeps its conversations, if that is known: they can be read without it.
    pub kept: Option<Kept>,
}
