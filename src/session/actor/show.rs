//! What clients see of a session: views, messages, exports.

use tokio::time::{Duration, Instant};

use super::{Actor, LINGER};
use crate::{
    render::{Head, Scene, View, detail, export, place, take, ticks},
    session::{
        request::{Found, Input, Painted, Sight, Want},
        updates::{Level, Update},
    },
    transcript::Body,
};

/// Somebody wants the messages.
pub(super) struct Listening {
    /// Up to where the journal was handed out.
    pub(super) since: u64,
    /// A delivery is under way.
    pub(super) out: bool,
    pub(super) next: Instant,
    /// That nothing can be handed on was said.
    pub(super) failed: bool,
}

/// Deliveries to listeners: at most ten a second.
const DELIVERY: Duration = Duration::from_millis(100);
/// A delivery to listeners.
const DELIVERY_BYTES: u64 = 64 * 1024;
/// Views that are kept while nobody sees them.
const HIDDEN: usize = 4;
/// An answer to `messages()`.
const PAGE_BYTES: u64 = 1024 * 1024;
/// A part of an export: the session does nothing else while it is copied.
const EXPORT_BYTES: usize = 1024 * 1024;

fn look(view: &mut View, Sight { width, windows }: Sight) {
    view.set_width(width);
    view.set_windows(windows);
}

impl Actor {
    pub(super) fn show_input(&mut self, input: Input) {
        match input {
            Input::OpenView { view, icons, sight, revision } => {
                self.icons = icons;
                let kept = self.hidden.remove(&view).filter(|kept| kept.goes_on(&self.transcript, revision, icons));
                let kept = kept.unwrap_or_else(|| View::new(self.head(), Scene { icons, ..Scene::default() }));
                look(self.views.entry(view).or_insert(kept), sight);
                self.count_seconds();
                self.tell_dirty();
                self.read_along();
            }
            Input::Look { view, sight } => {
                if let Some(view) = self.views.get_mut(&view) {
                    look(view, sight);
                    if view.has_more() {
                        self.tell_dirty();
                    }
                }
            }
            Input::Reach { view } => {
                if self.views.get_mut(&view).is_some_and(View::reach) {
                    self.tell_dirty();
                }
            }
            Input::CloseView { view } => {
                if let Some(hidden) = self.views.remove(&view) {
                    // Buffers may have been wiped meanwhile; nobody says so.
                    if self.hidden.len() >= HIDDEN {
                        self.hidden.clear();
                    }
                    self.hidden.insert(view, hidden);
                }
                if self.views.is_empty() {
                    self.readings.colours.rest();
                }
                if self.views.is_empty() && self.live.is_none() && self.leave_at.is_none() {
                    self.leave_at = Some(Instant::now() + LINGER);
                }
            }
            Input::Paint { view, budget, reply } => {
                self.dirty_told = false;
                self.flush();
                let mut painted = Painted::default();
                if let Some(view) = self.views.get_mut(&view) {
                    painted.patch = view.next(&self.transcript, &mut self.readings, self.common.now(), budget);
                    painted.more = view.has_more();
                    painted.awaited = view.is_awaited();
                }
                let _ = reply.send(painted);
                self.send_for_colours();
            }
            Input::Repaint { view } => {
                if let Some(view) = self.views.get_mut(&view) {
                    view.reset();
                    self.tell_dirty();
                }
            }
            Input::Fold { view, row, action, reply } => {
                let folded = self.views.get_mut(&view).is_some_and(|view| view.fold(row, action));
                if folded {
                    self.tell_dirty();
                }
                let _ = reply.send(Ok(folded));
            }
            Input::Find { view, row, want, reply } => {
                let found = self.views.get(&view).and_then(|view| self.find(view, row, want));
                let _ = reply.send(Ok(found));
            }
            Input::Listen(true) => self.listen(),
            Input::Listen(false) => self.listening = None,
            Input::MessagesTaken => {
                if let Some(listening) = &mut self.listening {
                    listening.out = false;
                }
            }
            Input::Messages { since, reply } => {
                let page = self.journal.page(since, PAGE_BYTES);
                let _ = reply.send(match &page.failure {
                    // Nothing there would be taken for nothing said, and asked for again for ever.
                    Some(failure) if page.messages.is_empty() => Err(failure.clone()),
                    Some(failure) => {
                        self.notify(Level::Warn, failure.clone());
                        Ok(page)
                    }
                    None => Ok(page),
                });
            }
            Input::Export { from, reply } => {
                let _ = reply.send(Ok(export(&self.transcript, from, EXPORT_BYTES)));
            }
            other => tracing::error!(?other, "an input that nobody handles"),
        }
    }

    fn find(&self, view: &View, row: usize, want: Want) -> Option<Found> {
        let spot = view.at(row)?;
        let scene = Scene { now: self.common.now(), ..view.scene() };
        match want {
            Want::Place => place(&self.transcript, &spot, scene).map(Found::Place),
            Want::Text => take(&self.transcript, &spot, scene, &self.options.cwd.to_string_lossy()).map(Found::Text),
            Want::Whole => detail(&self.transcript, &spot, scene).map(Found::Whole),
        }
    }

    /// Hands on what is said from now on.
    pub(in crate::session) fn listen(&mut self) {
        let since = self.journal.end();
        self.listening.get_or_insert_with(|| Listening { since, out: false, next: Instant::now(), failed: false });
    }

    fn head(&self) -> Head {
        let cwd = self.options.cwd.to_string_lossy();
        let home = self.options.environ.get("HOME").filter(|home| home.len() > 1);
        let shown = match home.and_then(|home| cwd.strip_prefix(home.as_str())) {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            _ => cwd.into_owned(),
        };
        Head { text: format!("{}  {shown}", self.options.provider) }
    }

    /// What shows how long it has taken so far is painted once a second while somebody looks.
    pub(super) fn count_seconds(&mut self) {
        self.tick_at = None;
        if self.views.is_empty() {
            return;
        }
        let turn = self.transcript.latest().take_while(|(_, entry)| !matches!(entry.body, Body::Prompt(_)));
        let ticking: Vec<usize> = turn.filter(|(_, entry)| ticks(entry)).map(|(index, _)| index).collect();
        if ticking.is_empty() {
            return;
        }
        for view in self.views.values_mut() {
            ticking.iter().for_each(|index| view.touch(*index));
        }
        self.tick_at = Some(Instant::now() + Duration::from_secs(1));
        self.tell_dirty();
    }

    pub(super) fn tell_dirty(&mut self) {
        if !self.dirty_told && !self.views.is_empty() {
            self.dirty_told = true;
            self.tell(Update::Dirty(self.options.session_id.clone()));
        }
    }

    pub(super) fn has_news(&self, listening: &Listening) -> bool {
        listening.since < self.journal.end() || self.journal.has_pending()
    }

    /// Hands on what is new to those who listen: one piece at a time, or, at the end of a turn, all of it.
    pub(super) fn deliver(&mut self, all: bool) {
        let now = Instant::now();
        loop {
            let Some(listening) = &self.listening else { return };
            if !self.has_news(listening) || !all && (listening.out || listening.next > now) {
                return;
            }
            let page = self.journal.page(listening.since, DELIVERY_BYTES);
            let messages = page.messages;
            let Some(listening) = &mut self.listening else { return };
            let failed = std::mem::replace(&mut listening.failed, page.failure.is_some());
            if let Some(failure) = page.failure.filter(|_| !failed) {
                tracing::warn!("{failure}");
                self.notify(Level::Warn, format!("{failure}; on_message() hears what is said as soon as it can be"));
            }
            let Some(listening) = &mut self.listening else { return };
            if page.end == listening.since {
                // It cannot be read now.
                listening.next = now + DELIVERY;
                return;
            }
            listening.since = page.end;
            // Parts of a text that has ended meanwhile are no news: its whole comes.
            if messages.is_empty() && all {
                continue;
            }
            if messages.is_empty() {
                return;
            }
            listening.out = true;
            listening.next = now + DELIVERY;
            self.tell(Update::Messages { session: self.options.session_id.clone(), messages });
        }
    }
}
