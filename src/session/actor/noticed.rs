//! What becomes of the project's files that the agent obeys while it runs: they are looked at after each turn and when its
//! process has ended. An agent that was told to allow something for good may write that there itself, and whoever talks it
//! into something can write there too: it is said at once, and kept for the question before the next start.
//!
//! Says what changed while the agent ran, never by whom: nobody can tell.

use super::{Actor, Done, Stop};
use crate::{
    domain::Content,
    session::trust::{self, Answers, Brought, Known, Place, Written},
};

/// Names in a sentence.
const NAMED: usize = 3;
/// Of a session's title, in a question.
const TITLE: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Noticing {
    /// What there was when the process was started, or at the last look.
    seen: Option<Brought>,
    /// A look is under way, and whether another one has to follow.
    looks: bool,
    again: bool,
}

/// What a look has found.
pub(super) struct Noticed {
    brought: Brought,
    /// Names of what has changed, if the user is asked about that.
    news: Vec<String>,
}

/// Who runs, for what is kept of it.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    agent: String,
    session: String,
    at: i64,
}

impl Actor {
    /// The process that is started now may read these.
    pub(super) fn notices(&mut self, brought: Brought) {
        self.noticing.seen = Some(brought);
    }

    /// What was there before, for a look that is due anyway: nobody runs any more.
    pub(super) fn noticed_before(&mut self) -> Option<Brought> {
        self.noticing.seen.take()
    }

    pub(super) fn runs_as(&self) -> Runs {
        let config = &self.options.config;
        let agent = Some(&config.title).filter(|title| !title.is_empty()).unwrap_or(&self.options.provider);
        let title = &self.state.summary.title;
        let cut = if title.chars().nth(TITLE).is_some() { "..." } else { "" };
        let session = title.chars().take(TITLE).collect::<String>() + cut;
        Runs { agent: agent.clone(), session, at: self.common.now() }
    }

    /// After a turn.
    pub(super) fn notice_files(&mut self) {
        if self.noticing.looks {
            self.noticing.again = true;
            return;
        }
        let Some((before, place)) = self.noticing.seen.take().zip(Place::of(&self.options)) else { return };
        let (journals, runs, provider) = (self.common.journals.clone(), self.runs_as(), self.options.provider.clone());
        self.noticing.looks = true;
        self.jobs.spawn_blocking(move || {
            let brought = place.look();
            let answers = journals.map(|journals| Answers::of(&journals, &brought.project));
            let mut news = note(&before, &brought, answers.as_ref(), &runs);
            let kept = answers.and_then(|answers| answers.read_all().ok()).unwrap_or_default();
            if !matches!(trust::known(&brought, &kept, &provider), Known::Open(_)) {
                // It was answered before, as for a branch that is checked out again.
                news.clear();
            }
            Done::Noticed(Box::new(Noticed { brought, news }))
        });
    }

    /// When the process has ended. One that follows at once is asked about anyway.
    pub(super) fn notice_at_end(&mut self) {
        if self.live.is_none() && !self.is_trusting() && self.stop == Stop::No {
            self.notice_files();
        }
    }

    pub(super) fn have_noticed(&mut self, Noticed { brought, news }: Noticed) {
        let again = std::mem::take(&mut self.noticing.again);
        self.noticing.looks = false;
        if !news.is_empty() {
            let (Runs { agent, .. }, names) = (self.runs_as(), names_of(news));
            let message = format!(
                "While {agent} ran, {names} changed: {agent} obeys what is in there, so you are asked before it is started again"
            );
            self.say(Content::Status { subtype: "trust".to_owned(), message });
            self.flush();
        }
        // Of a process that was started meanwhile more is known.
        if (self.live.is_some() || again) && self.noticing.seen.is_none() {
            self.noticing.seen = Some(brought);
        }
        if again {
            self.notice_files();
        }
        if self.live.is_none() && !self.noticing.looks {
            self.noticing.seen = None;
        }
    }
}

/// Keeps what has changed since; its names. That it cannot be kept costs the question some words.
pub(super) fn note(before: &Brought, now: &Brought, answers: Option<&Answers>, runs: &Runs) -> Vec<String> {
    let news = trust::differing(before, now);
    let written = news.iter().filter_map(|file| {
        let (name, print) = (file.name.clone(), file.print.clone().ok()?);
        Some(Written { name, print, agent: runs.agent.clone(), session: runs.session.clone(), at: runs.at })
    });
    let written: Vec<Written> = written.collect();
    if let Some(answers) = answers.filter(|_| !written.is_empty())
        && let Err(error) = answers.note(written)
    {
        tracing::warn!(%error, "what has changed while the agent ran is not kept");
    }
    news.into_iter().map(|file| file.name).collect()
}

/// Some of them, for a sentence.
pub(super) fn names_of(mut names: Vec<String>) -> String {
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
