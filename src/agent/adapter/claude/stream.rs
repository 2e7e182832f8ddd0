//! Texts that are still arriving: keyed by the API message and the block in it, per thread of the conversation.
//!
//! Claude Code sends the pieces of a block (`stream_event`) and then the block as a whole (`assistant`), before the
//! block's own end. A stream that broke is repeated, under another message id, without pieces; what the first one had
//! shown is then withdrawn. Knows nothing of tools beyond their ids.

use serde_json::Value;

use crate::{
    agent::{
        adapter::said::Said,
        json::{some_text, text},
    },
    domain::{Content, Event, MessageId, ToolUseId},
};

/// How far into a tool's input its telling field is looked for.
const INPUT_LIMIT: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Thinking,
    /// Tools, and whatever has no text of its own.
    Other,
}

impl Kind {
    pub fn content(self, text: String) -> Content {
        match self {
            Kind::Thinking => Content::Thinking { text },
            Kind::Text | Kind::Other => Content::Text { text },
        }
    }
}

#[derive(Debug)]
struct Block {
    index: u64,
    kind: Kind,
    said: Said,
    tool: Option<ToolUseId>,
    /// The beginning of a tool's input.
    input: String,
    /// The whole one has come.
    whole: bool,
    /// Of a tool's input: what it is about has been told, or will not be.
    told: bool,
}

impl Block {
    fn unfinished_text(&self) -> bool {
        !self.whole && self.kind != Kind::Other && !self.said.is_empty()
    }
}

/// One API message whose blocks are arriving. `parent` names the subagent's tool call, if it is one's.
#[derive(Debug)]
struct Open {
    parent: Option<ToolUseId>,
    message_id: String,
    blocks: Vec<Block>,
}

impl Open {
    fn id(&self, block: &Block) -> MessageId {
        MessageId::new(format!("{}:{}", self.message_id, block.index))
    }

    fn block(&mut self, index: u64, kind: Kind) -> &mut Block {
        let at = self.blocks.iter().position(|block| block.index == index).unwrap_or_else(|| {
            let (said, input) = (Said::default(), String::new());
            self.blocks.push(Block { index, kind, said, tool: None, input, whole: false, told: false });
            self.blocks.len() - 1
        });
        &mut self.blocks[at]
    }
}

/// What became of a whole block.
#[derive(Debug, PartialEq, Eq)]
pub enum Whole {
    /// It completes the pieces that were shown under this id.
    Completes(MessageId),
    /// Its pieces were not seen.
    New,
    /// It was here before.
    Copy,
}

/// What a broken stream leaves behind.
#[derive(Debug, Default)]
pub struct Broken {
    pub events: Vec<Event>,
    /// Calls that had begun to arrive and will never run.
    pub tools: Vec<ToolUseId>,
}

#[derive(Debug, Default)]
pub struct Streams {
    open: Vec<Open>,
}

impl Streams {
    /// A message begins; what another one of the same thread has left unfinished is withdrawn.
    pub fn message_start(&mut self, parent: Option<&ToolUseId>, message_id: &str) -> Broken {
        let broken = self.withdraw(parent, message_id);
        if self.find(parent).is_none_or(|open| open.message_id != message_id) {
            self.open.retain(|open| open.parent.as_ref() != parent);
            self.open.push(Open { parent: parent.cloned(), message_id: message_id.to_owned(), blocks: Vec::new() });
        }
        broken
    }

    /// A piece has come whose message's beginning was lost: it is one's own, until the whole of it replaces it.
    pub fn lost_start(&mut self, parent: Option<&ToolUseId>, message_id: impl FnOnce() -> String) {
        if self.find(parent).is_none() {
            self.open.push(Open { parent: parent.cloned(), message_id: message_id(), blocks: Vec::new() });
        }
    }

    pub fn block_start(&mut self, parent: Option<&ToolUseId>, index: u64, block: &Value) -> Vec<Event> {
        let kind = match text(block, "type") {
            "text" => Kind::Text,
            "thinking" => Kind::Thinking,
            _ => Kind::Other,
        };
        let tool = some_text(block, "id").map(ToolUseId::from);
        let Some(open) = self.find(parent) else { return Vec::new() };
        let started = open.block(index, kind);
        started.kind = kind;
        started.tool = tool;
        // A block may begin with some of its text.
        let first = if kind == Kind::Thinking { text(block, "thinking") } else { text(block, "text") };
        self.piece(parent, index, kind, first)
    }

    pub fn delta(&mut self, parent: Option<&ToolUseId>, index: u64, delta: &Value) -> Vec<Event> {
        match text(delta, "type") {
            "text_delta" => self.piece(parent, index, Kind::Text, text(delta, "text")),
            "thinking_delta" => self.piece(parent, index, Kind::Thinking, text(delta, "thinking")),
            _ => Vec::new(),
        }
    }

    /// A piece of a tool's input: once its telling field is whole, that field. A file that is being written shows its
    /// name long before its content is there.
    pub fn input(
        &mut self,
        parent: Option<&ToolUseId>,
        index: u64,
        piece: &str,
    ) -> Option<(ToolUseId, &'static str, String)> {
        let block = self.find(parent)?.block(index, Kind::Other);
        let tool = block.tool.clone().filter(|_| !block.whole && !block.told)?;
        block.input.push_str(piece);
        let found = telling_field(&block.input);
        if found.is_some() || block.input.len() > INPUT_LIMIT {
            block.told = true;
            block.input = String::new();
        }
        found.map(|(key, value)| (tool, key, value))
    }

    fn piece(&mut self, parent: Option<&ToolUseId>, index: u64, kind: Kind, piece: &str) -> Vec<Event> {
        let Some(open) = self.find(parent) else { return Vec::new() };
        let block = open.block(index, kind);
        if piece.is_empty() || block.whole {
            return Vec::new();
        }
        block.said.push(piece);
        let id = MessageId::new(format!("{}:{index}", open.message_id));
        vec![Event::Message { id, parent_id: parent.cloned(), part: true, content: kind.content(piece.to_owned()) }]
    }

    /// A whole block of a text: which of the arriving ones it is.
    pub fn whole(&mut self, parent: Option<&ToolUseId>, message_id: &str, kind: Kind, whole: &str) -> Whole {
        let Some(open) = self.find(parent).filter(|open| open.message_id == message_id) else { return Whole::New };
        let Some(at) = open.blocks.iter().position(|block| block.kind == kind && !block.whole) else {
            let copy = open.blocks.iter().any(|block| block.kind == kind && block.said.is(whole));
            return if copy { Whole::Copy } else { Whole::New };
        };
        open.blocks[at].whole = true;
        open.blocks[at].said = Said::All(whole.to_owned());
        Whole::Completes(open.id(&open.blocks[at]))
    }

    /// A whole tool call has come.
    pub fn whole_tool(&mut self, tool: &ToolUseId) {
        for block in self.open.iter_mut().flat_map(|open| &mut open.blocks) {
            if block.tool.as_ref() == Some(tool) {
                block.whole = true;
            }
        }
    }

    /// Another message than the one that was arriving has come on this thread: the stream broke and was repeated.
    pub fn withdraw(&mut self, parent: Option<&ToolUseId>, message_id: &str) -> Broken {
        let mut broken = Broken::default();
        let Some(open) = self.find(parent).filter(|open| open.message_id != message_id) else { return broken };
        for block in open.blocks.iter().filter(|block| !block.whole) {
            if block.unfinished_text() {
                let content = block.kind.content(String::new());
                broken.events.push(Event::Message {
                    id: open.id(block),
                    parent_id: parent.cloned(),
                    part: false,
                    content,
                });
            }
            broken.tools.extend(block.tool.clone());
        }
        self.open.retain(|open| open.parent.as_ref() != parent);
        broken
    }

    /// Nothing more will come on these threads: what is there of each text is all of it.
    pub fn close(&mut self, threads: impl Fn(Option<&ToolUseId>) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        self.open.retain(|open| {
            let close = threads(open.parent.as_ref());
            if close {
                for block in open.blocks.iter().filter(|block| block.unfinished_text()) {
                    let (id, parent_id) = (open.id(block), open.parent.clone());
                    events.push(match block.said.clone().whole() {
                        Some(text) => Event::Message { id, parent_id, part: false, content: block.kind.content(text) },
                        None => Event::Ended(id),
                    });
                }
            }
            !close
        });
        events
    }

    fn find(&mut self, parent: Option<&ToolUseId>) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.parent.as_ref() == parent)
    }
}

/// The first of the fields that say what a call is about, if its text is there to the end. Inside a string the quotes
/// are escaped, so what looks like a key is one.
fn telling_field(input: &str) -> Option<(&'static str, String)> {
    let keys = ["file_path", "notebook_path", "command", "pattern", "url", "query", "description"];
    let found = keys.into_iter().filter_map(|key| {
        let (_, rest) = input.split_once(&format!("\"{key}\":"))?;
        let value = serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()?;
        Some((key, value))
    });
    found.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(events: &[Event], expect: &[(&str, bool, &str)]) {
        let flat: Vec<_> = events
            .iter()
            .map(|event| match event {
                Event::Message { id, part, content: Content::Text { text } | Content::Thinking { text }, .. } => {
                    (id.as_str(), *part, text.as_str())
                }
                other => panic!("no text: {other:?}"),
            })
            .collect();
        assert_eq!(flat, expect);
    }

    fn text_delta(text: &str) -> Value {
        json!({"type": "text_delta", "text": text})
    }

    #[test]
    fn a_repeated_stream_withdraws_what_the_broken_one_had_shown() {
        let mut streams = Streams::default();
        streams.message_start(None, "a");
        streams.block_start(None, 0, &json!({"type": "text", "text": ""}));
        check(&streams.delta(None, 0, &text_delta("Ha")), &[("a:0", true, "Ha")]);
        assert_eq!(streams.whole(None, "a", Kind::Text, "Ha"), Whole::Completes("a:0".into()));
        streams.block_start(None, 1, &json!({"type": "thinking", "thinking": "x"}));
        streams.block_start(None, 2, &json!({"type": "tool_use", "id": "t"}));
        let broken = streams.withdraw(None, "b");
        check(&broken.events, &[("a:1", false, "")]);
        assert_eq!(broken.tools, ["t".into()]);
        assert_eq!(streams.whole(None, "b", Kind::Text, "Hallo"), Whole::New);
        check(&streams.close(|_| true), &[]);
    }

    #[test]
    fn pieces_whose_beginning_was_lost_are_still_one_text() {
        let mut streams = Streams::default();
        streams.lost_start(None, || "lost".to_owned());
        check(&streams.delta(None, 0, &text_delta("la")), &[("lost:0", true, "la")]);
        streams.lost_start(None, || "other".to_owned());
        check(&streams.delta(None, 0, &text_delta("te")), &[("lost:0", true, "te")]);
        check(&streams.withdraw(None, "a").events, &[("lost:0", false, "")]);
        streams.message_start(None, "a");
        check(&streams.delta(None, 3, &text_delta("x")), &[("a:3", true, "x")]);
        check(&streams.delta(None, 3, &text_delta("y")), &[("a:3", true, "y")]);
        check(&streams.close(|_| true), &[("a:3", false, "xy")]);
    }

    #[test]
    fn a_second_copy_of_a_whole_text_is_known() {
        let mut streams = Streams::default();
        streams.message_start(None, "a");
        streams.delta(None, 0, &text_delta("x"));
        assert_eq!(streams.whole(None, "a", Kind::Text, "x"), Whole::Completes("a:0".into()));
        assert_eq!(streams.whole(None, "a", Kind::Text, "x"), Whole::Copy);
        assert_eq!(streams.whole(None, "a", Kind::Text, "y"), Whole::New);
        check(&streams.delta(None, 0, &text_delta("late")), &[]);
    }

    #[test]
    fn threads_do_not_mix() {
        let mut streams = Streams::default();
        let sub = ToolUseId::from("sub");
        streams.message_start(None, "a");
        streams.message_start(Some(&sub), "b");
        streams.delta(None, 0, &text_delta("main"));
        streams.delta(Some(&sub), 0, &text_delta("sub"));
        assert!(streams.withdraw(Some(&sub), "b").events.is_empty());
        check(&streams.close(|thread| thread.is_none()), &[("a:0", false, "main")]);
        check(&streams.close(|_| true), &[("b:0", false, "sub")]);
    }

    #[test]
    fn a_call_tells_what_it_is_about_as_soon_as_that_is_whole() {
        let mut streams = Streams::default();
        streams.message_start(None, "a");
        streams.block_start(None, 0, &json!({"type": "tool_use", "id": "t"}));
        assert_eq!(streams.input(None, 0, "{\"file_path\": \"/p/ü\\\""), None);
        let found = streams.input(None, 0, "x\", \"content\": \"");
        assert_eq!(found, Some(("t".into(), "file_path", "/p/ü\"x".to_owned())));
        assert_eq!(streams.input(None, 0, "\\\"command\\\": \\\"no\\\""), None);
        assert_eq!(telling_field("{\"content\": \"\\\"command\\\": \\\"no\\\"\"}"), None);
    }
}
