//! From the first word to a thread: the handshake, and `thread/start`, `thread/resume` or `thread/fork`.

use serde_json::{Map, Value, json};

use super::{Codex, Phase, Sent, conversations, models};
use crate::{
    agent::{
        json::{some_text, text},
        jsonrpc::Failure,
        protocol::Output,
    },
    domain::{Content, Event, Init, Resume},
};

/// What is told only to those who look for it: it need not be sent at all.
const UNWANTED: [&str; 6] = [
    "thread/readState/changed",
    "remoteControl/status/changed",
    // The whole turn's diff, again after each answer of the model: files' own diffs come with their items.
    "turn/diff/updated",
    "app/list/updated",
    "fs/changed",
    "rawResponseItem/completed",
];

#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    New,
    Resumed(String),
    /// A copy of this one.
    Forked(String),
}

impl Codex {
    pub(super) fn initialize(&mut self, out: &mut Output) {
        let client = json!({"name": "agor-nvim", "title": "agor.nvim", "version": env!("CARGO_PKG_VERSION")});
        // Experimental are: plan mode, and ending the commands that an interrupt leaves.
        let able = json!({"experimentalApi": true, "requestAttestation": false, "optOutNotificationMethods": UNWANTED});
        self.peer.request(out, Sent::Initialize, "initialize", json!({"clientInfo": client, "capabilities": able}));
    }

    pub(super) fn initialized(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        let result = match result {
            Ok(result) if result.is_object() => result,
            Ok(other) => {
                let said: String = other.to_string().chars().take(80).collect();
                let message = format!(
                    "What was started is no `codex app-server` that agor knows: it answered `initialize` with {said}. See \
                     that `command` of this provider is the Codex CLI, and that it is up to date"
                );
                return self.break_off(message, out);
            }
            Err(failure) => {
                let message = format!("Codex refuses to work with agor.nvim: {}", failure.message);
                return self.break_off(message, out);
            }
        };
        self.home = text(&result, "codexHome").to_owned();
        self.peer.notify(out, "initialized", Value::Null);
        self.peer.request(out, Sent::Account, "account/read", json!({"refreshToken": false}));
        let resume = self.setup.resume.clone();
        match resume {
            Ok(Resume::New) => self.open(Way::New, out),
            Ok(Resume::Continue) => {
                let params = conversations::newest(&self.setup.cwd);
                self.peer.request(out, Sent::Newest, "thread/list", params);
            }
            Ok(Resume::Id(id)) => self.take_up(&id, out),
            Err(invalid) => self.break_off(invalid.to_string(), out),
        }
        self.peer.request(out, Sent::Models, "model/list", json!({}));
        self.peer.request(out, Sent::Skills, "skills/list", json!({"cwds": [self.setup.cwd]}));
    }

    /// The answer to which conversation is the newest.
    pub(super) fn newest(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        match conversations::read(result) {
            Ok(found) => match found.first() {
                Some(newest) => self.take_up(&newest.id.clone(), out),
                None => {
                    let message = format!("Codex has no conversation in {}: this is a new one", self.setup.cwd);
                    Self::notice(out, message);
                    self.open(Way::New, out);
                }
            },
            Err(message) => self.break_off(message, out),
        }
    }

    fn take_up(&mut self, id: &str, out: &mut Output) {
        if !self.setup.fork {
            return self.open(Way::Resumed(id.to_owned()), out);
        }
        if self.setup.model.is_some() {
            return self.open(Way::Forked(id.to_owned()), out);
        }
        // 0.169.0 gives a copy the model of the config, unless it is named.
        self.peer.request(out, Sent::Origin(id.to_owned()), "thread/read", json!({"threadId": id}));
    }

    pub(super) fn origin(&mut self, id: &str, result: Result<Value, Failure>, out: &mut Output) {
        match result {
            Ok(result) => {
                self.setup.model = some_text(&result["thread"], "model").map(str::to_owned);
                self.open(Way::Forked(id.to_owned()), out);
            }
            Err(failure) => self.break_off(unknown(id, &failure.message), out),
        }
    }

    fn open(&mut self, way: Way, out: &mut Output) {
        let mut params = self.setup.params();
        let mut of = |id: &str| {
            let mut all = Map::from_iter([("threadId".to_owned(), json!(id))]);
            all.append(&mut params);
            // Told page by page instead, and only if nobody has it.
            all.insert("excludeTurns".to_owned(), json!(true));
            Value::Object(all)
        };
        let (method, params) = match &way {
            Way::Resumed(id) => ("thread/resume", of(id)),
            Way::Forked(id) => ("thread/fork", of(id)),
            Way::New => ("thread/start", Value::Object(params)),
        };
        self.peer.request(out, Sent::Open(way), method, params);
    }

    pub(super) fn opened(&mut self, way: &Way, result: Result<Value, Failure>, out: &mut Output) {
        let result = match (result, way) {
            (Ok(result), _) => result,
            (Err(failure), Way::New) => {
                let message = format!("Codex opens no conversation: {}", failure.message);
                return self.break_off(message, out);
            }
            (Err(failure), Way::Resumed(id) | Way::Forked(id)) => {
                return self.break_off(unknown(id, &failure.message), out);
            }
        };
        let thread = &result["thread"];
        let Some(id) = some_text(thread, "id") else {
            let message = "Codex opened a conversation without an id: an update of Codex or of agor.nvim may help";
            return self.break_off(message.to_owned(), out);
        };
        self.thread = Some(id.to_owned());
        self.items.belong_to(id);
        self.provider = some_text(&result, "modelProvider").unwrap_or(text(thread, "modelProvider")).to_owned();
        out.event(Event::AgentSession(id.to_owned()));
        out.events.extend(self.settings.opened(&result));
        if let Some(title) = some_text(thread, "name") {
            out.event(Event::Title(title.to_owned()));
        }
        let cwd = some_text(&result, "cwd").unwrap_or(&self.setup.cwd).to_owned();
        let init = Init { session_id: id.to_owned(), model: self.settings.model().to_owned(), cwd, tools: Vec::new() };
        out.event(Event::message(self.items.ids.next(), Content::Init(init)));
        self.tell_capabilities(out);
        if *way == Way::New || self.setup.history_known {
            return self.ready(out);
        }
        self.phase = Phase::Reading;
        self.read_history(None, out);
    }

    /// The thread can be prompted.
    pub(super) fn ready(&mut self, out: &mut Output) {
        self.phase = Phase::Open;
        self.next_held(out);
    }

    /// There will be no thread.
    fn break_off(&mut self, message: String, out: &mut Output) {
        self.phase = Phase::Broken(message.clone());
        self.held.clear();
        self.turn = None;
        out.event(Event::Failed { message });
    }

    pub(super) fn models(&mut self, page: Value, out: &mut Output) {
        let more = models::read(&page);
        let new = !more.is_empty();
        self.catalog.extend(more);
        // A page without a model ends the list, whatever its cursor says.
        if let Some(cursor) = some_text(&page, "nextCursor").filter(|_| new) {
            let params = json!({"cursor": cursor});
            self.peer.request(out, Sent::Models, "model/list", params);
            return;
        }
        self.tell_capabilities(out);
    }
}

fn unknown(id: &str, said: &str) -> String {
    format!("Codex cannot take up the conversation {id}: {}", said.trim_end_matches('.'))
}
