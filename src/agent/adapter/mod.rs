//! Providers' events to ours, and what else several protocols read in the same way: changes of files (`diff`), forms.
//!
//! An adapter knows the shapes of one provider and nothing of who carried them: Claude Code's objects come over its own
//! pipes, or wrapped by a sidecar runner. What it does not understand becomes `Content::Unknown`.

pub mod claude;
pub mod codex;
pub mod diff;
pub mod form;
pub mod ollama;
#[cfg(test)]
pub(crate) mod replay;
pub mod said;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::{Event, MessageId};

/// The adapter for what a runner of this provider passes on; most runners have Claude Code's shapes. `resumed` says that
/// the conversation has a past.
pub fn for_provider(provider: &str, nonce: Uuid, resumed: bool) -> Box<dyn Adapter> {
    // The carrier makes ids of its own from the same nonce.
    let nonce = Uuid::new_v5(&nonce, b"adapter");
    let ids = Ids::new(nonce);
    match provider {
        "codex" => Box::new(codex::Codex::new(ids, resumed)),
        "ollama" => Box::new(ollama::Ollama::new(ids)),
        _ => Box::new(claude::Claude::new(nonce)),
    }
}

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

    #[expect(clippy::should_implement_trait, reason = "ids never run out, so there is no Option to hand out")]
    pub fn next(&mut self) -> MessageId {
        self.next += 1;
        MessageId::new(format!("{}-{}", self.nonce.simple(), self.next))
    }

    /// The id for something that the provider numbers anew in each process.
    pub fn scoped(&self, name: &str) -> MessageId {
        MessageId::new(format!("{}-{name}", self.nonce.simple()))
    }
}
