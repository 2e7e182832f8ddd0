//! Patterns of names: `*` and `?` and `[…]` within one, `**` for any folders. Every text is a pattern; what is no sign in it
//! stands for itself.

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// For what allows: letters as they are written, and a name that begins with a dot only where the pattern has the dot.
    Narrow,
    /// For what asks or refuses: in small letters and capitals, and with hidden names.
    Wide,
}

/// One name, or one word.
pub fn fits(pattern: &str, text: &str, reading: Reading) -> bool {
    let fold = |text: &str| -> Vec<char> {
        match reading {
            Reading::Narrow => text.chars().collect(),
            Reading::Wide => text.chars().flat_map(char::to_lowercase).collect(),
        }
    };
    let (pattern, text) = (fold(pattern), fold(text));
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match class(&pattern, p, text[t]) {
                Some((true, after)) => Some(after),
                Some((false, _)) => None,
                None => (text[t] == '[').then_some(p + 1),
            },
            Some(c) => (*c == text[t]).then_some(p + 1),
            None => None,
        };
        match (step, star) {
            (Some(after), _) => (p, t) = (after, t + 1),
            (None, Some((at, reached))) => {
                star = Some((at, reached + 1));
                (p, t) = (at + 1, reached + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether the character is of the class that begins here, and what is behind it; `None` if there is none.
fn class(pattern: &[char], from: usize, c: char) -> Option<(bool, usize)> {
    let mut at = from + 1;
    let not = matches!(pattern.get(at), Some('!' | '^'));
    at += usize::from(not);
    let first = at;
    let mut found = false;
    loop {
        match *pattern.get(at)? {
            ']' if at > first => return Some((found != not, at + 1)),
            low => {
                let range = pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|c| *c != ']');
                let high = if range { *pattern.get(at + 2)? } else { low };
                found |= (low..=high).contains(&c);
                at += if range { 3 } else { 1 };
            }
        }
    }
}

pub fn has_signs(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// A whole path against a whole pattern, both absolute.
pub fn fits_path(pattern: &str, path: &str, reading: Reading) -> bool {
    let pattern: Vec<&str> = names(pattern).collect();
    let path: Vec<&str> = names(path).collect();
    // What of the path is taken when so much of the pattern is.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for name in pattern {
        let mut next = vec![false; path.len() + 1];
        if name == "**" {
            let mut open = false;
            for at in 0..=path.len() {
                open |= reached[at];
                next[at] = open;
                open &= path.get(at).is_none_or(|name| reading == Reading::Wide || !name.starts_with('.'));
            }
        } else {
            for at in 0..path.len() {
                next[at + 1] = reached[at] && fits_name(name, path[at], reading);
            }
        }
        reached = next;
    }
    reached[path.len()]
}

fn fits_name(pattern: &str, name: &str, reading: Reading) -> bool {
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    !(hidden && reading == Reading::Narrow) && fits(pattern, name, reading)
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Reading::*, *};

    #[test]
    fn a_pattern_fits_a_whole_name() {
        for (pattern, text, expect) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*.rs", "a.rs", true),
            ("*.rs", ".rs", true),
            ("*.rs", "a.rsx", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXc", false),
            ("?x", "äx", true),
            ("?x", "x", false),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[a-f]x", "ex", true),
            ("[a-]x", "-x", true),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            ("[x", "x", false),
            ("\\*", "\\a", true),
        ] {
            assert_eq!(fits(pattern, text, Narrow), expect, "{pattern} {text}");
        }
        assert!(fits("Secret*", "SECRET.Key", Wide) && !fits("Secret*", "secret", Narrow));
    }

    #[test]
    fn two_stars_are_any_folders() {
        for (pattern, path, expect) in [
            ("/p/**", "/p/a/b", true),
            ("/p/**", "/p", true),
            ("/p/**", "/px/a", false),
            ("/p/**/a", "/p/a", true),
            ("/p/**/a", "/p/x/y/a", true),
            ("/p/**/a", "/p/x/ya", false),
            ("/p/*", "/p/a/b", false),
            ("/p/*/b", "/p/a/b", true),
            ("/**/x/**", "/a/x/b", true),
            ("/p/a", "/p//a/", true),
        ] {
            for reading in [Narrow, Wide] {
                assert_eq!(fits_path(pattern, path, reading), expect, "{pattern} {path}");
            }
        }
    }

    #[test]
    fn what_is_hidden_is_allowed_only_where_it_is_named() {
        for (pattern, path, narrow) in [
            ("/p/**", "/p/.git/hooks/x", false),
            ("/p/**", "/p/a/.env", false),
            ("/p/*", "/p/.env", false),
            ("/p/?env", "/p/.env", false),
            ("/p/.*", "/p/.env", true),
            ("/p/.github/**", "/p/.github/x", true),
            ("/p/.github/**", "/p/.github/.x", false),
        ] {
            assert_eq!(fits_path(pattern, path, Narrow), narrow, "{pattern} {path}");
            assert!(fits_path(pattern, path, Wide), "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_against_a_long_path_take_no_time() {
        let path = "/a".repeat(4000);
        assert!(!fits_path(&format!("/{}b", "**/".repeat(40)), &path, Wide));
        assert!(!fits(&"*a".repeat(40), &format!("{}b", "a".repeat(2000)), Wide));
    }
}
