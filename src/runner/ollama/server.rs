//! Ollama's own API, as far as it is used: the models, what each can do, and an answer as it streams.
//!
//! After the server's source, 0.33.0 (`api/types.go`, `server/routes.go`). Fields that older servers lack read as absent.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};

use super::{
    address::Address,
    failure::{self, Failure},
    http::{Client, HttpError, Reply},
};
use crate::agent::{
    awake,
    lines::{Frame, Lines},
};

/// A line of an answer in bytes: arguments of a tool can be whole files, and it is passed on as one line.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// For everything that needs no model: it is answered at once, or something is wrong.
const REPLY_LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Server {
    client: Client,
}

/// A model of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    /// `None` if the server does not say here.
    pub(super) completion: Option<bool>,
    /// It runs at ollama.com.
    pub(super) cloud: bool,
    /// For people: `8.0B Q4_K_M, 5.2 GB, tools, thinking`.
    pub(super) description: String,
}

/// What is known of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// `None` if the server does not say.
    pub(super) capabilities: Option<Vec<String>>,
    /// The longest context that it can have, in tokens.
    pub(super) context: Option<u64>,
    /// Its Modelfile's `num_ctx`.
    pub(super) num_ctx: Option<u64>,
    pub(super) cloud: bool,
}

impl Server {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) fn address(&self) -> &Address {
        self.client.address()
    }

    /// The newest first, as the server sorts them.
    pub(super) async fn models(&mut self) -> Result<Vec<Listed>, Failure> {
        let value = self.json("/api/tags", None, "").await?;
        let Some(models) = value["models"].as_array() else {
            return Err(failure::nonsense(self.address(), &value.to_string()));
        };
        Ok(models.iter().filter_map(listed).collect())
    }

    pub(super) async fn show(&mut self, model: &str) -> Result<Shown, Failure> {
        let value = self.json("/api/show", Some(&json!({"model": model})), model).await?;
        Ok(shown(&value))
    }

    /// The context that a model is loaded with now, if it is; `Err` if the server does not say.
    pub(super) async fn loaded(&mut self, model: &str) -> Result<Option<u64>, Failure> {
        let value = self.json("/api/ps", None, model).await?;
        let name = |entry: &Value| entry["name"].as_str().is_some_and(|name| same_model(name, model));
        let entry = value["models"].as_array().into_iter().flatten().find(|entry| name(entry));
        // 0 if it is loaded and an older server does not say with what.
        Ok(entry.map(|entry| entry["context_length"].as_u64().unwrap_or(0)))
    }

    /// An answer begins when this returns: with a model that is not loaded yet, minutes later.
    pub(super) async fn chat(&mut self, request: &Value, model: &str) -> Result<Answer, Failure> {
        let reply = self.send("/api/chat", Some(request)).await?;
        if reply.status != 200 {
            return Err(self.refusal(reply, model).await);
        }
        if reply.content_type.starts_with("text/html") {
            let body = reply.whole().await.unwrap_or_default();
            return Err(failure::nonsense(self.address(), &String::from_utf8_lossy(&body)));
        }
        Ok(Answer {
            reply,
            lines: Lines::new(MAX_LINE),
            frames: VecDeque::new(),
            ended: false,
            model: model.to_owned(),
            address: self.address().clone(),
        })
    }

    async fn send(&mut self, path: &str, body: Option<&Value>) -> Result<Reply, Failure> {
        let sent = self.client.send(path, body.map(|body| body.to_string().into_bytes())).await;
        sent.map_err(|error| failure::of_http(error, self.client.address()))
    }

    async fn refusal(&self, reply: Reply, model: &str) -> Failure {
        let (status, location) = (reply.status, reply.location.clone());
        let body = reply.whole().await.unwrap_or_default();
        failure::of_status(status, &location, &body, model, self.address())
    }

    async fn json(&mut self, path: &str, body: Option<&Value>, model: &str) -> Result<Value, Failure> {
        let done = awake::timeout(REPLY_LIMIT, self.json_without_limit(path, body, model)).await;
        done.unwrap_or_else(|| Err(failure::silent(self.address(), REPLY_LIMIT)))
    }

    async fn json_without_limit(&mut self, path: &str, body: Option<&Value>, model: &str) -> Result<Value, Failure> {
        let reply = self.send(path, body).await?;
        if reply.status != 200 {
            return Err(self.refusal(reply, model).await);
        }
        let body = reply.whole().await.map_err(|error| failure::of_http(error, self.client.address()))?;
        match serde_json::from_slice(&body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(failure::nonsense(self.address(), &String::from_utf8_lossy(&body))),
        }
    }
}

/// An answer as it streams; dropped, it is cancelled.
pub(super) struct Answer {
    reply: Reply,
    lines: Lines,
    frames: VecDeque<Frame>,
    ended: bool,
    model: String,
    address: Address,
}

impl Answer {
    /// The next object. After the one with `done` nothing more is to be asked for: a stream that ends before it was cut.
    pub(super) async fn next(&mut self) -> Result<Value, Failure> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return object(frame, &self.model, &self.address);
            }
            if self.ended {
                return Err(failure::cut(&self.address, None));
            }
            match self.reply.more().await {
                Ok(Some(bytes)) => self.frames.extend(self.lines.push(&bytes)),
                Ok(None) => {
                    self.ended = true;
                    self.frames.extend(self.lines.finish());
                }
                Err(error) => {
                    let (HttpError::Connect(reason) | HttpError::Broken(reason)) = error;
                    return Err(failure::cut(&self.address, Some(&reason)));
                }
            }
        }
    }

    /// Objects are there without a wait.
    pub(super) fn has_more(&self) -> bool {
        !self.frames.is_empty()
    }
}

/// One line of an answer: an error first, whatever else it holds.
fn object(frame: Frame, model: &str, address: &Address) -> Result<Value, Failure> {
    let line = match frame {
        Frame::Line(line) => line,
        Frame::TooLong { bytes, .. } => return Err(failure::too_long(bytes)),
    };
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(&line) else {
        return Err(failure::nonsense(address, &line));
    };
    match &value["error"] {
        Value::Null => Ok(value),
        Value::String(error) => Err(failure::in_stream(error, model)),
        other => Err(failure::in_stream(&other.to_string(), model)),
    }
}

/// `name` and `name:latest` are one.
pub(super) fn same_model(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_ascii_lowercase();
    bare(one) == bare(other)
}

fn listed(value: &Value) -> Option<Listed> {
    let name = value["name"].as_str().or(value["model"].as_str()).filter(|name| !name.is_empty())?;
    let cloud = is_cloud(value);
    let capabilities = texts(&value["capabilities"]);
    let details = &value["details"];
    let mut words: Vec<String> = Vec::new();
    let size: Vec<&str> = ["parameter_size", "quantization_level"]
        .iter()
        .filter_map(|key| details[*key].as_str().filter(|text| !text.is_empty()))
        .collect();
    if !size.is_empty() {
        words.push(size.join(" "));
    }
    match value["size"].as_f64() {
        _ if cloud => words.push("at ollama.com".to_owned()),
        Some(bytes) if bytes >= 1e6 => words.push(format!("{:.1} GB", bytes / 1e9)),
        _ => {}
    }
    let told = ["tools", "thinking", "vision"];
    let extras = capabilities.iter().flatten().filter(|capability| told.contains(&capability.as_str()));
    words.extend(extras.cloned());
    Some(Listed {
        name: name.to_owned(),
        completion: capabilities.map(|list| list.iter().any(|capability| capability == "completion")),
        cloud,
        description: words.join(", "),
    })
}

fn shown(value: &Value) -> Shown {
    let info = &value["model_info"];
    let architecture = info["general.architecture"].as_str().unwrap_or_default();
    // Lines such as `num_ctx    8192`.
    let parameters = value["parameters"].as_str().unwrap_or_default();
    let num_ctx = parameters.lines().find_map(|line| line.trim().strip_prefix("num_ctx")?.trim().parse().ok());
    Shown {
        capabilities: texts(&value["capabilities"]),
        context: info[format!("{architecture}.context_length")]
            .as_u64()
            .or(value["details"]["context_length"].as_u64())
            .filter(|tokens| *tokens > 0),
        num_ctx,
        cloud: is_cloud(value),
    }
}

fn is_cloud(value: &Value) -> bool {
    ["remote_model", "remote_host"].iter().any(|key| value[*key].as_str().is_some_and(|text| !text.is_empty()))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bodies of a recorded exchange, request first.
    fn recorded(name: &str) -> Vec<Value> {
        let path = format!("{}/tests/fixtures/ollama/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["msg"].take()).collect()
    }

    fn read(line: &str) -> Result<Value, Failure> {
        object(Frame::Line(line.to_owned()), "m", &Address::default())
    }

    /// The clock of the test goes on as soon as nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_the_call_and_says_nothing_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: Address = listener.local_addr().expect("an address").to_string().parse().expect("an address");
        let mut server = Server::new(Client::new(address, None));
        let error = server.models().await.expect_err("nobody answers").to_string();
        assert!(error.contains("says nothing for 60 s"), "{error}");
    }

    #[test]
    fn the_list_says_what_people_choose_by() {
        let tags = recorded("tags").remove(1);
        let models: Vec<Listed> = tags["models"].as_array().expect("models").iter().filter_map(listed).collect();
        assert_eq!(models[0].description, "8.0B Q4_K_M, 5.2 GB, tools, thinking");
        let completion: Vec<_> = models.iter().map(|model| (model.name.as_str(), model.completion)).collect();
        assert_eq!(
            completion,
            [("mock-tools:latest", Some(true)), ("mock-plain:latest", Some(true)), ("mock-embed:latest", Some(false))]
        );
        let cloud = listed(&json!({"name": "big-cloud", "remote_host": "https://ollama.com", "size": 384}));
        let expect =
            Listed { name: "big-cloud".into(), completion: None, cloud: true, description: "at ollama.com".into() };
        assert_eq!(cloud, Some(expect));
        assert_eq!(listed(&json!({"name": ""})), None);
    }

    #[test]
    fn a_model_says_what_it_can_and_how_long_its_context_is() {
        let expect = Shown {
            capabilities: Some(["completion", "tools", "thinking"].map(str::to_owned).to_vec()),
            context: Some(131_072),
            num_ctx: Some(8192),
            cloud: false,
        };
        assert_eq!(shown(&recorded("show").remove(1)), expect);
        assert_eq!(shown(&json!({"model_info": 5})), Shown::default());
    }

    #[test]
    fn the_lines_of_recorded_answers_are_objects() {
        for name in ["chat-text", "chat-thinking", "chat-tools", "chat-tools-result", "chat-length", "chat-nostream"] {
            let lines = recorded(name);
            for line in &lines[1..] {
                assert_eq!(read(&line.to_string()).as_ref(), Ok(line), "{name}");
            }
            assert_eq!(lines.last().expect("a line")["done"], true, "{name}");
        }
    }

    #[test]
    fn an_error_comes_first_whatever_else_a_line_holds() {
        let error = read(r#"{"message":{"content":"x"},"error":"out of luck","done":true}"#).expect_err("an error");
        assert!(error.to_string().contains("out of luck"));
        assert!(read("<html>").expect_err("no JSON").to_string().contains("not Ollama's: <html>"));
        assert!(read("[]").is_err() && read(r#"{"error":{"code":1}}"#).is_err());
        let long = object(Frame::TooLong { bytes: 9_000_000, head: String::new() }, "m", &Address::default());
        assert!(long.expect_err("too long").to_string().contains("9000000 bytes"));
    }

    #[test]
    fn a_tag_of_latest_need_not_be_said() {
        assert!(same_model("m", "m:latest") && same_model("M:7b", "m:7b"));
        assert!(!same_model("m", "m:7b"));
    }
}
