//! Questions: each is settled once.

use agor_nvim::{
    domain::{Content, Status},
    session::{Chosen, GrantScope, Held, Order, Request, Update},
};

use super::stage::*;

#[tokio::test]
async fn a_question_is_answered_once() {
    let mut stage = Stage::new();
    stage.demo("a", "permission").await;
    let asked = stage.permission().await;
    let (first, second) = tokio::join!(stage.answer("a", &asked, 0), stage.answer("a", &asked, 1));
    assert_eq!(first, Ok(()));
    let id = &asked.request_id;
    assert_eq!(second, Err(format!("no question {id} is open: it was answered or withdrawn")));
    assert_eq!(stage.closed().await, asked.options[0].name);
    stage.status("a", Status::Idle).await;
    assert!(stage.told.iter().all(|update| !matches!(update, Update::Closed { .. })), "it is closed once");
}

#[tokio::test]
async fn what_is_no_option_answers_nothing() {
    let mut stage = Stage::new();
    stage.demo("a", "permission").await;
    let mut asked = stage.permission().await;
    let options = asked.options.clone();
    asked.options[0].option_id = "never".into();
    let error = stage.answer("a", &asked, 0).await.expect_err("no such option");
    assert!(error.starts_with("no option 'never'; the agent offers "), "{error}");
    asked.options = options;
    assert_eq!(stage.answer("a", &asked, 0).await, Ok(()), "the question is still open");
}

#[tokio::test]
async fn open_questions_are_closed_by_whatever_ends_them() {
    let ask = r#"{"type":"permission_request","sessionId":"a","requestId":"r","toolName":"ExitPlanMode","input":{},"options":[{"optionId":"y","name":"Yes","kind":"allow_once"}]}"#;
    let ready = r#"{"type":"ready","capabilities":["permission"]}"#;
    let cases = [
        ("the turn ends", r#"echo '{"type":"agent_stopped"}'; read -r more"#, "withdrawn by the agent"),
        ("it exits", "exit 0", "withdrawn by the agent"),
        ("it crashes", "kill -ABRT $$", "withdrawn by the agent"),
    ];
    for (what, end, outcome) in cases {
        let mut stage = Stage::new();
        // It ends when it is let, which is when the user has seen the question.
        let script = format!("mkfifo go; read -r query; echo '{ready}'; echo '{ask}'; read -r go < go; {end}");
        stage.shell("a", &script, "go").await;
        stage.permission().await;
        std::fs::write(stage.folder.path().join("go"), "go\n").expect("it reads");
        assert_eq!(stage.closed().await, outcome, "{what}");
        stage.row(|row| row.attention.is_none() && row.pending == 0).await;
    }
    let mut stage = Stage::new();
    stage.shell("a", &format!("read -r query; echo '{ready}'; echo '{ask}'; read -r more"), "go").await;
    stage.permission().await;
    stage.stop("a", false).await.expect("stopped");
    assert_eq!(stage.closed().await, "cancelled: the session was stopped");
}

#[tokio::test]
async fn an_agent_that_asks_without_end_is_refused() {
    let mut stage = Stage::new();
    let script = r#"read -r query; echo '{"type":"ready","capabilities":["permission"]}'
i=0; while [ $i -lt 257 ]; do
  i=$((i+1)); echo "{\"type\":\"permission_request\",\"sessionId\":\"a\",\"requestId\":\"r$i\",\"toolName\":\"ExitPlanMode\",\"input\":{},\"options\":[{\"optionId\":\"y\",\"name\":\"Yes\",\"kind\":\"allow_once\"}]}"
done
read -r answer; echo "$answer" > answer; echo '{"type":"agent_stopped"}'; read -r more"#;
    stage.shell("a", script, "go").await;
    stage.turn("a").await;
    let answer = std::fs::read_to_string(stage.folder.path().join("answer")).expect("it was answered");
    assert!(answer.contains("\"r257\""), "{answer}");
    let messages = stage.messages("a", 0).await.messages;
    let asked: std::collections::BTreeSet<&str> = messages
        .iter()
        .filter_map(|message| match &message.content {
            Content::Permission { request_id, .. } => Some(request_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 256);
    let refused: Vec<&str> = messages
        .iter()
        .filter_map(|message| match &message.content {
            Content::Status { subtype, message } if subtype == "refused" => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(refused, ["256 questions are open: the agent's next one was refused"]);
}

#[tokio::test]
async fn what_cannot_be_changed_says_what_to_do() {
    let mut stage = Stage::new();
    stage.demo("a", "echo one").await;
    stage.turn("a").await;
    let refused = stage.order("a", Order::SetModel("m".into())).await;
    let expect =
        "demo does not let anyone choose its model while it runs: start another with :Agor start demo model=NAME";
    assert_eq!(refused, Err(expect.into()));
}

#[tokio::test]
async fn what_is_always_allowed_answers_other_sessions_that_wait_for_it() {
    let ask = |id: &str, command: &str| {
        format!(
            r#"{{"type":"permission_request","sessionId":"{id}","requestId":"r-{id}","toolName":"Bash","input":{{"command":"{command}"}},"options":[{{"optionId":"y","name":"Yes","kind":"allow_once"}}]}}"#
        )
    };
    let ready = r#"{"type":"ready","capabilities":["permission"]}"#;
    let script = |id: &str, command: &str| {
        let ask = ask(id, command);
        format!(
            "read -r query; echo '{ready}'; echo '{ask}'; read -r answer; echo '{{\"type\":\"agent_stopped\"}}'; read -r more"
        )
    };
    let mut stage = Stage::new();
    stage.shell("a", &script("a", "ls x"), "go").await;
    stage.permission().await;
    stage.shell("b", &script("b", "ls y"), "go").await;
    stage.permission().await;
    let (session, request_id) = (id("a"), "r-a".into());
    let chosen = Chosen { rule: 2, scope: GrantScope::Project, refuse: false };
    let granted = |reply| Request::Grant { session, request_id, chosen, reply };
    stage.ask(granted).await.expect("granted");
    for _ in 0..2 {
        assert_eq!(stage.closed().await, "Yes (granted always in this project: commands `ls …`)");
    }
    let around = || stage.folder.path().to_owned();
    let rows = stage.ask(|reply| Request::Grants { around: around(), reply }).await.expect("rows");
    let [Held::Row(row)] = &rows[..] else { panic!("{rows:?}") };
    let shown = (row.words.as_str(), row.scope, row.session_id.clone());
    assert_eq!(shown, ("commands `ls …`", GrantScope::Project, None));
    let id = row.id.clone();
    stage.ask(|reply| Request::Revoke { id, session: None, around: around(), reply }).await.expect("revoked");
    assert_eq!(stage.ask(|reply| Request::Grants { around: around(), reply }).await, Ok(Vec::new()));
}
