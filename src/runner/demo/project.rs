//! The files of the project that the demo reads, and the changes that it proposes. Changes nothing that was not allowed,
//! and nothing that has changed since it was asked.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// More of a file is not read.
const MOST: u64 = 64 * 1024;

pub(super) struct TextFile {
    /// As shown: relative to the directory.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The file to read: the one that came with the prompt, else one that tells what the project is, else any text file.
pub(super) fn telling_file(cwd: &Path, wanted: &[String]) -> Option<TextFile> {
    let known = ["README.md", "README", "README.rst", "README.txt", "Cargo.toml", "package.json", "pyproject.toml"];
    let wanted = wanted.iter().map(String::as_str).filter(|name| !name.is_empty());
    let files = names(cwd);
    wanted.chain(known).chain(files.iter().map(String::as_str)).find_map(|name| read(cwd, name))
}

/// Visible plain files of the directory, by name.
fn names(cwd: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(cwd) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// `None` for what is no plain file or no text.
fn read(cwd: &Path, name: &str) -> Option<TextFile> {
    let path = cwd.join(name);
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(&path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    let cut = bytes.len() as u64 == MOST;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if cut && error.utf8_error().error_len().is_none() => {
            let valid = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned()
        }
        Err(_) => return None,
    };
    (!text.trim().is_empty() && !text.contains('\0')).then(|| TextFile { name: name.to_owned(), path, text })
}

/// How many files of which kind there are, most first.
pub(super) fn kinds(cwd: &Path) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::<String, usize>::new();
    for name in names(cwd) {
        let kind =
            Path::new(&name).extension().map_or_else(|| name.clone(), |ext| format!("*.{}", ext.to_string_lossy()));
        *counts.entry(kind).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts
}

/// A change that waits to be allowed.
#[derive(Debug)]
pub(super) enum Change {
    Create { path: PathBuf, text: String },
    Append { path: PathBuf, old: String, line: String },
}

impl Change {
    /// One more line at the end of the file, or the file.
    pub(super) fn propose(path: &Path, new: &str, line: &str) -> Result<Self, String> {
        match fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(old) => Ok(Change::Append { path: path.to_owned(), old, line: format!("{line}\n") }),
                Err(_) => Err(format!("{} is no text, so nothing was proposed.", path.display())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Change::Create { path: path.to_owned(), text: new.to_owned() })
            }
            Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
        }
    }

    pub(super) fn tool(&self) -> &'static str {
        match self {
            Change::Create { .. } => "Write",
            Change::Append { .. } => "Edit",
        }
    }

    /// In the keys of Claude Code's tools.
    pub(super) fn input(&self) -> Value {
        match self {
            Change::Create { path, text } => json!({"file_path": path.to_string_lossy(), "content": text}),
            Change::Append { path, old, line } => {
                // A text that stands at the end, and what it becomes.
                let last = old.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
                let tail = &old[old.trim_end_matches('\n').len() - last.len()..];
                let new = appended(tail, line);
                json!({"file_path": path.to_string_lossy(), "old_string": tail, "new_string": new})
            }
        }
    }

    /// Really writes. The structured twin of the tool's result, or why nothing was done.
    pub(super) fn write(&self) -> Result<Value, String> {
        let failed = |path: &Path, error: io::Error| format!("{} was not written: {error}.", path.display());
        match self {
            Change::Create { path, text } => {
                let mut options = fs::OpenOptions::new();
                let file = options.write(true).create_new(true).open(path);
                file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(path, error))?;
                Ok(json!({"type": "create", "filePath": path.to_string_lossy(), "content": text,
                    "structuredPatch": [], "originalFile": null, "userModified": false}))
            }
            Change::Append { path, old, line } => {
                let now = fs::read(path).map_err(|error| failed(path, error))?;
                if now != old.as_bytes() {
                    return Err(format!("{} has changed since the question, so it was left alone.", path.display()));
                }
                let new = appended(old, line);
                fs::write(path, &new).map_err(|error| failed(path, error))?;
                let input = self.input();
                Ok(json!({"filePath": path.to_string_lossy(), "oldString": input["old_string"],
                    "newString": input["new_string"], "originalFile": old, "structuredPatch": patch(old, &new),
                    "userModified": false, "replaceAll": false}))
            }
        }
    }
}

fn appended(old: &str, line: &str) -> String {
    let between = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    format!("{old}{between}{line}")
}

/// The changes as Claude Code's `structuredPatch` has them.
fn patch(old: &str, new: &str) -> Vec<Value> {
    let diff = TextDiff::from_lines(old, new);
    let hunk = |ops: &Vec<similar::DiffOp>| {
        let (first, last) = (ops.first()?, ops.last()?);
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            format!("{sign}{}", change.value().trim_end_matches('\n'))
        });
        Some(json!({"oldStart": old.start + 1, "oldLines": old.len(), "newStart": new.start + 1,
            "newLines": new.len(), "lines": lines.collect::<Vec<_>>()}))
    };
    diff.grouped_ops(3).iter().filter_map(hunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a file is written");
        }
        folder
    }

    #[test]
    fn the_selected_file_comes_first_and_then_what_tells_most() {
        let files: &[(&str, &[u8])] =
            &[("a.bin", b"\0\xff"), ("b.txt", b"b"), ("Cargo.toml", b"[x]"), (".env", b"SECRET=1"), ("empty", b"")];
        let folder = folder(files);
        let name = |wanted: &[String]| telling_file(folder.path(), wanted).map(|file| file.name);
        assert_eq!(name(&["b.txt".into()]).as_deref(), Some("b.txt"));
        assert_eq!(name(&[String::new(), "gone".into(), "a.bin".into()]).as_deref(), Some("Cargo.toml"));
        fs::remove_file(folder.path().join("Cargo.toml")).expect("it is there");
        assert_eq!(name(&[]).as_deref(), Some("b.txt"));
        fs::remove_file(folder.path().join("b.txt")).expect("it is there");
        assert_eq!(name(&[]), None);
    }

    #[test]
    fn a_long_file_is_read_up_to_a_whole_character() {
        let text = "ä".repeat(MOST as usize);
        let folder = folder(&[("README", format!("x{text}").as_bytes())]);
        let file = telling_file(folder.path(), &[]).expect("it is text");
        assert_eq!(file.text.len() as u64, MOST - 1);
    }

    #[test]
    fn kinds_of_files_are_counted() {
        let folder = folder(&[("a.rs", b""), ("b.rs", b""), ("Makefile", b""), (".x", b"")]);
        assert_eq!(kinds(folder.path()), [("*.rs".to_owned(), 2), ("Makefile".to_owned(), 1)]);
    }

    #[test]
    fn a_file_is_made_only_if_it_is_not_there_yet() {
        let folder = folder(&[]);
        let path = folder.path().join("new.md");
        let change = Change::propose(&path, "new\n", "more").expect("a change");
        assert_eq!((change.tool(), &change.input()["content"]), ("Write", &json!("new\n")));
        assert!(!path.exists(), "proposing changes nothing");
        fs::write(&path, "somebody's").expect("a file is written");
        assert!(change.write().is_err_and(|sentence| sentence.contains("was not written")));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "somebody's");
    }

    #[test]
    fn a_line_is_added_only_to_the_text_that_was_shown() {
        for (old, new, tail) in [("a\nb\n", "a\nb\nmore\n", "b\n"), ("a", "a\nmore\n", "a"), ("", "more\n", "")] {
            let folder = folder(&[("f", old.as_bytes())]);
            let path = folder.path().join("f");
            let change = Change::propose(&path, "", "more").expect("a change");
            assert_eq!((change.tool(), &change.input()["old_string"]), ("Edit", &json!(tail)));
            let twin = change.write().expect("it is written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), new);
            assert!(twin["structuredPatch"][0]["lines"].to_string().contains("+more"), "{twin}");
            let again = change.write();
            assert!(again.is_err_and(|sentence| sentence.contains("has changed since")));
        }
        let folder = folder(&[("binary", b"\xff\xfe")]);
        assert!(Change::propose(&folder.path().join("binary"), "", "more").is_err());
    }
}
