//! Ids as newtypes, so that a request's id is never taken for a session's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$attribute:meta])* $name:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        $(#[$attribute])*
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! free_id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* #[serde(transparent)] $name);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    };
}

id!(
    /// A session of ours: it names the journal file, the transcript buffer and the process mark.
    /// At most 128 of `[A-Za-z0-9._-]`, not starting with a dot.
    #[serde(try_from = "String", into = "String")]
    SessionId
);
free_id!(
    /// An agent message. The parts of a message that is still streaming carry its id.
    MessageId
);
free_id!(
    /// A tool call, in the agent's own words; messages of a subagent name it as their parent.
    ToolUseId
);
free_id!(
    /// A permission request or question that waits for an answer.
    RequestId
);
free_id!(
    /// One of the options that an agent offers with a permission request.
    OptionId
);

/// The text is not a session id; displayed, it says what one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no session id: use at most 128 letters, digits, '.', '_' or '-', not starting with '.'")]
pub struct InvalidSessionId(String);

impl SessionId {
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || text.len() > 128 || text.starts_with('.') || !text.chars().all(allowed) {
            let shown: String = text.chars().take(128).collect();
            return Err(InvalidSessionId(shown));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for SessionId {
    type Error = InvalidSessionId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_a_plain_file_name() {
        for good in ["a", "claude-1", "A.b_c-9", &"x".repeat(128)] {
            assert_eq!(SessionId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\n", &"x".repeat(129)] {
            let error = SessionId::parse(bad).expect_err("it must be refused");
            assert!(!error.to_string().contains('\n'), "one line says it: {error}");
        }
    }
}
