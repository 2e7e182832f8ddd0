//! What an agent, or an MCP server behind it, asks of the user: a form, or a page to open.
//!
//! A form is a flat JSON Schema, one question a field. Answers go back in the types that it wants; one that does not fit
//! is asked for again.

mod field;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    agent::json::{some_text, text, texts},
    domain::{Question, QuestionOption, QuestionRequest, RequestId},
};
use field::Field;

type Answers = BTreeMap<String, Vec<String>>;

/// A request that waits for the user.
#[derive(Clone, Debug)]
pub struct Pending {
    message: String,
    /// Who asks.
    title: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Form(Vec<Field>),
    /// The agent's name for the page.
    Page {
        url: String,
        id: String,
    },
}

/// The one question of a page, and of a form without fields.
const OPEN: &str = "open";
const YES: &str = "Yes";
const NO: &str = "No";

/// `None` if it is of a kind that nobody can show.
pub fn pending(params: &Value, title: &str) -> Option<Pending> {
    let message = text(params, "message").trim().to_owned();
    let what = match (text(params, "mode"), some_text(params, "url"), params.get("requestedSchema")) {
        ("url", Some(url), _) => What::Page { url: url.to_owned(), id: text(params, "elicitationId").to_owned() },
        ("form" | "", None, Some(schema)) => What::Form(fields(schema)),
        _ => return None,
    };
    Some(Pending { message, title: title.to_owned(), what })
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = texts(schema, "required");
    let mut fields: Vec<Field> = Vec::new();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut field = Field::read(name, property, required.iter().any(|required| required == name));
        // A choice and a free text that belong together are one question.
        if let Some(choice) = fields.iter_mut().find(|choice| field.is_other_of(choice, property)) {
            choice.other = Some(name.clone());
            choice.secret |= field.secret;
            continue;
        }
        field.header_from(schema);
        fields.push(field);
    }
    fields
}

impl Pending {
    /// `problem`: why it is asked again.
    pub fn request(&self, id: RequestId, problem: Option<&str>) -> QuestionRequest {
        let questions = match &self.what {
            What::Form(fields) if !fields.is_empty() => {
                fields.iter().map(|field| field.question(&self.message, fields.len() == 1, problem)).collect()
            }
            What::Form(_) => vec![self.yes_or_no(&self.message, "")],
            What::Page { url, .. } => vec![self.yes_or_no(&format!("{} Open {url}?", self.message), url)],
        };
        let url = match &self.what {
            What::Page { url, .. } => Some(url.clone()),
            What::Form(_) => None,
        };
        QuestionRequest { request_id: id, url, questions }
    }

    fn yes_or_no(&self, asked: &str, opens: &str) -> Question {
        let option = |label: &str, description: &str| QuestionOption {
            label: label.to_owned(),
            description: description.to_owned(),
        };
        Question {
            id: OPEN.to_owned(),
            header: self.title.clone(),
            text: asked.trim().to_owned(),
            multi: false,
            secret: false,
            options: vec![option(YES, opens), option(NO, "")],
            allow_other: false,
        }
    }

    /// The page with this name of the agent's.
    pub fn is_page(&self, id: &str) -> bool {
        matches!(&self.what, What::Page { id: own, .. } if own == id && !id.is_empty())
    }

    /// What the agent gets, or what is wrong with the answers.
    pub fn answer(&self, answers: &Answers) -> Result<Value, String> {
        let What::Form(fields) = &self.what else { return Ok(self.yes(answers)) };
        if fields.is_empty() {
            return Ok(self.yes(answers));
        }
        let mut content = Map::new();
        for field in fields {
            field.answer(answers.get(&field.name).map_or(&[], Vec::as_slice), &mut content)?;
        }
        Ok(json!({"action": "accept", "content": content}))
    }

    fn yes(&self, answers: &Answers) -> Value {
        let yes = answers.get(OPEN).is_some_and(|chosen| chosen.iter().any(|label| label == YES));
        match (yes, &self.what) {
            (true, What::Form(_)) => json!({"action": "accept", "content": {}}),
            (true, What::Page { .. }) => json!({"action": "accept"}),
            (false, _) => declined(),
        }
    }
}

pub fn declined() -> Value {
    json!({"action": "decline"})
}

pub fn cancelled() -> Value {
    json!({"action": "cancel"})
}

#[cfg(test)]
mod tests;
