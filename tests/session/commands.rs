//! Commands of the user's own: what they say, where it goes, how they end.

use agor_nvim::{
    domain::{Content, Status, ToolCall},
    session::{Order, Request, Update},
};

use super::stage::*;

/// A runner that writes down what it is asked, ends its turn and lives on.
pub const NOTES: &str = r#"echo '{"type":"ready","capabilities":["multi_turn","interrupt"]}'
while read -r line; do
  case $line in
  *'"stop"'*) exit 0 ;;
  *) printf '%s\n' "$line" >> queries; echo '{"type":"agent_stopped"}' ;;
  esac
done"#;

async fn run(stage: &Stage, command: &str) {
    stage.order("a", Order::Shell(command.into())).await.expect("it was started");
}

/// What the last command said, when it has ended.
async fn ended(stage: &mut Stage) -> (String, bool) {
    stage.find(|update| matches!(update, Update::Files { .. }).then_some(())).await;
    let messages = stage.messages("a", 0).await.messages;
    let result = messages.into_iter().rev().find_map(|message| match message.content {
        Content::ToolResult(result) if !message.part => Some((result.output, result.is_error)),
        _ => None,
    });
    result.expect("a result")
}

async fn last_query(stage: &mut Stage) -> String {
    stage.turn("a").await;
    let queries = std::fs::read_to_string(stage.folder.path().join("queries")).expect("the runner wrote them");
    let query: serde_json::Value = serde_json::from_str(queries.lines().last().expect("a query")).expect("JSON");
    query["prompt"].as_str().expect("a prompt").to_owned()
}

#[tokio::test]
async fn what_a_command_says_stands_there_and_goes_along_once() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    run(&stage, "echo one; echo two >&2; echo; printf 'three ä'; exit 3").await;
    assert_eq!(ended(&mut stage).await, ("one\ntwo\n\nthree ä\n(Exit code: 3)".into(), true));
    let call = stage.messages("a", 0).await.messages.into_iter().find_map(|message| match message.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    });
    let ToolCall { name, title, .. } = call.expect("the command stands there");
    assert_eq!((name.as_str(), title.starts_with("echo one")), ("!", true));
    run(&stage, "true").await;
    assert_eq!(ended(&mut stage).await, (String::new(), false));
    // Commands of the agent's stay what they are.
    stage.send("a", "/compact").await.expect("sent");
    assert_eq!(last_query(&mut stage).await, "/compact");
    stage.send("a", "and now?").await.expect("sent");
    let expect = "and now?\n\nOutput of `echo one; echo two >&2; echo; printf 'three ä'; exit 3`:\n\
                  ```\none\ntwo\n\nthree ä\n(Exit code: 3)\n```\n\nOutput of `true`:\n```\n(no output)\n```";
    assert_eq!(last_query(&mut stage).await, expect);
    stage.send("a", "again").await.expect("sent");
    assert_eq!(last_query(&mut stage).await, "again");
}

#[tokio::test]
async fn of_a_long_output_beginning_and_end_go_along_and_that_is_said() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    run(&stage, "seq 1 200000").await;
    let (output, _) = ended(&mut stage).await;
    assert!(output.starts_with("1\n2\n") && output.ends_with("\n200000\n") && output.contains(" bytes left out …"));
    assert!(output.len() < 330_000, "{}", output.len());
    stage.send("a", "see?").await.expect("sent");
    let query = last_query(&mut stage).await;
    assert!(
        query.len() < 40_000 && query.contains("bytes left out") && query.contains("\n200000\n"),
        "{}",
        query.len()
    );
    let said = stage.messages("a", 0).await.messages.into_iter().any(|message| {
        matches!(message.content, Content::Status { message, .. }
            if message == "! seq 1 200000: only beginning and end of its output go along with the next prompt")
    });
    assert!(said);
}

#[tokio::test]
async fn a_command_gets_no_input_and_the_sessions_directory_environment_and_shell() {
    let mut stage = Stage::new();
    let shell = stage.folder.path().join("mysh");
    std::fs::write(&shell, "#!/bin/sh\necho \"my shell got $1 $2\"\nexec /bin/sh \"$@\"\n").expect("a file");
    std::fs::set_permissions(&shell, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    let mut options = stage.options("a", &["/bin/sh", "-c", NOTES]);
    for (name, value) in [("SHELL", shell.to_str().expect("a path")), ("CODEX_KEY", "secret"), ("MINE", "here")] {
        options.environ.insert(name.into(), value.into());
    }
    stage.start(options).await.expect("it starts");
    run(&stage, "cat; pwd -P; echo \"$MINE$CODEX_KEY$NVIM\"").await;
    let place = stage.folder.path().canonicalize().expect("a folder");
    let expect = format!("my shell got -c cat; pwd -P; echo \"$MINE$CODEX_KEY$NVIM\"\n{}\nhere\n", place.display());
    assert_eq!(ended(&mut stage).await, (expect, false));
}

#[tokio::test]
async fn an_interrupt_ends_commands_and_all_that_they_have_started() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    stage.row(|row| row.capabilities.multi_turn).await;
    run(&stage, "echo begun; (trap '' INT TERM; sleep 1000) & sleep 1000").await;
    run(&stage, "sleep 1000").await;
    assert_eq!(stage.hub.counts().processes, 3);
    stage.order("a", Order::Interrupt).await.expect("interrupted");
    let mut outputs = [ended(&mut stage).await.0, ended(&mut stage).await.0];
    outputs.sort();
    assert!(outputs.iter().all(|output| output.ends_with("(interrupted)")), "{outputs:?}");
    assert_eq!(stage.hub.counts().processes, 1, "the agent lives on");
}

#[tokio::test]
async fn the_sessions_end_is_the_end_of_its_commands() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    run(&stage, "trap '' INT TERM; echo deaf; sleep 1000").await;
    stage.order("a", Order::Stop { force: true }).await.expect("stopped");
    ended(&mut stage).await;
    stage.status("a", Status::Done).await;
    run(&stage, "sleep 1000").await;
    let session = id("a");
    stage.ask(|reply| Request::Remove { session, reply }).await.expect("removed");
    stage.removed("a").await;
    assert_eq!(stage.hub.counts().processes, 0);
}

#[tokio::test]
async fn a_prompt_that_comes_back_leaves_the_output_for_the_next_one() {
    let mut stage = Stage::new();
    let runner = stage.folder.path().join("runner");
    let options = stage.options("a", &[runner.to_str().expect("a path")]);
    stage.start(options).await.expect("the session is there");
    stage.status("a", Status::Error).await;
    run(&stage, "echo kept").await;
    ended(&mut stage).await;
    stage.send("a", "one").await.expect("taken");
    let returned = stage.find(|update| match update {
        Update::Draft { prompt, .. } => Some(prompt.clone()),
        _ => None,
    });
    assert_eq!(returned.await, text("one"));
    std::fs::write(&runner, format!("#!/bin/sh\n{NOTES}\n")).expect("a file");
    std::fs::set_permissions(&runner, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    stage.send("a", "two").await.expect("taken");
    assert_eq!(last_query(&mut stage).await, "two\n\nOutput of `echo kept`:\n```\nkept\n```");
}

#[tokio::test]
async fn what_is_no_command_is_not_run() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    let refused = stage.order("a", Order::Shell("  ".into())).await;
    assert_eq!(refused, Err("there is no command: type one after the !".into()));
    run(&stage, "none-such-program").await;
    let (output, failed) = ended(&mut stage).await;
    assert!(output.contains("not found") && output.ends_with("(Exit code: 127)") && failed, "{output}");
}
