//! What clients ask of the hub and of sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use tokio::sync::oneshot;

use super::{
    changes::{Changes, Earlier, Scope},
    earlier::{Glance, Piece, Preview, Query},
    grants::GrantScope,
    journal::{Listed, Page},
    queue::Waiting,
    reply::Reply,
    updates::ClientId,
    worktree::{Answer as WorktreeAnswer, Ask as WorktreeAsk},
};
use crate::{
    agent::process::{ProcessHandle, ProcessInfo},
    domain::{
        Answer, Context, Conversation, MessageId, Other, Prompt, RequestId, SessionId, SessionSummary, StartOptions,
    },
    render::{Budget, Detail, ExportPart, ExportPlace, FoldAction, Icons, Patch, Place, Taken, Window},
};

/// One buffer of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewId {
    pub client: ClientId,
    pub buffer: i64,
}

/// A session's transcript in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Showing {
    pub view: ViewId,
    pub session: SessionId,
    /// Of what the buffer holds; 0: nothing.
    pub revision: u64,
    pub sight: Sight,
}

/// What of a buffer is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Cells of text in the narrowest window; 0 if none is known.
    pub width: usize,
    pub windows: Vec<Window>,
}

#[derive(Debug)]
pub enum Request {
    Start {
        options: Box<StartOptions>,
        reply: Reply<()>,
    },
    Order {
        session: SessionId,
        order: Order,
        reply: Reply<()>,
    },
    Remove {
        session: SessionId,
        reply: Reply<()>,
    },
    /// The agent's own.
    Conversations {
        session: SessionId,
        reply: Reply<Vec<Conversation>>,
    },
    /// All the transcripts that a client shows now; those it showed before and does not name are dropped.
    Views {
        client: ClientId,
        views: Vec<Showing>,
        icons: Icons,
    },
    Paint {
        session: SessionId,
        view: ViewId,
        budget: Budget,
        reply: oneshot::Sender<Painted>,
    },
    /// The buffer lost its text: paint it anew.
    Repaint {
        session: SessionId,
        view: ViewId,
    },
    Fold {
        session: SessionId,
        view: ViewId,
        row: usize,
        action: FoldAction,
        reply: Reply<bool>,
    },
    /// All of the transcript is to be painted, as far back as it goes.
    Reach {
        session: SessionId,
        view: ViewId,
    },
    /// What stands at a row.
    Find {
        session: SessionId,
        view: ViewId,
        row: usize,
        want: Want,
        /// `None`: nothing of that kind.
        reply: Reply<Option<Found>>,
    },
    Listen {
        all: bool,
        sessions: BTreeSet<SessionId>,
    },
    /// The client has handed on the messages it was given: more may come.
    MessagesTaken {
        session: SessionId,
    },
    Messages {
        session: SessionId,
        since: u64,
        reply: Reply<Page>,
    },
    /// A part of the transcript as Markdown.
    Export {
        session: SessionId,
        from: ExportPlace,
        reply: Reply<ExportPart>,
    },
    /// What a word of a prompt that is git's to say would bring along now.
    Gather {
        session: SessionId,
        context: Context,
        reply: Reply<String>,
    },
    /// What was changed in files.
    Changes {
        session: SessionId,
        scope: Scope,
        /// Of the editor, for a session that has none.
        environ: BTreeMap<String, String>,
        reply: Reply<Changes>,
    },
    /// What a file was.
    Before {
        session: SessionId,
        path: PathBuf,
        scope: Scope,
        environ: BTreeMap<String, String>,
        reply: Reply<Earlier>,
    },
    /// A permission is allowed or refused by one of the rules that were offered with it.
    Grant {
        session: SessionId,
        request_id: RequestId,
        chosen: Chosen,
        reply: Reply<()>,
    },
    /// How many earlier requests of the project each rule that was offered with a permission would have been about.
    Weigh {
        session: SessionId,
        request_id: RequestId,
        reply: Reply<Counted>,
    },
    /// What was decided, for people.
    Audit {
        reply: Reply<String>,
    },
    /// What is granted in the project around a directory, and in all sessions.
    Grants {
        around: PathBuf,
        reply: Reply<Vec<Held>>,
    },
    /// One of [`Request::Grants`].
    Revoke {
        id: String,
        session: Option<SessionId>,
        around: PathBuf,
        reply: Reply<()>,
    },
    /// All of what a permission request is about; `None` if it is open no more.
    Asked {
        session: SessionId,
        request_id: RequestId,
        reply: Reply<Option<Found>>,
    },
    /// The prompts that wait.
    Queue {
        session: SessionId,
        reply: Reply<Vec<Waiting>>,
    },
    /// One of them, whole.
    Queued {
        session: SessionId,
        entry: MessageId,
        want: WantQueued,
        reply: Reply<Prompt>,
    },
    Trace {
        session: SessionId,
        on: bool,
        reply: Reply<PathBuf>,
    },
    Processes {
        reply: Reply<Vec<ProcessInfo>>,
    },
    /// Sessions that have a journal, newest first: those of the project around a directory, or all.
    Journals {
        around: Option<PathBuf>,
        /// Behind which one the list goes on.
        after: Option<(i64, SessionId)>,
        reply: Reply<Vec<Listed>>,
    },
    /// Gives a session a name, also one that is not live; an empty one takes it back.
    Rename {
        session: SessionId,
        name: String,
        reply: Reply<()>,
    },
    /// The session ends, leaves the list, and its journal and whatever else is kept of it are gone for good.
    DeleteJournal {
        session: SessionId,
        reply: Reply<()>,
    },
    /// A piece of the list of what was said before, or of a search in it.
    Earlier {
        query: Box<Query>,
        reply: Reply<Piece>,
    },
    /// A glance into a conversation.
    Glance {
        glance: Box<Glance>,
        reply: Reply<Preview>,
    },
    /// How many sessions around a directory were cut off and are told of for the first time.
    Interrupted {
        around: PathBuf,
        reply: Reply<usize>,
    },
    /// Sessions that other backends have: those of the project around a directory, or all.
    Others {
        around: Option<PathBuf>,
        reply: Reply<Vec<Other>>,
    },
    /// Another backend is to let go of the session. Answered when it has.
    Release {
        session: SessionId,
        reply: Reply<()>,
    },
    /// Another backend asks which sessions we have.
    Rows {
        reply: oneshot::Sender<Vec<SessionSummary>>,
    },
    /// Another backend goes on with the session. Answered when its journal is free.
    LetGo {
        session: SessionId,
        reply: Reply<()>,
    },
    /// About worktrees, in the environment of whoever asks.
    Worktree {
        ask: WorktreeAsk,
        environ: BTreeMap<String, String>,
        reply: Reply<WorktreeAnswer>,
    },
    /// Whether sessions that start from now on are traced.
    TraceNew {
        on: bool,
    },
    /// A bug, for who tests what becomes of everything then.
    #[cfg(debug_assertions)]
    Panic,
    /// Lets go of everything.
    Shutdown {
        reply: oneshot::Sender<()>,
    },
}

/// One of the rules that were offered with a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// From 1.
    pub rule: usize,
    pub scope: GrantScope,
    /// One of those that refuse.
    pub refuse: bool,
}

/// The answer to [`Request::Weigh`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub grants: Vec<usize>,
    pub refusals: Vec<usize>,
    /// How many there were.
    pub of: usize,
}

/// A grant or a refusal that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantRow {
    pub id: String,
    pub scope: GrantScope,
    pub refuses: bool,
    /// What it allows or refuses.
    pub words: String,
    /// Unix milliseconds.
    pub at: i64,
    /// Whose it is, if it is a session's or a turn's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    pub project: String,
}

/// What stands in the list of all that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Held {
    Row(GrantRow),
    /// Nobody knows what these would be.
    Unread {
        scope: GrantScope,
        /// Which, and what comes of it.
        words: String,
        /// Why, in a sentence that names the file.
        unread: String,
        project: String,
    },
}

/// What a client wants of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The file that it leads to.
    Place,
    /// The text that is worth taking.
    Text,
    /// All of what it is a part of.
    Whole,
}

/// The answer to [`Request::Find`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Place(Place),
    Text(Taken),
    Whole(Detail),
}

/// What a client wants of a session and its agent: answered when it is done or under way.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Now, or when the turn has ended.
    Send(Prompt),
    /// Into the turn that runs; as [`Order::Send`] where there is none or the agent cannot do that.
    Steer(Prompt),
    /// Before those that wait; the turn that runs is interrupted for it.
    SendNow(Prompt),
    Interrupt,
    Stop {
        force: bool,
    },
    Answer {
        request_id: RequestId,
        answer: Answer,
    },
    SetModel(String),
    SetMode(String),
    SetEffort(String),
    /// One of the agent's [`crate::domain::Capabilities::options`].
    SetOption {
        id: String,
        value: String,
    },
    /// One of the agent's [`crate::domain::Capabilities::logins`].
    Login(String),
    /// The next prompt begins a new conversation.
    Clear,
    /// The same, and brings along what was said so far.
    Seed,
    /// Another process goes on with the conversation.
    Restart,
    /// The prompt of the last turn is sent again, to an agent that is started anew if it hangs or has ended.
    Retry,
    /// What lists call the session; empty for its title.
    Rename(String),
    /// What becomes of a file that the agent wants: the answer to [`super::Update::File`].
    File {
        request_id: RequestId,
        reply: FileReply,
    },
    /// A command of the user's own, beside whatever runs.
    Shell(String),
    /// Its git worktree is gone, and is to be there again.
    MakeWorktree,
    /// The agent's own id.
    DeleteConversation(String),
    /// With one of the prompts that wait.
    Queue {
        entry: MessageId,
        change: QueueChange,
    },
    /// A prompt that has waited waits again.
    QueuePut {
        at: usize,
        prompt: Prompt,
    },
    /// What is held back goes on.
    QueueGo,
    /// A bug, for who tests what becomes of everything then.
    #[cfg(debug_assertions)]
    Panic,
}

/// What becomes of a prompt that waits.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueChange {
    /// Ends [`WantQueued::Edit`]; without another text it is what it was.
    Edit(Option<Prompt>),
    Move {
        to: usize,
    },
    /// Into the turn that runs where the agent can do that; else the turn is interrupted for it.
    Send {
        interrupt: bool,
    },
}

/// Why somebody wants to see a prompt that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantQueued {
    Look,
    /// It waits for its new text: [`QueueChange::Edit`].
    Edit,
    /// It waits no more.
    Drop,
}

/// What the client knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileReply {
    /// The whole of it, as a buffer has it.
    Text(String),
    Written,
    Missing,
    /// A sentence for the agent.
    Failed(String),
    /// No buffer has it: read or write the disk.
    Disk,
}

/// The answer to [`Request::Paint`].
#[derive(Debug, Default)]
pub struct Painted {
    pub patch: Option<Patch>,
    /// Another call would have more to paint at once.
    pub more: bool,
    /// Of that, older text for which somebody waits.
    pub awaited: bool,
}

/// What the hub hands to one session.
#[derive(Debug)]
pub(super) enum Input {
    Order { order: Order, reply: Reply<()> },
    Remove { reply: Reply<()> },
    Leave { reply: oneshot::Sender<()> },
    LookAtWorktree,
    Conversations { reply: Reply<Vec<Conversation>> },
    Grant { request_id: RequestId, chosen: Chosen, reply: Reply<()> },
    Weigh { request_id: RequestId, reply: Reply<Counted> },
    Grants { reply: oneshot::Sender<Vec<GrantRow>> },
    GrantsChanged,
    Revoke { id: String, reply: Reply<()> },
    Trace { on: bool, reply: Reply<PathBuf> },
    Process { reply: oneshot::Sender<Vec<ProcessHandle>> },
    OpenView { view: ViewId, icons: Icons, sight: Sight, revision: u64 },
    Look { view: ViewId, sight: Sight },
    CloseView { view: ViewId },
    Paint { view: ViewId, budget: Budget, reply: oneshot::Sender<Painted> },
    Repaint { view: ViewId },
    Fold { view: ViewId, row: usize, action: FoldAction, reply: Reply<bool> },
    Reach { view: ViewId },
    Find { view: ViewId, row: usize, want: Want, reply: Reply<Option<Found>> },
    Listen(bool),
    MessagesTaken,
    Messages { since: u64, reply: Reply<Page> },
    Export { from: ExportPlace, reply: Reply<ExportPart> },
    Gather { context: Context, reply: Reply<String> },
    Changes { scope: Scope, environ: BTreeMap<String, String>, reply: Reply<Changes> },
    Before { path: PathBuf, scope: Scope, environ: BTreeMap<String, String>, reply: Reply<Earlier> },
    Asked { request_id: RequestId, reply: Reply<Option<Found>> },
    Queue { reply: Reply<Vec<Waiting>> },
    Queued { entry: MessageId, want: WantQueued, reply: Reply<Prompt> },
}
