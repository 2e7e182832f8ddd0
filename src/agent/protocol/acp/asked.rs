//! The agent's requests: whether a tool may run, what the user says, files that it reads and writes through us.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Acp, elicitation, permission};
use crate::{
    agent::{
        json::{some_text, text},
        jsonrpc::Failure,
        protocol::Output,
    },
    domain::{Answer, Event, FileAccess, FileAnswer, FileRequest, RequestId},
};

/// A request of the agent's that waits.
#[derive(Debug)]
pub struct Asked {
    pub id: RequestId,
    what: What,
}

#[derive(Debug)]
enum What {
    Permission(permission::Pending),
    Elicitation(elicitation::Pending),
    Read,
    Write,
}

impl Asked {
    /// The answer when nobody answers; `None` for what no user is asked.
    pub fn cancelled(&self) -> Option<Value> {
        match self.what {
            What::Permission(_) => Some(permission::cancelled()),
            What::Elicitation(_) => Some(elicitation::cancelled()),
            What::Read | What::Write => None,
        }
    }

    /// The user is not asked any more.
    pub fn withdrawn(self) -> Event {
        Event::Withdrawn(self.id)
    }
}

impl Acp {
    pub(super) fn request(&mut self, id: RequestId, method: &str, params: &Value, out: &mut Output) {
        match method {
            "session/request_permission" => self.ask_permission(id, params, out),
            "elicitation/create" => match elicitation::pending(params, &self.agent.title) {
                Some(pending) => {
                    out.event(Event::Question(Box::new(pending.request(id.clone(), None))));
                    self.asked.push(Asked { id, what: What::Elicitation(pending) });
                }
                None => {
                    self.peer.reply(out, &id, Ok(elicitation::declined()));
                }
            },
            "fs/read_text_file" => {
                let from = |key: &str| params.get(key).and_then(Value::as_u64);
                let access = FileAccess::Read { line: from("line"), limit: from("limit") };
                self.ask_file(id, params, access, out);
            }
            "fs/write_text_file" => match params.get("content").and_then(Value::as_str) {
                Some(text) => self.ask_file(id, params, FileAccess::Write { text: text.to_owned() }, out),
                None => {
                    let failure = Failure::new(Failure::INVALID_PARAMS, "the content of the file is missing");
                    self.peer.reply(out, &id, Err(failure));
                }
            },
            _ => {
                self.peer.reply(out, &id, Err(Failure::unknown_method(method)));
            }
        }
    }

    fn ask_permission(&mut self, id: RequestId, params: &Value, out: &mut Output) {
        // It may be the only place that tells of the call, or of what it changes.
        let call = params.get("toolCall").unwrap_or(&Value::Null);
        out.events.extend(self.story.asked(call));
        let found = some_text(call, "toolCallId").and_then(|wire| self.story.call(wire));
        let (request, pending) = permission::request(id.clone(), params, found, &self.wish.cwd);
        out.event(Event::Permission(Box::new(request)));
        self.asked.push(Asked { id, what: What::Permission(pending) });
    }

    fn ask_file(&mut self, request_id: RequestId, params: &Value, access: FileAccess, out: &mut Output) {
        let path = PathBuf::from(text(params, "path"));
        if !path.is_absolute() {
            let message = format!("the path must be absolute, not '{}'", path.display());
            self.peer.reply(out, &request_id, Err(Failure::new(Failure::INVALID_PARAMS, message)));
            return;
        }
        let what = if matches!(access, FileAccess::Read { .. }) { What::Read } else { What::Write };
        self.asked.push(Asked { id: request_id.clone(), what });
        out.event(Event::File(Box::new(FileRequest { request_id, path, access })));
    }

    pub(super) fn file(&mut self, id: &RequestId, answer: FileAnswer, out: &mut Output) {
        let is_file = |asked: &Asked| asked.id == *id && matches!(asked.what, What::Read | What::Write);
        let Some(at) = self.asked.iter().position(is_file) else { return };
        let asked = self.asked.remove(at);
        let result = match (asked.what, answer) {
            (What::Read, FileAnswer::Text(text)) => Ok(json!({"content": text})),
            // Gemini CLI 0.61.0 cannot create a file if the question whether it is there ends in an error.
            (What::Read, FileAnswer::Missing) => Ok(json!({"content": ""})),
            (What::Write, FileAnswer::Written | FileAnswer::Text(_)) => Ok(json!({})),
            (What::Write, FileAnswer::Missing) => Err("there is no such directory".to_owned()),
            (_, FileAnswer::Failed(sentence)) => Err(sentence),
            (_, FileAnswer::Written | FileAnswer::Missing | FileAnswer::Text(_)) => {
                Err("the file was not read".to_owned())
            }
        };
        let result = result.map_err(|message| Failure::new(Failure::INTERNAL, message));
        self.peer.reply(out, id, result);
    }

    pub(super) fn answer(&mut self, id: &RequestId, answer: Answer, out: &mut Output) {
        let Some(at) = self.asked.iter().position(|asked| asked.id == *id && asked.cancelled().is_some()) else {
            return;
        };
        let asked = self.asked.remove(at);
        let result = match (&asked.what, answer) {
            (What::Permission(pending), Answer::Option { option_id, message, input }) => {
                match pending.answer(&option_id, message.as_deref(), input.as_ref()) {
                    Some(decision) => {
                        if let Some(tool) = pending.tool.as_ref().filter(|_| decision.refused) {
                            self.story.refuse(tool);
                        }
                        if let Some(words) = decision.words {
                            self.follow_up(words);
                        }
                        decision.result
                    }
                    // The session lets no other through.
                    None => permission::cancelled(),
                }
            }
            (What::Elicitation(pending), Answer::Answers(answers)) => match pending.answer(&answers) {
                Ok(result) => result,
                Err(problem) => {
                    out.event(Event::Question(Box::new(pending.request(id.clone(), Some(&problem)))));
                    return self.asked.push(asked);
                }
            },
            (What::Permission(pending), Answer::Cancelled) => {
                if let Some(tool) = &pending.tool {
                    self.story.refuse(tool);
                }
                permission::cancelled()
            }
            (What::Elicitation(_), Answer::Option { .. }) => elicitation::declined(),
            (What::Elicitation(_), Answer::Cancelled) => elicitation::cancelled(),
            _ => permission::cancelled(),
        };
        self.peer.reply(out, id, Ok(result));
    }

    /// `$/cancel_request`: the agent does not want the answer any more.
    pub(super) fn cancelled_by_agent(&mut self, wire: &Value, out: &mut Output) {
        let Some(id) = self.peer.open(wire).cloned() else { return };
        let Some(at) = self.asked.iter().position(|asked| asked.id == id) else { return };
        let asked = self.asked.remove(at);
        let cancelled = Failure::new(REQUEST_CANCELLED, "the request was cancelled");
        self.peer.reply(out, &id, asked.cancelled().ok_or(cancelled));
        out.event(asked.withdrawn());
    }

    /// The agent has got what it wanted of a page, whether or not it was opened by us.
    pub(super) fn page_is_done(&mut self, page: &str, out: &mut Output) {
        let is_page = |asked: &Asked| matches!(&asked.what, What::Elicitation(pending) if pending.is_page(page));
        let Some(at) = self.asked.iter().position(is_page) else { return };
        let asked = self.asked.remove(at);
        self.peer.reply(out, &asked.id, Ok(json!({"action": "accept"})));
        out.event(asked.withdrawn());
    }
}

/// The protocol's code for a request that its sender has cancelled.
const REQUEST_CANCELLED: i64 = -32800;
