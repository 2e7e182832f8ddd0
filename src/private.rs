//! Files of ours that are the user's alone: made so whatever the umask, and only where they are what they should be.
//!
//! A link in the place of one would make us write into a file of somebody's choice, and whoever opens a pipe may wait for
//! ever: both are refused. Other names of a file (hard links) are not: only the user can make them in a folder that is closed to
//! everybody else, as backups do. Knows nothing of what is in a file.

#[cfg(test)]
#[path = "private/full_tests.rs"]
pub mod full;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::{fs::OFlags, io::Errno, process::geteuid};

/// A folder that nobody else can look into, with those above it. One that others could is closed to them. One that belongs
/// to another user is refused; a link to a folder of the user's own is where the user wants it.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for found in [fs::symlink_metadata(path)?, fs::metadata(path)?] {
        if found.uid() != geteuid().as_raw() {
            return Err(refused(format!("the folder {} belongs to another user", path.display())));
        }
    }
    let mode = fs::metadata(path)?.mode();
    if mode & 0o777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A file as the options say, readable and writable for the user alone.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => refused(format!("{} is a symbolic link", path.display())),
            // A pipe that nobody reads.
            Some(Errno::NXIO) => refused(format!("{} is no regular file", path.display())),
            _ => error,
        }
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused(format!("{} is no regular file", path.display())));
    }
    if found.uid() == geteuid().as_raw() && found.mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
pub(crate) use pipes::{named_pipe, nobody};

#[cfg(test)]
mod pipes {
    use std::{panic::resume_unwind, path::Path, process::Command, thread};

    use rustix::{
        process::{Uid, geteuid},
        thread::set_thread_res_uid,
    };

    /// A named pipe, by the program: rustix makes none on macOS.
    #[expect(clippy::disallowed_methods, reason = "a test prepares a folder")]
    pub fn named_pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status().expect("every Unix has it");
        assert!(made.success(), "{}", path.display());
    }

    /// What somebody does who may not read what is closed, which root may.
    pub fn nobody(does: impl FnOnce() + Send) {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if geteuid().is_root() {
                    let nobody = Uid::from_raw(65_534);
                    set_thread_res_uid(nobody, nobody, nobody).expect("root may be anybody, in one thread");
                }
                does();
            });
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o777
    }

    #[test]
    fn what_others_could_read_is_closed_to_them() {
        let top = tempfile::tempdir().expect("a folder");
        let path = top.path().join("a/b");
        folder(&path).expect("made");
        assert_eq!((mode(&path), mode(&top.path().join("a"))), (0o700, 0o700));
        fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("opened to all");
        fs::write(path.join("f"), "x").expect("a file");
        fs::set_permissions(path.join("f"), Permissions::from_mode(0o666)).expect("opened to all");
        folder(&path).expect("it is ours");
        let mut file = open(OpenOptions::new().append(true), &path.join("f")).expect("it is ours");
        file.write_all(b"y").expect("written");
        assert_eq!((mode(&path), mode(&path.join("f"))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(path.join("f")).expect("text"), "xy");
    }

    #[test]
    fn what_is_no_file_of_its_own_is_refused_in_words_and_left_alone() {
        let top = tempfile::tempdir().expect("a folder");
        let at = |name: &str| top.path().join(name);
        fs::write(at("victim"), "kept").expect("a file");
        symlink(at("victim"), at("link")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        named_pipe(&at("pipe"));
        fs::create_dir(at("folder")).expect("a folder");
        for (name, why) in [
            ("link", "is a symbolic link"),
            ("dangling", "is a symbolic link"),
            ("pipe", "is no regular file"),
            ("/dev/null", "is no regular file"),
        ] {
            for options in [
                OpenOptions::new().append(true).create(true),
                OpenOptions::new().write(true).create(true).truncate(true),
                OpenOptions::new().read(true),
            ] {
                let error = open(options, &at(name)).expect_err(name).to_string();
                assert!(error.contains(why) && error.contains(name), "{error}");
            }
        }
        assert!(open(OpenOptions::new().append(true), &at("folder")).is_err());
        assert_eq!(fs::read_to_string(at("victim")).expect("text"), "kept");
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn a_folder_of_somebody_elses_is_refused() {
        // The root's, for everybody but root.
        let other = Path::new("/proc/1");
        let refusal = folder(other);
        if geteuid().is_root() {
            // Its own, but nothing of it can be changed.
            return assert!(refusal.is_err());
        }
        assert!(refusal.expect_err("another's").to_string().contains("belongs to another user"));
    }
}
