//! Who looks at sessions, and who listens to them.

use std::collections::{BTreeMap, BTreeSet};

use super::Hub;
use crate::{
    domain::SessionId,
    render::Icons,
    session::{
        request::{Input, ViewId},
        updates::ClientId,
    },
};

impl Hub {
    pub(super) fn set_views(&mut self, client: ClientId, views: Vec<(ViewId, SessionId, u64)>, icons: Icons) {
        self.icons = icons;
        let revisions: BTreeMap<ViewId, u64> = views.iter().map(|(view, _, revision)| (*view, *revision)).collect();
        let wanted: BTreeMap<ViewId, SessionId> = views.into_iter().map(|(view, session, _)| (view, session)).collect();
        let gone: Vec<(ViewId, SessionId)> = self
            .views
            .iter()
            .filter(|(view, session)| view.client == client && wanted.get(view) != Some(session))
            .map(|(view, session)| (*view, session.clone()))
            .collect();
        for (view, session) in gone {
            self.views.remove(&view);
            self.tell_session(&session, Input::CloseView { view });
        }
        for (view, session) in wanted {
            if self.views.contains_key(&view) {
                continue;
            }
            if !self.sessions.contains_key(&session) {
                self.open_archive(&session);
            }
            let revision = revisions.get(&view).copied().unwrap_or(0);
            self.tell_session(&session, Input::OpenView { view, icons, revision });
            self.views.insert(view, session);
        }
    }

    pub(super) fn set_listening(&mut self, all: bool, sessions: BTreeSet<SessionId>) {
        let before: Vec<(SessionId, bool)> = self.sessions.keys().map(|id| (id.clone(), self.listens_to(id))).collect();
        self.listen_all = all;
        self.listen = sessions;
        for (id, listened) in before {
            let listens = self.listens_to(&id);
            if listens != listened {
                self.tell_session(&id, Input::Listen(listens));
            }
        }
    }

    pub(super) fn listens_to(&self, id: &SessionId) -> bool {
        self.listen_all || self.listen.contains(id)
    }

    /// The buffers that show a session.
    pub(super) fn views_of(&self, id: &SessionId) -> impl Iterator<Item = ViewId> {
        self.views.iter().filter(move |(_, session)| *session == id).map(|(view, _)| *view)
    }
}
