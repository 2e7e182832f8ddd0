//! The ways in which it may end, each carried out while agents are at work, and what is looked at afterwards.

use std::time::{Duration, Instant};

use agor_nvim::keeper::tree::Process;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    desk::{Command, Desk, Kind, Servers, Worker, goes_on},
    draw::Draw,
    middle,
    terminal::Terminal,
    watch::{self, Doomed, Left},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Quit,
    QuitIdle,
    QuitBang,
    CloseTerminal,
    TermClient,
    TermServer,
    KillClient,
    KillServer,
    KillBackend,
    TermBackend,
    PanicInSession,
    PanicInHub,
    PanicInEditor,
    RestartBackend,
    Stop,
    StopForce,
    Remove,
    RestartAgent,
    CrashAgent,
    KillKeeper,
    KillKeeperAndBackend,
    Takeover,
    Worktree,
    Snapshot,
}

/// What each is called, in the order of the table.
pub const WAYS: [(Way, &str); 24] = [
    (Way::Quit, ":qa, with quit = 'stop'"),
    (Way::QuitIdle, ":qa, agents idle, children live"),
    (Way::QuitBang, ":qa!"),
    (Way::CloseTerminal, "the terminal is closed (SIGHUP)"),
    (Way::TermClient, "SIGTERM, Neovim in the terminal"),
    (Way::TermServer, "SIGTERM, Neovim with the buffers"),
    (Way::KillClient, "kill -9, Neovim in the terminal"),
    (Way::KillServer, "kill -9, Neovim with the buffers"),
    (Way::KillBackend, "kill -9, the backend"),
    (Way::TermBackend, "SIGTERM, the backend"),
    (Way::PanicInSession, "a panic in a session"),
    (Way::PanicInHub, "a panic in the hub"),
    (Way::PanicInEditor, "a panic on the editor's side"),
    (Way::RestartBackend, ":Agor restart"),
    (Way::Stop, "stop"),
    (Way::StopForce, "stop!"),
    (Way::Remove, "remove"),
    (Way::RestartAgent, "the agent begun anew"),
    (Way::CrashAgent, "a crash of the agent"),
    (Way::KillKeeper, "kill -9, a keeper"),
    (Way::KillKeeperAndBackend, "kill -9, a keeper and the backend"),
    (Way::Takeover, "kill -9, in a takeover"),
    (Way::Worktree, "kill -9, making a worktree"),
    (Way::Snapshot, "kill -9, in a snapshot"),
];

impl Way {
    /// Only with agents that are ours to time.
    pub fn wants_scripted(self) -> bool {
        matches!(self, Way::Takeover | Way::Worktree | Way::Snapshot)
    }

    /// And with it all sessions, with whatever the user runs beside them.
    fn ends_the_backend(self) -> bool {
        use Way::*;
        let of_neovim = matches!(self, QuitBang | CloseTerminal | TermClient | TermServer | KillClient | KillServer);
        of_neovim || matches!(self, KillBackend | TermBackend | PanicInHub | PanicInEditor | RestartBackend)
    }

    /// It needs no agent that runs already.
    fn may_come_early(self) -> bool {
        let needs = [Way::QuitIdle, Way::RestartAgent, Way::CrashAgent, Way::KillKeeper, Way::KillKeeperAndBackend];
        !needs.contains(&self)
    }
}

/// What came of one try.
#[derive(Default)]
pub struct Outcome {
    /// From the end to the first look that found nothing.
    pub took: Duration,
    pub left: Vec<Left>,
    /// Processes that nobody can know of any more, where that is known: see doc/soak.md.
    pub escaped: usize,
    /// What else is not as it should be, in sentences.
    pub wrong: Vec<String>,
}

pub struct Round<'a> {
    pub way: Way,
    pub kinds: Vec<Kind>,
    pub servers: &'a Servers,
    /// How long what is left may be there.
    pub limit: Duration,
}

pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Ended already is what is wanted.
        let _ = kill_process(pid, signal);
    }
}

impl Round<'_> {
    /// Panics where it cannot even be tried.
    pub fn run(&self, draw: &mut Draw) -> Outcome {
        match self.way {
            Way::Takeover => middle::takeover(self, draw),
            Way::Worktree => middle::worktree(self, draw),
            Way::Snapshot => middle::snapshot(self, draw),
            _ => self.end(draw),
        }
    }

    fn end(&self, draw: &mut Draw) -> Outcome {
        let quit = if self.way == Way::Quit { "stop" } else { "ask" };
        let mut desk = Desk::new(self.servers, &self.kinds, quit);
        let mut terminal = desk.sit_down("one");
        // The first moments are those in which the most is handed from one to the other.
        let begins = self.way.may_come_early() && draw.below(4) == 0;
        let workers: Vec<Worker> = self
            .kinds
            .iter()
            .map(|kind| {
                let over = self.way == Way::QuitIdle || self.way != Way::Quit && draw.below(4) == 0;
                let command = match (begins, over) {
                    (true, _) => Command::Begins,
                    (false, true) => Command::HasEnded,
                    (false, false) => Command::Runs,
                };
                desk.put_to_work(&terminal, *kind, command)
            })
            .collect();
        if begins {
            middle::moment(draw, 500);
        } else if self.way.ends_the_backend() && draw.below(4) == 0 {
            desk.run_beside(&terminal, &draw.one(&workers).session);
        }
        match self.way {
            Way::Quit | Way::QuitIdle | Way::QuitBang => {
                let line = if self.way == Way::QuitBang { "qa!" } else { "qa" };
                let outcome = self.editor_ends(&mut terminal, &workers, |terminal| terminal.command(line));
                drop(terminal);
                outcome
            }
            Way::CloseTerminal | Way::TermClient | Way::TermServer | Way::KillClient | Way::KillServer => {
                let (client, server) = (terminal.client, terminal.server);
                let outcome = self.editor_ends(&mut terminal, &workers, |terminal| match self.way {
                    Way::CloseTerminal => terminal.close(),
                    Way::TermClient => signal(client, Signal::TERM),
                    Way::TermServer => signal(server, Signal::TERM),
                    Way::KillClient => signal(client, Signal::KILL),
                    _ => signal(server, Signal::KILL),
                });
                drop(terminal);
                self.found_again(&desk, &workers, outcome)
            }
            Way::KillBackend
            | Way::TermBackend
            | Way::PanicInHub
            | Way::PanicInEditor
            | Way::RestartBackend
            | Way::KillKeeperAndBackend => self.backend_ends(terminal, &workers, draw),
            _ => self.session_ends(terminal, &workers, draw),
        }
    }

    /// The whole tree below the terminal's shell is to go.
    pub fn editor_ends(&self, terminal: &mut Terminal, workers: &[Worker], end: impl FnOnce(&mut Terminal)) -> Outcome {
        let all = watch::all();
        let mut doomed = Doomed::default().with(&all, [terminal.client, terminal.server]);
        for worker in workers {
            doomed = doomed.session(&worker.session).with(&all, worker.children());
        }
        let start = Instant::now();
        end(terminal);
        let (took, left) = doomed.wait(start, self.limit);
        Outcome { took, left, ..Outcome::default() }
    }

    /// The next Neovim goes on with what the last one had.
    fn found_again(&self, desk: &Desk<'_>, workers: &[Worker], mut outcome: Outcome) -> Outcome {
        let Some(worker) = workers.iter().find(|worker| !worker.kind.is_real() && worker.running.is_some()) else {
            return outcome;
        };
        let mut terminal = desk.sit_down("two");
        terminal.lua("vim.cmd('Agor resume ' .. ...)", &[worker.session.as_str().into()]);
        terminal.wait(&format!("_G.row('{}').status == 'idle'", worker.session));
        goes_on(&terminal, worker);
        self.last(&mut terminal, &mut outcome);
        outcome
    }

    /// Whatever was tried, `:qa!` leaves nothing either.
    pub fn last(&self, terminal: &mut Terminal, outcome: &mut Outcome) {
        let last = self.editor_ends(terminal, &[], |terminal| terminal.command("qa!"));
        outcome.wrong.extend(last.left.iter().map(|left| format!("left after the last :qa!: {left}")));
        outcome.left.extend(last.left);
    }

    fn backend_ends(&self, mut terminal: Terminal, workers: &[Worker], draw: &mut Draw) -> Outcome {
        let Some(backend) = terminal.backend() else { terminal.fail("there is no backend") };
        let all = watch::all();
        let mut doomed = Doomed::default().with(&all, [backend]);
        for worker in workers {
            doomed = doomed.session(&worker.session).with(&all, worker.children());
        }
        let victim = &workers[draw.below(workers.len())];
        if self.way == Way::KillKeeperAndBackend {
            doomed = doomed.marked_only();
        }
        let start = Instant::now();
        match self.way {
            Way::KillBackend => signal(backend, Signal::KILL),
            Way::TermBackend => signal(backend, Signal::TERM),
            Way::PanicInHub => panic_in(&terminal, "hub"),
            Way::PanicInEditor => panic_in(&terminal, "editor"),
            Way::RestartBackend => terminal.command("Agor restart"),
            _ => {
                signal(victim.running().kept.keeper.pid, Signal::KILL);
                signal(backend, Signal::KILL);
            }
        }
        let (took, left) = doomed.wait(start, self.limit);
        let mut outcome = Outcome { took, left, ..Outcome::default() };
        // They have no mark, and nobody is above them.
        for child in doomed.escaped() {
            outcome.escaped += 1;
            let _ = child.kill();
        }
        if terminal.backend() == Some(backend) {
            terminal.wait(&format!("(require('agor.state').backend or {{}}).pid ~= {backend}"));
        }
        workers.iter().for_each(|worker| goes_on(&terminal, worker));
        self.last(&mut terminal, &mut outcome);
        outcome
    }

    fn session_ends(&self, mut terminal: Terminal, workers: &[Worker], draw: &mut Draw) -> Outcome {
        let Some(backend) = terminal.backend() else { terminal.fail("there is no backend") };
        let victim = &workers[draw.below(workers.len())];
        let id = victim.session.as_str();
        let all = watch::all();
        let doomed = match &victim.running {
            Some(running) => {
                let known = Doomed::default().with(&all, [running.kept.keeper.pid]).with(&all, victim.children());
                known.run(&running.kept)
            }
            None => Doomed::default().session(id),
        };
        let doomed = doomed.below(backend);
        let start = Instant::now();
        match self.way {
            Way::Stop => {
                terminal.lua("assert(require('agor').stop(...))", &[id.into()]);
            }
            Way::StopForce => {
                terminal.lua("assert(require('agor').stop(..., { force = true }))", &[id.into()]);
            }
            Way::Remove => {
                terminal.lua("assert(require('agor').remove(...))", &[id.into()]);
            }
            Way::RestartAgent => {
                terminal.lua("require('agor.tell')('restart', { session_id = ... })", &[id.into()]);
            }
            // Not SIGSEGV: a Rust program takes the first one for an overflow that it was not, and goes on.
            Way::CrashAgent => {
                signal(victim.running().agent.pid, draw.one(&[Signal::ABORT, Signal::ILL, Signal::KILL]))
            }
            Way::PanicInSession => {
                terminal.lua("require('agor.rpc').notify('panic', { session_id = ... })", &[id.into()]);
            }
            _ => signal(victim.running().kept.keeper.pid, Signal::KILL),
        }
        let (took, left) = doomed.wait(start, self.limit);
        let mut outcome = Outcome { took, left, ..Outcome::default() };
        for other in workers.iter().filter(|other| other.session != victim.session) {
            let agent = other.running.as_ref().map(|running| &running.agent);
            if agent.is_some_and(|agent| !Process::lives(agent.pid, agent.start)) {
                outcome.wrong.push(format!("the agent of another session, {}, has ended too", other.kind.name()));
            }
        }
        if terminal.backend() != Some(backend) {
            outcome.wrong.push("the backend has ended too".to_owned());
        }
        // A prompt that is sent before its death was noticed is given to the dead one, and comes back.
        if matches!(self.way, Way::CrashAgent | Way::KillKeeper) {
            terminal.wait(&format!("_G.row('{id}').status == 'error'"));
        }
        if self.way != Way::Remove {
            goes_on(&terminal, victim);
        }
        self.last(&mut terminal, &mut outcome);
        outcome
    }
}

fn panic_in(terminal: &Terminal, part: &str) {
    terminal.lua("require('agor.rpc').notify('panic_in', { part = ... })", &[part.into()]);
}
