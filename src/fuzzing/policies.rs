//! Command lines against a user's policy: what is forbidden is not overlooked for what stands around it, and what is allowed
//! is so for all that it does.

use crate::domain::{
    policy::{Policy, PolicyRule, Seen, Surroundings, Verdict, allowed, judge},
    rule::Act,
};

const HARM: &str = "rm -rf /x";

fn command(text: &str) -> PolicyRule {
    PolicyRule { command: text.to_owned(), ..PolicyRule::default() }
}

fn seen(line: &str) -> Seen {
    Seen { commands: vec![line.to_owned()], ..Seen::default() }
}

fn around() -> Surroundings<'static> {
    Surroundings {
        roots: vec!["/p".into()],
        home: Some("/home/me".into()),
        cwd: "/p".into(),
        real: &|path| Some(path.to_owned()),
    }
}

pub fn policy(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    let deny = Policy { deny: vec![command("rm -rf *")], ..Policy::default() };
    let is_open = |line: &str| judge(&deny, &seen(line), &around()) == Verdict::Open;
    // What stands before the rest is run, whatever that is: a shell reads line by line.
    for harmed in [
        format!("{HARM}\n{line}"),
        format!("({HARM})\n{line}"),
        format!("x=$({HARM})\n{line}"),
        format!("if true; then {HARM}; fi\n{line}"),
        format!("sudo {HARM}\n{line}"),
        format!("sh -c '{HARM}'\n{line}"),
    ] {
        assert!(!is_open(&harmed), "{harmed:?}");
    }
    let some = Policy { allow: vec![command("ls *"), command("git *"), command("cargo test *")], ..Policy::default() };
    let is_allowed = |line: &str| {
        let act = Act::Command { command: line.to_owned() };
        allowed(&act, &seen(line), &some, &[], &around()).is_some()
    };
    if is_allowed(&line) {
        // Who allows a command allows what it reads: a file, which it could open by itself, or text.
        let only_reads = |line: &str| line.ends_with(" < /etc/x") || line.ends_with("\nx");
        super::rules::harmed(&line, |line| !only_reads(line) && is_allowed(line));
    }
}
