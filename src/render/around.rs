//! What an entry's lines take from the entries beside it: how far in it stands, what is told there already, an empty line
//! between.

use super::flow::Layout;
use crate::{
    domain::ToolResult,
    transcript::{Body, Entry, ToolState, Transcript},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// What it would say is told beside it: the user's answer, or what a subagent's call has as its result.
    pub(super) told: bool,
    /// The call that a permission is asked for stands right above it.
    pub(super) called: bool,
    /// How many subagents deep it is.
    pub(super) depth: usize,
}

pub(super) fn around(transcript: &Transcript, index: usize) -> Around {
    let entries = transcript.entries();
    let Some(entry) = entries.get(index) else { return Around::default() };
    let next = entries.get(index + 1).map(|entry| &entry.body);
    let told = match &entry.body {
        Body::Tool(_) => {
            says_the_refusal(transcript, entry) || matches!(next, Some(Body::Question { outcome: Some(_), .. }))
        }
        Body::Text(text) => is_the_report(transcript, entry, text),
        _ => false,
    };
    let called = matches!(entry.body, Body::Permission { .. }) && transcript.above(entry).is_some();
    Around { told, called, depth: depth(transcript, entry) }
}

/// What is asked about a call stands where that does.
fn depth(transcript: &Transcript, entry: &Entry) -> usize {
    let asked = matches!(
        entry.body,
        Body::Permission { tool_use_id: Some(_), .. } | Body::Question { tool_use_id: Some(_), .. }
    );
    let first = if asked { transcript.above(entry).unwrap_or(entry) } else { entry };
    let blocks = std::iter::successors(Some(first), |entry| transcript.above(entry)).take(8);
    // What a call says that nobody has heard of stands further in too.
    blocks.filter(|entry| entry.parent.is_some()).count()
}

/// Whether a subagent's words are what its call has as its result, which stands there to be read.
fn is_the_report(transcript: &Transcript, entry: &Entry, text: &str) -> bool {
    let call = entry.parent.as_ref().and_then(|parent| transcript.tool(parent));
    call.is_some_and(|call| call.state == ToolState::Done && !text.is_empty() && call.output.trim() == text.trim())
}

/// Whether a tool says only that it was refused, and with what words.
fn says_the_refusal(transcript: &Transcript, entry: &Entry) -> bool {
    let Body::Tool(tool) = &entry.body else { return false };
    let said = transcript.refusal(&tool.call.tool_use_id);
    tool.state == ToolState::Refused
        && said.is_some_and(|said| {
            tool.output == ToolResult::NOT_WANTED || !said.is_empty() && tool.output.trim_end().ends_with(said)
        })
}

pub(super) fn has_gap(transcript: &Transcript, index: usize, layout: &Layout) -> bool {
    let entry = &transcript.entries()[index];
    let empty = layout.lines.is_empty() && (layout.flow.is_none() || flow_text(entry).is_empty());
    match index.checked_sub(1).and_then(|before| transcript.entries().get(before)) {
        Some(before) => !empty && gap(before, entry),
        None => !empty,
    }
}

/// The text of an entry that may be long or still grow.
pub(super) fn flow_text(entry: &Entry) -> &str {
    match &entry.body {
        Body::Text(text) | Body::Thinking(text) => text,
        _ => "",
    }
}

/// Whether an empty line sets two neighbours apart: ours stand close together, a subagent's block does, the agent's words
/// and turns do not.
fn gap(before: &Entry, after: &Entry) -> bool {
    let quiet = |entry: &Entry| {
        let ours = matches!(
            entry.body,
            Body::Tool(_)
                | Body::Permission { .. }
                | Body::Question { .. }
                | Body::Status { .. }
                | Body::Compaction(_)
                | Body::Unknown(_)
        );
        ours || entry.parent.is_some()
    };
    !(quiet(before) && quiet(after) || matches!(after.body, Body::Withdrawn))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::{AgentMessage, Content, OptionKind, PermissionOption, Question, ToolCall, ToolKind},
        render::{Budget, Head, Icons, Op, Readings, Scene, View},
    };

    #[derive(Default)]
    struct Talk {
        transcript: Transcript,
        count: i64,
    }

    impl Talk {
        fn say(&mut self, id: &str, parent: Option<&str>, content: Content) -> &mut Self {
            self.count += 1;
            let (id, parent_id) = (id.into(), parent.map(Into::into));
            let message = AgentMessage { id, parent_id, timestamp: self.count, part: false, content };
            self.transcript.fold(message);
            self
        }

        fn tool(&mut self, id: &str, parent: Option<&str>, name: &str, title: &str) -> &mut Self {
            let call = ToolCall {
                tool_use_id: id.into(),
                name: name.into(),
                kind: ToolKind::Other,
                input: json!({}),
                title: title.into(),
                locations: Vec::new(),
            };
            self.say(id, parent, Content::ToolCall(call))
        }

        fn text(&mut self, id: &str, parent: Option<&str>, text: &str) -> &mut Self {
            self.say(id, parent, Content::Text { text: text.into() })
        }

        fn result(&mut self, id: &str, output: &str) -> &mut Self {
            let (tool_use_id, output) = (id.into(), output.into());
            let result = ToolResult { tool_use_id, output, is_error: false, diff: Vec::new() };
            self.say(&format!("{id}:result"), None, Content::ToolResult(result))
        }

        #[track_caller]
        fn check(&self, expect: &[&str]) {
            let mut view = View::new(Head::default(), Scene { icons: Icons::Ascii, ..Scene::default() });
            let mut readings = Readings::default();
            let patch = view.next(&self.transcript, &mut readings, 0, Budget::micros(1e6)).expect("something to paint");
            let rows =
                patch.ops.into_iter().flat_map(|op| if let Op::Set { rows, .. } = op { rows } else { Vec::new() });
            let lines = rows.map(|row| row.text);
            // The head line, and what sets the first entry apart from it.
            let lines: Vec<String> = lines.skip(2).collect();
            assert_eq!(lines, expect);
        }
    }

    #[test]
    fn what_subagents_do_side_by_side_stands_in_a_block_each() {
        let mut talk = Talk::default();
        talk.tool("a", None, "Agent", "Look").tool("in a", Some("a"), "Bash", "ls");
        talk.tool("b", None, "Agent", "Fix").tool("in b", Some("b"), "Bash", "make");
        talk.text("said", Some("a"), "All is well.").text("end", None, "Both are done.");
        talk.tool("more in b", Some("b"), "Bash", "make test");
        talk.check(&[
            "- Agent  Look  1 tool call  running",
            "  - Bash  ls  running",
            "  All is well.",
            "- Agent  Fix  2 tool calls  running",
            "  - Bash  make  running",
            "  - Bash  make test  running",
            "",
            "Both are done.",
        ]);
        // Its result says it again; what comes late has its place all the same.
        talk.result("a", "All is well.\n").tool("late in a", Some("a"), "Bash", "pwd");
        talk.check(&[
            "+ Agent  Look  2 tool calls  done",
            "  | All is well.",
            "  - Bash  ls  running",
            "  - Bash  pwd  running",
            "- Agent  Fix  2 tool calls  running",
            "  - Bash  make  running",
            "  - Bash  make test  running",
            "",
            "Both are done.",
        ]);
    }

    #[test]
    fn a_subagent_of_a_subagent_stands_further_in_with_what_is_asked_about_it() {
        let mut talk = Talk::default();
        talk.tool("a", None, "Agent", "Outer").tool("b", Some("a"), "Agent", "Inner");
        talk.tool("c", Some("b"), "Bash", "ls").text("d", Some("b"), "One\n\nTwo\nThree\nFour");
        talk.tool("e", Some("a"), "Bash", "pwd").tool("f", None, "Bash", "make");
        for (id, call) in [("p", "c"), ("q", "f")] {
            let (request_id, tool_use_id) = (id.into(), Some(call.into()));
            let (tool, options) = ("Bash".into(), Vec::new());
            talk.say(id, None, Content::Permission { request_id, tool_use_id, tool, options, outcome: None });
        }
        talk.check(&[
            "- Agent  Outer  2 tool calls  running",
            "  - Agent  Inner  1 tool call  running",
            "    o Bash  ls  waiting for you",
            "    ? The agent asks for permission  :Agor permit",
            "    One",
            "    Two",
            "    Three",
            "    ... 1 more line",
            "  - Bash  pwd  running",
            "o Bash  make  waiting for you",
            "? The agent asks for permission  :Agor permit",
        ]);
        // One that is its own subagent is no reason to look for ever.
        let mut talk = Talk::default();
        talk.tool("a", Some("b"), "Agent", "A").tool("b", Some("a"), "Agent", "B").tool("c", Some("b"), "Bash", "ls");
        talk.check(&[
            "  - Agent  A  1 tool call  running",
            "    - Agent  B  1 tool call  running",
            "      - Bash  ls  running",
        ]);
    }

    #[test]
    fn an_answered_question_is_told_once() {
        let question = |id: &str| Question {
            id: id.into(),
            header: String::new(),
            text: id.into(),
            multi: false,
            secret: false,
            options: Vec::new(),
            allow_other: true,
        };
        let asked = |outcome: Option<&str>| Content::Question {
            request_id: "r".into(),
            tool_use_id: Some("t".into()),
            questions: vec![question("Which?"), question("Why?")],
            outcome: outcome.map(str::to_owned),
        };
        let mut talk = Talk::default();
        talk.tool("t", None, "Ask", "Which?").say("q", None, asked(None));
        talk.check(&["- Ask  Which?  running", "? Which?  :Agor permit"]);
        talk.say("q", None, asked(Some("This\nSo"))).result("t", "The user said: This, So");
        talk.check(&["+ Ask  Which?  done", "? Which?", "  - This", "? Why?", "  - So"]);
        talk.say("q", None, asked(Some("cancelled")));
        talk.check(&["+ Ask  Which?  done", "? Which?", "? Why?", "  - cancelled"]);
        // A subagent asks while another works.
        let mut talk = Talk::default();
        talk.tool("a", None, "Agent", "A").tool("b", None, "Agent", "B").tool("t", Some("a"), "Ask", "Which?");
        talk.say("q", None, asked(Some("This\nSo"))).result("t", "The user said: This, So");
        talk.check(&[
            "- Agent  A  1 tool call  running",
            "  + Ask  Which?  done",
            "  ? Which?",
            "    - This",
            "  ? Why?",
            "    - So",
            "- Agent  B  running",
        ]);
    }

    #[test]
    fn a_refusal_is_told_once() {
        let reject = PermissionOption { option_id: "n".into(), name: "No".into(), kind: OptionKind::RejectOnce };
        for (outcome, output, expect) in [
            ("No: too slow", "The user said no: too slow", None),
            ("No", ToolResult::NOT_WANTED, None),
            ("No", "Ask again later", Some("  | Ask again later")),
        ] {
            let mut talk = Talk::default();
            talk.tool("t", None, "Bash", "make");
            let (request_id, tool_use_id) = ("r".into(), Some("t".into()));
            let (options, outcome) = (vec![reject.clone()], Some(outcome.to_owned()));
            let row = format!("  - {}", outcome.as_deref().unwrap_or_default());
            talk.say("p", None, Content::Permission { request_id, tool_use_id, tool: String::new(), options, outcome });
            let result =
                ToolResult { tool_use_id: "t".into(), output: output.into(), is_error: true, diff: Vec::new() };
            talk.say("t:result", None, Content::ToolResult(result));
            let lines: Vec<&str> = [Some("x Bash  make  refused"), expect, Some(&row)].into_iter().flatten().collect();
            talk.check(&lines);
        }
    }

    #[test]
    fn a_name_is_not_said_twice() {
        let mut talk = Talk::default();
        talk.tool("t", None, "Bash", "Bash");
        talk.check(&["- Bash  running"]);
        let mut talk = Talk::default();
        talk.tool("t", None, ToolCall::BY_USER, "make test");
        talk.check(&["- ! make test  running"]);
    }
}
