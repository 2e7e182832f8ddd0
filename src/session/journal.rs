//! A session's journal: its messages, one JSON object a line, appended as they happen.
//!
//! The first line says the version and what the session is. Parts of a streaming text are merged before they are
//! written, so a line is not a token; the whole text follows at its end. A torn last line is what a cut-off machine
//! leaves: it is passed over. Where the file cannot be written the journal goes on in memory, behind what is in the
//! file, and says so.

mod list;
mod page;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

pub use list::{Listed, list};
pub use page::Page;
pub use standing::Standing;

use crate::domain::{AgentMessage, Content, MessageId, SessionId};

const VERSION: u32 = 1;

/// What was set last is said again after as much as this.
const STANDING_EVERY: u64 = 32 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("session {0} already exists")]
    Exists(SessionId),
    #[error("no session {0}")]
    Missing(SessionId),
    #[error("session {0} runs in another Neovim: stop it there first")]
    Elsewhere(SessionId),
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub agor: u32,
    pub session_id: SessionId,
    pub provider: String,
    pub cwd: PathBuf,
    /// Unix milliseconds.
    pub started_at: i64,
}

/// What a journal held before it was opened.
#[derive(Debug, Default)]
pub struct Past {
    pub header: Option<Header>,
    pub messages: Vec<AgentMessage>,
    /// The last one.
    pub standing: Option<Standing>,
}

/// While one is open for writing, its file is locked: two backends must not go on with the same session.
#[derive(Debug)]
pub struct Journal {
    store: Store,
    /// Bytes written, in all.
    len: u64,
    /// Parts not written yet, merged.
    pending: Option<AgentMessage>,
    /// Texts of which parts were written and the whole was not.
    open: HashSet<MessageId>,
    /// The last one that was written, and where the journal ended then.
    standing: (Standing, u64),
    failure: Option<String>,
}

#[derive(Debug)]
enum Store {
    File {
        file: File,
        path: PathBuf,
    },
    /// What comes before `start` is in the file, if there is one.
    Memory {
        before: Option<PathBuf>,
        start: u64,
        bytes: Vec<u8>,
    },
}

pub fn path(folder: &Path, session: &SessionId) -> PathBuf {
    folder.join(format!("{session}.ndjson"))
}

impl Journal {
    /// Begins a new journal. That a file of its name exists is an error; that none can be written is a failure that the
    /// journal carries.
    pub fn create(folder: Option<&Path>, header: &Header) -> Result<Self, JournalError> {
        let (store, failure) = match folder.map(|folder| (folder, create_file(folder, &header.session_id))) {
            None => (memory(), None),
            Some((folder, Ok(file))) => (Store::File { file, path: path(folder, &header.session_id) }, None),
            Some((_, Err(error))) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(JournalError::Exists(header.session_id.clone()));
            }
            Some((folder, Err(error))) => {
                let text = format!("the journal cannot be written in {}: {error}", folder.display());
                (memory(), Some(text))
            }
        };
        let mut journal = Self::new(store, 0, failure);
        journal.write_line(header);
        Ok(journal)
    }

    pub fn in_memory(header: &Header) -> Self {
        let mut journal = Self::new(memory(), 0, None);
        journal.write_line(header);
        journal
    }

    fn new(store: Store, len: u64, failure: Option<String>) -> Self {
        Self { store, len, pending: None, open: HashSet::new(), standing: (Standing::default(), len), failure }
    }

    /// Goes on with the journal of an earlier backend; what it holds already comes along. One that is about to let go of
    /// it is waited for, up to a second: not to be called where nothing may wait.
    pub fn reopen(folder: &Path, session: &SessionId) -> Result<(Self, Past), JournalError> {
        let path = path(folder, session);
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => JournalError::Missing(session.clone()),
            _ => JournalError::Unreadable { path: path.clone(), source },
        };
        let mut file = OpenOptions::new().read(true).append(true).open(&path).map_err(unreadable)?;
        if !lock(&file) {
            return Err(JournalError::Elsewhere(session.clone()));
        }
        let past = read(folder, session)?;
        let len = end_torn_line(&mut file).map_err(unreadable)?;
        let mut journal = Self::new(Store::File { file, path }, len, None);
        journal.open = open_texts(&past.messages);
        journal.standing.0 = past.standing.clone().unwrap_or_default();
        Ok((journal, past))
    }

    /// The journal of a session that is over, to be read: nothing is written to the file.
    pub fn archive(folder: &Path, session: &SessionId) -> Result<(Self, Past), JournalError> {
        let past = read(folder, session)?;
        let path = path(folder, session);
        let metadata = fs::metadata(&path);
        let len = metadata.map_err(|source| JournalError::Unreadable { path: path.clone(), source })?.len();
        let store = Store::Memory { before: Some(path), start: len, bytes: Vec::new() };
        let mut journal = Self::new(store, len, None);
        journal.open = open_texts(&past.messages);
        Ok((journal, past))
    }

    /// Why it is kept in memory only, if it is.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Takes a message in. Parts wait for [`Journal::flush`]; everything else is written at once.
    pub fn append(&mut self, message: &AgentMessage) {
        if message.part {
            if let Some(pending) = &mut self.pending
                && pending.id == message.id
                && merge(&mut pending.content, &message.content)
            {
                if text_len(&pending.content) >= 64 * 1024 {
                    self.flush();
                }
                return;
            }
            self.flush();
            self.pending = Some(message.clone());
            return;
        }
        self.flush();
        self.open.remove(&message.id);
        self.write_line(message);
    }

    /// Takes down what the session is set to, if that has changed.
    pub fn stand(&mut self, standing: &Standing) {
        if self.standing.0 != *standing {
            self.write_line(&standing::Line { standing });
            self.standing = (standing.clone(), self.len);
        }
    }

    /// The last standing is near the journal's end from now on.
    pub fn stand_again(&mut self) {
        if self.len - self.standing.1 >= STANDING_EVERY && self.standing.0 != Standing::default() {
            self.flush();
            let standing = std::mem::take(&mut self.standing.0);
            self.stand(&standing);
        }
    }

    /// Writes what waits. Called before anything of it is shown.
    pub fn flush(&mut self) {
        if let Some(part) = self.pending.take() {
            self.open.insert(part.id.clone());
            self.write_line(&part);
        }
    }

    pub fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// A second handle on the file, for a thread that waits for the disk.
    pub fn sync_handle(&self) -> Option<File> {
        match &self.store {
            Store::File { file, .. } => file.try_clone().ok(),
            Store::Memory { .. } => None,
        }
    }

    pub fn end(&self) -> u64 {
        self.len
    }

    fn write_line<T: Serialize>(&mut self, value: &T) {
        let mut line = match serde_json::to_vec(value) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "a message could not be written as JSON");
                return;
            }
        };
        line.push(b'\n');
        if let Store::File { file, path } = &mut self.store
            && let Err(error) = file.write_all(&line)
        {
            self.failure = Some(format!("the journal {} cannot be written any more: {error}", path.display()));
            tracing::error!(%error, path = %path.display(), "the journal cannot be written; it goes on in memory");
            // What was written of the line is cut off again where that works; readers pass over it where it does not.
            let _ = file.set_len(self.len);
            self.store = Store::Memory { before: Some(std::mem::take(path)), start: self.len, bytes: Vec::new() };
        }
        if let Store::Memory { bytes, .. } = &mut self.store {
            bytes.extend_from_slice(&line);
        }
        self.len += line.len() as u64;
    }
}

fn memory() -> Store {
    Store::Memory { before: None, start: 0, bytes: Vec::new() }
}

/// Texts of which there are parts and not the whole.
fn open_texts(messages: &[AgentMessage]) -> HashSet<MessageId> {
    let mut open = HashSet::new();
    for message in messages {
        if message.part {
            open.insert(message.id.clone());
        } else {
            open.remove(&message.id);
        }
    }
    open
}

fn create_file(folder: &Path, session: &SessionId) -> io::Result<File> {
    // Whatever is wrong with the folder, it is not that the session exists.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| io::Error::other(error.to_string()))?;
    // create_new also refuses a symlink that stands in its place.
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path(folder, session))?;
    // Nobody else can have it.
    lock(&file);
    Ok(file)
}

/// False if another backend has the file, or another session of ours.
fn lock(file: &File) -> bool {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..50 {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(error) => {
                // Some network file systems know no locks.
                tracing::debug!(%error, "a journal cannot be locked");
                return true;
            }
            Ok(()) => return true,
        }
    }
    false
}

/// So that the next message is not part of it. Returns how long the file is.
fn end_torn_line(file: &mut File) -> io::Result<u64> {
    let mut len = file.metadata()?.len();
    let mut last = [b'\n'];
    if len > 0 {
        file.seek(SeekFrom::Start(len - 1))?;
        file.read_exact(&mut last)?;
    }
    if last != *b"\n" {
        file.write_all(b"\n")?;
        len += 1;
    }
    Ok(len)
}

/// All that a journal on disk holds. What is neither message nor standing is passed over.
pub fn read(folder: &Path, session: &SessionId) -> Result<Past, JournalError> {
    let path = path(folder, session);
    let bytes = fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => JournalError::Missing(session.clone()),
        _ => JournalError::Unreadable { path, source },
    })?;
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let header = lines.next().and_then(|line| serde_json::from_slice::<Header>(line).ok());
    let mut past = Past { header, ..Past::default() };
    let mut skipped = 0;
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(standing) = standing::parse(line) {
            past.standing = Some(standing);
        } else if let Ok(message) = serde_json::from_slice::<AgentMessage>(line) {
            past.messages.push(message);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        tracing::warn!(%session, skipped, "lines of the journal are no messages");
    }
    Ok(past)
}

pub fn header(session_id: SessionId, provider: &str, cwd: &Path, started_at: i64) -> Header {
    Header { agor: VERSION, session_id, provider: provider.to_owned(), cwd: cwd.to_owned(), started_at }
}

/// Adds a part's text to another of the same kind. False if they cannot be one.
fn merge(into: &mut Content, part: &Content) -> bool {
    match (into, part) {
        (Content::Text { text }, Content::Text { text: more })
        | (Content::Thinking { text }, Content::Thinking { text: more }) => text.push_str(more),
        (Content::ToolResult(result), Content::ToolResult(more)) => result.output.push_str(&more.output),
        _ => return false,
    }
    true
}

fn text_len(content: &Content) -> usize {
    match content {
        Content::Text { text } | Content::Thinking { text } => text.len(),
        Content::ToolResult(result) => result.output.len(),
        _ => 0,
    }
}
