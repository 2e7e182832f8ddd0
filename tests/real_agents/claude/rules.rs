//! A user's rules with the real Claude Code, in the modes in which it asks nothing: it tells of each call before that runs.

use crate::{
    agent::CLAUDE,
    desk::{Desk, Setup},
};

const POLICY: &str = "policy = {
    deny = { 'command(touch forbidden)', 'edit(secret.txt)', 'read(key.txt)' }, ask = { 'command(touch asked)' },
},";

fn desk(prompt: &str) -> Desk {
    let desk = Desk::with(Setup { provider: POLICY.to_owned(), ..Setup::of(&CLAUDE) });
    desk.editor.home().write("key.txt", "0x5ec4e7\n");
    desk.type_command(&format!("AgorStart claude {prompt}"));
    desk
}

#[track_caller]
fn ended(desk: &Desk, rule: &str) {
    desk.wait_turns(1);
    desk.wait_status("idle");
    let transcript = desk.transcript();
    assert!(transcript.contains(&format!("(forbidden by your rule `{rule}` ")), "{transcript}");
    let told = desk.mock.requests().iter().any(|request| request.to_string().contains("They can change the rule"));
    assert!(told, "the model knows why");
    desk.type_command("AgorAudit");
    desk.editor.wait_text("denied     rule ");
}

#[test]
fn a_command_that_is_forbidden_does_not_run_where_nothing_is_asked() {
    let desk = desk("permission_mode=bypassPermissions SCENARIO:bash:cd+.+&&+touch+forbidden");
    ended(&desk, "command(touch forbidden)");
    assert!(!desk.editor.home().project().join("forbidden").exists());
}

#[test]
fn a_command_to_be_asked_about_is_asked_about_where_nothing_is_asked() {
    let desk = desk("permission_mode=bypassPermissions SCENARIO:bash:touch+asked");
    desk.editor.wait_text("claude asks: Bash");
    let made = desk.editor.home().project().join("asked");
    assert!(!made.exists());
    desk.answer("allow_once");
    desk.wait_turns(1);
    assert!(made.exists());
}

#[test]
fn what_no_rule_is_about_runs_as_it_would_without_any() {
    let desk = desk("permission_mode=bypassPermissions SCENARIO:bash:touch+free");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.editor.home().project().join("free").exists());
}

#[test]
fn a_file_that_is_forbidden_is_not_written_where_edits_are_not_asked_about() {
    let desk = desk("mode=acceptEdits SCENARIO:write:secret.txt");
    ended(&desk, "edit(secret.txt)");
    assert!(!desk.editor.home().project().join("secret.txt").exists());
}

#[test]
fn a_file_that_is_forbidden_is_not_read_though_reads_are_never_asked_about() {
    let desk = desk("SCENARIO:read:key.txt");
    ended(&desk, "read(key.txt)");
    assert!(
        !desk.mock.requests().iter().any(|request| request.to_string().contains("0x5ec4e7")),
        "nor told to anybody"
    );
}
