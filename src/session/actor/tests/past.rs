//! What was said before a session began: shown with it, or told to the agent.

use serde_json::json;

use crate::{agent::protocol::registry, domain::SeedFrom};

use super::*;

const CONVERSATION: &str = "00000000-0000-4000-8000-000000000001";

/// The options of an agent that keeps its conversations below the session's directory and does not tell them.
fn silent(options: &mut StartOptions) {
    let silent = |name: &&str| registry::find(name).and_then(|row| row.kept).is_some_and(|kept| kept.silent);
    options.config.protocol = registry::names().find(silent).expect("there is one").to_owned();
    options.claude_config_dir = Some(options.cwd.join("config").to_string_lossy().into_owned());
    options.resume_session_id = Some(CONVERSATION.to_owned());
}

fn keep(options: &StartOptions, said: &[&str]) {
    let folder = options.cwd.join("config/projects/here");
    std::fs::create_dir_all(&folder).expect("a folder");
    let lines = said.iter().enumerate().map(|(index, said)| {
        let line = json!({"type": "user", "uuid": format!("{index}"), "cwd": "/p", "message": {"content": said}});
        format!("{line}\n")
    });
    std::fs::write(folder.join(format!("{CONVERSATION}.jsonl")), lines.collect::<String>()).expect("written");
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_agent_keeps_is_shown_before_it_starts() {
    let (mut stage, mut side) = Stage::begin(|options| {
        silent(options);
        keep(options, &["explain this", "and that"]);
        options.prompt = Some(Prompt::new("go on"));
    })
    .await;
    assert_eq!(side.prompted().await.text, "go on");
    assert_eq!(stage.row(|row| row.busy).await.title, "explain this");
    assert_eq!(stage.lines().await, ["> explain this", "> and that", "> go on"]);
    assert_eq!(side.options.resume_session_id.as_deref(), Some(CONVERSATION));
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_gone_is_for_its_agent_to_tell() {
    let (stage, mut side) = Stage::begin(|options| {
        silent(options);
        options.prompt = Some(Prompt::new("go on"));
    })
    .await;
    assert_eq!(side.prompted().await.text, "go on");
    assert_eq!(stage.lines().await, ["> go on"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_stopped_meanwhile_starts_nothing() {
    let mut stage = Stage::new(|options| {
        silent(options);
        keep(options, &["explain this"]);
    });
    let stopped = stage.order(Order::Stop { force: false });
    stopped.await.expect("stopped");
    stage.row(|row| row.title == "explain this").await;
    assert!(stage.processes.try_recv().is_err());
    assert_eq!(stage.lines().await, ["> explain this"]);
}

#[tokio::test(start_paused = true)]
async fn another_conversation_goes_along_with_the_first_prompt() {
    let (stage, mut side) = Stage::begin(|options| {
        let mut kept = options.clone();
        silent(&mut kept);
        keep(&kept, &["explain this"]);
        let path = kept.cwd.join(format!("config/projects/here/{CONVERSATION}.jsonl"));
        options.seed = Some(SeedFrom { path, protocol: kept.config.protocol });
        options.prompt = Some(Prompt::new("go on"));
    })
    .await;
    let prompt = side.prompted().await;
    assert_eq!((prompt.text.as_str(), prompt.context[0].word.as_str()), ("go on", "#transcript"));
    assert!(prompt.context[0].text.ends_with("## User\n\nexplain this"), "{:?}", prompt.context);
    let said = "The first prompt brings along what was said in the earlier conversation";
    assert_eq!(stage.lines().await, [said, "> go on"]);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_cannot_be_read_does_not_hold_up_the_prompt() {
    let (mut stage, mut side) = Stage::begin(|options| {
        options.seed = Some(SeedFrom { path: "/none/such".into(), protocol: String::new() });
        options.prompt = Some(Prompt::new("go on"));
    })
    .await;
    let said = stage.notified().await;
    assert!(said.starts_with("the earlier conversation does not come along: /none/such cannot be read"), "{said}");
    assert_eq!(side.prompted().await.context, []);
}

#[tokio::test(start_paused = true)]
async fn a_new_conversation_is_told_what_was_said_in_the_old_one() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    assert_eq!(stage.order(Order::Seed).await, Err("nothing was said yet that could go along".to_owned()));
    stage.send("hello").await;
    side.prompted().await;
    side.says([Event::AgentSession("first".into()), Event::message("1", Content::Text { text: "Hi.".into() })]);
    side.ends_turn();
    stage.turn().await;
    stage.order(Order::Seed).await.expect("seeded");
    side.puppet.exit(0, &[]);
    let mut next = stage.process().await;
    assert_eq!(next.options.resume_session_id, None);
    next.ready(Capabilities::default());
    // A command of the agent's is none with anything behind it.
    stage.send("/compact").await;
    assert_eq!(next.prompted().await.context, []);
    next.ends_turn();
    stage.turn().await;
    stage.send("go on").await;
    let told = next.prompted().await.context.remove(0);
    assert!(told.text.ends_with("## User\n\nhello\n\n## Agent\n\nHi."), "{}", told.text);
    next.ends_turn();
    stage.turn().await;
    stage.send("again").await;
    assert_eq!(next.prompted().await.context, [], "once");
}

#[tokio::test(start_paused = true)]
async fn a_past_that_the_agent_tells_names_the_session() {
    let (mut stage, side) = Stage::begin(|options| options.resume_session_id = Some("c".to_owned())).await;
    let past = Content::Prompt(Prompt::new("explain this"));
    side.says([Event::Message { id: "p".into(), parent_id: None, part: false, content: past }]);
    stage.row(|row| row.title == "explain this").await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_missed_with_the_first_prompt_is_said_to_be_gone() {
    let (mut stage, mut side) = Stage::begin(|options| {
        options.resume_session_id = Some("gone".to_owned());
        options.prompt = Some(Prompt::new("go on"));
    })
    .await;
    side.prompted().await;
    let error = |message: &str| Content::Error { message: message.to_owned() };
    side.says([Event::Message { id: "e".into(), parent_id: None, part: false, content: error("not found: gone") }]);
    side.ends_turn();
    stage.heard(&side).await;
    let lines = stage.lines().await;
    assert!(lines.last().is_some_and(|line| line.starts_with("not found: gone. /seed in the prompt")), "{lines:?}");
    // Later it is there, whatever is said of it.
    side.says([Event::Message { id: "f".into(), parent_id: None, part: false, content: error("busy: gone") }]);
    stage.heard(&side).await;
    assert_eq!(stage.lines().await.last().map(String::as_str), Some("busy: gone"));
}
