//! Sessions on show, and sessions from their journals.

use agor_nvim::{
    domain::{Content, Status},
    render::{Budget, Icons, Op, Window},
    session::{Painted, Request, Showing, Sight, Update, ViewId},
};
use tokio::{sync::oneshot, time::timeout};

use super::stage::*;

pub async fn paint(stage: &Stage, name: &str, view: ViewId) -> Painted {
    let (reply, answer) = oneshot::channel();
    stage.hub.send(Request::Paint { session: id(name), view, budget: Budget::micros(1_000_000.0), reply });
    timeout(PATIENCE, answer).await.expect("in time").expect("the session is there")
}

/// What a view shows when everything is painted.
async fn painted(stage: &Stage, name: &str, view: ViewId) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    loop {
        let painted = paint(stage, name, view).await;
        for op in painted.patch.into_iter().flat_map(|patch| patch.ops) {
            match op {
                Op::Set { first, last, rows } => {
                    let last = last.unwrap_or(lines.len()).min(lines.len());
                    lines.splice(first.min(last)..last, rows.into_iter().map(|row| row.text));
                }
                Op::Add { row, rows } => {
                    let mut rows = rows.into_iter().map(|row| row.text);
                    lines[row] += &rows.next().expect("a piece to add");
                    lines.splice(row + 1..row + 1, rows);
                }
                Op::Marks { .. } => {}
            }
        }
        if !painted.more {
            return lines;
        }
    }
}

#[tokio::test]
async fn two_buffers_show_the_same_session() {
    let mut stage = Stage::new();
    stage.demo("a", "echo seen twice").await;
    let views = [1, 2].map(|buffer| ViewId { client: CLIENT, buffer });
    let request = |views: &[ViewId]| Request::Views {
        client: CLIENT,
        views: views.iter().copied().map(showing).collect(),
        icons: Icons::default(),
    };
    stage.hub.send(request(&views));
    stage.turn("a").await;
    let one = painted(&stage, "a", views[0]).await;
    assert!(one.iter().any(|line| line.contains("echo seen twice")), "{one:#?}");
    assert_eq!(painted(&stage, "a", views[1]).await, one);
    // One goes: the other is told of news as before.
    stage.hub.send(request(&views[1..]));
    stage.send("a", "echo and again").await.expect("sent");
    stage.turn("a").await;
    let two = painted(&stage, "a", views[1]).await;
    assert!(two.iter().any(|line| line.contains("echo and again")), "{two:#?}");
}

#[tokio::test]
async fn code_is_coloured_when_it_stands_there() {
    let mut stage = Stage::new();
    stage.demo("a", "stream 1 0 2000 markdown").await;
    let view = ViewId { client: CLIENT, buffer: 1 };
    let windows = vec![Window { top: 0, height: 40, follows: true }];
    let views = vec![Showing { sight: Sight { width: 80, windows }, ..showing(view) }];
    stage.hub.send(Request::Views { client: CLIENT, views, icons: Icons::default() });
    stage.turn("a").await;
    let mut groups = Vec::new();
    while !groups.contains(&"@keyword.function") {
        let painted = paint(&stage, "a", view).await;
        for op in painted.patch.into_iter().flat_map(|patch| patch.ops) {
            if let Op::Marks { marks, .. } = op {
                groups.extend(marks.iter().map(|mark| mark.group));
            }
        }
        if !painted.more {
            stage.find(|update| matches!(update, Update::Dirty(_)).then_some(())).await;
        }
    }
}

#[tokio::test]
async fn an_earlier_session_is_shown_from_its_journal() {
    let mut stage = Stage::new();
    stage.demo("a", "echo of old").await;
    stage.turn("a").await;
    let stage = Stage::on(stage.folder);
    let view = ViewId { client: CLIENT, buffer: 1 };
    stage.hub.send(Request::Views { client: CLIENT, views: vec![showing(view)], icons: Icons::default() });
    let lines = painted(&stage, "a", view).await;
    assert!(lines.iter().any(|line| line.contains("echo of old")), "{lines:#?}");
    assert_eq!(stage.hub.counts().processes, 0, "nothing is started");
    assert!(stage.send("a", "x").await.is_err(), "nor by a prompt");
}

#[tokio::test]
async fn a_session_of_an_earlier_backend_goes_on_from_its_journal() {
    let mut stage = Stage::new();
    stage.demo("a", "permission").await;
    let asked = stage.permission().await;
    let folder = stage.folder;
    stage.hub.shutdown().await;

    let mut stage = Stage::on(folder);
    let mut options = stage.options("a", &[BINARY, "runner", "demo"]);
    options.permission_mode = Some("default".into());
    options.restore = true;
    stage.start(options).await.expect("taken up");
    let row = stage.row(|row| row.session_id == id("a")).await;
    assert_eq!((row.status, row.error, row.title.as_str()), (Status::Idle, None, "permission"));
    assert_eq!((row.pending, row.attention), (0, None));
    assert_eq!(stage.closed().await, "cut off: the backend ended");
    assert_eq!(stage.hub.counts().processes, 0, "nothing runs until somebody wants it");
    let outcome = stage.messages("a", 0).await.messages.into_iter().rev().find_map(|message| match message.content {
        Content::Permission { request_id, outcome, .. } if request_id == asked.request_id => Some(outcome),
        _ => None,
    });
    assert_eq!(outcome, Some(Some("cut off: the backend ended".into())));

    stage.send("a", "query").await.expect("it goes on");
    stage.turn("a").await;
    let said = stage.texts("a").await;
    let query: serde_json::Value = serde_json::from_str(said.last().expect("a text")).expect("the query");
    assert_eq!(query["resumeMode"], "resume", "{query}");
    assert!(query["resumeSessionId"].as_str().is_some_and(|id| !id.is_empty()), "{query}");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_taken_up() {
    let stage = Stage::new();
    let mut options = stage.options("a", &[BINARY, "runner", "demo"]);
    options.restore = true;
    assert_eq!(stage.start(options.clone()).await, Err("no session a".into()));
    options.restore = false;
    assert_eq!(stage.start(options).await, Ok(()), "its name is free");
}

#[tokio::test]
async fn the_journals_of_a_project_are_listed_with_what_lives() {
    let mut stage = Stage::new();
    stage.demo("a", "echo of old").await;
    stage.turn("a").await;
    let ask = |stage: &Stage, around: Option<std::path::PathBuf>| {
        let (reply, answer) = oneshot::channel();
        stage.hub.send(Request::Journals { around, after: None, reply });
        async { timeout(PATIENCE, answer).await.expect("in time").expect("an answer").expect("a list") }
    };
    let place = stage.folder.path().to_owned();
    let listed = ask(&stage, Some(place.clone())).await;
    let [entry] = &listed[..] else { panic!("one: {listed:#?}") };
    assert_eq!((entry.session_id.as_str(), entry.provider.as_str(), entry.live), ("a", "demo", true));
    assert_eq!((entry.title.as_str(), entry.mode.as_str(), &entry.cwd), ("echo of old", "default", &place));
    assert!(entry.agent_session.is_some() && entry.updated_at >= entry.started_at, "{entry:#?}");
    let session = id("a");
    stage.ask(|reply| Request::Remove { session, reply }).await.expect("removed");
    stage.removed("a").await;
    let listed = ask(&stage, None).await;
    assert!(listed.len() == 1 && !listed[0].live, "{listed:#?}");
    assert_eq!(ask(&stage, Some("/none/such/place".into())).await, []);
}
