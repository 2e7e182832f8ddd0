//! Refusals that can be made of a request, and examples of what a rule is about: what fits it and what does not, each
//! found by asking the rule.

use super::{
    Policy, PolicyRule, Surroundings, Verdict,
    inner::{Piece, pieces},
    judge,
    script::{Part, name},
    seen::{Access, Seen, quoted},
};
use crate::domain::rule::Act;

/// Commands of one line that are offered.
const PARTS: usize = 3;
/// Examples of each kind, and letters of them: they are to be on one line.
const FEW: usize = 3;
const WIDEST: usize = 66;

/// Programs whose second word says what they do.
const WITH_SUBCOMMANDS: &[&str] = &[
    "apt",
    "apt-get",
    "aws",
    "az",
    "brew",
    "bun",
    "cargo",
    "composer",
    "conda",
    "deno",
    "dnf",
    "docker",
    "dotnet",
    "flyctl",
    "gcloud",
    "gem",
    "gh",
    "git",
    "glab",
    "go",
    "helm",
    "heroku",
    "hg",
    "jj",
    "just",
    "kubectl",
    "make",
    "mix",
    "nix",
    "npm",
    "npx",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "poetry",
    "rustup",
    "svn",
    "systemctl",
    "terraform",
    "uv",
    "yarn",
    "zig",
];

/// By which a request can be refused for longer, the narrowest first.
pub fn refusals(act: &Act, seen: &Seen, project: &str) -> Vec<PolicyRule> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    let mut add = |rule: PolicyRule| {
        // More words may always follow: `a *` is no other rule than `a`.
        let head = |rule: &PolicyRule| rule.command.strip_suffix(" *").unwrap_or(&rule.command).to_owned();
        let same = |known: &PolicyRule| known.tool == rule.tool && known.path == rule.path && known.host == rule.host;
        if !rules.iter().any(|known| same(known) && head(known) == head(&rule)) {
            rules.push(rule);
        }
    };
    match act {
        Act::Command { command } => {
            let found = pieces(command);
            let told = |part: &Part| !part.words.is_empty() && part.words.iter().all(|word| word.is_known());
            let parts: Vec<&Part> =
                found.all.iter().filter(|piece| !piece.transparent).map(|piece| &piece.part).collect();
            let parts: Vec<&&Part> =
                parts.iter().filter(|part| told(part) && part.name() != "cd").take(PARTS).collect();
            let of = |words: &[String]| PolicyRule { command: words.join(" "), ..PolicyRule::default() };
            // A rule parts its words by blanks, and takes stars for signs.
            let words = |part: &Part| -> Vec<String> {
                let sign = |c: char| if c.is_whitespace() || "*[".contains(c) { '?' } else { c };
                part.words.iter().map(|word| word.text.chars().map(sign).collect()).collect()
            };
            if let [part] = parts.as_slice()
                && part.words.len() > 1
                && command.len() <= 200
            {
                add(of(&words(part)));
            }
            for part in parts {
                let words = words(part);
                let program = name(&words[0]);
                let below = WITH_SUBCOMMANDS.contains(&program.as_str())
                    && words.get(1).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric()));
                let head = if below { vec![program, words[1].clone()] } else { vec![program] };
                add(of(&head.into_iter().chain(["*".to_owned()]).collect::<Vec<_>>()));
            }
        }
        Act::Files { paths, change } => {
            let tool = if *change { "edit" } else { "read" };
            let of = |path: String| PolicyRule { tool: tool.to_owned(), path, ..PolicyRule::default() };
            for path in paths.iter().take(PARTS) {
                add(of(escaped(path)));
            }
            if let [path] = paths.as_slice()
                && let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| folder.len() > project.len())
                && path.starts_with(project)
            {
                add(of(format!("{}/**", escaped(folder))));
            }
        }
        Act::Tool { tool, .. } => {
            if let Some(host) = &seen.only_host {
                add(PolicyRule { tool: "fetch".to_owned(), host: host.clone(), ..PolicyRule::default() });
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-./: ".contains(c);
            let own = !["*", "read", "edit", "file", "fetch", "command"].contains(&tool.as_str());
            if own && !tool.trim().is_empty() && tool.chars().all(plain) {
                add(PolicyRule { tool: tool.clone(), ..PolicyRule::default() });
            }
        }
    }
    rules
}

/// Signs of patterns as themselves.
fn escaped(path: &str) -> String {
    path.chars().map(|c| if "*?[".contains(c) { '?' } else { c }).collect()
}

impl PolicyRule {
    /// What it refuses, for people. Paths below the project are shown relative to it.
    pub fn refuses(&self, project: &str) -> String {
        let path = self.path.strip_prefix(project).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&self.path);
        match self.tool.as_str() {
            // More words may always follow.
            _ if !self.command.is_empty() => {
                format!("commands `{} …`", self.command.strip_suffix(" *").unwrap_or(&self.command))
            }
            "read" if !path.is_empty() => format!("reading and changes of {path}"),
            "edit" if !path.is_empty() => format!("changes of {path}"),
            "fetch" if !self.host.is_empty() => format!("fetching from {}", self.host),
            _ => self.words(),
        }
    }
}

/// What fits, and what does not; `holds` says which of the two it is. Paths below the project are shown relative to it.
pub fn examples(act: &Act, project: &str, holds: &dyn Fn(&Act) -> bool) -> (Vec<String>, Vec<String>) {
    let (mut these, mut others): (Vec<String>, Vec<String>) = Default::default();
    for (words, act) in candidates(act, project) {
        let list = if holds(&act) { &mut these } else { &mut others };
        let room = list.iter().map(|known| known.chars().count() + 2).sum::<usize>() + words.chars().count() <= WIDEST;
        if !list.contains(&words) && list.len() < FEW && (room || list.is_empty()) {
            list.push(words);
        }
    }
    (these, others)
}

/// Whether a refusal is about it.
pub fn refuses(rule: &PolicyRule, act: &Act, around: &Surroundings<'_>) -> bool {
    let policy = Policy { deny: vec![rule.clone()], ..Policy::default() };
    matches!(judge(&policy, &seen(act), around), Verdict::Deny { .. })
}

fn seen(act: &Act) -> Seen {
    let mut seen = Seen::default();
    match act {
        Act::Command { command } => seen.commands.push(command.clone()),
        Act::Files { paths, change } => {
            let access = if *change { Access::Change } else { Access::Read };
            seen.files.extend(paths.iter().map(|path| (path.clone(), access)));
        }
        Act::Tool { tool, input, .. } => {
            seen.tool = tool.clone();
            seen.hosts = input.get("url").and_then(|url| url.as_str()).map(super::seen::hosts).unwrap_or_default();
        }
    }
    seen
}

/// Requests that are like one and go further.
fn candidates(act: &Act, project: &str) -> Vec<(String, Act)> {
    let mut found: Vec<(String, Act)> = Vec::new();
    match act {
        Act::Command { command } => {
            let mut add = |line: String| {
                if line.len() <= 60 && !line.contains('\n') {
                    found.push((format!("`{line}`"), Act::Command { command: line }));
                }
            };
            add(command.clone());
            let all = pieces(command);
            let parts = all.all.iter().filter(|Piece { part, transparent }| !transparent && part.name() != "cd");
            for Piece { part, .. } in parts.take(PARTS) {
                let words: Vec<String> = part.words.iter().map(|word| quoted(&word.text)).collect();
                let Some(program) = words.first() else { continue };
                let head = words.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
                add(head.clone());
                add(format!("{head} --help"));
                add(format!("{} --verbose", words.join(" ")));
                add(format!("sudo {head}"));
                add(format!("{head} && rm -rf build"));
                add(format!("{head} > out.txt"));
                add(format!("bash -c '{head}'"));
                add(format!("{program} --version"));
                add(format!("echo {program}"));
            }
        }
        Act::Files { paths, change } => {
            let Some(path) = paths.first() else { return found };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let above = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            let ending = path.rsplit_once('.').map_or("txt", |(_, ending)| ending);
            let mut add = |path: String, change: bool| {
                let doing = if change { "changing" } else { "reading" };
                let shown = path.strip_prefix(project).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&path);
                found.push((format!("{doing} {shown}"), Act::Files { paths: vec![path], change }));
            };
            add(path.clone(), *change);
            add(format!("{folder}/other.{ending}"), *change);
            add(format!("{folder}/.env"), *change);
            add(format!("{above}/other.{ending}"), *change);
            add(path.clone(), !change);
        }
        Act::Tool { tool, input, named } => {
            found.push((format!("{tool} as it is asked"), act.clone()));
            let mut other = input.clone();
            if let Some(fields) = other.as_object_mut() {
                fields.insert("url".to_owned(), "https://elsewhere.example/".into());
            }
            let words = format!("{tool} with another input");
            found.push((words, Act::Tool { tool: tool.clone(), input: other, named: *named }));
        }
    }
    found
}
