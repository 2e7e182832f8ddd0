//! What of the editor's environment an agent gets to see, as a pure function of the start's options.
//!
//! An agent started inside another agent's terminal would think itself nested, or bill another account: names of the
//! four agents' families are withheld unless the user lets them through. Nor does it get a handle on the editor, which
//! would be a way past every permission. Knows nothing of processes.

use std::collections::BTreeMap;

use super::{process::RunMark, protocol::Launch};
use crate::{
    domain::{ProviderConfig, StartOptions},
    keeper::wire::{RUN, SESSION_ID},
};

const WITHHELD: [&str; 4] = ["CLAUDE", "CODEX", "OLLAMA", "ANTHROPIC_"];
const NOT_WITHHELD: &str = "CLAUDE_CODE_EXPERIMENTAL_";
const EDITOR: [&str; 6] = ["NVIM", "NVIM_LOG_FILE", "NVIM_LISTEN_ADDRESS", "VIM", "VIMRUNTIME", "MYVIMRC"];
/// With one of these whoever runs can do in the editor what the user can. Nothing lets them through.
const HANDLES: [&str; 2] = ["NVIM", "NVIM_LISTEN_ADDRESS"];
const PATH: &str = "PATH";

/// A child's whole environment, and what was kept from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    pub vars: BTreeMap<String, String>,
    /// Names of agents' variables that the editor has and the child does not.
    pub withheld: Vec<String>,
    /// Keys of `extra_env` that were refused.
    pub rejected: Vec<String>,
    /// Sentences about a directory of configuration that the agent cannot be told.
    idle: Vec<String>,
    /// Names that the configuration sets and that nobody gets.
    handles: Vec<String>,
}

impl Environment {
    /// One sentence for each refused key. The value is in none of them.
    pub fn warnings(&self, provider: &str) -> Vec<String> {
        let sentence = |key: &String| {
            if is_handle(key) {
                handle(key, "extra_env")
            } else if is_withheld(key) {
                format!(
                    "'{key}' in extra_env was left out: names of this kind go into providers.{provider}.env, which is yours alone to set"
                )
            } else {
                format!("'{}' in extra_env was left out: it cannot be an environment variable", key.escape_debug())
            }
        };
        let handles = self.handles.iter().map(|key| handle(key, &format!("providers.{provider}.env")));
        self.rejected.iter().map(sentence).chain(handles).chain(self.idle.iter().cloned()).collect()
    }
}

fn handle(key: &str, place: &str) -> String {
    format!("'{key}' in {place} was left out: by it an agent could do in Neovim whatever you can")
}

fn is_handle(name: &str) -> bool {
    HANDLES.contains(&name)
}

/// The environment of one process of a session.
pub fn build(options: &StartOptions, launch: &Launch, run: &RunMark) -> Environment {
    let mut vars = BTreeMap::new();
    let mut withheld = Vec::new();
    let passes = |name: &str| options.config.pass_env.iter().any(|pattern| matches(pattern, name));
    for (name, value) in options.environ.iter().filter(|(name, value)| is_variable(name, value)) {
        if !(is_withheld(name) || EDITOR.contains(&name.as_str())) || passes(name) {
            if name != PATH || passes(name) {
                vars.insert(name.clone(), value.clone());
            } else if let Some(path) = absolute(value) {
                vars.insert(name.clone(), path);
            }
        } else if is_withheld(name) {
            withheld.push(name.clone());
        }
    }
    vars.extend(options.config.env.clone());
    let idle = config_dir(options, &mut vars);
    let (accepted, rejected) = sift(&options.extra_env);
    vars.extend(accepted);
    vars.extend(launch.env.iter().cloned());
    vars.retain(|name, value| is_variable(name, value) && !is_handle(name));
    // A commit message that waits for an editor would wait for ever.
    vars.entry("GIT_EDITOR".to_owned()).or_insert_with(|| "false".to_owned());
    vars.insert(RUN.to_owned(), run.to_string());
    vars.insert(SESSION_ID.to_owned(), options.session_id.to_string());
    withheld.retain(|name| !vars.contains_key(name));
    let handles = options.config.env.keys().filter(|name| is_handle(name)).cloned().collect();
    Environment { vars, withheld, rejected, idle, handles }
}

const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";

/// One agent, several accounts: each keeps what it knows of one in a directory, which a variable names.
fn config_dir(options: &StartOptions, vars: &mut BTreeMap<String, String>) -> Vec<String> {
    let (provider, variable) = (&options.provider, &options.config.config_env);
    let given = |directory: &Option<String>| directory.clone().filter(|directory| !directory.is_empty());
    let mut idle = Vec::new();
    if let Some(directory) = given(&options.claude_config_dir) {
        vars.insert(CLAUDE_CONFIG_DIR.to_owned(), directory);
        if options.config.is_embedded() || !variable.is_empty() && variable != CLAUDE_CONFIG_DIR {
            idle.push(format!(
                "claude_config_dir means nothing to {provider}: config_dir is for any agent that has one"
            ));
        }
    }
    match given(&options.config_dir) {
        Some(directory) if !variable.is_empty() => {
            vars.insert(variable.clone(), directory);
        }
        Some(_) => idle.push(format!(
            "{provider} has no directory of configuration that is known, config_dir is left out: name its variable by \
             providers.{provider}.config_env"
        )),
        None => {}
    }
    idle
}

/// What an agent sees of the editor's environment and of its own configuration, whatever else a session adds to that.
pub fn seen(environ: &BTreeMap<String, String>, config: &ProviderConfig) -> BTreeMap<String, String> {
    let passes = |name: &str| config.pass_env.iter().any(|pattern| matches(pattern, name));
    let theirs = environ.iter().filter(|(name, _)| !is_withheld(name) || passes(name));
    theirs.chain(&config.env).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The same in a session of it, which may be of an account of its own.
pub fn seen_in(options: &StartOptions) -> BTreeMap<String, String> {
    let mut vars = seen(&options.environ, &options.config);
    config_dir(options, &mut vars);
    vars.extend(sift(&options.extra_env).0);
    vars
}

/// What an agent elsewhere gets of it: the place has its own `PATH` and `HOME`, so that it is what the user set for the
/// agent, or let through to it by name.
pub fn away(options: &StartOptions, launch: &Launch) -> BTreeMap<String, String> {
    let passes = |name: &String| options.config.pass_env.iter().any(|pattern| matches(pattern, name));
    let mut vars: BTreeMap<String, String> = options.environ.clone();
    vars.retain(|name, _| passes(name));
    vars.extend(options.config.env.clone());
    if let Some(dir) = &options.claude_config_dir {
        vars.insert("CLAUDE_CONFIG_DIR".to_owned(), options.config.paths.away(dir));
    }
    vars.extend(sift(&options.extra_env).0);
    vars.extend(launch.env.iter().cloned());
    vars.retain(|name, value| is_variable(name, value) && !is_handle(name) && name != RUN && name != SESSION_ID);
    vars.entry("GIT_EDITOR".to_owned()).or_insert_with(|| "false".to_owned());
    vars
}

/// What a sidecar query carries as `extraEnv`: runners strip their own environment once more before they start the
/// agent, so what the user set has to be told to them besides.
pub fn accepted_extra_env(options: &StartOptions) -> BTreeMap<String, String> {
    let mut vars = options.config.env.clone();
    vars.retain(|name, value| is_variable(name, value) && !is_handle(name));
    vars.extend(sift(&options.extra_env).0);
    vars
}

fn sift(extra: &BTreeMap<String, String>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut accepted = extra.clone();
    let mut rejected = Vec::new();
    accepted.retain(|name, value| {
        let accept = !is_withheld_family(name) && !is_handle(name) && is_variable(name, value);
        if !accept {
            rejected.push(name.clone());
        }
        accept
    });
    (accepted, rejected)
}

fn is_withheld(name: &str) -> bool {
    is_withheld_family(name) && !name.starts_with(NOT_WITHHELD)
}

fn is_withheld_family(name: &str) -> bool {
    WITHHELD.iter().any(|prefix| name.starts_with(prefix))
}

/// What is relative in a `PATH` means the directory that one is in, and a project must not bring along what is run by its
/// mere name. `None` if nothing is left: an empty `PATH` would mean that directory too.
fn absolute(path: &str) -> Option<String> {
    let kept: Vec<&str> = path.split(':').filter(|folder| folder.starts_with('/')).collect();
    Some(kept.join(":")).filter(|path| !path.is_empty())
}

/// The kernel's idea of a variable: anything else would end the whole start with "invalid argument".
fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// `*` stands for any rest, in any place.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::domain::SessionId;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn options(environ: &[(&str, &str)]) -> StartOptions {
        let id = SessionId::parse("s-1").expect("an id");
        let mut options = StartOptions::new(id, "claude", ProviderConfig::default(), PathBuf::from("/"));
        options.environ = map(environ);
        options
    }

    fn run() -> RunMark {
        RunMark::parse("1-2-3-4").expect("a mark")
    }

    #[track_caller]
    fn check(options: &StartOptions, expect: &[(&str, &str)]) {
        let mut expect = map(expect);
        for (name, value) in [("AGOR_RUN", "1-2-3-4"), ("AGOR_SESSION_ID", "s-1"), ("GIT_EDITOR", "false")] {
            expect.entry(name.to_owned()).or_insert(value.to_owned());
        }
        assert_eq!(build(options, &Launch::default(), &run()).vars, expect);
    }

    #[test]
    fn names_of_agents_and_of_the_editor_are_withheld() {
        let mut environ = vec![("PATH", "/bin"), ("HOME", "/h"), ("CLAUDE_CODE_EXPERIMENTAL_X", "1"), ("VIMX", "1")];
        let kept = environ.clone();
        environ.extend([
            ("CLAUDECODE", "1"),
            ("CLAUDE_CONFIG_DIR", "/c"),
            ("CODEX_HOME", "/x"),
            ("OLLAMA_HOST", "h"),
            ("ANTHROPIC_API_KEY", "secret"),
        ]);
        environ.extend(EDITOR.map(|name| (name, "/tmp/nvim")));
        check(&options(&environ), &kept);
        let built = build(&options(&environ), &Launch::default(), &run());
        let names = ["ANTHROPIC_API_KEY", "CLAUDECODE", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "OLLAMA_HOST"];
        assert_eq!(built.withheld, names);
    }

    #[test]
    fn names_only_have_to_begin_like_an_agent() {
        check(
            &options(&[("CLAUDE", "1"), ("CODEX", "1"), ("OLLAMA", "1"), ("ANTHROPIC", "stays")]),
            &[("ANTHROPIC", "stays")],
        );
        check(&options(&[("MY_CLAUDE", "stays"), ("claude", "stays")]), &[("MY_CLAUDE", "stays"), ("claude", "stays")]);
    }

    #[test]
    fn an_agent_is_told_its_directory_by_its_own_variable() {
        let mut options = options(&[]);
        options.config_dir = Some("/account".into());
        let told = |options: &StartOptions| build(options, &Launch::default(), &run()).warnings("x");
        assert!(told(&options)[0].contains("name its variable by providers.claude.config_env"), "{:?}", told(&options));
        check(&options, &[]);
        options.config.config_env = "CODEX_HOME".into();
        check(&options, &[("CODEX_HOME", "/account")]);
        assert_eq!(told(&options), [""; 0]);
        options.claude_config_dir = Some("/c".into());
        assert!(told(&options)[0].starts_with("claude_config_dir means nothing to claude"), "{:?}", told(&options));
    }

    #[test]
    fn pass_env_lets_names_through() {
        let mut options = options(&[("CLAUDE_A", "1"), ("CLAUDE_B", "2"), ("ANTHROPIC_API_KEY", "3"), ("NVIM", "4")]);
        options.config.pass_env = vec!["CLAUDE_A".into(), "ANTHROPIC_*".into(), "NOT_THERE".into()];
        check(&options, &[("CLAUDE_A", "1"), ("ANTHROPIC_API_KEY", "3")]);
        assert_eq!(build(&options, &Launch::default(), &run()).withheld, ["CLAUDE_B"]);
    }

    #[test]
    fn nothing_lets_a_handle_on_the_editor_through() {
        let mut options = options(&[("NVIM", "/s"), ("NVIM_LISTEN_ADDRESS", "/s"), ("VIM", "/v")]);
        options.config.pass_env = vec!["*".into(), "NVIM*".into()];
        options.config.env = map(&[("NVIM", "/s"), ("A", "1")]);
        options.extra_env = map(&[("NVIM_LISTEN_ADDRESS", "/s"), ("B", "2")]);
        check(&options, &[("VIM", "/v"), ("A", "1"), ("B", "2")]);
        for vars in [away(&options, &Launch::default()), accepted_extra_env(&options)] {
            assert!(!vars.keys().any(|name| is_handle(name)), "{vars:?}");
        }
        let said = build(&options, &Launch::default(), &run()).warnings("x");
        let ends = "by it an agent could do in Neovim whatever you can";
        assert_eq!(said[0], format!("'NVIM_LISTEN_ADDRESS' in extra_env was left out: {ends}"));
        assert_eq!(said[1], format!("'NVIM' in providers.x.env was left out: {ends}"));
    }

    #[test]
    fn what_is_relative_in_the_path_is_not_passed_on() {
        let mut options = options(&[("PATH", ".:/bin::node_modules/.bin:/usr/bin:")]);
        check(&options, &[("PATH", "/bin:/usr/bin")]);
        options.config.pass_env = vec!["PATH".into()];
        check(&options, &[("PATH", ".:/bin::node_modules/.bin:/usr/bin:")]);
        options.config.pass_env.clear();
        options.environ = map(&[("PATH", ".:")]);
        check(&options, &[]);
    }

    #[test]
    fn the_later_one_wins() {
        let mut options = options(&[("A", "parent"), ("CLAUDE_CONFIG_DIR", "parent"), ("GIT_EDITOR", "vi")]);
        options.config.pass_env = vec!["CLAUDE_CONFIG_DIR".into()];
        check(&options, &[("A", "parent"), ("CLAUDE_CONFIG_DIR", "parent"), ("GIT_EDITOR", "vi")]);
        options.config.env =
            map(&[("A", "config"), ("CLAUDE_CONFIG_DIR", "config"), ("ANTHROPIC_API_KEY", "k"), ("B", "config")]);
        options.claude_config_dir = Some("session".into());
        options.extra_env = map(&[("A", "extra"), ("AGOR_SESSION_ID", "another"), ("AGOR_RUN", "another")]);
        check(
            &options,
            &[
                ("A", "extra"),
                ("B", "config"),
                ("CLAUDE_CONFIG_DIR", "session"),
                ("ANTHROPIC_API_KEY", "k"),
                ("GIT_EDITOR", "vi"),
            ],
        );
    }

    #[test]
    fn what_the_user_configures_is_not_withheld() {
        let mut options = options(&[("ANTHROPIC_API_KEY", "parent")]);
        options.config.env = map(&[("ANTHROPIC_API_KEY", "config")]);
        assert_eq!(build(&options, &Launch::default(), &run()).withheld, Vec::<String>::new());
    }

    #[test]
    fn a_session_may_not_set_an_agents_variables() {
        let mut options = options(&[]);
        let bad =
            [("CLAUDE_X", "v"), ("CODEX_X", "v"), ("OLLAMA_X", "v"), ("ANTHROPIC_X", "v"), ("A=B", "v"), ("", "v")];
        options.extra_env = map(&bad);
        options.extra_env.insert("GOOD".into(), "1".into());
        options.extra_env.insert("NUL".into(), "a\0b".into());
        check(&options, &[("GOOD", "1")]);
        let built = build(&options, &Launch::default(), &run());
        assert_eq!(built.rejected, ["", "A=B", "ANTHROPIC_X", "CLAUDE_X", "CODEX_X", "NUL", "OLLAMA_X"]);
        let warnings = built.warnings("claude");
        assert_eq!(
            warnings[3],
            "'CLAUDE_X' in extra_env was left out: names of this kind go into providers.claude.env, which is yours \
             alone to set"
        );
        assert_eq!(warnings[1], "'A=B' in extra_env was left out: it cannot be an environment variable");
    }

    #[test]
    fn a_protocols_own_variables_come_after_all_but_the_marks() {
        let mut options = options(&[]);
        options.extra_env = map(&[("MODE", "extra")]);
        let env = vec![("MODE".to_owned(), "launch".to_owned()), ("AGOR_SESSION_ID".to_owned(), "x".to_owned())];
        let vars = build(&options, &Launch { env, ..Launch::default() }, &run()).vars;
        assert_eq!((vars["MODE"].as_str(), vars["AGOR_SESSION_ID"].as_str()), ("launch", "s-1"));
    }

    #[test]
    fn elsewhere_an_agent_gets_what_was_meant_for_it() {
        let mut options =
            options(&[("PATH", "/bin"), ("HOME", "/h"), ("LANG", "C"), ("X_TOKEN", "t"), ("AGOR_RUN", "1")]);
        options.config.pass_env = vec!["X_*".into(), "AGOR_*".into()];
        options.config.env = map(&[("ANTHROPIC_API_KEY", "k")]);
        options.config.paths.0 = map(&[("/here", "/there")]);
        options.extra_env = map(&[("A", "extra"), ("CLAUDE_X", "no")]);
        options.claude_config_dir = Some("/here/c".into());
        let expect = [
            ("A", "extra"),
            ("ANTHROPIC_API_KEY", "k"),
            ("CLAUDE_CONFIG_DIR", "/there/c"),
            ("GIT_EDITOR", "false"),
            ("X_TOKEN", "t"),
        ];
        assert_eq!(away(&options, &Launch::default()), map(&expect));
    }

    #[test]
    fn a_runner_is_told_what_the_user_set() {
        let mut options = options(&[("PATH", "/bin")]);
        assert_eq!(accepted_extra_env(&options), map(&[]));
        options.config.env = map(&[("ANTHROPIC_API_KEY", "k"), ("A", "config")]);
        options.extra_env = map(&[("A", "extra"), ("CLAUDE_X", "no")]);
        assert_eq!(accepted_extra_env(&options), map(&[("ANTHROPIC_API_KEY", "k"), ("A", "extra")]));
    }

    #[test]
    fn patterns() {
        for (pattern, name, expect) in [
            ("A", "A", true),
            ("A", "AB", false),
            ("A*", "A", true),
            ("A*", "ABC", true),
            ("*", "ANY", true),
            ("A*C", "ABC", true),
            ("A*C", "ABD", false),
            ("A*B*C", "AxBxBC", true),
            ("AB*B", "AB", false),
            ("", "A", false),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} on {name}");
        }
    }
}
