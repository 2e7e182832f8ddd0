//! Sockets as they may be found: stale, somebody else's, too deep; and peers that say odd things.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use super::*;
use crate::domain::SessionSummary;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let peers = folder.path().join("peers");
    (folder, peers)
}

fn summary(name: &str) -> SessionSummary {
    SessionSummary::new(SessionId::parse(name).expect("a good id"), "demo")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// One that answers whoever asks with these bytes.
fn answers(folder: &Path, name: &str, answer: &'static str) {
    let listener = socket::bind(folder, name).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
}

fn us(folder: &Path) -> Meeting {
    Meeting::at(folder.to_owned(), 1)
}

#[tokio::test]
async fn folder_and_sockets_are_the_users_own() {
    let (_folder, peers) = folder();
    fs::create_dir(&peers).expect("a folder");
    fs::set_permissions(&peers, fs::Permissions::from_mode(0o755)).expect("set");
    let _listener = socket::bind(&peers, "1-1.sock").expect("a socket");
    assert_eq!((mode(&peers), mode(&peers.join("1-1.sock"))), (0o700, 0o600));
    assert_eq!(fs::read_dir(&peers).expect("a folder").count(), 1);
}

#[tokio::test]
async fn what_is_no_socket_is_no_peer() {
    let (outside, peers) = folder();
    let _listener = socket::bind(&peers, "1-1.sock").expect("a socket");
    fs::write(peers.join("2-2.sock"), "").expect("a file");
    fs::write(peers.join("notes.txt"), "").expect("a file");
    symlink(peers.join("1-1.sock"), peers.join("3-3.sock")).expect("a link");
    assert_eq!(socket::names(&peers), ["1-1.sock"]);
    let link = outside.path().join("link");
    symlink(&peers, &link).expect("a link");
    assert_eq!(socket::names(&link), [""; 0], "a folder that is a link may be anybody's");
    assert!(socket::bind(&link, "4-4.sock").is_err());
    assert_eq!(socket::names(&outside.path().join("none")), [""; 0]);
}

#[tokio::test]
async fn one_that_nobody_listens_on_goes() {
    let (_folder, peers) = folder();
    drop(socket::bind(&peers, "1-1.sock").expect("a socket"));
    answers(&peers, "2-2.sock", "{}\n");
    assert_eq!(us(&peers).others(None).await, []);
    assert_eq!(socket::names(&peers), ["2-2.sock"]);
}

#[tokio::test]
async fn a_folder_may_lie_deep() {
    let (folder, _) = folder();
    let peers = folder.path().join("a-rather-long-name".repeat(5)).join("another-rather-long-name".repeat(4));
    let (requests, mut received) = mpsc::unbounded_channel();
    let served = us(&peers);
    let name = served.own.clone();
    let listening = tokio::spawn(listen(served, requests.downgrade()));
    tokio::spawn(async move {
        while let Some(request) = received.recv().await {
            if let Request::Rows { reply } = request {
                let _ = reply.send(vec![summary("a")]);
            }
        }
    });
    while socket::names(&peers).is_empty() {
        tokio::task::yield_now().await;
    }
    let others = us(&peers).others(None).await;
    assert_eq!(others.iter().map(|other| other.summary.session_id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(peers.join(name).as_os_str().len() > 108);
    listening.abort();
}

#[tokio::test]
async fn what_a_peer_says_that_we_do_not_know_is_passed_over() {
    let (_folder, peers) = folder();
    answers(&peers, "1-1.sock", "no json\n");
    answers(&peers, "2-2.sock", "");
    answers(&peers, "3-3.sock", "[]\n");
    answers(&peers, "4-4.sock", "{\"pid\":7,\"rows\":[{\"session_id\":\"../a\"},{\"session_id\":7}],\"news\":1}\n");
    let row = serde_json::to_value(summary("b")).expect("a row");
    let row: &'static str = format!("{{\"pid\":8,\"rows\":[{row}],\"new\":{{}}}}\n").leak();
    answers(&peers, "5-5.sock", row);
    let others = us(&peers).others(None).await;
    let told: Vec<_> = others.iter().map(|other| (other.summary.session_id.as_str(), other.elsewhere.pid)).collect();
    assert_eq!(told, [("b", 8)]);
}

#[tokio::test]
async fn a_question_that_we_do_not_know_is_answered_with_a_sentence() {
    let (_folder, peers) = folder();
    let (requests, mut received) = mpsc::unbounded_channel::<Request>();
    let served = us(&peers);
    let name = served.own.clone();
    let listening = tokio::spawn(listen(served, requests.downgrade()));
    while socket::names(&peers).is_empty() {
        tokio::task::yield_now().await;
    }
    for question in ["{\"ask\":\"dance\"}\n", "?\n", "{\"ask\":\"release\",\"session_id\":\"../a\"}\n"] {
        let mut stream = socket::connect(&peers, &name).await.expect("somebody listens");
        stream.write_all(question.as_bytes()).await.expect("said");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.contains("that is nothing this agor can be asked"), "{answer}");
    }
    assert!(received.try_recv().is_err(), "the hub hears nothing of it");
    listening.abort();
}

#[tokio::test]
async fn who_keeps_a_session_says_why() {
    let (_folder, peers) = folder();
    let row = serde_json::to_value(summary("a")).expect("a row");
    let answer: &'static str = format!("{{\"pid\":8,\"rows\":[{row}],\"error\":\"it is busy\"}}\n").leak();
    answers(&peers, "1-1.sock", answer);
    let refused = us(&peers).release(SessionId::parse("a").expect("a good id")).await;
    assert_eq!(refused, Err("the other Neovim keeps session a: it is busy".into()));
}
