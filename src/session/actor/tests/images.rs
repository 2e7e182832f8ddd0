//! Prompts with images.

use crate::domain::Image;

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

fn viewer() -> Capabilities {
    Capabilities { images: true, ..Capabilities::default() }
}

impl Stage {
    fn prompt_with(&self, name: &str, bytes: &[u8]) -> Prompt {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let image = Image { path: path.to_str().expect("a path").into(), ..Image::default() };
        Prompt { images: vec![image], ..Prompt::new("look") }
    }
}

#[tokio::test(start_paused = true)]
async fn images_are_read_when_the_prompt_is_delivered_and_not_kept() {
    let (mut stage, mut side) = Stage::with(viewer()).await;
    let prompt = stage.prompt_with("a", PNG);
    stage.order(Order::Send(prompt.clone())).await.expect("taken");
    stage.send("second").await;
    let told = side.prompted().await;
    assert_eq!((told.images[0].mime.as_str(), told.images[0].data.as_str()), ("image/png", "iVBORw0KGgpyZXN0"));
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "second", "the order is kept");
    let journal = std::fs::read_to_string(stage.folder.path().join("sessions/a.ndjson")).expect("a journal");
    assert!(journal.contains("image/png") && !journal.contains("iVBORw0KGgpyZXN0"), "{journal}");
    side.puppet.exit(1, &[]);
    assert_eq!(stage.draft().await.text, "second", "the agent has said nothing to it");
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_can_take_is_waited_for() {
    let (mut stage, mut side) = Stage::begin(|_| {}).await;
    let prompt = stage.prompt_with("a", PNG);
    stage.order(Order::Send(prompt.clone())).await.expect("taken");
    assert_eq!(stage.row(|row| row.queued == 1).await.status, Status::Idle);
    side.told_nothing();
    side.ready(viewer());
    assert_eq!(side.prompted().await.text, "look");
    let (mut stage, side) = Stage::begin(|_| {}).await;
    stage.order(Order::Send(prompt.clone())).await.expect("taken");
    side.ready(Capabilities::default());
    assert_eq!(stage.draft().await, prompt);
    let sentence = "scripted takes no images: the prompt is back in the prompt window; send it without them";
    assert_eq!(stage.notified().await, sentence);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_read_gives_the_prompt_back() {
    let (mut stage, mut side) = Stage::with(viewer()).await;
    let prompt = stage.prompt_with("a.svg", b"<svg/>");
    stage.order(Order::Send(prompt.clone())).await.expect("taken");
    stage.send("second").await;
    assert_eq!(stage.draft().await.images[0].path, prompt.images[0].path);
    let sentence = stage.notified().await;
    assert!(sentence.ends_with("PNG, JPEG, GIF and WebP. The prompt is back in the prompt window"), "{sentence}");
    assert_eq!(side.prompted().await.text, "second");
    assert_eq!(stage.lines().await, ["> second"], "it was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_first_prompt_that_comes_back_leaves_an_idle_session() {
    let (mut stage, side) = Stage::begin(|options| {
        let image = Image { path: "/none/such.png".into(), ..Image::default() };
        options.prompt = Some(Prompt { images: vec![image], ..Prompt::new("look") });
    })
    .await;
    side.ready(viewer());
    assert_eq!(stage.draft().await.text, "look");
    assert_eq!(stage.row(|row| row.status != Status::Running).await.status, Status::Idle);
}
