//! A process that is none: the test says what comes out of it and sees what goes in.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use tokio::sync::{mpsc, watch};

use super::{AgentProcess, Directive, Exit, Inner, Phase, ProcessEvent, ProcessHandle, queue};
use crate::{agent::lines::Frame, domain::SessionId};

pub struct Puppet {
    feed: queue::Feed,
    phase: watch::Sender<Phase>,
    /// What was written to it.
    pub writes: mpsc::UnboundedReceiver<Vec<u8>>,
    _directives: mpsc::UnboundedReceiver<Directive>,
}

pub fn pretend(session_id: SessionId) -> (AgentProcess, Puppet) {
    let (feed, events) = queue::queue();
    let (phase, phases) = watch::channel(Phase::Running);
    let (writes, written) = mpsc::unbounded_channel();
    let (directives, _directives) = mpsc::unbounded_channel();
    let inner = Inner {
        session_id,
        keeper: (0, 0),
        directives,
        writes: Mutex::new(Some(writes)),
        phase: phases,
        climbing: AtomicBool::new(false),
        feed: feed.clone(),
    };
    let process = AgentProcess { events, handle: ProcessHandle(Arc::new(inner)) };
    (process, Puppet { feed, phase, writes: written, _directives })
}

impl Puppet {
    pub fn line(&self, line: &str) {
        self.feed.count(line.len() + 1);
        self.feed.push(ProcessEvent::Frames(vec![Frame::Line(line.to_owned())]));
    }

    /// A piece of a line that has not ended.
    pub fn piece(&self, bytes: usize) {
        self.feed.count(bytes);
    }

    pub fn event(&self, event: ProcessEvent) {
        self.feed.push(event);
    }

    pub fn exit(&self, code: i32, stderr: &[&str]) {
        let stderr_tail = stderr.iter().map(|line| (*line).to_owned()).collect();
        let _ = self.phase.send(Phase::Ended);
        self.feed.push(ProcessEvent::StdoutEnded);
        self.feed.push(ProcessEvent::Exited(Exit { code: Some(code), signal: None, stderr_tail }));
    }

    /// Waits until it is told to stop: its input is closed.
    pub async fn stopped(&mut self) {
        while self.writes.recv().await.is_some() {}
    }
}
