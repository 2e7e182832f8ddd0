//! The command line of Claude Code for a session: what it adds to the configured program.

use std::time::Duration;

use crate::{
    agent::{
        protocol::Launch,
        stop::{Action, Signal, Step},
    },
    domain::{ResumeMode, StartOptions},
};

pub const BYPASS: &str = "bypassPermissions";

/// The permission mode that the session starts in; agents that can ask do.
pub fn mode(options: &StartOptions) -> &str {
    let chosen = [&options.permission_mode, &options.mode].into_iter().flatten().find(|mode| !mode.is_empty());
    chosen.map_or("default", String::as_str)
}

pub fn launch(options: &StartOptions) -> Launch {
    let mut args: Vec<String> = [
        "-p",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--verbose",
        "--include-partial-messages",
        // Says when a prompt is taken up, which tells its turn from one that Claude Code began by itself.
        "--replay-user-messages",
        // Without it a question becomes a silent denial. The word is not in `--help`.
        "--permission-prompt-tool=stdio",
    ]
    .map(str::to_owned)
    .into();
    // `--flag=value` throughout, so that a value which begins with a dash stays a value.
    let mut flag = |name: &str, value: &str| args.push(format!("--{name}={value}"));
    let mode = mode(options);
    flag("permission-mode", mode);
    // A resumed conversation loses its model unless it is named again.
    if let Some(model) = options.model.as_deref().filter(|model| !model.is_empty()) {
        flag("model", model);
    }
    if let Some(effort) = options.effort.as_deref().filter(|effort| !effort.is_empty()) {
        flag("effort", effort);
    }
    if let Some(turns) = options.max_turns {
        flag("max-turns", &turns.to_string());
    }
    for directory in &options.additional_directories {
        flag("add-dir", directory);
    }
    match (resume_id(options), options.resume_mode) {
        (Some(id), _) => {
            flag("resume", id);
            if options.fork {
                args.push("--fork-session".to_owned());
            }
        }
        (None, ResumeMode::Continue) => args.push("--continue".to_owned()),
        (None, _) => {}
    }
    // As root Claude Code refuses to start with this flag, so it is passed only to those who ask for it.
    if mode == BYPASS {
        args.push("--allow-dangerously-skip-permissions".to_owned());
    }
    let orphan_ladder = vec![
        // SIGINT ends the tool that runs; SIGTERM would leave a young one behind.
        Step::new(Action::Signal(Signal::Interrupt), Duration::from_millis(500)),
        Step::kill(),
    ];
    Launch { args, env: Vec::new(), orphan_ladder }
}

/// The conversation to take up again; an id alone means that it is to be resumed.
pub fn resume_id(options: &StartOptions) -> Option<&str> {
    let id = options.resume_session_id.as_deref().filter(|id| !id.is_empty());
    id.filter(|_| options.resume_mode != ResumeMode::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    fn options() -> StartOptions {
        let id = SessionId::parse("s").expect("a valid id");
        StartOptions::new(id, "claude", ProviderConfig::default(), "/p".into())
    }

    #[track_caller]
    fn check(options: &StartOptions, expect: &[&str]) {
        let args = launch(options).args;
        let own = args.iter().position(|arg| arg.starts_with("--permission-mode")).expect("always passed");
        assert_eq!(args[own..], *expect);
        assert_eq!(args[0], "-p");
    }

    #[test]
    fn a_plain_session_asks() {
        check(&options(), &["--permission-mode=default"]);
    }

    #[test]
    fn a_resumed_session_names_its_model_again() {
        let mut options = options();
        options.model = Some("opus[1m]".into());
        options.resume_session_id = Some("-x".into());
        check(&options, &["--permission-mode=default", "--model=opus[1m]", "--resume=-x"]);
        options.fork = true;
        check(&options, &["--permission-mode=default", "--model=opus[1m]", "--resume=-x", "--fork-session"]);
        options.resume_mode = ResumeMode::Continue;
        check(&options, &["--permission-mode=default", "--model=opus[1m]", "--continue"]);
    }

    #[test]
    fn only_who_asks_for_it_may_skip_permissions() {
        let mut options = options();
        options.mode = Some("plan".into());
        check(&options, &["--permission-mode=plan"]);
        options.permission_mode = Some(BYPASS.into());
        check(&options, &["--permission-mode=bypassPermissions", "--allow-dangerously-skip-permissions"]);
    }

    #[test]
    fn every_option_has_its_flag() {
        let mut options = options();
        options.max_turns = Some(3);
        options.effort = Some("high".into());
        options.additional_directories = vec!["/a b".into(), "-c".into()];
        check(
            &options,
            &["--permission-mode=default", "--effort=high", "--max-turns=3", "--add-dir=/a b", "--add-dir=-c"],
        );
    }
}
