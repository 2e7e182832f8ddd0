//! The whole worktree of a repository as one of git's trees: what is in it at a moment, whoever has put it there.
//!
//! The repository is only read. Index and objects are private ones in the session's folder; what the repository has
//! already is not written again. What git ignores is not in the tree, nor what is too large. Knows git and the disk, no
//! turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::{Access, access};

use super::{
    kept::{self, Before, SUBMODULE},
    log::{Name, Touched},
};
use crate::{
    agent::process::OwnBinary,
    domain::StartOptions,
    session::{
        git::{Git, GitError},
        project::repository,
    },
};

/// A repository that takes longer is not compared: nobody waits for that at each turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of files that are in no commit: more are not taken in at once.
const MOST_NEW: usize = 20_000;
/// And no more of them in bytes.
const MOST_NEW_BYTES: u64 = 256 * 1024 * 1024;
/// Of a file that git knows already.
const MOST_KNOWN: u64 = 64 * 1024 * 1024;

/// No hook and no monitor runs at this, and nothing of git's own that stays. Filters that the user has configured do, as at
/// any `git status`: without them all of their files would look changed.
const SETTINGS: &[&str] = &[
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.safecrlf=false",
    // A turn's end does not wait until the disk has each of hundreds of trees.
    "-c",
    "core.fsyncMethod=writeout-only",
];

/// Whose environment git gets.
#[derive(Clone, Debug)]
pub struct Caller {
    pub options: StartOptions,
    /// Asked anew for each: an update may have put another program into its place.
    pub keeper: OwnBinary,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{0}")]
    Git(#[from] GitError),
    #[error("{path} cannot be used: {source}", path = path.display())]
    Disk { path: PathBuf, source: io::Error },
}

/// A repository that is compared.
#[derive(Debug)]
pub struct Repository {
    /// Of its worktree, without links.
    pub top: PathBuf,
    /// Of our own.
    folder: PathBuf,
    index: PathBuf,
    /// The tree that the index stands for, as far as that is known.
    tree: Option<String>,
}

/// What a snapshot has not taken in: too large, or not to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// As they looked from outside: size, and when they were changed.
    pub files: BTreeMap<PathBuf, (u64, Option<SystemTime>)>,
    /// So many more, of which nothing is known.
    pub more: usize,
}

impl LeftOut {
    /// Which of them are not as they were.
    pub fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let names = self.files.keys().chain(before.files.keys()).collect::<BTreeSet<_>>();
        let changed = |path: &&&PathBuf| self.files.get(**path) != before.files.get(**path);
        names.iter().filter(changed).map(|path| (*path).clone()).collect()
    }
}

/// Of what is left out, so many are looked at.
const MOST_LEFT_OUT: usize = 1000;

/// The top of the repository that a directory is in, as the file system says: whether it is one, git has to say.
pub fn top_of(directory: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(directory).ok()?;
    repository(&real).map(|(top, _)| top.to_owned())
}

impl Repository {
    /// Makes the folder ready, if it is not: the user's own index saves reading every file once. `writer` may use the
    /// folder's own index; others get one of their own.
    pub async fn open(caller: &Caller, top: &Path, folder: PathBuf, writer: bool) -> Result<Self, SnapshotError> {
        let keeper = caller.keeper.path();
        let git = Git::new(&caller.options, &keeper).within(top).waiting(PATIENCE);
        let said = git.run(&["rev-parse", "--show-toplevel", "--git-path", "index", "--git-path", "objects"]).await?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let mut lines = said.lines();
        let mut next = || top.join(lines.next().unwrap_or_default());
        let (worktree, index, objects) = (next(), next(), next());
        if worktree != top {
            return Err(GitError::NoRepository(top.to_owned()).into());
        }
        let private = match writer {
            true => folder.join("index"),
            false => folder.join(format!("index-{}", uuid::Uuid::new_v4().simple())),
        };
        let repository = Self { top: top.to_owned(), folder, index: private, tree: None };
        let (folder, private) = (repository.folder.clone(), repository.index.clone());
        blocking(move || prepare(&folder, &private, &index, &objects))
            .await
            .map_err(|source| SnapshotError::Disk { path: repository.folder.clone(), source })?;
        Ok(repository)
    }

    async fn git(&self, caller: &Caller, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, GitError> {
        let (index, objects) = (self.index.to_string_lossy(), self.folder.join("objects"));
        let objects = objects.to_string_lossy();
        let env = [("GIT_INDEX_FILE", &*index), ("GIT_OBJECT_DIRECTORY", &*objects), ("GIT_NO_LAZY_FETCH", "1")];
        let keeper = caller.keeper.path();
        let git = Git::new(&caller.options, &keeper).within(&self.top).with_env(&env).waiting(PATIENCE);
        git.run_with(&[SETTINGS, args].concat(), input).await
    }

    /// What is in the worktree now, as a tree.
    pub async fn snapshot(&mut self, caller: &Caller) -> Result<(String, LeftOut), SnapshotError> {
        let listed = ["ls-files", "-t", "-z", "-m", "-d", "-o", "--exclude-standard"];
        let listed = self.git(caller, &listed, Vec::new()).await?;
        let top = self.top.clone();
        let (paths, left_out) = blocking(move || worth_taking(&top, &listed)).await;
        if paths.is_empty()
            && let Some(tree) = &self.tree
        {
            return Ok((tree.clone(), left_out));
        }
        self.tree = None;
        if !paths.is_empty() {
            let update = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
            if let Err(first) = self.git(caller, &update, paths.clone()).await {
                tracing::debug!(%first, "files changed under git's hands");
                self.git(caller, &update, paths).await?;
            }
        }
        let tree = self.git(caller, &["write-tree", "--missing-ok"], Vec::new()).await?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        self.tree = Some(tree.clone());
        Ok((tree, left_out))
    }

    /// What was changed between two trees, with what it was before: at most `most`, and how many more.
    pub async fn touched(
        &self,
        caller: &Caller,
        from: &str,
        to: &str,
        most: usize,
    ) -> Result<(Touched, usize), SnapshotError> {
        if from == to {
            return Ok((Touched::new(), 0));
        }
        let args = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", from, to];
        let said = self.git(caller, &args, Vec::new()).await?;
        let mut fields = said.split(|byte| *byte == 0);
        let (mut touched, mut more) = (Touched::new(), 0);
        while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
            // Names that are no UTF-8 cannot be said in the log.
            let (Some(before), Ok(path)) = (raw(head), std::str::from_utf8(path)) else {
                more += 1;
                continue;
            };
            if touched.len() >= most {
                more += 1;
                continue;
            }
            touched.insert(Name(self.top.join(path)), before);
        }
        Ok((touched, more))
    }

    /// Contents that are only in the repository's own objects are kept here too: it may throw them away.
    pub async fn preserve(&self, caller: &Caller, touched: &Touched) -> Result<(), SnapshotError> {
        let ids = touched.values().filter_map(|before| match before {
            Before::Object { mode, id } if *mode != SUBMODULE => Some(id),
            _ => None,
        });
        let ids: BTreeSet<&String> = ids.collect();
        let loose = |id: &str| {
            id.split_at_checked(2)
                .is_some_and(|(first, rest)| self.folder.join("objects").join(first).join(rest).exists())
        };
        let wanted: String = ids.into_iter().filter(|id| !loose(id)).map(|id| format!("{id}\n")).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let packs = self.folder.join("objects/pack");
        let _ = super::make_folder(&packs);
        let packs = packs.join("pack");
        self.git(caller, &["pack-objects", "-q", &packs.to_string_lossy()], wanted.into_bytes()).await?;
        Ok(())
    }

    /// What the index has of some paths: mode and id.
    pub async fn entries(
        &self,
        caller: &Caller,
        wanted: &BTreeSet<Name>,
    ) -> Result<BTreeMap<Name, (u32, String)>, SnapshotError> {
        let said = self.git(caller, &["ls-files", "-s", "-z"], Vec::new()).await?;
        let entries = said.split(|byte| *byte == 0).filter_map(|entry| {
            let (head, path) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
            let path = Name(self.top.join(path));
            wanted.contains(&path).then_some(())?;
            let mut head = head.split(' ');
            Some((path, (u32::from_str_radix(head.next()?, 8).ok()?, head.next()?.to_owned())))
        });
        Ok(entries.collect())
    }

    /// How large objects are. What is too large to be compared, or gone, is not among them.
    pub async fn sizes(&self, caller: &Caller, ids: &BTreeSet<String>) -> Result<BTreeMap<String, u64>, SnapshotError> {
        let ask: String = ids.iter().map(|id| format!("{id}\n")).collect();
        if ask.is_empty() {
            return Ok(BTreeMap::new());
        }
        let said = self.git(caller, &["cat-file", "--batch-check"], ask.into_bytes()).await?;
        let said = String::from_utf8_lossy(&said);
        let sizes = said.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let (id, kind, size) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
            (kind == "blob" && size <= kept::MOST).then(|| (id.to_owned(), size))
        });
        Ok(sizes.collect())
    }

    /// The contents of objects that are there, as the repository has them.
    pub async fn contents(
        &self,
        caller: &Caller,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<u8>>, SnapshotError> {
        let ask: String = ids.iter().map(|id| format!("{id}\n")).collect();
        if ask.is_empty() {
            return Ok(BTreeMap::new());
        }
        let said = self.git(caller, &["cat-file", "--batch"], ask.into_bytes()).await?;
        Ok(batched(&said).into_iter().map(|(id, bytes)| (id.to_owned(), bytes.to_vec())).collect())
    }

    /// A content as it would stand in the worktree.
    pub async fn written(&self, caller: &Caller, path: &Path, id: &str) -> Result<Vec<u8>, SnapshotError> {
        let name = path.strip_prefix(&self.top).unwrap_or(path).to_string_lossy();
        Ok(self.git(caller, &["cat-file", "--filters", &format!("--path={name}"), id], Vec::new()).await?)
    }
}

/// `index` and `objects` are the repository's own.
fn prepare(folder: &Path, private: &Path, index: &Path, objects: &Path) -> io::Result<()> {
    let info = folder.join("objects/info");
    super::make_folder(&info)?;
    let objects = objects.to_string_lossy();
    // A line that begins so is a remark to git, or quoted.
    if !objects.starts_with(['#', '"']) && !objects.contains('\n') {
        fs::write(info.join("alternates"), format!("{objects}\n"))?;
    }
    // Of a backend that was killed.
    let _ = fs::remove_file(private.with_extension("lock"));
    let kept = folder.join("index");
    let source = if private != kept && kept.exists() { &kept } else { index };
    if private.exists() || !source.exists() {
        return Ok(());
    }
    let written = fs::metadata(source)?.modified()?;
    fs::copy(source, private)?;
    // What was changed after the index was written is told by the index's own time.
    File::options().write(true).open(private)?.set_modified(written)
}

impl Drop for Repository {
    fn drop(&mut self) {
        // A reader's own.
        if self.index.file_name().is_some_and(|name| name != "index") {
            let _ = fs::remove_file(&self.index);
        }
    }
}

/// Of what `ls-files -t` says, the paths to be looked at again, as `update-index` takes them.
fn worth_taking(top: &Path, listed: &[u8]) -> (Vec<u8>, LeftOut) {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let (mut known, mut new) = (BTreeSet::new(), BTreeSet::new());
    for entry in listed.split(|byte| *byte == 0) {
        match entry.split_at_checked(2) {
            // A folder is a repository of its own.
            Some((b"? ", path)) if !path.ends_with(b"/") => new.insert(path),
            Some((b"? ", _)) | None => continue,
            Some((_, path)) => known.insert(path),
        };
    }
    let mut left_out = LeftOut { more: new.len().saturating_sub(MOST_NEW), ..LeftOut::default() };
    let mut paths = Vec::new();
    let mut bytes_of_new = 0;
    let all = known.iter().map(|path| (path, true)).chain(new.iter().take(MOST_NEW).map(|path| (path, false)));
    for (path, is_known) in all {
        let file = top.join(OsStr::from_bytes(path));
        let meta = fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file);
        let size = meta.as_ref().map_or(0, fs::Metadata::len);
        let most = if is_known { MOST_KNOWN } else { kept::MOST };
        let readable = meta.is_none() || access(&file, Access::READ_OK).is_ok();
        if size > most || !readable || !is_known && bytes_of_new + size > MOST_NEW_BYTES {
            match left_out.files.len() < MOST_LEFT_OUT {
                true => _ = left_out.files.insert(file, (size, meta.and_then(|meta| meta.modified().ok()))),
                false => left_out.more += 1,
            }
            continue;
        }
        bytes_of_new += if is_known { 0 } else { size };
        paths.extend_from_slice(path);
        paths.push(0);
    }
    (paths, left_out)
}

/// `:100644 100755 <id> <id> M`: the old side.
pub(super) fn raw(head: &[u8]) -> Option<Before> {
    let head = std::str::from_utf8(head).ok()?.strip_prefix(':')?;
    let mut words = head.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let id = words.nth(1)?;
    Some(if mode == 0 { Before::Absent } else { Before::Object { mode, id: id.to_owned() } })
}

/// What `cat-file --batch` says.
pub(super) fn batched(mut said: &[u8]) -> Vec<(&str, &[u8])> {
    let mut found = Vec::new();
    while let Some(end) = memchr::memchr(b'\n', said) {
        let (head, rest) = (&said[..end], &said[end + 1..]);
        let mut words = std::str::from_utf8(head).unwrap_or_default().split(' ');
        match (words.next(), words.next(), words.next().and_then(|size| size.parse::<usize>().ok())) {
            (Some(id), Some("blob"), Some(size)) if rest.len() > size => {
                found.push((id, &rest[..size]));
                said = &rest[size + 1..];
            }
            _ => said = rest,
        }
    }
    found
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_says_what_is_to_be_looked_at_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path();
        for name in ["changed", "new"] {
            fs::write(top.join(name), "x").expect("a file");
        }
        for (name, size) in [("large", kept::MOST + 1), ("known", kept::MOST + 1)] {
            File::create(top.join(name)).and_then(|file| file.set_len(size)).expect("a file");
        }
        let listed = b"? large\0? new\0? nested/\0R gone\0C gone\0C changed\0C known\0";
        let (paths, left_out) = worth_taking(top, listed);
        assert_eq!(String::from_utf8_lossy(&paths), "changed\0gone\0known\0new\0");
        assert_eq!((left_out.files.keys().collect::<Vec<_>>(), left_out.more), (vec![&top.join("large")], 0));
        assert_eq!(left_out.changed_since(&left_out), Vec::<PathBuf>::new());
        fs::remove_file(top.join("large")).expect("removed");
        File::create(top.join("larger")).and_then(|file| file.set_len(kept::MOST + 2)).expect("a file");
        let (_, now) = worth_taking(top, b"? larger\0");
        assert_eq!(now.changed_since(&left_out), [top.join("large"), top.join("larger")]);
    }

    #[test]
    fn what_git_says_of_objects_is_taken_by_its_counts() {
        let said = b"aa blob 3\nx\ny\nbb missing\ncc blob 0\n\ndd blob 9\ncut";
        assert_eq!(batched(said), [("aa", &b"x\ny"[..]), ("cc", &b""[..])]);
        assert_eq!(raw(b":000000 100644 00 11 A"), Some(Before::Absent));
        assert_eq!(raw(b":100644 000000 aa 00 D"), Some(Before::Object { mode: 0o100_644, id: "aa".into() }));
        assert_eq!(raw(b"100644"), None);
    }
}
