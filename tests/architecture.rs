//! The invariants of the architecture, each as a rule over the source text: who may use whom, and what is done in one
//! place only.
//!
//! Code that only tests see (`#[cfg(test)] mod`, a file `tests.rs` or `*_tests.rs`) is exempt from all
//! but the limit of lines.

#[path = "architecture/source.rs"]
mod source;

use std::{fs, path::Path};

use source::{Source, module_path};

/// What each part may use, besides itself. A path allows everything below it. What is missing here may not be used,
/// and a part without a row is not allowed to exist.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("transcript", &["domain"]),
    ("render", &["domain", "transcript"]),
    // Files of ours: whoever writes one makes it the user's alone there.
    ("private", &[]),
    // The keeper's own module says what it is told and what it answers.
    ("agent", &["domain", "keeper", "private"]),
    ("session", &["domain", "transcript", "render", "agent", "private"]),
    ("client", &["domain", "transcript", "render", "agent", "session"]),
    ("nvim", &["domain", "transcript", "render", "agent", "session", "client", "logging", "runner"]),
    ("keeper", &["domain"]),
    // Changes of files are worked out in one place for whoever shows them.
    ("runner", &["domain", "private", "agent::awake", "agent::stop", "agent::lines", "agent::adapter::diff"]),
    // A panic's words may be of anything that was said to an agent.
    ("logging", &["domain", "private", "agent::redact"]),
    // No part of the program: there for tests and fuzzing only.
    ("fuzzing", &["domain", "transcript", "render", "agent", "session", "nvim", "keeper"]),
];

/// What stands at the top and may use everything.
const ROOTS: &[&str] = &["src/main.rs", "src/lib.rs"];

/// Longer files are two.
const MOST_LINES: usize = 500;

/// Words that mean something is done, and the only places where it may be.
struct Monopoly {
    what: &'static str,
    sign: fn(&Source) -> bool,
    places: &'static [&'static str],
}

const MONOPOLIES: &[Monopoly] = &[
    Monopoly {
        what: "names the editor's own protocol (nvim_rs, rmpv)",
        sign: |source| source.has_word("nvim_rs") || source.has_word("rmpv"),
        places: &["src/nvim/"],
    },
    Monopoly {
        // The embedded runners are agents: they run below a keeper and may have tools, as others have.
        what: "starts a process",
        sign: |source| source.uses_path(&["process", "Command"]) || source.calls("fork") || source.calls("execve"),
        places: &["src/agent/process.rs", "src/agent/process/", "src/keeper/", "src/runner/"],
    },
    Monopoly {
        what: "asks which agent it is: what one can do is data (Capabilities, StartOptions)",
        sign: |source| AGENTS.iter().any(|name| source.has_word(&as_word(name))),
        places: &["src/agent/protocol/", "src/agent/adapter/", "src/runner/", "src/main.rs", "src/fuzzing/"],
    },
    Monopoly {
        what: "prints: stdout is the editor's channel, and one printed line closes it",
        sign: |source| source.has_macro("println") || source.has_macro("print"),
        places: &["src/main.rs", "src/runner/"],
    },
    Monopoly {
        // The end of the backend is bounded for the editor's sake, a frame is no limit, and what a keeper is given to kill a
        // tree only sees to it that a tree is killed that was to be killed anyway.
        what: "limits a wait by a clock that goes on while nobody is there to hear (agent/awake.rs counts time awake)",
        sign: |source| source.uses_path(&["time", "timeout"]) || source.uses_path(&["time", "timeout_at"]),
        places: &["src/agent/awake.rs", "src/agent/process/conduct.rs", "src/session/hub.rs", "src/nvim/painter.rs"],
    },
    Monopoly {
        what: "takes hold of stdout: it is the editor's channel",
        sign: |source| source.calls_path(&["stdout"]),
        places: &["src/main.rs", "src/runner/", "src/nvim/"],
    },
];

/// Agents by their names and programs, as `lua/agor/agents.lua` has them.
const AGENTS: &[&str] = &[
    "auggie",
    "claude",
    "claude-agent-acp",
    "codex",
    "codex-acp",
    "copilot",
    "cursor",
    "cursor-agent",
    "demo",
    "gemini",
    "goose",
    "kimi",
    "ollama",
    "opencode",
    "qwen",
];

/// What stands for an agent's name in quotes: other strings are no code.
fn as_word(name: &str) -> String {
    format!("agent_named_{}", name.replace('-', "_"))
}

/// Every broken rule of one file, as sentences.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{path}: {lines} lines, more than {MOST_LINES}: make it two files"));
    }
    if path.ends_with("/tests.rs") || path.ends_with("_tests.rs") {
        return found;
    }
    if !text.starts_with("//!") {
        found.push(format!("{path}: does not begin with a //! comment that says what it knows and what it does not"));
    }
    let names = |text: String, name: &&str| text.replace(&format!("\"{name}\""), &format!(" {} ", as_word(name)));
    let source = Source::parse(&AGENTS.iter().fold(text.to_owned(), names));
    for monopoly in MONOPOLIES {
        if (monopoly.sign)(&source) && !monopoly.places.iter().any(|place| path.starts_with(place)) {
            found.push(format!("{path}: {}; only {} may", monopoly.what, monopoly.places.join(", ")));
        }
    }
    if !ROOTS.contains(&path) {
        found.extend(layer_violations(path, &source));
    }
    found
}

fn layer_violations(path: &str, source: &Source) -> Vec<String> {
    let module = module_path(path);
    let own = module.first().map(String::as_str).unwrap_or_default();
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == own) else {
        return vec![format!("{path}: {own} has no row in the table of layers in tests/architecture.rs")];
    };
    let mut found = Vec::new();
    for used in source.crate_paths(&module) {
        let within = |allowed: &str| used == allowed || used.starts_with(&format!("{allowed}::"));
        if !within(own) && !allowed.iter().any(|allowed| within(allowed)) {
            found.push(format!("{path}: {own} must not use crate::{used}"));
        }
    }
    found
}

fn rust_files(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("and its entries").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
}

#[test]
fn the_source_keeps_every_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    assert!(files.len() > 10, "this looks at the source: {files:?}");
    let mut found = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source file is text");
        let path = Path::new(file).strip_prefix(root).expect("it is below the root").to_string_lossy();
        found.extend(violations(&path, &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[track_caller]
fn check(path: &str, code: &str, expected: &[&str]) {
    let text = format!("//! A head.\n{code}\n");
    assert_eq!(violations(path, &text), expected);
}

#[test]
fn a_lower_layer_must_not_use_a_higher_one() {
    check("src/domain/id.rs", "use crate::domain::message::Content;", &[]);
    check(
        "src/domain/id.rs",
        "use crate::render::Line;",
        &["src/domain/id.rs: domain must not use crate::render::Line"],
    );
    check("src/render/mod.rs", "use crate::{domain::Event, transcript::Entry};", &[]);
    check(
        "src/transcript/mod.rs",
        "use crate::{\n  domain::{Event, id::SessionId},\n  session::{hub::Hub as H},\n};",
        &["src/transcript/mod.rs: transcript must not use crate::session::hub::Hub"],
    );
}

#[test]
fn a_path_in_the_middle_of_code_counts() {
    check(
        "src/agent/protocol/claude.rs",
        "fn f() -> u8 { crate::session::answer() }",
        &["src/agent/protocol/claude.rs: agent must not use crate::session::answer"],
    );
}

#[test]
fn super_is_followed_to_where_it_leads() {
    check("src/agent/protocol/claude.rs", "use super::super::stop::Step;", &[]);
    check(
        "src/agent/protocol/claude.rs",
        "use super::super::super::nvim::Link;",
        &["src/agent/protocol/claude.rs: agent must not use crate::nvim::Link"],
    );
    check("src/agent/mod.rs", "use super::client;", &["src/agent/mod.rs: agent must not use crate::client"]);
}

#[test]
fn a_part_of_a_layer_can_be_all_that_is_allowed() {
    check("src/runner/demo.rs", "use crate::agent::stop::Step;", &[]);
    check(
        "src/runner/demo.rs",
        "use crate::agent::{lines::Lines, process::spawn};",
        &["src/runner/demo.rs: runner must not use crate::agent::process::spawn"],
    );
}

#[test]
fn a_new_part_needs_a_row() {
    check(
        "src/misc.rs",
        "fn f() {}",
        &["src/misc.rs: misc has no row in the table of layers in tests/architecture.rs"],
    );
}

#[test]
fn comments_strings_and_tests_are_not_code() {
    check("src/domain/id.rs", "// use crate::nvim::Link;\n/* rmpv /* rmpv */ rmpv */", &[]);
    check(
        "src/domain/id.rs",
        r##"const A: &str = "crate::nvim \" rmpv"; const B: &str = r#"println!("rmpv")"#;"##,
        &[],
    );
    check("src/domain/id.rs", "const C: char = '\"'; // rmpv \"\nconst D: u8 = b'\\''; fn f<'a>(x: &'a str) {}", &[]);
    check("src/domain/id_tests.rs", "use crate::nvim::Link;", &[]);
    check("src/domain/id.rs", "#[cfg(test)]\nmod tests {\n  fn f() { println!(\"{}\", '}'); }\n}", &[]);
    check(
        "src/domain/id.rs",
        "#[cfg(test)]\nmod tests {}\nuse crate::agent::X;",
        &["src/domain/id.rs: domain must not use crate::agent::X"],
    );
}

#[test]
fn only_the_editors_side_names_its_protocol() {
    check("src/nvim/link.rs", "use rmpv::Value;", &[]);
    check(
        "src/client/mod.rs",
        "fn f(value: rmpv::Value) {}",
        &["src/client/mod.rs: names the editor's own protocol (nvim_rs, rmpv); only src/nvim/ may"],
    );
}

#[test]
fn processes_start_in_few_places() {
    let places = "only src/agent/process.rs, src/agent/process/, src/keeper/, src/runner/ may";
    check("src/agent/process.rs", "use tokio::process::{Child, Command};", &[]);
    check("src/keeper/mod.rs", "fn f() { std::process::Command::new(\"x\"); }", &[]);
    check("src/agent/protocol/claude.rs", "use crate::domain::Command;", &[]);
    for code in [
        "use std::process::{Stdio, Command};",
        "fn f() { tokio::process::Command::new(\"x\"); }",
        "use std::process; fn f() { process::Command::new(\"x\"); }",
        "use std::{io, process::Command as Run};",
    ] {
        check("src/session/actor.rs", code, &[&format!("src/session/actor.rs: starts a process; {places}")]);
    }
}

#[test]
fn nobody_asks_which_agent_it_is() {
    for code in ["const A: &str = \"claude\";", "fn f(p: &str) -> bool { p == \"codex-acp\" }"] {
        check("src/agent/adapter/mod.rs", code, &[]);
        check(
            "src/session/hub.rs",
            code,
            &[
                "src/session/hub.rs: asks which agent it is: what one can do is data (Capabilities, StartOptions); only \
               src/agent/protocol/, src/agent/adapter/, src/runner/, src/main.rs, src/fuzzing/ may",
            ],
        );
    }
    check("src/session/hub.rs", "// \"claude\"\n/* \"codex\" */ const A: &str = \"a claude\";", &[]);
    check("src/session/hub.rs", "#[cfg(test)]\nmod tests { const A: &str = \"claude\"; }", &[]);
}

#[test]
fn every_agent_that_is_known_is_known_here() {
    let presets = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/agor/agents.lua"));
    let presets = presets.expect("the presets are there");
    let entry =
        |line: &str| Some(line.strip_prefix("    ")?.strip_suffix(" = {")?.trim_matches(['[', ']', '\'']).to_owned());
    let known: Vec<String> = presets.lines().filter_map(entry).filter(|name| !name.starts_with(' ')).collect();
    assert!(known.len() > 10, "{known:?}");
    assert!(known.iter().all(|name| AGENTS.contains(&name.as_str())), "{known:?}");
}

#[test]
fn nothing_prints_but_the_runners() {
    check("src/runner/demo.rs", "fn f() { println!(\"{}\", 1); }", &[]);
    check("src/agent/process.rs", "fn f(c: &mut C) { c.stdout(Stdio::piped()); let out = child.stdout.take(); }", &[]);
    check(
        "src/session/hub.rs",
        "fn f() { println!(\"x\"); }",
        &[
            "src/session/hub.rs: prints: stdout is the editor's channel, and one printed line closes it; only src/main.rs, src/runner/ may",
        ],
    );
    check(
        "src/session/hub.rs",
        "fn f() { let out = std::io::stdout(); }",
        &[
            "src/session/hub.rs: takes hold of stdout: it is the editor's channel; only src/main.rs, src/runner/, src/nvim/ may",
        ],
    );
}

#[test]
fn a_file_has_a_head_and_an_end() {
    assert_eq!(
        violations("src/domain/id.rs", "fn f() {}\n"),
        ["src/domain/id.rs: does not begin with a //! comment that says what it knows and what it does not"]
    );
    let long = "//! A head.\n".to_owned() + &"\n".repeat(500);
    assert_eq!(
        violations("src/domain/id.rs", &long),
        ["src/domain/id.rs: 501 lines, more than 500: make it two files"]
    );
}
