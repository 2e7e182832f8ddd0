//! The trace of the session's wire, while the user wants one.

use std::path::PathBuf;

use super::Actor;
use crate::{
    agent::trace::{Direction, Trace},
    session::updates::Level,
};

impl Actor {
    pub(super) fn set_trace(&mut self, on: bool) -> Result<PathBuf, String> {
        let path = self.trace_path().ok_or("there is no folder for traces: see :checkhealth agor")?;
        self.trace = match on {
            true => Some(Trace::open(&path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?),
            false => None,
        };
        Ok(path)
    }

    fn trace_path(&self) -> Option<PathBuf> {
        self.common.traces.as_deref().map(|folder| Trace::path(folder, &self.options.session_id))
    }

    /// One that cannot be written ends, and that is said: with lines missing in its middle it would be replayed as what it
    /// is not. The session goes on.
    pub(super) fn trace(&mut self, direction: Direction, line: &str) {
        let Some(trace) = &mut self.trace else { return };
        if let Err(error) = trace.write(direction, &self.redactor.line(line)) {
            tracing::warn!(%error, "the trace cannot be written");
            self.trace = None;
            let path = self.trace_path().unwrap_or_default();
            let message = format!(
                "the trace {} cannot be written any more: {error}; :Agor trace on goes on with it",
                path.display()
            );
            self.notify(Level::Warn, message);
        }
    }
}
