//! Sessions in git worktrees of their own: how they come to be, and that nothing is left where they cannot.

use agor_nvim::{
    domain::{Content, Diffstat, SessionSummary, StartOptions, Status},
    session::{Order, Request},
};

use super::{
    repository::{Repository, hook, read, write},
    stage::*,
};

/// Says where it works and whether it goes on with its conversation, and does nothing else.
const WHERE: &str = r#"echo '{"type":"ready","capabilities":["multi_turn"]}'
while read -r query; do
    case $query in *'"stop"'*) exit;; *'"resumeSessionId":"c"'*) again=' again';; esac
    echo '{"type":"agent_started"}'
    echo '{"type":"agent_event","event":{"type":"system","subtype":"init","session_id":"c","model":"m","cwd":"/"}}'
    echo "{\"type\":\"agent_event\",\"event\":{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"in $PWD$again\"}]}}}"
    echo '{"type":"agent_stopped"}'
done"#;

fn options(stage: &Stage, repository: &Repository, name: &str) -> StartOptions {
    let mut options = stage.options(name, &["<binary>", "runner", "demo"]);
    options.cwd = repository.path();
    options.environ = repository.env().into_iter().collect();
    options.worktree_name = Some("side".into());
    options.permission_mode = Some("default".into());
    options.prompt = Some(text("echo hello"));
    options
}

async fn made(stage: &mut Stage, name: &str) -> SessionSummary {
    stage.row(|row| row.session_id == id(name) && row.worktree.is_some()).await
}

async fn said(stage: &Stage, name: &str) -> Vec<String> {
    let page = stage.messages(name, 0).await;
    let status = page.messages.into_iter().filter_map(|message| match message.content {
        Content::Status { subtype, message } if subtype == "worktree" => Some(message),
        _ => None,
    });
    status.collect()
}

/// Starts, fails with the sentence, gives the prompt back and leaves nothing behind.
#[track_caller]
fn refused(repository: &Repository, change: impl FnOnce(&mut StartOptions), sentence: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (branches, count) = (repository.branches(), repository.count());
    runtime.block_on(async {
        let mut stage = Stage::new();
        let mut options = options(&stage, repository, "a");
        change(&mut options);
        stage.start(options).await.expect("it starts");
        let error = stage.status("a", Status::Error).await.expect("a sentence");
        assert!(error.contains(sentence), "{error}");
        assert_eq!(stage.draft().await, "echo hello");
        assert_eq!(stage.hub.counts().processes, 0);
    });
    assert_eq!((repository.branches(), repository.count()), (branches, count));
}

#[tokio::test]
async fn a_session_gets_a_worktree_and_a_branch_of_its_own() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    repository.write("a.txt", "not committed\n");
    let mut options = options(&stage, &repository, "a");
    options.cwd = repository.path().join("sub");
    options.config.command = Some(["/bin/sh", "-c", WHERE].map(str::to_owned).into());
    stage.start(options).await.expect("it starts");
    let row = made(&mut stage, "a").await;
    let path = repository.worktree("side");
    let worktree = row.worktree.expect("a worktree");
    assert_eq!((worktree.name.as_str(), worktree.branch.as_str()), ("side", "agor/side"));
    assert_eq!(
        (worktree.path, worktree.repository),
        (path.display().to_string(), repository.path().display().to_string())
    );
    assert_eq!(row.cwd, path.join("sub").display().to_string());
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await, [format!("in {}", path.join("sub").display())]);
    assert_eq!(repository.git_in(&path, &["branch", "--show-current"]), "agor/side");
    assert_eq!(read(&path.join("a.txt")), "one\ntwo\n");
    let said = said(&stage, "a").await;
    assert_eq!(said[0], "Making the worktree side");
    assert!(
        said[1].starts_with(&format!("Works in the worktree {}, on the branch agor/side", path.display())),
        "{said:?}"
    );
    assert!(said[1].ends_with("One change that is not committed was left behind"), "{said:?}");
}

#[tokio::test]
async fn what_was_done_in_it_is_counted_when_a_turn_has_ended() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    stage.start(options(&stage, &repository, "a")).await.expect("it starts");
    let counted = |expect: Option<Diffstat>| {
        move |row: &SessionSummary| row.worktree.as_ref().is_some_and(|worktree| worktree.diffstat == expect)
    };
    stage.row(counted(Some(Diffstat::default()))).await;
    let path = repository.worktree("side");
    // Committed, changed, and never added.
    write(&path.join("a.txt"), "one\ntwo\nthree\n");
    repository.git_in(&path, &["commit", "--quiet", "--all", "-m", "more"]);
    write(&path.join("sub/b.txt"), "");
    write(&path.join("new.txt"), "1\n2\n");
    write(&path.join(".env"), "ignored\n");
    // What goes on in the main worktree is no work of the session's.
    repository.write("other.txt", "x\n");
    repository.commit("meanwhile");
    let index = std::fs::read(repository.path().join(".git/worktrees/side/index")).expect("an index");
    stage.send("a", "echo again").await.expect("it is sent");
    stage.row(counted(Some(Diffstat { files: 3, added: 3, removed: 1 }))).await;
    let after = std::fs::read(repository.path().join(".git/worktrees/side/index")).expect("an index");
    assert_eq!(index, after, "git's own index is left alone");
    let left: Vec<_> = std::fs::read_dir(repository.path().join(".git/worktrees/side")).expect("a folder").collect();
    assert!(left.iter().flatten().all(|entry| !entry.file_name().to_string_lossy().contains("agor-index")));
}

#[tokio::test]
async fn a_worktree_is_taken_again_by_its_name() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    stage.start(options(&stage, &repository, "a")).await.expect("it starts");
    made(&mut stage, "a").await;
    let path = repository.worktree("side");
    write(&path.join("new.txt"), "mine\n");
    // Two at once, and from within another worktree.
    let mut from_within = options(&stage, &repository, "b");
    from_within.cwd.clone_from(&path);
    stage.start(from_within).await.expect("it starts");
    stage.start(options(&stage, &repository, "c")).await.expect("it starts");
    for name in ["b", "c"] {
        let row = made(&mut stage, name).await;
        assert_eq!(row.cwd, path.display().to_string());
        stage.turn(name).await;
        let said = said(&stage, name).await;
        assert_eq!(said[1], format!("Goes on in the worktree {}, which has the branch agor/side", path.display()));
    }
    // The branch alone is there.
    repository.git_in(&path, &["add", "--all"]);
    repository.git_in(&path, &["commit", "--quiet", "-m", "mine"]);
    std::fs::remove_dir_all(&path).expect("it goes");
    stage.start(options(&stage, &repository, "d")).await.expect("it starts");
    made(&mut stage, "d").await;
    assert_eq!(read(&path.join("new.txt")), "mine\n");
    assert_eq!(repository.count(), 2);
}

#[tokio::test]
async fn two_that_begin_at_once_share_one() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    for name in ["a", "b", "c"] {
        stage.start(options(&stage, &repository, name)).await.expect("it starts");
    }
    for name in ["a", "b", "c"] {
        made(&mut stage, name).await;
        stage.turn(name).await;
    }
    assert_eq!(repository.count(), 2);
}

#[tokio::test]
async fn ignored_files_and_a_base_come_along_on_request() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.write("a.txt", "later\n");
    repository.commit("second");
    for (name, text) in [(".env", "KEY=1\n"), ("sub/.env.local", "KEY=2\n"), ("build/out", "built\n"), ("new", "x\n")] {
        repository.write(name, text);
    }
    let mut options = options(&stage, &repository, "a");
    options.worktree.copy = vec![".env*".into(), "/build/".into()];
    options.worktree.base = "HEAD~1".into();
    options.worktree.directory = "../trees/{project}-{name}".into();
    options.worktree.branch = "mine/{name}".into();
    stage.start(options).await.expect("it starts");
    let worktree = made(&mut stage, "a").await.worktree.expect("a worktree");
    let path = repository.folder().join("trees/project-side");
    assert_eq!(
        (worktree.path, worktree.branch, worktree.base),
        (path.display().to_string(), "mine/side".into(), first)
    );
    assert_eq!(read(&path.join("a.txt")), "one\ntwo\n");
    assert_eq!(read(&path.join(".env")), "KEY=1\n");
    assert_eq!(read(&path.join("sub/.env.local")), "KEY=2\n");
    assert_eq!(read(&path.join("build/out")), "built\n");
    assert!(!path.join("new").exists(), "what git does not ignore is the user's to add");
}

#[tokio::test]
async fn submodules_come_along_on_request_or_nothing_does() {
    let (mut stage, repository, part) = (Stage::new(), Repository::new(), Repository::new());
    let allow = ["-c", "protocol.file.allow=always"];
    let from = part.path().to_string_lossy().into_owned();
    let add = ["submodule", "--quiet", "add", &from, "part"];
    repository.git(&[&allow[..], &add].concat());
    repository.commit("with a part");
    let mut with = options(&stage, &repository, "a");
    with.worktree.submodules = true;
    let mut refused = with.clone();
    let config =
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "protocol.file.allow"), ("GIT_CONFIG_VALUE_0", "always")];
    with.environ.extend(config.map(|(name, value)| (name.to_owned(), value.to_owned())));
    stage.start(with).await.expect("it starts");
    made(&mut stage, "a").await;
    assert_eq!(read(&repository.worktree("side").join("part/a.txt")), "one\ntwo\n");
    // Git fetches nothing from a path unless it is allowed to.
    refused.session_id = id("b");
    refused.worktree_name = Some("other".into());
    stage.start(refused).await.expect("it starts");
    let error = stage.status("b", Status::Error).await.expect("a sentence");
    assert!(error.contains("no worktree was made: git submodule update failed: "), "{error}");
    assert_eq!((repository.branches(), repository.count()), (vec!["agor/side".into(), "main".into()], 2));
    assert!(!repository.worktree("other").exists());
}

#[tokio::test]
async fn prompts_wait_until_it_is_made_and_a_hook_that_fails_is_told() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    hook(
        &repository,
        "post-checkout",
        "until [ -e go ] || [ -e ../../go ]; do sleep 0.01; done; echo no tea >&2; exit 3",
    );
    let mut options = options(&stage, &repository, "a");
    options.prompt = None;
    stage.start(options).await.expect("it starts");
    stage.send("a", "echo one").await.expect("it waits");
    stage.send("a", "echo two").await.expect("it waits");
    stage.row(|row| row.queued == 2).await;
    assert_eq!(stage.order("a", Order::Interrupt).await, Ok(()));
    stage.row(|row| row.held.is_some()).await;
    stage.order("a", Order::QueueGo).await.expect("they go on");
    repository.write("../go", "");
    made(&mut stage, "a").await;
    stage.turn("a").await;
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await, ["\"echo one\"", "\"echo two\""]);
    let said = said(&stage, "a").await;
    assert!(said[1].ends_with(". The repository's post-checkout hook failed: no tea"), "{said:?}");
}

#[tokio::test]
async fn a_session_that_is_removed_meanwhile_leaves_a_whole_worktree() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    hook(&repository, "post-checkout", "until [ -e ../../go ]; do sleep 0.01; done");
    stage.start(options(&stage, &repository, "a")).await.expect("it starts");
    stage.row(|row| row.session_id == id("a")).await;
    let session = id("a");
    stage.ask(|reply| Request::Remove { session, reply }).await.expect("removed");
    assert_eq!(stage.draft().await, "echo hello");
    repository.write("../go", "");
    stage.removed("a").await;
    assert_eq!(stage.hub.counts().processes, 0);
    assert_eq!(repository.git_in(&repository.worktree("side"), &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_half_made_one_is_made_anew() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    let path = repository.worktree("side");
    repository.git(&["worktree", "add", "--quiet", "--no-checkout", "-b", "agor/side", &path.to_string_lossy()]);
    write(&repository.path().join(".git/worktrees/side/locked"), "initializing");
    stage.start(options(&stage, &repository, "a")).await.expect("it starts");
    made(&mut stage, "a").await;
    assert_eq!(read(&path.join("a.txt")), "one\ntwo\n");
    assert!(!repository.git(&["worktree", "list", "--porcelain"]).contains("locked"));
}

#[tokio::test]
async fn a_session_goes_on_in_its_worktree_after_a_restart() {
    let (mut stage, repository) = (Stage::new(), Repository::new());
    let mut first = options(&stage, &repository, "a");
    first.cwd = repository.path().join("sub");
    first.config.command = Some(["/bin/sh", "-c", WHERE].map(str::to_owned).into());
    let again = StartOptions { restore: true, prompt: None, worktree_name: None, ..first.clone() };
    stage.start(first).await.expect("it starts");
    stage.turn("a").await;
    stage.hub.shutdown().await;
    let mut stage = Stage::on(stage.folder);
    stage.start(again).await.expect("it is taken up");
    let row = made(&mut stage, "a").await;
    let place = repository.worktree("side").join("sub");
    assert_eq!((row.cwd, row.status), (place.display().to_string(), Status::Idle));
    stage.send("a", "go on").await.expect("it is sent");
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await.last(), Some(&format!("in {} again", place.display())));

    // It has gone meanwhile: nothing is started elsewhere, and it can be made again.
    stage.stop("a", false).await.expect("it stops");
    stage.status("a", Status::Done).await;
    std::fs::remove_dir_all(repository.worktree("side")).expect("it goes");
    stage.send("a", "and on").await.expect("it is taken");
    let error = stage.status("a", Status::Error).await.expect("a sentence");
    assert!(error.contains("is gone: `:Agor worktree create` makes it again from its branch agor/side"), "{error}");
    assert_eq!(stage.draft().await, "and on");
    stage.order("a", Order::MakeWorktree).await.expect("it is made");
    stage.send("a", "and on").await.expect("it waits");
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await.last(), Some(&format!("in {} again", place.display())));
}

#[tokio::test]
async fn a_runner_of_the_users_is_told_the_name_where_there_is_no_repository() {
    let mut stage = Stage::new();
    let script = r#"read -r query; case $query in *'"worktreeName":"side"'*) said=told;; *) said=no;; esac
        echo '{"type":"agent_started"}'
        echo "{\"type\":\"agent_event\",\"event\":{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"$said\"}]}}}"
        echo '{"type":"agent_stopped"}'"#;
    let mut options = stage.options("a", &["/bin/sh", "-c", script]);
    options.worktree_name = Some("side".into());
    options.environ = Repository::new().env().into_iter().collect();
    options.prompt = Some(text("x"));
    stage.start(options).await.expect("it starts");
    stage.turn("a").await;
    assert_eq!(stage.texts("a").await, ["told"]);
    let said = said(&stage, "a").await;
    assert!(said[1].ends_with("is in no git repository: demo is told the worktree's name"), "{said:?}");
}

#[test]
fn where_none_can_be_made_there_is_a_sentence_and_nothing_else() {
    let repository = Repository::new();
    let named = |name: &'static str| move |options: &mut StartOptions| options.worktree_name = Some(name.into());
    refused(&repository, named(".."), "\"..\" cannot name a worktree: use at most 100 letters");
    refused(&repository, named("a b"), "git takes no branch of the name \"agor/a b\": choose another name");
    refused(&repository, named("x.lock"), "git takes no branch of the name \"agor/x.lock\"");
    let outside = tempfile::tempdir().expect("a folder");
    let place = outside.path().to_owned();
    refused(
        &repository,
        |options| options.cwd = place,
        "is in no git repository. Start without worktree=, or run `git init` there",
    );
    let inside = repository.path().join(".git");
    refused(
        &repository,
        |options| options.cwd = inside,
        "has no files checked out there: start in one of its worktrees",
    );
    refused(
        &repository,
        |options| options.worktree.base = "nowhere".into(),
        "config.worktree.base is \"nowhere\", which is no commit of",
    );
    refused(&repository, |options| options.worktree.directory = "{x}".into(), "has {x}, which stands for nothing");
    refused(&repository, |options| options.worktree.branch = "main".into(), "the branch main is checked out in");
    refused(&repository, |options| options.worktree.path = Some(repository.path()), "is the repository itself");
    let away = |options: &mut StartOptions| options.config.wrap = vec!["ssh".into(), "box".into()];
    refused(&repository, away, "demo works elsewhere, and providers.demo.paths does not have its own directory");
    write(&repository.worktree("side").join("mine"), "x");
    refused(&repository, |_| {}, "side is there already and is no worktree of this repository: choose another name");
    assert_eq!(read(&repository.worktree("side").join("mine")), "x");
    repository.git(&["worktree", "add", "--quiet", "-b", "theirs", &repository.worktree("other").to_string_lossy()]);
    refused(&repository, named("other"), "is another worktree, it has the branch theirs: choose another name");
    write(&repository.folder().join("file"), "x");
    refused(
        &repository,
        |options| options.worktree.directory = "../file/{name}".into(),
        "or a part of it is no directory",
    );
}

#[test]
fn a_repository_without_a_commit_is_told() {
    let repository = Repository::empty();
    refused(&repository, |_| {}, "has no commit yet, and a worktree begins from one: commit something there first");
}

#[test]
fn what_fails_in_the_middle_is_taken_back() {
    let repository = Repository::new();
    // Git's own filter fails while the files are checked out.
    repository.write(".gitattributes", "a.txt filter=broken\n");
    repository.commit("filtered");
    repository.git(&["config", "filter.broken.smudge", "false"]);
    repository.git(&["config", "filter.broken.required", "true"]);
    refused(&repository, |_| {}, "no worktree was made: git worktree add failed: ");
    assert!(!repository.folder().join("project.worktrees").exists());
    // Files that cannot be copied.
    repository.git(&["config", "--unset", "filter.broken.smudge"]);
    repository.git(&["config", "filter.broken.required", "false"]);
    repository.write(".env", "x");
    std::fs::set_permissions(repository.path().join(".env"), std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .expect("nobody may read it");
    if std::fs::read(repository.path().join(".env")).is_err() {
        refused(&repository, |options| options.worktree.copy = vec![".env".into()], ".env cannot be copied to ");
        assert!(!repository.folder().join("project.worktrees").exists());
    }
}
