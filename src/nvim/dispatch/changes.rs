//! What a session has changed in files, in the shapes of the editor's quickfix list.

use std::path::Path;

use rmpv::Value;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::{Callback, Dispatch, decode, finish, told::spill};
use crate::{
    nvim::encode::table,
    session::{Change, Changes, Earlier, Request, Scope, Spot},
};

/// Entries of a list: nobody goes through more, and Neovim takes them in one go.
const MOST: usize = 5_000;

impl Dispatch {
    pub(super) fn changes(&self, json: Json, callback: &Callback) -> Result<(), String> {
        let decode::OfChanges { session_id: session, turn, environ, .. } = decode::read("changes", json)?;
        let (reply, answer) = oneshot::channel();
        self.hub.send(Request::Changes { session, scope: scope(turn), environ, reply });
        finish(callback.clone(), answer, list);
        Ok(())
    }

    pub(super) fn before(&self, json: Json, callback: &Callback) -> Result<(), String> {
        let decode::OfChanges { session_id: session, turn, environ, path } = decode::read("before", json)?;
        if !path.is_absolute() {
            return Err(format!("before: path must be absolute, not \"{}\"", path.display()));
        }
        let (reply, answer) = oneshot::channel();
        self.hub.send(Request::Before { session, path, scope: scope(turn), environ, reply });
        self.finish_beside(callback, answer, earlier);
        Ok(())
    }
}

fn scope(turn: bool) -> Scope {
    if turn { Scope::Turn } else { Scope::Session }
}

fn earlier(found: Earlier) -> Result<Value, String> {
    let mut fields = vec![("path", name(&found.path))];
    fields.extend(found.was.map(|was| ("was", name(&was))));
    if let Some(text) = found.text {
        fields.push(("text_file", spill(&text)?));
    }
    Ok(table(fields))
}

fn list(changes: Changes) -> Value {
    let Changes { files, stat, mut notes } = changes;
    let paths = files.iter().take(MOST).map(|file| name(&file.path)).collect();
    let items: Vec<Value> = files.iter().flat_map(items).take(MOST + 1).collect();
    if items.len() > MOST {
        notes.push(format!("the list ends at {MOST} entries"));
    }
    let items = items.into_iter().take(MOST).collect();
    table([
        ("items", Value::Array(items)),
        ("paths", Value::Array(paths)),
        ("files", stat.files.into()),
        ("added", stat.added.into()),
        ("removed", stat.removed.into()),
        ("notes", Value::Array(notes.into_iter().map(Value::from).collect())),
    ])
}

/// Of one file: an entry for each place, or one for all of it.
fn items(file: &Change) -> impl Iterator<Item = Value> {
    let whole = (!file.what.is_empty()).then(|| item(&file.path, 1, 1, file.what.clone()));
    let spots = file.spots.iter().map(|spot| item(&file.path, spot.line, spot.end_line, told(spot)));
    whole.into_iter().chain(spots)
}

fn item(path: &Path, line: usize, end_line: usize, text: String) -> Value {
    table([("filename", name(path)), ("lnum", line.into()), ("end_lnum", end_line.into()), ("text", text.into())])
}

fn told(spot: &Spot) -> String {
    match (spot.added, spot.removed) {
        (added, 0) => format!("+{added}  {}", spot.text),
        (0, removed) => format!("-{removed}  {}", spot.text),
        (added, removed) => format!("+{added} -{removed}  {}", spot.text),
    }
}

fn name(path: &Path) -> Value {
    path.to_string_lossy().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Diffstat;

    #[test]
    fn a_file_has_an_entry_for_each_place_or_one_for_all_of_it() {
        let spot = |line, added, removed| Spot { line, end_line: line + 1, added, removed, text: "x".into() };
        let file = |path: &str, what: &str, spots: Vec<Spot>| Change {
            path: path.into(),
            what: what.into(),
            spots,
            added: 1,
            removed: 0,
        };
        let files = vec![
            file("/a", "", vec![spot(3, 1, 0), spot(9, 2, 1), spot(12, 0, 4)]),
            file("/b", "deleted file, 2 lines", Vec::new()),
        ];
        let stat = Diffstat { files: 2, added: 2, removed: 0 };
        let told = list(Changes { files, stat, notes: Vec::new() });
        let entries = told["items"].as_array().expect("a list").iter();
        let entries = entries.map(|entry| {
            let number = |name: &str| entry[name].as_u64().expect("a number");
            let text = |name: &str| entry[name].as_str().expect("a text");
            (text("filename"), number("lnum"), number("end_lnum"), text("text"))
        });
        let expect = [
            ("/a", 3, 4, "+1  x"),
            ("/a", 9, 10, "+2 -1  x"),
            ("/a", 12, 13, "-4  x"),
            ("/b", 1, 1, "deleted file, 2 lines"),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), expect);
        assert_eq!(told["paths"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_list_ends_somewhere_and_says_so() {
        let spots = (1..=MOST + 7).map(|line| Spot { line, end_line: line, added: 1, removed: 0, text: String::new() });
        let file = Change { path: "/a".into(), what: String::new(), spots: spots.collect(), added: 0, removed: 0 };
        let told = list(Changes { files: vec![file], ..Changes::default() });
        assert_eq!(told["items"].as_array().map(Vec::len), Some(MOST));
        assert_eq!(told["notes"][0].as_str(), Some("the list ends at 5000 entries"));
    }
}
