//! Answers other backends: each connection is one question, and the hub has the answer.

use std::{io, sync::Arc};

use tokio::{
    net::UnixStream,
    sync::{Semaphore, oneshot},
};

use super::{
    Meeting, Weak,
    line::{self, Answer, Ask},
    socket,
};
use crate::session::request::Request;

/// Questions at once; whoever comes then is not answered, which its patience covers.
const MOST: usize = 16;

/// Until the hub is gone. Where nobody can listen that is written down: the sessions are ours all the same.
pub(in crate::session) async fn listen(meeting: Meeting, hub: Weak) {
    let Meeting { folder, own } = meeting;
    let shown = folder.display().to_string();
    let bound = tokio::task::spawn_blocking(move || socket::bind(&folder, &own)).await;
    let listener = match bound.map_err(io::Error::other).flatten() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, folder = shown, "other Neovims cannot ask for our sessions");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: whoever asks now will ask again.
                tracing::warn!(%error, "another Neovim could not be answered");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
        };
        if hub.upgrade().is_none() {
            return;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let hub = hub.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &hub).await {
                tracing::debug!(%error, "another Neovim was not answered");
            }
            drop(place);
        });
    }
}

async fn answer(mut stream: UnixStream, hub: &Weak) -> io::Result<()> {
    // The folder is private; that is made sure of twice.
    if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let said = match line::asked(&mut stream).await? {
        Ok(Ask::Rows) => {
            let (reply, rows) = oneshot::channel();
            send(hub, Request::Rows { reply })?;
            rows.await.map_err(|_| gone()).map(|rows| Answer { rows, ..Answer::default() })?
        }
        Ok(Ask::Release { session_id: session }) => {
            let (reply, released) = oneshot::channel();
            send(hub, Request::LetGo { session, reply })?;
            let error = released.await.map_err(|_| gone())?.err();
            Answer { error, ..Answer::default() }
        }
        Err(error) => Answer { error: Some(error), ..Answer::default() },
    };
    // Who started us is the editor.
    let pid = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
    let rows = said.rows.into_iter().map(line::bare).collect();
    line::write(&mut stream, &Answer { pid, rows, ..said }).await
}

fn send(hub: &Weak, request: Request) -> io::Result<()> {
    hub.upgrade().and_then(|hub| hub.send(request).ok()).ok_or_else(gone)
}

fn gone() -> io::Error {
    io::Error::other("the backend is on its way out")
}
