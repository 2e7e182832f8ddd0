//! What was said before: sessions of ours by their journals, and conversations that agents keep by themselves. Listed and
//! searched by one thread, so that neither sessions nor the editor wait for the disk.
//!
//! An answer is a piece: the next one goes on behind it. What a file is about is read once for as long as it stays the
//! same. Knows files and words; who runs now it is told.

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod preview;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod texts;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, Sender},
};

use serde::{Deserialize, Serialize};

pub use preview::{Glance, Preview, glance};
pub use scan::Hit;
pub use source::{Reader, tail};

use self::{
    scan::{Scanned, scan},
    words::{Found, Words},
};
use super::{
    journal::{self, JournalError, Listed, Project},
    project::Projects,
    reply::Reply,
};
use crate::{
    agent::kept::{About, KeptFile, Store},
    domain::{ProviderConfig, SessionId},
};

/// A configured agent, which may have conversations of its own.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Agent {
    pub provider: String,
    pub config: ProviderConfig,
}

/// Where a list goes on: behind this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub updated_at: i64,
    /// Of our session, or the agent's own.
    pub id: String,
}

#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The project; `None` for all.
    pub around: Option<PathBuf>,
    /// Words that all have to be there; empty for a list of what there is.
    pub text: String,
    pub after: Option<Place>,
    pub agents: Vec<Agent>,
    pub environ: BTreeMap<String, String>,
    /// Sessions that are in the live list.
    pub live: BTreeSet<SessionId>,
}

/// A conversation that an agent keeps, and that is none of our sessions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// The agent's own id.
    pub conversation: String,
    pub provider: String,
    pub protocol: String,
    pub file: PathBuf,
    pub cwd: PathBuf,
    pub title: String,
    pub updated_at: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Of {
    Session(Box<Listed>),
    Conversation(Conversation),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub of: Of,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit: Option<Hit>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Piece {
    /// The newest first.
    pub rows: Vec<Row>,
    /// Asked again with this there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Place>,
    /// Another question has come before there was an answer.
    pub moot: bool,
}

/// A piece of a list, and of what a search has found.
const ROWS: usize = 200;
const HITS: usize = 20;
/// A search answers when it has gone through as much, in bytes and in files.
const SCANNED: u64 = 48 * 1024 * 1024;
const FILES: usize = 200;

/// Asks the thread, which runs until this is dropped.
#[derive(Debug)]
pub struct Earlier {
    messages: Sender<Message>,
}

enum Message {
    Find(Box<Query>, Reply<Piece>),
    Close,
}

impl Earlier {
    /// `tell` says to the user what cannot be read, once.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(journals: Option<PathBuf>, tell: impl Fn(String) + Send + 'static) -> std::io::Result<Self> {
        let (messages, received) = mpsc::channel();
        let desk = Desk::new(journals, Box::new(tell));
        std::thread::Builder::new().name("earlier".to_owned()).spawn(move || desk.run(&received))?;
        Ok(Self { messages })
    }

    /// A later question makes one that is not answered moot.
    pub fn find(&self, query: Query, reply: Reply<Piece>) {
        // A thread that is gone drops the reply, which tells the asker.
        let _ = self.messages.send(Message::Find(Box::new(query), reply));
    }
}

impl Drop for Earlier {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Close);
    }
}

struct Desk {
    journals: Option<PathBuf>,
    /// What files are about, as they were: time and length.
    known: HashMap<PathBuf, ((i64, u64), Option<Known>)>,
    /// What has come meanwhile.
    next: Option<(Box<Query>, Reply<Piece>)>,
    closed: bool,
    /// What cannot be read, and was not said yet; and what of that was said before.
    unread: Vec<JournalError>,
    missed: BTreeSet<PathBuf>,
    tell: Box<dyn Fn(String) + Send>,
}

#[derive(Clone, Debug)]
enum Known {
    Session(Box<Listed>),
    Conversation(About),
}

/// Something that may be an answer.
struct Candidate {
    updated_at: i64,
    id: String,
    len: u64,
    path: PathBuf,
    what: What,
}

enum What {
    Journal(SessionId),
    Kept(usize),
}

impl Candidate {
    fn place(&self) -> Place {
        Place { updated_at: self.updated_at, id: self.id.clone() }
    }
}

impl Desk {
    fn new(journals: Option<PathBuf>, tell: Box<dyn Fn(String) + Send>) -> Self {
        let (known, unread, missed) = (HashMap::new(), Vec::new(), BTreeSet::new());
        Self { journals, known, next: None, closed: false, unread, missed, tell }
    }

    fn run(mut self, received: &Receiver<Message>) {
        while !self.closed {
            let (query, reply) = match self.next.take() {
                Some(next) => next,
                None => match received.recv() {
                    Ok(Message::Find(query, reply)) => (query, reply),
                    Ok(Message::Close) | Err(_) => return,
                },
            };
            let piece = self.answer(&query, received);
            if let Some(sentence) = journal::unread(&std::mem::take(&mut self.unread)) {
                (self.tell)(sentence);
            }
            let _ = reply.send(piece.map_err(|error| error.to_string()));
        }
    }

    /// A search asks with every key: of each file that is said once, until it can be read.
    fn miss(&mut self, path: &Path, error: JournalError) {
        if self.missed.insert(path.to_owned()) {
            self.unread.push(error);
        }
    }

    /// Takes in what has come. True if that is worth more than what is being looked for.
    fn is_moot(&mut self, received: &Receiver<Message>) -> bool {
        while let Ok(message) = received.try_recv() {
            match message {
                Message::Find(query, reply) => {
                    if let Some((_, earlier)) = self.next.replace((query, reply)) {
                        let _ = earlier.send(Ok(Piece { moot: true, ..Piece::default() }));
                    }
                }
                Message::Close => self.closed = true,
            }
        }
        self.closed || self.next.is_some()
    }

    fn answer(&mut self, query: &Query, received: &Receiver<Message>) -> Result<Piece, JournalError> {
        let moot = || Ok(Piece { moot: true, ..Piece::default() });
        let words = Words::parse(&query.text);
        let stores: Vec<Store> =
            query.agents.iter().filter_map(|agent| Store::of(&agent.provider, &agent.config, &query.environ)).collect();
        let candidates = self.candidates(&stores)?;
        let mut project = query.around.as_deref().map(Project::around);
        let mut projects = Projects::default();
        let mut ours = None;
        let mut piece = Piece::default();
        let (mut scanned, mut files) = (0, 0);
        for candidate in candidates {
            if query.after.as_ref().is_some_and(|after| candidate.place() >= *after) {
                continue;
            }
            let full = if words.is_some() { HITS } else { ROWS };
            if piece.rows.len() == full || scanned >= SCANNED || words.is_some() && files == FILES {
                return Ok(piece);
            }
            if self.is_moot(received) {
                return moot();
            }
            let place = candidate.place();
            let Some(of) = self.about(&candidate, &stores, &query.live) else { continue };
            let of = match of {
                Of::Session(mut listed) => {
                    listed.live = query.live.contains(&listed.session_id);
                    listed.project = projects.of(&listed.cwd);
                    Of::Session(listed)
                }
                // Read when there is something to compare with only.
                Of::Conversation(kept) => {
                    let ours = match &mut ours {
                        Some(ours) => ours,
                        None => ours.insert(self.agent_sessions()?),
                    };
                    if ours.contains(&kept.conversation) {
                        continue;
                    }
                    Of::Conversation(kept)
                }
            };
            if let Some(project) = &mut project
                && !project.holds(of.cwd())
            {
                continue;
            }
            let mut row = Row { of, hit: None };
            if let Some(words) = &words {
                (scanned, files) = (scanned + candidate.len, files + 1);
                let known = words.in_text(&row.of.said());
                match self.search(&candidate, &stores, words, known, received) {
                    Scanned::No if !words.is_all(known) => {
                        piece.after = Some(place);
                        continue;
                    }
                    Scanned::No => {}
                    Scanned::Hit(hit) => row.hit = Some(hit),
                    Scanned::Moot => return moot(),
                }
            }
            piece.rows.push(row);
            piece.after = Some(place);
        }
        piece.after = None;
        Ok(piece)
    }

    /// The newest first.
    fn candidates(&mut self, stores: &[Store]) -> Result<Vec<Candidate>, JournalError> {
        let mut found: Vec<Candidate> = Vec::new();
        let seen = self.journals.as_deref().map(journal::all).transpose()?.unwrap_or_default();
        for error in seen.unread {
            if let JournalError::Unreadable { path, .. } = &error {
                self.miss(&path.clone(), error);
            }
        }
        for (updated_at, len, session) in seen.journals {
            let path = self.journals.as_deref().map(|folder| journal::path(folder, &session)).unwrap_or_default();
            found.push(Candidate { updated_at, id: session.to_string(), len, path, what: What::Journal(session) });
        }
        let mut seen = BTreeSet::new();
        for (index, store) in stores.iter().enumerate() {
            for KeptFile { id, path, updated_at, len } in store.files() {
                // Two entries of a configuration may be one agent.
                if seen.insert(path.clone()) {
                    found.push(Candidate { updated_at, id, len, path, what: What::Kept(index) });
                }
            }
        }
        found.sort_by_key(|candidate| std::cmp::Reverse(candidate.place()));
        Ok(found)
    }

    fn about(&mut self, candidate: &Candidate, stores: &[Store], live: &BTreeSet<SessionId>) -> Option<Of> {
        let stamp = (candidate.updated_at, candidate.len);
        let known = match self.known.get(&candidate.path) {
            Some((as_it_was, known)) if *as_it_was == stamp => known.clone(),
            _ => {
                let known = match &candidate.what {
                    What::Journal(session) => {
                        let folder = self.journals.as_deref()?;
                        match journal::about(folder, session, candidate.updated_at) {
                            Ok(listed) => {
                                self.missed.remove(&candidate.path);
                                listed.map(|listed| Known::Session(Box::new(listed)))
                            }
                            Err(error) => {
                                // Not known, and looked at again the next time.
                                self.miss(&candidate.path, error);
                                return None;
                            }
                        }
                    }
                    What::Kept(store) => {
                        let about = stores.get(*store)?.kept.about(&candidate.path).ok();
                        about.filter(|about| !about.hidden && !about.cwd.is_empty()).map(Known::Conversation)
                    }
                };
                // Of one that somebody goes on with, its file may say other things as soon as he has gone.
                if !matches!(&known, Some(Known::Session(listed)) if listed.elsewhere) {
                    self.known.insert(candidate.path.clone(), (stamp, known.clone()));
                }
                known
            }
        };
        Some(match (known?, &candidate.what) {
            (Known::Session(mut listed), _) => {
                // Whether somebody has it now is in no file.
                let taken =
                    self.journals.as_deref().is_some_and(|folder| journal::is_taken(folder, &listed.session_id));
                listed.interrupted &= !taken;
                listed.elsewhere = taken && !live.contains(&listed.session_id);
                Of::Session(listed)
            }
            (Known::Conversation(about), What::Kept(store)) => {
                let store = stores.get(*store)?;
                Of::Conversation(Conversation {
                    conversation: candidate.id.clone(),
                    provider: store.provider.clone(),
                    protocol: store.protocol.clone(),
                    file: candidate.path.clone(),
                    cwd: about.cwd.clone().into(),
                    title: about.title().to_owned(),
                    updated_at: candidate.updated_at,
                })
            }
            (Known::Conversation(_), What::Journal(_)) => return None,
        })
    }

    /// Conversations that sessions of ours have had.
    fn agent_sessions(&mut self) -> Result<BTreeSet<String>, JournalError> {
        let mut ours = BTreeSet::new();
        for candidate in self.candidates(&[])? {
            if let Some(Of::Session(listed)) = self.about(&candidate, &[], &BTreeSet::new()) {
                ours.extend(listed.agent_session);
                ours.extend(listed.earlier_sessions);
            }
        }
        Ok(ours)
    }

    fn search(
        &mut self,
        candidate: &Candidate,
        stores: &[Store],
        words: &Words,
        known: Found,
        received: &Receiver<Message>,
    ) -> Scanned {
        let reader = match &candidate.what {
            What::Journal(_) => Reader::Journal,
            What::Kept(store) => match stores.get(*store) {
                Some(store) => Reader::Kept(store.kept),
                None => return Scanned::No,
            },
        };
        let said =
            |line: &[u8]| reader.messages(line).iter().flat_map(|message| texts::texts(&message.content)).collect();
        let scanned = File::open(&candidate.path)
            .and_then(|mut file| scan(&mut file, words, known, said, || self.is_moot(received)));
        scanned.unwrap_or_else(|source| {
            // One that was deleted meanwhile is not missed.
            if source.kind() != std::io::ErrorKind::NotFound {
                let path = candidate.path.clone();
                self.miss(&candidate.path, JournalError::Unreadable { path, source });
            }
            Scanned::No
        })
    }
}

impl Of {
    fn cwd(&self) -> &Path {
        match self {
            Self::Session(listed) => &listed.cwd,
            Self::Conversation(kept) => &kept.cwd,
        }
    }

    /// What a list shows of it: that is searched too.
    fn said(&self) -> String {
        let (title, provider) = match self {
            Self::Session(listed) => (&listed.title, &listed.provider),
            Self::Conversation(kept) => (&kept.title, &kept.provider),
        };
        format!("{title}\n{provider}\n{}", self.cwd().display())
    }
}
