//! What users forbid, want to be asked about and allow, and what must follow from that: nothing that is forbidden is ever
//! allowed, whoever answers; what is to be asked is allowed by nobody but the user; and what was decided stands in the
//! audit log, or no rule allows anything.

use std::fs;

use super::{
    known::Awaited,
    step::{Rules, Slot},
    world::{World, id},
};
use crate::{
    domain::{
        Answer, RequestId,
        policy::{Policy, PolicyRule},
    },
    session::{
        Chosen, GrantScope, Request,
        audit::{self, Decision, Entry},
        grants::{self, ProjectGrants},
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Denied,
    Asked,
    Allowed,
    Open,
}

impl Rules {
    const ALL: [Rules; 5] = [Rules::None, Rules::Deny, Rules::Ask, Rules::Mixed, Rules::DenyAll];

    pub fn policy(self) -> Policy {
        let command = |command: &str| vec![PolicyRule { command: command.to_owned(), ..PolicyRule::default() }];
        let (all, none) = (|| command("cargo test *"), Policy::default());
        match self {
            Rules::None => none,
            Rules::Deny => Policy { deny: command("cargo test 0"), ..none },
            Rules::Ask => Policy { ask: command("cargo test 0"), allow: all(), ..none },
            Rules::Mixed => {
                Policy { deny: command("cargo test 0"), ask: command("cargo test 1"), allow: all(), ..none }
            }
            Rules::DenyAll => {
                Policy { deny: vec![PolicyRule { tool: "*".to_owned(), ..PolicyRule::default() }], ..none }
            }
        }
    }

    pub fn of(policy: &Policy) -> Self {
        Self::ALL.into_iter().find(|rules| rules.policy() == *policy).expect("one of ours")
    }

    pub fn verdict(self, request: &RequestId, grantable: bool) -> Verdict {
        match (self, request.as_str()) {
            (Rules::DenyAll, _) | (Rules::Deny | Rules::Mixed, "r0") => Verdict::Denied,
            (Rules::Ask, "r0") | (Rules::Mixed, "r1") => Verdict::Asked,
            (Rules::Ask | Rules::Mixed, _) if grantable => Verdict::Allowed,
            _ => Verdict::Open,
        }
    }
}

/// What was refused for longer than once: by whom, or by all.
pub type Refused = Vec<(Option<Slot>, RequestId)>;

impl World {
    fn audit(&self) -> std::path::PathBuf {
        audit::folder(&self.journals())
    }

    pub fn set_audit_away(&mut self, away: bool) {
        if std::mem::replace(&mut self.audit_away, away) == away {
            return;
        }
        self.audit_moved = true;
        let (here, there) = (self.audit(), self.folder.path().join("audit-away"));
        match away {
            true => {
                fs::create_dir_all(&here).expect("a folder");
                fs::rename(&here, &there).expect("moved");
                fs::write(&here, "").expect("in the way");
            }
            false => {
                fs::remove_file(&here).expect("out of the way");
                fs::rename(&there, &here).expect("moved");
            }
        }
    }

    pub fn grants_rule(&mut self, slot: Slot, which: usize, scope: usize, refuse: bool) {
        let open = self.ledger.open_of(slot);
        let request_id = open.get(which % open.len().max(1)).map_or("nobody".into(), |(id, _)| id.clone());
        let scope = [GrantScope::Turn, GrantScope::Session, GrantScope::Project, GrantScope::Everywhere][scope];
        if !refuse {
            self.user_allows(slot, &request_id);
        }
        let refuses = Awaited::Refuses {
            of: Some(slot).filter(|_| scope == GrantScope::Session),
            request_id: request_id.clone(),
        };
        let awaited = if refuse { refuses } else { Awaited::Whatever };
        self.asks(awaited, |reply| Request::Grant {
            session: id(slot),
            request_id,
            chosen: Chosen { rule: 1, scope, refuse },
            reply,
        });
    }

    /// The first that is kept.
    pub fn revokes(&mut self) {
        let (folder, project) = (grants::folder(&self.journals()), self.options(0).cwd);
        let kept = [ProjectGrants::of(&folder, &project), ProjectGrants::everywhere(&folder)];
        let kept = kept.iter().filter_map(|kept| kept.read().ok());
        let mut ids = kept.flat_map(|kept| {
            let refusals = kept.refusals.into_iter().map(|refusal| refusal.id);
            refusals.chain(kept.grants.into_iter().map(|grant| grant.id))
        });
        let id = ids.next().unwrap_or_else(|| "nothing".to_owned());
        self.refusals_end(|of| of.is_some());
        self.asks(Awaited::Whatever, |reply| Request::Revoke { id, session: None, around: project, reply });
    }

    /// Some of them hold no more, or may not.
    pub fn refusals_end(&mut self, stay: impl Fn(Option<Slot>) -> bool) {
        self.ledger.refused.retain(|(of, _)| stay(*of));
        self.ledger.askings.values_mut().for_each(|asking| asking.refused = false);
    }

    /// The user may have allowed it.
    pub fn user_allows(&mut self, slot: Slot, request_id: &RequestId) {
        if let Some(index) = self.sessions[slot].process {
            self.ledger.askings.entry((index, request_id.clone())).or_default().by_user = true;
        }
    }

    /// The agent has an answer.
    pub fn judge_answer(&mut self, index: usize, request_id: &RequestId, answer: &Answer) -> Result<(), String> {
        let process = &self.processes[index];
        let (slot, rules) = (process.slot, process.rules);
        let asking = self.ledger.askings.entry((index, request_id.clone())).or_default();
        let yes = matches!(answer, Answer::Option { option_id, .. } if option_id.as_str() == "yes");
        let wrong = |what: &str| Err(format!("{request_id} of process {index} {what}: {rules:?} {asking:?}"));
        let verdict = rules.verdict(request_id, asking.grantable);
        if yes && verdict == Verdict::Denied {
            return wrong("is forbidden, and was allowed");
        }
        if yes && asking.refused {
            return wrong("was refused for longer, and was allowed");
        }
        if yes && verdict == Verdict::Asked && !asking.by_user {
            return wrong("was to be asked about, and was allowed without the user");
        }
        if yes && self.audit_away && !self.audit_moved && !asking.by_user {
            return wrong("was allowed by a rule, which nobody has taken down");
        }
        if !self.audit_away && !self.audit_moved {
            let decided = self.ledger.decided.entry((slot, request_id.clone())).or_default();
            decided.answers += 1;
            decided.allowed += usize::from(yes);
        }
        Ok(())
    }

    /// Once everything rests.
    pub fn check_rules(&mut self) -> Result<(), String> {
        let (away, moved) = (self.audit_away, std::mem::take(&mut self.audit_moved));
        for (slot, request_id, grantable) in self.ledger.open_permissions() {
            let Some((_, process)) = self.process(slot) else { continue };
            let (verdict, speaks) = (process.rules.verdict(&request_id, grantable), process.speaks);
            let left = match verdict {
                Verdict::Denied => "forbidden",
                // What the user has refused goes before what the rules allow.
                Verdict::Allowed if !away && !moved && !self.is_refused(slot, &request_id) => "allowed",
                _ => continue,
            };
            if speaks && self.rested {
                return Err(format!("{request_id} is {left} by a rule, and the user is asked"));
            }
        }
        if away {
            return Ok(());
        }
        let entries = self.audited()?;
        for ((slot, request_id), decided) in &self.ledger.decided {
            let session = id(*slot);
            let of = || {
                entries.iter().filter(|entry| entry.session == session.as_str() && entry.request == request_id.as_str())
            };
            let (all, allowed) = (of().count(), of().filter(|entry| entry.decision == Decision::Allowed).count());
            if all < decided.answers.max(decided.closed) || allowed < decided.allowed {
                return Err(format!(
                    "{request_id} of {slot}: {decided:?}, and the audit log has {all}, {allowed} allowed"
                ));
            }
        }
        Ok(())
    }

    pub fn is_refused(&self, slot: Slot, request_id: &RequestId) -> bool {
        self.ledger.refused.iter().any(|(of, id)| of.is_none_or(|of| of == slot) && id == request_id)
    }

    fn audited(&self) -> Result<Vec<Entry>, String> {
        let Ok(files) = fs::read_dir(self.audit()) else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for file in files {
            let text = fs::read_to_string(file.map_err(|error| error.to_string())?.path())
                .map_err(|error| error.to_string())?;
            for line in text.lines() {
                entries
                    .push(serde_json::from_str(line).map_err(|error| format!("the audit log says {line}: {error}"))?);
            }
        }
        Ok(entries)
    }
}
