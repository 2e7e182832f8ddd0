//! `#diff` and `#staged`: git is asked when the prompt is delivered, and nobody waits for it.

use std::process::Command;

use agor_nvim::{
    domain::{Content, Context, Prompt},
    session::{Level, Order, Request, Update},
};

use super::{commands::NOTES, stage::*};

#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test makes the repository that it needs")]
fn git(stage: &Stage, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(stage.folder.path()).args(["-c", "user.name=a", "-c", "user.email=a@localhost"]).args(args);
    for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
        command.env(name, "/dev/null");
    }
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{output:?}");
}

fn asking(text: &str, word: &str, command: &str) -> Prompt {
    let context = Context { word: word.into(), command: command.into(), ..Context::default() };
    Prompt { context: vec![context], ..Prompt::new(text) }
}

fn queries(stage: &Stage) -> Vec<String> {
    let queries = std::fs::read_to_string(stage.folder.path().join("queries")).unwrap_or_default();
    let prompt = |line: &str| {
        let query: serde_json::Value = serde_json::from_str(line).expect("JSON");
        query["prompt"].as_str().expect("a prompt").to_owned()
    };
    queries.lines().map(prompt).collect()
}

#[tokio::test]
async fn what_git_says_goes_along_under_its_word_and_the_order_is_kept() {
    let mut stage = Stage::new();
    std::fs::write(stage.folder.path().join("ä.txt"), "one\n").expect("a file");
    git(&stage, &["init", "-q"]);
    git(&stage, &["add", "ä.txt"]);
    git(&stage, &["commit", "-q", "-m", "first"]);
    std::fs::write(stage.folder.path().join("ä.txt"), "two\n").expect("a file");
    stage.shell("a", NOTES, "").await;
    let context = asking("", "#diff", "git diff").context.remove(0);
    let seen = stage.ask(|reply| Request::Gather { session: id("a"), context, reply }).await.expect("git says it");
    assert!(seen.ends_with("\n-one\n+two\n"), "{seen}");
    stage.order("a", Order::Send(asking("see #diff", "#diff", "git diff"))).await.expect("taken");
    stage.send("a", "and then?").await.expect("taken");
    stage.turn("a").await;
    stage.turn("a").await;
    let [first, second] = queries(&stage).try_into().expect("two");
    assert!(first.starts_with("see #diff\n\nOutput of `git diff`:\n```diff\ndiff --git a/ä.txt b/ä.txt\n"), "{first}");
    assert!(first.ends_with("\n-one\n+two\n```"), "{first}");
    assert_eq!(second, "and then?");
    let prompt = stage.messages("a", 0).await.messages.into_iter().find_map(|message| match message.content {
        Content::Prompt(prompt) => Some(prompt),
        _ => None,
    });
    let prompt = prompt.expect("it stands in the transcript");
    assert_eq!((prompt.text.as_str(), prompt.context[0].label().as_str()), ("see #diff", "#diff"));
    assert!(prompt.context[0].text.contains("+two"));
}

#[tokio::test]
async fn where_there_is_nothing_the_prompt_comes_back_with_a_sentence() {
    let mut stage = Stage::new();
    stage.shell("a", NOTES, "").await;
    let back = async |stage: &mut Stage, word: &str, command: &str| {
        stage.order("a", Order::Send(asking("look", word, command))).await.expect("taken");
        let prompt = stage.find(|update| match update {
            Update::Draft { prompt, .. } => Some(prompt.clone()),
            _ => None,
        });
        // The word alone: it stands for what is there when it is sent again.
        assert_eq!(prompt.await, text("look"));
        let said = stage.find(|update| match update {
            Update::Notify { level: Level::Warn, message, .. } => Some(message.clone()),
            _ => None,
        });
        said.await
    };
    let said = back(&mut stage, "#diff", "git diff").await;
    let place = stage.folder.path().display().to_string();
    assert_eq!(said, format!("#diff: {place} is in no git repository. The prompt is back in the prompt window"));
    git(&stage, &["init", "-q"]);
    let said = back(&mut stage, "#staged", "git diff --staged").await;
    assert_eq!(said, "#staged: nothing is staged. The prompt is back in the prompt window");
    let long: String = (0..30_000).map(|line| format!("line {line}\n")).collect();
    std::fs::write(stage.folder.path().join("long.txt"), long).expect("a file");
    git(&stage, &["add", "long.txt"]);
    let said = back(&mut stage, "#staged", "git diff --staged").await;
    assert!(said.starts_with("#staged: git diff --staged says more than 256 KiB"), "{said}");
    assert!(queries(&stage).is_empty(), "nothing was sent");
    // And the session goes on.
    stage.send("a", "well").await.expect("taken");
    stage.turn("a").await;
    assert_eq!(queries(&stage), ["well"]);
}
