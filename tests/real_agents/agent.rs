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
    /// The scenario by which its model runs a command that it asks about.
    pub shell: &'static str,
    /// Where it keeps its conversations, below the home directory, as a glob.
    pub conversations: &'static str,
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
    shell: "bash",
    conversations: ".claude/projects/*/*.jsonl",
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
    // What stays in the sandbox is not asked about.
    shell: "escalated",
    conversations: ".codex/sessions/*/*/*/*.jsonl",
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
