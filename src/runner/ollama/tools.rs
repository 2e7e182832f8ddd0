//! The tools that a model may call: what it is told of them, and what they do. All work below one directory.
//!
//! Reading is done at once. A change is only worked out here: whoever runs the tool asks the user and then has it made.
//! A result is text for the model, its errors too.

mod change;
mod look;
mod search;

use std::{path::PathBuf, sync::atomic::AtomicBool};

use serde_json::{Map, Value, json};

pub(super) use change::Change;
pub(super) use search::{Found, Gate, May};

use super::root::Root;

pub(super) const READ: &str = "read_file";
pub(super) const LIST: &str = "list_files";
pub(super) const SEARCH: &str = "search";
pub(super) const EDIT: &str = "edit_file";
pub(super) const WRITE: &str = "write_file";

/// What a call comes to.
pub(super) enum Work {
    Done(Result<String, String>),
    Found(Found),
    /// The user is to be asked first.
    Change(Box<Change>),
}

/// The names, in the order in which they are offered. `changes`: those that change files, too.
pub(super) fn names(changes: bool) -> Vec<&'static str> {
    let mut names = vec![READ, LIST, SEARCH];
    if changes {
        names.extend([EDIT, WRITE]);
    }
    names
}

/// The tools as the server wants them.
pub(super) fn schema(changes: bool) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let number = |description: &str| json!({"type": "integer", "description": description});
    let switch = |description: &str| json!({"type": "boolean", "description": description});
    let path = || text("the path, relative to the project's directory");
    let folder = || text("only below this directory, relative to the project's; all of it without");
    let mut tools = vec![
        tool(
            READ,
            "Reads a text file of the project, or some of its lines.",
            json!({"path": path(), "first_line": number("the first line that is wanted, from 1"),
                "last_line": number("the last line that is wanted")}),
            &["path"],
        ),
        tool(LIST, "Lists the files of the project, except those that Git ignores.", json!({"path": folder()}), &[]),
        tool(
            SEARCH,
            "Searches the files of the project for a text or a regular expression. Gives path, line number and line.",
            json!({"pattern": text("what to look for, within a line"), "path": folder(),
                "regex": switch("the pattern is a regular expression; else it is taken literally"),
                "ignore_case": switch("upper and lower case are the same"),
                "files": text("only files whose path matches this glob, e.g. *.rs")}),
            &["pattern"],
        ),
    ];
    if changes {
        tools.push(tool(
            EDIT,
            "Replaces a piece of a file by another. The user is asked first. Read the file before.",
            json!({"path": path(),
                "old_text": text("the piece to replace, exactly as it is in the file, with enough lines around it that it \
                                  is there only once"),
                "new_text": text("what stands there afterwards"),
                "all": switch("replace it wherever it is")}),
            &["path", "old_text", "new_text"],
        ));
        tools.push(tool(
            WRITE,
            "Creates a file, or replaces all of one. The user is asked first. Change a file that is there with edit_file.",
            json!({"path": path(), "content": text("the whole text of the file")}),
            &["path", "content"],
        ));
    }
    tools.into()
}

fn tool(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    json!({"type": "function", "function": {"name": name, "description": description,
        "parameters": {"type": "object", "properties": properties, "required": required}}})
}

/// The files that a call is about, under the name that the model has for it and as what it leads to, and whether it changes
/// them; `None` if it cannot be run as it is. Waits for the disk.
pub(super) fn about(root: &Root, name: &str, input: &Value) -> Option<(Vec<String>, bool)> {
    let arguments = Arguments(input.as_object()?);
    let path = match name {
        READ | EDIT | WRITE => arguments.text("path").ok()?,
        LIST | SEARCH => arguments.folder().ok()?,
        _ => return None,
    };
    // Of the directory itself, without a slash at its end.
    let real: PathBuf = root.absolute(&root.resolve(path).ok()?).components().collect();
    let named = Some(root.path().join(path)).filter(|named| *named != real);
    let paths = named.into_iter().chain([real]).map(|path| path.to_string_lossy().into_owned()).collect();
    Some((paths, matches!(name, EDIT | WRITE)))
}

/// Does what a model has called for. `limit` is the longest result in bytes; `cancel` ends a search early, and `gate` says
/// which files it may show.
pub(super) fn run(root: &Root, name: &str, input: &Value, limit: usize, cancel: &AtomicBool, gate: Gate<'_>) -> Work {
    let Some(arguments) = input.as_object() else {
        return Work::Done(Err("the arguments are no object".to_owned()));
    };
    let arguments = Arguments(arguments);
    let done = match name {
        READ => look::read(root, &arguments, limit),
        LIST => look::list(root, &arguments, limit, cancel),
        SEARCH => match search::search(root, &arguments, limit, cancel, gate) {
            Ok(found) => return Work::Found(found),
            Err(sentence) => Err(sentence),
        },
        EDIT | WRITE => {
            let change = if name == EDIT { Change::edit(root, &arguments) } else { Change::write(root, &arguments) };
            match change {
                Ok(change) => return Work::Change(Box::new(change)),
                Err(sentence) => Err(sentence),
            }
        }
        other => Err(format!("there is no tool {other}: there are {}", names(true).join(", "))),
    };
    Work::Done(done)
}

/// A model's arguments. Models write numbers and switches as texts, and leave out what they do not need.
struct Arguments<'v>(&'v Map<String, Value>);

impl Arguments<'_> {
    fn text(&self, key: &str) -> Result<&str, String> {
        match self.0.get(key) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Null) | None => Err(format!("the argument {key} is missing")),
            Some(_) => Err(format!("the argument {key} is no text")),
        }
    }

    /// A path, or the root.
    fn folder(&self) -> Result<&str, String> {
        match self.0.get("path") {
            None | Some(Value::Null) => Ok("."),
            Some(_) => self.text("path").map(|path| if path.is_empty() { "." } else { path }),
        }
    }

    fn optional_text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str) -> Result<Option<usize>, String> {
        let number = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            // Some write every number with a point.
            Some(value) => {
                value.as_u64().or(value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
            }
        };
        let number = number.and_then(|number: u64| usize::try_from(number).ok());
        number.map(Some).ok_or_else(|| format!("the argument {key} is no number"))
    }

    fn switch(&self, key: &str) -> bool {
        match self.0.get(key) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

/// Cut at a line's end so that it is not longer than `limit` bytes; true if something was cut off.
fn cut(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').map_or(end, |newline| newline + 1);
    text.truncate(end);
    true
}

#[cfg(test)]
mod tests;
