//! The user's MCP servers as Claude Code takes them, and what became of them.

use serde_json::{Map, Value, json};

use crate::{agent::json::one_line, domain::McpServer};

/// How much of a server's error is shown.
const ERROR_LIMIT: usize = 200;

/// The `servers` of `mcp_set_servers`, by name.
pub fn servers(servers: &[McpServer]) -> Value {
    let all: Map<String, Value> = servers.iter().map(|server| (server.name.clone(), one(server))).collect();
    Value::Object(all)
}

fn one(server: &McpServer) -> Value {
    match server.command.split_first() {
        Some((program, args)) => json!({"type": "stdio", "command": program, "args": args, "env": server.env}),
        None => {
            let kind = if server.sse { "sse" } else { "http" };
            json!({"type": kind, "url": server.url, "headers": server.headers})
        }
    }
}

/// A sentence for each that could not be reached. Claude Code goes on without them.
pub fn failed(response: &Value) -> Vec<String> {
    let errors = response.get("errors").and_then(Value::as_object);
    let sentence = |(name, error): (&String, &Value)| {
        let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        format!("Claude Code works without the MCP server {name}: {}", one_line(&error, ERROR_LIMIT))
    };
    errors.into_iter().flatten().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_program_or_an_address() {
        let program = McpServer {
            name: "files".into(),
            command: vec!["mcp-files".into(), "/x".into()],
            env: [("A".to_owned(), "b".to_owned())].into(),
            ..McpServer::default()
        };
        let web = McpServer { name: "web".into(), url: "http://x/mcp".into(), ..McpServer::default() };
        let old = McpServer { name: "old".into(), sse: true, ..web.clone() };
        assert_eq!(
            servers(&[program, web, old]),
            json!({
                "files": {"type": "stdio", "command": "mcp-files", "args": ["/x"], "env": {"A": "b"}},
                "web": {"type": "http", "url": "http://x/mcp", "headers": {}},
                "old": {"type": "sse", "url": "http://x/mcp", "headers": {}},
            })
        );
    }

    #[test]
    fn those_that_failed_are_named() {
        // As Claude Code 2.1.197 answers.
        let response = json!({"added": ["echo", "bad"], "removed": [], "errors": {"bad": "ENOENT:\nno such file"}});
        assert_eq!(failed(&response), ["Claude Code works without the MCP server bad: ENOENT:…"]);
        for nothing in [json!({"added": ["echo"], "errors": {}}), json!({"errors": 7}), Value::Null] {
            assert_eq!(failed(&nothing), Vec::<String>::new());
        }
    }
}
