//! The backends of other Neovims of the same user: which sessions they have, and how they let go of one.
//!
//! Each listens on a Unix socket in one folder, `<pid>-<start>.sock`; who wants to know something connects, says one line
//! of JSON and is answered with one. What is on the line is in `line`, the sockets are in `socket`. Who may write a
//! journal is not decided here but by its lock: a peer that cannot be reached is seen by that only.

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod line;
mod serve;
mod socket;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use tokio::{sync::mpsc, task::JoinSet};

use self::line::{Answer, Ask};
pub(super) use self::serve::listen;
use super::{journal::Project, request::Request};
use crate::domain::{Elsewhere, Other, SessionId};

/// What our own socket takes requests for: never what keeps the hub alive.
pub(super) type Weak = mpsc::WeakUnboundedSender<Request>;

/// Where all of them meet, and which of them is ours. That is gone when it is dropped.
#[derive(Clone, Debug)]
pub(super) struct Meeting {
    pub(super) folder: PathBuf,
    pub(super) own: String,
}

impl Meeting {
    /// `started_at` in Unix milliseconds.
    pub(super) fn at(folder: PathBuf, started_at: i64) -> Self {
        // Tests have several in a process.
        static SERIAL: AtomicI64 = AtomicI64::new(0);
        let start = started_at + SERIAL.fetch_add(1, Relaxed);
        Self { folder, own: format!("{}-{start}.sock", std::process::id()) }
    }

    /// Nobody is to find us any more.
    pub(super) fn leave(&self) {
        let _ = std::fs::remove_file(self.folder.join(&self.own));
    }

    /// The sessions of all others: of the project around a directory, or all. One that does not answer in time has none.
    pub(super) async fn others(self, around: Option<PathBuf>) -> Vec<Other> {
        let mut asked = JoinSet::new();
        for name in self.peers().await {
            let folder = self.folder.clone();
            asked.spawn(async move { line::ask(&folder, &name, &Ask::Rows).await });
        }
        let mut others: Vec<Other> = Vec::new();
        while let Some(answer) = asked.join_next().await {
            if let Ok(Ok(Answer { pid, rows, .. })) = answer {
                others.extend(rows.into_iter().map(|summary| Other { summary, elsewhere: Elsewhere { pid } }));
            }
        }
        let others = match around {
            None => others,
            Some(around) => within(around, others).await,
        };
        let mut others = others;
        others.sort_by(|one, other| {
            let key = |other: &Other| (other.summary.started_at, other.summary.session_id.clone());
            key(one).cmp(&key(other))
        });
        others
    }

    /// Whoever has the session is asked to let go of it. An error is a sentence.
    pub(super) async fn release(self, session: SessionId) -> Result<(), String> {
        for name in self.peers().await {
            let rows = line::ask(&self.folder, &name, &Ask::Rows).await;
            if !rows.is_ok_and(|answer| answer.rows.iter().any(|row| row.session_id == session)) {
                continue;
            }
            let ask = Ask::Release { session_id: session.clone() };
            return match line::ask(&self.folder, &name, &ask).await {
                Ok(Answer { error: None, .. }) => Ok(()),
                Ok(Answer { error: Some(error), .. }) => {
                    Err(format!("the other Neovim keeps session {session}: {error}"))
                }
                Err(error) => Err(format!("the other Neovim has not let go of session {session}: {error}")),
            };
        }
        Err(format!("no Neovim that can be reached has session {session}: stop it where it runs, or try again"))
    }

    async fn peers(&self) -> Vec<String> {
        let (folder, own) = (self.folder.clone(), self.own.clone());
        let found = tokio::task::spawn_blocking(move || socket::names(&folder)).await;
        found.unwrap_or_default().into_iter().filter(|name| *name != own).collect()
    }
}

async fn within(around: PathBuf, others: Vec<Other>) -> Vec<Other> {
    let kept = tokio::task::spawn_blocking(move || {
        let mut project = Project::around(&around);
        others.into_iter().filter(|other| project.holds(Path::new(&other.summary.cwd))).collect()
    });
    kept.await.unwrap_or_default()
}
