//! What an agent may have said: Markdown with code of several languages, in chunks, and edits of files. It is made of the
//! project's own texts and sources.

use agor_nvim::domain::{AgentMessage, Content, FileDiff, Hunk, ToolCall, ToolKind, ToolResult};
use serde_json::json;

const PROSE: &[&str] = &[
    include_str!("../../README.md"),
    include_str!("../../CONTRIBUTING.md"),
    include_str!("../../doc/sidecar.md"),
    include_str!("../../doc/wire.md"),
];
pub const CODE: &[(&str, &str)] = &[
    ("rust", include_str!("../../src/agent/lines.rs")),
    ("lua", include_str!("../../lua/agor/launch.lua")),
    ("python", include_str!("../../bench/probe.py")),
    ("bash", include_str!("../../scripts/get-nvim")),
    ("toml", include_str!("../../Cargo.toml")),
];
/// A model's block of text ends here and there.
const BLOCK: usize = 32 * 1024;

/// A turn of Markdown: prose and code take turns, a section at a time.
pub fn markdown(bytes: usize) -> String {
    let sections: Vec<&str> = PROSE.iter().flat_map(|text| text.split("\n\n")).collect();
    let pieces: Vec<(&str, &str)> =
        CODE.iter().flat_map(|(language, text)| text.split("\n\n").map(move |piece| (*language, piece))).collect();
    let mut out = String::with_capacity(bytes + 4096);
    for (number, section) in sections.iter().cycle().enumerate() {
        if out.len() >= bytes {
            break;
        }
        out.push_str(section);
        out.push_str("\n\n");
        if number % 3 == 0 && !section.contains("```") {
            let (language, piece) = pieces[number / 3 % pieces.len()];
            out.push_str(&format!("```{language}\n{piece}\n```\n\n"));
        }
    }
    out
}

/// That text, as the parts of messages of a model's usual length.
pub fn chunks(bytes: usize, size: usize) -> Vec<AgentMessage> {
    let text = markdown(bytes);
    let mut rest = text.as_str();
    let (mut out, mut block, mut length) = (Vec::new(), 0, 0);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(boundary(rest, size));
        out.push(message(&format!("text-{block}"), true, Content::Text { text: chunk.to_owned() }));
        length += chunk.len();
        if length >= BLOCK && chunk.ends_with('\n') {
            (block, length) = (block + 1, 0);
        }
        rest = after;
    }
    out
}

/// The end of a text's first so many bytes, or a little after it: between characters.
pub fn boundary(text: &str, bytes: usize) -> usize {
    (bytes..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Edits of files, each a call and its result.
pub fn edits(count: usize) -> Vec<AgentMessage> {
    (0..count).flat_map(edit).collect()
}

fn edit(number: usize) -> [AgentMessage; 2] {
    let id = format!("edit-{number}");
    let (_, code) = CODE[number % CODE.len()];
    let side = |sign: char, rest: char| {
        code.lines().take(60).enumerate().map(move |(at, line)| match at % 5 {
            0 => format!("{sign}{line}"),
            _ => format!("{rest}{line}"),
        })
    };
    let lines: Vec<String> = side('-', ' ').zip(side('+', ' ')).flat_map(|(old, new)| [old, new]).collect();
    let path = format!("src/file_{number}.rs");
    let call = ToolCall {
        tool_use_id: id.as_str().into(),
        name: "Edit".to_owned(),
        kind: ToolKind::Edit,
        input: json!({ "file_path": path }),
        title: format!("Edit {path}"),
        locations: Vec::new(),
    };
    let diff = vec![FileDiff { path, hunks: vec![Hunk { old_start: 1, new_start: 1, lines }] }];
    let result = ToolResult { tool_use_id: id.as_str().into(), output: "done".to_owned(), is_error: false, diff };
    [
        message(&format!("{id}-call"), false, Content::ToolCall(call)),
        message(&format!("{id}-result"), false, Content::ToolResult(result)),
    ]
}

fn message(id: &str, part: bool, content: Content) -> AgentMessage {
    AgentMessage { id: id.into(), parent_id: None, timestamp: 1, part, content }
}

/// Bytes of text in it, also of diffs.
pub fn bytes(messages: &[AgentMessage]) -> u64 {
    let size = |message: &AgentMessage| match &message.content {
        Content::Text { text } => text.len(),
        Content::ToolResult(result) => {
            result.diff.iter().flat_map(|diff| &diff.hunks).flat_map(|hunk| &hunk.lines).map(String::len).sum()
        }
        _ => 0,
    };
    messages.iter().map(size).sum::<usize>() as u64
}
