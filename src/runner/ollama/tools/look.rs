//! Reading a file, listing files.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use ignore::WalkBuilder;

use super::{Arguments, cut};
use crate::runner::ollama::root::{Place, Root, is_git};

/// More files are no help to anybody.
const MOST_FILES: usize = 1_000;

/// The lines that are wanted, and how to get at the rest if they are too many.
pub(super) fn read(root: &Root, arguments: &Arguments, limit: usize) -> Result<String, String> {
    let path = arguments.text("path")?;
    let (first, last) = (arguments.number("first_line")?, arguments.number("last_line")?);
    let text = root.read(&root.resolve(path)?)?.text;
    if text.is_empty() {
        return Ok("(the file is empty)".to_owned());
    }
    let count = text.lines().count();
    let first = first.unwrap_or(1).max(1);
    let last = last.unwrap_or(count).min(count);
    if first > count {
        return Err(format!("{path} has only {count} lines"));
    }
    if last < first {
        return Err(format!("the last line {last} is before the first line {first}"));
    }
    let mut out: String = text.split_inclusive('\n').skip(first - 1).take(last + 1 - first).collect();
    let whole = out.lines().count();
    if cut(&mut out, limit) {
        let shown = out.lines().count();
        // A line that is longer than all that may be shown is cut within.
        let next = if shown < whole && out.ends_with('\n') { first + shown } else { first + shown.max(1) };
        let end = if out.ends_with('\n') { "" } else { " [the line goes on]\n" };
        out.push_str(&format!("{end}[cut off: the file has {count} lines; read on with first_line={next}]\n"));
    } else if (first, last) != (1, count) {
        out.push_str(&format!("[lines {first}-{last} of {count}]\n"));
    }
    Ok(out)
}

pub(super) fn list(root: &Root, arguments: &Arguments, limit: usize, cancel: &AtomicBool) -> Result<String, String> {
    let path = arguments.folder()?;
    let place = root.resolve(path)?;
    let mut found = Vec::new();
    let mut more = false;
    for file in files(root, &place, None)? {
        if cancel.load(Ordering::Relaxed) {
            return Err("cancelled".to_owned());
        }
        if found.len() == MOST_FILES {
            more = true;
            break;
        }
        found.push(file);
    }
    if found.is_empty() {
        return Ok(format!("(there are no files in {path})"));
    }
    found.sort();
    let mut out: String = found.iter().map(|file| format!("{file}\n")).collect();
    if cut(&mut out, limit) || more {
        out.push_str("[there are more: name a directory]\n");
    }
    Ok(out)
}

/// Files below a place, relative to the root, without what Git ignores and without Git's own. Links are not followed.
pub(super) fn files<'r>(
    root: &'r Root,
    place: &Place,
    glob: Option<&str>,
) -> Result<impl Iterator<Item = String> + use<'r>, String> {
    let start = root.absolute(place);
    let name = if place.relative().as_os_str().is_empty() { Path::new(".") } else { place.relative() };
    if !start.exists() {
        return Err(format!("{} does not exist", name.display()));
    }
    let mut builder = WalkBuilder::new(start);
    builder.hidden(false).follow_links(false).require_git(false).filter_entry(|entry| !is_git(entry.file_name()));
    if let Some(glob) = glob {
        let mut wanted = ignore::overrides::OverrideBuilder::new(root.path());
        wanted.add(glob).map_err(|error| format!("the glob {glob} makes no sense: {error}"))?;
        builder.overrides(wanted.build().map_err(|error| format!("the glob {glob} makes no sense: {error}"))?);
    }
    let walk = builder.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let base = root.path();
    Ok(walk.filter_map(move |entry| Some(entry.path().strip_prefix(base).ok()?.to_str()?.to_owned())))
}
