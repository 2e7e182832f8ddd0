//! What a process has said and nobody has taken yet: in order, bounded by bytes, pieces merged.
//!
//! A reader that is far ahead waits; whoever takes slowly gets larger pieces, not a longer queue.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::Notify;

use super::ProcessEvent;
use crate::agent::lines::Frame;

/// How far a reader may be ahead.
const AHEAD: usize = 8 << 20;
/// Frames are merged up to this size.
const PIECE: usize = 256 << 10;

/// The side that fills. Cheap to clone.
#[derive(Clone)]
pub(super) struct Feed(Arc<Shared>);

/// The side that takes: there is one.
pub struct Events(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    filled: Notify,
    drained: Notify,
    said: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(ProcessEvent, usize)>,
    bytes: usize,
    /// Nobody waits any more: the process is being stopped.
    open: bool,
    /// The other side has gone: everything is dropped.
    deaf: bool,
    /// The last event is in the queue or has been taken.
    over: bool,
}

pub(super) fn queue() -> (Feed, Events) {
    let shared =
        Shared { state: Mutex::default(), filled: Notify::new(), drained: Notify::new(), said: AtomicU64::new(0) };
    let shared = Arc::new(shared);
    (Feed(Arc::clone(&shared)), Events(shared))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Without waiting: for what is small and must not be held up.
    pub(super) fn push(&self, event: ProcessEvent) {
        self.put(event, 0);
    }

    /// Waits until there is room.
    pub(super) async fn frames(&self, frames: Vec<Frame>) {
        let size = frames.iter().map(Frame::size).sum();
        self.room().await;
        self.put(ProcessEvent::Frames(frames), size);
    }

    /// Waits until there is room.
    pub(super) async fn bytes(&self, bytes: Vec<u8>) {
        let size = size_of::<ProcessEvent>() + bytes.len();
        self.room().await;
        self.put(ProcessEvent::Bytes(bytes), size);
    }

    /// Waits until there is room.
    pub(super) async fn stderr(&self, line: String) {
        let size = size_of::<ProcessEvent>() + line.len();
        self.room().await;
        self.put(ProcessEvent::Stderr(line), size);
    }

    /// So many bytes of stdout have come, whatever becomes of them.
    pub(super) fn count(&self, bytes: usize) {
        self.0.said.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn said(&self) -> u64 {
        self.0.said.load(Relaxed)
    }

    /// From now on nobody waits for room.
    pub(super) fn open(&self) {
        self.0.state().open = true;
        self.0.drained.notify_waiters();
    }

    async fn room(&self) {
        loop {
            let drained = self.0.drained.notified();
            {
                let state = self.0.state();
                if state.bytes < AHEAD || state.open || state.deaf {
                    return;
                }
            }
            drained.await;
        }
    }

    fn put(&self, event: ProcessEvent, size: usize) {
        let mut state = self.0.state();
        if state.deaf || state.over {
            return;
        }
        state.over = matches!(event, ProcessEvent::Exited(_));
        state.bytes += size;
        match (state.queue.back_mut(), event) {
            (Some((ProcessEvent::Frames(frames), held)), ProcessEvent::Frames(more)) if *held + size <= PIECE => {
                frames.extend(more);
                *held += size;
            }
            (Some((ProcessEvent::Bytes(bytes), held)), ProcessEvent::Bytes(more)) if *held + size <= PIECE => {
                bytes.extend(more);
                *held += size;
            }
            (_, event) => state.queue.push_back((event, size)),
        }
        drop(state);
        self.0.filled.notify_one();
    }
}

impl Events {
    /// The next event; `None` after [`ProcessEvent::Exited`]. Cancel safe.
    pub async fn recv(&mut self) -> Option<ProcessEvent> {
        loop {
            {
                let mut state = self.0.state();
                if let Some((event, size)) = state.queue.pop_front() {
                    state.bytes -= size;
                    let room = state.bytes < AHEAD;
                    drop(state);
                    if room {
                        self.0.drained.notify_waiters();
                    }
                    return Some(event);
                }
                if state.over {
                    return None;
                }
            }
            self.0.filled.notified().await;
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.deaf = true;
        state.queue = VecDeque::new();
        state.bytes = 0;
        drop(state);
        self.0.drained.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::agent::process::Exit;

    fn frames(bytes: usize) -> Vec<Frame> {
        vec![Frame::Line("x".repeat(bytes))]
    }

    async fn is_held_up(feed: &Feed) -> bool {
        timeout(Duration::from_secs(1), feed.room()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_far_ahead_waits_until_its_frames_are_taken() {
        let (feed, mut events) = queue();
        for _ in 0..9 {
            assert!(!is_held_up(&feed).await);
            feed.frames(frames(1 << 20)).await;
            if feed.0.state().bytes >= AHEAD {
                break;
            }
        }
        assert!(is_held_up(&feed).await);
        assert!(events.recv().await.is_some());
        assert!(!is_held_up(&feed).await);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_when_the_process_is_being_stopped_or_nobody_listens() {
        let (feed, events) = queue();
        feed.frames(frames(AHEAD)).await;
        assert!(is_held_up(&feed).await);
        feed.open();
        assert!(!is_held_up(&feed).await);

        let (feed, other) = queue();
        feed.frames(frames(AHEAD)).await;
        drop(other);
        assert!(!is_held_up(&feed).await);
        drop(events);
    }

    #[tokio::test]
    async fn small_pieces_are_merged_in_order() {
        let (feed, mut events) = queue();
        let line = |text: &str| Frame::Line(text.to_owned());
        feed.frames(vec![line("a")]).await;
        feed.frames(vec![line("b"), line("c")]).await;
        feed.stderr("e".into()).await;
        feed.frames(vec![line("d")]).await;
        feed.push(ProcessEvent::Exited(Exit::default()));
        feed.push(ProcessEvent::StdoutEnded);
        assert_eq!(events.recv().await, Some(ProcessEvent::Frames(vec![line("a"), line("b"), line("c")])));
        assert_eq!(events.recv().await, Some(ProcessEvent::Stderr("e".into())));
        assert_eq!(events.recv().await, Some(ProcessEvent::Frames(vec![line("d")])));
        assert_eq!(events.recv().await, Some(ProcessEvent::Exited(Exit::default())));
        assert_eq!(events.recv().await, None);
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_piece_stays_small_enough_to_be_handled_at_once() {
        let (feed, mut events) = queue();
        for _ in 0..100 {
            feed.frames(frames(10_000)).await;
        }
        let mut count = 0;
        while count < 100 {
            let Some(ProcessEvent::Frames(piece)) = events.recv().await else { panic!("frames were put") };
            assert!(piece.iter().map(Frame::size).sum::<usize>() <= PIECE);
            count += piece.len();
        }
    }
}
