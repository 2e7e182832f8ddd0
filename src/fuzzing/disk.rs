//! What lies on the disk: our own files, which others may have written or a cut-off machine torn, and agents'.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::input::Chance;
use crate::{
    agent::{kept::Kept, protocol::registry},
    domain::{AgentMessage, Content, SessionId},
    session::fuzzing::{self as session, Found, Journal, Queue, Reader, Step, Words},
};

/// One of this process' own. Targets run one after the other in it, or in threads of their own.
fn folder(name: &str) -> PathBuf {
    static TOP: OnceLock<PathBuf> = OnceLock::new();
    let top = TOP.get_or_init(|| {
        let shm = PathBuf::from("/dev/shm");
        let top = if shm.is_dir() { shm } else { std::env::temp_dir() };
        top.join(format!("agor-fuzz-{}", std::process::id()))
    });
    let folder = top.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Bytes as a session's journal: what is read of it is the same however it is read, and a session that goes on with it
/// adds to it without losing anything.
pub fn journal(data: &[u8]) {
    let folder = folder("journal");
    let id = SessionId::parse("s").expect("a good id");
    let path = session::path(&folder, &id);
    fs::write(&path, data).expect("written");
    let past = session::read(&folder, &id).expect("a file can be read");
    assert!(past.end <= data.len() as u64);
    paged(&folder, &id);
    grown(&folder, &id, data);
    for listed in session::list(&folder, None, None).expect("a folder can be read").sessions {
        assert_eq!(listed.session_id, id);
    }
    session::recall(&past);
    looked_at(&path, Reader::Journal, data);

    let message = AgentMessage {
        id: "added".into(),
        parent_id: None,
        timestamp: 7,
        part: false,
        content: Content::Text { text: "more".to_owned() },
    };
    if let Ok((mut journal, reopened)) = Journal::reopen(&folder, &id) {
        assert_eq!(reopened.messages, past.messages);
        journal.append(&message);
        drop(journal);
        let bytes = fs::read(&path).expect("there");
        assert!(bytes.starts_with(data), "nothing of it is lost");
        let now = session::read(&folder, &id).expect("a file can be read");
        assert!(whole(&now.messages).eq(whole(&past.messages).chain([&message])));
        assert_eq!((now.standing, now.end), (past.standing, bytes.len() as u64));
    } else {
        // It is none of ours, or a newer one's: then it stays as it is.
        assert_eq!(fs::read(&path).expect("there"), data);
    }
    fs::remove_file(&path).expect("removed");
}

/// Parts of texts are put together as they are needed.
fn whole(messages: &[AgentMessage]) -> impl Iterator<Item = &AgentMessage> {
    messages.iter().filter(|message| !message.part)
}

/// Page by page as at once.
fn paged(folder: &Path, id: &SessionId) {
    let (mut journal, past) = Journal::archive(folder, id).expect("a file can be read");
    for most in [1, 200, 1 << 20] {
        let (mut since, mut paged) = (0, Vec::new());
        loop {
            let page = journal.page(since, most);
            paged.extend(page.messages);
            match page.since {
                Some(next) => {
                    assert!(next > since, "a page ends where it began");
                    since = next;
                }
                None => break,
            }
        }
        assert!(whole(&past.messages).eq(whole(&paged)));
    }
}

/// In pieces that end anywhere as at once.
fn grown(folder: &Path, id: &SessionId, data: &[u8]) {
    let from = memchr::memchr(b'\n', data).map_or(data.len(), |end| end + 1) as u64;
    let growth = session::grown(folder, id, from).expect("a file can be read");
    assert!(from <= growth.end && growth.end <= data.len() as u64);
    let rest = session::grown(folder, id, growth.end).expect("a file can be read");
    assert_eq!((rest.end, rest.messages.len()), (growth.end, 0), "nothing is told twice");
}

/// What lists, searches and glances see of a file.
fn looked_at(path: &Path, reader: Reader, data: &[u8]) {
    let mut chance = Chance::of(data);
    let begins = data.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let begins: Vec<usize> = std::iter::once(0).chain(begins).collect();
    let at = begins[chance.below(begins.len())] as u64;
    for at in [None, Some(at), Some(chance.below(data.len() + 2) as u64)] {
        let seen = session::glance(path, reader, at, "the \"a b\" Text").expect("a file can be read");
        for line in &seen.lines {
            let fits = |start, end| line.text.get(start..end).is_some();
            assert!(line.marks.iter().all(|mark| fits(mark.start, mark.end)), "{line:?}");
        }
    }
    session::tail(path, reader).expect("a file can be read");
    let words = Words::parse("text").expect("there is a word");
    let mut file = fs::File::open(path).expect("there");
    let texts = |line: &[u8]| vec![String::from_utf8_lossy(line).into_owned()];
    let scanned = session::scan(&mut file, &words, Found::default(), texts, || false).expect("a file can be read");
    let is_there =
        data.split(|byte| *byte == b'\n').any(|line| words.is_all(words.in_text(&String::from_utf8_lossy(line))));
    assert_eq!(matches!(scanned, session::Scanned::Hit(_)), is_there);
}

/// Bytes as a conversation that an agent keeps: its lines come in another order at most, and each is told.
pub fn kept(data: &[u8]) {
    let path = folder("kept").join("conversation.jsonl");
    fs::write(&path, data).expect("written");
    for protocol in ["claude", "codex"] {
        let kept: Kept = registry::find(protocol).and_then(|row| row.kept).expect("it keeps them");
        let about = kept.about(&path).expect("a file can be read");
        assert!(!about.title().contains('\n') && about.title().chars().count() <= 121, "{:?}", about.title());
        let messages = kept.read(&path).expect("a file can be read");
        for message in &messages {
            serde_json::to_vec(message).expect("a message can be written");
        }
        let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
        let (mut before, mut after) = (lines.clone(), kept.in_order(lines, |line| line));
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(before, after, "every line once");
        looked_at(&path, Reader::of_protocol(protocol).expect("it keeps them"), data);
    }
}

/// Bytes as a list of grants, a history of changes, steps of a queue, questions and answers of other backends; and lines as
/// the name of a session.
pub fn files(data: &[u8]) {
    let folder = folder("files");
    session::grants(&folder, data);
    session::changes(&folder, data);
    session::peers(data);
    let text = String::from_utf8_lossy(data);
    let mut queue = Queue::default();
    for step in text.lines().filter_map(|line| serde_json::from_str::<Step>(line).ok()) {
        let before = queue.len();
        queue.apply(step);
        assert!(queue.len().abs_diff(before) <= 1);
    }
    let mut again = Queue::default();
    for step in queue.unwritten(0) {
        let line = serde_json::to_string(&step).expect("a step can be written");
        again.apply(serde_json::from_str(&line).expect("and read"));
    }
    assert_eq!((again.list(), again.heads()), (queue.list(), queue.heads()));
    for line in text.lines() {
        if let Ok(id) = SessionId::parse(line) {
            let path = session::path(&folder, &id);
            assert!(path.parent() == Some(&*folder) && path.to_string_lossy().ends_with(&format!("{line}.ndjson")));
        }
    }
}
