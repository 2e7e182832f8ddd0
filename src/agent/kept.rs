//! Conversations that agents keep on disk, read without the agents: those that were begun in a terminal are found here.
//!
//! What the files are called and what their lines mean is data of each protocol. Read only; whatever lies there that is no
//! conversation is passed over.

mod order;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::Serialize;
use serde_json::Value;

pub use order::{Link, Order};

use super::{environment, json::object_in, protocol::registry};
use crate::domain::{AgentMessage, ProviderConfig, StartOptions, place};

/// How a protocol's agents keep their conversations: each in a file of its own, one JSON object a line.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Where, by the agent's environment.
    pub folder: fn(&BTreeMap<String, String>) -> Option<PathBuf>,
    /// So many folders lie between that one and the files.
    pub depth: usize,
    /// The agent's own id of the conversation, by its file's name without `.jsonl`; `None` if the file is something else.
    pub id: fn(&str) -> Option<&str>,
    /// Takes in what a line tells of the conversation.
    pub note: fn(&mut About, &Value),
    /// After which other a line comes, if its file tells; else the lines stand in order.
    pub link: fn(&Value) -> Option<Link>,
    /// What lines have said.
    pub replay: fn() -> Box<dyn Replay>,
    /// The agent does not tell the past of a conversation that it takes up: it has to be read from here.
    pub silent: bool,
}

/// Lines into messages, in order.
pub trait Replay {
    fn line(&mut self, line: &Value);

    /// All that was said.
    fn end(self: Box<Self>) -> Vec<AgentMessage>;
}

/// What is known of a conversation before anybody reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub cwd: String,
    /// A name that somebody gave it.
    pub name: String,
    /// One that the agent gave it.
    pub title: String,
    /// The first line of the first prompt.
    pub first: String,
    /// It is no conversation of the user's: a subagent's, or an empty one.
    pub hidden: bool,
}

impl About {
    pub fn title(&self) -> &str {
        [&self.name, &self.title, &self.first].into_iter().find(|title| !title.is_empty()).map_or("", String::as_str)
    }
}

/// A conversation's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    pub id: String,
    pub path: PathBuf,
    /// Unix milliseconds.
    pub updated_at: i64,
    pub len: u64,
}

/// Files that are looked at, the newest: years of work may lie there.
const MOST_FILES: usize = 5_000;
/// As much of a file's beginning is read in search of what it is about.
const HEAD: u64 = 1024 * 1024;
/// And of its end: titles are said again and again.
const TAIL: u64 = 64 * 1024;

/// Where one configured agent keeps its own; `None` if that cannot be known.
#[derive(Clone, Debug)]
pub struct Store {
    pub provider: String,
    pub protocol: String,
    pub kept: Kept,
    folder: PathBuf,
}

impl Store {
    pub fn of(provider: &str, config: &ProviderConfig, environ: &BTreeMap<String, String>) -> Option<Self> {
        Self::by(provider, config, || environment::seen(environ, config))
    }

    /// Where the agent of a session does.
    pub fn of_session(options: &StartOptions) -> Option<Self> {
        Self::by(&options.provider, &options.config, || environment::seen_in(options))
    }

    fn by(provider: &str, config: &ProviderConfig, seen: impl FnOnce() -> BTreeMap<String, String>) -> Option<Self> {
        if place::leads_away(&config.wrap) {
            // What it keeps is where it is.
            return None;
        }
        let kept = registry::find(&config.protocol)?.kept?;
        let folder = (kept.folder)(&seen())?;
        Some(Self { provider: provider.to_owned(), protocol: config.protocol.clone(), kept, folder })
    }

    /// The newest first.
    pub fn files(&self) -> Vec<KeptFile> {
        let mut found = Vec::new();
        self.walk(&self.folder, self.kept.depth, &mut found);
        found.sort_by(|one, other| (other.updated_at, &other.id).cmp(&(one.updated_at, &one.id)));
        found.truncate(MOST_FILES);
        found
    }

    fn walk(&self, folder: &Path, depth: usize, found: &mut Vec<KeptFile>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if depth > 0 {
                if path.is_dir() {
                    self.walk(&path, depth - 1, found);
                }
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
            if let Some(id) = name.and_then(self.kept.id)
                && let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let updated_at = since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0);
                found.push(KeptFile { id: id.to_owned(), updated_at, len: metadata.len(), path: path.clone() });
            }
        }
    }

    /// The file of one conversation.
    pub fn find(&self, id: &str) -> Option<PathBuf> {
        self.files().into_iter().find(|file| file.id == id).map(|file| file.path)
    }
}

impl Kept {
    /// # Errors
    /// When the file cannot be read.
    pub fn about(&self, path: &Path) -> io::Result<About> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut about = About { hidden: true, ..About::default() };
        let mut read = 0;
        let mut reader = BufReader::new((&mut file).take(HEAD));
        let mut line = Vec::new();
        while about.first.is_empty() || about.cwd.is_empty() {
            line.clear();
            match reader.read_until(b'\n', &mut line)? {
                0 => break,
                more => read += more as u64,
            }
            self.note_line(&mut about, &line);
        }
        let from = read.max(len.saturating_sub(TAIL));
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        let whole = usize::from(from > read);
        tail.split(|byte| *byte == b'\n').skip(whole).for_each(|line| self.note_line(&mut about, line));
        Ok(about)
    }

    fn note_line(&self, about: &mut About, line: &[u8]) {
        if let Some(value) = object_in(&String::from_utf8_lossy(line)) {
            (self.note)(about, &value);
        }
    }

    /// The whole conversation.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, path: &Path) -> io::Result<Vec<AgentMessage>> {
        let mut reader = BufReader::new(File::open(path)?);
        let (mut replay, mut order, mut line) = ((self.replay)(), Order::default(), Vec::new());
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                order.rest().iter().for_each(|line| replay.line(line));
                return Ok(replay.end());
            }
            if let Some(value) = object_in(&String::from_utf8_lossy(&line)) {
                order.push((self.link)(&value), value).iter().for_each(|line| replay.line(line));
            }
        }
    }

    /// Lines of its file, each after those that it follows.
    pub fn in_order<L>(&self, lines: Vec<L>, bytes: impl Fn(&L) -> &[u8]) -> Vec<L> {
        let mut order = Order::default();
        let link = |line: &L| object_in(&String::from_utf8_lossy(bytes(line))).and_then(|value| (self.link)(&value));
        let mut out = Vec::with_capacity(lines.len());
        for line in lines {
            out.extend(order.push(link(&line), line));
        }
        out.extend(order.rest());
        out
    }

    /// What one line says by itself.
    pub fn messages(&self, line: &[u8]) -> Vec<AgentMessage> {
        let mut replay = (self.replay)();
        if let Some(value) = object_in(&String::from_utf8_lossy(line)) {
            replay.line(&value);
        }
        replay.end()
    }
}

/// Unix milliseconds of `2026-11-25T19:47:20.512Z`; 0 for anything else.
pub fn millis(time: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| time.get(range).and_then(|digits| digits.parse::<i64>().ok());
    let fields = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(number);
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = fields else { return 0 };
    let fraction = number(20..23).filter(|_| time.get(19..20) == Some(".")).unwrap_or(0);
    // Days since 1970 in the Gregorian calendar, years beginning in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day;
    (((days - 719_469) * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SessionId;

    #[test]
    fn a_sessions_account_says_where() {
        #[track_caller]
        fn check(protocol: &str, change: impl FnOnce(&mut StartOptions), expect: &str) {
            let mut config = ProviderConfig { protocol: protocol.to_owned(), ..ProviderConfig::default() };
            config.config_env = if protocol == "codex" { "CODEX_HOME" } else { "CLAUDE_CONFIG_DIR" }.to_owned();
            let id = SessionId::parse("s").expect("a valid id");
            let mut options = StartOptions::new(id, "p", config, "/p".into());
            options.environ.insert("HOME".into(), "/h".into());
            change(&mut options);
            assert_eq!(Store::of_session(&options).expect("it keeps them").folder, Path::new(expect));
        }
        check("claude", |_| {}, "/h/.claude/projects");
        check("claude", |options| options.config_dir = Some("/c".into()), "/c/projects");
        check("claude", |options| options.claude_config_dir = Some("/c".into()), "/c/projects");
        check("codex", |_| {}, "/h/.codex/sessions");
        check("codex", |options| options.config_dir = Some("/c".into()), "/c/sessions");
    }

    #[test]
    fn times_are_milliseconds() {
        let check = |time: &str, expect: i64| assert_eq!(millis(time), expect, "{time}");
        check("1970-01-01T00:00:00.000Z", 0);
        check("2026-11-25T19:47:20.512Z", 1_795_636_040_512);
        check("2024-02-29T12:00:00Z", 1_709_208_000_000);
        check("2024-03-01T00:00:00.5Z", 1_709_251_200_000);
        check("yesterday", 0);
        check("", 0);
    }
}
