//! The files that journals are in: made, opened, locked. Whatever stands in a journal's place and is none is left alone.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, OFlags},
    io::Errno,
};

use super::{JournalError, path};
use crate::{domain::SessionId, private};

pub(super) fn create(folder: &Path, session: &SessionId) -> io::Result<File> {
    // Whatever is wrong with the folder, it is not that the session exists.
    private::folder(folder).map_err(|error| io::Error::other(error.to_string()))?;
    // A link in its place exists too.
    let file = private::open(OpenOptions::new().append(true).create_new(true), &path(folder, session))?;
    // Nobody else can have it.
    lock(&file);
    Ok(file)
}

pub(super) fn open(folder: &Path, session: &SessionId) -> Result<File, JournalError> {
    open_with(OpenOptions::new().read(true), folder, session)
}

/// To be gone on with.
pub(super) fn open_to_append(folder: &Path, session: &SessionId) -> Result<File, JournalError> {
    // What is wrong with it for a reader too comes first.
    open(folder, session)?;
    open_with(OpenOptions::new().read(true).append(true), folder, session).map_err(|error| match error {
        JournalError::Unreadable { path, source } => {
            JournalError::Unwritable { session: session.clone(), path, source }
        }
        other => other,
    })
}

fn open_with(options: &mut OpenOptions, folder: &Path, session: &SessionId) -> Result<File, JournalError> {
    let path = path(folder, session);
    // A link would lead to somebody else's file, and whoever opens a pipe may wait for ever.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = options.custom_flags(flags.cast_signed()).open(&path);
    match file {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Ok(file),
        Ok(_) => Err(JournalError::NoFile { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(JournalError::Missing(session.clone())),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Err(JournalError::NoFile { path }),
        Err(source) => Err(JournalError::Unreadable { path, source }),
    }
}

/// False if another backend has the file, or another session of ours. One that is about to let go of it is waited for.
pub(super) fn lock(file: &File) -> bool {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..50 {
        if !try_lock(file, FlockOperation::NonBlockingLockExclusive) {
            std::thread::sleep(PAUSE);
            continue;
        }
        return true;
    }
    false
}

/// Somebody goes on with the session: another backend, or a session of ours. Not to be asked of a file that is locked by
/// itself, which would not be so any more.
pub(super) fn is_taken(file: &File) -> bool {
    // Only asked: whoever wants to have it tries for longer than this takes.
    let free = try_lock(file, FlockOperation::NonBlockingLockShared);
    let _ = rustix::fs::flock(file, FlockOperation::NonBlockingUnlock);
    !free
}

fn try_lock(file: &File, operation: FlockOperation) -> bool {
    match rustix::fs::flock(file, operation) {
        Err(Errno::WOULDBLOCK) => false,
        Err(error) => {
            // Some network file systems know no locks.
            tracing::debug!(%error, "a journal cannot be locked");
            true
        }
        Ok(()) => true,
    }
}

/// So that the next message is not part of it. Returns how long the file is.
pub(super) fn end_torn_line(file: &mut File) -> io::Result<u64> {
    let mut len = file.metadata()?.len();
    let mut last = [b'\n'];
    if len > 0 {
        file.seek(SeekFrom::Start(len - 1))?;
        file.read_exact(&mut last)?;
    }
    if last != *b"\n" {
        file.write_all(b"\n")?;
        len += 1;
    }
    Ok(len)
}
