//! Questions of the agent itself (`AskUserQuestion`) and of its MCP servers (elicitation), and their answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    agent::{
        adapter::form::Form,
        json::{is_true, list, some_text, text},
    },
    domain::{Question, QuestionOption},
};

/// Answers by question id.
type Answers = BTreeMap<String, Vec<String>>;

/// Questions that wait for the user.
#[derive(Clone, Debug)]
pub enum Pending {
    Ask { input: Map<String, Value> },
    Form(Form),
}

/// The agent's questions; `None` if there is not one that can be shown.
pub fn ask(input: &Value) -> Option<(Vec<Question>, Pending)> {
    let questions: Vec<Question> = list(input, "questions").iter().filter_map(asked).collect();
    let input = input.as_object().filter(|_| !questions.is_empty())?.clone();
    Some((questions, Pending::Ask { input }))
}

fn asked(question: &Value) -> Option<Question> {
    let asked = some_text(question, "question")?;
    let options = list(question, "options").iter().filter_map(|option| {
        let label = option.as_str().or_else(|| some_text(option, "label"))?;
        Some(QuestionOption { label: label.to_owned(), description: text(option, "description").to_owned() })
    });
    Some(Question {
        id: asked.to_owned(),
        header: text(question, "header").to_owned(),
        text: asked.to_owned(),
        multi: is_true(question, "multiSelect"),
        secret: false,
        options: options.collect(),
        allow_other: true,
    })
}

/// A form of an MCP server, one question a field; `None` if it is not one that can be shown.
pub fn elicitation(request: &Value) -> Option<(Vec<Question>, Pending)> {
    let server = some_text(request, "mcp_server_name").unwrap_or("An MCP server");
    let form = Form::read(Some(server), text(request, "message"), request.get("requested_schema")?);
    (!form.is_empty()).then(|| (form.questions(None), Pending::Form(form)))
}

impl Pending {
    /// What the agent gets; or, if the answers do not fit, the questions again, with what is wrong.
    pub fn answer(&self, answers: &Answers) -> Result<Value, Vec<Question>> {
        Ok(match self {
            Pending::Ask { input } => {
                let mut input = input.clone();
                // By the question's text, several choices joined, as Claude Code's own dialog does it.
                let joined = answers.iter().map(|(question, chosen)| (question.clone(), json!(chosen.join(", "))));
                input.insert("answers".to_owned(), Value::Object(joined.collect()));
                json!({"behavior": "allow", "updatedInput": input})
            }
            Pending::Form(form) => {
                let content = form.content(answers).map_err(|problem| form.questions(Some(&problem)))?;
                json!({"action": "accept", "content": content})
            }
        })
    }

    /// The user does not want to answer. `reason` goes to the agent.
    pub fn decline(&self, reason: Option<&str>) -> Value {
        match self {
            Pending::Ask { .. } => {
                let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
                json!({"behavior": "deny", "message": reason.unwrap_or("The user does not want to answer this.")})
            }
            Pending::Form(_) => json!({"action": "decline"}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_by_the_question_and_choices_are_joined() {
        let input = json!({"questions": [
            {"question": "Which?", "header": "H", "multiSelect": true,
                "options": [{"label": "A", "description": "first"}, {"label": "B"}, 5]}, {"header": "no text"}]});
        let (questions, pending) = ask(&input).expect("a question");
        assert_eq!(questions.len(), 1);
        assert!(questions[0].multi && questions[0].allow_other);
        assert_eq!(questions[0].options.len(), 2);
        let answer = pending.answer(&[("Which?".to_owned(), vec!["A".to_owned(), "B".to_owned()])].into());
        let answer = answer.expect("words fit");
        assert_eq!(answer["updatedInput"]["answers"], json!({"Which?": "A, B"}));
        assert_eq!(answer["updatedInput"]["questions"], input["questions"]);
        assert_eq!(pending.decline(Some("later")), json!({"behavior": "deny", "message": "later"}));
    }

    #[test]
    fn what_asks_nothing_is_no_question() {
        for input in [json!({}), json!({"questions": "?"}), json!({"questions": []}), json!({"questions": [{}]})] {
            assert!(ask(&input).is_none(), "{input}");
        }
        assert!(elicitation(&json!({"message": "Open a page", "mode": "url"})).is_none());
    }

    #[test]
    fn a_form_is_answered_in_its_types() {
        let request = json!({"mcp_server_name": "st", "message": "You?", "requested_schema": {"type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "ok": {"type": "boolean"},
                "tags": {"type": "array", "items": {"enum": ["x", "y"]}}, "unset": {"type": "string"}}}});
        let (questions, pending) = elicitation(&request).expect("a form");
        assert_eq!(
            questions.iter().map(|q| q.text.as_str()).collect::<Vec<_>>()[..2],
            ["You? name (may be left empty)", "You? age (may be left empty)"]
        );
        let yes = |text: &str| vec![text.to_owned()];
        let answers =
            [("name", yes("Ada")), ("age", yes("36")), ("ok", yes("Yes")), ("tags", yes("x")), ("unset", vec![])];
        let answers = answers.into_iter().map(|(name, chosen)| (name.to_owned(), chosen)).collect();
        let expect = json!({"action": "accept", "content": {"age": 36, "name": "Ada", "ok": true, "tags": ["x"]}});
        assert_eq!(pending.answer(&answers), Ok(expect));
        let again = pending.answer(&[("ok".to_owned(), yes("perhaps"))].into()).expect_err("neither yes nor no");
        assert_eq!(again[0].text, "'perhaps' is none of Yes, No. You? name (may be left empty)");
        assert_eq!(pending.decline(None), json!({"action": "decline"}));
    }
}
