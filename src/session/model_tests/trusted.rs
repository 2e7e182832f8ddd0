//! What the project brings along for its agents, and what the user says to that: no agent is started with a file, or
//! without it, that the user has not said so of.

use std::fs;

use super::{
    agent::Process,
    known::Awaited,
    step::{How, Slot},
    world::World,
};
use crate::{
    domain::{Answer, RequestId, StartOptions},
    session::{Order, Request, trust::Said},
};

const FILE: &str = "agent.json";
const ALONE: &str = "--alone";

/// Two sessions are of one agent, and the one between them is of another, which cannot be kept from the file.
pub fn provider(slot: Slot) -> &'static str {
    if slot == 1 { "stubborn" } else { "scripted" }
}

/// The file and what may have been said of it, by agent.
#[derive(Debug, Default)]
pub struct Brought {
    file: usize,
    /// All that it was since everything rested last.
    lately: Vec<usize>,
    said: Vec<(&'static str, usize, Said)>,
    /// Questions that are open, with the files that they may be about.
    open: Vec<(Slot, RequestId, Vec<usize>)>,
}

impl Brought {
    fn recent(&self) -> Vec<usize> {
        self.lately.iter().copied().chain([self.file]).collect()
    }

    pub fn opened(&mut self, slot: Slot, id: &RequestId) {
        self.open.push((slot, id.clone(), self.recent()));
    }

    pub fn closed(&mut self, slot: Slot, id: &RequestId) {
        self.open.retain(|(of, known, _)| !(*of == slot && known == id));
    }

    pub fn is_asked(&self, slot: Slot) -> bool {
        self.open.iter().any(|(of, _, _)| *of == slot)
    }

    pub fn is_about(&self, slot: Slot, id: &RequestId) -> bool {
        self.open.iter().any(|(of, known, _)| *of == slot && known == id)
    }

    /// Nobody is asked any more.
    pub fn forgets_questions(&mut self) {
        self.open.clear();
    }

    pub fn rests(&mut self) {
        self.lately.clear();
    }

    /// It is known what was said.
    pub fn said(&mut self, agent: &'static str, file: usize, said: Said) {
        self.said.retain(|(of, about, _)| !(*of == agent && *about == file));
        self.said.push((agent, file, said));
    }

    pub fn distrusted(&mut self, agent: &str) {
        self.said.retain(|(of, _, _)| *of != agent);
    }

    pub fn judge_launch(&self, process: &Process) -> Result<(), String> {
        let agent = provider(process.slot);
        let alone = process.without == [ALONE];
        let said = |file: usize, what: Said| self.said.contains(&(agent, file, what));
        let may = |file: usize| match file {
            0 => process.without.is_empty(),
            _ if alone => agent != provider(1) && said(file, Said::Refuse),
            _ => process.without.is_empty() && said(file, Said::Use),
        };
        match self.recent().into_iter().any(may) {
            true => Ok(()),
            false => Err(format!("{agent} was started, {:?}, and nobody has said so: {self:?}", process.without)),
        }
    }
}

impl World {
    pub fn trusts(&self, slot: Slot, options: &mut StartOptions) {
        options.config.trust_files = vec![FILE.to_owned()];
        options.config.untrusted = (slot != 1).then(|| vec![ALONE.to_owned()]);
    }

    pub fn brings(&mut self, file: usize) {
        let path = self.folder.path().join(FILE);
        self.brought.lately.push(self.brought.file);
        self.brought.file = file;
        match file {
            0 => drop(fs::remove_file(path)),
            file => fs::write(path, file.to_string()).expect("written"),
        }
    }

    pub fn answers_trust(&mut self, slot: Slot, request_id: RequestId, how: How) {
        let option = |id: &str| Answer::Option { option_id: id.into(), message: None, input: None };
        let (answer, said) = match how {
            How::Allow => (option("use"), Some(Said::Use)),
            How::Reject => (option("refuse"), Some(Said::Refuse)),
            How::NotNow => (option("not_now"), None),
            How::Cancel => (Answer::Cancelled, None),
            How::Wrong => (option("yes"), None),
            How::Confused => (Answer::Answers(Default::default()), None),
        };
        let files = self.brought.open.iter().find(|(of, known, _)| *of == slot && *known == request_id);
        let files = files.map(|(_, _, files)| files.clone()).unwrap_or_default();
        if let Some(said) = said {
            self.brought.said.extend(files.iter().map(|file| (provider(slot), *file, said)));
        }
        let awaited = match (how, said, files.as_slice()) {
            (How::Wrong | How::Confused, _, _) => Awaited::Refused,
            (_, Some(said), [file]) if self.rested => Awaited::Trusts(provider(slot), *file, said),
            _ => Awaited::Whatever,
        };
        self.order(slot, awaited, Order::Answer { request_id, answer });
    }

    pub fn distrusts(&mut self, slot: Slot) {
        let (agent, around) = (provider(slot), self.options(slot).cwd);
        let awaited = if self.rested { Awaited::Distrusts(agent) } else { Awaited::Whatever };
        let id = format!("files of the project: {agent}");
        self.asks(awaited, |reply| Request::Revoke { id, session: None, around, reply });
    }
}
