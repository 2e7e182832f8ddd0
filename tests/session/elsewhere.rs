//! Sessions whose agent is behind a wrapper: what a client sees of them is as if it were here.

use std::fs;

use agor_nvim::{
    domain::{Context, Prompt, StartOptions, Status},
    session::{FileReply, Order, Update},
};

use super::{container::docker, stage::*};

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/acp.py");

/// The obedient agent in a box, in a directory that has another name there.
fn options(stage: &Stage, prompt: &str) -> StartOptions {
    let folder = stage.folder.path().canonicalize().expect("it is there");
    let (here, there) = (folder.join("here"), folder.join("there"));
    fs::create_dir(&here).expect("a folder");
    std::os::unix::fs::symlink(&here, &there).expect("another name");
    let mut options = stage.options("a", &["python3", AGENT]);
    options.config.protocol = "acp".into();
    options.config.wrap = docker(&folder);
    options.config.paths.0 = [(here.display().to_string(), there.display().to_string())].into();
    options.cwd = here;
    options.prompt = (!prompt.is_empty()).then(|| text(prompt));
    options
}

async fn last_text(stage: &mut Stage) -> String {
    stage.turn("a").await;
    stage.texts("a").await.pop().expect("a text")
}

#[tokio::test]
async fn paths_have_their_names_there_for_the_agent_and_here_for_the_user() {
    let mut stage = Stage::new();
    let options = options(&stage, "where");
    let (here, there) = (options.cwd.clone(), options.config.paths.away_path(&options.cwd));
    stage.start(options).await.expect("it starts");
    assert_eq!(last_text(&mut stage).await, format!("{} True", there.display()));
    let row = stage.row(|row| row.status == Status::Idle).await;
    assert_eq!((row.place.as_str(), row.cwd), ("docker box", here.display().to_string()));

    stage.send("a", &format!("read {}", there.join("a.txt").display())).await.expect("sent");
    let (request_id, path) = stage
        .find(|update| match update {
            Update::File { request_id, path, .. } => Some((request_id.clone(), path.clone())),
            _ => None,
        })
        .await;
    assert_eq!(path, here.join("a.txt"));
    let reply = FileReply::Text("a buffer's".into());
    stage.order("a", Order::File { request_id, reply }).await.expect("answered");
    assert_eq!(last_text(&mut stage).await, "a buffer's");

    let context = Context { path: here.join("b.txt").display().to_string(), text: "b".into(), ..Context::default() };
    let prompt = Prompt { text: "prompt".into(), context: vec![context], ..Prompt::default() };
    stage.order("a", Order::Send(prompt)).await.expect("sent");
    let said = last_text(&mut stage).await;
    assert!(said.contains(&there.join("b.txt").display().to_string()), "{said}");
    assert!(!said.contains(&here.join("b.txt").display().to_string()), "{said}");
}

#[tokio::test]
async fn an_agent_with_files_of_its_own_is_not_offered_ours() {
    let mut stage = Stage::new();
    let mut options = options(&stage, "where");
    options.config.paths.0.clear();
    let expect = format!("{} False", options.cwd.display());
    stage.start(options).await.expect("it starts");
    assert_eq!(last_text(&mut stage).await, expect);
}

#[tokio::test]
async fn a_command_of_the_users_runs_where_the_agent_does() {
    let mut stage = Stage::new();
    let mut options = options(&stage, "");
    let home = fs::canonicalize(stage.folder.path()).expect("it is there").display().to_string();
    options.environ.insert("HOME".into(), "/here".into());
    let there = options.config.paths.away_path(&options.cwd).display().to_string();
    stage.start(options).await.expect("it starts");
    stage.order("a", Order::Shell("echo $HOME $PWD; false".into())).await.expect("it was started");
    stage.find(|update| matches!(update, Update::Files { .. }).then_some(())).await;
    let said = format!("{:?}", stage.messages("a", 0).await.messages);
    assert!(said.contains(&format!("{home} {there}")) && said.contains("Exit code: 1"), "{said}");
}

#[tokio::test]
async fn a_way_that_is_closed_is_told_and_the_next_prompt_takes_it_again() {
    let mut stage = Stage::new();
    let options = options(&stage, "set");
    let gate = stage.folder.path().join("box");
    stage.start(options).await.expect("it starts");
    let before = last_text(&mut stage).await;
    stage.status("a", Status::Idle).await;
    // The box goes away with everything in it.
    fs::remove_file(&gate).expect("it was there");
    stage.send("a", "exit 137").await.expect("sent");
    stage.status("a", Status::Error).await;
    stage.send("a", "set").await.expect("sent");
    let error = stage.find(|update| match update {
        Update::Status { status: Status::Error, error, .. } => error.clone().filter(|error| error.contains("reached")),
        _ => None,
    });
    let expect =
        "docker box could not be reached (Error response from daemon: No such container: box). The next prompt";
    let error = error.await;
    assert!(error.starts_with(expect), "{error}");

    fs::write(&gate, "").expect("it is there again");
    stage.send("a", "set").await.expect("sent");
    stage.status("a", Status::Idle).await;
    let texts = stage.texts("a").await;
    assert_eq!(texts.last(), Some(&before), "the conversation of before: {texts:?}");
}
