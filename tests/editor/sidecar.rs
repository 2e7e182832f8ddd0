//! Runners of the sidecar protocol, from `:AgorStart` to the screen: where they are found, what they are started with, and
//! what they are told.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use crate::support::{Editor, Home, Options, repository};
use serde_json::Value as Json;

/// A runner as others write them: it knows nothing of agor but its lines. It says what it was given. Which language it is
/// in is the runtime's matter, and the runtime here is a stand-in, so that no test needs Node.js.
const RUNNER: &str = r#"import json, os, sys
def say(message): print(json.dumps(message), flush=True)
queries = 0
say({'type': 'ready'})
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'stop': sys.exit(0)
    if message['type'] == 'ping': say({'type': 'pong'})
    if message['type'] != 'query': continue
    queries += 1
    session = message['sessionId']
    def event(**event): say({'type': 'agent_event', 'sessionId': session, 'event': event})
    say({'type': 'agent_started', 'sessionId': session})
    event(type='system', subtype='init', session_id='own-7', model='m', cwd=os.getcwd(), tools=[])
    if message['prompt'] == 'not logged in':
        text = 'Not logged in · Please run /login'
        content = [{'type': 'text', 'text': text}]
        event(type='assistant', message={'id': 'm', 'role': 'assistant', 'content': content}, error='authentication_failed')
        event(type='result', subtype='success', is_error=True, result=text, session_id='own-7', num_turns=1)
        say({'type': 'agent_stopped', 'sessionId': session})
        continue
    report = {'query': message, 'queries': queries, 'argv': ['node'] + sys.argv, 'cwd': os.getcwd(), 'env': dict(os.environ)}
    content = [{'type': 'text', 'text': json.dumps(report)}]
    event(type='assistant', message={'id': f'm{queries}', 'role': 'assistant', 'content': content})
    event(type='result', subtype='success', is_error=False, session_id='own-7', num_turns=1)
    say({'type': 'agent_stopped', 'sessionId': session})
"#;

const NODE: &str = "#!/bin/sh\nexec python3 \"$@\"\n";

struct World {
    home: Arc<Home>,
    env: Vec<(String, String)>,
    init: String,
}

impl World {
    fn new() -> Self {
        let mut world = Self { home: Arc::new(Home::new()), env: Vec::new(), init: String::new() };
        world.program("runtimes", "node", NODE);
        let path = std::env::var("PATH").expect("a PATH");
        world.env.push(("PATH".into(), format!("{}:{path}", world.path("runtimes"))));
        world
    }

    /// `<root>/sidecar/dist/<provider>-runner.mjs` below the home.
    fn runner(&self, root: &str, provider: &str) -> PathBuf {
        let folder = self.home.path().join(root).join("sidecar/dist");
        fs::create_dir_all(&folder).expect("the home takes folders");
        let path = folder.join(format!("{provider}-runner.mjs"));
        fs::write(&path, RUNNER).expect("the home takes files");
        path
    }

    fn program(&self, folder: &str, name: &str, text: &str) {
        let path = self.home.path().join(folder).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the home takes folders");
        fs::write(&path, text).expect("the home takes files");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_string_lossy().into_owned()
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn editor(&self) -> Editor {
        Editor::start(Options {
            size: (160, 40),
            home: Arc::clone(&self.home),
            init: self.init.clone(),
            env: self.env.clone(),
            ..Options::default()
        })
    }
}

/// What the runner was given at its last query.
#[track_caller]
fn report(editor: &Editor, session: &str) -> Json {
    let said = editor.said(session);
    let last = said.last().unwrap_or_else(|| editor.fail("the runner has said nothing"));
    serde_json::from_str(last).expect("a report")
}

#[track_caller]
fn reported(editor: &Editor, options: &str) -> Json {
    let session = editor.start_session(options);
    editor.wait_status(&session, "done");
    report(editor, &session)
}

#[test]
fn an_unmodified_runner_under_agor_root_is_known_completed_and_run_with_node() {
    let mut world = World::new();
    let runner = world.runner("root", "foo");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    let editor = world.editor();
    let names = editor.lua_string("return table.concat(vim.fn.getcompletion('AgorStart f', 'cmdline'), ' ')", &[]);
    assert_eq!(names, "foo");
    editor.input(":AgorStart foo tell me<CR>");
    editor.wait_lua("#require('agor').sessions() == 1 and require('agor').sessions()[1].status == 'done'");
    let session = editor.lua_string("return require('agor').sessions()[1].session_id", &[]);
    editor.wait_transcript(&session, "❯ tell me");
    let report = report(&editor, &session);
    assert_eq!(report["argv"][1], runner.to_string_lossy().into_owned());
    assert_eq!(report["cwd"], world.home.project().to_string_lossy().into_owned());
    assert_eq!(report["query"]["prompt"], "tell me");
    assert_eq!(report["query"]["sessionId"], session);
    // A plain runner cannot ask: that is said for as long as the session lives.
    assert_eq!(report["query"]["permissionMode"], "bypassPermissions");
    editor.wait_text("asks nothing");
    assert!(editor.lua_string("return require('agor').statusline()", &[]).contains("asks nothing"));
}

#[test]
fn deno_is_taken_before_node() {
    let mut world = World::new();
    let runner = world.runner("root", "foo");
    let args = world.path("deno-args");
    world.program(
        "runtimes",
        "deno",
        &format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{args}'\nshift 2\nexec node \"$@\"\n"),
    );
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    let editor = world.editor();
    reported(&editor, "{ provider = 'foo', prompt = 'x' }");
    let args = fs::read_to_string(args).expect("deno ran");
    assert_eq!(args, format!("run\n-A\n{}\n", runner.display()));
}

#[test]
fn without_a_javascript_runtime_the_sentence_says_which_to_install() {
    let mut world = World::new();
    world.runner("root", "foo");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    let editor = world.editor();
    editor.lua("vim.env.PATH = '/nowhere'", &[]);
    let session = editor.start_session("{ provider = 'foo', prompt = 'x' }");
    editor.wait_status(&session, "error");
    let error = editor.error_of(&session);
    assert!(error.contains("neither deno nor node is on the PATH: install one of them"), "{error}");
}

#[test]
fn other_roots_are_tried_in_their_order_and_the_error_names_every_path() {
    let mut world = World::new();
    world.runner("second", "foo");
    world.init = format!(
        "require('agor').setup({{ runner_roots = {{ '{}', '{}' }}, providers = {{ bar = {{ command = false }} }} }})",
        world.path("first"),
        world.path("second")
    );
    let editor = world.editor();
    let second = reported(&editor, "{ provider = 'foo', prompt = 'x' }");
    assert_eq!(second["argv"][1], world.path("second/sidecar/dist/foo-runner.mjs"));
    world.runner("first", "foo");
    let first = reported(&editor, "{ provider = 'foo', prompt = 'x' }");
    assert_eq!(first["argv"][1], world.path("first/sidecar/dist/foo-runner.mjs"));

    // Whatever lies in somebody's repository, it is not run.
    world.runner("project", "bar");
    let session = editor.start_session("{ provider = 'bar', prompt = 'x' }");
    editor.wait_status(&session, "error");
    let error = editor.error_of(&session);
    let plugin = repository().join("sidecar/dist/bar-runner.mjs").to_string_lossy().into_owned();
    for path in
        [world.path("first/sidecar/dist/bar-runner.mjs"), world.path("second/sidecar/dist/bar-runner.mjs"), plugin]
    {
        assert!(error.contains(&path), "{error} names {path}");
    }
    assert!(!error.contains(&world.path("project")), "{error}");
    editor.wait_transcript(&session, "no runner for 'bar' was found");
}

#[test]
fn agor_root_is_the_only_root_if_it_is_set() {
    let mut world = World::new();
    world.runner("other", "foo");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    world.init = format!(
        "require('agor').setup({{ runner_roots = {{ '{}' }}, providers = {{ foo = {{ command = false }} }} }})",
        world.path("other")
    );
    let editor = world.editor();
    let session = editor.start_session("{ provider = 'foo', prompt = 'x' }");
    editor.wait_status(&session, "error");
    let error = editor.error_of(&session);
    assert!(error.contains(&world.path("root/sidecar/dist/foo-runner.mjs")), "{error}");
    assert!(!error.contains(&world.path("other")), "{error}");
}

#[test]
fn the_protocol_sidecar_drops_claudes_own_command() {
    let mut world = World::new();
    let runner = world.runner("root", "claude");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    world.init = "require('agor').setup({ providers = { claude = { protocol = 'sidecar' } } })".into();
    let editor = world.editor();
    let report = reported(&editor, "{ provider = 'claude', prompt = 'x' }");
    assert_eq!(report["argv"][1], runner.to_string_lossy().into_owned());
}

#[test]
fn the_runner_sees_the_editors_environment_without_other_agents_and_without_the_editor() {
    let mut world = World::new()
        .with("CLAUDE_CODE_ENTRYPOINT", "cli")
        .with("CLAUDE_CODE_EXPERIMENTAL_X", "kept")
        .with("ANTHROPIC_API_KEY", "sk-not-for-runners")
        .with("CODEX_HOME", "/x")
        .with("OLLAMA_HOST", "h")
        .with("PLAIN", "before");
    world.runner("root", "foo");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    world.init = "require('agor').setup({ providers = { foo = {
      command = false, env = { CODEX_TOKEN = 'mine' }, pass_env = { 'OLLAMA_*' } } } })"
        .into();
    let editor = world.editor();
    // The environment of the start, not of the backend's own start.
    reported(&editor, "{ provider = 'foo', prompt = 'first' }");
    editor.lua("vim.env.PLAIN = 'now'", &[]);
    let report = reported(
        &editor,
        "{ provider = 'foo', session_id = 's.1', prompt = 'x', claude_config_dir = '/conf', permission_mode = 'plan',
           model = 'big', system_prompt = 'be brief', max_turns = 3, worktree_name = 'w',
           extra_env = { EXTRA = 1, CLAUDE_CODE_X = 'hidden-value', CLAUDE_CODE_EXPERIMENTAL_Y = 'too' } }",
    );
    let env = &report["env"];
    let expect = [
        ("PLAIN", "now"),
        ("CLAUDE_CODE_EXPERIMENTAL_X", "kept"),
        ("OLLAMA_HOST", "h"),
        ("CODEX_TOKEN", "mine"),
        ("CLAUDE_CONFIG_DIR", "/conf"),
        ("EXTRA", "1"),
        ("AGOR_SESSION_ID", "s.1"),
        ("GIT_EDITOR", "false"),
    ];
    for (name, value) in expect {
        assert_eq!(env[name], value, "{name}");
    }
    let withheld = ["CLAUDE_CODE_ENTRYPOINT", "ANTHROPIC_API_KEY", "CODEX_HOME", "CLAUDE_CODE_X"];
    for name in withheld.iter().chain(&["NVIM", "NVIM_LOG_FILE", "NVIM_LISTEN_ADDRESS", "VIM", "VIMRUNTIME", "MYVIMRC"])
    {
        assert_eq!(env.get(*name), None, "{name}");
    }
    let query = &report["query"];
    assert_eq!(query["extraEnv"]["CODEX_TOKEN"], "mine", "runners strip once more: what is set is told besides");
    assert_eq!(query["extraEnv"]["EXTRA"], "1");
    let keys = ["model", "systemPrompt", "permissionMode", "claudeConfigDir", "worktreeName"];
    assert_eq!(keys.map(|key| query[key].as_str()), ["big", "be brief", "plan", "/conf", "w"].map(Some));
    assert_eq!(query["maxTurns"], 3);
    for absent in ["additionalDirectories", "resumeMode", "resumeSessionId"] {
        assert_eq!(query.get(absent), None, "{absent}");
    }
    editor.wait_notified("'CLAUDE_CODE_X' in extra_env was left out");
    let notes = editor.notifications();
    assert!(notes.contains("providers.foo.env"), "{notes}");
    assert!(!notes.contains("hidden-value"), "{notes}");
}

#[test]
fn programs_are_looked_up_in_the_path_of_the_start() {
    let mut world = World::new();
    world.program("late", "my-agent", "#!/bin/sh\nread -r query\necho '{\"type\":\"agent_stopped\"}'\nread -r more\n");
    world.init =
        "require('agor').setup({ providers = { mine = { protocol = 'sidecar', command = { 'my-agent' } } } })".into();
    let editor = world.editor();
    let session = editor.start_session("{ provider = 'mine', prompt = 'x' }");
    editor.wait_status(&session, "error");
    assert!(editor.error_of(&session).contains("'my-agent' was not found"), "{}", editor.error_of(&session));
    editor.lua("vim.env.PATH = ... .. ':' .. vim.env.PATH", &[world.path("late").into()]);
    let session = editor.start_session("{ provider = 'mine', prompt = 'x' }");
    editor.wait_status(&session, "done");
}

#[test]
fn a_follow_up_resumes_in_the_runner_that_lives_and_after_its_death_in_a_new_one() {
    let mut world = World::new();
    world.runner("root", "foo");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    let editor = world.editor();
    let session = editor.start_session("{ provider = 'foo', prompt = 'one' }");
    editor.wait_status(&session, "done");
    editor.send(&session, "two");
    editor.wait_lua(&format!("#vim.iter((require('agor').messages('{session}'))):filter(function(m) return m.type == 'text' end):totable() == 2"));
    let second = report(&editor, &session);
    assert_eq!(second["queries"], 2, "the same runner");
    assert_eq!(
        (&second["query"]["resumeMode"], &second["query"]["resumeSessionId"]),
        (&"resume".into(), &"own-7".into())
    );
    editor.wait_status(&session, "done");
    editor.lua("assert(require('agor').stop(...))", &[session.as_str().into()]);
    editor.lua("_G.ended = nil; require('agor.rpc').notify('ps', {}, function(_, list) _G.ended = #list end)", &[]);
    editor.wait_lua(
        "_G.ended == 0 or (require('agor.rpc').notify('ps', {}, function(_, list) _G.ended = #list end) and false)",
    );
    editor.send(&session, "three");
    editor.wait_lua(&format!("#vim.iter((require('agor').messages('{session}'))):filter(function(m) return m.type == 'text' end):totable() == 3"));
    let third = report(&editor, &session);
    assert_eq!(third["queries"], 1, "a new runner");
    assert_eq!(third["query"]["resumeSessionId"], "own-7");
}

#[test]
fn an_agent_that_is_not_logged_in_says_what_was_withheld_and_how_to_log_in() {
    let mut world = World::new().with("ANTHROPIC_API_KEY", "sk-secret-value");
    world.runner("root", "claude");
    world.env.push(("AGOR_ROOT".into(), world.path("root")));
    world.init = "require('agor').setup({ providers = { claude = { protocol = 'sidecar' } } })".into();
    let editor = world.editor();
    let session = editor.start_session("{ provider = 'claude', prompt = 'not logged in' }");
    editor.wait_status(&session, "error");
    let error = editor.error_of(&session);
    for part in ["claude is not logged in", ":Agor login claude", "ANTHROPIC_API_KEY", "pass_env"] {
        assert!(error.contains(part), "{error} has {part}");
    }
    assert!(!error.contains("sk-secret-value"), "{error}");
    editor.wait_transcript(&session, ":Agor login claude");
}
