//! What a tool call changes in files: its `diff` contents as hunks.
//!
//! The protocol gives an old and a new text and does not say of what: Codex, Gemini and opencode (when it asks) give the
//! whole file, Claude and opencode (when it has edited) the piece that was replaced.

use serde_json::Value;

use crate::{
    agent::{
        adapter::diff::{Place, added, between, unified},
        json::{some_text, text},
    },
    domain::{FileDiff, Hunk, Location},
};

/// One for each file, in the order of their first change. `input` and `output` are the call's own.
pub fn of(content: &[Value], locations: &[Location], input: &Value, output: &Value) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    for item in content.iter().filter(|item| text(item, "type") == "diff") {
        let Some(path) = some_text(item, "path") else { continue };
        let before = files.iter().find(|file| file.path == path).map_or(0, |file| file.hunks.len());
        let lines = locations.iter().filter(|place| place.path == path).filter_map(|place| place.line);
        // Claude names the line of each piece, in order.
        let line = lines.skip(before).find(|line| *line > 0);
        let hunks = hunks(item, input, line);
        match files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.hunks.extend(hunks),
            None => files.push(FileDiff { path: path.to_owned(), hunks }),
        }
    }
    files.retain(|file| !file.hunks.is_empty());
    // opencode has the place beside the pieces.
    if let [file] = &mut files[..]
        && file.hunks.iter().all(|hunk| hunk.new_start == 0 && hunk.old_start == 0)
        && let Some(patch) = output.pointer("/metadata/diff").and_then(Value::as_str)
    {
        let hunks = unified(patch);
        if !hunks.is_empty() {
            file.hunks = hunks;
        }
    }
    files
}

fn hunks(item: &Value, input: &Value, line: Option<u64>) -> Vec<Hunk> {
    let new = text(item, "newText");
    let Some(old) = item.get("oldText").and_then(Value::as_str) else {
        return if new.is_empty() { Vec::new() } else { vec![added(new)] };
    };
    let whole = item.get("_meta").is_some_and(|meta| meta.get("kind").is_some());
    match line {
        Some(line) if !whole => moved(between(old, new, Place::WholeFile), line - 1),
        _ if whole || !replaces(input, old) => between(old, new, Place::WholeFile),
        _ => between(old, new, Place::Unknown),
    }
}

fn moved(mut hunks: Vec<Hunk>, by: u64) -> Vec<Hunk> {
    for hunk in &mut hunks {
        hunk.old_start = hunk.old_start.saturating_add(by);
        hunk.new_start = hunk.new_start.saturating_add(by);
    }
    hunks
}

/// Whether the tool was told to look for this text: then it is a piece of the file.
fn replaces(input: &Value, old: &str) -> bool {
    let is_old = |value: &Value| value.as_str() == Some(old);
    let Some(fields) = input.as_object().filter(|_| !old.is_empty()) else { return false };
    fields.values().any(|field| match field {
        Value::Array(edits) => edits.iter().filter_map(Value::as_object).any(|edit| edit.values().any(is_old)),
        field => is_old(field),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(content: Value, lines: &[u64], input: Value, output: Value, expect: &[(u64, u64, &[&str])]) {
        let content: Vec<Value> = content.as_array().cloned().unwrap_or_default();
        let place = |line: &u64| Location { path: "/p/a".into(), line: Some(*line) };
        let locations: Vec<Location> = lines.iter().map(place).collect();
        let files = of(&content, &locations, &input, &output);
        let got: Vec<(u64, u64, Vec<&str>)> = files
            .iter()
            .flat_map(|file| &file.hunks)
            .map(|hunk| (hunk.old_start, hunk.new_start, hunk.lines.iter().map(String::as_str).collect()))
            .collect();
        let expect: Vec<_> = expect.iter().map(|(old, new, lines)| (*old, *new, lines.to_vec())).collect();
        assert_eq!(got, expect);
        assert!(files.len() <= 1, "one file's changes stand together");
    }

    fn diff(old: Value, new: &str) -> Value {
        json!({"type": "diff", "path": "/p/a", "oldText": old, "newText": new})
    }

    #[test]
    fn a_whole_file_has_its_lines() {
        let mut whole = diff(json!("1\n2\n"), "1\n3\n");
        check(json!([whole.clone()]), &[], json!(null), json!(null), &[(1, 1, &[" 1", "-2", "+3"])]);
        whole["_meta"] = json!({"kind": "modify"});
        check(json!([whole]), &[40], json!({"old": "1\n2\n"}), json!(null), &[(1, 1, &[" 1", "-2", "+3"])]);
        check(json!([diff(json!(null), "a\n")]), &[], json!(null), json!(null), &[(0, 1, &["+a"])]);
        check(json!([diff(json!(""), "a\n")]), &[], json!(null), json!(null), &[(0, 1, &["+a"])]);
    }

    #[test]
    fn a_piece_has_the_lines_that_are_known() {
        let input = json!({"file_path": "/p/a", "old_string": "x", "new_string": "y"});
        let piece = diff(json!("x"), "y");
        check(json!([piece.clone()]), &[], input.clone(), json!(null), &[(0, 0, &["-x", "+y"])]);
        check(json!([piece.clone()]), &[7], input.clone(), json!(null), &[(7, 7, &["-x", "+y"])]);
        let twice = json!([piece.clone(), piece.clone()]);
        check(twice, &[7, 90], input.clone(), json!(null), &[(7, 7, &["-x", "+y"]), (90, 90, &["-x", "+y"])]);
        let patch = json!({"metadata": {"diff": "--- a\n+++ a\n@@ -3,1 +3,1 @@\n-x\n+y\n"}});
        check(json!([piece.clone()]), &[], input, patch, &[(3, 3, &["-x", "+y"])]);
        let several = json!({"edits": [{"oldText": "x", "newText": "y"}]});
        check(json!([piece]), &[], several, json!(null), &[(0, 0, &["-x", "+y"])]);
    }

    #[test]
    fn what_is_no_diff_changes_nothing() {
        check(json!([{"type": "diff"}, 5, {"type": "content"}, diff(json!("a"), "a")]), &[], json!(1), json!([]), &[]);
    }
}
