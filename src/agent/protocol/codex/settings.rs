//! Model, mode and effort: what holds in the thread and what the next turn is to ask for.
//!
//! Codex takes changes along with a turn, and they stay. Until then they are only wanted.

use serde_json::{Map, Value, json};

use super::mode::{self, Policy};
use crate::{
    agent::json::{some_text, text},
    domain::Event,
};

#[derive(Clone, Debug, Default)]
pub struct Settings {
    model: String,
    effort: Option<String>,
    /// The thread is in Codex's plan mode.
    planning: bool,
    policy: Option<Policy>,
    /// What held when the thread was opened.
    configured: Option<Policy>,
    wanted: Wanted,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    model: Option<String>,
    effort: Option<String>,
    mode: Option<String>,
}

impl Settings {
    /// A mode that holds from the first turn on. It goes along with that turn and not with the thread's opening: 0.169.0
    /// takes a writable sandbox there for the user's word that the project is to be trusted, and writes that into
    /// config.toml for good.
    pub fn begin_with(&mut self, mode: Option<&str>) {
        let known = |mode: &&str| mode::find(mode).is_some() || *mode == mode::CONFIGURED;
        self.wanted.mode = mode.filter(known).map(str::to_owned);
    }

    /// What the answer to `thread/start` and its kin says.
    pub fn opened(&mut self, result: &Value) -> Vec<Event> {
        self.model =
            some_text(result, "model").or_else(|| some_text(&result["thread"], "model")).unwrap_or("").to_owned();
        self.effort = some_text(result, "reasoningEffort").map(str::to_owned);
        self.policy = Policy::read(&result["approvalPolicy"], &result["sandbox"]);
        self.configured = self.policy.clone();
        // Only a resumed thread says so.
        self.planning = text(&result["collaborationMode"], "mode") == mode::PLAN;
        self.told()
    }

    /// `thread/settings/updated`: whoever changed them.
    pub fn updated(&mut self, settings: &Value) -> Vec<Event> {
        if let Some(model) = some_text(settings, "model") {
            self.model = model.to_owned();
        }
        if let Some(effort) = settings.get("effort") {
            self.effort = effort.as_str().map(str::to_owned);
        }
        self.policy = Policy::read(&settings["approvalPolicy"], &settings["sandboxPolicy"]).or(self.policy.take());
        if let Some(mode) = some_text(&settings["collaborationMode"], "mode") {
            self.planning = mode == mode::PLAN;
        }
        self.told()
    }

    fn told(&self) -> Vec<Event> {
        let mut out = Vec::new();
        if !self.model().is_empty() {
            out.push(Event::Model(self.model().to_owned()));
        }
        if let Some(effort) = self.effort() {
            out.push(Event::Effort(effort.to_owned()));
        }
        if let Some(mode) = self.mode() {
            out.push(Event::Mode(mode.to_owned()));
        }
        out
    }

    pub fn model(&self) -> &str {
        self.wanted.model.as_deref().unwrap_or(&self.model)
    }

    pub fn effort(&self) -> Option<&str> {
        self.wanted.effort.as_deref().or(self.effort.as_deref())
    }

    pub fn mode(&self) -> Option<&str> {
        if let Some(wanted) = &self.wanted.mode {
            return Some(wanted);
        }
        if self.planning { Some(mode::PLAN) } else { self.policy.as_ref().map(Policy::mode) }
    }

    pub fn is_planning(&self) -> bool {
        self.mode() == Some(mode::PLAN)
    }

    /// Where an approved plan is carried out.
    pub fn mode_after_planning(&self) -> &'static str {
        self.policy.as_ref().map_or("auto", Policy::mode)
    }

    pub fn configured(&self) -> Option<&Policy> {
        self.configured.as_ref()
    }

    pub fn want_model(&mut self, model: String) -> Event {
        self.wanted.model = Some(model.clone());
        Event::Model(model)
    }

    pub fn want_effort(&mut self, effort: String) -> Event {
        self.wanted.effort = Some(effort.clone());
        Event::Effort(effort)
    }

    pub fn want_mode(&mut self, mode: String) -> Event {
        let known = mode::find(&mode).is_some()
            || mode == mode::CONFIGURED
                && self.configured.as_ref().is_some_and(|policy| policy.mode() == mode::CONFIGURED);
        if !known {
            return Event::Notice { message: format!("Codex has no mode '{mode}': choose one of {}", mode::names()) };
        }
        self.wanted.mode = Some(mode.clone());
        Event::Mode(mode)
    }

    /// What the next turn asks for; it is to be [`Settings::taken`] when Codex has taken the turn.
    pub fn overrides(&self, directories: &[String]) -> (Map<String, Value>, Wanted) {
        let mut out = Map::new();
        let wanted = self.wanted.clone();
        if let Some(model) = &wanted.model {
            out.insert("model".to_owned(), json!(model));
        }
        if let Some(effort) = &wanted.effort {
            out.insert("effort".to_owned(), json!(effort));
        }
        if let Some(policy) = self.wanted_policy(directories) {
            out.insert("approvalPolicy".to_owned(), policy.approval);
            out.insert("sandboxPolicy".to_owned(), policy.sandbox);
        }
        let plans = self.is_planning();
        // A collaboration mode names the model and the effort, too.
        if plans != self.planning || plans && wanted != Wanted::default() {
            let mode = if plans { mode::PLAN } else { "default" };
            let settings =
                json!({"model": self.model(), "reasoning_effort": self.effort(), "developer_instructions": null});
            out.insert("collaborationMode".to_owned(), json!({"mode": mode, "settings": settings}));
        }
        (out, wanted)
    }

    fn wanted_policy(&self, directories: &[String]) -> Option<Policy> {
        let wanted = self.wanted.mode.as_deref()?;
        if wanted == mode::CONFIGURED {
            return self.configured.clone();
        }
        let before: Vec<&Policy> = [&self.policy, &self.configured].into_iter().flatten().collect();
        Policy::of(mode::find(wanted)?, &before, directories)
    }

    /// Codex has taken a turn with these.
    pub fn taken(&mut self, wanted: &Wanted, directories: &[String]) {
        if let Some(policy) = wanted.mode.is_some().then(|| self.wanted_policy(directories)).flatten() {
            self.policy = Some(policy);
        }
        if let Some(model) = &wanted.model {
            self.model.clone_from(model);
        }
        if let Some(effort) = &wanted.effort {
            self.effort = Some(effort.clone());
        }
        if let Some(mode) = &wanted.mode {
            self.planning = mode == mode::PLAN;
        }
        // What was wanted since then still is.
        let settled = |now: &mut Option<String>, then: &Option<String>| {
            if now == then {
                *now = None;
            }
        };
        settled(&mut self.wanted.model, &wanted.model);
        settled(&mut self.wanted.effort, &wanted.effort);
        settled(&mut self.wanted.mode, &wanted.mode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Settings {
        let mut settings = Settings::default();
        settings.opened(&json!({"model": "gpt-5.5", "approvalPolicy": "on-request", "sandbox": {"type": "readOnly",
            "networkAccess": false}, "reasoningEffort": null}));
        settings
    }

    #[test]
    fn what_was_set_goes_along_with_the_next_turn_and_then_stays() {
        let mut settings = opened();
        assert_eq!(settings.mode(), Some("read-only"));
        assert_eq!(settings.overrides(&[]).0, Map::new());
        assert_eq!(settings.want_mode("full-access".into()), Event::Mode("full-access".into()));
        settings.want_model("gpt-6".into());
        settings.want_effort("high".into());
        let (asked, wanted) = settings.overrides(&[]);
        assert_eq!(
            Value::Object(asked),
            json!({"model": "gpt-6", "effort": "high", "approvalPolicy": "never",
                "sandboxPolicy": {"type": "dangerFullAccess"}})
        );
        settings.want_effort("low".into());
        settings.taken(&wanted, &[]);
        assert_eq!(
            Value::Object(settings.overrides(&[]).0),
            json!({"effort": "low"}),
            "set after the turn was asked for"
        );
        assert_eq!((settings.model(), settings.mode()), ("gpt-6", Some("full-access")));
    }

    #[test]
    fn planning_is_begun_and_left() {
        let mut settings = opened();
        settings.want_mode(mode::PLAN.into());
        let (asked, wanted) = settings.overrides(&[]);
        let own = json!({"model": "gpt-5.5", "reasoning_effort": null, "developer_instructions": null});
        assert_eq!(Value::Object(asked), json!({"collaborationMode": {"mode": "plan", "settings": own}}));
        settings.taken(&wanted, &[]);
        assert!(settings.is_planning());
        assert_eq!(settings.mode_after_planning(), "read-only");
        settings.want_mode("auto".into());
        let (asked, _) = settings.overrides(&[]);
        assert_eq!(asked["collaborationMode"]["mode"], "default");
        assert_eq!(asked["approvalPolicy"], "on-request");
    }

    #[test]
    fn a_mode_that_is_none_changes_nothing() {
        let mut settings = opened();
        assert!(matches!(settings.want_mode("yolo".into()), Event::Notice { .. }));
        assert!(
            matches!(settings.want_mode(mode::CONFIGURED.into()), Event::Notice { .. }),
            "nothing else is configured"
        );
        assert_eq!(settings.overrides(&[]).0, Map::new());
    }

    #[test]
    fn codex_tells_of_changes_by_others() {
        let mut settings = opened();
        let events = settings.updated(&json!({"model": "o3", "effort": "low", "approvalPolicy": "never",
            "sandboxPolicy": {"type": "dangerFullAccess"}, "collaborationMode": {"mode": "default"}}));
        assert_eq!(events, [Event::Model("o3".into()), Event::Effort("low".into()), Event::Mode("full-access".into())]);
    }
}
