//! What is asked of every agent of which conversations are found again: those of a terminal, those of another account, and
//! those that the agent itself has lost. Below the list of who shows it.

use std::fs;

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

fn a_conversation_begun_in_a_terminal_is_found_read_and_goes_on(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.in_a_terminal("SCENARIO:echo:remember-me", &[]);
    desk.in_a_terminal("SCENARIO:echo:something-else", &[]);
    desk.type_command("Agor resume");
    desk.editor.wait_text("· 2 ");
    desk.editor.wait_text("the agent's own");
    desk.editor.input("\"Echo: remember\"");
    desk.editor.wait_text("· 1 ");
    // Its preview.
    desk.editor.wait_text("❯ SCENARIO:echo:remember-me");
    desk.editor.input("<CR>");
    desk.editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    desk.wait("require('agor.mirror').get(s.session_id).title:find('remember%-me') ~= nil");
    desk.editor.wait_text("Echo: remember-me");
    desk.editor.input("SCENARIO:text<C-s>");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.mock.told().contains("Echo: remember-me"), "{}", desk.mock.told());
    let transcript = desk.transcript();
    assert_eq!(transcript.matches("Echo: remember-me").count(), 1, "the past is told once: {transcript}");
    assert!(transcript.contains("This is a plain answer."), "{transcript}");

    // It is one session now, not two.
    desk.editor.input("<Esc>");
    desk.type_command("Agor resume");
    desk.editor.wait_text("· 2 ");
}

fn a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one(agent: &'static Agent) {
    let mut desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.editor.wait_text("Echo: remember-me");
    desk.wait_kept("remember-me");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    for path in desk.kept_files() {
        fs::remove_file(path).expect("it was there");
    }
    desk.type_command("Agor resume continue");
    desk.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    desk.editor.input("SCENARIO:echo:later<C-s>");
    desk.wait_status("error");
    desk.editor.wait_text("/seed");
    desk.editor.wait_lua("vim.api.nvim_get_current_line() == 'SCENARIO:echo:later'");
    desk.editor.input("<Esc>cc/seed<C-s>");
    desk.editor.wait_text("begins a new conversation and brings");
    desk.editor.input("<Esc>ccSCENARIO:text<C-s>");
    desk.wait(
        "s.status == 'idle' and #vim.tbl_filter(function(m) return m.type == 'text' end,
           (require('agor').messages(s.session_id))) == 2",
    );
    let told = desk.mock.told();
    assert!(told.contains("SCENARIO:text") && told.contains("Echo: remember-me"), "{told}");
    assert!(told.contains("earlier conversation about this project"), "{told}");
    assert!(!told.contains("echo:later"), "what was not sent is not told: {told}");
}

fn each_account_has_its_own_conversations(agent: &'static Agent) {
    let mut desk = Desk::with(Setup::of(agent));
    let other = desk.account("other");
    desk.start(&format!("config_dir={} SCENARIO:echo:remember-me", other.display()));
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.kept_files(), Vec::<std::path::PathBuf>::new(), "nothing in the first account's");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    desk.type_command("Agor resume continue");
    desk.editor.wait_text("Echo: remember-me");
    desk.editor.input("<Esc>");
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.mock.told().contains("Echo: remember-me"), "{}", desk.mock.told());
    assert_eq!(desk.kept_files(), Vec::<std::path::PathBuf>::new(), "nothing in the first account's");
}

fn a_conversation_of_another_account_is_taken_up_with_its_past(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    let other = desk.account("other");
    let variable = agent.account.expect("it has accounts");
    desk.in_a_terminal("SCENARIO:echo:remember-me", &[(variable, &other.display().to_string())]);
    let kept =
        desk.files_like(&format!("other/{}", agent.conversations.split_once('/').expect("below its directory").1));
    let [kept] = kept.as_slice() else { panic!("one conversation: {kept:?}") };
    let name = kept.file_stem().and_then(|name| name.to_str()).expect("a name");
    // Codex puts the time before it.
    let id = &name[name.len() - 36..];
    desk.start(&format!("config_dir={} resume={id}", other.display()));
    desk.editor.wait_text("Echo: remember-me");
    desk.editor.input("SCENARIO:text<C-s>");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.mock.told().contains("Echo: remember-me"), "{}", desk.mock.told());
}

agents! {
    claude = CLAUDE:
        a_conversation_begun_in_a_terminal_is_found_read_and_goes_on
        a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one
        each_account_has_its_own_conversations
        a_conversation_of_another_account_is_taken_up_with_its_past;
    codex = CODEX:
        a_conversation_begun_in_a_terminal_is_found_read_and_goes_on
        a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one
        each_account_has_its_own_conversations
        a_conversation_of_another_account_is_taken_up_with_its_past;
    gemini = GEMINI:
        a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one;
    opencode = OPENCODE:
        a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one;
    claude_agent_acp = CLAUDE_AGENT_ACP:
        a_lost_conversation_is_said_to_be_and_its_transcript_goes_on_in_a_new_one;
}
