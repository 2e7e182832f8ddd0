//! One task that owns one agent, its transcript and whatever is open between the agent and the user.
//!
//! It handles one event after the other without waiting in between, so every change of state is whole. What the agent says
//! is in `agent`, what it is told in `told`, what it leaves where it ran in `away`; prompts on their way are in `prompts`,
//! what the user does with those that wait in `queued`, what was said before the session began in `past`, questions in
//! `asked`, what answers them without the user in `considered`, tools that are judged though nobody asks in `judged`, what
//! the user has chosen for longer in `granted`, what is taken down of that in `audited`, what a project brings along for
//! the agent in `trusted`, models, modes and the like in `settings`, logins in `login`, the agent's own conversations in
//! `conversations`, files that it wants through us in `files`, what it changes in any in `changed`, commands of the user's
//! own in `shell`, its git worktree in `worktree`, whether the turn gets on in `watched`, a turn that is tried once more in
//! `again`. What is said is taken down in `record`, all of the wire in `traced`, and shown by `show`, in the colours that
//! `colours` sends for. What else it waits for is in `heard`, what all sessions share in `common`, what they take from
//! outside in `outside`, sessions from their journals are in `restored`, those read along with others in `along`. `ward`
//! ends it.

mod again;
mod agent;
mod along;
mod asked;
mod audited;
mod away;
mod changed;
mod colours;
mod common;
mod considered;
mod conversations;
mod files;
mod granted;
mod heard;
mod judged;
mod login;
mod noticed;
mod outside;
mod past;
mod prompts;
mod queued;
mod record;
mod restored;
mod row;
mod settings;
mod shell;
mod show;
#[cfg(test)]
mod tests;
mod told;
mod traced;
mod trusted;
mod ward;
mod watched;
mod worktree;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

#[cfg(test)]
pub(super) use self::told::Agent;
use self::{
    again::Again,
    along::Along,
    changed::Changed,
    common::Counted,
    conversations::Askers,
    files::OpenFile,
    granted::Granted,
    heard::{Done, Heard, heard},
    noticed::Noticing,
    past::Past,
    prompts::Loading,
    settings::Settings,
    shell::Shell,
    show::Listening,
    trusted::Trusted,
    watched::Watching,
    worktree::Making,
};
pub(super) use self::{
    common::{Common, Counters},
    outside::Outside,
};
use super::{
    colour::Reader,
    journal::{self, Journal, JournalError, Kept},
    request::{Input, ViewId},
    state::State,
    updates::{Level, Update},
};
use crate::{
    agent::{
        place::Away,
        process::{Events, ProcessHandle},
        protocol::Protocol,
        redact::Redactor,
        trace::Trace,
    },
    domain::{Context, MessageId, Prompt, RequestId, SessionSummary, StartOptions},
    render::{Icons, Readings, View},
    transcript::Transcript,
};

pub(super) struct Actor {
    options: StartOptions,
    common: Arc<Common>,
    updates: mpsc::UnboundedSender<Update>,
    state: State,
    transcript: Transcript,
    journal: Journal,
    /// Prompts that wait and of which no file knows.
    unkept: BTreeSet<MessageId>,
    live: Option<Live>,
    /// Of the last process: its last words come when it has gone.
    redactor: Redactor,
    origin: Origin,
    stop: Stop,
    /// The agent's conversation is a new one in which nobody has said anything: most agents do not keep such a one, and
    /// then refuse to take it up.
    unspoken: bool,
    /// The prompt that was written last, until the agent has said something.
    unheard: Option<Prompt>,
    /// The prompt of the turn that runs, until it has ended.
    prompted: Option<Prompt>,
    settings: Settings,
    /// Those who wait for the agent's list of its conversations.
    askers: Askers,
    /// Commands of the user's that run.
    shells: Vec<Shell>,
    /// What they have said, for the next prompt.
    outputs: Vec<Context>,
    /// What the user has allowed or refused for longer than once.
    granted: Granted,
    /// How often which rule has refused something since the user has said something.
    refused: HashMap<String, u32>,
    /// Files that the agent wants and has not got yet.
    files: BTreeMap<RequestId, OpenFile>,
    changed: Changed,
    /// What was said before it began.
    past: Past,
    /// The prompt that is on its way to the agent.
    loading: Option<Loading>,
    /// How often one was.
    loads: u64,
    making: Making,
    trusted: Trusted,
    noticing: Noticing,
    /// What a session from its journal goes on without, in a sentence.
    missing: Option<String>,
    /// Questions that were open when an earlier backend ended: whoever shows them does not know.
    cut_off: Vec<RequestId>,
    /// What may wait for the disk.
    jobs: JoinSet<Done>,
    /// What the user can do about the turn's failure: says more than the agent's own words at the turn's end.
    advice: Option<String>,
    /// Messages of our own have ids of our own.
    serial: u64,
    /// What began the ids of this actor's messages: a resumed session adds to an older journal.
    prefix: String,
    /// What is on somebody's screen.
    views: HashMap<ViewId, View>,
    /// What was, and may be again: the buffer keeps its text, the view its folds.
    hidden: HashMap<ViewId, View>,
    icons: Icons,
    readings: Readings,
    /// Who asks for its colours.
    reader: Reader,
    /// When what counts seconds is painted again.
    tick_at: Option<Instant>,
    dirty_told: bool,
    listening: Option<Listening>,
    flush_at: Option<Instant>,
    /// When its row is told for what the agent has said since.
    line_at: Option<Instant>,
    leave_at: Option<Instant>,
    trace: Option<Trace>,
    watching: Watching,
    again: Again,
    /// A tool may have changed files without saying which.
    touched: bool,
    /// Of a transcript that is shown from its journal.
    along: Along,
    withheld: Vec<String>,
    /// That rules are not seen in the present mode was said.
    unjudged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    New,
    /// From its journal: the next prompt starts an agent that takes the conversation up.
    Restored,
    /// From its journal, to be read: without an agent and never with one.
    Archived,
}

/// A process and how to speak to it.
struct Live {
    protocol: Box<dyn Protocol>,
    handle: ProcessHandle,
    events: Events,
    /// It runs elsewhere.
    away: Option<Away>,
    /// It has said something.
    heard: bool,
    busy: watch::Sender<bool>,
    /// It has taken part in the opening of the conversation.
    ready: bool,
    /// When our patience with it is at an end, and the sentence for that.
    due: Option<(Instant, String)>,
    /// It was: it is being stopped.
    verdict: Option<String>,
    /// It was begun with a conversation of before, and no turn has ended yet.
    resuming: bool,
    stdout_ended: bool,
    /// It was told to end the turn that runs.
    interrupted: bool,
    noise: u64,
    _counted: Counted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    /// The user stops the agent: however it ends, that is `done`.
    Asked,
    /// And wants the session gone from the list.
    Removed,
    /// The user wants another conversation: another process follows at once.
    Cleared,
    /// The user wants another process for the same conversation at once.
    Anew,
    /// Its login was refused, and it reads one only when it starts: the next prompt starts it anew.
    Refused,
}

/// How long a session stays in the live list after its process has ended.
const LINGER: Duration = Duration::from_secs(60);

impl Actor {
    /// A new session. Its journal must not exist.
    pub(super) fn new(
        options: StartOptions,
        common: Arc<Common>,
        updates: mpsc::UnboundedSender<Update>,
    ) -> Result<Self, JournalError> {
        let started_at = options.started_at.unwrap_or_else(|| common.counters.start_time(common.now()));
        let mut header = journal::header(options.session_id.clone(), &options.provider, &options.cwd, started_at);
        header.kept = Kept::of(&options);
        let journal = Journal::create(common.journals.as_deref(), &header)?;
        let journal = common.outside.journal(&options.session_id, journal);
        let state = State::new(&options, started_at);
        Ok(Self::with(options, common, updates, state, Transcript::default(), journal))
    }

    fn with(
        options: StartOptions,
        common: Arc<Common>,
        updates: mpsc::UnboundedSender<Update>,
        state: State,
        transcript: Transcript,
        journal: Journal,
    ) -> Self {
        // Two actors of one journal may begin in the same millisecond, but not at the same place.
        let prefix = format!("agor-{:x}-{:x}", common.now(), journal.end());
        let reader = common.colourist.reader();
        Self {
            options,
            common,
            updates,
            state,
            transcript,
            unkept: BTreeSet::new(),
            journal,
            live: None,
            redactor: Redactor::default(),
            origin: Origin::New,
            stop: Stop::No,
            unspoken: false,
            unheard: None,
            prompted: None,
            settings: Settings::default(),
            askers: Askers::default(),
            shells: Vec::new(),
            outputs: Vec::new(),
            granted: Granted::default(),
            refused: HashMap::new(),
            files: BTreeMap::new(),
            changed: Changed::default(),
            past: Past::default(),
            loading: None,
            loads: 0,
            making: Making::default(),
            trusted: Trusted::default(),
            noticing: Noticing::default(),
            missing: None,
            cut_off: Vec::new(),
            jobs: JoinSet::new(),
            advice: None,
            serial: 0,
            prefix,
            views: HashMap::new(),
            hidden: HashMap::new(),
            icons: Icons::default(),
            readings: Readings::default(),
            reader,
            tick_at: None,
            dirty_told: false,
            listening: None,
            flush_at: None,
            line_at: None,
            leave_at: None,
            trace: None,
            watching: Watching::default(),
            again: Again::default(),
            touched: false,
            along: Along::default(),
            withheld: Vec::new(),
            unjudged: false,
        }
    }

    pub(super) fn summary(&self) -> SessionSummary {
        self.state.summary.clone()
    }

    /// With what came before the session began, so that nobody misses its first message.
    pub(super) fn knowing(mut self, known: Vec<Input>) -> Self {
        known.into_iter().for_each(|input| self.input(input));
        self
    }

    async fn work(&mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        if self.options.prompt.is_some() {
            self.state.expect_prompt();
        }
        if self.origin != Origin::Archived {
            self.tell_row();
            self.find_project();
        }
        match self.origin {
            Origin::New => self.begin(),
            Origin::Restored => self.take_up(),
            Origin::Archived => {}
        }
        loop {
            // An agent that never pauses is always ready; what is due is due all the same.
            if self.deadline() <= Instant::now() {
                self.tick();
            }
            if self.stop == Stop::Removed && self.live.is_none() && self.shells.is_empty() && !self.making.now {
                break;
            }
            self.tell_left();
            self.keep_beats();
            self.watch_journal();
            let deadline = self.deadline();
            tokio::select! {
                biased;
                input = inputs.recv() => match input {
                    Some(input) => self.input(input),
                    None => break,
                },
                heard = heard(&mut self.live, &mut self.shells, &mut self.jobs) => match heard {
                    Heard::Agent(event) => self.process_event(event),
                    Heard::Shell(index, event) => self.shell_event(index, event),
                    Heard::Done(done) => self.done(done),
                },
                () = sleep_until(deadline) => {}
            }
            tokio::task::coop::consume_budget().await;
        }
        self.drop_questions(ward::LET_GO);
        self.journal.flush();
        self.journal.catch_up();
        self.return_unkept();
        self.sync();
        // A backend that ends while its editor goes on leaves its sessions in the list, for the next one to take up. One that
        // is only shown was never in it.
        if self.stop == Stop::Removed && self.origin != Origin::Archived {
            self.tell(Update::Removed(self.options.session_id.clone()));
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Order { order, reply } => drop(reply.send(self.order(order))),
            Input::Remove { reply } => {
                self.stop(false);
                self.stop = Stop::Removed;
                drop(reply.send(Ok(())));
            }
            Input::Leave { reply } => self.leave(reply),
            Input::LookAtWorktree => self.look_at_worktree(),
            Input::Conversations { reply } => self.list_conversations(reply),
            Input::Changes { scope, environ, reply } => self.list_changes(scope, environ, reply),
            Input::Before { path, scope, environ, reply } => self.earlier(path, scope, environ, reply),
            Input::Gather { context, reply } => self.gather(context, reply),
            Input::Grant { request_id, chosen, reply } => self.grant(request_id, chosen, reply),
            Input::Weigh { request_id, reply } => self.weigh(&request_id, reply),
            Input::Grants { reply } => drop(reply.send(self.own_grants())),
            Input::GrantsChanged => self.grants_changed(),
            Input::Revoke { id, reply } => drop(reply.send(self.revoke(&id))),
            Input::Asked { request_id, reply } => self.tell_brought(&request_id, reply),
            Input::Queue { reply } => self.list_queue(reply),
            Input::Queued { entry, want, reply } => drop(reply.send(self.queued(&entry, want))),
            Input::Trace { on, reply } => {
                let result = self.set_trace(on);
                // A trace that the settings want is waited for by nobody.
                if let Err(Err(error)) = reply.send(result) {
                    self.notify(Level::Warn, format!("no trace of the session: {error}"));
                }
            }
            Input::Process { reply } => drop(reply.send(self.handles())),
            other => self.show_input(other),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Coloured(answer) => self.coloured(answer),
            Done::QuestionColoured { request_id, lines } => self.question_coloured(request_id, lines),
            Done::FileChecked { request_id, checked } => self.file_checked(request_id, *checked),
            Done::File { request_id, path, answer } => self.file_done(&request_id, path, answer),
            Done::Grown(grown) => self.grown(grown),
            Done::Changed(ended) => self.changes_known(ended),
            Done::Seen { job, in_time } => self.seen(job, in_time),
            Done::Past(found) => self.past_read(found),
            Done::Seed(read) => self.seed_read(read),
            Done::Loaded { job, prompt, loaded } => self.prompt_loaded(job, *prompt, loaded),
            Done::Considered { request_id, found, changes } => self.considered(&request_id, *found, changes),
            Done::Judged { request, found } => self.call_judged(*request, *found),
            Done::Weighed { reply, counted } => drop(reply.send(Ok(counted))),
            Done::Granted { keeping, kept } => self.grant_kept(*keeping, kept),
            Done::Project { of, project } => self.has_project(&of, &project),
            Done::Worktree(made) => self.worktree_made(*made),
            Done::Trust(look) => self.looked_at_project(*look),
            Done::Noticed(noticed) => self.have_noticed(*noticed),
            Done::LookedAt(found) => self.looked_at_worktree(found),
            Done::Looked(usage) => self.processes_seen(usage),
        }
    }

    fn deadline(&self) -> Instant {
        let delivery = self.listening.as_ref().filter(|l| !l.out && self.has_news(l)).map(|l| l.next);
        let far = Instant::now() + Duration::from_secs(3600);
        let due = self.live.as_ref().and_then(|live| Some(live.due.as_ref()?.0));
        let beat = self.watching.next_beat();
        let ours = [self.along.at, self.flush_at, self.line_at, self.tick_at, beat];
        let waits = [delivery, self.leave_at, self.askers.until, due].into_iter().chain(ours);
        waits.flatten().min().unwrap_or(far)
    }

    fn tick(&mut self) {
        let now = Instant::now();
        // First of all: limits that have passed while we were away have not.
        self.beat(now);
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush();
        }
        if self.line_at.take_if(|at| *at <= now).is_some() {
            self.tell_line();
        }
        self.deliver(false);
        if self.tick_at.is_some_and(|at| at <= now) {
            self.count_seconds();
        }
        if self.along.at.is_some_and(|at| at <= now) {
            self.look_along();
        }
        if let Some((_, verdict)) = self.live.as_mut().and_then(|live| live.due.take_if(|(at, _)| *at <= now)) {
            self.give_up(verdict);
        }
        if self.askers.until.is_some_and(|at| at <= now) {
            self.not_listed();
        }
        if self.leave_at.is_some_and(|at| at <= now) {
            self.leave_at = None;
            // A session that somebody looks at stays; it is asked again when it is hidden. So does one with prompts that
            // wait: they are not to be found only by who knows of them.
            if !self.shells.is_empty() || !self.state.queue.is_empty() {
                self.leave_at = Some(now + LINGER);
            } else if self.views.is_empty() {
                self.stop = Stop::Removed;
            }
        }
    }
}
