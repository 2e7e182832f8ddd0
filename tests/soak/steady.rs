//! What is not a matter of chance: agents that are left alone live on, and `:qa!` with eight of them is quick.

use std::time::{Duration, Instant};

use agor_nvim::keeper::tree::Process;

use crate::{
    desk::{Command, Desk, Kind, SCRIPTED, Servers, Worker, goes_on},
    watch::{self, Doomed},
};

/// The thread that has started an agent ends after 10 s in many a runtime: see `src/keeper/mod.rs`.
const IDLE: Duration = Duration::from_secs(13);
/// The shell's prompt is to be back after `:qa!`.
pub const BACK_AT_THE_SHELL: Duration = Duration::from_millis(300);

/// One agent of each kind is left alone for a while; says of whom that was too long.
pub fn idle(servers: &Servers, kinds: &[Kind]) -> Vec<String> {
    let mut wrong = Vec::new();
    for together in kinds.chunks(3) {
        let mut desk = Desk::new(servers, together, "ask");
        let terminal = desk.sit_down("one");
        let workers: Vec<Worker> =
            together.iter().map(|kind| desk.put_to_work(&terminal, *kind, Command::HasEnded)).collect();
        std::thread::sleep(IDLE);
        for worker in &workers {
            let name = worker.kind.name();
            let status = terminal.lua("return _G.row(...).status", &[worker.session.as_str().into()]);
            if !Process::lives(worker.running().agent.pid, worker.running().agent.start)
                || status.as_str() != Some("idle")
            {
                wrong.push(format!("{name}: after {IDLE:?} alone its agent has ended, and the session is {status}"));
            }
            goes_on(&terminal, worker);
            if !Process::lives(worker.running().agent.pid, worker.running().agent.start) {
                wrong.push(format!("{name}: the next prompt has begun another process"));
            }
        }
    }
    wrong
}

/// How long `:qa!` with eight agents at work takes until the shell is back, and until nothing is left.
pub fn quit(servers: &Servers) -> Result<(Duration, Duration), String> {
    let mut desk = Desk::new(servers, &[], "ask");
    let terminal = desk.sit_down("one");
    let workers: Vec<Worker> =
        (0..8).map(|number| desk.put_to_work(&terminal, SCRIPTED[number % 2], Command::Runs)).collect();
    let all = watch::all();
    let mut doomed = Doomed::default().with(&all, [terminal.client, terminal.server]);
    for worker in &workers {
        doomed = doomed.session(&worker.session);
    }
    let start = Instant::now();
    terminal.command("qa!");
    let Some(back) = terminal.wait_shell(Duration::from_secs(20)) else {
        return Err("the shell did not come back within 20 s".to_owned());
    };
    let (gone, left) = doomed.wait(start, Duration::from_secs(20));
    match left.as_slice() {
        [] => Ok((back.duration_since(start), gone)),
        left => Err(left.iter().map(|left| format!("left after :qa!: {left}")).collect::<Vec<_>>().join("\n")),
    }
}
