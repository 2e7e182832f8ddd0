//! The files themselves: where an agent's program looks for them, and what they are by now. Reads the disk, within bounds.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

use crate::{agent::environment, domain::StartOptions, session::project};

/// A project brings along some ten.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: u64 = 8 * 1024 * 1024;
const MOST_IN_ALL: u64 = 64 * 1024 * 1024;
/// Of one file, to be read by a user, and of how many.
const MOST_SHOWN: u64 = 64 * 1024;
const MOST_TEXTS: usize = 200;
/// Folders in folders.
const DEEPEST: usize = 12;

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
}

impl Brought {
    /// Names with what is in them now, for people to read. Waits for the disk.
    pub fn texts(&self) -> Vec<(String, String)> {
        let text = |file: &BroughtFile| match (&file.print, read(&file.path, MOST_SHOWN)) {
            (Err(why), _) => format!("({why})"),
            (Ok(_), Err(why)) => format!("({why})"),
            (Ok(_), Ok(bytes)) => {
                let cut = if bytes.len() as u64 > MOST_SHOWN { "\n(there is more)" } else { "" };
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
        let seen = environment::seen_in(options);
        Some(Self {
            cwd: options.cwd.clone(),
            additional: options.additional_directories.iter().filter_map(whole).collect(),
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
        };
        for pattern in &self.patterns {
            let (pattern, all) = pattern.strip_prefix("../").map_or((&**pattern, false), |rest| (rest, true));
            for directory in cwd.ancestors() {
                search.pattern(directory, top.as_deref().unwrap_or(&cwd), pattern);
                if !all && top.as_deref() == Some(directory) {
                    break;
                }
            }
            // Some agents read the main worktree's from any other.
            if top.as_ref().is_some_and(|top| *top != project) {
                search.pattern(&project, &project, pattern);
            }
            for directory in self.additional.iter().map(real).filter(|directory| !cwd.starts_with(directory)) {
                search.pattern(&directory, Path::new("/"), pattern);
            }
        }
        let file = |((name, path), print)| BroughtFile { name, path, print };
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
        for entry in path.parent().and_then(|parent| fs::read_dir(parent).ok()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after) {
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
        if depth == DEEPEST || self.found.len() >= MOST_FILES {
            return self.note(folder, within, Err(TOO_MANY));
        }
        let Ok(entries) = fs::read_dir(&real) else { return self.note(folder, within, Err(UNREADABLE)) };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
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
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    /// A repository, with a home of the user's beside it.
    struct Disk {
        top: PathBuf,
        options: StartOptions,
        _folder: tempfile::TempDir,
    }

    impl Disk {
        fn new(patterns: &[&str]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let top = folder.path().canonicalize().expect("it is there");
            let config = ProviderConfig {
                trust_files: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
                config_env: "AGENT_HOME".into(),
                ..ProviderConfig::default()
            };
            let id = SessionId::parse("s").expect("an id");
            let mut options = StartOptions::new(id, "agent", config, top.join("repo/sub"));
            options.environ.insert("HOME".into(), top.join("home").display().to_string());
            let disk = Self { top, options, _folder: folder };
            disk.file("repo/.git/HEAD", "").file("repo/sub/a", "").file("home/a", "");
            disk
        }

        fn file(&self, path: &str, text: &str) -> &Self {
            let path = self.top.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
            self
        }

        fn look(&self) -> Brought {
            Place::of(&self.options).expect("here").look()
        }

        #[track_caller]
        fn finds(&self, names: &[&str]) {
            let found = self.look();
            let said = found.files.iter().map(|file| match &file.print {
                Ok(_) => file.name.clone(),
                Err(why) => format!("{}: {why}", file.name),
            });
            let said: Vec<String> = said.map(|said| said.replace(&*self.top.to_string_lossy(), "%")).collect();
            assert_eq!(said, names);
        }
    }

    #[test]
    fn they_are_looked_for_up_to_the_top_of_the_repository_and_some_beyond() {
        let disk = Disk::new(&["a.json", "../b.json", "c*.json", "d/"]);
        for folder in ["", "repo/", "repo/sub/", "repo/sub/below/", "home/"] {
            for name in ["a.json", "b.json", "c.json", "c1.json", "c.toml", "d/x", "d/e/y", "dx"] {
                disk.file(&format!("{folder}{name}"), "");
            }
        }
        disk.finds(&[
            "../b.json",
            "a.json",
            "b.json",
            "c.json",
            "c1.json",
            "d/e/y",
            "d/x",
            "sub/a.json",
            "sub/b.json",
            "sub/c.json",
            "sub/c1.json",
            "sub/d/e/y",
            "sub/d/x",
        ]);
    }

    #[test]
    fn a_file_is_what_is_in_it() {
        let disk = Disk::new(&["a.json"]);
        disk.finds(&[]);
        disk.file("repo/a.json", "1");
        let before = disk.look();
        assert_eq!(before.prints().expect("hashes")[0].1, digest(b"1"));
        assert_eq!(digest(b"1"), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
        assert_eq!(disk.look(), before);
        disk.file("repo/a.json", "2");
        assert_ne!(disk.look().prints(), before.prints());
    }

    #[test]
    fn what_is_the_users_own_was_not_brought_along() {
        let mut disk = Disk::new(&[".agent/", "../.agent.json"]);
        disk.file("home/.agent/settings", "").file("home/.agent.json", "").file("home/work/a", "");
        disk.options.cwd = disk.top.join("home/work");
        disk.finds(&[]);
        disk.options.cwd = disk.top.join("home");
        disk.finds(&[]);
        disk.options.cwd = disk.top.join("repo");
        disk.file("repo/.agent/settings", "");
        disk.finds(&[".agent/settings"]);
        disk.options.config_dir = Some(disk.top.join("repo/.agent").display().to_string());
        disk.finds(&[]);
    }

    #[test]
    fn links_are_followed_within_the_repository_and_named_where_they_leave_it() {
        let disk = Disk::new(&["a.json", "b.json", "c.json", "d/", "e/"]);
        disk.file("repo/shared.json", "1").file("outside.json", "1").file("outside/x", "1").file("repo/inside/x", "1");
        let link = |from: &str, to: &str| symlink(disk.top.join(from), disk.top.join(to)).expect("a link");
        link("repo/shared.json", "repo/sub/a.json");
        link("outside.json", "repo/sub/b.json");
        link("nowhere", "repo/sub/c.json");
        link("outside", "repo/sub/d");
        link("repo/inside", "repo/sub/e");
        disk.finds(&[
            "sub/a.json",
            "sub/b.json: a link that leads out of the project",
            "sub/c.json: a link that leads out of the project",
            "sub/d: a link that leads out of the project",
            "sub/e/x",
        ]);
        assert_eq!(disk.look().prints(), None, "it is asked about each time");
    }

    #[test]
    fn what_is_no_plain_short_file_is_named_and_holds_nobody_up() {
        let disk = Disk::new(&["a.json", "b.json", "deep/"]);
        let pipe = disk.top.join("repo/a.json");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .expect("a pipe");
        let long = fs::File::create(disk.top.join("repo/b.json")).expect("a file");
        long.set_len(MOST_BYTES + 1).expect("long");
        symlink(".", disk.top.join("repo/sub/deep")).expect("a link");
        let found = disk.look();
        let prints: Vec<_> = found.files.iter().map(|file| file.print.clone()).collect();
        assert_eq!(prints[..2], [Err(NO_FILE), Err(TOO_LONG)]);
        assert!(prints.contains(&Err(TOO_MANY)), "a loop ends: {:?}", found.files.last());
    }

    #[test]
    fn more_files_than_anybody_brings_are_counted_no_further() {
        let disk = Disk::new(&["d/"]);
        for number in 0..=MOST_FILES + 10 {
            disk.file(&format!("repo/d/{number}"), "");
        }
        let found = disk.look();
        assert_eq!(found.files.len(), MOST_FILES + 1);
        assert_eq!(found.prints(), None);
    }

    #[test]
    fn a_worktree_has_the_same_files_as_its_project() {
        let mut disk = Disk::new(&["a.json"]);
        disk.file("repo/a.json", "1");
        disk.options.cwd = disk.top.join("repo");
        let main = disk.look();
        let git = disk.top.join("repo/.git/worktrees/fix");
        disk.file("repo/.git/worktrees/fix/commondir", "../..\n")
            .file("repo/.git/worktrees/fix/gitdir", &format!("{}\n", disk.top.join("fix/.git").display()))
            .file("fix/.git", &format!("gitdir: {}\n", git.display()))
            .file("fix/a.json", "1");
        disk.options.cwd = disk.top.join("fix");
        let fix = disk.look();
        assert_eq!((&fix.project, fix.prints()), (&main.project, main.prints()));
        disk.file("fix/a.json", "2");
        assert_eq!(disk.look().files.len(), 2, "what it has of its own, and what an agent may read of the main one");
    }

    #[test]
    fn an_agent_that_reads_nothing_or_elsewhere_is_not_asked_about() {
        let mut disk = Disk::new(&[]);
        assert_eq!(Place::of(&disk.options), None);
        disk.options.config.trust_files = vec!["a.json".into()];
        disk.options.config.wrap = vec!["ssh".into(), "host".into()];
        assert_eq!(Place::of(&disk.options), None, "its files are on another machine");
    }
}
