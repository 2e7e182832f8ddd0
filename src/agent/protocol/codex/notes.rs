//! What Codex tells without being asked: its notifications.
//!
//! What is known to be of no interest here is passed over; what nobody knows is kept as it came.

use serde_json::{Value, json};

use super::{Codex, items::Stream};
use crate::{
    agent::{
        json::{list, one_line, some_text, text},
        protocol::Output,
    },
    domain::{Content, Event, Plan, PlanEntry, PlanStatus},
};

/// Of a remark in one line.
const REMARK_LIMIT: usize = 300;

/// Bookkeeping of other clients, of what is not used here, and repetitions of what is told elsewhere (Codex 0.169.0).
const PASSED_OVER: &[&str] = &[
    "account/gatewayOAuth/changed",
    "account/login/completed",
    "account/updated",
    "app/list/updated",
    "autoApprovalReview/strictReviewRequired",
    "fs/changed",
    "hook/started",
    "item/autoApprovalReview/started",
    "item/commandExecution/terminalInteraction",
    "item/fileChange/outputDelta",
    "item/reasoning/summaryPartAdded",
    "mcpServer/oauthLogin/completed",
    "model/safetyBuffering/updated",
    "model/verification",
    "modelProvider/authRecoveryCompleted",
    "modelProvider/authRecoveryStarted",
    "project/changed",
    "rawResponse/completed",
    "rawResponseItem/completed",
    "remoteControl/status/changed",
    "serverRequest/resolved",
    "skills/changed",
    "thread/archived",
    "thread/closed",
    "thread/compacted",
    "thread/deleted",
    "thread/started",
    "thread/status/changed",
    "thread/unarchived",
    "turn/diff/updated",
    "turn/moderationMetadata",
];

/// The same, by how they begin.
const FIELDS_PASSED_OVER: &[&str] = &[
    "command/exec/",
    "externalAgentConfig/",
    "fuzzyFileSearch/",
    "mcpServer/event/",
    "process/",
    "thread/attachment/",
    "thread/environment/",
    "thread/goal/",
    "thread/prediction/",
    "thread/project/",
    "thread/queue/",
    "thread/readState/",
    "thread/realtime/",
    "thread/section/",
    "windows",
];

impl Codex {
    pub(super) fn told(&mut self, method: &str, params: &Value, out: &mut Output) {
        let thread = self.thread_of(params);
        let events = &mut out.events;
        let delta = |key: &str| text(params, key).to_owned();
        let index = |key: &str| params[key].as_u64().unwrap_or(0);
        match method {
            "account/rateLimits/updated" => self.limits.updated(&params["rateLimits"]),
            "item/started" if text(&params["item"], "type") == "contextCompaction" => {
                // Codex counts the tokens anew before it says that it is done.
                let by_hand = self.turn.as_ref().is_some_and(|turn| turn.compacts);
                self.items.compaction(&thread, &params["item"], self.usage.context(), by_hand);
            }
            "item/started" => self.items.started(&thread, &params["item"], events),
            "item/completed" => self.item_completed(&thread, &params["item"], out),
            "item/agentMessage/delta" | "item/plan/delta" => {
                self.items.delta(&thread, &delta("itemId"), Stream::Text, 0, &delta("delta"), events);
            }
            "item/reasoning/summaryTextDelta" => {
                let at = index("summaryIndex");
                self.items.delta(&thread, &delta("itemId"), Stream::Summary, at, &delta("delta"), events);
            }
            "item/reasoning/textDelta" => {
                let at = index("contentIndex");
                self.items.delta(&thread, &delta("itemId"), Stream::Reasoning, at, &delta("delta"), events);
            }
            "item/commandExecution/outputDelta" => {
                self.items.output(&thread, &delta("itemId"), &delta("delta"), events);
            }
            "item/mcpToolCall/progress" => {
                self.items.output(&thread, &delta("itemId"), &format!("{}\n", delta("message")), events);
            }
            "item/fileChange/patchUpdated" => {
                self.items.changed(&thread, &delta("itemId"), &params["changes"], events);
            }
            "turn/started" if self.is_main(&thread) => self.turn_started(&params["turn"], out),
            "turn/started" => {}
            "turn/completed" => self.turn_completed(params, out),
            "turn/plan/updated" => self.plan(&thread, params, out),
            "thread/tokenUsage/updated" => {
                let main = self.is_main(&thread);
                // A thread that is taken up tells of its last turn again, after the next has been asked for.
                let counts = !main || self.turn.as_ref().is_some_and(|turn| turn.has(text(params, "turnId")));
                out.events.extend(self.usage.updated(&thread, &params["tokenUsage"], main, counts));
            }
            "thread/name/updated" if self.is_main(&thread) => {
                out.events.extend(some_text(params, "threadName").map(|name| Event::Title(name.to_owned())));
            }
            "thread/name/updated" | "thread/settings/updated" if !self.is_main(&thread) => {}
            "thread/settings/updated" => {
                let events = self.settings.updated(&params["threadSettings"]);
                out.events.extend(events);
            }
            "error" => self.error(params, out),
            "serverRequest/resolved" => self.resolved(&params["requestId"], out),
            "warning" | "guardianWarning" => self.remark(&thread, "warning", text(params, "message"), out),
            "configWarning" => self.config_warning(params, out),
            "deprecationNotice" => {
                let text = format!("{} {}", text(params, "summary"), text(params, "details"));
                out.event(Event::Noise { text: text.trim().to_owned() });
            }
            "model/rerouted" => {
                let (from, to, why) = (text(params, "fromModel"), text(params, "toModel"), text(params, "reason"));
                self.remark(&thread, "model", &format!("Codex answers with {to} instead of {from}: {why}"), out);
            }
            "hook/completed" => self.hook(&thread, &params["run"], out),
            "item/autoApprovalReview/completed" => {
                let review = &params["review"];
                if text(review, "status") != "approved" {
                    let why = some_text(review, "rationale").unwrap_or("no reason given");
                    let message = format!("Codex's own review: {}, {why}", text(review, "status"));
                    self.remark(&thread, "review", &message, out);
                }
            }
            "mcpServer/startupStatus/updated" => {
                if text(params, "status") == "failed" {
                    let (name, error) = (text(params, "name"), one_line(text(params, "error"), REMARK_LIMIT));
                    Self::notice(out, format!("Codex works without the MCP server {name}: {error}"));
                }
            }
            _ if PASSED_OVER.contains(&method) => {}
            _ if FIELDS_PASSED_OVER.iter().any(|field| method.starts_with(field)) => {}
            _ => {
                let whole = json!({"method": method, "params": params});
                self.items.say(&thread, Content::Unknown(whole), &mut out.events);
            }
        }
    }

    fn item_completed(&mut self, thread: &str, item: &Value, out: &mut Output) {
        match text(item, "type") {
            "userMessage" => self.user_said(item),
            "plan" if self.is_main(thread) => {
                if let Some(turn) = &mut self.turn {
                    turn.plan = some_text(item, "text").map(str::to_owned);
                }
            }
            _ => {}
        }
        self.items.completed(thread, item, &mut out.events);
    }

    fn plan(&mut self, thread: &str, params: &Value, out: &mut Output) {
        let entries = list(params, "plan").iter().filter_map(|step| {
            let text = some_text(step, "step")?.to_owned();
            let status = match self::text(step, "status") {
                "completed" => PlanStatus::Completed,
                "inProgress" => PlanStatus::InProgress,
                _ => PlanStatus::Pending,
            };
            Some(PlanEntry { text, status })
        });
        let plan = Content::Plan(Plan { entries: entries.collect() });
        match self.turn.as_ref().filter(|_| self.is_main(thread)) {
            Some(turn) => out.event(Event::message(turn.list.clone(), plan)),
            None => self.items.say(thread, plan, &mut out.events),
        }
    }

    fn remark(&mut self, thread: &str, subtype: &str, message: &str, out: &mut Output) {
        if !message.trim().is_empty() {
            let content = Content::Status { subtype: subtype.to_owned(), message: message.to_owned() };
            self.items.say(thread, content, &mut out.events);
        }
    }

    fn config_warning(&mut self, params: &Value, out: &mut Output) {
        let summary = text(params, "summary");
        // At each start, on each machine without it; Codex brings its own.
        if summary.contains("bubblewrap") {
            return out.event(Event::Noise { text: summary.to_owned() });
        }
        let message = match some_text(params, "details") {
            Some(details) => format!("{summary}: {details}"),
            None => summary.to_owned(),
        };
        self.remark("", "warning", &message, out);
    }

    /// A hook of the user's that has something to say.
    fn hook(&mut self, thread: &str, run: &Value, out: &mut Output) {
        let status = text(run, "status");
        if !matches!(status, "failed" | "blocked" | "stopped") {
            return;
        }
        let said: Vec<&str> = list(run, "entries").iter().filter_map(|entry| some_text(entry, "text")).collect();
        let said = if said.is_empty() { text(run, "statusMessage").to_owned() } else { said.join("\n") };
        let message = format!("Hook {} {status}: {said}", text(run, "eventName"));
        self.remark(thread, "hook", message.trim_end_matches([':', ' ']), out);
    }
}
