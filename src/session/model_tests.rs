//! The whole hub, with whatever can happen to it: users, agents that are none, disks that fail, a clock that jumps; in
//! paused time.
//!
//! A list of [`Step`]s is taken one after the other, some at once and some after everything has come to rest; then what
//! was seen from outside is held against a small model of what must be: `machine` is the table of states, `ledger` what
//! became of each prompt and each question, `check` what must hold whenever everything rests.
//!
//! The lists are proptest's. They are plain lists and no state machine of `proptest-state-machine`: a step says what is
//! tried ("drop the second prompt that waits"), and what it is about is found when it is taken, so every list can be taken
//! and any step left out of it. Which steps make sense need not be known before, much of what goes wrong makes no sense,
//! and a failure shrinks to the few steps that it takes; it is printed as it has to be written into a test. That the model
//! must not know what the hub does in between is wanted as well: it knows what users and agents have seen.
//!
//! What has failed once is in `found`. The tests try always the same lists; `AGOR_MODEL_CASES=20000` tries as many others.

mod act;
mod agent;
mod answers;
mod check;
mod disk;
mod found;
mod judged;
mod known;
mod ledger;
mod machine;
mod seen;
mod step;
mod trusted;
mod world;

use std::{
    cell::Cell,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use proptest::{
    prelude::ProptestConfig,
    test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use tokio::runtime::Builder;

use self::{
    step::{Step, steps},
    world::World,
};

/// Steps of one list.
const MOST: usize = 40;

thread_local! {
    static PLAYS: Cell<bool> = const { Cell::new(false) };
}

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Counts what panics here without having been told to: tasks catch it, and nobody would know.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if PLAYS.get() || std::thread::current().name() == Some("model") {
                PANICS.fetch_add(1, Relaxed);
            }
            before(info);
        }));
    });
    PLAYS.set(true);
}

/// Returns how many steps it came to.
fn play(steps: &[Step]) -> Result<u64, String> {
    count_panics();
    let panics = PANICS.load(Relaxed);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).thread_name("model").build();
    let runtime = runtime.expect("a runtime");
    let played = runtime.block_on(async {
        let mut world = World::new();
        let mut rested = true;
        for step in steps {
            let wrong = |wrong: String| format!("at {step:?}: {wrong}");
            world.take_step(*step, rested).await.map_err(wrong)?;
            rested = !step.at_once;
            if rested {
                world.rest().await.map_err(wrong)?;
                world.check().await.map_err(wrong)?;
            }
        }
        world.finish().await.map_err(|wrong| format!("at the end: {wrong}"))
    });
    match PANICS.load(Relaxed) > panics {
        true => Err("something has panicked".to_owned()),
        false => played,
    }
}

#[test]
fn whatever_happens_nothing_is_lost_nothing_is_left_and_each_question_is_answered_once() {
    let more = std::env::var("AGOR_MODEL_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = more.unwrap_or(256);
    let config = ProptestConfig { cases, max_shrink_iters: 4_000, failure_persistence: None, ..Default::default() };
    let taken = AtomicU64::new(0);
    // Who asks for no more of them gets always the same.
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let outcome = runner.run(&steps(MOST), |steps| {
        let steps = play(&steps).map_err(TestCaseError::fail)?;
        taken.fetch_add(steps, Relaxed);
        Ok(())
    });
    eprintln!("{cases} lists of steps, {} steps", taken.load(Relaxed));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
