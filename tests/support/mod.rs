//! What tests that drive a real Neovim share: a home of their own, an editor with a screen, a look at what is left running.
//!
//! Blocking on purpose, with one reader thread: a test reads as what a user does and sees. Nothing sleeps; whoever waits
//! is woken by the editor's next flush or answer, and a wait that is in vain ends in a panic with the screen in it.
//! Sessions are in `sessions` alone.
#![allow(dead_code, unused_imports, reason = "every test program takes what it needs")]

mod demo;
pub mod descriptors;
mod ear;
mod editor;
pub mod flood;
mod grid;
mod home;
mod ollama;
mod rpc;
mod sessions;

pub use demo::*;
pub use ear::Ear;
pub use editor::{Editor, Options, neovim, without_ours};
pub use grid::Highlight;
pub use home::{Home, Leftover, leftovers, repository, wait_for_exit};
pub use ollama::Ollama;
pub use rpc::{Rpc, RpcError};
