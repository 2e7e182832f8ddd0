//! The files themselves: where an agent's program looks for them, and what they are by now. Reads the disk, within bounds.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use crate::{agent::environment, domain::StartOptions, session::project};

/// A project brings along some ten.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: u64 = 8 * 1024 * 1024;
const MOST_IN_ALL: u64 = 64 * 1024 * 1024;
/// Of one file, to be read by a user, and of how many.
const MOST_SHOWN: usize = 64 * 1024;
const MOST_TEXTS: usize = 200;
/// Folders in folders.
const DEEPEST: usize = 12;
/// What is in all of them: folders full of folders have no files that could be counted.
const MOST_LOOKED_AT: usize = 5_000;

const OUTSIDE: &str = "a link that leads out of the project";
const NO_FILE: &str = "no plain file";
const UNREADABLE: &str = "cannot be read";
const TOO_LONG: &str = "too long to be compared";
const TOO_MANY: &str = "more than can be compared";

/// Where they are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The session's directory.
    cwd: PathBuf,
    additional: Vec<PathBuf>,
    /// The user's own directories: what lies in them, or belongs to the agent itself, was not brought along.
    home: Option<PathBuf>,
    configuration: Option<PathBuf>,
    patterns: Vec<String>,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// By name.
    pub files: Vec<BroughtFile>,
    /// All links followed.
    pub project: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BroughtFile {
    /// As the user knows it: from the top of the repository.
    pub name: String,
    pub path: PathBuf,
    /// Its hash, or why there is none.
    pub print: Result<String, &'static str>,
    /// Without a hash, which file it is and when it was changed: whether it is still the one that the user was asked about.
    /// Never that it is what it was: that nobody has seen.
    pub stamp: Option<Stamp>,
}

/// Of what stands there, and of what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp([Option<Mark>; 2]);

/// Device, inode, length, and when it was last changed in any way, which no program can choose.
type Mark = (u64, u64, u64, (i64, i64));

impl Stamp {
    fn of(path: &Path) -> Self {
        let mark = |metadata: io::Result<Metadata>| {
            let at = metadata.ok()?;
            Some((at.dev(), at.ino(), at.len(), (at.ctime(), at.ctime_nsec())))
        };
        Self([mark(fs::symlink_metadata(path)), mark(fs::metadata(path))])
    }
}

impl Brought {
    /// Names with what is in them now, for people to read. Waits for the disk.
    ///
    /// What is shown is what was compared: whoever changes a file back and forth has nothing else read.
    pub fn texts(&self) -> Vec<(String, String)> {
        let text = |file: &BroughtFile| match (&file.print, read(&file.path, MOST_BYTES)) {
            (Err(why), _) => format!("({why})"),
            (Ok(_), Err(why)) => format!("({why})"),
            (Ok(print), Ok(bytes)) if digest(&bytes) != *print => "(changed since it is asked about)".to_owned(),
            (Ok(_), Ok(mut bytes)) => {
                let cut = if bytes.len() > MOST_SHOWN { "\n(there is more)" } else { "" };
                bytes.truncate(MOST_SHOWN);
                format!("{}{cut}", String::from_utf8_lossy(&bytes))
            }
        };
        self.files.iter().take(MOST_TEXTS).map(|file| (file.name.clone(), text(file))).collect()
    }

    /// Names with hashes; `None` if one of them has none.
    pub fn prints(&self) -> Option<Vec<(String, String)>> {
        self.files.iter().map(|file| Some((file.name.clone(), file.print.clone().ok()?))).collect()
    }
}

/// In hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Place {
    /// `None` if the agent reads nothing that it could be kept from, or what it reads is not here.
    pub fn of(options: &StartOptions) -> Option<Self> {
        let config = &options.config;
        if config.trust_files.is_empty() || !options.files_are_here() {
            return None;
        }
        let whole = |path: &String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let beside = |path: &String| options.cwd.join(path);
        let seen = environment::seen_in(options);
        Some(Self {
            cwd: options.cwd.clone(),
            additional: options.additional_directories.iter().map(beside).collect(),
            home: options.environ.get("HOME").and_then(whole),
            configuration: seen.get(&config.config_env).and_then(whole),
            patterns: config.trust_files.clone(),
        })
    }

    /// Waits for the disk.
    pub fn look(&self) -> Brought {
        let real = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let cwd = real(&self.cwd);
        let project = real(&project::project(&cwd));
        let top = project::repository(&cwd).map(|(top, _)| top.to_owned());
        let mut search = Search {
            home: self.home.as_ref().map(real),
            configuration: self.configuration.as_ref().map(real),
            found: BTreeMap::new(),
            left: MOST_IN_ALL,
            looked_at: 0,
        };
        for pattern in &self.patterns {
            let (pattern, all) = pattern.strip_prefix("../").map_or((&**pattern, false), |rest| (rest, true));
            for directory in cwd.ancestors() {
                search.pattern(directory, top.as_deref().unwrap_or(&cwd), pattern);
                // What only looks like a repository's top hides nothing of what is above it.
                if !all && project::is_taken_by_git(directory) {
                    break;
                }
            }
            // Some agents read the main worktree's from any other.
            if top.as_ref().is_some_and(|top| *top != project) {
                search.pattern(&project, &project, pattern);
            }
            // Above the session's own directory they were looked at, up to the repository's top or all.
            let last = cwd.ancestors().find(|directory| !all && project::is_taken_by_git(directory));
            let seen =
                |directory: &PathBuf| cwd.starts_with(directory) && last.is_none_or(|last| directory.starts_with(last));
            for directory in self.additional.iter().map(real).filter(|directory| !seen(directory)) {
                search.pattern(&directory, Path::new("/"), pattern);
            }
        }
        let file = |((name, path), print): ((String, PathBuf), Result<String, &'static str>)| {
            let stamp = print.is_err().then(|| Stamp::of(&path));
            BroughtFile { name, path, print, stamp }
        };
        let mut files: Vec<BroughtFile> = search.found.into_iter().map(file).collect();
        files.dedup_by(|a, b| a.name == b.name && a.print == b.print);
        Brought { files, project }
    }
}

struct Search {
    home: Option<PathBuf>,
    configuration: Option<PathBuf>,
    found: BTreeMap<(String, PathBuf), Result<String, &'static str>>,
    /// Bytes that may still be read.
    left: u64,
    looked_at: usize,
}

/// Within which directory something lies.
#[derive(Clone, Copy)]
struct Within<'a> {
    /// What names are relative to.
    top: &'a Path,
    /// What links may not lead out of.
    bound: &'a Path,
}

impl Search {
    /// What there is of the pattern in a directory.
    fn pattern(&mut self, directory: &Path, top: &Path, pattern: &str) {
        // The user's own configuration of the same agent lies there under the same names.
        if self.home.as_deref() == Some(directory) {
            return;
        }
        let within = Within { top, bound: if directory.starts_with(top) { top } else { directory } };
        if let Some(folder) = pattern.strip_suffix('/') {
            return self.walk(&directory.join(folder), within, 0);
        }
        let path = directory.join(pattern);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((before, after)) = name.split_once('*') else { return self.file(&path, within) };
        let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
        for entry in path.parent().and_then(|parent| fs::read_dir(parent).ok()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            // To some file systems upper and lower case are the same, and what an agent asks for is there by both.
            let name = name.to_string_lossy().to_ascii_lowercase();
            if name.len() >= before.len() + after.len() && name.starts_with(&before) && name.ends_with(&after) {
                self.file(&entry.path(), within);
            }
        }
    }

    fn walk(&mut self, folder: &Path, within: Within, depth: usize) {
        let Ok(real) = fs::canonicalize(folder) else { return self.file(folder, within) };
        if self.is_own(&real) {
            return;
        }
        if !real.starts_with(within.bound) {
            return self.note(folder, within, Err(OUTSIDE));
        }
        if !real.is_dir() {
            return self.file(folder, within);
        }
        self.looked_at += 1;
        if depth == DEEPEST || self.found.len() >= MOST_FILES || self.looked_at > MOST_LOOKED_AT {
            return self.note(folder, within, Err(TOO_MANY));
        }
        let Ok(entries) = fs::read_dir(&real) else { return self.note(folder, within, Err(UNREADABLE)) };
        // One more than is looked at, which says so.
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).take(MOST_LOOKED_AT + 1).collect();
        names.sort();
        for name in names {
            let path = folder.join(name);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.walk(&path, within, depth + 1),
                _ => self.file(&path, within),
            }
        }
    }

    fn file(&mut self, path: &Path, within: Within) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A link to what is not there yet, or a loop.
            Err(_) if fs::symlink_metadata(path).is_ok() => return self.note(path, within, Err(OUTSIDE)),
            Err(_) => return,
        };
        if self.is_own(&real) {
            return;
        }
        let print = match real.starts_with(within.bound) {
            false => Err(OUTSIDE),
            true if self.found.len() >= MOST_FILES => Err(TOO_MANY),
            true => self.print(&real),
        };
        self.note(path, within, print);
    }

    /// Of the agent itself, wherever the user has put that.
    fn is_own(&self, real: &Path) -> bool {
        self.configuration.as_ref().is_some_and(|configuration| real.starts_with(configuration))
    }

    fn print(&mut self, path: &Path) -> Result<String, &'static str> {
        let most = self.left.min(MOST_BYTES);
        let bytes = read(path, most)?;
        let length = bytes.len() as u64;
        self.left = self.left.saturating_sub(length);
        if length > most { Err(TOO_LONG) } else { Ok(digest(&bytes)) }
    }

    fn note(&mut self, path: &Path, within: Within, print: Result<String, &'static str>) {
        if self.found.len() <= MOST_FILES {
            self.found.insert((name(path, within.top), path.to_owned()), print);
        }
    }
}

/// One byte more than `most` if there is more.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, &'static str> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = file.map_err(|_| UNREADABLE)?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(NO_FILE);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|_| UNREADABLE)?;
    Ok(bytes)
}

/// Relative to the top, also of what lies above it.
fn name(path: &Path, top: &Path) -> String {
    let common = path.components().zip(top.components()).take_while(|(a, b)| a == b).count();
    if top == Path::new("/") {
        return path.to_string_lossy().into_owned();
    }
    let up = top.components().skip(common).map(|_| Component::ParentDir);
    let name: PathBuf = up.chain(path.components().skip(common)).collect();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
