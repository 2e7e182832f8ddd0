//! What an agent can do, as data: nobody asks which agent it is.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Models to choose from; empty if the agent does not say or does not let one choose.
    pub models: Vec<Choice>,
    pub modes: Vec<Choice>,
    pub commands: Vec<Choice>,
    /// It asks before it acts. One that cannot says nothing, and the bar says "asks nothing".
    pub permission: bool,
    /// A turn can be ended and the agent kept.
    pub interrupt: bool,
    /// One process takes several prompts.
    pub multi_turn: bool,
    /// A conversation can be taken up again by the agent's own id.
    pub resume: bool,
    pub set_model: bool,
    pub set_mode: bool,
    pub images: bool,
}

/// One thing to choose: its id for the agent, its name for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    pub id: String,
    pub name: String,
    pub description: String,
}
