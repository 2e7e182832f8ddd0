//! Runners of the sidecar protocol that agor installations have already, unmodified under `AGOR_ROOT`, with the real Node.js
//! and the real Deno: `tests/runners/` are plain ones, which wrap the real programs of their agents.

use std::{fs, os::unix::fs::symlink, path::PathBuf, sync::Arc};

use serde_json::Value as Json;

use crate::{
    agent::{Agent, CLAUDE, CODEX, URL, program},
    mock::Mock,
    support::{Editor, Home, Leftover, Ollama, Options, leftovers, repository},
};

/// Where the runners of `tests/runners/` lie as an installation has them, and one JavaScript runtime is on the `PATH`.
struct Installation {
    home: Arc<Home>,
    runtime: &'static str,
    providers: String,
}

impl Installation {
    fn new(runtime: &'static str) -> Self {
        let home = Arc::new(Home::new());
        let folder = home.path().join("agor/sidecar/dist");
        fs::create_dir_all(&folder).expect("the home takes folders");
        for name in ["claude", "codex", "mine", "ollama"] {
            let file = format!("{name}-runner.mjs");
            fs::copy(repository().join("tests/runners").join(&file), folder.join(&file)).expect("the home takes files");
        }
        let bin = home.path().join("bin");
        fs::create_dir(&bin).expect("the home takes folders");
        // Node.js is there for Codex too, whose program is a script.
        let node = on_path("node").expect("node is installed: npm came with it");
        symlink(node, bin.join("node")).expect("the home takes links");
        if runtime == "deno" {
            symlink(program("deno"), bin.join("deno")).expect("the home takes links");
        }
        Self { home, runtime, providers: String::new() }
    }

    /// The real program of an agent, and a mock of its model server.
    fn agent(&mut self, agent: &Agent, provider: &str) -> Mock {
        let link = self.home.path().join("bin").join(agent.name);
        symlink(program(agent.name), link).expect("the home takes links");
        let mock = Mock::start(agent.server, self.home.path());
        for (name, text) in agent.files {
            let path = self.home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the home takes folders");
            fs::write(path, text.replace(URL, &mock.url)).expect("the home takes files");
        }
        let env = agent.environment(&mock.url, agent.key).into_iter();
        let env: String = env.map(|(name, value)| format!("{name} = [==[{value}]==], ")).collect();
        self.providers = format!("{} = {{ env = {{ {env} }}, {provider} }}", agent.name);
        mock
    }

    fn editor(&self) -> Editor {
        // Whatever runtime the machine has, only the one that is looked at is found.
        let others = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
            .filter(|folder| !folder.join("deno").exists())
            .map(|folder| format!(":{}", folder.display()))
            .collect::<String>();
        let path = format!("{}{others}", self.home.path().join("bin").display());
        Editor::start(Options {
            size: (160, 48),
            home: Arc::clone(&self.home),
            init: format!(
                "require('agor').setup({{ providers = {{ {} }} }})
                 _G.turns = 0
                 vim.api.nvim_create_autocmd('User', {{ pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end }})",
                self.providers
            ),
            env: vec![
                ("PATH".into(), path),
                ("AGOR_ROOT".into(), self.home.path().join("agor").display().to_string()),
            ],
            ..Options::default()
        })
    }

    /// The runner's process: the runtime with the script.
    #[track_caller]
    fn runner(&self, provider: &str) -> Vec<Leftover> {
        let script = self.home.path().join(format!("agor/sidecar/dist/{provider}-runner.mjs")).display().to_string();
        let runtime = format!("/{} ", self.runtime);
        let mut all = leftovers(self.home.path());
        all.retain(|one| one.command.contains(&runtime) && one.command.ends_with(&script));
        all.retain(|one| !one.command.contains(" keep "));
        all
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[track_caller]
fn wait_turns(editor: &Editor, count: usize) {
    editor.wait_lua(&format!("_G.turns == {count}"));
}

#[track_caller]
fn messages(editor: &Editor, session: &str, kind: &str) -> Vec<Json> {
    let text = editor.lua_string(
        "local id, kind = ...
         local out = {}
         for _, message in ipairs((require('agor').messages(id))) do
           if message.type == kind then out[#out + 1] = message.content end
         end
         return #out == 0 and '[]' or vim.json.encode(out)",
        &[session.into(), kind.into()],
    );
    serde_json::from_str(&text).expect("JSON")
}

fn claudes_runner_goes_in_the_place_of_the_native_protocol(runtime: &'static str) {
    let mut installation = Installation::new(runtime);
    let mock = installation.agent(&CLAUDE, "protocol = 'sidecar'");
    let editor = installation.editor();
    let session = editor.start_session("{ provider = 'claude', prompt = 'SCENARIO:bash', open = true }");
    wait_turns(&editor, 1);
    editor.wait_status(&session, "done");
    assert_eq!(installation.runner("claude").len(), 1, "{:#?}", leftovers(installation.home.path()));
    // A plain runner asks nothing, and that is said.
    assert_eq!(installation.home.read("made.txt"), "hello-from-bash\n");
    editor.wait_text("asks nothing");
    editor.wait_transcript(&session, "│ hello-from-bash");
    assert_eq!(messages(&editor, &session, "tool_call").len(), 1);
    assert!(messages(&editor, &session, "cost")[0]["total_cost_usd"].as_f64().is_some_and(|cost| cost > 0.0));

    editor.send(&session, "SCENARIO:echo:again");
    wait_turns(&editor, 2);
    editor.wait_transcript(&session, "Echo: again");
    let told = mock.told();
    assert!(told.contains("hello-from-bash"), "the conversation goes on: {told}");
    assert_eq!(installation.runner("claude").len(), 1, "the same runner");

    editor.send(&session, "SCENARIO:bash:touch+began;sleep+1000");
    editor.wait_lua("vim.uv.fs_stat('began') ~= nil");
    editor.lua("assert(require('agor').stop(...))", &[session.as_str().into()]);
    editor.wait_status(&session, "done");
    editor.lua("require('agor').remove(...)", &[session.as_str().into()]);
    // The editor looks for what is left running when it is dropped.
}

fn codexs_runner_shows_each_command_once(runtime: &'static str) {
    let mut installation = Installation::new(runtime);
    let mock = installation.agent(&CODEX, "protocol = 'sidecar'");
    let editor = installation.editor();
    let session = editor.start_session("{ provider = 'codex', prompt = 'SCENARIO:bash', open = true }");
    wait_turns(&editor, 1);
    editor.wait_status(&session, "done");
    assert_eq!(installation.runner("codex").len(), 1, "{:#?}", leftovers(installation.home.path()));
    assert_eq!(installation.home.read("made.txt"), "hello-from-bash\n");
    editor.wait_transcript(&session, "│ hello-from-bash");
    let transcript = editor.transcript(&session);
    assert_eq!(transcript.matches("echo hello-from-bash >").count(), 1, "{transcript}");
    let tokens = |index: usize| messages(&editor, &session, "cost")[index]["output_tokens"].as_u64();
    assert_eq!(tokens(0), Some(50), "two answers of 25 tokens");

    editor.send(&session, "SCENARIO:echo:again");
    wait_turns(&editor, 2);
    editor.wait_transcript(&session, "Echo: again");
    assert!(mock.told().contains("hello-from-bash"), "the conversation goes on: {}", mock.told());
    assert_eq!(tokens(1), Some(25), "its count goes on over the thread, ours is the turn's");

    editor.send(&session, "SCENARIO:todo");
    wait_turns(&editor, 3);
    editor.wait_transcript(&session, "✓ Look");

    editor.send(&session, "SCENARIO:error400");
    wait_turns(&editor, 4);
    editor.wait_status(&session, "error");
    assert!(editor.error_of(&session).contains("Bad request from the mock"), "{}", editor.error_of(&session));
    let transcript = editor.transcript(&session);
    assert_eq!(transcript.matches("Bad request from the mock").count(), 1, "{transcript}");
}

fn ollamas_runner_streams_increments_and_keeps_the_conversation(runtime: &'static str) {
    let mut installation = Installation::new(runtime);
    let server = Ollama::start();
    installation.providers = format!(
        "ollama = {{ protocol = 'sidecar', command = false, model = 'mock-tools',
           env = {{ OLLAMA_HOST = 'http://{}', NO_PROXY = '127.0.0.1' }} }}",
        server.host()
    );
    let editor = installation.editor();
    let session = editor.start_session("{ provider = 'ollama', prompt = 'scenario:long:30', open = true }");
    wait_turns(&editor, 1);
    editor.wait_status(&session, "done");
    assert_eq!(installation.runner("ollama").len(), 1, "{:#?}", leftovers(installation.home.path()));
    let words: String = (0..30).map(|number| format!("w{number} ")).collect();
    assert_eq!(editor.said(&session), [words.as_str()]);
    assert!(!messages(&editor, &session, "thinking").is_empty());
    assert!(messages(&editor, &session, "cost")[0]["output_tokens"].as_u64().is_some_and(|tokens| tokens > 30));

    editor.send(&session, "scenario:said");
    wait_turns(&editor, 2);
    editor.wait_status(&session, "done");
    let said = editor.said(&session);
    assert!(said[1].contains("scenario:long:30"), "the conversation goes on: {said:?}");

    editor.send(&session, "scenario:err-mid");
    wait_turns(&editor, 3);
    editor.wait_transcript(&session, "an error was encountered while running the model");
    let mut editor = editor;
    editor.quit("qa!");
    editor.assert_nothing_left();
}

fn any_other_provider_may_speak_loosely(runtime: &'static str) {
    let installation = Installation::new(runtime);
    let editor = installation.editor();
    let session = editor.start_session("{ provider = 'mine', prompt = 'one', open = true }");
    wait_turns(&editor, 1);
    editor.wait_status(&session, "done");
    assert_eq!(editor.said(&session), ["without an envelope, query 1", "fresh: one"]);
    let unknown = messages(&editor, &session, "unknown");
    assert!(unknown.iter().any(|value| value["type"] == "news_of_tomorrow"), "{unknown:?}");
    editor.wait_transcript(&session, "a complaint about nothing");

    editor.send(&session, "two");
    wait_turns(&editor, 2);
    assert_eq!(editor.said(&session)[2..], ["without an envelope, query 2", "resume: two"]);

    editor.send(&session, "fail");
    editor.wait_status(&session, "error");
    assert_eq!(editor.error_of(&session), "the agent of mine has had enough");
    assert_eq!(installation.runner("mine").len(), 1, "it stays for the next prompt");
    editor.send(&session, "three");
    editor.wait_status(&session, "done");
    editor.wait_transcript(&session, "resume: three");
    let mut editor = editor;
    editor.quit("qa!");
    editor.assert_nothing_left();
}

/// In modules of the agents' names, so that those of one that cannot be installed are left out.
macro_rules! with_runtime {
    ($($runtime:ident)*) => { $(
        mod $runtime {
            const RUNTIME: &str = stringify!($runtime);

            mod claude {
                #[test]
                fn claudes_runner_goes_in_the_place_of_the_native_protocol() {
                    super::super::claudes_runner_goes_in_the_place_of_the_native_protocol(super::RUNTIME);
                }
            }

            mod codex {
                #[test]
                fn codexs_runner_shows_each_command_once() {
                    super::super::codexs_runner_shows_each_command_once(super::RUNTIME);
                }
            }

            #[test]
            fn ollamas_runner_streams_increments_and_keeps_the_conversation() {
                super::ollamas_runner_streams_increments_and_keeps_the_conversation(RUNTIME);
            }

            #[test]
            fn any_other_provider_may_speak_loosely() {
                super::any_other_provider_may_speak_loosely(RUNTIME);
            }
        }
    )* };
}

with_runtime! { node deno }

mod claude {
    use super::*;

    #[test]
    fn the_native_protocol_stays_where_nobody_asks_for_a_runner() {
        let mut installation = Installation::new("node");
        let _mock = installation.agent(&CLAUDE, "");
        let editor = installation.editor();
        let session = editor.start_session("{ provider = 'claude', prompt = 'SCENARIO:bash', open = true }");
        editor.wait_text("claude asks: Bash");
        assert!(installation.runner("claude").is_empty());
        editor.lua("assert(require('agor').interrupt(...))", &[session.as_str().into()]);
        editor.wait_status(&session, "idle");
        assert!(!installation.home.project().join("made.txt").exists());
    }
}
