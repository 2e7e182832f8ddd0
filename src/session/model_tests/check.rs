//! What must hold whenever everything rests, and what must be left when the backend ends: nothing.

use std::{collections::HashSet, fs, time::Duration};

use tokio::runtime::Handle;

use super::{
    known::Session,
    step::{Disk, SLOTS, Slot, What},
    world::{World, id},
};
use crate::{
    agent::awake,
    domain::{AgentMessage, Content},
    render::{ExportPlace, to_markdown},
    session::{Reply, Request, journal},
    transcript::Transcript,
};

/// A session that does not answer in this time never will.
const PATIENCE: Duration = Duration::from_secs(2);

impl World {
    pub async fn check(&mut self) -> Result<(), String> {
        for slot in 0..SLOTS {
            let begun = self.sessions[slot].begins.take().is_some();
            self.judge_status(slot)?;
            if self.process(slot).is_none() {
                let session = &mut self.sessions[slot];
                (session.stopping, session.maybe, session.advised) = (None, None, Some(false));
            }
            let Some(waits) = self.check_queue(slot).await? else { continue };
            for (text, fate) in self.ledger.of(slot) {
                fate.waits = waits.contains(text);
                fate.judge(text)?;
            }
            if self.sessions[slot].row.is_some() {
                self.check_questions(slot)?;
                self.check_journal(slot, begun).await?;
            }
            self.sessions[slot].shown = self.views.values().any(|shown| *shown == slot);
        }
        self.check_rules()?;
        self.brought.rests();
        // One whose session has died may still have the time that was given to it.
        let held = self.sessions.iter().filter_map(|session| self.processes.get(session.process?));
        let alive = held.filter(|process| process.alive).count() as u64;
        match self.hub.counts().processes {
            counted if counted == alive => Ok(()),
            counted => Err(format!("{alive} processes live, and {counted} are counted")),
        }
    }

    async fn answer<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<Result<T, String>, String> {
        let answer = self.ask(request);
        let answer = awake::timeout(PATIENCE, answer).await.ok_or("a session does not answer")?;
        answer.map_err(|_| "a session has dropped a question at rest".to_owned())
    }

    /// The texts of what waits; `None` if that cannot be told.
    async fn check_queue(&mut self, slot: Slot) -> Result<Option<Vec<String>>, String> {
        let moved = std::mem::take(&mut self.sessions[slot].moved);
        let Some(row) = self.sessions[slot].row.clone() else {
            let past = if self.away { None } else { journal::read(&self.journals(), &id(slot)).ok() };
            return Ok(past.map(|past| past.queue.list().into_iter().map(|waiting| waiting.head).collect()));
        };
        let list = match self.answer(|reply| Request::Queue { session: id(slot), reply }).await? {
            Ok(list) => list,
            Err(error) if error.contains("internal error") => {
                let session = &mut self.sessions[slot];
                if !std::mem::replace(&mut session.dead, true) {
                    self.loses(slot);
                }
                return Ok(None);
            }
            Err(error) => return Err(format!("session {} is listed, and: {error}", id(slot))),
        };
        let heads: Vec<String> = list.iter().map(|waiting| waiting.head.clone()).collect();
        if row.queued != list.len() || row.waiting[..] != heads[..heads.len().min(3)] {
            return Err(format!("{heads:?} wait, and the row says {} {:?}", row.queued, row.waiting));
        }
        let queue: Vec<_> = list.iter().map(|waiting| (waiting.id.clone(), waiting.head.clone())).collect();
        let session = &self.sessions[slot];
        check_order(session, &queue, &moved)?;
        if let Some(first) = list.first().filter(|first| row.held.is_none() && !first.edited && !row.busy) {
            // What the agent can take is not known before it is ready.
            let pictured = self.is_pictured(&first.head);
            let process = session.process.map(|index| &mut self.processes[index]).filter(|process| process.alive);
            let deaf = process.is_some_and(|process| {
                !process.speaks || process.is_being_stopped() || pictured && !process.is_ready()
            });
            if !deaf && !self.brought.is_asked(slot) {
                return Err(format!("{} is due, and not given to the agent: {row:?}", first.head));
            }
        }
        self.sessions[slot].queue = queue;
        Ok(Some(heads))
    }

    fn check_questions(&mut self, slot: Slot) -> Result<(), String> {
        let Some(row) = &self.sessions[slot].row else { return Ok(()) };
        let open = self.ledger.open_of(slot);
        if row.pending != open.len() {
            return Err(format!("{open:?} are open, and the row says {}", row.pending));
        }
        let Some((index, process)) = self.process(slot) else { return Ok(()) };
        if !process.speaks {
            return Ok(());
        }
        let of_it = self.ledger.askings.iter().filter(|((process, _), _)| *process == index);
        for ((_, request), asking) in of_it {
            let is_open = open.iter().any(|(id, _)| id == request);
            if !is_open && asking.asked > 0 && asking.answered == 0 && !asking.withdrawn {
                return Err(format!("{request} is not open, and was not answered: {asking:?}"));
            }
        }
        Ok(())
    }

    /// Whatever was said is there, in the same order; the journal says the same, and so does the transcript.
    async fn check_journal(&mut self, slot: Slot, begun: bool) -> Result<(), String> {
        if self.away {
            return Ok(());
        }
        let mut messages = Vec::new();
        let mut since = Some(0);
        while let Some(from) = since {
            let page = self.answer(|reply| Request::Messages { session: id(slot), since: from, reply }).await??;
            messages.extend(page.messages);
            since = page.since;
        }
        let (mut export, mut next) = (String::new(), Some(ExportPlace::default()));
        while let Some(from) = next {
            let part = self.answer(|reply| Request::Export { session: id(slot), from, reply }).await??;
            export.push_str(&part.text);
            next = part.next;
        }
        let whole: Vec<AgentMessage> = messages.iter().filter(|message| !message.part).cloned().collect();
        let kept = self.is_kept(slot);
        let session = &mut self.sessions[slot];
        let before = std::mem::replace(&mut session.said, whole);
        if !session.said.starts_with(&before) {
            let (now, before) = (brief(&session.said), brief(&before));
            return Err(format!("what was said is not what it was: {now} and not {before}"));
        }
        let mut said = session.said.iter();
        if !begun && let Some(lost) = session.heard.iter().find(|heard| !said.any(|said| said == *heard)) {
            return Err(format!("a listener was told what is not in the journal, or twice: {lost:?}"));
        }
        if !kept {
            return Ok(());
        }
        let past = journal::read(&self.journals(), &id(slot)).map_err(|error| error.to_string())?;
        let on_disk = without_parts_of_wholes(&past.messages);
        let messages = merged(&messages);
        if on_disk != messages {
            return Err(format!("the journal has {} and the session {}", brief(&on_disk), brief(&messages)));
        }
        let mut transcript = Transcript::default();
        for message in past.messages {
            transcript.fold(message);
        }
        let replayed = to_markdown(&transcript);
        match replayed == export {
            true => Ok(()),
            false => Err(format!("the journal makes\n{replayed}\nand the session says\n{export}")),
        }
    }

    /// The backend ends: nothing of it is left, and another one takes up what was there.
    pub async fn reboot(&mut self) -> Result<(), String> {
        let live: Vec<Slot> =
            (0..SLOTS).filter(|slot| self.sessions[*slot].row.is_some() && !self.sessions[*slot].dead).collect();
        for slot in 0..SLOTS {
            if live.contains(&slot) && !self.is_kept(slot) {
                self.loses(slot);
            }
            // What its sender had no answer to, its sender still has.
            self.may_return(slot, true);
        }
        self.ends_all().await?;
        self.another_hub();
        if !self.away {
            live.into_iter().for_each(|slot| self.ask_for_again(slot));
        }
        Ok(())
    }

    fn ask_for_again(&mut self, slot: Slot) {
        if journal::path(&self.journals(), &id(slot)).exists() {
            self.asks_for(slot, What::Restore, false);
        }
    }

    pub async fn ends_all(&mut self) -> Result<(), String> {
        self.hub.shutdown().await;
        for session in &mut self.sessions {
            session.process = None;
        }
        // Who was being stopped has the time that it was given.
        self.wait(4_000).await?;
        self.rest().await?;
        for session in &mut self.sessions {
            let Session { said, queue, moved, last, rules, .. } = std::mem::take(session);
            *session = Session { said, queue, moved, last, rules, ..Session::default() };
        }
        self.ledger.open.clear();
        self.ledger.askings.clear();
        let (processes, tasks) = (self.hub.counts().processes, Handle::current().metrics().num_alive_tasks());
        let alive = self.processes.iter().filter(|process| process.alive).count();
        // The thread that waits for the disk lets go of them last.
        let mut looks = (0..10_000).map(|_| {
            std::thread::yield_now();
            open_files(self.folder.path())
        });
        let open = looks.find(Vec::is_empty).unwrap_or_else(|| open_files(self.folder.path()));
        match (processes, tasks, alive, open.as_slice()) {
            (0, 0, 0, []) => Ok(()),
            _ => Err(format!(
                "the backend has ended, and {processes} processes are counted, {alive} live, {tasks} tasks run, and {open:?} is open"
            )),
        }
    }

    /// The disk is well again; everybody goes home.
    pub async fn finish(mut self) -> Result<u64, String> {
        self.take_step(super::step::step(0, What::JournalsAway { away: false }), true).await?;
        for slot in 0..SLOTS {
            self.disks.set(&id(slot), Disk::Well);
        }
        self.rest().await?;
        self.check().await?;
        // Whoever is stopping has the time to do so.
        self.wait(70_000).await?;
        self.rest().await?;
        self.check().await?;
        if !self.nobody_waits() {
            return Err("a request was never answered".to_owned());
        }
        self.reboot().await?;
        self.rest().await?;
        self.check().await?;
        self.ends_all().await?;
        Ok(self.steps)
    }
}

/// What goes on waiting keeps its order, and nothing overtakes it that was not told to.
fn check_order(
    session: &Session,
    queue: &[(crate::domain::MessageId, String)],
    moved: &[crate::domain::MessageId],
) -> Result<(), String> {
    let still = |of: &[(crate::domain::MessageId, String)], other: &[(crate::domain::MessageId, String)]| {
        let stays = of.iter().filter(|(id, _)| !moved.contains(id) && other.iter().any(|(known, _)| known == id));
        stays.map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    let (before, now) = (still(&session.queue, queue), still(queue, &session.queue));
    match before == now {
        true => Ok(()),
        false => Err(format!("what waits has changed its order: it was {:?} and is {queue:?}", session.queue)),
    }
}

fn without_parts_of_wholes(messages: &[AgentMessage]) -> Vec<AgentMessage> {
    let mut open = HashSet::new();
    for message in messages {
        match message.part {
            true => open.insert(message.id.clone()),
            false => open.remove(&message.id),
        };
    }
    merged(messages.iter().filter(|message| !message.part || open.contains(&message.id)))
}

/// However a text was cut.
fn merged<'a>(messages: impl IntoIterator<Item = &'a AgentMessage>) -> Vec<AgentMessage> {
    let mut merged: Vec<AgentMessage> = Vec::new();
    for message in messages {
        let before = merged.iter_mut().find(|before| before.part && message.part && before.id == message.id);
        match (before.map(|before| &mut before.content), &message.content) {
            (Some(Content::Text { text }), Content::Text { text: more }) => text.push_str(more),
            (Some(Content::ToolResult(result)), Content::ToolResult(more)) => result.output.push_str(&more.output),
            _ => merged.push(message.clone()),
        }
    }
    merged
}

fn brief(messages: &[AgentMessage]) -> String {
    let said = messages.iter().map(|message| {
        let what = match &message.content {
            Content::Prompt(prompt) => format!("> {}", prompt.text),
            Content::Text { text } => text.clone(),
            Content::Status { message, .. } | Content::Error { message } => message.clone(),
            other => format!("{other:?}").chars().take(60).collect(),
        };
        format!("{} {what}", message.id)
    });
    format!("{:#?}", said.collect::<Vec<_>>())
}

/// Below a folder, by us.
fn open_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let open = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    open.filter(|path| path.starts_with(folder)).collect()
}
