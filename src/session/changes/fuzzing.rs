//! What fuzzing reaches of changes: the history that lies on the disk, and what git says.

use std::{fs, path::Path};

pub use super::compare::before;
use super::{
    log::{self, History, Line},
    snapshot::{batched, raw},
};

/// Bytes as a history: what is added to it is read behind what was there. And as git's words: what is taken of them is a
/// part of them.
pub fn read_anything(folder: &Path, data: &[u8]) {
    let file = folder.join("log.ndjson");
    fs::write(&file, data).expect("written");
    let mut before = History::read(folder).expect("a file can be read");
    let line = || Line::Begin { trees: Vec::new() };
    log::append(folder, &line()).expect("written");
    before.take(line());
    assert_eq!(History::read(folder).expect("a file can be read"), before);
    fs::remove_file(&file).expect("removed");
    let said: usize = batched(data).iter().map(|(id, bytes)| id.len() + bytes.len()).sum();
    assert!(said <= data.len());
    data.split(|byte| *byte == 0).for_each(|head| _ = raw(head));
}
