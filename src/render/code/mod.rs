//! Code in colours: which language it is, what its words are, and what of that is known for one transcript.
//!
//! Knows text, not windows. [`Highlighter`] is the costly part, for whoever has the time; [`Colours`] keeps what it found
//! and says what is wanted next, so that text never waits for it.

mod colours;
mod groups;
mod highlighter;
mod language;
mod pieces;

pub use colours::{Coloured, Colours, Fence, Outcome};
pub use groups::Group;
pub use highlighter::{Highlighter, Side, Source, Span, Syntaxes};
pub use pieces::{Block, Job, JobLine, Lines};
pub(super) use pieces::{file_of, fingerprint, numbered};

/// Longer lines are shown without colours: their regular expressions take too long. In bytes.
pub const MOST_LINE: usize = 512;
/// Longer blocks are shown without colours, in bytes.
pub const MOST_BLOCK: usize = 1024 * 1024;
