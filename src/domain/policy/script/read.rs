//! The reading of a command line, character by character. Quotes, expansions and redirections as POSIX shells and bash
//! have them; what only zsh or fish would make of it is not told apart.

use super::{HOLE, Part, Script, Word};

/// Substitutions within each other; what is deeper is passed over.
const DEEPEST: usize = 24;

/// Characters of a choice in braces that are looked at.
const LONGEST_CHOICE: usize = 512;

/// Words that are not commands where a command could stand; behind these one follows.
const BEFORE: &[&str] = &["!", "{", "coproc", "do", "elif", "else", "if", "then", "time", "until", "while"];
/// Nothing follows these but a joint.
const ENDS: &[&str] = &["}", "done", "esac", "fi"];
/// What stands behind these is data.
const HEADS: &[&str] = &["case", "for", "function", "select", "[["];

pub fn script(line: &str, depth: usize) -> Script {
    let mut reader = Reader::new(line, depth);
    reader.list(false);
    Script { clear: reader.clear && !reader.parts.is_empty(), parts: reader.parts }
}

pub(super) struct Reader {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) parts: Vec<Part>,
    pub(super) clear: bool,
    /// Texts that follow after the line, with the parts that read them.
    awaited: Vec<(Here, usize)>,
}

struct Here {
    end: String,
    /// What is in it is taken as it stands.
    quoted: bool,
    /// Without the tabs in front.
    tabs: bool,
}

/// What is read of one command so far.
#[derive(Default)]
struct Open {
    part: Part,
    here: Vec<Here>,
    /// For each word, whether it stands without quotes.
    bare: Vec<bool>,
}

impl Reader {
    pub(super) fn new(text: &str, depth: usize) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            depth,
            parts: Vec::new(),
            clear: depth < DEEPEST,
            awaited: Vec::new(),
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn takes(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    pub(super) fn unclear(&mut self) {
        self.clear = false;
    }

    /// Commands up to the end, or to the parenthesis that closes them.
    pub(super) fn list(&mut self, in_parentheses: bool) {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.unclear();
            self.at = self.chars.len();
        }
        let mut open = Open::default();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' => self.at += 1,
                '\\' if self.ahead(1) == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.end(&mut open);
                    self.here_texts();
                }
                ';' => {
                    self.at += 1;
                    self.end(&mut open);
                }
                '&' if self.ahead(1) == Some('>') => self.redirect(&mut open),
                '&' => {
                    self.at += 1;
                    self.takes('&');
                    self.end(&mut open);
                }
                '|' => {
                    self.at += 1;
                    let both = self.takes('|');
                    self.takes('&');
                    self.end(&mut open);
                    open.part.piped = !both;
                }
                ')' => {
                    self.at += 1;
                    self.end(&mut open);
                    if in_parentheses {
                        self.depth -= 1;
                        return;
                    }
                    // The pattern of a `case`.
                    self.unclear();
                }
                '(' => {
                    // Behind a word it is a function, a list of values or a pattern.
                    if !open.part.words.is_empty() {
                        self.unclear();
                    }
                    self.at += 1;
                    self.end(&mut open);
                    self.list(true);
                }
                '#' => {
                    self.unclear();
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '<' | '>' => self.redirect(&mut open),
                _ => self.take_word(&mut open),
            }
        }
        self.end(&mut open);
        self.here_texts();
        if in_parentheses {
            self.unclear();
        }
        self.depth -= 1;
    }

    fn take_word(&mut self, open: &mut Open) {
        let (word, bare) = self.word();
        let descriptor = bare && !word.text.is_empty() && word.text.chars().all(|c| c.is_ascii_digit());
        if descriptor && matches!(self.peek(), Some('<' | '>')) {
            return;
        }
        open.part.words.push(word);
        open.bare.push(bare);
    }

    /// The command is complete: what is not its own is taken off.
    fn end(&mut self, open: &mut Open) {
        let Open { mut part, here, mut bare } = std::mem::take(open);
        while let Some(word) = part.words.first() {
            let is_bare = bare.first() == Some(&true);
            let text = word.text.as_str();
            if is_bare && (BEFORE.contains(&text) || ENDS.contains(&text)) {
                self.clear &= text == "time";
            } else if is_bare && HEADS.contains(&text) {
                self.unclear();
                break;
            } else if let Some(value) = assigned(word) {
                part.sets = true;
                part.reads.push(value);
            } else {
                break;
            }
            part.words.remove(0);
            bare.remove(0);
        }
        if part.words.is_empty() && part.writes.is_empty() && part.reads.is_empty() && here.is_empty() {
            return;
        }
        let index = self.parts.len();
        self.awaited.extend(here.into_iter().map(|here| (here, index)));
        self.parts.push(part);
    }

    /// The texts that commands of the line are given to read.
    fn here_texts(&mut self) {
        for (here, part) in std::mem::take(&mut self.awaited) {
            let mut body = String::new();
            let mut ended = false;
            while self.at < self.chars.len() && !ended {
                let to =
                    self.chars[self.at..].iter().position(|c| *c == '\n').map_or(self.chars.len(), |n| self.at + n);
                let line: String = self.chars[self.at..to].iter().collect();
                self.at = (to + 1).min(self.chars.len());
                ended = if here.tabs { line.trim_start_matches('\t') == here.end } else { line == here.end };
                if !ended {
                    body.push_str(&line);
                    body.push('\n');
                }
            }
            self.clear &= ended;
            if !here.quoted {
                self.inside(&body);
            }
            if let Some(part) = self.parts.get_mut(part) {
                part.fed = Some(body);
            }
        }
    }

    fn redirect(&mut self, open: &mut Open) {
        self.takes('&');
        let input = self.peek() == Some('<');
        self.at += 1;
        if self.peek() == Some('(') {
            // What another command says, as a file.
            self.at += 1;
            self.list(true);
            open.part.words.push(Word::plain(&HOLE.to_string()));
            open.bare.push(false);
            return;
        }
        if input && self.takes('<') {
            if self.takes('<') {
                let (word, _) = self.spaced_word();
                open.part.fed = Some(word.text);
                return;
            }
            let tabs = self.takes('-');
            let (word, bare) = self.spaced_word();
            open.here.push(Here { end: word.text, quoted: !bare, tabs });
            return;
        }
        let both = input && self.takes('>');
        if !input && !self.takes('>') {
            self.takes('|');
        }
        let to_descriptor = self.takes('&');
        let (word, _) = self.spaced_word();
        let number = word.text.trim_end_matches('-');
        if to_descriptor && number.chars().all(|c| c.is_ascii_digit()) {
            return;
        }
        if word.text.is_empty() {
            return self.unclear();
        }
        match input && !both {
            true => open.part.reads.push(word),
            false if word.text == "/dev/null" => {}
            false => open.part.writes.push(word),
        }
    }

    fn spaced_word(&mut self) -> (Word, bool) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        self.word()
    }

    /// Up to what ends one; the second value is whether nothing of it was quoted.
    fn word(&mut self) -> (Word, bool) {
        let mut word = Word::default();
        let mut bare = true;
        let from = self.at;
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.at += 1;
                    bare = false;
                    self.until('\'', |c| word.text.push(c));
                }
                '"' => {
                    self.at += 1;
                    bare = false;
                    self.quoted(&mut word);
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') => {}
                        Some(c) => {
                            bare = false;
                            word.text.push(c);
                        }
                        None => self.unclear(),
                    }
                }
                '$' => {
                    self.at += 1;
                    self.dollar(&mut word, from, false);
                }
                '`' => {
                    self.at += 1;
                    self.backticks();
                    word.text.push(HOLE);
                }
                '*' | '?' | '[' => {
                    self.at += 1;
                    word.glob = true;
                    word.text.push(c);
                }
                '{' if self.is_choice() => {
                    self.at += 1;
                    word.text.push(HOLE);
                }
                '~' if self.at == from => {
                    self.at += 1;
                    word.home = matches!(self.peek(), None | Some('/' | ' ' | '\t' | '\n' | ';' | '&' | '|' | ')'));
                    word.text.push(if word.home { c } else { HOLE });
                }
                c => {
                    self.at += 1;
                    // What cannot be seen may be taken for something else.
                    self.clear &= !c.is_control() || c == HOLE;
                    word.text.push(c);
                }
            }
        }
        (word, bare)
    }

    /// Whether the brace is one of which the shell makes several words.
    fn is_choice(&self) -> bool {
        let rest = self.chars[self.at..].iter();
        let inner = rest.skip(1).take(LONGEST_CHOICE).take_while(|c| !matches!(c, '}' | ' ' | '\t' | '\n' | ';'));
        let inner: String = inner.collect();
        // Nobody writes that many by hand, and looking for the end of each would never end.
        inner.contains(',') || inner.contains("..") || inner.len() >= LONGEST_CHOICE
    }
}

/// The value of a variable that is set in front of a command.
fn assigned(word: &Word) -> Option<Word> {
    let (name, value) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split('[').next().unwrap_or(name);
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| Word {
        text: value.to_owned(),
        glob: super::super::glob::has_signs(value),
        home: value.starts_with('~'),
    })
}
