//! What a tool changes in files, from its result or, before it has run, from its input alone.

use serde_json::Value;

use crate::{
    agent::{
        adapter::diff::{Place, added, between},
        json::{list, some_text, text},
    },
    domain::{FileDiff, Hunk},
};

/// From the structured twin of a tool's result: a patch, or a file that was created.
pub fn of_result(result: &Value) -> Vec<FileDiff> {
    let Some(path) = some_text(result, "filePath") else { return Vec::new() };
    let hunks: Vec<Hunk> =
        list(result, "structuredPatch").iter().map(hunk).filter(|hunk| !hunk.lines.is_empty()).collect();
    match (hunks.is_empty(), text(result, "type"), result.get("content").and_then(Value::as_str)) {
        (false, ..) => vec![FileDiff { path: path.to_owned(), hunks }],
        (true, "create", Some(content)) => vec![FileDiff { path: path.to_owned(), hunks: vec![added(content)] }],
        _ => Vec::new(),
    }
}

fn hunk(value: &Value) -> Hunk {
    let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or(0);
    let lines = list(value, "lines").iter().filter_map(Value::as_str);
    Hunk {
        old_start: number("oldStart"),
        new_start: number("newStart"),
        // `\ No newline at end of file` is a remark, not a line.
        lines: lines.filter(|line| line.starts_with([' ', '-', '+'])).map(str::to_owned).collect(),
    }
}

/// What a tool would change, as far as its input tells: not where in the file.
pub fn of_input(tool: &str, input: &Value) -> Vec<FileDiff> {
    let path = some_text(input, "file_path").or_else(|| some_text(input, "notebook_path"));
    let Some(path) = path.map(str::to_owned) else { return Vec::new() };
    let hunks = match tool {
        "Edit" => replaced(input),
        "MultiEdit" => list(input, "edits").iter().flat_map(replaced).collect(),
        "Write" => vec![added(text(input, "content"))],
        "NotebookEdit" => vec![added(text(input, "new_source"))],
        _ => Vec::new(),
    };
    let hunks: Vec<Hunk> = hunks.into_iter().filter(|hunk| !hunk.lines.is_empty()).collect();
    if hunks.is_empty() { Vec::new() } else { vec![FileDiff { path, hunks }] }
}

fn replaced(edit: &Value) -> Vec<Hunk> {
    let (old, new) = (text(edit, "old_string"), text(edit, "new_string"));
    if old.is_empty() {
        // With nothing to replace it is a file's whole text.
        return vec![added(new)];
    }
    between(old, new, Place::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(diff: &[FileDiff], expect: &[(&str, u64, u64, &[&str])]) {
        let flat: Vec<_> =
            diff.iter().flat_map(|file| file.hunks.iter().map(|hunk| (file.path.as_str(), hunk))).collect();
        assert_eq!(flat.len(), expect.len(), "{flat:?}");
        for ((path, hunk), (name, old, new, lines)) in flat.into_iter().zip(expect) {
            assert_eq!((path, hunk.old_start, hunk.new_start), (*name, *old, *new));
            assert_eq!(hunk.lines, *lines);
        }
    }

    #[test]
    fn an_edit_shows_what_it_replaces() {
        let input = json!({"file_path": "/p/a", "old_string": "one\ntwo", "new_string": "one\n2\nthree"});
        check(&of_input("Edit", &input), &[("/p/a", 0, 0, &[" one", "-two", "+2", "+three"])]);
        let edits = json!({"file_path": "a", "edits": [input, {"old_string": "", "new_string": "x\n"}, 5]});
        check(&of_input("MultiEdit", &edits), &[("a", 0, 0, &[" one", "-two", "+2", "+three"]), ("a", 0, 1, &["+x"])]);
    }

    #[test]
    fn a_written_file_is_all_added() {
        check(&of_input("Write", &json!({"file_path": "n", "content": "a\n\nb"})), &[("n", 0, 1, &["+a", "+", "+b"])]);
        let created = json!({"type": "create", "filePath": "n", "content": "a\n", "structuredPatch": []});
        check(&of_result(&created), &[("n", 0, 1, &["+a"])]);
    }

    #[test]
    fn a_patch_is_taken_as_it_is_without_its_remarks() {
        let patch = json!({"filePath": "n", "structuredPatch": [
            {"oldStart": 3, "newStart": 4, "lines": ["-a", "\\ No newline at end of file", "+b", " c", 7]}, "junk"]});
        check(&of_result(&patch), &[("n", 3, 4, &["-a", "+b", " c"])]);
    }

    #[test]
    fn what_names_no_file_changes_none() {
        for value in [json!(null), json!("Error: no"), json!({"filePath": 3}), json!({"stdout": "x"})] {
            check(&of_result(&value), &[]);
            check(&of_input("Edit", &value), &[]);
        }
        check(&of_input("Read", &json!({"file_path": "a"})), &[]);
        check(&of_input("Edit", &json!({"file_path": "a", "old_string": "s", "new_string": "s"})), &[]);
    }
}
