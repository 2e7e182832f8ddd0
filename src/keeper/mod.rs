//! The keeper: the small program that stands between the backend and one agent, and outlives both.
//!
//! Killing a process group is not enough: agents' tool shells are their own session leaders, wrappers wrap the agent,
//! and after a `kill -9` of the backend nobody would sweep. So each agent's parent is an `agor-nvim keep CMD…`, which
//! adopts whatever the agent leaves behind and ends it. It has one thread (a parent-death signal fires when the spawning
//! *thread* ends) and no runtime. No data passes through it: the agent has the backend's pipes, handed over on the
//! control socket. The end of that socket, however the backend ended, is its order to end everything.
//!
//! Knows processes and signals; knows nothing of sessions, protocols or editors.

pub mod wire;

pub mod tree;

mod guard;
mod hand;
mod sys;

pub use hand::{hand_over, receive};
pub use sys::{adopt_orphans, share_heaps};

use std::{ffi::OsString, process::ExitCode};

/// `agor-nvim keep CMD…`: the control socket is the standard input. Returns when nothing of the agent is left.
pub fn run(command: impl Iterator<Item = OsString>) -> ExitCode {
    let command: Vec<OsString> = command.collect();
    let Ok(control) = sys::detach(rustix::stdio::stdin()) else {
        // The backend sees the end of the socket and says what it can.
        return ExitCode::FAILURE;
    };
    match guard::keep(command, control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
