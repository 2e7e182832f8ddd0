//! A project whose agent does what it is told, and what is known of its files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use agor_nvim::{
    domain::Diffstat,
    session::{Changes, Earlier, Request, Scope},
};

use super::stage::*;

/// A runner that does what stands in the file that its prompt names, beside its directory.
pub const DOER: &str = r#"echo '{"type":"ready","capabilities":["multi_turn","interrupt"]}'
while read -r line; do
  case $line in
  *'"stop"'*) exit 0 ;;
  *) . "../$(printf '%s' "$line" | sed 's/.*"prompt":"\([^"]*\)".*/\1/')"; echo '{"type":"agent_stopped"}' ;;
  esac
done"#;

#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test makes the repository that it needs")]
pub fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(directory).args(["-c", "user.name=a", "-c", "user.email=a@localhost"]).args(args);
    for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
        command.env(name, "/dev/null");
    }
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn commit(directory: &Path) {
    git(directory, &["add", "-A"]);
    git(directory, &["commit", "-q", "-m", "all"]);
}

/// All files below, with their contents: what must not change does not.
pub fn all_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => found.extend(all_of(&entry)),
            false => {
                found.insert(entry.clone(), fs::read(&entry).expect("a file"));
            }
        }
    }
    found
}

pub struct Scene {
    pub stage: Stage,
    /// The session's directory.
    pub top: PathBuf,
    pub started: bool,
}

impl Scene {
    pub fn new() -> Self {
        let stage = Stage::new();
        let top = stage.folder.path().canonicalize().expect("it is there").join("project");
        fs::create_dir(&top).expect("a folder");
        Self { stage, top, started: false }
    }

    /// With a repository that has these files in its first commit.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let scene = Self::new();
        git(&scene.top, &["init", "-q", "-b", "main"]);
        for (name, text) in files {
            scene.write(name, text);
        }
        commit(&scene.top);
        scene
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.top.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub async fn start(&mut self, prompt: &str) {
        let mut options = self.stage.options("a", &["/bin/sh", "-c", DOER]);
        options.provider = "claude".into();
        options.cwd = self.top.clone();
        options.prompt = (!prompt.is_empty()).then(|| text(prompt));
        self.stage.start(options).await.expect("it starts");
    }

    /// A turn in which the agent does that. The first one starts it.
    pub async fn turn(&mut self, script: &str) {
        fs::write(self.top.with_file_name("turn.sh"), script).expect("a script");
        match std::mem::replace(&mut self.started, true) {
            false => self.start("turn.sh").await,
            true => self.stage.send("a", "turn.sh").await.expect("sent"),
        }
        self.stage.turn("a").await;
        // What is asked after it is answered after it was taken down.
        self.changes(Scope::Turn).await;
    }

    /// The row says so, sooner or later.
    pub async fn says(&mut self, files: usize, added: usize, removed: usize) {
        let stat = Some(Diffstat { files, added, removed });
        self.stage.row(|row| row.changes == stat && !row.busy).await;
    }

    pub async fn changes(&self, scope: Scope) -> Changes {
        let changes = self.stage.ask(|reply| Request::Changes {
            session: id("a"),
            scope,
            environ: [("PATH".to_owned(), std::env::var("PATH").expect("a PATH"))].into(),
            reply,
        });
        changes.await.expect("a list")
    }

    pub async fn before(&self, name: &str, scope: Scope) -> Result<Option<String>, String> {
        self.earlier(name, scope).await.map(|(_, text)| text)
    }

    /// The other name that it had, below the top, and what it was.
    pub async fn earlier(&self, name: &str, scope: Scope) -> Result<(Option<String>, Option<String>), String> {
        let path = self.top.join(name);
        let found =
            self.stage.ask(|reply| Request::Before { session: id("a"), path, scope, environ: BTreeMap::new(), reply });
        let Earlier { was, text, .. } = found.await?;
        let was = was.map(|was| was.strip_prefix(&self.top).expect("below").display().to_string());
        Ok((was, text.map(|text| String::from_utf8(text).expect("a text"))))
    }

    /// Each file's name, then each of its places, or what has become of it.
    pub async fn list(&self, scope: Scope) -> Vec<String> {
        let changes = self.changes(scope).await;
        assert!(changes.notes.is_empty(), "{:?}", changes.notes);
        let mut lines = Vec::new();
        for file in changes.files {
            let name = file.path.strip_prefix(&self.top).unwrap_or(&file.path).display().to_string();
            if !file.what.is_empty() {
                lines.push(format!("{name}: {}", file.what));
            }
            for spot in file.spots {
                lines.push(format!("{name}:{} +{} -{} {}", spot.line, spot.added, spot.removed, spot.text));
            }
        }
        lines
    }
}
