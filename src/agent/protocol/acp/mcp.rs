//! The user's MCP servers as a session takes them, and a sentence for each that this agent cannot have.

use serde_json::{Value, json};

use super::agent::Agent;
use crate::domain::McpServer;

pub fn servers(servers: &[McpServer], agent: &Agent) -> (Vec<Value>, Vec<String>) {
    let (mut taken, mut sentences) = (Vec::new(), Vec::new());
    for server in servers {
        let named = |members: &std::collections::BTreeMap<String, String>| -> Vec<Value> {
            members.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
        };
        if let Some((program, args)) = server.command.split_first() {
            taken.push(json!({"name": server.name, "command": program, "args": args, "env": named(&server.env)}));
            continue;
        }
        let (kind, able) = if server.sse { ("sse", agent.sse) } else { ("http", agent.http) };
        if able {
            let headers = named(&server.headers);
            taken.push(json!({"type": kind, "name": server.name, "url": server.url, "headers": headers}));
        } else {
            let (title, name) = (&agent.title, &server.name);
            sentences.push(format!(
                "{title} takes no MCP server over {kind}: it works without {name}. Give mcp_servers.{name} a command, if there is one"
            ));
        }
    }
    (taken, sentences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_as_the_agent_takes_it_or_a_sentence_says_why_not() {
        let program = McpServer {
            name: "files".into(),
            command: vec!["mcp-files".into(), "/x".into()],
            env: [("A".to_owned(), "b".to_owned())].into(),
            ..McpServer::default()
        };
        let web = McpServer {
            name: "web".into(),
            url: "http://x/mcp".into(),
            headers: [("K".to_owned(), "v".to_owned())].into(),
            ..McpServer::default()
        };
        let old = McpServer { name: "old".into(), sse: true, ..web.clone() };
        let agent = Agent { title: "X".into(), http: true, ..Agent::default() };
        let (taken, sentences) = servers(&[program, web, old], &agent);
        assert_eq!(
            json!(taken),
            json!([
                {"name": "files", "command": "mcp-files", "args": ["/x"], "env": [{"name": "A", "value": "b"}]},
                {"type": "http", "name": "web", "url": "http://x/mcp", "headers": [{"name": "K", "value": "v"}]},
            ])
        );
        assert_eq!(sentences.len(), 1);
        assert!(sentences[0].contains("over sse: it works without old"), "{sentences:?}");
    }
}
