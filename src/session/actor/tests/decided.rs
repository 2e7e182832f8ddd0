//! What rules decide of requests, and that each decision is taken down before the agent has it.

use serde_json::json;

use super::{
    granted::{asks, changes, request},
    *,
};
use crate::{
    domain::{
        Answer as Given, FileAccess, FileAnswer, FileRequest, OptionKind, PermissionOption, Question, QuestionRequest,
        Subject,
        policy::{Policy, PolicyRule},
    },
    session::{
        GrantScope,
        audit::{self, Decision, Entry, What, Who},
    },
};

fn command(command: &str) -> PolicyRule {
    PolicyRule { command: command.into(), origin: "here".into(), ..PolicyRule::default() }
}

fn path(path: &str) -> PolicyRule {
    PolicyRule { path: path.into(), ..PolicyRule::default() }
}

fn deny(rules: &[PolicyRule]) -> Policy {
    Policy { deny: rules.to_vec(), ..Policy::default() }
}

fn allow(rules: &[PolicyRule]) -> Policy {
    Policy { allow: rules.to_vec(), ..Policy::default() }
}

impl Stage {
    async fn under(policy: Policy) -> (Self, Side) {
        let (mut stage, side) = Self::begin(|options| options.policy = Arc::new(policy)).await;
        side.ready(Capabilities { interrupt: true, ..Capabilities::default() });
        stage.heard(&side).await;
        (stage, side)
    }

    fn audit_folder(&self) -> PathBuf {
        audit::folder(&self.folder.path().join("sessions"))
    }

    /// What was taken down so far.
    pub(super) fn decisions(&self) -> Vec<Entry> {
        let Ok(files) = std::fs::read_dir(self.audit_folder()) else { return Vec::new() };
        let text: String = files.flatten().map(|file| std::fs::read_to_string(file.path()).expect("text")).collect();
        text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect()
    }

    fn last_decision(&self) -> (String, Decision, Who) {
        let entry = self.decisions().pop().expect("a decision");
        (entry.request, entry.decision, entry.by)
    }
}

impl Side {
    /// The option that the agent is told, with the words that go along.
    async fn told_option(&mut self) -> (String, String, Option<String>) {
        match self.told().await {
            Command::Answer { request_id, answer: Given::Option { option_id, message, .. } } => {
                (request_id.to_string(), option_id.to_string(), message)
            }
            other => panic!("no option: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_forbids_is_refused_with_the_reason_and_never_shown() {
    let (stage, mut side) = Stage::under(deny(&[command("git push *")])).await;
    asks(&side, "a", "cd x && git push origin");
    let (id, option, message) = side.told_option().await;
    assert_eq!((id.as_str(), option.as_str()), ("a", "no"));
    let message = message.expect("the reason");
    assert!(
        message.starts_with("The user's rule `command(git push *)` (here) forbids this: `git push origin`."),
        "{message}"
    );
    assert_eq!(stage.outcomes().await, ["Reject (forbidden by your rule `command(git push *)` (here))"]);
    let entry = stage.decisions().pop().expect("taken down");
    assert_eq!((entry.decision, entry.by), (Decision::Denied, Who::Policy));
    assert_eq!(entry.rules, ["`command(git push *)` (here)"]);
    assert_eq!(entry.what, What::Command("cd x && git push origin".into()));
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_allows_is_allowed_once_and_all_else_is_asked() {
    let (mut stage, mut side) = Stage::under(allow(&[command("make *"), path("src/**")])).await;
    asks(&side, "a", "make test && make lint");
    assert_eq!(side.told_option().await, ("a".into(), "yes".into(), None));
    assert_eq!(stage.last_decision(), ("a".into(), Decision::Allowed, Who::Policy));
    changes(&side, "b", "src/a.rs");
    assert_eq!(side.told_option().await.0, "b");
    asks(&side, "c", "make test; rm x");
    changes(&side, "d", "src/../x");
    assert_eq!([stage.permission().await.0, stage.permission().await.0], ["c", "d"]);
    assert_eq!(stage.decisions().len(), 2, "nothing was decided of the others");
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_wants_asked_is_asked_whatever_allows_it() {
    let policy = Policy { ask: vec![command("git push")], ..allow(&[command("git *")]) };
    let (mut stage, mut side) = Stage::under(policy).await;
    asks(&side, "a", "git log");
    assert_eq!(side.told_option().await.0, "a");
    asks(&side, "b", "git push");
    let (id, offered) = stage.permission().await;
    assert_eq!((id.as_str(), offered.rules.len()), ("b", 0), "what asks cannot be granted away");
    let note = offered.note.expect("why it is asked");
    assert_eq!(note, "`git push` is what your rule `command(git push)` (here) wants to be asked about");
}

#[tokio::test(start_paused = true)]
async fn under_a_rule_that_forbids_no_agent_is_told_to_ask_no_more() {
    let always = |id: &str| {
        let mut asked = request(id, Subject::Always, OptionKind::AllowOnce);
        let option =
            PermissionOption { option_id: "ever".into(), name: "Always".into(), kind: OptionKind::AllowAlways };
        asked.options.push(option);
        Event::Permission(Box::new(asked))
    };
    let shown = |update: &Update| match update {
        Update::Permission { request, .. } => Some(request.options.iter().map(|o| o.option_id.to_string()).collect()),
        _ => None,
    };
    for (policy, expect) in [(Policy::default(), vec!["no", "yes", "ever"]), (deny(&[path(".env")]), vec!["no", "yes"])]
    {
        let (mut stage, side) = Stage::under(policy).await;
        side.says([always("a")]);
        let options: Vec<String> = stage.find(shown).await;
        assert_eq!(options, expect);
        let answer = Given::Option { option_id: "ever".into(), message: None, input: None };
        let taken = stage.order(Order::Answer { request_id: "a".into(), answer }).await;
        assert_eq!(taken.is_ok(), expect.len() == 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_user_refuses_for_longer_and_takes_it_back() {
    let (mut stage, mut side) = Stage::under(allow(&[command("git *")])).await;
    side.says([Event::Permission(Box::new(request(
        "a",
        Subject::Command { command: "A=b git push".into() },
        OptionKind::AllowOnce,
    )))]);
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.refusals, ["commands `git push …`"]);
    assert_eq!(offered.refusal_scopes, [GrantScope::Session, GrantScope::Project, GrantScope::Everywhere]);
    assert!(stage.choose("a", 1, GrantScope::Turn, true).await.is_err());
    asks(&side, "w", "sudo git push");
    assert_eq!(stage.permission().await.0, "w");
    stage.choose("a", 1, GrantScope::Session, true).await.expect("refused");
    let (id, option, message) = side.told_option().await;
    assert_eq!((id.as_str(), option.as_str()), ("a", "no"));
    assert_eq!(
        message.as_deref(),
        Some("The user does not want this, now or later. They refuse for this session: commands `git push …`.")
    );
    assert_eq!(side.told_option().await.0, "w", "what waits is refused with it");
    asks(&side, "b", "git push");
    assert_eq!(side.told_option().await.1, "no", "whatever allows it");
    assert_eq!(stage.last_decision(), ("b".into(), Decision::Denied, Who::Grant));
    let (reply, rows) = oneshot::channel();
    let _ = stage.inputs.send(Input::Grants { reply });
    let rows = rows.await.expect("rows");
    assert_eq!((rows.len(), rows[0].refuses, rows[0].words.as_str()), (1, true, "commands `git push …`"));
    let id = rows[0].id.clone();
    stage.ask(|reply| Input::Revoke { id, reply }).await.expect("taken back");
    asks(&side, "c", "git push");
    assert_eq!(side.told_option().await, ("c".into(), "yes".into(), None));
}

#[tokio::test(start_paused = true)]
async fn what_holds_everywhere_holds_in_another_project_and_files_do_not() {
    let (mut stage, mut side) = Stage::under(Policy::default()).await;
    asks(&side, "a", "ls");
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.everywhere, [1, 2]);
    stage.choose("a", 2, GrantScope::Everywhere, false).await.expect("granted");
    assert_eq!(side.told_option().await.0, "a");
    changes(&side, "b", "x");
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.everywhere, Vec::<usize>::new());
    assert!(stage.choose("b", 1, GrantScope::Everywhere, false).await.is_err());
    stage.choose("b", 1, GrantScope::Everywhere, true).await.expect("refused");
    assert_eq!(side.told_option().await.1, "no");
    stage.ended().await;
    let other = stage.folder.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    let stage = stage.restored(|options| options.cwd = other.clone());
    let mut stage = stage;
    stage.send("go on").await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    side.prompted().await;
    asks(&side, "c", "ls -l");
    assert_eq!(side.told_option().await.1, "yes");
    changes(&side, "d", "../x");
    assert_eq!(side.told_option().await.1, "no");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_weighed_against_what_was() {
    let (mut stage, mut side) = Stage::under(deny(&[command("rm *")])).await;
    for (id, line) in [("a", "rm x"), ("b", "rm y")] {
        asks(&side, id, line);
        side.told_option().await;
    }
    asks(&side, "c", "docker rm y");
    let (_, offered) = stage.permission().await;
    assert_eq!(offered.refusals.len(), 2, "{offered:?}");
    let counted = stage.ask(|reply| Input::Weigh { request_id: "c".into(), reply }).await.expect("counted");
    assert_eq!((counted.refusals, counted.of), (vec![0, 0], 2));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_tries_again_and_again_is_told_why_a_few_times() {
    let (stage, mut side) = Stage::under(deny(&[command("rm *")])).await;
    let mut told = Vec::new();
    for id in ["a", "b", "c", "d", "e"] {
        asks(&side, id, "rm x");
        told.push(side.told_option().await.2.is_some());
    }
    assert_eq!(told, [true, true, true, false, false]);
    stage.send("well").await;
    side.prompted().await;
    asks(&side, "f", "rm x");
    assert!(side.told_option().await.2.is_some(), "the user has said something");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_down_no_rule_allows() {
    let (mut stage, mut side) = Stage::under(Policy { deny: vec![command("rm *")], ..allow(&[command("ls *")]) }).await;
    std::fs::write(stage.audit_folder(), "no folder").expect("written");
    asks(&side, "a", "ls");
    let said = stage.notified().await;
    assert!(said.starts_with("decisions are not taken down: the audit log "), "{said}");
    assert!(stage.row(|row| row.pending == 1).await.audit_failed);
    assert_eq!(stage.permission().await.0, "a");
    asks(&side, "b", "rm x");
    assert_eq!(side.told_option().await.1, "no", "what is forbidden is so");
    std::fs::remove_file(stage.audit_folder()).expect("removed");
    let answer = Given::Option { option_id: "yes".into(), message: None, input: None };
    stage.order(Order::Answer { request_id: "a".into(), answer }).await.expect("answered");
    assert_eq!(side.told_option().await.0, "a");
    assert!(!stage.row(|row| row.pending == 0 && !row.audit_failed).await.audit_failed);
    asks(&side, "c", "ls");
    assert_eq!(side.told_option().await, ("c".into(), "yes".into(), None));
    assert_eq!(stage.decisions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_a_rule_forbids_is_not_had_through_us_either() {
    let (stage, mut side) = Stage::under(deny(&[path(".env")])).await;
    let path = stage.folder.path().canonicalize().expect("there").join(".env");
    std::fs::write(&path, "SECRET").expect("written");
    let read = FileAccess::Read { line: None, limit: None };
    side.says([Event::File(Box::new(FileRequest { request_id: "f".into(), path, access: read }))]);
    match side.told().await {
        Command::File { answer: FileAnswer::Failed(why), .. } => assert!(why.contains("forbids this"), "{why}"),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(stage.last_decision(), ("f".into(), Decision::Denied, Who::Policy));
}

#[tokio::test(start_paused = true)]
async fn secrets_are_no_part_of_what_is_taken_down() {
    let (stage, mut side) = Stage::under(allow(&[command("curl *")])).await;
    asks(&side, "a", "curl -H 'Authorization: Bearer sk-abcdefghijkl' https://x.y");
    side.told_option().await;
    let text = serde_json::to_string(&stage.decisions()).expect("JSON");
    assert!(text.contains("curl") && !text.contains("sk-abcdefghijkl"), "{text}");
}

/// How a question comes to its end.
enum End {
    Answer(Given),
    Withdrawn,
    Interrupted,
    Stopped,
    Cleared,
    Anew,
    Died,
    LetGo,
    Refused,
}

#[tokio::test(start_paused = true)]
async fn however_a_question_ends_that_is_taken_down_once() {
    let option = |id: &str| Given::Option { option_id: id.into(), message: None, input: None };
    for (end, decision, by) in [
        (End::Answer(option("yes")), Decision::Allowed, Who::Human),
        (End::Answer(option("no")), Decision::Denied, Who::Human),
        (End::Answer(Given::Cancelled), Decision::Cancelled, Who::Human),
        (End::Withdrawn, Decision::Withdrawn, Who::Agent),
        (End::Interrupted, Decision::Cancelled, Who::Agor),
        (End::Stopped, Decision::Cancelled, Who::Agor),
        (End::Cleared, Decision::Cancelled, Who::Agor),
        (End::Anew, Decision::Cancelled, Who::Agor),
        (End::Died, Decision::Expired, Who::Agor),
        (End::LetGo, Decision::Expired, Who::Agor),
        (End::Refused, Decision::Denied, Who::Human),
    ] {
        let (mut stage, mut side) = Stage::under(Policy::default()).await;
        stage.send("one").await;
        side.prompted().await;
        asks(&side, "a", "ls");
        stage.permission().await;
        assert_eq!(stage.decisions(), [], "nothing is decided yet");
        match end {
            End::Answer(answer) => {
                stage.order(Order::Answer { request_id: "a".into(), answer }).await.expect("taken");
                // When the agent has it, it stands there.
                side.told().await;
            }
            End::Withdrawn => side.says([Event::Withdrawn("a".into())]),
            End::Interrupted => stage.order(Order::Interrupt).await.expect("taken"),
            End::Stopped => stage.order(Order::Stop { force: false }).await.expect("taken"),
            End::Cleared => stage.order(Order::Clear).await.expect("taken"),
            End::Anew => stage.order(Order::Restart).await.expect("taken"),
            End::Died => side.puppet.exit(1, &[]),
            End::LetGo => stage.ended().await,
            End::Refused => stage.choose("a", 1, GrantScope::Session, true).await.expect("taken"),
        }
        if !stage.inputs.is_closed() {
            stage.row(|row| row.pending == 0).await;
        }
        assert_eq!(stage.last_decision(), ("a".into(), decision, by));
        assert_eq!(stage.decisions().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agents_own_question_is_taken_down_without_the_answer() {
    let (mut stage, mut side) = Stage::under(Policy::default()).await;
    let question = Question {
        id: "q".into(),
        header: "Key".into(),
        text: "Which key?".into(),
        multi: false,
        secret: true,
        options: Vec::new(),
        allow_other: true,
    };
    let asked = QuestionRequest { request_id: "a".into(), tool_use_id: None, url: None, questions: vec![question] };
    side.says([Event::Question(Box::new(asked))]);
    stage.row(|row| row.pending == 1).await;
    let answers = [("q".to_owned(), vec!["hunter22".to_owned()])].into_iter().collect();
    stage.order(Order::Answer { request_id: "a".into(), answer: Given::Answers(answers) }).await.expect("taken");
    side.told().await;
    let entry = stage.decisions().pop().expect("taken down");
    assert_eq!((entry.decision, entry.by), (Decision::Answered, Who::Human));
    assert_eq!(entry.what, What::Question(vec!["Which key?".into()]));
    assert!(!serde_json::to_string(&entry).expect("JSON").contains("hunter22"));
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_asks_beyond_measure_is_refused_and_taken_down() {
    let (stage, mut side) = Stage::under(Policy::default()).await;
    let asked = |n: usize| {
        let mut asked = request(&format!("r{n}"), Subject::Input, OptionKind::AllowOnce);
        asked.input = json!({"n": n});
        Event::Permission(Box::new(asked))
    };
    side.says((0..257).map(asked));
    assert!(matches!(side.told().await, Command::Answer { answer: Given::Cancelled, .. }));
    assert_eq!(stage.last_decision(), ("r256".into(), Decision::Denied, Who::Agor));
}
