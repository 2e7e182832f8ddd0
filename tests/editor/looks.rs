//! How our windows look, whatever the window and the terminal: narrow and wide, few colours, no signs but ASCII.

use crate::support::{Editor, demo_editor_with, go_to, over, send, settled, start, start_hidden};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

// ---------------------------------------------------------------- signs

/// Neovim's own lines between windows are none of ours.
const ASCII: &str = "vim.o.fillchars = 'vert:|,horiz:-,horizup:+,horizdown:+,vertleft:+,vertright:+,verthoriz:+'
    require('agor').setup({ provider = 'demo', icons = 'ascii', window = WINDOW })";

#[track_caller]
fn all_ascii(editor: &Editor, screen: &str, waits_for: &str) {
    editor.wait_text(waits_for);
    let rows = editor.rows();
    let other: Vec<&String> = rows.iter().filter(|row| !row.is_ascii()).collect();
    assert!(other.is_empty(), "{screen}: {other:#?}");
}

#[test]
fn with_ascii_icons_every_screen_is_ascii() {
    for (position, laststatus) in [("right", 2), ("right", 3), ("left", 3), ("float", 2)] {
        let setup = ASCII.replace("WINDOW", &format!("{{ position = '{position}' }}"));
        let editor = demo_editor_with(WIDE, &format!("{setup} vim.o.laststatus = {laststatus}"));
        let id = start(&editor, "Show me what you can do");
        all_ascii(&editor, "a question while a turn runs", ":Agor permit answers");
        editor.command("Agor permit");
        all_ascii(&editor, "a question that has the focus", "refuse with a reason");
        editor.command("Agor permit 1");
        over(&editor, &id);
        all_ascii(&editor, "the end of a turn", " in - ");
        go_to(&editor, "transcript");
        editor.input("zR");
        editor.wait_lua("vim.fn.search('Thought', 'nw') > 0");
        for line in ["1", "12", "24", "36", "48", "60", "72", "84", "96"] {
            editor.input(&format!("{line}Gzt"));
            all_ascii(&editor, &format!("the transcript, unfolded, from line {line}"), "demo");
        }
        editor.input("g?");
        all_ascii(&editor, "the keys", "next turn");
        editor.input("q");
        for prompt in ["plan", "think 30 0 40", "tool Grep", "fail it broke", "unknown"] {
            send(&editor, &id, prompt);
            if prompt == "plan" {
                all_ascii(&editor, "a plan to approve", "1 Approve the plan");
                editor.command("Agor permit 1");
            }
            over(&editor, &id);
        }
        editor.input("G");
        all_ascii(&editor, "thoughts, tools and errors", "it broke");
        send(&editor, &id, "ask");
        all_ascii(&editor, "a question of the agent's", "demo asks:");
        editor.command("Agor permit");
        all_ascii(&editor, "a question of the agent's that has the focus", "q later");
        go_to(&editor, "transcript");
        editor.input("5G");
        editor.command("AgorSessions");
        all_ascii(&editor, "the board", "Sessions");
    }
}

// ---------------------------------------------------------------- options of the user's

/// What users set for all windows.
const THEIRS: &str = "for name, value in pairs({
        number = true, relativenumber = true, signcolumn = 'yes:2', foldcolumn = '3', list = true, cursorline = true,
        cursorcolumn = true, colorcolumn = '20', spell = true, showbreak = '>>> ', wrap = false, linebreak = false,
        conceallevel = 0, statuscolumn = '%l:', scrolloff = 5, winbar = 'bar of mine', foldenable = true,
    }) do vim.o[name] = value end";

#[test]
fn options_that_a_user_sets_for_all_windows_are_not_those_of_a_transcript_and_ours_are_not_theirs() {
    for (more, size) in [("laststatus = 0", WIDE), ("laststatus = 3", WIDE), ("cmdheight = 0", (80, 24))] {
        let editor = demo_editor_with(size, &format!("{THEIRS} vim.o.{more}"));
        let before = editor.lua_string(OPTIONS, &[]);
        let id = start(&editor, &format!("echo {}", "words ".repeat(30)));
        settled(&editor, &id);
        editor.wait_text("demo  ○ idle");
        let pane = editor.rows();
        let (first, column) = editor.find("\"echo words").unwrap_or_else(|| editor.fail("no answer"));
        let cells = |row: &String| row.chars().skip(column).collect::<String>();
        assert!(pane[first..].iter().all(|row| !row.contains(">>>")), "{more}: {pane:#?}");
        assert!(cells(&pane[first + 1]).starts_with("words"), "{more}: it is wrapped: {pane:#?}");
        assert!(pane.iter().all(|row| !row.contains("agor://")), "{more}: {pane:#?}");
        // What is opened from here on is as the user wants it.
        for role in ["transcript", "prompt"] {
            go_to(&editor, role);
            editor.command("topleft new");
            assert_eq!(editor.lua_string(OPTIONS, &[]), before, "{more}, beside the {role}");
            editor.command("close");
        }
        go_to(&editor, "transcript");
        editor.command("AgorClose");
        editor.command("topleft new");
        assert_eq!(editor.lua_string(OPTIONS, &[]), before, "{more}, after it");
    }
}

/// The values of all window options that we set somewhere, in the current window.
const OPTIONS: &str = "return vim.inspect(vim.iter({
        'number', 'relativenumber', 'signcolumn', 'foldcolumn', 'list', 'cursorline', 'cursorcolumn', 'colorcolumn',
        'spell', 'showbreak', 'wrap', 'linebreak', 'breakindent', 'breakindentopt', 'conceallevel', 'concealcursor',
        'statuscolumn', 'winbar', 'winhighlight', 'fillchars', 'foldenable', 'foldmethod', 'statusline', 'scrolloff',
        'winfixwidth', 'winfixheight', 'winfixbuf',
    }):map(function(name) return name .. '=' .. tostring(vim.wo[name]) end):totable())";

// ---------------------------------------------------------------- what moves

#[test]
fn without_a_spinner_nothing_turns_and_the_status_is_there_as_text() {
    for spinner in [true, false] {
        let setup = format!("require('agor').setup({{ provider = 'demo', spinner = {spinner} }})");
        let editor = demo_editor_with(WIDE, &setup);
        editor.lua(
            "_G.beats = 0
             local bar = require('agor.ui.bar')
             local spin = bar.spin
             bar.spin = function(...)
               _G.beats = _G.beats + 1
               spin(...)
             end",
            &[],
        );
        let id = start(&editor, "hang");
        editor.wait_text("running");
        if spinner {
            editor.wait_lua("_G.beats > 2");
        } else {
            // As long as a backend and an agent take to start and to work.
            let other = start_hidden(&editor, "stream 3000 0 40 markdown");
            over(&editor, &other);
            editor.wait_text("● running  hang");
            assert_eq!(editor.lua("return _G.beats", &[]), Value::from(0));
        }
        go_to(&editor, "transcript");
        editor.command("Agor interrupt");
        over(&editor, &id);
        editor.wait_text("○ idle");
    }
}
