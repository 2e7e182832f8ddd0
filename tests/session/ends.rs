//! How an agent ends, what that makes of the session, and how long it stays.

use std::path::Path;

use agor_nvim::{
    domain::{Content, Status},
    render::{ExportPlace, Icons},
    session::{Request, Update, ViewId},
};
use tokio::time::timeout;

use super::stage::*;

/// Lines of a runner that ends its turn and lives on, whatever it is asked.
const TURNS: &str = r#"echo '{"type":"ready","capabilities":["multi_turn"]}'
while read -r line; do
  case $line in
  *'"stop"'*) exit 0 ;;
  *) echo '{"type":"agent_stopped"}' ;;
  esac
done"#;

#[track_caller]
fn exit_is(script: &'static str, status: Status, error: Option<&'static str>) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let mut stage = Stage::new();
        stage.shell("a", &format!("read -r query; {script}"), "go").await;
        let said = stage.status("a", status).await;
        // The end may come later than the status: it must not change it.
        stage
            .find(|update| matches!(update, Update::Session(row) if !row.busy && row.status == status).then_some(()))
            .await;
        while stage.hub.counts().processes > 0 {
            stage.row(|_| true).await;
        }
        let last = stage
            .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
            .await
            .expect("the session stays");
        assert_eq!(said.as_deref(), error, "{caller}: {}", last.text);
        let others = stage.told.iter().filter(|update| matches!(update, Update::Status { .. })).count();
        assert!(others <= 1, "{caller}: only `running` came besides: {:#?}", stage.told);
    }
}

#[tokio::test]
async fn the_status_after_the_end_follows_from_exit_code_and_last_word() {
    exit_is("exit 0", Status::Done, None).await;
    exit_is("exit 3", Status::Error, Some("Exit code: 3")).await;
    exit_is("echo one >&2; echo two >&2; exit 3", Status::Error, Some("Exit code: 3\none\ntwo")).await;
    exit_is("kill -TERM $$", Status::Error, Some("killed by SIGTERM")).await;
    exit_is(r#"echo '{"type":"agent_stopped"}'; exit 0"#, Status::Done, None).await;
    exit_is(r#"echo '{"type":"agent_error","message":"no tea"}'; exit 0"#, Status::Error, Some("no tea")).await;
    exit_is(
        r#"echo '{"type":"agent_error"}'; exit 1"#,
        Status::Error,
        Some("the runner reported an error without a text"),
    )
    .await;
}

/// Says what it was asked, then does as the script says.
const REPORT: &str = r#"read -r query
echo '{"type":"system","subtype":"init","session_id":"own-1","model":"m","cwd":"/"}'
printf '%s\n' "$query" >> queries"#;

fn queries(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("queries")).expect("the runner wrote them");
    text.lines().map(|line| serde_json::from_str(line).expect("a query")).collect()
}

#[tokio::test]
async fn a_prompt_to_a_done_session_resumes_it_in_the_runner_that_lives() {
    let mut stage = Stage::new();
    let script = format!(
        "{REPORT}; echo '{{\"type\":\"agent_stopped\"}}'
         read -r query; printf '%s\\n' \"$query\" >> queries; echo '{{\"type\":\"agent_stopped\"}}'; read -r more"
    );
    stage.shell("a", &script, "one").await;
    stage.status("a", Status::Done).await;
    stage.send("a", "two").await.expect("users never see that a session is done");
    stage.status("a", Status::Running).await;
    stage.status("a", Status::Done).await;
    let [first, second] = &queries(stage.folder.path())[..] else { panic!("two queries") };
    assert_eq!(first.get("resumeMode"), None);
    assert_eq!((&second["resumeMode"], &second["resumeSessionId"]), (&"resume".into(), &"own-1".into()));
    assert_eq!(second["prompt"], "two");
}

#[tokio::test]
async fn a_prompt_to_an_ended_session_resumes_it_in_a_new_runner() {
    let mut stage = Stage::new();
    stage.shell("a", &format!("{REPORT}; exit 3"), "one").await;
    stage.status("a", Status::Error).await;
    stage.row(|row| !row.busy && row.status == Status::Error).await;
    // The status of an exit is told when nothing of the agent is left.
    assert_eq!(stage.hub.counts().processes, 0);
    stage.send("a", "two").await.expect("it goes on");
    stage.status("a", Status::Running).await;
    stage.status("a", Status::Error).await;
    let [_, second] = &queries(stage.folder.path())[..] else { panic!("two queries") };
    assert_eq!((&second["resumeMode"], &second["resumeSessionId"]), (&"resume".into(), &"own-1".into()));
}

#[tokio::test]
async fn what_cannot_start_says_so_and_gives_the_prompt_back() {
    let mut stage = Stage::new();
    let mut options = stage.options("a", &["/no/such/program"]);
    options.prompt = Some(text("not lost"));
    stage.start(options).await.expect("the session is there");
    let error = stage.status("a", Status::Error).await.expect("a sentence");
    assert!(error.contains("/no/such/program"), "{error}");
    assert_eq!(stage.draft().await, "not lost");
    stage.send("a", "nor this").await.expect("taken");
    assert_eq!(stage.draft().await, "nor this");
}

#[tokio::test]
async fn a_session_stays_in_the_list_for_a_minute_after_its_end() {
    let mut stage = Stage::new();
    stage.shell("a", "read -r query; exit 0", "go").await;
    stage.status("a", Status::Done).await;
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("it is there");
    tokio::time::pause();
    awake(59).await;
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("it is still there");
    awake(2).await;
    stage.removed("a").await;
    assert_eq!(stage.send("a", "x").await, Err("no session a".into()));
}

#[tokio::test]
async fn a_session_that_is_shown_stays_until_it_is_hidden() {
    let mut stage = Stage::new();
    stage.shell("a", "read -r query; exit 0", "go").await;
    let view = ViewId { client: CLIENT, buffer: 1 };
    let views = |views| Request::Views { client: CLIENT, views, icons: Icons::default() };
    stage.hub.send(views(vec![showing(view)]));
    stage.status("a", Status::Done).await;
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("it is there");
    tokio::time::pause();
    awake(600).await;
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("somebody looks at it");
    stage.hub.send(views(Vec::new()));
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("it was hidden just now");
    awake(61).await;
    stage.removed("a").await;
}

#[tokio::test]
async fn a_prompt_cancels_the_leaving() {
    let mut stage = Stage::new();
    stage.shell("a", &format!("if [ -e again ]; then {TURNS}\nfi; touch again; read -r query; exit 0"), "go").await;
    stage.status("a", Status::Done).await;
    stage.send("a", "again").await.expect("a new runner");
    stage.status("a", Status::Idle).await;
    tokio::time::pause();
    awake(600).await;
    stage
        .ask(|reply| Request::Export { session: id("a"), from: ExportPlace::default(), reply })
        .await
        .expect("its runner lives");
}

#[tokio::test]
async fn the_hubs_end_is_the_end_of_all_agents() {
    let mut stage = Stage::new();
    for name in ["a", "b"] {
        stage.demo(name, "deaf").await;
        stage.status(name, Status::Running).await;
    }
    stage.hub.shutdown().await;
    let end = async { while stage.updates.recv().await.is_some() {} };
    timeout(PATIENCE, end).await.expect("nobody is left who could tell anything");
    assert_eq!(stage.hub.counts().processes, 0);
}

#[tokio::test]
async fn a_long_error_is_whole_in_the_transcript_and_short_in_the_list() {
    let mut stage = Stage::new();
    let script = r#"read -r query
long=$(printf '%0600d' 7); echo "{\"type\":\"agent_error\",\"sessionId\":\"a\",\"message\":\"$long\"}"; read -r more"#;
    stage.shell("a", script, "go").await;
    let told = stage.status("a", Status::Error).await.expect("an error");
    assert_eq!(told, format!("{}...", "0".repeat(500)));
    let row = stage.row(|row| row.status == Status::Error).await;
    assert_eq!(row.error, Some(told));
    let messages = stage.messages("a", 0).await.messages;
    let whole = format!("{}7", "0".repeat(599));
    let said =
        messages.iter().any(|message| matches!(&message.content, Content::Error { message } if *message == whole));
    assert!(said, "{messages:#?}");
}
