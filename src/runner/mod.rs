//! The embedded runners' own side: programs that speak the sidecar protocol on stdio.
//!
//! They are started like any other agent and know nothing of the backend; only they print to stdout.

pub mod demo;
mod inbox;
pub mod ollama;

/// Those that there are, by the names that `agor-nvim runner` takes.
pub const NAMES: &[&str] = &["demo", "ollama"];
