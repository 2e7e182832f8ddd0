//! Commands by what they begin with: which of them may be allowed so, and what that comes to.
//!
//! More words may follow only where it is known what they can do (`known`); of others every word counts. A line with one
//! that runs what it is told (shells, interpreters, `xargs`, `ssh`), that changes what the others mean (`alias`), or whose
//! few letters do the most harm (`rm`) can only be allowed as it is.

use std::{
    fmt,
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};

use super::{
    known,
    shell::{Word, name, parts},
};

/// The words that a command begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pub words: Vec<String>,
    /// More words may follow.
    pub open: bool,
}

/// Run what they are told, change what is run after them, or cannot be taken back. In small letters, without a version at
/// the end of the name.
const NEVER: &[&str] = &[
    ".",
    "alias",
    "and",
    "ansible",
    "at",
    "autoload",
    "awk",
    "bash",
    "batch",
    "begin",
    "bind",
    "builtin",
    "bun",
    "bunx",
    "busybox",
    "cc",
    "chattr",
    "chgrp",
    "chmod",
    "chown",
    "chroot",
    "chrt",
    "clang",
    "command",
    "compgen",
    "complete",
    "cp",
    "crontab",
    "csh",
    "curl",
    "dash",
    "dc",
    "dd",
    "declare",
    "deno",
    "direnv",
    "dirs",
    "doas",
    "docker",
    "ed",
    "emacs",
    "emulate",
    "enable",
    "env",
    "eval",
    "ex",
    "exec",
    "expect",
    "export",
    "fc",
    "fdisk",
    "find",
    "fish",
    "float",
    "flock",
    "foreach",
    "function",
    "functions",
    "gawk",
    "gcc",
    "gdb",
    "genv",
    "getopts",
    "gfind",
    "git-shell",
    "grm",
    "gsed",
    "gtar",
    "gtimeout",
    "gxargs",
    "hash",
    "iex",
    "install",
    "integer",
    "ionice",
    "irb",
    "java",
    "jobs",
    "jshell",
    "kill",
    "killall",
    "ksh",
    "kubectl",
    "ldd",
    "less",
    "let",
    "ln",
    "local",
    "lua",
    "luajit",
    "m4",
    "mapfile",
    "mawk",
    "mkfs",
    "more",
    "mount",
    "mv",
    "mysql",
    "nawk",
    "nc",
    "ncat",
    "nice",
    "nix",
    "nix-shell",
    "nocorrect",
    "node",
    "nodejs",
    "noglob",
    "nohup",
    "not",
    "npx",
    "nsenter",
    "nvim",
    "or",
    "osascript",
    "parallel",
    "patch",
    "perl",
    "php",
    "pipx",
    "pkexec",
    "pkill",
    "pnpx",
    "podman",
    "popd",
    "powershell",
    "private",
    "prlimit",
    "psql",
    "pushd",
    "pwsh",
    "pypy",
    "python",
    "r",
    "rake",
    "read",
    "readarray",
    "readonly",
    "repeat",
    "rm",
    "rmdir",
    "rscript",
    "rsync",
    "ruby",
    "scala",
    "scp",
    "screen",
    "script",
    "sed",
    "set",
    "setopt",
    "setsid",
    "sftp",
    "sh",
    "shopt",
    "shred",
    "socat",
    "source",
    "sponge",
    "sqlite",
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
    "test",
    "time",
    "timeout",
    "tmux",
    "toybox",
    "trap",
    "truncate",
    "ts-node",
    "tsx",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unlink",
    "unset",
    "unsetopt",
    "unshare",
    "uvx",
    "valgrind",
    "vi",
    "view",
    "vim",
    "watch",
    "wget",
    "xargs",
    "yes",
    "zmodload",
    "zsh",
];

/// What the parts of a command line begin with; `None` if only the line itself can be allowed.
pub fn patterns(command: &str, project: &str) -> Option<Vec<Pattern>> {
    let mut patterns: Vec<Pattern> = Vec::new();
    for part in parts(command)? {
        let pattern = pattern(&part, project)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    // Else it would be the line itself once more.
    patterns.iter().any(|pattern| pattern.open).then_some(patterns)
}

fn pattern(part: &[Word], project: &str) -> Option<Pattern> {
    let program = name(&part.first()?.text).to_lowercase();
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    if NEVER.contains(&program.as_str()) || NEVER.contains(&plain) {
        return None;
    }
    if program == "cd" && !(part.len() == 2 && stays_below(&part[1].text, project)) {
        return None;
    }
    let head = known::head(part);
    let words = part.get(..head.unwrap_or(part.len()))?;
    let plain = words.iter().all(|word| !word.open);
    plain.then(|| Pattern { words: words.iter().map(|word| word.text.clone()).collect(), open: head.is_some() })
}

/// Elsewhere the same words would do something else: another project's tests, say.
fn stays_below(directory: &str, project: &str) -> bool {
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    Path::new(directory).starts_with(project) && Path::new(directory).components().all(plain)
}

impl Pattern {
    pub(super) fn fits(&self, part: &[Word]) -> bool {
        // What was allowed by a version that knew less holds no more.
        let enough = match self.open {
            true => known::head(part) == Some(self.words.len()),
            false => part.len() == self.words.len(),
        };
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
