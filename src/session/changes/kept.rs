//! First contents of files, kept one by one: those of which no repository knows, or that are outside of any.
//!
//! Waits for the disk; knows no git and no sessions. A content is kept once, under a name that is made from it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::private;

/// Larger ones are not kept: that they have changed is all that is known of them.
pub const MOST: u64 = 5 * 1024 * 1024;

pub const LINK: u32 = 0o120_000;
pub const SUBMODULE: u32 = 0o160_000;
pub const PLAIN: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;

/// What stands at a path now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Absent,
    /// The modes are git's. A link's content is where it leads.
    Content {
        mode: u32,
        bytes: Vec<u8>,
    },
    /// Too much to be kept: size and time stand for it.
    Large {
        mark: String,
    },
    /// A folder, a pipe, what may not be read.
    Other,
}

/// What stood at a path before, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    Absent,
    /// In the repository's snapshot.
    Object {
        mode: u32,
        id: String,
    },
    Kept {
        mode: u32,
        name: String,
    },
    Large {
        mark: String,
    },
}

pub fn look(path: &Path) -> Seen {
    read(path).unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Seen::Absent,
        _ => Seen::Other,
    })
}

fn read(path: &Path) -> io::Result<Seen> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_symlink() {
        return Ok(Seen::Content { mode: LINK, bytes: fs::read_link(path)?.as_os_str().as_bytes().to_vec() });
    }
    if !meta.is_file() {
        return Ok(Seen::Other);
    }
    if meta.len() > MOST {
        return Ok(Seen::Large { mark: format!("{} {}.{:09}", meta.len(), meta.mtime(), meta.mtime_nsec()) });
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(Seen::Content { mode: if meta.mode() & 0o100 == 0 { PLAIN } else { EXECUTABLE }, bytes })
}

/// Its own name, with links in its folder's path followed and none in itself: the same file has one name only.
pub fn own_name(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let name = path.file_name()?;
    // What is made with the file is not there yet.
    Some(fs::canonicalize(folder).map_or_else(|_| path.to_owned(), |folder| folder.join(name)))
}

/// Writes the content down, if it is worth it: what it is from now on known by.
pub fn keep(folder: &Path, seen: &Seen) -> io::Result<Option<Before>> {
    Ok(Some(match seen {
        Seen::Absent => Before::Absent,
        Seen::Large { mark } => Before::Large { mark: mark.clone() },
        Seen::Other => return Ok(None),
        Seen::Content { mode, bytes } => {
            let name = named(bytes);
            let path = folder.join(&name);
            if !path.exists() {
                super::make_folder(folder)?;
                write(&path, bytes)?;
            }
            Before::Kept { mode: *mode, name }
        }
    }))
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = private::open(OpenOptions::new().write(true).create(true).truncate(true), &beside)?;
    file.write_all(bytes).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Whether that is still there.
pub fn is_same(before: &Before, seen: &Seen) -> bool {
    match (before, seen) {
        (Before::Absent, Seen::Absent) => true,
        (Before::Kept { mode, name }, Seen::Content { mode: now, bytes }) => mode == now && *name == named(bytes),
        (Before::Large { mark }, Seen::Large { mark: now }) => mark == now,
        _ => false,
    }
}

fn named(bytes: &[u8]) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, bytes).simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::private::full;

    #[test]
    fn a_content_is_kept_once_and_known_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, kept) = (folder.path().join("a"), folder.path().join("kept"));
        assert_eq!(keep(&kept, &look(&path)).expect("kept"), Some(Before::Absent));
        fs::write(&path, "one\n").expect("a file");
        let before = keep(&kept, &look(&path)).expect("kept").expect("a file");
        let Before::Kept { mode: PLAIN, name } = &before else { panic!("{before:?}") };
        assert_eq!(fs::read(kept.join(name)).expect("kept"), b"one\n");
        assert!(is_same(&before, &look(&path)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its own file");
        assert!(!is_same(&before, &look(&path)), "a mode is a part of a file");
        fs::write(&path, "two\n").expect("a file");
        assert!(!is_same(&before, &look(&path)));
        assert_eq!(fs::read_dir(&kept).expect("a folder").count(), 1);
    }

    #[test]
    fn links_and_what_is_too_large_are_known_by_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let (link, large) = (folder.path().join("l"), folder.path().join("large"));
        symlink("nowhere", &link).expect("a link");
        assert_eq!(look(&link), Seen::Content { mode: LINK, bytes: b"nowhere".to_vec() });
        File::create(&large).and_then(|file| file.set_len(MOST + 1)).expect("a file");
        let before = keep(folder.path(), &look(&large)).expect("no content").expect("a file");
        assert!(is_same(&before, &look(&large)));
        File::options().write(true).open(&large).and_then(|file| file.set_len(MOST + 2)).expect("a file");
        assert!(!is_same(&before, &look(&large)));
        assert_eq!(look(folder.path()), Seen::Other);
        assert_eq!(keep(folder.path(), &Seen::Other).expect("nothing"), None);
    }

    #[test]
    fn a_file_has_one_name_however_it_is_reached() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there");
        fs::create_dir(real.join("in")).expect("a folder");
        symlink(real.join("in"), real.join("also")).expect("a link");
        assert_eq!(own_name(&real.join("also/x")), Some(real.join("in/x")));
        assert_eq!(own_name(&real.join("new/x")), Some(real.join("new/x")));
    }

    #[test]
    fn at_whatever_byte_the_disk_is_full_no_part_of_a_content_stands_for_it() {
        full::apart(module_path!(), "at_whatever_byte_the_disk_is_full_no_part_of_a_content_stands_for_it", || {
            let folder = tempfile::tempdir().expect("a folder");
            let seen = Seen::Content { mode: PLAIN, bytes: b"as it was\n".to_vec() };
            for room in 0..10 {
                let full = full::with_room(room, || keep(folder.path(), &seen)).expect_err("no room");
                assert_eq!(full.raw_os_error(), Some(libc::EFBIG));
                assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "{room}");
            }
            let before = keep(folder.path(), &seen).expect("there is room").expect("a file");
            let Before::Kept { name, .. } = &before else { panic!("{before:?}") };
            assert_eq!(fs::read(folder.path().join(name)).expect("kept"), b"as it was\n");
        });
    }
}
