//! How a session is to be started, as the editor asks for it: paths, environment and configuration travel in the
//! request and never come from the backend's own process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    command::Prompt,
    id::SessionId,
    place::{self, Paths},
    policy::Policy,
};

/// One configured agent, presets already merged with the user's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderConfig {
    /// The row of the protocol registry: `sidecar`, `claude`, …
    pub protocol: String,
    /// Program and arguments; `None` means "find the runner". `<binary>` stands for the backend itself.
    pub command: Option<Vec<String>>,
    /// A command that leads to where the agent is: `ssh host`, `docker exec -i box`. Its own words alone.
    pub wrap: Vec<String>,
    /// Whether it joins the words behind it for a shell to part, if that is not known of it.
    pub wrap_shell: Option<bool>,
    /// The directories here that are there too.
    pub paths: Paths,
    /// Trusted: any key, after the stripping.
    pub env: BTreeMap<String, String>,
    /// Names, with `*` for any rest, that pass the stripping.
    pub pass_env: Vec<String>,
    /// Names that it may need and that the stripping keeps from it; `None` if nobody said.
    pub needs: Option<Vec<String>>,
    /// The user's own, passed on to agents that take them from their host.
    pub mcp_servers: Vec<McpServer>,
    /// The variable that names the directory of its configuration; empty: none that is known.
    pub config_env: String,
    /// What people call the agent, for the sentence about a missing one; empty: its program's name.
    pub title: String,
    /// How to get it, as a command line; empty if nobody said.
    pub install: String,
    /// Seconds of a turn in which it may neither say nor do anything until it is taken to be stalled; `None`: any.
    pub watchdog: Option<u64>,
    /// Where else its program may lie than on the `PATH`. `~/` begins one below the home directory.
    pub also: Vec<String>,
    /// What its program reads of the opened project by itself and obeys: the user is asked before that. Below the session's
    /// directory and those above it up to the top of the repository; what begins with `../` in all above it; what ends with
    /// `/` is a folder with all that is in it, and `*` any rest of a name.
    pub trust_files: Vec<String>,
    /// The arguments with which it reads none of them; `None` if it cannot be kept from them.
    pub untrusted: Option<Vec<String>>,
}

impl ProviderConfig {
    /// The agent is a part of the backend.
    pub fn is_embedded(&self) -> bool {
        self.command.iter().flatten().next().is_some_and(|program| program == "<binary>")
    }
}

/// A server of tools for the agent: a program, or an address. The values of `env` and `headers` are secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct McpServer {
    pub name: String,
    /// Program and arguments of one that is started by the agent and speaks over its stdio; else empty.
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Of one that is reached by HTTP; else empty.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// The address speaks the older transport of server-sent events.
    pub sse: bool,
}

/// How a session's own git worktree is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorktreeOptions {
    /// Where, with `{repository}`, the top of the repository, `{project}`, its name, and `{name}`, that of the worktree;
    /// what is not absolute is below the top.
    pub directory: String,
    /// The very place: somebody has worked it out already.
    pub path: Option<PathBuf>,
    /// Of its branch, with `{name}`.
    pub branch: String,
    /// What a new branch begins from; empty: what is checked out where the session is started.
    pub base: String,
    /// Files that git ignores and that come along, as a line of a `.gitignore` names them.
    pub copy: Vec<String>,
    pub submodules: bool,
}

impl Default for WorktreeOptions {
    fn default() -> Self {
        Self {
            directory: "{repository}.worktrees/{name}".to_owned(),
            path: None,
            branch: "agor/{name}".to_owned(),
            base: String::new(),
            copy: Vec::new(),
            submodules: false,
        }
    }
}

/// What was said in another conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedFrom {
    /// Of a journal, or of where an agent keeps it.
    pub path: PathBuf,
    /// Of that agent; empty for a journal.
    #[serde(default)]
    pub protocol: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeMode {
    /// Nobody said: a new conversation, or, with an id, that one.
    #[default]
    Unset,
    New,
    Continue,
    Resume,
}

/// Which conversation a session begins with: the resume options in agreement with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    New,
    /// The agent's newest in the directory.
    Continue,
    /// The one with the agent's own id.
    Id(String),
}

/// Options that contradict each other; displayed, it says which and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    #[error("resume_mode \"resume\" needs resume_session_id, the agent's own id of the conversation")]
    ResumeWithoutId,
    #[error("resume_session_id goes with resume_mode \"resume\" only, not with \"{0}\": leave one of them out")]
    IdWithoutResume(&'static str),
    #[error("max_turns must be at least 1")]
    NoTurns,
    #[error("cwd must be an absolute path, not \"{0}\"")]
    RelativeDirectory(String),
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
    /// Unix milliseconds, by the clock of whoever asks for the start; its order is that of the requests.
    #[serde(default)]
    pub started_at: Option<i64>,
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
    /// Where the agent, whichever it is, has its configuration and its account.
    #[serde(default)]
    pub config_dir: Option<String>,
    #[serde(default)]
    pub extra_env: BTreeMap<String, String>,
    #[serde(default)]
    pub additional_directories: Vec<String>,
    /// It is to work in a git worktree of that name. An agent is told the name only where we can make none.
    #[serde(default)]
    pub worktree_name: Option<String>,
    #[serde(default)]
    pub worktree: WorktreeOptions,
    #[serde(default)]
    pub resume_mode: ResumeMode,
    /// The agent's own session id.
    #[serde(default)]
    pub resume_session_id: Option<String>,
    /// What is resumed is copied, and the copy goes on.
    #[serde(default)]
    pub fork: bool,
    /// A conversation whose transcript goes along with the first prompt.
    #[serde(default)]
    pub seed: Option<SeedFrom>,
    #[serde(default)]
    pub effort: Option<String>,
    /// What the user forbids, wants to be asked about, and allows.
    #[serde(default)]
    pub policy: Arc<Policy>,
    /// Takes up a session of ours whose journal is there: after a restart of the backend.
    #[serde(default)]
    pub restore: bool,
    /// The session's transcript has the conversation that is resumed: an agent that could tell it need not.
    #[serde(skip)]
    pub history_known: bool,
    /// The mark of the run before elsewhere: what is left of it ends before the next one begins.
    #[serde(skip)]
    pub earlier_run: Option<String>,
    /// These are the options as an agent elsewhere sees them, and it works on other files than ours.
    #[serde(skip)]
    pub files_elsewhere: bool,
}

impl StartOptions {
    /// What can be seen from the options alone; whether the directory exists is asked where the agent is started.
    pub fn validate(&self) -> Result<(), InvalidOptions> {
        self.resume()?;
        if self.max_turns == Some(0) {
            return Err(InvalidOptions::NoTurns);
        }
        if !self.cwd.is_absolute() {
            return Err(InvalidOptions::RelativeDirectory(self.cwd.to_string_lossy().into_owned()));
        }
        Ok(())
    }

    /// The worktree that it is to have.
    pub fn wanted_worktree(&self) -> Option<&str> {
        self.worktree_name.as_deref().map(str::trim).filter(|name| !name.is_empty())
    }

    /// The conversation to begin with. An id alone means that one; an empty id is none.
    pub fn resume(&self) -> Result<Resume, InvalidOptions> {
        let id = self.resume_session_id.as_deref().filter(|id| !id.is_empty());
        match (self.resume_mode, id) {
            (ResumeMode::Unset | ResumeMode::Resume, Some(id)) => Ok(Resume::Id(id.to_owned())),
            (ResumeMode::Unset | ResumeMode::New, None) => Ok(Resume::New),
            (ResumeMode::Continue, None) => Ok(Resume::Continue),
            (ResumeMode::Resume, None) => Err(InvalidOptions::ResumeWithoutId),
            (ResumeMode::New, Some(_)) => Err(InvalidOptions::IdWithoutResume("new")),
            (ResumeMode::Continue, Some(_)) => Err(InvalidOptions::IdWithoutResume("continue")),
        }
    }

    /// The agent runs behind a wrapper that leads to another machine, or into a container.
    pub fn is_elsewhere(&self) -> bool {
        place::leads_away(&self.config.wrap)
    }

    /// Whether what the agent works on is here, under whatever name it is known there: otherwise files of the same name
    /// are others.
    pub fn files_are_here(&self) -> bool {
        !self.files_elsewhere && (!self.is_elsewhere() || self.config.paths.cover(&self.cwd))
    }

    /// The fewest options that can start: for tests and for filling in the rest.
    pub fn new(session_id: SessionId, provider: &str, config: ProviderConfig, cwd: PathBuf) -> Self {
        Self {
            session_id,
            provider: provider.to_owned(),
            config,
            cwd,
            environ: BTreeMap::new(),
            started_at: None,
            runner_roots: Vec::new(),
            prompt: None,
            model: None,
            mode: None,
            system_prompt: None,
            max_turns: None,
            permission_mode: None,
            claude_config_dir: None,
            config_dir: None,
            extra_env: BTreeMap::new(),
            additional_directories: Vec::new(),
            worktree_name: None,
            worktree: WorktreeOptions::default(),
            resume_mode: ResumeMode::Unset,
            resume_session_id: None,
            fork: false,
            seed: None,
            effort: None,
            policy: Arc::default(),
            restore: false,
            history_known: false,
            earlier_run: None,
            files_elsewhere: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> StartOptions {
        let id = SessionId::parse("s1").expect("a session id");
        StartOptions::new(id, "x", ProviderConfig::default(), PathBuf::from("/project"))
    }

    #[track_caller]
    fn check(mode: &str, id: Option<&str>, expect: Result<Resume, &str>) {
        let mut options = options();
        options.resume_mode = serde_json::from_value(mode.into()).expect("a resume mode");
        options.resume_session_id = id.map(str::to_owned);
        assert_eq!(options.resume().map_err(|e| e.to_string()), expect.map_err(str::to_owned));
        assert_eq!(options.validate().is_ok(), options.resume().is_ok());
    }

    #[test]
    fn resume_options_must_agree() {
        check("unset", None, Ok(Resume::New));
        check("unset", Some("abc"), Ok(Resume::Id("abc".into())));
        check("unset", Some(""), Ok(Resume::New));
        check("new", None, Ok(Resume::New));
        check("continue", None, Ok(Resume::Continue));
        check("resume", Some("abc"), Ok(Resume::Id("abc".into())));
        check(
            "resume",
            None,
            Err("resume_mode \"resume\" needs resume_session_id, the agent's own id of the conversation"),
        );
        for mode in ["new", "continue"] {
            let sentence = format!(
                "resume_session_id goes with resume_mode \"resume\" only, not with \"{mode}\": leave one of them out"
            );
            check(mode, Some("abc"), Err(&sentence));
        }
    }

    #[test]
    fn a_mode_that_nobody_gave_is_unset() {
        let options: StartOptions = serde_json::from_value(serde_json::json!({
            "session_id": "s1", "provider": "x", "config": {}, "cwd": "/project", "resume_session_id": "abc"
        }))
        .expect("the fewest options");
        assert_eq!(options.resume(), Ok(Resume::Id("abc".into())));
    }

    #[test]
    fn zero_turns_and_a_relative_directory_are_errors() {
        let mut no_turns = options();
        no_turns.max_turns = Some(0);
        assert_eq!(no_turns.validate(), Err(InvalidOptions::NoTurns));
        let mut relative = options();
        relative.cwd = PathBuf::from("project");
        assert_eq!(relative.validate(), Err(InvalidOptions::RelativeDirectory("project".into())));
    }
}
