//! A user's rules against every permission question of the recordings, as a session judges them.

use std::{fmt::Write, path::Path};

use agor_nvim::domain::{
    Answer, Event, OptionKind, PermissionRequest,
    policy::{self, Policy, PolicyRule, Seen, Surroundings, Verdict, plain},
    rule::Act,
};
use serde_json::Value;

use super::{Dialect, Replay};

/// Of each question: a rule that forbids its tool, one of its commands, files and machines, or what the wire has as such,
/// forbids it; one about something else does not; one that allows it does where anything may. All of that and what the
/// agent hears of a refusal is told in `tests/golden/rules/`. `UPDATE_EXPECT=1` writes it anew.
pub fn rules_hold_for_every_question<D: Dialect>(agent: &str, recordings: &[(String, Vec<Value>)]) {
    let mut out = String::new();
    for (name, recording) in recordings {
        for (at, request) in questions::<D>(recording) {
            let asked =
                Asked { of: format!("{agent}/{name}: {} [{}]", request.tool, request.title), request: &request };
            asked.forbidden(&recording[at]["msg"]);
            writeln!(out, "{name}: {} [{}]", request.tool, request.title).expect("a string takes text");
            asked.tell(&mut out);
            for write in refused::<D>(&recording[..=at], &request) {
                writeln!(out, "    < {}", D::told_write(&write)).expect("a string takes text");
            }
        }
    }
    assert!(!out.is_empty(), "{agent} asks nothing");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules").join(format!("{agent}.txt"));
    expect_test::expect_file![golden].assert_eq(&out);
}

/// With the entry at which each is asked.
fn questions<D: Dialect>(recording: &[Value]) -> Vec<(usize, PermissionRequest)> {
    let mut replay = Replay::<D>::open(recording);
    let mut questions = Vec::new();
    for (at, entry) in recording.iter().enumerate() {
        let seen = replay.host.events.len();
        replay.entry(entry);
        questions.extend(replay.host.events[seen..].iter().filter_map(|event| match event {
            Event::Permission(request) => Some((at, (**request).clone())),
            _ => None,
        }));
    }
    questions
}

/// What is written when a rule forbids it.
fn refused<D: Dialect>(until: &[Value], request: &PermissionRequest) -> Vec<Value> {
    let mut replay = Replay::<D>::open(until);
    until.iter().for_each(|entry| replay.entry(entry));
    let before = replay.host.writes.len();
    let option = request.options.iter().find(|option| option.kind == OptionKind::RejectOnce);
    let option_id = option.expect("each recorded question can be refused").option_id.clone();
    let message = Some("Your rule forbids this.".to_owned());
    replay.host.answer(&request.request_id, Answer::Option { option_id, message, input: None });
    replay.host.writes.split_off(before)
}

struct Asked<'a> {
    of: String,
    request: &'a PermissionRequest,
}

impl Asked<'_> {
    fn judge(&self, rule: PolicyRule) -> Verdict {
        let policy = Policy { deny: vec![rule], ..Policy::default() };
        policy::judge(&policy, &Seen::of(self.request), &around())
    }

    #[track_caller]
    fn denied(&self, rule: PolicyRule) {
        let words = rule.words();
        let verdict = self.judge(rule);
        assert!(matches!(verdict, Verdict::Deny { .. }), "{}: {words}: {verdict:?}", self.of);
    }

    fn forbidden(&self, wire: &Value) {
        self.denied(tool(&self.request.tool));
        let seen = Seen::of(self.request);
        let mut named = Vec::new();
        strings(wire, "", &mut named);
        let commands = named.iter().filter(|(key, _)| key == "command").map(|(_, text)| text);
        for line in seen.commands.iter().chain(commands) {
            let program = line.split_whitespace().next().unwrap_or_default();
            self.denied(PolicyRule { command: format!("{program} *"), ..PolicyRule::default() });
        }
        let paths = named.iter().filter(|(key, _)| ["path", "file_path", "filePath"].contains(&key.as_str()));
        for path in seen.files.iter().map(|(path, _)| path).chain(paths.map(|(_, path)| path)) {
            self.denied(PolicyRule { path: path.clone(), ..PolicyRule::default() });
        }
        for host in &seen.hosts {
            self.denied(PolicyRule { host: host.clone(), ..PolicyRule::default() });
        }
    }

    fn tell(&self, out: &mut String) {
        let seen = Seen::of(self.request);
        let files: Vec<String> = seen.files.iter().map(|(path, access)| format!("{access:?} {path}")).collect();
        writeln!(out, "    commands {:?} files {files:?} hosts {:?}", seen.commands, seen.hosts).expect("text");
        for rule in [
            tool("Unrelated"),
            PolicyRule { command: "unrelated *".into(), ..PolicyRule::default() },
            PolicyRule { path: "/unrelated/file".into(), ..PolicyRule::default() },
            PolicyRule { host: "unrelated.example".into(), ..PolicyRule::default() },
        ] {
            let words = rule.words();
            match self.judge(rule) {
                Verdict::Deny { what, .. } => panic!("{}: {words} forbids {what}", self.of),
                Verdict::Ask(why) | Verdict::Unread(why) => {
                    writeln!(out, "    asked by a rule about something else: {why}").expect("text");
                }
                Verdict::Open => {}
            }
        }
        writeln!(out, "    {}", self.allowed()).expect("text");
    }

    /// By a rule about what it is about.
    fn allowed(&self) -> String {
        let Some(act) = Act::of(self.request, &|path| Some(absolute(path))) else { return "never allowed".into() };
        let rules = match &act {
            Act::Command { .. } => vec![tool("command")],
            Act::Files { paths, .. } => {
                let rule = |path: &String| PolicyRule { tool: "edit".into(), path: path.clone(), ..Default::default() };
                paths.iter().map(rule).collect()
            }
            Act::Tool { tool: name, .. } => vec![tool(name)],
        };
        let seen = Seen::of(self.request);
        let by = |allow| {
            let policy = Policy { allow, ..Policy::default() };
            policy::allowed(&act, &seen, &policy, &[], &around()).is_some()
        };
        assert!(!by(vec![tool("Unrelated")]), "{}", self.of);
        let words: Vec<String> = rules.iter().map(PolicyRule::words).collect();
        format!("{} by {}", if by(rules) { "allowed" } else { "not allowed" }, words.join(", "))
    }
}

fn tool(name: &str) -> PolicyRule {
    PolicyRule { tool: name.to_owned(), ..PolicyRule::default() }
}

fn around() -> Surroundings<'static> {
    let real: &dyn Fn(&str) -> Option<String> = &|path| Some(path.to_owned());
    Surroundings { roots: vec!["/project".into()], home: None, cwd: "/project".into(), real }
}

fn absolute(path: &str) -> String {
    plain(&Path::new("/project").join(path).to_string_lossy())
}

/// All texts, each with the member that it stands in.
fn strings(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| strings(value, key, found)),
        Value::Array(items) => items.iter().for_each(|item| strings(item, key, found)),
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        _ => {}
    }
}
