//! Files through us that a rule wants to be asked about.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{granted::request, *};
use crate::{
    domain::{
        Answer as Given, FileAccess, FileAnswer, FileRequest, OptionKind, PermissionRequest, RequestId, Subject,
        ToolResult, ToolUseId,
        policy::{Policy, PolicyRule},
    },
    session::{
        GrantScope,
        audit::{Decision, What, Who},
        request::FileReply,
    },
};

fn asks_about(path: &str) -> Policy {
    let rule = PolicyRule { path: path.into(), origin: "here".into(), ..PolicyRule::default() };
    Policy { ask: vec![rule], ..Policy::default() }
}

fn write(text: &str) -> FileAccess {
    FileAccess::Write { text: text.into() }
}

const READ: FileAccess = FileAccess::Read { line: None, limit: None };

/// A session in a turn, under these rules, in a folder with an `.env` and an `a.txt`.
struct Scene {
    stage: Stage,
    side: Side,
    env: PathBuf,
    other: PathBuf,
}

impl Scene {
    async fn under(policy: Policy) -> Self {
        let (mut stage, mut side) = Stage::begin(|options| options.policy = Arc::new(policy)).await;
        side.ready(Capabilities { interrupt: true, permission: true, ..Capabilities::default() });
        stage.send("go").await;
        side.prompted().await;
        stage.heard(&side).await;
        let folder = stage.folder.path().canonicalize().expect("it is there");
        fs::write(folder.join(".env"), "SECRET\n").expect("written");
        fs::write(folder.join("a.txt"), "text\n").expect("written");
        Self { stage, side, env: folder.join(".env"), other: folder.join("a.txt") }
    }

    fn wants(&self, id: &str, path: &Path, access: FileAccess) {
        let request = FileRequest { request_id: id.into(), path: path.to_owned(), access };
        self.side.says([Event::File(Box::new(request))]);
    }

    /// The agent asks by itself whether one of its tools may change a file.
    fn asks(&self, id: &str, tool: &str, path: &Path) {
        let subject = Subject::Files { paths: vec![path.to_string_lossy().into()], change: true };
        let mut asked = request(id, subject, OptionKind::AllowOnce);
        asked.tool_use_id = Some(tool.into());
        self.side.says([Event::Permission(Box::new(asked))]);
    }

    fn ends(&self, tool: &str) {
        let result = ToolResult { tool_use_id: ToolUseId::from(tool), ..ToolResult::default() };
        self.side.says([Event::message(tool, Content::ToolResult(result))]);
    }

    /// The question that is shown next, with why.
    async fn question(&mut self) -> (PermissionRequest, Option<String>) {
        self.stage
            .find(|update| match update {
                Update::Permission { request, offered, .. } => Some(((**request).clone(), offered.note.clone())),
                _ => None,
            })
            .await
    }

    /// The file that the editor is asked for next.
    async fn wanted(&mut self) -> (RequestId, Option<String>) {
        self.stage
            .find(|update| match update {
                Update::File { request_id, text, .. } => Some((request_id.clone(), text.clone())),
                Update::Permission { request, .. } => panic!("it is asked about: {request:?}"),
                _ => None,
            })
            .await
    }

    async fn answer(&self, id: &str, option: &str, message: Option<&str>) {
        let answer = Given::Option { option_id: option.into(), message: message.map(Into::into), input: None };
        self.stage.order(Order::Answer { request_id: id.into(), answer }).await.expect("answered");
    }

    /// The editor has read or written it, and the agent hears that.
    async fn done(&mut self, id: &str, reply: FileReply) -> FileAnswer {
        self.stage.order(Order::File { request_id: id.into(), reply }).await.expect("taken");
        self.told(id).await
    }

    async fn told(&mut self, id: &str) -> FileAnswer {
        match self.side.told().await {
            Command::File { request_id, answer } if request_id.as_str() == id => answer,
            other => panic!("not about {id}: {other:?}"),
        }
    }

    async fn refused(&mut self, id: &str) -> String {
        match self.told(id).await {
            FileAnswer::Failed(why) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn decided(&self) -> Vec<(String, Decision, Who)> {
        self.stage.decisions().into_iter().map(|entry| (entry.request, entry.decision, entry.by)).collect()
    }
}

fn decided(id: &str, decision: Decision, by: Who) -> (String, Decision, Who) {
    (id.to_owned(), decision, by)
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_to_be_asked_about_is_asked_about_before_it_is_read() {
    let mut scene = Scene::under(asks_about(".env")).await;
    scene.wants("f", &scene.env, FileAccess::Read { line: Some(1), limit: None });
    let (asked, note) = scene.question().await;
    assert_eq!((asked.tool.as_str(), asked.title.as_str()), ("read", ".env"));
    let paths = vec![scene.env.to_string_lossy().into_owned()];
    assert_eq!(asked.subject, Subject::Files { paths: paths.clone(), change: false });
    assert!(note.is_some_and(|why| why.ends_with("is what your rule `file(.env)` (here) wants to be asked about")));
    // What no rule is about, and whatever else the agent says, does not wait for that.
    scene.wants("g", &scene.other, READ);
    assert_eq!(scene.wanted().await.0.as_str(), "g");
    scene.stage.heard(&scene.side).await;
    scene.side.told_nothing();
    assert_eq!(scene.decided(), [], "nothing is decided yet");
    scene.answer("f", "allow", None).await;
    assert_eq!(scene.wanted().await.0.as_str(), "f");
    let entry = scene.stage.decisions().pop().expect("taken down");
    assert_eq!((entry.decision, entry.by, entry.what), (Decision::Allowed, Who::Human, What::Read(paths)));
    assert_eq!(scene.done("f", FileReply::Text("SECRET\n".into())).await, FileAnswer::Text("SECRET\n".into()));
    let shown = |content| match content {
        Content::Permission { tool, outcome, .. } => Some((tool, outcome)),
        _ => None,
    };
    let shown = scene.stage.messages().await.into_iter().filter_map(shown).next_back();
    assert_eq!(shown, Some(("read .env".to_owned(), Some("Allow once".to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn who_says_no_is_obeyed_and_the_agent_hears_why() {
    let mut scene = Scene::under(asks_about(".env")).await;
    for (id, access, words, expect) in [
        ("f", READ, None, "to be read"),
        ("g", READ, Some("ask me for the port"), "to be read: ask me for the port"),
        ("h", write("x"), None, "to be written"),
    ] {
        scene.wants(id, &scene.env, access);
        scene.question().await;
        scene.answer(id, "reject", words).await;
        let expect = format!("the user does not want {} {expect}", scene.env.display());
        assert_eq!(scene.refused(id).await, expect);
        assert_eq!(scene.decided().last(), Some(&decided(id, Decision::Denied, Who::Human)));
    }
    assert_eq!(fs::read_to_string(&scene.env).expect("there"), "SECRET\n");
}

#[tokio::test(start_paused = true)]
async fn a_write_shows_what_it_would_change() {
    let mut scene = Scene::under(asks_about(".env")).await;
    scene.wants("f", &scene.env, write("SECRET\nPORT\n"));
    let (asked, _) = scene.question().await;
    assert_eq!((asked.tool.as_str(), asked.diff.len()), ("edit", 1));
    assert_eq!(asked.diff[0].hunks[0].lines, [" SECRET", "+PORT"]);
    scene.answer("f", "allow", None).await;
    assert_eq!(scene.wanted().await, ("f".into(), Some("SECRET\nPORT\n".into())));
    assert_eq!(scene.done("f", FileReply::Written).await, FileAnswer::Written);
    scene.wants("g", &scene.env, write("more\n"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "g", "once is once");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_allowed_is_read_on_until_the_turn_ends() {
    let mut scene = Scene::under(asks_about(".env")).await;
    scene.wants("f", &scene.env, READ);
    scene.question().await;
    scene.answer("f", "allow", None).await;
    scene.wanted().await;
    scene.done("f", FileReply::Missing).await;
    scene.wants("g", &scene.env, FileAccess::Read { line: Some(2), limit: None });
    assert_eq!(scene.wanted().await.0.as_str(), "g");
    scene.done("g", FileReply::Missing).await;
    let (first, second) = (decided("f", Decision::Allowed, Who::Human), decided("g", Decision::Allowed, Who::Human));
    assert_eq!(scene.decided(), [first, second]);
    scene.wants("w", &scene.env, write("x"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "w", "to read it is not to change it");
    scene.answer("w", "reject", None).await;
    scene.refused("w").await;
    scene.side.ends_turn();
    scene.wants("h", &scene.env, READ);
    assert_eq!(scene.question().await.0.request_id.as_str(), "h");
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_has_asked_about_itself_is_not_asked_twice() {
    let mut scene = Scene::under(asks_about("*.txt")).await;
    scene.asks("p", "t", &scene.other);
    let (_, note) = scene.question().await;
    assert!(note.is_some(), "the rule is about it");
    scene.answer("p", "yes", None).await;
    assert!(matches!(scene.side.told().await, Command::Answer { .. }));
    scene.wants("r", &scene.other, READ);
    scene.wanted().await;
    scene.done("r", FileReply::Missing).await;
    scene.wants("w", &scene.other, write("one"));
    assert_eq!(scene.wanted().await.0.as_str(), "w");
    scene.done("w", FileReply::Written).await;
    assert_eq!(scene.decided().last(), Some(&decided("w", Decision::Allowed, Who::Human)));
    scene.wants("x", &scene.other, write("two"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "x", "one change was allowed");
}

#[tokio::test(start_paused = true)]
async fn what_was_allowed_for_a_tool_ends_with_it_and_holds_for_its_file_alone() {
    let mut scene = Scene::under(asks_about("*")).await;
    scene.asks("p", "t", &scene.other);
    scene.question().await;
    scene.answer("p", "yes", None).await;
    assert!(matches!(scene.side.told().await, Command::Answer { .. }));
    scene.wants("e", &scene.env, write("x"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "e");
    scene.ends("another");
    scene.ends("t");
    scene.wants("w", &scene.other, write("x"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "w");
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_was_refused_it_does_not_get_through_us() {
    let mut scene = Scene::under(asks_about("*.txt")).await;
    scene.asks("p", "t", &scene.other);
    scene.question().await;
    scene.answer("p", "no", None).await;
    assert!(matches!(scene.side.told().await, Command::Answer { .. }));
    scene.wants("w", &scene.other, write("x"));
    assert_eq!(scene.question().await.0.request_id.as_str(), "w");
}

#[tokio::test(start_paused = true)]
async fn where_rules_cannot_be_read_files_are_asked_about_too() {
    let policy = Policy { unread: vec!["'deny' of init.lua".into()], ..Policy::default() };
    let mut scene = Scene::under(policy).await;
    scene.wants("f", &scene.other, READ);
    let (_, note) = scene.question().await;
    assert_eq!(note.as_deref(), Some("'deny' of init.lua cannot be read: until it can, everything is asked"));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_longer_is_refused_then_too() {
    let mut scene = Scene::under(asks_about(".env")).await;
    scene.wants("f", &scene.env, READ);
    scene.question().await;
    scene.stage.choose("f", 1, GrantScope::Session, true).await.expect("refused");
    assert!(scene.refused("f").await.contains("They refuse for this session"));
    scene.wants("g", &scene.env, READ);
    assert!(scene.refused("g").await.contains("forbids this"));
    let denied = |id, by| decided(id, Decision::Denied, by);
    assert_eq!(scene.decided(), [denied("f", Who::Human), denied("g", Who::Grant)]);
    let outcomes = scene.stage.outcomes().await;
    assert!(outcomes[1].starts_with("Reject (forbidden by your rule"), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_leads_elsewhere_by_the_time_of_the_answer_is_another_question() {
    let mut scene = Scene::under(asks_about("*")).await;
    let link = scene.env.with_file_name("link");
    symlink("a.txt", &link).expect("a link");
    scene.wants("f", &link, READ);
    let (asked, _) = scene.question().await;
    assert_eq!(asked.input["leads to"], scene.other.to_string_lossy().as_ref());
    fs::remove_file(&link).expect("removed");
    symlink(".env", &link).expect("a link");
    scene.answer("f", "allow", None).await;
    let (asked, _) = scene.question().await;
    assert_eq!(asked.input["leads to"], scene.env.to_string_lossy().as_ref());
    scene.side.told_nothing();
    scene.answer("f", "allow", None).await;
    assert_eq!(scene.wanted().await.0.as_str(), "f");
}

#[tokio::test(start_paused = true)]
async fn a_link_is_asked_about_by_what_it_leads_to() {
    let mut scene = Scene::under(asks_about(".env")).await;
    let link = scene.env.with_file_name("harmless");
    symlink(".env", &link).expect("a link");
    scene.wants("f", &link, READ);
    assert_eq!(scene.question().await.0.title, "harmless");
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_refused_unasked_and_stands_in_the_transcript() {
    let mut policy = asks_about("*");
    policy.deny = vec![PolicyRule { path: ".env".into(), ..PolicyRule::default() }];
    let mut scene = Scene::under(policy).await;
    scene.wants("f", &scene.env, READ);
    assert!(scene.refused("f").await.starts_with("The user's rule `file(.env)` forbids this"));
    assert_eq!(scene.stage.outcomes().await, ["Reject (forbidden by your rule `file(.env)`)"]);
    assert_eq!(scene.decided(), [decided("f", Decision::Denied, Who::Policy)]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_down_is_asked_again() {
    let mut scene = Scene::under(asks_about("*.txt")).await;
    scene.wants("f", &scene.other, READ);
    scene.question().await;
    scene.answer("f", "allow", None).await;
    scene.wanted().await;
    scene.done("f", FileReply::Missing).await;
    let audit = scene.stage.folder.path().join("audit");
    fs::remove_dir_all(&audit).expect("removed");
    fs::write(&audit, "in the way").expect("written");
    scene.wants("g", &scene.other, READ);
    assert_eq!(scene.question().await.0.request_id.as_str(), "g");
}

/// How a question about a file comes to an end without the user's answer.
#[derive(Debug)]
enum End {
    Interrupted,
    TurnEnded,
    Withdrawn,
    Stopped,
    Died,
}

#[tokio::test(start_paused = true)]
async fn however_a_question_about_a_file_ends_it_is_closed_taken_down_and_answered_once() {
    for (end, told, decision, by) in [
        (End::Interrupted, Some("nobody has allowed"), Decision::Cancelled, Who::Agor),
        (End::TurnEnded, Some("the turn has ended"), Decision::Cancelled, Who::Agor),
        (End::Withdrawn, None, Decision::Withdrawn, Who::Agent),
        (End::Stopped, Some("nobody has allowed"), Decision::Cancelled, Who::Agor),
        (End::Died, None, Decision::Expired, Who::Agor),
    ] {
        let mut scene = Scene::under(asks_about(".env")).await;
        scene.wants("f", &scene.env, READ);
        scene.question().await;
        match end {
            End::Interrupted => {
                scene.stage.order(Order::Interrupt).await.expect("interrupted");
                assert_eq!(scene.side.told().await, Command::Interrupt);
            }
            End::TurnEnded => scene.side.ends_turn(),
            End::Withdrawn => scene.side.says([Event::Withdrawn("f".into())]),
            End::Stopped => scene.stage.order(Order::Stop { force: false }).await.expect("stopped"),
            End::Died => scene.side.puppet.exit(1, &[]),
        }
        scene.stage.row(|row| row.pending == 0).await;
        if let Some(why) = told {
            let said = scene.refused("f").await;
            assert!(said.contains(why), "{end:?}: {said}");
        }
        assert_eq!(scene.decided(), [decided("f", decision, by)], "{end:?}");
        let answer = Given::Option { option_id: "allow".into(), message: None, input: None };
        let late = scene.stage.order(Order::Answer { request_id: "f".into(), answer }).await;
        assert!(late.is_err(), "{end:?}");
        scene.side.told_nothing();
    }
}
