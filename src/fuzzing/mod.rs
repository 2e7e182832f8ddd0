//! Whatever may come in from outside, against what reads it: functions of bytes that panic where a rule is broken.
//!
//! There only for `cargo test` and `make fuzz`. The same targets are run by libFuzzer (`fuzz/`), which looks for inputs
//! that reach new code, and by the tests, which replay the seeds and always the same changes of them. A target asserts
//! what its readers promise (any split gives the same frames, a patched buffer is the one that is painted anew), not only
//! that they survive. Nothing of a target leaves its process but files in a folder of its own.

#[cfg(test)]
mod bash_tests;
mod conversation;
mod disk;
mod input;
#[cfg(test)]
mod mutate;
mod painted;
mod policies;
mod rules;
mod seeds;
#[cfg(test)]
mod tests;
mod texts;
mod wires;

/// One reader of outside bytes, and what is known of them.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs to begin with: recorded exchanges, and small ones by hand.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What such inputs are made of.
    pub words: &'static [&'static str],
    /// Longer inputs cost more than they show, in bytes.
    pub longest: usize,
}

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "\"id\":",
    "\"type\":",
    "\\ud83d",
    "\\u0000",
    "\n",
    ",",
];

pub const TARGETS: &[Target] = &[
    Target {
        name: "lines",
        run: wires::lines,
        seeds: seeds::lines,
        words: &["\n", "\r\n", "\r", "\u{20ac}"],
        longest: 4096,
    },
    Target { name: "jsonrpc", run: wires::jsonrpc, seeds: seeds::jsonrpc, words: JSON, longest: 4096 },
    Target {
        name: "keeper",
        run: wires::keeper,
        seeds: seeds::keeper,
        words: &["\0", "int:1", "term:2", "wait:", ","],
        longest: 2048,
    },
    Target {
        name: "redact",
        run: wires::redact,
        seeds: seeds::redact,
        words: &["\"", "\\", "token=", "Bearer ", "env"],
        longest: 2048,
    },
    Target {
        name: "requests",
        run: crate::nvim::fuzzing::requests,
        seeds: crate::nvim::fuzzing::seeds,
        words: &["session_id", "cwd", "prompt", "\u{0}"],
        longest: 4096,
    },
    Target { name: "sidecar", run: conversation::sidecar, seeds: seeds::sidecar, words: JSON, longest: 32 * 1024 },
    Target { name: "claude", run: conversation::claude, seeds: seeds::claude, words: JSON, longest: 32 * 1024 },
    Target { name: "codex", run: conversation::codex, seeds: seeds::codex, words: JSON, longest: 32 * 1024 },
    Target { name: "acp", run: conversation::acp, seeds: seeds::acp, words: JSON, longest: 32 * 1024 },
    Target { name: "markdown", run: texts::markdown, seeds: seeds::markdown, words: texts::MARKDOWN, longest: 4096 },
    Target {
        name: "code",
        run: texts::code,
        seeds: seeds::code,
        words: &["\n+", "\n-", "\n ", "\"", "/*", "$ "],
        longest: 4096,
    },
    Target {
        name: "diff",
        run: texts::diff,
        seeds: seeds::diff,
        words: &["\n", "\r\n", "\0", "@@ -1,2 +3,4 @@\n", "---"],
        longest: 4096,
    },
    Target { name: "view", run: painted::view, seeds: seeds::view, words: &["\n", "```", "| a |"], longest: 2048 },
    Target { name: "journal", run: disk::journal, seeds: seeds::journal, words: JSON, longest: 8192 },
    Target { name: "kept", run: disk::kept, seeds: seeds::kept, words: JSON, longest: 16 * 1024 },
    Target { name: "files", run: disk::files, seeds: seeds::files, words: JSON, longest: 4096 },
    Target { name: "rules", run: rules::rules, seeds: seeds::rules, words: rules::WORDS, longest: 512 },
    Target { name: "policy", run: policies::policy, seeds: seeds::rules, words: rules::WORDS, longest: 512 },
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
