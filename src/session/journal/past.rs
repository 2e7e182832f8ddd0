//! What a journal on disk holds, and what is added to it by another backend. Lines that are neither message nor standing nor
//! about the queue are passed over: torn ones, those of others, those of a version that has more to say.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use serde::Deserialize;

use super::{Header, JournalError, Standing, VERSION, file, path, standing, waiting};
use crate::{
    domain::{AgentMessage, SessionId},
    session::queue::Queue,
};

/// What a journal held before it was opened.
#[derive(Debug, Default)]
pub struct Past {
    pub header: Option<Header>,
    /// Of its format, as its first line says.
    pub version: Option<u32>,
    pub messages: Vec<AgentMessage>,
    /// The last one.
    pub standing: Option<Standing>,
    /// Prompts that waited.
    pub queue: Queue,
    /// Somebody goes on with it.
    pub taken: bool,
    /// Where what was read ends: in front of a line that is not whole.
    pub end: u64,
}

/// All of a header that every version has.
#[derive(Deserialize)]
struct Version {
    agor: u32,
}

/// What another backend has added.
#[derive(Debug, Default)]
pub struct Growth {
    pub messages: Vec<AgentMessage>,
    /// Where it ends.
    pub end: u64,
    /// There is more.
    pub more: bool,
    /// Somebody goes on with it.
    pub taken: bool,
}

/// As much is read at once of what was added.
const PIECE: u64 = 4 * 1024 * 1024;

/// All that a journal on disk holds.
pub fn read(folder: &Path, session: &SessionId) -> Result<Past, JournalError> {
    let mut file = file::open(folder, session)?;
    let past = read_from(&mut file, session);
    let past = past.map_err(|source| JournalError::Unreadable { path: path(folder, session), source })?;
    // Not in `read_from`: who has the lock would lose it by asking.
    Ok(Past { taken: file::is_taken(&file), ..past })
}

pub(super) fn read_from(file: &mut File, session: &SessionId) -> io::Result<Past> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let mut past = Past::default();
    let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    past.header = serde_json::from_slice::<Header>(first).ok();
    past.version = serde_json::from_slice::<Version>(first).ok().map(|version| version.agor);
    let (whole, rest) = bytes.split_at(last_newline(&bytes));
    let lines = whole.split(|&byte| byte == b'\n').skip(1).filter(|line| !line.is_empty());
    let mut skipped = lines.filter(|line| !past.take(line)).count();
    past.end = whole.len() as u64;
    // All of a line but its end is a line, and may be followed by that end yet.
    if !whole.is_empty() && !rest.is_empty() {
        match past.take(rest) {
            true => past.end = bytes.len() as u64,
            false => skipped += 1,
        }
    }
    if skipped > 0 {
        tracing::warn!(%session, skipped, "lines of the journal are no messages");
    }
    Ok(past)
}

impl Past {
    /// False if the line says nothing that we know.
    fn take(&mut self, line: &[u8]) -> bool {
        if let Some(standing) = standing::parse(line) {
            self.standing = Some(standing);
        } else if let Some(step) = waiting::parse(line) {
            self.queue.apply(step);
        } else if let Ok(message) = serde_json::from_slice::<AgentMessage>(line) {
            if !self.queue.is_empty() {
                self.queue.take(&message.id);
            }
            self.messages.push(message);
        } else {
            return false;
        }
        true
    }

    /// Who reads it is told that it may hold more than is shown.
    pub fn newer(&self) -> Option<String> {
        let version = self.version.filter(|version| *version > VERSION)?;
        Some(format!(
            "This journal was written by a newer agor (version {version}, this one knows {VERSION}): what it says in new \
             ways is not shown. Update the plugin"
        ))
    }

    /// Whether we may go on with it: what we know less of than its writer, or nothing, is not added to.
    pub(super) fn check(&self, folder: &Path, session: &SessionId) -> Result<(), JournalError> {
        match (self.version, &self.header) {
            (Some(version), _) if version > VERSION => Err(JournalError::Newer { session: session.clone(), version }),
            (Some(_), Some(_)) => Ok(()),
            _ => Err(JournalError::Foreign { session: session.clone(), path: path(folder, session) }),
        }
    }
}

/// What was added behind a place. Nothing from a file that is shorter than that: it is another one now.
pub fn grown(folder: &Path, session: &SessionId, from: u64) -> Result<Growth, JournalError> {
    let mut file = file::open(folder, session)?;
    let read = |file: &mut File| -> io::Result<Growth> {
        let mut growth = Growth { end: from, taken: file::is_taken(file), ..Growth::default() };
        let len = file.metadata()?.len();
        if len <= from {
            return Ok(growth);
        }
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes)?;
        if last_newline(&bytes) == 0 && bytes.len() as u64 == PIECE {
            // One line that is longer than all that.
            file.read_to_end(&mut bytes)?;
        }
        let whole = &bytes[..last_newline(&bytes)];
        let mut past = Past::default();
        for line in whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            past.take(line);
        }
        growth.messages = past.messages;
        growth.end = from + whole.len() as u64;
        growth.more = !whole.is_empty() && growth.end < len;
        Ok(growth)
    };
    read(&mut file).map_err(|source| JournalError::Unreadable { path: path(folder, session), source })
}

/// Behind it.
fn last_newline(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1)
}
