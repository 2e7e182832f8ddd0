//! What two backends say to each other: a line each way, as JSON. They may be of different versions: what one does not
//! know of the other's is passed over, and a question that it does not know is answered with a sentence.

use std::{io, path::Path, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};

use super::socket;
use crate::{
    agent::awake,
    domain::{SessionId, SessionSummary},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Ask {
    /// Which sessions it has.
    Rows,
    /// To end the session's agent and let go of its journal.
    Release { session_id: SessionId },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    /// Of its editor.
    pub(super) pid: u32,
    #[serde(deserialize_with = "rows")]
    pub(super) rows: Vec<SessionSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Those that we can read.
fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SessionSummary>, D::Error> {
    let rows = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
}

/// A row as it travels: capabilities are long, and of no use to who only looks.
pub(super) fn bare(row: SessionSummary) -> SessionSummary {
    SessionSummary { capabilities: Arc::default(), ..row }
}

/// A question is short.
const ASK_BYTES: u64 = 4 * 1024;
/// Rows of hundreds of sessions.
const ANSWER_BYTES: u64 = 4 * 1024 * 1024;
/// A backend answers from memory.
const PATIENCE: Duration = Duration::from_secs(1);
/// Ending an agent takes up to 3 s, and what it was doing is written down then.
const RELEASE_PATIENCE: Duration = Duration::from_secs(8);

/// Asks one of them.
pub(super) async fn ask(folder: &Path, name: &str, ask: &Ask) -> io::Result<Answer> {
    let patience = match ask {
        Ask::Rows => PATIENCE,
        Ask::Release { .. } => RELEASE_PATIENCE,
    };
    let asked = async {
        let mut stream = socket::connect(folder, name).await?;
        write(&mut stream, ask).await?;
        serde_json::from_slice(&read(stream, ANSWER_BYTES).await?).map_err(io::Error::from)
    };
    awake::timeout(patience, asked).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// What somebody asks.
pub(super) async fn asked(stream: impl AsyncRead + Unpin) -> io::Result<Result<Ask, String>> {
    let line =
        awake::timeout(PATIENCE, read(stream, ASK_BYTES)).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
    Ok(serde_json::from_slice(&line?).map_err(|error| format!("that is nothing this agor can be asked: {error}")))
}

pub(super) async fn write(stream: &mut (impl AsyncWriteExt + Unpin), value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    awake::timeout(PATIENCE, stream.write_all(&line)).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

async fn read(stream: impl AsyncRead + Unpin, most: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(most)).read_until(b'\n', &mut line).await?;
    match line.last() {
        Some(b'\n') => Ok(line),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
