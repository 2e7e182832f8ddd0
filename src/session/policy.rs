//! What a permission request comes to by rules, grants and refusals, before anybody is asked. Reads the disk: where paths
//! lead, what is kept. Decides and tells nothing itself; the session's task does, which never waits for a disk.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    audit, disk,
    grants::{Grant, GrantScope, Kept, ProjectGrants, Refusal},
    project::project,
    request::Counted,
    state::Grounds,
};
use crate::domain::{
    OptionKind, PermissionOption, PermissionRequest, Subject,
    policy::{self, By, Policy, PolicyRule, Seen, Surroundings, Verdict},
    rule::{self, Act, Rule},
};

/// Paths that are looked up for one request.
const MOST: usize = 4000;

/// What of it is the session's own.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub turn: Vec<Grant>,
    pub session: Vec<Grant>,
    pub refusals: Vec<Refusal>,
}

/// Where a session works, and what holds there.
#[derive(Clone, Debug)]
pub struct Setting {
    pub cwd: PathBuf,
    pub home: Option<PathBuf>,
    /// Where grants and refusals are kept.
    pub folder: Option<PathBuf>,
    /// The agent runs on another machine: what is always allowed here is not so there.
    pub away: bool,
    /// Its files are those of this machine.
    pub here: bool,
    pub policy: Arc<Policy>,
    pub held: Held,
}

/// By what it was decided: rules in words, grants and refusals by their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasons {
    pub rules: Vec<String>,
    pub grants: Vec<(String, GrantScope)>,
    /// All of it, for people.
    pub words: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Deny {
        by: Reasons,
        /// For the agent.
        told: String,
    },
    /// Whatever allows it; why, in a sentence.
    Ask(String),
    Allow(Reasons),
    Open,
}

#[derive(Clone, Debug)]
pub struct Found {
    /// `None` if no rule can be made of it, since nobody knows where its paths lead.
    pub grounds: Option<Grounds>,
    pub outcome: Outcome,
    /// Why the user is asked, where that is to be said.
    pub note: Option<String>,
    /// Something is refused or asked about: an agent that does not ask any more would escape it.
    pub restricts: bool,
    pub trouble: Option<String>,
}

/// By their kind, never by their place.
pub fn allow_once(request: &PermissionRequest) -> Option<&PermissionOption> {
    request.options.iter().find(|option| option.kind == OptionKind::AllowOnce)
}

/// Whether a grant or a rule may allow it: never a plan, never more rights, and only where once can be allowed.
pub fn may_be_allowed(request: &PermissionRequest) -> bool {
    !matches!(request.subject, Subject::Always | Subject::Start)
        && request.tool != "plan"
        && allow_once(request).is_some()
}

/// Whether it is the user's whatever rules say: then one that cannot be read is not why they are asked.
fn is_asked_anyway(request: &PermissionRequest) -> bool {
    request.tool == "plan"
}

/// Everything that is kept, and what could not be read of it.
struct All {
    /// What is denied and asked and allowed, refusals among it.
    policy: Policy,
    grants: Vec<(GrantScope, Grant)>,
    refusals: Vec<(GrantScope, Refusal)>,
    /// Something may be kept for the project.
    lasting: bool,
    trouble: Option<String>,
}

/// Waits for the disk.
pub fn look_up(request: &PermissionRequest, setting: &Setting) -> Found {
    let places = Places::of(setting);
    let all = all(setting, &places);
    places.with(setting, |around| {
        let seen = Seen::of(request);
        let act = may_be_allowed(request).then(|| act(request, &places.cwd)).flatten();
        let act = act.filter(|act| setting.here || !matches!(act, Act::Files { .. }));
        let verdict = match policy::judge(&all.policy, &seen, around) {
            Verdict::Open if all.policy.restricts() && places.missed.get() => {
                Verdict::Ask("it names more files than can be looked up".to_owned())
            }
            verdict => verdict,
        };
        let grants: Vec<&Rule> = all.grants.iter().map(|(_, grant)| &grant.rule).collect();
        let allowed = || policy::allowed(act.as_ref()?, &seen, &all.policy, &grants, around);
        let note = match &verdict {
            Verdict::Ask(why) => Some(why.clone()),
            Verdict::Unread(why) => Some(why.clone()).filter(|_| !is_asked_anyway(request)),
            Verdict::Deny { .. } | Verdict::Open => None,
        };
        let outcome = match verdict {
            Verdict::Deny { rule, what } => denied(&rule, &what, &all),
            Verdict::Ask(why) | Verdict::Unread(why) => Outcome::Ask(why),
            Verdict::Open => allowed().map_or(Outcome::Open, |used| Outcome::Allow(all.reasons(&used, &places.root))),
        };
        let asks = matches!(outcome, Outcome::Ask(_));
        let grounds = act.map(|act| {
            // What asks goes before what allows: nothing could be granted.
            let offers = if asks { Vec::new() } else { rule::offers(&act, &places.root) };
            let refusals = policy::refusals(&act, &seen, &places.root);
            let examples = |holds: &dyn Fn(&Act) -> bool| policy::examples(&act, &places.root, holds);
            Grounds {
                of_offers: offers.iter().map(|rule| examples(&|act| rule::fits(act, [rule]))).collect(),
                of_refusals: refusals.iter().map(|rule| examples(&|act| policy::refuses(rule, act, around))).collect(),
                offers,
                refusals,
                act,
                root: places.root.clone(),
                project: places.project.clone(),
                lasting: all.lasting,
                everywhere: setting.folder.is_some() && !setting.away,
            }
        });
        Found { grounds, outcome, note, restricts: all.policy.restricts(), trouble: all.trouble.clone() }
    })
}

/// How many earlier requests of the project each rule that was offered would have been about. Waits for the disk.
pub fn weigh(grounds: &Grounds, setting: &Setting, log: &Path, project: &str) -> Counted {
    let places = Places::of(setting);
    places.with(setting, |around| {
        let all = audit::decided(log, project);
        let count = |about: &dyn Fn(&Act) -> bool| all.iter().filter(|act| about(act)).count();
        Counted {
            grants: grounds.offers.iter().map(|rule| count(&|act| rule::fits(act, [rule]))).collect(),
            refusals: grounds.refusals.iter().map(|rule| count(&|act| policy::refuses(rule, act, around))).collect(),
            of: all.len(),
        }
    })
}

fn denied(rule: &PolicyRule, what: &str, all: &All) -> Outcome {
    let refusal = all.refusals.iter().find(|(scope, refusal)| with_origin(*scope, refusal) == *rule);
    let told = format!(
        "The user's rule {} forbids this: {what}. It was refused without asking them. Do not try to do it in another way: \
         go on without it, or tell the user that you would need it. They can change the rule.",
        rule.told()
    );
    let by = Reasons {
        rules: vec![rule.told()],
        grants: refusal.map(|(scope, refusal)| (refusal.id.clone(), *scope)).into_iter().collect(),
        words: format!("forbidden by your rule {}", rule.told()),
    };
    Outcome::Deny { by, told }
}

fn with_origin(scope: GrantScope, refusal: &Refusal) -> PolicyRule {
    PolicyRule { origin: scope.words().to_owned(), ..refusal.rule.clone() }
}

impl All {
    fn reasons(&self, used: &[By<'_>], root: &str) -> Reasons {
        let mut reasons = Reasons::default();
        let mut words = Vec::new();
        for by in used {
            match by {
                By::Rule(rule) => {
                    reasons.rules.push(rule.told());
                    words.push(format!("allowed by your rule {}", rule.told()));
                }
                By::Grant(at) => {
                    let Some((scope, grant)) = self.grants.get(*at) else { continue };
                    let said = format!("{}: {}", scope.words(), grant.rule.words(root));
                    reasons.rules.push(said.clone());
                    reasons.grants.push((grant.id.clone(), *scope));
                    let first = !words.iter().any(|word: &String| word.starts_with("granted"));
                    words.push(if first { format!("granted {said}") } else { said });
                }
            }
        }
        reasons.words = words.join(" and ");
        reasons
    }
}

fn all(setting: &Setting, places: &Places) -> All {
    let folder = setting.folder.as_deref();
    let lasting = folder.is_some() && !setting.away && places.lasting;
    let read = |kept: Option<ProjectGrants>| kept.map_or(Ok(Kept::default()), |kept| kept.read());
    let of_project = read(folder.filter(|_| lasting).map(|folder| ProjectGrants::of(folder, &places.project)));
    let everywhere = read(folder.map(ProjectGrants::everywhere));
    let held = &setting.held;
    let mut all = All {
        policy: (*setting.policy).clone(),
        grants: Vec::new(),
        refusals: held.refusals.iter().map(|refusal| (GrantScope::Session, refusal.clone())).collect(),
        lasting,
        trouble: None,
    };
    let own = [(GrantScope::Turn, &held.turn), (GrantScope::Session, &held.session)];
    all.grants
        .extend(own.into_iter().flat_map(|(scope, grants)| grants.iter().map(move |grant| (scope, grant.clone()))));
    for (scope, kept) in [(GrantScope::Project, of_project), (GrantScope::Everywhere, everywhere)] {
        let doubt = match kept {
            Ok(kept) => {
                if !setting.away {
                    all.grants.extend(kept.grants.into_iter().map(|grant| (scope, grant)));
                }
                all.refusals.extend(kept.refusals.into_iter().map(|refusal| (scope, refusal)));
                kept.doubtful.then(|| format!("a line of what is refused {}", scope.words()))
            }
            Err(error) => {
                all.lasting &= scope != GrantScope::Project;
                all.trouble.get_or_insert_with(|| error.to_string());
                Some(format!("what is allowed and refused {}", scope.words()))
            }
        };
        all.policy.unread.extend(doubt);
    }
    all.policy.deny.extend(all.refusals.iter().map(|(scope, refusal)| with_origin(*scope, refusal)));
    all
}

/// Where things are, all links followed.
struct Places {
    cwd: PathBuf,
    /// What names of files are relative to.
    root: String,
    project: PathBuf,
    /// What holds for a home holds for everything.
    lasting: bool,
    known: RefCell<HashMap<String, Option<String>>>,
    /// There were more paths than are looked up: where those lead nobody knows.
    missed: Cell<bool>,
}

impl Places {
    fn of(setting: &Setting) -> Self {
        let real = |path: PathBuf| std::fs::canonicalize(&path).unwrap_or(path);
        let (cwd, project) = (real(setting.cwd.clone()), real(project(&setting.cwd)));
        // A worktree may lie beside the project whose grants are its own too.
        let root = if cwd.starts_with(&project) { &project } else { &cwd };
        let lasting =
            project.parent().is_some() && setting.home.as_ref().is_none_or(|home| real(home.to_owned()) != project);
        let root = root.to_string_lossy().into_owned();
        Self { cwd, root, project, lasting, known: RefCell::default(), missed: Cell::default() }
    }

    fn with<T>(&self, setting: &Setting, then: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let real = |path: &str| {
            if !setting.here {
                return None;
            }
            if let Some(known) = self.known.borrow().get(path) {
                return known.clone();
            }
            if self.known.borrow().len() >= MOST {
                self.missed.set(true);
                return None;
            }
            let found = disk::resolve(Path::new(path)).ok().and_then(|real| real.to_str().map(str::to_owned));
            self.known.borrow_mut().insert(path.to_owned(), found.clone());
            found
        };
        let mut roots = vec![self.root.clone()];
        // The main worktree, and the directory under the name that the session has for it.
        let called = policy::plain(&setting.cwd.to_string_lossy());
        let called = (self.cwd.as_os_str() == self.root.as_str()).then_some(called);
        for root in [Some(self.project.to_string_lossy().into_owned()), called].into_iter().flatten() {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        let home = setting.home.as_ref().filter(|_| setting.here).map(|home| home.to_string_lossy().into_owned());
        let cwd = policy::plain(&setting.cwd.to_string_lossy());
        then(&Surroundings { roots, home, cwd, real: &real })
    }
}

/// As rules see it; `None` where nobody knows where its paths lead.
pub fn act(request: &PermissionRequest, cwd: &Path) -> Option<Act> {
    // What a process has under names of its own is another file for us.
    let own = |path: &str| ["/proc/", "/dev/fd/", "/dev/std"].iter().any(|place| path.starts_with(place));
    Act::of(request, &|path| {
        let path = cwd.join(path);
        let named = path.to_str().map(policy::plain).filter(|path| !own(path));
        disk::resolve(&path).ok().filter(|_| named.is_some())?.to_str().map(str::to_owned)
    })
}

#[cfg(test)]
#[path = "policy/tests.rs"]
mod tests;
