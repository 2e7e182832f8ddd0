//! Files that git ignores and that a new worktree gets nevertheless: settings, keys, what was built.
//!
//! Knows patterns and files; nothing of worktrees.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use crate::session::git::{Git, GitError};

/// What fits the patterns, relative to the top.
pub async fn files(git: Git<'_>, top: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, GitError> {
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let specs: Vec<String> = patterns.iter().flat_map(|pattern| pathspecs(pattern)).collect();
    let mut args = vec!["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--"];
    args.extend(specs.iter().map(String::as_str));
    let said = git.within(top).run(&args).await?;
    let paths = said.split(|&byte| byte == 0).filter(|path| !path.is_empty());
    // A slash at the end: a repository within this one.
    let paths = paths.filter(|path| !path.ends_with(b"/"));
    Ok(paths.map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path))).collect())
}

/// As a line of a `.gitignore` is meant: one without a slash fits at any depth, a directory means what is in it.
fn pathspecs(pattern: &str) -> [String; 2] {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let inner = pattern.trim_end_matches('/');
    let anchored = match inner.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None if inner.contains('/') => inner.to_owned(),
        None => format!("**/{inner}"),
    };
    [format!(":(glob){anchored}"), format!(":(glob){anchored}/**")]
}

/// What is there already stays as it is. An error is a sentence.
pub fn copy(files: &[PathBuf], from: &Path, to: &Path) -> Result<(), String> {
    for file in files {
        one(&from.join(file), &to.join(file))
            .map_err(|error| format!("{} cannot be copied to {}: {error}", file.display(), to.display()))?;
    }
    Ok(())
}

fn one(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Ok(());
    }
    let metadata = match fs::symlink_metadata(from) {
        Ok(metadata) => metadata,
        // Gone since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if metadata.is_symlink() {
        symlink(fs::read_link(from)?, to)
    } else if metadata.is_file() {
        fs::copy(from, to).map(drop)
    } else {
        // A socket or a pipe is nothing that could be copied.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_meant_as_in_a_gitignore() {
        let check = |pattern: &str, expect: &str| {
            assert_eq!(pathspecs(pattern), [format!(":(glob){expect}"), format!(":(glob){expect}/**")]);
        };
        check(".env*", "**/.env*");
        check("node_modules/", "**/node_modules");
        check("/target", "target");
        check("web/.env", "web/.env");
        check("./web/.env", "web/.env");
    }

    #[test]
    fn links_stay_links_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("sub")).expect("a folder");
        fs::create_dir_all(&to).expect("a folder");
        fs::write(from.join("sub/a"), "new").expect("a file");
        fs::write(from.join("b"), "new").expect("a file");
        fs::write(to.join("b"), "old").expect("a file");
        symlink("nowhere", from.join("link")).expect("a link");
        let files = ["sub/a", "b", "link", "gone"].map(PathBuf::from);
        assert_eq!(copy(&files, &from, &to), Ok(()));
        assert_eq!(fs::read_to_string(to.join("sub/a")).expect("a file"), "new");
        assert_eq!(fs::read_to_string(to.join("b")).expect("a file"), "old");
        assert_eq!(fs::read_link(to.join("link")).expect("a link"), Path::new("nowhere"));
        let blocked = copy(&["sub/a".into()], &from, &to.join("b")).expect_err("no directory");
        assert!(blocked.starts_with("sub/a cannot be copied to "), "{blocked}");
    }
}
