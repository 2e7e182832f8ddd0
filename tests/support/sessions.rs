//! What tests ask of sessions in a real editor: started, waited for, read.

use rmpv::Value;

use super::Editor;

impl Editor {
    /// `require('agor').start{…}` with Lua's text of a table; what it returned.
    #[track_caller]
    pub fn try_start(&self, options: &str) -> Result<String, String> {
        let started = self
            .lua(&format!("local id, why = require('agor').start({options}) return {{ id or '', why or '' }}"), &[]);
        let text = |index: usize| started.as_array().and_then(|pair| pair.get(index)?.as_str()).unwrap_or_default();
        match (text(0), text(1)) {
            ("", why) => Err(why.to_owned()),
            (id, _) => Ok(id.to_owned()),
        }
    }

    #[track_caller]
    pub fn start_session(&self, options: &str) -> String {
        self.try_start(options).unwrap_or_else(|why| self.fail(&format!("start({options}): {why}")))
    }

    #[track_caller]
    pub fn send(&self, session: &str, prompt: &str) {
        self.lua("assert(require('agor').send(select(2, ...), { session = ... }))", &[session.into(), prompt.into()]);
    }

    #[track_caller]
    pub fn wait_status(&self, session: &str, status: &str) {
        self.wait_lua(&format!(
            "vim.iter(require('agor').sessions()):any(function(s) return s.session_id == '{session}' and s.status == '{status}' end)"
        ));
    }

    /// A session's `error`, which is there.
    #[track_caller]
    pub fn error_of(&self, session: &str) -> String {
        self.lua_string(
            "local id = ...
             for _, s in ipairs(require('agor').sessions()) do if s.session_id == id then return s.error or '' end end",
            &[session.into()],
        )
    }

    /// The transcript's text, as its buffer has it.
    #[track_caller]
    pub fn transcript(&self, session: &str) -> String {
        self.lua_string(
            "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://' .. ... .. '$'), 0, -1, false), '\\n')",
            &[session.into()],
        )
    }

    #[track_caller]
    pub fn wait_transcript(&self, session: &str, text: &str) {
        self.wait_lua(&format!(
            "table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('^agor://{session}$'), 0, -1, false), '\\n'):find({}, 1, true)",
            long(text)
        ));
    }

    /// The texts that the agent has said.
    #[track_caller]
    pub fn said(&self, session: &str) -> Vec<String> {
        let texts = self.lua(
            "local since, said = nil, {}
             repeat
               local messages, rest = require('agor').messages(..., { since = since })
               for _, m in ipairs(messages) do if m.type == 'text' then said[#said + 1] = m.content.text end end
               since = rest
             until not since
             return said",
            &[session.into()],
        );
        let list = texts.as_array().cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Everything that the user was told, oldest first. Long sentences stand there in several lines, here in one.
    #[track_caller]
    pub fn notifications(&self) -> String {
        self.lua_string(&format!("return {MESSAGES}"), &[])
    }

    #[track_caller]
    pub fn wait_notified(&self, text: &str) {
        self.wait_lua(&format!("{MESSAGES}:find({}, 1, true)", long(text)));
    }
}

const MESSAGES: &str = "table.concat(vim.split(vim.api.nvim_exec2('messages', { output = true }).output, '\\n'), ' ')";

fn long(text: &str) -> String {
    format!("[==[{text}]==]")
}
