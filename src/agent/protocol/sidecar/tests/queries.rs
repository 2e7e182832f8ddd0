//! What a prompt becomes on the wire.

use expect_test::expect;
use serde_json::Value;

use super::*;
use crate::{
    agent::protocol::registry,
    domain::{Context, ResumeMode},
};

#[test]
fn it_is_a_row_of_the_registry() {
    let row = registry::find("sidecar").expect("the row is there");
    let launch = (row.launch)(&options("x"));
    assert_eq!((launch.args.len(), launch.env.len()), (0, 0));
    assert_eq!(launch.orphan_ladder.last(), Some(&Step::kill()));
    let mut protocol = (row.build)(&options("x"), Uuid::nil());
    assert!(protocol.start().writes.is_empty());
}

#[test]
fn the_first_query_is_written_without_waiting_for_ready() {
    check(
        sidecar("x"),
        vec![Ask("Hi \"you\"\nü")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"Hi \"you\"\nü","cwd":"/project","permissionMode":"bypassPermissions"}
    "#]],
    );
}

#[test]
fn the_first_query_carries_all_options_that_are_set() {
    let mut options = options("x");
    options.model = Some("m".into());
    options.system_prompt = Some("be brief".into());
    options.max_turns = Some(3);
    options.permission_mode = Some("plan".into());
    options.claude_config_dir = Some("/cfg".into());
    options.extra_env = [("A".to_owned(), "1".to_owned()), ("CLAUDE_X".to_owned(), "2".to_owned())].into();
    options.config.env = [("ANTHROPIC_API_KEY".to_owned(), "k".to_owned())].into();
    options.additional_directories = vec!["/more".into()];
    options.worktree_name = Some("w".into());
    options.resume_session_id = Some("old".into());
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("go")],
        expect![[r#"
        Mode("plan")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","model":"m","systemPrompt":"be brief","maxTurns":3,"permissionMode":"plan","claudeConfigDir":"/cfg","extraEnv":{"A":"1","ANTHROPIC_API_KEY":"k"},"additionalDirectories":["/more"],"worktreeName":"w","resumeMode":"resume","resumeSessionId":"old"}
    "#]],
    );
}

#[test]
fn what_is_empty_is_left_out_and_nothing_is_null() {
    let mut options = options("x");
    options.model = Some(String::new());
    options.resume_mode = ResumeMode::Continue;
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![Ask("go")],
        expect![[r#"
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","permissionMode":"bypassPermissions","resumeMode":"continue"}
    "#]],
    );
}

#[test]
fn the_selection_goes_along_in_the_prompt() {
    let context = Context { path: "a.rs".into(), first_line: 2, last_line: 2, text: "x".into(), ..Context::default() };
    let prompt = Prompt { text: "Why".into(), context: vec![context], ..Prompt::default() };
    let out = sidecar("x").command(Command::Prompt(prompt));
    let query: Value = serde_json::from_slice(&out.writes[0]).expect("a query is JSON");
    assert_eq!(query["prompt"], "Why\n\nFrom `a.rs`, line 2:\n```\nx\n```");
}

#[test]
fn a_runner_that_can_ask_is_let_ask() {
    check(
        sidecar("x"),
        vec![ready(&["permission", "delta", "new_thing"]), Ask("go")],
        expect![[r#"
            Capabilities true false false true
            Mode("default")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"go","cwd":"/project","permissionMode":"default"}
        "#]],
    );
}
