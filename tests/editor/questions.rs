//! Questions of the demo agent as a user meets them: floats, their keys, and what comes of the answers.

use crate::support::{
    Editor, demo_editor, demo_editor_with, go_to, over, painted, settled, start, start_hidden, transcript, wait_status,
};
use rmpv::Value;

const WIDE: (u16, u16) = (140, 36);

/// Keeps what `vim.notify` gets.
const NOTED: &str = "_G.noted = {}
vim.notify = function(text, level) table.insert(_G.noted, level .. ' ' .. text) end\n";

fn buffer_name(editor: &Editor) -> String {
    editor.lua_string("return vim.fn.bufname()", &[])
}

fn floats(editor: &Editor, count: usize) {
    editor.wait_lua(&format!(
        "#vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_tabpage_list_wins(0)) == {count}"
    ));
}

/// A key of the float, typed again as long as its first moment lasts, until something is true.
#[track_caller]
fn press(editor: &Editor, key: &str, until: &str) {
    editor.wait_lua(&format!(
        "(function()
           if {until} then return true end
           if vim.bo.filetype == 'agor-question' and vim.api.nvim_get_mode().mode == 'n' then
             vim.api.nvim_feedkeys(vim.keycode('{key}'), 'xt', false)
           end
           return {until}
         end)()"
    ));
}

fn pending(count: usize) -> String {
    format!("require('agor.ui.ask').count() == {count}")
}

#[test]
fn three_questions_wait_in_order_and_are_answered_one_by_one() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission 3");
    editor.wait_text("1 of 3");
    editor.wait_text("3 waiting");
    editor.wait_text(":Agor permit answers");
    assert_eq!(buffer_name(&editor), "a.txt", "no focus is taken");
    assert_eq!(editor.mode(), "normal");
    // A key that was on its way when the focus came does nothing.
    editor.input(":Agor permit<CR>1");
    editor.wait_lua("vim.bo.filetype == 'agor-question'");
    editor.wait_text("1-3 choose");
    assert_eq!(editor.lua("return require('agor.ui.ask').count()", &[]), Value::from(3));
    press(&editor, "1", &pending(2));
    editor.wait_text("1 of 2");
    editor.wait_text("2 waiting");
    press(&editor, "3", &pending(1));
    press(&editor, "j", "vim.fn.line('.') == 2");
    press(&editor, "k", "vim.fn.line('.') == 1");
    press(&editor, "<CR>", &pending(0));
    let text = settled(&editor, &id);
    assert!(text.contains("- 1: allowed\n- 2: refused\n- 3: allowed"), "{text}");
    floats(&editor, 0);
    assert_eq!(buffer_name(&editor), "a.txt", "the cursor is where it came from");
}

#[test]
fn an_option_is_chosen_from_anywhere_by_its_number() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission 2");
    editor.wait_text("1 of 2");
    editor.input("A typed");
    editor.wait_text("first line typed");
    editor.command("Agor permit 3");
    editor.command("Agor permit 1");
    editor.input(" on<Esc>");
    let text = settled(&editor, &id);
    assert!(text.contains("- 1: refused\n- 2: allowed"), "{text}");
    editor.wait_text("first line typed on");
    for (wrong, sentence) in [
        ("0", "permit takes the number of an option"),
        ("x", "permit takes the number of an option"),
        ("1", "No question is open"),
    ] {
        editor.input(&format!(":Agor permit {wrong}<CR>"));
        editor.wait_text(sentence);
    }
}

#[test]
fn a_reason_is_typed_and_reaches_the_agent_word_for_word() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission");
    editor.wait_text("demo asks: Bash");
    editor.command("Agor permit");
    // Typed for good: what asks for the reason reads real keys.
    editor.lua("_G.later = vim.uv.now() + 301", &[]);
    editor.wait_lua("vim.uv.now() > _G.later");
    editor.input("r");
    editor.wait_text("Why not?");
    editor.input("not \"now\", |please|: ä<CR>");
    let text = settled(&editor, &id);
    assert!(text.contains("refused: not \"now\", |please|: ä"), "{text}");
}

#[test]
fn q_postpones_and_enter_on_the_question_in_the_transcript_brings_it_back() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission");
    editor.wait_text("demo asks: Bash");
    editor.command("Agor permit");
    press(&editor, "q", "vim.bo.filetype ~= 'agor-question'");
    floats(&editor, 0);
    editor.wait_text("1 waiting");
    assert_eq!(buffer_name(&editor), "a.txt");
    go_to(&editor, "transcript");
    editor.input("gg/The agent asks<CR><CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-question'");
    press(&editor, "1", &pending(0));
    settled(&editor, &id);
    editor.wait_lua("vim.bo.filetype == 'agor'");
}

/// A question that comes at a bad moment waits for a better one, and is told of once.
#[track_caller]
fn waits_out(keys: &str, mode: &str, end: &str) {
    let editor = demo_editor_with(WIDE, NOTED);
    let id = start(&editor, "echo ready");
    settled(&editor, &id);
    editor.input(keys);
    editor.wait_lua(mode);
    editor.lua("_G.send(...)", &[id.as_str().into(), "permission".into()]);
    editor.wait_lua("#_G.noted == 1 and require('agor').sessions()[1].attention == 'permission'");
    floats(&editor, 0);
    let noted = editor.lua_string("return _G.noted[1]", &[]);
    assert!(noted.contains("demo asks for Bash") && noted.contains(":Agor permit"), "{noted}");
    editor.input(end);
    floats(&editor, 2);
    assert_eq!(editor.lua("return #_G.noted", &[]), Value::from(1));
    assert_eq!(buffer_name(&editor), "a.txt");
    editor.command("Agor permit 1");
    settled(&editor, &id);
}

#[test]
fn it_waits_for_the_end_of_insert_mode() {
    waits_out("Aword", "vim.api.nvim_get_mode().mode == 'i'", "<Esc>");
}

#[test]
fn it_waits_for_the_end_of_a_selection() {
    waits_out("vl", "vim.api.nvim_get_mode().mode == 'v'", "y");
}

#[test]
fn it_waits_for_the_operators_motion() {
    waits_out("d", "vim.api.nvim_get_mode().mode == 'no'", "w");
}

#[test]
fn it_waits_for_the_command_line_and_its_window() {
    waits_out(":echo", "vim.api.nvim_get_mode().mode == 'c'", "<Esc>");
    waits_out("q:", "vim.fn.getcmdwintype() ~= ''", ":q<CR>");
}

#[test]
fn it_waits_for_a_macro_that_is_recorded() {
    waits_out("qaAx<Esc>", "vim.fn.reg_recording() == 'a' and vim.api.nvim_get_mode().mode == 'n'", "q");
}

#[test]
fn at_the_prompt_in_insert_mode_nothing_covers_what_is_typed() {
    let editor = demo_editor_with(WIDE, NOTED);
    editor.input(":AgorStart demo<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.api.nvim_get_mode().mode == 'i'");
    editor.input("permission<C-s>the next thought");
    editor.wait_lua("#_G.noted == 1");
    editor.wait_text("the next thought");
    editor.wait_text("1 waiting");
    floats(&editor, 0);
    editor.input("<Esc>");
    floats(&editor, 2);
    editor.wait_text("the next thought");
    editor.command("Agor permit 1");
    editor.wait_text("1: allowed");
}

#[test]
fn a_level_of_notifications_is_respected() {
    let init = format!("{NOTED}require('agor').setup({{ provider = 'demo', notify = {{ level = 'warn' }} }})");
    let editor = demo_editor_with(WIDE, &init);
    editor.input("A");
    editor.wait_lua("vim.api.nvim_get_mode().mode == 'i'");
    start(&editor, "permission");
    editor.wait_text("1 waiting");
    assert_eq!(editor.lua("return #_G.noted", &[]), Value::from(0));
}

#[test]
fn interrupting_stopping_and_removing_take_their_questions_away() {
    for end in ["interrupt", "stop", "remove"] {
        let editor = demo_editor(WIDE);
        let id = start(&editor, "permission 2");
        editor.wait_text("1 of 2");
        editor.command("Agor permit");
        editor.wait_lua("vim.bo.filetype == 'agor-question'");
        editor.lua("local id, end_ = ... assert(require('agor')[end_](id))", &[id.as_str().into(), end.into()]);
        editor.wait_lua(&pending(0));
        floats(&editor, 0);
        assert_eq!(buffer_name(&editor), "a.txt", "{end}");
        match end {
            "interrupt" => {
                over(&editor, &id);
                editor.wait_text("cancelled");
            }
            "stop" => wait_status(&editor, &id, "done"),
            _ => editor.wait_lua("#require('agor').sessions() == 0"),
        }
    }
}

#[test]
fn an_agent_that_dies_takes_its_questions_along() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission 2");
    editor.wait_text("1 of 2");
    editor.lua("assert(require('agor').stop(..., { force = true }))", &[id.as_str().into()]);
    editor.wait_lua(&pending(0));
    floats(&editor, 0);
    editor.wait_no_text("waiting");
}

#[test]
fn several_sessions_ask_at_once_and_each_gets_its_own_answer() {
    let editor = demo_editor(WIDE);
    let one = start(&editor, "permission");
    editor.wait_text("demo asks: Bash");
    let two = start_hidden(&editor, "permission 2");
    editor.wait_text("1 of 3");
    editor.wait_lua("require('agor').statusline():find('3 waiting', 1, true)");
    editor.command("Agor permit");
    press(&editor, "1", &pending(2));
    over(&editor, &one);
    press(&editor, "3", &pending(1));
    press(&editor, "3", &pending(0));
    over(&editor, &two);
    assert!(settled(&editor, &one).contains("- 1: allowed"));
    editor.command(&format!("edit agor://{two}"));
    painted(&editor, &two, "- 1: refused\n- 2: refused");
}

#[test]
fn the_agents_own_questions_take_one_several_and_free_answers() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "ask");
    editor.wait_text("Which colour do you want?");
    editor.wait_text("Like the sky");
    editor.command("Agor permit");
    press(&editor, "2", "vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]:find('Tests', 1, true)");
    editor.wait_text("Several may be chosen");
    press(&editor, "2", "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]:find('◼', 1, true)");
    press(&editor, "1", "vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]:find('◼', 1, true)");
    press(&editor, "<CR>", &pending(0));
    let text = settled(&editor, &id);
    let answers = text.lines().find(|line| line.starts_with("Your answers")).unwrap_or_default();
    for part in ["Green", "Tests", "Docs"] {
        assert!(answers.contains(part), "{text}");
    }
    assert!(!answers.contains("Blue"), "{text}");
}

#[test]
fn declining_the_agents_questions_says_so() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "ask");
    // The transcript tells of the question before it can be answered.
    editor.wait_text("demo asks: Colour");
    editor.command("Agor permit");
    press(&editor, "r", &pending(0));
    let text = settled(&editor, &id);
    assert!(text.contains("You did not answer."), "{text}");
}

#[test]
fn a_plan_is_edited_before_it_is_approved() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "plan");
    editor.wait_text("demo has a plan");
    editor.wait_text("Show a plan");
    editor.command("Agor permit");
    press(&editor, "e", "vim.bo.filetype == 'markdown'");
    floats(&editor, 0);
    editor.input("Goone step of my own<Esc>:w<CR>");
    let text = settled(&editor, &id);
    assert!(text.contains("The approved plan:") && text.contains("one step of my own"), "{text}");
    editor.wait_lua(&pending(0));
    editor.wait_lua("not vim.iter(vim.api.nvim_list_bufs()):any(function(b) return vim.api.nvim_buf_get_name(b):find('agor-plan', 1, true) end)");
}

#[test]
fn a_plan_is_approved_or_sent_back_as_it_stands() {
    for (key, expect) in [("1", "The approved plan:"), ("2", "The plan was refused")] {
        let editor = demo_editor(WIDE);
        let id = start(&editor, "plan");
        editor.wait_text("demo has a plan");
        editor.command("Agor permit");
        press(&editor, key, &pending(0));
        assert!(settled(&editor, &id).contains(expect));
    }
}

#[test]
fn in_a_small_terminal_the_question_leaves_prompt_and_choices_readable() {
    for size in [(80, 24), (60, 16)] {
        let editor = demo_editor(size);
        let id = start(&editor, "permission");
        for text in ["demo asks: Bash", "echo 1", "1 Allow once", "3 Reject", ":Agor permit answers"] {
            editor.wait_text(text);
        }
        editor.command("Agor permit 1");
        settled(&editor, &id);
        assert!(!transcript(&editor, &id).is_empty());
    }
}

#[test]
fn the_question_follows_the_user_into_another_tabpage() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission");
    editor.wait_text("demo asks: Bash");
    editor.command("tabnew");
    editor.wait_text("demo asks: Bash");
    editor.command("Agor permit 1");
    over(&editor, &id);
    editor.wait_no_text("demo asks: Bash");
    editor.command("tabclose");
    editor.wait_text("1: allowed");
    floats(&editor, 0);
}

#[test]
fn what_is_allowed_for_longer_is_not_asked_again() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "permission");
    editor.wait_text("a Allow for longer");
    editor.command("Agor permit");
    press(&editor, "a", "vim.api.nvim_get_current_line():find('this turn', 1, true) ~= nil");
    editor.wait_text("1 this turn: only the command `echo 1`");
    editor.wait_text("6 this session: commands `echo …`");
    press(&editor, "6", &pending(0));
    settled(&editor, &id);
    editor.lua("_G.send(...)", &[id.as_str().into(), "permission 2".into()]);
    let text = settled(&editor, &id);
    assert!(text.contains("- 1: allowed\n- 2: allowed"), "{text}");
    assert!(text.contains("Allow once (granted for this session: commands `echo …`)"), "{text}");
    editor.command("Agor grants");
    editor.wait_text("commands `echo …`");
    editor.wait_lua("vim.bo.filetype == 'agor-grants'");
    editor.input("d");
    editor.wait_lua("vim.bo.filetype ~= 'agor-grants'");
    editor.lua("_G.send(...)", &[id.as_str().into(), "permission".into()]);
    editor.wait_text("a Allow for longer");
    editor.command("Agor permit 3");
    settled(&editor, &id);
}

#[test]
fn of_a_change_that_is_too_long_for_the_float_all_can_be_read() {
    let editor = demo_editor(WIDE);
    let lines: String = (1..=5_000).map(|line| format!("line {line}\\n")).collect();
    let script = [
        r#"{"type":"ready","capabilities":["permission","multi_turn"]}"#.to_owned(),
        format!(
            r#"{{"type":"permission_request","requestId":"r","toolName":"Odd","input":{{"content":"{lines}"}},"options":[{{"optionId":"y","name":"Yes","kind":"allow_once"}}]}}"#
        ),
    ];
    let script = editor.home().write("long.sh", format!("cat <<'END'\n{}\nEND\ncat >/dev/null\n", script.join("\n")));
    editor.lua(
        "require('agor').setup({ provider = 'demo', providers = { long = { protocol = 'sidecar', command = { 'sh', ... } } } })",
        &[script.to_string_lossy().into()],
    );
    editor.lua("assert(require('agor').start({ provider = 'long', prompt = 'go' }))", &[]);
    editor.wait_text("asks: Odd");
    editor.input(":Agor permit<CR>");
    editor.wait_lua("vim.bo.filetype == 'agor-question'");
    press(&editor, "K", "vim.bo.filetype == 'agor-detail'");
    editor.wait_lua("vim.fn.search('line 5000', 'n') > 0");
    editor.input("q");
    editor.wait_lua("vim.bo.filetype == 'agor-question'");
    press(&editor, "1", &pending(0));
}
