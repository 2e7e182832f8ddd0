//! The one place that calls the editor: what there is to tell and to paint, in one acknowledged call at a time.
//!
//! The answer is the back-pressure: while the editor sits at a prompt nothing is sent, what comes meanwhile merges, and
//! sessions go on. At most 60 calls a second, each limited by what it will cost Neovim's thread (`pace`); only text that
//! somebody waits for (a search through all of a transcript) comes in more of them, between which there is room for keys.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use rmpv::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{
    encode, encode_patch,
    link::{Answer, Caller},
    pace::Pace,
};
use crate::{
    client::{Batch, Outbox, Stats},
    domain::SessionId,
    render::{Budget, Patch},
    session::{HubHandle, Painted, Request, Update, ViewId},
};

const FRAME: Duration = Duration::from_micros(16_667);
/// Text may be locked while an expression mapping waits for a key.
const BUSY_RETRY: Duration = Duration::from_millis(50);
/// How long a session may take to lay out a frame before the others go ahead without it.
const LAYOUT: Duration = Duration::from_millis(8);

/// A call with no more text than this has brought all that there was: nothing is late if the next comes a little later.
const WHOLE: u64 = 16 * 1024;

/// An editor that takes so long for a call was away: it was stopped, or its user sat at a prompt.
const ABSENCE: Duration = Duration::from_secs(1);

/// How often shown sessions that work say so; a redraw of the bar, nothing of the text.
const SPIN: Duration = Duration::from_millis(200);

/// A batch that failed as often as this is not tried again.
const MAX_FAILURES: u32 = 8;
const FAILURE_WAIT: Duration = Duration::from_secs(5);

const APPLY: &str = "return require('agor.rpc').apply(...)";

/// What else the painter is told, besides updates.
#[derive(Debug)]
pub enum Order {
    /// All transcripts that are shown now, and whether those of sessions that work are to show it.
    Views { shown: Vec<Shown>, spinner: bool },
    /// The answer to a callback.
    Reply { id: u64, result: Result<Value, String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub view: ViewId,
    pub session: SessionId,
    pub focused: bool,
}

pub struct Painter {
    link: Box<dyn Caller>,
    hub: HubHandle,
    stats: Arc<Stats>,
    updates: mpsc::UnboundedReceiver<Update>,
    orders: mpsc::UnboundedReceiver<Order>,
    outbox: Outbox,
    replies: Vec<(u64, Result<Value, String>)>,
    views: Vec<View>,
    pace: Pace,
    next_frame: Instant,
    /// When more of what somebody waits for may come, whatever else is due.
    next_awaited: Instant,
    /// Round robin among views that are not focused.
    turn: usize,
    sessions: HashSet<SessionId>,
    /// Since when sessions work on their turn.
    busy: HashMap<SessionId, Instant>,
    /// Calls that failed in a row.
    failures: u32,
    spinner: bool,
    next_spin: Instant,
    spins: u64,
    /// Of the view that was shown last.
    serial: u64,
}

struct View {
    shown: Shown,
    /// A number of its own for each time that it has come to be shown: its buffer may have been gone in between.
    serial: u64,
    /// It may have something to paint.
    dirty: bool,
    /// What it has to paint is older text that somebody waits for.
    awaited: bool,
    /// Its editor was away since it was painted.
    returned: bool,
    /// A patch that the editor could not take yet.
    retry: Option<(Patch, Instant)>,
    /// A layout that was not ready in time.
    late: Option<oneshot::Receiver<Painted>>,
}

impl View {
    fn is_awaited(&self) -> bool {
        self.awaited && self.dirty && self.retry.is_none()
    }
}

/// A patch under way.
struct Painting {
    view: ViewId,
    serial: u64,
    patch: Patch,
}

/// A call under way.
struct Flight {
    answer: Answer,
    batch: Batch,
    replies: Vec<(u64, Result<Value, String>)>,
    patches: Vec<Painting>,
    started: Instant,
    bytes: u64,
    /// Of the patches, in microseconds, without correction.
    estimate: f64,
}

impl Painter {
    pub fn new(
        link: Box<dyn Caller>,
        hub: HubHandle,
        stats: Arc<Stats>,
        updates: mpsc::UnboundedReceiver<Update>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        Self {
            link,
            hub,
            stats,
            updates,
            orders,
            outbox: Outbox::default(),
            replies: Vec::new(),
            views: Vec::new(),
            pace: Pace::default(),
            next_frame: Instant::now(),
            next_awaited: Instant::now(),
            turn: 0,
            sessions: HashSet::new(),
            busy: HashMap::new(),
            failures: 0,
            spinner: true,
            next_spin: Instant::now(),
            spins: 0,
            serial: 0,
        }
    }

    /// Until the hub or the dispatcher is gone.
    pub async fn run(mut self) {
        let mut flight: Option<Flight> = None;
        loop {
            // What has come already is merged before the next frame.
            while let Ok(update) = self.updates.try_recv() {
                self.update(update);
            }
            while let Ok(order) = self.orders.try_recv() {
                self.order(order);
            }
            let wake = if flight.is_none() { self.wake() } else { None };
            if wake.is_some_and(|wake| wake <= Instant::now()) {
                flight = self.frame().await;
                continue;
            }
            let sleep_to = wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                update = self.updates.recv() => match update {
                    Some(update) => self.update(update),
                    None => return,
                },
                order = self.orders.recv() => match order {
                    Some(order) => self.order(order),
                    None => return,
                },
                answer = answered(&mut flight) => if let Some(flight) = flight.take() {
                    self.landed(flight, answer);
                },
                () = sleep_until(sleep_to) => {}
            }
        }
    }

    /// When the next call is to be made, if there is anything to say.
    fn wake(&self) -> Option<Instant> {
        let now = Instant::now();
        let news = self.outbox.has_news() || !self.replies.is_empty();
        let paint = self.views.iter().filter_map(|view| match &view.retry {
            Some((_, at)) => Some(*at),
            None => view.dirty.then_some(now),
        });
        let spin = self.spinning().next().is_some().then_some(self.next_spin);
        let first = paint.chain(news.then_some(now)).chain(spin).min();
        let awaited = self.views.iter().any(View::is_awaited).then_some(self.next_awaited);
        first.map(|first| first.max(self.next_frame)).into_iter().chain(awaited).min()
    }

    /// Shown sessions that work, and since when.
    fn spinning(&self) -> impl Iterator<Item = (&SessionId, Instant)> {
        let shown = self.views.iter().filter(|_| self.spinner);
        shown.filter_map(|view| self.busy.get_key_value(&view.shown.session)).map(|(session, since)| (session, *since))
    }

    fn update(&mut self, update: Update) {
        match &update {
            Update::Dirty(session) => {
                for view in self.views.iter_mut().filter(|view| view.shown.session == *session) {
                    view.dirty = true;
                }
                return;
            }
            Update::Session(row) => {
                self.sessions.insert(row.session_id.clone());
                if row.busy {
                    self.busy.entry(row.session_id.clone()).or_insert_with(Instant::now);
                } else {
                    self.busy.remove(&row.session_id);
                }
            }
            Update::Removed(session) => {
                self.sessions.remove(session);
                self.busy.remove(session);
            }
            _ => {}
        }
        self.stats.set_sessions(self.sessions.len() as u64);
        self.outbox.push(update);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Reply { id, result } => self.replies.push((id, result)),
            Order::Views { shown, spinner } => {
                self.spinner = spinner;
                let mut known = std::mem::take(&mut self.views);
                self.views = shown
                    .into_iter()
                    .map(|shown| {
                        let same = |view: &View| view.shown.view == shown.view && view.shown.session == shown.session;
                        match known.iter().position(same) {
                            Some(index) => View { shown, ..known.swap_remove(index) },
                            None => {
                                self.serial += 1;
                                View {
                                    shown,
                                    serial: self.serial,
                                    dirty: true,
                                    awaited: false,
                                    returned: false,
                                    retry: None,
                                    late: None,
                                }
                            }
                        }
                    })
                    .collect();
            }
        }
    }

    async fn frame(&mut self) -> Option<Flight> {
        let started = Instant::now();
        // Between frames comes only what somebody waits for: what streams beside it costs no more redraws than ever.
        let due = self.next_frame <= started;
        if due {
            self.next_frame = started + FRAME;
        }
        // Its answer brings this nearer.
        self.next_awaited = started + FRAME;
        let batch = if due { self.outbox.take() } else { Batch::default() };
        let mut fields: Vec<(Value, Value)> = Vec::new();
        if !batch.rows.is_empty() {
            fields.push(("sessions".into(), Value::Array(batch.rows.iter().map(encode::row).collect())));
        }
        if !batch.removed.is_empty() {
            fields.push(("removed".into(), encode::value(&batch.removed)));
        }
        let events: Vec<Value> = batch.events.iter().filter_map(encode::event).collect();
        if !events.is_empty() {
            fields.push(("events".into(), Value::Array(events)));
        }
        let replies = if due { std::mem::take(&mut self.replies) } else { Vec::new() };
        if !replies.is_empty() {
            let values = replies.iter().map(|(id, result)| {
                let (error, value) = match result {
                    Ok(value) => (Value::Nil, value.clone()),
                    Err(error) => (Value::from(error.as_str()), Value::Nil),
                };
                Value::Array(vec![(*id).into(), error, value])
            });
            fields.push(("replies".into(), Value::Array(values.collect())));
        }
        if due && self.next_spin <= started {
            let now = started;
            let spins = self.spins;
            let rows = self.spinning().map(|(session, since)| {
                let seconds = now.duration_since(since).as_secs();
                Value::Array(vec![session.as_str().into(), spins.into(), seconds.into()])
            });
            let rows: Vec<Value> = rows.collect();
            if !rows.is_empty() {
                fields.push(("spin".into(), Value::Array(rows)));
                self.spins += 1;
            }
            self.next_spin = started + SPIN;
        }
        let patches = self.paint(due).await;
        let mut estimate = 0.0;
        let mut bytes = 0;
        if !patches.is_empty() {
            let values = patches.iter().map(|one| encode_patch::patch(one.view.buffer, &one.patch)).collect();
            estimate = patches.iter().map(|one| one.patch.micros()).sum();
            bytes = patches.iter().map(|one| one.patch.bytes() as u64).sum();
            fields.push(("patches".into(), Value::Array(values)));
        }
        if fields.is_empty() {
            return None;
        }
        let args = vec![Value::from(APPLY), Value::Array(vec![Value::Map(fields)])];
        let answer = self.link.call("nvim_exec_lua", args);
        Some(Flight { answer, batch, replies, patches, started, bytes, estimate })
    }

    /// Asks the shown sessions for their patches, the focused one first, under one budget; between frames only those in
    /// which somebody waits.
    async fn paint(&mut self, due: bool) -> Vec<Painting> {
        let mut order: Vec<usize> = (0..self.views.len()).filter(|&at| due || self.views[at].is_awaited()).collect();
        let count = order.len().max(1);
        self.turn = (self.turn + 1) % count;
        let first = self.turn.min(order.len());
        order.rotate_left(first);
        order.sort_by_key(|&index| !self.views[index].shown.focused);
        let now = Instant::now();
        let mut left = self.pace.room();
        let mut waiting = order.iter().filter(|&&index| self.views[index].dirty).count();
        let mut patches = Vec::new();
        for index in order {
            let view = &mut self.views[index];
            if let Some((patch, at)) = view.retry.take() {
                if at > now {
                    view.retry = Some((patch, at));
                } else {
                    left -= patch.micros();
                    patches.push(Painting { view: view.shown.view, serial: view.serial, patch });
                }
                // What comes after it waits: patches follow each other.
                continue;
            }
            if !view.dirty {
                continue;
            }
            let share = left / waiting.max(1) as f64;
            waiting -= 1;
            if share < 1.0 {
                continue;
            }
            // What has changed since a late layout was made is not in it.
            let was_late = view.late.is_some();
            let returned = std::mem::take(&mut view.returned);
            let mut reply = view.late.take().unwrap_or_else(|| {
                let (reply, painted) = oneshot::channel();
                let (session, view) = (view.shown.session.clone(), view.shown.view);
                let budget = Budget::micros(share).returned(returned);
                self.hub.send(Request::Paint { session, view, budget, reply });
                painted
            });
            match timeout(LAYOUT, &mut reply).await {
                Ok(Ok(painted)) => {
                    view.dirty = painted.more || was_late;
                    view.awaited = painted.awaited;
                    if let Some(patch) = painted.patch {
                        left -= patch.micros();
                        patches.push(Painting { view: view.shown.view, serial: view.serial, patch });
                    }
                }
                // The session has gone; its row says so.
                Ok(Err(_)) => view.dirty = false,
                Err(_) => view.late = Some(reply),
            }
        }
        patches
    }

    fn landed(&mut self, flight: Flight, answer: Result<Value, String>) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.failed(flight, &error),
        };
        self.failures = 0;
        for event in flight.batch.events {
            if let Update::Messages { session, .. } = event {
                self.hub.send(Request::MessagesTaken { session });
            }
        }
        let field = |name: &str| answer.as_map().and_then(|map| map.iter().find(|(key, _)| key.as_str() == Some(name)));
        let ms = field("ms").and_then(|(_, ms)| ms.as_f64()).unwrap_or(0.0);
        self.stats.call(flight.patches.len() as u64, flight.bytes, ms);
        if flight.started.elapsed() > ABSENCE {
            self.views.iter_mut().for_each(|view| view.returned = true);
        }
        if flight.bytes <= WHOLE {
            self.next_frame = self.next_frame.max(flight.started + Pace::rest(ms));
        }
        self.next_awaited = Instant::now() + Pace::breath(ms);
        self.pace.learn(flight.estimate, ms);
        let results = field("results").and_then(|(_, results)| results.as_array().cloned()).unwrap_or_default();
        let mut results = results.iter().map(|result| result.as_str().unwrap_or("").to_owned());
        for Painting { view: id, serial, patch } in flight.patches {
            let result = results.next();
            let Some(at) = self.views.iter().position(|view| view.shown.view == id) else { continue };
            match result.as_deref() {
                Some("ok") => {}
                Some("busy") => {
                    self.stats.count_busy();
                    self.views[at].retry = Some((patch, Instant::now() + BUSY_RETRY));
                }
                // The buffer was wiped: the next list of views says so too. One that has come in before this answer may
                // show it again.
                Some("gone") if self.views[at].serial == serial => _ = self.views.remove(at),
                _ => {
                    self.stats.count_stale();
                    self.repaint(id);
                }
            }
        }
    }

    /// The call itself went wrong: the plugin's files may be on the move. Nothing of the batch is lost, and the editor is
    /// asked again ever more rarely; what has failed that often by itself is let go.
    fn failed(&mut self, flight: Flight, error: &str) {
        self.failures += 1;
        tracing::error!(error, failures = self.failures, "Neovim could not take a batch");
        self.next_frame = Instant::now() + (BUSY_RETRY * 2u32.pow(self.failures.min(7))).min(FAILURE_WAIT);
        self.next_awaited = self.next_frame;
        for painting in flight.patches {
            self.repaint(painting.view);
        }
        if self.failures <= MAX_FAILURES {
            self.outbox.put_back(flight.batch);
            self.replies.splice(0..0, flight.replies);
        } else {
            self.outbox.forget(&flight.batch);
            tracing::error!(events = flight.batch.events.len(), "let go of a batch that Neovim does not take");
        }
    }

    fn repaint(&mut self, id: ViewId) {
        if let Some(view) = self.views.iter_mut().find(|view| view.shown.view == id) {
            view.dirty = true;
            self.hub.send(Request::Repaint { session: view.shown.session.clone(), view: id });
        }
    }
}

async fn answered(flight: &mut Option<Flight>) -> Result<Value, String> {
    match flight {
        Some(flight) => match (&mut flight.answer).await {
            Ok(answer) => answer,
            Err(_) => Err("the call was lost".to_owned()),
        },
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "painter_tests.rs"]
mod tests;
