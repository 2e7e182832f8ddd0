//! What the session's row says that nobody reports as such: its project, the last line of its agent, the user's name for
//! it.

use std::path::{Path, PathBuf};

use tokio::time::{Duration, Instant};

use super::{Actor, Done};
use crate::{domain::MessageId, session::project::project};

impl Actor {
    /// On a thread that may wait for the disk; once more whenever the session's directory is another one.
    pub(super) fn find_project(&mut self) {
        let of = self.options.cwd.clone();
        self.jobs.spawn_blocking(move || Done::Project { project: project(&of), of });
    }

    pub(super) fn has_project(&mut self, of: &PathBuf, project: &Path) {
        if *of == self.options.cwd {
            let project = project.to_string_lossy().into_owned();
            self.change(|summary| summary.project = project);
        }
    }

    /// What the agent says changes the row many times a second: it is told at the next full second, when all sessions
    /// tell theirs, so that the editor hears of them in one call.
    pub(super) fn hear(&mut self, id: &MessageId, part: bool, text: &str) {
        self.state.hear(id, part, text);
        if self.line_at.is_none() {
            let left = 1000 - self.common.now().rem_euclid(1000);
            self.line_at = Some(Instant::now() + Duration::from_millis(left.unsigned_abs()));
        }
    }

    pub(super) fn tell_line(&mut self) {
        let before = self.state.summary.last_line.clone();
        self.state.refresh();
        if self.state.summary.last_line != before {
            self.tell_row();
        }
    }

    pub(super) fn rename(&mut self, name: &str) {
        self.state.set_name(name.to_owned());
        self.tell_row();
        self.sync();
    }
}
