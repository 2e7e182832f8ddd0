//! A user at an editor with the real Claude Code behind it: Neovim, plugin, backend, keeper, agent and its model server.

use rmpv::Value;
use serde_json::Value as Json;

use crate::{
    driver::program,
    mock::Mock,
    support::{Editor, Home, Options, leftovers},
};

pub struct Setup {
    /// Into `providers.claude`, as Lua.
    pub provider: String,
    /// The variable with the agent's key, from the user's configuration.
    pub key: Option<(&'static str, &'static str)>,
    /// What the editor's own environment has besides.
    pub editor_env: Vec<(String, String)>,
    /// The file that the editor opens, and its text.
    pub file: (&'static str, String),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            provider: String::new(),
            key: Some(("ANTHROPIC_API_KEY", "test-key")),
            editor_env: Vec::new(),
            file: ("hello.txt", "first\nhello world\n".to_owned()),
        }
    }
}

pub struct Desk {
    // Ends first: it looks for what is left running.
    pub editor: Editor,
    pub mock: Mock,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let home = std::sync::Arc::new(Home::new());
        let mock = Mock::start(home.path());
        let refusing = "http://127.0.0.1:1";
        let mut env = vec![
            ("ANTHROPIC_BASE_URL", mock.url.as_str()),
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            // Whatever would leave the loopback is refused.
            ("HTTPS_PROXY", refusing),
            ("HTTP_PROXY", refusing),
            ("NO_PROXY", "127.0.0.1"),
            // As root it bypasses no permissions but in a sandbox.
            ("IS_SANDBOX", "1"),
        ];
        env.extend(setup.key);
        let env: String = env.iter().map(|(name, value)| format!("{name} = [==[{value}]==], ")).collect();
        let init = format!(
            "vim.o.swapfile = false
             require('agor').setup({{ provider = 'claude', providers = {{ claude = {{
               command = {{ [==[{}]==] }}, env = {{ {env} }}, {}
             }} }} }})
             -- Each look at the clock is a second later: a question takes keys at once.
             local clock = 0
             require('agor.ui.ask').now = function() clock = clock + 1000 return clock end",
            program("claude").display(),
            setup.provider,
        );
        home.write(setup.file.0, setup.file.1);
        let editor = Editor::start(Options {
            size: (160, 48),
            home,
            init,
            args: vec![setup.file.0.into()],
            env: setup.editor_env,
            ..Options::default()
        });
        Self { editor, mock }
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

    /// The end of so many turns, by what each says that it cost.
    #[track_caller]
    pub fn wait_turns(&self, count: usize) {
        self.wait(&format!(
            "s.status ~= 'running' and #vim.tbl_filter(function(message)
               return message.type == 'cost'
             end, (require('agor').messages(s.session_id))) == {count}"
        ));
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

    /// The agent's own process: not its keeper, which has the same words behind its own.
    pub fn agent_pids(&self) -> Vec<i32> {
        let program = program("claude").display().to_string();
        let all = leftovers(self.editor.home().path()).into_iter();
        all.filter(|process| process.command.starts_with(&program)).map(|process| process.pid).collect()
    }
}
