//! What the model may do in the project: look, and change what it is allowed to.

use std::fs;

use agor_nvim::domain::{Command, Content, Event, ToolKind, ToolResult, TurnOutcome};
use serde_json::json;

use super::{cost, offered, project, results, start, start_with, statuses, turn};
use crate::{
    ollama::Ollama,
    runner::{contents, ended, whole_text},
};

#[tokio::test]
async fn tools_look_at_the_project_and_at_nothing_else() {
    let server = Ollama::start();
    let mut runner = start(&server);
    fs::write(project(&runner).join("a.rs"), "fn find_me() {}\n").expect("a file");
    fs::write(runner.family.cwd().join("secret"), "the secret").expect("a file");
    let events = turn(
        &mut runner,
        "calls\ncall read_file {\"path\": \"a.rs\"}\ncall list_files {}\ncall search {\"pattern\": \"find_\"}\n\
         call read_file {\"path\": \"../secret\"}\ncall dance {}",
    )
    .await;
    let outputs: Vec<_> =
        results(&events).into_iter().map(|result| (result.output.as_str(), result.is_error)).collect();
    assert_eq!(outputs[..3], [("fn find_me() {}\n", false), ("a.rs\n", false), ("a.rs:1: fn find_me() {}\n", false)]);
    assert!(outputs[3].1 && outputs[3].0.contains("outside of the project's directory"), "{outputs:?}");
    assert!(outputs[4].1 && outputs[4].0.contains("there is no tool dance"), "{outputs:?}");
    let kinds: Vec<_> = contents(&events)
        .filter_map(|(content, _)| match content {
            Content::ToolCall(call) => Some((call.kind, call.title.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(kinds[0], (ToolKind::Read, "a.rs".to_owned()));
    assert_eq!(kinds[2], (ToolKind::Search, "find_".to_owned()));
    // The model has heard the same, and what it has called for.
    let heard = whole_text(&events);
    assert!(heard.starts_with("I was told: fn find_me() {}\n | a.rs\n | ") && !heard.contains("the secret"), "{heard}");
    let messages = server.chats()[1]["messages"].as_array().cloned().expect("messages");
    assert_eq!(messages[2]["tool_calls"].as_array().map(Vec::len), Some(5));
    assert_eq!((&messages[3]["role"], &messages[3]["tool_name"]), (&json!("tool"), &json!("read_file")));
    assert_eq!(messages[3]["tool_call_id"], messages[2]["tool_calls"][0]["id"]);
    // Two answers are one turn.
    let used = events.iter().filter_map(|event| match event {
        Event::Context { used, .. } => Some(*used),
        _ => None,
    });
    let figures = cost(&events);
    let total = figures[0].input_tokens.zip(figures[0].output_tokens).map(|(input, output)| input + output);
    assert_eq!((figures.len(), total), (1, Some(used.sum())));
    assert_eq!(ended(&events), ("stop", &TurnOutcome::Idle));
}

pub(super) const EDIT: &str = r#"call edit_file {"path": "a.txt", "old_text": "two", "new_text": "2"}"#;

#[tokio::test]
async fn an_edit_is_shown_asked_for_and_made() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let file = project(&runner).join("a.txt");
    fs::write(&file, "one\ntwo\n").expect("a file");
    runner.prompt(EDIT);
    let events = runner.until(|event| matches!(event, Event::Permission(_))).await;
    let Some(Event::Permission(request)) = events.last() else { unreachable!("it is the last") };
    assert_eq!((request.tool.as_str(), request.title.as_str()), ("edit_file", "a.txt"));
    assert_eq!(request.diff[0].hunks[0].lines, [" one", "-two", "+2"]);
    assert_eq!(request.diff[0].path, file.to_string_lossy());
    assert_eq!(fs::read_to_string(&file).expect("a file"), "one\ntwo\n", "nothing is done before the answer");
    let id = request.request_id.clone();
    runner.answer(&id, "allow", None);
    let events = runner.turn().await;
    assert_eq!(fs::read_to_string(&file).expect("a file"), "one\n2\n");
    let result = results(&events)[0];
    assert_eq!((result.is_error, result.diff[0].hunks[0].lines.len()), (false, 3));
    assert_eq!(whole_text(&events), "I was told: a.txt was changed");
    // Leave for once is no leave for ever.
    runner.prompt(r#"call write_file {"path": "b.txt", "content": "b"}"#);
    let id = runner.asked().await;
    runner.answer(&id, "reject", Some("not now"));
    let events = runner.turn().await;
    assert!(!project(&runner).join("b.txt").exists());
    assert_eq!(whole_text(&events), "I was told: The user does not want this change: not now");
    assert!(results(&events)[0].is_error);
}

#[tokio::test]
async fn leave_for_the_session_is_asked_for_once_and_changes_the_mode() {
    let server = Ollama::start();
    let mut runner = start(&server);
    runner.prompt(
        "call write_file {\"path\": \"a\", \"content\": \"1\"}\ncall write_file {\"path\": \"new/b\", \"content\": \"2\"}",
    );
    let id = runner.asked().await;
    runner.answer(&id, "always", None);
    let events = runner.turn().await;
    assert!(events.contains(&Event::Mode("acceptEdits".into())), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::Permission(_))));
    assert_eq!(fs::read_to_string(project(&runner).join("new/b")).expect("a file"), "2");
}

#[tokio::test]
async fn a_runner_that_may_do_anything_asks_all_the_same() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.permission_mode = None);
    runner.prompt(r#"call write_file {"path": "a", "content": "1"}"#);
    let id = runner.asked().await;
    runner.answer(&id, "reject", None);
    let events = runner.turn().await;
    assert_eq!(results(&events)[0].output, ToolResult::NOT_WANTED);
    assert!(!project(&runner).join("a").exists());
}

#[tokio::test]
async fn in_the_reading_mode_nothing_is_changed_nor_offered() {
    let server = Ollama::start();
    let mut runner = start(&server);
    let has = offered(&mut runner, |has| !has.modes.is_empty()).await;
    let modes: Vec<_> = has.modes.iter().map(|mode| (mode.id.as_str(), mode.asks_nothing)).collect();
    assert_eq!(modes, [("default", false), ("acceptEdits", true), ("plan", false)]);
    runner.command(Command::SetMode("plan".into()));
    runner.until(|event| *event == Event::Mode("plan".into())).await;
    let events = turn(&mut runner, r#"call write_file {"path": "a", "content": "1"}"#).await;
    // The query said another, as the session had started.
    assert!(events.iter().all(|event| !matches!(event, Event::Permission(_))), "{events:?}");
    assert!(results(&events)[0].output.contains("read only"), "{events:?}");
    assert!(!project(&runner).join("a").exists());
    assert_eq!(server.chats()[0]["tools"].as_array().map(Vec::len), Some(3));
    runner.command(Command::SetMode("dance".into()));
    let events = runner.until(|event| matches!(event, Event::Message { .. })).await;
    assert!(statuses(&events)[0].1.contains("there is no mode 'dance'"), "{events:?}");
}

#[tokio::test]
async fn a_mode_that_was_named_at_the_start_is_not_hidden_by_what_is_offered() {
    let server = Ollama::start();
    let mut runner = start_with(&server, |options| options.permission_mode = Some("plan".into()));
    offered(&mut runner, |has| !has.models.is_empty() && !has.modes.is_empty()).await;
    let events = turn(&mut runner, "scenario:text").await;
    assert!(!events.contains(&Event::Mode("default".into())), "{events:?}");
    assert_eq!(server.chats()[0]["tools"].as_array().map(Vec::len), Some(3));
}
