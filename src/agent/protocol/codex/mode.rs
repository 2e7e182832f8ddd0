//! How freely Codex acts, as modes to choose from: each is an approval policy with a sandbox.

use serde_json::{Value, json};

use crate::{agent::json::text, domain::Choice};

/// Codex's collaboration mode that looks, asks and proposes, over whatever policy holds.
pub const PLAN: &str = "plan";
/// What the user's config.toml says, where that is none of ours.
pub const CONFIGURED: &str = "configured";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub id: &'static str,
    name: &'static str,
    description: &'static str,
    /// Approval policy and sandbox mode; `None` leaves them as they are.
    policy: Option<(&'static str, &'static str)>,
}

const MODES: &[Mode] = &[
    Mode {
        id: "read-only",
        name: "Read only",
        description: "reads and answers; asks before it changes a file or leaves the sandbox",
        policy: Some(("on-request", "read-only")),
    },
    Mode {
        id: "auto",
        name: "Auto",
        description: "edits and runs commands in the project, sandboxed and offline; asks for more",
        policy: Some(("on-request", "workspace-write")),
    },
    Mode {
        id: "ask",
        name: "Ask for everything",
        description: "asks before each command and edit",
        policy: Some(("untrusted", "workspace-write")),
    },
    Mode { id: PLAN, name: "Plan", description: "looks, asks and proposes a plan to approve", policy: None },
    Mode {
        id: "full-access",
        name: "Full access",
        description: "does everything without asking and without a sandbox",
        policy: Some(("never", "danger-full-access")),
    },
];

impl Mode {
    fn choice(self) -> Choice {
        Choice {
            id: self.id.to_owned(),
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            asks_nothing: self.policy.is_some_and(|(approval, _)| approval == "never"),
        }
    }
}

pub fn find(id: &str) -> Option<Mode> {
    MODES.iter().copied().find(|mode| mode.id == id)
}

pub fn is_one(id: &str) -> bool {
    id == CONFIGURED || find(id).is_some()
}

pub fn names() -> String {
    MODES.iter().map(|mode| mode.id).collect::<Vec<_>>().join(", ")
}

/// What holds in a thread, in Codex's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// A word, or an object of finer rules.
    pub approval: Value,
    /// A tagged object.
    pub sandbox: Value,
}

impl Policy {
    /// `None` if there is nothing of the kind.
    pub fn read(approval: &Value, sandbox: &Value) -> Option<Self> {
        let known = (approval.is_string() || approval.is_object()) && sandbox.get("type").is_some_and(Value::is_string);
        known.then(|| Self { approval: approval.clone(), sandbox: sandbox.clone() })
    }

    /// The mode that this is.
    pub fn mode(&self) -> &'static str {
        let same = |mode: &&Mode| {
            mode.policy.is_some_and(|(approval, sandbox)| self.approval == approval && self.sandboxed(sandbox))
        };
        MODES.iter().find(same).map_or(CONFIGURED, |mode| mode.id)
    }

    fn sandboxed(&self, mode: &str) -> bool {
        let kind = match mode {
            "read-only" => "readOnly",
            "workspace-write" => "workspaceWrite",
            _ => "dangerFullAccess",
        };
        text(&self.sandbox, "type") == kind
    }

    /// How a mode is asked for in a turn. Codex takes the sandbox whole there, so that a workspace which is writable
    /// already keeps what the user's config.toml says of it.
    pub fn of(mode: Mode, before: &[&Policy], directories: &[String]) -> Option<Self> {
        let (approval, sandbox) = mode.policy?;
        let kept = before.iter().find(|before| before.sandboxed(sandbox)).map(|before| before.sandbox.clone());
        let sandbox = kept.unwrap_or_else(|| match sandbox {
            "read-only" => json!({"type": "readOnly", "networkAccess": false}),
            "workspace-write" => json!({"type": "workspaceWrite", "writableRoots": directories, "networkAccess": false,
                "excludeTmpdirEnvVar": false, "excludeSlashTmp": false}),
            _ => json!({"type": "dangerFullAccess"}),
        });
        Some(Self { approval: json!(approval), sandbox })
    }

    fn choice(&self) -> Choice {
        let approval = self.approval.as_str().unwrap_or("rules of its own");
        let asks_nothing = approval == "never";
        Choice {
            id: CONFIGURED.to_owned(),
            name: "As configured".to_owned(),
            description: format!("config.toml: {approval}, {}", text(&self.sandbox, "type")),
            asks_nothing,
        }
    }
}

/// All modes; with the configured one, if it is none of the others.
pub fn choices(configured: Option<&Policy>) -> Vec<Choice> {
    let own = configured.filter(|policy| policy.mode() == CONFIGURED).map(Policy::choice);
    MODES.iter().map(|mode| mode.choice()).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(approval: Value, sandbox: &str, expect: &str) {
        let policy = Policy::read(&approval, &json!({"type": sandbox})).expect("a policy");
        assert_eq!(policy.mode(), expect);
    }

    #[test]
    fn a_policy_has_the_name_of_its_mode() {
        check(json!("on-request"), "readOnly", "read-only");
        check(json!("on-request"), "workspaceWrite", "auto");
        check(json!("untrusted"), "workspaceWrite", "ask");
        check(json!("never"), "dangerFullAccess", "full-access");
        check(json!("never"), "workspaceWrite", CONFIGURED);
        check(json!({"granular": {}}), "readOnly", CONFIGURED);
        assert_eq!(Policy::read(&Value::Null, &json!({"type": "readOnly"})), None);
    }

    #[test]
    fn a_configured_mode_says_whether_it_asks() {
        let silent = Policy::read(&json!("never"), &json!({"type": "workspaceWrite"})).expect("a policy");
        let asks_nothing = |policy: Option<&Policy>| {
            let silent = choices(policy).into_iter().filter(|choice| choice.asks_nothing);
            silent.map(|choice| choice.id).collect::<Vec<_>>()
        };
        assert_eq!(asks_nothing(Some(&silent)), ["full-access", CONFIGURED]);
        assert_eq!(asks_nothing(None), ["full-access"]);
    }

    #[test]
    fn a_writable_workspace_keeps_what_the_user_configured_of_it() {
        let sandbox = json!({"type": "workspaceWrite", "writableRoots": ["/x"], "networkAccess": true});
        let before = Policy::read(&json!("never"), &sandbox).expect("a policy");
        let auto = find("auto").expect("a mode");
        let after = Policy::of(auto, &[&before], &[]).expect("it has a policy");
        assert_eq!((after.approval, after.sandbox), (json!("on-request"), sandbox));
        let fresh = Policy::of(auto, &[], &["/other".to_owned()]).expect("it has a policy");
        assert_eq!(fresh.sandbox["writableRoots"], json!(["/other"]));
        assert_eq!(Policy::of(find(PLAN).expect("a mode"), &[], &[]), None);
    }
}
