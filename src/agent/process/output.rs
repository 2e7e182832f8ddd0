//! A program that is run to its end for what it says. Knows bytes and limits, nothing of what they mean.

use std::time::Duration;

use super::{Exit, Invocation, ProcessEvent, spawn};
use crate::agent::awake;

/// Lines of stderr that are kept: programs say first what is wrong, and then how they are to be used.
const STDERR: usize = 50;

/// What a program has said, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub stdout: Vec<u8>,
    /// The first lines.
    pub stderr: Vec<String>,
    pub exit: Exit,
}

/// Displayed, it is what follows the program's name in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    #[error("could not be started: {0}")]
    NotStarted(String),
    #[error("says more than {} KiB", .0 / 1024)]
    TooLong(usize),
    #[error("did not end within {} s", .0.as_secs())]
    TooSlow(Duration),
}

/// Writes `input`, closes it, and waits for the end. A program that says more than `most` bytes, or takes longer than
/// `patience`, is ended by its keeper, and so is one that nobody waits for any more.
pub async fn output(
    invocation: Invocation,
    input: Vec<u8>,
    most: usize,
    patience: Duration,
) -> Result<Output, OutputError> {
    let process = spawn(invocation).map_err(|error| OutputError::NotStarted(error.to_string()))?;
    if !input.is_empty() {
        // One that ends without reading says so by its exit.
        let _ = process.handle.write(input);
    }
    process.handle.close_stdin();
    let mut events = process.events;
    let said = async {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            match events.recv().await {
                Some(ProcessEvent::Bytes(bytes)) => stdout.extend(bytes),
                Some(ProcessEvent::Stderr(line)) if stderr.len() < STDERR => stderr.push(line),
                Some(ProcessEvent::SpawnFailed(why)) => return Err(OutputError::NotStarted(why)),
                Some(ProcessEvent::Exited(exit)) => return Ok(Output { stdout, stderr, exit }),
                Some(_) => {}
                None => return Ok(Output { stdout, stderr, exit: Exit::default() }),
            }
            if stdout.len() > most {
                return Err(OutputError::TooLong(most));
            }
        }
    };
    awake::timeout(patience, said).await.unwrap_or(Err(OutputError::TooSlow(patience)))
}
