//! What is asked of every agent where several of them work at once: prompts that wait, what is allowed for longer, what was
//! changed, worktrees, accounts. Below the list of who shows it.

use rmpv::Value;
use serde_json::Value as Json;

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

/// The scenarios that the model was asked to play, without those beside the conversation, each once.
fn played(desk: &Desk) -> Vec<String> {
    let said = |request: &Json| {
        let part = |name: &str| request[name].as_str().filter(|part| !part.is_empty());
        // One of the servers has both in one.
        [part("scenario"), part("argument")].into_iter().flatten().collect::<Vec<_>>().join(":")
    };
    let mut all: Vec<String> = desk.mock.requests().iter().map(said).collect();
    all.dedup();
    all
}

fn prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:slow:1000");
    desk.editor.wait_text("slow1 ");
    for word in ["first", "second", "third"] {
        desk.type_command(&format!("AgorSend SCENARIO:echo:{word}"));
    }
    desk.wait("s.queued == 3");
    desk.type_command("AgorInterrupt");
    desk.wait_turns(1);
    desk.wait("s.queued == 3 and s.held == 'interrupted'");
    assert!(!played(&desk).concat().contains("echo"), "no agent has a prompt before its time: {:?}", played(&desk));

    desk.type_command("AgorQueue");
    desk.editor.wait_lua("vim.bo.filetype == 'agor-queue' and vim.api.nvim_buf_line_count(0) == 3");
    desk.editor.input("GK");
    desk.editor.wait_text(" 2  SCENARIO:echo:third");
    desk.editor.input("ggdd");
    desk.wait("s.queued == 2");
    desk.editor.wait_text(" 1  SCENARIO:echo:third");
    desk.editor.input("r");
    desk.wait_turns(3);
    desk.wait_status("idle");
    let played = played(&desk);
    assert_eq!(played[played.len() - 2..], ["echo:third", "echo:second"]);
    let transcript = desk.transcript();
    for word in ["third", "second"] {
        assert_eq!(transcript.matches(&format!("Echo: {word}")).count(), 1, "{transcript}");
    }
    assert!(!transcript.contains("echo:first"), "{transcript}");
}

fn a_turn_that_runs_takes_in_what_is_given_to_it(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start(&desk.shell("touch began; while [ ! -e go ]; do sleep 0.1; done"));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.editor.lua("assert(require('agor').send('SCENARIO:echo:steered', { steer = true }))", &[]);
    desk.wait(
        "vim.iter((require('agor').messages(s.session_id))):any(function(m) return m.content.steered == true end)",
    );
    assert_eq!(desk.row("queued"), Value::from(0));
    desk.editor.home().write("go", "");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("Echo: steered");
}

fn a_command_allowed_for_the_session_is_asked_about_once(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    let made = desk.editor.home().project().join("one");
    desk.start(&desk.shell("touch one"));
    desk.focus_question();
    desk.editor.wait_text("a Allow for longer");
    desk.editor.input("a");
    // The narrowest rule: this very command.
    desk.editor.wait_text("2 this session: ");
    desk.editor.input("2");
    desk.wait_turns(1);
    desk.wait_status("idle");
    std::fs::remove_file(&made).expect("the command ran");

    desk.type_command(&format!("AgorSend {}", desk.shell("touch one")));
    desk.wait_turns(2);
    desk.wait_status("idle");
    assert!(made.exists());
    let transcript = desk.transcript();
    assert!(transcript.contains("granted for this session: "), "{transcript}");

    desk.type_command(&format!("AgorSend {}", desk.shell("touch two")));
    desk.editor.wait_text(&format!("{} asks", agent.name));
    assert!(!desk.editor.home().project().join("two").exists());
    desk.answer("reject_once");
    desk.wait_turns(3);
}

/// A rule forbids what its command hides, and the model knows why.
fn forbidden(agent: &'static Agent) -> Desk {
    let policy = "policy = { deny = { 'command(touch forbidden)' }, allow = { 'command(touch allowed)' } },";
    let desk = Desk::with(Setup { provider: policy.to_owned(), ..Setup::of(agent) });
    desk.start(&desk.shell("cd . && touch forbidden"));
    desk.editor.wait_lua("vim.fn.glob(vim.fn.stdpath('data') .. '/agor/audit/*.ndjson') ~= ''");
    desk.wait("s.status == 'idle' and s.queued == 0");
    assert!(!desk.editor.home().project().join("forbidden").exists());
    let transcript = desk.transcript();
    assert!(transcript.contains("(forbidden by your rule `command(touch forbidden)` "), "{transcript}");
    desk
}

fn knows_why(desk: &Desk) {
    let told = desk.mock.requests().iter().any(|request| request.to_string().contains("They can change the rule"));
    assert!(told, "{:?}", played(desk));
    desk.type_command("AgorAudit");
    desk.editor.wait_text("denied     rule ");
}

/// It says only in words for people which command it would run: what forbids finds it there, what allows needs to know.
fn what_a_rule_forbids_is_refused(agent: &'static Agent) {
    knows_why(&forbidden(agent));
}

fn what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked(agent: &'static Agent) {
    let desk = forbidden(agent);
    desk.type_command(&format!("AgorSend {}", desk.shell("touch allowed")));
    desk.editor.wait_lua("vim.uv.fs_stat('allowed') ~= nil");
    desk.wait("s.status == 'idle' and s.pending == 0");
    let transcript = desk.transcript();
    assert!(transcript.contains("(allowed by your rule `command(touch allowed)` "), "{transcript}");
    knows_why(&desk);
    desk.editor.wait_text("allowed    rule ");
}

/// The project becomes a repository, with these files committed.
fn repository(desk: &Desk) {
    let done = desk.editor.lua_string(
        "local run = function(...)
           local out = vim.system({ 'git', '-c', 'user.name=S', '-c', 'user.email=s@example.org', ... }):wait()
           assert(out.code == 0, out.stderr)
         end
         run('init', '--quiet', '--initial-branch=main')
         run('add', '--all')
         run('commit', '--quiet', '-m', 'first')
         return 'done'",
        &[],
    );
    assert_eq!(done, "done");
}

fn what_its_commands_changed_made_and_deleted_is_listed(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.editor.home().write("gone.txt", "it was here\n");
    desk.editor.home().write("same.txt", "it stays\n");
    repository(&desk);
    desk.start(&desk.shell("echo more >> hello.txt; rm gone.txt; echo new > made.txt"));
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.type_command("AgorChanges");
    desk.editor.wait_lua("vim.bo.buftype == 'quickfix'");
    let listed = desk.editor.lua_string(
        "return table.concat(vim.tbl_map(function(item)
           return vim.fs.basename(vim.fn.bufname(item.bufnr)) .. ' ' .. item.text
         end, vim.fn.getqflist()), '\\n')",
        &[],
    );
    let files: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(files, ["gone.txt", "hello.txt", "made.txt"], "{listed}");
    desk.editor.wait_text("3 files changed");
}

fn a_worktree_is_its_own_and_a_later_editor_goes_on_there(agent: &'static Agent) {
    let mut desk = Desk::with(Setup::of(agent));
    repository(&desk);
    let worktree = desk.editor.home().path().join("project.worktrees/side");
    desk.start(&format!("worktree=side {}", desk.shell("echo one > made.txt")));
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.row("cwd"), Value::from(worktree.to_string_lossy().as_ref()));
    assert_eq!(std::fs::read_to_string(worktree.join("made.txt")).expect("the command ran there"), "one\n");
    assert!(!desk.editor.home().project().join("made.txt").exists());
    desk.type_command("AgorSend SCENARIO:echo:remember-me");
    desk.wait_turns(2);
    desk.wait_kept("remember-me");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    desk.let_time_pass();
    desk.type_command("Agor resume continue");
    desk.editor.wait_text("Echo: remember-me");
    desk.editor.input("<Esc>");
    desk.type_command(&format!("AgorSend {}", desk.shell("echo two > made.txt")));
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(std::fs::read_to_string(worktree.join("made.txt")).expect("the command ran there"), "two\n");
    assert!(desk.mock.told().contains("Echo: remember-me"), "it is the same conversation");
}

fn its_instructions_reach_the_model(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.editor.lua(
        "assert(require('agor').start({ prompt = 'SCENARIO:text', system_prompt = 'Say it in rhymes, twice.' }))",
        &[],
    );
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert!(desk.mock.told().contains("Say it in rhymes, twice."), "{}", desk.mock.told());
}

fn its_turns_are_counted(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.type_command(&format!("AgorStart {} max_turns=2 permission_mode=bypassPermissions SCENARIO:loop", agent.name));
    desk.wait_turns(1);
    let asked = desk.mock.requests().len();
    assert_eq!(asked, 2, "{}", desk.transcript());
    desk.editor.wait_text("max");
}

agents! {
    claude = CLAUDE:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there
        its_instructions_reach_the_model
        its_turns_are_counted;
    gemini = GEMINI:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there;
    opencode = OPENCODE:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there;
    codex = CODEX:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_turn_that_runs_takes_in_what_is_given_to_it
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there
        its_instructions_reach_the_model;
    claude_agent_acp = CLAUDE_AGENT_ACP:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there
        its_instructions_reach_the_model
        its_turns_are_counted;
    codex_acp = CODEX_ACP:
        prompts_wait_for_the_turns_end_and_are_held_by_an_interrupt
        a_command_allowed_for_the_session_is_asked_about_once
        what_a_rule_forbids_is_refused_and_what_one_allows_is_not_asked
        what_its_commands_changed_made_and_deleted_is_listed
        a_worktree_is_its_own_and_a_later_editor_goes_on_there;
}
