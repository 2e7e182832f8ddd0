//! May this be done? Codex's approvals as permission requests with every decision that it offers, and those that work though
//! it does not list them (0.169.0: `acceptForSession`, `decline`).
//!
//! A decision that lasts longer than the session says so in its name, before it is chosen.

use serde_json::{Map, Value, json};

use super::tool::{PATCH, SHELL};
use crate::{
    agent::{
        adapter::codex::bare_command,
        json::{list, one_line, some_text, text, texts},
    },
    domain::{FileDiff, OptionId, OptionKind, PermissionOption, PermissionRequest, RequestId, Subject, ToolUseId},
};

/// Of a command in a title or an option's name.
const COMMAND_LIMIT: usize = 80;

/// An approval that waits for the user.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    choices: Vec<Choice>,
    cancelled: Value,
}

#[derive(Clone, Debug, PartialEq)]
struct Choice {
    option: PermissionOption,
    result: Value,
}

/// What becomes of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// For Codex.
    pub result: Value,
    /// What the user said with a refusal: the answer has no place for it.
    pub words: Option<String>,
}

/// What the request is about, as far as the thread knows it.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub id: Option<RequestId>,
    pub tool_use_id: Option<ToolUseId>,
    pub cwd: String,
    /// Codex's own folder.
    pub home: String,
    pub title: String,
    pub diff: Vec<FileDiff>,
}

fn choice(id: &str, name: impl Into<String>, kind: OptionKind, result: Value) -> Choice {
    Choice { option: PermissionOption { option_id: OptionId::from(id), name: name.into(), kind }, result }
}

/// The request and how it is answered; `None` if the method is none of an approval.
pub fn read(method: &str, params: &Value, about: About) -> Option<(PermissionRequest, Pending)> {
    let unknown = about.title.is_empty() && about.diff.is_empty();
    let (mut request, pending) = match method {
        "item/commandExecution/requestApproval" => command(params, about),
        "item/fileChange/requestApproval" => file_change(params, about),
        "item/permissions/requestApproval" => permissions(params, about),
        "execCommandApproval" => legacy(params, SHELL, &legacy_command(params), about),
        "applyPatchApproval" => legacy(params, PATCH, &legacy_paths(params).join(", "), about),
        _ => return None,
    };
    // Nobody is asked to allow what is not to be seen: of a shape that we do not know, all of it is shown.
    let blank = |value: &Value| value == "" || value.as_array().is_some_and(Vec::is_empty);
    if unknown && request.diff.is_empty() && request.input.as_object().is_none_or(|input| input.values().all(blank)) {
        request.input = params.clone();
        request.subject = Subject::Always;
    }
    Some((request, pending))
}

fn shown(
    about: About,
    tool: &str,
    title: &str,
    input: Value,
    reason: Option<String>,
    pending: Pending,
    subject: Subject,
) -> (PermissionRequest, Pending) {
    let request = PermissionRequest {
        request_id: about.id.unwrap_or_else(|| RequestId::from("")),
        tool_use_id: about.tool_use_id,
        tool: tool.to_owned(),
        title: one_line(title, 2 * COMMAND_LIMIT),
        input,
        diff: about.diff,
        reason,
        options: pending.choices.iter().map(|choice| choice.option.clone()).collect(),
        subject,
    };
    (request, pending)
}

fn command(params: &Value, about: About) -> (PermissionRequest, Pending) {
    let line = text(params, "command");
    let network = &params["networkApprovalContext"];
    let title = match (some_text(network, "host"), text(params, "kind")) {
        (Some(host), _) => format!("network access to {host}"),
        (None, "writeStdin") => format!("input for {}", bare_command(line)),
        _ if line.is_empty() => about.title.clone(),
        _ => bare_command(line).to_owned(),
    };
    let mut input = Map::new();
    if !line.is_empty() {
        input.insert("command".to_owned(), json!(line));
    }
    if let Some(cwd) = some_text(params, "cwd").filter(|cwd| *cwd != about.cwd) {
        input.insert("cwd".to_owned(), json!(cwd));
    }
    for key in ["networkApprovalContext", "additionalPermissions"] {
        if params[key].is_object() {
            input.insert(key.to_owned(), params[key].clone());
        }
    }
    let mut decisions = list(params, "availableDecisions").to_vec();
    if decisions.is_empty() {
        decisions = vec![json!("accept"), json!("cancel")];
        if let Some(amendment) = params.get("proposedExecpolicyAmendment").filter(|amendment| amendment.is_array()) {
            decisions.insert(1, json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}}));
        }
    }
    let has = |decisions: &[Value], word: &str| decisions.iter().any(|decision| decision == word);
    // Both work in any case: one command may be wanted again, and a refusal need not end the turn.
    if has(&decisions, "accept") && !has(&decisions, "acceptForSession") {
        let after = decisions.iter().position(|decision| decision == "accept").unwrap_or(0) + 1;
        decisions.insert(after, json!("acceptForSession"));
    }
    if !has(&decisions, "decline") {
        let before = decisions.iter().position(|decision| decision == "cancel").unwrap_or(decisions.len());
        decisions.insert(before, json!("decline"));
    }
    let what = if network.is_object() { "this host" } else { "this command" };
    let pending = decided(&decisions, what, &about.home);
    let reason = some_text(params, "reason").map(str::to_owned);
    // The network and other rights are more than the command; what is typed into one is not seen at all.
    let more = ["networkApprovalContext", "additionalPermissions"].iter().any(|key| params[*key].is_object());
    let subject = match line.is_empty() || more || text(params, "kind") == "writeStdin" {
        true => Subject::Always,
        false => Subject::of_command(&Value::Object(input.clone())),
    };
    shown(about, SHELL, &title, Value::Object(input), reason, pending, subject)
}

fn file_change(params: &Value, about: About) -> (PermissionRequest, Pending) {
    let decisions = ["accept", "acceptForSession", "decline", "cancel"].map(|word| json!(word));
    let pending = decided(&decisions, "changes of these files", &about.home);
    let root = some_text(params, "grantRoot").map(|root| format!("It wants to write below {root} in this session"));
    let reason = some_text(params, "reason").map(str::to_owned).or(root);
    let title = if about.title.is_empty() { "a change of files".to_owned() } else { about.title.clone() };
    let paths: Vec<&str> = about.diff.iter().map(|file| file.path.as_str()).collect();
    let input = json!({"paths": paths});
    let subject = match some_text(params, "grantRoot") {
        // More than these files.
        Some(_) => Subject::Always,
        None => changes_of(&paths),
    };
    shown(about, PATCH, &title, input, reason, pending, subject)
}

/// A file that is moved has two names, and is asked about.
fn changes_of(paths: &[&str]) -> Subject {
    match paths.is_empty() || paths.iter().any(|path| path.contains(super::tool::MOVED)) {
        true => Subject::Always,
        false => Subject::Files { paths: paths.iter().map(|path| (*path).to_owned()).collect(), change: true },
    }
}

/// Decisions of `item/…/requestApproval`.
fn decided(decisions: &[Value], what: &str, home: &str) -> Pending {
    use OptionKind::{AllowAlways, AllowOnce, Other, RejectOnce};
    let choices = decisions.iter().enumerate().map(|(at, decision)| {
        let result = json!({"decision": decision});
        let amendment = decision.as_object().and_then(|decision| decision.iter().next());
        match (decision.as_str(), amendment) {
            (Some("accept"), _) => choice("accept", "Allow once", AllowOnce, result),
            (Some("acceptForSession"), _) => {
                choice("acceptForSession", format!("Allow {what} for this session"), AllowAlways, result)
            }
            (Some("decline"), _) => choice("decline", "Reject", RejectOnce, result),
            (Some("cancel"), _) => choice("cancel", "Reject and end the turn", RejectOnce, result),
            (Some(word), _) => choice(word, word, Other, result),
            (None, Some((name, amendment))) => {
                let (shown, kind) = lasting(name, amendment, home);
                choice(&format!("{name}-{at}"), shown, kind, result)
            }
            (None, None) => choice(&format!("decision-{at}"), decision.to_string(), Other, result),
        }
    });
    Pending { choices: choices.collect(), cancelled: json!({"decision": "cancel"}) }
}

/// A decision that Codex writes down for all times.
fn lasting(name: &str, amendment: &Value, home: &str) -> (String, OptionKind) {
    let place = if home.is_empty() { "CODEX_HOME".to_owned() } else { home.to_owned() };
    let rules = format!("writes a rule to {place}/rules, for good and for all projects");
    match name {
        "acceptWithExecpolicyAmendment" => {
            let words = texts(amendment, "execpolicy_amendment");
            let line = one_line(&words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "), COMMAND_LIMIT);
            (format!("Always allow commands that begin with `{line}` ({rules})"), OptionKind::AllowAlways)
        }
        "applyNetworkPolicyAmendment" => {
            let rule = &amendment["network_policy_amendment"];
            let host = some_text(rule, "host").unwrap_or("the host");
            match text(rule, "action") {
                "deny" => (format!("Never allow network access to {host} ({rules})"), OptionKind::RejectAlways),
                _ => (format!("Always allow network access to {host} ({rules})"), OptionKind::AllowAlways),
            }
        }
        other => (format!("{other} {amendment} (may hold for good)"), OptionKind::Other),
    }
}

/// A word as a shell wants it, so that it is seen where one ends.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn permissions(params: &Value, about: About) -> (PermissionRequest, Pending) {
    use OptionKind::{AllowAlways, AllowOnce, RejectOnce};
    let wanted = params["permissions"].as_object().cloned().unwrap_or_default();
    // What is not asked for is not granted either.
    let wanted: Map<String, Value> = wanted.into_iter().filter(|(_, value)| !value.is_null()).collect();
    let grant = |scope: &str| json!({"permissions": wanted, "scope": scope});
    let refused = json!({"permissions": {}, "scope": "turn"});
    let choices = vec![
        choice("turn", "Allow for this turn", AllowOnce, grant("turn")),
        choice("session", "Allow for this session", AllowAlways, grant("session")),
        choice("decline", "Reject", RejectOnce, refused.clone()),
    ];
    let mut parts = Vec::new();
    if wanted.get("network").is_some_and(|network| network["enabled"] == true) {
        parts.push("network access".to_owned());
    }
    let files = wanted.get("fileSystem").unwrap_or(&Value::Null);
    for (key, verb) in [("read", "read"), ("write", "write")] {
        let paths = texts(files, key);
        if !paths.is_empty() {
            parts.push(format!("{verb} {}", paths.join(", ")));
        }
    }
    let title = if parts.is_empty() { "more permissions".to_owned() } else { parts.join("; ") };
    let reason = some_text(params, "reason").map(str::to_owned);
    let input = Value::Object(wanted.clone());
    let pending = Pending { choices, cancelled: refused };
    shown(about, "permissions", &title, input, reason, pending, Subject::Always)
}

fn legacy_command(params: &Value) -> String {
    let words = texts(params, "command");
    match words.as_slice() {
        // A shell's script is what the user knows.
        [_, flag, script] if matches!(flag.as_str(), "-lc" | "-c") => script.clone(),
        words => words.join(" "),
    }
}

fn legacy_paths(params: &Value) -> Vec<String> {
    params["fileChanges"].as_object().into_iter().flatten().map(|(path, _)| path.clone()).collect()
}

/// The two approvals of Codex's older protocol.
fn legacy(params: &Value, tool: &str, title: &str, about: About) -> (PermissionRequest, Pending) {
    use OptionKind::{AllowAlways, AllowOnce, RejectOnce};
    let decided = |decision: Value| json!({"decision": decision});
    let refused = "The user does not want this. Ask what to do instead, or go on without it.";
    let choices = vec![
        choice("approved", "Allow once", AllowOnce, decided(json!("approved"))),
        choice(
            "approved_for_session",
            "Allow this for this session",
            AllowAlways,
            decided(json!("approved_for_session")),
        ),
        choice("denied", "Reject", RejectOnce, decided(json!({"denied": {"rejection": refused}}))),
        choice("abort", "Reject and end the turn", RejectOnce, decided(json!("abort"))),
    ];
    let mut about = about;
    if about.diff.is_empty() {
        about.diff = legacy_diff(params);
    }
    let input = if tool == PATCH { json!({"paths": legacy_paths(params)}) } else { json!({"command": title}) };
    let reason = some_text(params, "reason").map(str::to_owned);
    let pending = Pending { choices, cancelled: decided(json!("abort")) };
    // The words of a command were put together without quotes, and another might look the same.
    shown(about, tool, title, input, reason, pending, Subject::Always)
}

fn legacy_diff(params: &Value) -> Vec<FileDiff> {
    let changes = params["fileChanges"].as_object().into_iter().flatten().map(|(path, change)| {
        let diff = some_text(change, "unified_diff").unwrap_or_else(|| text(change, "content"));
        json!({"path": path, "kind": {"type": change["type"], "move_path": change["move_path"]}, "diff": diff})
    });
    super::tool::diffs(&changes.collect::<Vec<_>>())
}

impl Pending {
    pub fn new(choices: Vec<(PermissionOption, Value)>, cancelled: Value) -> Self {
        let choices = choices.into_iter().map(|(option, result)| Choice { option, result }).collect();
        Self { choices, cancelled }
    }

    /// `None` if there is no such option.
    pub fn answer(&self, option: &OptionId, message: Option<&str>) -> Option<Chosen> {
        let chosen = self.choices.iter().find(|choice| choice.option.option_id == *option)?;
        let refuses = matches!(chosen.option.kind, OptionKind::RejectOnce | OptionKind::RejectAlways);
        let words = message.map(str::trim).filter(|words| refuses && !words.is_empty()).map(str::to_owned);
        let mut result = chosen.result.clone();
        match &words {
            // Here they have a place.
            Some(words) if result["decision"]["denied"].is_object() => {
                result["decision"]["denied"]["rejection"] = json!(words);
                Some(Chosen { result, words: None })
            }
            // With an end of the turn nobody would hear them.
            Some(_) if result["decision"] == "cancel" => Some(Chosen { result: json!({"decision": "decline"}), words }),
            _ => Some(Chosen { result, words }),
        }
    }

    /// The user does not answer: the turn is being interrupted.
    pub fn cancelled(&self) -> Value {
        self.cancelled.clone()
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
