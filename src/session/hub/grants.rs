//! What is granted, over all sessions: asked for, taken back, and made known to every session when it has changed.

use std::path::PathBuf;

use tokio::{sync::oneshot, task::spawn_blocking};

use super::Hub;
use crate::{
    domain::SessionId,
    session::{
        grants::{self, GrantScope, ProjectGrants},
        project::project,
        reply::Reply,
        request::{GrantRow, Input},
    },
};

/// Its name on the disk, all links followed. Waits for the disk.
fn project_around(directory: PathBuf) -> PathBuf {
    let project = project(&directory);
    std::fs::canonicalize(&project).unwrap_or(project)
}

impl Hub {
    /// Of all sessions, then of the project. Asked in a task of its own: a session that is busy holds nobody up.
    pub(super) fn grants(&self, around: PathBuf, reply: Reply<Vec<GrantRow>>) {
        let living = self.sessions.values().filter(|session| session.living.is_some());
        let sessions: Vec<_> = living.map(|session| session.inputs.clone()).collect();
        let folder = self.common.journals.as_deref().map(grants::folder);
        tokio::spawn(async move {
            let mut rows = Vec::new();
            for session in sessions {
                let (ask, answer) = oneshot::channel();
                if session.send(Input::Grants { reply: ask }).is_ok()
                    && let Ok(found) = answer.await
                {
                    rows.extend(found);
                }
            }
            let kept = spawn_blocking(move || match folder {
                Some(folder) => of_project(&ProjectGrants::of(&folder, &project_around(around.clone())), around),
                None => Ok(Vec::new()),
            });
            let kept = kept.await.unwrap_or_else(|error| Err(error.to_string()));
            let _ = reply.send(kept.map(|kept| rows.into_iter().chain(kept).collect()));
        });
    }

    pub(super) fn revoke(&self, id: String, session: Option<SessionId>, around: PathBuf, reply: Reply<()>) {
        if let Some(session) = session {
            return self.pass_living(&session, reply, |reply| Input::Revoke { id, reply });
        }
        let folder = self.common.journals.as_deref().map(grants::folder);
        spawn_blocking(move || {
            let revoked = match folder {
                Some(folder) => ProjectGrants::of(&folder, &project_around(around)).revoke(&id),
                None => Ok(false),
            };
            let _ = reply.send(match revoked {
                Ok(true) => Ok(()),
                Ok(false) => Err("this grant does not hold any more".to_owned()),
                Err(error) => Err(error.to_string()),
            });
        });
    }

    /// What one session was granted for the project may be what others wait for.
    pub(super) fn grants_changed(&self) {
        for session in self.sessions.values().filter(|session| session.living.is_some()) {
            let _ = session.inputs.send(Input::GrantsChanged);
        }
    }
}

fn of_project(grants: &ProjectGrants, around: PathBuf) -> Result<Vec<GrantRow>, String> {
    let root = project_around(around).to_string_lossy().into_owned();
    let kept = grants.read().map_err(|error| error.to_string())?;
    let row = |grant: grants::Grant| GrantRow {
        id: grant.id,
        scope: GrantScope::Project,
        words: grant.rule.words(&root),
        at: grant.at,
        session_id: None,
        project: root.clone(),
    };
    Ok(kept.into_iter().map(row).collect())
}
