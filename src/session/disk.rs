//! Files as agents read and write them through us: which they may, and what is done on the disk. Waits for the disk; knows
//! no sessions.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use crate::domain::{FileAccess, FileAnswer};

/// Larger files are refused.
pub const MOST: u64 = 10 * 1024 * 1024;

/// Where the file really is, if the agent may have it: within one of the directories, once links are followed. An error
/// is a sentence for the agent.
pub fn check(path: &Path, roots: &[PathBuf], access: &FileAccess) -> Result<PathBuf, String> {
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!("{shown} is not an absolute path"));
    }
    let real = resolve(path).map_err(|error| format!("{shown} cannot be looked up: {error}"))?;
    let roots: Vec<PathBuf> = roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
    if !roots.iter().any(|root| real.starts_with(root)) {
        let allowed = roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(format!("{shown} is outside the session's directories ({allowed})"));
    }
    if matches!(access, FileAccess::Write { .. }) && roots.iter().any(|root| is_gits_own(&real, root)) {
        return Err(format!(
            "{shown} is git's own, and what is written there may be run later: use a git command, or ask the user"
        ));
    }
    let size = match (access, fs::metadata(&real)) {
        (_, Ok(file)) if !file.is_file() => return Err(format!("{shown} is not a regular file")),
        (FileAccess::Read { .. }, Ok(file)) => file.len(),
        (FileAccess::Write { text }, _) => text.len() as u64,
        (FileAccess::Read { .. }, Err(_)) => 0,
    };
    if size > MOST {
        return Err(format!("{shown} is larger than {} MiB: use a command for it", MOST >> 20));
    }
    Ok(real)
}

/// Hooks, configuration and all else below a `.git`. Some file systems know no upper and lower case.
fn is_gits_own(path: &Path, root: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(Path::new(""));
    below.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"))
}

/// Follows all links. What is not there yet is taken as it is called.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut missing: Vec<OsString> = Vec::new();
    let mut there = path.to_owned();
    loop {
        match fs::canonicalize(&there) {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // A link that leads nowhere: nobody knows where writing to it would.
            Err(error) if fs::symlink_metadata(&there).is_ok() => return Err(error),
            Err(error) => match there.components().next_back() {
                Some(Component::Normal(name)) => missing.push(name.to_owned()),
                // `..` of what is not there.
                _ => return Err(error),
            },
        }
        there.pop();
    }
}

pub fn read(path: &Path, line: Option<u64>, limit: Option<u64>) -> FileAnswer {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileAnswer::Missing,
        Err(error) => FileAnswer::Failed(format!("{} cannot be read: {error}", path.display())),
        Ok(_) if bytes.len() as u64 > MOST => {
            FileAnswer::Failed(format!("{} is larger than {} MiB", path.display(), MOST >> 20))
        }
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => FileAnswer::Text(lines(&text, line, limit)),
            // Whoever wrote it back would have lost something.
            Err(_) => FileAnswer::Failed(format!("{} is no UTF-8 text", path.display())),
        },
    }
}

/// The lines that are wanted: from one on, counted from 1, and so many.
pub fn lines(text: &str, line: Option<u64>, limit: Option<u64>) -> String {
    let from = usize::try_from(line.unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX);
    let count = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    text.split_inclusive('\n').skip(from).take(count).collect()
}

/// The whole file, its mode kept. Whoever reads it meanwhile sees the old text or the new one, unless it has other names
/// or another owner, or its folder takes no files: then it is written in place.
pub fn write(path: &Path, text: &str) -> FileAnswer {
    match write_whole(path, text) {
        Ok(()) => FileAnswer::Written,
        Err(error) => FileAnswer::Failed(format!("{} cannot be written: {error}", path.display())),
    }
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let old = fs::metadata(path).ok();
    let in_place = old.as_ref().is_some_and(|old| {
        // One that may not be written must not be replaced either.
        old.nlink() > 1 || old.uid() != rustix::process::geteuid().as_raw() || old.permissions().readonly()
    });
    if !in_place {
        match replace(path, text, old.map(|old| old.permissions())) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            done => return done,
        }
    }
    OpenOptions::new().write(true).create(true).truncate(true).open(path)?.write_all(text.as_bytes())
}

fn replace(path: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let name = format!(".agor-{}", uuid::Uuid::new_v4().simple());
    let beside = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| permissions.map_or(Ok(()), |mode| file.set_permissions(Permissions::from_mode(mode.mode()))))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    const READ: FileAccess = FileAccess::Read { line: None, limit: None };

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there");
        (folder, real)
    }

    fn write_access() -> FileAccess {
        FileAccess::Write { text: "x".into() }
    }

    #[test]
    fn only_what_is_within_the_directories_once_links_are_followed() {
        let (_folder, top) = folder();
        let (inside, other, outside) = (top.join("in"), top.join("other"), top.join("out"));
        for folder in [&inside, &other, &outside] {
            fs::create_dir(folder).expect("a folder");
            fs::write(folder.join("a"), "text").expect("a file");
        }
        symlink(&inside, top.join("link")).expect("a link");
        symlink(&outside, inside.join("away")).expect("a link");
        symlink(outside.join("a"), inside.join("b")).expect("a link");
        symlink(outside.join("none"), inside.join("nowhere")).expect("a link");
        let roots = [top.join("link"), other.clone()];
        let check = |path: &Path, access: &FileAccess| check(path, &roots, access);
        assert_eq!(check(&inside.join("a"), &READ), Ok(inside.join("a")));
        assert_eq!(check(&top.join("link/../in/./a"), &READ), Ok(inside.join("a")));
        assert_eq!(check(&other.join("a"), &READ), Ok(other.join("a")));
        assert_eq!(check(&top.join("link/new/deep"), &write_access()), Ok(inside.join("new/deep")));
        for away in ["out/a", "in/../out/a", "in/away/a", "in/b", "in/away/new"] {
            let error = check(&top.join(away), &write_access()).expect_err("outside");
            assert!(error.contains("is outside the session's directories"), "{error}");
        }
        for lost in ["in/nowhere", "in/new/../../out/x"] {
            let error = check(&top.join(lost), &write_access()).expect_err("unknown");
            assert!(error.contains("cannot be looked up"), "{error}");
        }
        assert_eq!(check("in/a".as_ref(), &READ), Err("in/a is not an absolute path".into()));
        assert!(check(&inside, &READ).expect_err("a folder").ends_with("is not a regular file"));
    }

    #[test]
    fn what_is_gits_own_is_not_written_by_whatever_name() {
        let (_folder, top) = folder();
        let inside = top.join("in");
        fs::create_dir_all(inside.join(".git/hooks")).expect("a folder");
        fs::create_dir_all(inside.join("sub")).expect("a folder");
        fs::write(inside.join(".git/config"), "text").expect("a file");
        symlink(inside.join(".git/hooks"), inside.join("sub/fine")).expect("a link");
        symlink(inside.join(".git/config"), inside.join("config")).expect("a link");
        let roots = [inside.clone()];
        for path in [
            ".git/hooks/pre-commit",
            ".git/config",
            ".GIT/x",
            "sub/../.git/x",
            "sub/fine/post-checkout",
            "config",
            "sub/.git",
            ".git/modules/a/hooks/x",
        ] {
            let error = check(&inside.join(path), &roots, &write_access()).expect_err(path);
            assert!(error.contains("is git's own"), "{path}: {error}");
        }
        assert!(check(&inside.join(".git/config"), &roots, &READ).is_ok());
        assert!(check(&inside.join(".gitignore"), &roots, &write_access()).is_ok());
        // One that the user has opened a session in is the user's wish.
        let hooks = [inside.join(".git/hooks")];
        assert!(check(&inside.join(".git/hooks/x"), &hooks, &write_access()).is_ok());
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let (_folder, top) = folder();
        let path = top.join("big");
        File::create(&path).and_then(|file| file.set_len(MOST + 1)).expect("a file");
        let roots = [top];
        assert!(check(&path, &roots, &READ).expect_err("big").contains("is larger than 10 MiB"));
        let text = "x".repeat(MOST as usize + 1);
        assert!(check(&path, &roots, &FileAccess::Write { text }).expect_err("big").contains("larger"));
        assert!(matches!(read(&path, None, None), FileAnswer::Failed(error) if error.contains("larger")));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let text = "a\nb\r\n\nd";
        for (line, limit, expect) in [
            (None, None, text),
            (Some(0), None, text),
            (Some(1), Some(1), "a\n"),
            (Some(2), Some(2), "b\r\n\n"),
            (Some(4), Some(9), "d"),
            (Some(5), None, ""),
            (None, Some(0), ""),
            (Some(u64::MAX), Some(u64::MAX), ""),
        ] {
            assert_eq!(lines(text, line, limit), expect, "{line:?} {limit:?}");
        }
    }

    #[test]
    fn what_is_not_there_or_no_text_says_so() {
        let (_folder, top) = folder();
        assert_eq!(read(&top.join("none"), None, None), FileAnswer::Missing);
        fs::write(top.join("bytes"), b"\xff\xfe").expect("a file");
        assert!(
            matches!(read(&top.join("bytes"), None, None), FileAnswer::Failed(error) if error.ends_with("is no UTF-8 text"))
        );
    }

    #[test]
    fn a_write_keeps_the_mode_makes_folders_and_leaves_nothing_beside() {
        let (_folder, top) = folder();
        let path = top.join("new/deep/script");
        assert_eq!(write(&path, "one"), FileAnswer::Written);
        fs::set_permissions(&path, Permissions::from_mode(0o751)).expect("set");
        assert_eq!(write(&path, "two"), FileAnswer::Written);
        assert_eq!(read(&path, None, None), FileAnswer::Text("two".into()));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o751);
        assert_eq!(fs::read_dir(top.join("new/deep")).expect("there").count(), 1);
    }

    #[test]
    fn all_names_of_a_file_stay_the_same_file() {
        let (_folder, top) = folder();
        fs::write(top.join("a"), "one").expect("a file");
        fs::hard_link(top.join("a"), top.join("b")).expect("another name");
        assert_eq!(write(&top.join("a"), "two"), FileAnswer::Written);
        assert_eq!(fs::read_to_string(top.join("b")).expect("there"), "two");
    }

    #[test]
    fn where_nothing_can_be_written_that_is_said() {
        let (_folder, top) = folder();
        fs::write(top.join("file"), "x").expect("a file");
        let answer = write(&top.join("file/below"), "y");
        assert!(matches!(answer, FileAnswer::Failed(error) if error.contains("cannot be written")));
    }
}
