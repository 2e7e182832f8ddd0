//! What the editor sends, into values of ours. Whatever it is, an error is a sentence and never a panic.

mod earlier;
mod order;
mod worktree;

use std::{collections::BTreeMap, fs, path::PathBuf};

use rmpv::Value;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

pub use earlier::{Earlier, Journals, Preview};
#[cfg(any(test, fuzzing))]
pub use order::ORDERS;
pub use order::order;
pub use worktree::worktree;

use crate::{
    domain::{Context, MessageId, RequestId, SessionId, StartOptions},
    render::FoldAction,
    session::{GrantScope, WantQueued},
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
        if let ("agents", Json::Array(agents)) = (name.as_str(), value) {
            agents.iter_mut().for_each(mend_fields);
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
                    // No field of ours. As a text it would grow with each that it lies in, twice as long by its quotes.
                    Json::Array(_) | Json::Object(_) => return None,
                    other => other.to_string(),
                };
                Some((name, to_json(value)))
            };
            Json::Object(fields.into_iter().filter_map(field).collect())
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

#[cfg(debug_assertions)]
#[derive(Debug, Deserialize)]
pub struct PanicIn {
    pub part: Part,
}

/// Where a bug is to show.
#[cfg(debug_assertions)]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Hub,
    Editor,
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
    /// Cells of text in the narrowest window.
    #[serde(default)]
    pub width: usize,
    /// The first row and the height of each window, and whether it follows the end.
    #[serde(default)]
    pub windows: Vec<(usize, usize, bool)>,
    /// Of the text that the buffer holds; nothing that we painted if it is not positive.
    #[serde(default)]
    pub rev: i64,
}

#[derive(Debug, Deserialize)]
pub struct Reach {
    pub buf: i64,
    pub session_id: SessionId,
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
pub struct At {
    pub buf: i64,
    pub session_id: SessionId,
    pub row: usize,
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    pub session_id: SessionId,
    pub request_id: RequestId,
}

#[derive(Debug, Deserialize)]
pub struct Rename {
    pub session_id: SessionId,
    #[serde(default)]
    pub name: String,
}

/// The project around a directory, or everything.
#[derive(Debug, Deserialize)]
pub struct Around {
    #[serde(default)]
    pub cwd: PathBuf,
    #[serde(default)]
    pub all: bool,
}

impl Around {
    pub fn chosen(self, method: &str) -> Result<Option<PathBuf>, String> {
        match self {
            Self { all: true, .. } => Ok(None),
            Self { cwd, .. } if cwd.is_absolute() => Ok(Some(cwd)),
            Self { cwd, .. } => Err(format!("{method}: cwd must be an absolute path, not \"{}\"", cwd.display())),
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct OfChanges {
    pub session_id: SessionId,
    #[serde(default)]
    pub turn: bool,
    #[serde(default)]
    pub environ: BTreeMap<String, String>,
    #[serde(default)]
    pub path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub struct Grant {
    pub session_id: SessionId,
    pub request_id: RequestId,
    /// From 1.
    pub rule: usize,
    pub scope: GrantScope,
    #[serde(default)]
    pub refuse: bool,
}

#[derive(Debug, Deserialize)]
pub struct Grants {
    pub cwd: PathBuf,
}

#[derive(Debug, Deserialize)]
pub struct Revoke {
    pub id: String,
    pub session_id: Option<SessionId>,
    #[serde(default)]
    pub cwd: PathBuf,
}

#[derive(Debug, Deserialize)]
pub struct Gather {
    pub session_id: SessionId,
    pub context: Context,
}

/// One of the prompts that wait.
#[derive(Debug, Deserialize)]
pub struct Queued {
    pub session_id: SessionId,
    pub entry: MessageId,
    #[serde(default)]
    action: String,
}

impl Queued {
    pub fn want(&self) -> Result<WantQueued, String> {
        Ok(match self.action.as_str() {
            "" | "look" => WantQueued::Look,
            "edit" => WantQueued::Edit,
            "drop" => WantQueued::Drop,
            other => return Err(format!("queued: no action '{other}'")),
        })
    }
}

#[derive(Debug, Deserialize)]
pub struct FindFiles {
    pub directory: PathBuf,
    #[serde(default)]
    pub word: String,
    #[serde(default)]
    pub recent: Vec<String>,
    #[serde(default)]
    pub again: bool,
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
    use crate::session::Order;
    use serde_json::json;

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
    fn tables_as_names_of_fields_are_left_out() {
        let mut nested = table(vec![("a", 1.into())]);
        for _ in 0..60 {
            nested = Value::Map(vec![(nested, 1.into()), ("b".into(), 2.into())]);
        }
        assert_eq!(params(Some(nested)), Ok(json!({"b": 2})));
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
}
