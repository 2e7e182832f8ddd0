//! The port that every front end speaks: requests go to the hub, updates wait in an [`Outbox`] until it can take them.
//!
//! Knows sessions; knows nothing of Neovim, msgpack or windows.

mod outbox;
mod stats;

pub use outbox::{Batch, Outbox};
pub use stats::{Figures, Stats};
