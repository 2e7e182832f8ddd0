//! How a session is to be started, as the editor asks for it: paths, environment and configuration travel in the
//! request and never come from the backend's own process.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{command::Prompt, id::SessionId};

/// One configured agent, presets already merged with the user's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderConfig {
    /// The row of the protocol registry: `sidecar`, `claude`, …
    pub protocol: String,
    /// Program and arguments; `None` means "find the runner". `<binary>` stands for the backend itself.
    pub command: Option<Vec<String>>,
    /// Trusted: any key, after the stripping.
    pub env: BTreeMap<String, String>,
    /// Names, with `*` for any rest, that pass the stripping.
    pub pass_env: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeMode {
    #[default]
    New,
    Continue,
    Resume,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartOptions {
    pub session_id: SessionId,
    pub provider: String,
    pub config: ProviderConfig,
    /// Absolute; must exist.
    pub cwd: PathBuf,
    /// The editor's environment at the moment of the start.
    #[serde(default)]
    pub environ: BTreeMap<String, String>,
    /// Where runners are looked for after `AGOR_ROOT`; the plugin's own folder is the last of them.
    #[serde(default)]
    pub runner_roots: Vec<PathBuf>,
    #[serde(default)]
    pub prompt: Option<Prompt>,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub mode: Option<String>,
    #[serde(default)]
    pub system_prompt: Option<String>,
    #[serde(default)]
    pub max_turns: Option<u64>,
    #[serde(default)]
    pub permission_mode: Option<String>,
    #[serde(default)]
    pub claude_config_dir: Option<String>,
    #[serde(default)]
    pub extra_env: BTreeMap<String, String>,
    #[serde(default)]
    pub additional_directories: Vec<String>,
    #[serde(default)]
    pub worktree_name: Option<String>,
    #[serde(default)]
    pub resume_mode: ResumeMode,
    /// The agent's own session id.
    #[serde(default)]
    pub resume_session_id: Option<String>,
}

impl StartOptions {
    /// The fewest options that can start: for tests and for filling in the rest.
    pub fn new(session_id: SessionId, provider: &str, config: ProviderConfig, cwd: PathBuf) -> Self {
        Self {
            session_id,
            provider: provider.to_owned(),
            config,
            cwd,
            environ: BTreeMap::new(),
            runner_roots: Vec::new(),
            prompt: None,
            model: None,
            mode: None,
            system_prompt: None,
            max_turns: None,
            permission_mode: None,
            claude_config_dir: None,
            extra_env: BTreeMap::new(),
            additional_directories: Vec::new(),
            worktree_name: None,
            resume_mode: ResumeMode::New,
            resume_session_id: None,
        }
    }
}
