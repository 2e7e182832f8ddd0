//! A user at an editor with a real agent behind it: Neovim, plugin, backend, keeper, agent and its model server.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use rmpv::Value;
use serde_json::Value as Json;

use crate::{
    agent::{self, Agent, CLAUDE, URL},
    mock::Mock,
    support::{Editor, Home, Leftover, Options, leftovers, wait_for_exit},
};

/// For a machine with everything to do at once; nothing is expected to come near it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Setup {
    pub agent: &'static Agent,
    /// Into the agent's entry of `providers`, as Lua.
    pub provider: String,
    /// The variable with the agent's key, from the user's configuration; the agent's own by default.
    pub key: Option<(&'static str, &'static str)>,
    /// The agent has home and `PATH` from its entry too: where it runs the editor's are not known.
    pub whole_env: bool,
    /// What the editor's own environment has besides.
    pub editor_env: Vec<(String, String)>,
    /// The file that the editor opens, and its text.
    pub file: (&'static str, String),
}

impl Default for Setup {
    fn default() -> Self {
        Self::of(&CLAUDE)
    }
}

impl Setup {
    pub fn of(agent: &'static Agent) -> Self {
        Self {
            agent,
            provider: String::new(),
            key: agent.key,
            whole_env: false,
            editor_env: Vec::new(),
            file: ("hello.txt", "first\nhello world\n".to_owned()),
        }
    }
}

pub struct Desk {
    // Ends first: it looks for what is left running.
    pub editor: Editor,
    pub mock: Mock,
    setup: Setup,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let home = Arc::new(Home::new());
        let mock = Mock::start(setup.agent.server, home.path());
        for (name, text) in setup.agent.files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the home takes folders");
            fs::write(path, text.replace(URL, &mock.url)).expect("the home takes files");
        }
        home.write(setup.file.0, &setup.file.1);
        let editor = sit_down(&setup, &mock, home);
        Self { editor, mock, setup }
    }

    /// Another editor in the same home, after the end of the first.
    pub fn reopen(&mut self) {
        let home = Arc::clone(self.editor.home());
        self.editor = sit_down(&self.setup, &self.mock, home);
    }

    /// Starts a session with the agent, which asks before it runs a command.
    #[track_caller]
    pub fn start(&self, prompt: &str) {
        let agent = self.setup.agent;
        self.type_command(&format!("AgorStart {} {} {prompt}", agent.name, agent.asking));
    }

    /// The prompt that makes the agent's model run this command, without `|` in it.
    pub fn shell(&self, command: &str) -> String {
        format!("SCENARIO:{}:{}", self.setup.agent.shell, command.replace(' ', "+"))
    }

    /// The agent's own program with one prompt, by itself: as a user has it in another terminal.
    #[track_caller]
    pub fn in_a_terminal(&self, prompt: &str, env: &[(&str, &str)]) {
        let agent = self.setup.agent;
        let words = std::iter::once(agent.name).chain(agent.terminal.iter().copied()).chain([prompt]);
        let words: Vec<Value> = words.map(Value::from).collect();
        let env = agent.environment(&self.mock.url, agent.key).into_iter().chain(owned(env));
        let env: Vec<(Value, Value)> = env.map(|(name, value)| (name.into(), value.into())).collect();
        let failed = self.editor.lua(
            "local words, env = ...
             local out = vim.system(words, { env = env, stdin = '' }):wait()
             if out.code ~= 0 then return out.stdout .. out.stderr end",
            &[Value::Array(words), Value::Map(env)],
        );
        assert!(failed.is_nil(), "{failed}");
    }

    /// Files below the home directory.
    pub fn files_like(&self, glob: &str) -> Vec<PathBuf> {
        let found = self.editor.lua("return vim.fn.glob('~/' .. ..., true, true)", &[glob.into()]);
        let found = found.as_array().cloned().unwrap_or_default();
        found.iter().filter_map(Value::as_str).map(PathBuf::from).collect()
    }

    /// Where the agent keeps its conversations.
    pub fn kept_files(&self) -> Vec<PathBuf> {
        self.files_like(self.setup.agent.conversations)
    }

    /// A directory of another account of the agent's, below the home directory, configured as the first.
    pub fn account(&self, name: &str) -> PathBuf {
        let folder = self.editor.home().path().join(name);
        fs::create_dir_all(&folder).expect("the home takes folders");
        for (path, text) in self.setup.agent.files {
            let file = PathBuf::from(path).file_name().map(|file| folder.join(file)).expect("a name");
            fs::write(file, text.replace(URL, &self.mock.url)).expect("the home takes files");
        }
        folder
    }

    /// Waits for a permission request and answers it with its first option of a kind.
    #[track_caller]
    pub fn answer(&self, kind: &str) {
        self.wait("s.attention == 'permission'");
        self.focus_question();
        let place = self.editor.lua(
            "for place, option in ipairs(_G.asked.options) do if option.kind == ... then return place end end",
            &[kind.into()],
        );
        let Some(place) = place.as_u64() else { self.editor.fail(&format!("no option of the kind {kind}")) };
        self.editor.input(&place.to_string());
    }

    /// Waits until a text is in what the agent keeps of its conversations.
    #[track_caller]
    pub fn wait_kept(&self, text: &str) {
        self.editor.wait_lua(&format!(
            "vim.iter(vim.fn.glob('~/{}', true, true)):any(function(path)
               return table.concat(vim.fn.readfile(path, 'b')):find('{text}', 1, true) ~= nil
             end)",
            self.setup.agent.conversations
        ));
    }

    /// As if all that the agent keeps were from an earlier time.
    #[track_caller]
    pub fn let_time_pass(&self) {
        let Some((pattern, name)) = self.setup.agent.aged else { return };
        let renamed = self.editor.lua(
            "local pattern, name, files = ...
             local done = 0
             for _, path in ipairs(vim.fn.glob('~/' .. files, true, true)) do
               local to = vim.fs.joinpath(vim.fs.dirname(path), (vim.fn.substitute(vim.fs.basename(path), pattern, name, '')))
               assert(vim.uv.fs_rename(path, to))
               done = done + 1
             end
             return done",
            &[pattern.into(), name.into(), self.setup.agent.conversations.into()],
        );
        assert_ne!(renamed, Value::from(0), "nothing is kept");
    }

    /// `:Agor…` as typed.
    #[track_caller]
    pub fn type_command(&self, command: &str) {
        self.editor.input(&format!(":{}<CR>", command.replace('<', "<lt>")));
    }

    /// `expression` about the newest session `s` becomes true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        self.editor.wait_lua(&format!(
            "(function() local all = require('agor').sessions() local s = all[#all] return s and ({expression}) end)()"
        ));
    }

    #[track_caller]
    pub fn wait_status(&self, status: &str) {
        self.wait(&format!("s.status == '{status}'"));
    }

    /// The end of so many turns of the newest session.
    #[track_caller]
    pub fn wait_turns(&self, count: usize) {
        self.wait(&format!("s.status ~= 'running' and (_G.turns[s.session_id] or 0) == {count}"));
    }

    #[track_caller]
    pub fn wait_turns_or_more(&self, count: usize) {
        self.wait(&format!("(_G.turns[s.session_id] or 0) >= {count}"));
    }

    /// So many requests of a scenario have come, or so many turns have ended.
    #[track_caller]
    pub fn wait_tries_or_turns(&self, scenario: &str, tries: usize, turns: usize) {
        self.wait(&format!(
            "s.status ~= 'running' and (_G.turns[s.session_id] or 0) == {turns}
             or #vim.tbl_filter(function(line)
               return line:find('\"scenario\": \"{scenario}\"', 1, true) ~= nil
             end, vim.fn.readfile([==[{}]==])) >= {tries}",
            self.mock.log().display()
        ));
    }

    /// Ends the turn, if one runs.
    #[track_caller]
    pub fn interrupt(&self) {
        self.editor.lua("local all = require('agor').sessions() require('agor').interrupt(all[#all].session_id)", &[]);
    }

    /// Waits for a question and puts the cursor into it.
    #[track_caller]
    pub fn focus_question(&self) {
        self.wait("s.attention ~= nil");
        self.editor.wait_text(":Agor permit answers");
        self.editor.command("Agor permit");
    }

    /// A field of the newest session.
    #[track_caller]
    pub fn row(&self, field: &str) -> Value {
        self.editor.lua("local all = require('agor').sessions() return all[#all][...]", &[field.into()])
    }

    /// The ids of the models that the newest session's agent offers.
    #[track_caller]
    pub fn models(&self) -> Vec<String> {
        let ids = self.editor.lua(
            "local all = require('agor').sessions()
             local can = require('agor.mirror').get(all[#all].session_id).capabilities
             return can.set_model and vim.tbl_map(function(model) return model.id end, can.models) or {}",
            &[],
        );
        let ids = ids.as_array().cloned().unwrap_or_default();
        ids.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// All messages of a type, as JSON.
    #[track_caller]
    pub fn messages(&self, kind: &str) -> Vec<Json> {
        let text = self.editor.lua_string(
            "local all = require('agor').sessions()
             local out = {}
             for _, message in ipairs((require('agor').messages(all[#all].session_id))) do
               if message.type == ... then out[#out + 1] = message.content end
             end
             return #out == 0 and '[]' or vim.json.encode(out)",
            &[kind.into()],
        );
        serde_json::from_str(&text).expect("JSON")
    }

    /// The agent's texts, whole.
    #[track_caller]
    pub fn texts(&self) -> Vec<String> {
        self.messages("text").iter().map(|text| text["text"].as_str().unwrap_or_default().trim().to_owned()).collect()
    }

    /// The transcript of the newest session, as its buffer has it.
    #[track_caller]
    pub fn transcript(&self) -> String {
        self.editor.lua_string(
            "local all = require('agor').sessions()
             local buf = vim.fn.bufnr('^agor://' .. all[#all].session_id .. '$')
             return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n')",
            &[],
        )
    }

    /// Everything that an agent runs, itself first; neither editor nor backend nor keeper.
    pub fn agents_family(&self) -> Vec<Leftover> {
        let ours = ["nvim", "agor-nvim"];
        let mut all = leftovers(self.editor.home().path());
        all.retain(|one| {
            let program = one.command.split(' ').next().unwrap_or_default();
            PathBuf::from(program).file_name().is_some_and(|name| ours.iter().all(|our| name != *our))
        });
        all.sort_by_key(|one| !kept(one.pid));
        all
    }

    /// Waits until nothing runs any more whose command line ends in these words.
    #[track_caller]
    pub fn wait_gone(&self, words: &str) {
        for one in leftovers(self.editor.home().path()).into_iter().filter(|one| one.command.ends_with(words)) {
            if !wait_for_exit(one.pid, PATIENCE) {
                self.editor.fail(&format!("{} still runs", one.command));
            }
        }
    }

    /// The agent's own process: the keeper's child.
    pub fn agent_pids(&self) -> Vec<i32> {
        self.agents_family().into_iter().map(|one| one.pid).filter(|pid| kept(*pid)).collect()
    }

    /// SIGKILL to the agent's own process.
    #[track_caller]
    pub fn kill_agent(&self) {
        for pid in self.agent_pids() {
            let pid = rustix::process::Pid::from_raw(pid).expect("a process");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("the agent is ours");
        }
    }
}

/// Whether the process is a keeper's child, as an agent is (and what its tools have left behind).
fn kept(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it may have spaces and parentheses in it.
    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)).unwrap_or_default();
    let command = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
    let mut words = command.split(|byte| *byte == 0);
    words.next().is_some_and(|program| program.ends_with(b"agor-nvim")) && words.next() == Some(b"keep")
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sit_down(setup: &Setup, mock: &Mock, home: Arc<Home>) -> Editor {
    let mut env = setup.agent.environment(&mock.url, setup.key);
    if setup.whole_env {
        env.extend(home.environment());
        env.push(("PATH".to_owned(), agent::path()));
    }
    let env: String = env.iter().map(|(name, value)| format!("{name} = [==[{value}]==], ")).collect();
    let name = setup.agent.name;
    let init = format!(
        "vim.o.swapfile = false
         require('agor').setup({{ provider = '{name}', providers = {{ ['{name}'] = {{
           env = {{ {env} }}, {}
         }} }} }})
         _G.turns = {{}}
         vim.api.nvim_create_autocmd('User', {{ pattern = 'AgorTurn', callback = function(event)
           local id = event.data.session_id
           _G.turns[id] = (_G.turns[id] or 0) + 1
         end }})
         vim.api.nvim_create_autocmd('User', {{ pattern = 'AgorPermission', callback = function(event)
           _G.asked = event.data
         end }})
         -- Each look at the clock is a second later: a question takes keys at once.
         local clock = 0
         require('agor.ui.ask').now = function() clock = clock + 1000 return clock end",
        setup.provider,
    );
    let mut editor_env = vec![("PATH".to_owned(), agent::path())];
    editor_env.extend(setup.editor_env.clone());
    Editor::start(Options {
        size: (160, 48),
        home,
        init,
        args: vec![setup.file.0.into()],
        env: editor_env,
        ..Options::default()
    })
}
