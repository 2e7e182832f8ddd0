//! What an agent says can never act on the editor or its terminal: one table of hostile texts, put by `tests/agents/hostile.py`
//! into every place that a protocol has for words, and looked at in everything that shows them.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use crate::support::{Editor, Home, Options, repository};
use rmpv::Value;

/// The one that names what is none of the project's.
const OUTSIDE: &str = "a path that is outside";

/// Each as JSON has it, so that there may be what no text of Rust's can hold.
const TEXTS: &[(&str, &str)] = &[
    ("control characters", r#""a\u0000b\u0001c\u0007d\be\u000bf\fg\u000eh\u001ai\u007fj""#),
    ("what overwrites a line", r#""good\rbad\b\b\b\b\u001b[1Gworse""#),
    ("colours and cursors", r#""\u001b[31mred\u001b[2J\u001b[H\u001b[?1049h\u001b[6n\u001bc""#),
    ("a title of the terminal", r#""\u001b]0;owned\u0007\u001b]2;owned\u001b\\x""#),
    (
        "a directory, a link and a notification",
        r#""\u001b]7;file:///tmp\u0007\u001b]8;;http://x\u0007y\u001b]8;;\u0007\u001b]9;hi\u0007\u001b]777;notify;a;b\u0007\u001b]99;;z\u0007""#,
    ),
    ("the clipboard", r#""\u001b]52;c;b3duZWQ=\u0007""#),
    ("device and program strings", r#""\u001bP+q544e\u001b\\\u001b_Gi=1,a=q;\u001b\\\u001b^x\u001b\\\u001bX\u001b\\""#),
    ("C1", r#""\u0085\u0090x\u009c\u009b31m\u009d0;owned\u009c\u009f\u0080""#),
    ("directions", r#""user\u202etxt.exe\u202c \u2066a\u2067b\u2068c\u2069 \u200e\u200f\u061c""#),
    (
        "nothing to see",
        r#""rm\u200b -\u2060rf\ufeff \u2061\u2062\u2063\u2064\u180e\u00ad\u034f\u3164\uffa0\u115f\u1160""#,
    ),
    ("tags", r#""ok\udb40\udc01\udb40\udc69\udb40\udc67\udb40\udc6e\udb40\udc6f\udb40\udc7f""#),
    ("variants", r#""v\ufe00\ufe01\ufe0f\ufe0f\udb40\udd00\udb40\udd01\udb40\udd02""#),
    ("separators", r#""one\u2028two\u2029three\u0085four\u000bfive""#),
    ("notes", r#""x\ufff9y\ufffaz\ufffb\ufffc\ufff0\ud834\udd73\ud834\udd7a\ufffe\uffff""#),
    (
        "a pile",
        r#""Z\u0301\u0300\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030d\u030e\u030f\u0310\u0311\u0312\u0313\u0314\u0315\u0316\u0317\u0318\u0319\u031aalgo""#,
    ),
    ("lone surrogates", r#""a\ud800b\udfffc\udc00""#),
    ("bytes that are no UTF-8", r#""aINVALIDb""#),
    (
        "markup of a status line",
        r#""%{execute('call writefile([],\"owned\")')} %{%v:lua.x()%} %!f() %#ErrorMsg#red%* %@Fn@click%X %=%<%f%999%""#,
    ),
    ("a modeline", r#""vim: set nomodeline tw=7 makeprg=owned foldexpr=writefile([],'owned'):""#),
    ("modelines by other names", r#""/* ex: set tw=7 : */ vi:noai:sw=7:\n\nvim600: tw=7""#),
    (
        "keys",
        r#""\u0012=writefile([],'owned')\r<Esc>:call writefile([],'owned')<CR><SNR>1_f<Plug>(x)<Cmd>q<CR>\u0003\u0016""#,
    ),
    ("commands", r#""|!touch owned| `touch owned` $(touch owned) ; touch owned & \\| exe 'q'""#),
    ("names of files", r#""term://touch owned""#),
    (OUTSIDE, r#""cat /etc/passwd ../x""#),
    ("lines' ends", r#""first\nsecond\r\nthird\r\n\r\n\n- fourth""#),
    ("Markdown that never ends", r#""```\n<details>\n[x]: javascript:alert(1)\n![i](file:///etc/passwd) <script>""#),
    ("what has no end", r#""LONG %{1+1} LONG""#),
    (
        "all that may stand in a name",
        r#""%{1+1}\u001b]0;owned\u0007\u202e\u2028\ud800 \udb40\udc69|!touch owned\nINVALID""#,
    ),
];

/// What Neovim and the user have set, which nobody is to change but they.
const SETTINGS: &str = "local out = {}
for name, info in pairs(vim.api.nvim_get_all_options_info()) do
  if not vim.tbl_contains({ 'columns', 'lines', 'modified', 'window', 'scroll' }, name) then
    local ok, value = pcall(vim.api.nvim_get_option_value, name, { win = vim.fn.bufwinid('a.txt') })
    if info.scope == 'win' and not ok then value = nil end
    out[#out + 1] = name .. '=' .. tostring(value)
  end
end
table.sort(out)
return table.concat(out, '\\n')";

struct Stage {
    editor: Editor,
    session: String,
    /// Files that are in the project, by their names.
    files: Vec<&'static str>,
    settings: String,
    /// What the terminal was told before the agent has said anything.
    told: usize,
}

fn stage(size: (u16, u16)) -> Stage {
    let home = Arc::new(Home::new());
    home.write("a.txt", "first line\nsecond line\n");
    let mut stage = at(home, size);
    let editor = &stage.editor;
    stage.session = editor.start_session("{ prompt = 'say I am here', open = true }");
    editor.wait_transcript(&stage.session, "I am here");
    editor.wait_status(&stage.session, "idle");
    stage
}

/// A Neovim without a session, in that home.
fn at(home: Arc<Home>, size: (u16, u16)) -> Stage {
    let texts: Vec<&str> = TEXTS.iter().map(|(_, text)| *text).collect();
    let list = home.path().join("hostile.json");
    fs::write(&list, format!("[{}]", texts.join(","))).expect("the home takes files");
    // A program of its own, which is asked for its version too.
    let agent = home.path().join("hostile");
    let script = repository().join("tests/agents/hostile.py");
    fs::write(&agent, format!("#!/bin/sh\nexec python3 '{}' \"$@\"\n", script.display()))
        .expect("the home takes files");
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let init = format!(
        "vim.o.swapfile, vim.o.title, vim.o.modeline, vim.o.modelines = false, true, true, 5
         vim.g.clipboard = {{ name = 'watched', copy = {{ ['+'] = function(l) _G.copied = l end, ['*'] = function(l) _G.copied = l end }},
           paste = {{ ['+'] = function() return {{}} end, ['*'] = function() return {{}} end }} }}
         _G.opened = {{}}
         vim.ui.open = function(url) table.insert(_G.opened, url) end
         local function hostile(fields)
           local base = {{ protocol = 'acp', command = {{ '{}' }}, env = {{ HOSTILE = '{}' }} }}
           return vim.tbl_extend('error', base, fields)
         end
         require('agor').setup({{ provider = 'hostile', notify = {{ desktop = true }},
           providers = {{ hostile = hostile({{}}), careful = hostile({{ trust_files = {{ 'brought/' }} }}) }} }})",
        agent.display(),
        list.display(),
    );
    let editor = Editor::start(Options { size, home, init, args: vec!["a.txt".into()], ..Options::default() });
    let settings = editor.lua_string(SETTINGS, &[]);
    let told = editor.terminal().1.len();
    Stage { editor, session: String::new(), files: vec!["a.txt"], settings, told }
}

impl Stage {
    /// All that has been drawn so far is on the screen.
    fn drawn(&self) {
        self.editor.lua("vim.cmd('redraw')", &[]);
        self.editor.lua("return 1", &[]);
    }

    /// Nothing has acted.
    #[track_caller]
    fn calm(&self, after: &str) {
        self.quiet(after);
        assert_eq!(self.editor.lua_string(SETTINGS, &[]), self.settings, "{after}");
    }

    /// Nor has anything where the user looks at other windows, which have settings of their own.
    #[track_caller]
    fn quiet(&self, after: &str) {
        self.drawn();
        let (obeyed, told) = self.editor.terminal();
        assert!(obeyed.is_empty(), "{after}: the terminal gets {obeyed:?}\n{}", self.editor.screen());
        let acted: Vec<&String> =
            told[self.told..].iter().filter(|told| told.contains("owned") || !told.starts_with("set_")).collect();
        assert!(acted.is_empty(), "{after}: {acted:?}");
        assert_eq!(
            self.editor.lua("return _G.copied == nil and #_G.opened == 0", &[]),
            Value::Boolean(true),
            "{after}"
        );
        let left: Vec<String> = fs::read_dir(self.editor.home().project())
            .expect("the project is there")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !self.files.contains(&name.as_str()))
            .collect();
        assert!(left.is_empty(), "{after}: {left:?}");
        let notes = self.editor.notifications();
        for trace in ["stack traceback", "E5108", "panicked", "Error detected", "Error in "] {
            assert!(!notes.contains(trace), "{after}: {notes}");
        }
    }

    fn asked(&self, kind: &str) {
        self.editor.wait_lua(&format!(
            "(function() local i = require('agor.ui.ask').items()[1] return i and i.kind == '{kind}' end)()"
        ));
    }

    /// The oldest question is answered, and another one or none is there.
    fn answer(&self, how: &str) {
        self.editor.lua(
            &format!(
                "local item = require('agor.ui.ask').items()[1]
                 assert(require('agor').answer(item.session_id, item.request_id, {how}))"
            ),
            &[],
        );
    }
}

#[test]
fn whatever_an_agent_says_is_only_drawn() {
    let stage = stage((130, 44));
    let (editor, session) = (&stage.editor, &stage.session);
    for (number, (name, _)) in TEXTS.iter().enumerate() {
        let request = |last: &str| {
            format!(
                "(function() local i = require('agor.ui.ask').items()[1] return i and i.request_id ~= '{last}' end)()"
            )
        };
        let id =
            || editor.lua_string("local i = require('agor.ui.ask').items()[1] return i and i.request_id or ''", &[]);
        editor.send(session, &number.to_string());
        let mut last = String::new();
        for (kind, how) in [
            ("permission", "'yes'"),
            ("permission", "'no'"),
            ("question", "nil, { cancel = true }"),
            ("question", "nil, { cancel = true }"),
        ] {
            editor.wait_lua(&request(&last));
            stage.asked(kind);
            stage.calm(name);
            last = id();
            stage.answer(how);
        }
        editor.wait_status(session, "idle");
        stage.calm(name);
        editor.send(session, &format!("fail {number}"));
        editor.wait_status(session, "error");
        stage.calm(name);
        editor.send(session, "say again");
        editor.wait_status(session, "idle");
    }
    // What was said is kept as it was said.
    let said = editor.said(session).concat();
    let file = editor.home().path().join("export.md");
    editor.command(&format!("Agor export {}", file.display()));
    // The file is there before all of it is.
    editor.wait_notified("the transcript is in");
    let export = fs::read_to_string(&file).expect("it is there");
    let journal = editor.home().data().join(format!("agor/sessions/{session}.ndjson"));
    let journal = fs::read_to_string(journal).expect("a journal");
    for (name, text) in TEXTS.iter().filter(|(_, text)| !text.contains("INVALID") && !text.contains("LONG")) {
        // Half a character is none, and is said to be one that is lost.
        let Ok(exact) = serde_json::from_str::<String>(text) else { continue };
        assert!(said.contains(&exact) && export.contains(&exact), "{name}");
        let kept = serde_json::to_string(&exact).expect("a text");
        assert!(journal.contains(kept.trim_matches('"')), "{name}");
    }
}

/// The text with everything in it that the others have, as the agent's titles and names are.
const NAME: usize = TEXTS.len() - 1;

impl Stage {
    /// A question of the agent's is open whose every word is that text.
    fn with_a_question(size: (u16, u16)) -> Self {
        let stage = stage(size);
        stage.editor.send(&stage.session, &NAME.to_string());
        stage.asked("permission");
        stage.calm("the question");
        stage
    }

    /// An Ex command shows something with this in it, and nothing acts.
    #[track_caller]
    fn shows(&self, keys: &str, text: &str) {
        self.editor.input(keys);
        self.editor.wait_text(text);
        self.calm(keys);
    }
}

#[test]
fn whatever_it_calls_things_lists_bars_and_titles_only_draw_it() {
    let stage = Stage::with_a_question((200, 50));
    let (editor, session) = (&stage.editor, &stage.session);
    // The bar, with what a status line would take for its own.
    editor.wait_text("%{1+1} ]0;owned");
    let status = editor.lua_string("return require('agor').statusline()", &[]);
    assert!(!status.contains('%'), "{status}");
    // What is on the way is asked about, in an editor that is about to go.
    editor.input(":qa<CR>");
    editor.wait_text("Press ENTER");
    editor.input("<CR>");
    stage.calm(":qa");
    // Its own list, and what is behind a line of it.
    stage.shows(":Agor sessions<CR>", "needs you");
    stage.shows("/owned<CR>", "/owned");
    // A name that is changed begins with the one that is there, which Neovim takes as if it were typed.
    stage.shows("r", "Name (empty: its own title): %{1+1}");
    editor.input("<Esc>");
    stage.shows("q", "hostile asks");
    editor.send(session, "say later");
    editor.wait_lua("require('agor').sessions()[1].queued == 1");
    stage.shows(":Agor queue<CR>", "say later");
    editor.input("q");
    for command in ["model", "mode"] {
        // It waits for an answer, and draws meanwhile.
        editor.input(&format!(":Agor {command}<CR>"));
        editor.wait_text("1: ");
        assert!(editor.screen().to_lowercase().contains(&format!("{command} of hostile")), "{}", editor.screen());
        editor.input("<Esc>");
        stage.calm(command);
    }
    stage.shows(":Agor ps<CR>", "SESSION  ");
    editor.input(":q<CR>");
    // What agents offer while one types.
    stage.shows(":Agor prompt<CR>/h", &format!("h{NAME}"));
    editor.input("<Esc>u<C-w>p");
    // One thing whole, its title on the float's border.
    editor.lua(
        "local win = vim.fn.win_findbuf(vim.fn.bufnr('^agor://' .. ... .. '$'))[1]
         vim.api.nvim_set_current_win(win)
         vim.cmd('normal! G')
         vim.fn.search('✓ execute', 'bW')",
        &[session.as_str().into()],
    );
    editor.input("K");
    editor.wait_lua("vim.bo.filetype == 'agor-detail'");
    stage.calm("K");
    editor.input("q");
    editor.wait_lua("vim.bo.filetype == 'agor'");
    // What was said is taken as it was said.
    editor.input("gy");
    editor.wait_notified("yanked");
    let taken = editor.lua_string("return vim.fn.getreg('\"')", &[]);
    assert!(taken.contains("\u{1b}]0;owned\u{7}\u{202e}\u{2028}"), "{taken:?}");
    stage.calm("gy");
}

#[test]
fn a_question_says_first_and_in_words_what_lies_outside_the_project() {
    let stage = stage((140, 40));
    let (editor, session) = (&stage.editor, &stage.session);
    let number = TEXTS.iter().position(|(name, _)| *name == OUTSIDE).expect("it is in the table");
    editor.send(session, &number.to_string());
    stage.asked("permission");
    editor.wait_text("outside the project: /etc/passwd, ../x");
    let (row, _) = editor.find("outside the project: ").expect("it is drawn");
    let rows = editor.rows();
    let command =
        rows.iter().skip(row + 1).position(|text| text.contains("│ cat /etc/passwd ../x")).expect("below it") + row + 1;
    let column = rows[command].split("/etc/passwd").next().map(|before| before.chars().count()).expect("it is there");
    let groups = |row: usize, col: usize| editor.highlight_at(row, col).groups;
    // In words, and in a colour where it stands.
    let marked = groups(command, column);
    assert!(marked.iter().any(|group| group.contains("Warn")), "{marked:?}\n{}", editor.screen());
    assert!(!groups(command, column - 3).iter().any(|group| group.contains("Warn")), "{}", editor.screen());
    stage.shows(":Agor sessions<CR>", "outside the project: execute");
}

/// As a file can be called, but for what Neovim draws as it is in its own places, such as a message or the file's own text.
const FILE: &str = "%{1+1}\u{1b}]0;owned\u{7}\u{9b}\u{202e}|!touch owned\nx.txt";

impl Stage {
    /// Neovim itself says names of files in titles, status lines and messages, as they are; here they are ours to show.
    fn untitled(mut self) -> Self {
        self.editor
            .lua("vim.o.title, vim.o.modeline, vim.o.laststatus = false, false, 0 vim.opt.shortmess:append('F')", &[]);
        self.settings = self.editor.lua_string(SETTINGS, &[]);
        self.drawn();
        self.told = self.editor.terminal().1.len();
        self
    }
}

#[test]
fn whatever_a_file_is_called_lists_prompts_and_attachments_only_show_it() {
    let mut stage = stage((140, 40)).untitled();
    stage.files.push(FILE);
    let editor = &stage.editor;
    let name = serde_json::to_string(FILE).expect("a text");
    editor.send(&stage.session, &format!("make {name}"));
    editor.wait_transcript(&stage.session, "x.txt");
    editor.wait_status(&stage.session, "idle");
    stage.calm("a file that it has made");
    editor.input(":Agor changes<CR>");
    editor.wait_lua("#vim.fn.getqflist() > 0");
    stage.quiet("the list of changes");
    editor.input(":cfirst<CR>");
    editor.wait_lua("vim.fn.getline(1) == 'new'");
    stage.quiet("the file");
    let opened = editor.lua_string("return vim.fn.fnamemodify(vim.api.nvim_buf_get_name(0), ':t')", &[]);
    assert_eq!(opened, FILE);
    editor.input(":cclose<CR>");
    // A piece of it as an attachment, which is looked at and sent, with words that stand for it.
    editor.input(":1Agor prompt<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.getline(1):find('#%{1+1}', 1, true) ~= nil");
    stage.quiet("an attachment");
    editor.input("<Esc>ggK");
    stage.quiet("an attachment's text");
    editor.input("<Esc>Gosay with it #buffer and #buf");
    stage.quiet("a word that stands for it");
    editor.input("fer<Esc><CR>");
    editor.wait_transcript(&stage.session, "with it");
    editor.wait_status(&stage.session, "idle");
    stage.quiet("what was sent");
    // An image of a name like that, dropped on the terminal.
    let image = editor.home().path().join(FILE.replace('\n', "") + ".png");
    fs::write(&image, b"\x89PNG\r\n\x1a\n and more").expect("the home takes files");
    editor.input(":Agor prompt<CR>i");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    editor.lua("vim.paste({ ... }, -1)", &[image.to_string_lossy().as_ref().into()]);
    editor.wait_lua("vim.fn.getline(1):find('^#.*%.png$') ~= nil");
    stage.quiet("an image that was dropped");
    editor.input("<Esc>ggK");
    stage.quiet("what an image is");
}

#[test]
fn whatever_sessions_and_programs_are_called_lists_of_them_only_show_it() {
    let stage = stage((140, 40));
    let editor = &stage.editor;
    editor.send(&stage.session, "title");
    editor.wait_lua("require('agor').sessions()[1].title:find('%{1+1}', 1, true) ~= nil");
    editor.wait_status(&stage.session, "idle");
    stage.calm("a title");
    // What the agent lists itself, and what another Neovim is told of its session.
    stage.shows(":Agor resume<CR>", "the agent's own");
    editor.input("<Esc>");
    let beside = at(Arc::clone(editor.home()), (140, 40));
    beside.shows(":Agor sessions<CR>", "elsewhere");
    beside.shows("q:Agor! resume<CR>", "in another Neovim");
    beside.editor.input("<Esc>");
    // The version that it says.
    editor.input(":checkhealth agor<CR>");
    editor.wait_lua("vim.bo.filetype == 'checkhealth' and vim.fn.search('1\\\\.2\\\\.3', 'nw') > 0");
    stage.quiet("the version");
    editor.input(":bwipeout!<CR>");
    stage.calm("the version, later");
}

#[test]
fn whatever_a_project_brings_along_is_called_the_question_about_it_only_shows_it() {
    let mut stage = stage((140, 40)).untitled();
    stage.files.push("brought");
    let editor = &stage.editor;
    for name in [FILE, "other.json"] {
        editor.home().write(&format!("brought/{name}"), format!("{FILE}\nvim: set tw=7 :\n"));
    }
    let careful = editor.start_session("{ provider = 'careful', prompt = 'say started', open = true }");
    stage.asked("permission");
    editor.wait_text("May careful obey");
    stage.calm("the question");
    editor.wait_text("waiting for you");
    stage.shows(":Agor permit<CR>", "gf opens one");
    // Keys that come too soon do nothing.
    editor.lua("require('agor.ui.ask').now = function() return math.huge end", &[]);
    editor.input("K");
    editor.wait_lua("vim.bo.filetype == 'agor-detail'");
    stage.quiet("all that is in them");
    editor.input("q");
    editor.input(":Agor permit<CR>gf");
    editor.wait_text("Which file?");
    stage.quiet("which file");
    editor.input("1<CR>");
    editor.wait_lua("vim.fn.getline(1):find('%{1+1}', 1, true) ~= nil and vim.bo.buftype == ''");
    stage.quiet("a file of the project's");
    stage.answer("'not_now'");
    editor.wait_status(&careful, "done");
    stage.quiet("the refusal for now");
    editor.send(&careful, "say again");
    stage.asked("permission");
    stage.answer("'refuse'");
    editor.wait_status(&careful, "error");
    editor.wait_notified("is not started here");
    stage.quiet("the refusal for good");
    editor.input(":Agor grants<CR>");
    editor.wait_text("does not obey");
    stage.quiet("what was answered");
}
