//! What a command line is made of, against what bash makes of it: whatever bash would run was judged, and all that was
//! judged may run.
//!
//! Nothing runs but `printf`: bash has no programs and no builtins here, and tells of each command that it does not find.

use std::{collections::BTreeSet, process::Command};

use super::{find, input::Chance, mutate::changed};
use crate::domain::rule::parts;

/// `$1` is what each command's end says: what stands behind `||` runs only where that is no success.
const PRELUDE: &str = r#"exec 9>&1
PATH=/nowhere
code=$1
command_not_found_handle() { /usr/bin/printf '%s\037' "$@" $'\036' >&9; /usr/bin/test "$code" = 0; }
enable -n $(compgen -b)
"#;

type Words = Vec<String>;

#[allow(clippy::disallowed_methods, reason = "the rule is the backend's: a test asks bash")]
fn ran(line: &str, code: &str) -> BTreeSet<Words> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-f", "-c", &format!("{PRELUDE}{line}"), "bash", code]);
    let output = bash.current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin").output().expect("bash runs");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{line:?} writes a file");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let words = |words: &str| words.split_terminator('\u{1f}').map(str::to_owned).collect();
    told.split_terminator("\u{1e}\u{1f}").map(words).collect()
}

/// False if there is nothing to compare.
fn check(line: &str) -> bool {
    let Some(found) = parts(line) else { return false };
    let of_path = |word: &str| word.contains('/') || word.ends_with("sh");
    if line.contains(['\0', '\u{1e}', '\u{1f}']) || found.iter().any(|part| of_path(&part[0].text)) {
        // A program by its path would run, and a shell with a script is told as that script.
        return false;
    }
    let judged: BTreeSet<Words> =
        found.iter().map(|part| part.iter().map(|word| word.text.clone()).collect()).collect();
    let run: BTreeSet<Words> = ran(line, "0").union(&ran(line, "1")).cloned().collect();
    assert_eq!(run, judged, "{line:?}");
    true
}

#[test]
fn bash_runs_what_was_judged_and_nothing_else() {
    let target = find("rules").expect("it is one");
    let seeds = (target.seeds)();
    let mut chance = Chance::of(b"bash");
    let rounds: usize = std::env::var("AGOR_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let (mut compared, mut tried) = (0, 0);
    while compared < 40 * rounds {
        let seed = &seeds[tried % seeds.len()];
        let input = changed(seed, &seeds, target.words, 200, &mut chance);
        compared += usize::from(check(&String::from_utf8_lossy(&input)));
        tried += 1;
        assert!(tried < 20_000 * rounds, "hardly anything is understood");
    }
}
