//! How sessions come to be: anew, from a journal to go on, from a journal to be read.

use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

use super::{Hub, Living, Session};
use crate::{
    domain::{AgentMessage, Content, SessionId, StartOptions, Status},
    session::{
        actor::Actor,
        journal::{self, Journal, JournalError, Past},
        reply::Reply,
        request::Input,
        state::State,
    },
};

/// What a session is taken up after.
pub(super) enum After {
    /// Of the backend; the client waits for an answer.
    Restart(Reply<()>),
    /// Of its task, with what the user was told.
    Panic(String),
}

impl Hub {
    pub(super) fn start(&mut self, options: StartOptions) -> Result<(), String> {
        self.check_free(&options.session_id)?;
        let kept = Arc::new(StartOptions { prompt: None, ..options.clone() });
        let actor = Actor::new(options, Arc::clone(&self.common), self.told_by.clone());
        let actor = actor.map_err(|error| error.to_string())?;
        let living = Living::new(actor.summary(), kept, false);
        let known = self.known(&living.options.session_id);
        let (inputs, received) = mpsc::unbounded_channel();
        let task = self.tasks.spawn(actor.knowing(known).run(received)).id();
        self.enlist(Session { inputs, task, living: Some(living) });
        Ok(())
    }

    /// A session of an earlier backend goes on.
    pub(super) fn restore(&mut self, options: StartOptions, reply: Reply<()>) {
        match self.check_free(&options.session_id) {
            Ok(()) => self.reopen(Arc::new(options), After::Restart(reply)),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Its journal may be long: it is read in the session's own task.
    pub(super) fn reopen(&mut self, options: Arc<StartOptions>, after: After) {
        let mut summary = State::new(&options, self.common.now()).summary;
        if let After::Panic(error) = &after {
            (summary.status, summary.error) = (Status::Error, Some(error.clone()));
        }
        let living = Living::new(summary, Arc::clone(&options), matches!(after, After::Panic(_)));
        let known = self.known(&options.session_id);
        let (inputs, received) = mpsc::unbounded_channel();
        let (common, updates) = (Arc::clone(&self.common), self.told_by.clone());
        let task = self.tasks.spawn(async move {
            let options = Arc::unwrap_or_clone(options);
            let restored = blocking(move || Actor::restored(options, common, updates)).await;
            let actor = match (restored, after) {
                (Ok(actor), After::Restart(reply)) => {
                    let _ = reply.send(Ok(()));
                    actor
                }
                (Ok(actor), After::Panic(error)) => actor.after_panic(error),
                (Err(error), After::Restart(reply)) => {
                    // Its name is free before anybody knows.
                    drop(received);
                    let _ = reply.send(Err(error.to_string()));
                    return;
                }
                // Without a journal there is nothing to go on from: it stays in the list, and can be removed.
                (Err(error), After::Panic(_)) => resume_unwind(Box::new(error.to_string())),
            };
            actor.knowing(known).run(received).await;
        });
        self.enlist(Session { inputs, task: task.id(), living: Some(living) });
    }

    /// A session from its journal, to be read only.
    pub(super) fn open_archive(&mut self, id: &SessionId) {
        let (inputs, received) = mpsc::unbounded_channel();
        let (common, updates, session) = (Arc::clone(&self.common), self.told_by.clone(), id.clone());
        let task = self.tasks.spawn(async move {
            let (folder, name, now) = (common.journals.clone(), session.clone(), common.now());
            let read = blocking(move || match folder {
                Some(folder) => Journal::archive(&folder, &name),
                None => Err(JournalError::Missing(name)),
            });
            let unknown = || journal::header(session, "journal", "/".as_ref(), now);
            let (journal, header, past) = match read.await {
                Ok((journal, mut past)) => {
                    past.messages.extend(past.newer().map(|message| note(message, now)));
                    (journal, past.header.clone().unwrap_or_else(unknown), past)
                }
                Err(error) => {
                    let header = unknown();
                    let mut past = Past::default();
                    past.messages.push(note(error.to_string(), now));
                    (Journal::in_memory(&header), header, past)
                }
            };
            Actor::archived(header, journal, past, common, updates).run(received).await;
        });
        let task = task.id();
        self.names.insert(task, id.clone());
        self.sessions.insert(id.clone(), Session { inputs, task, living: None });
    }

    fn check_free(&self, id: &SessionId) -> Result<(), String> {
        match self.sessions.get(id) {
            Some(Session { living: Some(living), inputs, .. }) if living.died || !inputs.is_closed() => {
                Err(JournalError::Exists(id.clone()).to_string())
            }
            _ => Ok(()),
        }
    }

    /// What a session has to know before it begins: who looks at it, who listens, whether it is traced. Views of its past
    /// go to the living session.
    fn known(&self, id: &SessionId) -> Vec<Input> {
        let mut known = self.views_of(id);
        if self.listens_to(id) {
            known.push(Input::Listen(true));
        }
        if self.trace {
            known.push(Input::Trace { on: true, reply: oneshot::channel().0 });
        }
        known
    }

    pub(super) fn enlist(&mut self, session: Session) {
        if let Some(living) = &session.living {
            let id = living.options.session_id.clone();
            self.names.insert(session.task, id.clone());
            self.sessions.insert(id, session);
        }
    }
}

/// Reads what may be long on a thread that may wait. Its panic is the session's.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(read).await {
        Ok(value) => value,
        Err(error) => resume_unwind(error.into_panic()),
    }
}

fn note(message: String, timestamp: i64) -> AgentMessage {
    AgentMessage { id: "note".into(), parent_id: None, timestamp, part: false, content: Content::Error { message } }
}
