//! The inside of words: quotes, and what a shell puts there before it runs the line. What a substitution runs is found; what
//! it prints is a hole.

use super::{
    HOLE, Word,
    read::{Reader, script},
};

impl Reader {
    pub(super) fn until(&mut self, end: char, mut take: impl FnMut(char)) {
        loop {
            match self.next() {
                Some(c) if c == end => return,
                Some(c) => take(c),
                None => return self.unclear(),
            }
        }
    }

    /// Behind the quotation mark, to the one that closes it.
    pub(super) fn quoted(&mut self, word: &mut Word) {
        let from = self.at;
        loop {
            match self.next() {
                Some('"') => return,
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.text.push(c),
                    Some(c) => word.text.extend(['\\', c]),
                    None => return self.unclear(),
                },
                Some('$') => self.dollar(word, from, true),
                Some('`') => {
                    self.backticks();
                    word.text.push(HOLE);
                }
                Some(c) => word.text.push(c),
                None => return self.unclear(),
            }
        }
    }

    /// Behind a `$` of a word that begins at `from`.
    pub(super) fn dollar(&mut self, word: &mut Word, from: usize, quoted: bool) {
        let first = self.at == from + 1;
        match self.peek() {
            Some('(') if self.ahead(1) == Some('(') => {
                // A sum, or a group in a substitution: whatever it runs is found, and nobody trusts it.
                self.unclear();
                self.at += 1;
                self.list(true);
                word.text.push(HOLE);
            }
            Some('(') => {
                self.at += 1;
                self.list(true);
                word.text.push(HOLE);
            }
            Some('{') => {
                self.at += 1;
                let inner = self.braced();
                match inner.as_str() {
                    "HOME" if first => self.home(word),
                    "PWD" if first => word.text.push('.'),
                    _ => {
                        // What is in the variable is run through the prompt's expansions, or names another one.
                        self.clear &= !inner.contains('@') && !inner.starts_with('!');
                        self.inside(&inner);
                        word.text.push(HOLE);
                    }
                }
            }
            Some('\'') if !quoted => {
                self.at += 1;
                self.escaped(word);
            }
            Some('"') if !quoted => {
                self.at += 1;
                self.quoted(word);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.at += 1;
                }
                match name.as_str() {
                    "HOME" if first => self.home(word),
                    "PWD" if first => word.text.push('.'),
                    _ => word.text.push(HOLE),
                }
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.at += 1;
                word.text.push(HOLE);
            }
            _ => word.text.push('$'),
        }
    }

    fn home(&self, word: &mut Word) {
        word.home = true;
        word.text.push('~');
    }

    fn braced(&mut self) -> String {
        let (mut inner, mut open) = (String::new(), 1);
        loop {
            match self.next() {
                Some('{') => open += 1,
                Some('}') => open -= 1,
                Some(_) => {}
                None => {
                    self.unclear();
                    return inner;
                }
            }
            if open == 0 {
                return inner;
            }
            inner.extend(self.chars.get(self.at - 1));
        }
    }

    /// A text with escapes, `$'…'`.
    fn escaped(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                Some('\'') => return,
                Some('\\') => match self.next() {
                    Some('n') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    Some(c @ ('\\' | '\'' | '"' | '?')) => word.text.push(c),
                    Some(c @ ('x' | 'u' | 'U' | '0'..='7')) => self.numbered(c, word),
                    Some(_) => word.text.push(HOLE),
                    None => return self.unclear(),
                },
                Some(c) => word.text.push(c),
                None => return self.unclear(),
            }
        }
    }

    fn numbered(&mut self, kind: char, word: &mut Word) {
        let (radix, most) = match kind {
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            _ => (8, 2),
        };
        let mut number = kind.to_digit(8).filter(|_| radix == 8).unwrap_or(0);
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            number = number.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        word.text.push(char::from_u32(number).filter(|c| c.is_ascii_graphic() || *c == ' ').unwrap_or(HOLE));
    }

    pub(super) fn backticks(&mut self) {
        let mut inner = String::new();
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => match self.next() {
                    Some(c @ ('`' | '\\' | '$')) => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => return self.unclear(),
                },
                Some(c) => inner.push(c),
                None => {
                    self.unclear();
                    break;
                }
            }
        }
        let found = script(&inner, self.depth + 1);
        self.clear &= found.clear;
        self.parts.extend(found.parts);
    }

    /// A text of which only the substitutions are run.
    pub(super) fn inside(&mut self, text: &str) {
        if !text.contains(['$', '`']) {
            return;
        }
        let mut reader = Reader::new(text, self.depth + 1);
        let mut word = Word::default();
        while let Some(c) = reader.next().filter(|_| reader.clear) {
            match c {
                '\\' => reader.at += 1,
                '`' => reader.backticks(),
                '$' => reader.dollar(&mut word, usize::MAX - 1, true),
                _ => {}
            }
        }
        self.clear &= reader.clear;
        self.parts.append(&mut reader.parts);
    }
}
