//! How our windows look, whatever the window and the terminal: narrow and wide, few colours, no signs but ASCII.

use crate::support::{
    Editor, Home, Options, demo_editor, demo_editor_with, go_to, layout, over, send, settled, start, start_hidden,
    transcript,
};
use rmpv::Value;
use std::sync::Arc;

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
    for position in ["right", "float"] {
        let editor = demo_editor_with(WIDE, &ASCII.replace("WINDOW", &format!("{{ position = '{position}' }}")));
        let id = start(&editor, "Show me what you can do");
        all_ascii(&editor, "a question while a turn runs", ":Agor permit answers");
        editor.command("Agor permit");
        all_ascii(&editor, "a question that has the focus", "refuse with a reason");
        editor.command("Agor permit 1");
        over(&editor, &id);
        all_ascii(&editor, "the end of a turn", "-- 0.");
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
                all_ascii(&editor, "a plan to approve", "has a plan");
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
