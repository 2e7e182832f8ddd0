//! Disks that fail: what stands before a journal's file and does to its writes what disks do.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::step::Disk;
use crate::{domain::SessionId, session::journal::Tape};

/// How it is with the disk, by the session whose journal is on it.
#[derive(Clone, Debug, Default)]
pub struct Disks(Arc<Mutex<HashMap<SessionId, Disk>>>);

impl Disks {
    pub fn set(&self, session: &SessionId, disk: Disk) {
        self.with(|disks| disks.insert(session.clone(), disk));
    }

    pub fn get(&self, session: &SessionId) -> Disk {
        self.with(|disks| disks.get(session).copied().unwrap_or_default())
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashMap<SessionId, Disk>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn lay(&self, session: &SessionId, file: File) -> Box<dyn Tape> {
        Box::new(Worn { file, session: session.clone(), disks: self.clone(), writes: 0 })
    }
}

#[derive(Debug)]
struct Worn {
    file: File,
    session: SessionId,
    disks: Disks,
    writes: u64,
}

impl Write for Worn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        match self.disks.get(&self.session) {
            Disk::Well => self.file.write(bytes),
            Disk::Short if self.writes.is_multiple_of(3) => Err(io::ErrorKind::Interrupted.into()),
            Disk::Short => self.file.write(&bytes[..bytes.len().min(self.writes as usize % 7 + 1)]),
            Disk::Fills(0) | Disk::Full => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            Disk::Fills(left) => {
                let written = self.file.write(&bytes[..bytes.len().min(left)])?;
                self.disks.set(&self.session, Disk::Fills(left - written));
                Ok(written)
            }
            Disk::Dead => Err(io::Error::from_raw_os_error(libc::EIO)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tape for Worn {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        match self.disks.get(&self.session) {
            Disk::Dead => Err(io::Error::from_raw_os_error(libc::EIO)),
            _ => self.file.set_len(len),
        }
    }

    fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}
