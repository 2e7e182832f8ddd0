//! Turns played without a process: a prompt and the host's messages in, lines out, no pause.

use std::{
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
};

use serde_json::Value;

use super::*;

/// What a turn said, and how it ended.
struct Played {
    bytes: Vec<u8>,
    end: Result<Outcome, Cut>,
    _host: SyncSender<inbox::FromHost>,
}

fn play_in(cwd: &Path, prompt: &str, host: &[Value]) -> Played {
    let mut bytes = Vec::new();
    let (sender, receiver) = sync_channel(host.len() + 1);
    for message in host {
        sender.try_send(inbox::parse(&message.to_string())).expect("the channel is large enough");
    }
    let mut stage = Stage::new(&mut bytes, receiver, 0.0, "run");
    let mut voice = Voice::new(&stage);
    let raw = json!({"type": "query", "sessionId": "s1", "prompt": prompt, "cwd": cwd});
    let inbox::FromHost::Query(query) = inbox::parse(&raw.to_string()) else { panic!("it is a query") };
    stage.begin(&query).expect("the output takes it");
    let mut end = turn(&mut stage, &mut voice, &query);
    if let Err(Cut::Interrupted) = end {
        voice.interrupted(&mut stage).expect("the output takes it");
        end = Err(Cut::Interrupted);
    }
    stage.flush().expect("the output takes it");
    drop(stage);
    Played { bytes, end, _host: sender }
}

fn play(prompt: &str, host: &[Value]) -> Played {
    play_in(Path::new("/nowhere"), prompt, host)
}

impl Played {
    fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    fn events(&self) -> Vec<Value> {
        let events = self.lines().into_iter().filter(|line| line["type"] == "agent_event");
        events.map(|mut line| line["event"].take()).collect()
    }

    /// The whole texts of one kind of block, joined.
    fn whole(&self, kind: &str) -> String {
        let events = self.events().into_iter().filter(|event| event["type"] == "assistant");
        events.filter_map(|event| event["message"]["content"][0][kind].as_str().map(str::to_owned)).collect()
    }

    /// The same from the pieces that were streamed.
    fn streamed(&self, kind: &str) -> String {
        let events = self.events().into_iter().filter(|event| event["type"] == "stream_event");
        events.filter_map(|event| event["event"]["delta"][kind].as_str().map(str::to_owned)).collect()
    }

    fn of_type(&self, kind: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["type"] == kind).collect()
    }

    fn results(&self) -> Vec<(String, bool)> {
        let events = self.events().into_iter().filter(|event| event["type"] == "user");
        let blocks = events.map(|mut event| event["message"]["content"][0].take());
        let results = blocks.filter(|block| block["type"] == "tool_result");
        results
            .map(|block| (block["content"].as_str().unwrap_or_default().to_owned(), block["is_error"] == true))
            .collect()
    }

    #[track_caller]
    fn result(&self) -> Value {
        let mut results: Vec<Value> = self.events().into_iter().filter(|event| event["type"] == "result").collect();
        assert_eq!(results.len(), 1, "a turn has one result");
        results.remove(0)
    }
}

fn answer(at: usize, option: &str) -> Value {
    json!({"type": "permission_response", "sessionId": "s1", "requestId": format!("run-ask-{at}"), "optionId": option})
}

fn refusal(at: usize, reason: &str) -> Value {
    let mut answer = answer(at, "reject");
    answer["message"] = reason.into();
    answer
}

#[test]
fn what_is_streamed_is_what_is_whole_and_what_was_ordered() {
    for (prompt, kind, expect) in [
        ("stream 100 0 7", "text", words::piece(false, 0, 700)),
        ("stream 30 500 31 markdown", "text", words::piece(true, 0, 930)),
        ("think 10 0 5", "thinking", words::piece(false, 0, 50)),
    ] {
        let played = play(prompt, &[]);
        assert!(matches!(played.end, Ok(Outcome::Stopped)));
        assert_eq!(played.whole(kind), expect);
        assert_eq!(played.streamed(kind), expect);
    }
}

#[test]
fn a_text_that_is_too_long_for_a_line_goes_on_in_another_message() {
    let played = play("stream 3 0 3000000", &[]);
    assert_eq!(played.whole("text"), words::piece(false, 0, 9_000_000));
    let longest = played.bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest.is_some_and(|longest| longest < 10 * 1024 * 1024), "{longest:?}");
}

#[test]
fn the_tour_tells_what_it_is_and_what_it_was_told() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("a.rs"), "fn a() {}\nfn b() {}\n").expect("a file is written");
    let prompt = "Why so?\nReally\n\nFrom `a.rs`, lines 1-2:\n```rust\nfn a() {}\nfn b() {}\n```";
    let played = play_in(folder.path(), prompt, &[refusal(1, "not \"now\"")]);
    let text = played.whole("text");
    for part in [
        "no model",
        "> Why so?\n> Really\n",
        "2 lines of rust from `a.rs` (lines 1-2)",
        "```rs\nfn a() {}",
        "“not \"now\"”",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert!(played.whole("thinking").contains("3 words"));
    let results = played.results();
    assert!(results.contains(&("fn a() {}\nfn b() {}".to_owned(), false)), "the file was really read: {results:?}");
    assert!(results.contains(&("not \"now\"".to_owned(), true)), "the agent gets the reason word for word");
    assert_eq!(
        played.of_type("permission_request")[0]["input"]["file_path"],
        json!(folder.path().join("agor-demo.md"))
    );
    assert!(!folder.path().join("agor-demo.md").exists());
    assert!(played.result()["total_cost_usd"].as_f64().is_some_and(|cost| cost > 0.0));
}

#[test]
fn the_tour_writes_only_what_was_allowed() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let note = folder.path().join("agor-demo.md");
    let read = || std::fs::read_to_string(&note).expect("the note is there");
    play_in(folder.path(), "One", &[answer(1, "allow")]);
    let first = read();
    assert!(first.ends_with("You asked:\n\n- One\n"), "{first}");
    play_in(
        folder.path(),
        "Two",
        &[json!({"type": "permission_response", "requestId": "run-ask-1", "cancelled": true})],
    );
    assert_eq!(read(), first);
    let played = play_in(folder.path(), "Three", &[answer(1, "always")]);
    assert_eq!(read(), format!("{first}- Three\n"));
    assert_eq!(played.of_type("permission_request")[0]["toolName"], "Edit");
}

#[test]
fn an_empty_project_is_no_reason_to_fail() {
    let played = play_in(Path::new("/nowhere/at/all"), "", &[answer(1, "allow")]);
    assert!(matches!(played.end, Ok(Outcome::Stopped)));
    assert!(played.whole("text").contains("no text file"));
    assert!(played.results().iter().any(|(text, is_error)| *is_error && text.contains("was not written")));
}

#[test]
fn a_yes_for_the_session_is_asked_for_once() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let played = play_in(folder.path(), "edit f", &[answer(1, "always")]);
    assert_eq!(played.of_type("permission_request").len(), 1);
    let mut bytes = Vec::new();
    let (_host, receiver) = sync_channel(1);
    let mut stage = Stage::new(&mut bytes, receiver, 0.0, "run");
    stage.trusted = true;
    let mut voice = Voice::new(&stage);
    let query = Query { prompt: "edit f".into(), cwd: folder.path().into(), ..Query::default() };
    stage.begin(&query).expect("the output takes it");
    assert!(matches!(turn(&mut stage, &mut voice, &query), Ok(Outcome::Stopped)), "nobody was there to answer");
    let text = std::fs::read_to_string(folder.path().join("f")).expect("it is written");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn permissions_are_answered_in_any_order() {
    let played = play("permission 3", &[answer(3, "always"), refusal(1, "why?"), answer(2, "allow")]);
    assert_eq!(played.whole("text"), "- 1: refused: why?\n- 2: allowed\n- 3: allowed\n");
    let request = &played.of_type("permission_request")[1];
    let calls: Vec<Value> = played.events().into_iter().filter(|event| event["type"] == "assistant").collect();
    assert_eq!(request["toolUseId"], calls[1]["message"]["content"][0]["id"]);
    assert_eq!(played.results().len(), 3);
}

#[test]
fn questions_and_their_answers() {
    let answers = json!({"Which colour do you want?": ["Blue"], "Which extras?": ["Docs", "Tests"]});
    let answer = json!({"type": "question_response", "requestId": "run-ask-1", "answers": answers});
    let played = play("ask", &[answer]);
    assert_eq!(played.whole("text"), format!("Your answers: {answers}"));
    assert_eq!(played.of_type("question_request")[0]["questions"][1]["multiSelect"], true);
    let declined = play("ask", &[json!({"type": "question_response", "requestId": "run-ask-1", "cancelled": true})]);
    assert_eq!(declined.whole("text"), "You did not answer.");
}

#[test]
fn a_plan_is_taken_as_edited() {
    let mut edited = answer(1, "allow");
    edited["input"] = json!({"plan": "# Mine"});
    assert_eq!(play("plan", &[edited]).whole("text"), "The approved plan:\n\n# Mine");
    assert_eq!(play("plan", &[refusal(1, "too short")]).whole("text"), "The plan was refused: too short");
}

#[test]
fn an_interrupt_cuts_a_stream_and_keeps_what_was_said() {
    let played = play("stream 100000 0 3", &[json!({"type": "interrupt", "sessionId": "s1"})]);
    assert_eq!(played.end.as_ref().err(), Some(&Cut::Interrupted));
    let text = played.whole("text");
    assert_eq!(text, words::piece(false, 0, text.len()));
    assert!(!text.is_empty() && text.len() < 300_000);
    assert_eq!(played.result()["terminal_reason"], "aborted_streaming");
}

#[test]
fn an_interrupt_answers_the_open_call() {
    let cancelled = json!({"type": "permission_response", "requestId": "run-ask-1", "cancelled": true});
    for host in [vec![cancelled, json!({"type": "interrupt"})], vec![json!({"type": "interrupt"})]] {
        let played = play("permission", &host);
        assert_eq!(played.end.as_ref().err(), Some(&Cut::Interrupted));
        assert_eq!(played.results(), [("[Request interrupted by user for tool use]".to_owned(), true)]);
        assert_eq!(played.result()["terminal_reason"], "aborted_tools");
    }
}

#[test]
fn ends_are_as_ordered() {
    let stop = json!({"type": "stop"});
    for (prompt, host, expect) in [
        ("exit 3", None, Cut::Exit(3)),
        ("half line", None, Cut::Exit(1)),
        ("crash", None, Cut::Crash),
        ("hang", Some(stop.clone()), Cut::Stopped),
        ("permission", Some(stop), Cut::Stopped),
    ] {
        let played = play(prompt, host.as_slice());
        assert_eq!(played.end.as_ref().err(), Some(&expect), "{prompt}");
    }
    assert!(!play("half line", &[]).bytes.ends_with(b"\n"));
    let played = play("fail with \"style\"", &[]);
    assert!(matches!(played.end, Ok(Outcome::Failed(message)) if message == "with \"style\""));
}

#[test]
fn a_host_that_is_gone_ends_the_turn() {
    let mut stage = Stage::new(Vec::new(), sync_channel(1).1, 0.0, "run");
    let mut voice = Voice::new(&stage);
    let query = Query { prompt: "hang".into(), ..Query::default() };
    assert_eq!(turn(&mut stage, &mut voice, &query).err(), Some(Cut::Ended));
}

#[test]
fn an_echo_is_exact() {
    let prompt = "echo \"a\" | %#\\ \t\u{1}ü🦀\n\nFrom `x`:\n```\n  y\n```";
    let said = play(prompt, &[]).whole("text");
    assert_eq!(serde_json::from_str::<String>(&said).expect("a JSON string"), prompt);
    let query: Value = serde_json::from_str(&play("query", &[]).whole("text")).expect("a JSON object");
    assert_eq!(query["cwd"], "/nowhere");
}

#[test]
fn a_cost_may_be_anything() {
    assert_eq!(play("cost 1.5", &[]).result()["total_cost_usd"], 1.5);
    assert_eq!(play("cost lots", &[]).result()["total_cost_usd"], "lots");
    assert_eq!(play("cost null", &[]).result()["total_cost_usd"], Value::Null);
}

#[test]
fn a_long_line_is_as_long_as_ordered() {
    for bytes in [5, 1024, 10_000] {
        let played = play(&format!("long line {bytes}"), &[]);
        let frame = "{\"type\":\"\"}".len();
        assert!(played.bytes.split(|byte| *byte == b'\n').any(|line| line.len() == bytes + frame));
    }
}

#[test]
fn bytes_leave_as_they_are() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("b"), b"\xff\n{\"type\":\"pong\"}\r\nhalf").expect("a file is written");
    let played = play_in(folder.path(), "bytes b", &[]);
    let needle = b"\xff\n{\"type\":\"pong\"}\r\nhalf";
    assert!(played.bytes.windows(needle.len()).any(|window| window == needle));
    assert!(play_in(folder.path(), "bytes gone", &[]).whole("text").contains("cannot be read"));
}

#[test]
fn garbage_is_followed_by_sense() {
    let played = play("garbage", &[]);
    let text = String::from_utf8_lossy(&played.bytes);
    let objects = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(Value::is_object);
    let types: Vec<String> = objects.map(|object| object["type"].to_string()).collect();
    assert!(types.iter().all(|kind| kind == "\"agent_event\"" || kind == "\"agent_started\""), "{types:?}");
    assert!(text.contains("That was garbage."));
    assert!(text.lines().any(|line| line.contains('\u{fffd}')));
}

#[test]
fn the_background_begins_a_turn_of_its_own() {
    let played = play("background", &[]);
    let order: Vec<String> = played
        .lines()
        .iter()
        .filter(|line| line["type"] != "agent_event")
        .map(|line| line["type"].to_string())
        .collect();
    assert_eq!(order, ["\"agent_started\"", "\"agent_stopped\"", "\"agent_started\""]);
}

#[test]
fn the_host_is_answered_meanwhile() {
    let played = play("tool", &[json!({"type": "ping"}), json!({"type": "new"}), json!({"type": "query"}), json!([1])]);
    assert_eq!(played.of_type("pong").len(), 1);
    let complaints: Vec<Value> = played.of_type("error").iter_mut().map(|error| error["message"].take()).collect();
    assert_eq!(complaints, ["unknown message type: new", "a query needs a prompt", "this is no JSON object: [1]"]);
}

#[test]
fn every_order_of_the_help_is_one() {
    let orders =
        HELP.lines().skip_while(|line| !line.starts_with("  stream")).take_while(|line| line.starts_with("  "));
    let mut count = 0;
    for line in orders {
        let (order, _) = line.trim_start().split_once("  ").expect("an order and what it does");
        for order in order.split(", ") {
            let order = order.split(" [").next().unwrap_or_default();
            let order = order
                .replace('N', "1")
                .replace("RATE", "1")
                .replace("SIZE", "1")
                .replace("1AME", "A")
                .replace("TEXT", "x");
            assert!(Order::parse(&order).is_some(), "{order}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
