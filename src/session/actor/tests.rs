//! A session with an agent that says what the test wants, over a process that is none; in paused time.

mod conversations;
mod decided;
mod ends;
mod files;
mod granted;
mod images;
mod judged;
mod leave;
mod past;
mod queued;
mod restored;
mod row;
mod settings;
mod traced;
mod trusted;
mod turns;
mod unread;
mod watched;

use std::{
    collections::VecDeque,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::{
    agent::{
        lines::Frame,
        process::{
            OwnBinary, ProcessEvent, Usage,
            pretend::{Puppet, pretend},
        },
        protocol::Output,
        stop::{Action, Step},
    },
    domain::{Capabilities, Command, Content, Event, ProviderConfig, SessionId, Status, TurnOutcome},
    session::{reply::Reply, request::Order, updates::Level},
};

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, String>>>>;

/// An agent that says what it is given, and hands on what it is told.
struct Scripted {
    shared: Arc<Shared>,
    told: mpsc::UnboundedSender<Command>,
}

struct Shared {
    /// For each line of its stdout, what that means.
    lines: Mutex<VecDeque<Vec<Event>>>,
    ready: AtomicBool,
    /// Whoever reads it panics.
    breaks: AtomicBool,
}

impl Scripted {
    fn next(&self) -> Output {
        if self.shared.breaks.load(Relaxed) {
            std::panic::resume_unwind(Box::new("it breaks"));
        }
        let mut lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Output { events: lines.pop_front().unwrap_or_default(), writes: Vec::new() }
    }
}

impl Protocol for Scripted {
    fn start(&mut self) -> Output {
        Output::default()
    }

    fn receive(&mut self, _: Frame) -> Output {
        self.next()
    }

    fn command(&mut self, command: Command) -> Output {
        let _ = self.told.send(command);
        Output::default()
    }

    fn is_ready(&self) -> bool {
        self.shared.ready.load(Relaxed)
    }

    fn end(&mut self) -> Output {
        Output::default()
    }

    fn stop_ladder(&self) -> Vec<Step> {
        vec![Step::new(Action::CloseStdin, Duration::from_secs(3)), Step::kill()]
    }
}

/// One process of the session, from its other side.
struct Side {
    options: StartOptions,
    /// Arguments that keep it from what the project brings along.
    without: Vec<String>,
    shared: Arc<Shared>,
    puppet: Puppet,
    told: mpsc::UnboundedReceiver<Command>,
}

impl Side {
    /// The agent says a line that means this.
    fn says(&self, events: impl IntoIterator<Item = Event>) {
        let events = events.into_iter().collect();
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).push_back(events);
        self.puppet.line("something");
    }

    /// It can do this, and is ready.
    fn ready(&self, capabilities: Capabilities) {
        self.shared.ready.store(true, Relaxed);
        self.says([Event::Capabilities(Box::new(capabilities))]);
    }

    fn ends_turn(&self) {
        self.says([Event::TurnEnded { stop_reason: "end_turn".into(), outcome: TurnOutcome::Idle }]);
    }

    /// What it was told next.
    async fn told(&mut self) -> Command {
        self.told.recv().await.expect("the agent lives")
    }

    async fn prompted(&mut self) -> Prompt {
        match self.told().await {
            Command::Prompt(prompt) => prompt,
            other => panic!("no prompt: {other:?}"),
        }
    }

    #[track_caller]
    fn told_nothing(&mut self) {
        assert_eq!(self.told.try_recv().ok(), None);
    }
}

/// A session and everybody around it.
struct Stage {
    inputs: mpsc::UnboundedSender<Input>,
    updates: mpsc::UnboundedReceiver<Update>,
    processes: mpsc::UnboundedReceiver<Side>,
    heard: u32,
    folder: TempDir,
    around: Arc<Surroundings>,
}

/// What a test changes of a session's surroundings.
#[derive(Default)]
struct Surroundings {
    /// By how many milliseconds the time of day has jumped.
    jumped: AtomicI64,
    /// What is seen of the agent's processes; they cannot be seen if there is none.
    usage: Mutex<Option<Box<dyn Fn() -> Usage + Send>>>,
    /// Why no process can be started.
    refuses: Mutex<Option<String>>,
}

fn id(name: &str) -> SessionId {
    SessionId::parse(name).expect("a good id")
}

impl Stage {
    /// A session whose first process has started.
    async fn begin(change: impl FnOnce(&mut StartOptions)) -> (Self, Side) {
        let mut stage = Self::new(change);
        let side = stage.process().await;
        (stage, side)
    }

    /// And is ready.
    async fn with(capabilities: Capabilities) -> (Self, Side) {
        let (mut stage, side) = Self::begin(|_| {}).await;
        side.ready(capabilities);
        stage.heard(&side).await;
        (stage, side)
    }

    fn new(change: impl FnOnce(&mut StartOptions)) -> Self {
        Self::on(tempfile::tempdir().expect("a folder"), change, Actor::new)
    }

    /// Another backend takes the session up from its journal.
    fn restored(self, change: impl FnOnce(&mut StartOptions)) -> Self {
        drop(self.inputs);
        Self::on(self.folder, change, Actor::restored)
    }

    fn on(
        folder: TempDir,
        change: impl FnOnce(&mut StartOptions),
        make: fn(StartOptions, Arc<Common>, mpsc::UnboundedSender<Update>) -> Result<Actor, JournalError>,
    ) -> Self {
        let cwd = folder.path().canonicalize().expect("it is there");
        let mut options = StartOptions::new(id("a"), "scripted", ProviderConfig::default(), cwd);
        change(&mut options);
        let (started, processes) = mpsc::unbounded_channel();
        let around = Arc::new(Surroundings::default());
        let refusing = Arc::clone(&around);
        let launch = move |options: &StartOptions, without| {
            if let Some(why) = refusing.refuses.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return Err(why);
            }
            let (process, puppet) = pretend(options.session_id.clone());
            let shared = Arc::new(Shared {
                lines: Mutex::default(),
                ready: AtomicBool::new(false),
                breaks: AtomicBool::new(false),
            });
            let (tell, told) = mpsc::unbounded_channel();
            let protocol = Box::new(Scripted { shared: Arc::clone(&shared), told: tell });
            let _ = started.send(Side { options: options.clone(), without, shared, puppet, told });
            Ok(Agent { protocol, process, away: None, ready_within: Some(Duration::from_secs(60)) })
        };
        let (clock, seen) = (Arc::clone(&around), Arc::clone(&around));
        let outside = Outside {
            agents: Some(Arc::new(launch)),
            clock: Some(Arc::new(move || Outside::default().now() + clock.jumped.load(Relaxed))),
            usage: Some(Arc::new(move |_| Some(seen.usage.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?()))),
            ..Outside::default()
        };
        let common = Arc::new(Common {
            journals: Some(folder.path().join("sessions")),
            traces: Some(folder.path().join("traces")),
            binary: OwnBinary::default(),
            syncer: std::sync::mpsc::channel().0,
            colourist: crate::session::colour::Colourist::default(),
            counters: Arc::default(),
            outside,
        });
        let (told_by, updates) = mpsc::unbounded_channel();
        let (inputs, received) = mpsc::unbounded_channel();
        let actor = make(options, common, told_by).expect("a journal");
        tokio::spawn(actor.run(received));
        Self { inputs, updates, processes, heard: 0, folder, around }
    }

    /// The time of day is another one.
    fn clock_jumps(&self, by: Duration, back: bool) {
        let by = i64::try_from(by.as_millis()).expect("no such jump");
        self.around.jumped.fetch_add(if back { -by } else { by }, Relaxed);
    }

    /// Lets go of the session, as a backend does that ends.
    async fn ended(&mut self) {
        self.inputs = mpsc::unbounded_channel().0;
        // It stays in the list, for the next backend to take up.
        while let Some(update) = self.updates.recv().await {
            assert!(!matches!(update, Update::Removed(_)), "nobody has asked for that");
        }
    }

    /// Until the session has taken in whatever the agent has said.
    async fn heard(&mut self, side: &Side) {
        self.heard += 1;
        let title = format!("heard {}", self.heard);
        side.says([Event::Title(title.clone())]);
        self.row(|row| row.title == title).await;
    }

    /// The next process that the session starts.
    async fn process(&mut self) -> Side {
        self.processes.recv().await.expect("the session lives")
    }

    /// Asked when this is called; the answer may be waited for later.
    fn ask<T: 'static>(&self, input: impl FnOnce(Reply<T>) -> Input) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        let _ = self.inputs.send(input(reply));
        Box::pin(async move { answer.await.unwrap_or_else(|_| Err("dropped".to_owned())) })
    }

    fn order(&self, order: Order) -> Answer<()> {
        self.ask(|reply| Input::Order { order, reply })
    }

    async fn send(&self, text: &str) {
        self.order(Order::Send(Prompt::new(text))).await.expect("taken");
    }

    /// The next thing told that `look` finds something in.
    async fn find<T>(&mut self, mut look: impl FnMut(&Update) -> Option<T>) -> T {
        loop {
            let update = self.updates.recv().await.expect("the session lives");
            if let Some(found) = look(&update) {
                return found;
            }
        }
    }

    async fn row(&mut self, mut holds: impl FnMut(&SessionSummary) -> bool) -> SessionSummary {
        self.find(|update| match update {
            Update::Session(row) if holds(row) => Some((**row).clone()),
            _ => None,
        })
        .await
    }

    async fn draft(&mut self) -> Prompt {
        self.find(|update| match update {
            Update::Draft { prompt, .. } => Some(prompt.clone()),
            _ => None,
        })
        .await
    }

    async fn notified(&mut self) -> String {
        self.find(|update| match update {
            Update::Notify { message, level: Level::Warn | Level::Error, .. } => Some(message.clone()),
            _ => None,
        })
        .await
    }

    async fn turn(&mut self) -> String {
        self.find(|update| match update {
            Update::Turn { stop_reason, .. } => Some(stop_reason.clone()),
            _ => None,
        })
        .await
    }

    async fn messages(&self) -> Vec<Content> {
        let page = self.ask(|reply| Input::Messages { since: 0, reply }).await.expect("messages");
        page.messages.into_iter().map(|message| message.content).collect()
    }

    /// What was given to the agent while it worked.
    async fn steered(&self) -> Vec<String> {
        let steered = |content| match content {
            Content::Prompt(prompt) if prompt.steered => Some(prompt.text),
            _ => None,
        };
        self.messages().await.into_iter().filter_map(steered).collect()
    }

    /// What stands in the transcript: prompts with `>`, statuses and errors in words.
    async fn lines(&self) -> Vec<String> {
        let line = |content| match content {
            Content::Prompt(prompt) => Some(format!("> {}", prompt.text)),
            Content::Text { text } => Some(text),
            Content::Status { message, .. } | Content::Error { message } => Some(message),
            _ => None,
        };
        self.messages().await.into_iter().filter_map(line).collect()
    }
}
