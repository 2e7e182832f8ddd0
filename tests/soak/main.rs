//! The soak: it ends in every way there is, again and again, in an order that is drawn, while agents run commands that have
//! left children behind. Says of each way how often it was tried, what was left running, and how long it took until
//! nothing was. Run by `make soak`; what came of it is in doc/soak.md.
//!
//!   --rounds N      so many (96)
//!   --seed N        draws the same again
//!   --agents LIST   names, `scripted` or `all`: those that are installed (all)
//!   --ways LIST     numbers of ways, as the table has them
//!   --short         each way once, scripted agents only, nothing measured: nothing may be left, however long it takes
//!
//! With `text` as its first argument it is the other soak, in which no text is lost: `text.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that says what it has found")]

#[path = "../real_agents/agent.rs"]
#[allow(dead_code, reason = "its tests take more of it")]
mod agent;
mod desk;
mod draw;
mod middle;
#[path = "../real_agents/mock.rs"]
#[allow(dead_code, reason = "its tests take more of it")]
mod mock;
mod steady;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod terminal;
mod text;
mod watch;
mod ways;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use desk::{Kind, REAL, SCRIPTED, Servers};
use draw::Draw;
use table::Table;
use ways::{Round, WAYS, Way};

/// Nothing may be left after this.
const LIMIT: Duration = Duration::from_secs(3);
/// Where nothing is measured: only a process that is left for good reaches it.
const PATIENCE: Duration = Duration::from_secs(60);
const ROUNDS: usize = 96;
/// For each run the same, so that what fails in one fails in the next.
const SHORT_SEED: u64 = 6;
const QUITS: usize = 5;

struct Plan {
    rounds: usize,
    seed: u64,
    kinds: Vec<Kind>,
    ways: Vec<Way>,
    short: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("text") {
        return text::run(words);
    }
    let plan = match plan(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(why) => {
            eprintln!("soak: {why}");
            return ExitCode::from(2);
        }
    };
    agor_nvim::keeper::adopt_orphans().expect("orphans can be adopted: it needs Linux");
    // The table says it.
    std::panic::set_hook(Box::new(|_| ()));
    let names: Vec<_> = plan.kinds.iter().map(|kind| kind.name()).collect();
    println!("seed {}, {} rounds, agents: {}", plan.seed, plan.rounds, names.join(" "));
    if soak(&plan) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plan(mut args: impl Iterator<Item = String>) -> Result<Plan, String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let every: Vec<Kind> = SCRIPTED.into_iter().chain(REAL).filter(|kind| kind.is_installed()).collect();
    let ways = WAYS.iter().map(|(way, _)| *way).collect();
    let mut plan = Plan { rounds: ROUNDS, seed: now, kinds: every.clone(), ways, short: false };
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or(format!("{flag} takes a value"));
        let number = |value: String| value.parse().map_err(|_| format!("{value} is no number"));
        match flag.as_str() {
            "--short" => {
                plan = Plan { rounds: WAYS.len(), seed: SHORT_SEED, kinds: SCRIPTED.to_vec(), short: true, ..plan };
            }
            "--rounds" => plan.rounds = number(value()?)?,
            "--seed" => plan.seed = value()?.parse().map_err(|_| "a seed is a number")?,
            "--agents" => {
                let list = value()?;
                plan.kinds = match list.as_str() {
                    "all" => every.clone(),
                    "scripted" => SCRIPTED.to_vec(),
                    list => {
                        let find = |name: &str| every.iter().copied().find(|kind| kind.name() == name);
                        let found: Option<_> = list.split(',').map(find).collect();
                        found.ok_or(format!("not all of {list} are agents that are installed"))?
                    }
                };
            }
            "--ways" => {
                let list = value()?;
                let find = |text: &str| WAYS.get(text.parse::<usize>().ok()?.checked_sub(1)?).map(|(way, _)| *way);
                let found: Option<_> = list.split(',').map(find).collect();
                plan.ways = found.ok_or(format!("ways are numbers from 1 to {}", WAYS.len()))?;
            }
            _ => return Err(format!("unknown argument {flag}; the head of tests/soak/main.rs has them")),
        }
    }
    Ok(plan)
}

/// Whether all was as it should be.
fn soak(plan: &Plan) -> bool {
    let mut draw = Draw::new(plan.seed);
    let servers = Servers::of(&plan.kinds);
    let mut table = Table::default();
    let mut deck = Vec::new();
    for number in 1..=plan.rounds {
        // Each way comes once before one comes again.
        if deck.is_empty() {
            deck.clone_from(&plan.ways);
            draw.shuffle(&mut deck);
        }
        let Some(way) = deck.pop() else { break };
        let kinds = drawn(plan, way, &mut draw);
        let limit = if plan.short { PATIENCE } else { LIMIT };
        let round = Round { way, kinds, servers: &servers, limit };
        let outcome = catch_unwind(AssertUnwindSafe(|| round.run(&mut draw)));
        if outcome.as_ref().map_or(true, |outcome| !outcome.left.is_empty()) {
            watch::clear();
        }
        table.enter(number, &round, outcome);
    }
    table.print();
    let mut good = table.is_good();
    if !plan.short {
        good &= steady(plan, &servers);
    }
    good
}

/// Up to three agents, at most one of them real: those are heavy.
fn drawn(plan: &Plan, way: Way, draw: &mut Draw) -> Vec<Kind> {
    let (real, scripted): (Vec<Kind>, Vec<Kind>) = plan.kinds.iter().partition(|kind| kind.is_real());
    if way.wants_scripted() {
        return Vec::new();
    }
    let mut kinds = Vec::new();
    if !real.is_empty() && (scripted.is_empty() || draw.below(3) > 0) {
        kinds.push(draw.one(&real));
    }
    let most = if kinds.is_empty() { 1 + draw.below(3) } else { draw.below(3) };
    if !scripted.is_empty() {
        kinds.extend((0..most).map(|_| draw.one(&scripted)));
    }
    kinds
}

fn steady(plan: &Plan, servers: &Servers) -> bool {
    let mut good = true;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("\n:qa! with 8 agents at work, in ms until the shell is back, and until nothing is left:");
    for _ in 0..QUITS {
        match catch_unwind(|| steady::quit(servers)).unwrap_or_else(|why| Err(table::words(why))) {
            Ok((back, gone)) => {
                println!("  {:6.0} {:6.0}", ms(back), ms(gone));
                good &= back <= steady::BACK_AT_THE_SHELL && gone <= LIMIT;
            }
            Err(why) => {
                println!("  WRONG {why}");
                good = false;
            }
        }
    }
    println!("\nleft alone for a while:");
    let wrong = catch_unwind(|| steady::idle(servers, &plan.kinds)).unwrap_or_else(|why| vec![table::words(why)]);
    if wrong.is_empty() {
        println!("  all {} agents live and go on", plan.kinds.len());
    }
    wrong.iter().for_each(|line| println!("  WRONG {line}"));
    good && wrong.is_empty()
}
