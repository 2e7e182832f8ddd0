//! What a tool has said, from the places where agents put it: contents, the display of a terminal, `rawOutput`.

use serde_json::Value;

use super::content::text_of;
use crate::agent::json::{list, some_text, text};

/// The texts of a call's contents. `terminal` is what its terminal has shown, which stands where the content says.
pub fn of_content(content: &[Value], terminal: &str) -> String {
    let mut out = String::new();
    let mut placed = false;
    for item in content {
        match text(item, "type") {
            "content" => push(&mut out, unfenced(&text_of(item.get("content").unwrap_or(&Value::Null)))),
            "terminal" if !std::mem::replace(&mut placed, true) => push(&mut out, terminal),
            _ => {}
        }
    }
    if !placed {
        push(&mut out, terminal);
    }
    out
}

/// Whether what the terminal shows is the end of all that [`of_content`] gives: then more of the one is more of the other.
pub fn ends_with_terminal(content: &[Value]) -> bool {
    let kinds = content.iter().map(|item| text(item, "type"));
    !kinds.skip_while(|kind| *kind != "terminal").any(|kind| kind == "content")
}

fn push(out: &mut String, text: &str) {
    if !out.is_empty() && !out.ends_with('\n') && !text.is_empty() {
        out.push('\n');
    }
    out.push_str(text);
}

/// What the tool itself gave back, for agents that show nothing else.
pub fn of_raw(raw: &Value) -> String {
    match raw {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let named = ["output", "error", "stdout", "message", "text"].iter().find_map(|key| some_text(raw, key));
            if let Some(text) = named {
                return text.to_owned();
            }
            let blocks: Vec<String> = list(raw, "content").iter().map(text_of).collect();
            if !blocks.is_empty() {
                return blocks.join("\n");
            }
            // `{"exit_code": 0}` says nothing that its state does not.
            let numbers = fields.values().all(|value| value.is_number() || value.is_null() || value.is_boolean());
            if numbers { String::new() } else { raw.to_string() }
        }
        other => other.to_string(),
    }
}

/// Claude puts outputs into fences, so that they show as code.
fn unfenced(text: &str) -> &str {
    let inner = || {
        let rest = text.strip_prefix("```")?;
        let fence = &text[..text.len() - rest.trim_start_matches('`').len()];
        let (_, inner) = text.split_once('\n')?;
        let inner = inner.trim_end_matches('\n').strip_suffix(fence)?;
        // The newline before the closing fence is the fence's own.
        let inner = if inner.is_empty() { inner } else { inner.strip_suffix('\n')? };
        // Two fences with something in between are no fence around everything.
        (!inner.lines().any(|line| line.starts_with(fence))).then_some(inner)
    };
    inner().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fence_around_everything_is_not_the_tools() {
        for (text, expect) in [
            ("```console\na\nb\n```", "a\nb"),
            ("```\n1\thello\n2\t\n```", "1\thello\n2\t"),
            ("````\n```\nx\n```\n````", "```\nx\n```"),
            ("```\n```", ""),
            ("```a\nx\n```\nand\n```\ny\n```", "```a\nx\n```\nand\n```\ny\n```"),
            ("```", "```"),
            ("plain", "plain"),
            ("```\nopen", "```\nopen"),
        ] {
            assert_eq!(unfenced(text), expect);
        }
    }

    #[test]
    fn a_terminal_stands_where_the_content_says() {
        let said = json!({"type": "content", "content": {"type": "text", "text": "before"}});
        let terminal = json!({"type": "terminal", "terminalId": "t"});
        let diff = json!({"type": "diff", "path": "/a"});
        assert_eq!(of_content(&[said.clone(), terminal.clone(), diff, terminal.clone()], "tick\n"), "before\ntick\n");
        assert!(ends_with_terminal(&[]) && ends_with_terminal(&[said.clone(), terminal.clone()]));
        assert!(ends_with_terminal(std::slice::from_ref(&said)) && !ends_with_terminal(&[terminal, said.clone()]));
        assert_eq!(of_content(&[said], "tick"), "before\ntick");
        assert_eq!(of_content(&[], "tick"), "tick");
        assert_eq!(of_content(&[json!(5)], ""), "");
    }

    #[test]
    fn a_raw_output_is_text_whatever_its_shape() {
        for (raw, expect) in [
            (json!(null), ""),
            (json!("plain"), "plain"),
            (json!({"output": "a\n", "metadata": {}}), "a\n"),
            (json!({"error": "boom"}), "boom"),
            (json!({"exit_code": 1, "signal": null}), ""),
            (json!({"content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}), "x\ny"),
            (json!({"rows": [1]}), "{\"rows\":[1]}"),
            (json!([1, 2]), "[1,2]"),
        ] {
            assert_eq!(of_raw(&raw), expect);
        }
    }
}
