//! What is wanted of one session and answered by `true`, method by method.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{OfSession, read};
use crate::{
    domain::{Answer, MessageId, Prompt, RequestId, SessionId},
    session::{FileReply, Order, QueueChange},
};

/// `None`: there is no such method.
pub fn order(method: &str, json: Json) -> Result<Option<(SessionId, Order)>, String> {
    let order = match method {
        "send" => read(method, json).map(|Prompting { session_id, prompt }| (session_id, Order::Send(prompt))),
        "send_now" => read(method, json).map(|Prompting { session_id, prompt }| (session_id, Order::SendNow(prompt))),
        "steer" => read(method, json).map(|Prompting { session_id, prompt }| (session_id, Order::Steer(prompt))),
        "interrupt" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Interrupt)),
        "worktree_create" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::MakeWorktree)),
        "clear" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Clear)),
        "seed" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Seed)),
        "restart" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Restart)),
        "retry" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Retry)),
        "stop" => read(method, json).map(|Stopping { session_id, force }| (session_id, Order::Stop { force })),
        "answer" => {
            let answering: Answering = read(method, json)?;
            let (session_id, request_id) = (answering.session_id.clone(), answering.request_id.clone());
            Ok((session_id, Order::Answer { request_id, answer: answering.answer()? }))
        }
        "set_model" => setting(method, json, Order::SetModel),
        "set_mode" => setting(method, json, Order::SetMode),
        "set_effort" => setting(method, json, Order::SetEffort),
        "set_option" => read(method, json)
            .map(|SettingOption { session_id, option, value }| (session_id, Order::SetOption { id: option, value })),
        "login" => read(method, json).map(|LoggingIn { session_id, login }| (session_id, Order::Login(login))),
        "shell" => read(method, json).map(|Running { session_id, command }| (session_id, Order::Shell(command))),
        "file" => {
            let filing: Filing = read(method, json)?;
            let (session_id, request_id) = (filing.session_id.clone(), filing.request_id.clone());
            Ok((session_id, Order::File { request_id, reply: filing.reply()? }))
        }
        "delete_conversation" => read(method, json)
            .map(|Deleting { session_id, conversation }| (session_id, Order::DeleteConversation(conversation))),
        "queue_edit" => read(method, json).map(|QueueEdit { session_id, entry, prompt }| {
            (session_id, Order::Queue { entry, change: QueueChange::Edit(prompt) })
        }),
        "queue_move" => read(method, json).map(|QueueMove { session_id, entry, to }| {
            (session_id, Order::Queue { entry, change: QueueChange::Move { to } })
        }),
        "queue_send" => read(method, json).map(|QueueSend { session_id, entry, interrupt }| {
            (session_id, Order::Queue { entry, change: QueueChange::Send { interrupt } })
        }),
        "queue_put" => {
            read(method, json).map(|QueuePut { session_id, at, prompt }| (session_id, Order::QueuePut { at, prompt }))
        }
        #[cfg(debug_assertions)]
        "panic" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::Panic)),
        "queue_go" => read::<OfSession>(method, json).map(|of| (of.session_id, Order::QueueGo)),
        _ => return Ok(None),
    };
    order.map(Some)
}

/// All of them, for those who try what they make of anything.
#[cfg(any(test, fuzzing))]
pub const ORDERS: &[&str] = &[
    "send",
    "send_now",
    "steer",
    "interrupt",
    "clear",
    "seed",
    "restart",
    "retry",
    "stop",
    "answer",
    "set_model",
    "set_mode",
    "set_effort",
    "set_option",
    "login",
    "shell",
    "file",
    "delete_conversation",
    "worktree_create",
    "queue_edit",
    "queue_move",
    "queue_send",
    "queue_put",
    "queue_go",
];

fn setting(method: &str, json: Json, order: fn(String) -> Order) -> Result<(SessionId, Order), String> {
    let Setting { session_id, value } = read(method, json)?;
    match value.is_empty() {
        true => Err(format!("{method}: value is empty")),
        false => Ok((session_id, order(value))),
    }
}

#[derive(Debug, Deserialize)]
struct Prompting {
    session_id: SessionId,
    prompt: Prompt,
}

#[derive(Debug, Deserialize)]
struct Stopping {
    session_id: SessionId,
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Deserialize)]
struct Setting {
    session_id: SessionId,
    value: String,
}

#[derive(Debug, Deserialize)]
struct SettingOption {
    session_id: SessionId,
    option: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct LoggingIn {
    session_id: SessionId,
    login: String,
}

#[derive(Debug, Deserialize)]
struct Running {
    session_id: SessionId,
    command: String,
}

#[derive(Debug, Deserialize)]
struct Filing {
    session_id: SessionId,
    request_id: RequestId,
    text: Option<String>,
    #[serde(default)]
    written: bool,
    #[serde(default)]
    missing: bool,
    error: Option<String>,
    #[serde(default)]
    disk: bool,
}

impl Filing {
    fn reply(self) -> Result<FileReply, String> {
        Ok(match (self.text, self.error) {
            (_, Some(error)) => FileReply::Failed(error),
            (Some(text), None) => FileReply::Text(text),
            _ if self.disk => FileReply::Disk,
            _ if self.missing => FileReply::Missing,
            _ if self.written => FileReply::Written,
            _ => return Err("file: say text, written, missing, error or disk".to_owned()),
        })
    }
}

#[derive(Debug, Deserialize)]
struct Deleting {
    session_id: SessionId,
    conversation: String,
}

#[derive(Debug, Deserialize)]
struct QueueEdit {
    session_id: SessionId,
    entry: MessageId,
    prompt: Option<Prompt>,
}

#[derive(Debug, Deserialize)]
struct QueueMove {
    session_id: SessionId,
    entry: MessageId,
    to: usize,
}

#[derive(Debug, Deserialize)]
struct QueueSend {
    session_id: SessionId,
    entry: MessageId,
    #[serde(default)]
    interrupt: bool,
}

#[derive(Debug, Deserialize)]
struct QueuePut {
    session_id: SessionId,
    at: usize,
    prompt: Prompt,
}

#[derive(Debug, Deserialize)]
struct Answering {
    session_id: SessionId,
    request_id: RequestId,
    option_id: Option<String>,
    message: Option<String>,
    input: Option<Json>,
    answers: Option<Map<String, Json>>,
    #[serde(default)]
    cancel: bool,
}

impl Answering {
    fn answer(self) -> Result<Answer, String> {
        if self.cancel {
            return Ok(Answer::Cancelled);
        }
        if let Some(option_id) = self.option_id {
            return Ok(Answer::Option { option_id: option_id.into(), message: self.message, input: self.input });
        }
        let answers = self.answers.ok_or("answer: give an option, answers, or cancel = true")?;
        let texts = |value: Json| match value {
            Json::String(text) => vec![text],
            Json::Array(items) => items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        Ok(Answer::Answers(answers.into_iter().map(|(id, value)| (id, texts(value))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn anything_else_is_an_error_that_names_the_method() {
        for bad in [json!({}), json!(7), json!({"session_id": "a b"})] {
            for method in ORDERS {
                let error = order(method, bad.clone()).expect_err("bad");
                assert!(error.starts_with(&format!("{method}: ")), "{error}");
            }
        }
        let nothing = json!({"session_id": "a", "value": ""});
        assert_eq!(order("set_mode", nothing), Err("set_mode: value is empty".into()));
        assert_eq!(order("dance", json!({})), Ok(None));
    }

    #[test]
    fn a_file_is_answered_in_one_of_five_ways() {
        for (said, expect) in [
            (json!({"text": "", "written": false}), FileReply::Text(String::new())),
            (json!({"written": true}), FileReply::Written),
            (json!({"missing": true}), FileReply::Missing),
            (json!({"disk": true}), FileReply::Disk),
            (json!({"error": "locked", "text": "x"}), FileReply::Failed("locked".into())),
        ] {
            let mut params = json!({"session_id": "a", "request_id": "r"});
            params.as_object_mut().expect("a table").extend(said.as_object().expect("a table").clone());
            let (_, order) = order("file", params).expect("an answer").expect("a method");
            assert_eq!(order, Order::File { request_id: "r".into(), reply: expect });
        }
        let nothing = json!({"session_id": "a", "request_id": "r"});
        assert!(order("file", nothing).expect_err("nothing said").contains("say text"));
    }

    #[test]
    fn answers_may_be_one_text_or_a_list() {
        let json = json!({"session_id": "a", "request_id": "r", "answers": {"q": "x", "p": ["y", "z"]}});
        let answering: Answering = read("answer", json).expect("an answer");
        let Ok(Answer::Answers(answers)) = answering.answer() else { panic!("answers") };
        assert_eq!((answers["q"].join(","), answers["p"].join(",")), ("x".into(), "y,z".into()));
    }
}
