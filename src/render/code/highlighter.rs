//! The words of code, line after line. The costly part of all that is shown: about a megabyte a second.
//!
//! Pure: how long a line took is measured by whoever asks, and told by [`Highlighter::give_up`].

use std::{collections::HashSet, ops::Range};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::{
    MOST_LINE,
    groups::{Group, Groups},
    language::{self, Language},
};

/// All languages, with what is compiled of them so far: a few megabytes, more with each language.
pub struct Syntaxes {
    set: SyntaxSet,
    groups: Groups,
    /// Languages that something was read of.
    used: HashSet<Scope>,
}

/// What tells the language of a piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The words after a fence.
    Info(String),
    /// The file that it is in.
    Path(String),
}

/// Where a line of a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Both,
    Old,
    New,
}

/// Bytes of a line, in one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u16,
    pub end: u16,
    pub group: Group,
}

/// One piece of code, read up to some line.
#[derive(Clone)]
pub struct Highlighter {
    start: ParseState,
    language: Scope,
    /// Of the new side, and of code that has no sides.
    new: State,
    /// Where the old side stands elsewhere.
    old: Option<State>,
    given_up: bool,
    session: Option<Session>,
}

#[derive(Clone, PartialEq)]
struct State {
    parse: ParseState,
    stack: ScopeStack,
}

/// In a terminal's session only the commands are code.
#[derive(Clone, Default)]
struct Session {
    /// The line before was a command that goes on.
    goes_on: bool,
}

/// What stands before a command.
const PROMPTS: &[&str] = &["$ ", "% ", "❯ ", "➜ "];

impl Syntaxes {
    /// Takes milliseconds.
    pub fn load() -> Self {
        Self { set: two_face::syntax::extra_newlines(), groups: Groups::new(), used: HashSet::new() }
    }

    /// How many languages have been read: what is compiled of each stays in memory, a megabyte and more.
    pub fn languages(&self) -> usize {
        self.used.len()
    }

    fn language(&self, source: &Source, first_line: &str) -> Option<Language<'_>> {
        match source {
            Source::Info(info) => language::by_info(&self.set, info),
            Source::Path(path) => {
                language::by_path(&self.set, path).or_else(|| language::by_first_line(&self.set, first_line))
            }
        }
    }
}

impl State {
    fn new(parse: &ParseState) -> Self {
        Self { parse: parse.clone(), stack: ScopeStack::new() }
    }
}

impl Highlighter {
    /// From a piece's first line on; `None` if nobody knows the language.
    pub fn new(syntaxes: &mut Syntaxes, source: &Source, first_line: &str) -> Option<Self> {
        let Language { syntax, session } = syntaxes.language(source, first_line)?;
        let start = ParseState::new(syntax);
        let new = State::new(&start);
        let session = session.then(Session::default);
        let language = syntax.scope;
        syntaxes.used.insert(language);
        Some(Self { language, start, new, old: None, given_up: false, session })
    }

    /// The next lines stand somewhere else in the file.
    pub fn skip(&mut self) {
        self.new = State::new(&self.start);
        self.old = None;
    }

    /// The rest stays plain.
    pub fn give_up(&mut self) {
        self.given_up = true;
    }

    pub fn has_given_up(&self) -> bool {
        self.given_up
    }

    /// The colours of the next line of a side, without its end.
    pub fn line(&mut self, syntaxes: &mut Syntaxes, text: &str, side: Side) -> Vec<Span> {
        if self.given_up || text.len() > MOST_LINE {
            return Vec::new();
        }
        let Some(code) = self.code(text) else { return Vec::new() };
        let mut line = String::with_capacity(text.len() + 1 - code);
        line.push_str(&text[code..]);
        line.push('\n');
        let mut out = Spans { at: code, end: text.len(), spans: Vec::new() };
        let language = self.language;
        let mut read = |state: &mut State, out: Option<&mut Spans>| state.read(&line, language, syntaxes, out);
        let done = match side {
            Side::Old => read(self.old.get_or_insert_with(|| self.new.clone()), Some(&mut out)),
            Side::New => {
                self.old.get_or_insert_with(|| self.new.clone());
                read(&mut self.new, Some(&mut out))
            }
            Side::Both => {
                let done = read(&mut self.new, Some(&mut out));
                match &mut self.old {
                    Some(old) => {
                        let done = done.and(read(old, None));
                        self.old.take_if(|old| *old == self.new);
                        done
                    }
                    None => done,
                }
            }
        };
        // A definition that is broken.
        if done.is_none() {
            self.give_up();
        }
        out.finish(text)
    }

    /// Where the code begins in a line; nowhere if it has none.
    fn code(&mut self, text: &str) -> Option<usize> {
        let Some(session) = &mut self.session else { return Some(0) };
        let indent = text.len() - text.trim_start().len();
        let prompt = PROMPTS.iter().find(|prompt| text[indent..].starts_with(**prompt));
        let at = match prompt {
            Some(prompt) => {
                self.new = State::new(&self.start);
                Some(indent + prompt.len())
            }
            None => session.goes_on.then_some(0),
        };
        session.goes_on = at.is_some() && text.ends_with('\\');
        at
    }
}

impl State {
    /// `None` if the definition is broken.
    fn read(&mut self, line: &str, language: Scope, syntaxes: &mut Syntaxes, out: Option<&mut Spans>) -> Option<()> {
        let ops = self.parse.parse_line(line, &syntaxes.set).ok()?;
        let Some(out) = out else {
            return ops.iter().try_for_each(|(_, op)| self.stack.apply(op).ok());
        };
        let mut at = 0;
        for (next, op) in &ops {
            self.piece(line, at..*next, language, &mut syntaxes.groups, out);
            at = at.max(*next);
            self.stack.apply(op).ok()?;
        }
        self.piece(line, at..line.len(), language, &mut syntaxes.groups, out);
        Some(())
    }

    /// A piece within which the scopes do not change.
    fn piece(&self, line: &str, range: Range<usize>, language: Scope, groups: &mut Groups, out: &mut Spans) {
        let Some(text) = line.get(range.clone()).filter(|text| !text.trim().is_empty()) else { return };
        match groups.of(self.stack.as_slice(), text) {
            Some(group) => out.push(range, group),
            None => groups.missing(language, text, |start, end, group| {
                out.push(range.start + start..range.start + end, group);
            }),
        }
    }
}

struct Spans {
    /// Where the code begins in the line.
    at: usize,
    /// The line's.
    end: usize,
    spans: Vec<Span>,
}

impl Spans {
    /// Neighbours of one colour become one.
    fn push(&mut self, range: Range<usize>, group: Group) {
        let (start, end) = (self.at + range.start, (self.at + range.end).min(self.end));
        let (Ok(start), Ok(end)) = (u16::try_from(start), u16::try_from(end)) else { return };
        if start >= end {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.group == group && last.end == start => last.end = end,
            _ => self.spans.push(Span { start, end, group }),
        }
    }

    /// Without the white space at their edges, of which some definitions take more than is theirs.
    fn finish(mut self, text: &str) -> Vec<Span> {
        for span in &mut self.spans {
            let piece = text.get(usize::from(span.start)..usize::from(span.end)).unwrap_or("");
            let (lead, trail) = (piece.len() - piece.trim_start().len(), piece.len() - piece.trim_end().len());
            span.start += u16::try_from(lead).unwrap_or(0);
            span.end = span.end.saturating_sub(u16::try_from(trail).unwrap_or(0)).max(span.start);
        }
        self.spans
    }
}

#[cfg(test)]
#[path = "highlighter_tests.rs"]
mod tests;
