//! What the client is told, each update held against those before it.

use super::{
    machine::{Happening, reached},
    step::Slot,
    world::{World, slot_of},
};
use crate::{
    domain::{SessionSummary, Status},
    session::{Request, Update},
};

impl World {
    pub fn update(&mut self, update: Update) -> Result<(), String> {
        let told = format!("{update:?}");
        self.take(update).map_err(|wrong| {
            let told: String = told.chars().take(400).collect();
            format!("{wrong}; told: {told}")
        })
    }

    fn take(&mut self, update: Update) -> Result<(), String> {
        match update {
            Update::Session(row) => self.row(*row),
            Update::Removed(session) => {
                self.unsure(slot_of(&session));
                let session = &mut self.sessions[slot_of(&session)];
                session.row.take().map(|_| ()).ok_or("a session left the list that was not in it")?;
                (session.status, session.told, session.stopping, session.dead) = (None, None, None, false);
                (session.process, session.maybe) = (None, None);
                session.happened.clear();
                Ok(())
            }
            Update::Dirty(session) if !self.sessions[slot_of(&session)].shown => Err("nobody looks at it".to_owned()),
            Update::Status { session, status, error } => self.status(slot_of(&session), status, error.as_deref()),
            Update::Turn { session, .. } => match self.listed(slot_of(&session))?.busy {
                true => Err("a turn has ended, and the row says that it runs".to_owned()),
                false => Ok(()),
            },
            Update::Messages { session, messages } => {
                self.listed(slot_of(&session))?;
                self.hub.send(Request::MessagesTaken { session: session.clone() });
                let heard = &mut self.sessions[slot_of(&session)].heard;
                heard.extend(messages.into_iter().filter(|message| !message.part));
                Ok(())
            }
            Update::Permission { session, request, .. } => self.opened(slot_of(&session), &request.request_id, true),
            Update::Question { session, request } => self.opened(slot_of(&session), &request.request_id, false),
            Update::Closed { session, request_id, .. } => {
                let slot = slot_of(&session);
                let taken_up = [Happening::TakenUp, Happening::Breaks];
                let again = self.sessions[slot].begins
                    || self.sessions[slot].happened.iter().any(|happening| taken_up.contains(happening));
                match self.ledger.closed(slot, &request_id) || again {
                    true => Ok(()),
                    false => Err("a question was closed that was not open".to_owned()),
                }
            }
            Update::Draft { prompt, .. } => {
                let fate = self.ledger.prompts.get_mut(&prompt.text);
                fate.ok_or("a prompt came back that nobody has sent")?.drafts += 1;
                Ok(())
            }
            Update::GrantsChanged => Err("that is for sessions, not for clients".to_owned()),
            _ => Ok(()),
        }
    }

    fn listed(&self, slot: Slot) -> Result<&SessionSummary, String> {
        self.sessions[slot].row.as_ref().ok_or_else(|| "it is told of a session that is not in the list".to_owned())
    }

    fn opened(&mut self, slot: Slot, id: &crate::domain::RequestId, permission: bool) -> Result<(), String> {
        let row = self.listed(slot)?;
        if row.pending == 0 || row.attention.is_none() {
            return Err("a question is open of which the row does not say".to_owned());
        }
        self.ledger.opened(slot, id, permission)
    }

    fn row(&mut self, row: SessionSummary) -> Result<(), String> {
        let session = &mut self.sessions[slot_of(&row.session_id)];
        if session.row.is_none() && !session.begins {
            return Err("a row of a session that has left the list".to_owned());
        }
        let holds = [
            (row.waiting.len() == row.queued.min(3), "the heads of what waits"),
            (row.held.is_none() || row.queued > 0, "nothing waits, and is held back"),
            (row.attention.is_some() == (row.pending > 0), "attention, and questions"),
            (row.busy == row.turn_started_at.is_some(), "a turn, and when it began"),
            (row.status != Status::Done && row.status != Status::Idle || !row.busy, "it rests, and is busy"),
        ];
        let wrong = holds.iter().find(|(holds, _)| !holds);
        // Its first row, or it comes before its own end is told.
        session.status.get_or_insert(Status::Idle);
        session.row = Some(row);
        match wrong {
            Some((_, what)) => Err(format!("a row does not agree with itself: {what}")),
            None => Ok(()),
        }
    }

    fn status(&mut self, slot: Slot, status: Status, error: Option<&str>) -> Result<(), String> {
        let row = self.listed(slot)?;
        if row.status != status {
            return Err(format!("the status is told before the row, which says {:?}", row.status));
        }
        if (status == Status::Error) != error.is_some_and(|error| !error.is_empty()) {
            return Err("an error is a sentence, and nothing else has one".to_owned());
        }
        self.sessions[slot].told = Some(status);
        Ok(())
    }

    /// When everything rests: what has happened leads to where it is.
    pub fn judge_status(&mut self, slot: Slot) -> Result<(), String> {
        let rested = self.rested;
        let session = &mut self.sessions[slot];
        let exactly = rested && !std::mem::take(&mut session.vague);
        let happened = std::mem::take(&mut session.happened);
        let (Some(row), Some(before)) = (&session.row, session.status) else { return Ok(()) };
        let (status, told) = (row.status, session.told);
        session.status = Some(status);
        if !reached(before, &happened, exactly).contains(&status) {
            return Err(format!("{:?} was {before:?} and is {status:?} after {happened:?}", row.session_id));
        }
        match told {
            Some(told) if told != status => {
                Err(format!("{:?} is {status:?}, and {told:?} was told last, after {happened:?}", row.session_id))
            }
            _ => Ok(()),
        }
    }
}
