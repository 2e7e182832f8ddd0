//! The session's directory, and files in it: nothing outside is read or written, whatever a path says.
//!
//! A path is resolved first, symlinks and `..` too, and refused if it leads outside. Then every folder on the resolved way
//! is opened from its parent without following any link, so that one that is put there meanwhile leads nowhere. Git's own
//! folder is not part of the project: what is written there runs as a hook.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};

/// A file that is read or changed, in bytes. Longer ones are no source text.
pub(super) const MAX_FILE: u64 = 4 * 1024 * 1024;

pub(super) struct Root {
    /// Without symlinks.
    path: PathBuf,
    folder: OwnedFd,
}

/// A place below the root, as resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(PathBuf);

/// What is in a file that may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    mode: u32,
}

impl Place {
    /// Relative to the root; empty for the root itself.
    pub(super) fn relative(&self) -> &Path {
        &self.0
    }
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let folder = rustix::fs::open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// As the user's editor knows it.
    pub(super) fn absolute(&self, place: &Place) -> PathBuf {
        self.path.join(&place.0)
    }

    /// Where a path of the model's leads. It need not exist. An error is a sentence for the model.
    pub(super) fn resolve(&self, path: &str) -> Result<Place, String> {
        if path.contains('\0') {
            return Err("a path has no NUL in it".to_owned());
        }
        let mut existing = self.path.join(path);
        let mut missing: Vec<std::ffi::OsString> = Vec::new();
        let resolved = loop {
            match fs::canonicalize(&existing) {
                Ok(resolved) => break resolved,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => {
                    match existing.components().next_back() {
                        Some(Component::Normal(name)) => missing.push(name.to_owned()),
                        _ => return Err(format!("{path} does not exist")),
                    }
                    existing.pop();
                }
                Err(error) => return Err(format!("{path}: {}", plain(&error))),
            }
        };
        let Ok(below) = resolved.strip_prefix(&self.path) else {
            return Err(format!("{path} is outside of the project's directory: only files in it can be used"));
        };
        let mut place = below.to_owned();
        place.extend(missing.iter().rev());
        if place.components().any(|part| is_git(part.as_os_str())) {
            return Err(format!("{path} belongs to Git itself: its files are not to be read or changed"));
        }
        Ok(Place(place))
    }

    /// The whole text of a file. An error is a sentence for the model.
    pub(super) fn read(&self, place: &Place) -> Result<Text, String> {
        let name = place.0.display();
        let file = self.open_file(place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{name} does not exist"),
            _ => format!("{name} cannot be read: {}", plain(&error)),
        })?;
        let stat = fstat(&file).map_err(|error| format!("{name} cannot be read: {error}"))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(format!("{name} is a directory: list_files shows what is in it")),
            _ => return Err(format!("{name} is no regular file")),
        }
        let mut bytes = Vec::new();
        let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("{name} cannot be read: {error}"))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(format!("{name} is larger than {} MiB: it is not read", MAX_FILE / 1024 / 1024));
        }
        if bytes.contains(&0) {
            return Err(format!("{name} is a binary file"));
        }
        let text = String::from_utf8(bytes).map_err(|_| format!("{name} is no text in UTF-8"))?;
        // As wide as the type is on any platform.
        #[allow(clippy::useless_conversion, reason = "mode_t is u16 on macOS")]
        Ok(Text { text, mode: u32::from(stat.st_mode) & 0o7777 })
    }

    /// A file that is not there yet, with the folders that it needs.
    pub(super) fn create(&self, place: &Place, text: &str) -> io::Result<()> {
        let (parent, name) = self.parent(place, true)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&parent, name, flags, Mode::from_raw_mode(0o666))?;
        let mut file = File::from(file);
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            // Half a file is worse than none.
            let _ = unlinkat(&parent, name, AtFlags::empty());
        }
        written
    }

    /// Puts a new text in place of one that was read: whole or not at all, with the same permissions.
    pub(super) fn replace(&self, place: &Place, old: &Text, text: &str) -> io::Result<()> {
        let (parent, name) = self.parent(place, false)?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&parent, &temporary, flags, Mode::from_raw_mode(0o600))?;
        let replaced = (|| {
            let mut file = File::from(file);
            file.write_all(text.as_bytes())?;
            #[allow(clippy::useless_conversion, reason = "mode_t is u16 on macOS")]
            let mode = Mode::from_raw_mode(old.mode.try_into().unwrap_or(0o644));
            fchmod(&file, mode)?;
            renameat(&parent, &temporary, &parent, name)?;
            Ok(())
        })();
        if replaced.is_err() {
            let _ = unlinkat(&parent, &temporary, AtFlags::empty());
        }
        replaced
    }

    fn open_file(&self, place: &Place) -> io::Result<File> {
        let (parent, name) = self.parent(place, false)?;
        // A pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(openat(&parent, name, flags, Mode::empty())?.into())
    }

    /// The folder of a place, opened step by step, and the place's name in it.
    fn parent<'p>(&self, place: &'p Place, create: bool) -> io::Result<(OwnedFd, &'p OsStr)> {
        let mut parts: Vec<&OsStr> = place.0.iter().collect();
        // The root itself.
        let name = parts.pop().unwrap_or(OsStr::new("."));
        let mut folder = self.folder.try_clone()?;
        for part in parts {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = match openat(&folder, part, flags, Mode::empty()) {
                Err(Errno::NOENT) if create => {
                    match mkdirat(&folder, part, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    openat(&folder, part, flags, Mode::empty())?
                }
                next => next?,
            };
            folder = next;
        }
        Ok((folder, name))
    }
}

/// Also as file systems that do not tell large letters from small ones have it.
pub(super) fn is_git(name: &OsStr) -> bool {
    name.eq_ignore_ascii_case(".git")
}

/// Without the number that Rust adds.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Stage {
        folder: tempfile::TempDir,
        root: Root,
    }

    /// A project beside a file that is none of its business.
    fn stage() -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("src")).expect("folders");
        fs::write(project.join("src/a.rs"), "fn a() {}\n").expect("a file");
        fs::write(folder.path().join("secret"), "secret\n").expect("a file");
        let root = Root::open(&project).expect("the project");
        Stage { folder, root }
    }

    impl Stage {
        fn read(&self, path: &str) -> Result<String, String> {
            let place = self.root.resolve(path)?;
            Ok(self.root.read(&place)?.text)
        }

        fn project(&self) -> PathBuf {
            self.folder.path().join("project")
        }
    }

    #[test]
    fn a_path_may_be_written_in_many_ways() {
        let stage = stage();
        let absolute = stage.project().join("src/a.rs");
        for path in ["src/a.rs", "./src/../src//a.rs", &absolute.to_string_lossy()] {
            assert_eq!(stage.read(path).as_deref(), Ok("fn a() {}\n"), "{path}");
        }
        assert_eq!(stage.root.resolve(".").map(|place| place.0), Ok(PathBuf::new()));
        assert_eq!(stage.root.resolve("new/deep/b.rs").map(|place| place.0), Ok(PathBuf::from("new/deep/b.rs")));
    }

    #[test]
    fn what_is_outside_is_refused() {
        let stage = stage();
        for path in ["../secret", "/etc/passwd", "src/../../secret", "/", "..", "../new", "/tmp/new/x"] {
            let error = stage.root.resolve(path).expect_err(path);
            assert!(error.contains("outside"), "{path}: {error}");
        }
        // A folder beside it with the same beginning.
        let twin = stage.folder.path().join("project-2");
        fs::create_dir(&twin).expect("a folder");
        assert!(stage.root.resolve(&twin.to_string_lossy()).is_err());
        assert!(stage.root.resolve("new/../../secret").is_err());
        assert!(stage.root.resolve("a\0b").is_err());
    }

    #[test]
    fn symlinks_are_followed_within_and_not_beyond() {
        let stage = stage();
        let project = stage.project();
        symlink("a.rs", project.join("src/link.rs")).expect("a link");
        symlink("../secret", project.join("leak")).expect("a link");
        symlink(stage.folder.path(), project.join("up")).expect("a link");
        symlink("loop", project.join("loop")).expect("a link");
        symlink("../not-there", project.join("dangling")).expect("a link");
        assert_eq!(stage.read("src/link.rs").as_deref(), Ok("fn a() {}\n"));
        for path in ["leak", "up/secret", "up/new-file"] {
            assert!(stage.root.resolve(path).expect_err(path).contains("outside"), "{path}");
        }
        assert!(stage.root.resolve("loop").is_err());
        // It seems to be free, and leads outside: nothing is written through it.
        let place = stage.root.resolve("dangling").expect("it seems to be free");
        assert!(stage.root.create(&place, "x").is_err());
        assert!(!stage.folder.path().join("not-there").exists());
    }

    #[test]
    fn a_link_that_comes_after_the_look_leads_nowhere() {
        let stage = stage();
        let project = stage.project();
        let place = stage.root.resolve("src/a.rs").expect("a place");
        let text = stage.root.read(&place).expect("a text");
        fs::rename(project.join("src"), project.join("was")).expect("renamed");
        fs::create_dir(stage.folder.path().join("outside")).expect("a folder");
        fs::write(stage.folder.path().join("outside/a.rs"), "theirs").expect("a file");
        symlink("../outside", project.join("src")).expect("a link");
        assert!(stage.root.read(&place).is_err());
        assert!(stage.root.replace(&place, &text, "ours").is_err());
        let new = Place(PathBuf::from("src/new.rs"));
        assert!(stage.root.create(&new, "ours").is_err());
        assert_eq!(fs::read_to_string(stage.folder.path().join("outside/a.rs")).expect("a file"), "theirs");
    }

    #[test]
    fn gits_own_folder_is_no_part_of_the_project() {
        let stage = stage();
        for path in [".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".git"] {
            assert!(stage.root.resolve(path).expect_err(path).contains("Git"), "{path}");
        }
        assert!(stage.root.resolve(".gitignore").is_ok());
    }

    #[test]
    fn only_text_of_a_bearable_size_is_read() {
        let stage = stage();
        let project = stage.project();
        fs::write(project.join("bin"), b"a\0b").expect("a file");
        fs::write(project.join("latin"), b"\xe4\xf6").expect("a file");
        File::create(project.join("large")).and_then(|file| file.set_len(MAX_FILE + 1)).expect("a file");
        // A socket is no file either.
        let _socket = std::os::unix::net::UnixListener::bind(project.join("socket")).expect("a socket");
        crate::private::named_pipe(&project.join("pipe"));
        for (path, word) in [
            ("bin", "binary"),
            ("latin", "UTF-8"),
            ("large", "larger than 4 MiB"),
            ("socket", "cannot be read"),
            ("pipe", "no regular file"),
            ("src", "is a directory"),
            (".", "is a directory"),
            ("none", "does not exist"),
            ("src/a.rs/b", "src/a.rs/b: not a directory"),
        ] {
            let error = stage.read(path).expect_err(path);
            assert!(error.contains(word), "{path}: {error}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let stage = stage();
        let path = stage.project().join("src/a.rs");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).expect("it is ours");
        let place = stage.root.resolve("src/a.rs").expect("a place");
        let text = stage.root.read(&place).expect("a text");
        stage.root.replace(&place, &text, "fn b() {}\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "fn b() {}\n");
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o750);
        assert_eq!(fs::read_dir(stage.project().join("src")).expect("a folder").count(), 1);
    }

    #[test]
    fn a_new_file_gets_its_folders_and_replaces_nothing() {
        let stage = stage();
        let place = stage.root.resolve("new/deep/b.rs").expect("a place");
        stage.root.create(&place, "b").expect("written");
        assert_eq!(stage.read("new/deep/b.rs").as_deref(), Ok("b"));
        assert_eq!(stage.root.create(&place, "c").expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);
    }
}
