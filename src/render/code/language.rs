//! Which language a piece of code is written in, by what the author or the file's name says.

use std::path::Path;

use syntect::parsing::{SyntaxReference, SyntaxSet};

/// Names that people write after a fence, and files that are called so, where the definitions know them by another.
const ALIASES: &[(&str, &str)] = &[
    ("arduino", "cpp"),
    ("asm", "nasm"),
    ("bash-session", "console"),
    ("cjs", "tsx"),
    ("containerfile", "dockerfile"),
    ("csharp", "cs"),
    ("cython", "py"),
    ("docker", "dockerfile"),
    ("dotenv", "env"),
    ("elisp", "lisp"),
    ("emacs-lisp", "lisp"),
    ("fs", "fsx"),
    ("fsharp", "fsx"),
    ("golang", "go"),
    ("gomod", "go.mod"),
    ("h", "c"),
    ("haskell", "hs"),
    ("javascript", "tsx"),
    ("javascriptreact", "tsx"),
    ("js", "tsx"),
    ("json5", "json"),
    ("jsonc", "json"),
    ("jsonl", "json"),
    ("jsx", "tsx"),
    ("just", "makefile"),
    ("kotlin", "kt"),
    ("ksh", "sh"),
    ("make", "makefile"),
    ("mdx", "md"),
    ("mjs", "tsx"),
    ("ndjson", "json"),
    ("neovim", "vim"),
    ("node", "tsx"),
    ("nushell", "sh"),
    ("objc", "m"),
    ("objective-c", "m"),
    ("patch", "diff"),
    ("perl", "pl"),
    ("pgsql", "sql"),
    ("postgres", "sql"),
    ("postgresql", "sql"),
    ("powershell", "ps1"),
    ("proto3", "proto"),
    ("pwsh", "ps1"),
    ("pycon", "py"),
    ("python3", "py"),
    ("rustlang", "rs"),
    ("scheme", "scm"),
    ("shell", "sh"),
    ("sqlite", "sql"),
    ("starlark", "py"),
    ("terraform", "tf"),
    ("typescriptreact", "tsx"),
    ("udiff", "diff"),
    ("viml", "vim"),
    ("vimscript", "vim"),
    ("xhtml", "html"),
    ("zsh", "sh"),
];

/// A session in a terminal: only its commands are code.
const SESSIONS: &[&str] = &["console", "shell-session", "shellsession", "sh-session", "terminal"];

/// What is no code.
const NONE: &[&str] = &["plain", "plaintext", "raw", "text", "txt", "none", "output", "log"];

/// How a language's lines are read.
#[derive(Clone, Copy)]
pub(super) struct Language<'a> {
    pub(super) syntax: &'a SyntaxReference,
    /// Only what follows a prompt's sign is code.
    pub(super) session: bool,
}

/// By a fence's info string: `rust`, `{.rust .numberLines}`, `ts title="x"`, `src/main.rs`, `12:20:src/main.rs`.
pub(super) fn by_info<'a>(set: &'a SyntaxSet, info: &str) -> Option<Language<'a>> {
    let first = info.trim().trim_start_matches(['{', '.']).split([' ', '\t', ',', '{', '}', ';']).next()?;
    let word = first.trim_matches(['.', '"', '\'']).to_ascii_lowercase();
    let word = word.strip_prefix("language-").unwrap_or(&word);
    if word.is_empty() || NONE.contains(&word) {
        return None;
    }
    if SESSIONS.contains(&word) {
        return set.find_syntax_by_extension("sh").map(|syntax| Language { syntax, session: true });
    }
    let plain = |syntax| Language { syntax, session: false };
    by_token(set, word).map(plain).or_else(|| {
        let file = first.rsplit(':').find(|piece| !piece.is_empty())?;
        file.contains(['.', '/']).then(|| by_path(set, file))?
    })
}

/// By a file's name.
pub(super) fn by_path<'a>(set: &'a SyntaxSet, path: &str) -> Option<Language<'a>> {
    let plain = |syntax| Language { syntax, session: false };
    let name = Path::new(path).file_name()?.to_str()?;
    let whole = set.find_syntax_by_extension(name);
    // `x.test.d.ts`, `.zshrc`: the longest end that is known.
    let ends = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
    let found = whole.or_else(|| ends.filter(|end| !end.is_empty()).find_map(|end| by_extension(set, end)));
    let dotted = || by_extension(set, &name.to_ascii_lowercase());
    found.or_else(dotted).filter(|syntax| !is_plain(syntax)).map(plain)
}

/// By a file's first line, as `#!/usr/bin/env python3`.
pub(super) fn by_first_line<'a>(set: &'a SyntaxSet, line: &str) -> Option<Language<'a>> {
    let known = line.starts_with("#!") || line.starts_with("<?") || line.starts_with("-*-");
    let syntax = known.then(|| set.find_syntax_by_first_line(line))?;
    syntax.filter(|syntax| !is_plain(syntax)).map(|syntax| Language { syntax, session: false })
}

fn alias(word: &str) -> &str {
    ALIASES.iter().find(|(name, _)| *name == word).map_or(word, |(_, token)| token)
}

fn by_token<'a>(set: &'a SyntaxSet, word: &str) -> Option<&'a SyntaxReference> {
    let syntax = (!is_common(word)).then(|| set.find_syntax_by_token(alias(word)))?;
    syntax.filter(|syntax| !is_plain(syntax))
}

fn by_extension<'a>(set: &'a SyntaxSet, end: &str) -> Option<&'a SyntaxReference> {
    (!is_common(end)).then(|| set.find_syntax_by_extension(alias(end)))?
}

/// What ends names of all kinds, of which a definition takes it for its own.
fn is_common(end: &str) -> bool {
    end == "conf" || end == "plot" || end.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_plain(syntax: &SyntaxReference) -> bool {
    syntax.name == "Plain Text" || syntax.name == "Highlight non-printables"
}
