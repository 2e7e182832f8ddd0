//! What every front end shares: updates of the sessions wait in an [`Outbox`] until it can take them, and [`Stats`] count
//! what it was sent. Requests go to the hub itself, by `session::HubHandle`.
//!
//! Knows sessions; knows nothing of Neovim, msgpack or windows.

mod outbox;
mod stats;

pub use outbox::{Batch, Outbox, Row};
pub use stats::{Figures, Stats};
