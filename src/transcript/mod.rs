//! A conversation as a list of entries, folded from agent messages. Pure: no I/O, no clock, no layout.
//!
//! Parts extend the entry of their id, a whole message replaces it, tool results find their call, what a subagent does
//! stands below its call. Every fold says which entries changed, so that whoever shows them redraws nothing else.

mod entry;
mod fold;
mod order;

pub use entry::{Body, Entry, EntryId, Tool, ToolState, Waited};
pub use fold::{Change, Transcript};
