//! Answers on the disk: one file for each project, with the answers for all agents, which only its owner may read; and which
//! of the files were changed while an agent ran.
//!
//! It is written whole and put in its place by a rename. What cannot be understood answers nothing: the user is asked again.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::find::digest;
use crate::private;

const VERSION: u32 = 1;
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Branches with files of their own have answers of their own; the oldest are forgotten.
const MOST_ANSWERS: usize = 100;
const MOST_WRITTEN: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The agent may read them.
    Use,
    /// It may not: it starts without them, if it can, else not at all.
    Refuse,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The provider's name.
    pub agent: String,
    pub said: Said,
    /// Unix milliseconds.
    pub at: i64,
    /// Names with their hashes, by name.
    pub files: Vec<(String, String)>,
}

/// A file that has changed while an agent of ours ran, by whomever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub name: String,
    /// Its hash since.
    pub print: String,
    /// The agent, as the user knows it, and the title of its session.
    pub agent: String,
    pub session: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// All that is kept of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// In the order they were given.
    pub answers: Vec<Answer>,
    pub written: Vec<Written>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    agor: u32,
    /// Whose answers these are: two projects might have the same file name.
    project: String,
    answers: Vec<Answer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    written: Vec<Written>,
}

/// The answers of one project.
#[derive(Clone, Debug)]
pub struct Answers {
    path: PathBuf,
    project: PathBuf,
}

impl Answers {
    /// Beside the journals. `project` with all links followed.
    pub fn of(journals: &Path, project: &Path) -> Self {
        let readable = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
        let name = project.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().map(readable).take(40).collect();
        let hash = digest(project.as_os_str().as_bytes());
        let folder = journals.parent().unwrap_or(journals).join("trust");
        Self { path: folder.join(format!("{name}-{}.json", &hash[..16])), project: project.to_owned() }
    }

    /// In the order they were given. Waits for the disk, as do all others.
    pub fn read(&self) -> io::Result<Vec<Answer>> {
        self.read_all().map(|kept| kept.answers)
    }

    pub fn read_all(&self) -> io::Result<Kept> {
        let file = match private::open(OpenOptions::new().read(true), &self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            file => file.map_err(|error| self.sentence("read", &error))?,
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| self.sentence("read", &error))?;
        let document: Option<Document> = serde_json::from_slice(&bytes).ok();
        let ours =
            document.filter(|document| document.agor == VERSION && document.project == self.project.to_string_lossy());
        Ok(ours.map_or_else(Kept::default, |document| Kept { answers: document.answers, written: document.written }))
    }

    pub fn add(&self, answer: Answer) -> io::Result<()> {
        self.change(|Kept { answers, .. }| {
            answers.retain(|old| old.agent != answer.agent || old.files != answer.files);
            answers.push(answer);
            answers.drain(..answers.len().saturating_sub(MOST_ANSWERS));
        })
    }

    /// What has changed while an agent ran; of each file the last change is kept.
    pub fn note(&self, news: Vec<Written>) -> io::Result<()> {
        self.change(|Kept { written, .. }| {
            written.retain(|old| news.iter().all(|new| new.name != old.name));
            written.extend(news);
            written.drain(..written.len().saturating_sub(MOST_WRITTEN));
        })
    }

    /// False if there is none for that agent.
    pub fn forget(&self, agent: &str) -> io::Result<bool> {
        let mut found = false;
        if self.read()?.iter().any(|answer| answer.agent == agent) {
            self.change(|Kept { answers, .. }| {
                let before = answers.len();
                answers.retain(|answer| answer.agent != agent);
                found = answers.len() < before;
            })?;
        }
        Ok(found)
    }

    /// One after the other, also those of other Neovims: what one takes back, nobody who has read before puts there again.
    fn change(&self, change: impl FnOnce(&mut Kept)) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(&self.path);
        private::folder(folder).map_err(|error| self.sentence("written", &error))?;
        // The file itself is another one after each change.
        let lock = File::open(folder).map_err(|error| self.sentence("written", &error))?;
        // A file system without locks: the rename has to do.
        let _ = rustix::fs::flock(&lock, FlockOperation::LockExclusive);
        let mut kept = self.read_all()?;
        change(&mut kept);
        self.write(kept).map_err(|error| self.sentence("written", &error))
    }

    fn write(&self, Kept { answers, written }: Kept) -> io::Result<()> {
        let project = self.project.to_string_lossy().into_owned();
        let text = serde_json::to_vec(&Document { agor: VERSION, project, answers, written })?;
        let beside = self.path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
        let mut file = private::open(OpenOptions::new().write(true).create_new(true), &beside)?;
        let written = file.write_all(&text).and_then(|()| file.sync_data()).and_then(|()| {
            match fs::symlink_metadata(&self.path) {
                Ok(there) if !there.is_file() => Err(io::Error::other("it is no regular file")),
                _ => fs::rename(&beside, &self.path),
            }
        });
        if written.is_err() {
            // Best effort: the error is told.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn sentence(&self, verb: &str, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{} cannot be {verb}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::private::full;

    struct Disk {
        answers: Answers,
        folder: tempfile::TempDir,
    }

    fn disk() -> Disk {
        let folder = tempfile::tempdir().expect("a folder");
        Disk { answers: Answers::of(&folder.path().join("sessions"), Path::new("/home/me/ä p")), folder }
    }

    fn answer(agent: &str, print: &str) -> Answer {
        Answer { agent: agent.into(), said: Said::Use, at: 7, files: vec![(".mcp.json".into(), print.into())] }
    }

    #[test]
    fn answers_are_there_for_the_next_who_reads_until_they_are_forgotten() {
        let Disk { answers, .. } = disk();
        assert!(!answers.forget("a").expect("nothing to do"));
        for (agent, print) in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")] {
            answers.add(answer(agent, print)).expect("written");
        }
        assert_eq!(answers.read().expect("readable"), [answer("b", "1"), answer("a", "2"), answer("a", "1")]);
        assert!(answers.forget("a").expect("written"));
        assert_eq!(answers.read().expect("readable"), [answer("b", "1")]);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&answers.path), 0o600);
        assert_eq!(mode(answers.path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn the_last_change_of_each_file_is_kept_beside_the_answers() {
        let Disk { answers, .. } = disk();
        let written = |name: &str, at| Written {
            name: name.into(),
            print: "1".into(),
            agent: "Claude Code".into(),
            session: "fix".into(),
            at,
        };
        answers.add(answer("a", "1")).expect("written");
        answers.note(vec![written("x", 1), written("y", 1)]).expect("written");
        answers.note(vec![written("x", 2)]).expect("written");
        answers.add(answer("b", "1")).expect("written");
        let kept = answers.read_all().expect("readable");
        assert_eq!(kept.written, [written("y", 1), written("x", 2)]);
        assert_eq!(kept.answers, [answer("a", "1"), answer("b", "1")]);
        answers.note((0..MOST_WRITTEN as i64).map(|at| written(&at.to_string(), at)).collect()).expect("written");
        let kept = answers.read_all().expect("readable");
        assert_eq!(
            (kept.written.len(), &kept.written[0]),
            (MOST_WRITTEN, &written("0", 0)),
            "the oldest are forgotten"
        );
    }

    #[test]
    fn what_several_change_at_once_is_all_kept() {
        let Disk { answers, .. } = disk();
        std::thread::scope(|scope| {
            for agent in ["a", "b", "c", "d"] {
                let answers = &answers;
                scope.spawn(move || {
                    for print in 0..20 {
                        answers.add(answer(agent, &print.to_string())).expect("written");
                    }
                });
            }
        });
        assert_eq!(answers.read().expect("readable").len(), 80);
    }

    #[test]
    fn the_oldest_answers_are_forgotten() {
        let Disk { answers, .. } = disk();
        for number in 0..=MOST_ANSWERS {
            answers.add(answer("a", &number.to_string())).expect("written");
        }
        let kept = answers.read().expect("readable");
        assert_eq!((kept.len(), &kept[0]), (MOST_ANSWERS, &answer("a", "1")));
    }

    #[test]
    fn each_project_has_its_own_and_what_is_not_ours_answers_nothing() {
        let Disk { answers, folder } = disk();
        answers.add(answer("a", "1")).expect("written");
        let other = Answers::of(&folder.path().join("sessions"), Path::new("/home/you/ä p"));
        assert_eq!(other.read().expect("readable"), []);
        let text = fs::read_to_string(&answers.path).expect("a file");
        fs::write(&other.path, &text).expect("written");
        assert_eq!(other.read().expect("readable"), [], "it says whose it is");
        for foreign in ["", "{}", "\0", &text.replace("\"agor\":1", "\"agor\":2")] {
            fs::write(&answers.path, foreign).expect("written");
            assert_eq!(answers.read().expect("readable"), [], "{foreign}");
        }
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let Disk { answers, folder } = disk();
        fs::create_dir(folder.path().join("trust")).expect("a folder");
        let target = folder.path().join("target");
        fs::write(&target, "mine").expect("written");
        symlink(&target, &answers.path).expect("a link");
        for error in [answers.read().err(), answers.add(answer("a", "1")).err(), answers.forget("a").err()] {
            let error = error.expect("refused").to_string();
            assert!(error.contains("cannot be"), "{error}");
        }
        assert_eq!(fs::read_to_string(&target).expect("it is there"), "mine");
    }

    #[test]
    fn at_whatever_byte_the_disk_is_full_the_answers_of_before_hold() {
        full::apart(module_path!(), "at_whatever_byte_the_disk_is_full_the_answers_of_before_hold", || {
            let Disk { answers, .. } = disk();
            answers.add(answer("a", "1")).expect("written");
            let before = fs::read(&answers.path).expect("a file");
            // Whatever is written is as long as that, or longer; without any, two bytes are enough.
            let least = before.len() - serde_json::to_vec(&answer("a", "1")).expect("JSON").len();
            for room in 0..least {
                for failed in [
                    full::with_room(room, || answers.add(answer("b", "1"))),
                    full::with_room(room, || answers.note(Vec::new())),
                    full::with_room(room, || answers.forget("a").map(|_| ())),
                ] {
                    let error = failed.expect_err("it could not be kept").to_string();
                    let told = format!("{} cannot be written: File too large", answers.path.display());
                    assert!(error.starts_with(&told), "{error}");
                }
                assert_eq!(fs::read(&answers.path).expect("a file"), before, "{room}");
            }
            let folder = answers.path.parent().expect("a folder");
            assert_eq!(fs::read_dir(folder).expect("a folder").count(), 1, "nothing is left beside it");
            answers.add(answer("b", "1")).expect("there is room");
            assert_eq!(answers.read().expect("readable"), [answer("a", "1"), answer("b", "1")]);
        });
    }
}
