//! Commands by what they begin with: which of them may be allowed so, and what that comes to.
//!
//! Never those that run what they are told (shells, interpreters, `xargs`, `ssh`), and never those whose few letters do
//! the most harm (`rm`): of them only the whole command line can be allowed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shell::{Word, name, parts};

/// The words that a command begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pub words: Vec<String>,
    /// More words may follow.
    pub open: bool,
}

/// Run what they are told, or cannot be taken back. Without a version at the end of the name.
const NEVER: &[&str] = &[
    ".",
    "ansible",
    "at",
    "awk",
    "bash",
    "batch",
    "builtin",
    "bun",
    "bunx",
    "busybox",
    "chattr",
    "chgrp",
    "chmod",
    "chown",
    "chroot",
    "command",
    "crontab",
    "csh",
    "curl",
    "dash",
    "dd",
    "deno",
    "docker",
    "doas",
    "emacs",
    "env",
    "eval",
    "exec",
    "expect",
    "export",
    "fdisk",
    "find",
    "fish",
    "flock",
    "gawk",
    "gdb",
    "ionice",
    "iex",
    "irb",
    "java",
    "jshell",
    "kill",
    "killall",
    "ksh",
    "kubectl",
    "lua",
    "luajit",
    "make4ht",
    "mawk",
    "mkfs",
    "mount",
    "nawk",
    "nc",
    "ncat",
    "nice",
    "nix",
    "nix-shell",
    "node",
    "nodejs",
    "nohup",
    "npx",
    "nsenter",
    "nvim",
    "osascript",
    "parallel",
    "perl",
    "php",
    "pipx",
    "pkill",
    "pkexec",
    "pnpx",
    "podman",
    "powershell",
    "pwsh",
    "python",
    "pypy",
    "R",
    "rake",
    "rm",
    "rmdir",
    "rsync",
    "Rscript",
    "ruby",
    "scala",
    "scp",
    "screen",
    "script",
    "sed",
    "set",
    "setsid",
    "sftp",
    "sh",
    "shred",
    "socat",
    "source",
    "ssh",
    "stdbuf",
    "strace",
    "su",
    "sudo",
    "swift",
    "systemctl",
    "systemd-run",
    "tar",
    "taskset",
    "tclsh",
    "tcsh",
    "tee",
    "telnet",
    "timeout",
    "tmux",
    "truncate",
    "ts-node",
    "tsx",
    "uvx",
    "unshare",
    "vi",
    "vim",
    "watch",
    "wget",
    "xargs",
    "yes",
    "zsh",
];

/// What they do is said by their second word.
const BY_SUBCOMMAND: &[&str] = &[
    "apt",
    "brew",
    "bundle",
    "cargo",
    "cmake",
    "composer",
    "dotnet",
    "gh",
    "git",
    "glab",
    "go",
    "gradle",
    "gradlew",
    "helm",
    "hg",
    "jj",
    "just",
    "make",
    "meson",
    "mix",
    "mvn",
    "mvnw",
    "ninja",
    "npm",
    "nox",
    "pip",
    "pnpm",
    "poetry",
    "rustup",
    "svn",
    "terraform",
    "tox",
    "uv",
    "yarn",
    "zig",
];

/// Subcommands that run what they are told, or set what others run.
const NEVER_SUB: &[(&str, &str)] = &[
    ("bundle", "exec"),
    ("composer", "exec"),
    ("gh", "alias"),
    ("gh", "api"),
    ("gh", "extension"),
    ("git", "bisect"),
    ("git", "clean"),
    ("git", "config"),
    ("git", "filter-branch"),
    ("git", "push"),
    ("git", "rebase"),
    ("git", "reset"),
    ("git", "submodule"),
    ("go", "run"),
    ("mix", "run"),
    ("npm", "exec"),
    ("npm", "x"),
    ("pnpm", "dlx"),
    ("pnpm", "exec"),
    ("poetry", "run"),
    ("uv", "run"),
    ("uv", "tool"),
    ("yarn", "dlx"),
    ("yarn", "exec"),
];

/// Their `run` says nothing without the name of what is run.
const RUN_BY_NAME: &[&str] = &["npm", "pnpm", "yarn"];

/// What the parts of a command line begin with; `None` if only the line itself can be allowed.
pub fn patterns(command: &str) -> Option<Vec<Pattern>> {
    let mut patterns: Vec<Pattern> = Vec::new();
    for part in parts(command)? {
        let pattern = pattern(&part)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    // Else it would be the line itself once more.
    patterns.iter().any(|pattern| pattern.open).then_some(patterns)
}

fn pattern(part: &[Word]) -> Option<Pattern> {
    let program = name(&part.first()?.text);
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if NEVER.contains(&program) || NEVER.contains(&plain) {
        return None;
    }
    let words = |count: usize, open: bool| {
        let words = part.get(..count)?;
        let plain = words.iter().all(|word| !word.open);
        plain.then(|| Pattern { words: words.iter().map(|word| word.text.clone()).collect(), open })
    };
    if program == "cd" {
        let absolute = part.get(1).is_some_and(|to| to.text.starts_with('/') && !to.text.contains(".."));
        return if absolute && part.len() == 2 { words(2, false) } else { None };
    }
    if !BY_SUBCOMMAND.contains(&plain) {
        return words(1, true);
    }
    let Some(second) = part.get(1).filter(|word| is_subcommand(word)) else { return words(part.len(), false) };
    if NEVER_SUB.contains(&(plain, second.text.as_str())) {
        return None;
    }
    match second.text.as_str() {
        "run" | "run-script" if RUN_BY_NAME.contains(&plain) => match part.get(2) {
            Some(script) if is_subcommand(script) => words(3, true),
            _ => words(part.len(), false),
        },
        _ => words(2, true),
    }
}

fn is_subcommand(word: &Word) -> bool {
    let text = word.text.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    !word.open && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
}

impl Pattern {
    pub(super) fn fits(&self, part: &[Word]) -> bool {
        let enough = if self.open { part.len() >= self.words.len() } else { part.len() == self.words.len() };
        enough
            && !self.words.is_empty()
            && self.words.iter().zip(part).all(|(want, word)| !word.open && *want == word.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |word: &String| {
            let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
            match !word.is_empty() && word.chars().all(plain) {
                true => word.clone(),
                false => format!("'{}'", word.replace('\'', "'\\''")),
            }
        };
        write!(f, "{}", self.words.iter().map(quoted).collect::<Vec<_>>().join(" "))?;
        if self.open { write!(f, " …") } else { Ok(()) }
    }
}
