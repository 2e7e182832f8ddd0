//! How Claude Code would say it: messages of blocks, streamed and then whole, tool results, the figures of a turn.
//! Knows the shapes of Claude Code's stream-json; what is said is the caller's.

use std::{io::Write, time::Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::inbox::Query,
    stage::{Cut, Pace, Stage},
};

/// A block that grows longer than this goes on in a new message: a line of the host's has its limit.
const LONGEST_BLOCK: usize = 4 * 1024 * 1024;

pub(super) struct Voice {
    conversation: String,
    model: String,
    made: u32,
    message: Option<Message>,
    turn: Figures,
    /// US dollars since the process began, as Claude Code counts.
    total_cost: f64,
    /// Calls without a result, which an interrupt answers.
    calls: Vec<String>,
}

struct Message {
    id: String,
    blocks: usize,
    open: Option<Block>,
}

struct Block {
    kind: Kind,
    text: String,
    /// A delta's line up to its text, and after it.
    line: (String, String),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Text,
    Thinking,
}

struct Figures {
    start: Instant,
    read: usize,
    said: usize,
    last: String,
    results: u32,
    cost: Option<Value>,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Thinking => "thinking",
        }
    }
}

impl Voice {
    pub(super) fn new<W: Write>(stage: &Stage<W>) -> Self {
        Self {
            conversation: Uuid::new_v5(&Uuid::NAMESPACE_OID, stage.run().as_bytes()).to_string(),
            model: String::new(),
            made: 0,
            message: None,
            turn: Figures::new(),
            total_cost: 0.0,
            calls: Vec::new(),
        }
    }

    fn made<W: Write>(&mut self, stage: &Stage<W>, what: &str) -> String {
        self.made += 1;
        format!("{what}_demo_{}_{}", stage.run(), self.made)
    }

    fn event<W: Write>(&mut self, stage: &mut Stage<W>, mut event: Value) -> Result<(), Cut> {
        event["session_id"] = self.conversation.as_str().into();
        event["uuid"] = Uuid::new_v4().to_string().into();
        stage.event(event)
    }

    fn stream<W: Write>(&mut self, stage: &mut Stage<W>, event: Value) -> Result<(), Cut> {
        self.event(stage, json!({"type": "stream_event", "event": event, "parent_tool_use_id": null}))
    }

    /// `system`/`init`, as at the start of each of Claude Code's turns.
    pub(super) fn begin_turn<W: Write>(&mut self, stage: &mut Stage<W>, query: &Query) -> Result<(), Cut> {
        if let Some(id) = &query.resume {
            self.conversation.clone_from(id);
        }
        if let Some(model) = &query.model {
            self.model.clone_from(model);
        } else if self.model.is_empty() {
            "demo".clone_into(&mut self.model);
        }
        self.turn = Figures { read: query.prompt.len(), ..Figures::new() };
        let cwd = stage.cwd().to_string_lossy().into_owned();
        let tools = ["Read", "Write", "Edit", "Bash", "TodoWrite"];
        // Whatever it was started with, it never changes a file without having asked.
        self.event(
            stage,
            json!({"type": "system", "subtype": "init", "cwd": cwd, "tools": tools, "mcp_servers": [],
                "model": self.model, "permissionMode": "default", "slash_commands": []}),
        )
    }

    fn open_message<W: Write>(&mut self, stage: &mut Stage<W>) -> Result<(), Cut> {
        if self.message.is_some() {
            return Ok(());
        }
        let id = self.made(stage, "msg");
        let message = self.whole(&id, json!([]));
        self.message = Some(Message { id, blocks: 0, open: None });
        self.stream(stage, json!({"type": "message_start", "message": message}))
    }

    fn whole(&self, id: &str, content: Value) -> Value {
        json!({"id": id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
    }

    fn open_block<W: Write>(&mut self, stage: &mut Stage<W>, kind: Kind) -> Result<(), Cut> {
        self.open_message(stage)?;
        let Some(message) = &mut self.message else { return Ok(()) };
        let index = message.blocks;
        let name = kind.name();
        // A delta is written many thousand times, so only its text is made anew.
        let delta = json!({"type": "agent_event", "sessionId": stage.session(), "event": {
            "type": "stream_event", "session_id": self.conversation, "parent_tool_use_id": null, "event": {
                "type": "content_block_delta", "index": index, "delta": {"type": format!("{name}_delta"), name: "\u{0}"}}}})
        .to_string();
        let line =
            delta.split_once("\"\\u0000\"").map_or((delta.clone(), String::new()), |(a, b)| (a.into(), b.into()));
        message.open = Some(Block { kind, text: String::new(), line });
        let block = json!({"type": name, name: ""});
        self.stream(stage, json!({"type": "content_block_start", "index": index, "content_block": block}))
    }

    /// Some more of a text or thought, in one piece.
    pub(super) fn piece<W: Write>(&mut self, stage: &mut Stage<W>, kind: Kind, piece: &str) -> Result<(), Cut> {
        let open = |message: &Message| message.open.as_ref().map(|block| (block.kind, block.text.len()));
        match self.message.as_ref().and_then(open) {
            Some((open, length)) if open == kind && length < LONGEST_BLOCK => {}
            open => {
                if open.is_some_and(|(_, length)| length >= LONGEST_BLOCK) {
                    self.close_message(stage, "max_tokens")?;
                }
                self.close_block(stage)?;
                self.open_block(stage, kind)?;
            }
        }
        let Some(block) = self.message.as_mut().and_then(|message| message.open.as_mut()) else { return Ok(()) };
        block.text.push_str(piece);
        self.turn.said += piece.len();
        stage.raw(block.line.0.as_bytes())?;
        stage.raw(Value::from(piece).to_string().as_bytes())?;
        stage.raw(block.line.1.as_bytes())?;
        stage.raw(b"\n")
    }

    /// A whole text or thought at the speed of speech, word by word.
    pub(super) fn say<W: Write>(&mut self, stage: &mut Stage<W>, kind: Kind, text: &str) -> Result<(), Cut> {
        let mut pace: Pace = stage.pace(60.0);
        for word in text.trim_end().split_inclusive([' ', '\n']) {
            self.piece(stage, kind, word)?;
            stage.beat(&mut pace)?;
        }
        self.close_block(stage)
    }

    /// Claude Code repeats the block whole before it closes it.
    fn close_block<W: Write>(&mut self, stage: &mut Stage<W>) -> Result<(), Cut> {
        let Some(message) = &mut self.message else { return Ok(()) };
        let Some(block) = message.open.take() else { return Ok(()) };
        let (id, index) = (message.id.clone(), message.blocks);
        message.blocks += 1;
        self.block_is_whole(stage, &id, block)?;
        self.stream(stage, json!({"type": "content_block_stop", "index": index}))
    }

    fn block_is_whole<W: Write>(&mut self, stage: &mut Stage<W>, id: &str, block: Block) -> Result<(), Cut> {
        let name = block.kind.name();
        let whole = self.whole(id, json!([{"type": name, name: block.text}]));
        if block.kind == Kind::Text {
            self.turn.last = block.text;
        }
        self.event(stage, json!({"type": "assistant", "message": whole, "parent_tool_use_id": null}))
    }

    fn close_message<W: Write>(&mut self, stage: &mut Stage<W>, reason: &str) -> Result<(), Cut> {
        self.close_block(stage)?;
        if self.message.take().is_none() {
            return Ok(());
        }
        let delta = json!({"stop_reason": reason, "stop_sequence": null});
        self.stream(stage, json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}))?;
        self.stream(stage, json!({"type": "message_stop"}))
    }

    /// A call of a tool, whose input streams too. Returns its id; [`Voice::result`] has to follow.
    pub(super) fn call<W: Write>(&mut self, stage: &mut Stage<W>, name: &str, input: &Value) -> Result<String, Cut> {
        self.close_block(stage)?;
        self.open_message(stage)?;
        let tool = self.made(stage, "toolu");
        let Some(message) = &mut self.message else { return Ok(tool) };
        let (id, index) = (message.id.clone(), message.blocks);
        message.blocks += 1;
        let block = |input: &Value| json!({"type": "tool_use", "id": tool, "name": name, "input": input});
        self.stream(stage, json!({"type": "content_block_start", "index": index, "content_block": block(&json!({}))}))?;
        let text = input.to_string();
        let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        for part in [&text[..middle], &text[middle..]] {
            let delta = json!({"type": "input_json_delta", "partial_json": part});
            self.stream(stage, json!({"type": "content_block_delta", "index": index, "delta": delta}))?;
        }
        let whole = self.whole(&id, json!([block(input)]));
        self.event(stage, json!({"type": "assistant", "message": whole, "parent_tool_use_id": null}))?;
        self.stream(stage, json!({"type": "content_block_stop", "index": index}))?;
        self.turn.said += text.len();
        self.calls.push(tool.clone());
        Ok(tool)
    }

    /// What a tool gave: the text for the model, and its structured twin for programs.
    pub(super) fn result<W: Write>(
        &mut self,
        stage: &mut Stage<W>,
        tool: &str,
        text: &str,
        is_error: bool,
        twin: Value,
    ) -> Result<(), Cut> {
        self.close_message(stage, "tool_use")?;
        self.calls.retain(|open| open != tool);
        self.turn.results += 1;
        self.turn.read += text.len();
        let block = json!({"tool_use_id": tool, "type": "tool_result", "content": text, "is_error": is_error});
        let message = json!({"role": "user", "content": [block]});
        self.event(
            stage,
            json!({"type": "user", "message": message, "parent_tool_use_id": null, "tool_use_result": twin}),
        )
    }

    /// The plan as it stands, by the tool that Claude Code has for it. States: `pending in_progress completed`.
    pub(super) fn plan<W: Write>(&mut self, stage: &mut Stage<W>, steps: &[&str], done: usize) -> Result<(), Cut> {
        let status = |at: usize| match at.cmp(&done) {
            std::cmp::Ordering::Less => "completed",
            std::cmp::Ordering::Equal => "in_progress",
            std::cmp::Ordering::Greater => "pending",
        };
        let todo = |(at, step): (usize, &&str)| json!({"content": step, "status": status(at), "activeForm": step});
        let todos: Vec<Value> = steps.iter().enumerate().map(todo).collect();
        let tool = self.call(stage, "TodoWrite", &json!({"todos": todos}))?;
        self.result(stage, &tool, "Todos have been modified successfully.", false, json!({"newTodos": todos}))
    }

    /// What the turn's `result` is to say of the cost instead of the real (made up) sum.
    pub(super) fn set_cost(&mut self, cost: Value) {
        self.turn.cost = Some(cost);
    }

    /// The end of a turn in figures.
    pub(super) fn end_turn<W: Write>(&mut self, stage: &mut Stage<W>, origin: Option<&str>) -> Result<(), Cut> {
        self.close_message(stage, "end_turn")?;
        let turn = std::mem::replace(&mut self.turn, Figures::new());
        let mut result = self.figures(&turn);
        result["subtype"] = "success".into();
        result["is_error"] = false.into();
        result["result"] = turn.last.as_str().into();
        result["stop_reason"] = "end_turn".into();
        result["terminal_reason"] = "completed".into();
        if let Some(kind) = origin {
            result["origin"] = json!({"kind": kind});
        }
        self.event(stage, result)
    }

    /// What Claude Code says when it is interrupted: the text so far, calls without a result, and why.
    pub(super) fn interrupted<W: Write>(&mut self, stage: &mut Stage<W>) -> Result<(), Cut> {
        let streaming = self.calls.is_empty();
        if let Some(message) = self.message.take()
            && let Some(block) = message.open
        {
            self.block_is_whole(stage, &message.id, block)?;
        }
        for tool in std::mem::take(&mut self.calls) {
            self.result(stage, &tool, "[Request interrupted by user for tool use]", true, Value::Null)?;
        }
        let mark =
            if streaming { "[Request interrupted by user]" } else { "[Request interrupted by user for tool use]" };
        let message = json!({"role": "user", "content": [{"type": "text", "text": mark}]});
        self.event(stage, json!({"type": "user", "message": message, "parent_tool_use_id": null}))?;
        let turn = std::mem::replace(&mut self.turn, Figures::new());
        let mut result = self.figures(&turn);
        result["subtype"] = "error_during_execution".into();
        result["is_error"] = true.into();
        result["errors"] = json!([]);
        result["terminal_reason"] = if streaming { "aborted_streaming" } else { "aborted_tools" }.into();
        self.event(stage, result)
    }

    /// Made up: four bytes a token, at a price as models have it.
    fn figures(&mut self, turn: &Figures) -> Value {
        let (input, output) = (turn.read / 4 + 1, turn.said / 4 + 1);
        self.total_cost += (input as f64 * 3.0 + output as f64 * 15.0) / 1e6;
        let cost = turn.cost.clone().unwrap_or_else(|| self.total_cost.into());
        json!({"type": "result", "duration_ms": turn.start.elapsed().as_millis() as u64, "num_turns": turn.results + 1,
            "total_cost_usd": cost, "permission_denials": [], "usage": {"input_tokens": input,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": output}})
    }
}

impl Figures {
    fn new() -> Self {
        Self { start: Instant::now(), read: 0, said: 0, last: String::new(), results: 0, cost: None }
    }
}
