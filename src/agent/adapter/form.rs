//! A form as agents and MCP servers ask it (elicitation): a flat JSON schema as questions, one a field, and the answers in
//! the types that it wants. What does not fit is a sentence, and the form can be asked again with it.
//!
//! Knows nothing of the messages that carry a form and its answers.

mod field;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{agent::json::texts, domain::Question};
use field::Field;

/// A form that waits for the user.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Who asks, where that is not plain: an MCP server behind the agent.
    asker: Option<String>,
    /// What for.
    message: String,
    fields: Vec<Field>,
}

impl Form {
    /// The form that `schema` describes; whatever is no schema is a form without fields.
    pub fn read(asker: Option<&str>, message: &str, schema: &Value) -> Self {
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
        Self { asker: asker.map(str::to_owned), message: message.trim().to_owned(), fields }
    }

    /// There is nothing to fill in, only a message to agree with.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// `problem`: what was wrong with the last answers.
    pub fn questions(&self, problem: Option<&str>) -> Vec<Question> {
        let alone = self.fields.len() == 1;
        let question = |field: &Field| field.question(self.asker.as_deref(), &self.message, alone, problem);
        self.fields.iter().map(question).collect()
    }

    /// The content for whoever asks; what was left empty is left out.
    ///
    /// # Errors
    /// What is wrong with the first answer that does not fit its field, as a sentence without its end.
    pub fn content(&self, answers: &BTreeMap<String, Vec<String>>) -> Result<Value, String> {
        let mut content = Map::new();
        for field in &self.fields {
            field.answer(answers.get(&field.name).map_or(&[], Vec::as_slice), &mut content)?;
        }
        Ok(Value::Object(content))
    }
}
