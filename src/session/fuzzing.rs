//! What fuzzing reaches of the insides of sessions: readers of files and of other backends, with what they promise.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    changes, earlier,
    grants::{Grant, ProjectGrants},
    peers,
    state::State,
};
pub use super::{
    changes::fuzzing::before,
    earlier::{
        Preview, Reader,
        fuzzing::{Found, Scanned, Words, scan},
        tail,
    },
    journal::{Journal, Past, grown, list, path, read},
    queue::{Queue, Step},
};
use crate::{
    domain::{ProviderConfig, SessionId, StartOptions, rule::Rule},
    render::Scene,
};

/// What a session that goes on is told of itself.
pub fn recall(past: &Past) {
    let session = SessionId::parse("s").expect("a good id");
    let options = StartOptions::new(session, "p", ProviderConfig::default(), "/".into());
    let mut state = State::new(&options, 0);
    past.messages.iter().for_each(|message| state.recall(&message.content));
    state.recall_standing(past.standing.clone().unwrap_or_default());
    state.recall_said(&past.messages);
    state.refresh();
}

/// A glance at a conversation's file.
pub fn glance(path: &Path, reader: Reader, at: Option<u64>, text: &str) -> Result<Preview, String> {
    let (path, text) = (path.to_owned(), text.to_owned());
    earlier::glance(&earlier::Glance { path, reader, at, text, scene: Scene::default() })
}

/// Bytes as a project's list of grants: what is added to it holds beside what has held, and what is none of ours stays as
/// it is.
pub fn grants(folder: &Path, data: &[u8]) {
    let grants = ProjectGrants::of(folder, Path::new("/p"));
    let file: PathBuf = grants.path().to_owned();
    fs::write(&file, data).expect("written");
    let before = grants.read();
    let new = Grant { id: "fresh".to_owned(), rule: Rule::Tool { tool: "t".to_owned() }, at: 1 };
    match (before, grants.add(new.clone())) {
        (Ok(mut before), Ok(())) => {
            before.grants.push(new);
            assert_eq!(grants.read().expect("read"), before);
            assert!(grants.revoke("fresh").expect("written"));
            assert!(grants.read().expect("read").grants.iter().all(|grant| grant.id != "fresh"));
            assert!(fs::read(&file).expect("there").starts_with(data), "nothing of it is lost");
        }
        (Err(_), Err(_)) => assert_eq!(fs::read(&file).expect("there"), data),
        (before, added) => panic!("{before:?} {added:?}"),
    }
    fs::remove_file(&file).expect("removed");
}

/// Bytes as a history of changes, and as what git says.
pub fn changes(folder: &Path, data: &[u8]) {
    changes::fuzzing::read_anything(folder, data);
}

/// Bytes as what another backend asks and answers.
pub fn peers(data: &[u8]) {
    peers::fuzzing::read_anything(data);
}
