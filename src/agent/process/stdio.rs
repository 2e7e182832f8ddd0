//! The backend's ends of an agent's three pipes.

use std::{collections::VecDeque, io, time::Duration};

use tokio::{
    net::unix::pipe::{Receiver, Sender},
    sync::{mpsc, watch},
    time::sleep,
};

use super::{Phase, ProcessEvent, queue::Feed};
use crate::{
    agent::lines::{Frame, Lines},
    domain::without_escapes,
};

/// One read. A pipe gives no more at once unless it was made larger.
const BUFFER: usize = 64 << 10;
/// What is handed on at once while more and more comes.
const PIECE: usize = 256 << 10;
/// How long a pipe may stay silent and open after everything that we know of has ended: then somebody holds it whom we
/// may not kill, or do not know.
const GRACE: Duration = Duration::from_millis(500);

const STDERR_LINE: usize = 64 << 10;
const TAIL_LINES: usize = 20;
const TAIL_LINE_CHARS: usize = 2000;

/// To its end, always: some agents drop what nobody reads.
pub(super) async fn read_stdout(pipe: Receiver, feed: Feed, mut phase: watch::Receiver<Phase>) {
    let mut lines = Lines::default();
    let mut source = Source::new(pipe);
    loop {
        let mut frames = Vec::new();
        let mut size = 0;
        let more = source
            .read(&mut phase, |bytes| {
                size += bytes.len();
                feed.count(bytes.len());
                frames.extend(lines.push(bytes));
                size < PIECE
            })
            .await;
        if !more {
            frames.extend(lines.finish());
        }
        if !frames.is_empty() {
            feed.frames(frames).await;
        }
        if !more {
            break;
        }
    }
    feed.push(ProcessEvent::StdoutEnded);
}

/// The same for what is no agent's: as it comes, empty lines and all.
pub(super) async fn read_bytes(pipe: Receiver, feed: Feed, mut phase: watch::Receiver<Phase>) {
    let mut source = Source::new(pipe);
    loop {
        let mut piece = Vec::new();
        let more = source
            .read(&mut phase, |bytes| {
                piece.extend_from_slice(bytes);
                piece.len() < PIECE
            })
            .await;
        if !piece.is_empty() {
            feed.bytes(piece).await;
        }
        if !more {
            break;
        }
    }
    feed.push(ProcessEvent::StdoutEnded);
}

/// Returns the last lines. They are for people to read: what is for a terminal is left out.
pub(super) async fn read_stderr(pipe: Receiver, feed: Feed, mut phase: watch::Receiver<Phase>) -> Vec<String> {
    let mut lines = Lines::new(STDERR_LINE);
    let mut source = Source::new(pipe);
    let mut tail = VecDeque::new();
    loop {
        let mut frames = Vec::new();
        let more = source
            .read(&mut phase, |bytes| {
                frames.extend(lines.push(bytes));
                false
            })
            .await;
        if !more {
            frames.extend(lines.finish());
        }
        for frame in frames {
            let line = match frame {
                Frame::Line(line) => without_escapes(&line).into_owned(),
                Frame::TooLong { bytes, .. } => format!("(a line of {bytes} bytes was left out)"),
            };
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(line.chars().take(TAIL_LINE_CHARS).collect());
            feed.stderr(line).await;
        }
        if !more {
            return tail.into();
        }
    }
}

struct Source {
    pipe: Receiver,
    buffer: Box<[u8]>,
}

impl Source {
    fn new(pipe: Receiver) -> Self {
        Self { pipe, buffer: vec![0; BUFFER].into() }
    }

    /// Waits for bytes and gives all that are there, as long as `take` wants more. False at the end.
    async fn read(&mut self, phase: &mut watch::Receiver<Phase>, mut take: impl FnMut(&[u8]) -> bool) -> bool {
        tokio::select! {
            biased;
            ready = self.pipe.readable() => if ready.is_err() { return false },
            // Bytes that are there come first: the time runs only while there are none.
            () = silence(phase) => return false,
        }
        loop {
            match self.pipe.try_read(&mut self.buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    if !take(&self.buffer[..length]) {
                        return true;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}

async fn silence(phase: &mut watch::Receiver<Phase>) {
    // A sender that is gone is as good as the end.
    let _ = phase.wait_for(|phase| *phase == Phase::Ended).await;
    sleep(GRACE).await;
}

/// Until the input is closed by us, or by the agent. What it did not read whole comes back, so that a prompt is not lost
/// unseen.
pub(super) async fn write_stdin(
    pipe: Sender,
    mut writes: mpsc::UnboundedReceiver<Vec<u8>>,
    feed: Feed,
    mut phase: watch::Receiver<Phase>,
) {
    let mut begun = None;
    // As much of it as the pipe has.
    let mut taken = 0;
    let mut unread = Unread::default();
    let writing = async {
        while let Some(bytes) = writes.recv().await {
            let mut rest = &begun.insert(bytes)[..];
            taken = 0;
            while !rest.is_empty() {
                pipe.writable().await?;
                match pipe.try_write(rest) {
                    Ok(length) => {
                        rest = &rest[length..];
                        taken += length;
                    }
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    Err(error) => return Err(error),
                }
            }
            unread.extend(begun.take());
            taken = 0;
            unread.settle(&pipe, 0);
        }
        io::Result::Ok(())
    };
    let closed_by_us = tokio::select! {
        biased;
        result = writing => result.is_ok(),
        _ = phase.wait_for(|phase| *phase != Phase::Running) => false,
    };
    if closed_by_us {
        return;
    }
    unread.settle(&pipe, taken);
    drop(pipe);
    // From now on `write` says that the input is closed.
    writes.close();
    let mut undelivered: Vec<_> = unread.writes.into_iter().chain(begun).collect();
    while let Ok(bytes) = writes.try_recv() {
        undelivered.push(bytes);
    }
    if !undelivered.is_empty() {
        feed.push(ProcessEvent::Undelivered(undelivered));
    }
}

/// Writes that the pipe has taken and the agent has not: a pipe holds a whole prompt of the usual size.
#[derive(Default)]
struct Unread {
    writes: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Unread {
    fn extend(&mut self, write: Option<Vec<u8>>) {
        self.bytes += write.as_ref().map_or(0, Vec::len);
        self.writes.extend(write);
    }

    /// Forgets the writes that have been read to their end. The pipe has `begun` bytes of the next one too.
    fn settle(&mut self, pipe: &Sender, begun: usize) {
        let held = rustix::io::ioctl_fionread(pipe).ok().and_then(|held| usize::try_from(held).ok()).unwrap_or(0);
        while let Some(first) = self.writes.front()
            && self.bytes + begun - first.len() >= held
        {
            self.bytes -= first.len();
            self.writes.pop_front();
        }
    }
}

#[cfg(test)]
#[path = "stdio_tests.rs"]
mod tests;
