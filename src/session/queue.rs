//! Prompts that wait for their turn, as a value: in which order, and whether they are held back. No I/O, no clock.
//!
//! Whatever happens to it is a [`Step`], which journals keep: the same steps give the same queue again. A prompt that
//! stands in the transcript under an entry's id was given to the agent and waits no more, so that no moment is between
//! the two in which a machine that is cut off would lose or repeat it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::{Context, Hold, MessageId, Prompt};

/// More than that nobody means to send.
pub const MOST: usize = 1_000;
/// Of a prompt, in rows and lists.
const HEAD_CHARS: usize = 200;
/// Prompts of which rows say the beginning.
const HEADS: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Also the message's that it becomes.
    pub id: MessageId,
    pub prompt: Prompt,
    /// Somebody changes its text: it and what comes after it wait for that.
    pub edited: bool,
    /// It goes before those that are not.
    urgent: bool,
    /// It is the prompt of a turn that came to nothing, and is sent once more.
    again: bool,
    /// The journal has it.
    written: bool,
}

/// What has happened to the queue, as a line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Add {
        id: MessageId,
        at: usize,
        prompt: Prompt,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    Edit {
        id: MessageId,
        prompt: Prompt,
    },
    Move {
        id: MessageId,
        to: usize,
    },
    Drop {
        id: MessageId,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    entries: VecDeque<Entry>,
    hold: Option<Hold>,
}

/// What a list says of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub id: MessageId,
    /// The first line with something in it, shortened.
    pub head: String,
    /// Of its text.
    pub lines: usize,
    /// What goes along with it.
    pub labels: Vec<String>,
    pub edited: bool,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Why nothing of it is sent, if that is so.
    pub fn held(&self) -> Option<Hold> {
        self.hold
    }

    /// Nothing is sent of what waits now until the user wants it.
    pub fn hold(&mut self, why: Hold) {
        self.hold = (!self.is_empty()).then_some(why);
    }

    pub fn release(&mut self) {
        self.hold = None;
    }

    /// The prompt whose turn it is.
    pub fn due(&self) -> Option<&Entry> {
        self.entries.front().filter(|entry| self.hold.is_none() && !entry.edited)
    }

    pub fn get(&self, id: &MessageId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// Where it goes that is to be sent before those that wait, and after those that were to be sent so before it.
    pub fn first(&self) -> usize {
        self.entries.iter().take_while(|entry| entry.urgent).count()
    }

    /// Takes a step; false if it is about a prompt that does not wait any more.
    pub fn apply(&mut self, step: Step) -> bool {
        match step {
            Step::Add { id, at, prompt, again } => {
                let entry = Entry { id, prompt, edited: false, urgent: false, again, written: false };
                self.entries.insert(at.min(self.entries.len()), entry);
                true
            }
            Step::Edit { id, prompt } => {
                let Some(entry) = self.find(&id) else { return false };
                (entry.prompt, entry.edited) = (prompt, false);
                true
            }
            Step::Move { id, to } => {
                let Some(at) = self.place(&id) else { return false };
                let Some(entry) = self.entries.remove(at) else { return false };
                self.entries.insert(to.min(self.entries.len()), entry);
                true
            }
            Step::Drop { id } => self.take(&id).is_some(),
        }
    }

    /// It is to be sent before the others.
    pub fn hurry(&mut self, id: &MessageId) {
        if let Some(entry) = self.find(id) {
            entry.urgent = true;
        }
    }

    /// The prompt that is sent once more, if it waits.
    pub fn again(&self) -> Option<&MessageId> {
        self.entries.iter().find(|entry| entry.again).map(|entry| &entry.id)
    }

    /// False if it does not wait any more.
    pub fn set_edited(&mut self, id: &MessageId, edited: bool) -> bool {
        self.find(id).map(|entry| entry.edited = edited).is_some()
    }

    /// It waits no more.
    pub fn take(&mut self, id: &MessageId) -> Option<Entry> {
        let taken = self.entries.remove(self.place(id)?);
        if self.is_empty() {
            self.hold = None;
        }
        taken
    }

    /// It was on its way and waits again, before all others.
    pub fn put_back(&mut self, entry: Entry) {
        self.entries.push_front(entry);
    }

    pub fn take_all(&mut self) -> Vec<Entry> {
        self.hold = None;
        self.entries.drain(..).collect()
    }

    /// The steps by which those come in that no journal has yet, behind as many others; it has them from now on.
    pub fn unwritten(&mut self, before: usize) -> Vec<Step> {
        let new = self.entries.iter_mut().enumerate().filter(|(_, entry)| !entry.written);
        new.map(|(at, entry)| {
            entry.written = true;
            let Entry { id, prompt, again, .. } = entry.clone();
            Step::Add { id, at: before + at, prompt, again }
        })
        .collect()
    }

    /// All of it comes from a journal, of a backend that has ended.
    pub fn restored(mut self) -> Self {
        self.entries.iter_mut().for_each(|entry| entry.written = true);
        self.hold(Hold::Restored);
        self
    }

    /// How the first of them begin.
    pub fn heads(&self) -> Vec<String> {
        self.entries.iter().take(HEADS).map(|entry| head(&entry.prompt)).collect()
    }

    pub fn list(&self) -> Vec<Waiting> {
        let waiting = |entry: &Entry| {
            let Prompt { text, context, images, .. } = &entry.prompt;
            let images = images.iter().map(|image| format!("image {}", image.path));
            Waiting {
                id: entry.id.clone(),
                head: head(&entry.prompt),
                lines: text.trim_end().lines().count(),
                labels: context.iter().map(Context::label).chain(images).collect(),
                edited: entry.edited,
            }
        };
        self.entries.iter().map(waiting).collect()
    }

    fn place(&self, id: &MessageId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == *id)
    }

    fn find(&mut self, id: &MessageId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == *id)
    }
}

fn head(prompt: &Prompt) -> String {
    // What is looked at is bounded: a line may be a megabyte, and so may what is blank before it.
    let line = prompt.text.trim_start().lines().next().unwrap_or_default();
    let line: String = line.chars().take(HEAD_CHARS).collect();
    match line.trim_end() {
        "" => prompt.context.first().map(Context::label).unwrap_or_else(|| "an image".to_owned()),
        line => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(id: &str, at: usize) -> Step {
        Step::Add { id: id.into(), at, prompt: Prompt::new(format!("say {id}")), again: false }
    }

    fn queue(ids: &[&str]) -> Queue {
        let mut queue = Queue::default();
        ids.iter().for_each(|id| assert!(queue.apply(add(id, usize::MAX))));
        queue
    }

    fn order(queue: &Queue) -> String {
        queue.entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(step: Step, expect: &str) {
        let mut queue = queue(&["a", "b", "c"]);
        queue.apply(step);
        assert_eq!(order(&queue), expect);
    }

    #[test]
    fn a_step_changes_the_order_and_nothing_else() {
        check(add("d", 0), "d a b c");
        check(add("d", 9), "a b c d");
        check(Step::Move { id: "a".into(), to: 1 }, "b a c");
        check(Step::Move { id: "c".into(), to: 0 }, "c a b");
        check(Step::Move { id: "a".into(), to: 9 }, "b c a");
        check(Step::Drop { id: "b".into() }, "a c");
        check(Step::Edit { id: "b".into(), prompt: Prompt::new("other") }, "a b c");
    }

    #[test]
    fn a_prompt_that_has_gone_is_no_longer_changed() {
        let mut queue = queue(&["a"]);
        for step in [
            Step::Move { id: "x".into(), to: 0 },
            Step::Drop { id: "x".into() },
            Step::Edit { id: "x".into(), prompt: Prompt::default() },
        ] {
            assert!(!queue.apply(step));
        }
        assert!(!queue.set_edited(&"x".into(), true));
        assert_eq!(order(&queue), "a");
    }

    #[test]
    fn nothing_is_due_while_it_is_held_or_edited() {
        let mut queue = queue(&["a", "b"]);
        assert_eq!(queue.due().map(|entry| entry.id.as_str()), Some("a"));
        queue.set_edited(&"a".into(), true);
        assert_eq!(queue.due(), None, "what comes after it waits too");
        assert!(queue.apply(Step::Edit { id: "a".into(), prompt: Prompt::new("other") }));
        assert_eq!(queue.due().map(|entry| entry.prompt.text.as_str()), Some("other"));
        queue.hold(Hold::Interrupted);
        assert_eq!((queue.due(), queue.held()), (None, Some(Hold::Interrupted)));
        queue.release();
        assert!(queue.due().is_some());
    }

    #[test]
    fn an_empty_queue_is_never_held() {
        let mut queue = Queue::default();
        queue.hold(Hold::Ended);
        assert_eq!(queue.held(), None);
        queue.apply(add("a", 0));
        queue.hold(Hold::Ended);
        queue.take(&"a".into());
        assert_eq!(queue.held(), None);
    }

    #[test]
    fn what_hurries_stays_in_its_order() {
        let mut queue = queue(&["a", "b"]);
        for id in ["x", "y"] {
            let at = queue.first();
            queue.apply(add(id, at));
            queue.hurry(&id.into());
        }
        assert_eq!(order(&queue), "x y a b");
    }

    #[test]
    fn the_journal_gets_each_once_and_gives_the_same_queue() {
        let mut queue = queue(&["a", "b"]);
        let mut steps = queue.unwritten(0);
        assert_eq!(queue.unwritten(0), []);
        queue.apply(add("x", 0));
        steps.extend(queue.unwritten(0));
        let mut again = Queue::default();
        for step in steps {
            let line = serde_json::to_string(&step).expect("JSON");
            again.apply(serde_json::from_str(&line).expect("a step"));
        }
        let again = again.restored();
        assert_eq!((order(&again).as_str(), again.held()), ("x a b", Some(Hold::Restored)));
    }

    #[test]
    fn a_list_says_how_each_begins_and_what_goes_along() {
        let context = Context { path: "a.rs".into(), first_line: 3, last_line: 4, ..Context::default() };
        let mut queue = Queue::default();
        for (id, prompt) in [
            ("a", Prompt::new("\n\n  one  \ntwo\n")),
            ("b", Prompt { context: vec![context], ..Prompt::default() }),
            ("c", Prompt::new("x".repeat(1024 * 1024))),
        ] {
            queue.apply(Step::Add { id: id.into(), at: 9, prompt, again: false });
        }
        let list = queue.list();
        assert_eq!((list[0].head.as_str(), list[0].lines), ("one", 4));
        assert_eq!((list[1].head.as_str(), list[1].labels.join(" ").as_str()), ("a.rs:3-4", "a.rs:3-4"));
        assert_eq!(list[2].head.len(), HEAD_CHARS);
        assert_eq!(queue.heads().len(), HEADS);
    }
}
