//! Rust source as tokens, just well enough to see which paths it names. Knows nothing of the rules.

/// The tokens of a file without comments, literals and `#[cfg(test)]` modules.
pub struct Source {
    tokens: Vec<String>,
}

impl Source {
    pub fn parse(text: &str) -> Self {
        Source { tokens: without_tests(tokens(&without_literals(text))) }
    }

    pub fn has_word(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token == word)
    }

    /// A function of this name is called, whatever stands before it.
    pub fn calls(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| pair[0] == name && pair[1] == "(")
    }

    pub fn has_macro(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| pair[0] == name && pair[1] == "!")
    }

    /// Some path has these parts next to each other.
    pub fn uses_path(&self, parts: &[&str]) -> bool {
        self.paths().iter().any(|path| path.windows(parts.len()).any(|window| window == parts))
    }

    /// Some path of more than one part ends in these, and is called without arguments.
    pub fn calls_path(&self, parts: &[&str]) -> bool {
        let mut call = vec!["::"];
        call.extend(parts.iter().flat_map(|part| [*part, "::"]));
        call.pop();
        call.extend(["(", ")"]);
        self.tokens.windows(call.len()).any(|window| window == call)
    }

    /// Every path into this crate that is named here, without `crate::`, however it is written. `module` is where this
    /// file stands, for `super` and `self`.
    pub fn crate_paths(&self, module: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for path in self.paths() {
            let mut base = match path.first().map(String::as_str) {
                Some("crate") => Vec::new(),
                Some("self" | "super") if path.len() > 1 => module.to_vec(),
                _ => continue,
            };
            for part in path {
                match part.as_str() {
                    "crate" | "self" => {}
                    "super" => {
                        base.pop();
                    }
                    _ => base.push(part),
                }
            }
            if !base.is_empty() {
                found.push(base.join("::"));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// All paths, groups taken apart: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
    fn paths(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let before = at.checked_sub(1).map(|before| self.tokens[before].as_str());
            let begins = is_word(&self.tokens[at]) && before != Some("::");
            if begins || (self.tokens[at] == "{" && before == Some("use")) {
                self.path(&mut at, &[], &mut found);
            } else {
                at += 1;
            }
        }
        found
    }

    fn path(&self, at: &mut usize, prefix: &[String], found: &mut Vec<Vec<String>>) {
        let token = |index: usize| self.tokens.get(index).map(String::as_str);
        let mut path = prefix.to_vec();
        loop {
            match token(*at) {
                Some("{") => {
                    *at += 1;
                    while !matches!(token(*at), Some("}") | None) {
                        let before = *at;
                        self.path(at, &path, found);
                        if token(*at) == Some("as") {
                            *at += 2;
                        }
                        // A comma, or something that is no part of a path.
                        if token(*at) == Some(",") || *at == before {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                Some(word) if is_word(word) => {
                    path.push(word.to_owned());
                    *at += 1;
                }
                // `*`, or a generic argument after `::`.
                _ => break,
            }
            if token(*at) != Some("::") {
                break;
            }
            *at += 1;
        }
        if path.len() > prefix.len() {
            found.push(path);
        } else if token(*at) == Some("*") {
            *at += 1;
            found.push(path);
        }
    }
}

/// `src/agent/protocol/claude.rs` is `agent::protocol::claude`.
pub fn module_path(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && !matches!(token, "use" | "pub" | "as" | "mod" | "fn")
}

/// Blanks comments, strings and characters.
fn without_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    while at < chars.len() {
        let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            while at < chars.len() {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                } else {
                    at += 1;
                }
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(hashes) = raw_string(&chars[at..]).filter(|_| !after_word) {
            let end = format!("\"{}", "#".repeat(hashes));
            // Past `br##"`.
            at += chars[at..].iter().position(|c| *c == '"').unwrap_or(0) + 1;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
            out.push(' ');
        } else if chars[at] == '"' {
            at = skip_quoted(&chars, at, '"');
            out.push(' ');
        } else if chars[at] == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            at = skip_quoted(&chars, at, '\'');
            out.push(' ');
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

fn skip_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The number of hashes, if a raw string begins here.
fn raw_string(chars: &[char]) -> Option<usize> {
    let rest = match chars {
        ['b' | 'c', 'r', rest @ ..] | ['r', rest @ ..] => rest,
        _ => return None,
    };
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut token = c.to_string();
        if c.is_alphanumeric() || c == '_' {
            while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                token.push(next);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            token.push(':');
        }
        out.push(token);
    }
    out
}

/// Drops `#[cfg(test)] mod name { … }`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let marked = tokens[at..].len() > MARK.len() + 1 && tokens[at..at + MARK.len()] == MARK;
        if !marked || tokens[at + MARK.len() + 1] != "{" {
            out.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0;
        at += MARK.len() + 1;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
    }
    out
}
