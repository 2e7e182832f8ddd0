//! Stopping as data: what is tried, in which order, and how long each step is waited for.

use std::time::Duration;

/// One rung of a ladder. The wait ends early when the process has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lines to the agent's stdin. The wait ends early too when its turn has ended.
    Write(Vec<u8>),
    /// The end of its input.
    CloseStdin,
    Signal(Signal),
    /// Nothing is done to the agent; only its end cuts the wait short.
    Wait,
    /// SIGKILL to the whole tree, again and again until none is left. Every ladder ends so.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

/// What a protocol's stop may take in all before the tree is killed: 3 s after a stop nothing is left, and the killing takes
/// its time too.
pub const STOP_LIMIT: Duration = Duration::from_millis(2800);

impl Step {
    pub fn new(action: Action, wait: Duration) -> Self {
        Self { action, wait }
    }

    /// The last rung.
    pub fn kill() -> Self {
        Self { action: Action::Kill, wait: Duration::ZERO }
    }
}
