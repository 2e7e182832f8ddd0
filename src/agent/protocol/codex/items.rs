//! The items of Codex's threads as messages: texts that grow, tools that run, and what is left open when a turn ends.
//!
//! An item is told of when it begins and when it ends, whole both times, with deltas in between; either end may be
//! missing, and ids may come again (a stream that broke is told anew under the same id). Knows nothing of turns but that
//! they end.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{
    agents::{Agents, Ending},
    tool::{self, result_message},
};
use crate::{
    agent::{
        adapter::{Ids, said::Said},
        json::{list, some_text, text, texts},
    },
    domain::{Compaction, Content, Event, MessageId, ToolCall, ToolResult, ToolUseId},
};

pub struct Items {
    pub ids: Ids,
    cwd: String,
    texts: Vec<OpenText>,
    tools: Vec<OpenTool>,
    /// Tools whose turn ended before they did: Codex may still tell how.
    left: Vec<OpenTool>,
    /// Ids that calls have had.
    used: HashSet<ToolUseId>,
    agents: Agents,
    /// By their item's id: tokens before, and whether the user wanted it.
    compactions: Vec<(String, u64, bool)>,
}

#[derive(Debug)]
struct OpenText {
    thread: String,
    item: String,
    stream: Stream,
    id: MessageId,
    said: Said,
    /// Of the piece that grows: pieces of one item are paragraphs.
    index: u64,
}

/// What of an item it is that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Text,
    /// Of the reasoning, as the provider tells it.
    Summary,
    /// The reasoning itself; only open models tell it.
    Reasoning,
}

#[derive(Clone, Debug)]
struct OpenTool {
    thread: String,
    item: String,
    call: ToolCall,
    parent: Option<ToolUseId>,
    /// Live output.
    said: String,
    /// What can be ended of its own.
    process: Option<String>,
    changes: Vec<Value>,
}

impl Items {
    pub fn new(ids: Ids, cwd: String) -> Self {
        let (texts, tools, left) = (Vec::new(), Vec::new(), Vec::new());
        Self { ids, cwd, texts, tools, left, used: HashSet::new(), agents: Agents::default(), compactions: Vec::new() }
    }

    /// The thread that the session is about; others are those of subagents.
    pub fn belong_to(&mut self, thread: &str) {
        self.agents.main = Some(thread.to_owned());
    }

    pub fn parent(&mut self, thread: &str, out: &mut Vec<Event>) -> Option<ToolUseId> {
        self.agents.parent(thread, &self.ids, out)
    }

    pub fn say(&mut self, thread: &str, content: Content, out: &mut Vec<Event>) {
        let parent_id = self.parent(thread, out);
        out.push(Event::Message { id: self.ids.next(), parent_id, part: false, content });
    }

    pub fn started(&mut self, thread: &str, item: &Value, out: &mut Vec<Event>) {
        let id = text(item, "id");
        match text(item, "type") {
            "agentMessage" | "plan" | "reasoning" => {
                // The last one of this id has not ended: what it said stands.
                self.end_texts(|open| open.thread == thread && open.item == id, false, out);
            }
            _ => {
                if let Some(call) = tool::call(item, &self.cwd) {
                    self.call(thread, item, call, out);
                }
            }
        }
    }

    /// Some more of a text; `index` counts its pieces.
    pub fn delta(&mut self, thread: &str, item: &str, stream: Stream, index: u64, more: &str, out: &mut Vec<Event>) {
        if more.is_empty() {
            return;
        }
        let parent_id = self.parent(thread, out);
        let same = |open: &OpenText| open.thread == thread && open.item == item && open.stream == stream;
        let at = self.texts.iter().position(same).unwrap_or_else(|| {
            let (thread, item) = (thread.to_owned(), item.to_owned());
            self.texts.push(OpenText { thread, item, stream, id: self.ids.next(), said: Said::default(), index });
            self.texts.len() - 1
        });
        let open = &mut self.texts[at];
        let paragraph = index != open.index && !open.said.is_empty();
        open.index = index;
        let text = if paragraph { format!("\n\n{more}") } else { more.to_owned() };
        open.said.push(&text);
        let (id, content) = (open.id.clone(), stream.content(text));
        out.push(Event::Message { id, parent_id, part: true, content });
    }

    /// Some more of a tool's output.
    pub fn output(&mut self, thread: &str, item: &str, more: &str, out: &mut Vec<Event>) {
        let Some(open) = self.tools.iter_mut().find(|open| open.thread == thread && open.item == item) else { return };
        if more.is_empty() {
            return;
        }
        open.said.push_str(more);
        let tool_use_id = open.call.tool_use_id.clone();
        let result = ToolResult { tool_use_id, output: more.to_owned(), ..ToolResult::default() };
        out.push(open.result(result, true));
    }

    /// A patch has grown.
    pub fn changed(&mut self, thread: &str, item: &str, changes: &Value, out: &mut Vec<Event>) {
        let whole = serde_json::json!({"type": "fileChange", "id": item, "changes": changes});
        if let Some(call) = tool::call(&whole, &self.cwd) {
            self.call(thread, &whole, call, out);
        }
    }

    /// The changes of a patch that waits for its approval, and the call that it is.
    pub fn patch(&self, thread: &str, item: &str) -> Option<(&ToolCall, &[Value])> {
        let open = self.tools.iter().find(|open| open.thread == thread && open.item == item)?;
        Some((&open.call, &open.changes))
    }

    /// The calls of a thread that are under way.
    pub fn running(&self, thread: &str) -> impl Iterator<Item = &ToolCall> {
        self.tools.iter().filter(move |open| open.thread == thread).map(|open| &open.call)
    }

    /// A conversation is being shortened; `context`: tokens before that.
    pub fn compaction(&mut self, thread: &str, item: &Value, context: u64, by_hand: bool) {
        // A subagent's context is its own, and how full it was is not known.
        let tokens = if self.agents.main.as_deref() == Some(thread) { context } else { 0 };
        self.compactions.push((text(item, "id").to_owned(), tokens, by_hand));
    }

    pub fn completed(&mut self, thread: &str, item: &Value, out: &mut Vec<Event>) {
        let id = text(item, "id");
        match text(item, "type") {
            "userMessage" => {}
            "agentMessage" | "plan" => {
                let said = text(item, "text");
                self.agents.said(thread, said);
                self.whole(thread, id, Stream::Text, said, out);
            }
            "reasoning" => {
                self.whole(thread, id, Stream::Summary, &texts(item, "summary").join("\n\n"), out);
                self.whole(thread, id, Stream::Reasoning, &texts(item, "content").join("\n\n"), out);
            }
            "subAgentActivity" => self.agents.activity(item, &self.ids, out),
            "contextCompaction" => {
                let known = self.compactions.iter().position(|(known, ..)| known == id);
                let (_, pre_tokens, by_hand) = known.map(|at| self.compactions.remove(at)).unwrap_or_default();
                let trigger = if by_hand { "manual" } else { "auto" }.to_owned();
                self.say(thread, Content::Compaction(Compaction { trigger, pre_tokens }), out);
            }
            kind @ ("enteredReviewMode" | "exitedReviewMode") => {
                let message = match kind {
                    // Its findings come as a text, too.
                    "exitedReviewMode" => "The review is done".to_owned(),
                    _ => format!("Review of {}", some_text(item, "review").unwrap_or("the changes")),
                };
                self.say(thread, Content::Status { subtype: "review".to_owned(), message }, out);
            }
            "hookPrompt" => {
                let said: Vec<&str> =
                    list(item, "fragments").iter().filter_map(|piece| some_text(piece, "text")).collect();
                let message = said.join("\n");
                self.say(thread, Content::Status { subtype: "hook".to_owned(), message }, out);
            }
            _ => match tool::call(item, &self.cwd) {
                Some(call) => self.result(thread, item, call, out),
                None => self.say(thread, Content::Unknown(item.clone()), out),
            },
        }
    }

    fn whole(&mut self, thread: &str, item: &str, stream: Stream, said: &str, out: &mut Vec<Event>) {
        let same = |open: &OpenText| open.thread == thread && open.item == item && open.stream == stream;
        let id = match self.texts.iter().position(same) {
            Some(at) => self.texts.remove(at).id,
            None if said.is_empty() => return,
            None => self.ids.next(),
        };
        let parent_id = self.parent(thread, out);
        out.push(Event::Message { id, parent_id, part: false, content: stream.content(said.to_owned()) });
    }

    fn end_texts(&mut self, which: impl Fn(&OpenText) -> bool, withdrawn: bool, out: &mut Vec<Event>) {
        let ended: Vec<OpenText> = self.texts.extract_if(.., |open| which(open)).collect();
        for open in ended {
            let parent_id = self.parent(&open.thread, out);
            let said = if withdrawn { Some(String::new()) } else { open.said.whole() };
            out.push(match said.map(|said| open.stream.content(said)) {
                Some(content) => Event::Message { id: open.id, parent_id, part: false, content },
                None => Event::Ended(open.id),
            });
        }
    }

    /// The stream has broken and the model is asked again: what it had begun to say is void.
    pub fn withdraw_texts(&mut self, thread: &str, out: &mut Vec<Event>) {
        self.end_texts(|open| open.thread == thread, true, out);
    }

    /// Nothing more comes of what is being said: it stands.
    pub fn end_said(&mut self, thread: &str, out: &mut Vec<Event>) {
        self.end_texts(|open| open.thread == thread, false, out);
    }

    /// Announces a call, or what has changed in it.
    fn call(&mut self, thread: &str, item: &Value, call: tool::Call, out: &mut Vec<Event>) {
        let at = self.tool(thread, item, call, out);
        let (process, changes) = (some_text(item, "processId"), list(item, "changes"));
        let open = &mut self.tools[at];
        open.process = process.map(str::to_owned).or(open.process.take());
        if !changes.is_empty() {
            open.changes = changes.to_vec();
        }
    }

    /// The place of the open tool that this item is, announced as it is now.
    fn tool(&mut self, thread: &str, item: &Value, call: tool::Call, out: &mut Vec<Event>) -> usize {
        let id = text(item, "id");
        let same = |open: &OpenTool| open.thread == thread && open.item == id;
        if let Some(at) = self.tools.iter().position(same) {
            let known = self.tools[at].call.clone();
            let call = with_id(call, known.tool_use_id.clone());
            if call != known {
                self.tools[at].call = call;
                out.push(self.tools[at].announced());
            }
            return at;
        }
        let old = self.left.iter().position(same).map(|at| self.left.remove(at));
        let (tool_use_id, parent) = match old {
            Some(old) => (old.call.tool_use_id, old.parent),
            None => (self.tool_use_id(id), self.parent(thread, out)),
        };
        let (thread, item) = (thread.to_owned(), id.to_owned());
        let call = with_id(call, tool_use_id);
        let (said, process, changes) = (String::new(), None, Vec::new());
        let open = OpenTool { thread, item, call, parent, said, process, changes };
        out.push(open.announced());
        self.tools.push(open);
        self.tools.len() - 1
    }

    fn tool_use_id(&mut self, item: &str) -> ToolUseId {
        let own = ToolUseId::new(self.ids.scoped(item).as_str());
        // Ids come from the model, which may give one twice.
        let id = if self.used.contains(&own) { ToolUseId::new(self.ids.next().as_str()) } else { own };
        self.used.insert(id.clone());
        id
    }

    fn result(&mut self, thread: &str, item: &Value, call: tool::Call, out: &mut Vec<Event>) {
        let at = self.tool(thread, item, call, out);
        let open = self.tools.remove(at);
        self.agents.spawned(item, &open.call.tool_use_id);
        let result = tool::result(open.call.tool_use_id.clone(), item);
        out.push(open.result(result, false));
    }

    /// Closes what a thread has open. Gives the processes of the commands that were cut off, which run on.
    pub fn close(&mut self, thread: &str, ending: Ending, out: &mut Vec<Event>) -> Vec<String> {
        self.end_texts(|open| open.thread == thread, false, out);
        let mut processes = Vec::new();
        let open: Vec<OpenTool> = self.tools.extract_if(.., |open| open.thread == thread).collect();
        for tool in open {
            let behind = ending == Ending::Done && tool.process.is_some();
            let note = if behind { "(It still runs in the background.)" } else { ToolResult::CUT_SHORT };
            let output = match tool.said.trim_end() {
                "" => note.to_owned(),
                said => format!("{said}\n{note}"),
            };
            let tool_use_id = tool.call.tool_use_id.clone();
            out.push(tool.result(ToolResult { tool_use_id, output, is_error: !behind, diff: Vec::new() }, false));
            processes.extend(tool.process.clone().filter(|_| ending == Ending::Cut));
            if tool.process.is_some() {
                self.left.push(tool);
            }
        }
        self.agents.thread_ended(thread, ending, out);
        processes
    }

    /// Nothing more will come.
    pub fn end(&mut self, out: &mut Vec<Event>) {
        let of_texts = self.texts.iter().map(|open| open.thread.clone());
        let threads: BTreeSet<String> = of_texts.chain(self.tools.iter().map(|open| open.thread.clone())).collect();
        for thread in threads {
            self.close(&thread, Ending::Cut, out);
        }
        self.agents.end(out);
    }
}

fn with_id(call: tool::Call, tool_use_id: ToolUseId) -> ToolCall {
    let tool::Call { name, kind, input, title, locations } = call;
    ToolCall { tool_use_id, name, kind, input, title, locations }
}

impl OpenTool {
    fn announced(&self) -> Event {
        let id = MessageId::new(self.call.tool_use_id.as_str());
        let content = Content::ToolCall(self.call.clone());
        Event::Message { id, parent_id: self.parent.clone(), part: false, content }
    }

    fn result(&self, result: ToolResult, part: bool) -> Event {
        result_message(result, self.parent.clone(), part)
    }
}

impl Stream {
    fn content(self, text: String) -> Content {
        match self {
            Stream::Text => Content::Text { text },
            Stream::Summary | Stream::Reasoning => Content::Thinking { text },
        }
    }
}
