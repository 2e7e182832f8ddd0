//! Conversations as files, so that one goes on after whatever has ended its process.
//!
//! A JSON value a line, only ever added to: a header `{conversation, id, cwd}`, then `{message}`, `{model}`,
//! `{counted: {messages, tokens}}`, and `{back_to}` where messages were taken back. A line that was cut off by a crash is
//! passed over. The files are their owner's alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::private;

/// Of the format.
const VERSION: u64 = 1;

/// The first `messages` of a conversation fill `tokens` of the context, tools and instructions included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) messages: usize,
    pub(super) tokens: u64,
}

/// What a file has kept.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) messages: Vec<Value>,
    pub(super) model: Option<String>,
    pub(super) counted: Counted,
}

pub(super) struct Store {
    file: File,
    path: PathBuf,
}

impl Store {
    /// A new one. The file is there before anything is said, so that its id can be told.
    pub(super) fn create(folder: &Path, id: &str, cwd: &Path) -> io::Result<Self> {
        private::folder(folder)?;
        let path = file(folder, id);
        let file = private::open(OpenOptions::new().append(true).create_new(true), &path)?;
        let mut store = Self { file, path };
        store.line(&json!({"conversation": VERSION, "id": id, "cwd": cwd}))?;
        Ok(store)
    }

    /// An earlier one with what it has kept; `None` if there is none of this id.
    pub(super) fn open(folder: &Path, id: &str) -> io::Result<Option<(Self, Kept)>> {
        // An id is ours and never a path.
        if Uuid::parse_str(id).is_err() {
            return Ok(None);
        }
        let path = file(folder, id);
        let mut file = match private::open(OpenOptions::new().read(true).append(true), &path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        file.seek(SeekFrom::End(0))?;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            file.write_all(b"\n")?;
        }
        Ok(Some((Self { file, path }, read(&String::from_utf8_lossy(&bytes)))))
    }

    /// The id of the newest that was begun in this directory.
    pub(super) fn newest(folder: &Path, cwd: &Path) -> Option<String> {
        let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
            .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
            .collect();
        files.sort();
        files.into_iter().rev().find_map(|(_, path)| {
            let mut head = Vec::new();
            File::open(path).ok()?.take(64 * 1024).read_to_end(&mut head).ok()?;
            let header: Value = serde_json::from_slice(head.split(|byte| *byte == b'\n').next()?).ok()?;
            let here = header["cwd"].as_str() == cwd.to_str();
            header["id"].as_str().filter(|_| here).map(str::to_owned)
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn message(&mut self, message: &Value) -> io::Result<()> {
        self.line(&json!({"message": message}))
    }

    pub(super) fn model(&mut self, model: &str) -> io::Result<()> {
        self.line(&json!({"model": model}))
    }

    pub(super) fn counted(&mut self, counted: Counted) -> io::Result<()> {
        self.line(&json!({"counted": {"messages": counted.messages, "tokens": counted.tokens}}))
    }

    pub(super) fn back_to(&mut self, length: usize) -> io::Result<()> {
        self.line(&json!({"back_to": length}))
    }

    /// In one write, so that two processes that have the same conversation do not cut into each other's lines.
    fn line(&mut self, value: &Value) -> io::Result<()> {
        let mut line = value.to_string();
        line.push('\n');
        self.file.write_all(line.as_bytes())
    }
}

fn file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.ndjson"))
}

fn read(text: &str) -> Kept {
    let mut kept = Kept::default();
    for line in text.lines() {
        let Ok(mut value) = serde_json::from_str::<Value>(line) else { continue };
        if value["message"]["role"].is_string() {
            kept.messages.push(value["message"].take());
        } else if let Some(model) = value["model"].as_str() {
            kept.model = Some(model.to_owned());
        } else if let (Some(messages), Some(tokens)) =
            (value["counted"]["messages"].as_u64(), value["counted"]["tokens"].as_u64())
        {
            kept.counted = Counted { messages: usize::try_from(messages).unwrap_or(usize::MAX), tokens };
        } else if let Some(length) = value["back_to"].as_u64() {
            kept.messages.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            if kept.counted.messages > kept.messages.len() {
                kept.counted = Counted::default();
            }
        }
    }
    if kept.counted.messages > kept.messages.len() {
        kept.counted = Counted::default();
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn message(text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn id() -> String {
        Uuid::new_v4().to_string()
    }

    #[test]
    fn what_was_said_comes_back_and_what_was_taken_back_does_not() {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, id) = (home.path().join("agor/ollama"), id());
        let mut store = Store::create(&folder, &id, Path::new("/p")).expect("a file");
        store.message(&message("one")).expect("written");
        store.model("m:1b").expect("written");
        store.counted(Counted { messages: 1, tokens: 30 }).expect("written");
        store.message(&message("two")).expect("written");
        store.back_to(1).expect("written");
        drop(store);
        // A crash has cut a line.
        let path = file(&folder, &id);
        let mut torn = OpenOptions::new().append(true).open(&path).expect("the file");
        torn.write_all(b"{\"message\": {\"role\": \"us").expect("written");
        let (mut store, kept) = Store::open(&folder, &id).expect("readable").expect("there");
        let expect = Kept {
            messages: vec![message("one")],
            model: Some("m:1b".into()),
            counted: Counted { messages: 1, tokens: 30 },
        };
        assert_eq!(kept, expect);
        store.message(&message("three")).expect("written");
        drop(store);
        let (_, kept) = Store::open(&folder, &id).expect("readable").expect("there");
        assert_eq!(kept.messages, [message("one"), message("three")]);
    }

    #[test]
    fn the_files_are_their_owners_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, id) = (home.path().join("ollama"), id());
        let store = Store::create(&folder, &id, Path::new("/p")).expect("a file");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(store.path())), (0o700, 0o600));
    }

    #[test]
    fn an_id_is_never_a_path() {
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("x.ndjson"), "{\"message\":{\"role\":\"user\"}}\n").expect("written");
        for id in ["x", "../x", "/etc/passwd", ""] {
            assert!(Store::open(&home.path().join("sub"), id).expect("no error").is_none(), "{id}");
            assert!(Store::open(home.path(), id).expect("no error").is_none(), "{id}");
        }
        assert!(Store::open(home.path(), &Uuid::nil().to_string()).expect("no error").is_none());
    }

    #[test]
    fn the_newest_of_a_directory_is_found() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(Store::newest(&home.path().join("none"), Path::new("/p")), None);
        let ids = [id(), id(), id()];
        for (age, (id, cwd)) in ids.iter().zip(["/p", "/p", "/q"]).enumerate() {
            let store = Store::create(home.path(), id, Path::new(cwd)).expect("a file");
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 * age as u64);
            store.file.set_modified(time).expect("a time");
        }
        fs::write(home.path().join("odd.ndjson"), "no header").expect("written");
        assert_eq!(Store::newest(home.path(), Path::new("/p")).as_ref(), Some(&ids[1]));
        assert_eq!(Store::newest(home.path(), Path::new("/r")), None);
    }
}
