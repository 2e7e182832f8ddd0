//! What every front end shares: updates of the sessions wait in an [`Outbox`] until it can take them, and [`Stats`] count
//! what it was sent. Requests go to the hub itself, by `session::HubHandle`.
//!
//! [`Files`] knows what a word may be the name of.
//!
//! Knows sessions; knows nothing of Neovim, msgpack or windows.

mod files;
mod outbox;
mod stats;

pub use files::{FileQuery, Files, FoundFiles};
pub use outbox::{Batch, Outbox, Row};
pub use stats::{Figures, Stats};
