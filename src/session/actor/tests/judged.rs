//! Tools that are about to run and that an agent may not ask about.

use super::{granted::request, *};
use crate::{
    domain::{
        Choice, Judgement, OptionKind, Subject,
        policy::{Policy, PolicyRule},
    },
    session::audit::{Decision, Who},
};

fn command(command: &str) -> PolicyRule {
    PolicyRule { command: command.into(), origin: "here".into(), ..PolicyRule::default() }
}

fn policy() -> Arc<Policy> {
    Arc::new(Policy {
        deny: vec![command("rm *")],
        ask: vec![command("git push")],
        allow: vec![command("make *")],
        ..Policy::default()
    })
}

impl Side {
    fn calls(&self, id: &str, command: &str) {
        let subject = Subject::Command { command: command.into() };
        self.says([Event::Call(Box::new(request(id, subject, OptionKind::AllowOnce)))]);
    }

    async fn judged(&mut self) -> (String, Judgement) {
        match self.told().await {
            Command::Judged { request_id, judgement } => (request_id.to_string(), judgement),
            other => panic!("nothing was judged: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_rule_forbids_does_not_run_though_nobody_asks() {
    let (mut stage, mut side) = Stage::begin(|options| options.policy = policy()).await;
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    side.calls("a", "cd x && rm y");
    let (id, judgement) = side.judged().await;
    let Judgement::Deny(why) = judgement else { panic!("{judgement:?}") };
    assert_eq!(id, "a");
    assert!(why.starts_with("The user's rule `command(rm *)` (here) forbids this: `rm y`."), "{why}");
    let entry = stage.decisions().pop().expect("taken down before the agent has it");
    assert_eq!((entry.request.as_str(), entry.decision, entry.by), ("a", Decision::Denied, Who::Policy));
    assert_eq!(stage.outcomes().await, ["Reject (forbidden by your rule `command(rm *)` (here))"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_search_may_not_show_is_taken_down_whole_and_told_of_a_few_times() {
    let (mut stage, mut side) = Stage::begin(|options| options.policy = policy()).await;
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    for at in 0..20 {
        side.calls(&format!("part{at}"), "rm y");
        assert!(matches!(side.judged().await.1, Judgement::Deny(_)));
    }
    assert_eq!(stage.decisions().len(), 20);
    assert_eq!(stage.outcomes().await.len(), 3);
    let more = "there is more that is forbidden by your rule `command(rm *)` (here): :AgorAudit shows each";
    let lines = stage.lines().await;
    assert_eq!(lines.iter().filter(|line| line.contains("there is more")).count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(more)), "{lines:?}");
    // A call of its own is told of each time.
    let subject = Subject::Command { command: "rm z".into() };
    let mut call = request("whole", subject, OptionKind::AllowOnce);
    call.tool_use_id = Some("t".into());
    side.says([Event::Call(Box::new(call))]);
    side.judged().await;
    assert_eq!(stage.outcomes().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_be_asked_about_is_and_all_others_are_left_to_the_agent() {
    let (stage, mut side) = Stage::begin(|options| options.policy = policy()).await;
    side.ready(Capabilities::default());
    side.calls("a", "git push");
    let (_, judgement) = side.judged().await;
    assert!(matches!(&judgement, Judgement::Ask(why) if why.contains("wants to be asked about")), "{judgement:?}");
    for (id, command) in [("b", "make test"), ("c", "ls")] {
        side.calls(id, command);
        assert_eq!(side.judged().await, (id.to_owned(), Judgement::Nothing));
    }
    assert_eq!(stage.decisions().len(), 0, "nothing was decided");
}

#[tokio::test(start_paused = true)]
async fn what_forbids_forbids_where_nothing_can_be_taken_down() {
    let (mut stage, mut side) = Stage::begin(|options| options.policy = policy()).await;
    side.ready(Capabilities::default());
    std::fs::write(stage.folder.path().join("audit"), "in the way").expect("written");
    side.calls("a", "rm y");
    assert!(matches!(side.judged().await.1, Judgement::Deny(_)));
    assert!(stage.notified().await.starts_with("decisions are not taken down"));
}

#[tokio::test(start_paused = true)]
async fn that_rules_are_not_seen_where_nothing_is_asked_is_said_once() {
    let silent = || Capabilities {
        permission: true,
        modes: vec![Choice { id: "yolo".into(), asks_nothing: true, ..Choice::default() }],
        ..Capabilities::default()
    };
    let said = async |policy: Arc<Policy>| {
        let (mut stage, side) = Stage::begin(|options| options.policy = policy).await;
        side.ready(silent());
        for mode in ["ask", "yolo", "ask", "yolo"] {
            side.says([Event::Mode(mode.into())]);
        }
        stage.heard(&side).await;
        stage.lines().await.into_iter().filter(|line| line.contains("asks nothing in this mode")).count()
    };
    assert_eq!(said(policy()).await, 1);
    assert_eq!(said(Arc::default()).await, 0, "there is nothing to be seen");
}

#[tokio::test(start_paused = true)]
async fn of_an_agent_that_has_not_said_a_word_nothing_is_said() {
    let (stage, side) = Stage::begin(|options| options.policy = policy()).await;
    let said = async || stage.lines().await.into_iter().any(|line| line.contains("asks nothing in this mode"));
    // As a runner is taken for until it says more: before its first line, and by that.
    stage.send("go").await;
    assert!(!said().await);
    side.says([Event::Capabilities(Box::default())]);
    side.ends_turn();
    stage.send("more").await;
    assert!(said().await);
}
