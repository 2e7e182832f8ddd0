//! The states of a session, as a table: what may happen to one, and which status follows.

use std::collections::BTreeSet;

use crate::domain::Status::{self, Done, Error, Idle, Running};

/// What decides on a session's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// A new session.
    Begun,
    /// One goes on from its journal.
    TakenUp,
    /// A prompt was given to the agent.
    Prompted,
    /// The agent works by itself.
    TurnStarts,
    TurnIdle,
    TurnDone,
    TurnFails,
    /// A turn has ended whose agent is not logged in.
    TurnRefused,
    LoginNeeded,
    /// The agent cannot go on.
    Fails,
    /// No process could be started.
    Unlaunched,
    /// The process was there before its program was found to be missing.
    Unstarted,
    EndsWell,
    EndsBadly,
    /// The process has ended that the user wanted to end.
    EndsAsAsked,
    /// There was none that could end.
    StopsNothing,
    /// Another process takes over, as the user wanted.
    Anew,
    /// The session's task has died.
    Breaks,
    /// A prompt is on its way to an agent that has yet to be started, or to say what it can take.
    Expected,
    /// An agent is there, and nothing for it.
    Waits,
    /// The user does not want the agent to be started with what the project brings along.
    Untrusted,
}

const ANY: &[Status] = &[Idle, Running, Done, Error];

/// In a status that is not named, it stays as it is.
const TABLE: &[(Happening, &[Status], Status)] = &[
    (Happening::Begun, ANY, Idle),
    (Happening::TakenUp, ANY, Idle),
    (Happening::Prompted, ANY, Running),
    (Happening::TurnStarts, ANY, Running),
    (Happening::TurnIdle, ANY, Idle),
    (Happening::TurnDone, ANY, Done),
    (Happening::TurnFails, ANY, Error),
    (Happening::TurnRefused, ANY, Error),
    (Happening::LoginNeeded, ANY, Error),
    (Happening::Fails, ANY, Error),
    (Happening::Unlaunched, ANY, Error),
    (Happening::Unstarted, ANY, Error),
    // An error stays to be read.
    (Happening::EndsWell, &[Idle, Running, Done], Done),
    (Happening::EndsBadly, ANY, Error),
    (Happening::EndsAsAsked, ANY, Done),
    (Happening::StopsNothing, ANY, Done),
    (Happening::Anew, ANY, Idle),
    (Happening::Breaks, ANY, Error),
    (Happening::Expected, ANY, Running),
    (Happening::Waits, ANY, Idle),
    (Happening::Untrusted, ANY, Error),
];

pub fn next(status: Status, happening: Happening) -> Status {
    let row = TABLE.iter().find(|(row, from, _)| *row == happening && from.contains(&status));
    row.map_or(status, |(_, _, to)| *to)
}

/// Where one comes to by some of them, in whatever order. `exactly`: by all of them, or it would not be known.
pub fn reached(from: Status, happenings: &[Happening], exactly: bool) -> Vec<Status> {
    if let ([only], true) = (happenings, exactly) {
        return vec![next(from, *only)];
    }
    let steps: BTreeSet<&Happening> = happenings.iter().collect();
    let mut reached = vec![from];
    // There are four, and each round finds one more or is the last.
    for _ in ANY {
        for happening in &steps {
            for status in reached.clone() {
                let to = next(status, **happening);
                if !reached.contains(&to) {
                    reached.push(to);
                }
            }
        }
    }
    reached
}
