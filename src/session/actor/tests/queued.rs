//! Prompts that wait: in their order, held back, changed, sent before their turn; over crashes too.

use crate::{
    domain::{Hold, Image, MessageId},
    session::{
        queue::Waiting,
        request::{QueueChange, WantQueued},
    },
};

use super::*;

fn able() -> Capabilities {
    Capabilities { interrupt: true, ..Capabilities::default() }
}

impl Stage {
    async fn waiting(&self) -> Vec<Waiting> {
        self.ask(|reply| Input::Queue { reply }).await.expect("a list")
    }

    async fn heads(&self) -> Vec<String> {
        self.waiting().await.into_iter().map(|waiting| waiting.head).collect()
    }

    /// The one that begins so.
    async fn entry(&self, head: &str) -> MessageId {
        self.waiting().await.into_iter().find(|waiting| waiting.head == head).expect("it waits").id
    }

    async fn change(&self, head: &str, change: QueueChange) -> Result<(), String> {
        let entry = self.entry(head).await;
        self.order(Order::Queue { entry, change }).await
    }

    async fn take(&self, head: &str, want: WantQueued) -> Prompt {
        let entry = self.entry(head).await;
        self.ask(|reply| Input::Queued { entry, want, reply }).await.expect("it waits")
    }

    /// A turn runs, and these wait for its end.
    async fn busy(capabilities: Capabilities, waiting: &[&str]) -> (Self, Side) {
        let (stage, mut side) = Self::with(capabilities).await;
        stage.send("works").await;
        side.prompted().await;
        for text in waiting {
            stage.send(text).await;
        }
        (stage, side)
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_holds_what_waits_until_something_is_sent() {
    let (mut stage, mut side) = Stage::busy(able(), &["a", "b"]).await;
    stage.order(Order::Interrupt).await.expect("taken");
    assert_eq!(side.told().await, Command::Interrupt);
    assert_eq!(stage.row(|row| row.held.is_some()).await.held, Some(Hold::Interrupted));
    side.ends_turn();
    stage.turn().await;
    stage.heard(&side).await;
    side.told_nothing();
    stage.send("rather this").await;
    for expect in ["rather this", "a", "b"] {
        assert_eq!(side.prompted().await.text, expect);
        side.ends_turn();
    }
    assert_eq!(stage.row(|row| !row.busy && row.queued == 0).await.held, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_before_an_interrupted_turn_has_ended_is_next() {
    let (stage, mut side) = Stage::busy(able(), &["a"]).await;
    stage.order(Order::Interrupt).await.expect("taken");
    stage.send("rather this").await;
    assert_eq!(side.told().await, Command::Interrupt);
    assert_eq!(stage.heads().await, ["rather this", "a"]);
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "rather this");
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_fails_is_followed_by_none() {
    let (mut stage, mut side) = Stage::busy(able(), &["a"]).await;
    side.says([Event::TurnEnded { stop_reason: "error".into(), outcome: TurnOutcome::Failed("no money".into()) }]);
    let row = stage.row(|row| row.status == Status::Error).await;
    assert_eq!((row.held, row.waiting), (Some(Hold::Failed), vec!["a".to_owned()]));
    stage.heard(&side).await;
    side.told_nothing();
    stage.order(Order::QueueGo).await.expect("it goes on");
    assert_eq!(side.prompted().await.text, "a");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_dies_leaves_them_in_order_and_the_next_one_gets_them() {
    let (mut stage, side) = Stage::busy(able(), &["a", "b", "c"]).await;
    side.says([Event::message("m", Content::Text { text: "working".into() })]);
    stage.heard(&side).await;
    side.puppet.exit(1, &["oh"]);
    let row = stage.row(|row| row.held == Some(Hold::Ended)).await;
    assert_eq!((row.queued, row.waiting), (3, ["a", "b", "c"].map(str::to_owned).to_vec()));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(stage.heads().await, ["a", "b", "c"], "the session stays in the list");
    stage.order(Order::QueueGo).await.expect("they go on");
    let mut side = stage.process().await;
    for expect in ["a", "b", "c"] {
        assert_eq!(side.prompted().await.text, expect);
        side.ends_turn();
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_killed_leaves_them_and_none_is_sent_twice() {
    let (mut stage, mut side) = Stage::busy(able(), &["a", "b", "c", "d"]).await;
    stage.change("d", QueueChange::Move { to: 0 }).await.expect("moved");
    stage.take("b", WantQueued::Drop).await;
    stage.change("c", QueueChange::Edit(Some(Prompt::new("C")))).await.expect("changed");
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "d");
    stage.heard(&side).await;
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    let row = stage.row(|_| true).await;
    assert_eq!((row.held, row.waiting), (Some(Hold::Restored), ["a", "C"].map(str::to_owned).to_vec()));
    stage.order(Order::QueueGo).await.expect("they go on");
    let mut side = stage.process().await;
    for expect in ["a", "C"] {
        assert_eq!(side.prompted().await.text, expect);
        side.ends_turn();
    }
    stage.row(|row| row.queued == 0 && !row.busy).await;
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    assert_eq!(stage.row(|_| true).await.queued, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_edited_keeps_its_place_and_is_waited_for() {
    let (mut stage, mut side) = Stage::busy(able(), &["a", "b"]).await;
    assert_eq!(stage.take("a", WantQueued::Edit).await.text, "a");
    side.ends_turn();
    stage.turn().await;
    stage.heard(&side).await;
    side.told_nothing();
    assert!(stage.waiting().await[0].edited);
    stage.change("a", QueueChange::Edit(Some(Prompt::new("A")))).await.expect("changed");
    assert_eq!(side.prompted().await.text, "A");
    stage.take("b", WantQueued::Edit).await;
    side.ends_turn();
    stage.turn().await;
    stage.change("b", QueueChange::Edit(None)).await.expect("as it was");
    assert_eq!(side.prompted().await.text, "b");
}

#[tokio::test(start_paused = true)]
async fn one_that_has_gone_is_said_to_have_gone() {
    let (stage, mut side) = Stage::busy(able(), &["a"]).await;
    let entry = stage.entry("a").await;
    side.ends_turn();
    side.prompted().await;
    let gone = Err("the prompt does not wait any more: it was sent or taken out meanwhile".to_owned());
    for change in [
        QueueChange::Edit(Some(Prompt::new("A"))),
        QueueChange::Edit(None),
        QueueChange::Move { to: 0 },
        QueueChange::Send { interrupt: true },
    ] {
        assert_eq!(stage.order(Order::Queue { entry: entry.clone(), change }).await, gone);
    }
    let look = stage.ask(|reply| Input::Queued { entry, want: WantQueued::Drop, reply }).await;
    assert_eq!(look.map(|_| ()), gone);
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn one_is_sent_at_once_into_the_turn_or_instead_of_it() {
    for steer in [true, false] {
        let (mut stage, mut side) = Stage::busy(Capabilities { steer, ..able() }, &["a", "b"]).await;
        stage.change("b", QueueChange::Send { interrupt: false }).await.expect("sent");
        match steer {
            true => assert_eq!(side.told().await, Command::Steer(Prompt::new("b"))),
            false => {
                assert_eq!(side.told().await, Command::Interrupt);
                side.ends_turn();
                assert_eq!(side.prompted().await.text, "b");
            }
        }
        stage.heard(&side).await;
        let steered: &[&str] = if steer { &["b"] } else { &[] };
        assert_eq!(stage.steered().await, steered);
        side.ends_turn();
        assert_eq!(side.prompted().await.text, "a", "the others go on after it");
        side.told_nothing();
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_wait_interrupts_the_turn_and_is_next() {
    let (stage, mut side) = Stage::busy(able(), &["a"]).await;
    for text in ["now", "and then"] {
        stage.order(Order::SendNow(Prompt::new(text))).await.expect("taken");
        assert_eq!(side.told().await, Command::Interrupt);
    }
    for expect in ["now", "and then", "a"] {
        side.ends_turn();
        assert_eq!(side.prompted().await.text, expect);
    }
    let (stage, mut side) = Stage::busy(Capabilities::default(), &[]).await;
    let refused = stage.order(Order::SendNow(Prompt::new("now"))).await;
    assert_eq!(refused, Err("scripted cannot be interrupted: :Agor stop ends the session".into()));
    assert_eq!(stage.heads().await, [""; 0], "its asker has it still");
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn one_that_was_taken_out_can_be_put_back() {
    let (mut stage, mut side) = Stage::busy(able(), &["a", "b"]).await;
    let taken = stage.take("a", WantQueued::Drop).await;
    assert_eq!(stage.heads().await, ["b"]);
    stage.order(Order::QueuePut { at: 0, prompt: taken.clone() }).await.expect("back");
    assert_eq!(stage.heads().await, ["a", "b"]);
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "a");
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "b");
    side.ends_turn();
    for _ in 0..3 {
        stage.turn().await;
    }
    stage.order(Order::QueuePut { at: 0, prompt: taken }).await.expect("back");
    let row = stage.row(|row| row.held.is_some()).await;
    assert_eq!((row.queued, row.held), (1, Some(Hold::Asked)), "nobody has said: send it");
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn one_that_changes_while_its_image_is_read_is_sent_as_it_is_then() {
    let (mut stage, mut side) = Stage::busy(Capabilities { images: true, ..able() }, &[]).await;
    let path = stage.folder.path().join("a.png");
    std::fs::write(&path, b"\x89PNG\r\n\x1a\nrest").expect("a file");
    let image = Image { path: path.to_str().expect("a path").into(), ..Image::default() };
    let pictured = Prompt { images: vec![image], ..Prompt::new("look") };
    stage.order(Order::Send(pictured.clone())).await.expect("it waits");
    let entry = stage.entry("look").await;
    side.ends_turn();
    let edited = Prompt { text: "look closely".into(), ..pictured };
    let change = QueueChange::Edit(Some(edited));
    // It may have been read and sent by now, or not: then it is read again.
    let changed = stage.order(Order::Queue { entry, change }).await;
    let told = side.prompted().await;
    assert_eq!(told.text, if changed.is_ok() { "look closely" } else { "look" });
    assert!(!told.images[0].data.is_empty());
    assert_eq!(
        stage.lines().await,
        ["> works".to_owned(), format!("> {}", told.text)],
        "what it was told stands there"
    );
    stage.heard(&side).await;
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_goes_before_whatever_is_moved_meanwhile() {
    let (stage, mut side) = Stage::with(able()).await;
    // Until what the files were before its turn is known, it is on its way.
    for text in ["first", "a", "b"] {
        stage.send(text).await;
    }
    let moved = stage.change("b", QueueChange::Move { to: 0 }).await;
    for expect in ["first", "b", "a"] {
        assert_eq!(side.prompted().await.text, expect);
        side.ends_turn();
    }
    moved.expect("it waited");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_wait_and_no_more() {
    let (stage, mut side) = Stage::busy(able(), &[]).await;
    let long = "x".repeat(1024 * 1024);
    stage.send(&long).await;
    for n in 1..1000 {
        stage.send(&n.to_string()).await;
    }
    let refused = stage.order(Order::Send(Prompt::new("one more"))).await;
    assert_eq!(refused, Err("1000 prompts wait already: :Agor queue shows them".into()));
    assert_eq!(stage.waiting().await.len(), 1000);
    side.ends_turn();
    assert_eq!(side.prompted().await.text.len(), long.len());
    side.ends_turn();
    assert_eq!(side.prompted().await.text, "1");
}
