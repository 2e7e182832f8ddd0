//! What is granted and refused, over all sessions: asked for, taken back, and made known to every session when it has
//! changed; and what was decided.

use std::path::{Path, PathBuf};

use tokio::{sync::oneshot, task::spawn_blocking};

use super::Hub;
use crate::{
    domain::SessionId,
    session::{
        audit,
        grants::{self, GrantScope, ProjectGrants},
        project::project,
        reply::Reply,
        request::{GrantRow, Input},
        updates::Update,
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
                Some(folder) => kept(&folder, around),
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
        let changed = self.told_by.clone();
        spawn_blocking(move || {
            let revoked = match folder {
                Some(folder) => match ProjectGrants::of(&folder, &project_around(around)).revoke(&id) {
                    Ok(false) => ProjectGrants::everywhere(&folder).revoke(&id),
                    revoked => revoked,
                },
                None => Ok(false),
            };
            let _ = reply.send(match revoked {
                Ok(true) => {
                    // What waits may be allowed by another rule now.
                    let _ = changed.send(Update::GrantsChanged);
                    Ok(())
                }
                Ok(false) => Err("this grant does not hold any more".to_owned()),
                Err(error) => Err(error.to_string()),
            });
        });
    }

    /// Read from the disk, in a thread of its own.
    pub(super) fn audit(&self, reply: Reply<String>) {
        let folder = self.common.journals.as_deref().map(audit::folder);
        spawn_blocking(move || {
            let _ = reply.send(match folder {
                Some(folder) => audit::told(&folder),
                None => Err("no audit log is kept here".to_owned()),
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

/// Of the project, then of all.
fn kept(folder: &Path, around: PathBuf) -> Result<Vec<GrantRow>, String> {
    let project = project_around(around);
    let root = project.to_string_lossy().into_owned();
    let mut rows = Vec::new();
    let all = [
        (GrantScope::Project, ProjectGrants::of(folder, &project)),
        (GrantScope::Everywhere, ProjectGrants::everywhere(folder)),
    ];
    for (scope, grants) in all {
        let kept = grants.read().map_err(|error| error.to_string())?;
        let row = |id, refuses, words, at| GrantRow {
            id,
            scope,
            refuses,
            words,
            at,
            session_id: None,
            project: root.clone(),
        };
        rows.extend(kept.grants.into_iter().map(|grant| row(grant.id, false, grant.rule.words(&root), grant.at)));
        let refusals = kept.refusals.into_iter();
        rows.extend(refusals.map(|refusal| row(refusal.id, true, refusal.rule.refuses(&root), refusal.at)));
    }
    Ok(rows)
}
