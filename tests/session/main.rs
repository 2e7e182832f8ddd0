//! Sessions through the hub, without an editor: real agents under real keepers, and what a client is told of them.

#[path = "../support/container.rs"]
mod container;

mod acp;
mod asking;
mod changes;
mod changes_odd;
mod commands;
mod elsewhere;
mod ends;
mod journals;
mod kept;
mod life;
mod messages;
mod peers;
mod repository;
mod scene;
mod stage;
mod views;
mod words;
mod worktree_ends;
mod worktrees;
