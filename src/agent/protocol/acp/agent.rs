//! What an agent says about itself in its answer to `initialize`: what it can do, and how one logs in to it.
//!
//! What it leaves out it cannot do: the protocol grows by capabilities, not by versions.

use serde_json::Value;

use crate::{
    agent::json::{is_true, list, some_text, text, texts},
    domain::{Capabilities, Login, Terminal},
};

#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// What people call it.
    pub title: String,
    pub load: bool,
    pub resume: bool,
    pub fork: bool,
    pub list: bool,
    pub delete: bool,
    pub close: bool,
    pub directories: bool,
    pub system_prompt: SystemPrompt,
    /// It takes the options of Claude's SDK in a session's `_meta`.
    pub claude_options: bool,
    pub image: bool,
    pub embedded: bool,
    pub http: bool,
    pub sse: bool,
    pub logins: Vec<Login>,
}

/// How it takes a system prompt of the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemPrompt {
    #[default]
    No,
    /// The unstable `systemPrompt` of a new session.
    Field,
    /// `_meta.systemPrompt`, as claude-agent-acp 0.49.0 has it.
    Meta,
}

impl Agent {
    /// `given` is what the user calls it; `command` its configured command line.
    pub fn read(answer: &Value, given: &str, command: &[String]) -> Self {
        let can = answer.get("agentCapabilities").unwrap_or(&Value::Null);
        let session = can.get("sessionCapabilities").unwrap_or(&Value::Null);
        let prompt = can.get("promptCapabilities").unwrap_or(&Value::Null);
        let mcp = can.get("mcpCapabilities").unwrap_or(&Value::Null);
        let claude_options = has(can.get("_meta").unwrap_or(&Value::Null), "claudeCode");
        let info = answer.get("agentInfo").unwrap_or(&Value::Null);
        let called = some_text(info, "title").or_else(|| some_text(info, "name"));
        let title = Some(given).filter(|given| !given.is_empty()).or(called).unwrap_or("The agent");
        Self {
            title: title.to_owned(),
            load: is_true(can, "loadSession"),
            resume: has(session, "resume"),
            fork: has(session, "fork"),
            list: has(session, "list"),
            delete: has(session, "delete"),
            close: has(session, "close"),
            directories: has(session, "additionalDirectories"),
            system_prompt: match (has(session, "systemPrompt"), claude_options) {
                (true, _) => SystemPrompt::Field,
                (false, true) => SystemPrompt::Meta,
                (false, false) => SystemPrompt::No,
            },
            claude_options,
            image: is_true(prompt, "image"),
            embedded: is_true(prompt, "embeddedContext"),
            http: is_true(mcp, "http"),
            sse: is_true(mcp, "sse"),
            logins: list(answer, "authMethods").iter().filter_map(|method| login(method, command)).collect(),
        }
    }

    /// What holds for any session of it; modes, models and commands are the session's to say.
    pub fn fill(&self, capabilities: &mut Capabilities) {
        capabilities.logins = self.logins.clone();
        capabilities.resume = self.load || self.resume;
        capabilities.fork = self.fork;
        capabilities.list = self.list;
        capabilities.delete = self.delete;
        capabilities.images = self.image;
    }
}

/// A capability is an object, mostly empty; some write `true`.
fn has(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(|value| value.is_object() || value == &Value::Bool(true))
}

fn login(method: &Value, command: &[String]) -> Option<Login> {
    let id = some_text(method, "id")?;
    Some(Login {
        id: id.to_owned(),
        name: some_text(method, "name").unwrap_or(id).to_owned(),
        description: text(method, "description").trim().to_owned(),
        terminal: terminal(method, command),
    })
}

fn terminal(method: &Value, command: &[String]) -> Option<Terminal> {
    if text(method, "type") == "terminal" {
        // They come after the configured ones.
        let args = command.iter().skip(1).cloned().chain(texts(method, "args")).collect();
        return Some(Terminal { args, env: environment(method) });
    }
    // Older than the type, and still all that opencode 1.18.33 gives: a command line of its own. Only one of the agent's
    // program can be told as arguments.
    let own = method.get("_meta")?.get("terminal-auth")?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let same = command.first().is_some_and(|program| name(program) == name(text(own, "command")));
    same.then(|| Terminal { args: texts(own, "args"), env: environment(own) })
}

fn environment(value: &Value) -> std::collections::BTreeMap<String, String> {
    let members = value.get("env").and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_left_out_cannot_be_done() {
        for answer in [json!({}), json!({"agentCapabilities": 5, "authMethods": {}, "agentInfo": []})] {
            let agent = Agent::read(&answer, "", &[]);
            assert_eq!(agent.title, "The agent");
            assert!(!agent.load && !agent.resume && !agent.image && agent.logins.is_empty());
        }
        let answer = json!({"agentInfo": {"name": "gemini-cli", "title": "Gemini CLI"},
            "agentCapabilities": {"loadSession": true, "promptCapabilities": {"image": true},
                "sessionCapabilities": {"list": {}, "close": null, "delete": true}}});
        let agent = Agent::read(&answer, "", &[]);
        assert_eq!(agent.title, "Gemini CLI");
        assert!(agent.load && agent.image && agent.list && agent.delete && !agent.close && !agent.resume);
        assert_eq!(Agent::read(&answer, "Gemini", &[]).title, "Gemini");
    }

    #[test]
    fn a_login_in_a_terminal_has_the_agents_own_arguments_first() {
        let answer = json!({"authMethods": [
            {"id": "claude-login", "name": "Claude", "type": "terminal", "args": ["--cli", "auth"], "env": {"A": "b", "C": 1}},
            {"id": "oauth"}, {"name": "no id"}, 7]});
        let agent = Agent::read(&answer, "", &command(&["npx", "-y", "claude-agent-acp"]));
        let terminal = agent.logins[0].terminal.as_ref().expect("a terminal");
        assert_eq!(terminal.args, ["-y", "claude-agent-acp", "--cli", "auth"]);
        assert_eq!(terminal.env, [("A".to_owned(), "b".to_owned())].into());
        assert_eq!((agent.logins.len(), agent.logins[1].name.as_str()), (2, "oauth"));
        assert_eq!(agent.logins[1].terminal, None);
    }

    #[test]
    fn a_login_by_the_agents_own_command_line_replaces_its_arguments() {
        let method = json!({"id": "opencode-login", "name": "Login",
            "_meta": {"terminal-auth": {"command": "opencode", "args": ["auth", "login"], "label": "OpenCode Login"}}});
        let answer = json!({"authMethods": [method]});
        let args = |command: &[String]| Agent::read(&answer, "", command).logins.remove(0).terminal.map(|t| t.args);
        assert_eq!(args(&command(&["/x/opencode", "acp"])), Some(command(&["auth", "login"])));
        assert_eq!(args(&command(&["ssh", "opencode"])), None, "another program's arguments");
    }
}
