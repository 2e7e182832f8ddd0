//! The Ollama agent as a user meets it, over a server that stands for Ollama's: text, tools, models, failures.

use std::sync::Arc;

use crate::support::{Editor, Home, Ollama, Options};

/// An editor whose environment says where the server is.
fn editor_at(home: Arc<Home>, host: &str) -> Editor {
    Editor::start(Options {
        size: (140, 44),
        home,
        init: "vim.o.swapfile = false
            _G.turns = 0
            vim.api.nvim_create_autocmd('User', { pattern = 'AgorTurn', callback = function() _G.turns = _G.turns + 1 end })
            require('agor').setup({ provider = 'ollama' })\n"
            .into(),
        env: vec![("OLLAMA_HOST".into(), host.into())],
        ..Options::default()
    })
}

fn editor(server: &Ollama) -> Editor {
    editor_at(Arc::new(Home::new()), &server.host())
}

#[track_caller]
fn session(editor: &Editor) -> String {
    editor.wait_lua("#require('agor').sessions() == 1");
    editor.lua_string("return require('agor').sessions()[1].session_id", &[])
}

/// Waits for the ends of so many turns in all.
#[track_caller]
fn turns(editor: &Editor, count: usize) {
    editor.wait_lua(&format!("_G.turns >= {count}"));
}

#[track_caller]
fn row(editor: &Editor, field: &str) -> String {
    editor.lua_string("return tostring(require('agor').sessions()[1][...])", &[field.into()])
}

#[test]
fn an_answer_shows_its_thoughts_its_text_and_how_full_the_context_is() {
    let server = Ollama::start();
    let editor = editor(&server);
    editor.input(":AgorStart ollama scenario:thinking please<CR>");
    let session = session(&editor);
    editor.wait_transcript(&session, "Hello from the mock Ollama .");
    editor.wait_transcript(&session, "loading mock-tools:latest with a context of 8192 tokens…");
    turns(&editor, 1);
    editor.wait_status(&session, "idle");
    assert_eq!(row(&editor, "model"), "mock-tools:latest");
    let figures = ["input_tokens", "output_tokens"].map(|field| row(&editor, field).parse::<u64>().expect("a number"));
    assert_eq!(row(&editor, "context_used"), figures.iter().sum::<u64>().to_string());
    assert_eq!(row(&editor, "context_size"), "8192");
    assert_eq!(row(&editor, "mode"), "default");
    let thought = editor.lua_string(
        "for _, m in ipairs(require('agor').messages(...)) do
           if m.type == 'thinking' and not m.part then return m.content.text end
         end
         return ''",
        &[session.as_str().into()],
    );
    assert!(thought.starts_with("The user wants"), "{thought}");
}

#[test]
fn an_edit_is_seen_in_the_float_and_then_made_or_not() {
    let server = Ollama::start();
    let home = Arc::new(Home::new());
    let file = home.write("a.txt", "one\ntwo\n");
    let editor = editor_at(Arc::clone(&home), &server.host());
    editor.command(&format!("edit {}", file.display()));
    let call = r#"call edit_file {"path": "a.txt", "old_text": "two", "new_text": "2"}"#;
    let started = format!("{{ prompt = [==[{call}]==], open = true }}");
    let session = editor.start_session(&started);
    editor.wait_lua("require('agor.ui.ask').count() == 1");
    editor.wait_text("Allow all edits in this session");
    for line in ["two", "2"] {
        editor.wait_text(line);
    }
    assert_eq!(home.read("a.txt"), "one\ntwo\n");
    editor.command("Agor permit 1");
    turns(&editor, 1);
    assert_eq!(home.read("a.txt"), "one\n2\n");
    editor.wait_transcript(&session, "I was told: a.txt was changed");
    // The buffer that shows the file is up to date.
    editor.wait_lua(&format!("vim.api.nvim_buf_get_lines(vim.fn.bufnr('{}'), 0, -1, false)[2] == '2'", file.display()));
    let call = r#"call edit_file {"path": "a.txt", "old_text": "one", "new_text": "1"}"#;
    editor.send(&session, call);
    editor.wait_lua("require('agor.ui.ask').count() == 1");
    editor.command("Agor permit 3");
    turns(&editor, 2);
    assert_eq!(home.read("a.txt"), "one\n2\n");
    editor.wait_transcript(&session, "I was told: The user does not want this change.");
    editor.wait_transcript(&session, "refused");
}

#[test]
fn an_interrupt_in_the_middle_of_a_text_closes_the_connection() {
    let server = Ollama::start();
    let editor = editor(&server);
    editor.input(":AgorStart ollama scenario:slow<CR>");
    let session = session(&editor);
    editor.wait_transcript(&session, "word3 ");
    editor.input(":Agor interrupt<CR>");
    turns(&editor, 1);
    server.wait_closed("slow");
    editor.wait_status(&session, "idle");
    editor.send(&session, "scenario:said");
    editor.wait_transcript(&session, "Before: user=scenario:slow / assistant=word0");
}

#[test]
fn models_are_chosen_by_name_and_completed() {
    let server = Ollama::start();
    let editor = editor(&server);
    editor.input(":AgorStart ollama<CR>");
    let session = session(&editor);
    editor.wait_lua("table.concat(vim.fn.getcompletion('Agor model mock-p', 'cmdline'), ' ') == 'mock-plain:latest'");
    editor.command("Agor model mock-plain:latest");
    editor.wait_lua("require('agor').sessions()[1].model == 'mock-plain:latest'");
    editor.send(&session, "scenario:text");
    editor.wait_transcript(&session, "Hello from the mock Ollama .");
    turns(&editor, 1);
    assert_eq!(server.chats()[0]["model"], "mock-plain:latest");
    let modes = editor.lua_string("return table.concat(vim.fn.getcompletion('Agor mode ', 'cmdline'), ' ')", &[]);
    assert_eq!(modes, "default acceptEdits plan");
    editor.command("Agor mode plan");
    editor.wait_lua("require('agor').sessions()[1].mode == 'plan'");
    // What was chosen outlives the conversation.
    editor.command("Agor prompt");
    editor.input("/clear<Esc><CR>");
    editor.wait_transcript(&session, "new conversation");
    editor.send(&session, "scenario:said");
    turns(&editor, 2);
    assert_eq!(editor.said(&session).last().map(String::as_str), Some("Before: "));
    assert_eq!(server.chats()[1]["model"], "mock-plain:latest");
    assert_eq!((row(&editor, "model"), row(&editor, "mode")), ("mock-plain:latest".into(), "plan".into()));
}

#[test]
fn a_server_that_is_not_there_is_told_at_once_with_how_to_start_it() {
    let port = Ollama::start().port();
    let editor = editor_at(Arc::new(Home::new()), &format!("127.0.0.1:{port}"));
    // Its program is not asked for where an address is set.
    editor.input(":AgorStart ollama<CR>");
    let session = session(&editor);
    editor.wait_transcript(&session, "`ollama serve`");
    editor.send(&session, "scenario:text");
    turns(&editor, 1);
    editor.wait_status(&session, "error");
    let error = editor.error_of(&session);
    assert!(error.contains(&format!("does not answer at http://127.0.0.1:{port}")), "{error}");
    let _server = Ollama::with(port, &[]);
    editor.send(&session, "scenario:text");
    turns(&editor, 2);
    editor.wait_status(&session, "idle");
    editor.wait_transcript(&session, "Hello from the mock Ollama .");
}

#[test]
fn a_conversation_goes_on_after_the_editor_was_killed() {
    let server = Ollama::start();
    let home = Arc::new(Home::new());
    let editor = editor_at(Arc::clone(&home), &server.host());
    let id = editor.start_session("{ prompt = 'scenario:text one', model = 'mock-plain' }");
    turns(&editor, 1);
    // Which kills it.
    drop(editor);
    let editor = editor_at(Arc::clone(&home), &server.host());
    let journal = home.data().join(format!("agor/sessions/{id}.ndjson"));
    let kept = std::fs::read_to_string(journal).expect("a journal");
    let line = kept.lines().find(|line| line.contains("\"init\"")).expect("an init");
    let init: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let own = init["content"]["session_id"].as_str().expect("an id");
    let id = editor.start_session(&format!("{{ prompt = 'scenario:said', resume_session_id = '{own}', open = true }}"));
    editor.wait_transcript(&id, "Before: user=scenario:text one / assistant=Hello from the mock Ollama .");
    turns(&editor, 1);
    // The model is the conversation's.
    assert_eq!(row(&editor, "model"), "mock-plain:latest");
}

#[test]
fn rules_hold_for_what_the_model_reads_and_finds() {
    let server = Ollama::start();
    let home = Arc::new(Home::new());
    home.write("a.txt", "key: none\n");
    home.write(".env", "key: 0x5ec4e7\n");
    home.write("notes.txt", "key: 0x0b5c\n");
    let editor = editor_at(Arc::clone(&home), &server.host());
    editor.lua(
        "require('agor').setup({ provider = 'ollama', policy = { deny = { 'file(.env)' }, ask = { 'read(notes.txt)' } } })
         vim.api.nvim_create_autocmd('User', { pattern = 'AgorPermission', callback = function(event)
           require('agor').answer(event.data.session_id, event.data.request_id, 'reject')
         end })",
        &[],
    );
    editor.input(":AgorStart ollama<CR>");
    let session = session(&editor);
    let calls = "calls\ncall read_file {\"path\": \".env\"}\ncall search {\"pattern\": \"key\"}";
    editor.send(&session, calls);
    turns(&editor, 1);
    editor.wait_status(&session, "idle");
    editor.wait_transcript(&session, "forbidden by your rule");
    let told = server.chats().iter().map(ToString::to_string).collect::<String>();
    assert!(told.contains("forbids this") && told.contains("a.txt:1: key: none"), "{told}");
    assert!(!told.contains("0x5ec4e7") && !told.contains("0x0b5c"), "{told}");
    let lines = "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, false), '\\n')";
    let shown = editor.lua_string(lines, &[format!("^agor://{session}$").as_str().into()]);
    // It tells of each call, and says so before it is asked anything.
    assert!(!shown.contains("asks nothing in this mode"), "{shown}");
    let asked = shown.lines().filter(|line| line.contains("Reject")).count();
    assert_eq!(asked, 3, "to read one, and of a search for two: {shown}");
    editor.command("AgorAudit");
    editor.wait_text("denied     rule ");
}
