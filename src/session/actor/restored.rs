//! Sessions from their journals. One of an earlier backend, or of a task that died, is taken up: with its transcript,
//! without a process; the next prompt starts one that resumes the agent's own conversation. One that is only shown has
//! no agent and never gets one.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Actor, Common, Origin, again::Again};
use crate::{
    domain::{AgentMessage, Content, MessageId, ResumeMode, StartOptions, Status, ToolResult, ToolUseId},
    session::{
        journal::{Header, Journal, JournalError, Past},
        state::State,
        updates::Update,
    },
    transcript::Transcript,
};

const CUT_OFF: &str = "cut off: the backend ended";

impl Actor {
    /// An earlier session, read-only.
    pub(in crate::session) fn archived(
        header: Header,
        journal: Journal,
        past: Past,
        common: Arc<Common>,
        updates: mpsc::UnboundedSender<Update>,
    ) -> Self {
        // What its messages name by relative paths lies where it worked.
        let directory = past.standing.as_ref().and_then(|standing| standing.directory.clone());
        let cwd = directory.unwrap_or_else(|| header.cwd.clone());
        let options = StartOptions::new(header.session_id.clone(), &header.provider, Default::default(), cwd);
        let state = State::new(&options, header.started_at);
        let mut transcript = Transcript::default();
        for message in past.messages {
            transcript.fold(message);
        }
        if !past.taken {
            transcript.end();
        }
        let mut actor = Self::with(options, common, updates, state, transcript, journal);
        actor.origin = Origin::Archived;
        actor.along.taken = past.taken;
        actor
    }

    pub(in crate::session) fn restored(
        mut options: StartOptions,
        common: Arc<Common>,
        updates: mpsc::UnboundedSender<Update>,
    ) -> Result<Self, JournalError> {
        let id = &options.session_id;
        let folder = common.journals.as_deref().ok_or_else(|| JournalError::Missing(id.clone()))?;
        let (journal, past) = Journal::reopen(folder, id)?;
        let journal = common.outside.journal(id, journal);
        let Past { header, messages, mut standing, queue, .. } = past;
        options.prompt = None;
        let moved = header.as_ref().filter(|header| header.cwd != options.cwd).map(|_| options.cwd.clone());
        // Whatever it was begun with: the session goes on as it was.
        if let Some(standing) = &mut standing {
            options.model.clone_from(&standing.chosen_model);
            options.effort.clone_from(&standing.chosen_effort);
            (options.resume_mode, options.resume_session_id, options.fork) = (ResumeMode::New, None, false);
            options.worktree_name.clone_from(&standing.wanted_worktree);
            match &standing.directory {
                // With the project its worktree is elsewhere, too: the next prompt looks for it, or makes it.
                Some(directory) if moved.is_some() && !directory.exists() => {
                    options.worktree_name = standing.worktree.take().map(|worktree| worktree.name);
                }
                Some(directory) => options.cwd.clone_from(directory),
                None => {}
            }
        }
        let missing = header.as_ref().and_then(|header| header.kept.clone().give(&mut options));
        let mut state = State::new(&options, header.map_or_else(|| common.now(), |header| header.started_at));
        state.moved = moved;
        let loose = loose_ends(&messages);
        state.recall_said(&messages);
        let mut transcript = Transcript::default();
        for message in messages {
            if !message.part {
                state.recall(&message.content);
            }
            transcript.fold(message);
        }
        transcript.end();
        state.process_ended();
        state.queue = queue.restored();
        if let Some(standing) = standing {
            state.recall_standing(standing);
        }
        let mut actor = Self::with(options, common, updates, state, transcript, journal);
        actor.origin = Origin::Restored;
        actor.again = Again::restored(&actor.state.queue);
        actor.missing = missing;
        for (id, parent, content) in loose {
            if let Content::Permission { request_id, .. } | Content::Question { request_id, .. } = &content {
                actor.cut_off.push(request_id.clone());
            }
            actor.record(id, parent, false, content);
        }
        Ok(actor)
    }

    /// The user was told already what has happened.
    pub(in crate::session) fn after_panic(mut self, error: String) -> Self {
        self.say(Content::Error { message: error.clone() });
        self.state.set_status(Status::Error, Some(error));
        self
    }

    /// Instead of a process: whoever knew the session as running or lost learns that it waits.
    pub(super) fn take_up(&mut self) {
        self.recall_changes();
        if self.state.summary.status == Status::Error {
            return;
        }
        for request_id in std::mem::take(&mut self.cut_off) {
            let (session, outcome) = (self.options.session_id.clone(), CUT_OFF.to_owned());
            self.tell(Update::Closed { session, request_id, outcome });
        }
        let message = match &self.state.summary.agent_session {
            Some(_) => "Taken up from its journal: the next prompt goes on with the conversation",
            None => "Taken up from its journal: the next prompt begins a new conversation of the agent's",
        };
        let cut_off = if self.state.summary.interrupted { "Interrupted: its backend ended in mid turn. " } else { "" };
        let missing = self.missing.take().map(|missing| format!(". {missing}")).unwrap_or_default();
        let message = format!("{cut_off}{message}{missing}");
        self.say(Content::Status { subtype: "restored".to_owned(), message });
        self.look_at_worktree();
        let (status, error) = (self.state.summary.status, self.state.summary.error.clone());
        self.tell_row();
        self.tell(Update::Status { session: self.options.session_id.clone(), status, error });
    }
}

/// Tool calls without a result and questions without an answer: nobody will end them any more.
fn loose_ends(messages: &[AgentMessage]) -> Vec<(MessageId, Option<ToolUseId>, Content)> {
    let mut tools = BTreeMap::new();
    let mut questions = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        match &message.content {
            Content::ToolCall(call) => {
                tools.insert(&call.tool_use_id, index);
            }
            Content::ToolResult(result) if !message.part => {
                tools.remove(&result.tool_use_id);
            }
            Content::Permission { outcome, .. } | Content::Question { outcome, .. } => {
                questions.insert(&message.id, index);
                if outcome.is_some() {
                    questions.remove(&message.id);
                }
            }
            _ => {}
        }
    }
    let ended = tools.into_iter().map(|(tool_use_id, index)| {
        let result = ToolResult {
            tool_use_id: tool_use_id.clone(),
            output: CUT_OFF.to_owned(),
            is_error: true,
            ..ToolResult::default()
        };
        let id = MessageId::new(format!("{}-cut-off", messages[index].id));
        (id, messages[index].parent_id.clone(), Content::ToolResult(result))
    });
    let closed = questions.into_values().map(|index| {
        let message = &messages[index];
        let mut content = message.content.clone();
        if let Content::Permission { outcome, .. } | Content::Question { outcome, .. } = &mut content {
            *outcome = Some(CUT_OFF.to_owned());
        }
        (message.id.clone(), message.parent_id.clone(), content)
    });
    ended.chain(closed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(messages: serde_json::Value, expect: &[&str]) {
        let messages: Vec<AgentMessage> = serde_json::from_value(messages).expect("messages");
        let ids: Vec<String> = loose_ends(&messages).into_iter().map(|(id, _, _)| id.to_string()).collect();
        assert_eq!(ids, expect);
    }

    fn call(id: &str) -> serde_json::Value {
        let content = json!({"tool_use_id": id, "name": "Bash", "kind": "execute", "input": {}, "title": "ls"});
        json!({"id": format!("m-{id}"), "timestamp": 1, "type": "tool_call", "content": content})
    }

    fn result(id: &str, part: bool) -> serde_json::Value {
        let content = json!({"tool_use_id": id, "output": "x"});
        json!({"id": format!("r-{id}"), "timestamp": 1, "part": part, "type": "tool_result", "content": content})
    }

    fn permission(id: &str, outcome: Option<&str>) -> serde_json::Value {
        let content = json!({"request_id": "r", "options": [], "outcome": outcome});
        json!({"id": id, "timestamp": 1, "type": "permission", "content": content})
    }

    #[test]
    fn what_was_open_is_closed_and_nothing_else() {
        check(json!([]), &[]);
        check(json!([call("a"), result("a", false)]), &[]);
        check(json!([call("a"), call("b"), result("a", true), result("b", false)]), &["m-a-cut-off"]);
        check(json!([permission("p", None), permission("p", Some("Allow")), permission("q", None)]), &["q"]);
    }
}
