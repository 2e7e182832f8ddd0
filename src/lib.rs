//! The backend of agor.nvim.
//!
//! Neovim starts it as a msgpack-RPC peer. It runs agents, turns whatever they say into one kind of message, and pushes
//! finished lines with their highlights into buffers. Data flows one way each, no arrow back:
//!
//! ```text
//! agent process → lines → protocol → AgentMessage → (journal) → Transcript → Render → Patch → one nvim call
//! user command → Request → hub → session → protocol → writes → agent process
//! ```
//!
//! One program, three roles, chosen by its arguments in `main`: the backend of an editor; `keep CMD…`, the parent of one
//! agent ([`keeper`]); `runner NAME`, an agent of our own ([`runner`]).
//!
//! `protocol`, `transcript` and `render` are plain values and functions: bytes or messages in, messages or lines out.
//!
//! What is painted has two layers. Text goes first and only where it changed; what is drawn over it follows where a window
//! is near: Markdown, read from the piece that is looked at ([`render::Document`]), and the colours of code, which a thread
//! of their own works out below the sessions ([`render::code`], `session::colour`). Files for the prompt's menu are listed
//! and ranked by another thread ([`client::Files`]). Nothing that is typed, said or painted waits for either.
//!
//! Modules in reading order; each uses only those before it (kept by `tests/architecture.rs`).

pub mod domain;

pub mod private;

pub mod keeper;

pub mod agent;

pub mod runner;

pub mod transcript;

pub mod render;

pub mod session;

pub mod client;

pub mod logging;

pub mod nvim;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
