//! A session's journal: its messages, one JSON object a line, appended as they happen.
//!
//! The first line says the version and what the session is. Parts of a streaming text are merged before they are
//! written, so a line is not a token; the whole text follows at its end. A torn last line is what a cut-off machine
//! leaves: it is passed over. Where the file cannot be written the journal goes on in memory, behind what is in the
//! file, and says so.

mod apart;
#[cfg(test)]
mod fault_tests;
mod file;
mod interrupted;
mod kept;
mod list;
#[cfg(test)]
mod odd_tests;
mod page;
mod past;
mod standing;
mod tape;
#[cfg(test)]
mod tests;
mod waiting;

use std::{
    collections::HashSet,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use apart::{delete, rename};
pub use interrupted::interrupted;
pub use kept::Kept;
#[cfg(test)]
pub use list::all_listed;
pub use list::{Listed, Listing, Project, about, all, is_taken, list, unread};
pub use page::Page;
pub use past::{Growth, Past, grown, read};
pub use standing::Standing;
pub use tape::Tape;

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
    #[error("session {0} runs in another Neovim: :Agor resume {0} takes it over")]
    Elsewhere(SessionId),
    #[error(
        "session {session} was written by a newer agor (its journal has version {version}, this one knows {VERSION}): \
         update the plugin to go on with it; :edit agor://{session} shows what can be read"
    )]
    Newer { session: SessionId, version: u32 },
    #[error(
        "{path} does not begin as a journal does, so nothing is added to it; :edit agor://{session} shows what can be read",
        path = path.display()
    )]
    Foreign { session: SessionId, path: PathBuf },
    #[error("{path} is no regular file: a journal is one, and is no link to one; move it out of the way", path = path.display())]
    NoFile { path: PathBuf },
    #[error(
        "{path} cannot be written: {source}; :edit agor://{session} shows what is in it",
        path = path.display()
    )]
    Unwritable { session: SessionId, path: PathBuf, source: io::Error },
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the sessions in {folder} cannot be listed: {source}", folder = folder.display())]
    Unlistable { folder: PathBuf, source: io::Error },
    #[error("session {session} keeps the name that it has: {failure}")]
    Unnamed { session: SessionId, failure: String },
    #[error("{path} cannot be deleted: {source}", path = path.display())]
    Undeletable { path: PathBuf, source: io::Error },
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
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
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
    /// The file that could not be written. It stays locked, so that nobody else goes on with the session meanwhile, and is
    /// tried again.
    held: Option<Box<dyn Tape>>,
}

#[derive(Debug)]
enum Store {
    File {
        file: Box<dyn Tape>,
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
        let (store, failure) = match folder.map(|folder| (folder, file::create(folder, &header.session_id))) {
            None => (memory(), None),
            Some((folder, Ok(file))) => {
                (Store::File { file: Box::new(file), path: path(folder, &header.session_id) }, None)
            }
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
        Self {
            store,
            len,
            pending: None,
            open: HashSet::new(),
            standing: (Standing::default(), len),
            failure,
            held: None,
        }
    }

    /// Goes on with the journal of an earlier backend; what it holds already comes along. One that is about to let go of
    /// it is waited for, up to a second: not to be called where nothing may wait.
    pub fn reopen(folder: &Path, session: &SessionId) -> Result<(Self, Past), JournalError> {
        let path = path(folder, session);
        let mut file = file::open_to_append(folder, session)?;
        if !file::lock(&file) {
            return Err(JournalError::Elsewhere(session.clone()));
        }
        let past = past::read_from(&mut file, session);
        let past = past.map_err(|source| JournalError::Unreadable { path: path.clone(), source })?;
        past.check(folder, session)?;
        let mut journal = match file::end_torn_line(&mut file) {
            Ok(len) => Self::new(Store::File { file: Box::new(file), path }, len, None),
            Err(error) => {
                let failure = format!("the journal {} cannot be written any more: {error}", path.display());
                let store = Store::Memory { before: Some(path), start: past.end, bytes: Vec::new() };
                Self::new(store, past.end, Some(failure))
            }
        };
        journal.open = open_texts(&past.messages);
        journal.standing.0 = past.standing.clone().unwrap_or_default();
        Ok((journal, past))
    }

    /// The journal of a session that is over, or runs in another Neovim, to be read: nothing is written to the file.
    pub fn archive(folder: &Path, session: &SessionId) -> Result<(Self, Past), JournalError> {
        let past = read(folder, session)?;
        let store = Store::Memory { before: Some(path(folder, session)), start: past.end, bytes: Vec::new() };
        let mut journal = Self::new(store, past.end, None);
        journal.open = open_texts(&past.messages);
        Ok((journal, past))
    }

    /// Writes through something that stands before the file.
    pub fn through(mut self, lay: impl FnOnce(File) -> Box<dyn Tape>) -> Self {
        if let Store::File { file, .. } = &mut self.store
            && let Ok(second) = file.file()
        {
            *file = lay(second);
        }
        self
    }

    /// It is read from a file that another backend may add to.
    pub fn is_archive(&self) -> bool {
        matches!(&self.store, Store::Memory { before: Some(_), .. }) && self.failure.is_none()
    }

    /// Somebody else has added to an archive.
    pub fn grow(&mut self, growth: &Growth) {
        if let Store::Memory { before: Some(_), start, bytes } = &mut self.store
            && bytes.is_empty()
        {
            *start = growth.end;
            self.len = growth.end;
            note_open(&mut self.open, &growth.messages);
        }
    }

    /// Why it is kept in memory only, if it is.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// What could not be written is, as soon as it can be.
    pub fn is_tried_again(&self) -> bool {
        self.held.is_some()
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
        self.stand_near();
    }

    /// Takes down what the session is set to, if that has changed.
    pub fn stand(&mut self, standing: &Standing) {
        if self.standing.0 != *standing {
            self.write_line(&standing::Line { standing });
            self.standing = (standing.clone(), self.len);
        }
    }

    /// The last standing stays near the journal's end.
    fn stand_near(&mut self) {
        if self.len - self.standing.1 >= STANDING_EVERY && self.standing.0 != Standing::default() {
            let standing = std::mem::take(&mut self.standing.0);
            self.stand(&standing);
        }
    }

    /// Writes what waits. Called before anything of it is shown.
    pub fn flush(&mut self) {
        if let Some(part) = self.pending.take() {
            self.open.insert(part.id.clone());
            self.write_line(&part);
            self.stand_near();
        }
    }

    pub fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// A second handle on the file, for a thread that waits for the disk.
    pub fn sync_handle(&self) -> Option<File> {
        match &self.store {
            Store::File { file, .. } => file.file().ok(),
            Store::Memory { .. } => None,
        }
    }

    pub fn end(&self) -> u64 {
        self.len
    }

    /// What is in memory only is written, if it can be by now.
    pub fn catch_up(&mut self) {
        self.write_again();
    }

    /// There may be room again. Nothing but a part of our own last line is ever cut off.
    fn write_again(&mut self) {
        let Store::Memory { before: Some(path), start, bytes } = &mut self.store else { return };
        let Some(mut file) = self.held.take() else { return };
        let whole = file.cut(*start).and_then(|()| file.write_all(bytes));
        match whole {
            Ok(()) => {
                tracing::info!(path = %path.display(), "the journal can be written again");
                self.store = Store::File { file, path: std::mem::take(path) };
                self.failure = None;
            }
            Err(_) => {
                let _ = file.cut(*start);
                self.held = Some(file);
            }
        }
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
        self.write_again();
        if let Store::File { file, path } = &mut self.store
            && let Err(error) = file.write_all(&line)
        {
            self.failure = Some(format!("the journal {} cannot be written any more: {error}", path.display()));
            tracing::error!(%error, path = %path.display(), "the journal cannot be written; it goes on in memory");
            // What was written of the line is cut off again where that works; readers pass over it where it does not.
            let _ = file.cut(self.len);
            let memory = Store::Memory { before: Some(std::mem::take(path)), start: self.len, bytes: Vec::new() };
            if let Store::File { file, .. } = std::mem::replace(&mut self.store, memory) {
                self.held = Some(file);
            }
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
    note_open(&mut open, messages);
    open
}

fn note_open(open: &mut HashSet<MessageId>, messages: &[AgentMessage]) {
    for message in messages {
        if message.part {
            open.insert(message.id.clone());
        } else {
            open.remove(&message.id);
        }
    }
}

pub fn header(session_id: SessionId, provider: &str, cwd: &Path, started_at: i64) -> Header {
    let (provider, cwd) = (provider.to_owned(), cwd.to_owned());
    Header { agor: VERSION, session_id, provider, cwd, started_at, kept: Kept::default() }
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
