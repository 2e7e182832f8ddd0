//! What a journal on disk holds, and what is added to it by another backend. Lines that are neither message nor standing nor
//! about the queue are passed over: torn ones, those of others, those of a version that has more to say.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use serde::Deserialize;

use super::{Header, JournalError, Standing, VERSION, file, merge, path, standing, waiting};
use crate::{
    domain::{AgentMessage, Content, MessageId, SessionId, ToolResult},
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
    /// Texts of which there are parts and no whole.
    parts: HashMap<MessageId, Parts>,
}

/// The message that is all parts of a text so far.
#[derive(Debug)]
struct Parts {
    /// Its place.
    first: usize,
    /// When the last one came.
    last: i64,
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
    /// It is shorter than it was: another one, or a part of it.
    pub cut: bool,
    /// Somebody goes on with it.
    pub taken: bool,
}

const BUFFER: usize = 256 * 1024;
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

/// A line at a time: a journal may be as long as all memory that there is.
pub(super) fn read_from(file: &mut File, session: &SessionId) -> io::Result<Past> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let mut past = Past::default();
    let (mut line, mut at, mut skipped) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)? as u64;
        let ended = line.pop_if(|last| *last == b'\n').is_some();
        if at == 0 {
            past.header = serde_json::from_slice::<Header>(&line).ok();
            past.version = serde_json::from_slice::<Version>(&line).ok().map(|version| version.agor);
        }
        // A file that does not begin as a journal may have lost its beginning.
        let is_header = at == 0 && past.version.is_some();
        if !is_header && !line.is_empty() {
            let known = past.take(&line);
            skipped += u64::from(!known);
            // All of a line but its end is a line, and may be followed by that end yet.
            past.end += if known && !ended { read } else { 0 };
        }
        if !ended {
            break;
        }
        at += read;
        past.end = at;
    }
    past.settle();
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
            self.say(message);
        } else {
            return false;
        }
        true
    }

    /// Parts of a text become one, and nothing of them is held once there is the whole: a text would be there twice.
    fn say(&mut self, message: AgentMessage) {
        match (self.parts.get_mut(&message.id), message.part) {
            (Some(Parts { first, last }), true) if merge(&mut self.messages[*first].content, &message.content) => {
                *last = message.timestamp;
                return;
            }
            (None, true) => {
                let parts = Parts { first: self.messages.len(), last: message.timestamp };
                self.parts.insert(message.id.clone(), parts);
            }
            (Some(Parts { first, .. }), false) => {
                let content = &mut self.messages[*first].content;
                if let Some(emptied) = emptied(content) {
                    *content = emptied;
                }
                self.parts.remove(&message.id);
            }
            _ => {}
        }
        self.messages.push(message);
    }

    /// When the last part came of texts that have no whole.
    fn settle(&mut self) {
        let mut parts: Vec<Parts> = self.parts.drain().map(|(_, parts)| parts).collect();
        parts.sort_by_key(|parts| parts.first);
        for Parts { first, last } in parts {
            let AgentMessage { id, parent_id, timestamp, content, .. } = &self.messages[first];
            if *timestamp != last
                && let Some(content) = emptied(content)
            {
                let (id, parent_id) = (id.clone(), parent_id.clone());
                self.messages.push(AgentMessage { id, parent_id, timestamp: last, part: true, content });
            }
        }
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
            growth.cut = len < from;
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
        past.settle();
        growth.messages = past.messages;
        growth.end = from + whole.len() as u64;
        growth.more = !whole.is_empty() && growth.end < len;
        Ok(growth)
    };
    read(&mut file).map_err(|source| JournalError::Unreadable { path: path(folder, session), source })
}

/// A part that adds nothing.
fn emptied(content: &Content) -> Option<Content> {
    Some(match content {
        Content::Text { .. } => Content::Text { text: String::new() },
        Content::Thinking { .. } => Content::Thinking { text: String::new() },
        Content::ToolResult(ToolResult { tool_use_id, .. }) => {
            Content::ToolResult(ToolResult { tool_use_id: tool_use_id.clone(), ..ToolResult::default() })
        }
        _ => return None,
    })
}

/// Behind it.
fn last_newline(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1)
}
