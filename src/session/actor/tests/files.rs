//! Files that the agent reads and writes through us.

use std::{fs, path::Path};

use crate::{
    domain::{FileAccess, FileAnswer, FileRequest, RequestId, ToolCall, ToolKind, ToolResult},
    session::request::FileReply,
};

use super::*;

const READ: FileAccess = FileAccess::Read { line: None, limit: None };

fn wants(id: &str, path: &Path, access: FileAccess) -> Event {
    Event::File(Box::new(FileRequest { request_id: id.into(), path: path.to_owned(), access }))
}

fn write(text: &str) -> FileAccess {
    FileAccess::Write { text: text.into() }
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join(name)
    }

    async fn asked(&mut self) -> (RequestId, PathBuf, Option<String>) {
        self.find(|update| match update {
            Update::File { request_id, path, text, .. } => Some((request_id.clone(), path.clone(), text.clone())),
            _ => None,
        })
        .await
    }

    fn reply(&self, id: &str, reply: FileReply) -> Answer<()> {
        self.order(Order::File { request_id: id.into(), reply })
    }

    async fn touched(&mut self) -> Vec<PathBuf> {
        self.find(|update| match update {
            Update::Files { paths, .. } => Some(paths.clone()),
            _ => None,
        })
        .await
    }
}

impl Side {
    async fn file(&mut self) -> (String, FileAnswer) {
        match self.told().await {
            Command::File { request_id, answer } => (request_id.to_string(), answer),
            other => panic!("no file: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_editor_reads_and_the_agent_gets_the_lines_it_wants() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let path = stage.path("a.txt");
    side.says([
        wants("r1", &path, FileAccess::Read { line: Some(2), limit: Some(1) }),
        wants("r2", &path, READ),
        wants("r3", &path, READ),
    ]);
    let asked = [stage.asked().await, stage.asked().await, stage.asked().await].map(|(_, path, text)| (path, text));
    assert!(asked.iter().all(|asked| *asked == (path.clone(), None)));
    assert_eq!(stage.reply("r1", FileReply::Text("one\ntwo\nthree\n".into())).await, Ok(()));
    assert_eq!(side.file().await, ("r1".into(), FileAnswer::Text("two\n".into())));
    assert_eq!(stage.reply("r2", FileReply::Missing).await, Ok(()));
    assert_eq!(side.file().await, ("r2".into(), FileAnswer::Missing));
    assert_eq!(stage.reply("r3", FileReply::Failed("it is locked".into())).await, Ok(()));
    assert_eq!(side.file().await, ("r3".into(), FileAnswer::Failed("it is locked".into())));
    let again = stage.reply("r1", FileReply::Missing).await;
    assert_eq!(again, Err("no file request r1 is open: its turn has ended".into()));
}

#[tokio::test(start_paused = true)]
async fn what_no_buffer_holds_is_read_and_written_on_the_disk() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let path = stage.path("new/a.txt");
    for (id, access, expect) in [
        ("r1", READ, FileAnswer::Missing),
        ("r2", write("one\ntwo\n"), FileAnswer::Written),
        ("r3", FileAccess::Read { line: Some(2), limit: None }, FileAnswer::Text("two\n".into())),
    ] {
        side.says([wants(id, &path, access)]);
        stage.asked().await;
        assert_eq!(stage.reply(id, FileReply::Disk).await, Ok(()));
        let written = expect == FileAnswer::Written;
        assert_eq!(side.file().await, (id.into(), expect));
        if written {
            assert_eq!(stage.touched().await, std::slice::from_ref(&path));
        }
    }
    assert_eq!(fs::read_to_string(path).expect("written"), "one\ntwo\n");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_the_editor_has_done_changed_the_file_too() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let path = stage.path("a.txt");
    side.says([wants("w", &path, write("text"))]);
    assert_eq!(stage.asked().await.2.as_deref(), Some("text"));
    let wrong = "the agent wants to write that file, not to read it";
    assert_eq!(stage.reply("w", FileReply::Text("x".into())).await, Err(wrong.into()));
    assert_eq!(stage.reply("w", FileReply::Written).await, Ok(()));
    assert_eq!(side.file().await, ("w".into(), FileAnswer::Written));
    assert_eq!(stage.touched().await, [path]);
}

#[tokio::test(start_paused = true)]
async fn what_is_outside_is_refused_without_asking_the_editor() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let place = elsewhere.path().canonicalize().expect("it is there");
    let (mut stage, mut side) = Stage::begin(|options| {
        options.additional_directories = vec![place.join("more").to_str().expect("a path").to_owned()];
    })
    .await;
    side.ready(Capabilities::default());
    fs::create_dir(place.join("more")).expect("a folder");
    side.says([wants("r1", &place.join("secret"), READ)]);
    let (_, answer) = side.file().await;
    assert!(matches!(answer, FileAnswer::Failed(why) if why.contains("outside the session's directories")));
    side.says([wants("r2", &place.join("more/a"), READ)]);
    assert_eq!(stage.asked().await.1, place.join("more/a"));
}

#[tokio::test(start_paused = true)]
async fn a_long_text_does_not_go_through_the_editor() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let path = stage.path("long");
    side.says([wants("w", &path, write(&"x".repeat(2 << 20)))]);
    assert_eq!(side.file().await, ("w".into(), FileAnswer::Written));
    assert_eq!(stage.touched().await, std::slice::from_ref(&path));
    assert_eq!(fs::metadata(path).expect("written").len(), 2 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_runs_has_the_editor_look_at_its_files_when_it_has_ended() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    let call = ToolCall {
        tool_use_id: "t".into(),
        name: "Bash".into(),
        kind: ToolKind::Execute,
        input: serde_json::Value::Null,
        title: "make".into(),
        locations: Vec::new(),
    };
    let result = |part: bool, output: &str| {
        let result = ToolResult { tool_use_id: "t".into(), output: output.into(), ..ToolResult::default() };
        Event::Message { id: "r".into(), parent_id: None, part, content: Content::ToolResult(result) }
    };
    side.says([Event::message("t", Content::ToolCall(call)), result(true, "1\n"), result(true, "2\n")]);
    side.says([Event::Title("so far".into())]);
    let so_far = stage
        .find(|update| match update {
            Update::Files { .. } => Some("files"),
            Update::Session(row) => (row.title == "so far").then_some("title"),
            _ => None,
        })
        .await;
    assert_eq!(so_far, "title");
    side.says([result(false, "1\n2\n")]);
    assert_eq!(stage.touched().await, Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn each_request_is_answered_at_the_turns_end_at_the_latest() {
    let interrupt = Capabilities { interrupt: true, ..Capabilities::default() };
    let (mut stage, mut side) = Stage::with(interrupt).await;
    stage.send("go").await;
    side.prompted().await;
    let path = stage.path("a");
    side.says([wants("r1", &path, READ)]);
    stage.asked().await;
    stage.order(Order::Interrupt).await.expect("interrupted");
    assert_eq!(side.told().await, Command::Interrupt);
    let why = |why: &str| FileAnswer::Failed(why.to_owned());
    assert_eq!(side.file().await, ("r1".into(), why("the user has interrupted the turn")));
    side.says([wants("r2", &path, READ)]);
    stage.asked().await;
    side.ends_turn();
    assert_eq!(side.file().await, ("r2".into(), why("the turn has ended")));
    let late = stage.reply("r2", FileReply::Disk).await;
    assert_eq!(late, Err("no file request r2 is open: its turn has ended".into()));
    side.told_nothing();
}
