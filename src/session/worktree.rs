//! Git worktrees of sessions' own: how one comes to be, what was done in it, how it ends.
//!
//! Each part asks git and answers in sentences; nothing here knows of agents. A worktree that we have made carries a mark
//! in git's own folder of it: no other is ever removed.

mod ask;
mod copy;
mod end;
mod look;
mod make;
mod name;
mod repository;
mod survey;

pub use ask::{Answer, Ask};
pub use look::Look;
pub use make::{Made, MakeError, make};
pub use survey::diffstat;
