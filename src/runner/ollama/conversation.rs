//! What was said so far, as the server wants to hear it again each time, and how much of the context it fills.
//!
//! The server silently drops the oldest messages of a prompt that is longer than its context; here nothing is dropped, and
//! whoever asks learns that it does not fit. Kept in a file by `store`; knows nothing of connections.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::store::{Counted, Kept, Store};

/// Bytes of a token, roughly: fewer in code, more in prose. Only for what the server has not counted yet.
const BYTES_PER_TOKEN: f64 = 3.5;
/// Tokens of a picture, roughly: models differ widely.
const IMAGE_TOKENS: u64 = 800;

#[derive(Default)]
pub(super) struct Conversation {
    id: String,
    messages: Vec<Value>,
    /// The model that was last chosen.
    model: Option<String>,
    /// What the server has counted.
    counted: Counted,
    keeping: Keeping,
    /// Why it could not be kept, to be told once.
    complaint: Option<String>,
}

#[derive(Default)]
enum Keeping {
    #[default]
    Not,
    /// In this folder, as soon as there is something to keep.
    Later {
        folder: PathBuf,
        cwd: PathBuf,
    },
    Now(Store),
}

impl Conversation {
    /// Without a folder it ends with this process.
    pub(super) fn new(id: String, folder: Option<PathBuf>, cwd: &Path) -> Self {
        let complaint = folder.is_none().then(|| "there is neither XDG_STATE_HOME nor HOME".to_owned());
        let keeping = folder.map_or(Keeping::Not, |folder| Keeping::Later { folder, cwd: cwd.to_owned() });
        Self { id, keeping, complaint, ..Self::default() }
    }

    pub(super) fn resumed(id: String, kept: Kept, store: Store) -> Self {
        let Kept { messages, model, counted } = kept;
        Self { id, messages, model, counted, keeping: Keeping::Now(store), complaint: None }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn messages(&self) -> &[Value] {
        &self.messages
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Why the conversation will not outlive this process, once.
    pub(super) fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    pub(super) fn push(&mut self, message: Value) {
        self.keep(|store| store.message(&message));
        self.messages.push(message);
    }

    pub(super) fn set_model(&mut self, model: &str) {
        if self.model.as_deref() != Some(model) {
            self.model = Some(model.to_owned());
            self.keep(|store| store.model(model));
        }
    }

    /// As if what was said after the first `length` messages had never been.
    pub(super) fn back_to(&mut self, length: usize) {
        if length >= self.messages.len() {
            return;
        }
        self.messages.truncate(length);
        if self.counted.messages > length {
            // The count of fewer messages is not known; what is left is reckoned.
            self.counted = Counted::default();
        }
        self.keep(|store| store.back_to(length));
    }

    /// The server's count after an answer: it may well be smaller than the one before, since templates leave out what a
    /// model has thought in earlier turns. Older servers do not count what they had in their cache; what is far below
    /// anything that the words could cost is not believed.
    pub(super) fn count(&mut self, prompt: u64, answer: u64, overhead: usize) {
        let told = prompt.saturating_add(answer);
        let words = cost(&self.messages, overhead);
        let tokens = if told >= words / 2 { told } else { self.reckon(overhead).max(self.counted.tokens) };
        self.counted = Counted { messages: self.messages.len(), tokens };
        let counted = self.counted;
        self.keep(|store| store.counted(counted));
    }

    /// Tokens that the conversation fills, about. `overhead` is what goes along with it unsaid, in bytes.
    pub(super) fn reckon(&self, overhead: usize) -> u64 {
        let overhead = if self.counted.messages == 0 { overhead } else { 0 };
        self.counted.tokens + cost(self.messages.get(self.counted.messages..).unwrap_or_default(), overhead)
    }

    /// The session goes on whatever becomes of the file.
    fn keep(&mut self, write: impl FnOnce(&mut Store) -> std::io::Result<()>) {
        if let Keeping::Later { folder, cwd } = &self.keeping {
            self.keeping = match Store::create(folder, &self.id, cwd) {
                Ok(store) => Keeping::Now(store),
                Err(error) => {
                    self.complaint = Some(format!("{} cannot be written: {error}", folder.display()));
                    Keeping::Not
                }
            };
        }
        if let Keeping::Now(store) = &mut self.keeping
            && let Err(error) = write(store)
        {
            self.complaint = Some(format!("{} cannot be written: {error}", store.path().display()));
            self.keeping = Keeping::Not;
        }
    }
}

/// Tokens of messages that nobody has counted, about. Thoughts are left out, as they are by most templates.
fn cost(messages: &[Value], overhead: usize) -> u64 {
    let bytes: usize = messages.iter().map(bytes).sum::<usize>() + overhead;
    let images: u64 = messages.iter().map(|message| list(message, "images").len() as u64).sum();
    (bytes as f64 / BYTES_PER_TOKEN) as u64 + images * IMAGE_TOKENS
}

fn bytes(message: &Value) -> usize {
    let content = message["content"].as_str().map_or(0, str::len);
    let calls = list(message, "tool_calls").iter().map(|call| call["function"].to_string().len()).sum::<usize>();
    content + calls + 8
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn conversation() -> Conversation {
        Conversation::new("c".into(), None, Path::new("/p"))
    }

    fn user(text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    #[test]
    fn what_the_server_has_counted_is_not_reckoned_again() {
        let mut talk = conversation();
        talk.push(user(&"x".repeat(3500 - 8)));
        assert_eq!(talk.reckon(0), 1000);
        assert_eq!(talk.reckon(350), 1100);
        talk.count(700, 50, 350);
        assert_eq!(talk.reckon(350), 750);
        talk.push(user(&"x".repeat(350 - 8)));
        assert_eq!(talk.reckon(350), 850);
    }

    #[test]
    fn thoughts_of_the_past_are_forgotten_by_the_server_and_here() {
        let mut talk = conversation();
        talk.push(user("a"));
        talk.push(json!({"role": "assistant", "content": "b", "thinking": "x".repeat(7000)}));
        talk.count(30, 2000, 0);
        assert_eq!(talk.reckon(0), 2030);
        talk.push(user("c"));
        talk.count(40, 10, 0);
        assert_eq!(talk.reckon(0), 50);
    }

    #[test]
    fn a_count_that_is_less_than_the_words_could_cost_is_not_believed() {
        let mut talk = conversation();
        talk.push(user(&"x".repeat(3500 - 8)));
        talk.count(1000, 10, 0);
        talk.push(user(&"x".repeat(700 - 8)));
        // The cache had all but the newest message.
        talk.count(200, 10, 0);
        assert_eq!(talk.reckon(0), 1210);
    }

    #[test]
    fn a_turn_that_was_not_taken_leaves_nothing() {
        let mut talk = conversation();
        talk.push(user("a"));
        talk.count(10, 5, 0);
        talk.push(user("b"));
        talk.back_to(1);
        assert_eq!((talk.messages().len(), talk.reckon(0)), (1, 15));
        talk.back_to(7);
        assert_eq!(talk.messages().len(), 1);
        talk.back_to(0);
        assert_eq!(talk.reckon(0), 0);
    }

    #[test]
    fn pictures_and_calls_count() {
        let mut talk = conversation();
        talk.push(json!({"role": "user", "content": "", "images": ["AAAA"]}));
        assert_eq!(talk.reckon(0), 802);
        let call = json!({"function": {"name": "write_file", "arguments": {"content": "x".repeat(3500)}}});
        talk.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
        assert!(talk.reckon(0) > 1800);
    }

    #[test]
    fn that_it_cannot_be_kept_is_told_once() {
        let mut talk = conversation();
        assert!(talk.complaint().expect("a complaint").contains("XDG_STATE_HOME"));
        assert_eq!(talk.complaint(), None);
        let folder = tempfile::NamedTempFile::new().expect("a file, which is no folder");
        let mut talk = Conversation::new("c".into(), Some(folder.path().join("x")), Path::new("/p"));
        assert_eq!(talk.complaint(), None);
        talk.push(user("a"));
        talk.push(user("b"));
        assert!(talk.complaint().expect("a complaint").contains("cannot be written"));
        assert_eq!((talk.complaint(), talk.messages().len()), (None, 2));
    }
}
