//! Tool calls as they are told bit by bit: each message about a call changes what it names and nothing else.
//!
//! A call may begin with any of them: with `tool_call`, with an update of an id that was never announced, or with the
//! question whether it may run (Gemini CLI 0.61.0).

mod call;

use serde_json::Value;

use super::plan;
use crate::{
    agent::{
        adapter::Ids,
        json::{some_text, text},
    },
    domain::{Event, Plan, ToolUseId},
};
pub use call::Call;

/// What tells of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Call,
    Update,
    /// A question about it: the state in it is not the call's.
    Permission,
}

#[derive(Debug)]
pub struct Tools {
    ids: Ids,
    /// Relative paths in titles are shorter.
    cwd: String,
    calls: Vec<Call>,
}

/// What became of a message about a call.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    /// The call is the agent's way to say what it is going to do.
    pub plan: Option<Plan>,
}

impl Tools {
    pub fn new(ids: Ids, cwd: String) -> Self {
        Self { ids, cwd, calls: Vec::new() }
    }

    /// `None` if it names no call.
    pub fn tell(&mut self, value: &Value, source: Source) -> Option<Told> {
        let wire = some_text(value, "toolCallId")?;
        let known = self.calls.iter().rposition(|call| call.wire == wire);
        // An id that is announced again after its call has ended is another call.
        let known = known.filter(|at| source != Source::Call || !self.calls[*at].is_over());
        let at = known.unwrap_or_else(|| {
            let again = self.calls.iter().filter(|call| call.wire == wire).count();
            let id = if again == 0 { wire.to_owned() } else { format!("{wire}#{}", again + 1) };
            self.calls.push(Call::new(wire, ToolUseId::from(id), self.ids.next(), value));
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        call.merge(value, source != Source::Permission);
        let plan = plan::of_tool(call.name(), call.input());
        let events = call.events(&self.cwd);
        Some(Told { events, plan })
    }

    /// The last call of this id of the agent's.
    pub fn find(&self, wire: &str) -> Option<&Call> {
        self.calls.iter().rfind(|call| call.wire == wire)
    }

    /// The user does not want it to run.
    pub fn refuse(&mut self, id: &ToolUseId) {
        if let Some(call) = self.calls.iter_mut().rfind(|call| call.id == *id) {
            call.refuse();
        }
    }

    /// The turn is being cancelled: what fails now was ended by that.
    pub fn cancel(&mut self) {
        self.calls.iter_mut().filter(|call| !call.is_over()).for_each(Call::cancel);
    }

    /// Nobody tells any more what becomes of those that are open.
    pub fn close(&mut self) -> Vec<Event> {
        self.calls.iter_mut().flat_map(Call::close).collect()
    }

    /// A new turn: of the calls of the one before nobody speaks any more.
    pub fn begin_turn(&mut self) {
        self.calls.retain(|call| !call.is_over());
    }

    /// The thread that a message belongs to: Claude's subagents name the call that began them.
    pub fn parent(value: &Value) -> Option<ToolUseId> {
        let own = value.get("_meta")?.get("claudeCode")?;
        some_text(own, "parentToolUseId").map(ToolUseId::from)
    }
}

/// The tool's own name, where the message has it.
fn named(value: &Value) -> Option<&str> {
    let own = || value.get("_meta")?.get("claudeCode");
    some_text(value, "name").or_else(|| own().and_then(|own| some_text(own, "toolName"))).or_else(|| {
        // opencode announces a call by its tool's name alone.
        let announced = text(value, "sessionUpdate") == "tool_call" && text(value, "status") == "pending";
        let title = some_text(value, "title").filter(|_| announced)?;
        title.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).then_some(title)
    })
}

#[cfg(test)]
mod tests;
