//! What the host of a recording with Claude Code wrote, as a user's commands, and its control requests with our ids.

use std::collections::HashMap;

use agor_nvim::{
    agent::protocol::claude::Claude,
    domain::{Answer, Command, Event, Prompt, ProviderConfig, RequestId, SessionId, StartOptions},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::replay::{self, Host};

/// The recording's request ids, and ours for the same request.
#[derive(Default)]
pub struct Dialect {
    ids: HashMap<String, String>,
}

impl replay::Dialect for Dialect {
    const AGENT: &'static str = "claude";
    // Of the first answer.
    const ALIKE: &'static [&'static str] = &["models", "commands", "tools"];

    fn open(_: &[Value]) -> (Self, Host) {
        (Self::default(), Host::start(Box::new(Claude::new(&options(), Uuid::nil()))))
    }

    fn written(&mut self, host: &mut Host, message: &Value) {
        let request = &message["request"];
        match (message["type"].as_str(), request["subtype"].as_str()) {
            // A session holds prompts back while a turn runs.
            (Some("user"), _) if !host.running => {
                let text = message["message"]["content"].as_str().unwrap_or("(blocks)").to_owned();
                host.command(Command::Prompt(Prompt::new(text)));
            }
            (Some("control_request"), Some("initialize")) => self.same(host, message, 0),
            (Some("control_request"), Some("interrupt")) => {
                host.command(Command::Interrupt);
                self.same(host, message, host.writes.len() - 1);
            }
            (Some("control_request"), Some("set_permission_mode")) => {
                let before = host.writes.len();
                host.command(Command::SetMode(request["mode"].as_str().unwrap_or_default().to_owned()));
                if host.writes.len() > before {
                    self.same(host, message, before);
                }
            }
            (Some("control_response"), _) => answered(host, &message["response"]),
            _ => {}
        }
    }

    fn translate(&self, message: &Value) -> Option<Value> {
        let mut message = message.clone();
        if let Some(ours) = message["response"]["request_id"].as_str().and_then(|id| self.ids.get(id)) {
            message["response"]["request_id"] = json!(ours);
        }
        Some(message)
    }

    fn told_write(write: &Value) -> String {
        match write["type"].as_str() {
            Some("user") => format!("prompt {}", write["message"]["content"]),
            Some("control_request") => {
                let mut request = write["request"].clone();
                let subtype = request["subtype"].take();
                request.as_object_mut().expect("an object").remove("subtype");
                let rest = if request == json!({}) { String::new() } else { format!(" {request}") };
                format!("request {}{rest}", subtype.as_str().unwrap_or_default())
            }
            _ => format!("answer {}", write["response"]["response"]),
        }
    }
}

impl Dialect {
    /// Our write number `at` stands for the recording's request.
    fn same(&mut self, host: &Host, message: &Value, at: usize) {
        let theirs = message["request_id"].as_str().unwrap_or_default().to_owned();
        self.ids.insert(theirs, host.writes[at]["request_id"].as_str().expect("a request has an id").to_owned());
    }
}

fn answered(host: &mut Host, response: &Value) {
    let id = RequestId::from(response["request_id"].as_str().unwrap_or_default());
    if !host.open.contains(&id) {
        return;
    }
    let theirs = &response["response"];
    let asked = host.events.iter().any(|event| matches!(event, Event::Question(asked) if asked.request_id == id));
    let answer = match (theirs["behavior"].as_str(), theirs["updatedInput"]["answers"].as_object()) {
        (_, Some(answers)) => {
            let split = |value: &Value| value.as_str().unwrap_or_default().split(", ").map(str::to_owned).collect();
            Answer::Answers(answers.iter().map(|(key, value)| (key.clone(), split(value))).collect())
        }
        // An empty answer to a question has no counterpart here: the user declines.
        _ if asked => Answer::Cancelled,
        (Some("allow"), None) => option(host, &id, theirs),
        (Some("deny"), None) => {
            let stop = if theirs["interrupt"] == true { "reject_stop" } else { "reject" };
            let message = theirs["message"].as_str().filter(|_| stop == "reject").map(str::to_owned);
            Answer::Option { option_id: stop.into(), message, input: None }
        }
        _ => Answer::Cancelled,
    };
    host.answer(&id, answer);
    let ours = host.writes.last().expect("an answer was written");
    assert_eq!(ours["response"]["request_id"], id.as_str());
}

fn option(host: &Host, id: &RequestId, theirs: &Value) -> Answer {
    let options = host.permission(id).map(|request| &request.options);
    let first = options.and_then(|options| options.first()).map(|option| option.option_id.clone());
    let known = |id: &str| options.is_some_and(|options| options.iter().any(|option| option.option_id.as_str() == id));
    let lasting = ["approve_edits", "allow_always", "allow_session"].into_iter().find(|id| known(id));
    let option_id = match (theirs["updatedPermissions"].is_array(), lasting) {
        (true, Some(id)) => id.into(),
        _ => first.expect("every request has options"),
    };
    Answer::Option { option_id, message: None, input: None }
}

fn options() -> StartOptions {
    let id = SessionId::parse("replay").expect("a valid id");
    let mut options = StartOptions::new(id, "claude", ProviderConfig::default(), "/project".into());
    // So that the recordings of a resume that fails tell of it; the others are not changed by it.
    options.resume_session_id = Some("resumed".into());
    options
}
