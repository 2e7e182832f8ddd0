//! What an agent has changed in files, by whatever means, in real repositories and outside of them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use agor_nvim::{
    domain::Diffstat,
    session::{Changes, Earlier, Request, Scope},
};

use super::stage::*;

/// A runner that does what stands in the file that its prompt names, beside its directory.
const DOER: &str = r#"echo '{"type":"ready","capabilities":["multi_turn","interrupt"]}'
while read -r line; do
  case $line in
  *'"stop"'*) exit 0 ;;
  *) . "../$(printf '%s' "$line" | sed 's/.*"prompt":"\([^"]*\)".*/\1/')"; echo '{"type":"agent_stopped"}' ;;
  esac
done"#;

#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test makes the repository that it needs")]
fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(directory).args(["-c", "user.name=a", "-c", "user.email=a@localhost"]).args(args);
    for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
        command.env(name, "/dev/null");
    }
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn commit(directory: &Path) {
    git(directory, &["add", "-A"]);
    git(directory, &["commit", "-q", "-m", "all"]);
}

/// All files below, with their contents: what must not change does not.
fn all_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

struct Scene {
    stage: Stage,
    /// The session's directory.
    top: PathBuf,
    started: bool,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let top = stage.folder.path().canonicalize().expect("it is there").join("project");
        fs::create_dir(&top).expect("a folder");
        Self { stage, top, started: false }
    }

    /// With a repository that has these files in its first commit.
    fn with(files: &[(&str, &str)]) -> Self {
        let scene = Self::new();
        git(&scene.top, &["init", "-q", "-b", "main"]);
        for (name, text) in files {
            scene.write(name, text);
        }
        commit(&scene.top);
        scene
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.top.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    async fn start(&mut self, prompt: &str) {
        let mut options = self.stage.options("a", &["/bin/sh", "-c", DOER]);
        options.provider = "claude".into();
        options.cwd = self.top.clone();
        options.prompt = (!prompt.is_empty()).then(|| text(prompt));
        self.stage.start(options).await.expect("it starts");
    }

    /// A turn in which the agent does that. The first one starts it.
    async fn turn(&mut self, script: &str) {
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
    async fn says(&mut self, files: usize, added: usize, removed: usize) {
        let stat = Some(Diffstat { files, added, removed });
        self.stage.row(|row| row.changes == stat && !row.busy).await;
    }

    async fn changes(&self, scope: Scope) -> Changes {
        let changes = self.stage.ask(|reply| Request::Changes {
            session: id("a"),
            scope,
            environ: [("PATH".to_owned(), std::env::var("PATH").expect("a PATH"))].into(),
            reply,
        });
        changes.await.expect("a list")
    }

    async fn before(&self, name: &str, scope: Scope) -> Result<Option<String>, String> {
        let path = self.top.join(name);
        let found =
            self.stage.ask(|reply| Request::Before { session: id("a"), path, scope, environ: BTreeMap::new(), reply });
        found.await.map(|Earlier { text, .. }| text.map(|text| String::from_utf8(text).expect("a text")))
    }

    /// Each file's name, then each of its places, or what has become of it.
    async fn list(&self, scope: Scope) -> Vec<String> {
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

#[tokio::test]
async fn whatever_a_command_does_to_files_is_seen_and_the_repository_is_not_touched() {
    let mut scene = Scene::with(&[
        ("a.txt", "one\ntwo\nthree\n"),
        ("gone.txt", "x\n"),
        ("old.txt", "moved\n"),
        ("run", "#!/bin/sh\n"),
        (".gitignore", "ignored\n"),
    ]);
    symlink("a.txt", scene.top.join("link")).expect("a link");
    fs::write(scene.top.join("bin"), b"\0one").expect("a file");
    commit(&scene.top);
    // The user's own, staged and not: they were there before.
    scene.write("staged.txt", "s\n");
    git(&scene.top, &["add", "staged.txt"]);
    scene.write("mine.txt", "m\n");
    let before = (all_of(&scene.top.join(".git")), git(&scene.top, &["status", "--porcelain"]));
    let script = "printf 'one\\n2\\nthree\\nfour\\n' > a.txt; rm gone.txt; mv old.txt new.txt; chmod +x run
        mkdir -p sub/deep; echo hello > 'sub/deep/ä b.txt'; printf '\\0two' > bin; ln -sf run link; echo x > ignored";
    scene.turn(script).await;
    let expect = [
        "a.txt:2 +1 -1 2",
        "a.txt:4 +1 -0 four",
        "bin: binary, changed",
        "gone.txt: deleted file, 1 line",
        "link: leads to run",
        "new.txt: was old.txt",
        "run: mode 644, is 755",
        "sub/deep/ä b.txt: new file, 1 line",
    ];
    assert_eq!(scene.list(Scope::Session).await, expect);
    scene.says(7, 3, 2).await;
    git(&scene.top, &["checkout", "-q", "--", "."]);
    for name in ["new.txt", "ignored"] {
        fs::remove_file(scene.top.join(name)).expect("the agent has made it");
    }
    fs::remove_dir_all(scene.top.join("sub")).expect("the agent has made it");
    let mut after = all_of(&scene.top.join(".git"));
    let mut git_dir = before.0;
    // Restoring the files has refreshed it.
    (git_dir.remove(&scene.top.join(".git/index")), after.remove(&scene.top.join(".git/index")));
    assert_eq!(after, git_dir);
    assert_eq!(git(&scene.top, &["status", "--porcelain"]), before.1);
    assert_eq!(scene.list(Scope::Session).await, [""; 0], "all is as it was");
}

#[tokio::test]
async fn what_the_user_does_between_turns_is_not_the_agents() {
    let mut scene = Scene::with(&[("a.txt", "1\n2\n3\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    scene.turn("echo x >> a.txt").await;
    scene.write("b.txt", "mine\n");
    scene.write("new.txt", "mine\n");
    commit(&scene.top);
    scene.turn("echo y >> c.txt; echo z >> b.txt").await;
    assert_eq!(scene.list(Scope::Turn).await, ["b.txt:2 +1 -0 z", "c.txt:2 +1 -0 y"]);
    assert_eq!(scene.list(Scope::Session).await, ["a.txt:4 +1 -0 x", "b.txt:2 +1 -0 z", "c.txt:2 +1 -0 y"]);
    scene.says(3, 3, 0).await;
    assert_eq!(scene.before("a.txt", Scope::Session).await, Ok(Some("1\n2\n3\n".into())));
    assert_eq!(scene.before("b.txt", Scope::Session).await, Ok(Some("mine\n".into())));
    let refusal = scene.before("new.txt", Scope::Session).await.expect_err("the agent has not touched it");
    assert!(refusal.starts_with("the session has not changed ") && refusal.ends_with("new.txt"), "{refusal}");
    assert!(scene.before("a.txt", Scope::Turn).await.expect_err("not in this turn").contains("the turn has not"));
}

#[tokio::test]
async fn a_session_that_goes_on_after_a_restart_knows_what_it_has_changed() {
    let mut scene = Scene::with(&[("a.txt", "old\n"), ("b.txt", "b\n")]);
    scene.turn("echo new > a.txt; echo made > made.txt").await;
    // The commit that had the old text is thrown away, and all that is only in it.
    git(&scene.top, &["checkout", "-q", "--orphan", "other"]);
    commit(&scene.top);
    git(&scene.top, &["branch", "-D", "main"]);
    git(&scene.top, &["reflog", "expire", "--expire=all", "--all"]);
    git(&scene.top, &["gc", "-q", "--prune=now"]);
    let mut options = scene.stage.options("a", &["/bin/sh", "-c", DOER]);
    scene.stage.hub.shutdown().await;
    let Scene { stage, top, .. } = scene;
    let mut scene = Scene { stage: Stage::on(stage.folder), top, started: true };
    (options.provider, options.cwd, options.restore) = ("claude".into(), scene.top.clone(), true);
    scene.stage.start(options).await.expect("it goes on");
    scene.says(2, 2, 1).await;
    assert_eq!(scene.list(Scope::Session).await, ["a.txt:1 +1 -1 new", "made.txt: new file, 1 line"]);
    assert_eq!(scene.before("a.txt", Scope::Session).await, Ok(Some("old\n".into())));
    assert_eq!(scene.before("made.txt", Scope::Session).await, Ok(None));
    scene.turn("echo newer > a.txt; echo bb > b.txt").await;
    assert_eq!(
        scene.list(Scope::Session).await,
        ["a.txt:1 +1 -1 newer", "b.txt:1 +1 -1 bb", "made.txt: new file, 1 line"]
    );
    assert_eq!(scene.before("a.txt", Scope::Session).await, Ok(Some("old\n".into())));
    assert_eq!(scene.before("a.txt", Scope::Turn).await, Ok(Some("new\n".into())));
}
