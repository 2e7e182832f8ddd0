//! A turn: from a prompt to the answer to its request, with whatever is sent in between; and how all of it is stopped.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Acp, Phase, Sent, asked::Asked, content, failure};
use crate::{
    agent::{
        json::{one_line, some_text},
        jsonrpc::Failure,
        protocol::Output,
        stop::{Action, Signal, Step},
    },
    domain::{Cause, Content, Event, Prompt, TurnOutcome, Wait},
};

/// Of the words for a limit, in a row.
const LIMIT_CHARS: usize = 200;

#[derive(Debug, Default)]
pub struct Turn {
    /// The answer to a prompt is waited for.
    sent: bool,
    cancelled: bool,
}

/// What a turn comes to.
struct End {
    stop_reason: String,
    outcome: TurnOutcome,
}

impl Acp {
    pub(super) fn prompt(&mut self, prompt: Prompt, out: &mut Output) {
        self.begin_turn(out);
        self.waiting.push_back(prompt);
        match self.phase.clone() {
            Phase::Open => self.deliver(out),
            // A key that the server has refused once may be taken the next time, and the conversation is there still. If it
            // is not, or after a login, everything is begun anew.
            Phase::LoggedOut if self.session.is_some() && !self.tried_again => {
                self.tried_again = true;
                self.phase = Phase::Open;
                self.deliver(out);
            }
            Phase::LoggedOut | Phase::Failed { again: true, .. } => self.reopen(out),
            Phase::Failed { message, again: false } => self.fail(message, false, out),
            Phase::Initializing | Phase::Opening => {}
        }
    }

    pub(super) fn begin_turn(&mut self, out: &mut Output) {
        if self.turn.is_none() {
            self.turn = Some(Turn::default());
            out.event(Event::TurnStarted);
            out.events.extend(self.story.begin_turn());
        }
    }

    /// Sends the next prompt, if it can be sent.
    pub(super) fn deliver(&mut self, out: &mut Output) {
        let (Phase::Open, 0, Some(session)) = (&self.phase, self.settling, self.session.clone()) else { return };
        if self.waiting.is_empty() || self.turn.as_ref().is_some_and(|turn| turn.sent) {
            return;
        }
        self.begin_turn(out);
        let Some(prompt) = self.waiting.pop_front() else { return };
        let (blocks, sentences) = content::blocks(&prompt, &self.agent, std::path::Path::new(&self.wish.cwd));
        out.events.extend(sentences.into_iter().map(|message| Event::Notice { message }));
        if blocks.is_empty() {
            out.event(Event::Notice { message: "An empty prompt is not sent".to_owned() });
            return self.next_or_end("empty".to_owned(), TurnOutcome::Idle, out);
        }
        if let Some(turn) = &mut self.turn {
            turn.sent = true;
        }
        self.story.usage.prompted();
        self.peer.request(out, Sent::Prompt, "session/prompt", json!({"sessionId": session, "prompt": blocks}));
    }

    /// The answer to a prompt: everything that it has begun is over.
    pub(super) fn prompted(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        let Some(turn) = &mut self.turn else { return };
        turn.sent = false;
        let cancelled = turn.cancelled;
        self.withdraw_all(out);
        out.events.extend(self.story.close());
        let End { stop_reason, outcome } = match result {
            Err(failure) if failure::wants_login(&failure) => return self.logged_out(&failure, out),
            Err(_) if cancelled => {
                let stop_reason = "cancelled".to_owned();
                End { stop_reason, outcome: TurnOutcome::Idle }
            }
            Err(failure) => {
                let said = failure::words(&failure);
                if failure::is_limit(&failure) {
                    let wait = Wait::new(Cause::UsageLimit, one_line(&said, LIMIT_CHARS));
                    out.event(Event::Waits { wait, delay_ms: None });
                }
                // Claude's agent says the same as a text before.
                let shown = self.story.error_text(Some(&said));
                out.events.extend(shown.map(|(withdrawn, _)| withdrawn));
                self.failed(said, out)
            }
            Ok(answer) => self.ended(&answer, cancelled, out),
        };
        self.used = true;
        self.tried_again = false;
        self.next_or_end(stop_reason, outcome, out);
    }

    fn ended(&mut self, answer: &Value, cancelled: bool, out: &mut Output) -> End {
        if let Some(cost) = self.story.usage.turn(answer) {
            let event = self.story.message(Content::Cost(cost));
            out.event(event);
        }
        // Codex' agent has no error for a turn that failed, only a text.
        if let Some((withdrawn, said)) = self.story.error_text(None) {
            out.event(withdrawn);
            return self.failed(failure::unwrapped(&said), out);
        }
        // opencode says `end_turn` if it was waiting for another try at its model.
        let said = if cancelled { Some("cancelled") } else { some_text(answer, "stopReason") };
        let stop_reason = said.unwrap_or("end_turn").to_owned();
        let told = match stop_reason.as_str() {
            "max_tokens" => Some("The answer is cut off: it has reached the model's limit of tokens"),
            "max_turn_requests" => Some("The agent has stopped: it has reached its limit of requests for a turn"),
            "refusal" => Some("The agent refuses to go on; it forgets this prompt"),
            _ => None,
        };
        if let Some(message) = told {
            let event = self.story.status(&stop_reason, message.to_owned());
            out.event(event);
        }
        End { stop_reason, outcome: TurnOutcome::Idle }
    }

    fn failed(&mut self, message: String, out: &mut Output) -> End {
        let event = self.story.message(Content::Error { message: message.clone() });
        out.event(event);
        End { stop_reason: "error".to_owned(), outcome: TurnOutcome::Failed(message) }
    }

    /// Words that go with a refusal are sent in the same turn of ours.
    fn next_or_end(&mut self, stop_reason: String, outcome: TurnOutcome, out: &mut Output) {
        if !self.waiting.is_empty() {
            out.events.extend(self.story.begin_turn());
            return self.deliver(out);
        }
        self.turn = None;
        if stop_reason == "cancelled" {
            let event = self.story.status("interrupted", "Interrupted".to_owned());
            out.event(event);
        }
        out.event(Event::TurnEnded { stop_reason, outcome });
    }

    pub(super) fn interrupt(&mut self, out: &mut Output) {
        let Some(turn) = &mut self.turn else { return };
        let waiting = std::mem::take(&mut self.waiting);
        if !turn.sent {
            self.turn = None;
            out.events.extend(waiting.into_iter().map(|prompt| Event::Returned(Box::new(prompt))));
            return out.event(Event::TurnEnded { stop_reason: "cancelled".to_owned(), outcome: TurnOutcome::Idle });
        }
        if std::mem::replace(&mut turn.cancelled, true) {
            return;
        }
        self.story.cancel();
        if let Some(session) = &self.session {
            self.peer.notify(out, "session/cancel", json!({"sessionId": session}));
        }
        // The agent waits for the answers before it ends the turn. The session settles its questions itself.
        for asked in std::mem::take(&mut self.asked) {
            match asked.cancelled() {
                Some(answer) => {
                    self.peer.reply(out, &asked.id, Ok(answer));
                }
                None => self.asked.push(asked),
            }
        }
    }

    /// Words of the user's for after the turn, unless it is being cancelled.
    pub(super) fn follow_up(&mut self, words: String) {
        if self.turn.as_ref().is_some_and(|turn| turn.sent && !turn.cancelled) {
            self.waiting.push_back(Prompt::new(words));
        }
    }

    /// Nobody waits for these answers any more.
    fn withdraw_all(&mut self, out: &mut Output) {
        for asked in std::mem::take(&mut self.asked) {
            let Some(answer) = asked.cancelled() else {
                self.asked.push(asked);
                continue;
            };
            self.peer.reply(out, &asked.id, Ok(answer));
            out.event(Asked::withdrawn(asked));
        }
    }

    pub(super) fn ladder(&self) -> Vec<Step> {
        let ms = Duration::from_millis;
        let line = |method: &str, id: Option<&str>| {
            let mut out = Output::default();
            let mut message = json!({"jsonrpc": "2.0", "method": method, "params": {"sessionId": self.session}});
            if let Some(id) = id {
                message["id"] = json!(id);
            }
            out.write(&message);
            out.writes.concat()
        };
        let mut ladder = Vec::new();
        if self.turn.as_ref().is_some_and(|turn| turn.sent) && self.session.is_some() {
            // On a signal alone opencode leaves its command running.
            ladder.push(Step::new(Action::Write(line("session/cancel", None)), ms(800)));
        }
        if self.agent.close && self.session.is_some() {
            ladder.push(Step::new(Action::Write(line("session/close", Some("agor-close"))), ms(0)));
        }
        // codex-acp takes its time; Gemini with a command running does not end at all.
        ladder.push(Step::new(Action::CloseStdin, ms(1200)));
        ladder.push(Step::new(Action::Signal(Signal::Terminate), ms(500)));
        ladder.push(Step::kill());
        ladder
    }
}
