//! Every start option with every kind of agent: it reaches the agent, or a sentence says that it does not. The table is
//! that of the help.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Output, Protocol, registry};
use crate::{
    agent::{environment, lines::Frame, process::RunMark},
    domain::{Command, Event, Prompt, ProviderConfig, ResumeMode, SessionId, StartOptions},
};

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is in the command line, in the environment or in what is written.
    Sent,
    /// A sentence says that it is left out, or what is instead.
    Told,
    Lost,
}

type Set = fn(&mut StartOptions);

const OPTIONS: [(&str, Set); 15] = [
    ("cwd", |options| options.cwd = "/other".into()),
    ("model", |options| options.model = Some("big".into())),
    ("effort", |options| options.effort = Some("high".into())),
    ("mode", |options| options.mode = Some("plan".into())),
    ("permission_mode", |options| options.permission_mode = Some("plan".into())),
    ("system_prompt", |options| options.system_prompt = Some("Be brief".into())),
    ("max_turns", |options| options.max_turns = Some(3)),
    ("add_dir", |options| options.additional_directories = vec!["/more".into()]),
    ("config_dir", |options| options.config_dir = Some("/account".into())),
    ("extra_env", |options| {
        options.extra_env.insert("A".into(), "b".into());
    }),
    ("resume_mode=continue", |options| options.resume_mode = ResumeMode::Continue),
    ("resume", |options| options.resume_session_id = Some("c".into())),
    ("fork", |options| {
        options.resume_session_id = Some("c".into());
        options.fork = true;
    }),
    ("mcp_servers", |options| {
        let server =
            crate::domain::McpServer { name: "files".into(), command: vec!["mcp".into()], ..Default::default() };
        options.config.mcp_servers = vec![server];
    }),
    ("prompt", |options| options.prompt = Some(Prompt::new("another"))),
];

/// A kind of agent, by what it is configured as and what it answers.
struct Kind {
    protocol: &'static str,
    config_env: &'static str,
    answers: fn(&str) -> Option<Value>,
}

/// Its answers say that it can do everything.
const ACP: Kind = Kind {
    protocol: "acp",
    config_env: "",
    answers: |method| match method {
        "initialize" => Some(json!({"protocolVersion": 1, "agentInfo": {"name": "x"}, "agentCapabilities": {
            "loadSession": true, "_meta": {"claudeCode": {}},
            "sessionCapabilities": {"list": {}, "resume": {}, "fork": {}, "additionalDirectories": {}}}})),
        "session/list" => Some(json!({"sessions": [{"sessionId": "c", "cwd": "/p"}]})),
        "session/new" | "session/load" | "session/resume" | "session/fork" => Some(json!({"sessionId": "c",
            "modes": {"currentModeId": "ask", "availableModes": [{"id": "ask"}, {"id": "plan"}]},
            "models": {"currentModelId": "small", "availableModels": [{"modelId": "small"}, {"modelId": "big"}]},
            "configOptions": [{"id": "effort", "name": "Effort", "category": "thought_level", "type": "select",
                "currentValue": "low", "options": [{"value": "low", "name": "Low"}, {"value": "high", "name": "High"}]}]})),
        _ => Some(json!({})),
    },
};

/// And that it can do nothing.
const PLAIN_ACP: Kind = Kind {
    answers: |method| match method {
        "initialize" => Some(json!({"protocolVersion": 1, "agentCapabilities": {}})),
        "session/new" => Some(json!({"sessionId": "c"})),
        _ => Some(json!({})),
    },
    ..ACP
};

const CLAUDE: Kind = Kind { protocol: "claude", config_env: "CLAUDE_CONFIG_DIR", answers: |_| None };

const CODEX: Kind = Kind {
    protocol: "codex",
    config_env: "CODEX_HOME",
    answers: |method| match method {
        "initialize" => Some(json!({})),
        "thread/list" => Some(json!({"data": [{"id": "c"}]})),
        "thread/read" => Some(json!({"thread": {"id": "c", "model": "small"}})),
        "thread/start" | "thread/resume" | "thread/fork" => Some(json!({"thread": {"id": "t"}, "model": "small",
            "modelProvider": "mock", "approvalPolicy": "on-request", "sandbox": {"type": "workspaceWrite"}})),
        _ => None,
    },
};

const RUNNER: Kind = Kind { protocol: "sidecar", config_env: "", answers: |_| None };

/// All that an agent gets of the options, and all that the user is told.
fn exchange(kind: &Kind, set: Set) -> (Vec<String>, Vec<String>) {
    let id = SessionId::parse("s").expect("an id");
    let config = ProviderConfig {
        protocol: kind.protocol.into(),
        command: Some(vec!["x".into()]),
        config_env: kind.config_env.into(),
        ..ProviderConfig::default()
    };
    let mut options = StartOptions::new(id, "x", config, "/p".into());
    set(&mut options);
    let row = registry::find(kind.protocol).expect("a protocol");
    if options.fork && !row.told_fork {
        return (Vec::new(), vec!["it is not started".to_owned()]);
    }
    let launch = (row.launch)(&options);
    let run = RunMark::parse("1-2-3-4").expect("a mark");
    let environment = environment::build(&options, &launch, &run);
    let mut told = environment.warnings("x");
    let mut sent = launch.args;
    sent.push(options.cwd.display().to_string());
    sent.extend(environment.vars.iter().map(|(name, value)| format!("{name}={value}")));
    let mut protocol = (row.build)(&options, Uuid::nil());
    let mut outputs = vec![protocol.start()];
    let prompt = options.prompt.clone().unwrap_or_else(|| Prompt::new("go"));
    outputs.push(protocol.command(Command::Prompt(prompt)));
    while let Some(output) = outputs.pop() {
        read(output, kind, protocol.as_mut(), &mut outputs, &mut sent, &mut told);
    }
    (sent, told)
}

fn read(
    output: Output,
    kind: &Kind,
    protocol: &mut dyn Protocol,
    outputs: &mut Vec<Output>,
    sent: &mut Vec<String>,
    told: &mut Vec<String>,
) {
    told.extend(output.events.into_iter().filter_map(|event| match event {
        Event::Notice { message } | Event::Failed { message } => Some(message),
        _ => None,
    }));
    for line in output.writes {
        let value: Value = serde_json::from_slice(&line).expect("a line of JSON");
        sent.push(value.to_string());
        let answer = value["method"].as_str().and_then(kind.answers);
        if let (Some(answer), true) = (answer, value["id"].is_number()) {
            let answer = json!({"jsonrpc": "2.0", "id": value["id"], "result": answer});
            outputs.push(protocol.receive(Frame::Line(answer.to_string())));
        }
    }
}

fn fate(kind: &Kind, set: Set) -> Fate {
    let (sent, told) = exchange(kind, set);
    let (before, known) = exchange(kind, |_| {});
    if told.len() > known.len() {
        Fate::Told
    } else if sent != before {
        Fate::Sent
    } else {
        Fate::Lost
    }
}

/// The row of the help: a word for each kind of agent.
fn helped(option: &str) -> Vec<Fate> {
    const HELP: &str = include_str!("../../../doc/agor.txt");
    let table = HELP.split("*agor-options*").nth(1).expect("the table");
    let row = table.lines().find(|line| line.split_whitespace().next() == Some(option));
    let row = row.unwrap_or_else(|| panic!("{option} has no row"));
    let fate = |word: &str| match word {
        "yes" => Fate::Sent,
        "no" => Fate::Told,
        other => panic!("{option}: {other}"),
    };
    row.split_whitespace().skip(1).map(fate).collect()
}

#[test]
fn the_help_says_what_becomes_of_every_option() {
    let kinds = [CLAUDE, CODEX, ACP, PLAIN_ACP, RUNNER];
    let found = OPTIONS.map(|(option, set)| (option, kinds.iter().map(|kind| fate(kind, set)).collect::<Vec<_>>()));
    let helped = OPTIONS.map(|(option, _)| {
        let mut row = helped(option);
        // The embedded runner of Ollama takes what every runner is sent: its own tests say what it makes of that.
        row.remove(4);
        (option, row)
    });
    assert_eq!(found, helped);
}
