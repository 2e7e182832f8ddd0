//! The whole with the real Claude Code: from a key, over its questions and tools, to the screen and the files.

use std::fs;

use rmpv::Value;

use crate::desk::{Desk, Setup};

fn long_file() -> (&'static str, String) {
    let mut text: String = (1..=80).map(|number| format!("line {number}\n")).collect();
    text.push_str("hello world\n");
    ("hello.txt", text)
}

#[test]
fn text_streams_into_the_pane_and_its_cost_is_told() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:slow:15");
    desk.editor.wait_screen("text that is still streaming", |rows| {
        let rows = rows.join("\n");
        rows.contains("slow0 ") && !rows.contains("slow14")
    });
    desk.wait_status("running");
    desk.editor.wait_text("slow14");
    desk.wait_turns(1);
    desk.editor.wait_screen("an idle session with what it cost", |rows| {
        ["claude", "idle", "opus", "↑", "$"].iter().all(|part| rows[0].contains(part))
    });
    desk.editor.wait_text(" out");
    assert_eq!(desk.editor.lua_string("return vim.fn.bufname()", &[]), "hello.txt", "the cursor stays");

    // The next prompt goes to the same process.
    let before = desk.agent_pids();
    desk.type_command("AgorSend SCENARIO:echo:again");
    desk.wait_turns(2);
    desk.editor.wait_text("Echo: again");
    assert_eq!(before.len(), 1);
    assert_eq!(desk.agent_pids(), before);
    let costs: Vec<f64> = desk.messages("cost").iter().filter_map(|cost| cost["total_cost_usd"].as_f64()).collect();
    // The session adds up what each turn has cost.
    let (sum, said) = (desk.row("cost_usd").as_f64().expect("a number"), costs.last().expect("two were told"));
    assert!((sum - said).abs() < 1e-9, "{sum} is {said}");
}

#[test]
fn a_command_is_refused_with_a_reason_then_allowed_by_a_digit() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:bash");
    desk.editor.wait_text("claude asks: Bash");
    desk.editor.wait_text("1 Allow once");
    assert_eq!(desk.editor.lua_string("return vim.fn.bufname()", &[]), "hello.txt", "the focus stays");
    let made = desk.editor.home().project().join("made.txt");
    assert!(!made.exists());
    desk.focus_question();
    desk.editor.input("r");
    desk.editor.wait_text("Why not?");
    desk.editor.input("use \"printf\", ä<CR>");
    desk.wait_turns(1);
    desk.editor.wait_no_text("claude asks");
    assert!(!made.exists());
    assert!(desk.transcript().contains("use \"printf\", ä"), "{}", desk.transcript());
    let told = desk.mock.told();
    assert!(told.contains(r#"use \"printf\", ä"#), "{told}");

    desk.type_command("AgorSend SCENARIO:bash");
    desk.focus_question();
    desk.editor.input("1");
    desk.wait_turns(2);
    assert_eq!(fs::read_to_string(made).expect("the tool ran"), "hello-from-bash\n");
    desk.editor.wait_text("│ hello-from-bash");
    assert_eq!(desk.editor.lua_string("return vim.fn.bufname()", &[]), "hello.txt", "the cursor goes back");
}

#[test]
fn an_edit_lands_in_the_open_buffer_as_one_undo_step() {
    let desk = Desk::with(Setup { file: long_file(), ..Setup::default() });
    desk.editor.command("call cursor(60, 3) | normal! zt");
    let view = "return vim.inspect(vim.fn.winsaveview())";
    let before = desk.editor.lua_string(view, &[]);
    desk.type_command("AgorStart claude permission_mode=acceptEdits SCENARIO:edit");
    desk.editor.wait_lua("vim.fn.getline(81) == 'hello there'");
    desk.wait_turns(1);
    assert_eq!(desk.editor.lua_string(view, &[]), before, "cursor and view are kept");
    assert_eq!(desk.editor.lua("return vim.bo.modified", &[]), Value::Boolean(false));
    desk.editor.wait_text("+1 −1");
    desk.editor.command("silent undo");
    assert_eq!(desk.editor.lua_string("return vim.fn.getline(81)", &[]), "hello world");
    assert_eq!(desk.editor.lua("return vim.fn.line('$')", &[]), Value::from(81));
}

#[test]
fn a_changed_buffer_is_left_alone_and_the_user_is_told() {
    let desk = Desk::new();
    desk.editor.input("ggOmine<Esc>");
    desk.editor.wait_text("mine");
    desk.type_command("AgorStart claude permission_mode=acceptEdits SCENARIO:edit");
    desk.wait_turns(1);
    desk.editor.wait_lua("vim.fn.execute('messages'):find('changed on disk and has unsaved changes', 1, true)");
    assert_eq!(desk.editor.lua_string("return vim.fn.getline(1)", &[]), "mine");
    assert_eq!(desk.editor.lua_string("return vim.fn.getline(3)", &[]), "hello world");
    assert_eq!(desk.editor.home().read("hello.txt"), "first\nhello there\n");
}

#[test]
fn its_questions_are_answered_by_choices_and_in_own_words() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:ask");
    desk.focus_question();
    desk.editor.wait_text("Which colour do you want?");
    // The choice after the offered ones.
    desk.editor.input("3");
    desk.editor.wait_text("Colour:");
    desk.editor.input("Teal, \"dark\"<CR>");
    desk.editor.wait_text("Extras (2 of 2)");
    desk.editor.input("1");
    desk.editor.input("2");
    desk.editor.input("<CR>");
    desk.wait_turns(1);
    let told = desk.mock.told();
    assert!(told.contains("Teal, ") && told.contains("Tests, Docs"), "{told}");
    let lines = ["? Which colour do you want?", "  · Teal, \"dark\"", "? Which extras?", "  · Tests, Docs"];
    assert!(desk.transcript().contains(&lines.join("\n")), "{}", desk.transcript());
    assert!(!desk.transcript().contains("│ Your questions have been answered"), "it is told once");
}

#[test]
fn a_plan_is_sent_back_then_approved_as_the_user_changed_it() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude permission_mode=plan SCENARIO:plan");
    desk.editor.wait_text("claude has a plan");
    desk.editor.wait_screen("the mode", |rows| rows[0].contains("plan"));
    desk.focus_question();
    desk.editor.input("r");
    desk.editor.wait_text("Why not?");
    desk.editor.input("look harder<CR>");
    // Its script goes on with a write, which asks even now.
    desk.editor.wait_text("claude asks: Write");
    desk.focus_question();
    desk.editor.input("r<CR>");
    desk.wait_turns(1);
    assert_eq!(desk.row("mode"), Value::from("plan"), "it plans on");
    assert!(desk.transcript().contains("look harder"));

    desk.type_command("AgorSend SCENARIO:plan");
    desk.editor.wait_text("claude has a plan");
    desk.focus_question();
    desk.editor.input("e");
    desk.editor.wait_lua("vim.bo.buftype == 'acwrite'");
    desk.editor.input("/Look<CR>A twice<Esc>");
    desk.editor.wait_text("Look twice");
    desk.type_command("w");
    desk.editor.wait_text("claude asks: Write");
    assert_eq!(desk.row("mode"), Value::from("default"));
    desk.focus_question();
    desk.editor.input("1");
    desk.wait_turns(2);
    assert_eq!(desk.editor.home().read("planned.txt"), "planned\n");
    assert!(desk.transcript().contains("Look twice"), "the plan stands in the transcript: {}", desk.transcript());
    let told = desk.mock.told();
    assert!(told.contains("Look twice"), "{told}");
}

#[test]
fn an_interrupt_ends_whatever_it_does_and_keeps_the_session() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:slow:1000");
    desk.editor.wait_text("slow1 ");
    let pids = desk.agent_pids();
    desk.type_command("AgorInterrupt");
    desk.wait_turns(1);
    desk.wait_status("idle");
    desk.editor.wait_text("Interrupted");

    desk.type_command("AgorSend SCENARIO:bash:touch+began;sleep+1000");
    desk.focus_question();
    desk.editor.input("1");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.type_command("AgorInterrupt");
    desk.wait_turns(2);
    desk.wait_status("idle");

    desk.type_command("AgorSend SCENARIO:bash");
    desk.editor.wait_text("claude asks: Bash");
    desk.type_command("AgorInterrupt");
    desk.editor.wait_no_text("claude asks: Bash");
    desk.wait_turns(3);
    desk.wait_status("idle");
    assert_eq!(desk.row("attention"), Value::Nil);
    assert!(!desk.editor.home().project().join("made.txt").exists());

    desk.type_command("AgorSend SCENARIO:text");
    desk.editor.wait_text("This is a plain answer.");
    desk.wait_turns(4);
    assert_eq!(desk.agent_pids(), pids);
    assert!(!desk.transcript().contains("running"), "no call is left open: {}", desk.transcript());
}

#[test]
fn a_prompt_sent_during_a_turn_waits_for_its_end() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:slow:12");
    desk.editor.wait_text("slow0 ");
    desk.type_command("AgorSend SCENARIO:echo:second");
    desk.editor.wait_text("1 queued");
    assert!(!desk.transcript().contains("❯ SCENARIO:echo:second"));
    desk.wait_turns(2);
    desk.editor.wait_text("Echo: second");
    let transcript = desk.transcript();
    let place = |text: &str| transcript.find(text).unwrap_or_else(|| panic!("{text}: {transcript}"));
    assert!(place("slow11") < place("❯ SCENARIO:echo:second"), "{transcript}");
    assert_eq!(desk.row("queued"), Value::from(0));
}

#[test]
fn a_conversation_is_resumed_by_its_id() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude model=sonnet SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    let conversation = desk.messages("init")[0]["session_id"].as_str().expect("an id").to_owned();
    desk.type_command("AgorStop");
    desk.wait_status("done");
    let id = desk.editor.lua_string(
        "return assert(require('agor').start({ model = 'sonnet', resume_session_id = ..., prompt = 'SCENARIO:text' }))",
        &[conversation.as_str().into()],
    );
    desk.wait(&format!("s.session_id == '{id}'"));
    desk.wait_turns(1);
    let requests = desk.mock.requests();
    let last = requests.last().expect("it asked the model");
    assert!(last["body"]["messages"].to_string().contains("Echo: remember-me"));
    assert!(last["model"].as_str().is_some_and(|model| model.contains("sonnet")), "{}", last["model"]);
    assert_eq!(desk.messages("init")[0]["session_id"], conversation.as_str());
}

#[test]
fn a_killed_agent_is_resumed_by_the_next_prompt_as_it_was() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude permission_mode=acceptEdits SCENARIO:echo:remember-me");
    desk.wait_turns(1);
    let model = desk.row("model");
    let cost = desk.row("cost_usd").as_f64().expect("a number");
    // It writes its conversation down by and by.
    desk.editor.wait_lua(
        "vim.iter(vim.fn.glob('~/.claude/projects/*/*.jsonl', true, true)):any(function(path)
           return table.concat(vim.fn.readfile(path)):find('Echo: remember-me', 1, true) ~= nil
         end)",
    );
    let pids = desk.agent_pids();
    for pid in &pids {
        let pid = rustix::process::Pid::from_raw(*pid).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("the agent is ours");
    }
    desk.wait_status("error");
    desk.editor.wait_text("SIGKILL");

    desk.type_command("AgorSend SCENARIO:write");
    // Edits need no question in this mode.
    desk.wait_turns(2);
    desk.wait_status("idle");
    assert_eq!(desk.editor.home().read("notes.txt"), "line one\nline two\n");
    assert_ne!(desk.agent_pids(), pids);
    assert_eq!(desk.row("mode"), Value::from("acceptEdits"));
    assert_eq!(desk.row("model"), model, "a resumed conversation loses its model unless it is named again");
    let requests = desk.mock.requests();
    let history = requests.last().expect("it asked")["body"]["messages"].to_string();
    assert!(history.contains("Echo: remember-me"), "{history}\n{}", desk.transcript());
    let second = desk.messages("cost").last().and_then(|cost| cost["total_cost_usd"].as_f64()).expect("a number");
    let sum = desk.row("cost_usd").as_f64().expect("a number");
    assert!((sum - cost - second).abs() < 1e-9, "{sum} is {cost} and {second}");
}

#[test]
fn retries_are_quiet_lines_and_failures_are_the_sessions_error() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:error429:1");
    desk.editor.wait_text("The API limits the rate of requests; retry 1 of 10");
    // The server wants a second to pass, and the bar says what is waited for.
    desk.editor.wait_text("rate limit, retrying 1/10");
    desk.editor.wait_text("Recovered after 1 failures.");
    desk.wait_turns(1);
    desk.wait_status("idle");
    assert_eq!(desk.row("wait"), Value::Nil);

    desk.type_command("AgorSend SCENARIO:error400:credit");
    desk.wait_turns(2);
    desk.wait_status("error");
    desk.editor.wait_text("✗ Credit balance is too low");
    assert_eq!(desk.row("error"), Value::from("Credit balance is too low"));
    assert_eq!(desk.transcript().matches("Credit balance").count(), 1);

    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(3);
    desk.wait_status("idle");
    assert_eq!(desk.row("error"), Value::Nil);
}

#[test]
fn a_refused_login_is_told_at_once_with_the_key_that_was_withheld() {
    let desk = Desk::with(Setup {
        key: Some(("ANTHROPIC_AUTH_TOKEN", "expired")),
        editor_env: vec![("ANTHROPIC_API_KEY".into(), "the-users-own".into())],
        ..Setup::default()
    });
    desk.type_command("AgorStart claude SCENARIO:error401");
    desk.wait_turns(1);
    desk.wait_status("error");
    desk.editor.wait_text("login needed");
    let said = desk.row("error");
    let said = said.as_str().expect("a sentence");
    for part in ["401", ":Agor login claude", "ANTHROPIC_API_KEY was withheld", "pass_env = {"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    desk.editor.wait_text("✗ claude is not logged in");
    assert!(desk.mock.requests().len() <= 2, "it tries no more");
    assert_eq!(desk.transcript().matches("is not logged in").count(), 1);

    // The login is mended, as far as the server is concerned.
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait_turns(2);
    desk.wait_status("idle");
}

#[test]
fn without_a_login_the_withheld_key_and_the_line_that_passes_it_are_named() {
    let desk = Desk::with(Setup {
        key: None,
        editor_env: vec![("ANTHROPIC_API_KEY".into(), "the-users-own".into())],
        ..Setup::default()
    });
    desk.type_command("AgorStart claude SCENARIO:text");
    desk.wait_turns(1);
    desk.wait_status("error");
    let said = desk.row("error");
    let said = said.as_str().expect("a sentence");
    assert!(said.contains("is not logged in") && said.contains(":Agor login claude"), "{said}");
    assert!(said.contains("ANTHROPIC_API_KEY was withheld"), "{said}");
    // The line is one to copy: it does what it says, and keeps what is passed on already.
    let line = said.split_once("to pass it on: ").expect("the line").1;
    let passed = desk.editor.lua_string(
        "assert(loadstring(...))()
         return table.concat(require('agor.config').get().providers.claude.pass_env, ' ')",
        &[line.into()],
    );
    assert_eq!(passed, "CLAUDE_CONFIG_DIR ANTHROPIC_API_KEY");
    assert_eq!(desk.mock.requests().len(), 0);
    assert!(!desk.transcript().contains("the-users-own"));
}

#[test]
fn the_login_opens_in_a_terminal_of_its_own() {
    let desk = Desk::with(Setup {
        provider: "login = { 'sh', '-c', 'echo \"login at $PWD\"; echo \"key=[$ANTHROPIC_API_KEY]\"; read line' },"
            .into(),
        key: None,
        editor_env: vec![("ANTHROPIC_API_KEY".into(), "the-users-own".into())],
        ..Setup::default()
    });
    desk.type_command("AgorLogin");
    desk.editor.wait_text("login at ");
    desk.editor.wait_text("key=[]");
    assert_eq!(desk.editor.lua_string("return vim.bo.buftype", &[]), "terminal");
    desk.editor.input("<CR>");
    desk.editor.wait_text("[Process exited 0]");
}

#[test]
fn model_and_mode_are_chosen_while_it_runs() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude");
    desk.wait("#(require('agor.mirror').get(s.session_id).capabilities.models or {}) > 0");
    desk.editor.input("<Esc>");
    desk.editor.wait_lua("vim.bo.filetype == 'agor-prompt' and vim.fn.mode() == 'n'");
    for mode in ["acceptEdits", "plan", "default"] {
        desk.editor.input("<S-Tab>");
        desk.wait(&format!("s.mode == '{mode}'"));
    }
    desk.type_command("Agor mode");
    desk.editor.wait_text("3: Plan");
    desk.editor.input("2<CR>");
    desk.wait("s.mode == 'acceptEdits'");
    desk.editor.wait_screen("the mode in the bar", |rows| rows[0].contains("acceptEdits"));
    desk.type_command("Agor mode nonsense");
    desk.editor.wait_text("offers no mode \"nonsense\"");
    desk.type_command("Agor model haiku");
    desk.wait("s.model == 'haiku'");
    desk.editor.input("iSCENARIO:write<C-s>");
    desk.wait_turns(1);
    assert_eq!(desk.editor.home().read("notes.txt"), "line one\nline two\n");
    let requests = desk.mock.requests();
    let model = requests.last().expect("it asked")["model"].as_str().unwrap_or_default().to_owned();
    assert!(model.contains("haiku"), "{model}");
}

#[test]
fn bypassed_permissions_are_said_for_as_long_as_they_are() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude permission_mode=bypassPermissions SCENARIO:bash");
    desk.wait_turns(1);
    assert_eq!(desk.editor.home().read("made.txt"), "hello-from-bash\n");
    desk.editor.wait_screen("the warning in the bar", |rows| rows[0].contains("asks nothing"));
    desk.type_command("Agor mode default");
    desk.wait("s.mode == 'default'");
    desk.editor.wait_screen("the bar without it", |rows| !rows[0].contains("asks nothing"));
}

#[test]
fn a_start_that_it_refuses_is_told_in_its_words() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude permission_mode=nonsense SCENARIO:text");
    desk.wait_status("error");
    let said = desk.row("error");
    let said = said.as_str().expect("a sentence");
    assert!(said.contains("nonsense"), "{said}");
    // What was typed is not lost.
    desk.editor.wait_lua(
        "vim.iter(vim.api.nvim_list_bufs()):any(function(buf)
           return vim.bo[buf].filetype == 'agor-prompt'
             and vim.api.nvim_buf_get_lines(buf, 0, 1, false)[1] == 'SCENARIO:text'
         end)",
    );
}

#[test]
fn quitting_while_a_command_runs_leaves_nothing() {
    let mut desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:bash:touch+began;sleep+600");
    desk.focus_question();
    desk.editor.input("1");
    desk.editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    desk.editor.quit("qa!");
    desk.editor.assert_nothing_left();
}

#[test]
fn todos_subagents_and_tools_are_told_apart() {
    let desk = Desk::new();
    desk.type_command("AgorStart claude SCENARIO:todo");
    desk.wait_turns(1);
    desk.editor.wait_text("✓ Look");
    desk.editor.wait_text("○ Fix");
    assert!(!desk.transcript().contains("TaskUpdate"), "{}", desk.transcript());
    desk.type_command("AgorSend SCENARIO:subagent:2");
    desk.wait_turns(2);
    let transcript = desk.transcript();
    let lines: Vec<&str> = transcript.lines().collect();
    for job in ["0", "1"] {
        let at = lines.iter().position(|line| line.contains(&format!("  ✓ Bash  echo sub{job}"))).expect("its call");
        // Whichever came first, the nearest name above is its own.
        let name = lines[..at].iter().rev().find(|line| line.contains("Helper job")).expect("a name");
        assert!(name.contains(&format!("Helper job {job}")), "{transcript}");
    }
}
