//! What subscribers are told of sessions.

use std::path::PathBuf;

use super::{grants::GrantScope, state::Grounds};
use crate::{
    domain::{AgentMessage, PermissionRequest, Prompt, QuestionRequest, RequestId, SessionId, SessionSummary, Status},
    render::{AskBody, Line},
};

/// A front end. One editor now; the shape allows several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// Each is told in the order it happened, and a session's row before what depends on it.
#[derive(Clone, Debug)]
pub enum Update {
    /// The row as it is now.
    Session(Box<SessionSummary>),
    /// It left the live list; its journal stays.
    Removed(SessionId),
    /// The transcript has changed since the client last asked for a patch.
    Dirty(SessionId),
    Status {
        session: SessionId,
        status: Status,
        error: Option<String>,
    },
    Messages {
        session: SessionId,
        messages: Vec<AgentMessage>,
    },
    Permission {
        session: SessionId,
        request: Box<PermissionRequest>,
        body: AskBody,
        offered: Offered,
    },
    /// What is always allowed in a project is more, or less, than before. For sessions, not for clients.
    GrantsChanged,
    /// The first lines of a permission's body, in the colours of their code.
    PermissionColoured {
        session: SessionId,
        request_id: RequestId,
        lines: Vec<Line>,
    },
    Question {
        session: SessionId,
        request: Box<QuestionRequest>,
    },
    Closed {
        session: SessionId,
        request_id: RequestId,
        outcome: String,
    },
    Turn {
        session: SessionId,
        stop_reason: String,
    },
    Notify {
        session: Option<SessionId>,
        level: Level,
        message: String,
    },
    /// Its agent has stalled, or has not any more.
    Stalled {
        session: SessionId,
        /// Unix milliseconds; `None`: it has not.
        since: Option<i64>,
        /// The last lines of its stderr.
        stderr: Vec<String>,
    },
    /// A transcript is shown from its journal, with which another backend goes on, or no more.
    Along {
        session: SessionId,
        elsewhere: bool,
    },
    /// A prompt that could not be delivered.
    Draft {
        session: SessionId,
        prompt: Prompt,
    },
    /// The agent wants to read a file, or to write the whole of it; answered by [`super::Order::File`].
    File {
        session: SessionId,
        request_id: RequestId,
        /// Absolute, without links, within the session's directories.
        path: PathBuf,
        /// What is to be written.
        text: Option<String>,
    },
    /// Files that changed on disk; none named: any below `cwd` may have.
    Files {
        session: SessionId,
        cwd: PathBuf,
        paths: Vec<PathBuf>,
    },
}

/// By what a permission can be allowed for longer than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// In words, in the order by which one is chosen.
    pub rules: Vec<String>,
    pub scopes: Vec<GrantScope>,
    /// What always would be always in.
    pub project: PathBuf,
}

impl Offered {
    pub(super) fn of(grounds: &Grounds) -> Self {
        let lasting = grounds.lasting.then_some(GrantScope::Project);
        Self {
            rules: grounds.offers.iter().map(|rule| rule.words(&grounds.root)).collect(),
            scopes: [GrantScope::Turn, GrantScope::Session].into_iter().chain(lasting).collect(),
            project: grounds.project.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}
