//! Tools that are about to run: Claude Code tells of each by a hook of ours, in every mode, whether it would ask or not.
//!
//! It asks for one only where rules forbid something or want to be asked about it: each call waits for the answer.

use serde_json::{Value, json};

use super::permission;
use crate::{
    agent::json::text,
    domain::{Judgement, PermissionRequest, RequestId},
};

/// Ours is the only one, and this is its name.
const NAME: &str = "calls";
/// Seconds. A backend that was stopped is waited for: without an answer the tool would not run.
const PATIENCE: u64 = 86_400;

/// Tools by which the model arranges its own work: what it writes there is nothing that is done. What a subagent does it
/// tells of by itself.
const OWN: [&str; 12] = [
    "Agent",
    "EnterPlanMode",
    "SendMessage",
    "Skill",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
];
/// These ask the user in every mode.
const ASKS: [&str; 2] = ["AskUserQuestion", "ExitPlanMode"];

/// For `initialize`.
pub fn hooks() -> Value {
    json!({"PreToolUse": [{"matcher": null, "hookCallbackIds": [NAME], "timeout": PATIENCE}]})
}

/// What is about to run; `None` if that is nothing to be judged.
pub fn call(id: &str, request: &Value, cwd: &str) -> Option<PermissionRequest> {
    let hook = request.get("input")?;
    let tool = text(hook, "tool_name");
    if text(request, "callback_id") != NAME || ASKS.contains(&tool) {
        return None;
    }
    let input = hook.get("tool_input").filter(|_| !OWN.contains(&tool)).cloned().unwrap_or_else(|| json!({}));
    let shown = json!({"tool_name": tool, "input": input, "tool_use_id": hook.get("tool_use_id")});
    Some(permission::request(RequestId::from(id), &shown, cwd).0)
}

pub fn answer(judgement: &Judgement) -> Value {
    let (decision, reason) = match judgement {
        Judgement::Nothing => return json!({}),
        Judgement::Ask(why) => ("ask", why),
        Judgement::Deny(why) => ("deny", why),
    };
    json!({"hookSpecificOutput":
        {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason}})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{
            Claude,
            tests::{feed, options, written},
        },
        *,
    };
    use crate::{
        agent::protocol::{Output, Protocol},
        domain::{
            Command, Event, Subject,
            policy::{Policy, PolicyRule},
        },
    };

    fn under(policy: Policy) -> (Claude, Output) {
        let mut options = options();
        options.policy = Arc::new(policy);
        let mut claude = Claude::new(&options, uuid::Uuid::nil());
        let out = claude.start();
        (claude, out)
    }

    fn restricted() -> Claude {
        under(Policy { deny: vec![PolicyRule::default()], ..Policy::default() }).0
    }

    fn runs(claude: &mut Claude, tool: &str, input: Value) -> Output {
        let hook = json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "t"});
        let request = json!({"subtype": "hook_callback", "callback_id": NAME, "input": hook, "tool_use_id": "t"});
        feed(claude, json!({"type": "control_request", "request_id": "h", "request": request}))
    }

    #[test]
    fn calls_are_told_of_only_where_rules_restrict() {
        let hooks = |policy| written(&under(policy).1)[0]["request"]["hooks"].clone();
        assert_eq!(hooks(Policy::default()), Value::Null);
        let rule = || vec![PolicyRule::default()];
        assert_eq!(hooks(Policy { allow: rule(), ..Policy::default() }), Value::Null);
        for policy in [Policy { deny: rule(), ..Policy::default() }, Policy { ask: rule(), ..Policy::default() }] {
            assert_eq!(hooks(policy)["PreToolUse"][0]["hookCallbackIds"], json!([NAME]));
        }
    }

    #[test]
    fn a_call_waits_for_what_rules_say_of_it_and_has_one_answer() {
        for (judgement, expect) in [
            (Judgement::Nothing, json!({})),
            (Judgement::Deny("no".into()), answer(&Judgement::Deny("no".into()))),
            (Judgement::Ask("why".into()), answer(&Judgement::Ask("why".into()))),
        ] {
            let mut claude = restricted();
            let out = runs(&mut claude, "Bash", json!({"command": "rm x"}));
            let [Event::Call(call)] = &out.events[..] else { panic!("{:?}", out.events) };
            assert_eq!((call.tool.as_str(), call.title.as_str()), ("Bash", "rm x"));
            assert_eq!(call.subject, Subject::Command { command: "rm x".into() });
            assert_eq!(out.writes.len(), 0, "it waits");
            let judged = || Command::Judged { request_id: "h".into(), judgement: judgement.clone() };
            let told = written(&claude.command(judged()));
            assert_eq!(told[0]["response"], json!({"subtype": "success", "request_id": "h", "response": expect}));
            assert_eq!(claude.command(judged()).writes.len(), 0, "once");
        }
    }

    #[test]
    fn a_call_that_was_taken_back_has_no_answer() {
        let mut claude = restricted();
        runs(&mut claude, "Read", json!({"file_path": "/p/a"}));
        feed(&mut claude, json!({"type": "control_cancel_request", "request_id": "h"}));
        let judged = Command::Judged { request_id: "h".into(), judgement: Judgement::Nothing };
        assert_eq!(claude.command(judged).writes.len(), 0);
    }

    #[test]
    fn what_is_asked_anyway_goes_on_and_what_a_model_writes_to_itself_is_not_read() {
        for tool in ASKS {
            let out = runs(&mut restricted(), tool, json!({}));
            assert_eq!((out.events.len(), written(&out)[0]["response"]["response"].clone()), (0, json!({})));
        }
        let out = runs(&mut restricted(), "TaskCreate", json!({"description": "see https://x.y"}));
        let [Event::Call(call)] = &out.events[..] else { panic!("{:?}", out.events) };
        assert_eq!((call.tool.as_str(), &call.input), ("TaskCreate", &json!({})));
    }
}
