//! What an entry's layout is: lines of ours, and whether the agent's own text flows on below them.

use super::line::Line;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The agent's prose, as Markdown.
    Prose,
    /// The same in one quiet colour.
    Thought,
}

/// An entry, laid out as far as it is ours to lay out.
pub(super) struct Layout {
    pub(super) lines: Vec<Line>,
    /// The entry's own text follows, in this style.
    pub(super) flow: Option<Style>,
}
