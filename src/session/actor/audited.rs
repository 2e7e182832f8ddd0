//! Who decided what is taken down, before the agent has the answer.

use super::Actor;
use crate::{
    domain::{Answer, OptionKind, RequestId, Subject, rule::Act},
    session::{
        audit::{self, Decision, Entry, What, Who},
        grants::GrantScope,
        state::{Asked, Pending},
        updates::Level,
    },
};

/// What became of a question, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decided {
    pub(super) decision: Decision,
    pub(super) by: By,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct By {
    /// `None`: we ourselves.
    pub(super) who: Option<Who>,
    pub(super) option: Option<OptionKind>,
    pub(super) rules: Vec<String>,
    pub(super) grants: Vec<(String, GrantScope)>,
}

impl Decided {
    pub(super) fn by(who: Who, decision: Decision) -> Self {
        Self { decision, by: By { who: Some(who), ..By::default() } }
    }

    /// By the user's own hand.
    pub(super) fn answer(pending: &Pending, answer: &Answer) -> Self {
        let kind = match (&pending.asked, answer) {
            (Asked::Permission(request), Answer::Option { option_id, .. }) => {
                request.options.iter().find(|option| option.option_id == *option_id).map(|option| option.kind)
            }
            _ => None,
        };
        let decision = match (answer, kind) {
            (Answer::Cancelled, _) => Decision::Cancelled,
            (_, Some(OptionKind::AllowOnce | OptionKind::AllowAlways)) => Decision::Allowed,
            (_, Some(OptionKind::RejectOnce | OptionKind::RejectAlways)) => Decision::Denied,
            _ => Decision::Answered,
        };
        Self { decision, by: By { who: Some(Who::Human), option: kind, ..By::default() } }
    }
}

impl Actor {
    /// False if it could not be: that is said once, and the session's row says so until it can.
    pub(super) fn take_down_decision(&mut self, request_id: &RequestId, outcome: &str, decided: &Decided) -> bool {
        let entry = self.state.find_pending(request_id).map(|pending| self.entry(pending, outcome, decided));
        entry.is_none_or(|entry| self.take_down_entry(&entry))
    }

    /// The same for one that nobody was asked.
    pub(super) fn take_down_pending(&mut self, pending: &Pending, outcome: &str, decided: &Decided) -> bool {
        let entry = self.entry(pending, outcome, decided);
        self.take_down_entry(&entry)
    }

    fn take_down_entry(&mut self, entry: &Entry) -> bool {
        let Some(folder) = self.common.journals.as_deref().map(audit::folder) else { return true };
        let failed = match audit::record(&folder, entry) {
            Ok(file) => {
                let _ = self.common.syncer.send(file);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        let before = std::mem::replace(&mut self.state.summary.audit_failed, failed.is_some());
        if let Some(error) = failed.as_ref().filter(|_| !before) {
            let message = format!(
                "decisions are not taken down: the audit log {error}. Until they are, nothing is allowed by rules and \
                 grants: you are asked"
            );
            self.notify(Level::Warn, message);
        }
        if before != failed.is_some() {
            self.tell_row();
        }
        failed.is_none()
    }

    fn entry(&self, pending: &Pending, outcome: &str, decided: &Decided) -> Entry {
        let (tool, what) = match &pending.asked {
            Asked::Permission(request) => (request.tool.as_str(), self.what(pending)),
            Asked::Question(request) => {
                let texts = request.questions.iter().map(|question| self.redactor.text(&question.text));
                ("question", (What::Question(texts.collect()), false))
            }
        };
        // What the user answers may be a secret, and is between them and the agent.
        let outcome = match &pending.asked {
            Asked::Question(_) if decided.decision == Decision::Answered => "",
            _ => outcome,
        };
        self.entry_of(pending.request_id(), tool, what, outcome, decided)
    }

    fn entry_of(
        &self,
        request_id: &RequestId,
        tool: &str,
        (what, cut): (What, bool),
        outcome: &str,
        decided: &Decided,
    ) -> Entry {
        let at = self.common.now();
        let Decided { decision, by: By { who, option, rules, grants } } = decided.clone();
        Entry {
            at,
            time: audit::time(at),
            session: self.options.session_id.to_string(),
            project: self.state.summary.project.clone(),
            provider: self.options.provider.clone(),
            request: request_id.to_string(),
            tool: tool.to_owned(),
            what,
            cut,
            decision,
            by: who.unwrap_or(Who::Agor),
            option,
            rules: rules.iter().map(|rule| self.redactor.text(rule)).collect(),
            grants,
            outcome: shortened(&self.redactor.text(outcome)).0,
        }
    }

    fn what(&self, pending: &Pending) -> (What, bool) {
        let Asked::Permission(request) = &pending.asked else { return (What::Question(Vec::new()), false) };
        // Where its paths lead, if that is known by now.
        let act = pending.grounds.as_ref().map(|grounds| &grounds.act);
        match (&request.subject, act) {
            (Subject::Command { command }, _) => {
                let (text, cut) = shortened(&self.redactor.text(command));
                (What::Command(text), cut)
            }
            (Subject::Files { .. }, Some(Act::Files { paths: real, change })) => of_paths(real, *change),
            (Subject::Files { paths: named, change }, _) => of_paths(named, *change),
            (Subject::Start, _) => {
                // A question of ours, in words: which files, and what had become of them.
                let files = request.input["files"].as_array().into_iter().flatten().map(|file| {
                    let path = file["path"].as_str().unwrap_or_default();
                    match file["state"].as_str().unwrap_or_default() {
                        "" => path.to_owned(),
                        state => format!("{path} ({state})"),
                    }
                });
                let (text, cut) = shortened(&self.redactor.text(&files.collect::<Vec<_>>().join(", ")));
                (What::Input(text), cut)
            }
            (Subject::Tool | Subject::Input | Subject::Always, _) => {
                let (text, cut) = shortened(&self.redactor.line(&request.input.to_string()));
                (What::Input(text), cut)
            }
        }
    }
}

/// And whether some were left out.
fn of_paths(all: &[String], change: bool) -> (What, bool) {
    let mut room = audit::LONGEST;
    let fits = |path: &&String| {
        let fits = path.len() <= room;
        room = room.saturating_sub(path.len());
        fits
    };
    let paths: Vec<String> = all.iter().take_while(fits).cloned().collect();
    let cut = paths.len() < all.len();
    (if change { What::Change(paths) } else { What::Read(paths) }, cut)
}

/// And whether something was left out.
fn shortened(text: &str) -> (String, bool) {
    let end = (0..=text.len().min(audit::LONGEST)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    (text[..end].to_owned(), end < text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_kept_of_a_text_as_there_is_room_for() {
        let whole = "x".repeat(audit::LONGEST);
        assert_eq!(shortened(&whole), (whole.clone(), false));
        assert_eq!(shortened(&format!("{whole}y")), (whole, true));
        // A character is there or is not.
        let wide = "ä".repeat(audit::LONGEST);
        assert_eq!(shortened(&format!("x{wide}")), (format!("x{}", "ä".repeat(audit::LONGEST / 2 - 1)), true));
    }

    #[test]
    fn as_many_paths_are_kept_as_there_is_room_for() {
        let paths = |count| vec!["/a".to_owned(); count];
        let most = audit::LONGEST / 2;
        assert_eq!(of_paths(&paths(most), true), (What::Change(paths(most)), false));
        assert_eq!(of_paths(&paths(most + 1), false), (What::Read(paths(most)), true));
        assert_eq!(of_paths(&["x".repeat(audit::LONGEST + 1)], false), (What::Read(Vec::new()), true));
    }
}
