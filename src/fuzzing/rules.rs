//! Command lines against rules about command lines: nothing is allowed that was not judged.

use crate::domain::rule::{Act, Rule, Word, fits, offers, parts};

pub const WORDS: &[&str] = &[
    " && ",
    " || ",
    "; ",
    " | ",
    "\n",
    " & ",
    "'",
    "\"",
    "\\",
    "$(",
    "`",
    "${x}",
    ">",
    " >/dev/null",
    " 2>&1",
    "<",
    "(",
    "{a,b}",
    "*",
    "~",
    "#",
    "!",
    "=",
    "\t",
    "\r",
    "\u{a0}",
    "bash -c ",
    "bash -lc '",
    "git ",
    "cargo test",
    "ls ",
    "cd ",
    "rm -rf y",
    "env ",
    "sudo ",
    "xargs ",
    "--",
    "-c",
    "/bin/",
    "../",
    "A=1 ",
];

/// Nobody has allowed this.
const HARM: &str = "rm -rf /x";

/// The first line was allowed; the others are asked about. Lines that a rule allows are so only as long as nothing stands
/// behind or before them, and a line's parts are those of the same words in quotes.
pub fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (allowed, asked) = text.split_once('\n').unwrap_or((&text, &text));
    let act = |command: &str| Act::Command { command: command.to_owned() };
    let offered = offers(&act(allowed), "/project");
    for rule in &offered {
        assert!(fits(&act(allowed), [rule]), "{rule:?} does not allow what it was made of");
    }
    let open: Vec<&Rule> = offered.iter().filter(|rule| matches!(rule, Rule::Commands { .. })).collect();
    for line in [allowed, asked] {
        if !open.is_empty() && fits(&act(line), open.iter().copied()) {
            harmed(line, |line| fits(&act(line), open.iter().copied()));
        }
        same_in_quotes(line);
    }
}

#[track_caller]
pub(super) fn harmed(line: &str, is_allowed: impl Fn(&str) -> bool) {
    for joint in ["; ", "\n", " && ", " || ", " | ", " & ", "|&", " ;\t", "\n\n "] {
        let (after, before) = (format!("{line}{joint}{HARM}"), format!("{HARM}{joint}{line}"));
        assert!(!is_allowed(&after), "{after:?}");
        assert!(!is_allowed(&before), "{before:?}");
    }
    for harmed in [
        format!("{line} $({HARM})"),
        format!("{line} `{HARM}`"),
        format!("{line} \"$({HARM})\""),
        format!("{line} <({HARM})"),
        format!("{line} > /etc/x"),
        format!("{line} >> x"),
        format!("{line} < /etc/x"),
        format!("{line} <<x\n{HARM}\nx"),
        format!("PATH=/x {line}"),
        format!("({HARM}; {line})"),
        format!("{{ {HARM}; {line}; }}"),
        format!("function ls {{ {HARM}; }}; {line}"),
        format!("alias ls='{HARM}'\n{line}"),
        format!("{line} # \n{HARM}"),
        format!("{line} \\\n; {HARM}"),
    ] {
        assert!(!is_allowed(&harmed), "{harmed:?}");
    }
}

fn same_in_quotes(line: &str) {
    let Some(found) = parts(line) else { return };
    assert!(!found.is_empty() && found.iter().all(|part| !part.is_empty()), "{line:?}");
    // A shell with a script is that script, and a script in it is a word of it.
    if found.iter().flatten().any(|word| word.open) || matches!(found.as_slice(), [part] if part.len() == 3) {
        return;
    }
    let quoted = |word: &Word| format!("'{}'", word.text.replace('\'', r"'\''"));
    let part = |part: &Vec<Word>| part.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let line = found.iter().map(part).collect::<Vec<_>>().join(" && ");
    assert_eq!(parts(&line), Some(found), "{line:?}");
}
