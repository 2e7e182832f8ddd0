//! Content blocks: a prompt as blocks, and what comes in blocks as text.

use std::path::Path;

use serde_json::{Value, json};

use super::agent::Agent;
use crate::{
    agent::json::{some_text, text},
    domain::{Context, Prompt},
};

/// The text of a block; what is no text is named.
pub fn text_of(block: &Value) -> String {
    match text(block, "type") {
        "text" => text(block, "text").to_owned(),
        kind @ ("image" | "audio") => {
            format!("[{kind} {}]", some_text(block, "mimeType").unwrap_or("of an unknown type"))
        }
        "resource_link" => {
            let uri = text(block, "uri");
            some_text(block, "name").map_or_else(|| uri.to_owned(), |name| format!("[{name}]({uri})"))
        }
        "resource" => {
            let resource = block.get("resource").unwrap_or(&Value::Null);
            some_text(resource, "text").map_or_else(|| format!("[{}]", text(resource, "uri")), str::to_owned)
        }
        _ if block.is_null() => String::new(),
        _ => block.as_str().map_or_else(|| block.to_string(), str::to_owned),
    }
}

/// The blocks of a prompt, and a sentence for each part that this agent cannot take.
///
/// Selections go in the text, exact to the byte and with their lines: an agent that is given a link reads the whole file
/// instead. A whole file that was attached goes as a resource where the agent takes one.
pub fn blocks(prompt: &Prompt, agent: &Agent, cwd: &Path) -> (Vec<Value>, Vec<String>) {
    let (mut blocks, mut sentences) = (Vec::new(), Vec::new());
    let is_file = |context: &Context| {
        let whole = context.first_line == 0 && context.command.is_empty() && !context.unsaved;
        agent.embedded && whole && !context.path.is_empty() && !context.text.is_empty()
    };
    let (files, in_text): (Vec<Context>, Vec<Context>) = prompt.context.iter().cloned().partition(is_file);
    let said = Prompt { text: prompt.text.clone(), context: in_text, ..Prompt::default() }.to_text();
    if !said.is_empty() {
        blocks.push(json!({"type": "text", "text": said}));
    }
    for file in files {
        let uri = uri(&cwd.join(&file.path));
        blocks.push(json!({"type": "resource", "resource": {"uri": uri, "text": file.text}}));
    }
    for image in &prompt.images {
        if agent.image && !image.data.is_empty() {
            blocks.push(json!({"type": "image", "mimeType": image.mime, "data": image.data}));
        } else {
            let (title, path) = (&agent.title, &image.path);
            sentences.push(format!("{title} takes no images: the prompt goes without {path}"));
        }
    }
    (blocks, sentences)
}

/// `file:///a%20b`, whatever bytes the path has.
fn uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(*byte as char),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Image;

    fn context(path: &str, lines: (u64, u64), text: &str) -> Context {
        let (first_line, last_line) = lines;
        Context { path: path.into(), first_line, last_line, text: text.into(), ..Context::default() }
    }

    #[test]
    fn a_selection_is_in_the_text_and_a_whole_file_beside_it() {
        let prompt = Prompt {
            text: "/review this".into(),
            context: vec![context("src/a b.rs", (0, 0), "fn é() {}\n"), context("c.rs", (3, 4), "\tx;\n\n")],
            images: vec![Image { path: "/i.png".into(), mime: "image/png".into(), data: "AAAA".into() }],
            ..Prompt::default()
        };
        let all = Agent { title: "X".into(), embedded: true, image: true, ..Agent::default() };
        let (got, sentences) = blocks(&prompt, &all, Path::new("/p"));
        assert_eq!(
            json!(got),
            json!([
                {"type": "text", "text": "/review this\n\nFrom `c.rs`, lines 3-4:\n```\n\tx;\n\n\n```"},
                {"type": "resource", "resource": {"uri": "file:///p/src/a%20b.rs", "text": "fn é() {}\n"}},
                {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            ])
        );
        assert!(sentences.is_empty());
        let (got, sentences) = blocks(&prompt, &Agent { title: "X".into(), ..Agent::default() }, Path::new("/p"));
        let said = got[0]["text"].as_str().expect("a text");
        assert!(got.len() == 1 && said.contains("From `src/a b.rs`:\n```\nfn é() {}\n\n```"), "{said}");
        assert_eq!(sentences, ["X takes no images: the prompt goes without /i.png"]);
    }

    #[test]
    fn a_block_of_any_kind_is_a_text() {
        for (block, expect) in [
            (json!({"type": "text", "text": "a"}), "a"),
            (json!({"type": "image", "mimeType": "image/png", "data": "…"}), "[image image/png]"),
            (json!({"type": "resource_link", "uri": "file:///a", "name": "a"}), "[a](file:///a)"),
            (json!({"type": "resource", "resource": {"uri": "file:///a", "text": "in it"}}), "in it"),
            (json!({"type": "resource", "resource": {"uri": "file:///a", "blob": "…"}}), "[file:///a]"),
            (json!({"type": "new", "a": 1}), "{\"type\":\"new\",\"a\":1}"),
            (json!("plain"), "plain"),
            (Value::Null, ""),
        ] {
            assert_eq!(text_of(&block), expect);
        }
    }
}
