//! What the recordings do not show: agents that answer wrongly, late or not at all, and what crosses a turn.

mod asking;
mod opening;

use super::*;
use crate::{
    agent::stop::STOP_LIMIT,
    domain::{Answer, OptionId, ProviderConfig, RequestId, SessionId, TurnOutcome},
};

fn options() -> StartOptions {
    let id = SessionId::parse("s").expect("a valid id");
    let config =
        ProviderConfig { title: "X".into(), command: Some(vec!["x".into(), "acp".into()]), ..Default::default() };
    StartOptions::new(id, "x", config, "/p".into())
}

/// A protocol and what it has written and told since somebody looked.
struct Desk {
    acp: Acp,
    out: Output,
}

impl Desk {
    fn new(options: &StartOptions) -> Self {
        let mut acp = Acp::new(options, Uuid::nil());
        let out = acp.start();
        Self { acp, out }
    }

    /// Opened by an agent that can do everything.
    fn open() -> Self {
        let mut desk = Self::new(&options());
        desk.answer("initialize", able());
        desk.answer("session/new", json!({"sessionId": "c"}));
        desk.look();
        desk
    }

    fn prompted() -> Self {
        let mut desk = Self::open();
        desk.prompt("go");
        desk.look();
        desk
    }

    fn feed(&mut self, value: Value) {
        let out = self.acp.receive(Frame::Line(value.to_string()));
        self.out.extend(out);
    }

    fn command(&mut self, command: Command) {
        let out = self.acp.command(command);
        self.out.extend(out);
    }

    fn prompt(&mut self, text: &str) {
        self.command(Command::Prompt(Prompt::new(text)));
    }

    fn choose(&mut self, request_id: &RequestId, option: &str, message: Option<&str>) {
        let answer =
            Answer::Option { option_id: OptionId::from(option), message: message.map(str::to_owned), input: None };
        self.command(Command::Answer { request_id: request_id.clone(), answer });
    }

    fn update(&mut self, update: Value) {
        self.feed(
            json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "c", "update": update}}),
        );
    }

    /// The id of our request of this method that waits for its answer.
    #[track_caller]
    fn waiting(&self, method: &str) -> u64 {
        let is = |sent: &Sent| match sent {
            Sent::Initialize => method == "initialize",
            Sent::Open(opening) => opening.method == method,
            Sent::Ping => method == "_agor.nvim/ping",
            Sent::Authenticate => method == "authenticate",
            Sent::Prompt => method == "session/prompt",
            Sent::Set { request, .. } => request.method == method,
            Sent::List { .. } => method == "session/list",
            Sent::Delete(_) => method == "session/delete",
        };
        let found = self.acp.peer.waiting().find(|(_, sent)| is(sent));
        found.unwrap_or_else(|| panic!("no {method} waits: {:?}", self.acp.peer)).0
    }

    #[track_caller]
    fn answer(&mut self, method: &str, result: Value) {
        let id = self.waiting(method);
        self.feed(json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    #[track_caller]
    fn refuse(&mut self, method: &str, code: i64, message: &str) {
        let id = self.waiting(method);
        self.feed(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}));
    }

    fn ask(&mut self, id: u64, method: &str, params: Value) {
        self.feed(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// What was written and told since the last look.
    fn look(&mut self) -> (Vec<Value>, Vec<Event>) {
        let out = std::mem::take(&mut self.out);
        let writes = out.writes.iter().map(|line| serde_json::from_slice(line).expect("a line of JSON")).collect();
        (writes, out.events)
    }

    fn events(&mut self) -> Vec<Event> {
        self.look().1
    }

    fn writes(&mut self) -> Vec<Value> {
        self.look().0
    }
}

fn able() -> Value {
    json!({"protocolVersion": 1, "agentCapabilities": {"loadSession": true,
        "promptCapabilities": {"image": true, "embeddedContext": true},
        "sessionCapabilities": {"list": {}, "resume": {}, "close": {}, "delete": {}, "fork": {}}},
        "authMethods": [{"id": "key", "name": "Key"}, {"id": "web", "type": "terminal", "args": ["login"]}]})
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::TurnEnded { .. } | Event::Failed { .. })
}

fn texts(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Message { part: false, content: Content::Text { text }, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn chunk(text: &str) -> Value {
    json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}})
}

#[test]
fn a_turn_goes_from_the_prompt_to_its_answer() {
    let mut desk = Desk::open();
    desk.prompt("go");
    let (writes, events) = desk.look();
    assert_eq!(events, [Event::TurnStarted]);
    assert_eq!(writes[0]["method"], "session/prompt");
    assert_eq!(writes[0]["params"], json!({"sessionId": "c", "prompt": [{"type": "text", "text": "go"}]}));
    desk.update(chunk("Hel"));
    desk.update(chunk("lo"));
    desk.answer("session/prompt", json!({"stopReason": "end_turn", "usage": {"inputTokens": 5}}));
    let events = desk.events();
    assert_eq!(texts(&events), ["Hello"]);
    assert!(events.iter().any(|event| matches!(event, Event::Message { content: Content::Cost(_), .. })));
    let end = Event::TurnEnded { stop_reason: "end_turn".into(), outcome: TurnOutcome::Idle };
    assert_eq!(events.last(), Some(&end));
}

#[test]
fn a_cancelled_turn_ends_with_its_answer_and_not_before() {
    let mut desk = Desk::prompted();
    desk.update(json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "ls", "kind": "execute"}));
    let permission = json!({"sessionId": "c", "toolCall": {"toolCallId": "t"}, "options": []});
    desk.ask(7, "session/request_permission", permission);
    desk.look();
    desk.command(Command::Interrupt);
    let (writes, events) = desk.look();
    assert_eq!(events, []);
    assert_eq!(writes[0], json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "c"}}));
    assert_eq!(writes[1], json!({"jsonrpc": "2.0", "id": 7, "result": {"outcome": {"outcome": "cancelled"}}}));
    desk.command(Command::Interrupt);
    assert_eq!(desk.look(), (Vec::new(), Vec::new()), "once is enough");
    desk.update(chunk("late"));
    // opencode may not say why.
    desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
    let events = desk.events();
    assert_eq!(texts(&events), ["late"]);
    assert!(format!("{events:?}").contains("The turn ended before this tool had a result"), "{events:?}");
    let end = Event::TurnEnded { stop_reason: "cancelled".into(), outcome: TurnOutcome::Idle };
    assert_eq!(events.last(), Some(&end));
}

#[test]
fn an_error_is_shown_once() {
    for (chunks, result, message) in [
        (vec![], json!({"error": {"code": -32603, "message": "Internal error: no tea"}}), "no tea"),
        // Claude's agent says it twice.
        (
            vec![
                chunk("fine"),
                json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "x"}),
                chunk("no tea"),
            ],
            json!({"error": {"code": -32603, "message": "Internal error: no tea"}}),
            "no tea",
        ),
        // Codex' agent only as a text.
        (
            vec![
                json!({"sessionUpdate": "session_info_update",
                    "_meta": {"codex": {"threadStatus": {"type": "systemError"}}}}),
                chunk("{\"error\": {\"message\": \"no tea\"}}\n"),
            ],
            json!({"result": {"stopReason": "end_turn", "usage": null}}),
            "no tea",
        ),
    ] {
        let mut desk = Desk::prompted();
        chunks.into_iter().for_each(|chunk| desk.update(chunk));
        let mut answer = result;
        answer["id"] = json!(desk.waiting("session/prompt"));
        desk.feed(answer);
        let events = desk.events();
        let last_text = texts(&events).pop().unwrap_or_default().to_owned();
        assert_eq!(last_text, "", "the text is withdrawn: {events:?}");
        let shown = |event: &&Event| matches!(event, Event::Message { content: Content::Error { message: said }, .. } if said == message);
        assert_eq!(events.iter().filter(shown).count(), 1, "{events:?}");
        let outcome = TurnOutcome::Failed(message.to_owned());
        assert_eq!(events.last(), Some(&Event::TurnEnded { stop_reason: "error".into(), outcome }));
    }
}

#[test]
fn an_end_in_mid_turn_closes_what_is_open() {
    let mut desk = Desk::prompted();
    desk.update(json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "ls"}));
    desk.ask(1, "session/request_permission", json!({"toolCall": {"toolCallId": "t"}}));
    desk.ask(2, "fs/read_text_file", json!({"path": "/p/a"}));
    desk.update(chunk("half"));
    let asked = desk.acp.asked[0].id.clone();
    desk.look();
    let events = desk.acp.end().events;
    assert_eq!(events[0], Event::Withdrawn(asked));
    assert_eq!(texts(&events), ["half"]);
    assert!(events.iter().any(|event| matches!(event, Event::Message { content: Content::ToolResult(_), .. })));
    assert!(!events.iter().any(is_end), "the exit code says what became of the turn: {events:?}");
    assert_eq!(desk.acp.end(), Output::default());
}

#[test]
fn what_nobody_knows_is_kept_or_answered() {
    let mut desk = Desk::prompted();
    desk.update(json!({"sessionUpdate": "brand_new", "a": 1}));
    let events = desk.events();
    assert!(matches!(&events[..], [Event::Message { content: Content::Unknown(raw), .. }] if raw["a"] == 1));
    desk.feed(json!({"jsonrpc": "2.0", "method": "brand/new", "params": 5}));
    assert!(matches!(&desk.events()[..], [Event::Message { content: Content::Unknown(_), .. }]));
    desk.feed(json!({"jsonrpc": "2.0", "method": "_private/thing"}));
    assert_eq!(desk.events(), []);
    desk.ask(3, "terminal/create", json!({}));
    assert_eq!(desk.writes()[0]["error"]["code"], -32601);
    desk.feed(json!({"method": "session/update", "params": {"sessionId": "other", "update": chunk("not ours")}}));
    assert!(matches!(&desk.events()[..], [Event::Noise { .. }]));
    for line in ["Welcome!", "[1]", "7", "{\"jsonrpc\":"] {
        let out = desk.acp.receive(Frame::Line(line.to_owned()));
        assert_eq!(out.events, [Event::Noise { text: line.to_owned() }]);
    }
    let told = format!("{:?}", desk.acp.receive(Frame::TooLong { bytes: 20_000_000, head: String::new() }).events);
    assert!(told.contains("20000000 bytes"), "{told}");
}

#[test]
fn what_agents_say_of_themselves_is_shown_as_that() {
    let mut desk = Desk::prompted();
    let statuses = |desk: &mut Desk| -> Vec<String> {
        let status = |event: Event| match event {
            Event::Message { content: Content::Status { subtype, message }, .. } => {
                Some(format!("{subtype}: {message}"))
            }
            Event::Message { content: Content::Compaction(_), .. } => Some("compacted".to_owned()),
            Event::Title(title) => Some(format!("title {title}")),
            _ => None,
        };
        desk.events().into_iter().filter_map(status).collect()
    };
    let notice = json!({"sessionUpdate": "notice", "severity": "warning", "title": "Slow", "description": "Try later"});
    desk.update(notice.clone());
    desk.update(notice);
    desk.update(json!({"sessionUpdate": "compaction_update", "compactionId": "1", "status": "in_progress"}));
    desk.update(json!({"sessionUpdate": "compaction_update", "compactionId": "1", "status": "completed"}));
    desk.update(
        json!({"sessionUpdate": "compaction_update", "compactionId": "2", "status": "failed", "error": "no tea"}),
    );
    desk.update(json!({"sessionUpdate": "compaction_summary_chunk", "compactionId": "1", "content": {}}));
    desk.update(json!({"sessionUpdate": "session_info_update", "title": "Tea"}));
    let error = json!({"codex": {"error": {"message": "Reconnecting 1/5", "willRetry": true}}});
    desk.update(json!({"sessionUpdate": "session_info_update", "_meta": error}));
    assert_eq!(
        statuses(&mut desk),
        [
            "notice: Slow: Try later",
            "compaction: The conversation is being compacted",
            "compacted",
            "compaction: The conversation could not be compacted: no tea",
            "title Tea",
            "retry: Reconnecting 1/5; it tries again",
        ]
    );
}

#[test]
fn a_plan_is_one_message_a_turn() {
    let mut desk = Desk::prompted();
    let plan = |text: &str, status: &str| json!({"sessionUpdate": "plan", "entries": [{"content": text, "status": status, "priority": "high"}]});
    let mut ids = Vec::new();
    for (update, turn) in [
        (plan("A", "pending"), 1),
        (plan("A", "pending"), 1),
        (plan("A", "completed"), 1),
        (
            json!({"sessionUpdate": "plan_update", "plan": {"type": "items", "planId": "p", "entries": [{"content": "B"}]}}),
            2,
        ),
        (json!({"sessionUpdate": "plan_removed", "planId": "p"}), 2),
    ] {
        if turn == 2 && ids.len() == 2 {
            desk.answer("session/prompt", json!({"stopReason": "end_turn"}));
            desk.prompt("again");
            desk.look();
        }
        desk.update(update);
        ids.extend(desk.events().into_iter().filter_map(|event| match event {
            Event::Message { id, content: Content::Plan(plan), .. } => Some((id, plan.entries.len())),
            _ => None,
        }));
    }
    assert_eq!(ids.iter().map(|(_, entries)| *entries).collect::<Vec<_>>(), [1, 1, 1, 0]);
    assert!(ids[0].0 == ids[1].0 && ids[2].0 == ids[3].0 && ids[1].0 != ids[2].0, "{ids:?}");
    let text = json!({"sessionUpdate": "plan_update", "plan": {"type": "markdown", "planId": "p", "content": "# Do"}});
    desk.update(text);
    assert_eq!(texts(&desk.events()), ["# Do"]);
}

#[test]
fn stop_reasons_that_need_words_have_some() {
    for (reason, words) in [("max_tokens", "limit of tokens"), ("refusal", "refuses"), ("brand_new", "")] {
        let mut desk = Desk::prompted();
        desk.answer("session/prompt", json!({"stopReason": reason}));
        let events = desk.events();
        assert!(format!("{events:?}").contains(words), "{events:?}");
        let end = Event::TurnEnded { stop_reason: reason.into(), outcome: TurnOutcome::Idle };
        assert_eq!(events.last(), Some(&end));
    }
}

#[test]
fn settings_are_set_and_told() {
    let mut desk = Desk::open();
    desk.update(json!({"sessionUpdate": "config_option_update", "configOptions": [
        {"id": "mode", "category": "mode", "currentValue": "ask", "options": [{"value": "ask"}, {"value": "yolo"}]},
        {"id": "fast", "type": "boolean", "currentValue": false}]}));
    assert!(
        matches!(&desk.events()[..], [Event::Mode(_), Event::Capabilities(can)] if can.set_mode && can.options.len() == 1)
    );
    desk.command(Command::SetMode("yolo".into()));
    let params = json!({"sessionId": "c", "configId": "mode", "value": "yolo"});
    assert_eq!(desk.writes()[0]["params"], params);
    desk.answer("session/set_config_option", json!({}));
    assert_eq!(desk.events()[0], Event::Mode("yolo".into()));
    desk.command(Command::SetOption { id: "fast".into(), value: "true".into() });
    desk.refuse("session/set_config_option", -32603, "too fast");
    assert_eq!(desk.events(), [Event::Notice { message: "X does not take the fast true: too fast".into() }]);
    desk.command(Command::SetModel("gpt".into()));
    assert_eq!(desk.events(), [Event::Notice { message: "X does not let one choose its model".into() }]);
    desk.update(json!({"sessionUpdate": "current_mode_update", "currentModeId": "ask"}));
    assert_eq!(desk.events()[0], Event::Mode("ask".into()));
    desk.update(chunk("[MODE_UPDATE] yolo"));
    assert_eq!(desk.events(), [Event::Mode("yolo".into())], "as Gemini tells it");
}

#[test]
fn the_ladder_fits_into_its_limit() {
    let mut desk = Desk::open();
    let idle = desk.acp.stop_ladder();
    desk.prompt("go");
    let busy = desk.acp.stop_ladder();
    assert!(matches!(&busy[0].action, Action::Write(line) if line.windows(14).any(|word| word == b"session/cancel")));
    assert_eq!(busy.len(), idle.len() + 1);
    let unopened = Desk::new(&options()).acp.stop_ladder();
    assert_eq!(unopened[0].action, Action::CloseStdin);
    for ladder in [idle, busy, unopened] {
        assert!(ladder.iter().map(|step| step.wait).sum::<Duration>() <= STOP_LIMIT);
        assert_eq!(ladder.last(), Some(&Step::kill()));
    }
}

#[test]
fn a_request_that_is_too_long_is_refused_and_an_answer_that_is_ends_the_wait() {
    let mut desk = Desk::prompted();
    let head = r#"{"jsonrpc":"2.0","id":5,"method":"fs/write_text_file","params":{"path":"/a","content":"xx"#;
    let out = desk.acp.receive(Frame::TooLong { bytes: 20_000_000, head: head.to_owned() });
    let answer: Value = serde_json::from_slice(&out.writes[0]).expect("JSON");
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(5), &json!(-32600)));
}
