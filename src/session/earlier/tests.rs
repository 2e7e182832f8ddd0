//! What is listed and found, in folders with journals and with conversations that an agent keeps.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::{
    domain::{AgentMessage, Content, Prompt},
    private::nobody,
    session::journal::{Journal, Standing, header},
};

struct Place {
    folder: TempDir,
}

/// One of Claude Code's names for a conversation.
fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn journals(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    fn journal(&self, name: &str, cwd: &str, said: &[&str], agent_session: Option<&str>, at: u64) {
        let id = SessionId::parse(name).expect("a good id");
        let mut journal =
            Journal::create(Some(&self.journals()), &header(id.clone(), "ours", cwd.as_ref(), 7)).expect("a journal");
        for (index, text) in said.iter().enumerate() {
            let content = match index {
                0 => Content::Prompt(Prompt::new(*text)),
                _ => Content::Text { text: (*text).to_owned() },
            };
            let id = format!("{index}").into();
            journal.append(&AgentMessage { id, parent_id: None, timestamp: 1, part: false, content });
        }
        let title = said.first().copied().unwrap_or_default().to_owned();
        let agent_session = agent_session.map(str::to_owned);
        journal.stand(&Standing { title, agent_session, ..Standing::default() });
        touch(&journal::path(&self.journals(), &id), at);
    }

    fn kept(&self, number: u32, cwd: &str, said: &str, at: u64) {
        let folder = self.folder.path().join("config/projects/somewhere");
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{}.jsonl", uuid(number)));
        let line = json!({"type": "user", "uuid": "1", "cwd": cwd, "message": {"content": said}});
        fs::write(&path, format!("{line}\n")).expect("written");
        touch(&path, at);
    }

    fn query(&self, text: &str) -> Query {
        let config = ProviderConfig { protocol: "claude".to_owned(), ..ProviderConfig::default() };
        let config_dir = self.folder.path().join("config").to_string_lossy().into_owned();
        let mut config = config;
        config.env.insert("CLAUDE_CONFIG_DIR".to_owned(), config_dir);
        let agents = vec![Agent { provider: "theirs".to_owned(), config }];
        Query { text: text.to_owned(), agents, ..Query::default() }
    }

    async fn find(&self, query: Query) -> Piece {
        let earlier = Earlier::start(Some(self.journals()), |said| panic!("{said}")).expect("a thread");
        let (reply, answer) = oneshot::channel();
        earlier.find(query, reply);
        answer.await.expect("an answer").expect("a piece")
    }
}

fn touch(path: &Path, at: u64) {
    let file = File::options().append(true).open(path).expect("it is there");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(at)).expect("set");
}

fn names(piece: &Piece) -> Vec<&str> {
    let name = |row: &'_ Row| match &row.of {
        Of::Session(listed) => listed.session_id.as_str().to_owned(),
        Of::Conversation(kept) => kept.title.clone(),
    };
    piece.rows.iter().map(|row| Box::leak(name(row).into_boxed_str()) as &str).collect()
}

#[tokio::test]
async fn sessions_and_what_agents_keep_are_one_list() {
    let place = Place::new();
    place.journal("old", "/p", &["fix the parser"], Some(&uuid(1)), 10);
    place.journal("new", "/p/sub", &["second"], None, 30);
    place.journal("away", "/q", &["third"], None, 40);
    place.kept(1, "/p", "what our session has said", 50);
    place.kept(2, "/p", "made in a terminal", 20);
    place.kept(3, "/q", "made elsewhere", 60);
    let query = Query { around: Some("/p".into()), ..place.query("") };
    assert_eq!(names(&place.find(query).await), ["new", "made in a terminal", "old"]);
    let all = place.find(place.query("")).await;
    assert_eq!(names(&all), ["made elsewhere", "away", "new", "made in a terminal", "old"]);
    let row = serde_json::to_value(&all.rows[3]).expect("JSON");
    assert_eq!(
        (&row["conversation"], &row["provider"], &row["protocol"]),
        (&json!(uuid(2)), &json!("theirs"), &json!("claude"))
    );
    assert_eq!(serde_json::to_value(&all.rows[1]).expect("JSON")["session_id"], "away");
}

#[tokio::test]
async fn all_words_are_searched_for_everywhere() {
    let place = Place::new();
    place.journal("a", "/p", &["first", "the Needle in a haystack"], None, 10);
    place.journal("b", "/p", &["needle"], None, 20);
    place.journal("c", "/haystack", &["nothing"], None, 30);
    place.kept(1, "/p", "another needle", 40);
    let found = place.find(place.query("needle")).await;
    assert_eq!(names(&found), ["another needle", "b", "a"]);
    assert_eq!(found.rows[2].hit.as_ref().map(|hit| hit.text.as_str()), Some("the Needle in a haystack"));
    assert_eq!(names(&place.find(place.query("needle hayst")).await), ["a"]);
    assert_eq!(names(&place.find(place.query("haystack")).await), ["c", "a"], "where it was is searched too");
    assert_eq!(place.find(place.query("type timestamp content")).await, Piece::default(), "and no names of fields");
}

#[tokio::test]
async fn a_long_list_comes_in_pieces() {
    let place = Place::new();
    for index in 0..ROWS + 5 {
        place.journal(&format!("s{index}"), "/p", &["needle"], None, 1_000 + index as u64);
    }
    let first = place.find(place.query("")).await;
    assert_eq!((first.rows.len(), first.after.is_some()), (ROWS, true));
    let second = place.find(Query { after: first.after, ..place.query("") }).await;
    assert_eq!(names(&second), ["s4", "s3", "s2", "s1", "s0"]);
    assert_eq!(second.after, None);
    let hits = place.find(place.query("needle")).await;
    assert_eq!((hits.rows.len(), hits.after.is_some()), (HITS, true));
    let nothing = place.find(place.query("haystack")).await;
    assert!(nothing.rows.is_empty() && nothing.after.is_some(), "so many files are gone through at once");
    let rest = place.find(Query { after: nothing.after, ..place.query("haystack") }).await;
    assert_eq!(rest, Piece::default());
}

#[tokio::test]
async fn what_has_changed_is_read_again() {
    let place = Place::new();
    place.journal("a", "/p", &["one"], None, 10);
    let earlier = Earlier::start(Some(place.journals()), |said| panic!("{said}")).expect("a thread");
    let title = async |query: Query| {
        let (reply, answer) = oneshot::channel();
        earlier.find(query, reply);
        match &answer.await.expect("an answer").expect("a piece").rows[0].of {
            Of::Session(listed) => listed.title.clone(),
            Of::Conversation(kept) => kept.title.clone(),
        }
    };
    assert_eq!(title(Query::default()).await, "one");
    let path = place.journals().join("a.ndjson");
    let standing = Standing { title: "two".to_owned(), ..Standing::default() };
    fs::write(&path, format!("{}{}\n", fs::read_to_string(&path).expect("text"), json!({"standing": standing})))
        .expect("written");
    assert_eq!(title(Query::default()).await, "two");
}

#[test]
fn a_later_question_makes_an_earlier_one_moot() {
    let (sender, received) = mpsc::channel();
    let mut desk = Desk::new(None, Box::new(|_| {}));
    assert!(!desk.is_moot(&received));
    let ask = || {
        let (reply, answer) = oneshot::channel();
        sender.send(Message::Find(Box::default(), reply)).expect("sent");
        answer
    };
    let (mut first, mut second) = (ask(), ask());
    assert!(desk.is_moot(&received));
    assert!(first.try_recv().expect("answered").expect("a piece").moot);
    assert!(second.try_recv().is_err() && desk.next.is_some(), "the last one is answered next");
}

#[test]
fn what_cannot_be_read_is_said_once_beside_the_list() {
    let place = Place::new();
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        place.journal(name, "/p", &["needle"], None, at as u64);
    }
    let opened = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let hidden = place.journals().join("b.ndjson");
    opened(place.folder.path(), 0o755);
    opened(&place.journals(), 0o755);
    opened(&place.journals().join("a.ndjson"), 0o644);
    opened(&hidden, 0);
    nobody(|| {
        let (tell, said) = mpsc::channel();
        let earlier = Earlier::start(Some(place.journals()), move |sentence| drop(tell.send(sentence)));
        let earlier = earlier.expect("a thread");
        let ask = |text: &str| {
            let (reply, answer) = oneshot::channel();
            earlier.find(Query { text: text.to_owned(), ..Query::default() }, reply);
            answer.blocking_recv().expect("an answer").map(|piece| piece.rows.len())
        };
        assert_eq!([ask(""), ask("needle"), ask("need")], [Ok(1), Ok(1), Ok(1)]);
        let why = format!("{} cannot be read: Permission denied (os error 13)", hidden.display());
        let expect = format!("a session is not in the list: {why}");
        assert_eq!(said.try_iter().collect::<Vec<_>>(), [expect.as_str()]);
    });
}

#[test]
fn what_could_not_be_read_is_listed_as_soon_as_it_can_be() {
    let place = Place::new();
    place.journal("a", "/p", &["one"], None, 1);
    let path = place.journals().join("a.ndjson");
    let opened = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    opened(place.folder.path(), 0o755);
    opened(&place.journals(), 0o755);
    opened(&path, 0);
    let (_sender, received) = mpsc::channel();
    let mut desk = Desk::new(Some(place.journals()), Box::new(|_| {}));
    let mut rows = move || {
        let piece = desk.answer(&Query::default(), &received).expect("a list");
        (piece.rows.len(), std::mem::take(&mut desk.unread).len())
    };
    nobody(|| assert_eq!([rows(), rows()], [(0, 1), (0, 0)]));
    opened(&path, 0o600);
    assert_eq!(rows(), (1, 0), "it was written at the same time as before");
    opened(&path, 0);
    place.journal("b", "/p", &["two"], None, 2);
    opened(&place.journals(), 0o755);
    nobody(|| assert_eq!(rows().1, 1, "another one"));
}

#[test]
fn a_folder_that_cannot_be_listed_is_no_empty_list() {
    let place = Place::new();
    fs::write(place.journals(), "x").expect("a file");
    let earlier = Earlier::start(Some(place.journals()), |said| panic!("{said}")).expect("a thread");
    let (reply, answer) = oneshot::channel();
    earlier.find(Query::default(), reply);
    let why = answer.blocking_recv().expect("an answer").expect_err("no list");
    assert_eq!(
        why,
        format!("the sessions in {} cannot be listed: Not a directory (os error 20)", place.journals().display())
    );
}
