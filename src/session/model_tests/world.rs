//! A hub and everybody around it: the user, the agents, the machine. Takes steps, and writes down what comes of them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::{
    agent::{Process, launch},
    disk::Disks,
    known::{Awaited, Session, Stopping},
    ledger::{Fate, Ledger},
    machine::Happening,
    step::{SLOTS, Slot},
};
use crate::{
    domain::{Command, Prompt, ProviderConfig, RequestId, SessionId, StartOptions},
    session::{
        ClientId, Reply, Request, Update, ViewId,
        actor::Outside,
        hub::{Hub, HubConfig, HubHandle},
    },
};

pub const NAMES: [&str; SLOTS] = ["a", "b", "c"];

pub struct World {
    pub folder: TempDir,
    pub hub: HubHandle,
    pub updates: mpsc::UnboundedReceiver<Update>,
    started: mpsc::UnboundedReceiver<Result<Process, Slot>>,
    outside: Outside,
    pub disks: Disks,
    pub clock: Arc<AtomicI64>,
    pub refuses: Arc<AtomicBool>,
    pub away: bool,
    pub polite: bool,
    pub sessions: [Session; SLOTS],
    pub processes: Vec<Process>,
    pub ledger: Ledger,
    pub views: BTreeMap<usize, Slot>,
    waits: Vec<(Awaited, oneshot::Receiver<Result<(), String>>)>,
    pub taken: Vec<(String, oneshot::Receiver<Result<Prompt, String>>)>,
    serial: u32,
    /// Everything had come to rest when the present step was taken.
    pub rested: bool,
    pub steps: u64,
}

pub fn id(slot: Slot) -> SessionId {
    SessionId::parse(NAMES[slot]).expect("a good id")
}

pub fn slot_of(session: &SessionId) -> Slot {
    NAMES.iter().position(|name| *name == session.as_str()).expect("one of ours")
}

impl World {
    pub fn new() -> Self {
        // Where there is one, on a disk that is none: what is asked here is no disk's speed.
        let shm = std::path::Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        let (start, started) = mpsc::unbounded_channel();
        let disks = Disks::default();
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
        let refuses = Arc::new(AtomicBool::new(false));
        let outside = Outside {
            clock: Some(Arc::new({
                let clock = Arc::clone(&clock);
                move || clock.load(Relaxed)
            })),
            disk: Some(Arc::new({
                let disks = disks.clone();
                move |session, file| disks.lay(session, file)
            })),
            agents: Some(Arc::new({
                let (refuses, start) = (Arc::clone(&refuses), Mutex::new(start));
                move |options, _| {
                    let slot = slot_of(&options.session_id);
                    let start = start.lock().unwrap_or_else(PoisonError::into_inner);
                    if refuses.load(Relaxed) {
                        let _ = start.send(Err(slot));
                        return Err("too many open files".to_owned());
                    }
                    let (agent, process) = launch(slot, options);
                    let _ = start.send(Ok(process));
                    Ok(agent)
                }
            })),
        };
        let (hub, updates) = hub(&outside, &folder);
        Self {
            folder,
            hub,
            updates,
            started,
            outside,
            disks,
            clock,
            refuses,
            away: false,
            polite: true,
            sessions: Default::default(),
            processes: Vec::new(),
            ledger: Ledger::default(),
            views: BTreeMap::new(),
            waits: Vec::new(),
            taken: Vec::new(),
            serial: 0,
            rested: true,
            steps: 0,
        }
    }

    pub fn journals(&self) -> PathBuf {
        journals(&self.folder)
    }

    pub fn options(&self, slot: Slot) -> StartOptions {
        let cwd = self.folder.path().canonicalize().expect("it is there");
        StartOptions::new(id(slot), "scripted", ProviderConfig::default(), cwd)
    }

    /// One with a text that no other has.
    pub fn prompt(&mut self, slot: Slot) -> Prompt {
        self.serial += 1;
        let text = format!("p{}", self.serial);
        let fate = Fate { slot, may_return: !self.rested, ..Fate::default() };
        self.ledger.prompts.insert(text.clone(), fate);
        Prompt::new(text)
    }

    pub fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> oneshot::Receiver<Result<T, String>> {
        let (reply, answer) = oneshot::channel();
        self.hub.send(request(reply));
        answer
    }

    pub fn asks(&mut self, awaited: Awaited, request: impl FnOnce(Reply<()>) -> Request) {
        let answer = self.ask(request);
        self.waits.push((awaited, answer));
    }

    pub fn view(&self, buffer: usize) -> ViewId {
        ViewId { client: ClientId(0), buffer: buffer as i64 }
    }

    /// The process that a session has now, if it lives.
    pub fn process(&mut self, slot: Slot) -> Option<(usize, &mut Process)> {
        let index = self.sessions[slot].process?;
        self.processes.get_mut(index).filter(|process| process.alive).map(|process| (index, process))
    }

    pub fn happens(&mut self, slot: Slot, happening: Happening) {
        self.sessions[slot].happened.push(happening);
    }

    /// A process has ended; `obeyed`: because it was told to.
    pub fn ended(&mut self, index: usize, well: bool, obeyed: bool) {
        let slot = self.processes[index].slot;
        self.may_return(slot, false);
        // Before that somebody may have lost patience with it.
        let given_up = obeyed || self.processes[index].is_being_stopped();
        let session = &mut self.sessions[slot];
        if session.process != Some(index) || session.row.is_none() {
            return;
        }
        session.advised = Some(false);
        let happening = match session.stopping.take() {
            Some(Stopping::Asked) => Happening::EndsAsAsked,
            Some(Stopping::Anew) => Happening::Anew,
            None if well && !given_up => Happening::EndsWell,
            None => Happening::EndsBadly,
        };
        session.happened.push(happening);
        if let Some(maybe) = session.maybe.take() {
            session.vague = true;
            session.happened.push(match maybe {
                Stopping::Asked => Happening::EndsAsAsked,
                Stopping::Anew => Happening::Anew,
            });
        }
    }

    /// Until nothing more comes of what was done. Time goes on by some milliseconds.
    pub async fn rest(&mut self) -> Result<(), String> {
        for _ in 0..200 {
            sleep(Duration::from_millis(1)).await;
            if !self.collect()? {
                return Ok(());
            }
        }
        Err("it does not come to rest".to_owned())
    }

    /// Time goes on, and agents do what they are told meanwhile.
    pub async fn wait(&mut self, ms: u64) -> Result<(), String> {
        let mut left = ms;
        while left > 0 {
            let piece = left.min(500);
            left -= piece;
            sleep(Duration::from_millis(piece)).await;
            self.clock.fetch_add(piece as i64, Relaxed);
            self.collect()?;
        }
        Ok(())
    }

    /// Takes in what there is; false if that was nothing.
    pub fn collect(&mut self) -> Result<bool, String> {
        let mut news = false;
        while let Ok(started) = self.started.try_recv() {
            news = true;
            match started {
                Ok(mut process) => {
                    process.polite = self.polite;
                    let session = &mut self.sessions[process.slot];
                    session.process = Some(self.processes.len());
                    // Who starts a process wants it to live.
                    session.advised = Some(false);
                    self.processes.push(process);
                }
                Err(slot) => self.happens(slot, Happening::Unlaunched),
            }
        }
        // What was asked for comes before what comes of it.
        news |= self.answers()?;
        for index in 0..self.processes.len() {
            while let Some(command) = self.processes[index].told() {
                news = true;
                self.told(index, command)?;
            }
            if self.processes[index].obeys() {
                news = true;
                let well = self.processes[index].polite;
                self.ended(index, well, true);
            }
        }
        while let Ok(update) = self.updates.try_recv() {
            news = true;
            self.update(update)?;
        }
        Ok(news)
    }

    fn told(&mut self, index: usize, command: Command) -> Result<(), String> {
        let slot = self.processes[index].slot;
        match command {
            Command::Prompt(prompt) => {
                self.given(&prompt.text)?;
                self.happens(slot, Happening::Prompted);
            }
            Command::Steer(prompt) => {
                self.given(&prompt.text)?;
                self.processes[index].steered = Some(prompt);
            }
            Command::Answer { request_id, .. } => self.ledger.answered(index, &request_id)?,
            _ => {}
        }
        Ok(())
    }

    fn given(&mut self, text: &str) -> Result<(), String> {
        let fate = self.ledger.prompts.get_mut(text);
        fate.ok_or_else(|| format!("the agent was given {text}, which nobody has sent"))?.told += 1;
        Ok(())
    }

    fn answers(&mut self) -> Result<bool, String> {
        let mut news = false;
        for (awaited, mut answer) in std::mem::take(&mut self.waits) {
            match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => self.waits.push((awaited, answer)),
                Err(oneshot::error::TryRecvError::Closed) => {
                    news = true;
                    self.answered(awaited, None)?;
                }
                Ok(result) => {
                    news = true;
                    self.answered(awaited, Some(result))?;
                }
            }
        }
        for (text, mut answer) in std::mem::take(&mut self.taken) {
            match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => self.taken.push((text, answer)),
                Ok(Ok(prompt)) if prompt.text == text => {
                    news = true;
                    if let Some(fate) = self.ledger.prompts.get_mut(&text) {
                        fate.taken = true;
                    }
                }
                Ok(Ok(prompt)) => return Err(format!("{text} was to be taken out, and {} was", prompt.text)),
                _ => news = true,
            }
        }
        Ok(news)
    }

    /// `None`: whoever was to answer has gone.
    fn answered(&mut self, awaited: Awaited, result: Option<Result<(), String>>) -> Result<(), String> {
        let well = matches!(result, Some(Ok(())));
        if let Some(Err(sentence)) = &result
            && sentence.trim().is_empty()
        {
            return Err("an error says nothing".to_owned());
        }
        match awaited {
            Awaited::Sent(text) => {
                let slot = self.ledger.prompts.get(&text).map_or(0, |fate| fate.slot);
                // Taken in the moment before the task died, with a disk that takes nothing.
                let broke = self.sessions[slot].happened.contains(&Happening::Breaks) && !self.is_kept(slot);
                if let Some(fate) = self.ledger.prompts.get_mut(&text) {
                    fate.lost |= broke;
                    fate.accepted = result.map(|result| result.is_ok());
                }
            }
            Awaited::Replaced { old, new, of: (slot, entry) } => {
                let accepted = result.map(|result| result.is_ok());
                if let Some(fate) = self.ledger.prompts.get_mut(&new) {
                    fate.accepted = accepted;
                }
                if well && let Some(fate) = self.ledger.prompts.get_mut(&old) {
                    fate.taken = true;
                }
                self.sessions[slot].edited.retain(|edited| *edited != entry);
            }
            Awaited::Begun { slot, text } => {
                let away = self.away;
                let lost = self.ledger.of(slot).filter(|(known, _)| well && Some(*known) != text.as_ref());
                lost.for_each(|(_, fate)| fate.lost |= fate.waits || away);
                if let Some(fate) = text.and_then(|text| self.ledger.prompts.get_mut(&text)) {
                    fate.accepted = result.map(|result| result.is_ok());
                }
                if well {
                    // Of another one, whose journal is out of reach.
                    self.sessions[slot].forgets();
                    self.happens(slot, Happening::Begun);
                }
            }
            Awaited::TakenUp(slot) if well => self.happens(slot, Happening::TakenUp),
            Awaited::Stops(slot, process) if well => self.stops(slot, process),
            Awaited::Anew { slot, process, at_once } if well => {
                let (lives, rested) = (self.lives(process), self.rested);
                let session = &mut self.sessions[slot];
                match (process, lives) {
                    (_, true) if session.stopping != Some(Stopping::Asked) => session.stopping = Some(Stopping::Anew),
                    (_, true) => {}
                    // Unless there is one by now.
                    (None, _) if !rested => session.maybe = Some(Stopping::Anew),
                    _ => {}
                }
                // There was none, or it has ended in the same moment.
                if !lives && (at_once || process.is_some() || !rested) {
                    session.happened.push(Happening::Anew);
                }
            }
            Awaited::Refused if well => return Err("what should have been refused was taken".to_owned()),
            Awaited::Unedited(slot, entry) => self.sessions[slot].edited.retain(|edited| *edited != entry),
            Awaited::Gone(slot) if well => {
                for (_, fate) in self.ledger.of(slot) {
                    fate.lost = true;
                }
                self.sessions[slot].forgets();
            }
            _ => {}
        }
        Ok(())
    }

    fn lives(&self, process: Option<usize>) -> bool {
        process.and_then(|index| self.processes.get(index)).is_some_and(|process| process.alive)
    }

    pub fn stops(&mut self, slot: Slot, process: Option<usize>) {
        let (lives, rested) = (self.lives(process), self.rested);
        let session = &mut self.sessions[slot];
        match lives {
            true => session.stopping = Some(Stopping::Asked),
            false => {
                session.maybe = Some(Stopping::Asked).filter(|_| !rested);
                session.happened.push(Happening::StopsNothing);
            }
        }
    }

    /// A prompt that the agent has goes back to the user for what happens now: one that it has not answered, or any.
    pub fn may_return(&mut self, slot: Slot, any: bool) {
        let rested = self.rested;
        for (_, fate) in self.ledger.of(slot) {
            fate.may_return |= !rested || fate.told > 0 && (any || !fate.heard);
        }
    }

    pub fn nobody_waits(&self) -> bool {
        self.waits.is_empty() && self.taken.is_empty()
    }

    /// Whoever has asked something of the hub that is gone waits no more.
    pub fn another_hub(&mut self) {
        let (hub, updates) = hub(&self.outside, &self.folder);
        (self.hub, self.updates) = (hub, updates);
        self.waits.clear();
        self.taken.clear();
        self.views.clear();
    }

    pub fn asked(&mut self, slot: Slot, request_id: &RequestId) {
        if let Some(index) = self.sessions[slot].process {
            let asking = self.ledger.askings.entry((index, request_id.clone())).or_default();
            asking.asked += 1;
            asking.withdrawn = false;
        }
    }
}

fn journals(folder: &TempDir) -> PathBuf {
    folder.path().join("data/sessions")
}

fn hub(outside: &Outside, folder: &TempDir) -> (HubHandle, mpsc::UnboundedReceiver<Update>) {
    let (client, updates) = mpsc::unbounded_channel();
    let config = HubConfig { journals: Some(journals(folder)), ..HubConfig::default() };
    (Hub::spawn_within(outside.clone(), config, client), updates)
}
