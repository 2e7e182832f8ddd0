//! What several subagents do at the same time, as a reader has it on the screen.

use std::{fs, sync::Arc};

use crate::support::{Editor, Home, Options, go_to};
use rmpv::Value;

/// Two subagents take turns; when it is asked again, the first of them does more.
const RUNNER: &str = r#"import json, sys
def say(message): print(json.dumps(message), flush=True)
def event(kind, content, parent=None, **fields):
    say({'type': 'agent_event', 'event': {'type': kind, 'session_id': 's', 'parent_tool_use_id': parent, 'message': {'content': content, **fields}}})
def call(name, title, parent=None):
    given = {'command': title} if name == 'Bash' else {'description': title, 'prompt': title}
    event('assistant', [{'type': 'tool_use', 'id': title, 'name': name, 'input': given}], parent, id='call ' + title)
    if name == 'Bash': event('user', [{'type': 'tool_result', 'tool_use_id': title, 'content': 'out of ' + title}], parent)
def text(said): event('assistant', [{'type': 'text', 'text': said}], id=said)
say({'type': 'ready', 'capabilities': ['multi_turn']})
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'stop': sys.exit(0)
    if message['type'] != 'query': continue
    say({'type': 'agent_started', 'sessionId': message['sessionId']})
    if message['prompt'] == 'go':
        call('Agent', 'Left')
        call('Agent', 'Right')
        for number in range(1, 31):
            call('Bash', f'left {number}', 'Left')
            call('Bash', f'right {number}', 'Right')
        text('Both go on.')
    else:
        for number in range(31, 41): call('Bash', f'left {number}', 'Left')
        text('Left has done more.')
    say({'type': 'agent_stopped', 'sessionId': message['sessionId']})
"#;

/// Both subagents have done their first part.
fn begun() -> (Editor, String) {
    let home = Arc::new(Home::new());
    let runner = home.path().join("pair.py");
    fs::write(&runner, RUNNER).expect("the home takes files");
    let init = format!(
        "require('agor').setup({{ providers = {{ pair = {{ protocol = 'sidecar', command = {{ 'python3', '{}' }} }} }} }})",
        runner.display()
    );
    let editor =
        Editor::start(Options { size: (140, 40), home, init, args: vec!["a.txt".into()], ..Options::default() });
    editor.input(":AgorStart pair go<CR>");
    editor.wait_text("Both go on.");
    let session = editor.lua_string("return require('agor').sessions()[1].session_id", &[]);
    editor.wait_status(&session, "idle");
    (editor, session)
}

/// The titles of calls and what the agent says, as they stand.
fn told(editor: &Editor, session: &str) -> Vec<String> {
    let transcript = editor.transcript(session);
    let line = |line: &str| {
        // Without its sign, and without how far it is.
        let indent = line.len() - line.trim_start().len();
        let title = line.trim_start().split_once(' ').filter(|(_, call)| call.starts_with(['A', 'B']));
        let title = title.and_then(|(_, call)| call.split("  ").nth(1));
        match title {
            Some(title) => Some(format!("{}{title}", &line[..indent])),
            None => line.ends_with('.').then(|| line.to_owned()),
        }
    };
    transcript.lines().filter_map(line).collect()
}

#[test]
fn each_subagent_has_a_block_of_its_own_that_grows_where_it_stands() {
    let (editor, session) = begun();
    let block = |head: &str, name: &str, count: usize| -> Vec<String> {
        std::iter::once(head.to_owned()).chain((1..=count).map(|number| format!("  {name} {number}"))).collect()
    };
    let both = [block("Left", "left", 30), block("Right", "right", 30), vec!["Both go on.".to_owned()]];
    assert_eq!(told(&editor, &session), both.concat());
    editor.send(&session, "more");
    editor.wait_text("Left has done more.");
    let both = [
        block("Left", "left", 40),
        block("Right", "right", 30),
        vec!["Both go on.".to_owned(), "Left has done more.".to_owned()],
    ];
    assert_eq!(told(&editor, &session), both.concat());
}

#[test]
fn what_comes_above_moves_neither_who_reads_nor_who_follows() {
    let (editor, session) = begun();
    // One window is read from the middle of the second block on; the pane's shows the end.
    editor.command(&format!("topleft split agor://{session}"));
    editor.input("gg/right 12<CR>zt");
    editor.wait_lua("vim.fn.line('w0') == vim.fn.line('.') and vim.fn.getline('.'):find('right 12', 1, true)");
    let at = editor.lua("return vim.fn.line('w0')", &[]).as_u64().expect("a number");
    let height = editor.lua("return vim.api.nvim_win_get_height(0) - 1", &[]).as_u64().expect("a number") as usize;
    let read = editor.rows()[2..height].to_vec();
    assert!(read.iter().any(|row| row.contains("right 13")), "{read:?}");
    editor.send(&session, "more");
    editor.wait_text("Left has done more.");
    assert_eq!(editor.rows()[2..height], read, "what is read stays");
    assert_eq!(
        editor.lua("return vim.fn.line('w0')", &[]),
        Value::from(at + 20),
        "ten calls and what they said stand above"
    );
    editor.wait_lua("vim.fn.getline('.'):find('right 12', 1, true)");
    go_to(&editor, "transcript");
    editor.wait_lua("vim.fn.line('.') == vim.fn.line('$') and vim.fn.line('w$') == vim.fn.line('$')");
}
