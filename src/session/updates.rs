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

/// By what a permission can be allowed or refused for longer than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// In words, in the order by which one is chosen.
    pub rules: Vec<String>,
    /// For each, what it fits and what not.
    pub examples: Vec<(Vec<String>, Vec<String>)>,
    pub scopes: Vec<GrantScope>,
    /// Those of the rules that can hold everywhere, by their places from 1.
    pub everywhere: Vec<usize>,
    /// By what it can be refused for longer than once.
    pub refusals: Vec<String>,
    pub of_refusals: Vec<(Vec<String>, Vec<String>)>,
    pub refusal_scopes: Vec<GrantScope>,
    /// What always would be always in.
    pub project: PathBuf,
    /// Why it is asked, if a rule of the user's wants that.
    pub note: Option<String>,
}

impl Offered {
    pub(super) fn of(grounds: &Grounds) -> Self {
        let lasting = grounds.lasting.then_some(GrantScope::Project);
        let everywhere = grounds.everywhere.then_some(GrantScope::Everywhere);
        let places = grounds.offers.iter().enumerate().filter(|(_, rule)| grounds.everywhere && !rule.is_of_files());
        Self {
            rules: grounds.offers.iter().map(|rule| rule.words(&grounds.root)).collect(),
            examples: grounds.of_offers.clone(),
            scopes: [GrantScope::Turn, GrantScope::Session].into_iter().chain(lasting).collect(),
            everywhere: places.map(|(at, _)| at + 1).collect(),
            refusals: grounds.refusals.iter().map(|rule| rule.refuses(&grounds.root)).collect(),
            of_refusals: grounds.of_refusals.clone(),
            refusal_scopes: [GrantScope::Session].into_iter().chain(lasting).chain(everywhere).collect(),
            project: grounds.project.clone(),
            note: None,
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
