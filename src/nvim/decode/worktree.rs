//! What is asked about worktrees, method by method.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use super::read;
use crate::session::WorktreeAsk;

#[derive(Debug, Deserialize)]
struct About {
    /// Of one worktree; or where its repository is looked for.
    path: PathBuf,
    #[serde(default)]
    environ: BTreeMap<String, String>,
    #[serde(default)]
    seen: String,
    message: Option<String>,
    #[serde(default)]
    branch: bool,
}

/// The question, and the environment that git gets.
pub fn worktree(method: &str, json: Json) -> Result<(WorktreeAsk, BTreeMap<String, String>), String> {
    let About { path, environ, seen, message, branch } = read(method, json)?;
    if !path.is_absolute() {
        return Err(format!("{method}: path must be absolute, not \"{}\"", path.display()));
    }
    let ask = match method {
        "worktrees" => WorktreeAsk::List(path),
        "worktree_look" => WorktreeAsk::Look(path),
        "worktree_diff" => WorktreeAsk::Diff(path),
        "worktree_merge" => {
            let message = message.filter(|message| !message.trim().is_empty());
            WorktreeAsk::Merge { path, seen, message }
        }
        _ => WorktreeAsk::Remove { path, seen, branch },
    };
    Ok((ask, environ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_names_its_worktree_by_its_whole_path() {
        let error = worktree("worktree_look", json!({"path": "x"})).expect_err("relative");
        assert_eq!(error, "worktree_look: path must be absolute, not \"x\"");
        let (ask, environ) =
            worktree("worktree_merge", json!({"path": "/x", "seen": "s", "message": " ", "environ": {"HOME": "/me"}}))
                .expect("a question");
        assert_eq!(ask, WorktreeAsk::Merge { path: "/x".into(), seen: "s".into(), message: None });
        assert_eq!(environ["HOME"], "/me");
        let (ask, _) = worktree("worktree_remove", json!({"path": "/x", "branch": true})).expect("a question");
        assert_eq!(ask, WorktreeAsk::Remove { path: "/x".into(), seen: String::new(), branch: true });
    }
}
