//! What is asked of every agent, in a real Neovim: each behaviour once, and below the list of who shows it.

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

fn a_conversation_goes_on_after_the_editor_was_killed_in_mid_command(agent: &'static Agent) {
    let mut desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.editor.wait_text("Echo: remember-me");
    let conversation = desk.messages("init")[0]["session_id"].as_str().expect("an id").to_owned();
    desk.wait_kept("remember-me");
    desk.type_command(&format!("AgorSend {}", desk.shell("touch began; sleep 1000")));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    desk.type_command(&format!("AgorStart {} resume={conversation} SCENARIO:text", agent.name));
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("This is a plain answer.");
    let told = desk.mock.told();
    assert!(told.contains("Echo: remember-me"), "{told}");
}

macro_rules! agents {
    ($($module:ident = $agent:ident: $($test:ident)*;)*) => { $(
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(&crate::agent::$agent);
                }
            )*
        }
    )* };
}

agents! {
    claude = CLAUDE: a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
}
