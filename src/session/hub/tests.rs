//! What becomes of the others, and of the session itself, when a session's task panics.

use tokio::time::timeout;

use super::*;
use crate::{
    domain::{Cause, Prompt, ProviderConfig, Status, Wait},
    session::{ClientId, Order, Showing},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn options(name: &str) -> StartOptions {
    let id = SessionId::parse(name).expect("a good id");
    let config = ProviderConfig { protocol: "none".into(), ..ProviderConfig::default() };
    StartOptions::new(id, "demo", config, "/".into())
}

/// A session whose task panics at its first input.
fn enlist_doomed(hub: &mut Hub, name: &str, died: bool) {
    let options = Arc::new(options(name));
    let (inputs, mut received) = mpsc::unbounded_channel::<Input>();
    let task = hub.tasks.spawn(async move {
        received.recv().await;
        std::panic::resume_unwind(Box::new("doomed"));
    });
    let summary = super::super::state::State::new(&options, 1).summary;
    let task = task.id();
    hub.enlist(Session { inputs, task, living: Some(Living::new(summary, options, died)) });
}

async fn ask(hub: &HubHandle, request: impl FnOnce(Reply<()>) -> Request) -> Result<(), String> {
    let (reply, answer) = oneshot::channel();
    hub.send(request(reply));
    let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
    answer.unwrap_or_else(|_| Err("dropped".to_owned()))
}

async fn next(updates: &mut mpsc::UnboundedReceiver<Update>) -> Update {
    timeout(PATIENCE, updates.recv()).await.expect("an update in time").expect("the hub lives")
}

fn id(name: &str) -> SessionId {
    SessionId::parse(name).expect("a good id")
}

fn prompt(session: &str) -> impl FnOnce(Reply<()>) -> Request {
    let (session, prompt) = (id(session), Prompt::new("again"));
    move |reply| Request::Order { session, order: Order::Send(prompt), reply }
}

#[tokio::test]
async fn a_panic_in_a_session_is_an_error_of_that_session_only() {
    let (client, mut updates) = mpsc::unbounded_channel();
    let folder = tempfile::tempdir().expect("a folder");
    let config = HubConfig { journals: Some(folder.path().join("sessions")), ..HubConfig::default() };
    let (mut hub, handle) = Hub::within(Outside::default(), config, client);
    let header = super::super::journal::header(id("a"), "demo", "/".as_ref(), 1);
    super::super::journal::Journal::create(Some(&folder.path().join("sessions")), &header).expect("a journal");
    enlist_doomed(&mut hub, "a", false);
    hub.start(options("b")).expect("it starts");
    tokio::spawn(hub.run());
    assert_eq!(ask(&handle, prompt("a")).await, Err("dropped".into()), "the panic takes the request with it");
    let error = loop {
        if let Update::Status { session, status: Status::Error, error } = next(&mut updates).await
            && session == id("a")
        {
            break error;
        }
    };
    assert_eq!(error.as_deref(), Some("internal error, see the log (:Agor log)"));
    // Both take prompts again: that no such protocol exists, they find out in their own tasks.
    for name in ["a", "b"] {
        assert_eq!(ask(&handle, prompt(name)).await, Ok(()));
        let returned = loop {
            if let Update::Draft { session, prompt } = next(&mut updates).await {
                break (session, prompt.text);
            }
        };
        assert_eq!(returned, (id(name), "again".into()));
    }
}

#[tokio::test]
async fn a_session_that_panics_again_can_only_be_removed() {
    let (client, mut updates) = mpsc::unbounded_channel();
    let (mut hub, handle) = Hub::within(Outside::default(), HubConfig::default(), client);
    enlist_doomed(&mut hub, "a", true);
    tokio::spawn(hub.run());
    assert!(ask(&handle, prompt("a")).await.is_err());
    let refused = ask(&handle, prompt("a")).await.expect_err("nobody is there");
    assert_eq!(refused, "session a has ended by an internal error: :Agor log has more");
    let session = id("a");
    assert_eq!(ask(&handle, |reply| Request::Remove { session, reply }).await, Ok(()));
    while !matches!(next(&mut updates).await, Update::Removed(gone) if gone == id("a")) {}
    assert_eq!(ask(&handle, prompt("a")).await, Err("no session a".into()));
}

#[tokio::test]
async fn a_session_that_has_died_waits_for_nothing_and_has_not_stalled() {
    let (client, mut updates) = mpsc::unbounded_channel();
    let (mut hub, handle) = Hub::within(Outside::default(), HubConfig::default(), client);
    enlist_doomed(&mut hub, "a", true);
    let living = hub.sessions.get_mut(&id("a")).and_then(|session| session.living.as_mut()).expect("it is there");
    living.summary.wait = Some(Wait::new(Cause::Retry, "again"));
    (living.summary.stalled, living.summary.quiet_since, living.summary.quiet_ms) = (true, Some(1), Some(1));
    tokio::spawn(hub.run());
    assert!(ask(&handle, prompt("a")).await.is_err());
    let row = loop {
        if let Update::Session(row) = next(&mut updates).await
            && row.status == Status::Error
        {
            break row;
        }
    };
    assert_eq!((row.wait, row.stalled, row.quiet_since, row.quiet_ms), (None, false, None, None));
    while !matches!(next(&mut updates).await, Update::Stalled { session, since: None, .. } if session == id("a")) {}
}

#[tokio::test]
async fn a_session_that_is_read_from_its_journal_takes_no_orders() {
    let (client, mut updates) = mpsc::unbounded_channel();
    let handle = Hub::spawn(HubConfig::default(), client);
    let view = ViewId { client: ClientId(0), buffer: 1 };
    handle.send(Request::Views {
        client: ClientId(0),
        views: vec![Showing { view, session: id("old"), revision: 0, sight: Sight::default() }],
        icons: Icons::default(),
    });
    let session = id("old");
    let refused = ask(&handle, |reply| Request::Remove { session, reply }).await;
    assert_eq!(refused, Err("session old is not running: it is shown from its journal".into()));
    assert!(matches!(next(&mut updates).await, Update::Dirty(shown) if shown == id("old")));
}

#[tokio::test]
async fn a_dead_hub_is_gone_and_its_client_learns_it() {
    let (client, mut updates) = mpsc::unbounded_channel();
    let (hub, handle) = Hub::within(Outside::default(), HubConfig::default(), client);
    assert!(!handle.is_gone());
    let died = tokio::spawn(async move {
        let _hub = hub;
        std::panic::resume_unwind(Box::new("doomed"))
    });
    assert!(timeout(PATIENCE, died).await.expect("in time").is_err());
    assert!(updates.recv().await.is_none() && handle.is_gone());
}

#[tokio::test]
async fn a_list_of_journals_that_cannot_be_read_is_a_sentence() {
    let (client, _updates) = mpsc::unbounded_channel();
    let folder = tempfile::tempdir().expect("a folder");
    let journals = folder.path().join("sessions");
    std::fs::write(&journals, "x").expect("a file");
    let config = HubConfig { journals: Some(journals.clone()), ..HubConfig::default() };
    let (hub, handle) = Hub::within(Outside::default(), config, client);
    tokio::spawn(hub.run());
    let (reply, answer) = oneshot::channel();
    handle.send(Request::Journals { around: None, after: None, reply });
    let why = answer.await.expect("an answer").expect_err("no list");
    let expect = format!("the sessions in {} cannot be listed: Not a directory (os error 20)", journals.display());
    assert_eq!(why, expect);
    let (reply, answer) = oneshot::channel();
    handle.send(Request::Interrupted { around: folder.path().to_owned(), reply });
    assert_eq!(answer.await.expect("an answer"), Err(expect));
}
