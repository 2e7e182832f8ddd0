//! A git repository for a test, and what git says of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

pub struct Repository {
    /// Its own home: whatever the user has configured is not read.
    folder: TempDir,
}

impl Repository {
    /// Without a commit.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("project")).expect("a folder");
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// With one commit: `a.txt`, `sub/b.txt` and a `.gitignore`.
    pub fn new() -> Self {
        let repository = Self::empty();
        repository.write("a.txt", "one\ntwo\n");
        repository.write("sub/b.txt", "b\n");
        repository.write(".gitignore", ".env*\nbuild/\n");
        repository.commit("first");
        repository
    }

    /// The folder that everything of the test is in.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there")
    }

    pub fn path(&self) -> PathBuf {
        self.folder().join("project")
    }

    pub fn worktree(&self, name: &str) -> PathBuf {
        self.folder().join("project.worktrees").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        write(&self.path().join(name), text);
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    /// What git says in the repository; it has to end well.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.path(), args)
    }

    #[track_caller]
    #[allow(
        clippy::disallowed_methods,
        reason = "the rule is the backend's: a test makes the repository that it needs"
    )]
    pub fn git_in(&self, directory: &Path, args: &[&str]) -> String {
        let output = Command::new("git").args(args).current_dir(directory).env_clear().envs(self.env()).output();
        let output = output.expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// For whoever runs git here.
    pub fn env(&self) -> Vec<(String, String)> {
        let home = self.folder.path().to_string_lossy().into_owned();
        let text = str::to_owned;
        let mut env = vec![
            (text("PATH"), std::env::var("PATH").expect("a PATH")),
            (text("HOME"), home),
            (text("GIT_CONFIG_NOSYSTEM"), text("1")),
            // Whatever lies above.
            (text("GIT_CEILING_DIRECTORIES"), std::env::temp_dir().to_string_lossy().into_owned()),
        ];
        for who in ["AUTHOR", "COMMITTER"] {
            env.push((format!("GIT_{who}_NAME"), text("Somebody")));
            env.push((format!("GIT_{who}_EMAIL"), text("somebody@example.org")));
        }
        env
    }

    pub fn branches(&self) -> Vec<String> {
        let said = self.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        said.lines().map(str::to_owned).collect()
    }

    /// How many worktrees git knows, the main one included.
    pub fn count(&self) -> usize {
        self.git(&["worktree", "list"]).lines().count()
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program that git runs at its time.
pub fn hook(repository: &Repository, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;

    let path = repository.path().join(".git/hooks").join(name);
    write(&path, &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
}
