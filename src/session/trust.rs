//! What a project brings along for an agent's program to read and obey (its hooks, its servers of tools, what it allows),
//! and what the user has said about that: for these very files, of this project, with this agent.
//!
//! Knows files, their hashes and answers; nothing of sessions or of how the user is asked. Which files an agent obeys is
//! data of its configuration.

mod answers;
mod find;

pub use answers::{Answer, Answers, Kept, Said, Written};
pub use find::{Brought, BroughtFile, Place};

use std::collections::BTreeMap;

/// What is known of files before the user is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There are none.
    Nothing,
    Answered(Said),
    /// The user has to say, and this is new to them.
    Open(Vec<Change>),
}

/// A file, and what about it is new since the user was asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub what: What,
    /// It is as it was left by what happened while an agent ran.
    pub written: Option<Written>,
}

impl Change {
    /// What a user has to know of it beside its name; none if there is nothing.
    pub fn words(&self) -> String {
        let words = self.what.words();
        let Some(written) = &self.written else { return words.to_owned() };
        let words = if words.is_empty() { "new" } else { words };
        match written.session.as_str() {
            "" => format!("{words}, written while {} ran", written.agent),
            session => format!("{words}, written while {} ran in \"{session}\"", written.agent),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The user was never asked about any.
    First,
    New,
    Changed,
    Same,
    Removed,
    /// It can never be told whether it is as it was, and why.
    Unknown(&'static str),
}

impl What {
    pub fn words(self) -> &'static str {
        match self {
            What::First => "",
            What::New => "new",
            What::Changed => "changed",
            What::Same => "as it was",
            What::Removed => "gone",
            What::Unknown(why) => why,
        }
    }
}

/// What is new or another since, by name.
pub fn differing(before: &Brought, now: &Brought) -> Vec<BroughtFile> {
    let is_old = |new: &BroughtFile| before.files.iter().any(|old| (&old.path, &old.print) == (&new.path, &new.print));
    now.files.iter().filter(|file| !is_old(file)).cloned().collect()
}

/// What the answers say of the files that are there.
pub fn known(brought: &Brought, Kept { answers, written }: &Kept, agent: &str) -> Known {
    let written = |name: &str, print: &Result<String, _>| {
        written.iter().find(|written| written.name == name && print.as_ref() == Ok(&written.print)).cloned()
    };
    let mine = answers.iter().filter(|answer| answer.agent == agent);
    let before = mine.clone().next_back();
    if brought.files.is_empty() {
        return Known::Nothing;
    }
    let prints = brought.prints();
    if let Some(prints) = &prints
        && let Some(answer) = mine.rev().find(|answer| answer.files == *prints)
    {
        return Known::Answered(answer.said);
    }
    let Some(before) = before else {
        let change = |file: &BroughtFile| Change {
            name: file.name.clone(),
            what: file.print.as_ref().map_or_else(|why| What::Unknown(why), |_| What::First),
            written: written(&file.name, &file.print),
        };
        return Known::Open(in_order(brought.files.iter().map(change).collect()));
    };
    let old: BTreeMap<&str, &str> = before.files.iter().map(|(name, print)| (&**name, &**print)).collect();
    let of = |file: &BroughtFile| {
        let what = change(file, &old);
        let written = written(&file.name, &file.print).filter(|_| what != What::Same);
        Change { name: file.name.clone(), what, written }
    };
    let mut changes: Vec<Change> = brought.files.iter().map(of).collect();
    let is_there = |name: &str| brought.files.iter().any(|file| file.name == name);
    let gone = old.keys().filter(|name| !is_there(name));
    changes.extend(gone.map(|name| Change { name: (*name).to_owned(), what: What::Removed, written: None }));
    Known::Open(in_order(changes))
}

/// As they are read, since a screen may not have all: what the user has not seen yet stands first, of that what nobody can compare
/// or may be an agent's own doing, and then what lies higher: that is what starts programs, and commands and skills by the dozen
/// lie below it.
fn in_order(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|change| {
        let warns = change.written.is_some() || matches!(change.what, What::Unknown(_));
        (change.what == What::Same, !warns, change.name.matches('/').count())
    });
    changes
}

fn change(file: &BroughtFile, old: &BTreeMap<&str, &str>) -> What {
    match (&file.print, old.get(&*file.name)) {
        (Err(why), _) => What::Unknown(why),
        (Ok(_), None) => What::New,
        (Ok(print), Some(before)) if print == before => What::Same,
        (Ok(_), Some(_)) => What::Changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(files: &[(&str, &str)]) -> Brought {
        let file = |(name, print): &(&str, &str)| BroughtFile {
            name: (*name).to_owned(),
            path: (*name).into(),
            stamp: None,
            print: if print.is_empty() { Err("too long") } else { Ok((*print).to_owned()) },
        };
        Brought { files: files.iter().map(file).collect(), project: "/p".into() }
    }

    fn answer(agent: &str, files: &[(&str, &str)], said: Said) -> Answer {
        let files = files.iter().map(|(name, print)| ((*name).to_owned(), (*print).to_owned())).collect();
        Answer { agent: agent.to_owned(), said, at: 1, files }
    }

    #[track_caller]
    fn check(there: &[(&str, &str)], answers: &[Answer], expect: Result<Said, &str>) {
        checked(there, &Kept { answers: answers.to_vec(), written: Vec::new() }, expect);
    }

    #[track_caller]
    fn checked(there: &[(&str, &str)], kept: &Kept, expect: Result<Said, &str>) {
        let found = match known(&brought(there), kept, "a") {
            Known::Answered(said) => Ok(said),
            Known::Nothing => Err("nothing".to_owned()),
            Known::Open(changes) => Err(changes
                .iter()
                .map(|change| format!("{} {}", change.name, change.words()).trim_end().to_owned())
                .collect::<Vec<_>>()
                .join(", ")),
        };
        assert_eq!(found.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text));
    }

    #[test]
    fn an_answer_holds_for_these_very_files_and_this_agent() {
        let two = [("x", "1"), ("y", "2")];
        check(&[], &[], Err("nothing"));
        check(&two, &[], Err("x, y"));
        check(&two, &[answer("a", &two, Said::Use)], Ok(Said::Use));
        check(&two, &[answer("b", &two, Said::Use)], Err("x, y"));
        check(&two, &[answer("a", &two, Said::Use), answer("a", &two, Said::Refuse)], Ok(Said::Refuse));
    }

    #[test]
    fn what_has_changed_is_asked_about_and_named_first() {
        let before = [answer("a", &[("x", "1"), ("y", "2"), ("z", "3")], Said::Use)];
        check(&[("x", "1"), ("y", "9"), ("w", "4")], &before, Err("y changed, w new, z gone, x as it was"));
        check(&[], &before, Err("nothing"));
    }

    #[test]
    fn what_starts_programs_is_not_below_what_is_there_by_the_dozen() {
        let there =
            [(".c/commands/a.md", "1"), (".c/commands/b.md", ""), (".c/settings.json", "2"), (".mcp.json", "3")];
        check(&there, &[], Err(".c/commands/b.md too long, .mcp.json, .c/settings.json, .c/commands/a.md"));
        let before = [answer("a", &[(".c/commands/a.md", "0"), (".c/settings.json", "2")], Said::Use)];
        check(
            &there,
            &before,
            Err(".c/commands/b.md too long, .mcp.json new, .c/commands/a.md changed, .c/settings.json as it was"),
        );
    }

    #[test]
    fn what_was_answered_for_another_branch_holds_there_again() {
        let (one, other) = ([("x", "1")], [("x", "2")]);
        let both = [answer("a", &one, Said::Use), answer("a", &other, Said::Use)];
        check(&one, &both, Ok(Said::Use));
        check(&other, &both, Ok(Said::Use));
    }

    #[test]
    fn what_cannot_be_compared_is_asked_about_each_time() {
        check(&[("x", "")], &[answer("a", &[("x", "")], Said::Use)], Err("x too long"));
        check(&[("x", "")], &[], Err("x too long"));
    }

    #[test]
    fn what_was_written_while_an_agent_ran_says_so_as_long_as_it_is_that() {
        let written = |name: &str, print: &str, session: &str| Written {
            name: name.into(),
            print: print.into(),
            agent: "Claude Code".into(),
            session: session.into(),
            at: 1,
        };
        let notes = vec![written("x", "1", ""), written("y", "2", "fix"), written("z", "3", "fix")];
        let mut kept = Kept { answers: Vec::new(), written: notes };
        checked(&[("x", "1"), ("y", "1")], &kept, Err("x new, written while Claude Code ran, y"));
        kept.answers = vec![answer("a", &[("y", "1"), ("z", "3")], Said::Use)];
        checked(
            &[("y", "2"), ("z", "3")],
            &kept,
            Err("y changed, written while Claude Code ran in \"fix\", z as it was"),
        );
    }

    #[test]
    fn what_differs_is_what_is_new_or_another() {
        let names = |files: Vec<BroughtFile>| files.into_iter().map(|file| file.name).collect::<Vec<_>>();
        let before = brought(&[("x", "1"), ("y", "1"), ("z", "1"), ("w", "")]);
        let now = brought(&[("x", "1"), ("y", "2"), ("v", ""), ("w", "")]);
        assert_eq!(names(differing(&before, &now)), ["y", "v"]);
    }
}
