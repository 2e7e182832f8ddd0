//! Editors whose agent is `tests/agents/ear.lua`: what a session was asked, byte for byte, is there to be read.

use serde_json::Value as Json;

use super::{Editor, Options, repository};

pub struct Ear {
    pub editor: Editor,
    heard: usize,
}

impl Ear {
    /// With `ear` as the default provider. Files that the editor is to find are written into `options.home` before.
    #[track_caller]
    pub fn start(options: Options) -> Self {
        let log = options.home.path().join("heard");
        let script = repository().join("tests/agents/ear.lua");
        let ear = format!(
            "_G.ear = {{ protocol = 'sidecar', command = {{ vim.v.progpath, '-l', [==[{}]==], [==[{}]==] }} }}
             vim.o.swapfile = false
             vim.o.shortmess = vim.o.shortmess .. 'I'
             require('agor').setup({{ provider = 'ear', providers = {{ ear = _G.ear }} }})\n",
            script.display(),
            log.display()
        );
        // Wide enough for a pane at the side.
        let options = Options { init: ear + &options.init, size: (140, 30), ..options };
        Ear { editor: Editor::start(options), heard: 0 }
    }

    /// The next query that an agent of this editor was sent, whole.
    #[track_caller]
    pub fn query(&mut self) -> Json {
        let log = self.editor.home().path().join("heard");
        let count = self.heard + 1;
        self.editor.wait_lua(&format!(
            "(function()
               local file = io.open([==[{}]==], 'rb')
               local text = file and file:read('*a') or ''
               if file then file:close() end
               return select(2, text:gsub('\\n', '')) >= {count}
             end)()",
            log.display()
        ));
        let text = std::fs::read_to_string(&log).expect("the agent writes UTF-8");
        let line = text.lines().nth(self.heard).expect("so many lines were waited for");
        self.heard = count;
        serde_json::from_str(line).expect("a query is JSON")
    }

    /// Its prompt.
    #[track_caller]
    pub fn prompt(&mut self) -> String {
        let query = self.query();
        query["prompt"].as_str().unwrap_or_else(|| panic!("no prompt in {query}")).to_owned()
    }
}
