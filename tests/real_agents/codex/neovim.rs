//! What is Codex's own, in a real Neovim.

use crate::{
    agent::CODEX,
    desk::{Desk, Setup},
};

#[test]
fn a_login_that_was_refused_is_read_anew_for_the_next_prompt() {
    let desk = Desk::with(Setup::of(&CODEX));
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.wait_status("idle");
    let before = desk.agent_pids();
    desk.type_command("AgorSend SCENARIO:error401");
    desk.wait_turns(2);
    desk.editor.wait_text("Run :Agor login codex");
    desk.wait_status("error");
    desk.wait("s.wait.cause == 'login'");
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(3);
    desk.wait_status("idle");
    desk.editor.wait_text("This is a plain answer.");
    assert!(desk.mock.told().contains("Echo: remember-me"), "it is the same conversation");
    let after = desk.agent_pids();
    assert!(after.len() == 1 && after != before, "{before:?}, then {after:?}");
}

#[test]
fn a_retry_says_why_and_which_it_is() {
    let desk = Desk::with(Setup::of(&CODEX));
    desk.start("SCENARIO:error429");
    desk.wait("s.wait and s.wait.cause == 'rate_limit' and s.wait.attempt == 1");
    desk.interrupt();
    desk.wait_turns(1);
    desk.wait("s.wait == nil");
}
