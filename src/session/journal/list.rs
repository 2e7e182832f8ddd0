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

use super::{Header, Standing, file, standing};
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

const MOST: usize = 1_000;
/// As much of a journal's beginning is looked at.
const HEAD: u64 = 64 * 1024;
/// And of its end; the second one if the first has nothing.
const TAILS: [u64; 2] = [64 * 1024, 1024 * 1024];

/// Newest first, at most 1,000 from behind one of them on: all, or those begun in a directory, below it, or above it up to
/// the top of its repository, in any worktree of it. What cannot be read is left out.
pub fn list(folder: &Path, around: Option<&Path>, after: Option<&(i64, SessionId)>) -> Vec<Listed> {
    let mut known: Vec<(i64, SessionId)> =
        all(folder).into_iter().map(|(updated_at, _, session)| (updated_at, session)).collect();
    known.sort_by(|one, other| other.cmp(one));
    let mut project = around.map(Project::around);
    let mut projects = Projects::default();
    let mut listed = Vec::new();
    for (updated_at, session) in known {
        if after.is_some_and(|after| (updated_at, &session) >= (after.0, &after.1)) {
            continue;
        }
        let Some(mut entry) = read(folder, &session, updated_at, &mut project) else { continue };
        entry.project = projects.of(&entry.cwd);
        listed.push(entry);
        if listed.len() == MOST {
            break;
        }
    }
    listed
}

/// When each was written to last, and its length, in no order.
pub fn all(folder: &Path) -> Vec<(i64, u64, SessionId)> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(|entry| known(&entry.ok()?)).collect(),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, folder = %folder.display(), "journals cannot be listed");
            }
            Vec::new()
        }
    }
}

/// What a list says of one, wherever it was begun; but for its project.
pub fn about(folder: &Path, session: &SessionId, updated_at: i64) -> Option<Listed> {
    read(folder, session, updated_at, &mut None)
}

/// Somebody goes on with it, here or in another backend.
pub fn is_taken(folder: &Path, session: &SessionId) -> bool {
    file::open(folder, session).is_ok_and(|file| file::is_taken(&file))
}

/// The newest around a directory, if they were written after a time in Unix milliseconds: no more than `most` are looked
/// at.
pub(super) fn newest(folder: &Path, around: &Path, most: usize, after: i64) -> Vec<Listed> {
    let mut known = all(folder);
    known.retain(|(updated_at, _, _)| *updated_at > after);
    known.sort_by(|one, other| other.cmp(one));
    known.truncate(most);
    let mut project = Some(Project::around(around));
    known.into_iter().filter_map(|(updated_at, _, session)| read(folder, &session, updated_at, &mut project)).collect()
}

fn known(entry: &fs::DirEntry) -> Option<(i64, u64, SessionId)> {
    let path = entry.path();
    if path.extension() != Some(OsStr::new("ndjson")) {
        return None;
    }
    let session = SessionId::parse(path.file_stem()?.to_str()?).ok()?;
    let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((millis(metadata.modified().unwrap_or(UNIX_EPOCH)), metadata.len(), session))
}

fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn read(folder: &Path, session: &SessionId, updated_at: i64, project: &mut Option<Project>) -> Option<Listed> {
    let mut file = file::open(folder, session).ok()?;
    let len = file.metadata().ok()?.len();
    let head = piece(&mut file, 0, len.min(HEAD)).ok()?;
    let mut lines = head.split(|&byte| byte == b'\n');
    let header: Header = serde_json::from_slice(lines.next()?).ok()?;
    let messages = lines.filter_map(|line| serde_json::from_slice::<AgentMessage>(line).ok());
    let standing = last_standing(&mut file, len).unwrap_or_else(|| from_messages(messages));
    // A session that was moved goes on elsewhere than it began, and is listed there.
    let cwd = standing.cwd.clone().unwrap_or(header.cwd);
    if let Some(project) = project
        && !project.holds(&cwd)
    {
        return None;
    }
    let taken = file::is_taken(&file);
    Some(Listed {
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
    })
}

fn piece(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn last_standing(file: &mut File, len: u64) -> Option<Standing> {
    TAILS.into_iter().find_map(|tail| {
        let bytes = piece(file, len.saturating_sub(tail), len).ok()?;
        bytes.rsplit(|&byte| byte == b'\n').find_map(standing::parse)
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Prompt,
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
        let listed = list(folder.path(), None, None);
        assert_eq!(names(&listed), ["b", "c", "a"]);
        assert_eq!((listed[0].started_at, listed[0].updated_at, listed[0].provider.as_str()), (7, 3000, "demo"));
        assert_eq!(list(&folder.path().join("none"), None, None), []);
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
        assert_eq!(names(&list(&journals, Some(&top.join("src")), None)), ["top", "src", "deep", "gone"]);
        assert_eq!(names(&list(&journals, Some(&top), None)), ["top", "src", "deep", "doc", "gone"]);
        assert_eq!(list(&journals, None, None).len(), 6);
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
        assert_eq!(list(folder.path(), None, None)[0].title, "Explain this", "an old journal");
        let standing = |model: &str| Standing {
            title: "Explained".into(),
            model: model.into(),
            agent_session: Some("own".into()),
            ..Standing::default()
        };
        journal.stand(&standing("small"));
        journal.append(&prompt(&"x".repeat(500_000)));
        assert_eq!(list(folder.path(), None, None)[0].model, "small", "a long message after it");
        journal.stand(&standing("big"));
        journal.append(&prompt("and?"));
        let listed = &list(folder.path(), None, None)[0];
        let told = (listed.title.as_str(), listed.model.as_str(), listed.agent_session.as_deref());
        assert_eq!(told, ("Explained", "big", Some("own")));
    }
}
