//! Journals that cannot be read: whoever wants to know what is in one is told so.

use std::fs;

use tokio::time::sleep;

use super::*;
use crate::{
    agent::awake,
    render::Icons,
    session::{
        ClientId,
        journal::Header,
        request::{Sight, ViewId},
    },
};

const WHILE: Duration = Duration::from_secs(10);

fn text(id: &str) -> Event {
    Event::message(id, Content::Text { text: id.into() })
}

fn journal(stage: &Stage) -> PathBuf {
    stage.folder.path().join("sessions/a.ndjson")
}

impl Stage {
    /// All that is told to the user in a while.
    async fn warned(&mut self) -> Vec<String> {
        sleep(WHILE).await;
        let mut said = Vec::new();
        while let Ok(update) = self.updates.try_recv() {
            if let Update::Notify { message, .. } = update {
                said.push(message);
            }
        }
        said
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_cannot_be_read_are_a_sentence_and_are_handed_on_when_they_can_be() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    let (path, away) = (journal(&stage), stage.folder.path().join("away"));
    let _ = stage.inputs.send(Input::Listen(true));
    fs::rename(&path, &away).expect("moved");
    fs::create_dir(&path).expect("a folder in its place");
    side.says([text("one")]);
    stage.heard(&side).await;
    side.says([text("two")]);
    let why = format!("the journal {} cannot be read: Is a directory (os error 21)", path.display());
    let page = stage.ask(|reply| Input::Messages { since: 0, reply }).await;
    assert_eq!(page.map(drop), Err(why.clone()));
    let expect = format!("{why}; on_message() hears what is said as soon as it can be");
    assert_eq!(stage.warned().await, [expect], "once, however often it is tried");
    fs::remove_dir(&path).expect("it was there");
    fs::rename(&away, &path).expect("back again");
    let mut heard = Vec::new();
    let both = stage.find(|update| match update {
        Update::Messages { messages, .. } => {
            heard.extend(messages.iter().map(|message| message.id.as_str().to_owned()));
            (heard.len() >= 2).then(|| heard.clone())
        }
        _ => None,
    });
    assert_eq!(awake::timeout(WHILE, both).await.expect("in time"), ["one", "two"]);
    assert_eq!(stage.lines().await, ["one", "two"]);
}

fn archived(
    options: StartOptions,
    common: Arc<Common>,
    updates: mpsc::UnboundedSender<Update>,
) -> Result<Actor, JournalError> {
    let folder = common.journals.clone().expect("a folder");
    let header = journal::header(options.session_id.clone(), "scripted", &options.cwd, 1);
    let held = Journal::create(Some(&folder), &Header { ..header.clone() })?;
    let (journal, past) = Journal::archive(&folder, &options.session_id)?;
    drop(held);
    Ok(Actor::archived(header, journal, past, common, updates))
}

#[tokio::test(start_paused = true)]
async fn that_nothing_more_is_seen_of_what_another_backend_adds_is_said_once() {
    let mut stage = Stage::on(tempfile::tempdir().expect("a folder"), |_| {}, archived);
    let path = journal(&stage);
    let view = ViewId { client: ClientId(1), buffer: 1 };
    let sight = Sight { width: 80, windows: Vec::new() };
    let whole = fs::read(&path).expect("there");
    let _ = stage.inputs.send(Input::OpenView { view, icons: Icons::default(), sight, revision: 0 });
    assert_eq!(stage.warned().await, Vec::<String>::new());
    fs::write(&path, "").expect("cut");
    let cut = "what is added to session a is not seen: its journal is shorter than it was, and what is shown may be no \
               longer in it";
    assert_eq!(stage.warned().await, [cut]);
    fs::remove_file(&path).expect("it was there");
    fs::create_dir(&path).expect("a folder");
    assert_eq!(stage.warned().await, Vec::<String>::new(), "that was said");
    fs::remove_dir(&path).expect("it was there");
    fs::write(&path, &whole).expect("back again");
    assert_eq!(stage.warned().await, Vec::<String>::new());
    fs::remove_file(&path).expect("it was there");
    fs::create_dir(&path).expect("a folder");
    let why = format!(
        "what is added to session a is not seen: {} is no regular file: a journal is one, and is no link to one; move it out \
         of the way",
        path.display()
    );
    assert_eq!(stage.warned().await, [why]);
}
