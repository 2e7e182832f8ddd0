//! What is known of a session from outside, and what answers that are still to come mean.

use super::{
    machine::Happening,
    step::{Rules, Slot},
};
use crate::{
    domain::{AgentMessage, MessageId, RequestId, SessionSummary, Status},
    session::trust::Said,
};

/// What is known of a session.
#[derive(Default)]
pub struct Session {
    /// It is in the list, and this is its row.
    pub row: Option<SessionSummary>,
    /// When everything rested last.
    pub status: Option<Status>,
    pub told: Option<Status>,
    pub happened: Vec<Happening>,
    /// It was asked to begin, since then, and so many processes there were at that time.
    pub begins: Option<usize>,
    /// What its process is to end for.
    pub stopping: Option<Stopping>,
    /// Or may be: it was not there yet when that was wanted.
    pub maybe: Option<Stopping>,
    /// More may have happened than is known.
    pub vague: bool,
    /// Its agent has said in the turn that runs that it is not logged in; `None`: maybe.
    pub advised: Option<bool>,
    /// Its task has died for good.
    pub dead: bool,
    pub broken: u32,
    pub process: Option<usize>,
    /// What waited when everything rested last, and what was given another place since.
    pub queue: Vec<(MessageId, String)>,
    pub moved: Vec<MessageId>,
    pub edited: Vec<MessageId>,
    /// Whole messages, when everything rested last.
    pub said: Vec<AgentMessage>,
    /// By who listens.
    pub heard: Vec<AgentMessage>,
    pub shown: bool,
    /// By which it is judged when it begins next.
    pub rules: Rules,
    /// The prompt of the last turn, and what was steered into that.
    pub last: Vec<String>,
    /// Whether that turn has not ended as it should; `None`: maybe.
    pub unfinished: Option<bool>,
    /// It may have been interrupted.
    pub interrupts: bool,
    /// A question about the project's files was opened or closed, or a prompt with an image waits or came back: what is
    /// expected of the session shows in its status.
    pub expects: bool,
}

impl Session {
    /// What was said in it is not what will be.
    pub fn forgets(&mut self) {
        self.said.clear();
        self.heard.clear();
        self.queue.clear();
        self.unfinished = None;
    }

    pub fn is_unfinished(&self, rested: bool) -> Option<bool> {
        let before = self.row.as_ref().is_none_or(|row| row.interrupted);
        self.unfinished.filter(|_| rested && !before)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    Asked,
    Anew,
}

/// What an answer that is still to come means.
pub enum Awaited {
    Begun {
        slot: Slot,
        text: Option<String>,
    },
    TakenUp(Slot),
    /// Its process, if it has one, is to end for good.
    Stops(Slot, Option<usize>),
    /// The agent is to begin anew: at once, or with the next prompt.
    Anew {
        slot: Slot,
        process: Option<usize>,
        at_once: bool,
    },
    /// A prompt was taken, or not.
    Sent(String),
    /// The same, and it takes another's place.
    Replaced {
        old: String,
        new: String,
        of: (Slot, MessageId),
    },
    Unedited(Slot, MessageId),
    /// It must not be taken.
    Refused,
    /// The prompts of the last turn are sent once more.
    Retries {
        slot: Slot,
        process: Option<usize>,
        texts: Vec<String>,
        /// Whether their turn has not ended as it should, if that is known.
        unfinished: Option<bool>,
    },
    /// This is refused for longer, in one session or in all.
    Refuses {
        of: Option<Slot>,
        request_id: RequestId,
    },
    Trusts(&'static str, usize, Said),
    Distrusts(&'static str),
    Gone(Slot),
    Whatever,
}
