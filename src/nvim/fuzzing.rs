//! Bytes as what the editor sends: any method with any params is done or refused with a sentence.

use std::{fs, path::PathBuf};

use rmpv::Value;

use super::decode::{self, OfSession};

pub fn requests(data: &[u8]) {
    let mut rest = data;
    while let Ok(value) = rmpv::decode::read_value(&mut rest) {
        let Ok(json) = decode::params(Some(by_scratch(value))) else { continue };
        for method in decode::ORDERS {
            if let Err(error) = decode::order(method, json.clone()) {
                assert!(error.starts_with(method) && !error.contains('\n'), "{error:?}");
            }
        }
        // Each kind of params has its own way to be read.
        let read = |error: Option<String>| assert!(error.is_none_or(|error| error.starts_with("any")));
        read(decode::read::<decode::Start>("any", json.clone()).map(|start| start.options.validate()).err());
        read(decode::read::<decode::Handshake>("any", json.clone()).err());
        read(decode::read::<OfSession>("any", json.clone()).err());
        read(decode::read::<decode::Views>("any", json.clone()).err());
        read(decode::read::<decode::Fold>("any", json.clone()).map(|fold| fold.action()).err());
        read(decode::read::<decode::At>("any", json.clone()).err());
        read(decode::read::<decode::Around>("any", json.clone()).map(|around| around.chosen("any")).err());
        read(decode::read::<decode::OfChanges>("any", json.clone()).err());
        read(decode::read::<decode::Grant>("any", json.clone()).err());
        read(decode::read::<decode::Grants>("any", json.clone()).err());
        read(decode::read::<decode::Asked>("any", json.clone()).err());
        read(decode::read::<decode::Reach>("any", json.clone()).err());
        read(decode::read::<decode::Rename>("any", json.clone()).err());
        read(decode::read::<decode::Revoke>("any", json.clone()).err());
        read(decode::read::<decode::Gather>("any", json.clone()).err());
        read(decode::read::<decode::Queued>("any", json.clone()).map(|queued| queued.want()).err());
        read(decode::read::<decode::FindFiles>("any", json.clone()).err());
        read(decode::read::<decode::Listen>("any", json.clone()).err());
        read(decode::read::<decode::Configure>("any", json.clone()).err());
        read(decode::read::<decode::Journals>("any", json.clone()).map(|journals| journals.around("any")).err());
        read(decode::read::<decode::Earlier>("any", json.clone()).map(|earlier| earlier.query()).err());
        read(
            decode::read::<decode::Preview>("any", json.clone())
                .map(|preview| preview.glance(Default::default()))
                .err(),
        );
        for method in ["worktrees", "worktree_look", "worktree_diff", "worktree_merge", "worktree_remove"] {
            let _ = decode::worktree(method, json.clone());
        }
    }
}

/// What is too long for the wire is in a file that is read and removed: never one that the bytes name.
fn by_scratch(value: Value) -> Value {
    let Value::Map(fields) = &value else { return value };
    let [(name, text)] = fields.as_slice() else { return value };
    let named = match name {
        Value::String(name) => String::from_utf8_lossy(name.as_bytes()).into_owned(),
        Value::Binary(name) => String::from_utf8_lossy(name).into_owned(),
        _ => return value,
    };
    if named != "file" {
        return value;
    }
    let path: PathBuf = std::env::temp_dir().join(format!("agor-fuzz-params-{}", std::process::id()));
    let said = match text {
        Value::String(said) => said.as_bytes().to_vec(),
        other => other.to_string().into_bytes(),
    };
    fs::write(&path, said).expect("written");
    Value::Map(vec![(name.clone(), Value::from(path.to_string_lossy().into_owned()))])
}

/// Each method's params as the plugin would send them, more or less.
pub fn seeds() -> Vec<Vec<u8>> {
    let params = [
        r#"{"session_id":"a","prompt":{"text":"hi","context":[{"path":"a.rs","first_line":1,"last_line":2,"text":"x"}],"images":[{"path":"/p.png","mime":"image/png"}]},"at":0,"entry":"m1"}"#,
        r#"{"session_id":"a","provider":"demo","cwd":"/p","environ":{"HOME":"/h"},"config":{"protocol":"acp","command":["a","b"],"env":{},"pass_env":["A*"],"mcp_servers":[{"name":"m","command":["c"],"env":{"K":"v"}}]},"resume_mode":"resume","resume_session_id":"x","max_turns":3,"extra_env":{"A":"b"},"worktree_name":"w"}"#,
        r#"{"version":"0.1.0","protocol":5,"data_dir":"/d","state_dir":"/s","log_level":"debug","trace":true}"#,
        r#"{"spinner":true,"icons":"nerd","views":[{"buf":1,"session_id":"a","width":80,"focused":true,"rev":3,"windows":[[0,40,true]]}]}"#,
        r#"{"buf":1,"session_id":"a","row":3,"action":"toggle"}"#,
        r#"{"session_id":"a","request_id":"r","option_id":"allow","message":"m","input":{"a":1}}"#,
        r#"{"session_id":"a","request_id":"r","answers":{"q":["one","two"]},"cancel":false}"#,
        r#"{"session_id":"a","request_id":"r","rule":1,"scope":"project","value":"x","option":"o","conversation":"c"}"#,
        r#"{"session_id":"a","request_id":"r","text":"t","written":true,"missing":false,"error":null,"disk":true}"#,
        r#"{"cwd":"/p","all":false,"text":"two words","after":{"updated_at":5,"id":"x"},"agents":[{"provider":"claude","config":{"protocol":"x"}}],"environ":{}}"#,
        r#"{"path":"/p","protocol":"","at":12,"text":"w","width":80,"seen":"s","message":"m","branch":true}"#,
        r#"{"directory":"/p","word":"src","recent":["a","b"],"again":true,"id":"g","context":{"word":"git","command":"git diff"}}"#,
        r#"{"log_level":"info","trace":false,"sessions":["a"],"all":true,"entry":"m","to":2,"interrupt":true,"name":"n","login":"l","command":"ls"}"#,
        r#"{"file":"{\"session_id\":\"a\",\"value\":\"x\"}"}"#,
        r#"[[],{},null,-1,1.5,"x"]"#,
    ];
    let write = |text: &&str| {
        let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &super::encode::from_json(json)).expect("a vector takes all");
        bytes
    };
    params.iter().map(write).collect()
}
