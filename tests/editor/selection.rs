//! The selection as a prompt, exact to the byte, by every way that there is: what counts is what the agent was sent.

use std::fs;

use crate::support::{Ear, Options};
use rmpv::Value;

/// An editor with one file of the project, and a session that listens.
#[track_caller]
fn open(name: &str, text: impl AsRef<[u8]>) -> Ear {
    let options = Options { args: vec![name.into()], ..Options::default() };
    options.home.write(name, text);
    let mut ear = Ear::start(options);
    ear.editor.input(":AgorStart hello<CR>");
    assert_eq!(ear.prompt(), "hello");
    ear
}

/// The next prompt is text of a file and ends with its place; the text.
#[track_caller]
fn selected(ear: &mut Ear) -> String {
    let prompt = ear.prompt();
    match prompt.rsplit_once("\n\n(From `") {
        Some((text, place)) if place.ends_with(')') => text.to_owned(),
        _ => panic!("no place at the end of {prompt:?}"),
    }
}

#[test]
fn without_words_the_text_is_the_prompt_and_its_place_goes_along() {
    let ear = &mut open("src/ä b.rs", "one\ntwo\nthree\n");
    ear.editor.lua("vim.keymap.set({ 'n', 'x' }, 'gz', '<Plug>(agor-send)')", &[]);
    for (keys, want) in [
        ("gg0lvjgz", "ne\ntw\n\n(From `src/ä b.rs`, lines 1-2, rust)"),
        ("3Ggz", "three\n\n(From `src/ä b.rs`, line 3, rust)"),
        (":2,3AgorSend<CR>", "two\nthree\n\n(From `src/ä b.rs`, lines 2-3, rust)"),
    ] {
        ear.editor.input(keys);
        assert_eq!(ear.prompt(), want, "{keys}");
    }
    ear.editor.input(":set filetype=<CR>1Ggz");
    assert_eq!(ear.prompt(), "one\n\n(From `src/ä b.rs`, line 1)");
    ear.editor.input(":enew<CR>ihello<Esc>gz");
    assert_eq!(ear.prompt(), "hello", "nothing is said of a buffer without a name");
}

/// The keys select; the selection is sent in three ways, and is the prompt each time. Registers, view, marks and cursor
/// are as they were.
#[track_caller]
fn sends(ear: &mut Ear, keys: &str, want: &str) {
    let state = "local reg = function(name)
           local info = vim.fn.getreginfo(name)
           return { info.regcontents, info.regtype, info.points_to }
         end
         local mark = function(name) return vim.fn.getpos(name) end
         local view = vim.fn.winsaveview()
         view.curswant = nil
         return vim.inspect({ vim.fn.getpos('.'), reg('\"'), reg('0'), reg('z'), reg('-'), view,
           mark(\"'[\"), mark(\"']\"), mark(\"'<\"), mark(\"'>\"), vim.fn.visualmode() })";
    for send in [":AgorSend<CR>", ":<C-u>'<lt>,'>Agor send<CR>", ":<C-u>silent '<lt>,'>AgorSend<CR>"] {
        ear.editor.input(&format!("<Esc>gg0{keys}"));
        ear.editor.input(send);
        assert_eq!(selected(ear), want, "{keys} {send}");
    }
    ear.editor.lua("vim.keymap.set('x', 'gz', '<Plug>(agor-send)')", &[]);
    ear.editor.input(&format!("<Esc>gg0{keys}<Esc>"));
    let before = ear.editor.lua_string(state, &[]);
    ear.editor.input("gvgz");
    assert_eq!(selected(ear), want, "{keys} <Plug>");
    assert_eq!(ear.editor.lua_string("return vim.fn.mode()", &[]), "n");
    assert_eq!(ear.editor.lua_string(state, &[]), before, "{keys}");
}

const TEXT: &str = "one two\n\tänd thrëe\n\n漢字 wide 👍🏽 e\u{301}t\nlast";

#[test]
fn charwise() {
    let ear = &mut open("a.txt", TEXT);
    sends(ear, "lvl", "ne");
    sends(ear, "v", "o");
    sends(ear, "v$", "one two\n");
    sends(ear, "jlvl", "än");
    sends(ear, "wvjl", "two\n\tä");
    sends(ear, "vjj", "one two\n\tänd thrëe\n\n");
    sends(ear, "3jv", "漢");
    sends(ear, "3j0lvlo", "字 ");
    sends(ear, "3j0f v$hF ", " wide 👍🏽 ");
    sends(ear, "3j0fev", "e");
    sends(ear, "3j0$bv$h", "e\u{301}t");
    sends(ear, "3j0$bv", "e\u{301}");
    sends(ear, "Gv$", "last");
    sends(ear, "Gv$h", "last");
}

#[test]
fn linewise() {
    let ear = &mut open("a.txt", TEXT);
    sends(ear, "V", "one two");
    sends(ear, "jVj", "\tänd thrëe\n");
    sends(ear, "VG", TEXT);
    sends(ear, "jjjV", "漢字 wide 👍🏽 e\u{301}t");
    sends(ear, "GVk", "漢字 wide 👍🏽 e\u{301}t\nlast");
}

#[test]
fn blockwise() {
    let ear = &mut open("a.txt", "abcdef\n漢字xyz\nab\na\tb\n\nabcdefghij\n");
    ear.editor.command("set nostartofline");
    sends(ear, "5G0<C-v>6G$hh", "\nabcdefghi");
    // As Neovim's own yank: half of a wide character or of a tab is blank, and a line that ends before is filled up.
    sends(ear, "2|<C-v>6G3|", "bc\n  \nb\n  \n  \nbc");
    sends(ear, "1|<C-v>6G2|", "ab\n漢\nab\na \n\nab");
    sends(ear, "5|<C-v>6G9|", "ef\nxyz\n     \n    b\n     \nefghi");
    sends(ear, "2|<C-v>3G$", "bcdef\n 字xyz\nb");
    // From corner to corner, whichever way.
    sends(ear, "3G2|<C-v>gg3|", "bc\n  \nb");
}

#[test]
fn with_an_exclusive_selection() {
    let ear = &mut open("a.txt", TEXT);
    ear.editor.command("set selection=exclusive");
    sends(ear, "lvll", "ne");
    sends(ear, "v$", "one two");
    sends(ear, "jlvl", "ä");
    sends(ear, "vj0l", "one two\n\t");
    sends(ear, "jV", "\tänd thrëe");
    sends(ear, "<C-v>ll", "on");
}

#[test]
fn with_virtual_editing() {
    let ear = &mut open("a.txt", "abc\n\na\tb\n");
    ear.editor.command("set virtualedit=all");
    sends(ear, "2|<C-v>3G6|", "bc   \n     \n     ");
    sends(ear, "3G4|v9|", "     b");
}

#[test]
fn a_last_line_without_its_end_and_a_file_with_dos_line_ends() {
    let ear = &mut open("dos.txt", "one\r\ntwo\r\n");
    assert_eq!(ear.editor.lua_string("return vim.bo.fileformat", &[]), "dos");
    sends(ear, "Vj", "one\ntwo");
    sends(ear, "v$", "one\n");
    ear.editor.input("ggV:AgorSend Why?<CR>");
    assert_eq!(ear.prompt(), "Why?\n\nFrom `dos.txt`, line 1:\n```text\none\n```");
    let ear = &mut open("cr.txt", "one\r\ntwo\n");
    sends(ear, "V", "one\r");
}

#[test]
fn bytes_that_are_no_text() {
    // Not told to be anything else, Neovim reads these as latin1; told, as they are.
    let ear = &mut open("a.bin", b"a\xffb\xe2\x82c\x00d\n");
    ear.editor.command("edit ++enc=utf-8 ++bad=keep");
    // The two bytes begin one character that never comes: together they are one that cannot be read.
    sends(ear, "V", "a\u{fffd}b\u{fffd}c\0d");
    sends(ear, "lv", "\u{fffd}");
}

#[test]
fn inside_folds_and_wrapped_lines_nothing_is_different() {
    let ear = &mut open("a.txt", "one two three four\n".repeat(20));
    ear.editor.command("set foldmethod=manual | 5,9fold | vertical resize 10 | set wrap");
    sends(ear, "wve", "two");
    // A closed fold is taken whole, as Neovim does.
    sends(ear, "4jV", "one two three four\n".repeat(5).trim_end());
}

/// With words, the selection goes along in a fence with its place.
#[track_caller]
fn goes_along(ear: &mut Ear, keys: &str, want: &str) {
    ear.editor.input(&format!("<Esc>gg0{keys}:AgorSend Why?<CR>"));
    assert_eq!(ear.prompt(), format!("Why?\n\n{want}"), "{keys}");
}

#[test]
fn with_its_path_lines_and_filetype() {
    let ear = &mut open("src/ä b.rs", "fn main() {\n    let a = \"```\";\n}\n\n");
    goes_along(ear, "V", "From `src/ä b.rs`, line 1:\n```rust\nfn main() {\n```");
    goes_along(ear, "jwwvj0", "From `src/ä b.rs`, lines 2-3:\n````rust\na = \"```\";\n}\n````");
    // The empty line at the end is a line, too.
    goes_along(ear, "jjVj", "From `src/ä b.rs`, lines 3-4:\n```rust\n}\n\n```");
    goes_along(ear, "jjv$", "From `src/ä b.rs`, line 3:\n```rust\n}\n\n```");
    ear.editor.input("Gonew<Esc>");
    goes_along(ear, "GV", "From `src/ä b.rs`, line 5, unsaved:\n```rust\nnew\n```");
    ear.editor.command("silent write");
    goes_along(ear, "GV", "From `src/ä b.rs`, line 5:\n```rust\nnew\n```");
}

#[test]
fn of_buffers_without_a_name_or_a_file() {
    let ear = &mut open("a.txt", "a\n");
    ear.editor.command("enew");
    ear.editor.input("ihello<Esc>");
    goes_along(ear, "V", "From an unnamed buffer, line 1, unsaved:\n```\nhello\n```");
    ear.editor.input("<Esc>gg0vl:AgorSend<CR>");
    assert_eq!(ear.prompt(), "he");
    ear.editor.command("silent! edit new.lua");
    ear.editor.input("ireturn<Esc>");
    goes_along(ear, "V", "From `new.lua`, line 1, unsaved:\n```lua\nreturn\n```");
    ear.editor.command("help help");
    let help = ear.editor.lua_string("return vim.fs.normalize(vim.api.nvim_buf_get_name(0))", &[]);
    ear.editor.input("<Esc>gg0V:AgorSend Why?<CR>");
    let prompt = ear.prompt();
    assert!(prompt.contains(&format!("From `{help}`, line 1:\n```help\n")), "{prompt}");
    // A file beside the session's directory keeps its whole path.
    let other = ear.editor.home().path().join("other.txt");
    fs::write(&other, "x\n").expect("the home takes files");
    ear.editor.command(&format!("edit {}", other.display()));
    goes_along(ear, "V", &format!("From `{}`, line 1:\n```text\nx\n```", other.display()));
}

#[test]
fn other_ranges_are_whole_lines() {
    let ear = &mut open("a.txt", "one\ntwo\nthree\nfour\n");
    // There is a selection, but the range is not its own.
    ear.editor.input("ggjlvj<Esc>");
    for (line, want) in [
        ("2,3AgorSend", "two\nthree"),
        ("%AgorSend", "one\ntwo\nthree\nfour"),
        ("4Agor send", "four"),
        ("$AgorSend", "four"),
        ("/three/AgorSend", "three"),
        (".,+1AgorSend", "two\nthree"),
        ("'<lt>AgorSend", "two"),
        ("'<lt>;+1AgorSend", "two\nthree"),
        ("silent 1,2AgorSend", "one\ntwo"),
        ("'<lt>,'>AgorSend", "wo\nth"),
        ("*AgorSend", "wo\nth"),
        ("keepalt '<lt>,'>Agor send", "wo\nth"),
    ] {
        ear.editor.input(&format!("2G:{line}<CR>"));
        assert_eq!(selected(ear), want, "{line}");
    }
}

#[test]
fn commands_and_maps_of_the_users_own() {
    let ear = &mut open("a.txt", "one\ntwo\nthree\n");
    ear.editor.lua(
        "vim.api.nvim_create_user_command('Ask', '<line1>,<line2>AgorSend <args>', { range = true, nargs = '*' })
         vim.keymap.set('x', 'g1', ':AgorSend<CR>', { silent = true })
         vim.keymap.set('x', 'g2', '<Cmd>AgorSend<CR>')
         vim.keymap.set('x', 'g3', function() vim.cmd('AgorSend') end)
         vim.keymap.set('x', 'g4', ':<C-u>\\'<,\\'>AgorSend<CR>')",
        &[],
    );
    for keys in ["g1", "g2", "g3", "g4", ":Ask<CR>"] {
        ear.editor.input(&format!("<Esc>gg0lvj{keys}"));
        assert_eq!(selected(ear), "ne\ntw", "{keys}");
        ear.editor.wait_lua("vim.fn.mode() == 'n'");
    }
    ear.editor.input(":2,3Ask<CR>");
    assert_eq!(selected(ear), "two\nthree");
}

#[test]
fn the_map_takes_the_line_or_count_lines() {
    let ear = &mut open("a.txt", "one\n\ttwo\nthree\nfour\n");
    ear.editor.lua("vim.keymap.set('n', 'gz', '<Plug>(agor-send)')", &[]);
    for (keys, want) in [("gggz", "one"), ("2G2gz", "\ttwo\nthree"), ("3G9gz", "three\nfour")] {
        ear.editor.input(keys);
        assert_eq!(selected(ear), want, "{keys}");
    }
}

#[test]
fn the_operator_takes_any_motion_and_is_repeated() {
    let ear = &mut open("a.txt", "one two three\nfour \"five six\" seven\n\nä漢 eight\n");
    ear.editor.lua(
        "vim.keymap.set('n', 'gs', '<Plug>(agor-send-operator)')
         _G.asked = 0
         vim.ui.input = function(_, done) _G.asked = _G.asked + 1 done(_G.words) end
         _G.words = ''",
        &[],
    );
    for (keys, want) in [
        ("gg0gsw", "one "),
        ("gg0gs$", "one two three"),
        ("gg0wgse", "two"),
        ("2Gf\"lgsi\"", "five six"),
        ("gg0gsj", "one two three\nfour \"five six\" seven"),
        ("gggsip", "one two three\nfour \"five six\" seven"),
        ("4G0gsl", "ä"),
        ("4G0lgsl", "漢"),
        ("gg0wgsb", "one "),
        ("gg0gsvj", "one two three"),
    ] {
        ear.editor.input(keys);
        assert_eq!(selected(ear), want, "{keys}");
    }
    let asked = ear.editor.lua("return _G.asked", &[]);
    // The same words on the next text, without being asked again.
    ear.editor.lua("_G.words = 'Why | \"so\" %?'", &[]);
    ear.editor.input("gg0gsiw");
    assert_eq!(ear.prompt(), "Why | \"so\" %?\n\nFrom `a.txt`, line 1:\n```text\none\n```");
    ear.editor.input("w.");
    assert_eq!(ear.prompt(), "Why | \"so\" %?\n\nFrom `a.txt`, line 1:\n```text\ntwo\n```");
    ear.editor.input("j0.");
    assert_eq!(ear.prompt(), "Why | \"so\" %?\n\nFrom `a.txt`, line 2:\n```text\nfour\n```");
    assert_eq!(ear.editor.lua("return _G.asked", &[]), Value::from(asked.as_u64().unwrap_or(0) + 1));
    // Not asked to the end: nothing is sent, and `.` goes on with the words that there were.
    ear.editor.lua("_G.words = nil", &[]);
    ear.editor.input("gg0gsiw");
    ear.editor.input(":AgorSend marker<CR>");
    assert_eq!(ear.prompt(), "marker");
}

/// What the draft holds, as the user sees it.
fn draft(ear: &Ear) -> String {
    ear.editor.lua_string(
        "for _, buf in ipairs(vim.api.nvim_list_bufs()) do
           if vim.bo[buf].filetype == 'agor-prompt' then
             return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n')
           end
         end
         return 'no draft'",
        &[],
    )
}

#[test]
fn selections_are_gathered_in_the_draft() {
    let ear = &mut open("src/a.lua", "one\ntwo\nthree\n");
    ear.editor.input("gg0lvj:AgorPrompt<CR>");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    assert_eq!(draft(ear), "#src/a.lua:1-2\n");
    ear.editor.input("<Esc><C-w>h");
    ear.editor.wait_lua("vim.bo.filetype == 'lua'");
    ear.editor.input(":3AgorPrompt Explain %, | and \"x\"<CR>");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    assert_eq!(draft(ear), "#src/a.lua:1-2\n#src/a.lua:3\nExplain %, | and \"x\"");
    ear.editor.wait_text("1 line");
    ear.editor.input(", please<C-s>");
    assert_eq!(
        ear.prompt(),
        "Explain %, | and \"x\", please\n\nFrom `src/a.lua`, lines 1-2:\n```lua\nne\ntw\n```\n\nFrom `src/a.lua`, line 3:\n```lua\nthree\n```"
    );
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    assert_eq!(draft(ear), "");
}

#[test]
fn the_prompt_map_takes_a_selection_and_nothing_else() {
    let ear = &mut open("a.txt", "one\ntwo\n");
    ear.editor.lua("vim.keymap.set({ 'n', 'x' }, 'gp', '<Plug>(agor-prompt)')", &[]);
    ear.editor.input("gg0vlgp");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    assert_eq!(draft(ear), "#a.txt:1\n");
    ear.editor.input("<Esc><C-w>hgp");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    assert_eq!(draft(ear), "#a.txt:1\n");
    // The same lines, but other text: both go.
    ear.editor.input("<Esc><C-w>hgg0lvlgp");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    ear.editor.input("Both<C-s>");
    let prompt = ear.prompt();
    assert!(prompt.contains("```text\non\n```") && prompt.contains("```text\nne\n```"), "{prompt}");
}

#[test]
fn without_a_session_a_selection_starts_one() {
    let options = Options { args: vec!["a.txt".into()], ..Options::default() };
    options.home.write("a.txt", "one\ntwo\n");
    let mut ear = Ear::start(options);
    ear.editor.input("gg0vl:AgorSend<CR>");
    assert_eq!(selected(&mut ear), "on");
    assert_eq!(ear.editor.lua_string("return vim.fn.bufname()", &[]), "a.txt", "the cursor stays");
}

#[test]
fn without_a_session_a_selection_for_the_draft_starts_one() {
    let options = Options { args: vec!["a.txt".into()], ..Options::default() };
    options.home.write("a.txt", "one\ntwo\n");
    let mut ear = Ear::start(options);
    ear.editor.input("gg0vl:AgorPrompt<CR>");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    assert_eq!(draft(&ear), "#a.txt:1\n");
    ear.editor.input("Why?<C-s>");
    assert_eq!(ear.prompt(), "Why?\n\nFrom `a.txt`, line 1:\n```text\non\n```");
}

#[test]
fn a_selection_of_a_megabyte_arrives_whole() {
    let text = "ä\"\\|%#漢 \t\n".repeat(70_000);
    let ear = &mut open("a.txt", &text);
    ear.editor.input("ggVG:AgorSend<CR>");
    assert!(selected(ear) == text.strip_suffix('\n').unwrap_or_default(), "the text is another");
}

#[test]
fn a_session_is_named_by_its_id() {
    let ear = &mut open("a.txt", "one\n");
    let first = ear.editor.lua_string("return require('agor').sessions()[1].session_id", &[]);
    ear.editor.input(":AgorStart second<CR>");
    assert_eq!(ear.prompt(), "second");
    ear.editor.input(&format!(":AgorSend @{first} to the first<CR>"));
    let query = ear.query();
    assert_eq!((query["sessionId"].as_str(), query["prompt"].as_str()), (Some(first.as_str()), Some("to the first")));
    // A name that is nearly one is a slip; any other is the agent's matter.
    ear.editor.input(&format!(":AgorSend @{first}x hello<CR>"));
    ear.editor.wait_lua("vim.fn.execute('messages'):find('did you mean', 1, true)");
    for words in ["@src/main.rs explain", "mail me@home"] {
        ear.editor.input(&format!("<Esc>:AgorSend {words}<CR>"));
        assert_eq!(ear.prompt(), words);
    }
}
