//! Recorded exchanges as bytes that an agent wrote and commands that a user gave, to be played as fast as it goes.
//!
//! A replay of the tests works out once what is said when; timed is only what a session does of it: bytes into frames,
//! frames into events.

use std::{
    mem::replace,
    sync::{Arc, Mutex},
};

use agor_nvim::{
    agent::{
        lines::{Frame, Lines},
        protocol::{Output, Protocol},
        stop::Step as Rung,
    },
    domain::Command,
};

use crate::replay::{Dialect, Host, Replay, recordings};

pub struct Exchange {
    open: Box<dyn Fn() -> Box<dyn Protocol>>,
    steps: Arc<Vec<Step>>,
    /// That the agent wrote.
    pub bytes: u64,
}

#[derive(Clone)]
enum Step {
    Bytes(Vec<u8>),
    Command(Command),
}

/// An exchange with its protocol, at its beginning.
pub struct Open {
    protocol: Box<dyn Protocol>,
    steps: Arc<Vec<Step>>,
}

impl Exchange {
    /// All recordings below `tests/fixtures/<folder>`.
    pub fn all<D: Dialect>(folder: &str) -> Vec<Self> {
        recordings(folder, 1).into_iter().map(|(_, recording)| Self::of::<D>(recording)).collect()
    }

    fn of<D: Dialect>(recording: Vec<serde_json::Value>) -> Self {
        let mut replay = Replay::<D>::open(&recording);
        let steps = Arc::default();
        note_down(&mut replay.host, &steps);
        recording.iter().for_each(|entry| replay.entry(entry));
        let steps = std::mem::take(&mut *steps.lock().expect("nobody else has it"));
        let size = |step: &Step| if let Step::Bytes(bytes) = step { bytes.len() as u64 } else { 0 };
        let bytes = steps.iter().map(size).sum();
        let open = Box::new(move || Replay::<D>::open(&recording).host.protocol);
        Self { open, steps: Arc::new(steps), bytes }
    }

    pub fn open(&self) -> Open {
        Open { protocol: (self.open)(), steps: Arc::clone(&self.steps) }
    }
}

impl Open {
    /// How many events came of it.
    pub fn play(mut self) -> usize {
        let mut lines = Lines::default();
        let mut events = 0;
        for step in self.steps.iter() {
            match step {
                Step::Command(command) => events += self.protocol.command(command.clone()).events.len(),
                Step::Bytes(bytes) => {
                    for frame in lines.push(bytes) {
                        events += self.protocol.receive(frame).events.len();
                    }
                }
            }
        }
        events
    }
}

fn note_down(host: &mut Host, steps: &Arc<Mutex<Vec<Step>>>) {
    let nobody: Box<dyn Protocol> = Box::new(Nobody);
    let protocol = replace(&mut host.protocol, nobody);
    host.protocol = Box::new(Witness { protocol, steps: Arc::clone(steps) });
}

/// Notes down what a protocol is told.
struct Witness {
    protocol: Box<dyn Protocol>,
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Witness {
    fn note(&self, step: Step) {
        self.steps.lock().expect("one thread").push(step);
    }
}

impl Protocol for Witness {
    fn start(&mut self) -> Output {
        self.protocol.start()
    }

    fn receive(&mut self, frame: Frame) -> Output {
        if let Frame::Line(line) = &frame {
            self.note(Step::Bytes(format!("{line}\n").into_bytes()));
        }
        self.protocol.receive(frame)
    }

    fn command(&mut self, command: Command) -> Output {
        self.note(Step::Command(command.clone()));
        self.protocol.command(command)
    }

    fn end(&mut self) -> Output {
        self.protocol.end()
    }

    fn stop_ladder(&self) -> Vec<Rung> {
        self.protocol.stop_ladder()
    }
}

/// Stands in for a protocol that is being wrapped.
struct Nobody;

impl Protocol for Nobody {
    fn start(&mut self) -> Output {
        Output::default()
    }

    fn receive(&mut self, _: Frame) -> Output {
        Output::default()
    }

    fn command(&mut self, _: Command) -> Output {
        Output::default()
    }

    fn end(&mut self) -> Output {
        Output::default()
    }

    fn stop_ladder(&self) -> Vec<Rung> {
        Vec::new()
    }
}
