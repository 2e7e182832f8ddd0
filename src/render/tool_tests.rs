//! What a tool call looks like in each state, folded and unfolded, in narrow and wide windows.

use serde_json::{Value, json};

use super::*;
use crate::domain::Hunk;

fn call(kind: ToolKind, name: &str, title: &str, input: Value) -> ToolCall {
    ToolCall { tool_use_id: "t".into(), name: name.into(), kind, input, title: title.into(), locations: Vec::new() }
}

struct Case {
    tool: Tool,
    expanded: bool,
    scene: Scene,
    started_at: i64,
    ended_at: i64,
    open: bool,
}

impl Case {
    fn new(kind: ToolKind, name: &str, title: &str) -> Self {
        let tool = Tool::new(call(kind, name, title, Value::Null));
        let scene = Scene { icons: Icons::Unicode, width: 60, now: 0 };
        Self { tool, expanded: false, scene, started_at: 0, ended_at: 0, open: true }
    }

    fn ended(mut self, state: ToolState, output: &str) -> Self {
        self.tool.state = state;
        self.tool.output = output.into();
        self.tool.line_ends = output.matches('\n').count();
        self
    }

    fn lines(&self) -> Vec<Line> {
        let entry = Entry {
            id: Default::default(),
            parent: None,
            started_at: self.started_at,
            ended_at: self.ended_at,
            open: self.open && self.tool.state == ToolState::Running,
            generation: 0,
            body: crate::transcript::Body::Withdrawn,
        };
        let lines = lines(&entry, &self.tool, &Around::default(), self.expanded, self.scene);
        for line in &lines {
            assert!(line.marks.iter().all(|mark| mark.start < mark.end && mark.end <= line.text.len()), "{line:?}");
        }
        lines
    }

    fn shown(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.text).collect()
    }

    #[track_caller]
    fn check(&self, expect: &[&str]) {
        assert_eq!(self.shown(), expect);
    }
}

fn bash() -> Case {
    Case::new(ToolKind::Execute, "Bash", "cargo test")
}

#[test]
fn a_state_is_a_word_and_a_sign() {
    bash().check(&["● Bash  cargo test  running"]);
    let mut long = bash();
    (long.started_at, long.scene.now) = (1_000, 3_900);
    long.check(&["● Bash  cargo test  running"]);
    long.scene.now = 13_900;
    long.check(&["● Bash  cargo test  running 12 s"]);
    // A clock that was set back.
    long.scene.now = 0;
    long.check(&["● Bash  cargo test  running"]);
    long.tool.asked = true;
    long.check(&["○ Bash  cargo test  waiting for you"]);
    long.open = false;
    long.check(&["○ Bash  cargo test  no result"]);
    bash().ended(ToolState::Done, "").check(&["✓ Bash  cargo test"]);
    let mut took = bash().ended(ToolState::Done, "");
    took.ended_at = 75_000;
    took.check(&["✓ Bash  cargo test  1 min 15 s"]);
    bash().ended(ToolState::Failed, "boom").check(&["✗ Bash  cargo test  failed", "  │ boom"]);
    bash().ended(ToolState::Refused, "no, later").check(&["✗ Bash  cargo test  refused", "  │ no, later"]);
    for words in [ToolResult::NOT_WANTED, ToolResult::CUT_SHORT] {
        bash().ended(ToolState::Cancelled, words).check(&["✗ Bash  cargo test  cancelled"]);
    }
}

#[test]
fn with_ascii_icons_a_word_says_that_it_is_done() {
    let mut done = bash().ended(ToolState::Done, "");
    done.scene.icons = Icons::Ascii;
    done.check(&["+ Bash  cargo test  done"]);
    done.ended_at = 75_000;
    done.check(&["+ Bash  cargo test  done, 1 min 15 s"]);
}

#[test]
fn a_long_name_is_told_as_people_say_it() {
    let shown = |name, title| Case::new(ToolKind::Other, name, title).shown();
    assert_eq!(shown("mcp__db__list_all", "db list_all"), ["● db list_all  running"]);
    assert_eq!(shown("mcp__db__ask", "db ask: select 1"), ["● db ask  select 1  running"]);
    assert_eq!(shown("mcp__db__ask", "select 1"), ["● mcp__db__ask  select 1  running"]);
    assert_eq!(shown("Bash", "Bash"), ["● Bash  running"]);
    assert_eq!(shown("Bash", "echo: Bash"), ["● Bash  echo: Bash  running"]);
    assert_eq!(shown("", ": "), ["●   :  running"]);
}

#[test]
fn the_numbers_of_lines_that_were_read_are_quieter_than_the_code() {
    let mut read = Case::new(ToolKind::Read, "Read", "a.rs").ended(ToolState::Done, "     1\tfn main() {}\n");
    read.tool.call.input = json!({"file_path": "a.rs"});
    read.expanded = true;
    let line = read.lines().pop().unwrap();
    assert!(line.code.is_some());
    let painted = line.marks.last().map(|mark| (&line.text[mark.start..mark.end], mark.group));
    assert_eq!(painted, Some(("     1\t", "AgorOutput")));
}

#[test]
fn an_exit_code_is_told_in_the_head_where_the_agent_tells_it() {
    for output in ["boom\nExit code: 3", "boom\n(Exit code: 3)", "Exit code 3\nboom"] {
        let shown = bash().ended(ToolState::Failed, output).shown();
        assert_eq!(shown[0], "✗ Bash  cargo test  failed, exit 3", "{output}");
    }
    let failed = "✗ Bash  cargo test  failed, exit 3";
    bash().ended(ToolState::Failed, "boom\n\nExit code: 3\n").check(&[failed, "  │ boom"]);
    bash().ended(ToolState::Failed, "Exit code: 3").check(&[failed]);
    bash().ended(ToolState::Failed, "Exit code 3\nboom").check(&[failed, "  │ boom"]);
    bash().ended(ToolState::Failed, "Exit code 3").check(&[failed]);
    for output in ["Exit code: many", "it said: Exit code: 3", "Exit code 3 was wrong\nx"] {
        assert_eq!(bash().ended(ToolState::Failed, output).shown()[0], "✗ Bash  cargo test  failed", "{output}");
    }
}

#[test]
fn a_head_is_one_row_and_its_state_is_never_cut() {
    let long = "cargo nextest run --locked -E 'test(a_head_is_one_row_and_its_state_is_never_cut)' --no-fail-fast";
    for width in [40, 60, 80, 120] {
        let mut case = Case::new(ToolKind::Execute, "Bash", long);
        case.scene.width = width;
        for state in [ToolState::Running, ToolState::Done, ToolState::Failed, ToolState::Refused] {
            let head = case.ended(state, "").shown().swap_remove(0);
            assert!(fit::cells(&head) <= width, "{head}");
            let word = ["running", "failed", "refused"].iter().any(|word| head.ends_with(word));
            assert_eq!(word, state != ToolState::Done, "{head}");
            case = Case::new(ToolKind::Execute, "Bash", long);
            case.scene.width = width;
        }
        case.expanded = true;
        assert_eq!(case.shown()[0], format!("● Bash  {long}  running"), "unfolded it is whole");
    }
    let mut path = Case::new(ToolKind::Read, "Read", "/home/me/project/src/render/tool.rs").ended(ToolState::Done, "");
    path.scene.width = 30;
    path.check(&["✓ Read  …/src/render/tool.rs"]);
    // There is no room for both: the title keeps some, and the row wraps.
    let mut narrow = Case::new(ToolKind::Execute, "Bash", long);
    narrow.scene.width = 20;
    narrow.check(&["● Bash  cargo n…  running"]);
}

#[test]
fn a_preview_is_five_rows_from_the_side_that_matters() {
    let seven = "1\n2\n3\n4\n5\n6\n7\n";
    bash().ended(ToolState::Running, seven).check(&[
        "● Bash  cargo test  running",
        "  … 2 earlier lines",
        "  │ 3",
        "  │ 4",
        "  │ 5",
        "  │ 6",
        "  │ 7",
    ]);
    Case::new(ToolKind::Fetch, "Fetch", "x").ended(ToolState::Done, seven).check(&[
        "✓ Fetch  x",
        "  │ 1",
        "  │ 2",
        "  │ 3",
        "  │ 4",
        "  │ 5",
        "  … 2 more lines",
    ]);
    Case::new(ToolKind::Read, "Read", "a").ended(ToolState::Done, "one\n").check(&["✓ Read  a", "  … 1 line"]);
    let mut whole = bash().ended(ToolState::Done, seven);
    whole.expanded = true;
    assert_eq!(whole.shown().len(), 8);
    let line = bash().ended(ToolState::Done, &"x".repeat(2048)).shown().swap_remove(1);
    assert_eq!(line, format!("  │ {}…", "x".repeat(55)));
    let millions = bash().ended(ToolState::Running, &"line\n".repeat(1_000_000)).shown();
    assert_eq!(millions[1], "  … 999995 earlier lines");
}

#[test]
fn what_a_command_printed_is_shown_as_a_terminal_leaves_it() {
    let output = "\u{1b}[32mok\u{1b}[0m\r\n 1%\r 99%\r100%";
    bash().ended(ToolState::Done, output).check(&["✓ Bash  cargo test", "  │ ok", "  │ 100%"]);
}

fn file(path: &str, old_start: u64, new_start: u64, lines: &[&str]) -> FileDiff {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    FileDiff { path: path.into(), hunks: vec![Hunk { old_start, new_start, lines }] }
}

#[test]
fn an_edit_says_what_became_of_its_files() {
    let mut edit = Case::new(ToolKind::Edit, "Write", "a.rs").ended(ToolState::Done, "written");
    edit.tool.diff = vec![file("src/a.rs", 0, 1, &["+x", "+y"])];
    edit.check(&["✓ Write  a.rs +2  new file", "  1 +x", "  2 +y"]);
    edit.tool.diff = vec![file("src/a.rs", 3, 3, &[" x", "-y", "+z"])];
    edit.check(&["✓ Write  a.rs +1 −1", "  3  x", "  4 -y", "  4 +z"]);
    edit.tool.diff = vec![file("src/a.rs", 1, 0, &["-x"]), file("b.rs → c.rs", 0, 0, &["-1", "+2"])];
    edit.check(&["✓ Write  a.rs +1 −2", "  src/a.rs −1  deleted", "  1 -x", "  b.rs → c.rs +1 −1", "  -1", "  +2"]);
    edit.scene.icons = Icons::Ascii;
    assert_eq!(edit.shown()[3], "  b.rs -> c.rs +1 -1");
    let lines: Vec<String> = (0..40).map(|n| format!("+{n}")).collect();
    edit.tool.diff = vec![file("a.rs", 0, 1, &lines.iter().map(String::as_str).collect::<Vec<_>>())];
    let shown = edit.shown();
    assert_eq!((shown.len(), shown[17].as_str()), (18, "  ... 24 more lines"));
}

#[test]
fn an_unfolded_call_has_its_input() {
    let input = json!({"command": "ls\ncd", "timeout": 5});
    let mut case = bash();
    case.tool.call = call(ToolKind::Execute, "Bash", "ls", input);
    case.expanded = true;
    case.check(&["● Bash  ls  running", "  command: ls", "    cd", "  timeout: 5"]);
}

/// A conversation by its times, and what the calls in it look like at one.
#[derive(Default)]
struct Timed(crate::transcript::Transcript);

impl Timed {
    fn say(&mut self, seconds: i64, id: &str, content: crate::domain::Content) -> &mut Self {
        let timestamp = seconds * 1000;
        let message = crate::domain::AgentMessage { id: id.into(), parent_id: None, timestamp, part: false, content };
        self.0.fold(message);
        self
    }

    fn call(&mut self, seconds: i64, id: &str) -> &mut Self {
        let mut call = call(ToolKind::Execute, "Bash", id, Value::Null);
        call.tool_use_id = id.into();
        self.say(seconds, id, crate::domain::Content::ToolCall(call))
    }

    fn asked(&mut self, seconds: i64, id: &str, call: &str, outcome: Option<&str>) -> &mut Self {
        let content = crate::domain::Content::Permission {
            request_id: id.into(),
            tool_use_id: Some(call.into()),
            tool: "Bash".into(),
            options: Vec::new(),
            outcome: outcome.map(str::to_owned),
        };
        self.say(seconds, id, content)
    }

    fn question(&mut self, seconds: i64, call: &str, outcome: Option<&str>) -> &mut Self {
        let content = crate::domain::Content::Question {
            request_id: "q".into(),
            tool_use_id: Some(call.into()),
            questions: Vec::new(),
            outcome: outcome.map(str::to_owned),
        };
        self.say(seconds, "q", content)
    }

    fn result(&mut self, seconds: i64, call: &str) -> &mut Self {
        let result = ToolResult { tool_use_id: call.into(), output: String::new(), is_error: false, diff: Vec::new() };
        self.say(seconds, &format!("{call}:result"), crate::domain::Content::ToolResult(result))
    }

    #[track_caller]
    fn check(&self, seconds: i64, expect: &[&str]) {
        let scene = Scene { icons: Icons::Unicode, width: 60, now: seconds * 1000 };
        let heads = self.0.entries().iter().filter_map(|entry| match &entry.body {
            crate::transcript::Body::Tool(tool) => {
                lines(entry, tool, &Around::default(), false, scene).into_iter().next()
            }
            _ => None,
        });
        assert_eq!(heads.map(|line| line.text).collect::<Vec<_>>(), expect);
    }
}

#[test]
fn the_time_that_a_call_has_waited_for_an_answer_is_none_that_it_ran() {
    let mut talk = Timed::default();
    talk.call(0, "make").asked(1, "p", "make", None).check(100, &["○ Bash  make  waiting for you"]);
    talk.asked(301, "p", "make", Some("Allow")).check(302, &["● Bash  make  running"]);
    talk.check(312, &["● Bash  make  running 12 s"]);
    talk.result(320, "make").check(400, &["✓ Bash  make  20 s"]);
    let mut short = Timed::default();
    short.call(0, "ls").asked(1, "p", "ls", None).asked(301, "p", "ls", Some("Allow")).result(302, "ls");
    short.check(400, &["✓ Bash  ls"]);
    // A question for the user is nothing but waiting.
    let mut asks = Timed::default();
    asks.call(0, "ask").question(1, "ask", None).check(100, &["● Bash  ask  running"]);
    asks.question(301, "ask", Some("This")).result(302, "ask").check(400, &["✓ Bash  ask"]);
}

#[test]
fn what_nobody_was_asked_about_has_run_all_the_time() {
    let mut talk = Timed::default();
    talk.call(0, "make").result(12, "make").check(50, &["✓ Bash  make  12 s"]);
    // Decided by a rule, at once or after a look.
    talk.call(100, "ls").asked(101, "p", "ls", Some("Allow")).result(115, "ls");
    talk.call(200, "pwd").asked(201, "q", "pwd", None).asked(201, "q", "pwd", Some("Allow")).result(216, "pwd");
    talk.check(300, &["✓ Bash  make  12 s", "✓ Bash  ls  15 s", "✓ Bash  pwd  16 s"]);
}

#[test]
fn of_calls_side_by_side_only_the_one_that_is_asked_about_waits() {
    let mut talk = Timed::default();
    talk.call(0, "a").call(0, "b").call(0, "c").asked(1, "p", "a", None).asked(2, "q", "b", None);
    talk.result(30, "c").asked(61, "p", "a", Some("Allow"));
    talk.check(72, &["● Bash  a  running 12 s", "○ Bash  b  waiting for you", "✓ Bash  c  30 s"]);
    talk.result(75, "a").asked(102, "q", "b", Some("Allow")).result(120, "b");
    talk.check(200, &["✓ Bash  a  15 s", "✓ Bash  b  20 s", "✓ Bash  c  30 s"]);
}

#[test]
fn a_call_waits_until_the_last_of_its_questions_is_answered() {
    let mut talk = Timed::default();
    // The first one came before the call itself.
    talk.asked(0, "p", "a", None).call(2, "a").asked(5, "q", "a", None).asked(10, "p", "a", Some("Allow"));
    talk.check(20, &["○ Bash  a  waiting for you"]);
    talk.asked(31, "q", "a", Some("Allow")).result(45, "a").check(50, &["✓ Bash  a  14 s"]);
    // One that ends while it is asked about waits no longer, whatever comes of the question.
    let mut over = Timed::default();
    over.call(0, "a").asked(1, "p", "a", None).result(61, "a").asked(90, "p", "a", Some("expired"));
    over.check(100, &["✓ Bash  a"]);
}
