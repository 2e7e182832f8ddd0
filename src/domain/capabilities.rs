//! What an agent can do, as data: nobody asks which agent it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Models to choose from; empty if the agent does not say or does not let one choose.
    pub models: Vec<Choice>,
    pub modes: Vec<Choice>,
    /// How hard it thinks; for the current model.
    pub efforts: Vec<Choice>,
    /// What else can be set while it runs, with its present value.
    pub options: Vec<AgentOption>,
    pub commands: Vec<Choice>,
    /// Its ways to log in; empty if the provider's configured login is all there is.
    pub logins: Vec<Login>,
    /// It asks before it acts. One that cannot says nothing, and the bar says "asks nothing".
    pub permission: bool,
    /// A turn can be ended and the agent kept.
    pub interrupt: bool,
    /// One process takes several prompts.
    pub multi_turn: bool,
    /// A prompt can join the turn that runs. Without it, prompts wait for the turn's end.
    pub steer: bool,
    /// A conversation can be taken up again by the agent's own id.
    pub resume: bool,
    /// A copy of a conversation can go on beside it.
    pub fork: bool,
    /// It lists its own conversations.
    pub list: bool,
    /// It deletes one of its own conversations.
    pub delete: bool,
    pub set_model: bool,
    pub set_mode: bool,
    pub set_effort: bool,
    /// Prompts may carry images.
    pub images: bool,
}

impl Capabilities {
    /// Without what nobody could type or pick: some editors' menus and completions do not survive a NUL or a line's end in
    /// a word. Names for people may hold whatever they like.
    #[must_use]
    pub fn choosable(mut self) -> Self {
        let word = |id: &str| !id.trim().is_empty() && !id.chars().any(char::is_control);
        for choices in [&mut self.models, &mut self.modes, &mut self.efforts, &mut self.commands] {
            choices.retain(|choice| word(&choice.id));
        }
        self.options.retain(|option| word(&option.id));
        for option in &mut self.options {
            option.choices.retain(|choice| word(&choice.id));
        }
        self
    }
}

/// One thing to choose: its id for the agent, its name for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Of a mode: the agent acts in it without asking, and bars warn of that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_nothing: bool,
}

/// A setting of the agent's own that is neither model, mode nor effort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentOption {
    pub id: String,
    pub name: String,
    pub description: String,
    /// The id of the present choice; `true` and `false` for a switch.
    pub value: String,
    pub choices: Vec<Choice>,
}

/// One of an agent's ways to log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Login {
    pub id: String,
    pub name: String,
    pub description: String,
    /// It is done by the agent's own program in a terminal, with these arguments; else the agent does it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Terminal>,
}

/// What the agent's program is given in a terminal, in place of its configured arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terminal {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_typed_is_not_offered() {
        let ids = ["good", "with space", "", " ", "a\0b", "a\nb", "\u{1b}[31m", "größe"];
        let choices = || ids.map(|id| Choice { id: id.into(), name: "a\nb".into(), ..Choice::default() }).to_vec();
        let option = |id: &str| AgentOption { id: id.into(), choices: choices(), ..AgentOption::default() };
        let able = Capabilities {
            models: choices(),
            commands: choices(),
            options: vec![option("o"), option("\0")],
            ..Capabilities::default()
        }
        .choosable();
        let left = ["good", "with space", "größe"].map(String::from);
        assert_eq!(able.options.len(), 1);
        for choices in [&able.models, &able.commands, &able.options[0].choices] {
            assert_eq!(choices.iter().map(|choice| choice.id.clone()).collect::<Vec<_>>(), left);
            assert!(choices.iter().all(|choice| choice.name == "a\nb"), "a name is shown by those who know how");
        }
    }
}
