//! Searching the files of a project, line by line. A file with something in it is judged before any of it is kept: the model
//! must not learn of what it may not see.

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

/// What was found.
pub(in crate::runner::ollama) struct Found {
    pattern: String,
    parts: Vec<Part>,
    /// What is shown of the files that are shown anyway, and of all: each is cut where it is full, as if there were nothing
    /// else. Where one is cut would else tell of what the other has.
    open: Room,
    all: Room,
}

/// Of one file.
struct Part {
    file: String,
    lines: String,
    /// For so many bytes of them there is room among those of all files.
    among_all: usize,
    asked: bool,
}

#[derive(Clone, Copy)]
struct Room {
    matches: usize,
    bytes: usize,
    /// Something had none.
    more: bool,
}

impl Room {
    fn take(&mut self, line: &str) -> bool {
        self.more |= self.matches == 0 || self.bytes == 0;
        if !self.more {
            self.matches -= 1;
            self.bytes = self.bytes.saturating_sub(line.len());
        }
        !self.more
    }
}

impl Found {
    /// Files whose lines wait for the user, as the root has them.
    pub(in crate::runner::ollama) fn asked(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|part| part.asked).map(|part| part.file.as_str())
    }

    /// For the model. Of what is left out it hears nothing: not even that something was found there.
    pub(in crate::runner::ollama) fn text(&self, with_asked: bool) -> String {
        let shown = |part: &'_ Part| match with_asked {
            true => part.among_all,
            false if part.asked => 0,
            false => part.lines.len(),
        };
        let mut out: String = self.parts.iter().map(|part| &part.lines[..shown(part)]).collect();
        let room = if with_asked { self.all } else { self.open };
        if room.more {
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
    let room = Room { matches: MOST_MATCHES, bytes: limit, more: false };
    let mut found = Found { pattern: pattern.to_owned(), parts: Vec::new(), open: room, all: room };
    let mut judged = 0;
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
        if judged == MOST_JUDGED {
            (found.open.more, found.all.more) = (true, true);
            break;
        }
        judged += 1;
        // Whether there is room is not looked at before: that there is none would tell of this one.
        let may = gate(&root.path().join(&file));
        if may == May::No {
            continue;
        }
        let asked = may == May::Ask;
        let mut part = Part { file, lines: String::new(), among_all: 0, asked };
        for (index, line) in hits {
            let mut shown: String = line.trim_end().chars().take(LINE).collect();
            if shown.len() < line.trim_end().len() {
                shown.push('…');
            }
            let shown = format!("{}:{}: {shown}\n", part.file, index + 1);
            let among_all = found.all.take(&shown);
            if !(if asked { among_all } else { found.open.take(&shown) }) {
                break;
            }
            part.lines.push_str(&shown);
            if among_all {
                part.among_all = part.lines.len();
            }
        }
        if !part.lines.is_empty() {
            found.parts.push(part);
        }
        if found.open.more {
            break;
        }
    }
    Ok(found)
}
