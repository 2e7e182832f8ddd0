//! What a session was started with holds after a restart, too.

use agor_nvim::domain::{Content, StartOptions};

use super::stage::*;

#[tokio::test]
async fn a_session_that_is_taken_up_has_its_options_and_names_what_it_has_not() {
    let mut stage = Stage::new();
    let script = r#"read -r query
        said=lost
        case $query in *'"systemPrompt":"Be brief","maxTurns":3'*'"claudeConfigDir":"/account"'*'"additionalDirectories":["/"]'*) said=kept;; esac
        echo '{"type":"agent_started"}'
        echo "{\"type\":\"agent_event\",\"event\":{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"$said $TOKEN\"}]}}}"
        echo '{"type":"agent_stopped"}'"#;
    let mut first = stage.options("a", &["/bin/sh", "-c", script]);
    let again = StartOptions { restore: true, ..first.clone() };
    first.system_prompt = Some("Be brief".into());
    first.max_turns = Some(3);
    first.claude_config_dir = Some("/account".into());
    first.additional_directories = vec!["/".into()];
    first.extra_env.insert("TOKEN".into(), "secret".into());
    first.prompt = Some(text("one"));
    stage.start(first).await.expect("it starts");
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await, ["kept secret"]);
    stage.hub.shutdown().await;
    let mut stage = Stage::on(stage.folder);
    stage.start(again).await.expect("it is taken up");
    stage.send("a", "two").await.expect("it is sent");
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await.last().map(|text| text.trim_end()), Some("kept"));
    let messages = stage.messages("a", 0).await.messages;
    let said = messages.iter().find_map(|message| match &message.content {
        Content::Status { subtype, message } if subtype == "restored" => Some(message.as_str()),
        _ => None,
    });
    assert!(
        said.is_some_and(|said| said.ends_with("It goes on without TOKEN, which journals do not keep")),
        "{said:?}"
    );
    let journal = std::fs::read_to_string(stage.folder.path().join("sessions/a.ndjson")).expect("it is there");
    assert!(!journal.lines().next().expect("a header").contains("secret"));
}
