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
