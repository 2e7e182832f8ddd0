//! What the recordings do not show: prompts that cross a turn of Claude Code's own, requests that nobody expected, and
//! the ways to end.

use super::*;
use crate::{
    agent::stop::STOP_LIMIT,
    domain::{Answer, ProviderConfig, SessionId, ToolResult},
};

pub(super) fn options() -> StartOptions {
    let id = SessionId::parse("s").expect("a valid id");
    StartOptions::new(id, "claude", ProviderConfig::default(), "/p".into())
}

pub(super) fn started() -> Claude {
    let mut claude = Claude::new(&options(), Uuid::nil());
    claude.start();
    claude
}

pub(super) fn written(out: &Output) -> Vec<Value> {
    out.writes.iter().map(|line| serde_json::from_slice(line).expect("JSON")).collect()
}

pub(super) fn feed(claude: &mut Claude, value: Value) -> Output {
    claude.receive(Frame::Line(value.to_string()))
}

pub(super) fn prompt(claude: &mut Claude, text: &str) -> Output {
    claude.command(Command::Prompt(Prompt::new(text)))
}

fn ask(claude: &mut Claude, id: &str, extra: Value) -> Output {
    let mut request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "x"}});
    request.as_object_mut().expect("an object").extend(extra.as_object().cloned().unwrap_or_default());
    feed(claude, json!({"type": "control_request", "request_id": id, "request": request}))
}

#[test]
fn a_question_names_the_call_that_asks() {
    let questions = json!({"questions": [{"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}]});
    let extra = json!({"tool_name": "AskUserQuestion", "tool_use_id": "t1", "input": questions});
    let out = ask(&mut started(), "r1", extra);
    let [Event::Question(asked)] = &out.events[..] else { panic!("{:?}", out.events) };
    assert_eq!(asked.tool_use_id, Some("t1".into()));
}

#[test]
fn a_prompt_behind_a_turn_of_its_own_keeps_its_turn() {
    let mut claude = started();
    let out = prompt(&mut claude, "hello");
    let uuid = written(&out)[0]["uuid"].clone();
    let own = json!({"type": "result", "subtype": "success", "origin": {"kind": "task-notification"}});
    let out = feed(&mut claude, own.clone());
    assert!(!out.events.iter().any(|event| matches!(event, Event::TurnEnded { .. })), "{:?}", out.events);
    assert_eq!(feed(&mut claude, json!({"type": "system", "subtype": "init"})).events, []);
    // Once it was taken up, in that turn or in its own, the next end is its end.
    let echo = json!({"type": "user", "isReplay": true, "uuid": uuid, "message": {"role": "user", "content": "hello"}});
    assert_eq!(feed(&mut claude, echo), Output::default());
    let out = feed(&mut claude, own);
    assert!(matches!(out.events[..], [.., Event::TurnEnded { .. }]), "{:?}", out.events);
}

#[test]
fn a_text_whose_beginning_was_lost_is_shown_and_then_replaced_by_the_whole() {
    let mut claude = started();
    prompt(&mut claude, "hello");
    let delta = |text: &str| {
        let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
        json!({"type": "stream_event", "event": delta})
    };
    let mut transcript = crate::transcript::Transcript::default();
    let mut said = |out: Output| {
        for event in out.events {
            if let Event::Message { id, parent_id, part, content } = event {
                let message = crate::domain::AgentMessage { id, parent_id, timestamp: 0, part, content };
                transcript.fold(message);
            }
        }
        crate::render::to_markdown(&transcript)
    };
    feed(&mut claude, delta("Hel"));
    assert_eq!(said(feed(&mut claude, delta("lo"))), "lo\n");
    let whole = json!({"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": "Hello."}]}});
    assert_eq!(said(feed(&mut claude, whole)), "Hello.\n");
    assert_eq!(said(feed(&mut claude, delta("cut"))), "Hello.\n\ncut\n");
    assert_eq!(said(feed(&mut claude, json!({"type": "result", "subtype": "success"}))), "Hello.\n\ncut\n");
}

#[test]
fn prompts_have_ids_that_no_other_process_uses() {
    let id = |nonce| {
        let mut claude = Claude::new(&options(), nonce);
        claude.start();
        let first = written(&prompt(&mut claude, "a"))[0]["uuid"].clone();
        let second = written(&prompt(&mut claude, "a"))[0]["uuid"].clone();
        assert_ne!(first, second);
        first
    };
    assert_ne!(id(Uuid::from_u128(1)), id(Uuid::from_u128(2)));
}

#[test]
fn nothing_blank_is_ever_written() {
    let mut claude = started();
    for text in ["", " \n\t"] {
        let out = prompt(&mut claude, text);
        assert!(out.writes.is_empty() && matches!(out.events[..], [Event::Notice { .. }]), "{out:?}");
    }
    let out = prompt(&mut claude, "line\nother \u{2028} line\r\n");
    assert_eq!(out.writes.len(), 1);
    assert_eq!(out.writes[0].iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(written(&out)[0]["message"]["content"], "line\nother \u{2028} line\r\n");
}

#[test]
fn every_request_gets_an_answer() {
    for (request, answer) in [
        (json!({"subtype": "hook_callback", "callback_id": "c"}), json!({})),
        (json!({"subtype": "request_user_dialog"}), json!({"behavior": "cancelled"})),
        (json!({"subtype": "elicitation", "mode": "url", "message": "Open"}), json!({"action": "decline"})),
        (
            json!({"subtype": "mcp_message", "server_name": "h", "message": {"method": "initialize", "id": 4}}),
            json!({"mcp_response": {"jsonrpc": "2.0", "id": 4,
                "error": {"code": -32601, "message": "agor.nvim serves no MCP"}}}),
        ),
    ] {
        let out = feed(&mut started(), json!({"type": "control_request", "request_id": "r", "request": request}));
        assert_eq!(written(&out)[0]["response"]["response"], answer);
        assert_eq!(written(&out)[0]["response"]["request_id"], "r");
    }
    let unknown = json!({"type": "control_request", "request_id": "r", "request": {"subtype": "brand_new"}});
    let out = feed(&mut started(), unknown);
    assert_eq!(written(&out)[0]["response"]["subtype"], "error");
}

#[test]
fn a_request_is_shown_once_and_settled_once() {
    let mut claude = started();
    assert_eq!(ask(&mut claude, "r", json!({})).events.len(), 1);
    assert_eq!(ask(&mut claude, "r", json!({})), Output::default());
    let answer = |option: &str| Command::Answer {
        request_id: "r".into(),
        answer: Answer::Option { option_id: option.into(), message: None, input: None },
    };
    let out = claude.command(answer("nonsense"));
    assert!(out.writes.is_empty() && matches!(out.events[..], [Event::Notice { .. }]));
    assert_eq!(claude.command(answer("allow")).writes.len(), 1);
    assert_eq!(claude.command(answer("allow")), Output::default());
    let cancel = json!({"type": "control_cancel_request", "request_id": "r"});
    assert_eq!(feed(&mut claude, cancel), Output::default());
}

#[test]
fn a_subagents_question_outlives_the_turn() {
    let mut claude = started();
    prompt(&mut claude, "go");
    ask(&mut claude, "main", json!({}));
    ask(&mut claude, "sub", json!({"agent_id": "a"}));
    let out = feed(&mut claude, json!({"type": "result", "subtype": "success"}));
    assert_eq!(out.events[0], Event::Withdrawn("main".into()));
    assert!(!out.events.contains(&Event::Withdrawn("sub".into())));
    assert_eq!(claude.end().events, [Event::Withdrawn("sub".into())]);
}

#[test]
fn an_end_in_mid_turn_closes_what_is_open() {
    let mut claude = started();
    prompt(&mut claude, "go");
    let start = json!({"type": "message_start", "message": {"id": "m"}});
    feed(&mut claude, json!({"type": "stream_event", "event": start}));
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "half"}});
    feed(&mut claude, json!({"type": "stream_event", "event": delta}));
    let call = json!({"id": "m", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]});
    feed(&mut claude, json!({"type": "assistant", "message": call}));
    let events = claude.end().events;
    let whole = |event: &Event| matches!(event, Event::Message { part: false, content: Content::Text { text }, .. } if text == "half");
    assert!(events.iter().any(whole), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Message { content: Content::ToolResult(_), .. })));
    let ended = |event: &Event| matches!(event, Event::TurnEnded { .. } | Event::Failed { .. });
    assert!(!events.iter().any(ended), "the exit code says what became of the turn: {events:?}");
    assert_eq!(claude.end(), Output::default());
}

#[test]
fn a_call_ends_when_one_that_is_not_shown_takes_its_id() {
    let mut claude = started();
    prompt(&mut claude, "go");
    let call = |tool: &str, input: Value| {
        let block = json!({"type": "tool_use", "id": "t", "name": tool, "input": input});
        json!({"type": "assistant", "message": {"id": "m", "content": [block]}})
    };
    feed(&mut claude, call("Bash", json!({"command": "make"})));
    let events = feed(&mut claude, call("TaskUpdate", json!({"taskId": "1"}))).events;
    let cut = |event: &Event| matches!(event, Event::Message { content: Content::ToolResult(end), .. } if end.output == ToolResult::CUT_SHORT);
    assert!(matches!(events.as_slice(), [event] if cut(event)), "{events:?}");
}

#[test]
fn the_ladder_fits_into_its_limit_and_never_terminates() {
    let mut claude = started();
    let idle = claude.stop_ladder();
    assert_eq!(idle[0].action, Action::CloseStdin);
    prompt(&mut claude, "go");
    let busy = claude.stop_ladder();
    assert!(matches!(&busy[0].action, Action::Write(line) if line.ends_with(b"\n")));
    for ladder in [idle, busy] {
        assert!(ladder.iter().map(|step| step.wait).sum::<Duration>() <= STOP_LIMIT);
        assert_eq!(ladder.last(), Some(&Step::kill()));
        assert!(ladder.iter().all(|step| step.action != Action::Signal(Signal::Terminate)));
    }
}

#[test]
fn a_mode_is_checked_before_it_is_sent() {
    let mut claude = started();
    for refused in ["nonsense", launch::BYPASS] {
        let out = claude.command(Command::SetMode(refused.to_owned()));
        assert!(out.writes.is_empty() && matches!(out.events[..], [Event::Notice { .. }]), "{out:?}");
    }
    let out = claude.command(Command::SetMode("plan".to_owned()));
    assert_eq!(written(&out)[0]["request"], json!({"subtype": "set_permission_mode", "mode": "plan"}));
    let mut options = options();
    options.permission_mode = Some(launch::BYPASS.to_owned());
    let mut claude = Claude::new(&options, Uuid::nil());
    assert_eq!(claude.command(Command::SetMode(launch::BYPASS.to_owned())).writes.len(), 1);
}

#[test]
fn what_is_no_message_is_noise_and_what_is_too_long_is_told() {
    let mut claude = started();
    for line in ["Welcome!", "[1]", "7", "\"text\"", "{\"type\":"] {
        let out = claude.receive(Frame::Line(line.to_owned()));
        assert_eq!(out.events, [Event::Noise { text: line.to_owned() }]);
    }
    let out = claude.receive(Frame::TooLong { bytes: 20_000_000, head: String::new() });
    let told = format!("{:?}", out.events);
    assert!(told.contains("20000000 bytes"), "{told}");
    let out = feed(&mut claude, json!({"type": "brand_new", "a": 1}));
    assert!(matches!(&out.events[..], [Event::Message { content: Content::Unknown(raw), .. }] if raw["a"] == 1));
}

#[test]
fn a_system_prompt_is_added_to_the_agents_own() {
    let mut options = options();
    options.system_prompt = Some("Be brief".to_owned());
    let out = Claude::new(&options, Uuid::nil()).start();
    assert_eq!(written(&out)[0]["request"], json!({"subtype": "initialize", "appendSystemPrompt": "Be brief"}));
}

#[test]
fn the_users_servers_are_told_on_stdin_before_the_first_prompt() {
    let mut options = options();
    let mut server = crate::domain::McpServer { name: "files".into(), ..Default::default() };
    server.command = vec!["mcp-files".into()];
    server.env.insert("TOKEN".into(), "secret".into());
    options.config.mcp_servers = vec![server];
    let mut claude = Claude::new(&options, Uuid::nil());
    let told = written(&claude.start());
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1]["request"]["subtype"], "mcp_set_servers");
    assert_eq!(told[1]["request"]["servers"]["files"]["env"]["TOKEN"], "secret");
    assert!(!launch(&options).args.iter().any(|arg| arg.contains("secret")), "anybody can read a command line");
    let answer = json!({"added": ["files"], "removed": [], "errors": {"files": "no such program"}});
    let response = json!({"subtype": "success", "request_id": told[1]["request_id"], "response": answer});
    let out = feed(&mut claude, json!({"type": "control_response", "response": response}));
    let message = "Claude Code works without the MCP server files: no such program".to_owned();
    assert_eq!(out.events, [Event::Notice { message }]);
}

#[test]
fn pictures_go_along_before_the_words() {
    let mut claude = started();
    let image = Image { path: "/p/a.png".into(), mime: "image/png".into(), data: "QUJD".into() };
    let shown = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}});
    let prompt = Prompt { images: vec![image.clone()], ..Prompt::new("What is it?") };
    let out = claude.command(Command::Prompt(prompt));
    assert_eq!(written(&out)[0]["message"]["content"], json!([shown.clone(), {"type": "text", "text": "What is it?"}]));
    let alone = claude.command(Command::Prompt(Prompt { images: vec![image], ..Prompt::default() }));
    assert_eq!(written(&alone)[0]["message"]["content"], json!([shown]));
}

#[test]
fn an_effort_is_chosen_among_those_of_the_model() {
    let mut claude = Claude::new(&options(), Uuid::nil());
    let id = written(&claude.start())[0]["request_id"].clone();
    let models = json!([{"value": "default", "resolvedModel": "opus", "supportedEffortLevels": ["low", "high"]},
        {"value": "haiku", "resolvedModel": "haiku-4"}]);
    let answer = |id: &Value, response: Value| json!({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": response}});
    let efforts = |out: &Output| {
        out.events.iter().find_map(|event| match event {
            Event::Capabilities(can) => Some(can.efforts.iter().map(|effort| effort.id.clone()).collect::<Vec<_>>()),
            _ => None,
        })
    };
    let out = feed(&mut claude, answer(&id, json!({"models": models})));
    assert_eq!(efforts(&out), Some(vec!["low".to_owned(), "high".to_owned()]));

    let asked = written(&claude.command(Command::SetEffort("high".into())));
    assert_eq!(asked[0]["request"], json!({"subtype": "apply_flag_settings", "settings": {"effortLevel": "high"}}));
    let out = feed(&mut claude, answer(&asked[0]["request_id"], Value::Null));
    assert_eq!(out.events, [Event::Effort("high".into())]);

    let asked = written(&claude.command(Command::SetModel("haiku".into())));
    let out = feed(&mut claude, answer(&asked[0]["request_id"], Value::Null));
    assert_eq!(efforts(&out), Some(Vec::new()), "that model has none");
    let init = json!({"type": "system", "subtype": "init", "session_id": "s", "model": "haiku-4", "tools": []});
    assert_eq!(efforts(&feed(&mut claude, init)), None, "the same model by its other name is no news");
}
