//! Entries into lines with highlights, and lines into patches of a buffer. Pure: no I/O, no clock, no editor.
//!
//! A [`View`] is one transcript as one window's buffer shows it; it remembers what was painted and makes the next
//! [`Patch`] as large as a budget allows. Prose is shown as the agent wrote it; everything else is ours to lay out.

mod around;
mod ask;
pub mod code;
mod diff;
mod entry;
mod export;
mod figures;
mod fit;
mod flow;
mod line;
mod markdown;
mod patch;
mod preview;
mod readings;
mod rows;
mod scene;
mod tool;
mod under;
mod unseen;
mod view;
mod words;

pub use ask::{AskBody, ask_body, ask_files, ask_whole};
pub use entry::ticks;
pub use export::{ExportPart, ExportPlace, export, to_markdown};
pub use line::{Anchor, Code, Line, Look, Mark, Part, Source};
pub use markdown::{Document, FenceSpan, Reading};
pub use patch::{Budget, Drawn, Op, Patch, Row};
pub use preview::preview;
pub use readings::Readings;
pub use scene::{Icons, Scene};
pub use under::{Detail, Place, Taken, detail, place, take};
#[cfg(any(test, fuzzing))]
pub use view::model;
pub use view::{FoldAction, Head, Spot, View, Window};
