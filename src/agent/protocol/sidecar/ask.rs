//! What a runner asks of the user, and the answers on the wire.
//!
//! ```text
//! ← permission_request  {sessionId requestId toolUseId toolName input options[{optionId name kind}], reason?
//!                        title? diff? files? change?}
//! → permission_response {sessionId requestId optionId, message?, input?, cancelled?}
//! ← question_request    {sessionId requestId questions[{id? header question multiSelect? secret? allowOther?
//!                        options[{label description?}]}]}
//! → question_response   {sessionId requestId answers{id: [text]}} or {sessionId requestId cancelled: true}
//! ← call_request        {sessionId requestId toolUseId? toolName input title? diff? files? change?}
//! → call_response       {sessionId requestId decision("none" "ask" "deny") message?}
//! ```
//!
//! `title` is one line for people, `diff` what the tool would change, `[{path, hunks: [{old_start, new_start, lines}]}]`;
//! both are read from the input of tools with Claude Code's names where a runner gives none. `files` are the files that the
//! call is about, and nothing but these; `change`: it changes them. Else what it is about is looked for in its input.
//! `message` goes with a refusal, `input` replaces the tool's input (a plan that the user has edited). A permission that
//! is `cancelled` names a refusing option too, where there is one, for runners that know only options. Questions are our
//! own extension, shaped after Claude Code's AskUserQuestion; `id` is the question's text unless given.

use serde_json::{Map, Value, json};

use crate::{
    agent::adapter::claude,
    domain::{
        Answer, Event, FileDiff, Judgement, OptionKind, PermissionOption, PermissionRequest, Question, QuestionOption,
        QuestionRequest, RequestId, Subject, ToolUseId,
    },
};

/// A question that waits for its answer.
pub(super) enum Ask {
    Permission { options: Vec<PermissionOption> },
    Question,
}

impl Ask {
    pub(super) fn response_type(&self) -> &'static str {
        match self {
            Ask::Permission { .. } => "permission_response",
            Ask::Question => "question_response",
        }
    }

    pub(super) fn add_answer(&self, message: &mut Map<String, Value>, answer: &Answer) {
        match (self, answer) {
            (Ask::Permission { .. }, Answer::Option { option_id, message: reason, input }) => {
                message.insert("optionId".into(), option_id.as_str().into());
                if let Some(reason) = reason {
                    message.insert("message".into(), reason.as_str().into());
                }
                if let Some(input) = input {
                    message.insert("input".into(), input.clone());
                }
            }
            (Ask::Question, Answer::Answers(answers)) => {
                message.insert("answers".into(), json!(answers));
            }
            // Cancelled, or an answer of the wrong kind, which answers nothing.
            (Ask::Permission { options }, _) => {
                let of = |kind| options.iter().find(|option| option.kind == kind);
                if let Some(option) = of(OptionKind::RejectOnce).or(of(OptionKind::RejectAlways)) {
                    message.insert("optionId".into(), option.option_id.as_str().into());
                }
                message.insert("cancelled".into(), true.into());
            }
            (Ask::Question, _) => {
                message.insert("cancelled".into(), true.into());
            }
        }
    }
}

/// `None` if it has no id, so that it could not be answered, or no question. Paths below `cwd` are shown relative to it.
pub(super) fn read(value: &Value, cwd: &str) -> Option<(RequestId, Ask, Event)> {
    let request_id = match &value["requestId"] {
        Value::String(id) if !id.is_empty() => RequestId::new(id.as_str()),
        _ => return None,
    };
    if value["type"] == "question_request" {
        let questions: Vec<Question> = value["questions"].as_array()?.iter().filter_map(question).collect();
        let tool_use_id = value["toolUseId"].as_str().map(ToolUseId::from);
        let request = QuestionRequest { request_id: request_id.clone(), tool_use_id, url: None, questions };
        return (!request.questions.is_empty()).then(|| (request_id, Ask::Question, Event::Question(request.into())));
    }
    let request = permission(value, request_id.clone(), cwd);
    let options = request.options.clone();
    Some((request_id, Ask::Permission { options }, Event::Permission(request.into())))
}

/// A call that is about to run: as a question about it would be. `None` if it has no id.
pub(super) fn call(value: &Value, cwd: &str) -> Option<(RequestId, PermissionRequest)> {
    let id = value["requestId"].as_str().filter(|id| !id.is_empty())?;
    let request_id = RequestId::new(id);
    Some((request_id.clone(), permission(value, request_id, cwd)))
}

pub(super) fn add_judgement(message: &mut Map<String, Value>, judgement: Judgement) {
    let (decision, why) = match judgement {
        Judgement::Nothing => ("none", None),
        Judgement::Ask(why) => ("ask", Some(why)),
        Judgement::Deny(why) => ("deny", Some(why)),
    };
    message.insert("decision".into(), decision.into());
    if let Some(why) = why {
        message.insert("message".into(), why.into());
    }
}

fn permission(value: &Value, request_id: RequestId, cwd: &str) -> PermissionRequest {
    let name = value["toolName"].as_str().unwrap_or_default();
    let input = value["input"].clone();
    let diff: Option<Vec<FileDiff>> = serde_json::from_value(value["diff"].clone()).ok();
    PermissionRequest {
        request_id,
        tool_use_id: value["toolUseId"].as_str().map(ToolUseId::from),
        tool: if name == "ExitPlanMode" { "plan" } else { name }.to_owned(),
        title: value["title"].as_str().map_or_else(|| claude::title(name, &input, cwd), str::to_owned),
        diff: diff.unwrap_or_else(|| claude::diff_of_input(name, &input)),
        subject: files(value).unwrap_or_else(|| claude::subject(name, &input)),
        input,
        reason: value["reason"].as_str().map(str::to_owned),
        options: options(&value["options"]),
    }
}

fn files(value: &Value) -> Option<Subject> {
    let path = |path: &Value| path.as_str().map(str::to_owned);
    let paths: Vec<String> = value["files"].as_array()?.iter().map(path).collect::<Option<_>>()?;
    // Where it does not say what it does with them, that may be a change.
    let change = value["change"].as_bool().unwrap_or(true);
    (!paths.is_empty()).then_some(Subject::Files { paths, change })
}

/// A runner that offers nothing to choose waits all the same: it gets a yes and a no.
fn options(value: &Value) -> Vec<PermissionOption> {
    let mut listed: Vec<_> = value.as_array().into_iter().flatten().filter_map(option).collect();
    // As everywhere, since `1` is quickly typed: what is allowed once is the first.
    listed.sort_by_key(|option| option.kind != OptionKind::AllowOnce);
    if !listed.is_empty() {
        return listed;
    }
    let option = |id: &str, name: &str, kind| PermissionOption { option_id: id.into(), name: name.into(), kind };
    vec![option("allow", "Allow once", OptionKind::AllowOnce), option("reject", "Reject", OptionKind::RejectOnce)]
}

fn option(value: &Value) -> Option<PermissionOption> {
    let option_id = value["optionId"].as_str()?;
    Some(PermissionOption {
        option_id: option_id.into(),
        name: value["name"].as_str().filter(|name| !name.is_empty()).unwrap_or(option_id).to_owned(),
        kind: serde_json::from_value(value["kind"].clone()).unwrap_or(OptionKind::Other),
    })
}

fn question(value: &Value) -> Option<Question> {
    let text = value["question"].as_str().or(value["text"].as_str())?;
    let options = value["options"].as_array().into_iter().flatten().filter_map(|option| {
        Some(QuestionOption {
            label: option["label"].as_str().or(option.as_str())?.to_owned(),
            description: option["description"].as_str().unwrap_or_default().to_owned(),
        })
    });
    Some(Question {
        id: value["id"].as_str().unwrap_or(text).to_owned(),
        header: value["header"].as_str().unwrap_or_default().to_owned(),
        text: text.to_owned(),
        multi: value["multiSelect"].as_bool().unwrap_or(false),
        secret: value["secret"].as_bool().unwrap_or(false),
        options: options.collect(),
        allow_other: value["allowOther"].as_bool().unwrap_or(true),
    })
}
