//! A turn that came to nothing is tried again, when the user says so: its prompt is sent once more, to an agent that is
//! started anew if it hangs or has ended and that takes its conversation up.

use super::{Actor, Origin, Stop};
use crate::{
    domain::{Hold, MessageId, Prompt},
    session::{
        queue::{self, Queue},
        seed,
    },
    transcript::Body,
};

/// What is known of the turn of the last prompt.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// It has not ended, or not as it should have.
    pub(super) unfinished: bool,
    /// Its prompt is back with the user.
    returned: bool,
    /// It waits to be sent again: once, however often that is asked for.
    waits: Option<MessageId>,
}

impl Again {
    /// As an earlier backend has left it.
    pub(super) fn restored(queue: &Queue) -> Self {
        Self { waits: queue.again().cloned(), ..Self::default() }
    }

    /// A prompt is given to the agent.
    pub(super) fn begin(&mut self) {
        *self = Self { unfinished: true, ..Self::default() };
    }
}

impl Actor {
    pub(super) fn retry(&mut self) -> Result<(), String> {
        if self.origin == Origin::Archived {
            return Err(self.not_running());
        }
        if matches!(self.stop, Stop::Asked | Stop::Removed | Stop::Cleared) && self.live.is_some() {
            return Err("the session is stopping: try again when it has stopped".to_owned());
        }
        let busy = self.state.summary.busy;
        if self.is_tried_again() {
            // Its agent could not be started, or the backend was another one.
            if self.state.queue.held().is_some() {
                self.state.queue.release();
                self.begin_retry(busy);
                self.next_prompt();
                self.tell_row();
            }
            return Ok(());
        }
        if !self.again.unfinished && !self.state.summary.interrupted {
            return match busy {
                // It works by itself: there is no prompt to send.
                true => self.restart(),
                false => Err("there is nothing to try again: the last turn has ended as it should".to_owned()),
            };
        }
        self.again.waits = None;
        if self.again.returned && !busy {
            return Err("the prompt is back in the prompt window: it can be sent from there".to_owned());
        }
        let prompts = self.last_prompts();
        if prompts.is_empty() {
            return Err("there is no prompt to send again".to_owned());
        }
        if self.state.queue.len() + prompts.len() > queue::MOST {
            return Err(format!("{} prompts wait already: :Agor queue shows them", queue::MOST));
        }
        self.state.queue.release();
        for prompt in prompts {
            let is_first = self.again.waits.is_none();
            let id = self.add(self.state.queue.first(), prompt, is_first);
            self.state.queue.hurry(&id);
            self.again.waits.get_or_insert(id);
        }
        self.begin_retry(busy);
        self.next_prompt();
        self.tell_row();
        Ok(())
    }

    fn begin_retry(&mut self, busy: bool) {
        let hangs = self.live.as_ref().is_some_and(|live| busy || !live.ready || live.stdout_ended);
        match &self.live {
            // It is being ended already, and another one follows.
            Some(_) if matches!(self.stop, Stop::Anew | Stop::Refused) => {}
            Some(live) if hangs || live.verdict.is_some() => {
                live.handle.climb(live.protocol.stop_ladder(), live.busy.subscribe());
                self.stop = Stop::Anew;
                self.cancel_questions("cancelled: the turn is tried again");
            }
            // It waits for prompts.
            Some(_) => {}
            None => {
                self.seed_if_lost();
                if !self.runs() {
                    self.hold_queue(Hold::Ended);
                }
            }
        }
    }

    /// An agent that cannot take its conversation up is told what was said in it.
    pub(super) fn seed_if_lost(&mut self) {
        let answered = |body: &Body| matches!(body, Body::Text(_) | Body::Tool(_));
        let resumes = self.conversation().is_some() && self.state.may_resume();
        if !self.is_tried_again() || resumes || !self.transcript.entries().iter().any(|entry| answered(&entry.body)) {
            return;
        }
        self.forget_conversation();
        if let Some(seed) = seed::seed(&self.transcript) {
            self.bring_along(
                seed,
                "The agent cannot take its conversation up: the prompt brings along what was said so far",
            );
        }
    }

    fn is_tried_again(&self) -> bool {
        self.again.waits.as_ref().is_some_and(|id| self.state.queue.get(id).is_some() || self.is_on_its_way(id))
    }

    /// The prompt of the last turn, and what was given to the agent while it worked on that.
    fn last_prompts(&self) -> Vec<Prompt> {
        let said = self.transcript.entries().iter().rev().filter(|entry| entry.parent.is_none());
        let mut prompts = Vec::new();
        for entry in said {
            let Body::Prompt(prompt) = &entry.body else { continue };
            prompts.push(Prompt { steered: false, ..prompt.clone() });
            if !prompt.steered {
                break;
            }
        }
        prompts.reverse();
        prompts
    }

    /// A prompt that was given to the agent and came to nothing goes back to the user, if it is not sent again anyway.
    pub(super) fn give_back(&mut self, prompt: Prompt) -> bool {
        if self.is_tried_again() {
            return false;
        }
        self.again.returned = true;
        self.return_prompt(prompt);
        true
    }
}
