//! A user's rules against every permission question of the recordings, and every file that is wanted through the editor, as
//! a session judges them.

use std::{fmt::Write, path::Path};

use agor_nvim::domain::{
    Answer, Event, FileAccess, FileAnswer, FileRequest, OptionKind, PermissionRequest,
    policy::{self, Access, Policy, PolicyRule, Seen, Surroundings, Verdict, plain},
    rule::Act,
};
use serde_json::Value;

use super::{Dialect, Replay};

/// Of each question: a rule that forbids its tool, one of its commands, files and machines, or what the wire has as such,
/// forbids it; one about something else does not; one that allows it does where anything may. The same of each file, but for
/// what allows, which it needs none of. All of that and what the agent hears of a refusal is told in `tests/golden/rules/`.
/// `UPDATE_EXPECT=1` writes it anew.
pub fn rules_hold_for_every_question<D: Dialect>(agent: &str, recordings: &[(String, Vec<Value>)]) {
    let mut out = String::new();
    for (name, recording) in recordings {
        for (at, request) in files::<D>(recording) {
            let word = held(&format!("{agent}/{name}"), &request);
            writeln!(out, "{name}: file {word} [{}]", request.path.display()).expect("a string takes text");
            for write in refused_file::<D>(&recording[..=at], &request) {
                writeln!(out, "    < {}", D::told_write(&write)).expect("a string takes text");
            }
        }
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

/// With the entry at which each is wanted.
fn files<D: Dialect>(recording: &[Value]) -> Vec<(usize, FileRequest)> {
    told::<D, _>(recording, |event| match event {
        Event::File(request) => Some((**request).clone()),
        _ => None,
    })
}

/// A rule about the file holds, by the kind of access that it is about, and others do not.
fn held(of: &str, request: &FileRequest) -> &'static str {
    let (word, access) = match request.access {
        FileAccess::Read { .. } => ("read", Access::Read),
        FileAccess::Write { .. } => ("edit", Access::Change),
    };
    let path = request.path.to_string_lossy().into_owned();
    let seen = Seen { tool: word.to_owned(), files: vec![(path.clone(), access)], ..Seen::default() };
    for (tool, path, expect) in [
        ("", path.as_str(), true),
        ("read", path.as_str(), true),
        ("edit", path.as_str(), access == Access::Change),
        ("", "/unrelated/file", false),
    ] {
        let rule = PolicyRule { tool: tool.to_owned(), path: path.to_owned(), ..PolicyRule::default() };
        let (deny, ask) = (vec![rule.clone()], vec![rule]);
        let denied = policy::judge(&Policy { deny, ..Policy::default() }, &seen, &around());
        let asked = policy::judge(&Policy { ask, ..Policy::default() }, &seen, &around());
        assert_eq!(matches!(denied, Verdict::Deny { .. }), expect, "{of}: {tool}({path}): {denied:?}");
        assert_eq!(matches!(asked, Verdict::Ask(_)), expect, "{of}: {tool}({path}): {asked:?}");
    }
    word
}

/// What is written when a rule forbids it.
fn refused_file<D: Dialect>(until: &[Value], request: &FileRequest) -> Vec<Value> {
    let mut replay = Replay::<D>::open(until);
    until.iter().for_each(|entry| replay.entry(entry));
    let before = replay.host.writes.len();
    replay.host.file(&request.request_id, FileAnswer::Failed("Your rule forbids this.".to_owned()));
    replay.host.writes.split_off(before)
}

/// With the entry at which each is asked.
fn questions<D: Dialect>(recording: &[Value]) -> Vec<(usize, PermissionRequest)> {
    told::<D, _>(recording, |event| match event {
        Event::Permission(request) => Some((**request).clone()),
        _ => None,
    })
}

fn told<D: Dialect, T>(recording: &[Value], wanted: impl Fn(&Event) -> Option<T>) -> Vec<(usize, T)> {
    let mut replay = Replay::<D>::open(recording);
    let mut found = Vec::new();
    for (at, entry) in recording.iter().enumerate() {
        let seen = replay.host.events.len();
        replay.entry(entry);
        found.extend(replay.host.events[seen..].iter().filter_map(&wanted).map(|one| (at, one)));
    }
    found
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

    /// By rules about what it is about, which have to be enough wherever anything may be allowed.
    fn allowed(&self) -> String {
        let Some(act) = Act::of(self.request, &|path| Some(absolute(path))) else { return "never allowed".into() };
        let (rules, expect) = match &act {
            // What it writes is an edit. What is only known when it runs, no rule allows.
            Act::Command { command } => {
                let known = !command.contains(['$', '`', '<']) && !command.starts_with("for ");
                (vec![tool("command"), tool("edit")], known)
            }
            Act::Files { paths, .. } => {
                let rule = |path: &String| PolicyRule { tool: "edit".into(), path: path.clone(), ..Default::default() };
                (paths.iter().map(rule).collect(), true)
            }
            // Of another nobody knows what it does.
            Act::Tool { tool: name, named, .. } => (vec![tool(name)], *named),
        };
        let seen = Seen::of(self.request);
        let by = |allow: &[PolicyRule]| {
            let policy = Policy { allow: allow.to_vec(), ..Policy::default() };
            policy::allowed(&act, &seen, &policy, &[], &around()).is_some()
        };
        assert!(!by(&[tool("Unrelated")]), "{}", self.of);
        let told = |rules: &[PolicyRule]| rules.iter().map(PolicyRule::words).collect::<Vec<_>>().join(", ");
        assert_eq!(by(&rules), expect, "{}: by {}", self.of, told(&rules));
        // Each of several files needs its own.
        for rule in rules.iter().filter(|_| matches!(act, Act::Files { .. })) {
            let others: Vec<PolicyRule> = rules.iter().filter(|other| *other != rule).cloned().collect();
            assert!(!by(&others), "{}: by {}", self.of, told(&others));
        }
        let enough = if by(&rules[..1]) { &rules[..1] } else { &rules[..] };
        let words = told(enough);
        format!("{} by {words}", if expect { "allowed" } else { "not allowed" })
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
