//! For whom an entry is laid out: the room there is, the time it is, and the signs that may be drawn. Knows no entries.

/// What a layout depends on beside the transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    pub icons: Icons,
    /// Cells of text in the narrowest window that shows it; 0 if none is known.
    pub width: usize,
    /// Unix milliseconds.
    pub now: i64,
}

/// The signs before entries; what they say stands in words too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Icons {
    #[default]
    Unicode,
    Nerd,
    Ascii,
}

impl Icons {
    pub fn parse(name: &str) -> Self {
        match name {
            "nerd" => Icons::Nerd,
            "ascii" => Icons::Ascii,
            _ => Icons::Unicode,
        }
    }

    pub(super) fn pick(self, unicode: &'static str, nerd: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Icons::Unicode => unicode,
            Icons::Nerd => nerd,
            Icons::Ascii => ascii,
        }
    }

    pub(super) fn prompt(self) -> &'static str {
        self.pick("❯", "\u{f054}", ">")
    }

    pub(super) fn thinking(self) -> &'static str {
        self.pick("✻", "\u{f0eb}", "*")
    }

    pub(super) fn running(self) -> &'static str {
        self.pick("●", "\u{f111}", "-")
    }

    pub(super) fn done(self) -> &'static str {
        self.pick("✓", "\u{f00c}", "+")
    }

    pub(super) fn failed(self) -> &'static str {
        self.pick("✗", "\u{f00d}", "x")
    }

    pub(super) fn pending(self) -> &'static str {
        self.pick("○", "\u{f10c}", "o")
    }

    // Steps of a plan: a letter before their text would say nothing.

    pub(super) fn step_pending(self) -> &'static str {
        self.pick("○", "\u{f10c}", "[ ]")
    }

    pub(super) fn step_active(self) -> &'static str {
        self.pick("▸", "\u{f0da}", "[>]")
    }

    pub(super) fn step_done(self) -> &'static str {
        self.pick("✓", "\u{f00c}", "[x]")
    }

    pub(super) fn bar(self) -> &'static str {
        self.pick("│", "│", "|")
    }

    pub(super) fn dot(self) -> &'static str {
        self.pick("·", "·", "-")
    }

    pub(super) fn ellipsis(self) -> &'static str {
        self.pick("…", "…", "...")
    }
}
