//! What the float of a permission question shows: the change it would make, or the tool's input.

use super::{
    code::Colours,
    diff,
    line::{Code, Line, Mark, Part, one_line, split_lines},
    readings::lines_of,
    scene::{Icons, Scene},
    under::Detail,
};
use crate::{
    domain::{PermissionRequest, Subject, ToolCall, ToolKind},
    transcript::{Body, Entry, EntryId, Tool},
};

/// Lines of the float, without its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskBody {
    pub lines: Vec<Line>,
    /// There is more: [`ask_whole`] has it.
    pub cut: bool,
    /// What it names that lies outside the project, as it stands there.
    pub outside: Vec<String>,
}

/// A question is to be read, but a written file of a megabyte is not: the rest is counted.
const MAX_LINES: usize = 2_000;
const MAX_PLAN: usize = 256 * 1024;
/// Characters of a file's name: no path is longer.
const NAME: usize = 4096;
/// Lines that get the colours of their code: more than is seen at once.
const COLOURED: usize = 200;

/// `outside`: paths of it that lie outside the project, which is what is said first.
pub fn ask_body(request: &PermissionRequest, outside: Vec<String>, icons: Icons) -> AskBody {
    let mut lines = all(request, &outside, MAX_PLAN, icons);
    let rest = lines.len().saturating_sub(MAX_LINES);
    if rest > 0 {
        lines.truncate(MAX_LINES);
        lines.push(Line::of(format!("{} {rest} more lines", icons.ellipsis()), "AgorDim"));
    }
    // What is in files that are only named is read by who wants to.
    AskBody { lines, cut: rest > 0 || request.subject == Subject::Start, outside }
}

/// Files with what is in them, which stands behind each name and further in, so that none of it looks like one.
pub fn ask_files(title: String, files: &[(String, String)]) -> Detail {
    let mut lines = Vec::new();
    for (name, text) in files {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::of(one_line(name, NAME, "..."), "AgorPath"));
        // The end of its last line is no line.
        let text = text.strip_suffix('\n').unwrap_or(text);
        lines.extend(split_lines(text).map(|text| Line::of(format!("  {text}"), "AgorOutput")));
    }
    Detail { title, lines }
}

/// All of it, for a window to read in.
pub fn ask_whole(request: &PermissionRequest, outside: &[String], icons: Icons) -> Detail {
    let title = if request.tool.is_empty() { "Question" } else { &request.tool };
    Detail { title: title.to_owned(), lines: all(request, outside, usize::MAX, icons) }
}

/// `most` bytes of a plan are read as Markdown.
fn all(request: &PermissionRequest, outside: &[String], most: usize, icons: Icons) -> Vec<Line> {
    let mut lines = Vec::new();
    if !outside.is_empty() {
        let named = outside.iter().map(|path| one_line(path, 200, icons.ellipsis())).collect::<Vec<_>>().join(", ");
        lines.push(Line::of(format!("{} outside the project: {named}", icons.failed()), "AgorWarning"));
    }
    let said = lines.len();
    if let Some(plan) = request.input.get("plan").and_then(|plan| plan.as_str()).filter(|_| request.tool == "plan") {
        lines.extend(lines_of(plan, most, Scene { icons, ..Scene::default() }));
    } else if request.subject == Subject::Start {
        lines.extend(
            request
                .input
                .get("files")
                .and_then(|files| files.as_array())
                .into_iter()
                .flatten()
                .map(|file| named(file, icons)),
        );
    } else if request.diff.is_empty() {
        input(&mut lines, request);
    } else {
        for (place, file) in request.diff.iter().enumerate() {
            // The title says it shorter where it names the file.
            let named = !request.title.is_empty() && file.path.ends_with(&request.title);
            let mut line = Line::of(if named { request.title.clone() } else { file.path.clone() }, "AgorPath");
            diff::push_counts(&mut line, std::slice::from_ref(file), icons);
            lines.push(line);
            lines.extend(diff::hunk_lines(file, Some(place), "", icons));
        }
    }
    lines[said..].iter_mut().take(COLOURED).for_each(|line| mark(line, outside));
    lines
}

/// Where a path stands that lies outside.
fn mark(line: &mut Line, outside: &[String]) {
    for path in outside {
        let found: Vec<usize> = line.text.match_indices(path.as_str()).map(|(at, _)| at).collect();
        line.marks.extend(found.into_iter().map(|at| Mark::colour(at, at + path.len(), "AgorWarning")));
    }
}

/// A file, and what is new about it. Names and titles of others are a line each, whatever is in them.
fn named(file: &serde_json::Value, icons: Icons) -> Line {
    let text = |key: &str| file.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    // The sign tells a file from the rest of a long name, which stands below it.
    let mut line = Line::of(" - ", "AgorDim");
    line.push(&one_line(text("path"), NAME, icons.ellipsis()), "AgorPath");
    if !text("state").is_empty() {
        let warns = file.get("warns").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let state = one_line(text("state"), NAME, icons.ellipsis());
        line.push("  ", "").push(&state, if warns { "AgorWarning" } else { "AgorDim" });
    }
    line
}

impl AskBody {
    /// The code that it shows, as an entry would have it; none if it shows none.
    pub fn code(&self, request: &PermissionRequest) -> Option<Entry> {
        self.lines.iter().take(COLOURED).any(|line| line.code.is_some()).then(|| {
            let call = ToolCall {
                tool_use_id: "".into(),
                name: request.tool.clone(),
                kind: ToolKind::Edit,
                // A command is what a file of a shell would have.
                input: serde_json::json!({ "path": "command.sh" }),
                title: String::new(),
                locations: Vec::new(),
            };
            let output = command(request).unwrap_or("").to_owned();
            let tool = Tool { output, diff: request.diff.clone(), ..Tool::new(call) };
            let body = Body::Tool(Box::new(tool));
            Entry { id: EntryId::default(), parent: None, started_at: 0, ended_at: 0, open: false, generation: 0, body }
        })
    }

    /// The first lines, in as many of their colours as are known; those that are not are wanted by that.
    pub fn coloured(&self, colours: &mut Colours) -> Vec<Line> {
        let colour = |line: &Line| {
            let mut line = line.clone();
            let (mut marks, plain) = (std::mem::take(&mut line.marks), line.code.is_some());
            colours.of_line(EntryId::default(), 0, &line, &mut marks);
            let found = marks.iter().any(|mark| mark.group.starts_with('@'));
            marks.retain(|mark| !(plain && found && mark.group == "AgorCode"));
            Line { marks, ..line }
        };
        self.lines.iter().take(COLOURED).map(colour).collect()
    }
}

fn command(request: &PermissionRequest) -> Option<&str> {
    request.input.get("command")?.as_str()
}

/// A command stands alone and first; the other fields are named.
fn input(lines: &mut Vec<Line>, request: &PermissionRequest) {
    let Some(fields) = request.input.as_object() else {
        if !request.input.is_null() {
            lines.extend(split_lines(&request.input.to_string()).map(|text| Line::of(text, "AgorCode")));
        }
        return;
    };
    if let Some(command) = command(request) {
        let part = Part::Output { length: command.len() };
        let said: Vec<Line> = split_lines(command).map(|text| Line::of(text, "AgorCode")).collect();
        // One that is split softly is too long to be read.
        let whole = said.len() == command.split('\n').count();
        lines.extend(said.into_iter().enumerate().map(|(index, line)| {
            let code = whole.then_some(Code { part, line: index, column: 0 });
            Line { code, ..line }
        }));
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
    use crate::{
        domain::{FileDiff, Hunk},
        render::code::{Coloured, Group, Lines, Outcome, Span},
    };
    use serde_json::{Value, json};

    fn request(tool: &str, input: Value) -> PermissionRequest {
        PermissionRequest {
            request_id: "r".into(),
            tool_use_id: None,
            tool: tool.into(),
            title: String::new(),
            input,
            diff: Vec::new(),
            reason: None,
            options: Vec::new(),
            subject: Default::default(),
        }
    }

    fn texts(tool: &str, input: Value) -> Vec<String> {
        ask_body(&request(tool, input), Vec::new(), Icons::Ascii).lines.into_iter().map(|line| line.text).collect()
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
    fn what_lies_outside_the_project_is_said_first_and_marked_where_it_stands() {
        let asked = request("Bash", json!({"command": "cat /etc/passwd a"}));
        let body = ask_body(&asked, vec!["/etc/passwd".into()], Icons::Ascii);
        let texts: Vec<&str> = body.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(texts[0].ends_with(" outside the project: /etc/passwd"), "{texts:?}");
        assert_eq!(texts[1], "cat /etc/passwd a");
        let marked = |line: &Line| {
            line.marks.iter().any(|mark| mark.group == "AgorWarning" && mark.start == 4 && mark.end == 15)
        };
        assert!(marked(&body.lines[1]), "{:?}", body.lines[1]);
        assert_eq!(ask_whole(&asked, &body.outside, Icons::Ascii).lines, body.lines);
    }

    #[test]
    fn files_stand_below_their_names_with_one_line_between_them() {
        let files = [("a".to_owned(), "1\n2\n".to_owned()), ("b".to_owned(), "3".to_owned())];
        let lines: Vec<_> = ask_files(String::new(), &files).lines.into_iter().map(|line| line.text).collect();
        assert_eq!(lines, ["a", "  1", "  2", "", "b", "  3"]);
        let odd = [("a\n  {}\n.mcp.json".to_owned(), String::new())];
        assert_eq!(ask_files(String::new(), &odd).lines[0].text, "a {} .mcp.json", "a name is no file's text");
    }

    #[test]
    fn what_is_new_about_a_file_stands_behind_its_name_and_warns_where_that_matters() {
        let file = json!({"path": "a\nb", "state": "changed,\nwritten", "warns": true});
        let line = named(&file, Icons::Ascii);
        assert_eq!(line.text, " - a b  changed, written");
        assert_eq!(line.marks.last().map(|mark| mark.group), Some("AgorWarning"));
        let line = named(&json!({"path": "a", "state": "as it was", "warns": false}), Icons::Ascii);
        assert_eq!(line.marks.last().map(|mark| mark.group), Some("AgorDim"));
    }

    #[test]
    fn a_huge_input_is_cut_and_counted() {
        let lines = texts("Write", json!({"content": "x\n".repeat(10_000)}));
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert!(lines[MAX_LINES].ends_with("more lines"), "{}", lines[MAX_LINES]);
    }

    #[test]
    fn of_a_huge_input_all_can_be_read() {
        let long = request("Write", json!({"content": "x\n".repeat(10_000)}));
        assert!(ask_body(&long, Vec::new(), Icons::Ascii).cut);
        let whole = ask_whole(&long, &[], Icons::Ascii);
        assert_eq!((whole.title.as_str(), whole.lines.len() >= 10_000), ("Write", true));
        let short = request("", json!({"content": "x"}));
        assert!(!ask_body(&short, Vec::new(), Icons::Ascii).cut);
        assert_eq!(ask_whole(&short, &[], Icons::Ascii).title, "Question");
    }

    #[test]
    fn a_command_and_a_change_get_the_colours_of_their_code() {
        let hunk = Hunk { old_start: 1, new_start: 1, lines: vec!["-a".into(), "+b".into()] };
        let diff = vec![FileDiff { path: "a.rs".into(), hunks: vec![hunk] }];
        for (input, diff, group) in
            [(json!({"command": "ls"}), Vec::new(), "AgorCode"), (Value::Null, diff, "AgorDiffDelete")]
        {
            let request = PermissionRequest {
                request_id: "r".into(),
                tool_use_id: None,
                tool: "x".into(),
                title: String::new(),
                input,
                diff,
                reason: None,
                options: Vec::new(),
                subject: Default::default(),
            };
            let body = ask_body(&request, Vec::new(), Icons::Ascii);
            let entry = body.code(&request).expect("it shows code");
            let mut colours = Colours::default();
            assert_eq!(body.coloured(&mut colours), body.lines, "none is known yet");
            let job = colours.next_job(|_| Some(&entry)).expect("and so it is wanted");
            let mut lines = Lines::default();
            lines.push(&[Span { start: 0, end: 1, group: Group::of("@keyword").expect("a group") }]);
            colours.take(Coloured { block: job.block, from: 0, outcome: Outcome::Last(lines) });
            let line = body.coloured(&mut colours).into_iter().find(|line| line.code.is_some()).expect("it is there");
            let has = |group: &str| line.marks.iter().any(|mark| mark.group == group);
            assert!(has("@keyword"), "{line:?}");
            assert_eq!(has(group), group != "AgorCode", "{line:?}");
        }
        let body = AskBody { lines: vec![Line::plain("x")], cut: false, outside: Vec::new() };
        let request =
            serde_json::from_value(json!({"request_id": "r", "tool": "x", "title": "", "input": {}, "options": []}));
        assert_eq!(body.code(&request.expect("a request")), None);
    }
}
