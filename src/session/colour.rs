//! The one thread that works out colours, for all sessions of the backend, below everything else in priority.
//!
//! It is started by the first job and takes one after the other; each is a few lines, so nobody waits for a big block of
//! somebody else's. It remembers where it stands in the blocks that it has read last. Knows no transcripts and no views.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::render::code::{Block, Coloured, Highlighter, Job, JobLine, Lines, Outcome, Syntaxes};

/// A line that takes longer has a regular expression run away: the rest of its block stays plain.
const PATIENCE: Duration = Duration::from_millis(50);
/// Blocks that are remembered, with all that is open around their last line.
const REMEMBERED: usize = 64;
/// Languages whose expressions are kept: a dozen are 15 MB. With more of them, all is compiled anew as it is needed.
const LANGUAGES: usize = 16;

/// Takes jobs for the thread.
#[derive(Debug, Default)]
pub(super) struct Colourist {
    thread: OnceLock<Sender<Order>>,
    readers: AtomicU64,
}

/// Whose transcript a block is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reader(u64);

struct Order {
    reader: Reader,
    job: Job,
    reply: oneshot::Sender<Coloured>,
}

impl Colourist {
    /// A transcript that asks.
    pub(super) fn reader(&self) -> Reader {
        Reader(self.readers.fetch_add(1, Relaxed))
    }

    /// Answers when the job's turn has come; an answer that nobody waits for any more is not worked out.
    pub(super) fn ask(&self, reader: Reader, job: Job) -> impl Future<Output = Coloured> + use<> {
        let (block, from) = (job.block, job.from);
        let (reply, answer) = oneshot::channel();
        // Without the thread, the order and with it the reply are dropped.
        let _ = self.thread.get_or_init(start).send(Order { reader, job, reply });
        async move { answer.await.unwrap_or_else(|_| plain(block, from)) }
    }
}

fn plain(block: Block, from: usize) -> Coloured {
    Coloured { block, from, outcome: Outcome::Last(Lines::default()) }
}

fn start() -> Sender<Order> {
    let (sender, orders) = channel();
    let spawned = std::thread::Builder::new().name("colours".to_owned()).spawn(move || {
        step_back();
        work(&orders, &mut Desk::new(spent));
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread for colours: code is shown without");
    }
    sender
}

fn work(orders: &Receiver<Order>, desk: &mut Desk<impl FnMut() -> Duration>) {
    for Order { reader, job, reply } in orders {
        if !reply.is_closed() {
            let _ = reply.send(desk.work(reader, &job));
        }
    }
}

/// Of this thread: agents and the editor come first.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "colours are worked out at the usual priority");
    }
}

/// What this thread has used of the processor: others may be busy meanwhile.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// All that the thread knows.
struct Desk<C> {
    clock: C,
    /// Once somebody has asked.
    syntaxes: Option<Syntaxes>,
    open: HashMap<(Reader, Block), Open>,
    jobs: u64,
}

/// A block that has been read up to some line.
struct Open {
    highlighter: Highlighter,
    lines: usize,
    /// The job that was here last.
    used: u64,
}

impl<C: FnMut() -> Duration> Desk<C> {
    fn new(clock: C) -> Self {
        Self { clock, syntaxes: None, open: HashMap::new(), jobs: 0 }
    }

    fn work(&mut self, reader: Reader, job: &Job) -> Coloured {
        let key = (reader, job.block);
        let open = self.open.remove(&key);
        let done = catch_unwind(AssertUnwindSafe(|| self.read(open, job)));
        let outcome = match done {
            Ok(Ok((open, lines))) => {
                if open.highlighter.has_given_up() {
                    Outcome::Last(lines)
                } else {
                    self.remember(key, open);
                    Outcome::Lines(lines)
                }
            }
            Ok(Err(outcome)) => outcome,
            // Whatever was half done is thrown away.
            Err(_) => {
                tracing::error!(source = ?job.source, "colours of this language cannot be worked out");
                self.syntaxes = None;
                self.open.clear();
                Outcome::Last(Lines::default())
            }
        };
        Coloured { block: job.block, from: job.from, outcome }
    }

    fn read(&mut self, open: Option<Open>, job: &Job) -> Result<(Open, Lines), Outcome> {
        // Blocks that are open do not depend on what is compiled.
        self.syntaxes.take_if(|syntaxes| syntaxes.languages() >= LANGUAGES);
        let syntaxes = self.syntaxes.get_or_insert_with(Syntaxes::load);
        let mut open = match open {
            _ if job.from == 0 => {
                let first = job.lines.first().map_or("", |line| line.text.as_str());
                let highlighter = Highlighter::new(syntaxes, &job.source, first);
                let highlighter = highlighter.ok_or_else(|| Outcome::Last(Lines::default()))?;
                Open { highlighter, lines: 0, used: 0 }
            }
            Some(open) if open.lines == job.from => open,
            _ => return Err(Outcome::Lost),
        };
        let mut lines = Lines::default();
        for line in &job.lines {
            if line.apart {
                open.highlighter.skip();
            }
            let before = open.highlighter.clone();
            let spans = read_line(&mut open.highlighter, syntaxes, line, &mut self.clock);
            // The first line that needs an expression also waits until it is compiled: it is read once more.
            let spans = spans.or_else(|| {
                open.highlighter = before;
                read_line(&mut open.highlighter, syntaxes, line, &mut self.clock)
            });
            match spans {
                Some(spans) => lines.push(&spans),
                None => open.highlighter.give_up(),
            }
            if open.highlighter.has_given_up() {
                break;
            }
        }
        open.lines += lines.len();
        Ok((open, lines))
    }

    fn remember(&mut self, key: (Reader, Block), mut open: Open) {
        self.jobs += 1;
        open.used = self.jobs;
        self.open.insert(key, open);
        if self.open.len() > REMEMBERED
            && let Some(oldest) = self.open.iter().min_by_key(|(_, open)| open.used).map(|(key, _)| *key)
        {
            self.open.remove(&oldest);
        }
    }
}

/// `None` if it took too long.
fn read_line(
    highlighter: &mut Highlighter,
    syntaxes: &mut Syntaxes,
    line: &JobLine,
    clock: &mut impl FnMut() -> Duration,
) -> Option<Vec<crate::render::code::Span>> {
    let before = clock();
    let mut spans = highlighter.line(syntaxes, &line.text, line.side);
    if clock().saturating_sub(before) > PATIENCE {
        return None;
    }
    let skip = u16::try_from(line.skip).ok()?;
    for span in &mut spans {
        span.start = span.start.saturating_add(skip);
        span.end = span.end.saturating_add(skip);
    }
    Some(spans)
}

#[cfg(test)]
#[path = "colour_tests.rs"]
mod tests;
