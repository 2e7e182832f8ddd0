//! What Claude Code says about itself beside the conversation (`system`, `rate_limit_event`), as lines for people.

use serde_json::Value;

use super::{Claude, Thread};
use crate::{
    agent::json::{is_true, one_line, some_text, text, texts},
    domain::{Cause, Compaction, Content, Event, Init, Wait},
};

impl Claude {
    pub(super) fn system(&mut self, event: &Value, thread: &Thread) -> Vec<Event> {
        let mut events = Vec::new();
        let subtype = text(event, "subtype");
        match subtype {
            "init" => self.init(event, &mut events),
            "compact_boundary" => {
                let metadata = event.get("compact_metadata").unwrap_or(&Value::Null);
                let content = Content::Compaction(Compaction {
                    trigger: text(metadata, "trigger").to_owned(),
                    pre_tokens: metadata.get("pre_tokens").and_then(Value::as_u64).unwrap_or(0),
                });
                events.push(self.message(event, thread, content));
            }
            "api_retry" => {
                let sentence = retry(event);
                if is_login_failure(event) {
                    let status = event.get("error_status").and_then(Value::as_u64).unwrap_or(401);
                    self.login(&format!("the API answered {status}: the key or login was not accepted"), &mut events);
                } else {
                    let new = self.id(event, 0);
                    let id = self.turn.retry.get_or_insert(new).clone();
                    events.push(waits(event, &sentence));
                    events.push(Event::message(id, Content::Status { subtype: subtype.to_owned(), message: sentence }));
                }
            }
            subtype if is_silent(subtype) => {}
            _ => {
                if let Some(mode) = some_text(event, "permissionMode") {
                    self.mode(mode, &mut events);
                }
                let told = match text(event, "status") {
                    "compacting" => "compacting",
                    _ => subtype,
                };
                if let Some(message) = sentence(subtype, event) {
                    events.push(self.status(event, thread, told, message));
                }
            }
        }
        events
    }

    fn init(&mut self, event: &Value, events: &mut Vec<Event>) {
        self.begin(events);
        let init = Init {
            session_id: text(event, "session_id").to_owned(),
            model: text(event, "model").to_owned(),
            cwd: text(event, "cwd").to_owned(),
            tools: texts(event, "tools"),
        };
        if init.session_id != self.init.session_id && !init.session_id.is_empty() {
            events.push(Event::AgentSession(init.session_id.clone()));
        }
        if init.model != self.init.model && !init.model.is_empty() {
            events.push(Event::Model(init.model.clone()));
        }
        if let Some(mode) = some_text(event, "permissionMode") {
            self.mode(mode, events);
        }
        // It comes with every turn; the transcript needs it when it says something new.
        if init != self.init {
            self.init = init.clone();
            events.push(self.message(event, &None, Content::Init(init)));
        }
    }

    fn mode(&mut self, mode: &str, events: &mut Vec<Event>) {
        if self.mode != mode {
            mode.clone_into(&mut self.mode);
            events.push(Event::Mode(mode.to_owned()));
        }
    }

    /// Once a turn: it is retried ten times.
    pub(super) fn login(&mut self, message: &str, events: &mut Vec<Event>) {
        self.turn.said = true;
        if self.turn.login.is_none() {
            self.turn.login = Some(message.to_owned());
            events.push(Event::LoginNeeded { message: message.to_owned() });
        }
    }

    pub(super) fn rate_limit(&mut self, event: &Value) -> Vec<Event> {
        let info = event.get("rate_limit_info").unwrap_or(&Value::Null);
        let sentence = rate_limit(info).unwrap_or_default();
        let mut events = Vec::new();
        // Each turn meets it anew; the transcript says it once.
        if text(info, "status") == "rejected" {
            let until = info.get("resetsAt").and_then(Value::as_i64).and_then(|at| at.checked_mul(1000));
            let wait = Wait { until, ..Wait::new(Cause::UsageLimit, sentence.clone()) };
            events.push(Event::Waits { wait, delay_ms: None });
        }
        let news = sentence != self.rate_limit;
        self.rate_limit.clone_from(&sentence);
        if news && !sentence.is_empty() {
            let content = Content::Status { subtype: "rate_limit".to_owned(), message: sentence };
            events.push(Event::message(self.id(event, 0), content));
        }
        events
    }
}

/// Bookkeeping that comes with every call or piece and says nothing that is not shown otherwise.
pub fn is_silent(subtype: &str) -> bool {
    matches!(
        subtype,
        "thinking_tokens"
            | "task_progress"
            | "task_updated"
            | "session_state_changed"
            | "background_tasks_changed"
            | "command_lifecycle"
            | "commands_changed"
            | "files_persisted"
            | "hook_started"
            | "hook_progress"
            | "elicitation_complete"
            | "model_refusal_no_fallback"
    )
}

/// The sentence for a `system` message without a rule of its own; `None` if it is nothing to tell.
fn sentence(subtype: &str, message: &Value) -> Option<String> {
    match subtype {
        "status" => match text(message, "status") {
            "compacting" => Some("Compacting the conversation".to_owned()),
            _ => match some_text(message, "compact_result") {
                None | Some("success") => None,
                Some(result) => {
                    let why = some_text(message, "compact_error").unwrap_or(result);
                    Some(format!("The conversation could not be compacted: {why}"))
                }
            },
        },
        "hook_response" => {
            let outcome = text(message, "outcome");
            let said =
                ["stderr", "output", "stdout"].iter().find_map(|key| some_text(message, key)).unwrap_or_default();
            let name = some_text(message, "hook_name").unwrap_or("A hook");
            (outcome != "success").then(|| format!("{name}: {outcome} {said}").trim().to_owned())
        }
        "permission_denied" => {
            let tool = some_text(message, "tool_name").unwrap_or("A tool");
            // What follows the first sentence is advice to the model.
            let why = text(message, "message").split(" IMPORTANT: ").next().unwrap_or_default();
            Some(if why.is_empty() { format!("{tool} was denied without asking") } else { why.to_owned() })
        }
        "task_started" => is_true(message, "is_backgrounded")
            .then(|| format!("In the background: {}", one_line(text(message, "description"), 200))),
        // A task in the foreground has its tool's result for this.
        "task_notification" => some_text(message, "output_file").map(|_| {
            let status = some_text(message, "status").unwrap_or("ended");
            match some_text(message, "summary") {
                Some(summary) if !is_true(message, "summary_is_report") => one_line(summary, 200),
                _ => format!("A background task has ended: {status}"),
            }
        }),
        _ => {
            let said = ["content", "message", "text", "summary", "description"].iter();
            Some(said.filter_map(|key| some_text(message, key)).next().unwrap_or_default().to_owned())
        }
    }
}

/// The API refused or was not reached, and Claude Code tries again by itself.
fn retry(message: &Value) -> String {
    let status = message.get("error_status").and_then(Value::as_u64);
    let what = match (text(message, "error"), status) {
        ("overloaded", _) => "The API is overloaded".to_owned(),
        ("rate_limit", _) => "The API limits the rate of requests".to_owned(),
        (_, None) => "The API cannot be reached".to_owned(),
        ("" | "unknown", Some(status)) => format!("The API answered {status}"),
        (error, Some(status)) => format!("The API answered {status} ({})", error.replace('_', " ")),
    };
    let count = |key| message.get(key).and_then(Value::as_u64);
    let tries = match (count("attempt"), count("max_retries")) {
        (Some(attempt), Some(max)) => format!("; retry {attempt} of {max}"),
        (Some(attempt), None) => format!("; retry {attempt}"),
        _ => "; trying again".to_owned(),
    };
    let delay = retry_delay_ms(message).map(|ms| format!(" in {:.1} s", ms / 1000.0)).unwrap_or_default();
    format!("{what}{tries}{delay}")
}

fn retry_delay_ms(message: &Value) -> Option<f64> {
    message.get("retry_delay_ms").and_then(Value::as_f64).filter(|ms| ms.is_finite() && *ms >= 0.0)
}

fn waits(message: &Value, said: &str) -> Event {
    let count = |key| message.get(key).and_then(Value::as_u64);
    let cause = match text(message, "error") {
        "overloaded" => Cause::Overloaded,
        "rate_limit" => Cause::RateLimit,
        _ => Cause::of_status(count("error_status")),
    };
    let (attempt, attempts) = (count("attempt"), count("max_retries"));
    // Within what a u64 holds; a number beyond is as good as never.
    let delay_ms = retry_delay_ms(message).map(|ms| ms.ceil() as u64);
    Event::Waits { wait: Wait { attempt, attempts, ..Wait::new(cause, said) }, delay_ms }
}

pub fn is_login_failure(message: &Value) -> bool {
    text(message, "error") == "authentication_failed"
        || message.get("error_status").and_then(Value::as_u64) == Some(401)
        || message.get("api_error_status").and_then(Value::as_u64) == Some(401)
}

/// A subscription's limit, if it is near or reached.
fn rate_limit(info: &Value) -> Option<String> {
    let limit = match text(info, "rateLimitType") {
        "five_hour" => "five-hour limit".to_owned(),
        "seven_day" => "weekly limit".to_owned(),
        "" => "usage limit".to_owned(),
        other => format!("{} limit", other.replace('_', " ")),
    };
    let resets = info.get("resetsAt").and_then(Value::as_u64).map(|at| format!("; it resets at {}", utc(at)));
    let resets = resets.unwrap_or_default();
    match text(info, "status") {
        "rejected" => Some(format!("The {limit} is reached{resets}")),
        "allowed_warning" => {
            let used = info.get("utilization").and_then(Value::as_f64).filter(|used| used.is_finite());
            let used = used.map_or_else(|| "Much".to_owned(), |used| format!("{:.0} %", used * 100.0));
            Some(format!("{used} of the {limit} is used{resets}"))
        }
        _ => None,
    }
}

fn utc(seconds: u64) -> String {
    let minutes = seconds / 60;
    format!("{:02}:{:02} UTC", minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_retry_says_why_and_when() {
        let mut message = json!({"attempt": 1, "max_retries": 10, "retry_delay_ms": 556.17, "error_status": 529, "error": "overloaded"});
        assert_eq!(retry(&message), "The API is overloaded; retry 1 of 10 in 0.6 s");
        message["error"] = json!("unknown");
        message["error_status"] = json!(null);
        assert_eq!(retry(&message), "The API cannot be reached; retry 1 of 10 in 0.6 s");
        assert_eq!(retry(&json!({"error": 5, "retry_delay_ms": "soon"})), "The API cannot be reached; trying again");
    }

    #[test]
    fn a_retry_is_told_apart_by_its_cause() {
        let check = |error: &str, status: Value, expect: Cause| {
            let message = json!({"attempt": 3, "max_retries": 10, "retry_delay_ms": 556.17, "error_status": status, "error": error});
            let wait = Wait { attempt: Some(3), attempts: Some(10), ..Wait::new(expect, "so") };
            assert_eq!(waits(&message, "so"), Event::Waits { wait, delay_ms: Some(557) });
        };
        check("overloaded", json!(529), Cause::Overloaded);
        check("rate_limit", json!(429), Cause::RateLimit);
        check("unknown", json!(429), Cause::RateLimit);
        check("server_error", json!(500), Cause::Retry);
        check("unknown", json!(null), Cause::Retry);
        let odd = json!({"error": 5, "attempt": -1, "retry_delay_ms": 1e300});
        assert_eq!(waits(&odd, "so"), Event::Waits { wait: Wait::new(Cause::Retry, "so"), delay_ms: Some(u64::MAX) });
    }

    #[test]
    fn a_limit_is_told_when_it_is_near() {
        let info = json!({"status": "allowed_warning", "resetsAt": 1795337187, "rateLimitType": "five_hour", "utilization": 0.92});
        assert_eq!(rate_limit(&info).as_deref(), Some("92 % of the five-hour limit is used; it resets at 08:46 UTC"));
        assert_eq!(rate_limit(&json!({"status": "rejected"})).as_deref(), Some("The usage limit is reached"));
        assert_eq!(rate_limit(&json!({"status": "allowed"})), None);
    }

    #[test]
    fn a_message_of_an_unknown_subtype_is_told_as_far_as_it_has_words() {
        assert_eq!(sentence("new", &json!({"content": "Hi"})).as_deref(), Some("Hi"));
        assert_eq!(sentence("new", &json!({"content": {"a": 1}})).as_deref(), Some(""));
        assert_eq!(sentence("status", &json!({"status": "requesting"})), None);
        assert_eq!(sentence("task_notification", &json!({"output_file": "", "summary": "Sleep"})), None);
    }
}
