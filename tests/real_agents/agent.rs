//! The agents as rows: what each needs to meet a mock of its model server, and what it can do there.

use std::path::PathBuf;

use crate::mock::Server;

/// Stands for the mock's address in `env` and `files`.
pub const URL: &str = "$MOCK";

pub struct Agent {
    /// The provider's name; its preset is used.
    pub name: &'static str,
    pub server: Server,
    /// The provider's `env`, without the key.
    pub env: &'static [(&'static str, &'static str)],
    /// The variable with its key.
    pub key: Option<(&'static str, &'static str)>,
    /// Below the home directory.
    pub files: &'static [(&'static str, &'static str)],
    /// `key=value` words of `:AgorStart` with which it asks before it runs a command, if it does not by itself.
    pub asking: &'static str,
    /// A mode that it does not begin in, and that is no danger.
    pub other_mode: &'static str,
    /// The scenario by which its model runs a command that it asks about.
    pub shell: &'static str,
    /// What a command prints is told to us.
    pub shows_output: bool,
    /// A command that runs ends with the turn.
    pub ends_commands: bool,
    /// Where it keeps its conversations, below the home directory, as a glob.
    pub conversations: &'static str,
    /// The pattern and the replacement, as of `substitute()`, by which their files look like those of an earlier time.
    pub aged: Option<(&'static str, &'static str)>,
    /// Its words for one prompt in a terminal, without its name; for those whose own conversations are found on disk.
    pub terminal: &'static [&'static str],
    /// The variable by which it has another directory for what it keeps in `conversations`' first folder.
    pub account: Option<&'static str>,
}

/// Whatever would leave the loopback is refused.
pub const OFFLINE: &[(&str, &str)] =
    &[("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1")];

pub const CLAUDE: Agent = Agent {
    name: "claude",
    server: Server::Anthropic,
    env: &[
        ("ANTHROPIC_BASE_URL", URL),
        ("DISABLE_TELEMETRY", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        // As root it bypasses no permissions but in a sandbox.
        ("IS_SANDBOX", "1"),
    ],
    key: Some(("ANTHROPIC_API_KEY", "test-key")),
    files: &[],
    asking: "",
    other_mode: "plan",
    shell: "bash",
    shows_output: true,
    ends_commands: true,
    conversations: ".claude/projects/*/*.jsonl",
    aged: None,
    terminal: &["-p"],
    account: Some("CLAUDE_CONFIG_DIR"),
};

pub const CODEX: Agent = Agent {
    name: "codex",
    server: Server::Models,
    env: &[],
    key: Some(("MOCK_API_KEY", "k")),
    files: &[(
        ".codex/config.toml",
        r#"model = "mock-model"
model_provider = "mock"
check_for_update_on_startup = false
[model_providers.mock]
name = "Mock"
base_url = "$MOCK/v1"
wire_api = "responses"
env_key = "MOCK_API_KEY"
request_max_retries = 1
stream_max_retries = 1
[tools]
update_plan = { enabled = true }
[analytics]
enabled = false
"#,
    )],
    asking: "",
    other_mode: "ask",
    // What stays in the sandbox is not asked about.
    shell: "escalated",
    shows_output: true,
    ends_commands: true,
    conversations: ".codex/sessions/*/*/*/*.jsonl",
    aged: None,
    terminal: &["exec", "--skip-git-repo-check"],
    account: Some("CODEX_HOME"),
};

pub const GEMINI: Agent = Agent {
    name: "gemini",
    server: Server::Models,
    env: &[("GOOGLE_GEMINI_BASE_URL", URL), ("GEMINI_CLI_NO_RELAUNCH", "true")],
    key: Some(("GEMINI_API_KEY", "k")),
    files: &[(
        ".gemini/settings.json",
        r#"{
  "security": { "auth": { "selectedType": "gemini-api-key" } },
  "general": { "disableAutoUpdate": true },
  "privacy": { "usageStatisticsEnabled": false },
  "telemetry": { "enabled": false }
}"#,
    )],
    asking: "",
    other_mode: "plan",
    shell: "bash",
    // 0.61.0 keeps to itself what a command that went well has printed.
    shows_output: false,
    ends_commands: true,
    conversations: ".gemini/tmp/*/chats/*.jsonl",
    // 0.61.0 names the file of a conversation by the minute, and empties it when it is loaded in the one in which it began.
    aged: Some(("session-[0-9T-]*", "session-2026-01-01T00-00")),
    terminal: &[],
    account: None,
};

pub const OPENCODE: Agent = Agent {
    name: "opencode",
    server: Server::Models,
    env: &[
        ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
        ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ],
    key: None,
    files: &[(
        "config/opencode/opencode.json",
        r#"{
  "model": "mock/mock-model",
  "small_model": "mock/mock-model",
  "autoupdate": false,
  "share": "disabled",
  "permission": { "edit": "ask", "bash": "ask", "webfetch": "ask" },
  "provider": {
    "mock": {
      "npm": "@ai-sdk/openai-compatible",
      "name": "Mock",
      "options": { "baseURL": "$MOCK/v1", "apiKey": "k" },
      "models": {
        "mock-model": {
          "name": "Mock",
          "tool_call": true,
          "reasoning": true,
          "limit": { "context": 100000, "output": 8000 }
        }
      }
    }
  }
}"#,
    )],
    asking: "",
    other_mode: "plan",
    shell: "bash",
    shows_output: true,
    ends_commands: true,
    conversations: "data/opencode/opencode.db*",
    aged: None,
    terminal: &[],
    account: None,
};

/// Over the same mock as Claude Code, which is inside of it.
pub const CLAUDE_AGENT_ACP: Agent = Agent { name: "claude-agent-acp", ..CLAUDE };

/// Its own Codex is inside of it.
pub const CODEX_ACP: Agent = Agent {
    name: "codex-acp",
    // Its own default lets a model review what it does, and never asks the user.
    asking: "mode=read-only",
    other_mode: "workspace-write",
    // 2.6.0 goes on with a running command in the background of its process, and tells no client of it.
    ends_commands: false,
    ..CODEX
};

impl Agent {
    /// `env`, what keeps it offline, and a key, with the mock's address in it.
    pub fn environment(&self, url: &str, key: Option<(&'static str, &'static str)>) -> Vec<(String, String)> {
        let all = OFFLINE.iter().chain(self.env).chain(&key);
        all.map(|(name, value)| ((*name).to_owned(), value.replace(URL, url))).collect()
    }
}

/// Where the agents' programs are.
pub fn programs() -> PathBuf {
    PathBuf::from(std::env::var_os("AGOR_AGENTS").expect("AGOR_AGENTS names the agents' programs: run `make agents`"))
}

pub fn program(name: &str) -> PathBuf {
    let program = programs().join(name);
    assert!(program.exists(), "{} is missing: run `make agents`", program.display());
    program
}

/// The editor's `PATH`: the agents' programs first.
pub fn path() -> String {
    format!("{}:{}", programs().display(), std::env::var("PATH").expect("there is a PATH"))
}
