//! What is asked of agents that run behind a real OpenSSH server on loopback. "There" is this machine under the home of the
//! test; nothing of ours knows that.

use crate::{
    agent::{self, Agent},
    desk::{Desk, Setup},
    sshd::Sshd,
};

/// An editor whose agent is there.
fn desk(agent: &'static Agent, sshd: &Sshd) -> Desk {
    let wrap: Vec<String> = sshd.wrap().iter().map(|word| format!("[==[{word}]==]")).collect();
    let program = agent::program(agent.name).display().to_string();
    Desk::with(Setup {
        provider: format!(
            "wrap = {{ {} }},
             command = vim.list_extend({{ [==[{program}]==] }}, vim.list_slice(require('agor.agents').new()['{}'].command, 2)),",
            wrap.join(", "),
            agent.name,
        ),
        whole_env: true,
        ..Setup::of(agent)
    })
}

fn it_works_over_ssh_and_goes_on_after_the_editor_was_killed(agent: &'static Agent) {
    let sshd = Sshd::start();
    let mut desk = desk(agent, &sshd);
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.editor.wait_text("Echo: remember-me");
    desk.wait_kept("remember-me");
    desk.type_command(&format!("AgorSend {}", desk.shell("touch made.txt; touch began; sleep 1000")));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    desk.type_command("Agor resume continue");
    desk.editor.wait_text("Echo: remember-me");
    desk.editor.input("<Esc>");
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.mock.told().contains("Echo: remember-me"), "it is the same conversation: {}", desk.mock.told());

    desk.type_command(&format!("AgorSend {}", desk.shell("touch again; sleep 1001")));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('again') ~= nil");
    desk.type_command("AgorInterrupt");
    desk.wait_turns(2);
    desk.wait_gone("sleep 1001");
    desk.editor.quit("qa!");
    desk.editor.assert_nothing_left();
}

agents! {
    claude = CLAUDE:
        it_works_over_ssh_and_goes_on_after_the_editor_was_killed;
    codex = CODEX:
        it_works_over_ssh_and_goes_on_after_the_editor_was_killed;
    opencode = OPENCODE:
        it_works_over_ssh_and_goes_on_after_the_editor_was_killed;
}
