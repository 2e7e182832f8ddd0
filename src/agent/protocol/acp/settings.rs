//! What can be set while a session runs: modes, models, efforts and whatever else the agent offers.
//!
//! Three generations of the protocol say it: `configOptions` with categories, `modes`, and `models`, which never became
//! part of it (Gemini CLI 0.61.0 has nothing else). Where two say the same, the newest is used.

use serde_json::{Value, json};

use crate::{
    agent::json::{list, some_text, text},
    domain::{AgentOption, Capabilities, Choice, Event},
};

/// Modes whose id holds one of these let the agent act without asking. A mode is no sandbox, whatever its name.
const ASKS_NOTHING: [&str; 6] = ["bypass", "yolo", "full-access", "full_access", "fullaccess", "dangerous"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Mode,
    Model,
    Effort,
    Other,
}

#[derive(Clone, Debug)]
struct Setting {
    role: Role,
    way: Way,
    option: AgentOption,
}

/// How it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `session/set_config_option`, with a text or a switch.
    Option,
    Switch,
    /// `session/set_mode`
    Mode,
    /// `session/set_model`
    Model,
}

#[derive(Debug, Default)]
pub struct Settings {
    options: Vec<Setting>,
    modes: Option<Setting>,
    models: Option<Setting>,
    /// What events have said: mode, model, effort.
    told: [String; 3],
}

/// A request that sets something, without the session's id.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    pub params: Value,
    /// What is set, for people, and to what.
    pub what: String,
    pub id: String,
    pub value: String,
}

impl Settings {
    /// What the answer to a request or an update has of it; what it does not name stays.
    pub fn take(&mut self, value: &Value) {
        if value.get("configOptions").is_some_and(Value::is_array) {
            self.options.clear();
            for option in list(value, "configOptions") {
                let Some(mut setting) = setting(option) else { continue };
                if setting.role != Role::Other && self.options.iter().any(|known| known.role == setting.role) {
                    setting.role = Role::Other;
                }
                self.options.push(setting);
            }
        }
        if let Some(modes) = value.get("modes").filter(|modes| modes.is_object()) {
            let choices = list(modes, "availableModes").iter().filter_map(|mode| choice(mode, "id"));
            self.modes = Some(older(Role::Mode, Way::Mode, "mode", text(modes, "currentModeId"), choices.collect()));
        }
        if let Some(models) = value.get("models").filter(|models| models.is_object()) {
            let choices = list(models, "availableModels").iter().filter_map(|model| choice(model, "modelId"));
            let now = text(models, "currentModelId");
            self.models = Some(older(Role::Model, Way::Model, "model", now, choices.collect()));
        }
    }

    /// The agent has changed its mode by itself, or was told to by [`Request`].
    pub fn is_now(&mut self, role: Role, value: &str) {
        let all = self.options.iter_mut().chain(&mut self.modes).chain(&mut self.models);
        for setting in all.filter(|setting| setting.role == role && role != Role::Other) {
            value.clone_into(&mut setting.option.value);
        }
    }

    /// A request for this option was granted.
    pub fn is_set(&mut self, request: &Request) {
        let all = self.options.iter().chain(&self.modes).chain(&self.models);
        let role = all.filter(|setting| setting.option.id == request.id).map(|setting| setting.role).next();
        self.is_now(role.unwrap_or(Role::Other), &request.value);
        let other = |setting: &&mut Setting| setting.option.id == request.id && setting.role == Role::Other;
        if let Some(setting) = self.options.iter_mut().find(other) {
            request.value.clone_into(&mut setting.option.value);
        }
    }

    pub fn fill(&self, capabilities: &mut Capabilities) {
        let choices = |role| self.find(role).map(|setting| setting.option.choices.clone()).unwrap_or_default();
        capabilities.modes = choices(Role::Mode);
        capabilities.models = choices(Role::Model);
        capabilities.efforts = choices(Role::Effort);
        capabilities.set_mode = self.find(Role::Mode).is_some();
        capabilities.set_model = self.find(Role::Model).is_some();
        capabilities.set_effort = self.find(Role::Effort).is_some();
        let others = self.options.iter().filter(|setting| setting.role == Role::Other);
        capabilities.options = others.map(|setting| setting.option.clone()).collect();
    }

    /// What is set now and was not told yet.
    pub fn news(&mut self) -> Vec<Event> {
        let events: [fn(String) -> Event; 3] = [Event::Mode, Event::Model, Event::Effort];
        let mut news = Vec::new();
        for (at, role) in [Role::Mode, Role::Model, Role::Effort].into_iter().enumerate() {
            let Some(now) = self.find(role).map(|setting| setting.option.value.clone()) else { continue };
            if !now.is_empty() && self.told[at] != now {
                news.push(events[at](now.clone()));
                self.told[at] = now;
            }
        }
        news
    }

    pub fn value(&self, role: Role) -> Option<&str> {
        self.find(role).map(|setting| setting.option.value.as_str())
    }

    /// What is set now, in the order in which it is to be set again: a model may limit the rest.
    pub fn values(&self) -> Vec<(Role, String)> {
        let roles = [Role::Model, Role::Mode, Role::Effort].into_iter();
        roles.filter_map(|role| Some((role, self.value(role)?.to_owned()))).collect()
    }

    /// An error is a sentence. A model may be one that the list leaves out; it is the agent's to refuse.
    pub fn request(&self, role: Role, value: &str, title: &str) -> Result<Request, String> {
        let word = match role {
            Role::Mode => "mode",
            Role::Model => "model",
            Role::Effort | Role::Other => "effort",
        };
        let setting = self.find(role).ok_or_else(|| format!("{title} does not let one choose its {word}"))?;
        setting.request(value, word, title, role != Role::Model)
    }

    /// One of the other options, by its id.
    pub fn request_option(&self, id: &str, value: &str, title: &str) -> Result<Request, String> {
        let found = self.options.iter().find(|setting| setting.option.id == id);
        let setting = found.ok_or_else(|| format!("{title} has no option '{id}'"))?;
        setting.request(value, &setting.option.name, title, true)
    }

    fn find(&self, role: Role) -> Option<&Setting> {
        let older = match role {
            Role::Mode => self.modes.as_ref(),
            Role::Model => self.models.as_ref(),
            Role::Effort | Role::Other => None,
        };
        self.options.iter().find(|setting| setting.role == role).or(older)
    }
}

impl Setting {
    fn request(&self, value: &str, word: &str, title: &str, only_listed: bool) -> Result<Request, String> {
        let choices = &self.option.choices;
        let named = |choice: &&Choice| choice.id == value || choice.name.eq_ignore_ascii_case(value);
        let value = match choices.iter().find(|choice| choice.id == value).or_else(|| choices.iter().find(named)) {
            Some(choice) => choice.id.clone(),
            None if only_listed => {
                let known: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
                return Err(format!("{title} has no {word} '{value}': choose one of {}", known.join(", ")));
            }
            None => value.to_owned(),
        };
        let (id, what) = (self.option.id.clone(), word.to_owned());
        let (method, params) = match self.way {
            Way::Mode => ("session/set_mode", json!({"modeId": value})),
            Way::Model => ("session/set_model", json!({"modelId": value})),
            Way::Option => ("session/set_config_option", json!({"configId": id, "value": value})),
            Way::Switch => {
                ("session/set_config_option", json!({"configId": id, "type": "boolean", "value": value == "true"}))
            }
        };
        Ok(Request { method, params, what, id, value })
    }
}

fn older(role: Role, way: Way, id: &str, value: &str, choices: Vec<Choice>) -> Setting {
    let option = AgentOption { id: id.to_owned(), value: value.to_owned(), choices, ..AgentOption::default() };
    Setting { role, way, option }
}

fn setting(option: &Value) -> Option<Setting> {
    let id = some_text(option, "id")?;
    let role = match some_text(option, "category").unwrap_or(id) {
        "mode" => Role::Mode,
        "model" => Role::Model,
        "thought_level" | "effort" | "reasoning_effort" => Role::Effort,
        _ => Role::Other,
    };
    let now = option.get("currentValue").unwrap_or(&Value::Null);
    let (way, role, value, choices) = if let (Some(on), "boolean") = (now.as_bool(), text(option, "type")) {
        let switch = |id: &str, name: &str| Choice { id: id.into(), name: name.into(), ..Choice::default() };
        (Way::Switch, Role::Other, on.to_string(), vec![switch("true", "on"), switch("false", "off")])
    } else {
        let groups = list(option, "options").iter().flat_map(|entry| match entry.get("options") {
            Some(_) => list(entry, "options").iter().collect(),
            None => vec![entry],
        });
        let choices = groups.filter_map(|entry| choice(entry, "value")).collect();
        (Way::Option, role, now.as_str().unwrap_or_default().to_owned(), choices)
    };
    let option = AgentOption {
        id: id.to_owned(),
        name: some_text(option, "name").unwrap_or(id).to_owned(),
        description: text(option, "description").to_owned(),
        value,
        choices,
    };
    Some(Setting { role, way, option })
}

fn choice(value: &Value, key: &str) -> Option<Choice> {
    let id = some_text(value, key)?;
    let lower = id.to_ascii_lowercase();
    Some(Choice {
        id: id.to_owned(),
        name: some_text(value, "name").unwrap_or(id).to_owned(),
        description: text(value, "description").to_owned(),
        asks_nothing: key != "modelId" && ASKS_NOTHING.iter().any(|word| lower.contains(word)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gemini() -> Value {
        json!({"modes": {"currentModeId": "default", "availableModes": [
                {"id": "default", "name": "Default"}, {"id": "yolo", "name": "YOLO"}, {"name": "no id"}]},
            "models": {"currentModelId": "auto", "availableModels": [{"modelId": "auto", "name": "Auto"}]}})
    }

    fn codex() -> Value {
        json!({"models": {"currentModelId": "gpt[low]", "availableModels": [{"modelId": "gpt[low]"}]},
            "modes": {"currentModeId": "agent", "availableModes": [{"id": "agent"}]},
            "configOptions": [
                {"id": "mode", "category": "mode", "type": "select", "currentValue": "agent",
                    "options": [{"value": "agent", "name": "Auto review"}, {"value": "agent-full-access"}]},
                {"id": "m", "name": "Model", "category": "model", "type": "select", "currentValue": "gpt",
                    "options": [{"group": "g", "name": "G", "options": [{"value": "gpt"}, {"value": "luna", "name": "Luna"}]}]},
                {"id": "reasoning_effort", "category": "thought_level", "currentValue": "low", "options": [{"value": "low"}]},
                {"id": "collab", "name": "Collaboration", "category": "collaboration_mode", "currentValue": "default",
                    "options": [{"value": "default"}, {"value": "plan", "name": "Plan"}]},
                {"id": "fast", "name": "Fast", "type": "boolean", "currentValue": false}, {"name": "no id"}, 7]})
    }

    #[test]
    fn each_generation_is_understood_and_the_newest_is_used() {
        let mut settings = Settings::default();
        settings.take(&gemini());
        let mut can = Capabilities::default();
        settings.fill(&mut can);
        assert!(can.set_mode && can.set_model && !can.set_effort && can.options.is_empty());
        assert_eq!(can.modes.iter().map(|mode| mode.asks_nothing).collect::<Vec<_>>(), [false, true]);
        assert_eq!(settings.news(), [Event::Mode("default".into()), Event::Model("auto".into())]);
        assert_eq!(settings.news(), []);
        let mode = settings.request(Role::Mode, "yolo", "X").expect("a mode");
        assert_eq!((mode.method, &mode.params), ("session/set_mode", &json!({"modeId": "yolo"})));
        let model = settings.request(Role::Model, "unlisted", "X").expect("the agent's to refuse");
        assert_eq!((model.method, &model.params), ("session/set_model", &json!({"modelId": "unlisted"})));
        settings.is_set(&mode);
        assert_eq!(settings.news(), [Event::Mode("yolo".into())]);
    }

    #[test]
    fn options_have_their_place_by_category() {
        let mut settings = Settings::default();
        settings.take(&codex());
        let mut can = Capabilities::default();
        settings.fill(&mut can);
        assert_eq!(can.models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["gpt", "luna"]);
        assert_eq!(can.options.iter().map(|option| option.id.as_str()).collect::<Vec<_>>(), ["collab", "fast"]);
        assert!(can.set_effort && can.modes[1].asks_nothing);
        let model = settings.request(Role::Model, "luna", "X").expect("a model");
        assert_eq!(model.params, json!({"configId": "m", "value": "luna"}));
        let by_name = settings.request_option("collab", "plan", "X").expect("a choice");
        assert_eq!(by_name.params, json!({"configId": "collab", "value": "plan"}));
        settings.is_set(&by_name);
        let fast = settings.request_option("fast", "true", "X").expect("a switch");
        assert_eq!(fast.params, json!({"configId": "fast", "type": "boolean", "value": true}));
        settings.is_set(&fast);
        settings.fill(&mut can);
        assert_eq!(can.options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>(), ["plan", "true"]);
        settings.is_now(Role::Mode, "agent-full-access");
        assert_eq!(settings.value(Role::Mode), Some("agent-full-access"));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut settings = Settings::default();
        assert_eq!(settings.request(Role::Mode, "x", "X"), Err("X does not let one choose its mode".into()));
        settings.take(&codex());
        let error = settings.request(Role::Mode, "x", "X").expect_err("no such mode");
        assert_eq!(error, "X has no mode 'x': choose one of agent, agent-full-access");
        assert!(settings.request_option("nope", "x", "X").is_err());
        settings.take(&json!({"configOptions": null, "modes": 5, "models": []}));
        assert_eq!(settings.value(Role::Model), Some("gpt"), "nonsense changes nothing");
    }
}
