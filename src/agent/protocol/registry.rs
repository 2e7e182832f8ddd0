//! The protocols there are, one row each.

use super::{Row, acp, claude, codex, sidecar};

const ROWS: &[Row] = &[acp::ROW, claude::ROW, codex::ROW, sidecar::ROW];

pub fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// For the error that names what there is.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}
