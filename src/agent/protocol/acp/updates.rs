//! What the agent tells while it works and when it is asked for the past: each kind of `session/update`.
//!
//! Knows nothing of requests. An unknown kind is kept as it came.

use serde_json::Value;

use super::{
    content::text_of,
    plan,
    settings::{Role, Settings},
    speech::{Kind, Speech},
    tools::{Call, Source, Tools},
    usage::Usage,
};
use crate::{
    agent::{
        adapter::Ids,
        json::{is_true, list, some_text, text},
    },
    domain::{Cause, Choice, Compaction, Content, Event, MessageId, Plan, ToolUseId, Wait},
};

/// What to do with what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It happens now.
    No,
    /// A conversation that the transcript does not have.
    Told,
    /// One that it has.
    Ignored,
}

pub struct Story {
    ids: Ids,
    past: Past,
    speech: Speech,
    tools: Tools,
    pub usage: Usage,
    pub settings: Settings,
    pub commands: Vec<Choice>,
    /// The message that shows this turn's plan, and the one of this turn's retries.
    plan: Option<(MessageId, Plan)>,
    retry: Option<MessageId>,
    notices: Vec<String>,
    /// Codex' word for a turn that failed; the text that follows says why.
    system_error: bool,
}

impl Story {
    pub fn new(ids: Ids, tool_ids: Ids, text_ids: Ids, cwd: &str) -> Self {
        Self {
            ids,
            past: Past::No,
            speech: Speech::new(text_ids),
            tools: Tools::new(tool_ids, cwd.to_owned()),
            usage: Usage::default(),
            settings: Settings::default(),
            commands: Vec::new(),
            plan: None,
            retry: None,
            notices: Vec::new(),
            system_error: false,
        }
    }

    pub fn message(&mut self, content: Content) -> Event {
        Event::message(self.ids.next(), content)
    }

    pub fn status(&mut self, subtype: &str, message: String) -> Event {
        self.message(Content::Status { subtype: subtype.to_owned(), message })
    }

    /// The agent is asked for a conversation's past. What was open of it is closed when it says that this was all.
    pub fn set_past(&mut self, past: Past) -> Vec<Event> {
        let events = self.close();
        self.past = past;
        self.plan = None;
        events
    }

    pub fn begin_turn(&mut self) -> Vec<Event> {
        // Whatever the agent said between two turns has no other end.
        let events = self.close();
        self.speech.begin_turn();
        self.tools.begin_turn();
        (self.plan, self.retry, self.system_error) = (None, None, false);
        events
    }

    /// Texts and calls that nobody else ends.
    pub fn close(&mut self) -> Vec<Event> {
        let mut events = self.speech.close_all();
        events.extend(self.tools.close());
        events
    }

    /// Why the turn failed, if the last text said so: it is withdrawn, to be shown as the error that it is.
    pub fn error_text(&mut self, failure: Option<&str>) -> Option<(Event, String)> {
        let (id, said) = self.speech.last()?;
        let same = |failure: &str| failure.trim().ends_with(said.trim()) && !said.trim().is_empty();
        if !failure.map_or(self.system_error, same) {
            return None;
        }
        let (id, said) = (id.clone(), said.clone());
        Some((Event::message(id, Content::Text { text: String::new() }), said))
    }

    pub fn call(&self, wire: &str) -> Option<&Call> {
        self.tools.find(wire)
    }

    /// The turn is being cancelled.
    pub fn cancel(&mut self) {
        self.tools.cancel();
    }

    pub fn refuse(&mut self, id: &ToolUseId) {
        self.tools.refuse(id);
    }

    /// A call as a question about it tells it.
    pub fn asked(&mut self, call: &Value) -> Vec<Event> {
        self.tool(call, Source::Permission).unwrap_or_default()
    }

    /// True if what the agent can do has changed.
    pub fn update(&mut self, update: &Value, events: &mut Vec<Event>) -> bool {
        match text(update, "sessionUpdate") {
            "available_commands_update" => self.commands = commands(update),
            "current_mode_update" => {
                if let Some(mode) = some_text(update, "currentModeId") {
                    self.settings.is_now(Role::Mode, mode);
                }
            }
            "config_option_update" => self.settings.take(update),
            "agent_message_chunk" if mode_in_words(update).is_some() => {
                self.settings.is_now(Role::Mode, mode_in_words(update).unwrap_or_default());
            }
            kind => {
                events.extend(self.told(kind, update));
                return false;
            }
        }
        events.extend(self.settings.news());
        true
    }

    fn told(&mut self, kind: &str, update: &Value) -> Vec<Event> {
        match kind {
            "usage_update" => return self.usage.update(update).into_iter().collect(),
            "session_info_update" => return self.info(update),
            _ if self.past == Past::Ignored => return Vec::new(),
            _ => {}
        }
        let parent = Tools::parent(update);
        match kind {
            "agent_message_chunk" => self.chunk(Kind::Text, parent, update),
            "agent_thought_chunk" => self.chunk(Kind::Thinking, parent, update),
            // Outside a history it is what we have just said.
            "user_message_chunk" if self.past == Past::No => Vec::new(),
            "user_message_chunk" => self.chunk(Kind::Prompt, parent, update),
            "tool_call" | "tool_call_update" => {
                let source = if kind == "tool_call" { Source::Call } else { Source::Update };
                self.tool(update, source).unwrap_or_else(|| vec![self.unknown(update)])
            }
            "plan" => self.plan(plan::of(list(update, "entries"))),
            "plan_update" => self.plan_update(update.get("plan").unwrap_or(&Value::Null)),
            "plan_removed" => self.plan(Plan { entries: Vec::new() }),
            "notice" => {
                let pieces = [text(update, "title"), text(update, "description")];
                let message = pieces.into_iter().filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(": ");
                if message.is_empty() { vec![self.unknown(update)] } else { self.notice(message) }
            }
            "compaction_update" => self.compaction(update),
            // What it became is the next answers' business.
            "compaction_summary_chunk" => Vec::new(),
            _ => vec![self.unknown(update)],
        }
    }

    /// Codex repeats its remarks with each prompt.
    fn notice(&mut self, message: String) -> Vec<Event> {
        if self.notices.contains(&message) {
            return Vec::new();
        }
        self.notices.push(message.clone());
        vec![self.status("notice", message)]
    }

    fn unknown(&mut self, update: &Value) -> Event {
        self.message(Content::Unknown(update.clone()))
    }

    fn chunk(&mut self, kind: Kind, parent: Option<ToolUseId>, update: &Value) -> Vec<Event> {
        let said = text_of(update.get("content").unwrap_or(&Value::Null));
        if kind == Kind::Prompt && is_bookkeeping(&said) {
            return self.speech.close(parent.as_ref());
        }
        self.speech.piece(kind, parent, some_text(update, "messageId"), &said, self.past == Past::No)
    }

    fn tool(&mut self, value: &Value, source: Source) -> Option<Vec<Event>> {
        let told = self.tools.tell(value, source)?;
        let mut events = Vec::new();
        if !told.events.is_empty() || told.plan.is_some() {
            events.extend(self.speech.close(Tools::parent(value).as_ref()));
        }
        events.extend(told.events);
        if let Some(plan) = told.plan {
            events.extend(self.plan(plan));
        }
        Some(events)
    }

    fn plan(&mut self, plan: Plan) -> Vec<Event> {
        // One that never was need not be removed.
        if plan.entries.is_empty() && self.plan.is_none() {
            return Vec::new();
        }
        let id = match &self.plan {
            // opencode repeats it when its tool has ended.
            Some((_, told)) if *told == plan => return Vec::new(),
            Some((id, _)) => id.clone(),
            None => self.ids.next(),
        };
        self.plan = Some((id.clone(), plan.clone()));
        let mut events = self.speech.close(None);
        events.push(Event::message(id, Content::Plan(plan)));
        events
    }

    /// The unstable one, which may be a text.
    fn plan_update(&mut self, plan: &Value) -> Vec<Event> {
        if plan.get("entries").is_some_and(Value::is_array) {
            return self.plan(plan::of(list(plan, "entries")));
        }
        let Some(said) = some_text(plan, "content").or_else(|| some_text(plan, "uri")) else {
            return vec![self.unknown(plan)];
        };
        let mut events = self.speech.close(None);
        let id = self.ids.scoped(&format!("plan-{}", text(plan, "planId")));
        events.push(Event::message(id, Content::Text { text: said.to_owned() }));
        events
    }

    fn compaction(&mut self, update: &Value) -> Vec<Event> {
        let id = self.ids.scoped(&format!("compaction-{}", text(update, "compactionId")));
        let status = |message: String| Content::Status { subtype: "compaction".to_owned(), message };
        let content = match text(update, "status") {
            "completed" => Content::Compaction(Compaction { trigger: "agent".to_owned(), pre_tokens: self.usage.used }),
            "failed" => {
                let why = some_text(update, "error").unwrap_or("the agent does not say why");
                status(format!("The conversation could not be compacted: {why}"))
            }
            "cancelled" => status("The conversation was not compacted".to_owned()),
            _ => status("The conversation is being compacted".to_owned()),
        };
        vec![Event::message(id, content)]
    }

    fn info(&mut self, update: &Value) -> Vec<Event> {
        let mut events: Vec<Event> =
            some_text(update, "title").map(|title| Event::Title(title.to_owned())).into_iter().collect();
        // What codex-acp 2.6.0 says of its turns.
        let codex = update.get("_meta").and_then(|meta| meta.get("codex")).unwrap_or(&Value::Null);
        if codex.pointer("/threadStatus/type").and_then(Value::as_str) == Some("systemError") {
            self.system_error = true;
        }
        let error = codex.get("error").unwrap_or(&Value::Null);
        if let Some(message) = some_text(error, "message").filter(|_| is_true(error, "willRetry")) {
            let id = self.retry.get_or_insert_with(|| self.ids.next()).clone();
            events.push(Event::Waits { wait: Wait::new(Cause::Retry, message).counted(), delay_ms: None });
            let message = format!("{message}; it tries again");
            events.push(Event::message(id, Content::Status { subtype: "retry".to_owned(), message }));
        }
        events
    }
}

/// Gemini CLI 0.61.0 tells a change of its mode as if the model had said it.
fn mode_in_words(update: &Value) -> Option<&str> {
    let said = update.get("content")?.get("text")?.as_str()?;
    said.strip_prefix("[MODE_UPDATE] ").filter(|mode| !mode.contains(char::is_whitespace))
}

/// What Gemini CLI 0.61.0 has put into a conversation in the user's name.
fn is_bookkeeping(said: &str) -> bool {
    ["<session_context>", "[Function Response: "].iter().any(|sign| said.starts_with(sign))
}

fn commands(update: &Value) -> Vec<Choice> {
    let command = |command: &Value| {
        let name = some_text(command, "name")?;
        let hint = command.get("input").map_or("", |input| text(input, "hint"));
        let pieces = [text(command, "description").trim(), hint];
        // Codex' skills begin with a sign of their own.
        let plain = name.starts_with(|first: char| first.is_alphanumeric());
        Some(Choice {
            id: name.to_owned(),
            name: if plain { format!("/{name}") } else { name.to_owned() },
            description: pieces.into_iter().filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" "),
            asks_nothing: false,
        })
    };
    list(update, "availableCommands").iter().filter_map(command).collect()
}
