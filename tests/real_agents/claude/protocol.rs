//! The real Claude Code through our protocol value. The prompts name scenarios of `tests/mocks/mock_anthropic.py`.

use std::fs;

use agor_nvim::domain::{Answer, Command, Content, Event, Image, Prompt, TurnOutcome};
use serde_json::{Value, json};

use crate::{
    agent::CLAUDE,
    driver::{Session, World},
};

fn idle(stop_reason: &str) -> (String, TurnOutcome) {
    (stop_reason.to_owned(), TurnOutcome::Idle)
}

fn agent_session(event: &Event) -> Option<String> {
    match event {
        Event::AgentSession(id) => Some(id.clone()),
        _ => None,
    }
}

#[test]
fn text_streams_and_two_turns_share_a_process() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:long:40");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let parts = session.events.iter().filter(|event| matches!(event, Event::Message { part: true, .. })).count();
    assert_eq!(parts, 40);
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let words: String = (0..40).map(|number| format!("word{number} ")).collect();
    assert_eq!(session.texts(), [words.as_str(), "Hello from the mock. This is a plain answer."]);
    assert_eq!(session.events.iter().filter_map(agent_session).count(), 1);
    assert!(session.events.iter().any(|event| match event {
        Event::Capabilities(can) => can.models.iter().any(|model| model.id == "sonnet") && !can.commands.is_empty(),
        _ => false,
    }));
    let costs: Vec<f64> = session
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { content: Content::Cost(cost), .. } => cost.total_cost_usd,
            _ => None,
        })
        .collect();
    assert!(costs.len() == 2 && costs[0] > 0.0 && costs[1] > costs[0], "{costs:?}");
    assert!(session.close().success());
}

#[test]
fn a_tool_runs_when_it_is_allowed_and_only_then() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:bash");
    let asked = session.permission();
    assert_eq!((asked.tool.as_str(), asked.input["command"].is_string()), ("Bash", true));
    session.choose(&asked.request_id, "reject", Some("Not with the shell, please."));
    assert_eq!(session.result().output, "Not with the shell, please.");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(!world.project().join("made.txt").exists());

    session.prompt("SCENARIO:bash");
    let asked = session.permission();
    session.choose(&asked.request_id, "allow", None);
    let result = session.result();
    assert_eq!((result.output.as_str(), result.is_error), ("hello-from-bash", false));
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(fs::read_to_string(world.project().join("made.txt")).expect("the tool ran"), "hello-from-bash\n");
    assert!(session.close().success());
}

#[test]
fn an_edit_shows_its_diff_before_and_after() {
    let world = World::of(&CLAUDE);
    let file = world.project().join("hello.txt");
    fs::write(&file, "first\nhello world\n").expect("a new file");
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:edit");
    let asked = session.permission();
    assert_eq!(asked.diff[0].hunks[0].lines, ["-world", "+there"]);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "first\nhello world\n");
    session.choose(&asked.request_id, "allow_session", None);
    session.wait("the mode that the option sets", |event| (*event == Event::Mode("acceptEdits".into())).then_some(()));
    let result = session.result();
    assert_eq!(result.diff[0].hunks[0].lines, [" first", "-hello world", "+hello there"]);
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "first\nhello there\n");
}

#[test]
fn a_question_is_answered_in_the_users_words() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:ask");
    let asked = session.wait("question", |event| match event {
        Event::Question(request) => Some((**request).clone()),
        _ => None,
    });
    let ids: Vec<String> = asked.questions.iter().map(|question| question.id.clone()).collect();
    let answers =
        [(ids[0].clone(), vec!["Teal".to_owned()]), (ids[1].clone(), vec!["Tests".to_owned(), "Docs".to_owned()])];
    let answer = Answer::Answers(answers.into());
    session.command(Command::Answer { request_id: asked.request_id, answer });
    let output = session.result().output;
    assert!(output.contains("=\"Teal\"") && output.contains("=\"Tests, Docs\""), "{output}");
    assert_eq!(session.turn_end(), idle("end_turn"));
}

#[test]
fn a_plan_is_approved_with_the_users_changes() {
    let world = World::of(&CLAUDE);
    let mut options = world.options();
    options.permission_mode = Some("plan".into());
    let mut session = Session::start(&world, &options);
    session.prompt("SCENARIO:plan");
    let asked = session.permission();
    assert_eq!(asked.tool, "plan");
    assert!(asked.input["plan"].as_str().is_some_and(|plan| plan.starts_with("# Plan")), "{}", asked.input);
    let changed = json!({"plan": "# Plan\n1. Look twice\n"});
    let answer = Answer::Option { option_id: "approve_edits".into(), message: None, input: Some(changed) };
    session.command(Command::Answer { request_id: asked.request_id, answer });
    let output = session.result().output;
    assert!(output.contains("1. Look twice"), "{output}");
    // The plan's own edit no longer asks.
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(fs::read_to_string(world.project().join("planned.txt")).expect("it was written"), "planned\n");
}

#[test]
fn an_interrupt_ends_the_turn_and_keeps_the_process() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:slow:500");
    session.wait("some text", |event| matches!(event, Event::Message { part: true, .. }).then_some(()));
    session.command(Command::Interrupt);
    assert_eq!(session.turn_end(), idle("interrupted"));
    let begun = session.texts().concat();
    assert!(begun.starts_with("slow0 ") && !begun.contains("slow499"), "{begun}");

    session.prompt("SCENARIO:bash");
    let asked = session.permission();
    session.command(Command::Interrupt);
    session.wait("withdrawal", |event| (*event == Event::Withdrawn(asked.request_id.clone())).then_some(()));
    assert_eq!(session.turn_end(), idle("interrupted"));
    assert!(!world.project().join("made.txt").exists());

    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(session.texts().last().map(String::as_str), Some("Hello from the mock. This is a plain answer."));
}

#[test]
fn a_conversation_is_resumed_with_its_model() {
    let world = World::of(&CLAUDE);
    let mut options = world.options();
    options.model = Some("sonnet".into());
    options.system_prompt = Some("Always be brief, says the user.".into());
    let mut session = Session::start(&world, &options);
    session.prompt("SCENARIO:echo:remember-me");
    let id = session.wait("session id", agent_session);
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert!(session.close().success());

    options.resume_session_id = Some(id.clone());
    let mut session = Session::start(&world, &options);
    session.prompt("SCENARIO:text");
    assert_eq!(session.wait("session id", agent_session), id);
    assert_eq!(session.turn_end(), idle("end_turn"));
    let requests = world.mock.requests();
    let last = requests.last().expect("it asked the model");
    let history = last["body"]["messages"].to_string();
    assert!(history.contains("Echo: remember-me"), "{history}");
    assert!(last["model"].as_str().is_some_and(|model| model.contains("sonnet")), "{}", last["model"]);
    assert!(last["body"]["system"].to_string().contains("Always be brief, says the user."));
}

#[test]
fn a_copy_of_a_conversation_has_an_id_of_its_own() {
    let world = World::of(&CLAUDE);
    let mut first = Session::start(&world, &world.options());
    first.prompt("SCENARIO:echo:remember-me");
    first.turn_end();
    let id = first.events.iter().find_map(agent_session).expect("an id");
    assert!(first.close().success());
    let mut options = world.options();
    options.resume_session_id = Some(id.clone());
    options.fork = true;
    let mut copy = Session::start(&world, &options);
    copy.prompt("SCENARIO:text");
    copy.turn_end();
    let own = copy.events.iter().find_map(agent_session).expect("an id");
    assert_ne!(own, id);
    let requests = world.mock.requests();
    assert!(requests.last().expect("it asked").to_string().contains("remember-me"), "the past goes along");
}

#[test]
fn an_unknown_conversation_is_told_in_one_sentence() {
    let world = World::of(&CLAUDE);
    let mut options = world.options();
    options.resume_session_id = Some("7e818859-3e75-4e1b-a787-608a190c3d9a".into());
    let mut session = Session::start(&world, &options);
    let message = session.wait("failure", |event| match event {
        Event::Failed { message } => Some(message.clone()),
        _ => None,
    });
    assert!(message.starts_with("Claude Code has no conversation 7e818859-"), "{message}");
    assert!(!session.close().success());
}

#[test]
fn a_key_that_is_refused_is_told_at_the_first_try() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:error401");
    let (_, outcome) = session.turn_end();
    assert!(matches!(outcome, TurnOutcome::Failed(_)), "{outcome:?}");
    let told = session.events.iter().filter(|event| matches!(event, Event::LoginNeeded { .. })).count();
    assert_eq!(told, 1);
    let tries = world.mock.requests().len();
    assert!(tries <= 2, "{tries} requests with a key that was refused");

    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
}

#[test]
fn without_a_login_it_says_so() {
    let world = World::of(&CLAUDE);
    let mut env = world.env();
    env.remove("ANTHROPIC_API_KEY");
    let mut session = Session::start_with(&world.options(), env);
    session.prompt("SCENARIO:text");
    let message = session.wait("need of a login", |event| match event {
        Event::LoginNeeded { message } => Some(message.clone()),
        _ => None,
    });
    assert!(message.contains("Not logged in"), "{message}");
    assert!(matches!(session.turn_end().1, TurnOutcome::Failed(_)));
    assert_eq!(session.texts(), Vec::<String>::new());
}

#[test]
fn a_stream_that_breaks_leaves_its_text_once() {
    for scenario in ["drop", "midstream_error"] {
        let world = World::of(&CLAUDE);
        let mut session = Session::start(&world, &world.options());
        session.prompt(&format!("SCENARIO:{scenario}"));
        assert_eq!(session.turn_end(), idle("end_turn"));
        let texts = session.texts();
        assert!(texts.len() == 1 && texts[0].starts_with("This stream ") && texts[0].ends_with('.'), "{texts:?}");
        // How much of the broken stream arrives is up to the network; what did was withdrawn.
        let shown = session.events.iter().any(|event| matches!(event, Event::Message { part: true, .. }));
        let withdrawn = session.events.iter().filter(|event| {
            matches!(event, Event::Message { part: false, content: Content::Text { text }, .. } if text.is_empty())
        });
        assert_eq!(withdrawn.count(), usize::from(shown));
    }
}

#[test]
fn a_background_task_begins_a_turn_by_itself() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:bgbash");
    let asked = session.permission();
    session.choose(&asked.request_id, "allow", None);
    assert_eq!(session.turn_end(), idle("end_turn"));
    session.wait("a turn of its own", |event| (*event == Event::TurnStarted).then_some(()));
    assert_eq!(session.turn_end(), idle("end_turn"));
    session.prompt("SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
}

#[test]
fn the_stop_ladder_ends_a_running_tool_without_a_kill() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:bash:sleep+1000");
    session.wait("the call", |event| match event {
        Event::Message { content: Content::ToolCall(call), .. } if call.title == "sleep 1000" => Some(()),
        _ => None,
    });
    let (status, rung) = session.stop();
    assert!(rung < 3, "it had to be killed");
    assert!(status.code().is_some(), "a signal ended it: {status}");
    assert!(session.events.iter().any(|event| matches!(event, Event::TurnEnded { .. })));

    let mut idle = Session::start(&world, &world.options());
    idle.prompt("SCENARIO:text");
    idle.turn_end();
    assert!(idle.stop().0.success());
}

#[test]
fn the_mode_and_the_model_change_between_turns() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.prompt("SCENARIO:text");
    session.turn_end();
    session.command(Command::SetModel("haiku".into()));
    session.wait("the model", |event| (*event == Event::Model("haiku".into())).then_some(()));
    // Not the plan mode: in it Claude Code takes a larger model than haiku by itself.
    session.command(Command::SetMode("acceptEdits".into()));
    session.wait("the mode", |event| (*event == Event::Mode("acceptEdits".into())).then_some(()));
    session.command(Command::SetMode("nonsense".into()));
    session.wait("a complaint", |event| matches!(event, Event::Notice { .. }).then_some(()));
    session.prompt("SCENARIO:echo:again");
    assert_eq!(session.turn_end(), idle("end_turn"));
    let requests = world.mock.requests();
    let models: Vec<&str> = requests.iter().filter_map(|request| request["model"].as_str()).collect();
    assert!(models.last().is_some_and(|model| model.contains("haiku")), "{models:?}");
}

#[test]
fn an_effort_and_a_picture_reach_the_model() {
    let world = World::of(&CLAUDE);
    let mut session = Session::start(&world, &world.options());
    session.wait("efforts", |event| matches!(event, Event::Capabilities(can) if can.set_effort).then_some(()));
    session.command(Command::SetEffort("low".into()));
    session.wait("the effort", |event| (*event == Event::Effort("low".into())).then_some(()));
    // One pixel.
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let image = Image { path: "/p/a.png".into(), mime: "image/png".into(), data: data.into() };
    session.command(Command::Prompt(Prompt { images: vec![image], ..Prompt::new("SCENARIO:image") }));
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(session.texts(), ["I see 1 image(s)."]);
    let requests = world.mock.requests();
    let efforts: Vec<&Value> = requests.iter().map(|request| &request["output_config"]["effort"]).collect();
    assert_eq!(efforts.last(), Some(&&Value::from("low")), "{efforts:?}");
}

#[test]
fn values_that_look_like_flags_stay_values() {
    let world = World::of(&CLAUDE);
    let other = world.project().join("-other");
    fs::create_dir(&other).expect("a new folder");
    let mut options = world.options();
    options.additional_directories = vec![other.display().to_string(), "..".into()];
    options.max_turns = Some(7);
    options.system_prompt = Some("--help".into());
    let mut session = Session::start(&world, &options);
    session.prompt("--version SCENARIO:text");
    assert_eq!(session.turn_end(), idle("end_turn"));
    assert_eq!(session.texts(), ["Hello from the mock. This is a plain answer."]);
}
