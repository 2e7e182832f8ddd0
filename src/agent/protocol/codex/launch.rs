//! The command line of `codex app-server`, and how a thread is opened as the user's options want it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::mode;
use crate::{
    agent::{
        protocol::Launch,
        stop::{Action, Signal, Step},
    },
    domain::{InvalidOptions, McpServer, Resume, StartOptions},
};

pub const SUBCOMMAND: &str = "app-server";

pub fn launch(options: &StartOptions) -> Launch {
    let named = options.config.command.iter().flatten().any(|word| word == SUBCOMMAND);
    let args = if named { Vec::new() } else { vec![SUBCOMMAND.to_owned()] };
    let ms = Duration::from_millis;
    // At the end of its input Codex 0.169.0 ends its commands and itself within a tenth of a second.
    let orphan_ladder =
        vec![Step::new(Action::Wait, ms(700)), Step::new(Action::Signal(Signal::Terminate), ms(500)), Step::kill()];
    Launch { args, env: Vec::new(), orphan_ladder }
}

/// What the user wants of the thread, as far as it is no matter of a single turn.
#[derive(Clone, Debug)]
pub struct Setup {
    pub cwd: String,
    pub resume: Result<Resume, InvalidOptions>,
    pub fork: bool,
    /// The transcript has the conversation already.
    pub history_known: bool,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// As the user wrote it; [`mode::find`] knows it or not.
    pub mode: Option<String>,
    limits_turns: bool,
    system_prompt: Option<String>,
    pub directories: Vec<String>,
    servers: Vec<McpServer>,
}

fn given(option: Option<&String>) -> Option<String> {
    option.filter(|text| !text.trim().is_empty()).cloned()
}

impl Setup {
    pub fn new(options: &StartOptions) -> Self {
        Self {
            cwd: options.cwd.to_string_lossy().into_owned(),
            resume: options.resume(),
            fork: options.fork,
            history_known: options.history_known,
            model: given(options.model.as_ref()),
            effort: given(options.effort.as_ref()),
            mode: given(options.permission_mode.as_ref()).or_else(|| given(options.mode.as_ref())),
            limits_turns: options.max_turns.is_some(),
            system_prompt: given(options.system_prompt.as_ref()),
            directories: options.additional_directories.clone(),
            servers: options.config.mcp_servers.clone(),
        }
    }

    /// What `thread/start`, `thread/resume` and `thread/fork` have in common. What nobody chose is left out, so that the
    /// user's config.toml holds. A thread that is taken up keeps its model, but not what it was allowed (0.169.0): the mode
    /// goes along with the first turn (see [`super::settings::Settings::begin_with`]).
    pub fn params(&self) -> Map<String, Value> {
        let mut params = Map::new();
        params.insert("cwd".to_owned(), json!(self.cwd));
        if let Some(model) = &self.model {
            params.insert("model".to_owned(), json!(model));
        }
        if !self.directories.is_empty() {
            // Besides the user's own `writable_roots`, which an override in `config` would replace.
            let roots: Vec<&String> = std::iter::once(&self.cwd).chain(&self.directories).collect();
            params.insert("runtimeWorkspaceRoots".to_owned(), json!(roots));
        }
        if let Some(prompt) = &self.system_prompt {
            params.insert("developerInstructions".to_owned(), json!(prompt));
        }
        params.insert("config".to_owned(), self.config());
        params
    }

    /// Codex lays these over its config.toml, table by table.
    fn config(&self) -> Value {
        // Without it 0.169.0 has no tool for a plan and never sends one.
        let mut config = json!({"tools": {"update_plan": {"enabled": true}}});
        if let Some(effort) = &self.effort {
            config["model_reasoning_effort"] = json!(effort);
        }
        if !self.servers.is_empty() {
            config["mcp_servers"] =
                self.servers.iter().map(|server| (server.name.clone(), one_server(server))).collect();
        }
        config
    }

    /// Sentences about what Codex cannot do for the options.
    pub fn refusals(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.limits_turns {
            out.push("Codex has no limit of turns: max_turns is left out".to_owned());
        }
        if let Some(mode) = self.mode.as_deref().filter(|mode| !mode::is_one(mode)) {
            out.push(format!("Codex has no mode '{mode}', its own default holds: choose one of {}", mode::names()));
        }
        for server in self.servers.iter().filter(|server| server.sse) {
            out.push(format!(
                "Codex reaches MCP servers by streamable HTTP only: {} may stay out of reach",
                server.name
            ));
        }
        out
    }
}

fn one_server(server: &McpServer) -> Value {
    match server.command.split_first() {
        Some((program, args)) => json!({"command": program, "args": args, "env": server.env}),
        None => json!({"url": server.url, "http_headers": server.headers}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    fn options() -> StartOptions {
        let id = SessionId::parse("s").expect("a valid id");
        StartOptions::new(id, "codex", ProviderConfig::default(), "/p".into())
    }

    #[test]
    fn the_server_is_named_once() {
        let mut options = options();
        assert_eq!(launch(&options).args, ["app-server"]);
        options.config.command = Some(vec!["npx".into(), "codex".into()]);
        assert_eq!(launch(&options).args, ["app-server"]);
        options.config.command = Some(vec!["codex".into(), "app-server".into(), "-c".into(), "x=1".into()]);
        assert_eq!(launch(&options).args, [""; 0]);
    }

    #[test]
    fn what_nobody_chose_is_left_to_codex() {
        let params = Value::Object(Setup::new(&options()).params());
        assert_eq!(params, json!({"cwd": "/p", "config": {"tools": {"update_plan": {"enabled": true}}}}));
    }

    #[test]
    fn every_option_reaches_the_thread() {
        let mut options = options();
        options.model = Some("gpt-5.5".into());
        options.effort = Some("high".into());
        options.permission_mode = Some("auto".into());
        options.mode = Some("plan".into());
        options.system_prompt = Some("Be brief".into());
        options.additional_directories = vec!["/other".into()];
        options.max_turns = Some(3);
        let server = |name: &str| McpServer { name: name.into(), ..McpServer::default() };
        options.config.mcp_servers = vec![
            McpServer {
                command: vec!["mcp".into(), "-x".into()],
                env: [("A".to_owned(), "b".to_owned())].into(),
                ..server("files")
            },
            McpServer { url: "http://x/mcp".into(), sse: true, ..server("web") },
        ];
        let setup = Setup::new(&options);
        assert_eq!(
            Value::Object(setup.params()),
            json!({"cwd": "/p", "model": "gpt-5.5",
                "runtimeWorkspaceRoots": ["/p", "/other"], "developerInstructions": "Be brief",
                "config": {"tools": {"update_plan": {"enabled": true}}, "model_reasoning_effort": "high",
                    "mcp_servers": {"files": {"command": "mcp", "args": ["-x"], "env": {"A": "b"}},
                        "web": {"url": "http://x/mcp", "http_headers": {}}}}})
        );
        assert_eq!(setup.refusals().len(), 2, "{:?}", setup.refusals());
        options.permission_mode = Some("yolo".into());
        let refusals = Setup::new(&options).refusals();
        assert!(refusals[1].contains("choose one of read-only"), "{refusals:?}");
    }
}
