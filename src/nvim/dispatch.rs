//! What the editor wants, to those who do it; what comes of it, back to the editor's callbacks.

mod beside;
mod changes;
mod export;
mod grants;
mod queue;
mod told;

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use rmpv::Value;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use self::{
    beside::Beside,
    told::{temporary, told, worktree_told},
};
use super::{
    PROTOCOL, decode,
    encode::{self, table},
    link::{CLOSED, Incoming},
    painter::{Order, Shown},
};
use crate::{
    agent::protocol::registry,
    client::{FileQuery, Files, Stats},
    domain::SessionId,
    logging::Logging,
    render::{Icons, Window},
    runner,
    session::{ClientId, Found, HubHandle, Reply, Request, Showing, Sight, ViewId, Want},
};

/// There is one editor on these pipes.
const CLIENT: ClientId = ClientId(0);

/// The first exchange, not yet answered.
pub struct Hello {
    pub data_dir: PathBuf,
    pub state_dir: PathBuf,
    pub log_level: String,
    pub trace: bool,
    reply: oneshot::Sender<Result<Value, Value>>,
}

impl Hello {
    pub fn accept(self, log: Option<PathBuf>) {
        let log = log.map_or(Value::Nil, |path| Value::from(path.to_string_lossy()));
        let _ = self.reply.send(Ok(greeting(log)));
    }
}

fn greeting(log_path: Value) -> Value {
    table([
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("protocol", PROTOCOL.into()),
        ("pid", std::process::id().into()),
        ("log_path", log_path),
        ("protocols", names(registry::names())),
        ("runners", names(runner::NAMES.iter().copied())),
    ])
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    Value::Array(names.map(Value::from).collect())
}

/// Waits for an editor that speaks the same protocol. One that does not is told our version, and says what to do.
pub async fn handshake(incoming: &mut mpsc::UnboundedReceiver<Incoming>) -> Option<Hello> {
    loop {
        match incoming.recv().await? {
            Incoming::Notification { method, .. } if method == CLOSED => return None,
            Incoming::Notification { .. } => {}
            Incoming::Request { method, args, reply } if method == "handshake" => {
                let params = decode::params(args.into_iter().next());
                match params.and_then(|json| decode::read::<decode::Handshake>("handshake", json)) {
                    Ok(hello) if hello.protocol == PROTOCOL => {
                        let decode::Handshake { data_dir, state_dir, log_level, trace, .. } = hello;
                        return Some(Hello { data_dir, state_dir, log_level, trace, reply });
                    }
                    Ok(hello) => {
                        tracing::error!(version = hello.version, protocol = hello.protocol, "another protocol");
                        let _ = reply.send(Ok(greeting(Value::Nil)));
                    }
                    Err(error) => {
                        let _ = reply.send(Err(Value::from(error)));
                    }
                }
            }
            Incoming::Request { reply, .. } => {
                let _ = reply.send(Err(Value::from("the first request has to be 'handshake'")));
            }
        }
    }
}

pub struct Dispatch {
    hub: HubHandle,
    stats: Arc<Stats>,
    orders: mpsc::UnboundedSender<Order>,
    logging: Logging,
    /// Those that the editor last asked for.
    icons: Icons,
    /// Once somebody has completed the name of one.
    files: Option<Files>,
    beside: Beside,
}

/// More lines than that nobody reads in a menu.
const MOST_FILES: usize = 100;

/// Where the answer to a notification goes.
#[derive(Clone)]
struct Callback {
    id: u64,
    orders: mpsc::UnboundedSender<Order>,
}

impl Callback {
    fn done(&self, result: Result<Value, String>) {
        if self.id != 0 {
            let _ = self.orders.send(Order::Reply { id: self.id, result });
        } else if let Err(error) = result {
            tracing::warn!(error, "a request failed");
        }
    }
}

impl Dispatch {
    /// Within a runtime.
    pub fn new(hub: HubHandle, stats: Arc<Stats>, orders: mpsc::UnboundedSender<Order>, logging: Logging) -> Self {
        Self { hub, stats, orders, logging, icons: Icons::default(), files: None, beside: Beside::start() }
    }

    /// Until the editor has gone.
    pub async fn run(&mut self, mut incoming: mpsc::UnboundedReceiver<Incoming>) {
        while let Some(message) = incoming.recv().await {
            match message {
                Incoming::Notification { method, .. } if method == CLOSED => return,
                Incoming::Notification { method, args } if method == "agor" => self.notification(args),
                Incoming::Notification { method, .. } => tracing::warn!(method, "an unknown notification"),
                Incoming::Request { method, args, reply } => self.request(&method, args, reply),
            }
        }
    }

    fn request(&self, method: &str, args: Vec<Value>, reply: oneshot::Sender<Result<Value, Value>>) {
        match method {
            "stats" => {
                let _ = reply.send(Ok(self.figures()));
            }
            "messages" => {
                let params = decode::params(args.into_iter().next());
                let of = params.and_then(|json| decode::read::<decode::OfSession>("messages", json));
                let of = match of {
                    Ok(of) => of,
                    Err(error) => {
                        let _ = reply.send(Err(Value::from(error)));
                        return;
                    }
                };
                let (ask, answer) = oneshot::channel();
                self.hub.send(Request::Messages { session: of.session_id, since: of.since, reply: ask });
                tokio::spawn(async move {
                    let page = answer.await.unwrap_or_else(|_| Err("the session has ended".to_owned()));
                    let _ = reply.send(page.map_err(Value::from).map(|page| {
                        let since = page.since.map_or(Value::Nil, Value::from);
                        table([("messages", encode::value(&page.messages)), ("since", since)])
                    }));
                });
            }
            _ => {
                let _ = reply.send(Err(Value::from(format!("no request '{method}'"))));
            }
        }
    }

    fn figures(&self) -> Value {
        let figures = self.stats.figures();
        let counts = self.hub.counts();
        encode::from_json(json!({
            "frames": figures.frames,
            "patches": figures.patches,
            "bytes_in": counts.bytes_in,
            "bytes_to_editor": figures.bytes_to_editor,
            "last_call_ms": figures.last_call_ms,
            "max_call_ms": figures.max_call_ms,
            "busy": figures.busy,
            "stale": figures.stale,
            "sessions": figures.sessions,
            "processes": counts.processes,
            "rss_bytes": own_rss(),
        }))
    }

    fn notification(&mut self, args: Vec<Value>) {
        let mut args = args.into_iter();
        let id = args.next().and_then(|id| id.as_u64()).unwrap_or(0);
        let method = args.next().and_then(|method| method.as_str().map(str::to_owned)).unwrap_or_default();
        let callback = Callback { id, orders: self.orders.clone() };
        let result = decode::params(args.next()).and_then(|json| self.act(&method, json, &callback));
        if let Err(error) = result {
            callback.done(Err(error));
        }
    }

    fn act(&mut self, method: &str, json: serde_json::Value, callback: &Callback) -> Result<(), String> {
        match method {
            "start" => {
                let options = Box::new(decode::read::<decode::Start>(method, json)?.options);
                self.ask(callback, |reply| Request::Start { options, reply });
            }
            "remove" => {
                let session = decode::read::<decode::OfSession>(method, json)?.session_id;
                self.ask(callback, |reply| Request::Remove { session, reply });
            }
            "conversations" => {
                let session = decode::read::<decode::OfSession>(method, json)?.session_id;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Conversations { session, reply });
                finish(callback.clone(), answer, |found| encode::value(&found));
            }
            "journals" => {
                let journals: decode::Journals = decode::read(method, json)?;
                let (around, after) = (journals.around(method)?, journals.after);
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Journals { around, after, reply });
                finish(callback.clone(), answer, |listed| encode::value(&listed));
            }
            "rename" => {
                let decode::Rename { session_id: session, name } = decode::read(method, json)?;
                self.ask(callback, |reply| Request::Rename { session, name, reply });
            }
            "delete_journal" => {
                let session = decode::read::<decode::OfSession>(method, json)?.session_id;
                self.ask(callback, |reply| Request::DeleteJournal { session, reply });
            }
            "earlier" => {
                let query = Box::new(decode::read::<decode::Earlier>(method, json)?.query()?);
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Earlier { query, reply });
                finish(callback.clone(), answer, |piece| encode::value(&piece));
            }
            "preview" => {
                let glance = Box::new(decode::read::<decode::Preview>(method, json)?.glance(self.icons)?);
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Glance { glance, reply });
                finish(callback.clone(), answer, |preview| {
                    let lines = preview.lines.iter().map(|line| Value::from(line.text.as_str())).collect();
                    let marks = encode::marks(&preview.lines);
                    table([("lines", Value::Array(lines)), ("marks", marks), ("row", preview.row.into())])
                });
            }
            "interrupted" => {
                let around = decode::read::<decode::Around>(method, json)?.cwd;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Interrupted { around, reply });
                finish(callback.clone(), answer, Value::from);
            }
            "others" => {
                let around = decode::read::<decode::Around>(method, json)?.chosen(method)?;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Others { around, reply });
                finish(callback.clone(), answer, |others| encode::value(&others));
            }
            "release" => {
                let session = decode::read::<decode::OfSession>(method, json)?.session_id;
                self.ask(callback, |reply| Request::Release { session, reply });
            }
            "find_files" => self.find_files(decode::read(method, json)?, callback)?,
            "gather" => {
                let decode::Gather { session_id: session, context } = decode::read(method, json)?;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Gather { session, context, reply });
                self.by_file(callback, answer);
            }
            "changes" => self.changes(json, callback)?,
            "before" => self.before(json, callback)?,
            "audit" | "grant" | "grants" | "revoke" | "weigh" => self.of_grants(method, json, callback)?,
            "queue" | "queued" => self.of_queue(method, json, callback)?,
            "trace" | "export" => self.of_session(method, decode::read(method, json)?, callback),
            "views" => self.views(decode::read(method, json)?),
            "fold" => {
                let fold: decode::Fold = decode::read(method, json)?;
                let action = fold.action()?;
                let view = ViewId { client: CLIENT, buffer: fold.buf };
                let (session, row) = (fold.session_id, fold.row);
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Fold { session, view, row, action, reply });
                finish(callback.clone(), answer, Value::from);
            }
            "reach" => {
                let decode::Reach { buf, session_id: session } = decode::read(method, json)?;
                self.hub.send(Request::Reach { session, view: ViewId { client: CLIENT, buffer: buf } });
                callback.done(Ok(Value::Nil));
            }
            "place" => self.find(Want::Place, decode::read(method, json)?, callback),
            "take" => self.find(Want::Text, decode::read(method, json)?, callback),
            "detail" => self.find(Want::Whole, decode::read(method, json)?, callback),
            "asked" => {
                let decode::Asked { session_id: session, request_id } = decode::read(method, json)?;
                self.found(callback, |reply| Request::Asked { session, request_id, reply });
            }
            "listen" => {
                let listen: decode::Listen = decode::read(method, json)?;
                let sessions: BTreeSet<SessionId> = listen.sessions.into_iter().collect();
                self.hub.send(Request::Listen { all: listen.all, sessions });
                callback.done(Ok(Value::Nil));
            }
            "ps" => {
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Processes { reply });
                finish(callback.clone(), answer, |rows| {
                    let row = |row: crate::agent::process::ProcessInfo| {
                        table([
                            ("session_id", row.session_id.as_str().into()),
                            ("pid", row.pid.into()),
                            ("command", row.command.as_str().into()),
                            ("age_s", row.age.as_secs_f64().into()),
                            ("rss_bytes", row.rss_bytes.into()),
                        ])
                    };
                    Value::Array(rows.into_iter().map(row).collect())
                });
            }
            "worktrees" | "worktree_look" | "worktree_diff" | "worktree_merge" | "worktree_remove" => {
                let (ask, environ) = decode::worktree(method, json)?;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Worktree { ask, environ, reply });
                self.finish_beside(callback, answer, worktree_told);
            }
            "configure" => {
                let configure: decode::Configure = decode::read(method, json)?;
                if let Some(level) = configure.log_level {
                    self.logging.set_level(&level);
                }
                if let Some(trace) = configure.trace {
                    self.hub.send(Request::TraceNew { on: trace });
                }
                callback.done(Ok(Value::Nil));
            }
            #[cfg(debug_assertions)]
            "panic_in" => match decode::read::<decode::PanicIn>(method, json)?.part {
                decode::Part::Hub => self.hub.send(Request::Panic),
                decode::Part::Editor => panic!("the editor's side was told to panic"),
            },
            _ => match decode::order(method, json)? {
                Some((session, order)) => {
                    self.ask(callback, |reply| Request::Order { session, order, reply });
                }
                None => {
                    return Err(format!("no method '{method}': run :Agor build, the backend is older than the plugin"));
                }
            },
        }
        Ok(())
    }

    fn of_session(&self, method: &str, of: decode::OfSession, callback: &Callback) {
        let decode::OfSession { session_id: session, on, .. } = of;
        if method == "trace" {
            let (reply, answer) = oneshot::channel();
            self.hub.send(Request::Trace { session, on, reply });
            finish(callback.clone(), answer, |path| table([("path", path.to_string_lossy().into())]));
        } else {
            export::export(self.hub.clone(), session, callback.clone());
        }
    }

    fn find_files(&mut self, find: decode::FindFiles, callback: &Callback) -> Result<(), String> {
        let decode::FindFiles { directory, word, recent, again } = find;
        if !directory.is_absolute() {
            return Err(format!("find_files: directory must be an absolute path, not \"{}\"", directory.display()));
        }
        let files = match self.files.take() {
            Some(files) => files,
            None => Files::start().map_err(|error| format!("the files cannot be listed: {error}"))?,
        };
        let query = FileQuery { client: CLIENT, directory, word, recent, limit: MOST_FILES, again };
        let answer = self.files.insert(files).find(query);
        finish(callback.clone(), answer, |found| {
            let paths = found.paths.into_iter().map(Value::from).collect();
            table([("paths", Value::Array(paths)), ("total", found.total.into()), ("more", found.more.into())])
        });
        Ok(())
    }

    fn find(&self, want: Want, at: decode::At, callback: &Callback) {
        let decode::At { buf, session_id: session, row } = at;
        let view = ViewId { client: CLIENT, buffer: buf };
        self.found(callback, |reply| Request::Find { session, view, row, want, reply });
    }

    fn found(&self, callback: &Callback, request: impl FnOnce(Reply<Option<Found>>) -> Request) {
        let (reply, answer) = oneshot::channel();
        self.hub.send(request(reply));
        self.finish_beside(callback, answer, |found| found.map_or(Ok(Value::Nil), told));
    }

    fn by_file(&self, callback: &Callback, answer: oneshot::Receiver<Result<String, String>>) {
        self.finish_beside(callback, answer, |text| temporary(&text));
    }

    /// With what may have to be written to the disk.
    fn finish_beside<T: Send + 'static>(
        &self,
        callback: &Callback,
        answer: oneshot::Receiver<Result<T, String>>,
        encode: impl FnOnce(T) -> Result<Value, String> + Send + 'static,
    ) {
        let (callback, beside) = (callback.clone(), self.beside.clone());
        tokio::spawn(async move {
            let found = answer.await.unwrap_or_else(|_| Err("the session has ended".to_owned()));
            beside.tell(callback, || found.and_then(encode));
        });
    }

    fn views(&mut self, views: decode::Views) {
        self.icons = Icons::parse(&views.icons);
        let mut shown = Vec::new();
        let mut held = Vec::new();
        for view in views.views {
            let id = ViewId { client: CLIENT, buffer: view.buf };
            let (session, revision) = (view.session_id.clone(), u64::try_from(view.rev).unwrap_or(0));
            let windows = view.windows.into_iter();
            let windows = windows.map(|(top, height, follows)| Window { top, height, follows }).collect();
            held.push(Showing { view: id, session, revision, sight: Sight { width: view.width, windows } });
            shown.push(Shown { view: id, session: view.session_id, focused: view.focused });
        }
        self.hub.send(Request::Views { client: CLIENT, views: held, icons: self.icons });
        let _ = self.orders.send(Order::Views { shown, spinner: views.spinner });
    }

    fn ask(&self, callback: &Callback, request: impl FnOnce(Reply<()>) -> Request) {
        let (reply, answer) = oneshot::channel();
        self.hub.send(request(reply));
        finish(callback.clone(), answer, |()| Value::Boolean(true));
    }
}

fn finish<T: Send + 'static>(
    callback: Callback,
    answer: oneshot::Receiver<Result<T, String>>,
    encode: impl FnOnce(T) -> Value + Send + 'static,
) {
    tokio::spawn(async move {
        let result = answer.await.unwrap_or_else(|_| Err("the session has ended".to_owned()));
        callback.done(result.map(encode));
    });
}

/// Resident memory of this process, in bytes; 0 where the system does not say.
fn own_rss() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()));
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}
