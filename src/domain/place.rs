//! Where an agent runs when that is not simply here: behind a command of the user's that leads elsewhere, and under which
//! names the session's directories are known there.
//!
//! What there is to know about `ssh`, `docker` and their like stands in one table. Starts nothing, reads no disk.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What a wrapper does with the command behind it.
struct Wrapper {
    program: &'static str,
    /// It runs the command on this machine, among the same files.
    here: bool,
    /// It joins the words of the command, for a shell to part them again.
    joins: bool,
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper { program: "ssh", here: false, joins: true },
    Wrapper { program: "autossh", here: false, joins: true },
    Wrapper { program: "slogin", here: false, joins: true },
    Wrapper { program: "env", here: true, joins: false },
    Wrapper { program: "nice", here: true, joins: false },
    Wrapper { program: "ionice", here: true, joins: false },
    Wrapper { program: "chrt", here: true, joins: false },
    Wrapper { program: "taskset", here: true, joins: false },
    Wrapper { program: "nix", here: true, joins: false },
    Wrapper { program: "direnv", here: true, joins: false },
    Wrapper { program: "devenv", here: true, joins: false },
    Wrapper { program: "mise", here: true, joins: false },
    Wrapper { program: "firejail", here: true, joins: false },
    Wrapper { program: "bwrap", here: true, joins: false },
    Wrapper { program: "systemd-run", here: true, joins: false },
    Wrapper { program: "sudo", here: true, joins: false },
    Wrapper { program: "doas", here: true, joins: false },
];

/// Options of ssh that have a value, which may be the next word.
const SSH_VALUES: &str = "BbcDEeFIiJLlmOopPQRSWw";

fn program(wrap: &[String]) -> &str {
    let program = wrap.first().map(String::as_str).unwrap_or_default();
    program.rsplit('/').next().unwrap_or_default()
}

fn known(wrap: &[String]) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|wrapper| wrapper.program == program(wrap))
}

/// Whether the wrapper leads to other files, or at least to another machine's processes. What is not known does.
pub fn leads_away(wrap: &[String]) -> bool {
    !wrap.is_empty() && !known(wrap).is_some_and(|wrapper| wrapper.here)
}

/// Whether the wrapper's words go through one more shell.
pub fn joins_words(wrap: &[String]) -> bool {
    known(wrap).is_some_and(|wrapper| wrapper.joins)
}

/// Whether the wrapper understands the options of OpenSSH's client.
pub fn is_ssh(wrap: &[String]) -> bool {
    program(wrap) == "ssh"
}

/// What people call the place: `ssh host`, `docker box`; empty if it is here.
pub fn name(wrap: &[String]) -> String {
    if !leads_away(wrap) {
        return String::new();
    }
    let place = if is_ssh(wrap) { ssh_host(wrap) } else { wrap.iter().skip(1).rfind(|word| !word.starts_with('-')) };
    match place {
        Some(place) => format!("{} {place}", program(wrap)),
        None => program(wrap).to_owned(),
    }
}

fn ssh_host(wrap: &[String]) -> Option<&String> {
    let mut words = wrap.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix('-') else { return Some(word) };
        // Letters may stand together; a value follows in the same word or is the next one.
        let value = option.find(|letter| SSH_VALUES.contains(letter));
        if value.is_some_and(|at| at + 1 == option.len()) {
            words.next();
        }
    }
    None
}

/// Directories here, each with its name there: the same files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Paths(pub BTreeMap<String, String>);

impl Paths {
    /// A path of ours as it is called there. What lies in no directory of ours has the same name.
    pub fn away(&self, path: &str) -> String {
        self.mapped(path).unwrap_or_else(|| path.to_owned())
    }

    /// A path from there as it is called here.
    pub fn home(&self, path: &str) -> String {
        let pairs = self.0.iter().map(|(here, there)| (there.as_str(), here.as_str()));
        longest(pairs, path).unwrap_or_else(|| path.to_owned())
    }

    pub fn away_path(&self, path: &Path) -> PathBuf {
        path.to_str().map_or_else(|| path.to_owned(), |text| self.away(text).into())
    }

    pub fn home_path(&self, path: &Path) -> PathBuf {
        path.to_str().map_or_else(|| path.to_owned(), |text| self.home(text).into())
    }

    /// Whether somebody said that this directory of ours is there too.
    pub fn cover(&self, path: &Path) -> bool {
        path.to_str().is_some_and(|path| self.mapped(path).is_some())
    }

    fn mapped(&self, path: &str) -> Option<String> {
        longest(self.0.iter().map(|(here, there)| (here.as_str(), there.as_str())), path)
    }
}

/// The path with the longest directory that it lies in replaced by its other name.
fn longest<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, path: &str) -> Option<String> {
    let rest_below = |from: &'a str| {
        let from = from.trim_end_matches('/');
        let rest = path.strip_prefix(from)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((from.len(), &path[from.len()..]))
    };
    let found = pairs.filter_map(|(from, to)| Some((rest_below(from)?, to)));
    let ((_, rest), to) = found.max_by_key(|((length, _), _)| *length)?;
    let whole = format!("{}{rest}", to.trim_end_matches('/'));
    Some(if whole.is_empty() { "/".to_owned() } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(wrap: &str, expect: &str) {
        let wrap = words(wrap);
        assert_eq!(name(&wrap), expect);
        assert_eq!(leads_away(&wrap), !expect.is_empty());
    }

    #[test]
    fn places_have_the_name_of_their_wrapper_and_their_own() {
        check("", "");
        check("nix develop -c", "");
        check("/usr/bin/env A=1", "");
        check("ssh host", "ssh host");
        check("/usr/bin/ssh -p 22 -4A -oBatchMode=yes -J jump me@host -v", "ssh me@host");
        check("ssh -vp 22 -l me host", "ssh host");
        check("docker exec -i box", "docker box");
        check("kubectl exec -i pod --", "kubectl pod");
        check("my-box", "my-box");
        assert!(joins_words(&words("ssh host")) && !joins_words(&words("docker exec -i box")));
    }

    #[test]
    fn the_longest_directory_counts_and_only_whole_names_do() {
        let pairs = [("/home/me/p", "/work"), ("/home/me/p/sub/", "/sub"), ("/", "/host"), ("/mnt", "/")];
        let paths = Paths(pairs.map(|(here, there)| (here.to_owned(), there.to_owned())).into());
        for (here, there) in [
            ("/home/me/p", "/work"),
            ("/home/me/p/a b/ü", "/work/a b/ü"),
            ("/home/me/p/sub/x", "/sub/x"),
            ("/home/me/p/subway", "/work/subway"),
            ("/home/me/pp", "/host/home/me/pp"),
            ("/", "/host/"),
        ] {
            assert_eq!(paths.away(here), there);
            assert_eq!(paths.home(there), here);
        }
        assert_eq!(paths.away("src/main.rs"), "src/main.rs", "relative to the session's directory in both places");
        assert_eq!((paths.away("/mnt"), paths.home("/etc")), ("/".into(), "/mnt/etc".into()));
        assert!(!Paths::default().cover(Path::new("/home")) && paths.cover(Path::new("/home")));
        assert_eq!(Paths::default().home("/a"), "/a");
    }

    #[test]
    fn the_editor_knows_the_same_wrappers() {
        let lua = include_str!("../../lua/agor/place.lua");
        let list = |name: &str, open: char, close: char| -> Vec<String> {
            let (_, rest) = lua.split_once(&format!("local {name} = {open}")).expect("a list");
            let (list, _) = rest.split_once(close).expect("its end");
            let entries = list.split(',').filter_map(|entry| entry.trim().strip_suffix(" = true"));
            entries.map(|entry| entry.trim_matches(['[', ']', '\'']).to_owned()).collect()
        };
        let ours = |which: fn(&Wrapper) -> bool| -> Vec<String> {
            WRAPPERS.iter().filter(|wrapper| which(wrapper)).map(|wrapper| wrapper.program.to_owned()).collect()
        };
        assert_eq!(list("here", '{', '}'), ours(|wrapper| wrapper.here));
        assert_eq!(list("joins", '{', '}'), ours(|wrapper| wrapper.joins));
    }
}
