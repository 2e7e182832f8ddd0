//! What became of each prompt and of each question, as users and agents have seen it.

use std::collections::BTreeMap;

use super::step::Slot;
use crate::domain::RequestId;

/// Of a prompt: it is named by its text, which no other has.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    pub slot: Slot,
    /// As its sender was answered.
    pub accepted: Option<bool>,
    /// How often the agent was given it.
    pub told: usize,
    /// How often it came back.
    pub drafts: usize,
    /// The user has taken it out, or made it another.
    pub taken: bool,
    /// The agent that was given it went away, or gave it back.
    pub may_return: bool,
    /// The agent has said something since.
    pub heard: bool,
    /// The disk has failed before its session ended: better twice than not at all.
    pub unsure: bool,
    /// The disk or the user has lost it, or that it was given to the agent.
    pub lost: bool,
    pub waits: bool,
}

impl Fate {
    /// Once everything rests.
    pub fn judge(&self, text: &str) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("prompt {text} {what}: {self:?}"));
        if self.told > 1 && !self.lost {
            return wrong("was given to the agent twice");
        }
        if self.drafts > 1 {
            return wrong("came back twice");
        }
        if self.told > 0 && self.waits && !self.lost && !self.unsure {
            return wrong("was given to the agent and still waits");
        }
        if self.drafts > 0 && self.waits && !self.lost && !self.unsure {
            return wrong("came back and still waits");
        }
        if self.taken && !self.lost && !self.unsure && (self.told > 0 || self.drafts > 0 || self.waits) {
            return wrong("was taken out and is still on its way");
        }
        if self.told > 0 && self.drafts > 0 && !self.may_return {
            return wrong("came back although the agent has it");
        }
        if self.accepted == Some(false) && (self.told > 0 || self.drafts > 0 || self.waits) {
            return wrong("was refused and is on its way all the same");
        }
        let somewhere = self.told > 0 || self.drafts > 0 || self.taken || self.waits;
        if self.accepted == Some(true) && !somewhere && !self.lost {
            return wrong("is lost");
        }
        Ok(())
    }
}

/// What an agent has asked under one id.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    pub asked: usize,
    pub answered: usize,
    pub withdrawn: bool,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub prompts: BTreeMap<String, Fate>,
    /// By process.
    pub askings: BTreeMap<(usize, RequestId), Asking>,
    /// Questions that users see, by when they came.
    pub open: Vec<(Slot, RequestId, bool)>,
    /// The last one that was settled.
    pub settled: [Option<RequestId>; super::step::SLOTS],
}

impl Ledger {
    pub fn of(&mut self, slot: Slot) -> impl Iterator<Item = (&String, &mut Fate)> {
        self.prompts.iter_mut().filter(move |(_, fate)| fate.slot == slot)
    }

    pub fn open_of(&self, slot: Slot) -> Vec<(RequestId, bool)> {
        let of = self.open.iter().filter(|(of, _, _)| *of == slot);
        of.map(|(_, id, permission)| (id.clone(), *permission)).collect()
    }

    pub fn opened(&mut self, slot: Slot, id: &RequestId, permission: bool) -> Result<(), String> {
        if self.open.iter().any(|(of, known, _)| *of == slot && known == id) {
            return Err(format!("question {id} was asked twice"));
        }
        self.open.push((slot, id.clone(), permission));
        Ok(())
    }

    /// False if it was not open.
    pub fn closed(&mut self, slot: Slot, id: &RequestId) -> bool {
        let before = self.open.len();
        self.open.retain(|(of, known, _)| !(*of == slot && known == id));
        self.settled[slot] = Some(id.clone());
        before > self.open.len()
    }

    pub fn answered(&mut self, process: usize, id: &RequestId) -> Result<(), String> {
        let asking = self.askings.entry((process, id.clone())).or_default();
        asking.answered += 1;
        match asking.answered > asking.asked {
            true => Err(format!("process {process} was answered {id} more often than it has asked: {asking:?}")),
            false => Ok(()),
        }
    }
}
