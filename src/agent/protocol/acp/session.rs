//! The way to a conversation: initialize, log in, open; and the lists of conversations.

use serde_json::{Value, json};

use super::{Acp, Opening, Phase, Role, Sent, VERSION, agent::Agent, conversations, failure, updates::Past};
use crate::{
    agent::{json::some_text, jsonrpc::Failure, protocol::Output},
    domain::{Content, Conversation, Event, Init, Resume},
};

impl Acp {
    pub(super) fn initialize(&mut self, out: &mut Output) {
        let capabilities = json!({
            "fs": {"readTextFile": self.wish.files, "writeTextFile": self.wish.files},
            "terminal": false,
            "session": {"configOptions": {"boolean": {}}, "notices": {}, "compaction": {}},
            "auth": {"terminal": true},
            "elicitation": {"form": {}, "url": {}},
            // Conventions of Zed: outputs of commands as they come, logins with a command line of their own.
            "_meta": {"terminal_output": true, "terminal_output_delta": true, "terminal-auth": true},
        });
        let client = json!({"name": "agor.nvim", "title": "agor.nvim", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": VERSION, "clientCapabilities": capabilities, "clientInfo": client});
        self.peer.request(out, Sent::Initialize, "initialize", params);
    }

    pub(super) fn initialized(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => {
                let (title, why) = (&self.agent.title, failure::words(&failure));
                return self.fail(format!("{title} refuses to begin: {why}"), false, out);
            }
        };
        self.agent = Agent::read(&answer, &self.given, &self.command);
        let version = answer.get("protocolVersion").unwrap_or(&Value::Null);
        if version.as_u64() != Some(VERSION) {
            let title = &self.agent.title;
            let theirs = if version.is_null() { "no version".to_owned() } else { format!("version {version}") };
            let message = format!(
                "{title} speaks {theirs} of the Agent Client Protocol and agor.nvim speaks version {VERSION}: \
                 update the one that is older"
            );
            return self.fail(message, false, out);
        }
        self.phase = Phase::Opening;
        self.tell_capabilities(out);
        if std::mem::take(&mut self.list_wanted) {
            self.list(out);
        }
        out.events.extend(self.wish.limits(&self.agent).into_iter().map(|message| Event::Notice { message }));
        self.open(out);
    }

    /// Opens the conversation that the user wants, or goes on to it.
    pub(super) fn open(&mut self, out: &mut Output) {
        self.phase = Phase::Opening;
        self.settling = 0;
        self.to_set.clear();
        match self.wish.opening(&self.agent) {
            Ok(Some(opening)) => {
                let past = match (opening.id.is_some(), opening.history) {
                    (false, _) => Past::No,
                    (true, true) => Past::Told,
                    (true, false) => Past::Ignored,
                };
                out.events.extend(self.story.set_past(past));
                // A copy gets an id of its own.
                self.session = opening.id.clone().filter(|_| opening.method != "session/fork");
                let (method, params) = (opening.method, opening.params.clone());
                self.peer.request(out, Sent::Open(opening), method, params);
            }
            Ok(None) => self.page(true, Vec::new(), 0, None, out),
            Err(message) => self.fail(message, false, out),
        }
    }

    pub(super) fn opened(&mut self, opening: &Opening, result: Result<Value, Failure>, out: &mut Output) {
        self.session = None;
        if result.is_err() {
            out.events.extend(self.story.set_past(Past::No));
        }
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) if failure::wants_login(&failure) => return self.logged_out(&failure, out),
            Err(failure) => {
                let message = self.not_opened(opening, &failure);
                return self.fail(message, true, out);
            }
        };
        let own = opening.id.as_deref().filter(|_| opening.method != "session/fork");
        let Some(id) = some_text(&answer, "sessionId").or(own).map(str::to_owned) else {
            let message = format!("{} has opened a conversation and does not say which", self.agent.title);
            return self.fail(message, true, out);
        };
        self.session = Some(id.clone());
        self.phase = Phase::Open;
        // Whatever happens to the process's login, this conversation is the one to go on with.
        self.wish.resume = Resume::Id(id.clone());
        self.wish.history_known = true;
        self.used |= opening.id.is_some();
        out.event(Event::AgentSession(id.clone()));
        self.story.settings.take(&answer);
        out.events.extend(self.story.settings.news());
        self.tell_capabilities(out);
        let model = self.story.settings.value(Role::Model).unwrap_or_default().to_owned();
        let init = Init { session_id: id.clone(), model, cwd: self.wish.cwd.clone(), tools: Vec::new() };
        let event = self.story.message(Content::Init(init));
        out.event(event);
        if opening.id.is_some() {
            // Gemini CLI 0.61.0 goes on telling the past after it has answered; with the next prompt's answer it would mix.
            self.settling += 1;
            self.peer.request(out, Sent::Ping, "_agor.nvim/ping", json!({"sessionId": id}));
        }
        self.to_set = self.wish.settings.iter().cloned().collect();
        self.settle(out);
    }

    pub(super) fn past_is_told(&mut self, out: &mut Output) {
        out.events.extend(self.story.set_past(Past::No));
        self.settling = self.settling.saturating_sub(1);
        self.deliver(out);
    }

    /// Sets what the user wants, then sends the first prompt: a mode that asks must be in force by then.
    pub(super) fn settle(&mut self, out: &mut Output) {
        while let (Some(session), Some((role, value))) = (self.session.clone(), self.to_set.pop_front()) {
            match self.story.settings.request(role, &value, &self.agent.title) {
                Ok(request) if self.story.settings.value(role) == Some(request.value.as_str()) => {}
                Ok(request) => {
                    self.settling += 1;
                    return self.send_setting(&session, request, true, out);
                }
                // Whoever asks for a mode relies on it. One that a conversation had before may be gone, and then it goes on.
                Err(message) if role == Role::Mode && !self.used => {
                    self.session = None;
                    self.wish.resume = Resume::New;
                    return self.fail(message, true, out);
                }
                Err(message) => out.event(Event::Notice { message }),
            }
        }
        self.deliver(out);
    }

    fn not_opened(&self, opening: &Opening, failure: &Failure) -> String {
        let (title, why) = (&self.agent.title, failure::words(failure));
        match &opening.id {
            Some(id) => format!(
                "{title} cannot take up the conversation {id} in {}: {}. Resume it from the directory it was held in, \
                 or start a new session",
                self.wish.cwd,
                why.trim_end_matches('.')
            ),
            None => format!("{title} cannot begin a conversation in {}: {why}", self.wish.cwd),
        }
    }

    /// The agent cannot go on; the session gives the prompt that waits back to the user.
    pub(super) fn fail(&mut self, message: String, again: bool, out: &mut Output) {
        self.phase = Phase::Failed { message: message.clone(), again };
        self.waiting.clear();
        self.turn = None;
        if std::mem::take(&mut self.list_wanted) {
            out.event(Event::Conversations(Err(message.clone())));
        }
        out.event(Event::Failed { message });
    }

    pub(super) fn logged_out(&mut self, failure: &Failure, out: &mut Output) {
        self.phase = Phase::LoggedOut;
        let message = failure::words(failure);
        out.event(Event::LoginNeeded { message: message.clone() });
        // The session gives the prompt back to the user.
        self.waiting.clear();
        if self.turn.take().is_some() {
            out.event(Event::TurnEnded {
                stop_reason: "login_needed".to_owned(),
                outcome: crate::domain::TurnOutcome::Failed(message),
            });
        }
    }

    pub(super) fn login(&mut self, id: &str, out: &mut Output) {
        let Some(login) = self.agent.logins.iter().find(|login| login.id == id) else {
            let known: Vec<&str> = self.agent.logins.iter().map(|login| login.id.as_str()).collect();
            let (title, known) = (&self.agent.title, known.join(", "));
            return out.event(Event::Notice { message: format!("{title} has no login '{id}': it offers {known}") });
        };
        if login.terminal.is_some() {
            // It was done in the terminal, and the agent is not told.
            return self.logged_in(out);
        }
        self.peer.request(out, Sent::Authenticate, "authenticate", json!({"methodId": id}));
    }

    pub(super) fn authenticated(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        match result {
            Ok(_) => self.logged_in(out),
            Err(failure) => out.event(Event::LoginNeeded { message: failure::words(&failure) }),
        }
    }

    fn logged_in(&mut self, out: &mut Output) {
        if !matches!(self.phase, Phase::LoggedOut | Phase::Failed { again: true, .. }) {
            return;
        }
        self.reopen(out);
    }

    /// Another try. A conversation in which nothing was said yet is begun anew.
    pub(super) fn reopen(&mut self, out: &mut Output) {
        self.tried_again = false;
        if self.session.is_some() {
            // What the user has set since the start is not undone.
            self.wish.settings = self.story.settings.values();
        }
        match self.session.take() {
            Some(id) if self.used && !self.agent.resume && !self.agent.load => {
                self.session = Some(id);
                self.phase = Phase::Open;
                self.deliver(out);
            }
            Some(_) if !self.used => {
                self.wish.resume = Resume::New;
                self.open(out);
            }
            _ => self.open(out),
        }
    }

    pub(super) fn list(&mut self, out: &mut Output) {
        if self.phase == Phase::Initializing {
            self.list_wanted = true;
        } else if self.agent.list {
            self.page(false, Vec::new(), 0, None, out);
        } else {
            let message = format!("{} does not list its conversations", self.agent.title);
            out.event(Event::Conversations(Err(message)));
        }
    }

    fn page(&mut self, newest: bool, found: Vec<Conversation>, pages: usize, from: Option<String>, out: &mut Output) {
        let mut params = json!({"cwd": self.wish.cwd});
        if let Some(cursor) = from {
            params["cursor"] = json!(cursor);
        }
        self.peer.request(out, Sent::List { newest, found, pages: pages + 1 }, "session/list", params);
    }

    pub(super) fn listed(
        &mut self,
        newest: bool,
        mut found: Vec<Conversation>,
        pages: usize,
        result: Result<Value, Failure>,
        out: &mut Output,
    ) {
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) if newest && failure::wants_login(&failure) => return self.logged_out(&failure, out),
            Err(failure) => {
                let message =
                    format!("{} does not list its conversations: {}", self.agent.title, failure::words(&failure));
                return if newest {
                    self.fail(message, true, out)
                } else {
                    out.event(Event::Conversations(Err(message)))
                };
            }
        };
        let (more, next) = conversations::page(&answer);
        // An agent that has no end of pages is not followed for ever.
        let next = next.filter(|_| !more.is_empty() && pages < conversations::PAGES);
        found.extend(more);
        match (next, newest) {
            (Some(next), _) => self.page(newest, found, pages, Some(next), out),
            (None, false) => out.event(Event::Conversations(Ok(found))),
            (None, true) => match conversations::newest(&found, &self.wish.cwd) {
                Some(id) => {
                    self.wish.resume = Resume::Id(id);
                    self.open(out);
                }
                None => {
                    let (title, cwd) = (&self.agent.title, &self.wish.cwd);
                    let message = format!("{title} has no conversation in {cwd} to go on with: start a new session");
                    self.fail(message, true, out);
                }
            },
        }
    }

    pub(super) fn delete(&mut self, id: String, out: &mut Output) {
        if !self.agent.delete {
            let message = format!("{} does not delete its conversations", self.agent.title);
            return out.event(Event::Notice { message });
        }
        let params = json!({"sessionId": id});
        self.peer.request(out, Sent::Delete(id), "session/delete", params);
    }
}
