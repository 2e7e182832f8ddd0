//! What is done to the journal of a session that no session of ours has open. Waits for the disk, and for whoever is about
//! to let go of the file.

use std::{fs, io, path::Path};

use super::{Journal, JournalError, Standing, file, list::from_messages, path};
use crate::domain::SessionId;

/// Gives a session a name; an empty one takes it back.
pub fn rename(folder: &Path, session: &SessionId, name: &str) -> Result<(), JournalError> {
    let before = fs::metadata(path(folder, session)).and_then(|file| file.modified());
    let (mut journal, past) = Journal::reopen(folder, session)?;
    let standing = past.standing.unwrap_or_else(|| from_messages(past.messages));
    journal.stand(&Standing { name: name.to_owned(), ..standing });
    // It would be in our memory only, which goes now.
    if let Some(failure) = journal.failure() {
        return Err(JournalError::Unnamed { session: session.clone(), failure: failure.to_owned() });
    }
    // Lists have the newest first, and nothing was said.
    if let (Ok(time), Some(file)) = (before, journal.sync_handle()) {
        let _ = file.set_modified(time);
    }
    Ok(())
}

/// The file is gone for good.
pub fn delete(folder: &Path, session: &SessionId) -> Result<(), JournalError> {
    let path = path(folder, session);
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => JournalError::Missing(session.clone()),
        _ => JournalError::Undeletable { path: path.clone(), source },
    };
    // What is no journal, as a link, or cannot be opened, nobody goes on with.
    if let Ok(file) = file::open(folder, session)
        && !file::lock(&file)
    {
        return Err(JournalError::Elsewhere(session.clone()));
    }
    fs::remove_file(&path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        path::PathBuf,
        time::{Duration, UNIX_EPOCH},
    };

    use super::*;
    use crate::{
        domain::{AgentMessage, Content, Init, Prompt},
        private::full,
        session::journal::{all_listed, header, read},
    };

    fn id() -> SessionId {
        SessionId::parse("a").expect("a good id")
    }

    fn journal(folder: &Path) -> Journal {
        let mut journal = Journal::create(Some(folder), &header(id(), "demo", "/p".as_ref(), 7)).expect("a journal");
        let mut say = |content| {
            journal.append(&AgentMessage { id: "m".into(), parent_id: None, timestamp: 1, part: false, content });
        };
        say(Content::Prompt(Prompt::new("Explain this")));
        say(Content::Init(Init { session_id: "own".into(), model: "big".into(), ..Init::default() }));
        journal
    }

    fn titles(folder: &Path) -> Vec<String> {
        all_listed(folder, None, None).into_iter().map(|listed| listed.title).collect()
    }

    #[test]
    fn a_name_goes_before_the_title_and_changes_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(journal(folder.path()));
        let file = File::options().append(true).open(path(folder.path(), &id())).expect("it is there");
        let time = UNIX_EPOCH + Duration::from_secs(1000);
        file.set_modified(time).expect("set");
        rename(folder.path(), &id(), "Parser").expect("renamed");
        assert_eq!(titles(folder.path()), ["Parser"]);
        assert_eq!(file.metadata().and_then(|file| file.modified()).expect("a time"), time);
        let standing = read(folder.path(), &id()).expect("read").standing.expect("standing");
        assert_eq!((standing.title.as_str(), standing.agent_session.as_deref()), ("Explain this", Some("own")));
        rename(folder.path(), &id(), "").expect("renamed");
        assert_eq!(titles(folder.path()), ["Explain this"]);
    }

    #[test]
    fn what_is_deleted_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(journal(folder.path()));
        delete(folder.path(), &id()).expect("deleted");
        assert_eq!(titles(folder.path()), Vec::<String>::new());
        let again = delete(folder.path(), &id()).expect_err("gone");
        assert_eq!(again.to_string(), "no session a");
    }

    #[test]
    fn what_another_has_open_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let _open = journal(folder.path());
        for result in [delete(folder.path(), &id()), rename(folder.path(), &id(), "x")] {
            assert!(matches!(result, Err(JournalError::Elsewhere(_))), "{result:?}");
        }
        assert_eq!(titles(folder.path()), ["Explain this"]);
    }

    #[test]
    fn a_link_is_deleted_and_what_it_leads_to_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let other: PathBuf = folder.path().join("precious");
        fs::write(&other, "text").expect("a file");
        std::os::unix::fs::symlink(&other, path(folder.path(), &id())).expect("a link");
        delete(folder.path(), &id()).expect("deleted");
        assert_eq!(fs::read_to_string(&other).expect("there"), "text");
    }

    #[test]
    fn a_name_for_which_there_is_no_room_is_none() {
        full::apart(module_path!(), "a_name_for_which_there_is_no_room_is_none", || {
            let folder = tempfile::tempdir().expect("a folder");
            drop(journal(folder.path()));
            let path = path(folder.path(), &id());
            let before = fs::read(&path).expect("there");
            let error = full::with_room(before.len() + 20, || rename(folder.path(), &id(), "Parser"));
            let expect = format!(
                "session a keeps the name that it has: the journal {} cannot be written any more: File too large (os error \
                 27)",
                path.display()
            );
            assert_eq!(error.expect_err("no room").to_string(), expect);
            assert_eq!(
                (titles(folder.path()), fs::read(&path).expect("there")),
                (vec!["Explain this".to_owned()], before)
            );
        });
    }
}
