//! Calls as agents tell them, out of order and with less than all.

use super::*;
use crate::{
    agent::adapter::replay::outline,
    domain::{Content, Subject, ToolResult},
};
use serde_json::json;
use uuid::Uuid;

fn tools() -> Tools {
    Tools::new(Ids::new(Uuid::nil()), "/p".into())
}

fn tell(tools: &mut Tools, value: Value) -> Vec<Event> {
    let source = if value["sessionUpdate"] == "tool_call" { Source::Call } else { Source::Update };
    tools.tell(&value, source).expect("it names a call").events
}

fn results(events: &[Event]) -> Vec<(bool, &ToolResult)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Message { part, content: Content::ToolResult(result), .. } => Some((*part, result)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_call_is_what_all_its_messages_say_together() {
    // As claude-agent-acp 0.49.0 tells it.
    let mut tools = tools();
    let mark = json!({"claudeCode": {"toolName": "Bash", "parentToolUseId": "sub"}});
    let mut events = tell(
        &mut tools,
        json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Terminal", "kind": "execute",
            "status": "pending", "rawInput": {}, "content": [], "_meta": mark}),
    );
    events.extend(tell(
        &mut tools,
        json!({"toolCallId": "t", "title": "touch a", "rawInput": {"command": "touch a"}, "status": null,
            "content": [{"type": "content", "content": {"type": "text", "text": "Makes a"}}], "_meta": mark}),
    ));
    events.extend(tell(&mut tools, json!({"toolCallId": "t", "_meta": mark})));
    events.extend(tell(
        &mut tools,
        json!({"toolCallId": "t", "status": "completed", "rawOutput": "done",
            "content": [{"type": "content", "content": {"type": "text", "text": "```console\ndone\n```"}}]}),
    ));
    assert_eq!(
        outline(&events),
        "[t < sub] tool_call {\"tool_use_id\":\"t\",\"name\":\"Bash\",\"kind\":\"execute\",\"input\":{},\"title\":\"Terminal\"}\n\
         [t < sub] tool_call {\"tool_use_id\":\"t\",\"name\":\"Bash\",\"kind\":\"execute\",\"input\":{\"command\":\"touch a\"},\
         \"title\":\"touch a\"}\n\
         [1 < sub] tool_result {\"tool_use_id\":\"t\",\"output\":\"done\",\"is_error\":false}\n"
    );
    assert!(tools.close().is_empty());
}

#[test]
fn an_update_of_an_unknown_call_makes_it() {
    let mut tools = tools();
    let events = tell(&mut tools, json!({"toolCallId": "t", "status": "completed", "title": "ls", "kind": "execute"}));
    assert!(matches!(&events[0], Event::Message { content: Content::ToolCall(call), .. } if call.name == "execute"));
    assert_eq!(results(&events)[0].1.output, "");
    assert!(tools.tell(&json!({"title": "no id"}), Source::Update).is_none());
}

#[test]
fn repeated_outputs_are_told_once() {
    // As opencode 1.18.33 tells them.
    let mut tools = tools();
    let told = |text: &str, status: &str| json!({"toolCallId": "t", "status": status, "content": [{"type": "content", "content": {"type": "text", "text": text}}]});
    let mut events = Vec::new();
    for (text, status) in [
        ("a\n", "in_progress"),
        ("a\nb\n", "in_progress"),
        ("a\nb\n", "in_progress"),
        ("rewritten", "in_progress"),
        ("all", "completed"),
        ("all", "completed"),
    ] {
        events.extend(tell(&mut tools, told(text, status)));
    }
    let got: Vec<_> = results(&events).into_iter().map(|(part, result)| (part, result.output.as_str())).collect();
    assert_eq!(got, [(true, "a\n"), (true, "b\n"), (false, "all")]);
}

#[test]
fn a_display_of_a_terminal_is_the_output() {
    // As codex-acp 2.6.0 and claude-agent-acp 0.49.0 tell it.
    let mut tools = tools();
    let meta = |key: &str, data: &str| json!({"toolCallId": "t", "_meta": {key: {"terminal_id": "t", "data": data}}});
    let mut events = tell(
        &mut tools,
        json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "make", "status": "in_progress",
            "content": [{"type": "terminal", "terminalId": "t"}], "_meta": {"terminal_info": {"terminal_id": "t"}}}),
    );
    events.extend(tell(&mut tools, meta("terminal_output_delta", "tick 1\n")));
    events.extend(tell(&mut tools, meta("terminal_output", "tick 2\n")));
    events.extend(tell(
        &mut tools,
        json!({"toolCallId": "t", "status": "failed", "_meta": {"terminal_exit": {"exit_code": 1}}}),
    ));
    let got: Vec<_> = results(&events).into_iter().map(|(part, r)| (part, r.is_error, r.output.as_str())).collect();
    assert_eq!(got, [(true, false, "tick 1\n"), (true, false, "tick 2\n"), (false, true, "tick 1\ntick 2\n")]);
}

#[test]
fn a_terminals_text_is_told_in_pieces_wherever_it_stands() {
    let (said, shown) =
        (json!({"type": "content", "content": {"type": "text", "text": "log"}}), json!({"type": "terminal"}));
    let more = |data: &str| json!({"toolCallId": "t", "_meta": {"terminal_output_delta": {"data": data}}});
    let content = |content: &[&Value]| json!({"toolCallId": "t", "status": "in_progress", "content": content});
    let parts = |updates: &[Value]| {
        let mut tools = tools();
        let events: Vec<Event> = updates.iter().flat_map(|update| tell(&mut tools, update.clone())).collect();
        results(&events).into_iter().map(|(_, result)| result.output.clone()).collect::<Vec<_>>()
    };
    let (before, after) = (content(&[&said, &shown]), content(&[&shown, &said]));
    assert_eq!(parts(&[before.clone(), more("a\n"), more("b"), more(""), more("é\n")]), ["log", "\na\n", "b", "é\n"]);
    // What stands behind it would have to move: that is told at the end.
    assert_eq!(parts(&[after.clone(), more("a\n"), more("b\n")]), ["log"]);
    // The pieces go on when the content was told anew.
    assert_eq!(parts(&[more("a\n"), more("b\n"), content(&[&shown]), more("c\n")]), ["a\n", "b\n", "c\n"]);
    assert_eq!(parts(&[more("a\n"), more("b\n"), before, more("c\n")]), ["a\n", "b\n"]);
}

/// With all earlier ones looked at again for each line, this would go through hundreds of gigabytes and not end.
#[test]
fn a_command_that_prints_much_costs_what_it_prints() {
    let mut tools = tools();
    let line = "x".repeat(99) + "\n";
    let more = json!({"toolCallId": "t", "_meta": {"terminal_output_delta": {"data": line}}});
    let count = 50_000;
    let told: usize = (0..count)
        .map(|_| results(&tell(&mut tools, more.clone())).iter().map(|(_, result)| result.output.len()).sum::<usize>())
        .sum();
    assert_eq!(told, count * 100);
}

#[test]
fn what_was_said_before_a_call_ran_is_no_output() {
    let mut tools = tools();
    let early = json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "x", "status": "pending",
        "content": [{"type": "content", "content": {"type": "text", "text": "Says what for"}}]});
    tell(&mut tools, early);
    assert_eq!(tools.find("t").and_then(Call::remark).as_deref(), Some("Says what for"));
    let events = tell(&mut tools, json!({"toolCallId": "t", "status": "failed", "rawOutput": {"error": "boom"}}));
    assert_eq!(results(&events)[0].1.output, "boom");
}

#[test]
fn a_question_does_not_turn_a_call_back() {
    let mut tools = tools();
    let input = json!({"command": "ls", "cwd": "/p"});
    tell(
        &mut tools,
        json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "ls", "status": "in_progress", "rawInput": input}),
    );
    let asked = json!({"toolCallId": "t", "status": "pending", "title": "/p/a", "kind": "edit", "locations": [],
        "rawInput": {"command": "ls"}});
    let told = tools.tell(&asked, Source::Permission).expect("a call");
    assert_eq!(told.events.len(), 1);
    let call = tools.find("t").expect("it is known");
    assert_eq!((call.title("/p"), call.input()), ("a".to_owned(), &input));
}

#[test]
fn what_is_open_at_the_end_is_closed_and_said_to_be() {
    let mut tools = tools();
    for id in ["a", "b"] {
        tell(
            &mut tools,
            json!({"sessionUpdate": "tool_call", "toolCallId": id, "title": "x y", "status": "in_progress"}),
        );
    }
    tools.refuse(&"a".into());
    let events = tools.close();
    let got: Vec<_> = results(&events).into_iter().map(|(_, result)| result.output.as_str()).collect();
    assert_eq!(got, [ToolResult::NOT_WANTED, ToolResult::CUT_SHORT]);
    assert!(tools.close().is_empty());
    // An id that comes again after its end is another call.
    let again = json!({"sessionUpdate": "tool_call", "toolCallId": "a", "title": "y z"});
    let events = tell(&mut tools, again);
    assert!(
        matches!(&events[0], Event::Message { content: Content::ToolCall(call), .. } if call.tool_use_id == "a#2".into())
    );
    let late = tell(&mut tools, json!({"toolCallId": "b", "status": "completed", "rawOutput": "late"}));
    assert_eq!(results(&late)[0].1.output, "late");
}

#[test]
fn a_call_that_was_shown_before_its_tool_was_named_ends() {
    let mut tools = tools();
    let early = tell(&mut tools, json!({"toolCallId": "t", "title": "todowrite", "status": "in_progress"}));
    assert!(matches!(early.as_slice(), [Event::Message { content: Content::ToolCall(_), .. }]), "{early:?}");
    tell(
        &mut tools,
        json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "todowrite", "status": "pending"}),
    );
    let ended = tell(&mut tools, json!({"toolCallId": "t", "status": "completed", "rawOutput": "2 todos"}));
    assert_eq!(results(&ended).len(), 1, "{ended:?}");
}

#[test]
fn a_plans_tool_shows_as_the_plan_unless_it_fails() {
    let mut tools = tools();
    let announced = json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "todowrite", "kind": "other",
        "status": "pending", "rawInput": {}});
    assert_eq!(tell(&mut tools, announced), []);
    let todos = json!({"toolCallId": "t", "status": "in_progress", "rawInput": {"todos": [{"content": "A"}]}});
    let told = tools.tell(&todos, Source::Update).expect("a call");
    assert!(told.events.is_empty() && told.plan.is_some());
    let events = tell(&mut tools, json!({"toolCallId": "t", "status": "failed", "rawOutput": {"error": "no"}}));
    assert_eq!(results(&events)[0].1.output, "no");
    assert_eq!(events.len(), 2, "the call and its result");
}

#[test]
fn changes_that_were_told_beforehand_stay() {
    // opencode 1.18.33 tells what it writes when it asks, and no more when it has written.
    let mut tools = tools();
    let diff = json!({"type": "diff", "path": "/p/a", "oldText": "", "newText": "x\n"});
    let asked = json!({"toolCallId": "t", "title": "/p/a", "kind": "edit", "content": [diff]});
    tools.tell(&asked, Source::Permission).expect("a call");
    let said = json!([{"type": "content", "content": {"type": "text", "text": "Wrote file."}}]);
    let events = tell(&mut tools, json!({"toolCallId": "t", "status": "completed", "content": said}));
    let (_, result) = results(&events)[0];
    assert_eq!((result.output.as_str(), result.diff.len()), ("Wrote file.", 1));
    assert_eq!(result.diff[0].hunks[0].lines, ["+x"]);
}

#[test]
fn a_title_says_what_the_tools_name_does_not() {
    let place = |path: &str| json!([{"path": path}]);
    for (name, kind, title, extra, expect) in [
        ("Read", "read", "Read a b.rs", json!({"rawInput": {"file_path": "/p/a b.rs"}}), "a b.rs"),
        ("Read", "read", "Readme", json!({"rawInput": {"x": 1}}), "Readme"),
        ("bash", "execute", "bash -c 'x'", json!({"rawInput": {"command": "x"}}), "bash -c 'x'"),
        ("edit", "edit", "Editing files", json!({"locations": place("/p/src/a.rs")}), "src/a.rs"),
        ("edit", "edit", "Writing to a.rs", json!({"locations": place("/p/src/a.rs")}), "Writing to a.rs"),
        ("read", "read", "read", json!({"locations": place("/q/a.rs")}), "/q/a.rs"),
        ("edit", "edit", "Editing files", json!({"locations": [{"path": "/p/a"}, {"path": "/p/b"}]}), "Editing files"),
        ("x", "other", "/p/a", json!({}), "a"),
        ("x", "other", "", json!({}), ""),
    ] {
        let mut tools = tools();
        let mut call = json!({"toolCallId": "t", "name": name, "kind": kind, "title": title});
        call.as_object_mut().expect("an object").extend(extra.as_object().cloned().unwrap_or_default());
        tell(&mut tools, call);
        assert_eq!(tools.find("t").map(|call| call.title("/p")).as_deref(), Some(expect));
    }
}

#[test]
fn a_rule_is_made_of_files_only_where_the_input_is_about_no_others() {
    let subject = |call: Value| {
        let mut call = call;
        call["toolCallId"] = json!("t");
        let mut tools = tools();
        tell(&mut tools, call);
        tools.find("t").expect("it was told").subject("/p", &Value::Null)
    };
    let read = |input: Value| {
        subject(json!({"sessionUpdate": "tool_call", "title": "x", "kind": "read", "locations": [{"path": "/p/src/a"}],
            "rawInput": input}))
    };
    let known = Subject::Files { paths: vec!["/p/src/a".into()], change: false };
    for input in [json!({}), json!({"path": "/p/src/a"}), json!({"path": "src/a"}), json!({"file": "./src/a"})] {
        assert_eq!(read(input.clone()), known, "{input}");
    }
    for input in [json!({"path": "/etc/passwd"}), json!({"paths": ["/p/src/a", "../x"]}), json!({"target_file": "/b"})]
    {
        assert_eq!(read(input.clone()), Subject::Input, "{input}");
    }
}

#[test]
fn a_rule_is_made_of_what_the_request_says_and_the_call_shows() {
    let check = |kind: &str, called: Value, asked: Value, expect: Subject| {
        let mut tools = tools();
        let call =
            json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "x", "kind": kind, "rawInput": called});
        tell(&mut tools, call);
        tools.tell(&json!({"toolCallId": "t", "kind": kind, "rawInput": asked}), Source::Permission).expect("a call");
        assert_eq!(tools.find("t").expect("it is known").subject("/p", &asked), expect, "{called} {asked}");
    };
    let command = |command: &str| Subject::Command { command: command.into() };
    check("execute", json!({}), json!({"command": "ls"}), command("ls"));
    check("execute", json!({"command": "ls", "cwd": "/p"}), json!({"command": "ls"}), command("ls"));
    // The request may come before the command has.
    check("execute", json!({"cwd": "/p"}), json!({"command": "ls"}), command("ls"));
    check("execute", json!({"cwd": "/p"}), json!({}), Subject::Always);
    check("execute", json!({"command": "ls"}), json!({"command": "rm x"}), Subject::Always);
    check("move", json!({"to": "a"}), json!({"to": "a"}), Subject::Input);
    check("move", json!({"to": "a"}), json!({"to": "b"}), Subject::Always);
    check("move", json!({"to": "a"}), json!({"from": "b"}), Subject::Always);
}
