//! May this tool run? Claude Code's `can_use_tool` as a request with options, and the user's choice as its answer.

use serde_json::{Map, Value, json};

use crate::{
    agent::{
        adapter::claude::{diff_of_input, subject, title},
        json::{list, some_text, text},
    },
    domain::{OptionId, OptionKind, PermissionOption, PermissionRequest, RequestId, ToolUseId},
};

/// A request that waits for the user.
#[derive(Clone, Debug)]
pub struct Pending {
    input: Value,
    options: Vec<(PermissionOption, Effect)>,
}

/// What choosing an option does.
#[derive(Clone, Debug)]
enum Effect {
    /// With permission updates, as Claude Code has them.
    Allow(Vec<Value>),
    Deny {
        /// What the agent gets if the user gives no reason.
        message: &'static str,
        end_turn: bool,
    },
}

const REFUSED: &str = "The user does not want this tool to run. Ask what to do instead, or go on without it.";
const KEEP_PLANNING: &str = "The user wants the plan to be worked on further. Stay in plan mode.";

/// The request as the user is asked it.
pub fn request(id: RequestId, request: &Value, cwd: &str) -> (PermissionRequest, Pending) {
    let tool = some_text(request, "tool_name").unwrap_or("tool");
    let input = request.get("input").cloned().unwrap_or_else(|| json!({}));
    let is_plan = tool == "ExitPlanMode";
    let options = if is_plan { plan_options() } else { tool_options(list(request, "permission_suggestions")) };
    let shown = PermissionRequest {
        request_id: id,
        tool_use_id: some_text(request, "tool_use_id").map(ToolUseId::from),
        tool: if is_plan { "plan".to_owned() } else { tool.to_owned() },
        title: title(tool, &input, cwd),
        diff: diff_of_input(tool, &input),
        reason: reason(request),
        options: options.iter().map(|(option, _)| option.clone()).collect(),
        subject: subject(tool, &input),
        input: input.clone(),
    };
    (shown, Pending { input, options })
}

fn reason(request: &Value) -> Option<String> {
    let said = some_text(request, "decision_reason").map(str::to_owned);
    let blocked = some_text(request, "blocked_path").map(|path| format!("It touches {path}"));
    said.or(blocked)
}

fn option(id: &str, name: String, kind: OptionKind) -> PermissionOption {
    PermissionOption { option_id: OptionId::from(id), name, kind }
}

fn tool_options(suggestions: &[Value]) -> Vec<(PermissionOption, Effect)> {
    use OptionKind::*;
    let mut options = vec![(option("allow", "Allow once".into(), AllowOnce), Effect::Allow(Vec::new()))];
    let known: Vec<&Value> = suggestions.iter().filter(|update| update.is_object()).collect();
    if !known.is_empty() {
        // For this session alone, and for longer if that was suggested.
        let session: Vec<Value> = known.iter().map(|update| for_session(update)).collect();
        let lasting: Vec<Value> = known.into_iter().cloned().collect();
        let name = format!("Allow {}", names(&session));
        options.push((option("allow_session", name, AllowAlways), Effect::Allow(session.clone())));
        if session != lasting {
            let name = format!("Always allow {}", names(&lasting));
            options.push((option("allow_always", name, AllowAlways), Effect::Allow(lasting)));
        }
    }
    options.push((option("reject", "Reject".into(), RejectOnce), Effect::Deny { message: REFUSED, end_turn: false }));
    options.push((
        option("reject_stop", "Reject and end the turn".into(), RejectOnce),
        Effect::Deny { message: REFUSED, end_turn: true },
    ));
    options
}

fn plan_options() -> Vec<(PermissionOption, Effect)> {
    use OptionKind::*;
    let accept_edits = json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"});
    vec![
        (option("approve", "Approve, ask before each edit".into(), AllowOnce), Effect::Allow(Vec::new())),
        (
            option("approve_edits", "Approve, allow all edits in this session".into(), AllowAlways),
            Effect::Allow(vec![accept_edits]),
        ),
        (
            option("reject", "Keep planning".into(), RejectOnce),
            Effect::Deny { message: KEEP_PLANNING, end_turn: false },
        ),
    ]
}

fn for_session(update: &Value) -> Value {
    let mut update = update.clone();
    update["destination"] = json!("session");
    update
}

/// Exactly what will be allowed and where that is written.
fn names(updates: &[Value]) -> String {
    updates.iter().map(name).collect::<Vec<_>>().join(" and ")
}

fn name(update: &Value) -> String {
    let what = match text(update, "type") {
        "addRules" | "replaceRules" => list(update, "rules").iter().map(rule).collect::<Vec<_>>().join(", "),
        "addDirectories" => {
            let names: Vec<&str> = list(update, "directories").iter().filter_map(Value::as_str).collect();
            format!("access to {}", names.join(", "))
        }
        "setMode" if text(update, "mode") == "acceptEdits" => "all edits".to_owned(),
        "setMode" => format!("mode {}", text(update, "mode")),
        other => format!("{other} {update}"),
    };
    let place = match text(update, "destination") {
        "session" | "cliArg" => "for this session".to_owned(),
        "localSettings" => "in this project for me (.claude/settings.local.json)".to_owned(),
        "projectSettings" => "in this project for everyone (.claude/settings.json)".to_owned(),
        "userSettings" => "in all projects (settings.json of my Claude Code)".to_owned(),
        other => format!("({other})"),
    };
    format!("{what} {place}")
}

fn rule(rule: &Value) -> String {
    let tool = text(rule, "toolName");
    some_text(rule, "ruleContent").map_or_else(|| tool.to_owned(), |content| format!("{tool}({content})"))
}

impl Pending {
    /// The answer to Claude Code; `None` if there is no such option.
    pub fn answer(&self, option: &OptionId, message: Option<&str>, input: Option<Value>) -> Option<Value> {
        let (_, effect) = self.options.iter().find(|(known, _)| known.option_id == *option)?;
        Some(match effect {
            Effect::Allow(updates) => {
                // An answer without the input is refused by Claude Code, so what came goes back.
                let mut answer = json!({"behavior": "allow", "updatedInput": self.updated(input)});
                if !updates.is_empty() {
                    answer["updatedPermissions"] = Value::Array(updates.clone());
                }
                answer
            }
            Effect::Deny { message: default, end_turn } => {
                let said = message.map(str::trim).filter(|said| !said.is_empty());
                // With an end of the turn the agent would not get the reason.
                match (said, end_turn) {
                    (Some(said), _) => json!({"behavior": "deny", "message": said}),
                    (None, true) => json!({"behavior": "deny", "message": default, "interrupt": true}),
                    (None, false) => json!({"behavior": "deny", "message": default}),
                }
            }
        })
    }

    /// The input, with what the user has changed in it: a plan may come alone or as an object's field.
    fn updated(&self, changed: Option<Value>) -> Value {
        let mut input: Map<String, Value> = self.input.as_object().cloned().unwrap_or_default();
        match changed {
            Some(Value::Object(changed)) => input.extend(changed),
            Some(Value::String(plan)) if input.contains_key("plan") => {
                input.insert("plan".to_owned(), Value::String(plan));
            }
            _ => {}
        }
        Value::Object(input)
    }
}

/// The user does not answer: the turn is being interrupted.
pub fn cancelled() -> Value {
    json!({"behavior": "deny", "message": REFUSED, "interrupt": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash() -> Value {
        json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "echo x > /p/f"},
            "permission_suggestions": [
                {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "echo x *"}], "behavior": "allow",
                    "destination": "localSettings"},
                {"type": "addDirectories", "directories": ["/p"], "destination": "session"}, 7],
            "blocked_path": "/p/f", "tool_use_id": "t1"})
    }

    #[track_caller]
    fn check(request: &Value, expect: &[&str]) -> Pending {
        let (shown, pending) = super::request("r".into(), request, "/p");
        let names: Vec<_> = shown
            .options
            .iter()
            .map(|option| format!("{} {:?}: {}", option.option_id, option.kind, option.name))
            .collect();
        assert_eq!(names, expect);
        pending
    }

    #[test]
    fn an_option_says_exactly_what_it_allows_and_where() {
        let pending = check(
            &bash(),
            &[
                "allow AllowOnce: Allow once",
                "allow_session AllowAlways: Allow Bash(echo x *) for this session and access to /p for this session",
                "allow_always AllowAlways: Always allow Bash(echo x *) in this project for me \
                 (.claude/settings.local.json) and access to /p for this session",
                "reject RejectOnce: Reject",
                "reject_stop RejectOnce: Reject and end the turn",
            ],
        );
        let always = pending.answer(&"allow_always".into(), None, None).expect("an option");
        assert_eq!(always["updatedInput"], json!({"command": "echo x > /p/f"}));
        assert_eq!(always["updatedPermissions"].as_array().map(Vec::len), Some(2));
        assert_eq!(always["updatedPermissions"][0]["destination"], "localSettings");
        let session = pending.answer(&"allow_session".into(), None, None).expect("an option");
        assert_eq!(session["updatedPermissions"][0]["destination"], "session");
        assert_eq!(pending.answer(&"nonsense".into(), None, None), None);
    }

    #[test]
    fn a_suggestion_for_the_session_is_offered_once() {
        let request = json!({"tool_name": "Edit", "input": {"file_path": "/p/a", "old_string": "a", "new_string": "b"},
            "permission_suggestions": [{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]});
        check(
            &request,
            &[
                "allow AllowOnce: Allow once",
                "allow_session AllowAlways: Allow all edits for this session",
                "reject RejectOnce: Reject",
                "reject_stop RejectOnce: Reject and end the turn",
            ],
        );
        let (shown, _) = super::request("r".into(), &request, "/p");
        assert_eq!(shown.title, "a");
        assert_eq!(shown.diff[0].hunks[0].lines, ["-a", "+b"]);
    }

    #[test]
    fn a_reason_reaches_the_agent_word_for_word() {
        let (_, pending) = super::request("r".into(), &bash(), "/p");
        let answer = |option: &str, message| pending.answer(&option.into(), message, None).expect("an option");
        assert_eq!(answer("reject", Some("Use printf")), json!({"behavior": "deny", "message": "Use printf"}));
        assert_eq!(answer("reject_stop", Some("Use printf")), json!({"behavior": "deny", "message": "Use printf"}));
        assert_eq!(answer("reject", Some(" ")), json!({"behavior": "deny", "message": REFUSED}));
        assert_eq!(answer("reject_stop", None)["interrupt"], true);
    }

    #[test]
    fn an_edited_plan_goes_back_with_the_approval() {
        let request = json!({"tool_name": "ExitPlanMode", "input": {"plan": "# Old", "planFilePath": "/f"}});
        let pending = check(
            &request,
            &[
                "approve AllowOnce: Approve, ask before each edit",
                "approve_edits AllowAlways: Approve, allow all edits in this session",
                "reject RejectOnce: Keep planning",
            ],
        );
        let answer = pending.answer(&"approve".into(), None, Some(json!({"plan": "# New"}))).expect("an option");
        assert_eq!(answer, json!({"behavior": "allow", "updatedInput": {"plan": "# New", "planFilePath": "/f"}}));
        let answer = pending.answer(&"approve_edits".into(), None, Some(json!("# New"))).expect("an option");
        assert_eq!(answer["updatedInput"]["plan"], "# New");
        assert_eq!(answer["updatedPermissions"][0]["mode"], "acceptEdits");
        assert_eq!(super::request("r".into(), &request, "").0.tool, "plan");
    }

    #[test]
    fn a_request_of_any_shape_can_be_answered() {
        for request in [json!({}), json!({"input": "text", "tool_name": 5, "permission_suggestions": {"a": 1}})] {
            let (shown, pending) = super::request("r".into(), &request, "");
            let allow = pending.answer(&shown.options[0].option_id, None, None).expect("an option");
            assert_eq!(allow, json!({"behavior": "allow", "updatedInput": {}}));
        }
    }
}
