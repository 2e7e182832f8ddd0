//! What a session was started with and goes on with after a restart, in its journal's first line.
//!
//! Values of its extra environment may be secrets: their names alone are kept.

use serde::{Deserialize, Serialize};

use crate::domain::StartOptions;

/// A longer one would hide what lists look for in the first line.
const LONGEST: usize = 16 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claude_config_dir: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_directories: Vec<String>,
    /// Names of variables whose values are not kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_env: Vec<String>,
    /// The system prompt is too long to be kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub long_prompt: bool,
}

impl Kept {
    pub fn of(options: &StartOptions) -> Self {
        let prompt = options.system_prompt.clone();
        let long_prompt = prompt.as_ref().is_some_and(|prompt| prompt.len() > LONGEST);
        Self {
            system_prompt: prompt.filter(|_| !long_prompt),
            max_turns: options.max_turns,
            config_dir: options.config_dir.clone(),
            claude_config_dir: options.claude_config_dir.clone(),
            additional_directories: options.additional_directories.clone(),
            extra_env: options.extra_env.keys().cloned().collect(),
            long_prompt,
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Where nobody has said otherwise. The answer is a sentence about what is missing.
    pub fn give(self, options: &mut StartOptions) -> Option<String> {
        let Self { system_prompt, max_turns, config_dir, claude_config_dir, additional_directories, .. } = self;
        let mut missing: Vec<String> =
            self.extra_env.into_iter().filter(|name| !options.extra_env.contains_key(name)).collect();
        if self.long_prompt && options.system_prompt.is_none() {
            missing.push("its long system prompt".to_owned());
        }
        options.system_prompt = options.system_prompt.take().or(system_prompt);
        options.max_turns = options.max_turns.or(max_turns);
        options.config_dir = options.config_dir.take().or(config_dir);
        options.claude_config_dir = options.claude_config_dir.take().or(claude_config_dir);
        if options.additional_directories.is_empty() {
            options.additional_directories = additional_directories;
        }
        (!missing.is_empty()).then(|| format!("It goes on without {}, which journals do not keep", missing.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    fn options() -> StartOptions {
        let id = SessionId::parse("s").expect("a good id");
        StartOptions::new(id, "demo", ProviderConfig::default(), "/".into())
    }

    #[test]
    fn a_session_goes_on_with_what_it_was_started_with() {
        let mut started = options();
        started.system_prompt = Some("Be brief".into());
        started.max_turns = Some(3);
        started.config_dir = Some("/account".into());
        started.claude_config_dir = Some("/claude".into());
        started.additional_directories = vec!["/more".into()];
        let line = serde_json::to_string(&Kept::of(&started)).expect("JSON");
        let kept: Kept = serde_json::from_str(&line).expect("JSON");
        let mut taken = options();
        assert_eq!(kept.clone().give(&mut taken), None);
        assert_eq!(taken, started);
        taken.max_turns = Some(7);
        assert_eq!(kept.give(&mut taken), None);
        assert_eq!(taken.max_turns, Some(7), "what is said now wins");
    }

    #[test]
    fn what_is_secret_or_too_long_is_named_and_not_kept() {
        let mut started = options();
        started.extra_env.insert("TOKEN".into(), "a secret".into());
        started.system_prompt = Some("x".repeat(LONGEST + 1));
        let line = serde_json::to_string(&Kept::of(&started)).expect("JSON");
        assert!(!line.contains("secret") && line.len() < 200, "{line}");
        let kept: Kept = serde_json::from_str(&line).expect("JSON");
        let said = kept.give(&mut options());
        assert_eq!(
            said.as_deref(),
            Some("It goes on without TOKEN, its long system prompt, which journals do not keep")
        );
        assert!(Kept::of(&options()).is_empty());
    }
}
