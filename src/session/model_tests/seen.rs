//! What the client is told, each update held against those before it.

use super::{
    machine::{Happening, reached},
    step::Slot,
    world::{World, slot_of},
};
use crate::{
    domain::{SessionSummary, Status, Subject},
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
                session.maybe = None;
                session.happened.clear();
                // The next one of this name may have started its own before the end of this one was read.
                let next = session.process.filter(|index| session.begins.is_some_and(|before| *index >= before));
                session.process = next.filter(|index| self.processes[*index].alive);
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
            Update::Permission { session, request, .. } => {
                let slot = slot_of(&session);
                let ours = request.subject == Subject::Start;
                if ours {
                    self.brought.opened(slot, &request.request_id);
                    self.sessions[slot].expects = true;
                }
                self.opened(slot, &request.request_id, !ours)
            }
            Update::Question { session, request } => self.opened(slot_of(&session), &request.request_id, false),
            Update::Closed { session, request_id, outcome } => {
                let slot = slot_of(&session);
                self.sessions[slot].expects |= self.brought.is_about(slot, &request_id);
                self.brought.closed(slot, &request_id);
                // What nobody could take down any more.
                if !self.audit_away && !self.audit_moved && !outcome.starts_with("cut off") {
                    self.ledger.decided.entry((slot, request_id.clone())).or_default().closed += 1;
                }
                let taken_up = [Happening::TakenUp, Happening::Breaks];
                let again = self.sessions[slot].begins.is_some()
                    || self.sessions[slot].happened.iter().any(|happening| taken_up.contains(happening));
                match self.ledger.closed(slot, &request_id) || again {
                    true => Ok(()),
                    false => Err("a question was closed that was not open".to_owned()),
                }
            }
            Update::Draft { session, prompt } => {
                self.sessions[slot_of(&session)].expects = true;
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
        if session.row.is_none() && session.begins.is_none() {
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
        let expects =
            self.brought.is_asked(slot) || self.sessions[slot].queue.iter().any(|(_, text)| self.is_pictured(text));
        let session = &mut self.sessions[slot];
        let mut happened = std::mem::take(&mut session.happened);
        let expects = std::mem::take(&mut session.expects) || expects;
        if expects {
            session.vague = true;
            happened.extend([Happening::Expected, Happening::Waits]);
        }
        let refuses = session.row.as_ref().and_then(|row| row.error.as_ref());
        if refuses.is_some_and(|error| error.contains("not started")) {
            session.vague = true;
            happened.push(Happening::Untrusted);
        }
        let exactly = rested && !std::mem::take(&mut session.vague);
        let (Some(row), Some(before)) = (&session.row, session.status) else { return Ok(()) };
        let (status, told) = (row.status, session.told);
        session.status = Some(status);
        // What was expected, and is not any more, leaves it as it was told.
        let given_up = expects && told == Some(status);
        if !given_up && !reached(before, &happened, exactly).contains(&status) {
            return Err(format!("{:?} was {before:?} and is {status:?} after {happened:?}", row.session_id));
        }
        match told {
            // That it runs is told when the agent has its prompt.
            Some(told) if told != status && !(expects && status == Status::Running) => {
                Err(format!("{:?} is {status:?}, and {told:?} was told last, after {happened:?}", row.session_id))
            }
            _ => Ok(()),
        }
    }
}
