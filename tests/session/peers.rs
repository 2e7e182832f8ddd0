//! Two backends at once: each sees the other's sessions, one goes on with them or only reads along.

use std::path::PathBuf;

use agor_nvim::{
    domain::{Attention, Other, Status},
    render::{ExportPlace, Icons},
    session::{Listed, Order, Request, Update, ViewId},
};
use rustix::process::getppid;

use super::{stage::*, views::paint};

async fn others(stage: &Stage, around: Option<PathBuf>) -> Vec<Other> {
    stage.ask(|reply| Request::Others { around, reply }).await.expect("an answer")
}

async fn listed(stage: &Stage) -> Vec<Listed> {
    stage.ask(|reply| Request::Journals { around: None, after: None, reply }).await.expect("a list")
}

async fn release(stage: &Stage, name: &str) -> Result<(), String> {
    stage.ask(|reply| Request::Release { session: id(name), reply }).await
}

/// The session of another backend goes on here.
async fn restore(stage: &Stage, name: &str) -> Result<(), String> {
    let mut options = stage.options(name, &[BINARY, "runner", "demo"]);
    (options.restore, options.permission_mode) = (true, Some("default".into()));
    stage.start(options).await
}

async fn exported(stage: &Stage, name: &str) -> String {
    let from = ExportPlace::default();
    stage.ask(|reply| Request::Export { session: id(name), from, reply }).await.expect("a text").text
}

/// Until the transcript, as it is shown, has the text.
async fn reads(stage: &mut Stage, name: &str, text: &str) {
    let view = ViewId { client: CLIENT, buffer: 1 };
    loop {
        paint(stage, name, view).await;
        let exported = exported(stage, name).await;
        if exported.contains(text) {
            return;
        }
        let dirty = stage.find(|update| matches!(update, Update::Dirty(session) if *session == id(name)).then_some(()));
        dirty.await;
    }
}

/// Whether another backend is said to go on with what is shown.
async fn along(stage: &mut Stage, wanted: bool) {
    stage.find(|update| matches!(update, Update::Along { elsewhere, .. } if *elsewhere == wanted).then_some(())).await;
}

/// Nobody waits for a backend to begin to listen.
async fn first_other(stage: &Stage) -> Other {
    loop {
        if let Some(other) = others(stage, None).await.into_iter().next() {
            return other;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_backend_knows_what_the_others_have() {
    let mut one = Stage::new();
    let two = one.beside();
    one.demo("a", "permission").await;
    one.permission().await;
    let other = first_other(&two).await;
    let row = &other.summary;
    assert_eq!((row.session_id.as_str(), row.attention, row.busy), ("a", Some(Attention::Permission), true));
    assert_eq!(row.capabilities, Default::default(), "they are long, and of no use to who only looks");
    let editor = getppid().map(|pid| pid.as_raw_nonzero().get());
    assert_eq!(i32::try_from(other.elsewhere.pid).ok(), editor);
    assert_eq!(others(&one, None).await, [], "its own are not among them");
    assert_eq!(others(&two, Some(one.folder.path().to_owned())).await.len(), 1);
    assert_eq!(others(&two, Some(two.folder.path().to_owned())).await, []);
    let states = |listed: Vec<Listed>| listed.iter().map(|one| (one.live, one.elsewhere)).collect::<Vec<_>>();
    assert_eq!(states(listed(&one).await), [(true, false)]);
    assert_eq!(states(listed(&two).await), [(false, true)]);
}

#[tokio::test]
async fn a_session_is_taken_over_with_all_that_was_said() {
    let mut one = Stage::new();
    let mut two = one.beside();
    one.demo("a", "echo said before").await;
    one.status("a", Status::Idle).await;
    first_other(&two).await;
    assert_eq!(restore(&two, "a").await, Err("session a runs in another Neovim: :Agor resume a takes it over".into()));
    assert_eq!(release(&two, "a").await, Ok(()));
    one.removed("a").await;
    let told = one.find(|update| match update {
        Update::Notify { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!(told.await, "session a was taken over by another Neovim; its transcript can still be read here");
    assert_eq!(one.hub.counts().processes, 0);
    assert_eq!(restore(&two, "a").await, Ok(()));
    two.send("a", "echo said after").await.expect("sent");
    two.turn("a").await;
    let said = two.texts("a").await;
    assert_eq!(said, ["\"echo said before\"", "\"echo said after\""]);
    assert_eq!(first_other(&one).await.summary.session_id, id("a"), "now it is the other's");
}

#[tokio::test]
async fn what_works_is_ended_before_it_is_let_go() {
    let mut one = Stage::new();
    let mut two = one.beside();
    one.demo("a", "hang").await;
    one.row(|row| row.turn_started_at.is_some()).await;
    first_other(&two).await;
    assert_eq!(release(&two, "a").await, Ok(()));
    assert_eq!(one.hub.counts().processes, 0);
    assert_eq!(restore(&two, "a").await, Ok(()));
    assert!(!two.row(|row| row.session_id == id("a")).await.interrupted, "it was ended, not cut off");
}

#[tokio::test]
async fn what_waits_goes_along_and_does_not_come_back_as_well() {
    let mut one = Stage::new();
    let mut two = one.beside();
    one.demo("a", "hang").await;
    one.row(|row| row.turn_started_at.is_some()).await;
    one.send("a", "echo later").await.expect("it waits");
    one.row(|row| row.queued == 1).await;
    first_other(&two).await;
    release(&two, "a").await.expect("let go");
    one.removed("a").await;
    assert!(!one.told.iter().any(|update| matches!(update, Update::Draft { .. })), "{:#?}", one.told);
    restore(&two, "a").await.expect("it goes on");
    let row = two.row(|row| row.session_id == id("a")).await;
    assert!(row.queued == 1 && row.held.is_some(), "{row:?}");
}

#[tokio::test]
async fn what_nobody_has_cannot_be_let_go() {
    let one = Stage::new();
    let two = one.beside();
    one.demo("a", "echo x").await;
    first_other(&two).await;
    let error = release(&two, "b").await.expect_err("nobody has it");
    assert_eq!(error, "no Neovim that can be reached has session b: stop it where it runs, or try again");
    let own = release(&one, "a").await.expect_err("it is its own");
    assert!(own.starts_with("no Neovim that can be reached has session a"), "{own}");
}

#[tokio::test]
async fn a_transcript_is_read_along_while_another_backend_goes_on_with_it() {
    let mut one = Stage::new();
    let mut two = one.beside();
    one.demo("a", "echo first").await;
    one.turn("a").await;
    let view = ViewId { client: CLIENT, buffer: 1 };
    let shown = || Request::Views { client: CLIENT, views: vec![showing(view)], icons: Icons::default() };
    two.hub.send(shown());
    reads(&mut two, "a", "\"echo first\"").await;
    one.send("a", "echo second").await.expect("sent");
    reads(&mut two, "a", "\"echo second\"").await;
    along(&mut two, true).await;
    let sent = two.order("a", Order::Interrupt).await;
    assert_eq!(sent, Err("session a is not running: it is shown from its journal".into()));
    // The other way round: who has let go of it reads along.
    one.hub.send(shown());
    first_other(&two).await;
    release(&two, "a").await.expect("let go");
    restore(&two, "a").await.expect("it goes on");
    two.send("a", "echo third").await.expect("sent");
    reads(&mut one, "a", "\"echo third\"").await;
    along(&mut one, true).await;
    two.hub.shutdown().await;
    along(&mut one, false).await;
}

#[tokio::test]
async fn a_backend_that_ends_leaves_no_socket() {
    let one = Stage::new();
    let two = one.beside();
    one.demo("a", "echo x").await;
    first_other(&two).await;
    let sockets = || std::fs::read_dir(one.folder.path().join("peers")).expect("a folder").count();
    while sockets() < 2 {
        tokio::task::yield_now().await;
    }
    two.hub.shutdown().await;
    assert_eq!(sockets(), 1);
}
