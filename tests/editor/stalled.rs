//! Agents that get stuck, commands that take their time, and an editor that is stopped for a while.

use std::fs;

use crate::{
    api::{options, wait_status, with},
    support::{Editor, Options, go_to},
};

/// What it is told, by its prompt: `hang`, `think` (on a processor), `wait` (for a command of its own), or `listen`, to a
/// pipe, and then say more than fits on a screen.
const AGENT: &str = r#"import json, os, subprocess, sys, time
def say(message): print(json.dumps(message), flush=True)
def event(kind, content, **fields):
    say({'type': 'agent_event', 'event': {'type': kind, 'session_id': 's', 'parent_tool_use_id': None, 'message': {'content': content, **fields}}})
def text(said): event('assistant', [{'type': 'text', 'text': said}], id=said[:20])
say({'type': 'ready', 'capabilities': ['multi_turn']})
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'stop': sys.exit(0)
    if message['type'] != 'query': continue
    say({'type': 'agent_started', 'sessionId': message['sessionId']})
    order = message['prompt']
    if order == 'hang':
        print('the model is silent', file=sys.stderr, flush=True)
        sys.stdin.readline()
    elif order == 'think':
        # Much longer than its patience, on a busy machine too.
        until = time.monotonic() + 6
        while time.monotonic() < until: pass
        text('I have thought.')
    elif order == 'wait':
        given = {'command': 'sleep 1000'}
        event('assistant', [{'type': 'tool_use', 'id': 't', 'name': 'Bash', 'input': given}], id='call')
        subprocess.run(['sleep', '1000'])
    elif order == 'listen':
        text('I listen.')
        with open(os.environ['EAR']) as ear: ear.read()
        text(''.join(f'Line {n} of the news.\n\n' for n in range(20000)) + 'That was all.')
    say({'type': 'agent_stopped', 'sessionId': message['sessionId']})
"#;

/// Where that agent is, with a second to say something.
fn set_up(patience: &str) -> Options {
    let options = options();
    let agent = options.home.write("agent.py", AGENT);
    let init = format!(
        "{}
         require('agor').setup({{ quit = 'stop', watchdog = {{ after = {patience} }}, providers = {{
           stuck = {{ protocol = 'sidecar', command = {{ 'python3', '{}' }}, env = {{ EAR = '{}' }} }} }} }})",
        options.init,
        agent.display(),
        options.home.path().join("ear").display(),
    );
    Options { init, ..options }
}

#[track_caller]
fn session(editor: &Editor) -> String {
    editor.lua_string("return require('agor').sessions()[1].session_id", &[])
}

#[test]
fn an_agent_that_hangs_is_marked_everywhere_and_a_key_tries_again() {
    let editor = Editor::start(set_up("1"));
    editor.input(":AgorStart stuck hang<CR>");
    editor.wait_text("! stalled");
    editor.wait_text("stuck has said nothing and done nothing for 1 s");
    editor.wait_text("the model is silent");
    editor.input(":AgorSessions<CR>");
    editor.wait_text("has said nothing since");
    editor.input("q");
    go_to(&editor, "transcript");
    editor.input("gR");
    editor.wait_text("The agent is started anew");
    editor.wait_lua("not require('agor').sessions()[1].stalled and require('agor').sessions()[1].busy");
    // The prompt is there once more, and the new agent hangs as well.
    editor.wait_text("! stalled");
    let transcript = editor.transcript(&session(&editor));
    assert_eq!(transcript.matches("❯ hang").count(), 2, "{transcript}");
}

#[cfg(target_os = "linux")]
#[test]
fn who_computes_is_not_marked() {
    let editor = Editor::start(set_up("2"));
    editor.lua(
        "_G.stalls = 0
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorStalled', callback = function() _G.stalls = _G.stalls + 1 end })",
        &[],
    );
    editor.input(":AgorStart stuck think<CR>");
    editor.wait_text("I have thought.");
    wait_status(&editor, &session(&editor), "idle");
    assert_eq!(editor.lua("return _G.stalls", &[]).as_u64(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_is_waited_for_as_long_as_its_process_lives() {
    let editor = Editor::start(set_up("2"));
    editor.input(":AgorStart stuck wait<CR>");
    editor.wait_text("waiting for a command");
    // The agent would wait for it for ever: as if it had lost it.
    editor.lua(
        "local found
         require('agor.rpc').notify('ps', {}, function(_, rows) found = rows end)
         assert(vim.wait(20000, function() return found end))
         for _, row in ipairs(found) do
           if row.command:match('^sleep') then return vim.uv.kill(row.pid, 'sigkill') end
         end
         error('it does not run')",
        &[],
    );
    wait_status(&editor, &session(&editor), "idle");
}

#[test]
fn a_watchdog_that_is_off_marks_nobody() {
    let editor =
        with("require('agor').setup({ watchdog = { after = false }, providers = { demo = { watchdog = 5 } } })");
    let config = |name: &str| {
        let code = format!(
            "local provider = require('agor.provider')
             return vim.inspect(provider.for_backend(provider.get('{name}')).watchdog)"
        );
        editor.lua_string(&code, &[])
    };
    assert_eq!((config("claude"), config("demo")), ("nil".to_owned(), "5".to_owned()));
}

/// A Neovim in a terminal of this one, stopped by its user while the agent works on.
#[cfg(unix)]
#[test]
fn after_ctrl_z_backend_and_agent_have_gone_on_and_the_screen_is_whole() {
    let options = set_up("180");
    let (init, ear) = (options.home.path().join("init.lua"), options.home.path().join("ear"));
    let journals = options.home.data().join("agor/sessions");
    let editor = Editor::start(options);
    let shell = editor.lua(
        "local init, ear = ...
         assert(vim.uv.fs_stat(ear) == nil)
         vim.fn.system({ 'mkfifo', ear })
         vim.cmd('enew')
         vim.env.NVIM, vim.env.PS1 = nil, '$ '
         local job = vim.fn.jobstart({ 'bash', '--norc', '-i' }, { term = true })
         vim.fn.chansend(job, ('%s -u %s a.txt\\r'):format(vim.v.progpath, init))
         return job",
        &[init.to_string_lossy().as_ref().into(), ear.to_string_lossy().as_ref().into()],
    );
    let types = |keys: &str| drop(editor.lua("vim.fn.chansend(...)", &[shell.clone(), keys.into()]));
    editor.wait_text("a.txt");
    types(":AgorStart stuck listen\r");
    editor.wait_text("I listen.");
    types("\x1a");
    editor.wait_text("Stopped");
    fs::write(&ear, "go").expect("somebody listens");
    // All of it is written down by a backend whose editor does not answer.
    editor.lua(
        "local folder = ...
         assert(vim.wait(60000, function()
           local path = vim.fn.glob(folder .. '/stuck-*', true, true)[1]
           return path and vim.fn.readblob(path):find('That was all.', 1, true) ~= nil
         end, 100))",
        &[journals.to_string_lossy().as_ref().into()],
    );
    types("fg\r");
    editor.wait_text("That was all.");
    types("\x1c\x0e:qa!\r");
    editor.wait_text("$ ");
    types("exit\r");
    editor.wait_text("[Process exited");
}
