//! What changes in a file.

use serde::{Deserialize, Serialize};

/// The change of one file as hunks; a file that was created has one hunk of added lines only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    pub path: String,
    pub hunks: Vec<Hunk>,
}

impl FileDiff {
    /// Between the old name and the new one, in the path of a file that was renamed.
    pub const RENAMED: &str = " → ";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First line in the old text, from 1 (0 if it had none).
    pub old_start: u64,
    /// First line in the new text, from 1; 0 in both if it is not known where.
    pub new_start: u64,
    /// Lines as in a unified diff: the first character is ' ', '-' or '+'.
    pub lines: Vec<String>,
}
