//! Codex's own conversations in a directory, whoever held them.

use serde_json::{Value, json};

use crate::{
    agent::{
        json::{list as entries, one_line, some_text, text},
        jsonrpc::Failure,
    },
    domain::Conversation,
};

/// As many as a picker shows.
const MOST: u64 = 100;
/// Of a title.
const TITLE_LIMIT: usize = 120;

pub fn list(cwd: &str) -> Value {
    json!({"cwd": cwd, "limit": MOST, "sortKey": "updated_at", "modelProviders": []})
}

pub fn newest(cwd: &str) -> Value {
    json!({"cwd": cwd, "limit": 1, "sortKey": "updated_at"})
}

/// The answer to either, or a sentence.
pub fn read(result: Result<Value, Failure>) -> Result<Vec<Conversation>, String> {
    let result = result.map_err(|failure| format!("Codex does not list its conversations: {}", failure.message))?;
    let conversation = |thread: &Value| {
        let id = some_text(thread, "id")?.to_owned();
        let title = some_text(thread, "name").unwrap_or_else(|| text(thread, "preview"));
        // In seconds.
        let updated_at = thread["updatedAt"].as_i64().unwrap_or(0).saturating_mul(1000);
        Some(Conversation { id, title: one_line(title, TITLE_LIMIT), cwd: text(thread, "cwd").to_owned(), updated_at })
    };
    Ok(entries(&result, "data").iter().filter_map(conversation).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_known_by_its_name_or_first_words() {
        let found = read(Ok(json!({"data": [
            {"id": "a", "name": "Named", "preview": "first", "cwd": "/p", "updatedAt": 5},
            {"id": "b", "name": null, "preview": "first\nsecond"}, {"name": "no id"}, 7]})));
        let expect = [("a", "Named", "/p", 5000), ("b", "first…", "", 0)].map(|(id, title, cwd, updated_at)| {
            Conversation { id: id.to_owned(), title: title.to_owned(), cwd: cwd.to_owned(), updated_at }
        });
        assert_eq!(found, Ok(expect.to_vec()));
        assert_eq!(read(Ok(Value::Null)), Ok(Vec::new()));
        let refused = read(Err(Failure::new(-32600, "no")));
        assert_eq!(refused, Err("Codex does not list its conversations: no".to_owned()));
    }
}
