//! What of a message can be searched for: whatever its words are, and none of what is said about them.

use serde_json::Value;

use crate::domain::{Content, FileDiff};

pub fn texts(content: &Content) -> Vec<String> {
    match content {
        Content::Text { text } | Content::Thinking { text } => vec![text.clone()],
        Content::Prompt(prompt) => {
            let context = prompt.context.iter().flat_map(|piece| [piece.label(), piece.text.clone()]);
            let images = prompt.images.iter().map(|image| image.path.clone());
            std::iter::once(prompt.text.clone()).chain(context).chain(images).collect()
        }
        Content::ToolCall(call) => {
            let mut texts = vec![call.title.clone(), call.name.clone()];
            leaves(&call.input, &mut texts);
            texts
        }
        Content::ToolResult(result) => {
            std::iter::once(result.output.clone()).chain(result.diff.iter().map(changed)).collect()
        }
        Content::Question { questions, outcome, .. } => {
            let asked = questions.iter().map(|question| question.text.clone());
            asked.chain(outcome.clone()).collect()
        }
        Content::Plan(plan) => plan.entries.iter().map(|entry| entry.text.clone()).collect(),
        Content::Status { message, .. } | Content::Error { message } => vec![message.clone()],
        Content::Init(_)
        | Content::Permission { .. }
        | Content::Compaction(_)
        | Content::Cost(_)
        | Content::Unknown(_) => Vec::new(),
    }
}

fn changed(file: &FileDiff) -> String {
    let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| line.trim_end_matches('\n'));
    std::iter::once(file.path.as_str()).chain(lines).collect::<Vec<_>>().join("\n")
}

fn leaves(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(message: Value, expect: &[&str]) {
        let content: Content = serde_json::from_value(message).expect("content");
        assert_eq!(texts(&content), expect);
    }

    #[test]
    fn words_are_found_and_names_of_fields_are_not() {
        check(json!({"type": "text", "content": {"text": "hi"}}), &["hi"]);
        check(
            json!({"type": "prompt", "content": {"text": "go", "context": [{"path": "a.rs", "first_line": 2, "last_line": 2, "text": "let"}]}}),
            &["go", "a.rs:2", "let"],
        );
        let call = json!({"tool_use_id": "t", "name": "Bash", "kind": "execute", "title": "ls", "input": {"a": ["b", {"c": "d"}], "e": 1}});
        check(json!({"type": "tool_call", "content": call}), &["ls", "Bash", "b", "d"]);
        check(json!({"type": "tool_result", "content": {"tool_use_id": "t", "output": "out"}}), &["out"]);
        check(json!({"type": "cost", "content": {"result": "x"}}), &[]);
    }
}
