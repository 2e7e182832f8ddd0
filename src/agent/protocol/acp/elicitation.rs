//! What an agent, or an MCP server behind it, asks of the user: a form, or a page to open.
//!
//! A form whose answers do not fit is asked again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    agent::{
        adapter::form::Form,
        json::{some_text, text},
    },
    domain::{Question, QuestionOption, QuestionRequest, RequestId},
};

type Answers = BTreeMap<String, Vec<String>>;

/// A request that waits for the user.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Who asks.
    title: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Form(Form),
    Page {
        message: String,
        url: String,
        /// The agent's name for the page.
        id: String,
    },
}

/// The one question of a page, and of a form without fields.
const OPEN: &str = "open";
const YES: &str = "Yes";
const NO: &str = "No";

/// `None` if it is of a kind that nobody can show.
pub fn pending(params: &Value, title: &str) -> Option<Pending> {
    let message = text(params, "message").trim();
    let what = match (text(params, "mode"), some_text(params, "url"), params.get("requestedSchema")) {
        ("url", Some(url), _) => What::Page {
            message: message.to_owned(),
            url: url.to_owned(),
            id: text(params, "elicitationId").to_owned(),
        },
        ("form" | "", None, Some(schema)) => What::Form(Form::read(None, message, schema)),
        _ => return None,
    };
    Some(Pending { title: title.to_owned(), what })
}

impl Pending {
    /// `problem`: why it is asked again.
    pub fn request(&self, id: RequestId, problem: Option<&str>) -> QuestionRequest {
        let (url, questions) = match &self.what {
            What::Form(form) if form.is_empty() => (None, vec![self.yes_or_no(form.message(), "")]),
            What::Form(form) => (None, form.questions(problem)),
            What::Page { message, url, .. } => {
                (Some(url.clone()), vec![self.yes_or_no(&format!("{message} Open {url}?"), url)])
            }
        };
        QuestionRequest { request_id: id, tool_use_id: None, url, questions }
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
        match &self.what {
            What::Form(form) if !form.is_empty() => Ok(json!({"action": "accept", "content": form.content(answers)?})),
            What::Form(_) | What::Page { .. } => Ok(self.yes(answers)),
        }
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
