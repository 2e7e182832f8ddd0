//! What is granted and refused, over all sessions: asked for, taken back, and made known to every session when it has
//! changed; and what was decided.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

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
        trust::{Answer, Answers, Said},
        updates::Update,
    },
};

/// What begins the id of an answer about what the project brings along; an agent's name follows.
const FILES: &str = "files of the project: ";

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
        let journals = self.common.journals.clone();
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
            let kept = spawn_blocking(move || match journals {
                Some(journals) => kept(&journals, around),
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
        let journals = self.common.journals.clone();
        let changed = self.told_by.clone();
        spawn_blocking(move || {
            let revoked = match journals {
                Some(journals) => take_back(&journals, &project_around(around), &id),
                None => Ok(false),
            };
            let _ = reply.send(match revoked {
                Ok(true) => {
                    // What waits may be allowed by another rule now.
                    let _ = changed.send(Update::GrantsChanged);
                    Ok(())
                }
                Ok(false) => Err("this grant does not hold any more".to_owned()),
                Err(error) => Err(error),
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

/// True if there was one of that id.
fn take_back(journals: &Path, project: &Path, id: &str) -> Result<bool, String> {
    if let Some(agent) = id.strip_prefix(FILES) {
        return Answers::of(journals, project).forget(agent).map_err(|error| error.to_string());
    }
    let folder = grants::folder(journals);
    match ProjectGrants::of(&folder, project).revoke(id) {
        Ok(false) => ProjectGrants::everywhere(&folder).revoke(id),
        revoked => revoked,
    }
    .map_err(|error| error.to_string())
}

/// What an agent may obey of what the project brings along, as it was answered last.
fn of_files(answers: &[Answer], project: &Path) -> Vec<GrantRow> {
    let mut last: BTreeMap<&str, &Answer> = BTreeMap::new();
    for answer in answers {
        last.insert(&answer.agent, answer);
    }
    let row = |answer: &Answer| {
        let verb = if answer.said == Said::Use { "obeys" } else { "does not obey" };
        let names: Vec<&str> = answer.files.iter().map(|(name, _)| &**name).collect();
        GrantRow {
            id: format!("{FILES}{}", answer.agent),
            scope: GrantScope::Project,
            refuses: answer.said == Said::Refuse,
            words: format!("{} {verb} the project's {}", answer.agent, names.join(", ")),
            at: answer.at,
            session_id: None,
            project: project.to_string_lossy().into_owned(),
        }
    };
    last.into_values().map(row).collect()
}

/// Of the project, then of all.
fn kept(journals: &Path, around: PathBuf) -> Result<Vec<GrantRow>, String> {
    let (project, folder) = (project_around(around), grants::folder(journals));
    let root = project.to_string_lossy().into_owned();
    let mut rows = Vec::new();
    let all = [
        (GrantScope::Project, ProjectGrants::of(&folder, &project)),
        (GrantScope::Everywhere, ProjectGrants::everywhere(&folder)),
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
    let answers = Answers::of(journals, &project).read().map_err(|error| error.to_string())?;
    rows.extend(of_files(&answers, &project));
    Ok(rows)
}
