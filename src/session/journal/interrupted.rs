//! Sessions that were cut off and that the user has not been told of. Who was told of what is a file of lines, an id and
//! when its journal was written last: one that is cut off again is told of again.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use super::{JournalError, list};
use crate::private;

/// Older ones are no news.
const RECENT: i64 = 7 * 24 * 3600 * 1000;
/// As many journals are looked at, the newest first: this is asked when the backend starts.
const MOST: usize = 50;
/// Lines that are kept.
const KEPT: usize = 200;

/// How many sessions around a directory were at work when their backend went away, and are told of for the first time.
/// `now` in Unix milliseconds.
pub fn interrupted(folder: &Path, told: Option<&Path>, around: &Path, now: i64) -> Result<usize, JournalError> {
    let cut_off = list::newest(folder, around, MOST, now - RECENT)?;
    let cut_off = cut_off.into_iter().filter(|listed| listed.interrupted);
    let lines: Vec<String> = cut_off.map(|listed| format!("{} {}", listed.session_id, listed.updated_at)).collect();
    let text = told.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let known: BTreeSet<&str> = text.lines().collect();
    let news: Vec<String> = lines.into_iter().filter(|line| !known.contains(line.as_str())).collect();
    if let Some(path) = told.filter(|_| !news.is_empty()) {
        let all: Vec<&str> = text.lines().chain(news.iter().map(String::as_str)).collect();
        let kept = all[all.len().saturating_sub(KEPT)..].join("\n") + "\n";
        if let Err(error) = write(path, &kept) {
            tracing::warn!(%error, path = %path.display(), "what was interrupted will be told of again");
        }
    }
    Ok(news.len())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private::folder(folder)?;
    }
    let begun = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = private::open(OpenOptions::new().write(true).create(true).truncate(true), &begun)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&begun, path));
    if written.is_err() {
        let _ = fs::remove_file(&begun);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::SessionId,
        session::journal::{Journal, Standing, header, path},
    };

    fn journal(folder: &Path, name: &str, cwd: &str, unfinished: bool, updated_at: i64) {
        let id = SessionId::parse(name).expect("a good id");
        let _ = fs::remove_file(path(folder, &id));
        let mut journal =
            Journal::create(Some(folder), &header(id.clone(), "demo", cwd.as_ref(), 1)).expect("a journal");
        journal.stand(&Standing { model: "m".into(), unfinished, ..Standing::default() });
        let file = OpenOptions::new().append(true).open(path(folder, &id)).expect("it is there");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(updated_at.unsigned_abs());
        file.set_modified(time).expect("set");
    }

    #[test]
    fn each_is_told_of_once_and_again_when_it_is_cut_off_again() {
        let root = tempfile::tempdir().expect("a folder");
        let (folder, told) = (root.path().join("sessions"), root.path().join("state/interrupted"));
        let now = 10 * RECENT;
        let ask = || interrupted(&folder, Some(&told), "/none/such".as_ref(), now).expect("a number");
        assert_eq!(ask(), 0, "there is nothing");
        journal(&folder, "a", "/none/such", true, now - 1);
        journal(&folder, "b", "/none/such/below", true, now - 2);
        journal(&folder, "done", "/none/such", false, now - 3);
        journal(&folder, "away", "/none/else", true, now - 4);
        journal(&folder, "old", "/none/such", true, now - RECENT - 1);
        assert_eq!([ask(), ask()], [2, 0]);
        journal(&folder, "b", "/none/such/below", true, now - 1);
        assert_eq!([ask(), ask()], [1, 0]);
        assert_eq!(interrupted(&folder, None, "/none/such".as_ref(), now).ok(), Some(2), "nothing says who was told");
        assert_eq!(fs::read_to_string(&told).expect("a file").lines().count(), 3);
        assert_eq!(fs::read_dir(told.parent().expect("a folder")).expect("it is there").count(), 1);
    }
}
