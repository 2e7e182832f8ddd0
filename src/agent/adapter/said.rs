//! What has been said of a text that is still arriving, kept to be said again as a whole at its end. Knows nothing of whose it
//! is.
//!
//! The session has all of it already, so of a long one nothing is kept: its parts are all that is said of it.

/// A text that is longer is not kept: it would be there twice.
const MOST: usize = 4 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    All(String),
    TooLong,
}

impl Default for Said {
    fn default() -> Self {
        Said::All(String::new())
    }
}

impl Said {
    pub fn push(&mut self, more: &str) {
        match self {
            Said::All(text) if text.len() + more.len() <= MOST => text.push_str(more),
            _ => *self = Said::TooLong,
        }
    }

    /// Whatever its length: nobody else has it.
    pub fn keep(&mut self, more: &str) {
        if let Said::All(text) = self {
            text.push_str(more);
        }
    }

    /// False, too, if that cannot be known.
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Said::All(said) if said == text)
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Said::All(text) if text.is_empty())
    }

    /// The whole; `None` if it is not kept.
    pub fn whole(self) -> Option<String> {
        match self {
            Said::All(text) => Some(text),
            Said::TooLong => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_not_kept_a_second_time() {
        let mut said = Said::default();
        assert!(said.is_empty());
        said.push(&"x".repeat(MOST));
        assert_eq!(said.clone().whole().map(|text| text.len()), Some(MOST));
        said.push("y");
        said.push("z");
        assert_eq!(said, Said::TooLong);
        assert!(!said.is_empty());
        assert_eq!(said.whole(), None);
    }
}
