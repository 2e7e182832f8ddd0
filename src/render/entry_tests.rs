//! What each kind of entry looks like.

use serde_json::json;

use super::*;
use crate::{
    domain::{
        AgentMessage, Compaction, Content, Context, Cost, FileDiff, Hunk, Image, PlanEntry, ToolCall, ToolKind,
        ToolResult,
    },
    render::{
        Spot,
        around::{around, flow_text},
        under::detail,
    },
    transcript::Transcript,
};

#[derive(Default)]
struct Talk(Transcript, i64);

impl Talk {
    fn say(&mut self, parent: Option<&str>, part: bool, content: Content) -> &mut Self {
        self.1 += 1000;
        let id = format!("m{}", self.1).as_str().into();
        self.0.fold(AgentMessage { id, parent_id: parent.map(Into::into), timestamp: self.1, part, content });
        self
    }

    fn lines(&self, index: usize, expanded: bool, scene: Scene) -> Vec<String> {
        let laid = layout(&self.0.entries()[index], &around(&self.0, index), expanded, scene);
        let mut lines: Vec<String> = laid.lines.into_iter().map(|line| line.text).collect();
        if laid.flow.is_some() {
            lines.push(format!("[{}]", flow_text(&self.0.entries()[index])));
        }
        lines
    }

    #[track_caller]
    fn check(&self, index: usize, expanded: bool, expect: &[&str]) {
        assert_eq!(self.lines(index, expanded, Scene::default()), expect);
    }
}

fn call(id: &str, kind: ToolKind, title: &str) -> Content {
    Content::ToolCall(ToolCall {
        tool_use_id: id.into(),
        name: "Tool".into(),
        kind,
        input: json!({"command": title}),
        title: title.into(),
        locations: Vec::new(),
    })
}

fn permission(tool: &str, call: Option<&str>, outcome: Option<&str>) -> Content {
    Content::Permission {
        request_id: format!("r{tool}").as_str().into(),
        tool_use_id: call.map(Into::into),
        tool: tool.into(),
        options: Vec::new(),
        outcome: outcome.map(str::to_owned),
    }
}

fn question(outcome: Option<&str>) -> Content {
    let question = Question {
        id: "q".into(),
        header: String::new(),
        text: "Which colour?".into(),
        multi: false,
        secret: false,
        options: Vec::new(),
        allow_other: true,
    };
    let outcome = outcome.map(str::to_owned);
    Content::Question { request_id: "q".into(), tool_use_id: None, questions: vec![question], outcome }
}

fn plan(states: &[PlanStatus]) -> Content {
    let entry = |status: &PlanStatus| PlanEntry { text: "A step".into(), status: *status };
    Content::Plan(Plan { entries: states.iter().map(entry).collect() })
}

/// Something of every kind.
fn all() -> Talk {
    let text = |text: &str| Content::Text { text: text.into() };
    let thinking = |text: &str| Content::Thinking { text: text.into() };
    let mut talk = Talk::default();
    let context = vec![
        Context {
            path: "a.rs".into(),
            first_line: 1,
            last_line: 2,
            text: "x\ny\n".into(),
            unsaved: true,
            ..Context::default()
        },
        Context { command: "make\nmake test".into(), text: "ok".into(), ..Context::default() },
    ];
    let images = vec![Image { path: "/p/shot.png".into(), ..Image::default() }];
    let long: Vec<String> = (0..30).map(|n| format!("line {n}")).collect();
    talk.say(None, false, Content::Prompt(Prompt { context, images, ..Prompt::new(long.join("\n")) }));
    talk.say(None, true, thinking("hm")).say(None, false, thinking("so"));
    talk.say(None, false, text("# Head\n\ntext"));
    for (id, kind) in
        [("t1", ToolKind::Execute), ("t2", ToolKind::Read), ("t3", ToolKind::Edit), ("t4", ToolKind::Think)]
    {
        talk.say(None, false, call(id, kind, &long.join(" ")));
        talk.say(Some(id), false, text(&long.join("\n"))).say(Some(id), false, thinking("hm"));
        talk.say(Some(id), false, call(&format!("{id} inner"), kind, "inner\nlines"));
        talk.say(None, false, permission("Tool", Some(id), None));
        talk.say(None, false, permission("Tool", Some(id), Some("Allow once")));
    }
    let hunks = |old_start, new_start, lines: &[&str]| {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        vec![Hunk { old_start, new_start, lines }, Hunk { old_start: 90, new_start: 90, lines: vec!["-z".into()] }]
    };
    let diff = vec![
        FileDiff { path: format!("a{}b", super::super::diff::RENAMED), hunks: hunks(1, 1, &[" x", "-y", "+z"]) },
        FileDiff { path: "new\nline".into(), hunks: hunks(0, 1, &["+z"]) },
    ];
    for (id, is_error, diff) in
        [("t1", true, Vec::new()), ("t2", false, Vec::new()), ("t3", false, diff), ("t4", true, Vec::new())]
    {
        let output = format!("{}\nExit code: 2", long.join("\n"));
        talk.say(None, false, Content::ToolResult(ToolResult { tool_use_id: id.into(), output, is_error, diff }));
    }
    talk.say(None, false, permission("plan", None, None)).say(None, false, permission("Other", None, None));
    talk.say(None, false, question(None)).say(None, false, question(Some("Blue")));
    talk.say(None, false, plan(&[PlanStatus::Completed, PlanStatus::InProgress, PlanStatus::Pending]));
    talk.say(None, false, Content::Status { subtype: "s".into(), message: long.join("\n") });
    talk.say(None, false, Content::Compaction(Compaction { trigger: "auto".into(), pre_tokens: 190_000 }));
    talk.say(None, false, Content::Error { message: "It broke:\nbadly".into() });
    talk.say(None, false, Content::Unknown(json!({"type": "new", "deep": {"a": [1]}})));
    let cost = Cost { total_cost_usd: Some(0.5), duration_ms: Some(75_000), input_tokens: Some(1), ..Cost::default() };
    talk.say(None, false, Content::Cost(cost));
    talk
}

#[test]
fn of_an_agent_that_has_stalled_its_last_words_are_in_sight() {
    let look = |subtype: &str| {
        let message = ["It has said nothing", "1", "2", "3", "4", "5"].join("\n");
        let entry = Entry {
            id: crate::transcript::EntryId(0),
            parent: None,
            started_at: 0,
            ended_at: 0,
            open: false,
            generation: 0,
            body: Body::Status { subtype: subtype.into(), message },
        };
        let lines = layout(&entry, &Around::default(), false, Scene::default()).lines;
        (lines.len(), lines[0].marks.first().map(|mark| mark.group))
    };
    assert_eq!(look("stalled"), (6, Some("AgorWarning")));
    assert_eq!(look("went_on"), (4, Some("AgorDim")));
}

#[test]
fn ascii_icons_are_ascii_in_everything() {
    let talk = all();
    for width in [0, 20, 80] {
        for expanded in [false, true] {
            let scene = Scene { icons: Icons::Ascii, width, now: 100_000 };
            for index in 0..talk.0.entries().len() {
                let lines = talk.lines(index, expanded, scene);
                assert!(lines.iter().all(|line| line.is_ascii()), "{lines:?}");
                let spot = Spot { index, row: 0, start: 0, expanded };
                let whole = detail(&talk.0, &spot, scene);
                let whole = whole.iter().flat_map(|detail| &detail.lines);
                whole.for_each(|line| assert!(line.text.is_ascii(), "{}", line.text));
            }
        }
    }
}

#[test]
fn everything_folded_is_short_and_has_its_marks_inside() {
    let talk = all();
    for icons in [Icons::Unicode, Icons::Nerd, Icons::Ascii] {
        for index in 0..talk.0.entries().len() {
            let scene = Scene { icons, width: 60, now: 100_000 };
            let laid = layout(&talk.0.entries()[index], &around(&talk.0, index), false, scene);
            assert!(laid.lines.len() <= 20, "{:?}", laid.lines);
            for line in &laid.lines {
                let inside = |at: usize| line.text.is_char_boundary(at);
                assert!(line.marks.iter().all(|mark| mark.start < mark.end && inside(mark.start) && inside(mark.end)));
                assert!(!line.text.contains('\n'));
            }
        }
    }
}

#[test]
fn thoughts_are_told_while_they_last_and_collapse_after_that() {
    let mut talk = Talk::default();
    let said = |text: &str| Content::Thinking { text: text.into() };
    let id = || "a".into();
    talk.0.fold(AgentMessage { id: id(), parent_id: None, timestamp: 0, part: true, content: said("Let me") });
    talk.check(0, false, &["✻ Thinking", "[Let me]"]);
    let later = Scene { now: 7_500, ..Scene::default() };
    assert_eq!(talk.lines(0, false, later), ["✻ Thinking for 7 s", "[Let me]"]);
    assert!(ticks(&talk.0.entries()[0]));
    talk.0.fold(AgentMessage {
        id: id(),
        parent_id: None,
        timestamp: 12_300,
        part: false,
        content: said("Let me see"),
    });
    talk.check(0, false, &["✻ Thought for 12 s"]);
    talk.check(0, true, &["✻ Thought for 12 s", "[Let me see]"]);
    assert!(!ticks(&talk.0.entries()[0]));
}

#[test]
fn what_is_asked_says_what_it_is_about() {
    let mut talk = Talk::default();
    talk.say(None, false, permission("plan", None, None)).say(None, false, permission("Bash", None, None));
    talk.check(0, false, &["? The agent has a plan for you to approve  :Agor permit"]);
    talk.check(1, false, &["? The agent asks for permission: Bash  :Agor permit"]);
    talk.say(None, false, call("t", ToolKind::Execute, "ls")).say(None, false, permission("Tool", Some("t"), None));
    talk.check(2, false, &["○ Tool  ls  waiting for you"]);
    talk.check(3, false, &["? The agent asks for permission  :Agor permit"]);
    talk.say(None, false, permission("plan", None, Some("Approve"))).say(None, false, question(Some("Blue")));
    talk.check(4, false, &["  · Plan: Approve"]);
    talk.check(5, false, &["? Which colour?", "  · Blue"]);
    talk.say(None, false, permission(PROJECT_FILES, None, None));
    talk.check(6, false, &["? A question before the agent starts  :Agor permit"]);
    // No call stands above that says which file.
    talk.say(None, false, permission("read .env", None, Some("Allow once")));
    talk.check(7, false, &["  · read .env: Allow once"]);
    talk.say(None, false, permission(PROJECT_FILES, None, Some("Use them")));
    talk.check(8, false, &["· What the project brings along: Use them"]);
}

#[test]
fn a_plan_counts_and_a_message_of_no_known_kind_unfolds() {
    let mut talk = Talk::default();
    talk.say(None, false, plan(&[PlanStatus::Completed, PlanStatus::InProgress, PlanStatus::Pending]));
    talk.check(0, false, &["Plan  1/3", "  ✓ A step", "  ▸ A step", "  ○ A step"]);
    let ascii = Scene { icons: Icons::Ascii, ..Scene::default() };
    assert_eq!(talk.lines(0, false, ascii), ["Plan  1/3", "  [x] A step", "  [>] A step", "  [ ] A step"]);
    talk.say(None, false, plan(&[])).say(None, false, Content::Unknown(json!({"type": "new"})));
    talk.check(1, false, &["Plan"]);
    talk.check(2, false, &["· A message that agor does not know: new"]);
    talk.check(2, true, &["· A message that agor does not know: new", "    {", "      \"type\": \"new\"", "    }"]);
}

#[test]
fn an_unknown_message_is_named_in_any_protocol() {
    let named = [
        (serde_json::json!({"type": "a", "method": "x"}), "a"),
        (serde_json::json!({"type": 7, "sessionUpdate": "b"}), "b"),
        (serde_json::json!({"method": "c/d", "params": {"type": "x"}}), "c/d"),
        (serde_json::json!([1]), "without a type"),
    ];
    for (message, name) in named {
        assert_eq!(kind_of(&message), name);
    }
}
