//! A change of one file: worked out from what a model wants, shown, and made if it is allowed.

use std::io;

use super::Arguments;
use crate::{
    agent::adapter::diff,
    domain::FileDiff,
    runner::ollama::root::{MAX_FILE, Place, Root, Text, plain},
};

pub(in crate::runner::ollama) struct Change {
    place: Place,
    /// What is there now; `None` if there is nothing.
    old: Option<Text>,
    new: String,
}

impl Change {
    /// A piece of a file by another.
    pub(super) fn edit(root: &Root, arguments: &Arguments) -> Result<Self, String> {
        let path = arguments.text("path")?;
        let (old, new) = (arguments.text("old_text")?, arguments.text("new_text")?);
        let place = root.resolve(path)?;
        if old.is_empty() {
            return Err("old_text is empty: write_file writes whole files".to_owned());
        }
        if old == new {
            return Err("old_text and new_text are the same".to_owned());
        }
        let text = root.read(&place)?;
        let (mut old, mut new) = (old.to_owned(), new.to_owned());
        // Models write `\n` also where the file has `\r\n`.
        if !text.text.contains(&old) && text.text.contains("\r\n") {
            let windows = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
            (old, new) = (windows(&old), windows(&new));
        }
        let changed = match text.text.matches(&old).count() {
            0 => return Err(format!("old_text is not in {path}: read the file and copy the piece exactly")),
            1 => text.text.replacen(&old, &new, 1),
            _ if arguments.switch("all") => text.text.replace(&old, &new),
            count => {
                return Err(format!(
                    "old_text is in {path} {count} times: give more lines around it, or set all to replace them all"
                ));
            }
        };
        Self::of(place, Some(text), changed)
    }

    /// A whole file.
    pub(super) fn write(root: &Root, arguments: &Arguments) -> Result<Self, String> {
        let (path, new) = (arguments.text("path")?, arguments.text("content")?);
        let place = root.resolve(path)?;
        if place.relative().as_os_str().is_empty() || path.ends_with('/') {
            return Err(format!("{path} is a directory"));
        }
        let old = if root.absolute(&place).symlink_metadata().is_ok() { Some(root.read(&place)?) } else { None };
        if old.as_ref().is_some_and(|old| old.text == new) {
            return Err(format!("{path} has this text already"));
        }
        Self::of(place, old, new.to_owned())
    }

    fn of(place: Place, old: Option<Text>, new: String) -> Result<Self, String> {
        if new.len() as u64 > MAX_FILE {
            return Err(format!("the file would be larger than {} MiB", MAX_FILE / 1024 / 1024));
        }
        Ok(Self { place, old, new })
    }

    /// For people: relative to the project's directory.
    pub(in crate::runner::ollama) fn title(&self) -> String {
        self.place.relative().display().to_string()
    }

    pub(in crate::runner::ollama) fn diff(&self, root: &Root) -> FileDiff {
        let hunks = match &self.old {
            None => vec![diff::added(&self.new)],
            Some(old) => diff::of_file(&old.text, &self.new),
        };
        FileDiff { path: root.absolute(&self.place).to_string_lossy().into_owned(), hunks }
    }

    /// Makes the change that was shown, or none. The sentence is for the model.
    pub(in crate::runner::ollama) fn make(&self, root: &Root) -> Result<String, String> {
        let name = self.title();
        let written = match &self.old {
            None => root.create(&self.place, &self.new),
            Some(old) => {
                // The user may have taken a while to decide, and have changed it meanwhile.
                if root.read(&self.place).ok().is_none_or(|now| now.text != old.text) {
                    return Err(format!("{name} was changed meanwhile by somebody else: read it again"));
                }
                root.replace(&self.place, old, &self.new)
            }
        };
        match written {
            Ok(()) if self.old.is_none() => Ok(format!("{name} was created")),
            Ok(()) => Ok(format!("{name} was changed")),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(format!("{name} was created meanwhile by somebody else: read it"))
            }
            Err(error) => Err(format!("{name} could not be written: {}", plain(&error))),
        }
    }
}
