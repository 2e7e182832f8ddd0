//! What Claude Code asks of us and of the user, and what it is told. Every request is answered, or it waits for ever.

use serde_json::{Value, json};

use super::{Claude, NOISE_LIMIT, hook, permission, question};
use crate::{
    agent::{
        json::{one_line, some_text, text},
        protocol::Output,
    },
    domain::{Answer, Event, Judgement, Question, QuestionRequest, RequestId, ToolUseId},
};

/// A request that waits for the user, with whether a subagent asks.
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) of_subagent: bool,
    what: Pending,
}

enum Pending {
    Permission(permission::Pending),
    Question(question::Pending),
}

impl Claude {
    /// Claude Code wants something of us. Every request is answered, or it waits for ever.
    pub(super) fn asked(&mut self, value: &Value, out: &mut Output) {
        let Some(id) = some_text(value, "request_id") else {
            return out.event(Event::Noise { text: one_line(&value.to_string(), NOISE_LIMIT) });
        };
        let request = value.get("request").unwrap_or(&Value::Null);
        match text(request, "subtype") {
            "can_use_tool" => self.permission(id, request, out),
            "elicitation" => match question::elicitation(request) {
                Some(asked) => self.question(id, request, asked, out),
                None => respond(out, id, &json!({"action": "decline"})),
            },
            "hook_callback" => match hook::call(id, request, self.agent.cwd()) {
                Some(call) => {
                    self.calls.push(id.to_owned());
                    out.event(Event::Call(Box::new(call)));
                }
                // An empty answer lets it go on.
                None => respond(out, id, &json!({})),
            },
            // We serve no MCP.
            "mcp_message" => {
                let asked = request.get("message").and_then(|message| message.get("id")).cloned().unwrap_or(json!(0));
                let error = json!({"code": -32601, "message": "agor.nvim serves no MCP"});
                respond(out, id, &json!({"mcp_response": {"jsonrpc": "2.0", "id": asked, "error": error}}));
            }
            "request_user_dialog" => respond(out, id, &json!({"behavior": "cancelled"})),
            other => {
                let error = format!("agor.nvim does not know the request '{other}'");
                out.write(&json!({"type": "control_response",
                    "response": {"subtype": "error", "request_id": id, "error": error}}));
                out.event(Event::Noise { text: one_line(&value.to_string(), NOISE_LIMIT) });
            }
        }
    }

    fn permission(&mut self, id: &str, request: &Value, out: &mut Output) {
        if text(request, "tool_name") == "AskUserQuestion"
            && let Some(asked) = question::ask(request.get("input").unwrap_or(&Value::Null))
        {
            return self.question(id, request, asked, out);
        }
        let (shown, pending) = permission::request(RequestId::from(id), request, self.agent.cwd());
        if self.wait(id, request, Pending::Permission(pending)) {
            out.event(Event::Permission(Box::new(shown)));
        }
    }

    fn question(
        &mut self,
        id: &str,
        request: &Value,
        (questions, pending): (Vec<Question>, question::Pending),
        out: &mut Output,
    ) {
        if self.wait(id, request, Pending::Question(pending)) {
            let tool_use_id = some_text(request, "tool_use_id").map(ToolUseId::from);
            ask(RequestId::from(id), tool_use_id, questions, out);
        }
    }

    /// False if the same request waits already.
    fn wait(&mut self, id: &str, request: &Value, what: Pending) -> bool {
        let id = RequestId::from(id);
        let new = !self.pending.iter().any(|waiting| waiting.id == id);
        if new {
            self.pending.push(Waiting { id, of_subagent: request.get("agent_id").is_some(), what });
        }
        new
    }

    pub(super) fn withdraw(&mut self, which: impl Fn(&Waiting) -> bool, out: &mut Output) {
        for waiting in self.pending.extract_if(.., |waiting| which(waiting)) {
            out.event(Event::Withdrawn(waiting.id));
        }
    }

    /// What rules say of a call; unless it was taken back.
    pub(super) fn judged(&mut self, id: &RequestId, judgement: &Judgement, out: &mut Output) {
        if self.calls.extract_if(.., |call| *call == id.as_str()).count() > 0 {
            respond(out, id.as_str(), &hook::answer(judgement));
        }
    }

    pub(super) fn answer(&mut self, id: &RequestId, answer: Answer, out: &mut Output) {
        let Some(at) = self.pending.iter().position(|waiting| waiting.id == *id) else { return };
        let response = match (&self.pending[at].what, answer) {
            (Pending::Permission(pending), Answer::Option { option_id, message, input }) => {
                pending.answer(&option_id, message.as_deref(), input)
            }
            (Pending::Permission(_), Answer::Cancelled) => Some(permission::cancelled()),
            (Pending::Permission(_), Answer::Answers(_)) => None,
            (Pending::Question(pending), Answer::Answers(answers)) => match pending.answer(&answers) {
                Ok(response) => Some(response),
                Err(questions) => return ask(id.clone(), None, questions, out),
            },
            (Pending::Question(pending), Answer::Option { message, .. }) => Some(pending.decline(message.as_deref())),
            (Pending::Question(pending), Answer::Cancelled) => Some(pending.decline(None)),
        };
        match response {
            Some(response) => {
                self.pending.remove(at);
                respond(out, id.as_str(), &response);
            }
            None => out.event(Event::Notice { message: "That is none of the options; the question stays".to_owned() }),
        }
    }
}

fn ask(request_id: RequestId, tool_use_id: Option<ToolUseId>, questions: Vec<Question>, out: &mut Output) {
    out.event(Event::Question(Box::new(QuestionRequest { request_id, tool_use_id, url: None, questions })));
}

fn respond(out: &mut Output, id: &str, response: &Value) {
    out.write(&json!({"type": "control_response",
        "response": {"subtype": "success", "request_id": id, "response": response}}));
}
