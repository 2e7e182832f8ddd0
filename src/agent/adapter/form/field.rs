//! One field of a form: as a question, and its answer as a value of the field's type.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::{
    agent::json::{is_true, list, some_text, text},
    domain::{Question, QuestionOption},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Number,
    Switch,
    /// Several texts.
    List,
    /// Something that no form should have; what is typed is read as JSON if it is some.
    Json,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    label: String,
    description: String,
    kind: Kind,
    required: bool,
    pub secret: bool,
    /// With what each option stands for.
    choices: Vec<(QuestionOption, Value)>,
    default: Value,
    /// The bounds of a number, of a text's length or of a list's.
    least: Option<f64>,
    most: Option<f64>,
    /// The field that takes what is none of the choices.
    pub other: Option<String>,
}

impl Field {
    pub fn read(name: &str, property: &Value, required: bool) -> Self {
        let kind = match text(property, "type") {
            "string" | "" => Kind::Text,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Switch,
            "array" => Kind::List,
            _ => Kind::Json,
        };
        let bound = |keys: [&str; 3]| keys.iter().find_map(|key| property.get(*key)?.as_f64());
        let codex_secret = property.pointer("/_meta/codex/isSecret") == Some(&Value::Bool(true));
        Self {
            name: name.to_owned(),
            label: some_text(property, "title").unwrap_or(name).to_owned(),
            description: text(property, "description").trim().to_owned(),
            kind,
            required,
            secret: text(property, "format") == "password" || is_true(property, "writeOnly") || codex_secret,
            choices: if kind == Kind::Switch { switch() } else { choices(property) },
            default: property.get("default").cloned().unwrap_or(Value::Null),
            least: bound(["minimum", "minLength", "minItems"]),
            most: bound(["maximum", "maxLength", "maxItems"]),
            other: None,
        }
    }

    /// A form's title stands where the field has none of its own.
    pub fn header_from(&mut self, schema: &Value) {
        if self.label == self.name
            && let Some(title) = some_text(schema, "title")
        {
            title.clone_into(&mut self.label);
        }
    }

    /// Whether it takes what is none of the choices of the other: claude-agent-acp 0.49.0 says so by the field's name,
    /// codex-acp 2.6.0 in `_meta`.
    pub fn is_other_of(&self, choice: &Field, property: &Value) -> bool {
        let free = self.kind == Kind::Text && self.choices.is_empty() && !self.required;
        let note = property.pointer("/_meta/codex").filter(|codex| text(codex, "role") == "user_note");
        let named = note
            .map_or(self.name == format!("{}_custom", choice.name), |codex| text(codex, "questionId") == choice.name);
        free && named && !choice.choices.is_empty() && choice.kind != Kind::Switch
    }

    pub fn question(&self, asker: Option<&str>, message: &str, alone: bool, problem: Option<&str>) -> Question {
        let mut asked = match (alone, self.description.is_empty() || asker.is_some()) {
            (true, true) if !message.is_empty() => message.to_owned(),
            _ => format!("{message} {}", self.told(asker.is_some())),
        };
        let default = shown(&self.default);
        match (&self.default, self.required) {
            (Value::Null, true) => {}
            // Where something is to be chosen, leaving is a choice that everybody knows.
            (Value::Null, false) if self.choices.is_empty() => asked.push_str(" (may be left empty)"),
            (Value::Null, false) => {}
            _ => asked.push_str(&format!(" (left empty: {default})")),
        }
        if let Some(problem) = problem {
            asked = format!("{problem}. {}", asked.trim());
        }
        Question {
            id: self.name.clone(),
            header: asker.unwrap_or(&self.label).to_owned(),
            text: asked.trim().to_owned(),
            multi: self.kind == Kind::List,
            secret: self.secret,
            options: self.choices.iter().map(|(option, _)| option.clone()).collect(),
            allow_other: self.choices.is_empty() || self.other.is_some(),
        }
    }

    /// What it is about. `whole`: no header has its label.
    fn told(&self, whole: bool) -> Cow<'_, str> {
        match (self.description.is_empty(), whole && self.label != self.name) {
            (true, _) => self.label.as_str().into(),
            (false, true) => format!("{} ({})", self.label, self.description).into(),
            (false, false) => self.description.as_str().into(),
        }
    }

    /// Puts the answer into the form's content. An error says what is wrong with it.
    pub fn answer(&self, chosen: &[String], content: &mut Map<String, Value>) -> Result<(), String> {
        let said: Vec<&str> = chosen.iter().map(String::as_str).filter(|said| !said.trim().is_empty()).collect();
        if said.is_empty() {
            match (&self.default, self.required) {
                (Value::Null, true) => return Err(format!("{} has to be answered", self.label)),
                (Value::Null, false) => {}
                (default, _) => {
                    content.insert(self.name.clone(), default.clone());
                }
            }
            return Ok(());
        }
        let (known, free): (Vec<&str>, Vec<&str>) =
            said.into_iter().partition(|said| self.choices.is_empty() || self.choice(said).is_some());
        if !free.is_empty() {
            let Some(other) = &self.other else {
                let labels: Vec<&str> = self.choices.iter().map(|(option, _)| option.label.as_str()).collect();
                return Err(format!("{} is none of {}", self.quoted(&free.join(", ")), labels.join(", ")));
            };
            content.insert(other.clone(), json!(free.join(", ")));
        }
        if !known.is_empty() {
            content.insert(self.name.clone(), self.value(&known)?);
        }
        Ok(())
    }

    fn choice(&self, said: &str) -> Option<&Value> {
        let is_it = |(option, value): &&(QuestionOption, Value)| match self.kind {
            Kind::Switch => option.label.eq_ignore_ascii_case(said.trim()) || shown(value) == said.trim(),
            _ => option.label == said || shown(value) == said,
        };
        self.choices.iter().find(is_it).map(|(_, value)| value)
    }

    fn value(&self, said: &[&str]) -> Result<Value, String> {
        let first = said.first().copied().unwrap_or_default();
        let value = match self.kind {
            Kind::List => said.iter().map(|said| self.choice(said).cloned().unwrap_or_else(|| json!(said))).collect(),
            _ if !self.choices.is_empty() => self.choice(first).cloned().unwrap_or(Value::Null),
            Kind::Integer => {
                json!(first.trim().parse::<i64>().map_err(|_| format!("{} is no whole number", self.quoted(first)))?)
            }
            Kind::Number => {
                let number = first.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                json!(number.ok_or_else(|| format!("{} is no number", self.quoted(first)))?)
            }
            Kind::Text => json!(said.join(", ")),
            Kind::Switch | Kind::Json => serde_json::from_str(first).unwrap_or_else(|_| json!(first)),
        };
        self.bounded(value)
    }

    /// What was typed, for people; a secret must not come to stand in a question, and so in a journal.
    fn quoted(&self, said: &str) -> String {
        if self.secret { format!("the answer to {}", self.label) } else { format!("'{said}'") }
    }

    fn bounded(&self, value: Value) -> Result<Value, String> {
        let (size, of) = match &value {
            Value::Number(number) => (number.as_f64(), ""),
            Value::String(text) => (Some(text.chars().count() as f64), " characters"),
            Value::Array(list) => (Some(list.len() as f64), " choices"),
            _ => (None, ""),
        };
        match (size, self.least, self.most) {
            (Some(size), Some(least), _) if size < least => Err(format!("{} is at least {least}{of}", self.label)),
            (Some(size), _, Some(most)) if size > most => Err(format!("{} is at most {most}{of}", self.label)),
            _ => Ok(value),
        }
    }
}

fn option(label: &str, description: &str) -> QuestionOption {
    QuestionOption { label: label.to_owned(), description: description.to_owned() }
}

fn shown(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::from)
}

fn switch() -> Vec<(QuestionOption, Value)> {
    vec![(option("Yes", ""), json!(true)), (option("No", ""), json!(false))]
}

fn choices(property: &Value) -> Vec<(QuestionOption, Value)> {
    let of = property.get("items").unwrap_or(property);
    let titled = ["oneOf", "anyOf"].iter().map(|key| list(of, key)).find(|titled| !titled.is_empty());
    let titled = titled.unwrap_or_default().iter().filter_map(|choice| {
        let value = choice.get("const")?;
        let name = shown(value);
        let title = some_text(choice, "title").unwrap_or(&name);
        // claude-agent-acp 0.49.0 puts both into the title.
        let split = title.strip_prefix(&*name).and_then(|rest| rest.strip_prefix(" — "));
        let (label, description) = split.map_or((title, ""), |description| (&*name, description));
        Some((option(label, some_text(choice, "description").unwrap_or(description)), value.clone()))
    });
    let plain = list(of, "enum").iter().enumerate().map(|(at, value)| {
        let named = list(of, "enumNames").get(at).and_then(Value::as_str);
        (option(named.unwrap_or(&shown(value)), ""), value.clone())
    });
    titled.chain(plain).collect()
}
