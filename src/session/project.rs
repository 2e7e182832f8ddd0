//! Which project a directory belongs to: the repository it is in. Reads the disk, runs no git; knows no sessions.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Nobody's path is longer, and what lies in a project may have no end.
const MOST_BYTES: u64 = 8192;

/// The top of the repository that a directory is in, of the main one if that is a worktree of it; the directory itself
/// where there is none. Waits for the disk.
pub fn project(directory: &Path) -> PathBuf {
    let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    repository(&real).map_or_else(|| directory.to_owned(), |(_, main)| main)
}

/// The top of the worktree that a directory is in, and of the main one of its repository.
pub fn repository(real: &Path) -> Option<(&Path, PathBuf)> {
    real.ancestors().find_map(|top| {
        let git = top.join(".git");
        if fs::metadata(&git).ok()?.is_dir() {
            // Git takes an empty one for none.
            return git.join("HEAD").exists().then(|| (top, top.to_owned()));
        }
        Some((top, main_repository(&git).unwrap_or_else(|| top.to_owned())))
    })
}

/// Whether git takes what is in a directory for a repository, as its `is_git_directory()` does: above one that it does not
/// take, it looks further, and so do agents that ask it. Waits for the disk.
pub fn is_taken_by_git(directory: &Path) -> bool {
    let git = directory.join(".git");
    let is_folder = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_dir());
    if !is_folder(&git) {
        let leads = short_text(&git).and_then(|text| Some(directory.join(text.strip_prefix("gitdir:")?.trim())));
        return leads.is_some_and(|own| has_head(&own));
    }
    has_head(&git) && is_folder(&git.join("objects")) && is_folder(&git.join("refs"))
}

fn has_head(git: &Path) -> bool {
    let Some(text) = short_text(&git.join("HEAD")) else { return false };
    let is_hash = text.len() >= 40 && text.bytes().take(40).all(|byte| byte.is_ascii_hexdigit());
    is_hash || text.strip_prefix("ref:").is_some_and(|name| name.trim_start().starts_with("refs/"))
}

/// Many sessions are of one directory.
#[derive(Debug, Default)]
pub struct Projects(HashMap<PathBuf, PathBuf>);

impl Projects {
    pub fn of(&mut self, directory: &Path) -> PathBuf {
        self.0.entry(directory.to_owned()).or_insert_with(|| project(directory)).clone()
    }
}

/// What the `.git` file of a worktree leads to. A submodule's leads to no other worktree: it is a project of its own.
/// The repository has to know of the worktree too, or anybody's folder could say that it is of a project that is trusted.
fn main_repository(file: &Path) -> Option<PathBuf> {
    let beside = file.parent()?;
    let own = beside.join(short_text(file)?.strip_prefix("gitdir:")?.trim());
    let back = own.join(short_text(&own.join("gitdir"))?.trim());
    if fs::canonicalize(back).ok()? != fs::canonicalize(file).ok()? {
        return None;
    }
    let common = own.join(short_text(&own.join("commondir"))?.trim());
    let common = fs::canonicalize(common).ok()?;
    // A bare repository has no directory around it.
    match common.file_name()?.to_str() {
        Some(".git") => common.parent().map(Path::to_owned),
        _ => Some(common),
    }
}

/// Of a plain file; a pipe in its place holds nobody up.
fn short_text(path: &Path) -> Option<String> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Disk {
        top: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl Disk {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let real = folder.path().canonicalize().expect("it is there");
            Self { top: real, _folder: folder }
        }

        fn file(&self, path: &str, text: &str) {
            let path = self.top.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
        }

        #[track_caller]
        fn check(&self, directory: &str, expect: &str) {
            assert_eq!(project(&self.top.join(directory)), self.top.join(expect));
        }
    }

    #[test]
    fn a_repository_is_a_project_and_so_is_a_directory_that_is_in_none() {
        let disk = Disk::new();
        disk.file("repo/.git/HEAD", "");
        disk.file("repo/src/deep/a", "");
        fs::create_dir(disk.top.join("repo/src/.git")).expect("a folder");
        disk.check("repo", "repo");
        disk.check("repo/src/deep", "repo");
        disk.check("repo/src/gone", "repo");
        let nowhere = Path::new("/none/such/place");
        assert_eq!(project(nowhere), nowhere);
        std::os::unix::fs::symlink(disk.top.join("repo"), disk.top.join("link")).expect("a link");
        disk.check("link/src", "repo");
    }

    #[test]
    fn what_git_takes_for_none_is_none() {
        let disk = Disk::new();
        let branch = "ref: refs/heads/main\n";
        for (folder, head) in [("good", branch), ("hash", &"0a".repeat(20)), ("odd", "nothing"), ("bare", branch)] {
            disk.file(&format!("{folder}/.git/HEAD"), head);
            if folder != "bare" {
                fs::create_dir(disk.top.join(folder).join(".git/objects")).expect("a folder");
                fs::create_dir(disk.top.join(folder).join(".git/refs")).expect("a folder");
            }
        }
        disk.file("linked/.git", "gitdir: ../good/.git\n");
        disk.file("lost/.git", "gitdir: ../gone/.git\n");
        let taken = |folder: &&str| is_taken_by_git(&disk.top.join(folder));
        let all = ["good", "hash", "odd", "bare", "linked", "lost", "none"];
        assert_eq!(all.iter().copied().filter(|folder| taken(folder)).collect::<Vec<_>>(), ["good", "hash", "linked"]);
    }

    #[test]
    fn a_pipe_or_a_device_in_the_place_of_a_file_holds_nobody_up() {
        let disk = Disk::new();
        for name in ["pipe", "device"] {
            fs::create_dir(disk.top.join(name)).expect("a folder");
        }
        let pipe = disk.top.join("pipe/.git");
        crate::private::named_pipe(&pipe);
        std::os::unix::fs::symlink("/dev/zero", disk.top.join("device/.git")).expect("a link");
        disk.check("pipe", "pipe");
        disk.check("device", "device");
    }

    #[test]
    fn a_worktree_is_of_its_main_repository() {
        let disk = Disk::new();
        let main = disk.top.join("repo/.git/worktrees/fix");
        disk.file("repo/.git/worktrees/fix/commondir", "../..\n");
        let back = disk.top.join("repo.worktrees/fix/.git");
        disk.file("repo/.git/worktrees/fix/gitdir", &format!("{}\n", back.display()));
        disk.file("repo.worktrees/fix/.git", &format!("gitdir: {}\n", main.display()));
        disk.file("repo.worktrees/fix/src/a", "");
        disk.check("repo.worktrees/fix/src", "repo");
        disk.file("bare.git/worktrees/fix/commondir", "../..\n");
        disk.file("bare.git/worktrees/fix/gitdir", "../../../of-bare/.git\n");
        disk.file("of-bare/.git", "gitdir: ../bare.git/worktrees/fix\n");
        disk.check("of-bare", "bare.git");
    }

    #[test]
    fn a_folder_that_only_says_so_is_of_no_other_repository() {
        let disk = Disk::new();
        disk.file("repo/.git/worktrees/fix/commondir", "../..\n");
        disk.file("repo/.git/worktrees/fix/gitdir", "/none/such/place/.git\n");
        disk.file("liar/.git", "gitdir: ../repo/.git/worktrees/fix\n");
        disk.check("liar", "liar");
    }

    #[test]
    fn a_submodule_and_what_leads_nowhere_are_projects_of_their_own() {
        let disk = Disk::new();
        disk.file("repo/.git/modules/lib/HEAD", "");
        disk.file("repo/lib/.git", "gitdir: ../.git/modules/lib\n");
        disk.check("repo/lib", "repo/lib");
        disk.file("torn/.git", "gitd");
        disk.check("torn", "torn");
        disk.file("lost/.git", "gitdir: /none/such/place\n");
        disk.check("lost", "lost");
    }
}
