//! Where a turn plays: lines out, messages in, and the clock. Knows the sidecar protocol; what the agent says is `voice`'s.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::super::inbox::{Answer, FromHost, Query};

/// Why a turn does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Interrupted,
    Stopped,
    /// Nobody is there: the input has ended or the output is closed.
    Ended,
    /// The prompt said so.
    Exit(u8),
    Crash,
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Cut::Ended
    }
}

pub(super) struct Stage<W: Write> {
    out: BufWriter<W>,
    inbox: Receiver<FromHost>,
    /// Queries that came while a turn was running.
    waiting: VecDeque<Query>,
    answers: BTreeMap<String, Answer>,
    speed: f64,
    run: String,
    asked: u32,
    session: String,
    cwd: PathBuf,
    /// The user has allowed all edits of this conversation.
    pub(super) trusted: bool,
}

/// A beat of so many a second, on an absolute schedule: being late once does not make all that follows late.
pub(super) struct Pace {
    start: Instant,
    per: Duration,
    beats: u32,
}

impl<W: Write> Stage<W> {
    /// `run` tells the ids of this process from those of an earlier one that the session had.
    pub(super) fn new(out: W, inbox: Receiver<FromHost>, speed: f64, run: &str) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            inbox,
            waiting: VecDeque::new(),
            answers: BTreeMap::new(),
            speed,
            run: run.to_owned(),
            asked: 0,
            session: String::new(),
            cwd: PathBuf::new(),
            trusted: false,
        }
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    pub(super) fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// A path of a prompt as the file system knows it.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.cwd.join(path)
    }

    pub(super) fn begin(&mut self, query: &Query) -> Result<(), Cut> {
        self.session.clone_from(&query.session);
        // Later queries of a conversation do not repeat it.
        if !query.cwd.as_os_str().is_empty() {
            self.cwd.clone_from(&query.cwd);
        } else if self.cwd.as_os_str().is_empty() {
            self.cwd = std::env::current_dir().unwrap_or_default();
        }
        self.control("agent_started")
    }

    /// One message as a line; it leaves with the next pause.
    pub(super) fn send(&mut self, message: &Value) -> Result<(), Cut> {
        self.raw(message.to_string().as_bytes())?;
        self.raw(b"\n")
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        Ok(self.out.write_all(bytes)?)
    }

    pub(super) fn control(&mut self, kind: &str) -> Result<(), Cut> {
        let message = json!({"type": kind, "sessionId": self.session});
        self.send(&message)
    }

    pub(super) fn event(&mut self, event: Value) -> Result<(), Cut> {
        let message = json!({"type": "agent_event", "sessionId": self.session, "event": event});
        self.send(&message)
    }

    pub(super) fn flush(&mut self) -> Result<(), Cut> {
        Ok(self.out.flush()?)
    }

    /// Waits for the next prompt; a stop or the end of the input ends the program.
    pub(super) fn next_query(&mut self) -> Result<Query, Cut> {
        self.flush()?;
        loop {
            if let Some(query) = self.waiting.pop_front() {
                return Ok(query);
            }
            let message = self.inbox.recv().map_err(|_| Cut::Ended)?;
            match self.take(message) {
                // No turn runs that it could mean.
                Err(Cut::Interrupted) | Ok(()) => {}
                Err(cut) => return Err(cut),
            }
            self.answers.clear();
            self.flush()?;
        }
    }

    fn take(&mut self, message: FromHost) -> Result<(), Cut> {
        match message {
            FromHost::Query(query) => self.waiting.push_back(*query),
            FromHost::Stop => return Err(Cut::Stopped),
            FromHost::Interrupt => return Err(Cut::Interrupted),
            FromHost::Ping => self.send(&json!({"type": "pong"}))?,
            FromHost::Answer(answer) => {
                self.answers.insert(answer.request.clone(), answer);
            }
            FromHost::Set(_) | FromHost::Judged(_) => {
                self.send(&json!({"type": "error", "message": "the demo has nothing to set"}))?;
            }
            FromHost::Bad(message) => self.send(&json!({"type": "error", "message": message}))?,
        }
        Ok(())
    }

    /// Whatever has come meanwhile.
    pub(super) fn look(&mut self) -> Result<(), Cut> {
        loop {
            match self.inbox.try_recv() {
                Ok(message) => self.take(message)?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Cut::Ended),
            }
        }
    }

    /// A moment as people feel it; shorter or none at another speed.
    pub(super) fn pause(&mut self, milliseconds: u64) -> Result<(), Cut> {
        if self.speed == 0.0 {
            self.flush()?;
            return self.look();
        }
        self.until(Instant::now() + Duration::from_millis(milliseconds).div_f64(self.speed))
    }

    /// A moment at any speed, for what is not ours to hurry.
    pub(super) fn wait(&mut self, time: Duration) -> Result<(), Cut> {
        self.until(Instant::now() + time)
    }

    fn until(&mut self, deadline: Instant) -> Result<(), Cut> {
        self.flush()?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(left) {
                Ok(message) => {
                    self.take(message)?;
                    self.flush()?;
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Cut::Ended),
            }
        }
    }

    /// Until somebody ends it.
    pub(super) fn hang(&mut self) -> Result<(), Cut> {
        self.flush()?;
        loop {
            let message = self.inbox.recv().map_err(|_| Cut::Ended)?;
            self.take(message)?;
            self.flush()?;
        }
    }

    /// Until somebody kills it.
    pub(super) fn deaf(&mut self) -> Result<(), Cut> {
        self.flush()?;
        while self.inbox.recv().is_ok() {}
        loop {
            std::thread::park();
        }
    }

    /// `rate` beats a second; 0 is as fast as possible.
    pub(super) fn pace(&self, rate: f64) -> Pace {
        let rate = rate * self.speed;
        let per = if rate > 0.0 { Duration::from_secs_f64(1.0 / rate) } else { Duration::ZERO };
        Pace { start: Instant::now(), per, beats: 0 }
    }

    /// Waits for the next beat. What was written leaves before a wait, and in large pieces where there is none.
    pub(super) fn beat(&mut self, pace: &mut Pace) -> Result<(), Cut> {
        pace.beats = pace.beats.wrapping_add(1);
        let deadline = pace.start + pace.per * pace.beats;
        if !pace.per.is_zero() && deadline > Instant::now() {
            self.until(deadline)
        } else if pace.beats.is_multiple_of(64) {
            self.look()
        } else {
            Ok(())
        }
    }

    /// A fresh id for something to ask.
    pub(super) fn request_id(&mut self) -> String {
        self.asked += 1;
        format!("{}-ask-{}", self.run, self.asked)
    }

    /// The answers to what was asked, in that order, once all are there.
    pub(super) fn answers(&mut self, requests: &[String]) -> Result<Vec<Answer>, Cut> {
        self.flush()?;
        while requests.iter().any(|request| !self.answers.contains_key(request)) {
            let message = self.inbox.recv().map_err(|_| Cut::Ended)?;
            self.take(message)?;
            self.flush()?;
        }
        // A cancelled answer may be the first word of an interrupt.
        self.look()?;
        Ok(requests.iter().filter_map(|request| self.answers.remove(request)).collect())
    }
}
