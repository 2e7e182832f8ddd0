//! Rules of requests: what is offered, in words, and what it then allows.

use super::*;
use serde_json::json;

const PROJECT: &str = "/home/me/p";

fn command(command: &str) -> Act {
    Act::Command { command: command.into() }
}

fn files(change: bool, paths: &[&str]) -> Act {
    Act::Files { paths: paths.iter().map(|path| (*path).to_owned()).collect(), change }
}

fn tool(tool: &str, input: Value, named: bool) -> Act {
    Act::Tool { tool: tool.into(), input, named }
}

#[track_caller]
fn offered(act: &Act, expect: &[&str]) {
    let words: Vec<String> = offers(act, PROJECT).iter().map(|rule| rule.words(PROJECT)).collect();
    assert_eq!(words, expect);
    for rule in offers(act, PROJECT) {
        assert!(fits(act, [&rule]), "what is offered for a request allows it: {rule:?}");
        let text = serde_json::to_string(&rule).expect("a rule is JSON");
        assert_eq!(serde_json::from_str::<Rule>(&text).expect("and comes back"), rule);
    }
}

/// The last rule offered for `of` allows `these` and none of `others`.
#[track_caller]
fn allows(of: &Act, these: &[Act], others: &[Act]) {
    let rule = offers(of, PROJECT).pop().expect("one is offered");
    for act in these {
        assert!(fits(act, [&rule]), "{rule:?} allows {act:?}");
    }
    for act in others {
        assert!(!fits(act, [&rule]), "{rule:?} does not allow {act:?}");
    }
}

#[test]
fn a_command_is_offered_itself_and_by_what_it_begins_with() {
    offered(&command("cargo test --lib"), &["only the command `cargo test --lib`", "commands `cargo test …`"]);
    offered(&command("ls -la src"), &["only the command `ls -la src`", "commands `ls …`"]);
    offered(&command("npm run build -- -w"), &["only the command `npm run build -- -w`", "commands `npm run build …`"]);
    offered(
        &command("cd /home/me/p && cargo test 2>&1 | tail -5"),
        &[
            "only the command `cd /home/me/p && cargo test 2>&1 | tail -5`",
            "commands made of `cd /home/me/p`, `cargo test …` and `tail …` only",
        ],
    );
    offered(
        &command("bash -lc 'cargo test'"),
        &["only the command `bash -lc 'cargo test'`", "commands `cargo test …`"],
    );
    offered(&command("a\nb $X"), &["only this command, all 2 lines of it"]);
}

#[test]
fn what_is_not_understood_or_runs_anything_is_offered_only_itself() {
    for line in [
        "echo $HOME",
        "ls > out",
        "rm -rf build",
        "/bin/rm x",
        "sudo ls",
        "python3.12 -c x",
        "bash x.sh",
        "cargo test | sh",
        "cargo test && rm x",
        "env A=b ls",
        "A=b ls",
        "xargs ls",
        "find . -name x",
        "git -c core.pager=x log",
        "git config x y",
        "git push",
        "npm exec x",
        "npm run",
        "cargo --version",
        "make",
        "cd ..",
        "cd /home/me/p",
        "cd /home/me/../x && ls",
        "cd /home/me/p/../x && ls",
        "cd /tmp && ls",
        "cd /home/me/px && ls",
        "cd src && ls",
        "alias ls=rm && ls x",
        "trap 'rm x' EXIT; ls",
        "PYTHON3 x && ls",
        "./ls x",
        "make test deploy",
        "rg --pre ./x y",
        "hash -p ./x cargo; cargo test",
        "npx tsc",
        "sed -i s/a/b/ x",
    ] {
        let rules = offers(&command(line), PROJECT);
        assert_eq!(rules, [Rule::Command { command: line.into() }], "{line}");
    }
}

#[test]
fn a_beginning_is_held_against_every_part() {
    allows(
        &command("cargo test --lib"),
        &[command("cargo test"), command("cargo test a*"), command("cargo  'test' && cargo test -q 2>&1")],
        &[
            command("cargo"),
            command("cargo run"),
            command("cargo testing"),
            command("cargo test && rm x"),
            command("cargo test; rm x"),
            command("cargo test\nrm x"),
            command("cargo test | sh"),
            command("cargo test & rm x"),
            command("cargo test $(rm x)"),
            command("cargo test > x"),
            command("A=b cargo test"),
            command("cargo te*"),
            command("'cargo test'"),
            tool("Bash", json!({"command": "cargo test"}), true),
        ],
    );
    let made = command("cd /home/me/p && make test 2>&1 | tail -5");
    offered(
        &made,
        &[
            "only the command `cd /home/me/p && make test 2>&1 | tail -5`",
            "commands made of `cd /home/me/p`, `make test` and `tail …` only",
        ],
    );
    allows(
        &made,
        &[command("make test | tail -3")],
        &[command("make test deploy | tail -3"), command("make -f x test"), command("cd /tmp && make test")],
    );
    let earlier = Rule::Commands { patterns: vec![Pattern { words: vec!["find".into()], open: true }] };
    assert!(!fits(&command("find . -delete"), [&earlier]), "a grant of what is known better by now");
    let (test, tail) = (offers(&command("cargo test"), PROJECT).pop(), offers(&command("tail x"), PROJECT).pop());
    let both = [test.expect("a rule"), tail.expect("a rule")];
    assert_eq!(judge(&command("cargo test | tail -3"), &both), Some(vec![0, 1]), "two rules together");
    assert_eq!(judge(&command("cargo test | head -3"), &both), None);
}

#[test]
fn the_whole_command_is_that_and_no_other() {
    allows(&command("rm x"), &[command("rm x")], &[command("rm  x"), command("rm x "), command("rm y")]);
}

#[test]
fn files_are_offered_themselves_and_by_their_directory_in_the_project() {
    offered(
        &files(true, &["/home/me/p/src/a.rs"]),
        &[
            "changes of src/a.rs",
            "changes of all files in src/ but hidden ones",
            "changes of all files in the project but hidden ones",
        ],
    );
    offered(
        &files(false, &["/home/me/p/a/b/x", "/home/me/p/a/c/y"]),
        &[
            "reading a/b/x, a/c/y",
            "reading all files in a/ but hidden ones",
            "reading all files in the project but hidden ones",
        ],
    );
    offered(&files(true, &["/etc/x"]), &["changes of /etc/x"]);
    offered(&files(true, &["/home/me/p/.env"]), &["changes of .env"]);
    offered(&files(true, &["/home/me/p/.git/hooks/x"]), &[]);
    offered(&files(true, &[]), &[]);
}

#[test]
fn a_directory_holds_what_is_seen_below_it() {
    allows(
        &files(true, &["/home/me/p/a"]),
        &[files(true, &["/home/me/p/b/c"]), files(false, &["/home/me/p/b/c", "/home/me/p/x"])],
        &[
            files(true, &["/home/me/px/a"]),
            files(true, &["/home/me/p"]),
            files(true, &["/home/me/p/.git/config"]),
            files(true, &["/home/me/p/b/.hidden/c"]),
            files(true, &["/home/me/p/b", "/etc/passwd"]),
            files(true, &[]),
        ],
    );
    allows(&files(false, &["/home/me/p/a"]), &[files(false, &["/home/me/p/b"])], &[files(true, &["/home/me/p/a"])]);
}

#[test]
fn other_tools_are_offered_by_their_input_and_by_their_name() {
    let fetch = tool("WebFetch", json!({"url": "https://a.b"}), true);
    offered(&fetch, &["WebFetch with exactly this input", "WebFetch, whatever its input"]);
    allows(&fetch, &[tool("WebFetch", json!({"url": "x"}), true)], &[tool("Other", json!({"url": "x"}), true)]);
    let unnamed = tool("execute", json!({"command": ["rm", "x"]}), false);
    offered(&unnamed, &["execute with exactly this input"]);
    allows(&unnamed, &[], &[tool("execute", json!({"command": ["rm", "y"]}), false)]);
    allows(&fetch, &[], &[tool("WebFetch", json!({"url": "x", "command": "rm x"}), true)]);
    offered(&tool("Monitor", json!({"q": "rm x"}), true), &["Monitor with exactly this input"]);
    offered(&tool("mcp__box__start", json!({"cmd": ["rm"]}), true), &["mcp__box__start with exactly this input"]);
    offered(&tool("mcp__db__execute", json!({"q": 1}), true), &["mcp__db__execute with exactly this input"]);
    for nothing in [json!({}), Value::Null, json!({"paths": [], "x": " "}), json!([null])] {
        offered(&tool("patch", nothing, false), &[]);
    }
}

#[test]
fn a_rule_that_is_too_large_is_not_offered_and_one_of_a_later_version_allows_nothing() {
    offered(&command(&format!("echo {}", "x".repeat(40_000))), &["commands `echo …`"]);
    assert!(serde_json::from_value::<Rule>(json!({"kind": "anything"})).is_err());
}
