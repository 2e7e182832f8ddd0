//! What became of each prompt and of each question, as users and agents have seen it.

use std::collections::BTreeMap;

use super::{
    judged::Refused,
    step::{Slot, With},
};
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
    /// How often it may be sent again: the user has wanted that.
    pub again: usize,
    /// And must be.
    pub owed: usize,
    pub with: Option<With>,
}

impl Fate {
    /// Once everything rests.
    pub fn judge(&self, text: &str) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("prompt {text} {what}: {self:?}"));
        let (copies, waits, taken) = (1 + self.again, usize::from(self.waits), usize::from(self.taken));
        if self.told > copies && !self.lost {
            return wrong("was given to the agent too often");
        }
        if self.drafts > copies {
            return wrong("came back too often");
        }
        let unsure = self.lost || self.unsure;
        if self.told + waits > copies && !unsure {
            return wrong("was given to the agent and still waits");
        }
        if self.drafts + waits > copies && !unsure {
            return wrong("came back and still waits");
        }
        if taken + self.told.max(self.drafts).max(waits) > copies && !unsure {
            return wrong("was taken out and is still on its way");
        }
        if self.told + waits + self.drafts + taken < self.owed && !unsure {
            return wrong("was to be sent again, and was not");
        }
        if self.told > 0 && self.told + self.drafts > copies && !self.may_return {
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
    /// A grant or a rule may be about it.
    pub grantable: bool,
    /// The user may have allowed it.
    pub by_user: bool,
    /// The user had refused it for longer before it was asked.
    pub refused: bool,
}

/// What must stand in the audit log, at least.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    pub answers: usize,
    pub allowed: usize,
    pub closed: usize,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub prompts: BTreeMap<String, Fate>,
    /// By process.
    pub askings: BTreeMap<(usize, RequestId), Asking>,
    /// Questions that users see, by when they came.
    pub open: Vec<(Slot, RequestId, bool)>,
    pub refused: Refused,
    pub decided: BTreeMap<(Slot, RequestId), Decided>,
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

    /// Permissions that users see, whether or not a rule can be about them.
    pub fn open_permissions(&self) -> Vec<(Slot, RequestId, bool)> {
        let asked = self.open.iter().filter(|(_, _, permission)| *permission);
        let grantable = |of: &RequestId| {
            let mut askings =
                self.askings.iter().filter(|((_, id), asking)| id == of && asking.asked > asking.answered);
            askings.all(|(_, asking)| asking.grantable)
        };
        asked.map(|(slot, id, _)| (*slot, id.clone(), grantable(id))).collect()
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
