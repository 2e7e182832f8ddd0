//! Subagents: threads of their own below a call of the thread that has begun them.

use serde_json::Value;

use super::tool::result_message;
use crate::{
    agent::{
        adapter::Ids,
        json::{some_text, text, texts},
    },
    domain::{Content, Event, MessageId, ToolCall, ToolKind, ToolResult, ToolUseId},
};

/// Why what is open is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The turn came to its end; a command may run on behind it.
    Done,
    /// It was cut off.
    Cut,
}

#[derive(Debug, Default)]
pub struct Agents {
    pub main: Option<String>,
    known: Vec<Agent>,
}

#[derive(Debug)]
struct Agent {
    thread: String,
    call: ToolUseId,
    title: String,
    call_state: CallState,
    /// What it said last: that is its answer.
    said: String,
}

/// Where the call that stands for an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallState {
    Open,
    /// Closed with the turn of whoever waits for it, before the agent had answered.
    LeftBehind,
    /// Closed, or never ours to close.
    Closed,
}

impl Agents {
    /// The call below which a thread is shown; none for the main thread. An agent that nobody announced gets one.
    pub fn parent(&mut self, thread: &str, ids: &Ids, out: &mut Vec<Event>) -> Option<ToolUseId> {
        // Before the main thread has its name there is no other.
        if self.main.as_deref().is_none_or(|main| main == thread) || thread.is_empty() {
            return None;
        }
        if let Some(agent) = self.known.iter().find(|agent| agent.thread == thread) {
            return Some(agent.call.clone());
        }
        self.begin(thread, "an agent of Codex", ids, out);
        self.known.last().map(|agent| agent.call.clone())
    }

    fn begin(&mut self, thread: &str, title: &str, ids: &Ids, out: &mut Vec<Event>) {
        let call = ToolUseId::new(ids.scoped(&format!("agent-{thread}")).as_str());
        let agent = Agent {
            thread: thread.to_owned(),
            call,
            title: title.to_owned(),
            call_state: CallState::Open,
            said: String::new(),
        };
        out.push(agent.announced());
        self.known.push(agent);
    }

    /// `subAgentActivity` on the thread of whoever has agents (Codex 0.169.0: `started`, `interacted`, `interrupted`,
    /// `completed`).
    pub fn activity(&mut self, item: &Value, ids: &Ids, out: &mut Vec<Event>) {
        let Some(thread) = some_text(item, "agentThreadId") else { return };
        if self.main.as_deref() == Some(thread) {
            return;
        }
        let path = text(item, "agentPath");
        let title = path.strip_prefix("/root/").unwrap_or(path);
        let kind = text(item, "kind");
        match self.known.iter_mut().find(|agent| agent.thread == thread) {
            None => {
                self.begin(thread, if title.is_empty() { "an agent of Codex" } else { title }, ids, out);
                if matches!(kind, "completed" | "interrupted") {
                    self.thread_ended(thread, Ending::Cut, out);
                }
            }
            Some(agent) if matches!(kind, "completed" | "interrupted") => agent.answered(kind == "interrupted", out),
            Some(_) => {}
        }
    }

    /// Codex's older agents are begun by a call that names their threads.
    pub fn spawned(&mut self, item: &Value, call: &ToolUseId) {
        if text(item, "tool") != "spawnAgent" {
            return;
        }
        for thread in texts(item, "receiverThreadIds") {
            if self.known.iter().all(|agent| agent.thread != thread) && self.main.as_deref() != Some(&thread) {
                let (call, title, said) = (call.clone(), String::new(), String::new());
                self.known.push(Agent { thread, call, title, call_state: CallState::Closed, said });
            }
        }
    }

    pub fn said(&mut self, thread: &str, said: &str) {
        if let Some(agent) = self.known.iter_mut().find(|agent| agent.thread == thread) {
            said.clone_into(&mut agent.said);
        }
    }

    /// A turn has ended: the agent's own, or that of whoever waits for its agents.
    pub fn thread_ended(&mut self, thread: &str, ending: Ending, out: &mut Vec<Event>) {
        let is_main = self.main.as_deref() == Some(thread);
        for agent in &mut self.known {
            if agent.thread == thread {
                agent.answered(ending == Ending::Cut && agent.said.is_empty(), out);
            } else if is_main && agent.call_state == CallState::Open {
                agent.end("(It still works in the background.)".to_owned(), false, out);
                agent.call_state = CallState::LeftBehind;
            }
        }
    }

    pub fn end(&mut self, out: &mut Vec<Event>) {
        for agent in self.known.iter_mut().filter(|agent| agent.call_state == CallState::Open) {
            agent.end(ToolResult::CUT_SHORT.to_owned(), true, out);
        }
    }
}

impl Agent {
    fn announced(&self) -> Event {
        let call = agent_call(self.call.clone(), &self.title);
        Event::message(MessageId::new(self.call.as_str()), Content::ToolCall(call))
    }

    fn answered(&mut self, is_error: bool, out: &mut Vec<Event>) {
        match self.call_state {
            CallState::Closed => return,
            CallState::LeftBehind => out.push(self.announced()),
            CallState::Open => {}
        }
        let output = if self.said.is_empty() { ToolResult::CUT_SHORT.to_owned() } else { self.said.clone() };
        self.end(output, is_error, out);
    }

    fn end(&mut self, output: String, is_error: bool, out: &mut Vec<Event>) {
        self.call_state = CallState::Closed;
        let result = ToolResult { tool_use_id: self.call.clone(), output, is_error, diff: Vec::new() };
        out.push(result_message(result, None, false));
    }
}

/// What a subagent does is shown below the call that has begun it.
fn agent_call(tool_use_id: ToolUseId, title: &str) -> ToolCall {
    ToolCall {
        tool_use_id,
        name: "subagent".to_owned(),
        kind: ToolKind::Think,
        input: Value::Null,
        title: title.to_owned(),
        locations: Vec::new(),
    }
}
