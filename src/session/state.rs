//! What a session is, as a value: status, cost, queue, open questions. No I/O, no clock.

mod pending;

use std::{path::PathBuf, sync::Arc};

pub(super) use self::pending::{Asked, Grounds, Pending};
use super::{
    journal::Standing,
    last_line::{LastLine, cleaned},
    queue::Queue,
};
use crate::domain::{
    AgentMessage, Attention, Capabilities, Content, Cost, MessageId, OptionKind, Prompt, RequestId, SessionSummary,
    StartOptions, Status, Subject, place, reported,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) summary: SessionSummary,
    /// Prompts that wait for the end of the turn.
    pub(super) queue: Queue,
    pending: Vec<Pending>,
    /// The agent's title, else the first prompt's.
    title: String,
    /// The user's own, which goes before it.
    name: String,
    said: LastLine,
    capabilities_known: bool,
    /// The status that clients were told of last.
    told: (Status, Option<String>),
    /// Conversations of the agent's that the session has had before.
    earlier_sessions: Vec<String>,
    /// Where it goes on, if that is not where it began.
    pub(super) moved: Option<PathBuf>,
    /// What earlier processes of the session have cost.
    cost_before: f64,
    cost_now: f64,
}

impl State {
    pub(super) fn new(options: &StartOptions, started_at: i64) -> Self {
        let mode = options.permission_mode.clone().or_else(|| options.mode.clone()).unwrap_or_default();
        Self {
            summary: SessionSummary {
                started_at,
                cwd: options.cwd.to_string_lossy().into_owned(),
                place: place::name(&options.config.wrap),
                project: options.cwd.to_string_lossy().into_owned(),
                model: options.model.clone().unwrap_or_default(),
                mode,
                effort: options.effort.clone().unwrap_or_default(),
                ..SessionSummary::new(options.session_id.clone(), &options.provider)
            },
            queue: Queue::default(),
            pending: Vec::new(),
            title: String::new(),
            name: String::new(),
            said: LastLine::default(),
            capabilities_known: false,
            told: (Status::Idle, None),
            earlier_sessions: Vec::new(),
            moved: None,
            cost_before: 0.0,
            cost_now: 0.0,
        }
    }

    /// The agent's conversation is another one now, or none.
    pub(super) fn set_agent_session(&mut self, id: Option<String>) {
        let before = std::mem::replace(&mut self.summary.agent_session, id);
        let before = before.filter(|id| self.summary.agent_session.as_ref() != Some(id));
        self.earlier_sessions.extend(before.filter(|id| !self.earlier_sessions.contains(id)));
    }

    pub(super) fn earlier_sessions(&self) -> &[String] {
        &self.earlier_sessions
    }

    /// True if it is news.
    pub(super) fn set_status(&mut self, status: Status, error: Option<String>) -> bool {
        self.summary.status = status;
        self.summary.error.clone_from(&error);
        let told = std::mem::replace(&mut self.told, (status, error));
        told != self.told
    }

    /// A turn begins or ends; `now` in Unix milliseconds.
    pub(super) fn set_busy(&mut self, busy: bool, now: i64) {
        let summary = &mut self.summary;
        match (summary.busy, busy) {
            (false, true) => summary.turn_started_at = Some(now),
            (true, false) => (summary.turn_started_at, summary.turn_ended_at) = (None, Some(now)),
            _ => {}
        }
        summary.interrupted &= !busy;
        summary.busy = busy;
    }

    /// Until its first prompt is written: rows that are told before that do not say `idle` in between.
    pub(super) fn expect_prompt(&mut self) {
        self.summary.status = Status::Running;
    }

    /// It is not sent, or not now: the status is what was told last. True if that is news.
    pub(super) fn expects_no_prompt(&mut self) -> bool {
        let expected = self.summary.status == Status::Running && !self.summary.busy;
        if expected {
            (self.summary.status, self.summary.error) = self.told.clone();
        }
        expected
    }

    /// Agents report their total since their process began, and tokens by turn. What is no number changes nothing.
    pub(super) fn add_cost(&mut self, cost: &mut Cost) {
        if let Some(total) = cost.total_cost_usd.filter(|total| total.is_finite() && *total >= 0.0) {
            if total < self.cost_now {
                // The same runner, but another agent behind it.
                self.process_spent();
            }
            cost.turn_cost_usd = Some(total - self.cost_now);
            self.cost_now = total;
        }
        self.summary.cost_usd = self.cost_before + self.cost_now;
        let sum = |before: u64, more: Option<u64>| before.saturating_add(more.unwrap_or(0));
        self.summary.input_tokens = sum(self.summary.input_tokens, cost.input_tokens);
        self.summary.output_tokens = sum(self.summary.output_tokens, cost.output_tokens);
    }

    /// What a message of an earlier backend's journal tells of the session.
    pub(super) fn recall(&mut self, content: &Content) {
        match content {
            Content::Prompt(prompt) => self.title_from(prompt),
            Content::Init(init) => {
                if !init.session_id.is_empty() {
                    self.summary.agent_session = Some(init.session_id.clone());
                }
                if !init.model.is_empty() {
                    self.summary.model = reported(init.model.clone());
                }
            }
            Content::Cost(cost) => {
                let mut cost = cost.clone();
                // Which process a total is of does not stand there; what the turn has cost does.
                if let Some(turn) = cost.turn_cost_usd {
                    cost.total_cost_usd = Some(self.cost_now + turn);
                }
                self.add_cost(&mut cost);
            }
            _ => {}
        }
    }

    /// What the journal says that the session was set to last: it knows more than the messages do.
    pub(super) fn recall_standing(&mut self, standing: Standing) {
        let Standing {
            title, name, model, mode, effort, agent_session, earlier_sessions, unfinished, worktree, ..
        } = standing;
        let known = |into: &mut String, value: String| {
            if !value.is_empty() {
                *into = value;
            }
        };
        known(&mut self.title, title);
        self.name = name;
        known(&mut self.summary.model, model);
        known(&mut self.summary.mode, mode);
        known(&mut self.summary.effort, effort);
        self.summary.agent_session = agent_session;
        self.earlier_sessions = earlier_sessions;
        self.summary.interrupted = unfinished;
        self.summary.worktree = worktree;
        self.refresh();
    }

    /// The next process counts from 0 again.
    pub(super) fn process_ended(&mut self) {
        self.process_spent();
        self.summary.busy = false;
        self.summary.turn_started_at = None;
    }

    fn process_spent(&mut self) {
        self.cost_before += self.cost_now;
        self.cost_now = 0.0;
    }

    pub(super) fn set_capabilities(&mut self, capabilities: Capabilities) {
        self.summary.capabilities = Arc::new(capabilities.choosable());
        self.capabilities_known = true;
        self.refresh();
    }

    /// Its agent can take a conversation up, as far as is known.
    pub(super) fn may_resume(&self) -> bool {
        !self.capabilities_known || self.summary.capabilities.resume
    }

    pub(super) fn ask(&mut self, pending: Pending) {
        self.pending.push(pending);
        self.refresh();
    }

    /// Shown or not.
    pub(super) fn open_questions(&self) -> usize {
        self.pending.len()
    }

    /// The oldest that is to be held against rules and grants.
    pub(super) fn unconsidered(&self) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.unconsidered)
    }

    /// It was; false if it is not open any more.
    ///
    /// `restricts`: something is forbidden or asked about. What would let the agent not ask any more is no choice then: what
    /// it does not ask about nobody forbids. One that can only be allowed for good stays.
    pub(super) fn consider(
        &mut self,
        id: &RequestId,
        grounds: Option<Grounds>,
        note: Option<String>,
        restricts: bool,
    ) -> bool {
        let pending = self.pending.iter_mut().find(|pending| pending.request_id() == id);
        pending.is_some_and(|pending| {
            pending.unconsidered = false;
            (pending.grounds, pending.note) = (grounds, note);
            if let Asked::Permission(request) = &mut pending.asked
                && restricts
                && request.options.iter().any(|option| option.kind == OptionKind::AllowOnce)
            {
                request.options.retain(|option| option.kind != OptionKind::AllowAlways);
            }
            true
        })
    }

    /// Grants are others now.
    pub(super) fn consider_again(&mut self) {
        for pending in &mut self.pending {
            // No rule answers what we ask ourselves.
            pending.unconsidered |=
                matches!(&pending.asked, Asked::Permission(request) if request.subject != Subject::Start);
        }
    }

    /// True if nobody knew of it.
    pub(super) fn show(&mut self, id: &RequestId) -> bool {
        let hidden = self.pending.iter_mut().find(|pending| !pending.shown && pending.request_id() == id);
        let news = hidden.map(|pending| pending.shown = true).is_some();
        self.refresh();
        news
    }

    pub(super) fn find_pending(&self, id: &RequestId) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.request_id() == id)
    }

    /// Each question is settled once: who takes it, answers it.
    pub(super) fn take_pending(&mut self, id: &RequestId) -> Option<Pending> {
        let index = self.pending.iter().position(|pending| pending.request_id() == id)?;
        let taken = self.pending.remove(index);
        self.refresh();
        Some(taken)
    }

    pub(super) fn take_all_pending(&mut self) -> Vec<Pending> {
        let taken = std::mem::take(&mut self.pending);
        self.refresh();
        taken
    }

    pub(super) fn title_from(&mut self, prompt: &Prompt) {
        if self.title.is_empty() {
            self.set_title(&prompt.title());
        }
    }

    /// On one line, and no longer than anybody reads: it goes with every row.
    pub(super) fn set_title(&mut self, title: &str) {
        self.title = cleaned(title);
        self.refresh();
    }

    /// An empty one takes the name back.
    pub(super) fn set_name(&mut self, name: String) {
        self.name = name;
        self.refresh();
    }

    /// Title and name, as the journal keeps them.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.title, &self.name)
    }

    /// A text of the agent's, or a piece of one.
    pub(super) fn hear(&mut self, message: &MessageId, part: bool, text: &str) {
        self.said.hear(message, part, text);
    }

    /// Of an earlier backend's journal the last text is heard again.
    pub(super) fn recall_said(&mut self, messages: &[AgentMessage]) {
        fn text(message: &AgentMessage) -> Option<&str> {
            match &message.content {
                Content::Text { text } if message.parent_id.is_none() => Some(text),
                _ => None,
            }
        }
        let Some(last) = messages.iter().rposition(|message| text(message).is_some()) else { return };
        let pieces = messages[..=last].iter().rev().take_while(|message| message.id == messages[last].id).count();
        for message in &messages[last + 1 - pieces..=last] {
            self.hear(&message.id, message.part, text(message).unwrap_or_default());
        }
    }

    /// Brings the row's derived fields up to date.
    pub(super) fn refresh(&mut self) {
        self.summary.title.clone_from(if self.name.is_empty() { &self.title } else { &self.name });
        self.summary.last_line = self.said.line();
        self.summary.queued = self.queue.len();
        self.summary.waiting = self.queue.heads();
        self.summary.held = self.queue.held();
        let mut shown = self.pending.iter().filter(|pending| pending.shown);
        self.summary.pending = shown.clone().count();
        self.summary.attention = shown.next().map(|pending| match pending.asked {
            Asked::Permission(_) => Attention::Permission,
            Asked::Question(_) => Attention::Question,
        });
        let mode = self.summary.capabilities.modes.iter().find(|mode| mode.id == self.summary.mode);
        // The word of plain runners, which list no modes.
        let bypassed = mode.is_some_and(|mode| mode.asks_nothing) || self.summary.mode == "bypassPermissions";
        let cannot_ask = !self.summary.capabilities.permission && (self.summary.mode.is_empty() || bypassed);
        self.summary.asks_nothing = self.capabilities_known && (cannot_ask || bypassed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Answer, PermissionOption, PermissionRequest, ProviderConfig, SessionId};

    fn state() -> State {
        let id = SessionId::parse("s").expect("a good id");
        State::new(&StartOptions::new(id, "demo", ProviderConfig::default(), "/".into()), 7)
    }

    fn permission(id: &str) -> Asked {
        let option = PermissionOption { option_id: "yes".into(), name: "Allow".into(), kind: OptionKind::AllowOnce };
        Asked::Permission(Box::new(PermissionRequest {
            request_id: id.into(),
            tool_use_id: None,
            tool: "Bash".into(),
            title: String::new(),
            input: serde_json::Value::Null,
            diff: Vec::new(),
            reason: None,
            options: vec![option],
            subject: Default::default(),
        }))
    }

    #[test]
    fn cost_is_summed_over_processes_and_tokens_over_turns() {
        let mut state = state();
        let cost = |usd: f64, tokens| Cost { total_cost_usd: Some(usd), input_tokens: Some(tokens), ..Cost::default() };
        let mut turns = [cost(0.1, 10), cost(0.3, 10), cost(0.2, 5), cost(f64::NAN, 0), cost(0.1, 0)];
        for (index, cost) in turns.iter_mut().enumerate() {
            state.add_cost(cost);
            if index == 1 {
                state.process_ended();
            }
        }
        let of_turns = turns.each_ref().map(|cost| cost.turn_cost_usd.map(|usd| (usd * 100.0).round()));
        assert_eq!(of_turns, [Some(10.0), Some(20.0), Some(20.0), None, Some(10.0)]);
        assert!((state.summary.cost_usd - 0.6).abs() < 1e-9, "a total that falls is another process's");
        assert_eq!(state.summary.input_tokens, 25);
    }

    #[test]
    fn a_journal_gives_the_same_sum_whatever_its_processes_were() {
        let mut told = state();
        let mut recalled = state();
        for (usd, ended) in [(0.1, false), (0.3, true), (0.5, true), (0.2, false)] {
            let mut cost = Cost { total_cost_usd: Some(usd), ..Cost::default() };
            told.add_cost(&mut cost);
            recalled.recall(&Content::Cost(cost));
            if ended {
                told.process_ended();
            }
        }
        assert!((told.summary.cost_usd - 1.0).abs() < 1e-9);
        assert!((recalled.summary.cost_usd - 1.0).abs() < 1e-9, "{}", recalled.summary.cost_usd);
    }

    #[test]
    fn a_status_is_news_once() {
        let mut state = state();
        state.expect_prompt();
        assert_eq!(state.summary.status, Status::Running);
        let error = || Some("no tea".to_owned());
        let news = [
            state.set_status(Status::Running, None),
            state.set_status(Status::Running, None),
            state.set_status(Status::Error, error()),
            state.set_status(Status::Error, error()),
            state.set_status(Status::Error, None),
        ];
        assert_eq!(news, [true, false, true, false, true]);
    }

    #[test]
    fn a_question_is_settled_once() {
        let mut state = state();
        for (message, id) in [("m1", "a"), ("m2", "b"), ("m3", "c")] {
            state.ask(Pending::new(message.into(), permission(id), true));
        }
        assert_eq!((state.summary.pending, state.open_questions()), (0, 3), "nobody was asked yet");
        assert!(state.show(&"a".into()) && state.show(&"b".into()) && !state.show(&"a".into()));
        assert_eq!((state.summary.pending, state.summary.attention), (2, Some(Attention::Permission)));
        assert!(state.take_pending(&"a".into()).is_some());
        assert!(state.take_pending(&"a".into()).is_none());
        assert_eq!(state.summary.pending, 1, "nobody was asked the third");
        assert_eq!(state.take_all_pending().len(), 2);
        assert_eq!((state.summary.pending, state.summary.attention), (0, None));
    }

    #[test]
    fn an_answer_must_be_one_of_the_options() {
        let pending = Pending::new("m".into(), permission("a"), true);
        let answer = |id: &str| Answer::Option { option_id: id.into(), message: Some("why".into()), input: None };
        assert_eq!(pending.outcome(&answer("yes")), Ok("Allow: why".into()));
        assert_eq!(pending.outcome(&answer("no")), Err("no option 'no'; the agent offers yes".into()));
        assert!(pending.outcome(&Answer::Answers(Default::default())).is_err());
    }

    #[test]
    fn an_agent_that_cannot_ask_says_so_unless_a_mode_was_chosen() {
        let mut state = state();
        state.refresh();
        assert!(!state.summary.asks_nothing, "nothing is known yet");
        state.set_capabilities(Capabilities::default());
        assert!(state.summary.asks_nothing);
        state.summary.mode = "default".into();
        state.refresh();
        assert!(!state.summary.asks_nothing);
        state.set_capabilities(Capabilities { permission: true, ..Capabilities::default() });
        state.summary.mode = "bypassPermissions".into();
        state.refresh();
        assert!(state.summary.asks_nothing);
    }

    #[test]
    fn a_title_comes_from_the_first_prompt() {
        let mut state = state();
        state.title_from(&Prompt::new("\n  Explain this \nplease"));
        state.title_from(&Prompt::new("Another"));
        assert_eq!(state.summary.title, "Explain this");
    }
}
