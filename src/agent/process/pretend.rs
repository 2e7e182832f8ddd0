//! A process that is none: the test says what comes out of it and sees what goes in.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    watch,
};

use super::{AgentProcess, Directive, Exit, Inner, Phase, ProcessEvent, ProcessHandle, queue};
use crate::{agent::lines::Frame, domain::SessionId, keeper::wire::Order};

pub struct Puppet {
    feed: queue::Feed,
    phase: watch::Sender<Phase>,
    /// What was written to it.
    pub writes: mpsc::UnboundedReceiver<Vec<u8>>,
    directives: mpsc::UnboundedReceiver<Directive>,
    wish: Wish,
}

/// How far it was told to end, as its keeper sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    #[default]
    None,
    /// Its input is closed.
    Close,
    Signal,
    /// By a kill, or because nobody holds it any more.
    Kill,
}

pub fn pretend(session_id: SessionId) -> (AgentProcess, Puppet) {
    let (feed, events) = queue::queue();
    let (phase, phases) = watch::channel(Phase::Running);
    let (writes, written) = mpsc::unbounded_channel();
    let (directives, received) = mpsc::unbounded_channel();
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
    (process, Puppet { feed, phase, writes: written, directives: received, wish: Wish::None })
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
        self.feed.push(ProcessEvent::StdoutEnded);
        self.end(Some(code), stderr);
    }

    /// Without the end of its output, which a keeper that was killed does not wait for. No code: by SIGKILL.
    pub fn end(&self, code: Option<i32>, stderr: &[&str]) {
        let stderr_tail = stderr.iter().map(|line| (*line).to_owned()).collect();
        let _ = self.phase.send(Phase::Ended);
        let signal = code.is_none().then_some(9);
        self.feed.push(ProcessEvent::Exited(Exit { code, signal, stderr_tail }));
    }

    /// What is wanted of it by now.
    pub fn wish(&mut self) -> Wish {
        if self.writes.is_closed() {
            self.wish = self.wish.max(Wish::Close);
        }
        loop {
            let wish = match self.directives.try_recv() {
                Ok(Directive::Order(Order::Signal(_))) => Wish::Signal,
                Ok(Directive::Order(Order::Kill) | Directive::LetGo) | Err(TryRecvError::Disconnected) => Wish::Kill,
                Err(TryRecvError::Empty) => return self.wish,
            };
            self.wish = self.wish.max(wish);
            if wish == Wish::Kill {
                return wish;
            }
        }
    }

    /// Waits until it is told to stop: its input is closed.
    pub async fn stopped(&mut self) {
        while self.writes.recv().await.is_some() {}
    }
}
