//! The colours of one transcript's code: what is known of them, and what is wanted.
//!
//! Whoever lays out rows near a window asks; what is not known yet is wanted by that very question, and the latest
//! question is answered first. Answers come in jobs of a few lines, each from where the last one ended. Text only grows,
//! so an answer stays right for as long as its block is there; what replaces a text has another [`Block`].

use std::{collections::HashMap, ops::Range};

use super::{
    MOST_BLOCK,
    pieces::{self, Block, Job, Lines, Taken},
};
use crate::{
    render::line::{Code, Line, Mark, Part},
    transcript::{Body, Entry, EntryId},
};

/// The answer to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coloured {
    pub block: Block,
    pub from: usize,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Lines(Lines),
    /// The lines after these stay plain: nobody knows the language, or one line took too long.
    Last(Lines),
    /// Whoever had read the lines before has forgotten them: it has to begin anew.
    Lost,
}

/// Colours that are kept, in bytes: tens of thousands of lines.
const KEPT: usize = 1024 * 1024;
/// Jobs that are out at a time. Enough to keep one thread at work; what is asked next is what is looked at then.
const OUT: usize = 2;

#[derive(Debug, Default)]
pub struct Colours {
    blocks: HashMap<Block, Known>,
    /// Questions so far.
    clock: u64,
    out: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Known {
    lines: Lines,
    /// Where each line begins, from the block's start, and the next after the last.
    starts: Vec<u32>,
    /// Lines that are wanted (of a fence: bytes).
    wanted: usize,
    /// Of a fence: bytes that are there for good.
    whole: usize,
    /// What the fence says of its language.
    info: String,
    /// Beginnings of the lines of the job that is out.
    asked: Option<Vec<u32>>,
    /// There will be no more.
    ended: bool,
    /// When it was asked for last.
    used: u64,
}

impl Known {
    fn bytes(&self) -> usize {
        size_of::<(Block, Self)>() + self.lines.bytes() + self.starts.capacity() * size_of::<u32>() + self.info.len()
    }

    /// Bytes that are read.
    fn done(&self) -> usize {
        self.starts.last().map_or(0, |start| *start as usize)
    }

    fn wants_more(&self, part: Part) -> bool {
        let done = if matches!(part, Part::Fence { .. }) { self.done() } else { self.lines.len() };
        !self.ended && done < self.wanted
    }
}

/// The fenced block that rows are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// From the first code line up to the closing fence or the text's end.
    pub code: Range<usize>,
    pub info: &'a str,
    /// No more code can come.
    pub ended: bool,
}

impl Colours {
    /// Adds to the marks of a line that we laid out those of its code, as far as they are known.
    pub fn of_line(&mut self, entry: EntryId, generation: u32, line: &Line, marks: &mut Vec<Mark>) {
        let Some(Code { part, line: index, column }) = line.code else { return };
        let known = self.ask(Block { entry, generation, part });
        known.wanted = known.wanted.max(index + 1);
        let spans = known.lines.get(index).iter().map(|span| {
            Mark::colour(column + usize::from(span.start), column + usize::from(span.end), span.group.name())
        });
        // A line may be cut for show. What else is marked of the code is drawn over it.
        let spans = spans.filter(|mark| mark.end <= line.text.len());
        let at = marks.iter().position(|mark| mark.start >= column).unwrap_or(marks.len());
        marks.splice(at..at, spans);
    }

    /// Adds the marks of the lines of a fenced block that intersect a range, as far as they are known; a line that is still
    /// being written has none. All offsets are in the whole text of the entry. Whether the block has colours: one of a
    /// language that nobody knows has not.
    pub fn of_fence(
        &mut self,
        entry: EntryId,
        generation: u32,
        text: &str,
        fence: &Fence,
        range: Range<usize>,
        marks: &mut Vec<Mark>,
    ) -> bool {
        let start = fence.code.start;
        let Some(code) = text.get(fence.code.clone()) else { return false };
        if code.len() > MOST_BLOCK || fence.info.is_empty() || range.end <= start || range.start >= fence.code.end {
            return false;
        }
        let whole = if fence.ended { code.len() } else { code.rfind('\n').map_or(0, |end| end + 1) };
        let known = self.ask(Block { entry, generation, part: Part::Fence { start } });
        if known.info.is_empty() {
            fence.info.clone_into(&mut known.info);
        }
        let (from, to) = (range.start.saturating_sub(start), (range.end - start).min(whole));
        known.wanted = known.wanted.max(to);
        known.whole = known.whole.max(whole);
        let first = known.starts.partition_point(|line| *line as usize <= from).saturating_sub(1);
        for (index, at) in known.starts.iter().enumerate().skip(first).take_while(|(_, at)| (**at as usize) < to) {
            let at = start + *at as usize;
            for span in known.lines.get(index) {
                let (start, end) = (at + usize::from(span.start), at + usize::from(span.end));
                marks.push(Mark::colour(start, end, span.group.name()));
            }
        }
        !(known.ended && known.lines.is_empty())
    }

    fn ask(&mut self, block: Block) -> &mut Known {
        self.clock += 1;
        let known = self.blocks.entry(block).or_default();
        known.used = self.clock;
        known
    }

    /// What is to be worked out next, if anything is and not enough is out already.
    pub fn next_job<'a>(&mut self, entry: impl Fn(EntryId) -> Option<&'a Entry>) -> Option<Job> {
        while self.out < OUT {
            let wanting =
                self.blocks.iter().filter(|(block, known)| known.asked.is_none() && known.wants_more(block.part));
            let block = *wanting.max_by_key(|(_, known)| known.used)?.0;
            let known = self.blocks.get_mut(&block)?;
            let from = known.lines.len();
            let taken =
                entry(block.entry).and_then(|entry| take(entry, block, known)).filter(|taken| !taken.lines.is_empty());
            // It is not there any more, or too long.
            let Some(taken) = taken.filter(|_| known.done() <= MOST_BLOCK) else {
                known.ended = true;
                continue;
            };
            let mut at = known.done();
            let starts = taken.sizes.iter().map(|size| {
                at += size;
                u32::try_from(at).unwrap_or(u32::MAX)
            });
            known.asked = Some(starts.collect());
            self.out += 1;
            return Some(Job { block, source: taken.source, from, lines: taken.lines });
        }
        None
    }

    /// Takes an answer. The entry whose rows may look different now.
    pub fn take(&mut self, answer: Coloured) -> Option<EntryId> {
        self.out = self.out.saturating_sub(1);
        let block = answer.block;
        let known = self.blocks.get_mut(&block)?;
        let asked = known.asked.take().filter(|_| known.lines.len() == answer.from)?;
        let lines = match answer.outcome {
            Outcome::Lost => {
                let (wanted, whole, used) = (known.wanted, known.whole, known.used);
                let info = std::mem::take(&mut known.info);
                *known = Known { wanted, whole, used, info, ..Known::default() };
                return None;
            }
            Outcome::Lines(lines) => lines,
            Outcome::Last(lines) => {
                known.ended = true;
                lines
            }
        };
        if known.starts.is_empty() {
            known.starts.push(0);
        }
        known.starts.extend(asked.iter().take(lines.len()));
        known.lines.append(&lines);
        self.forget_old();
        Some(block.entry)
    }

    /// Lets go of what is known, while nobody looks; what is wanted and not there yet stays wanted.
    pub fn rest(&mut self) {
        self.blocks.retain(|block, known| known.asked.is_some() || known.wants_more(block.part));
    }

    /// What was asked for longest ago goes first. It is painted already: it is worked out again if it is asked for again.
    fn forget_old(&mut self) {
        self.bytes = self.blocks.values().map(Known::bytes).sum();
        while self.bytes > KEPT {
            let idle =
                self.blocks.iter().filter(|(block, known)| known.asked.is_none() && !known.wants_more(block.part));
            let Some(block) = idle.min_by_key(|(_, known)| known.used).map(|(block, _)| *block) else { return };
            if let Some(known) = self.blocks.remove(&block) {
                self.bytes -= known.bytes();
            }
        }
    }
}

/// The next lines of a block, if it is still there.
fn take(entry: &Entry, block: Block, known: &Known) -> Option<Taken> {
    match block.part {
        _ if entry.generation != block.generation => None,
        Part::Fence { start } => {
            let (Body::Text(text) | Body::Thinking(text)) = &entry.body else { return None };
            // Rows may end within a line, which is read whole.
            let end = start + known.whole;
            let rest = text.get(start + known.wanted.max(1) - 1..end)?;
            let to = rest.find('\n').map_or(end, |at| end - rest.len() + at + 1);
            pieces::of_text(text, start + known.done()..to, start, &known.info)
        }
        part => pieces::of_entry(entry, part, known.lines.len()),
    }
}

#[cfg(test)]
#[path = "colours_tests.rs"]
mod tests;
