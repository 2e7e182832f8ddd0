//! What requests were answered, and what follows from that.

use tokio::sync::oneshot;

use super::{
    known::{Awaited, Stopping},
    machine::Happening,
    step::{Slot, With},
    world::World,
};

impl World {
    pub fn answers(&mut self) -> Result<bool, String> {
        let mut news = false;
        for (awaited, mut answer) in std::mem::take(&mut self.waits) {
            match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => self.waits.push((awaited, answer)),
                Err(oneshot::error::TryRecvError::Closed) => {
                    news = true;
                    self.answered(awaited, None)?;
                }
                Ok(result) => {
                    news = true;
                    self.answered(awaited, Some(result))?;
                }
            }
        }
        for (text, mut answer) in std::mem::take(&mut self.taken) {
            match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => self.taken.push((text, answer)),
                Ok(Ok(prompt)) if prompt.text == text => {
                    news = true;
                    if let Some(fate) = self.ledger.prompts.get_mut(&text) {
                        fate.taken = true;
                    }
                }
                Ok(Ok(prompt)) => return Err(format!("{text} was to be taken out, and {} was", prompt.text)),
                _ => news = true,
            }
        }
        Ok(news)
    }

    /// `None`: whoever was to answer has gone.
    fn answered(&mut self, awaited: Awaited, result: Option<Result<(), String>>) -> Result<(), String> {
        let well = matches!(result, Some(Ok(())));
        if let Some(Err(sentence)) = &result
            && sentence.trim().is_empty()
        {
            return Err("an error says nothing".to_owned());
        }
        match awaited {
            Awaited::Sent(text) => {
                let slot = self.ledger.prompts.get(&text).map_or(0, |fate| fate.slot);
                // Taken in the moment before the task died, with a disk that takes nothing.
                let pictured = self.is_pictured(&text);
                self.sessions[slot].expects |= pictured;
                let broke = self.sessions[slot].happened.contains(&Happening::Breaks) && !self.is_kept(slot);
                if let Some(fate) = self.ledger.prompts.get_mut(&text) {
                    fate.lost |= broke;
                    fate.accepted = result.map(|result| result.is_ok());
                }
            }
            Awaited::Replaced { old, new, of: (slot, entry) } => {
                let accepted = result.map(|result| result.is_ok());
                if let Some(fate) = self.ledger.prompts.get_mut(&new) {
                    fate.accepted = accepted;
                }
                if well && let Some(fate) = self.ledger.prompts.get_mut(&old) {
                    fate.taken = true;
                }
                self.sessions[slot].edited.retain(|edited| *edited != entry);
            }
            Awaited::Begun { slot, text } => {
                let away = self.away;
                let lost = self.ledger.of(slot).filter(|(known, _)| well && Some(*known) != text.as_ref());
                lost.for_each(|(_, fate)| fate.lost |= fate.waits || away);
                if let Some(fate) = text.and_then(|text| self.ledger.prompts.get_mut(&text)) {
                    fate.accepted = result.map(|result| result.is_ok());
                }
                if well {
                    self.refusals_end(|of| of != Some(slot));
                    // Of another one, whose journal is out of reach.
                    self.sessions[slot].forgets();
                    self.happens(slot, Happening::Begun);
                }
            }
            Awaited::TakenUp(slot) if well => {
                self.refusals_end(|of| of != Some(slot));
                self.sessions[slot].unfinished = None;
                self.happens(slot, Happening::TakenUp);
            }
            Awaited::Stops(slot, process) if well => self.stops(slot, process),
            Awaited::Anew { slot, process, at_once } if well => {
                let (lives, rested) = (self.lives(process), self.rested);
                let session = &mut self.sessions[slot];
                match (process, lives) {
                    (_, true) if session.stopping != Some(Stopping::Asked) => session.stopping = Some(Stopping::Anew),
                    (_, true) => {}
                    // Unless there is one by now.
                    (None, _) if !rested => session.maybe = Some(Stopping::Anew),
                    _ => {}
                }
                // There was none, or it has ended in the same moment.
                if !lives && (at_once || process.is_some() || !rested) {
                    session.happened.push(Happening::Anew);
                }
            }
            Awaited::Retries { slot, process, texts, unfinished } if well => {
                self.retries(slot, process, &texts, unfinished)
            }
            Awaited::Refuses { of, request_id } if well && self.rested => self.ledger.refused.push((of, request_id)),
            Awaited::Trusts(agent, file, said) if well => self.brought.said(agent, file, said),
            Awaited::Distrusts(agent) if well => self.brought.distrusted(agent),
            Awaited::Refused if well => return Err("what should have been refused was taken".to_owned()),
            Awaited::Unedited(slot, entry) => self.sessions[slot].edited.retain(|edited| *edited != entry),
            Awaited::Gone(slot) if well => {
                for (_, fate) in self.ledger.of(slot) {
                    fate.lost = true;
                }
                self.sessions[slot].forgets();
            }
            _ => {}
        }
        Ok(())
    }

    pub fn is_pictured(&self, text: &str) -> bool {
        let with = self.ledger.prompts.get(text).and_then(|fate| fate.with);
        matches!(with, Some(With::Image | With::BadImage))
    }

    /// What came to nothing is sent once more, however often that is asked for before it is; what has ended well is not.
    fn retries(&mut self, slot: Slot, process: Option<usize>, texts: &[String], unfinished: Option<bool>) {
        let (lives, rested) = (self.lives(process), self.rested);
        let stopped = process.is_some_and(|process| self.processes[process].is_being_stopped());
        let session = &mut self.sessions[slot];
        match (lives && stopped, session.stopping) {
            (true, None) => session.stopping = Some(Stopping::Anew),
            _ if !rested => session.maybe = Some(Stopping::Anew),
            _ => {}
        }
        session.expects = true;
        for (text, fate) in self.ledger.of(slot) {
            // What was steered in just now is of the same turn.
            if rested && !texts.contains(text) {
                continue;
            }
            if unfinished == Some(false) || rested && fate.told > 0 && fate.waits {
                continue;
            }
            fate.again += 1;
            fate.may_return |= fate.with.is_some();
            if unfinished == Some(true) && texts == [text.clone()] && fate.told > 0 {
                fate.owed = fate.told + 1;
            }
        }
    }

    fn lives(&self, process: Option<usize>) -> bool {
        process.and_then(|index| self.processes.get(index)).is_some_and(|process| process.alive)
    }

    pub fn stops(&mut self, slot: Slot, process: Option<usize>) {
        let (lives, rested) = (self.lives(process), self.rested);
        let session = &mut self.sessions[slot];
        match lives {
            true => session.stopping = Some(Stopping::Asked),
            false => {
                session.maybe = Some(Stopping::Asked).filter(|_| !rested);
                session.happened.push(Happening::StopsNothing);
            }
        }
    }
}
