//! One tool call: what is known of it, and what of that has been told.

use serde_json::{Value, json};

use super::{
    super::{changes, output, plan},
    Tools, named,
};
use crate::{
    agent::{
        adapter::claude,
        json::{list, one_line, some_text, text},
    },
    domain::{Content, Event, FileDiff, Location, MessageId, Subject, ToolCall, ToolKind, ToolResult, ToolUseId},
};

/// Of a title: it is one line.
const TITLE_CHARS: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was said yet, or that it waits.
    Pending,
    Running,
    Done,
    Failed,
}

#[derive(Debug)]
pub struct Call {
    pub(super) wire: String,
    pub id: ToolUseId,
    parent: Option<ToolUseId>,
    name: String,
    /// In the agent's words.
    title: String,
    kind: String,
    input: Value,
    locations: Vec<Location>,
    state: State,
    content: Vec<Value>,
    /// The content was there before the call ran: it says what is going to happen, and not what came of it.
    early: bool,
    raw: Value,
    /// What its terminal has shown.
    terminal: String,
    refused: bool,
    cancelled: bool,
    result: MessageId,
    /// Claude's agent has told it, by the mark that it leaves.
    claudes: bool,
    told: Option<ToolCall>,
    /// The output that was told in parts, while not `in_step`.
    shown: String,
    /// Everything was told, up to here in the terminal's text, and what follows can only be more of that.
    in_step: Option<usize>,
    ended: Option<ToolResult>,
}

impl Call {
    pub(super) fn new(wire: &str, id: ToolUseId, result: MessageId, value: &Value) -> Self {
        Self {
            wire: wire.to_owned(),
            id,
            parent: Tools::parent(value),
            name: String::new(),
            title: String::new(),
            kind: String::new(),
            input: Value::Null,
            locations: Vec::new(),
            state: State::Pending,
            content: Vec::new(),
            early: true,
            raw: Value::Null,
            terminal: String::new(),
            refused: false,
            cancelled: false,
            result,
            claudes: false,
            told: None,
            shown: String::new(),
            in_step: None,
            ended: None,
        }
    }

    pub fn name(&self) -> &str {
        if self.name.is_empty() { some(&self.kind).unwrap_or("tool") } else { &self.name }
    }

    pub fn input(&self) -> &Value {
        &self.input
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// One line: what is done to what.
    pub fn title(&self, cwd: &str) -> String {
        // The tool's name stands before it anyway; but a command may begin with the same word.
        let title = self.title.trim();
        let rest = title.strip_prefix(self.name()).filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let bare = rest.filter(|_| self.kind != "execute" && !is_empty(&self.input)).map(str::trim);
        let said = some(bare.unwrap_or(title)).filter(|said| *said != self.name()).map(str::to_owned);
        // `Editing files` says less than which.
        let file = self.only_file().map(|path| relative(path, cwd));
        let names = |title: &str, file: &str| title.contains(file.rsplit('/').next().unwrap_or(file));
        let title = match (said, file) {
            (Some(title), Some(file)) if self.is_about_files() && !names(&title, &file) => file,
            (Some(title), _) => relative(&title, cwd),
            (None, Some(file)) => file,
            (None, None) => self.title.clone(),
        };
        one_line(&title, TITLE_CHARS)
    }

    fn is_about_files(&self) -> bool {
        matches!(self.kind.as_str(), "edit" | "delete" | "read")
    }

    /// The file that it is about, if there is one only.
    fn only_file(&self) -> Option<&str> {
        let changed = self.content.iter().filter(|item| is_diff(item)).filter_map(|item| some_text(item, "path"));
        let mut all = changed.chain(self.locations.iter().map(|place| place.path.as_str()));
        let first = all.next()?;
        (all.all(|path| path == first) && self.kind != "execute").then_some(first)
    }

    /// Paths below the session's directory are shown relative to it.
    pub fn changes(&self, cwd: &str) -> Vec<FileDiff> {
        let mut files = changes::of(&self.content, &self.locations, &self.input, &self.raw);
        files.iter_mut().for_each(|file| file.path = relative(&file.path, cwd));
        files
    }

    /// What the agent says about a call that has not run.
    pub fn remark(&self) -> Option<String> {
        let said = output::of_content(&self.content, "");
        Some(said.trim().to_owned()).filter(|said| self.early && !said.is_empty())
    }

    pub fn is_claudes(&self) -> bool {
        self.claudes
    }

    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// Takes over what the message names; null names nothing.
    pub(super) fn merge(&mut self, value: &Value, with_state: bool) {
        if self.name.is_empty() || some_text(value, "name").is_some() {
            named(value).unwrap_or_default().clone_into(&mut self.name);
        }
        if let Some(title) = some_text(value, "title") {
            title.clone_into(&mut self.title);
        }
        if let Some(kind) = some_text(value, "kind") {
            kind.clone_into(&mut self.kind);
        }
        match value.get("rawInput") {
            // Some announce a call before its input has arrived, and ask with another one.
            Some(input) if !input.is_null() && (with_state || is_empty(&self.input)) => self.input = input.clone(),
            // opencode 1.18.33 may ask before it has told the command.
            Some(input) if self.kind == "execute" => add_missing(&mut self.input, input),
            _ => {}
        }
        if value.get("locations").is_some_and(Value::is_array) {
            let places = list(value, "locations").iter().filter_map(location);
            let places: Vec<Location> = places.collect();
            if !places.is_empty() || with_state {
                self.locations = places;
            }
        }
        let state = match text(value, "status") {
            "in_progress" => State::Running,
            "completed" => State::Done,
            "failed" => State::Failed,
            _ => self.state,
        };
        if with_state {
            self.state = state;
        }
        if value.get("content").is_some_and(Value::is_array) {
            if let Some(told) = self.in_step.take() {
                self.shown = self.said(self.terminal.get(..told).unwrap_or_default());
            }
            let mut content = list(value, "content").to_vec();
            // opencode tells what it is going to write when it asks, and not when it has written.
            if !content.iter().any(is_diff) {
                content.extend(self.content.drain(..).filter(is_diff));
            }
            self.content = content;
            self.early = self.state == State::Pending;
        }
        if let Some(raw) = value.get("rawOutput").filter(|raw| !raw.is_null()) {
            self.raw = raw.clone();
        }
        self.claudes |= value.pointer("/_meta/claudeCode").is_some();
        self.display(value.get("_meta").unwrap_or(&Value::Null));
    }

    /// A terminal of the agent's own, whose output is ours to show only: a convention of Zed, in no specification.
    fn display(&mut self, meta: &Value) {
        for key in ["terminal_output", "terminal_output_delta"] {
            self.terminal.push_str(meta.get(key).map_or("", |shown| text(shown, "data")));
        }
    }

    /// What is news of it.
    pub(super) fn events(&mut self, cwd: &str) -> Vec<Event> {
        let mut events = Vec::new();
        // What was shown as a call ends as one.
        let as_plan = self.told.is_none() && plan::shows_as_plan(self.name()) && self.state != State::Failed;
        if as_plan {
            if self.state == State::Done {
                self.ended = Some(ToolResult::default());
            }
            return events;
        }
        let call = self.call(cwd);
        if self.told.as_ref() != Some(&call) {
            self.told = Some(call.clone());
            // Whoever reads that it was called waits for a result.
            self.ended = None;
            events.push(self.event(MessageId::from(self.id.as_str()), false, Content::ToolCall(call)));
        }
        if matches!(self.state, State::Done | State::Failed) {
            events.extend(self.end(self.outcome(cwd)));
        } else {
            events.extend(self.live());
        }
        events
    }

    fn call(&self, cwd: &str) -> ToolCall {
        ToolCall {
            tool_use_id: self.id.clone(),
            name: self.name().to_owned(),
            kind: match self.kind.as_str() {
                "read" => ToolKind::Read,
                "edit" => ToolKind::Edit,
                "delete" => ToolKind::Delete,
                "move" => ToolKind::Move,
                "search" => ToolKind::Search,
                "execute" => ToolKind::Execute,
                "think" => ToolKind::Think,
                "fetch" => ToolKind::Fetch,
                _ => ToolKind::Other,
            },
            input: self.input.clone(),
            title: self.title(cwd),
            locations: self.locations.clone(),
        }
    }

    /// More of the output. One that was rewritten, not extended, is told at its end.
    fn live(&mut self) -> Option<Event> {
        let more = match self.in_step {
            // A command may print a line for hours: all that it said before is not looked at again with each.
            Some(told) => self.terminal.get(told..)?.to_owned(),
            None => self.said(&self.terminal).strip_prefix(self.shown.as_str())?.to_owned(),
        };
        let at_end = self.early || output::ends_with_terminal(&self.content);
        if at_end && !self.terminal.is_empty() {
            self.in_step = Some(self.terminal.len());
            self.shown = String::new();
        } else {
            self.shown.push_str(&more);
        }
        if more.is_empty() {
            return None;
        }
        let result = ToolResult { tool_use_id: self.id.clone(), output: more, ..ToolResult::default() };
        Some(self.event(self.result.clone(), true, Content::ToolResult(result)))
    }

    /// All output, if this is what the terminal has shown.
    fn said(&self, terminal: &str) -> String {
        if self.early { terminal.to_owned() } else { output::of_content(&self.content, terminal) }
    }

    fn outcome(&self, cwd: &str) -> ToolResult {
        let shown = self.said(&self.terminal);
        let mut said = some(&shown).map_or_else(|| output::of_raw(&self.raw), str::to_owned);
        if said.is_empty() {
            // Nothing came after what was said before it ran, so that is all there is.
            said = output::of_content(&self.content, &self.terminal);
        }
        let is_error = self.state == State::Failed;
        if is_error && said.is_empty() && (self.refused || self.cancelled) {
            self.unrun().clone_into(&mut said);
        }
        let diff = if is_error { Vec::new() } else { self.changes(cwd) };
        ToolResult { tool_use_id: self.id.clone(), output: said, is_error, diff }
    }

    fn end(&mut self, result: ToolResult) -> Vec<Event> {
        if self.ended.as_ref() == Some(&result) {
            return Vec::new();
        }
        // Codex' histories tell the output after the end: the call is told again, so that each result ends one.
        let again = self.ended.replace(result.clone()).and(self.told.clone()).map(Content::ToolCall);
        let id = MessageId::from(self.id.as_str());
        let mut events: Vec<Event> = again.map(|call| self.event(id, false, call)).into_iter().collect();
        events.push(self.event(self.result.clone(), false, Content::ToolResult(result)));
        events
    }

    /// The turn is over, and it was not told what became of the call.
    pub(super) fn close(&mut self) -> Vec<Event> {
        if self.is_over() {
            return Vec::new();
        }
        let (tool_use_id, output) = (self.id.clone(), self.unrun().to_owned());
        let result = ToolResult { tool_use_id, output, is_error: true, diff: Vec::new() };
        // One that showed as a plan was never told.
        if self.told.is_none() {
            self.ended = Some(result);
            return Vec::new();
        }
        self.end(result)
    }

    /// Why there is no result.
    fn unrun(&self) -> &'static str {
        if self.refused { ToolResult::NOT_WANTED } else { ToolResult::CUT_SHORT }
    }

    fn event(&self, id: MessageId, part: bool, content: Content) -> Event {
        Event::Message { id, parent_id: self.parent.clone(), part, content }
    }

    /// What a permission for it can be made into a rule of, in a session that works in `cwd`. `asked` is the input as the
    /// request has it: where that says other things than the call, what is shown is not what would be allowed.
    pub fn subject(&self, cwd: &str, asked: &Value) -> Subject {
        let told = |(key, value): (&String, &Value)| self.input.get(key) == Some(value);
        let same = asked.as_object().is_none_or(|fields| fields.iter().all(told));
        // And without a command nobody knows what would run.
        let nameless = self.kind == "execute" && !self.input.is_null() && self.input.get("command").is_none();
        match self.subject_told(cwd) {
            Subject::Command { .. } | Subject::Input if !same || nameless => Subject::Always,
            subject => subject,
        }
    }

    fn subject_told(&self, cwd: &str) -> Subject {
        if self.claudes {
            return claude::subject(&self.name, &self.input);
        }
        let files = |paths: Vec<String>, change| match paths.is_empty() || names_others(&self.input, &paths) {
            true => Subject::Input,
            false => Subject::Files { paths, change },
        };
        let places = || self.locations.iter().map(|place| place.path.clone());
        match self.kind.as_str() {
            "execute" => {
                let mut input = self.input.clone();
                // Said to run where all commands do, as Codex says of each.
                if let Some(fields) = input.as_object_mut()
                    && some_text(&self.input, "cwd") == Some(cwd)
                {
                    fields.remove("cwd");
                }
                Subject::of_command(&input)
            }
            "edit" => {
                let changed = self.content.iter().filter(|item| is_diff(item));
                let changed: Vec<String> =
                    changed.filter_map(|item| some_text(item, "path")).map(str::to_owned).collect();
                // Without a diff, what it touches is the agent's guess.
                let others = if changed.is_empty() { Vec::new() } else { places().collect() };
                files(changed.into_iter().chain(others).collect(), true)
            }
            "read" => files(places().collect(), false),
            "switch_mode" => Subject::Always,
            "search" | "fetch" | "think" | "other" | "" if !self.name.is_empty() => Subject::Tool,
            _ => Subject::Input,
        }
    }

    /// The input as a question shows it. A command without input has its title only.
    pub fn asked_input(&self) -> Value {
        if self.input.is_null() && self.kind == "execute" { json!({"command": self.title}) } else { self.input.clone() }
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn relative(path: &str, cwd: &str) -> String {
    let below = path.strip_prefix(cwd).and_then(|rest| rest.strip_prefix('/')).filter(|rest| !rest.is_empty());
    below.unwrap_or(path).to_owned()
}

fn add_missing(known: &mut Value, told: &Value) {
    if let (Some(known), Some(told)) = (known.as_object_mut(), told.as_object()) {
        for (key, value) in told {
            known.entry(key).or_insert_with(|| value.clone());
        }
    }
}

fn is_empty(input: &Value) -> bool {
    input.is_null() || input.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Whether the input is about a file that is not among those: then those are not all that it touches.
fn names_others(input: &Value, paths: &[String]) -> bool {
    let about = |key: &str| {
        let key = key.to_lowercase();
        ["path", "file", "dest", "target"].iter().any(|word| key.contains(word))
    };
    let here =
        |value: &str| paths.iter().any(|path| std::path::Path::new(path).ends_with(value.trim_start_matches("./")));
    let named = |value: &Value| {
        value.as_str().is_some_and(|value| value.contains('/') && !value.contains('\n') && !here(value))
    };
    input.as_object().is_some_and(|fields| {
        fields.iter().filter(|(key, _)| about(key)).any(|(_, value)| match value {
            Value::Array(values) => values.iter().any(named),
            value => named(value),
        })
    })
}

fn is_diff(item: &Value) -> bool {
    text(item, "type") == "diff"
}

fn location(place: &Value) -> Option<Location> {
    let line = place.get("line").and_then(Value::as_u64).filter(|line| *line > 0);
    Some(Location { path: some_text(place, "path")?.to_owned(), line })
}
