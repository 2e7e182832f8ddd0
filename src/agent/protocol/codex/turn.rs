//! Turns: how one is begun, added to, interrupted, and what is settled when it ends.
//!
//! `turn/start` while a turn runs would add to that one without saying so (Codex 0.169.0), so what comes meanwhile is held.

use serde_json::{Map, Value, json};

use super::{Codex, Phase, Sent, agents::Ending, error::TurnError, settings::Wanted, skills};
use crate::{
    agent::{
        json::{some_text, text},
        jsonrpc::Failure,
        protocol::Output,
    },
    domain::{Cause, Content, Event, MessageId, Prompt, TurnOutcome, Wait},
};

/// The turn that runs.
#[derive(Debug)]
pub struct Turn {
    /// A review has two.
    ids: Vec<String>,
    interrupt: Interrupt,
    /// What the model proposes to do, in plan mode.
    pub plan: Option<String>,
    /// What went wrong, shown already.
    error: Option<String>,
    /// The line about retries, of which the last counts.
    retries: MessageId,
    /// The list of what is to be done, which changes in place.
    pub list: MessageId,
    /// Codex is done; the user is asked about its plan.
    pub parked: bool,
    /// It is there to shorten the conversation.
    pub compacts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupt {
    No,
    /// As soon as the turn has an id.
    Wanted,
    Sent,
}

#[derive(Debug)]
pub struct Held {
    pub prompt: Prompt,
    /// It was meant for a turn that did not take it: nobody else keeps it.
    pub steered: bool,
}

/// A turn that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    prompt: Prompt,
    steered: bool,
    wanted: Wanted,
}

/// A turn's status in Codex, and its reason to end here.
const INTERRUPTED: &str = "interrupted";

/// How many ended turns are remembered.
const REMEMBERED: usize = 16;

impl Turn {
    fn new(ids: &mut crate::agent::adapter::Ids) -> Self {
        let (retries, list) = (ids.next(), ids.next());
        let (interrupt, plan, error) = (Interrupt::No, None, None);
        Self { ids: Vec::new(), interrupt, plan, error, retries, list, parked: false, compacts: false }
    }

    /// By which it is interrupted and steered.
    pub fn id(&self) -> Option<&str> {
        self.ids.first().map(String::as_str).filter(|_| !self.parked)
    }

    pub fn has(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }
}

impl Codex {
    pub(super) fn prompt(&mut self, prompt: Prompt, out: &mut Output) {
        if let Phase::Broken(message) = &self.phase {
            return out.event(Event::Failed { message: message.clone() });
        }
        if prompt.to_text().trim().is_empty() && prompt.images.is_empty() {
            Self::notice(out, "An empty prompt is not sent".to_owned());
            return out.event(Event::TurnEnded { stop_reason: "empty".to_owned(), outcome: TurnOutcome::Idle });
        }
        self.held.push_back(Held { prompt, steered: false });
        self.next_held(out);
    }

    /// Begins a turn with what is held, if none runs.
    pub(super) fn next_held(&mut self, out: &mut Output) {
        if self.phase != Phase::Open || self.turn.is_some() {
            return;
        }
        if let Some(held) = self.held.pop_front() {
            out.event(Event::TurnStarted);
            self.begin(held, out);
        }
    }

    /// The turn goes on with another of Codex's: for the session it is all one.
    pub(super) fn go_on(&mut self, prompt: Prompt, out: &mut Output) {
        self.begin(Held { prompt, steered: true }, out);
    }

    fn begin(&mut self, held: Held, out: &mut Output) {
        let Held { prompt, steered } = held;
        let (overrides, wanted) = self.settings.overrides(&self.setup.directories);
        let words = if prompt.context.is_empty() && prompt.images.is_empty() { prompt.text.trim() } else { "" };
        let (method, params) = if words == "/compact" {
            ("thread/compact/start", json!({"threadId": self.thread}))
        } else if let Some(what) = words.strip_prefix("/review").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            let target = match what.trim() {
                "" => json!({"type": "uncommittedChanges"}),
                instructions => json!({"type": "custom", "instructions": instructions}),
            };
            ("review/start", json!({"threadId": self.thread, "target": target}))
        } else {
            let mut params = Map::new();
            params.insert("threadId".to_owned(), json!(self.thread));
            params.insert("clientUserMessageId".to_owned(), json!(self.items.ids.next().as_str()));
            params.insert("input".to_owned(), self.input(&prompt));
            params.extend(overrides);
            ("turn/start", Value::Object(params))
        };
        let compacts = method == "thread/compact/start";
        self.turn = Some(Turn { compacts, ..Turn::new(&mut self.items.ids) });
        self.usage.turn_started();
        // The others take no settings along.
        let wanted = if method == "turn/start" { wanted } else { Wanted::default() };
        let asked = Asked { prompt, steered, wanted };
        self.peer.request(out, Sent::Turn(Box::new(asked)), method, params);
    }

    pub(super) fn input(&self, prompt: &Prompt) -> Value {
        let said = prompt.to_text();
        let (said, skill) = match skills::input(&said, &self.skills) {
            Some((said, skill)) => (said, Some(skill)),
            None => (said, None),
        };
        let mut input = Vec::new();
        if !said.trim().is_empty() {
            input.push(json!({"type": "text", "text": said, "text_elements": []}));
        }
        input.extend(skill);
        input.extend(prompt.images.iter().map(|image| match image.data.as_str() {
            "" => json!({"type": "localImage", "path": image.path}),
            data => json!({"type": "image", "url": format!("data:{};base64,{data}", image.mime)}),
        }));
        Value::Array(input)
    }

    pub(super) fn turn_answered(&mut self, asked: Asked, result: Result<Value, Failure>, out: &mut Output) {
        match result {
            Ok(result) => {
                self.settings.taken(&asked.wanted, &self.setup.directories);
                if let Some(id) = some_text(&result["turn"], "id") {
                    self.turn_is(id.to_owned(), out);
                }
            }
            Err(failure) => {
                self.turn = None;
                if asked.steered {
                    out.event(Event::Returned(Box::new(asked.prompt)));
                }
                self.settle_steered(false, out);
                let said = failure.message.trim_end_matches('.');
                out.event(Event::Failed { message: format!("Codex has not taken the prompt: {said}") });
                self.next_held(out);
            }
        }
    }

    /// The turn that runs has this id, too.
    fn turn_is(&mut self, id: String, out: &mut Output) {
        let Some(turn) = self.turn.as_mut().filter(|_| !self.over.contains(&id)) else { return };
        if !turn.ids.contains(&id) {
            turn.ids.push(id);
        }
        if turn.interrupt == Interrupt::Wanted {
            turn.interrupt = Interrupt::No;
            self.interrupt(out);
        }
        self.send_unsent(out);
    }

    /// `turn/started`, for a prompt of ours or by Codex itself.
    pub(super) fn turn_started(&mut self, turn: &Value, out: &mut Output) {
        let Some(id) = some_text(turn, "id").filter(|id| !self.over.iter().any(|over| over == id)) else { return };
        if self.turn.as_ref().is_none_or(|turn| turn.parked) {
            self.withdraw(|_| true, out);
            if self.turn.is_none() {
                out.event(Event::TurnStarted);
            }
            self.turn = Some(Turn::new(&mut self.items.ids));
            self.usage.turn_started();
        }
        self.turn_is(id.to_owned(), out);
    }

    pub(super) fn interrupt(&mut self, out: &mut Output) {
        if self.waits_for_plan() {
            self.withdraw(|_| true, out);
            self.say_interrupted(out);
            return self.turn_over(INTERRUPTED, TurnOutcome::Idle, out);
        }
        match &mut self.turn {
            Some(turn) if turn.interrupt == Interrupt::Sent => {}
            Some(turn) => match turn.id() {
                Some(id) => {
                    let params = json!({"threadId": self.thread, "turnId": id});
                    turn.interrupt = Interrupt::Sent;
                    self.peer.request(out, Sent::Interrupt, "turn/interrupt", params);
                }
                None => turn.interrupt = Interrupt::Wanted,
            },
            None if !self.held.is_empty() => {
                for held in std::mem::take(&mut self.held) {
                    out.event(Event::Returned(Box::new(held.prompt)));
                }
                out.event(Event::TurnEnded { stop_reason: INTERRUPTED.to_owned(), outcome: TurnOutcome::Idle });
            }
            None => {}
        }
    }

    pub(super) fn interrupt_answered(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        let Err(failure) = result else { return };
        let Some(turn) = &mut self.turn else { return };
        // It may be tried again.
        turn.interrupt = Interrupt::No;
        if !failure.message.contains("no active turn") {
            Self::notice(out, format!("Codex could not be interrupted: {}", failure.message));
        }
    }

    /// `turn/completed`, of any thread.
    pub(super) fn turn_completed(&mut self, params: &Value, out: &mut Output) {
        let (thread, turn) = (&self.thread_of(params), &params["turn"]);
        let id = text(turn, "id");
        let completed = matches!(text(turn, "status"), "completed" | "");
        let ending = if completed { Ending::Done } else { Ending::Cut };
        if !self.is_main(thread) {
            self.withdraw_of(thread, out);
            self.items.close(thread, ending, &mut out.events);
            return;
        }
        if self.over.iter().any(|over| over == id) || self.turn.as_ref().is_some_and(|turn| turn.parked) {
            return;
        }
        self.remember(id.to_owned());
        let processes = self.items.close(thread, ending, &mut out.events);
        self.withdraw_of(thread, out);
        for process in processes {
            // An interrupt ends the turn and leaves its command running (0.169.0).
            let params = json!({"threadId": self.thread, "processId": process});
            self.peer.request(out, Sent::Terminate, "thread/backgroundTerminals/terminate", params);
        }
        let Some(mut over) = self.turn.take() else { return };
        over.ids.drain(..).filter(|known| known != id).for_each(|id| self.remember(id));
        let failed = text(turn, "status") == "failed";
        if failed && over.error.is_none() {
            self.failed(&turn["error"], &mut over, out);
        }
        let error = over.error.clone();
        if text(turn, "status") == INTERRUPTED && error.is_none() && self.held.is_empty() {
            self.say_interrupted(out);
        }
        let cost = self.usage.turn_ended(turn, error.as_deref());
        self.items.say(thread, Content::Cost(cost), &mut out.events);
        self.settle_steered(completed, out);
        if let Some(plan) =
            over.plan.take().filter(|_| completed && self.held.is_empty() && self.settings.is_planning())
        {
            over.parked = true;
            self.turn = Some(over);
            return self.ask_about_plan(plan, out);
        }
        match (text(turn, "status"), error) {
            ("completed" | "", None) => self.turn_over("end_turn", TurnOutcome::Idle, out),
            // It was interrupted because it could come to nothing.
            (_, Some(error)) => self.turn_over("error", TurnOutcome::Failed(error), out),
            (status, None) => self.turn_over(status, TurnOutcome::Idle, out),
        }
    }

    /// This turn is over, whoever tells of it again.
    fn remember(&mut self, id: String) {
        if id.is_empty() {
            return;
        }
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back(id);
    }

    /// For the session, too.
    pub(super) fn turn_over(&mut self, stop_reason: &str, outcome: TurnOutcome, out: &mut Output) {
        self.turn = None;
        if outcome == TurnOutcome::Idle
            && let Some(held) = self.held.pop_front()
        {
            return self.begin(held, out);
        }
        out.event(Event::TurnEnded { stop_reason: stop_reason.to_owned(), outcome });
        self.next_held(out);
    }

    fn say_interrupted(&mut self, out: &mut Output) {
        let content = Content::Status { subtype: INTERRUPTED.to_owned(), message: "Interrupted".to_owned() };
        let id = self.items.ids.next();
        out.event(Event::message(id, content));
    }

    pub(super) fn terminated(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        // Older ones end all of a thread or none.
        if result.is_err() {
            let params = json!({"threadId": self.thread});
            self.peer.request(out, Sent::Clean, "thread/backgroundTerminals/clean", params);
        }
    }

    /// The notification `error`.
    pub(super) fn error(&mut self, params: &Value, out: &mut Output) {
        let thread = self.thread_of(params);
        let error = &params["error"];
        let will_retry = params["willRetry"] == true;
        if will_retry {
            self.items.withdraw_texts(&thread, &mut out.events);
        } else {
            self.items.end_said(&thread, &mut out.events);
        }
        let turn = if self.is_main(&thread) { self.turn.take() } else { None };
        let Some(mut turn) = turn else {
            let content = match will_retry {
                true => Content::Status { subtype: "retry".to_owned(), message: super::error::retry(error) },
                false => Content::Error { message: TurnError::read(error).message },
            };
            return self.items.say(&thread, content, &mut out.events);
        };
        let hopeless = will_retry && self.logged_out && turn.error.is_none();
        if will_retry && !hopeless {
            out.event(Event::Waits { wait: super::error::wait(error), delay_ms: None });
            let content = Content::Status { subtype: "retry".to_owned(), message: super::error::retry(error) };
            out.event(Event::message(turn.retries.clone(), content));
        } else {
            // Of a retry the details say why, and the message only that it is tried again.
            let why = some_text(error, "additionalDetails").filter(|_| hopeless);
            let why = why.map(|why| json!({"message": why, "codexErrorInfo": error["codexErrorInfo"]}));
            self.failed(why.as_ref().unwrap_or(error), &mut turn, out);
        }
        self.turn = Some(turn);
        if hopeless {
            // Without an account all retries are in vain, also those that wait for a network, and they take their time.
            self.interrupt(out);
        }
    }

    /// Says once what went wrong.
    fn failed(&mut self, error: &Value, turn: &mut Turn, out: &mut Output) {
        let TurnError { message, unauthorized, used_up } = TurnError::read(error);
        if turn.error.as_ref() == Some(&message) {
            return;
        }
        turn.error = Some(message.clone());
        if used_up {
            let wait = Wait { until: self.limits.reset(), ..Wait::new(Cause::UsageLimit, message.clone()) };
            out.event(Event::Waits { wait, delay_ms: None });
        }
        if unauthorized || self.logged_out {
            out.event(Event::LoginNeeded { message });
        } else {
            out.event(Event::message(self.items.ids.next(), Content::Error { message }));
        }
    }
}
