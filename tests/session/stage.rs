//! A hub with a client that takes whatever it is told; real agents under real keepers.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use agor_nvim::{
    domain::{
        AgentMessage, Answer, Content, PermissionRequest, Prompt, ProviderConfig, SessionId, SessionSummary,
        StartOptions, Status,
    },
    session::{ClientId, Hub, HubConfig, HubHandle, Order, Page, Reply, Request, Showing, Sight, Update, ViewId},
};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

pub const BINARY: &str = env!("CARGO_BIN_EXE_agor-nvim");
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const CLIENT: ClientId = ClientId(7);

/// A hub with a client that takes whatever it is told.
pub struct Stage {
    pub hub: HubHandle,
    pub updates: mpsc::UnboundedReceiver<Update>,
    /// What was told and not asked for yet.
    pub told: VecDeque<Update>,
    pub folder: TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::on(tempfile::tempdir().expect("a folder"))
    }

    /// As a backend that starts where another has ended.
    pub fn on(folder: TempDir) -> Self {
        let at = folder.path().to_owned();
        Self::of(&at, folder)
    }

    /// As that of another Neovim, at the same time.
    pub fn beside(&self) -> Self {
        Self::of(self.folder.path(), tempfile::tempdir().expect("a folder"))
    }

    fn of(at: &Path, folder: TempDir) -> Self {
        let (client, updates) = mpsc::unbounded_channel();
        let config = HubConfig {
            journals: Some(at.join("sessions")),
            peers: Some(at.join("peers")),
            binary: PathBuf::from(BINARY).into(),
            ..HubConfig::default()
        };
        Self { hub: Hub::spawn(config, client), updates, told: VecDeque::new(), folder }
    }

    pub fn options(&self, name: &str, command: &[&str]) -> StartOptions {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let env = [("AGOR_DEMO_SPEED".to_owned(), "0".to_owned())].into();
        let config =
            ProviderConfig { protocol: "sidecar".into(), command: Some(command), env, ..ProviderConfig::default() };
        let mut options = StartOptions::new(id(name), "demo", config, self.folder.path().to_owned());
        options.environ.insert("PATH".into(), std::env::var("PATH").expect("a PATH"));
        options
    }

    pub async fn start(&self, options: StartOptions) -> Result<(), String> {
        self.ask(|reply| Request::Start { options: Box::new(options), reply }).await
    }

    /// The demo agent.
    pub async fn demo(&self, name: &str, prompt: &str) {
        let mut options = self.options(name, &[BINARY, "runner", "demo"]);
        options.permission_mode = Some("default".into());
        options.prompt = Some(text(prompt));
        self.start(options).await.expect("it starts");
    }

    /// A runner in a few lines of shell.
    pub async fn shell(&self, name: &str, script: &str, prompt: &str) {
        let mut options = self.options(name, &["/bin/sh", "-c", script]);
        options.prompt = (!prompt.is_empty()).then(|| text(prompt));
        self.start(options).await.expect("it starts");
    }

    pub async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        self.hub.send(request(reply));
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        answer.unwrap_or_else(|_| Err("dropped".to_owned()))
    }

    pub async fn order(&self, name: &str, order: Order) -> Result<(), String> {
        self.ask(|reply| Request::Order { session: id(name), order, reply }).await
    }

    pub async fn send(&self, name: &str, prompt: &str) -> Result<(), String> {
        self.order(name, Order::Send(text(prompt))).await
    }

    pub async fn stop(&self, name: &str, force: bool) -> Result<(), String> {
        self.order(name, Order::Stop { force }).await
    }

    pub async fn answer(&self, name: &str, request: &PermissionRequest, option: usize) -> Result<(), String> {
        let request_id = request.request_id.clone();
        let option_id = request.options[option].option_id.clone();
        let answer = Answer::Option { option_id, message: None, input: None };
        self.order(name, Order::Answer { request_id, answer }).await
    }

    pub async fn messages(&self, name: &str, since: u64) -> Page {
        self.ask(|reply| Request::Messages { session: id(name), since, reply }).await.expect("messages")
    }

    pub async fn texts(&self, name: &str) -> Vec<String> {
        texts(&self.messages(name, 0).await.messages)
    }

    /// The first thing told, now or later, that `look` finds something in. What was told before it stays.
    #[track_caller]
    pub fn find<T>(&mut self, look: impl FnMut(&Update) -> Option<T>) -> impl Future<Output = T> {
        let found = self.take(look);
        async move { found.await.1 }
    }

    /// The same, with how many things stay that were told before it.
    #[track_caller]
    fn take<T>(&mut self, mut look: impl FnMut(&Update) -> Option<T>) -> impl Future<Output = (usize, T)> {
        let caller = std::panic::Location::caller();
        async move {
            let mut at = 0;
            loop {
                while at < self.told.len() {
                    if let Some(found) = look(&self.told[at]) {
                        self.told.remove(at);
                        return (at, found);
                    }
                    at += 1;
                }
                let Ok(update) = timeout(PATIENCE, self.updates.recv()).await else {
                    panic!("{caller}: it was never told; told were {:#?}", self.told)
                };
                let update = update.expect("the hub lives");
                if let Update::Messages { session, .. } = &update {
                    self.hub.send(Request::MessagesTaken { session: session.clone() });
                }
                self.told.push_back(update);
            }
        }
    }

    /// Statuses of the session that were told before it are over.
    pub async fn status(&mut self, name: &str, wanted: Status) -> Option<String> {
        let of_it = |update: &Update| matches!(update, Update::Status { session, .. } if *session == id(name));
        let (before, error) = self
            .take(|update| match update {
                Update::Status { status, error, .. } if of_it(update) && *status == wanted => Some(error.clone()),
                _ => None,
            })
            .await;
        let mut index = 0;
        self.told.retain(|update| {
            index += 1;
            index > before || !of_it(update)
        });
        error
    }

    pub async fn permission(&mut self) -> PermissionRequest {
        self.find(|update| match update {
            Update::Permission { request, .. } => Some((**request).clone()),
            _ => None,
        })
        .await
    }

    pub async fn closed(&mut self) -> String {
        self.find(|update| match update {
            Update::Closed { outcome, .. } => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    pub async fn turn(&mut self, name: &str) -> String {
        self.find(|update| match update {
            Update::Turn { session, stop_reason } if *session == id(name) => Some(stop_reason.clone()),
            _ => None,
        })
        .await
    }

    pub async fn draft(&mut self) -> String {
        self.find(|update| match update {
            Update::Draft { prompt, .. } => Some(prompt.text.clone()),
            _ => None,
        })
        .await
    }

    pub async fn row(&mut self, mut holds: impl FnMut(&SessionSummary) -> bool) -> SessionSummary {
        self.find(|update| match update {
            Update::Session(row) if holds(row) => Some((**row).clone()),
            _ => None,
        })
        .await
    }

    pub async fn removed(&mut self, name: &str) {
        self.find(|update| matches!(update, Update::Removed(gone) if *gone == id(name)).then_some(())).await;
    }
}

/// Session `a` in a buffer that holds nothing yet.
pub fn showing(view: ViewId) -> Showing {
    Showing { view, session: id("a"), revision: 0, sight: Sight::default() }
}

/// So many seconds of paused time, all of them awake: whoever counts them by beats has each beat in its time, which a jump
/// of `advance` is not.
pub async fn awake(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub fn id(name: &str) -> SessionId {
    SessionId::parse(name).expect("a good id")
}

pub fn text(text: &str) -> Prompt {
    Prompt::new(text)
}

pub fn texts(messages: &[AgentMessage]) -> Vec<String> {
    let text = |message: &AgentMessage| match &message.content {
        Content::Text { text } => Some(text.clone()),
        _ => None,
    };
    messages.iter().filter_map(text).collect()
}
