//! What those are told who listen, and those who ask.

use agor_nvim::{
    domain::{AgentMessage, Content},
    render::Icons,
    session::{Request, Update, ViewId},
};

use super::stage::*;

/// Takes all deliveries up to the end of the turn.
async fn delivered(stage: &mut Stage, name: &str) -> Vec<Vec<AgentMessage>> {
    stage.turn(name).await;
    let mut all = Vec::new();
    loop {
        let took = stage.find(|update| match update {
            Update::Messages { messages, .. } => Some(messages.clone()),
            _ => None,
        });
        let messages = took.await;
        let over = messages.iter().any(|message| matches!(message.content, Content::Cost(_)));
        all.push(messages);
        if over {
            return all;
        }
    }
}

#[tokio::test]
async fn listeners_get_every_message_once_in_full_and_parts_merged() {
    let mut stage = Stage::new();
    stage.hub.send(Request::Listen { all: true, sessions: Default::default() });
    stage.demo("a", "stream 5000 0 40").await;
    let deliveries = delivered(&mut stage, "a").await;
    let size = |messages: &Vec<AgentMessage>| {
        messages.iter().map(|message| serde_json::to_vec(message).expect("JSON").len() + 1).sum::<usize>()
    };
    for delivery in &deliveries {
        assert!(
            delivery.len() == 1 || size(delivery) <= 64 * 1024,
            "{} messages, {} bytes",
            delivery.len(),
            size(delivery)
        );
    }
    let all: Vec<&AgentMessage> = deliveries.iter().flatten().collect();
    let wholes: Vec<&&AgentMessage> = all.iter().filter(|message| !message.part).collect();
    let mut ids: Vec<&str> = wholes.iter().map(|message| message.id.as_str()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each comes in full once");
    assert!(matches!(wholes[0].content, Content::Prompt(_)), "from the first on");
    let text = texts(&all.iter().filter(|m| !m.part).map(|m| (*m).clone()).collect::<Vec<_>>()).concat();
    assert_eq!(text.len(), 5000 * 40);
    assert!(all.len() < 500, "{} messages for 5000 parts", all.len());
    assert_eq!(stage.texts("a").await.concat(), text, "messages() has the same");
}

#[tokio::test]
async fn nobody_listens_and_nothing_is_delivered() {
    let mut stage = Stage::new();
    stage.demo("a", "echo one").await;
    stage.turn("a").await;
    stage.hub.send(Request::Listen { all: false, sessions: [id("a")].into() });
    stage.send("a", "echo two").await.expect("sent");
    let deliveries = delivered(&mut stage, "a").await;
    assert_eq!(texts(&deliveries.concat()), ["\"echo two\""], "from the moment on that somebody listens");
}

#[tokio::test]
async fn all_messages_can_be_had_page_by_page() {
    let mut stage = Stage::new();
    // 1,500 texts that are whole at once.
    let script = r#"read -r query
i=0; while [ $i -lt 1500 ]; do
  i=$((i+1)); echo "{\"type\":\"assistant\",\"message\":{\"id\":\"m$i\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"t$i\"}]}}"
done
echo '{"type":"agent_stopped"}'; read -r more"#;
    let mut options = stage.options("a", &["/bin/sh", "-c", script]);
    options.provider = "claude".into();
    options.prompt = Some(text("go"));
    stage.start(options).await.expect("it starts");
    stage.turn("a").await;
    let (mut since, mut pages, mut all) = (0, 0, Vec::new());
    loop {
        let page = stage.messages("a", since).await;
        assert!(page.messages.len() <= 1_000);
        all.extend(texts(&page.messages));
        pages += 1;
        match page.since {
            Some(next) => since = next,
            None => break,
        }
    }
    let expect: Vec<String> = (1..=1500).map(|n| format!("t{n}")).collect();
    assert_eq!((all, pages), (expect, 2));
}

#[tokio::test]
async fn a_session_that_is_over_and_on_screen_has_its_messages() {
    let mut stage = Stage::new();
    stage.demo("a", "echo one").await;
    stage.turn("a").await;
    let before = stage.messages("a", 0).await;
    let view = ViewId { client: CLIENT, buffer: 1 };
    stage.hub.send(Request::Views { client: CLIENT, views: vec![showing(view)], icons: Icons::default() });
    let session = id("a");
    stage.ask(|reply| Request::Remove { session, reply }).await.expect("removed");
    stage.removed("a").await;
    // The buffer shows the journal from now on.
    stage.told.clear();
    stage.find(|update| matches!(update, Update::Dirty(_)).then_some(())).await;
    let after = stage.messages("a", 0).await;
    assert_eq!(texts(&after.messages), ["\"echo one\""]);
    assert_eq!(after.messages[..before.messages.len()], before.messages[..]);
    let rest = stage.messages("a", before.end).await;
    assert_eq!(rest.messages[..], after.messages[before.messages.len()..], "from any place on");
}
