//! A rule of commands against one command: its words, with `*` for any piece of one and, at the end, for any more words.

use std::collections::HashMap;

use super::{
    glob::{self, Reading},
    script::{HOLE, Part, Word, name},
};

/// Where programs are that may be called by their whole path.
pub(in crate::domain) const FOLDERS: &[&str] =
    &["/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/", "/sbin/", "/usr/sbin/"];

/// What a letter is in words, for the few options that make a command one that one forbids.
const LETTERS: &[(char, &str)] = &[
    ('r', "recursive"),
    ('R', "recursive"),
    ('f', "force"),
    ('n', "dry-run"),
    ('d', "delete"),
    ('D', "delete"),
    ('a', "all"),
];

/// Words of a command that are looked at.
const LONGEST: usize = 512;
/// Words of which one may begin what a command runs.
const BEHIND: usize = 48;

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hit {
    No,
    /// What is not known yet may make it so.
    Maybe,
    Yes,
}

/// As a user writes it; any text is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRule {
    words: Vec<String>,
    /// More words may follow.
    open: bool,
}

impl CommandRule {
    pub fn new(text: &str) -> Self {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let open = words.len() > 1 && words.last().is_some_and(|word| word == "*") || words == ["*"];
        if open {
            words.pop();
        }
        Self { words, open }
    }

    /// For what allows: word by word, from the first, and nothing in front of it.
    pub fn allows(&self, part: &Part) -> bool {
        let Some(program) = part.program().filter(|word| word.is_known() && !word.home) else {
            return false;
        };
        let enough =
            if self.open { part.words.len() >= self.words.len() } else { part.words.len() == self.words.len() };
        let bare = FOLDERS.iter().find_map(|folder| program.text.strip_prefix(folder)).unwrap_or(&program.text);
        let fits = |want: &str, word: &Word| word.is_known() && glob::fits(want, &word.text, Reading::Narrow);
        let rest = self.words.iter().zip(&part.words).skip(1).all(|(want, word)| fits(want, word));
        let named = |want: &String| match want.contains('/') {
            true => glob::fits(want, &program.text, Reading::Narrow),
            // A star is for names, and a program somewhere else has only the same name.
            false => !bare.contains('/') && glob::fits(want, bare, Reading::Narrow),
        };
        enough && rest && self.words.first().map_or(self.open, named)
    }

    /// For what asks or refuses: wherever the program lies, with options in between and in any order, and with more words
    /// behind it.
    pub fn hits(&self, part: &Part) -> Hit {
        let Some(program) = part.words.first() else { return Hit::No };
        let Some(want) = self.words.first() else { return Hit::Yes };
        let words = &part.words[1..];
        if !program.is_known() {
            // What it becomes may have words of its own, which nobody knows either.
            return if may_be(want, program) { Hit::Maybe } else { Hit::No };
        }
        // In zsh a sign in front of a name stands for where that program lies.
        let bare = program.text.trim_start_matches('=');
        let named = glob::fits(&name(want), &name(bare), Reading::Wide) || glob::fits(want, bare, Reading::Wide);
        if !named {
            return Hit::No;
        }
        let seen = &words[..words.len().min(LONGEST)];
        let hit = Walk { wanted: &self.words[1..], words: seen, known: HashMap::new() }.from(0, 0);
        // Nobody reads a command that long to its end.
        if seen.len() < words.len() { hit.max(Hit::Maybe) } else { hit }
    }

    /// Whether these words stand one after the other in a text that nobody understands.
    pub fn stands_in(&self, text: &str) -> bool {
        let apart = |c: char| c.is_whitespace() || ";&|()<>`'\"$\\{}=!,:[]".contains(c);
        let text: Vec<&str> = text.split(apart).filter(|word| !word.is_empty()).collect();
        let same = |(at, (want, word)): (usize, (&String, &&str))| match at {
            0 => glob::fits(&name(want), &name(word), Reading::Wide),
            _ => glob::fits(want, word, Reading::Wide),
        };
        let count = self.words.len().max(1);
        text.windows(count).any(|words| self.words.iter().zip(words).enumerate().all(same))
    }

    /// Whether it stands in what another program is given to read: a script of another language, a setting that is run.
    pub fn stands_within(&self, part: &Part) -> bool {
        let apart = |text: &str| text.contains(|c: char| c.is_whitespace() || "'\"=!|;`($".contains(c));
        let words = part.words.iter().skip(1).flat_map(|word| {
            let text = word.text.as_str();
            // A letter's value may stand behind it in the same word.
            let value = text.strip_prefix('-').and_then(|rest| rest.char_indices().nth(1).map(|(at, _)| &rest[at..]));
            [Some(text).filter(|text| apart(text)), value.filter(|value| !value.starts_with('-'))]
        });
        let words = words.flatten();
        let given = part
            .fed
            .as_deref()
            .into_iter()
            .chain(part.sets.then_some(&part.reads).into_iter().flatten().map(|value| value.text.as_str()));
        !self.words.is_empty() && words.chain(given).any(|text| self.stands_in(text))
    }

    /// Whether it stands behind the program of a command that may run it.
    pub fn stands_behind(&self, part: &Part) -> bool {
        let Some(want) = self.words.first() else { return false };
        let (words, rest) = part.words.split_at(part.words.len().min(BEHIND));
        let behind = |at| Part { words: words[at..].to_vec(), ..Part::default() };
        // So far behind its name alone is enough.
        let named = |word: &Word| match word.is_known() {
            true => glob::fits(&name(want), &name(&word.text), Reading::Wide),
            false => may_be(want, word),
        };
        (1..words.len()).any(|at| self.hits(&behind(at)) > Hit::No) || rest.iter().any(named)
    }
}

/// A rule's words behind the program against those of a command.
struct Walk<'a> {
    wanted: &'a [String],
    words: &'a [Word],
    /// What was found from where: words can be passed over in many ways.
    known: HashMap<(usize, usize), Hit>,
}

impl Walk<'_> {
    fn from(&mut self, want: usize, at: usize) -> Hit {
        if let Some(hit) = self.known.get(&(want, at)) {
            return *hit;
        }
        let hit = self.look(want, at);
        self.known.insert((want, at), hit);
        hit
    }

    fn look(&mut self, want: usize, at: usize) -> Hit {
        let Some(wanted) = self.wanted.get(want) else { return Hit::Yes };
        if wanted.len() > 1 && wanted.starts_with('-') && !glob::has_signs(wanted) {
            let hit = given(wanted, self.words);
            return hit.min(self.from(want + 1, at));
        }
        let Some(word) = self.words.get(at) else { return Hit::No };
        let option = word.text.starts_with('-');
        if !option && !word.is_known() {
            // It may be that, or nothing, or several.
            return Hit::Maybe;
        }
        let here = match glob::fits(wanted, &word.text, Reading::Wide) {
            true => self.from(want + 1, at + 1),
            false => Hit::No,
        };
        here.max(match option {
            // It may have a value behind it.
            true => self.from(want, at + 1).max(self.from(want, (at + 2).min(self.words.len()))),
            // Files may stand in any order.
            false if wanted.starts_with(['/', '~', '.']) => self.from(want, at + 1),
            false => Hit::No,
        })
    }
}

/// Whether a program that is not known before it runs may be the one that is meant.
fn may_be(want: &str, program: &Word) -> bool {
    // A shell makes several words of braces, and nobody has done so here.
    if program.text.contains(HOLE) && program.text.contains(['{', '}', ',']) {
        return true;
    }
    let pattern = program.text.replace(HOLE, "*");
    let pattern = pattern.trim_start_matches('=');
    // It may as well become a path, or be the beginning of one.
    glob::fits(&name(pattern), &name(want), Reading::Wide)
        || glob::fits(pattern, want, Reading::Wide)
        || name(pattern).ends_with('*') && pattern.starts_with(['*', '/'])
}

/// Whether an option is there, whatever stands around it.
fn given(want: &str, words: &[Word]) -> Hit {
    let unknown = words.iter().any(|word| !word.is_known());
    let found = match want.strip_prefix("--") {
        Some(long) => {
            let short = |text: &str| LETTERS.iter().any(|(letter, known)| *known == long && has_letter(text, *letter));
            let pushes = words.iter().any(|word| word.text == "push");
            // What git pushes with a plus in front it pushes by force.
            let by_force = |text: &str| pushes && long == "force" && text.starts_with('+');
            words.iter().any(|word| has_long(word, long) || short(&word.text) || by_force(&word.text))
        }
        // Letters that stand together may stand apart.
        None => {
            want.chars().skip(1).all(|letter| {
                words.iter().any(|word| {
                    let text = word.text.as_str();
                    has_letter(text, letter)
                        || LETTERS.iter().any(|(known, long)| *known == letter && has_long(word, long))
                })
            }) || words.iter().any(|word| word.text == want)
        }
    };
    match (found, unknown) {
        (true, _) => Hit::Yes,
        (false, true) => Hit::Maybe,
        (false, false) => Hit::No,
    }
}

/// Of several behind one dash.
fn has_letter(text: &str, letter: char) -> bool {
    let letters = text.starts_with('-') && !text.starts_with("--");
    letters && (text.contains(letter) || matches!(letter, 'r' | 'R') && text.contains(['r', 'R']))
}

/// Long options may be cut short.
fn has_long(word: &Word, long: &str) -> bool {
    let Some(name) = word.text.strip_prefix("--") else { return false };
    let name = name.split('=').next().unwrap_or(name);
    !name.is_empty() && (name == long || name.len() > 2 && long.starts_with(name))
}

#[cfg(test)]
#[path = "command/tests.rs"]
mod tests;
