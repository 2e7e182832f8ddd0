//! The whole, as users have it: a real Neovim with a screen, the real backend, real agent processes. One program, so that
//! it is linked once; a file for each thing that a user does.

#[path = "../support/mod.rs"]
mod support;

mod api;
mod backend;
mod badinput;
mod board;
mod changes;
mod completion;
mod faults;
mod files;
mod flood;
mod following;
mod habits;
mod help;
mod hostile;
mod install;
mod leaving;
mod looking;
mod looks;
mod main_path;
mod mischief;
mod nesting;
mod ollama;
mod pane;
mod prompt;
mod questions;
mod queue;
mod reading;
mod selection;
mod showing;
mod sidecar;
mod stalled;
mod start;
mod together;
mod undisturbed;
mod upgrade;
mod worktree;
