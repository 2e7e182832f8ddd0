//! What Claude Code offers: models, efforts and commands as its answer to `initialize` lists them, modes as we know them.

use serde_json::Value;

use super::launch;
use crate::{
    agent::json::{list, some_text, text, texts},
    domain::{Capabilities, Choice},
};

#[derive(Debug, Default)]
pub struct Offers {
    models: Vec<Model>,
    commands: Vec<Choice>,
}

#[derive(Debug)]
struct Model {
    choice: Choice,
    /// The name by which the agent then speaks of it; the one to choose it by may be an alias.
    resolved: String,
    efforts: Vec<Choice>,
}

fn choice(id: &str, name: &str, description: &str) -> Choice {
    Choice { id: id.to_owned(), name: name.to_owned(), description: description.to_owned(), asks_nothing: false }
}

impl Offers {
    /// The answer to `initialize`.
    pub fn read(initialized: &Value) -> Self {
        let models = list(initialized, "models").iter().filter_map(|model| {
            let id = some_text(model, "value")?;
            let efforts = texts(model, "supportedEffortLevels").into_iter().map(|level| choice(&level, &level, ""));
            Some(Model {
                choice: choice(id, some_text(model, "displayName").unwrap_or(id), text(model, "description")),
                resolved: text(model, "resolvedModel").to_owned(),
                efforts: efforts.collect(),
            })
        });
        let commands = list(initialized, "commands").iter().filter_map(|command| {
            let name = some_text(command, "name")?;
            Some(choice(name, &format!("/{name}"), text(command, "description")))
        });
        Self { models: models.collect(), commands: commands.collect() }
    }

    /// What can be chosen with this model (the first of the list is the default), in a session that began in this mode.
    pub fn capabilities(&self, model: &str, began_in: &str) -> Capabilities {
        let current = self.models.iter().find(|known| known.choice.id == model || known.resolved == model);
        let current = current.or_else(|| self.models.first().filter(|_| model.is_empty()));
        let efforts = current.map(|model| model.efforts.clone()).unwrap_or_default();
        let mut modes = vec![
            choice("default", "Ask", "asks before it edits a file or runs a command"),
            choice("acceptEdits", "Accept edits", "edits files without asking, asks before commands"),
            choice("plan", "Plan", "looks and plans, changes nothing"),
        ];
        if began_in == launch::BYPASS {
            let bypass = choice(launch::BYPASS, "Bypass permissions", "does everything without asking");
            modes.push(Choice { asks_nothing: true, ..bypass });
        }
        Capabilities {
            models: self.models.iter().map(|model| model.choice.clone()).collect(),
            modes,
            set_effort: !efforts.is_empty(),
            efforts,
            commands: self.commands.clone(),
            permission: true,
            tells_calls: true,
            interrupt: true,
            steer: true,
            multi_turn: true,
            resume: true,
            fork: true,
            set_model: true,
            set_mode: true,
            images: true,
            ..Capabilities::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn efforts_are_those_of_the_model() {
        let offers = Offers::read(&json!({"models": [
            {"value": "default", "resolvedModel": "claude-opus-4-8[1m]", "supportedEffortLevels": ["low", "max"]},
            {"value": "haiku", "resolvedModel": "claude-haiku-4-5"},
            {"displayName": "without a name to choose it by"}, 7]}));
        let efforts = |model: &str| {
            let capabilities = offers.capabilities(model, "default");
            assert_eq!(capabilities.set_effort, !capabilities.efforts.is_empty());
            capabilities.efforts.into_iter().map(|effort| effort.id).collect::<Vec<_>>()
        };
        assert_eq!(efforts(""), ["low", "max"]);
        assert_eq!(efforts("claude-opus-4-8[1m]"), ["low", "max"]);
        assert_eq!(efforts("haiku"), [""; 0]);
        assert_eq!(efforts("somebody's own"), [""; 0]);
        assert_eq!(offers.capabilities("", "default").models.len(), 2);
    }

    #[test]
    fn permissions_are_bypassed_only_where_the_session_began_so() {
        let last = |mode| Offers::default().capabilities("", mode).modes.pop().expect("there are modes");
        assert_eq!((last("default").id.as_str(), last("default").asks_nothing), ("plan", false));
        assert_eq!((last(launch::BYPASS).id.as_str(), last(launch::BYPASS).asks_nothing), (launch::BYPASS, true));
    }
}
