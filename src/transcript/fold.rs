//! Messages into entries.

use std::collections::HashMap;

use super::{
    entry::{Body, Entry, EntryId, Tool, ToolState},
    order::Order,
};
use crate::domain::{
    AgentMessage, Content, MessageId, OptionKind, PermissionOption, ToolCall, ToolKind, ToolResult, ToolUseId,
};

#[derive(Debug, Default)]
pub struct Transcript {
    /// As they stand.
    entries: Vec<Entry>,
    order: Order,
    /// Entries that later messages may still extend or replace.
    by_message: HashMap<MessageId, EntryId>,
    by_tool: HashMap<ToolUseId, EntryId>,
    /// The last permission request about a tool call.
    by_asked: HashMap<ToolUseId, EntryId>,
    /// What the user is asked about a call or for it, and whether that is a permission.
    open: HashMap<ToolUseId, Vec<(MessageId, bool)>>,
    /// What a call's subagent has said and done.
    by_parent: HashMap<ToolUseId, Vec<EntryId>>,
}

/// What a message has made of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry that is new or has changed.
    pub index: usize,
    /// It is new and stands above others, each of which has moved down by one.
    pub inserted: bool,
}

impl Transcript {
    /// In the order in which they are read: what belongs to a call stands below it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where an entry stands now.
    pub fn position(&self, id: EntryId) -> Option<usize> {
        self.order.position(id)
    }

    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(self.position(id)?)
    }

    /// In the block of which call an entry stands.
    pub fn above(&self, entry: &Entry) -> Option<&Entry> {
        self.entry(self.order.above(entry.id)?)
    }

    /// Entries with their indices, what came last first.
    pub fn latest(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.order.latest().filter_map(|index| Some((index, self.entries.get(index)?)))
    }

    /// Takes one message in. Returns what it made or changed, if anything.
    pub fn fold(&mut self, message: AgentMessage) -> Option<Change> {
        let before = self.entries.len();
        let id = self.take(message)?;
        let index = self.position(id)?;
        let last = self.entries.len() - 1;
        Some(Change { index, inserted: last == before && index < last })
    }

    /// Nothing more comes of a text whose parts are all of it.
    pub fn close(&mut self, id: &MessageId) -> Option<Change> {
        let id = *self.by_message.get(id)?;
        self.entry_mut(id)?.open = false;
        Some(Change { index: self.position(id)?, inserted: false })
    }

    fn take(&mut self, message: AgentMessage) -> Option<EntryId> {
        let AgentMessage { id, parent_id, timestamp, part, content } = message;
        let place = Place { id, parent: parent_id, timestamp, part };
        match content {
            Content::Init(_) => None,
            Content::Text { text } => self.text(place, text, Body::Text),
            Content::Thinking { text } => self.text(place, text, Body::Thinking),
            Content::ToolCall(call) => Some(self.tool_call(place, call)),
            Content::ToolResult(result) => Some(self.tool_result(place, result)),
            Content::Prompt(prompt) => Some(self.upsert(place, Body::Prompt(prompt))),
            Content::Permission { request_id, tool_use_id, tool, options, outcome } => {
                let call = tool_use_id.clone();
                self.waits(&place, call.as_ref(), true, outcome.is_none());
                let id = self.upsert(place, Body::Permission { request_id, tool_use_id, tool, options, outcome });
                if let Some(call) = call {
                    self.by_asked.insert(call, id);
                }
                Some(id)
            }
            Content::Question { request_id, tool_use_id, questions, outcome } => {
                self.waits(&place, tool_use_id.as_ref(), false, outcome.is_none());
                Some(self.upsert(place, Body::Question { request_id, tool_use_id, questions, outcome }))
            }
            Content::Plan(plan) => Some(self.upsert(place, Body::Plan(plan))),
            Content::Status { subtype, message } => Some(self.upsert(place, Body::Status { subtype, message })),
            Content::Compaction(compaction) => Some(self.upsert(place, Body::Compaction(compaction))),
            Content::Cost(cost) => Some(self.upsert(place, Body::Cost(cost))),
            Content::Error { message } => Some(self.upsert(place, Body::Error(message))),
            Content::Unknown(value) => Some(self.upsert(place, Body::Unknown(value))),
        }
    }

    /// The call of that id.
    pub fn tool(&self, id: &ToolUseId) -> Option<&Tool> {
        match &self.call(id)?.body {
            Body::Tool(tool) => Some(tool),
            _ => None,
        }
    }

    /// The same as an entry.
    pub fn call(&self, id: &ToolUseId) -> Option<&Entry> {
        self.entry(*self.by_tool.get(id)?)
    }

    /// Other entries that look different because this one was changed by [`Transcript::fold`]: a call whose permission was
    /// asked or settled, a call whose subagent has made another, what a subagent said when its call is renamed or ends.
    pub fn related(&self, index: usize) -> impl Iterator<Item = usize> {
        let entry = self.entries.get(index);
        let of = |id: &ToolUseId| self.position(*self.by_tool.get(id)?);
        let (call, subagent) = match entry.map(|entry| &entry.body) {
            Some(Body::Permission { tool_use_id, .. }) => (tool_use_id.as_ref().and_then(of), None),
            Some(Body::Tool(tool)) => (
                entry.and_then(|entry| of(entry.parent.as_ref()?)),
                self.by_parent.get(&tool.call.tool_use_id).map(Vec::as_slice),
            ),
            // What was answered is told below the call that has asked.
            Some(Body::Question { .. }) => (index.checked_sub(1), None),
            _ => (None, None),
        };
        // What stands below something that was taken back has another neighbour now.
        let withdrawn = self.entries.get(index..).unwrap_or_default();
        let withdrawn = withdrawn.iter().take_while(|entry| entry.body == Body::Withdrawn).count();
        let below = (withdrawn > 0).then_some(index + withdrawn).filter(|below| *below < self.entries.len());
        let subagent = subagent.into_iter().flatten().filter_map(|id| self.position(*id));
        let others = call.into_iter().chain(subagent).chain(below);
        others.filter(move |other| *other != index)
    }

    /// Nobody goes on with what is open: the conversation was read from a journal.
    pub fn end(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.open = false);
    }

    /// A question for the user is open, or not any more.
    fn waits(&mut self, place: &Place, call: Option<&ToolUseId>, permission: bool, is_open: bool) {
        let Some(call) = call else { return };
        let open = self.open.entry(call.clone()).or_default();
        open.retain(|(id, _)| *id != place.id);
        if is_open {
            open.push((place.id.clone(), permission));
        }
        let (waits, asked) = (!open.is_empty(), open.iter().any(|(_, permission)| *permission));
        if !waits {
            self.open.remove(call);
        }
        self.change_tool(call, |tool| {
            tool.asked = asked;
            tool.waited.set(waits, place.timestamp);
        });
    }

    fn change_tool(&mut self, id: &ToolUseId, change: impl FnOnce(&mut Tool)) {
        if let Some(&id) = self.by_tool.get(id)
            && let Some(Entry { body: Body::Tool(tool), .. }) = self.entry_mut(id)
        {
            change(tool);
        }
    }

    fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        let position = self.position(id)?;
        self.entries.get_mut(position)
    }

    /// With what words the user has refused a tool call, if that was its answer.
    pub fn refusal(&self, id: &ToolUseId) -> Option<&str> {
        match &self.entry(*self.by_asked.get(id)?)?.body {
            Body::Permission { options, outcome: Some(outcome), .. } => {
                options.iter().find_map(|option| refusal(option, outcome))
            }
            _ => None,
        }
    }

    fn text(&mut self, place: Place, text: String, make: fn(String) -> Body) -> Option<EntryId> {
        let known = self.by_message.get(&place.id).copied();
        if place.part {
            if let Some(id) = known {
                let entry = self.entry_mut(id)?;
                entry.ended_at = place.timestamp;
                match &mut entry.body {
                    Body::Text(old) | Body::Thinking(old) => extend(old, &text),
                    // Parts after a whole message, or under another kind's id: shown, not merged.
                    _ => return Some(self.push(place, make(text))),
                }
                return Some(id);
            }
            return Some(self.push(place, make(text)));
        }
        let body = if text.is_empty() { Body::Withdrawn } else { make(text) };
        match known {
            Some(id) => {
                let entry = self.entry_mut(id)?;
                entry.ended_at = place.timestamp;
                entry.open = false;
                if entry.body != body {
                    entry.generation += u32::from(!grows(&entry.body, &body));
                    entry.body = body;
                }
                Some(id)
            }
            None if body == Body::Withdrawn => None,
            None => Some(self.push(place, body)),
        }
    }

    fn tool_call(&mut self, place: Place, call: ToolCall) -> EntryId {
        let tool_use_id = call.tool_use_id.clone();
        if let Some(&id) = self.by_tool.get(&tool_use_id)
            && let Some(Entry { body: Body::Tool(tool), .. }) = self.entry_mut(id)
        {
            tool.call = call;
            return id;
        }
        let open = self.open.get(&tool_use_id);
        let mut tool = Tool::new(call);
        tool.asked = open.is_some_and(|open| open.iter().any(|(_, permission)| *permission));
        tool.waited.set(open.is_some(), place.timestamp);
        if let Some(parent) = &place.parent {
            self.change_tool(parent, |tool| tool.calls += 1);
        }
        let id = self.push(Place { part: true, ..place }, Body::Tool(Box::new(tool)));
        self.by_tool.insert(tool_use_id, id);
        id
    }

    fn tool_result(&mut self, place: Place, result: ToolResult) -> EntryId {
        let id = match self.by_tool.get(&result.tool_use_id) {
            Some(&id) => id,
            // A result without a call: shown under the only name there is.
            None => {
                let call = ToolCall {
                    tool_use_id: result.tool_use_id.clone(),
                    name: "tool".to_owned(),
                    kind: ToolKind::Other,
                    input: serde_json::Value::Null,
                    title: String::new(),
                    locations: Vec::new(),
                };
                self.tool_call(place.clone(), call)
            }
        };
        let refused = !place.part && self.refusal(&result.tool_use_id).is_some();
        if let Some(entry) = self.entry_mut(id)
            && let Body::Tool(tool) = &mut entry.body
        {
            entry.ended_at = place.timestamp;
            if place.part {
                tool.line_ends += line_ends(&result.output);
                extend(&mut tool.output, &result.output);
            } else {
                entry.open = false;
                tool.asked = false;
                tool.waited.set(false, place.timestamp);
                tool.state = match (result.is_error, result.output.as_str()) {
                    (false, _) => ToolState::Done,
                    (true, _) if refused => ToolState::Refused,
                    (true, ToolResult::NOT_WANTED | ToolResult::CUT_SHORT) => ToolState::Cancelled,
                    (true, _) => ToolState::Failed,
                };
                tool.line_ends = line_ends(&result.output);
                tool.output = result.output;
            }
            if !result.diff.is_empty() {
                tool.diff = result.diff;
            }
        }
        id
    }

    fn upsert(&mut self, place: Place, body: Body) -> EntryId {
        match self.by_message.get(&place.id).copied().and_then(|id| Some((id, self.entry_mut(id)?))) {
            Some((id, entry)) => {
                entry.ended_at = place.timestamp;
                entry.body = body;
                id
            }
            None => self.push(place, body),
        }
    }

    fn push(&mut self, place: Place, body: Body) -> EntryId {
        // What is asked about a call stands below it, what its subagent does too.
        let asked = match &body {
            Body::Permission { tool_use_id, .. } | Body::Question { tool_use_id, .. } => {
                tool_use_id.as_ref().and_then(|call| self.by_tool.get(call))
            }
            _ => None,
        };
        let parent = || self.by_tool.get(place.parent.as_ref()?);
        let (id, position) = self.order.add(asked.or_else(parent).copied());
        self.by_message.insert(place.id, id);
        if let Some(parent) = &place.parent {
            self.by_parent.entry(parent.clone()).or_default().push(id);
        }
        let entry = Entry {
            id,
            parent: place.parent,
            started_at: place.timestamp,
            ended_at: place.timestamp,
            open: place.part,
            generation: 0,
            body,
        };
        self.entries.insert(position, entry);
        id
    }
}

/// A long text gets a quarter more room at a time: to double it would want room for as much again.
fn extend(text: &mut String, more: &str) {
    const LONG: usize = 16 << 20;
    if text.len() >= LONG && text.capacity() - text.len() < more.len() {
        text.reserve_exact(more.len().max(text.len() / 4));
    }
    text.push_str(more);
}

fn line_ends(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

/// What was said with it, if this is the option that the outcome names and it refuses.
fn refusal<'a>(option: &PermissionOption, outcome: &'a str) -> Option<&'a str> {
    if !matches!(option.kind, OptionKind::RejectOnce | OptionKind::RejectAlways) {
        return None;
    }
    let said = outcome.strip_prefix(option.name.as_str())?;
    match said {
        "" => Some(said),
        // A rule's own words, and those of an answer for longer, say nothing that the agent would say again.
        _ if said.starts_with(" (") => Some(""),
        _ => said.strip_prefix(": "),
    }
}

/// Whether a text is the old one and more.
fn grows(old: &Body, new: &Body) -> bool {
    match (old, new) {
        (Body::Text(old), Body::Text(new)) | (Body::Thinking(old), Body::Thinking(new)) => {
            new.starts_with(old.as_str())
        }
        _ => false,
    }
}

/// Where and when a message was said.
#[derive(Clone)]
struct Place {
    id: MessageId,
    parent: Option<ToolUseId>,
    timestamp: i64,
    part: bool,
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
