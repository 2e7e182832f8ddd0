//! Files that the agent reads and writes through us.

use super::Actor;
use crate::domain::{Command, FileAnswer, FileRequest};

impl Actor {
    pub(super) fn file(&mut self, request: FileRequest) {
        let answer = FileAnswer::Failed("read the file from the disk".to_owned());
        self.answer_agent(Command::File { request_id: request.request_id, answer });
    }
}
