//! Agents at work in a terminal: scripted ones, and the real ones over mocks of their model servers on loopback.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use agor_nvim::keeper::tree::Process;
use rmpv::Value;
use tempfile::TempDir;

use crate::{
    agent::{self, Agent, URL},
    mock::{Mock, Server},
    support::Home,
    terminal::Terminal,
    watch::{self, Kept},
};

/// An agent that can be drawn.
#[derive(Clone, Copy)]
pub enum Kind {
    /// `name`: a provider of ours, which obeys `run COMMAND`.
    Scripted(&'static str),
    Real(&'static Agent),
}

pub const SCRIPTED: [Kind; 2] = [Kind::Scripted("demo"), Kind::Scripted("scripted")];
pub const REAL: [Kind; 6] = [
    Kind::Real(&agent::CLAUDE),
    Kind::Real(&agent::CODEX),
    Kind::Real(&agent::GEMINI),
    Kind::Real(&agent::OPENCODE),
    Kind::Real(&agent::CLAUDE_AGENT_ACP),
    Kind::Real(&agent::CODEX_ACP),
];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Scripted(name) => name,
            Kind::Real(agent) => agent.name,
        }
    }

    pub fn is_real(self) -> bool {
        matches!(self, Kind::Real(_))
    }

    /// Its program is there.
    pub fn is_installed(self) -> bool {
        match self {
            Kind::Scripted(_) => true,
            Kind::Real(agent) => {
                std::env::var_os("AGOR_AGENTS").is_some() && agent::programs().join(agent.name).exists()
            }
        }
    }

    /// The prompt by which it runs a command, without `|` or `+` in it.
    fn run(self, command: &str) -> String {
        match self {
            Kind::Scripted(_) => format!("run {command}"),
            Kind::Real(agent) => format!("SCENARIO:{}:{}", agent.shell, command.replace(' ', "+")),
        }
    }
}

/// How far the command that leaves children behind has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nobody knows: the session is being started.
    Begins,
    Runs,
    /// The turn is over, and the children live on.
    HasEnded,
}

/// What all rounds share: the model servers.
pub struct Servers {
    _folder: TempDir,
    running: BTreeMap<&'static str, Mock>,
}

impl Servers {
    pub fn of(kinds: &[Kind]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut running = BTreeMap::new();
        for kind in kinds {
            let Kind::Real(agent) = kind else { continue };
            running.entry(key(agent.server)).or_insert_with(|| {
                let own = folder.path().join(key(agent.server));
                fs::create_dir(&own).expect("a folder takes folders");
                let mock = Mock::start(agent.server, &own);
                watch::is_ours(mock.pid());
                mock
            });
        }
        Self { _folder: folder, running }
    }

    fn url(&self, agent: &Agent) -> &str {
        &self.running[key(agent.server)].url
    }
}

fn key(server: Server) -> &'static str {
    match server {
        Server::Anthropic => "anthropic",
        Server::Models => "models",
    }
}

/// A session with its agent at work.
#[derive(Clone)]
pub struct Worker {
    pub kind: Kind,
    pub session: String,
    /// `None` where its start was not waited for.
    pub running: Option<Running>,
}

#[derive(Clone)]
pub struct Running {
    pub kept: Kept,
    pub agent: Process,
    /// The children that its command has left.
    pub children: Vec<i32>,
}

impl Worker {
    #[track_caller]
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("this way needs an agent that runs")
    }

    pub fn children(&self) -> impl Iterator<Item = i32> {
        self.running.iter().flat_map(|running| running.children.iter().copied())
    }
}

/// One home with its terminals.
pub struct Desk<'a> {
    pub home: Arc<Home>,
    servers: &'a Servers,
    kinds: Vec<Kind>,
    quit: &'static str,
    begun: u32,
}

impl<'a> Desk<'a> {
    /// For these agents; `quit` as the configuration has it.
    pub fn new(servers: &'a Servers, kinds: &[Kind], quit: &'static str) -> Self {
        let home = Arc::new(Home::new());
        home.write("a.txt", "one\n");
        // A user's home has it from the first Neovim on, which then is replaced as a whole. Where it is not there yet, two that
        // quit in the same moment both make its folder, of which one has an error to show and waits for Enter (E886), or
        // both write into it at once, and the next Neovim waits for Enter when it starts (E576).
        let shada = home.state().join("shada/main.shada");
        fs::create_dir_all(shada.parent().expect("a folder")).expect("the home takes folders");
        fs::write(shada, "").expect("the home takes files");
        for kind in kinds {
            let Kind::Real(agent) = kind else { continue };
            for (name, text) in agent.files {
                let path = home.path().join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("the home takes folders");
                fs::write(path, text.replace(URL, servers.url(agent))).expect("the home takes files");
            }
        }
        Self { home, servers, kinds: kinds.to_vec(), quit, begun: 0 }
    }

    pub fn sit_down(&self, name: &str) -> Terminal {
        let path = match self.kinds.iter().any(|kind| kind.is_real()) {
            true => agent::path(),
            false => std::env::var("PATH").expect("there is a PATH"),
        };
        Terminal::open(&self.home, name, &self.init(), &[("PATH".to_owned(), path)])
    }

    fn init(&self) -> String {
        let scripted = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/acp.py");
        let mut providers = format!("scripted = {{ protocol = 'acp', command = {{ 'python3', '{scripted}' }} }},");
        for kind in &self.kinds {
            let Kind::Real(agent) = kind else { continue };
            let env = agent.environment(self.servers.url(agent), agent.key);
            let env: String = env.iter().map(|(name, value)| format!("{name} = [==[{value}]==], ")).collect();
            providers += &format!("['{}'] = {{ env = {{ {env} }} }},", agent.name);
        }
        format!(
            "vim.o.swapfile = false
             require('agor').setup({{ provider = 'demo', quit = '{}', providers = {{ {providers} }} }})
             vim.api.nvim_create_autocmd('User', {{ pattern = 'AgorPermission', callback = function(event)
               local asked = event.data
               for _, option in ipairs(asked.options) do
                 if option.kind == 'allow_once' then
                   -- Not returned: an autocommand that returns true is none any more.
                   require('agor').answer(asked.session_id, asked.request_id, option.option_id)
                   return
                 end
               end
             end }})
             function _G.row(id)
               for _, row in ipairs(require('agor').sessions()) do if row.session_id == id then return row end end
               return {{}}
             end",
            self.quit
        )
    }

    /// Starts a session with a prompt, and returns its id.
    pub fn start(&self, terminal: &Terminal, kind: Kind, prompt: &str, more: &str) -> String {
        let mode = match kind {
            Kind::Real(agent) => {
                agent.asking.strip_prefix("mode=").map_or_else(String::new, |m| format!("mode = '{m}',"))
            }
            Kind::Scripted(_) => String::new(),
        };
        let code = format!(
            "local id, why = require('agor').start({{ provider = '{}', prompt = ..., {mode} {more} }})
             return id or error(why)",
            kind.name()
        );
        terminal.text(&code, &[prompt.into()])
    }

    /// Starts a session whose agent runs a command that leaves children behind, and returns when it has got so far.
    pub fn put_to_work(&mut self, terminal: &Terminal, kind: Kind, command: Command) -> Worker {
        self.begun += 1;
        let notes = self.home.path().join(format!("notes-{}", self.begun));
        fs::write(&notes, "").expect("the home takes files");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/soak/family.sh");
        let word = if command == Command::Runs { "stay" } else { "go" };
        let prompt = kind.run(&format!("sh {script} {} {word}", notes.display()));
        let open = format!("open = {}", self.begun == 1);
        let session = self.start(terminal, kind, &prompt, &open);
        if command == Command::Begins {
            return Worker { kind, session, running: None };
        }
        let children = self.children(terminal, &session, notes);
        if command == Command::HasEnded {
            terminal.wait(&format!("_G.row('{session}').status == 'idle'"));
        }
        let all = watch::all();
        let kept = watch::keepers(&all, &session).into_iter().find_map(|kept| {
            // Git is run below keepers of its own.
            let agent = watch::agent(&all, kept.keeper.pid).filter(|agent| !agent.command().contains("/git "))?;
            Some((kept, agent))
        });
        let Some((kept, agent)) = kept else { terminal.fail(&format!("{} has no keeper", kind.name())) };
        Worker { kind, session, running: Some(Running { kept, agent, children }) }
    }

    /// A command of the user's own beside a session's agent, which leaves the same children; returns when they are there.
    pub fn run_beside(&mut self, terminal: &Terminal, session: &str) {
        self.begun += 1;
        let notes = self.home.path().join(format!("notes-{}", self.begun));
        fs::write(&notes, "").expect("the home takes files");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/soak/family.sh");
        terminal.lua(
            "local id, command = ... require('agor.tell')('shell', { session_id = id, command = command })",
            &[session.into(), format!("sh {script} {} stay", notes.display()).into()],
        );
        self.children(terminal, session, notes);
    }

    fn children(&self, terminal: &Terminal, session: &str, notes: PathBuf) -> Vec<i32> {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let text = fs::read_to_string(&notes).unwrap_or_default();
            if text.ends_with("ready\n") {
                let pid = |line: &str| line.split_once(' ').and_then(|(_, pid)| pid.parse().ok());
                return text.lines().filter_map(pid).collect();
            }
            let failed = terminal.lua("return _G.row(...).error", &[session.into()]);
            if !failed.is_nil() || Instant::now() > end {
                terminal.fail(&format!("the command never ran: {failed}; its children: {text:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Sends a scripted agent a prompt and waits for the end of its turn.
pub fn goes_on(terminal: &Terminal, worker: &Worker) {
    if worker.kind.is_real() {
        return;
    }
    let said = format!("still-here-{}", worker.session);
    let prompt = format!("run echo {said} >>'{}'", terminal.home.path().join("said").display());
    terminal.lua(
        "assert(require('agor').send(select(2, ...), { session = ... }))",
        &[worker.session.as_str().into(), Value::from(prompt)],
    );
    let file = terminal.home.path().join("said");
    let end = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(&file).unwrap_or_default().contains(&said) {
        if Instant::now() > end {
            terminal.fail("the session does not go on with the next prompt");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    terminal.wait(&format!("_G.row('{}').status == 'idle'", worker.session));
}
