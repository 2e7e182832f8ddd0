//! The wire of one session, whole, in a file: only while the user wants it. Secrets are masked before they come here.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{domain::SessionId, private};

/// A trace ends here; a line says so.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug)]
pub struct Trace {
    file: File,
    written: u64,
}

/// As the agent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

impl Trace {
    pub fn path(folder: &Path, session: &SessionId) -> PathBuf {
        folder.join(format!("{session}.ndjson"))
    }

    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            private::folder(folder)?;
            remove_old(folder);
        }
        let file = private::open(OpenOptions::new().append(true).create(true), path)?;
        let written = file.metadata()?.len();
        Ok(Self { file, written })
    }

    pub fn write(&mut self, direction: Direction, line: &str) {
        if self.written >= MAX_BYTES {
            return;
        }
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned()));
        let dir = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let mut text = json!({ "ms": u64::try_from(ms).unwrap_or(u64::MAX), "dir": dir, "msg": message }).to_string();
        text.push('\n');
        self.written += text.len() as u64;
        if self.written >= MAX_BYTES {
            text.push_str("{\"end\":\"the trace is full: 64 MiB\"}\n");
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            tracing::warn!(%error, "the trace cannot be written");
            self.written = MAX_BYTES;
        }
    }
}

fn remove_old(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.flatten() {
        let old = file
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > MAX_AGE));
        if old && file.path().extension().is_some_and(|extension| extension == "ndjson") {
            let _ = fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_can_be_replayed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.ndjson");
        let mut trace = Trace::open(&path).expect("a trace");
        trace.write(Direction::In, "{\"type\":\"query\"}");
        trace.write(Direction::Out, "garbage");
        let text = fs::read_to_string(&path).expect("readable");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((&lines[0]["dir"], &lines[0]["msg"]["type"]), (&json!("in"), &json!("query")));
        assert_eq!((&lines[1]["dir"], &lines[1]["msg"]), (&json!("out"), &json!("garbage")));
    }

    #[test]
    fn a_symlink_in_its_place_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.ndjson");
        std::os::unix::fs::symlink(folder.path().join("target"), &path).expect("a link");
        assert!(Trace::open(&path).is_err());
    }
}
