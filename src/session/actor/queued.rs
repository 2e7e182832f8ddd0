//! What the user does with prompts that wait. That one has gone meanwhile is an answer like any other: its asker still has
//! the text.

use super::{Actor, Origin};
use crate::{
    domain::{Hold, MessageId, Prompt},
    session::{
        queue::{self, Step, Waiting},
        reply::Reply,
        request::{QueueChange, WantQueued},
    },
};

impl Actor {
    pub(super) fn list_queue(&self, reply: Reply<Vec<Waiting>>) {
        let _ = reply.send(Ok(self.state.queue.list()));
    }

    pub(super) fn queued(&mut self, id: &MessageId, want: WantQueued) -> Result<Prompt, String> {
        let entry = self.state.queue.get(id).ok_or_else(gone)?;
        let mut prompt = entry.prompt.clone();
        match want {
            WantQueued::Look => {}
            WantQueued::Edit => {
                self.state.queue.set_edited(id, true);
            }
            WantQueued::Drop => {
                self.drop_prompt(id);
                self.keep_outputs(&mut prompt);
                // What was behind it may be due now.
                self.next_prompt();
            }
        }
        self.tell_row();
        Ok(prompt)
    }

    pub(super) fn change_queued(&mut self, id: &MessageId, change: QueueChange) -> Result<(), String> {
        let entry = self.state.queue.get(id).ok_or_else(gone)?;
        match change {
            QueueChange::Edit(None) => {
                self.state.queue.set_edited(id, false);
            }
            QueueChange::Edit(Some(mut prompt)) => {
                // What the user's commands have said was in it and stays.
                prompt.context.extend(entry.prompt.context.iter().filter(|context| context.is_output()).cloned());
                self.step(Step::Edit { id: id.clone(), prompt });
            }
            QueueChange::Move { to } => {
                self.step(Step::Move { id: id.clone(), to });
            }
            QueueChange::Send { interrupt } => return self.send_queued(id, interrupt),
        }
        self.next_prompt();
        self.tell_row();
        Ok(())
    }

    /// At once, whatever waits before it.
    fn send_queued(&mut self, id: &MessageId, interrupt: bool) -> Result<(), String> {
        let entry = self.state.queue.get(id).ok_or_else(gone)?;
        if entry.edited {
            return Err("the prompt is being edited: send it from there".to_owned());
        }
        self.hurry();
        let Some(entry) = self.state.queue.get(id) else { return Err(gone()) };
        if !interrupt && self.can_steer(&entry.prompt) {
            if let Some(entry) = self.state.queue.take(id) {
                self.steer_in(entry.id, entry.prompt);
            }
            self.tell_row();
            return Ok(());
        }
        if self.state.summary.busy {
            self.interrupt_turn()?;
        }
        if !self.runs() {
            return Ok(());
        }
        let to = self.state.queue.first();
        self.step(Step::Move { id: id.clone(), to });
        self.state.queue.hurry(id);
        self.let_queue_go()
    }

    pub(super) fn put_back(&mut self, at: usize, prompt: Prompt) -> Result<(), String> {
        if self.origin == Origin::Archived {
            return Err(self.not_running());
        }
        if self.state.queue.len() >= queue::MOST {
            return Err(format!("{} prompts wait already", queue::MOST));
        }
        // Where nothing can be sent it would be sent by nobody.
        let idle = self.state.queue.is_empty() && !self.state.summary.busy && self.loading.is_none();
        self.add_prompt(at, prompt);
        if idle {
            self.state.queue.hold(Hold::Asked);
        }
        self.next_prompt();
        self.tell_row();
        Ok(())
    }

    pub(super) fn let_queue_go(&mut self) -> Result<(), String> {
        if !self.state.queue.is_empty() && self.runs() {
            self.state.queue.release();
            self.next_prompt();
        }
        self.tell_row();
        Ok(())
    }

    /// The places that the user sees are those behind a prompt that is on its way; in the journal it still waits.
    fn step(&mut self, step: Step) {
        let before = usize::from(self.loading.is_some());
        let kept = match &step {
            Step::Move { id, to } => Step::Move { id: id.clone(), to: to + before },
            other => other.clone(),
        };
        self.keep_step(&kept);
        self.state.queue.apply(step);
    }
}

fn gone() -> String {
    "the prompt does not wait any more: it was sent or taken out meanwhile".to_owned()
}
