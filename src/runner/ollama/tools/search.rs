//! Searching the files of a project, line by line.

use std::sync::atomic::{AtomicBool, Ordering};

use regex::RegexBuilder;

use super::{Arguments, look};
use crate::runner::ollama::root::Root;

const MOST_MATCHES: usize = 200;
/// Of a line that is shown, in characters.
const LINE: usize = 300;

pub(super) fn search(root: &Root, arguments: &Arguments, limit: usize, cancel: &AtomicBool) -> Result<String, String> {
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
    let (mut out, mut matches) = (String::new(), 0);
    for file in files {
        if cancel.load(Ordering::Relaxed) {
            return Err("cancelled".to_owned());
        }
        // What cannot be read as text has nothing to be found.
        let Ok(text) = root.resolve(&file).and_then(|place| root.read(&place)) else { continue };
        for (index, line) in text.text.lines().enumerate().filter(|(_, line)| regex.is_match(line)) {
            if matches == MOST_MATCHES || out.len() >= limit {
                out.push_str("[there are more: search for something rarer, or name a directory]\n");
                return Ok(out);
            }
            matches += 1;
            let mut shown: String = line.trim_end().chars().take(LINE).collect();
            if shown.len() < line.trim_end().len() {
                shown.push('…');
            }
            out.push_str(&format!("{file}:{}: {shown}\n", index + 1));
        }
    }
    if matches == 0 {
        return Ok(format!("(nothing was found for {pattern})"));
    }
    Ok(out)
}
