//! Conversations that the agent keeps by itself: listed for whoever asks, deleted.

use std::time::Duration;

use tokio::time::Instant;

use super::Actor;
use crate::{
    domain::{Command, Conversation},
    session::reply::Reply,
};

/// Those who wait for the list. The agent is asked once for all of them.
#[derive(Debug, Default)]
pub(super) struct Askers {
    replies: Vec<Reply<Vec<Conversation>>>,
    /// The agent was asked.
    asked: bool,
    /// When they wait no longer.
    pub(super) until: Option<Instant>,
}

/// How long an agent may look for its conversations, its start included.
const PATIENCE: Duration = Duration::from_secs(90);

impl Actor {
    pub(super) fn list_conversations(&mut self, reply: Reply<Vec<Conversation>>) {
        let refusal = match &self.live {
            None => Some(self.not_running()),
            // What it can do is not known before.
            Some(live) if !live.ready => None,
            Some(_) if !self.state.summary.capabilities.list => {
                Some(format!("{} does not list its conversations", self.options.provider))
            }
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            let _ = reply.send(Err(refusal));
            return;
        }
        self.askers.replies.push(reply);
        self.askers.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        self.ask_for_conversations();
    }

    /// As soon as the agent can be asked.
    pub(super) fn ask_for_conversations(&mut self) {
        let ready = self.live.as_ref().is_some_and(|live| live.ready);
        if self.askers.replies.is_empty() || self.askers.asked || !ready {
            return;
        }
        if !self.state.summary.capabilities.list {
            let refusal = format!("{} does not list its conversations", self.options.provider);
            return self.conversations(Err(refusal));
        }
        self.askers.asked = true;
        self.command(Command::ListConversations);
    }

    /// The agent's answer, or why there is none.
    pub(super) fn conversations(&mut self, found: Result<Vec<Conversation>, String>) {
        for reply in std::mem::take(&mut self.askers).replies {
            let _ = reply.send(found.clone());
        }
    }

    pub(super) fn not_listed(&mut self) {
        let (provider, seconds) = (&self.options.provider, PATIENCE.as_secs());
        self.conversations(Err(format!("{provider} has not listed its conversations within {seconds} s")));
    }

    pub(super) fn delete_conversation(&mut self, id: String) -> Result<(), String> {
        if self.live.is_none() {
            return Err(self.not_running());
        }
        if !self.state.summary.capabilities.delete {
            return Err(format!("{} does not delete conversations: do it with its own program", self.options.provider));
        }
        if self.state.summary.agent_session.as_ref() == Some(&id) {
            return Err("this session goes on with that conversation: clear it first, or stop the session".to_owned());
        }
        self.command(Command::DeleteConversation(id));
        Ok(())
    }
}
