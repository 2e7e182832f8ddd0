//! What a user forbids, wants to be asked about, and allows, whoever asks: rules by tool, command, path and machine, held
//! against what a request shows. What forbids goes before what asks, and that before what allows.
//!
//! What forbids or asks is read widely: a command in a command, options in any order, a path under its other names. What
//! allows is read narrowly: all of it has to be understood, and each part allowed. Where the two leave a doubt it is asked.
//!
//! Pure: where paths lead is told by who asks. How rules are written is `lua/agor/policy.lua`'s business, who is asked and
//! what is taken down is the session's.

pub(in crate::domain) mod command;
mod glob;
mod inner;
mod offer;
mod place;
mod script;
mod seen;
mod weigh;

use serde::{Deserialize, Serialize};

use self::{
    command::{CommandRule, Hit},
    place::PathRule,
};
pub use self::{
    offer::{examples, refusals, refuses},
    place::{Surroundings, plain},
    seen::{Access, Seen},
    weigh::{By, allowed},
};

/// One rule: the fields that are set have to fit, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyRule {
    /// `command`, `read`, `edit`, `fetch`, the agent's own name for a tool with `*` in it, or `*` for anything.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tool: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Where it stands, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub origin: String,
}

/// All that holds for a session, of all its origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    pub deny: Vec<PolicyRule>,
    pub ask: Vec<PolicyRule>,
    pub allow: Vec<PolicyRule>,
    /// Where rules that forbid or ask stand and cannot be read: nobody knows what they would say, so all is asked.
    pub unread: Vec<String>,
}

impl Policy {
    /// Something is forbidden or asked about: what an agent does not ask any more would escape it.
    pub fn restricts(&self) -> bool {
        !(self.deny.is_empty() && self.ask.is_empty() && self.unread.is_empty())
    }
}

/// What the rules that forbid and ask say of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Deny {
        rule: PolicyRule,
        /// What it is about in the request.
        what: String,
    },
    /// By a rule, or since nobody can be sure; in a sentence.
    Ask(String),
    /// None that can be read says anything of it, and one cannot be read; in a sentence.
    Unread(String),
    /// They say nothing of it.
    Open,
}

/// What a rule is about.
#[derive(Clone, Debug)]
enum About {
    Anything,
    Command(CommandRule),
    Path { access: Access, rule: Option<PathRule> },
    Host(String),
    Tool,
}

/// A rule as it is held against requests.
#[derive(Clone, Debug)]
struct Ready<'a> {
    rule: &'a PolicyRule,
    about: About,
    /// The tool's own name, where that is meant.
    named: Option<&'a str>,
}

impl PolicyRule {
    /// As people write it.
    pub fn words(&self) -> String {
        let inner = [&self.command, &self.path, &self.host].into_iter().find(|text| !text.is_empty());
        let tool = match self.tool.as_str() {
            "" if !self.command.is_empty() => "command",
            "" if !self.path.is_empty() => "file",
            "" if !self.host.is_empty() => "fetch",
            tool => tool,
        };
        inner.map_or_else(|| tool.to_owned(), |inner| format!("{tool}({inner})"))
    }

    /// With where it stands.
    pub fn told(&self) -> String {
        match self.origin.is_empty() {
            true => format!("`{}`", self.words()),
            false => format!("`{}` ({})", self.words(), self.origin),
        }
    }

    fn ready<'a>(&'a self, around: &Surroundings<'_>) -> Ready<'a> {
        let path =
            |access| About::Path { access, rule: (!self.path.is_empty()).then(|| PathRule::new(&self.path, around)) };
        let (about, named) = match self.tool.as_str() {
            _ if !self.command.is_empty() => (About::Command(CommandRule::new(&self.command)), None),
            "read" => (path(Access::Read), None),
            "edit" => (path(Access::Change), None),
            "" | "*" | "file" if !self.path.is_empty() => (path(Access::Either), None),
            "" | "*" | "fetch" if !self.host.is_empty() => (About::Host(self.host.clone()), None),
            "file" => (path(Access::Either), None),
            "fetch" => (About::Host("*".to_owned()), None),
            "command" => (About::Command(CommandRule::new("*")), None),
            "*" => (About::Anything, None),
            tool if !self.path.is_empty() => (path(Access::Either), Some(tool)),
            tool if !self.host.is_empty() => (About::Host(self.host.clone()), Some(tool)),
            tool => (About::Tool, Some(tool)),
        };
        Ready { rule: self, about, named }
    }
}

/// What forbids, then what asks.
pub fn judge(policy: &Policy, seen: &Seen, around: &Surroundings<'_>) -> Verdict {
    let looked = weigh::Looked::at(seen, around);
    let mut doubt = None;
    for rule in &policy.deny {
        match looked.hit(&rule.ready(around)) {
            (Hit::Yes, what) => return Verdict::Deny { rule: rule.clone(), what },
            (Hit::Maybe, what) => {
                doubt.get_or_insert_with(|| format!("{what} may be what your rule {} forbids", rule.told()));
            }
            (Hit::No, _) => {}
        }
    }
    for rule in &policy.ask {
        let (hit, what) = looked.hit(&rule.ready(around));
        if hit > Hit::No && doubt.is_none() {
            let may = if hit == Hit::Yes { "is" } else { "may be" };
            doubt = Some(format!("{what} {may} what your rule {} wants to be asked about", rule.told()));
        }
    }
    let unread = policy.unread.first();
    let unread = unread.map(|place| format!("{place} cannot be read: until it can, everything is asked"));
    doubt.map(Verdict::Ask).or(unread.map(Verdict::Unread)).unwrap_or(Verdict::Open)
}

#[cfg(test)]
#[path = "policy/tests.rs"]
mod tests;
