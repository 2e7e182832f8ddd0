//! The journals there are. Long ones are not read whole: their first lines and their end tell what a list says.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::{Header, JournalError, Standing, file, path, standing};
use crate::{
    domain::{AgentMessage, Content, SessionId},
    session::project::{Projects, repository},
};

/// A session of ours, from its journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    pub session_id: SessionId,
    pub provider: String,
    pub cwd: PathBuf,
    /// The top of the repository that `cwd` is in, as in a session's row.
    pub project: PathBuf,
    /// Unix milliseconds.
    pub started_at: i64,
    /// When something was written to it last.
    pub updated_at: i64,
    pub title: String,
    pub model: String,
    pub mode: String,
    pub effort: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<String>,
    /// It is in the live list.
    pub live: bool,
    /// Another backend goes on with it: its file is locked.
    pub elsewhere: bool,
    /// It was at work when its backend or the machine went away, and nothing has been asked of it since.
    pub interrupted: bool,
    /// Conversations of the agent's that it had before.
    #[serde(skip)]
    pub earlier_sessions: Vec<String>,
}

/// What a list has, and what it would have that cannot be read.
#[derive(Debug, Default)]
pub struct Listing {
    pub sessions: Vec<Listed>,
    pub unread: Vec<JournalError>,
}

/// The files of a folder.
#[derive(Debug, Default)]
pub struct Seen {
    /// When each was written to last, and its length, in no order.
    pub journals: Vec<(i64, u64, SessionId)>,
    /// Of which even that cannot be seen.
    pub unread: Vec<JournalError>,
}

/// What cannot be read, in a sentence: for whoever misses it in a list.
pub fn unread(errors: &[JournalError]) -> Option<String> {
    let (first, more) = errors.split_first()?;
    Some(match more.len() {
        0 => format!("a session is not in the list: {first}"),
        more => format!("{} sessions are not in the list: {first}, and so on", more + 1),
    })
}

const MOST: usize = 1_000;
/// As much of a journal's beginning is looked at.
const HEAD: u64 = 64 * 1024;
/// And of its end; the second one if the first has nothing.
const TAILS: [u64; 2] = [64 * 1024, 1024 * 1024];

/// Newest first, at most 1,000 from behind one of them on: all, or those begun in a directory, below it, or above it up to
/// the top of its repository, in any worktree of it. What is no journal is left out.
pub fn list(folder: &Path, around: Option<&Path>, after: Option<&(i64, SessionId)>) -> Result<Listing, JournalError> {
    let seen = all(folder)?;
    let mut known: Vec<(i64, SessionId)> =
        seen.journals.into_iter().map(|(updated_at, _, session)| (updated_at, session)).collect();
    known.sort_by(|one, other| other.cmp(one));
    let mut project = around.map(Project::around);
    let mut projects = Projects::default();
    let mut listing = Listing { sessions: Vec::new(), unread: seen.unread };
    for (updated_at, session) in known {
        if after.is_some_and(|after| (updated_at, &session) >= (after.0, &after.1)) {
            continue;
        }
        match read(folder, &session, updated_at, &mut project) {
            Ok(Some(mut entry)) => {
                entry.project = projects.of(&entry.cwd);
                listing.sessions.push(entry);
            }
            Ok(None) => {}
            Err(error) => listing.unread.push(error),
        }
        if listing.sessions.len() == MOST {
            break;
        }
    }
    Ok(listing)
}

/// What there is; nothing where there is no such folder.
pub fn all(folder: &Path) -> Result<Seen, JournalError> {
    let failed = |source| JournalError::Unlistable { folder: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::default()),
        Err(error) => return Err(failed(error)),
    };
    let mut seen = Seen::default();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Some(session) = named(&entry.path()) else { continue };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => {
                let updated_at = millis(metadata.modified().unwrap_or(UNIX_EPOCH));
                seen.journals.push((updated_at, metadata.len(), session));
            }
            Ok(_) => {}
            // Deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => seen.unread.push(JournalError::Unreadable { path: entry.path(), source }),
        }
    }
    Ok(seen)
}

/// What a list says of one, wherever it was begun; but for its project. Nothing of what is no journal, or not any more.
pub fn about(folder: &Path, session: &SessionId, updated_at: i64) -> Result<Option<Listed>, JournalError> {
    read(folder, session, updated_at, &mut None)
}

/// Somebody goes on with it, here or in another backend.
pub fn is_taken(folder: &Path, session: &SessionId) -> bool {
    file::open(folder, session).is_ok_and(|file| file::is_taken(&file))
}

/// The newest around a directory, if they were written after a time in Unix milliseconds: no more than `most` are looked
/// at.
pub(super) fn newest(folder: &Path, around: &Path, most: usize, after: i64) -> Result<Vec<Listed>, JournalError> {
    let mut known = all(folder)?.journals;
    known.retain(|(updated_at, _, _)| *updated_at > after);
    known.sort_by(|one, other| other.cmp(one));
    known.truncate(most);
    let mut project = Some(Project::around(around));
    let read = known.into_iter().map(|(updated_at, _, session)| read(folder, &session, updated_at, &mut project));
    // Of one that cannot be read the list says so.
    Ok(read.filter_map(|listed| listed.ok().flatten()).collect())
}

/// The session whose journal has that name.
fn named(path: &Path) -> Option<SessionId> {
    if path.extension() != Some(OsStr::new("ndjson")) {
        return None;
    }
    SessionId::parse(path.file_stem()?.to_str()?).ok()
}

fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn read(
    folder: &Path,
    session: &SessionId,
    updated_at: i64,
    project: &mut Option<Project>,
) -> Result<Option<Listed>, JournalError> {
    let mut file = match file::open(folder, session) {
        Ok(file) => file,
        Err(JournalError::Missing(_) | JournalError::NoFile { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let ends = |file: &mut File| -> io::Result<(Vec<u8>, Option<Standing>)> {
        let len = file.metadata()?.len();
        Ok((piece(file, 0, len.min(HEAD))?, last_standing(file, len)?))
    };
    let unreadable = |source| JournalError::Unreadable { path: path(folder, session), source };
    let (head, standing) = ends(&mut file).map_err(unreadable)?;
    let mut lines = head.split(|&byte| byte == b'\n');
    let header = lines.next().and_then(|line| serde_json::from_slice::<Header>(line).ok());
    let Some(header) = header else { return Ok(None) };
    let messages = lines.filter_map(|line| serde_json::from_slice::<AgentMessage>(line).ok());
    let standing = standing.unwrap_or_else(|| from_messages(messages));
    // A session that was moved goes on elsewhere than it began, and is listed there.
    let cwd = standing.cwd.clone().unwrap_or(header.cwd);
    if let Some(project) = project
        && !project.holds(&cwd)
    {
        return Ok(None);
    }
    let taken = file::is_taken(&file);
    Ok(Some(Listed {
        session_id: session.clone(),
        provider: header.provider,
        cwd,
        project: PathBuf::new(),
        started_at: header.started_at,
        updated_at,
        title: standing.called().to_owned(),
        model: standing.model,
        mode: standing.mode,
        effort: standing.effort,
        agent_session: standing.agent_session,
        live: false,
        elsewhere: taken,
        interrupted: standing.unfinished && !taken,
        earlier_sessions: standing.earlier_sessions,
    }))
}

fn piece(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn last_standing(file: &mut File, len: u64) -> io::Result<Option<Standing>> {
    for tail in TAILS {
        let bytes = piece(file, len.saturating_sub(tail), len)?;
        if let Some(standing) = bytes.rsplit(|&byte| byte == b'\n').find_map(standing::parse) {
            return Ok(Some(standing));
        }
    }
    Ok(None)
}

/// Of a journal that has no such line: its first messages tell something too.
pub(super) fn from_messages(messages: impl IntoIterator<Item = AgentMessage>) -> Standing {
    let mut standing = Standing::default();
    for message in messages {
        match message.content {
            Content::Prompt(prompt) if standing.title.is_empty() => standing.title = prompt.title(),
            Content::Init(init) => {
                standing.model = init.model;
                standing.agent_session = Some(init.session_id).filter(|id| !id.is_empty());
            }
            _ => {}
        }
    }
    standing
}

/// The directories that belong to one of them.
pub struct Project {
    /// It and what is below it.
    top: PathBuf,
    /// What is above it, up to the top of its repository.
    above: Vec<PathBuf>,
    /// The main worktree of its repository, and where in its own one it is: what is there in the others belongs to it too.
    within: Option<(PathBuf, PathBuf)>,
    /// Many journals have the same.
    answers: HashMap<PathBuf, bool>,
}

impl Project {
    pub fn around(directory: &Path) -> Self {
        let top = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let repository = top.ancestors().find(|above| above.join(".git").exists()).map(Path::to_owned);
        Self { within: place(&top), ..Self::below(top, repository.as_deref()) }
    }

    fn below(top: PathBuf, repository: Option<&Path>) -> Self {
        let above =
            top.ancestors().skip(1).filter(|above| repository.is_some_and(|repository| above.starts_with(repository)));
        Self { above: above.map(Path::to_owned).collect(), top, within: None, answers: HashMap::new() }
    }

    pub fn holds(&mut self, directory: &Path) -> bool {
        let Self { top, above, within, answers } = self;
        *answers.entry(directory.to_owned()).or_insert_with(|| {
            let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
            let beside = |(main, here): &(PathBuf, PathBuf)| {
                place(&real).is_some_and(|(other, there)| {
                    other == *main && (there.starts_with(here) || here.starts_with(&there))
                })
            };
            real.starts_with(top) || above.contains(&real) || within.as_ref().is_some_and(beside)
        })
    }
}

/// The main worktree of the repository that a directory is in, and the way to the directory from the top of its own one.
fn place(real: &Path) -> Option<(PathBuf, PathBuf)> {
    let (top, main) = repository(real)?;
    Some((main, real.strip_prefix(top).ok()?.to_owned()))
}

/// All that is asked for can be read.
#[cfg(test)]
#[track_caller]
pub fn all_listed(folder: &Path, around: Option<&Path>, after: Option<&(i64, SessionId)>) -> Vec<Listed> {
    let Listing { sessions, unread } = list(folder, around, after).expect("a list");
    assert!(unread.is_empty(), "{unread:?}");
    sessions
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{
        domain::Prompt,
        private::nobody,
        session::journal::{Journal, header, path},
    };

    fn id(name: &str) -> SessionId {
        SessionId::parse(name).expect("a good id")
    }

    fn prompt(text: &str) -> AgentMessage {
        let content = Content::Prompt(Prompt::new(text));
        AgentMessage { id: "p".into(), parent_id: None, timestamp: 1, part: false, content }
    }

    fn journal(folder: &Path, name: &str, cwd: &Path, updated_at: u64) -> Journal {
        let journal = Journal::create(Some(folder), &header(id(name), "demo", cwd, 7)).expect("a journal");
        touch(folder, name, updated_at);
        journal
    }

    fn touch(folder: &Path, name: &str, updated_at: u64) {
        let file = File::options().append(true).open(path(folder, &id(name))).expect("it is there");
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_millis(updated_at)).expect("set");
    }

    fn names(listed: &[Listed]) -> Vec<&str> {
        listed.iter().map(|listed| listed.session_id.as_str()).collect()
    }

    #[test]
    fn the_newest_is_first_and_what_is_no_journal_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, updated_at) in [("a", 1000), ("b", 3000), ("c", 2000)] {
            journal(folder.path(), name, "/p".as_ref(), updated_at);
        }
        fs::write(folder.path().join("d.ndjson"), "no header\n").expect("a file");
        fs::write(folder.path().join("e.txt"), "{}").expect("a file");
        fs::create_dir(folder.path().join("f.ndjson")).expect("a folder");
        let listed = all_listed(folder.path(), None, None);
        assert_eq!(names(&listed), ["b", "c", "a"]);
        assert_eq!((listed[0].started_at, listed[0].updated_at, listed[0].provider.as_str()), (7, 3000, "demo"));
        assert_eq!(all_listed(&folder.path().join("none"), None, None), []);
    }

    #[test]
    fn a_project_is_a_directory_what_is_below_it_and_its_repository_above() {
        let root = tempfile::tempdir().expect("a folder");
        let (journals, top) = (root.path().join("journals"), root.path().canonicalize().expect("there").join("repo"));
        fs::create_dir_all(top.join("src/deep")).expect("folders");
        fs::create_dir_all(top.join("doc")).expect("folders");
        std::os::unix::fs::symlink(&top, root.path().join("link")).expect("a link");
        let places = [
            ("above", root.path().to_owned()),
            ("top", root.path().join("link")),
            ("src", top.join("src")),
            ("deep", top.join("src/deep")),
            ("doc", top.join("doc")),
            ("gone", top.join("src/gone")),
        ];
        for (time, (name, cwd)) in places.iter().enumerate() {
            journal(&journals, name, cwd, 10_000 - time as u64);
        }
        fs::create_dir(top.join(".git")).expect("a folder");
        assert_eq!(names(&all_listed(&journals, Some(&top.join("src")), None)), ["top", "src", "deep", "gone"]);
        assert_eq!(names(&all_listed(&journals, Some(&top), None)), ["top", "src", "deep", "doc", "gone"]);
        assert_eq!(all_listed(&journals, None, None).len(), 6);
    }

    #[test]
    fn the_worktrees_of_a_repository_are_one_project() {
        let root = tempfile::tempdir().expect("a folder");
        let (main, beside) = (root.path().join("repo"), root.path().join("repo.worktrees/cap"));
        for directory in [main.join("src"), main.join("doc"), beside.join("src"), beside.join("doc")] {
            fs::create_dir_all(directory).expect("folders");
        }
        let git = main.join(".git/worktrees/cap");
        fs::create_dir_all(&git).expect("folders");
        fs::write(main.join(".git/HEAD"), "ref: refs/heads/main\n").expect("a file");
        fs::write(git.join("commondir"), "../..\n").expect("a file");
        fs::write(git.join("gitdir"), beside.join(".git").as_os_str().as_encoded_bytes()).expect("a file");
        fs::write(beside.join(".git"), format!("gitdir: {}\n", git.display())).expect("a file");

        for (around, other) in [(&main, &beside), (&beside, &main)] {
            let mut project = Project::around(around);
            assert!(project.holds(other) && project.holds(&other.join("src")), "around {}", around.display());
            assert!(!project.holds(&root.path().join("repo.worktrees")));
            let mut part = Project::around(&around.join("src"));
            assert!(part.holds(other) && part.holds(&other.join("src")) && !part.holds(&other.join("doc")));
        }
    }

    #[test]
    fn without_a_repository_nothing_above_belongs_to_a_directory() {
        let holds = |repository: Option<&str>, directory: &str| {
            let mut project = Project::below("/none/such/place".into(), repository.map(Path::new));
            project.holds(directory.as_ref())
        };
        assert!(holds(None, "/none/such/place") && holds(None, "/none/such/place/below"));
        assert!(!holds(None, "/none/such") && !holds(None, "/none/such/place2"));
        assert!(holds(Some("/none/such"), "/none/such") && !holds(Some("/none/such"), "/none"));
        assert!(!holds(Some("/none/such/place"), "/none/such"));
    }

    #[test]
    fn what_a_session_is_set_to_is_read_from_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = journal(folder.path(), "a", "/p".as_ref(), 1);
        journal.append(&prompt("\n Explain this \nplease"));
        assert_eq!(all_listed(folder.path(), None, None)[0].title, "Explain this", "an old journal");
        let standing = |model: &str| Standing {
            title: "Explained".into(),
            model: model.into(),
            agent_session: Some("own".into()),
            ..Standing::default()
        };
        journal.stand(&standing("small"));
        journal.append(&prompt(&"x".repeat(500_000)));
        assert_eq!(all_listed(folder.path(), None, None)[0].model, "small", "a long message after it");
        journal.stand(&standing("big"));
        journal.append(&prompt("and?"));
        let listed = &all_listed(folder.path(), None, None)[0];
        let told = (listed.title.as_str(), listed.model.as_str(), listed.agent_session.as_deref());
        assert_eq!(told, ("Explained", "big", Some("own")));
    }

    fn opened(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    #[test]
    fn of_what_cannot_be_read_a_list_says_so_and_has_the_others() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("sessions");
        for name in ["a", "b", "c", "d"] {
            drop(journal(&folder, name, "/p".as_ref(), 1));
            opened(&path(&folder, &id(name)), if name < "c" { 0o644 } else { 0 });
        }
        opened(root.path(), 0o755);
        opened(&folder, 0o755);
        nobody(|| {
            let Listing { sessions, unread: errors } = list(&folder, None, None).expect("a list");
            let mut names: Vec<&str> = sessions.iter().map(|listed| listed.session_id.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, ["a", "b"]);
            let why = |name: &str| {
                let path = path(&folder, &id(name));
                format!("{} cannot be read: Permission denied (os error 13)", path.display())
            };
            let mut said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            said.sort_unstable();
            assert_eq!(said, [why("c"), why("d")]);
            assert_eq!(unread(&errors[..1]), Some(format!("a session is not in the list: {}", errors[0])));
            let two = format!("2 sessions are not in the list: {}, and so on", errors[0]);
            assert_eq!((unread(&errors), unread(&[])), (Some(two), None));
        });
        // The names can be read, and nothing of what is behind them.
        opened(&folder, 0o744);
        nobody(|| {
            let listing = list(&folder, None, None).expect("a list");
            assert_eq!((listing.sessions.len(), listing.unread.len()), (0, 4));
        });
        opened(&folder, 0);
        nobody(|| {
            let error = list(&folder, None, None).map(drop).expect_err("no list");
            let expect =
                format!("the sessions in {} cannot be listed: Permission denied (os error 13)", folder.display());
            assert_eq!(error.to_string(), expect);
        });
        opened(&folder, 0o700);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_no_empty_list() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("sessions");
        fs::write(&folder, "x").expect("a file");
        let expect = format!("the sessions in {} cannot be listed: Not a directory (os error 20)", folder.display());
        for error in [
            list(&folder, None, None).map(drop).expect_err("no list"),
            newest(&folder, "/p".as_ref(), 10, 0).map(drop).expect_err("no list"),
        ] {
            assert_eq!(error.to_string(), expect);
        }
    }
}
