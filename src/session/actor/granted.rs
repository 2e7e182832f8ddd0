//! What the user allows or refuses for longer than once: the choice of it is carried out here, and it can be taken back.
//! What that means for requests is in `considered`.

use super::{
    Actor, Done,
    audited::{By, Decided},
    files::Leave,
};
use crate::{
    domain::{Answer, Command, OptionKind, PermissionOption, PermissionRequest, RequestId, policy::PolicyRule},
    session::{
        audit::{Decision, Who},
        grants::{self, Grant, GrantScope, ProjectGrants, Refusal},
        policy::{Held, allow_once},
        reply::Reply,
        request::{Chosen, GrantRow},
        state::{Asked, Grounds},
        updates::Update,
    },
};

/// What of it ends with the session, or with its turn.
#[derive(Debug, Default)]
pub(super) struct Granted {
    pub(super) held: Held,
    /// How often that has changed: what was looked up before is out of date.
    pub(super) changes: u64,
    /// Files through us that the user has said yes to in this turn.
    pub(super) leaves: Vec<Leave>,
    /// Is looked up.
    pub(super) considered: Option<RequestId>,
    /// Why the project's cannot be had was said.
    pub(super) complained: bool,
}

/// What is to be kept on the disk, and who waits for that.
pub(super) struct Keeping {
    request_id: RequestId,
    kept: Longer,
    scope: GrantScope,
    root: String,
    reply: Reply<()>,
}

/// A grant or a refusal.
#[derive(Clone, Debug)]
pub(super) enum Longer {
    Grant(Grant),
    Refusal(Refusal),
}

impl Longer {
    fn words(&self, root: &str) -> String {
        match self {
            Longer::Grant(grant) => grant.rule.words(root),
            Longer::Refusal(refusal) => refusal.rule.refuses(root),
        }
    }

    fn id(&self) -> &str {
        match self {
            Longer::Grant(grant) => &grant.id,
            Longer::Refusal(refusal) => &refusal.id,
        }
    }

    fn keep(self, into: &ProjectGrants) -> Result<(), String> {
        match self {
            Longer::Grant(grant) => into.add(grant),
            Longer::Refusal(refusal) => into.refuse(refusal),
        }
        .map_err(|error| error.to_string())
    }
}

/// By its kind: once before for good, which is the agent's own and would outlast the user's rule.
pub(super) fn refusing(request: &PermissionRequest) -> Option<&PermissionOption> {
    let of = |kind| request.options.iter().find(|option| option.kind == kind);
    of(OptionKind::RejectOnce).or_else(|| of(OptionKind::RejectAlways))
}

impl Actor {
    /// The user allows or refuses it by one of the rules that were offered, counted from 1.
    pub(super) fn grant(&mut self, request_id: RequestId, chosen: Chosen, reply: Reply<()>) {
        let Chosen { rule, scope, .. } = chosen;
        let (longer, grounds) = match self.offered(&request_id, chosen) {
            Ok(found) => found,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let folder = self.grants_folder();
        let into = match (scope, folder) {
            (GrantScope::Turn | GrantScope::Session, _) => None,
            (GrantScope::Project, Some(folder)) if grounds.lasting => {
                Some(ProjectGrants::of(&folder, &grounds.project))
            }
            (GrantScope::Everywhere, Some(folder)) if grounds.everywhere => Some(ProjectGrants::everywhere(&folder)),
            _ => {
                let scope = scope.words();
                let error = format!("rule {rule} cannot hold {scope} here: choose it for this session");
                let _ = reply.send(Err(error));
                return;
            }
        };
        if let Some(into) = into {
            let keeping = Keeping { request_id, kept: longer.clone(), scope, root: grounds.root, reply };
            self.jobs.spawn_blocking(move || Done::Granted { kept: longer.keep(&into), keeping: Box::new(keeping) });
            return;
        }
        let held = &mut self.granted.held;
        match (longer.clone(), scope) {
            (Longer::Grant(grant), GrantScope::Turn) => held.turn.push(grant),
            (Longer::Grant(grant), _) => held.session.push(grant),
            (Longer::Refusal(refusal), _) => held.refusals.push(refusal),
        }
        let _ = reply.send(Ok(()));
        self.settle_for_longer(&request_id, &longer, scope, &grounds.root);
        self.grants_changed();
    }

    pub(super) fn grants_folder(&self) -> Option<std::path::PathBuf> {
        self.common.journals.as_deref().map(grants::folder)
    }

    fn offered(&self, request_id: &RequestId, chosen: Chosen) -> Result<(Longer, Grounds), String> {
        let Chosen { rule, scope, refuse } = chosen;
        let pending = self.state.find_pending(request_id);
        let pending =
            pending.ok_or_else(|| format!("no question {request_id} is open: it was answered or withdrawn"))?;
        let grounds = pending.grounds.as_ref().ok_or("this question can only be answered by its own options")?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let at = self.common.now();
        let none = |count| format!("no rule {rule} was offered: there are {count}");
        let index = rule.checked_sub(1).unwrap_or(usize::MAX);
        let longer = if refuse {
            if scope == GrantScope::Turn {
                return Err("a refusal holds for the session, in the project or everywhere".to_owned());
            }
            let found = grounds.refusals.get(index).ok_or_else(|| none(grounds.refusals.len()))?;
            Longer::Refusal(Refusal { id, rule: found.clone(), at })
        } else {
            let found = grounds.offers.get(index).ok_or_else(|| none(grounds.offers.len()))?;
            if scope == GrantScope::Everywhere && found.is_of_files() {
                return Err("files are allowed in their project, not everywhere".to_owned());
            }
            Longer::Grant(Grant { id, rule: found.clone(), at })
        };
        Ok((longer, grounds.clone()))
    }

    /// The file has it, or not.
    pub(super) fn grant_kept(&mut self, keeping: Keeping, kept: Result<(), String>) {
        let Keeping { request_id, kept: longer, scope, root, reply } = keeping;
        let done = kept.is_ok();
        let _ = reply.send(kept);
        if done {
            self.settle_for_longer(&request_id, &longer, scope, &root);
            // All sessions of the project, this one too.
            self.tell(Update::GrantsChanged);
        }
    }

    /// The request that it was made of is answered by it. The agent hears of no more than this once.
    fn settle_for_longer(&mut self, request_id: &RequestId, longer: &Longer, scope: GrantScope, root: &str) {
        let pending = self.state.find_pending(request_id);
        let Some(Asked::Permission(request)) = pending.map(|pending| &pending.asked) else { return };
        let words = longer.words(root);
        let (option, message, outcome) = match longer {
            Longer::Grant(_) => (allow_once(request), None, format!("granted {}: {words}", scope.words())),
            Longer::Refusal(_) => {
                let told =
                    format!("The user does not want this, now or later. They refuse {}: {words}.", scope.words());
                (refusing(request), Some(told), format!("refused {}: {words}", scope.words()))
            }
        };
        let decided = Decided {
            decision: if message.is_some() { Decision::Denied } else { Decision::Allowed },
            by: By {
                who: Some(Who::Human),
                option: option.map(|option| option.kind),
                rules: vec![words],
                grants: vec![(longer.id().to_owned(), scope)],
            },
        };
        let (answer, outcome) = match option {
            Some(option) => {
                let outcome = format!("{} ({outcome})", option.name);
                (Answer::Option { option_id: option.option_id.clone(), message, input: None }, outcome)
            }
            None => (Answer::Cancelled, outcome),
        };
        self.settle(request_id, outcome, &decided);
        self.answer_agent(Command::Answer { request_id: request_id.clone(), answer });
    }

    /// What is open may be allowed or refused now.
    pub(super) fn grants_changed(&mut self) {
        self.granted.changes += 1;
        self.trust_changed();
        self.state.consider_again();
        self.consider_next();
    }

    pub(super) fn grants_end_with_turn(&mut self) {
        if !self.granted.held.turn.is_empty() {
            self.granted.held.turn.clear();
            self.granted.changes += 1;
        }
    }

    /// Those of this session alone.
    pub(super) fn own_grants(&self) -> Vec<GrantRow> {
        let root = self.state.summary.project.clone();
        let held = &self.granted.held;
        let row = |id: &str, scope, refuses, words, at| GrantRow {
            id: id.to_owned(),
            scope,
            refuses,
            words,
            at,
            session_id: Some(self.options.session_id.clone()),
            project: root.clone(),
        };
        let grant = |scope: GrantScope| {
            let root = root.clone();
            move |grant: &Grant| row(&grant.id, scope, false, grant.rule.words(&root), grant.at)
        };
        let refusal = |refusal: &Refusal| {
            let words = PolicyRule::refuses(&refusal.rule, &root);
            row(&refusal.id, GrantScope::Session, true, words, refusal.at)
        };
        let turn = held.turn.iter().map(grant(GrantScope::Turn));
        let session = held.session.iter().map(grant(GrantScope::Session));
        turn.chain(session).chain(held.refusals.iter().map(refusal)).collect()
    }

    pub(super) fn revoke(&mut self, id: &str) -> Result<(), String> {
        let held = &mut self.granted.held;
        let count = |held: &Held| held.turn.len() + held.session.len() + held.refusals.len();
        let before = count(held);
        held.turn.retain(|grant| grant.id != id);
        held.session.retain(|grant| grant.id != id);
        held.refusals.retain(|refusal| refusal.id != id);
        if before == count(held) {
            return Err("this grant does not hold any more".to_owned());
        }
        self.grants_changed();
        Ok(())
    }
}
