//! A rule of paths: where its pattern begins, and which paths it is about.

use super::glob::{self, Reading};

/// What relative and `~` patterns are relative to, and where paths lead.
pub struct Surroundings<'a> {
    /// Absolute: the project, and the worktree that the session works in if that is another. Each as it is called and, if
    /// that is another, with all links followed.
    pub roots: Vec<String>,
    pub home: Option<String>,
    /// Where commands run.
    pub cwd: String,
    /// A path with all links followed, also if it is not there yet; `None` where nobody knows.
    pub real: &'a dyn Fn(&str) -> Option<String>,
}

/// A rule's pattern as absolute ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    patterns: Vec<String>,
    /// How many of them allow: those of the first place that it is relative to.
    narrow: usize,
}

impl PathRule {
    pub fn new(text: &str, around: &Surroundings<'_>) -> Self {
        let mut rule = Self { patterns: Vec::new(), narrow: 0 };
        let (first, others) = around.roots.split_at(around.roots.len().min(1));
        rule.add(text, first, around);
        rule.narrow = rule.patterns.len();
        rule.add(text, others, around);
        rule
    }

    fn add(&mut self, text: &str, roots: &[String], around: &Surroundings<'_>) {
        let from = self.patterns.len();
        let mut add = |pattern: String| {
            if !self.patterns.contains(&pattern) {
                self.patterns.push(pattern);
            }
        };
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.starts_with('/') {
            add(text.to_owned());
        } else if let Some(below) = text.strip_prefix("~/").or((text == "~").then_some("")) {
            // On another machine nobody knows where that is.
            add(around.home.as_ref().map_or_else(|| format!("/**/{below}"), |home| format!("{home}/{below}")));
        } else if text.trim_end_matches('/').contains('/') || text == "**" {
            roots.iter().for_each(|root| add(format!("{root}/{text}")));
        } else {
            // A name is one at any depth.
            roots.iter().for_each(|root| add(format!("{root}/**/{text}")));
        }
        // The same place under its other name.
        let called: Vec<String> = self.patterns[from..].to_vec();
        for pattern in &called {
            let plain = literal(pattern);
            if let Some(real) = (around.real)(plain).filter(|real| real != plain) {
                let pattern = format!("{real}{}", &pattern[plain.len()..]);
                if !self.patterns.contains(&pattern) {
                    self.patterns.push(pattern);
                }
            }
        }
    }

    /// For what allows: this very file, all links followed.
    pub fn allows(&self, path: &str) -> bool {
        self.patterns[..self.narrow].iter().any(|pattern| glob::fits_path(pattern, path, Reading::Narrow))
    }

    /// For what asks or refuses: this file, or one below it.
    pub fn holds(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| {
            glob::fits_path(pattern, path, Reading::Wide)
                || glob::fits_path(&format!("{}/**", pattern.trim_end_matches('/')), path, Reading::Wide)
        })
    }

    /// Whether what it is about is below this directory, as far as the pattern says where it is.
    pub fn is_below(&self, directory: &str) -> bool {
        let directory = directory.trim_end_matches('/');
        self.patterns.iter().any(|pattern| {
            let place = literal(pattern).to_lowercase();
            place.strip_prefix(&directory.to_lowercase()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Whether what this word of a shell's becomes may be one of them.
    pub fn may_hold(&self, glob: &str) -> bool {
        self.patterns.iter().any(|pattern| may_be_same(pattern, glob))
    }
}

/// What of a pattern stands in front of the first name with a sign in it.
fn literal(pattern: &str) -> &str {
    let signed = pattern.split_inclusive('/').scan(0, |at, name| {
        let from = *at;
        *at += name.len();
        Some((from, name))
    });
    let end = signed.into_iter().find(|(_, name)| glob::has_signs(name)).map_or(pattern.len(), |(from, _)| from);
    pattern[..end].trim_end_matches('/')
}

/// Name by name, where both have signs: one of the two fits the other, or nobody can tell.
fn may_be_same(pattern: &str, glob: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').filter(|name| !name.is_empty()).collect();
    let glob: Vec<&str> = glob.split('/').filter(|name| !name.is_empty()).collect();
    // Hidden names are not what a star finds.
    let name = |want: &str, word: &str| match (glob::has_signs(want), glob::has_signs(word)) {
        _ if want.starts_with('.') && word.starts_with(['*', '?']) => false,
        (false, _) => glob::fits(word, want, Reading::Wide),
        (true, false) => glob::fits(want, word, Reading::Wide),
        (true, true) => true,
    };
    let mut reached = vec![false; glob.len() + 1];
    reached[0] = true;
    for want in pattern {
        let mut next = vec![false; glob.len() + 1];
        if want == "**" {
            let mut open = false;
            for at in 0..=glob.len() {
                open |= reached[at];
                next[at] = open;
            }
        } else {
            for at in 0..glob.len() {
                next[at + 1] = reached[at] && name(want, glob[at]);
            }
        }
        reached = next;
    }
    reached[glob.len()]
}

/// An absolute path without `.` and `..`, by its letters alone.
pub fn plain(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings<'static> {
        Surroundings {
            roots: vec!["/p".into(), "/w".into()],
            home: Some("/home/me".into()),
            cwd: "/p".into(),
            real: &|path| Some(path.replace("/link", "/data/real")),
        }
    }

    #[track_caller]
    fn check(rule: &str, path: &str, allows: bool, holds: bool) {
        let rule = PathRule::new(rule, &around());
        assert_eq!((rule.allows(path), rule.holds(path)), (allows, holds), "{rule:?} {path}");
    }

    #[test]
    fn a_pattern_begins_where_it_says() {
        check("src/**", "/p/src/a.rs", true, true);
        // What allows is the session's own place alone.
        check("./src/**", "/w/src/a.rs", false, true);
        check("src/**", "/q/src/a.rs", false, false);
        check("src", "/p/a/src", true, true);
        check("*.pem", "/p/a/b/x.pem", true, true);
        check("/etc/**", "/etc/passwd", true, true);
        check("~/.ssh/**", "/home/me/.ssh/id", true, true);
        check("~", "/home/me", true, true);
        check("**", "/p/a/b", true, true);
        check("**", "/etc/a", false, false);
    }

    #[test]
    fn where_the_home_is_not_known_it_may_be_anywhere() {
        let away = Surroundings { home: None, ..around() };
        let rule = PathRule::new("~/.ssh/**", &away);
        assert!(rule.holds("/home/x/.ssh/id") && rule.holds("/~/.ssh/id") && !rule.holds("/home/x/ssh"));
    }

    #[test]
    fn what_refuses_holds_below_and_in_any_letters() {
        check("secret", "/p/a/secret/b/c", false, true);
        check("/p/Secret/x", "/p/secret/X", false, true);
        check(".env", "/p/.ENV", false, true);
        check("secret/**", "/p/secret", true, true);
        check("secret/**", "/p/secrets", false, false);
        check("**", "/p/.git/config", false, true);
    }

    #[test]
    fn a_place_has_all_its_names() {
        check("/link/x/**", "/data/real/x/a", true, true);
        check("/link/x/**", "/link/x/a", true, true);
    }

    #[test]
    fn a_directory_above_has_it_in_it() {
        let below = |rule: &str, directory: &str| PathRule::new(rule, &around()).is_below(directory);
        assert!(below("src/secret/**", "/p/src") && below("src/secret/**", "/p") && below("src/secret/**", "/"));
        assert!(below(".env", "/p") && !below(".env", "/p/src"), "it may be anywhere below");
        assert!(!below("src/secret/**", "/p/sr") && !below("src/secret/**", "/q"));
    }

    #[test]
    fn what_a_glob_finds_may_be_one() {
        let may = |rule: &str, glob: &str| PathRule::new(rule, &around()).may_hold(glob);
        assert!(may("src/secret.key", "/p/src/*.key") && may("*.key", "/p/a/*"), "a star may find it");
        assert!(may(".env", "/p/.e*") && !may(".env", "/p/*"), "it finds nothing hidden");
        assert!(!may("src/secret.key", "/p/lib/*.key") && !may("src/secret.key", "/p/src/*.rs"));
    }

    #[test]
    fn a_path_is_plain_without_the_disk() {
        assert_eq!(plain("/a/./b/../c//d/"), "/a/c/d");
        assert_eq!(plain("/../.."), "/");
    }
}
