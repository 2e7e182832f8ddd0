//! What an agent has changed where no repository tells, or one that is in an odd state.

use std::{fs, fs::File, os::unix::fs::PermissionsExt};

use agor_nvim::{
    domain::{Content, Diffstat},
    session::{FileReply, Order, Scope, Update},
};

use super::{scene::*, stage::*};

const ACP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/acp.py");

/// A line of the runner's: what its agent says.
fn event(event: &serde_json::Value) -> String {
    let line = serde_json::json!({"type": "agent_event", "event": event});
    format!("printf '%s\\n' '{line}'\n")
}

fn call(id: &str, path: &str) -> String {
    let input = serde_json::json!({"file_path": path, "content": "whatever"});
    let block = serde_json::json!({"type": "tool_use", "id": id, "name": "Write", "input": input});
    event(&serde_json::json!({"type": "assistant", "message": {"id": id, "role": "assistant", "content": [block]}}))
}

fn result(id: &str, path: &str, lines: &[&str]) -> String {
    let patch = serde_json::json!({"oldStart": 1, "oldLines": 2, "newStart": 1, "newLines": 2, "lines": lines});
    let block = serde_json::json!({"type": "tool_result", "tool_use_id": id, "content": "done"});
    event(&serde_json::json!({
        "type": "user", "message": {"role": "user", "content": [block]},
        "tool_use_result": {"filePath": path, "structuredPatch": [patch]},
    }))
}

#[tokio::test]
async fn without_a_repository_tools_say_what_they_touch() {
    let mut scene = Scene::new();
    scene.write("seen.txt", "one\n");
    scene.write("late.txt", "one\ntwo\n");
    let name = |name: &str| scene.top.join(name).to_str().expect("a path").to_owned();
    // Of the first the agent waits until we have seen it; in the second it was faster than we are.
    let script = [
        &call("t1", &name("seen.txt")),
        &call("t2", "made.txt"),
        "until [ -e ../go ]; do :; done; echo new > seen.txt; echo made > made.txt\n",
        "printf 'one\\n2\\n' > late.txt\n",
        &call("t3", &name("late.txt")),
        &result("t3", &name("late.txt"), &[" one", "-two", "+2"]),
        "echo unseen > by-command.txt\n",
    ];
    let script = script.concat();
    fs::write(scene.top.with_file_name("turn.sh"), script).expect("a script");
    scene.started = true;
    scene.start("turn.sh").await;
    let mut calls = 0;
    while calls < 2 {
        let messages = scene.stage.messages("a", 0).await.messages;
        calls = messages.iter().filter(|message| matches!(message.content, Content::ToolCall(_))).count();
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.list(Scope::Session).await, [""; 0], "nothing was written so far");
    fs::write(scene.top.with_file_name("go"), "").expect("a file");
    scene.stage.turn("a").await;
    let expect = ["late.txt:2 +1 -1 2", "made.txt: new file, 1 line", "seen.txt:1 +1 -1 new"];
    assert_eq!(scene.list(Scope::Session).await, expect);
    assert_eq!(scene.before("late.txt", Scope::Session).await, Ok(Some("one\ntwo\n".into())));
    assert_eq!(scene.before("made.txt", Scope::Turn).await, Ok(None));
    scene.says(3, 3, 2).await;
    // What is as it was is no change.
    fs::write(scene.top.join("seen.txt"), "one\n").expect("a file");
    assert_eq!(scene.list(Scope::Turn).await, expect[..2]);
}

#[tokio::test]
async fn what_is_written_through_us_was_seen_before() {
    let mut scene = Scene::new();
    scene.write("a.txt", "old\n");
    let mut options = scene.stage.options("a", &["python3", ACP]);
    options.provider = "obedient".into();
    options.config.protocol = "acp".into();
    options.cwd = scene.top.clone();
    options.prompt = Some(text(&format!("write {} new", scene.top.join("a.txt").display())));
    scene.stage.start(options).await.expect("it starts");
    let request_id = scene.stage.find(|update| match update {
        Update::File { request_id, .. } => Some(request_id.clone()),
        _ => None,
    });
    let request_id = request_id.await;
    let reply = FileReply::Disk;
    scene.stage.order("a", Order::File { request_id, reply }).await.expect("answered");
    scene.stage.turn("a").await;
    assert_eq!(scene.list(Scope::Session).await, ["a.txt:1 +1 -1 new"]);
    assert_eq!(scene.before("a.txt", Scope::Session).await, Ok(Some("old\n".into())));
}

#[tokio::test]
async fn a_repository_without_a_commit_or_in_the_middle_of_a_merge_is_compared_too() {
    let mut scene = Scene::new();
    git(&scene.top, &["init", "-q", "-b", "main"]);
    scene.write("a.txt", "a\n");
    scene.turn("echo b >> a.txt").await;
    assert_eq!(scene.list(Scope::Turn).await, ["a.txt:2 +1 -0 b"]);
    commit(&scene.top);
    git(&scene.top, &["checkout", "-q", "-b", "other"]);
    scene.write("a.txt", "other\n");
    commit(&scene.top);
    git(&scene.top, &["checkout", "-q", "main"]);
    scene.write("a.txt", "mine\n");
    commit(&scene.top);
    let merge = std::panic::catch_unwind(|| git(&scene.top, &["merge", "-q", "other"]));
    assert!(merge.is_err(), "it has a conflict");
    scene.turn("echo resolved > a.txt; echo new > b.txt").await;
    let listed = scene.list(Scope::Turn).await;
    assert_eq!(
        (listed[0].as_str(), listed.last().expect("two").as_str()),
        ("a.txt:1 +1 -5 resolved", "b.txt: new file, 1 line")
    );
    assert!(git(&scene.top, &["status", "--porcelain"]).starts_with("UU a.txt"), "the index is the user's");
}

#[tokio::test]
async fn line_ends_are_those_of_the_worktree() {
    let mut scene = Scene::with(&[("a.txt", "one\r\ntwo\r\n"), ("b.txt", "end")]);
    git(&scene.top, &["config", "core.autocrlf", "true"]);
    git(&scene.top, &["rm", "-q", "--cached", "a.txt"]);
    commit(&scene.top);
    scene.turn("printf 'one\\r\\n2\\r\\n' > a.txt; printf 'end\\n' > b.txt").await;
    assert_eq!(scene.list(Scope::Session).await, ["a.txt:2 +1 -1 2", "b.txt:1 +1 -1 end"]);
    assert_eq!(scene.before("a.txt", Scope::Session).await, Ok(Some("one\r\ntwo\r\n".into())));
}

#[tokio::test]
async fn submodules_and_repositories_within_are_one_thing_each() {
    let mut scene = Scene::with(&[("a.txt", "a\n")]);
    scene.write("inner/x.txt", "x\n");
    git(&scene.top.join("inner"), &["init", "-q"]);
    commit(&scene.top.join("inner"));
    git(&scene.top, &["add", "inner"]);
    commit(&scene.top);
    scene
        .turn(
            "mkdir -p other; cd other; git init -q; echo y > y; cd ..; cd inner; echo z > x.txt; \
                git -c user.name=a -c user.email=a@localhost commit -qam z; cd ..",
        )
        .await;
    let listed = scene.list(Scope::Session).await;
    assert!(listed.len() == 1 && listed[0].starts_with("inner: submodule, at "), "{listed:?}");
    assert!(scene.before("inner", Scope::Session).await.expect_err("no file").contains("is a submodule"));
}

#[tokio::test]
async fn what_is_too_large_or_may_not_be_read_is_left_out() {
    let mut scene = Scene::with(&[("a.txt", "a\n"), ("secret", "s\n")]);
    File::create(scene.top.join("large")).and_then(|file| file.set_len(6 << 20)).expect("a file");
    scene.write("locked", "x\n");
    fs::set_permissions(scene.top.join("locked"), fs::Permissions::from_mode(0o000)).expect("its own file");
    scene.turn("echo b > a.txt; echo more >> large; mkfifo pipe").await;
    let large = scene.top.join("large");
    let note = format!("changed, but not listed, being too large or not to be read: {}", large.display());
    let changes = scene.changes(Scope::Session).await;
    assert_eq!((changes.files.len(), changes.notes), (1, vec![note.clone()]));
    // What was not changed is not spoken of.
    scene.turn("echo c > a.txt").await;
    assert_eq!(scene.changes(Scope::Turn).await.notes, [""; 0]);
    assert_eq!(scene.changes(Scope::Session).await.notes, [note]);
}

#[tokio::test]
async fn a_turn_that_was_cut_off_with_the_backend_ends_at_the_next_start() {
    let mut scene = Scene::with(&[("a.txt", "a\n")]);
    fs::write(scene.top.with_file_name("turn.sh"), "echo b > a.txt; touch ../done; read -r more").expect("a script");
    scene.start("turn.sh").await;
    while !scene.top.with_file_name("done").exists() {
        tokio::task::yield_now().await;
    }
    let mut options = scene.stage.options("a", &["/bin/sh", "-c", DOER]);
    scene.stage.hub.shutdown().await;
    let Scene { stage, top, .. } = scene;
    let mut scene = Scene { stage: Stage::on(stage.folder), top, started: true };
    (options.provider, options.cwd, options.restore) = ("claude".into(), scene.top.clone(), true);
    scene.stage.start(options).await.expect("it goes on");
    scene.says(1, 1, 1).await;
    assert_eq!(scene.list(Scope::Turn).await, ["a.txt:1 +1 -1 b"]);
}

#[tokio::test]
async fn a_list_of_very_many_files_ends_somewhere_and_says_so() {
    let mut scene = Scene::with(&[("a.txt", "a\n")]);
    scene.turn("mkdir many; cd many; seq 1 10005 | xargs touch; cd ..").await;
    let changes = scene.changes(Scope::Session).await;
    assert_eq!((changes.files.len(), changes.stat), (10_000, Diffstat { files: 10_000, added: 0, removed: 0 }));
    assert_eq!(
        changes.notes,
        ["5 more files have changed: a turn's list ends at 10000, and has no names that are no UTF-8"]
    );
}

#[tokio::test]
async fn what_only_looks_like_a_repository_is_none() {
    let mut scene = Scene::new();
    scene.write(".git", "gitdir: /nowhere\n");
    scene.turn("echo b > b.txt").await;
    assert_eq!(scene.list(Scope::Session).await, [""; 0]);
}
