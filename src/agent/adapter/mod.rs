//! Providers' events to ours, shared by the protocols that carry them.
//!
//! An adapter knows the shapes of one provider and nothing of who carried them: Claude Code's objects come over its own
//! pipes, or wrapped by a sidecar runner. What it does not understand becomes `Content::Unknown`.

pub mod claude;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::{Event, MessageId};

/// The state of one conversation with a provider.
pub trait Adapter: Send {
    /// One event of the provider, in order.
    fn event(&mut self, event: &Value) -> Vec<Event>;

    /// The turn is over, or the agent is gone: closes what is still open (texts, tools). Idempotent.
    fn end_turn(&mut self) -> Vec<Event>;
}

/// Ids for messages that have none of their own. The nonce keeps those of two processes apart, since a resumed session
/// adds to the same transcript.
#[derive(Clone, Debug)]
pub struct Ids {
    nonce: Uuid,
    next: u64,
}

impl Ids {
    pub fn new(nonce: Uuid) -> Self {
        Self { nonce, next: 0 }
    }

    pub fn next(&mut self) -> MessageId {
        self.next += 1;
        MessageId::new(format!("{}-{}", self.nonce.simple(), self.next))
    }

    /// The id for something that the provider numbers anew in each process.
    pub fn scoped(&self, name: &str) -> MessageId {
        MessageId::new(format!("{}-{name}", self.nonce.simple()))
    }
}
