//! Searching the files of a project, line by line.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use regex::RegexBuilder;

use super::{Arguments, look};
use crate::runner::ollama::root::Root;

const MOST_MATCHES: usize = 200;
/// Of a line that is shown, in characters.
const LINE: usize = 300;

/// Files that are held against the user's rules in one search.
const MOST_JUDGED: usize = 500;

/// Whether a file's lines may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runner::ollama) enum May {
    Yes,
    /// If the user says so.
    Ask,
    No,
}

/// Asked for each file in which something is found, and only for these: of the others nothing is told. Waits.
pub(in crate::runner::ollama) type Gate<'g> = &'g mut dyn FnMut(&Path) -> May;

/// What was found, by file.
pub(in crate::runner::ollama) struct Found {
    pattern: String,
    /// With whether the user is to be asked.
    parts: Vec<(String, String, bool)>,
    more: bool,
}

impl Found {
    /// Files whose lines wait for the user, as the root has them.
    pub(in crate::runner::ollama) fn asked(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|(_, _, asked)| *asked).map(|(file, ..)| file.as_str())
    }

    /// For the model. Of what is left out it hears nothing: not even that something was found there.
    pub(in crate::runner::ollama) fn text(&self, with_asked: bool) -> String {
        let mut out: String = self
            .parts
            .iter()
            .filter(|(_, _, asked)| with_asked || !asked)
            .map(|(_, lines, _)| lines.as_str())
            .collect();
        if self.more {
            out.push_str("[there are more: search for something rarer, or name a directory]\n");
        } else if out.is_empty() {
            out = format!("(nothing was found for {})", self.pattern);
        }
        out
    }
}

pub(super) fn search(
    root: &Root,
    arguments: &Arguments,
    limit: usize,
    cancel: &AtomicBool,
    gate: Gate<'_>,
) -> Result<Found, String> {
    let pattern = arguments.text("pattern")?;
    if pattern.is_empty() {
        return Err("the argument pattern is empty".to_owned());
    }
    let written = if arguments.switch("regex") { pattern.to_owned() } else { regex::escape(pattern) };
    let regex = RegexBuilder::new(&written)
        .case_insensitive(arguments.switch("ignore_case"))
        .build()
        .map_err(|error| format!("the regular expression makes no sense: {error}"))?;
    let path = arguments.folder()?;
    let place = root.resolve(path)?;
    let mut files: Vec<String> = look::files(root, &place, arguments.optional_text("files"))?.collect();
    files.sort();
    let mut found = Found { pattern: pattern.to_owned(), parts: Vec::new(), more: false };
    let (mut matches, mut length, mut judged) = (0, 0, 0);
    for file in files {
        if cancel.load(Ordering::Relaxed) {
            return Err("cancelled".to_owned());
        }
        // What cannot be read as text has nothing to be found.
        let Ok(text) = root.resolve(&file).and_then(|place| root.read(&place)) else { continue };
        let mut hits = text.text.lines().enumerate().filter(|(_, line)| regex.is_match(line)).peekable();
        if hits.peek().is_none() {
            continue;
        }
        found.more = matches == MOST_MATCHES || length >= limit || judged == MOST_JUDGED;
        if found.more {
            break;
        }
        judged += 1;
        let may = gate(&root.path().join(&file));
        if may == May::No {
            continue;
        }
        let mut lines = String::new();
        for (index, line) in hits {
            found.more = matches == MOST_MATCHES || length + lines.len() >= limit;
            if found.more {
                break;
            }
            matches += 1;
            let mut shown: String = line.trim_end().chars().take(LINE).collect();
            if shown.len() < line.trim_end().len() {
                shown.push('…');
            }
            lines.push_str(&format!("{file}:{}: {shown}\n", index + 1));
        }
        length += lines.len();
        found.parts.push((file, lines, may == May::Ask));
        if found.more {
            break;
        }
    }
    Ok(found)
}
