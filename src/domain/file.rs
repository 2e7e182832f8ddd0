//! Files that an agent reads and writes through us: the text is the editor's where a buffer holds it.

use std::path::PathBuf;

use super::id::RequestId;

/// Answered exactly once, by [`super::Command::File`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    pub request_id: RequestId,
    /// As the agent gave it.
    pub path: PathBuf,
    pub access: FileAccess,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAccess {
    Read {
        /// From 1.
        line: Option<u64>,
        /// In lines.
        limit: Option<u64>,
    },
    /// The whole of it.
    Write { text: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    Text(String),
    Written,
    /// There is no such file.
    Missing,
    /// A sentence that the agent is told.
    Failed(String),
}
