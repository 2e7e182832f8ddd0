//! How worktrees end: merged, removed, or left alone, and nothing that is nowhere else goes without leave.

use std::path::{Path, PathBuf};

use agor_nvim::{
    domain::Status,
    session::{Request, WorktreeAnswer, WorktreeAsk, WorktreeLook},
};

use super::{
    repository::{Repository, hook, read, write},
    stage::*,
};

/// A session that works in the worktree `side`, and what it works in.
async fn working(repository: &Repository, prompt: &str) -> (Stage, PathBuf) {
    let mut stage = Stage::new();
    let mut options = stage.options("a", &["<binary>", "runner", "demo"]);
    options.cwd = repository.path();
    options.environ = repository.env().into_iter().collect();
    options.worktree_name = Some("side".into());
    options.permission_mode = Some("default".into());
    options.prompt = Some(text(prompt));
    stage.start(options).await.expect("it starts");
    stage.row(|row| row.worktree.is_some() && row.busy).await;
    (stage, repository.worktree("side"))
}

async fn idle(repository: &Repository) -> (Stage, PathBuf) {
    let (mut stage, path) = working(repository, "echo hello").await;
    stage.status("a", Status::Idle).await;
    (stage, path)
}

async fn ask(stage: &Stage, repository: &Repository, ask: WorktreeAsk) -> Result<WorktreeAnswer, String> {
    let environ = repository.env().into_iter().collect();
    stage.ask(|reply| Request::Worktree { ask, environ, reply }).await
}

async fn look(stage: &Stage, repository: &Repository, path: &Path) -> WorktreeLook {
    match ask(stage, repository, WorktreeAsk::Look(path.into())).await {
        Ok(WorktreeAnswer::Look(look)) => *look,
        other => panic!("{other:?}"),
    }
}

async fn merge(stage: &Stage, repository: &Repository, path: &Path, message: Option<&str>) -> Result<String, String> {
    let seen = look(stage, repository, path).await.seen;
    let message = message.map(str::to_owned);
    done(ask(stage, repository, WorktreeAsk::Merge { path: path.into(), seen, message }).await)
}

async fn remove(stage: &Stage, repository: &Repository, path: &Path, branch: bool) -> Result<String, String> {
    let seen = look(stage, repository, path).await.seen;
    done(ask(stage, repository, WorktreeAsk::Remove { path: path.into(), seen, branch }).await)
}

fn done(answer: Result<WorktreeAnswer, String>) -> Result<String, String> {
    match answer? {
        WorktreeAnswer::Done(said) => Ok(said),
        other => panic!("{other:?}"),
    }
}

fn commit(repository: &Repository, path: &Path, name: &str, text: &str) {
    write(&path.join(name), text);
    repository.git_in(path, &["add", "--all"]);
    repository.git_in(path, &["commit", "--quiet", "-m", name]);
}

#[tokio::test]
async fn what_would_be_lost_is_named() {
    let repository = Repository::new();
    let (stage, path) = idle(&repository).await;
    let clean = look(&stage, &repository, &path).await;
    assert_eq!((clean.name.as_str(), clean.branch.as_str(), clean.target.as_str()), ("side", "agor/side", "main"));
    assert_eq!((clean.uncommitted, clean.commits, clean.ahead, clean.ours), (0, 0, 0, true));
    commit(&repository, &path, "new.txt", "x\n");
    write(&path.join("a.txt"), "changed\n");
    write(&path.join("sub/more.txt"), "1\n2\n");
    let found = look(&stage, &repository, &path.join("sub")).await;
    assert_eq!((found.uncommitted, found.commits, found.ahead), (2, 1, 1));
    assert_eq!(found.files, ["a.txt", "sub/more.txt"]);
    assert_ne!(found.seen, clean.seen);
    let diffstat = found.diffstat.expect("it is counted");
    assert_eq!((diffstat.files, diffstat.added, diffstat.removed), (3, 4, 2));
    // On another branch too, so nothing is lost with this one.
    repository.git(&["branch", "kept", "agor/side"]);
    let found = look(&stage, &repository, &path).await;
    assert_eq!((found.commits, found.ahead), (0, 1));
    let diff = match ask(&stage, &repository, WorktreeAsk::Diff(path.clone())).await {
        Ok(WorktreeAnswer::Diff(diff)) => diff,
        other => panic!("{other:?}"),
    };
    for line in ["+++ b/new.txt", "+changed", "+++ b/sub/more.txt"] {
        assert!(diff.lines().any(|found| found == line), "{line}: {diff}");
    }
    match ask(&stage, &repository, WorktreeAsk::List(repository.path().join("sub"))).await {
        Ok(WorktreeAnswer::List(looks)) => assert_eq!(looks, [found]),
        other => panic!("{other:?}"),
    }
    let main = ask(&stage, &repository, WorktreeAsk::Look(repository.path())).await;
    assert_eq!(main, Err(format!("{} is the repository itself and no worktree of it", repository.path().display())));
}

#[tokio::test]
async fn commits_are_merged_into_the_branch_of_the_main_worktree() {
    let repository = Repository::new();
    let (mut stage, path) = idle(&repository).await;
    assert_eq!(merge(&stage, &repository, &path, None).await, Ok("nothing to merge: main has all of agor/side".into()));
    commit(&repository, &path, "new.txt", "x\n");
    write(&path.join("b.txt"), "not committed\n");
    // The user works on in the meantime, and has not committed it.
    repository.write("other.txt", "y\n");
    repository.commit("other");
    repository.write("a.txt", "mine\n");
    let refused = merge(&stage, &repository, &path, None).await.expect_err("not committed");
    assert_eq!(refused, "1 file is not committed in side: b.txt");
    let said = merge(&stage, &repository, &path, Some("what the agent did")).await;
    assert_eq!(said, Ok("agor/side is merged into main: 2 commits".into()));
    assert_eq!(read(&repository.path().join("new.txt")), "x\n");
    assert_eq!(read(&repository.path().join("b.txt")), "not committed\n");
    assert_eq!(read(&repository.path().join("a.txt")), "mine\n", "what is not committed stays");
    assert_eq!(repository.git_in(&path, &["log", "-1", "--format=%s"]), "what the agent did");
    // The session has lived through it.
    stage.send("a", "echo more").await.expect("it is sent");
    stage.turn("a").await;
}

#[tokio::test]
async fn a_merge_that_cannot_be_changes_nothing() {
    let repository = Repository::new();
    let (stage, path) = idle(&repository).await;
    commit(&repository, &path, "a.txt", "theirs\n");
    repository.write("a.txt", "ours\n");
    repository.commit("ours");
    let head = repository.git(&["rev-parse", "HEAD"]);
    let refused = merge(&stage, &repository, &path, None).await.expect_err("a conflict");
    assert!(
        refused.starts_with("agor/side and main have both changed a.txt; nothing was merged. Let the agent"),
        "{refused}"
    );
    // A file that is there and not git's.
    commit(&repository, &path, "a.txt", "ours\n");
    commit(&repository, &path, "new.txt", "theirs\n");
    repository.write("new.txt", "mine\n");
    let refused = merge(&stage, &repository, &path, None).await.expect_err("in the way");
    assert!(
        refused.ends_with(&format!("Nothing was merged, {} is as it was", repository.path().display())),
        "{refused}"
    );
    assert_eq!(read(&repository.path().join("new.txt")), "mine\n");
    std::fs::remove_file(repository.path().join("new.txt")).expect("it goes");
    // A hook says no in the middle of it.
    hook(&repository, "commit-msg", "echo no tea >&2; exit 1");
    let refused = merge(&stage, &repository, &path, None).await.expect_err("a hook");
    assert!(refused.contains("git merge") && refused.contains("no tea"), "{refused}");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), head);
    repository.git(&["checkout", "--quiet", "--detach"]);
    let refused = merge(&stage, &repository, &path, None).await.expect_err("detached");
    assert!(refused.contains("has no branch checked out to merge agor/side into"), "{refused}");
    write(&repository.path().join(".git/MERGE_HEAD"), &format!("{head}\n"));
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    let refused = merge(&stage, &repository, &path, None).await.expect_err("another merge");
    assert_eq!(refused, format!("a merge is under way in {}: end it there first", repository.path().display()));
}

#[tokio::test]
async fn a_removed_worktree_takes_its_session_along_and_a_branch_that_loses_nothing() {
    let repository = Repository::new();
    let (mut stage, path) = working(&repository, "hang").await;
    write(&path.join("new.txt"), "x\n");
    let said = remove(&stage, &repository, &path, false).await;
    assert_eq!(said, Ok("the worktree side and its branch agor/side are removed".into()));
    stage.status("a", Status::Done).await;
    assert_eq!(stage.hub.counts().processes, 0);
    assert!(!repository.folder().join("project.worktrees").exists());
    assert_eq!((repository.branches(), repository.count()), (vec!["main".to_owned()], 1));
    let gone = ask(&stage, &repository, WorktreeAsk::Look(path.clone())).await.expect_err("gone");
    assert!(gone.contains("is gone: `:Agor worktree create`"), "{gone}");
}

#[tokio::test]
async fn commits_that_are_nowhere_else_keep_the_branch_unless_it_is_asked_for() {
    for (branch, said) in [
        (false, "the worktree side is removed; its branch agor/side is kept"),
        (true, "the worktree side and its branch agor/side are removed"),
    ] {
        let repository = Repository::new();
        let (stage, path) = idle(&repository).await;
        commit(&repository, &path, "new.txt", "x\n");
        assert_eq!(remove(&stage, &repository, &path, branch).await, Ok(said.into()));
        assert_eq!(repository.branches().len(), if branch { 1 } else { 2 });
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn what_has_come_since_it_was_looked_at_is_not_removed() {
    let repository = Repository::new();
    let (stage, path) = idle(&repository).await;
    let seen = look(&stage, &repository, &path).await.seen;
    write(&path.join("new.txt"), "x\n");
    let refused = ask(&stage, &repository, WorktreeAsk::Remove { path: path.clone(), seen, branch: true }).await;
    assert_eq!(refused, Err(format!("{} has changed meanwhile: look at it again", path.display())));
    assert_eq!(read(&path.join("new.txt")), "x\n");
}

#[tokio::test]
async fn a_worktree_of_the_users_is_used_and_never_removed() {
    let repository = Repository::new();
    let path = repository.worktree("side");
    repository.git(&["worktree", "add", "--quiet", "-b", "agor/side", &path.to_string_lossy()]);
    let (stage, path) = idle(&repository).await;
    let refused = remove(&stage, &repository, &path, true).await.expect_err("the user's");
    assert!(refused.contains("was not made by agor, so it is left alone: `git worktree remove"), "{refused}");
    assert!(path.join("a.txt").exists());
    // A branch that was there before stays, though nothing would be lost with it.
    let mut options = stage.options("b", &["<binary>", "runner", "demo"]);
    options.cwd = repository.path();
    options.environ = repository.env().into_iter().collect();
    options.worktree_name = Some("old".into());
    repository.git(&["branch", "agor/old"]);
    stage.start(options).await.expect("it starts");
    let mut stage = stage;
    stage.row(|row| row.session_id == id("b") && row.worktree.is_some()).await;
    let said = remove(&stage, &repository, &repository.worktree("old"), false).await;
    assert_eq!(said, Ok("the worktree old is removed; its branch agor/old is kept".into()));
}
