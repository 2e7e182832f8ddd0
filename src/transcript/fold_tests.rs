//! Messages and what becomes of them.

use super::*;
use serde_json::json;

fn message(id: &str, part: bool, content: Content) -> AgentMessage {
    AgentMessage { id: id.into(), parent_id: None, timestamp: 1, part, content }
}

fn changed(index: usize) -> Option<Change> {
    Some(Change { index, inserted: false })
}

fn text(text: &str) -> Content {
    Content::Text { text: text.into() }
}

fn call(id: &str, title: &str) -> Content {
    Content::ToolCall(ToolCall {
        tool_use_id: id.into(),
        name: "Bash".into(),
        kind: ToolKind::Execute,
        input: json!({}),
        title: title.into(),
        locations: Vec::new(),
    })
}

fn result(id: &str, output: &str, is_error: bool) -> Content {
    Content::ToolResult(ToolResult { tool_use_id: id.into(), output: output.into(), is_error, diff: Vec::new() })
}

#[test]
fn parts_grow_one_entry_and_the_whole_closes_it() {
    let mut transcript = Transcript::default();
    assert_eq!(transcript.fold(message("a", true, text("Hel"))), changed(0));
    assert_eq!(transcript.fold(message("a", true, text("lo"))), changed(0));
    assert!(transcript.entries()[0].open);
    assert_eq!(transcript.fold(message("a", false, text("Hello"))), changed(0));
    assert_eq!(transcript.entries().len(), 1);
    assert_eq!(transcript.entries()[0].body, Body::Text("Hello".into()));
    assert!(!transcript.entries()[0].open);
}

#[test]
fn an_empty_whole_text_withdraws_its_parts() {
    let mut transcript = Transcript::default();
    transcript.fold(message("a", true, text("half")));
    transcript.fold(message("a", false, text("")));
    assert_eq!(transcript.entries()[0].body, Body::Withdrawn);
    assert_eq!(transcript.fold(message("b", false, text(""))), None, "nothing said, nothing to show");
}

#[test]
fn a_result_finds_its_call_and_a_later_call_updates_it() {
    let mut transcript = Transcript::default();
    transcript.fold(message("m1", false, call("t1", "ls")));
    transcript.fold(message("m2", false, text("between")));
    assert_eq!(transcript.fold(message("m3", false, call("t1", "ls -la"))), changed(0));
    assert_eq!(transcript.fold(message("m4", false, result("t1", "out", false))), changed(0));
    let tool = transcript.tool(&"t1".into()).expect("the call is there");
    assert_eq!((tool.call.title.as_str(), tool.output.as_str(), tool.state), ("ls -la", "out", ToolState::Done));
}

#[test]
fn live_output_grows_and_the_result_replaces_it() {
    let mut transcript = Transcript::default();
    transcript.fold(message("m1", false, call("t1", "make")));
    transcript.fold(message("m2", true, result("t1", "a", false)));
    transcript.fold(message("m2", true, result("t1", "b", false)));
    assert_eq!(transcript.tool(&"t1".into()).map(|t| t.output.clone()), Some("ab".into()));
    transcript.fold(message("m2", false, result("t1", "all", true)));
    let tool = transcript.tool(&"t1".into()).expect("the call is there");
    assert_eq!((tool.output.as_str(), tool.state), ("all", ToolState::Failed));
}

#[test]
fn what_the_user_did_not_want_has_not_failed() {
    let options = [("Allow", OptionKind::AllowOnce), ("Reject", OptionKind::RejectOnce)]
        .map(|(name, kind)| PermissionOption { option_id: name.into(), name: name.into(), kind });
    for (outcome, output, is_error, state, refusal) in [
        ("Reject: too slow", "no: too slow", true, ToolState::Refused, Some("too slow")),
        ("Reject", ToolResult::NOT_WANTED, true, ToolState::Refused, Some("")),
        ("Reject (forbidden by your rule `command(rm)`)", "your rule forbids it", true, ToolState::Refused, Some("")),
        ("Rejected by whom?", "boom", true, ToolState::Failed, None),
        ("Allow", "boom", true, ToolState::Failed, None),
        ("Allow", "out", false, ToolState::Done, None),
        ("cancelled", ToolResult::NOT_WANTED, true, ToolState::Cancelled, None),
        ("Allow", ToolResult::CUT_SHORT, true, ToolState::Cancelled, None),
    ] {
        let mut transcript = Transcript::default();
        transcript.fold(message("m1", false, call("t1", "make")));
        for outcome in [None, Some(outcome.to_owned())] {
            let (request_id, tool_use_id) = ("r".into(), Some("t1".into()));
            let options = options.to_vec();
            let asked = Content::Permission { request_id, tool_use_id, tool: String::new(), options, outcome };
            transcript.fold(message("p", false, asked));
        }
        transcript.fold(message("m2", false, result("t1", output, is_error)));
        assert_eq!(transcript.tool(&"t1".into()).map(|tool| tool.state), Some(state), "{outcome}");
        assert_eq!(transcript.refusal(&"t1".into()), refusal);
    }
}

#[test]
fn a_result_without_a_call_is_shown_too() {
    let mut transcript = Transcript::default();
    assert_eq!(transcript.fold(message("m1", false, result("t9", "out", false))), changed(0));
    assert_eq!(transcript.tool(&"t9".into()).map(|t| t.output.clone()), Some("out".into()));
}

#[test]
fn a_plan_updates_in_place() {
    let mut transcript = Transcript::default();
    let plan = |n: usize| {
        let entry = crate::domain::PlanEntry { text: "x".into(), status: Default::default() };
        Content::Plan(crate::domain::Plan { entries: vec![entry; n] })
    };
    transcript.fold(message("p", false, plan(1)));
    transcript.fold(message("q", false, text("hm")));
    assert_eq!(transcript.fold(message("p", false, plan(2))), changed(0));
    assert_eq!(transcript.entries().len(), 2);
}

#[test]
fn others_that_look_different_are_named() {
    let mut transcript = Transcript::default();
    let of = |parent: Option<&str>, id: &str, content| AgentMessage {
        parent_id: parent.map(Into::into),
        ..message(id, false, content)
    };
    transcript.fold(of(None, "m1", call("t1", "look")));
    assert_eq!(transcript.fold(of(Some("t1"), "m2", call("t2", "ls"))), changed(1));
    let related = |transcript: &Transcript, index| transcript.related(index).collect::<Vec<_>>();
    assert_eq!(related(&transcript, 1), [0], "its caller counts it");
    assert_eq!(transcript.tool(&"t1".into()).map(|tool| tool.calls), Some(1));
    assert_eq!(related(&transcript, 0), [1], "what the subagent does is told under the caller's name");
    let asked = |outcome: Option<&str>| Content::Permission {
        request_id: "r".into(),
        tool_use_id: Some("t2".into()),
        tool: "Bash".into(),
        options: Vec::new(),
        outcome: outcome.map(str::to_owned),
    };
    transcript.fold(of(None, "p", asked(None)));
    assert_eq!(related(&transcript, 2), [1]);
    let waits = |transcript: &Transcript| transcript.tool(&"t2".into()).map(|tool| tool.asked);
    assert_eq!(waits(&transcript), Some(true));
    transcript.fold(of(None, "p", asked(Some("Allow"))));
    assert_eq!(waits(&transcript), Some(false));
    // A call that comes after its question waits too.
    transcript.fold(of(
        None,
        "q",
        Content::Permission {
            request_id: "s".into(),
            tool_use_id: Some("t3".into()),
            tool: String::new(),
            options: Vec::new(),
            outcome: None,
        },
    ));
    transcript.fold(of(None, "m3", call("t3", "late")));
    assert_eq!(transcript.tool(&"t3".into()).map(|tool| tool.asked), Some(true));
    transcript.fold(message("x", true, text("half")));
    transcript.fold(message("y", false, text("below")));
    assert_eq!(related(&transcript, 5), [] as [usize; 0]);
    transcript.fold(message("x", false, text("")));
    assert_eq!(related(&transcript, 5), [6], "its neighbour above is gone");
    assert_eq!(related(&transcript, 99), [] as [usize; 0]);
}

#[test]
fn what_belongs_to_a_call_stands_below_it() {
    let mut transcript = Transcript::default();
    let mut say = |parent: Option<&str>, id: &str, content| {
        transcript.fold(AgentMessage { parent_id: parent.map(Into::into), ..message(id, false, content) })
    };
    let inserted = |index| Some(Change { index, inserted: true });
    assert_eq!(say(None, "m1", call("a", "")), changed(0));
    assert_eq!(say(None, "m2", call("b", "")), changed(1));
    assert_eq!(say(Some("a"), "m3", call("c", "")), inserted(1));
    assert_eq!(say(Some("b"), "m4", text("b said")), changed(3));
    assert_eq!(say(Some("c"), "m5", call("d", "")), inserted(2), "two deep");
    assert_eq!(say(Some("a"), "m6", text("a said")), inserted(3), "after all that stands below it");
    assert_eq!(say(None, "m7", text("end")), changed(6));
    assert_eq!(say(Some("nobody"), "m8", text("x")), changed(7), "who is that?");
    let asked = Content::Permission {
        request_id: "r".into(),
        tool_use_id: Some("c".into()),
        tool: String::new(),
        options: Vec::new(),
        outcome: None,
    };
    assert_eq!(say(None, "p", asked), inserted(3), "it is asked about c");
    // Later messages find what has moved.
    assert_eq!(say(None, "m9", result("b", "out", false)), changed(5));
    assert_eq!(say(Some("b"), "m4", text("b said more")), changed(6));
    assert_eq!(say(Some("a"), "m6", text("")), changed(4), "taken back");
    assert_eq!(say(Some("a"), "m10", text("late")), inserted(5), "after the call has ended, too");
    let bodies = transcript.entries().iter().map(|entry| match &entry.body {
        Body::Tool(tool) => tool.call.tool_use_id.as_str(),
        Body::Text(text) => text,
        Body::Permission { .. } => "?",
        _ => "-",
    });
    assert_eq!(bodies.collect::<Vec<_>>(), ["a", "c", "d", "?", "-", "late", "b", "b said more", "end", "x"]);
    assert_eq!(transcript.related(3).collect::<Vec<_>>(), [1], "its call");
    assert_eq!(transcript.related(4).collect::<Vec<_>>(), [5], "what stands below it has another neighbour");
    for (index, entry) in transcript.entries().iter().enumerate() {
        assert_eq!(transcript.position(entry.id), Some(index));
        assert_eq!(transcript.entry(entry.id), Some(entry));
    }
    let latest: Vec<usize> = transcript.latest().map(|(index, _)| index).collect();
    assert_eq!(latest[..3], [5, 3, 9], "what came last, first");
}

mod any_split {
    use proptest::{prelude::*, sample::Index};

    use super::*;

    /// What an agent says whole: texts, thoughts and outputs that may come in parts, and what comes between them.
    fn said() -> impl Strategy<Value = Content> {
        let words = "[a-zä日\u{1f980}`#\\n ]{0,40}";
        prop_oneof![
            4 => words.prop_map(|text| Content::Text { text }),
            2 => words.prop_map(|text| Content::Thinking { text }),
            3 => (0..4usize, words, any::<bool>()).prop_map(|(id, output, failed)| result(&format!("t{id}"), &output, failed)),
            2 => (0..4usize, words).prop_map(|(id, title)| call(&format!("t{id}"), &title)),
            1 => words.prop_map(|message| Content::Status { subtype: "s".into(), message }),
        ]
    }

    fn text_of(content: &mut Content) -> Option<&mut String> {
        match content {
            Content::Text { text } | Content::Thinking { text } => Some(text),
            Content::ToolResult(result) => Some(&mut result.output),
            _ => None,
        }
    }

    /// The parts of a message, cut anywhere.
    fn parts(whole: &AgentMessage, cuts: &[Index]) -> Vec<AgentMessage> {
        let mut content = whole.content.clone();
        let Some(text) = text_of(&mut content).map(std::mem::take).filter(|text| !text.is_empty()) else {
            return Vec::new();
        };
        let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| bounds[cut.index(bounds.len())]).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let part = |pair: &[usize]| {
            let mut content = content.clone();
            if let Content::ToolResult(result) = &mut content {
                // How it went is not known before the end.
                result.is_error = false;
            }
            if let Some(piece) = text_of(&mut content) {
                piece.push_str(&text[pair[0]..pair[1]]);
            }
            AgentMessage { part: true, content, ..whole.clone() }
        };
        cuts.windows(2).map(part).collect()
    }

    /// Whose subagent says it, if any.
    fn of() -> impl Strategy<Value = Option<ToolUseId>> {
        prop_oneof![2 => Just(None), 1 => (0..4usize).prop_map(|id| Some(format!("t{id}").into()))]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_split_of_a_stream_is_the_same_transcript(
            said in prop::collection::vec((of(), said(), prop::collection::vec(any::<Index>(), 0..5)), 1..12),
        ) {
            let (mut whole, mut split) = (Transcript::default(), Transcript::default());
            for (at, (parent_id, content, cuts)) in said.into_iter().enumerate() {
                let message = AgentMessage { parent_id, ..message(&format!("m{at}"), false, content) };
                for part in parts(&message, &cuts) {
                    split.fold(part);
                }
                // A text that its parts have told whole says so by its whole.
                split.fold(message.clone());
                whole.fold(message);
            }
            let told = |transcript: &Transcript| {
                // How often a text became another one is of how it came.
                let entry = |entry: &Entry| (entry.parent.clone(), entry.open, entry.body.clone());
                transcript.entries().iter().map(entry).collect::<Vec<_>>()
            };
            prop_assert_eq!(told(&split), told(&whole));
        }
    }
}
