//! Recorded exchanges with the real Claude Code, replayed through the protocol value without any process.
//!
//! `tests/fixtures/claude/INDEX.md` says what each recording shows. What the host wrote then is turned into the commands
//! that a session would give; the lines of Claude Code are fed as they came. The goldens are rewritten by
//! `UPDATE_EXPECT=1 cargo nextest run --test claude_replay`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use agor_nvim::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol, claude::Claude},
    },
    domain::{
        Answer, Command, Content, Event, FileDiff, MessageId, Prompt, ProviderConfig, RequestId, SessionId,
        StartOptions, ToolUseId,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude");
    let entries = fs::read_dir(folder).expect("the recordings are there").map(|entry| entry.expect("readable").path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "ndjson")).collect();
    paths.sort();
    assert!(paths.len() > 100, "only {} recordings", paths.len());
    paths
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a recording is text");
    text.lines().map(|line| serde_json::from_str(line).expect("a recording is JSON")).collect()
}

fn recording(name: &str) -> Vec<Value> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/claude/{name}.ndjson")))
}

/// A session around the protocol: what it was told and what it has written.
struct Host {
    protocol: Claude,
    events: Vec<Event>,
    writes: Vec<Value>,
    running: bool,
    /// Requests that wait for the user, and those that are settled.
    open: Vec<RequestId>,
    settled: HashSet<RequestId>,
    /// The recording's request ids, and ours for the same request.
    ids: HashMap<String, String>,
}

impl Host {
    fn new(options: &StartOptions) -> Self {
        let mut host = Self {
            protocol: Claude::new(options, Uuid::nil()),
            events: Vec::new(),
            writes: Vec::new(),
            running: false,
            open: Vec::new(),
            settled: HashSet::new(),
            ids: HashMap::new(),
        };
        let out = host.protocol.start();
        host.take(out);
        host
    }

    fn take(&mut self, out: Output) {
        for line in out.writes {
            let text = String::from_utf8(line).expect("UTF-8");
            assert!(text.ends_with('\n') && text.trim_end().lines().count() == 1, "one line: {text:?}");
            let value: Value = serde_json::from_str(&text).expect("a line that Claude Code can read");
            assert!(value.is_object());
            self.writes.push(value);
        }
        for event in out.events {
            match &event {
                Event::TurnStarted => {
                    assert!(!self.running, "a turn starts within a turn");
                    self.running = true;
                }
                Event::TurnEnded { .. } | Event::Failed { .. } => self.running = false,
                Event::Permission(request) => self.open.push(request.request_id.clone()),
                Event::Question(request) => self.open.push(request.request_id.clone()),
                Event::Withdrawn(id) => self.settle(&id.clone()),
                _ => {}
            }
            self.events.push(event);
        }
    }

    fn settle(&mut self, id: &RequestId) {
        assert!(self.open.iter().any(|open| open == id), "{id} is settled without being open");
        self.open.retain(|open| open != id);
        assert!(self.settled.insert(id.clone()), "{id} is settled twice");
    }

    fn line(&mut self, line: &str) {
        let out = self.protocol.receive(Frame::Line(line.to_owned()));
        self.take(out);
    }

    fn command(&mut self, command: Command) {
        let out = self.protocol.command(command);
        self.take(out);
    }

    fn end(&mut self) {
        let out = self.protocol.end();
        self.take(out);
        assert!(!self.running && self.open.is_empty(), "something is left open at the end");
    }

    /// What the recording's host wrote, as a user's command.
    fn written(&mut self, message: &Value) {
        let request = &message["request"];
        match (message["type"].as_str(), request["subtype"].as_str()) {
            // A session holds prompts back while a turn runs.
            (Some("user"), _) if !self.running => {
                let text = message["message"]["content"].as_str().unwrap_or("(blocks)").to_owned();
                self.command(Command::Prompt(Prompt { text, context: Vec::new() }));
            }
            (Some("control_request"), Some("initialize")) => self.same(message, 0),
            (Some("control_request"), Some("interrupt")) => {
                self.command(Command::Interrupt);
                self.same(message, self.writes.len() - 1);
            }
            (Some("control_request"), Some("set_permission_mode")) => {
                let before = self.writes.len();
                self.command(Command::SetMode(request["mode"].as_str().unwrap_or_default().to_owned()));
                if self.writes.len() > before {
                    self.same(message, before);
                }
            }
            (Some("control_response"), _) => self.answered(&message["response"]),
            _ => {}
        }
    }

    /// Our write number `at` stands for the recording's request.
    fn same(&mut self, message: &Value, at: usize) {
        let theirs = message["request_id"].as_str().unwrap_or_default().to_owned();
        self.ids.insert(theirs, self.writes[at]["request_id"].as_str().expect("a request has an id").to_owned());
    }

    fn answered(&mut self, response: &Value) {
        let id = RequestId::from(response["request_id"].as_str().unwrap_or_default());
        if !self.open.contains(&id) {
            return;
        }
        let theirs = &response["response"];
        let asked = self.events.iter().any(|event| matches!(event, Event::Question(asked) if asked.request_id == id));
        let answer = match (theirs["behavior"].as_str(), theirs["updatedInput"]["answers"].as_object()) {
            (_, Some(answers)) => {
                let split = |value: &Value| value.as_str().unwrap_or_default().split(", ").map(str::to_owned).collect();
                Answer::Answers(answers.iter().map(|(key, value)| (key.clone(), split(value))).collect())
            }
            // An empty answer to a question has no counterpart here: the user declines.
            _ if asked => Answer::Cancelled,
            (Some("allow"), None) => self.option(&id, theirs),
            (Some("deny"), None) => {
                let stop = if theirs["interrupt"] == true { "reject_stop" } else { "reject" };
                let message = theirs["message"].as_str().filter(|_| stop == "reject").map(str::to_owned);
                Answer::Option { option_id: stop.into(), message, input: None }
            }
            _ => Answer::Cancelled,
        };
        self.command(Command::Answer { request_id: id.clone(), answer });
        let ours = self.writes.last().expect("an answer was written");
        assert_eq!(ours["response"]["request_id"], id.as_str());
        self.settle(&id);
        // Answered twice is answered once.
        let again = Answer::Cancelled;
        let out = self.protocol.command(Command::Answer { request_id: id, answer: again });
        assert_eq!(out, Output::default());
    }

    fn option(&self, id: &RequestId, theirs: &Value) -> Answer {
        let options = self.events.iter().find_map(|event| match event {
            Event::Permission(request) if request.request_id == *id => Some(&request.options),
            _ => None,
        });
        let first = options.and_then(|options| options.first()).map(|option| option.option_id.clone());
        let known =
            |id: &str| options.is_some_and(|options| options.iter().any(|option| option.option_id.as_str() == id));
        let lasting = ["approve_edits", "allow_always", "allow_session"].into_iter().find(|id| known(id));
        let option_id = match (theirs["updatedPermissions"].is_array(), lasting) {
            (true, Some(id)) => id.into(),
            _ => first.expect("every request has options"),
        };
        Answer::Option { option_id, message: None, input: None }
    }

    /// What Claude Code printed, with our request ids in it.
    fn printed(&mut self, message: &Value) {
        let mut message = message.clone();
        if let Some(ours) = message["response"]["request_id"].as_str().and_then(|id| self.ids.get(id)) {
            message["response"]["request_id"] = json!(ours);
        }
        self.line(&message.to_string());
    }
}

fn options() -> StartOptions {
    let id = SessionId::parse("replay").expect("a valid id");
    let mut options = StartOptions::new(id, "claude", ProviderConfig::default(), "/project".into());
    // So that the recordings of a resume that fails tell of it; the others are not changed by it.
    options.resume_session_id = Some("resumed".into());
    options
}

fn replay(recording: &[Value]) -> Host {
    let mut host = Host::new(&options());
    for entry in recording {
        match entry["dir"].as_str() {
            Some("in") => host.written(&entry["msg"]),
            Some("out") => host.printed(&entry["msg"]),
            _ => {}
        }
    }
    host.end();
    host
}

/// A replay as people read it.
fn story(recording: &[Value]) -> String {
    let mut host = Host::new(&options());
    let mut out = String::new();
    let mut parts: BTreeMap<MessageId, usize> = BTreeMap::new();
    let (mut seen, mut written) = (0, 0);
    let mut tell = |host: &Host, out: &mut String| {
        for write in &host.writes[written..] {
            writeln!(out, "< {}", told_write(write)).expect("a string takes text");
        }
        written = host.writes.len();
        for event in &host.events[seen..] {
            if let Event::Message { id, part: true, .. } = event {
                *parts.entry(id.clone()).or_default() += 1;
            } else if let Some(line) = told(event, &mut parts) {
                writeln!(out, "{line}").expect("a string takes text");
            }
        }
        seen = host.events.len();
    };
    for entry in recording {
        match entry["dir"].as_str() {
            Some("in") => host.written(&entry["msg"]),
            Some("out") => host.printed(&entry["msg"]),
            _ => {}
        }
        tell(&host, &mut out);
    }
    writeln!(out, "-- end of output").expect("a string takes text");
    host.end();
    tell(&host, &mut out);
    out
}

fn told_write(write: &Value) -> String {
    match write["type"].as_str() {
        Some("user") => format!("prompt {}", write["message"]["content"]),
        Some("control_request") => {
            let mut request = write["request"].clone();
            let subtype = request["subtype"].take();
            request.as_object_mut().expect("an object").remove("subtype");
            let rest = if request == json!({}) { String::new() } else { format!(" {request}") };
            format!("request {}{rest}", subtype.as_str().unwrap_or_default())
        }
        _ => format!("answer {}", write["response"]["response"]),
    }
}

fn told(event: &Event, parts: &mut BTreeMap<MessageId, usize>) -> Option<String> {
    Some(match event {
        Event::Message { id, parent_id, content, .. } => {
            let parts = parts.remove(id).map(|parts| format!(" ({parts} parts)")).unwrap_or_default();
            let depth = if parent_id.is_some() { "  | " } else { "" };
            format!("{depth}{}{parts}", told_content(content))
        }
        Event::Capabilities(what) => {
            format!("can: {} models, {} modes, {} commands", what.models.len(), what.modes.len(), what.commands.len())
        }
        Event::Permission(request) => {
            let options: Vec<&str> = request.options.iter().map(|option| option.name.as_str()).collect();
            let reason = request.reason.as_deref().map(|reason| format!(" because {reason}")).unwrap_or_default();
            let diff = told_diff(&request.diff);
            format!("PERMISSION {} [{}]{reason}{diff}: {}", request.tool, request.title, options.join(" / "))
        }
        Event::Question(request) => {
            let asked = request.questions.iter().map(|question| {
                let options: Vec<&str> = question.options.iter().map(|option| option.label.as_str()).collect();
                format!("{} ({}, several: {})", question.text, options.join(" / "), question.multi)
            });
            format!("QUESTION {}", asked.collect::<Vec<_>>().join("; "))
        }
        Event::Withdrawn(_) => "withdrawn".to_owned(),
        Event::TurnStarted => "turn started".to_owned(),
        Event::TurnEnded { stop_reason, outcome } => format!("turn ended: {stop_reason}, {outcome:?}"),
        Event::AgentSession(_) => "agent session".to_owned(),
        other => format!("{other:?}"),
    })
}

fn told_content(content: &Content) -> String {
    match content {
        Content::Init(init) => format!("init {} {}, {} tools", init.model, init.cwd, init.tools.len()),
        Content::Prompt { text, .. } => format!("prompt {text:?}"),
        Content::Text { text } => format!("text {text:?}"),
        Content::Thinking { text } => format!("thinking {text:?}"),
        Content::ToolCall(call) => {
            let whole = if call.input == json!({}) { " (input to come)" } else { "" };
            format!("call {} {:?} [{}]{whole}", call.name, call.kind, call.title)
        }
        Content::ToolResult(result) => {
            let error = if result.is_error { " ERROR" } else { "" };
            format!("result{error} {:?}{}", result.output, told_diff(&result.diff))
        }
        Content::Plan(plan) => {
            let entries = plan.entries.iter().map(|entry| format!("{} {:?}", entry.text, entry.status));
            format!("plan: {}", entries.collect::<Vec<_>>().join(", "))
        }
        Content::Status { subtype, message } => format!("status {subtype}: {message}"),
        Content::Cost(cost) => {
            let figures = (cost.total_cost_usd, cost.input_tokens, cost.output_tokens, cost.num_turns);
            format!("cost (dollars, in, out, turns) {figures:?} error: {} {:?}", cost.is_error, cost.errors)
        }
        other => format!("{other:?}"),
    }
}

fn told_diff(diff: &[FileDiff]) -> String {
    diff.iter().fold(String::new(), |mut out, file| {
        write!(out, " {}", file.path).expect("a string takes text");
        for hunk in &file.hunks {
            write!(out, " @{},{} {:?}", hunk.old_start, hunk.new_start, hunk.lines).expect("a string takes text");
        }
        out
    })
}

#[test]
fn every_recording_keeps_the_invariants() {
    for path in fixtures() {
        let recording = read(&path);
        let host = replay(&recording);
        check_invariants(&path, &host);
        assert_eq!(shown_texts(&host), said_texts(&recording), "the texts of {}", path.display());
    }
}

fn check_invariants(path: &Path, host: &Host) {
    let name = path.display();
    let mut joined: HashMap<MessageId, String> = HashMap::new();
    let mut tools: Vec<(ToolUseId, Option<ToolUseId>)> = Vec::new();
    for event in &host.events {
        match event {
            Event::Message { id, part, content: Content::Text { text } | Content::Thinking { text }, .. } => {
                if *part {
                    joined.entry(id.clone()).or_default().push_str(text);
                } else if let Some(joined) = joined.remove(id) {
                    assert!(text.is_empty() || joined == *text, "{name}: {joined:?} became {text:?}");
                }
            }
            Event::Message { parent_id, content: Content::ToolCall(call), .. } => {
                tools.retain(|(id, _)| *id != call.tool_use_id);
                tools.push((call.tool_use_id.clone(), parent_id.clone()));
            }
            Event::Message { content: Content::ToolResult(result), .. } => {
                assert!(tools.iter().any(|(id, _)| *id == result.tool_use_id), "{name}: a result without a call");
                tools.retain(|(id, _)| *id != result.tool_use_id);
            }
            Event::Message { content: Content::Unknown(value), .. } => panic!("{name}: not understood: {value}"),
            // Only a subagent in the background works on.
            Event::TurnEnded { .. } => assert!(tools.iter().all(|(_, parent)| parent.is_some()), "{name}: {tools:?}"),
            Event::Noise { text } => panic!("{name}: noise: {text}"),
            _ => {}
        }
    }
    assert!(joined.is_empty(), "{name}: texts without an end: {joined:?}");
    assert!(tools.is_empty(), "{name}: calls without an end: {tools:?}");
}

/// The main thread's texts as the transcript has them in the end.
fn shown_texts(host: &Host) -> Vec<String> {
    let mut texts: Vec<(&MessageId, &str)> = Vec::new();
    for event in &host.events {
        if let Event::Message { id, parent_id: None, part: false, content: Content::Text { text } } = event {
            match texts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, old)) => *old = text,
                None => texts.push((id, text)),
            }
        }
    }
    texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| text.to_owned()).collect()
}

/// The same from the raw lines: whole texts, and what a process that was killed had begun.
fn said_texts(recording: &[Value]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut begun = String::new();
    for message in recording.iter().filter(|entry| entry["dir"] == "out").map(|entry| &entry["msg"]) {
        match message["type"].as_str() {
            Some("stream_event") if message["event"]["type"] == "content_block_start" => begun.clear(),
            Some("stream_event") => begun.push_str(message["event"]["delta"]["text"].as_str().unwrap_or_default()),
            Some("assistant") if message["error"].is_null() && message["parent_tool_use_id"].is_null() => {
                for block in message["message"]["content"].as_array().expect("blocks") {
                    texts.extend(block["text"].as_str().filter(|text| *text != "(no content)").map(str::to_owned));
                }
                begun.clear();
            }
            _ => {}
        }
    }
    texts.extend(Some(begun).filter(|begun| !begun.is_empty()));
    texts
}

#[test]
fn a_line_that_is_cut_anywhere_changes_nothing_else() {
    for (number, path) in fixtures().iter().enumerate() {
        let recording = read(path);
        let mut whole = replay(&recording).events.into_iter();
        let mut host = Host::new(&options());
        let mut seen = 0;
        for (at, entry) in recording.iter().enumerate() {
            if entry["dir"] == "out" {
                let line = entry["msg"].to_string();
                let cuts = (0..3).map(|step| (number * 31 + at * 17 + step * 7919) % line.len());
                for mut cut in cuts.filter(|cut| *cut > 0) {
                    while !line.is_char_boundary(cut) {
                        cut -= 1;
                    }
                    host.line(&line[..cut]);
                    assert!(matches!(host.events.pop(), Some(Event::Noise { .. })), "{:?}", &line[..cut]);
                }
                host.printed(&entry["msg"]);
            } else if entry["dir"] == "in" {
                host.written(&entry["msg"]);
            }
            for event in &host.events[seen..] {
                assert_eq!(Some(event), whole.next().as_ref(), "{}", path.display());
            }
            seen = host.events.len();
        }
    }
}

#[test]
fn fields_may_be_missing_or_of_another_type() {
    for (number, path) in fixtures().iter().enumerate() {
        let recording = read(path);
        let mut host = Host::new(&options());
        let mut turn = number;
        for entry in &recording {
            if entry["dir"] == "in" {
                host.written(&entry["msg"]);
            }
            if entry["dir"] != "out" {
                continue;
            }
            for pointer in pointers(&entry["msg"], 4) {
                turn += 1;
                let mut message = entry["msg"].clone();
                let junk =
                    [json!(null), json!(7), json!("junk"), json!([]), json!({}), json!([{"type": 3}]), json!(-1.5)];
                *message.pointer_mut(&pointer).expect("a field that is there") = junk[turn % junk.len()].clone();
                // A turn that never ends in the junk's words is not our concern here; what is open must close at the end.
                let out = host.protocol.receive(Frame::Line(message.to_string()));
                host.running = false;
                host.open.clear();
                host.settled.clear();
                take_leniently(&mut host, out);
            }
            let out = host.protocol.receive(Frame::Line(entry["msg"].to_string()));
            take_leniently(&mut host, out);
        }
        let out = host.protocol.end();
        take_leniently(&mut host, out);
        let mut calls = HashSet::new();
        for event in &host.events {
            if let Event::Message { content: Content::ToolCall(call), .. } = event {
                calls.insert(&call.tool_use_id);
            } else if let Event::Message { content: Content::ToolResult(result), .. } = event {
                calls.remove(&result.tool_use_id);
            }
        }
        assert!(calls.is_empty(), "{}: calls without an end: {calls:?}", path.display());
    }
}

fn take_leniently(host: &mut Host, out: Output) {
    for line in &out.writes {
        assert!(serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object()));
    }
    host.events.extend(out.events);
}

fn pointers(value: &Value, depth: usize) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), child)).collect()
        }
        Value::Array(list) => list.iter().take(2).enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    for (key, child) in children.into_iter().filter(|_| depth > 0) {
        out.push(format!("/{key}"));
        // The long lists of the first answer are all alike.
        let deep = if ["models", "commands", "tools"].contains(&key.as_str()) { 1 } else { depth };
        out.extend(pointers(child, deep - 1).into_iter().map(|rest| format!("/{key}{rest}")));
    }
    out
}

mod golden {
    use expect_test::expect_file;

    use super::{recording, story};

    macro_rules! goldens {
        ($($name:ident)*) => {
            $(
                #[test]
                fn $name() {
                    expect_file![concat!("golden/claude/", stringify!($name), ".txt")]
                        .assert_eq(&story(&recording(stringify!($name))));
                }
            )*
        };
    }

    goldens! {
        text thinking long read write_allow edit_allow manytools badinput badtool image
        bash_allow bash_deny bash_deny_interrupt dontask
        perm_remember perm_outside parallel_permissions parallel_subagent_permissions mode_change_pending
        eof_pending_permission
        plan_file plan_reject plan_approve_acceptedits enterplan ask_answer ask_deny
        interrupt_stream interrupt_tool interrupt_hang interrupt_idle interrupt_retry
        error400 error401 error429_retry error529_exhausted error404_model no_auth no_server
        rate_limit_oauth rate_limit_rejected refusal maxturns budget
        compact_manual clear slash todo todowrite subagent_perm bgbash queue_busy queue_now
        stream_drop midstream_error subagent_bg resume_unknown resume_other_cwd sigkill_tool hook_block_prompt hooks_settings mcp_stdio
        v330_text v330_thinking v330_bash v330_ask v330_plan v330_todo v330_subagent v330_e400 v330_e429 v330_mcp
    }
}
