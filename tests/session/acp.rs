//! Sessions with an agent of the Agent Client Protocol that obeys its prompts.

use std::{fs, path::PathBuf};

use agor_nvim::{
    domain::{Image, Prompt, Status},
    session::{FileReply, Order, Request, Update},
};

use super::stage::*;

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/acp.py");

impl Stage {
    fn acp_options(&self, flags: &[&str], prompt: &str) -> agor_nvim::domain::StartOptions {
        let mut options = self.options("a", &[&["python3", AGENT], flags].concat());
        options.provider = "obedient".into();
        options.config.protocol = "acp".into();
        options.prompt = (!prompt.is_empty()).then(|| text(prompt));
        options
    }

    async fn acp(&self, flags: &[&str], prompt: &str) {
        self.start(self.acp_options(flags, prompt)).await.expect("it starts");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join(name)
    }

    async fn file(&mut self) -> (agor_nvim::domain::RequestId, PathBuf, Option<String>) {
        self.find(|update| match update {
            Update::File { request_id, path, text, .. } => Some((request_id.clone(), path.clone(), text.clone())),
            _ => None,
        })
        .await
    }

    async fn last_text(&mut self) -> String {
        self.turn("a").await;
        self.texts("a").await.pop().expect("a text")
    }
}

#[tokio::test]
async fn files_are_read_and_written_through_the_editor() {
    let mut stage = Stage::new();
    let path = stage.path("a.txt");
    stage.acp(&[], &format!("read {} 2 1", path.display())).await;
    let (request_id, asked, text) = stage.file().await;
    assert_eq!((&asked, text), (&path, None));
    let reply = FileReply::Text("one\ntwo\nthree\n".into());
    stage.order("a", Order::File { request_id, reply }).await.expect("answered");
    assert_eq!(stage.last_text().await, "two\n");

    stage.send("a", &format!("write {} hello", path.display())).await.expect("sent");
    let (request_id, _, text) = stage.file().await;
    assert_eq!(text.as_deref(), Some("hello"));
    stage.order("a", Order::File { request_id, reply: FileReply::Disk }).await.expect("answered");
    assert_eq!(stage.last_text().await, "written");
    assert_eq!(fs::read_to_string(&path).expect("written"), "hello");

    stage.send("a", "read /etc/passwd").await.expect("sent");
    let refusal = stage.last_text().await;
    assert!(refusal.contains("/etc/passwd is outside the session's directories"), "{refusal}");
}

#[tokio::test]
async fn an_image_reaches_the_agent() {
    let mut stage = Stage::new();
    let path = stage.path("shot.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\nrest").expect("a file");
    let mut options = stage.acp_options(&[], "");
    let image = Image { path: path.to_str().expect("a path").into(), ..Image::default() };
    options.prompt = Some(Prompt { images: vec![image], ..text("prompt") });
    stage.start(options).await.expect("it starts");
    let said = stage.last_text().await;
    assert!(said.contains(r#""mimeType": "image/png""#) && said.contains("iVBORw0KGgpyZXN0"), "{said}");
}

#[tokio::test]
async fn a_prompt_that_needs_a_login_comes_back_and_is_answered_after_it() {
    let mut stage = Stage::new();
    stage.acp(&["login"], "say hello").await;
    assert_eq!(stage.draft().await, "say hello");
    let row = stage.row(|row| row.status == Status::Error).await;
    assert!(row.error.is_some_and(|error| error.contains("is not logged in")));
    stage.row(|row| !row.capabilities.logins.is_empty()).await;
    let refused = stage.order("a", Order::Login("card".into())).await;
    assert_eq!(refused, Err("obedient has no login 'card': choose one of web".into()));
    stage.order("a", Order::Login("web".into())).await.expect("told");
    stage.send("a", "say hello").await.expect("sent");
    while stage.texts("a").await.is_empty() {
        stage.turn("a").await;
    }
    assert_eq!(stage.texts("a").await, ["hello"]);
}

#[tokio::test]
async fn the_agents_own_conversations_are_listed_and_deleted() {
    let mut stage = Stage::new();
    stage.acp(&[], "").await;
    let list = async |stage: &Stage| {
        let session = id("a");
        let found = stage.ask(|reply| Request::Conversations { session, reply }).await.expect("a list");
        found.into_iter().map(|found| format!("{}: {}", found.id, found.title)).collect::<Vec<_>>()
    };
    assert_eq!(list(&stage).await, ["old-1: Title of old-1", "old-2: Title of old-2"]);
    stage.row(|row| row.capabilities.delete).await;
    stage.order("a", Order::DeleteConversation("old-1".into())).await.expect("told");
    assert_eq!(list(&stage).await, ["old-2: Title of old-2"]);
}

#[tokio::test]
async fn mode_and_model_survive_another_backend() {
    let mut stage = Stage::new();
    stage.acp(&[], "set").await;
    let first = stage.last_text().await;
    let own = first.split(' ').next().expect("a session").to_owned();
    assert!(first.ends_with(" ask small"), "{first}");
    stage.order("a", Order::SetMode("plan".into())).await.expect("set");
    stage.order("a", Order::SetModel("big".into())).await.expect("set");
    stage.row(|row| row.mode == "plan" && row.model == "big").await;
    let folder = stage.folder;
    stage.hub.shutdown().await;

    let mut stage = Stage::on(folder);
    let mut options = stage.acp_options(&[], "");
    options.restore = true;
    stage.start(options).await.expect("taken up");
    let row = stage.row(|row| row.session_id == id("a")).await;
    assert_eq!((row.mode.as_str(), row.model.as_str()), ("plan", "big"));
    stage.send("a", "set").await.expect("sent");
    assert_eq!(stage.last_text().await, format!("{own} plan big"));
}

#[tokio::test]
async fn where_the_conversation_is_gone_the_session_can_begin_another() {
    let mut stage = Stage::new();
    let mut options = stage.acp_options(&["gone"], "set");
    options.resume_session_id = Some("lost".into());
    stage.start(options).await.expect("it starts");
    assert_eq!(stage.draft().await, "set");
    let error = stage.row(|row| row.status == Status::Error).await.error.expect("a sentence");
    assert!(error.contains("cannot take up the conversation lost") && error.contains("/seed in the prompt"), "{error}");
    stage.order("a", Order::Clear).await.expect("cleared");
    stage.send("a", "set").await.expect("sent");
    while stage.texts("a").await.is_empty() {
        stage.turn("a").await;
    }
    let said = stage.texts("a").await;
    assert!(said[0].starts_with("own-") && said[0].ends_with(" ask small"), "{said:?}");
}

#[tokio::test]
async fn a_cleared_session_has_another_conversation_and_the_same_mode() {
    let mut stage = Stage::new();
    stage.acp(&[], "set").await;
    let first = stage.last_text().await;
    stage.order("a", Order::SetMode("plan".into())).await.expect("set");
    stage.row(|row| row.mode == "plan").await;
    stage.order("a", Order::Clear).await.expect("cleared");
    stage.send("a", "set").await.expect("sent");
    let second = stage.last_text().await;
    assert!(second.starts_with("own-") && second.ends_with(" plan small"), "{second}");
    assert_ne!(first.split(' ').next(), second.split(' ').next());
    assert_eq!(stage.hub.counts().processes, 1);
}

#[tokio::test]
async fn an_agent_that_never_answers_is_stopped_after_a_minute() {
    let mut stage = Stage::new();
    stage.acp(&["silent"], "say hello").await;
    stage.row(|row| row.busy).await;
    tokio::time::pause();
    awake(61).await;
    tokio::time::resume();
    assert_eq!(stage.draft().await, "say hello");
    let error = stage.row(|row| row.status == Status::Error).await.error;
    assert_eq!(error.as_deref(), Some("obedient was not ready within 60 s and was stopped"));
    assert_eq!(stage.hub.counts().processes, 0);
}

#[tokio::test]
async fn an_agent_that_closes_its_output_and_lives_is_stopped() {
    let mut stage = Stage::new();
    stage.acp(&[], "close").await;
    let error = stage.row(|row| row.status == Status::Error).await.error.expect("a sentence");
    assert!(error.starts_with("obedient has closed its output and did not end within 3 s: it was stopped"), "{error}");
    assert_eq!(stage.turn("a").await, "exited");
    assert_eq!(stage.hub.counts().processes, 0);
}
