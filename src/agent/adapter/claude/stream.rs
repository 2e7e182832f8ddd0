//! Texts that are still arriving: keyed by the API message and the block in it, per thread of the conversation.
//!
//! Claude Code sends the pieces of a block (`stream_event`) and then the block as a whole (`assistant`), before the
//! block's own end. A stream that broke is repeated, under another message id, without pieces; what the first one had
//! shown is then withdrawn. Knows nothing of tools beyond their ids.

use serde_json::Value;

use super::json::{some_text, text};
use crate::domain::{Content, Event, MessageId, ToolUseId};

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
    text: String,
    tool: Option<ToolUseId>,
    /// The whole one has come.
    whole: bool,
}

impl Block {
    fn unfinished_text(&self) -> bool {
        !self.whole && self.kind != Kind::Other && !self.text.is_empty()
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
            self.blocks.push(Block { index, kind, text: String::new(), tool: None, whole: false });
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

    fn piece(&mut self, parent: Option<&ToolUseId>, index: u64, kind: Kind, piece: &str) -> Vec<Event> {
        let Some(open) = self.find(parent) else { return Vec::new() };
        let block = open.block(index, kind);
        if piece.is_empty() || block.whole {
            return Vec::new();
        }
        block.text.push_str(piece);
        let id = MessageId::new(format!("{}:{index}", open.message_id));
        vec![Event::Message { id, parent_id: parent.cloned(), part: true, content: kind.content(piece.to_owned()) }]
    }

    /// A whole block of a text: which of the arriving ones it is.
    pub fn whole(&mut self, parent: Option<&ToolUseId>, message_id: &str, kind: Kind, whole: &str) -> Whole {
        let Some(open) = self.find(parent).filter(|open| open.message_id == message_id) else { return Whole::New };
        let Some(at) = open.blocks.iter().position(|block| block.kind == kind && !block.whole) else {
            let copy = open.blocks.iter().any(|block| block.kind == kind && block.text == whole);
            return if copy { Whole::Copy } else { Whole::New };
        };
        open.blocks[at].whole = true;
        whole.clone_into(&mut open.blocks[at].text);
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
                    events.push(Event::Message {
                        id: open.id(block),
                        parent_id: open.parent.clone(),
                        part: false,
                        content: block.kind.content(block.text.clone()),
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
