//! Lines to the host, and what it says meanwhile. Knows the sidecar protocol and nothing of Ollama.
//!
//! Whatever the runner waits for, it waits for the host too: `interrupt`, `stop` and the end of the input cut a wait short,
//! and what was waited for is dropped with it.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufWriter, Write},
    pin::pin,
};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use crate::runner::inbox::{Answer, FromHost, Judged, Query, Setting};

/// Why a wait was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Interrupted,
    Stopped,
    /// Nobody is there: the input has ended or the output is closed.
    Ended,
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Cut::Ended
    }
}

pub(super) struct Host<W: Write> {
    out: BufWriter<W>,
    inbox: Receiver<FromHost>,
    queries: VecDeque<Query>,
    settings: VecDeque<Setting>,
    answers: BTreeMap<String, Answer>,
    judged: BTreeMap<String, Judged>,
    session: String,
    /// Tells the ids of this process from those of another that the session has had.
    run: String,
    ids: u32,
}

/// What there is to do while no turn runs.
pub(super) enum Job {
    Query(Box<Query>),
    Set(Setting),
}

impl<W: Write> Host<W> {
    pub(super) fn new(out: W, inbox: Receiver<FromHost>, run: &str) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            inbox,
            queries: VecDeque::new(),
            settings: VecDeque::new(),
            answers: BTreeMap::new(),
            judged: BTreeMap::new(),
            session: String::new(),
            run: run.to_owned(),
            ids: 0,
        }
    }

    /// One message as a line; it leaves with the next wait.
    pub(super) fn send(&mut self, message: &Value) -> Result<(), Cut> {
        self.out.write_all(message.to_string().as_bytes())?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// A message about the session: `fields` are its other keys.
    pub(super) fn tell(&mut self, kind: &str, fields: Value) -> Result<(), Cut> {
        let mut message = Map::new();
        message.insert("type".into(), kind.into());
        message.insert("sessionId".into(), self.session.as_str().into());
        if let Value::Object(fields) = fields {
            message.extend(fields);
        }
        self.send(&Value::Object(message))
    }

    pub(super) fn event(&mut self, event: Value) -> Result<(), Cut> {
        self.tell("agent_event", json!({"event": event}))
    }

    /// A line of the transcript that is nobody's text.
    pub(super) fn status(&mut self, subtype: &str, message: &str) -> Result<(), Cut> {
        self.event(json!({"type": "status", "subtype": subtype, "message": message}))
    }

    /// About something that is no part of a turn.
    pub(super) fn complain(&mut self, message: &str) -> Result<(), Cut> {
        self.send(&json!({"type": "error", "message": message}))
    }

    pub(super) fn flush(&mut self) -> Result<(), Cut> {
        Ok(self.out.flush()?)
    }

    pub(super) fn begin(&mut self, session: &str) -> Result<(), Cut> {
        session.clone_into(&mut self.session);
        self.answers.clear();
        self.judged.clear();
        self.tell("agent_started", Value::Null)
    }

    /// Never used before in this session.
    pub(super) fn fresh_id(&mut self, what: &str) -> String {
        self.ids += 1;
        format!("{what}-{}-{}", self.run, self.ids)
    }

    fn take(&mut self, message: FromHost) -> Result<(), Cut> {
        match message {
            FromHost::Query(query) => self.queries.push_back(*query),
            FromHost::Stop => return Err(Cut::Stopped),
            FromHost::Interrupt => return Err(Cut::Interrupted),
            FromHost::Ping => self.send(&json!({"type": "pong"}))?,
            FromHost::Answer(answer) => {
                self.answers.insert(answer.request.clone(), answer);
            }
            FromHost::Judged(judged) => {
                self.judged.insert(judged.request.clone(), judged);
            }
            FromHost::Set(setting) => self.settings.push_back(setting),
            FromHost::Bad(message) => self.complain(&message)?,
        }
        Ok(())
    }

    async fn listen(&mut self) -> Result<(), Cut> {
        self.flush()?;
        let message = self.inbox.recv().await.ok_or(Cut::Ended)?;
        self.take(message)?;
        self.flush()
    }

    /// What comes of `wait`, unless the host cuts it short.
    pub(super) async fn race<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Cut> {
        self.flush()?;
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                biased;
                message = self.inbox.recv() => {
                    self.take(message.ok_or(Cut::Ended)?)?;
                    self.flush()?;
                }
                done = &mut wait => return Ok(done),
            }
        }
    }

    /// The same, and `None` as soon as there is something to do.
    pub(super) async fn race_jobs<T>(&mut self, wait: impl Future<Output = T>) -> Result<Option<T>, Cut> {
        self.flush()?;
        let mut wait = pin!(wait);
        while self.queries.is_empty() && self.settings.is_empty() {
            tokio::select! {
                biased;
                message = self.inbox.recv() => self.idle(message)?,
                done = &mut wait => return Ok(Some(done)),
            }
        }
        Ok(None)
    }

    /// What is to be done next; what was set before a prompt is set before it.
    pub(super) async fn next(&mut self) -> Result<Job, Cut> {
        self.flush()?;
        loop {
            if let Some(setting) = self.settings.pop_front() {
                return Ok(Job::Set(setting));
            }
            if let Some(query) = self.queries.pop_front() {
                return Ok(Job::Query(Box::new(query)));
            }
            let message = self.inbox.recv().await;
            self.idle(message)?;
        }
    }

    /// While no turn runs there is none to be interrupted.
    fn idle(&mut self, message: Option<FromHost>) -> Result<(), Cut> {
        match self.take(message.ok_or(Cut::Ended)?) {
            Ok(()) | Err(Cut::Interrupted) => self.flush(),
            Err(cut) => Err(cut),
        }
    }

    /// What the user has chosen while a turn runs.
    pub(super) fn next_setting(&mut self) -> Option<Setting> {
        self.settings.pop_front()
    }

    /// What rules say of the call that was told of under this id.
    pub(super) async fn judged(&mut self, request: &str) -> Result<Judged, Cut> {
        loop {
            if let Some(judged) = self.judged.remove(request) {
                return Ok(judged);
            }
            self.listen().await?;
        }
    }

    /// The answer to what was asked under this id.
    pub(super) async fn answer(&mut self, request: &str) -> Result<Answer, Cut> {
        loop {
            if let Some(answer) = self.answers.remove(request) {
                // A cancelled answer may be the first word of an interrupt.
                while let Ok(message) = self.inbox.try_recv() {
                    self.take(message)?;
                }
                return Ok(answer);
            }
            self.listen().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::runner::inbox;

    fn host(out: &mut Vec<u8>) -> (Host<&mut Vec<u8>>, Sender<FromHost>) {
        let (sender, receiver) = channel(16);
        (Host::new(out, receiver, "run"), sender)
    }

    async fn say(sender: &Sender<FromHost>, message: Value) {
        sender.send(inbox::parse(&message.to_string())).await.expect("the host listens");
    }

    #[tokio::test]
    async fn a_wait_is_cut_short_by_an_interrupt_and_by_nothing_less() {
        let mut out = Vec::new();
        let (mut host, sender) = host(&mut out);
        say(&sender, json!({"type": "ping"})).await;
        say(&sender, json!({"type": "query", "prompt": "later"})).await;
        say(&sender, json!({"type": "interrupt"})).await;
        assert_eq!(host.race(std::future::pending::<()>()).await, Err(Cut::Interrupted));
        assert!(matches!(host.next().await, Ok(Job::Query(query)) if query.prompt == "later"));
        drop(sender);
        assert_eq!(host.race(std::future::pending::<()>()).await, Err(Cut::Ended));
        drop(host);
        assert_eq!(String::from_utf8(out).expect("text"), "{\"type\":\"pong\"}\n");
    }

    #[tokio::test]
    async fn what_was_chosen_comes_before_the_prompt_and_an_interrupt_of_nothing_is_none() {
        let mut out = Vec::new();
        let (mut host, sender) = host(&mut out);
        say(&sender, json!({"type": "interrupt"})).await;
        say(&sender, json!({"type": "set_model", "model": "m"})).await;
        say(&sender, json!({"type": "query", "prompt": "now"})).await;
        say(&sender, json!({"type": "set_mode", "mode": "plan"})).await;
        say(&sender, json!({"type": "stop"})).await;
        assert_eq!(host.race_jobs(std::future::pending::<()>()).await, Ok(None));
        assert!(matches!(host.next().await, Ok(Job::Set(Setting::Model(model))) if model == "m"));
        assert!(matches!(host.next().await, Ok(Job::Query(_))));
        assert!(matches!(host.next().await, Ok(Job::Set(Setting::Mode(mode))) if mode == "plan"));
        assert!(matches!(host.next().await, Err(Cut::Stopped)));
    }

    #[tokio::test]
    async fn an_answer_that_comes_with_an_interrupt_is_none() {
        let mut out = Vec::new();
        let (mut host, sender) = host(&mut out);
        say(&sender, json!({"type": "permission_response", "requestId": "b", "optionId": "yes"})).await;
        say(&sender, json!({"type": "permission_response", "requestId": "a", "optionId": "no"})).await;
        assert_eq!(host.answer("a").await.map(|answer| answer.option), Ok(Some("no".to_owned())));
        say(&sender, json!({"type": "permission_response", "requestId": "c", "cancelled": true})).await;
        say(&sender, json!({"type": "interrupt"})).await;
        assert_eq!(host.answer("c").await.map(|answer| answer.cancelled), Err(Cut::Interrupted));
    }
}
