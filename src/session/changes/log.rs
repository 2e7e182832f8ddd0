//! What was seen of a session's files, turn by turn, as a file beside the contents: appended as it happens, and read again
//! when the session goes on or is looked at.
//!
//! A turn has a `begin` with the state of each repository, a `first` for each file that a tool was about to touch, and an
//! `end` with what was touched and what it was before. Knows files, no git. A line that is torn or of another kind is
//! passed over.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::kept::Before;
use crate::{domain::Diffstat, private};

const NAME: &str = "log.ndjson";

/// Files and what they were before somebody touched them.
pub type Touched = BTreeMap<Name, Before>;

/// A file's absolute path, ordered by its bytes: by components costs much where there are thousands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(pub PathBuf);

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_os_str().cmp(other.0.as_os_str())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name {}

/// A repository at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The top of its worktree.
    pub top: PathBuf,
    pub tree: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Begin {
        trees: Vec<Tree>,
    },
    First {
        path: Name,
        before: Before,
    },
    End {
        touched: Vec<(Name, Before)>,
        /// Further ones that are not listed.
        #[serde(default)]
        more: usize,
        stat: Diffstat,
    },
}

/// All turns so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Of the session: what each file was before the first turn that touched it.
    pub session: Touched,
    /// Of the turn that ended last.
    pub turn: Touched,
    pub open: Option<Open>,
    pub stat: Option<Diffstat>,
    /// Touched, and too many to be listed.
    pub more: usize,
    /// Of all repositories that were ever seen.
    pub tops: BTreeSet<PathBuf>,
}

/// A turn that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    pub trees: Vec<Tree>,
    /// What tools were about to touch.
    pub first: Touched,
}

impl History {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut history = Self::default();
        let file = match std::fs::File::open(folder.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(history),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(line) = serde_json::from_slice(&line?) {
                history.take(line);
            }
        }
        Ok(history)
    }

    pub fn know(&mut self, top: &Path) {
        self.tops.insert(top.to_owned());
    }

    pub fn take(&mut self, line: Line) {
        match line {
            Line::Begin { trees } => {
                for tree in &trees {
                    self.know(&tree.top);
                }
                self.open = Some(Open { trees, first: Touched::new() });
            }
            Line::First { path, before } => {
                self.open.get_or_insert_default().first.entry(path).or_insert(before);
            }
            Line::End { touched, more, stat } => {
                self.open = None;
                for (path, before) in &touched {
                    self.session.entry(path.clone()).or_insert_with(|| before.clone());
                }
                self.turn = touched.into_iter().collect();
                self.more = self.more.saturating_add(more);
                self.stat = Some(stat);
            }
        }
    }
}

/// A new line after a torn one stands by itself.
pub fn append(folder: &Path, line: &Line) -> io::Result<()> {
    super::make_folder(folder)?;
    let mut text = serde_json::to_vec(line)?;
    text.insert(0, b'\n');
    private::open(OpenOptions::new().create(true).append(true), &folder.join(NAME))?.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::full;

    fn name(path: &str) -> Name {
        Name(path.into())
    }

    fn object(id: &str) -> Before {
        Before::Object { mode: 0o100_644, id: id.into() }
    }

    #[test]
    fn what_was_appended_is_read_again_and_a_torn_line_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = |tree: &str| vec![Tree { top: "/r".into(), tree: tree.into() }];
        let stat = Diffstat { files: 1, added: 2, removed: 0 };
        let end = |id: &str| Line::End { touched: vec![(name("/r/a"), object(id))], more: 0, stat };
        let lines = [
            Line::Begin { trees: tree("t1") },
            end("1"),
            Line::Begin { trees: tree("t2") },
            Line::First { path: name("/x"), before: Before::Absent },
        ];
        lines.iter().for_each(|line| append(folder.path(), line).expect("written"));
        let torn = |text: &str| {
            let mut file = OpenOptions::new().append(true).open(folder.path().join(NAME)).expect("the log");
            file.write_all(text.as_bytes()).expect("written");
        };
        torn("\n{\"end\":{\"touch");
        append(folder.path(), &Line::First { path: name("/x"), before: object("2") }).expect("written");
        torn("\n{\"later\":1}");
        let history = History::read(folder.path()).expect("a log");
        let open = history.open.as_ref().expect("the turn was cut off");
        assert_eq!((&open.trees, open.first.get(&name("/x"))), (&tree("t2"), Some(&Before::Absent)));
        assert_eq!((history.stat, history.tops.len(), history.more), (Some(stat), 1, 0));
        append(folder.path(), &end("3")).expect("written");
        let history = History::read(folder.path()).expect("a log");
        assert_eq!(history.open, None);
        assert_eq!(history.session[&name("/r/a")], object("1"), "the first turn's is the session's");
        assert_eq!(history.turn[&name("/r/a")], object("3"));
    }

    #[test]
    fn no_log_is_an_empty_one() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(History::read(folder.path()).expect("nothing"), History::default());
        assert_eq!(fs_entries(folder.path()), 0, "reading leaves nothing behind");
    }

    fn fs_entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).expect("a folder").count()
    }

    #[test]
    fn at_whatever_byte_the_disk_is_full_the_turns_of_before_are_known_and_the_next_is() {
        full::apart(
            module_path!(),
            "at_whatever_byte_the_disk_is_full_the_turns_of_before_are_known_and_the_next_is",
            || {
                let end = |id: &str| Line::End {
                    touched: vec![(name("/r/a"), object(id))],
                    more: 0,
                    stat: Diffstat { files: 1, added: 2, removed: 0 },
                };
                for room in 0..=serde_json::to_vec(&end("2")).expect("JSON").len() {
                    let folder = tempfile::tempdir().expect("a folder");
                    append(folder.path(), &end("1")).expect("written");
                    let before = std::fs::read(folder.path().join(NAME)).expect("the log");
                    let known = History::read(folder.path()).expect("a log");
                    let full = full::with_room(before.len() + room, || append(folder.path(), &end("2")));
                    assert_eq!(full.expect_err("no room").raw_os_error(), Some(libc::EFBIG));
                    assert_eq!(History::read(folder.path()).expect("a log"), known, "{room}");
                    append(folder.path(), &end("3")).expect("there is room");
                    let history = History::read(folder.path()).expect("a log");
                    let both = (&history.session[&name("/r/a")], &history.turn[&name("/r/a")]);
                    assert_eq!(both, (&object("1"), &object("3")), "{room}");
                }
            },
        );
    }
}
