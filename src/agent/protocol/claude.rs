//! Claude Code driven directly: its `stream-json` over stdin and stdout, and its control requests both ways.
//!
//! One process takes any number of prompts. Knows how a prompt and an interrupt are written, and when a turn
//! ends; what is said into a turn that runs is in `steer`, what Claude Code asks is in `asked`, what it says in between is the
//! adapter's business. Nothing is counted per message: Claude Code merges prompts, and begins turns by itself when a background
//! task ends.

mod asked;
mod hook;
mod kept;
mod launch;
mod mcp;
mod offers;
mod permission;
mod question;
mod steer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Output, Protocol, Row};
use crate::{
    agent::{
        adapter::{Adapter, claude::Claude as Agent},
        json::{object_in, some_text, text, texts},
        lines::Frame,
        stop::{Action, Signal, Step},
    },
    domain::{Capabilities, Command, Content, Event, Image, McpServer, MessageId, Prompt, StartOptions},
};

pub use launch::launch;
use offers::Offers;

pub const ROW: Row = Row {
    name: "claude",
    launch,
    build: |options, nonce| Box::new(Claude::new(options, nonce)),
    // 2.1.197 resumes with the model's default context otherwise.
    renames_model: true,
    login_at_start: false,
    told_fork: true,
    told_worktree: false,
    ready_within: None,
    kept: Some(kept::KEPT),
};

/// How much of a line that is no message goes to the log.
const NOISE_LIMIT: usize = 100;

pub struct Claude {
    agent: Agent,
    nonce: Uuid,
    made: u64,
    system_prompt: Option<String>,
    mode: String,
    /// As it was chosen, or as Claude Code calls it; empty is its default.
    model: String,
    effort: Option<String>,
    offers: Offers,
    offered: Option<Capabilities>,
    /// What Claude Code was told to resume.
    resume: Option<String>,
    directory: String,
    /// The user's own, which Claude Code is told of before the first prompt.
    servers: Vec<McpServer>,
    /// Rules forbid something or want to be asked: Claude Code is to tell of each call.
    restricted: bool,
    /// Calls that wait for what rules say of them.
    calls: Vec<String>,
    /// Our own control requests that wait for their answer.
    sent: Vec<(String, Sent)>,
    /// Claude Code's requests that wait for the user, with the subagent that asks, if it is one.
    pending: Vec<asked::Waiting>,
    /// The prompt that Claude Code has not taken up yet.
    unread: Option<String>,
    steered: steer::Steered,
}

#[derive(Debug)]
enum Sent {
    Initialize,
    Servers,
    Interrupt,
    /// What was said into the turn, by its id.
    Cancel(String),
    Model(String),
    Mode(String),
    Effort(String),
}

impl Claude {
    pub fn new(options: &StartOptions, nonce: Uuid) -> Self {
        Self {
            agent: Agent::new(nonce),
            nonce,
            made: 0,
            system_prompt: options.system_prompt.clone().filter(|prompt| !prompt.trim().is_empty()),
            mode: launch::mode(options).to_owned(),
            model: options.model.clone().unwrap_or_default(),
            effort: options.effort.clone().filter(|effort| !effort.is_empty()),
            offers: Offers::default(),
            offered: None,
            resume: launch::resume_id(options).map(str::to_owned),
            directory: options.cwd.display().to_string(),
            servers: options.config.mcp_servers.clone(),
            restricted: options.policy.restricts(),
            calls: Vec::new(),
            sent: Vec::new(),
            pending: Vec::new(),
            unread: None,
            steered: steer::Steered::default(),
        }
    }

    fn fresh(&mut self) -> String {
        self.made += 1;
        self.named(&self.made.to_string())
    }

    fn named(&self, name: &str) -> String {
        Uuid::new_v5(&self.nonce, name.as_bytes()).to_string()
    }

    fn request(&mut self, out: &mut Output, sent: Sent, request: Value) {
        let id = self.fresh();
        out.write(&json!({"type": "control_request", "request_id": id, "request": request}));
        self.sent.push((id, sent));
    }

    /// What can be chosen now; told again only when that has changed.
    fn offer(&mut self, out: &mut Output) {
        let now = self.offers.capabilities(&self.model, &self.mode);
        if self.offered.as_ref() != Some(&now) {
            self.offered = Some(now.clone());
            out.event(Event::Capabilities(Box::new(now)));
        }
    }

    fn took_model(&mut self, model: &str, out: &mut Output) {
        self.model = model.to_owned();
        self.offer(out);
    }

    fn message(&mut self, value: &Value, out: &mut Output) {
        match text(value, "type") {
            "control_request" => self.asked(value, out),
            "control_response" => self.answered(value.get("response").unwrap_or(&Value::Null), out),
            "control_cancel_request" => {
                let id = text(value, "request_id");
                self.calls.retain(|call| call != id);
                self.withdraw(|waiting| waiting.id.as_str() == id, out);
            }
            "result" => self.result(value, out),
            kind => {
                let taken_up = kind == "user" && value.get("isReplay").is_some();
                if taken_up {
                    self.unread.take_if(|unread| Some(unread.as_str()) == some_text(value, "uuid"));
                    self.echoed(value);
                }
                out.events.extend(self.agent.event(value));
                let model = out.events.iter().rev().find_map(|event| match event {
                    Event::Model(model) => Some(model.clone()),
                    _ => None,
                });
                if let Some(model) = model {
                    self.took_model(&model, out);
                }
                // A key that is not accepted is tried eleven times, which takes minutes.
                let refused = out.events.iter().any(|event| matches!(event, Event::LoginNeeded { .. }));
                if refused && text(value, "subtype") == "api_retry" {
                    self.request(out, Sent::Interrupt, json!({"subtype": "interrupt"}));
                }
            }
        }
    }

    fn result(&mut self, value: &Value, out: &mut Output) {
        if let Some(id) = self.resume.take_if(|_| is_unknown_conversation(value)) {
            let message = format!(
                "Claude Code has no conversation {id} in {}: it looks only among those of the directory it runs in. \
                 Resume it from the directory it was held in, or start a new session",
                self.directory
            );
            self.unread = None;
            out.events.extend(self.agent.end_turn());
            // This ends the turn, too: the process is about to end.
            out.event(Event::Failed { message });
            return;
        }
        self.withdraw(|waiting| !waiting.of_subagent, out);
        out.events.extend(self.agent.event(value));
        // A turn that it began by itself may end while a prompt waits behind it. For the session it is all one turn: a
        // second prompt now would be merged with the first.
        let own = value.get("origin").is_some_and(|origin| text(origin, "kind") == "task-notification");
        let waits = own && self.unread.is_some();
        if self.goes_on_steered(out) || waits {
            self.agent.prompted();
            out.events.retain(|event| !matches!(event, Event::TurnEnded { .. }));
        }
        if !waits {
            self.unread = None;
        }
    }

    /// The answer to a request of ours.
    fn answered(&mut self, response: &Value, out: &mut Output) {
        let id = text(response, "request_id");
        let Some(at) = self.sent.iter().position(|(sent, _)| sent == id) else { return };
        let (_, sent) = self.sent.remove(at);
        let error = (text(response, "subtype") == "error")
            .then(|| some_text(response, "error").unwrap_or("it did not say why").to_owned());
        match (sent, error) {
            (Sent::Servers, None) => {
                let failed = mcp::failed(response.get("response").unwrap_or(&Value::Null));
                out.events.extend(failed.into_iter().map(|message| Event::Notice { message }));
            }
            (Sent::Servers, Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code does not take the MCP servers: {error}") });
            }
            (Sent::Initialize, None) => {
                self.offers = Offers::read(response.get("response").unwrap_or(&Value::Null));
                self.offer(out);
            }
            (Sent::Initialize, Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code could not be set up as asked: {error}") });
            }
            (Sent::Interrupt, None) | (Sent::Mode(_), None) => {}
            (Sent::Cancel(uuid), _) => self.cancel_answered(&uuid, response, out),
            (Sent::Interrupt, Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code could not be interrupted: {error}") });
            }
            (Sent::Model(model), None) => {
                out.event(Event::Model(model.clone()));
                self.took_model(&model, out);
            }
            (Sent::Effort(effort), None) => out.event(Event::Effort(effort)),
            (Sent::Effort(effort), Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code does not take the effort {effort}: {error}") });
            }
            (Sent::Model(model), Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code does not take the model {model}: {error}") });
            }
            (Sent::Mode(mode), Some(error)) => {
                out.event(Event::Notice { message: format!("Claude Code does not take the mode {mode}: {error}") });
            }
        }
    }

    fn prompt(&mut self, prompt: &Prompt, out: &mut Output) {
        let said = prompt.to_text();
        if said.trim().is_empty() && prompt.images.is_empty() {
            // Claude Code sends it on, and the API refuses the whole conversation from then on.
            return out.event(Event::Notice { message: "An empty prompt is not sent".to_owned() });
        }
        self.agent.prompted();
        out.event(Event::TurnStarted);
        let content = if prompt.images.is_empty() { json!(said) } else { blocks(&said, &prompt.images) };
        self.unread = Some(self.write_user(content, out));
    }

    /// Returns its id.
    fn write_user(&mut self, content: Value, out: &mut Output) -> String {
        let uuid = self.fresh();
        out.write(&json!({"type": "user", "message": {"role": "user", "content": content},
            "parent_tool_use_id": null, "session_id": "", "uuid": uuid}));
        uuid
    }

    fn set_mode(&mut self, mode: String, out: &mut Output) {
        // Claude Code itself takes any word for a mode.
        const MODES: [&str; 6] = ["default", "acceptEdits", "plan", "dontAsk", "auto", launch::BYPASS];
        let message = if !MODES.contains(&mode.as_str()) {
            format!("Claude Code has no mode '{mode}': choose one of {}", MODES.join(", "))
        } else if mode == launch::BYPASS && self.mode != launch::BYPASS {
            format!("Permissions can only be bypassed in a session started with permission_mode={mode}")
        } else {
            let request = json!({"subtype": "set_permission_mode", "mode": mode});
            return self.request(out, Sent::Mode(mode), request);
        };
        out.event(Event::Notice { message });
    }
}

fn blocks(text: &str, images: &[Image]) -> Value {
    let images = images.iter().map(
        |image| json!({"type": "image", "source": {"type": "base64", "media_type": image.mime, "data": image.data}}),
    );
    // The API refuses a text that is blank.
    let text = Some(text).filter(|text| !text.trim().is_empty());
    images.chain(text.map(|text| json!({"type": "text", "text": text}))).collect()
}

fn is_unknown_conversation(result: &Value) -> bool {
    texts(result, "errors").iter().any(|error| error.starts_with("No conversation found"))
}

impl Protocol for Claude {
    fn start(&mut self) -> Output {
        let mut out = Output::default();
        out.event(Event::Mode(self.mode.clone()));
        if let Some(effort) = &self.effort {
            out.event(Event::Effort(effort.clone()));
        }
        self.offer(&mut out);
        let mut request = json!({"subtype": "initialize"});
        if let Some(prompt) = &self.system_prompt {
            // It is added to Claude Code's own, which the tools need. Here it may be longer than an argument.
            request["appendSystemPrompt"] = json!(prompt);
        }
        if self.restricted {
            request["hooks"] = hook::hooks();
        }
        self.request(&mut out, Sent::Initialize, request);
        if !self.servers.is_empty() {
            // Not on the command line, which every user of the machine can read.
            let request = json!({"subtype": "mcp_set_servers", "servers": mcp::servers(&self.servers)});
            self.request(&mut out, Sent::Servers, request);
        }
        out
    }

    fn receive(&mut self, frame: Frame) -> Output {
        let mut out = Output::default();
        match frame {
            Frame::Line(line) => match object_in(&line) {
                Some(value) => self.message(&value, &mut out),
                None => out.event(Event::Noise { text: line.chars().take(NOISE_LIMIT).collect() }),
            },
            Frame::TooLong { bytes, .. } => {
                let id = MessageId::from(self.fresh());
                let message = format!("A message of {bytes} bytes was too long and is left out");
                out.event(Event::message(id, Content::Status { subtype: "line_too_long".to_owned(), message }));
            }
        }
        out
    }

    fn command(&mut self, command: Command) -> Output {
        let mut out = Output::default();
        match command {
            Command::Prompt(prompt) => self.prompt(&prompt, &mut out),
            Command::Steer(prompt) => self.steer(prompt, &mut out),
            Command::Interrupt => {
                self.cancel_steered(&mut out);
                self.request(&mut out, Sent::Interrupt, json!({"subtype": "interrupt"}));
            }
            Command::Answer { request_id, answer } => self.answer(&request_id, answer, &mut out),
            Command::Judged { request_id, judgement } => self.judged(&request_id, &judgement, &mut out),
            Command::SetModel(model) => {
                let request = json!({"subtype": "set_model", "model": model});
                self.request(&mut out, Sent::Model(model), request);
            }
            Command::SetMode(mode) => self.set_mode(mode, &mut out),
            Command::SetEffort(effort) => {
                // Beside the user's own settings, which stay as they are.
                let request = json!({"subtype": "apply_flag_settings", "settings": {"effortLevel": effort}});
                self.request(&mut out, Sent::Effort(effort), request);
            }
            // Not among its capabilities: nobody gets here.
            Command::SetOption { .. }
            | Command::Login(_)
            | Command::ListConversations
            | Command::DeleteConversation(_)
            | Command::File { .. } => {}
        }
        out
    }

    fn end(&mut self) -> Output {
        // Why it has ended, and so what became of the turn, the exit code and stderr tell: they are not ours to see.
        let mut out = Output::default();
        self.withdraw(|_| true, &mut out);
        self.unread = None;
        self.return_steered(&mut out);
        out.events.extend(self.agent.end_turn());
        out
    }

    fn stop_ladder(&self) -> Vec<Step> {
        let ms = Duration::from_millis;
        let mut ladder = Vec::new();
        if self.agent.is_running() {
            // With its input closed it would go on running tools to the end of the turn, so the turn ends first.
            let mut out = Output::default();
            let id = self.named("stop");
            out.write(&json!({"type": "control_request", "request_id": id, "request": {"subtype": "interrupt"}}));
            ladder.extend(out.writes.into_iter().map(|line| Step::new(Action::Write(line), ms(1000))));
        }
        // SIGTERM is left out: it orphans a tool that has run for less than three seconds.
        ladder.push(Step::new(Action::CloseStdin, ms(800)));
        ladder.push(Step::new(Action::Signal(Signal::Interrupt), ms(700)));
        ladder.push(Step::kill());
        ladder
    }
}
