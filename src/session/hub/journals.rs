//! What is asked of journals, of sessions that live and of others: which there are, what they are called, that they go.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use tokio::{sync::oneshot, task::spawn_blocking};

use super::{Hub, Session};
use crate::{
    agent::trace::Trace,
    domain::SessionId,
    session::{
        changes,
        earlier::{Earlier, Piece, Query},
        journal::{self, JournalError, Listed, Listing},
        last_line::cleaned,
        reply::Reply,
        request::{Input, Order},
        updates::{Level, Update},
    },
};

impl Hub {
    /// On a thread that may wait for the disk.
    pub(super) fn journals(&self, around: Option<PathBuf>, after: Option<(i64, SessionId)>, reply: Reply<Vec<Listed>>) {
        let Some(folder) = self.common.journals.clone() else {
            let _ = reply.send(Ok(Vec::new()));
            return;
        };
        let (live, tell) = (self.live(), self.teller());
        spawn_blocking(move || {
            let Listing { sessions: mut listed, unread } =
                match journal::list(&folder, around.as_deref(), after.as_ref()) {
                    Ok(listing) => listing,
                    Err(error) => return drop(reply.send(Err(error.to_string()))),
                };
            if let Some(sentence) = journal::unread(&unread) {
                tell(sentence);
            }
            for entry in &mut listed {
                entry.live = live.contains(&entry.session_id);
                // It is we who have it.
                entry.elsewhere &= !entry.live;
            }
            let _ = reply.send(Ok(listed));
        });
    }

    /// What a list lacks is said to the user beside it.
    fn teller(&self) -> impl Fn(String) + Send + 'static {
        let client = self.client.clone();
        move |message| drop(client.send(Update::Notify { session: None, level: Level::Warn, message }))
    }

    fn live(&self) -> BTreeSet<SessionId> {
        let is_live = |session: &&Session| session.living.is_some() && !session.inputs.is_closed();
        self.sessions.iter().filter(|(_, session)| is_live(session)).map(|(id, _)| id.clone()).collect()
    }

    /// What was said before, in sessions of ours and in others.
    pub(super) fn earlier(&mut self, query: Query, reply: Reply<Piece>) {
        let query = Query { live: self.live(), ..query };
        let earlier = match self.earlier.take() {
            Some(earlier) => earlier,
            None => match Earlier::start(self.common.journals.clone(), self.teller()) {
                Ok(earlier) => earlier,
                Err(error) => {
                    let _ = reply.send(Err(format!("what was before cannot be listed: {error}")));
                    return;
                }
            },
        };
        self.earlier.insert(earlier).find(query, reply);
    }

    fn is_living(&self, id: &SessionId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.living.is_some())
    }

    pub(super) fn rename(&self, session: SessionId, name: String, reply: Reply<()>) {
        let name = cleaned(&name);
        if self.is_living(&session) {
            return self.pass(&session, reply, |reply| Input::Order { order: Order::Rename(name), reply });
        }
        let folder = self.common.journals.clone();
        spawn_blocking(move || {
            let renamed = match folder {
                Some(folder) => journal::rename(&folder, &session, &name),
                None => Err(JournalError::Missing(session)),
            };
            let _ = reply.send(renamed.map_err(|error| error.to_string()));
        });
    }

    /// One that lives ends first: its journal is its own until then.
    pub(super) fn delete_journal(&mut self, session: SessionId, reply: Reply<()>) {
        if !self.is_living(&session) {
            return self.delete_apart(session, vec![reply]);
        }
        self.doomed.entry(session.clone()).or_default().push(reply);
        let closed = self.sessions.get(&session).is_none_or(|session| session.inputs.is_closed());
        self.remove(&session, oneshot::channel().0);
        // Dead already: nothing will say that it has ended.
        if closed && let Some(replies) = self.doomed.remove(&session) {
            self.delete_apart(session, replies);
        }
    }

    pub(super) fn delete_apart(&self, session: SessionId, replies: Vec<Reply<()>>) {
        let (journals, traces) = (self.common.journals.clone(), self.common.traces.clone());
        spawn_blocking(move || {
            let deleted = match &journals {
                Some(folder) => journal::delete(folder, &session),
                // It was in memory only.
                None => Ok(()),
            };
            let deleted = deleted.map_err(|error| error.to_string()).and_then(|()| {
                let snapshots = journals.as_deref().map(|folder| changes::folder(folder, &session));
                let trace = traces.map(|folder| Trace::path(&folder, &session));
                let gone = [snapshots.map(|path| (fs::remove_dir_all(&path), path))]
                    .into_iter()
                    .chain([trace.map(|path| (fs::remove_file(&path), path))]);
                gone.flatten().try_for_each(|(removed, path)| match removed {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(format!("the journal is deleted, but {} cannot be: {error}", path.display()))
                    }
                    _ => Ok(()),
                })
            });
            for reply in replies {
                let _ = reply.send(deleted.clone());
            }
        });
    }
}
