//! What is said into a turn that runs: never lost, and never said twice.
//!
//! Claude Code gives it to the model with the next result of a tool. Where the turn has none any more it begins another
//! one for it by itself, right after the `result` of the first; it echoes each message when the model gets it, and an
//! interrupt alone drops none of them (2.1.197).

use serde_json::{Value, json};

use super::{Claude, Sent};
use crate::{
    agent::{
        adapter::Adapter,
        json::{is_true, some_text},
        protocol::Output,
    },
    domain::{Event, Prompt},
};

/// What was said into the turn and the model has not got yet.
#[derive(Debug, Default)]
pub struct Steered {
    /// Each with the id by which it is echoed or cancelled.
    waiting: Vec<(String, Prompt)>,
    /// The end of a turn that is followed at once by one for what waits. For the session it is all one turn.
    held: Option<Event>,
}

impl Claude {
    pub(super) fn steer(&mut self, prompt: Prompt, out: &mut Output) {
        if !self.agent.is_running() {
            // It has ended meanwhile.
            return self.prompt(&prompt, out);
        }
        let said = prompt.to_text();
        if said.trim().is_empty() {
            return out.event(Event::Notice { message: "An empty prompt is not sent".to_owned() });
        }
        let uuid = self.write_user(json!(said), out);
        self.steered.waiting.push((uuid, prompt));
    }

    /// The model has got one of them.
    pub(super) fn echoed(&mut self, message: &Value) {
        let uuid = some_text(message, "uuid");
        let before = self.steered.waiting.len();
        self.steered.waiting.retain(|(known, _)| Some(known.as_str()) != uuid);
        if self.steered.waiting.len() < before {
            self.steered.held = None;
        }
    }

    /// A turn has ended: whether another one follows at once, whose end is the end for the session.
    pub(super) fn goes_on_steered(&mut self, out: &mut Output) -> bool {
        if self.steered.waiting.is_empty() {
            return false;
        }
        self.steered.held = out.events.iter().rev().find(|event| matches!(event, Event::TurnEnded { .. })).cloned();
        true
    }

    /// Before an interrupt: Claude Code would go on with them.
    pub(super) fn cancel_steered(&mut self, out: &mut Output) {
        for uuid in self.steered.waiting.iter().map(|(uuid, _)| uuid.clone()).collect::<Vec<_>>() {
            let request = json!({"subtype": "cancel_async_message", "message_uuid": uuid});
            self.request(out, Sent::Cancel(uuid), request);
        }
    }

    pub(super) fn cancel_answered(&mut self, uuid: &str, response: &Value, out: &mut Output) {
        let Some(at) = self.steered.waiting.iter().position(|(known, _)| known == uuid) else { return };
        let (_, prompt) = self.steered.waiting.remove(at);
        if !response.get("response").is_some_and(|response| is_true(response, "cancelled")) {
            // The model has it already, or gets it now: its turn ends as others do.
            self.steered.held = None;
            return;
        }
        out.event(Event::Returned(Box::new(prompt)));
        if self.steered.waiting.is_empty()
            && let Some(end) = self.steered.held.take()
        {
            // No turn follows after all.
            out.events.extend(self.agent.end_turn());
            out.event(end);
        }
    }

    /// Claude Code has ended.
    pub(super) fn return_steered(&mut self, out: &mut Output) {
        let Steered { waiting, .. } = std::mem::take(&mut self.steered);
        out.events.extend(waiting.into_iter().map(|(_, prompt)| Event::Returned(Box::new(prompt))));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{feed, prompt, started, written};
    use super::*;
    use crate::{agent::protocol::Protocol, domain::Command};

    fn steer(claude: &mut Claude, text: &str) -> String {
        let out = claude.command(Command::Steer(Prompt::new(text)));
        let said = &written(&out)[0];
        assert_eq!((&said["type"], &said["message"]["content"]), (&json!("user"), &json!(text)));
        assert_eq!(out.events, [], "the turn has begun already");
        said["uuid"].as_str().expect("an id").to_owned()
    }

    fn echo(claude: &mut Claude, uuid: &str) {
        let message = json!({"role": "user", "content": "x"});
        assert_eq!(
            feed(claude, json!({"type": "user", "isReplay": true, "uuid": uuid, "message": message})),
            Output::default()
        );
    }

    fn ends(claude: &mut Claude) -> usize {
        ended(&feed(claude, json!({"type": "result", "subtype": "success"})))
    }

    fn ended(out: &Output) -> usize {
        out.events.iter().filter(|event| matches!(event, Event::TurnEnded { .. })).count()
    }

    fn returned(out: &Output) -> Vec<&str> {
        out.events
            .iter()
            .filter_map(|event| match event {
                Event::Returned(prompt) => Some(prompt.text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Interrupts, and answers what Claude Code is asked to cancel, in order.
    fn interrupt(claude: &mut Claude, cancelled: &[bool]) -> Output {
        let out = claude.command(Command::Interrupt);
        let requests = written(&out);
        assert_eq!(requests.len(), cancelled.len() + 1);
        assert_eq!(requests[cancelled.len()]["request"]["subtype"], "interrupt");
        let mut all = Output::default();
        for (request, cancelled) in requests.iter().zip(cancelled) {
            assert_eq!(request["request"]["subtype"], "cancel_async_message");
            let response = json!({"subtype": "success", "request_id": request["request_id"],
                "response": {"cancelled": cancelled}});
            all.events.extend(feed(claude, json!({"type": "control_response", "response": response})).events);
        }
        all
    }

    #[test]
    fn what_the_model_gets_with_a_tools_result_has_no_turn_of_its_own() {
        let mut claude = started();
        prompt(&mut claude, "hello");
        let uuid = steer(&mut claude, "rather so");
        echo(&mut claude, &uuid);
        assert_eq!(ends(&mut claude), 1);
    }

    #[test]
    fn what_comes_after_the_last_tool_has_a_turn_that_belongs_to_the_first() {
        let mut claude = started();
        prompt(&mut claude, "hello");
        let (one, other) = (steer(&mut claude, "one"), steer(&mut claude, "other"));
        assert_eq!(ends(&mut claude), 0, "another turn follows at once");
        echo(&mut claude, &one);
        assert_eq!(feed(&mut claude, json!({"type": "system", "subtype": "init"})).events, []);
        echo(&mut claude, &other);
        assert_eq!(ends(&mut claude), 1);
        // And the next prompt is a prompt.
        assert!(matches!(prompt(&mut claude, "next").events[..], [Event::TurnStarted]));
        assert_eq!(ends(&mut claude), 1);
    }

    #[test]
    fn an_interrupt_gives_back_what_the_model_has_not_got() {
        let mut claude = started();
        prompt(&mut claude, "hello");
        steer(&mut claude, "one");
        steer(&mut claude, "other");
        let out = interrupt(&mut claude, &[false, true]);
        assert_eq!((returned(&out), ended(&out)), (vec!["other"], 0));
        assert_eq!(ends(&mut claude), 1);
    }

    #[test]
    fn an_interrupt_between_two_turns_is_the_end() {
        let mut claude = started();
        prompt(&mut claude, "hello");
        steer(&mut claude, "one");
        assert_eq!(ends(&mut claude), 0);
        let out = interrupt(&mut claude, &[true]);
        assert_eq!((returned(&out), ended(&out)), (vec!["one"], 1));
        // Claude Code was faster: the turn runs, and ends as others do.
        prompt(&mut claude, "again");
        steer(&mut claude, "two");
        assert_eq!(ends(&mut claude), 0);
        let out = interrupt(&mut claude, &[false]);
        assert_eq!((returned(&out), ended(&out)), (vec![], 0));
        assert_eq!(ends(&mut claude), 1);
    }

    #[test]
    fn an_end_gives_back_what_the_model_has_not_got() {
        let mut claude = started();
        prompt(&mut claude, "hello");
        let one = steer(&mut claude, "one");
        steer(&mut claude, "other");
        echo(&mut claude, &one);
        assert_eq!(returned(&claude.end()), ["other"]);
        assert_eq!(returned(&claude.end()), [""; 0]);
    }

    #[test]
    fn without_a_turn_it_is_a_prompt() {
        let mut claude = started();
        let out = claude.command(Command::Steer(Prompt::new("hello")));
        assert!(matches!(out.events[..], [Event::TurnStarted]));
        assert_eq!(ends(&mut claude), 1);
    }
}
