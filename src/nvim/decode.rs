//! What the editor sends, into values of ours. Whatever it is, an error is a sentence and never a panic.

use std::{fs, path::PathBuf};

use rmpv::Value;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use crate::{
    domain::{Answer, Prompt, RequestId, SessionId, StartOptions},
    render::FoldAction,
    session::{FileReply, Order},
};

/// Lua cannot tell an empty table from an empty list: these are tables.
const TABLES: &[&str] = &["environ", "extra_env", "env", "answers"];

/// The params of a notification or request; what was too long for the wire is read from its file, which is removed.
pub fn params(value: Option<Value>) -> Result<Json, String> {
    let mut json = value.map_or(Json::Null, to_json);
    if json.as_object().is_some_and(|fields| fields.len() == 1)
        && let Some(path) = json.get("file").and_then(|path| path.as_str())
    {
        let text = fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"));
        let _ = fs::remove_file(path);
        // Buffers may hold anything: what is no UTF-8 is replaced, as in what comes over the wire itself.
        json = serde_json::from_str(&String::from_utf8_lossy(&text?))
            .map_err(|error| format!("{path} is no JSON: {error}"))?;
    }
    mend(&mut json);
    Ok(json)
}

/// Into a type of ours; the error names the method.
pub fn read<T: DeserializeOwned>(method: &str, json: Json) -> Result<T, String> {
    serde_json::from_value(json).map_err(|error| format!("{method}: {error}"))
}

fn mend(json: &mut Json) {
    if matches!(json, Json::Array(items) if items.is_empty()) || json.is_null() {
        *json = Json::Object(Map::new());
    }
    mend_fields(json);
}

fn mend_fields(json: &mut Json) {
    let Some(fields) = json.as_object_mut() else { return };
    fields.retain(|_, value| !value.is_null());
    for (name, value) in fields {
        if TABLES.contains(&name.as_str()) && matches!(value, Json::Array(items) if items.is_empty()) {
            *value = Json::Object(Map::new());
        }
        if name == "config" {
            mend_fields(value);
        }
    }
}

fn to_json(value: Value) -> Json {
    match value {
        Value::Nil | Value::Ext(..) => Json::Null,
        Value::Boolean(value) => Json::Bool(value),
        Value::Integer(value) => match (value.as_i64(), value.as_u64()) {
            (Some(value), _) => Json::from(value),
            (None, Some(value)) => Json::from(value),
            (None, None) => Json::Null,
        },
        Value::F32(value) => Json::from(f64::from(value)),
        // Lua's numbers may come as floats though they count.
        Value::F64(value) if value.fract() == 0.0 && value.abs() < 9e15 => Json::from(value as i64),
        Value::F64(value) => Json::from(value),
        Value::String(text) => Json::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Value::Binary(bytes) => Json::String(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Array(items) => Json::Array(items.into_iter().map(to_json).collect()),
        Value::Map(fields) => {
            let field = |(name, value): (Value, Value)| {
                let name = match to_json(name) {
                    Json::String(name) => name,
                    other => other.to_string(),
                };
                (name, to_json(value))
            };
            Json::Object(fields.into_iter().map(field).collect())
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Handshake {
    pub version: String,
    pub protocol: u64,
    pub data_dir: PathBuf,
    pub state_dir: PathBuf,
    #[serde(default = "info")]
    pub log_level: String,
    #[serde(default)]
    pub trace: bool,
}

fn info() -> String {
    "info".to_owned()
}

#[derive(Debug, Deserialize)]
pub struct Start {
    #[serde(flatten)]
    pub options: StartOptions,
}

#[derive(Debug, Deserialize)]
pub struct OfSession {
    pub session_id: SessionId,
    #[serde(default)]
    pub on: bool,
    #[serde(default)]
    pub since: u64,
}

/// What is asked of a session and answered by `true`. `None`: there is no such method.
pub fn order(method: &str, json: Json) -> Result<Option<(SessionId, Order)>, String> {
    let order = match method {
        "send" => read(method, json).map(|Prompting { session_id, prompt }| (session_id, Order::Send(prompt))),
        "steer" => read(method, json).map(|Prompting { session_id, prompt }| (session_id, Order::Steer(prompt))),
        "interrupt" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Interrupt)),
        "clear" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Clear)),
        "stop" => read(method, json).map(|Stopping { session_id, force }| (session_id, Order::Stop { force })),
        "answer" => {
            let answering: Answering = read(method, json)?;
            let (session_id, request_id) = (answering.session_id.clone(), answering.request_id.clone());
            Ok((session_id, Order::Answer { request_id, answer: answering.answer()? }))
        }
        "set_model" => setting(method, json, Order::SetModel),
        "set_mode" => setting(method, json, Order::SetMode),
        "set_effort" => setting(method, json, Order::SetEffort),
        "set_option" => read(method, json)
            .map(|SettingOption { session_id, option, value }| (session_id, Order::SetOption { id: option, value })),
        "login" => read(method, json).map(|LoggingIn { session_id, login }| (session_id, Order::Login(login))),
        "shell" => read(method, json).map(|Running { session_id, command }| (session_id, Order::Shell(command))),
        "file" => {
            let filing: Filing = read(method, json)?;
            let (session_id, request_id) = (filing.session_id.clone(), filing.request_id.clone());
            Ok((session_id, Order::File { request_id, reply: filing.reply()? }))
        }
        "delete_conversation" => read(method, json)
            .map(|Deleting { session_id, conversation }| (session_id, Order::DeleteConversation(conversation))),
        _ => return Ok(None),
    };
    order.map(Some)
}

fn setting(method: &str, json: Json, order: fn(String) -> Order) -> Result<(SessionId, Order), String> {
    let Setting { session_id, value } = read(method, json)?;
    match value.is_empty() {
        true => Err(format!("{method}: value is empty")),
        false => Ok((session_id, order(value))),
    }
}

#[derive(Debug, Deserialize)]
struct Prompting {
    session_id: SessionId,
    prompt: Prompt,
}

#[derive(Debug, Deserialize)]
struct Stopping {
    session_id: SessionId,
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Deserialize)]
struct Setting {
    session_id: SessionId,
    value: String,
}

#[derive(Debug, Deserialize)]
struct SettingOption {
    session_id: SessionId,
    option: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct LoggingIn {
    session_id: SessionId,
    login: String,
}

#[derive(Debug, Deserialize)]
struct Running {
    session_id: SessionId,
    command: String,
}

#[derive(Debug, Deserialize)]
struct Filing {
    session_id: SessionId,
    request_id: RequestId,
    text: Option<String>,
    #[serde(default)]
    written: bool,
    #[serde(default)]
    missing: bool,
    error: Option<String>,
    #[serde(default)]
    disk: bool,
}

impl Filing {
    fn reply(self) -> Result<FileReply, String> {
        Ok(match (self.text, self.error) {
            (_, Some(error)) => FileReply::Failed(error),
            (Some(text), None) => FileReply::Text(text),
            _ if self.disk => FileReply::Disk,
            _ if self.missing => FileReply::Missing,
            _ if self.written => FileReply::Written,
            _ => return Err("file: say text, written, missing, error or disk".to_owned()),
        })
    }
}

#[derive(Debug, Deserialize)]
struct Deleting {
    session_id: SessionId,
    conversation: String,
}

#[derive(Debug, Deserialize)]
pub struct Answering {
    pub session_id: SessionId,
    pub request_id: RequestId,
    option_id: Option<String>,
    message: Option<String>,
    input: Option<Json>,
    answers: Option<Map<String, Json>>,
    #[serde(default)]
    cancel: bool,
}

impl Answering {
    pub fn answer(self) -> Result<Answer, String> {
        if self.cancel {
            return Ok(Answer::Cancelled);
        }
        if let Some(option_id) = self.option_id {
            return Ok(Answer::Option { option_id: option_id.into(), message: self.message, input: self.input });
        }
        let answers = self.answers.ok_or("answer: give an option, answers, or cancel = true")?;
        let texts = |value: Json| match value {
            Json::String(text) => vec![text],
            Json::Array(items) => items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        Ok(Answer::Answers(answers.into_iter().map(|(id, value)| (id, texts(value))).collect()))
    }
}

#[derive(Debug, Deserialize)]
pub struct Views {
    pub views: Vec<ShownView>,
    #[serde(default)]
    pub icons: String,
    #[serde(default = "yes")]
    pub spinner: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub struct ShownView {
    pub buf: i64,
    pub session_id: SessionId,
    #[serde(default)]
    pub focused: bool,
    /// Of the text that the buffer holds; nothing that we painted if it is not positive.
    #[serde(default)]
    pub rev: i64,
}

#[derive(Debug, Deserialize)]
pub struct Fold {
    pub buf: i64,
    pub session_id: SessionId,
    pub row: usize,
    action: String,
}

impl Fold {
    pub fn action(&self) -> Result<FoldAction, String> {
        Ok(match self.action.as_str() {
            "toggle" => FoldAction::Toggle,
            "open" => FoldAction::Open,
            "close" => FoldAction::Close,
            "open_all" => FoldAction::OpenAll,
            "close_all" => FoldAction::CloseAll,
            other => return Err(format!("fold: no action '{other}'")),
        })
    }
}

#[derive(Debug, Deserialize)]
pub struct Journals {
    #[serde(default)]
    pub cwd: PathBuf,
    #[serde(default)]
    pub all: bool,
}

#[derive(Debug, Deserialize)]
pub struct Listen {
    #[serde(default)]
    pub all: bool,
    #[serde(default)]
    pub sessions: Vec<SessionId>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Configure {
    pub log_level: Option<String>,
    pub trace: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const METHODS: [&str; 14] = [
        "send",
        "steer",
        "interrupt",
        "clear",
        "stop",
        "answer",
        "set_model",
        "set_mode",
        "set_effort",
        "set_option",
        "login",
        "shell",
        "file",
        "delete_conversation",
    ];

    fn table(fields: Vec<(&str, Value)>) -> Value {
        Value::Map(fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
    }

    #[test]
    fn empty_lua_tables_are_tables_where_tables_belong() {
        let config =
            table(vec![("protocol", "demo".into()), ("env", Value::Array(vec![])), ("pass_env", Value::Array(vec![]))]);
        let params = params(Some(table(vec![
            ("session_id", "a".into()),
            ("provider", "demo".into()),
            ("cwd", "/tmp".into()),
            ("environ", Value::Array(vec![])),
            ("model", Value::Nil),
            ("max_turns", Value::F64(3.0)),
            ("config", config),
        ])));
        let start: Start = read("start", params.expect("params")).expect("options");
        assert_eq!(start.options.max_turns, Some(3));
        assert_eq!(start.options.model, None);
        assert!(start.options.config.env.is_empty());
    }

    #[test]
    fn what_is_too_long_comes_in_a_file_that_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.json");
        fs::write(&path, json!({"session_id": "a", "prompt": {"text": "ä"}}).to_string()).expect("a file");
        let file = Value::from(path.to_str().expect("text"));
        let sent = |file: &Value| {
            let params = params(Some(table(vec![("file", file.clone())]))).expect("params");
            match order("send", params).expect("send").expect("a method") {
                (_, Order::Send(prompt)) => prompt.text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(sent(&file), "ä");
        assert!(!path.exists());
        fs::write(&path, b"{\"session_id\": \"a\", \"prompt\": {\"text\": \"x\xff\xc3y\"}}").expect("a file");
        assert_eq!(sent(&file), "x\u{fffd}\u{fffd}y");
        assert!(params(Some(table(vec![("file", file)]))).expect_err("gone").contains("cannot be read"));
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_method() {
        for bad in [Value::Nil, Value::from(7), table(vec![("session_id", "a b".into())])] {
            for method in METHODS {
                let error = order(method, params(Some(bad.clone())).expect("params")).expect_err("bad");
                assert!(error.starts_with(&format!("{method}: ")), "{error}");
            }
        }
        let nothing = json!({"session_id": "a", "value": ""});
        assert_eq!(order("set_mode", nothing), Err("set_mode: value is empty".into()));
        assert_eq!(order("dance", json!({})), Ok(None));
    }

    #[test]
    fn a_file_is_answered_in_one_of_five_ways() {
        for (said, expect) in [
            (json!({"text": "", "written": false}), FileReply::Text(String::new())),
            (json!({"written": true}), FileReply::Written),
            (json!({"missing": true}), FileReply::Missing),
            (json!({"disk": true}), FileReply::Disk),
            (json!({"error": "locked", "text": "x"}), FileReply::Failed("locked".into())),
        ] {
            let mut params = json!({"session_id": "a", "request_id": "r"});
            params.as_object_mut().expect("a table").extend(said.as_object().expect("a table").clone());
            let (_, order) = order("file", params).expect("an answer").expect("a method");
            assert_eq!(order, Order::File { request_id: "r".into(), reply: expect });
        }
        let nothing = json!({"session_id": "a", "request_id": "r"});
        assert!(order("file", nothing).expect_err("nothing said").contains("say text"));
    }

    #[test]
    fn answers_may_be_one_text_or_a_list() {
        let json = json!({"session_id": "a", "request_id": "r", "answers": {"q": "x", "p": ["y", "z"]}});
        let answering: Answering = read("answer", json).expect("an answer");
        let Ok(Answer::Answers(answers)) = answering.answer() else { panic!("answers") };
        assert_eq!((answers["q"].join(","), answers["p"].join(",")), ("x".into(), "y,z".into()));
    }
}
