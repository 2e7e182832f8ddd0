//! What is asked of every agent, in a real Neovim: each behaviour once, and below the list of who shows it.

use rmpv::Value;

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

fn text_and_thoughts_stream_and_prompts_share_a_process(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:slow:25");
    desk.editor.wait_screen("text that is still streaming", |rows| {
        let rows = rows.join("\n");
        rows.contains("slow0 ") && !rows.contains("slow24")
    });
    desk.wait_status("running");
    desk.editor.wait_text("slow24");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.editor.lua_string("return vim.fn.bufname()", &[]), "hello.txt", "the cursor stays");
    let words: String = (0..25).map(|number| format!("slow{number} ")).collect();
    assert_eq!(desk.texts(), [words.trim_end()]);

    let before = desk.agent_pids();
    assert_eq!(before.len(), 1, "{:#?}", desk.agents_family());
    desk.type_command("AgorSend SCENARIO:thinking");
    desk.wait_turns(2);
    desk.wait_status("idle");
    desk.editor.wait_text("After thinking: 42.");
    let thoughts: Vec<String> = desk.messages("thinking").iter().map(|one| one["text"].to_string()).collect();
    assert!(thoughts.concat().contains("irst this, then that."), "{thoughts:?}");
    assert_eq!(desk.agent_pids(), before);
}

fn a_command_is_refused_then_allowed(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    let command = format!("SCENARIO:{}", agent.shell);
    let made = desk.editor.home().project().join("made.txt");
    desk.start(&command);
    desk.editor.wait_text(&format!("{} asks", agent.name));
    assert!(!made.exists());
    assert_eq!(desk.editor.lua_string("return vim.fn.bufname()", &[]), "hello.txt", "the focus stays");
    desk.answer("reject_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_no_text(&format!("{} asks", agent.name));
    assert!(!made.exists());

    desk.type_command(&format!("AgorSend {command}"));
    desk.answer("allow_once");
    desk.wait_turns(2);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("made.txt"), "hello-from-bash\n");
    assert!(desk.mock.told().contains("hello-from-bash"), "the model is told: {}", desk.mock.told());
    let transcript = desk.transcript();
    assert_eq!(transcript.contains("│ hello-from-bash"), agent.shows_output, "{transcript}");
    let calls = transcript.lines().filter(|line| line.contains("echo hello-from-bash > made.txt")).count();
    assert_eq!(calls, 2, "each call is shown once: {transcript}");
    assert!(!transcript.contains("running"), "no call is left open: {transcript}");
    assert_eq!(desk.row("attention"), Value::Nil);
}

fn an_edit_is_shown_before_it_lands_in_the_open_buffer(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:edit");
    desk.editor.wait_text(&format!("{} asks", agent.name));
    desk.editor.wait_screen("the change", |rows| rows.iter().any(|row| row.contains('+') && row.contains("there")));
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello world\n");
    desk.answer("allow_once");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello there\n");
    desk.editor.wait_lua("vim.fn.getline(2) == 'hello there'");
    assert_eq!(desk.editor.lua("return vim.bo.modified", &[]), Value::Boolean(false));
    desk.editor.wait_text("+1 −1");
    desk.editor.command("silent undo");
    assert_eq!(desk.editor.lua_string("return vim.fn.getline(2)", &[]), "hello world");
}

fn its_plan_is_shown_as_it_goes(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:todo");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("✓ Look");
    let transcript = desk.transcript();
    let last = transcript.lines().rev().find(|line| line.ends_with(" Fix")).unwrap_or_default();
    assert!(!last.is_empty() && !last.contains('✓'), "{transcript}");
    let plans = desk.messages("plan");
    let entries = plans.last().and_then(|plan| plan["entries"].as_array()).expect("a plan");
    let texts: Vec<_> = entries.iter().map(|entry| entry["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(texts, ["Look", "Fix"]);
}

fn an_interrupt_ends_whatever_it_does_and_keeps_the_agent(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:slow:1000");
    desk.editor.wait_text("slow1 ");
    let pids = desk.agent_pids();
    desk.type_command("AgorInterrupt");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("Interrupted");

    desk.type_command(&format!("AgorSend {}", desk.shell("touch began; sleep 1000")));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.type_command("AgorInterrupt");
    desk.wait_turns(2);
    desk.wait_status("idle");
    if agent.ends_commands {
        desk.wait_gone("sleep 1000");
    }

    desk.type_command(&format!("AgorSend SCENARIO:{}", agent.shell));
    desk.editor.wait_text(&format!("{} asks", agent.name));
    desk.type_command("AgorInterrupt");
    desk.editor.wait_no_text(&format!("{} asks", agent.name));
    desk.wait_turns(3);
    desk.wait_status("idle");
    assert_eq!(desk.row("attention"), Value::Nil);
    assert!(!desk.editor.home().project().join("made.txt").exists());

    desk.type_command("AgorSend SCENARIO:text");
    desk.editor.wait_text("This is a plain answer.");
    desk.wait_turns(4);
    desk.wait_status("idle");
    assert_eq!(desk.agent_pids(), pids);
    assert!(!desk.transcript().contains("running"), "no call is left open: {}", desk.transcript());
}

fn a_failure_of_the_model_is_told_and_the_session_goes_on(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:error400");
    desk.wait_turns(1);
    let refusal = agent.server.refusal();
    desk.editor.wait_text(refusal);
    let transcript = desk.transcript();
    assert_eq!(transcript.matches(refusal).count(), 1, "it is told once: {transcript}");
    desk.wait_status("error");
    let error = desk.row("error");
    assert!(error.as_str().is_some_and(|error| error.contains(refusal)), "{error}");

    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(2);
    desk.wait_status("idle");
    desk.editor.wait_text("This is a plain answer.");
    assert_eq!(desk.row("error"), Value::Nil);
}

/// What the server answers is tried again by the agent, for as long as it likes and often without a word: its user sees an
/// error, or ends the turn.
fn a_server_in_trouble_leaves_the_user_in_charge(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:text");
    desk.wait_turns(1);
    let mut pids = Vec::new();
    for (number, trouble) in ["error401", "error429", "error500", "hang"].into_iter().enumerate() {
        let turns = number + 2;
        desk.type_command(&format!("AgorSend SCENARIO:{trouble}"));
        desk.wait_tries_or_turns(trouble, if trouble == "hang" { 1 } else { 2 }, turns);
        desk.interrupt();
        desk.wait_turns(turns);
        let (status, error) = (desk.row("status"), desk.row("error"));
        match status.as_str() {
            Some("idle") => assert_eq!(error, Value::Nil, "{trouble}"),
            Some("error") => assert!(error.as_str().is_some_and(|error| !error.is_empty()), "{trouble}: {error}"),
            _ => panic!("{trouble}: {status}"),
        }
        // One that reads its login only when it starts was started anew after the first.
        if trouble == "error429" {
            pids = desk.agent_pids();
        }
    }
    desk.type_command("AgorSend SCENARIO:echo:again");
    desk.wait_turns(6);
    desk.wait_status("idle");
    desk.editor.wait_text("Echo: again");
    assert_eq!(desk.agent_pids(), pids, "{}", desk.transcript());
}

fn an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one(agent: &'static Agent) {
    let desk = Desk::with(Setup { provider: "watchdog = 8,".to_owned(), ..Setup::of(agent) });
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.wait_kept("remember-me");
    let before = desk.agent_pids();
    desk.type_command("AgorSend SCENARIO:hang");
    desk.wait("s.stalled");
    desk.editor.wait_text("stalled");
    desk.let_time_pass();
    desk.type_command("AgorRetry");
    desk.wait("not s.stalled");
    desk.editor.wait_text("The agent is started anew");
    // The turn that was given up has ended, and the prompt has come again.
    desk.wait_turns_or_more(2);
    desk.wait_tries_or_turns("hang", 2, 9);
    desk.wait("s.status == 'running'");
    let after = desk.agent_pids();
    assert!(after.len() == 1 && after != before, "{before:?}, then {after:?}");
    desk.interrupt();
    desk.wait("not s.busy");
    desk.type_command("AgorSend SCENARIO:echo:again");
    desk.editor.wait_text("Echo: again");
    assert!(desk.mock.told().contains("Echo: remember-me"), "it is the same conversation");
}

fn its_modes_and_models_are_chosen_and_outlive_its_process(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.wait_kept("remember-me");
    desk.wait("#(require('agor.mirror').get(s.session_id).capabilities.modes or {}) > 1");
    assert_ne!(desk.row("mode"), Value::from(agent.other_mode));
    desk.type_command(&format!("Agor mode {}", agent.other_mode));
    desk.wait(&format!("s.mode == '{}'", agent.other_mode));
    desk.type_command("Agor mode nonsense");
    desk.editor.wait_text("offers no mode \"nonsense\"");
    let model = desk.row("model").as_str().expect("a model").to_owned();
    if let Some(other) = desk.models().into_iter().rfind(|other| *other != model) {
        desk.type_command(&format!("Agor model {other}"));
        desk.wait(&format!("s.model == [==[{other}]==]"));
        // Some others are not to be had without a network. One that was only configured is not offered again.
        if desk.models().contains(&model) {
            desk.type_command(&format!("Agor model {model}"));
            desk.wait(&format!("s.model == [==[{model}]==]"));
        }
    }
    let (mode, model) = (desk.row("mode"), desk.row("model").as_str().expect("a model").to_owned());

    let pids = desk.agent_pids();
    desk.kill_agent();
    desk.wait_status("error");
    desk.let_time_pass();
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(2);
    desk.wait_status("idle");
    assert_ne!(desk.agent_pids(), pids);
    assert_eq!(desk.row("mode"), mode);
    // Claude Code tells the whole name of what was chosen by a short one.
    let now = desk.row("model");
    assert!(now.as_str().is_some_and(|now| now.contains(&model)), "{now} is {model}");
    let told = desk.mock.told();
    assert!(told.contains("Echo: remember-me"), "{told}");
}

fn a_conversation_goes_on_after_the_editor_was_killed_in_mid_command(agent: &'static Agent) {
    let mut desk = Desk::with(Setup::of(agent));
    desk.start("SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    desk.editor.wait_text("Echo: remember-me");
    desk.wait_kept("remember-me");
    let session = desk.row("session_id");
    let set = ["mode", "model"].map(|field| desk.row(field));
    desk.type_command(&format!("AgorSend {}", desk.shell("touch began; sleep 1000")));
    desk.answer("allow_once");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.editor.kill();
    desk.editor.assert_nothing_left();

    desk.reopen();
    desk.let_time_pass();
    desk.type_command("Agor resume continue");
    desk.editor.wait_text("Echo: remember-me");
    assert_eq!(desk.row("session_id"), session);
    let transcript = desk.transcript();
    assert!(transcript.contains("sleep 1000") && !transcript.contains("running"), "{transcript}");
    assert!(desk.agent_pids().is_empty(), "no agent before the next prompt: {:#?}", desk.agents_family());
    let tried = desk.mock.requests().len();

    // The cursor is in the prompt.
    desk.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'i'");
    desk.editor.input("SCENARIO:text<C-s>");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("This is a plain answer.");
    assert!(desk.mock.requests().len() > tried);
    let told = desk.mock.told();
    assert!(told.contains("Echo: remember-me"), "{told}");
    assert_eq!(["mode", "model"].map(|field| desk.row(field)), set);
    let transcript = desk.transcript();
    assert_eq!(transcript.matches("Echo: remember-me").count(), 1, "the past is told once: {transcript}");
}

agents! {
    claude = CLAUDE:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        its_plan_is_shown_as_it_goes
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
    gemini = GEMINI:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
    opencode = OPENCODE:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        its_plan_is_shown_as_it_goes
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
    codex = CODEX:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        its_plan_is_shown_as_it_goes
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
    claude_agent_acp = CLAUDE_AGENT_ACP:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        its_plan_is_shown_as_it_goes
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
    codex_acp = CODEX_ACP:
        text_and_thoughts_stream_and_prompts_share_a_process
        a_command_is_refused_then_allowed
        an_edit_is_shown_before_it_lands_in_the_open_buffer
        its_plan_is_shown_as_it_goes
        an_interrupt_ends_whatever_it_does_and_keeps_the_agent
        a_failure_of_the_model_is_told_and_the_session_goes_on
        a_server_in_trouble_leaves_the_user_in_charge
        an_agent_whose_model_is_silent_has_stalled_and_is_tried_again_by_a_new_one
        its_modes_and_models_are_chosen_and_outlive_its_process
        a_conversation_goes_on_after_the_editor_was_killed_in_mid_command;
}
