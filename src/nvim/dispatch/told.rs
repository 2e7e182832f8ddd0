//! Answers that are more than a value: texts may be long and go by a file that the editor removes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rmpv::Value;

use crate::{
    nvim::encode::{self, table},
    session::{Found, WorktreeAnswer},
};

/// Lines of a whole entry that have colours: what the editor takes in one go.
const MARKED_LINES: usize = 2_000;

pub(super) fn worktree_told(answer: WorktreeAnswer) -> Result<Value, String> {
    Ok(match answer {
        WorktreeAnswer::List(looks) => encode::value(&looks),
        WorktreeAnswer::Look(look) => encode::value(&look),
        WorktreeAnswer::Diff(text) => table([("text_file", spill(&text)?)]),
        WorktreeAnswer::Done(said) => table([("said", said.into())]),
    })
}

/// What was found at a row. Texts may be long.
pub(super) fn told(found: Found) -> Result<Value, String> {
    Ok(match found {
        Found::Place(place) => {
            let path = ("path", place.path.into());
            // A nil within a table would not be nil in Lua.
            match place.line {
                Some(line) => table([path, ("line", line.into())]),
                None => table([path]),
            }
        }
        Found::Text(taken) => table([("text_file", spill(&taken.text)?), ("what", taken.what.into())]),
        Found::Whole(detail) => {
            let texts: Vec<&str> = detail.lines.iter().map(|line| line.text.as_str()).collect();
            let text_file = spill(texts.join("\n"))?;
            let marks = encode::marks(&detail.lines[..detail.lines.len().min(MARKED_LINES)]);
            table([("title", detail.title.into()), ("text_file", text_file), ("marks", marks)])
        }
    })
}

/// A transcript may be long: it goes by a file that the editor removes.
pub(super) fn temporary(text: &str) -> Result<Value, String> {
    Ok(table([("text_file", spill(text)?)]))
}

/// Writes a text where only the user can read it: the path.
pub(super) fn spill(text: impl AsRef<[u8]>) -> Result<Value, String> {
    let (path, mut file) = temporary_file()?;
    file.write_all(text.as_ref()).map_err(|error| not_written(&path, &error))?;
    Ok(path.to_string_lossy().into())
}

/// A new file that only the user can read, and that somebody else removes.
pub(super) fn temporary_file() -> Result<(PathBuf, File), String> {
    let name = format!("agor-text-{}.md", uuid::Uuid::new_v4().simple());
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.map_err(|error| not_written(&path, &error)).map(|file| (path, file))
}

/// What was written of it goes.
pub(super) fn not_written(path: &Path, error: &io::Error) -> String {
    let _ = fs::remove_file(path);
    format!("{} cannot be written: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Place;

    #[test]
    fn a_place_of_no_known_line_has_none() {
        let fields = |line| match told(Found::Place(Place { path: "a".into(), line })) {
            Ok(Value::Map(fields)) => fields.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fields(None), 1);
        assert_eq!(fields(Some(7)), 2);
    }
}
