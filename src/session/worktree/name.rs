//! What a worktree is called: its branch and its place, from the name that the user gave it.
//!
//! Pure. Whether git takes the branch's name is for git to say.

use std::path::{Path, PathBuf};

use crate::domain::WorktreeOptions;

const MOST_CHARS: usize = 100;

/// What is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    pub branch: String,
    pub path: PathBuf,
}

/// An error is a sentence.
pub fn plan(name: &str, options: &WorktreeOptions, repository: &Path) -> Result<Plan, String> {
    check(name)?;
    let path = match &options.path {
        Some(path) => path.clone(),
        None => {
            let project = repository.file_name().unwrap_or_default().to_string_lossy();
            let filled = fill(&options.directory, |field| match field {
                "repository" => Some(repository.to_string_lossy().into_owned()),
                "project" => Some(project.clone().into_owned()),
                // One directory, whatever the branch is called.
                "name" => Some(name.replace('/', "-")),
                _ => None,
            });
            repository.join(filled?)
        }
    };
    let branch = fill(&options.branch, |field| (field == "name").then(|| name.to_owned()))?;
    Ok(Plan { name: name.to_owned(), branch, path: tidy(&path) })
}

fn check(name: &str) -> Result<(), String> {
    let bad = name.is_empty()
        || name.chars().count() > MOST_CHARS
        || name.chars().any(|c| c.is_control() || c == '\\')
        || name.split('/').any(|part| part.is_empty() || part.starts_with(['.', '-']));
    match bad {
        true => Err(format!(
            "{name:?} cannot name a worktree: use at most {MOST_CHARS} letters, digits, '-', '_' and '.', not beginning with '-' or '.'"
        )),
        false => Ok(()),
    }
}

/// Puts values in the place of `{field}`.
fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((field, after)) = after.split_once('}') else { break };
        let value = value(field)
            .ok_or_else(|| format!("config.worktree: \"{template}\" has {{{field}}}, which stands for nothing"))?;
        out.push_str(before);
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Without `.` and `..`, by the words alone: what is not there yet has no real path.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_plan(name: &str, options: &WorktreeOptions, branch: &str, path: &str) {
        let plan = plan(name, options, Path::new("/home/me/project")).expect("a good name");
        assert_eq!((plan.branch.as_str(), plan.path.as_path()), (branch, Path::new(path)));
    }

    #[test]
    fn a_worktree_lies_beside_its_repository_or_where_it_is_wanted() {
        let options = WorktreeOptions::default();
        check_plan("fix", &options, "agor/fix", "/home/me/project.worktrees/fix");
        check_plan("me/fix", &options, "agor/me/fix", "/home/me/project.worktrees/me-fix");
        let own = |directory: &str| WorktreeOptions {
            directory: directory.into(),
            branch: "{name}".into(),
            ..WorktreeOptions::default()
        };
        check_plan("fix", &own("/trees/{project}-{name}"), "fix", "/trees/project-fix");
        check_plan("fix", &own(".trees/{name}"), "fix", "/home/me/project/.trees/fix");
        check_plan("fix", &own("../{name}"), "fix", "/home/me/fix");
        check_plan("fix", &WorktreeOptions { path: Some("/x/{a}".into()), ..options }, "agor/fix", "/x/{a}");
    }

    #[test]
    fn a_name_that_would_lead_elsewhere_is_refused() {
        for name in ["", "..", "a/../b", ".git", "-b", "a/-b", "/etc", "a//b", "a/", "a\nb", "a\\b", &"x".repeat(101)] {
            let error = plan(name, &WorktreeOptions::default(), Path::new("/p")).expect_err(name);
            assert!(error.contains("cannot name a worktree"), "{error}");
        }
        let options = WorktreeOptions { directory: "{home}/{name}".into(), ..WorktreeOptions::default() };
        let error = plan("a", &options, Path::new("/p")).expect_err("no such field");
        assert_eq!(error, "config.worktree: \"{home}/{name}\" has {home}, which stands for nothing");
    }
}
