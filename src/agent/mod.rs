//! Agents: their processes and what they say on their pipes.
//!
//! `process` is the only place that spawns, `place` knows how agents are run elsewhere, `protocol` is the only one that
//! knows what an agent's bytes mean. Knows the domain; knows nothing of sessions, journals or editors.

pub mod adapter;
pub mod awake;
pub mod environment;
pub mod json;
pub mod jsonrpc;
pub mod kept;
pub mod lines;
pub mod locate;
pub mod place;
pub mod process;
pub mod protocol;
pub mod redact;
pub mod stop;
pub mod trace;
