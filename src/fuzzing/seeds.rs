//! Inputs to begin with: the recorded exchanges of `tests/fixtures/` as targets read them, and small ones by hand.
//!
//! A recording becomes the lines that its agent printed and what its user did between them. The ids of requests are those
//! that our side would have used, as long as it asks the same things in the same order.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::conversation::Host;

fn at(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), path].iter().collect()
}

/// Files of a folder by name, those with an ending.
fn named(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(at(folder)).expect("the recordings are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has none");
    paths
}

fn recordings(folder: &str) -> Vec<Vec<Value>> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(path).expect("a recording is text");
        text.lines().map(|line| serde_json::from_str(line).expect("a recording is JSON")).collect()
    };
    named(&format!("tests/fixtures/{folder}"), ".ndjson").into_iter().map(read).collect()
}

/// Longer ones repeat themselves.
const LONGEST: usize = 24 * 1024;

/// A recording as lines of a conversation.
fn told(protocol: &str, recording: &[Value]) -> Vec<u8> {
    let mut host = Host::start(protocol);
    let mut asked: Vec<(String, Value)> = Vec::new();
    let mut taken: Vec<bool> = Vec::new();
    let mut out = String::new();
    for entry in recording {
        let message = &entry["msg"];
        if entry["dir"] == "in" {
            if let Some(wish) = wish(message) {
                host.wish(&wish);
                out += &format!("> {wish}\n");
            }
            if let Some(name) = request(message) {
                asked.push((name, id(message).clone()));
            }
            continue;
        }
        let mut message = message.clone();
        // An answer, to what we have asked by the same name.
        if let Some(name) = asked.iter().find(|(_, id)| is_answer_to(&message, id)).map(|(name, _)| name.clone()) {
            taken.resize(host.writes.len(), false);
            let ours = host.writes.iter().enumerate().find_map(|(index, write)| {
                let write: Value = serde_json::from_slice(write).ok()?;
                (!taken[index] && request(&write).as_deref() == Some(&name)).then(|| (index, id(&write).clone()))
            });
            let Some((index, ours)) = ours else { continue };
            taken[index] = true;
            asked.retain(|(_, id)| !is_answer_to(&message, id));
            set_id(&mut message, ours);
        }
        let line = message.to_string();
        if out.len() + line.len() > LONGEST {
            continue;
        }
        host.line(&line);
        out += &line;
        out.push('\n');
    }
    out.into_bytes()
}

/// What a request asks for, if it is one: the method of JSON-RPC, or what Claude Code calls it.
fn request(message: &Value) -> Option<String> {
    let method = message["method"].as_str().filter(|_| !message["id"].is_null());
    let control = message["request"]["subtype"].as_str().filter(|_| message["type"] == "control_request");
    method.or(control).map(str::to_owned)
}

fn id(message: &Value) -> &Value {
    if message["id"].is_null() { &message["request_id"] } else { &message["id"] }
}

fn is_answer_to(message: &Value, id: &Value) -> bool {
    let own = match message["type"] == "control_response" {
        true => &message["response"]["request_id"],
        false if message["method"].is_null() => &message["id"],
        false => &Value::Null,
    };
    !own.is_null() && own == id
}

fn set_id(message: &mut Value, id: Value) {
    match message["type"] == "control_response" {
        true => message["response"]["request_id"] = id,
        false => message["id"] = id,
    }
}

/// What the host of a recording wrote, as a user's wish.
fn wish(message: &Value) -> Option<String> {
    let first = |value: &Value| {
        let text = value.as_str().or_else(|| value[0]["text"].as_str()).unwrap_or("hello");
        text.lines().next().unwrap_or_default().to_owned()
    };
    let said = match message["method"].as_str().or_else(|| message["request"]["subtype"].as_str()) {
        Some("session/prompt") => format!("say {}", first(&message["params"]["prompt"])),
        Some("turn/start") => format!("say {}", first(&message["params"]["input"])),
        Some("turn/interrupt" | "session/cancel" | "interrupt") => "interrupt".to_owned(),
        Some("session/set_mode") => format!("mode {}", message["params"]["modeId"].as_str()?),
        Some("set_permission_mode") => format!("mode {}", message["request"]["mode"].as_str()?),
        _ => match message["type"].as_str() {
            Some("user") => format!("say {}", first(&message["message"]["content"])),
            Some("control_response") => "answer 0".to_owned(),
            _ if message["method"].is_null() && !message["result"].is_null() => "answer 0".to_owned(),
            _ => return None,
        },
    };
    Some(said)
}

fn conversations(protocol: &str, folders: &[&str], by_hand: &[&str]) -> Vec<Vec<u8>> {
    let recorded = folders.iter().flat_map(|folder| recordings(folder));
    let told = recorded.map(|recording| told(protocol, &recording));
    told.chain(by_hand.iter().map(|text| text.as_bytes().to_vec())).collect()
}

pub fn claude() -> Vec<Vec<u8>> {
    conversations("claude", &["claude"], &["> say hi\n{\"type\":\"result\"}\n", "!toolong {\"type\":\"user\"\n"])
}

pub fn codex() -> Vec<Vec<u8>> {
    conversations("codex", &["codex-app-server"], &["> list\n> say hi\n!toolong {\"id\":1\n"])
}

pub fn acp() -> Vec<Vec<u8>> {
    let folders = ["acp-claude", "acp-codex", "acp-gemini", "acp-opencode"];
    conversations("acp", &folders, &["> say hi\n!toolong {\"method\":\"session/update\"\n"])
}

/// Every message that a runner may send, in conversations.
pub fn sidecar() -> Vec<Vec<u8>> {
    let begun = r#"{"type":"ready","capabilities":{"permission":true,"interrupt":true,"multiTurn":true,"steer":true,"models":[{"id":"m"}]}}"#;
    let turns = [
        vec![
            json!({"type": "init", "session_id": "s", "model": "m", "cwd": "/project", "tools": ["Bash"]}),
            json!({"type": "text", "content": "Hello ", "partial": true, "id": "a"}),
            json!({"type": "thinking", "content": "hm"}),
            json!({"type": "tool_use", "id": "t1", "name": "Edit", "input": {"file_path": "/project/a", "old_string": "a\n", "new_string": "b\n"}}),
            json!({"type": "permission_request", "request_id": "r1", "tool": "Bash", "input": {"command": "ls"}, "options": [{"id": "y", "name": "Yes", "kind": "allow_once"}]}),
            json!({"type": "tool_result", "tool_use_id": "t1", "content": "done", "is_error": false}),
            json!({"type": "question_request", "request_id": "q1", "questions": [{"id": "q", "question": "Which?", "header": "H", "options": [{"label": "a"}, {"label": "b"}], "multiSelect": true}]}),
            json!({"type": "plan", "entries": [{"content": "one", "status": "pending"}]}),
            json!({"type": "status", "subtype": "x", "message": "y"}),
            json!({"type": "cost", "total_cost_usd": 0.5, "input_tokens": 3, "num_turns": 1}),
            json!({"type": "result", "subtype": "success", "total_cost_usd": 0.5}),
        ],
        vec![json!({"type": "error", "message": "gone"}), json!({"type": "pong"}), json!({"type": "offers"})],
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for turn in turns {
        let mut text = format!("{begun}\n> say hi\n");
        for message in turn {
            text += &format!("{message}\n");
            text += if message["request_id"].is_null() { "" } else { "> answer 0\n" };
        }
        seeds.push(text.into_bytes());
    }
    // Recorded runners speak it too, in all they have.
    seeds.extend(
        recordings("ollama").iter().map(|recording| told("sidecar", recording)).filter(|seed| !seed.is_empty()),
    );
    seeds
}

pub fn lines() -> Vec<Vec<u8>> {
    let by_hand: [&[u8]; 6] = [
        b"one\ntwo\r\n\nthree",
        b"\xff\xfe\n\xe2\x82\n\x80c\r",
        "\u{e4}\u{20ac}\u{1f600}\n".as_bytes(),
        b"12345678901234567890123456789012345678901234567890\r\n1234\r5\n",
        b"\r\r\n\r",
        b"1234\n12345\n123456\n",
    ];
    by_hand.map(<[u8]>::to_vec).into()
}

pub fn jsonrpc() -> Vec<Vec<u8>> {
    [
        "{\"id\":0,\"result\":{}}\n{\"id\":0,\"result\":{}}\n{\"id\":3,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ask\",\"params\":{}}\n{\"id\":\"x\",\"method\":\"ask\"}",
        "{\"method\":\"note\",\"params\":[1]}\n{\"method\":7,\"id\":1}\n{\"error\":{}}\n[1]\nnull\n{\"id\":-1}",
        "{\"id\":1,\"method\":\"a\",\"params\":{\n{\"id\":2,\"result\":\"cut",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn keeper() -> Vec<Vec<u8>> {
    [
        "/tmp\0int:500,wait:20,term:0\x002\0ssh\0host\0kill\n\0A\0b\0",
        "/\0\x000\0\0",
        "int\nterm\nkill\nstarted 7\nnot-started no\ncode 3\nsignal 9",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn redact() -> Vec<Vec<u8>> {
    [
        "hush-hush-hush\n{\"apiKey\":\"x\",\"env\":{\"A\":\"b\"},\"t\":\"hush-hush-hush\"}",
        "0123456789abcdef\nexport API_KEY='hush' token=x Authorization: Bearer abcdefgh\n--api-key x",
        "pa\"ss\\word\nsaid pa\"ss\\word",
        "geheim\u{e4}\u{1f600}\n\"password\": \"geheim",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn markdown() -> Vec<Vec<u8>> {
    let pages = ["README.md", "CONTRIBUTING.md", "doc/wire.md", "doc/sidecar.md"];
    let pages = pages.iter().filter_map(|page| fs::read_to_string(at(page)).ok());
    let pieces = pages.flat_map(|page| {
        let pieces: Vec<Vec<u8>> = page.as_bytes().chunks(1500).take(8).map(<[u8]>::to_vec).collect();
        pieces
    });
    let by_hand = super::texts::MARKDOWN.iter().map(|word| format!("text {word}more\n{word}x").into_bytes());
    pieces.chain(by_hand).collect()
}

pub fn code() -> Vec<Vec<u8>> {
    [
        "rust\nfn main() {\n    println!(\"hi {}\", 1); // x\n-    let a = 'b';\n+    let a = r#\"x\n }\"#;\n",
        ":a.py\nclass A:\n    \"\"\"doc\n    \"\"\"\n    def f(self): return f\"{1}\"\n",
        "console\n$ cargo test \\\n  --lib\nout\n\u{276f} ls\n",
        "json\n{\"a\": [1, null, \"\\u0000\"]}\n",
        "lua\nlocal a = [[\n]] -- x\n--[==[ y\n",
        "sh\ncat <<EOF | sed 's/a/b/'\n$(x)\nEOF\n",
        ":x.md\n# a\n```c\nint main;\n```\n",
        ":run\n#!/usr/bin/env python3\nprint(1)\n",
        "diff\n@@ -1 +1 @@\n-a\n+b\n",
        "html\n<a href='x'>\u{e4}</a><script>let x = 1</script>\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn diff() -> Vec<Vec<u8>> {
    [
        "a\nb\nc\n\0a\nB\nc\nd",
        "\0new\n",
        "old\n\0",
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n\x001\n2\n3\n4\n5\nsix\n7\n8\n9\n10\n11\n12\n13\n",
        "a\r\nb\r\n\0a\nb\r\n",
        "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n a\n-b\n+c\n\\ No newline at end of file\n@@ -9 +9,0 @@\n-z\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// Steps are bytes: any make some.
pub fn view() -> Vec<Vec<u8>> {
    let mut chance = super::input::Chance::of(b"view");
    let text = "a `b` **c**\n\n```rust\nfn x() {}\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n- item\n";
    let seed = |length: usize| -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            match chance.below(6) {
                0 => {
                    let end = chance.below(text.len());
                    bytes.push(end as u8);
                    bytes.extend_from_slice(&text.as_bytes()[..end]);
                }
                _ => bytes.push(chance.below(256) as u8),
            }
        }
        bytes
    };
    (0..40).map(|number| 20 + number * 25).map(seed).collect()
}

pub fn journal() -> Vec<Vec<u8>> {
    let header = json!({"agor": 1, "session_id": "s", "provider": "demo", "cwd": "/p", "started_at": 7});
    let message = |id: &str, part: bool, kind: &str, content: Value| {
        let mut message = json!({"id": id, "timestamp": 1, "type": kind, "content": content});
        if part {
            message["part"] = json!(true);
        }
        message.to_string()
    };
    let call =
        json!({"tool_use_id": "t", "name": "Bash", "kind": "execute", "title": "ls", "input": {"command": "ls"}});
    let hunk = json!({"old_start": 1, "new_start": 1, "lines": ["-a", "+b"]});
    let result =
        json!({"tool_use_id": "t", "output": "text\n", "is_error": true, "diff": [{"path": "/p/a", "hunks": [hunk]}]});
    let lines = [
        header.to_string(),
        message("p", false, "prompt", json!({"text": "do\nit", "context": [{"path": "a", "text": "x"}]})),
        "{\"standing\":{\"title\":\"T\",\"model\":\"m\",\"unfinished\":true}}".to_owned(),
        message("a", true, "text", json!({"text": "half of the text"})),
        message("a", false, "text", json!({"text": "half of the text and the rest"})),
        message("b", true, "thinking", json!({"text": "hm"})),
        message("c", false, "tool_call", call),
        message("d", false, "tool_result", result),
        "{\"queue\":{\"add\":{\"id\":\"q\",\"at\":0,\"prompt\":{\"text\":\"later\"}}}}".to_owned(),
        message("e", false, "cost", json!({"total_cost_usd": 1.5, "input_tokens": 3, "turn_cost_usd": 0.5})),
        message("f", false, "unknown", json!([1, null])),
        message("g", false, "permission", json!({"request_id": "r", "options": [], "outcome": "Allow"})),
    ];
    let whole = lines.join("\n") + "\n";
    let newer = whole.replacen("\"agor\":1", "\"agor\":2", 1);
    let torn = whole[..whole.len() - 9].to_owned();
    [whole, newer, torn, lines[1..5].join("\n"), String::new()].map(String::into_bytes).into()
}

/// As Claude Code and Codex keep them: what they print, in the shape that they write.
pub fn kept() -> Vec<Vec<u8>> {
    let of_claude = [
        json!({"type": "user", "uuid": "u1", "parentUuid": null, "sessionId": "s", "cwd": "/p", "timestamp": "2026-11-25T19:47:20.512Z", "message": {"role": "user", "content": "Explain the text"}}),
        json!({"type": "assistant", "uuid": "u3", "parentUuid": "u2", "timestamp": "2026-11-25T19:47:22.512Z", "message": {"id": "m", "role": "assistant", "model": "opus", "content": [{"type": "text", "text": "It says"}, {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}]}}),
        json!({"type": "assistant", "uuid": "u2", "parentUuid": "u1", "message": {"id": "m0", "content": [{"type": "thinking", "thinking": "hm"}]}}),
        json!({"type": "user", "uuid": "u4", "parentUuid": "u3", "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "out", "is_error": false}]}, "toolUseResult": {"stdout": "out", "structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": ["-a", "+b"]}]}}),
        json!({"type": "user", "message": {"content": "<command-name>/compact</command-name><command-args>now</command-args>"}}),
        json!({"type": "system", "subtype": "compact_boundary", "compactMetadata": {"trigger": "manual", "preTokens": 5}}),
        json!({"type": "custom-title", "customTitle": "Mine"}),
        json!({"type": "summary", "summary": "Old"}),
    ];
    let of_codex = [
        json!({"timestamp": "2026-11-25T19:47:20.512Z", "type": "session_meta", "payload": {"id": "x", "cwd": "/p", "source": "cli"}}),
        json!({"type": "event_msg", "payload": {"type": "user_message", "message": "Explain the text"}}),
        json!({"type": "response_item", "payload": {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}}),
        json!({"type": "response_item", "payload": {"type": "function_call", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "call_id": "c"}}),
        json!({"type": "response_item", "payload": {"type": "function_call_output", "call_id": "c", "output": "out"}}),
        json!({"type": "response_item", "payload": {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It says"}]}}),
        json!({"type": "event_msg", "payload": {"type": "agent_message", "message": "It says"}}),
        json!({"type": "response_item", "payload": {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch", "call_id": "d"}}),
    ];
    let told = |lines: &[Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    vec![told(&of_claude), told(&of_codex), told(&of_claude[1..4]), told(&of_codex[3..])]
}

pub fn files() -> Vec<Vec<u8>> {
    [
        "{\"agor\":1,\"project\":\"/p\"}\n{\"grant\":{\"id\":\"g\",\"rule\":{\"kind\":\"tool\",\"tool\":\"t\"},\"at\":1}}\n{\"grant\":{\"id\":\"h\",\"rule\":{\"kind\":\"commands\",\"patterns\":[{\"words\":[\"ls\"],\"open\":true}]},\"at\":1}}\n{\"revoke\":\"g\"}",
        "{\"agor\":1,\"project\":\"/p\"}\n{\"grant\":{\"id\":\"g\",\"rule\":{\"kind\":\"below\",\"directory\":\"/p\",\"change\":true},\"at\":1}}",
        "{\"agor\":2,\"project\":\"/p\"}\n",
        "{\"begin\":{\"trees\":[{\"top\":\"/p\",\"tree\":\"1a\"}]}}\n{\"first\":{\"path\":\"/p/a\",\"before\":\"absent\"}}\n{\"end\":{\"touched\":[],\"more\":3,\"stat\":{\"files\":1,\"added\":2,\"removed\":3}}}",
        "{\"add\":{\"id\":\"a\",\"at\":0,\"prompt\":{\"text\":\"x\"}}}\n{\"add\":{\"id\":\"b\",\"at\":9,\"prompt\":{\"text\":\"y\"}}}\n{\"move\":{\"id\":\"a\",\"to\":1}}\n{\"edit\":{\"id\":\"b\",\"prompt\":{\"text\":\"z\"}}}\n{\"drop\":{\"id\":\"a\"}}",
        "{\"ask\":\"rows\"}",
        "{\"ask\":\"release\",\"session_id\":\"s\"}",
        "{\"pid\":1,\"rows\":[{\"session_id\":\"s\",\"provider\":\"p\"}],\"error\":\"no\"}",
        ":100644 000000 1a2b 3c4d M\0:0 0 0 0 A\x001a2b blob 3\nabc\n3c4d missing\n",
        "a\n..\n.a\na/b\nclaude-1\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn rules() -> Vec<Vec<u8>> {
    [
        "cargo test --lib\ncargo test && cargo test -q",
        "git status\ngit status | git log",
        "bash -lc 'git status && ls src'\nls src; git status",
        "cd /project/src && npm run test\ncd /project && npm run test",
        "ls 'a b' \"c\\\"d\" e\\ f *.rs\nls x 2>&1 >/dev/null",
        "make\nmake -j2; make",
        "rg \"fn main\" src\nrg x | head -5",
        "echo hi\necho $HOME",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
