//! What was allowed or refused for longer than once: grants and refusals, and those of a project or of all on the disk, where
//! all sessions and all Neovims read them.
//!
//! A project's are in a file of its own, one JSON object a line: what the file is, then grants, refusals and revocations as
//! they were made. It is read whenever one is needed. What cannot be understood grants nothing, and a file that is not ours,
//! or of a newer version, is left as it is.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{policy::PolicyRule, rule::Rule},
    private,
};

const VERSION: u32 = 1;
/// More than a user has chosen by hand.
const MOST: u64 = 4 * 1024 * 1024;

/// For how long something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    Turn,
    Session,
    Project,
    /// In all projects.
    Everywhere,
}

impl GrantScope {
    pub fn words(self) -> &'static str {
        match self {
            GrantScope::Turn => "for this turn",
            GrantScope::Session => "for this session",
            GrantScope::Project => "always in this project",
            GrantScope::Everywhere => "always and everywhere",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub id: String,
    pub rule: Rule,
    /// Unix milliseconds.
    pub at: i64,
}

/// What is refused without asking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub id: String,
    /// Its paths are absolute.
    pub rule: PolicyRule,
    /// Unix milliseconds.
    pub at: i64,
}

/// What holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    pub grants: Vec<Grant>,
    pub refusals: Vec<Refusal>,
    /// A refusal cannot be read: nobody knows what it refuses.
    pub doubtful: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} cannot be written: {source}", path = path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{path} is no list of grants for {project}: it grants nothing and is left as it is", path = path.display(), project = project.display())]
    Foreign { path: PathBuf, project: PathBuf },
    #[error("{path} was written by a newer agor: it grants nothing and is left as it is", path = path.display())]
    Newer { path: PathBuf },
}

#[derive(Serialize, Deserialize)]
struct Header {
    agor: u32,
    /// Whose grants these are: two projects might have the same file name.
    project: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Grant(Grant),
    /// Versions before it pass over it: a grant that says that it is none would be one to them.
    Refuse(Refusal),
    Revoke(String),
}

/// The grants and refusals of one project, or of all.
#[derive(Clone, Debug)]
pub struct ProjectGrants {
    path: PathBuf,
    project: PathBuf,
}

impl ProjectGrants {
    /// `project` with all links followed.
    pub fn of(folder: &Path, project: &Path) -> Self {
        let readable = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
        let name = project.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().map(readable).take(40).collect();
        let path = folder.join(format!("{name}-{:016x}.ndjson", hash(project.as_os_str().as_bytes())));
        Self { path, project: project.to_owned() }
    }

    /// Those of all projects.
    pub fn everywhere(folder: &Path) -> Self {
        Self { path: folder.join("everywhere.ndjson"), project: PathBuf::from("*") }
    }

    #[cfg(any(test, fuzzing))]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Those that hold. Waits for the disk, as do all others.
    pub fn read(&self) -> Result<Kept, GrantsError> {
        match private::open(OpenOptions::new().read(true), &self.path) {
            Ok(mut file) => Ok(self.parse(&mut file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(source) => Err(self.unreadable(source)),
        }
    }

    pub fn add(&self, grant: Grant) -> Result<(), GrantsError> {
        self.append(&Line::Grant(grant), |_| true).map(|_| ())
    }

    pub fn refuse(&self, refusal: Refusal) -> Result<(), GrantsError> {
        self.append(&Line::Refuse(refusal), |_| true).map(|_| ())
    }

    /// False if there is none of that id.
    pub fn revoke(&self, id: &str) -> Result<bool, GrantsError> {
        if !self.path.exists() {
            return Ok(false);
        }
        self.append(&Line::Revoke(id.to_owned()), |kept| {
            kept.grants.iter().any(|grant| grant.id == id) || kept.refusals.iter().any(|refusal| refusal.id == id)
        })
    }

    /// Only to what is understood, and only if `wanted` for what holds so far.
    fn append(&self, line: &Line, wanted: impl FnOnce(&Kept) -> bool) -> Result<bool, GrantsError> {
        let unwritable = |source| GrantsError::Unwritable { path: self.path.clone(), source };
        if let Some(folder) = self.path.parent() {
            private::folder(folder).map_err(unwritable)?;
        }
        let mut file =
            private::open(OpenOptions::new().read(true).append(true).create(true), &self.path).map_err(unwritable)?;
        // Another backend may write at the same time.
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|error| unwritable(error.into()))?;
        let kept = self.parse(&mut file)?;
        if !wanted(&kept) {
            return Ok(false);
        }
        let len = file.metadata().map_err(unwritable)?.len();
        let mut text = String::new();
        if len == 0 {
            push(&mut text, &Header { agor: VERSION, project: self.project.to_string_lossy().into_owned() });
        } else if !ends_a_line(&mut file).map_err(unwritable)? {
            // What was cut off stays a line of its own.
            text.push('\n');
        }
        push(&mut text, line);
        if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
            // A part of the first line would make the file nobody's.
            let _ = file.set_len(len);
            return Err(unwritable(error));
        }
        Ok(true)
    }

    fn parse(&self, file: &mut File) -> Result<Kept, GrantsError> {
        let mut bytes = Vec::new();
        file.take(MOST + 1).read_to_end(&mut bytes).map_err(|source| self.unreadable(source))?;
        if bytes.len() as u64 > MOST {
            return Err(self.unreadable(io::Error::other("it is larger than any list of grants")));
        }
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Kept::default());
        }
        match serde_json::from_slice::<Header>(first) {
            Ok(header) if header.agor > VERSION => return Err(GrantsError::Newer { path: self.path.clone() }),
            Ok(header) if header.project == self.project.to_string_lossy() => {}
            _ => return Err(GrantsError::Foreign { path: self.path.clone(), project: self.project.clone() }),
        }
        let mut kept = Kept::default();
        for line in lines {
            match serde_json::from_slice::<Line>(line) {
                Ok(Line::Grant(grant)) => kept.grants.push(grant),
                Ok(Line::Refuse(refusal)) => kept.refusals.push(refusal),
                Ok(Line::Revoke(id)) => {
                    kept.grants.retain(|grant| grant.id != id);
                    kept.refusals.retain(|refusal| refusal.id != id);
                }
                // Cut off, or of a kind that is not known: it grants nothing.
                Err(_) => kept.doubtful |= line.starts_with(br#"{"refuse""#),
            }
        }
        Ok(kept)
    }

    fn unreadable(&self, source: io::Error) -> GrantsError {
        GrantsError::Unreadable { path: self.path.clone(), source }
    }
}

pub(super) fn ends_a_line(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn push(text: &mut String, line: &impl Serialize) {
    // Maps with keys that are no text are all that could fail, and there are none.
    if let Ok(line) = serde_json::to_string(line) {
        text.push_str(&line);
        text.push('\n');
    }
}

/// FNV-1a: the same in every version, which file names have to be.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Beside the journals.
pub fn folder(journals: &Path) -> PathBuf {
    journals.parent().unwrap_or(journals).join("grants")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;
    use crate::private::full;

    fn grant(id: &str) -> Grant {
        Grant { id: id.into(), rule: Rule::Command { command: format!("echo {id}") }, at: 7 }
    }

    struct Disk {
        grants: ProjectGrants,
        folder: tempfile::TempDir,
    }

    fn disk() -> Disk {
        let folder = tempfile::tempdir().expect("a folder");
        Disk { grants: ProjectGrants::of(&folder.path().join("grants"), Path::new("/home/me/ä p")), folder }
    }

    impl Disk {
        fn ids(&self) -> Vec<String> {
            self.grants.read().expect("readable").grants.into_iter().map(|grant| grant.id).collect()
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.grants.path).expect("a file")
        }

        /// Nothing is granted by it, and nothing in it changes.
        #[track_caller]
        fn refuses(&self, why: &str) {
            let before = fs::read(&self.grants.path).ok();
            let errors = [
                self.grants.read().expect_err("no grants").to_string(),
                self.grants.add(grant("x")).expect_err("not written").to_string(),
                self.grants.revoke("a").expect_err("not written").to_string(),
            ];
            for error in errors {
                assert!(error.contains(why), "{error}");
            }
            assert_eq!(fs::read(&self.grants.path).ok(), before, "it is as it was");
        }
    }

    #[test]
    fn grants_are_there_for_the_next_who_reads_until_they_are_revoked() {
        let disk = disk();
        assert_eq!(disk.ids(), Vec::<String>::new());
        assert!(!disk.grants.revoke("a").expect("nothing to do"), "and nothing is written for that");
        assert!(!disk.grants.path.exists());
        for id in ["a", "b", "c"] {
            disk.grants.add(grant(id)).expect("written");
        }
        assert!(disk.grants.revoke("b").expect("written"));
        assert!(!disk.grants.revoke("b").expect("it is gone"));
        assert_eq!(disk.ids(), ["a", "c"]);
        assert_eq!(disk.grants.read().expect("readable").grants[0], grant("a"));
        assert_eq!(disk.text().lines().count(), 5, "{}", disk.text());
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&disk.grants.path), 0o600);
        assert_eq!(mode(disk.grants.path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn each_project_has_its_own() {
        let disk = disk();
        disk.grants.add(grant("a")).expect("written");
        let name = disk.grants.path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("__p-") && name.ends_with(".ndjson"), "{name}");
        let other = ProjectGrants::of(disk.grants.path.parent().expect("a folder"), Path::new("/home/you/ä p"));
        assert_eq!(other.read().expect("readable"), Kept::default());
    }

    #[test]
    fn what_was_cut_off_or_is_not_known_grants_nothing_and_harms_nothing() {
        let disk = disk();
        disk.grants.add(grant("a")).expect("written");
        let torn = r#"{"grant":{"id":"t","rule":{"kind":"command","comm"#;
        let unknown = r#"{"grant":{"id":"u","rule":{"kind":"everything"},"at":1}}"#;
        let text = format!("{}\0\n{unknown}\n\n{torn}", disk.text());
        fs::write(&disk.grants.path, text).expect("written");
        disk.grants.add(grant("b")).expect("written");
        assert_eq!(disk.ids(), ["a", "b"]);
    }

    #[test]
    fn a_refusal_is_none_to_an_older_version_and_one_that_cannot_be_read_is_a_doubt() {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(dead_code)]
        enum Before {
            Grant(Grant),
            Revoke(String),
        }
        let disk = disk();
        let rule = PolicyRule { command: "git push *".into(), ..PolicyRule::default() };
        let refusal = Refusal { id: "r".into(), rule, at: 7 };
        disk.grants.refuse(refusal.clone()).expect("written");
        disk.grants.add(grant("a")).expect("written");
        let known = disk.text().lines().skip(1).filter(|line| serde_json::from_str::<Before>(line).is_ok()).count();
        assert_eq!(known, 1, "the grant alone");
        let kept = Kept { grants: vec![grant("a")], refusals: vec![refusal], doubtful: false };
        assert_eq!(disk.grants.read().expect("readable"), kept);
        fs::write(&disk.grants.path, format!("{}{{\"refuse\":{{\"id\":\n", disk.text())).expect("written");
        assert!(disk.grants.read().expect("readable").doubtful);
        assert!(disk.grants.revoke("r").expect("written"));
        assert_eq!(disk.grants.read().expect("readable").refusals, []);
    }

    #[test]
    fn those_of_all_projects_are_in_a_file_of_their_own() {
        let disk = disk();
        let everywhere = ProjectGrants::everywhere(disk.grants.path.parent().expect("a folder"));
        everywhere.add(grant("e")).expect("written");
        assert_eq!(disk.ids(), Vec::<String>::new());
        assert_eq!(everywhere.read().expect("readable").grants, [grant("e")]);
    }

    #[test]
    fn a_file_that_is_not_ours_grants_nothing_and_is_left_alone() {
        for foreign in ["x", "\n", "{}", "{\"agor\":1,\"project\":\"/elsewhere\"}\n", "\u{0}"] {
            let disk = disk();
            fs::create_dir(disk.folder.path().join("grants")).expect("a folder");
            fs::write(&disk.grants.path, foreign).expect("written");
            disk.refuses("is no list of grants for /home/me/ä p");
        }
        let disk = disk();
        disk.grants.add(grant("a")).expect("written");
        fs::write(&disk.grants.path, disk.text().replace("\"agor\":1", "\"agor\":2")).expect("written");
        disk.refuses("was written by a newer agor");
    }

    #[test]
    fn a_link_or_a_directory_in_its_place_is_not_followed() {
        let disk = disk();
        fs::create_dir(disk.folder.path().join("grants")).expect("a folder");
        let target = disk.folder.path().join("target");
        fs::write(&target, "").expect("written");
        symlink(&target, &disk.grants.path).expect("a link");
        disk.refuses("cannot be");
        assert_eq!(fs::read_to_string(&target).expect("it is there"), "");
        fs::remove_file(&disk.grants.path).expect("removed");
        fs::create_dir(&disk.grants.path).expect("a directory");
        disk.refuses("cannot be");
    }

    #[test]
    fn at_whatever_byte_the_disk_is_full_the_list_is_as_it_was() {
        full::apart(module_path!(), "at_whatever_byte_the_disk_is_full_the_list_is_as_it_was", || {
            let told = |done: Result<(), GrantsError>| {
                let error = done.expect_err("it could not be kept").to_string();
                assert!(error.ends_with(" cannot be written: File too large (os error 27)"), "{error}");
            };
            let all = disk();
            all.grants.add(grant("a")).expect("written");
            let first = all.text().len();
            for room in 0..first {
                let disk = disk();
                told(full::with_room(room, || disk.grants.add(grant("a"))));
                assert_eq!(disk.text(), "", "a part of its head would make it nobody's");
                disk.grants.add(grant("b")).expect("there is room");
                assert_eq!(disk.ids(), ["b"]);
            }
            let rule = PolicyRule { command: "rm *".into(), ..PolicyRule::default() };
            let refusal = Refusal { id: "r".into(), rule, at: 7 };
            for room in first..first + r#"{"revoke":"a"}"#.len() {
                let disk = disk();
                disk.grants.add(grant("a")).expect("written");
                let before = disk.text();
                told(full::with_room(room, || disk.grants.add(grant("b"))));
                told(full::with_room(room, || disk.grants.refuse(refusal.clone())));
                told(full::with_room(room, || disk.grants.revoke("a").map(|_| ())));
                assert_eq!((disk.text(), disk.ids()), (before, vec!["a".to_owned()]), "{room}");
                assert!(disk.grants.revoke("a").expect("there is room"));
                assert_eq!(disk.ids(), Vec::<String>::new());
            }
        });
    }
}
