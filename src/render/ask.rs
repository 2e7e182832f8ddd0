//! What the float of a permission question shows: the change it would make, or the tool's input.

use super::{
    diff,
    entry::Scene,
    line::{Icons, Line, split_lines},
    readings::lines_of,
};
use crate::domain::PermissionRequest;

/// Lines of the float, without its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskBody {
    pub lines: Vec<Line>,
}

/// A question is to be read, but a written file of a megabyte is not: the rest is counted.
const MAX_LINES: usize = 2_000;
const MAX_PLAN: usize = 256 * 1024;

pub fn ask_body(request: &PermissionRequest, icons: Icons) -> AskBody {
    let mut lines = Vec::new();
    if let Some(plan) = request.input.get("plan").and_then(|plan| plan.as_str()).filter(|_| request.tool == "plan") {
        lines.extend(lines_of(plan, MAX_PLAN, Scene { icons, ..Scene::default() }));
    } else if request.diff.is_empty() {
        input(&mut lines, request);
    } else {
        for file in &request.diff {
            // The title says it shorter where it names the file.
            let named = !request.title.is_empty() && file.path.ends_with(&request.title);
            let mut line = Line::of(if named { request.title.clone() } else { file.path.clone() }, "AgorPath");
            diff::push_counts(&mut line, std::slice::from_ref(file), icons);
            lines.push(line);
            lines.extend(diff::hunk_lines(file, None, "", icons));
        }
    }
    if lines.len() > MAX_LINES {
        let rest = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(Line::of(format!("{} {rest} more lines", icons.ellipsis()), "AgorDim"));
    }
    AskBody { lines }
}

/// A command stands alone and first; the other fields are named.
fn input(lines: &mut Vec<Line>, request: &PermissionRequest) {
    let Some(fields) = request.input.as_object() else {
        if !request.input.is_null() {
            lines.extend(split_lines(&request.input.to_string()).map(|text| Line::of(text, "AgorCode")));
        }
        return;
    };
    if let Some(command) = fields.get("command").and_then(|command| command.as_str()) {
        lines.extend(split_lines(command).map(|text| Line::of(text, "AgorCode")));
    }
    for (key, value) in fields {
        if key == "command" && value.is_string() {
            continue;
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut pieces = split_lines(&text);
        let mut line = Line::default();
        line.push(&format!("{key}: "), "AgorDim").push(pieces.next().unwrap_or(""), "AgorOutput");
        lines.push(line);
        lines.extend(pieces.map(|text| Line::of(format!("  {text}"), "AgorOutput")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn texts(tool: &str, input: Value) -> Vec<String> {
        let request = PermissionRequest {
            request_id: "r".into(),
            tool_use_id: None,
            tool: tool.into(),
            title: String::new(),
            input,
            diff: Vec::new(),
            reason: None,
            options: Vec::new(),
        };
        ask_body(&request, Icons::Ascii).lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_command_is_shown_whole_and_first() {
        assert_eq!(
            texts("Bash", json!({"description": "List", "command": "ls\nrm x"})),
            ["ls", "rm x", "description: List"]
        );
        assert_eq!(texts("plan", json!({"plan": "# Do\n- it"})), ["# Do", "- it"]);
        assert_eq!(texts("odd", json!([1])), ["[1]"]);
        assert_eq!(texts("odd", Value::Null), Vec::<String>::new());
    }

    #[test]
    fn a_huge_input_is_cut_and_counted() {
        let lines = texts("Write", json!({"content": "x\n".repeat(10_000)}));
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert!(lines[MAX_LINES].ends_with("more lines"), "{}", lines[MAX_LINES]);
    }
}
