//! Keys that ask what stands under the cursor: `K`, `gy`, `gf` in diffs, with the real backend.

use crate::support::{demo_editor, go_to, settled, start};

const WIDE: (u16, u16) = (140, 36);

#[test]
fn what_is_yanked_is_what_was_said() {
    let editor = demo_editor(WIDE);
    let id = start(&editor, "stream 20 0 100 markdown");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    // In a block the code alone, in the order of its lines, without its fence.
    editor.input("gg/^fn main<CR>gy");
    editor.wait_text("4 lines of rust yanked");
    let code = editor.lua_string("return vim.fn.getreg('\"')", &[]);
    assert!(code.starts_with("fn main() {\n    let answer") && code.ends_with("}\n"), "{code:?}");
    // Elsewhere the whole message.
    editor.input("gg/[Hh]ead<CR>\"bgy");
    editor.wait_text("of the message yanked into \"b");
    let same = "local text = vim.fn.getreg('b')
         for _, message in ipairs((require('agor').messages(..., {}))) do
           if message.type == 'text' and (message.content.text == text or message.content.text .. '\\n' == text) then
             return 'the same'
           end
         end
         return text";
    assert_eq!(editor.lua_string(same, &[id.as_str().into()]), "the same");
}

#[test]
fn a_diff_leads_to_its_lines_and_is_seen_whole() {
    let editor = demo_editor(WIDE);
    let text: String = (1..=40).map(|n| format!("line {n}\n")).collect();
    editor.home().write("long.txt", text);
    let id = start(&editor, "edit long.txt");
    editor.wait_text("The agent asks for permission");
    editor.wait_text("waiting for you");
    editor.wait_text("demo asks: Edit");
    editor.command("Agor permit 1");
    settled(&editor, &id);
    go_to(&editor, "transcript");
    editor.input("gg]c");
    editor.wait_lua("vim.api.nvim_get_current_line():find('^%s+%d+ %+') ~= nil");
    let line = editor.lua("return tonumber(vim.api.nvim_get_current_line():match('%d+'))", &[]);
    editor.input("K");
    editor.wait_lua("vim.bo.filetype == 'agor-detail'");
    editor.wait_text("long.txt +1");
    editor.input("q");
    editor.wait_lua("vim.bo.filetype == 'agor'");
    editor.input("gf");
    editor.wait_lua("vim.fn.expand('%:t') == 'long.txt'");
    assert_eq!(editor.lua("return vim.fn.line('.')", &[]), line);
}
