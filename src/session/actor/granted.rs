//! Grants: what the user has allowed for longer than once. Each permission that one could allow is held against them before
//! the user is asked, and the choice of a new one is carried out here.
//!
//! What has to be looked up on the disk (where paths lead, what the project grants) is a job; meanwhile the request is open
//! and not yet shown. They are looked up one after the other, so that they are shown in the order they came in.

use std::path::{Path, PathBuf};

use super::{Actor, Done, now};
use crate::{
    domain::{
        Answer, Command, OptionKind, PermissionRequest, RequestId, Subject,
        rule::{self, Act, Rule},
    },
    session::{
        disk,
        grants::{self, Grant, GrantScope, ProjectGrants},
        project::project,
        reply::Reply,
        request::GrantRow,
        state::{Asked, Grounds},
        updates::{Level, Update},
    },
};

/// What of it ends with the session, or with its turn.
#[derive(Debug, Default)]
pub(super) struct Granted {
    turn: Vec<Grant>,
    session: Vec<Grant>,
    /// Is looked up.
    considered: Option<RequestId>,
    /// Why the project's cannot be had was said.
    complained: bool,
}

/// What was found on the disk.
pub(super) struct Looked {
    /// `None` if no rule can be made of it, since nobody knows where its paths lead.
    grounds: Option<Grounds>,
    by_project: Vec<Grant>,
    trouble: Option<String>,
}

/// A grant that is to be kept for the project, and who waits for that.
pub(super) struct Keeping {
    request_id: RequestId,
    rule: Rule,
    reply: Reply<()>,
}

/// By their kind, never by their place.
fn allow_once(request: &PermissionRequest) -> Option<&crate::domain::PermissionOption> {
    request.options.iter().find(|option| option.kind == OptionKind::AllowOnce)
}

/// Whether a grant may answer it: never a plan, never more rights, and only where once can be allowed.
pub(super) fn may_be_granted(request: &PermissionRequest) -> bool {
    request.subject != Subject::Always && request.tool != "plan" && allow_once(request).is_some()
}

impl Actor {
    /// Looks up the next one that nobody has looked up yet.
    pub(super) fn consider_next(&mut self) {
        if self.granted.considered.is_some() {
            return;
        }
        let next = self.state.unconsidered().and_then(|pending| match &pending.asked {
            Asked::Permission(request) => Some((**request).clone()),
            Asked::Question(_) => None,
        });
        let Some(request) = next else { return };
        self.granted.considered = Some(request.request_id.clone());
        let options = &self.options;
        let (cwd, here) = (options.cwd.clone(), options.files_are_here());
        let home = options.environ.get("HOME").map(PathBuf::from);
        // What is always allowed here is not so on another machine.
        let folder = self.common.journals.as_deref().map(grants::folder).filter(|_| !options.is_elsewhere());
        self.jobs.spawn_blocking(move || {
            let mut looked = look_up(&request, &cwd, home.as_deref(), folder.as_deref());
            if !here && matches!(request.subject, Subject::Files { .. }) {
                looked.grounds = None;
            }
            Done::Considered { request_id: request.request_id, looked: Box::new(looked) }
        });
    }

    pub(super) fn considered(&mut self, request_id: &RequestId, looked: Looked) {
        self.granted.considered = None;
        let Looked { grounds, by_project, trouble } = looked;
        if let Some(trouble) = trouble.filter(|_| !std::mem::replace(&mut self.granted.complained, true)) {
            self.notify(Level::Warn, format!("what is always allowed in this project is asked about: {trouble}"));
        }
        let allowed = grounds.as_ref().and_then(|grounds| self.allowed_by(grounds, &by_project));
        // Answered, withdrawn or cancelled meanwhile, it is not there.
        let waits = self.state.consider(request_id, grounds);
        match (waits, allowed) {
            (true, Some(by)) => self.allow(request_id, &format!("granted {by}")),
            (true, None) => self.show_permission(request_id),
            (false, _) => {}
        }
        self.consider_next();
    }

    /// By which grants, in words.
    fn allowed_by(&self, grounds: &Grounds, by_project: &[Grant]) -> Option<String> {
        let scopes = [
            (GrantScope::Turn, &self.granted.turn[..]),
            (GrantScope::Session, &self.granted.session),
            (GrantScope::Project, by_project),
        ];
        let all: Vec<(GrantScope, &Rule)> =
            scopes.iter().flat_map(|(scope, grants)| grants.iter().map(|grant| (*scope, &grant.rule))).collect();
        let used = rule::judge(&grounds.act, all.iter().map(|(_, rule)| *rule))?;
        let words = used.iter().filter_map(|at| all.get(*at));
        let words = words.map(|(scope, rule)| format!("{}: {}", scope.words(), rule.words(&grounds.root)));
        Some(words.collect::<Vec<_>>().join(" and "))
    }

    /// The agent hears of no more than this once.
    fn allow(&mut self, request_id: &RequestId, why: &str) {
        let pending = self.state.find_pending(request_id);
        let Some(Asked::Permission(request)) = pending.map(|pending| &pending.asked) else { return };
        let Some(option) = allow_once(request) else { return };
        let (option_id, outcome) = (option.option_id.clone(), format!("{} ({why})", option.name));
        self.settle(request_id, outcome);
        let answer = Answer::Option { option_id, message: None, input: None };
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
    }

    /// The user allows it by one of the rules that were offered, counted from 1.
    pub(super) fn grant(&mut self, request_id: RequestId, rule: usize, scope: GrantScope, reply: Reply<()>) {
        let (rule, grounds) = match self.offered(&request_id, rule) {
            Ok(found) => found,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let words = rule.words(&grounds.root);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let grant = Grant { id, rule: rule.clone(), at: now() };
        match scope {
            GrantScope::Turn => self.granted.turn.push(grant),
            GrantScope::Session => self.granted.session.push(grant),
            GrantScope::Project => {
                let folder = self.common.journals.as_deref().map(grants::folder).filter(|_| grounds.lasting);
                let Some(folder) = folder else {
                    let _ = reply.send(Err("nothing can be allowed always here: allow it for this session".to_owned()));
                    return;
                };
                let keeping = Keeping { request_id, rule, reply };
                self.jobs.spawn_blocking(move || {
                    let kept = ProjectGrants::of(&folder, &grounds.project).add(grant);
                    let kept = kept.map_err(|error| error.to_string());
                    Done::Granted { keeping: Box::new(keeping), kept }
                });
                return;
            }
        }
        let _ = reply.send(Ok(()));
        self.allow(&request_id, &format!("granted {}: {words}", scope.words()));
        self.grants_changed();
    }

    fn offered(&self, request_id: &RequestId, rule: usize) -> Result<(Rule, Grounds), String> {
        let pending = self.state.find_pending(request_id);
        let pending =
            pending.ok_or_else(|| format!("no question {request_id} is open: it was answered or withdrawn"))?;
        let grounds = pending.grounds.as_ref().ok_or("this question can only be answered by its own options")?;
        let found = rule.checked_sub(1).and_then(|at| grounds.offers.get(at));
        let found = found.ok_or_else(|| format!("no rule {rule} was offered: there are {}", grounds.offers.len()))?;
        Ok((found.clone(), grounds.clone()))
    }

    /// The project's file has it, or not.
    pub(super) fn grant_kept(&mut self, keeping: Keeping, kept: Result<(), String>) {
        let Keeping { request_id, rule, reply } = keeping;
        let done = kept.is_ok();
        let _ = reply.send(kept);
        if done {
            let root =
                self.state.find_pending(&request_id).and_then(|pending| Some(pending.grounds.as_ref()?.root.clone()));
            if let Some(root) = root {
                self.allow(&request_id, &format!("granted {}: {}", GrantScope::Project.words(), rule.words(&root)));
            }
            // All sessions of the project, this one too.
            self.tell(Update::GrantsChanged);
        }
    }

    /// What is open may be allowed now.
    pub(super) fn grants_changed(&mut self) {
        self.state.consider_again();
        self.consider_next();
    }

    pub(super) fn grants_end_with_turn(&mut self) {
        self.granted.turn.clear();
    }

    /// Those of this session alone.
    pub(super) fn own_grants(&self) -> Vec<GrantRow> {
        let root = self.state.summary.project.clone();
        let scopes = [(GrantScope::Turn, &self.granted.turn), (GrantScope::Session, &self.granted.session)];
        let row = |scope: GrantScope, grant: &Grant| GrantRow {
            id: grant.id.clone(),
            scope,
            words: grant.rule.words(&root),
            at: grant.at,
            session_id: Some(self.options.session_id.clone()),
            project: root.clone(),
        };
        scopes.iter().flat_map(|(scope, grants)| grants.iter().map(|grant| row(*scope, grant))).collect()
    }

    pub(super) fn revoke(&mut self, id: &str) -> Result<(), String> {
        let before = self.granted.turn.len() + self.granted.session.len();
        self.granted.turn.retain(|grant| grant.id != id);
        self.granted.session.retain(|grant| grant.id != id);
        match before > self.granted.turn.len() + self.granted.session.len() {
            true => Ok(()),
            false => Err("this grant does not hold any more".to_owned()),
        }
    }
}

/// Waits for the disk.
fn look_up(request: &PermissionRequest, cwd: &Path, home: Option<&Path>, folder: Option<&Path>) -> Looked {
    let real = |path: PathBuf| std::fs::canonicalize(&path).unwrap_or(path);
    let (cwd, project) = (real(cwd.to_owned()), real(project(cwd)));
    // A worktree may lie beside the project whose grants are its own too.
    let root = if cwd.starts_with(&project) { &project } else { &cwd };
    // What holds for a home holds for everything.
    let lasting =
        folder.is_some() && project.parent().is_some() && home.is_none_or(|home| real(home.to_owned()) != project);
    let act = act(request, &cwd);
    let grounds = act.zip(root.to_str()).map(|(act, root)| Grounds {
        offers: rule::offers(&act, root),
        act,
        root: root.to_owned(),
        project: project.clone(),
        lasting,
    });
    let kept = folder.filter(|_| lasting && grounds.is_some());
    let kept = kept.map_or(Ok(Vec::new()), |folder| ProjectGrants::of(folder, &project).read());
    match kept {
        Ok(by_project) => Looked { grounds, by_project, trouble: None },
        Err(error) => {
            let grounds = grounds.map(|grounds| Grounds { lasting: false, ..grounds });
            Looked { grounds, by_project: Vec::new(), trouble: Some(error.to_string()) }
        }
    }
}

fn act(request: &PermissionRequest, cwd: &Path) -> Option<Act> {
    let tool = |named| Act::Tool { tool: request.tool.clone(), input: request.input.clone(), named };
    Some(match &request.subject {
        Subject::Command { command } => Act::Command { command: command.clone() },
        Subject::Files { paths, change } => {
            let real = |path: &String| disk::resolve(&cwd.join(path)).ok()?.to_str().map(str::to_owned);
            Act::Files { paths: paths.iter().map(real).collect::<Option<_>>()?, change: *change }
        }
        Subject::Tool => tool(true),
        Subject::Input => tool(false),
        Subject::Always => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(paths: &[&str]) -> PermissionRequest {
        let mut request: PermissionRequest =
            serde_json::from_value(json!({"request_id": "r", "tool": "Edit", "title": "", "input": {}, "options": []}))
                .expect("a request");
        request.subject = Subject::Files { paths: paths.iter().map(|path| (*path).to_owned()).collect(), change: true };
        request
    }

    #[test]
    fn a_path_is_where_it_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(top.join("src")).expect("a folder");
        std::os::unix::fs::symlink("/etc", top.join("src/out")).expect("a link");
        let paths = |path: &str| match act(&request(&[path]), &top.join("src")) {
            Some(Act::Files { paths, .. }) => paths.join(" "),
            other => format!("{other:?}"),
        };
        let at = |path: &str| top.join(path).to_string_lossy().into_owned();
        assert_eq!(paths("a.rs"), at("src/a.rs"));
        assert_eq!(paths("../b/new.rs"), at("b/new.rs"));
        assert_eq!(paths("out/passwd"), "/etc/passwd");
        assert_eq!(paths("gone/../../x"), "None", "nobody knows where that leads");
    }

    #[test]
    fn a_home_or_the_root_is_no_project_for_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let lasting = |cwd: &Path, home: Option<&Path>, grants: Option<&Path>| {
            let looked = look_up(&request(&["/tmp/a"]), cwd, home, grants);
            looked.grounds.expect("grounds").lasting
        };
        let grants = folder.path().join("grants");
        assert!(lasting(folder.path(), None, Some(&grants)));
        assert!(!lasting(folder.path(), Some(folder.path()), Some(&grants)));
        assert!(!lasting(Path::new("/"), None, Some(&grants)));
        assert!(!lasting(folder.path(), None, None));
    }
}
