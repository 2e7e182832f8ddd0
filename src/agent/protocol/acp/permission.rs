//! May this tool run? `session/request_permission` as a question, and the user's choice as its answer.

use serde_json::{Value, json};

use super::tools::Call;
use crate::{
    agent::json::{list, some_text, text},
    domain::{OptionId, OptionKind, PermissionOption, PermissionRequest, RequestId, Subject, ToolUseId},
};

/// A request that waits for the user.
#[derive(Clone, Debug)]
pub struct Pending {
    pub tool: Option<ToolUseId>,
    options: Vec<PermissionOption>,
    /// The plan that is to be approved.
    plan: Option<String>,
}

/// What the user's choice comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub result: Value,
    pub refused: bool,
    /// The protocol has no place for them beside a choice: they go as the next prompt.
    pub words: Option<String>,
}

/// Our own, where the agent offers none.
const NO_CHOICE: &str = "agor-reject";

/// Choices that last, by their id: what the agent does not say in the option's name.
const LASTING: &[(&str, &str)] = &[
    // codex-acp 2.6.0
    ("accept_execpolicy_amendment", "for good: Codex writes it into its rules"),
];

pub fn request(id: RequestId, params: &Value, call: Option<&Call>, cwd: &str) -> (PermissionRequest, Pending) {
    let claude = params.pointer("/toolCall/_meta/claudeCode").is_some() || call.is_some_and(Call::is_claudes);
    let mut options: Vec<PermissionOption> =
        list(params, "options").iter().filter_map(|option| self::option(option, claude)).collect();
    // Some begin with what holds for good: the first is everywhere what is allowed once, since `1` is quickly typed.
    options.sort_by_key(|option| option.kind != OptionKind::AllowOnce);
    if options.is_empty() {
        let name = "Reject (the agent offers no choice)".to_owned();
        options.push(PermissionOption { option_id: NO_CHOICE.into(), name, kind: OptionKind::RejectOnce });
    }
    let input = call.map_or(Value::Null, Call::asked_input);
    let plan = call.filter(|call| call.kind() == "switch_mode").and_then(|_| some_text(&input, "plan"));
    let plan = plan.map(str::to_owned);
    let request = PermissionRequest {
        request_id: id,
        tool_use_id: call.map(|call| call.id.clone()),
        tool: match (&plan, call) {
            (Some(_), _) => "plan".to_owned(),
            (None, call) => call.map_or("tool", Call::name).to_owned(),
        },
        title: call.map_or_else(String::new, |call| call.title(cwd)),
        diff: call.map(|call| call.changes(cwd)).unwrap_or_default(),
        reason: call.filter(|_| plan.is_none()).and_then(Call::remark),
        options: options.clone(),
        subject: call.map_or(Subject::Always, |call| {
            call.subject(cwd, params.pointer("/toolCall/rawInput").unwrap_or(&Value::Null))
        }),
        input,
    };
    let pending = Pending { tool: request.tool_use_id.clone(), options, plan };
    (request, pending)
}

fn option(option: &Value, claude: bool) -> Option<PermissionOption> {
    let id = some_text(option, "optionId")?;
    let kind = match text(option, "kind") {
        "allow_once" => OptionKind::AllowOnce,
        "allow_always" => OptionKind::AllowAlways,
        "reject_once" => OptionKind::RejectOnce,
        "reject_always" => OptionKind::RejectAlways,
        _ => OptionKind::Other,
    };
    let mut name = some_text(option, "name").unwrap_or(id).to_owned();
    let lasting = LASTING.iter().find(|(known, _)| *known == id).map(|(_, note)| *note);
    // claude-agent-acp 0.49.0 does not say whether a rule goes into the project's file or holds for the session.
    let claudes = (claude && id == "allow_always").then_some("may be kept in .claude/settings.local.json");
    if let Some(note) = lasting.or(claudes) {
        name = format!("{name} ({note})");
    }
    Some(PermissionOption { option_id: OptionId::from(id), name, kind })
}

impl Pending {
    /// `None` if there is no such option.
    pub fn answer(&self, option: &OptionId, message: Option<&str>, input: Option<&Value>) -> Option<Decision> {
        let mut chosen = self.options.iter().find(|known| known.option_id == *option)?;
        let mut words = message.map(str::trim).filter(|said| !said.is_empty()).map(str::to_owned);
        // A changed plan cannot go along with an approval, so the old one is rejected for it.
        if let Some(changed) = input.and_then(|input| self.changed_plan(input))
            && let Some(rejection) = self.options.iter().find(|option| rejects(option))
        {
            chosen = rejection;
            words = Some(format!("I have changed your plan. Work by this one, which I approve:\n\n{changed}"));
        }
        let refused = rejects(chosen);
        let result = match chosen.option_id.as_str() {
            NO_CHOICE => cancelled(),
            id => json!({"outcome": {"outcome": "selected", "optionId": id}}),
        };
        Some(Decision { result, refused, words: words.filter(|_| refused) })
    }

    fn changed_plan(&self, input: &Value) -> Option<String> {
        let changed = input.as_str().or_else(|| some_text(input, "plan"))?;
        (self.plan.as_deref()? != changed).then(|| changed.to_owned())
    }
}

fn rejects(option: &PermissionOption) -> bool {
    matches!(option.kind, OptionKind::RejectOnce | OptionKind::RejectAlways)
}

/// Nobody answers: the turn is being cancelled.
pub fn cancelled() -> Value {
    json!({"outcome": {"outcome": "cancelled"}})
}

#[cfg(test)]
mod tests {
    use super::{
        super::tools::{Source, Tools},
        *,
    };
    use crate::agent::adapter::Ids;
    use uuid::Uuid;

    #[track_caller]
    fn ask(params: Value) -> (PermissionRequest, Pending) {
        let mut tools = Tools::new(Ids::new(Uuid::nil()), "/p".into());
        let call = params.get("toolCall").cloned().unwrap_or_default();
        tools.tell(&call, Source::Permission);
        let found = some_text(&call, "toolCallId").and_then(|id| tools.find(id));
        request("r".into(), &params, found, "/p")
    }

    fn options(extra: &[Value]) -> Value {
        let known = [
            json!({"optionId": "always", "name": "Always", "kind": "allow_always"}),
            json!({"optionId": "once", "name": "Once", "kind": "allow_once"}),
            json!({"optionId": "no", "name": "No", "kind": "reject_once"}),
        ];
        json!(known.iter().chain(extra).collect::<Vec<_>>())
    }

    #[test]
    fn the_options_are_the_agents_with_what_is_allowed_once_first() {
        let extra = [json!({"optionId": "new", "kind": "brand_new"}), json!({"name": "no id"}), json!(5)];
        let call = json!({"toolCallId": "t", "title": "ls\nrm x", "kind": "execute", "status": "pending",
            "content": [{"type": "content", "content": {"type": "text", "text": "Lists"}}]});
        let (shown, pending) = ask(json!({"toolCall": call, "options": options(&extra)}));
        let got: Vec<_> = shown.options.iter().map(|option| (option.name.as_str(), option.kind)).collect();
        use OptionKind::*;
        assert_eq!(got, [("Once", AllowOnce), ("Always", AllowAlways), ("No", RejectOnce), ("new", Other)]);
        assert_eq!((shown.tool.as_str(), shown.title.as_str()), ("execute", "ls…"));
        assert_eq!((shown.input, shown.reason.as_deref()), (json!({"command": "ls\nrm x"}), Some("Lists")));
        let answer = |option: &str, message| pending.answer(&option.into(), message, None);
        let once = answer("once", Some("words that no agent reads")).expect("an option");
        assert_eq!(once.result, json!({"outcome": {"outcome": "selected", "optionId": "once"}}));
        assert_eq!((once.refused, once.words), (false, None));
        let no = answer("no", Some(" Use printf ")).expect("an option");
        assert_eq!((no.refused, no.words.as_deref()), (true, Some("Use printf")));
        assert_eq!(answer("nonsense", None), None);
    }

    #[test]
    fn a_choice_that_lasts_says_so() {
        let lasting = json!({"optionId": "accept_execpolicy_amendment", "name": "Yes, always", "kind": "allow_always"});
        let (shown, _) = ask(json!({"toolCall": {"toolCallId": "t"}, "options": [lasting]}));
        assert_eq!(shown.options[0].name, "Yes, always (for good: Codex writes it into its rules)");
        let always = json!({"optionId": "allow_always", "name": "Always Allow Bash(ls)", "kind": "allow_always"});
        let call = json!({"toolCallId": "t", "_meta": {"claudeCode": {"toolName": "Bash"}}});
        let (shown, _) = ask(json!({"toolCall": call, "options": [always]}));
        assert_eq!(shown.options[0].name, "Always Allow Bash(ls) (may be kept in .claude/settings.local.json)");
    }

    #[test]
    fn a_request_without_options_or_call_can_be_refused() {
        for params in [json!({}), json!({"options": {}, "toolCall": 7}), json!({"options": [{}], "toolCall": {}})] {
            let (shown, pending) = ask(params);
            assert_eq!(shown.options.len(), 1);
            let decision = pending.answer(&shown.options[0].option_id, None, None).expect("an option");
            assert_eq!(decision, Decision { result: cancelled(), refused: true, words: None });
        }
    }

    #[test]
    fn a_changed_plan_is_the_next_prompt() {
        let call = json!({"toolCallId": "t", "kind": "switch_mode", "title": "Ready?", "rawInput": {"plan": "# Old"}});
        let (shown, pending) = ask(json!({"toolCall": call, "options": options(&[])}));
        assert_eq!((shown.tool.as_str(), &shown.input["plan"]), ("plan", &json!("# Old")));
        let answer = |input: &Value| pending.answer(&"once".into(), None, Some(input)).expect("an option");
        let same = answer(&json!({"plan": "# Old"}));
        assert_eq!((same.refused, same.words), (false, None));
        let changed = answer(&json!({"plan": "# New"}));
        assert_eq!(changed.result["outcome"]["optionId"], "no");
        assert!(changed.words.is_some_and(|words| words.ends_with("\n\n# New")));
        assert!(answer(&json!("# New")).refused);
    }
}
