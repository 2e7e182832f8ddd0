//! What the host of a recording with `codex app-server` wrote, as a user's commands; and what we write instead, compared.

use agor_nvim::{
    agent::protocol::codex::Codex,
    domain::{Answer, Command, OptionId, Prompt, ProviderConfig, SessionId, StartOptions},
};
use serde_json::Value;
use uuid::Uuid;

use crate::replay::{self, Host, Pairs};

#[derive(Default)]
pub struct Dialect {
    pairs: Pairs,
    /// The conversation that is taken up. Recordings may hold others besides; a session has one.
    only: Option<String>,
    /// The recording's ids of messages, and ours.
    messages: Vec<[Value; 2]>,
    /// The approval policy that the recording's host opened the thread with: ours goes along with the first turn.
    policy: Option<Value>,
}

/// What we do not do, or do otherwise, and why.
const OTHERWISE: &[(&str, &str)] = &[
    // The version of the client, and notifications that we do without.
    ("initialize", "clientInfo"),
    ("initialize", "capabilities"),
    // The hosts asked for whole histories once to see the deprecation; we page.
    ("thread/resume", "excludeTurns"),
    // Recordings of other clients' features that we do not use.
    ("thread/start", "dynamicTools"),
    ("thread/start", "ephemeral"),
    // A mode goes along with the first turn: here it would make the project a trusted one for good.
    ("thread/start", "approvalPolicy"),
    ("thread/start", "sandbox"),
];

/// Methods of which we ask nothing: their answers tell nothing that a session needs.
const UNUSED: &[&str] = &[
    "modelProvider/list",
    "config/read",
    "permissionProfile/list",
    "mcpServerStatus/list",
    "experimentalFeature/list",
    "account/rateLimits/read",
    "thread/loaded/list",
    "collaborationMode/list",
    "thread/items/list",
    "thread/name/set",
    "thread/archive",
    "thread/unsubscribe",
    "thread/shellCommand",
    "thread/backgroundTerminals/list",
    "no/such/method",
];

impl replay::Dialect for Dialect {
    const AGENT: &'static str = "codex-app-server";
    const ALIKE: &'static [&'static str] = &["data"];

    fn open(recording: &[Value]) -> (Self, Host) {
        let options = options(recording);
        let only = options.resume_session_id.clone();
        (Self { only, ..Self::default() }, Host::start(Box::new(Codex::new(&options, Uuid::nil()))))
    }

    fn written(&mut self, host: &mut Host, message: &Value) {
        let params = &message["params"];
        if self.is_of_another(params) {
            return;
        }
        match message["method"].as_str() {
            Some("turn/start") if host.running => self.steer(host, message),
            Some("turn/start") => {
                host.command(Command::Prompt(prompt(&params["input"])));
                self.compare(host, message);
            }
            Some("thread/compact/start") => {
                host.command(Command::Prompt(Prompt::new("/compact")));
                self.compare(host, message);
            }
            Some("review/start") => {
                host.command(Command::Prompt(Prompt::new("/review")));
                self.compare(host, message);
            }
            Some("turn/interrupt") => {
                host.command(Command::Interrupt);
                self.compare(host, message);
            }
            Some("initialized") => {
                assert!(host.lenient || host.writes.iter().any(|write| write["method"] == "initialized"));
            }
            Some(method) if UNUSED.contains(&method) => {}
            Some(_) => self.compare(host, message),
            None if !message["id"].is_null() => self.answered(host, message),
            None => {}
        }
    }

    fn translate(&self, message: &Value) -> Option<Value> {
        let mut message = self.pairs.translate(message).filter(|message| !self.is_of_another(&message["params"]))?;
        let id = &message["params"]["item"]["clientId"];
        if let Some([_, ours]) = self.messages.iter().find(|[theirs, _]| theirs == id) {
            message["params"]["item"]["clientId"] = ours.clone();
        }
        Some(message)
    }

    fn is_answer(message: &Value) -> bool {
        message["method"].is_null()
    }

    fn told_write(write: &Value) -> String {
        match write["method"].as_str() {
            Some(method) => format!("{method} {}", write["params"]),
            None => format!("answer {}", if write["error"].is_null() { &write["result"] } else { &write["error"] }),
        }
    }

    fn is_expected_noise(text: &str) -> bool {
        // What is logged only, and answers to a host's own mistakes.
        ["bubblewrap", "Full-history hydration"].iter().any(|known| text.contains(known))
    }
}

impl Dialect {
    fn is_of_another(&self, params: &Value) -> bool {
        let thread = params["threadId"].as_str().or(params["thread"]["id"].as_str());
        thread.is_some_and(|thread| self.only.as_deref().is_some_and(|only| only != thread))
    }

    /// Ours has the same members, and where the recording has one, it is the same.
    fn compare(&mut self, host: &Host, theirs: &Value) {
        let method = theirs["method"].as_str().unwrap_or_default();
        let Some(ours) = self.pairs.pair(host, theirs).filter(|_| !host.lenient) else { return };
        if method == "thread/start" {
            self.policy = mode(&theirs["params"]).map(|_| theirs["params"]["approvalPolicy"].clone());
        } else if let Some(policy) = self.policy.take_if(|_| method == "turn/start") {
            assert_eq!(ours["params"]["approvalPolicy"], policy, "the mode goes along with the first turn");
        }
        for (key, value) in theirs["params"].as_object().into_iter().flatten() {
            if OTHERWISE.contains(&(method, key)) {
                assert!(ours["params"][key] != *value, "{method}: {key} is the same, after all");
                continue;
            }
            let mut value = value.clone();
            if let Some(input) = value.as_array_mut().filter(|_| key == "input") {
                // What goes along with a prompt goes in its text, exact to the byte, and not as a path.
                input.retain(|part| part["type"] != "mention");
            }
            assert_eq!(ours["params"][key], value, "{method}: {key}");
        }
    }

    /// `turn/start` into a turn that runs steers it; we say so.
    fn steer(&mut self, host: &mut Host, theirs: &Value) {
        host.command(Command::Steer(prompt(&theirs["params"]["input"])));
        if host.lenient {
            return;
        }
        let ours = self.pairs.pair_with(host, theirs, "turn/steer").expect("it was written");
        assert_eq!(ours["params"]["input"], theirs["params"]["input"]);
        let ids = [theirs, &ours].map(|message| message["params"]["clientUserMessageId"].clone());
        self.messages.push(ids);
    }

    fn answered(&mut self, host: &mut Host, message: &Value) {
        let Some(id) = host.open.first().cloned() else { return };
        let theirs = &message["result"];
        let Some(request) = host.permission(&id) else { return };
        let decision = &theirs["decision"];
        let wanted =
            decision.as_str().map(str::to_owned).or_else(|| Some(decision.as_object()?.keys().next()?.clone()));
        let Some(wanted) = wanted else {
            // An error reply has no counterpart: we know the request.
            return host.answer(&id, Answer::Cancelled);
        };
        let option = request.options.iter().find(|option| option.option_id.as_str().starts_with(&wanted));
        let option_id: OptionId = option.expect("every decision is offered").option_id.clone();
        host.answer(&id, Answer::Option { option_id, message: None, input: None });
        assert!(host.lenient || &host.writes.last().expect("an answer")["result"] == theirs, "{theirs}");
    }
}

fn prompt(input: &Value) -> Prompt {
    let first = input[0]["text"].as_str().unwrap_or_default();
    let mut prompt = Prompt::new(first);
    for other in input.as_array().into_iter().flatten().skip(1) {
        if other["type"] == "localImage" {
            let path = other["path"].as_str().unwrap_or_default().to_owned();
            prompt.images.push(agor_nvim::domain::Image { path, ..Default::default() });
        }
    }
    prompt
}

/// As the recording's host has opened its thread.
fn options(recording: &[Value]) -> StartOptions {
    let id = SessionId::parse("replay").expect("a valid id");
    let mut options = StartOptions::new(id, "codex", ProviderConfig::default(), "/project".into());
    let opening = |method: &str| {
        let written = recording.iter().filter(|entry| entry["dir"] == "in").map(|entry| &entry["msg"]);
        written.filter(|message| message["method"] == method).map(|message| message["params"].clone()).next()
    };
    if let Some(params) = opening("thread/resume") {
        options.resume_session_id = params["threadId"].as_str().map(str::to_owned);
        // The host read it before it took the conversation up; `history` replays that.
        options.history_known = true;
    } else if let Some(params) = opening("thread/start") {
        options.model = params["model"].as_str().map(str::to_owned);
        options.permission_mode = mode(&params).map(str::to_owned);
    }
    options
}

/// The mode that a thread was opened in; others are left to config.toml.
fn mode(params: &Value) -> Option<&'static str> {
    match (params["approvalPolicy"].as_str(), params["sandbox"].as_str()) {
        (Some("on-request"), Some("workspace-write")) => Some("auto"),
        (Some("on-request"), Some("read-only")) => Some("read-only"),
        (Some("untrusted"), _) => Some("ask"),
        (Some("never"), Some("danger-full-access")) => Some("full-access"),
        _ => None,
    }
}
