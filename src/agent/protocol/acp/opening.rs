//! How a conversation begins: a new one, one that is taken up, or a copy of one, by what the agent can do.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    agent::{Agent, SystemPrompt},
    mcp,
    settings::Role,
};
use crate::domain::{McpServer, Resume, StartOptions};

/// What the user wants of the session, as far as the agent is to be told.
#[derive(Clone, Debug)]
pub struct Wish {
    pub cwd: String,
    directories: Vec<String>,
    servers: Vec<McpServer>,
    system_prompt: Option<String>,
    max_turns: Option<u64>,
    pub resume: Resume,
    fork: bool,
    /// The files are ours too: the agent may ask for them.
    pub files: bool,
    /// The transcript has the conversation already.
    pub history_known: bool,
    /// What is to be set before the first prompt.
    pub settings: Vec<(Role, String)>,
}

/// The request that opens the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub method: &'static str,
    pub params: Value,
    /// The conversation that it is about; `None` for a new one.
    pub id: Option<String>,
    /// What the agent tells of the past is news for the transcript.
    pub history: bool,
}

impl Wish {
    pub fn of(options: &StartOptions) -> Self {
        let said = |value: &Option<String>| value.clone().filter(|value| !value.trim().is_empty());
        let mode = said(&options.permission_mode).or_else(|| said(&options.mode));
        let settings = [(Role::Model, said(&options.model)), (Role::Mode, mode), (Role::Effort, said(&options.effort))];
        let absolute = |path: &String| options.cwd.join(Path::new(path)).to_string_lossy().into_owned();
        Self {
            cwd: options.cwd.to_string_lossy().into_owned(),
            directories: options.additional_directories.iter().map(absolute).collect(),
            servers: options.config.mcp_servers.clone(),
            system_prompt: said(&options.system_prompt),
            max_turns: options.max_turns,
            // Options that contradict each other never get here.
            resume: options.resume().unwrap_or(Resume::New),
            fork: options.fork,
            files: options.files_are_here(),
            history_known: options.history_known,
            settings: settings.into_iter().filter_map(|(role, value)| Some((role, value?))).collect(),
        }
    }

    /// `None`: which conversation is the newest has to be asked first. An error is a sentence.
    pub fn opening(&self, agent: &Agent) -> Result<Option<Opening>, String> {
        let title = &agent.title;
        let opening = |method, id: Option<&str>, history| {
            let mut params = self.params(agent);
            if let Some(id) = id {
                params["sessionId"] = json!(id);
            }
            Ok(Some(Opening { method, params, id: id.map(str::to_owned), history }))
        };
        let known = self.history_known;
        match &self.resume {
            Resume::New => opening("session/new", None, false),
            Resume::Continue if agent.list => Ok(None),
            Resume::Continue => Err(format!(
                "{title} does not list its conversations, so its newest cannot be found: resume one by its id, or start a new session"
            )),
            Resume::Id(id) if self.fork && agent.fork => opening("session/fork", Some(id), !known),
            Resume::Id(_) if self.fork => {
                Err(format!("{title} cannot copy a conversation: resume it without fork, or start a new session"))
            }
            Resume::Id(id) if agent.resume && (known || !agent.load) => opening("session/resume", Some(id), false),
            Resume::Id(id) if agent.load => opening("session/load", Some(id), !known),
            Resume::Id(_) => Err(format!("{title} cannot take up a conversation again: start a new session")),
        }
    }

    fn params(&self, agent: &Agent) -> Value {
        let (servers, _) = mcp::servers(&self.servers, agent);
        let mut params = json!({"cwd": self.cwd, "mcpServers": servers});
        if agent.directories && !self.directories.is_empty() {
            params["additionalDirectories"] = json!(self.directories);
        }
        match (&self.system_prompt, agent.system_prompt) {
            (Some(said), SystemPrompt::Field) => {
                params["systemPrompt"] = json!({"mode": "append", "content": [{"type": "text", "text": said}]});
            }
            (Some(said), SystemPrompt::Meta) => params["_meta"]["systemPrompt"] = json!({"append": said}),
            _ => {}
        }
        if let Some(turns) = self.max_turns.filter(|_| agent.claude_options) {
            params["_meta"]["claudeCode"] = json!({"options": {"maxTurns": turns}});
        }
        params
    }

    /// What the user wants and this agent cannot do, one sentence each.
    pub fn limits(&self, agent: &Agent) -> Vec<String> {
        let title = &agent.title;
        let (_, mut sentences) = mcp::servers(&self.servers, agent);
        if !agent.directories && !self.directories.is_empty() {
            let directories = self.directories.join(", ");
            sentences.push(format!("{title} takes no additional directories: it works without {directories}"));
        }
        if self.system_prompt.is_some() && agent.system_prompt == SystemPrompt::No {
            sentences.push(format!("{title} takes no system prompt: it works without yours"));
        }
        if self.max_turns.is_some() && !agent.claude_options {
            sentences.push(format!("{title} has no limit of turns: max_turns is not used"));
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    fn options(resume: Option<&str>) -> StartOptions {
        let id = SessionId::parse("s").expect("a valid id");
        let mut options = StartOptions::new(id, "x", ProviderConfig::default(), "/p".into());
        options.resume_session_id = resume.map(str::to_owned);
        options
    }

    fn able() -> Agent {
        Agent { title: "X".into(), load: true, resume: true, fork: true, list: true, ..Agent::default() }
    }

    #[track_caller]
    fn check(options: &StartOptions, agent: &Agent, expect: Result<(&str, bool), &str>) {
        let got = Wish::of(options).opening(agent);
        match (&got, expect) {
            (Ok(Some(opening)), Ok((method, history))) => {
                assert_eq!((opening.method, opening.history), (method, history));
                assert_eq!(opening.params.get("sessionId").and_then(Value::as_str), opening.id.as_deref());
            }
            (Err(sentence), Err(part)) => assert!(sentence.contains(part), "{sentence}"),
            _ => panic!("{got:?}, not {expect:?}"),
        }
    }

    #[test]
    fn a_conversation_is_taken_up_as_the_agent_can() {
        check(&options(None), &able(), Ok(("session/new", false)));
        check(&options(Some("c")), &able(), Ok(("session/load", true)));
        let mut known = options(Some("c"));
        known.history_known = true;
        check(&known, &able(), Ok(("session/resume", false)));
        check(&known, &Agent { resume: false, ..able() }, Ok(("session/load", false)));
        check(&options(Some("c")), &Agent { load: false, ..able() }, Ok(("session/resume", false)));
        check(&known, &Agent { title: "X".into(), ..Agent::default() }, Err("X cannot take up a conversation"));
        known.fork = true;
        check(&known, &able(), Ok(("session/fork", false)));
        check(&known, &Agent { fork: false, ..able() }, Err("X cannot copy a conversation"));
        let mut newest = options(None);
        newest.resume_mode = crate::domain::ResumeMode::Continue;
        assert_eq!(Wish::of(&newest).opening(&able()), Ok(None));
        check(&newest, &Agent { list: false, ..able() }, Err("X does not list its conversations"));
    }

    #[test]
    fn what_the_agent_cannot_have_is_a_sentence_and_not_in_the_request() {
        let mut options = options(None);
        options.additional_directories = vec!["/q".into(), "r".into()];
        options.system_prompt = Some("Be brief".into());
        options.max_turns = Some(3);
        let wish = Wish::of(&options);
        let plain = Agent { title: "X".into(), ..Agent::default() };
        assert_eq!(wish.params(&plain), json!({"cwd": "/p", "mcpServers": []}));
        assert_eq!(
            wish.limits(&plain),
            [
                "X takes no additional directories: it works without /q, /p/r",
                "X takes no system prompt: it works without yours",
                "X has no limit of turns: max_turns is not used",
            ]
        );
        let claude =
            Agent { directories: true, claude_options: true, system_prompt: SystemPrompt::Meta, ..plain.clone() };
        assert_eq!(
            wish.params(&claude),
            json!({"cwd": "/p", "mcpServers": [], "additionalDirectories": ["/q", "/p/r"],
                "_meta": {"systemPrompt": {"append": "Be brief"}, "claudeCode": {"options": {"maxTurns": 3}}}})
        );
        assert_eq!(wish.limits(&claude), [""; 0]);
        let field = Agent { system_prompt: SystemPrompt::Field, ..plain };
        assert_eq!(wish.params(&field)["systemPrompt"]["content"][0]["text"], "Be brief");
    }
}
