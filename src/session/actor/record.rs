//! What is said is written down, shown and told: in this order.

use tokio::time::{Duration, Instant};

use super::Actor;
use crate::{
    domain::{AgentMessage, Content, MessageId, Status, ToolUseId},
    render::ticks,
    session::updates::{Level, Update},
    transcript::Change,
};

/// How long parts may wait to be merged before they are written.
const MERGE: Duration = Duration::from_millis(15);
/// Of an error, in rows and events.
const ERROR_CHARS: usize = 500;

impl Actor {
    /// A whole message of ours.
    pub(super) fn say(&mut self, content: Content) -> MessageId {
        let id = self.own_id();
        self.record(id.clone(), None, false, content);
        id
    }

    pub(super) fn own_id(&mut self) -> MessageId {
        self.serial += 1;
        MessageId::new(format!("{}-{}", self.prefix, self.serial))
    }

    /// Into journal and transcript; shown only after it is written.
    pub(super) fn record(&mut self, id: MessageId, parent_id: Option<ToolUseId>, part: bool, content: Content) {
        // What a subagent says is in its tool call.
        if let (Content::Text { text }, None) = (&content, &parent_id) {
            self.hear(&id, part, text);
        }
        let message = AgentMessage { id, parent_id, timestamp: self.common.now(), part, content };
        self.journal.append(&message);
        self.watch_journal();
        if self.journal.has_pending() && self.flush_at.is_none() {
            self.flush_at = Some(Instant::now() + MERGE);
        }
        self.fold(message);
    }

    /// Whatever was written last, and by whom: the row says whether the journal can be.
    pub(super) fn watch_journal(&mut self) {
        if self.journal.failure().is_some() != self.state.summary.journal_failed {
            self.tell_row();
        }
    }

    /// Into the transcript, and to be shown.
    pub(super) fn fold(&mut self, message: AgentMessage) {
        if let Some(change) = self.transcript.fold(message) {
            self.show_change(change);
        }
    }

    /// The journal has all of a text in its parts.
    pub(super) fn text_ended(&mut self, id: &MessageId) {
        if let Some(change) = self.transcript.close(id) {
            self.show_change(change);
        }
    }

    fn show_change(&mut self, change: Change) {
        self.watch_command(change.index);
        for view in self.views.values_mut().chain(self.hidden.values_mut()) {
            view.follow(&self.transcript, change);
        }
        let ticking = self.transcript.entries().get(change.index).is_some_and(ticks);
        if self.tick_at.is_none() && ticking {
            self.count_seconds();
        }
        self.tell_dirty();
    }

    pub(super) fn flush(&mut self) {
        self.journal.flush();
        self.flush_at = None;
    }

    /// What was written reaches the disk, on a thread that may wait for it.
    pub(super) fn sync(&self) {
        if let Some(file) = self.journal.sync_handle() {
            let _ = self.common.syncer.send(file);
        }
    }

    pub(super) fn tell(&self, update: Update) {
        // Without a hub the backend is on its way out.
        let _ = self.updates.send(update);
    }

    pub(super) fn tell_row(&mut self) {
        self.take_down();
        self.tell_journal();
        self.state.refresh();
        self.state.summary.quiet_ms =
            self.watching.quiet_for().map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        self.tell(Update::Session(Box::new(self.state.summary.clone())));
    }

    /// Whatever was to be written when the journal failed, or could be written again: each is said once.
    fn tell_journal(&mut self) {
        let failure = self.journal.failure().map(str::to_owned);
        let failed = std::mem::replace(&mut self.state.summary.journal_failed, failure.is_some());
        match failure {
            Some(failure) if !failed => {
                let what = match self.journal.is_tried_again() {
                    true => "goes on in memory, and is written as soon as that works",
                    false => "is kept in memory only: :Agor export writes it elsewhere",
                };
                self.notify(Level::Error, format!("{failure}. The conversation {what}"));
            }
            None if failed => {
                self.notify(Level::Info, "the journal can be written again, and nothing is missing in it".to_owned());
            }
            _ => {}
        }
    }

    pub(super) fn notify(&self, level: Level, message: String) {
        self.tell(Update::Notify { session: Some(self.options.session_id.clone()), level, message });
    }

    /// The transcript has an error's whole text; rows and events have its beginning. True if that is told as something new.
    pub(super) fn set_status(&mut self, status: Status, error: Option<String>) -> bool {
        let error = error.map(|error| shortened(&self.redactor.text(&error)));
        let changed = self.state.set_status(status, error.clone());
        self.tell_row();
        if changed {
            let logged = error.as_deref().map(|error| self.redactor.short(error));
            tracing::info!(?status, error = logged, "status");
            let said = error.as_deref().and_then(|error| error.lines().next()).map(str::to_owned);
            self.tell(Update::Status { session: self.options.session_id.clone(), status, error });
            if let Some(said) = said {
                self.notify(Level::Error, of_whom(&self.options.provider, said));
            }
        }
        changed
    }
}

/// There may be several sessions: a sentence says whose it is, once.
fn of_whom(provider: &str, said: String) -> String {
    match said.get(..provider.len()).filter(|_| said[provider.len()..].starts_with(' ')) {
        Some(first) if first.eq_ignore_ascii_case(provider) => said,
        _ => format!("{provider}: {said}"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ERROR_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::of_whom;

    #[test]
    fn a_sentence_says_once_whose_it_is() {
        let check = |said: &str, expect: &str| assert_eq!(of_whom("codex", said.to_owned()), expect);
        check("codex is not logged in", "codex is not logged in");
        check("Codex has ended", "Codex has ended");
        check("codexes", "codex: codexes");
        check("nö", "codex: nö");
        check("codéx is", "codex: codéx is");
    }
}
