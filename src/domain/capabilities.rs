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
    /// It tells of each tool before it runs, in every mode, where rules forbid or ask.
    pub tells_calls: bool,
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

/// Characters of a word that is told to the agent again, of a name, and of what is said about it: bars, lists and rows that
/// are told many times have them whole.
const WORD: usize = 500;
const NAME: usize = 200;
const ABOUT: usize = 2_000;

/// A model, a mode or the like as an agent reports it.
pub fn reported(mut word: String) -> String {
    cut(&mut word, WORD);
    word
}

fn cut(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
}

impl Capabilities {
    /// Without what nobody could type or pick: some editors' menus and completions do not survive a NUL or a line's end in
    /// a word. Names for people may hold whatever they like, but no more than people read.
    #[must_use]
    pub fn choosable(mut self) -> Self {
        let short = |id: &str| id.char_indices().nth(WORD).is_none();
        let word = |id: &str| !id.trim().is_empty() && !id.chars().any(char::is_control) && short(id);
        for choices in [&mut self.models, &mut self.modes, &mut self.efforts, &mut self.commands] {
            choices.retain(|choice| word(&choice.id));
        }
        self.options.retain(|option| word(&option.id));
        for option in &mut self.options {
            option.choices.retain(|choice| word(&choice.id));
        }
        let named = [&mut self.models, &mut self.modes, &mut self.efforts, &mut self.commands];
        let of_options = self.options.iter_mut().map(|option| {
            cut(&mut option.name, NAME);
            cut(&mut option.description, ABOUT);
            cut(&mut option.value, WORD);
            &mut option.choices
        });
        for choice in named.into_iter().chain(of_options).flatten() {
            cut(&mut choice.name, NAME);
            cut(&mut choice.description, ABOUT);
        }
        for login in &mut self.logins {
            cut(&mut login.name, NAME);
            cut(&mut login.description, ABOUT);
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

    #[test]
    fn what_an_agent_calls_things_is_no_longer_than_people_read() {
        let long = "ä".repeat(10_000);
        let choice =
            |id: &str| Choice { id: id.into(), name: long.clone(), description: long.clone(), ..Choice::default() };
        let option = AgentOption {
            id: "o".into(),
            name: long.clone(),
            description: long.clone(),
            value: long.clone(),
            choices: vec![choice("a"), choice(&long)],
        };
        let login = Login { id: "l".into(), name: long.clone(), description: long.clone(), ..Login::default() };
        let able = Capabilities {
            models: vec![choice("m"), choice(&long)],
            modes: vec![choice("m")],
            options: vec![option],
            logins: vec![login],
            ..Capabilities::default()
        }
        .choosable();
        // A word cannot be told to the agent in part.
        assert_eq!((able.models.len(), able.options[0].choices.len()), (1, 1));
        let (option, login) = (&able.options[0], &able.logins[0]);
        for (text, most) in [
            (&able.models[0].name, NAME),
            (&able.models[0].description, ABOUT),
            (&able.modes[0].name, NAME),
            (&option.name, NAME),
            (&option.description, ABOUT),
            (&option.value, WORD),
            (&option.choices[0].name, NAME),
            (&login.name, NAME),
            (&login.description, ABOUT),
            (&reported(long.clone()), WORD),
        ] {
            assert_eq!(text.chars().count(), most + 1);
            assert!(text.ends_with("ä…"));
        }
        assert_eq!(reported("opus".into()), "opus");
    }
}
