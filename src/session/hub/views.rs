//! Who looks at sessions, and who listens to them.

use std::collections::{BTreeMap, BTreeSet};

use super::Hub;
use crate::{
    domain::SessionId,
    render::Icons,
    session::{
        request::{Input, Showing, Sight, ViewId},
        updates::ClientId,
    },
};

impl Hub {
    pub(super) fn set_views(&mut self, client: ClientId, views: Vec<Showing>, icons: Icons) {
        self.icons = icons;
        let wanted: BTreeMap<ViewId, Showing> = views.into_iter().map(|showing| (showing.view, showing)).collect();
        let gone: Vec<(ViewId, SessionId)> = self
            .views
            .iter()
            .filter(|(view, (session, _))| {
                view.client == client && wanted.get(view).is_none_or(|wanted| wanted.session != *session)
            })
            .map(|(view, (session, _))| (*view, session.clone()))
            .collect();
        for (view, session) in gone {
            self.views.remove(&view);
            self.tell_session(&session, Input::CloseView { view });
        }
        for (view, Showing { session, revision, sight, .. }) in wanted {
            if let Some((_, known)) = self.views.get_mut(&view) {
                if *known != sight {
                    known.clone_from(&sight);
                    self.tell_session(&session, Input::Look { view, sight });
                }
                continue;
            }
            if !self.sessions.contains_key(&session) {
                self.open_archive(&session);
            }
            self.tell_session(&session, Input::OpenView { view, icons, sight: sight.clone(), revision });
            self.views.insert(view, (session, sight));
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

    /// The buffers that show a session, to be opened for it anew.
    pub(super) fn views_of(&self, id: &SessionId) -> Vec<Input> {
        let of = self.views.iter().filter(|(_, (session, _))| session == id);
        let open = |(view, (_, sight)): (&ViewId, &(SessionId, Sight))| Input::OpenView {
            view: *view,
            icons: self.icons,
            sight: sight.clone(),
            revision: 0,
        };
        of.map(open).collect()
    }
}
