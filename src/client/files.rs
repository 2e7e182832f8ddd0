//! The files of a session's directory, for whoever completes their names: one thread that keeps the listings and answers
//! what was typed, so that neither sessions nor the editor wait for it.
//!
//! A directory is walked when it is first asked for and again when its listing has aged; the old one serves until the new
//! one is whole. Knows directories and words; knows nothing of sessions and windows.

mod listing;
mod walk;

use std::{
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use self::{
    listing::{Finder, Listing},
    walk::{Walk, Walked},
};
use crate::session::{ClientId, Reply};

/// While a directory is still being walked an answer waits for more of it, so long.
const PATIENCE: Duration = Duration::from_millis(80);
/// A listing is walked anew when it is older than this, and than ten times what the walk took.
const FRESH: Duration = Duration::from_secs(5);
/// Listings that nobody has asked for are dropped after this time.
const IDLE: Duration = Duration::from_secs(120);
/// So many listings are kept.
const KEPT: usize = 4;

/// What a client wants to know. A later question of the same client takes the place of an earlier one, which is answered
/// with nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileQuery {
    pub client: ClientId,
    /// Absolute.
    pub directory: PathBuf,
    /// What was typed; names that begin with a dot are offered when a part of it does.
    pub word: String,
    /// Paths below the directory in the order in which they are likely meant.
    pub recent: Vec<String>,
    pub limit: usize,
    /// What is kept of the directory may be out of date: have it walked again.
    pub again: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundFiles {
    /// Relative, the likeliest first; directories end with a slash.
    pub paths: Vec<String>,
    pub total: usize,
    /// The directory is still being walked: asked again, there may be more.
    pub more: bool,
}

/// Asks the thread, which runs until this is dropped.
#[derive(Debug)]
pub struct Files {
    messages: Sender<Message>,
}

enum Message {
    Find(FileQuery, Reply<FoundFiles>),
    Walked { walk: u64, what: Walked },
    Close,
}

impl Files {
    /// # Errors
    /// When the system has no thread for it.
    pub fn start() -> std::io::Result<Self> {
        let (messages, received) = mpsc::channel();
        let desk = Desk { sender: messages.clone(), shelves: Vec::new(), waiting: Vec::new(), walks: 0 };
        std::thread::Builder::new().name("find".to_owned()).spawn(move || desk.run(&received))?;
        Ok(Self { messages })
    }

    pub fn find(&self, query: FileQuery) -> oneshot::Receiver<Result<FoundFiles, String>> {
        let (reply, answer) = oneshot::channel();
        // A thread that is gone drops the reply, which tells the asker.
        let _ = self.messages.send(Message::Find(query, reply));
        answer
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Close);
    }
}

/// What is known of one directory.
struct Shelf {
    directory: PathBuf,
    hidden: bool,
    listing: Listing,
    finder: Finder,
    /// When the listing was last made whole, and how long that took.
    whole: Option<(Instant, Duration)>,
    failed: Option<String>,
    walking: Option<Walking>,
    used: Instant,
}

struct Walking {
    id: u64,
    began: Instant,
    /// What it has found, where that is not to be seen before it is whole.
    aside: Option<Listing>,
    _walk: Walk,
}

struct Waiting {
    query: FileQuery,
    reply: Reply<FoundFiles>,
    due: Instant,
}

struct Desk {
    sender: Sender<Message>,
    shelves: Vec<Shelf>,
    waiting: Vec<Waiting>,
    walks: u64,
}

impl Desk {
    fn run(mut self, received: &Receiver<Message>) {
        loop {
            let now = Instant::now();
            let due = self.waiting.iter().map(|one| one.due.saturating_duration_since(now)).min();
            match received.recv_timeout(due.unwrap_or(IDLE)) {
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => {
                    self.take(message);
                    // All that has come is looked at before anything is answered: who types fast is answered once.
                    while let Ok(message) = received.try_recv() {
                        if matches!(message, Message::Close) {
                            return;
                        }
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            self.answer(now);
            self.shelves.retain(|shelf| now.duration_since(shelf.used) < IDLE);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Find(query, reply) => {
                let earlier = self.waiting.extract_if(.., |one| one.query.client == query.client);
                for one in earlier {
                    let _ = one.reply.send(Ok(FoundFiles::default()));
                }
                let now = Instant::now();
                self.look_after(&query, now);
                self.waiting.push(Waiting { query, reply, due: now + PATIENCE });
            }
            Message::Walked { walk, what } => self.walked(walk, what),
            Message::Close => {}
        }
    }

    /// Sees to it that the directory is walked if it has to be.
    fn look_after(&mut self, query: &FileQuery, now: Instant) {
        let hidden = wants_hidden(&query.word);
        let known = |shelf: &Shelf| shelf.directory == query.directory && shelf.hidden == hidden;
        let index = self.shelves.iter().position(known).unwrap_or_else(|| {
            if self.shelves.len() == KEPT {
                let oldest = self.shelves.iter().enumerate().min_by_key(|(_, shelf)| shelf.used);
                let oldest = oldest.map_or(0, |(index, _)| index);
                self.shelves.swap_remove(oldest);
            }
            self.shelves.push(Shelf {
                directory: query.directory.clone(),
                hidden,
                listing: Listing::default(),
                finder: Finder::default(),
                whole: None,
                failed: None,
                walking: None,
                used: now,
            });
            self.shelves.len() - 1
        });
        let shelf = &mut self.shelves[index];
        shelf.used = now;
        let aged = shelf.whole.is_none_or(|(at, took)| now.duration_since(at) > FRESH.max(took * 10));
        if shelf.walking.is_some() || !(aged || query.again) {
            return;
        }
        self.walks += 1;
        let (id, sender) = (self.walks, self.sender.clone());
        let tell = move |what| {
            let _ = sender.send(Message::Walked { walk: id, what });
        };
        match Walk::start(shelf.directory.clone(), hidden, tell) {
            Ok(walk) => {
                let aside = shelf.whole.is_some().then(Listing::default);
                shelf.walking = Some(Walking { id, began: now, aside, _walk: walk });
            }
            Err(error) => shelf.failed = Some(format!("the files cannot be listed: {error}")),
        }
    }

    fn walked(&mut self, id: u64, what: Walked) {
        let of = |shelf: &&mut Shelf| shelf.walking.as_ref().is_some_and(|walking| walking.id == id);
        // What an abandoned walk still had to say is nobody's.
        let Some(shelf) = self.shelves.iter_mut().find(of) else { return };
        let Some(walking) = shelf.walking.as_mut() else { return };
        match what {
            Walked::Paths(paths) => {
                let listing = walking.aside.as_mut().unwrap_or(&mut shelf.listing);
                for path in paths {
                    listing.push(&path);
                }
            }
            Walked::End(end) => {
                let now = Instant::now();
                shelf.whole = Some((now, now.duration_since(walking.began)));
                shelf.failed = end.err();
                if let Some(listing) = walking.aside.take() {
                    shelf.listing = listing;
                    shelf.finder.reset();
                }
                shelf.walking = None;
            }
        }
    }

    /// Those that have waited long enough, or for nothing.
    fn answer(&mut self, now: Instant) {
        for one in std::mem::take(&mut self.waiting) {
            let hidden = wants_hidden(&one.query.word);
            let of = |shelf: &&mut Shelf| shelf.directory == one.query.directory && shelf.hidden == hidden;
            // One that made room for others meanwhile drops its replies.
            let Some(shelf) = self.shelves.iter_mut().find(of) else { continue };
            let more = shelf.whole.is_none() && shelf.failed.is_none();
            if more && one.due > now {
                self.waiting.push(one);
                continue;
            }
            let found = match &shelf.failed {
                Some(error) => Err(error.clone()),
                None => {
                    let FileQuery { word, recent, limit, .. } = &one.query;
                    let answers = shelf.finder.find(&shelf.listing, word, recent, *limit);
                    Ok(FoundFiles { paths: answers.paths, total: answers.total, more })
                }
            };
            let _ = one.reply.send(found);
        }
    }
}

/// Who types a dot at the beginning of a name looks for one that begins with it.
fn wants_hidden(word: &str) -> bool {
    word.split('/').any(|part| part.starts_with('.') && part != "..")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn query(directory: &Path, word: &str) -> FileQuery {
        FileQuery {
            client: ClientId(0),
            directory: directory.to_owned(),
            word: word.to_owned(),
            recent: Vec::new(),
            limit: 100,
            again: false,
        }
    }

    /// The whole answer: asked again as long as there may be more.
    async fn whole(files: &Files, query: FileQuery) -> Result<Vec<String>, String> {
        loop {
            match files.find(query.clone()).await.expect("an answer") {
                Ok(FoundFiles { more: true, .. }) => {}
                found => return found.map(|found| found.paths),
            }
        }
    }

    #[tokio::test]
    async fn a_directory_is_listed_by_the_first_question() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["main.rs", ".hidden.rs", "other.txt"] {
            fs::write(folder.path().join(path), "x").expect("written");
        }
        let files = Files::start().expect("a thread");
        assert_eq!(whole(&files, query(folder.path(), "rs")).await, Ok(vec!["main.rs".to_owned()]));
        assert_eq!(whole(&files, query(folder.path(), ".hi")).await, Ok(vec![".hidden.rs".to_owned()]));
        let nothing = whole(&files, query(Path::new("/none/such"), "rs")).await.expect_err("no directory");
        assert!(nothing.starts_with("/none/such cannot be listed"), "{nothing}");
    }

    #[tokio::test]
    async fn what_is_asked_for_again_is_walked_again_and_the_old_serves_meanwhile() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("one.rs"), "x").expect("written");
        let files = Files::start().expect("a thread");
        assert_eq!(whole(&files, query(folder.path(), "rs")).await, Ok(vec!["one.rs".to_owned()]));
        fs::write(folder.path().join("two.rs"), "x").expect("written");
        let again = FileQuery { again: true, ..query(folder.path(), "rs") };
        loop {
            let found = whole(&files, again.clone()).await.expect("found");
            assert_eq!(found[0], "one.rs", "nothing is lost while it is walked");
            if found.len() == 2 {
                break;
            }
        }
    }

    #[test]
    fn the_last_word_of_who_types_fast_is_answered() {
        let folder = tempfile::tempdir().expect("a folder");
        let (sender, received) = mpsc::channel();
        let mut desk = Desk { sender, shelves: Vec::new(), waiting: Vec::new(), walks: 0 };
        let ask = |desk: &mut Desk, client, word: &str| {
            let (reply, answer) = oneshot::channel();
            let query = FileQuery { client: ClientId(client), ..query(folder.path(), word) };
            desk.take(Message::Find(query, reply));
            answer
        };
        let mut early = ask(&mut desk, 0, "a");
        let mut other = ask(&mut desk, 1, "a");
        let mut late = ask(&mut desk, 0, "ab");
        assert_eq!(early.try_recv().expect("answered"), Ok(FoundFiles::default()));
        assert!(other.try_recv().is_err(), "another editor has nothing to do with it");
        // The walk's thread says that there is nothing.
        while desk.shelves[0].walking.is_some() {
            desk.take(received.recv().expect("told"));
        }
        desk.answer(Instant::now());
        assert_eq!(late.try_recv().expect("answered"), Ok(FoundFiles::default()));
    }

    #[test]
    fn few_listings_are_kept() {
        let (sender, _received) = mpsc::channel();
        let mut desk = Desk { sender, shelves: Vec::new(), waiting: Vec::new(), walks: 0 };
        let began = Instant::now();
        for index in 0..=KEPT {
            let folder = format!("/none/{index}");
            desk.look_after(&query(Path::new(&folder), ""), began + Duration::from_millis(index as u64));
        }
        let kept: Vec<_> = desk.shelves.iter().map(|shelf| shelf.directory.clone()).collect();
        assert_eq!(kept.len(), KEPT);
        assert!(!kept.contains(&PathBuf::from("/none/0")), "{kept:?}");
    }

    #[test]
    fn names_with_a_dot_are_asked_for_by_a_dot() {
        for (word, expect) in [("", false), ("a.b", false), ("src/a.b", false), (".", true), ("src/.e", true)] {
            assert_eq!(wants_hidden(word), expect, "{word}");
        }
    }
}
