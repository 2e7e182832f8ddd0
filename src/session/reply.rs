//! Where an answer goes. Knows nothing of what is asked.

use tokio::sync::oneshot;

/// Where an answer goes. An error is a sentence for the user.
pub type Reply<T> = oneshot::Sender<Result<T, String>>;
