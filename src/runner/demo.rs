//! The demo agent: what a user sees first, and what tests order about. `demo/help.txt` has all of its orders.
//!
//! It says what Claude Code says (`stream_event`, `assistant`, `user`, `result`), so that everything a user sees of it
//! has passed through the adapter for the real agent. A thread reads stdin; the turn itself is plain code that looks for
//! messages wherever it pauses, so that `interrupt`, `stop`, answers and the end of the input act at once.

mod ask;
mod children;
mod obey;
mod order;
mod project;
mod stage;
#[cfg(test)]
mod tests;
mod tour;
mod voice;
mod words;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::mpsc::sync_channel,
};

use serde_json::json;
use uuid::Uuid;

use self::{
    order::Order,
    stage::{Cut, Stage},
    voice::Voice,
};
use super::inbox::{self, Query};

pub const HELP: &str = include_str!("demo/help.txt");

/// `agor-nvim runner demo`: until `stop` or the end of its input.
pub fn run() -> ExitCode {
    match std::env::args_os().nth(3) {
        None => {}
        Some(flag) if flag == "--help" || flag == "-h" => return print(&mut io::stdout(), HELP, 0),
        Some(other) => {
            let sentence = format!("agor-nvim runner demo takes no argument '{}'\n\n{HELP}", other.to_string_lossy());
            return print(&mut io::stderr(), &sentence, 2);
        }
    }
    let run = Uuid::new_v4().simple().to_string();
    let (sender, receiver) = sync_channel(64);
    inbox::listen(io::stdin(), move |message| sender.send(message).is_ok());
    let stage = Stage::new(io::stdout(), receiver, speed(), &run[..8]);
    match serve(stage) {
        Cut::Crash => std::process::abort(),
        Cut::Exit(code) => ExitCode::from(code),
        Cut::Interrupted | Cut::Stopped | Cut::Ended => ExitCode::SUCCESS,
    }
}

fn print(to: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    match to.write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

fn speed() -> f64 {
    let speed = std::env::var("AGOR_DEMO_SPEED").ok().and_then(|speed| speed.trim().parse().ok());
    speed.filter(|speed: &f64| speed.is_finite() && *speed >= 0.0).unwrap_or(1.0)
}

/// One query after the other; returns why it is over.
fn serve<W: Write>(mut stage: Stage<W>) -> Cut {
    let mut voice = Voice::new(&stage);
    match conversation(&mut stage, &mut voice) {
        Ok(never) => match never {},
        Err(cut) => {
            // What was said before the end is said, also where nobody listens any more.
            let _ = stage.flush();
            cut
        }
    }
}

fn conversation<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<std::convert::Infallible, Cut> {
    stage.send(&json!({"type": "ready", "capabilities": ["permission", "interrupt", "delta", "multi_turn"]}))?;
    loop {
        let query = stage.next_query()?;
        stage.begin(&query)?;
        match turn(stage, voice, &query) {
            Ok(Outcome::Stopped) => {}
            Ok(Outcome::Failed(message)) => {
                let session = stage.session().to_owned();
                stage.send(&json!({"type": "agent_error", "sessionId": session, "message": message}))?;
                continue;
            }
            Err(Cut::Interrupted) => voice.interrupted(stage)?,
            Err(Cut::Stopped) => {
                stage.control("agent_stopped")?;
                return Err(Cut::Stopped);
            }
            Err(cut) => return Err(cut),
        }
        stage.control("agent_stopped")?;
    }
}

enum Outcome {
    Stopped,
    Failed(String),
}

fn turn<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, query: &Query) -> Result<Outcome, Cut> {
    voice.begin_turn(stage, query)?;
    match Order::parse(&query.prompt) {
        Some(order) => obey::obey(stage, voice, query, order),
        None => tour::tour(stage, voice, query).map(|()| Outcome::Stopped),
    }
}
