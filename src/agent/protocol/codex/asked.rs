//! What Codex asks of us: approvals, questions, and what we cannot do for it. Each request is answered or it waits for ever.

use serde_json::{Value, json};

use super::{
    Codex, approval, mode,
    question::{self, Elicitation},
    tool,
};
use crate::{
    agent::{json::text, jsonrpc::Failure, protocol::Output},
    domain::{
        Answer, Event, OptionKind, PermissionOption, PermissionRequest, Prompt, QuestionRequest, RequestId, Subject,
        ToolUseId,
    },
};

/// Something that waits for the user.
pub struct Waiting {
    id: RequestId,
    thread: String,
    what: Pending,
}

enum Pending {
    Approval(approval::Pending),
    Question(question::Pending),
    /// Not Codex's request but ours: it ended its turn with a plan.
    Plan,
}

/// Modes in which a plan is carried out without a question for each edit.
const EDITS: [&str; 2] = ["auto", "full-access"];
/// The option that approves nothing; the others are named as the modes that they lead to.
const KEEP_PLANNING: &str = "reject";

impl Codex {
    pub(super) fn asked(&mut self, id: RequestId, method: &str, params: &Value, out: &mut Output) {
        let thread = self.thread_of(params);
        if let Some((shown, pending)) = approval::read(method, params, self.about(&id, &thread, params)) {
            return self.permission(thread, shown, pending, out);
        }
        match method {
            "item/tool/requestUserInput" => match question::ask(id.clone(), params) {
                Some((shown, pending)) => {
                    let tool_use_id = self.about(&id, &thread, params).tool_use_id;
                    let shown = QuestionRequest { tool_use_id, ..shown };
                    self.waiting.push(Waiting { id, thread, what: Pending::Question(pending) });
                    out.event(Event::Question(Box::new(shown)));
                }
                None => {
                    self.peer.reply(out, &id, Ok(json!({"answers": {}})));
                }
            },
            "mcpServer/elicitation/request" => {
                let tool = self.items.open_tool_of(&thread, text(params, "serverName"));
                match question::elicitation(id.clone(), params, tool) {
                    Elicitation::Permission(shown, pending) => self.permission(thread, shown, pending, out),
                    Elicitation::Question(shown, pending) => {
                        self.waiting.push(Waiting { id, thread, what: Pending::Question(pending) });
                        out.event(Event::Question(Box::new(shown)));
                    }
                    Elicitation::Impossible => {
                        self.peer.reply(out, &id, Ok(question::declined()));
                        let message = format!("Codex asked for what agor.nvim cannot show: {}", text(params, "mode"));
                        out.event(Event::Noise { text: message });
                    }
                }
            }
            // We lend it no tools.
            "item/tool/call" => {
                let said = format!("agor.nvim has no tool '{}'", text(params, "tool"));
                let answer = json!({"contentItems": [{"type": "inputText", "text": said}], "success": false});
                self.peer.reply(out, &id, Ok(answer));
            }
            _ => {
                self.peer.reply(out, &id, Err(Failure::unknown_method(method)));
                out.event(Event::Noise { text: format!("Codex asked '{method}', which agor.nvim does not know") });
            }
        }
    }

    fn about(&self, id: &RequestId, thread: &str, params: &Value) -> approval::About {
        let item =
            ["itemId", "callId"].map(|key| text(params, key)).into_iter().find(|id| !id.is_empty()).unwrap_or("");
        let known = self.items.patch(thread, item);
        approval::About {
            id: Some(id.clone()),
            tool_use_id: known.map(|(call, _)| call.tool_use_id.clone()),
            cwd: self.setup.cwd.clone(),
            home: self.home.clone(),
            title: known.map(|(call, _)| call.title.clone()).unwrap_or_default(),
            diff: known.map(|(_, changes)| tool::diffs(changes)).unwrap_or_default(),
        }
    }

    fn permission(&mut self, thread: String, shown: PermissionRequest, pending: approval::Pending, out: &mut Output) {
        self.waiting.push(Waiting { id: shown.request_id.clone(), thread, what: Pending::Approval(pending) });
        out.event(Event::Permission(Box::new(shown)));
    }

    /// Codex has proposed a plan and waits: shall it be carried out?
    pub(super) fn ask_about_plan(&mut self, plan: String, out: &mut Output) {
        let option = |id: &str, name: String, kind| PermissionOption { option_id: id.into(), name, kind };
        let after = self.settings.mode_after_planning();
        let id = RequestId::from(self.items.ids.next().as_str());
        let mut options = vec![option(after, format!("Approve, carry it out in mode {after}"), OptionKind::AllowOnce)];
        if !EDITS.contains(&after) {
            // Else each of its edits would be asked about.
            let [auto, _] = EDITS;
            let name = format!("Approve, carry it out in mode {auto} (edits in the project without asking)");
            options.push(option(auto, name, OptionKind::AllowAlways));
        }
        options.push(option(KEEP_PLANNING, "Keep planning".to_owned(), OptionKind::RejectOnce));
        let shown = PermissionRequest {
            request_id: id.clone(),
            tool_use_id: None,
            tool: "plan".to_owned(),
            title: plan.trim_start_matches(['#', ' ', '\n']).lines().next().unwrap_or_default().to_owned(),
            input: json!({"plan": plan}),
            diff: Vec::new(),
            reason: None,
            options,
            subject: Subject::Always,
        };
        let thread = self.thread.clone().unwrap_or_default();
        self.waiting.push(Waiting { id, thread, what: Pending::Plan });
        out.event(Event::Permission(Box::new(shown)));
    }

    pub(super) fn answer(&mut self, id: &RequestId, answer: Answer, out: &mut Output) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.id == *id) else { return };
        let (result, words) = match (&self.waiting[at].what, answer) {
            (Pending::Plan, Answer::Option { option_id, .. })
                if option_id.as_str() != KEEP_PLANNING && !mode::is_one(option_id.as_str()) =>
            {
                return Self::not_an_option(out);
            }
            (Pending::Plan, answer) => {
                self.waiting.remove(at);
                return self.plan_answered(answer, out);
            }
            (Pending::Approval(pending), Answer::Option { option_id, message, .. }) => {
                match pending.answer(&option_id, message.as_deref()) {
                    Some(chosen) => (chosen.result, chosen.words),
                    None => return Self::not_an_option(out),
                }
            }
            (Pending::Approval(pending), Answer::Cancelled) => (pending.cancelled(), None),
            (Pending::Approval(_), Answer::Answers(_)) => return Self::not_an_option(out),
            (Pending::Question(pending), Answer::Answers(answers)) => match pending.answer(&answers) {
                Ok(result) => (result, None),
                Err(questions) => {
                    let again = QuestionRequest { request_id: id.clone(), tool_use_id: None, url: None, questions };
                    return out.event(Event::Question(Box::new(again)));
                }
            },
            (Pending::Question(pending), Answer::Option { message, .. }) => (pending.decline(), message),
            (Pending::Question(pending), Answer::Cancelled) => (pending.decline(), None),
        };
        self.waiting.remove(at);
        self.peer.reply(out, id, Ok(result));
        // Codex takes no reason with a refusal, so the reason is told as the user's next words.
        if let Some(words) = words.filter(|words| !words.trim().is_empty()) {
            self.steer(Prompt::new(words), out);
        }
    }

    fn not_an_option(out: &mut Output) {
        Self::notice(out, "That is none of the options; the question stays".to_owned());
    }

    fn plan_answered(&mut self, answer: Answer, out: &mut Output) {
        match answer {
            Answer::Option { option_id, input, .. } if option_id.as_str() != KEEP_PLANNING => {
                let event = self.settings.want_mode(option_id.as_str().to_owned());
                out.event(event);
                let edited = input.as_ref().and_then(|input| input["plan"].as_str().or(input.as_str()));
                let words = match edited {
                    Some(plan) => format!("Implement this plan:\n\n{plan}"),
                    None => "Implement the plan.".to_owned(),
                };
                self.go_on(Prompt::new(words), out);
            }
            Answer::Option { message: Some(words), .. } if !words.trim().is_empty() => {
                self.go_on(Prompt::new(words), out)
            }
            _ => self.turn_over("end_turn", crate::domain::TurnOutcome::Idle, out),
        }
    }

    /// Nobody waits any more for those that `which` names.
    pub(super) fn withdraw(&mut self, which: impl Fn(&Waiting) -> bool, out: &mut Output) {
        for waiting in self.waiting.extract_if(.., |waiting| which(waiting)) {
            self.peer.forget(&waiting.id);
            out.event(Event::Withdrawn(waiting.id));
        }
    }

    pub(super) fn withdraw_of(&mut self, thread: &str, out: &mut Output) {
        self.withdraw(|waiting| waiting.thread == thread, out);
    }

    /// The user has interrupted what waits for a plan's approval: nothing of Codex's runs.
    pub(super) fn waits_for_plan(&self) -> bool {
        self.waiting.iter().any(|waiting| matches!(waiting.what, Pending::Plan))
    }

    /// `serverRequest/resolved`: answered, or not needed any more.
    pub(super) fn resolved(&mut self, wire: &Value, out: &mut Output) {
        if let Some(id) = self.peer.open(wire).cloned() {
            self.withdraw(|waiting| waiting.id == id, out);
            self.peer.forget(&id);
        }
    }
}

impl super::items::Items {
    /// The call of an MCP server's tool that is under way.
    fn open_tool_of(&self, thread: &str, server: &str) -> Option<ToolUseId> {
        self.running(thread)
            .find(|call| call.name.starts_with(&format!("{server}.")))
            .map(|call| call.tool_use_id.clone())
    }
}
