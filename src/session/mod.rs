//! Sessions: one task owns one agent and one transcript; the hub owns all sessions.
//!
//! Knows agents, transcripts and what to tell whoever subscribed. Knows nothing of Neovim: clients are ids.

mod actor;
mod audit;
mod capture;
mod changes;
mod colour;
mod disk;
mod earlier;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gather;
mod git;
mod grants;
mod hub;
mod journal;
mod last_line;
#[cfg(test)]
mod model_tests;
mod peers;
mod pictures;
mod policy;
mod project;
mod queue;
mod reply;
mod request;
mod seed;
mod state;
mod trust;
mod updates;
mod watch;
mod worktree;

pub use changes::{Change, Changes, Earlier, Scope, Spot};
pub use earlier::{Agent, Glance, Piece, Place, Preview, Query, Reader};
pub use grants::GrantScope;
pub use hub::{Counts, Hub, HubConfig, HubHandle};
pub use journal::{JournalError, Listed, Page};
pub use queue::Waiting;
pub use reply::Reply;
pub use request::{
    Chosen, Counted, FileReply, Found, GrantRow, Held, Order, Painted, QueueChange, Request, Showing, Sight, ViewId,
    Want, WantQueued,
};
pub use updates::{ClientId, Level, Offered, Update};
pub use worktree::{Answer as WorktreeAnswer, Ask as WorktreeAsk, Look as WorktreeLook};
