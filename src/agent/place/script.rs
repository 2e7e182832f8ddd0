//! What is run elsewhere, as text for any POSIX `sh`: how a program is started there, and how everything that carries its
//! mark is ended.
//!
//! The command line, which everybody there can read in `ps`, is always the same few words; the script itself, with the
//! environment in it, comes as the first lines of the standard input. `read` takes not a byte more than its line, so
//! what follows is the program's.

use std::collections::BTreeMap;

use crate::{domain::SessionId, keeper::wire};

/// Reads the script up to [`END`], then becomes it. A script that does not come to its end is not run. There is no quote and no
/// `!` in it, so that it survives every login shell between single quotes.
pub(super) const BOOT: &str = concat!(
    r#"agor_nl=$(printf "\nx");agor_nl=${agor_nl%x};agor_p=;while IFS= read -r agor_l;"#,
    r#"do case $agor_l in :agor:) eval "$agor_p";exit;;esac;agor_p=$agor_p$agor_l$agor_nl;done;exit 120"#,
);
pub(super) const END: &str = ":agor:\n";

/// What begins a line of ours on stderr.
pub(super) const SAYS: &str = "agor: ";
pub(super) const NO_DIRECTORY: &str = "no directory";
pub(super) const NO_PROGRAM: &str = "no program";
pub(super) const LEFT: &str = "left";

/// The value of `AGOR_RUN` there. Not the one it would have here: another backend that finds it there would take the run for
/// one of its own that is over. It ends so that none is the beginning of another.
pub(super) fn mark(session: &SessionId, run: &str) -> String {
    format!("{session}/{run}/")
}

/// One word, whatever is in it.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('\n', r#"'"$agor_nl"'"#))
}

/// The same below the home directory there.
fn quote_path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", quote(rest)),
        None => quote(path),
    }
}

/// What is to be started.
pub(super) struct Start<'a> {
    /// The mark of the run before, which may still be at work, in the same files, if its connection broke.
    pub earlier: Option<&'a str>,
    pub env: &'a BTreeMap<String, String>,
    pub directory: &'a str,
    pub program: &'a str,
    /// Where else it may lie.
    pub also: &'a [String],
    pub args: &'a [String],
}

impl Start<'_> {
    pub(super) fn script(&self) -> String {
        let Self { earlier, env, directory, program, also, args } = self;
        let mut out = String::new();
        if let Some(earlier) = earlier {
            out.push_str(&sweeper());
            line(&mut out, &format!("agor_sweep {}", quote(earlier)));
        }
        for (name, value) in env.iter().filter(|(name, _)| is_name(name)) {
            line(&mut out, &format!("export {name}={}", quote(value)));
        }
        let leave = |what: &str| format!("{{ echo '{SAYS}{what}' >&2; exit 121; }}");
        line(&mut out, &format!("cd -- {} 2>/dev/null || {}", quote(directory), leave(NO_DIRECTORY)));
        line(&mut out, &format!("agor_p={}", quote_path(program)));
        if !program.contains('/') {
            line(&mut out, LOGIN_PATH);
            for path in also.iter() {
                let path = quote_path(path);
                line(&mut out, &format!("agor_has \"$agor_p\" || {{ [ -x {path} ] && agor_p={path}; }}"));
            }
        }
        line(&mut out, &format!("command -v \"$agor_p\" >/dev/null 2>&1 || {}", leave(NO_PROGRAM)));
        line(
            &mut out,
            &format!("exec \"$agor_p\"{}", args.iter().map(|arg| format!(" {}", quote(arg))).collect::<String>()),
        );
        out + END
    }
}

/// Not every name that a process may have in its environment can be said to a shell.
fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// The environment's `PATH` is mostly the system's: the user's own is what a login shell says, and for some only one that
/// believes itself interactive.
const LOGIN_PATH: &str = r#"agor_has() { command -v "$1" >/dev/null 2>&1; }
for agor_o in -lc -lic; do
agor_has "$agor_p" && break
agor_l=$("${SHELL:-/bin/sh}" $agor_o 'printf "\nagor-path:%s\n" "$PATH"' </dev/null 2>/dev/null | sed -n 's/^agor-path://p')
[ -n "$agor_l" ] && PATH=$agor_l && export PATH
done"#;

/// Ends what carries the mark, and says on stderr what is left.
pub(super) fn sweep(mark: &str) -> String {
    let mut out = sweeper();
    line(&mut out, &format!("agor_sweep {}", quote(mark)));
    line(&mut out, "exit $?");
    out + END
}

/// Somebody has to do it by hand: on Linux, as one line.
pub(super) fn by_hand(mark: &str) -> String {
    format!("grep -lsF {}={mark} /proc/[0-9]*/environ | cut -d/ -f3 | xargs kill -9", wire::RUN)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// `agor_sweep MARK`: first asks politely, then kills until none is left or three seconds are over.
///
/// Linux tells a process's environment in `/proc`; some greps read it only to the first NUL. Where there is no `/proc`,
/// `ps` may know.
fn sweeper() -> String {
    SWEEPER.replace("RUN_", wire::RUN).replace("SAYS_", SAYS)
}

const SWEEPER: &str = r#"agor_g=
env AGOR_A=1 AGOR_B=agor-canary grep -qsF agor-canary /proc/self/environ && agor_g=1
agor_holds() {
if [ "$agor_g" ]; then grep -qsF -e "RUN_=$2" "$1"
else { tr '\0' '\n' <"$1" | grep -qF -e "RUN_=$2"; } 2>/dev/null; fi
}
agor_list() {
if [ -r /proc/self/environ ]; then
if [ "$agor_g" ]; then grep -lsF -e "RUN_=$1" /proc/[0-9]*/environ
else for agor_f in /proc/[0-9]*/environ; do agor_holds "$agor_f" "$1" && echo "$agor_f"; done; fi |
sed 's|^/proc/||; s|/environ$||'
else
{ ps axEww -o pid=,command= || ps axeww -o pid=,command=; } 2>/dev/null | while read -r agor_i agor_c; do
case $agor_c in *"RUN_=$1"*) echo "$agor_i";; esac
done
fi
}
agor_sweep() {
agor_n=0
while agor_f=$(agor_list "$1"); [ "$agor_f" ]; do
case $agor_n in
0) kill -TERM $agor_f 2>/dev/null;;
[1-5]) ;;
30) echo "SAYS_left" $agor_f >&2; return 1;;
*) kill -KILL $agor_f 2>/dev/null;;
esac
agor_n=$((agor_n + 1))
sleep 0.1 2>/dev/null || sleep 1
done
return 0
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_any_shell() {
        for (word, expect) in [
            ("a", "'a'"),
            ("", "''"),
            ("a 'b' $c `d` \"e\" \\", r#"'a '\''b'\'' $c `d` "e" \'"#),
            ("two\nlines", r#"'two'"$agor_nl"'lines'"#),
        ] {
            assert_eq!(quote(word), expect);
        }
        assert_eq!(quote_path("~/.local/bin/x y"), r#""$HOME"/'.local/bin/x y'"#);
    }

    #[test]
    fn what_is_read_by_other_shells_has_nothing_that_they_read_otherwise() {
        assert!(!BOOT.contains(['\'', '!', '\n']));
        assert!(!BOOT.contains(r"\\") && !BOOT.contains(r"\'"));
    }

    #[test]
    fn only_names_that_a_shell_knows_are_exported() {
        for (name, expect) in [("A_1", true), ("1A", false), ("A.B", false), ("", false), ("A;rm", false)] {
            assert_eq!(is_name(name), expect, "{name}");
        }
    }

    #[test]
    fn no_line_of_a_script_ends_it_early() {
        let env = [("A".to_owned(), "x\n:agor:\ny".to_owned()), ("B-C".to_owned(), "no".to_owned())].into();
        let mark = mark(&SessionId::parse("s-1").expect("an id"), "1-2-3-4");
        let start = Start {
            earlier: Some(&mark),
            env: &env,
            directory: "/a b",
            program: "x",
            also: &["~/bin/x".to_owned()],
            args: &["-p".to_owned(), "it's".to_owned()],
        };
        let script = start.script();
        assert_eq!(script.matches("\n:agor:\n").count(), 1);
        assert!(script.ends_with("exec \"$agor_p\" '-p' 'it'\\''s'\n:agor:\n"));
        assert!(script.contains("agor_sweep 's-1/1-2-3-4/'\n"));
        assert!(!script.contains("B-C"));
    }
}
