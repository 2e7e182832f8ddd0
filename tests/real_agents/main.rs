//! The real agents, driven offline over mock model servers on loopback: run by `make agents`.
//!
//! `AGOR_AGENTS` names the folder of the agents' programs. Each test has a server and a home of its own, so they run
//! side by side. An agent's tests are in a module of its name, by which `scripts/agents` leaves out those of one that
//! cannot be installed.

#[path = "../support/sshd.rs"]
mod sshd;
#[path = "../support/mod.rs"]
mod support;

/// The agents' modules, each with the tests of those behaviours that it shows.
macro_rules! agents {
    ($($module:ident = $agent:ident: $($test:ident)*;)*) => { $(
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(&crate::agent::$agent);
                }
            )*
        }
    )* };
}

mod agent;
mod claude;
mod codex;
mod desk;
mod driver;
mod elsewhere;
mod everyday;
mod many;
mod mock;
mod rules;
mod runners;
mod tomorrow;
mod trust;
