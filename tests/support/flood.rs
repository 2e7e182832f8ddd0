//! A stream of very much text, and whether all of it has arrived: in the journal, in the export, at the end of what is
//! shown, byte for byte. What the agent says is in `tests/agents/flood.py`.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{Editor, Home, repository};

/// What the agent is to say, and how.
#[derive(Clone, Debug)]
pub struct Flood {
    /// `acp`, `sidecar` or `claude`.
    pub dialect: &'static str,
    /// Bytes of text, about.
    pub bytes: usize,
    /// In so many messages.
    pub texts: usize,
    /// Bytes that the agent writes at a time.
    pub write: usize,
    pub seed: u64,
}

/// Where the agent notes what it has said.
pub struct Notes(PathBuf);

impl Flood {
    /// Lua that makes the agent the only provider.
    pub fn setup(&self, home: &Home) -> (String, Notes) {
        let notes = home.path().join("notes");
        fs::create_dir_all(&notes).expect("the home takes folders");
        let Self { dialect, bytes, texts, write, seed } = self;
        let script = repository().join("tests/agents/flood.py");
        let (script, folder) = (script.display(), notes.display());
        let setup = format!(
            "vim.o.swapfile = false
             require('agor').setup({{ provider = 'flood', providers = {{ flood = {{ protocol = '{dialect}', command = {{
               'python3', '{script}', '{dialect}', '{bytes}', '{texts}', '{write}', '{seed}', '{folder}' }} }} }} }})\n"
        );
        (setup, Notes(notes))
    }
}

impl Notes {
    /// The turn's end was written.
    pub fn done(&self) -> bool {
        self.0.join("done").exists()
    }

    /// The texts that the agent has said.
    pub fn texts(&self) -> Vec<String> {
        let said = fs::read_to_string(self.0.join("said")).expect("the agent has noted what it said, as UTF-8");
        let ends = fs::read_to_string(self.0.join("ends")).expect("and where each text ends");
        let mut begin = 0;
        let mut texts = Vec::new();
        for end in ends.lines().map(|end| end.parse::<usize>().expect("a number")) {
            texts.push(said[begin..end].to_owned());
            begin = end;
        }
        assert_eq!(begin, said.len(), "the last text ends the notes");
        texts
    }
}

/// The main conversation's texts in a session's journal, in the order in which they began. Parts have to be the beginning
/// of their whole.
pub fn journalled(home: &Home, session: &str) -> Vec<String> {
    let path = home.data().join(format!("agor/sessions/{session}.ndjson"));
    let mut texts: Vec<(String, String, bool)> = Vec::new();
    for line in BufReader::new(File::open(path).expect("there is a journal")).split(b'\n') {
        let line = line.expect("it can be read");
        let message: serde_json::Value = serde_json::from_slice(&line).expect("every line is JSON");
        if message["type"] != "text" || !message["parent_id"].is_null() {
            continue;
        }
        let (id, part) = (message["id"].as_str().expect("an id"), message["part"] == true);
        let text = message["content"]["text"].as_str().expect("a text");
        match texts.iter_mut().rev().find(|(known, ..)| known == id) {
            Some((_, said, whole)) if part => {
                assert!(!*whole, "a part of {id} after its whole");
                said.push_str(text);
            }
            Some((_, said, whole)) => {
                same(&format!("the parts of {id} and its whole"), said, text);
                *whole = true;
            }
            None => texts.push((id.to_owned(), text.to_owned(), !part)),
        }
    }
    texts.into_iter().map(|(_, text, _)| text).collect()
}

/// The transcript of a session with one prompt that was answered by these texts.
pub fn as_markdown(prompt: &str, texts: &[String]) -> String {
    let mut out = format!("## Prompt\n\n{prompt}\n");
    for text in texts {
        out.push('\n');
        out.push_str(text);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// Byte for byte; a difference is told by where it is, not by 200 MB of text.
#[track_caller]
pub fn same(what: &str, found: &str, expect: &str) {
    if found == expect {
        return;
    }
    let at = found.bytes().zip(expect.bytes()).take_while(|(one, other)| one == other).count();
    let near = |text: &str| {
        let bytes = &text.as_bytes()[at.saturating_sub(40).min(text.len())..(at + 40).min(text.len())];
        String::from_utf8_lossy(bytes).into_owned()
    };
    panic!(
        "{what}: {} bytes instead of {}, another from byte {at} on: {:?} instead of {:?}",
        found.len(),
        expect.len(),
        near(found),
        near(expect)
    );
}

/// Everything that was said is there. Returns how many bytes of text that are.
#[track_caller]
pub fn all_has_arrived(editor: &Editor, session: &str, prompt: &str, notes: &Notes) -> usize {
    let texts = notes.texts();
    let journalled = journalled(editor.home(), session);
    assert_eq!(journalled.len(), texts.len(), "texts in the journal");
    for (at, (found, expect)) in journalled.iter().zip(&texts).enumerate() {
        same(&format!("text {at} in the journal"), found, expect);
    }
    same("the export", &export(editor), &as_markdown(prompt, &texts));
    texts.iter().map(String::len).sum()
}

/// `:Agor export` of the current session into a file.
#[track_caller]
pub fn export(editor: &Editor) -> String {
    let path = editor.home().path().join("export.md");
    editor.command(&format!("Agor! export {}", path.display()));
    editor.wait_notified(&format!("the transcript is in {}", path.display()));
    let text = fs::read_to_string(&path).expect("the export is there");
    let _ = fs::remove_file(&path);
    editor.command("messages clear");
    text
}

/// The text of one of `/proc/PID/status`'s fields in bytes: `VmHWM` is the most memory that a process ever had.
pub fn memory(pid: i32, field: &str) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}
