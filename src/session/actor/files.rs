//! Files and conversations that the agent speaks of.

use super::Actor;
use crate::domain::{Command, Conversation, FileAnswer, FileRequest};

impl Actor {
    pub(super) fn file(&mut self, request: FileRequest) {
        let answer = FileAnswer::Failed("read the file from the disk".to_owned());
        self.answer_agent(Command::File { request_id: request.request_id, answer });
    }

    pub(super) fn conversations(&mut self, found: Result<Vec<Conversation>, String>) {
        tracing::debug!(?found, "conversations");
    }
}
