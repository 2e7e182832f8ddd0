//! What a user can do about an agent that is not logged in.

use super::Actor;
use crate::domain::{Cause, Command, ProviderConfig};

impl Actor {
    /// The agent does it, or was told that its program has done it in a terminal. Without a process the next one will
    /// find out by itself.
    pub(super) fn login(&mut self, id: String) -> Result<(), String> {
        let Some(_) = &self.live else { return Ok(()) };
        let (provider, logins) = (&self.options.provider, &self.state.summary.capabilities.logins);
        if !logins.iter().any(|login| login.id == id) {
            return Err(match logins.is_empty() {
                true => format!("{provider} has no login of its own to choose: run :Agor login {provider}"),
                false => {
                    let known = logins.iter().map(|login| login.id.as_str()).collect::<Vec<_>>().join(", ");
                    format!("{provider} has no login '{id}': choose one of {known}")
                }
            });
        }
        self.state.summary.wait.take_if(|wait| wait.cause == Cause::Login);
        self.command(Command::Login(id));
        Ok(())
    }

    /// What the agent said, and what the user can do about it.
    pub(super) fn login_sentence(&self, said: &str) -> String {
        sentence(&self.options.provider, &self.options.config, &self.withheld, said)
    }
}

fn sentence(provider: &str, config: &ProviderConfig, withheld: &[String], said: &str) -> String {
    let said = said.trim().trim_end_matches('.');
    let mut text = format!("{provider} is not logged in: {said}. Run :Agor login {provider}");
    // A key, or where it is one. Of another agent it is none of its.
    let may_be_its = |name: &&String| match &config.needs {
        Some(needs) => needs.contains(name),
        None => ["KEY", "TOKEN", "AUTH", "BASE_URL"].iter().any(|word| name.contains(word)),
    };
    let withheld: Vec<&str> = withheld.iter().filter(may_be_its).map(String::as_str).collect();
    if !withheld.is_empty() {
        let (verb, list) = (if withheld.len() == 1 { "was" } else { "were" }, withheld.join(", "));
        // The line is one to copy, and a list in it replaces the old one.
        let passed = config.pass_env.iter().map(String::as_str).chain(withheld);
        let quoted = passed.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            ". {list} {verb} withheld from it; to pass it on: require('agor').setup({{ providers = {{ {provider} = {{ pass_env = {{ {quoted} }} }} }} }})"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(needs: Option<&[&str]>, expect: Option<&str>) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let config =
            ProviderConfig { pass_env: names(&["X_HOME"]), needs: needs.map(names), ..ProviderConfig::default() };
        let withheld = names(&["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CODEX_API_KEY", "CODEX_HOME"]);
        let said = sentence("x", &config, &withheld, "no key. ");
        let rest = said.strip_prefix("x is not logged in: no key. Run :Agor login x").expect("the beginning");
        let list = rest.strip_prefix(". ").and_then(|rest| rest.split_once(" withheld from it; to pass it on: "));
        assert_eq!(list.map(|(list, _)| list), expect);
        let line = "require('agor').setup({ providers = { x = { pass_env = { 'X_HOME', ";
        assert!(list.is_none_or(|(_, code)| code.starts_with(line)), "{rest}");
    }

    #[test]
    fn only_keys_and_servers_that_the_agent_may_need_are_named() {
        check(None, Some("ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, CODEX_API_KEY were"));
        check(Some(&["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"]), Some("CODEX_API_KEY was"));
        check(Some(&["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"]), Some("ANTHROPIC_BASE_URL was"));
        check(Some(&[]), None);
    }
}
