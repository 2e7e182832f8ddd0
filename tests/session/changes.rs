//! What an agent has changed in files, by whatever means.

use std::{fs, os::unix::fs::symlink};

use agor_nvim::session::{Request, Scope};

use super::{scene::*, stage::*};

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
    let moved = (Some("old.txt".into()), Some("moved\n".into()));
    assert_eq!(scene.earlier("new.txt", Scope::Session).await, Ok(moved), "it is seen beside the file that it was");
    assert_eq!(scene.earlier("sub/deep/ä b.txt", Scope::Session).await, Ok((None, None)), "it was not there");
    scene.says(7, 3, 2).await;
    git(&scene.top, &["checkout", "-q", "--", "."]);
    for name in ["new.txt", "ignored"] {
        fs::remove_file(scene.top.join(name)).expect("the agent has made it");
    }
    fs::remove_dir_all(scene.top.join("sub")).expect("the agent has made it");
    let mut after = all_of(&scene.top.join(".git"));
    let mut git_dir = before.0;
    // Restoring the files has refreshed it.
    git_dir.remove(&scene.top.join(".git/index"));
    after.remove(&scene.top.join(".git/index"));
    assert_eq!(after, git_dir);
    assert_eq!(git(&scene.top, &["status", "--porcelain"]), before.1);
    assert_eq!(scene.list(Scope::Session).await, [""; 0], "all is as it was");
}

#[tokio::test]
async fn the_first_state_is_taken_down_before_there_is_a_prompt() {
    let mut scene = Scene::with(&[("a.txt", "a\n")]);
    scene.start("").await;
    // It is answered after that.
    assert!(scene.changes(Scope::Session).await.files.is_empty());
    let taken = all_of(&scene.stage.folder.path().join("snapshots/a"));
    assert!(taken.keys().any(|path| path.ends_with("index")), "{:?}", taken.keys());
    // What the user does after that is still the user's.
    scene.write("a.txt", "mine\n");
    scene.started = true;
    scene.turn("echo b > b.txt").await;
    assert_eq!(scene.list(Scope::Session).await, ["b.txt: new file, 1 line"]);
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

#[tokio::test]
async fn what_was_kept_of_a_session_goes_with_its_journal() {
    let mut scene = Scene::with(&[("a.txt", "old\n")]);
    scene.turn("echo new > a.txt").await;
    let kept = scene.stage.folder.path().join("snapshots");
    fs::create_dir(kept.join("gone")).expect("a folder");
    let names = || {
        let entries = fs::read_dir(&kept).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().into_string().expect("a name")).collect::<Vec<_>>()
    };
    assert_eq!(names().len(), 2);
    scene.stage.hub.shutdown().await;
    let stage = Stage::on(scene.stage.folder);
    while names().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(names(), ["a"]);
    stage.ask(|reply| Request::DeleteJournal { session: id("a"), reply }).await.expect("deleted");
    assert_eq!(names(), [""; 0]);
}
