//! What the host of a recording with an ACP agent wrote, as a user's commands, and each line compared with ours.

use std::collections::{BTreeMap, HashMap};

use agor_nvim::{
    agent::protocol::registry,
    domain::{
        Answer, Command, FileAnswer, McpServer, Prompt, ProviderConfig, RequestId, ResumeMode, SessionId, StartOptions,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::replay::{self, Host, Pairs};

#[derive(Default)]
pub struct Dialect {
    pairs: Pairs,
    /// Our ids of the agent's requests, by theirs.
    asked: HashMap<String, RequestId>,
    /// How many of our writes were looked at for a request that no recording has.
    looked: usize,
}

impl replay::Dialect for Dialect {
    const AGENT: &'static str = "acp";
    const ALIKE: &'static [&'static str] =
        &["configOptions", "availableModels", "availableModes", "availableCommands", "authMethods"];

    fn open(recording: &[Value]) -> (Self, Host) {
        let row = registry::find("acp").expect("it is registered");
        let host = Host::start((row.build)(&options(recording), Uuid::nil()));
        // The peer numbers what it is asked.
        let nonce = Uuid::new_v5(&Uuid::nil(), b"requests").simple();
        let out = recording.iter().filter(|entry| entry["dir"] == "out").map(|entry| &entry["msg"]);
        let requests = out.filter(|message| !message["method"].is_null() && !message["id"].is_null());
        let id = |(at, request): (usize, &Value)| (request["id"].to_string(), format!("{nonce}-{}", at + 1).into());
        (Self { asked: requests.enumerate().map(id).collect(), ..Self::default() }, host)
    }

    fn written(&mut self, host: &mut Host, message: &Value) {
        self.refuse_ping(host);
        let params = &message["params"];
        let text = |key: &str| params[key].as_str().unwrap_or_default().to_owned();
        let before = host.writes.len();
        match message["method"].as_str() {
            Some("initialize") => {
                let ours = self.pairs.pair(host, message).expect("it is the first thing that we write");
                assert_eq!(ours["params"]["protocolVersion"], params["protocolVersion"]);
            }
            Some(method @ ("session/new" | "session/load" | "session/resume" | "session/list")) => {
                if let Some(ours) = self.pairs.pair(host, message) {
                    assert_eq!(sorted(&ours["params"]), sorted(params), "{method}");
                }
            }
            // A session holds prompts back while a turn runs.
            Some("session/prompt") if !host.running && text("sessionId") != "nope" => {
                let said = params["prompt"][0]["text"].as_str().expect("recorded prompts are texts");
                host.command(Command::Prompt(Prompt::new(said)));
                if let Some(ours) = self.pairs.pair(host, message) {
                    assert_eq!(sorted(&ours["params"]), sorted(params));
                }
            }
            Some("session/set_mode") => {
                host.command(Command::SetMode(text("modeId")));
                self.set(host, message, before, &text("modeId"));
            }
            Some("session/set_model") => {
                host.command(Command::SetModel(text("modelId")));
                self.set(host, message, before, &text("modelId"));
            }
            Some("session/set_config_option") => {
                let value = text("value");
                host.command(match params["configId"].as_str() {
                    Some("mode") => Command::SetMode(value.clone()),
                    Some("model") => Command::SetModel(value.clone()),
                    Some("effort" | "reasoning_effort") => Command::SetEffort(value.clone()),
                    id => Command::SetOption { id: id.unwrap_or_default().to_owned(), value: value.clone() },
                });
                self.set(host, message, before, &value);
            }
            Some("session/cancel") => {
                host.command(Command::Interrupt);
                if let Some(ours) = host.writes.get(before) {
                    assert_eq!(ours, message);
                }
                // As a session settles its questions then.
                for id in std::mem::take(&mut host.open) {
                    host.command(Command::Answer { request_id: id.clone(), answer: Answer::Cancelled });
                    host.settled.insert(id);
                }
            }
            Some("session/delete") => {
                host.command(Command::DeleteConversation(text("sessionId")));
                if let Some(ours) = self.pairs.pair(host, message) {
                    assert_eq!(&ours["params"], params);
                }
            }
            None => self.answered(host, message),
            _ => {}
        }
    }

    fn translate(&self, message: &Value) -> Option<Value> {
        self.pairs.translate(message)
    }

    fn told_write(write: &Value) -> String {
        match (write["method"].as_str(), write["error"].is_null()) {
            (Some("initialize"), _) => "initialize".to_owned(),
            (Some(method), _) => format!("{method} {}", write["params"]),
            (None, true) => format!("answer {}", write["result"]),
            (None, false) => format!("error {}", write["error"]),
        }
    }

    // A recording's host copies a conversation beside its own, which no user's command does.
    fn is_expected_noise(text: &str) -> bool {
        text.starts_with("an update of another conversation")
    }
}

impl Dialect {
    /// As every agent answers what it does not know.
    fn refuse_ping(&mut self, host: &mut Host) {
        let writes = &host.writes[std::mem::replace(&mut self.looked, host.writes.len())..];
        let ping = writes.iter().find(|write| write["method"] == "_agor.nvim/ping").map(|write| write["id"].clone());
        if let Some(id) = ping {
            let error = json!({"code": -32601, "message": "\"Method not found\": _agor.nvim/ping"});
            host.line(&json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string());
        }
    }

    /// Ours may go by a newer request than the recording's host's.
    fn set(&mut self, host: &Host, message: &Value, before: usize, value: &str) {
        let Some(ours) = host.writes.get(before) else { return };
        let said = ["value", "modeId", "modelId"].iter().find_map(|key| ours["params"][key].as_str());
        assert_eq!(said, Some(value));
        assert_eq!(ours["params"]["sessionId"], message["params"]["sessionId"]);
        let mut theirs = message.clone();
        theirs["method"] = ours["method"].clone();
        self.pairs.pair(host, &theirs);
    }

    fn answered(&mut self, host: &mut Host, message: &Value) {
        let Some(id) = self.asked.get(&message["id"].to_string()).cloned() else { return };
        let result = &message["result"];
        if host.open.contains(&id) {
            let answer = match result["outcome"]["optionId"].as_str() {
                Some(option) => Answer::Option { option_id: option.into(), message: None, input: None },
                None => Answer::Cancelled,
            };
            host.answer(&id, answer);
        } else {
            let answer = match (result["content"].as_str(), result.is_object()) {
                (Some(""), _) => FileAnswer::Missing,
                (Some(text), _) => FileAnswer::Text(text.to_owned()),
                (None, true) => FileAnswer::Written,
                (None, false) => FileAnswer::Failed("no".to_owned()),
            };
            host.file(&id, answer);
        }
    }
}

/// The order of members says nothing.
fn sorted(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().expect("an object").iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// As the recording's host had set up its agent.
fn options(recording: &[Value]) -> StartOptions {
    let requests = || recording.iter().filter(|entry| entry["dir"] == "in").map(|entry| &entry["msg"]);
    let find = |method: &str| requests().find(|message| message["method"] == method);
    let server = |server: &Value| {
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let args = server["args"].as_array().into_iter().flatten().map(words);
        let env = server["env"].as_array().into_iter().flatten();
        McpServer {
            name: words(&server["name"]),
            command: std::iter::once(words(&server["command"])).chain(args).collect(),
            env: env.map(|pair| (words(&pair["name"]), words(&pair["value"]))).collect(),
            ..McpServer::default()
        }
    };
    let servers = find("session/new").and_then(|message| message["params"]["mcpServers"].as_array().cloned());
    let config = ProviderConfig {
        mcp_servers: servers.unwrap_or_default().iter().map(server).collect(),
        ..ProviderConfig::default()
    };
    let id = SessionId::parse("replay").expect("a valid id");
    let mut options = StartOptions::new(id, "x", config, "/project".into());
    let listed = recording.iter().any(|entry| entry["msg"]["result"]["sessions"].is_array());
    let taken_up = find("session/resume").or_else(|| find("session/load"));
    match taken_up.and_then(|message| message["params"]["sessionId"].as_str()) {
        Some(_) if listed => options.resume_mode = ResumeMode::Continue,
        id => options.resume_session_id = id.map(str::to_owned),
    }
    options.history_known = find("session/resume").is_some();
    options
}

/// The conversation that the recording's host prompts.
pub fn conversation(recording: &[Value]) -> Value {
    let prompt = recording.iter().map(|entry| &entry["msg"]).find(|message| message["method"] == "session/prompt");
    prompt.map_or(json!(null), |prompt| prompt["params"]["sessionId"].clone())
}
