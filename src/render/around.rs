//! What an entry's lines take from the entries beside it: who speaks, what is told there already, an empty line between.

use super::flow::Layout;
use crate::{
    domain::ToolResult,
    transcript::{Body, Entry, ToolState, Transcript},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// The subagent's task, where it is another one's turn to speak.
    pub(super) speaker: Option<String>,
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
    let called = match &entry.body {
        Body::Permission { tool_use_id: Some(id), .. } => transcript.tool(id).is_some(),
        _ => false,
    };
    Around { speaker: speaker(transcript, index, entry), told, called, depth: depth(transcript, entry) }
}

/// A permission is asked where its call is.
fn depth(transcript: &Transcript, entry: &Entry) -> usize {
    let call = match &entry.body {
        Body::Permission { tool_use_id: Some(id), .. } => transcript.call(id),
        _ => None,
    };
    let first = call.unwrap_or(entry).parent.as_ref();
    // A call below itself is no depth.
    std::iter::successors(first, |parent| transcript.call(parent)?.parent.as_ref()).take(8).count()
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

/// Subagents work side by side, so what they do comes mixed.
fn speaker(transcript: &Transcript, index: usize, entry: &Entry) -> Option<String> {
    let parent = entry.parent.as_ref()?;
    let before = transcript.entries()[..index].iter().rev().find(|entry| entry.body != Body::Withdrawn);
    let goes_on = before.is_some_and(|before| match &before.body {
        Body::Tool(tool) if tool.call.tool_use_id == *parent => true,
        _ => before.parent.as_ref() == Some(parent),
    });
    let words = matches!(entry.body, Body::Text(_) | Body::Thinking(_));
    let words_before = before.is_some_and(|before| matches!(before.body, Body::Text(_)) && before.parent.is_some());
    if goes_on && (!words || words_before) {
        return None;
    }
    let tool = transcript.tool(parent)?;
    let title = if tool.call.title.is_empty() { &tool.call.name } else { &tool.call.title };
    Some(title.clone())
}

pub(super) fn has_gap(transcript: &Transcript, index: usize, layout: &Layout) -> bool {
    let entry = &transcript.entries()[index];
    let empty = layout.lines.is_empty() && (layout.flow.is_none() || flow_text(entry).is_empty());
    match index.checked_sub(1).and_then(|before| transcript.entries().get(before)) {
        Some(before) => !empty && gap(&before.body, &entry.body),
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

/// Whether an empty line sets two neighbours apart: ours stand close together, the agent's words and turns do not.
fn gap(before: &Body, after: &Body) -> bool {
    let quiet = |body: &Body| {
        matches!(
            body,
            Body::Tool(_)
                | Body::Permission { .. }
                | Body::Question { .. }
                | Body::Status { .. }
                | Body::Compaction(_)
                | Body::Unknown(_)
        )
    };
    !(quiet(before) && quiet(after) || matches!(after, Body::Withdrawn))
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
            let lines: Vec<String> = lines.skip(1).filter(|line| !line.is_empty()).collect();
            assert_eq!(lines, expect);
        }
    }

    #[test]
    fn what_subagents_do_side_by_side_says_whose_it_is() {
        let mut talk = Talk::default();
        talk.tool("a", None, "Agent", "Look").tool("in a", Some("a"), "Bash", "ls");
        talk.tool("b", None, "Agent", "Fix").tool("in b", Some("b"), "Bash", "make");
        talk.tool("more in b", Some("b"), "Bash", "make test");
        talk.text("said", Some("a"), "All is well.").text("end", None, "Both are done.");
        talk.check(&[
            "- Agent  Look  1 tool call  running",
            "  - Bash  ls  running",
            "- Agent  Fix  2 tool calls  running",
            "  - Bash  make  running",
            "  - Bash  make test  running",
            "  > Look",
            "  All is well.",
            "Both are done.",
        ]);
        // Its result says it again.
        talk.result("a", "All is well.\n");
        talk.check(&[
            "+ Agent  Look  1 tool call",
            "  | All is well.",
            "  - Bash  ls  running",
            "- Agent  Fix  2 tool calls  running",
            "  - Bash  make  running",
            "  - Bash  make test  running",
            "Both are done.",
        ]);
    }

    #[test]
    fn a_subagent_of_a_subagent_stands_further_in() {
        let mut talk = Talk::default();
        talk.tool("a", None, "Agent", "Outer").tool("b", Some("a"), "Agent", "Inner");
        talk.tool("c", Some("b"), "Bash", "ls").text("d", Some("b"), "One\n\nTwo\nThree\nFour");
        let (request_id, tool_use_id) = ("r".into(), Some("c".into()));
        let (tool, options) = ("Bash".into(), Vec::new());
        talk.say("p", None, Content::Permission { request_id, tool_use_id, tool, options, outcome: None });
        talk.check(&[
            "- Agent  Outer  1 tool call  running",
            "  - Agent  Inner  1 tool call  running",
            "    o Bash  ls  waiting for you",
            "    > Inner",
            "    One",
            "    Two",
            "    Three",
            "    ... 1 more line",
            "    ? The agent asks for permission  :Agor permit",
        ]);
        // One that is its own subagent is no reason to look for ever.
        let mut talk = Talk::default();
        talk.tool("a", Some("b"), "Agent", "A").tool("b", Some("a"), "Agent", "B");
        talk.check(&["        > B", "        - Agent  A  1 tool call  running", "        - Agent  B  running"]);
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
            questions: vec![question("Which?"), question("Why?")],
            outcome: outcome.map(str::to_owned),
        };
        let mut talk = Talk::default();
        talk.tool("t", None, "Ask", "Which?").say("q", None, asked(None));
        talk.check(&["- Ask  Which?  running", "? Which?  :Agor permit"]);
        talk.say("q", None, asked(Some("This\nSo"))).result("t", "The user said: This, So");
        talk.check(&["+ Ask  Which?", "? Which?", "  - This", "? Why?", "  - So"]);
        talk.say("q", None, asked(Some("cancelled")));
        talk.check(&["+ Ask  Which?", "? Which?", "? Why?", "  - cancelled"]);
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
