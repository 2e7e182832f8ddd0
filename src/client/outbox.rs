//! What a client has yet to be told, merged: of what changes only the newest state, of what happens every event.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    domain::{Capabilities, SessionId, SessionSummary},
    session::Update,
};

#[derive(Debug, Default)]
pub struct Outbox {
    rows: Vec<SessionSummary>,
    removed: Vec<SessionId>,
    events: VecDeque<Update>,
    /// What the client has of each session: told again only when it has changed, for it may be long.
    capabilities: BTreeMap<SessionId, Arc<Capabilities>>,
}

/// A session's row for one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub summary: SessionSummary,
    /// The client has the capabilities already.
    pub without_capabilities: bool,
}

/// For one call.
#[derive(Debug, Default)]
pub struct Batch {
    /// To be taken before the events: who is told of a status sees it in the table.
    pub rows: Vec<Row>,
    pub removed: Vec<SessionId>,
    pub events: Vec<Update>,
}

/// Events of one call, roughly; one is taken whatever its size.
const EVENT_BYTES: usize = 64 * 1024;
/// Capabilities of one call, roughly; one session's go whatever their size.
const CAPABILITY_BYTES: usize = 64 * 1024;

impl Outbox {
    pub fn push(&mut self, update: Update) {
        match update {
            Update::Session(row) => {
                self.removed.retain(|id| *id != row.session_id);
                match self.rows.iter_mut().find(|known| known.session_id == row.session_id) {
                    Some(known) => *known = *row,
                    None => self.rows.push(*row),
                }
            }
            Update::Removed(id) => {
                self.rows.retain(|row| row.session_id != id);
                self.capabilities.remove(&id);
                self.removed.push(id);
            }
            // A client asks for patches when it can take them; it is told at once, by whoever owns this.
            Update::Dirty(_) => {}
            Update::Files { session, cwd, paths } => self.push_files(session, cwd, paths),
            event => self.events.push_back(event),
        }
    }

    /// Looking at files costs the editor time: what waits already is said once. No paths mean all, and swallow names.
    fn push_files(&mut self, session: SessionId, cwd: PathBuf, mut paths: Vec<PathBuf>) {
        let waiting = self.events.iter_mut().find_map(|event| match event {
            Update::Files { session: of, paths, .. } if *of == session => Some(paths),
            _ => None,
        });
        match waiting {
            Some(waiting) if waiting.is_empty() || paths.is_empty() => waiting.clear(),
            Some(waiting) => {
                paths.retain(|path| !waiting.contains(path));
                waiting.append(&mut paths);
            }
            None => self.events.push_back(Update::Files { session, cwd, paths }),
        }
    }

    /// A batch that did not arrive goes before what has come since.
    pub fn put_back(&mut self, batch: Batch) {
        self.forget(&batch);
        let Batch { rows, removed, events } = batch;
        for Row { summary: row, .. } in rows {
            let newer = self.rows.iter().any(|known| known.session_id == row.session_id);
            if !newer && !self.removed.contains(&row.session_id) {
                self.rows.push(row);
            }
        }
        self.removed.extend(removed);
        for event in events.into_iter().rev() {
            self.events.push_front(event);
        }
    }

    /// Nobody knows whether the client has the batch, or it never will have it: its capabilities are told again.
    pub fn forget(&mut self, batch: &Batch) {
        for row in &batch.rows {
            self.capabilities.remove(&row.summary.session_id);
        }
    }

    pub fn has_news(&self) -> bool {
        !(self.rows.is_empty() && self.removed.is_empty() && self.events.is_empty())
    }

    pub fn take(&mut self) -> Batch {
        let mut events = Vec::new();
        let mut bytes = 0;
        while let Some(event) = self.events.front() {
            let size = size(event);
            if !events.is_empty() && bytes + size > EVENT_BYTES {
                break;
            }
            bytes += size;
            events.extend(self.events.pop_front());
        }
        Batch { rows: self.take_rows(), removed: std::mem::take(&mut self.removed), events }
    }

    /// All rows; capabilities of some sessions may wait for the next call, with their row.
    fn take_rows(&mut self) -> Vec<Row> {
        let mut room = CAPABILITY_BYTES;
        let mut rows = Vec::new();
        for summary in std::mem::take(&mut self.rows) {
            let told = self.capabilities.get(&summary.session_id) == Some(&summary.capabilities);
            let size = if told { 0 } else { weight(&summary.capabilities) };
            let fits = size <= room || room == CAPABILITY_BYTES;
            if !told && fits {
                room = room.saturating_sub(size.max(1));
                self.capabilities.insert(summary.session_id.clone(), Arc::clone(&summary.capabilities));
            } else if !told {
                self.rows.push(summary.clone());
            }
            rows.push(Row { summary, without_capabilities: told || !fits });
        }
        rows
    }
}

/// About how much they take on the wire.
fn weight(capabilities: &Capabilities) -> usize {
    let Capabilities { models, modes, efforts, commands, options, .. } = capabilities;
    let choices = [models, modes, efforts, commands].into_iter().chain(options.iter().map(|option| &option.choices));
    choices.flatten().map(|choice| choice.id.len() + choice.name.len() + choice.description.len() + 40).sum()
}

/// About how much an event carries.
fn size(event: &Update) -> usize {
    match event {
        Update::Messages { messages, .. } => serde_json::to_vec(messages).map_or(EVENT_BYTES, |json| json.len()),
        Update::Permission { body, request, .. } => {
            let lines: usize = body.lines.iter().map(|line| line.text.len() + 40 * line.marks.len()).sum();
            lines + request.input.to_string().len()
        }
        Update::PermissionColoured { lines, .. } => lines.iter().map(|line| 40 * line.marks.len()).sum(),
        Update::Draft { prompt, .. } => {
            prompt.text.len() + prompt.context.iter().map(|context| context.text.len()).sum::<usize>()
        }
        Update::File { text: Some(text), .. } => text.len(),
        _ => 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> SessionId {
        SessionId::parse(name).expect("a good id")
    }

    fn row(name: &str, title: &str) -> Update {
        Update::Session(Box::new(SessionSummary { title: title.into(), ..SessionSummary::new(id(name), "demo") }))
    }

    fn turn(name: &str) -> Update {
        Update::Turn { session: id(name), stop_reason: "end_turn".into() }
    }

    #[test]
    fn of_a_row_only_the_newest_is_told_and_of_events_all() {
        let mut outbox = Outbox::default();
        for update in [row("a", "1"), turn("a"), row("b", "x"), row("a", "2"), turn("b")] {
            outbox.push(update);
        }
        let batch = outbox.take();
        let titles: Vec<&str> = batch.rows.iter().map(|row| row.summary.title.as_str()).collect();
        assert_eq!((titles, batch.events.len()), (vec!["2", "x"], 2));
        assert!(!outbox.has_news());
    }

    #[test]
    fn a_batch_that_did_not_arrive_is_taken_again_in_order() {
        let mut outbox = Outbox::default();
        for update in [row("a", "old"), row("b", "b"), turn("a")] {
            outbox.push(update);
        }
        let batch = outbox.take();
        outbox.push(row("a", "new"));
        outbox.push(turn("b"));
        outbox.put_back(batch);
        let batch = outbox.take();
        let titles: Vec<&str> = batch.rows.iter().map(|row| row.summary.title.as_str()).collect();
        assert_eq!(titles, ["new", "b"]);
        let turns: Vec<String> = batch.events.iter().map(|event| format!("{event:?}")).collect();
        assert!(turns[0].contains("\"a\"") && turns[1].contains("\"b\""), "{turns:?}");
    }

    #[test]
    fn capabilities_are_told_when_they_have_changed_and_until_they_have_arrived() {
        let mut outbox = Outbox::default();
        let able = |steer| Arc::new(Capabilities { steer, ..Capabilities::default() });
        let push = |outbox: &mut Outbox, steer| {
            let Update::Session(mut row) = row("a", "x") else { panic!("a row") };
            row.capabilities = able(steer);
            outbox.push(Update::Session(row));
        };
        let told = |outbox: &mut Outbox| {
            let batch = outbox.take();
            (!batch.rows[0].without_capabilities, batch)
        };
        push(&mut outbox, false);
        assert!(told(&mut outbox).0);
        push(&mut outbox, false);
        assert!(!told(&mut outbox).0);
        push(&mut outbox, true);
        let (with, batch) = told(&mut outbox);
        assert!(with);
        // What came meanwhile is told whole in its place.
        push(&mut outbox, true);
        outbox.put_back(batch);
        let (with, batch) = told(&mut outbox);
        assert!(with);
        outbox.forget(&batch);
        push(&mut outbox, true);
        assert!(told(&mut outbox).0);
        outbox.push(Update::Removed(id("a")));
        push(&mut outbox, true);
        assert!(told(&mut outbox).0, "another session of its name");
    }

    #[test]
    fn long_capabilities_of_many_sessions_go_in_several_calls_and_their_rows_at_once() {
        let choice = crate::domain::Choice { id: "x".repeat(260), ..Default::default() };
        let long = Arc::new(Capabilities { models: vec![choice; 100], ..Capabilities::default() });
        let mut outbox = Outbox::default();
        for name in ["a", "b", "c", "d", "e"] {
            let Update::Session(mut row) = row(name, "x") else { panic!("a row") };
            row.capabilities = Arc::clone(&long);
            outbox.push(Update::Session(row));
        }
        let mut told = Vec::new();
        while outbox.has_news() {
            let rows = outbox.take().rows;
            told.push((rows.len(), rows.iter().filter(|row| !row.without_capabilities).count()));
        }
        assert_eq!(told, [(5, 2), (3, 2), (1, 1)]);
    }

    #[test]
    fn files_that_changed_are_told_once() {
        let files = |names: &[&str]| Update::Files {
            session: id("a"),
            cwd: "/p".into(),
            paths: names.iter().map(PathBuf::from).collect(),
        };
        let told = |updates: Vec<Update>| {
            let mut outbox = Outbox::default();
            updates.into_iter().for_each(|update| outbox.push(update));
            let paths = |event| match event {
                Update::Files { paths, .. } => paths.len(),
                other => panic!("{other:?}"),
            };
            outbox.take().events.into_iter().map(paths).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![files(&["x"]), files(&["x", "y"])]), [2]);
        assert_eq!(told(vec![files(&["x"]), files(&[]), files(&["y"])]), [0]);
    }

    #[test]
    fn a_removed_session_has_no_row_and_may_come_again() {
        let mut outbox = Outbox::default();
        outbox.push(row("a", "1"));
        outbox.push(Update::Removed(id("a")));
        let batch = outbox.take();
        assert_eq!((batch.rows.len(), batch.removed.len()), (0, 1));
        outbox.push(Update::Removed(id("a")));
        outbox.push(row("a", "again"));
        let batch = outbox.take();
        assert_eq!((batch.rows.len(), batch.removed.len()), (1, 0));
    }

    #[test]
    fn a_call_carries_a_bounded_piece_and_at_least_one_event() {
        let mut outbox = Outbox::default();
        let prompt = crate::domain::Prompt::new("x".repeat(100_000));
        for _ in 0..3 {
            outbox.push(Update::Draft { session: id("a"), prompt: prompt.clone() });
        }
        for _ in 0..3 {
            assert_eq!(outbox.take().events.len(), 1);
        }
        assert!(!outbox.has_news());
    }
}
