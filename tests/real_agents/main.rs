//! The real agents, driven offline over mock model servers on loopback: run by `make agents`.
//!
//! `AGOR_AGENTS` names the folder of the agents' programs. Each test has a server and a home of its own, so they run
//! side by side.

#[path = "../support/mod.rs"]
mod support;

mod claude;
mod desk;
mod driver;
mod mock;
mod neovim;
