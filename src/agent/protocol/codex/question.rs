//! Questions of the model (`requestUserInput`) and of MCP servers (elicitation), and their answers.
//!
//! Whether an MCP tool may run is asked as an elicitation without a field (Codex 0.169.0); that is a permission request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::approval;
use crate::{
    agent::{
        adapter::form::Form,
        json::{is_true, list, some_text, text, texts},
    },
    domain::{
        OptionId, OptionKind, PermissionOption, PermissionRequest, Question, QuestionOption, QuestionRequest,
        RequestId, Subject, ToolUseId,
    },
};

/// Answers by question id.
type Answers = BTreeMap<String, Vec<String>>;

/// Questions that wait for the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Pending {
    Ask,
    Form(Form),
    Page,
}

/// What an elicitation is for us.
#[derive(Debug)]
pub enum Elicitation {
    Question(QuestionRequest, Pending),
    Permission(PermissionRequest, approval::Pending),
    /// There is nothing that could be asked.
    Impossible,
}

/// The model's questions; `None` if there is not one that can be shown.
pub fn ask(id: RequestId, params: &Value) -> Option<(QuestionRequest, Pending)> {
    let questions: Vec<Question> = list(params, "questions").iter().filter_map(asked).collect();
    (!questions.is_empty())
        .then(|| (QuestionRequest { request_id: id, tool_use_id: None, url: None, questions }, Pending::Ask))
}

fn asked(question: &Value) -> Option<Question> {
    let (id, asked) = (some_text(question, "id")?, some_text(question, "question")?);
    let options = list(question, "options").iter().filter_map(|option| {
        let label = some_text(option, "label")?.to_owned();
        Some(QuestionOption { label, description: text(option, "description").to_owned() })
    });
    let options: Vec<QuestionOption> = options.collect();
    Some(Question {
        id: id.to_owned(),
        header: text(question, "header").to_owned(),
        text: asked.to_owned(),
        multi: false,
        secret: is_true(question, "isSecret"),
        allow_other: is_true(question, "isOther") || options.is_empty(),
        options,
    })
}

/// `mcpServer/elicitation/request`. `tool`: the call of that server which is under way.
pub fn elicitation(id: RequestId, params: &Value, tool: Option<ToolUseId>) -> Elicitation {
    let server = some_text(params, "serverName").unwrap_or("An MCP server");
    let message = text(params, "message");
    if params["_meta"]["codex_approval_kind"].is_string() {
        let (shown, pending) = tool_approval(id, params, server, tool);
        return Elicitation::Permission(shown, pending);
    }
    match text(params, "mode") {
        "url" => {
            let Some(url) = some_text(params, "url") else { return Elicitation::Impossible };
            let open = QuestionOption { label: "Done".to_owned(), description: "the page was dealt with".to_owned() };
            let question = Question {
                id: "url".to_owned(),
                header: server.to_owned(),
                text: if message.is_empty() { format!("{server} wants a page opened") } else { message.to_owned() },
                multi: false,
                secret: false,
                options: vec![open],
                allow_other: false,
            };
            let asked = QuestionRequest {
                request_id: id,
                tool_use_id: None,
                url: Some(url.to_owned()),
                questions: vec![question],
            };
            Elicitation::Question(asked, Pending::Page)
        }
        "openai/userVerification" => Elicitation::Impossible,
        _ => {
            let form = Form::read(Some(server), message, params.get("requestedSchema").unwrap_or(&Value::Null));
            match (form.is_empty(), message.is_empty()) {
                (false, _) => {
                    let asked = QuestionRequest {
                        request_id: id,
                        tool_use_id: None,
                        url: None,
                        questions: form.questions(None),
                    };
                    Elicitation::Question(asked, Pending::Form(form))
                }
                (true, true) => Elicitation::Impossible,
                // Nothing to fill in: yes or no.
                (true, false) => {
                    let (shown, pending) = tool_approval(id, params, server, None);
                    Elicitation::Permission(shown, pending)
                }
            }
        }
    }
}

fn tool_approval(
    id: RequestId,
    params: &Value,
    server: &str,
    tool: Option<ToolUseId>,
) -> (PermissionRequest, approval::Pending) {
    use OptionKind::{AllowAlways, AllowOnce, RejectOnce};
    let meta = &params["_meta"];
    let persist = texts(meta, "persist");
    let accept = |persist: Value| json!({"action": "accept", "content": {}, "_meta": persist});
    let option = |id: &str, name: &str, kind, result| {
        (PermissionOption { option_id: OptionId::from(id), name: name.to_owned(), kind }, result)
    };
    let refused = |action: &str| json!({"action": action, "content": null, "_meta": null});
    let mut choices = vec![option("accept", "Allow once", AllowOnce, accept(Value::Null))];
    if persist.iter().any(|word| word == "session") {
        choices.push(option(
            "session",
            "Allow this tool for this session",
            AllowAlways,
            accept(json!({"persist": "session"})),
        ));
    }
    if persist.iter().any(|word| word == "always") {
        let name = "Always allow this tool (writes it to Codex's config.toml, for good)";
        choices.push(option("always", name, AllowAlways, accept(json!({"persist": "always"}))));
    }
    choices.push(option("decline", "Reject", RejectOnce, refused("decline")));
    choices.push(option("cancel", "Reject and end the turn", RejectOnce, refused("cancel")));
    let shown = PermissionRequest {
        request_id: id,
        tool_use_id: tool,
        tool: format!("{server} (MCP)"),
        title: some_text(params, "message").unwrap_or("Allow this tool of an MCP server?").to_owned(),
        input: meta.get("tool_params").cloned().unwrap_or(Value::Null),
        diff: Vec::new(),
        reason: some_text(meta, "tool_description").map(str::to_owned),
        options: choices.iter().map(|(option, _)| option.clone()).collect(),
        // Which tool of the server it is stands in the message alone.
        subject: Subject::Always,
    };
    (shown, approval::Pending::new(choices, refused("cancel")))
}

impl Pending {
    /// What Codex gets; or, if the answers do not fit, the questions again, with what is wrong.
    pub fn answer(&self, answers: &Answers) -> Result<Value, Vec<Question>> {
        Ok(match self {
            Pending::Ask => {
                let answers = answers.iter().map(|(id, chosen)| (id.clone(), json!({"answers": chosen})));
                json!({"answers": answers.collect::<serde_json::Map<_, _>>()})
            }
            Pending::Form(form) => {
                let content = form.content(answers).map_err(|problem| form.questions(Some(&problem)))?;
                json!({"action": "accept", "content": content, "_meta": null})
            }
            Pending::Page => json!({"action": "accept", "content": null, "_meta": null}),
        })
    }

    /// The user does not want to answer.
    pub fn decline(&self) -> Value {
        match self {
            // The model is told that there is no answer, and goes on.
            Pending::Ask => json!({"answers": {}}),
            Pending::Form(_) | Pending::Page => json!({"action": "decline", "content": null, "_meta": null}),
        }
    }
}

/// For what cannot be asked.
pub fn declined() -> Value {
    json!({"action": "decline", "content": null, "_meta": null})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_questions_are_answered_by_their_ids() {
        // As Codex 0.169.0 asks in plan mode.
        let params = json!({"questions": [{"id": "color", "header": "Colour", "question": "Which colour?", "isOther": true,
            "isSecret": false, "options": [{"label": "Red", "description": "warm"}, {"label": "Blue"}, 7]},
            {"id": "free", "question": "Why?", "isSecret": true, "options": null}, {"question": "no id"}]});
        let (asked, pending) = ask("r".into(), &params).expect("questions");
        let shapes = asked.questions.iter().map(|q| (q.id.as_str(), q.options.len(), q.allow_other, q.secret));
        assert_eq!(shapes.collect::<Vec<_>>(), [("color", 2, true, false), ("free", 0, true, true)]);
        let answer = pending.answer(&[("color".to_owned(), vec!["Blue".to_owned()])].into());
        assert_eq!(answer, Ok(json!({"answers": {"color": {"answers": ["Blue"]}}})));
        assert_eq!(pending.decline(), json!({"answers": {}}));
        assert!(ask("r".into(), &json!({"questions": [{}]})).is_none());
    }

    #[test]
    fn a_tool_of_an_mcp_server_is_a_permission() {
        // As Codex 0.169.0 asks under the policy `untrusted`.
        let params = json!({"serverName": "mine", "mode": "form", "message": "Allow the mine MCP server to run tool \"echo\"?",
            "_meta": {"codex_approval_kind": "mcp_tool_call", "persist": ["session", "always"], "tool_params": {"text": "hi"}},
            "requestedSchema": {"type": "object", "properties": {}}});
        let Elicitation::Permission(shown, pending) = elicitation("r".into(), &params, Some("t".into())) else {
            panic!("no permission")
        };
        let names: Vec<&str> = shown.options.iter().map(|option| option.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Allow once",
                "Allow this tool for this session",
                "Always allow this tool (writes it to Codex's config.toml, for good)",
                "Reject",
                "Reject and end the turn"
            ]
        );
        let always = pending.answer(&"always".into(), None).expect("an option").result;
        assert_eq!(always, json!({"action": "accept", "content": {}, "_meta": {"persist": "always"}}));
        let words = pending.answer(&"decline".into(), Some("not now")).expect("an option");
        assert_eq!((words.result["action"].as_str(), words.words.as_deref()), (Some("decline"), Some("not now")));
    }

    #[test]
    fn forms_and_pages_are_questions() {
        let form = json!({"serverName": "s", "mode": "form", "message": "Your age?",
            "requestedSchema": {"required": ["age"], "properties": {"age": {"type": "integer"}}}});
        let Elicitation::Question(asked, pending) = elicitation("r".into(), &form, None) else { panic!("no form") };
        assert_eq!((asked.questions[0].header.as_str(), asked.questions[0].text.as_str()), ("s", "Your age?"));
        let answer = |age: &str| pending.answer(&[("age".to_owned(), vec![age.to_owned()])].into());
        assert_eq!(answer("7"), Ok(json!({"action": "accept", "content": {"age": 7}, "_meta": null})));
        let again = answer("old").expect_err("no age");
        assert_eq!(again[0].text, "'old' is no whole number. Your age?");
        let page = json!({"serverName": "s", "mode": "url", "message": "Log in", "url": "http://x"});
        let Elicitation::Question(asked, pending) = elicitation("r".into(), &page, None) else { panic!("no page") };
        assert_eq!(asked.url.as_deref(), Some("http://x"));
        assert_eq!(pending.answer(&Answers::new()).expect("a page needs none")["action"], "accept");
        assert_eq!(pending.decline()["action"], "decline");
        for none in [json!({}), json!({"mode": "url"}), json!({"mode": "openai/userVerification", "title": "t"})] {
            assert!(matches!(elicitation("r".into(), &none, None), Elicitation::Impossible), "{none}");
        }
    }
}
