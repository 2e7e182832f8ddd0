//! The watchdog over the turn that runs, and what the session is said to wait for.
//!
//! What is stalled is decided in `session::watch`; here is where it is looked, what is told of it, and that our own limits
//! are put off when we were away.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{Actor, Done, Stop};
use crate::{
    agent::{
        awake::{self, Beats},
        process::Usage,
    },
    domain::{Cause, Content, MessageId, ToolKind, Wait},
    session::{
        updates::Update,
        watch::{Look, Verdict, Watch},
    },
    transcript::{Body, Entry, EntryId, ToolState},
};

/// Lines of stderr that are told of an agent that has stalled, and how long they may be.
const QUOTED: usize = 5;
const QUOTED_CHARS: usize = 200;
/// A command's process may have been there for so long before its agent told of the command.
const EARLY: Duration = Duration::from_secs(5);

pub(super) struct Watching {
    beats: Beats,
    began: Instant,
    /// Since then, of time in which we were away.
    lost: Duration,
    /// Of the turn that runs.
    watch: Option<Watch>,
    /// The processes are being looked at.
    looking: bool,
    /// The agent's last lines of stderr.
    stderr: VecDeque<String>,
    /// What its silence is, and since when; none if it is well. By our own clock, which is what spans are told by: the time of
    /// day may jump.
    quiet: Option<(Quiet, Duration)>,
    /// When the commands of the turn were heard of, as [`Watching::age_clock`] has it.
    commands: HashMap<EntryId, Duration>,
    /// The message that says that it has stalled.
    told: Option<MessageId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quiet {
    Stalled,
    /// It waits for a command.
    Command,
}

impl Default for Watching {
    fn default() -> Self {
        Self {
            beats: Beats::default(),
            began: Instant::now(),
            lost: Duration::ZERO,
            watch: None,
            looking: false,
            stderr: VecDeque::new(),
            quiet: None,
            commands: HashMap::new(),
            told: None,
        }
    }
}

impl Watching {
    /// Time awake.
    fn now(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.lost)
    }

    /// As ages of processes count: on through pauses of ours and through the machine's sleep.
    fn age_clock(&self) -> Duration {
        self.began.elapsed() + awake::asleep()
    }

    /// For how long it has been quiet, if it is.
    pub(super) fn quiet_for(&self) -> Option<Duration> {
        self.quiet.map(|(_, since)| self.now().saturating_sub(since))
    }

    pub(super) fn next_beat(&self) -> Option<Instant> {
        self.beats.next()
    }

    /// Of the process that runs.
    pub(super) fn take_stderr(&mut self, line: &str) {
        if self.stderr.len() == QUOTED {
            self.stderr.pop_front();
        }
        self.stderr.push_back(line.chars().take(QUOTED_CHARS).collect());
    }

    pub(super) fn forget_stderr(&mut self) {
        self.stderr.clear();
    }
}

impl Actor {
    /// Whoever has a limit wants to know when we were away.
    pub(super) fn keep_beats(&mut self) {
        let due = self.live.as_ref().is_some_and(|live| live.due.is_some());
        if due || self.askers.until.is_some() || self.leave_at.is_some() || self.watching.watch.is_some() {
            if self.watching.next_beat().is_none() {
                self.watching.beats.begin(Instant::now(), awake::asleep());
            }
        } else {
            self.watching.beats.rest();
        }
    }

    /// A second has passed; or more, in which nobody was here.
    pub(super) fn beat(&mut self, at: Instant) {
        if self.watching.next_beat().is_none_or(|next| next > at) {
            return;
        }
        if let Some(pause) = self.watching.beats.beat(at, awake::asleep()) {
            tracing::info!(?pause, "we were away: time limits are put off");
            let put_off = |limit: &mut Option<Instant>| {
                if let Some(limit) = limit {
                    *limit += pause.lost;
                }
            };
            put_off(&mut self.askers.until);
            put_off(&mut self.leave_at);
            if let Some((due, _)) = self.live.as_mut().and_then(|live| live.due.as_mut()) {
                *due += pause.lost;
            }
            self.watching.lost += pause.lost;
            let now = self.watching.now();
            if let Some(watch) = &mut self.watching.watch {
                watch.woke(now);
            }
            // Whoever counts on from what was told has counted the pause.
            if self.watching.quiet.is_some() {
                self.tell_row();
            }
        }
        self.watch_over();
    }

    /// A turn has begun.
    pub(super) fn begin_watch(&mut self) {
        let Some(patience) = self.options.config.watchdog.filter(|seconds| *seconds > 0) else { return };
        let Some(live) = &self.live else { return };
        let watch = Watch::new(Duration::from_secs(patience), self.watching.now(), live.handle.said());
        self.watching.watch = Some(watch);
    }

    /// It has ended, however it did.
    pub(super) fn end_watch(&mut self) {
        self.judge(Verdict::Well);
        self.watching.watch = None;
        self.watching.commands.clear();
        let lasts = self.state.summary.wait.as_ref().is_some_and(|wait| wait.cause.lasts());
        if !lasts {
            self.state.summary.wait = None;
        }
    }

    /// A byte of the agent's has come, or something of it.
    pub(super) fn watch_over(&mut self) {
        let now = self.watching.now();
        let waits_for_us = self.state.open_questions() > 0 || !self.files.is_empty() || self.stop != Stop::No;
        let (Some(live), Some(watch)) = (&self.live, &mut self.watching.watch) else { return };
        if waits_for_us {
            watch.heard(now);
        }
        let looks = watch.wants_look(now) && !self.watching.looking;
        let verdict = watch.tick(now, live.handle.said());
        self.judge(verdict);
        if looks {
            self.look_at_processes();
        }
    }

    /// All of `/proc` is read for it, which may take a while.
    fn look_at_processes(&mut self) {
        let Some(live) = &self.live else { return };
        if live.away.is_some() {
            // They are elsewhere.
            return self.processes_seen(None);
        }
        self.watching.looking = true;
        let (handle, outside) = (live.handle.clone(), self.common.outside.clone());
        self.jobs.spawn_blocking(move || Done::Looked(outside.usage(&handle)));
    }

    /// `None`: they cannot be seen, and what the agent says of a command has to do.
    pub(super) fn processes_seen(&mut self, usage: Option<Usage>) {
        self.watching.looking = false;
        let began = self.command_began();
        let lives = |began: Duration| {
            let age = self.watching.age_clock().saturating_sub(began) + EARLY;
            usage.is_none_or(|usage| usage.youngest.is_some_and(|youngest| youngest <= age))
        };
        let look = Look { cpu: usage.map(|usage| usage.cpu), command: began.is_some_and(lives) };
        let now = self.watching.now();
        if let Some(watch) = &mut self.watching.watch {
            watch.saw(now, look);
        }
        self.watch_over();
    }

    /// An entry is new or has changed.
    pub(super) fn watch_command(&mut self, index: usize) {
        let Some(Entry { id, body: Body::Tool(tool), .. }) = self.transcript.entries().get(index) else { return };
        if self.live.is_some() && tool.call.kind == ToolKind::Execute {
            let now = self.watching.age_clock();
            self.watching.commands.entry(*id).or_insert(now);
        }
    }

    /// When the last of the commands was heard of that the agent runs now, as [`Watching::age_clock`] has it.
    fn command_began(&self) -> Option<Duration> {
        let turn = self.transcript.latest().take_while(|(_, entry)| !matches!(entry.body, Body::Prompt(_)));
        let mut commands = turn.filter_map(|(_, entry)| match &entry.body {
            Body::Tool(tool) => {
                let runs = tool.state == ToolState::Running && tool.call.kind == ToolKind::Execute;
                runs.then(|| self.watching.commands.get(&entry.id).copied().unwrap_or_default())
            }
            _ => None,
        });
        commands.next()
    }

    fn judge(&mut self, verdict: Verdict) {
        let quiet = self.watching.quiet.map(|(quiet, _)| quiet);
        match verdict {
            Verdict::Stalled if quiet != Some(Quiet::Stalled) => self.has_stalled(),
            Verdict::Waits if quiet != Some(Quiet::Command) => self.is_quiet(Some(Quiet::Command)),
            Verdict::Well if quiet.is_some() => self.is_quiet(None),
            _ => {}
        }
    }

    /// Whether and how it is quiet has changed.
    fn is_quiet(&mut self, quiet: Option<Quiet>) {
        let since = self.watching.watch.as_ref().map_or_else(|| self.watching.now(), Watch::since);
        let before = self.watching.quiet_for().unwrap_or_default();
        let was = std::mem::replace(&mut self.watching.quiet, quiet.map(|quiet| (quiet, since)));
        let (stalled, was_stalled) = (quiet == Some(Quiet::Stalled), was.is_some_and(|(was, _)| was == Quiet::Stalled));
        // For people, who want the time of day of it.
        let span = self.watching.quiet_for().map(|span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let summary = &mut self.state.summary;
        summary.stalled = stalled;
        summary.quiet_since = span.map(|span| self.common.now().saturating_sub(span));
        // What is used up, and a login that is missing, it waits for all the same.
        if !summary.wait.as_ref().is_some_and(|wait| wait.cause.lasts()) {
            let waits = quiet == Some(Quiet::Command);
            summary.wait = waits.then(|| Wait::new(Cause::Command, "waits for a command that it runs"));
        }
        if was_stalled
            && !stalled
            && let Some(id) = self.watching.told.take()
        {
            let message = format!("{} had said nothing for {}", self.options.provider, words(before.as_secs()));
            self.record(id, None, false, Content::Status { subtype: "went_on".to_owned(), message });
        }
        if was_stalled != stalled {
            let stderr = self.watching.stderr.iter().map(|line| self.redactor.text(line)).collect();
            let (session, since) = (self.options.session_id.clone(), self.state.summary.quiet_since);
            self.tell_row();
            self.tell(Update::Stalled { session, since, stderr });
        } else {
            self.tell_row();
        }
    }

    fn has_stalled(&mut self) {
        let provider = &self.options.provider;
        let patience = self.options.config.watchdog.unwrap_or_default();
        let away = self.live.as_ref().is_some_and(|live| live.away.is_some());
        let nothing = if away { "said nothing" } else { "said nothing and done nothing" };
        let mut message = format!(
            "{provider} has {nothing} for {}: :Agor retry starts it anew and sends the prompt again",
            words(patience)
        );
        for line in &self.watching.stderr {
            message.push('\n');
            message.push_str(&self.redactor.text(line));
        }
        tracing::warn!("the agent has stalled");
        let id = self.say(Content::Status { subtype: "stalled".to_owned(), message });
        self.watching.told = Some(id);
        self.is_quiet(Some(Quiet::Stalled));
    }

    /// The agent says what it waits for.
    pub(super) fn waits(&mut self, mut wait: Wait, delay_ms: Option<u64>) {
        self.watch_over();
        let at = self.watching.now();
        if let Some(watch) = &mut self.watching.watch {
            watch.announced(at, delay_ms.map(Duration::from_millis));
        }
        wait.until = wait.until.or(delay_ms.map(|delay| self.common.now().saturating_add_unsigned(delay)));
        self.state.summary.wait = Some(wait);
        self.tell_row();
    }

    /// It has said something else: what it waited for within its turn is over.
    pub(super) fn waits_no_more(&mut self) {
        if self.state.summary.wait.as_ref().is_some_and(|wait| !wait.cause.lasts()) {
            self.state.summary.wait = None;
            self.tell_row();
        }
    }
}

/// A span of time as people say it.
fn words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_span_is_said_in_the_unit_that_fits() {
        for (seconds, expect) in [(90, "90 s"), (180, "3 min"), (7199, "119 min"), (7260, "2 h 1 min")] {
            assert_eq!(words(seconds), expect);
        }
    }
}
