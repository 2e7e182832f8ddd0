//! A transcript into a file: a part at a time, each asked of its session when the one before is on the disk, so that no copy
//! of a long one is made and nobody waits for the disk.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use rmpv::Value;
use tokio::sync::oneshot;

use super::{
    Callback,
    beside::on_disk,
    told::{not_written, temporary_file},
};
use crate::{
    domain::SessionId,
    nvim::encode::table,
    render::ExportPlace,
    session::{HubHandle, Request},
};

pub(super) fn export(hub: HubHandle, session: SessionId, callback: Callback) {
    tokio::spawn(async move { callback.done(written(&hub, &session).await) });
}

async fn written(hub: &HubHandle, session: &SessionId) -> Result<Value, String> {
    let (path, file) = on_disk(temporary_file).await?;
    match parts(hub, session, &path, file).await {
        Ok(()) => Ok(table([("text_file", path.to_string_lossy().into())])),
        Err(error) => {
            on_disk(move || {
                let _ = fs::remove_file(&path);
                Err(error)
            })
            .await
        }
    }
}

async fn parts(hub: &HubHandle, session: &SessionId, path: &Path, mut file: File) -> Result<(), String> {
    let mut from = Some(ExportPlace::default());
    while let Some(place) = from {
        let (reply, part) = oneshot::channel();
        hub.send(Request::Export { session: session.clone(), from: place, reply });
        let part = part.await.unwrap_or_else(|_| Err("the session has ended".to_owned()))?;
        from = part.next;
        let path = path.to_owned();
        let write = move || match file.write_all(part.text.as_bytes()) {
            Ok(()) => Ok(file),
            Err(error) => Err(not_written(&path, &error)),
        };
        file = on_disk(write).await?;
    }
    Ok(())
}
