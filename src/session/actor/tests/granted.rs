//! Grants: what was allowed for longer than once answers what fits it, and nothing else.

use serde_json::json;

use super::*;
use crate::{
    domain::{Answer as Given, OptionKind, PermissionOption, PermissionRequest, Subject, TurnOutcome},
    session::{Chosen, GrantScope, updates::Offered},
};

pub(super) fn request(id: &str, subject: Subject, kind: OptionKind) -> PermissionRequest {
    let option = |id: &str, name: &str, kind| PermissionOption { option_id: id.into(), name: name.into(), kind };
    PermissionRequest {
        request_id: id.into(),
        tool_use_id: None,
        tool: "Bash".into(),
        title: String::new(),
        input: json!({"x": id}),
        diff: Vec::new(),
        reason: None,
        // What is allowed once stands last: only its kind counts.
        options: vec![option("no", "Reject", OptionKind::RejectOnce), option("yes", "Allow once", kind)],
        subject,
    }
}

pub(super) fn asks(side: &Side, id: &str, command: &str) {
    let subject = Subject::Command { command: command.into() };
    side.says([Event::Permission(Box::new(request(id, subject, OptionKind::AllowOnce)))]);
}

pub(super) fn changes(side: &Side, id: &str, path: &str) {
    let subject = Subject::Files { paths: vec![path.into()], change: true };
    side.says([Event::Permission(Box::new(request(id, subject, OptionKind::AllowOnce)))]);
}

impl Stage {
    pub(super) async fn permission(&mut self) -> (String, Offered) {
        self.find(|update| match update {
            Update::Permission { request, offered, .. } => {
                Some((request.request_id.as_str().to_owned(), offered.clone()))
            }
            _ => None,
        })
        .await
    }

    fn grant(&self, id: &str, rule: usize, scope: GrantScope) -> Answer<()> {
        self.choose(id, rule, scope, false)
    }

    pub(super) fn choose(&self, id: &str, rule: usize, scope: GrantScope, refuse: bool) -> Answer<()> {
        let chosen = Chosen { rule, scope, refuse };
        self.ask(|reply| Input::Grant { request_id: id.into(), chosen, reply })
    }

    pub(super) async fn outcomes(&self) -> Vec<String> {
        let outcome = |content| match content {
            Content::Permission { outcome, .. } => outcome,
            _ => None,
        };
        self.messages().await.into_iter().filter_map(outcome).collect()
    }
}

impl Side {
    /// What the agent gets as the answer to which question.
    pub(super) async fn answered(&mut self) -> (String, String) {
        match self.told().await {
            Command::Answer { request_id, answer: Given::Option { option_id, .. } } => {
                (request_id.as_str().to_owned(), option_id.as_str().to_owned())
            }
            Command::Answer { request_id, answer } => (request_id.as_str().to_owned(), format!("{answer:?}")),
            other => panic!("no answer: {other:?}"),
        }
    }
}

pub(super) fn yes(id: &str) -> (String, String) {
    (id.to_owned(), "yes".to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_for_a_session_is_not_asked_again() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    asks(&side, "a", "cargo test --lib");
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.rules, ["only the command `cargo test --lib`", "commands `cargo test …`"]);
    assert_eq!(offered.scopes, [GrantScope::Turn, GrantScope::Session, GrantScope::Project]);
    stage.grant("a", 2, GrantScope::Session).await.expect("granted");
    assert_eq!(side.answered().await, yes("a"));
    asks(&side, "b", "cargo test && cargo test -q");
    assert_eq!(side.answered().await, yes("b"));
    asks(&side, "c", "cargo test; rm x");
    assert_eq!(stage.row(|row| row.pending == 1).await.attention, Some(crate::domain::Attention::Permission));
    assert_eq!(stage.permission().await.0, "c", "the second was never asked");
    let words = "Allow once (granted for this session: commands `cargo test …`)";
    assert_eq!(stage.outcomes().await, [words, words]);
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_for_a_turn_ends_with_it() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    stage.send("one").await;
    side.prompted().await;
    asks(&side, "a", "ls");
    stage.permission().await;
    stage.grant("a", 1, GrantScope::Turn).await.expect("granted");
    asks(&side, "b", "ls");
    assert_eq!([side.answered().await, side.answered().await], [yes("a"), yes("b")]);
    side.says([Event::TurnEnded { stop_reason: "end_turn".into(), outcome: TurnOutcome::Idle }]);
    asks(&side, "c", "ls");
    assert_eq!(stage.permission().await.0, "c");
}

#[tokio::test(start_paused = true)]
async fn what_waits_already_is_allowed_with_it() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    for (id, command) in [("a", "ls x"), ("b", "ls y"), ("c", "rm x")] {
        asks(&side, id, command);
        assert_eq!(stage.permission().await.0, id, "in the order they came in");
    }
    stage.grant("a", 2, GrantScope::Session).await.expect("granted");
    assert_eq!([side.answered().await, side.answered().await], [yes("a"), yes("b")]);
    stage.row(|row| row.pending == 1).await;
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn what_is_always_allowed_is_so_for_the_next_session_until_it_is_revoked() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    asks(&side, "a", "ls src");
    stage.permission().await;
    stage.grant("a", 2, GrantScope::Project).await.expect("granted");
    assert_eq!(side.answered().await, yes("a"));
    stage.ended().await;
    let mut stage = stage.restored(|_| {});
    stage.send("go on").await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    side.prompted().await;
    asks(&side, "b", "ls -l");
    assert_eq!(side.answered().await, yes("b"));
    let outcomes = stage.outcomes().await;
    assert_eq!(outcomes[1], "Allow once (granted always in this project: commands `ls …`)");
    let folder = crate::session::grants::folder(&stage.folder.path().join("sessions"));
    for file in std::fs::read_dir(&folder).expect("a folder").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("text");
        std::fs::write(file.path(), text.replace("\"agor\":1", "\"agor\":9")).expect("written");
    }
    asks(&side, "c", "ls src");
    let (id, offered) = stage.permission().await;
    assert_eq!(
        (id.as_str(), offered.scopes),
        ("c", vec![GrantScope::Turn, GrantScope::Session]),
        "nothing is written there"
    );
    assert!(stage.grant("c", 2, GrantScope::Project).await.is_err());
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_grant_of_files_is_held_against_where_they_are() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    let top = stage.folder.path().canonicalize().expect("it is there");
    std::fs::create_dir_all(top.join("src")).expect("a folder");
    std::os::unix::fs::symlink("/etc", top.join("src/out")).expect("a link");
    changes(&side, "a", "src/a.rs");
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.rules[..2], ["changes of src/a.rs", "changes of all files in src/ but hidden ones"]);
    stage.grant("a", 2, GrantScope::Session).await.expect("granted");
    assert_eq!(side.answered().await, yes("a"));
    changes(&side, "b", "src/../src/new/b.rs");
    assert_eq!(side.answered().await, yes("b"));
    for (id, path) in [("c", "src/out/passwd"), ("d", "src/../x"), ("e", "src/.hidden"), ("f", "/etc/passwd")] {
        changes(&side, id, path);
        assert_eq!(stage.permission().await.0, id, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_more_rights_and_what_cannot_be_allowed_once_are_always_asked() {
    let (mut stage, side) = Stage::with(Capabilities::default()).await;
    let command = || Subject::Command { command: "ls".into() };
    let mut plan = request("a", command(), OptionKind::AllowOnce);
    plan.tool = "plan".into();
    let others =
        [plan, request("b", Subject::Always, OptionKind::AllowOnce), request("c", command(), OptionKind::AllowAlways)];
    for other in others {
        let id = other.request_id.as_str().to_owned();
        side.says([Event::Permission(Box::new(other))]);
        assert_eq!(stage.permission().await, (id.clone(), Offered::default()));
        let error = stage.grant(&id, 1, GrantScope::Turn).await.expect_err("nothing was offered");
        assert_eq!(error, "this question can only be answered by its own options");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_or_cancelled_meanwhile_is_settled_once() {
    let (mut stage, mut side) = Stage::with(Capabilities { interrupt: true, ..Capabilities::default() }).await;
    stage.send("one").await;
    side.prompted().await;
    // Nothing was looked up when the next event is heard: both come in one line.
    let subject = || Subject::Command { command: "ls".into() };
    let asked = |id| Event::Permission(Box::new(request(id, subject(), OptionKind::AllowOnce)));
    side.says([asked("a"), Event::Withdrawn("a".into()), asked("b"), asked("b")]);
    assert_eq!(stage.permission().await.0, "b");
    assert_eq!(stage.outcomes().await, ["withdrawn by the agent"]);
    stage.order(Order::Interrupt).await.expect("taken");
    assert_eq!(side.told().await, Command::Interrupt);
    assert_eq!(side.answered().await, ("b".into(), "Cancelled".into()));
    let error = stage.grant("b", 1, GrantScope::Turn).await.expect_err("it is gone");
    assert_eq!(error, "no question b is open: it was answered or withdrawn");
    side.told_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_was_not_offered_answers_nothing() {
    let (mut stage, mut side) = Stage::with(Capabilities::default()).await;
    asks(&side, "a", "ls");
    stage.permission().await;
    for rule in [0, 3, usize::MAX] {
        let error = stage.grant("a", rule, GrantScope::Turn).await.expect_err("no such rule");
        assert_eq!(error, format!("no rule {rule} was offered: there are 2"));
    }
    side.told_nothing();
}
