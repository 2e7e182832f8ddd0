//! Messages of a journal, piece by piece, wherever they are: in its file, in memory, or in both.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use super::{Journal, Store};
use crate::domain::AgentMessage;

/// Some messages of a journal.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    pub messages: Vec<AgentMessage>,
    /// Where the next page begins; `None` at the end.
    pub since: Option<u64>,
    /// Where this page ends.
    pub end: u64,
    /// Why messages are missing in it, or behind it, in a sentence.
    pub failure: Option<String>,
}

/// At most this many messages are in one page.
const PAGE_MESSAGES: usize = 1_000;
/// At most this much is passed over in search of a page's first message: a page may be empty and not the last.
pub(super) const SCAN_BYTES: u64 = 1024 * 1024;

impl Journal {
    /// Messages from a place on, at most 1,000 or `max_bytes` (but one at least, unless there is none for long). Parts
    /// whose whole is there are left out.
    pub fn page(&mut self, since: u64, max_bytes: u64) -> Page {
        self.flush();
        let mut page = Page { end: since.min(self.len), ..Page::default() };
        let (mut reader, begin) = match self.reader(page.end) {
            Ok(found) => found,
            Err(error) => {
                page.failure = Some(self.unread(&error));
                return page;
            }
        };
        if begin > page.end {
            page.failure = Some(self.unread(&"its beginning has gone or is cut off"));
        }
        page.end = begin;
        let mut line = Vec::new();
        while page.messages.len() < PAGE_MESSAGES {
            let scanned = page.end - begin;
            if scanned >= max_bytes && (!page.messages.is_empty() || scanned >= SCAN_BYTES) {
                break;
            }
            line.clear();
            let read = match reader.read_until(b'\n', &mut line) {
                Ok(0) => {
                    if page.end < self.len {
                        page.failure = Some(self.unread(&"it is shorter than what was written to it"));
                    }
                    break;
                }
                Ok(read) => read as u64,
                Err(error) => {
                    page.failure = Some(self.unread(&error));
                    break;
                }
            };
            if !page.messages.is_empty() && page.end - begin + read > max_bytes {
                break;
            }
            page.end += read;
            if let Ok(message) = serde_json::from_slice::<AgentMessage>(&line)
                && (!message.part || self.open.contains(&message.id))
            {
                page.messages.push(message);
            }
        }
        page.since = (page.end < self.len).then_some(page.end);
        page
    }

    fn unread(&self, why: &dyn fmt::Display) -> String {
        let path = match &self.store {
            Store::File { path, .. } | Store::Memory { before: Some(path), .. } => path.as_path(),
            Store::Memory { before: None, .. } => Path::new("in memory"),
        };
        format!("the journal {} cannot be read: {why}", path.display())
    }

    /// Reads from a place on, or from the first one behind it that can be read.
    fn reader(&self, since: u64) -> io::Result<(Box<dyn BufRead + '_>, u64)> {
        match &self.store {
            Store::File { path, .. } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(since))?;
                Ok((Box::new(BufReader::new(file.take(self.len - since))), since))
            }
            Store::Memory { before: Some(path), start, bytes } if since < *start => match head(path, since, *start) {
                Ok(head) => Ok((Box::new(BufReader::new(head).chain(bytes.as_slice())), since)),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "the journal's beginning cannot be read");
                    Ok((Box::new(bytes.as_slice()), *start))
                }
            },
            Store::Memory { start, bytes, .. } => {
                let from = since.max(*start);
                Ok((Box::new(bytes.get((from - start) as usize..).unwrap_or(&[])), from))
            }
        }
    }
}

/// A part of a file that must be there whole: what follows it counts on its length.
fn head(path: &Path, from: u64, to: u64) -> io::Result<io::Take<File>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < to {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file.seek(SeekFrom::Start(from))?;
    Ok(file.take(to - from))
}
