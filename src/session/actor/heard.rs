//! What an actor waits for besides its inputs.

use std::path::PathBuf;

use tokio::task::JoinSet;

use super::{
    Live,
    files::Checked,
    granted::Keeping,
    noticed::Noticed,
    shell::{self, Shell},
    trusted::Look,
};
use crate::{
    agent::process::{ProcessEvent, Usage},
    domain::{AgentMessage, Diffstat, FileAnswer, PermissionRequest, Prompt, RequestId},
    render::{Line, code::Coloured},
    session::{
        changes::Ended,
        journal::{Growth, JournalError},
        policy::Found,
        reply::Reply,
        request::Counted,
        worktree::{Made, MakeError},
    },
};

/// Something was said, or has ended.
pub(super) enum Heard {
    Agent(Option<ProcessEvent>),
    Shell(usize, Option<ProcessEvent>),
    Done(Done),
}

/// What was done on a thread that may wait.
pub(super) enum Done {
    Coloured(Coloured),
    QuestionColoured {
        request_id: RequestId,
        lines: Vec<Line>,
    },
    FileChecked {
        request_id: RequestId,
        checked: Box<Checked>,
    },
    File {
        request_id: RequestId,
        path: PathBuf,
        answer: FileAnswer,
    },
    Changed(Ended),
    Seen {
        job: u64,
        in_time: bool,
    },
    /// `None`: there is no such conversation.
    Past(Option<Result<Vec<AgentMessage>, String>>),
    Seed(Result<String, String>),
    Loaded {
        job: u64,
        prompt: Box<Prompt>,
        loaded: Result<(), String>,
    },
    Project {
        of: PathBuf,
        project: PathBuf,
    },
    Worktree(Box<Result<Made, MakeError>>),
    LookedAt(Result<Diffstat, String>),
    /// The agent's processes, for the watchdog.
    Looked(Option<Usage>),
    Trust(Box<Look>),
    Noticed(Box<Noticed>),
    /// Of a journal that is read along.
    Grown(Result<Growth, JournalError>),
    Considered {
        request_id: RequestId,
        found: Box<Found>,
        /// How often what is granted had changed before.
        changes: u64,
    },
    Judged {
        request: Box<PermissionRequest>,
        found: Box<Found>,
    },
    Weighed {
        reply: Reply<Counted>,
        counted: Counted,
    },
    Granted {
        keeping: Box<Keeping>,
        kept: Result<(), String>,
    },
}

/// None of them is heard so often that the others are not. Cancel safe.
pub(super) async fn heard(live: &mut Option<Live>, shells: &mut [Shell], jobs: &mut JoinSet<Done>) -> Heard {
    let agent = async {
        match live {
            Some(live) => live.events.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        event = agent => Heard::Agent(event),
        (index, event) = shell::next_event(shells) => Heard::Shell(index, event),
        Some(done) = jobs.join_next() => match done {
            Ok(done) => Heard::Done(done),
            // As if it had happened here.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        },
    }
}
