//! A conversation's file, and what its lines say: a journal of ours, or one that an agent keeps.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    agent::{kept::Kept, protocol::registry},
    domain::AgentMessage,
    transcript::Transcript,
};

#[derive(Clone, Copy, Debug)]
pub enum Reader {
    Journal,
    Kept(Kept),
}

impl Reader {
    /// Of an agent that speaks this protocol.
    pub fn of_protocol(name: &str) -> Option<Self> {
        registry::find(name)?.kept.map(Self::Kept)
    }

    /// What one line says; nothing if it is no message.
    pub fn messages(&self, line: &[u8]) -> Vec<AgentMessage> {
        match self {
            Self::Journal => serde_json::from_slice(line).into_iter().collect(),
            Self::Kept(kept) => kept.messages(line),
        }
    }
}

/// Lines as they are to be read, each with where it begins.
fn in_order<L: AsRef<[u8]>>(reader: Reader, lines: Vec<(u64, L)>) -> Vec<(u64, L)> {
    match reader {
        Reader::Journal => lines,
        Reader::Kept(kept) => kept.in_order(lines, |(_, line)| line.as_ref()),
    }
}

/// Read of a file for a glance: before the place, and behind it.
const BEFORE: u64 = 64 * 1024;
const BEHIND: u64 = 128 * 1024;
/// A single line that is longer cannot be shown.
const MOST_LINE: u64 = 8 * 1024 * 1024;

/// Lines around a place, with where each begins; the last ones if no place is given.
pub fn lines(path: &Path, reader: Reader, at: Option<u64>) -> io::Result<Vec<(u64, Vec<u8>)>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let (mut before, mut behind) = (BEFORE, BEHIND);
    loop {
        let at = at.map_or(len, |at| at.min(len));
        let (from, to) = (at.saturating_sub(before), len.min(at.saturating_add(behind)));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.by_ref().take(to - from).read_to_end(&mut bytes)?;
        let lines = split(&bytes, from, to == len);
        let wanted = |begin: u64| if at == len { true } else { begin == at };
        if lines.iter().any(|(begin, _)| wanted(*begin)) || from == 0 && to == len || before >= MOST_LINE {
            return Ok(in_order(reader, lines.into_iter().map(|(begin, line)| (begin, line.to_vec())).collect()));
        }
        (before, behind) = (before * 8, behind * 8);
    }
}

/// Read of a file for what is told of it.
const TAIL: u64 = 8 * 1024 * 1024;

/// The end of a conversation, which may be long.
pub fn tail(path: &Path, reader: Reader) -> io::Result<Transcript> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let mut transcript = Transcript::default();
    for (_, line) in in_order(reader, split(&bytes, from, true)) {
        for message in reader.messages(line) {
            transcript.fold(message);
        }
    }
    transcript.end();
    Ok(transcript)
}

/// Whole lines: the first may have begun before, the last may go on.
fn split(bytes: &[u8], from: u64, ended: bool) -> Vec<(u64, &[u8])> {
    let mut lines = Vec::new();
    let mut begin = match from {
        0 => 0,
        _ => memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1),
    };
    while begin < bytes.len() {
        match memchr::memchr(b'\n', &bytes[begin..]) {
            Some(end) => {
                lines.push((from + begin as u64, &bytes[begin..begin + end]));
                begin += end + 1;
            }
            None => {
                if ended {
                    lines.push((from + begin as u64, &bytes[begin..]));
                }
                break;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lengths: &[usize], at: Option<usize>) -> Vec<(u64, usize)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let text: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        std::fs::write(&path, text.join("\n")).expect("written");
        let at = at.map(|index| lengths[..index].iter().map(|length| *length as u64 + 1).sum());
        lines(&path, Reader::Journal, at).expect("read").into_iter().map(|(begin, line)| (begin, line.len())).collect()
    }

    #[test]
    fn a_short_file_is_read_whole() {
        assert_eq!(read(&[3, 4], None), [(0, 3), (4, 4)]);
        assert_eq!(read(&[3, 4], Some(1)), [(0, 3), (4, 4)]);
        assert_eq!(read(&[0], None), []);
    }

    #[test]
    fn of_a_long_one_what_is_near_is_read() {
        let (k, far) = (1024, 300 * 1024);
        assert_eq!(read(&[far, k, k], None), [(far as u64 + 1, k), ((far + k) as u64 + 2, k)]);
        let around = read(&[far, k, k, far, k], Some(2));
        assert_eq!(around, [(far as u64 + 1, k), ((far + k) as u64 + 2, k)], "and what is cut off is left out");
    }

    #[test]
    fn a_long_line_is_read_to_its_end() {
        let far = 900 * 1024;
        assert_eq!(read(&[5, far], None), [(0, 5), (6, far)]);
        assert_eq!(read(&[5, far, 7], Some(1))[..2], [(0, 5), (6, far)]);
    }
}
