//! Commands that run others: what they run is told beside them, however deep it is hidden in `sudo`, `xargs`, `sh -c` or
//! `find -exec`. A table of programs with the options of theirs that have a value; what is in no table runs what only it
//! knows.

use super::script::{self, HOLE, Part, Script, Word};

/// Programs within each other; what is deeper is passed over.
const DEEPEST: usize = 16;

/// One command, and what is known of it from around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub part: Part,
    /// It does nothing but run what stands beside it: that is what has to be allowed.
    pub transparent: bool,
}

/// All that a line runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pieces {
    pub all: Vec<Piece>,
    /// Nothing of it was passed over.
    pub clear: bool,
}

pub fn pieces(line: &str) -> Pieces {
    let mut pieces = Pieces { all: Vec::new(), clear: true };
    pieces.add(script::script(line), 0);
    pieces
}

impl Pieces {
    /// What one command runs.
    pub fn of(part: Part) -> Self {
        let mut pieces = Self { all: Vec::new(), clear: true };
        pieces.add_part(part, 0);
        pieces
    }

    fn add(&mut self, script: Script, depth: usize) {
        self.clear &= script.clear;
        for part in script.parts {
            self.add_part(part, depth);
        }
    }

    fn add_part(&mut self, part: Part, depth: usize) {
        if depth > DEEPEST {
            self.clear = false;
            return;
        }
        let inner = inner(&part);
        let given = Part { fed: part.fed.clone(), reads: part.reads.clone(), piped: part.piped, ..Part::default() };
        self.all.push(Piece { part, transparent: inner.transparent });
        self.clear &= inner.clear;
        for found in inner.found {
            match found {
                Found::Words(words, sets) => {
                    self.add_part(Part { words, sets, ..Part::default() }, depth + 1);
                }
                Found::Same(words, sets) => self.add_part(Part { words, sets, ..given.clone() }, depth + 1),
                Found::Line(line) if line.contains(HOLE) => {
                    self.clear = false;
                    self.add(script::within(&line), depth + 1);
                }
                Found::Line(line) => self.add(script::within(&line), depth + 1),
            }
        }
    }
}

enum Found {
    /// Its words, and whether variables are set for it.
    Words(Vec<Word>, bool),
    /// The same, and it reads what is given to who runs it.
    Same(Vec<Word>, bool),
    /// For a shell to take apart.
    Line(String),
}

struct Inner {
    found: Vec<Found>,
    transparent: bool,
    clear: bool,
}

impl Inner {
    const fn nothing() -> Self {
        Self { found: Vec::new(), transparent: false, clear: true }
    }
}

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "tcsh", "csh"];

/// How what is behind a program's options is run.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// As it stands.
    Words,
    /// With more words behind it, which it reads.
    More,
    /// Joined, for a shell.
    Joined,
}

struct Runner {
    names: &'static [&'static str],
    /// Options that have a value of their own, without dashes: letters, or whole names.
    valued: &'static [&'static str],
    /// Words before the command.
    before: usize,
    how: How,
    transparent: bool,
}

const fn runner(names: &'static [&'static str], valued: &'static [&'static str], before: usize) -> Runner {
    Runner { names, valued, before, how: How::Words, transparent: false }
}

const fn only(names: &'static [&'static str], valued: &'static [&'static str], before: usize) -> Runner {
    Runner { names, valued, before, how: How::Words, transparent: true }
}

const RUNNERS: &[Runner] = &[
    only(&["nohup", "setsid", "command", "builtin", "unbuffer", "chronic"], &[], 0),
    only(&["nice", "gnice"], &["n", "adjustment"], 0),
    only(&["ionice"], &["c", "n", "p", "class", "classdata"], 0),
    only(&["time", "gtime"], &["f", "o", "format", "output"], 0),
    only(&["timeout", "gtimeout"], &["k", "s", "kill-after", "signal"], 1),
    only(&["stdbuf"], &["i", "o", "e", "input", "output", "error"], 0),
    runner(&["exec"], &["a"], 0),
    runner(
        &["sudo"],
        &[
            "u",
            "g",
            "h",
            "p",
            "C",
            "r",
            "t",
            "T",
            "U",
            "D",
            "R",
            "user",
            "group",
            "host",
            "prompt",
            "chdir",
            "chroot",
            "close-from",
            "role",
            "type",
            "command-timeout",
            "other-user",
        ],
        0,
    ),
    runner(&["doas", "pkexec", "run0"], &["u", "C", "user"], 0),
    runner(&["runuser"], &["u", "g", "G", "user"], 0),
    runner(&["busybox", "toybox"], &[], 0),
    runner(&["chroot", "taskset", "chrt", "flock", "prlimit", "cpulimit"], &["userspec", "groups", "p", "l"], 1),
    runner(&["unshare", "nsenter", "firejail", "dbus-run-session", "systemd-run", "caffeinate"], &["p", "t"], 0),
    runner(&["strace", "ltrace"], &["e", "o", "p", "s", "u", "E", "P", "a", "b", "O", "S", "I"], 0),
    runner(&["valgrind", "perf", "rlwrap", "proxychains", "torsocks", "npx", "bunx", "pnpx", "uvx"], &[], 0),
    Runner {
        names: &["xargs", "gxargs"],
        valued: &[
            "I",
            "n",
            "P",
            "d",
            "L",
            "s",
            "E",
            "a",
            "arg-file",
            "delimiter",
            "max-args",
            "max-procs",
            "max-chars",
            "replace",
            "process-slot-var",
        ],
        before: 0,
        how: How::More,
        transparent: false,
    },
    Runner {
        names: &["parallel"],
        valued: &["j", "jobs", "a", "I", "S"],
        before: 0,
        how: How::More,
        transparent: false,
    },
    Runner { names: &["watch"], valued: &["n", "interval", "q"], before: 0, how: How::Joined, transparent: false },
    Runner {
        names: &["ssh"],
        valued: &["b", "c", "D", "E", "e", "F", "I", "i", "J", "L", "l", "m", "O", "o", "p", "Q", "R", "S", "W", "w"],
        before: 1,
        how: How::Joined,
        transparent: false,
    },
];

/// What one command runs besides itself.
fn inner(part: &Part) -> Inner {
    let name = part.name();
    let words = part.words.get(1..).unwrap_or_default();
    match name.as_str() {
        shell if SHELLS.contains(&shell) => of_shell(words, part),
        "eval" => line_of(words, true),
        "env" | "genv" => of_env(words),
        "find" | "gfind" | "bfs" => of_find(words),
        "fd" | "fdfind" => of_fd(words),
        "su" | "script" | "runuser" | "flock" if words.iter().any(|word| is_option(word, "c", "command")) => {
            let at = words.iter().position(|word| is_option(word, "c", "command")).unwrap_or(0);
            line_of(words.get(at + 1..=at + 1).unwrap_or_default(), false)
        }
        // It only says where that is.
        "command" if words.first().is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V")) => Inner::nothing(),
        "trap" => {
            let at = usize::from(words.first().is_some_and(|word| word.text == "--"));
            line_of(words.get(at..=at).unwrap_or_default(), false)
        }
        // What the others mean is changed by it.
        // And what these read is run later.
        "at" | "batch" | "crontab" | "alias" | "enable" | "hash" | "source" | "." => {
            Inner { clear: false, ..Inner::nothing() }
        }
        _ => {
            RUNNERS.iter().find(|runner| runner.names.contains(&name.as_str())).map_or_else(Inner::nothing, |runner| {
                let Some(at) = skip(words, runner) else {
                    return Inner { clear: false, ..Inner::nothing() };
                };
                let (own, rest) = words.split_at(at.min(words.len()));
                let mut inner = of_runner(runner, rest, own.iter().any(|word| is_setting(&word.text)));
                // It can write what it has measured to a file.
                inner.transparent &= !name.ends_with("time") || own.is_empty();
                inner
            })
        }
    }
}

fn of_runner(runner: &Runner, rest: &[Word], sets: bool) -> Inner {
    if rest.is_empty() {
        return Inner::nothing();
    }
    let mut inner = Inner { transparent: runner.transparent, ..Inner::nothing() };
    match runner.how {
        How::Words => inner.found.push(Found::Same(rest.to_vec(), sets)),
        How::More => {
            let more = Word::plain(&HOLE.to_string());
            inner.found.push(Found::Words(rest.iter().cloned().chain([more]).collect(), sets));
        }
        How::Joined => return line_of(rest, false),
    }
    inner
}

/// Words that a shell takes apart once more.
fn line_of(words: &[Word], transparent: bool) -> Inner {
    let line: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    if line.is_empty() {
        return Inner::nothing();
    }
    Inner { found: vec![Found::Line(line.join(" "))], transparent, clear: words.iter().all(|word| !word.glob) }
}

fn of_shell(words: &[Word], part: &Part) -> Inner {
    let mut at = 0;
    // Some options have it run another file first, or tell it how to run all.
    let mut plain = true;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if !word.is_known() {
            return Inner { clear: false, ..Inner::nothing() };
        }
        if text.starts_with("--") && text.len() > 2 {
            plain &= matches!(text, "--norc" | "--noprofile" | "--posix");
            at += 1 + usize::from(matches!(text, "--rcfile" | "--init-file"));
        } else if text.starts_with(['-', '+']) && text.len() > 1 && text != "--" {
            plain &= text[1..].chars().all(|c| "celuxo".contains(c));
            if text.starts_with('-') && text.contains('c') {
                // The script is the first word that is no option.
                let script = words[at + 1..].iter().position(|word| !word.text.starts_with(['-', '+']));
                let script = script.and_then(|n| words.get(at + 1 + n..=at + 1 + n)).unwrap_or_default();
                return line_of(script, plain);
            }
            at += 1 + usize::from(text.ends_with('o') || text.ends_with('O'));
        } else {
            at += usize::from(matches!(text, "-" | "--"));
            break;
        }
    }
    let own = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
    match (&part.fed, words.get(at).filter(|word| !own.contains(&word.text.as_str()))) {
        (Some(fed), None) => Inner { found: vec![Found::Line(fed.clone())], transparent: plain, clear: true },
        // What it reads is run, and nobody has seen it.
        (None, None) if part.piped || !part.reads.is_empty() => Inner { clear: false, ..Inner::nothing() },
        _ => Inner::nothing(),
    }
}

fn of_env(words: &[Word]) -> Inner {
    let mut at = 0;
    let mut sets = false;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let split = text.strip_prefix("--split-string=").or_else(|| text.strip_prefix("-S").filter(|s| !s.is_empty()));
        if let Some(split) = split {
            let rest: Vec<&str> = words[at + 1..].iter().map(|word| word.text.as_str()).collect();
            let line = format!("{split} {}", rest.join(" "));
            return Inner { found: vec![Found::Line(line)], transparent: true, clear: !sets };
        }
        if matches!(text, "-S" | "--split-string") {
            return line_of(&words[at + 1..], true);
        }
        if matches!(text, "-u" | "--unset" | "-C" | "--chdir") {
            sets = true;
            at += 2;
        } else if text.starts_with('-') && text != "--" || text == "-" {
            sets = true;
            at += 1;
        } else if text == "--" {
            at += 1;
        } else if text.contains('=') || text.contains(HOLE) {
            sets = true;
            at += 1;
        } else {
            break;
        }
    }
    let rest = words.get(at..).unwrap_or_default();
    match rest.is_empty() {
        true => Inner::nothing(),
        false => Inner { found: vec![Found::Same(rest.to_vec(), sets)], transparent: true, clear: true },
    }
}

/// What it runs for each file, and what it does to them itself.
fn of_find(words: &[Word]) -> Inner {
    let mut inner = Inner::nothing();
    let starts: Vec<Word> = words.iter().take_while(|word| !word.text.starts_with(['-', '(', '!'])).cloned().collect();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        match word.text.as_str() {
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let rest = &words[at..];
                let end = rest.iter().position(|word| matches!(word.text.as_str(), ";" | "+")).unwrap_or(rest.len());
                let with_files = |word: &Word| match word.text.contains("{}") {
                    true => Word { text: word.text.replace("{}", &HOLE.to_string()), ..word.clone() },
                    false => word.clone(),
                };
                inner.found.push(Found::Words(rest[..end].iter().map(with_files).collect(), false));
                at += end;
            }
            "-delete" => {
                let words = ["rm", "-rf"].map(Word::plain).into_iter().chain(starts.iter().cloned());
                let files = Word::plain(&HOLE.to_string());
                inner.found.push(Found::Words(words.chain([files]).collect(), false));
            }
            _ => {}
        }
    }
    inner
}

fn of_fd(words: &[Word]) -> Inner {
    let runs = |word: &Word| matches!(word.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch");
    let Some(at) = words.iter().position(runs) else { return Inner::nothing() };
    let more = Word::plain(&HOLE.to_string());
    let rest = words[at + 1..].iter().cloned().chain([more]).collect();
    Inner { found: vec![Found::Words(rest, false)], ..Inner::nothing() }
}

fn is_option(word: &Word, letter: &str, long: &str) -> bool {
    let text = word.text.as_str();
    text.strip_prefix("--") == Some(long) || text.strip_prefix('-') == Some(letter)
}

/// Where the command begins behind a runner's own options; `None` if that cannot be told.
fn skip(words: &[Word], runner: &Runner) -> Option<usize> {
    let valued = runner.valued;
    let mut at = 0;
    let mut left = runner.before;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            at += 1;
            return Some((at + left).min(words.len()));
        }
        if let Some(name) = text.strip_prefix("--") {
            let alone = !name.contains('=') && valued.contains(&name);
            at += 1 + usize::from(alone);
        } else if text.len() > 1 && text.starts_with('-') {
            // The value of a letter is behind it in the same word, or is the next one.
            let letters = &text[1..];
            let last = letters.chars().next_back().map(String::from).unwrap_or_default();
            let first = letters.chars().next().map(String::from).unwrap_or_default();
            let apart =
                valued.contains(&last.as_str()) && (letters.len() == last.len() || !valued.contains(&first.as_str()));
            at += 1 + usize::from(apart);
        } else if text.starts_with(HOLE) {
            return None;
        } else if left > 0 {
            left -= 1;
            at += 1;
        } else if runner.how == How::Words && is_setting(text) {
            // As `sudo A=b command`.
            at += 1;
        } else {
            return Some(at);
        }
    }
    Some(words.len())
}

fn is_setting(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
#[path = "inner/tests.rs"]
mod tests;
