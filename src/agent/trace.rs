//! The wire of one session, whole, in a file: only while the user wants it. Secrets are masked before they come here. Each
//! line in it is whole, whatever became of the disk or the machine: a trace is there to be replayed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
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
    /// Bytes of whole lines in it.
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
        let mut file = private::open(OpenOptions::new().read(true).append(true).create(true), path)?;
        let len = file.metadata()?.len();
        let written = whole_lines(&mut file, len)?;
        if written < len {
            file.set_len(written)?;
        }
        Ok(Self { file, written })
    }

    /// After an error there is nothing of the line in the file.
    pub fn write(&mut self, direction: Direction, line: &str) -> io::Result<()> {
        if self.written >= MAX_BYTES {
            return Ok(());
        }
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned()));
        let dir = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let mut text = json!({ "ms": u64::try_from(ms).unwrap_or(u64::MAX), "dir": dir, "msg": message }).to_string();
        text.push('\n');
        if self.written + text.len() as u64 >= MAX_BYTES {
            text.push_str("{\"end\":\"the trace is full: 64 MiB\"}\n");
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            if let Err(torn) = self.file.set_len(self.written) {
                tracing::warn!(error = %torn, "a part of a line stays in the trace");
            }
            return Err(error);
        }
        self.written += text.len() as u64;
        Ok(())
    }
}

/// The bytes up to the end of the last line that has one: behind it stands what a machine that went away has left.
fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    let (mut end, mut piece) = (len, [0; 4096]);
    while end > 0 {
        let from = end.saturating_sub(piece.len() as u64);
        let piece = &mut piece[..(end - from) as usize];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
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
    use crate::private::full;

    #[test]
    fn a_trace_can_be_replayed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.ndjson");
        let mut trace = Trace::open(&path).expect("a trace");
        trace.write(Direction::In, "{\"type\":\"query\"}").expect("written");
        trace.write(Direction::Out, "garbage").expect("written");
        let text = fs::read_to_string(&path).expect("readable");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((&lines[0]["dir"], &lines[0]["msg"]["type"]), (&json!("in"), &json!("query")));
        assert_eq!((&lines[1]["dir"], &lines[1]["msg"]), (&json!("out"), &json!("garbage")));
    }

    #[test]
    fn at_whatever_byte_the_disk_is_full_each_line_is_whole() {
        full::apart(module_path!(), "at_whatever_byte_the_disk_is_full_each_line_is_whole", || {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("s.ndjson");
            let mut trace = Trace::open(&path).expect("a trace");
            trace.write(Direction::In, "one").expect("written");
            let before = fs::read(&path).expect("readable");
            for room in 0..before.len() {
                let written = full::with_room(before.len() + room, || trace.write(Direction::In, "two"));
                assert_eq!(written.expect_err("no room").to_string(), "File too large (os error 27)");
                assert_eq!(fs::read(&path).expect("readable"), before, "{room}");
            }
            trace.write(Direction::In, "three").expect("written");
            let text = fs::read_to_string(&path).expect("readable");
            assert!(text.lines().count() == 2 && text.ends_with("\"msg\":\"three\"}\n"), "{text}");
        });
    }

    #[test]
    fn what_a_machine_that_went_away_has_left_of_a_line_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.ndjson");
        let check = |whole: &str, torn: &str| {
            fs::write(&path, format!("{whole}{torn}")).expect("a file");
            let mut trace = Trace::open(&path).expect("a trace");
            trace.write(Direction::In, "next").expect("written");
            let text = fs::read_to_string(&path).expect("readable");
            let next = text.strip_prefix(whole).expect("what is whole stays");
            assert!(next.starts_with('{') && next.ends_with("\"msg\":\"next\"}\n"), "{next}");
        };
        check("", "");
        check("", "{\"dir\"");
        check("{}\n", "");
        check("{}\n{\"a\":1}\n", "{\"dir\"");
        check("{}\n", &"x".repeat(10_000));
        check(&format!("{}\n", "x".repeat(4095)), &"\0".repeat(4096));
    }

    #[test]
    fn a_symlink_in_its_place_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.ndjson");
        std::os::unix::fs::symlink(folder.path().join("target"), &path).expect("a link");
        assert!(Trace::open(&path).is_err());
    }
}
