//! Capped lines over any byte stream. Knows nothing of JSON, agents or sessions.

/// One line of an agent's output, its end (`\n` or `\r\n`) cut off, invalid UTF-8 replaced. Empty lines do not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Line(String),
    /// A line longer than the cap was skipped up to its newline; how many bytes it had.
    TooLong {
        bytes: u64,
    },
}

/// A line over 10 MiB is skipped.
pub const MAX_LINE: usize = 10 * 1024 * 1024;
