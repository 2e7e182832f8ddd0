//! Requests against whole policies: what is refused, what is asked, and what is allowed by what.

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    PermissionRequest, Subject,
    rule::{self, Act},
};

fn rule(text: &str) -> PolicyRule {
    let (tool, inner) = text.strip_suffix(')').and_then(|text| text.split_once('(')).unwrap_or((text, ""));
    let mut rule = PolicyRule { tool: tool.to_owned(), ..PolicyRule::default() };
    match tool {
        "command" if !inner.is_empty() => (rule.tool, rule.command) = (String::new(), inner.to_owned()),
        "fetch" => rule.host = inner.to_owned(),
        _ => rule.path = inner.to_owned(),
    }
    rule
}

fn rules(texts: &[&str]) -> Vec<PolicyRule> {
    texts.iter().map(|text| rule(text)).collect()
}

fn deny(texts: &[&str]) -> Policy {
    Policy { deny: rules(texts), ..Policy::default() }
}

fn allow(texts: &[&str]) -> Policy {
    Policy { allow: rules(texts), ..Policy::default() }
}

fn around() -> Surroundings<'static> {
    Surroundings {
        roots: vec!["/p".into()],
        home: Some("/home/me".into()),
        cwd: "/p".into(),
        real: &|path| Some(path.replace("/p/link", "/p/secret")),
    }
}

fn request(tool: &str, input: Value, subject: Subject) -> PermissionRequest {
    let value = json!({"request_id": "r", "tool": tool, "title": "", "input": input, "options": []});
    let mut request: PermissionRequest = serde_json::from_value(value).expect("a request");
    request.subject = subject;
    request
}

fn command(line: &str) -> PermissionRequest {
    request("Bash", json!({"command": line}), Subject::Command { command: line.into() })
}

fn files(change: bool, paths: &[&str]) -> PermissionRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    request(if change { "Edit" } else { "Read" }, json!({}), Subject::Files { paths, change })
}

fn verdict(policy: &Policy, request: &PermissionRequest) -> &'static str {
    match judge(policy, &Seen::of(request), &around()) {
        Verdict::Deny { .. } => "deny",
        Verdict::Ask(_) | Verdict::Unread(_) => "ask",
        Verdict::Open => "open",
    }
}

#[track_caller]
fn lines(policy: &Policy, expect: &[(&str, &str)]) {
    for (line, expect) in expect {
        assert_eq!(verdict(policy, &command(line)), *expect, "{line}");
    }
}

fn allowed_by(policy: &Policy, request: &PermissionRequest, grants: &[&rule::Rule]) -> Option<String> {
    let act = Act::of(request, &|path| Some(plain(&format!("/p/{path}"))))?;
    let seen = Seen::of(request);
    let around = around();
    let used = allowed(&act, &seen, policy, grants, &around)?;
    let words = used.iter().map(|by| match by {
        By::Rule(rule) => rule.words(),
        By::Grant(at) => format!("grant {at}"),
    });
    Some(words.collect::<Vec<_>>().join(" + "))
}

#[track_caller]
fn allows(policy: &Policy, these: &[&str], others: &[&str]) {
    for line in these {
        assert!(allowed_by(policy, &command(line), &[]).is_some(), "allowed: {line}");
    }
    for line in others {
        assert_eq!(allowed_by(policy, &command(line), &[]), None, "not allowed: {line}");
    }
}

#[test]
fn a_command_is_refused_wherever_it_is_hidden() {
    lines(
        &deny(&["command(rm -rf *)"]),
        &[
            ("rm -rf y", "deny"),
            ("cd x && rm -rf y", "deny"),
            ("ls; rm -fr y", "deny"),
            ("ls | xargs rm -rf", "deny"),
            ("echo $(rm -rf y)", "deny"),
            ("echo `rm -rf y`", "deny"),
            ("echo \"$(rm -r -f y)\"", "deny"),
            ("(rm -rf y)", "deny"),
            ("{ rm -rf y; }", "deny"),
            ("if true; then rm -rf y; fi", "deny"),
            ("for f in *; do rm -rf $f; done", "deny"),
            ("sudo -u root rm -rf y", "deny"),
            ("env A=b rm -rf y", "deny"),
            ("A=b rm -rf y", "deny"),
            ("sh -c 'rm -rf y'", "deny"),
            ("bash -lc \"sh -c 'rm -rf y'\"", "deny"),
            ("eval 'rm -rf y'", "deny"),
            ("nohup timeout 5 rm -rf y &", "deny"),
            ("find . -name x -exec rm -rf {} +", "deny"),
            ("find . -delete", "deny"),
            ("/bin/rm -rf y", "deny"),
            ("\\rm -rf y", "deny"),
            ("r'm' -r\"f\" y", "deny"),
            ("command rm -rf y", "deny"),
            ("cat <<E | sh\n$(rm -rf y)\nE", "deny"),
            ("sh <<'E'\nrm -rf y\nE", "deny"),
            ("trap 'rm -rf y' EXIT", "deny"),
            ("ssh host rm -rf y", "deny"),
            ("docker exec box rm -rf y", "ask"),
            ("rm $FLAGS y", "ask"),
            ("echo 'rm -rf y", "ask"),
            ("rm y", "open"),
            ("echo rm -rf y", "open"),
            ("grep 'rm -rf' y", "open"),
            ("git rm y", "open"),
        ],
    );
}

#[test]
fn commands_are_allowed_only_part_by_part() {
    allows(
        &allow(&["command(cargo *)", "command(tail *)", "command(xargs *)"]),
        &[
            "cargo test",
            "cargo test 2>&1 | tail -5",
            "bash -lc 'cargo test && cargo clippy'",
            "timeout 60 cargo test",
            "cd src && cargo test",
            "cargo test $X",
            "cargo test >/dev/null",
        ],
        &[
            "ls -x | cat",
            "cargo test && rm x",
            "cargo test $(rm x)",
            "cargo test > out",
            "A=b cargo test",
            "env A=b cargo test",
            "cd /tmp && cargo test",
            "cd $X && cargo test",
            "$X test",
            "cargo test; 'unterminated",
            "if true; then cargo test; fi",
            "echo x | xargs rm",
            "sudo cargo test",
            "./cargo test",
            "cargo test | sh",
            "cargo test <(rm x)",
            "cd src",
            "",
        ],
    );
}

#[test]
fn a_write_to_a_file_is_a_change_of_it() {
    let both = allow(&["command(echo *)", "edit(out/**)"]);
    allows(
        &both,
        &["echo x > out/a", "echo x >> /p/out/a"],
        &["echo x > b", "echo x > out/.hidden", "cd out && echo x > out/a", "echo x > $X", "echo x > ../out/a"],
    );
    let out = deny(&["edit(secret/**)"]);
    lines(
        &out,
        &[
            ("echo x > secret/a", "deny"),
            ("echo x | tee secret/a", "deny"),
            ("cd secret && echo x > a", "deny"),
            ("cp a secret/", "deny"),
            ("mv secret/a b", "deny"),
            ("rm -r secret", "deny"),
            ("rm -rf .", "deny"),
            ("dd of=secret/a", "deny"),
            ("echo x > link/a", "deny"),
            ("cat secret/a", "open"),
            ("python secret/a", "ask"),
            ("cp a $X", "ask"),
            ("cd $X && rm a", "ask"),
        ],
    );
}

#[test]
fn a_path_is_refused_under_all_its_names() {
    let policy = deny(&["file(secret/**)", "file(.env)", "read(~/.ssh/**)", "edit(*.lock)"]);
    for (request, expect) in [
        (files(false, &["secret/a"]), "deny"),
        (files(false, &["./x/../secret/a"]), "deny"),
        (files(true, &["/p/SECRET/a"]), "deny"),
        (files(false, &["link/a"]), "deny"),
        (files(true, &["a", "sub/.env"]), "deny"),
        (files(true, &["/home/me/.ssh/config"]), "deny"),
        (files(true, &["x/Cargo.lock"]), "deny"),
        (files(false, &["x/Cargo.lock"]), "open"),
        (files(true, &["a.rs"]), "open"),
        (files(false, &["secrets"]), "open"),
    ] {
        assert_eq!(verdict(&policy, &request), expect, "{:?}", request.subject);
    }
    lines(
        &policy,
        &[
            ("cat secret/a", "deny"),
            ("cat ~/.ssh/id", "deny"),
            ("cat $HOME/.ssh/id", "deny"),
            ("cat /home/me/.ssh/../.ssh/id", "deny"),
            ("cat < .env", "deny"),
            ("grep -f.env x", "deny"),
            ("curl -d @.env x", "deny"),
            ("tar c --file=secret/x", "deny"),
            ("cd secret && cat a", "deny"),
            ("git -C secret log", "deny"),
            ("F=.env; cat $F", "deny"),
            ("cat .e*", "ask"),
            ("grep -r x .", "ask"),
            ("cat $X", "ask"),
            ("ls .", "open"),
            ("cat *.rs", "open"),
            ("cargo test", "open"),
        ],
    );
}

#[test]
fn requests_of_any_shape_are_looked_through_for_what_is_refused() {
    let policy = deny(&["command(git push)", "file(secret/**)", "fetch(evil.com)", "mcp__db__*"]);
    for (tool, input, expect) in [
        ("shell", json!({"command": ["bash", "-lc", "git push"]}), "deny"),
        ("x", json!({"steps": [{"cmd": "git push"}]}), "deny"),
        ("x", json!({"filePath": "secret/a"}), "deny"),
        ("WebFetch", json!({"url": "https://evil.com/x"}), "deny"),
        ("WebFetch", json!({"url": "https://docs.rs@x.evil.com"}), "deny"),
        ("mcp__db__query", json!({}), "deny"),
        ("MCP__DB__query", json!({}), "deny"),
        ("mcp__other", json!({"text": "git push"}), "open"),
    ] {
        for subject in [Subject::Tool, Subject::Input, Subject::Always] {
            assert_eq!(verdict(&policy, &request(tool, input.clone(), subject)), expect, "{tool} {input}");
        }
    }
    lines(&policy, &[("curl https://evil.com/x", "deny"), ("wget evil.com", "deny"), ("curl docs.rs", "open")]);
}

#[test]
fn what_refuses_goes_before_what_asks_and_that_before_what_allows() {
    let policy = Policy {
        deny: rules(&["command(git push --force)"]),
        ask: rules(&["command(git push)"]),
        allow: rules(&["command(git *)"]),
        unread: Vec::new(),
    };
    lines(&policy, &[("git push --force", "deny"), ("git push", "ask"), ("git log", "open")]);
    assert_eq!(allowed_by(&policy, &command("git log"), &[]).as_deref(), Some("command(git *)"));
}

#[test]
fn a_rule_that_cannot_be_read_leaves_nothing_to_rules() {
    let policy = Policy { unread: vec!["policy.deny.2".into()], ..deny(&["command(rm *)"]) };
    lines(&policy, &[("ls", "ask"), ("rm x", "deny")]);
}

#[test]
fn rules_allow_files_and_tools_narrowly() {
    let policy = allow(&["edit(src/**)", "read(**)", "fetch(docs.rs)", "mcp__docs__*"]);
    let by = |request: &PermissionRequest| allowed_by(&policy, request, &[]);
    assert_eq!(by(&files(true, &["src/a.rs"])).as_deref(), Some("edit(src/**)"));
    assert_eq!(by(&files(false, &["src/a", "b"])).as_deref(), Some("edit(src/**) + read(**)"));
    for no in [files(true, &["b"]), files(true, &["src/.git/x"]), files(false, &["../x"]), files(true, &["src/a", "b"])]
    {
        assert_eq!(by(&no), None, "{:?}", no.subject);
    }
    let fetch = |tool: &str, url: &str| request(tool, json!({"url": url}), Subject::Tool);
    assert!(by(&fetch("WebFetch", "https://docs.rs/x")).is_some());
    assert!(by(&fetch("mcp__docs__read", "x")).is_some());
    for no in [
        fetch("WebFetch", "https://x.docs.rs/"),
        fetch("WebSearch", "https://docs.rs/"),
        request("mcp__docs__read", json!({"a": 1}), Subject::Input),
        fetch("MCP__docs__read", "x"),
    ] {
        assert_eq!(by(&no), None, "{no:?}");
    }
    let all = allow(&["*"]);
    assert!(allowed_by(&all, &files(true, &["a"]), &[]).is_some());
    assert_eq!(allowed_by(&all, &files(true, &["../a"]), &[]), None, "anything in the project");
    allows(&allow(&["Bash"]), &["ls; rm x"], &["ls $(", "A=b ls"]);
}

#[test]
fn rules_and_grants_allow_together() {
    let grant = rule::offers(&Act::Command { command: "tail -3".into() }, "/p").pop().expect("one");
    let policy = allow(&["command(make *)"]);
    let by = |line: &str| allowed_by(&policy, &command(line), &[&grant]);
    assert_eq!(by("make x | tail -5").as_deref(), Some("command(make *) + grant 0"));
    assert_eq!(by("make x | head -5"), None);
}

#[test]
fn refusals_are_offered_and_hold_what_they_were_made_of() {
    let seen = |request: &PermissionRequest| Seen::of(request);
    for (line, expect) in [
        ("git push origin main", "commands `git push origin main …`; commands `git push …`"),
        ("cd x && cargo test | tail -3", "commands `cargo test …`; commands `tail …`"),
        ("sudo rm -rf 'a b*'", "commands `sudo …`; commands `rm …`"),
        ("ls", "commands `ls …`"),
    ] {
        let act = Act::Command { command: line.into() };
        let offered = refusals(&act, &seen(&command(line)), "/p");
        let words: Vec<String> = offered.iter().map(|rule| rule.refuses("/p")).collect();
        assert_eq!(words.join("; "), expect);
        for rule in &offered {
            assert!(refuses(rule, &act, &around()), "{rule:?} {line}");
        }
    }
    let act = Act::Files { paths: vec!["/p/src/a*.rs".into()], change: true };
    let offered = refusals(&act, &Seen::default(), "/p");
    let words: Vec<String> = offered.iter().map(|rule| rule.refuses("/p")).collect();
    assert_eq!(words, ["changes of src/a?.rs", "changes of src/**"]);
    assert!(offered.iter().all(|rule| refuses(rule, &act, &around())));
}

#[test]
fn examples_are_what_the_rule_itself_says() {
    let act = Act::Command { command: "git push origin".into() };
    let rule = rule("command(git push *)");
    let (these, others) = examples(&act, "/p", &|act| refuses(&rule, act, &around()));
    assert_eq!(these, ["`git push origin`", "`git push`", "`git push --help`"]);
    assert_eq!(others, ["`git --version`", "`echo git`"]);
    let act = Act::Files { paths: vec!["/p/src/a.rs".into()], change: true };
    let below = rule::offers(&act, "/p").remove(1);
    let (these, others) = examples(&act, "/p", &|act| rule::fits(act, [&below]));
    assert_eq!(these, ["changing src/a.rs", "changing src/other.rs", "reading src/a.rs"]);
    assert_eq!(others, ["changing src/.env", "changing other.rs"]);
}

/// Ways to run a simple command by another, and to have a line within a line.
const AROUND_ONE: &[fn(&str) -> String] = &[
    |c| c.to_owned(),
    |c| format!("sudo -u root {c}"),
    |c| format!("env A=b {c}"),
    |c| format!("A=b {c}"),
    |c| format!("nohup {c}"),
    |c| format!("timeout -k 3 9 {c}"),
    |c| format!("ls | xargs -n 1 {c}"),
    |c| format!("find . -exec {c} ';'"),
    |c| format!("command {c}"),
];
const AROUND_LINE: &[fn(&str) -> String] = &[
    |l| format!("sh -c {}", seen::quoted(l)),
    |l| format!("bash -lc {}", seen::quoted(l)),
    |l| format!("eval {}", seen::quoted(l)),
    |l| format!("echo $({l})"),
    |l| format!("echo \"a $({l}) b\""),
    |l| format!("({l})"),
    |l| format!("cd x && {l}"),
    |l| format!("{l} | cat"),
    |l| format!("{l} & ls"),
    |l| format!("if true; then {l}; fi"),
    |l| format!("true\n{l}\nfalse"),
    |l| format!("ssh host {}", seen::quoted(l)),
    |l| format!("X=$({l})"),
    |l| format!("cat <({l})"),
    |l| format!("{l} > out 2>&1"),
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_refused_command_is_found_behind_whatever_runs_it(
        one in 0..AROUND_ONE.len(),
        lines in proptest::collection::vec(0..AROUND_LINE.len(), 0..5),
    ) {
        let line = lines.iter().fold(AROUND_ONE[one]("rm -rf y"), |line, at| AROUND_LINE[*at](&line));
        proptest::prop_assert_eq!(verdict(&deny(&["command(rm -rf *)"]), &command(&line)), "deny", "{}", line);
        // And no rule for anything else lets it pass.
        let others = allow(&["command(sudo *)", "command(xargs *)", "command(find *)", "command(echo *)", "command(ls *)"]);
        proptest::prop_assert_eq!(allowed_by(&others, &command(&line), &[]), None, "{}", line);
    }

    #[test]
    fn whatever_is_in_a_line_it_is_judged(line in "[a-z $`'\"(){}|&;<>\\\\*~=!#\n-]{0,60}") {
        let policy = deny(&["command(a *)", "file(b)", "edit(c)", "fetch(d)"]);
        let first = verdict(&policy, &command(&line));
        proptest::prop_assert!(["deny", "ask", "open"].contains(&first));
        // What is refused is so in a group too.
        if first == "deny" && !line.contains(['<', '#', '\\', '\'', '"', '`', '(', ')']) {
            proptest::prop_assert_eq!(verdict(&policy, &command(&format!("({line})"))), "deny", "{}", line);
        }
    }
}

#[path = "tests/hidden.rs"]
mod hidden;
