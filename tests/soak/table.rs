//! What came of the rounds, a line each as it comes and a table in the end.

use std::{any::Any, collections::BTreeMap, time::Duration};

use crate::ways::{Outcome, Round, WAYS, Way};

#[derive(Default)]
struct Row {
    /// Until nothing was left.
    times: Vec<Duration>,
    scripted: usize,
    real: usize,
    left: usize,
    escaped: usize,
    wrong: usize,
}

#[derive(Default)]
pub struct Table {
    rows: BTreeMap<Way, Row>,
}

impl Table {
    pub fn enter(&mut self, number: usize, round: &Round<'_>, outcome: Result<Outcome, Box<dyn Any + Send>>) {
        let row = self.rows.entry(round.way).or_default();
        let names: Vec<_> = round.kinds.iter().map(|kind| kind.name()).collect();
        let real = round.kinds.iter().filter(|kind| kind.is_real()).count();
        row.real += real;
        row.scripted += if round.way.wants_scripted() { 1 } else { round.kinds.len() - real };
        let title = format!("{number:4}  {:<36}{}", name(round.way), names.join(" "));
        match outcome {
            Ok(outcome) => {
                println!("{title:<72} {:6.0} ms", outcome.took.as_secs_f64() * 1000.0);
                row.times.push(outcome.took);
                row.left += outcome.left.len();
                row.escaped += outcome.escaped;
                row.wrong += outcome.wrong.len();
                outcome.left.iter().for_each(|left| println!("      LEFT {left}"));
                outcome.wrong.iter().for_each(|wrong| println!("      WRONG {wrong}"));
                if outcome.escaped > 0 {
                    println!("      escaped, as is known: {}", outcome.escaped);
                }
            }
            Err(why) => {
                row.wrong += 1;
                println!("{title}\n      WRONG {}", words(why).replace('\n', "\n      "));
            }
        }
    }

    pub fn print(&self) {
        println!("\n     way                                 tried  agents    left  median  slowest");
        println!("                                           (real/all)               ms       ms");
        for (number, (way, name)) in WAYS.iter().enumerate() {
            let Some(row) = self.rows.get(way) else { continue };
            let mut times = row.times.clone();
            times.sort();
            let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
            println!(
                "{:3}  {name:<36}{:5}{:>5}/{:<5}{:5}{:8.0}{:9.0}{}{}",
                number + 1,
                times.len(),
                row.real,
                row.real + row.scripted,
                row.left,
                ms(times.get(times.len() / 2)),
                ms(times.last()),
                if row.escaped > 0 { format!("  {} without a mark", row.escaped) } else { String::new() },
                if row.wrong > 0 { format!("  {} WRONG", row.wrong) } else { String::new() },
            );
        }
    }

    /// Nothing was left, and nothing else was wrong.
    pub fn is_good(&self) -> bool {
        self.rows.values().all(|row| row.left == 0 && row.wrong == 0)
    }
}

/// What a panic has said.
pub fn words(why: Box<dyn Any + Send>) -> String {
    let said = why.downcast_ref::<String>().cloned();
    said.or(why.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

fn name(way: Way) -> &'static str {
    WAYS.iter().find(|(one, _)| *one == way).map_or("", |(_, name)| name)
}
