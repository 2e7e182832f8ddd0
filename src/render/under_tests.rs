//! What keys find at a row: code, files, the whole of things.

use serde_json::{Value, json};

use super::*;
use crate::domain::{AgentMessage, Content, Context, Hunk, Location, Prompt, ToolCall, ToolKind, ToolResult};

#[track_caller]
fn code(text: &str, at: &str, expect: Option<(&str, &str)>) {
    let offset = text.find(at).expect("it is there");
    // The row begins where its line does.
    let row = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let found = code_block(text, row);
    assert_eq!(found.as_ref().map(|(code, language)| (code.as_str(), *language)), expect, "at {at:?} in {text:?}");
}

#[test]
fn the_code_of_a_block_is_the_agent_s_own() {
    let text = "One\n\n```rust,ignore\nfn main() {\r\n\tä();\n\n}\n```\ntwo\n";
    let block = Some(("fn main() {\r\n\tä();\n\n}\n", "rust"));
    for at in ["```rust", "fn main", "ä()", "}\n", "```\ntwo"] {
        code(text, at, block);
    }
    code(text, "One", None);
    code(text, "two", None);
    code("~~~~\n```\n~~~~", "```", Some(("```\n", "")));
    code("    a\n    b\n\nc", "b", Some(("a\nb\n", "")));
    // One that is still being written, and one with nothing in it.
    code("```sh\nls", "ls", Some(("ls", "sh")));
    code("```sh\n```\n", "```", Some(("", "sh")));
}

#[test]
fn what_a_list_or_a_quote_puts_before_code_is_no_code() {
    let list = "1. x\n\n   ```py\n   def f():\n       pass\n   ```\n2. y";
    code(list, "pass", Some(("def f():\n    pass\n", "py")));
    code(list, "```py", Some(("def f():\n    pass\n", "py")));
    code(list, "2. y", None);
    code("> ```\n> a\n>  b\n> ```\n", "a\n", Some(("a\n b\n", "")));
}

/// A path and a line.
type To = (String, Option<u64>);

#[derive(Default)]
struct Talk(Transcript);

impl Talk {
    fn say(&mut self, id: &str, content: Content) {
        self.0.fold(AgentMessage { id: id.into(), parent_id: None, timestamp: 0, part: false, content });
    }

    fn call(&mut self, id: &str, title: &str, input: Value, locations: Vec<Location>) {
        self.say(
            id,
            Content::ToolCall(ToolCall {
                tool_use_id: id.into(),
                name: "Tool".into(),
                kind: ToolKind::Edit,
                input,
                title: title.into(),
                locations,
            }),
        );
    }

    fn result(&mut self, id: &str, output: &str, diff: Vec<FileDiff>) {
        let result = ToolResult { tool_use_id: id.into(), output: output.into(), is_error: false, diff };
        self.say(&format!("{id}:result"), Content::ToolResult(result));
    }

    fn at(&self, index: usize, row: usize, expanded: bool) -> (Option<To>, Option<(String, String)>) {
        let spot = Spot { index, expanded, row, start: 0 };
        let place = place(&self.0, &spot, Scene::default()).map(|place| (place.path, place.line));
        (place, take(&self.0, &spot, Scene::default(), "/p").map(|taken| (taken.text, taken.what)))
    }

    fn whole(&self, index: usize) -> (String, Vec<String>) {
        let spot = Spot { index, expanded: false, row: 0, start: 0 };
        let detail = detail(&self.0, &spot, Scene::default()).expect("something to see");
        (detail.title, detail.lines.into_iter().map(|line| line.text).collect())
    }
}

fn file(path: &str, hunks: &[(u64, u64, &[&str])]) -> FileDiff {
    let hunks = hunks.iter().map(|(old_start, new_start, lines)| Hunk {
        old_start: *old_start,
        new_start: *new_start,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    });
    FileDiff { path: path.into(), hunks: hunks.collect() }
}

fn place_of(path: &str, line: Option<u64>) -> Option<To> {
    Some((path.into(), line))
}

#[test]
fn each_line_of_a_diff_leads_to_its_line_in_the_file() {
    let mut talk = Talk::default();
    talk.call("t", "two files", Value::Null, Vec::new());
    let first = file("a.rs", &[(9, 9, &[" x", "-y", "+z", " w"]), (40, 40, &["-end"])]);
    talk.result("t", "done", vec![first, file("b.rs → c.rs", &[(0, 0, &["-1", "+2"])])]);
    let places: Vec<_> = (0..11).map(|row| talk.at(0, row, false).0).collect();
    assert_eq!(
        places,
        [
            // The head and the file's name: to the first change.
            place_of("a.rs", Some(10)),
            place_of("a.rs", Some(10)),
            place_of("a.rs", Some(9)),
            // What was removed stood where this line stands now.
            place_of("a.rs", Some(10)),
            place_of("a.rs", Some(10)),
            place_of("a.rs", Some(11)),
            None,
            place_of("a.rs", Some(40)),
            place_of("c.rs", None),
            place_of("c.rs", None),
            place_of("c.rs", None),
        ]
    );
    let (_, taken) = talk.at(0, 4, false);
    let patch = "--- a/a.rs\n+++ b/a.rs\n@@ -9,3 +9,3 @@\n x\n-y\n+z\n w\n@@ -40,1 +40,0 @@\n-end\n\
                 --- a/b.rs\n+++ b/c.rs\n@@ -0,1 +0,1 @@\n-1\n+2\n";
    assert_eq!(taken, Some((patch.into(), "14 lines of the diff".into())));
}

#[test]
fn a_patch_names_files_as_the_session_s_directory_does() {
    for (path, name) in [("/p/src/a.rs", "src/a.rs"), ("/pother/a.rs", "pother/a.rs"), ("a.rs", "a.rs")] {
        let mut talk = Talk::default();
        talk.call("t", "a.rs", Value::Null, Vec::new());
        talk.result("t", "done", vec![file(path, &[(1, 1, &["-y", "+z"])])]);
        let patch = format!("--- a/{name}\n+++ b/{name}\n@@ -1,1 +1,1 @@\n-y\n+z\n");
        assert_eq!(talk.at(0, 1, false).1.map(|(text, _)| text), Some(patch));
    }
}

#[test]
fn a_call_leads_to_where_it_looks_and_gives_what_it_said() {
    let mut talk = Talk::default();
    let location = Location { path: "/p/a.rs".into(), line: Some(7) };
    talk.call("t", "a.rs", json!({"path": "/p/a.rs", "text": "one\ntwo", "limit": 3}), vec![location]);
    let (place, taken) = talk.at(0, 0, false);
    assert_eq!(place, place_of("/p/a.rs", Some(7)));
    assert_eq!(taken, Some(("a.rs".into(), "1 line of the call".into())));
    talk.result("t", "\u{1b}[1mout\u{1b}[0m\nput\n", Vec::new());
    let (place, taken) = talk.at(0, 1, false);
    assert_eq!(place, None);
    // As it came: what is shown has no colours, what is taken has.
    assert_eq!(taken, Some(("\u{1b}[1mout\u{1b}[0m\nput\n".into(), "2 lines of output".into())));
    let (title, lines) = talk.whole(0);
    assert_eq!(title, "Tool");
    assert_eq!(lines, ["a.rs", "path: /p/a.rs", "limit: 3", "", "text", "one", "two", "", "output", "out", "put"]);
    // A command's title is its first line.
    talk.call("u", "set -e…", json!({"command": "set -e\nmake"}), Vec::new());
    assert_eq!(talk.whole(1).1, ["command", "set -e", "make"]);
}

#[test]
fn a_prompt_has_its_files() {
    let mut talk = Talk::default();
    let piece =
        Context { path: "src/a.rs".into(), first_line: 5, last_line: 6, text: "x\ny\n".into(), ..Context::default() };
    let output = Context { command: "make".into(), text: "ok\n".into(), ..Context::default() };
    let context = vec![piece, output];
    talk.say("p", Content::Prompt(Prompt { context, ..Prompt::new("look\nhere") }));
    assert_eq!(talk.at(0, 0, false), (None, Some(("look\nhere".into(), "2 lines of the prompt".into()))));
    let piece = Some(("x\ny\n".to_owned(), "2 lines of src/a.rs:5-6".to_owned()));
    assert_eq!(talk.at(0, 2, false), (place_of("src/a.rs", Some(5)), piece.clone()));
    assert_eq!(talk.at(0, 4, true), (place_of("src/a.rs", Some(6)), piece));
    assert_eq!(talk.at(0, 3, false).0, None, "a command's output is no file");
    assert_eq!(talk.whole(0).1, ["look", "here", "", "src/a.rs:5-6", "x", "y", "", "! make", "ok"]);
}

#[test]
fn rows_are_found_in_a_text_that_is_cut_softly_or_begins_further_down() {
    let mut talk = Talk::default();
    let long = "x".repeat(5000);
    let text = format!("{long}\n```sh\nls\n```\nend");
    talk.say("m", Content::Text { text: text.clone() });
    let code = Some(("ls\n".to_owned(), "1 line of sh".to_owned()));
    let whole = Some((text, "5 lines of the message".to_owned()));
    for (row, expect) in [(0, &whole), (2, &whole), (3, &code), (4, &code), (5, &code), (6, &whole)] {
        assert_eq!(talk.at(0, row, false).1, *expect, "row {row}");
    }
    let below = Spot { index: 0, expanded: false, row: 1, start: long.len() + 1 };
    let taken = take(&talk.0, &below, Scene::default(), "").map(|taken| taken.text);
    assert_eq!(taken.as_deref(), Some("ls\n"));
}

#[test]
fn everything_that_is_shown_can_be_seen_whole() {
    let mut talk = Talk::default();
    talk.say("u", Content::Unknown(json!({"type": "new", "a": [1]})));
    talk.say("s", Content::Status { subtype: "x".into(), message: "1\n2\n3\n4\n5".into() });
    talk.say("m", Content::Text { text: "# Head\n".into() });
    assert_eq!(talk.whole(0).1, ["{", "  \"type\": \"new\",", "  \"a\": [", "    1", "  ]", "}"]);
    assert_eq!(talk.whole(1).1.len(), 5);
    assert_eq!(talk.whole(2), ("Message".into(), vec!["# Head".into()]));
    assert_eq!(talk.at(2, 0, false).1, Some(("# Head\n".into(), "1 line of the message".into())));
}
