//! What a runner can do and has to choose from: the words of its `ready`, and its `capabilities` messages.
//!
//! ```text
//! ← ready        {capabilities: [word], events?}
//! ← capabilities {models? modes? efforts? commands? [{id name? description? asksNothing?}], images?, model? mode? effort?}
//! → set_model {sessionId model}   set_mode {sessionId mode}   set_effort {sessionId effort}
//! ```
//!
//! A key that a later `capabilities` leaves out stays as it was. `model`, `mode` and `effort` say what is set now: they
//! answer a `set_…`, or tell a change of the runner's own. `events` names the provider whose shapes its events have.

use serde_json::{Map, Value};

use super::fields::text;
use crate::domain::{Capabilities, Choice, Event};

#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    pub(super) permission: bool,
    pub(super) interrupt: bool,
    pub(super) multi_turn: bool,
    set_model: bool,
    set_mode: bool,
    set_effort: bool,
    images: bool,
    /// It tells of each call before it runs, where it is told to.
    calls: bool,
    models: Vec<Choice>,
    modes: Vec<Choice>,
    efforts: Vec<Choice>,
    commands: Vec<Choice>,
    /// What is set now, if the runner has said so.
    pub(super) model: Option<String>,
    mode: Option<String>,
    /// What it was told to set and has not answered yet.
    wanted_mode: Option<String>,
    pub(super) effort: Option<String>,
    /// The runner was told something to set.
    was_set: bool,
}

impl Offers {
    /// The runner's `ready`: it takes back whatever an earlier one has announced, and nothing else.
    pub(super) fn announce(&mut self, object: &Map<String, Value>) {
        let list = object.get("capabilities").and_then(Value::as_array);
        let has = |name: &str| list.is_some_and(|list| list.iter().any(|each| each.as_str() == Some(name)));
        self.permission = has("permission");
        self.interrupt = has("interrupt");
        self.multi_turn = has("multi_turn");
        self.set_model = has("model");
        self.set_mode = has("mode");
        self.set_effort = has("effort");
        self.images = has("images");
        self.calls = has("calls");
    }

    /// A `capabilities` message; the events are what is set now, where that is news. Until a run has `begun` or something
    /// was set, what the runner says of itself is no answer, and must not hide what the session is started with.
    pub(super) fn extend(&mut self, object: &Map<String, Value>, begun: bool) -> Vec<Event> {
        let list = |key: &str, to: &mut Vec<Choice>| {
            if let Some(list) = object.get(key).and_then(Value::as_array) {
                *to = list.iter().filter_map(choice).collect();
            }
        };
        list("models", &mut self.models);
        list("modes", &mut self.modes);
        list("efforts", &mut self.efforts);
        list("commands", &mut self.commands);
        if let Some(images) = object.get("images").and_then(Value::as_bool) {
            self.images = images;
        }
        let mut events = Vec::new();
        if !begun && !self.was_set {
            return events;
        }
        let mut set = |key: &str, now: &mut Option<String>, event: fn(String) -> Event| {
            if let Some(value) = text(object, key).filter(|value| now.as_deref() != Some(value)) {
                *now = Some(value.to_owned());
                events.push(event(value.to_owned()));
            }
        };
        set("model", &mut self.model, Event::Model);
        if object.contains_key("mode") {
            self.wanted_mode = None;
        }
        set("mode", &mut self.mode, Event::Mode);
        set("effort", &mut self.effort, Event::Effort);
        events
    }

    /// Whether `set_model`, `set_mode`, `set_effort` may be said.
    pub(super) fn takes(&self, what: &str) -> bool {
        match what {
            "model" => self.set_model,
            "mode" => self.set_mode,
            "effort" => self.set_effort,
            _ => false,
        }
    }

    /// A run that begins before the answer must not undo what was chosen: it might be allowed more than the user wants.
    pub(super) fn want(&mut self, what: &str, value: &str) {
        self.was_set = true;
        if what == "mode" {
            self.wanted_mode = Some(value.to_owned());
        }
    }

    pub(super) fn mode(&self) -> Option<&str> {
        self.wanted_mode.as_deref().or(self.mode.as_deref())
    }

    /// `heard`: the runner has said something. Until then an interrupt is kept for it.
    pub(super) fn capabilities(&self, heard: bool) -> Capabilities {
        Capabilities {
            models: self.models.clone(),
            modes: self.modes.clone(),
            efforts: self.efforts.clone(),
            commands: self.commands.clone(),
            permission: self.permission,
            tells_calls: self.calls,
            interrupt: self.interrupt || !heard,
            multi_turn: self.multi_turn,
            resume: true,
            set_model: self.set_model,
            set_mode: self.set_mode,
            set_effort: self.set_effort,
            images: self.images,
            ..Capabilities::default()
        }
    }
}

/// A word alone is an id.
fn choice(value: &Value) -> Option<Choice> {
    let field = |key: &str| value[key].as_str().filter(|text| !text.trim().is_empty());
    let id = value.as_str().or(field("id"))?;
    Some(Choice {
        id: id.to_owned(),
        name: field("name").unwrap_or(id).to_owned(),
        description: field("description").unwrap_or_default().to_owned(),
        asks_nothing: value["asksNothing"] == true,
    })
}
