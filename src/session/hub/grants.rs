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
        request::{GrantRow, Held, Input},
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
    pub(super) fn grants(&self, around: PathBuf, reply: Reply<Vec<Held>>) {
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
                    rows.extend(found.into_iter().map(Held::Row));
                }
            }
            let kept = spawn_blocking(move || match journals {
                Some(journals) => kept(&journals, around),
                None => Vec::new(),
            });
            let kept = kept.await.map_err(|error| error.to_string());
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
    let of_project = ProjectGrants::of(&folder, project).revoke(id);
    if let Ok(true) = of_project {
        return Ok(true);
    }
    // That the project's cannot be read takes nothing of what holds everywhere.
    let everywhere = ProjectGrants::everywhere(&folder).revoke(id);
    match (of_project, everywhere) {
        (_, Ok(true)) => Ok(true),
        (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        (Ok(_), Ok(false)) => Ok(false),
    }
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

/// Of the project, then of all. A file that cannot be read hides nothing of the others.
fn kept(journals: &Path, around: PathBuf) -> Vec<Held> {
    let (project, folder) = (project_around(around), grants::folder(journals));
    let root = project.to_string_lossy().into_owned();
    let mut rows = Vec::new();
    let all = [
        (GrantScope::Project, ProjectGrants::of(&folder, &project)),
        (GrantScope::Everywhere, ProjectGrants::everywhere(&folder)),
    ];
    for (scope, grants) in all {
        let kept = match grants.read() {
            Ok(kept) => kept,
            Err(error) => {
                let words = "everything is asked: this list cannot be read".to_owned();
                rows.push(Held::Unread { scope, words, unread: error.to_string(), project: root.clone() });
                continue;
            }
        };
        let row = |id, refuses, words, at| GrantRow {
            id,
            scope,
            refuses,
            words,
            at,
            session_id: None,
            project: root.clone(),
        };
        let granted = kept.grants.into_iter().map(|grant| row(grant.id, false, grant.rule.words(&root), grant.at));
        let refusals = kept.refusals.into_iter();
        let refused = refusals.map(|refusal| row(refusal.id, true, refusal.rule.refuses(&root), refusal.at));
        rows.extend(granted.chain(refused).map(Held::Row));
    }
    match Answers::of(journals, &project).read() {
        Ok(answers) => rows.extend(of_files(&answers, &project).into_iter().map(Held::Row)),
        Err(error) => rows.push(Held::Unread {
            scope: GrantScope::Project,
            words: "each start asks: the answers about the project's own files cannot be read".to_owned(),
            unread: error.to_string(),
            project: root,
        }),
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{domain::rule::Rule, session::grants::Grant};

    struct Disk {
        folder: tempfile::TempDir,
        journals: PathBuf,
        project: PathBuf,
    }

    /// A project where each list has one row.
    fn disk() -> Disk {
        let folder = tempfile::tempdir().expect("a folder");
        let at = fs::canonicalize(folder.path()).expect("it is there");
        let (journals, project) = (at.join("sessions"), at.join("p"));
        fs::create_dir(&project).expect("a folder");
        let disk = Disk { folder, journals, project };
        let [of_project, everywhere] = disk.lists();
        let grant = |command: &str| Grant {
            id: command.to_owned(),
            rule: Rule::Command { command: command.to_owned() },
            at: 1,
        };
        of_project.add(grant("here")).expect("written");
        everywhere.add(grant("anywhere")).expect("written");
        let files = vec![("CLAUDE.md".to_owned(), "1".to_owned())];
        let answer = Answer { agent: "claude".into(), said: Said::Use, at: 1, files };
        Answers::of(&disk.journals, &disk.project).add(answer).expect("written");
        disk
    }

    impl Disk {
        fn lists(&self) -> [ProjectGrants; 2] {
            let folder = grants::folder(&self.journals);
            [ProjectGrants::of(&folder, &self.project), ProjectGrants::everywhere(&folder)]
        }

        /// Nobody can read it, root neither.
        fn spoil(&self, path: &Path) {
            fs::remove_file(path).expect("it was there");
            fs::create_dir(path).expect("a folder");
        }

        fn shown(&self) -> Vec<String> {
            let kept = kept(&self.journals, self.project.clone());
            let shown = kept.into_iter().map(|held| match held {
                Held::Row(row) => row.words,
                Held::Unread { words, unread, .. } => {
                    let home = self.folder.path().canonicalize().expect("it is there");
                    assert!(unread.starts_with(&home.to_string_lossy().into_owned()), "{unread}");
                    assert!(unread.contains(" cannot be read: "), "{unread}");
                    format!("! {words}")
                }
            });
            shown.collect()
        }
    }

    const HERE: &str = "only the command `here`";
    const ANYWHERE: &str = "only the command `anywhere`";
    const FILES: &str = "claude obeys the project's CLAUDE.md";

    #[test]
    fn a_list_that_cannot_be_read_hides_no_other() {
        let disk = disk();
        assert_eq!(disk.shown(), [HERE, ANYWHERE, FILES]);
        disk.spoil(disk.lists()[0].path());
        let unread = "! everything is asked: this list cannot be read";
        assert_eq!(disk.shown(), [unread, ANYWHERE, FILES]);
        let trust = disk.journals.with_file_name("trust");
        let file = fs::read_dir(&trust).expect("a folder").next().expect("a file").expect("a file").path();
        disk.spoil(&file);
        let files = "! each start asks: the answers about the project's own files cannot be read";
        assert_eq!(disk.shown(), [unread, ANYWHERE, files]);
    }

    #[test]
    fn what_holds_everywhere_can_be_taken_back_though_the_projects_list_cannot_be_read() {
        let disk = disk();
        let [of_project, everywhere] = disk.lists();
        disk.spoil(of_project.path());
        assert_eq!(take_back(&disk.journals, &disk.project, "anywhere"), Ok(true));
        assert_eq!(everywhere.read().expect("readable").grants, []);
        let none = take_back(&disk.journals, &disk.project, "here").expect_err("nobody knows");
        assert!(none.contains(" cannot be "), "{none}");
    }
}
