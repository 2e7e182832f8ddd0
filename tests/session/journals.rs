//! What becomes of journals by the user's will: they get names, and they go.

use std::fs;

use agor_nvim::{
    domain::Status,
    session::{Listed, Request},
};

use crate::stage::*;

async fn listed(stage: &Stage) -> Vec<Listed> {
    stage.ask(|reply| Request::Journals { around: None, after: None, reply }).await.expect("a list")
}

async fn rename(stage: &Stage, name: &str, title: &str) -> Result<(), String> {
    let title = title.to_owned();
    stage.ask(|reply| Request::Rename { session: id(name), name: title, reply }).await
}

async fn delete(stage: &Stage, name: &str) -> Result<(), String> {
    stage.ask(|reply| Request::DeleteJournal { session: id(name), reply }).await
}

#[tokio::test]
async fn a_name_is_given_to_a_living_session_and_to_one_of_before() {
    let mut stage = Stage::new();
    stage.demo("a", "echo hi").await;
    stage.turn("a").await;
    rename(&stage, "a", " Pars\x1ber\n").await.expect("renamed");
    stage.row(|row| row.title == "Pars er").await;
    stage.stop("a", false).await.expect("stopped");
    stage.status("a", Status::Done).await;
    let request = |reply| Request::Remove { session: id("a"), reply };
    stage.ask(request).await.expect("removed");
    stage.removed("a").await;
    assert_eq!(listed(&stage).await[0].title, "Pars er");
    rename(&stage, "a", "Lexer").await.expect("renamed");
    let listed = listed(&stage).await;
    assert_eq!((listed[0].title.as_str(), &listed[0].project), ("Lexer", &listed[0].cwd));
    assert_eq!(rename(&stage, "b", "x").await, Err("no session b".to_owned()));
}

#[tokio::test]
async fn a_deleted_session_ends_and_nothing_of_it_stays() {
    let mut stage = Stage::new();
    stage.demo("a", "permission").await;
    stage.permission().await;
    let snapshot = stage.folder.path().join("snapshots/a/objects");
    fs::create_dir_all(&snapshot).expect("a folder");
    delete(&stage, "a").await.expect("deleted");
    stage.removed("a").await;
    assert_eq!(listed(&stage).await, []);
    assert!(!snapshot.exists() && !stage.folder.path().join("snapshots/a").exists());
    assert_eq!(delete(&stage, "a").await, Err("no session a".to_owned()));
    stage.demo("a", "echo hi").await;
    assert_eq!(stage.turn("a").await, "end_turn");
}

#[tokio::test]
async fn a_session_of_another_backend_is_neither_renamed_nor_deleted() {
    let mut stage = Stage::new();
    stage.demo("a", "echo hi").await;
    stage.turn("a").await;
    let other = Stage::on(tempfile::tempdir().expect("a folder"));
    let journals = other.folder.path().join("sessions");
    std::os::unix::fs::symlink(stage.folder.path().join("sessions"), &journals).expect("a link");
    let busy = "session a runs in another Neovim: :Agor resume a takes it over".to_owned();
    assert_eq!(delete(&other, "a").await, Err(busy.clone()));
    assert_eq!(rename(&other, "a", "x").await, Err(busy));
    assert_eq!(listed(&stage).await.len(), 1);
}
