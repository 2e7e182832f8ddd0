//! The demo agent as a process under its keeper, through lines and protocol: bytes in, events out.

mod support {
    pub mod family;
    pub mod runner;
}

use std::{path::Path, time::Duration};

use agor_nvim::{
    agent::stop::{Action, Step},
    domain::{Answer, Command, Content, Event, TurnOutcome},
};
use support::{
    family::{Family, patiently},
    runner::{BINARY, Runner, contents, ended, kinds, streamed_text, whole_text},
};

fn start() -> Runner {
    Runner::start("demo", &[("AGOR_DEMO_SPEED", "0")], |_| {})
}

#[tokio::test]
async fn the_tour_shows_everything_and_writes_what_was_allowed() {
    let mut demo = start();
    std::fs::write(demo.family.cwd().join("README.md"), "# A project\n\nWith words.\n").expect("a file is written");
    demo.prompt("What is this?");
    let mut events = demo.until(|event| matches!(event, Event::Permission(_))).await;
    let Some(Event::Permission(request)) = events.last() else { unreachable!("it is the last") };
    assert_eq!((request.tool.as_str(), request.title.as_str()), ("Write", "agor-demo.md"));
    assert!(request.diff[0].hunks[0].lines.contains(&"+- What is this?".to_owned()), "{request:?}");
    let note = demo.family.cwd().join("agor-demo.md");
    assert!(!note.exists(), "nothing is written before the answer");
    let request_id = request.request_id.clone();
    demo.answer(&request_id, "allow", None);
    events.extend(demo.turn().await);
    assert!(note.exists());
    let expect = ["cost", "init", "plan", "text", "thinking", "tool_call", "tool_result"];
    assert_eq!(kinds(&events), expect.into());
    assert!(!events.iter().any(|event| matches!(event, Event::Noise { .. } | Event::Withdrawn(_))));
    assert_eq!(streamed_text(&events), whole_text(&events));
    assert!(whole_text(&events).contains("> What is this?"));
    assert_eq!(ended(&events), ("end_turn", &TurnOutcome::Idle));
    demo.stop(demo.protocol.stop_ladder());
    assert!(demo.end().await.1.success());
}

#[tokio::test]
async fn a_flood_is_whole() {
    let mut demo = start();
    demo.prompt("stream 20000 0 40");
    let events = demo.turn().await;
    let text = whole_text(&events);
    assert_eq!(text.len(), 800_000);
    assert_eq!(streamed_text(&events), text);
}

#[tokio::test]
async fn prompts_are_exact() {
    let mut demo = start();
    let prompt = "echo a | \"b\" % # \\ \t 'c' \u{1} ä 🦀\nand\r\nlines  ";
    let said = demo.said(prompt).await;
    assert_eq!(serde_json::from_str::<String>(&said).expect("a JSON string"), prompt);
}

#[tokio::test]
async fn an_interrupt_ends_a_turn_and_the_next_one_works() {
    let mut demo = start();
    demo.until(|event| matches!(event, Event::Capabilities(has) if has.interrupt)).await;
    for prompt in ["hang", "permission 2", "stream 1000000 1000 20"] {
        demo.prompt(prompt);
        if prompt == "permission 2" {
            demo.asked().await;
            demo.asked().await;
        } else {
            demo.until(|event| matches!(event, Event::TurnStarted)).await;
        }
        demo.command(Command::Interrupt);
        let events = demo.turn().await;
        assert_eq!(ended(&events), ("interrupted", &TurnOutcome::Idle), "{prompt}");
        assert_eq!(streamed_text(&events), whole_text(&events), "{prompt}");
    }
    assert_eq!(demo.said("echo").await, "\"echo\"");
}

#[tokio::test]
async fn a_refusal_arrives_word_for_word() {
    let mut demo = start();
    demo.prompt("permission 2");
    let (first, second) = (demo.asked().await, demo.asked().await);
    demo.answer(&second, "allow", None);
    demo.answer(&first, "reject", Some("not \"that\",\nplease"));
    let text = whole_text(&demo.turn().await);
    assert_eq!(text, "- 1: refused: not \"that\",\nplease\n- 2: allowed\n");
}

#[tokio::test]
async fn questions_are_answered() {
    let mut demo = start();
    demo.prompt("ask");
    let events = demo.until(|event| matches!(event, Event::Question(_))).await;
    let Some(Event::Question(request)) = events.last() else { unreachable!("it is the last") };
    let answers =
        request.questions.iter().map(|question| (question.id.clone(), vec![question.options[0].label.clone()]));
    let answer = Answer::Answers(answers.collect());
    demo.command(Command::Answer { request_id: request.request_id.clone(), answer });
    let text = whole_text(&demo.turn().await);
    assert_eq!(text, r#"Your answers: {"Which colour do you want?":["Blue"],"Which extras?":["Tests"]}"#);
}

#[tokio::test]
async fn after_a_failure_the_next_prompt_resumes_the_conversation() {
    let mut demo = start();
    demo.prompt("fail for the test");
    let events = demo.turn().await;
    assert_eq!(ended(&events).1, &TurnOutcome::Failed("for the test".into()));
    assert!(kinds(&events).contains("error"));
    let session = events.iter().find_map(|event| match event {
        Event::AgentSession(id) => Some(id.clone()),
        _ => None,
    });
    let query: serde_json::Value = serde_json::from_str(&demo.said("query").await).expect("the query");
    assert_eq!((&query["resumeMode"], query["resumeSessionId"].as_str()), (&"resume".into(), session.as_deref()));
    assert_eq!(query["permissionMode"], "default", "it has said that it can ask");
}

#[tokio::test]
async fn nonsense_ends_nothing() {
    let mut demo = start();
    demo.prompt("garbage");
    let events = demo.turn().await;
    let noise = events.iter().filter(|event| matches!(event, Event::Noise { .. })).count();
    assert_eq!(noise, 9, "{events:?}");
    demo.prompt("unknown");
    let events = demo.turn().await;
    assert_eq!(contents(&events).filter(|(content, _)| matches!(content, Content::Unknown(_))).count(), 5);
    demo.prompt("long line");
    let dropped = demo.turn().await;
    let dropped = contents(&dropped).find_map(|(content, _)| match content {
        Content::Status { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!(dropped.as_deref(), Some("a line of 20971531 bytes was too long and was dropped"));
    assert_eq!(demo.said("echo").await, "\"echo\"");
}

#[tokio::test]
async fn stderr_is_not_in_the_way() {
    let mut demo = start();
    demo.said("stderr oops").await;
    demo.process.handle.close_stdin();
    demo.end().await;
    assert_eq!(demo.stderr, ["oops"]);
}

#[tokio::test]
async fn it_ends_as_ordered() {
    for (prompt, code, signal) in [("exit 3", Some(3), None), ("crash", None, Some(6)), ("half line", Some(1), None)] {
        let mut demo = start();
        demo.prompt(prompt);
        let (events, exit) = demo.end().await;
        assert_eq!((exit.code, exit.signal), (code, signal), "{prompt}");
        // The exit is the news, and it is the session that tells it.
        assert!(!events.iter().any(|event| matches!(event, Event::TurnEnded { .. })), "{prompt}: {events:?}");
        let half = events.iter().any(|event| matches!(event, Event::Noise { .. }));
        assert_eq!(half, prompt == "half line");
    }
}

#[tokio::test]
async fn the_end_of_its_input_ends_it_in_mid_stream() {
    let mut demo = start();
    demo.prompt("hang");
    demo.until(|event| matches!(event, Event::Message { .. })).await;
    demo.process.handle.close_stdin();
    assert!(demo.end().await.1.success());
}

#[tokio::test]
async fn a_deaf_one_has_to_be_killed() {
    let mut demo = start();
    demo.prompt("deaf");
    demo.until(|event| matches!(event, Event::Message { .. })).await;
    let stop = demo.protocol.stop_ladder().remove(0);
    let moment = Duration::from_millis(100);
    demo.stop(vec![stop, Step::new(Action::Wait, moment), Step::new(Action::CloseStdin, moment), Step::kill()]);
    assert_eq!(demo.end().await.1.signal, Some(9));
}

#[tokio::test]
async fn its_children_are_real_and_end_with_it() {
    let mut demo = start();
    let said = demo.said("sleep children").await;
    let pids: Vec<i32> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(pids.len(), 2, "{said}");
    let lives = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
    assert!(pids.iter().all(lives), "{said}");
    demo.stop(demo.protocol.stop_ladder());
    demo.end().await;
    assert!(!pids.iter().any(lives), "{said}");
}

#[tokio::test]
async fn a_command_runs_to_its_end_or_to_that_of_the_turn() {
    let mut demo = start();
    let results = |events: &[Event]| {
        let results = contents(events).filter_map(|(content, _)| match content {
            Content::ToolResult { .. } => Some(format!("{content:?}")),
            _ => None,
        });
        results.collect::<Vec<_>>()
    };
    demo.prompt("run echo one; echo two >&2; sleep 600 & exit 3");
    let events = demo.turn().await;
    let [result] = results(&events).try_into().expect("one result");
    assert!(result.contains("one\\ntwo\\nexit status: 3"), "{result}");
    assert_eq!(whole_text(&events), "It has failed.");

    demo.prompt("run echo $$ > pid; exec sleep 600");
    demo.until(|event| matches!(event, Event::TurnStarted)).await;
    let file = demo.family.cwd().join("pid");
    let pid = patiently(async {
        loop {
            match std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<i32>().ok()) {
                Some(pid) => return pid,
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    demo.command(Command::Interrupt);
    assert_eq!(ended(&demo.turn().await).0, "interrupted");
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn it_says_what_it_can() {
    let family = Family::new();
    let help = family.run_command(&[BINARY, "runner", "demo", "--help"]).await;
    assert!(help.exit.success());
    assert!(help.lines.iter().any(|line| line.contains("stream N RATE SIZE")));
    let wrong = family.run_command(&[BINARY, "runner", "demo", "--fast"]).await;
    assert_eq!(wrong.exit.code, Some(2));
    assert_eq!(wrong.stderr[0], "agor-nvim runner demo takes no argument '--fast'");
}
