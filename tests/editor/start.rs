//! `:AgorStart`: in which directory, with which options, with which words. What counts is what the agent was sent.

use std::fs;

use crate::support::{Ear, Editor, Options};
use rmpv::Value;
use serde_json::json;

/// In a repository with packages, the second of which has a file that is open.
fn monorepo() -> Ear {
    let options = Options::default();
    let home = options.home.clone();
    home.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    home.write("repo/packages/one/a.txt", "one\n");
    home.write("repo/packages/two/b.txt", "two\n");
    Ear::start(options)
}

fn path(editor: &Editor, name: &str) -> String {
    let path = editor.home().project().join(name);
    fs::canonicalize(&path).unwrap_or(path).to_string_lossy().into_owned()
}

#[track_caller]
fn starts_in(ear: &mut Ear, folder: &str) {
    ear.editor.input(":AgorStart where am I<CR>");
    let query = ear.query();
    assert_eq!(query["cwd"], json!(path(&ear.editor, folder)), "{query}");
    assert_eq!(query["prompt"], "where am I");
    // The bar says it.
    let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
    ear.editor.wait_screen("the directory in the bar", |rows| {
        rows.iter().any(|row| row.contains("ear  ") && row.trim_end().ends_with(&name))
    });
}

#[test]
fn a_file_of_a_monorepo_leads_to_the_repositorys_top() {
    let mut ear = monorepo();
    ear.editor.command("edit repo/packages/two/b.txt");
    starts_in(&mut ear, "repo");
}

#[test]
fn a_window_in_a_package_means_the_package() {
    let mut ear = monorepo();
    ear.editor.command("cd repo/packages/two");
    ear.editor.command("edit b.txt");
    starts_in(&mut ear, "repo/packages/two");
}

#[test]
fn a_directory_set_for_the_window_or_the_tabpage_is_meant() {
    let mut ear = monorepo();
    ear.editor.command("edit repo/packages/two/b.txt");
    ear.editor.command("lcd repo/packages/one");
    starts_in(&mut ear, "repo/packages/one");
    ear.editor.command("tabnew");
    ear.editor.command(&format!("tcd {}", path(&ear.editor, "repo/packages")));
    starts_in(&mut ear, "repo/packages");
}

#[test]
fn netrw_stands_for_its_directory() {
    let mut ear = monorepo();
    ear.editor.command("edit repo/packages/two");
    ear.editor.wait_lua("vim.bo.filetype == 'netrw'");
    starts_in(&mut ear, "repo/packages/two");
}

#[test]
fn other_file_managers_stand_for_their_directory() {
    let mut ear = monorepo();
    let two = path(&ear.editor, "repo/packages/two");
    for (name, filetype, buftype) in
        [(format!("oil://{two}/"), "oil", "acwrite"), (format!("minifiles://7/{two}"), "minifiles", "acwrite")]
    {
        ear.editor.lua(
            "local name, filetype, buftype = ...
             local buf = vim.api.nvim_create_buf(true, false)
             vim.api.nvim_buf_set_name(buf, name)
             vim.bo[buf].buftype, vim.bo[buf].filetype = buftype, filetype
             vim.api.nvim_win_set_buf(0, buf)",
            &[name.as_str().into(), filetype.into(), buftype.into()],
        );
        starts_in(&mut ear, "repo/packages/two");
    }
}

#[test]
fn a_terminal_stands_for_where_its_shell_is_by_now() {
    let mut ear = monorepo();
    let two = path(&ear.editor, "repo/packages/two");
    ear.editor.lua("vim.fn.jobstart({ 'sh' }, { term = true })", &[]);
    let line = format!("cd {two} && echo arri''ved\n");
    ear.editor.lua("vim.fn.chansend(vim.bo.channel, ...)", &[line.as_str().into()]);
    ear.editor.wait_text("arrived");
    starts_in(&mut ear, "repo/packages/two");
}

#[test]
fn help_and_dashboards_mean_the_windows_directory() {
    let mut ear = monorepo();
    ear.editor.command("cd repo/packages");
    ear.editor.command("help help");
    starts_in(&mut ear, "repo/packages");
    ear.editor.command("tabnew");
    ear.editor.lua("vim.bo.buftype, vim.bo.bufhidden, vim.bo.filetype = 'nofile', 'wipe', 'alpha'", &[]);
    starts_in(&mut ear, "repo/packages");
}

#[test]
fn our_own_buffers_stand_for_their_sessions_directory() {
    let mut ear = monorepo();
    ear.editor.input(&format!(":AgorStart cwd={} first<CR>", path(&ear.editor, "repo/packages/one")));
    assert_eq!(ear.prompt(), "first");
    ear.editor.command("AgorOpen");
    ear.editor.wait_lua("vim.bo.filetype == 'agor-prompt'");
    ear.editor.input("<Esc>");
    starts_in(&mut ear, "repo/packages/one");
}

#[track_caller]
fn asks_first(cwd: &str) {
    let options = Options::default();
    let home = options.home.path().to_path_buf();
    let dir = if cwd == "~" { home.to_string_lossy().into_owned() } else { cwd.to_owned() };
    let mut ear = Ear::start(Options { cwd: Some(dir.clone().into()), ..options });
    ear.editor.lua(
        "_G.asked = {}
         vim.ui.select = function(items, opts, done) _G.asked[#_G.asked + 1] = { opts.prompt, items, done } end",
        &[],
    );
    ear.editor.input(":AgorStart hello<CR>");
    ear.editor.wait_lua("#_G.asked == 1");
    let prompt = ear.editor.lua_string("return _G.asked[1][1]", &[]);
    assert!(prompt.contains(&dir), "{prompt}");
    ear.editor.lua("_G.asked[1][3]('Cancel')", &[]);
    assert_eq!(ear.editor.lua("return #require('agor').sessions()", &[]), Value::from(0));
    ear.editor.input(":AgorStart hello<CR>");
    ear.editor.wait_lua("#_G.asked == 2");
    ear.editor.lua("_G.asked[2][3](_G.asked[2][2][1])", &[]);
    assert_eq!(ear.query()["cwd"], json!(dir));
}

#[test]
fn the_home_directory_is_asked_about_first() {
    asks_first("~");
}

#[test]
fn the_root_directory_is_asked_about_first() {
    asks_first("/");
}

/// A line as typed, and what the agent gets.
#[track_caller]
fn arrives(ear: &mut Ear, line: &str, prompt: &str) {
    ear.editor.input(&format!(":{}<CR>", line.replace('<', "<lt>").replace('\t', "<C-v><Tab>")));
    assert_eq!(ear.prompt(), prompt, "{line}");
}

#[test]
fn the_words_arrive_byte_for_byte() {
    let options = Options { args: vec!["a.txt".into()], ..Options::default() };
    options.home.write("a.txt", "text\n");
    let mut ear = Ear::start(options);
    ear.editor.command("let @/ = 'pattern'");
    for words in [
        r#"a | b "c" % # \ ~ $HOME `date` 'q'"#,
        r"\| \\ \% \  end",
        r#"" a comment?"#,
        "| quit",
        "% #1 <cword> <args> %:p ##",
        "two  blanks	a tab ünïcödé 漢字 e\u{301}",
        "-- inside -- too",
        "model = x, not a key",
        "a=b",
        "ends with a backslash\\",
    ] {
        let line = if words == "a=b" || words.starts_with("-- ") {
            format!("AgorStart -- {words}")
        } else {
            format!("AgorStart {words}")
        };
        arrives(&mut ear, &line, words);
    }
    arrives(&mut ear, "Agor start a | b", "a | b");
    arrives(&mut ear, "AgorStart ear % and | more", "% and | more");
    arrives(&mut ear, "AgorStart ear --   three blanks before", "  three blanks before");
    arrives(&mut ear, "AgorStart --  key=value first", " key=value first");
    arrives(&mut ear, "AgorSend a | b \"c\" % # \\", "a | b \"c\" % # \\");
    arrives(&mut ear, "Agor send model=x is a word here", "model=x is a word here");
    arrives(&mut ear, "AgorSend ends with blanks  ", "ends with blanks  ");
    arrives(&mut ear, "AgorStart ends with blanks  ", "ends with blanks  ");
}

#[test]
fn claude_is_asked_to_explain_this_crate() {
    let mut ear = Ear::start(Options {
        init: "require('agor').setup({ providers = { claude = _G.ear } })".into(),
        ..Options::default()
    });
    ear.editor.input(":AgorStart claude Explain this crate<CR>");
    let query = ear.query();
    assert_eq!(query["prompt"], "Explain this crate");
    assert_eq!(query["cwd"], json!(path(&ear.editor, "")));
    assert_eq!(ear.editor.lua_string("return require('agor').sessions()[1].provider", &[]), "claude");
    ear.editor.wait_text("❯ Explain this crate");
    assert_eq!(ear.editor.mode(), "normal");
}

#[test]
fn every_key_reaches_the_agent() {
    let mut ear = Ear::start(Options { env: vec![("PLACE".into(), "else where".into())], ..Options::default() });
    ear.editor.home().write("some dir/x", "");
    ear.editor.home().write("more/x", "");
    ear.editor.home().write("else where/x", "");
    let line = concat!(
        "AgorStart model=opus cwd=some\\ dir permission_mode=plan system_prompt=Be\\ brief. max_turns=3 ",
        "claude_config_dir=~/conf add_dir=more add_dir=~/project/$PLACE worktree=side resume_mode=resume resume=abc-1 ",
        "provider=ear go on"
    );
    ear.editor.input(&format!(":{line}<CR>"));
    let query = ear.query();
    let home = ear.editor.home().path().to_string_lossy().into_owned();
    let want = json!({
        "type": "query", "sessionId": query["sessionId"], "prompt": "go on", "model": "opus",
        "cwd": path(&ear.editor, "some dir"), "permissionMode": "plan", "systemPrompt": "Be brief.", "maxTurns": 3,
        "claudeConfigDir": format!("{home}/conf"), "worktreeName": "side",
        "additionalDirectories": [path(&ear.editor, "more"), path(&ear.editor, "else where")],
        "resumeMode": "resume", "resumeSessionId": "abc-1",
    });
    assert_eq!(query, want);
}

#[test]
fn every_option_of_the_function_reaches_the_agent() {
    let mut ear = Ear::start(Options::default());
    ear.editor.home().write("sub/x", "");
    let id = ear.editor.lua_string(
        "return assert(require('agor').start({
           provider = 'ear', prompt = 'p', session_id = 'my.id_1-x', cwd = 'sub', model = 'm', mode = 'careful',
           system_prompt = 's', max_turns = 2, permission_mode = 'acceptEdits', claude_config_dir = '/conf',
           extra_env = { ONE = '1', TWO = 2 }, additional_directories = { 'sub' }, worktree_name = 'w',
           resume_mode = 'continue', open = false,
           context = { { path = 'a.rs', first_line = 3, last_line = 4, filetype = 'rust', text = 'x\\ny' } },
         }))",
        &[],
    );
    assert_eq!(id, "my.id_1-x");
    let query = ear.query();
    let want = json!({
        "type": "query", "sessionId": "my.id_1-x",
        "prompt": "p\n\nFrom `a.rs`, lines 3-4:\n```rust\nx\ny\n```",
        "model": "m", "cwd": path(&ear.editor, "sub"), "permissionMode": "acceptEdits", "systemPrompt": "s", "maxTurns": 2,
        "claudeConfigDir": "/conf", "extraEnv": {"ONE": "1", "TWO": "2"}, "worktreeName": "w",
        "additionalDirectories": [path(&ear.editor, "sub")], "resumeMode": "continue",
    });
    assert_eq!(query, want);
    assert_eq!(ear.editor.lua("return #vim.api.nvim_list_wins()", &[]), Value::from(1), "open = false");
}

#[test]
fn a_provider_s_own_options_are_the_defaults() {
    let mut ear = Ear::start(Options {
        init: "require('agor').setup({ provider = 'ear', providers = { ear = vim.tbl_extend('error', _G.ear, {
                 model = 'conf', permission_mode = 'plan', system_prompt = 'conf s', max_turns = 9,
                 additional_directories = { '~' } }) } })"
            .into(),
        ..Options::default()
    });
    let home = ear.editor.home().path().to_string_lossy().into_owned();
    ear.editor.input(":AgorStart model=mine x<CR>");
    let query = ear.query();
    let of = |key: &str| query[key].clone();
    assert_eq!((of("model"), of("permissionMode")), (json!("mine"), json!("plan")));
    assert_eq!((of("systemPrompt"), of("maxTurns")), (json!("conf s"), json!(9)));
    assert_eq!(of("additionalDirectories"), json!([home]));
}

/// Typed, it says so and starts nothing.
#[track_caller]
fn refused(editor: &Editor, line: &str, says: &str) {
    editor.command("messages clear");
    editor.input(&format!(":{line}<CR>"));
    editor.wait_lua(&format!("vim.fn.execute('messages'):gsub('\\n', ' '):find([==[{says}]==], 1, true)"));
    let said = editor.lua_string("return vim.fn.execute('messages')", &[]);
    assert!(!said.contains("stack traceback") && !said.contains("Error executing"), "{said}");
    assert_eq!(editor.lua("return #require('agor').sessions()", &[]), Value::from(0), "{line}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_starts() {
    let ear = Ear::start(Options::default());
    let editor = &ear.editor;
    editor.home().write("file", "");
    for (line, says) in [
        ("AgorStart modle=opus hi", "unknown key \"modle\" (did you mean \"model\"?)"),
        ("AgorStart provider=claud hi", "unknown provider \"claud\" (did you mean \"claude\"?)"),
        ("AgorStart cwd=nowhere hi", "nowhere does not exist"),
        ("AgorStart cwd=file hi", "file is not a directory"),
        ("AgorStart add_dir=nowhere hi", "nowhere does not exist"),
        ("AgorStart max_turns=many hi", "max_turns= takes a number, not \"many\""),
        ("AgorStart max_turns=0 hi", "max_turns must be a whole number of at least 1"),
        ("AgorStart resume_mode=again hi", "resume_mode must be new, continue or resume, not \"again\""),
        ("AgorStart resume_mode=resume hi", "needs resume_session_id"),
        ("AgorStart resume_mode=new resume=x hi", "does not go with"),
        ("AgorStart model= hi", "model= needs a value"),
        ("AgorStart ear provider=demo hi", "two providers are given"),
        ("Agor strat", "unknown subcommand \"strat\" (did you mean \"start\"?)"),
        ("AgorStart! hi", "takes no !"),
        ("AgorToggle now", "takes no argument"),
    ] {
        refused(editor, line, says);
    }
}

#[test]
fn wrong_options_of_the_function_are_said() {
    let ear = Ear::start(Options::default());
    for (options, says) in [
        ("{ provider = 'nobody' }", "unknown provider \"nobody\""),
        ("{ promt = 'x' }", "unknown option \"promt\" (did you mean \"prompt\"?)"),
        ("{ prompt = 1 }", "prompt must be a string, not a number"),
        ("{ session_id = 'a b' }", "\"a b\" is no session id"),
        ("{ session_id = ('x'):rep(129) }", "is no session id"),
        ("{ cwd = '/nowhere/at/all' }", "the directory /nowhere/at/all does not exist"),
        ("{ max_turns = 1.5 }", "max_turns must be a whole number"),
        ("{ resume_mode = 'resume' }", "needs resume_session_id"),
        ("{ resume_mode = 'new', resume_session_id = 'x' }", "does not go with"),
        ("{ resume_mode = 'continue', resume_session_id = 'x' }", "does not go with"),
        ("{ context = { 'x' } }", "context[1].text must be a string"),
        ("{ additional_directories = { a = 'b' } }", "must be a list of directories"),
        ("{ extra_env = { ['A=B'] = 'x' } }", "names and values must be strings"),
        ("'demo'", "start() takes a table"),
    ] {
        let said = ear.editor.lua_string(
            &format!("local id, message = require('agor').start({options}) return tostring(id) .. ' ' .. message"),
            &[],
        );
        assert!(said.starts_with("nil ") && said.contains(says), "{options}: {said}");
    }
    assert_eq!(ear.editor.lua("return #require('agor').sessions()", &[]), Value::from(0));
}

#[test]
fn a_first_word_one_edit_away_from_a_provider_is_asked_about() {
    let mut ear = Ear::start(Options::default());
    ear.editor.lua(
        "_G.choose = 1
         vim.ui.select = function(items, opts, done) _G.asked = opts.prompt done(items[_G.choose]) end",
        &[],
    );
    ear.editor.input(":AgorStart eat model=m the words<CR>");
    let query = ear.query();
    assert_eq!((query["prompt"].as_str(), query["model"].as_str()), (Some("the words"), Some("m")));
    assert!(ear.editor.lua_string("return _G.asked", &[]).contains("\"eat\" is no provider. Did you mean \"ear\"?"));
    ear.editor.lua("_G.choose = 2", &[]);
    ear.editor.input(":AgorStart eat your vegetables<CR>");
    assert_eq!(ear.prompt(), "eat your vegetables");
    ear.editor.lua("_G.choose = 3", &[]);
    ear.editor.input(":AgorStart eat nothing<CR>");
    assert_eq!(ear.editor.lua("return #require('agor').sessions()", &[]), Value::from(2));
}

#[test]
fn lines_go_along_with_the_prompt() {
    let options = Options { args: vec!["src/a b.lua".into()], ..Options::default() };
    options.home.write("src/a b.lua", "one\ntwo\nthree\nfour\n");
    let mut ear = Ear::start(options);
    ear.editor.input(":2,3AgorStart ear Why?<CR>");
    assert_eq!(ear.prompt(), "Why?\n\nFrom `src/a b.lua`, lines 2-3:\n```lua\ntwo\nthree\n```");
    assert_eq!(ear.editor.lua_string("return vim.fn.bufname()", &[]), "src/a b.lua", "the cursor stays");
    // In a session of another directory the path is whole.
    ear.editor.input("gg0lvl:AgorStart cwd=/usr What?<CR>");
    let whole = path(&ear.editor, "src/a b.lua");
    assert_eq!(ear.prompt(), format!("What?\n\nFrom `{whole}`, line 1:\n```lua\nne\n```"));
}

#[test]
fn lines_without_words_go_along_alone() {
    let options = Options { args: vec!["a.txt".into()], ..Options::default() };
    options.home.write("a.txt", "one\ntwo\n");
    let mut ear = Ear::start(options);
    ear.editor.input(":2AgorStart<CR>");
    assert_eq!(ear.prompt(), "From `a.txt`, line 2:\n```text\ntwo\n```");
    assert_eq!(ear.editor.mode(), "normal");
}

#[track_caller]
fn completes(editor: &Editor, line: &str, want: &[&str]) {
    let got = editor.lua("return vim.fn.getcompletion(..., 'cmdline')", &[line.into()]);
    let got: Vec<&str> = got.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(got, want, "{line}");
}

#[test]
fn providers_keys_and_values_are_completed() {
    let ear = Ear::start(Options::default());
    let editor = &ear.editor;
    editor.home().write("some dir/x", "");
    editor.home().write("some other/x", "");
    completes(editor, "AgorStart cl", &["claude", "claude-agent-acp", "claude_config_dir="]);
    completes(editor, "Agor start cl", &["claude", "claude-agent-acp", "claude_config_dir="]);
    completes(editor, "Agor sta", &["start", "stats"]);
    completes(editor, "2,3Agor sta", &["start", "stats"]);
    completes(editor, "'<,'>AgorStart dem", &["demo"]);
    completes(editor, "AgorStart claude mo", &["model=", "mode="]);
    completes(editor, "AgorStart claude model=x mo", &["mode="]);
    completes(editor, "AgorStart demo explain cl", &[]);
    completes(editor, "AgorStart -- cl", &[]);
    completes(editor, "AgorStart resume_mode=", &["resume_mode=new", "resume_mode=continue", "resume_mode=resume"]);
    completes(editor, "AgorStart provider=cl", &["provider=claude", "provider=claude-agent-acp"]);
    completes(editor, "AgorStart cwd=some", &["cwd=some\\ dir/", "cwd=some\\ other/"]);
    completes(editor, "AgorStart cwd=some\\ d", &["cwd=some\\ dir/"]);
    completes(editor, "AgorStart add_dir=some\\ dir/ add_d", &["add_dir="]);
    completes(editor, "AgorTrace o", &["on", "off"]);
    completes(editor, "AgorLogin cl", &["claude", "claude-agent-acp"]);
    // With the keys that a user types.
    editor.input(":AgorStart cwd=some\\ o<C-i>");
    editor.wait_screen("the completed line", |rows| {
        rows.last().is_some_and(|row| row.contains("AgorStart cwd=some\\ other/"))
    });
    editor.input("<C-u><Esc>");
}

#[test]
fn without_an_agent_it_says_what_to_install() {
    let bin = tempfile::tempdir().expect("a folder");
    let options = Options {
        init: "require('agor').setup({ providers = { claude = { also = {} } } })
               vim.env.PATH = vim.env.EMPTY"
            .into(),
        env: vec![("EMPTY".into(), bin.path().to_string_lossy().into_owned())],
        ..Options::default()
    };
    let editor = Editor::start(options);
    refused(&editor, "AgorStart hello", "no agent was found");
    let said = editor.lua_string("return vim.fn.execute('messages'):gsub('\\n', ' ')", &[]);
    for part in ["npm install -g @anthropic-ai/claude-code", ":AgorStart demo works at once"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_first_available_agent_of_the_order_is_taken() {
    let options = Options {
        init: "require('agor').setup({ provider = nil, order = { 'absent', 'ear', 'demo' }, providers = {
                 ear = _G.ear, absent = { protocol = 'sidecar', command = { 'no-such-program' } } } })"
            .into(),
        ..Options::default()
    };
    let mut ear = Ear::start(options);
    ear.editor.input(":AgorStart hello<CR>");
    assert_eq!(ear.prompt(), "hello");
    assert_eq!(ear.editor.lua_string("return require('agor').sessions()[1].provider", &[]), "ear");
}
