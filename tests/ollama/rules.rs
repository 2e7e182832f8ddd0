//! What the user's rules say of what the model calls for: each call is told of before it runs, where there are such rules.

use std::{fs, sync::Arc};

use agor_nvim::domain::{
    Command, Event, Judgement, PermissionRequest, StartOptions, Subject,
    policy::{Policy, PolicyRule},
};

use super::{project, results, start, start_with, tools::EDIT, turn};
use crate::{ollama::Ollama, runner::Runner};

const SECRET: &str = "0x5ec4e7";

fn restricted(options: &mut StartOptions) {
    options.policy = Arc::new(Policy { deny: vec![PolicyRule::default()], ..Policy::default() });
}

fn begin(server: &Ollama, change: impl FnOnce(&mut StartOptions)) -> Runner {
    let runner = start_with(server, |options| {
        restricted(options);
        change(options);
    });
    fs::write(project(&runner).join("a.txt"), format!("one\ntwo {SECRET}?\n")).expect("a file");
    fs::write(project(&runner).join(".env"), format!("KEY={SECRET}\n")).expect("a file");
    runner
}

fn files(request: &PermissionRequest) -> (Vec<&str>, bool) {
    let Subject::Files { paths, change } = &request.subject else { panic!("no files: {request:?}") };
    (paths.iter().map(|path| path.rsplit('/').next().unwrap_or_default()).collect(), *change)
}

/// A turn in which each call is judged so, and each question answered with `option`.
async fn judged(
    runner: &mut Runner,
    prompt: &str,
    judge: impl Fn(&PermissionRequest) -> Judgement,
    option: &str,
) -> Vec<Event> {
    runner.prompt(prompt);
    let mut events = Vec::new();
    while !matches!(events.last(), Some(Event::TurnEnded { .. })) {
        let event = runner.next().await.expect("it lives");
        match &event {
            Event::Call(call) => {
                let (request_id, judgement) = (call.request_id.clone(), judge(call));
                runner.command(Command::Judged { request_id, judgement });
            }
            Event::Permission(request) => {
                let id = request.request_id.clone();
                runner.answer(&id, option, None);
            }
            _ => {}
        }
        events.push(event);
    }
    events
}

fn of_env(judgement: Judgement) -> impl Fn(&PermissionRequest) -> Judgement {
    move |call| match files(call).0.contains(&".env") {
        true => judgement.clone(),
        false => Judgement::Nothing,
    }
}

fn outputs(events: &[Event]) -> Vec<(&str, bool)> {
    results(events).into_iter().map(|result| (result.output.as_str(), result.is_error)).collect()
}

fn asked(events: &[Event]) -> Vec<(Vec<&str>, bool)> {
    let asked = events.iter().filter_map(|event| match event {
        Event::Permission(request) => Some(files(request)),
        _ => None,
    });
    asked.collect()
}

const LOOK: &str = "calls\ncall read_file {\"path\": \".env\"}\ncall read_file {\"path\": \"a.txt\"}\n\
                    call search {\"pattern\": \"0x\"}\ncall list_files {}";

#[tokio::test]
async fn what_is_forbidden_is_neither_read_nor_found() {
    let server = Ollama::start();
    let mut runner = begin(&server, |_| {});
    let events = judged(&mut runner, LOOK, of_env(Judgement::Deny("not that".into())), "allow").await;
    let outputs = outputs(&events);
    assert_eq!(outputs[0], ("not that", true));
    assert_eq!((outputs[1].1, outputs[3]), (false, (".env\na.txt\n", false)));
    assert_eq!(outputs[2], (&*format!("a.txt:2: two {SECRET}?\n"), false));
    assert_eq!(asked(&events), []);
    let calls = events.iter().filter_map(|event| match event {
        Event::Call(call) => Some((call.tool.as_str(), files(call), call.tool_use_id.is_some())),
        _ => None,
    });
    let expect: [(_, (_, bool), bool); 6] = [
        ("read_file", (vec![".env"], false), true),
        ("read_file", (vec!["a.txt"], false), true),
        ("search", (vec!["project"], false), true),
        // Of what a search is about to show.
        ("search", (vec![".env"], false), false),
        ("search", (vec!["a.txt"], false), false),
        ("list_files", (vec!["project"], false), true),
    ];
    assert_eq!(calls.collect::<Vec<_>>(), expect);
    assert!(!server.log().iter().any(|entry| entry.to_string().contains("KEY=")), "nobody has heard it");
}

#[tokio::test]
async fn what_is_to_be_asked_about_is_asked_about_and_no_more_than_that() {
    for (option, expect) in [("allow", true), ("reject", false)] {
        let server = Ollama::start();
        let mut runner = begin(&server, |_| {});
        let events = judged(&mut runner, LOOK, of_env(Judgement::Ask("why".into())), option).await;
        assert_eq!(asked(&events), [(vec![".env"], false), (vec![".env"], false)]);
        let outputs = outputs(&events);
        assert_eq!(outputs[0].0.contains(SECRET), expect, "{outputs:?}");
        assert_eq!(outputs[2].0.contains("KEY="), expect, "{outputs:?}");
        assert!(outputs[2].0.contains("a.txt:2: "), "{outputs:?}");
        let told = server.log().iter().any(|entry| entry.to_string().contains("KEY="));
        assert_eq!(told, expect);
    }
}

#[tokio::test]
async fn where_all_is_asked_a_search_is_one_question() {
    let server = Ollama::start();
    let mut runner = begin(&server, |_| {});
    let search = r#"call search {"pattern": "0x"}"#;
    let events = judged(&mut runner, search, |_| Judgement::Ask("why".into()), "reject").await;
    assert_eq!(asked(&events), [(vec!["project", ".env", "a.txt"], false)]);
    assert!(outputs(&events)[0].1);
}

#[tokio::test]
async fn rules_hold_where_changes_are_not_asked_about() {
    let server = Ollama::start();
    let mut runner = begin(&server, |options| options.permission_mode = Some("acceptEdits".into()));
    let file = project(&runner).join("a.txt");
    let text = || fs::read_to_string(&file).expect("a file");
    let before = text();
    let events = judged(&mut runner, EDIT, |_| Judgement::Deny("not that".into()), "allow").await;
    assert_eq!((outputs(&events), text()), (vec![("not that", true)], before.clone()));
    let events = judged(&mut runner, EDIT, |_| Judgement::Ask("why".into()), "reject").await;
    assert_eq!((asked(&events), text()), (vec![(vec!["a.txt"], true)], before));
    let events = judged(&mut runner, EDIT, |_| Judgement::Nothing, "reject").await;
    assert_eq!((asked(&events), text().contains("2 0x")), (vec![], true));
}

#[tokio::test]
async fn why_a_change_cannot_be_made_tells_nothing_of_a_file_that_is_to_be_asked_about() {
    let guess = |text: &str| {
        let input = serde_json::json!({"path": ".env", "old_text": text, "new_text": "x"});
        format!("call edit_file {input}")
    };
    let ask = || of_env(Judgement::Ask("why".into()));
    for mode in ["default", "acceptEdits", "plan"] {
        let server = Ollama::start();
        let mut runner = begin(&server, |options| options.permission_mode = Some(mode.into()));
        let mut heard = Vec::new();
        // A wrong guess, and a right one.
        for (text, change) in [("KEY=1", false), ("KEY=0", true)] {
            let events = judged(&mut runner, &guess(text), ask(), "reject").await;
            let expect = if mode == "plan" { vec![] } else { vec![(vec![".env"], change)] };
            assert_eq!(asked(&events), expect, "{mode} {text}");
            let chats = server.chats();
            let messages = chats.last().and_then(|chat| chat["messages"].as_array()).expect("messages");
            let result = messages.iter().rfind(|message| message["role"] == "tool").expect("a result");
            heard.push(result["content"].clone());
        }
        assert_eq!(heard[0], heard[1], "{mode}: the model hears which one is right");
        if mode != "plan" {
            let events = judged(&mut runner, &guess("KEY=1"), ask(), "allow").await;
            assert!(outputs(&events)[0].0.contains("old_text is not in .env"), "{mode}");
        }
    }
}

#[tokio::test]
async fn without_rules_nothing_is_told_of() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let events = turn(&mut runner, "call list_files {}").await;
    assert!(!events.iter().any(|event| matches!(event, Event::Call(_))), "{events:?}");
}

#[tokio::test]
async fn a_call_that_waits_for_its_judgement_can_be_interrupted() {
    let server = Ollama::start();
    let mut runner = begin(&server, |_| {});
    runner.prompt(r#"call read_file {"path": ".env"}"#);
    let events = runner.until(|event| matches!(event, Event::Call(_))).await;
    let Some(Event::Call(call)) = events.last() else { unreachable!("it is the last") };
    let request_id = call.request_id.clone();
    runner.command(Command::Interrupt);
    runner.turn().await;
    // Too late, and told to nobody.
    runner.command(Command::Judged { request_id, judgement: Judgement::Nothing });
    let events = judged(&mut runner, "text", |_| Judgement::Nothing, "allow").await;
    assert!(results(&events).is_empty());
    assert!(!server.log().iter().any(|entry| entry.to_string().contains("KEY=")), "nobody has heard it");
}
