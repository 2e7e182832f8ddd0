//! A hub and everybody around it: the user, the agents, the machine. Takes steps, and writes down what comes of them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed},
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
    step::{SLOTS, Slot, With},
    trusted::{Brought, provider},
};
use crate::{
    agent::process::SpawnError,
    domain::{Command, Context, Image, Prompt, ProviderConfig, RequestId, SessionId, StartOptions},
    session::{
        ClientId, Reply, Request, Update, ViewId,
        actor::Outside,
        hub::{Hub, HubConfig, HubHandle},
    },
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// What goes along with a prompt, to the byte.
fn file() -> Context {
    let text = "let x = 1;\r\n\tlet y = 2;".to_owned();
    Context { path: "a.rs".to_owned(), first_line: 1, last_line: 2, text, ..Context::default() }
}

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
    pub audit_away: bool,
    /// Since everything rested last.
    pub audit_moved: bool,
    pub brought: Brought,
    pub polite: bool,
    pub sessions: [Session; SLOTS],
    pub processes: Vec<Process>,
    pub ledger: Ledger,
    pub views: BTreeMap<usize, Slot>,
    pub waits: Vec<(Awaited, oneshot::Receiver<Result<(), String>>)>,
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

/// How the system refuses another process: each time in another way.
fn refusal(count: usize) -> String {
    let code = [libc::EMFILE, libc::EAGAIN, libc::ENOMEM][count % 3];
    SpawnError::from(std::io::Error::from_raw_os_error(code)).to_string()
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
                let refusals = AtomicUsize::new(0);
                move |options, without| {
                    let slot = slot_of(&options.session_id);
                    let start = start.lock().unwrap_or_else(PoisonError::into_inner);
                    if refuses.load(Relaxed) {
                        let _ = start.send(Err(slot));
                        return Err(refusal(refusals.fetch_add(1, Relaxed)));
                    }
                    let (agent, process) = launch(slot, options, without);
                    let _ = start.send(Ok(process));
                    Ok(agent)
                }
            })),
            usage: None,
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
            audit_away: false,
            audit_moved: false,
            brought: Brought::default(),
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
        let mut options = StartOptions::new(id(slot), provider(slot), ProviderConfig::default(), cwd);
        options.policy = Arc::new(self.sessions[slot].rules.policy());
        self.trusts(slot, &mut options);
        options
    }

    pub fn prompt_with(&mut self, slot: Slot, with: With) -> Prompt {
        let mut prompt = self.prompt(slot);
        if let Some(fate) = self.ledger.prompts.get_mut(&prompt.text) {
            fate.with = Some(with);
        }
        let image = |name: &str, bytes: &[u8]| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            vec![Image { path: path.to_string_lossy().into_owned(), ..Image::default() }]
        };
        match with {
            With::Image => prompt.images = image("a.png", PNG),
            With::BadImage => prompt.images = image("b.png", b"<svg/>"),
            With::File => prompt.context = vec![file()],
        }
        prompt
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
                    self.brought.judge_launch(&process)?;
                    let session = &mut self.sessions[process.slot];
                    session.process = Some(self.processes.len());
                    // Who starts a process wants it to live, whatever the one before was to end for.
                    (session.advised, session.stopping) = (Some(false), None);
                    // Nobody may want it any more.
                    (session.vague, session.expects) = (true, true);
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
                self.given(&prompt)?;
                self.happens(slot, Happening::Prompted);
                let session = &mut self.sessions[slot];
                (session.last, session.unfinished, session.interrupts) = (vec![prompt.text], Some(true), false);
            }
            Command::Steer(prompt) => {
                self.given(&prompt)?;
                self.sessions[slot].last.push(prompt.text.clone());
                self.processes[index].steered = Some(prompt);
            }
            Command::Answer { request_id, answer } => {
                self.ledger.answered(index, &request_id)?;
                self.judge_answer(index, &request_id, &answer)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn given(&mut self, prompt: &Prompt) -> Result<(), String> {
        let text = &prompt.text;
        let fate = self.ledger.prompts.get_mut(text);
        let fate = fate.ok_or_else(|| format!("the agent was given {text}, which nobody has sent"))?;
        fate.told += 1;
        fate.heard = false;
        let whole = match fate.with {
            Some(With::Image) => prompt.images.iter().any(|image| image.mime == "image/png" && !image.data.is_empty()),
            Some(With::BadImage) => false,
            Some(With::File) => prompt.context.contains(&file()),
            None => prompt.images.is_empty(),
        };
        match whole {
            true => Ok(()),
            false => Err(format!("the agent was given {text} without what goes along with it: {prompt:?}")),
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
        self.brought.forgets_questions();
        self.refusals_end(|of| of.is_none());
    }

    pub fn asked(&mut self, slot: Slot, request_id: &RequestId, grantable: bool) {
        if let Some(index) = self.sessions[slot].process {
            let refused = self.rested && self.is_refused(slot, request_id);
            let rested = self.rested;
            let asking = self.ledger.askings.entry((index, request_id.clone())).or_default();
            asking.asked += 1;
            asking.withdrawn = false;
            asking.grantable = grantable;
            asking.refused = refused;
            // An answer may be on its way to the one before.
            asking.by_user &= !rested;
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
