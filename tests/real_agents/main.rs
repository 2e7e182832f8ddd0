//! The real agents, driven offline over mock model servers on loopback: run by `make agents`.
//!
//! `AGOR_AGENTS` names the folder of the agents' programs. Each test has a server and a home of its own, so they run
//! side by side. An agent's tests are in a module of its name, by which `scripts/agents` leaves out those of one that
//! cannot be installed.

#[path = "../support/mod.rs"]
mod support;

mod agent;
mod claude;
mod codex;
mod desk;
mod driver;
mod everyday;
mod mock;
mod runners;
