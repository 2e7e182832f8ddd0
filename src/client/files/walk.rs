//! Lists a directory on a thread of its own, piece by piece, as git would: what is ignored is left out, and so is what
//! cannot be typed. Knows the disk, nothing of what is looked for.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use ignore::{DirEntry, WalkBuilder};

/// No project needs more, and a home directory that was taken for one ends here.
pub const MOST: usize = 200_000;

/// So many at a time.
const PIECE: usize = 512;

/// A walk under way; it ends early when this is dropped.
#[derive(Debug)]
pub struct Walk {
    cancelled: Arc<AtomicBool>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Walked {
    Paths(Vec<String>),
    /// Always the last. An error is a sentence: the directory itself cannot be read.
    End(Result<(), String>),
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.cancelled.store(true, Relaxed);
    }
}

impl Walk {
    /// Paths relative to `root`, directories with a slash at their end. `hidden`: also those that begin with a dot.
    pub fn start(root: PathBuf, hidden: bool, tell: impl FnMut(Walked) + Send + 'static) -> std::io::Result<Self> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&cancelled);
        std::thread::Builder::new().name("files".to_owned()).spawn(move || walk(&root, hidden, &stop, tell))?;
        Ok(Self { cancelled })
    }
}

fn walk(root: &Path, hidden: bool, stop: &AtomicBool, mut tell: impl FnMut(Walked)) {
    // Otherwise a `.gitignore` would count only below a `.git`.
    let entries = WalkBuilder::new(root).hidden(!hidden).require_git(false).filter_entry(is_ours).build();
    let (mut piece, mut count) = (Vec::with_capacity(PIECE), 0);
    for entry in entries {
        if stop.load(Relaxed) {
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == Some(0) => {
                return tell(Walked::End(Err(format!("{} cannot be listed: {error}", root.display()))));
            }
            // What may not be read is not offered.
            Err(_) => continue,
        };
        let Some(path) = relative(&entry, root) else { continue };
        piece.push(path);
        count += 1;
        if piece.len() == PIECE {
            tell(Walked::Paths(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))));
        }
        if count == MOST {
            break;
        }
    }
    if !piece.is_empty() {
        tell(Walked::Paths(piece));
    }
    tell(Walked::End(Ok(())));
}

/// What version control keeps for itself is nobody's file.
fn is_ours(entry: &DirEntry) -> bool {
    entry.depth() == 0 || ![".git", ".hg", ".jj", ".svn"].iter().any(|name| entry.file_name() == *name)
}

fn relative(entry: &DirEntry, root: &Path) -> Option<String> {
    let path = entry.path().strip_prefix(root).ok()?.to_str()?;
    if path.is_empty() || path.chars().any(misleads) {
        return None;
    }
    // A link is what it leads to, but is not followed.
    let directory = match entry.file_type()? {
        kind if kind.is_symlink() => entry.path().is_dir(),
        kind => kind.is_dir(),
    };
    Some(if directory { format!("{path}/") } else { path.to_owned() })
}

/// Cannot stand in a line, or makes it look like another one.
fn misleads(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::ffi::OsStrExt};

    use super::*;

    fn listed(root: &Path, hidden: bool) -> Vec<String> {
        let mut all = Vec::new();
        let mut ended = None;
        walk(root, hidden, &AtomicBool::new(false), |walked| match walked {
            Walked::Paths(paths) => all.extend(paths),
            Walked::End(end) => ended = Some(end),
        });
        assert_eq!(ended, Some(Ok(())));
        all.sort();
        all
    }

    fn write(root: &Path, path: impl AsRef<Path>) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, "x").expect("written");
    }

    #[test]
    fn ignored_and_hidden_files_are_left_out_and_gits_own_always() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for path in ["src/a b.rs", "src/ä.rs", "target/x", ".github/ci.yml", ".git/config", "sub/.git"] {
            write(root, path);
        }
        fs::write(root.join(".gitignore"), "target/\n").expect("written");
        std::os::unix::fs::symlink("src", root.join("link")).expect("linked");
        let seen = ["link/", "src/", "src/a b.rs", "src/ä.rs", "sub/"];
        assert_eq!(listed(root, false), seen);
        let mut all = vec![".github/", ".github/ci.yml", ".gitignore"];
        all.extend(seen);
        assert_eq!(listed(root, true), all);
    }

    #[test]
    fn what_cannot_be_typed_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a\nb", "c\x1b[1m", "d\u{202e}e", "fine"] {
            write(folder.path(), name);
        }
        write(folder.path(), std::ffi::OsStr::from_bytes(b"\xff\xfe"));
        assert_eq!(listed(folder.path(), false), ["fine"]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_sentence() {
        let mut told = Vec::new();
        walk(Path::new("/none/such"), false, &AtomicBool::new(false), |walked| told.push(walked));
        let [Walked::End(Err(error))] = told.as_slice() else { panic!("{told:?}") };
        assert!(error.starts_with("/none/such cannot be listed: "), "{error}");
    }

    #[test]
    fn one_that_nobody_wants_any_more_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "a");
        walk(folder.path(), false, &AtomicBool::new(true), |walked| panic!("{walked:?}"));
    }
}
