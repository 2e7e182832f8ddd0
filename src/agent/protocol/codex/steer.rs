//! What is said into a turn that runs: never lost, and never said twice.
//!
//! Codex takes it at once and gives it to the model when its tool has ended (0.169.0); an interrupt before that drops it
//! without a word.

use serde_json::{Value, json};

use super::{
    Codex, Phase, Sent,
    turn::{Held, Turn},
};
use crate::{
    agent::{json::some_text, jsonrpc::Failure, protocol::Output},
    domain::{Event, Prompt},
};

/// Said into a turn.
#[derive(Debug)]
pub struct Steered {
    id: String,
    pub prompt: Prompt,
    state: Steering,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steering {
    /// The turn has no id yet.
    Unsent,
    Sent,
    /// Codex has it; the model reads it after the tool that runs.
    Accepted,
    /// Sent into a turn that has ended since.
    Late,
}

impl Codex {
    /// Into the turn that runs; where none does or none takes it, it is the next turn's prompt.
    pub(super) fn steer(&mut self, prompt: Prompt, out: &mut Output) {
        match &self.turn {
            Some(turn) if turn.parked => {
                self.withdraw(|_| true, out);
                self.go_on(prompt, out);
            }
            Some(_) => {
                let id = self.items.ids.next().as_str().to_owned();
                self.steered.push(Steered { id: id.clone(), prompt, state: Steering::Unsent });
                self.send_steered(&id, out);
            }
            None if matches!(self.phase, Phase::Broken(_)) => out.event(Event::Returned(Box::new(prompt))),
            None => {
                self.held.push_back(Held { prompt, steered: true });
                self.next_held(out);
            }
        }
    }

    fn send_steered(&mut self, id: &str, out: &mut Output) {
        let Some(turn) = self.turn.as_ref().and_then(Turn::id).map(str::to_owned) else { return };
        let Some(at) = self.steered.iter().position(|steered| steered.id == id) else { return };
        let input = self.input(&self.steered[at].prompt);
        self.steered[at].state = Steering::Sent;
        let params =
            json!({"threadId": self.thread, "expectedTurnId": turn, "clientUserMessageId": id, "input": input});
        self.peer.request(out, Sent::Steer(id.to_owned()), "turn/steer", params);
    }

    pub(super) fn steer_answered(&mut self, id: &str, result: Result<Value, Failure>, out: &mut Output) {
        let Some(at) = self.steered.iter().position(|steered| steered.id == id) else { return };
        match (result, self.steered[at].state) {
            (Ok(_), Steering::Sent) => self.steered[at].state = Steering::Accepted,
            // Taken by a turn that was over before the model could read it.
            (Ok(_), _) => {
                let prompt = self.steered.remove(at).prompt;
                out.event(Event::Returned(Box::new(prompt)));
            }
            // A review takes none, and one that has just ended neither: it is prompted in its turn.
            (Err(_), _) => {
                let prompt = self.steered.remove(at).prompt;
                self.held.push_back(Held { prompt, steered: true });
                self.next_held(out);
            }
        }
    }

    /// The model has read this message.
    pub(super) fn user_said(&mut self, item: &Value) {
        if let Some(id) = some_text(item, "clientId") {
            self.steered.retain(|steered| steered.id != id);
        }
    }

    /// The turn has ended: what the model has not read of what was said into it is prompted next, or goes back.
    pub(super) fn settle_steered(&mut self, goes_on: bool, out: &mut Output) {
        for mut steered in std::mem::take(&mut self.steered) {
            match steered.state {
                Steering::Sent | Steering::Late => {
                    steered.state = Steering::Late;
                    self.steered.push(steered);
                }
                _ if goes_on => self.held.push_back(Held { prompt: steered.prompt, steered: true }),
                _ => out.event(Event::Returned(Box::new(steered.prompt))),
            }
        }
    }

    /// The turn has its id now.
    pub(super) fn send_unsent(&mut self, out: &mut Output) {
        let unsent = self.steered.iter().filter(|steered| steered.state == Steering::Unsent);
        for id in unsent.map(|steered| steered.id.clone()).collect::<Vec<_>>() {
            self.send_steered(&id, out);
        }
    }
}
