//! Panes, cursors and transcripts as a user has them: a real Neovim, the real backend, the demo agent.

use crate::support::{
    Editor, demo_editor, demo_editor_at, demo_editor_with, go_to, layout, over, painted, send, settled, start,
    start_hidden, transcript, wait_status,
};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

fn last_row_followed(editor: &Editor) -> bool {
    editor.lua("return vim.fn.line('.') == vim.fn.line('$')", &[]) == Value::Boolean(true)
}

// ---------------------------------------------------------------- the pane

#[test]
fn opening_and_closing_gives_every_window_its_size_back() {
    for equalalways in ["equalalways", "noequalalways"] {
        let editor = demo_editor(WIDE);
        editor.command(&format!("set {equalalways}"));
        editor.command("vsplit b.txt | vertical resize 40 | split c.txt | resize 8");
        let before = layout(&editor);
        start(&editor, "echo hello");
        editor.wait_text("\"echo hello\"");
        assert_eq!(layout(&editor).len(), before.len() + 2);
        for command in ["AgorClose", "AgorToggle", "AgorToggle", "AgorToggle", "AgorClose"] {
            editor.command(command);
        }
        assert_eq!(layout(&editor), before, "with {equalalways}");
    }
}

#[test]
fn closing_the_pane_by_hand_gives_the_sizes_back_too() {
    for close in ["q", "close", "quit", "bdelete"] {
        let editor = demo_editor(WIDE);
        editor.command("vsplit b.txt | vertical resize 40");
        let before = layout(&editor);
        let id = start(&editor, "echo hello");
        settled(&editor, &id);
        go_to(&editor, "transcript");
        if close == "q" {
            editor.input("q");
        } else {
            editor.command(close);
        }
        editor.wait_lua("#vim.api.nvim_tabpage_list_wins(0) == 2");
        editor.wait_lua(&format!(
            "vim.fn.winwidth(1) == {}",
            before[0].rsplit(' ').next().unwrap_or("").split('x').next().unwrap_or("")
        ));
        assert_eq!(layout(&editor), before, ":{close}");
        over(&editor, &id);
    }
}

#[test]
fn only_wiping_and_editing_never_end_a_session() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo to be kept");
    let text = settled(&editor, &id);
    editor.command("only");
    assert_eq!(layout(&editor).len(), 1);
    editor.command("AgorOpen");
    editor.input("<Esc>");
    painted(&editor, &id, &text);
    go_to(&editor, "transcript");
    editor.command("edit");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) == {}", text.lines().count()));
    assert_eq!(transcript(&editor, &id), text);
    editor.command("bwipeout");
    editor.wait_lua("#vim.api.nvim_list_wins() == 1");
    editor.command("AgorOpen");
    editor.input("<Esc>");
    painted(&editor, &id, &text);
    assert_eq!(transcript(&editor, &id), text);
    send(&editor, &id, "echo still here");
    editor.wait_text("\"echo still here\"");
}

#[test]
fn with_only_the_pane_left_q_shows_an_empty_buffer() {
    for size in [WIDE, (80, 24)] {
        let editor = demo_editor(size);
        let id = start(&editor, "echo hello");
        settled(&editor, &id);
        editor.command("bwipeout a.txt");
        go_to(&editor, "transcript");
        editor.input("q");
        editor.wait_lua("#vim.api.nvim_list_wins() == 1 and vim.api.nvim_buf_get_name(0) == ''");
        assert_eq!(
            editor.lua("return vim.bo.buftype .. tostring(vim.wo.winfixbuf) .. tostring(vim.wo.winfixheight)", &[]),
            Value::from("falsefalse")
        );
        editor.command("edit a.txt");
        editor.wait_text("first line");
    }
}

#[test]
fn a_file_opened_from_the_pane_does_not_get_into_it() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    for role in ["transcript", "prompt"] {
        go_to(&editor, role);
        let refused = editor.try_call("nvim_command", vec!["edit b.txt".into()]);
        assert!(refused.is_err_and(|error| error.to_string().contains("E1513")), "{role}");
    }
}

#[test]
fn an_editor_session_brings_its_pane_back_with_the_transcript_and_starts_nothing() {
    let (home, id, text, before);
    {
        let mut editor = demo_editor(WIDE);
        home = editor.home().clone();
        id = start(&editor, "stream 300 0 30 markdown");
        text = settled(&editor, &id);
        editor.command("vsplit b.txt");
        before = layout(&editor);
        editor.command("mksession! Session.vim");
        editor.quit("qa!");
    }
    let editor = demo_editor_at(home, WIDE, "");
    editor.command("source Session.vim");
    let below_head = |text: &str| text.split_once('\n').expect("there is more than the head").1.to_owned();
    painted(&editor, &id, &below_head(&text));
    assert_eq!(below_head(&transcript(&editor, &id)), below_head(&text));
    assert_eq!(layout(&editor), before);
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0), "nothing was started");
    // It is a pane again: it closes as one.
    editor.command("AgorClose");
    assert_eq!(layout(&editor).len(), 2);
}

#[test]
fn a_second_tabpage_has_a_pane_of_its_own_and_both_are_whole() {
    let editor = demo_editor(WIDE);
    let one = start(&editor, "stream 400 0 30");
    editor.command("tabnew");
    let two = start(&editor, "echo the second");
    settled(&editor, &two);
    editor.command("tabprevious");
    let first = settled(&editor, &one);
    assert!(first.contains("❯ stream 400 0 30"));
    // What came while the tabpage was away is there as well.
    editor.command("tabnext");
    send(&editor, &one, "echo meanwhile");
    over(&editor, &one);
    editor.command("tabprevious");
    editor.wait_text("\"echo meanwhile\"");
}

#[test]
fn a_second_session_takes_the_place_of_the_first_which_goes_on_unseen() {
    let editor = demo_editor(WIDE);
    let one = start(&editor, "hang");
    wait_status(&editor, &one, "running");
    let two = start(&editor, "echo the second");
    settled(&editor, &two);
    assert_eq!(layout(&editor).len(), 3);
    editor.command(&format!("botright vsplit agor://{one}"));
    editor.wait_text("❯ hang");
    wait_status(&editor, &one, "running");
    assert_eq!(layout(&editor).len(), 4);
    editor.command("close");
    editor.command("AgorPrev");
    editor.wait_text("❯ hang");
    editor.wait_no_text("the second");
}

#[test]
fn a_narrow_editor_has_its_pane_at_the_bottom() {
    let editor = demo_editor((80, 24));
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    let rows = editor.rows();
    assert!(rows[0].starts_with("first line"), "{rows:#?}");
    assert!(layout(&editor).iter().all(|window| window.contains(" 80x")), "{:?}", layout(&editor));
    editor.wait_text("Ask demo");
}

#[test]
fn every_position_shows_the_transcript_and_the_prompt() {
    for position in ["left", "top", "bottom", "float", "tab"] {
        let editor = demo_editor_with(
            WIDE,
            &format!("require('agor').setup({{ provider = 'demo', window = {{ position = '{position}' }} }})"),
        );
        let before = layout(&editor);
        let id = start(&editor, "echo hello");
        if position == "tab" {
            editor.command("tabnext");
        }
        editor.wait_text("\"echo hello\"");
        editor.wait_text("Ask demo");
        go_to(&editor, "prompt");
        editor.input("iecho from here<C-s>");
        editor.wait_text("\"echo from here\"");
        settled(&editor, &id);
        editor.input("<Esc>");
        editor.command("AgorClose");
        editor.wait_no_text("Ask demo");
        assert_eq!(layout(&editor), before, "{position}");
        editor.command("AgorToggle");
        editor.wait_text("\"echo from here\"");
    }
}

// ---------------------------------------------------------------- cursor, mode and focus

#[test]
fn a_start_without_a_prompt_is_in_the_prompt_and_one_with_stays() {
    let editor = demo_editor(WIDE);
    editor.input(":AgorStart demo<CR>");
    editor.wait_screen("insert mode", |_| true);
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
    editor.input("echo typed<C-s>");
    editor.wait_text("\"echo typed\"");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
    editor.input("<Esc><C-w>t:AgorSend echo sent<CR>");
    editor.wait_text("\"echo sent\"");
    assert_eq!(editor.lua_string("return vim.fn.bufname() .. vim.api.nvim_get_mode().mode", &[]), "a.txtn");
    editor.input(":AgorClose<CR>:AgorOpen<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
}

/// What a user does in another window while an agent streams into a pane comes out as if it were alone.
#[track_caller]
fn undisturbed(keys: &str, more: &str, expect: &str) {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 3000 0 30 markdown");
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        editor.input(key);
    }
    over(&editor, &id);
    for key in more.split(' ').filter(|key| !key.is_empty()) {
        editor.input(key);
    }
    editor.wait_lua("vim.api.nvim_get_mode().mode == 'n'");
    let lines = editor.lua_string(
        "return vim.fn.bufname() .. ':' .. table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '|')",
        &[],
    );
    assert_eq!(lines, format!("a.txt:{expect}"));
    settled(&editor, &id);
}

#[test]
fn typing_elsewhere_is_undisturbed() {
    undisturbed("A a b c <CR> d", "e <Esc>", "first lineabc|de|second line");
}

#[test]
fn a_selection_elsewhere_is_undisturbed() {
    undisturbed("w v e", "d", "first |second line");
}

#[test]
fn an_operator_that_waits_elsewhere_is_undisturbed() {
    undisturbed("2 d", "w", "|second line");
}

#[test]
fn a_macro_that_is_recorded_and_run_elsewhere_is_undisturbed() {
    undisturbed("q a A x <Esc> j q", "@ a", "first linex|second linex");
}

#[test]
fn a_command_line_that_is_open_elsewhere_is_undisturbed() {
    undisturbed(": s / first / 1", "s t <CR>", "1st line|second line");
}

#[test]
fn a_command_line_window_that_is_open_is_undisturbed() {
    undisturbed("q : i s / l i n e / x / <Esc>", "<CR>", "first x|second line");
}

#[test]
fn a_terminal_that_is_typed_into_is_undisturbed() {
    let editor = demo_editor(WIDE);
    editor.command("terminal cat");
    editor.input("i");
    editor.wait_lua("vim.api.nvim_get_mode().mode == 't'");
    let id = start(&editor, "stream 2000 0 30");
    editor.input("typed into it");
    editor.wait_text("typed into it");
    over(&editor, &id);
    assert_eq!(editor.lua_string("return vim.api.nvim_get_mode().mode", &[]), "t");
    editor.input("<C-\\><C-n>");
    settled(&editor, &id);
}

// ---------------------------------------------------------------- following

#[test]
fn the_end_is_followed_only_from_the_last_line() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    assert!(last_row_followed(&editor));
    editor.input("5G");
    editor.wait_lua("vim.fn.line('.') == 5");
    send(&editor, &id, "echo to follow");
    settled(&editor, &id);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(5));
    editor.input("G");
    editor.wait_lua("vim.fn.line('.') > 5");
    send(&editor, &id, "stream 300 0 40");
    settled(&editor, &id);
    assert!(last_row_followed(&editor));
    editor.wait_lua("vim.fn.line('w$') == vim.fn.line('$')");
}

#[test]
fn two_windows_on_one_transcript_follow_each_for_itself() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    editor.command(&format!("topleft split agor://{id}"));
    editor.input("3G");
    editor.wait_lua("vim.fn.line('.') == 3");
    send(&editor, &id, "stream 300 0 40");
    settled(&editor, &id);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(3));
    go_to(&editor, "transcript");
    assert!(last_row_followed(&editor));
}

#[test]
fn after_a_resize_the_end_is_still_shown_and_followed() {
    let editor = demo_editor((140, 40));
    let id = start(&editor, "stream 300 0 40");
    settled(&editor, &id);
    editor.resize(100, 24);
    editor.wait_text("── ");
    editor.resize(160, 50);
    editor.wait_text("── ");
    send(&editor, &id, "echo after it");
    editor.wait_text("\"echo after it\"");
    go_to(&editor, "transcript");
    settled(&editor, &id);
    assert!(last_row_followed(&editor));
}

// ---------------------------------------------------------------- motions and folds

fn cursor_line(editor: &Editor) -> String {
    editor.lua_string("return vim.api.nvim_get_current_line()", &[])
}

/// Types, and waits for the line that this leads to.
#[track_caller]
fn leads_to(editor: &Editor, keys: &str, line: &str) {
    editor.input(keys);
    editor.wait_lua(&format!("vim.api.nvim_get_current_line():find('{line}', 1, true) == 1"));
}

#[test]
fn motions_go_from_turn_to_turn_and_from_tool_to_tool() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "tool");
    over(&editor, &id);
    for prompt in ["stream 200 0 30", "tool Grep", "echo last"] {
        send(&editor, &id, prompt);
        over(&editor, &id);
    }
    settled(&editor, &id);
    go_to(&editor, "transcript");
    leads_to(&editor, "gg]]", "❯ tool");
    leads_to(&editor, "]]", "❯ stream 200 0 30");
    leads_to(&editor, "]t", "✓ Grep");
    leads_to(&editor, "[t", "✓ Bash");
    leads_to(&editor, "G[[", "❯ echo last");
    leads_to(&editor, "2[[", "❯ stream 200 0 30");
}

#[test]
fn tools_and_thinking_unfold_and_fold_under_the_cursor() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "think 30 0 40");
    over(&editor, &id);
    send(&editor, &id, "tool");
    settled(&editor, &id);
    let folded = transcript(&editor, &id);
    go_to(&editor, "transcript");
    let lines = |count: usize| {
        editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) {} {count}", ">"));
    };
    let same = || {
        editor.wait_lua(&format!(
            "vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) == {}",
            folded.lines().count()
        ));
        assert_eq!(transcript(&editor, &id), folded);
    };
    leads_to(&editor, "gg/[Tt]hought<CR>", "✻ Thought");
    let at = editor.lua("return vim.fn.line('.')", &[]);
    for (open, close) in [("<CR>", "<CR>"), ("za", "za"), ("zo", "zc"), ("zR", "zM")] {
        editor.input(open);
        lines(folded.lines().count());
        assert_eq!(editor.lua("return vim.fn.line('.')", &[]), at, "{open} leaves the cursor");
        editor.input(close);
        same();
        assert_eq!(editor.lua("return vim.fn.line('.')", &[]), at, "{close} leaves the cursor");
    }
    leads_to(&editor, "gg]t", "✓ Bash");
    editor.input("zo");
    lines(folded.lines().count());
    editor.input("zo");
    editor.input("zc");
    same();
}

#[test]
fn unfolding_everything_leaves_the_reader_where_he_is() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "think 30 0 40");
    over(&editor, &id);
    for _ in 0..3 {
        send(&editor, &id, "stream 600 0 40 markdown");
        over(&editor, &id);
        send(&editor, &id, "tool");
        over(&editor, &id);
    }
    settled(&editor, &id);
    go_to(&editor, "transcript");
    let line = "❯ stream 600 0 40 markdown";
    leads_to(&editor, "gg]]]]", line);
    let before = transcript(&editor, &id).lines().count();
    editor.input("zR");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) > {before}"));
    settled(&editor, &id);
    assert_eq!(cursor_line(&editor), line);
    editor.input("zM");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) == {before}"));
    assert_eq!(cursor_line(&editor), line);
}

#[test]
fn a_transcript_that_was_hidden_is_whole_again_and_the_cursor_is_where_it_was() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 2000 0 40 markdown");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    editor.input("40Gzt");
    editor.wait_lua("vim.fn.line('.') == 40 and vim.fn.line('w0') == 40");
    let line = cursor_line(&editor);
    editor.command("AgorClose");
    send(&editor, &id, "stream 500 0 40 markdown");
    over(&editor, &id);
    editor.command("AgorToggle");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    assert_eq!(cursor_line(&editor), line);
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), Value::from(40));
}

#[test]
fn the_beginning_of_a_very_long_transcript_comes_when_the_reader_goes_there() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo the very first");
    settled(&editor, &id);
    send(&editor, &id, "stream 12000 0 40 markdown");
    over(&editor, &id);
    // Hidden and shown again it is painted from its end, and only so far back.
    editor.command("AgorClose");
    editor.command(&format!("bwipeout agor://{id}"));
    editor.command("AgorToggle");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(vim.fn.bufnr('^agor://{id}$')) >= 20000"));
    go_to(&editor, "transcript");
    editor.wait_lua("vim.fn.getline(1):find('earlier entries', 1, true)");
    // As far as it goes by itself.
    editor.wait_lua("require('agor').stats().patches == _G.patches or (function() _G.patches = require('agor').stats().patches end)()");
    let painted = editor.lua("return vim.api.nvim_buf_line_count(0)", &[]).as_u64().expect("a number");
    editor.input("gg");
    editor.wait_lua(&format!("vim.api.nvim_buf_line_count(0) > {painted}"));
    editor.wait_lua("vim.fn.search('the very first', 'nw') > 0");
}

#[test]
fn gf_and_gd_open_the_file_beside_the_pane() {
    let editor = demo_editor(WIDE);
    editor.home().write("src/deep.rs", "one\ntwo\nthree\n");
    let id = start(&editor, "echo see src/deep.rs:2 there");
    settled(&editor, &id);
    for key in ["gf", "gd"] {
        go_to(&editor, "transcript");
        editor.input("gg/src.deep<CR>");
        editor.input(key);
        editor.wait_lua("vim.fn.expand('%:t') == 'deep.rs' and vim.fn.line('.') == 2");
        assert_eq!(layout(&editor).len(), 3, "in the file window that was there");
        editor.command("edit a.txt");
    }
    // Without a file window: a new one beside the pane, which keeps its place.
    go_to(&editor, "transcript");
    editor.command("bwipeout a.txt | bwipeout deep.rs");
    assert_eq!(layout(&editor).len(), 2);
    go_to(&editor, "transcript");
    editor.input("gg/src.deep<CR>gf");
    editor.wait_lua("vim.fn.expand('%:t') == 'deep.rs'");
    assert_eq!(layout(&editor).len(), 3);
}

#[test]
fn help_lists_the_keys_of_the_buffer() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    for (role, expect) in [("transcript", "next turn"), ("prompt", "send the prompt")] {
        go_to(&editor, role);
        editor.input("g?");
        editor.wait_text(expect);
        editor.input("q");
        editor.wait_no_text(expect);
    }
}

// ---------------------------------------------------------------- text that is locked, prompts, many sessions

#[test]
fn nothing_is_lost_while_an_expression_mapping_waits_for_a_key() {
    let editor = demo_editor_with(
        WIDE,
        "vim.keymap.set('n', 'X', function() vim.g.got = vim.fn.getcharstr() return '' end, { expr = true })",
    );
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    editor.input("X");
    send(&editor, &id, "stream 500 0 40 markdown");
    over(&editor, &id);
    // The painter has tried while the text was locked.
    editor.wait_lua("(require('agor').stats().busy or 0) > 0");
    editor.input("k");
    editor.wait_lua("vim.g.got == 'k'");
    settled(&editor, &id);
}

#[test]
fn nothing_is_lost_while_the_user_sits_at_a_hit_enter_prompt() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "echo hello");
    settled(&editor, &id);
    send(&editor, &id, "stream 5000 0 40 markdown");
    editor.input(":echo \"one\\ntwo\\nthree\"<CR>");
    editor.wait_text("Press ENTER");
    // The agent's turn ends while nothing can be painted: its figures are the second of the session.
    let journal = editor.home().data().join(format!("agor/sessions/{id}.ndjson"));
    let costs = || std::fs::read_to_string(&journal).expect("the journal").matches("\"cost\"").count();
    while costs() < 2 {
        let mode = editor.call("nvim_get_mode", Vec::new());
        assert!(mode.to_string().contains("true"), "still at the prompt: {mode}");
    }
    editor.input("<CR>");
    editor.wait_no_text("Press ENTER");
    let text = settled(&editor, &id);
    assert!(text.contains("❯ stream 5000 0 40 markdown"));
}

#[test]
fn sixty_four_sessions_are_on_the_board_and_in_order() {
    let editor = demo_editor(WIDE);
    for at in 0..64 {
        start_hidden(&editor, &format!("echo session {at:02}"));
    }
    editor.wait_lua("vim.iter(require('agor').sessions()):all(function(s) return s.status == 'idle' end)");
    editor.command("AgorSessions");
    editor.wait_lua("vim.bo.filetype == 'agor-sessions'");
    editor.input("gg");
    editor.wait_text("echo session 00");
    let lines = editor.lua_string("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')", &[]);
    let titles: Vec<&str> =
        lines.lines().filter_map(|line| Some(line[line.find("echo session")?..].trim_end())).collect();
    let expect: Vec<String> = (0..64).map(|at| format!("echo session {at:02}")).collect();
    assert_eq!(titles, expect);
    editor.input("gg10j<CR>");
    editor.wait_text("\"echo session 10\"");
}
