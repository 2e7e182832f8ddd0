//! What a project brings along for the real programs: each would run it, none does before the user has said so, and nothing
//! gives an agent's shell a handle on the editor.

use std::fs;

use rmpv::Value;

use crate::{
    agent::Agent,
    desk::{Desk, Setup},
};

/// Stands for a shell command that leaves a trace.
const TRACE: &str = "$TRACE";

/// A file that makes the agent's program run a command by itself.
fn brought(agent: &Agent) -> (&'static str, &'static str) {
    let server = "{\"mcpServers\": {\"brought\": {\"command\": \"sh\", \"args\": [\"-c\", \"$TRACE\"]}}}";
    match agent.name {
        "claude" | "claude-agent-acp" => (
            ".claude/settings.json",
            "{\"hooks\": {\"UserPromptSubmit\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"$TRACE\"}]}]}}",
        ),
        "codex" | "codex-acp" => {
            (".codex/config.toml", "[mcp_servers.brought]\ncommand = \"sh\"\nargs = [\"-c\", \"$TRACE\"]\n")
        }
        "gemini" => (".gemini/settings.json", server),
        "opencode" => (
            // A plugin would do it too, and have OpenCode install what plugins need, for which it waits long without a network.
            "opencode.json",
            "{\"mcp\": {\"brought\": {\"type\": \"local\", \"command\": [\"sh\", \"-c\", \"$TRACE\"]}}}",
        ),
        other => panic!("{other} brings nothing"),
    }
}

struct Visit {
    desk: Desk,
    file: &'static str,
}

impl Visit {
    fn of(agent: &'static Agent) -> Self {
        let desk = Desk::with(Setup::of(agent));
        let home = desk.editor.home();
        if agent.name == "gemini" {
            // It has a list of trusted directories of its own, as Codex has.
            let settings = home.path().join(".gemini/settings.json");
            let text = fs::read_to_string(&settings).expect("its settings");
            let open = "\"security\": { \"folderTrust\": { \"enabled\": false },";
            fs::write(&settings, text.replace("\"security\": {", open)).expect("written");
        }
        let (file, text) = brought(agent);
        let path = home.project().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the project takes folders");
        let trace = format!("touch {}", home.path().join("trace").display());
        fs::write(path, text.replace(TRACE, &trace)).expect("the project takes files");
        if agent.name == "codex" {
            let config = home.path().join(".codex/config.toml");
            let text = fs::read_to_string(&config).expect("its configuration");
            let project = home.project();
            let trusted = format!("{text}[projects.\"{}\"]\ntrust_level = \"trusted\"\n", project.display());
            fs::write(&config, trusted).expect("written");
        }
        desk.start("SCENARIO:text");
        desk.wait("s.attention == 'permission'");
        let asked = desk.editor.lua_string("return vim.inspect(_G.asked.input.files) .. tostring(_G.asked.ours)", &[]);
        assert!(asked.contains(file) && asked.ends_with("true"), "{asked}");
        assert_eq!(desk.agent_pids(), [0; 0], "nothing was started");
        Self { desk, file }
    }

    fn has_run(&self) -> bool {
        self.desk.editor.home().path().join("trace").exists()
    }
}

/// It proves that what is asked about would be run, too.
fn what_a_project_brings_along_runs_once_the_user_allows_it(agent: &'static Agent) {
    let visit = Visit::of(agent);
    assert!(!visit.has_run());
    visit.desk.answer("allow_always");
    visit.desk.wait_turns(1);
    visit.desk.editor.wait_text("This is a plain answer.");
    visit.desk.editor.wait_lua("vim.uv.fs_stat(vim.env.HOME .. '/trace') ~= nil");
}

fn what_a_project_brings_along_does_not_run_if_the_user_refuses(agent: &'static Agent) {
    let visit = Visit::of(agent);
    let desk = &visit.desk;
    desk.answer("reject_always");
    if agent.name == "claude" {
        desk.wait_turns(1);
        desk.wait_status("idle");
        desk.editor.wait_text("This is a plain answer.");
        desk.editor.wait_text("starts without what the project brings along");
    } else {
        desk.wait_status("error");
        let error = desk.row("error");
        let error = error.as_str().unwrap_or_default();
        assert!(error.contains("is not started here") && error.contains(visit.file), "{error}");
        assert_eq!(desk.agent_pids(), [0; 0]);
        desk.type_command("AgorSend again");
        desk.wait("s.status == 'error' and not s.busy");
    }
    assert!(!visit.has_run(), "{}", desk.transcript());
    assert_eq!(desk.row("attention"), Value::Nil);
}

fn an_agents_shell_finds_no_handle_on_the_editor(agent: &'static Agent) {
    let provider = "pass_env = { '*' }".to_owned();
    let desk = Desk::with(Setup { provider, ..Setup::of(agent) });
    let own = desk.editor.lua_string("return vim.v.servername", &[]);
    assert!(!own.is_empty(), "there is something to find");
    desk.start(&desk.shell("env > made.txt"));
    desk.answer("allow_once");
    desk.wait_turns(1);
    let seen = desk.editor.home().read("made.txt");
    assert!(seen.contains("AGOR_SESSION_ID="), "{seen}");
    assert!(!seen.lines().any(|line| line.starts_with("NVIM=") || line.contains(&own)), "{seen}");
}

/// It keeps what it was allowed for good in its project's settings, which it obeys.
fn what_it_writes_there_itself_is_said_and_named_in_the_next_question(agent: &'static Agent) {
    let desk = Desk::with(Setup::of(agent));
    desk.start(&desk.shell("touch made.txt"));
    desk.wait("s.attention == 'permission'");
    // Of two that last the one that outlives the session.
    desk.editor.lua("assert(require('agor').answer(_G.asked.session_id, _G.asked.request_id, 'allow_always'))", &[]);
    desk.wait_turns(1);
    let name = ".claude/settings.local.json";
    desk.editor.wait_lua(&format!("vim.uv.fs_stat('{name}') ~= nil"));
    // The window breaks the line where it likes.
    desk.editor.wait_lua(&format!(
        "vim.iter(require('agor').messages(require('agor').sessions()[1].session_id)):any(function(m)
           return m.type == 'status' and m.content.message:find('While Claude Code ran, {name} changed', 1, true) ~= nil
         end)"
    ));
    desk.type_command("Agor! stop");
    desk.wait_status("done");
    desk.type_command("AgorSend SCENARIO:text");
    desk.wait("s.attention == 'permission'");
    let asked = desk.editor.lua_string("return vim.inspect(_G.asked.input.files) .. tostring(_G.asked.ours)", &[]);
    assert!(asked.contains(name) && asked.contains("new, written while Claude Code ran"), "{asked}");
    assert_eq!(desk.agent_pids(), [0; 0], "nothing was started");
    desk.answer("allow_always");
    desk.wait_turns(2);
    desk.editor.wait_text("This is a plain answer.");
}

agents! {
    claude = CLAUDE:
        what_it_writes_there_itself_is_said_and_named_in_the_next_question
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
    codex = CODEX:
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
    gemini = GEMINI:
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
    opencode = OPENCODE:
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
    claude_agent_acp = CLAUDE_AGENT_ACP:
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
    codex_acp = CODEX_ACP:
        what_a_project_brings_along_runs_once_the_user_allows_it
        what_a_project_brings_along_does_not_run_if_the_user_refuses
        an_agents_shell_finds_no_handle_on_the_editor;
}
